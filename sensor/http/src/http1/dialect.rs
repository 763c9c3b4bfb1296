//! Reads the heads that httparse refuses but that clients and servers exchange all the same: odd
//! start lines, folded lines, blanks before the colon, lines without a colon, control characters,
//! too many lines. It reads every head; what it tolerates it names.

use memchr::{memchr, memchr2};

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::exchange::{HeaderSpan, Span, Version};
use crate::http1::detect::{is_token_byte, trim_line_end};
use crate::http1::framing;
use crate::http1::head::{HeaderSpans, RequestParts, ResponseParts, span};
use crate::http1::start_line::{self, RequestLine, is_blank, trim_blanks, trim_whitespace};
use crate::settings::HttpSettings;

/// Reads a request head.
pub(crate) fn request(
    bytes: &[u8],
    cr_lines: bool,
    settings: &HttpSettings,
    anomalies: &mut Anomalies,
) -> RequestParts {
    let (line, rest) = split_line(bytes, cr_lines).unwrap_or((bytes, &[]));
    let parts = RequestLine::split(line);
    if parts.leading > 0 {
        anomalies.insert(MessageAnomaly::LeadingBytes);
    }
    let version = match parts.version {
        Some(name) => {
            let strict = parts.leading + parts.method.len() + parts.target.len() + name.len() + 2;
            let only_spaces = !line.iter().any(|&b| is_blank(b) && b != b' ');
            if strict != line.len() || !(only_spaces || parts.target.iter().any(|&b| is_blank(b))) {
                anomalies.insert(MessageAnomaly::StartLineBlanks);
            }
            start_line::version(name, anomalies)
        }
        None => Version::Http09,
    };
    let headers = headers(bytes, rest, cr_lines, settings, anomalies);
    let target = if parts.target.is_empty() {
        Span::default()
    } else {
        span(bytes, parts.target)
    };
    (span(bytes, parts.method), target, version, headers)
}

/// Reads a response head.
pub(crate) fn response(
    bytes: &[u8],
    cr_lines: bool,
    settings: &HttpSettings,
    anomalies: &mut Anomalies,
) -> ResponseParts {
    let (whole, rest) = split_line(bytes, cr_lines).unwrap_or((bytes, &[]));
    let line = trim_blanks_and_controls(whole);
    if line.as_ptr() != whole.as_ptr() {
        anomalies.insert(MessageAnomaly::LeadingBytes);
    }
    let version_len = line.iter().take_while(|&&b| !is_blank(b)).count();
    let (name, after) = line.split_at_checked(version_len).unwrap_or((line, &[]));
    let version = if name.eq_ignore_ascii_case(b"icy") {
        anomalies.insert(MessageAnomaly::IcyStatusLine);
        Version::Http10
    } else {
        start_line::version(name, anomalies)
    };
    let code = trim_blanks(after);
    if after.len() > code.len() + 1 && !code.is_empty() || after.first().is_some_and(|&b| b != b' ')
    {
        anomalies.insert(MessageAnomaly::StartLineBlanks);
    }
    let status = u16::try_from(start_line::leading_number(code)).unwrap_or_default();
    let is_number = code
        .iter()
        .take_while(|&&b| !is_blank(b))
        .all(u8::is_ascii_digit);
    if !is_number {
        anomalies.insert(MessageAnomaly::InvalidStatus);
    }
    let headers = headers(bytes, rest, cr_lines, settings, anomalies);
    (status, version, headers)
}

/// The line without what stands before its first visible character.
fn trim_blanks_and_controls(line: &[u8]) -> &[u8] {
    let leading = line.iter().take_while(|b| !b.is_ascii_graphic()).count();
    line.get(leading..).unwrap_or_default()
}

