//! What was lost between the wire and the sensor: by the card, by the kernel, by a source that
//! ended.

use super::{Limits, Reason, State, percent};
use crate::inventory::share;
use tapscope_record::{HealthReport, SourceHealth};

/// Packets dropped before the sensor saw them. One in a thousand costs about one in a hundred
/// exchanges of ten packets; one in twenty costs half of them.
const DROPPED: Limits = Limits {
    degraded: 0.001,
    poor: 0.05,
};

/// Looks into the ring that found more than one can take, from which on the sensor is too slow and
/// the ring is not merely too small for bursts.
const BEHIND_SHARE: f64 = 0.25;

/// Packets of a usual exchange: what a lost packet costs.
const PACKETS_PER_EXCHANGE: f64 = 10.0;

pub(super) fn check(report: &HealthReport) -> Vec<Reason> {
    let packets = report.sources.iter().fold(0, |sum: u64, source| {
        sum.saturating_add(source.packets)
            .saturating_add(source.dropped_kernel)
            .saturating_add(source.dropped_interface)
    });
    let mut reasons = Vec::new();
    for source in &report.sources {
        let whole = source
            .packets
            .saturating_add(source.dropped_kernel)
            .saturating_add(source.dropped_interface);
        let weight = share(whole, packets.max(1));
        reasons.extend(broken(source));
        reasons.extend(dropped_by_kernel(source, whole, weight));
        reasons.extend(dropped_by_interface(source, whole, weight));
        reasons.extend(shrunk_ring(source));
    }
    reasons
}

fn broken(source: &SourceHealth) -> Option<Reason> {
    if matches!(source.state.as_str(), "running" | "finished" | "") {
        return None;
    }
    let state = source.state.trim_end_matches('.');
    Some(Reason {
        kind: "source_failed",
        state: State::Poor,
        feed: Some(source.name.clone()),
        share: 1.0,
        damage: 1.0,
        sentence: format!("The source {} ended: {state}.", source.name),
        remedy: "Everything since is missing: mend it and start again.".to_owned(),
    })
}

/// What losing this share of the packets costs in exchanges, when packets are lost at random.
fn cost(share: f64) -> f64 {
    1.0 - (1.0 - share).powf(PACKETS_PER_EXCHANGE)
}

fn dropped_by_kernel(source: &SourceHealth, whole: u64, weight: f64) -> Option<Reason> {
    let (state, lost) = DROPPED.judge(source.dropped_kernel, whole)?;
    let behind = share(source.ring_reads_behind, source.ring_reads.max(1));
    let (kind, remedy) = if source.ring_reads > 0 && behind < BEHIND_SHARE {
        (
            "ring_too_small",
            "The sensor keeps up on the whole, so these are bursts: give it a larger ring \
             (capture.ring_bytes).",
        )
    } else {
        (
            "sensor_too_slow",
            "The sensor does not keep up: give it more workers, a narrower filter or a larger \
             ring.",
        )
    };
    let sentence = format!(
        "{} of the packets of {} were dropped by the kernel before the sensor saw them.",
        percent(lost),
        source.name
    );
    Some(reason(
        kind,
        state,
        source,
        (lost, weight),
        sentence,
        remedy,
    ))
}

fn dropped_by_interface(source: &SourceHealth, whole: u64, weight: f64) -> Option<Reason> {
    let (state, lost) = DROPPED.judge(source.dropped_interface, whole)?;
    let sentence = format!(
        "{} of the packets of {} were dropped by the interface or its driver.",
        percent(lost),
        source.name
    );
    let remedy = "Give the card more buffers (ethtool -G) and more receive queues (ethtool -L), or \
                  mirror less to it.";
    Some(reason(
        "interface_drops",
        state,
        source,
        (lost, weight),
        sentence,
        remedy,
    ))
}

fn shrunk_ring(source: &SourceHealth) -> Option<Reason> {
    let (got, wanted) = (source.ring_bytes, source.ring_bytes_wanted);
    if got == 0 || got.saturating_mul(10) >= wanted.saturating_mul(9) {
        return None;
    }
    let sentence = format!(
        "The kernel gave {} a ring of {} MiB where {} MiB were asked for.",
        source.name,
        got >> 20,
        wanted >> 20
    );
    let remedy = "Free memory, or ask for less (capture.ring_bytes).";
    Some(reason(
        "ring_shrunk",
        State::Degraded,
        source,
        (1.0 - share(got, wanted), 0.0),
        sentence,
        remedy,
    ))
}

fn reason(
    kind: &'static str,
    state: State,
    source: &SourceHealth,
    (lost, weight): (f64, f64),
    sentence: String,
    remedy: &str,
) -> Reason {
    Reason {
        kind,
        state,
        feed: Some(source.name.clone()),
        share: lost,
        damage: cost(lost) * weight,
        sentence,
        remedy: remedy.to_owned(),
    }
}
