//! What each feed (interface, VLAN and virtual network) brought and lacked: the loss that no
//! drop counter tells, because it happened before the interface.
//!
//! The estimate of it: bytes that the receiver acknowledged, and that were still missing when the
//! reassembler gave their hole up. What is only late was not given up; what lies before the first
//! packet of a connection is not expected; of a direction that was never seen nothing is expected
//! either, it is counted as a one-sided connection.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use tapscope_decap::{FeedKey, Layer, Segment, Timestamp};

use crate::counters::Counters;
use crate::{FlowSettings, GapReason, Side};

/// One feed's place in the table of feeds; dense, so that later stages can index an array by it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedIndex(pub u16);

/// Feed 0 takes what finds no place of its own.
const OTHER: FeedIndex = FeedIndex(0);

/// What was counted of one feed, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FeedCounts {
    /// Segments.
    pub segments: u64,
    /// Bytes of their payload, as they were on the wire.
    pub payload_bytes: u64,
    /// Bytes of streams delivered in order.
    pub delivered_bytes: u64,
    /// Bytes that the receiver acknowledged and that were never seen.
    pub unseen_bytes: u64,
    /// Gaps with such bytes.
    pub unseen_gaps: u64,
    /// Other bytes given up: the snap length cut them, or a memory cap.
    pub cut_bytes: u64,
    /// Segments that the capture cut.
    pub truncated: u64,
    /// Segments inside of more than one VLAN tag, or of anything else.
    pub encapsulated: u64,
    /// Second copies of a packet.
    pub duplicates: u64,
    /// Repetitions by the sender.
    pub retransmissions: u64,
    /// Segments that came before the ones in front of them.
    pub out_of_order: u64,
    /// Connections that carried data.
    pub connections: u64,
    /// Of them those of which only the client's direction was seen.
    pub client_only: u64,
    /// Of them those of which only the server's direction was seen.
    pub server_only: u64,
    /// Of them those of which one direction was seen, without a handshake to tell which.
    pub one_side_only: u64,
    /// Segments further behind the feed's time than disorder explains.
    pub clock_steps_back: u64,
    /// The furthest such step, in nanoseconds.
    pub clock_back_nanos_max: u64,
    /// Segments further ahead of the feed's time than silence explains.
    pub clock_jumps: u64,
}

/// The stage's counters around a segment: the difference is its feed's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Before {
    duplicated: u64,
    retransmitted: u64,
    out_of_order: u64,
}

impl Before {
    pub(crate) const fn of(counters: &Counters) -> Self {
        Self {
            duplicated: counters.duplicated,
            retransmitted: counters.retransmitted,
            out_of_order: counters.out_of_order,
        }
    }
}

/// Which directions of a connection came by which feed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Directions {
    pub(crate) a: Option<FeedIndex>,
    pub(crate) b: Option<FeedIndex>,
}

impl Directions {
    /// The feed of one direction.
    pub(crate) const fn of(&self, side: Side) -> Option<FeedIndex> {
        match side {
            Side::A => self.a,
            Side::B => self.b,
        }
    }

    /// The feed of the direction that was seen first, as far as that is told by its being side A.
    pub(crate) fn first(&self) -> FeedIndex {
        self.a.or(self.b).unwrap_or(OTHER)
    }

    /// A segment of one direction came by `feed`.
    pub(crate) const fn note(&mut self, side: Side, feed: FeedIndex) {
        match side {
            Side::A => self.a = Some(feed),
            Side::B => self.b = Some(feed),
        }
    }
}

#[derive(Debug, Default)]
struct Feed {
    counts: FeedCounts,
    clock: Option<Timestamp>,
}

/// The table of feeds.
#[derive(Debug)]
pub(crate) struct Feeds {
    index: HashMap<FeedKey, FeedIndex, RandomState>,
    feeds: Vec<Feed>,
    keys: Vec<Option<FeedKey>>,
    /// The key of the latest segment: packets come in runs.
    latest: Option<(FeedKey, FeedIndex)>,
    source: u32,
}

impl Default for Feeds {
    fn default() -> Self {
        Self {
            index: HashMap::default(),
            feeds: vec![Feed::default()],
            keys: vec![None],
            latest: None,
            source: 0,
        }
    }
}

impl Feeds {
    pub(crate) const fn set_source(&mut self, source: u32) {
        self.source = source;
    }

    /// The feed of a segment, which is counted.
    pub(crate) fn handle_segment(
        &mut self,
        segment: &Segment<'_>,
        settings: &FlowSettings,
    ) -> FeedIndex {
        let key = FeedKey::of(self.source, segment.interface, &segment.encapsulation);
        let index = match self.latest {
            Some((latest, index)) if latest == key => index,
            _ => self.find(key, settings.feeds_max),
        };
        self.latest = Some((key, index));
        if let Some(feed) = self.feeds.get_mut(usize::from(index.0)) {
            feed.counts.segments += 1;
            feed.counts.payload_bytes += u64::from(segment.payload_len);
            let is_cut = segment.payload.len() < segment.payload_len as usize;
            feed.counts.truncated += u64::from(is_cut);
            let is_plain = matches!(segment.encapsulation.0[..], [] | [Layer::Vlan(_)]);
            feed.counts.encapsulated += u64::from(!is_plain);
            feed.tick(segment.timestamp, settings);
        }
        index
    }

