//! One schema: places by path, so that what a body has is found in one pass through both.

use std::sync::Arc;

use super::super::tally::Tally;
use super::super::types::Types;
use super::fold;
use super::outline::{Outline, Path, Place, ROOT, hash_of, path_of};
use crate::settings::InventorySettings;
use crate::snapshot::packed::Packer;
use crate::snapshot::schema::{FieldSnapshot, MAP_KEY};
use tapscope_record::ValueType;

/// One place. What few places have is apart.
#[derive(Clone, Debug)]
pub(super) struct Node {
    path: Path,
    name: Arc<str>,
    seen: u64,
    whole: u64,
    of_kind: u64,
    more: Option<Box<More>>,
    /// The place it stands in; the body itself stands nowhere.
    parent: u32,
    /// The type that was seen first; how often is in `of_kind`.
    kind: ValueType,
}

#[derive(Clone, Debug, Default)]
struct More {
    objects: u64,
    children: u32,
    /// Types beside the first.
    types: Types,
    items: Types,
    classes: Tally,
}

/// The places of one schema; the body itself is one of them.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// In the order in which they came, parents before what stands in them; the body itself first.
    nodes: Vec<Node>,
    /// Of all nodes, ascending.
    paths: Vec<Path>,
    /// The nodes of these.
    at: Vec<u32>,
    /// The nodes by parent and name.
    by_name: Vec<u32>,
    /// Places whose fields are the values of a map.
    maps: Vec<Path>,
    /// Bytes of all names.
    name_bytes: usize,
}

/// What a node takes in the index.
const INDEXED: usize = size_of::<Path>() + 2 * size_of::<u32>();

/// Stands for no node: what the body itself stands in.
const NONE: u32 = u32::MAX;

/// What came of a body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    /// Fields that found no place.
    pub(super) refused: u64,
    /// Whether a place has got so many fields that it may be a map.
    pub(super) grown: bool,
}

impl Default for Tree {
    fn default() -> Self {
        Self {
            nodes: vec![Node::new((ROOT, NONE), "".into())],
            paths: vec![ROOT],
            at: vec![0],
            by_name: vec![0],
            maps: Vec::new(),
            name_bytes: 0,
        }
    }
}

impl Node {
    fn new((path, parent): (Path, u32), name: Arc<str>) -> Self {
        Self {
            path,
            name,
            seen: 0,
            whole: 0,
            of_kind: 0,
            more: None,
            parent,
            kind: ValueType::Empty,
        }
    }

    fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    fn children(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.children as usize)
    }

    fn add_kind(&mut self, kind: ValueType, by: u64) {
        if self.of_kind == 0 {
            self.kind = kind;
        }
        if self.kind == kind {
            self.of_kind = self.of_kind.saturating_add(by);
        } else {
            self.more().types.add(kind, by);
        }
    }

    /// Adds what `by` bodies carried here.
    fn add(&mut self, place: &Place, (by, whole): (u64, bool), class_cap: usize) {
        self.seen = self.seen.saturating_add(by);
        self.add_kind(place.kind, by);
        if whole && place.everywhere {
            self.whole = self.whole.saturating_add(by);
        }
        if !place.object && place.item.is_none() && place.class.is_none() {
            return;
        }
        let more = self.more();
        if let Some(item) = place.item {
            more.items.add(item, by);
        }
        if let Some(class) = &place.class {
            more.classes.add(class, by, class_cap);
        }
        if whole && place.object {
            more.objects = more.objects.saturating_add(by);
        }
    }

    fn merge(&mut self, from: &Self, class_cap: usize) {
        self.seen = self.seen.saturating_add(from.seen);
        self.whole = self.whole.saturating_add(from.whole);
        for (kind, count) in from.kinds() {
            self.add_kind(kind, count);
        }
        if let Some(theirs) = &from.more {
            let more = self.more();
            more.objects = more.objects.saturating_add(theirs.objects);
            more.items.merge(&theirs.items);
            more.classes.merge(&theirs.classes, class_cap);
        }
    }

    fn kinds(&self) -> impl Iterator<Item = (ValueType, u64)> {
        let first = (self.of_kind > 0).then_some((self.kind, self.of_kind));
        let others = self.more.iter().flat_map(|more| more.types.iter());
        first.into_iter().chain(others)
    }

    fn bytes(&self) -> usize {
        let more = self.more.as_ref().map_or(0, |more| {
            size_of::<More>() + more.types.bytes() + more.items.bytes() + more.classes.bytes()
        });
        size_of::<Self>() + INDEXED + more
    }
}

