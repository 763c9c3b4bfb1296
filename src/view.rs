//! The lines the command line writes: exchanges and the exchange log. Field names are a contract.

use serde::Serialize;
use tapscope_analyzer::Observation;
use tapscope_http::{BodyEnd, HttpExchange, Pairing, Protocol};
use tapscope_record::{
    Completeness, ExchangeName, ExchangeRecord, Part, PathSegment, Signal, VantagePoint,
};

/// One exchange as it was on the wire (`tapscope exchanges`): the request target unredacted,
/// because the person asked for it on their own capture; never a header value or a body.
#[derive(Serialize)]
pub(crate) struct ExchangeLine<'a> {
    id: String,
    time: String,
    proto: &'static str,
    client: String,
    server: String,
    method: Option<std::borrow::Cow<'a, str>>,
    host: Option<std::borrow::Cow<'a, str>>,
    path: Option<std::borrow::Cow<'a, str>>,
    status: Option<u16>,
    req_content_type: Option<std::borrow::Cow<'a, str>>,
    resp_content_type: Option<std::borrow::Cow<'a, str>>,
    req_body_len: Option<u64>,
    resp_body_len: Option<u64>,
    request: &'static str,
    response: &'static str,
    pairing: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    anomalies: Vec<&'static str>,
}

impl<'a> ExchangeLine<'a> {
    pub(crate) fn new(exchange: &'a HttpExchange) -> Self {
        let request = exchange.request.as_ref();
        let response = exchange.response.as_ref();
        let started = request.map(|r| r.started).or(response.map(|r| r.started));
        Self {
            id: format!("{:016x}-{}", exchange.id.connection, exchange.id.ordinal),
            time: rfc3339(started.map_or(0, |time| time.nanos())),
            proto: match exchange.protocol {
                Protocol::Http1 => "http1",
                Protocol::Http2 => "http2",
                Protocol::Grpc => "grpc",
                Protocol::WebSocket => "websocket",
                _ => "other",
            },
            client: exchange.client.to_string(),
            server: exchange.server.to_string(),
            method: request.map(|r| String::from_utf8_lossy(r.head.slice(r.method))),
            host: request.map(|r| {
                r.head
                    .header("host")
                    .map(String::from_utf8_lossy)
                    .unwrap_or_default()
            }),
            path: request.map(|r| String::from_utf8_lossy(r.head.slice(r.target))),
            status: response.and_then(|r| r.status_code()),
            req_content_type: request
                .and_then(|r| r.head.header("content-type"))
                .map(String::from_utf8_lossy),
            resp_content_type: response
                .and_then(|r| r.head.header("content-type"))
                .map(String::from_utf8_lossy),
            req_body_len: request.map(|r| r.body.length),
            resp_body_len: response.map(|r| r.body.length),
            request: request.map_or("missing", |r| body_end(r.body.end)),
            response: response.map_or("missing", |r| body_end(r.body.end)),
            pairing: match exchange.pairing {
                Pairing::Ordered => "ordered",
                Pairing::Acknowledged => "acknowledged",
                Pairing::Supposed => "supposed",
                _ => "unpaired",
            },
            anomalies: exchange.anomalies().iter().map(|a| a.name()).collect(),
        }
    }
}

fn body_end(end: BodyEnd) -> &'static str {
    match end {
        BodyEnd::Complete => "complete",
        BodyEnd::Gap => "gap",
        BodyEnd::Aborted => "aborted",
        _ => "open",
    }
}

/// One line of the exchange log: the exchange as the analyzer saw it, redacted.
#[derive(Serialize)]
pub(crate) struct LogLine<'a> {
    id: &'a ExchangeName,
    time: String,
    client: String,
    server: String,
    method: Option<&'a str>,
    host: &'a str,
    path: String,
    query: Vec<&'a str>,
    status: Option<u16>,
    endpoint: Option<EndpointName<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    operations: Vec<OperationName<'a>>,
    consumer: &'a str,
    signals: Vec<&'a Signal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Part>,
    completeness: Completeness,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    vantage: &'a [VantagePoint],
}

/// An endpoint as people write it.
#[derive(Serialize)]
pub(crate) struct EndpointName<'a> {
    pub(crate) method: &'a str,
    pub(crate) host: &'a str,
    pub(crate) template: &'a str,
}

/// What the exchange asks for where method and path do not say it.
#[derive(Serialize)]
pub(crate) struct OperationName<'a> {
    style: &'a str,
    kind: &'a str,
    name: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    fields: &'a [String],
}

impl<'a> LogLine<'a> {
    pub(crate) fn new(record: &'a ExchangeRecord, observation: &'a Observation) -> Self {
        Self {
            id: &record.id,
            time: rfc3339(record.time),
            client: record.client.to_string(),
            server: record.server.to_string(),
            method: record.method.as_deref(),
            host: &record.host,
            path: path_text(record),
            query: record
                .query
                .iter()
                .map(|parameter| parameter.name.as_str())
                .collect(),
            status: record.status,
            endpoint: observation.endpoint.as_ref().map(|endpoint| EndpointName {
                method: &endpoint.method,
                host: &endpoint.host,
                template: &endpoint.template,
            }),
            operations: record
                .operation
                .as_deref()
                .into_iter()
                .chain(&record.batch)
                .map(|operation| OperationName {
                    style: &operation.style,
                    kind: &operation.kind,
                    name: &operation.name,
                    fields: &operation.fields,
                })
                .collect(),
            consumer: &observation.consumer_label,
            signals: record.signals.iter().chain(&observation.signals).collect(),
            part: Some(record.part).filter(|part| *part != Part::Whole),
            completeness: record.completeness,
            vantage: &record.vantage,
        }
    }
}

/// The path as text; what was redacted stands as `{class:token}`.
fn path_text(record: &ExchangeRecord) -> String {
    let mut text = String::new();
    for segment in &record.path {
        text.push('/');
        match segment {
            PathSegment::Literal(literal) => text.push_str(literal),
            PathSegment::Redacted { class, token } => {
                text.push_str(&format!("{{{class}:{:016x}}}", token.0));
            }
        }
    }
    if record.trailing_slash || text.is_empty() {
        text.push('/');
    }
    text
}

/// A time as RFC 3339 in UTC, with the fraction there is.
pub(crate) fn rfc3339(nanos: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(nanos))
        .map_or_else(|_| nanos.to_string(), |time| time.to_string())
}
