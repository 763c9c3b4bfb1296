//! Counts the distinct values of each data class in one message, under a cap.

use std::collections::{BTreeMap, HashSet};

use core::hash::BuildHasher as _;
use foldhash::quality::FixedState;

use crate::text::DataClass;

/// Distinct values by class. Values are kept as keyed hashes only, and only until the message is
/// done.
pub(crate) struct Classes {
    hasher: FixedState,
    values_max: usize,
    seen: [HashSet<u64, FixedState>; DataClass::COUNT],
    used: u64,
    dropped: u64,
}

impl Classes {
    pub(crate) fn new(seed: u64, values_max: usize) -> Self {
        Self {
            hasher: FixedState::with_seed(seed),
            values_max,
            seen: core::array::from_fn(|_| HashSet::with_hasher(FixedState::with_seed(seed))),
            used: 0,
            dropped: 0,
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
        self.used |= 1 << class as u8;
        let Some(seen) = self.seen.get_mut(class as usize) else {
            return;
        };
        if seen.len() < self.values_max {
            seen.insert(hash);
        } else if !seen.contains(&hash) {
            self.dropped += 1;
        }
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        if self.used != 0 {
            let used = self.used;
            let sets = self.seen.iter_mut().enumerate();
            sets.filter(|(at, _)| used >> at & 1 == 1)
                .for_each(|(_, set)| set.clear());
            self.used = 0;
        }
    }

    /// The counts; the values are forgotten.
    pub(crate) fn take_counts(&mut self) -> BTreeMap<String, u32> {
        if self.used == 0 {
            return BTreeMap::new();
        }
        let counts = DataClass::ALL
            .iter()
            .zip(&self.seen)
            .filter(|(_, seen)| !seen.is_empty())
            .map(|(class, seen)| {
                (
                    class.as_str().to_owned(),
                    u32::try_from(seen.len()).unwrap_or(u32::MAX),
                )
            })
            .collect();
        self.clear();
        counts
    }

    /// Values that were over the cap since the last call.
    pub(crate) fn take_dropped(&mut self) -> u64 {
        core::mem::take(&mut self.dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_values_under_a_cap() {
        let mut classes = Classes::new(7, 2);
        for value in ["a", "b", "a", "c"] {
            classes.add(DataClass::Email, value.as_bytes());
        }
        classes.add(DataClass::Geo, b"1.5");
        let counts = classes.take_counts();
        assert_eq!(
            counts,
            BTreeMap::from([("email".to_owned(), 2), ("geo".to_owned(), 1)])
        );
        assert_eq!(classes.take_dropped(), 1);
        assert!(classes.take_counts().is_empty());
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
