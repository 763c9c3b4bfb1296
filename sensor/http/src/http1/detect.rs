//! Recognises what is spoken from the first bytes of a line, on any port.
//!
//! Only a whole start line with `HTTP/1.0` or `HTTP/1.1` in the right place makes an HTTP message;
//! RTSP, SIP, ICY and the like differ exactly there.

use memchr::{memchr, memrchr};

use crate::counters::Counter;

/// Longest method that is taken for one. The longest registered method has 17 characters.
pub(crate) const METHOD_BYTES_MAX: usize = 32;

/// Which message a start line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MessageKind {
    /// A request line.
    Request,
    /// A status line.
    Response,
    /// The line that HTTP/2's preface begins with (RFC 9113 section 3.4), made so that it reads as
    /// a request to what does not know it.
    Http2Preface,
}

/// What the first bytes of a line say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// They may still become a start line.
    Possible,
    /// They cannot.
    Impossible,
}

/// Characters of a token (RFC 9110 section 5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    matches!(byte,
        b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.' | b'^' | b'_'
        | b'`' | b'|' | b'~' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z')
}

/// Whether a line that is not yet complete can become a start line. Looks at a bounded prefix.
pub(crate) fn guess(prefix: &[u8]) -> Guess {
    if is_status_prefix(prefix) {
        return Guess::Possible;
    }
    let method = prefix
        .iter()
        .take(METHOD_BYTES_MAX + 1)
        .take_while(|&&b| is_token_byte(b))
        .count();
    let possible = match prefix.get(method) {
        None => method <= METHOD_BYTES_MAX,
        Some(b' ') => {
            (1..=METHOD_BYTES_MAX).contains(&method)
                && prefix
                    .iter()
                    .skip(method)
                    .take(METHOD_BYTES_MAX)
                    .all(|&b| b != 0)
        }
        Some(_) => false,
    };
    if possible {
        Guess::Possible
    } else {
        Guess::Impossible
    }
}

/// Bytes that tell a status line.
pub(crate) const STATUS_START_LEN: usize = 9;

/// Whether the bytes agree with `HTTP/1.x NNN` as far as they go.
pub(crate) fn is_status_prefix(prefix: &[u8]) -> bool {
    const PATTERN: &[u8] = b"HTTP/1.d ";
    prefix
        .iter()
        .zip(PATTERN)
        .all(|(&byte, &wanted)| match wanted {
            b'd' => matches!(byte, b'0' | b'1'),
            _ => byte == wanted,
        })
}

/// Whether the bytes begin with `HTTP/1.x `.
pub(crate) fn is_status_line_start(bytes: &[u8]) -> bool {
    bytes.len() >= STATUS_START_LEN && is_status_prefix(bytes)
}

/// What message a whole line (with its line end) begins, if any.
///
/// `strict` is for places where a start is possible but not expected: the target then holds no
/// blank and the method no lower-case letter.
pub(crate) fn start_line(line: &[u8], strict: bool) -> Option<MessageKind> {
    let line = trim_line_end(line);
    if line.starts_with(b"HTTP/1.") {
        return is_status_line(line).then_some(MessageKind::Response);
    }
    if line == b"PRI * HTTP/2.0" {
        return Some(MessageKind::Http2Preface);
    }
    let version_start = memrchr(b' ', line)?;
    let (before, version) = line.split_at_checked(version_start)?;
    if version != b" HTTP/1.1" && version != b" HTTP/1.0" {
        return None;
    }
    let method_len = before.iter().position(|&b| b == b' ')?;
    let (method, target) = before.split_at_checked(method_len)?;
    let target = target.trim_ascii();
    let method_fits = (1..=METHOD_BYTES_MAX).contains(&method.len())
        && method.iter().all(|&b| is_token_byte(b))
        && !(strict && method.iter().any(u8::is_ascii_lowercase));
    let target_fits = !target.is_empty()
        && if strict {
            target.iter().all(|&b| b > b' ' && b != 0x7f)
        } else {
            memchr(0, target).is_none()
        };
    (method_fits && target_fits).then_some(MessageKind::Request)
}

