//! When the templates of a host are decided on, and what follows for its endpoints.

use super::super::decide::{self, NOWHERE, PlaceId};
use super::super::documented::Template;
use super::super::evidence::{Leaf, NodeId};
use super::super::knowledge::Map;
use super::super::naming::{self, Named};
use super::super::registry::{Before, Entry, Group};
use super::{HostTemplates, Pace};
use crate::snapshot::waiting::WaitingReason;

/// Paths from which on a host is a large one, where a decision takes a while.
const MANY: u64 = 256;

/// Paths without an endpoint that bring a decision before time does ([`HostTemplates::settle`]), as a
/// share of those that were decided on: a decision goes through all of them. Of few, and of many.
const UNRESOLVED_SHARE: [u64; 2] = [8, 4];

/// And never more than these.
const UNRESOLVED_MAX: u64 = 512;

/// Further paths that bring a decision which rests on all evidence anew, as a share of those that the
/// last one of this kind rested on. Of few, and of many.
const GROWTH_SHARE: [u64; 2] = [4, 2];

/// And always these.
const GROWTH_MIN: u64 = 16;

/// A share of so many paths.
const fn share(paths: u64, [of_few, of_many]: [u64; 2]) -> u64 {
    paths / if paths < MANY { of_few } else { of_many }
}

impl HostTemplates {
    pub(super) fn maybe_decide(&mut self, now: i64) {
        let p = &self.pace;
        let grown = p.leaves >= p.whole + share(p.whole, GROWTH_SHARE) + GROWTH_MIN;
        let waiting = p.unresolved > share(p.decided, UNRESOLVED_SHARE).min(UNRESOLVED_MAX);
        let late = p.unresolved > 0 && now.saturating_sub(p.time) >= self.patience();
        if p.noisy || p.dirty && (grown || waiting || late) {
            if grown {
                self.learned = None;
            }
            self.decide(now);
        }
    }

    /// How long a path waits for its endpoint: longer where deciding takes longer.
    fn patience(&self) -> i64 {
        let leaves = i64::try_from(self.trie.leaves).unwrap_or(i64::MAX);
        let more = leaves.saturating_mul(self.settings.decide_after_per_leaf);
        self.settings.decide_after.saturating_add(more)
    }

    /// Decides now on everything seen so far, rather than when enough has come in.
    pub fn settle(&mut self) {
        if self.pace.dirty || self.pace.noisy || self.is_behind() {
            self.learned = None;
            self.decide(self.pace.time);
        }
    }

    /// Whether so much came in since the last decision that the same words may be judged otherwise:
    /// what was a handful of calls may have become the busiest of its siblings.
    #[must_use]
    pub fn has_grown(&self) -> bool {
        self.trie.node(0).hits > self.pace.hits.saturating_mul(2)
    }

    /// Whether anything was learned from since the last decision that rested on all evidence.
    #[must_use]
    pub fn is_behind(&self) -> bool {
        self.trie.node(0).hits > self.pace.hits
    }

    pub(super) fn decide(&mut self, now: i64) {
        self.ways.forget();
        self.drop_noise(now);
        let earlier = self.learned.take();
        let (whole, hits) = if earlier.is_some() {
            (self.pace.whole, self.pace.hits)
        } else {
            (self.pace.leaves, self.trie.node(0).hits)
        };
        let (decision, learned) = decide::decide(&self.trie, earlier);
        self.decision = decision;
        self.learned = Some(learned);
        let (groups, leaves) = self.groups();
        let (groups, leaves) = self.without_ignored(groups, leaves);
        let mut kept = self.registry.without_evidence();
        kept.retain(|id| !self.is_ignored(*id));
        let ids = self.registry.assign(&self.host, groups, &kept);
        for (id, leaves) in ids.into_iter().zip(leaves) {
            for (node, leaf) in leaves {
                let leaf = &mut self.trie.nodes[node as usize].leaves[leaf];
                leaf.endpoint = Some(id);
                leaf.counted += core::mem::take(&mut leaf.earlier);
            }
        }
        self.fold();
        self.revision += 1;
        self.pace = Pace {
            leaves: self.pace.leaves,
            decided: self.pace.leaves,
            whole,
            unresolved: 0,
            hits,
            time: now,
            dirty: false,
            noisy: false,
        };
    }

