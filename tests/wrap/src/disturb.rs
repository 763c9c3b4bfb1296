//! What networks and mirrors do to packets without losing any: cut segments differently, send them
//! twice, tag them, and change their order within the grace of a hole.

use std::collections::{HashMap, HashSet};

use tapscope_decap::Timestamp;

use crate::headers::tagged;
use crate::packet::Packet;

/// The longest delay of a packet; a hole of the reassembler stays open four times as long.
const DELAY_NANOS_MAX: u64 = 50_000_000;

/// Most packets that overtake one.
const OVERTAKEN_MAX: usize = 20;

/// Packets of a connection that keep their place: where its streams begin is told by order.
const FIRST: u32 = 6;

/// Random numbers from a seed (SplitMix64).
#[derive(Debug)]
pub struct Random(pub u64);

impl Random {
    /// A number below `bound`, 0 when that is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound.max(1)
    }

    fn below_len(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(bound as u64)).unwrap_or(0)
    }
}

type Apply = fn(&[Packet], &mut Random) -> Vec<Packet>;

/// One way to disturb a capture.
pub struct Disturbance {
    /// Its name.
    pub name: &'static str,
    /// The exchanges are the same to the last nanosecond, and not only in what they say: a hole is
    /// given up after a number of segments, so that other segments give it up at another time.
    pub is_exact: bool,
    apply: Apply,
}

impl Disturbance {
    /// The packets after it.
    #[must_use]
    pub fn apply(&self, packets: &[Packet], seed: u64) -> Vec<Packet> {
        (self.apply)(packets, &mut Random(seed))
    }
}

/// Every disturbance.
pub const DISTURBANCES: &[Disturbance] = &[
    disturbance("segments_in_pieces", false, pieces),
    disturbance("segments_in_crumbs", false, crumbs),
    disturbance("every_packet_twice", true, twice),
    disturbance("every_packet_again_in_another_vlan", true, twice_tagged),
    disturbance("copies_later", false, copies_later),
    disturbance("tags_of_one_direction", true, one_direction),
    disturbance("another_order", false, reordered),
    disturbance("everything_at_once", false, |packets, random| {
        let packets = twice_tagged(&pieces(packets, random), random);
        reordered(&one_direction(&packets, random), random)
    }),
];

const fn disturbance(name: &'static str, is_exact: bool, apply: Apply) -> Disturbance {
    Disturbance {
        name,
        is_exact,
        apply,
    }
}

/// Where the parts of a TCP packet lie in its frame.
struct Tcp {
    ip: usize,
    tcp: usize,
    payload: usize,
    end: usize,
    flags: u8,
}

impl Tcp {
    const FIN: u8 = 1;
    const SYN: u8 = 2;
    const RST: u8 = 4;
    const URG: u8 = 0x20;

    /// Of a whole packet with TCP right behind its IP header.
    fn of(packet: &Packet) -> Option<Self> {
        let (ip, len) = packet.ip_range()?;
        let data = packet.data.get(ip..ip + len)?;
        let word = |at: usize| Some(u16::from_be_bytes([*data.get(at)?, *data.get(at + 1)?]));
        let (header, stated) = match data.first()? >> 4 {
            4 if *data.get(9)? == 6 && word(6)? & 0x3fff == 0 => {
                (usize::from(data.first()? & 15) * 4, usize::from(word(2)?))
            }
            6 if *data.get(6)? == 6 => (40, usize::from(word(4)?) + 40),
            _ => return None,
        };
        let payload = header + usize::from(data.get(header + 12)? >> 4) * 4;
        let flags = *data.get(header + 13)?;
        (stated == len && payload <= len && packet.cut == 0).then_some(Self {
            ip,
            tcp: ip + header,
            payload: ip + payload,
            end: ip + len,
            flags,
        })
    }
}

