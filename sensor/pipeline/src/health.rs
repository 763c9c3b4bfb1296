//! What the sensor says of itself: sources with their drops, stages with their counters.

use tapscope_capture::SourceStats;
use tapscope_flow::{FeedKey, Network};
use tapscope_record::{Counter, FeedCounters, FeedHealth, HealthReport, SourceHealth};

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
            ..SourceHealth::default()
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
