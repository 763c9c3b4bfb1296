//! Reads a whole head: one that is plain in one go, others by httparse, as strict as it comes, and
//! where it refuses by the lenient parser, so that every tolerance is named.

use core::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Status};
use smallvec::SmallVec;

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::chunk::Position;
use crate::counters::Counter;
use crate::exchange::{
    BodyEnd, Certainty, HeadBytes, HeaderSpan, Request, Response, Span, Version,
};
use crate::http1::body;
use crate::http1::detect::{self, MessageKind};
use crate::http1::dialect;
use crate::http1::plain::{self, Layout};
use crate::settings::HttpSettings;

/// Header lines parsed at first; 64 fit nearly every head and cost two kilobytes of stack.
const HEADERS_USUAL: usize = 64;

/// A whole head, not read yet.
#[derive(Debug)]
pub(crate) struct AssembledHead {
    pub(crate) kind: MessageKind,
    pub(crate) bytes: Vec<u8>,
    /// Where its lines end, when that is known.
    pub(crate) layout: Option<Layout>,
    /// Where it begins.
    pub(crate) start: Position,
    /// Where what follows it begins.
    pub(crate) end: Position,
    /// It is cut short, in that way.
    pub(crate) cut: Option<BodyEnd>,
    /// CR alone ends its lines.
    pub(crate) cr_lines: bool,
    /// What was odd about it so far.
    pub(crate) anomalies: Anomalies,
    /// Bytes that were taken but are the next message's.
    pub(crate) unread: Vec<u8>,
}

impl AssembledHead {
    /// No head at all: a response of HTTP/0.9 is content from its first byte on.
    pub(crate) fn none(at: Position) -> Self {
        Self {
            kind: MessageKind::Response,
            bytes: Vec::new(),
            layout: None,
            start: at,
            end: at,
            cut: None,
            cr_lines: false,
            anomalies: [MessageAnomaly::Http09].into_iter().collect(),
            unread: Vec::new(),
        }
    }
}

/// The header lines of a head.
pub(crate) type HeaderSpans = SmallVec<[HeaderSpan; 16]>;

/// The start line of a request and the header lines.
pub(crate) type RequestParts = (Span, Span, Version, HeaderSpans);

/// The start line of a response and the header lines.
pub(crate) type ResponseParts = (u16, Version, HeaderSpans);

/// Reads a whole request head: a request that has no content yet, where it stays. The refusal, if
/// httparse made one, comes beside it.
pub(crate) fn parse_request(
    head: &mut AssembledHead,
    settings: &HttpSettings,
) -> (Box<Request>, Option<Counter>) {
    let mut request = Box::new(Request {
        head: HeadBytes {
            bytes: core::mem::take(&mut head.bytes),
            headers: HeaderSpans::new(),
        },
        method: Span::default(),
        target: Span::default(),
        version: Version::Http11,
        certainty: Certainty::Exact,
        body: body::empty_body(),
        started: head.start.captured,
        ended: head.end.captured,
        anomalies: head.anomalies,
        readings: None,
    });
    let anomalies = &mut request.anomalies;
    let HeadBytes { bytes, headers } = &mut request.head;
    let (parts, refusal) = match request_parts(bytes, head.layout.take(), headers, settings) {
        Ok(parts) => (parts, None),
        Err(refusal) => {
            let (method, target, version, lines) =
                dialect::request(bytes, head.cr_lines, settings, anomalies);
            *headers = lines;
            ((method, target, version), Some(refusal))
        }
    };
    (request.method, request.target, request.version) = parts;
    let (method, target) = (
        request.head.slice(request.method),
        request.head.slice(request.target),
    );
    judge_method(method, &mut request.anomalies);
    judge_target(method, target, &mut request.anomalies);
    (request, refusal)
}

