//! Documented operations that were never seen: rows without traffic, made only when "never seen"
//! says something, that is after enough traffic with little loss.

use std::collections::BTreeSet;

use super::super::entry::Entry;
use super::super::hash::hash;
use super::super::share;
use super::Partition;
use crate::settings::AnalyzerSettings;
use crate::snapshot::{EndpointId, EndpointRef, Nanos};

impl Partition {
    /// Makes the rows that are missing, once the host has been seen enough.
    pub(super) fn settle_orphans(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        let policy = &settings.lifecycle;
        let seen = share(self.totals.complete, self.totals.requests);
        if self.coverage.orphans_settled
            || self.totals.requests < policy.orphan_min_requests
            || seen < policy.orphan_min_complete
        {
            return;
        }
        self.coverage.orphans_settled = true;
        let known: BTreeSet<(String, String)> = self
            .entries
            .values()
            .filter_map(|entry| {
                let template = entry.facts.documented_template.clone()?;
                Some((entry.at.method.clone(), template))
            })
            .collect();
        for (method, template) in self.coverage.expected() {
            if self.entries.len() >= settings.inventory.max_endpoints_per_host {
                self.changes.refused = self.changes.refused.saturating_add(1);
                continue;
            }
            let id = orphan_id(&self.host, &method, &template);
            if known.contains(&(method.clone(), template.clone())) {
                continue;
            }
            let at = EndpointRef {
                id,
                method,
                host: self.host.clone(),
                template,
                operation: None,
            };
            let mut entry = Entry::new(at, &settings.inventory);
            entry.confidence = 1.0;
            self.entries.insert(id, Box::new(entry));
            self.coverage.orphans.insert(id);
            self.changes.structure = true;
            self.restand(id, now, settings);
            self.changes.due.insist(id);
        }
    }

    /// Removes the rows whose operation no specification describes any more.
    pub(super) fn withdraw_orphans(&mut self) {
        let documented: BTreeSet<(String, String)> = self.coverage.expected().into_iter().collect();
        for id in self.coverage.orphans.clone() {
            let described = self.entries.get(&id).is_some_and(|entry| {
                documented.contains(&(entry.at.method.clone(), entry.at.template.clone()))
            });
            if !described {
                self.coverage.orphans.remove(&id);
                self.remove(id);
            }
        }
    }

    /// An endpoint of traffic takes the place of the orphan whose operation it is.
    pub(super) fn absorb_orphan(&mut self, id: EndpointId) {
        if self.coverage.orphans.is_empty() || self.coverage.orphans.contains(&id) {
            return;
        }
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        let Some(template) = &entry.facts.documented_template else {
            return;
        };
        let orphan = orphan_id(&self.host, &entry.at.method, template);
        if orphan != id && self.coverage.orphans.remove(&orphan) {
            self.entries.remove(&orphan);
            self.changes.due.forget(orphan);
            self.changes.merged.push((orphan, id));
            self.changes.moves.merged.push((orphan, id));
            self.changes.due.insist(id);
            self.changes.structure = true;
        }
    }
}

/// The name of a documented operation that was never seen.
fn orphan_id(host: &str, method: &str, template: &str) -> EndpointId {
    let parts = [host, method, template].map(str::as_bytes);
    EndpointId(hash(&[b"orphan", parts[0], parts[1], parts[2]]))
}
