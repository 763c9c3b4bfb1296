//! Findings from records, by situation: each detector on what it is for, on what looks like it and
//! is not, and on too little to tell.

mod support;

use support::{Call, Kept, S, T0, call, feed, run, usual};
use tapscope_analyzer::inventory::specification::Specification;
use tapscope_analyzer::snapshot::{FindingStatus, Lifecycle, Severity};
use tapscope_analyzer::{Analyzer, Restored};

const SHOP: &str = "
openapi: 3.0.3
info: {title: Shop, version: 1.0}
servers: [{url: 'https://shop.test'}]
security: [{key: []}]
paths:
  /items: {get: {responses: {200: {description: ok}}}}
  /stock: {get: {deprecated: true, responses: {200: {description: ok}}}}
  /orders: {post: {responses: {201: {description: ok}}}}
  /returns/{id}: {get: {responses: {200: {description: ok}}}}
";

/// The shop's specification, read.
#[expect(clippy::expect_used, reason = "a test's own document can be read")]
fn shop() -> Specification {
    Specification::parse("shop", SHOP).expect("it is a specification")
}

fn with_specification(calls: impl IntoIterator<Item = Call>) -> Kept {
    let mut analyzer = Analyzer::new(Default::default(), Restored::default());
    analyzer.set_specifications(vec![shop()]);
    let mut kept = Kept::default();
    feed(&mut analyzer, &mut kept, calls);
    kept
}

#[test]
fn specifications_give_every_endpoint_its_label() {
    let secret = (0..5).map(|i| call("GET", "/internal/debug", 1_000 + i));
    let kept = with_specification(usual(0, 300, 1).chain(secret));
    let label = |method, template| kept.endpoint(method, template).lifecycle;
    assert_eq!(label("GET", "/items"), Lifecycle::Documented);
    assert_eq!(label("GET", "/stock"), Lifecycle::Zombie);
    // The document says 201, the shop answers 200.
    assert_eq!(label("POST", "/orders"), Lifecycle::Drifted);
    assert_eq!(label("GET", "/returns/{id}"), Lifecycle::Orphan);
    assert_eq!(label("GET", "/internal/debug"), Lifecycle::Shadow);
    assert_eq!(kept.kinds().len(), 2, "{:?}", kept.kinds());
    let shadow = kept.finding("shadow_endpoint").expect("there is one");
    assert_eq!(shadow.actors, ["10.0.0.7"]);
    assert!(kept.finding("zombie_endpoint").is_some());
}

#[test]
fn an_orphan_that_is_called_after_all_hands_over_to_the_endpoint() {
    let mut analyzer = Analyzer::new(Default::default(), Restored::default());
    analyzer.set_specifications(vec![shop()]);
    let mut kept = Kept::default();
    feed(&mut analyzer, &mut kept, usual(0, 300, 1));
    let orphan = kept.endpoint("GET", "/returns/{id}").id;
    feed(
        &mut analyzer,
        &mut kept,
        (0..30).map(|i| call("GET", &format!("/returns/{i}"), 400 + i)),
    );
    let called = kept.endpoint("GET", "/returns/{id}");
    assert_eq!(called.lifecycle, Lifecycle::Documented);
    assert_eq!(called.requests, 30);
    assert!(kept.0.merged.contains(&(orphan, called.id)));
}

#[test]
fn nothing_is_an_orphan_on_a_host_seen_little_or_with_loss() {
    for (count, lossy) in [(50, false), (400, true)] {
        let calls = usual(0, count, 1).map(|c| if lossy { c.lossy() } else { c });
        let kept = with_specification(calls);
        let orphans = kept
            .0
            .endpoints
            .iter()
            .filter(|e| e.lifecycle == Lifecycle::Orphan);
        assert_eq!(orphans.count(), 0, "{count} {lossy}");
    }
}

#[test]
fn removing_an_operation_from_the_next_revision_makes_a_zombie() {
    let mut analyzer = Analyzer::new(Default::default(), Restored::default());
    let mut kept = Kept::default();
    let old = Specification::parse("shop", SHOP).expect("it is a specification");
    let new = SHOP.replace("  /items:", "  /goods:");
    let new = Specification::parse("shop", &new).expect("it is a specification");
    feed(&mut analyzer, &mut kept, usual(0, 100, 1));
    assert_eq!(
        kept.endpoint("GET", "/items").lifecycle,
        Lifecycle::Unclassified
    );
    analyzer.set_specifications(vec![old.clone()]);
    feed(&mut analyzer, &mut kept, []);
    assert_eq!(
        kept.endpoint("GET", "/items").lifecycle,
        Lifecycle::Documented
    );
    analyzer.set_specifications(vec![old, new]);
    feed(&mut analyzer, &mut kept, []);
    assert_eq!(kept.endpoint("GET", "/items").lifecycle, Lifecycle::Zombie);
    analyzer.set_specifications(Vec::new());
    feed(&mut analyzer, &mut kept, []);
    assert_eq!(
        kept.endpoint("GET", "/items").lifecycle,
        Lifecycle::Unclassified
    );
}

#[test]
fn usual_traffic_raises_nothing() {
    let (_, kept) = run(usual(0, 5_000, 3));
    assert!(kept.0.findings.is_empty(), "{:?}", kept.kinds());
}

/// What comes on top of usual traffic, from second 6000 on, and the kinds that must come of it.
fn on_top(calls: Vec<Call>) -> Kept {
    let mut all: Vec<Call> = usual(0, 3_000, 3).chain(calls).collect();
    all.sort_by_key(|c| c.0.time);
    run(all).1
}

