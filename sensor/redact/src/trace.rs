//! What names one request across the hops of a proxy: the identifiers that hops hand on, as tokens.

use tapscope_http::HeadBytes;
use tapscope_record::Token;

use crate::fields::{Fields, Role};
use crate::redactor::Work;
use crate::token::TokenUse;

/// Shorter identifiers (`1`, `test`) are no names of one request.
const BYTES_MIN: usize = 8;

/// Longer values are no identifiers.
const BYTES_MAX: usize = 128;

/// Identifiers kept of one request: hops seldom use more than two schemes at once.
const IDENTIFIERS_MAX: usize = 4;

/// Tokens of the request's identifiers, sorted, each once. The value alone is hashed, for one hop
/// hands on as X-Correlation-ID what another took as X-Request-ID.
pub(crate) fn of_head(work: &Work<'_>, head: &HeadBytes, fields: &Fields) -> Vec<Token> {
    let mut tokens = Vec::new();
    for (name, value) in fields.all(head, Role::Trace) {
        let Some(identifier) = identifier(name, value) else {
            continue;
        };
        if !(BYTES_MIN..=BYTES_MAX).contains(&identifier.len()) || is_void(identifier) {
            continue;
        }
        let mut lower = [0; BYTES_MAX];
        let Some(lower) = lower.get_mut(..identifier.len()) else {
            continue;
        };
        lower.copy_from_slice(identifier);
        lower.make_ascii_lowercase();
        let token = work.tokens.make(TokenUse::Trace, lower);
        if tokens.is_empty() {
            // Most requests have one.
            tokens.reserve_exact(1);
        }
        if tokens.len() < IDENTIFIERS_MAX && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    tokens.sort_unstable();
    tokens
}

/// Whether a field of this name names the request.
pub(crate) fn is_identifier(name: &[u8]) -> bool {
    let mut known = WHOLE.iter().chain(&PARTS);
    known.any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// The part of a field that stays the same from hop to hop.
fn identifier<'v>(name: &[u8], value: &'v [u8]) -> Option<&'v [u8]> {
    let is = |known: &str| name.eq_ignore_ascii_case(known.as_bytes());
    let before = |mark: u8| value.split(move |byte| *byte == mark).next();
    let part = if is("traceparent") {
        // VERSION-TRACE-PARENT-FLAGS (W3C Trace Context): every hop is a new parent.
        value.split(|byte| *byte == b'-').nth(1)
    } else if is("b3") {
        before(b'-')
    } else if is("x-cloud-trace-context") {
        before(b'/')
    } else if is("uber-trace-id") {
        before(b':')
    } else if is("x-amzn-trace-id") {
        let mut fields = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
        fields.find_map(|field| field.strip_prefix(b"Root="))
    } else if WHOLE.iter().any(|known| is(known)) {
        Some(value)
    } else {
        None
    };
    part.map(<[u8]>::trim_ascii)
}

/// Fields of which a part is the identifier.
const PARTS: [&str; 5] = [
    "traceparent",
    "b3",
    "x-cloud-trace-context",
    "uber-trace-id",
    "x-amzn-trace-id",
];

/// Fields whose whole value is the identifier.
const WHOLE: [&str; 7] = [
    "x-request-id",
    "request-id",
    "x-correlation-id",
    "correlation-id",
    "x-trace-id",
    "x-b3-traceid",
    "x-amz-cf-id",
];

/// Zeros and dashes: what is sent when there is no trace.
fn is_void(identifier: &[u8]) -> bool {
    identifier.iter().all(|byte| matches!(byte, b'0' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_that_hops_hand_on_is_taken() {
        let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
        let parent = format!("00-{trace}-00f067aa0ba902b7-01");
        let amazon = format!("Self=1-2-3; Root={trace};Parent=4");
        let cases = [
            ("traceparent", parent.as_str(), Some(trace)),
            ("X-Request-ID", trace, Some(trace)),
            ("x-correlation-id", " 8f14e45f-ceea ", Some("8f14e45f-ceea")),
            ("X-Amzn-Trace-Id", &amazon, Some(trace)),
            ("b3", "4bf92f35-1-1", Some("4bf92f35")),
            ("uber-trace-id", "4bf92f35:1:0:1", Some("4bf92f35")),
            ("x-cloud-trace-context", "4bf92f35/1;o=1", Some("4bf92f35")),
            ("traceparent", "00", None),
            ("x-amzn-trace-id", "Self=1", None),
            ("x-request", trace, None),
        ];
        for (name, value, expected) in cases {
            let found = identifier(name.as_bytes(), value.as_bytes());
            assert_eq!(found, expected.map(str::as_bytes), "{name}: {value}");
            assert_eq!(is_identifier(name.as_bytes()), name != "x-request");
        }
    }

    #[test]
    fn a_trace_of_zeros_is_none() {
        assert!(is_void(b"00000000000000000000000000000000"));
        assert!(!is_void(b"00000000000000000000000000000001"));
    }
}
