//! How a packet looks when it reaches the sensor: IPv4 or IPv6, cut at the snap length, and inside
//! what the mirror wraps it in.

use crate::network::Packet;
use crate::random::Random;
use tapscope_decap::{LinkType, Timestamp};
use tapscope_wrap::kinds::{KINDS, Kind};

/// Bytes of the longest IP and TCP header that is written here.
const HEADERS: usize = 72;

/// What the way to the sensor makes of every packet of a case.
pub(crate) struct Way {
    is_v6: bool,
    kind: Option<&'static Kind>,
    /// TCP's timestamps option tells the sender's clock.
    has_clock: bool,
    /// Bytes of a packet that are captured.
    pub(crate) snaplen: usize,
}

impl Way {
    /// Bare IPv4, all of it.
    pub(crate) const PLAIN: Self = Self {
        is_v6: false,
        kind: None,
        has_clock: false,
        snaplen: usize::MAX,
    };

    /// Bare IPv4 or IPv6.
    pub(crate) fn bare(random: &mut Random) -> Self {
        Self {
            is_v6: random.chance(50),
            has_clock: random.chance(50),
            ..Self::PLAIN
        }
    }

    /// Any encapsulation.
    pub(crate) fn any(random: &mut Random) -> Self {
        Self {
            is_v6: random.chance(30),
            kind: Some(&KINDS[random.below(KINDS.len())]),
            has_clock: random.chance(50),
            snaplen: usize::MAX,
        }
    }

    /// Cut short; sometimes with tags that differ by direction.
    pub(crate) fn cut(random: &mut Random) -> Self {
        let tags = KINDS.iter().filter(|kind| kind.name.starts_with("vlan"));
        let tags: Vec<_> = tags.collect();
        Self {
            is_v6: random.chance(30),
            kind: random.chance(50).then(|| tags[random.below(tags.len())]),
            has_clock: random.chance(50),
            snaplen: HEADERS + 200 + random.below(1200),
        }
    }

    /// Whether a packet differs from its repetition.
    pub(crate) const fn tells_repetitions(&self) -> bool {
        !self.is_v6 || self.has_clock
    }

    pub(crate) fn name(&self) -> &'static str {
        self.kind.map_or("bare", |kind| kind.name)
    }

    /// Whether all of a packet is captured.
    pub(crate) fn takes(&self, packet: &Packet) -> bool {
        packet.data.len() + HEADERS <= self.snaplen
    }

    /// What is captured of a packet that comes at `nanos`.
    pub(crate) fn frames(&self, packet: &Packet, nanos: i64) -> Vec<tapscope_wrap::packet::Packet> {
        let mut data = if self.is_v6 {
            ip_v6(packet, &self.tcp(packet))
        } else {
            ip_v4(packet, &self.tcp(packet))
        };
        let whole = data.len();
        if !self.takes(packet) {
            data.truncate(self.snaplen);
        }
        let bare = tapscope_wrap::packet::Packet {
            timestamp: Timestamp::from_nanos(nanos),
            link_type: LinkType::RAW,
            cut: u32::try_from(whole - data.len()).unwrap(),
            data,
        };
        match self.kind {
            Some(kind) => kind.wrap(&bare, packet.ip_id),
            None => vec![bare],
        }
    }

    fn tcp(&self, packet: &Packet) -> Vec<u8> {
        let (from_port, to_port) = if packet.from_client {
            (40_000_u16, 80_u16)
        } else {
            (80, 40_000)
        };
        let mut out = Vec::new();
        out.extend(from_port.to_be_bytes());
        out.extend(to_port.to_be_bytes());
        out.extend(packet.seq.to_be_bytes());
        out.extend(packet.ack.unwrap_or(0).to_be_bytes());
        let ack = if packet.ack.is_some() { 0x10 } else { 0 };
        let urg = if packet.urgent.is_some() { 0x20 } else { 0 };
        let header_len = if self.has_clock { 0x80 } else { 0x50 };
        out.extend([header_len, packet.flags | ack | urg, 0xff, 0xff, 0, 0]);
        out.extend(packet.urgent.unwrap_or(0).to_be_bytes());
        if self.has_clock {
            // The clock goes on with every packet of the tap, as its number does.
            out.extend([1, 1, 8, 10, 0, 0]);
            out.extend(packet.ip_id.to_be_bytes());
            out.extend([0; 4]);
        }
        out.extend(&packet.data);
        out
    }
}

fn ip_v4(packet: &Packet, tcp: &[u8]) -> Vec<u8> {
    let (client, server) = ([10, 0, 0, 1], [10, 0, 0, 2]);
    let (from, to) = if packet.from_client {
        (client, server)
    } else {
        (server, client)
    };
    let mut out = vec![0x45, 0];
    out.extend(u16::try_from(20 + tcp.len()).unwrap().to_be_bytes());
    out.extend(packet.ip_id.to_be_bytes());
    out.extend([0x40, 0, packet.hops, 6, 0, 0]);
    out.extend(from);
    out.extend(to);
    out.extend(tcp);
    out
}

fn ip_v6(packet: &Packet, tcp: &[u8]) -> Vec<u8> {
    let end = |last| {
        let mut address = [0_u8; 16];
        (address[0], address[15]) = (0xfd, last);
        address
    };
    let (from, to) = if packet.from_client {
        (end(1), end(2))
    } else {
        (end(2), end(1))
    };
    let mut out = vec![0x60, 0, 0, 0];
    out.extend(u16::try_from(tcp.len()).unwrap().to_be_bytes());
    out.extend([6, packet.hops]);
    out.extend(from);
    out.extend(to);
    out.extend(tcp);
    out
}
