//! ESP without encryption (RFC 4303 with RFC 2410), in tunnel mode.
//!
//! Nothing in the packet tells whether it is encrypted. A trailer whose padding counts up, whose
//! next header is IP and whose inner packet is as long as the room between the headers, is not the
//! work of a cipher.

use crate::Layer;
use crate::counters::Refusal;
use crate::walk::{Named, Protocol, skip, take};

/// ESP's IP protocol number.
pub(crate) const PROTOCOL: u8 = 50;

/// Lengths of integrity check values in use: truncated HMACs, GMAC, and none.
const CHECK_LENS: [usize; 5] = [12, 16, 0, 24, 32];

/// Peels ESP when its payload is an IP packet in the clear.
pub(crate) fn packet(data: &[u8]) -> Named<'_> {
    let ([s0, s1, s2, s3, ..], payload) = take::<8>(data)?;
    if CHECK_LENS.iter().any(|len| is_clear(payload, *len)) {
        let index = u32::from_be_bytes([*s0, *s1, *s2, *s3]);
        return Ok((Layer::EspNull(index), Protocol::Ip, skip(data, 8)?));
    }
    Err(Refusal::IpProtocol(PROTOCOL))
}

fn is_clear(payload: &[u8], check_len: usize) -> bool {
    let trailer = || {
        let body = payload.get(..payload.len().checked_sub(check_len)?)?;
        let (rest, [padding_len, next]) = body.split_last_chunk::<2>()?;
        let padded = rest.len().checked_sub(usize::from(*padding_len))?;
        let (packet, padding) = rest.split_at_checked(padded)?;
        let counts = padding.iter().zip(1..).all(|(byte, at)| *byte == at);
        Some((packet, counts, *next))
    };
    let Some((packet, true, next)) = trailer() else {
        return false;
    };
    match (next, packet) {
        (4, [first, _, l0, l1, ..]) => {
            first >> 4 == 4 && usize::from(u16::from_be_bytes([*l0, *l1])) == packet.len()
        }
        (41, [first, _, _, _, l0, l1, ..]) => {
            first >> 4 == 6 && usize::from(u16::from_be_bytes([*l0, *l1])) + 40 == packet.len()
        }
        _ => false,
    }
}
