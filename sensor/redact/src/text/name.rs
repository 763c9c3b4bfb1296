//! Names of fields, parameters, headers and cookies: kept as they are, unless the name is itself
//! a value.

use std::borrow::Cow;

use super::bytes::{Mask, mask_of};
use super::format::is_date;
use super::scan::first_class;
use super::secret::{chunks, is_hash};
use super::{class_of, is_uuid, looks_random};

/// `name` as it may stand in a record: itself, or `{CLASS}` where it is a personal or secret value
/// or an identifier (map keys), too long, or no text.
pub(crate) fn safe_name(name: &[u8], bytes_max: usize) -> Cow<'_, str> {
    let mask = mask_of(name);
    let digits = if mask.has(Mask::DIGIT) {
        name.iter().filter(|b| b.is_ascii_digit()).count()
    } else {
        0
    };
    let plain = !mask.has(Mask::ODD | Mask::AT | Mask::SPACE | Mask::PHONE)
        && digits < 3
        && name.len() < 16;
    if !(plain && digits < name.len())
        && let Some(placeholder) = placeholder(name, mask, digits, bytes_max)
    {
        return Cow::Borrowed(placeholder);
    }
    match core::str::from_utf8(name) {
        Ok(name) => Cow::Borrowed(name),
        Err(_) => Cow::Borrowed("{binary}"),
    }
}

fn placeholder(name: &[u8], mask: Mask, digits: usize, bytes_max: usize) -> Option<&'static str> {
    if name.is_empty() {
        return None;
    }
    if let Some(class) = class_of(None, name).or_else(|| first_class(name)) {
        return Some(class.placeholder());
    }
    if digits == name.len() {
        return Some("{integer}");
    }
    if is_uuid(name) {
        return Some("{uuid}");
    }
    if is_date(name) {
        return Some("{date}");
    }
    let hex = name.len() >= 8 && digits > 0 && name.iter().all(u8::is_ascii_hexdigit);
    if hex || is_hash(name) {
        return Some("{hex}");
    }
    if name.len() > bytes_max {
        return Some("{overlong}");
    }
    if mask.has(Mask::ODD) && name.iter().any(u8::is_ascii_control) {
        return Some("{binary}");
    }
    // An identifier in the place of a name: a character of another kind nearly every second byte.
    let jumbled = name.len() >= 12 && digits >= 3 && chunks(name) * 5 >= name.len() * 2;
    (jumbled || looks_random(name)).then_some("{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_and_values_in_their_place_do_not() {
        for (name, expected) in [
            ("id", "id"),
            ("x-request-id", "x-request-id"),
            ("first name", "first name"),
            ("filter[created_at][gte]", "filter[created_at][gte]"),
            ("grösse", "grösse"),
            ("sha256", "sha256"),
            ("base64EncodedSha256", "base64EncodedSha256"),
            ("", ""),
            ("jo@example.com", "{email}"),
            ("mail jo@example.com", "{email}"),
            ("42", "{integer}"),
            ("550e8400-e29b-41d4-a716-446655440000", "{uuid}"),
            ("2024-05-06", "{date}"),
            ("5f60718293a4", "{hex}"),
            ("ht68qNcaHYpH2fMAmA23OMIVPZJMsfgQ", "{secret}"),
            ("k3JhTz81LmQp", "{id}"),
            ("a\u{1}b", "{binary}"),
        ] {
            assert_eq!(safe_name(name.as_bytes(), 64), expected, "{name}");
        }
        assert_eq!(safe_name("word ".repeat(14).as_bytes(), 64), "{overlong}");
        assert_eq!(safe_name(b"\xff\xfe", 64), "{binary}");
    }
}
