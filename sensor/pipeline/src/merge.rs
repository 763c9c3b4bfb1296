//! Puts the records of several workers into one order that does not depend on how many workers
//! there are or how fast each of them is.
//!
//! A worker tells how far it has come in packet time: its *watermark*. The records it makes
//! between two watermarks belong to one *epoch*. An epoch is given out when every worker is past
//! it, sorted by the time at which its records were reported and then by the exchanges' names.
//! All workers step from epoch to epoch at the same points of the feed, so the sorted whole is
//! the same for one worker and for eight.

use std::collections::BTreeMap;

use tapscope_decap::Timestamp;
use tapscope_http::ExchangeId;
use tapscope_record::{ExchangeRecord, MemoryAccount};

/// Records that may wait for a worker that lags behind, where memory allows.
const WAITING_MAX: usize = 65_536;

/// Of the cap on memory, records that wait may have this part.
const SHARE: usize = 6;

/// Records that may wait however little memory there is: below, the order of several workers'
/// records would be lost for a worker that is late by a moment.
const WAITING_MIN: usize = 1_024;

/// What a record takes on average: its fixed part, and about as much again on the heap.
pub const RECORD_COST: usize = 2 * size_of::<ExchangeRecord>();

/// A stretch of the feed between two watermarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch {
    /// Packet time of the watermark it begins with.
    pub start: Timestamp,
    /// Counts the epochs that begin at the same time.
    pub step: u32,
}

impl Default for Epoch {
    fn default() -> Self {
        Self {
            start: Timestamp::from_nanos(i64::MIN),
            step: 0,
        }
    }
}

impl Epoch {
    /// C: goes on to the epoch that begins with a watermark at `now`.
    pub fn advance(&mut self, now: Timestamp) {
        if now > self.start {
            *self = Self {
                start: now,
                step: 0,
            };
        } else {
            self.step = self.step.saturating_add(1);
        }
    }
}

/// Where a record belongs in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The worker's epoch when it made the record.
    pub epoch: Epoch,
    /// When the exchange was reported.
    pub reported: Timestamp,
    /// Breaks the tie: the exchange's name.
    pub id: ExchangeId,
}

/// What the merge counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MergeCounters {
    /// Records whose time was before their worker's watermark, as when a feed's clock steps back.
    pub late: u64,
    /// Records that were given out although a worker was not past their epoch yet, because too
    /// many waited.
    pub early: u64,
}

/// The merge of the records of several workers.
#[derive(Debug)]
pub struct Merge<T> {
    /// How far each worker has come; none for a worker that is at its end.
    reached: Vec<Option<Epoch>>,
    waiting: BTreeMap<Epoch, Vec<(Place, T)>>,
    count: usize,
    waiting_max: usize,
    counters: MergeCounters,
}

impl<T> Merge<T> {
    /// A merge of `workers` workers that have not begun, where all memory is `memory_bytes`.
    #[must_use]
    pub fn new(workers: usize, memory_bytes: usize) -> Self {
        Self {
            reached: vec![Some(Epoch::default()); workers],
            waiting: BTreeMap::new(),
            count: 0,
            waiting_max: (memory_bytes / SHARE / RECORD_COST).clamp(WAITING_MIN, WAITING_MAX),
            counters: MergeCounters::default(),
        }
    }

    /// B: a record, of whichever worker.
    pub fn handle_record(&mut self, place: Place, record: T) {
        self.counters.late += u64::from(place.reported < place.epoch.start);
        self.count += 1;
        self.waiting
            .entry(place.epoch)
            .or_default()
            .push((place, record));
    }

    /// B: a worker has come to `epoch`: it makes no more records of earlier ones.
    pub fn handle_watermark(&mut self, worker: usize, epoch: Epoch) {
        if let Some(Some(reached)) = self.reached.get_mut(worker) {
            *reached = epoch.max(*reached);
        }
    }

    /// B: a worker is at its end.
    pub fn handle_end(&mut self, worker: usize) {
        if let Some(reached) = self.reached.get_mut(worker) {
            *reached = None;
        }
    }

    /// D: gives out what every worker is past, in order.
    pub fn take_ready(&mut self, mut take: impl FnMut(Place, T)) {
        let reached = self.reached();
        while let Some(first) = self.waiting.first_entry() {
            let past = reached.is_none_or(|reached| *first.key() < reached);
            if !past && self.count <= self.waiting_max {
                break;
            }
            let mut records = first.remove();
            records.sort_by_key(|(place, _)| *place);
            self.count = self.count.saturating_sub(records.len());
            if !past {
                self.counters.early += records.len() as u64;
            }
            for (place, record) in records {
                take(place, record);
            }
        }
    }

    /// A: what the records that wait take, about.
    #[must_use]
    pub fn memory(&self) -> MemoryAccount {
        MemoryAccount {
            name: "records_waiting".to_owned(),
            bytes: (self.count * RECORD_COST) as u64,
            bytes_max: (self.waiting_max * RECORD_COST) as u64,
        }
    }

