//! Puts a head together from any segmentation of its bytes, and has httparse read it.
//!
//! Each byte is looked at once: the assembler remembers the line it is in, and the buffer it fills
//! is the one the exchange keeps.

use core::mem::MaybeUninit;

use httparse::{Error, Header, ParserConfig, Status};
use memchr::memchr;
use smallvec::SmallVec;

use crate::chunk::{Chunk, Position};
use crate::counters::Counter;
use crate::exchange::{BodyEnd, HeadBytes, HeaderSpan, Span, Version};
use crate::http1::detect::{self, Guess, MessageKind};
use crate::http1::dialect;
use crate::settings::HttpSettings;

/// Header lines parsed at first; 64 fit nearly every head and cost two kilobytes of stack.
const HEADERS_USUAL: usize = 64;

/// What became of the bytes fed to a [`HeadAssembler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All were taken; the head goes on.
    More,
    /// The head is complete.
    Complete(MessageKind),
    /// This is no head. `line_ended` tells whether the bytes taken end with a line.
    Rejected {
        /// Whether the next byte is the first of a line.
        line_ended: bool,
    },
    /// The head is longer than the cap.
    TooLong,
}

/// Collects the bytes of one head.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeadAssembler {
    bytes: Vec<u8>,
    /// Where the current line begins in `bytes`.
    line_start: usize,
    /// Known from the start line on.
    kind: Option<MessageKind>,
    /// The start was not expected here: every line must look like one of a head.
    strict: bool,
    /// Where the head began.
    start: Position,
    /// Where the current line began.
    line: Position,
}

impl HeadAssembler {
    /// Whether no byte of a head was taken yet.
    pub(crate) const fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Bytes held.
    pub(crate) const fn held(&self) -> usize {
        self.bytes.capacity()
    }

    /// Whether part of a start line was taken.
    pub(crate) const fn is_in_start_line(&self) -> bool {
        self.kind.is_none() && !self.bytes.is_empty()
    }

    /// Takes bytes up to the end of the head. Returns how many and what they made.
    ///
    /// `strict` counts when these bytes are the first of a head.
    pub(crate) fn feed(
        &mut self,
        chunk: Chunk<'_>,
        strict: bool,
        settings: &HttpSettings,
    ) -> (usize, Progress) {
        let mut taken = 0;
        if self.bytes.is_empty() {
            // A server should ignore an empty line before a start line (RFC 9112 section 2.2).
            taken = chunk
                .bytes
                .iter()
                .take_while(|&&b| matches!(b, b'\r' | b'\n'))
                .count();
            if taken == chunk.bytes.len() {
                return (taken, Progress::More);
            }
            self.strict = strict;
            self.start = chunk.position(taken);
            self.line = self.start;
        }
        loop {
            let rest = chunk.bytes.get(taken..).unwrap_or_default();
            if rest.is_empty() {
                return (taken, Progress::More);
            }
            if self.line_start == self.bytes.len() {
                self.line = chunk.position(taken);
            }
            let line_end = memchr(b'\n', rest).map(|i| i + 1);
            let piece = rest.get(..line_end.unwrap_or(rest.len())).unwrap_or(rest);
            taken += piece.len();
            if self.bytes.len() + piece.len() > settings.head_bytes_max {
                self.clear();
                return (taken, Progress::TooLong);
            }
            self.bytes.extend_from_slice(piece);
            let progress = if line_end.is_some() {
                self.end_line()
            } else {
                self.part_of_line()
            };
            if progress != Progress::More {
                return (taken, progress);
            }
        }
    }

    /// Judges a line that has not ended yet.
    fn part_of_line(&mut self) -> Progress {
        if self.kind.is_some() || detect::guess(&self.bytes) == Guess::Possible {
            return Progress::More;
        }
        self.clear();
        Progress::Rejected { line_ended: false }
    }

