//! The contract: what leaves the sensor, and all that the analyzer ever sees.
//!
//! Redacted, versioned, append-only in its fields. A planted secret cannot be found in it:
//! values that are personal or secret appear as a class and a keyed token only.

use core::net::SocketAddr;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// How large a number is, as far as that may leave the sensor.
mod bounds;

/// What the sensor says of itself.
mod health;

/// Numbers by name that records share.
mod counts;

/// Lists of names that records share.
mod names;

/// Where the matrix parameters of a segment begin.
mod matrix;

/// Names of exchanges.
mod name;

/// Lists that most records have nothing in.
mod rare;

/// Header fields that are parameters.
pub mod header;

/// What texts are like.
pub mod form;

/// Texts of which most are known.
mod word;

pub use bounds::Bounds;
pub use counts::Counts;
pub use matrix::matrix_at;
pub use name::ExchangeName;
pub use names::NameList;
pub use rare::Rare;
pub use word::{Word, packed};

pub use health::{Counter, FeedCounters, FeedHealth, HealthReport, MemoryAccount, SourceHealth};

/// The version of the record's form that this crate writes.
pub const RECORD_VERSION: u16 = 1;

/// A keyed token: HMAC-SHA-256 under the installation's key, cut to 64 bits. Equal values give
/// equal tokens within an installation; nothing else can be learned from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Token(pub u64);

/// One HTTP exchange as the analyzer sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExchangeRecord {
    /// [`RECORD_VERSION`] of the writer.
    pub version: u16,
    /// The exchange's name: the source's own id where it has one, else `CONNECTION-ORDINAL`.
    pub id: ExchangeName,
    /// Nanoseconds since the Unix epoch: first byte of the request, or of the response when the
    /// request was not seen.
    pub time: i64,
    /// Address and port of the client.
    pub client: SocketAddr,
    /// Address and port of the server.
    pub server: SocketAddr,
    /// What was peeled, outermost first, as `vlan:12`.
    #[serde(default, skip_serializing_if = "Rare::is_empty")]
    pub encapsulation: Rare<String>,
    /// `http1`, `http2`, `grpc`, `websocket`.
    pub protocol: Word,
    /// The operation the request names inside its content (or, for gRPC, by its path); none where
    /// method and path say all there is to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Box<Operation>>,
    /// The other operations of a batch, each once, at most a named cap; `operation` is the first.
    #[serde(default, skip_serializing_if = "Rare::is_empty")]
    pub batch: Rare<Operation>,
    /// The method; none when the request was not seen.
    pub method: Option<Word>,
    /// The host asked for, lower case, without port and final dot; the server's address when the
    /// request named none.
    pub host: Word,
    /// The port of the authority when it is not the scheme's default.
    pub port: Option<u16>,
    /// The path's segments, percent-decoding applied to unreserved characters only, `//`
    /// collapsed; empty for `/`.
    pub path: Vec<PathSegment>,
    /// Whether the path ended in `/` (and is not `/` itself).
    pub trailing_slash: bool,
    /// The path as it was sent, where its spelling departs from the one in `path`: percent-encoded
    /// unreserved characters, empty segments (RFC 3986 section 6.2.2). Personal and secret segments
    /// are replaced by `{CLASS}`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spelling: Option<String>,
    /// Matrix parameters of the path's segments in order of appearance (`;color=red`, RFC 3986
    /// section 3.3); they stand in `path`, too.
    #[serde(default, skip_serializing_if = "Rare::is_empty")]
    pub matrix: Rare<Parameter>,
    /// Query parameters in order of appearance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub query: Vec<Parameter>,
    /// What the request was.
    pub request: Option<MessageRecord>,
    /// The status; none when the response was not seen.
    pub status: Option<u16>,
    /// What the response was.
    pub response: Option<MessageRecord>,
    /// Nanoseconds from the last byte of the request to the first byte of the response; none when
    /// either was not seen.
    pub latency_ns: Option<u64>,
    /// The credentials the request carried; empty when none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub credentials: Vec<Credential>,
    /// Token of the User-Agent and its product name (`curl`, `Mozilla`), when sent.
    pub user_agent: Option<UserAgent>,
    /// Token of what the client's software sends whatever it calls: its User-Agent, its languages,
    /// the order and spelling of the fields that libraries and browsers write of their own accord.
    /// Tells programs behind one address apart and names nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Token>,
    /// Client address as proxies report it (X-Forwarded-For, Forwarded), outermost; an address
    /// only, and only a claim.
    pub forwarded_for: Option<core::net::IpAddr>,
    /// The scheme by which the client came to the first proxy, as proxies report it
    /// (X-Forwarded-Proto, Forwarded and the like): `https` or `http`; only a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_proto: Option<String>,
    /// The way over proxies as they report it, the nearest last: the client's address and those of
    /// the proxies it passed, back from the end as far as they are addresses, and empty where the two fields
    /// contradict each other. None when nothing was reported or the source does not tell. Who is
    /// believed is for the reader to judge: only the entry a proxy appended itself is more than a
    /// client's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forwarded_way: Option<Vec<core::net::IpAddr>>,
    /// The messages inside an exchange that carries a stream of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<Box<MessagesRecord>>,
    /// Tokens of what names one request across the hops of a proxy (`X-Request-ID`, the trace of
    /// `traceparent` and the like), sorted; empty when none was sent.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trace: Vec<Token>,
    /// Nanoseconds since the Unix epoch: last byte seen of the response; none when no response was
    /// seen or the source does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<i64>,
    /// Nanoseconds since the Unix epoch, packet time: when the sensor reported it; 0 when the
    /// source does not tell.
    #[serde(default, skip_serializing_if = "is_nought")]
    pub reported: i64,
    /// Where else on its way the same exchange was seen: its other legs, from client to server. The
    /// sensor leaves it empty; what joins legs fills it in.
    #[serde(default, skip_serializing_if = "Rare::is_empty")]
    pub vantage: Rare<VantagePoint>,
    /// How certain method, host and path are, in percent; 100 when they were on the wire.
    #[serde(default = "certain", skip_serializing_if = "is_certain")]
    pub certainty: u8,
    /// What a strict parser would not have accepted, by name (`obs_fold`, `bare_lf`, …), once each.
    #[serde(default, skip_serializing_if = "Rare::is_empty")]
    pub anomalies: Rare<String>,
    /// What is noteworthy about this one exchange.
    #[serde(default, skip_serializing_if = "Rare::is_empty")]
    pub signals: Rare<Signal>,
    /// Which record of the exchange this is.
    #[serde(default, skip_serializing_if = "Part::is_whole")]
    pub part: Part,
    /// How much of it was seen.
    pub completeness: Completeness,
}

