//! The inventory from records, by situation.

mod support;

use support::{T0, call, run, usual};
use tapscope_analyzer::snapshot::Lifecycle;

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
    assert_eq!(items.authentication.get("bearer"), Some(&2));
    assert_eq!(items.authentication_successful.get("bearer"), Some(&1));
    assert_eq!(items.authentication_successful.get("none"), Some(&1));
    assert_eq!(items.consumers, 3);
    assert_eq!(items.latency.count, 3);
    assert_eq!(items.minutes.len(), 2);
    assert_eq!(
        (items.first_seen, items.last_seen),
        (T0, T0 + 61 * support::S)
    );
    assert_eq!(items.completeness.get("complete"), Some(&3));
    assert_eq!(items.lifecycle, Lifecycle::Unclassified);
    assert_eq!(kept.0.consumers.len(), 3);
    assert_eq!(kept.host("shop.test").map(|h| h.requests), Some(3));
    assert!(kept.0.findings.is_empty(), "{:?}", kept.kinds());
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
    assert!(analyzer.take_changes().urgent);
}
