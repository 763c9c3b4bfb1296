//! Labels from facts.

use super::*;
use crate::settings::{DAY, HOUR};
use crate::snapshot::DriftKind;

const T0: Nanos = 1_700_000_000 * NANOS;

fn case(facts: &Facts) -> Case<'_> {
    Case {
        facts,
        requests: 10,
        successes: 9,
        first_seen: T0,
        last_seen: T0 + DAY,
        drift: &[],
        owner: None,
        owner_rules: 0,
        host: HostSight {
            since: T0,
            last_seen: T0 + DAY,
            requests: 1_000,
            complete: 1.0,
        },
        now: T0 + DAY,
    }
}

fn label_of(facts: &Facts, change: impl Fn(&mut Case<'_>)) -> Lifecycle {
    let mut case = case(facts);
    change(&mut case);
    labels(&case, &LifecyclePolicy::default())[0].label
}

#[test]
fn each_label_has_its_facts() {
    let covered = Facts {
        covered_by_specification: true,
        ..Facts::default()
    };
    let documented = Facts {
        documented_in: vec!["shop".to_owned()],
        ..covered.clone()
    };
    let deprecated = Facts {
        deprecated: true,
        ..documented.clone()
    };
    let removed = Facts {
        removed: true,
        ..covered.clone()
    };
    let none = Facts::default();
    let same = |_: &mut Case<'_>| {};
    assert_eq!(label_of(&none, same), Lifecycle::Unclassified);
    assert_eq!(label_of(&covered, same), Lifecycle::Shadow);
    assert_eq!(label_of(&documented, same), Lifecycle::Documented);
    assert_eq!(label_of(&deprecated, same), Lifecycle::Zombie);
    assert_eq!(label_of(&removed, same), Lifecycle::Zombie);
    assert_eq!(
        label_of(&covered, |c| c.successes = 0),
        Lifecycle::Unclassified
    );
    assert_eq!(
        label_of(&deprecated, |c| c.successes = 0),
        Lifecycle::Documented
    );
    assert_eq!(label_of(&documented, |c| c.requests = 0), Lifecycle::Orphan);
    for facts in [&none, &covered, &documented, &deprecated] {
        let later = |c: &mut Case<'_>| c.now = c.last_seen + 31 * DAY;
        assert_eq!(label_of(facts, later), Lifecycle::Dormant);
    }
    let late = |c: &mut Case<'_>| c.first_seen = T0 + 20 * HOUR;
    assert_eq!(label_of(&none, late), Lifecycle::New);
}

#[test]
fn silence_is_no_dormancy_where_much_is_lost() {
    let none = Facts::default();
    let silent = |c: &mut Case<'_>| c.now = c.last_seen + 31 * DAY;
    assert_eq!(label_of(&none, silent), Lifecycle::Dormant);
    let lossy = |c: &mut Case<'_>| {
        c.now = c.last_seen + 31 * DAY;
        c.host.complete = 0.3;
    };
    assert_eq!(label_of(&none, lossy), Lifecycle::Unclassified);
}

#[test]
fn an_endpoint_that_fell_silent_with_its_host_is_marked() {
    let facts = Facts::default();
    let mut case = Case {
        facts: &facts,
        requests: 10,
        successes: 9,
        first_seen: T0,
        last_seen: T0,
        drift: &[],
        owner: None,
        owner_rules: 0,
        host: HostSight {
            since: T0,
            last_seen: T0,
            requests: 1_000,
            complete: 1.0,
        },
        now: T0 + 31 * DAY,
    };
    let policy = LifecyclePolicy::default();
    assert!(
        labels(&case, &policy)[0]
            .reason
            .contains("mirrored no more")
    );
    case.host.last_seen = case.now;
    assert_eq!(
        labels(&case, &policy)[0].reason,
        "No call for 31 days, since 2023-11-14, while its host was seen."
    );
}

#[test]
fn a_sunset_counts_after_its_date_and_the_grace() {
    let day = DAY / NANOS;
    for (sunset, expected) in [
        (T0 / NANOS + 10 * day, Lifecycle::Unclassified),
        (T0 / NANOS + day / 2, Lifecycle::Unclassified),
        (T0 / NANOS - 2 * day, Lifecycle::Zombie),
    ] {
        let facts = Facts {
            sunset_header: Some(sunset),
            ..Facts::default()
        };
        assert_eq!(label_of(&facts, |_| {}), expected, "{sunset}");
    }
}

fn shop() -> Facts {
    Facts {
        covered_by_specification: true,
        documented_in: vec!["shop".to_owned()],
        ..Facts::default()
    }
}