impl Tree {
    /// Number of places, the body itself not counted.
    pub(super) fn fields(&self) -> usize {
        self.nodes.len().saturating_sub(1)
    }

    /// Bytes of all names.
    pub(super) fn name_bytes(&self) -> usize {
        self.name_bytes
    }

    /// Bytes held, roughly; names are shared.
    pub(super) fn bytes(&self) -> usize {
        self.nodes.iter().map(Node::bytes).sum()
    }

    fn find(&self, path: Path) -> Result<usize, usize> {
        self.paths.binary_search(&path)
    }

    /// The number of the node at a path.
    fn number(&self, path: Path) -> Option<u32> {
        let at = self.find(path).ok()?;
        self.at.get(at).copied()
    }

    fn node(&self, number: u32) -> Option<&Node> {
        self.nodes.get(number as usize)
    }

    fn node_mut(&mut self, number: u32) -> Option<&mut Node> {
        self.nodes.get_mut(number as usize)
    }

    /// Takes in so many bodies of a shape, seen whole or not, and makes places for what has none as
    /// far as there is room.
    pub(super) fn take(
        &mut self,
        outline: &Outline,
        how: (u64, bool),
        room: usize,
        settings: &InventorySettings,
    ) -> Taken {
        let body = Body {
            outline,
            resolved: self.resolve(outline),
        };
        let missing = self.add_known(&body, how, settings.max_tally_keys);
        let taken = Taken {
            refused: outline.refused,
            grown: false,
        };
        if missing.is_empty() {
            return taken;
        }
        let mut new = New {
            numbers: vec![NONE; outline.places.len()],
            first: self.nodes.len(),
            room,
            how,
            taken,
        };
        // In the order of the body, so that parents come first.
        for (at, place) in outline.places.iter().enumerate() {
            if missing.has(at) {
                self.place_new(&mut new, (at, place), &body, settings);
            }
        }
        self.index(new.first);
        new.taken
    }

    /// Makes a place for one that has none.
    fn place_new(
        &mut self,
        new: &mut New,
        (at, place): (usize, &Place),
        body: &Body<'_>,
        settings: &InventorySettings,
    ) {
        let cap = settings.max_tally_keys;
        let path = body.path(at);
        if !body.is_unique()
            && let Some(known) = self.made_since(new.first, path)
        {
            new.note(at, known);
            if let Some(node) = self.node_mut(known) {
                node.add(place, new.how, cap);
            }
            return;
        }
        let parent = place.parent as usize;
        let above = match new.number(parent) {
            Some(known) => Some(known),
            None => self.number(body.path(parent)),
        };
        // What stands in a place that was refused is refused with it.
        let Some(above) = above else { return };
        new.note(parent, above);
        let number = u32::try_from(self.nodes.len()).unwrap_or(NONE);
        let Some(parent) = self.node_mut(above) else {
            return;
        };
        if new.room == 0 || place.name.len() > settings.max_name_len {
            new.taken.refused += 1;
            return;
        }
        new.room -= 1;
        parent.more().children += 1;
        new.taken.grown |= fold::is_due(parent.children(), settings);
        self.name_bytes += place.name.len();
        let mut node = Node::new((path, above), Arc::clone(&place.name));
        node.add(place, new.how, cap);
        self.nodes.push(node);
        new.note(at, number);
    }

    /// The node of that path among those from `first` on, which have no place in the index yet.
    fn made_since(&self, first: usize, path: Path) -> Option<u32> {
        let mut made = self.nodes.iter().zip(0..).skip(first);
        made.find_map(|(node, number)| (node.path == path).then_some(number))
    }

