//! Tells a second copy of a packet, which a mirror made, from a repetition by its sender.
//!
//! Senders number IPv4 packets, and most write the time into each segment (RFC 7323): a copy has
//! both the same, a repetition has them new. Where neither tells, as with IPv6 without timestamps,
//! a copy may have passed one router more or have come by another feed, while a repetition takes
//! the way of the first; and a sender repeats itself after a round trip at the earliest.

use tapscope_decap::{Segment, SeqNumber, Timestamp};

use crate::{FeedIndex, FlowSettings};

/// How many segments of a side are remembered.
const REMEMBERED: usize = 4;

/// What a segment looks like from outside, in few bytes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Look {
    seq: SeqNumber,
    /// Microseconds modulo 2^32: windows are much shorter than an hour.
    micros: u32,
    /// Drawn from its number, its sender's clock and its length.
    name: u32,
    feed: FeedIndex,
    hop_limit: u8,
    /// It has a number or a clock.
    is_named: bool,
}

impl Look {
    /// How a segment whose data begins at `seq` looks.
    pub(crate) fn of(segment: &Segment<'_>, seq: SeqNumber, feed: FeedIndex) -> Self {
        // 0 is what those put that do not number their packets.
        let is_named = segment.ip_id != 0 || segment.sender_clock.is_some();
        let clock = segment.sender_clock.map_or(0, |clock| clock ^ 0x5bd1_e995);
        let number_and_len = u32::from(segment.ip_id) << 16 ^ segment.payload_len;
        Self {
            seq,
            micros: micros(segment.timestamp),
            name: clock.wrapping_mul(0x9e37_79b1).rotate_left(7) ^ number_and_len,
            feed,
            hop_limit: segment.hop_limit,
            is_named,
        }
    }

    /// Whether it is a second copy of the packet that looked like that.
    fn is_copy_of(&self, first: &Self, settings: &FlowSettings) -> bool {
        let took_another_way = (self.hop_limit, self.feed) != (first.hop_limit, first.feed);
        let window_nanos = if self.is_named || took_another_way {
            settings.duplicate_window_nanos
        } else {
            settings.duplicate_window_unnamed_nanos
        };
        let apart = self.micros.wrapping_sub(first.micros).cast_signed();
        (self.seq, self.name) == (first.seq, first.name)
            && u64::from(apart.unsigned_abs()) * 1_000 <= window_nanos
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "modulo 2^32"
)]
const fn micros(at: Timestamp) -> u32 {
    (at.nanos() / 1_000) as u32
}

/// The segments of one side that brought bytes lately.
#[derive(Debug, Default)]
pub(crate) struct Recent {
    looks: [Look; REMEMBERED],
    next: u8,
}

impl Recent {
    /// Remembers a segment that brought bytes.
    pub(crate) fn remember(&mut self, look: Look) {
        if let Some(place) = self.looks.get_mut(usize::from(self.next)) {
            *place = look;
        }
        self.next = (self.next + 1) % REMEMBERED as u8;
    }

    /// Whether a segment that brought nothing new is a second copy of a packet.
    pub(crate) fn has_copy(&self, look: &Look, settings: &FlowSettings) -> bool {
        self.looks
            .iter()
            .any(|first| look.is_copy_of(first, settings))
    }
}
