//! The table of connections: finds a segment's connection, runs the timers, keeps to the caps.

use std::collections::HashMap;

use tapscope_decap::{CounterValue, FeedKey, Segment, SeqNumber, TcpFlags, Timestamp};

use crate::assembler::Assembler;
use crate::connection::{Connection, PHASES, Phase, SeenBefore, Verdict};
use crate::counters::Counters;
use crate::feed::Before;
use crate::handshake::{Arrival, Handshakes, Outcome, is_bare_syn};
use crate::key::FlowKey;
use crate::network;
use crate::output::Output;
use crate::slab::Slab;
use crate::step::Step;
use crate::timer::{LINK_BYTES, Queues};
use crate::{
    CloseReason, EndReason, FeedCounts, FeedIndex, FlowSettings, GapReason, Side, StreamEventKind,
    StreamSink,
};

/// Steps of packet time on which the timers of connections without packets run. A connection
/// stands in its queue as of the step of its last packet, so that all of one step come up together
/// and none waits behind another.
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
    slots: Slab<Connection>,
    handshakes: Handshakes,
    /// Connections by phase, longest silent first.
    activity: Queues<PHASES>,
    /// Connections with a hole, longest unexamined first.
    holes: Queues<1>,
    held_bytes: usize,
    /// Connections beside another one on the same ends.
    in_networks: usize,
    /// Memory is short.
    is_emergency: bool,
    /// The time-outs of empty and of silent connections when it is not.
    calm: (u64, u64),
    /// The latest time seen: feeds merged from several clocks step back.
    clock: Timestamp,
    /// The time at which the timers of all connections ran last.
    timed: Timestamp,
}

impl FlowTable {
    /// Bytes that a connection takes: itself, its key in the index (a third of which is empty on
    /// average), and its links in the queues.
    pub const CONNECTION_COST: usize =
        size_of::<Option<Connection>>() + size_of::<(FlowKey, u32)>() * 3 / 2 + 2 * LINK_BYTES;

    /// An empty table.
    #[must_use]
    pub fn new(settings: FlowSettings) -> Self {
        Self {
            calm: (settings.empty_timeout_nanos, settings.idle_timeout_nanos),
            is_emergency: false,
            settings,
            counters: Counters::default(),
            index: HashMap::default(),
            slots: Slab::new(),
            handshakes: Handshakes::new(),
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
        let mut before = SeenBefore::default();
        let arrival = |key| Arrival {
            key,
            sender_is_low,
            segment,
            feed,
        };
        let known = match self.index.get(&key).copied() {
            Some(slot) => Some(slot),
            None => match self.handshake(arrival(key), sink) {
                Ok(promoted) => promoted,
                Err(Taken) => return,
            },
        };
        if let Some(slot) = known {
            let verdict = self.admit(slot, arrival(key), sink);
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
                Some(Verdict::New(syn)) => match self.reuse(slot, arrival(key), sink) {
                    Ok(strays) => before = SeenBefore { syn, strays },
                    Err(Taken) => return,
                },
                None => key = other.unwrap_or(key),
            }
            if other.is_some() {
                match self.handshake(arrival(key), sink) {
                    Ok(Some(slot)) => {
                        self.process(slot, sender_is_low, segment, feed, sink);
                        return;
                    }
                    Ok(None) => {}
                    Err(Taken) => return,
                }
            }
            if let Some(Verdict::New(seen)) = verdict {
                before.syn = seen;
            }
        }
        self.begin(arrival(key), before, sink);
    }

    /// Takes a segment that may be the handshake's on its addresses and ports; gives the connection
    /// that the handshake becomes when it says more.
    fn handshake<S: StreamSink>(
        &mut self,
        arrival: Arrival<'_>,
        sink: &mut S,
    ) -> Result<Option<u32>, Taken> {
        let (settings, counters) = (&self.settings, &mut self.counters);
        match self.handshakes.handle_segment(arrival, settings, counters) {
            Outcome::Unknown => Ok(None),
            Outcome::Taken => {
                self.counters.of_handshakes += 1;
                Err(Taken)
            }
            Outcome::Promoted(handshake) => {
                Ok(Some(self.open(Connection::promoted(handshake), sink)))
            }
        }
    }