    /// Adds to the places that are there; returns those of the body that are not.
    fn add_known(&mut self, body: &Body<'_>, how: (u64, bool), class_cap: usize) -> Missing {
        let mut missing = Missing::default();
        let places = &body.outline.places;
        if let Some(resolved) = &body.resolved {
            for ((place, path), at) in places.iter().zip(resolved).zip(0..) {
                let number = self.number(*path);
                match number.and_then(|number| self.node_mut(number)) {
                    Some(node) => node.add(place, how, class_cap),
                    None => missing.note(at, places.len()),
                }
            }
            return missing;
        }
        // Both are in the order of their paths.
        let mut from = 0;
        for (path, at) in &body.outline.by_path {
            from += ahead(self.paths.get(from..).unwrap_or_default(), *path);
            let known = self.paths.get(from) == Some(path);
            let number = self.at.get(from).filter(|_| known);
            let node = number.and_then(|number| self.nodes.get_mut(*number as usize));
            let at = *at as usize;
            match (node, places.get(at)) {
                (Some(node), Some(place)) => node.add(place, how, class_cap),
                _ => missing.note(at, places.len()),
            }
        }
        missing
    }

    /// Where the places of a body stand here, when there are maps: all keys of a map have the same
    /// place.
    fn resolve(&self, outline: &Outline) -> Option<Vec<Path>> {
        if self.maps.is_empty() {
            return None;
        }
        let key = hash_of(MAP_KEY);
        let mut paths: Vec<Path> = Vec::with_capacity(outline.places.len());
        paths.push(ROOT);
        for place in outline.places.iter().skip(1) {
            let parent = paths.get(place.parent as usize).copied().unwrap_or(ROOT);
            let is_key = self.maps.contains(&parent);
            paths.push(path_of(parent, if is_key { key } else { place.hash }));
        }
        Some(paths)
    }

    /// Gives the nodes from `first` on their places in the index.
    fn index(&mut self, first: usize) {
        let Self { nodes, maps, .. } = self;
        let new = nodes.get(first..).unwrap_or_default();
        for node in new.iter().filter(|node| *node.name == *MAP_KEY) {
            let parent = nodes.get(node.parent as usize);
            maps.extend(parent.map(|parent| parent.path));
            maps.sort_unstable();
            maps.dedup();
        }
        let numbers = (first..).map_while(|number| u32::try_from(number).ok());
        let mut by_path: Vec<(Path, u32)> = (new.iter().zip(numbers.clone()))
            .map(|(node, number)| (node.path, number))
            .collect();
        by_path.sort_unstable();
        let before = |path: &Path| self.paths.partition_point(|known| known < path);
        let places: Vec<usize> = by_path.iter().map(|(path, _)| before(path)).collect();
        let with_places = || places.iter().copied().zip(&by_path);
        let paths = with_places().map(|(at, (path, _))| (at, *path));
        insert_all(&mut self.paths, paths);
        insert_all(
            &mut self.at,
            with_places().map(|(at, (_, number))| (at, *number)),
        );
        let mut by_name: Vec<u32> = numbers.take(new.len()).collect();
        let name = |number: u32| {
            let node = nodes.get(number as usize);
            node.map(|node| (node.parent, &*node.name))
        };
        by_name.sort_unstable_by(|a, b| name(*a).cmp(&name(*b)));
        let before = |new: u32| {
            let new = name(new);
            self.by_name.partition_point(|known| name(*known) < new)
        };
        let places: Vec<usize> = by_name.iter().map(|number| before(*number)).collect();
        insert_all(&mut self.by_name, places.into_iter().zip(by_name));
    }

    /// The field of that name, made when there is room for it.
    fn slot(&mut self, parent: u32, name: &Arc<str>, room: bool) -> Option<u32> {
        let path = path_of(self.node(parent)?.path, hash_of(name));
        if let Some(known) = self.number(path) {
            return Some(known);
        }
        if !room {
            return None;
        }
        let number = u32::try_from(self.nodes.len()).ok()?;
        self.node_mut(parent)?.more().children += 1;
        self.name_bytes += name.len();
        self.nodes.push(Node::new((path, parent), Arc::clone(name)));
        self.index(number as usize);
        Some(number)
    }

