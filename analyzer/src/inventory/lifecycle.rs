//! From facts to a label and the sentence that says why. Facts are stored, labels are computed
//! here and nowhere else.

use crate::settings::{DAY, LifecyclePolicy};
use crate::snapshot::{Facts, Lifecycle, Nanos};

/// Nanoseconds of a second.
const NANOS: i64 = 1_000_000_000;

/// What is known of the host: whether silence means anything.
#[derive(Clone, Copy, Debug)]
pub struct HostSight {
    /// First exchange.
    pub since: Nanos,
    /// Last exchange.
    pub last_seen: Nanos,
    /// Share of its exchanges that was seen complete.
    pub complete: f64,
}

/// What a label is derived from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What specifications and headers say.
    pub facts: &'a Facts,
    /// Exchanges.
    pub requests: u64,
    /// Successful exchanges.
    pub successes: u64,
    /// First exchange.
    pub first_seen: Nanos,
    /// Last exchange.
    pub last_seen: Nanos,
    /// Its host.
    pub host: HostSight,
    /// Now.
    pub now: Nanos,
}

/// Why an endpoint counts as retired at `time`; none when it does not.
#[must_use]
pub fn retired(facts: &Facts, time: Nanos, policy: &LifecyclePolicy) -> Option<&'static str> {
    let passed = |header: Option<i64>, grace: Nanos| {
        header.is_some_and(|at| at > 0 && time > at.saturating_mul(NANOS).saturating_add(grace))
    };
    if facts.removed {
        Some("it was removed from the current version of the specification")
    } else if facts.deprecated {
        Some("its specification marks it as deprecated")
    } else if passed(facts.sunset_header, policy.sunset_grace) {
        Some("the date in its Sunset header has passed")
    } else if passed(facts.deprecation_header, 0) || facts.deprecation_header == Some(0) {
        Some("its responses carry a Deprecation header")
    } else {
        None
    }
}

/// The label, and why in one sentence.
#[must_use]
pub fn label(case: &Case<'_>, policy: &LifecyclePolicy) -> (Lifecycle, String) {
    let facts = case.facts;
    if case.requests == 0 && !facts.documented_in.is_empty() {
        let names = facts.documented_in.join(", ");
        let reason = format!(
            "Described in {names}, and never seen in traffic while the host's coverage was good."
        );
        return (Lifecycle::Orphan, reason);
    }
    let silent = case.now.saturating_sub(case.last_seen);
    let is_silent = silent > policy.dormant_after;
    // What is lost is silent, too.
    let dormant = is_silent && case.host.complete >= policy.dormant_min_complete;
    if let Some(why) = retired(facts, case.last_seen, policy)
        && !dormant
        && case.successes > 0
    {
        return (
            Lifecycle::Zombie,
            format!("Still answers calls although {why}."),
        );
    }
    let documented = !facts.documented_in.is_empty() || facts.removed;
    if facts.covered_by_specification && !documented && case.successes > 0 && !dormant {
        let reason = "Answers calls, and is in none of the specifications that cover its host.";
        return (Lifecycle::Shadow, reason.to_owned());
    }
    if dormant {
        return (Lifecycle::Dormant, dormant_reason(case, silent, policy));
    }
    if documented {
        let reason = format!(
            "Described in {} and called.",
            facts.documented_in.join(", ")
        );
        return (Lifecycle::Documented, reason);
    }
    let age = case.now.saturating_sub(case.first_seen);
    let came_later = case.first_seen.saturating_sub(case.host.since) > policy.learning;
    if !facts.covered_by_specification && came_later && age <= policy.new_for {
        let reason = "First seen a short while ago on a host that was known before; no \
                      specification covers the host.";
        return (Lifecycle::New, reason.to_owned());
    }
    let reason = if facts.covered_by_specification {
        "Not in the specification that covers its host, and never answered with success."
    } else {
        "Called; no specification covers its host, so nothing more can be said."
    };
    (Lifecycle::Unclassified, reason.to_owned())
}

/// Why it is dormant; an endpoint that fell silent with everything else may only be out of sight.
fn dormant_reason(case: &Case<'_>, silent: Nanos, policy: &LifecyclePolicy) -> String {
    let days = silent / DAY;
    if case.now.saturating_sub(case.host.last_seen) > policy.dormant_after {
        format!(
            "No call for {days} days, and none to anything else on its host: perhaps it is only \
             mirrored no more."
        )
    } else {
        format!("No call for {days} days.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::HOUR;

    const T0: Nanos = 1_700_000_000 * NANOS;

    fn label_of(facts: &Facts, change: impl Fn(&mut Case<'_>)) -> Lifecycle {
        let mut case = Case {
            facts,
            requests: 10,
            successes: 9,
            first_seen: T0,
            last_seen: T0 + DAY,
            host: HostSight {
                since: T0,
                last_seen: T0 + DAY,
                complete: 1.0,
            },
            now: T0 + DAY,
        };
        change(&mut case);
        label(&case, &LifecyclePolicy::default()).0
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
            host: HostSight {
                since: T0,
                last_seen: T0,
                complete: 1.0,
            },
            now: T0 + 31 * DAY,
        };
        let policy = LifecyclePolicy::default();
        assert!(label(&case, &policy).1.contains("mirrored no more"));
        case.host.last_seen = case.now;
        assert_eq!(label(&case, &policy).1, "No call for 31 days.");
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
}
