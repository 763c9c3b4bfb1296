//! Tells the first line of a message from other bytes, as strictly as the place asks for: where
//! nothing is known yet, only a line that no other protocol has makes HTTP; where a message must
//! stand, nearly every line that names a method or a version is taken for one.

use memchr::{memmem, memrchr};

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::exchange::Version;
use crate::http1::detect::{self, Guess, METHOD_BYTES_MAX, MessageKind, is_token_byte};

/// Bytes before a start line, on its own line, that are passed over where a message is expected.
const LEADING_BYTES_MAX: usize = 8;

/// What is known of the place where a start line may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expectation {
    /// Nothing: the connection may speak anything.
    Unknown {
        /// These are the first bytes of a connection whose beginning was seen.
        first: bool,
    },
    /// The connection speaks HTTP, bytes are missing, and a message may start at this line.
    Searched,
    /// The connection speaks HTTP, no byte is missing, and a message may start anywhere in a line.
    Scanned,
    /// A message of that kind must start here.
    Expected(MessageKind),
}

impl Expectation {
    /// Anything may be spoken; `first` tells of the first bytes of a connection.
    pub(crate) const fn unknown(first: bool) -> Self {
        Self::Unknown { first }
    }

    /// Whether a start is not expected here, so that every line must look like one of a head.
    pub(crate) const fn is_search(self) -> bool {
        matches!(self, Self::Searched | Self::Scanned)
    }
}

impl Default for Expectation {
    fn default() -> Self {
        Self::Unknown { first: false }
    }
}

/// What a whole first line begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StartLine {
    /// A message with a head.
    Head(MessageKind),
    /// A request without a version: HTTP/0.9, unless header lines follow.
    Versionless,
}

/// The blanks that lenient parsers take between the parts of a start line (RFC 9112 section 3).
pub(crate) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}

/// How many bytes stand before the start line: blanks, NUL and other control characters.
fn leading(line: &[u8]) -> usize {
    line.iter()
        .take(LEADING_BYTES_MAX)
        .take_while(|&&b| b <= b' ' || b == 0x7f)
        .count()
}

/// What message a whole line (with its line end) begins, if any.
pub(crate) fn start_line(line: &[u8], expectation: Expectation) -> Option<StartLine> {
    let strictly = |strict| detect::start_line(line, strict).map(StartLine::Head);
    match expectation {
        Expectation::Searched | Expectation::Scanned => strictly(true),
        Expectation::Unknown { first } => strictly(false).or_else(|| unexpected(line, first)),
        Expectation::Expected(MessageKind::Response) => {
            let line = line.get(leading(line)..).unwrap_or_default();
            is_response(line).then_some(StartLine::Head(MessageKind::Response))
        }
        Expectation::Expected(_) => strictly(false)
            .filter(|line| *line != StartLine::Head(MessageKind::Response))
            .or_else(|| expected_request(line)),
    }
}

/// Whether an incomplete line can become a start line. Looks at a bounded prefix, and says that it
/// can for every prefix of every line that [`start_line`] takes.
pub(crate) fn guess(prefix: &[u8], expectation: Expectation) -> Guess {
    let is_possible = match expectation {
        Expectation::Searched | Expectation::Scanned => return detect::guess(prefix),
        Expectation::Unknown { .. } => {
            return if may_be_any_version(prefix) {
                Guess::Possible
            } else {
                detect::guess(prefix)
            };
        }
        Expectation::Expected(MessageKind::Response) => {
            may_be_response(prefix.get(leading(prefix)..).unwrap_or_default())
        }
        Expectation::Expected(_) => {
            let rest = prefix.get(leading(prefix)..).unwrap_or_default();
            let method = rest
                .iter()
                .take(METHOD_BYTES_MAX + 1)
                .take_while(|b| b.is_ascii_graphic())
                .count();
            match rest.get(method) {
                None => method <= METHOD_BYTES_MAX,
                Some(&b) => is_blank(b) && (1..=METHOD_BYTES_MAX).contains(&method),
            }
        }
    };
    if is_possible {
        Guess::Possible
    } else {
        Guess::Impossible
    }
}

