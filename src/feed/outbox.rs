//! A worker's records on their way to the collector: what comes from a ring never waits for room,
//! for the ring would run over meanwhile.

use tapscope_http::ExchangeId;
use tapscope_pipeline::{Backlog, Epoch, Place, RecordSink, Step};
use tapscope_record::ExchangeRecord;

use super::way::Refused;
use super::{RECORDS_PER_BATCH, Word, Words};
use crate::spent::Returned;

/// Records of a live ring that may wait for room in the queue.
const RECORDS_WAITING_MAX: usize = 32 * RECORDS_PER_BATCH;

/// A worker's records on their way to the collector.
pub(super) struct Outbox {
    worker: usize,
    words: Words,
    /// Records that are done, of whichever worker.
    returned: Option<Returned>,
    epoch: Epoch,
    /// The epoch that was told.
    sent: Epoch,
    records: Vec<(Place, Box<ExchangeRecord>)>,
    /// Packets come from a ring that overflows while this thread waits: it does not.
    pub(super) is_ring: bool,
    /// The packets being read came some time ago.
    pub(super) is_late: bool,
    refused: bool,
}

impl RecordSink for Outbox {
    fn handle_record(
        &mut self,
        reported: tapscope_capture::Timestamp,
        id: ExchangeId,
        record: ExchangeRecord,
    ) {
        let place = Place {
            epoch: self.epoch,
            reported,
            id,
        };
        self.records.push((place, Box::new(record)));
        if self.records.len() >= RECORDS_PER_BATCH {
            self.hand_over();
        }
    }

    fn handle_watermark(&mut self, now: tapscope_capture::Timestamp) {
        self.epoch.advance(now);
    }

    fn backlog(&self) -> Backlog {
        if !self.is_ring {
            Backlog::None
        } else if self.records.len() >= RECORDS_WAITING_MAX {
            Backlog::Full
        } else if self.is_late || self.words.is_half_full() {
            Backlog::Behind
        } else {
            Backlog::None
        }
    }
}

impl Outbox {
    /// Nothing was made yet.
    pub(super) fn new(worker: usize, words: Words, returned: Option<Returned>) -> Self {
        Self {
            worker,
            words,
            returned,
            epoch: Epoch::default(),
            sent: Epoch::default(),
            records: Vec::new(),
            is_ring: false,
            is_late: false,
            refused: false,
        }
    }

    /// Tells how far the worker has come, when that is further than told.
    pub(super) fn send(&mut self) {
        if self.epoch > self.sent {
            self.hand_over();
        }
    }

    pub(super) fn finish(&mut self) {
        // Nothing more comes from a ring.
        self.is_ring = false;
        self.hand_over();
        let end = Word::End {
            worker: self.worker,
        };
        self.refused |= !self.words.send(end);
    }

    fn hand_over(&mut self) {
        self.returned.iter().for_each(Returned::clear);
        let word = Word::Records {
            worker: self.worker,
            records: std::mem::take(&mut self.records),
            epoch: self.epoch,
        };
        let result = if self.is_ring {
            self.words.try_send(word)
        } else {
            self.words.send(word).then_some(()).ok_or(Refused::Gone)
        };
        match result {
            Ok(()) => self.sent = self.epoch,
            Err(Refused::Full(Word::Records { records, .. })) => self.records = records,
            Err(_) => self.refused = true,
        }
    }

    /// Whether to go on: not when nobody takes what is made.
    pub(super) const fn step(&self) -> Step {
        if self.refused {
            Step::Stop
        } else {
            Step::Continue
        }
    }
}
