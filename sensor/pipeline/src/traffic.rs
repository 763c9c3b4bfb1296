//! Records without packets: a JSON object a line becomes an exchange, as if it had been captured.
//!
//! The form: `{i | id, ts, client_ip, client_port, method, host, path, query, req_headers,
//! req_body, status, resp_headers, resp_body, latency_ms}`; `ts` in seconds since the Unix epoch,
//! bodies text or null. What is missing is taken as not known. The heads are written as they would
//! have been on the wire, so that everything behind reads one thing only; the order of header
//! fields is not kept, a JSON object has none.

use core::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Map, Value};
use tapscope_http::{
    Body, BodyEnd, Certainty, Encapsulation, ExchangeId, HeadBytes, HeaderSpan, HttpExchange,
    Pairing, Part, Protocol, Request, Response, Span, Timestamp, Version,
};
use tapscope_record::ExchangeRecord;
use tapscope_redact::Redactor;

/// Bytes of a body that are read, as of one that was captured.
const BODY_SAMPLE_BYTES_MAX: usize = 64 * 1024;

/// Longest identifier of a record that is taken over.
const ID_BYTES_MAX: usize = 256;

/// A line that is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrafficError {
    /// Not JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// JSON, but no object.
    #[error("a record is a JSON object, this is {0}")]
    NotAnObject(&'static str),
    /// A field of another type or out of range.
    #[error("`{field}` is not {expected}")]
    Field {
        /// The field's name.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
    },
}

/// One line, read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrafficLine {
    /// The exchange it tells of.
    pub exchange: HttpExchange,
    /// The record's own name; its ordinal where it has none.
    pub id: String,
    /// Whether it told how long the answer took.
    pub latency_known: bool,
}

/// The exchange that a line tells of, and the name of its record.
///
/// # Errors
/// When the line is no record; the caller knows which line it was.
pub fn exchange_of_line(line: &[u8], ordinal: u64) -> Result<(HttpExchange, String), TrafficError> {
    TrafficLine::parse(line, ordinal).map(|line| (line.exchange, line.id))
}

/// The redacted record of a line, under the line's own name.
///
/// # Errors
/// When the line is no record; the caller knows which line it was.
pub fn record_of_line(
    line: &[u8],
    ordinal: u64,
    redactor: &mut Redactor,
) -> Result<ExchangeRecord, TrafficError> {
    TrafficLine::parse(line, ordinal).map(|line| line.record(redactor))
}

impl TrafficLine {
    /// Reads one line; `ordinal` counts the lines and names a record that does not name itself.
    ///
    /// # Errors
    /// When the line is no record.
    pub fn parse(line: &[u8], ordinal: u64) -> Result<Self, TrafficError> {
        let record = match serde_json::from_slice(line)? {
            Value::Object(record) => record,
            other => return Err(TrafficError::NotAnObject(kind_of(&other))),
        };
        let started = time(&record)?;
        let latency = latency(&record)?;
        let request = request(&record, started)?;
        let response = response(&record, started + latency.unwrap_or(0))?;
        let reported = response.as_ref().map_or(started, |response| response.ended);
        let https = text(&record, "scheme")?.is_none_or(|scheme| scheme != "http");
        let server_port = if https { 443 } else { 80 };
        let exchange = HttpExchange {
            id: ExchangeId {
                connection: ordinal,
                ordinal: 0,
            },
            client: client(&record)?,
            server: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), server_port),
            encapsulation: Encapsulation::default(),
            protocol: Protocol::Http1,
            request: Some(Box::new(request)),
            response: response.map(Box::new),
            messages: None,
            pairing: Pairing::Ordered,
            part: Part::Whole,
            reported,
        };
        Ok(Self {
            exchange,
            id: name(&record, ordinal),
            latency_known: latency.is_some(),
        })
    }

    /// The redacted record, under the line's own name.
    pub fn record(&self, redactor: &mut Redactor) -> ExchangeRecord {
        let mut record = redactor.record(&self.exchange);
        record.id = self.id.as_str().into();
        record.completeness.pairing = tapscope_record::Pairing::Given;
        if !self.latency_known {
            record.latency_ns = None;
        }
        record
    }
}

const fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The field, unless it is missing or null.
fn present<'a>(record: &'a Map<String, Value>, field: &str) -> Option<&'a Value> {
    record.get(field).filter(|value| !value.is_null())
}

fn text<'a>(
    record: &'a Map<String, Value>,
    field: &'static str,
) -> Result<Option<&'a str>, TrafficError> {
    match present(record, field) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(TrafficError::Field {
            field,
            expected: "a string",
        }),
    }
}

fn number(record: &Map<String, Value>, field: &'static str) -> Result<Option<f64>, TrafficError> {
    match present(record, field) {
        None => Ok(None),
        Some(value) => match value.as_f64() {
            Some(number) => Ok(Some(number)),
            None => Err(TrafficError::Field {
                field,
                expected: "a number",
            }),
        },
    }
}

fn name(record: &Map<String, Value>, ordinal: u64) -> String {
    let own = present(record, "id").or_else(|| present(record, "i"));
    match own {
        Some(Value::String(name)) if !name.is_empty() => name.chars().take(ID_BYTES_MAX).collect(),
        Some(Value::Number(number)) => number.to_string(),
        _ => ordinal.to_string(),
    }
}

/// Seconds as nanoseconds. A double holds today's time to about a quarter of a microsecond, so
/// that the fraction is rounded to whole microseconds.
fn nanos_of_seconds(seconds: f64) -> i64 {
    let whole = seconds.floor();
    let micros = ((seconds - whole) * 1e6).round();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "casts from floats saturate"
    )]
    (whole as i64)
        .saturating_mul(1_000_000_000)
        .saturating_add((micros as i64) * 1_000)
}

fn time(record: &Map<String, Value>) -> Result<Timestamp, TrafficError> {
    Ok(Timestamp::from_nanos(nanos_of_seconds(
        number(record, "ts")?.unwrap_or(0.0),
    )))
}

fn latency(record: &Map<String, Value>) -> Result<Option<i64>, TrafficError> {
    match number(record, "latency_ms")? {
        None => Ok(None),
        Some(millis) if millis >= 0.0 => Ok(Some(nanos_of_seconds(millis / 1e3))),
        Some(_) => Err(TrafficError::Field {
            field: "latency_ms",
            expected: "zero or more milliseconds",
        }),
    }
}

fn client(record: &Map<String, Value>) -> Result<SocketAddr, TrafficError> {
    let ip = match text(record, "client_ip")? {
        None => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Some(ip) => ip.parse().map_err(|_| TrafficError::Field {
            field: "client_ip",
            expected: "an IP address",
        })?,
    };
    let port = present(record, "client_port").map(|port| {
        let port = port.as_u64().and_then(|port| u16::try_from(port).ok());
        port.ok_or(TrafficError::Field {
            field: "client_port",
            expected: "a port",
        })
    });
    Ok(SocketAddr::new(ip, port.transpose()?.unwrap_or(0)))
}

fn request(record: &Map<String, Value>, started: Timestamp) -> Result<Request, TrafficError> {
    let mut head = HeadWriter::default();
    let method = head.span(text(record, "method")?.unwrap_or("GET"), Escape::Blanks);
    head.bytes(b" ");
    let target = target(record, &mut head)?;
    head.bytes(b" HTTP/1.1\r\n");
    let host = text(record, "host")?.filter(|host| !host.is_empty());
    if let Some(host) = host {
        head.header("host", host);
    }
    head.headers(record, "req_headers", host.is_some())?;
    Ok(Request {
        head: head.finish(),
        method,
        target,
        version: Version::Http11,
        certainty: Certainty::Exact,
        body: body(text(record, "req_body")?),
        started,
        ended: started,
        anomalies: Default::default(),
        readings: None,
    })
}

/// Writes path and query; what would end the target on the wire is escaped.
fn target(record: &Map<String, Value>, head: &mut HeadWriter) -> Result<Span, TrafficError> {
    let path = text(record, "path")?
        .filter(|path| !path.is_empty())
        .unwrap_or("/");
    let query = text(record, "query")?.filter(|query| !query.is_empty());
    let Some(query) = query else {
        return Ok(head.span(path, Escape::Target));
    };
    let Span { start, .. } = head.span(path, Escape::TargetBeforeQuery);
    head.bytes(b"?");
    let Span { end, .. } = head.span(query.strip_prefix('?').unwrap_or(query), Escape::Target);
    Ok(Span { start, end })
}

