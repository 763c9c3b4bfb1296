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
    if let Some(hint) = exact(name) {
        return Some(hint);
    }
    // Most names end in other letters than all that is looked for.
    let [.., last_but_one, last] = name else {
        return None;
    };
    if !SUFFIX_ENDS.contains(&[*last_but_one, *last]) {
        return None;
    }
    let (_, hint) = SUFFIXES
        .iter()
        .find(|(suffix, _)| name.ends_with(suffix.as_bytes()))?;
    let harmless = |part: &&str| memchr::memmem::find(name, part.as_bytes()).is_some();
    let secret = matches!(hint, FieldHint::Secret | FieldHint::MaybeSecret);
    (!(secret && NOT_SECRET.iter().any(harmless))).then_some(*hint)
}

/// Names that are one thing.
fn exact(name: &[u8]) -> Option<FieldHint> {
    Some(match name {
        b"accesskey" | b"accesstoken" | b"apikey" | b"authorization" | b"authtoken"
        | b"clientsecret" | b"idtoken" | b"jwt" | b"privatekey" | b"refreshtoken" | b"secret"
        | b"secretkey" => FieldHint::Secret,
        b"address" | b"address1" | b"address2" | b"addressline" | b"addressline1"
        | b"addressline2" | b"postalcode" | b"postcode" | b"street" | b"street1" | b"street2"
        | b"streetaddress" | b"streetname" | b"zip" | b"zipcode" => FieldHint::Address,
        b"auth" | b"credential" | b"key" | b"session" | b"sessionid" | b"sid" | b"sig"
        | b"signature" | b"token" => FieldHint::MaybeSecret,
        b"bday" | b"birthdate" | b"birthday" | b"dateofbirth" | b"dob" => FieldHint::BirthDate,
        b"cardno" | b"cardnumber" | b"ccnumber" | b"creditcard" | b"pan" => FieldHint::Card,
        b"ccv" | b"cvc" | b"cvc2" | b"cvv" | b"cvv2" | b"otp" | b"pin" | b"securitycode"
        | b"totp" => FieldHint::Code,
        b"cell" | b"cellphone" | b"fax" | b"mobile" | b"msisdn" | b"phone" | b"tel"
        | b"telephone" => FieldHint::Phone,
        b"coordinates" | b"lat" | b"latitude" | b"lng" | b"lon" | b"longitude" => FieldHint::Geo,
        b"familyname" | b"firstname" | b"fname" | b"fullname" | b"givenname" | b"lastname"
        | b"lname" | b"maidenname" | b"middlename" | b"nameoncard" | b"surname" => {
            FieldHint::PersonName
        }
        b"passcode" | b"passphrase" | b"passwd" | b"password" | b"pwd" => FieldHint::Password,
        b"socialsecurity" | b"ssn" => FieldHint::Ssn,
        _ => return None,
    })
}

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

/// The last two letters of every one of [`SUFFIXES`].
const SUFFIX_ENDS: &[[u8; 2]] = &[
    *b"al", *b"de", *b"en", *b"er", *b"et", *b"ey", *b"id", *b"me", *b"ne", *b"rd", *b"re", *b"se",
    *b"sn", *b"ss", *b"te", *b"th", *b"wd",
];

/// Endings that tell; looked at after [`exact`].
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
    fn every_suffix_is_found_by_its_end() {
        for (suffix, hint) in SUFFIXES {
            assert_eq!(
                field_hint(format!("my_{suffix}").as_bytes()),
                Some(*hint),
                "{suffix}"
            );
        }
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
