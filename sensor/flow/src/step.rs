//! What one segment does to its connection: handshake, acknowledgement, payload, end.

use tapscope_decap::{Segment, TcpFlags, Timestamp};

use crate::assembler::{Assembler, Payload};
use crate::connection::Connection;
use crate::counters::Counters;
use crate::output::Output;
use crate::recent::Look;
use crate::stream::Stream;
use crate::{FeedIndex, FlowSettings, Side, StreamSink};

/// One segment at work on its connection.
pub(crate) struct Step<'x, 's, S> {
    pub(crate) segment: &'x Segment<'s>,
    pub(crate) side: Side,
    /// Which feed brought it.
    pub(crate) feed: FeedIndex,
    pub(crate) now: Timestamp,
    /// Bytes that may be held for it.
    pub(crate) allowance: usize,
    pub(crate) settings: &'x FlowSettings,
    pub(crate) counters: &'x mut Counters,
    pub(crate) sink: &'x mut S,
}

impl<S: StreamSink> Step<'_, '_, S> {
    /// Takes the segment in.
    pub(crate) fn take(&mut self, conn: &mut Connection) {
        let flags = self.segment.flags;
        if flags.has(TcpFlags::RST) {
            self.reset(conn);
            return;
        }
        if flags.has(TcpFlags::SYN) {
            let known = conn.streams(self.side).0.syn_seen;
            self.counters.syn_retransmitted += u64::from(known);
            conn.synchronise(self.side, self.segment);
        } else {
            conn.established = true;
            conn.infer_start(self.side, self.segment, self.settings);
        }
        conn.head.from_start = conn.is_from_start(self.side, self.segment);
        let Connection {
            head,
            a,
            b,
            reset,
            has_payload,
            ..
        } = conn;
        let (stream, other) = match self.side {
            Side::A => (a, b),
            Side::B => (b, a),
        };
        if flags.has(TcpFlags::ACK) {
            other.acknowledge(self.segment.ack);
        }
        let mut out = Output {
            sink: &mut *self.sink,
            head,
            counters: &mut *self.counters,
            timestamp: self.now,
        };
        if self.segment.payload_len > 0 || flags.0 & (TcpFlags::FIN | TcpFlags::URG) != 0 {
            let mut assembler = Assembler {
                side: self.side,
                stream,
                settings: self.settings,
                out: &mut out,
            };
            let revived = receive(
                &mut assembler,
                other,
                (self.segment, self.feed),
                self.now,
                self.allowance,
            );
            *has_payload |= self.segment.payload_len > 0;
            // A sender that goes on after its own RST never sent it.
            if revived
                && reset.is_some_and(|(side, seq)| {
                    side == self.side && self.segment.seq.distance_from(seq) >= 0
                })
            {
                *reset = None;
            }
        }
        if other.hole.is_some() {
            // The acknowledgement may have told that a hole will not be filled by its sender.
            let side = self.side.other();
            let mut assembler = Assembler {
                side,
                stream: other,
                settings: self.settings,
                out: &mut out,
            };
            assembler.settle(self.now);
        }
    }

    fn reset(&mut self, conn: &mut Connection) {
        if conn.believes_reset(self.side, self.segment, self.settings) {
            conn.reset.get_or_insert((self.side, self.segment.seq));
        } else {
            self.counters.implausible_reset += 1;
        }
    }
}

/// Takes payload and FIN; tells whether the stream moved on.
fn receive<S: StreamSink>(
    assembler: &mut Assembler<'_, '_, S>,
    other: &Stream,
    (segment, feed): (&Segment<'_>, FeedIndex),
    now: Timestamp,
    allowance: usize,
) -> bool {
    let synchronises = segment.flags.has(TcpFlags::SYN);
    let seq = if synchronises {
        segment.seq.advance(1)
    } else {
        segment.seq
    };
    assembler
        .stream
        .begin(seq, assembler.settings.near_distance);
    let Some(position) = assembler.stream.position(seq) else {
        return false;
    };
    let before = assembler.stream.next;
    let urgent = (segment.flags.has(TcpFlags::URG) && !synchronises).then(|| {
        let octet = assembler.settings.urgent.octet(segment.urgent_pointer);
        u64::try_from(position.saturating_add(i64::from(octet))).unwrap_or(0)
    });
    if let Some(octet) = urgent.filter(|_| {
        segment.payload_len == 0 && position == i64::try_from(before).unwrap_or(i64::MAX)
    }) {
        assembler.mark_urgent(octet);
    }
    if segment.payload_len > 0 {
        let acknowledged = match segment.flags.has(TcpFlags::ACK) {
            true => other.acknowledged_position(segment.ack),
            false => None,
        };
        let payload = Payload {
            position,
            bytes: segment.payload,
            wire_len: segment.payload_len,
            look: Look::of(segment, seq, feed),
            captured: segment.timestamp,
            acknowledged,
            urgent,
        };
        assembler.payload(payload, allowance);
    }
    if segment.flags.has(TcpFlags::FIN) {
        assembler.finish_at(position.saturating_add(i64::from(segment.payload_len)));
    }
    assembler.settle(now);
    assembler.overtake(now);
    assembler.stream.next > before
}
