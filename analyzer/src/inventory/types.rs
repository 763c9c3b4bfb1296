//! Counts by type of value, and the names types go by.

use std::collections::BTreeMap;

use super::tally::Tally;
use tapscope_record::ValueType;

/// Counts by type: there are few, mostly one.
#[derive(Clone, Debug, Default)]
pub(super) struct Types(Vec<(ValueType, u64)>);

impl Types {
    /// No counts yet, with room for those of so many types.
    pub(super) fn with_room(types: usize) -> Self {
        Self(Vec::with_capacity(types.min(TYPES.len())))
    }

    /// Adds `by` values of the type.
    pub(super) fn add(&mut self, kind: ValueType, by: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count = count.saturating_add(by),
            None => {
                if self.0.capacity() == 0 {
                    self.0.reserve_exact(1);
                }
                self.0.push((kind, by));
            }
        }
    }

    /// Takes over another one's counts.
    pub(super) fn merge(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            self.add(*kind, *count);
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All types, with how often.
    pub(super) fn iter(&self) -> impl Iterator<Item = (ValueType, u64)> {
        self.0.iter().copied()
    }

    /// Bytes held beside itself.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<(ValueType, u64)>()
    }

    /// As plain data.
    pub(super) fn snapshot(&self) -> BTreeMap<String, u64> {
        let named = |(kind, count): &(ValueType, u64)| (type_name(*kind).to_owned(), *count);
        self.0.iter().map(named).collect()
    }

    /// As plain data in little room.
    pub(super) fn tally(&self) -> Tally {
        let mut named = Tally::default();
        for (kind, count) in &self.0 {
            named.add(type_name(*kind), *count, usize::MAX);
        }
        named
    }

    /// Goes on from plain data in little room.
    pub(super) fn of_tally(counts: &Tally) -> Self {
        let typed = |(name, count): (&str, u64)| (type_named(name), count);
        Self(counts.iter().map(typed).collect())
    }

    /// Goes on from plain data.
    pub(super) fn restore(counts: &BTreeMap<String, u64>) -> Self {
        let typed = |(name, count): (&String, &u64)| (type_named(name), *count);
        Self(counts.iter().map(typed).collect())
    }
}

/// Types with their names, as the record's form spells them.
pub(super) const TYPES: [(ValueType, &str); 17] = [
    (ValueType::String, "string"),
    (ValueType::Empty, "empty"),
    (ValueType::Null, "null"),
    (ValueType::Boolean, "boolean"),
    (ValueType::Integer, "integer"),
    (ValueType::Number, "number"),
    (ValueType::Uuid, "uuid"),
    (ValueType::Date, "date"),
    (ValueType::DateTime, "date_time"),
    (ValueType::Email, "email"),
    (ValueType::Address, "address"),
    (ValueType::Url, "url"),
    (ValueType::Hex, "hex"),
    (ValueType::Binary, "binary"),
    (ValueType::Jwt, "jwt"),
    (ValueType::Object, "object"),
    (ValueType::Array, "array"),
];

/// The number of a type: where it stands among [`TYPES`].
pub(crate) const fn number_of(kind: ValueType) -> u8 {
    match kind {
        ValueType::Empty => 1,
        ValueType::Null => 2,
        ValueType::Boolean => 3,
        ValueType::Integer => 4,
        ValueType::Number => 5,
        ValueType::Uuid => 6,
        ValueType::Date => 7,
        ValueType::DateTime => 8,
        ValueType::Email => 9,
        ValueType::Address => 10,
        ValueType::Url => 11,
        ValueType::Hex => 12,
        ValueType::Binary => 13,
        ValueType::Jwt => 14,
        ValueType::Object => 15,
        ValueType::Array => 16,
        // And what is not known here.
        _ => 0,
    }
}

/// The name of the type of that number.
pub(crate) fn type_at(number: u8) -> Option<&'static str> {
    TYPES.get(usize::from(number)).map(|(_, name)| *name)
}

fn type_name(kind: ValueType) -> &'static str {
    type_at(number_of(kind)).unwrap_or("string")
}

fn type_named(name: &str) -> ValueType {
    let kind = TYPES.iter().find(|(_, known)| *known == name);
    kind.map_or(ValueType::String, |(kind, _)| *kind)
}

/// The type of a path segment's text, as far as that is plain to see.
pub(super) fn type_of_segment(text: &str) -> ValueType {
    let hex = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit());
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    if digits(text) || text.strip_prefix('-').is_some_and(digits) {
        ValueType::Integer
    } else if text
        .split_once('.')
        .is_some_and(|(a, b)| digits(a.strip_prefix('-').unwrap_or(a)) && digits(b))
    {
        ValueType::Number
    } else if text.len() == 36 && text.split('-').count() == 5 && text.split('-').all(hex) {
        ValueType::Uuid
    } else if is_date(text) {
        ValueType::Date
    } else if text.len() >= 8 && hex(text) {
        ValueType::Hex
    } else {
        ValueType::String
    }
}

/// Whether the text is a calendar date (RFC 3339 full-date).
fn is_date(text: &str) -> bool {
    let mut parts = text
        .split('-')
        .map(|part| (part.len(), part.parse::<u16>()));
    let date = [parts.next(), parts.next(), parts.next()];
    matches!(
        date,
        [
            Some((4, Ok(_))),
            Some((2, Ok(1..=12))),
            Some((2, Ok(1..=31)))
        ]
    ) && parts.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_keeps_its_name() {
        for (kind, name) in TYPES {
            let serialised = serde_json::to_value(kind).unwrap();
            assert_eq!(serialised, name);
            assert_eq!(type_named(name), kind);
            assert_eq!(type_name(kind), name);
            assert_eq!(type_at(number_of(kind)), Some(name));
        }
    }

    #[test]
    fn segments_have_the_type_that_is_plain_to_see() {
        for (text, expected) in [
            ("12", ValueType::Integer),
            ("-7", ValueType::Integer),
            ("51.5", ValueType::Number),
            ("2024-02-30", ValueType::Date),
            ("2024-13-01", ValueType::String),
            ("deadbeef00", ValueType::Hex),
            ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", ValueType::Uuid),
            ("me", ValueType::String),
            ("", ValueType::String),
        ] {
            assert_eq!(type_of_segment(text), expected, "{text}");
        }
    }
}
