//! `/metrics`: every counter the product has, in the OpenMetrics text format that Prometheus reads.
//!
//! Names are `tapscope_STAGE_NAME`; labels come from the configuration (source), from bounded
//! tables (VLAN, virtual network) and from the reasons that the code names, never from what a
//! client sent.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;
use tapscope_record::{FeedHealth, HealthReport, SourceHealth};

use crate::health::verdict;
use crate::live::LiveView;
use crate::state::ApiState;
use crate::view::endpoint::Lifecycle;
use crate::view::finding::Severity;
use crate::view::health::FeedState;

/// What the answer is, to whoever asks.
const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers a scrape.
pub(crate) async fn get_metrics(State(state): State<ApiState>) -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, CONTENT_TYPE)],
        exposition(state.view()),
    )
}

/// Kinds of metrics: what only grows, and what goes up and down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
}

/// One metric with its samples.
#[derive(Debug)]
struct Family {
    kind: Kind,
    help: &'static str,
    samples: Vec<(String, f64)>,
}

/// The metrics by name: samples of one must stand together.
#[derive(Debug, Default)]
struct Exposition(BTreeMap<String, Family>);

/// Label names and values.
type Labels<'a> = &'a [(&'a str, &'a str)];

impl Exposition {
    fn add(&mut self, name: &str, kind: Kind, help: &'static str, labels: Labels<'_>, value: f64) {
        let family = self.0.entry(name.to_owned()).or_insert(Family {
            kind,
            help,
            samples: Vec::new(),
        });
        family.samples.push((label_set(labels), value));
    }

    fn count(&mut self, name: &str, help: &'static str, labels: Labels<'_>, value: u64) {
        self.add(name, Kind::Counter, help, labels, float(value));
    }

    fn gauge(&mut self, name: &str, help: &'static str, labels: Labels<'_>, value: f64) {
        self.add(name, Kind::Gauge, help, labels, value);
    }

    fn write(&self) -> String {
        let mut text = String::new();
        for (name, family) in &self.0 {
            let (kind, suffix) = match family.kind {
                Kind::Counter => ("counter", "_total"),
                Kind::Gauge => ("gauge", ""),
            };
            // Writing to a string cannot fail.
            let _ = writeln!(text, "# TYPE {name} {kind}");
            let _ = writeln!(text, "# HELP {name} {}", family.help);
            for (labels, value) in &family.samples {
                let _ = writeln!(text, "{name}{suffix}{labels} {value}");
            }
        }
        text.push_str("# EOF\n");
        text
    }
}

#[expect(clippy::cast_precision_loss, reason = "OpenMetrics values are floats")]
const fn float(value: u64) -> f64 {
    value as f64
}

fn label_set(labels: Labels<'_>) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let pairs = labels.iter().map(|(name, value)| {
        let escaped = value
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        format!("{name}=\"{escaped}\"")
    });
    format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
}

/// The name of a stage's counter as a metric, and its kind.
fn metric(stage: &str, name: &str) -> (String, Kind) {
    let name = name.strip_suffix("_total").unwrap_or(name);
    let plain = name
        .strip_prefix(stage)
        .and_then(|rest| rest.strip_prefix('_'))
        .unwrap_or(name);
    let text = format!("tapscope_{stage}_{plain}");
    let valid = text.chars().map(|c| match c {
        'a'..='z' | '0'..='9' | '_' => c,
        _ => '_',
    });
    let kind = if name.ends_with("_known") || name.ends_with("_held") {
        Kind::Gauge
    } else {
        Kind::Counter
    };
    (valid.collect(), kind)
}

/// All metrics as of now.
pub(crate) fn exposition(view: &LiveView) -> String {
    let report = view.health();
    let mut all = Exposition::default();
    state(&mut all, &report);
    for source in &report.sources {
        add_source(&mut all, source);
    }
    for feed in &report.feeds {
        add_feed(&mut all, feed);
    }
    for counter in &report.counters {
        let (name, kind) = metric(&counter.stage, &counter.name);
        let reason = counter.reason.as_deref().map(|reason| ("reason", reason));
        let labels: Vec<(&str, &str)> = reason.into_iter().collect();
        let help = "A counter of that stage; a reason says why something was not used.";
        all.add(&name, kind, help, &labels, float(counter.value));
    }
    for account in &report.memory {
        let labels = [("account", account.name.as_str())];
        let help = "Bytes that a part of the sensor holds.";
        all.gauge("tapscope_memory_bytes", help, &labels, float(account.bytes));
        // What is a part of another account has no share of its own.
        if account.bytes_max > 0 {
            let help = "Bytes that a part of the sensor may hold.";
            let max = float(account.bytes_max);
            all.gauge("tapscope_memory_bytes_max", help, &labels, max);
        }
    }
    add_inventory(&mut all, view);
    add_store(&mut all, view);
    all.write()
}

