//! What was found out of values before. Clients send the same tokens, hosts and products with every
//! call: they are read once. Of the values themselves nothing is kept, only prints.

use crate::token::Print;

/// Findings by the prints of their values, the latest in each place.
pub(crate) struct Known<T> {
    places: Vec<Option<Box<(Print, T)>>>,
}

impl<T: Clone> Known<T> {
    /// Remembers so many.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            places: vec![None; most],
        }
    }

    /// What is known of the value of that print; else what `find` finds out, which is remembered.
    pub(crate) fn get_or(&mut self, print: Print, find: impl FnOnce() -> T) -> T {
        if let Some(known) = self.get(print) {
            return known.clone();
        }
        let found = find();
        self.put(print, found.clone());
        found
    }

    /// What is known of the value of that print.
    pub(crate) fn get(&self, print: Print) -> Option<&T> {
        let known = self.places.get(self.place(print)?)?.as_deref();
        known
            .filter(|(known, _)| *known == print)
            .map(|(_, found)| found)
    }

    /// Remembers what was found out of the value of that print.
    pub(crate) fn put(&mut self, print: Print, found: T) {
        let place = self.place(print);
        if let Some(place) = place.and_then(|at| self.places.get_mut(at)) {
            *place = Some(Box::new((print, found)));
        }
    }

    fn place(&self, [hash, _]: Print) -> Option<usize> {
        // The hash is a good one: its low bits tell the place.
        usize::try_from(hash.checked_rem(self.places.len() as u64)?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_not_found_out_again() {
        for (most, finds) in [(0, 5), (1, 4), (8, 2)] {
            let mut known = Known::new(most);
            let mut count = 0;
            for value in [1, 1, 2, 1, 2] {
                let found = known.get_or([value, 7], || {
                    count += 1;
                    value * 10
                });
                assert_eq!(found, value * 10);
            }
            assert_eq!(count, finds);
        }
    }
}