    /// Judges the line that has just ended.
    fn end_line(&mut self) -> Progress {
        let line = self.bytes.get(self.line_start..).unwrap_or_default();
        let Some(kind) = self.kind else {
            self.kind = detect::start_line(line, self.strict);
            self.line_start = self.bytes.len();
            if self.kind.is_none() {
                self.clear();
                return Progress::Rejected { line_ended: true };
            }
            return Progress::More;
        };
        if matches!(line, b"\r\n" | b"\n") {
            return Progress::Complete(kind);
        }
        if self.strict && !detect::is_header_line(line) {
            // No header line looks like a start line, so the search goes on with this line and
            // never looks at the ones before again.
            let kind = detect::start_line(line, true);
            if kind.is_none() {
                self.clear();
                return Progress::Rejected { line_ended: true };
            }
            self.kind = kind;
            self.bytes.drain(..self.line_start);
            self.start = self.line;
        }
        self.line_start = self.bytes.len();
        Progress::More
    }

    /// The head that was completed, leaving the assembler empty.
    pub(crate) fn take(&mut self, kind: MessageKind, end: Position) -> AssembledHead {
        let head = AssembledHead {
            kind,
            bytes: core::mem::take(&mut self.bytes),
            start: self.start,
            end,
            cut: None,
        };
        self.clear();
        head
    }

    /// The head as far as it came, when every line of it looks like one of a head: less than a
    /// whole head must prove more.
    pub(crate) fn take_cut(&mut self, end: Position, how: BodyEnd) -> Option<AssembledHead> {
        let kind = self.kind?;
        let mut lines = self.bytes.split_inclusive(|&b| b == b'\n');
        let starts = detect::start_line(lines.next()?, true).is_some();
        if !starts || !lines.all(|line| !line.ends_with(b"\n") || detect::is_header_line(line)) {
            return None;
        }
        let mut head = self.take(kind, end);
        head.cut = Some(how);
        Some(head)
    }

    /// Forgets what was collected.
    pub(crate) fn clear(&mut self) {
        self.bytes = Vec::new();
        self.line_start = 0;
        self.kind = None;
    }
}

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
}

/// A request head.
#[derive(Clone, Debug)]
pub(crate) struct RequestHead {
    pub(crate) head: HeadBytes,
    pub(crate) method: Span,
    pub(crate) target: Span,
    pub(crate) version: Version,
}

/// A response head.
#[derive(Clone, Debug)]
pub(crate) struct ResponseHead {
    pub(crate) head: HeadBytes,
    pub(crate) status: u16,
    pub(crate) version: Version,
}

/// The header lines of a head.
pub(crate) type HeaderSpans = SmallVec<[HeaderSpan; 16]>;

/// The start line of a request and the header lines.
pub(crate) type RequestParts = (Span, Span, Version, HeaderSpans);

/// The start line of a response and the header lines.
pub(crate) type ResponseParts = (u16, Version, HeaderSpans);

/// Reads a whole request head. The refusal, if httparse made one, comes beside the result.
pub(crate) fn parse_request(
    bytes: Vec<u8>,
    settings: &HttpSettings,
) -> (Option<RequestHead>, Option<Counter>) {
    let (parts, refusal) = match request_parts(&bytes, settings) {
        Ok(parts) => (Some(parts), None),
        Err(refusal @ Counter::RefusedTooManyHeaders) => (None, Some(refusal)),
        Err(refusal) => (dialect::request(&bytes, settings), Some(refusal)),
    };
    let head = parts.map(|(method, target, version, headers)| RequestHead {
        head: HeadBytes { bytes, headers },
        method,
        target,
        version,
    });
    (head, refusal)
}

/// Reads a whole response head. The refusal, if httparse made one, comes beside the result.
pub(crate) fn parse_response(
    bytes: Vec<u8>,
    settings: &HttpSettings,
) -> (Option<ResponseHead>, Option<Counter>) {
    let (parts, refusal) = match response_parts(&bytes, settings) {
        Ok(parts) => (Some(parts), None),
        Err(refusal @ Counter::RefusedTooManyHeaders) => (None, Some(refusal)),
        Err(refusal) => (dialect::response(&bytes, settings), Some(refusal)),
    };
    let head = parts.map(|(status, version, headers)| ResponseHead {
        head: HeadBytes { bytes, headers },
        status,
        version,
    });
    (head, refusal)
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
        let mut config = ParserConfig::default();
        config
            .allow_spaces_after_header_name_in_responses(true)
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_multiple_spaces_in_response_status_delimiters(true);
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
