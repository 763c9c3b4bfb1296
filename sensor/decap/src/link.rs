//! Link-layer headers: what each `LINKTYPE_` of the libpcap registry puts before the network layer.

use crate::counters::Refusal;
use crate::walk::{Peeled, Protocol, skip, take};
use crate::{LinkType, tunnel, wlan};

/// EtherType of IPv4.
pub(crate) const ETHERTYPE_IPV4: u16 = 0x0800;
/// EtherType of IPv6.
pub(crate) const ETHERTYPE_IPV6: u16 = 0x86dd;
/// EtherType of MPLS.
pub(crate) const ETHERTYPE_MPLS: u16 = 0x8847;
/// EtherType of MPLS to several receivers.
pub(crate) const ETHERTYPE_MPLS_MULTICAST: u16 = 0x8848;
/// EtherType of the network service header.
pub(crate) const ETHERTYPE_NSH: u16 = 0x894f;
/// EtherType of transparent Ethernet bridging.
pub(crate) const ETHERTYPE_BRIDGED: u16 = 0x6558;

/// Peels the header of the link layer itself.
pub(crate) fn peel(link_type: LinkType, data: &[u8]) -> Peeled<'_> {
    match link_type {
        LinkType::ETHERNET => Ok((Protocol::Ethernet, data)),
        LinkType::NULL | LinkType::LOOP => loopback(data),
        LinkType::LINUX_SLL => cooked(data),
        LinkType::LINUX_SLL2 => cooked_v2(data),
        LinkType::RAW
        | LinkType::RAW_BSD
        | LinkType::RAW_OPENBSD
        | LinkType::IPV4
        | LinkType::IPV6 => Ok((Protocol::Ip, data)),
        LinkType::PPP | LinkType::PPP_HDLC => Ok((Protocol::Ppp, data)),
        LinkType::PPP_ETHER => Ok((Protocol::EtherType(tunnel::pppoe::ETHERTYPE), data)),
        LinkType::CISCO_HDLC => cisco_hdlc(data),
        LinkType::NFLOG => nflog(data),
        LinkType::PPP_WITH_DIRECTION => Ok((Protocol::Ppp, skip(data, 1)?)),
        LinkType::IEEE802_11 => Ok((Protocol::Wlan, data)),
        LinkType::IEEE802_11_RADIOTAP => wlan::radiotap(data),
        LinkType::IEEE802_11_PRISM | LinkType::IEEE802_11_AVS => wlan::prism(data),
        LinkType::PPI => {
            let (inner, data) = wlan::per_packet_information(data)?;
            peel(inner, data)
        }
        LinkType(number) => Err(Refusal::LinkType(number)),
    }
}

/// Ethernet: two addresses and an EtherType or length.
pub(crate) fn ethernet(data: &[u8]) -> Peeled<'_> {
    let ([.., e0, e1], rest) = take::<14>(data)?;
    Ok((Protocol::EtherType(u16::from_be_bytes([*e0, *e1])), rest))
}

/// IEEE 802.2 LLC, alone or followed by SNAP.
pub(crate) fn llc(data: &[u8]) -> Peeled<'_> {
    let ([dsap, ssap, control], rest) = take::<3>(data)?;
    match (dsap, ssap, control) {
        (0xaa, 0xaa, 0x03) => {
            let ([.., e0, e1], rest) = take::<5>(rest)?;
            Ok((Protocol::EtherType(u16::from_be_bytes([*e0, *e1])), rest))
        }
        // RFC 948: IP directly on LLC.
        (0x06, 0x06, 0x03) => Ok((Protocol::Ip, rest)),
        _ => Err(Refusal::LlcSap(*dsap)),
    }
}

