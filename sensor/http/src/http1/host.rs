//! Whom a request is for: Host, and the authority of the target (RFC 9112 section 3.2).

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::exchange::{HeadBytes, Version};

/// Names what is odd about it.
pub(crate) fn judge(
    head: &HeadBytes,
    method: &[u8],
    target: &[u8],
    version: Version,
    anomalies: &mut Anomalies,
) {
    let mut hosts = head.named(b"host");
    let Some(first) = hosts.next() else {
        if version == Version::Http11 {
            anomalies.insert(MessageAnomaly::MissingHost);
        }
        return;
    };
    for other in hosts {
        anomalies.insert(MessageAnomaly::AmbiguousHost);
        if !is_same(first, other) {
            anomalies.insert(MessageAnomaly::HostMismatch);
        }
    }
    if authority(method, target).is_some_and(|authority| !is_same(authority, first)) {
        anomalies.insert(MessageAnomaly::HostMismatch);
    }
}

/// The authority of a target in absolute or authority form, without user information.
fn authority<'t>(method: &[u8], target: &'t [u8]) -> Option<&'t [u8]> {
    let authority = if method == b"CONNECT" {
        target
    } else if target.starts_with(b"/") {
        return None;
    } else {
        let start = memchr::memmem::find(target, b"://")? + 3;
        let rest = target.get(start..)?;
        let end = rest.iter().take_while(|b| !matches!(b, b'/' | b'?' | b'#'));
        rest.get(..end.count())?
    };
    authority.rsplit(|&b| b == b'@').next()
}

/// Whether two authorities are one. A port that only one of them names may be the default.
fn is_same(one: &[u8], other: &[u8]) -> bool {
    let ((host, port), (other_host, other_port)) = (split(one), split(other));
    let is_default = |port: &[u8]| port.is_empty() || port == b"80" || port == b"443";
    host.eq_ignore_ascii_case(other_host)
        && (port == other_port || is_default(port) || is_default(other_port))
}

/// Host, without its final dot, and port.
fn split(authority: &[u8]) -> (&[u8], &[u8]) {
    let authority = authority.trim_ascii();
    let digits = authority.iter().rev().take_while(|b| b.is_ascii_digit());
    let port_start = authority.len() - digits.count();
    let (before, port) = authority
        .split_at_checked(port_start)
        .unwrap_or((authority, b""));
    match before.strip_suffix(b":") {
        Some(host) => (host.strip_suffix(b".").unwrap_or(host), port),
        None => (authority.strip_suffix(b".").unwrap_or(authority), b""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities() {
        let same: &[(&[u8], &[u8])] = &[
            (b"example.com", b"EXAMPLE.com."),
            (b"example.com:80", b"example.com"),
            (b"example.com:8080", b"example.com"),
            (b"[::1]:443", b"[::1]"),
        ];
        for (one, other) in same {
            assert!(is_same(one, other), "{}", one.escape_ascii());
        }
        assert!(!is_same(b"a.example", b"b.example"));
        assert!(!is_same(b"a:8080", b"a:8081"));
        assert_eq!(authority(b"GET", b"http://u:p@h:1/x"), Some(&b"h:1"[..]));
        assert_eq!(authority(b"GET", b"/http://h/"), None);
        assert_eq!(authority(b"CONNECT", b"h:443"), Some(&b"h:443"[..]));
    }
}
