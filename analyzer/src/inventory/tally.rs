//! A counter by name that cannot grow without bound.

use std::collections::BTreeMap;

/// What further names are counted under once the cap is reached.
const OTHER: &str = "other";

/// Counts by name, at most a given number of names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tally {
    counts: BTreeMap<String, u64>,
}

impl Tally {
    /// Goes on from counts.
    #[must_use]
    pub fn from_counts(counts: BTreeMap<String, u64>) -> Self {
        Self { counts }
    }

    /// Adds `by` to `name`, or to `other` when `cap` names are there already.
    pub fn add(&mut self, name: &str, by: u64, cap: usize) {
        if let Some(count) = self.counts.get_mut(name) {
            *count = count.saturating_add(by);
            return;
        }
        let name = if self.counts.len() < cap { name } else { OTHER };
        let count = self.counts.entry(name.to_owned()).or_insert(0);
        *count = count.saturating_add(by);
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
        self.counts.get(name).copied().unwrap_or(0)
    }

    /// Sum over all names.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts
            .values()
            .fold(0, |sum, n| sum.saturating_add(*n))
    }

    /// All counts.
    #[must_use]
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }
}
