//! IPv4 (RFC 791) and IPv6 (RFC 8200) headers, lax.
//!
//! The payload ends where the IP length says, so Ethernet padding is never payload; when the
//! capture was cut shorter, the difference stays known as `missing`. A length of 0 is what a
//! sender's segmentation offload leaves: the payload is then all that there was on the wire.

use core::net::IpAddr;

use etherparse::{Ipv4HeaderSlice, Ipv6HeaderSlice};

use crate::counters::Refusal;
use crate::fragment::Part;
use crate::walk::{IpFacts, skip, take};

/// One IP packet.
#[derive(Debug)]
pub(crate) struct Packet<'a> {
    pub(crate) facts: IpFacts,
    /// What follows the header and its extensions.
    pub(crate) protocol: u8,
    pub(crate) payload: &'a [u8],
    /// Bytes of the payload that the capture cut off.
    pub(crate) missing: u32,
    /// Which part of a datagram this is, when it is not a whole one.
    pub(crate) fragment: Option<Part>,
}

/// Reads a header of either version; `missing` bytes were cut off after `data`.
pub(crate) fn packet(data: &[u8], missing: u32, extensions_max: u8) -> Result<Packet<'_>, Refusal> {
    let ([first], _) = take::<1>(data)?;
    match first >> 4 {
        4 => v4(data, missing),
        6 => v6(data, missing, extensions_max),
        _ => Err(Refusal::MalformedHeader),
    }
}

fn v4(data: &[u8], missing: u32) -> Result<Packet<'_>, Refusal> {
    let header = Ipv4HeaderSlice::from_slice(data).map_err(|_| refusal_of_v4(data))?;
    let header_len = header.slice().len();
    let body = skip(data, header_len)?;
    let total_len = usize::from(header.total_len());
    let stated = match total_len {
        0 => None,
        len => Some(
            len.checked_sub(header_len)
                .ok_or(Refusal::MalformedHeader)?,
        ),
    };
    let (payload, missing) = clip(body, missing, stated);
    let facts = IpFacts {
        source: IpAddr::V4(header.source_addr()),
        destination: IpAddr::V4(header.destination_addr()),
        id: header.identification(),
        hop_limit: header.ttl(),
    };
    let offset = u32::from(header.fragments_offset().value()) * 8;
    let fragment = (offset > 0 || header.more_fragments()).then(|| Part {
        identification: u32::from(header.identification()),
        offset,
        more: header.more_fragments(),
    });
    let protocol = header.protocol().0;
    let packet = Packet {
        facts,
        protocol,
        payload,
        missing,
        fragment,
    };
    // RFC 4302: AH may stand between IPv4 and TCP; a fragment's is read when it is whole.
    if protocol == AUTHENTICATION && packet.fragment.is_none() {
        return after_authentication(packet);
    }
    Ok(packet)
}

/// Tells a header that the capture cut from one that contradicts itself.
fn refusal_of_v4(data: &[u8]) -> Refusal {
    let header_len = data
        .first()
        .map_or(0, |first| usize::from(first & 0x0f) * 4);
    if header_len < 20 {
        Refusal::MalformedHeader
    } else {
        Refusal::TruncatedHeader
    }
}

fn after_authentication(packet: Packet<'_>) -> Result<Packet<'_>, Refusal> {
    let ([next, len], _) = take::<2>(packet.payload)?;
    let payload = skip(packet.payload, (usize::from(*len) + 2) * 4)?;
    Ok(Packet {
        protocol: *next,
        payload,
        ..packet
    })
}

fn v6(data: &[u8], missing: u32, extensions_max: u8) -> Result<Packet<'_>, Refusal> {
    let header = Ipv6HeaderSlice::from_slice(data).map_err(|_| Refusal::TruncatedHeader)?;
    let body = skip(data, header.slice().len())?;
    let stated = match usize::from(header.payload_length()) {
        0 => None,
        len => Some(len),
    };
    let (payload, missing) = clip(body, missing, stated);
    let facts = IpFacts {
        source: IpAddr::V6(header.source_addr()),
        destination: IpAddr::V6(header.destination_addr()),
        id: 0,
        hop_limit: header.hop_limit(),
    };
    let chain = extensions(header.next_header().0, payload, extensions_max)?;
    Ok(Packet {
        facts,
        protocol: chain.protocol,
        payload: chain.payload,
        missing,
        fragment: chain.fragment,
    })
}

/// What follows a chain of extension headers.
struct Chain<'a> {
    protocol: u8,
    payload: &'a [u8],
    fragment: Option<Part>,
}

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;
const HOST_IDENTITY: u8 = 139;
const SHIM6: u8 = 140;

fn extensions(first: u8, data: &[u8], max: u8) -> Result<Chain<'_>, Refusal> {
    let mut protocol = first;
    let mut payload = data;
    for _ in 0..=max {
        let header_len = match protocol {
            HOP_BY_HOP | ROUTING | DESTINATION | MOBILITY | HOST_IDENTITY | SHIM6 => {
                let ([_, len], _) = take::<2>(payload)?;
                (usize::from(*len) + 1) * 8
            }
            AUTHENTICATION => {
                let ([_, len], _) = take::<2>(payload)?;
                (usize::from(*len) + 2) * 4
            }
            FRAGMENT => {
                let ([next, _, o0, o1, i0, i1, i2, i3], rest) = take::<8>(payload)?;
                let field = u16::from_be_bytes([*o0, *o1]);
                let part = Part {
                    identification: u32::from_be_bytes([*i0, *i1, *i2, *i3]),
                    offset: u32::from(field & !7),
                    more: field & 1 == 1,
                };
                // RFC 6946: an atomic fragment is a whole datagram.
                if part.offset > 0 || part.more {
                    return Ok(Chain {
                        protocol: *next,
                        payload: rest,
                        fragment: Some(part),
                    });
                }
                8
            }
            _ => {
                return Ok(Chain {
                    protocol,
                    payload,
                    fragment: None,
                });
            }
        };
        let ([next], _) = take::<1>(payload)?;
        protocol = *next;
        payload = skip(payload, header_len)?;
    }
    Err(Refusal::ExtensionBudget)
}

/// The payload as far as it was captured and how many bytes of it were not.
fn clip(body: &[u8], missing: u32, stated: Option<usize>) -> (&[u8], u32) {
    match stated {
        None => (body, missing),
        Some(len) => match body.get(..len) {
            Some(payload) => (payload, 0),
            None => (body, u32::try_from(len - body.len()).unwrap_or(0)),
        },
    }
}
