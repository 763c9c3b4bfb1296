//! The table of connections: finds a segment's connection, runs the timers, keeps to the caps.

use std::collections::HashMap;

use tapscope_decap::{CounterValue, FeedKey, Segment, SeqNumber, TcpFlags, Timestamp};

use crate::assembler::{Assembler, Payload};
use crate::connection::{Connection, PHASES, Phase, Verdict};
use crate::counters::Counters;
use crate::feed::{Before, Directions};
use crate::key::FlowKey;
use crate::network;
use crate::output::{Head, Output};
use crate::stream::{Start, Stream};
use crate::timer::Queues;
use crate::{
    CloseReason, ConnectionId, EndReason, FeedCounts, FeedIndex, FlowSettings, GapReason, Side,
    StreamEventKind, StreamSink,
};

/// A silent connection is moved to the back of its queue at most this often; it bounds how late
/// a timer fires.
const REQUEUE_NANOS: u64 = 1_000_000_000;

/// Steps of packet time on which the timers of connections without packets run.
const TIMER_STEP_NANOS: i64 = 100_000_000;

/// The only queue of connections with a hole.
const HOLES: u8 = 0;

/// Room to make beside the payload itself before a segment is taken in.
const ROOM: usize = 4096;

/// Follows TCP connections and emits their streams.
///
/// Call [`Self::handle_segment`] for every segment in the order of the capture,
/// [`Self::handle_time`] when the feed's time moves on without segments, and [`Self::flush`] once
/// at the end. The getters may be called at any time.
#[derive(Debug)]
pub struct FlowTable {
    settings: FlowSettings,
    counters: Counters,
    index: HashMap<FlowKey, u32, foldhash::fast::RandomState>,
    slots: Vec<Option<Connection>>,
    free: Vec<u32>,
    /// Connections by phase, longest silent first.
    activity: Queues<PHASES>,
    /// Connections with a hole, longest unexamined first.
    holes: Queues<1>,
    held_bytes: usize,
    /// Connections beside another one on the same ends.
    in_networks: usize,
    /// The latest time seen: feeds merged from several clocks step back.
    clock: Timestamp,
    /// The time at which the timers of all connections ran last.
    timed: Timestamp,
}

impl FlowTable {
    /// An empty table.
    #[must_use]
    pub fn new(settings: FlowSettings) -> Self {
        Self {
            settings,
            counters: Counters::default(),
            index: HashMap::default(),
            slots: Vec::new(),
            free: Vec::new(),
            activity: Queues::new(),
            holes: Queues::new(),
            held_bytes: 0,
            in_networks: 0,
            clock: Timestamp::from_nanos(i64::MIN),
            timed: Timestamp::from_nanos(i64::MIN),
        }
    }

    /// Segments from here on come from that source of the run.
    pub const fn set_source(&mut self, source: u32) {
        self.counters.feeds.set_source(source);
    }

    /// Takes a segment.
    pub fn handle_segment<S: StreamSink>(&mut self, segment: &Segment<'_>, sink: &mut S) {
        let feed = self.counters.feeds.handle_segment(segment, &self.settings);
        let before = Before::of(&self.counters);
        self.take_segment(segment, feed, sink);
        let after = Before::of(&self.counters);
        self.counters.feeds.settle(feed, before, after);
    }

    fn take_segment<S: StreamSink>(
        &mut self,
        segment: &Segment<'_>,
        feed: FeedIndex,
        sink: &mut S,
    ) {
        self.counters.segments += 1;
        if segment.timestamp < self.clock {
            self.counters.clock_steps_back += 1;
        }
        // On fixed steps: what happens to one connection must not depend on when the others have
        // packets, which would be different with another number of workers.
        self.handle_time(segment.timestamp.floor(TIMER_STEP_NANOS), sink);
        self.clock = self.clock.max(segment.timestamp);
        let (mut key, sender_is_low) = FlowKey::of(segment);
        if self.in_networks > 0 {
            key = self.best_key(key, sender_is_low, segment, feed);
        }
        let mut syn = None;
        if let Some(slot) = self.index.get(&key).copied() {
            let verdict = self.admit(slot, sender_is_low, segment, sink);
            let other = verdict.and_then(|it| self.other_key(slot, sender_is_low, feed, it));
            match verdict.filter(|_| other.is_none()) {
                Some(Verdict::Ours) => {
                    self.process(slot, sender_is_low, segment, feed, sink);
                    return;
                }
                Some(Verdict::ImplausibleSyn) => {
                    self.counters.implausible_syn += 1;
                    return;
                }
                Some(Verdict::Stray) => {
                    self.counters.stray += 1;
                    return;
                }
                Some(Verdict::New(_)) => {
                    self.close(slot, CloseReason::Reused, self.clock, sink);
                }
                None => key = other.unwrap_or(key),
            }
            if let Some(Verdict::New(seen)) = verdict {
                syn = seen;
            }
        }
        // Without SYN or payload there is nothing to follow yet.
        let starts = segment.flags.has(TcpFlags::SYN) || segment.payload_len > 0 || syn.is_some();
        if !starts || segment.flags.has(TcpFlags::RST) {
            self.counters.without_connection += 1;
            return;
        }
        let slot = self.open(key, sender_is_low, segment, syn, sink);
        self.process(slot, sender_is_low, segment, feed, sink);
    }

