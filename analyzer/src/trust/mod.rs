//! Can this feed be trusted? One answer from one health report: what is missing, what that costs,
//! where it comes from, and what to do about it. The command line, the API and the page show the
//! same answer, for they ask the same function.

mod feeds;

mod sources;

mod stages;

use tapscope_record::{FeedHealth, HealthReport};

/// Fewer than this say nothing: one lost packet of ten is no bad feed.
const SAMPLE_MIN: u64 = 50;

/// How good what the sensor sees is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// No traffic has been seen yet, so nothing can be said.
    Unknown,
    /// Next to everything is seen; findings and lifecycles rest on firm ground.
    Good,
    /// Part is missing; what is shown is right, what is absent may be a blind spot.
    Degraded,
    /// So much is missing that the inventory must not be taken for complete.
    Poor,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    /// Which, for scripts.
    pub kind: &'static str,
    /// How bad it makes the feed.
    pub state: State,
    /// Where, when it is not everywhere alike: an interface, a VLAN, a virtual network.
    pub feed: Option<String>,
    /// How much of what it is measured in is concerned, 0 to 1.
    pub share: f64,
    /// Estimated share of all exchanges that it hides or spoils, 0 to 1: the order of the reasons.
    pub damage: f64,
    /// What is wrong, in one sentence.
    pub sentence: String,
    /// What to do about it, in one sentence.
    pub remedy: String,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// How good the feed is.
    pub state: State,
    /// What is wrong, the most damaging first; empty when nothing is.
    pub reasons: Vec<Reason>,
}

impl Verdict {
    /// The answer in sentences, one a reason; one that says so when nothing is wrong.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        if !self.reasons.is_empty() {
            let both = |reason: &Reason| format!("{} {}", reason.sentence, reason.remedy);
            return self.reasons.iter().map(both).collect();
        }
        let sentence = if self.state == State::Unknown {
            "No traffic was seen yet: check the interface, the mirror and the filter."
        } else {
            "Nothing notable is missing from what the sensor sees."
        };
        vec![sentence.to_owned()]
    }
}

/// The answer for a report.
#[must_use]
pub fn verdict(report: &HealthReport) -> Verdict {
    let mut reasons = sources::check(report);
    reasons.extend(feeds::check(report));
    reasons.extend(stages::check(report));
    // The kind breaks ties, so that equal reports give equal answers.
    reasons.sort_by(|a, b| {
        let by_damage = b.damage.total_cmp(&a.damage);
        let by_state = b.state.cmp(&a.state);
        by_state.then(by_damage).then(a.kind.cmp(b.kind))
    });
    let any_traffic = report.sources.iter().any(|source| source.packets > 0)
        || report.feeds.iter().any(|feed| feed.counters.segments > 0);
    let state = match reasons.first() {
        Some(worst) => worst.state,
        None if any_traffic => State::Good,
        None => State::Unknown,
    };
    Verdict { state, reasons }
}

/// A share of something bad from which the feed is degraded, and from which it is poor.
#[derive(Clone, Copy, Debug)]
struct Limits {
    degraded: f64,
    poor: f64,
}

impl Limits {
    /// What a share of `part` in `whole` makes of the feed; none when it is harmless or rests on
    /// too little.
    fn judge(self, part: u64, whole: u64) -> Option<(State, f64)> {
        if whole < SAMPLE_MIN {
            return None;
        }
        let share = crate::inventory::share(part, whole);
        if share >= self.poor {
            Some((State::Poor, share))
        } else if share >= self.degraded {
            Some((State::Degraded, share))
        } else {
            None
        }
    }
}

/// A feed by its name: `eth1, VLAN 12, vxlan:42`.
#[must_use]
pub fn feed_name(feed: &FeedHealth) -> String {
    let vlan = feed.vlan.map(|vlan| format!(", VLAN {vlan}"));
    let network = feed.network.as_ref().map(|network| format!(", {network}"));
    format!(
        "{}{}{}",
        feed.source,
        vlan.unwrap_or_default(),
        network.unwrap_or_default()
    )
}

/// A share for people: one decimal where it matters.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
mod tests;