fn response(
    record: &Map<String, Value>,
    started: Timestamp,
) -> Result<Option<Response>, TrafficError> {
    let Some(status) = present(record, "status") else {
        return Ok(None);
    };
    let status = status
        .as_u64()
        .and_then(|status| u16::try_from(status).ok());
    let status =
        status
            .filter(|status| (100..1000).contains(status))
            .ok_or(TrafficError::Field {
                field: "status",
                expected: "a status of three digits",
            })?;
    let mut head = HeadWriter::default();
    head.bytes(format!("HTTP/1.1 {status}\r\n").as_bytes());
    head.headers(record, "resp_headers", false)?;
    Ok(Some(Response {
        head: head.finish(),
        status,
        version: Version::Http11,
        body: body(text(record, "resp_body")?),
        started,
        ended: started,
        interim: 0,
        anomalies: Default::default(),
        readings: None,
    }))
}

fn body(text: Option<&str>) -> Body {
    let content = text.unwrap_or_default().as_bytes();
    let sample = content
        .get(..BODY_SAMPLE_BYTES_MAX)
        .unwrap_or(content)
        .to_vec();
    Body {
        length: content.len() as u64,
        missing: 0,
        sample,
        end: BodyEnd::Complete,
    }
}

/// What must not stand as it is in a part of a head.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escape {
    /// Line ends become blanks.
    LineEnds,
    /// Blanks and controls become `_`.
    Blanks,
    /// Blanks, controls and `#` are percent-encoded.
    Target,
    /// The same, and `?`.
    TargetBeforeQuery,
}

/// Writes a head and notes where its parts stand.
#[derive(Default)]
struct HeadWriter {
    head: HeadBytes,
}

impl HeadWriter {
    fn position(&self) -> u32 {
        u32::try_from(self.head.bytes.len()).unwrap_or(u32::MAX)
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.head.bytes.extend_from_slice(bytes);
    }

    fn span(&mut self, text: &str, escape: Escape) -> Span {
        let start = self.position();
        for byte in text.bytes() {
            let blank = byte <= b' ' || byte == 0x7f;
            match escape {
                Escape::LineEnds if matches!(byte, b'\r' | b'\n' | 0) => self.bytes(b" "),
                Escape::Blanks if blank => self.bytes(b"_"),
                Escape::Target | Escape::TargetBeforeQuery if blank || byte == b'#' => {
                    self.bytes(format!("%{byte:02X}").as_bytes());
                }
                Escape::TargetBeforeQuery if byte == b'?' => self.bytes(b"%3F"),
                _ => self.head.bytes.push(byte),
            }
        }
        Span {
            start,
            end: self.position(),
        }
    }

    fn header(&mut self, name: &str, value: &str) {
        let name = self.span(name, Escape::Blanks);
        self.bytes(b": ");
        let value = self.span(value.trim(), Escape::LineEnds);
        self.bytes(b"\r\n");
        self.head.headers.push(HeaderSpan { name, value });
    }

    /// Writes the fields of an object of headers: text, or a list for a field that comes twice.
    fn headers(
        &mut self,
        record: &Map<String, Value>,
        field: &'static str,
        without_host: bool,
    ) -> Result<(), TrafficError> {
        let headers = match present(record, field) {
            None => return Ok(()),
            Some(Value::Object(headers)) => headers,
            Some(_) => {
                return Err(TrafficError::Field {
                    field,
                    expected: "an object",
                });
            }
        };
        for (name, value) in headers {
            if without_host && name.eq_ignore_ascii_case("host") {
                continue;
            }
            match value {
                Value::Null => {}
                Value::String(value) => self.header(name, value),
                Value::Array(values) => {
                    for value in values {
                        match value {
                            Value::String(value) => self.header(name, value),
                            other => self.header(name, &other.to_string()),
                        }
                    }
                }
                other => self.header(name, &other.to_string()),
            }
        }
        Ok(())
    }

    fn finish(mut self) -> HeadBytes {
        self.bytes(b"\r\n");
        self.head
    }
}

#[cfg(test)]
mod tests {
    use tapscope_record::{PathSegment, ValueType};
    use tapscope_redact::{RedactSettings, TokenKey};

