//! Bodies as APIs send them, with what is personal or secret in them.

use std::collections::{BTreeMap, BTreeSet};

use super::values::{self as v, Rng};

/// One body and what is in it.
pub(crate) struct Labelled {
    /// The body.
    pub(crate) json: String,
    /// Its values, for a reference that knows no names.
    pub(crate) text: Vec<String>,
    /// Distinct values by class.
    pub(crate) there: BTreeMap<String, u64>,
}

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
enum At {
    /// As the value of a field of one of these names.
    Named(&'static [&'static str]),
    /// The same, as a number.
    Number(&'static [&'static str]),
    /// In a field that says nothing, or inside a text.
    Anywhere,
    /// Inside a text that speaks of it.
    Beside(&'static [&'static str]),
}

use At::{Anywhere, Beside, Named, Number};

type Make = fn(&mut Rng) -> String;

/// Values that are of a class.
const POSITIVES: &[(&str, Make, At)] = &[
    ("email", v::email, Anywhere),
    (
        "email",
        v::email,
        Named(&["email", "contactEmail", "login", "owner"]),
    ),
    ("phone", v::phone, Anywhere),
    (
        "phone",
        v::national_phone,
        Named(&["phone", "mobile", "customer_phone", "phoneNumber", "fax"]),
    ),
    ("card", v::card, Anywhere),
    (
        "card",
        v::card,
        Named(&["card_number", "pan", "cardNumber", "value"]),
    ),
    ("card_code", v::code3, Named(&["cvv", "cvc", "card_code"])),
    ("iban", v::iban, Anywhere),
    ("iban", v::iban, Named(&["iban", "payout_account"])),
    (
        "bank_account",
        v::routing,
        Named(&["routing_number", "aba"]),
    ),
    ("us_ssn", v::us_ssn, Anywhere),
    (
        "uk_nino",
        v::uk_nino,
        Named(&["nino", "national_insurance_number", "employeeNino"]),
    ),
    (
        "uk_nino",
        v::uk_nino,
        Beside(&["National Insurance number {}", "NINO: {}"]),
    ),
    (
        "uk_nhs",
        v::uk_nhs,
        Named(&["nhs_number", "patientNhsNumber"]),
    ),
    (
        "de_tax_id",
        v::de_tax_id,
        Named(&["steuer_id", "taxId", "steuerId"]),
    ),
    (
        "de_tax_id",
        v::de_tax_id,
        Beside(&["Meine Steuer-ID ist {}.", "Steuer-ID: {}"]),
    ),
    ("fr_nir", v::fr_nir, Anywhere),
    (
        "es_nif",
        v::es_nif,
        Named(&["dni", "nif", "nie", "customer_nif"]),
    ),
    ("it_fiscal_code", v::it_fiscal_code, Anywhere),
    (
        "pl_pesel",
        v::pl_pesel,
        Named(&["pesel", "national_id", "clientPesel"]),
    ),
    (
        "pl_pesel",
        v::pl_pesel,
        Beside(&["Numer PESEL: {}", "PESEL {} potwierdzony"]),
    ),
    ("nl_bsn", v::nl_bsn, Named(&["bsn", "patient_bsn"])),
    ("se_personnummer", v::se_personnummer, Anywhere),
    ("fi_hetu", v::fi_hetu, Anywhere),
    (
        "br_cpf",
        v::br_cpf,
        Named(&["cpf", "customer_cpf", "clienteCpf"]),
    ),
    (
        "br_cpf",
        v::br_cpf,
        Beside(&["CPF {} do cliente", "cpf: {}"]),
    ),
    (
        "in_aadhaar",
        v::in_aadhaar,
        Named(&["aadhaar", "aadhaar_number", "kycAadhaar"]),
    ),
    (
        "in_aadhaar",
        v::in_aadhaar,
        Beside(&["Aadhaar {} verified", "my aadhaar no {}"]),
    ),
    (
        "in_pan",
        v::in_pan,
        Named(&["pan_number", "pan", "panCard"]),
    ),
    ("cn_resident_id", v::cn_resident_id, Anywhere),
    (
        "passport",
        v::passport,
        Named(&["passport_number", "passport"]),
    ),
    ("device_id", v::imei, Named(&["imei"])),
    ("vin", v::vin, Anywhere),
    ("mac_address", v::mac, Anywhere),
    (
        "ip_address",
        v::ip,
        Named(&["ip", "remote_addr", "lastLoginIp", "host"]),
    ),
    (
        "date_of_birth",
        v::date,
        Named(&["dob", "date_of_birth", "birthDate", "patient_dob"]),
    ),
    (
        "person_name",
        v::first_name,
        Named(&["first_name", "givenName", "guestFirstName"]),
    ),
    (
        "person_name",
        v::person,
        Named(&["full_name", "cardholderName"]),
    ),
    (
        "address",
        v::street,
        Named(&["street", "address_line1", "billingAddress"]),
    ),
    (
        "address",
        v::street,
        Beside(&["Deliver to {}, please.", "{} is where we meet"]),
    ),
    ("geo", v::latitude, Number(&["latitude", "lat", "lon"])),
    (
        "health",
        v::diagnosis,
        Named(&["diagnosis", "icd10", "patientDiagnosis"]),
    ),
    (
        "financial",
        v::salary,
        Number(&["salary", "annual_income", "creditLimit"]),
    ),
    ("jwt", v::jwt, Anywhere),
    ("api_key", v::api_key, Anywhere),
    (
        "secret",
        v::secret,
        Named(&["client_secret", "webhookSecret", "value"]),
    ),
    (
        "password",
        v::password,
        Named(&["password", "newPassword", "db_password"]),
    ),
];

