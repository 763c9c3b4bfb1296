//! Reads a whole head: httparse, as strict as it comes, and where it refuses the lenient parser,
//! so that every tolerance is named.

use core::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Status};
use smallvec::SmallVec;

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::chunk::Position;
use crate::counters::Counter;
use crate::exchange::{BodyEnd, HeadBytes, HeaderSpan, Span, Version};
use crate::http1::detect::{self, MessageKind};
use crate::http1::dialect;
use crate::settings::HttpSettings;

/// Header lines parsed at first; 64 fit nearly every head and cost two kilobytes of stack.
const HEADERS_USUAL: usize = 64;

/// A whole head, not read yet.
#[derive(Debug)]
pub(crate) struct AssembledHead {
    pub(crate) kind: MessageKind,
    pub(crate) bytes: Vec<u8>,
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
            start: at,
            end: at,
            cut: None,
            cr_lines: false,
            anomalies: [MessageAnomaly::Http09].into_iter().collect(),
            unread: Vec::new(),
        }
    }
}

/// A request head.
#[derive(Clone, Debug)]
pub(crate) struct RequestHead {
    pub(crate) head: HeadBytes,
    pub(crate) method: Span,
    pub(crate) target: Span,
    pub(crate) version: Version,
    pub(crate) anomalies: Anomalies,
}

/// A response head.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    pub(crate) head: HeadBytes,
    pub(crate) status: u16,
    pub(crate) version: Version,
    pub(crate) anomalies: Anomalies,
}

/// The header lines of a head.
pub(crate) type HeaderSpans = SmallVec<[HeaderSpan; 16]>;

/// The start line of a request and the header lines.
pub(crate) type RequestParts = (Span, Span, Version, HeaderSpans);

/// The start line of a response and the header lines.
pub(crate) type ResponseParts = (u16, Version, HeaderSpans);

/// Reads a whole request head. The refusal, if httparse made one, comes beside the result.
pub(crate) fn parse_request(
    head: &mut AssembledHead,
    settings: &HttpSettings,
) -> (RequestHead, Option<Counter>) {
    let bytes = core::mem::take(&mut head.bytes);
    let mut anomalies = head.anomalies;
    let (parts, refusal) = match request_parts(&bytes, settings) {
        Ok(parts) => (parts, None),
        Err(refusal) => (
            dialect::request(&bytes, head.cr_lines, settings, &mut anomalies),
            Some(refusal),
        ),
    };
    let (method, target, version, headers) = parts;
    let head = HeadBytes { bytes, headers };
    judge_method(head.slice(method), &mut anomalies);
    judge_target(head.slice(method), head.slice(target), &mut anomalies);
    let head = RequestHead {
        head,
        method,
        target,
        version,
        anomalies,
    };
    (head, refusal)
}

/// Reads a whole response head. The refusal, if httparse made one, comes beside the result.
pub(crate) fn parse_response(
    head: &mut AssembledHead,
    settings: &HttpSettings,
) -> (ResponseHead, Option<Counter>) {
    let bytes = core::mem::take(&mut head.bytes);
    let mut anomalies = head.anomalies;
    if bytes.is_empty() {
        let head = ResponseHead {
            head: HeadBytes::default(),
            status: 0,
            version: Version::Http09,
            anomalies,
        };
        return (head, None);
    }
    let (parts, refusal) = match response_parts(&bytes, settings) {
        Ok(parts) => (parts, None),
        Err(refusal) => (
            dialect::response(&bytes, head.cr_lines, settings, &mut anomalies),
            Some(refusal),
        ),
    };
    let (status, version, headers) = parts;
    if !(100..=599).contains(&status) {
        anomalies.insert(MessageAnomaly::InvalidStatus);
    }
    let head = ResponseHead {
        head: HeadBytes { bytes, headers },
        status,
        version,
        anomalies,
    };
    (head, refusal)
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

fn request_parts<'b>(bytes: &'b [u8], settings: &HttpSettings) -> Result<RequestParts, Counter> {
    let read = |headers: &mut [MaybeUninit<Header<'b>>]| {
        let mut request = httparse::Request::new(&mut []);
        match request.parse_with_uninit_headers(bytes, headers) {
            Ok(Status::Complete(_)) => {}
            Ok(Status::Partial) => return Err(Refusal::Other(Counter::RefusedPartial)),
            Err(error) => return Err(error.into()),
        }
        let (Some(method), Some(target)) = (request.method, request.path) else {
            return Err(Refusal::Other(Counter::RefusedPartial));
        };
        Ok((
            span(bytes, method.as_bytes()),
            span(bytes, target.as_bytes()),
            version(request.version),
            header_spans(bytes, request.headers),
        ))
    };
    with_headers(settings, read)
}

fn response_parts<'b>(bytes: &'b [u8], settings: &HttpSettings) -> Result<ResponseParts, Counter> {
    let read = |headers: &mut [MaybeUninit<Header<'b>>]| {
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
        Ok((
            status,
            version(response.version),
            header_spans(bytes, response.headers),
        ))
    };
    with_headers(settings, read)
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
    read: impl for<'h> Fn(&'h mut [MaybeUninit<Header<'b>>]) -> Result<T, Refusal>,
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

fn header_spans(bytes: &[u8], headers: &[Header<'_>]) -> HeaderSpans {
    headers
        .iter()
        .map(|header| HeaderSpan {
            name: span(bytes, header.name.as_bytes()),
            value: span(bytes, header.value),
        })
        .collect()
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
