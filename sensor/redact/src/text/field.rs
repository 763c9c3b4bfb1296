//! What the name of a field or parameter tells of its value.

/// What a name promises of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldHint {
    Password,
    /// A secret whatever it looks like.
    Secret,
    /// A secret when it looks like one: the name has other uses.
    MaybeSecret,
    Phone,
    Card,
    /// A card's verification value, a PIN, a one-time code: short digits.
    Code,
    Ssn,
    BirthDate,
    PersonName,
    Address,
    Geo,
}

/// Longest name that is looked at.
const NAME_BYTES_MAX: usize = 48;

/// The name's last component (`user[email]`, `user.email`, `email[]`), letters and digits only, in
/// lower case.
fn normalise<'a>(name: &[u8], buffer: &'a mut [u8; NAME_BYTES_MAX]) -> &'a [u8] {
    let name = name.strip_suffix(b"[]").unwrap_or(name);
    let name = name.strip_suffix(b"]").unwrap_or(name);
    let start = memchr::memrchr2(b'[', b'.', name).map_or(0, |at| at + 1);
    let name = name.get(start..).unwrap_or_default();
    let mut len = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        let Some(to) = buffer.get_mut(len) else {
            return &[];
        };
        *to = byte.to_ascii_lowercase();
        len += 1;
    }
    buffer.get(..len).unwrap_or_default()
}

/// What `name` promises.
pub(crate) fn field_hint(name: &[u8]) -> Option<FieldHint> {
    let mut buffer = [0; NAME_BYTES_MAX];
    let name = normalise(name, &mut buffer);
    if let Ok(at) = EXACT.binary_search_by(|(known, _)| known.as_bytes().cmp(name)) {
        return EXACT.get(at).map(|(_, hint)| *hint);
    }
    if NOT_SECRET
        .iter()
        .any(|part| memchr::memmem::find(name, part.as_bytes()).is_some())
    {
        return None;
    }
    SUFFIXES
        .iter()
        .find(|(suffix, _)| name.ends_with(suffix.as_bytes()))
        .map(|(_, hint)| *hint)
}

/// Names that are one thing; sorted, for binary search.
const EXACT: &[(&str, FieldHint)] = &[
    ("accesskey", FieldHint::Secret),
    ("accesstoken", FieldHint::Secret),
    ("address", FieldHint::Address),
    ("address1", FieldHint::Address),
    ("address2", FieldHint::Address),
    ("addressline", FieldHint::Address),
    ("addressline1", FieldHint::Address),
    ("addressline2", FieldHint::Address),
    ("apikey", FieldHint::Secret),
    ("auth", FieldHint::MaybeSecret),
    ("authorization", FieldHint::Secret),
    ("authtoken", FieldHint::Secret),
    ("bday", FieldHint::BirthDate),
    ("birthdate", FieldHint::BirthDate),
    ("birthday", FieldHint::BirthDate),
    ("cardno", FieldHint::Card),
    ("cardnumber", FieldHint::Card),
    ("ccnumber", FieldHint::Card),
    ("ccv", FieldHint::Code),
    ("cell", FieldHint::Phone),
    ("cellphone", FieldHint::Phone),
    ("clientsecret", FieldHint::Secret),
    ("coordinates", FieldHint::Geo),
    ("credential", FieldHint::MaybeSecret),
    ("creditcard", FieldHint::Card),
    ("cvc", FieldHint::Code),
    ("cvc2", FieldHint::Code),
    ("cvv", FieldHint::Code),
    ("cvv2", FieldHint::Code),
    ("dateofbirth", FieldHint::BirthDate),
    ("dob", FieldHint::BirthDate),
    ("familyname", FieldHint::PersonName),
    ("fax", FieldHint::Phone),
    ("firstname", FieldHint::PersonName),
    ("fname", FieldHint::PersonName),
    ("fullname", FieldHint::PersonName),
    ("givenname", FieldHint::PersonName),
    ("idtoken", FieldHint::Secret),
    ("jwt", FieldHint::Secret),
    ("key", FieldHint::MaybeSecret),
    ("lastname", FieldHint::PersonName),
    ("lat", FieldHint::Geo),
    ("latitude", FieldHint::Geo),
    ("lname", FieldHint::PersonName),
    ("lng", FieldHint::Geo),
    ("lon", FieldHint::Geo),
    ("longitude", FieldHint::Geo),
    ("maidenname", FieldHint::PersonName),
    ("middlename", FieldHint::PersonName),
    ("mobile", FieldHint::Phone),
    ("msisdn", FieldHint::Phone),
    ("nameoncard", FieldHint::PersonName),
    ("otp", FieldHint::Code),
    ("pan", FieldHint::Card),
    ("passcode", FieldHint::Password),
    ("passphrase", FieldHint::Password),
    ("passwd", FieldHint::Password),
    ("password", FieldHint::Password),
    ("phone", FieldHint::Phone),
    ("pin", FieldHint::Code),
    ("postalcode", FieldHint::Address),
    ("postcode", FieldHint::Address),
    ("privatekey", FieldHint::Secret),
    ("pwd", FieldHint::Password),
    ("refreshtoken", FieldHint::Secret),
    ("secret", FieldHint::Secret),
    ("secretkey", FieldHint::Secret),
    ("securitycode", FieldHint::Code),
    ("session", FieldHint::MaybeSecret),
    ("sessionid", FieldHint::MaybeSecret),
    ("sid", FieldHint::MaybeSecret),
    ("sig", FieldHint::MaybeSecret),
    ("signature", FieldHint::MaybeSecret),
    ("socialsecurity", FieldHint::Ssn),
    ("ssn", FieldHint::Ssn),
    ("street", FieldHint::Address),
    ("street1", FieldHint::Address),
    ("street2", FieldHint::Address),
    ("streetaddress", FieldHint::Address),
    ("streetname", FieldHint::Address),
    ("surname", FieldHint::PersonName),
    ("tel", FieldHint::Phone),
    ("telephone", FieldHint::Phone),
    ("token", FieldHint::MaybeSecret),
    ("totp", FieldHint::Code),
    ("zip", FieldHint::Address),
    ("zipcode", FieldHint::Address),
];

