//! A distribution of latencies or sizes in buckets as wide as the precision asked for, as
//! HdrHistogram has them. Most endpoints fill few of them: only these are kept.

use crate::snapshot::HistogramSnapshot;

/// Bounds and precision of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Power of two up to which values are not told apart.
    unit_bits: u8,
    /// Power of two of the buckets between a value and its double.
    half_bits: u8,
    /// Largest value told apart; larger ones count as this one.
    high: u64,
}

impl Bounds {
    /// Latency in nanoseconds: microseconds to `max`, two digits: at most some 3,000 buckets.
    #[must_use]
    pub fn latency(max: u64) -> Self {
        Self {
            unit_bits: 9,
            half_bits: 7,
            high: max.max(1_000_000),
        }
    }

    /// Size in bytes: one digit is enough for sizes, some 600 buckets.
    #[must_use]
    pub fn size(max: u64) -> Self {
        Self {
            unit_bits: 0,
            half_bits: 4,
            high: max.max(1_000),
        }
    }

    /// The number of a value's bucket. Below twice the first power they are all of one unit; from
    /// there on each is twice as wide as those before the next power of two.
    fn bucket(self, value: u64) -> u16 {
        let units = value.min(self.high) >> self.unit_bits;
        let half = 1_u64 << self.half_bits;
        let shift = (units | half)
            .ilog2()
            .saturating_sub(u32::from(self.half_bits));
        let bucket = (u64::from(shift) << self.half_bits) + (units >> shift);
        u16::try_from(bucket).unwrap_or(u16::MAX)
    }

    /// The largest value of a bucket.
    fn highest(self, bucket: u16) -> u64 {
        let half = 1_u64 << self.half_bits;
        let bucket = u64::from(bucket);
        let shift = (bucket >> self.half_bits).saturating_sub(1);
        let units = bucket - (shift << self.half_bits);
        debug_assert!(units < 2 * half, "a bucket that no value has");
        let end = (u128::from(units) + 1) << (shift + u64::from(self.unit_bits));
        u64::try_from(end - 1).unwrap_or(u64::MAX)
    }
}

/// A distribution.
#[derive(Clone, Debug)]
pub struct Distribution {
    bounds: Bounds,
    /// Buckets with anything in them, ascending.
    buckets: Vec<(u16, u32)>,
    min: u64,
    max: u64,
}

impl Distribution {
    /// An empty one.
    #[must_use]
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            buckets: Vec::new(),
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
        self.add(self.bounds.bucket(value), count);
    }

    fn add(&mut self, bucket: u16, count: u64) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        match self.buckets.binary_search_by_key(&bucket, |(at, _)| *at) {
            Ok(at) => {
                if let Some((_, known)) = self.buckets.get_mut(at) {
                    *known = known.saturating_add(count);
                }
            }
            Err(at) => self.buckets.insert(at, (bucket, count)),
        }
    }

    /// Takes over another one's values.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.buckets {
            let value = other.bounds.highest(*bucket);
            self.add(self.bounds.bucket(value), u64::from(*count));
        }
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    /// Bytes held beside itself.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<(u16, u32)>()
    }

    /// As plain data.
    #[must_use]
    pub fn snapshot(&self) -> HistogramSnapshot {
        let count = self.count();
        if count == 0 {
            return HistogramSnapshot::default();
        }
        let least = self.min.min(self.max);
        let at = |percent| self.at_percent(percent, count).clamp(least, self.max);
        let buckets = self.buckets.iter();
        HistogramSnapshot {
            count,
            min: self.min,
            p50: at(50),
            p90: at(90),
            p99: at(99),
            max: self.max,
            buckets: buckets
                .map(|(bucket, count)| (self.bounds.highest(*bucket), u64::from(*count)))
                .collect(),
        }
    }

    fn count(&self) -> u64 {
        self.buckets
            .iter()
            .map(|(_, count)| u64::from(*count))
            .sum()
    }

    /// The largest value of the bucket in which so many percent of all are reached.
    fn at_percent(&self, percent: u64, count: u64) -> u64 {
        let wanted = u128::from(count) * u128::from(percent);
        let wanted = u64::try_from(wanted.div_ceil(100))
            .unwrap_or(u64::MAX)
            .max(1);
        let mut reached = 0_u64;
        let found = self.buckets.iter().find(|(_, count)| {
            reached = reached.saturating_add(u64::from(*count));
            reached >= wanted
        });
        found.map_or(0, |(bucket, _)| self.bounds.highest(*bucket))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;
    use proptest::prelude::*;

    proptest! {
        /// The buckets and quantiles are HdrHistogram's.
        #[test]
        fn it_is_what_hdrhistogram_has(
            values in prop::collection::vec((0_u64..50, 0_u32..42), 1..60),
            is_latency: bool,
        ) {
            let (bounds, low, digits) = if is_latency {
                (Bounds::latency(600_000_000_000), 1_000, 2)
            } else {
                (Bounds::size(1 << 40), 1, 1)
            };
            let mut reference = Histogram::<u32>::new_with_bounds(low, bounds.high, digits).unwrap();
            let mut ours = Distribution::new(bounds);
            for (low, shift) in values {
                let value = (low << shift) + low;
                ours.record(value);
                reference.saturating_record(value.min(bounds.high));
            }
            let snapshot = ours.snapshot();
            let recorded = reference.iter_recorded();
            let buckets: Vec<(u64, u64)> = recorded
                .map(|step| (step.value_iterated_to(), step.count_since_last_iteration()))
                .collect();
            prop_assert_eq!(snapshot.buckets, buckets);
            prop_assert_eq!(snapshot.count, reference.len());
            for (ours_at, quantile) in [(snapshot.p50, 0.5), (snapshot.p90, 0.9)] {
                let theirs = reference.value_at_quantile(quantile);
                prop_assert_eq!(ours_at, theirs.clamp(snapshot.min, snapshot.max));
            }
        }
    }

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
