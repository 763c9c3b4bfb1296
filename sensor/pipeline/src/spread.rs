//! One feed for several workers: decapsulates each packet and hands its segment to the worker
//! that has the connection, in batches over bounded queues.
//!
//! The packet is peeled here to the end and not only as far as a hash needs: where a datagram is
//! fragmented the ports are in its first fragment alone, and only whole ones can be dealt out
//! rightly. What is not TCP goes no further, so peeling twice is not paid for either.

use crossbeam_channel::{Receiver, Sender, bounded};
use tapscope_decap::{Decapsulator, Filter, GROUPS, RawPacket, Segment, Timestamp, group_of};
use tapscope_http::ExchangeSink;
use tapscope_record::Counter;

use crate::health::CountedFeed;
use crate::owners::hash_of;
use crate::pace::{Pace, Tick};
use crate::run::{Intake, Step};
use crate::worker::{Worker, WorkerSettings, counters_of, undecoded_feeds};

/// Payload bytes of a batch: large enough that handing it over costs little for each packet, small
/// enough that it is still in the cache when the worker reads it.
const BATCH_BYTES: usize = 64 << 10;

/// Segments of a batch, for those without payload.
const BATCH_ITEMS: usize = 512;

/// Batches that may wait for one worker. When it is full the feed waits: a file can, and a live
/// ring's overflow is counted by the kernel.
const BATCHES_WAITING: usize = 16;

/// Segments on their way to a worker, with their payloads in one buffer.
#[derive(Default)]
pub struct SegmentBatch {
    items: Vec<Item>,
    payloads: Vec<u8>,
}

enum Item {
    Segment {
        /// The segment without its payload.
        head: Segment<'static>,
        /// Where its payload ends in the buffer; it begins where the one before it ends.
        end: usize,
    },
    Tick(Tick),
    Source(u32),
}

impl SegmentBatch {
    fn push(&mut self, segment: Segment<'_>) {
        self.payloads.extend_from_slice(segment.payload);
        let head = Segment {
            payload: &[],
            ..segment
        };
        let end = self.payloads.len();
        self.items.push(Item::Segment { head, end });
    }

    fn is_full(&self) -> bool {
        self.payloads.len() >= BATCH_BYTES || self.items.len() >= BATCH_ITEMS
    }

    fn clear(&mut self) {
        self.items.clear();
        self.payloads.clear();
    }

    /// Hands everything to a worker, and is empty afterwards.
    fn drain_into<S: ExchangeSink>(&mut self, worker: &mut Worker<S>) {
        let mut start = 0;
        for item in self.items.drain(..) {
            match item {
                Item::Segment { head, end } => {
                    let payload = self.payloads.get(start..end).unwrap_or_default();
                    start = end;
                    worker.handle_segment(&Segment { payload, ..head });
                }
                Item::Tick(tick) => worker.handle_tick(tick),
                Item::Source(source) => worker.set_source(source),
            }
        }
        self.clear();
    }
}

/// The way from the feed to one worker, and back for empty batches.
struct Lane {
    batch: SegmentBatch,
    full: Sender<SegmentBatch>,
    empty: Receiver<SegmentBatch>,
    gone: bool,
}

impl Lane {
    fn send(&mut self) {
        if self.batch.items.is_empty() || self.gone {
            self.batch.clear();
            return;
        }
        let next = self.empty.try_recv().unwrap_or_default();
        let batch = std::mem::replace(&mut self.batch, next);
        self.gone = self.full.send(batch).is_err();
    }
}

/// A worker's end of its lane.
pub struct LaneEnd {
    full: Receiver<SegmentBatch>,
    empty: Sender<SegmentBatch>,
}

