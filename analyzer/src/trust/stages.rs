//! What the sensor's own stages could not use: layers that are not decoded, caps that were reached.

use super::{Limits, Reason, State, feed_name, percent};
use crate::inventory::share;
use tapscope_record::{FeedHealth, HealthReport};

/// Packets whose layers are not decoded. Some strange frames are on every wire.
const UNDECODED: Limits = Limits {
    degraded: 0.02,
    poor: 0.4,
};

/// Connections given up to stay inside a cap.
const EVICTED: Limits = Limits {
    degraded: 0.005,
    poor: 0.2,
};

/// Exchanges that were seen and not analyzed. The busiest endpoints bear it, so little matters less
/// than the same share of packets.
const SHED: Limits = Limits {
    degraded: 0.001,
    poor: 0.9,
};

/// Counter of packets with a layer that is not decoded and may hide connections, by layer.
const LAYERS: &str = "decap_packets_undecoded_total";

pub(super) fn check(report: &HealthReport) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = undecoded(report).into_iter().collect();
    reasons.extend(evicted(report));
    reasons.extend(shed(report));
    reasons.extend(emergency(report));
    reasons.extend(given_up(report));
    reasons.extend(refused_endpoints(report));
    reasons
}

/// The sum of the counters of that name that `reason` holds for.
fn sum(report: &HealthReport, name: &str, reason: impl Fn(Option<&str>) -> bool) -> u64 {
    let counters = report.counters.iter();
    counters
        .filter(|c| c.name == name && reason(c.reason.as_deref()))
        .fold(0, |sum, c| sum.saturating_add(c.value))
}

/// Told by the feed that it damages most; which layer it is, is known of the whole run only.
fn undecoded(report: &HealthReport) -> Option<Reason> {
    let of = |feed: &FeedHealth| {
        let hidden = feed.counters.undecoded_packets;
        (hidden, hidden.saturating_add(feed.counters.segments))
    };
    let packets = report.feeds.iter().map(|feed| of(feed).1);
    let packets = packets.fold(0, u64::saturating_add);
    let judged = report.feeds.iter().filter_map(|feed| {
        let (hidden, whole) = of(feed);
        let (state, bad) = UNDECODED.judge(hidden, whole)?;
        Some((state, hidden, bad, feed_name(feed)))
    });
    let (state, hidden, bad, feed) = judged.max_by(|a, b| a.0.cmp(&b.0).then(a.1.cmp(&b.1)))?;
    let layers = report.counters.iter().filter(|c| c.name == LAYERS);
    let worst = layers
        .filter_map(|c| Some((c.value, c.reason.as_deref()?)))
        .max()
        .map_or("", |(_, reason)| reason);
    let remedy = if worst == "ip_protocol 50" || worst == "ip_protocol 51" {
        "Mirror outside of the IPsec tunnel: what is inside is encrypted."
    } else {
        "Mirror before that layer is put on, or send the sensor another copy: what is inside cannot be seen."
    };
    Some(Reason {
        kind: "layers_not_decoded",
        state,
        share: bad,
        damage: share(hidden, packets.max(1)),
        sentence: format!(
            "{} of the packets of {feed} have a layer that is not decoded; most often it is \
             {worst}.",
            percent(bad)
        ),
        feed: Some(feed),
        remedy: remedy.to_owned(),
    })
}

fn evicted(report: &HealthReport) -> Option<Reason> {
    let evicted = sum(report, "flow_connections_closed_total", |reason| {
        reason == Some("evicted")
    });
    let opened = sum(report, "flow_connections_opened_total", |_| true);
    let (state, share) = EVICTED.judge(evicted, opened)?;
    Some(Reason {
        kind: "connections_evicted",
        state,
        feed: None,
        share,
        damage: share / 2.0,
        sentence: format!(
            "{} of the connections were given up before they ended, to stay inside a memory cap.",
            percent(share)
        ),
        remedy: "Raise the memory cap ([limits]), or filter out what opens so many connections."
            .to_owned(),
    })
}

/// Exchanges that went without a record because analysis could not keep up.
fn shed(report: &HealthReport) -> Option<Reason> {
    let shed = sum(report, "pipeline_exchanges_shed_total", |_| true);
    let analyzed = sum(report, "redact_records_made_total", |_| true);
    let (state, share) = SHED.judge(shed, shed.saturating_add(analyzed))?;
    Some(Reason {
        kind: "exchanges_not_analyzed",
        state,
        feed: None,
        share,
        damage: share / 2.0,
        sentence: format!(
            "{} of the exchanges were seen but not analyzed, because there was more than this \
             machine can analyze: frequent calls of the busiest endpoints.",
            percent(share)
        ),
        remedy: "Give the sensor more processors, or filter out traffic that matters little; \
                 counts of busy endpoints are too low by that share."
            .to_owned(),
    })
}

/// Times the sensor went into its emergency mode, whatever stage says so.
fn emergency(report: &HealthReport) -> Option<Reason> {
    let counted = |is_end: bool| {
        let counters = report.counters.iter();
        let of_it = counters.filter(|c| c.name.contains("emergenc"));
        of_it
            .filter(|c| c.name.contains("ended") == is_end)
            .fold(0_u64, |sum, c| sum.saturating_add(c.value))
    };
    let (times, ended) = (counted(false), counted(true));
    let now = if times > ended {
        "is in its emergency mode: connections joined midway and bodies are left out"
    } else {
        "was in its emergency mode, and left it again"
    };
    (times > 0).then(|| Reason {
        kind: "emergency_mode",
        state: State::Degraded,
        feed: None,
        share: 1.0,
        damage: 0.1,
        sentence: format!("Memory ran short and the sensor {now} ({times} times counted)."),
        remedy: "Raise the memory cap ([memory] limit_bytes), or mirror less.".to_owned(),
    })
}

/// What the inventory gave up to stay inside its share of the cap on memory.
fn given_up(report: &HealthReport) -> Option<Reason> {
    let of = |name| sum(report, name, |reason| reason == Some("memory"));
    let lost = [
        (of("hosts_given_up"), "hosts without an endpoint"),
        (
            of("waiting_records_given_up"),
            "exchanges that waited for an endpoint of these",
        ),
        (of("schemas_given_up"), "bodies of seldom used endpoints"),
        (
            of("consumers_evicted"),
            "consumers that were silent longest",
        ),
    ];
    let lost: Vec<&str> = lost
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, what)| *what)
        .collect();
    (!lost.is_empty()).then(|| Reason {
        kind: "inventory_given_up",
        state: State::Degraded,
        feed: None,
        share: 1.0,
        damage: 0.05,
        sentence: format!(
            "The inventory has its share of the memory cap, and what was known of {} was given up.",
            lost.join(", ")
        ),
        remedy: "Raise the memory cap ([memory] limit_bytes), or filter out what fills it."
            .to_owned(),
    })
}

/// Endpoints that there was no room for: how many there may be hangs on the cap on memory.
fn refused_endpoints(report: &HealthReport) -> Option<Reason> {
    let refused = sum(report, "endpoints_refused", |reason| {
        reason == Some("too_many_endpoints")
    });
    (refused > 0).then(|| Reason {
        kind: "endpoints_refused",
        state: State::Degraded,
        feed: None,
        share: 1.0,
        damage: 0.1,
        sentence: "There are more endpoints than the inventory may hold; further ones are left out."
            .to_owned(),
        remedy: "Raise the memory cap ([memory] limit_bytes) or limits.endpoints_max, or filter out what fills it."
            .to_owned(),
    })
}
