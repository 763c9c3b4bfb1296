//! Operations: rows of their own under the endpoint that carries them, where method and path do
//! not say what a request asks for.
//!
//! An operation's exchanges are among its endpoint's; of a batch, each operation counts the exchange
//! once, its endpoint counts it once, and the host too. An operation is named by its endpoint's id
//! and its own name, so that it stays the same when the endpoint's template changes; it follows the
//! endpoint when that merges into another one, and goes with it.

use std::collections::{BTreeMap, BTreeSet};

use super::super::entry::Entry;
use super::super::exchange::Exchange;
use super::super::hash::hash;
use super::{Outcome, Partition};
use crate::settings::AnalyzerSettings;
use crate::snapshot::{EndpointId, EndpointRef, Nanos, OperationName};
use tapscope_record::Operation;

/// The row of the operations that found no row of their own.
const OTHERS: &str = "(other operations)";

/// The operations of each endpoint that has any.
#[derive(Debug, Default)]
pub(super) struct Operations(BTreeMap<EndpointId, BTreeSet<EndpointId>>);

impl Operations {
    /// Notes an operation of an endpoint.
    pub(super) fn add(&mut self, transport: EndpointId, id: EndpointId) {
        self.0.entry(transport).or_default().insert(id);
    }

    fn of(&self, transport: EndpointId) -> usize {
        self.0.get(&transport).map_or(0, BTreeSet::len)
    }

    fn take(&mut self, transport: EndpointId) -> BTreeSet<EndpointId> {
        self.0.remove(&transport).unwrap_or_default()
    }
}

impl Partition {
    /// Takes in what the exchange asks for, beside the endpoint that it was counted for.
    pub(super) fn observe_operations(
        &mut self,
        outcome: &mut Outcome,
        exchange: Exchange<'_>,
        (mut room, settings): (usize, &AnalyzerSettings),
    ) {
        let Some(transport) = outcome.endpoint else {
            return;
        };
        let record = exchange.record;
        for operation in record.operation.as_deref().into_iter().chain(&record.batch) {
            let Some(name) = name_of(operation) else {
                continue;
            };
            if self.is_named_by_template(transport, &name) {
                continue;
            }
            let before = self.entries.len();
            let Some(id) = self.operation(transport, name, record.time, (room, settings)) else {
                continue;
            };
            room = (room + before).saturating_sub(self.entries.len());
            let answer = self.update(id, exchange, settings);
            if outcome.operation.is_none() {
                outcome.operation = Some(id);
                outcome.operation_answer = answer;
            }
        }
    }

