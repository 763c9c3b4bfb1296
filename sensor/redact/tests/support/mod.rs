//! Builds exchanges out of the bytes of their heads and bodies.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be built should fail"
)]

use tapscope_http::{
    Anomalies, Body, BodyEnd, Certainty, Encapsulation, ExchangeId, HeadBytes, HeaderSpan,
    HttpExchange, Pairing, Part, Protocol, Request, Response, Span, Timestamp, Version,
};
use tapscope_record::ExchangeRecord;
use tapscope_redact::{RedactSettings, Redactor, TokenKey};

/// Header lines: name and value.
pub(crate) type Lines<'a> = &'a [(&'a [u8], &'a [u8])];

/// A redactor under a key of its own.
pub(crate) fn redactor() -> Redactor {
    Redactor::new(
        RedactSettings::default(),
        TokenKey(*b"a key that is only used in tests"),
    )
}

/// Writes a head: the parts of the start line, then the header lines.
pub(crate) fn head(start: &[&[u8]], headers: Lines<'_>) -> (HeadBytes, Vec<Span>) {
    let mut bytes = Vec::new();
    let span = |bytes: &mut Vec<u8>, part: &[u8], after: &[u8]| {
        let start = u32::try_from(bytes.len()).unwrap();
        bytes.extend_from_slice(part);
        let end = u32::try_from(bytes.len()).unwrap();
        bytes.extend_from_slice(after);
        Span { start, end }
    };
    let spans = start
        .iter()
        .map(|part| span(&mut bytes, part, b" "))
        .collect();
    bytes.extend_from_slice(b"HTTP/1.1\r\n");
    let headers = headers
        .iter()
        .map(|(name, value)| HeaderSpan {
            name: span(&mut bytes, name, b": "),
            value: span(&mut bytes, value, b"\r\n"),
        })
        .collect();
    bytes.extend_from_slice(b"\r\n");
    (HeadBytes { bytes, headers }, spans)
}

/// A whole body.
pub(crate) fn body(content: &[u8]) -> Body {
    Body {
        length: content.len() as u64,
        missing: 0,
        sample: content.to_vec(),
        end: BodyEnd::Complete,
    }
}

/// A request and the response to it.
pub(crate) fn exchange(
    method: &[u8],
    target: &[u8],
    headers: Lines<'_>,
    content: &[u8],
    answer: (Lines<'_>, &[u8]),
) -> HttpExchange {
    let (request_head, spans) = head(&[method, target], headers);
    let (response_head, _) = head(&[b"200"], answer.0);
    let at = Timestamp::from_nanos;
    HttpExchange {
        id: ExchangeId {
            connection: 4,
            ordinal: 2,
        },
        client: "10.0.0.1:40000".parse().unwrap(),
        server: "10.0.0.2:8080".parse().unwrap(),
        encapsulation: Encapsulation::default(),
        protocol: Protocol::Http1,
        request: Some(Box::new(Request {
            head: request_head,
            method: spans[0],
            target: spans[1],
            version: Version::Http11,
            certainty: Certainty::Exact,
            body: body(content),
            started: at(1_000),
            ended: at(2_000),
            anomalies: Anomalies::new(),
            readings: None,
        })),
        response: Some(Box::new(Response {
            head: response_head,
            status: 200,
            version: Version::Http11,
            body: body(answer.1),
            started: at(5_000),
            ended: at(6_000),
            interim: 0,
            anomalies: Anomalies::new(),
            readings: None,
        })),
        messages: None,
        pairing: Pairing::Ordered,
        part: Part::Whole,
        reported: at(6_000),
    }
}

/// The record of a GET without a body.
#[allow(dead_code, reason = "not every test binary asks this way")]
pub(crate) fn get(target: &str, headers: &[(&str, &str)]) -> ExchangeRecord {
    let headers: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    redactor().record(&exchange(
        b"GET",
        target.as_bytes(),
        &headers,
        b"",
        (&[], b""),
    ))
}
