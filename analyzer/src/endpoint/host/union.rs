//! Hosts that are one service: what was seen of each, taken together.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::super::evidence::{Clash, Key, NodeId, Step};
use super::super::registry::Entry;
use super::super::{TemplateEvent, TemplateSettings};
use super::{HostTemplates, Resolved};
use crate::snapshot::EndpointId;

/// What was seen at one path by one method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Said {
    /// The endpoint it would be; none where it would be none.
    pub endpoint: Option<EndpointId>,
    /// Whether the path is `/`, which is on every host.
    pub root: bool,
    /// Sightings.
    pub seen: u64,
    /// Names the fields of the responses; 0 when they differ or have none.
    pub shape: u64,
    /// Names media type and length of responses without structure; 0 when they differ.
    pub print: u64,
}

impl HostTemplates {
    /// The templates that several hosts would have as one. Nobody's endpoints are changed.
    #[must_use]
    pub fn of_all(settings: &TemplateSettings, hosts: &[&Self]) -> Self {
        let mut whole = Self::new("", settings);
        for host in hosts {
            whole.trie.absorb(&host.trie, settings, |leaf| {
                leaf.endpoint = None;
                leaf.earlier += core::mem::take(&mut leaf.counted);
            });
        }
        whole.pace.leaves = whole.trie.leaves as u64;
        whole.decide(0);
        whole
    }

    /// What was seen, path by path, as endpoints of `whole`.
    #[must_use]
    pub fn testimony(&self, whole: &Self) -> Vec<Said> {
        let mut out = Vec::new();
        for (id, node) in self.trie.nodes.iter().enumerate() {
            if node.leaves.is_empty() {
                continue;
            }
            let steps = self.steps_to(id as NodeId);
            for leaf in &node.leaves {
                let method = self.trie.methods.get(usize::from(leaf.method));
                let found = whole.resolve(method.map_or("", |m| m), &steps);
                out.push(Said {
                    endpoint: match found {
                        Resolved::Endpoint(id) => Some(id),
                        Resolved::Ignored | Resolved::Unknown => None,
                    },
                    root: steps.is_empty(),
                    seen: leaf.seen,
                    shape: leaf.shape,
                    print: leaf.fingerprint,
                });
            }
        }
        out
    }

    /// The way to a node, as if it were a sighting's.
    pub(super) fn steps_to(&self, mut at: NodeId) -> Vec<Step<'_>> {
        let mut steps = Vec::new();
        while at != 0 {
            let node = self.trie.node(at);
            let text = match &node.key {
                Key::Text(text) | Key::Fixed(text) => text,
                _ => node.values.examples.first().unwrap_or(&self.nothing),
            };
            steps.push(Step {
                key: node.key.clone(),
                text: Cow::Borrowed(text),
                hash: super::super::hash_text(text),
            });
            at = node.parent;
        }
        steps.reverse();
        steps
    }

    /// Takes over what was seen of another host, and its endpoints. Those that both have become
    /// one; gives (gone, survivor) of these. Decide when all hosts are in:
    /// [`settle_union`](Self::settle_union).
    pub fn absorb(&mut self, other: Self) -> Vec<(EndpointId, EndpointId)> {
        self.ways.forget();
        let mut merged = BTreeMap::new();
        for (id, entry) in other.registry.entries {
            match self.registry.find(&entry.method, &entry.template) {
                Some(same) => {
                    if same != id {
                        merged.insert(id, same);
                    }
                }
                None => {
                    // What had evidence has it here, too; which nodes is known after deciding.
                    let nodes = if entry.nodes.is_empty() {
                        Vec::new()
                    } else {
                        vec![0]
                    };
                    self.registry.restore(id, Entry { nodes, ..entry });
                }
            }
        }
        let clashes = self.trie.absorb(&other.trie, &self.settings, |leaf| {
            let id = leaf.endpoint;
            leaf.endpoint = id.map(|id| merged.get(&id).copied().unwrap_or(id));
        });
        self.settle_clashes(&clashes);
        self.noise.absorb(other.noise);
        self.waiting.absorb(other.waiting, &self.settings);
        self.candidates += other.candidates;
        self.registry.events.extend(other.registry.events);
        self.pace.leaves = self.trie.leaves as u64;
        self.pace.dirty = true;
        merged.into_iter().collect()
    }

    /// Paths that two endpoints claimed: one that has no other path becomes the other, else it
    /// gives away what was counted for it there.
    fn settle_clashes(&mut self, clashes: &[Clash]) {
        if clashes.is_empty() {
            return;
        }
        let leaves = self.trie.nodes.iter().flat_map(|node| &node.leaves);
        let with_path: BTreeSet<EndpointId> = leaves.filter_map(|leaf| leaf.endpoint).collect();
        let mut gone = BTreeSet::new();
        for clash in clashes {
            let event = if with_path.contains(&clash.from) {
                TemplateEvent::Split {
                    from: clash.from,
                    to: clash.to,
                    sightings: clash.sightings,
                    first_seen: clash.first_seen,
                }
            } else if gone.insert(clash.from) {
                self.registry.forget(clash.from);
                TemplateEvent::Merged {
                    gone: clash.from,
                    survivor: clash.to,
                }
            } else {
                continue;
            };
            self.registry.events.push(event);
        }
    }

    /// Decides anew after hosts were taken in.
    pub fn settle_union(&mut self) {
        self.learned = None;
        self.pace.dirty = true;
        self.settle();
    }
}