/// The verdict, as one gauge for each state: alerts ask for `state="poor"`.
fn state(all: &mut Exposition, report: &HealthReport) {
    let verdict = verdict(report);
    let help = "Whether the feed can be trusted: 1 for the state it is in.";
    for (state, name) in [
        (FeedState::Unknown, "unknown"),
        (FeedState::Good, "good"),
        (FeedState::Degraded, "degraded"),
        (FeedState::Poor, "poor"),
    ] {
        let value = if verdict.state == state { 1.0 } else { 0.0 };
        all.gauge("tapscope_feed_state", help, &[("state", name)], value);
    }
    for reason in &verdict.reasons {
        let feed = reason.feed.as_deref().unwrap_or_default();
        let labels = [("kind", reason.kind.as_str()), ("feed", feed)];
        let help = "Share of the exchanges that a trouble of the feed hides or spoils, estimated.";
        all.gauge("tapscope_feed_damage", help, &labels, reason.damage);
    }
    let help = "Packet time of the latest packet, seconds since the Unix epoch.";
    let seconds = std::time::Duration::from_nanos(report.time.unsigned_abs()).as_secs_f64();
    all.gauge("tapscope_packet_time_seconds", help, &[], seconds);
}

fn add_source(all: &mut Exposition, source: &SourceHealth) {
    let name = [("source", source.name.as_str())];
    let counters = [
        (
            "packets",
            "Packets delivered to the sensor.",
            source.packets,
        ),
        ("bytes", "Bytes of the packets delivered.", source.bytes),
        (
            "ring_reads",
            "Times the sensor looked into the ring.",
            source.ring_reads,
        ),
        (
            "ring_reads_behind",
            "Of them those that found the sensor behind.",
            source.ring_reads_behind,
        ),
    ];
    for (metric, help, value) in counters {
        all.count(&format!("tapscope_source_{metric}"), help, &name, value);
    }
    for (by, value) in [
        ("kernel", source.dropped_kernel),
        ("interface", source.dropped_interface),
    ] {
        let labels = [("source", source.name.as_str()), ("by", by)];
        let help = "Packets dropped before the sensor saw them.";
        all.count("tapscope_source_packets_dropped", help, &labels, value);
    }
    let up = f64::from(u8::from(source.state == "running"));
    let help = "Whether the source is running.";
    all.gauge("tapscope_source_running", help, &name, up);
    let help = "Bytes of the ring as the kernel gave it.";
    let ring = float(source.ring_bytes);
    all.gauge("tapscope_source_ring_bytes", help, &name, ring);
}

fn add_feed(all: &mut Exposition, feed: &FeedHealth) {
    let vlan = feed.vlan.map(|vlan| vlan.to_string()).unwrap_or_default();
    let labels = [
        ("source", feed.source.as_str()),
        ("vlan", vlan.as_str()),
        ("network", feed.network.as_deref().unwrap_or_default()),
    ];
    for (name, value) in feed.counters.by_name() {
        let help = "A counter of one interface, VLAN or virtual network.";
        all.count(&format!("tapscope_feed_{name}"), help, &labels, value);
    }
    let back = feed.counters.clock_back_nanos_max;
    let seconds = std::time::Duration::from_nanos(back).as_secs_f64();
    let help = "The furthest step back of the feed's clock.";
    all.gauge("tapscope_feed_clock_back_seconds", help, &labels, seconds);
}

fn add_inventory(all: &mut Exposition, view: &LiveView) {
    let totals = view.totals();
    for (lifecycle, name) in Lifecycle::ALL {
        let n = totals.lifecycle.get(&lifecycle).copied().unwrap_or(0);
        let labels = [("lifecycle", name)];
        let help = "Endpoints by lifecycle.";
        all.gauge("tapscope_endpoints", help, &labels, float(n));
    }
    for (severity, name) in Severity::ALL {
        let n = totals.findings_open.get(&severity).copied().unwrap_or(0);
        let labels = [("severity", name)];
        let help = "Open findings by severity.";
        all.gauge("tapscope_findings_open", help, &labels, float(n));
    }
    for (completeness, n) in &totals.completeness {
        let labels = [("completeness", completeness.as_str())];
        let help = "Exchanges of the inventory by how much of them was seen.";
        all.gauge("tapscope_exchanges", help, &labels, float(*n));
    }
}

fn add_store(all: &mut Exposition, view: &LiveView) {
    let Some(store) = view.store() else { return };
    let seconds = std::time::Duration::from_nanos(store.last_saved.unsigned_abs()).as_secs_f64();
    let help = "When the store was last written to, seconds since the Unix epoch.";
    all.gauge("tapscope_store_last_saved_seconds", help, &[], seconds);
    let help = "Changes that wait to be saved.";
    let pending = float(store.pending);
    all.gauge("tapscope_store_changes_pending", help, &[], pending);
    let help = "Whether the last attempt to save failed.";
    let failing = f64::from(u8::from(store.error.is_some()));
    all.gauge("tapscope_store_failing", help, &[], failing);
}

