//! What the sensor says of itself: sources with their drops, stages with their counters.

use tapscope_capture::SourceStats;
use tapscope_record::{Counter, HealthReport, SourceHealth};

/// The report on `sources` and `counters` at packet time `time` (nanoseconds).
#[must_use]
pub fn health_report(time: i64, sources: Vec<SourceStats>, counters: Vec<Counter>) -> HealthReport {
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
        })
        .collect();
    HealthReport {
        time,
        sources,
        counters,
    }
}
