//! IP addresses in their text forms.

use core::net::{IpAddr, Ipv6Addr};

use super::bytes::{Mask, mask_of};

/// The address that `text` is, as a whole.
pub(crate) fn ip_address(text: &[u8]) -> Option<IpAddr> {
    if text.len() > 45 || text.len() < 2 || !mask_of(text).has(Mask::DOT | Mask::COLON) {
        return None;
    }
    core::str::from_utf8(text).ok()?.parse().ok()
}

/// The address in a field that proxies write: with brackets, quotes or a port around it.
pub(crate) fn ip_address_of_node(text: &[u8]) -> Option<IpAddr> {
    let text = text.trim_ascii();
    let text = text
        .strip_prefix(b"\"")
        .and_then(|t| t.strip_suffix(b"\""))
        .unwrap_or(text);
    if let Some(rest) = text.strip_prefix(b"[") {
        let end = memchr::memchr(b']', rest)?;
        let inside = core::str::from_utf8(rest.get(..end)?).ok()?;
        return inside.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    ip_address(text).or_else(|| {
        let colon = memchr::memchr(b':', text)?;
        ip_address(text.get(..colon)?)
    })
}