/// Reads a whole response head: a response that has no content yet, where it stays. The refusal,
/// if httparse made one, comes beside it.
pub(crate) fn parse_response(
    head: &mut AssembledHead,
    settings: &HttpSettings,
) -> (Box<Response>, Option<Counter>) {
    let mut response = Box::new(Response {
        head: HeadBytes {
            bytes: core::mem::take(&mut head.bytes),
            headers: HeaderSpans::new(),
        },
        status: 0,
        version: Version::Http09,
        body: body::empty_body(),
        started: head.start.captured,
        ended: head.end.captured,
        interim: 0,
        anomalies: head.anomalies,
        readings: None,
    });
    let HeadBytes { bytes, headers } = &mut response.head;
    if bytes.is_empty() {
        return (response, None);
    }
    let anomalies = &mut response.anomalies;
    let (parts, refusal) = match response_parts(bytes, head.layout.take(), headers, settings) {
        Ok(parts) => (parts, None),
        Err(refusal) => {
            let (status, version, lines) =
                dialect::response(bytes, head.cr_lines, settings, anomalies);
            *headers = lines;
            ((status, version), Some(refusal))
        }
    };
    (response.status, response.version) = parts;
    if !(100..=599).contains(&response.status) {
        response.anomalies.insert(MessageAnomaly::InvalidStatus);
    }
    (response, refusal)
}

/// The method's case: it is sensitive (RFC 9110 section 9.1).
fn judge_method(method: &[u8], anomalies: &mut Anomalies) {
    if method.iter().any(u8::is_ascii_lowercase)
        && detect::has_known_method(&method.to_ascii_uppercase())
    {
        anomalies.insert(MessageAnomaly::LowerCaseMethod);
    }
    if !method.iter().all(|&b| detect::is_token_byte(b)) {
        anomalies.insert(MessageAnomaly::InvalidMethod);
    }
}

/// A blank.
const BLANK: u8 = 1;

/// A byte that a URI cannot hold.
const NO_URI_BYTE: u8 = 2;

/// What is odd about each byte in a target: one pass, because every request pays for it.
const TARGET_BYTES: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let b = byte as u8;
        let is_excluded = matches!(
            b,
            b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}'
        );
        #[expect(clippy::indexing_slicing, reason = "below 256, and at compile time")]
        if matches!(b, b' ' | b'\t') {
            kinds[byte] = BLANK;
        } else if !b.is_ascii_graphic() || is_excluded {
            kinds[byte] = NO_URI_BYTE;
        }
        byte += 1;
    }
    kinds
};

/// The target's characters (RFC 3986 section 2) and form (RFC 9112 section 3.2).
fn judge_target(method: &[u8], target: &[u8], anomalies: &mut Anomalies) {
    let kinds = target.iter().fold(0, |kinds, &b| {
        kinds | TARGET_BYTES.get(usize::from(b)).unwrap_or(&0)
    });
    if kinds & BLANK != 0 {
        anomalies.insert(MessageAnomaly::BlankInTarget);
    }
    if kinds & NO_URI_BYTE != 0 {
        anomalies.insert(MessageAnomaly::InvalidTargetByte);
    }
    let fits = match (method, target) {
        (b"CONNECT", _) => !target.contains(&b'/') && target.contains(&b':'),
        (_, [b'/', ..]) | (b"OPTIONS", b"*") => true,
        // M-SEARCH and its kin use the asterisk too, by their own rules.
        (_, b"*") => method == b"M-SEARCH" || method == b"NOTIFY",
        _ => memchr::memmem::find(target, b"://").is_some(),
    };
    if !fits {
        anomalies.insert(MessageAnomaly::InvalidTargetForm);
    }
}

/// Where the lines of a whole head end, when that is not known yet.
fn layout_of(bytes: &[u8]) -> Option<Layout> {
    let (layout, len) = Layout::of(bytes)?;
    (len == bytes.len()).then_some(layout)
}

fn request_parts(
    bytes: &[u8],
    layout: Option<Layout>,
    spans: &mut HeaderSpans,
    settings: &HttpSettings,
) -> Result<(Span, Span, Version), Counter> {
    let layout = layout.or_else(|| layout_of(bytes));
    if let Some(parts) = layout.and_then(|layout| plain::request(bytes, &layout, spans)) {
        return Ok(parts);
    }
    spans.clear();
    strict_request(bytes, spans, settings)
}

