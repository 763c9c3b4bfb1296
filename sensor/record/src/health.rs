//! What the sensor says of itself: what it took in, and what it could not use and why. Reports of
//! several workers add up to one.

use serde::{Deserialize, Serialize};

/// What the sensor says of itself: what it took in, and what it could not use and why.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HealthReport {
    /// Packet time of the latest packet, nanoseconds since the Unix epoch.
    pub time: i64,
    /// Where packets come from.
    pub sources: Vec<SourceHealth>,
    /// Every counter of every stage; a counter whose `reason` is set counts something not used.
    pub counters: Vec<Counter>,
    /// What each interface, VLAN and virtual network brought and lacked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub feeds: Vec<FeedHealth>,
    /// What the parts of the sensor hold, against what they may hold.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub memory: Vec<MemoryAccount>,
}

/// One packet source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceHealth {
    /// Interface or file name.
    pub name: String,
    /// `live`, `file`, `traffic`.
    pub kind: String,
    /// `running`, `finished`, or the error it ended with.
    pub state: String,
    /// Packets delivered to the sensor.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets the kernel dropped because the ring was full.
    pub dropped_kernel: u64,
    /// Packets the interface or its driver dropped.
    pub dropped_interface: u64,
    /// Bytes of the ring as the kernel gave it; 0 when there is none or it is not known.
    #[serde(default)]
    pub ring_bytes: u64,
    /// Bytes of the ring that were asked for; 0 when there is none or it is not known.
    #[serde(default)]
    pub ring_bytes_wanted: u64,
    /// Times the sensor looked into the ring.
    #[serde(default)]
    pub ring_reads: u64,
    /// Of them those that found more than one read takes: the sensor was behind.
    #[serde(default)]
    pub ring_reads_behind: u64,
}

/// One counter.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Counter {
    /// `capture`, `decap`, `flow`, `http`, `redact`, `analyzer`, `store`.
    pub stage: String,
    /// What is counted, `<noun>_<verb>` (`segments_delivered`, `packets_undecoded`).
    pub name: String,
    /// Why it was not used; none for what was.
    pub reason: Option<String>,
    /// Count since the start.
    pub value: u64,
}

/// One feed: an interface, a VLAN on it, a virtual network or mirror session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FeedHealth {
    /// Interface or file name; `other` for what found no row of its own.
    pub source: String,
    /// The VLAN, when tagged.
    pub vlan: Option<u16>,
    /// The virtual network or mirror session, as `vxlan:42`, when tunnelled.
    pub network: Option<String>,
    /// What was counted.
    pub counters: FeedCounters,
}

/// Makes the counters of a feed and their sum of one list.
macro_rules! feed_counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What was counted of one feed, since the start.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default)]
        pub struct FeedCounters {
            $($(#[$doc])* pub $name: u64,)*
            /// The furthest step back of the clock, in nanoseconds.
            pub clock_back_nanos_max: u64,
        }

        impl FeedCounters {
            /// The sum of both.
            #[must_use]
            pub fn plus(&self, other: &Self) -> Self {
                Self {
                    $($name: self.$name.saturating_add(other.$name),)*
                    clock_back_nanos_max: self.clock_back_nanos_max.max(other.clock_back_nanos_max),
                }
            }

            /// Every counter that adds up, by name.
            #[must_use]
            pub fn by_name(&self) -> Vec<(&'static str, u64)> {
                vec![$((stringify!($name), self.$name),)*]
            }
        }
    };
}

feed_counters! {
    /// Packets with a layer that is not decoded and that may hide connections.
    undecoded_packets,
    /// TCP segments.
    segments,
    /// Bytes of their payload, as they were on the wire.
    payload_bytes,
    /// Bytes of streams delivered in order.
    delivered_bytes,
    /// Bytes that the receiver acknowledged and that were never seen: lost before the interface.
    unseen_bytes,
    /// Gaps with such bytes.
    unseen_gaps,
    /// Other bytes given up: the snap length cut them, or a memory cap.
    cut_bytes,
    /// Segments that the capture cut.
    truncated_segments,
    /// Segments inside of more than one VLAN tag, or of anything else.
    encapsulated_segments,
    /// Second copies of a packet.
    duplicates,
    /// Repetitions by the sender.
    retransmissions,
    /// Segments that came before the ones in front of them.
    out_of_order,
    /// Connections that carried data.
    connections,
    /// Of them those of which only the client's direction was seen.
    client_only,
    /// Of them those of which only the server's direction was seen.
    server_only,
    /// Of them those of which one direction was seen, without a handshake to tell which.
    one_side_only,
    /// Segments further behind the feed's time than disorder explains.
    clock_steps_back,
    /// Segments further ahead of the feed's time than silence explains.
    clock_jumps,
    /// Connections on which HTTP was recognised.
    http_connections,
    /// Sides of connections that began as TLS.
    tls_streams,
    /// Sides of connections that began as something that is neither HTTP nor TLS.
    foreign_streams,
    /// Heads parsed.
    heads_parsed,
    /// Of them those that only the lenient parser could read.
    heads_tolerated,
    /// Exchanges with request and response.
    exchanges,
    /// Requests without a response.
    requests_only,
    /// Responses without a request.
    responses_only,
}

