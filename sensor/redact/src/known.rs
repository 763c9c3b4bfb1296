//! What was found out of values before. Clients send the same tokens, hosts and products with every
//! call: they are read once. Of the values themselves nothing is kept, only prints.

use crate::token::Print;

/// Findings by the prints of their values. Places are pairs, and the latest two findings of a pair
/// stay, the later one first: two that come in turn do not push each other out. What comes once
/// pushes nothing out: a value is remembered when it comes again.
pub(crate) struct Known<T> {
    pairs: Vec<[(Print, Option<Box<T>>); 2]>,
    /// By place: the latest value that is not remembered.
    once: Vec<u64>,
}

impl<T: Clone> Known<T> {
    /// Remembers so many, rounded up to pairs.
    pub(crate) fn new(most: usize) -> Self {
        let pairs = most.div_ceil(2);
        Self {
            pairs: vec![[const { ([0; 2], None) }; 2]; pairs],
            once: vec![0; pairs * 2],
        }
    }

    /// What is known of the value of that print; else what `find` finds out, which is remembered.
    pub(crate) fn get_or(&mut self, print: Print, find: impl FnOnce() -> T) -> T {
        if let Some(known) = self.get(print) {
            return known.clone();
        }
        let found = find();
        self.put(print, &found);
        found
    }

    /// What is known of the value of that print.
    pub(crate) fn get(&self, print: Print) -> Option<&T> {
        let pair = self.pairs.get(place(print, self.pairs.len())?)?;
        let (_, found) = pair.iter().find(|(known, _)| *known == print)?;
        found.as_deref()
    }

    /// Remembers what was found out of the value of that print, when it came before.
    pub(crate) fn put(&mut self, print: Print, found: &T) {
        let once = place(print, self.once.len()).and_then(|at| self.once.get_mut(at));
        let Some(once) = once else { return };
        let [name, _] = print;
        if core::mem::replace(once, name) != name {
            return;
        }
        let pair = place(print, self.pairs.len()).and_then(|at| self.pairs.get_mut(at));
        if let Some([first, second]) = pair {
            let before = core::mem::replace(first, (print, Some(Box::new(found.clone()))));
            *second = before;
        }
    }
}

/// One of so many places.
fn place([hash, _]: Print, places: usize) -> Option<usize> {
    // The hash is a good one: its low bits tell the place.
    usize::try_from(hash.checked_rem(places as u64)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Remembers it as a value that came before.
    fn put(known: &mut Known<char>, print: Print, found: char) {
        known.put(print, &found);
        known.put(print, &found);
    }

    #[test]
    fn two_that_share_a_place_stay() {
        let mut known = Known::new(8);
        put(&mut known, [3, 1], 'a');
        put(&mut known, [11, 1], 'b');
        assert_eq!(
            (known.get([3, 1]), known.get([11, 1])),
            (Some(&'a'), Some(&'b'))
        );
        put(&mut known, [19, 1], 'c');
        assert_eq!((known.get([3, 1]), known.get([11, 1])), (None, Some(&'b')));
        assert_eq!(known.get([19, 1]), Some(&'c'));
        assert_eq!(known.get([2, 1]), None);
    }

    #[test]
    fn two_places_of_a_pair_do_not_push_each_other_out() {
        let mut known = Known::new(8);
        // By the same pair, and each by the other place of it.
        for round in 0..3 {
            for (hash, found) in [(3, 'a'), (7, 'b')] {
                if known.get([hash, 1]).is_none() {
                    assert_eq!(round, 0, "{found} was remembered");
                    put(&mut known, [hash, 1], found);
                }
            }
        }
        assert_eq!(
            (known.get([3, 1]), known.get([7, 1])),
            (Some(&'a'), Some(&'b'))
        );
    }

    #[test]
    fn what_comes_once_pushes_nothing_out() {
        let mut known = Known::new(2);
        put(&mut known, [2, 1], 'a');
        for other in 2..50 {
            known.put([other * 2, 1], &'b');
        }
        assert_eq!(known.get([2, 1]), Some(&'a'));
        assert_eq!(known.get([0, 0]), None, "an empty place is nobody's");
    }

    #[test]
    fn what_is_remembered_is_not_found_out_again() {
        for (most, finds) in [(0, 7), (1, 4), (8, 4)] {
            let mut known = Known::new(most);
            let mut count = 0;
            for value in [1, 1, 2, 1, 2, 1, 2] {
                let found = known.get_or([value, 7], || {
                    count += 1;
                    value * 10
                });
                assert_eq!(found, value * 10);
            }
            assert_eq!(count, finds, "{most}");
        }
    }
}
