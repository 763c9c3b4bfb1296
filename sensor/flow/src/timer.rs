//! Queues of connections by the time they were last moved: every timer of the table.
//!
//! A queue holds connections that wait equally long, so its front is always due first, and a
//! packet costs at most one move. Links live beside the slots, not in them: walking a queue does
//! not touch the connections.

use tapscope_decap::Timestamp;

const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Link {
    previous: u32,
    next: u32,
    /// The queue the slot stands in; `u8::MAX` when in none.
    queue: u8,
    queued_at: Timestamp,
}

/// What a slot takes in a set of queues.
pub(crate) const LINK_BYTES: usize = size_of::<Link>();

const UNLINKED: Link = Link {
    previous: NONE,
    next: NONE,
    queue: u8::MAX,
    queued_at: Timestamp::from_nanos(0),
};

#[derive(Clone, Copy, Debug)]
struct Queue {
    head: u32,
    tail: u32,
}

/// A set of `N` queues; a slot stands in at most one of them.
#[derive(Debug)]
pub(crate) struct Queues<const N: usize> {
    links: Vec<Link>,
    queues: [Queue; N],
}

impl<const N: usize> Queues<N> {
    pub(crate) const fn new() -> Self {
        Self {
            links: Vec::new(),
            queues: [Queue {
                head: NONE,
                tail: NONE,
            }; N],
        }
    }

    /// Moves `slot` to the back of `queue`.
    pub(crate) fn push_back(&mut self, queue: u8, slot: u32, now: Timestamp) {
        self.remove(slot);
        let index = slot as usize;
        if self.links.len() <= index {
            self.links.resize(index + 1, UNLINKED);
        }
        let Some(ends) = self.queues.get_mut(usize::from(queue)) else {
            return;
        };
        let previous = ends.tail;
        ends.tail = slot;
        if previous == NONE {
            ends.head = slot;
        }
        if let Some(link) = self.links.get_mut(previous as usize) {
            link.next = slot;
        }
        if let Some(link) = self.links.get_mut(index) {
            *link = Link {
                previous,
                next: NONE,
                queue,
                queued_at: now,
            };
        }
    }

    /// Takes `slot` out of the queue it stands in.
    pub(crate) fn remove(&mut self, slot: u32) {
        let Some(link) = self.links.get_mut(slot as usize) else {
            return;
        };
        let taken = core::mem::replace(link, UNLINKED);
        let Some(ends) = self.queues.get_mut(usize::from(taken.queue)) else {
            return;
        };
        if ends.head == slot {
            ends.head = taken.next;
        }
        if ends.tail == slot {
            ends.tail = taken.previous;
        }
        if let Some(previous) = self.links.get_mut(taken.previous as usize) {
            previous.next = taken.next;
        }
        if let Some(next) = self.links.get_mut(taken.next as usize) {
            next.previous = taken.previous;
        }
    }

    /// The slot that waits longest in `queue`, and since when.
    pub(crate) fn front(&self, queue: u8) -> Option<(u32, Timestamp)> {
        let head = self.queues.get(usize::from(queue))?.head;
        let link = self.links.get(head as usize)?;
        Some((head, link.queued_at))
    }

    /// The queue `slot` stands in and since when.
    pub(crate) fn standing(&self, slot: u32) -> Option<(u8, Timestamp)> {
        let link = self.links.get(slot as usize)?;
        (link.queue != u8::MAX).then_some((link.queue, link.queued_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    fn drain(queues: &mut Queues<2>, queue: u8) -> Vec<u32> {
        core::iter::from_fn(|| {
            let (slot, _) = queues.front(queue)?;
            queues.remove(slot);
            Some(slot)
        })
        .collect()
    }

    #[test]
    fn front_is_what_waited_longest() {
        let mut queues = Queues::<2>::new();
        for slot in [3, 0, 2, 1] {
            queues.push_back(0, slot, at(i64::from(slot)));
        }
        queues.push_back(0, 0, at(9));
        queues.push_back(1, 2, at(9));
        assert_eq!(queues.standing(2), Some((1, at(9))));
        assert_eq!(drain(&mut queues, 0), [3, 1, 0]);
        assert_eq!(drain(&mut queues, 1), [2]);
        assert_eq!(queues.standing(2), None);
    }

    #[test]
    fn removal_in_the_middle_keeps_the_order() {
        let mut queues = Queues::<2>::new();
        for slot in 0..5 {
            queues.push_back(0, slot, at(0));
        }
        for slot in [2, 4, 0, 7] {
            queues.remove(slot);
        }
        assert_eq!(drain(&mut queues, 0), [1, 3]);
    }
}
