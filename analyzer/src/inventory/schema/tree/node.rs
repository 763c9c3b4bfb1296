//! One place of a schema. Bodies carry few different things there, mostly one: how many carry each is
//! one number, and only where they are many, types and classes are counted apart.

use std::sync::Arc;

use super::super::super::tally::Tally;
use super::super::super::types::Types;
use super::super::outline::{Mark, Path};
use super::{INDEXED, NONE, ROOT};
use crate::snapshot::schema::FieldSnapshot;
use tapscope_record::ValueType;

/// One place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) path: Path,
    pub(super) name: Arc<str>,
    /// What the first body carried.
    first: Carried,
    /// Bodies in which all objects had it that could.
    pub(super) whole: u64,
    /// Bodies, seen whole, that had fields here.
    pub(super) objects: u64,
    /// What others carried.
    others: Option<Box<Others>>,
    /// The place it stands in; the body itself stands nowhere.
    pub(super) parent: u32,
    /// Places that stand in it.
    pub(super) children: u32,
}

/// What bodies carried, and how many.
#[derive(Clone, Debug, Default)]
struct Carried {
    class: Option<Arc<str>>,
    bodies: u64,
    /// None where nothing was carried yet.
    kind: Option<ValueType>,
    item: Option<ValueType>,
}

/// What bodies carried that did not carry what the first did.
#[derive(Clone, Debug, Default)]
struct Others {
    few: [Carried; 3],
    mixed: Option<Box<Mixed>>,
}

/// What bodies carried, where that is many different things.
#[derive(Clone, Debug, Default)]
struct Mixed {
    bodies: u64,
    types: Types,
    items: Types,
    classes: Tally,
}

/// Stands for the classes that found no place.
const OTHER: &str = "other";

impl Carried {
    fn is(&self, kind: ValueType, item: Option<ValueType>, class: Option<&Arc<str>>) -> bool {
        self.kind == Some(kind) && self.item == item && is_same(self.class.as_ref(), class)
    }
}

impl Node {
    pub(super) fn new((path, parent): (Path, u32), name: Arc<str>) -> Self {
        Self {
            path,
            name,
            first: Carried::default(),
            whole: 0,
            objects: 0,
            others: None,
            parent,
            children: 0,
        }
    }

    pub(super) fn children(&self) -> usize {
        self.children as usize
    }

    /// Bodies that had it.
    pub(super) fn seen(&self) -> u64 {
        let mixed = self.mixed().map_or(0, |mixed| mixed.bodies);
        let carried = self.carried().map(|one| one.bodies);
        carried.fold(mixed, u64::saturating_add)
    }

    /// What was carried, but for what is mixed.
    fn carried(&self) -> impl Iterator<Item = &Carried> {
        let others = self.others.iter().flat_map(|others| &others.few);
        let all = core::iter::once(&self.first).chain(others);
        all.take_while(|one| one.kind.is_some())
    }

    fn mixed(&self) -> Option<&Mixed> {
        self.others.as_ref()?.mixed.as_deref()
    }

    /// Adds what `by` bodies carried here.
    pub(super) fn add(&mut self, mark: &Mark, (by, whole): (u64, bool), class_cap: usize) {
        if whole && mark.everywhere {
            self.whole = self.whole.saturating_add(by);
        }
        if whole && mark.object {
            self.objects = self.objects.saturating_add(by);
        }
        self.carry((mark.kind, mark.item, mark.class.as_ref()), by, class_cap);
    }

    fn carry(
        &mut self,
        (kind, item, class): (ValueType, Option<ValueType>, Option<&Arc<str>>),
        by: u64,
        class_cap: usize,
    ) {
        if self.first.is(kind, item, class) {
            self.first.bodies = self.first.bodies.saturating_add(by);
            return;
        }
        let few = self.others.iter_mut().flat_map(|others| &mut others.few);
        for known in few {
            if known.is(kind, item, class) {
                known.bodies = known.bodies.saturating_add(by);
                return;
            }
        }
        self.carry_new((kind, item, class), by, class_cap);
    }

    /// Adds what nobody carried yet, or what is mixed.
    fn carry_new(
        &mut self,
        (kind, item, class): (ValueType, Option<ValueType>, Option<&Arc<str>>),
        by: u64,
        class_cap: usize,
    ) {
        let other: Arc<str>;
        let class = match class {
            Some(class) if !self.has_class(class) && self.classes() >= class_cap => {
                other = OTHER.into();
                Some(&other)
            }
            class => class,
        };
        let few = self.others.iter_mut().flat_map(|others| &mut others.few);
        let free = |one: &&mut Carried| one.kind.is_none() || one.is(kind, item, class);
        if let Some(one) = core::iter::once(&mut self.first).chain(few).find(free) {
            one.bodies = one.bodies.saturating_add(by);
            one.class = class.cloned();
            one.kind = Some(kind);
            one.item = item;
            return;
        }
        let Some(others) = &mut self.others else {
            let mut others = Box::<Others>::default();
            if let Some(one) = others.few.first_mut() {
                *one = Carried {
                    class: class.cloned(),
                    bodies: by,
                    kind: Some(kind),
                    item,
                };
            }
            self.others = Some(others);
            return;
        };
        let mixed = others.mixed.get_or_insert_default();
        mixed.bodies = mixed.bodies.saturating_add(by);
        mixed.types.add(kind, by);
        if let Some(item) = item {
            mixed.items.add(item, by);
        }
        if let Some(class) = class {
            mixed.classes.add(class, by, usize::MAX);
        }
    }

