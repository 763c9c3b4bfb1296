//! The endpoints and their names for good; turns changed decisions into events.

use std::collections::{BTreeMap, BTreeSet};

use super::TemplateEvent;
use super::evidence::NodeId;
use super::knowledge::Map;
use crate::snapshot::EndpointId;

/// An endpoint as the registry keeps it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) method: String,
    pub(super) template: String,
    pub(super) parameters: Vec<String>,
    pub(super) confidence: f64,
    pub(super) first_seen: i64,
    /// Raw nodes its evidence is at, a few of them; for examples.
    pub(super) nodes: Vec<NodeId>,
}

/// One group of evidence that a decision makes one endpoint.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) entry: Entry,
    /// Sightings held back until now.
    pub(super) earlier: u64,
    /// Endpoints the evidence belonged to so far; most often one.
    pub(super) before: Vec<Before>,
}

/// An endpoint that evidence belonged to so far.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    pub(super) id: EndpointId,
    /// Sightings of the evidence.
    pub(super) seen: u64,
    /// Sightings the endpoint was told of.
    pub(super) counted: u64,
}

impl Group {
    /// Evidence that belonged to an endpoint so far.
    pub(super) fn note(&mut self, before: Before) {
        match self.before.last_mut() {
            Some(last) if last.id == before.id => last.add(before),
            None => self.before = vec![before],
            Some(_) => self.before.push(before),
        }
    }

    /// How much of the evidence belonged to an endpoint so far.
    fn seen_of(&self, id: EndpointId) -> u64 {
        let known = self.before.iter().find(|before| before.id == id);
        known.map_or(0, |before| before.seen)
    }

    /// All evidence was noted: each endpoint stands in it once, in order.
    pub(super) fn close(&mut self) {
        if self.before.len() < 2 {
            return;
        }
        self.before.sort_unstable_by_key(|before| before.id);
        self.before.dedup_by(|next, kept| {
            let is_same = next.id == kept.id;
            if is_same {
                kept.add(*next);
            }
            is_same
        });
    }
}

impl Before {
    fn add(&mut self, more: Self) {
        self.seen += more.seen;
        self.counted += more.counted;
    }
}

/// All endpoints of a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Registry {
    pub(super) entries: BTreeMap<EndpointId, Entry>,
    /// By the hash of method and template; it is looked at at every decision, for every endpoint.
    by_template: Map<u64, EndpointId>,
    pub(super) events: Vec<TemplateEvent>,
}

fn name_of(method: &str, template: &str) -> u64 {
    super::hash_parts(&[method, template])
}

/// A change of confidence smaller than this is no event.
const NOTABLE: f64 = 0.2;

impl Registry {
    pub(super) fn find(&self, method: &str, template: &str) -> Option<EndpointId> {
        let id = *self.by_template.get(&name_of(method, template))?;
        let is_it = |entry: &Entry| entry.method == method && entry.template == template;
        if self.entries.get(&id).is_some_and(is_it) {
            return Some(id);
        }
        // Another one has the same hash.
        let mut all = self.entries.iter();
        all.find(|(_, entry)| is_it(entry)).map(|(id, _)| *id)
    }

    /// Adds an endpoint that is known from before.
    pub(super) fn restore(&mut self, id: EndpointId, entry: Entry) {
        let name = name_of(&entry.method, &entry.template);
        self.by_template.insert(name, id);
        self.entries.insert(id, entry);
    }

    /// Lets an endpoint go that proved to be another one.
    pub(super) fn forget(&mut self, id: EndpointId) {
        if let Some(entry) = self.entries.remove(&id) {
            let name = name_of(&entry.method, &entry.template);
            self.by_template.remove(&name);
        }
    }

    /// Endpoints known from before of which nothing has been seen since.
    pub(super) fn without_evidence(&self) -> BTreeSet<EndpointId> {
        self.entries
            .iter()
            .filter(|(_, e)| e.nodes.is_empty())
            .map(|(id, _)| *id)
            .collect()
    }

    /// Makes a new endpoint.
    pub(super) fn create(&mut self, host: &str, entry: Entry, earlier: u64) -> EndpointId {
        let mut id = EndpointId(super::hash_parts(&[host, &entry.method, &entry.template]));
        let mut n = 0_u64;
        while self.entries.contains_key(&id) {
            n += 1;
            id = EndpointId(super::mix(id.0.wrapping_add(n)));
        }
        self.events.push(TemplateEvent::Created {
            id,
            method: entry.method.clone(),
            template: entry.template.clone(),
            confidence: entry.confidence,
            earlier,
            first_seen: entry.first_seen,
        });
        self.restore(id, entry);
        id
    }

    /// Tells a known endpoint of sightings that were held back.
    pub(super) fn recognize(&mut self, id: EndpointId, earlier: u64, first_seen: i64) {
        if earlier > 0 {
            self.events.push(TemplateEvent::Recognized {
                id,
                earlier,
                first_seen,
            });
        }
    }

