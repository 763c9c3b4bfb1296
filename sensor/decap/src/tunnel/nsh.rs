//! The network service header (RFC 8300).

use crate::Layer;
use crate::counters::Refusal;
use crate::link::{ETHERTYPE_MPLS, ETHERTYPE_NSH};
use crate::walk::{Named, Protocol, skip, take};

/// Peels the header with its context.
pub(crate) fn header(data: &[u8]) -> Named<'_> {
    let ([version, len, _, next, p0, p1, p2, _], _) = take::<8>(data)?;
    let len = usize::from(len & 0x3f) * 4;
    if version >> 6 != 0 || len < 8 {
        return Err(Refusal::MalformedHeader);
    }
    let protocol = match next {
        1 | 2 => Protocol::Ip,
        3 => Protocol::Ethernet,
        4 => Protocol::EtherType(ETHERTYPE_NSH),
        5 => Protocol::EtherType(ETHERTYPE_MPLS),
        _ => return Err(Refusal::NshProtocol(*next)),
    };
    let path = u32::from_be_bytes([0, *p0, *p1, *p2]);
    Ok((Layer::Nsh(path), protocol, skip(data, len)?))
}
