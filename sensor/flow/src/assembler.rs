//! Puts one side's bytes in order: trims repetitions, holds what came too early, gives holes up.
//!
//! In-order bytes go from the segment to the sink without a copy. A hole stays open while there
//! is hope (see [`FlowSettings`]); then it becomes a gap and delivery goes on behind it.

use tapscope_decap::Timestamp;

use crate::held::{Origin, cost_at_most};
use crate::output::Output;
use crate::recent::Look;
use crate::stream::Stream;
use crate::{EndReason, FlowSettings, GapReason, Side, StreamSink};

/// The missing bytes in front of what waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hole {
    since: Timestamp,
    /// Since when, and since how many bytes, the receiver is known to have the bytes.
    acknowledged: Option<(Timestamp, u64)>,
}

/// The payload of one segment, placed on its stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Payload<'a> {
    /// Position of the first byte; negative when it lies before the start.
    pub(crate) position: i64,
    pub(crate) bytes: &'a [u8],
    /// Length on the wire.
    pub(crate) wire_len: u32,
    pub(crate) look: Look,
    pub(crate) captured: Timestamp,
    pub(crate) acknowledged: Option<u64>,
    /// The octet that its urgent pointer means.
    pub(crate) urgent: Option<u64>,
}

/// One side at work.
pub(crate) struct Assembler<'x, 'o, S> {
    pub(crate) side: Side,
    pub(crate) stream: &'x mut Stream,
    pub(crate) settings: &'x FlowSettings,
    pub(crate) out: &'x mut Output<'o, S>,
}

impl<S: StreamSink> Assembler<'_, '_, S> {
    /// Takes a segment's payload; may hold at most `allowance` bytes more.
    pub(crate) fn payload(&mut self, payload: Payload<'_>, allowance: usize) {
        self.stream.arrived += u64::from(payload.wire_len);
        let wire_end = payload.position.saturating_add(i64::from(payload.wire_len));
        let Some(wire_end) = u64::try_from(wire_end)
            .ok()
            .filter(|end| *end > self.stream.next)
        else {
            self.repeated(&payload);
            return;
        };
        // Bytes beyond FIN are nobody's.
        let limit = match self.stream.fin {
            _ if self.stream.ended => 0,
            Some(fin) => fin.min(wire_end),
            None => wire_end,
        };
        if limit < wire_end {
            self.out.counters.beyond_end += 1;
        }
        let position = u64::try_from(payload.position).unwrap_or(0);
        if limit <= self.stream.next || limit <= position {
            return;
        }
        let origin = Origin {
            captured: payload.captured,
            acknowledged: payload.acknowledged,
            arrival: self.stream.arrived,
            urgent: payload.urgent,
        };
        if position > self.stream.next {
            self.early(&payload, position, limit, origin, allowance);
            return;
        }
        // The part before `next` is a repetition.
        let skip = i64::try_from(self.stream.next).unwrap_or(i64::MAX) - payload.position;
        if skip > 0 {
            self.out.counters.retransmitted += 1;
        }
        let fresh = usize::try_from(skip)
            .ok()
            .and_then(|skip| payload.bytes.get(skip..));
        let fresh = clip(fresh.unwrap_or_default(), limit - self.stream.next);
        self.stream.recent.remember(payload.look);
        self.in_order(fresh, limit, origin);
    }

    /// Bytes that continue the stream.
    fn in_order(&mut self, bytes: &[u8], wire_end: u64, origin: Origin) {
        self.stream.advanced = self.stream.arrived;
        let Some(front) = self.front_offset() else {
            self.deliver(bytes, wire_end, origin);
            return;
        };
        let room = front.saturating_sub(self.stream.next);
        let direct = clip(bytes, room);
        let rest = bytes.get(direct.len()..).unwrap_or_default();
        if rest.is_empty() {
            self.deliver(direct, wire_end.min(front), origin);
        } else {
            self.deliver(direct, front, origin);
        }
        if wire_end > front
            && let Some(held) = self.stream.held.as_mut()
        {
            // What is held came first and wins; what is new among it joins it and leaves at once.
            let inserted = held.insert(front, rest, wire_end, origin);
            if let Some(offset) = inserted.conflict {
                self.out.conflict(self.side, offset);
            }
        }
        self.drain();
        // The stream goes on: what still waits may yet be reached.
        self.stream.hole = None;
    }

