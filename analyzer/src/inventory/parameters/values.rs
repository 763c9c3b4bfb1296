//! How many different values a parameter has, in the memory of a few numbers.
//!
//! Kept are the smallest of the values' hashes. As long as they are few, they are all there are;
//! beyond that the largest of them tells how dense the hashes lie, and so how many there are
//! (k minimum values; with 16 the standard error is about a quarter).

/// Hashes kept.
const KEPT: usize = 16;

/// Different values, by their smallest hashes, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Values(Vec<u64>);

impl Values {
    /// Goes on from hashes.
    pub(super) fn restore(hashes: &[u64]) -> Self {
        let mut new = Self::default();
        for hash in hashes {
            new.insert(*hash);
        }
        new
    }

    /// Takes a value's hash; whether it is one of those kept, and was not before. What is kept is a
    /// fair choice of all values, whatever their order and number.
    pub(super) fn insert(&mut self, hash: u64) -> bool {
        if self.0.len() >= KEPT && self.0.last().is_some_and(|last| hash > *last) {
            return false;
        }
        let Err(at) = self.0.binary_search(&hash) else {
            return false;
        };
        self.0.insert(at, hash);
        self.0.truncate(KEPT);
        at < KEPT
    }

    /// Takes over another one's values.
    pub(super) fn merge(&mut self, other: &Self) {
        for hash in &other.0 {
            self.insert(*hash);
        }
    }

    /// Number of different values; exact below 16.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an estimate"
    )]
    pub(super) fn count(&self) -> u64 {
        match self.0.last() {
            Some(last) if self.0.len() >= KEPT => {
                let density = *last as f64 / u64::MAX as f64;
                let estimate = (KEPT - 1) as f64 / density.max(f64::MIN_POSITIVE);
                (estimate as u64).max(KEPT as u64)
            }
            _ => self.0.len() as u64,
        }
    }

    /// The hashes.
    pub(super) fn hashes(&self) -> Vec<u64> {
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::hash::hash;
    use super::*;

    #[test]
    fn few_values_are_counted_and_many_estimated_whatever_their_order() {
        for (count, least, most) in [(0, 0, 0), (1, 1, 1), (15, 15, 15), (1_000, 500, 2_000)] {
            let hashes: Vec<u64> = (0..count).map(|n: u64| hash(&[&n.to_le_bytes()])).collect();
            let forwards = Values::restore(&hashes);
            let backwards: Vec<u64> = hashes.iter().rev().copied().collect();
            let mut merged = Values::restore(&backwards[..backwards.len() / 2]);
            merged.merge(&forwards);
            assert_eq!(forwards, merged);
            let counted = forwards.count();
            assert!((least..=most).contains(&counted), "{count}: {counted}");
        }
    }
}
