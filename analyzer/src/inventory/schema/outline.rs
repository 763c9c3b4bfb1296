//! The outline of a body: its shape, made ready to be added to any number of schemas. Names are
//! looked up once for each kind of body and not once for each body and endpoint.

use core::hash::{BuildHasher, Hash, Hasher};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use foldhash::quality::FixedState;

use crate::endpoint::shape_name;
use crate::settings::InventorySettings;
use tapscope_record::{ExchangeRecord, Field, MessageRecord, Shape, ValueType};

/// The name of a place: that of its parent and its own, hashed; the body itself has a fixed one.
pub(super) type Path = u64;

/// The body itself.
pub(super) const ROOT: Path = 0;

/// One place of a body.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its parent among the places; the body itself is its own.
    pub(super) parent: u32,
    pub(super) path: Path,
    /// Hash of its name.
    pub(super) hash: u64,
    pub(super) name: Arc<str>,
}

/// What a body adds to one of its places.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) path: Path,
    /// Class of its value.
    pub(super) class: Option<Arc<str>>,
    /// The number of the place.
    pub(super) at: u32,
    /// Its type.
    pub(super) kind: ValueType,
    /// The type of its items.
    pub(super) item: Option<ValueType>,
    /// Whether it has fields.
    pub(super) object: bool,
    /// Whether all objects of the body that could have it do.
    pub(super) everywhere: bool,
}

/// What a place takes.
const PLACE_BYTES: usize = size_of::<Place>() + size_of::<Mark>();

/// What it takes to remember the outline of a shape.
pub(super) const SHAPE_COST: usize = 128;

/// Counts the places of an outline for as long as anybody holds it: bodies that wait to be added
/// hold outlines that are remembered no longer.
#[derive(Debug)]
struct Counted {
    places: usize,
    all: Arc<AtomicUsize>,
}

impl Counted {
    fn new(places: usize, all: &Arc<AtomicUsize>) -> Self {
        all.fetch_add(places, Ordering::Relaxed);
        let all = Arc::clone(all);
        Self { places, all }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.all.fetch_sub(self.places, Ordering::Relaxed);
    }
}

/// A shape, as far as bodies are looked at.
#[derive(Debug)]
pub(super) struct Outline {
    /// Parents before their fields, in the order of the body.
    pub(super) places: Box<[Place]>,
    /// What bodies add to them, by path.
    pub(super) marks: Box<[Mark]>,
    /// Whether no two places have the same path.
    pub(super) is_unique: bool,
    /// Fields beyond the cap on fields of a body.
    pub(super) refused: u64,
    /// Whether bodies of the shape were cut by the sensor.
    pub(super) truncated: bool,
    /// What template learning compares.
    name: u64,
    _counted: Counted,
}

/// The place of a field in another place.
pub(super) fn path_of(parent: Path, name: u64) -> Path {
    let mixed = (parent.rotate_left(23) ^ name).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The body itself stays the only one of its name.
    (mixed ^ (mixed >> 29)).max(ROOT + 1)
}

/// The hash of a name.
pub(super) fn hash_of(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}

/// The outlines of an exchange's bodies.
#[derive(Clone, Debug, Default)]
pub struct Outlined {
    pub(super) request: Option<Arc<Outline>>,
    pub(super) response: Option<Arc<Outline>>,
}

impl Outlined {
    /// Bytes held, roughly, if nobody else holds them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let both = self.request.iter().chain(&self.response);
        let places: usize = both.map(|outline| outline.places.len()).sum();
        places * PLACE_BYTES
    }

    /// The name of the response's shape.
    #[must_use]
    pub fn response_name(&self) -> Option<u64> {
        self.response.as_ref().map(|outline| outline.name)
    }
}

/// The outlines that were made of late, and the names in them. Bounded by the places in all, and
/// by what schemas hold of the names.
#[derive(Debug, Default)]
pub struct Outlines {
    names: Names,
    known: HashMap<u64, Arc<Outline>, FixedState>,
    /// By address: shapes that the sensor keeps and gives out again need not even be hashed. What
    /// is held weakly keeps its address. Bounded in number.
    shared: HashMap<usize, (Weak<Shape>, Arc<Outline>), FixedState>,
    /// Places of the outlines that are remembered.
    places: usize,
    /// Places of all that anybody holds.
    held: Arc<AtomicUsize>,
}

impl Outlines {
    /// The outlines of an exchange's bodies; where they are streams of messages, of the first of
    /// these.
    pub fn of(&mut self, record: &ExchangeRecord, settings: &InventorySettings) -> Outlined {
        let messages = record.messages.as_ref();
        let mut outline = |message: &Option<MessageRecord>, of_messages: Option<&Shape>| {
            let message = message.as_ref()?;
            match &message.shape {
                Some(shape) => Some(self.of_shared(shape, settings)),
                None => of_messages.map(|shape| self.of_shape(shape, settings)),
            }
        };
        let client = messages.and_then(|m| m.from_client.shape.as_ref());
        let server = messages.and_then(|m| m.from_server.shape.as_ref());
        Outlined {
            request: outline(&record.request, client),
            response: outline(&record.response, server),
        }
    }