/// The part of a segment from `from` to `to` as a packet of its own.
fn part(packet: &Packet, tcp: &Tcp, from: usize, to: usize) -> Packet {
    let mut data = packet.data[..tcp.payload].to_vec();
    data.extend(&packet.data[tcp.payload + from..tcp.payload + to]);
    let len = data.len() - tcp.ip;
    let stated = if data[tcp.ip] >> 4 == 4 {
        len
    } else {
        len - 40
    };
    let at = tcp.ip + if data[tcp.ip] >> 4 == 4 { 2 } else { 4 };
    data[at..at + 2].copy_from_slice(&u16::try_from(stated).unwrap_or(0).to_be_bytes());
    let seq = &packet.data[tcp.tcp + 4..tcp.tcp + 8];
    let seq = u32::from_be_bytes([seq[0], seq[1], seq[2], seq[3]]);
    let seq = seq.wrapping_add(u32::try_from(from).unwrap_or(0));
    data[tcp.tcp + 4..tcp.tcp + 8].copy_from_slice(&seq.to_be_bytes());
    if tcp.payload + to < tcp.end {
        data[tcp.tcp + 13] &= !Tcp::FIN;
    }
    if tcp.flags & Tcp::URG != 0 {
        // Each piece up to the urgent octet announces it.
        let at = tcp.tcp + 18;
        let pointer = u16::from_be_bytes([data[at], data[at + 1]]).max(1);
        match usize::from(pointer).checked_sub(from) {
            None | Some(0) => data[tcp.tcp + 13] &= !Tcp::URG,
            Some(pointer) => {
                let pointer = u16::try_from(pointer).unwrap_or(0);
                data[at..at + 2].copy_from_slice(&pointer.to_be_bytes());
            }
        }
    }
    Packet {
        data,
        ..packet.clone()
    }
}

fn cut(packets: &[Packet], mut piece: impl FnMut() -> usize) -> Vec<Packet> {
    let mut out = Vec::new();
    for packet in packets {
        let cuttable = Tcp::of(packet).filter(|tcp| tcp.flags & (Tcp::SYN | Tcp::RST) == 0);
        let Some(tcp) = cuttable else {
            out.push(packet.clone());
            continue;
        };
        let len = tcp.end - tcp.payload;
        let mut at = 0;
        while at < len {
            let to = (at + piece()).min(len);
            out.push(part(packet, &tcp, at, to));
            at = to;
        }
        if len == 0 {
            out.push(packet.clone());
        }
    }
    out
}

fn pieces(packets: &[Packet], random: &mut Random) -> Vec<Packet> {
    cut(packets, || 1 + random.below_len(900))
}

fn crumbs(packets: &[Packet], random: &mut Random) -> Vec<Packet> {
    cut(packets, || 1 + random.below_len(12))
}

fn twice(packets: &[Packet], _: &mut Random) -> Vec<Packet> {
    packets
        .iter()
        .flat_map(|it| [it.clone(), it.clone()])
        .collect()
}

fn with_tag(packet: &Packet, identifier: u8) -> Packet {
    let is_ethernet = packet.link_type == tapscope_decap::LinkType::ETHERNET;
    Packet {
        data: if is_ethernet {
            tagged(&packet.data, &[0x81, 0, 0, identifier])
        } else {
            packet.data.clone()
        },
        ..packet.clone()
    }
}

fn twice_tagged(packets: &[Packet], _: &mut Random) -> Vec<Packet> {
    let both = |it: &Packet| [it.clone(), with_tag(it, 77)];
    packets.iter().flat_map(both).collect()
}

fn one_direction(packets: &[Packet], _: &mut Random) -> Vec<Packet> {
    let tag = |it: &Packet| {
        if it.is_upwards() {
            with_tag(it, 78)
        } else {
            it.clone()
        }
    };
    packets.iter().map(tag).collect()
}

fn copies_later(packets: &[Packet], random: &mut Random) -> Vec<Packet> {
    let mut keyed = Vec::new();
    for (packet, key) in packets.iter().zip(times(packets)) {
        keyed.push((key, packet.clone()));
        if random.below(100) < 30 {
            let late = i64::try_from(random.below(DELAY_NANOS_MAX)).unwrap_or(0);
            keyed.push((key + late, packet.clone()));
        }
    }
    in_order(keyed)
}

/// The times of packets, made to go forward only.
fn times(packets: &[Packet]) -> Vec<i64> {
    let mut latest = i64::MIN;
    let forward = packets.iter().map(|packet| {
        latest = latest.max(packet.timestamp.nanos());
        latest
    });
    forward.collect()
}

