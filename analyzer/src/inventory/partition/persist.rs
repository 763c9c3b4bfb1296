//! A host as plain data, and back.

use std::collections::HashMap;

use super::{HostCoverage, Partition, PartitionChanges, Totals};
use crate::endpoint::HostTemplates;
use crate::inventory::entry::Entry;
use crate::settings::AnalyzerSettings;
use crate::snapshot::state::HostState;
use crate::snapshot::{Changes, EndpointSnapshot, HostSnapshot, Lifecycle};

impl Partition {
    /// Goes on from plain data: the host, when it was saved, and its endpoints.
    #[must_use]
    pub fn restore(
        host: &str,
        snapshot: Option<HostSnapshot>,
        endpoints: Vec<EndpointSnapshot>,
        settings: &AnalyzerSettings,
    ) -> Self {
        let (requests, complete, state) = match snapshot {
            Some(saved) => (saved.requests, saved.complete, saved.state),
            None => (0, 0, serde_json::Value::Null),
        };
        let state: HostState = serde_json::from_value(state).unwrap_or_default();
        let mut orphans = std::collections::BTreeSet::new();
        let mut learned = Vec::new();
        let mut entries = HashMap::default();
        let mut totals = Totals {
            first_seen: state.first_seen,
            last_seen: state.last_seen,
            minutes: state.minutes,
            requests,
            complete,
            successes: state.successes,
            authenticated: state.authenticated,
        };
        let mut sum = 0_u64;
        for endpoint in endpoints {
            if endpoint.requests == 0 && endpoint.lifecycle == Lifecycle::Orphan {
                orphans.insert(endpoint.id);
            } else {
                let name = (endpoint.method.clone(), endpoint.template.clone());
                learned.push((endpoint.id, name.0, name.1));
                totals.last_seen = totals.last_seen.max(endpoint.last_seen);
            }
            sum = sum.saturating_add(endpoint.requests);
            entries.insert(endpoint.id, Entry::restore(endpoint, settings));
        }
        // Endpoints are saved more often than hosts: after a crash they know of more.
        totals.requests = totals.requests.max(sum);
        Self {
            host: host.to_owned(),
            templates: HostTemplates::restore(
                host,
                &settings.templates,
                &state.templates,
                &learned,
            ),
            entries,
            coverage: HostCoverage {
                orphans,
                ..HostCoverage::default()
            },
            totals,
            changes: PartitionChanges::default(),
            relabelled: totals.last_seen,
        }
    }

    /// Whether endpoints came, went or changed their name since the changes were taken.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.changes.structure
    }

    /// Adds what changed to `changes`. The host's own state is large: it is in it when `all` is
    /// asked for, when endpoints came or went, or when it was not saved for a while.
    pub fn take_changes(&mut self, changes: &mut Changes, all: bool, settings: &AnalyzerSettings) {
        let ours = &mut self.changes;
        for id in core::mem::take(&mut ours.dirty) {
            if let Some(entry) = self.entries.get(&id) {
                changes.endpoints.push(entry.snapshot(&settings.inventory));
            }
        }
        changes.merged.append(&mut ours.merged);
        changes.removed.extend(core::mem::take(&mut ours.removed));
        let structure = core::mem::take(&mut ours.structure);
        changes.urgent |= structure;
        let since = self.totals.last_seen.saturating_sub(ours.state_saved);
        let due = since >= settings.inventory.host_state_interval;
        if ours.host && (all || structure || due) {
            ours.host = false;
            ours.state_saved = self.totals.last_seen;
            changes.hosts.push(self.snapshot());
        }
    }

    fn snapshot(&self) -> HostSnapshot {
        let totals = self.totals;
        let state = HostState {
            first_seen: totals.first_seen,
            last_seen: totals.last_seen,
            minutes: totals.minutes,
            successes: totals.successes,
            authenticated: totals.authenticated,
            templates: self.templates.state(),
        };
        HostSnapshot {
            host: self.host.clone(),
            requests: totals.requests,
            complete: totals.complete,
            candidates: self.templates.candidates(),
            state: serde_json::to_value(state).unwrap_or_default(),
        }
    }
}