#[test]
fn a_rush_of_calls_is_told_with_who_is_behind_it() {
    let rush = |n: i64| {
        (0..n)
            .map(|i| call("GET", "/stock", 6_000 + i / 2).from(99))
            .collect()
    };
    let kept = on_top(rush(400));
    let volume = kept.finding("volume_anomaly").expect("there is one");
    assert_eq!(volume.actors.first().map(String::as_str), Some("10.0.0.99"));
    assert!(volume.first_seen >= T0 + 6_000 * S);
    let values = &volume.evidence[0].values;
    assert!(values["observed"] > values["threshold"]);
    assert!(values["threshold"] > values["expected"]);
    assert!(on_top(rush(8)).kinds().is_empty());
}

#[test]
fn a_burst_of_errors_is_told_and_a_few_are_not() {
    let burst = |n: i64, status| {
        (0..n)
            .map(|i| call("GET", "/stock", 6_000 + i * 3).status(status))
            .collect()
    };
    let kept = on_top(burst(30, 503));
    let errors = kept.finding("error_anomaly").expect("there is one");
    assert_eq!(errors.severity, Severity::High);
    assert!(on_top(burst(30, 401)).finding("error_anomaly").is_some());
    assert!(on_top(burst(3, 503)).kinds().is_empty());
}

#[test]
fn slow_answers_are_told_and_one_slow_answer_is_not() {
    let slow = |n: i64| {
        (0..n)
            .map(|i| call("GET", "/stock", 6_000 + i * 3).latency_ms(900))
            .collect::<Vec<_>>()
    };
    assert!(on_top(slow(20)).finding("latency_anomaly").is_some());
    assert!(on_top(slow(2)).kinds().is_empty());
    // Loss can fake latency: what was paired after loss does not count.
    let lossy = slow(20).into_iter().map(Call::lossy).collect();
    assert!(on_top(lossy).finding("latency_anomaly").is_none());
}

#[test]
fn missing_authentication_needs_reason_and_support() {
    let anonymous = |n: i64, path: &'static str, method: &'static str| {
        (0..n).map(move |i| call(method, path, 6_000 + i * 60).anonymous())
    };
    let found = |calls: Vec<Call>| on_top(calls).finding("missing_authentication").cloned();
    // On an endpoint that is usually authenticated.
    assert!(found(anonymous(5, "/items", "GET").collect()).is_some());
    assert!(found(anonymous(2, "/items", "GET").collect()).is_none());
    // On one that never is, and gives out personal data.
    let open = anonymous(20, "/people", "GET").map(|c| c.response_class("email"));
    let open = found(open.collect()).expect("there is one");
    assert_eq!(open.severity, Severity::Critical);
    // Public by evidence: nothing personal, refused, signing in, or a preflight.
    assert!(found(anonymous(20, "/news", "GET").collect()).is_none());
    assert!(
        found(
            anonymous(20, "/items", "GET")
                .map(|c| c.status(401))
                .collect()
        )
        .is_none()
    );
    let sign_in = anonymous(20, "/login", "POST").map(|c| c.request_class("password"));
    assert!(found(sign_in.collect()).is_none());
    let lossy = anonymous(20, "/people", "GET").map(|c| c.response_class("email").lossy());
    assert!(found(lossy.collect()).is_none());
    // The success may be another request's.
    let supposed = anonymous(5, "/items", "GET").map(Call::supposed);
    assert!(found(supposed.collect()).is_none());
}

#[test]
fn an_endpoint_that_comes_up_later_is_new() {
    let late = (0..5).map(|i| call("GET", "/export/all", 8 * 3_600 + i));
    let steady = usual(0, 4_000, 8);
    let mut all: Vec<Call> = steady.chain(late).collect();
    all.sort_by_key(|c| c.0.time);
    let (_, kept) = run(all);
    assert_eq!(
        kept.endpoint("GET", "/export/all").lifecycle,
        Lifecycle::New
    );
}

#[test]
fn a_passed_sunset_makes_a_zombie() {
    let calls = (0..40).map(|i| call("GET", "/old", i * 3_600).sunset(3_600));
    let (_, kept) = run(calls);
    assert_eq!(kept.endpoint("GET", "/old").lifecycle, Lifecycle::Zombie);
    assert!(kept.finding("zombie_endpoint").is_some());
}

#[test]
fn decisions_stay_and_only_the_resolved_opens_again() {
    for (decided, expected) in [
        (FindingStatus::Resolved, FindingStatus::Open),
        (FindingStatus::FalsePositive, FindingStatus::FalsePositive),
        (FindingStatus::AcceptedRisk, FindingStatus::AcceptedRisk),
        (FindingStatus::Acknowledged, FindingStatus::Acknowledged),
    ] {
        let mut analyzer = Analyzer::new(Default::default(), Restored::default());
        let shop = Specification::parse("shop", SHOP).expect("it is a specification");
        analyzer.set_specifications(vec![shop.clone()]);
        let mut kept = Kept::default();
        feed(&mut analyzer, &mut kept, usual(0, 100, 1));
        let id = kept.finding("zombie_endpoint").expect("there is one").id;
        let set = analyzer.set_finding_status(id, decided, "seen", T0);
        assert_eq!(set, Ok(()));
        feed(&mut analyzer, &mut kept, []);
        // The decision and its reopening survive a restart.
        let mut analyzer = Analyzer::new(Default::default(), kept.restored());
        analyzer.set_specifications(vec![shop]);
        feed(&mut analyzer, &mut kept, usual(200, 100, 1));
        let finding = kept.finding("zombie_endpoint").expect("it is still there");
        assert_eq!(finding.id, id);
        assert_eq!(finding.status, expected);
        assert_eq!(finding.history[0].comment, "seen");
        let same = kept
            .kinds()
            .iter()
            .filter(|k| **k == "zombie_endpoint")
            .count();
        assert_eq!(same, 1);
    }
}
