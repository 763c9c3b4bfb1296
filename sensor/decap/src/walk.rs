//! The walk from the link layer inwards: one loop over a closed set of layers.
//!
//! Each layer's module peels its own header and names what follows; the loop owns the budget, the
//! peeled stack and the count of bytes that the capture cut off the end of the packet.

use core::mem;
use core::net::IpAddr;

use crate::counters::Refusal;
use crate::fragment::Fragment;
use crate::tunnel::udp::Carried;
use crate::{DecapSettings, Encapsulation, Layer, RawPacket, Segment};
use crate::{fabric, ip, link, tcp, tunnel, vlan, wlan};

/// What the next byte is the start of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// An Ethernet header.
    Ethernet,
    /// What follows an EtherType of this number.
    EtherType(u16),
    /// An IEEE 802.2 LLC header.
    Llc,
    /// A PPP frame, with or without address and control bytes.
    Ppp,
    /// An IEEE 802.11 frame.
    Wlan,
    /// What a pseudowire or label stack carries: IP or Ethernet by its first nibble.
    MplsPayload,
    /// IP, the version by its first nibble.
    Ip,
    /// What an IP header says it carries.
    Transport(u8),
}

/// The facts of the innermost IP header so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct IpFacts {
    pub(crate) source: IpAddr,
    pub(crate) destination: IpAddr,
    /// IPv4 identification, 0 for IPv6.
    pub(crate) id: u16,
    pub(crate) hop_limit: u8,
}

/// Why the walk ended without a segment.
#[derive(Debug)]
pub(crate) enum Stop<'a> {
    Refused(Refusal),
    /// The datagram is fragmented; the walk can go on when it is whole.
    Fragment(Fragment<'a>),
}

impl From<Refusal> for Stop<'_> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// A header that ends before the captured bytes do, and what follows it.
pub(crate) type Peeled<'a> = Result<(Protocol, &'a [u8]), Refusal>;

/// The same with the identity the header carries.
pub(crate) type Named<'a> = Result<(Layer, Protocol, &'a [u8]), Refusal>;

/// Splits `N` header bytes off the front.
pub(crate) fn take<const N: usize>(data: &[u8]) -> Result<(&[u8; N], &[u8]), Refusal> {
    data.split_first_chunk::<N>()
        .ok_or(Refusal::TruncatedHeader)
}

/// Skips `count` header bytes.
pub(crate) fn skip(data: &[u8], count: usize) -> Result<&[u8], Refusal> {
    data.get(count..).ok_or(Refusal::TruncatedHeader)
}

/// One packet on its way inwards.
#[derive(Debug)]
pub(crate) struct Walk<'a, 's> {
    settings: &'s DecapSettings,
    packet: RawPacket<'a>,
    pub(crate) data: &'a [u8],
    /// Bytes that were on the wire after the end of `data`.
    pub(crate) missing: u32,
    pub(crate) ip: Option<IpFacts>,
    pub(crate) encapsulation: Encapsulation,
    pub(crate) layers_left: u8,
}

impl<'a, 's> Walk<'a, 's> {
    pub(crate) fn new(settings: &'s DecapSettings, packet: RawPacket<'a>) -> Self {
        let captured = u32::try_from(packet.data.len()).unwrap_or(u32::MAX);
        Self {
            settings,
            packet,
            data: packet.data,
            missing: packet.wire_len.saturating_sub(captured),
            ip: None,
            encapsulation: Encapsulation::default(),
            layers_left: settings.layers_max,
        }
    }

    /// A walk that goes on inside a datagram made whole from fragments.
    pub(crate) fn resume(
        settings: &'s DecapSettings,
        packet: RawPacket<'a>,
        at: Resume,
        data: &'a [u8],
    ) -> Self {
        Self {
            settings,
            packet,
            data,
            missing: 0,
            ip: Some(at.ip),
            encapsulation: at.encapsulation,
            layers_left: at.layers_left,
        }
    }

    /// Peels from the link layer.
    pub(crate) fn run_from_link(&mut self) -> Result<Segment<'a>, Stop<'a>> {
        let (protocol, data) = link::peel(self.packet.link_type, self.packet.data)?;
        self.data = data;
        self.run(protocol)
    }

    /// Peels until TCP or a refusal.
    pub(crate) fn run(&mut self, first: Protocol) -> Result<Segment<'a>, Stop<'a>> {
        let mut protocol = first;
        loop {
            if self.layers_left == 0 {
                return Err(Refusal::NestingBudget.into());
            }
            self.layers_left -= 1;
            if protocol == Protocol::Transport(tcp::PROTOCOL) {
                return Ok(self.segment()?);
            }
            protocol = self.step(protocol)?;
        }
    }

    /// Notes a peeled layer.
    pub(crate) fn push(&mut self, layer: Layer) {
        self.encapsulation.0.push(layer);
    }

