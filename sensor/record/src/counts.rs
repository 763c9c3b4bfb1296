//! Numbers by name that many records share: bodies that come again have the same.

use core::fmt;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Word;

/// Numbers by name, ascending; copies share them until one is changed. It reads and is written as a
/// map.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Counts(Option<Arc<[(Word, u32)]>>);

impl Counts {
    /// Of names that differ, in any order, which are sorted where they stand.
    #[must_use]
    pub fn of_different(counts: &mut [(Word, u32)]) -> Self {
        counts.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        Self((!counts.is_empty()).then(|| (&*counts).into()))
    }

    /// The names with their numbers, ascending. Copies that are shared have theirs at one place.
    #[must_use]
    pub fn as_slice(&self) -> &[(Word, u32)] {
        self.0.as_deref().unwrap_or_default()
    }

    /// The names with their numbers, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        self.as_slice().iter().map(|(name, n)| (name.as_str(), *n))
    }

    /// The names, ascending.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.as_slice().iter().map(|(name, _)| name.as_str())
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The number of a name; nought where it is not there.
    #[must_use]
    pub fn get(&self, name: &str) -> u32 {
        let of_name = self.iter().find(|(known, _)| *known == name);
        of_name.map_or(0, |(_, n)| n)
    }

    /// Adds to the number of a name.
    pub fn add(&mut self, name: Word, more: u32) {
        let known = self.as_slice().iter().cloned();
        *self = known.chain([(name, more)]).collect();
    }
}

impl FromIterator<(Word, u32)> for Counts {
    /// Of names in any order, with the sums of those that come several times.
    fn from_iter<I: IntoIterator<Item = (Word, u32)>>(counts: I) -> Self {
        let mut all: Vec<(Word, u32)> = counts.into_iter().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.dedup_by(|(next, more), (kept, sum)| {
            let is_same = next == kept;
            *sum = if is_same {
                sum.saturating_add(*more)
            } else {
                *sum
            };
            is_same
        });
        Self((!all.is_empty()).then(|| all.into()))
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let counts: BTreeMap<String, u32> = BTreeMap::deserialize(deserializer)?;
        Ok(counts
            .into_iter()
            .map(|(name, n)| (name.into(), n))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_not_shared() {
        let mut counts = Counts::default();
        assert!(counts.is_empty());
        counts.add("email".into(), 2);
        let before = counts.clone();
        assert_eq!(before.as_slice().as_ptr(), counts.as_slice().as_ptr());
        counts.add("card".into(), 1);
        counts.add("email".into(), u32::MAX);
        assert_eq!((before.get("email"), before.get("card")), (2, 0));
        assert_eq!((counts.get("email"), counts.get("card")), (u32::MAX, 1));
        let mut two = [("email".into(), u32::MAX), ("card".into(), 1)];
        assert_eq!(Counts::of_different(&mut two), counts);
        assert_eq!(Counts::of_different(&mut []), Counts::default());
        let written = serde_json::to_string(&counts).unwrap();
        assert_eq!(written, r#"{"card":1,"email":4294967295}"#);
        assert_eq!(serde_json::from_str::<Counts>(&written).unwrap(), counts);
        assert_eq!(
            serde_json::from_str::<Counts>("{}").unwrap(),
            Counts::default()
        );
    }
}
