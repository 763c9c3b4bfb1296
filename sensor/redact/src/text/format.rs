//! The narrowest type that fits a text: what a value profile and a shape say of it.

use tapscope_record::ValueType;

use super::address::ip_address;
use super::bytes::{Mask, mask_of};
use super::contact::is_email;
use super::secret::is_jwt;

/// The narrowest type of a value that comes as text where any type may be meant (query, form).
pub(crate) fn value_type_of_text(text: &[u8]) -> ValueType {
    match text {
        b"" => ValueType::Empty,
        b"null" => ValueType::Null,
        // Python clients write them with a capital.
        b"true" | b"false" | b"True" | b"False" => ValueType::Boolean,
        _ if is_integer(text) => ValueType::Integer,
        _ if is_number(text) => ValueType::Number,
        _ => value_type(text),
    }
}

/// The narrowest type of a value that is known to be a string (JSON).
pub(crate) fn value_type(text: &[u8]) -> ValueType {
    value_type_by(text, mask_of(text))
}

/// The same where the kinds of characters are known, of a long text those of its start.
pub(super) fn value_type_by(text: &[u8], mask: Mask) -> ValueType {
    if text.is_empty() {
        return ValueType::Empty;
    }
    if mask.only(Mask::DIGIT | Mask::HEX | Mask::UPPER | Mask::LOWER) {
        return if text.len() >= 8 && is_hex(text, mask) {
            ValueType::Hex
        } else {
            ValueType::String
        };
    }
    if text.len() == 36 && is_uuid(text) {
        return ValueType::Uuid;
    }
    if is_date_time(text) {
        return ValueType::DateTime;
    }
    if is_date(text) {
        return ValueType::Date;
    }
    if mask.has(Mask::AT) && is_email(text) {
        return ValueType::Email;
    }
    if mask.has(Mask::COLON) && is_url(text) {
        return ValueType::Url;
    }
    if text.first() == Some(&b'e') && is_jwt(text) {
        return ValueType::Jwt;
    }
    if mask.has(Mask::DOT | Mask::COLON) && ip_address(text).is_some() {
        return ValueType::Address;
    }
    ValueType::String
}

/// Hexadecimal with a digit and a letter, in one case: a word or a number is not meant.
fn is_hex(text: &[u8], mask: Mask) -> bool {
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    mask.has(Mask::DIGIT)
        && letters > 0
        && !(mask.has(Mask::UPPER) && mask.has(Mask::LOWER))
        && text.iter().all(u8::is_ascii_hexdigit)
}

fn is_integer(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    (1..=19).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
}

fn is_number(text: &[u8]) -> bool {
    let plausible = text
        .first()
        .is_some_and(|first| first.is_ascii_digit() || *first == b'-');
    plausible
        && text.len() <= 32
        && text
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'))
        && core::str::from_utf8(text).is_ok_and(|text| text.parse::<f64>().is_ok())
}

/// Whether `text` is a UUID in its usual form (RFC 9562 section 4).
pub(crate) fn is_uuid(text: &[u8]) -> bool {
    text.len() == 36
        && text.get(8) == Some(&b'-')
        && text.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// `2024-05-06`.
pub(crate) fn is_date(text: &[u8]) -> bool {
    let [a, b, c, d, b'-', e, f, b'-', g, h] = text else {
        return false;
    };
    [a, b, c, d, e, f, g, h]
        .iter()
        .all(|byte| byte.is_ascii_digit())
        && matches!((e, f), (b'0', b'1'..=b'9') | (b'1', b'0'..=b'2'))
        && matches!(
            (g, h),
            (b'0', b'1'..=b'9') | (b'1' | b'2', _) | (b'3', b'0' | b'1')
        )
}

/// A date and a time in the manner of RFC 3339.
fn is_date_time(text: &[u8]) -> bool {
    let Some((date, [b'T' | b't' | b' ', time @ ..])) = text.split_at_checked(10) else {
        return false;
    };
    let [a, b, b':', c, d, rest @ ..] = time else {
        return false;
    };
    is_date(date)
        && [a, b, c, d].iter().all(|byte| byte.is_ascii_digit())
        && rest.len() <= 20
        && rest.iter().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'-' | b'Z' | b'z')
        })
}

fn is_url(text: &[u8]) -> bool {
    let Some(colon) = memchr::memchr(b':', text) else {
        return false;
    };
    let (scheme, rest) = text.split_at_checked(colon).unwrap_or_default();
    (2..=16).contains(&scheme.len())
        && scheme
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'))
        && rest.starts_with(b"://")
        && rest.len() > 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowest_type_of_text() {
        use ValueType as T;
        for (text, expected) in [
            ("", T::Empty),
            ("null", T::Null),
            ("true", T::Boolean),
            ("42", T::Integer),
            ("-7", T::Integer),
            ("4.5", T::Number),
            ("1e9", T::Number),
            ("nan", T::String),
            ("-", T::String),
            ("550e8400-e29b-41d4-a716-446655440000", T::Uuid),
            ("2024-05-06", T::Date),
            ("2024-13-06", T::String),
            ("2024-05-06T07:08:09Z", T::DateTime),
            ("2024-05-06T07:08:09.123+02:00", T::DateTime),
            ("a@b.de", T::Email),
            ("10.0.0.1", T::Address),
            ("::1", T::Address),
            ("fe80::1", T::Address),
            ("https://x.de/", T::Url),
            ("deadbeef01", T::Hex),
            ("facade", T::String),
            ("12345678", T::Integer),
            ("eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", T::Jwt),
            ("hello world", T::String),
            ("1.2.3", T::String),
        ] {
            assert_eq!(value_type_of_text(text.as_bytes()), expected, "{text}");
        }
        assert_eq!(value_type(b"12345678"), T::String);
    }
}