/// The same by httparse.
fn strict_request<'b>(
    bytes: &'b [u8],
    spans: &mut HeaderSpans,
    settings: &HttpSettings,
) -> Result<(Span, Span, Version), Counter> {
    let mut read = |headers: &mut [MaybeUninit<Header<'b>>]| {
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(bytes, headers) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(Refusal::Other(Counter::RefusedPartial)),
            Err(error) => return Err(error.into()),
        }
        let (Some(method), Some(target)) = (request.method, request.path) else {
            return Err(Refusal::Other(Counter::RefusedPartial));
        };
        header_spans(bytes, request.headers, spans);
        Ok((
            span(bytes, method.as_bytes()),
            span(bytes, target.as_bytes()),
            version(request.version),
        ))
    };
    with_headers(settings, &mut read)
}

fn response_parts(
    bytes: &[u8],
    layout: Option<Layout>,
    spans: &mut HeaderSpans,
    settings: &HttpSettings,
) -> Result<(u16, Version), Counter> {
    let layout = layout.or_else(|| layout_of(bytes));
    if let Some(parts) = layout.and_then(|layout| plain::response(bytes, &layout, spans)) {
        return Ok(parts);
    }
    spans.clear();
    strict_response(bytes, spans, settings)
}

/// The same by httparse.
fn strict_response<'b>(
    bytes: &'b [u8],
    spans: &mut HeaderSpans,
    settings: &HttpSettings,
) -> Result<(u16, Version), Counter> {
    let mut read = |headers: &mut [MaybeUninit<Header<'b>>]| {
        let mut response = httparse::Response::new(&mut []);
        let config = ParserConfig::default();
        match config.parse_response_with_uninit_headers(&mut response, bytes, headers) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(Refusal::Other(Counter::RefusedPartial)),
            Err(error) => return Err(error.into()),
        }
        let Some(status) = response.code else {
            return Err(Refusal::Other(Counter::RefusedPartial));
        };
        header_spans(bytes, response.headers, spans);
        Ok((status, version(response.version)))
    };
    with_headers(settings, &mut read)
}

/// Why httparse refused a head.
enum Refusal {
    /// The array for header lines was too short.
    TooManyHeaders,
    /// Any other reason.
    Other(Counter),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::HeaderName => Self::Other(Counter::RefusedHeaderName),
            Error::HeaderValue => Self::Other(Counter::RefusedHeaderValue),
            Error::NewLine => Self::Other(Counter::RefusedNewLine),
            Error::Status => Self::Other(Counter::RefusedStatus),
            Error::Token => Self::Other(Counter::RefusedToken),
            Error::TooManyHeaders => Self::TooManyHeaders,
            Error::Version => Self::Other(Counter::RefusedVersion),
        }
    }
}

/// Calls `read` with the usual array for header lines and, if that is too short, the largest.
fn with_headers<'b, T>(
    settings: &HttpSettings,
    read: &mut impl for<'h> FnMut(&'h mut [MaybeUninit<Header<'b>>]) -> Result<T, Refusal>,
) -> Result<T, Counter> {
    let mut usual = [const { MaybeUninit::uninit() }; HEADERS_USUAL];
    match read(&mut usual) {
        Ok(parts) => return Ok(parts),
        Err(Refusal::Other(reason)) => return Err(reason),
        Err(Refusal::TooManyHeaders) => {}
    }
    let mut most = vec![MaybeUninit::uninit(); settings.headers_max];
    match read(&mut most) {
        Ok(parts) => Ok(parts),
        Err(Refusal::Other(reason)) => Err(reason),
        Err(Refusal::TooManyHeaders) => Err(Counter::RefusedTooManyHeaders),
    }
}

const fn version(minor: Option<u8>) -> Version {
    match minor {
        Some(0) => Version::Http10,
        _ => Version::Http11,
    }
}

