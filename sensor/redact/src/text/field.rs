//! What the name of a field or parameter tells of its value.

use super::class::DataClass;

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
    /// A card's verification value.
    CardCode,
    /// A PIN, a one-time code: short digits.
    Code,
    BankAccount,
    /// A bank's code: routing number, BIC.
    BankCode,
    /// What somebody earns, owns or owes.
    Financial,
    Ssn,
    /// A number that a state gives: which one.
    NationalId(DataClass),
    /// The same, of any state.
    AnyNationalId,
    Passport,
    DrivingLicence,
    Vin,
    Imei,
    BirthDate,
    PersonName,
    /// A name of a person when what stands beside it is one's.
    Name,
    Address,
    PostalCode,
    Geo,
    Health,
    /// Special categories of personal data (GDPR article 9).
    Special,
    /// A number of something else: an order, a message, a moment.
    Identifier,
    /// A version, which looks like an address.
    Version,
    /// A hash or a cursor, which looks like a secret.
    Opaque,
}

impl FieldHint {
    /// Whether it promises something; the others only say what a value is not.
    pub(crate) const fn promises(self) -> bool {
        !matches!(
            self,
            Self::Identifier | Self::Version | Self::Opaque | Self::Name
        )
    }
}

/// Longest name that is looked at.
pub(super) const NAME_BYTES_MAX: usize = 48;

/// The name's last component (`user[email]`, `user.email`, `email[]`), letters and digits only, in
/// lower case.
pub(super) fn normalise<'a>(name: &[u8], buffer: &'a mut [u8; NAME_BYTES_MAX]) -> &'a [u8] {
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
    let raw = name;
    let name = normalise(name, &mut buffer);
    if let Some(hint) = exact(name) {
        return Some(hint);
    }
    by_suffix(name)
        .or_else(|| last_word(raw))
        .or_else(|| denied(name))
}

/// What the last word of a name promises on its own: `patientDiagnosis`, `customer_cpf`. Words that
/// end other names as well are passed over.
fn last_word(raw: &[u8]) -> Option<FieldHint> {
    let starts = |at: &usize| {
        let pair = (raw.get(at.wrapping_sub(1)), raw.get(*at));
        matches!(pair, (Some(b'_' | b'-' | b' '), _))
            || matches!(pair, (Some(b'a'..=b'z'), Some(b'A'..=b'Z')))
    };
    let mut words = (1..raw.len().min(NAME_BYTES_MAX)).rev().filter(starts);
    let last = words.next()?;
    // `patientNhsNumber` ends in two.
    let pair = words.next().and_then(|at| one_of(raw.get(at..)?));
    pair.or_else(|| one_of(raw.get(last..)?))
}

fn one_of(words: &[u8]) -> Option<FieldHint> {
    let mut buffer = [0; NAME_BYTES_MAX];
    let word = normalise(words, &mut buffer);
    let common: [&[u8]; 8] = [
        b"race", b"routing", b"sin", b"nie", b"income", b"nir", b"swift", b"nhs",
    ];
    let hint = match word {
        b"dob" => FieldHint::BirthDate,
        b"iban" | b"cvv" | b"cvc" => exact(word)?,
        _ if common.contains(&word) => return None,
        _ => of_a_person(word)?,
    };
    Some(hint)
}

fn by_suffix(name: &[u8]) -> Option<FieldHint> {
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
    if secret && NOT_SECRET.iter().any(harmless) {
        return Some(FieldHint::Opaque);
    }
    Some(*hint)
}

