//! Counts distinct names: exactly while they are few, by a HyperLogLog sketch beyond that, so that
//! an attacker who makes up callers costs one kibibyte an endpoint and no more.

use std::collections::BTreeSet;

use crate::snapshot::state::DistinctState;

/// Registers of the sketch; 1024 give a standard error of about 3 %.
const REGISTERS: usize = 1 << REGISTER_BITS;

const REGISTER_BITS: u32 = 10;

/// A distinct count.
#[derive(Clone, Debug, PartialEq)]
pub enum Distinct {
    /// All names, while they are few.
    Exact(BTreeSet<u64>),
    /// Registers of the sketch.
    Sketch(Vec<u8>),
}

impl Default for Distinct {
    fn default() -> Self {
        Self::Exact(BTreeSet::new())
    }
}

impl Distinct {
    /// Takes a name; true when it was certainly not there before.
    pub fn insert(&mut self, name: u64, exact: usize) -> bool {
        match self {
            Self::Exact(names) => {
                let new = names.insert(name);
                if names.len() > exact {
                    let mut registers = vec![0; REGISTERS];
                    for name in names.iter() {
                        mark(&mut registers, *name);
                    }
                    *self = Self::Sketch(registers);
                }
                new
            }
            Self::Sketch(registers) => {
                mark(registers, name);
                false
            }
        }
    }

    /// Takes over another one's names.
    pub fn merge(&mut self, other: &Self, exact: usize) {
        match other {
            Self::Exact(names) => {
                for name in names {
                    self.insert(*name, exact);
                }
            }
            Self::Sketch(theirs) => {
                let mut ours = theirs.clone();
                match self {
                    Self::Exact(names) => {
                        for name in names.iter() {
                            mark(&mut ours, *name);
                        }
                    }
                    Self::Sketch(registers) => {
                        for (a, b) in ours.iter_mut().zip(registers.iter()) {
                            *a = (*a).max(*b);
                        }
                    }
                }
                *self = Self::Sketch(ours);
            }
        }
    }

    /// Bytes held beside itself, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Self::Exact(names) => names.len() * 16,
            Self::Sketch(registers) => registers.len(),
        }
    }

    /// How many there are, exactly or by estimate.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Self::Exact(names) => names.len() as u64,
            Self::Sketch(registers) => estimate(registers),
        }
    }

    /// The state to go on from.
    #[must_use]
    pub fn state(&self) -> DistinctState {
        match self {
            Self::Exact(names) => DistinctState {
                exact: names.iter().copied().collect(),
                sketch: String::new(),
            },
            Self::Sketch(registers) => DistinctState {
                exact: Vec::new(),
                // A register holds at most 55: one printable character each.
                sketch: registers
                    .iter()
                    .map(|r| char::from(b'0' + r.min(&64)))
                    .collect(),
            },
        }
    }

    /// Goes on from a state.
    #[must_use]
    pub fn restore(state: &DistinctState) -> Self {
        if state.sketch.len() == REGISTERS {
            return Self::Sketch(
                state
                    .sketch
                    .bytes()
                    .map(|b| b.saturating_sub(b'0').min(64))
                    .collect(),
            );
        }
        Self::Exact(state.exact.iter().copied().collect())
    }
}

/// Mixes a name so that its bits are independent (finaliser of SplitMix64).
fn mix(name: u64) -> u64 {
    let mut h = name.wrapping_add(0x9e37_79b9_7f4a_7c15);
    h = (h ^ (h >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h = (h ^ (h >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    h ^ (h >> 31)
}

fn mark(registers: &mut [u8], name: u64) {
    let h = mix(name);
    let index = usize::try_from(h >> (64 - REGISTER_BITS)).unwrap_or(0);
    let rank = (h << REGISTER_BITS)
        .leading_zeros()
        .min(63 - REGISTER_BITS)
        .saturating_add(1);
    if let Some(register) = registers.get_mut(index) {
        *register = (*register).max(u8::try_from(rank).unwrap_or(u8::MAX));
    }
}

/// HyperLogLog's estimate, with linear counting for the lower range.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate of about 3 % error; the number of registers is small"
)]
fn estimate(registers: &[u8]) -> u64 {
    let m = registers.len() as f64;
    let zeros = registers.iter().filter(|r| **r == 0).count() as f64;
    let sum: f64 = registers.iter().map(|r| (-f64::from(*r)).exp2()).sum();
    let raw = 0.7213 / (1.0 + 1.079 / m) * m * m / sum;
    let value = if raw <= 2.5 * m && zeros > 0.0 {
        m * (m / zeros).ln()
    } else {
        raw
    };
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_while_few_and_near_beyond() {
        for (names, tolerance) in [(10_u64, 0.0), (256, 0.0), (1_000, 0.1), (100_000, 0.1)] {
            let mut distinct = Distinct::default();
            for name in 0..names {
                distinct.insert(name, 256);
                distinct.insert(name, 256);
            }
            let error = (distinct.count() as f64 - names as f64).abs() / names as f64;
            assert!(error <= tolerance, "{names}: {}", distinct.count());
            assert_eq!(Distinct::restore(&distinct.state()), distinct, "{names}");
        }
    }

    #[test]
    fn merging_counts_each_name_once() {
        let fill = |from: u64, to: u64| {
            let mut distinct = Distinct::default();
            for name in from..to {
                distinct.insert(name, 256);
            }
            distinct
        };
        for (a, b, expected) in [
            ((0, 10), (5, 15), 15.0),
            ((0, 100), (0, 5_000), 5_000.0),
            ((0, 5_000), (0, 100), 5_000.0),
            ((0, 5_000), (2_500, 7_500), 7_500.0),
        ] {
            let mut one = fill(a.0, a.1);
            one.merge(&fill(b.0, b.1), 256);
            let error = (one.count() as f64 - expected).abs() / expected;
            assert!(error < 0.1, "{a:?} {b:?}: {}", one.count());
        }
    }
}
