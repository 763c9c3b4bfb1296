//! PPPoE sessions (RFC 2516).

use crate::Layer;
use crate::counters::Refusal;
use crate::walk::{Named, Protocol, take};

/// EtherType of the session stage.
pub(crate) const ETHERTYPE: u16 = 0x8864;

/// Peels the session header; its length field is not needed, IP brings its own.
pub(crate) fn session(data: &[u8]) -> Named<'_> {
    let ([version, code, s0, s1, _, _], rest) = take::<6>(data)?;
    if *version != 0x11 || *code != 0 {
        return Err(Refusal::MalformedHeader);
    }
    let session = u16::from_be_bytes([*s0, *s1]);
    Ok((Layer::Pppoe(session), Protocol::Ppp, rest))
}
