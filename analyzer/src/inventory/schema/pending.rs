//! Bodies that were counted and not added to the schemas yet. A body costs a look at a short list
//! instead of at each of its places, which are many and lie all over the memory; most endpoints have few
//! kinds of bodies, and the list is all that is held of them. Places are made and added to when the
//! list is full, and in a copy when somebody looks, so that what is learned does not hang on who
//! looks when.

use std::sync::Arc;

use super::outline::Outline;

/// Kinds of bodies of an endpoint that wait; beyond it, all of them are added. Endpoints with some
/// optional fields have a few dozen.
const KINDS: usize = 96;

/// Places of the bodies that wait, likewise: outlines that nobody else holds any more are held here.
const PLACES: usize = 4_096;

/// One kind of body, and how often it was seen.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) outline: Arc<Outline>,
    pub(super) bodies: u64,
    /// The schema it is of.
    pub(super) schema: u16,
    /// Whether bodies of it were seen whole.
    pub(super) whole: bool,
}

/// The bodies that wait, in the order in which their kinds were first seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    kinds: Vec<Waiting>,
    /// Their places, all in all.
    places: usize,
}

impl Pending {
    /// Counts so many bodies when others of their kind wait.
    pub(super) fn count(
        &mut self,
        (schema, whole): (u16, bool),
        outline: &Arc<Outline>,
        bodies: u64,
    ) -> bool {
        let is_it = |one: &&mut Waiting| {
            Arc::ptr_eq(&one.outline, outline) && one.schema == schema && one.whole == whole
        };
        let known = self.kinds.iter_mut().find(is_it);
        known.is_some_and(|known| {
            known.bodies = known.bodies.saturating_add(bodies);
            true
        })
    }

    /// Adds a kind of body.
    pub(super) fn push(&mut self, new: Waiting) {
        self.places += new.outline.places.len();
        self.kinds.push(new);
    }

    /// Whether there is no room for another kind.
    pub(super) fn is_full(&self) -> bool {
        self.kinds.len() >= KINDS || self.places >= PLACES
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// All that waits, in order.
    pub(super) fn kinds(&self) -> &[Waiting] {
        &self.kinds
    }

    /// Bytes held beside itself; outlines are shared.
    pub(super) fn bytes(&self) -> usize {
        self.kinds.capacity() * size_of::<Waiting>()
    }
}
