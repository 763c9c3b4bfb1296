//! Reads the heads that httparse refuses but that clients and servers exchange all the same:
//! any byte in the target, folded lines, blanks before the colon, lines without a colon.
//!
//! The start line and the line ends were found before; nothing here fails but for a start line
//! that is none.

use crate::exchange::{HeaderSpan, Version};
use crate::http1::detect::trim_line_end;
use crate::http1::head::{HeaderSpans, RequestParts, ResponseParts, span};
use crate::settings::HttpSettings;

/// Reads a request head.
pub(crate) fn request(bytes: &[u8], settings: &HttpSettings) -> Option<RequestParts> {
    let (line, rest) = split_line(bytes)?;
    let version_start = memchr::memrchr(b' ', line)?;
    let (before, version) = line.split_at_checked(version_start)?;
    let method_len = before.iter().position(|&b| b == b' ')?;
    let (method, target) = before.split_at_checked(method_len)?;
    let target = target.trim_ascii();
    let headers = headers(bytes, rest, settings);
    Some((
        span(bytes, method),
        span(bytes, target),
        version_of(version.trim_ascii())?,
        headers,
    ))
}

/// Reads a response head.
pub(crate) fn response(bytes: &[u8], settings: &HttpSettings) -> Option<ResponseParts> {
    let (line, rest) = split_line(bytes)?;
    let (version, after) = line.split_at_checked(8)?;
    let digits = after.trim_ascii_start().get(..3)?;
    let status = core::str::from_utf8(digits).ok()?.parse().ok()?;
    Some((status, version_of(version)?, headers(bytes, rest, settings)))
}

fn version_of(version: &[u8]) -> Option<Version> {
    match version {
        b"HTTP/1.1" => Some(Version::Http11),
        b"HTTP/1.0" => Some(Version::Http10),
        _ => None,
    }
}

/// The header lines; what is no header line is passed over.
fn headers(whole: &[u8], mut rest: &[u8], settings: &HttpSettings) -> HeaderSpans {
    let mut headers = HeaderSpans::new();
    while let Some((line, after)) = split_line(rest) {
        rest = after;
        if line.is_empty() || headers.len() >= settings.headers_max {
            break;
        }
        if matches!(line.first(), Some(b' ' | b'\t'))
            && let Some(last) = headers.last_mut()
        {
            // Obsolete line folding: the value goes on, line end and all.
            let continued = span(whole, line.trim_ascii());
            last.value.end = continued.end.max(last.value.end);
            continue;
        }
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let Some((name, value)) = line.split_at_checked(colon) else {
            continue;
        };
        let value = value.get(1..).unwrap_or_default();
        let (name, value) = (name.trim_ascii(), value.trim_ascii());
        if !name.is_empty() {
            headers.push(HeaderSpan {
                name: span(whole, name),
                value: span(whole, value),
            });
        }
    }
    headers
}

/// The first line without its end, and what follows it.
fn split_line(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', bytes)?;
    let (line, rest) = bytes.split_at_checked(end + 1)?;
    Some((trim_line_end(line), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::HeadBytes;

    fn read(head: &[u8]) -> String {
        let settings = HttpSettings::default();
        let (method, target, version, headers) = request(head, &settings).expect("a request");
        let head = HeadBytes {
            bytes: head.to_vec(),
            headers,
        };
        let mut out = format!(
            "{} {} {version:?}",
            head.slice(method).escape_ascii(),
            head.slice(target).escape_ascii()
        );
        for (name, value) in head.headers() {
            out += &format!(" {}={}", name.escape_ascii(), value.escape_ascii());
        }
        out
    }

    #[test]
    fn what_httparse_refuses_in_requests() {
        let cases: &[(&[u8], &str)] = &[
            (
                b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
                "GET /a b Http11 Host=h",
            ),
            (
                b"GET  /  HTTP/1.0\r\nHost : h\r\n\r\n",
                "GET / Http10 Host=h",
            ),
            (
                b"GET /\xe4 HTTP/1.1\nno colon\nA:b\n\n",
                "GET /\\xe4 Http11 A=b",
            ),
            (
                b"GET / HTTP/1.1\r\nA: b\r\n  c\r\nD:e\r\n\r\n",
                "GET / Http11 A=b\\r\\n  c D=e",
            ),
            (b"GET / HTTP/1.1\r\n: x\r\nA:\r\n\r\n", "GET / Http11 A="),
        ];
        for (head, wanted) in cases {
            assert_eq!(read(head), *wanted);
        }
    }

    #[test]
    fn what_httparse_refuses_in_responses() {
        let settings = HttpSettings::default();
        let (status, _, headers) =
            response(b"HTTP/1.1 200 \x01\r\nA: \x02\r\n\r\n", &settings).expect("a response");
        assert_eq!((status, headers.len()), (200, 1));
        assert!(response(b"HTTP/1.1 2x0 OK\r\n\r\n", &settings).is_none());
    }
}