    fn step(&mut self, protocol: Protocol) -> Result<Protocol, Stop<'a>> {
        let (next, data) = match protocol {
            Protocol::Ethernet => link::ethernet(self.data)?,
            Protocol::Llc => link::llc(self.data)?,
            Protocol::Ppp => link::ppp(self.data)?,
            Protocol::EtherType(number) => return self.ethertype(number),
            Protocol::Wlan => {
                let named = wlan::frame(self.data);
                return Ok(self.name(named)?);
            }
            Protocol::MplsPayload => tunnel::mpls::payload(self.data)?,
            Protocol::Ip => return self.ip_packet(),
            Protocol::Transport(number) => return Ok(self.transport(number)?),
        };
        self.data = data;
        Ok(next)
    }

    /// Notes a layer with its identity and goes on behind it.
    fn name(&mut self, named: Named<'a>) -> Result<Protocol, Refusal> {
        let (layer, next, data) = named?;
        self.push(layer);
        self.data = data;
        Ok(next)
    }

    fn ethertype(&mut self, number: u16) -> Result<Protocol, Stop<'a>> {
        let named = match number {
            link::ETHERTYPE_IPV4 | link::ETHERTYPE_IPV6 => return Ok(Protocol::Ip),
            link::ETHERTYPE_BRIDGED => return Ok(Protocol::Ethernet),
            // PPP, as GRE carries it.
            0x880b => return Ok(Protocol::Ppp),
            // Below 1536 the field is an IEEE 802.3 length and LLC follows.
            0..=1535 => return Ok(Protocol::Llc),
            0x8100 | 0x88a8 | 0x9100 | 0x9200 | 0x9300 => vlan::tag(self.data),
            link::ETHERTYPE_MPLS | link::ETHERTYPE_MPLS_MULTICAST => {
                tunnel::mpls::label(number, self.data)
            }
            tunnel::pppoe::ETHERTYPE => tunnel::pppoe::session(self.data),
            link::ETHERTYPE_NSH => tunnel::nsh::header(self.data),
            fabric::ETHERTYPE_VN_TAG => fabric::vn_tag(self.data),
            fabric::ETHERTYPE_E_TAG => fabric::e_tag(self.data),
            fabric::ETHERTYPE_PROVIDER_BACKBONE => fabric::provider_backbone(self.data),
            fabric::ETHERTYPE_CISCO_METADATA => fabric::cisco_metadata(self.data),
            fabric::ETHERTYPE_FABRIC_PATH => fabric::fabric_path(self.data),
            _ => return Err(Refusal::EtherType(number).into()),
        };
        Ok(self.name(named)?)
    }

    fn ip_packet(&mut self) -> Result<Protocol, Stop<'a>> {
        let packet = ip::packet(self.data, self.missing, self.settings.ipv6_extensions_max)?;
        self.ip = Some(packet.facts);
        if let Some(part) = packet.fragment {
            return Err(Stop::Fragment(Fragment {
                at: Resume {
                    ip: packet.facts,
                    protocol: packet.protocol,
                    encapsulation: self.encapsulation.clone(),
                    layers_left: self.layers_left,
                },
                part,
                data: packet.payload,
                truncated: packet.missing > 0,
            }));
        }
        self.data = packet.payload;
        self.missing = packet.missing;
        Ok(Protocol::Transport(packet.protocol))
    }

    fn transport(&mut self, number: u8) -> Result<Protocol, Refusal> {
        let named = match number {
            // IPv4 in IP, IPv6 in IP.
            4 | 41 => Ok((Layer::IpInIp, Protocol::Ip, self.data)),
            tunnel::udp::PROTOCOL => match tunnel::udp::payload(self.data, self.settings)? {
                Carried::Tunnel(named) => named,
                Carried::Gre(data) => return self.gre(data),
            },
            tunnel::udp::GRE => return self.gre(self.data),
            tunnel::esp::PROTOCOL => tunnel::esp::packet(self.data),
            // EtherIP (RFC 3378): a version and a reserved byte, then a frame.
            97 => skip(self.data, 2).map(|rest| (Layer::EtherIp, Protocol::Ethernet, rest)),
            tunnel::L2TP_PROTOCOL => tunnel::l2tp::version_3(self.data),
            137 => tunnel::mpls::label(link::ETHERTYPE_MPLS, self.data),
            // Ethernet in IPv6, as segment routing has it (RFC 8986).
            143 => Ok((Layer::EtherIp, Protocol::Ethernet, self.data)),
            _ => Err(Refusal::IpProtocol(number)),
        };
        self.name(named)
    }

    /// GRE names up to two layers at once.
    fn gre(&mut self, data: &'a [u8]) -> Result<Protocol, Refusal> {
        let peeled = tunnel::gre::packet(data)?;
        for layer in peeled.layers.into_iter().flatten() {
            self.push(layer);
        }
        self.data = peeled.data;
        Ok(peeled.next)
    }

    fn segment(&mut self) -> Result<Segment<'a>, Refusal> {
        let ip = self.ip.ok_or(Refusal::MalformedHeader)?;
        let header = tcp::header(self.data, self.missing)?;
        Ok(header.into_segment(&self.packet, ip, mem::take(&mut self.encapsulation)))
    }
}

/// Where a walk goes on when a datagram is whole.
#[derive(Clone, Debug)]
pub(crate) struct Resume {
    pub(crate) ip: IpFacts,
    pub(crate) protocol: u8,
    pub(crate) encapsulation: Encapsulation,
    pub(crate) layers_left: u8,
}
