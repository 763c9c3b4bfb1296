//! A list of fields as the HTTP/1 head that says the same (RFC 9113 section 8.3), so that what
//! reads heads need not know how they came.
//!
//! What is not known is left out, never made up: an unknown path is an empty target.

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::exchange::{Certainty, HeadBytes, HeaderSpan, Span};
use crate::grpc;
use crate::http2::hpack::{Field, FieldList};

/// How likely what rests on the place of an entry is right, when the form of one block gave it.
const PERCENT_PLACED: u8 = 90;

/// How likely a host is right that is the only one named on the connection.
const PERCENT_ONLY_HOST: u8 = 90;

/// How likely gRPC is a POST: the protocol knows no other method.
const PERCENT_GRPC_METHOD: u8 = 99;

/// The media type of an event stream.
const EVENT_STREAM: &[u8] = b"text/event-stream";

/// What a list of fields begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListKind {
    /// A request.
    Request,
    /// A response.
    Response,
    /// Trailers, or what cannot be told apart from them.
    Other,
}

/// What a list of fields begins, as far as its fields are known.
pub(super) fn kind(list: &FieldList) -> ListKind {
    for field in list.fields() {
        match field.name {
            Some(b":status") => return ListKind::Response,
            Some(b":method" | b":path" | b":scheme" | b":authority" | b":protocol") => {
                return ListKind::Request;
            }
            _ => {}
        }
    }
    ListKind::Other
}

/// Whether the list has the form of a message: all pseudo-header fields that it needs, once, and
/// before all others; known names, and what a message has once at most once.
pub(super) fn is_well_formed(list: &FieldList) -> bool {
    const PSEUDO: [&[u8]; 5] = [b":method", b":scheme", b":path", b":authority", b":status"];
    const SINGLE: [&[u8]; 8] = [
        b"content-type",
        b"content-length",
        b"user-agent",
        b"date",
        b"server",
        b"te",
        b"host",
        b"etag",
    ];
    let mut pseudo = [0_u32; PSEUDO.len()];
    let mut single = [0_u32; SINGLE.len()];
    let (mut is_behind, mut is_in_order) = (false, true);
    for field in list.fields() {
        let (Some(name), Some(value)) = (field.name, field.value) else {
            return false;
        };
        if let Some(count) = position(&PSEUDO, name).and_then(|i| pseudo.get_mut(i)) {
            *count += 1;
            is_in_order &= !is_behind && is_pseudo_value(name, value);
        } else {
            is_behind = true;
            is_in_order &= !name.starts_with(b":");
            if let Some(count) = position(&SINGLE, name).and_then(|i| single.get_mut(i)) {
                *count += 1;
            }
        }
    }
    let is_form = matches!(pseudo, [1, 1, 1, 0 | 1, 0] | [0, 0, 0, 0, 1]);
    is_form && is_in_order && single.iter().all(|&count| count <= 1)
}

fn position(names: &[&[u8]], name: &[u8]) -> Option<usize> {
    names.iter().position(|&known| known == name)
}

fn is_pseudo_value(name: &[u8], value: &[u8]) -> bool {
    match name {
        b":path" => value.starts_with(b"/") || value == b"*",
        b":status" => value.len() == 3 && value.iter().all(u8::is_ascii_digit),
        b":method" => !value.is_empty() && value.iter().all(u8::is_ascii_alphabetic),
        _ => !value.is_empty(),
    }
}

/// A request's head.
#[derive(Clone, Debug)]
pub(super) struct RequestHead {
    pub(super) head: HeadBytes,
    pub(super) method: Span,
    pub(super) target: Span,
    pub(super) certainty: Certainty,
    pub(super) anomalies: Anomalies,
    /// It opens a WebSocket (RFC 8441).
    pub(super) is_websocket: bool,
}

/// A response's head.
#[derive(Clone, Debug)]
pub(super) struct ResponseHead {
    pub(super) head: HeadBytes,
    /// 0 when it is not known.
    pub(super) status: u16,
    pub(super) anomalies: Anomalies,
}

/// A value that makes the start line, and how well it is known.
#[derive(Clone, Copy)]
struct Pseudo<'a> {
    value: &'a [u8],
    percent: u8,
}

