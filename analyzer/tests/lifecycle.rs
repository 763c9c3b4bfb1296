//! Labels over time: versions that supersede, drift that comes, a policy that changes, owners.
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

/// A builder of records.
mod support;

use support::{Kept, S, T0, call, feed, run, usual};
use tapscope_analyzer::inventory::owner::OwnerRule;
use tapscope_analyzer::inventory::specification::Specification;
use tapscope_analyzer::settings::DAY;
use tapscope_analyzer::snapshot::Lifecycle;
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};
use tapscope_record::{Parameter, Token, ValueProfile, ValueType};

const DAY_S: i64 = DAY / S;

fn labels(kept: &Kept, method: &str, template: &str) -> Vec<Lifecycle> {
    let profile = &kept.endpoint(method, template).profile;
    profile.labels.iter().map(|one| one.label).collect()
}

/// A call with a query parameter.
fn paged(second: i64) -> support::Call {
    let mut one = call("GET", "/items", second);
    one.0.query.push(Parameter {
        name: "page".into(),
        value: ValueProfile {
            kind: ValueType::Integer,
            len: 1,
            token: Token(1),
            class: None,
            word: None,
            number: None,
            form: None,
        },
    });
    one
}

#[test]
fn a_newer_version_supersedes_the_older_one_after_its_grace() {
    let old = (0..40).map(|i| call("GET", "/v1/orders", i * 60));
    let new = (0..40).map(|i| call("GET", "/v2/orders", 2_400 + i * 60));
    let (mut analyzer, mut kept) = run(old.chain(new));
    let older = kept.endpoint("GET", "/v1/orders");
    assert_eq!(older.facts.superseded_by.as_deref(), Some("GET /v2/orders"));
    assert_eq!(older.profile.version.as_deref(), Some("v1"));
    assert_eq!(older.lifecycle, Lifecycle::Unclassified);
    let newer = kept.endpoint("GET", "/v2/orders");
    assert_eq!(newer.facts.superseded_by, None);
    assert_eq!(newer.profile.versions[0].version, "v1");
    // Clients that go on for days are told.
    let late = [
        call("GET", "/v1/orders", 2 * DAY_S),
        call("GET", "/v2/orders", 2 * DAY_S + 1),
    ];
    feed(&mut analyzer, &mut kept, late);
    let older = kept.endpoint("GET", "/v1/orders");
    assert_eq!(
        older.lifecycle,
        Lifecycle::Zombie,
        "{}",
        older.lifecycle_reason
    );
    assert_eq!(
        older.lifecycle_reason,
        "Still answers calls although a newer version of it answers calls since 2024-01-01: GET \
         /v2/orders."
    );
    assert_eq!(
        kept.endpoint("GET", "/v2/orders").lifecycle,
        Lifecycle::Unclassified
    );
}

#[test]
fn drift_comes_with_its_traffic_and_its_moment_is_kept() {
    let source = "openapi: 3.0.0\nservers: [{url: 'https://shop.test'}]\npaths: {/items: {get: \
                  {responses: {200: {description: ok}}}}}";
    let shop = Specification::parse("shop", source).expect("a document");
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    analyzer.set_specifications(vec![shop]);
    let mut kept = Kept::default();
    let items = (0..30).map(|i| call("GET", "/items", i));
    feed(&mut analyzer, &mut kept, items);
    assert_eq!(labels(&kept, "GET", "/items"), [Lifecycle::Documented]);
    feed(&mut analyzer, &mut kept, (100..160).map(paged));
    let items = kept.endpoint("GET", "/items");
    assert_eq!(items.lifecycle, Lifecycle::Drifted);
    assert!(
        items.lifecycle_reason.contains("query page"),
        "{}",
        items.lifecycle_reason
    );
    assert_eq!(items.profile.drift.len(), 1);
    let change = items.profile.changes.last().expect("a change");
    assert_eq!(change.gained, [Lifecycle::Drifted]);
    assert_eq!(change.lost, [Lifecycle::Documented]);
    assert!(change.at >= T0 + 100 * S && change.at < T0 + 160 * S);
    // It is known after a restart, and goes when the document is mended.
    let mut again = Analyzer::new(AnalyzerSettings::default(), kept.restored());
    let mended = source.replace(
        "responses",
        "parameters: [{name: page, in: query}], responses",
    );
    again.set_specifications(vec![
        Specification::parse("shop", &mended).expect("a document"),
    ]);
    kept.save(&again.flush_changes());
    let items = kept.endpoint("GET", "/items");
    assert_eq!(items.lifecycle, Lifecycle::Documented);
    assert!(items.profile.drift.is_empty());
    assert_eq!(
        items.profile.changes.len(),
        3,
        "{:?}",
        items.profile.changes
    );
}

#[test]
fn a_policy_that_changes_draws_labels_anew_and_forgets_nothing() {
    let (mut analyzer, mut kept) = run(usual(0, 300, 1));
    let before = kept.endpoint("GET", "/items").clone();
    assert_eq!(labels(&kept, "GET", "/items"), [Lifecycle::Unclassified]);
    let mut settings = AnalyzerSettings::default();
    settings.owners.push(OwnerRule {
        owner: "warehouse".to_owned(),
        paths: vec!["/stock".to_owned()],
        ..OwnerRule::default()
    });
    analyzer.set_policy(&settings);
    kept.save(&analyzer.take_changes());
    assert_eq!(labels(&kept, "GET", "/items"), [Lifecycle::Unowned]);
    let stock = kept.endpoint("GET", "/stock");
    let owner = stock.profile.owner.as_ref().expect("an owner");
    assert_eq!(owner.name, "warehouse");
    analyzer.set_policy(&AnalyzerSettings::default());
    kept.save(&analyzer.take_changes());
    let after = kept.endpoint("GET", "/items");
    assert_eq!(after.profile.labels, before.profile.labels);
    assert_eq!(after.requests, before.requests);
}

#[test]
fn where_calls_come_from_and_how_is_known_of_every_endpoint() {
    let mut outside = call("GET", "/items", 500);
    outside.0.forwarded_for = "203.0.113.9".parse().ok();
    outside.0.forwarded_proto = Some("https".to_owned());
    let (_, kept) = run(usual(0, 300, 1).chain([outside]));
    let profile = &kept.endpoint("GET", "/items").profile;
    assert_eq!(profile.exposure.zone, "external");
    assert_eq!(profile.transport.kind, "mixed");
    let profile = &kept.endpoint("GET", "/stock").profile;
    assert_eq!(profile.exposure.zone, "internal");
    assert_eq!(profile.transport.kind, "cleartext");
}
