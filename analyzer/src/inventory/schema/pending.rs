//! Bodies that were counted and not added to the schemas yet. A body costs a look at a short list
//! instead of at each of its places, which lie all over the memory; places are added to for many
//! bodies at once. That happens when the list is full and never because somebody looks, so that
//! what is learned does not hang on who looks when.

use std::sync::Arc;

use super::outline::Outline;

/// Kinds of bodies of an endpoint that wait; beyond it, all of them are added. Endpoints with some
/// optional fields have a few dozen.
const KINDS: usize = 96;

/// Places of the bodies that wait, likewise: outlines that nobody else holds any more are held here.
const PLACES: usize = 2_048;

/// One kind of body, and how often it was seen.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) outline: Arc<Outline>,
    /// The schema it is of.
    pub(super) schema: u32,
    /// Whether bodies of it were seen whole.
    pub(super) whole: bool,
    pub(super) bodies: u64,
}

/// The bodies that wait, in the order in which their kinds were first seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Pending {
    kinds: Vec<Waiting>,
    /// Their places, all in all.
    places: usize,
}

impl Pending {
    /// Counts a body when others of its kind wait.
    pub(super) fn count(&mut self, schema: u32, whole: bool, outline: &Arc<Outline>) -> bool {
        let is_it = |one: &&mut Waiting| {
            Arc::ptr_eq(&one.outline, outline) && one.schema == schema && one.whole == whole
        };
        let known = self.kinds.iter_mut().find(is_it);
        known.is_some_and(|known| {
            known.bodies = known.bodies.saturating_add(1);
            true
        })
    }

    /// Adds a kind of body, seen once.
    pub(super) fn push(&mut self, schema: u32, whole: bool, outline: &Arc<Outline>) {
        self.places += outline.places.len();
        self.kinds.push(Waiting {
            outline: Arc::clone(outline),
            schema,
            whole,
            bodies: 1,
        });
    }

    /// Whether there is no room for another kind.
    pub(super) fn is_full(&self) -> bool {
        self.kinds.len() >= KINDS || self.places >= PLACES
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// All that waits, in order; nothing is left, but for the room.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = Waiting> {
        self.places = 0;
        self.kinds.drain(..)
    }

    /// Bytes held beside itself; outlines are shared.
    pub(super) fn bytes(&self) -> usize {
        self.kinds.capacity() * size_of::<Waiting>()
    }
}