fn in_order(mut keyed: Vec<(i64, Packet)>) -> Vec<Packet> {
    keyed.sort_by_key(|(key, _)| *key);
    let at = |(key, packet)| Packet {
        timestamp: Timestamp::from_nanos(key),
        ..packet
    };
    keyed.into_iter().map(at).collect()
}

/// The two ends of a packet, the same for both directions.
fn ends(packet: &Packet, tcp: &Tcp) -> Vec<u8> {
    let addresses = if packet.data[tcp.ip] >> 4 == 4 {
        (tcp.ip + 12, 4)
    } else {
        (tcp.ip + 8, 16)
    };
    let end = |n: usize| {
        let at = addresses.0 + n * addresses.1;
        let port = tcp.tcp + n * 2;
        [
            &packet.data[at..at + addresses.1],
            &packet.data[port..port + 2],
        ]
        .concat()
    };
    let (a, b) = (end(0), end(1));
    if a < b {
        [a, b].concat()
    } else {
        [b, a].concat()
    }
}

/// The connections in which two copies of a byte differ: which one came first is what their order
/// tells, and another order is another connection.
fn contradicted(packets: &[Packet]) -> HashSet<Vec<u8>> {
    let mut streams: HashMap<(Vec<u8>, Vec<u8>), HashMap<u32, u8>> = HashMap::new();
    let mut found = HashSet::new();
    for packet in packets {
        let Some(tcp) = Tcp::of(packet) else { continue };
        let flow = ends(packet, &tcp);
        let ports = packet.data[tcp.tcp..tcp.tcp + 4].to_vec();
        let sender = [vec![u8::from(packet.is_upwards())], ports].concat();
        let stream = streams.entry((flow.clone(), sender)).or_default();
        if tcp.flags & Tcp::SYN != 0 {
            stream.clear();
        }
        let seq = &packet.data[tcp.tcp + 4..tcp.tcp + 8];
        let seq = u32::from_be_bytes([seq[0], seq[1], seq[2], seq[3]]);
        let payload = &packet.data[tcp.payload..tcp.end];
        // A keep-alive probe's byte is anything.
        for (at, byte) in (0_u32..).zip(payload).filter(|_| payload.len() > 1) {
            if *stream.entry(seq.wrapping_add(at)).or_insert(*byte) != *byte {
                found.insert(flow.clone());
            }
        }
    }
    found
}

fn reordered(packets: &[Packet], random: &mut Random) -> Vec<Packet> {
    let times = times(packets);
    let contradicted = contradicted(packets);
    let mut counts: HashMap<Vec<u8>, u32> = HashMap::new();
    // Packets that keep their place, and whose they are.
    let mut fixed = Vec::new();
    for packet in packets {
        let Some(tcp) = Tcp::of(packet) else {
            fixed.push((true, Vec::new()));
            continue;
        };
        let flow = ends(packet, &tcp);
        let count = counts.entry(flow.clone()).or_default();
        if tcp.flags & Tcp::SYN != 0 {
            *count = 0;
        }
        *count += 1;
        fixed.push((*count <= FIRST || contradicted.contains(&flow), flow));
    }
    let mut limits: HashMap<&[u8], i64> = HashMap::new();
    let mut keyed = Vec::new();
    for (index, packet) in packets.iter().enumerate().rev() {
        let (is_fixed, flow) = &fixed[index];
        let time = times[index];
        if *is_fixed {
            limits.insert(flow, time);
            keyed.push((time, packet.clone()));
            continue;
        }
        let far = times[(index + OVERTAKEN_MAX).min(times.len() - 1)];
        let limit = limits
            .get(flow.as_slice())
            .map_or(far, |limit| far.min(*limit - 1));
        let delay = if random.below(100) < 30 {
            i64::try_from(random.below(DELAY_NANOS_MAX)).unwrap_or(0)
        } else {
            0
        };
        keyed.push(((time + delay).min(limit).max(time), packet.clone()));
    }
    keyed.reverse();
    in_order(keyed)
}
