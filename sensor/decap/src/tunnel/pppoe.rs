//! PPPoE sessions (RFC 2516).

use crate::counters::Refusal;
use crate::walk::{Protocol, take};

/// EtherType of the session stage.
pub(crate) const ETHERTYPE: u16 = 0x8864;

/// Peels the session header; its length field is not needed, IP brings its own.
pub(crate) fn session(data: &[u8]) -> Result<(u16, Protocol, &[u8]), Refusal> {
    let ([version, code, s0, s1, _, _], rest) = take::<6>(data)?;
    if *version != 0x11 || *code != 0 {
        return Err(Refusal::MalformedHeader);
    }
    Ok((u16::from_be_bytes([*s0, *s1]), Protocol::Ppp, rest))
}