/// What a name says its value is not.
fn denied(name: &[u8]) -> Option<FieldHint> {
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end.as_bytes()));
    let [.., last_but_one, last] = name else {
        return None;
    };
    let (which, hint): (&[&str], _) = match [*last_but_one, *last] {
        [b'i', b'd'] => (&["id"], FieldHint::Identifier),
        [b'd', b's'] => (&["ids"], FieldHint::Identifier),
        [b'e', b'r'] if ends(&["ver"]) => (&["ver"], FieldHint::Version),
        [b'e', b'r'] => (&["number"], FieldHint::Identifier),
        [b'n', b'o'] => (&["no"], FieldHint::Identifier),
        [b'e', b'f'] => (&["ref"], FieldHint::Identifier),
        [b'c', b'e'] => (&["reference", "invoice", "sequence"], FieldHint::Identifier),
        [b'k', b'u'] => (&["sku"], FieldHint::Identifier),
        [b'a', b'n'] => (&["ean"], FieldHint::Identifier),
        [b'p', b'c'] => (&["upc"], FieldHint::Identifier),
        [b'b', b'n'] => (&["isbn"], FieldHint::Identifier),
        [b'i', b'n'] => (&["gtin"], FieldHint::Identifier),
        [b'd', b'e'] => (&["barcode", "trackingcode"], FieldHint::Identifier),
        [b'n', b'g'] => (&["tracking"], FieldHint::Identifier),
        [b'a', b'l'] => (&["serial"], FieldHint::Identifier),
        [b'm', b'p'] => (&["timestamp"], FieldHint::Identifier),
        [b't', b's'] => (&["ts"], FieldHint::Identifier),
        [b'c', b'h'] => (&["epoch", "batch"], FieldHint::Identifier),
        [b'o', b'n'] => (&["version", "revision"], FieldHint::Version),
        [b'n', b's'] => (&["versions"], FieldHint::Version),
        [b'l', b'd'] => (&["build"], FieldHint::Version),
        [b'r', b'e'] => (&["firmware"], FieldHint::Version),
        [b's', b'e'] => (&["release"], FieldHint::Version),
        [b's', b'h'] => (&["hash"], FieldHint::Opaque),
        [b's', b't'] => (&["digest"], FieldHint::Opaque),
        [b'u', b'm'] => (&["checksum"], FieldHint::Opaque),
        [b'a', b'g'] => (&["etag"], FieldHint::Opaque),
        [b't', b'y'] => (&["integrity"], FieldHint::Opaque),
        [b'o', b'r'] => (&["cursor"], FieldHint::Opaque),
        [b'd', b'5'] => (&["md5"], FieldHint::Opaque),
        [b'h', b'a'] => (&["sha"], FieldHint::Opaque),
        [b'5', b'6'] => (&["sha256"], FieldHint::Opaque),
        [b'1', b'2'] => (&["sha512"], FieldHint::Opaque),
        [b'a', b'1'] => (&["sha1"], FieldHint::Opaque),
        _ => return None,
    };
    ends(which).then_some(hint)
}

/// Names that are one thing.
fn exact(name: &[u8]) -> Option<FieldHint> {
    Some(match name {
        b"accesskey" | b"accesstoken" | b"apikey" | b"authorization" | b"authtoken"
        | b"clientsecret" | b"idtoken" | b"jwt" | b"privatekey" | b"refreshtoken" | b"secret"
        | b"secretkey" => FieldHint::Secret,
        b"address" | b"address1" | b"address2" | b"addressline" | b"addressline1"
        | b"addressline2" | b"line1" | b"line2" | b"postaladdress" | b"street" | b"street1"
        | b"street2" | b"streetaddress" | b"streetname" => FieldHint::Address,
        b"plz" | b"postalcode" | b"postcode" | b"zip" | b"zipcode" => FieldHint::PostalCode,
        b"auth" | b"credential" | b"key" | b"session" | b"sessionid" | b"sid" | b"sig"
        | b"signature" | b"token" => FieldHint::MaybeSecret,
        b"bday" | b"birthdate" | b"birthday" | b"dateofbirth" | b"dob" => FieldHint::BirthDate,
        b"cardno" | b"cardnumber" | b"ccnumber" | b"creditcard" | b"pan" => FieldHint::Card,
        b"cardcode"
        | b"cardsecuritycode"
        | b"cardverificationvalue"
        | b"ccv"
        | b"cid2"
        | b"csc"
        | b"cvc"
        | b"cvc2"
        | b"cvv"
        | b"cvv2" => FieldHint::CardCode,
        b"otp" | b"pin" | b"securitycode" | b"totp" => FieldHint::Code,
        b"cell" | b"cellphone" | b"fax" | b"mobile" | b"msisdn" | b"phone" | b"tel"
        | b"telephone" => FieldHint::Phone,
        b"coordinates" | b"lat" | b"latitude" | b"lng" | b"lon" | b"longitude" => FieldHint::Geo,
        b"familyname" | b"firstname" | b"fname" | b"fullname" | b"givenname" | b"lastname"
        | b"lname" | b"maidenname" | b"middlename" | b"nameoncard" | b"surname" => {
            FieldHint::PersonName
        }
        b"name" | b"contactname" | b"customername" | b"displayname" | b"recipient" => {
            FieldHint::Name
        }
        b"passcode" | b"passphrase" | b"passwd" | b"password" | b"pwd" => FieldHint::Password,
        b"socialsecurity" | b"ssn" => FieldHint::Ssn,
        _ => return of_a_person(name),
    })
}

