//! The inventory from records, by situation.

mod support;

use support::{Kept, T0, call, feed, run, usual};
use tapscope_analyzer::snapshot::Lifecycle;
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};
use tapscope_record::Part;

#[test]
fn calls_make_endpoints_with_everything_that_was_seen() {
    let (_, kept) = run([
        call("GET", "/items", 0).latency_ms(10),
        call("GET", "/items", 60).status(404).token(8),
        call("GET", "/items", 61).anonymous().from(9),
    ]);
    let items = kept.endpoint("GET", "/items");
    assert_eq!(items.requests, 3);
    assert_eq!(items.statuses.get(&200), Some(&2));
    assert_eq!(items.statuses.get(&404), Some(&1));
    assert_eq!(items.authentication.get("bearer"), 2);
    assert_eq!(items.authentication_successful.get("bearer"), 1);
    assert_eq!(items.authentication_successful.get("none"), 1);
    assert_eq!(items.consumers, 3);
    assert_eq!(items.latency.count, 3);
    assert_eq!(items.minutes.len(), 2);
    assert_eq!(
        (items.first_seen, items.last_seen),
        (T0, T0 + 61 * support::S)
    );
    assert_eq!(items.completeness.get("complete"), 3);
    assert_eq!(items.lifecycle, Lifecycle::Unclassified);
    assert_eq!(kept.0.consumers.len(), 3);
    assert_eq!(kept.host("shop.test").map(|h| h.requests), Some(3));
    assert!(kept.0.findings.is_empty(), "{:?}", kept.kinds());
}

#[test]
fn an_exchange_that_was_reported_while_it_was_open_counts_once() {
    let part = |second, part, class: Option<&str>| {
        let mut call = call("GET", "/events", second);
        call.0.part = part;
        call.0.ended = Some(call.0.time + 90 * support::S);
        match class {
            Some(class) => call.response_class(class),
            None => call,
        }
    };
    let (analyzer, kept) = run([
        call("GET", "/items", 0),
        part(1, Part::Opening, None),
        part(1, Part::Closing, Some("email")),
        part(1, Part::Closing, Some("email")).host("unseen.test"),
    ]);
    let events = kept.endpoint("GET", "/events");
    assert_eq!(events.requests, 1);
    assert_eq!(events.statuses.get(&200), Some(&1));
    assert_eq!(events.response_data_classes.get("email"), 1);
    assert_eq!(events.last_seen, T0 + 91 * support::S);
    assert!(kept.host("unseen.test").is_none());
    let counters = analyzer.counters();
    let unplaced = counters
        .iter()
        .find(|it| it.0 == "records_not_learned_from");
    assert_eq!(unplaced.map(|it| it.2), Some(1));
}

#[test]
fn what_came_before_an_endpoint_was_known_is_learned_from() {
    let words = ["alpha", "bravo", "carol", "delta", "eager", "fixed"];
    let pairs = words
        .iter()
        .flat_map(|a| words.map(|b| format!("/{a}/{b}")));
    let (analyzer, kept) = run((0..).zip(pairs).map(|(i, path)| call("GET", &path, i)));
    assert!(kept.0.endpoints.len() > 1, "{:?}", kept.templates());
    for row in &kept.0.endpoints {
        let answered: u64 = row.statuses.values().sum();
        assert_eq!(answered, row.requests, "{}", row.template);
        assert_eq!(row.completeness.get("complete"), row.requests);
    }
    let calls: u64 = kept
        .0
        .consumers
        .iter()
        .flat_map(|c| &c.endpoints)
        .map(|e| e.calls)
        .sum();
    assert_eq!(calls, 36);
    let refused = |c: &&(String, Option<String>, u64)| c.0 == "records_not_held";
    let counters = analyzer.counters();
    assert_eq!(counters.iter().find(refused).map(|c| c.2), Some(0));
}

#[test]
fn pairs_that_are_supposed_are_counted_apart() {
    let calls = (0..6).map(|i| {
        let call = call("GET", "/items", i);
        if i < 2 { call.supposed() } else { call }
    });
    let (_, kept) = run(calls);
    let completeness = &kept.endpoint("GET", "/items").completeness;
    let counts = ["supposed", "complete"].map(|name| completeness.get(name));
    assert_eq!(counts, [2, 4]);
}

