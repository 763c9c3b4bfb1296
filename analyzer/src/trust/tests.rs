//! Reports and the answers they must give.

use super::*;
use tapscope_record::{Counter, FeedCounters, SourceHealth};

fn source(packets: u64) -> SourceHealth {
    SourceHealth {
        name: "eth1".to_owned(),
        kind: "live".to_owned(),
        state: "running".to_owned(),
        packets,
        ..SourceHealth::default()
    }
}

/// A feed that lacks nothing.
fn healthy() -> FeedCounters {
    FeedCounters {
        segments: 10_000,
        payload_bytes: 5_000_000,
        delivered_bytes: 5_000_000,
        connections: 400,
        http_connections: 400,
        heads_parsed: 2_000,
        exchanges: 1_000,
        ..FeedCounters::default()
    }
}

fn feed(vlan: Option<u16>, counters: FeedCounters) -> FeedHealth {
    FeedHealth {
        source: "eth1".to_owned(),
        vlan,
        network: None,
        counters,
    }
}

fn report(counters: FeedCounters) -> HealthReport {
    HealthReport {
        sources: vec![source(20_000)],
        feeds: vec![feed(None, counters)],
        ..HealthReport::default()
    }
}

fn kinds(report: &HealthReport) -> Vec<(&'static str, State)> {
    let reasons = verdict(report).reasons;
    reasons.iter().map(|r| (r.kind, r.state)).collect()
}

#[test]
fn a_feed_that_lacks_nothing_is_good_and_no_traffic_is_unknown() {
    let good = verdict(&report(healthy()));
    assert_eq!(good.state, State::Good);
    assert!(good.sentences()[0].contains("Nothing notable"));
    let unknown = verdict(&HealthReport::default());
    assert_eq!(unknown.state, State::Unknown);
    assert!(unknown.sentences()[0].contains("No traffic"));
}