    /// Takes a segment on addresses and ports where nothing is known.
    fn begin<S: StreamSink>(&mut self, arrival: Arrival<'_>, before: SeenBefore, sink: &mut S) {
        let Arrival {
            key,
            sender_is_low,
            segment,
            feed,
        } = arrival;
        // Without SYN or payload there is nothing to follow yet.
        let starts =
            segment.flags.has(TcpFlags::SYN) || segment.payload_len > 0 || before.syn.is_some();
        if !starts || segment.flags.has(TcpFlags::RST) {
            self.counters.without_connection += 1;
            return;
        }
        let is_midstream = !segment.flags.has(TcpFlags::SYN) && before.syn.is_none();
        if is_midstream && self.is_emergency {
            self.counters.emergency += 1;
            return;
        }
        self.counters.connections_opened += 1;
        // Of two networks with the same ends the second is rare, and feeds tell what is its own.
        if is_bare_syn(segment) && key.network == 0 {
            self.counters.of_handshakes += 1;
            let (settings, counters) = (&self.settings, &mut self.counters);
            self.handshakes.begin(arrival, settings, counters);
            return;
        }
        self.counters.connections_midstream += u64::from(is_midstream);
        let slot = self.open(Connection::begun(key, sender_is_low, segment, before), sink);
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
        self.handshakes
            .expire(now, &self.settings, &mut self.counters);
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
        for slot in 0..self.slots.end() {
            self.close(slot, CloseReason::Flushed, self.clock, sink);
        }
        self.handshakes.flush(&mut self.counters);
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

    /// Bytes of the connections themselves, their place in the index and the timers included.
    #[must_use]
    pub fn connection_bytes(&self) -> usize {
        self.index.len() * Self::CONNECTION_COST
    }

    /// Bytes of the connections of which only a handshake was seen.
    #[must_use]
    pub const fn half_open_bytes(&self) -> usize {
        self.handshakes.cost()
    }

    /// C: memory is short, or is so no longer. While it is, what is joined midway is not followed,
    /// and silent connections go earlier.
    pub fn set_emergency(&mut self, is_on: bool) {
        let (empty, idle) = match is_on {
            true => (
                self.settings.emergency_empty_timeout_nanos,
                self.settings.emergency_idle_timeout_nanos,
            ),
            false => (self.calm.0, self.calm.1),
        };
        self.is_emergency = is_on;
        self.settings.empty_timeout_nanos = empty.min(self.calm.0);
        self.settings.idle_timeout_nanos = idle.min(self.calm.1);
    }

    /// Connections in the table, without those of which only a handshake was seen.
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
            let conn = self.slots.get(slot)?;
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
        let conn = self.slots.get(slot)?;
        let side = conn.side_of(sender_is_low);
        if !conn.is_of_another_network(side, feed, verdict) {
            return None;
        }
        network::keys(conn.head.key, &self.settings).find(|key| !self.index.contains_key(key))
    }

    /// Runs the connection's own timers, then asks whose the segment is; none when the
    /// connection's time was over.
    fn admit<S: StreamSink>(
        &mut self,
        slot: u32,
        arrival: Arrival<'_>,
        sink: &mut S,
    ) -> Option<Verdict> {
        let Arrival {
            sender_is_low,
            segment,
            feed,
            ..
        } = arrival;
        self.expire_holes(slot, segment.timestamp, sink);
        if self.close_if_silent(slot, segment.timestamp, sink) {
            return None;
        }
        let conn = self.slots.get_mut(slot)?;
        let side = conn.side_of(sender_is_low);
        if !segment.flags.has(TcpFlags::SYN) {
            return Some(conn.verdict(side, segment, segment.timestamp, &self.settings));
        }
        let before = conn.held_cost();
        let verdict = conn.verdict(side, segment, segment.timestamp, &self.settings);
        // Most of what can be held is for streams that are believed.
        let room = self.settings.held_bytes_max / 4;
        let room = room.saturating_sub(self.held_bytes);
        conn.keep_data(side, segment, feed, room);
        if self.held_bytes + conn.held_cost() > self.settings.held_bytes_max + before {
            conn.stream_mut(side).pending = None;
        }
        self.held_bytes = (self.held_bytes + conn.held_cost()).saturating_sub(before);
        Some(verdict)
    }

