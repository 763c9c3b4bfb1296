//! The output of this stage: one request with its final response (RFC 9110 section 3.4), raw.
//!
//! It holds what was on the wire and therefore never leaves the sensor; `tapscope-redact` makes
//! the record that does.

use core::net::SocketAddr;

use smallvec::SmallVec;
use tapscope_flow::{Encapsulation, Timestamp};

use crate::anomaly::{Anomalies, Readings};

/// Names an exchange within a run: deterministic for the same input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExchangeId {
    /// The connection's name.
    pub connection: u64,
    /// Counts the exchanges of the connection, from 0.
    pub ordinal: u32,
}

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// HTTP/1.x, and HTTP/0.9.
    Http1,
    /// HTTP/2 (RFC 9113).
    Http2,
    /// gRPC: HTTP/2 with content of `application/grpc`.
    Grpc,
    /// An HTTP/1.1 exchange that switched the connection to WebSocket (RFC 6455).
    WebSocket,
}

/// The version of a message as its start line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/0.9: a request line without a version, a response without a head.
    Http09,
    /// HTTP/1.0.
    Http10,
    /// HTTP/1.1.
    Http11,
    /// HTTP/2. Its head is written as the HTTP/1 head that says the same (RFC 9113 section 8.3).
    Http2,
    /// A version that does not exist, as the start line says it.
    Other {
        /// Before the dot.
        major: u8,
        /// After the dot.
        minor: u8,
    },
}

/// A range of [`HeadBytes`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// Bytes in it.
    pub(crate) const fn len(self) -> usize {
        self.end.saturating_sub(self.start) as usize
    }

    /// Whether it holds nothing.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.start >= self.end
    }
}

/// One header line: where its name and its value stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HeaderSpan {
    /// The field name.
    pub name: Span,
    /// The field value without surrounding white space.
    pub value: Span,
}

/// A parsed head: the bytes once, and where its header lines stand in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeadBytes {
    /// The head as it was on the wire, start line to empty line.
    pub bytes: Vec<u8>,
    /// The header lines in order.
    pub headers: SmallVec<[HeaderSpan; 16]>,
}

impl HeadBytes {
    /// The bytes of a span; empty when it is not inside the head.
    #[must_use]
    #[inline]
    pub fn slice(&self, span: Span) -> &[u8] {
        self.bytes
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Name and value of each header line, in order.
    pub fn headers(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> + Clone {
        self.headers
            .iter()
            .map(|header| (self.slice(header.name), self.slice(header.value)))
    }

    /// The values of the header lines of that name, compared without case, in order.
    pub(crate) fn named(&self, name: &[u8]) -> impl Iterator<Item = &[u8]> {
        let is_it = |line: &&HeaderSpan| {
            // Lengths tell most names apart.
            line.name.len() == name.len() && self.slice(line.name).eq_ignore_ascii_case(name)
        };
        let named = self.headers.iter().filter(is_it);
        named.map(|line| self.slice(line.value))
    }

    /// The value of the first header line of that name, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.named(name.as_bytes()).next()
    }
}

/// How the capture of a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BodyEnd {
    /// All of it was seen, or there is none by RFC 9112 section 6.3.
    Complete,
    /// A gap took part of it; the message boundary was found again or the connection given up.
    Gap,
    /// The connection was closed or reset before the length that was announced.
    Aborted,
    /// The exchange was reported while the body was still coming (time-out, eviction, flush).
    Open,
}

/// A message's content after removing the transfer coding; only a bounded prefix is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// Bytes of content seen (after dechunking, before content decoding).
    pub length: u64,
    /// Bytes known to be missing.
    pub missing: u64,
    /// The first bytes, contiguous, up to `body_sample_bytes_max`.
    pub sample: Vec<u8>,
    /// How it ended.
    pub end: BodyEnd,
}

/// How well the fields of a head are known. HTTP/2 joined midway refers to header fields that were
/// sent before the sensor looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Certainty {
    /// Every field was on the wire.
    Exact,
    /// Method, host or path is inferred; how likely it is right.
    Inferred {
        /// 0 to 99.
        percent: u8,
    },
    /// Method, host or path could not be told.
    Unknown,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The head.
    pub head: HeadBytes,
    /// The method.
    pub method: Span,
    /// The request target as sent.
    pub target: Span,
    /// The version.
    pub version: Version,
    /// How well the start line and the host are known.
    pub certainty: Certainty,
    /// The content.
    pub body: Body,
    /// When its first byte was captured.
    pub started: Timestamp,
    /// When the last byte seen of it was captured.
    pub ended: Timestamp,
    /// What is odd about it.
    pub anomalies: Anomalies,
    /// Where its readers may disagree on its end.
    pub readings: Option<Box<Readings>>,
}