    fn find(&mut self, key: FeedKey, feeds_max: usize) -> FeedIndex {
        if let Some(index) = self.index.get(&key) {
            return *index;
        }
        let is_full = self.feeds.len() > feeds_max.min(usize::from(u16::MAX));
        match u16::try_from(self.feeds.len()) {
            Ok(place) if !is_full => {
                self.feeds.push(Feed::default());
                self.keys.push(Some(key));
                self.index.insert(key, FeedIndex(place));
                FeedIndex(place)
            }
            _ => OTHER,
        }
    }

    /// What came of the segment, by what the stage's counters say.
    pub(crate) fn settle(&mut self, feed: FeedIndex, before: Before, after: Before) {
        self.with(feed, |counts| {
            counts.duplicates += after.duplicated - before.duplicated;
            counts.retransmissions += after.retransmitted - before.retransmitted;
            counts.out_of_order += after.out_of_order - before.out_of_order;
        });
    }

    /// Bytes delivered of a direction.
    pub(crate) fn delivered(&mut self, feed: Option<FeedIndex>, bytes: u64) {
        if let Some(feed) = feed {
            self.with(feed, |counts| counts.delivered_bytes += bytes);
        }
    }

    /// Bytes of a direction given up, of which the receiver had acknowledged so many.
    pub(crate) fn gap(
        &mut self,
        feed: Option<FeedIndex>,
        reason: GapReason,
        len: u64,
        acknowledged: u64,
    ) {
        // A direction that was never seen is not lossy, it is missing.
        let Some(feed) = feed else { return };
        self.with(feed, |counts| match reason {
            GapReason::NotCaptured if acknowledged > 0 => {
                counts.unseen_gaps += 1;
                counts.unseen_bytes = counts.unseen_bytes.saturating_add(acknowledged.min(len));
            }
            GapReason::NotCaptured => {}
            GapReason::Truncated | GapReason::MemoryCap => {
                counts.cut_bytes = counts.cut_bytes.saturating_add(len);
            }
        });
    }

    /// A connection that carried data is over; `a_is_client` when the handshake told.
    pub(crate) fn close(&mut self, seen: Directions, a_is_client: Option<bool>) {
        let Some(feed) = seen.a.or(seen.b) else {
            return;
        };
        let one_sided = seen.a.is_none() || seen.b.is_none();
        let only_a = seen.b.is_none();
        self.with(feed, |counts| {
            counts.connections += 1;
            if one_sided {
                match a_is_client.map(|a_is_client| a_is_client == only_a) {
                    Some(true) => counts.client_only += 1,
                    Some(false) => counts.server_only += 1,
                    None => counts.one_side_only += 1,
                }
            }
        });
    }

    /// Every feed that brought something, in the order in which they came up; the one without key
    /// takes what found no place.
    pub(crate) fn values(&self) -> Vec<(FeedIndex, Option<FeedKey>, FeedCounts)> {
        let places = (0..=u16::MAX).map(FeedIndex);
        let feeds = self.keys.iter().zip(&self.feeds).zip(places);
        feeds
            .filter(|((_, feed), _)| feed.counts.segments > 0)
            .map(|((key, feed), place)| (place, *key, feed.counts))
            .collect()
    }

    fn with(&mut self, feed: FeedIndex, count: impl FnOnce(&mut FeedCounts)) {
        if let Some(feed) = self.feeds.get_mut(usize::from(feed.0)) {
            count(&mut feed.counts);
        }
    }
}

impl Feed {
    fn tick(&mut self, now: Timestamp, settings: &FlowSettings) {
        let clock = self.clock.unwrap_or(now);
        let behind = clock.nanos_since(now);
        if behind > settings.clock_disorder_nanos {
            self.counts.clock_steps_back += 1;
            self.counts.clock_back_nanos_max = self.counts.clock_back_nanos_max.max(behind);
        }
        let ahead = now.nanos_since(clock) > settings.clock_jump_nanos;
        self.counts.clock_jumps += u64::from(ahead);
        self.clock = Some(clock.max(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(vlan: u16) -> FeedKey {
        FeedKey {
            vlan: Some(vlan),
            ..FeedKey::default()
        }
    }

    #[test]
    fn feeds_beyond_the_cap_share_one_place() {
        let mut feeds = Feeds::default();
        let places: Vec<u16> = (0..5).map(|vlan| feeds.find(key(vlan), 2).0).collect();
        assert_eq!(places, [1, 2, 0, 0, 0]);
        assert_eq!(feeds.find(key(0), 2).0, 1);
    }
}