    /// Moves the clock on and runs the timers that are due.
    pub fn handle_time<S: StreamSink>(&mut self, now: Timestamp, sink: &mut S) {
        if now <= self.timed {
            return;
        }
        self.timed = now;
        self.clock = self.clock.max(now);
        let grace = self.settings.hole_grace_nanos;
        while let Some((slot, examined)) = self.holes.front(HOLES) {
            if now.nanos_since(examined) < grace {
                break;
            }
            self.expire_holes(slot, now, sink);
            if self.holes.standing(slot).is_some() {
                self.holes.push_back(HOLES, slot, now);
            }
        }
        for phase in Phase::ALL {
            let timeout = phase.timeout_nanos(&self.settings);
            while let Some((slot, queued)) = self.activity.front(phase as u8) {
                if now.nanos_since(queued) < timeout || !self.close_if_silent(slot, now, sink) {
                    break;
                }
            }
        }
    }

    /// Ends every connection: what is held is emitted with its gaps. For the end of the capture.
    pub fn flush<S: StreamSink>(&mut self, now: Timestamp, sink: &mut S) {
        self.handle_time(now, sink);
        for index in 0..self.slots.len() {
            if let Ok(slot) = u32::try_from(index) {
                self.close(slot, CloseReason::Flushed, self.clock, sink);
            }
        }
    }

