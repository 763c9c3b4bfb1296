//! How much of an endpoint's traffic was seen: its own exchanges, and the loss of the feeds that
//! brought them. Put together when asked for, for the feeds' loss changes with every report.

use std::collections::BTreeMap;

use tapscope_analyzer::inventory::origin;
use tapscope_analyzer::snapshot::{EndpointSnapshot, UNRECORDED};
use tapscope_record::{FeedCounters, HealthReport};

use crate::view::coverage::{Coverage, CoveringFeed};
use crate::view::measure::share;

/// The coverage of an endpoint.
pub(crate) fn coverage(snapshot: &EndpointSnapshot, report: &HealthReport) -> Coverage {
    // Of what was only counted it is not known how much was seen.
    let known = snapshot
        .completeness
        .iter()
        .filter(|(name, _)| *name != UNRECORDED);
    let all = known.fold(0_u64, |sum, (_, n)| sum.saturating_add(n));
    let of = |names: &[&str]| {
        let counts = names.iter().map(|&name| snapshot.completeness.get(name));
        share(counts.fold(0, |sum, n| sum.saturating_add(n)), all)
    };
    let feeds = feeds(snapshot, report);
    Coverage {
        complete_share: of(&["complete"]),
        supposed_share: of(&["supposed"]),
        one_sided_share: of(&["request_missing", "response_missing"]),
        gap_share: of(&["gap"]),
        sampled_share: share(snapshot.bodies_passed, all),
        feed_loss_share: weighted_loss(&feeds),
        feeds,
    }
}

fn feeds(snapshot: &EndpointSnapshot, report: &HealthReport) -> Vec<CoveringFeed> {
    let mut counters: BTreeMap<String, FeedCounters> = BTreeMap::new();
    for feed in &report.feeds {
        let sum = counters
            .entry(origin::feed_of_report(feed).into_owned())
            .or_default();
        *sum = sum.plus(&feed.counters);
    }
    let mut feeds: Vec<CoveringFeed> = snapshot
        .feeds
        .iter()
        .map(|(name, requests)| CoveringFeed {
            name: name.to_owned(),
            requests,
            loss_share: counters.get(name).and_then(FeedCounters::unseen_share),
        })
        .collect();
    feeds.sort_by(|a, b| b.requests.cmp(&a.requests).then(a.name.cmp(&b.name)));
    feeds
}

#[expect(clippy::cast_precision_loss, reason = "a weight is not exact")]
fn weighted_loss(feeds: &[CoveringFeed]) -> Option<f64> {
    let known = feeds
        .iter()
        .filter_map(|feed| Some((feed.requests as f64, feed.loss_share?)));
    let (weight, lost) = known.fold((0.0, 0.0), |(weight, lost), (requests, loss)| {
        (weight + requests, lost + requests * loss)
    });
    (weight > 0.0).then(|| lost / weight)
}

#[cfg(test)]
mod tests {
    use tapscope_record::FeedHealth;

    use super::*;

    #[test]
    fn the_loss_of_feeds_is_weighted_by_what_they_brought() {
        let feed = |vlan, unseen| FeedHealth {
            source: "eth1".to_owned(),
            vlan,
            network: None,
            counters: FeedCounters {
                unseen_bytes: unseen,
                delivered_bytes: 100 - unseen,
                ..FeedCounters::default()
            },
        };
        let report = HealthReport {
            feeds: vec![feed(Some(1), 0), feed(Some(2), 40), feed(None, 99)],
            ..HealthReport::default()
        };
        let snapshot: EndpointSnapshot = serde_json::from_value(serde_json::json!({
            "id": 1, "method": "GET", "host": "h", "template": "/", "template_confidence": 1.0,
            "examples": [], "lifecycle": "new", "lifecycle_reason": "",
            "facts": {"covered_by_specification": false, "documented_in": [],
                "documented_template": null, "deprecated": false, "removed": false,
                "deprecation_header": null, "sunset_header": null},
            "first_seen": 0, "last_seen": 0, "requests": 12, "statuses": {},
            "authentication": {}, "authentication_successful": {},
            "request_content_types": {}, "response_content_types": {}, "parameters": [],
            "request_data_classes": {}, "response_data_classes": {}, "consumers": 0,
            "top_consumers": [], "servers": {}, "protocols": {},
            "completeness": {"complete": 5, "supposed": 1, "gap": 1, "response_missing": 3,
                "unrecorded": 2},
            "feeds": {"vlan:1": 3, "vlan:2": 9, "vlan:3": 5},
            "latency": {"count":0,"min":0,"p50":0,"p90":0,"p99":0,"max":0,"buckets":[]},
            "request_size": {"count":0,"min":0,"p50":0,"p90":0,"p99":0,"max":0,"buckets":[]},
            "response_size": {"count":0,"min":0,"p50":0,"p90":0,"p99":0,"max":0,"buckets":[]},
            "minutes": [], "state": null,
        }))
        .unwrap();
        let found = coverage(&snapshot, &report);
        assert_eq!(found.complete_share, Some(0.5));
        assert_eq!(found.supposed_share, Some(0.1));
        assert_eq!(found.one_sided_share, Some(0.3));
        assert_eq!(found.gap_share, Some(0.1));
        let loss = found.feed_loss_share.unwrap();
        assert!((loss - 0.3).abs() < 1e-9, "{loss}");
        assert_eq!(found.feeds[0].name, "vlan:2");
        assert_eq!(
            found.feeds[1].loss_share, None,
            "nothing is known of VLAN 3"
        );
    }
}
