//! From facts to labels and the sentences that say why. Facts are stored, labels are computed
//! here and nowhere else.

use crate::inventory::date::{DAY_NANOS, day};
use crate::settings::LifecyclePolicy;
use crate::snapshot::profile::{LabelChange, LabelSnapshot, OwnerSnapshot};
use crate::snapshot::{Drift, Facts, Lifecycle, Nanos};

/// Nanoseconds of a second.
const NANOS: i64 = 1_000_000_000;

/// What is known of the host: whether silence means anything.
#[derive(Clone, Copy, Debug)]
pub struct HostSight {
    /// First exchange.
    pub since: Nanos,
    /// Last exchange.
    pub last_seen: Nanos,
    /// Exchanges.
    pub requests: u64,
    /// Share of its exchanges that was seen complete.
    pub complete: f64,
}

/// What labels are derived from.
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
    /// How traffic differs from the specification.
    pub drift: &'a [Drift],
    /// Who is responsible.
    pub owner: Option<&'a OwnerSnapshot>,
    /// Number of owner rules; without any nothing is said of owners.
    pub owner_rules: usize,
    /// Its host.
    pub host: HostSight,
    /// Now.
    pub now: Nanos,
}

/// What retires an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Retirement {
    /// A newer revision of its specification has it no more.
    Removed,
    /// Its specification marks it as deprecated.
    Deprecated,
    /// The date of its Sunset header is past.
    SunsetHeader,
    /// Its responses carry a Deprecation header.
    DeprecationHeader,
    /// A newer version of it answers calls.
    Superseded,
}

impl Retirement {
    /// All of them with their names in the configuration, in the order in which they are looked
    /// at.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Removed, "removed"),
        (Self::Deprecated, "deprecated"),
        (Self::SunsetHeader, "sunset_header"),
        (Self::DeprecationHeader, "deprecation_header"),
        (Self::Superseded, "superseded"),
    ];

    fn holds(self, facts: &Facts, time: Nanos, policy: &LifecyclePolicy) -> bool {
        let passed = |header: Option<i64>, grace: Nanos| {
            header.is_some_and(|at| at > 0 && time > at.saturating_mul(NANOS).saturating_add(grace))
        };
        match self {
            Self::Removed => facts.removed,
            Self::Deprecated => facts.deprecated,
            Self::SunsetHeader => passed(facts.sunset_header, policy.sunset_grace),
            Self::DeprecationHeader => {
                passed(facts.deprecation_header, 0) || facts.deprecation_header == Some(0)
            }
            // What a specification describes beside its newer version is meant to be there.
            Self::Superseded => {
                facts.superseded_by.is_some()
                    && facts.documented_in.is_empty()
                    && time.saturating_sub(facts.superseded_since) >= policy.superseded_grace
            }
        }
    }

    /// The fact, as the end of "… although".
    #[must_use]
    pub fn why(self, facts: &Facts) -> String {
        let documents = || facts.documented_in.join(", ");
        match self {
            Self::Removed => match &facts.removed_from {
                Some(name) => format!("the current revision of {name} has it no more"),
                None => "it was removed from the current version of the specification".to_owned(),
            },
            Self::Deprecated => format!("{} marks it as deprecated", documents()),
            Self::SunsetHeader => {
                let at = facts.sunset_header.unwrap_or_default();
                let date = day(at.saturating_mul(NANOS));
                format!("the date in its Sunset header, {date}, has passed")
            }
            Self::DeprecationHeader => match facts.deprecation_header {
                Some(at) if at > 0 => {
                    let date = day(at.saturating_mul(NANOS));
                    format!("its Deprecation header says that it is deprecated since {date}")
                }
                _ => "its responses carry a Deprecation header".to_owned(),
            },
            Self::Superseded => format!(
                "a newer version of it answers calls since {}: {}",
                day(facts.superseded_since),
                facts.superseded_by.as_deref().unwrap_or_default()
            ),
        }
    }
}

/// What retires an endpoint at `time`; none when nothing does.
#[must_use]
pub fn retired(facts: &Facts, time: Nanos, policy: &LifecyclePolicy) -> Option<Retirement> {
    let mut counted = policy.retired_by.iter();
    counted.find(|one| one.holds(facts, time, policy)).copied()
}

/// The labels that hold, the weightiest first, each with its reason. There is always one.
#[must_use]
pub fn labels(case: &Case<'_>, policy: &LifecyclePolicy) -> Vec<LabelSnapshot> {
    let (first, reason) = first(case, policy);
    let mut labels = vec![LabelSnapshot {
        label: first,
        reason,
    }];
    let mut add = |label: Lifecycle, reason: Option<String>| {
        if let Some(reason) = reason
            && label != first
        {
            labels.push(LabelSnapshot { label, reason });
        }
    };
    add(Lifecycle::Drifted, drifted(case, policy));
    add(Lifecycle::New, new(case, policy));
    add(Lifecycle::Unowned, unowned(case));
    labels
}

