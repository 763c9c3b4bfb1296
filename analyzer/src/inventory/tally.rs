//! A counter by name that cannot grow without bound.

use core::ops::Index;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What further names are counted under once the cap is reached.
const OTHER: &str = "other";

/// Names that are looked through one by one.
const FEW: usize = 4;

/// Counts by name, at most a given number of names. A sorted list rather than a map: there are
/// few names, mostly one, and an endpoint has hundreds of these, here and as readers are shown it.
/// It reads and is written as a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: Vec<(Box<str>, u64)>,
}

impl Tally {
    /// Goes on from counts.
    #[must_use]
    pub fn from_counts(counts: &BTreeMap<String, u64>) -> Self {
        let owned = |(name, count): (&String, &u64)| (name.as_str().into(), *count);
        Self {
            counts: counts.iter().map(owned).collect(),
        }
    }

    /// Adds `by` to `name`, or to `other` when `cap` names are there already.
    pub fn add(&mut self, name: &str, by: u64, cap: usize) {
        let mut at = self.find(name);
        let mut name = name;
        if at.is_err() && self.counts.len() >= cap {
            name = OTHER;
            at = self.find(name);
        }
        match at {
            Ok(at) => {
                if let Some((_, count)) = self.counts.get_mut(at) {
                    *count = count.saturating_add(by);
                }
            }
            Err(at) => {
                // Most have one name for good.
                if self.counts.is_empty() {
                    self.counts.reserve_exact(1);
                }
                self.counts.insert(at, (name.into(), by));
            }
        }
    }

    /// Takes one from `name`; false when there is none.
    pub fn take_one(&mut self, name: &str) -> bool {
        let Ok(at) = self.find(name) else {
            return false;
        };
        let Some((_, count)) = self.counts.get_mut(at).filter(|(_, count)| *count > 0) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.counts.remove(at);
        }
        true
    }

    /// Takes over another one's counts.
    pub fn merge(&mut self, other: &Self, cap: usize) {
        for (name, count) in &other.counts {
            self.add(name, *count, cap);
        }
    }

    /// The count of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        let found = self.find(name).ok().and_then(|at| self.counts.get(at));
        found.map_or(0, |(_, count)| *count)
    }

    /// Sum over all names.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts
            .iter()
            .fold(0, |sum, (_, n)| sum.saturating_add(*n))
    }

    /// Bytes held beside itself, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let names: usize = self.counts.iter().map(|(name, _)| name.len()).sum();
        names + self.counts.capacity() * size_of::<(Box<str>, u64)>()
    }

    /// All names with their counts, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.counts.iter().map(|(name, count)| (&**name, *count))
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.counts.iter().map(|(name, _)| &**name)
    }

    /// As plain data: in no more room than it needs.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        self.clone()
    }

    /// Number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// Whether the name is there.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_ok()
    }

    /// As a map.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, u64> {
        let owned = |(name, count): (&str, u64)| (name.to_owned(), count);
        self.iter().map(owned).collect()
    }

    /// Where a name is, or belongs.
    fn find(&self, name: &str) -> Result<usize, usize> {
        // Among a few, whether one is the same is told by its length mostly.
        if self.counts.len() <= FEW {
            let same = |(known, _): &(Box<str>, u64)| **known == *name;
            if let Some(at) = self.counts.iter().position(same) {
                return Ok(at);
            }
        }
        self.counts
            .binary_search_by(|(known, _)| (**known).cmp(name))
    }
}

/// The count of a name; 0 of one that is not there.
impl Index<&str> for Tally {
    type Output = u64;

    fn index(&self, name: &str) -> &u64 {
        let found = self.find(name).ok().and_then(|at| self.counts.get(at));
        found.map_or(&0, |(_, count)| count)
    }
}

impl FromIterator<(String, u64)> for Tally {
    fn from_iter<I: IntoIterator<Item = (String, u64)>>(counts: I) -> Self {
        let counts: BTreeMap<String, u64> = counts.into_iter().collect();
        Self::from(counts)
    }
}

impl From<BTreeMap<String, u64>> for Tally {
    fn from(counts: BTreeMap<String, u64>) -> Self {
        let owned = |(name, count): (String, u64)| (name.into(), count);
        Self {
            counts: counts.into_iter().map(owned).collect(),
        }
    }
}

impl Serialize for Tally {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Tally {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tally_is_written_as_a_map_and_finds_few_names_and_many() {
        let mut tally = Tally::default();
        for n in 0..9_u64 {
            tally.add(&format!("n{}", (n * 5) % 9), n, 7);
            let written = serde_json::to_string(&tally).unwrap();
            assert_eq!(written, serde_json::to_string(&tally.to_map()).unwrap());
            assert_eq!(serde_json::from_str::<Tally>(&written).unwrap(), tally);
        }
        // n3 and n4 came when there were seven names.
        assert_eq!((tally.len(), tally["other"], tally["n5"]), (8, 15, 1));
        assert!(tally.contains("n0") && !tally.contains("n4") && tally["n4"] == 0);
    }
}
