//! The path as it was sent, where that is not how the record spells it.
//!
//! Servers take `/%61dmin` and `//admin` for `/admin`; filters in front of them may not. The record's
//! path has one spelling for all of them, so that they are one endpoint, and this keeps the other.

use tapscope_record::PathSegment;

use crate::percent;

/// The spelling of `path`, whose segments became `segments`, when it departs from the normal one.
///
/// It holds no more than the segments do: one that was redacted gives its class, and the text of
/// the others was found harmless decoded.
pub(crate) fn spelling(path: &[u8], segments: &[PathSegment]) -> Option<String> {
    let is_doubled = path.iter().zip(path.get(1..).unwrap_or_default());
    let is_doubled = is_doubled.fold(false, |any, pair| any | (pair == (&b'/', &b'/')));
    if !is_doubled && memchr::memchr(b'%', path).is_none() {
        return None;
    }
    let mut out = String::with_capacity(path.len());
    let mut departs = false;
    let mut segments = segments.iter();
    for (index, raw) in path.split(|&byte| byte == b'/').enumerate() {
        if index > 0 {
            out.push('/');
        }
        if raw.is_empty() {
            // Before the first slash and behind the last one nothing is missing.
            continue;
        }
        let Some(segment) = segments.next() else {
            // The rest was cut off.
            return None;
        };
        match segment {
            PathSegment::Literal(text) => {
                let sent = String::from_utf8_lossy(raw);
                departs |= *sent != **text && percent::normalise(raw) == **text;
                out.push_str(if percent::normalise(raw) == **text {
                    &sent
                } else {
                    text
                });
            }
            PathSegment::Redacted { class, .. } => {
                out.push('{');
                out.push_str(class);
                out.push('}');
            }
        }
    }
    (departs || is_doubled).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapscope_record::Token;

    fn of(path: &str, segments: &[&str]) -> Option<String> {
        let segments: Vec<PathSegment> = segments
            .iter()
            .map(|text| match text.strip_prefix('!') {
                Some(class) => PathSegment::Redacted {
                    class: (*class).to_owned().into(),
                    token: Token(1),
                },
                None => PathSegment::Literal((*text).to_owned().into()),
            })
            .collect();
        spelling(path.as_bytes(), &segments)
    }

    #[test]
    fn only_what_departs_is_kept() {
        let cases: [(&str, &[&str], Option<&str>); 8] = [
            ("/a/b", &["a", "b"], None),
            ("/a/b%20c", &["a", "b%20c"], None),
            ("/%61/b", &["a", "b"], Some("/%61/b")),
            ("//a/b/", &["a", "b"], Some("//a/b/")),
            ("/a//b", &["a", "b"], Some("/a//b")),
            ("/%61/x%40y.example", &["a", "!email"], Some("/%61/{email}")),
            ("/a/x%40y.example", &["a", "!email"], None),
            // A matrix parameter was hidden: what stands in the record is told, not what was sent.
            (
                "/%61/b;k=s",
                &["a", "b;k={secret}"],
                Some("/%61/b;k={secret}"),
            ),
        ];
        for (path, segments, expected) in cases {
            assert_eq!(of(path, segments).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn what_is_cut_off_has_no_spelling() {
        assert_eq!(of("/%61/b/c", &["a"]), None);
    }
}