    /// Takes back evidence that has proven to be noise since: it waits from then on, to be seen.
    fn drop_noise(&mut self, now: i64) {
        let noise = &self.noise;
        let why = |print: u64| {
            let soft = noise.is_soft(print).then_some(WaitingReason::SoftNotFound);
            soft.or_else(|| {
                noise
                    .was_catch_all(print)
                    .then_some(WaitingReason::CatchAll)
            })
        };
        let mut dropped = Vec::new();
        for (node, id) in self.trie.nodes.iter_mut().zip(0..) {
            node.leaves.retain(|leaf| {
                let why = why(leaf.fingerprint);
                dropped.extend(why.map(|why| (id, leaf.clone(), why)));
                why.is_none()
            });
        }
        self.trie.leaves -= dropped.len();
        for (node, leaf, why) in dropped {
            let method = self.trie.methods[leaf.method as usize].to_string();
            let path = self.example(node);
            let segments = path.split('/').filter(|text| !text.is_empty());
            let hash = segments.fold(0, |hash, text| {
                super::super::mix(hash ^ super::super::hash_text(text))
            });
            let key = super::super::mix(hash ^ super::super::hash_text(&method));
            self.candidates += leaf.counted;
            let times = (leaf.first_seen, now.max(leaf.first_seen));
            let back = (leaf.seen, times, why);
            self.waiting
                .take_back(key, (&method, &path), back, &self.settings);
        }
    }

    /// The leaves, grouped by the template and method the decision gives them.
    fn groups(&self) -> (Vec<Group>, Vec<Vec<(NodeId, usize)>>) {
        let mut at: Map<(bool, u32, u16), usize> = Map::default();
        let known = self.registry.entries.len().max(self.decision.places.len());
        let mut groups: Vec<Group> = Vec::with_capacity(known);
        let mut leaves: Vec<Vec<(NodeId, usize)>> = Vec::with_capacity(known);
        // The methods of a path follow each other.
        let mut named: Option<(PlaceId, Named, f64)> = None;
        for (id, node) in self.trie.nodes.iter().enumerate() {
            let place = self.decision.of.get(id).copied().unwrap_or(NOWHERE);
            if node.leaves.is_empty() || place == NOWHERE {
                continue;
            }
            let given = if self.has_given() {
                self.given(&self.keys(id as NodeId))
            } else {
                None
            };
            for (i, leaf) in node.leaves.iter().enumerate() {
                let key = match given {
                    Some((name, _)) => (true, name, leaf.method),
                    None => (false, place, leaf.method),
                };
                let index = *at.entry(key).or_insert_with(|| {
                    if given.is_none() && named.as_ref().is_none_or(|known| known.0 != place) {
                        let parts = naming::parts(&self.decision.places, place);
                        named = Some((place, naming::name(&parts), self.confidence(place)));
                    }
                    let learned = named.as_ref().map(|(_, named, sure)| (named, *sure));
                    let entry = self.entry(given.map(|g| g.1), learned, leaf);
                    groups.push(Group {
                        entry,
                        earlier: 0,
                        before: Vec::new(),
                    });
                    leaves.push(Vec::new());
                    groups.len() - 1
                });
                let group = &mut groups[index];
                group.earlier += leaf.earlier;
                group.entry.first_seen = group.entry.first_seen.min(leaf.first_seen);
                if group.entry.nodes.len() < 3 {
                    group.entry.nodes.push(id as NodeId);
                }
                if let Some(id) = leaf.endpoint {
                    let (seen, counted) = (leaf.seen, leaf.counted);
                    group.note(Before { id, seen, counted });
                }
                leaves[index].push((id as NodeId, i));
            }
        }
        groups.iter_mut().for_each(Group::close);
        (groups, leaves)
    }

    /// The endpoint of a leaf, by the template that is given, else by what is learned with how sure
    /// it is.
    fn entry(
        &self,
        given: Option<&Template>,
        learned: Option<(&Named, f64)>,
        leaf: &Leaf,
    ) -> Entry {
        let method = self.trie.methods[leaf.method as usize].to_string();
        let given = given.map(|given| (given.of(&method), 1.0));
        let (named, confidence) = given.or(learned).unzip();
        let Named {
            mut template,
            mut parameters,
        } = named.cloned().unwrap_or_default();
        if let Some(called) = self.rules.name_of(&template) {
            (template, parameters) = called.clone();
        }
        Entry {
            method,
            template,
            parameters,
            confidence: confidence.unwrap_or(0.0),
            first_seen: leaf.first_seen,
            nodes: Vec::new(),
        }
    }

    /// The confidence of the least sure position.
    fn confidence(&self, mut place: PlaceId) -> f64 {
        let mut least = 1.0_f64;
        while let Some(here) = self
            .decision
            .places
            .get(place as usize)
            .filter(|_| place != 0)
        {
            least = least.min(here.confidence);
            place = here.parent;
        }
        (least * 100.0).round() / 100.0
    }
}