    /// Bytes beyond a hole.
    fn early(
        &mut self,
        payload: &Payload<'_>,
        position: u64,
        wire_end: u64,
        origin: Origin,
        allowance: usize,
    ) {
        let bytes = clip(payload.bytes, wire_end - position);
        let between = self
            .stream
            .held
            .as_ref()
            .map_or(0, |held| held.count_between(position, wire_end));
        let full = self
            .stream
            .held
            .as_ref()
            .is_some_and(|held| held.len() + between >= self.settings.held_segments_max);
        if full || cost_at_most(bytes.len(), between) > allowance {
            self.give_up_all(GapReason::MemoryCap);
            self.jump(payload, position, wire_end, origin);
            return;
        }
        let held = self.stream.held.get_or_insert_default();
        let inserted = held.insert(position, bytes, wire_end, origin);
        if let Some(offset) = inserted.conflict {
            self.out.conflict(self.side, offset);
        }
        if inserted.anything {
            self.out.counters.out_of_order += 1;
            self.stream.recent.remember(payload.look);
        } else {
            self.repeated(payload);
        }
    }

    /// Delivers a segment that cannot wait, behind a gap when there is still one.
    fn jump(&mut self, payload: &Payload<'_>, position: u64, wire_end: u64, origin: Origin) {
        if wire_end <= self.stream.next || self.stream.ended {
            return;
        }
        if position > self.stream.next {
            self.gap_to(position, GapReason::MemoryCap);
        }
        let skip = usize::try_from(self.stream.next - position).unwrap_or(usize::MAX);
        let bytes = payload.bytes.get(skip..).unwrap_or_default();
        self.in_order(clip(bytes, wire_end - self.stream.next), wire_end, origin);
    }

    /// Counts a segment that brought nothing new.
    fn repeated(&mut self, payload: &Payload<'_>) {
        // Copies are no later segments: a hole is given up at the same point with and without them.
        let len = u64::from(payload.wire_len);
        self.stream.arrived = self.stream.arrived.saturating_sub(len);
        let next = i64::try_from(self.stream.next).unwrap_or(i64::MAX);
        if payload.position < 0 && !self.stream.syn_seen {
            self.out.counters.before_start += 1;
        } else if self.stream.recent.has_copy(&payload.look, self.settings) {
            self.out.counters.duplicated += 1;
        } else {
            // A mirror copies repetitions too.
            self.stream.recent.remember(payload.look);
            if payload.wire_len <= 1 && payload.position == next - 1 {
                self.out.counters.keep_alive += 1;
            } else {
                self.out.counters.retransmitted += 1;
            }
        }
    }

    /// Takes an urgent pointer that means `octet`, when the stream has come to its segment.
    pub(crate) fn mark_urgent(&mut self, octet: u64) {
        // A receiver ignores a pointer to what it has, and one that says less than it knows.
        if octet >= self.stream.next && self.stream.urgent.is_none_or(|known| known < octet) {
            self.stream.urgent = Some(octet);
        }
    }

    /// Notes where FIN says the stream ends.
    pub(crate) fn finish_at(&mut self, position: i64) {
        let Ok(position) = u64::try_from(position) else {
            return;
        };
        if self.stream.fin.is_none() && position >= self.stream.next {
            self.stream.fin = Some(position);
        }
    }

    /// Ends the stream when everything up to FIN was emitted, and looks after the hole.
    pub(crate) fn settle(&mut self, now: Timestamp) {
        if self.stream.fin.is_some_and(|fin| self.stream.next >= fin) && !self.stream.ended {
            self.stream.ended = true;
            self.stream.urgent = None;
            let beyond = self.stream.held.take().map_or(0, |held| held.len());
            self.out.counters.beyond_end += beyond as u64;
            self.out.end(self.side, EndReason::Fin);
        }
        let Some(end) = self.hole_end() else {
            self.stream.hole = None;
            return;
        };
        let has_it = self.stream.acknowledged >= end;
        let arrived = self.stream.arrived;
        let hole = self.stream.hole.get_or_insert(Hole {
            since: now,
            acknowledged: None,
        });
        if has_it && hole.acknowledged.is_none() {
            hole.acknowledged = Some((now, arrived));
        }
    }