fn header_spans(bytes: &[u8], headers: &[Header<'_>], spans: &mut HeaderSpans) {
    spans.extend(headers.iter().map(|header| HeaderSpan {
        name: span(bytes, header.name.as_bytes()),
        value: span(bytes, header.value),
    }));
}

/// Where `part`, a slice of `whole`, stands in it.
pub(crate) fn span(whole: &[u8], part: &[u8]) -> Span {
    let start = part
        .as_ptr()
        .addr()
        .saturating_sub(whole.as_ptr().addr())
        .min(whole.len());
    let end = (start + part.len()).min(whole.len());
    Span {
        start: to_u32(start),
        end: to_u32(end),
    }
}

/// A head is capped far below 4 GiB.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: &[u8] =
        b"GET /a?b=c HTTP/1.1\r\nHost: a.example\r\nX-Odd:  b c\t\r\nA:b\r\n\r\n";
    const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nServer: a\r\nContent-Length: 12\r\nA:b\r\n\r\n";

    /// Both readers, on the bytes as a request and as a response.
    fn agree(bytes: &[u8]) -> bool {
        let settings = HttpSettings::default();
        let (mut one, mut other) = (HeaderSpans::new(), HeaderSpans::new());
        let mut is_read = false;
        let layout = layout_of(bytes).unwrap_or_default();
        if let Some(parts) = plain::request(bytes, &layout, &mut one) {
            assert_eq!(strict_request(bytes, &mut other, &settings), Ok(parts));
            assert_eq!(one, other);
            is_read = true;
        }
        (one, other) = (HeaderSpans::new(), HeaderSpans::new());
        if let Some(parts) = plain::response(bytes, &layout, &mut one) {
            assert_eq!(strict_response(bytes, &mut other, &settings), Ok(parts));
            assert_eq!(one, other);
            is_read = true;
        }
        is_read
    }

    #[test]
    fn plain_heads_are_read_at_once() {
        assert!(agree(REQUEST) && agree(RESPONSE));
        for head in [
            &b"PATCH /a HTTP/1.0\r\n\r\n"[..],
            b"HTTP/1.0 204\r\n\r\n",
            b"HTTP/1.1 404 Nicht da\xe4\r\nA: \xff\r\n\r\n",
        ] {
            assert!(agree(head), "{}", head.escape_ascii());
        }
        for head in [
            &b"GET /a HTTP/1.1\r\nA: \r\n\r\n"[..],
            b"GET /a HTTP/1.1\r\nA : b\r\n\r\n",
            b"GET /a HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            b"GET /a HTTP/1.1\nA: b\r\n\r\n",
            b"GET /a b HTTP/1.1\r\n\r\n",
            b"GET  HTTP/1.1\r\n\r\n",
            b"GET /\xe4 HTTP/1.1\r\n\r\n",
            b"HTTP/1.1 20\r\n\r\n",
            b"HTTP/1.1 2000\r\n\r\n",
            b"HTTP/1.1  200\r\n\r\n",
        ] {
            assert!(!agree(head), "{}", head.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn what_is_read_at_once_is_what_httparse_reads(
            of_request in any::<bool>(),
            changes in proptest::collection::vec((any::<usize>(), 0..3_u8, byte()), 0..4),
        ) {
            let mut head = if of_request { REQUEST } else { RESPONSE }.to_vec();
            for (at, how, byte) in changes {
                let at = at % head.len();
                match how {
                    0 => head[at] = byte,
                    1 => head.insert(at, byte),
                    _ => {
                        head.remove(at);
                    }
                }
            }
            agree(&head);
        }
    }

    /// Any byte, mostly one that means something in a head.
    fn byte() -> impl Strategy<Value = u8> {
        let telling = b"\r\n \t:;/.0129aAZ\0\x7f\x80\xff\"@".to_vec();
        prop_oneof![4 => proptest::sample::select(telling), 1 => any::<u8>()]
    }
}