/// The first value of a pseudo-header field; none when it is not known.
fn pseudo<'a>(list: &'a FieldList, name: &[u8]) -> Option<Pseudo<'a>> {
    let field = list.fields().find(|field| field.name == Some(name))?;
    Some(Pseudo {
        value: field.value?,
        percent: if field.is_inferred {
            PERCENT_PLACED
        } else {
            100
        },
    })
}

/// Whether a field may stand for a pseudo-header field: some are not known.
fn has_unknown(list: &FieldList) -> bool {
    list.fields()
        .any(|field| field.name.is_none() || field.value.is_none())
}

/// Writes a request. `only_host` is the host when all requests of the connection named one.
pub(super) fn request(list: &FieldList, only_host: Option<&[u8]>) -> RequestHead {
    let is_partial = has_unknown(list) || list.is_cut;
    let of_grpc = list.value(b"content-type").is_some_and(is_grpc);
    let method = pseudo(list, b":method").or_else(|| {
        of_grpc.then_some(Pseudo {
            value: b"POST",
            percent: PERCENT_GRPC_METHOD,
        })
    });
    let host = pseudo(list, b":authority")
        .or_else(|| pseudo(list, b"host"))
        .or_else(|| {
            let value = only_host.filter(|_| is_partial)?;
            Some(Pseudo {
                value,
                percent: PERCENT_ONLY_HOST,
            })
        });
    let is_connect = method.is_some_and(|method| method.value == b"CONNECT");
    let protocol = pseudo(list, b":protocol").filter(|_| is_connect);
    // A tunnel has no path: its target is the authority (RFC 9113 section 8.5).
    let path = if is_connect && protocol.is_none() {
        host
    } else {
        pseudo(list, b":path")
    };
    let is_websocket = protocol.is_some_and(|protocol| protocol.value == b"websocket");
    let mut writer = Writer::default();
    // Over HTTP/1 the same is asked for with GET (RFC 8441 section 5).
    let name = method.map_or(&b""[..], |method| method.value);
    let method_span = writer.put(if is_websocket { b"GET" } else { name });
    writer.put(b" ");
    let target = writer.put(path.map_or(&b""[..], |path| path.value));
    writer.put(b" HTTP/2\r\n");
    if let Some(host) = host {
        writer.line(b"host", host.value);
    }
    if let Some(protocol) = protocol {
        writer.line(b"upgrade", protocol.value);
    }
    let mut anomalies = writer.fields(list);
    let named = pseudo(list, b"host")
        .filter(|named| host.is_some_and(|host| !host.value.eq_ignore_ascii_case(named.value)));
    if list.value(b"transfer-encoding").is_some() {
        // What translates it to HTTP/1 lets it frame the request.
        anomalies.insert(MessageAnomaly::ObfuscatedFramingField);
    }
    if named.is_some() {
        anomalies.insert(MessageAnomaly::HostMismatch);
    }
    if !is_partial && !is_well_formed(list) && !is_connect {
        anomalies.insert(MessageAnomaly::InvalidPseudoField);
    }
    RequestHead {
        head: writer.finish(),
        method: method_span,
        target,
        certainty: certainty([method, path, host], is_partial),
        anomalies,
        is_websocket,
    }
}

