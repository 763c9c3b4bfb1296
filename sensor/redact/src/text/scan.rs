//! Personal and secret data inside running text: one pass, what can be told without a field name.

use super::class::DataClass;
use super::contact::{email_around, phone_prefix};
use super::field::FieldHint;
use super::iban::iban_prefix;
use super::key::{api_key_prefix, private_key_prefix, starts_key};
use super::life::{is_mac, is_vin, street_prefix};
use super::national::{national_id_prefix, speaks_of};
use super::number::{card_prefix, ssn_prefix};
use super::secret::jwt_prefix;

/// What a byte is to [`scan`]: no number or key starts behind it, it is the inside of something
/// else.
const GLUES: u8 = 1;
/// A datum may start with it.
const STARTS: u8 = 2;
/// `@`, which an address stands around.
const AT: u8 = 4;

const ROLES: [u8; 256] = {
    let mut roles = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "evaluated at compile time, `byte` is below 256"
        )]
        {
            roles[byte] = role(byte as u8);
        }
        byte += 1;
    }
    roles
};

const fn role(byte: u8) -> u8 {
    let starts = byte.is_ascii_digit()
        || byte.is_ascii_uppercase()
        || matches!(byte, b'+' | b'(' | b'-' | b'e')
        || starts_key(byte);
    let glues = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    let mut role = if starts { STARTS } else { 0 };
    if glues {
        role |= GLUES;
    }
    if byte == b'@' {
        role |= AT;
    }
    role
}

fn role_of(byte: u8) -> u8 {
    ROLES.get(usize::from(byte)).copied().unwrap_or(0)
}

/// Calls `found` with each datum in `text`, in order.
///
/// Linear: every byte is looked at once for where things start, and each recogniser looks at a
/// bounded number of bytes, tokens apart, which are skipped when they are found.
pub(crate) fn scan(text: &[u8], mut found: impl FnMut(DataClass, &[u8])) {
    let mut at = 0;
    let mut email_end = 0;
    let mut before = 0;
    while let Some(&byte) = text.get(at) {
        let role = role_of(byte);
        if role & AT != 0 {
            if let Some((start, end)) = email_around(text, at)
                && start >= email_end
            {
                found(DataClass::Email, text.get(start..end).unwrap_or_default());
                email_end = end;
                at = end;
                before = 0;
                continue;
            }
        } else if role & STARTS != 0
            && before & GLUES == 0
            && let Some((class, length)) = datum(text, at)
        {
            let end = at + length.max(1);
            found(class, text.get(at..end).unwrap_or_default());
            at = end;
            before = GLUES;
            continue;
        }
        before = role;
        at += 1;
        if role & GLUES != 0 {
            // Nothing starts before something comes that does not glue.
            let glued = text.get(at..).unwrap_or_default().iter();
            at += glued
                .take_while(|byte| role_of(**byte) & GLUES != 0)
                .count();
        }
    }
}

/// The same in the value of a field whose name promises something: a number of something else is
/// none inside either.
pub(crate) fn scan_named(
    hint: Option<FieldHint>,
    text: &[u8],
    mut found: impl FnMut(DataClass, &[u8]),
) {
    if hint.is_none_or(FieldHint::promises) || hint == Some(FieldHint::Name) {
        return scan(text, found);
    }
    scan(text, |class, value| {
        if matches!(
            class,
            DataClass::Email
                | DataClass::Iban
                | DataClass::Jwt
                | DataClass::ApiKey
                | DataClass::PrivateKey
        ) {
            found(class, value);
        }
    });
}

fn datum(whole: &[u8], at: usize) -> Option<(DataClass, usize)> {
    let text = whole.get(at..)?;
    let ends = |length: usize| {
        // A digit or letter right behind means that the datum is part of a longer text.
        !text.get(length).is_some_and(u8::is_ascii_alphanumeric)
    };
    let first = *text.first()?;
    if first.is_ascii_digit() || matches!(first, b'+' | b'(') {
        if is_small(text) {
            return None;
        }
        let number = |class: DataClass, length: Option<usize>| {
            length
                .filter(|&length| ends(length))
                .map(|length| (class, length))
        };
        return number(DataClass::UsSsn, ssn_prefix(text))
            .or_else(|| number(DataClass::Card, card_prefix(text, false)))
            .or_else(|| number(DataClass::Phone, phone_prefix(text)))
            .or_else(|| beside_words(whole, at));
    }
    if first == b'-' {
        return private_key_prefix(text).then_some((DataClass::PrivateKey, 11));
    }
    if first == b'e'
        && let Some(length) = jwt_prefix(text)
    {
        return Some((DataClass::Jwt, length));
    }
    if let Some(length) = api_key_prefix(text) {
        return Some((DataClass::ApiKey, length));
    }
    if first.is_ascii_uppercase()
        && let Some(length) = iban_prefix(text)
        && ends(length)
    {
        return Some((DataClass::Iban, length));
    }
    // Codes of states that start with a letter are of capitals and have a digit soon.
    let near = text.get(..text.len().min(9)).unwrap_or_default();
    let coded = first.is_ascii_uppercase()
        && near.iter().any(u8::is_ascii_digit)
        && !near.iter().any(u8::is_ascii_lowercase);
    if coded {
        let before = whole.get(at.saturating_sub(BEFORE_BYTES)..at)?;
        return national_id_prefix(before, text).or_else(|| seventeen(before, text));
    }
    None
}

