//! The life of a connection: handshake, data, end, and the question whether a segment still
//! belongs to it or to another one on the same addresses and ports.

use tapscope_decap::{Segment, SeqNumber, TcpFlags, Timestamp};

use crate::feed::Directions;
use crate::handshake::Handshake;
use crate::key::FlowKey;
use crate::output::Head;
use crate::pending::PendingSyn;
use crate::stream::{Start, Stream};
use crate::{ConnectionId, FeedIndex, FlowSettings, Side};

/// A quiet time after which numbers that fit neither side are a new connection's.
const QUIET_NANOS: u64 = 1_000_000_000;

/// Where a connection stands; also which timer runs and how soon it is evicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Phase {
    /// A SYN, not answered.
    HalfOpen = 0,
    /// Both sides ended.
    Ended = 1,
    /// Reset.
    Reset = 2,
    /// Established, no data yet.
    Empty = 3,
    /// One side has sent data, the other none: what a flood with forged senders looks like, too.
    OneSided = 4,
    /// Both sides have sent data.
    Open = 5,
}

/// How many phases there are.
pub(crate) const PHASES: usize = 6;

impl Phase {
    /// Every phase, least useful first.
    pub(crate) const ALL: [Self; PHASES] = [
        Self::HalfOpen,
        Self::Ended,
        Self::Reset,
        Self::Empty,
        Self::OneSided,
        Self::Open,
    ];

    /// How long a silent connection stays in this phase.
    pub(crate) const fn timeout_nanos(self, settings: &FlowSettings) -> u64 {
        match self {
            Self::HalfOpen => settings.half_open_timeout_nanos,
            Self::Ended => settings.closed_linger_nanos,
            Self::Reset => settings.reset_linger_nanos,
            Self::Empty => settings.empty_timeout_nanos,
            Self::OneSided | Self::Open => settings.idle_timeout_nanos,
        }
    }
}

/// Whose a segment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// This connection's.
    Ours,
    /// A new connection's on the same addresses and ports; with the SYN that was seen for it.
    New(Option<SeqNumber>),
    /// Nobody's, to all appearance: a forged or late SYN.
    ImplausibleSyn,
    /// Nobody's: far from the stream.
    Stray,
}

/// What was seen of a connection before the segment that it begins with.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SeenBefore {
    /// The sequence number of its SYN.
    pub(crate) syn: Option<SeqNumber>,
    /// Where bytes of the sender, and of the other side, began that were not believed and are lost.
    pub(crate) strays: [Option<SeqNumber>; 2],
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) head: Head,
    pub(crate) a: Stream,
    pub(crate) b: Stream,
    pub(crate) last_seen: Timestamp,
    /// Something other than a SYN was seen.
    pub(crate) established: bool,
    pub(crate) has_payload: bool,
    /// The side that sent RST, and its sequence number.
    pub(crate) reset: Option<(Side, SeqNumber)>,
}

impl Connection {
    /// A connection that begins with `segment`, and of which that was seen before.
    pub(crate) fn begun(
        key: FlowKey,
        sender_is_low: bool,
        segment: &Segment<'_>,
        before: SeenBefore,
    ) -> Self {
        let synchronises = segment.flags.has(TcpFlags::SYN);
        // A SYN-ACK is the answer: side A is the one that asked.
        let answers = synchronises && segment.flags.has(TcpFlags::ACK);
        let SeenBefore { syn, strays } = before;
        let starts = strays.map(|first| first.map_or(Start::Unknown, Start::Known));
        let [mut a, b] = starts.map(Stream::starting_at);
        if let Some(seq) = syn.filter(|_| !synchronises) {
            a.start = Start::Known(seq.advance(1));
            a.syn_seen = true;
        }
        Self {
            head: Head {
                id: ConnectionId {
                    slot: 0,
                    name: key.name_of(segment),
                },
                key,
                a_is_low: sender_is_low != answers,
                initiator: syn.map(|_| Side::A),
                from_start: false,
                encapsulation: segment.encapsulation.clone(),
                feeds: Directions::default(),
                opened: false,
            },
            a,
            b,
            last_seen: segment.timestamp,
            established: false,
            has_payload: false,
            reset: None,
        }
    }

