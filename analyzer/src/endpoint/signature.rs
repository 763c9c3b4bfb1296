//! What can be called below a node, in a form that can be compared between siblings.
//!
//! Two values of one parameter offer the same operations with responses of the same shape; two
//! literals seldom do. A signature is a sample of the operations below a node: the smallest
//! hashes, so that samples of equal sets are equal.

use core::ops::Range;
use std::borrow::Cow;

use super::evidence::{Key, NodeId, Trie};
use super::knowledge::Map;

/// An operation below a node (hash of its relative path and method) and the shape of its
/// responses (0 when unknown or mixed).
pub(super) type Operation = (u64, u64);

/// Most operations in a signature; more would not change a decision.
const MOST: usize = 24;
/// How a value counts in a relative path, whichever it is.
const VALUE: u64 = 0x5bd1_e995_9e37_79b9;

/// Signatures of all nodes, one after the other.
pub(super) struct Signatures {
    operations: Vec<Operation>,
    /// Of each node: where its operations are.
    of: Vec<Range<u32>>,
}

impl Signatures {
    /// Of all nodes of a trie.
    pub(super) fn of_all(
        trie: &Trie,
        class: &[Option<usize>],
        canonical: impl Fn(&str) -> u64,
    ) -> Self {
        let names = trie.methods.iter();
        let methods: Vec<u64> = names.map(|name| super::hash_text(name)).collect();
        let mut out = Self {
            operations: Vec::with_capacity(trie.nodes.len() * 2),
            of: vec![0..0; trie.nodes.len()],
        };
        // Children after their parents, then backwards.
        let mut order: Vec<NodeId> = Vec::with_capacity(trie.nodes.len());
        order.push(0);
        let mut at = 0;
        while let Some(id) = order.get(at).copied() {
            order.extend(trie.node(id).children.values());
            at += 1;
        }
        let mut own: Vec<Operation> = Vec::new();
        for id in order.into_iter().rev() {
            let node = trie.node(id);
            own.clear();
            own.extend(
                node.leaves
                    .iter()
                    .map(|l| (methods[l.method as usize], l.shape)),
            );
            for (key, child) in &node.children {
                let step = match key {
                    Key::Text(text) if class[*child as usize] != Some(1) => canonical(text),
                    Key::Fixed(name) => canonical(name),
                    _ => VALUE,
                };
                let below = out.node(*child).iter();
                own.extend(
                    below.map(|(op, shape)| (super::mix(op ^ step.rotate_left(17)), *shape)),
                );
            }
            reduce(&mut own);
            let start = out.operations.len() as u32;
            out.operations.extend_from_slice(&own);
            out.of[id as usize] = start..out.operations.len() as u32;
        }
        out
    }

    /// Of one node.
    fn node(&self, id: NodeId) -> &[Operation] {
        let of = &self.of[id as usize];
        &self.operations[of.start as usize..of.end as usize]
    }

    /// The union of the signatures of several nodes.
    pub(super) fn union<'a>(
        &self,
        mut nodes: impl Iterator<Item = &'a NodeId>,
    ) -> Cow<'_, [Operation]> {
        let Some(first) = nodes.next() else {
            return Cow::Borrowed(&[]);
        };
        let first = self.node(*first);
        let Some(second) = nodes.next() else {
            return Cow::Borrowed(first);
        };
        let mut all = [first, self.node(*second)].concat();
        all.extend(nodes.flat_map(|n| self.node(*n).iter().copied()));
        reduce(&mut all);
        Cow::Owned(all)
    }
}

fn reduce(operations: &mut Vec<Operation>) {
    operations.sort_unstable();
    operations.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same && kept.1 != next.1 {
            // Unknown gives way to known; two different shapes are mixed.
            kept.1 = if kept.1 == 0 { next.1 } else { 0 };
        }
        same
    });
    operations.truncate(MOST);
}

/// How the operations of one compare with those of others.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Comparison {
    /// Operations the others have too.
    pub(super) shared: f64,
    /// Operations the others do not have.
    pub(super) own: f64,
    /// Mean share of the others that have an operation.
    pub(super) wide: f64,
    /// Shared operations whose responses have the same shape, rare shapes counting most.
    pub(super) agree: f64,
    /// Shared operations whose responses have another shape with all others.
    pub(super) disagree: f64,
}

