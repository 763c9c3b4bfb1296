//! A host as plain data, and back.

use std::collections::{BTreeSet, HashMap};

use super::operations::Operations;
use super::{HostCoverage, Partition, PartitionChanges, Totals};
use crate::endpoint::HostTemplates;
use crate::inventory::entry::Entry;
use crate::inventory::identity::Identities;
use crate::inventory::tags::tags;
use crate::settings::AnalyzerSettings;
use crate::snapshot::state::HostState;
use crate::snapshot::{
    Changes, EndpointCount, EndpointId, EndpointSnapshot, HostSnapshot, Lifecycle,
};

impl Partition {
    /// Goes on from plain data: the host, when it was saved, and its endpoints.
    #[must_use]
    pub fn restore(
        host: &str,
        snapshot: Option<HostSnapshot>,
        endpoints: Vec<EndpointSnapshot>,
        settings: &AnalyzerSettings,
    ) -> Self {
        let saved = snapshot.as_ref().and_then(|one| one.identity.as_ref());
        let identities = saved.map(Identities::restore).unwrap_or_default();
        let (requests, complete, state) = match snapshot {
            Some(saved) => (saved.requests, saved.complete, saved.state),
            None => (0, 0, serde_json::Value::Null),
        };
        let state: HostState = serde_json::from_value(state).unwrap_or_default();
        let mut orphans = BTreeSet::new();
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
        let mut operations = Operations::default();
        for endpoint in endpoints {
            if let Some(transport) = endpoint.transport {
                operations.add(transport, endpoint.id);
                entries.insert(endpoint.id, Box::new(Entry::restore(endpoint, settings)));
                continue;
            }
            if endpoint.requests == 0 && endpoint.lifecycle == Lifecycle::Orphan {
                orphans.insert(endpoint.id);
            } else {
                let name = (endpoint.method.clone(), endpoint.template.clone());
                learned.push((endpoint.id, name.0, name.1));
                totals.last_seen = totals.last_seen.max(endpoint.last_seen);
            }
            sum = sum.saturating_add(endpoint.requests);
            entries.insert(endpoint.id, Box::new(Entry::restore(endpoint, settings)));
        }
        // Endpoints are saved more often than hosts: after a crash they know of more.
        totals.requests = totals.requests.max(sum);
        Self {
            host: host.to_owned(),
            servers: state.servers.iter().copied().collect(),
            identities,
            templates: HostTemplates::restore(
                host,
                &settings.templates,
                &state.templates,
                &learned,
            ),
            entries,
            operations,
            coverage: HostCoverage {
                orphans,
                ..HostCoverage::default()
            },
            totals,
            changes: PartitionChanges::default(),
            relabelled: totals.last_seen,
            compared: 0,
        }
    }

    /// Whether endpoints came, went or changed their name since the changes were taken.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.changes.structure
    }

    /// Whether endpoints wait to be taken.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.changes.due.is_empty()
    }

    /// Adds what changed to `changes`: all endpoints that are new or changed their name, as many of
    /// the others as there is `room` for (the counters of the rest), and the host's own state when that is due.
    /// Where `all` is taken, part by part, the new ones are no more than there is room for either.
    pub fn take_changes(
        &mut self,
        changes: &mut Changes,
        all: bool,
        room: &mut usize,
        settings: &AnalyzerSettings,
    ) {
        let PartitionChanges { due, merged, .. } = &mut self.changes;
        let names = if all {
            let mut names = due.take_part(room);
            // What outlives another one goes with it: without a later part, neither would be left.
            for (_, survivor) in &*merged {
                due.forget(*survivor);
                names.insert(*survivor);
            }
            names
        } else {
            due.take(room)
        };
        self.take_endpoints(changes, names, settings);
        let ours = &mut self.changes;
        // What is flushed has its turn at once.
        let waiting = ours.due.waiting().filter(|_| !all);
        let entries = waiting.filter_map(|id| self.entries.get(&id));
        changes.counts.extend(entries.map(|entry| EndpointCount {
            id: entry.at.id,
            requests: entry.requests,
            last_seen: entry.last_seen,
        }));
        if self.changes.host && (all || self.is_state_due(settings)) {
            self.changes.host = false;
            self.changes.state_saved = self.totals.last_seen;
            self.changes.state_requests = self.totals.requests;
            changes.hosts.push(self.snapshot());
        }
    }

    /// Adds what must not be lost of what changed: endpoints that are new or changed their name.
    pub fn take_urgent_changes(&mut self, changes: &mut Changes, settings: &AnalyzerSettings) {
        let names = self.changes.due.take(&mut 0);
        self.take_endpoints(changes, names, settings);
    }

    /// Adds these endpoints, and what became of others.
    fn take_endpoints(
        &mut self,
        changes: &mut Changes,
        names: BTreeSet<EndpointId>,
        settings: &AnalyzerSettings,
    ) {
        let ours = &mut self.changes;
        for id in names {
            if let Some(entry) = self.entries.get_mut(&id) {
                let mut snapshot = entry.snapshot(&settings.inventory);
                snapshot.profile.tags = tags(&snapshot, &settings.tags);
                changes.endpoints.push(snapshot);
            }
        }
        changes.merged.append(&mut ours.merged);
        changes.removed.extend(core::mem::take(&mut ours.removed));
        changes.urgent |= core::mem::take(&mut ours.structure);
    }

    /// Whether the host's own state is to be saved: it is large, and what it has beyond the
    /// endpoints is evidence that builds up again. So it waits for some time, and for exchanges
    /// in proportion to its size.
    fn is_state_due(&self, settings: &AnalyzerSettings) -> bool {
        let settings = &settings.inventory;
        let since = self
            .totals
            .last_seen
            .saturating_sub(self.changes.state_saved);
        let more = self
            .totals
            .requests
            .saturating_sub(self.changes.state_requests);
        let size = self.templates.state_rows() as u64;
        since >= settings.host_state_interval
            && more.saturating_mul(settings.host_state_nodes_per_exchange) >= size
    }

    fn snapshot(&self) -> HostSnapshot {
        let totals = self.totals;
        let state = HostState {
            first_seen: totals.first_seen,
            last_seen: totals.last_seen,
            minutes: totals.minutes,
            successes: totals.successes,
            authenticated: totals.authenticated,
            servers: self.servers.iter().copied().collect(),
            templates: self.templates.state(),
        };
        HostSnapshot {
            host: self.host.clone(),
            requests: totals.requests,
            complete: totals.complete,
            candidates: self.templates.candidates(),
            tenants: None,
            identity: self.identities.snapshot(),
            waiting: self.templates.waiting(),
            state: serde_json::to_value(state).unwrap_or_default(),
        }
    }
}
