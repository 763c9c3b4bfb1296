//! Shapes seen before: a body of a known shape adds one to a count instead of looking up the name of
//! each field. What was counted is added to the parameters when they are read.

use core::hash::{BuildHasher, Hash, Hasher};

use foldhash::quality::FixedState;

use crate::settings::InventorySettings;
use tapscope_record::{Shape, ValueType};

/// Shapes remembered per endpoint: requests, responses, and a few that differ in optional fields.
const SHAPES: usize = 6;

/// One shape, and what a body of it adds.
#[derive(Clone, Debug)]
pub(super) struct Memo {
    hash: u64,
    /// Bodies counted and not added yet.
    pub(super) pending: u64,
    /// The parameter and type of each field that has a place.
    pub(super) fields: Vec<(u32, ValueType)>,
    /// The parameter and class of each field that has one.
    pub(super) classes: Vec<(u32, Box<str>)>,
    /// Fields that found no place.
    pub(super) refused: u64,
}

impl Memo {
    pub(super) fn new(hash: u64) -> Self {
        Self {
            hash,
            pending: 0,
            fields: Vec::new(),
            classes: Vec::new(),
            refused: 0,
        }
    }

    /// Notes a field and the place it found.
    pub(super) fn push(&mut self, at: Option<u32>, kind: ValueType, class: Option<&str>) {
        let Some(at) = at else {
            self.refused += 1;
            return;
        };
        self.fields.push((at, kind));
        if let Some(class) = class {
            self.classes.push((at, class.into()));
        }
    }
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
        self.0[..=at].rotate_right(1);
        if let Some(memo) = self.0.first_mut() {
            memo.pending = memo.pending.saturating_add(1);
        }
        true
    }

    /// Remembers a shape; returns the one that gives way to it.
    pub(super) fn put(&mut self, mut memo: Memo) -> Option<Memo> {
        memo.fields.shrink_to_fit();
        let old = (self.0.len() >= SHAPES).then(|| self.0.pop()).flatten();
        self.0.insert(0, memo);
        old
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Memo> {
        self.0.iter_mut()
    }
}

/// Names a shape by all that a body of it adds, as far as bodies are looked at.
pub(super) fn hash(location: u8, shape: &Shape, settings: &InventorySettings) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    location.hash(&mut hasher);
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
        field.shape.kind.hash(hasher);
        field.class.hash(hasher);
        walk(&field.shape, depth, left, hasher);
    }
}
