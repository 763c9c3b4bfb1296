//! What is odd about the form of the messages: the names of all of it, and a signal where readers
//! of a message may disagree on where it ends or for whom it is, which is how requests are
//! smuggled (RFC 9112 section 11.2).

use core::fmt::Write as _;

use tapscope_http::{
    Anomalies, FramingRule, HttpExchange, MessageAnomaly, Reading, Readings, Request, Response,
};

use tapscope_record::Rare;

use crate::credential;
use crate::redactor::Work;
use crate::target::{self, Target};

/// Hosts of one request that a signal names: a target's, and those of a proxy and a server that
/// take different lines.
const HOSTS_NAMED_MAX: usize = 3;

/// The names of everything odd, once each.
pub(crate) fn anomaly_names(exchange: &HttpExchange) -> Rare<String> {
    let names = exchange.anomalies();
    names
        .iter()
        .map(|anomaly| anomaly.name().to_owned())
        .collect()
}

/// Signals for messages whose readers may part ways.
pub(crate) fn signals(work: &mut Work<'_>, request: Option<&Request>, response: Option<&Response>) {
    if let Some(request) = request {
        let mut words = words("request", request.anomalies, request.readings.as_deref());
        if let Some(words) = &mut words {
            if let Some(hosts) = hosts(work, request) {
                words.push_str(&hosts);
            }
            if let Some(response) = response.filter(|response| refuses(response.status)) {
                // Writing to a string cannot fail.
                let _ = write!(words, "; the server refused it ({})", response.status);
            }
        }
        signal(work, words);
    }
    if let Some(response) = response {
        let words = words("response", response.anomalies, response.readings.as_deref());
        signal(work, words);
    }
}

/// Whether a server says with that status that it did not take the request as it was sent: it is
/// malformed, is not for its host, or has a transfer coding that it does not know.
const fn refuses(status: u16) -> bool {
    matches!(status, 400 | 421 | 501)
}

/// The hosts that readers of the target and of the Host fields find, where they are not one.
fn hosts(work: &Work<'_>, request: &Request) -> Option<String> {
    if !request.anomalies.contains(MessageAnomaly::HostMismatch) {
        return None;
    }
    let method = request.head.slice(request.method);
    let target = Target::parse(method, request.head.slice(request.target));
    let fields = request.head.headers();
    let fields = fields.filter(|(name, _)| name.eq_ignore_ascii_case(b"host"));
    let of_target = target.authority.map(|authority| ("the target", authority));
    let found = of_target
        .into_iter()
        .chain(fields.map(|(_, value)| ("Host", value)));
    let mut named: Vec<String> = Vec::new();
    for (place, authority) in found {
        let host = target::host_and_port(&work.settings.custom_classes, authority);
        let (host, port) = host.unwrap_or_default();
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let reading = format!("a reader of {place} asks {host}{port}");
        if named.len() < HOSTS_NAMED_MAX && !named.contains(&reading) {
            named.push(reading);
        }
    }
    Some(format!(": {}", named.join(", ")))
}

/// A signal for a connection whose client only makes work.
pub(crate) fn flood_signals(work: &mut Work<'_>, anomalies: Anomalies) {
    use MessageAnomaly as M;
    if anomalies.is_empty() {
        return;
    }
    let seen = |(anomaly, what)| anomalies.contains(anomaly).then_some(what);
    let reasons: Vec<&str> = [
        (
            M::RapidReset,
            "resets nearly every request before it is answered",
        ),
        (M::ContinuationFlood, "sends field blocks without end"),
        (
            M::ControlFrameFlood,
            "sends SETTINGS, PING or PRIORITY frames without end",
        ),
        (
            M::EmptyFrameFlood,
            "sends DATA frames without content and without end",
        ),
    ]
    .into_iter()
    .filter_map(seen)
    .collect();
    if !reasons.is_empty() {
        let detail = format!("A peer of the connection {}.", reasons.join(", and "));
        credential::signal(work, "http2_flood", detail);
    }
}

/// One signal for a message.
fn signal(work: &mut Work<'_>, words: Option<String>) {
    if let Some(words) = words {
        credential::signal(work, "request_smuggling", words + ".");
    }
}