    /// Every counter of the stage, in a fixed order.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterValue> {
        self.counters.values()
    }

    /// What each feed brought and lacked; the one without key takes what found no place.
    #[must_use]
    pub fn feeds(&self) -> Vec<(FeedIndex, Option<FeedKey>, FeedCounts)> {
        self.counters.feeds.values()
    }

    /// Bytes held behind holes, bookkeeping included.
    #[must_use]
    pub const fn retained_bytes(&self) -> usize {
        self.held_bytes
    }

    /// Connections in the table.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.index.len()
    }

    /// The key of the connection that a segment fits best, where there may be several.
    fn best_key(
        &self,
        key: FlowKey,
        sender_is_low: bool,
        segment: &Segment<'_>,
        feed: FeedIndex,
    ) -> FlowKey {
        let fits = network::keys(key, &self.settings).filter_map(|key| {
            let slot = *self.index.get(&key)?;
            let conn = self.slots.get(slot as usize)?.as_ref()?;
            let side = conn.side_of(sender_is_low);
            Some((conn.fit(side, segment, feed, &self.settings), key))
        });
        // Of equal ones the first.
        let best = fits.reduce(|best, next| if next.0 > best.0 { next } else { best });
        best.map_or(key, |(_, key)| key)
    }

    /// The free key for a segment that contradicts the connection in `slot` and came by another
    /// feed.
    fn other_key(
        &self,
        slot: u32,
        sender_is_low: bool,
        feed: FeedIndex,
        verdict: Verdict,
    ) -> Option<FlowKey> {
        if verdict == Verdict::Ours {
            return None;
        }
        let conn = self.slots.get(slot as usize)?.as_ref()?;
        let side = conn.side_of(sender_is_low);
        if !conn.is_of_another_network(side, feed, verdict) {
            return None;
        }
        network::keys(conn.key, &self.settings).find(|key| !self.index.contains_key(key))
    }

    /// Runs the connection's own timers, then asks whose the segment is; none when the
    /// connection's time was over.
    fn admit<S: StreamSink>(
        &mut self,
        slot: u32,
        sender_is_low: bool,
        segment: &Segment<'_>,
        sink: &mut S,
    ) -> Option<Verdict> {
        self.expire_holes(slot, segment.timestamp, sink);
        if self.close_if_silent(slot, segment.timestamp, sink) {
            return None;
        }
        let conn = self.slots.get_mut(slot as usize)?.as_mut()?;
        let side = conn.side_of(sender_is_low);
        Some(conn.verdict(side, segment, segment.timestamp, &self.settings))
    }

    /// Closes a connection that was silent for its phase's time; the close happens at that time,
    /// whenever it is noticed.
    fn close_if_silent<S: StreamSink>(&mut self, slot: u32, now: Timestamp, sink: &mut S) -> bool {
        let Some(Some(conn)) = self.slots.get(slot as usize) else {
            return false;
        };
        let phase = conn.phase();
        let timeout = phase.timeout_nanos(&self.settings);
        if now.nanos_since(conn.last_seen) < timeout {
            return false;
        }
        let at = conn.last_seen + i64::try_from(timeout).unwrap_or(i64::MAX);
        let reason = match phase {
            Phase::Ended | Phase::Reset => CloseReason::Finished,
            Phase::HalfOpen | Phase::Empty | Phase::Open => CloseReason::Idle,
        };
        self.close(slot, reason, at, sink);
        true
    }

    fn open<S: StreamSink>(
        &mut self,
        key: FlowKey,
        sender_is_low: bool,
        segment: &Segment<'_>,
        syn: Option<SeqNumber>,
        sink: &mut S,
    ) -> u32 {
        while self.index.len() >= self.settings.connections_max.max(1) {
            let victim = Phase::ALL
                .iter()
                .find_map(|phase| self.activity.front(*phase as u8));
            let Some((victim, _)) = victim else { break };
            self.close(victim, CloseReason::Evicted, self.clock, sink);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        self.counters.connections_opened += 1;
        let synchronises = segment.flags.has(TcpFlags::SYN);
        self.counters.connections_midstream += u64::from(!synchronises && syn.is_none());
        // A SYN-ACK is the answer: side A is the one that asked.
        let answers = synchronises && segment.flags.has(TcpFlags::ACK);
        let (a, b) = if answers {
            (segment.destination, segment.source)
        } else {
            (segment.source, segment.destination)
        };
        let mut side_a = Stream::default();
        if let Some(seq) = syn.filter(|_| !synchronises) {
            side_a.start = Start::Known(seq.advance(1));
            side_a.syn_seen = true;
        }
        let head = Head {
            id: ConnectionId {
                slot,
                name: key.name_of(segment),
            },
            a,
            b,
            initiator: syn.map(|_| Side::A),
            from_start: false,
            encapsulation: segment.encapsulation.clone(),
            feeds: Directions::default(),
            opened: false,
        };
        let conn = Connection {
            head,
            key,
            a_is_low: sender_is_low != answers,
            a: side_a,
            b: Stream::default(),
            last_seen: segment.timestamp,
            established: false,
            has_payload: false,
            reset: None,
        };
        self.index.insert(key, slot);
        self.in_networks += usize::from(key.network > 0);
        if let Some(place) = self.slots.get_mut(slot as usize) {
            *place = Some(conn);
        }
        slot
    }

    fn process<S: StreamSink>(
        &mut self,
        slot: u32,
        sender_is_low: bool,
        segment: &Segment<'_>,
        feed: FeedIndex,
        sink: &mut S,
    ) {
        if segment.payload_len > 0 {
            self.make_room(segment.payload.len() + ROOM, sink);
        }
        let Some(Some(conn)) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let side = conn.side_of(sender_is_low);
        conn.head.feeds.note(side, feed);
        let before = conn.held_cost();
        let phase_before = conn.phase();
        let now = conn.last_seen.max(segment.timestamp);
        conn.last_seen = now;
        let room = self.settings.held_bytes_max.saturating_sub(self.held_bytes);
        let room_of_connection = self
            .settings
            .held_bytes_per_connection_max
            .saturating_sub(before);
        let mut step = Step {
            segment,
            side,
            now,
            allowance: room.min(room_of_connection),
            settings: &self.settings,
            counters: &mut self.counters,
            sink,
        };
        step.take(conn);
        self.held_bytes = (self.held_bytes + conn.held_cost()).saturating_sub(before);
        let has_hole = conn.a.hole.is_some() || conn.b.hole.is_some();
        let phase = conn.phase();
        self.requeue(slot, phase, phase != phase_before, has_hole, now);
    }

    fn requeue(&mut self, slot: u32, phase: Phase, moved: bool, has_hole: bool, now: Timestamp) {
        let clock = self.clock.max(now);
        let interval = REQUEUE_NANOS.min(phase.timeout_nanos(&self.settings) / 8);
        let stale = self
            .activity
            .standing(slot)
            .is_none_or(|(_, queued)| clock.nanos_since(queued) >= interval);
        if moved || stale {
            self.activity.push_back(phase as u8, slot, clock);
        }
        match (has_hole, self.holes.standing(slot)) {
            (true, None) => self.holes.push_back(HOLES, slot, clock),
            (false, Some(_)) => self.holes.remove(slot),
            _ => {}
        }
    }

    /// Gives up holes, those that waited longest first, until `bytes` more can be held.
    fn make_room<S: StreamSink>(&mut self, bytes: usize, sink: &mut S) {
        while self.held_bytes + bytes > self.settings.held_bytes_max {
            let Some((slot, _)) = self.holes.front(HOLES) else {
                return;
            };
            let now = self.clock;
            self.with_sides(slot, now, sink, |mut side| {
                side.give_up_all(GapReason::MemoryCap);
                side.settle(now);
            });
        }
    }

    fn expire_holes<S: StreamSink>(&mut self, slot: u32, now: Timestamp, sink: &mut S) {
        if self.holes.standing(slot).is_some() {
            self.with_sides(slot, now, sink, |mut side| side.expire(now));
        }
    }

    /// Does something to both sides of a connection outside of a segment, and accounts for it.
    fn with_sides<S: StreamSink>(
        &mut self,
        slot: u32,
        now: Timestamp,
        sink: &mut S,
        mut action: impl FnMut(Assembler<'_, '_, S>),
    ) {
        let Some(Some(conn)) = self.slots.get_mut(slot as usize) else {
            return;
        };
        let before = conn.held_cost();
        let phase_before = conn.phase();
        let Connection { head, a, b, .. } = conn;
        let mut out = Output {
            sink,
            head,
            counters: &mut self.counters,
            timestamp: now,
        };
        for (side, stream) in [(Side::A, a), (Side::B, b)] {
            action(Assembler {
                side,
                stream,
                settings: &self.settings,
                out: &mut out,
            });
            out.timestamp = now;
        }
        self.held_bytes = (self.held_bytes + conn.held_cost()).saturating_sub(before);
        if conn.a.hole.is_none() && conn.b.hole.is_none() {
            self.holes.remove(slot);
        }
        let phase = conn.phase();
        if phase != phase_before {
            self.activity.push_back(phase as u8, slot, self.clock);
        }
    }

    fn close<S: StreamSink>(
        &mut self,
        slot: u32,
        reason: CloseReason,
        at: Timestamp,
        sink: &mut S,
    ) {
        let Some(mut conn) = self.slots.get_mut(slot as usize).and_then(Option::take) else {
            return;
        };
        self.held_bytes = self.held_bytes.saturating_sub(conn.held_cost());
        self.activity.remove(slot);
        self.holes.remove(slot);
        self.index.remove(&conn.key);
        self.in_networks -= usize::from(conn.key.network > 0);
        self.free.push(slot);
        self.counters.close(reason);
        if conn.has_payload {
            let a_is_client = conn.head.initiator.map(|side| side == Side::A);
            self.counters.feeds.close(conn.head.feeds, a_is_client);
        }
        let reset = conn.reset.is_some();
        let Connection { head, a, b, .. } = &mut conn;
        let mut out = Output {
            sink,
            head,
            counters: &mut self.counters,
            timestamp: at,
        };
        let waits = a.held.is_some() || b.held.is_some();
        if !out.head.opened && !waits {
            return;
        }
        for (side, stream) in [(Side::A, a), (Side::B, b)] {
            let mut assembler = Assembler {
                side,
                stream,
                settings: &self.settings,
                out: &mut out,
            };
            assembler.give_up_all(GapReason::NotCaptured);
            assembler.give_up_tail();
            assembler.settle(at);
            let ended = core::mem::replace(&mut assembler.stream.ended, true);
            if reset && !ended {
                out.end(side, EndReason::Reset);
            }
        }
        out.emit(StreamEventKind::Close { reason });
    }
}

/// One segment at work on its connection.
struct Step<'x, 's, S> {
    segment: &'x Segment<'s>,
    side: Side,
    now: Timestamp,
    allowance: usize,
    settings: &'x FlowSettings,
    counters: &'x mut Counters,
    sink: &'x mut S,
}

impl<S: StreamSink> Step<'_, '_, S> {
    fn take(&mut self, conn: &mut Connection) {
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
            conn.infer_start(self.side, self.segment);
        }
        conn.head.from_start = conn.is_from_start();
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
        if self.segment.payload_len > 0 || flags.has(TcpFlags::FIN) {
            let mut assembler = Assembler {
                side: self.side,
                stream,
                settings: self.settings,
                out: &mut out,
            };
            let revived = receive(
                &mut assembler,
                other,
                self.segment,
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
    segment: &Segment<'_>,
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
    if segment.payload_len > 0 {
        let acknowledged = match segment.flags.has(TcpFlags::ACK) {
            true => other.acknowledged_position(segment.ack),
            false => None,
        };
        let payload = Payload {
            seq,
            position,
            bytes: segment.payload,
            wire_len: segment.payload_len,
            ip_id: segment.ip_id,
            captured: segment.timestamp,
            acknowledged,
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
