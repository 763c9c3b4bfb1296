//! Shapes seen before: a body of a known shape adds one to a count instead of to each of its
//! places. What was counted is added to the schemas when they are read.

use std::sync::Arc;

use super::outline::Outline;

/// Shapes remembered per endpoint: requests, responses, and a few that differ in optional fields.
const SHAPES: usize = 6;

/// One shape, and how often it was seen.
#[derive(Clone, Debug)]
pub(super) struct Memo {
    pub(super) outline: Arc<Outline>,
    /// The schema it is of.
    pub(super) schema: usize,
    /// Whether bodies of it were seen whole.
    pub(super) whole: bool,
    /// Bodies counted and not added yet.
    pub(super) pending: u64,
    /// Fields that found no place.
    pub(super) refused: u64,
}

/// The latest shapes of an endpoint, the one used last in front.
#[derive(Clone, Debug, Default)]
pub(super) struct Memos(Vec<Memo>);

impl Memos {
    /// Counts a body when its shape is known.
    pub(super) fn count(&mut self, schema: usize, whole: bool, outline: &Arc<Outline>) -> bool {
        let is_it = |memo: &Memo| {
            memo.schema == schema && memo.whole == whole && Arc::ptr_eq(&memo.outline, outline)
        };
        let Some(at) = self.0.iter().position(is_it) else {
            return false;
        };
        self.0[..=at].rotate_right(1);
        if let Some(memo) = self.0.first_mut() {
            memo.pending = memo.pending.saturating_add(1);
        }
        true
    }

    /// Remembers a shape; returns the one that gives way to it.
    pub(super) fn put(&mut self, memo: Memo) -> Option<Memo> {
        let old = (self.0.len() >= SHAPES).then(|| self.0.pop()).flatten();
        self.0.insert(0, memo);
        old
    }

    /// Bytes held beside itself; outlines are shared.
    pub(super) fn bytes(&self) -> usize {
        self.0.capacity() * size_of::<Memo>()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Memo> {
        self.0.iter_mut()
    }
}
