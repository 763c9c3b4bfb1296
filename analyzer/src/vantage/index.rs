//! Which of the records that wait have something in common. Most have it alone, which takes no
//! memory of its own.

use core::hash::Hash;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use foldhash::fast::FixedState;

/// Numbers of records by what they have in common, ascending.
#[derive(Debug)]
pub(super) struct Index<K>(HashMap<K, Numbers, FixedState>);

#[derive(Debug)]
enum Numbers {
    One(u64),
    /// Two or more; or fewer, once there were.
    Many(Vec<u64>),
}

impl<K> Default for Index<K> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<K: Eq + Hash> Index<K> {
    /// Whether no record has anything.
    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The records that have it.
    pub(super) fn of(&self, key: K) -> &[u64] {
        match self.0.get(&key) {
            None => &[],
            Some(Numbers::One(one)) => core::slice::from_ref(one),
            Some(Numbers::Many(many)) => many,
        }
    }

    /// One more has it.
    pub(super) fn add(&mut self, key: K, number: u64) {
        match self.0.entry(key) {
            Entry::Vacant(slot) => {
                slot.insert(Numbers::One(number));
            }
            Entry::Occupied(mut slot) => match slot.get_mut() {
                Numbers::Many(many) => many.push(number),
                Numbers::One(one) => {
                    let many = vec![*one, number];
                    slot.insert(Numbers::Many(many));
                }
            },
        }
    }

    /// One of them does not wait any more.
    pub(super) fn forget(&mut self, key: K, number: u64) {
        let Entry::Occupied(mut slot) = self.0.entry(key) else {
            return;
        };
        let is_last = match slot.get_mut() {
            Numbers::One(one) => *one == number,
            Numbers::Many(many) => {
                many.retain(|known| *known != number);
                many.is_empty()
            }
        };
        if is_last {
            slot.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_has_and_what_many_have() {
        let mut index = Index::default();
        assert!(index.of('a').is_empty());
        for number in 1..=3 {
            index.add('a', number);
            index.add(if number == 2 { 'b' } else { 'c' }, number);
        }
        assert_eq!(index.of('a'), [1, 2, 3]);
        assert_eq!(index.of('b'), [2]);
        index.forget('a', 2);
        index.forget('b', 1);
        assert_eq!((index.of('a'), index.of('b')), (&[1, 3][..], &[2][..]));
        for number in 1..=3 {
            index.forget('a', number);
            index.forget('b', number);
            index.forget('c', number);
        }
        assert!(index.is_empty(), "nothing is kept of what is gone");
    }
}
