//! MPLS label stacks (RFC 3032) and what follows their bottom, which no field names.

use crate::counters::Refusal;
use crate::walk::{Peeled, Protocol, take};

/// Peels one label.
pub(crate) fn label(ethertype: u16, data: &[u8]) -> Result<(u32, Protocol, &[u8]), Refusal> {
    let ([b0, b1, b2, _ttl], rest) = take::<4>(data)?;
    let label = u32::from_be_bytes([0, *b0, *b1, *b2]) >> 4;
    let bottom = b2 & 1 == 1;
    let next = if bottom {
        Protocol::MplsPayload
    } else {
        Protocol::EtherType(ethertype)
    };
    Ok((label, next, rest))
}

/// Tells what follows the bottom of the stack by its first nibble (RFC 4928 section 3): IP, or a
/// pseudowire that carries Ethernet.
pub(crate) fn payload(data: &[u8]) -> Peeled<'_> {
    let ([first], _) = take::<1>(data)?;
    match first >> 4 {
        4 | 6 => Ok((Protocol::Ip, data)),
        0 if has_control_word(data) => {
            let (_control_word, rest) = take::<4>(data)?;
            Ok((Protocol::Ethernet, rest))
        }
        _ => Ok((Protocol::Ethernet, data)),
    }
}

/// A pseudowire's control word (RFC 4385) starts with a zero nibble, and so do most Ethernet
/// addresses: the place where an EtherType stands tells them apart.
fn has_control_word(data: &[u8]) -> bool {
    let ethertype_at = |at: usize| {
        let bytes = data.get(at..)?.first_chunk::<2>()?;
        Some(u16::from_be_bytes(*bytes))
    };
    let is_usual = |number: Option<u16>| {
        matches!(
            number,
            Some(0x0800 | 0x0806 | 0x86dd | 0x8100 | 0x88a8 | 0x8847 | 0x8864)
        )
    };
    is_usual(ethertype_at(16)) || !is_usual(ethertype_at(12))
}
