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

/// Tells what follows the bottom of the stack by its first nibble (RFC 4928 section 3): IP, a
/// pseudowire control word (RFC 4385), else an Ethernet address.
pub(crate) fn payload(data: &[u8]) -> Peeled<'_> {
    let ([first], _) = take::<1>(data)?;
    match first >> 4 {
        4 | 6 => Ok((Protocol::Ip, data)),
        0 => {
            let (_control_word, rest) = take::<4>(data)?;
            Ok((Protocol::Ethernet, rest))
        }
        _ => Ok((Protocol::Ethernet, data)),
    }
}