/// What is odd about a message, whatever the number of reasons, and what its readers find.
fn words(side: &str, anomalies: Anomalies, readings: Option<&Readings>) -> Option<String> {
    if anomalies.is_empty() {
        return None;
    }
    let reasons: Vec<&str> = anomalies
        .iter()
        .filter(|anomaly| !is_harmless(*anomaly, readings))
        .filter_map(reason)
        .collect();
    if reasons.is_empty() {
        return None;
    }
    let mut detail = format!("The {side} {}", reasons.join(", and "));
    let tells_hosts = anomalies.contains(MessageAnomaly::HostMismatch) && side == "request";
    let tells_all = tells_hosts || anomalies.contains(MessageAnomaly::AnsweredHiddenRequest);
    match readings {
        Some(readings) => {
            detail.push_str(": ");
            detail.push_str(&both(readings));
        }
        None if tells_all => {}
        None => detail.push_str(": readers may disagree on it"),
    }
    Some(detail)
}

/// Two framing fields that name the same end mislead nobody.
fn is_harmless(anomaly: MessageAnomaly, readings: Option<&Readings>) -> bool {
    anomaly == MessageAnomaly::ContentLengthWithTransferEncoding
        && readings.is_some_and(|r| r.followed.len.is_some() && r.followed.len == r.other.len)
}

/// Why readers may disagree, when an anomaly lets them.
const fn reason(anomaly: MessageAnomaly) -> Option<&'static str> {
    use MessageAnomaly as M;
    Some(match anomaly {
        M::ContentLengthWithTransferEncoding => "has both Content-Length and Transfer-Encoding",
        M::ConflictingContentLength => "has Content-Length values that differ",
        M::InvalidContentLength => "has a Content-Length that is not digits only",
        M::ContentLengthOverflow => "has a Content-Length that overflows in common parsers",
        M::UnknownTransferEncoding => {
            "has a Transfer-Encoding that does not end in chunked or is not known"
        }
        M::ObfuscatedTransferEncoding => "has a Transfer-Encoding that hides the word chunked",
        M::RepeatedChunked => "is chunked more than once",
        M::ObfuscatedFramingField => "has a framing field in a line that not every reader accepts",
        M::InvalidChunkSize => "has a chunk size that cannot be read",
        M::ChunkSizePrefix => "has a chunk size with a prefix",
        M::LongChunkSize => "has a chunk size of more than 16 digits",
        M::InvalidChunkExtension => {
            "has a chunk extension with a bare CR, a bare LF or no semicolon"
        }
        M::MissingChunkEnd => "has chunk data without a line end behind it",
        M::AnsweredHiddenRequest => {
            "comes unasked behind a request that is shorter for other readers: the server seems to \
             have taken its rest for another request, and responses since may be those to others"
        }
        M::RequestInContent => "has content that begins with a request line",
        M::ContentLengthMismatch => "has a Content-Length that its content does not have",
        M::HostMismatch => "names one host in its target and another in Host",
        _ => return None,
    })
}

/// Both readings in words: lengths, never values.
fn both(readings: &Readings) -> String {
    let mut words = format!("{}, {}", one(readings.followed), one(readings.other));
    if readings.hides_request {
        words.push_str("; a request line stands where the shorter reading ends");
    }
    words
}

fn one(reading: Reading) -> String {
    let reader = match reading.rule {
        FramingRule::ContentLength => "a reader of Content-Length",
        FramingRule::LastContentLength => "a reader of the last Content-Length",
        FramingRule::Chunked => "a reader of chunks",
        FramingRule::OtherChunked => "a stricter reader of chunks",
        FramingRule::NoContent => "a reader that expects no content",
        FramingRule::Close => "a reader that waits for the connection's end",
        _ => "another reader",
    };
    match reading.len {
        Some(len) => format!("{reader} ends it {len} bytes behind its head"),
        None if reading.rule == FramingRule::OtherChunked => format!("{reader} refuses it"),
        None => format!("{reader} does not end it in what was seen"),
    }
}
