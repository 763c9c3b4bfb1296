//! L2TP, version 2 (RFC 2661) with PPP inside and version 3 (RFC 3931) with Ethernet inside.

use crate::Layer;
use crate::counters::Refusal;
use crate::tunnel::looks_like_ethernet;
use crate::walk::{Named, Protocol, skip, take};

/// Peels what UDP carries: the version is in the first word.
pub(crate) fn over_udp(data: &[u8]) -> Named<'_> {
    const CONTROL: u8 = 0x80;
    let ([flags, version], rest) = take::<2>(data)?;
    if flags & CONTROL != 0 {
        // Signalling carries no packet.
        return Err(Refusal::IpProtocol(super::udp::PROTOCOL));
    }
    match version & 0x0f {
        2 => version_2(*flags, rest),
        3 => version_3(skip(rest, 2)?),
        _ => Err(Refusal::MalformedHeader),
    }
}

fn version_2(flags: u8, mut rest: &[u8]) -> Named<'_> {
    const LENGTH: u8 = 0x40;
    const SEQUENCE: u8 = 0x08;
    const OFFSET: u8 = 0x02;
    if flags & LENGTH != 0 {
        rest = skip(rest, 2)?;
    }
    let (ids, mut rest) = take::<4>(rest)?;
    if flags & SEQUENCE != 0 {
        rest = skip(rest, 4)?;
    }
    if flags & OFFSET != 0 {
        let ([o0, o1], after) = take::<2>(rest)?;
        rest = skip(after, usize::from(u16::from_be_bytes([*o0, *o1])))?;
    }
    Ok((Layer::L2tp(u32::from_be_bytes(*ids)), Protocol::Ppp, rest))
}

/// Peels the data header of version 3. How long the cookie is and whether a sublayer stands before
/// the frame was told when the session was made: the first place where an Ethernet header makes
/// sense is taken.
pub(crate) fn version_3(data: &[u8]) -> Named<'_> {
    let (session, rest) = take::<4>(data)?;
    let session = u32::from_be_bytes(*session);
    if session == 0 {
        // Signalling.
        return Err(Refusal::IpProtocol(super::L2TP_PROTOCOL));
    }
    let frame = [4, 0, 8, 12]
        .into_iter()
        .filter_map(|at| rest.get(at..))
        .find(|data| looks_like_ethernet(data))
        .ok_or(Refusal::MalformedHeader)?;
    Ok((Layer::L2tp(session), Protocol::Ethernet, frame))
}
