//! Paths of an endpoint that were sent in another spelling than the one they are counted under.

use std::collections::BTreeSet;

/// The spellings of one endpoint; the first ones stay.
#[derive(Clone, Debug, Default)]
pub(super) struct Spellings {
    /// As they were sent (redacted).
    pub(super) paths: BTreeSet<String>,
    /// Exchanges with such a path, kept or not.
    pub(super) exchanges: u64,
}

impl Spellings {
    /// Takes in one.
    pub(super) fn add(&mut self, path: &str, max: usize) {
        self.exchanges = self.exchanges.saturating_add(1);
        self.keep(path, max);
    }

    /// Takes over those of an endpoint that proved to be this one.
    pub(super) fn merge(&mut self, other: &Self, max: usize) {
        self.exchanges = self.exchanges.saturating_add(other.exchanges);
        for path in &other.paths {
            self.keep(path, max);
        }
    }

    fn keep(&mut self, path: &str, max: usize) {
        if self.paths.len() < max && !self.paths.contains(path) {
            self.paths.insert(path.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_counted_and_a_bounded_number_is_kept() {
        let mut ours = Spellings::default();
        for path in ["/%61", "//a", "/%61", "/a//"] {
            ours.add(path, 2);
        }
        assert_eq!((ours.exchanges, ours.paths.len()), (4, 2));
        let mut all = Spellings::default();
        all.add("/a//", 9);
        all.merge(&ours, 9);
        assert_eq!((all.exchanges, all.paths.len()), (5, 3));
    }
}