    /// A connection of which a handshake told this much.
    pub(crate) fn promoted(mut handshake: Handshake) -> Self {
        let stream = |side| {
            let mut stream = Stream::default();
            if let Some(start) = handshake.start(side) {
                stream.start = Start::Known(start);
                stream.syn_seen = true;
            }
            stream
        };
        let (a, b) = (stream(Side::A), stream(Side::B));
        Self {
            head: Head {
                id: ConnectionId {
                    slot: 0,
                    name: handshake.name(),
                },
                key: handshake.key(),
                a_is_low: handshake.a_is_low(),
                initiator: Some(Side::A),
                from_start: a.syn_seen && b.syn_seen,
                encapsulation: handshake.take_encapsulation(),
                feeds: handshake.feeds(),
                opened: false,
            },
            a,
            b,
            last_seen: handshake.last_seen(),
            established: handshake.is_established(),
            has_payload: false,
            reset: handshake.reset(),
        }
    }

    pub(crate) const fn side_of(&self, sender_is_low: bool) -> Side {
        if self.head.a_is_low == sender_is_low {
            Side::A
        } else {
            Side::B
        }
    }

    pub(crate) const fn streams(&self, side: Side) -> (&Stream, &Stream) {
        match side {
            Side::A => (&self.a, &self.b),
            Side::B => (&self.b, &self.a),
        }
    }