impl FeedCounters {
    /// Share of the bytes that connections carried and that were never seen, 0 to 1.
    #[must_use]
    pub fn unseen_share(&self) -> Option<f64> {
        share(
            self.unseen_bytes,
            self.unseen_bytes.saturating_add(self.delivered_bytes),
        )
    }

    /// Connections of which one direction was seen.
    #[must_use]
    pub const fn one_sided(&self) -> u64 {
        self.client_only
            .saturating_add(self.server_only)
            .saturating_add(self.one_side_only)
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a share is good to ten digits at most"
)]
fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// What a part of the sensor holds, and what it may hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryAccount {
    /// Which part: `flow_table`, `reassembly`, `http`, ….
    pub name: String,
    /// Bytes it holds.
    pub bytes: u64,
    /// Bytes it may hold; 0 when nothing but the sum is bounded.
    pub bytes_max: u64,
}

impl HealthReport {
    /// Adds what another worker reports. Sources are told apart by name, feeds by what they are.
    pub fn absorb(&mut self, other: Self) {
        self.time = self.time.max(other.time);
        for source in other.sources {
            match self.sources.iter_mut().find(|s| s.name == source.name) {
                Some(ours) => ours.absorb(&source),
                None => self.sources.push(source),
            }
        }
        for counter in other.counters {
            let same = |ours: &&mut Counter| {
                ours.stage == counter.stage
                    && ours.name == counter.name
                    && ours.reason == counter.reason
            };
            match self.counters.iter_mut().find(same) {
                Some(ours) => ours.value = ours.value.saturating_add(counter.value),
                None => self.counters.push(counter),
            }
        }
        self.add_feeds(other.feeds);
        for account in other.memory {
            match self.memory.iter_mut().find(|a| a.name == account.name) {
                Some(ours) => {
                    ours.bytes = ours.bytes.saturating_add(account.bytes);
                    ours.bytes_max = ours.bytes_max.saturating_add(account.bytes_max);
                }
                None => self.memory.push(account),
            }
        }
    }

    /// Adds feeds; those that are the same add up.
    pub fn add_feeds(&mut self, feeds: Vec<FeedHealth>) {
        for feed in feeds {
            match self.feeds.iter_mut().find(|ours| ours.is_same(&feed)) {
                Some(ours) => ours.counters = ours.counters.plus(&feed.counters),
                None => self.feeds.push(feed),
            }
        }
    }
}

impl FeedHealth {
    fn is_same(&self, other: &Self) -> bool {
        self.source == other.source && self.vlan == other.vlan && self.network == other.network
    }
}

impl SourceHealth {
    fn absorb(&mut self, other: &Self) {
        let add = |ours: &mut u64, theirs: u64| *ours = ours.saturating_add(theirs);
        add(&mut self.packets, other.packets);
        add(&mut self.bytes, other.bytes);
        add(&mut self.dropped_kernel, other.dropped_kernel);
        add(&mut self.dropped_interface, other.dropped_interface);
        add(&mut self.ring_bytes, other.ring_bytes);
        add(&mut self.ring_bytes_wanted, other.ring_bytes_wanted);
        add(&mut self.ring_reads, other.ring_reads);
        add(&mut self.ring_reads_behind, other.ring_reads_behind);
        if matches!(self.state.as_str(), "running" | "finished" | "") {
            self.state.clone_from(&other.state);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(packets: u64, unseen: u64) -> HealthReport {
        HealthReport {
            time: i64::try_from(packets).unwrap(),
            sources: vec![SourceHealth {
                name: "eth0".to_owned(),
                packets,
                state: "running".to_owned(),
                ..SourceHealth::default()
            }],
            counters: vec![Counter {
                stage: "flow".to_owned(),
                name: "x_total".to_owned(),
                reason: None,
                value: packets,
            }],
            feeds: vec![FeedHealth {
                source: "eth0".to_owned(),
                vlan: Some(7),
                network: None,
                counters: FeedCounters {
                    unseen_bytes: unseen,
                    delivered_bytes: 100 - unseen,
                    clock_back_nanos_max: unseen,
                    ..FeedCounters::default()
                },
            }],
            memory: Vec::new(),
        }
    }

    #[test]
    fn reports_of_workers_add_up() {
        let mut sum = report(3, 10);
        sum.absorb(report(4, 30));
        assert_eq!(sum.time, 4);
        assert_eq!(sum.sources.len(), 1);
        assert_eq!(sum.sources[0].packets, 7);
        assert_eq!(sum.counters[0].value, 7);
        assert_eq!(sum.feeds.len(), 1);
        assert_eq!(sum.feeds[0].counters.unseen_bytes, 40);
        assert_eq!(sum.feeds[0].counters.clock_back_nanos_max, 30);
        assert_eq!(sum.feeds[0].counters.unseen_share(), Some(0.2));
    }

    #[test]
    fn an_older_report_can_be_read() {
        let old = r#"{"time":1,"sources":[{"name":"a","kind":"file","state":"finished",
            "packets":1,"bytes":2,"dropped_kernel":0,"dropped_interface":0}],"counters":[]}"#;
        let report: HealthReport = serde_json::from_str(old).unwrap();
        assert_eq!(report.sources[0].packets, 1);
        assert!(report.feeds.is_empty());
    }
}