#[cfg(test)]
mod tests {
    use tapscope_record::{Counter, FeedCounters};

    use super::*;

    fn view() -> LiveView {
        let view = LiveView::new(8);
        let counter = |stage: &str, name: &str, reason: Option<&str>| Counter {
            stage: stage.to_owned(),
            name: name.to_owned(),
            reason: reason.map(str::to_owned),
            value: 3,
        };
        view.set_health(HealthReport {
            time: 1_500_000_000,
            sources: vec![SourceHealth {
                name: "file \"a\\b\"\n".to_owned(),
                packets: 10,
                ..SourceHealth::default()
            }],
            counters: vec![
                counter(
                    "decap",
                    "decap_packets_refused_total",
                    Some("ethertype 0x0806"),
                ),
                counter("analyzer", "endpoints_known", None),
                counter(
                    "decap",
                    "decap_packets_refused_total",
                    Some("ip_protocol 17"),
                ),
                counter("store", "saves_failed", None),
            ],
            feeds: vec![FeedHealth {
                source: "eth1".to_owned(),
                vlan: Some(12),
                network: Some("vxlan:7".to_owned()),
                counters: FeedCounters {
                    unseen_bytes: 5,
                    ..FeedCounters::default()
                },
            }],
            memory: Vec::new(),
        });
        view
    }

    /// Reads the text as the format's grammar says, and gives the samples; panics where it breaks.
    fn parse(text: &str) -> BTreeMap<String, f64> {
        let body = text.strip_suffix("# EOF\n").unwrap();
        let mut samples = BTreeMap::new();
        let mut family = (String::new(), String::new());
        let mut seen = std::collections::BTreeSet::new();
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(seen.insert(name.to_owned()), "{name} stands apart");
                assert!(matches!(kind, "counter" | "gauge"), "{line}");
                family = (name.to_owned(), kind.to_owned());
                continue;
            }
            if let Some(rest) = line.strip_prefix("# HELP ") {
                assert_eq!(rest.split(' ').next(), Some(family.0.as_str()));
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = match series.split_once('{') {
                Some((name, labels)) => (name, labels.strip_suffix('}').unwrap()),
                None => (series, ""),
            };
            let suffix = if family.1 == "counter" { "_total" } else { "" };
            assert_eq!(name, format!("{}{suffix}", family.0), "{line}");
            assert!(
                name.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
            );
            assert!(name.starts_with("tapscope_") && !name.contains("_total_total"));
            check_labels(labels);
            let value: f64 = value.parse().unwrap();
            assert!(
                samples.insert(series.to_owned(), value).is_none(),
                "{series} twice"
            );
        }
        samples
    }

    /// `name="value",…` with `\\`, `\"` and `\n` as the only escapes.
    fn check_labels(mut labels: &str) {
        while !labels.is_empty() {
            let (name, rest) = labels.split_once("=\"").unwrap();
            assert!(
                name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'),
                "{name}"
            );
            let mut end = None;
            let mut bytes = rest.bytes().enumerate();
            while let Some((at, byte)) = bytes.next() {
                match byte {
                    b'\\' => assert!(matches!(bytes.next(), Some((_, b'\\' | b'"' | b'n')))),
                    b'"' => {
                        end = Some(at);
                        break;
                    }
                    _ => assert_ne!(byte, b'\n'),
                }
            }
            let rest = &rest[end.unwrap() + 1..];
            labels = rest.strip_prefix(',').unwrap_or(rest);
        }
    }

    #[test]
    fn every_line_is_what_the_format_says() {
        let samples = parse(&exposition(&view()));
        let value = |series: &str| samples[series];
        assert_eq!(
            value("tapscope_decap_packets_refused_total{reason=\"ip_protocol 17\"}"),
            3.0
        );
        assert_eq!(value("tapscope_analyzer_endpoints_known"), 3.0);
        assert_eq!(value("tapscope_store_saves_failed_total"), 3.0);
        assert_eq!(
            value(
                "tapscope_feed_unseen_bytes_total{source=\"eth1\",vlan=\"12\",network=\"vxlan:7\"}"
            ),
            5.0
        );
        assert_eq!(
            value("tapscope_source_packets_total{source=\"file \\\"a\\\\b\\\"\\n\"}"),
            10.0
        );
        assert_eq!(value("tapscope_packet_time_seconds"), 1.5);
        assert_eq!(value("tapscope_feed_state{state=\"good\"}"), 1.0);
    }

    #[test]
    fn nothing_seen_is_a_valid_exposition_too() {
        let samples = parse(&exposition(&LiveView::new(8)));
        assert_eq!(samples["tapscope_feed_state{state=\"unknown\"}"], 1.0);
    }
}
