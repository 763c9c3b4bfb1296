//! What the stage counts by feed: the difference of its counters around whatever a connection
//! does, added to the feed that brought the connection.

use tapscope_flow::FeedIndex;

use crate::counters::{Counter, Counters};

/// What was counted of one feed, since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpFeedCounts {
    /// Connections on which HTTP was recognised.
    pub connections: u64,
    /// Sides that began as TLS.
    pub tls_streams: u64,
    /// Sides that began as something that is neither HTTP nor TLS.
    pub foreign_streams: u64,
    /// Heads parsed.
    pub heads_parsed: u64,
    /// Of them those that only the lenient parser could read.
    pub heads_tolerated: u64,
    /// Exchanges with request and response.
    pub exchanges: u64,
    /// Requests without a response.
    pub requests_only: u64,
    /// Responses without a request.
    pub responses_only: u64,
}

impl HttpFeedCounts {
    const NONE: Self = Self {
        connections: 0,
        tls_streams: 0,
        foreign_streams: 0,
        heads_parsed: 0,
        heads_tolerated: 0,
        exchanges: 0,
        requests_only: 0,
        responses_only: 0,
    };

    /// The stage's counters as they stand.
    pub(crate) fn of(counters: &Counters) -> Self {
        let sum = |of: &[Counter]| {
            of.iter()
                .fold(0, |sum, counter| sum + counters.get(*counter))
        };
        Self {
            connections: counters.get(Counter::Connections),
            tls_streams: counters.get(Counter::ProtocolTls),
            foreign_streams: sum(&[
                Counter::ProtocolSsh,
                Counter::ProtocolSocks,
                Counter::ProtocolProxy,
                Counter::ProtocolRtsp,
                Counter::ProtocolSip,
                Counter::ProtocolIcy,
                Counter::ProtocolOther,
            ]),
            heads_parsed: sum(&[Counter::Requests, Counter::Responses]),
            heads_tolerated: counters.get(Counter::Lenient),
            exchanges: sum(&[Counter::Ordered, Counter::Acknowledged]),
            requests_only: counters.get(Counter::Unanswered),
            responses_only: counters.get(Counter::Orphaned),
        }
    }

    fn add(&mut self, before: &Self, after: &Self) {
        self.connections += after.connections - before.connections;
        self.tls_streams += after.tls_streams - before.tls_streams;
        self.foreign_streams += after.foreign_streams - before.foreign_streams;
        self.heads_parsed += after.heads_parsed - before.heads_parsed;
        self.heads_tolerated += after.heads_tolerated - before.heads_tolerated;
        self.exchanges += after.exchanges - before.exchanges;
        self.requests_only += after.requests_only - before.requests_only;
        self.responses_only += after.responses_only - before.responses_only;
    }
}

/// The counts of all feeds; the flow stage bounds how many there are.
#[derive(Debug, Default)]
pub(crate) struct HttpFeeds {
    feeds: Vec<HttpFeedCounts>,
    /// The stage's counters as far as they were added to a feed's.
    settled: HttpFeedCounts,
}

impl HttpFeeds {
    /// Nothing counted.
    pub(crate) const fn new() -> Self {
        Self {
            feeds: Vec::new(),
            settled: HttpFeedCounts::NONE,
        }
    }

    /// Adds what happened since the last call: a connection of that feed did it.
    pub(crate) fn settle(&mut self, feed: FeedIndex, counters: &Counters) {
        let now = HttpFeedCounts::of(counters);
        if now == self.settled {
            return;
        }
        let place = usize::from(feed.0);
        if self.feeds.len() <= place {
            self.feeds.resize(place + 1, HttpFeedCounts::NONE);
        }
        if let Some(counts) = self.feeds.get_mut(place) {
            counts.add(&self.settled, &now);
        }
        self.settled = now;
    }

    /// The counts of one feed.
    pub(crate) fn get(&self, feed: FeedIndex) -> HttpFeedCounts {
        self.feeds
            .get(usize::from(feed.0))
            .copied()
            .unwrap_or_default()
    }
}