/// Methods that are in use.
const KNOWN_METHODS: [&[u8]; 21] = [
    b"GET",
    b"POST",
    b"PUT",
    b"DELETE",
    b"HEAD",
    b"OPTIONS",
    b"PATCH",
    b"CONNECT",
    b"TRACE",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"REPORT",
    b"SEARCH",
    b"QUERY",
    b"PURGE",
    b"M-SEARCH",
];

/// Whether a request line has a method that is in use. Where bytes before it were lost, the line may
/// be the rest of one, and its method the rest of a method.
pub(crate) fn has_known_method(line: &[u8]) -> bool {
    let method = line.split(|&byte| byte == b' ').next().unwrap_or_default();
    KNOWN_METHODS.contains(&method)
}

/// The length of the longest method in use that the bytes end with.
pub(crate) fn known_method_at_end(bytes: &[u8]) -> Option<usize> {
    let known = KNOWN_METHODS.iter().filter(|name| bytes.ends_with(name));
    known.map(|name| name.len()).max()
}

/// `HTTP/1.x NNN` and then nothing or a reason phrase.
fn is_status_line(line: &[u8]) -> bool {
    let Some(rest) = line.get(8..) else {
        return false;
    };
    if !is_status_line_start(line) {
        return false;
    }
    status_code(rest).is_some()
}

/// The three digits that what follows the version of a status line begins with.
pub(crate) fn status_code(after_version: &[u8]) -> Option<u16> {
    let rest = after_version.trim_ascii_start();
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let is_code = digits == 3
        && matches!(rest.first(), Some(b'1'..=b'9'))
        && matches!(rest.get(3), None | Some(b' ' | b'\t'));
    let code = core::str::from_utf8(rest.get(..3)?).ok()?.parse().ok()?;
    is_code.then_some(code)
}

/// The line without `\r\n` or `\n`.
pub(crate) fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a line can stand in a header section: `name:`, a folded line, or the empty line.
pub(crate) fn is_header_line(line: &[u8]) -> bool {
    let name = line.iter().take_while(|&&b| is_token_byte(b)).count();
    match line.get(name) {
        Some(b':') => name > 0,
        Some(b' ' | b'\t' | b'\r' | b'\n') => name == 0,
        _ => false,
    }
}

