//! What a JSON Web Token (RFC 7519) says: whom it names, who issued it, how it is signed, how long it
//! lives.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

/// Tolerates padding and stray trailing bits, which some issuers write.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Facts of a token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct JwtFacts {
    /// `sub`, else `client_id`, else `azp`.
    pub(super) subject: Option<Vec<u8>>,
    /// Whether the header's `alg` is `none`.
    pub(super) unsigned: bool,
    /// The header's `alg`.
    pub(super) algorithm: Option<String>,
    /// `iss`.
    pub(super) issuer: Option<String>,
    /// Seconds from `iat` to `exp`.
    pub(super) lifetime_s: Option<u64>,
}

/// Algorithms of the JSON Web Signature registry (RFC 7518 and later); others are not kept.
const ALGORITHMS: [&str; 15] = [
    "HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "ES384", "ES512", "PS256",
    "PS384", "PS512", "EdDSA", "ES256K", "none",
];

/// The algorithm as it may stand in a record.
pub(super) fn algorithm_name(algorithm: Option<&str>) -> &'static str {
    let known = algorithm.and_then(|name| {
        let mut all = ALGORITHMS.into_iter();
        all.find(|known| known.eq_ignore_ascii_case(name))
    });
    known.unwrap_or("{unknown}")
}

/// Members of an object that are read.
const NAMES: usize = 6;

/// Reads the facts; parts longer than `part_bytes_max` are not looked into.
pub(super) fn read(token: &[u8], part_bytes_max: usize) -> JwtFacts {
    let mut parts = token.split(|&byte| byte == b'.');
    let mut members = |names: &'static [&'static str; NAMES]| {
        let part = parts.next().filter(|part| part.len() <= part_bytes_max)?;
        let json = BASE64URL.decode(part).ok()?;
        serde_json::Deserializer::from_slice(&json)
            .deserialize_map(Members { names })
            .ok()
    };
    let header = members(&["alg", "", "", "", "", ""]);
    let claims = members(&["sub", "client_id", "azp", "iss", "iat", "exp"]);
    let algorithm = header.and_then(|[alg, ..]| alg);
    let mut facts = JwtFacts {
        unsigned: algorithm
            .as_ref()
            .is_some_and(|alg| alg.eq_ignore_ascii_case("none")),
        algorithm,
        ..JwtFacts::default()
    };
    if let Some([sub, client_id, azp, iss, iat, exp]) = claims {
        let said = |text: &Option<String>| text.as_ref().is_some_and(|text| !text.is_empty());
        let subject = [sub, client_id, azp].into_iter().find(said).flatten();
        facts.subject = subject.map(String::into_bytes);
        facts.issuer = iss.filter(|text| !text.is_empty());
        let seconds = |text: Option<String>| text?.parse::<u64>().ok();
        facts.lifetime_s = seconds(exp)
            .zip(seconds(iat))
            .and_then(|(to, from)| to.checked_sub(from));
    }
    facts
}

/// Reads some members of an object, as text; everything else is passed over.
struct Members {
    names: &'static [&'static str; NAMES],
}

impl<'de> Visitor<'de> for Members {
    type Value = [Option<String>; NAMES];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [const { None }; NAMES];
        while let Some(Key(index)) = map.next_key_seed(KeySeed { names: self.names })? {
            match index.and_then(|index| found.get_mut(index)) {
                Some(slot) => *slot = map.next_value_seed(TextSeed)?,
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(found)
    }
}

struct Key(Option<usize>);

struct KeySeed {
    names: &'static [&'static str; NAMES],
}

impl<'de> serde::de::DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Key, E> {
        Ok(Key(self
            .names
            .iter()
            .position(|wanted| !wanted.is_empty() && *wanted == name)))
    }
}

/// A string or a number as text; anything else is none.
struct TextSeed;

impl<'de> serde::de::DeserializeSeed<'de> for TextSeed {
    type Value = Option<String>;

    fn deserialize<D: serde::Deserializer<'de>>(
        self,
        deserializer: D,
    ) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TextSeed {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(number.to_string()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn token(header: &str, claims: &str) -> Vec<u8> {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", encode(header), encode(claims)).into_bytes()
    }

    #[test]
    fn subject_and_algorithm() {
        for (header, claims, subject, unsigned) in [
            (
                r#"{"alg":"HS256"}"#,
                r#"{"sub":"u1","azp":"app"}"#,
                Some("u1"),
                false,
            ),
            (
                r#"{"alg":"None"}"#,
                r#"{"azp":"app","x":{"sub":"no"}}"#,
                Some("app"),
                true,
            ),
            (
                r#"{"alg":"RS256"}"#,
                r#"{"client_id":42}"#,
                Some("42"),
                false,
            ),
            (r#"{"alg":"RS256"}"#, r#"{"sub":["a"]}"#, None, false),
            ("not json", "not json", None, false),
        ] {
            let facts = read(&token(header, claims), 1024);
            assert_eq!(
                facts.subject.as_deref(),
                subject.map(str::as_bytes),
                "{claims}"
            );
            assert_eq!(facts.unsigned, unsigned, "{header}");
        }
        assert_eq!(read(b"..", 1024), JwtFacts::default());
    }

    #[test]
    fn issuer_and_lifetime() {
        for (claims, issuer, lifetime) in [
            (
                r#"{"iss":"https://id.example.com/","iat":1700000000,"exp":1700003600}"#,
                Some("https://id.example.com/"),
                Some(3600),
            ),
            (r#"{"iss":"","exp":1700003600}"#, None, None),
            (r#"{"iat":1700003600,"exp":1700000000}"#, None, None),
        ] {
            let facts = read(&token(r#"{"alg":"RS256"}"#, claims), 1024);
            assert_eq!(facts.issuer.as_deref(), issuer, "{claims}");
            assert_eq!(facts.lifetime_s, lifetime, "{claims}");
        }
        for (name, expected) in [
            (Some("rs256"), "RS256"),
            (Some("NONE"), "none"),
            (Some("jo@example.com"), "{unknown}"),
            (None, "{unknown}"),
        ] {
            assert_eq!(algorithm_name(name), expected);
        }
    }
}
