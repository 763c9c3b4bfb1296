//! The numbers that a parameter takes, while they are few: a size of a page is one of four, a number
//! of an order is not.

/// Numbers kept; of more it is not a choice.
const KEPT: usize = 15;

/// Numbers from here on are known roughly only.
const EXACT_BELOW: f64 = 10_000.0;

/// Different whole numbers, ascending; mostly none are kept, so they stand apart.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::box_collection, reason = "most parameters have none")]
pub(super) struct Few(Option<Box<Vec<f64>>>);

impl Few {
    /// Goes on from numbers.
    pub(super) fn restore(numbers: &[f64]) -> Self {
        let mut new = Self::default();
        for number in numbers {
            new.insert(*number);
        }
        new
    }

    /// Takes a number, as long as there is room: once there is none, there are more values than
    /// numbers here, and they are no choice.
    pub(super) fn insert(&mut self, number: f64) {
        let is_exact = number.fract() == 0.0 && number.abs() < EXACT_BELOW;
        if !is_exact {
            return;
        }
        let known = self.0.get_or_insert_default();
        let place = known.binary_search_by(|one| one.total_cmp(&number));
        if let Err(at) = place
            && known.len() < KEPT
        {
            known.insert(at, number);
        }
    }

    /// Takes over another one's numbers.
    pub(super) fn merge(&mut self, other: &Self) {
        for number in other.0.iter().flat_map(|all| all.iter()) {
            self.insert(*number);
        }
    }

    /// The numbers, while there are no more values than fit.
    pub(super) fn numbers(&self) -> Vec<f64> {
        self.0.as_deref().cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_numbers_are_kept_whatever_their_order() {
        let mut one = Few::restore(&[50.0, 10.0, 20.0, 10.0, 12.5, 48_000.0]);
        assert_eq!(one.numbers(), [10.0, 20.0, 50.0]);
        one.merge(&Few::restore(&[100.0, 20.0]));
        assert_eq!(one.numbers(), [10.0, 20.0, 50.0, 100.0]);
        let many: Vec<f64> = (0..100).map(f64::from).collect();
        assert_eq!(Few::restore(&many).numbers().len(), KEPT);
        assert!(Few::default().numbers().is_empty());
    }
}