/// The label that says most.
fn first(case: &Case<'_>, policy: &LifecyclePolicy) -> (Lifecycle, String) {
    let facts = case.facts;
    if case.requests == 0 && !facts.documented_in.is_empty() {
        return (Lifecycle::Orphan, orphan_reason(case));
    }
    let silent = case.now.saturating_sub(case.last_seen);
    let is_silent = silent > policy.dormant_after;
    // What is lost is silent, too.
    let dormant = is_silent && case.host.complete >= policy.dormant_min_complete;
    if let Some(why) = retired(facts, case.last_seen, policy)
        && !dormant
        && case.successes > 0
    {
        let why = why.why(facts);
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
    if let Some(reason) = drifted(case, policy) {
        return (Lifecycle::Drifted, reason);
    }
    if documented {
        let names = facts.documented_in.join(", ");
        let reason = match names.is_empty() {
            true => "Was described by an older revision of its specification.".to_owned(),
            false => format!("Described in {names} and called."),
        };
        return (Lifecycle::Documented, reason);
    }
    if !facts.covered_by_specification
        && let Some(reason) = new(case, policy)
    {
        return (Lifecycle::New, reason);
    }
    if let Some(reason) = unowned(case).filter(|_| !facts.covered_by_specification) {
        return (Lifecycle::Unowned, reason);
    }
    let reason = if facts.covered_by_specification {
        "Not in the specification that covers its host, and never answered with success."
    } else {
        "Called; no specification covers its host, so nothing more can be said."
    };
    (Lifecycle::Unclassified, reason.to_owned())
}

fn orphan_reason(case: &Case<'_>) -> String {
    format!(
        "Described in {}, and never seen among {} exchanges of its host, {:.0} % of them seen \
         complete.",
        case.facts.documented_in.join(", "),
        case.host.requests,
        case.host.complete * 100.0
    )
}

/// Why it counts as different from its specification, if it does.
fn drifted(case: &Case<'_>, policy: &LifecyclePolicy) -> Option<String> {
    let breaking = case.drift.iter().filter(|one| one.is_breaking()).count();
    let counted = match policy.drifted_breaking_only {
        true => breaking,
        false => case.drift.len(),
    };
    if counted < policy.drifted_min_differences.max(1) || case.facts.documented_in.is_empty() {
        return None;
    }
    let worst = case.drift.iter().find(|one| one.is_breaking());
    let example = worst.or(case.drift.first())?.sentence();
    let names = case.facts.documented_in.first()?;
    let parts = match (case.drift.len(), breaking) {
        (1, 0) => "in one point".to_owned(),
        (1, _) => "in one point that breaks what is built on it".to_owned(),
        (all, 0) => format!("in {all} points, for example"),
        (all, breaking) => format!("in {all} points, {breaking} of them breaking, for example"),
    };
    Some(format!(
        "Its traffic differs from {names} {parts}: {example}."
    ))
}

/// Why it counts as new, if it does.
fn new(case: &Case<'_>, policy: &LifecyclePolicy) -> Option<String> {
    let age = case.now.saturating_sub(case.first_seen);
    let came_later = case.first_seen.saturating_sub(case.host.since) > policy.learning;
    (case.requests > 0 && came_later && age <= policy.new_for).then(|| {
        format!(
            "First seen on {}, on a host that is known since {}.",
            day(case.first_seen),
            day(case.host.since)
        )
    })
}

/// Why it counts as nobody's, if it does: what never answered may be nothing at all.
fn unowned(case: &Case<'_>) -> Option<String> {
    let exists = case.successes > 0 || !case.facts.documented_in.is_empty();
    (case.owner_rules > 0 && case.owner.is_none() && exists).then(|| {
        format!(
            "None of the {} owner rules holds for its host and path.",
            case.owner_rules
        )
    })
}

/// Why it is dormant; an endpoint that fell silent with everything else may only be out of sight.
fn dormant_reason(case: &Case<'_>, silent: Nanos, policy: &LifecyclePolicy) -> String {
    let days = silent / DAY_NANOS;
    let last = day(case.last_seen);
    if case.now.saturating_sub(case.host.last_seen) > policy.dormant_after {
        format!(
            "No call for {days} days, since {last}, and none to anything else on its host: \
             perhaps it is only mirrored no more."
        )
    } else {
        format!("No call for {days} days, since {last}, while its host was seen.")
    }
}

/// Notes in `history` what came and went between `before` and `after`; at most `cap` moments are
/// kept, the latest ones.
pub fn note_change(
    history: &mut Vec<LabelChange>,
    before: &[LabelSnapshot],
    after: &[LabelSnapshot],
    (at, cap): (Nanos, usize),
) {
    let missing = |of: &[LabelSnapshot], from: &[LabelSnapshot]| -> Vec<Lifecycle> {
        let names = of.iter().map(|one| one.label);
        names
            .filter(|label| !from.iter().any(|one| one.label == *label))
            .collect()
    };
    let mut change = LabelChange {
        at,
        gained: missing(after, before),
        lost: missing(before, after),
        reason: after
            .first()
            .map(|one| one.reason.clone())
            .unwrap_or_default(),
    };
    if change.gained.is_empty() && change.lost.is_empty() {
        return;
    }
    // What comes and goes within one moment was never to be seen.
    if let Some(last) = history.last().filter(|last| last.at == at).cloned() {
        history.pop();
        let gained = core::mem::take(&mut change.gained);
        let lost = core::mem::take(&mut change.lost);
        let without = |list: &[Lifecycle], other: &[Lifecycle]| -> Vec<Lifecycle> {
            let kept = list.iter().filter(|label| !other.contains(label));
            kept.copied().collect()
        };
        change.gained = without(&last.gained, &lost);
        change.gained.extend(without(&gained, &last.lost));
        change.lost = without(&last.lost, &gained);
        change.lost.extend(without(&lost, &last.gained));
        if change.gained.is_empty() && change.lost.is_empty() {
            return;
        }
    }
    history.push(change);
    let over = history.len().saturating_sub(cap.max(1));
    history.drain(..over);
}

#[cfg(test)]
mod tests;