/// Further names that are one thing: about money and health.
fn of_a_person(name: &[u8]) -> Option<FieldHint> {
    Some(match name {
        b"accountnumber" | b"bankaccount" | b"bankaccountnumber" | b"acctnumber" | b"accountno"
        | b"kontonummer" => FieldHint::BankAccount,
        b"routingnumber" | b"routing" | b"aba" | b"bic" | b"swift" | b"swiftcode" | b"biccode"
        | b"sortcode" => FieldHint::BankCode,
        b"accountbalance" | b"annualincome" | b"availablebalance" | b"creditlimit"
        | b"creditscore" | b"currentbalance" | b"grosspay" | b"income" | b"monthlyincome"
        | b"netpay" | b"networth" | b"salary" | b"wage" => FieldHint::Financial,
        b"allergies"
        | b"allergy"
        | b"bloodgroup"
        | b"bloodpressure"
        | b"bloodtype"
        | b"diagnoses"
        | b"diagnosis"
        | b"diagnosiscode"
        | b"disability"
        | b"dosage"
        | b"healthcondition"
        | b"hivstatus"
        | b"icd10"
        | b"icd10code"
        | b"icdcode"
        | b"immunization"
        | b"immunizations"
        | b"labresult"
        | b"labresults"
        | b"medicalcondition"
        | b"medicalconditions"
        | b"medicalhistory"
        | b"medication"
        | b"medications"
        | b"prescription"
        | b"prescriptions"
        | b"symptom"
        | b"symptoms"
        | b"vaccination"
        | b"vaccinations"
        | b"mrn"
        | b"medicalrecordnumber"
        | b"healthinsurancenumber"
        | b"medicareid"
        | b"medicarenumber"
        | b"medicaidid" => FieldHint::Health,
        _ => return of_papers(name),
    })
}

/// Further names that are one thing: special categories, papers and states.
fn of_papers(name: &[u8]) -> Option<FieldHint> {
    Some(match name {
        b"biometric"
        | b"ethnicity"
        | b"fingerprintdata"
        | b"politicalaffiliation"
        | b"politicalopinion"
        | b"politicalparty"
        | b"race"
        | b"religion"
        | b"religiousbelief"
        | b"sexualorientation"
        | b"tradeunion"
        | b"unionmembership" => FieldHint::Special,
        b"passport" | b"passportno" | b"passportnumber" => FieldHint::Passport,
        b"driverlicense"
        | b"driverlicensenumber"
        | b"driverslicense"
        | b"driverslicensenumber"
        | b"drivinglicence"
        | b"drivinglicencenumber"
        | b"dlnumber"
        | b"licensenumber" => FieldHint::DrivingLicence,
        b"vin" | b"vehicleidentificationnumber" => FieldHint::Vin,
        b"imei" | b"imeinumber" => FieldHint::Imei,
        b"citizenid"
        | b"identitynumber"
        | b"idcardnumber"
        | b"nationalid"
        | b"nationalidnumber"
        | b"nationalidentitynumber"
        | b"personalid"
        | b"personalidnumber"
        | b"socialinsuranceid"
        | b"taxid"
        | b"taxidnumber"
        | b"taxnumber"
        | b"taxpayerid" => FieldHint::AnyNationalId,
        // Every one of these is longer than two letters, and no other name has more than 32.
        [_, _, _, ..] if name.len() <= 32 => FieldHint::NationalId(national_class(name)?),
        _ => return None,
    })
}