fn difference(kind: DriftKind) -> Drift {
    Drift {
        kind,
        place: "query page".to_owned(),
        documented: String::new(),
        observed: "integer".to_owned(),
        seen: 9,
        of: 10,
    }
}

#[test]
fn what_differs_from_its_specification_is_drifted_and_a_zombie_stays_one() {
    let drift = [
        difference(DriftKind::UndocumentedParameter),
        difference(DriftKind::ChangedType),
    ];
    let facts = shop();
    let mut case = case(&facts);
    case.drift = &drift;
    let mut policy = LifecyclePolicy::default();
    let found = labels(&case, &policy);
    assert_eq!(found[0].label, Lifecycle::Drifted);
    assert_eq!(
        found[0].reason,
        "Its traffic differs from shop in 2 points, 1 of them breaking, for example: changed type: \
         query page, integer (9 of 10)."
    );
    policy.drifted_breaking_only = true;
    assert_eq!(labels(&case, &policy)[0].label, Lifecycle::Drifted);
    case.drift = &drift[..1];
    assert_eq!(labels(&case, &policy)[0].label, Lifecycle::Documented);
    policy.drifted_breaking_only = false;
    let retired = Facts {
        deprecated: true,
        ..shop()
    };
    case.facts = &retired;
    let all: Vec<Lifecycle> = labels(&case, &policy).iter().map(|one| one.label).collect();
    assert_eq!(all, [Lifecycle::Zombie, Lifecycle::Drifted]);
}

#[test]
fn nobody_is_said_to_own_nothing_without_rules() {
    let facts = Facts::default();
    let mut case = case(&facts);
    let policy = LifecyclePolicy::default();
    assert_eq!(labels(&case, &policy)[0].label, Lifecycle::Unclassified);
    case.owner_rules = 2;
    assert_eq!(labels(&case, &policy)[0].label, Lifecycle::Unowned);
    let owner = OwnerSnapshot {
        name: "shop".to_owned(),
        reason: String::new(),
    };
    case.owner = Some(&owner);
    assert_eq!(labels(&case, &policy)[0].label, Lifecycle::Unclassified);
    let facts = shop();
    case.facts = &facts;
    case.owner = None;
    let all: Vec<Lifecycle> = labels(&case, &policy).iter().map(|one| one.label).collect();
    assert_eq!(all, [Lifecycle::Documented, Lifecycle::Unowned]);
}

#[test]
fn a_newer_version_retires_the_older_one_unless_it_is_meant_to_be_there() {
    let superseded = Facts {
        superseded_by: Some("GET /v2/orders".to_owned()),
        superseded_since: T0,
        ..Facts::default()
    };
    assert_eq!(label_of(&superseded, |_| {}), Lifecycle::Zombie);
    let soon = |c: &mut Case<'_>| c.last_seen = T0 + HOUR;
    assert_eq!(label_of(&superseded, soon), Lifecycle::Unclassified);
    let described = Facts {
        documented_in: vec!["shop".to_owned()],
        covered_by_specification: true,
        ..superseded.clone()
    };
    assert_eq!(label_of(&described, |_| {}), Lifecycle::Documented);
    let mut policy = LifecyclePolicy::default();
    policy
        .retired_by
        .retain(|one| *one != Retirement::Superseded);
    let found = labels(&case(&superseded), &policy);
    assert_eq!(found[0].label, Lifecycle::Unclassified);
}

#[test]
fn a_history_tells_what_came_and_went_and_not_what_never_was() {
    let label = |label| LabelSnapshot {
        label,
        reason: format!("{label:?}"),
    };
    let shadow = [label(Lifecycle::Shadow)];
    let drifted = [label(Lifecycle::Drifted), label(Lifecycle::Unowned)];
    let mut history = Vec::new();
    note_change(&mut history, &[], &shadow, (1, 2));
    note_change(&mut history, &shadow, &shadow, (2, 2));
    assert_eq!(history.len(), 1);
    note_change(&mut history, &shadow, &drifted, (3, 2));
    assert_eq!(history[1].gained, [Lifecycle::Drifted, Lifecycle::Unowned]);
    assert_eq!(history[1].lost, [Lifecycle::Shadow]);
    // Within one moment there and back.
    note_change(&mut history, &drifted, &shadow, (3, 2));
    assert_eq!(history.len(), 1);
    note_change(&mut history, &shadow, &drifted, (4, 2));
    note_change(&mut history, &drifted, &shadow, (5, 2));
    let times: Vec<Nanos> = history.iter().map(|one| one.at).collect();
    assert_eq!(times, [4, 5]);
}