    /// Closes a connection whose addresses and ports are another's from here on; gives where bytes of
    /// that began before. The segment is done with when the SYN before it had data: then the new
    /// connection begins with that.
    fn reuse<S: StreamSink>(
        &mut self,
        slot: u32,
        arrival: Arrival<'_>,
        sink: &mut S,
    ) -> Result<[Option<SeqNumber>; 2], Taken> {
        let Arrival {
            key,
            sender_is_low,
            segment,
            feed,
        } = arrival;
        let Some(conn) = self.slots.get_mut(slot) else {
            return Ok([None; 2]);
        };
        let side = conn.side_of(sender_is_low);
        let strays = conn.strays_before(side, segment, &self.settings);
        let sender = match segment.flags.has(TcpFlags::SYN) {
            true => side.other(),
            false => side,
        };
        let is_believed = conn.believed_data(side, segment, &self.settings).is_some();
        let pending = conn.stream_mut(sender).pending.take_if(|_| is_believed);
        self.held_bytes -= pending.as_ref().map_or(0, |syn| syn.cost());
        self.close(slot, CloseReason::Reused, self.clock, sink);
        let is_same_side = sender == side;
        let Some((syn, brought_by)) = pending
            .as_ref()
            .and_then(|it| it.segment(segment, is_same_side))
        else {
            return Ok(strays);
        };
        let first = Arrival {
            key,
            sender_is_low: sender_is_low == is_same_side,
            segment: &syn,
            feed: brought_by,
        };
        self.begin(first, SeenBefore::default(), sink);
        // It was counted when it came.
        self.counters.of_connections = self.counters.of_connections.saturating_sub(1);
        if let Some(slot) = self.index.get(&key).copied() {
            self.process(slot, sender_is_low, segment, feed, sink);
        }
        Err(Taken)
    }

    /// Closes a connection that was silent for its phase's time; the close happens at that time,
    /// whenever it is noticed.
    fn close_if_silent<S: StreamSink>(&mut self, slot: u32, now: Timestamp, sink: &mut S) -> bool {
        let Some(conn) = self.slots.get(slot) else {
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
            Phase::HalfOpen | Phase::Empty | Phase::OneSided | Phase::Open => CloseReason::Idle,
        };
        self.close(slot, reason, at, sink);
        true
    }

    /// Takes a connection into the table.
    fn open<S: StreamSink>(&mut self, conn: Connection, sink: &mut S) -> u32 {
        while self.index.len() >= self.settings.connections_max.max(1) {
            let victim = Phase::ALL
                .iter()
                .find_map(|phase| self.activity.front(*phase as u8));
            let Some((victim, _)) = victim else { break };
            self.close(victim, CloseReason::Evicted, self.clock, sink);
        }
        let (phase, key) = (conn.phase(), conn.head.key);
        let slot = self.slots.insert(conn);
        if let Some(conn) = self.slots.get_mut(slot) {
            conn.head.id.slot = slot;
        }
        self.index.insert(key, slot);
        self.in_networks += usize::from(key.network > 0);
        let step = self.clock.floor(TIMER_STEP_NANOS);
        self.activity.push_back(phase as u8, slot, step);
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
        let Some(conn) = self.slots.get_mut(slot) else {
            return;
        };
        self.counters.of_connections += 1;
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
            feed,
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
        let step = clock.floor(TIMER_STEP_NANOS);
        let standing = self.activity.standing(slot);
        if moved || standing.is_none_or(|(_, queued)| queued < step) {
            self.activity.push_back(phase as u8, slot, step);
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
        let Some(conn) = self.slots.get_mut(slot) else {
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
            let step = self.clock.floor(TIMER_STEP_NANOS);
            self.activity.push_back(phase as u8, slot, step);
        }
    }

    fn close<S: StreamSink>(
        &mut self,
        slot: u32,
        reason: CloseReason,
        at: Timestamp,
        sink: &mut S,
    ) {
        let Some(mut conn) = self.slots.take(slot) else {
            return;
        };
        self.held_bytes = self.held_bytes.saturating_sub(conn.held_cost());
        self.activity.remove(slot);
        self.holes.remove(slot);
        self.index.remove(&conn.head.key);
        self.in_networks -= usize::from(conn.head.key.network > 0);
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

/// A segment was a handshake's, and is done with.
struct Taken;