/// Which record of an exchange this is. One that carries messages and goes on has two, of the same
/// id, so that it is known while it is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The only record, of all of it.
    #[default]
    Whole,
    /// The first record: the exchange goes on. It counts.
    Opening,
    /// The second record, of all of it. The exchange was counted by the first.
    Closing,
}

impl Part {
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "serde hands a reference over"
    )]
    const fn is_whole(&self) -> bool {
        matches!(self, Self::Whole)
    }
}

const fn certain() -> u8 {
    100
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
const fn is_certain(percent: &u8) -> bool {
    *percent == 100
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
const fn is_nought(time: &i64) -> bool {
    *time == 0
}

/// One leg of an exchange: the way between two hops.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VantagePoint {
    /// The exchange's name on that leg.
    pub id: String,
    /// Address and port that asked.
    pub client: SocketAddr,
    /// Address and port that answered.
    pub server: SocketAddr,
}

/// What a request asks for where the URL does not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Operation {
    /// `graphql`, `json_rpc`, `mcp`, `soap`, `grpc`, `grpc_web`.
    pub style: String,
    /// What kind: GraphQL's `query`, `mutation`, `subscription`; `call`, `notification`, `tool`.
    pub kind: String,
    /// Its name: the operation, method, tool or body element; empty when it has none.
    pub name: String,
    /// What it asks for at the top level (GraphQL's fields), sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Measures of the request (`depth`, `aliases`, `batch`, `introspection`, …).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub measures: BTreeMap<String, u32>,
}

/// The messages inside an exchange: a WebSocket's, an event stream's, gRPC's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessagesRecord {
    /// From client to server.
    pub from_client: MessageFlowRecord,
    /// From server to client.
    pub from_server: MessageFlowRecord,
    /// `grpc-status`, or a WebSocket close code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<u32>,
    /// The WebSocket subprotocol that was agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subprotocol: Option<String>,
}

/// Messages that went one way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageFlowRecord {
    /// Data messages that came whole.
    pub messages: u64,
    /// Payload bytes of them.
    pub bytes: u64,
    /// Payload bytes of the longest.
    pub longest: u64,
    /// Those that were compressed.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub compressed: u64,
    /// Those that are text or events.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub text: u64,
    /// Control frames.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub control: u64,
    /// Messages of which a part is missing.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub incomplete: u64,
    /// The shape of the first messages, merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// One segment of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PathSegment {
    /// Harmless text, as sent.
    Literal(Word),
    /// A personal or secret value.
    Redacted {
        /// What it is: `email`, `jwt`, `card`, `phone`, `secret`, …
        class: Word,
        /// Its token.
        token: Token,
    },
}

