//! Two schemas made one.

use std::sync::Arc;

use super::{NONE, Node, Tree, ahead};
use crate::snapshot::schema::MAP_KEY;

impl Tree {
    /// Takes over another tree's places; returns how many found no room.
    pub(in crate::inventory::schema) fn merge(
        &mut self,
        other: &Self,
        room: &mut usize,
        class_cap: usize,
    ) -> u64 {
        if self.maps.is_empty() && other.maps.is_empty() {
            self.merge_paths(other, room, class_cap)
        } else {
            self.merge_maps(other, room, class_cap)
        }
    }

    /// What has the same path is the same place.
    fn merge_paths(&mut self, other: &Self, room: &mut usize, class_cap: usize) -> u64 {
        let mut numbers = vec![NONE; other.nodes.len()];
        let mut from = 0;
        for (path, theirs) in other.paths.iter().zip(&other.at) {
            from += ahead(self.paths.get(from..).unwrap_or_default(), *path);
            if self.paths.get(from) == Some(path)
                && let (Some(number), Some(ours)) =
                    (numbers.get_mut(*theirs as usize), self.at.get(from))
            {
                *number = *ours;
            }
        }
        let (mut refused, first) = (0, self.nodes.len());
        for (theirs, at) in other.nodes.iter().zip(0..) {
            let known = numbers.get(at).copied().unwrap_or(NONE);
            if let Some(node) = self.node_mut(known) {
                node.merge(theirs, class_cap);
                continue;
            }
            let above = numbers.get(theirs.parent as usize).copied();
            let above = above.unwrap_or(NONE);
            let new = u32::try_from(self.nodes.len()).unwrap_or(NONE);
            // What stands in a place that was refused is refused with it.
            let Some(parent) = self.node_mut(above) else {
                continue;
            };
            let Some(left) = room.checked_sub(1) else {
                refused += 1;
                continue;
            };
            *room = left;
            parent.children += 1;
            self.name_bytes += theirs.name.len();
            let mut node = Node::new((theirs.path, above), Arc::clone(&theirs.name));
            node.merge(theirs, class_cap);
            self.nodes.push(node);
            if let Some(number) = numbers.get_mut(at) {
                *number = new;
            }
        }
        self.index(first);
        refused
    }

    /// What stands in a map is the same place whatever its name.
    fn merge_maps(&mut self, other: &Self, room: &mut usize, class_cap: usize) -> u64 {
        let names = other.by_name();
        let mut refused = 0;
        let key: Arc<str> = MAP_KEY.into();
        let mut open = vec![(0, 0)];
        while let Some((ours, theirs)) = open.pop() {
            let Some(node) = other.node(theirs) else {
                continue;
            };
            let Some(own) = self.node_mut(ours) else {
                continue;
            };
            own.merge(node, class_cap);
            let path = own.path;
            let is_map = self.maps.contains(&path);
            for theirs in names.of(theirs) {
                let Some(child) = other.node(*theirs) else {
                    continue;
                };
                let name = if is_map { &key } else { &child.name };
                let before = self.nodes.len();
                match self.slot(ours, name, *room > 0) {
                    Some(slot) => open.push((slot, *theirs)),
                    None => refused += 1,
                }
                *room = room.saturating_sub(self.nodes.len() - before);
            }
        }
        refused
    }
}
