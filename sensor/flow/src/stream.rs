//! One side's stream: where its sequence numbers lie, and what was said about its end.

use tapscope_decap::SeqNumber;

use crate::assembler::Hole;
use crate::held::Held;
use crate::pending::PendingSyn;
use crate::recent::Recent;

/// The largest distance an acknowledgement may be ahead: the largest window (RFC 7323) is 1 GiB.
const ACKNOWLEDGED_AHEAD_MAX: u64 = 1 << 30;

/// What is known of the sequence number of the stream's first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Start {
    /// Nothing.
    #[default]
    Unknown,
    /// The other side acknowledged up to here before this side was seen, or this side said that it
    /// goes on from here; positions count from here.
    Acknowledged(SeqNumber),
    /// Position 0 is here.
    Known(SeqNumber),
}

/// Segments far from the stream that follow each other.
#[derive(Clone, Copy, Debug, Default)]
struct Strays {
    next: SeqNumber,
    /// How far before `next` they begin.
    len: u16,
    count: u8,
}

/// One side.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    pub(crate) start: Start,
    pub(crate) syn_seen: bool,
    /// A SYN with another sequence number, which may be a new connection or a forgery.
    pub(crate) pending: Option<Box<PendingSyn>>,
    /// Everything before this position was emitted, as data or gap.
    pub(crate) next: u64,
    /// The highest position the other side acknowledged.
    pub(crate) acknowledged: u64,
    /// Where FIN says the stream ends.
    pub(crate) fin: Option<u64>,
    /// Whether `End` was emitted; nothing but `Close` follows.
    pub(crate) ended: bool,
    /// Bytes of the segments that arrived, without repetitions.
    pub(crate) arrived: u64,
    /// How many had arrived when a segment last continued the stream in order.
    pub(crate) advanced: u64,
    /// The hole at `next`, while bytes or FIN beyond it wait.
    pub(crate) hole: Option<Hole>,
    /// What waits; allocated when something does.
    pub(crate) held: Option<Box<Held>>,
    /// The urgent octet that is still to come.
    pub(crate) urgent: Option<u64>,
    /// What tells copies of a packet from repetitions by the sender.
    pub(crate) recent: Recent,
    strays: Strays,
}

impl Stream {
    /// One of which that is known.
    pub(crate) fn starting_at(start: Start) -> Self {
        Self {
            start,
            ..Self::default()
        }
    }

    /// The best guess of where the sender is, for extending sequence numbers to positions.
    pub(crate) fn reference(&self) -> u64 {
        self.next.max(self.acknowledged)
    }

    /// The position of a sequence number, negative when it lies before the start.
    pub(crate) fn position(&self, seq: SeqNumber) -> Option<i64> {
        let Start::Known(start) = self.start else {
            return None;
        };
        let reference = self.reference();
        let low_bits = u32::try_from(reference & u64::from(u32::MAX)).unwrap_or(0);
        let distance = i64::from(seq.distance_from(start.advance(low_bits)));
        Some(
            i64::try_from(reference)
                .unwrap_or(i64::MAX)
                .saturating_add(distance),
        )
    }

    /// How far a position is from where the stream is, as far as data or acknowledgements tell.
    pub(crate) fn distance(&self, position: i64) -> u64 {
        let from = |point: u64| i64::try_from(point).unwrap_or(i64::MAX).abs_diff(position);
        from(self.next).min(from(self.acknowledged))
    }

    /// The position an acknowledgement names, when it makes sense.
    pub(crate) fn acknowledged_position(&self, ack: SeqNumber) -> Option<u64> {
        if let Start::Acknowledged(point) = self.start {
            return u64::try_from(ack.distance_from(point)).ok();
        }
        let position = u64::try_from(self.position(ack)?).ok()?;
        if position > self.reference().saturating_add(ACKNOWLEDGED_AHEAD_MAX) {
            return None;
        }
        // FIN takes a sequence number but no position.
        Some(self.fin.map_or(position, |fin| position.min(fin)))
    }

    /// Takes an acknowledgement by the other side.
    pub(crate) fn acknowledge(&mut self, ack: SeqNumber) {
        if self.start == Start::Unknown {
            self.start = Start::Acknowledged(ack);
        }
        if let Some(position) = self.acknowledged_position(ack) {
            self.acknowledged = self.acknowledged.max(position);
        }
    }

    /// Fixes the start by the first segment that shows one.
    pub(crate) fn begin(&mut self, seq: SeqNumber, jump_max: u64) {
        match self.start {
            Start::Known(_) => {}
            // Positions were counted from the acknowledged point, so it stays the start. What lies
            // between it and later bytes was not captured; earlier ones came too late.
            Start::Acknowledged(point)
                if u64::from(seq.distance_from(point).unsigned_abs()) <= jump_max =>
            {
                self.start = Start::Known(point);
            }
            Start::Acknowledged(_) | Start::Unknown => {
                self.start = Start::Known(seq);
                self.acknowledged = 0;
            }
        }
    }

    /// Retained bytes.
    pub(crate) fn held_cost(&self) -> usize {
        let pending = self.pending.as_ref().map_or(0, |syn| syn.cost());
        self.held.as_ref().map_or(0, |held| held.cost()) + pending
    }

    /// Takes a segment far from the stream; tells how many in a row follow each other.
    pub(crate) fn stray(&mut self, seq: SeqNumber, len: u32, near: u64) -> u8 {
        let distance = i64::from(seq.distance_from(self.strays.next));
        let follows = self.strays.count > 0 && distance.unsigned_abs() <= near;
        self.strays.count = if follows {
            self.strays.count.saturating_add(1)
        } else {
            1
        };
        let next = seq.advance(len);
        let before = u32::from(self.strays.len);
        let first = self.strays.next.advance(before.wrapping_neg());
        let is_before = follows && first.distance_from(seq) < 0;
        let first = if is_before { first } else { seq };
        let len = next.distance_from(first).unsigned_abs();
        self.strays.len = u16::try_from(len).unwrap_or(u16::MAX);
        self.strays.next = next;
        self.strays.count
    }

    /// Where strays begin that end near `seq`.
    pub(crate) fn strays_before(&self, seq: SeqNumber, near: u64) -> Option<SeqNumber> {
        let distance = i64::from(seq.distance_from(self.strays.next));
        let len = u32::from(self.strays.len);
        (self.strays.count > 0 && distance.unsigned_abs() <= near)
            .then(|| self.strays.next.advance(len.wrapping_neg()))
    }

    /// A segment of the stream itself: strays before it were no new connection.
    pub(crate) const fn forget_strays(&mut self) {
        self.strays.count = 0;
    }
}
