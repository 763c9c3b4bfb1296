//! Ids as text: 16 lower-case hexadecimal digits.

use core::fmt;

use serde::{Serialize, Serializer};
use utoipa::ToSchema;

/// The id of an endpoint, a finding or a consumer: 16 lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, ToSchema)]
#[schema(value_type = String, pattern = "^[0-9a-f]{16}$", example = "00f1e2d3c4b5a697")]
pub struct Id(pub u64);

impl Id {
    /// Reads an id; none when the text is not 16 hexadecimal digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let well_formed = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !well_formed {
            return None;
        }
        u64::from_str_radix(text, 16).ok().map(Self)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_can_be_read_back() {
        for value in [0, 1, u64::MAX, 0x00f1_e2d3_c4b5_a697] {
            assert_eq!(Id::parse(&Id(value).to_string()), Some(Id(value)));
        }
    }

    #[test]
    fn refuses_what_is_no_id() {
        for text in [
            "",
            "1",
            "+0f1e2d3c4b5a697",
            "zzzzzzzzzzzzzzzz",
            "00f1e2d3c4b5a6970",
            "é",
        ] {
            assert_eq!(Id::parse(text), None, "{text}");
        }
    }
}
