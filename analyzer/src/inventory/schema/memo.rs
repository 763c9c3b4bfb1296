//! Shapes seen before: a body of a known shape adds one to a count instead of looking up the name
//! of each field. What was counted is added to the schemas when they are read.

use core::hash::{BuildHasher, Hash, Hasher};

use std::sync::{Arc, Weak};

use foldhash::quality::FixedState;

use crate::settings::InventorySettings;
use tapscope_record::{Field, Shape, ValueType};

/// Shapes remembered per endpoint: requests, responses, and a few that differ in optional fields.
const SHAPES: usize = 6;

/// What a body of the shape adds to one place.
#[derive(Clone, Debug)]
pub(super) struct Addition {
    /// The place.
    pub(super) node: u32,
    /// Its type.
    pub(super) kind: ValueType,
    /// The type of its items.
    pub(super) item: Option<ValueType>,
    /// Whether it has fields.
    pub(super) object: bool,
    /// Whether all objects of the body that could have it do.
    pub(super) everywhere: bool,
    /// Class of its value.
    pub(super) class: Option<Box<str>>,
}

/// One shape, and what a body of it adds.
#[derive(Clone, Debug)]
pub(super) struct Memo {
    pub(super) hash: u64,
    /// The schema it is of.
    pub(super) schema: usize,
    /// Whether bodies of it were seen whole.
    pub(super) whole: bool,
    /// Bodies counted and not added yet.
    pub(super) pending: u64,
    /// The shape itself, as long as the sensor gives it out again: then it need not be named.
    pub(super) shared: Weak<Shape>,
    /// What one of them adds.
    pub(super) additions: Vec<Addition>,
    /// Fields that found no place.
    pub(super) refused: u64,
}

/// The latest shapes of an endpoint, the one used last in front.
#[derive(Clone, Debug, Default)]
pub(super) struct Memos(Vec<Memo>);

impl Memos {
    /// Counts a body when its shape is known.
    pub(super) fn count(&mut self, hash: u64) -> bool {
        let Some(at) = self.0.iter().position(|memo| memo.hash == hash) else {
            return false;
        };
        self.count_at(at);
        true
    }

    fn count_at(&mut self, at: usize) {
        self.0[..=at].rotate_right(1);
        if let Some(memo) = self.0.first_mut() {
            memo.pending = memo.pending.saturating_add(1);
        }
    }

    /// Counts a body when its very shape is known.
    pub(super) fn count_shared(&mut self, schema: usize, whole: bool, shape: &Arc<Shape>) -> bool {
        let is_it = |memo: &Memo| {
            memo.schema == schema
                && memo.whole == whole
                && core::ptr::eq(memo.shared.as_ptr(), Arc::as_ptr(shape))
        };
        let Some(at) = self.0.iter().position(is_it) else {
            return false;
        };
        self.count_at(at);
        true
    }

    /// The shape that was counted last is that one.
    pub(super) fn share(&mut self, shape: Option<&Arc<Shape>>) {
        if let (Some(latest), Some(shape)) = (self.0.first_mut(), shape) {
            latest.shared = Arc::downgrade(shape);
        }
    }

    /// Remembers a shape; returns the one that gives way to it.
    pub(super) fn put(&mut self, mut memo: Memo) -> Option<Memo> {
        memo.additions.shrink_to_fit();
        let old = (self.0.len() >= SHAPES).then(|| self.0.pop()).flatten();
        self.0.insert(0, memo);
        old
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Memo> {
        self.0.iter_mut()
    }
}

/// Names a shape by all that a body of it adds, as far as bodies are looked at.
pub(super) fn hash(schema: usize, shape: &Shape, whole: bool, settings: &InventorySettings) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    (schema, whole, shape.kind, shape.item).hash(&mut hasher);
    let mut left = settings.max_fields_per_body.saturating_add(1);
    walk(shape, settings.max_field_depth, &mut left, &mut hasher);
    hasher.finish()
}

fn walk(shape: &Shape, depth: usize, left: &mut usize, hasher: &mut impl Hasher) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    shape.fields.len().hash(hasher);
    for field in &shape.fields {
        let Some(fewer) = left.checked_sub(1) else {
            return;
        };
        *left = fewer;
        field.name.hash(hasher);
        let everywhere = is_everywhere(field, shape);
        (field.shape.kind, field.shape.item, everywhere).hash(hasher);
        field.class.hash(hasher);
        walk(&field.shape, depth, left, hasher);
    }
}

/// Whether all of the objects that were merged in the shape have the field.
pub(super) fn is_everywhere(field: &Field, shape: &Shape) -> bool {
    field.seen.max(1) >= shape.objects.max(1)
}