/// How well method, path and host are known. A request that is known whole has what it has.
fn certainty(parts: [Option<Pseudo<'_>>; 3], is_partial: bool) -> Certainty {
    let percent = parts.into_iter().try_fold(100, |least, part| {
        let missing = (!is_partial).then_some(100);
        let percent = part.map(|part| part.percent).or(missing)?;
        Some(percent.min(least))
    });
    match percent {
        None => Certainty::Unknown,
        Some(100) => Certainty::Exact,
        Some(percent) => Certainty::Inferred { percent },
    }
}

/// Writes a response.
pub(super) fn response(list: &FieldList) -> ResponseHead {
    let status = list.value(b":status").unwrap_or_default();
    let text = core::str::from_utf8(status).unwrap_or_default();
    let number = text.parse().unwrap_or(0);
    let mut writer = Writer::default();
    writer.put(b"HTTP/2 ");
    writer.put(status);
    writer.put(b"\r\n");
    let mut anomalies = writer.fields(list);
    let is_partial = has_unknown(list) || list.is_cut;
    if !is_partial && !(100..=999).contains(&number) {
        anomalies.insert(MessageAnomaly::InvalidStatus);
    }
    // gRPC answers with 200 whatever the outcome (its own status says that).
    let is_grpc_response = list.value(b"content-type").is_some_and(is_grpc);
    ResponseHead {
        head: writer.finish(),
        status: if number == 0 && is_partial && is_grpc_response {
            200
        } else {
            number
        },
        anomalies,
    }
}

/// Whether a media type is gRPC's.
pub(super) fn is_grpc(media_type: &[u8]) -> bool {
    grpc::is_of(media_type, b"application/grpc")
}

/// Whether content of a media type is framed as gRPC frames it.
pub(super) fn is_grpc_framed(media_type: &[u8]) -> bool {
    is_grpc(media_type) || grpc::is_web(media_type)
}

/// Whether a media type is that of an event stream.
pub(super) fn is_event_stream(media_type: &[u8]) -> bool {
    media_type
        .get(..EVENT_STREAM.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(EVENT_STREAM))
}

/// The value of Content-Length, if it is one number.
pub(super) fn content_length(head: &HeadBytes) -> Option<u64> {
    core::str::from_utf8(head.header("content-length")?)
        .ok()?
        .parse()
        .ok()
}

#[derive(Default)]
struct Writer {
    head: HeadBytes,
}

impl Writer {
    fn put(&mut self, text: &[u8]) -> Span {
        let start = to_u32(self.head.bytes.len());
        self.head.bytes.extend_from_slice(text);
        Span {
            start,
            end: to_u32(self.head.bytes.len()),
        }
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        let name = self.put(name);
        self.put(b": ");
        let value = self.put(value);
        self.put(b"\r\n");
        self.head.headers.push(HeaderSpan { name, value });
    }

    /// Writes the fields that are not pseudo-header fields, and says what is odd about them.
    fn fields(&mut self, list: &FieldList) -> Anomalies {
        let mut anomalies = Anomalies::new();
        let mut cookies: Vec<&[u8]> = Vec::new();
        for field in list.fields() {
            judge(field, &mut anomalies);
            let (Some(name), Some(value)) = (field.name, field.value) else {
                continue;
            };
            if name == b"cookie" {
                // They were split for compression (RFC 9113 section 8.2.3).
                cookies.push(value);
            } else if !name.starts_with(b":") && name != b"host" {
                self.line(name, value);
            }
        }
        if !cookies.is_empty() {
            self.line(b"cookie", &cookies.join(&b"; "[..]));
        }
        if list.is_cut {
            anomalies.insert(MessageAnomaly::HeadTooLong);
        }
        if list.has_invalid_index {
            anomalies.insert(MessageAnomaly::InvalidFieldBlock);
        }
        anomalies
    }

    fn finish(mut self) -> HeadBytes {
        self.put(b"\r\n");
        self.head
    }
}

/// What is odd about a field (RFC 9113 section 8.2). Once translated to HTTP/1, some of these
/// become another request.
fn judge(field: Field<'_>, anomalies: &mut Anomalies) {
    let name = field.name.unwrap_or_default();
    let value = field.value.unwrap_or_default();
    if name.iter().any(u8::is_ascii_uppercase) {
        anomalies.insert(MessageAnomaly::InvalidHeaderName);
    }
    if name.iter().any(|&b| b <= b' ' || b >= 0x7f)
        || name.get(1..).is_some_and(|rest| rest.contains(&b':'))
    {
        anomalies.insert(MessageAnomaly::InvalidHeaderName);
    }
    if value.iter().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
        anomalies.insert(MessageAnomaly::ControlByte);
    }
    if matches!(
        name,
        b"connection" | b"proxy-connection" | b"keep-alive" | b"transfer-encoding" | b"upgrade"
    ) {
        anomalies.insert(MessageAnomaly::ConnectionSpecificField);
    }
}

/// A head is capped far below 4 GiB.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
