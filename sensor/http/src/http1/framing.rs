//! Decides how a message's content is framed (RFC 9112 section 6.3) and says what is odd about it.

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::exchange::{HeadBytes, Version};

/// How the content of a message is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    None,
    /// That many bytes.
    Length(u64),
    /// Chunks.
    Chunked,
    /// Everything until the connection closes.
    Close,
}

/// What the framing headers say, before the rules for methods and status codes.
#[derive(Clone, Copy, Debug, Default)]
struct Fields {
    /// There is a Transfer-Encoding other than `identity`.
    transfer_encoding: bool,
    /// Its final coding is chunked.
    chunked: bool,
    /// There is a Content-Length.
    content_length: bool,
    /// Its first value, when it is a number.
    length: Option<u64>,
}

/// The framing of a request.
pub(crate) fn of_request(head: &HeadBytes, version: Version) -> (Framing, Anomalies) {
    let mut anomalies = Anomalies::new();
    let fields = read_fields(head, &mut anomalies);
    let hosts = head
        .headers()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"host"))
        .count();
    if hosts > 1 || (hosts == 0 && version == Version::Http11) {
        anomalies.insert(MessageAnomaly::AmbiguousHost);
    }
    let framing = if fields.chunked {
        Framing::Chunked
    } else {
        // A request whose final coding is not chunked has no length that can be known; a server
        // refuses it. The Content-Length, if any, is the best that is left.
        fields
            .length
            .filter(|&n| n > 0)
            .map_or(Framing::None, Framing::Length)
    };
    (framing, anomalies)
}

/// The framing of a final response to a request of that method (none when it is not known).
pub(crate) fn of_response(
    head: &HeadBytes,
    status: u16,
    method: Option<&[u8]>,
) -> (Framing, Anomalies) {
    let mut anomalies = Anomalies::new();
    let fields = read_fields(head, &mut anomalies);
    let bodiless = matches!(status, 100..=199 | 204 | 304)
        || method == Some(b"HEAD")
        || (method == Some(b"CONNECT") && matches!(status, 200..=299));
    let framing = if bodiless {
        Framing::None
    } else if fields.chunked {
        Framing::Chunked
    } else if fields.transfer_encoding {
        Framing::Close
    } else {
        match fields.length {
            Some(0) => Framing::None,
            Some(n) => Framing::Length(n),
            None => Framing::Close,
        }
    };
    (framing, anomalies)
}

fn read_fields(head: &HeadBytes, anomalies: &mut Anomalies) -> Fields {
    let mut fields = Fields::default();
    let mut unknown_coding = false;
    for (name, value) in head.headers() {
        // Only two names matter and both are rare lengths: most lines are passed over cheaply.
        if name.len() == 14 && name.eq_ignore_ascii_case(b"content-length") {
            read_length(value, &mut fields, anomalies);
        } else if name.len() == 17 && name.eq_ignore_ascii_case(b"transfer-encoding") {
            for coding in value.split(|&b| b == b',') {
                let coding = coding
                    .split(|&b| b == b';')
                    .next()
                    .unwrap_or_default()
                    .trim_ascii();
                if coding.is_empty() || coding.eq_ignore_ascii_case(b"identity") {
                    continue;
                }
                fields.transfer_encoding = true;
                // Chunked must be last and appear once.
                unknown_coding |= fields.chunked;
                fields.chunked = coding.eq_ignore_ascii_case(b"chunked");
                unknown_coding |= !fields.chunked && !is_known_coding(coding);
            }
        }
    }
    if fields.transfer_encoding && (unknown_coding || !fields.chunked) {
        anomalies.insert(MessageAnomaly::UnknownTransferEncoding);
    }
    if fields.transfer_encoding && fields.content_length {
        anomalies.insert(MessageAnomaly::ContentLengthWithTransferEncoding);
    }
    fields
}

fn is_known_coding(coding: &[u8]) -> bool {
    ["gzip", "x-gzip", "deflate", "compress", "x-compress"]
        .iter()
        .any(|known| coding.eq_ignore_ascii_case(known.as_bytes()))
}

/// Reads one Content-Length line, which may be a list of equal values (RFC 9110 section 8.6).
fn read_length(value: &[u8], fields: &mut Fields, anomalies: &mut Anomalies) {
    for part in value.split(|&b| b == b',') {
        let number = decimal(part.trim_ascii());
        if number.is_none() {
            anomalies.insert(MessageAnomaly::InvalidContentLength);
        } else if fields.length.is_some() && fields.length != number {
            anomalies.insert(MessageAnomaly::ConflictingContentLength);
        } else {
            fields.length = number;
        }
        fields.content_length = true;
    }
}