    /// Learns of the operations of an exchange that was held back; baselines do not.
    pub(super) fn learn_held_operations(
        &mut self,
        transport: EndpointId,
        exchange: Exchange<'_>,
        (mut room, settings): (usize, &AnalyzerSettings),
    ) {
        let record = exchange.record;
        for operation in record.operation.as_deref().into_iter().chain(&record.batch) {
            let name =
                name_of(operation).filter(|name| !self.is_named_by_template(transport, name));
            let Some(name) = name else {
                continue;
            };
            let before = self.entries.len();
            let Some(id) = self.operation(transport, name, record.time, (room, settings)) else {
                continue;
            };
            room = (room + before).saturating_sub(self.entries.len());
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.add_earlier(1, record.time, &settings.inventory);
                entry.learn_earlier(exchange, settings);
                self.changes.due.touch(id);
            }
        }
    }

    /// Whether the endpoint's path says already what is asked for, as gRPC's does; the endpoint's
    /// own row then bears the name.
    fn is_named_by_template(&mut self, transport: EndpointId, name: &OperationName) -> bool {
        let Some(entry) = self.entries.get_mut(&transport) else {
            return false;
        };
        if !name.style.starts_with("grpc") || !ends_with_path(&entry.at.template, &name.name) {
            return false;
        }
        if entry.at.operation.as_ref() != Some(name) {
            entry.at.operation = Some(name.clone());
            self.changes.due.insist(transport);
        }
        true
    }

    /// The row of an operation, made when there is none yet; none when there is no place for it.
    fn operation(
        &mut self,
        transport: EndpointId,
        mut name: OperationName,
        now: Nanos,
        (room, settings): (usize, &AnalyzerSettings),
    ) -> Option<EndpointId> {
        let mut id = operation_id(transport, &name);
        let is_full =
            self.operations.of(transport) >= settings.inventory.max_operations_per_endpoint;
        if is_full && !self.entries.contains_key(&id) {
            name.kind.clear();
            OTHERS.clone_into(&mut name.name);
            id = operation_id(transport, &name);
        }
        if self.entries.contains_key(&id) {
            return Some(id);
        }
        if room == 0 || self.entries.len() >= settings.inventory.max_endpoints_per_host {
            self.changes.refused = self.changes.refused.saturating_add(1);
            return None;
        }
        let carrier = self.entries.get(&transport)?;
        let at = EndpointRef {
            id,
            operation: Some(name),
            ..carrier.at.clone()
        };
        let mut entry = Entry::new(at, &settings.inventory);
        entry.transport = Some(transport);
        entry.confidence = carrier.confidence;
        self.entries.insert(id, Box::new(entry));
        self.operations.add(transport, id);
        self.changes.removed.remove(&id);
        self.changes.structure = true;
        self.restand(id, now, settings);
        self.changes.due.insist(id);
        Some(id)
    }

    /// Operations bear their endpoint's template.
    pub(super) fn redescribe_operations(
        &mut self,
        transport: EndpointId,
        now: Nanos,
        settings: &AnalyzerSettings,
    ) {
        let Some(carrier) = self.entries.get(&transport) else {
            return;
        };
        let (template, confidence) = (carrier.at.template.clone(), carrier.confidence);
        let ids = self.operations.0.get(&transport).cloned();
        for id in ids.unwrap_or_default() {
            let Some(entry) = self.entries.get_mut(&id) else {
                continue;
            };
            entry.confidence = confidence;
            if entry.at.template != template {
                entry.set_template(template.clone());
                self.changes.moves.renamed.push(id);
                self.changes.due.insist(id);
                self.restand(id, now, settings);
            }
        }
    }

    /// Makes a row of the operation that an endpoint's path named, when the template of `carrier`,
    /// which it is or which takes its place, does not name it any more.
    pub(super) fn spin_off_operation(
        &mut self,
        id: EndpointId,
        carrier: EndpointId,
        settings: &AnalyzerSettings,
    ) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let Some(name) = entry
            .at
            .operation
            .clone()
            .filter(|_| entry.transport.is_none())
        else {
            return;
        };
        let view = self.templates.describe(carrier);
        if view.is_none_or(|view| ends_with_path(&view.template, &name.name)) {
            return;
        }
        entry.at.operation = None;
        let mut operation = entry.clone();
        let row = operation_id(carrier, &name);
        if let Some(known) = self.entries.get_mut(&row) {
            known.merge(&mut operation, settings);
        } else {
            operation.transport = Some(carrier);
            operation.at.id = row;
            operation.at.operation = Some(name);
            self.entries.insert(row, operation);
            self.operations.add(carrier, row);
        }
        self.changes.structure = true;
        self.changes.due.insist(row);
    }

    /// Gives the operations of an endpoint that is no more to the one that takes its place.
    pub(super) fn move_operations(
        &mut self,
        gone: EndpointId,
        survivor: EndpointId,
        settings: &AnalyzerSettings,
    ) {
        let Some(carrier) = self.entries.get(&survivor).map(|entry| entry.at.clone()) else {
            self.remove_operations(gone);
            return;
        };
        for old in self.operations.take(gone) {
            let Some(mut entry) = self.entries.remove(&old) else {
                continue;
            };
            let Some(name) = entry.at.operation.clone() else {
                continue;
            };
            let id = operation_id(survivor, &name);
            self.changes.due.forget(old);
            if let Some(known) = self.entries.get_mut(&id) {
                known.merge(&mut entry, settings);
            } else {
                entry.transport = Some(survivor);
                entry.at = EndpointRef {
                    id,
                    operation: Some(name),
                    ..carrier.clone()
                };
                self.entries.insert(id, entry);
                self.operations.add(survivor, id);
            }
            self.changes.due.insist(id);
            self.changes.merged.push((old, id));
            self.changes.moves.merged.push((old, id));
            self.changes.structure = true;
        }
    }

    /// Operations go with their endpoint.
    pub(super) fn remove_operations(&mut self, transport: EndpointId) {
        for id in self.operations.take(transport) {
            if self.entries.remove(&id).is_some() {
                self.changes.due.forget(id);
                self.changes.removed.insert(id);
            }
        }
    }
}

/// Whether a path ends in `/NAME`.
fn ends_with_path(template: &str, name: &str) -> bool {
    template
        .strip_suffix(name)
        .is_some_and(|before| before.ends_with('/'))
}

/// The name of a row for an operation; a GraphQL operation without a name has that of its fields.
fn name_of(operation: &Operation) -> Option<OperationName> {
    let name = if operation.name.is_empty() {
        if operation.fields.is_empty() {
            return None;
        }
        format!("{{{}}}", operation.fields.join(", "))
    } else {
        operation.name.clone()
    };
    Some(OperationName {
        style: operation.style.clone(),
        kind: operation.kind.clone(),
        name,
    })
}

/// The id of an operation: of what carries it, and of its own name.
fn operation_id(transport: EndpointId, name: &OperationName) -> EndpointId {
    EndpointId(hash(&[
        b"operation",
        &transport.0.to_be_bytes(),
        name.style.as_bytes(),
        name.kind.as_bytes(),
        name.name.as_bytes(),
    ]))
}
