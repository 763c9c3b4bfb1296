//! The request target (RFC 9112 section 3.2): authority, path and query.

mod authority;

mod path;

mod query;

mod spelling;

pub(crate) use authority::host_and_port;
pub(crate) use path::segments;
pub(crate) use query::parameters;
pub(crate) use spelling::spelling;

/// A request target taken apart; the parts are raw.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Target<'a> {
    /// The authority of the absolute and authority forms.
    pub(crate) authority: Option<&'a [u8]>,
    /// The path, or `*`.
    pub(crate) path: &'a [u8],
    /// What follows `?`.
    pub(crate) query: Option<&'a [u8]>,
    /// Whether there was a fragment, which no client may send.
    pub(crate) fragment: bool,
}

impl<'a> Target<'a> {
    pub(crate) fn parse(method: &[u8], target: &'a [u8]) -> Self {
        let (target, fragment) = match memchr::memchr(b'#', target) {
            Some(at) => (target.get(..at).unwrap_or_default(), true),
            None => (target, false),
        };
        if method == b"CONNECT" {
            return Self {
                authority: Some(target),
                fragment,
                ..Self::default()
            };
        }
        let (authority, rest) = match absolute(target) {
            Some((authority, rest)) => (Some(authority), rest),
            None => (None, target),
        };
        let (path, query) = match memchr::memchr(b'?', rest) {
            Some(at) => (rest.get(..at).unwrap_or_default(), rest.get(at + 1..)),
            None => (rest, None),
        };
        Self {
            authority,
            path,
            query,
            fragment,
        }
    }
}

/// Authority and the rest of `scheme://authority/…`.
fn absolute(target: &[u8]) -> Option<(&[u8], &[u8])> {
    if !target.first()?.is_ascii_alphabetic() {
        return None;
    }
    let colon = target.iter().take(16).position(|&byte| byte == b':')?;
    let rest = target.get(colon..)?.strip_prefix(b"://")?;
    let scheme = target.get(..colon)?;
    if !scheme
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
    {
        return None;
    }
    let end = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
    rest.split_at_checked(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_target() {
        let parse = |method: &'static str, target: &'static str| {
            let t = Target::parse(method.as_bytes(), target.as_bytes());
            let text = |bytes: &'static [u8]| core::str::from_utf8(bytes).unwrap();
            (
                t.authority.map(text),
                text(t.path),
                t.query.map(text),
                t.fragment,
            )
        };
        assert_eq!(parse("GET", "/a?b"), (None, "/a", Some("b"), false));
        assert_eq!(parse("GET", "/a#b?c"), (None, "/a", None, true));
        assert_eq!(
            parse("GET", "http://u:p@h:1/a?b"),
            (Some("u:p@h:1"), "/a", Some("b"), false)
        );
        assert_eq!(
            parse("GET", "http://h?b"),
            (Some("h"), "", Some("b"), false)
        );
        assert_eq!(parse("CONNECT", "h:443"), (Some("h:443"), "", None, false));
        assert_eq!(parse("OPTIONS", "*"), (None, "*", None, false));
        assert_eq!(
            parse("GET", "/a?u=http://x/"),
            (None, "/a", Some("u=http://x/"), false)
        );
        assert_eq!(parse("GET", ""), (None, "", None, false));
    }
}
