//! What hangs on an endpoint's facts: its labels, its owner, how it differs from its specification.

use super::Entry;
use crate::inventory::lifecycle::{self, Case, HostSight, note_change};
use crate::inventory::owner::owner;
use crate::inventory::specification::coverage::Standing;
use crate::settings::AnalyzerSettings;
use crate::snapshot::{Drift, Nanos};

/// Exchanges between two comparisons with the specification at least.
const REVIEW_AFTER: u64 = 5;

impl Entry {
    /// Sets what specifications say of it.
    pub fn set_standing(&mut self, standing: Standing) {
        self.facts.covered_by_specification = standing.covered;
        self.facts.documented_in = standing.documented_in;
        self.facts.documented_template = standing.template;
        self.facts.deprecated = standing.deprecated;
        self.facts.removed = standing.removed;
        self.facts.removed_from = standing.removed_from;
        self.secured = standing.secured;
    }

    /// Computes the labels anew; true when anything of them changed.
    pub fn relabel(&mut self, host: HostSight, now: Nanos, settings: &AnalyzerSettings) -> bool {
        let owner = owner(&settings.owners, &self.at.host, &self.at.template);
        let case = Case {
            facts: &self.facts,
            requests: self.requests,
            successes: self.counts.successes,
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            drift: &self.profile.drift,
            owner: owner.as_ref(),
            owner_rules: settings.owners.len(),
            host,
            now,
        };
        let labels = lifecycle::labels(&case, &settings.lifecycle);
        let profile = &mut self.profile;
        let changed = labels != profile.labels || owner != profile.owner;
        if changed {
            let keep = (now, settings.inventory.max_label_changes);
            note_change(&mut profile.changes, &profile.labels, &labels, keep);
            if let Some(first) = labels.first() {
                self.lifecycle = first.label;
                self.reason.clone_from(&first.reason);
            }
            profile.labels = labels;
            profile.owner = owner;
        }
        changed
    }

    /// Whether enough exchanges came in to compare it with its specification again: each time by
    /// half as many more, so that it costs little and a difference is told soon.
    #[must_use]
    pub fn is_review_due(&self) -> bool {
        let compared = self.profile.compared;
        let more = self.requests.saturating_sub(compared);
        more >= REVIEW_AFTER.max(compared / 2) && self.is_comparable()
    }

    /// Whether there is something to compare, and more of it than last time.
    #[must_use]
    pub fn is_review_overdue(&self) -> bool {
        self.requests != self.profile.compared && self.is_comparable()
    }

    /// Whether a specification describes it, or did when it was last compared.
    fn is_comparable(&self) -> bool {
        let described = !self.facts.documented_in.is_empty();
        self.transport.is_none() && (described || !self.profile.drift.is_empty())
    }

    /// Has it compared at the next occasion.
    pub fn ask_for_review(&mut self) {
        self.profile.compared = 0;
    }

    /// Sets how its traffic differs from its specification.
    pub fn set_drift(&mut self, drift: Vec<Drift>) {
        self.profile.compared = self.requests;
        self.profile.drift = drift;
    }

    /// Takes over another one's history.
    pub(super) fn merge_changes(&mut self, other: &Self, cap: usize) {
        let changes = &mut self.profile.changes;
        changes.extend(other.profile.changes.iter().cloned());
        changes.sort_by_key(|change| change.at);
        let over = changes.len().saturating_sub(cap.max(1));
        changes.drain(..over);
    }
}
