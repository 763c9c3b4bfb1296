//! The packet nearly every feed is made of, in one look: Ethernet, at most one VLAN tag, IPv4
//! without options, TCP. Anything unusual is left to the walk, which must give the same answer.

use core::net::{IpAddr, Ipv4Addr};

use smallvec::smallvec;

use crate::walk::IpFacts;
use crate::{Encapsulation, Layer, LinkType, RawPacket, Segment, tcp};

/// The segment of a usual packet; none for every other.
#[inline]
pub(crate) fn segment<'a>(packet: &RawPacket<'a>) -> Option<Segment<'a>> {
    if packet.link_type != LinkType::ETHERNET {
        return None;
    }
    let (ethernet, rest) = packet.data.split_first_chunk::<14>()?;
    match ethernet {
        [.., 0x08, 0x00] => ipv4(packet, rest, Encapsulation::default()),
        [.., 0x81, 0x00] => {
            let ([t0, t1, 0x08, 0x00], rest) = rest.split_first_chunk::<4>()? else {
                return None;
            };
            let tag = u16::from_be_bytes([*t0, *t1]) & 0x0fff;
            ipv4(packet, rest, Encapsulation(smallvec![Layer::Vlan(tag)]))
        }
        _ => None,
    }
}

#[inline]
fn ipv4<'a>(
    packet: &RawPacket<'a>,
    data: &'a [u8],
    encapsulation: Encapsulation,
) -> Option<Segment<'a>> {
    let (header, body) = data.split_first_chunk::<20>()?;
    let [
        0x45,
        _,
        l0,
        l1,
        i0,
        i1,
        f0,
        f1,
        hop_limit,
        tcp::PROTOCOL,
        _,
        _,
        addresses @ ..,
    ] = *header
    else {
        return None;
    };
    let fragmented = u16::from_be_bytes([f0, f1]) & 0x3fff != 0;
    let payload_len = usize::from(u16::from_be_bytes([l0, l1])).checked_sub(20)?;
    if fragmented {
        return None;
    }
    // A capture shorter than the packet is the walk's business.
    let payload = body.get(..payload_len)?;
    let [s0, s1, s2, s3, d0, d1, d2, d3] = addresses;
    let facts = IpFacts {
        source: IpAddr::V4(Ipv4Addr::new(s0, s1, s2, s3)),
        destination: IpAddr::V4(Ipv4Addr::new(d0, d1, d2, d3)),
        id: u16::from_be_bytes([i0, i1]),
        hop_limit,
    };
    let header = tcp::header(payload, 0).ok()?;
    Some(header.into_segment(packet, facts, encapsulation))
}
