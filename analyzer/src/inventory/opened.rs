//! Exchanges that were reported while they were open: which endpoint they were counted at, so that
//! what their end tells is learned there and counted once.

use std::collections::{BTreeMap, VecDeque};

use crate::snapshot::EndpointId;

/// Where each open exchange was counted. Bounded; the oldest is forgotten first, and then nothing
/// is learned from its end.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    by_id: BTreeMap<String, (String, EndpointId)>,
    order: VecDeque<String>,
    /// Exchanges whose end found no place: forgotten, or counted at no endpoint.
    unplaced: u64,
}

impl Opened {
    /// An exchange was counted at an endpoint of a host.
    pub fn open(&mut self, id: &str, host: &str, endpoint: EndpointId, max: usize) {
        while self.order.len() >= max {
            let Some(oldest) = self.order.pop_front() else {
                return;
            };
            self.by_id.remove(&oldest);
        }
        let place = (host.to_owned(), endpoint);
        if self.by_id.insert(id.to_owned(), place).is_none() {
            self.order.push_back(id.to_owned());
        }
    }

    /// It ends: where it was counted.
    pub fn close(&mut self, id: &str) -> Option<(String, EndpointId)> {
        let place = self.by_id.remove(id);
        if place.is_none() {
            self.unplaced = self.unplaced.saturating_add(1);
        }
        // The queue holds what is open, and not much more.
        while self
            .order
            .front()
            .is_some_and(|id| !self.by_id.contains_key(id))
        {
            self.order.pop_front();
        }
        place
    }

    /// Exchanges whose end found no place.
    #[must_use]
    pub const fn unplaced(&self) -> u64 {
        self.unplaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut opened = Opened::default();
        for (id, endpoint) in [("a", 1), ("b", 2), ("c", 3)] {
            opened.open(id, "h", EndpointId(endpoint), 2);
        }
        assert_eq!(opened.close("a"), None);
        assert_eq!(opened.close("c"), Some(("h".to_owned(), EndpointId(3))));
        assert_eq!(opened.close("c"), None);
        opened.open("d", "h", EndpointId(4), 2);
        assert_eq!(opened.close("b"), Some(("h".to_owned(), EndpointId(2))));
        assert_eq!(opened.close("d"), Some(("h".to_owned(), EndpointId(4))));
        assert_eq!(opened.unplaced(), 2);
        assert!(opened.order.is_empty());
    }
}