/// The protocol that a stream which does not begin with HTTP/1 seems to speak.
pub(crate) fn other_protocol(bytes: &[u8]) -> Counter {
    const TEXT: [(&[u8], Counter); 6] = [
        (b"SSH-", Counter::ProtocolSsh),
        (b"PROXY ", Counter::ProtocolProxy),
        (b"\r\n\r\n\0\r\nQUIT\n", Counter::ProtocolProxy),
        (b"RTSP/", Counter::ProtocolRtsp),
        (b"SIP/", Counter::ProtocolSip),
        (b"ICY ", Counter::ProtocolIcy),
    ];
    if let Some((_, counter)) = TEXT.iter().find(|(start, _)| bytes.starts_with(start)) {
        return *counter;
    }
    let first_line = bytes.iter().take(256).take_while(|&&b| b != b'\n').count();
    let first_line = trim_line_end(bytes.get(..first_line).unwrap_or_default());
    if first_line.ends_with(b" RTSP/1.0") || first_line.ends_with(b" RTSP/2.0") {
        return Counter::ProtocolRtsp;
    }
    if first_line.ends_with(b" SIP/2.0") {
        return Counter::ProtocolSip;
    }
    match bytes {
        [0x14..=0x18, 3, 0..=4, ..] => Counter::ProtocolTls,
        [5, 0..=9, ..] | [4, 1 | 2, ..] => Counter::ProtocolSocks,
        _ => Counter::ProtocolOther,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines() {
        use MessageKind::{Http2Preface, Request, Response};
        let cases: &[(&[u8], bool, Option<MessageKind>)] = &[
            (b"GET / HTTP/1.1\r\n", true, Some(Request)),
            (b"GET / HTTP/1.0\n", true, Some(Request)),
            (b"M-SEARCH * HTTP/1.1\r\n", true, Some(Request)),
            (b"get / HTTP/1.1\r\n", true, None),
            (b"get / HTTP/1.1\r\n", false, Some(Request)),
            (b"GET /a b HTTP/1.1\r\n", true, None),
            (b"GET /a b HTTP/1.1\r\n", false, Some(Request)),
            (b"GET  HTTP/1.1\r\n", false, None),
            (b"GET /\r\n", false, None),
            (b"PRI * HTTP/2.0\r\n", true, Some(Http2Preface)),
            (b"DESCRIBE rtsp://h/ RTSP/1.0\r\n", false, None),
            (b"INVITE sip:a@b SIP/2.0\r\n", false, None),
            (b"HTTP/1.1 200 OK\r\n", true, Some(Response)),
            (b"HTTP/1.1 200\r\n", true, Some(Response)),
            (b"HTTP/1.0  404 Not Found\r\n", true, Some(Response)),
            (b"HTTP/1.1 20\r\n", true, None),
            (b"HTTP/1.1 2000 OK\r\n", true, None),
            (b"HTTP/1.1 000 OK\r\n", true, None),
            (b"HTTP/1.2 200 OK\r\n", true, None),
            (b"ICY 200 OK\r\n", false, None),
            (b"RTSP/1.0 200 OK\r\n", false, None),
            (b"a line of text\r\n", false, None),
            (b"\r\n", false, None),
            (b"", false, None),
        ];
        for (line, strict, wanted) in cases {
            assert_eq!(
                start_line(line, *strict),
                *wanted,
                "{}",
                line.escape_ascii()
            );
        }
    }

    #[test]
    fn every_prefix_of_a_start_line_is_possible() {
        for line in [
            &b"OPTIONS http://host:80/a?b=c HTTP/1.1"[..],
            b"HTTP/1.1 200 OK",
            b"G",
        ] {
            for end in 0..=line.len() {
                assert_eq!(
                    guess(&line[..end]),
                    Guess::Possible,
                    "{}",
                    line[..end].escape_ascii()
                );
            }
        }
        for other in [
            &b"\x16\x03\x01\x02\x00"[..],
            b"\x05\x01\x00",
            b"<html>",
            b"GET\t/",
        ] {
            assert_eq!(guess(other), Guess::Impossible, "{}", other.escape_ascii());
        }
        let long = [b'A'; METHOD_BYTES_MAX + 1];
        assert_eq!(guess(&long), Guess::Impossible);
    }

    #[test]
    fn header_lines() {
        for line in [
            &b"Host: a\r\n"[..],
            b"X:\n",
            b" folded\r\n",
            b"\tfolded\r\n",
            b"\r\n",
            b"\n",
        ] {
            assert!(is_header_line(line), "{}", line.escape_ascii());
        }
        for line in [
            &b"GET http://a/ HTTP/1.1\r\n"[..],
            b"HTTP/1.1 200 OK: x\r\n",
            b": x\r\n",
            b"x",
        ] {
            assert!(!is_header_line(line), "{}", line.escape_ascii());
        }
    }

    #[test]
    fn other_protocols() {
        let cases: &[(&[u8], Counter)] = &[
            (b"\x16\x03\x01\x02\x00", Counter::ProtocolTls),
            (b"SSH-2.0-x\r\n", Counter::ProtocolSsh),
            (b"\x05\x01\x00", Counter::ProtocolSocks),
            (
                b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n",
                Counter::ProtocolRtsp,
            ),
            (b"REGISTER sip:h SIP/2.0\r\n", Counter::ProtocolSip),
            (b"\0\0\0\0", Counter::ProtocolOther),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(other_protocol(bytes), *wanted, "{}", bytes.escape_ascii());
        }
    }
}