/// One parameter's name and the profile of its value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// The name (a name that is itself personal or secret is replaced by `{CLASS}`).
    pub name: Word,
    /// The value's profile.
    pub value: ValueProfile,
}

/// What is kept of a value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueProfile {
    /// The narrowest type that fits.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// Length in characters.
    pub len: u32,
    /// Token for equality.
    pub token: Token,
    /// Class of personal or secret data, when it is one.
    pub class: Option<Word>,
    /// The value itself where it is one of the few hundred words that APIs use for choices (`asc`,
    /// `active`, `json`): the list is the sensor's, so that nothing personal can be among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub word: Option<Word>,
    /// How large it is, where it is a number that is neither personal nor secret and names nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Bounds>,
    /// What it is like, where it is a text that is neither personal nor secret and is like one of
    /// those that are [known](form::form_of).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Word>,
}

/// The narrowest type that fits a value.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ValueType {
    /// No characters.
    #[default]
    Empty,
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean,
    /// An integer.
    Integer,
    /// A number with a fraction or an exponent.
    Number,
    /// A UUID.
    Uuid,
    /// A date.
    Date,
    /// A date and time.
    DateTime,
    /// An e-mail address.
    Email,
    /// An IP address.
    Address,
    /// A URL.
    Url,
    /// A run of hexadecimal digits, 8 or more.
    Hex,
    /// A JSON Web Token.
    Jwt,
    /// Bytes that are no text: a file of a form, a field of protobuf.
    Binary,
    /// Anything else.
    String,
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
}

/// What is kept of one message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageRecord {
    /// Bytes of the head.
    pub head_len: u32,
    /// Bytes of content seen (after dechunking, before decoding).
    pub body_len: u64,
    /// Media type, lower case, without parameters.
    pub content_type: Option<Word>,
    /// Content codings in the order applied.
    #[serde(default, skip_serializing_if = "Rare::is_empty")]
    pub content_encoding: Rare<Word>,
    /// Names of the header fields, lower case, in order; names that are not registered or common
    /// stay, their values never do.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub header_names: NameList,
    /// Request only: names of its cookies, in order.
    #[serde(default, skip_serializing_if = "<[String]>::is_empty")]
    pub cookie_names: NameList,
    /// Request only: its header fields that are [parameters](header::is_parameter), in order, as
    /// many as parameters of a query are kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub header_values: Vec<Parameter>,
    /// Request only: its cookies, in order, likewise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cookie_values: Vec<Parameter>,
    /// Request only: the fields of its content, of some requests; names with those of the objects
    /// they stand in (`items[].size`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body_values: Option<Box<[Parameter]>>,
    /// Shape of the content, where it has one; shared by messages with the same content.
    #[serde(default, with = "shared")]
    pub shape: Option<Arc<Shape>>,
    /// Bytes of content, before decoding, that the shape and the data classes were drawn from.
    pub inspected_len: u64,
    /// Bytes of content after its codings were undone, where it had any, that shape and classes
    /// were drawn from.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub decoded_len: u64,
    /// The limits that kept part of the content from being looked at, by name: `sample` (a part of
    /// it was not kept), `sampled` (none of it was looked at: see [`Self::is_passed`]), `decoded_size`, `decoded_ratio`, `codings`, `unsupported_coding`, `coding_broken`, `depth`,
    /// `fields`, `parts`, `documents`, `operations`, `syntax`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<Word>,
    /// Classes of personal or secret data in the content, each with the number of distinct values.
    #[serde(default, skip_serializing_if = "Counts::is_empty")]
    pub data_classes: Counts,
    /// Response only: the values of Deprecation (RFC 9745) and Sunset (RFC 8594), when sent, in
    /// seconds since the Unix epoch; 0 when sent without a readable date.
    pub deprecation: Option<i64>,
    /// See `deprecation`.
    pub sunset: Option<i64>,
}

impl MessageRecord {
    /// In `limits`: the content is one of many alike and was not looked at.
    pub const SAMPLED: &str = "sampled";

    /// Whether nothing is known of the content because others of its kind were looked at instead:
    /// it does not count where shares of bodies are told.
    #[must_use]
    pub fn is_passed(&self) -> bool {
        self.limits.iter().any(|limit| limit == Self::SAMPLED)
    }
}