    fn has_class(&self, class: &str) -> bool {
        let is_it = |one: &Carried| one.class.as_deref() == Some(class);
        self.carried().any(is_it)
            || self
                .mixed()
                .is_some_and(|mixed| mixed.classes.contains(class))
    }

    /// How many classes there are.
    fn classes(&self) -> usize {
        self.with_classes(Tally::len)
    }

    pub(super) fn merge(&mut self, from: &Self, class_cap: usize) {
        self.whole = self.whole.saturating_add(from.whole);
        self.objects = self.objects.saturating_add(from.objects);
        for one in from.carried() {
            if let Some(kind) = one.kind {
                self.carry((kind, one.item, one.class.as_ref()), one.bodies, class_cap);
            }
        }
        if let Some(theirs) = from.mixed() {
            self.merge_mixed(theirs, class_cap);
        }
    }

    fn merge_mixed(&mut self, theirs: &Mixed, class_cap: usize) {
        // Those that found a place stay with it.
        let mut classes = self.with_classes(Tally::clone);
        let mut added = Tally::default();
        for (class, bodies) in theirs.classes.iter() {
            let full = !classes.contains(class) && classes.len() >= class_cap;
            let class = if full { OTHER } else { class };
            classes.add(class, 0, usize::MAX);
            added.add(class, bodies, usize::MAX);
        }
        let others = self.others.get_or_insert_default();
        let mixed = others.mixed.get_or_insert_default();
        mixed.bodies = mixed.bodies.saturating_add(theirs.bodies);
        mixed.types.merge(&theirs.types);
        mixed.items.merge(&theirs.items);
        mixed.classes.merge(&added, usize::MAX);
    }

    /// Types with how often.
    pub(super) fn types(&self) -> Types {
        let mut all = match self.mixed() {
            Some(mixed) => mixed.types.clone(),
            None => Types::with_room(self.carried().count()),
        };
        for one in self.carried() {
            one.kind
                .into_iter()
                .for_each(|kind| all.add(kind, one.bodies));
        }
        all
    }

    /// Types of items with how often.
    pub(super) fn items(&self) -> Types {
        let mixed = self.mixed().map(|mixed| mixed.items.clone());
        let mut all = mixed.unwrap_or_default();
        for one in self.carried() {
            one.item
                .into_iter()
                .for_each(|item| all.add(item, one.bodies));
        }
        all
    }

    /// Gives the classes with how often to `with`.
    pub(super) fn with_classes<R>(&self, with: impl FnOnce(&Tally) -> R) -> R {
        let mixed = self.mixed().map(|mixed| mixed.classes.clone());
        let mut all = mixed.unwrap_or_default();
        for one in self.carried() {
            if let Some(class) = &one.class {
                all.add(class, one.bodies, usize::MAX);
            }
        }
        with(&all)
    }

    /// The type that all had that had it, and that of its items, where it is one.
    pub(super) fn only(&self) -> Option<(ValueType, Option<ValueType>, u64)> {
        let kind = self.first.kind.filter(|_| self.others.is_none())?;
        Some((kind, self.first.item, self.first.bodies))
    }

    pub(super) fn bytes(&self) -> usize {
        let others = self.others.as_ref().map_or(0, |_| size_of::<Others>());
        let mixed = self.mixed().map_or(0, |mixed| {
            size_of::<Mixed>() + mixed.types.bytes() + mixed.items.bytes() + mixed.classes.bytes()
        });
        size_of::<Self>() + INDEXED + others + mixed
    }

    /// A place without its fields.
    pub(super) fn of(field: &FieldSnapshot) -> Self {
        let mut node = Self::new((ROOT, NONE), "".into());
        node.whole = field.whole;
        node.objects = field.objects;
        let types = Types::restore(&field.types);
        let items = Types::restore(&field.items);
        let one = |types: &Types| {
            types
                .iter()
                .next()
                .filter(|one| *one == (one.0, field.seen))
        };
        let class = field.classes.iter().next();
        let is_alike = types.len() == 1
            && one(&types).is_some()
            && (items.len() == 0 || items.len() == 1 && one(&items).is_some())
            && field.classes.len() <= 1
            && class.is_none_or(|(_, n)| *n == field.seen);
        if let Some((kind, _)) = one(&types).filter(|_| is_alike) {
            let class: Option<Arc<str>> = class.map(|(name, _)| name.as_str().into());
            let item = one(&items).map(|one| one.0);
            node.carry((kind, item, class.as_ref()), field.seen, usize::MAX);
        } else if field.seen > 0 {
            let mixed = Mixed {
                bodies: field.seen,
                types,
                items,
                classes: Tally::from_counts(&field.classes),
            };
            node.others.get_or_insert_default().mixed = Some(Box::new(mixed));
        }
        node
    }
}

/// Whether both are the same class: names are shared mostly.
fn is_same(one: Option<&Arc<str>>, other: Option<&Arc<str>>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => Arc::ptr_eq(one, other) || one == other,
        (None, None) => true,
        _ => false,
    }
}
