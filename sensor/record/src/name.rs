//! Names of exchanges: the sensor's own are numbers, which are written out where somebody reads
//! them.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of an exchange. It reads and is written as a text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ExchangeName(Held);

/// What the name is. Each text is held in one way only, so that equal names are equal.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Held {
    /// `CONNECTION-ORDINAL`: 16 digits of hexadecimal, and decimal ones.
    Numbers { connection: u64, ordinal: u32 },
    /// Any other text.
    Text(Box<str>),
}

impl ExchangeName {
    /// The name of an exchange of a connection.
    #[must_use]
    pub const fn of_numbers(connection: u64, ordinal: u32) -> Self {
        Self(Held::Numbers {
            connection,
            ordinal,
        })
    }
}

impl Held {
    /// The numbers of a name that is written exactly as they are.
    fn numbers(text: &str) -> Option<Self> {
        let (connection, ordinal) = text.split_once('-')?;
        let numbers = Self::Numbers {
            connection: u64::from_str_radix(connection, 16).ok()?,
            ordinal: ordinal.parse().ok()?,
        };
        (numbers.to_string() == text).then_some(numbers)
    }
}

impl From<&str> for ExchangeName {
    fn from(text: &str) -> Self {
        Self(Held::numbers(text).unwrap_or_else(|| Held::Text(text.into())))
    }
}

impl From<String> for ExchangeName {
    fn from(text: String) -> Self {
        Self(Held::numbers(&text).unwrap_or_else(|| Held::Text(text.into())))
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Numbers {
                connection,
                ordinal,
            } => write!(f, "{connection:016x}-{ordinal}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for ExchangeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ExchangeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_string().fmt(f)
    }
}

impl Serialize for ExchangeName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ExchangeName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_its_text() {
        for text in [
            "",
            "12",
            "a-1",
            "000000000000fedc-10",
            "ffffffffffffffff-4294967295",
            "ffffffffffffffff-4294967296",
            "000000000000FEDC-10",
            "000000000000fedc-010",
            "+00000000000fedc-+10",
            "a name of the source's own",
        ] {
            let name = ExchangeName::from(text);
            assert_eq!(
                (name.to_string(), format!("{name:?}")),
                (text.to_owned(), format!("{text:?}"))
            );
            let written = serde_json::to_string(&name).unwrap();
            assert_eq!(written, serde_json::to_string(text).unwrap());
            assert_eq!(
                serde_json::from_str::<ExchangeName>(&written).unwrap(),
                name
            );
            assert_eq!(ExchangeName::from(text.to_owned()), name);
        }
        let numbers = ExchangeName::of_numbers(0xfedc, 10);
        assert_eq!(ExchangeName::from("000000000000fedc-10"), numbers);
        assert_ne!(ExchangeName::from("000000000000fedc-11"), numbers);
    }
}
