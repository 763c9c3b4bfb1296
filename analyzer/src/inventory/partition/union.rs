//! Hosts that prove to be one service: what was learned of each becomes one partition's.

use super::Partition;
use crate::endpoint::HostTemplates;
use crate::settings::AnalyzerSettings;
use crate::snapshot::{EndpointId, Nanos};

impl Partition {
    /// The templates, as far as they are learned.
    #[must_use]
    pub fn templates(&self) -> &HostTemplates {
        &self.templates
    }

    /// What is known of the host beside its exchanges changed.
    pub fn touch(&mut self) {
        self.changes.host = true;
    }

    /// Takes over what was learned of another host. Endpoints keep their ids; of those that both
    /// have, the other's leads to this one's. [`settle_union`](Self::settle_union) concludes it.
    pub fn absorb(&mut self, mut other: Self, settings: &AnalyzerSettings) {
        for id in core::mem::take(&mut other.coverage.orphans) {
            // Whether it was never seen is asked of all hosts together.
            other.remove(id);
        }
        self.add_totals(&other);
        self.identities
            .merge(&other.identities, &settings.identities);
        let ours = &mut self.changes;
        let theirs = other.changes;
        ours.merged.extend(theirs.merged);
        ours.removed.extend(theirs.removed);
        ours.moves.merged.extend(theirs.moves.merged);
        ours.moves.renamed.extend(theirs.moves.renamed);
        ours.refused = ours.refused.saturating_add(theirs.refused);
        ours.placed = ours.placed.saturating_add(theirs.placed);
        ours.withdrawn = ours.withdrawn.saturating_add(theirs.withdrawn);
        ours.held |= theirs.held;
        ours.freshly_placed |= theirs.freshly_placed;
        ours.host = true;
        ours.structure = true;
        let merged = self.templates.absorb(other.templates);
        let mut ids: Vec<EndpointId> = other.entries.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            let Some(mut entry) = other.entries.remove(&id) else {
                continue;
            };
            entry.at.host.clone_from(&self.host);
            if let Some(transport) = entry.transport {
                self.operations.add(transport, id);
            }
            self.changes.removed.remove(&id);
            self.changes.due.insist(id);
            self.changes.moves.renamed.push(id);
            self.entries.insert(id, entry);
        }
        for (gone, survivor) in merged {
            self.merge(gone, survivor, self.totals.last_seen, settings);
        }
    }

    fn add_totals(&mut self, other: &Self) {
        let (ours, theirs) = (&mut self.totals, other.totals);
        if theirs.requests == 0 {
            return;
        }
        ours.first_seen = match ours.requests {
            0 => theirs.first_seen,
            _ => ours.first_seen.min(theirs.first_seen),
        };
        ours.last_seen = ours.last_seen.max(theirs.last_seen);
        // Which minutes they share is not known: at least those of the busier one.
        ours.minutes = ours.minutes.max(theirs.minutes);
        ours.requests = ours.requests.saturating_add(theirs.requests);
        ours.complete = ours.complete.saturating_add(theirs.complete);
        ours.successes = ours.successes.saturating_add(theirs.successes);
        ours.authenticated = ours.authenticated.saturating_add(theirs.authenticated);
        for server in &other.servers {
            if self.servers.len() < super::SERVERS_MAX {
                self.servers.insert(*server);
            }
        }
    }

    /// Decides on the templates of all hosts together, and follows.
    pub fn settle_union(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        self.relabelled = self.relabelled.max(now);
        self.templates.settle_union();
        self.apply_events(now, usize::MAX, None, settings);
        // Where their evidence is was not known when they were taken over.
        for (id, entry) in &mut self.entries {
            if let Some(view) = self.templates.describe(*id) {
                entry.describe(view);
            }
        }
        self.coverage.adopted = self.is_adopted(settings);
        self.apply_coverage(now, settings);
    }
}