    /// Bytes held, roughly, also by bodies that wait.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.held.load(Ordering::Relaxed) * PLACE_BYTES
            + (self.known.len() + self.shared.len()) * SHAPE_COST
            + self.names.bytes
    }

    /// The outline of a shape that other bodies may share.
    pub(super) fn of_shared(
        &mut self,
        shape: &Arc<Shape>,
        settings: &InventorySettings,
    ) -> Arc<Outline> {
        let address = Arc::as_ptr(shape).addr();
        if let Some((_, outline)) = self.shared.get(&address) {
            return Arc::clone(outline);
        }
        let outline = self.of_shape(shape, settings);
        // A shape that nobody else holds will not come again.
        if Arc::strong_count(shape) > 1 {
            if self.shared.len() >= settings.outlined_shapes_max {
                // What is in use comes back. Looking for that would cost the same time and again
                // where nearly all of it is.
                self.shared.clear();
            }
            let known = (Arc::downgrade(shape), Arc::clone(&outline));
            self.shared.insert(address, known);
        }
        outline
    }

    /// The outline of a shape, made when it is not known.
    pub(super) fn of_shape(&mut self, shape: &Shape, settings: &InventorySettings) -> Arc<Outline> {
        let hash = hash(shape, settings);
        if let Some(outline) = self.known.get(&hash) {
            return Arc::clone(outline);
        }
        let outline = Arc::new(outline(shape, (&mut self.names, &self.held), settings));
        let places = outline.places.len();
        let full = self.known.len() >= settings.outlines_max
            || self.places + places > settings.outline_places_max;
        if full {
            // What is in use comes back with the next body.
            self.known.clear();
            self.shared.clear();
            self.places = 0;
        }
        self.places += places;
        self.known.insert(hash, Arc::clone(&outline));
        outline
    }
}

/// Names of fields and classes, each once.
#[derive(Debug, Default)]
struct Names {
    known: HashSet<Arc<str>, FixedState>,
    bytes: usize,
    /// Names after those that nobody used were let go.
    swept: usize,
}

/// Names below which it is not worth the while to look for those that nobody uses.
const NAMES_MIN: usize = 4_096;

/// What a name takes beyond its text.
const NAME_COST: usize = 40;

impl Names {
    fn get(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.known.get(name) {
            return Arc::clone(known);
        }
        if self.known.len() >= NAMES_MIN.max(self.swept * 2) {
            self.known.retain(|name| Arc::strong_count(name) > 1);
            self.swept = self.known.len();
            self.bytes = self.known.iter().map(|one| one.len() + NAME_COST).sum();
        }
        let new: Arc<str> = name.into();
        self.bytes += name.len() + NAME_COST;
        self.known.insert(Arc::clone(&new));
        new
    }
}

/// Names a shape by all that a body of it adds, as far as bodies are looked at.
fn hash(shape: &Shape, settings: &InventorySettings) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    (shape.kind, shape.item, shape.truncated).hash(&mut hasher);
    let mut left = settings.max_fields_per_body.saturating_add(1);
    walk(shape, settings.max_field_depth, &mut left, &mut hasher);
    hasher.finish()
}

fn walk(shape: &Shape, depth: usize, left: &mut usize, hasher: &mut impl Hasher) {
    let Some(depth) = depth.checked_sub(1) else {
        return;
    };
    hasher.write_usize(shape.fields.len());
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
fn is_everywhere(field: &Field, shape: &Shape) -> bool {
    field.seen.max(1) >= shape.objects.max(1)
}

fn outline(
    shape: &Shape,
    (names, held): (&mut Names, &Arc<AtomicUsize>),
    settings: &InventorySettings,
) -> Outline {
    let mut look = Look {
        places: Vec::new(),
        marks: Vec::new(),
        names,
        left: settings.max_fields_per_body,
        refused: 0,
    };
    let name = look.names.get("");
    look.place(shape, (0, ROOT), (hash_of(""), name), (true, None));
    look.fields(0, shape, settings.max_field_depth);
    let Look {
        places,
        mut marks,
        refused,
        ..
    } = look;
    marks.sort_unstable_by_key(|mark| (mark.path, mark.at));
    let mut pairs = marks.iter().zip(marks.iter().skip(1));
    let is_unique = pairs.all(|(one, next)| one.path != next.path);
    Outline {
        _counted: Counted::new(places.len(), held),
        places: places.into(),
        marks: marks.into(),
        is_unique,
        refused,
        truncated: shape.truncated,
        name: shape_name(shape),
    }
}

/// A look through a body: how many fields may still be looked at.
struct Look<'a> {
    places: Vec<Place>,
    marks: Vec<Mark>,
    names: &'a mut Names,
    left: usize,
    refused: u64,
}

impl Look<'_> {
    fn fields(&mut self, at: u32, shape: &Shape, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let parent = self.places.get(at as usize).map_or(ROOT, |one| one.path);
        for field in &shape.fields {
            let Some(left) = self.left.checked_sub(1) else {
                self.refused += 1;
                return;
            };
            self.left = left;
            let hash = hash_of(&field.name);
            let name = self.names.get(&field.name);
            let class = field.class.as_deref().map(|class| self.names.get(class));
            let everywhere = is_everywhere(field, shape);
            let new = u32::try_from(self.places.len()).unwrap_or(u32::MAX);
            self.place(
                &field.shape,
                (at, path_of(parent, hash)),
                (hash, name),
                (everywhere, class),
            );
            self.fields(new, &field.shape, depth);
        }
    }

    fn place(
        &mut self,
        shape: &Shape,
        (parent, path): (u32, Path),
        (hash, name): (u64, Arc<str>),
        (everywhere, class): (bool, Option<Arc<str>>),
    ) {
        let item = shape.item.filter(|_| shape.kind == ValueType::Array);
        let has_fields = |kind: ValueType| kind == ValueType::Object;
        self.marks.push(Mark {
            path,
            class,
            at: u32::try_from(self.places.len()).unwrap_or(u32::MAX),
            kind: shape.kind,
            item,
            object: has_fields(shape.kind) || item.is_some_and(has_fields),
            everywhere,
        });
        self.places.push(Place {
            parent,
            path,
            hash,
            name,
        });
    }
}
