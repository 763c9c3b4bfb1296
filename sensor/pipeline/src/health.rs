//! What the sensor says of itself: sources with their drops, stages with their counters, summed
//! over the threads that have a part in them.

use std::collections::BTreeMap;

use tapscope_capture::SourceStats;
use tapscope_decap::{FeedKey, Network};
use tapscope_record::{
    Counter, FeedCounters, FeedHealth, HealthReport, MemoryAccount, SourceHealth,
};

/// Name of the feed that takes what found no row of its own.
const OTHER: &str = "other";

/// What one worker counted of one feed; the key is none for what found no place of its own.
pub type CountedFeed = (Option<FeedKey>, FeedCounters);

/// The report on `sources`, `counters` and `feeds` at packet time `time` (nanoseconds). The
/// reports of several workers add up by [`HealthReport::absorb`].
#[must_use]
pub fn health_report(
    time: i64,
    sources: Vec<SourceStats>,
    counters: Vec<Counter>,
    feeds: Vec<CountedFeed>,
) -> HealthReport {
    let feeds = feeds
        .into_iter()
        .map(|(key, counters)| feed_health(key, counters, &sources))
        .collect();
    let sources = sources
        .into_iter()
        .map(|stats| SourceHealth {
            name: stats.name,
            kind: stats.kind.to_owned(),
            state: stats.state,
            packets: stats.packets,
            bytes: stats.bytes,
            dropped_kernel: stats.dropped_kernel,
            dropped_interface: stats.dropped_interface,
            ring_bytes: stats.ring_bytes,
            ring_bytes_wanted: stats.ring_bytes_wanted,
            ring_reads: stats.ring_reads,
            ring_reads_behind: stats.ring_reads_behind,
        })
        .collect();
    let mut report = HealthReport {
        time,
        sources,
        counters,
        ..HealthReport::default()
    };
    report.add_feeds(feeds);
    report
}

fn feed_health(
    key: Option<FeedKey>,
    counters: FeedCounters,
    sources: &[SourceStats],
) -> FeedHealth {
    FeedHealth {
        source: key.map_or_else(|| OTHER.to_owned(), |key| source_name(key, sources)),
        vlan: key.and_then(|key| key.vlan),
        network: key.and_then(|key| key.network).map(network),
        counters,
    }
}

/// A live source has an entry for each interface; a file has one, whatever it was recorded on.
fn source_name(key: FeedKey, sources: &[SourceStats]) -> String {
    let at = |index: u32| sources.get(index as usize);
    let interface = at(key.source.saturating_add(key.interface)).filter(|s| s.kind == "live");
    match interface.or_else(|| at(key.source)) {
        Some(source) => source.name.clone(),
        None => OTHER.to_owned(),
    }
}

fn network(network: Network) -> String {
    match network {
        Network::Vxlan(id) => format!("vxlan:{id}"),
        Network::Geneve(id) => format!("geneve:{id}"),
        Network::Erspan(id) => format!("erspan:{id}"),
        Network::Gre(id) => format!("gre:{id}"),
        _ => OTHER.to_owned(),
    }
}

/// What one thread of the sensor says of itself.
#[derive(Clone, Debug, Default)]
pub struct Part {
    /// The sources it reads, in the order in which it read them.
    pub sources: Vec<SourceStats>,
    /// The counters of its stages.
    pub counters: Vec<Counter>,
    /// What its stages counted of each feed.
    pub feeds: Vec<CountedFeed>,
    /// What its stages hold.
    pub memory: Vec<MemoryAccount>,
}

/// The latest word of every thread, and their sum.
#[derive(Debug, Default)]
pub struct Parts(BTreeMap<usize, Part>);

impl Parts {
    /// B: a thread tells how it is doing.
    pub fn handle_part(&mut self, thread: usize, part: Part) {
        self.0.insert(thread, part);
    }

    /// A: the sum at packet time `time`.
    #[must_use]
    pub fn report(&self, time: i64) -> HealthReport {
        // A worker whose packets another thread reads has no sources of its own to name its feeds
        // after.
        let readers = self.0.values().map(|part| &part.sources);
        let read: Vec<SourceStats> = readers
            .max_by_key(|sources| sources.len())
            .cloned()
            .unwrap_or_default();
        let mut sum = HealthReport::default();
        for part in self.0.values() {
            let borrows = part.sources.is_empty();
            let sources = if borrows { &read } else { &part.sources };
            let mut report = health_report(
                time,
                sources.clone(),
                part.counters.clone(),
                part.feeds.clone(),
            );
            report.memory.clone_from(&part.memory);
            if borrows {
                report.sources.clear();
            }
            sum.absorb(report);
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counter(value: u64) -> Counter {
        Counter {
            stage: "flow".to_owned(),
            name: "x_total".to_owned(),
            reason: None,
            value,
        }
    }

    fn source(name: &str, packets: u64) -> SourceStats {
        SourceStats {
            name: name.to_owned(),
            packets,
            state: "running".to_owned(),
            ..SourceStats::default()
        }
    }

    fn feed(segments: u64) -> CountedFeed {
        let key = FeedKey {
            source: 0,
            interface: 0,
            vlan: None,
            network: None,
        };
        let counters = FeedCounters {
            segments,
            ..FeedCounters::default()
        };
        (Some(key), counters)
    }

    #[test]
    fn the_latest_word_of_each_thread_counts() {
        let mut parts = Parts::default();
        for (thread, packets) in [(0, 1), (1, 10), (0, 2)] {
            parts.handle_part(
                thread,
                Part {
                    sources: vec![source("eth1", packets)],
                    counters: vec![counter(packets)],
                    feeds: vec![feed(packets)],
                    memory: vec![MemoryAccount {
                        name: "messages".to_owned(),
                        bytes: packets,
                        bytes_max: 100,
                    }],
                },
            );
        }
        let report = parts.report(7);
        assert_eq!((report.time, report.sources.len()), (7, 1));
        assert_eq!(report.sources[0].packets, 12);
        assert_eq!(report.counters, [counter(12)]);
        assert_eq!(report.feeds[0].counters.segments, 12);
        assert_eq!(
            (report.memory[0].bytes, report.memory[0].bytes_max),
            (12, 200)
        );
    }

    #[test]
    fn feeds_of_workers_are_named_after_the_readers_sources() {
        let mut parts = Parts::default();
        for (thread, sources) in [(0, vec![]), (1, vec![]), (2, vec![source("a.pcap", 5)])] {
            let part = Part {
                sources,
                counters: Vec::new(),
                feeds: if thread < 2 { vec![feed(3)] } else { vec![] },
                memory: Vec::new(),
            };
            parts.handle_part(thread, part);
        }
        let report = parts.report(0);
        assert_eq!(report.sources.len(), 1);
        assert_eq!(report.feeds.len(), 1);
        assert_eq!(report.feeds[0].source, "a.pcap");
        assert_eq!(report.feeds[0].counters.segments, 6);
    }
}