/// The header lines; what is no header line is passed over.
fn headers(
    whole: &[u8],
    mut rest: &[u8],
    cr_lines: bool,
    settings: &HttpSettings,
    anomalies: &mut Anomalies,
) -> HeaderSpans {
    let mut headers = HeaderSpans::new();
    // Folded lines belong to the header line before, unless that was passed over.
    let mut goes_on = false;
    while let Some((line, after)) = split_line(rest, cr_lines) {
        rest = after;
        if line.is_empty() {
            break;
        }
        judge_bytes(line, anomalies);
        if matches!(line.first(), Some(b' ' | b'\t')) {
            anomalies.insert(MessageAnomaly::ObsFold);
            let last = headers.last_mut().filter(|_| goes_on);
            fold(whole, line, last, anomalies);
            continue;
        }
        goes_on = false;
        let Some(header) = header(whole, line, anomalies) else {
            continue;
        };
        // The fields that frame the message count even where others do not any more.
        if headers.len() >= settings.headers_max {
            anomalies.insert(MessageAnomaly::TooManyHeaders);
            let is_kept = headers.len() < settings.headers_max + 8
                && framing::is_framing_name(slice(whole, header.name));
            if !is_kept {
                continue;
            }
        }
        headers.push(header);
        goes_on = true;
    }
    headers
}

fn slice(whole: &[u8], span: Span) -> &[u8] {
    whole
        .get(span.start as usize..span.end as usize)
        .unwrap_or_default()
}

/// Control characters and bare CR in a header line.
fn judge_bytes(line: &[u8], anomalies: &mut Anomalies) {
    for &byte in line {
        match byte {
            b'\t' => {}
            b'\r' => anomalies.insert(MessageAnomaly::BareCr),
            0..=0x1f | 0x7f => anomalies.insert(MessageAnomaly::ControlByte),
            _ => {}
        }
    }
}

/// Obsolete line folding: the value of the last header line goes on, line end and all. Behind the
/// start line there is none, and the line is ignored (RFC 9112 section 2.2).
fn fold(whole: &[u8], line: &[u8], last: Option<&mut HeaderSpan>, anomalies: &mut Anomalies) {
    let line = trim_blanks(line);
    match last {
        Some(last) if !line.is_empty() => {
            let continued = span(whole, line);
            if last.value.start == last.value.end {
                last.value.start = continued.start;
            }
            last.value.end = continued.end;
        }
        Some(_) => {}
        None => {
            let name = line.split(|&b| b == b':').next().unwrap_or_default();
            if framing::is_framing_name(trim_blanks(name)) {
                anomalies.insert(MessageAnomaly::ObfuscatedFramingField);
            }
        }
    }
}

/// Name and value of a line; none when it has no colon or no name.
fn header(whole: &[u8], line: &[u8], anomalies: &mut Anomalies) -> Option<HeaderSpan> {
    let Some((name, value)) = memchr(b':', line).and_then(|colon| line.split_at_checked(colon))
    else {
        anomalies.insert(MessageAnomaly::HeaderWithoutColon);
        return None;
    };
    let value = trim_whitespace(value.get(1..).unwrap_or_default());
    let trimmed = trim_blanks(name);
    if trimmed.len() != name.len() {
        anomalies.insert(MessageAnomaly::BlankBeforeColon);
    }
    if trimmed.is_empty() || !trimmed.iter().all(|&b| is_token_byte(b)) {
        anomalies.insert(MessageAnomaly::InvalidHeaderName);
    }
    (!trimmed.is_empty()).then(|| HeaderSpan {
        name: span(whole, trimmed),
        value: span(whole, value),
    })
}

