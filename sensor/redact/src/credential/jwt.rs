//! The two facts of a JSON Web Token (RFC 7519) that are used: whom it names, whether it is signed.

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
}

/// Reads the facts; parts longer than `part_bytes_max` are not looked into.
pub(super) fn read(token: &[u8], part_bytes_max: usize) -> JwtFacts {
    let mut parts = token.split(|&byte| byte == b'.');
    let mut members = |names: &'static [&'static str; 3]| {
        let part = parts.next().filter(|part| part.len() <= part_bytes_max)?;
        let json = BASE64URL.decode(part).ok()?;
        serde_json::Deserializer::from_slice(&json)
            .deserialize_map(Members { names })
            .ok()
    };
    let header = members(&["alg", "", ""]);
    let claims = members(&["sub", "client_id", "azp"]);
    let unsigned = header
        .and_then(|[alg, ..]| alg)
        .is_some_and(|alg| alg.eq_ignore_ascii_case("none"));
    let subject =
        claims.and_then(|claims| claims.into_iter().flatten().find(|text| !text.is_empty()));
    JwtFacts {
        subject: subject.map(String::into_bytes),
        unsigned,
    }
}

/// Reads three members of an object, as text; everything else is passed over.
struct Members {
    names: &'static [&'static str; 3],
}

impl<'de> Visitor<'de> for Members {
    type Value = [Option<String>; 3];

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = [None, None, None];
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
    names: &'static [&'static str; 3],
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
}