    /// Takes the groups of a whole decision and gives each its endpoint. Endpoints in `kept`
    /// stay although no group is theirs.
    pub(super) fn assign(
        &mut self,
        host: &str,
        groups: Vec<Group>,
        kept: &BTreeSet<EndpointId>,
    ) -> Vec<EndpointId> {
        let mut claims: Vec<(u64, i64, EndpointId, usize)> = Vec::new();
        for (i, group) in groups.iter().enumerate() {
            // An endpoint that already has this template is the one, evidence of it or not.
            if let Some(id) = self.find(&group.entry.method, &group.entry.template) {
                claims.push((group.seen_of(id).saturating_mul(2) + 1, 0, id, i));
            }
            for Before { id, seen, .. } in &group.before {
                let first = self.entries.get(id).map_or(i64::MAX, |e| e.first_seen);
                claims.push((*seen, first, *id, i));
            }
        }
        // The strongest claim first; the older endpoint at a tie.
        claims.sort_unstable_by(|a, b| {
            b.0.cmp(&a.0)
                .then(a.1.cmp(&b.1))
                .then(a.2.cmp(&b.2))
                .then(a.3.cmp(&b.3))
        });
        let mut owner: Vec<Option<EndpointId>> = vec![None; groups.len()];
        let mut used: Map<EndpointId, ()> = Map::default();
        for (_, _, id, i) in &claims {
            if owner[*i].is_none() && !used.contains_key(id) && self.entries.contains_key(id) {
                owner[*i] = Some(*id);
                used.insert(*id, ());
            }
        }
        let told = self.events.len();
        let merged = self.merges(&claims, &owner, &used);
        let mut out = Vec::with_capacity(groups.len());
        for (i, group) in groups.into_iter().enumerate() {
            let first_seen = group.entry.first_seen;
            let id = match owner[i] {
                Some(id) => {
                    self.retemplate(id, group.entry);
                    self.recognize(id, group.earlier, first_seen);
                    id
                }
                None => self.create(host, group.entry, group.earlier),
            };
            used.insert(id, ());
            self.split(id, &group.before, first_seen, &merged);
            out.push(id);
        }
        for (gone, survivor) in merged {
            self.entries.remove(&gone);
            self.events.push(TemplateEvent::Merged { gone, survivor });
        }
        let left: Vec<EndpointId> = self
            .entries
            .keys()
            .filter(|id| !used.contains_key(id) && !kept.contains(id))
            .copied()
            .collect();
        for id in left {
            self.entries.remove(&id);
            self.events.push(TemplateEvent::Removed { id });
        }
        let renames = |event: &TemplateEvent| {
            use TemplateEvent::{Created, Merged, Removed, Retemplated};
            matches!(
                event,
                Created { .. } | Merged { .. } | Removed { .. } | Retemplated { .. }
            )
        };
        if self.events.iter().skip(told).any(renames) {
            self.by_template.clear();
            let names = self.entries.iter();
            let names = names.map(|(id, e)| (name_of(&e.method, &e.template), *id));
            self.by_template.extend(names);
        }
        out
    }

    /// Tells of the sightings counted for others that are of `to`.
    fn split(
        &mut self,
        to: EndpointId,
        before: &[Before],
        first_seen: i64,
        merged: &BTreeMap<EndpointId, EndpointId>,
    ) {
        for before in before {
            let (from, sightings) = (before.id, before.counted);
            // What is merged into this one brings all it has.
            if from != to && sightings > 0 && merged.get(&from) != Some(&to) {
                self.events.push(TemplateEvent::Split {
                    from,
                    to,
                    sightings,
                    first_seen,
                });
            }
        }
    }

    /// Endpoints whose evidence went to a group that another endpoint owns.
    fn merges(
        &self,
        claims: &[(u64, i64, EndpointId, usize)],
        owner: &[Option<EndpointId>],
        used: &Map<EndpointId, ()>,
    ) -> BTreeMap<EndpointId, EndpointId> {
        let mut out = BTreeMap::new();
        for (_, _, id, i) in claims {
            if !used.contains_key(id)
                && self.entries.contains_key(id)
                && let Some(survivor) = owner[*i]
            {
                out.entry(*id).or_insert(survivor);
            }
        }
        out
    }

    fn retemplate(&mut self, id: EndpointId, entry: Entry) {
        let Some(old) = self.entries.get_mut(&id) else {
            return;
        };
        // What is restored has no confidence of its own before evidence of it is found.
        let moved = !old.nodes.is_empty() && (old.confidence - entry.confidence).abs() >= NOTABLE;
        if old.template != entry.template || moved {
            self.events.push(TemplateEvent::Retemplated {
                id,
                template: entry.template.clone(),
                confidence: entry.confidence,
            });
        } else if old == &entry {
            return;
        }
        let first_seen = old.first_seen.min(entry.first_seen);
        *old = Entry {
            first_seen,
            ..entry
        };
    }
}