/// Whether the bytes agree with `HTTP/` in any case, or with `ICY `, as far as they go.
fn may_be_response(prefix: &[u8]) -> bool {
    let agrees = |wanted: &[u8]| {
        prefix
            .iter()
            .zip(wanted)
            .all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    agrees(b"HTTP/") || agrees(b"ICY ")
}

fn is_response(line: &[u8]) -> bool {
    line.len() >= 5 && may_be_response(line)
}

/// `HTTP/1.d `, as far as the bytes go.
fn may_be_any_version(prefix: &[u8]) -> bool {
    prefix
        .iter()
        .zip(b"HTTP/1.d ")
        .all(|(byte, wanted)| match wanted {
            b'd' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

/// A first line where nothing is known that is not quite HTTP/1.0 or HTTP/1.1.
fn unexpected(line: &[u8], first: bool) -> Option<StartLine> {
    let line = detect::trim_line_end(line);
    if may_be_any_version(line) && detect::status_code(line.get(8..)?).is_some() {
        return Some(StartLine::Head(MessageKind::Response));
    }
    let parts = RequestLine::split(line);
    if parts.leading > 0 || !detect::has_known_method(line) || parts.target.is_empty() {
        return None;
    }
    match parts.version {
        // `PRI * HTTP/2.0` has no known method; RTSP, SIP and ICAP name themselves.
        Some(version) => is_version(version).then_some(StartLine::Head(MessageKind::Request)),
        // HTTP/0.9 had one method, and nothing else begins a connection with it and a path.
        None => (first && parts.method == b"GET" && is_plain_target(parts.target))
            .then_some(StartLine::Versionless),
    }
}

/// `HTTP/d.d` in any case.
fn is_version(version: &[u8]) -> bool {
    match version {
        [name @ .., b'/', major, b'.', minor] => {
            name.eq_ignore_ascii_case(b"http") && major.is_ascii_digit() && minor.is_ascii_digit()
        }
        _ => false,
    }
}

/// A path or an absolute URI of visible characters.
fn is_plain_target(target: &[u8]) -> bool {
    (target.starts_with(b"/") || target.starts_with(b"http://"))
        && target.iter().all(u8::is_ascii_graphic)
}

fn expected_request(line: &[u8]) -> Option<StartLine> {
    let parts = RequestLine::split(detect::trim_line_end(line));
    let method_fits = (1..=METHOD_BYTES_MAX).contains(&parts.method.len())
        && parts.method.iter().all(u8::is_ascii_graphic);
    if !method_fits {
        return None;
    }
    match parts.version {
        Some(_) => Some(StartLine::Head(MessageKind::Request)),
        None => (detect::has_known_method(parts.method) && is_plain_target(parts.target))
            .then_some(StartLine::Versionless),
    }
}

/// Where in a whole line a start line begins that fills the rest of it, as strictly as can be.
pub(crate) fn start_within(line: &[u8]) -> Option<(usize, MessageKind)> {
    let statuses = memmem::find_iter(line, b"HTTP/1.");
    for at in statuses {
        let rest = line.get(at..).unwrap_or_default();
        if detect::start_line(rest, true) == Some(MessageKind::Response) {
            return Some((at, MessageKind::Response));
        }
    }
    // A target without blanks: the last three words are the line.
    let words = detect::trim_line_end(line);
    let version = memrchr(b' ', words)?;
    let target = memrchr(b' ', words.get(..version)?)?;
    let method = detect::known_method_at_end(words.get(..target)?)?;
    let at = target.checked_sub(method)?;
    let found = detect::start_line(line.get(at..)?, true)?;
    (found == MessageKind::Request).then_some((at, found))
}

/// The parts of a request line, however they are separated.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestLine<'a> {
    /// Bytes before the method.
    pub(crate) leading: usize,
    /// The method.
    pub(crate) method: &'a [u8],
    /// Everything between method and version, without blanks around it.
    pub(crate) target: &'a [u8],
    /// The last part, when it begins with `HTTP/` in any case.
    pub(crate) version: Option<&'a [u8]>,
}

impl<'a> RequestLine<'a> {
    /// Splits a line without its end.
    pub(crate) fn split(line: &'a [u8]) -> Self {
        let leading = leading(line);
        let rest = line.get(leading..).unwrap_or_default();
        let method_len = rest.iter().take_while(|&&b| !is_blank(b)).count();
        let (method, rest) = rest.split_at_checked(method_len).unwrap_or((rest, &[]));
        let rest = trim_blanks(rest);
        let last = rest.iter().rposition(|&b| is_blank(b)).map_or(0, |i| i + 1);
        let (before, last) = rest.split_at_checked(last).unwrap_or((rest, &[]));
        let names_http = last.len() >= 5
            && last
                .get(..5)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"HTTP/"));
        let (target, version) = if names_http {
            (trim_blanks(before), Some(last))
        } else {
            (rest, None)
        };
        Self {
            leading,
            method,
            target,
            version,
        }
    }
}

/// A field value without white space, or what line folding leaves, around it.
pub(crate) fn trim_whitespace(value: &[u8]) -> &[u8] {
    let is_white = |b: &&u8| matches!(**b, b' ' | b'\t' | b'\r' | b'\n');
    let start = value.iter().take_while(is_white).count();
    let value = value.get(start..).unwrap_or_default();
    let end = value.iter().rev().take_while(is_white).count();
    value
        .get(..value.len().saturating_sub(end))
        .unwrap_or_default()
}

/// The bytes without blanks around them.
pub(crate) fn trim_blanks(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().take_while(|&&b| is_blank(b)).count();
    let bytes = bytes.get(start..).unwrap_or_default();
    let end = bytes.iter().rev().take_while(|&&b| is_blank(b)).count();
    bytes
        .get(..bytes.len().saturating_sub(end))
        .unwrap_or_default()
}

/// The version that a start line names, and what is odd about it.
pub(crate) fn version(name: &[u8], anomalies: &mut Anomalies) -> Version {
    match name {
        b"HTTP/1.1" => return Version::Http11,
        b"HTTP/1.0" => return Version::Http10,
        _ => {}
    }
    if !name.starts_with(b"HTTP/") {
        anomalies.insert(MessageAnomaly::VersionCase);
    }
    let number = name.get(5..).unwrap_or_default();
    match number {
        b"1.1" => Version::Http11,
        b"1.0" => Version::Http10,
        _ => {
            anomalies.insert(MessageAnomaly::UnknownVersion);
            let mut parts = number.split(|&b| b == b'.');
            let mut part = || parts.next().map_or(0, |part| leading_number(part).min(255));
            let (major, minor) = (part(), part());
            Version::Other {
                major: u8::try_from(major).unwrap_or(u8::MAX),
                minor: u8::try_from(minor).unwrap_or(u8::MAX),
            }
        }
    }
}

/// The number that some bytes begin with; 0 when they begin with none, capped far above any use.
pub(crate) fn leading_number(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .take_while(|b| b.is_ascii_digit())
        .take(9)
        .fold(0, |number, digit| number * 10 + u32::from(digit - b'0'))
}

/// Whether a line that goes on with a bare CR is a start line whole: then CR ends the lines of this
/// head. Looks at a bounded part of the line.
pub(crate) fn ends_with_cr(line: &[u8], expectation: Expectation) -> bool {
    if expectation.is_search() {
        return false;
    }
    let rest = line.get(leading(line)..).unwrap_or_default();
    if let Some(after) = rest.get(8..)
        && may_be_any_version(rest)
    {
        return rest.len() < 128 && detect::status_code(after).is_some();
    }
    let version_start = memrchr(
        b' ',
        line.get(line.len().saturating_sub(9)..).unwrap_or(line),
    );
    let is_request = version_start == Some(0)
        && is_version(line.get(line.len().saturating_sub(8)..).unwrap_or_default());
    is_request && rest.first().is_some_and(|&b| is_token_byte(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUEST: Expectation = Expectation::Expected(MessageKind::Request);
    const RESPONSE: Expectation = Expectation::Expected(MessageKind::Response);
    const FIRST: Expectation = Expectation::Unknown { first: true };
    const LATER: Expectation = Expectation::Unknown { first: false };

    /// Lines, and at which places they begin what.
    #[test]
    fn lines_by_place() {
        use MessageKind::{Request, Response};
        let request = Some(StartLine::Head(Request));
        let response = Some(StartLine::Head(Response));
        let bare = Some(StartLine::Versionless);
        type Case = (&'static [u8], Expectation, Option<StartLine>);
        let cases: &[Case] = &[
            (b"GET / HTTP/1.1\r\n", REQUEST, request),
            (b"GET\t/a b\tHTTP/1.2 \r\n", REQUEST, request),
            (b"\0 get /x http/1.1\n", REQUEST, request),
            (b"GET HTTP/1.1\r\n", REQUEST, request),
            (b"G{T / HTTP/1.1\r\n", REQUEST, request),
            (b"GET /\r\n", REQUEST, bare),
            (b"GET /\r\n", FIRST, bare),
            (b"GET /\r\n", LATER, None),
            (b"GET /\r\n", Expectation::Searched, None),
            (b"FOO /\r\n", REQUEST, None),
            (b"hello\r\n", REQUEST, None),
            (b"HTTP/1.1 200 OK\r\n", REQUEST, None),
            (b"GET / HTTP/1.2\r\n", LATER, request),
            (b"GET / http/1.1\r\n", LATER, request),
            (b"GET / HTTP/1.2\r\n", Expectation::Searched, None),
            (b"HTTP/1.2 200 OK\r\n", LATER, response),
            (b"HTTP/2.0 200 OK\r\n", LATER, None),
            (b"HTTP/2.0 200 OK\r\n", RESPONSE, response),
            (b"\0HTTP/1.1 200 OK\r\n", RESPONSE, response),
            (b"http/1.1 2XX OK\r\n", RESPONSE, response),
            (b"HTTP/1.1\r\n", RESPONSE, response),
            (b"ICY 200 OK\r\n", RESPONSE, response),
            (b"ICY 200 OK\r\n", FIRST, None),
            (b"RTSP/1.0 200 OK\r\n", RESPONSE, None),
            (b"GET / HTTP/1.1\r\n", RESPONSE, None),
        ];
        for (line, place, wanted) in cases {
            let found = start_line(line, *place);
            assert_eq!(found, *wanted, "{} {place:?}", line.escape_ascii());
            for end in 0..line.len() {
                if wanted.is_some() {
                    assert_eq!(guess(&line[..end], *place), Guess::Possible);
                }
            }
        }
    }

    #[test]
    fn other_protocols_are_none() {
        for line in [
            &b"INVITE sip:bob@example.com SIP/2.0\r\n"[..],
            b"OPTIONS rtsp://h/ RTSP/1.0\r\n",
            b"SETUP rtsp://h/a RTSP/2.0\r\n",
            b"RTSP/1.0 200 OK\r\n",
            b"SIP/2.0 200 OK\r\n",
            b"ICY 200 OK\r\n",
            b"SOURCE /stream ICE/1.0\r\n",
            b"REQMOD icap://h/s ICAP/1.0\r\n",
            b"NICK someone\r\n",
            b"USER a 0 * :b\r\n",
            b"EHLO example.com\r\n",
            b"MAIL FROM:<a@b>\r\n",
            b"220 mail ESMTP\r\n",
            b"* OK IMAP4rev1\r\n",
            b"+OK POP3\r\n",
            b"get key\r\n",
            b"GET key\r\n",
            b"SSH-2.0-OpenSSH\r\n",
            b"NOTIFY / FOO/1.1\r\n",
        ] {
            for place in [FIRST, LATER, Expectation::Searched] {
                assert_eq!(start_line(line, place), None, "{}", line.escape_ascii());
            }
        }
    }

    #[test]
    fn versions() {
        let of = |name: &[u8]| {
            let mut anomalies = Anomalies::new();
            let version = version(name, &mut anomalies);
            (version, anomalies.iter().collect::<Vec<_>>())
        };
        assert_eq!(of(b"HTTP/1.0"), (Version::Http10, vec![]));
        let other = |major, minor| Version::Other { major, minor };
        let unknown = MessageAnomaly::UnknownVersion;
        assert_eq!(of(b"HTTP/1.2"), (other(1, 2), vec![unknown]));
        assert_eq!(of(b"HTTP/999.x"), (other(255, 0), vec![unknown]));
        let case = MessageAnomaly::VersionCase;
        assert_eq!(of(b"http/1.1"), (Version::Http11, vec![case]));
    }

    #[test]
    fn lines_that_a_cr_ends() {
        assert!(ends_with_cr(b"GET / HTTP/1.1", LATER));
        assert!(ends_with_cr(b"HTTP/1.1 200 OK", RESPONSE));
        for line in [&b"GET /"[..], b"GET / HTTP/1.1 ", b"HTTP/1.1", b"", b"x"] {
            assert!(!ends_with_cr(line, REQUEST), "{}", line.escape_ascii());
        }
    }
}
