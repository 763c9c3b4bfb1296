//! The way events leave the stage: opens a connection for its consumer when it has something to
//! say, so that scans and SYN floods cost the consumer nothing.

use tapscope_decap::{Encapsulation, Timestamp};

use crate::counters::Counters;
use crate::feed::Directions;
use crate::held::Origin;
use crate::key::FlowKey;
use crate::{ConnectionId, EndReason, GapReason, Side, StreamEvent, StreamEventKind, StreamSink};

/// What identifies a connection towards the consumer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) id: ConnectionId,
    pub(crate) key: FlowKey,
    /// Whether side A is the low end of the key.
    pub(crate) a_is_low: bool,
    pub(crate) initiator: Option<Side>,
    /// Whether both streams are known from their first byte on.
    pub(crate) from_start: bool,
    pub(crate) encapsulation: Encapsulation,
    /// Which feeds brought its two directions.
    pub(crate) feeds: Directions,
    /// Whether `Open` was emitted.
    pub(crate) opened: bool,
}

/// Emits the events of one connection.
pub(crate) struct Output<'o, S> {
    pub(crate) sink: &'o mut S,
    pub(crate) head: &'o mut Head,
    pub(crate) counters: &'o mut Counters,
    pub(crate) timestamp: Timestamp,
}

impl<S: StreamSink> Output<'_, S> {
    /// In-order bytes.
    pub(crate) fn data(&mut self, side: Side, offset: u64, origin: Origin, bytes: &[u8]) {
        self.counters.bytes_delivered += bytes.len() as u64;
        let feed = self.head.feeds.of(side);
        self.counters.feeds.delivered(feed, bytes.len() as u64);
        let Origin {
            captured,
            acknowledged,
            ..
        } = origin;
        self.emit(StreamEventKind::Data {
            side,
            offset,
            acknowledged,
            captured,
            bytes,
        });
    }

    /// An urgent octet.
    pub(crate) fn urgent(&mut self, side: Side, offset: u64, is_taken_out: bool) {
        if is_taken_out {
            self.counters.urgent_taken_out += 1;
            let feed = self.head.feeds.of(side);
            self.counters.feeds.delivered(feed, 1);
        } else {
            self.counters.urgent_in_line += 1;
        }
        self.emit(StreamEventKind::Urgent {
            side,
            offset,
            is_taken_out,
        });
    }

    /// Bytes that will never come, of which the receiver has acknowledged `acknowledged`.
    pub(crate) fn gap(
        &mut self,
        side: Side,
        (offset, len): (u64, u64),
        reason: GapReason,
        acknowledged: u64,
    ) {
        self.counters.gap(reason, len);
        let feed = self.head.feeds.of(side);
        self.counters.feeds.gap(feed, reason, len, acknowledged);
        self.emit(StreamEventKind::Gap {
            side,
            offset,
            len,
            reason,
        });
    }

    /// Two copies of a byte differ.
    pub(crate) fn conflict(&mut self, side: Side, offset: u64) {
        self.counters.conflicts += 1;
        self.emit(StreamEventKind::Conflict { side, offset });
    }

    /// One side's stream ended.
    pub(crate) fn end(&mut self, side: Side, reason: EndReason) {
        self.emit(StreamEventKind::End { side, reason });
    }

    /// Passes an event on, after `Open` when it is the connection's first.
    pub(crate) fn emit(&mut self, kind: StreamEventKind<'_>) {
        let connection = self.head.id;
        let timestamp = self.timestamp;
        if !self.head.opened {
            self.head.opened = true;
            let (low, high) = self.head.key.ends();
            let (a, b) = if self.head.a_is_low {
                (low, high)
            } else {
                (high, low)
            };
            let open = StreamEventKind::Open {
                a,
                b,
                initiator: self.head.initiator,
                from_start: self.head.from_start,
                encapsulation: &self.head.encapsulation,
                feed: self.head.feeds.first(),
            };
            self.sink.handle_event(StreamEvent {
                connection,
                timestamp,
                kind: open,
            });
        }
        self.sink.handle_event(StreamEvent {
            connection,
            timestamp,
            kind,
        });
    }
}