/// A final response (not 1xx, but for 101).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The head.
    pub head: HeadBytes,
    /// The status code as its start line says it; 0 when it says none (HTTP/0.9, or a status line
    /// without a number). [`Self::status_code`] is for readers.
    pub status: u16,
    /// The version.
    pub version: Version,
    /// The content.
    pub body: Body,
    /// When its first byte was captured.
    pub started: Timestamp,
    /// When the last byte seen of it was captured.
    pub ended: Timestamp,
    /// How many interim (1xx) responses came before.
    pub interim: u16,
    /// What is odd about it.
    pub anomalies: Anomalies,
    /// Where its readers may disagree on its end.
    pub readings: Option<Box<Readings>>,
}

impl Response {
    /// The status code, where the response has one.
    #[must_use]
    pub const fn status_code(&self) -> Option<u16> {
        match self.status {
            0 => None,
            status => Some(status),
        }
    }
}

/// Messages that went one way inside an exchange: gRPC's, a WebSocket's, an event stream's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MessageFlow {
    /// Data messages that came whole.
    pub messages: u64,
    /// Their payload bytes, as sent (compressed ones compressed).
    pub bytes: u64,
    /// The longest, in payload bytes.
    pub longest: u64,
    /// Those whose payload was compressed.
    pub compressed: u64,
    /// Those that are text (WebSocket) or events (event streams).
    pub text: u64,
    /// Control frames: WebSocket's ping, pong and close.
    pub control: u64,
    /// Messages that a gap or the end took part of.
    pub incomplete: u64,
    /// Payloads of the first messages, unmasked and decompressed, each cut at a bound.
    pub samples: Vec<Vec<u8>>,
}

/// What was said inside an exchange that carries messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Messages {
    /// From client to server.
    pub from_client: MessageFlow,
    /// From server to client.
    pub from_server: MessageFlow,
    /// How it ended: `grpc-status`, or a WebSocket close code.
    pub outcome: Option<u32>,
}

/// What the link between the request and the response of an exchange rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pairing {
    /// Both streams were seen without loss since they were last in step: order decides.
    Ordered,
    /// There was loss; sequence and acknowledgement numbers leave one possibility, with what was
    /// seen of how the client uses the connection.
    Acknowledged,
    /// The same, but too little was seen of the client: it is supposed to wait for each response
    /// before it asks again, as most do. One that does not may have asked for it with a request that
    /// was not seen.
    Supposed,
    /// The other half was not seen, or which it is cannot be said.
    Unpaired,
}

/// Which report of an exchange this is. One that carries messages and goes on is reported twice, so
/// that it is known while it is open; both reports have the same name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Part {
    /// The only report, of all of it.
    #[default]
    Whole,
    /// The first report: the exchange goes on.
    Opening,
    /// The second report, of all of it: what the first one said is in it.
    Closing,
}

/// One exchange. At least one of `request` and `response` is present.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpExchange {
    /// Its name within the run.
    pub id: ExchangeId,
    /// Address and port of the client.
    pub client: SocketAddr,
    /// Address and port of the server.
    pub server: SocketAddr,
    /// What was peeled around the connection's first segment.
    pub encapsulation: Encapsulation,
    /// What is spoken.
    pub protocol: Protocol,
    /// The request, when it was seen.
    pub request: Option<Box<Request>>,
    /// The final response, when it was seen.
    pub response: Option<Box<Response>>,
    /// The messages inside it, where it carries any.
    pub messages: Option<Box<Messages>>,
    /// What the link between the two rests on.
    pub pairing: Pairing,
    /// Which report of it this is.
    pub part: Part,
    /// The packet time at which it was reported.
    pub reported: Timestamp,
}

impl HttpExchange {
    /// Bytes of content that it holds.
    #[must_use]
    pub fn content_bytes(&self) -> usize {
        let flows = self
            .messages
            .iter()
            .flat_map(|m| [&m.from_client, &m.from_server]);
        let messages: usize = flows.flat_map(|flow| &flow.samples).map(Vec::len).sum();
        let request = self.request.as_ref().map_or(0, |one| one.body.sample.len());
        let response = self
            .response
            .as_ref()
            .map_or(0, |one| one.body.sample.len());
        request + response + messages
    }

    /// What is odd about either message.
    #[must_use]
    pub fn anomalies(&self) -> Anomalies {
        let mut all = Anomalies::new();
        if let Some(request) = &self.request {
            all.insert_all(request.anomalies);
        }
        if let Some(response) = &self.response {
            all.insert_all(response.anomalies);
        }
        all
    }
}

/// Takes the exchanges of the stage.
pub trait ExchangeSink {
    /// Takes one exchange.
    fn handle_exchange(&mut self, exchange: HttpExchange);

    /// Time has come to `now`: what was due before has been handed over. Nothing to do for a sink
    /// that does not care for order between sources.
    fn handle_watermark(&mut self, now: Timestamp) {
        let _ = now;
    }

    /// Nothing more comes for now: gives out what is held, where anything is.
    fn flush(&mut self) {}
}

impl<F: FnMut(HttpExchange)> ExchangeSink for F {
    fn handle_exchange(&mut self, exchange: HttpExchange) {
        self(exchange);
    }
}