    /// Gives up the holes whose time was over at `now`, each at its own time.
    pub(crate) fn expire(&mut self, now: Timestamp) {
        let mut at = Timestamp::from_nanos(i64::MIN);
        while let Some(deadline) = self.stream.deadline(self.settings).filter(|at| *at <= now) {
            // What waited long behind a hole that was older is given up with it, not before.
            at = at.max(deadline);
            self.out.timestamp = at;
            self.give_up(GapReason::NotCaptured);
            self.resettle(at);
        }
    }

    /// Gives up the holes that enough later bytes have passed.
    pub(crate) fn overtake(&mut self, now: Timestamp) {
        let grace = self.settings.hole_grace_bytes;
        while self.stream.is_overtaken(grace) {
            self.give_up(GapReason::NotCaptured);
            self.resettle(now);
        }
    }

    /// Delivers everything that waits, with its gaps.
    pub(crate) fn give_up_all(&mut self, reason: GapReason) {
        while self.hole_end().is_some() {
            self.give_up(reason);
        }
        self.stream.hole = None;
    }

    /// Emits what was acknowledged and never seen at the end of the stream.
    pub(crate) fn give_up_tail(&mut self) {
        let missing = self.stream.acknowledged.saturating_sub(self.stream.next);
        // One byte is what a FIN that was not captured takes; far ahead is no acknowledgement.
        let believable = 2..=self.settings.stray_distance;
        if !self.stream.ended && believable.contains(&missing) {
            self.gap_to(self.stream.acknowledged, GapReason::NotCaptured);
        }
    }

    /// A new hole after one was given up is as old as the earliest of what waits behind it.
    fn resettle(&mut self, now: Timestamp) {
        let before = self.stream.hole.take().and_then(|hole| hole.acknowledged);
        let earliest = self.stream.held.as_ref().and_then(|held| held.earliest());
        self.settle(now);
        if let (Some(origin), Some(hole)) = (earliest, self.stream.hole.as_mut()) {
            hole.since = origin.captured.min(now);
            if let (Some(acknowledged), Some(before)) = (hole.acknowledged.as_mut(), before) {
                *acknowledged = (before.0.max(hole.since), before.1.max(origin.arrival));
            }
        }
    }

    /// Gives up the first hole.
    fn give_up(&mut self, reason: GapReason) {
        if self.drop_forgery() {
            return;
        }
        let Some(end) = self.hole_end() else { return };
        self.gap_to(end, reason);
        self.drain();
    }

    /// A chunk far ahead that the stream went on without, and that nobody acknowledged, is not
    /// of this stream: believing it would make everything that follows a repetition.
    fn drop_forgery(&mut self) -> bool {
        let Some(held) = self.stream.held.as_mut() else {
            return false;
        };
        let Some(front) = held.front() else {
            return false;
        };
        let far = front.offset - self.stream.next.min(front.offset) > self.settings.near_distance;
        let passed = self.stream.advanced > front.origin.arrival;
        if !far || !passed || self.stream.acknowledged >= front.offset {
            return false;
        }
        held.pop_front();
        if held.is_empty() {
            self.stream.held = None;
        }
        self.out.counters.implausible_jump += 1;
        true
    }

    fn front_offset(&self) -> Option<u64> {
        self.stream.held.as_ref()?.front().map(|chunk| chunk.offset)
    }

    /// Where the first hole ends.
    fn hole_end(&self) -> Option<u64> {
        self.front_offset()
            .or(self.stream.fin)
            .filter(|end| *end > self.stream.next)
    }

    fn gap_to(&mut self, end: u64, reason: GapReason) {
        // Of an urgent octet that was announced, it is known that it is none of the stream.
        if let Some(octet) = self.stream.urgent.take_if(|octet| *octet < end)
            && self.settings.urgent.takes_out()
        {
            self.miss(octet, reason);
            self.out.urgent(self.side, octet, true);
            self.stream.next = octet + 1;
        }
        self.miss(end, reason);
    }