/// The number that a state's own name for it means.
fn national_class(name: &[u8]) -> Option<DataClass> {
    Some(match name {
        b"residentid" | b"shenfenzheng" => DataClass::CnResidentId,
        b"curp" => DataClass::MxCurp,
        b"codicefiscale" | b"fiscalcode" => DataClass::ItFiscalCode,
        b"nir" | b"numerosecu" | b"numerosecuritesociale" => DataClass::FrNir,
        b"cnpj" => DataClass::BrCnpj,
        b"cpf" => DataClass::BrCpf,
        b"ahv" | b"ahvnummer" | b"ahvnumber" => DataClass::ChAhv,
        b"rrn" => DataClass::KrRrn,
        b"southafricanid" | b"zaid" | b"saidnumber" => DataClass::ZaId,
        b"aadhaar" | b"aadhaarnumber" | b"aadhaarno" | b"aadhar" => DataClass::InAadhaar,
        b"pancard" | b"pannumber" | b"panno" => DataClass::InPan,
        b"hetu" | b"henkilotunnus" => DataClass::FiHetu,
        b"nrn" | b"rijksregisternummer" | b"insz" | b"niss" => DataClass::BeNrn,
        b"fnr" | b"fodselsnummer" => DataClass::NoFnr,
        b"cuit" | b"cuil" => DataClass::ArCuit,
        b"steuerid" | b"steueridnr" | b"idnr" | b"steueridentifikationsnummer" => {
            DataClass::DeTaxId
        }
        b"pesel" => DataClass::PlPesel,
        b"personnummer" | b"personnr" => DataClass::SePersonnummer,
        b"cpr" | b"cprnummer" | b"cprnr" | b"cprnumber" => DataClass::DkCpr,
        b"nhsnumber" | b"nhsno" | b"nhs" => DataClass::UkNhs,
        b"nino" | b"nationalinsurancenumber" | b"ninumber" => DataClass::UkNino,
        b"dni" | b"nie" | b"nif" => DataClass::EsNif,
        b"sin" | b"socialinsurancenumber" => DataClass::CaSin,
        b"bsn" | b"burgerservicenummer" => DataClass::NlBsn,
        b"tfn" | b"taxfilenumber" => DataClass::AuTfn,
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

/// Whether a query parameter of this value, and of a name that promises that, is a credential.
pub(crate) fn credential_parameter(hint: Option<FieldHint>, value: &[u8]) -> bool {
    match hint {
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
            ("next_page_token", Some(FieldHint::Opaque)),
            ("csrf_token", Some(FieldHint::Opaque)),
            ("name", Some(FieldHint::Name)),
            (
                "customer_cpf",
                Some(FieldHint::NationalId(DataClass::BrCpf)),
            ),
            ("patientDiagnosis", Some(FieldHint::Health)),
            ("arms_race", None),
            ("cpf", Some(FieldHint::NationalId(DataClass::BrCpf))),
            ("order_number", Some(FieldHint::Identifier)),
            ("appVersion", Some(FieldHint::Version)),
            ("icd10_code", Some(FieldHint::Health)),
            ("", None),
            ("[]", None),
        ] {
            assert_eq!(field_hint(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn credentials_in_a_query() {
        let is_one = |name: &[u8], value| credential_parameter(field_hint(name), value);
        assert!(is_one(b"api_key", b"x"));
        assert!(is_one(b"token", b"abc12345"));
        assert!(!is_one(b"key", b"name"));
        assert!(!is_one(b"session", b"12345678"));
        assert!(!is_one(b"page_token", b"CAUQAAabcdef1234567890"));
    }
}