/// Whether the number that `text` starts with is one of a few digits that nothing follows which a
/// longer one is written with: a count, a year. Most numbers are.
fn is_small(text: &[u8]) -> bool {
    let digits = text
        .iter()
        .take(7)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if !(1..7).contains(&digits) {
        return false;
    }
    match (text.get(digits), text.get(digits + 1)) {
        // Groups of digits or capitals, or a street behind the number of a house.
        (Some(b' '), next) => !next.is_some_and(|next| {
            next.is_ascii_digit() || next.is_ascii_uppercase() || *next == b'('
        }),
        (Some(b'-' | b'.' | b'/' | b'+' | b':' | b'(' | b')'), _) => false,
        (Some(next), _) => !next.is_ascii_alphanumeric(),
        (None, _) => true,
    }
}

/// How much of the text before a number is looked at for a word that speaks of it.
const BEFORE_BYTES: usize = 64;

/// What a number is that needs more than its digits: a word before it, a word after it, dots.
fn beside_words(whole: &[u8], at: usize) -> Option<(DataClass, usize)> {
    let text = whole.get(at..)?;
    let before = whole.get(at.saturating_sub(BEFORE_BYTES)..at)?;
    if !text.first()?.is_ascii_digit() {
        return None;
    }
    if let Some(length) = address_prefix(before, text) {
        return Some((DataClass::IpAddress, length));
    }
    if let Some(found) = national_id_prefix(before, text).or_else(|| seventeen(before, text)) {
        return Some(found);
    }
    street_prefix(text).map(|length| (DataClass::Address, length))
}

/// What a run of seventeen characters is: a device's address, a vehicle's number.
fn seventeen(before: &[u8], text: &[u8]) -> Option<(DataClass, usize)> {
    let end = text.get(17);
    let vin = !end.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    if vin && is_vin(text.get(..17)?, false) {
        return Some((DataClass::Vin, 17));
    }
    if before.ends_with(b":") {
        // The inside of a longer run of such pairs, unless a word stands before the colon.
        let last = before.iter().rev().nth(1);
        return mac_prefix(text).filter(|_| !last.is_some_and(u8::is_ascii_hexdigit));
    }
    mac_prefix(text)
}

fn mac_prefix(text: &[u8]) -> Option<(DataClass, usize)> {
    let ends = !text
        .get(17)
        .is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b':');
    (ends && is_mac(text.get(..17)?)).then_some((DataClass::MacAddress, 17))
}

/// Words before four numbers with dots that are no address.
const VERSIONS: [&str; 9] = [
    "version", "ver", "v", "release", "build", "firmware", "section", "rev", "revision",
];

/// Length of the IPv4 address that `text` starts with; not that of a version or a product's.
fn address_prefix(before: &[u8], text: &[u8]) -> Option<usize> {
    let length = text
        .iter()
        .take(16)
        .take_while(|byte| byte.is_ascii_digit() || **byte == b'.')
        .count();
    let written = text.get(..length)?;
    let written = written.strip_suffix(b".").unwrap_or(written);
    let follows = text.get(written.len());
    let glued = follows.is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'-');
    // `Chrome/120.0.0.0` is a product's version, `http://10.0.0.1/` is none.
    let product = before.ends_with(b"/") && !before.ends_with(b"//");
    let dots = written.iter().filter(|byte| **byte == b'.').count();
    if glued || product || dots != 3 || super::address::ip_address(written).is_none() {
        return None;
    }
    (!speaks_of(before, &VERSIONS)).then_some(written.len())
}

/// The first class found in `text`.
pub(crate) fn first_class(text: &[u8]) -> Option<DataClass> {
    let mut first = None;
    scan(text, |class, _| {
        first.get_or_insert(class);
    });
    first
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        scan(text.as_bytes(), |class, value| {
            all.push((class.as_str(), String::from_utf8_lossy(value).into_owned()));
        });
        all
    }

    #[test]
    fn data_inside_text() {
        assert_eq!(
            found(
                "Call +1 415 555 0123 or mail jo@example.com, bob@example.org; card 4111 1111 1111 1111."
            ),
            [
                ("phone", "+1 415 555 0123".to_owned()),
                ("email", "jo@example.com".to_owned()),
                ("email", "bob@example.org".to_owned()),
                ("card", "4111 1111 1111 1111".to_owned()),
            ]
        );
        assert_eq!(
            found("ssn:078-05-1120;"),
            [("us_ssn", "078-05-1120".to_owned())]
        );
        assert_eq!(
            found("{\"k\":\"AKIAIOSFODNN7EXAMPLE\"}"),
            [("api_key", "AKIAIOSFODNN7EXAMPLE".to_owned())]
        );
        assert_eq!(
            found("iban GB29 NWBK 6016 1331 9268 19 ok"),
            [("iban", "GB29 NWBK 6016 1331 9268 19".to_owned())]
        );
    }

    #[test]
    fn nothing_in_ordinary_text() {
        for text in [
            "version 1.2.3-4",
            "order 4111111111111112",
            "2024-05-06 12:00",
            "x4111111111111111",
            "a@b",
            "@",
            "id-123-45-6789-0",
        ] {
            assert!(found(text).is_empty(), "{text}: {:?}", found(text));
        }
    }
}
