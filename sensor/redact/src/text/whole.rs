//! The class of a value taken as a whole, with what its field's name tells.

use super::address::ip_address;
use super::bytes::{Mask, mask_of_value, trim};
use super::class::DataClass;
use super::contact::{is_email, is_named_phone, phone_prefix};
use super::field::FieldHint;
use super::format::value_type_by;
use super::iban::iban_prefix;
use super::key::{api_key_prefix, private_key_prefix};
use super::national::{Beside, may_be, national_id};
use super::number::{card_prefix, is_bank_code, is_imei, is_named_ssn, ssn_prefix};
use super::secret::{is_jwt, looks_random, looks_secret};
use super::{life, word};
use tapscope_record::ValueType;

/// Values longer than this are no single datum but text; [`super::scan`] reads those.
const WHOLE_BYTES_MAX: usize = 4096;

/// The class of `value`, when all of it is personal or secret.
pub(crate) fn class_of(hint: Option<FieldHint>, value: &[u8]) -> Option<DataClass> {
    let value = trim(value);
    let mask = if value.len() <= WHOLE_BYTES_MAX {
        mask_of_value(value)
    } else {
        Mask::default()
    };
    class_by(hint, value, mask)
}

/// The narrowest type of a value that is known to be a string, and the class of all of it.
pub(crate) fn type_and_class_of(
    hint: Option<FieldHint>,
    text: &[u8],
) -> (ValueType, Option<DataClass>) {
    let mask = mask_of_value(text);
    let value = trim(text);
    let within = if value.len() == text.len() {
        mask
    } else {
        mask_of_value(value)
    };
    (value_type_by(text, mask), class_by(hint, value, within))
}

fn class_by(hint: Option<FieldHint>, value: &[u8], mask: Mask) -> Option<DataClass> {
    if value.is_empty() || value.len() > WHOLE_BYTES_MAX {
        return (!value.is_empty())
            .then(|| named_class(hint, value))
            .flatten();
    }
    let class = by_content(hint, value, mask);
    match (class, hint) {
        (Some(DataClass::Jwt | DataClass::ApiKey | DataClass::PrivateKey), _) | (_, None) => class,
        // What the name says wins over what the value happens to look like, unless the look is the
        // narrower answer.
        (Some(DataClass::Email), Some(hint)) if hint != FieldHint::Password => class,
        (_, Some(_)) => named_class(hint, value).or(class),
    }
}