    /// Emits that the bytes up to `end` will never come.
    fn miss(&mut self, end: u64, reason: GapReason) {
        let offset = self.stream.next;
        if end > offset {
            self.stream.next = end;
            let acknowledged = self.stream.acknowledged.saturating_sub(offset);
            let range = (offset, end - offset);
            self.out.gap(self.side, range, reason, acknowledged);
        }
    }

    /// Emits in-order bytes and the cut-off rest of their segment.
    fn deliver(&mut self, bytes: &[u8], wire_end: u64, origin: Origin) {
        if let Some(octet) = origin.urgent {
            self.mark_urgent(octet);
        }
        let end = self.stream.next + bytes.len() as u64;
        let rest = match self.stream.urgent.take_if(|octet| *octet < end) {
            Some(octet) => self.hand_on_urgent(octet, bytes, origin),
            None => bytes,
        };
        self.hand_on(rest, origin);
        self.gap_to(wire_end, GapReason::Truncated);
    }

    fn hand_on(&mut self, bytes: &[u8], origin: Origin) {
        if !bytes.is_empty() {
            let offset = self.stream.next;
            self.stream.next += bytes.len() as u64;
            self.out.data(self.side, offset, origin, bytes);
        }
    }

    /// Emits in-order bytes up to the urgent octet among them; gives the rest.
    fn hand_on_urgent<'b>(&mut self, octet: u64, bytes: &'b [u8], origin: Origin) -> &'b [u8] {
        let before = usize::try_from(octet.saturating_sub(self.stream.next)).ok();
        let parts = before.and_then(|at| bytes.split_at_checked(at));
        let (before, after) = parts.unwrap_or((bytes, &[]));
        self.hand_on(before, origin);
        let is_taken_out = self.settings.urgent.takes_out();
        self.out.urgent(self.side, octet, is_taken_out);
        if !is_taken_out {
            return after;
        }
        self.stream.next = octet + 1;
        after.get(1..).unwrap_or_default()
    }

    /// Delivers what waits at `next`.
    fn drain(&mut self) {
        while let Some(held) = self.stream.held.as_mut() {
            let next = self.stream.next;
            if held.front().is_none_or(|chunk| chunk.offset > next) {
                break;
            }
            let Some(chunk) = held.pop_front() else { break };
            // What the capture cut off may go on behind the next chunk.
            held.extend_front(chunk.wire_end);
            let follower = held.front().map_or(u64::MAX, |chunk| chunk.offset);
            let skip = usize::try_from(next - chunk.offset).unwrap_or(usize::MAX);
            let bytes = chunk.bytes.get(skip..).unwrap_or_default();
            let wire_end = chunk.wire_end.min(follower);
            self.deliver(bytes, wire_end, chunk.origin);
        }
        if self
            .stream
            .held
            .as_ref()
            .is_some_and(|held| held.is_empty())
        {
            self.stream.held = None;
        }
    }
}

impl Stream {
    /// When the hole is given up if nothing happens.
    pub(crate) fn deadline(&self, settings: &FlowSettings) -> Option<Timestamp> {
        let hole = self.hole?;
        let after = |since: Timestamp, nanos: u64| since + i64::try_from(nanos).unwrap_or(i64::MAX);
        let last = after(hole.since, settings.hole_unacknowledged_nanos);
        Some(match hole.acknowledged {
            Some((since, _)) => last.min(after(since, settings.hole_grace_nanos)),
            None => last,
        })
    }

    fn is_overtaken(&self, grace_bytes: u64) -> bool {
        let acknowledged = self.hole.and_then(|hole| hole.acknowledged);
        acknowledged.is_some_and(|(_, at)| self.arrived.saturating_sub(at) >= grace_bytes)
    }
}

/// At most `len` bytes from the front.
fn clip(bytes: &[u8], len: u64) -> &[u8] {
    usize::try_from(len)
        .ok()
        .and_then(|len| bytes.get(..len))
        .unwrap_or(bytes)
}
