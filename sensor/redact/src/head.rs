//! What header fields tell: media type, content codings, names, dates, addresses, products.

use core::net::IpAddr;
use std::sync::Arc;

use tapscope_http::HeadBytes;
use tapscope_record::{MessageRecord, Rare, Token, UserAgent, Word};

use crate::fields::{Fields, Role};
use crate::redactor::Work;
use crate::text::{ip_address_of_node, safe_name};
use crate::token::TokenUse;

/// Longest media type that is kept (RFC 6838 section 4.2 allows 127 for each half).
const MEDIA_TYPE_BYTES_MAX: usize = 127;

/// The codings of the HTTP Content Coding registry, and their old names.
const CODINGS: &[&str] = &[
    "gzip",
    "x-gzip",
    "deflate",
    "br",
    "zstd",
    "compress",
    "x-compress",
    "identity",
    "aes128gcm",
    "exi",
    "dcb",
    "dcz",
    "pack200-gzip",
];

/// Codings kept of one message; more are never honest.
const CODINGS_MAX: usize = 8;

/// Fills in what the head of a message says of it.
pub(crate) fn describe(
    work: &mut Work<'_>,
    (head, fields): (&HeadBytes, &Fields),
    message: &mut MessageRecord,
) {
    message.head_len = u32::try_from(head.bytes.len()).unwrap_or(u32::MAX);
    message.header_names = fields.names.clone();
    let declared = fields.value(head, Role::ContentType);
    message.content_type = declared.map(|value| {
        let print = work.tokens.print(TokenUse::Line, value);
        work.media_types
            .get_or(print, || Arc::<str>::from(media_type(value)).into())
    });
    for (_, value) in fields.all(head, Role::ContentEncoding) {
        codings(value, &mut message.content_encoding);
    }
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte))
}

/// Media type in lower case without parameters; `{malformed}` for what is none.
pub(crate) fn media_type(value: &[u8]) -> String {
    let end = memchr::memchr2(b';', b',', value).unwrap_or(value.len());
    let name = value.get(..end).unwrap_or_default().trim_ascii();
    let well_formed = memchr::memchr(b'/', name).is_some_and(|slash| {
        is_token(name.get(..slash).unwrap_or_default())
            && is_token(name.get(slash + 1..).unwrap_or_default())
    });
    if !well_formed {
        return "{malformed}".to_owned();
    }
    safe_name(name, MEDIA_TYPE_BYTES_MAX).to_ascii_lowercase()
}

fn codings(value: &[u8], out: &mut Rare<Word>) {
    for coding in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
        if coding.is_empty() || out.len() >= CODINGS_MAX {
            continue;
        }
        let known = CODINGS
            .iter()
            .find(|known| coding.eq_ignore_ascii_case(known.as_bytes()));
        out.push((*known.unwrap_or(&"{unknown}")).into());
    }
}

/// The User-Agent of a request.
pub(crate) fn user_agent(
    work: &mut Work<'_>,
    head: &HeadBytes,
    fields: &Fields,
) -> Option<UserAgent> {
    let value = fields
        .value(head, Role::UserAgent)
        .filter(|value| !value.is_empty())?;
    let print = work.tokens.print(TokenUse::UserAgent, value);
    let (tokens, settings) = (work.tokens, work.settings);
    let found = work.agents.get_or(print, || {
        let end = value
            .iter()
            .position(|byte| matches!(byte, b'/' | b' ' | b'(' | b';' | b','))
            .unwrap_or(value.len());
        let product = value.get(..end).unwrap_or_default();
        let product = if is_token(product) {
            settings.name(product)
        } else {
            "{malformed}".to_owned()
        };
        UserAgent {
            product: Arc::<str>::from(product).into(),
            token: tokens.make(TokenUse::UserAgent, value),
        }
    });
    Some(found)
}