/// What is changed of a healthy feed, and the reason that follows.
type Case = (fn(&mut FeedCounters), &'static str, State);

#[test]
fn each_trouble_of_a_feed_has_its_reason() {
    let cases: [Case; 12] = [
        (|c| c.unseen_bytes = 10_000, "mirror_loss", State::Degraded),
        (|c| c.unseen_bytes = 500_000, "mirror_loss", State::Poor),
        (
            |c| c.client_only = 30,
            "one_direction_missing",
            State::Degraded,
        ),
        (
            |c| c.server_only = 400,
            "one_direction_missing",
            State::Poor,
        ),
        (
            |c| c.requests_only = 100,
            "missing_responses",
            State::Degraded,
        ),
        (
            |c| c.truncated_segments = 200,
            "packets_cut",
            State::Degraded,
        ),
        (|c| c.tls_streams = 400, "encrypted", State::Degraded),
        (|c| c.tls_streams = 40_000, "encrypted", State::Poor),
        (|c| c.foreign_streams = 2_000, "not_http", State::Degraded),
        (|c| c.duplicates = 5_000, "mirrored_twice", State::Degraded),
        (|c| c.clock_steps_back = 50, "clock_steps", State::Degraded),
        (
            |c| c.heads_tolerated = 900,
            "tolerated_dialect",
            State::Degraded,
        ),
    ];
    for (change, kind, state) in cases {
        let mut counters = healthy();
        change(&mut counters);
        assert_eq!(kinds(&report(counters)), [(kind, state)]);
    }
}

#[test]
fn a_missing_direction_is_named_and_is_not_called_missing_responses() {
    let mut counters = healthy();
    counters.client_only = 390;
    counters.requests_only = 900;
    counters.exchanges = 0;
    let answer = verdict(&report(counters));
    assert_eq!(answer.reasons.len(), 1, "{answer:?}");
    assert!(answer.reasons[0].sentence.contains("servers' direction"));
    assert!(answer.reasons[0].remedy.contains("rx and tx"));
}

#[test]
fn loss_names_the_vlan_that_loses_and_counts_the_others_that_do() {
    let mut lossy = healthy();
    lossy.unseen_bytes = 400_000;
    let mut a_little = healthy();
    a_little.unseen_bytes = 20_000;
    let report = HealthReport {
        sources: vec![source(30_000)],
        feeds: vec![
            feed(Some(10), healthy()),
            feed(Some(20), lossy),
            feed(Some(30), a_little),
        ],
        ..HealthReport::default()
    };
    let answer = verdict(&report);
    assert_eq!(answer.reasons.len(), 1);
    assert_eq!(answer.reasons[0].feed.as_deref(), Some("eth1, VLAN 20"));
    assert!(answer.reasons[0].sentence.contains("1 other feed."));
    assert!(answer.reasons[0].remedy.contains("oversubscribed"));
}

#[test]
fn loss_that_our_own_drops_explain_is_told_once() {
    let mut counters = healthy();
    counters.unseen_bytes = 100_000;
    let mut report = report(counters);
    report.sources[0].dropped_kernel = 400;
    report.sources[0].ring_reads = 1_000;
    report.sources[0].ring_reads_behind = 900;
    assert_eq!(kinds(&report), [("sensor_too_slow", State::Degraded)]);
    report.sources[0].ring_reads_behind = 5;
    assert_eq!(kinds(&report), [("ring_too_small", State::Degraded)]);
    // A few drops do not explain much loss.
    report.sources[0].dropped_kernel = 1;
    assert_eq!(kinds(&report), [("mirror_loss", State::Degraded)]);
}

#[test]
fn sources_tell_of_drops_of_a_small_ring_and_of_their_end() {
    let mut report = report(healthy());
    report.sources[0].dropped_interface = 5_000;
    report.sources[0].ring_bytes = 64 << 20;
    report.sources[0].ring_bytes_wanted = 128 << 20;
    assert_eq!(
        kinds(&report),
        [
            ("interface_drops", State::Poor),
            ("ring_shrunk", State::Degraded)
        ]
    );
    report.sources[0].state = "the interface went down".to_owned();
    let answer = verdict(&report);
    assert_eq!(
        answer.reasons[0].sentence,
        "The source eth1 ended: the interface went down."
    );
}

#[test]
fn layers_that_hide_connections_are_told_with_their_feed() {
    let counter = |name: &str, reason: Option<&str>, value| Counter {
        stage: "decap".to_owned(),
        name: name.to_owned(),
        reason: reason.map(str::to_owned),
        value,
    };
    let mut all = report(healthy());
    let tunnelled = FeedCounters {
        undecoded_packets: 300,
        segments: 100,
        ..FeedCounters::default()
    };
    all.feeds.push(feed(Some(12), tunnelled));
    let arp = counter("decap_packets_refused_total", Some("ethertype 0x0806"), 900);
    let esp = counter("decap_packets_undecoded_total", Some("ip_protocol 50"), 300);
    all.counters = vec![arp, esp];
    let answer = verdict(&all);
    assert_eq!(answer.reasons[0].kind, "layers_not_decoded");
    assert_eq!(answer.reasons[0].feed.as_deref(), Some("eth1, VLAN 12"));
    assert!(answer.reasons[0].sentence.contains("ip_protocol 50"));
    assert!(answer.reasons[0].remedy.contains("IPsec"));
    all.feeds.pop();
    assert!(kinds(&all).is_empty());
}

#[test]
fn caps_and_the_emergency_mode_are_told() {
    let counter = |name: &str, reason: Option<&str>, value| Counter {
        stage: "flow".to_owned(),
        name: name.to_owned(),
        reason: reason.map(str::to_owned),
        value,
    };
    let mut report = report(healthy());
    report.counters = vec![
        counter("flow_connections_opened_total", None, 1_000),
        counter("flow_connections_closed_total", Some("evicted"), 50),
        counter("flow_emergencies_entered_total", None, 2),
    ];
    let mut found = kinds(&report);
    found.sort_unstable_by_key(|(kind, _)| *kind);
    assert_eq!(
        found,
        [
            ("connections_evicted", State::Degraded),
            ("emergency_mode", State::Degraded)
        ]
    );
    let said = |report: &HealthReport| verdict(report).sentences().join(" ");
    assert!(said(&report).contains("is in its emergency mode"));
    report
        .counters
        .push(counter("memory_emergencies_ended_total", None, 2));
    assert!(said(&report).contains("left it again (2 times counted)"));
}

#[test]
fn what_the_inventory_gave_up_is_told() {
    let counter = |name: &str, reason: &str, value| Counter {
        stage: "analyzer".to_owned(),
        name: name.to_owned(),
        reason: Some(reason.to_owned()),
        value,
    };
    let mut report = report(healthy());
    report.counters = vec![
        counter("schemas_given_up", "memory", 0),
        counter("consumers_evicted", "over_cap", 7),
    ];
    assert!(kinds(&report).is_empty());
    report
        .counters
        .push(counter("schemas_given_up", "memory", 3));
    assert_eq!(kinds(&report), [("inventory_given_up", State::Degraded)]);
    let said = verdict(&report).sentences().join(" ");
    assert!(said.contains("bodies of seldom used endpoints"), "{said}");
    assert!(!said.contains("consumers"), "{said}");
    let refused = counter("endpoints_refused", "too_many_endpoints", 1);
    report.counters.push(refused);
    let waited = counter("waiting_records_given_up", "memory", 1);
    report.counters.push(waited);
    let said = verdict(&report).sentences().join(" ");
    assert!(said.contains("exchanges that waited"), "{said}");
    assert!(said.contains("more endpoints than"), "{said}");
}

#[test]
fn the_most_damaging_comes_first() {
    let mut counters = healthy();
    counters.duplicates = 9_000;
    counters.unseen_bytes = 20_000;
    counters.server_only = 300;
    let order: Vec<&str> = verdict(&report(counters))
        .reasons
        .iter()
        .map(|r| r.kind)
        .collect();
    assert_eq!(
        order,
        ["one_direction_missing", "mirror_loss", "mirrored_twice"]
    );
}

#[test]
fn little_traffic_says_little() {
    let counters = FeedCounters {
        segments: 40,
        delivered_bytes: 40,
        unseen_bytes: 9,
        connections: 8,
        client_only: 4,
        ..FeedCounters::default()
    };
    assert_eq!(verdict(&report(counters)).state, State::Good);
}
