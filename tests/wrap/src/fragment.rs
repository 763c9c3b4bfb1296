//! IP packets in pieces, as a tunnel's end makes them when the link is too narrow.

use crate::headers::{ethernet, ipv4, ipv6, join};

/// Payload bytes of a fragment.
const PIECE: usize = 552;

/// Largest payload the 13-bit offset reaches.
const PAYLOAD_MAX: usize = 65_515;

/// An outer packet's payload in Ethernet frames of IPv4 fragments.
pub(crate) fn v4(identification: u16, protocol: u8, payload: &[u8]) -> Vec<Vec<u8>> {
    if payload.len() <= PIECE || payload.len() > PAYLOAD_MAX {
        return vec![ethernet(0x0800, &ipv4(protocol, payload))];
    }
    pieces(payload)
        .map(|(offset, more, piece)| {
            let mut packet = ipv4(protocol, piece);
            packet[4..6].copy_from_slice(&identification.to_be_bytes());
            let field = (offset / 8) | if more { 0x2000 } else { 0 };
            packet[6..8].copy_from_slice(&field.to_be_bytes());
            ethernet(0x0800, &packet)
        })
        .collect()
}

/// The same in IPv6.
pub(crate) fn v6(identification: u16, protocol: u8, payload: &[u8]) -> Vec<Vec<u8>> {
    if payload.len() <= PIECE || payload.len() > PAYLOAD_MAX {
        return vec![ethernet(0x86dd, &ipv6(protocol, payload))];
    }
    pieces(payload)
        .map(|(offset, more, piece)| {
            let field = (offset | u16::from(more)).to_be_bytes();
            let identification = u32::from(identification).to_be_bytes();
            let header = join(&[&[protocol, 0], &field, &identification]);
            ethernet(0x86dd, &ipv6(44, &join(&[&header, piece])))
        })
        .collect()
}

fn pieces(payload: &[u8]) -> impl Iterator<Item = (u16, bool, &[u8])> {
    let count = payload.len().div_ceil(PIECE);
    payload.chunks(PIECE).enumerate().map(move |(at, piece)| {
        let offset = u16::try_from(at * PIECE).unwrap_or(u16::MAX);
        (offset, at + 1 < count, piece)
    })
}