/// PPP (RFC 1661) with optional HDLC address and control bytes and a protocol of one or two bytes.
pub(crate) fn ppp(data: &[u8]) -> Peeled<'_> {
    let framed = match data {
        [0xff, 0x03, rest @ ..] => rest,
        _ => data,
    };
    let ([first], after_first) = take::<1>(framed)?;
    // RFC 1661 section 6.5: an odd first byte is a compressed, whole protocol field.
    let (protocol, rest) = if first & 1 == 1 {
        (u16::from(*first), after_first)
    } else {
        let ([p0, p1], rest) = take::<2>(framed)?;
        (u16::from_be_bytes([*p0, *p1]), rest)
    };
    match protocol {
        0x0021 | 0x0057 => Ok((Protocol::Ip, rest)),
        0x0281 => Ok((Protocol::EtherType(ETHERTYPE_MPLS), rest)),
        0x0283 => Ok((Protocol::EtherType(ETHERTYPE_MPLS_MULTICAST), rest)),
        _ => Err(Refusal::PppProtocol(protocol)),
    }
}

/// BSD loopback: an address family of four bytes in the byte order of whoever captured.
fn loopback(data: &[u8]) -> Peeled<'_> {
    let (family, rest) = take::<4>(data)?;
    let little = u32::from_le_bytes(*family);
    // Families are small: the byte order that gives the smaller number is the right one.
    let number = little.min(little.swap_bytes());
    match number {
        // AF_INET; AF_INET6 of Linux, NetBSD and OpenBSD, FreeBSD, Darwin.
        2 | 10 | 24 | 28 | 30 => Ok((Protocol::Ip, rest)),
        _ => Err(Refusal::AddressFamily(number)),
    }
}

/// Linux cooked capture v1.
fn cooked(data: &[u8]) -> Peeled<'_> {
    let ([.., p0, p1], rest) = take::<16>(data)?;
    cooked_payload(u16::from_be_bytes([*p0, *p1]), rest)
}

/// Linux cooked capture v2.
fn cooked_v2(data: &[u8]) -> Peeled<'_> {
    let ([p0, p1, ..], rest) = take::<20>(data)?;
    cooked_payload(u16::from_be_bytes([*p0, *p1]), rest)
}

fn cooked_payload(protocol: u16, rest: &[u8]) -> Peeled<'_> {
    match protocol {
        // ETH_P_802_2: the header ends where LLC starts.
        0x0004 => Ok((Protocol::Llc, rest)),
        0..=0x05ff => Err(Refusal::EtherType(protocol)),
        _ => Ok((Protocol::EtherType(protocol), rest)),
    }
}

/// Cisco HDLC: address, control, EtherType.
fn cisco_hdlc(data: &[u8]) -> Peeled<'_> {
    let ([_, _, e0, e1], rest) = take::<4>(data)?;
    Ok((Protocol::EtherType(u16::from_be_bytes([*e0, *e1])), rest))
}

/// Netfilter's log: attributes of type, length and value, one of which is the packet.
fn nflog(data: &[u8]) -> Peeled<'_> {
    /// `NFULA_PAYLOAD`.
    const PAYLOAD: u16 = 9;
    let ([_family, version, _, _], mut rest) = take::<4>(data)?;
    if *version != 0 {
        return Err(Refusal::MalformedHeader);
    }
    loop {
        let (attribute, value) = take::<4>(rest)?;
        let [l0, l1, t0, t1] = *attribute;
        // Attributes are in the capturing host's byte order. Lengths and types are small and
        // types fit a byte, so the zero byte of the type tells which it was.
        let (len, kind) = if t1 == 0 {
            (u16::from_le_bytes([l0, l1]), u16::from_le_bytes([t0, t1]))
        } else {
            (u16::from_be_bytes([l0, l1]), u16::from_be_bytes([t0, t1]))
        };
        let len = usize::from(len);
        if len < 4 {
            return Err(Refusal::MalformedHeader);
        }
        if kind & 0x7fff == PAYLOAD {
            return Ok((Protocol::Ip, value.get(..len - 4).unwrap_or(value)));
        }
        rest = skip(rest, len.next_multiple_of(4))?;
    }
}