/// The shape of a structured body: names and types, never values. Bounded in depth and size.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Shape {
    /// The body's type.
    #[serde(rename = "type")]
    pub kind: ValueType,
    /// Fields of an object in order of appearance; for an array, of its items merged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
    /// Number of items, for an array.
    pub items: Option<u32>,
    /// The type of its items, joined over all of them, for an array that has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<ValueType>,
    /// Objects whose fields are merged in `fields`.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub objects: u32,
    /// Bytes of the longest text or binary value.
    #[serde(default, skip_serializing_if = "is_none_of")]
    pub longest: u32,
    /// Media type of the value, where the body says one (a file of a form).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Whether a cap or the end of the sample cut it.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub truncated: bool,
}

/// A shape that is shared, written as the shape itself.
mod shared {
    use super::{Arc, Deserialize, Deserializer, Serialize, Serializer, Shape};

    #[expect(clippy::ref_option, reason = "serde hands a reference over")]
    pub(super) fn serialize<S: Serializer>(
        shape: &Option<Arc<Shape>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        shape.as_deref().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Arc<Shape>>, D::Error> {
        Ok(Option::<Shape>::deserialize(deserializer)?.map(Arc::new))
    }
}

/// One field of an object.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Field {
    /// Its name; `{CLASS}` when the name is itself a personal or secret value.
    pub name: Word,
    /// Its value's shape.
    pub shape: Shape,
    /// Class of personal or secret data of its value.
    pub class: Option<Word>,
    /// How often it stands in the body, 1 when it is not said; a field of several objects that not
    /// all of them have is optional.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    pub seen: u32,
}

const fn once() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
const fn is_once(count: &u32) -> bool {
    *count == 1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
const fn is_none_of(count: &u32) -> bool {
    *count == 0
}

/// A credential of a request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Credential {
    /// `basic`, `bearer`, `jwt`, `digest`, `negotiate`, `ntlm`, `aws_sigv4`, `oauth1`, `hmac`,
    /// `signature`, `api_key`, `session_cookie`, `session`, `password`, `mtls` (what a proxy says
    /// of a client's certificate: a hint, for others can write it as well), or the scheme's own
    /// name.
    pub scheme: Word,
    /// `authorization`, `header`, `query`, `cookie`; `path` (matrix parameter) and `authority`
    /// (user information).
    pub location: Word,
    /// Name of the header, parameter or cookie.
    pub name: Word,
    /// Token of the credential itself.
    pub token: Token,
    /// Token of whom it names (Basic user, JWT `sub`/`client_id`/`azp`, certificate), stable across
    /// renewals.
    pub subject: Option<Token>,
    /// What a JSON Web Token says of itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<JwtFacts>,
}

/// What a JSON Web Token says of itself (RFC 7519).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct JwtFacts {
    /// `alg` of its header, when it is one of the registered; `{unknown}` else.
    pub algorithm: Word,
    /// `iss`; `{CLASS}` where it is itself personal.
    pub issuer: Option<String>,
    /// Seconds from `iat` to `exp`.
    pub lifetime_s: Option<u64>,
}

/// What a client says it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserAgent {
    /// Its first product, without version.
    pub product: Word,
    /// Token of the whole.
    pub token: Token,
}

/// Something noteworthy about one exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    /// What kind, in the vocabulary of findings.
    pub kind: String,
    /// One sentence; holds no value of the exchange that is not redacted.
    pub detail: String,
}

/// How much of a message was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MessageCompleteness {
    /// All of it.
    Complete,
    /// A gap took part of it.
    Gap,
    /// The connection ended before it did.
    Aborted,
    /// It was still going on when it was reported.
    Open,
    /// Not seen.
    Missing,
}

/// How much of an exchange was seen, and what its pairing rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Completeness {
    /// The request.
    pub request: MessageCompleteness,
    /// The response.
    pub response: MessageCompleteness,
    /// Whether loss left the pairing to acknowledgement numbers, to a supposition, or open.
    pub pairing: Pairing,
}

/// What the link between a request and its response rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Pairing {
    /// Order, without loss.
    Ordered,
    /// Acknowledgement numbers, after loss.
    Acknowledged,
    /// There is no other half.
    Unpaired,
    /// What most clients do, after loss or midway, where too little was seen of this one: the
    /// response may be another request's that was not seen.
    Supposed,
    /// The source gave them together (not from packets).
    Given,
}
