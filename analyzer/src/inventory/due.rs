//! What is to be saved: what must not wait, and what takes its turn, so that one save stays short
//! however many things changed.

use core::hash::Hash;
use std::collections::{BTreeSet, HashSet};

use foldhash::fast::FixedState;

/// Names of things that changed since they were saved.
#[derive(Debug)]
pub struct Due<K> {
    /// In the next save in any case.
    urgent: BTreeSet<K>,
    /// In one of the next saves. With every record one is noted, mostly again; order is made when
    /// they are saved.
    touched: HashSet<K, FixedState>,
    /// The last one whose turn it was.
    turn: Option<K>,
}

impl<K> Default for Due<K> {
    fn default() -> Self {
        Self {
            urgent: BTreeSet::new(),
            touched: HashSet::default(),
            turn: None,
        }
    }
}

impl<K: Copy + Hash + Ord> Due<K> {
    /// Notes a change that may wait for its turn.
    pub fn touch(&mut self, name: K) {
        self.touched.insert(name);
    }

    /// Notes a change that must be in the next save.
    pub fn insist(&mut self, name: K) {
        self.urgent.insert(name);
    }

    /// Forgets something that is no more.
    pub fn forget(&mut self, name: K) {
        self.urgent.remove(&name);
        self.touched.remove(&name);
    }

    /// What waits for its turn, ascending.
    pub fn waiting(&self) -> impl Iterator<Item = K> {
        let mut waiting: Vec<K> = self.touched.iter().copied().collect();
        waiting.sort_unstable();
        waiting.into_iter()
    }

    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.urgent.is_empty() && self.touched.is_empty()
    }

    /// What to save now of all that changed, ascending, where it is saved part by part: as many as
    /// there is `room` for, what must not wait first. Takes what it gives out of `room`.
    pub fn take_part(&mut self, room: &mut usize) -> BTreeSet<K> {
        if self.urgent.len() <= *room {
            *room -= self.urgent.len();
            return self.take(room);
        }
        let mut out = BTreeSet::new();
        while *room > 0
            && let Some(name) = self.urgent.pop_first()
        {
            *room -= 1;
            self.touched.remove(&name);
            out.insert(name);
        }
        out
    }

    /// What to save now, ascending: all that must not wait, and of the rest as many as there is
    /// `room` for, in turn. Takes what it gives out of `room`.
    pub fn take(&mut self, room: &mut usize) -> BTreeSet<K> {
        let mut out = core::mem::take(&mut self.urgent);
        // What is saved now need not be saved again for what it has got until now.
        for name in &out {
            self.touched.remove(name);
        }
        if self.touched.len() <= *room {
            *room -= self.touched.len();
            out.extend(self.touched.drain());
            return out;
        }
        let mut waiting: Vec<K> = self.touched.iter().copied().collect();
        waiting.sort_unstable();
        let next = |turn: K| waiting.partition_point(|name| *name <= turn);
        let (before, after) = waiting.split_at(self.turn.map_or(0, next));
        let picked: Vec<K> = after.iter().chain(before).take(*room).copied().collect();
        *room = 0;
        self.turn = picked.last().copied().or(self.turn);
        for name in picked {
            self.touched.remove(&name);
            out.insert(name);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_wait_takes_turns_and_what_must_not_is_there_at_once() {
        let mut due = Due::default();
        for name in 0..10 {
            due.touch(name);
        }
        due.insist(7);
        let mut seen = BTreeSet::new();
        for round in 0..4 {
            let mut room = 3;
            let taken = due.take(&mut room);
            assert_eq!(taken.contains(&7), round == 0, "{round}");
            seen.extend(taken);
            // Those that had their turn change again, and still let the others go first.
            due.touch(0);
            due.touch(1);
        }
        assert_eq!(seen, (0..10).collect());
    }

    #[test]
    fn what_must_not_wait_has_no_turn_besides() {
        let mut due = Due::default();
        (0..10).for_each(|name| due.touch(name));
        due.insist(0);
        let mut room = 2;
        assert_eq!(due.take(&mut room), [0, 1, 2].into());
        let mut room = usize::MAX;
        assert_eq!(due.take(&mut room), (3..10).collect());
    }

    #[test]
    fn part_by_part_what_must_not_wait_goes_first() {
        let mut due = Due::default();
        (0..6).for_each(|name| due.touch(name));
        (4..10).for_each(|name| due.insist(name));
        let mut parts = Vec::new();
        while !due.is_empty() {
            let mut room = 4;
            parts.push(due.take_part(&mut room));
        }
        let parts: Vec<Vec<i32>> = parts
            .into_iter()
            .map(|one| one.into_iter().collect())
            .collect();
        assert_eq!(parts, [vec![4, 5, 6, 7], vec![0, 1, 8, 9], vec![2, 3]]);
    }

    #[test]
    fn all_of_it_when_there_is_room() {
        let mut due = Due::default();
        (0..10).for_each(|name| due.touch(name));
        due.forget(3);
        let mut room = 100;
        assert_eq!(due.take(&mut room).len(), 9);
        assert_eq!(room, 91);
        assert!(due.take(&mut room).is_empty());
    }
}