/// What the client's software sends whatever it calls; none where it sends nothing of the kind.
pub(crate) fn fingerprint(
    work: &Work<'_>,
    (head, fields): (&HeadBytes, &Fields),
    user_agent: Option<&UserAgent>,
) -> Option<Token> {
    if fields.habit == 0 {
        return None;
    }
    let agent = user_agent.map_or(0, |agent| agent.token.0);
    let languages = fields.value(head, Role::Languages).map_or(0, |value| {
        let [print, _] = work.tokens.print(TokenUse::Fingerprint, value);
        print
    });
    let mut all = [0; 24];
    let parts = [fields.habit, agent, languages].map(u64::to_be_bytes);
    let bytes = all.iter_mut().zip(parts.as_flattened());
    bytes.for_each(|(to, from)| *to = *from);
    Some(work.tokens.token(TokenUse::Fingerprint, &all))
}

/// Addresses of a forwarded way that are kept, counted from the server; real ones have at most four.
const FORWARDED_MAX: usize = 8;

/// The addresses that proxies report, the nearest last. A field may stand in several lines (some
/// proxies append one), which together are one list (RFC 9110 section 5.2).
pub(crate) fn forwarded_way(head: &HeadBytes, fields: &Fields) -> Option<Vec<IpAddr>> {
    let lines = |role| fields.all(head, role);
    let standard = way_of(lines(Role::Forwarded), address_of_element);
    let usual = way_of(lines(Role::ForwardedFor), ip_address_of_node);
    match (standard, usual) {
        // One was written by the proxy and the other by the client: nobody can say which.
        (Some(one), Some(other)) if one.last() != other.last() => Some(Vec::new()),
        (Some(one), Some(other)) if one.len() < other.len() => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

/// The list of one field, back from its end up to what is no address.
fn way_of<'h>(
    lines: impl DoubleEndedIterator<Item = (&'h [u8], &'h [u8])>,
    address: impl Fn(&[u8]) -> Option<IpAddr>,
) -> Option<Vec<IpAddr>> {
    let mut lines = lines.rev().peekable();
    lines.peek()?;
    let mut way: Vec<IpAddr> = lines
        .flat_map(|(_, value)| value.rsplit(|&byte| byte == b','))
        .filter(|element| !element.trim_ascii().is_empty())
        .map_while(address)
        .take(FORWARDED_MAX)
        .collect();
    way.reverse();
    Some(way)
}

/// The address of an element of Forwarded (RFC 7239 section 4).
fn address_of_element(element: &[u8]) -> Option<IpAddr> {
    element
        .split(|&byte| byte == b';')
        .map(<[u8]>::trim_ascii)
        .find(|pair| {
            pair.get(..4)
                .is_some_and(|name| name.eq_ignore_ascii_case(b"for="))
        })
        .and_then(|pair| ip_address_of_node(pair.get(4..)?))
}

/// The outermost address that proxies report: of Forwarded (RFC 7239) or X-Forwarded-For.
pub(crate) fn forwarded_for(head: &HeadBytes, fields: &Fields) -> Option<IpAddr> {
    if let Some(value) = fields.value(head, Role::Forwarded) {
        let first = value.split(|&byte| byte == b',').next().unwrap_or_default();
        if let Some(address) = address_of_element(first) {
            return Some(address);
        }
    }
    let value = fields.value(head, Role::ForwardedFor)?;
    ip_address_of_node(value.split(|&byte| byte == b',').next().unwrap_or_default())
}

/// Header fields that say in a word how the client came to the first proxy: name, and the values
/// that mean TLS.
const SCHEMES: [(&str, &[u8]); 5] = [
    ("x-forwarded-proto", b"https"),
    ("x-forwarded-scheme", b"https"),
    ("x-forwarded-protocol", b"https"),
    ("x-forwarded-ssl", b"on"),
    ("front-end-https", b"on"),
];

/// Whether a field of this name says so.
pub(crate) fn is_scheme(name: &[u8]) -> bool {
    let mut known = SCHEMES.iter();
    known.any(|(known, _)| name.eq_ignore_ascii_case(known.as_bytes()))
}

/// The scheme by which the client came to the first proxy: of Forwarded (RFC 7239) or what stood
/// in its place before. `https` or `http` only; other words say nothing.
pub(crate) fn forwarded_proto(head: &HeadBytes, fields: &Fields) -> Option<String> {
    let first = |value: &[u8]| -> Vec<u8> {
        let first = value.split(|&byte| byte == b',').next();
        first.unwrap_or_default().trim_ascii().to_ascii_lowercase()
    };
    let scheme = |is_tls: bool| if is_tls { "https" } else { "http" }.to_owned();
    if let Some(value) = fields.value(head, Role::Forwarded) {
        let value = first(value);
        let mut pairs = value.split(|&byte| byte == b';').map(<[u8]>::trim_ascii);
        let proto = pairs.find_map(|pair| pair.strip_prefix(b"proto="));
        match proto.map(|proto| proto.trim_ascii()) {
            Some(b"https" | b"\"https\"" | b"wss") => return Some(scheme(true)),
            Some(b"http" | b"\"http\"" | b"ws") => return Some(scheme(false)),
            _ => {}
        }
    }
    if !fields.has(Role::Scheme) {
        return None;
    }
    SCHEMES.iter().find_map(|(name, tls)| {
        let value = first(head.header(name)?);
        match value.as_slice() {
            value if value == *tls => Some(scheme(true)),
            b"wss" => Some(scheme(true)),
            b"http" | b"off" | b"ws" => Some(scheme(false)),
            _ => None,
        }
    })
}

/// The value of a date header that tells of an end: seconds since the Unix epoch from an
/// IMF-fixdate (RFC 9110 section 5.6.7) or a structured date (`@1688169599`, RFC 9651 section
/// 3.3.7); 0 when it is neither.
pub(crate) fn announced_date(value: &[u8]) -> i64 {
    let value = value.trim_ascii();
    let structured = value
        .strip_prefix(b"@")
        .and_then(|digits| core::str::from_utf8(digits).ok()?.parse::<i64>().ok());
    structured.or_else(|| imf_fixdate(value)).unwrap_or(0)
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`.
fn imf_fixdate(value: &[u8]) -> Option<i64> {
    const MONTHS: [&[u8]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let number = |range: core::ops::Range<usize>| -> Option<i64> {
        let digits = value.get(range)?;
        let all = digits.iter().all(u8::is_ascii_digit);
        all.then(|| {
            digits
                .iter()
                .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'))
        })
    };
    if value.len() != 29 || value.get(3..5)? != b", " || value.get(25..)? != b" GMT" {
        return None;
    }
    let month = MONTHS
        .iter()
        .position(|month| value.get(8..11) == Some(month))?;
    let (day, year) = (number(5..7)?, number(12..16)?);
    let (hour, minute, second) = (number(17..19)?, number(20..22)?, number(23..25)?);
    let in_range = (1..=31).contains(&day) && hour < 24 && minute < 60 && second < 61;
    let days = days_since_epoch(year, i64::try_from(month).ok()? + 1, day);
    in_range.then(|| days * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days from 1970-01-01 to a date of the Gregorian calendar: years are counted from March, so that
/// the leap day comes last and the lengths of months follow (153 m + 2) / 5.
const fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_deprecation() {
        for (value, expected) in [
            (&b"Sun, 06 Nov 1994 08:49:37 GMT"[..], Some(784_111_777)),
            (b"Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            (b"Thu, 29 Feb 2024 23:59:59 GMT", Some(1_709_251_199)),
            (b"Sunday, 06-Nov-94 08:49:37 GMT", None),
            (b"Sun, 06 Nov 1994 25:49:37 GMT", None),
        ] {
            assert_eq!(imf_fixdate(value), expected);
        }
    }

    #[test]
    fn media_types() {
        for (value, expected) in [
            (&b"application/JSON; charset=utf-8"[..], "application/json"),
            (b"text/html", "text/html"),
            (
                b"application/vnd.github.v3+json",
                "application/vnd.github.v3+json",
            ),
            (b"secret value", "{malformed}"),
            (b"", "{malformed}"),
        ] {
            assert_eq!(media_type(value), expected);
        }
    }
}