fn by_content(hint: Option<FieldHint>, value: &[u8], mask: Mask) -> Option<DataClass> {
    const NUMBER: u16 = Mask::DIGIT | Mask::SPACE | Mask::DASH | Mask::DOT | Mask::PHONE;
    if mask.only(NUMBER) {
        return number_class(hint, value, mask);
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
    if value.len() == 17 && mask.has(Mask::COLON | Mask::DASH) && life::is_mac(value) {
        return Some(DataClass::MacAddress);
    }
    if mask.has(Mask::COLON) && ip_address(value).is_some() {
        return Some(DataClass::IpAddress);
    }
    if may_be(value.len(), mask) {
        if let Some(class) = national_id(value, Beside::Nothing) {
            return Some(class);
        }
        if life::is_vin(value, false) {
            return Some(DataClass::Vin);
        }
    }
    let token_like =
        !mask.has(Mask::SPACE | Mask::ODD | Mask::PUNCTUATION | Mask::AT | Mask::COLON);
    (token_like && hint != Some(FieldHint::Opaque) && looks_random(value))
        .then_some(DataClass::Secret)
}

fn number_class(hint: Option<FieldHint>, value: &[u8], mask: Mask) -> Option<DataClass> {
    let all = Some(value.len());
    if value.len() < 7 || value.len() > 40 {
        return None;
    }
    if ip_address(value).is_some() {
        return (hint != Some(FieldHint::Version)).then_some(DataClass::IpAddress);
    }
    // A number that its name says is of something else passes a check digit by chance.
    let other = matches!(
        hint,
        Some(FieldHint::Identifier | FieldHint::Version | FieldHint::Opaque)
    );
    if other && mask.only(Mask::DIGIT) {
        return None;
    }
    if card_prefix(value, false) == all {
        Some(DataClass::Card)
    } else if other {
        None
    } else if ssn_prefix(value) == all {
        Some(DataClass::UsSsn)
    } else if phone_prefix(value) == all {
        Some(DataClass::Phone)
    } else {
        national_id(value, Beside::Nothing)
    }
}

/// The class that the name claims, where the value can be it.
fn named_class(hint: Option<FieldHint>, value: &[u8]) -> Option<DataClass> {
    let hint = hint?;
    let digits = || value.iter().all(u8::is_ascii_digit);
    let says_something = || word::common_word(value).is_none() && !is_nothing(value);
    let (fits, class) = match hint {
        FieldHint::NationalId(class) => return of_state(value, class),
        FieldHint::AnyNationalId => return of_any_state(value),
        FieldHint::Password => (true, DataClass::Password),
        FieldHint::Secret => (value.len() >= 4, DataClass::Secret),
        FieldHint::MaybeSecret => (looks_secret(value), DataClass::Secret),
        FieldHint::CardCode => (
            (3..=4).contains(&value.len()) && digits(),
            DataClass::CardCode,
        ),
        FieldHint::Code => (
            (3..=10).contains(&value.len()) && digits(),
            DataClass::Secret,
        ),
        FieldHint::Phone => (is_named_phone(value), DataClass::Phone),
        FieldHint::Card => return card_or_pan(value),
        FieldHint::BankAccount => (life::is_paper(value, 6, 34), DataClass::BankAccount),
        FieldHint::BankCode => (is_bank_code(value), DataClass::BankAccount),
        FieldHint::Financial => (
            value.len() <= 32 && value.iter().any(u8::is_ascii_digit),
            DataClass::Financial,
        ),
        FieldHint::Ssn => (is_named_ssn(value), DataClass::UsSsn),
        FieldHint::Passport => (life::is_paper(value, 6, 9), DataClass::Passport),
        FieldHint::DrivingLicence => (life::is_paper(value, 5, 18), DataClass::DrivingLicence),
        FieldHint::Vin => (life::is_vin(value, true), DataClass::Vin),
        FieldHint::Imei => (is_imei(value), DataClass::DeviceId),
        FieldHint::BirthDate => (life::is_birth_date(value), DataClass::DateOfBirth),
        FieldHint::PersonName => (
            value.len() <= 128
                && value
                    .iter()
                    .any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
                && !value.contains(&b'/'),
            DataClass::PersonName,
        ),
        FieldHint::Address => (life::is_street(value), DataClass::Address),
        FieldHint::PostalCode => (life::is_postal_code(value), DataClass::Address),
        FieldHint::Geo => (life::is_coordinate(value), DataClass::Geo),
        FieldHint::Health => (says_something(), DataClass::Health),
        FieldHint::Special => (says_something(), DataClass::Special),
        FieldHint::Name | FieldHint::Identifier | FieldHint::Version | FieldHint::Opaque => {
            return None;
        }
    };
    fits.then_some(class)
}

/// Whether a value says that there is none.
pub(super) fn is_nothing(value: &[u8]) -> bool {
    let nothing = ["-", "n/a", "na", "nil", "undefined", "unknown"];
    nothing
        .iter()
        .any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// A number that the name calls by its state's word.
fn of_state(value: &[u8], class: DataClass) -> Option<DataClass> {
    national_id(value, Beside::Class(class))
}

/// A number that the name says some state gives.
fn of_any_state(value: &[u8]) -> Option<DataClass> {
    if ssn_prefix(value) == Some(value.len()) {
        return Some(DataClass::UsSsn);
    }
    national_id(value, Beside::Some)
}

/// `pan` names a card's number and an Indian tax number.
fn card_or_pan(value: &[u8]) -> Option<DataClass> {
    if card_prefix(value, true) == Some(value.len()) {
        return Some(DataClass::Card);
    }
    national_id(value, Beside::Class(DataClass::InPan)).filter(|class| *class == DataClass::InPan)
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
            ("cvv", "123", Some("card_code")),
            ("pin", "1234", Some("secret")),
            ("pan", "ABCPE1234F", Some("in_pan")),
            ("order_number", "4111111111111111", None),
            ("order_number", "4111 1111 1111 1111", Some("card")),
            ("message_id", "113-555-0123", None),
            ("app_version", "1.2.3.4", None),
            ("etag", "ht68qNcaHYpH2fMAmA23OMIVPZJMsfgQ", None),
            ("national_id", "44051401359", Some("pl_pesel")),
            ("pesel", "44051401359", Some("pl_pesel")),
            ("pesel", "44051401358", None),
            ("", "11010519491231002X", Some("cn_resident_id")),
            ("diagnosis", "J45.9", Some("health")),
            ("diagnosis", "none", None),
            ("mac", "00:1B:44:11:3A:B7", Some("mac_address")),
            ("routing_number", "021000021", Some("bank_account")),
            ("routing_number", "021000022", None),
            ("imei", "490154203237518", Some("device_id")),
            ("salary", "85000", Some("financial")),
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