/// Values that are of none and look like one.
const LOOK_ALIKES: &[(Make, At)] = &[
    (
        v::order_number,
        Named(&["order_number", "orderNo", "order_id", "reference"]),
    ),
    (
        v::order_number,
        Number(&["id", "transactionId", "message_id"]),
    ),
    (v::snowflake, Named(&["id", "channel_id", "guildId"])),
    (v::snowflake, Number(&["id", "seq"])),
    (
        v::version4,
        Named(&[
            "version",
            "app_version",
            "minVersion",
            "driverVersion",
            "build",
        ]),
    ),
    (
        v::version4,
        Beside(&[
            "Released version {} today",
            "since v {}",
            "firmware {} or later",
        ]),
    ),
    (v::version3, Named(&["version", "tag"])),
    (v::moment, Number(&["created", "ts", "updated_at", "exp"])),
    (v::moment_ms, Number(&["timestamp", "createdAt", "ts"])),
    (v::moment_ms, Named(&["timestamp", "event_time"])),
    (v::moment_us, Number(&["timestamp", "sequence"])),
    (v::uuid, Named(&["id", "request_id", "token_id", "value"])),
    (v::sha256, Named(&["sha256", "hash", "etag", "commit"])),
    (
        v::digest64,
        Named(&["digest", "checksum", "etag", "integrity"]),
    ),
    (v::invoice, Named(&["invoice", "invoice_id", "document"])),
    (v::invoice, Beside(&["Invoice {} is due", "see {}"])),
    (v::part_number, Named(&["part_number", "sku", "model_no"])),
    (v::sku, Named(&["sku", "product_code", "item", "value"])),
    (
        v::sku,
        Beside(&["The item {} is sold out", "ordered {} twice"]),
    ),
    (v::ean, Named(&["ean", "barcode", "gtin"])),
    (v::number9, Number(&["id", "count", "views", "downloads"])),
    (v::number11, Number(&["id", "bytes", "size"])),
    (
        v::number11,
        Named(&["tracking_number", "shipment", "ticket"]),
    ),
    (
        v::number9,
        Beside(&["Ticket {} was closed", "{} downloads so far"]),
    ),
    (
        v::number11,
        Beside(&["Parcel {} has left", "{} bytes written"]),
    ),
    (v::file, Named(&["image", "icon", "file"])),
    (v::file, Beside(&["![]({}) is the picture", "see {}"])),
    (v::package, Named(&["package", "dependency"])),
    (v::price, Number(&["price", "total", "amount"])),
    (v::price, Named(&["price", "weight"])),
    (v::product, Named(&["name", "title", "display_name"])),
    (v::slug, Named(&["slug", "path", "key"])),
    (
        v::cursor,
        Named(&["next_cursor", "cursor", "next_page_token"]),
    ),
    (v::bad_token, Named(&["example", "prefix"])),
    (v::serial, Named(&["serial_number", "serial"])),
    (
        v::made_on,
        Named(&["date", "released", "due_date", "created_on"]),
    ),
    (
        v::ratio,
        Number(&["ratio", "score", "conversion", "confidence"]),
    ),
    (v::crypto, Named(&["wallet", "address", "contract"])),
    (v::hash_colons, Named(&["fingerprint", "thumbprint"])),
    (v::code3, Named(&["code", "status", "area"])),
    (v::small, Number(&["code", "count", "pin_count"])),
];

