//! Factors and their shares.

use super::*;
use crate::inventory::entry::Entry;
use crate::settings::InventorySettings;
use crate::snapshot::profile::{LabelSnapshot, TagSnapshot};
use crate::snapshot::{EndpointId, EndpointRef, FindingId};

fn endpoint(method: &str) -> EndpointSnapshot {
    let settings = InventorySettings::default();
    let at = EndpointRef {
        id: EndpointId(1),
        method: method.to_owned(),
        host: "api.example".to_owned(),
        template: "/a".to_owned(),
        operation: None,
    };
    Entry::new(at, &settings).snapshot(&settings)
}

fn finding(severity: Severity, status: FindingStatus) -> FindingSnapshot {
    FindingSnapshot {
        id: FindingId(1),
        kind: "shadow_endpoint".to_owned(),
        severity,
        endpoint: None,
        actors: Vec::new(),
        first_seen: 0,
        last_seen: 0,
        occurrences: 1,
        title: "Something".to_owned(),
        explanation: String::new(),
        owasp: Vec::new(),
        confidence: 1.0,
        coverage: 1.0,
        evidence: Vec::new(),
        status,
        history: Vec::new(),
    }
}

/// One that has everything against it.
fn worst() -> EndpointSnapshot {
    let mut worst = endpoint("POST");
    worst.profile.exposure.zone = "external".to_owned();
    worst.profile.transport.signs.add("cleartext", 9, 9);
    worst.profile.labels.push(LabelSnapshot {
        label: Lifecycle::Shadow,
        reason: "Undescribed.".to_owned(),
    });
    worst.profile.tags.push(TagSnapshot {
        name: "payment".to_owned(),
        confidence: 1.0,
        reason: "Because.".to_owned(),
    });
    worst.authentication_successful.add("none", 9, 9);
    worst.response_data_classes.add("card", 9, 9);
    worst
}

#[test]
fn the_score_goes_from_nothing_to_everything_and_shares_add_up() {
    let policy = RiskPolicy::default();
    let none = assess(&endpoint("GET"), [], &policy);
    assert!(none.score.abs() < 1e-9, "{none:?}");
    assert_eq!(none.factors.len(), Factor::ALL.len());
    let critical = finding(Severity::Critical, FindingStatus::Open);
    let all = assess(&worst(), [&critical], &policy);
    assert!((all.score - 100.0).abs() < 1e-9, "{all:?}");
    for risk in [&none, &all] {
        let sum: f64 = risk.factors.iter().map(|one| one.points).sum();
        assert!((sum - risk.score).abs() < 1e-9);
        assert!(risk.factors.iter().all(|one| one.reason.ends_with('.')));
    }
}

#[test]
fn decided_findings_and_credentials_take_their_share_away() {
    let policy = RiskPolicy::default();
    let points = |risk: &Risk, factor: Factor| {
        let found = risk.factors.iter().find(|one| one.factor == factor);
        found.unwrap().points
    };
    let resolved = finding(Severity::Critical, FindingStatus::Resolved);
    let risk = assess(&worst(), [&resolved], &policy);
    assert!(points(&risk, Factor::Findings).abs() < 1e-9);
    let mut mixed = worst();
    mixed.authentication_successful.add("bearer", 27, 9);
    let risk = assess(&mixed, [], &policy);
    assert!((points(&risk, Factor::Authentication) - 5.0).abs() < 1e-9);
}

#[test]
fn only_proportions_of_weights_matter() {
    let mut policy = RiskPolicy {
        weights: vec![(Factor::Writes, 3.0), (Factor::Exposure, 1.0)],
        ..RiskPolicy::default()
    };
    let risk = assess(&endpoint("DELETE"), [], &policy);
    assert!((risk.score - 75.0).abs() < 1e-9);
    assert_eq!(risk.factors[0].factor, Factor::Writes);
    policy.weights.clear();
    assert!(assess(&endpoint("DELETE"), [], &policy).factors.is_empty());
}