/// The operations of several siblings.
#[derive(Clone, Debug, Default)]
pub(super) struct Pool {
    operations: Map<u64, u32>,
    shaped: Map<u64, u32>,
    shapes: Map<Operation, u32>,
    members: u32,
}

impl Pool {
    pub(super) fn add(&mut self, signature: &[Operation]) {
        self.members += 1;
        for (op, shape) in signature {
            *self.operations.entry(*op).or_default() += 1;
            if *shape != 0 {
                *self.shaped.entry(*op).or_default() += 1;
                *self.shapes.entry((*op, *shape)).or_default() += 1;
            }
        }
    }

    /// Signatures in it.
    pub(super) fn members(&self) -> u32 {
        self.members
    }

    /// The operations that so many have, at least.
    pub(super) fn common(&self, least: f64) -> Vec<u64> {
        let most = self.operations.iter();
        let most = most.filter(|(_, with)| f64::from(**with) >= least);
        most.map(|(op, _)| *op).collect()
    }

    /// Compares a signature with the pool; `own` is 1 when it is a member itself, else 0.
    pub(super) fn compare(
        &self,
        signature: &[Operation],
        own: u32,
        rare: impl Fn(u64) -> f64,
    ) -> Comparison {
        let mut out = Comparison::default();
        let others = self.members.saturating_sub(own);
        if others == 0 {
            out.own = signature.len() as f64;
            return out;
        }
        for (op, shape) in signature {
            let with = self
                .operations
                .get(op)
                .copied()
                .unwrap_or(0)
                .saturating_sub(own);
            if with == 0 {
                out.own += 1.0;
                continue;
            }
            out.shared += 1.0;
            out.wide += f64::from(with) / f64::from(others);
            if *shape == 0 {
                continue;
            }
            let shaped = self
                .shaped
                .get(op)
                .copied()
                .unwrap_or(0)
                .saturating_sub(own);
            let same = self
                .shapes
                .get(&(*op, *shape))
                .copied()
                .unwrap_or(0)
                .saturating_sub(own);
            if same > 0 {
                out.agree += rare(*shape) * f64::from(same) / f64::from(shaped);
            } else if shaped > 0 {
                out.disagree += 1.0;
            }
        }
        out.wide /= (signature.len() as f64).max(1.0);
        out
    }
}

/// How alike two signatures are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Likeness {
    /// Share of the smaller one's operations that the other has too.
    pub(super) contained: f64,
    /// Operations both have.
    pub(super) shared: f64,
    /// Of those, the share whose responses have the same shape, rare shapes counting most, less the
    /// share whose responses have another.
    pub(super) agree: f64,
}

/// Up to where a signature, a sorted sample, tells all.
pub(super) fn end(signature: &[Operation]) -> u64 {
    match signature.last() {
        Some(last) if signature.len() == MOST => last.0,
        _ => u64::MAX,
    }
}

/// Compares two signatures. Both are sorted samples of the smallest hashes, so beyond the end of a
/// full one nothing is known of it.
pub(super) fn compare(a: &[Operation], b: &[Operation], rare: impl Fn(u64) -> f64) -> Likeness {
    let known = end(a).min(end(b));
    let within = |s: &[Operation]| s.partition_point(|op| op.0 <= known);
    let (mut a, mut b) = (&a[..within(a)], &b[..within(b)]);
    let least = a.len().min(b.len());
    let (mut shared, mut agree) = (0.0, 0.0);
    while let (Some((x, left)), Some((y, right))) = (a.split_first(), b.split_first()) {
        if x.0 == y.0 {
            shared += 1.0;
            if x.1 != 0 && y.1 != 0 {
                agree += if x.1 == y.1 { rare(x.1) } else { -1.0 };
            }
        }
        (a, b) = match x.0.cmp(&y.0) {
            core::cmp::Ordering::Less => (left, b),
            core::cmp::Ordering::Greater => (a, right),
            core::cmp::Ordering::Equal => (left, right),
        };
    }
    Likeness {
        contained: shared / (least as f64).max(1.0),
        shared,
        agree: agree / f64::max(shared, 1.0),
    }
}
