//! One schema: a tree of places, kept in one list so that known shapes can name a place by number.

use super::super::tally::Tally;
use super::super::types::Types;
use super::memo::{Addition, Memo};
use crate::snapshot::schema::{FieldSnapshot, MAP_KEY};

/// One place.
#[derive(Clone, Debug, Default)]
pub(super) struct Node {
    pub(super) name: Box<str>,
    /// By name.
    pub(super) children: Vec<u32>,
    seen: u64,
    whole: u64,
    objects: u64,
    types: Types,
    items: Types,
    classes: Tally,
}

/// The places of one schema; the body itself is the first.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }
}

impl Tree {
    /// Number of places, the body itself not counted.
    pub(super) fn fields(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }

    /// Bytes of all names.
    pub(super) fn name_bytes(&self) -> usize {
        self.nodes.iter().map(|node| node.name.len()).sum()
    }

    /// Number of fields of a place.
    pub(super) fn children(&self, of: u32) -> usize {
        self.node(of).map_or(0, |node| node.children.len())
    }

    /// Whether the fields of a place are the values of a map.
    pub(super) fn is_map(&self, at: u32) -> bool {
        self.child(at, MAP_KEY).is_ok()
    }

    fn node(&self, at: u32) -> Option<&Node> {
        self.nodes.get(at as usize)
    }

    /// The field of that name, or where it would stand among the others.
    fn child(&self, of: u32, name: &str) -> Result<u32, usize> {
        let Some(parent) = self.node(of) else {
            return Err(0);
        };
        let named = |at: &u32| self.node(*at).map_or("", |node| &node.name).cmp(name);
        match parent.children.binary_search_by(named) {
            Ok(at) => parent.children.get(at).copied().ok_or(at),
            Err(at) => Err(at),
        }
    }

    /// The field of that name, made when there is room for it.
    pub(super) fn slot(&mut self, of: u32, name: &str, room: bool) -> Option<u32> {
        let place = match self.child(of, name) {
            Ok(known) => return Some(known),
            Err(place) => place,
        };
        if !room {
            return None;
        }
        let new = u32::try_from(self.nodes.len()).ok()?;
        self.nodes.get_mut(of as usize)?.children.insert(place, new);
        self.nodes.push(Node {
            name: name.into(),
            ..Node::default()
        });
        Some(new)
    }

    /// Adds what the bodies of one shape carried since they were last added.
    pub(super) fn apply(&mut self, memo: &Memo, class_cap: usize) {
        let by = memo.pending;
        for Addition {
            node,
            kind,
            item,
            object,
            everywhere,
            class,
        } in &memo.additions
        {
            let Some(node) = self.nodes.get_mut(*node as usize) else {
                continue;
            };
            node.seen = node.seen.saturating_add(by);
            node.types.add(*kind, by);
            if let Some(item) = item {
                node.items.add(*item, by);
            }
            if let Some(class) = class {
                node.classes.add(class, by, class_cap);
            }
            if memo.whole {
                let whole = by * u64::from(*everywhere);
                node.whole = node.whole.saturating_add(whole);
                let objects = by * u64::from(*object);
                node.objects = node.objects.saturating_add(objects);
            }
        }
    }

    /// Takes over another tree's places; returns how many found no room.
    pub(super) fn merge(&mut self, other: &Self, room: &mut usize, class_cap: usize) -> u64 {
        let mut refused = 0;
        let mut open = vec![(0_u32, 0_u32)];
        while let Some((ours, theirs)) = open.pop() {
            let Some(node) = other.node(theirs) else {
                continue;
            };
            self.merge_node(ours, node, class_cap);
            let map = self.is_map(ours);
            for child in &node.children {
                let name = other.node(*child).map_or("", |node| &node.name);
                let name = if map { MAP_KEY } else { name };
                let before = self.nodes.len();
                match self.slot(ours, name, *room > 0) {
                    Some(slot) => open.push((slot, *child)),
                    None => refused += 1,
                }
                *room = room.saturating_sub(self.nodes.len() - before);
            }
        }
        refused
    }

    fn merge_node(&mut self, at: u32, from: &Node, class_cap: usize) {
        let Some(node) = self.nodes.get_mut(at as usize) else {
            return;
        };
        node.seen = node.seen.saturating_add(from.seen);
        node.whole = node.whole.saturating_add(from.whole);
        node.objects = node.objects.saturating_add(from.objects);
        node.types.merge(&from.types);
        node.items.merge(&from.items);
        node.classes.merge(&from.classes, class_cap);
    }

    /// As plain data.
    pub(super) fn snapshot(&self) -> FieldSnapshot {
        self.node_snapshot(0)
    }

    fn node_snapshot(&self, at: u32) -> FieldSnapshot {
        let Some(node) = self.node(at) else {
            return FieldSnapshot::default();
        };
        let fields = node.children.iter().map(|child| self.node_snapshot(*child));
        FieldSnapshot {
            name: node.name.to_string(),
            seen: node.seen,
            whole: node.whole,
            objects: node.objects,
            types: node.types.snapshot(),
            items: node.items.snapshot(),
            classes: node.classes.snapshot(),
            fields: fields.collect(),
        }
    }

    /// Goes on from plain data.
    pub(super) fn restore(root: &FieldSnapshot) -> Self {
        let mut tree = Self::default();
        let mut open = vec![(0_u32, root)];
        while let Some((at, from)) = open.pop() {
            tree.merge_node(at, &node_of(from), usize::MAX);
            for field in &from.fields {
                open.extend(tree.slot(at, &field.name, true).map(|slot| (slot, field)));
            }
        }
        tree
    }
}

/// A place without its fields.
fn node_of(field: &FieldSnapshot) -> Node {
    Node {
        name: field.name.as_str().into(),
        children: Vec::new(),
        seen: field.seen,
        whole: field.whole,
        objects: field.objects,
        types: Types::restore(&field.types),
        items: Types::restore(&field.items),
        classes: Tally::from_counts(&field.classes),
    }
}
