//! Counts the distinct values of each data class in one message, under a cap.

use std::collections::HashSet;

use core::hash::BuildHasher as _;
use foldhash::quality::FixedState;

use tapscope_record::{Counts, Shape, Word};

use crate::text::{CustomClasses, CustomHint, DataClass};

/// Distinct values by class. Values are kept as keyed hashes only, and only until the message is
/// done.
pub(crate) struct Classes {
    hasher: FixedState,
    values_max: usize,
    /// Of the built-in classes, then of those that the configuration defines.
    seen: Vec<HashSet<u64, FixedState>>,
    used: u128,
    custom: CustomClasses,
    dropped: u64,
    /// Empty between messages.
    counts: Vec<(Word, u32)>,
}

impl Classes {
    pub(crate) fn new(seed: u64, values_max: usize, custom: CustomClasses) -> Self {
        Self {
            hasher: FixedState::with_seed(seed),
            values_max,
            seen: (0..DataClass::COUNT + custom.count())
                .map(|_| HashSet::with_hasher(FixedState::with_seed(seed)))
                .collect(),
            custom,
            used: 0,
            dropped: 0,
            counts: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, class: DataClass, value: &[u8]) {
        let hash = self.hash(value);
        self.add_hash(class, hash);
    }

    /// What a value is told apart by.
    pub(crate) fn hash(&self, value: &[u8]) -> u64 {
        self.hasher.hash_one(value)
    }

    /// Counts a value that was hashed before its class was known.
    pub(crate) fn add_hash(&mut self, class: DataClass, hash: u64) {
        self.count(class as usize, hash);
    }

    fn count(&mut self, at: usize, hash: u64) {
        let Some(seen) = self.seen.get_mut(at) else {
            return;
        };
        self.used |= 1 << at;
        if seen.len() < self.values_max {
            seen.insert(hash);
        } else if !seen.contains(&hash) {
            self.dropped += 1;
        }
    }

    /// The classes that the configuration defines.
    pub(crate) const fn custom(&self) -> &CustomClasses {
        &self.custom
    }

    /// Counts a value of a class that the configuration defines, and notes that class at its
    /// field: before a built-in one, unless the class waits for further values.
    pub(crate) fn add_custom(&mut self, hint: CustomHint, value: &[u8], noted: &mut Option<Word>) {
        let Some(class) = self.custom.class_of(hint, value) else {
            return;
        };
        let hash = self.hash(value);
        self.count(DataClass::COUNT + class, hash);
        let stays = match noted.as_deref() {
            Some(known) => self.custom.distinct_values_min(class) > 1 || self.custom.has(known),
            None => false,
        };
        if !stays {
            *noted = Some(self.custom.name(class).to_owned().into());
        }
    }

    /// Counts a name that is itself a value of such a class.
    pub(crate) fn add_custom_name(&mut self, name: &[u8]) {
        self.add_custom(CustomHint::default(), name, &mut None);
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        if self.used != 0 {
            while self.used != 0 {
                let at = self.used.trailing_zeros() as usize;
                if let Some(set) = self.seen.get_mut(at) {
                    set.clear();
                }
                self.used &= self.used - 1;
            }
        }
    }

    /// The counts; the values are forgotten. Classes that have fewer values than they ask for are
    /// none, also not at the fields of `shape`.
    pub(crate) fn take_counts(&mut self, shape: Option<&mut Shape>) -> Counts {
        if self.used == 0 {
            return Counts::default();
        }
        let mut too_few = Vec::new();
        let mut counts = core::mem::take(&mut self.counts);
        let mut used = self.used;
        while used != 0 {
            let at = used.trailing_zeros() as usize;
            used &= used - 1;
            let seen = self.seen.get(at).map_or(0, HashSet::len);
            let Some(class) = at.checked_sub(DataClass::COUNT) else {
                let class = DataClass::ALL.get(at).map(|class| class.as_str());
                counts.extend(class.map(|class| (class.into(), number(seen))));
                continue;
            };
            let name = self.custom.name(class);
            if seen >= self.custom.distinct_values_min(class).min(self.values_max) {
                counts.push((Word::of(name), number(seen)));
            } else {
                too_few.push(name);
            }
        }
        if let (Some(shape), false) = (shape, too_few.is_empty()) {
            forget(shape, &too_few);
        }
        self.clear();
        let found = Counts::of_different(&mut counts);
        counts.clear();
        self.counts = counts;
        found
    }

    /// Values that were over the cap since the last call.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        core::mem::take(&mut self.dropped)
    }
}

/// A number of values.
fn number(values: usize) -> u32 {
    u32::try_from(values).unwrap_or(u32::MAX)
}

/// Takes classes off the fields of a shape, whose depth is bounded.
fn forget(shape: &mut Shape, classes: &[&str]) {
    for field in &mut shape.fields {
        if field
            .class
            .as_deref()
            .is_some_and(|class| classes.contains(&class))
        {
            field.class = None;
        }
        forget(&mut field.shape, classes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_under_a_cap() {
        let mut classes = Classes::new(7, 2, CustomClasses::default());
        for value in ["a", "b", "a", "c"] {
            classes.add(DataClass::Email, value.as_bytes());
        }
        classes.add(DataClass::Geo, b"1.5");
        let counts = classes.take_counts(None);
        assert_eq!(
            counts.iter().collect::<Vec<_>>(),
            [("email", 2), ("geo", 1)]
        );
        assert_eq!(classes.take_dropped(), 1);
        assert!(classes.take_counts(None).is_empty());
    }

    #[test]
    fn classes_stand_at_their_discriminant() {
        assert!(
            DataClass::ALL
                .iter()
                .enumerate()
                .all(|(index, class)| *class as usize == index)
        );
    }
}