/// Fields that say nothing.
const NEUTRAL: [&str; 9] = [
    "value", "data", "content", "field_7", "x", "attr", "item", "raw", "input",
];

/// Fields of text, and texts.
const TEXTS: [&str; 6] = [
    "message",
    "notes",
    "description",
    "body",
    "comment",
    "summary",
];
const AROUND: [&str; 7] = [
    "Please use {} from now on.",
    "Hello, it is {} as before.",
    "{}",
    "Got \"{}\" today",
    "updated ({}) and closed",
    "old: n/a, new: {}",
    "ok;{};done",
];

struct Writer {
    fields: Vec<(String, String)>,
    text: Vec<String>,
    there: BTreeMap<String, BTreeSet<String>>,
    used: BTreeSet<String>,
}

impl Writer {
    /// Writes a value; false when the object has a field of that name already.
    fn put(&mut self, r: &mut Rng, value: &str, at: At) -> bool {
        let quoted = |text: &str| serde_json::to_string(text).unwrap();
        let (name, written, shown) = match at {
            Named(names) => (r.pick(names), quoted(value), value.to_owned()),
            Number(names) => (r.pick(names), value.to_owned(), value.to_owned()),
            Anywhere if r.chance(50) => (r.pick(&NEUTRAL), quoted(value), value.to_owned()),
            Anywhere => {
                let text = r.pick(&AROUND).replace("{}", value);
                (r.pick(&TEXTS), quoted(&text), text)
            }
            Beside(texts) => {
                let text = r.pick(texts).replace("{}", value);
                (r.pick(&TEXTS), quoted(&text), text)
            }
        };
        if !self.used.insert(name.to_owned()) {
            return false;
        }
        self.fields.push((name.to_owned(), written));
        self.text.push(shown);
        true
    }

    fn object(&mut self) -> String {
        self.used.clear();
        let members = self.fields.drain(..);
        let members: Vec<String> = members.map(|(n, w)| format!("\"{n}\":{w}")).collect();
        format!("{{{}}}", members.join(","))
    }
}

/// A body: one to four objects, in a list or inside each other, of four to ten fields, of which
/// one in three is personal or secret.
pub(crate) fn make(r: &mut Rng) -> Labelled {
    let mut writer = Writer {
        fields: Vec::new(),
        text: Vec::new(),
        there: BTreeMap::new(),
        used: BTreeSet::new(),
    };
    let mut objects = Vec::new();
    for _ in 0..r.between(1, 4) {
        if r.chance(15) {
            person(r, &mut writer);
        }
        for _ in 0..r.between(4, 10) {
            if r.chance(33) {
                let (class, make, at) = POSITIVES[r.below(POSITIVES.len())];
                let value = make(r);
                if writer.put(r, &value, at) {
                    writer
                        .there
                        .entry(class.to_owned())
                        .or_default()
                        .insert(value);
                }
            } else {
                let (make, at) = LOOK_ALIKES[r.below(LOOK_ALIKES.len())];
                let value = make(r);
                writer.put(r, &value, at);
            }
        }
        objects.push(writer.object());
    }
    let json = match r.below(3) {
        0 => format!("{{\"ok\":true,\"items\":[{}]}}", objects.join(",")),
        1 => format!("[{}]", objects.join(",")),
        _ => objects
            .iter()
            .rev()
            .fold("null".to_owned(), |inner, object| {
                format!("{},\"next\":{inner}}}", object.trim_end_matches('}'))
            }),
    };
    let there = writer.there.into_iter();
    Labelled {
        json,
        text: writer.text,
        there: there.map(|(c, all)| (c, all.len() as u64)).collect(),
    }
}

/// A name that only what stands beside it tells to be a person's.
fn person(r: &mut Rng, writer: &mut Writer) {
    let (name, mail) = (v::person(r), v::email(r));
    writer.put(r, &name, Named(&["name", "displayName"]));
    writer.put(r, &mail, Named(&["email"]));
    for (class, value) in [("person_name", name), ("email", mail)] {
        writer
            .there
            .entry(class.to_owned())
            .or_default()
            .insert(value);
    }
}
