//! Words that are decided to be values are counted together where there are many of them.

use std::collections::BTreeSet;

use super::super::decide::{self, NOWHERE, Part, PlaceId};
use super::super::evidence::{Key, NodeId};
use super::HostTemplates;

impl HostTemplates {
    /// Words after a node that given templates have as literals.
    fn given_names(&self, node: NodeId) -> BTreeSet<String> {
        if !self.has_given() {
            return BTreeSet::new();
        }
        let keys = self.keys(node);
        let sets = [&self.rules.pinned, &self.documented, &self.recalled];
        let names = sets.into_iter().flat_map(|set| set.names_after(&keys));
        names.map(str::to_owned).collect()
    }

    /// Folds words that are decided to be values, where there are many of them.
    pub(super) fn fold(&mut self) {
        let crowded = self.trie.len() * 4 > self.settings.max_nodes * 3;
        let most = if crowded {
            16
        } else {
            self.settings.fold_children
        };
        for id in 0..self.trie.nodes.len() {
            if (self.trie.nodes[id].texts as usize) < most {
                continue;
            }
            let plain = Part::Parameter(decide::Affix::default());
            let named = self.given_names(id as NodeId);
            let values: Vec<(NodeId, PlaceId)> = self.trie.nodes[id]
                .children
                .iter()
                .filter(|(key, _)| matches!(key, Key::Text(text) if !named.contains(&**text)))
                .map(|(_, child)| {
                    (
                        *child,
                        self.decision
                            .of
                            .get(*child as usize)
                            .copied()
                            .unwrap_or(NOWHERE),
                    )
                })
                .filter(|(_, place)| {
                    self.decision
                        .places
                        .get(*place as usize)
                        .is_some_and(|p| p.part == plain && p.confidence > 0.8)
                })
                .collect();
            for (child, place) in values {
                self.learned = None;
                self.trie.fold(id as NodeId, child);
                if let Some(rest) = self.trie.node(id as NodeId).children.get(&Key::Rest) {
                    let rest = *rest as usize;
                    if self.decision.of.len() <= rest {
                        self.decision.of.resize(rest + 1, NOWHERE);
                    }
                    self.decision.of[rest] = place;
                }
            }
        }
    }
}