    /// A: how far every worker has come; none when all are at their end.
    #[must_use]
    pub fn reached(&self) -> Option<Epoch> {
        self.reached.iter().flatten().min().copied()
    }

    /// A: what was counted.
    #[must_use]
    pub const fn counters(&self) -> MergeCounters {
        self.counters
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A worker's way as a list: watermarks and records.
    #[derive(Clone, Copy, Debug)]
    enum Did {
        Tick(i64),
        Record { reported: i64, connection: u64 },
    }

    fn at(time: i64) -> Timestamp {
        Timestamp::from_nanos(time)
    }

    /// Runs the workers' ways in the order in which `turns` picks them.
    fn merged(ways: &[Vec<Did>], turns: &[usize]) -> Vec<(i64, u64)> {
        let mut merge = Merge::new(ways.len(), usize::MAX);
        let mut places = vec![0; ways.len()];
        let mut epochs = vec![Epoch::default(); ways.len()];
        let mut out = Vec::new();
        let all = turns.iter().copied().chain(
            (0..ways.len()).flat_map(|worker| std::iter::repeat_n(worker, ways[worker].len() + 1)),
        );
        for worker in all {
            let worker = worker % ways.len();
            match ways[worker].get(places[worker]) {
                Some(Did::Tick(now)) => {
                    epochs[worker].advance(at(*now));
                    merge.handle_watermark(worker, epochs[worker]);
                }
                Some(Did::Record {
                    reported,
                    connection,
                }) => {
                    let id = ExchangeId {
                        connection: *connection,
                        ordinal: 0,
                    };
                    let place = Place {
                        epoch: epochs[worker],
                        reported: at(*reported),
                        id,
                    };
                    merge.handle_record(place, (*reported, *connection));
                }
                None => merge.handle_end(worker),
            }
            places[worker] += 1;
            merge.take_ready(|_, record| out.push(record));
        }
        out
    }

    /// The way of one worker, dealt to `count` workers by connection.
    fn dealt(way: &[Did], count: u64) -> Vec<Vec<Did>> {
        let of = |worker| {
            way.iter()
                .filter(move |did| match did {
                    Did::Tick(_) => true,
                    Did::Record { connection, .. } => connection % count == worker,
                })
                .copied()
                .collect()
        };
        (0..count).map(of).collect()
    }

    fn way() -> impl Strategy<Value = Vec<Did>> {
        // Time mostly goes on; sometimes a record is of a time long past.
        let step = prop_oneof![
            (0_i64..3).prop_map(|by| (true, by, 0)),
            (-40_i64..30, any::<u64>()).prop_map(|(by, connection)| (false, by, connection)),
        ];
        proptest::collection::vec(step, 0..120).prop_map(|steps| {
            let mut now = 0;
            let mut did = vec![Did::Tick(0)];
            for (index, (tick, by, connection)) in steps.into_iter().enumerate() {
                if tick {
                    now += by * 10;
                    did.push(Did::Tick(now));
                } else {
                    did.push(Did::Record {
                        reported: now + by,
                        // No two records have the same name.
                        connection: (connection << 8) | index as u64,
                    });
                }
            }
            did
        })
    }

    proptest! {
        #[test]
        fn the_order_depends_neither_on_the_workers_nor_on_their_speed(
            way in way(),
            count in 1_u64..9,
            turns in proptest::collection::vec(any::<usize>(), 0..400),
        ) {
            let alone = merged(std::slice::from_ref(&way), &[]);
            let records = way.iter().filter(|did| matches!(did, Did::Record { .. })).count();
            prop_assert_eq!(alone.len(), records);
            prop_assert_eq!(merged(&dealt(&way, count), &turns), alone);
        }
    }

    #[test]
    fn late_records_are_counted_and_used() {
        let mut merge = Merge::new(1, usize::MAX);
        let mut epoch = Epoch::default();
        epoch.advance(at(100));
        merge.handle_watermark(0, epoch);
        let id = ExchangeId {
            connection: 1,
            ordinal: 0,
        };
        let place = Place {
            epoch,
            reported: at(40),
            id,
        };
        merge.handle_record(place, ());
        let mut taken = 0;
        merge.take_ready(|_, ()| taken += 1);
        assert_eq!(taken, 0);
        merge.handle_end(0);
        merge.take_ready(|_, ()| taken += 1);
        assert_eq!((taken, merge.counters().late), (1, 1));
    }

    #[test]
    fn a_worker_that_hangs_holds_back_a_bounded_number() {
        let mut merge = Merge::new(2, usize::MAX);
        let mut epoch = Epoch::default();
        let mut taken = 0;
        for n in 0..3 * WAITING_MAX {
            epoch.advance(at(i64::try_from(n).unwrap()));
            merge.handle_watermark(0, epoch);
            let id = ExchangeId {
                connection: n as u64,
                ordinal: 0,
            };
            let place = Place {
                epoch,
                reported: epoch.start,
                id,
            };
            merge.handle_record(place, ());
            merge.take_ready(|_, ()| taken += 1);
        }
        assert_eq!(taken, 2 * WAITING_MAX);
        assert_eq!(merge.counters().early, 2 * WAITING_MAX as u64);
    }
}
