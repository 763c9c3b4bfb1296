//! What was seen, raw and bounded: a trie of segments with the methods at its leaves.
//!
//! Only what deserves belief gets in here (see `noise`). Values that are values by
//! their look share one child per type; words keep a child each until a decision on the whole
//! trie says what they are. Nothing in here is a decision, so decisions can always be undone.

use std::collections::BTreeMap;

use super::look::Look;
use super::settings::TemplateSettings;
use crate::snapshot::EndpointId;

/// Index of a node in the trie; the root is 0.
pub(super) type NodeId = u32;

/// What leads from a node to its child.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// A word, as sent.
    Text(Box<str>),
    /// A name that the protocol fixes and that no value can stand for: gRPC's service and method.
    Fixed(Box<str>),
    /// Any value of this look, with what follows it in the segment (`.json`).
    Typed(Look, Box<str>),
    /// Words beyond the cap on children, or folded after a decision.
    Rest,
}

/// How many distinct values went through a node, how long they are, and a few of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Values {
    /// The smallest hashes seen, sorted: a k-minimum-values sketch.
    minima: Vec<u64>,
    /// The first values seen, for examples.
    pub(super) examples: Vec<Box<str>>,
    /// Bytes of the shortest and of the longest.
    lengths: Lengths,
}

/// Bytes of the shortest and of the longest of some values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lengths {
    pub(super) shortest: u32,
    pub(super) longest: u32,
}

impl Default for Lengths {
    /// Of no value.
    fn default() -> Self {
        Self {
            shortest: u32::MAX,
            longest: 0,
        }
    }
}

impl Lengths {
    /// Of values of which nothing is known.
    pub(super) const UNKNOWN: Self = Self {
        shortest: 0,
        longest: u32::MAX,
    };

    pub(super) fn merge(&mut self, other: Self) {
        self.shortest = self.shortest.min(other.shortest);
        self.longest = self.longest.max(other.longest);
    }

    /// The length of all of them, where they have the same.
    pub(super) fn fixed(self) -> Option<usize> {
        (self.shortest == self.longest).then_some(self.longest as usize)
    }
}

/// Size of the sketch; its error is about 1/sqrt(32) = 18 %, enough for "few" against "many".
const MINIMA: usize = 32;
/// Examples kept of a value.
const EXAMPLES: usize = 3;

