//! What was called on a host and is no endpoint yet, to be shown.

use super::super::evidence::NodeId;
use super::{HostTemplates, Resolved};
use crate::snapshot::waiting::{CandidateSnapshot, WaitingReason, WaitingSnapshot};

/// Paths shown that wait for a decision.
const EXAMPLES: usize = 10;

impl HostTemplates {
    /// What waits, by reason. What a person has said is no endpoint does not wait.
    #[must_use]
    pub fn waiting(&self) -> Vec<WaitingSnapshot> {
        let mut out: Vec<WaitingSnapshot> = self.undecided().into_iter().collect();
        out.extend(self.waiting.summary(&self.settings));
        out
    }

    /// Paths that have proven themselves since the last decision.
    fn undecided(&self) -> Option<WaitingSnapshot> {
        let mut paths: Vec<CandidateSnapshot> = Vec::new();
        for (id, node) in self.trie.nodes.iter().enumerate() {
            let id = id as NodeId;
            for leaf in node.leaves.iter().filter(|leaf| leaf.endpoint.is_none()) {
                let method = self.trie.methods.get(usize::from(leaf.method));
                let method = method.map_or("", |name| name);
                if matches!(self.resolve(method, &self.steps_to(id)), Resolved::Ignored) {
                    continue;
                }
                paths.push(CandidateSnapshot {
                    method: method.to_owned(),
                    path: self.example(id),
                    exchanges: leaf.seen,
                    first_seen: leaf.first_seen,
                    // The last of them is not kept; it came before the next decision.
                    last_seen: leaf.first_seen.max(self.pace.time),
                    consumers_missing: None,
                });
            }
        }
        paths.sort_by(|a, b| {
            b.exchanges
                .cmp(&a.exchanges)
                .then_with(|| a.path.cmp(&b.path))
        });
        let first_seen = paths.iter().map(|one| one.first_seen).min()?;
        Some(WaitingSnapshot {
            reason: WaitingReason::Undecided,
            paths: paths.len() as u64,
            exchanges: paths.iter().map(|one| one.exchanges).sum(),
            first_seen,
            last_seen: paths.iter().map(|one| one.last_seen).max()?,
            examples: paths.into_iter().take(EXAMPLES).collect(),
        })
    }
}
