//! The authority: host and port (RFC 3986 section 3.2), user information taken off.

use std::fmt::Write as _;

use crate::text::{CustomClasses, CustomHint, DataClass, class_of};

/// Longest host name (RFC 1035 section 2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// Host in lower case without port and final dot, and the port when it is not 80 or 443. None for
/// an authority that names no host.
pub(crate) fn host_and_port(
    classes: &CustomClasses,
    authority: &[u8],
) -> Option<(String, Option<u16>)> {
    let authority = authority.trim_ascii();
    let authority = match memchr::memrchr(b'@', authority) {
        Some(at) => authority.get(at + 1..).unwrap_or_default(),
        None => authority,
    };
    let (host, port) = split_port(authority);
    let host = host.strip_suffix(b".").unwrap_or(host);
    let port = port.and_then(|port| core::str::from_utf8(port).ok()?.parse::<u16>().ok());
    let port = port.filter(|port| !matches!(port, 0 | 80 | 443));
    (!host.is_empty()).then(|| (safe_host(classes, host), port))
}

fn split_port(authority: &[u8]) -> (&[u8], Option<&[u8]>) {
    if let Some(rest) = authority.strip_prefix(b"[")
        && let Some(end) = memchr::memchr(b']', rest)
    {
        let (host, after) = rest.split_at_checked(end).unwrap_or_default();
        return (host, after.strip_prefix(b"]:"));
    }
    match memchr::memrchr(b':', authority) {
        Some(at) if memchr::memchr(b':', authority) == Some(at) => {
            let (host, port) = authority.split_at_checked(at).unwrap_or_default();
            (host, port.get(1..))
        }
        _ => (authority, None),
    }
}

/// The host as it may stand in a record. Host names are what an inventory is about and stay; what
/// is a secret in the place of one does not.
fn safe_host(classes: &CustomClasses, host: &[u8]) -> String {
    if host.len() > HOST_BYTES_MAX {
        return "{overlong}".to_owned();
    }
    let class = class_of(None, host);
    // A long random label does not make the domain it stands under one; labels follow below.
    let whole = class.filter(|c| !matches!(c, DataClass::IpAddress | DataClass::Secret));
    if let Some(class) = whole {
        return class.placeholder().to_owned();
    }
    let mut out = String::with_capacity(host.len());
    for (index, label) in host.split(|&byte| byte == b'.').enumerate() {
        if index > 0 {
            out.push('.');
        }
        let class = if class != Some(DataClass::IpAddress) && label.len() >= 11 {
            class_of(None, label)
        } else {
            None
        };
        let custom = classes.hidden_class_of(CustomHint::default(), label);
        match class {
            _ if custom.is_some() => {
                out.push_str(custom.map_or("", |custom| classes.placeholder(custom)));
            }
            Some(class) => out.push_str(class.placeholder()),
            None => push_label(label, &mut out),
        }
    }
    out
}

fn push_label(label: &[u8], out: &mut String) {
    for chunk in label.utf8_chunks() {
        for letter in chunk.valid().chars() {
            if letter.is_ascii_graphic() {
                out.push(letter.to_ascii_lowercase());
            } else if letter.is_ascii() {
                // Writing to a string cannot fail.
                let _ = write!(out, "%{:02X}", u32::from(letter));
            } else {
                out.extend(letter.to_lowercase());
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_normalised() {
        for (authority, expected) in [
            ("API.Example.com", Some(("api.example.com", None))),
            (
                "api.example.com.:8080",
                Some(("api.example.com", Some(8080))),
            ),
            ("api.example.com:443", Some(("api.example.com", None))),
            (
                "user:pass@api.example.com:80",
                Some(("api.example.com", None)),
            ),
            ("[2001:DB8::1]:8443", Some(("2001:db8::1", Some(8443)))),
            ("2001:db8::1", Some(("2001:db8::1", None))),
            ("10.0.0.1:99999", Some(("10.0.0.1", None))),
            ("", None),
            (":80", None),
            ("user@", None),
            (
                "ht68qNcaHYpH2fMAmA23OMIVPZJMsfgQ.example.com",
                Some(("{secret}.example.com", None)),
            ),
            ("a b.de", Some(("a%20b.de", None))),
        ] {
            let expected = expected.map(|(host, port)| (host.to_owned(), port));
            assert_eq!(
                host_and_port(&CustomClasses::default(), authority.as_bytes()),
                expected,
                "{authority}"
            );
        }
    }
}