impl Values {
    pub(super) fn add(&mut self, hash: u64, example: &str) {
        let length = example.len() as u32;
        self.lengths.merge(Lengths {
            shortest: length,
            longest: length,
        });
        if let Err(at) = self.minima.binary_search(&hash)
            && at < MINIMA
        {
            self.minima.insert(at, hash);
            self.minima.truncate(MINIMA);
            if self.examples.len() < EXAMPLES {
                self.examples.push(example.into());
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for hash in &other.minima {
            if let Err(at) = self.minima.binary_search(hash) {
                self.minima.insert(at, *hash);
            }
        }
        self.minima.truncate(MINIMA);
        self.lengths.merge(other.lengths);
        for example in &other.examples {
            if self.examples.len() < EXAMPLES && !self.examples.contains(example) {
                self.examples.push(example.clone());
            }
        }
    }

    /// Estimated number of distinct values.
    pub(super) fn distinct(&self) -> f64 {
        match self.minima.last() {
            Some(last) if self.minima.len() == MINIMA => {
                (MINIMA as f64 - 1.0) / ((*last as f64 + 1.0) / (u64::MAX as f64))
            }
            _ => self.minima.len() as f64,
        }
    }

    /// The sketch's content, for saving.
    pub(super) fn minima(&self) -> &[u64] {
        &self.minima
    }

    /// How long the values are.
    pub(super) fn lengths(&self) -> Lengths {
        self.lengths
    }

    /// A sketch from saved content.
    pub(super) fn from_parts(
        mut minima: Vec<u64>,
        examples: Vec<Box<str>>,
        lengths: Lengths,
    ) -> Self {
        minima.sort_unstable();
        minima.dedup();
        minima.truncate(MINIMA);
        Self {
            minima,
            examples,
            lengths,
        }
    }
}

/// One method on one path.
#[derive(Clone, Debug, Default)]
pub(super) struct Leaf {
    /// Index of the method's name.
    pub(super) method: u16,
    /// Sightings that succeeded.
    pub(super) succeeded: u64,
    /// All sightings.
    pub(super) seen: u64,
    /// Hash of the set of top-level field names of successful responses, while all agree; 0 when
    /// unknown or mixed.
    pub(super) shape: u64,
    /// Fingerprint of the responses (media type and length) while all agree; 0 when mixed.
    pub(super) fingerprint: u64,
    /// Time of the first sighting.
    pub(super) first_seen: i64,
    /// Sightings that no endpoint was told of yet.
    pub(super) earlier: u64,
    /// Sightings that its endpoint was told of.
    pub(super) counted: u64,
    /// The endpoint it belongs to by the last decision.
    pub(super) endpoint: Option<EndpointId>,
}

impl Leaf {
    pub(super) fn absorb(&mut self, other: &Self) {
        self.succeeded += other.succeeded;
        self.seen += other.seen;
        self.earlier += other.earlier;
        self.counted += other.counted;
        self.first_seen = self.first_seen.min(other.first_seen);
        if self.shape != other.shape {
            self.shape = 0;
        }
        if self.fingerprint != other.fingerprint {
            self.fingerprint = 0;
        }
        self.endpoint = self.endpoint.or(other.endpoint);
    }
}

/// A path that two endpoints claimed when tries became one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clash {
    /// The endpoint that lost it.
    pub(super) from: EndpointId,
    /// The one that has it.
    pub(super) to: EndpointId,
    /// Sightings that the former was told of.
    pub(super) sightings: u64,
    /// Time of the first of them.
    pub(super) first_seen: i64,
}

/// One position of one path.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// Where it hangs.
    pub(super) parent: NodeId,
    /// What leads to it.
    pub(super) key: Key,
    /// What follows.
    pub(super) children: BTreeMap<Key, NodeId>,
    /// Number of text children.
    pub(super) texts: u32,
    /// The methods of the path that ends here.
    pub(super) leaves: Vec<Leaf>,
    /// Sightings that came through.
    pub(super) hits: u64,
    /// The values that came through, for nodes that stand for many.
    pub(super) values: Values,
}

/// The trie.
#[derive(Clone, Debug)]
pub(super) struct Trie {
    pub(super) nodes: Vec<Node>,
    free: Vec<NodeId>,
    /// Names of the methods, in order of appearance.
    pub(super) methods: Vec<Box<str>>,
    /// Leaves, all in all.
    pub(super) leaves: usize,
    /// Sightings not learned from because a cap was reached.
    pub(super) denied: u64,
    /// Words that share a child because a cap was reached.
    pub(super) crowded: u64,
}

/// One segment, ready to be looked up.
#[derive(Clone, Debug)]
pub(super) struct Step<'a> {
    pub(super) key: Key,
    /// As sent, or `{class}`.
    pub(super) text: std::borrow::Cow<'a, str>,
    /// Hash of the value.
    pub(super) hash: u64,
}

impl Trie {
    pub(super) fn new() -> Self {
        let root = Node {
            parent: 0,
            key: Key::Rest,
            children: BTreeMap::new(),
            texts: 0,
            leaves: Vec::new(),
            hits: 0,
            values: Values::default(),
        };
        Self {
            nodes: vec![root],
            free: Vec::new(),
            methods: Vec::new(),
            leaves: 0,
            denied: 0,
            crowded: 0,
        }
    }

