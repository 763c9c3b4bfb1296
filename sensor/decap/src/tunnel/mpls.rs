//! MPLS label stacks (RFC 3032) and what follows their bottom, which no field names.

use crate::Layer;
use crate::tunnel::looks_like_ethernet;
use crate::walk::{Named, Peeled, Protocol, take};

/// Peels one label.
pub(crate) fn label(ethertype: u16, data: &[u8]) -> Named<'_> {
    let ([b0, b1, b2, _ttl], rest) = take::<4>(data)?;
    let label = u32::from_be_bytes([0, *b0, *b1, *b2]) >> 4;
    let bottom = b2 & 1 == 1;
    let next = if bottom {
        Protocol::MplsPayload
    } else {
        Protocol::EtherType(ethertype)
    };
    Ok((Layer::Mpls(label), next, rest))
}

/// Tells what follows the bottom of the stack by its first nibble (RFC 4928 section 3): IP, or a
/// pseudowire that carries Ethernet.
pub(crate) fn payload(data: &[u8]) -> Peeled<'_> {
    let ([first], _) = take::<1>(data)?;
    match first >> 4 {
        // A frame to an address that starts with this nibble looks the same at first.
        4 if !looks_like_ethernet(data) || has_right_checksum(data) => Ok((Protocol::Ip, data)),
        6 if !looks_like_ethernet(data) => Ok((Protocol::Ip, data)),
        0 if has_control_word(data) => {
            let (_control_word, rest) = take::<4>(data)?;
            Ok((Protocol::Ethernet, rest))
        }
        _ => Ok((Protocol::Ethernet, data)),
    }
}

/// A pseudowire's control word (RFC 4385) starts with a zero nibble, and so do most Ethernet
/// addresses: the place where an Ethernet header makes sense tells them apart.
fn has_control_word(data: &[u8]) -> bool {
    data.get(4..).is_some_and(looks_like_ethernet) || !looks_like_ethernet(data)
}

/// Whether an IPv4 header adds up as RFC 1071 says.
fn has_right_checksum(data: &[u8]) -> bool {
    let len = data
        .first()
        .map_or(0, |first| usize::from(first & 0x0f) * 4);
    let Some(header) = data.get(..len) else {
        return false;
    };
    let words = header.as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    len >= 20 && (sum >> 16) + (sum & 0xffff) == 0xffff
}
