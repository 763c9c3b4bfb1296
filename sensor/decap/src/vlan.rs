//! IEEE 802.1Q and 802.1ad tags, and the three EtherTypes that switches used before the standard.

use crate::Layer;
use crate::walk::{Named, Protocol, take};

/// The 12 bits of the tag that are the VLAN identifier.
const IDENTIFIER_MASK: u16 = 0x0fff;

/// Peels one tag: its identifier and what follows.
pub(crate) fn tag(data: &[u8]) -> Named<'_> {
    let ([t0, t1, e0, e1], rest) = take::<4>(data)?;
    let identifier = u16::from_be_bytes([*t0, *t1]) & IDENTIFIER_MASK;
    Ok((
        Layer::Vlan(identifier),
        Protocol::EtherType(u16::from_be_bytes([*e0, *e1])),
        rest,
    ))
}
