//! What is odd about the form of the messages: the names of all of it, and a signal where readers
//! of a message may disagree on where it ends or for whom it is, which is how requests are
//! smuggled (RFC 9112 section 11.2).

use tapscope_http::{
    Anomalies, FramingRule, HttpExchange, MessageAnomaly, Reading, Readings, Request, Response,
};

use crate::credential;
use crate::redactor::Work;

/// The names of everything odd, once each.
pub(crate) fn anomaly_names(exchange: &HttpExchange) -> Vec<String> {
    let names = exchange.anomalies();
    names
        .iter()
        .map(|anomaly| anomaly.name().to_owned())
        .collect()
}

/// Signals for messages whose readers may part ways.
pub(crate) fn signals(work: &mut Work<'_>, request: Option<&Request>, response: Option<&Response>) {
    if let Some(request) = request {
        signal(
            work,
            "request",
            request.anomalies,
            request.readings.as_deref(),
        );
    }
    if let Some(response) = response {
        signal(
            work,
            "response",
            response.anomalies,
            response.readings.as_deref(),
        );
    }
}

/// A signal for a connection whose client only makes work.
pub(crate) fn flood_signals(work: &mut Work<'_>, anomalies: Anomalies) {
    use MessageAnomaly as M;
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

/// One signal for a message, whatever the number of reasons.
fn signal(work: &mut Work<'_>, side: &str, anomalies: Anomalies, readings: Option<&Readings>) {
    let reasons: Vec<&str> = anomalies
        .iter()
        .filter(|anomaly| !is_harmless(*anomaly, readings))
        .filter_map(reason)
        .collect();
    if reasons.is_empty() {
        return;
    }
    let mut detail = format!("The {side} {}", reasons.join(", and "));
    match readings {
        Some(readings) => {
            detail.push_str(": ");
            detail.push_str(&both(readings));
        }
        None => detail.push_str(": readers may disagree on it"),
    }
    detail.push('.');
    credential::signal(work, "request_smuggling", detail);
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
        None => format!("{reader} does not end it in what was seen"),
    }
}