    /// Bytes held, roughly, without names.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>() + self.leaves * size_of::<Leaf>()
    }

    /// Nodes in use.
    pub(super) fn len(&self) -> usize {
        self.nodes.len() - self.free.len()
    }

    pub(super) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id as usize]
    }

    /// Index of a method's name; none when there are too many.
    pub(super) fn method(&mut self, name: &str, settings: &TemplateSettings) -> Option<u16> {
        if let Some(i) = self.find_method(name) {
            return Some(i);
        }
        if self.methods.len() >= settings.max_methods || name.len() > settings.max_segment_len {
            self.denied += 1;
            return None;
        }
        self.methods.push(name.into());
        u16::try_from(self.methods.len() - 1).ok()
    }

    pub(super) fn find_method(&self, name: &str) -> Option<u16> {
        let i = self.methods.iter().position(|m| &**m == name)?;
        u16::try_from(i).ok()
    }

    /// The node of a path, when it is there.
    pub(super) fn find(&self, steps: &[Step<'_>]) -> Option<NodeId> {
        let mut at = 0;
        for step in steps {
            let children = &self.node(at).children;
            at = *children.get(&step.key).or_else(|| match step.key {
                Key::Text(_) | Key::Fixed(_) => children.get(&Key::Rest),
                _ => None,
            })?;
        }
        Some(at)
    }

    /// The node of a path, made when it is not there; counts one sighting. None when a cap was
    /// reached.
    pub(super) fn enter(
        &mut self,
        steps: &[Step<'_>],
        settings: &TemplateSettings,
    ) -> Option<NodeId> {
        let mut at: NodeId = 0;
        for step in steps {
            at = self.child(at, &step.key, settings)?;
            let node = &mut self.nodes[at as usize];
            if !matches!(node.key, Key::Text(_) | Key::Fixed(_)) {
                node.values.add(step.hash, &step.text);
            }
        }
        self.count(at);
        Some(at)
    }

    /// Counts one sighting of a path.
    pub(super) fn count(&mut self, mut at: NodeId) {
        loop {
            self.nodes[at as usize].hits += 1;
            if at == 0 {
                return;
            }
            at = self.node(at).parent;
        }
    }

    fn child(&mut self, at: NodeId, key: &Key, settings: &TemplateSettings) -> Option<NodeId> {
        if let Some(id) = self.node(at).children.get(key) {
            return Some(*id);
        }
        let full = self.len() >= settings.max_nodes;
        let text = matches!(key, Key::Text(_) | Key::Fixed(_));
        let crowded = text && self.node(at).texts as usize >= settings.max_children;
        let key = if crowded || (full && text) {
            self.crowded += 1;
            Key::Rest
        } else {
            key.clone()
        };
        if let Some(id) = self.node(at).children.get(&key) {
            return Some(*id);
        }
        if full {
            self.denied += 1;
            return None;
        }
        Some(self.add(at, key))
    }

    /// Adds a child that is not there yet.
    pub(super) fn add(&mut self, parent: NodeId, key: Key) -> NodeId {
        let node = Node {
            parent,
            key: key.clone(),
            children: BTreeMap::new(),
            texts: 0,
            leaves: Vec::new(),
            hits: 0,
            values: Values::default(),
        };
        let id = if let Some(id) = self.free.pop() {
            self.nodes[id as usize] = node;
            id
        } else {
            self.nodes.push(node);
            (self.nodes.len() - 1) as NodeId
        };
        let above = &mut self.nodes[parent as usize];
        above.texts += u32::from(matches!(key, Key::Text(_) | Key::Fixed(_)));
        above.children.insert(key, id);
        id
    }

    /// Takes in what another trie has seen; `prepare` makes its leaves this one's.
    pub(super) fn absorb(
        &mut self,
        other: &Self,
        settings: &TemplateSettings,
        prepare: impl Fn(&mut Leaf),
    ) -> Vec<Clash> {
        let mut clashes = Vec::new();
        let mut work: Vec<(NodeId, NodeId)> = vec![(0, 0)];
        while let Some((from, into)) = work.pop() {
            let node = other.node(from);
            let target = &mut self.nodes[into as usize];
            target.hits += node.hits;
            target.values.merge(&node.values);
            if let (Key::Rest, Key::Text(text)) = (&target.key, &node.key) {
                target.values.add(super::hash_text(text), text);
            }
            for leaf in &node.leaves {
                let mut leaf = leaf.clone();
                prepare(&mut leaf);
                clashes.extend(self.take_leaf(into, leaf, other, settings));
            }
            for (key, child) in &node.children {
                if let Some(id) = self.child(into, key, settings) {
                    work.push((*child, id));
                }
            }
        }
        self.denied += other.denied;
        self.crowded += other.crowded;
        clashes
    }

    fn take_leaf(
        &mut self,
        at: NodeId,
        mut leaf: Leaf,
        other: &Self,
        settings: &TemplateSettings,
    ) -> Option<Clash> {
        leaf.method = self.method(other.methods.get(usize::from(leaf.method))?, settings)?;
        let ours = &mut self.nodes[at as usize].leaves;
        let Some(known) = ours.iter_mut().find(|l| l.method == leaf.method) else {
            ours.push(leaf);
            self.leaves += 1;
            return None;
        };
        let (mine, theirs) = (known.endpoint, leaf.endpoint);
        let Some((mine, theirs)) = mine.zip(theirs).filter(|(mine, theirs)| mine != theirs) else {
            known.absorb(&leaf);
            return None;
        };
        let keeps = (known.counted, theirs) >= (leaf.counted, mine);
        let (from, to) = if keeps {
            (theirs, mine)
        } else {
            (mine, theirs)
        };
        let lost = if keeps { &leaf } else { &*known };
        let clash = Clash {
            from,
            to,
            sightings: lost.counted,
            first_seen: lost.first_seen,
        };
        known.absorb(&leaf);
        known.endpoint = Some(to);
        Some(clash)
    }

    /// The leaf of a method at a node, made when it is not there.
    pub(super) fn leaf(&mut self, at: NodeId, method: u16, time: i64) -> &mut Leaf {
        let leaves = &mut self.nodes[at as usize].leaves;
        let i = match leaves.iter().position(|l| l.method == method) {
            Some(i) => i,
            None => {
                leaves.push(Leaf {
                    method,
                    first_seen: time,
                    ..Leaf::default()
                });
                self.leaves += 1;
                leaves.len() - 1
            }
        };
        &mut leaves[i]
    }

    /// Folds a text child of `parent` into its [`Key::Rest`] child, subtree and all.
    pub(super) fn fold(&mut self, parent: NodeId, child: NodeId) {
        let rest = match self.node(parent).children.get(&Key::Rest) {
            Some(id) => *id,
            None => self.add(parent, Key::Rest),
        };
        if let Key::Text(text) = self.node(child).key.clone() {
            let values = &mut self.nodes[rest as usize].values;
            values.add(super::hash_text(&text), &text);
        }
        self.detach(parent, child);
        self.merge(child, rest);
    }

    fn detach(&mut self, parent: NodeId, child: NodeId) {
        let key = self.node(child).key.clone();
        let above = &mut self.nodes[parent as usize];
        above.children.remove(&key);
        above.texts -= u32::from(matches!(key, Key::Text(_) | Key::Fixed(_)));
    }

    /// Merges node `from` (already detached) into `into` and frees it.
    fn merge(&mut self, from: NodeId, into: NodeId) {
        let empty = Node {
            parent: 0,
            key: Key::Rest,
            children: BTreeMap::new(),
            texts: 0,
            leaves: Vec::new(),
            hits: 0,
            values: Values::default(),
        };
        let gone = core::mem::replace(&mut self.nodes[from as usize], empty);
        self.free.push(from);
        let target = &mut self.nodes[into as usize];
        target.hits += gone.hits;
        target.values.merge(&gone.values);
        for leaf in gone.leaves {
            match target.leaves.iter_mut().find(|l| l.method == leaf.method) {
                Some(l) => {
                    l.absorb(&leaf);
                    self.leaves -= 1;
                }
                None => target.leaves.push(leaf),
            }
        }
        for (key, child) in gone.children {
            match self.node(into).children.get(&key).copied() {
                Some(same) => self.merge(child, same),
                None => {
                    self.nodes[child as usize].parent = into;
                    let target = &mut self.nodes[into as usize];
                    target.texts += u32::from(matches!(key, Key::Text(_) | Key::Fixed(_)));
                    target.children.insert(key, child);
                }
            }
        }
    }
}