/// Tokens that move one through pages or guard a form are no credentials.
const NOT_SECRET: &[&str] = &[
    "page",
    "sync",
    "continuation",
    "csrf",
    "xsrf",
    "cursor",
    "public",
];

/// Endings that tell; looked at after [`EXACT`].
const SUFFIXES: &[(&str, FieldHint)] = &[
    ("password", FieldHint::Password),
    ("passwd", FieldHint::Password),
    ("passphrase", FieldHint::Password),
    ("secret", FieldHint::Secret),
    ("apikey", FieldHint::Secret),
    ("accesskey", FieldHint::Secret),
    ("privatekey", FieldHint::Secret),
    ("secretkey", FieldHint::Secret),
    ("subscriptionkey", FieldHint::Secret),
    ("token", FieldHint::MaybeSecret),
    ("sessionid", FieldHint::MaybeSecret),
    ("signature", FieldHint::MaybeSecret),
    ("credential", FieldHint::MaybeSecret),
    ("phone", FieldHint::Phone),
    ("phonenumber", FieldHint::Phone),
    ("mobilenumber", FieldHint::Phone),
    ("cardnumber", FieldHint::Card),
    ("socialsecuritynumber", FieldHint::Ssn),
    ("ssn", FieldHint::Ssn),
    ("dateofbirth", FieldHint::BirthDate),
    ("birthdate", FieldHint::BirthDate),
    ("firstname", FieldHint::PersonName),
    ("lastname", FieldHint::PersonName),
    ("fullname", FieldHint::PersonName),
    ("surname", FieldHint::PersonName),
    ("cardholder", FieldHint::PersonName),
    ("cardholdername", FieldHint::PersonName),
    ("streetaddress", FieldHint::Address),
    ("homeaddress", FieldHint::Address),
    ("billingaddress", FieldHint::Address),
    ("shippingaddress", FieldHint::Address),
    ("latitude", FieldHint::Geo),
    ("longitude", FieldHint::Geo),
];

/// Whether a query parameter of this name and value is a credential.
pub(crate) fn credential_parameter(name: &[u8], value: &[u8]) -> bool {
    match field_hint(name) {
        Some(FieldHint::Password | FieldHint::Secret) => !value.is_empty(),
        Some(FieldHint::MaybeSecret) => super::looks_secret(value),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted() {
        assert!(EXACT.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn names_in_every_spelling() {
        for (name, expected) in [
            ("password", Some(FieldHint::Password)),
            ("user[password]", Some(FieldHint::Password)),
            ("newPassword", Some(FieldHint::Password)),
            ("first_name", Some(FieldHint::PersonName)),
            ("billing.firstName", Some(FieldHint::PersonName)),
            ("X-Amz-Signature", Some(FieldHint::MaybeSecret)),
            ("access_token", Some(FieldHint::Secret)),
            ("next_page_token", None),
            ("csrf_token", None),
            ("name", None),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(field_hint(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn credentials_in_a_query() {
        assert!(credential_parameter(b"api_key", b"x"));
        assert!(credential_parameter(b"token", b"abc12345"));
        assert!(!credential_parameter(b"key", b"name"));
        assert!(!credential_parameter(b"session", b"12345678"));
        assert!(!credential_parameter(
            b"page_token",
            b"CAUQAAabcdef1234567890"
        ));
    }
}
