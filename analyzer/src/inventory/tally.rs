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
/// A single name stands in the tally itself, so that counting one more touches nothing else.
/// It reads and is written as a map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally(Counts);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Counts {
    #[default]
    None,
    One([(Name, u64); 1]),
    /// Two or more; or fewer, once there were.
    Many(Vec<(Name, u64)>),
}

impl Tally {
    /// Goes on from counts.
    #[must_use]
    pub fn from_counts(counts: &BTreeMap<String, u64>) -> Self {
        let owned = |(name, count): (&String, &u64)| (Name::from(name.as_str()), *count);
        Self::of(counts.iter().map(owned))
    }

    /// Of names that ascend.
    fn of(mut counts: impl ExactSizeIterator<Item = (Name, u64)>) -> Self {
        Self(match counts.len() {
            0 => Counts::None,
            1 => counts.next().map_or(Counts::None, |one| Counts::One([one])),
            _ => Counts::Many(counts.collect()),
        })
    }

    fn counts(&self) -> &[(Name, u64)] {
        match &self.0 {
            Counts::None => &[],
            Counts::One(one) => one,
            Counts::Many(many) => many,
        }
    }

    fn count_mut(&mut self, at: usize) -> Option<&mut u64> {
        let counts: &mut [(Name, u64)] = match &mut self.0 {
            Counts::None => &mut [],
            Counts::One(one) => one,
            Counts::Many(many) => many,
        };
        counts.get_mut(at).map(|(_, count)| count)
    }

    fn insert(&mut self, at: usize, name: &str, count: u64) {
        let new = (Name::from(name), count);
        match core::mem::take(&mut self.0) {
            Counts::None => self.0 = Counts::One([new]),
            Counts::One([one]) => {
                let pair = if at == 0 { [new, one] } else { [one, new] };
                self.0 = Counts::Many(pair.into());
            }
            Counts::Many(mut many) => {
                many.insert(at, new);
                self.0 = Counts::Many(many);
            }
        }
    }

    fn remove(&mut self, at: usize) {
        match &mut self.0 {
            Counts::None => {}
            Counts::One(_) => self.0 = Counts::None,
            Counts::Many(many) => {
                many.remove(at);
            }
        }
    }

    /// Adds `by` to `name`, or to `other` when `cap` names are there already.
    pub fn add(&mut self, name: &str, by: u64, cap: usize) {
        let mut at = self.find(name);
        let mut name = name;
        if at.is_err() && self.len() >= cap {
            name = OTHER;
            at = self.find(name);
        }
        match at {
            Ok(at) => {
                if let Some(count) = self.count_mut(at) {
                    *count = count.saturating_add(by);
                }
            }
            Err(at) => self.insert(at, name, by),
        }
    }

    /// Takes one from `name`; false when there is none.
    pub fn take_one(&mut self, name: &str) -> bool {
        let Ok(at) = self.find(name) else {
            return false;
        };
        let Some(count) = self.count_mut(at).filter(|count| **count > 0) else {
            return false;
        };
        *count -= 1;
        if *count == 0 {
            self.remove(at);
        }
        true
    }

    /// Takes over another one's counts.
    pub fn merge(&mut self, other: &Self, cap: usize) {
        for (name, count) in other.iter() {
            self.add(name, count, cap);
        }
    }

    /// The count of `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> u64 {
        self[name]
    }

    /// Sum over all names.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.iter().fold(0, |sum, (_, n)| sum.saturating_add(n))
    }

    /// Bytes held beside itself, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let Counts::Many(many) = &self.0 else {
            return self.counts().iter().map(|(name, _)| name.bytes()).sum();
        };
        let names: usize = many.iter().map(|(name, _)| name.bytes()).sum();
        names + many.capacity() * size_of::<(Name, u64)>()
    }

    /// All names with their counts, ascending.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.counts()
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> + Clone {
        self.counts().iter().map(|(name, _)| name.as_str())
    }

    /// As plain data: in no more room than it needs.
    #[must_use]
    pub fn snapshot(&self) -> Self {
        self.clone()
    }

    /// Number of names.
    #[must_use]
    pub fn len(&self) -> usize {
        self.counts().len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.counts().is_empty()
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
        let counts = self.counts();
        // Among a few, whether one is the same is told by its length mostly.
        if counts.len() <= FEW {
            let same = |(known, _): &(Name, u64)| known.is(name);
            if let Some(at) = counts.iter().position(same) {
                return Ok(at);
            }
        }
        counts.binary_search_by(|(known, _)| known.as_bytes().cmp(name.as_bytes()))
    }
}

/// A name: most are short, and stand where they are counted.
#[derive(Clone, PartialEq, Eq)]
enum Name {
    Short { len: u8, bytes: [u8; SHORT] },
    Long(Box<str>),
}

/// The longest name that needs no memory of its own: as much as a pointer to one takes anyway, and
/// the tag; media types and addresses fit.
const SHORT: usize = 22;

impl Name {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Self::Long(text) => text.as_bytes(),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            Self::Short { .. } => core::str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Long(text) => text,
        }
    }

    fn is(&self, name: &str) -> bool {
        self.as_bytes() == name.as_bytes()
    }

    /// Bytes held beside itself.
    fn bytes(&self) -> usize {
        match self {
            Self::Short { .. } => 0,
            Self::Long(text) => text.len(),
        }
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        let mut bytes = [0; SHORT];
        match (bytes.get_mut(..text.len()), u8::try_from(text.len())) {
            (Some(room), Ok(len)) => {
                room.copy_from_slice(text.as_bytes());
                Self::Short { len, bytes }
            }
            _ => Self::Long(text.into()),
        }
    }
}

impl core::fmt::Debug for Name {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.as_str().fmt(f)
    }
}

/// The count of a name; 0 of one that is not there.
impl Index<&str> for Tally {
    type Output = u64;

    fn index(&self, name: &str) -> &u64 {
        let found = self.find(name).ok().and_then(|at| self.counts().get(at));
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
        Self::from_counts(&counts)
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
    fn names_of_any_length_are_counted_under_themselves() {
        let mut tally = Tally::default();
        let names: Vec<String> = (0..30).rev().map(|n| "ü".repeat(n)).collect();
        for (name, n) in names.iter().zip(1..) {
            tally.add(name, n, 99);
        }
        assert!(tally.take_one("ü".repeat(29).as_str()), "there was one");
        assert_eq!(tally.len(), 29);
        for (name, n) in names.iter().zip(1..).skip(1) {
            assert_eq!(tally.get(name), n, "{name}");
        }
        assert!(tally.names().is_sorted() && tally.clone() == tally);
        assert!(size_of::<Tally>() <= 40);
    }

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