impl LaneEnd {
    /// Feeds `worker` until the feed is over, calling `after_batch` between batches.
    pub fn run<S: ExchangeSink>(
        &self,
        worker: &mut Worker<S>,
        after_batch: &mut dyn FnMut(&mut Worker<S>) -> Step,
    ) {
        while let Ok(mut batch) = self.full.recv() {
            batch.drain_into(worker);
            // Nobody waits for an empty batch once the feed is over.
            let _ = self.empty.try_send(batch);
            if after_batch(worker) == Step::Stop {
                return;
            }
        }
    }
}

/// Deals segments out to workers by connection.
pub struct Spread {
    decap: Decapsulator,
    pace: Pace,
    lanes: Vec<Lane>,
    now: Timestamp,
}

impl Spread {
    /// A spread over `workers` workers, and their ends of it. Decapsulation is the whole sensor's,
    /// so its settings are not shared among the workers.
    #[must_use]
    pub fn new(settings: &WorkerSettings, workers: usize) -> (Self, Vec<LaneEnd>) {
        let (lanes, ends) = (0..workers.max(1))
            .map(|_| {
                let (full, taken) = bounded(BATCHES_WAITING);
                let (empty, returned) = bounded(BATCHES_WAITING);
                let lane = Lane {
                    batch: SegmentBatch::default(),
                    full,
                    empty: returned,
                    gone: false,
                };
                let end = LaneEnd { full: taken, empty };
                (lane, end)
            })
            .unzip();
        let spread = Self {
            decap: Decapsulator::new(settings.decap.clone()),
            pace: Pace::default(),
            lanes,
            now: Timestamp::default(),
        };
        (spread, ends)
    }

    /// C: hands over what waits for batches to be full.
    pub fn send(&mut self) {
        for lane in &mut self.lanes {
            lane.send();
        }
    }

    /// C: the feed is over: hands over the rest and the time it came to.
    pub fn finish(mut self) {
        let now = self.now();
        self.broadcast(|| Item::Tick(Tick::Time(now)));
        self.send();
    }

    /// A: the latest packet time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now.max(self.pace.latest())
    }

    /// A: whether a worker is gone, so that its connections have nobody.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        self.lanes.iter().any(|lane| lane.gone)
    }

    /// A: the counters of decapsulation.
    #[must_use]
    pub fn counters(&self) -> Vec<Counter> {
        counters_of("decap", self.decap.counters())
    }

    /// A: what decapsulation could not open, by feed.
    #[must_use]
    pub fn feeds(&self) -> Vec<CountedFeed> {
        undecoded_feeds(&self.decap).collect()
    }

    fn broadcast(&mut self, item: impl Fn() -> Item) {
        for lane in &mut self.lanes {
            lane.batch.items.push(item());
        }
    }
}

impl Intake for Spread {
    fn handle_packet(&mut self, packet: RawPacket<'_>) {
        if let Some(tick) = self.pace.tick(packet.timestamp) {
            self.broadcast(|| Item::Tick(tick));
        }
        let Some(segment) = self.decap.handle_packet(packet) else {
            return;
        };
        let lane = lane_of(&segment, self.lanes.len());
        if let Some(lane) = self.lanes.get_mut(lane) {
            lane.batch.push(segment);
            if lane.batch.is_full() {
                lane.send();
            }
        }
    }

    fn handle_time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.pace.reach(now);
        self.broadcast(|| Item::Tick(Tick::Time(now)));
    }

    fn set_source(&mut self, source: u32) {
        self.decap.set_source(source);
        self.broadcast(|| Item::Source(source));
    }

    fn set_filter(&mut self, filter: Filter) {
        self.decap.set_filter(filter);
    }
}

/// The lane of a segment's connection: the same for both directions. As far as there are enough
/// groups of connections, each has whole ones: what is counted by group is the same with any number
/// of lanes.
fn lane_of(segment: &Segment<'_>, lanes: usize) -> usize {
    let lanes = lanes.max(1);
    if lanes <= GROUPS {
        return group_of(segment.source, segment.destination) % lanes;
    }
    usize::try_from(hash_of(segment) % lanes as u64).unwrap_or(0)
}
