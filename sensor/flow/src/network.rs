//! Connections on the same addresses and ports that go on at once: tenants behind one mirror may use
//! the same private addresses, each in its own VLAN or virtual network.
//!
//! Tags alone tell nothing, for mirrors tag the two directions, and copies, differently. So a
//! second connection is opened only when a segment contradicts the TCP state of the first and
//! came by another feed; from then on feeds tell whose a segment is.

use tapscope_decap::Segment;

use crate::connection::{Connection, Phase, Verdict};
use crate::key::FlowKey;
use crate::{FeedIndex, FlowSettings, Side};

/// How well a segment fits a connection; the greatest fits best.
type Fit = (u8, bool);

impl Connection {
    /// Whether a segment that is not of this connection, which goes on, came by another feed.
    pub(crate) fn is_of_another_network(
        &self,
        side: Side,
        feed: FeedIndex,
        verdict: Verdict,
    ) -> bool {
        let is_over = matches!(self.phase(), Phase::Ended | Phase::Reset | Phase::HalfOpen);
        let known = self.head.feeds.of(side);
        let known = known.or_else(|| self.head.feeds.of(side.other()));
        verdict != Verdict::Ours && !is_over && known.is_some_and(|known| known != feed)
    }

    /// How well a segment fits: by the feed of its direction, then by where its stream is.
    pub(crate) fn fit(
        &self,
        side: Side,
        segment: &Segment<'_>,
        feed: FeedIndex,
        settings: &FlowSettings,
    ) -> Fit {
        let by_feed = match (self.head.feeds.of(side), self.head.feeds.of(side.other())) {
            (Some(known), _) if known == feed => 3,
            (None, Some(other)) if other == feed => 2,
            (None, _) => 1,
            (Some(_), _) => 0,
        };
        (by_feed, self.is_near(side, segment, settings))
    }
}

/// The keys that connections on the same ends can have.
pub(crate) fn keys(key: FlowKey, settings: &FlowSettings) -> impl Iterator<Item = FlowKey> {
    (0..settings.networks_max.max(1)).map(move |network| key.in_network(network))
}