    pub(crate) const fn stream_mut(&mut self, side: Side) -> &mut Stream {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    pub(crate) const fn phase(&self) -> Phase {
        if self.reset.is_some() {
            Phase::Reset
        } else if self.a.ended && self.b.ended {
            Phase::Ended
        } else if self.a.arrived > 0 && self.b.arrived > 0 {
            Phase::Open
        } else if self.has_payload {
            Phase::OneSided
        } else if self.established {
            Phase::Empty
        } else {
            Phase::HalfOpen
        }
    }

    /// Retained bytes of both sides.
    pub(crate) fn held_cost(&self) -> usize {
        self.a.held_cost() + self.b.held_cost()
    }

    /// Decides whose a segment is.
    pub(crate) fn verdict(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        now: Timestamp,
        settings: &FlowSettings,
    ) -> Verdict {
        if segment.flags.has(TcpFlags::RST) {
            return Verdict::Ours;
        }
        if segment.flags.has(TcpFlags::SYN) {
            return self.syn_verdict(side, segment, settings);
        }
        if let Some(syn) = self.follows_pending(side, segment, settings) {
            return Verdict::New(Some(syn.seq()));
        }
        if segment.payload_len == 0 {
            // What it acknowledges would move the other stream to where another connection on the
            // same addresses stands, or where a forger wants it.
            let far = !self.is_near(side, segment, settings);
            return if far { Verdict::Stray } else { Verdict::Ours };
        }
        self.payload_verdict(side, segment, now, settings)
    }

    /// The SYN that waits to be believed, when a segment goes on behind it. One near the stream is
    /// not believed for a number alone, which the stream comes to as well.
    fn follows_pending(
        &self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> Option<&PendingSyn> {
        let (stream, other) = self.streams(side);
        let syn = stream.pending.as_deref()?;
        let acknowledges = segment.flags.has(TcpFlags::ACK);
        let is_elsewhere = is_far(stream, segment.seq, settings)
            || acknowledges && is_far(other, segment.ack, settings);
        (syn.goes_on_at(segment.seq) && is_elsewhere).then_some(syn)
    }

    /// The SYN that waited to be believed and was, by a segment of a new connection, when it carried
    /// data; and which feed brought it.
    pub(crate) fn believed_data(
        &self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> Option<(Segment<'_>, FeedIndex)> {
        if !segment.flags.has(TcpFlags::SYN) {
            let syn = self.follows_pending(side, segment, settings)?;
            return syn.segment(segment, true);
        }
        let syn = self.streams(side).1.pending.as_deref()?;
        let answers = segment.flags.has(TcpFlags::ACK) && syn.is_answered_by(segment.ack);
        answers.then(|| syn.segment(segment, false)).flatten()
    }

    /// Where strays began, of the sender and of the other side, that go on in a segment of a new
    /// connection.
    pub(crate) fn strays_before(
        &self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> [Option<SeqNumber>; 2] {
        if segment.flags.has(TcpFlags::SYN) {
            return [None; 2];
        }
        let (stream, other) = self.streams(side);
        let near = settings.near_distance;
        let answered = segment.flags.has(TcpFlags::ACK).then_some(segment.ack);
        [
            stream.strays_before(segment.seq, near),
            answered.and_then(|ack| other.strays_before(ack, near)),
        ]
    }

    /// Keeps what a SYN that waits to be believed carries, when that takes at most `room` bytes.
    pub(crate) fn keep_data(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        feed: FeedIndex,
        room: usize,
    ) {
        let fits = segment.payload_len > 0 && PendingSyn::cost_of(segment) <= room;
        let pending = self.stream_mut(side).pending.as_mut();
        if let Some(syn) = pending.filter(|syn| fits && syn.is(segment)) {
            syn.keep(segment, feed);
        }
    }

    /// Whether a segment stands where its side's stream is; of a side that was not seen yet, and once
    /// a side has ended, whether it acknowledges what the other side sent.
    pub(crate) fn is_near(
        &self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> bool {
        let stream = self.streams(side).0;
        match stream.position(segment.seq) {
            Some(position) => {
                // Once a side has ended, a number is near by chance, before FIN or behind it, when
                // what it acknowledges is not: that side only repeats itself and acknowledges, and
                // the other one acknowledges nothing behind FIN.
                stream.distance(position) <= settings.stray_distance
                    && !(self.has_ended() && self.acknowledges_elsewhere(side, segment, settings))
            }
            None => !self.acknowledges_elsewhere(side, segment, settings),
        }
    }

    /// Whether a side said that it ends.
    const fn has_ended(&self) -> bool {
        self.a.fin.is_some() || self.b.fin.is_some()
    }

    /// Whether a segment acknowledges what is far from the other side's stream.
    fn acknowledges_elsewhere(
        &self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> bool {
        let other = self.streams(side).1;
        segment.flags.has(TcpFlags::ACK)
            && other
                .position(segment.ack)
                .is_some_and(|position| other.distance(position) > settings.stray_distance)
    }

    fn payload_verdict(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        now: Timestamp,
        settings: &FlowSettings,
    ) -> Verdict {
        if self.is_near(side, segment, settings) {
            self.stream_mut(side).forget_strays();
            return Verdict::Ours;
        }
        let acknowledges_elsewhere = self.acknowledges_elsewhere(side, segment, settings);
        let over = self.phase() == Phase::Ended || self.reset.is_some();
        let quiet = now.nanos_since(self.last_seen) >= QUIET_NANOS;
        if over || (acknowledges_elsewhere && (quiet || self.has_ended())) {
            return Verdict::New(None);
        }
        let (seq, len) = (segment.seq, segment.payload_len);
        let in_a_row = self
            .stream_mut(side)
            .stray(seq, len, settings.near_distance);
        if in_a_row >= settings.strays_before_reuse {
            return Verdict::New(None);
        }
        Verdict::Stray
    }

    fn syn_verdict(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> Verdict {
        let first = segment.seq.advance(1);
        let answers = segment.flags.has(TcpFlags::ACK);
        let (stream, other) = self.streams(side);
        let Start::Known(start) = stream.start else {
            // The answer to a SYN that waits to be believed.
            let pending = other.pending.as_ref();
            let is_awaited = pending.is_some_and(|syn| answers && syn.is_answered_by(segment.ack));
            // Nothing comes before a SYN, in either stream.
            let acknowledges_data = answers
                && self.established
                && other
                    .position(segment.ack)
                    .is_some_and(|position| position != 0);
            let is_late = match stream.start {
                Start::Acknowledged(point) => point.distance_from(first) < 0,
                Start::Known(_) | Start::Unknown => false,
            };
            let is_new = self.has_payload && (acknowledges_data || is_late);
            return if is_awaited || is_new {
                Verdict::New((!answers).then_some(segment.seq))
            } else {
                Verdict::Ours
            };
        };
        if start == first {
            return Verdict::Ours;
        }
        let over = self.reset.is_some() || self.a.fin.is_some() && self.b.fin.is_some();
        if over || stream.fin.is_some() {
            return Verdict::New((!answers).then_some(segment.seq));
        }
        if !self.established && !self.has_payload {
            // Another attempt: the streams are empty, so the numbers can still change.
            return Verdict::Ours;
        }
        if answers {
            // Who has a connection does not answer a SYN, wherever that stands (RFC 9293 section
            // 3.10.7.4): one that was answered is another's.
            let is_believed = other
                .pending
                .as_ref()
                .is_some_and(|syn| syn.is_answered_by(segment.ack));
            let is_far = is_far(stream, first, settings) && is_far(other, segment.ack, settings);
            return if is_believed || is_far {
                Verdict::New(None)
            } else {
                Verdict::ImplausibleSyn
            };
        }
        let pending = &mut self.stream_mut(side).pending;
        if pending.as_ref().is_none_or(|syn| !syn.is(segment)) {
            *pending = Some(Box::new(PendingSyn::new(segment)));
        }
        Verdict::ImplausibleSyn
    }

    /// What a segment tells of a start whose SYN was not captured: the first segment after a SYN
    /// acknowledges the other side's, and a sender that has sent nothing yet stands at its start.
    ///
    /// What it acknowledges also corrects a start whose SYN told another number: a middlebox
    /// answered it, and translates the numbers of what follows.
    pub(crate) fn infer_start(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) {
        let (stream, other) = self.streams(side);
        let is_first = stream.syn_seen && stream.position(segment.seq) == Some(0);
        let is_known = match other.start {
            Start::Known(_) if other.arrived > 0 => true,
            Start::Known(start) => {
                let ahead = i64::from(segment.ack.distance_from(start));
                (0..=settings.near_distance).contains(&u64::try_from(ahead).unwrap_or(u64::MAX))
            }
            Start::Acknowledged(_) | Start::Unknown => false,
        };
        if is_first && segment.flags.has(TcpFlags::ACK) && !is_known {
            let other = self.stream_mut(side.other());
            other.start = Start::Known(segment.ack);
            other.acknowledged = 0;
            other.syn_seen = true;
        }
        let stream = self.stream_mut(side);
        if stream.start == Start::Unknown && segment.payload_len == 0 {
            stream.start = Start::Acknowledged(segment.seq);
        }
    }

    /// Whether both streams are known from their first byte on: both SYNs were seen, or this is the
    /// first one and carries data already (RFC 7413), which nothing comes before.
    pub(crate) fn is_from_start(&self, side: Side, segment: &Segment<'_>) -> bool {
        let opens_fast = segment.flags.has(TcpFlags::SYN)
            && !segment.flags.has(TcpFlags::ACK)
            && segment.payload_len > 0
            && self.streams(side).1.start == Start::Unknown;
        (self.a.syn_seen && self.b.syn_seen) || opens_fast
    }

    /// Takes what SYN says.
    pub(crate) fn synchronise(&mut self, side: Side, segment: &Segment<'_>) {
        let answers = segment.flags.has(TcpFlags::ACK);
        let fresh = !self.established && !self.has_payload;
        let first = segment.seq.advance(1);
        let stream = self.stream_mut(side);
        if fresh || !matches!(stream.start, Start::Known(_)) {
            stream.start = Start::Known(first);
            stream.syn_seen = true;
        } else if stream.start == Start::Known(first) {
            stream.syn_seen = true;
        }
        if answers {
            let other = self.stream_mut(side.other());
            // The answer tells which of several SYNs counts, and stands in for one not captured.
            if fresh || !matches!(other.start, Start::Known(_)) {
                other.start = Start::Known(segment.ack);
                other.syn_seen = true;
            }
        }
        let initiator = if answers { side.other() } else { side };
        self.head.initiator.get_or_insert(initiator);
    }

    /// Whether RST is near enough to be the sender's.
    pub(crate) fn believes_reset(
        &self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> bool {
        let (stream, other) = self.streams(side);
        if let Some(position) = stream.position(segment.seq) {
            return stream.distance(position) <= settings.stray_distance;
        }
        // A refused SYN is answered with sequence number 0 and its acknowledgement.
        let acknowledged = other
            .position(segment.ack)
            .filter(|_| segment.flags.has(TcpFlags::ACK));
        acknowledged.is_none_or(|position| other.distance(position) <= settings.stray_distance)
    }
}

/// Whether a number is so far from where a stream is that a connection which begins there is more
/// likely than a forgery.
fn is_far(stream: &Stream, seq: SeqNumber, settings: &FlowSettings) -> bool {
    stream
        .position(seq)
        .is_none_or(|at| stream.distance(at) > settings.near_distance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_costs_half_a_kilobyte() {
        let size = size_of::<Option<Connection>>();
        assert!(size <= 576, "{size}");
    }
}