    /// Takes over another tree's places; returns how many found no room.
    pub(super) fn merge(&mut self, other: &Self, room: &mut usize, class_cap: usize) -> u64 {
        let mut refused = 0;
        let key: Arc<str> = MAP_KEY.into();
        let mut open = vec![(0, 0)];
        while let Some((ours, theirs)) = open.pop() {
            let Some(node) = other.node(theirs) else {
                continue;
            };
            let Some(own) = self.node_mut(ours) else {
                continue;
            };
            own.merge(node, class_cap);
            let path = own.path;
            let is_map = self.maps.contains(&path);
            for (child, theirs) in other.fields_of(theirs) {
                let name = if is_map { &key } else { &child.name };
                let before = self.nodes.len();
                match self.slot(ours, name, *room > 0) {
                    Some(slot) => open.push((slot, theirs)),
                    None => refused += 1,
                }
                *room = room.saturating_sub(self.nodes.len() - before);
            }
        }
        refused
    }

    /// What stands in a place, by name, with the nodes' numbers.
    fn fields_of(&self, parent: u32) -> impl Iterator<Item = (&Node, u32)> {
        let parent_of = |number: &u32| self.node(*number).map(|node| node.parent);
        // The body itself stands in nothing, which is the last.
        let start = (self.by_name).partition_point(|number| parent_of(number) < Some(parent));
        let rest = self.by_name.iter().skip(start);
        rest.filter_map(|number| Some((self.node(*number)?, *number)))
            .take_while(move |(node, _)| node.parent == parent)
    }

    /// As plain data.
    pub(super) fn snapshot(&self) -> FieldSnapshot {
        self.plain(0)
    }

    fn plain(&self, number: u32) -> FieldSnapshot {
        let Some(node) = self.node(number) else {
            return FieldSnapshot::default();
        };
        let mut types = Types::default();
        for (kind, count) in node.kinds() {
            types.add(kind, count);
        }
        let more = node.more.as_deref();
        let fields = self.fields_of(number);
        FieldSnapshot {
            name: node.name.to_string(),
            seen: node.seen,
            whole: node.whole,
            objects: more.map_or(0, |more| more.objects),
            types: types.snapshot(),
            items: more.map(|more| more.items.snapshot()).unwrap_or_default(),
            classes: more.map(|more| more.classes.to_map()).unwrap_or_default(),
            fields: fields.map(|(_, number)| self.plain(number)).collect(),
        }
    }

    /// Packs all places.
    pub(super) fn pack(&self, packer: &mut Packer) {
        let mut types = Vec::new();
        self.pack_from(0, &mut types, packer);
    }

    fn pack_from(&self, number: u32, types: &mut Vec<(ValueType, u64)>, packer: &mut Packer) {
        let Some(node) = self.node(number) else {
            return;
        };
        let more = node.more.as_deref();
        let objects = more.map_or(0, |more| more.objects);
        packer.place(&node.name, [node.seen, node.whole, objects]);
        types.clear();
        types.extend(node.kinds());
        packer.types(types);
        types.clear();
        types.extend(more.into_iter().flat_map(|more| more.items.iter()));
        packer.types(types);
        match more {
            Some(more) => packer.classes(more.classes.iter()),
            None => packer.classes(core::iter::empty()),
        }
        packer.fields(node.children());
        if node.children() > 0 {
            for (_, field) in self.fields_of(number) {
                self.pack_from(field, types, packer);
            }
        }
    }

    /// Goes on from plain data.
    pub(super) fn restore(root: &FieldSnapshot) -> Self {
        let mut tree = Self::default();
        let mut open = vec![(0, root)];
        while let Some((number, from)) = open.pop() {
            if let Some(node) = tree.node_mut(number) {
                node.merge(&node_of(from), usize::MAX);
            }
            for field in &from.fields {
                let name: Arc<str> = field.name.as_str().into();
                open.extend(tree.slot(number, &name, true).map(|slot| (slot, field)));
            }
        }
        tree
    }

