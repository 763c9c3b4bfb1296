//! TZSP, the protocol in which `MikroTik` routers and some access points send a mirror's packets.

use crate::Layer;
use crate::counters::Refusal;
use crate::walk::{Named, Protocol, take};

/// Peels the header and its tags.
pub(crate) fn packet(data: &[u8]) -> Named<'_> {
    /// Tag without a length: padding.
    const PADDING: u8 = 0;
    /// Tag without a length: the packet follows.
    const END: u8 = 1;
    let ([version, kind, p0, p1], mut rest) = take::<4>(data)?;
    // Received packets and packets for transmission; the others are about the connection itself.
    if *version != 1 || *kind > 1 {
        return Err(Refusal::IpProtocol(super::udp::PROTOCOL));
    }
    let protocol = match u16::from_be_bytes([*p0, *p1]) {
        1 => Protocol::Ethernet,
        18 => Protocol::Wlan,
        other => return Err(Refusal::LinkType(u32::from(other))),
    };
    // A tag is at least a byte, so the packet's length bounds the loop.
    loop {
        let ([tag], after) = take::<1>(rest)?;
        rest = match *tag {
            END => return Ok((Layer::Tzsp, protocol, after)),
            PADDING => after,
            _ => {
                let ([len], value) = take::<1>(after)?;
                value
                    .get(usize::from(*len)..)
                    .ok_or(Refusal::TruncatedHeader)?
            }
        };
    }
}