#[test]
fn a_proof_that_changes_with_every_call_names_nobody() {
    let proof = |scheme: &str, token: u64, second: i64| {
        let mut one = call("GET", "/items", second);
        one.0.credentials = vec![support::credential(scheme, token)];
        one
    };
    let calls = ["hmac", "negotiate", "ntlm", "digest"];
    let all = (0..40).map(|i: i64| proof(calls[i as usize % 4], i as u64, i));
    let (_, kept) = run(all);
    assert_eq!(kept.0.consumers.len(), 1, "all calls come from one address");
    let items = kept.endpoint("GET", "/items");
    assert_eq!(items.authentication_successful.get("hmac"), 10);
    assert_eq!(items.authentication_successful.get("none"), 0);
}

#[test]
fn what_waits_for_its_turn_tells_its_counters() {
    let mut settings = AnalyzerSettings::default();
    settings.inventory.save_endpoints = 1;
    settings.inventory.save_endpoints_share = 0.0;
    let mut analyzer = Analyzer::new(settings, Restored::default());
    let mut kept = Kept::default();
    let paths = ["/a", "/b", "/c"];
    feed(
        &mut analyzer,
        &mut kept,
        paths.map(|path| call("GET", path, 0)),
    );
    for path in paths {
        analyzer.handle_record(&call("GET", path, 1).0);
    }
    let changes = analyzer.take_changes();
    assert_eq!((changes.endpoints.len(), changes.counts.len()), (1, 2));
    assert!(changes.counts.iter().all(|count| count.requests == 2));
    assert!(analyzer.has_changes());
}

#[test]
fn only_what_changed_is_told() {
    let (mut analyzer, _) = run(usual(0, 100, 1));
    assert!(analyzer.take_changes().is_empty());
    analyzer.handle_record(&call("GET", "/stock", 200).0);
    let changes = analyzer.take_changes();
    assert_eq!(changes.endpoints.len(), 1);
    assert_eq!(changes.consumers.len(), 1);
    assert!(!changes.urgent);
    analyzer.handle_record(&call("GET", "/fresh", 201).0);
    analyzer.handle_time(T0 + 230 * support::S);
    assert!(analyzer.take_changes().urgent);
}

#[test]
fn an_analyzer_that_was_stopped_goes_on_as_if_it_was_not() {
    let all: Vec<_> = usual(0, 600, 7).collect();
    let (_, whole) = run(all.clone());
    let (_, mut kept) = run(all.iter().take(301).cloned());
    let mut second = Analyzer::new(Default::default(), kept.restored());
    feed(&mut second, &mut kept, all.into_iter().skip(301));
    assert_eq!(whole.templates(), kept.templates());
    for (one, two) in whole.0.endpoints.iter().zip(&kept.0.endpoints) {
        assert_eq!(one.id, two.id);
        assert_eq!(one.requests, two.requests, "{}", one.template);
        assert_eq!(one.statuses, two.statuses);
        assert_eq!(one.latency, two.latency);
        assert_eq!(one.response_size, two.response_size);
        assert_eq!(one.top_consumers, two.top_consumers);
        assert_eq!(one.parameters, two.parameters);
        assert_eq!(one.authentication, two.authentication);
        assert_eq!(one.state, two.state, "{}", one.template);
    }
    assert_eq!(whole.0.consumers, kept.0.consumers);
    assert_eq!(whole.0.findings, kept.0.findings);
}

#[test]
fn the_same_records_give_the_same_state() {
    let (_, one) = run(usual(0, 400, 3));
    let (_, two) = run(usual(0, 400, 3));
    assert_eq!(one, two);
}

#[test]
fn what_a_client_invents_is_bounded_and_counted() {
    let mut settings = AnalyzerSettings::default();
    settings.inventory.max_hosts = 3;
    settings.inventory.max_consumers = 10;
    settings.inventory.max_endpoints = 2;
    let mut analyzer = Analyzer::new(settings, Restored::default());
    let mut kept = Kept::default();
    let calls = (0..200).map(|i| {
        call("GET", &format!("/a{i}x/b"), i)
            .host(&format!("h{i}.test"))
            .token(u64::try_from(i).expect("not negative"))
    });
    feed(&mut analyzer, &mut kept, calls);
    let counted = |name: &str| -> u64 {
        let all = analyzer.counters();
        all.iter().filter(|c| c.0 == name).map(|c| c.2).sum()
    };
    assert!(kept.0.endpoints.len() <= 2, "{:?}", kept.templates());
    let known = counted("hosts_known");
    assert!(known <= 4, "{known}");
    // Each call named a host of its own; the row of the others is none of them.
    let lost = counted("records_folded") + counted("hosts_dropped");
    assert!((196..=197).contains(&lost), "{lost}");
    assert!(counted("consumers_known") <= 10);
    assert_eq!(
        counted("consumers_known") + counted("consumers_evicted"),
        200
    );
    assert!(counted("endpoints_refused") > 0);
}