    /// Whether the fields of some place may be the values of a map: a look at numbers and names
    /// that most schemas end with.
    pub(super) fn may_fold(&self, settings: &InventorySettings) -> bool {
        self.nodes.iter().zip(0..).any(|(node, number)| {
            let count = node.children();
            let is_map = self.maps.contains(&node.path);
            if count < fold::DATA_NAMES_MIN && !(is_map && count > 1) {
                return false;
            }
            let fields = || self.fields_of(number).map(|(field, _)| field);
            let seen = || fields().map(|field| field.seen).sum();
            is_map
                || count >= settings.map_fields_min && fold::is_sparse(node.seen, count, seen())
                || fields().all(|field| fold::is_data(&field.name))
        })
    }
}

/// A body that is taken in: its outline, and where its places stand in the schema.
struct Body<'a> {
    outline: &'a Outline,
    /// None where that is as the outline says.
    resolved: Option<Vec<Path>>,
}

impl Body<'_> {
    fn path(&self, at: usize) -> Path {
        let own = match &self.resolved {
            Some(resolved) => resolved.get(at).copied(),
            None => self.outline.places.get(at).map(|place| place.path),
        };
        own.unwrap_or(ROOT)
    }

    /// Whether no two of its places stand in the same one.
    fn is_unique(&self) -> bool {
        self.resolved.is_none() && self.outline.is_unique
    }
}

/// Places that are made of how many bodies, and how many more there may be.
struct New {
    /// The nodes of the body's places, as far as they were looked for.
    numbers: Vec<u32>,
    /// The first node that is new.
    first: usize,
    room: usize,
    how: (u64, bool),
    taken: Taken,
}

impl New {
    fn number(&self, at: usize) -> Option<u32> {
        let number = self.numbers.get(at).copied();
        number.filter(|number| *number != NONE)
    }

    fn note(&mut self, at: usize, number: u32) {
        if let Some(slot) = self.numbers.get_mut(at) {
            *slot = number;
        }
    }
}

/// Places of a body that the schema has none for, a bit each.
#[derive(Default)]
struct Missing(Vec<u64>);

impl Missing {
    fn note(&mut self, at: usize, of: usize) {
        if self.0.is_empty() {
            self.0.resize(of.div_ceil(64), 0);
        }
        if let Some(bits) = self.0.get_mut(at / 64) {
            *bits |= 1 << (at % 64);
        }
    }

    fn has(&self, at: usize) -> bool {
        let bits = self.0.get(at / 64);
        bits.is_some_and(|bits| bits >> (at % 64) & 1 == 1)
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How many of the paths, which ascend, come before `path`: those that are near are looked at first.
fn ahead(paths: &[Path], path: Path) -> usize {
    let (mut low, mut high, mut step) = (0, 0, 1);
    while paths.get(high).is_some_and(|known| *known < path) {
        low = high + 1;
        high += step;
        step *= 2;
    }
    let between = paths.get(low..high.min(paths.len())).unwrap_or_default();
    low + between.partition_point(|known| *known < path)
}

/// Puts each value before the one that was at its place, all at once; places ascend.
fn insert_all<T: Copy + Default>(
    into: &mut Vec<T>,
    new: impl ExactSizeIterator<Item = (usize, T)> + DoubleEndedIterator,
) {
    let mut end = into.len();
    let mut to = end + new.len();
    into.resize(to, T::default());
    for (at, value) in new.rev() {
        let moved = end.saturating_sub(at);
        to -= moved;
        into.copy_within(at..end, to);
        to -= 1;
        if let Some(slot) = into.get_mut(to) {
            *slot = value;
        }
        end = at;
    }
}

/// A place without its fields.
fn node_of(field: &FieldSnapshot) -> Node {
    let mut node = Node::new((ROOT, NONE), "".into());
    node.seen = field.seen;
    node.whole = field.whole;
    for (kind, count) in Types::restore(&field.types).iter() {
        node.add_kind(kind, count);
    }
    if field.objects > 0 || !field.items.is_empty() || !field.classes.is_empty() {
        let more = node.more();
        more.objects = field.objects;
        more.items = Types::restore(&field.items);
        more.classes = Tally::from_counts(&field.classes);
    }
    node
}