/// The first line without its end, and what follows it.
fn split_line(bytes: &[u8], cr_lines: bool) -> Option<(&[u8], &[u8])> {
    if !cr_lines {
        let end = memchr(b'\n', bytes)?;
        let (line, rest) = bytes.split_at_checked(end + 1)?;
        return Some((trim_line_end(line), rest));
    }
    let end = memchr2(b'\r', b'\n', bytes)?;
    let (line, rest) = bytes.split_at_checked(end)?;
    let rest = match rest {
        [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => rest,
        [] => rest,
    };
    Some((line, rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::HeadBytes;
    use MessageAnomaly as M;

    fn read(head: &[u8]) -> (String, Vec<MessageAnomaly>) {
        let settings = HttpSettings {
            headers_max: 4,
            ..HttpSettings::default()
        };
        let mut anomalies = Anomalies::new();
        let cr_lines = !head.contains(&b'\n');
        let (method, target, version, headers) = request(head, cr_lines, &settings, &mut anomalies);
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
        (out, anomalies.iter().collect())
    }

    #[test]
    fn what_httparse_refuses_in_requests() {
        let cases: &[(&[u8], &str, &[M])] = &[
            (
                b"GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
                "GET /a b Http11 Host=h",
                &[],
            ),
            (
                b"GET  /\tHTTP/1.0\r\nHost : h\r\n\r\n",
                "GET / Http10 Host=h",
                &[M::StartLineBlanks, M::BlankBeforeColon],
            ),
            (
                b"GET /\xe4 HTTP/1.1\nno colon\nA:b\n\n",
                "GET /\\xe4 Http11 A=b",
                &[M::HeaderWithoutColon],
            ),
            (
                b"GET / HTTP/1.1\r\nA: b\r\n  c\r\nD:e\r\n\r\n",
                "GET / Http11 A=b\\r\\n  c D=e",
                &[M::ObsFold],
            ),
            (
                b"GET / HTTP/1.1\r\n X: y\r\nA:\r\n b\r\n\r\n",
                "GET / Http11 A=b",
                &[M::ObsFold],
            ),
            (
                b"GET / HTTP/1.1\r\n: x\r\n y\r\nA:\r\n\r\n",
                "GET / Http11 A=",
                &[M::ObsFold, M::InvalidHeaderName],
            ),
            (
                b"\0GET / hTTp/1.1\rA: b\r\r",
                "GET / Http11 A=b",
                &[M::LeadingBytes, M::VersionCase],
            ),
            (
                b"GET / HTTP/3.7\r\nA: \x01b\rc\r\n\r\n",
                "GET / Other { major: 3, minor: 7 } A=\\x01b\\rc",
                &[M::BareCr, M::ControlByte, M::UnknownVersion],
            ),
            (b"GET /\r\n", "GET / Http09", &[]),
            (
                b"GET / HTTP/1.1\r\nA:1\r\nB:2\r\nC:3\r\nD:4\r\nE:5\r\nContent-Length: 6\r\n\r\n",
                "GET / Http11 A=1 B=2 C=3 D=4 Content-Length=6",
                &[M::TooManyHeaders],
            ),
        ];
        for (head, wanted, anomalies) in cases {
            assert_eq!(read(head), ((*wanted).to_owned(), anomalies.to_vec()));
        }
    }

    #[test]
    fn what_httparse_refuses_in_responses() {
        let cases: &[(&[u8], u16, Version, &[M])] = &[
            (
                b"HTTP/1.1 200 \x01\r\nA: \x02\r\n\r\n",
                200,
                Version::Http11,
                &[M::ControlByte],
            ),
            (
                b"HTTP/1.1 2x0 OK\r\n\r\n",
                2,
                Version::Http11,
                &[M::InvalidStatus],
            ),
            (b"HTTP/1.1 2000 OK\r\n\r\n", 2000, Version::Http11, &[]),
            (
                b"HTTP/1.1 -1 OK\r\n\r\n",
                0,
                Version::Http11,
                &[M::InvalidStatus],
            ),
            (b"HTTP/1.1 99999999999 OK\r\n\r\n", 0, Version::Http11, &[]),
            (b"HTTP/1.1\r\n\r\n", 0, Version::Http11, &[]),
            (
                b"HTTP/1.1 OK\r\n\r\n",
                0,
                Version::Http11,
                &[M::InvalidStatus],
            ),
            (
                b"HTTP/1.0\t 404 x\r\n\r\n",
                404,
                Version::Http10,
                &[M::StartLineBlanks],
            ),
            (
                b"ICY 200 OK\r\n\r\n",
                200,
                Version::Http10,
                &[M::IcyStatusLine],
            ),
            (
                b"\0HTTP/1.1 200 OK\r\n\r\n",
                200,
                Version::Http11,
                &[M::LeadingBytes],
            ),
        ];
        for (head, status, version, wanted) in cases {
            let mut anomalies = Anomalies::new();
            let read = response(head, false, &HttpSettings::default(), &mut anomalies);
            assert_eq!(
                (read.0, read.1),
                (*status, *version),
                "{}",
                head.escape_ascii()
            );
            let found: Vec<_> = anomalies.iter().collect();
            assert_eq!(found, wanted.to_vec(), "{}", head.escape_ascii());
        }
    }
}
