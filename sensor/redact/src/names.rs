//! Names met before. Fields have the same few hundred names in message after message: what a name
//! promises, and that it may stand in a record, is found out once.
//!
//! Only names that are harmless are kept, so that nothing personal stays here.

use core::hash::BuildHasher as _;

use foldhash::quality::FixedState;
use tapscope_record::packed;

use crate::text::{CustomClasses, CustomHint, FieldHint, field_hint, first_class};

/// Longest name that is remembered; those of fields are seldom longer.
const NAME_BYTES_MAX: usize = 38;

/// What a harmless name promises of the value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) hint: Option<FieldHint>,
    pub(crate) custom: CustomHint,
}

/// One name; an empty place has none.
#[derive(Clone, Copy)]
struct Known {
    len: u8,
    /// Nought behind the name.
    bytes: [u8; NAME_BYTES_MAX],
    promise: Promise,
}

impl Known {
    const NONE: Self = Self {
        len: 0,
        bytes: [0; NAME_BYTES_MAX],
        promise: Promise {
            hint: None,
            custom: CustomHint::NONE,
        },
    };

    fn is(&self, name: &[u8], packed: Option<u128>) -> bool {
        let Some(packed) = packed else {
            return self.bytes.get(..usize::from(self.len)) == Some(name);
        };
        // A short name as a whole, without a call to compare it.
        let [bytes @ .., len] = packed.to_le_bytes();
        self.len == len && self.bytes.first_chunk() == Some(&bytes)
    }
}

/// The names that are remembered, the latest in each place.
pub(crate) struct Names {
    hasher: FixedState,
    places: Vec<Known>,
    custom: CustomClasses,
    name_bytes_max: usize,
}

impl Names {
    /// Remembers up to so many names; `name_bytes_max` is what a record takes of one.
    pub(crate) fn new(
        seed: u64,
        names_max: usize,
        name_bytes_max: usize,
        custom: CustomClasses,
    ) -> Self {
        Self {
            hasher: FixedState::with_seed(seed),
            places: vec![Known::NONE; names_max],
            custom,
            name_bytes_max,
        }
    }

    /// What a name promises, whatever it is.
    pub(crate) fn hint(&mut self, name: &[u8]) -> Option<FieldHint> {
        let short = packed(name);
        if let Some(place) = self.place(name, short)
            && place.is(name, short)
        {
            return place.promise.hint;
        }
        let known = self.known(name);
        known.map_or_else(|| field_hint(name), |(_, promise)| promise.hint)
    }

    /// A name as text and what it promises, where it is one that may stand in a record as it is.
    pub(crate) fn known<'n>(&mut self, name: &'n [u8]) -> Option<(&'n str, Promise)> {
        // Numbers are no names that come again.
        let text = core::str::from_utf8(name).ok()?;
        if name.first().is_some_and(u8::is_ascii_digit) {
            return None;
        }
        Some((text, self.harmless(text)?))
    }

    /// What a name promises that holds no datum and may stand in a record as it is; none for any
    /// other, and for those that are too long to be remembered.
    pub(crate) fn harmless(&mut self, name: &str) -> Option<Promise> {
        let raw = name.as_bytes();
        let short = packed(raw);
        let place = self.place(raw, short)?;
        if place.is(raw, short) {
            return Some(place.promise);
        }
        let is_harmless = self.custom.class_of(CustomHint::NONE, raw).is_none()
            && first_class(raw).is_none()
            && self.custom.safe_name(raw, self.name_bytes_max) == name;
        if !is_harmless {
            return None;
        }
        let promise = Promise {
            hint: field_hint(raw),
            custom: self.custom.hint(raw),
        };
        let place = self.place(raw, short)?;
        place.bytes = [0; NAME_BYTES_MAX];
        place.len = u8::try_from(raw.len()).ok()?;
        place.bytes.get_mut(..raw.len())?.copy_from_slice(raw);
        place.promise = promise;
        Some(promise)
    }

    /// Where a name is remembered, if it can be.
    fn place(&mut self, name: &[u8], packed: Option<u128>) -> Option<&mut Known> {
        if name.is_empty() || name.len() > NAME_BYTES_MAX.min(self.name_bytes_max) {
            return None;
        }
        let places = self.places.len() as u64;
        // The hash is a good one: its low bits tell the place.
        let hash = match packed {
            Some(packed) => self.hasher.hash_one(packed),
            None => self.hasher.hash_one(name),
        };
        let at = usize::try_from(hash.checked_rem(places)?).ok()?;
        self.places.get_mut(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_is_found_out() {
        let mut names = Names::new(1, 8, 64, CustomClasses::default());
        for _ in 0..3 {
            for name in [
                "id",
                "email",
                "phone",
                "order_number",
                "password",
                "a",
                "b",
                "c",
                "d",
                "e",
            ] {
                let hint = field_hint(name.as_bytes());
                let promise = Promise {
                    hint,
                    custom: CustomHint::NONE,
                };
                assert_eq!(names.harmless(name), Some(promise), "{name}");
            }
            for name in [
                "",
                "jo@example.com",
                "550e8400-e29b-41d4-a716-446655440000",
                "a_name_that_is_longer_than_names_of_fields_are",
            ] {
                assert_eq!(names.harmless(name), None, "{name}");
            }
        }
    }

    #[test]
    fn nothing_is_remembered_without_room() {
        let mut names = Names::new(1, 0, 64, CustomClasses::default());
        assert_eq!(names.harmless("id"), None);
    }
}
