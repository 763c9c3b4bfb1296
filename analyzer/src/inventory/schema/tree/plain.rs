//! A schema as plain data and packed, and from it.

use std::sync::Arc;

use super::super::super::tally::Tally;
use super::{Node, Tree};
use crate::snapshot::packed::Packer;
use crate::snapshot::schema::FieldSnapshot;
use tapscope_record::ValueType;

/// The places of a tree, in the order of what they stand in and of their names.
pub(super) struct ByName {
    /// Where the fields of each begin.
    starts: Vec<u32>,
    numbers: Vec<u32>,
}

impl ByName {
    /// The fields of a place.
    pub(super) fn of(&self, number: u32) -> &[u32] {
        let at = number as usize;
        let bounds = self.starts.get(at).zip(self.starts.get(at + 1));
        let fields = bounds.and_then(|(from, to)| self.numbers.get(*from as usize..*to as usize));
        fields.unwrap_or_default()
    }
}

impl Tree {
    /// The places by what they stand in and by name.
    pub(super) fn by_name(&self) -> ByName {
        let mut starts = vec![0_u32; self.nodes.len() + 1];
        for node in &self.nodes {
            if let Some(count) = starts.get_mut((node.parent as usize).saturating_add(1)) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        // The body itself stands in nothing.
        let mut next = starts.clone();
        let mut numbers = vec![0; self.nodes.len()];
        for (node, number) in self.nodes.iter().zip(0..) {
            if let Some(at) = next.get_mut(node.parent as usize) {
                if let Some(slot) = numbers.get_mut(*at as usize) {
                    *slot = number;
                }
                *at += 1;
            }
        }
        let name = |number: &u32| self.node(*number).map(|node| &*node.name);
        for pair in starts.windows(2) {
            if let [start, end] = *pair
                && let Some(fields) = numbers.get_mut(start as usize..end as usize)
            {
                fields.sort_unstable_by(|a, b| name(a).cmp(&name(b)));
            }
        }
        ByName { starts, numbers }
    }

    /// As plain data.
    pub(in crate::inventory::schema) fn snapshot(&self) -> FieldSnapshot {
        self.plain(0, &self.by_name())
    }

    fn plain(&self, number: u32, names: &ByName) -> FieldSnapshot {
        let Some(node) = self.node(number) else {
            return FieldSnapshot::default();
        };
        let fields = names.of(number).iter();
        FieldSnapshot {
            name: node.name.to_string(),
            seen: node.seen(),
            whole: node.whole,
            objects: node.objects,
            types: node.types().snapshot(),
            items: node.items().snapshot(),
            classes: node.with_classes(Tally::to_map),
            fields: fields.map(|field| self.plain(*field, names)).collect(),
        }
    }

    /// Packs all places.
    pub(in crate::inventory::schema) fn pack(&self, packer: &mut Packer) {
        self.pack_from(0, &self.by_name(), &mut Vec::new(), packer);
    }

    fn pack_from(
        &self,
        number: u32,
        names: &ByName,
        types: &mut Vec<(ValueType, u64)>,
        packer: &mut Packer,
    ) {
        let Some(node) = self.node(number) else {
            return;
        };
        packer.place(&node.name, [node.seen(), node.whole, node.objects]);
        if let Some((kind, item, count)) = node.only() {
            packer.types(&mut [(kind, count)]);
            match item {
                Some(item) => packer.types(&mut [(item, count)]),
                None => packer.types(&mut []),
            }
        } else {
            for all in [node.types(), node.items()] {
                types.clear();
                types.extend(all.iter());
                packer.types(types);
            }
        }
        node.with_classes(|classes| packer.classes(classes.iter()));
        packer.fields(node.children());
        for field in names.of(number) {
            self.pack_from(*field, names, types, packer);
        }
    }

    /// Goes on from plain data.
    pub(in crate::inventory::schema) fn restore(root: &FieldSnapshot) -> Self {
        let mut tree = Self::default();
        let mut open = vec![(0, root)];
        while let Some((number, from)) = open.pop() {
            if let Some(node) = tree.node_mut(number) {
                node.merge(&Node::of(from), usize::MAX);
            }
            for field in &from.fields {
                let name: Arc<str> = field.name.as_str().into();
                open.extend(tree.slot(number, &name, true).map(|slot| (slot, field)));
            }
        }
        tree
    }
}