/// A number of digits only; none when it is something else or does not fit.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |value, &byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        value.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::head::{parse_request, parse_response};
    use crate::settings::HttpSettings;

    fn response(status: &str, lines: &str, method: &[u8]) -> (Framing, Vec<MessageAnomaly>) {
        let text = format!("HTTP/1.1 {status} x\r\n{lines}\r\n");
        let (head, _) = parse_response(text.into_bytes(), &HttpSettings::default());
        let head = head.expect("a response");
        let (framing, anomalies) = of_response(&head.head, head.status, Some(method));
        (framing, anomalies.iter().collect())
    }

    fn request(lines: &str) -> (Framing, Vec<MessageAnomaly>) {
        let text = format!("POST / HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        let (head, _) = parse_request(text.into_bytes(), &HttpSettings::default());
        let head = head.expect("a request");
        let (framing, anomalies) = of_request(&head.head, head.version);
        (framing, anomalies.iter().collect())
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn responses() {
        use MessageAnomaly as M;
        let cases: &[(&str, &str, &str, Framing, &[M])] = &[
            (
                "200",
                "Content-Length: 5\r\n",
                "GET",
                Framing::Length(5),
                &[],
            ),
            ("200", "content-length: 5\r\n", "HEAD", Framing::None, &[]),
            ("204", "Content-Length: 5\r\n", "GET", Framing::None, &[]),
            ("304", "Content-Length: 5\r\n", "GET", Framing::None, &[]),
            (
                "200",
                "Content-Length: 5\r\n",
                "CONNECT",
                Framing::None,
                &[],
            ),
            (
                "407",
                "Content-Length: 5\r\n",
                "CONNECT",
                Framing::Length(5),
                &[],
            ),
            ("200", "", "GET", Framing::Close, &[]),
            (
                "200",
                "Transfer-Encoding: chunked\r\n",
                "GET",
                Framing::Chunked,
                &[],
            ),
            (
                "200",
                "Transfer-Encoding: gzip, chunked\r\n",
                "GET",
                Framing::Chunked,
                &[],
            ),
            (
                "200",
                "Transfer-Encoding: chunked, gzip\r\n",
                "GET",
                Framing::Close,
                &[M::UnknownTransferEncoding],
            ),
            (
                "200",
                "Transfer-Encoding: xchunked\r\n",
                "GET",
                Framing::Close,
                &[M::UnknownTransferEncoding],
            ),
            (
                "200",
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                "GET",
                Framing::Chunked,
                &[M::ContentLengthWithTransferEncoding],
            ),
            (
                "200",
                "Transfer-Encoding: identity\r\nContent-Length: 3\r\n",
                "GET",
                Framing::Length(3),
                &[],
            ),
            (
                "200",
                "Content-Length: 3, 3\r\n",
                "GET",
                Framing::Length(3),
                &[],
            ),
            (
                "200",
                "Content-Length: 3\r\nContent-Length: 4\r\n",
                "GET",
                Framing::Length(3),
                &[M::ConflictingContentLength],
            ),
            (
                "200",
                "Content-Length: -1\r\n",
                "GET",
                Framing::Close,
                &[M::InvalidContentLength],
            ),
            (
                "200",
                "Content-Length: 18446744073709551616\r\n",
                "GET",
                Framing::Close,
                &[M::InvalidContentLength],
            ),
            (
                "200",
                "Content-Length: 18446744073709551615\r\n",
                "GET",
                Framing::Length(u64::MAX),
                &[],
            ),
        ];
        for (status, lines, method, framing, anomalies) in cases {
            let wanted = (*framing, anomalies.to_vec());
            assert_eq!(
                response(status, lines, method.as_bytes()),
                wanted,
                "{status} {lines}"
            );
        }
    }

    #[test]
    fn requests() {
        use MessageAnomaly as M;
        let cases: &[(&str, Framing, &[M])] = &[
            ("", Framing::None, &[]),
            ("Content-Length: 0\r\n", Framing::None, &[]),
            ("Content-Length: 7\r\n", Framing::Length(7), &[]),
            ("Transfer-Encoding: chunked\r\n", Framing::Chunked, &[]),
            (
                "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n",
                Framing::Chunked,
                &[M::ContentLengthWithTransferEncoding],
            ),
            (
                "Transfer-Encoding: gzip\r\n",
                Framing::None,
                &[M::UnknownTransferEncoding],
            ),
            (
                "Content-Length: 0x7\r\n",
                Framing::None,
                &[M::InvalidContentLength],
            ),
            ("Host: b\r\n", Framing::None, &[M::AmbiguousHost]),
        ];
        for (lines, framing, anomalies) in cases {
            assert_eq!(request(lines), (*framing, anomalies.to_vec()), "{lines}");
        }
    }
}
