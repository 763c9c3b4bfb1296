//! IEEE 802.1Q and 802.1ad tags, and the two EtherTypes that switches used before the standard.

use crate::counters::Refusal;
use crate::walk::{Protocol, take};

/// The 12 bits of the tag that are the VLAN identifier.
const IDENTIFIER_MASK: u16 = 0x0fff;

/// Peels one tag: its identifier and what follows.
pub(crate) fn tag(data: &[u8]) -> Result<(u16, Protocol, &[u8]), Refusal> {
    let ([t0, t1, e0, e1], rest) = take::<4>(data)?;
    let identifier = u16::from_be_bytes([*t0, *t1]) & IDENTIFIER_MASK;
    Ok((
        identifier,
        Protocol::EtherType(u16::from_be_bytes([*e0, *e1])),
        rest,
    ))
}
