//! A distribution of latencies or sizes in an hdrhistogram of fixed bounds: memory does not depend
//! on what is recorded. Allocated with the first value, since many endpoints never have one.

use hdrhistogram::Histogram;

use crate::snapshot::HistogramSnapshot;

/// Bounds and precision of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Smallest value told apart from zero.
    pub low: u64,
    /// Largest value told apart; larger ones count as this one.
    pub high: u64,
    /// Significant decimal digits.
    pub digits: u8,
}

impl Bounds {
    /// Latency in nanoseconds: microseconds to `max`, two digits, about 12 KiB.
    #[must_use]
    pub fn latency(max: u64) -> Self {
        Self {
            low: 1_000,
            high: max.max(1_000_000),
            digits: 2,
        }
    }

    /// Size in bytes: one digit is enough for sizes, about 3 KiB.
    #[must_use]
    pub fn size(max: u64) -> Self {
        Self {
            low: 1,
            high: max.max(1_000),
            digits: 1,
        }
    }
}

/// A distribution.
#[derive(Clone, Debug)]
pub struct Distribution {
    bounds: Bounds,
    histogram: Option<Histogram<u32>>,
    min: u64,
    max: u64,
}

impl Distribution {
    /// An empty one.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            histogram: None,
            min: u64::MAX,
            max: 0,
        }
    }

    /// Goes on from a snapshot; values keep their buckets.
    #[must_use]
    pub fn restore(bounds: Bounds, snapshot: &HistogramSnapshot) -> Self {
        let mut new = Self::new(bounds);
        for (value, count) in &snapshot.buckets {
            new.record_n(*value, *count);
        }
        if snapshot.count > 0 {
            new.min = snapshot.min;
            new.max = snapshot.max;
        }
        new
    }

    /// Records one value.
    pub fn record(&mut self, value: u64) {
        self.record_n(value, 1);
    }

    fn record_n(&mut self, value: u64, count: u64) {
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        let bounds = self.bounds;
        // The bounds are constants of ours, so construction cannot fail; should it ever, the
        // distribution stays empty rather than taking the analyzer down.
        if self.histogram.is_none() {
            self.histogram =
                Histogram::new_with_bounds(bounds.low, bounds.high, bounds.digits).ok();
        }
        if let Some(histogram) = &mut self.histogram {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            histogram.saturating_record_n(value.min(bounds.high), count);
        }
    }

    /// Takes over another one's values.
    pub fn merge(&mut self, other: &Self) {
        let Some(histogram) = &other.histogram else {
            return;
        };
        // Buckets give their upper ends: the extremes are known better than that.
        let extremes = (self.min.min(other.min), self.max.max(other.max));
        for step in histogram.iter_recorded() {
            self.record_n(step.value_iterated_to(), step.count_since_last_iteration());
        }
        (self.min, self.max) = extremes;
    }

    /// As plain data.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let Some(histogram) = &self.histogram else {
            return HistogramSnapshot::default();
        };
        let quantile = |q| {
            histogram
                .value_at_quantile(q)
                .clamp(self.min.min(self.max), self.max)
        };
        HistogramSnapshot {
            count: histogram.len(),
            min: self.min,
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            max: self.max,
            buckets: histogram
                .iter_recorded()
                .map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_restores_to_the_same_snapshot() {
        let mut one = Distribution::new(Bounds::latency(600_000_000_000));
        for value in [1, 900, 20_000_000, 33_333_333, 7_000_000_000_000] {
            one.record(value);
        }
        let two = Distribution::restore(one.bounds, &one.snapshot());
        assert_eq!(one.snapshot(), two.snapshot());
        assert_eq!(one.snapshot().count, 5);
        assert_eq!(one.snapshot().max, 7_000_000_000_000);
    }

    #[test]
    fn merging_adds_counts_and_keeps_the_extremes() {
        let mut one = Distribution::new(Bounds::size(1 << 40));
        let mut two = one.clone();
        one.record(10);
        two.record(0);
        two.record(1_000_000);
        one.merge(&two);
        let merged = one.snapshot();
        assert_eq!((merged.count, merged.min, merged.max), (3, 0, 1_000_000));
    }

    #[test]
    fn an_empty_distribution_is_all_zero() {
        let empty = Distribution::new(Bounds::size(1 << 40));
        assert_eq!(empty.snapshot(), HistogramSnapshot::default());
    }
}
