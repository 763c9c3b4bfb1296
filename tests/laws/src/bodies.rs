//! Bodies: whatever a message carries and however it is encoded, its record is the same twice, is
//! under the cap, and can be read back; what is decoded stays under its caps.

use tapscope_http::{
    Body, BodyEnd, Certainty, Encapsulation, ExchangeId, HeadBytes, HeaderSpan, HttpExchange,
    Pairing, Part, Protocol, Request, Response, Span, Timestamp, Version,
};
use tapscope_record::ExchangeRecord;
use tapscope_redact::{RedactSettings, Redactor, TokenKey};

use crate::input::Input;

/// Header lines: name and value.
type Lines<'a> = &'a [(&'a str, &'a str)];

/// Media types that have a reader, and some that have none.
const MEDIA_TYPES: [&str; 10] = [
    "application/json",
    "application/json-seq",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=BB",
    "application/xml",
    "text/xml",
    "text/event-stream",
    "application/octet-stream",
    "text/plain",
    "",
];

/// Codings, alone and in layers.
const CODINGS: [&str; 7] = [
    "gzip",
    "deflate",
    "br",
    "zstd",
    "gzip, gzip",
    "br, gzip",
    "zstd, deflate",
];

fn head(start: &[&str], headers: Lines<'_>) -> (HeadBytes, Vec<Span>) {
    let mut bytes = Vec::new();
    let mut span = |part: &str, after: &str| {
        let start = bytes.len() as u32;
        bytes.extend_from_slice(part.as_bytes());
        let end = bytes.len() as u32;
        bytes.extend_from_slice(after.as_bytes());
        Span { start, end }
    };
    let spans = start.iter().map(|part| span(part, " ")).collect();
    let headers = headers
        .iter()
        .map(|(name, value)| HeaderSpan {
            name: span(name, ": "),
            value: span(value, "\r\n"),
        })
        .collect();
    (HeadBytes { bytes, headers }, spans)
}

fn body(content: &[u8]) -> Body {
    Body {
        length: content.len() as u64,
        missing: 0,
        sample: content.to_vec(),
        end: BodyEnd::Complete,
    }
}

/// The record of an exchange whose two messages carry `content`.
pub fn record(headers: Lines<'_>, content: &[u8]) -> ExchangeRecord {
    let (request_head, spans) = head(&["POST", "/x"], headers);
    let (response_head, _) = head(&["200"], headers);
    let exchange = HttpExchange {
        id: ExchangeId {
            connection: 1,
            ordinal: 0,
        },
        client: ([192, 0, 2, 1], 40_000).into(),
        server: ([192, 0, 2, 2], 80).into(),
        encapsulation: Encapsulation::default(),
        protocol: Protocol::Http1,
        request: Some(Box::new(Request {
            head: request_head,
            method: spans[0],
            target: spans[1],
            version: Version::Http11,
            certainty: Certainty::Exact,
            body: body(content),
            started: Timestamp::from_nanos(1),
            ended: Timestamp::from_nanos(2),
            anomalies: Default::default(),
            readings: Default::default(),
        })),
        response: Some(Box::new(Response {
            head: response_head,
            status: 200,
            version: Version::Http11,
            body: body(content),
            started: Timestamp::from_nanos(3),
            ended: Timestamp::from_nanos(4),
            interim: 0,
            anomalies: Default::default(),
            readings: Default::default(),
        })),
        messages: None,
        pairing: Pairing::Ordered,
        part: Part::Whole,
        reported: Timestamp::from_nanos(5),
    };
    let mut redactor = Redactor::new(RedactSettings::default(), TokenKey([7; 32]));
    let record = redactor.record(&exchange);
    assert_eq!(record, redactor.record(&exchange));
    record
}

/// Holds the laws of any record.
fn hold(headers: Lines<'_>, content: &[u8]) -> ExchangeRecord {
    let record = record(headers, content);
    let text = serde_json::to_string(&record).expect("a record can be written");
    assert!(text.len() <= RedactSettings::RECORD_BYTES_MAX);
    let again: ExchangeRecord = serde_json::from_str(&text).expect("a record can be read");
    assert_eq!(record, again);
    record
}

/// Content of every media type.
pub fn json_shape(data: &[u8]) {
    let mut input = Input(data);
    let kind = MEDIA_TYPES[input.below(MEDIA_TYPES.len())];
    hold(&[("content-type", kind)], input.0);
}

/// Protobuf without its schema.
pub fn protobuf(data: &[u8]) {
    let record = hold(&[("content-type", "application/x-protobuf")], data);
    let shape = record.request.and_then(|request| request.shape);
    // A byte of content can name one field at most.
    assert!(shape.is_none_or(|shape| shape.fields.len() <= data.len()));
}

/// GraphQL documents: how much they ask for is no more than what they say.
pub fn graphql(data: &[u8]) {
    let record = hold(&[("content-type", "application/graphql")], data);
    let Some(operation) = record.operation else {
        return;
    };
    for measure in ["depth", "fields", "aliases"] {
        let value = operation.measures.get(measure).copied().unwrap_or(0);
        // A spread names a fragment again, which may be as deep as the document is long.
        assert!(value as usize <= data.len() * (1 + usize::from(measure == "depth") * 256));
    }
}

/// Content codings, sound and broken.
pub fn decompression(data: &[u8]) {
    let mut input = Input(data);
    let coding = CODINGS[input.below(CODINGS.len())];
    let headers = [
        ("content-type", "application/json"),
        ("content-encoding", coding),
    ];
    let record = hold(&headers, input.0);
    let settings = RedactSettings::default();
    let decoded = record.response.map_or(0, |response| response.decoded_len);
    assert!(decoded <= settings.decoded_bytes_max as u64);
}
