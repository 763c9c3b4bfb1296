//! The class of a value taken as a whole, with what its field's name tells.

use super::address::ip_address;
use super::bytes::{Mask, mask_of, trim};
use super::class::DataClass;
use super::contact::{is_email, is_named_phone, phone_prefix};
use super::field::FieldHint;
use super::number::{card_prefix, iban_prefix, is_named_ssn, ssn_prefix};
use super::secret::{api_key_prefix, is_jwt, looks_random, looks_secret, private_key_prefix};

/// Values longer than this are no single datum but text; [`super::scan`] reads those.
const WHOLE_BYTES_MAX: usize = 4096;

/// The class of `value`, when all of it is personal or secret.
pub(crate) fn class_of(hint: Option<FieldHint>, value: &[u8]) -> Option<DataClass> {
    let value = trim(value);
    if value.is_empty() || value.len() > WHOLE_BYTES_MAX {
        return (!value.is_empty())
            .then(|| named_class(hint, value))
            .flatten();
    }
    let mask = mask_of(value);
    let class = by_content(value, mask);
    match (class, hint) {
        // A name that says password or secret wins over what the secret happens to look like,
        // unless the look is the narrower answer.
        (Some(DataClass::Jwt | DataClass::ApiKey | DataClass::PrivateKey), _) | (_, None) => class,
        (Some(_), Some(FieldHint::Password | FieldHint::Secret)) | (None, _) => {
            named_class(hint, value).or(class)
        }
        (Some(_), _) => class,
    }
}

fn by_content(value: &[u8], mask: Mask) -> Option<DataClass> {
    const NUMBER: u16 = Mask::DIGIT | Mask::SPACE | Mask::DASH | Mask::DOT | Mask::PHONE;
    if mask.only(NUMBER) {
        return number_class(value);
    }
    if mask.has(Mask::AT) && is_email(value) {
        return Some(DataClass::Email);
    }
    if is_jwt(value) {
        return Some(DataClass::Jwt);
    }
    if api_key_prefix(value) == Some(value.len()) {
        return Some(DataClass::ApiKey);
    }
    if private_key_prefix(value) {
        return Some(DataClass::PrivateKey);
    }
    if mask.has(Mask::UPPER) && mask.has(Mask::DIGIT) && iban_prefix(value) == Some(value.len()) {
        return Some(DataClass::Iban);
    }
    if mask.has(Mask::COLON) && ip_address(value).is_some() {
        return Some(DataClass::IpAddress);
    }
    let token_like =
        !mask.has(Mask::SPACE | Mask::ODD | Mask::PUNCTUATION | Mask::AT | Mask::COLON);
    (token_like && looks_random(value)).then_some(DataClass::Secret)
}

fn number_class(value: &[u8]) -> Option<DataClass> {
    let all = Some(value.len());
    if value.len() < 7 || value.len() > 40 {
        None
    } else if ip_address(value).is_some() {
        Some(DataClass::IpAddress)
    } else if card_prefix(value, false) == all {
        Some(DataClass::Card)
    } else if ssn_prefix(value) == all {
        Some(DataClass::UsSsn)
    } else if phone_prefix(value) == all {
        Some(DataClass::Phone)
    } else {
        None
    }
}

/// The class that the name claims, where the value can be it.
fn named_class(hint: Option<FieldHint>, value: &[u8]) -> Option<DataClass> {
    let digits = || value.iter().all(u8::is_ascii_digit);
    let has_letter = || {
        value
            .iter()
            .any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
    };
    let (fits, class) = match hint? {
        FieldHint::Password => (true, DataClass::Password),
        FieldHint::Secret => (value.len() >= 4, DataClass::Secret),
        FieldHint::MaybeSecret => (looks_secret(value), DataClass::Secret),
        FieldHint::Code => (
            (3..=10).contains(&value.len()) && digits(),
            DataClass::Secret,
        ),
        FieldHint::Phone => (is_named_phone(value), DataClass::Phone),
        FieldHint::Card => (
            card_prefix(value, true) == Some(value.len()),
            DataClass::Card,
        ),
        FieldHint::Ssn => (is_named_ssn(value), DataClass::UsSsn),
        FieldHint::BirthDate => (
            (6..=32).contains(&value.len()) && value.iter().any(u8::is_ascii_digit),
            DataClass::DateOfBirth,
        ),
        FieldHint::PersonName => (
            value.len() <= 128 && has_letter() && !value.contains(&b'/'),
            DataClass::PersonName,
        ),
        FieldHint::Address => (
            value.len() <= 256
                && value.len() >= 4
                && value.iter().any(u8::is_ascii_digit)
                && !value.contains(&b':'),
            DataClass::Address,
        ),
        FieldHint::Geo => (is_coordinate(value), DataClass::Geo),
    };
    fits.then_some(class)
}

/// A number with a fraction: whole degrees are too coarse to find anybody.
fn is_coordinate(value: &[u8]) -> bool {
    value.len() <= 48
        && value.contains(&b'.')
        && value.iter().any(u8::is_ascii_digit)
        && value
            .iter()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b',' | b' '))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::field_hint;

    #[test]
    fn classes_of_whole_values() {
        for (name, value, expected) in [
            ("", "jo@example.com", Some("email")),
            ("", " 4111 1111 1111 1111 ", Some("card")),
            ("", "078-05-1120", Some("us_ssn")),
            ("", "078051120", None),
            ("ssn", "078051120", Some("us_ssn")),
            ("", "+14155550123", Some("phone")),
            ("", "4155550123", None),
            ("phone", "4155550123", Some("phone")),
            ("", "DE89370400440532013000", Some("iban")),
            ("", "192.168.1.10", Some("ip_address")),
            ("", "2001:db8::1", Some("ip_address")),
            ("", "1.2.3", None),
            ("password", "hunter2", Some("password")),
            ("password", "jo@example.com", Some("password")),
            ("token", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.", Some("jwt")),
            ("token", "continue", None),
            ("first_name", "Jo", Some("person_name")),
            ("dob", "1990-01-02", Some("date_of_birth")),
            ("street", "5 High Street", Some("address")),
            ("lat", "52.5200", Some("geo")),
            ("lat", "52", None),
            ("cvv", "123", Some("secret")),
            ("", "ht68qNcaHYpH2fMAmA23OMIVPZJMsfgQ", Some("secret")),
            ("", "550e8400-e29b-41d4-a716-446655440000", None),
            ("", "2024-05-06T07:08:09Z", None),
            ("", "plain words", None),
        ] {
            let class = class_of(field_hint(name.as_bytes()), value.as_bytes());
            assert_eq!(class.map(DataClass::as_str), expected, "{name}={value}");
        }
    }
}