    use super::*;

    fn record(line: &str) -> ExchangeRecord {
        let mut redactor = Redactor::new(RedactSettings::default(), TokenKey([3; 32]));
        TrafficLine::parse(line.as_bytes(), 7)
            .unwrap()
            .record(&mut redactor)
    }

    #[test]
    fn a_full_line_becomes_a_record() {
        let record = record(
            r#"{"i":12,"ts":1767571212.184,"client_ip":"10.0.0.9","client_port":4711,
            "method":"POST","host":"API.example.com","path":"/users/jo@example.com/orders",
            "query":"limit=5","req_headers":{"content-type":"application/json","x-list":["a","b"],
            "authorization":"Bearer abc"},"req_body":"{\"qty\":2}","status":201,
            "resp_headers":{"content-type":"application/json"},"resp_body":"[]","latency_ms":12.5}"#,
        );
        assert_eq!(record.id.to_string(), "12");
        assert_eq!(record.time, 1_767_571_212_184_000_000);
        assert_eq!(record.client, "10.0.0.9:4711".parse().unwrap());
        assert_eq!(
            (record.host.as_str(), record.port),
            ("api.example.com", None)
        );
        assert_eq!(record.method.as_deref(), Some("POST"));
        assert!(matches!(&record.path[1], PathSegment::Redacted { class, .. } if class == "email"));
        assert_eq!(record.query[0].value.kind, ValueType::Integer);
        assert_eq!(
            (record.status, record.latency_ns),
            (Some(201), Some(12_500_000))
        );
        assert_eq!(record.credentials[0].scheme, "bearer");
        let request = record.request.unwrap();
        let expected = ["host", "authorization", "content-type", "x-list", "x-list"];
        assert_eq!(*request.header_names, expected);
        assert_eq!(request.shape.unwrap().fields[0].name, "qty");
        assert_eq!(record.completeness.pairing, tapscope_record::Pairing::Given);
    }

    #[test]
    fn missing_fields_are_not_known() {
        let record = record(r#"{"id":"a-1","path":"/x","req_body":null}"#);
        assert_eq!(record.id.to_string(), "a-1");
        assert_eq!(
            (record.status, record.latency_ns, record.time),
            (None, None, 0)
        );
        assert_eq!(record.host, "0.0.0.0");
        assert!(record.response.is_none());
    }

    #[test]
    fn odd_text_stays_inside_its_place() {
        let line = r#"{"method":"GET","host":"h","path":"/a b?c#d","query":"q=1 #x","status":200,
            "req_headers":{"x":"1\r\ny: 2"}}"#;
        let (exchange, id) = exchange_of_line(line.as_bytes(), 7).unwrap();
        let request = exchange.request.unwrap();
        assert_eq!(id, "7");
        assert_eq!(request.head.slice(request.method), b"GET");
        assert_eq!(
            request.head.slice(request.target),
            b"/a%20b%3Fc%23d?q=1%20%23x"
        );
        assert_eq!(request.head.header("x"), Some(&b"1  y: 2"[..]));
        assert_eq!(request.head.header("host"), Some(&b"h"[..]));
        assert!(request.head.bytes.ends_with(b"\r\n\r\n"));
    }

    #[test]
    fn a_bad_line_says_what_is_wrong() {
        for (line, expected) in [
            ("{", "not JSON"),
            ("[1]", "a record is a JSON object, this is an array"),
            (r#"{"ts":"now"}"#, "`ts` is not a number"),
            (r#"{"client_ip":"x"}"#, "`client_ip` is not an IP address"),
            (r#"{"client_port":70000}"#, "`client_port` is not a port"),
            (
                r#"{"status":7}"#,
                "`status` is not a status of three digits",
            ),
            (r#"{"path":1}"#, "`path` is not a string"),
            (r#"{"req_headers":[]}"#, "`req_headers` is not an object"),
            (
                r#"{"latency_ms":-1}"#,
                "`latency_ms` is not zero or more milliseconds",
            ),
        ] {
            let error = exchange_of_line(line.as_bytes(), 0)
                .unwrap_err()
                .to_string();
            assert!(error.starts_with(expected), "{line}: {error}");
        }
    }
}
