//! One schema: places by path, so that what a body has is found in one pass through both.

use std::sync::Arc;

use super::super::tally::Tally;
use super::super::types::Types;
use super::fold;
use super::outline::{NOWHERE, Outline, Path, Place, ROOT, hash_of, path_of};
use crate::settings::InventorySettings;
use crate::snapshot::packed::Packer;
use crate::snapshot::schema::{FieldSnapshot, MAP_KEY};
use tapscope_record::ValueType;

/// One place. What few places have is apart.
#[derive(Clone, Debug)]
pub(super) struct Node {
    parent: Path,
    name: Arc<str>,
    seen: u64,
    whole: u64,
    /// The type that was seen first, and how often.
    kind: ValueType,
    of_kind: u64,
    more: Option<Box<More>>,
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
    /// Ascending.
    paths: Vec<Path>,
    /// In the order of their paths.
    nodes: Vec<Node>,
    /// Places whose fields are the values of a map.
    maps: Vec<Path>,
    /// Bytes of all names.
    name_bytes: usize,
}

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
            paths: vec![ROOT],
            nodes: vec![Node::new(NOWHERE, "".into())],
            maps: Vec::new(),
            name_bytes: 0,
        }
    }
}

impl Node {
    fn new(parent: Path, name: Arc<str>) -> Self {
        Self {
            parent,
            name,
            seen: 0,
            whole: 0,
            kind: ValueType::Empty,
            of_kind: 0,
            more: None,
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
        size_of::<Self>() + size_of::<Path>() + more
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

    fn node_mut(&mut self, path: Path) -> Option<&mut Node> {
        let at = self.find(path).ok()?;
        self.nodes.get_mut(at)
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
        let mut resolved = self.resolve(outline);
        let mut missing =
            self.add_known(outline, resolved.as_deref(), how, settings.max_tally_keys);
        let mut new = New {
            places: Vec::with_capacity(missing.len()),
            room,
            how,
            taken: Taken {
                refused: outline.refused,
                grown: false,
            },
        };
        if missing.is_empty() {
            return new.taken;
        }
        // In the order of the body, so that parents come first.
        missing.sort_unstable();
        let resolved = resolved.get_or_insert_with(|| {
            let own = outline.places.iter().map(|place| place.path);
            own.collect()
        });
        for at in missing {
            let Some(place) = outline.places.get(at as usize) else {
                continue;
            };
            let path_at = |at: u32| resolved.get(at as usize).copied().unwrap_or(ROOT);
            let paths = (path_at(at), path_at(place.parent));
            self.place_new(&mut new, place, paths, settings);
        }
        self.insert(new.places);
        new.taken
    }

    /// Makes a place for one that has none.
    fn place_new(
        &mut self,
        new: &mut New,
        place: &Place,
        (path, parent): (Path, Path),
        settings: &InventorySettings,
    ) {
        let cap = settings.max_tally_keys;
        if let Some((_, node)) = new.places.iter_mut().find(|(known, _)| *known == path) {
            node.add(place, new.how, cap);
            return;
        }
        let in_new = new.places.iter_mut().find(|(known, _)| *known == parent);
        let above = match in_new {
            Some((_, node)) => Some(node),
            None => self.node_mut(parent),
        };
        // What stands in a place that was refused is refused with it.
        let Some(above) = above else { return };
        if new.room == 0 || place.name.len() > settings.max_name_len {
            new.taken.refused += 1;
            return;
        }
        new.room -= 1;
        above.more().children += 1;
        new.taken.grown |= fold::is_due(above.children(), settings);
        self.name_bytes += place.name.len();
        let mut node = Node::new(parent, Arc::clone(&place.name));
        node.add(place, new.how, cap);
        new.places.push((path, node));
    }

    /// Adds to the places that are there; returns those of the body that are not.
    fn add_known(
        &mut self,
        outline: &Outline,
        resolved: Option<&[Path]>,
        how: (u64, bool),
        class_cap: usize,
    ) -> Vec<u32> {
        let mut missing = Vec::new();
        if let Some(resolved) = resolved {
            for ((place, path), at) in outline.places.iter().zip(resolved).zip(0..) {
                match self.node_mut(*path) {
                    Some(node) => node.add(place, how, class_cap),
                    None => missing.push(at),
                }
            }
            return missing;
        }
        let mut known = self.paths.iter().zip(&mut self.nodes).peekable();
        for (path, at) in &outline.by_path {
            while known.next_if(|(known, _)| *known < path).is_some() {}
            let place = outline.places.get(*at as usize);
            match (known.peek_mut(), place) {
                (Some((known, node)), Some(place)) if *known == path => {
                    node.add(place, how, class_cap);
                }
                _ => missing.push(*at),
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

    fn insert(&mut self, mut new: Vec<(Path, Node)>) {
        if new.is_empty() {
            return;
        }
        new.sort_unstable_by_key(|(path, _)| *path);
        let count = self.nodes.len() + new.len();
        let paths = core::mem::replace(&mut self.paths, Vec::with_capacity(count));
        let nodes = core::mem::replace(&mut self.nodes, Vec::with_capacity(count));
        let mut new = new.into_iter().peekable();
        let mut put = |path: Path, node: Node| {
            if *node.name == *MAP_KEY {
                self.maps.push(node.parent);
            }
            self.paths.push(path);
            self.nodes.push(node);
        };
        for (path, node) in paths.into_iter().zip(nodes) {
            while let Some((path, node)) = new.next_if(|(new, _)| *new < path) {
                put(path, node);
            }
            put(path, node);
        }
        new.for_each(|(path, node)| put(path, node));
        self.maps.sort_unstable();
        self.maps.dedup();
    }

    /// The field of that name, made when there is room for it.
    fn slot(&mut self, parent: Path, name: &Arc<str>, room: bool) -> Option<Path> {
        let path = path_of(parent, hash_of(name));
        if let Err(at) = self.find(path) {
            if !room {
                return None;
            }
            self.node_mut(parent)?.more().children += 1;
            self.name_bytes += name.len();
            if **name == *MAP_KEY && !self.maps.contains(&parent) {
                self.maps.push(parent);
            }
            self.paths.insert(at, path);
            self.nodes.insert(at, Node::new(parent, Arc::clone(name)));
        }
        Some(path)
    }

    /// Takes over another tree's places; returns how many found no room.
    pub(super) fn merge(&mut self, other: &Self, room: &mut usize, class_cap: usize) -> u64 {
        let mut refused = 0;
        let theirs = other.children();
        let key: Arc<str> = MAP_KEY.into();
        let mut open = vec![(ROOT, ROOT)];
        while let Some((ours, path)) = open.pop() {
            let Some(node) = other.find(path).ok().and_then(|at| other.nodes.get(at)) else {
                continue;
            };
            if let Some(own) = self.node_mut(ours) {
                own.merge(node, class_cap);
            }
            let is_map = self.maps.contains(&ours);
            for (child, path) in theirs.of(path) {
                let name = if is_map { &key } else { &child.name };
                let before = self.nodes.len();
                match self.slot(ours, name, *room > 0) {
                    Some(slot) => open.push((slot, path)),
                    None => refused += 1,
                }
                *room = room.saturating_sub(self.nodes.len() - before);
            }
        }
        refused
    }

    fn children(&self) -> Children<'_> {
        let places = self.nodes.iter().zip(self.paths.iter().copied());
        let mut all: Vec<(&Node, Path)> = places.collect();
        all.sort_unstable_by(|(a, _), (b, _)| (a.parent, &a.name).cmp(&(b.parent, &b.name)));
        Children(all)
    }

    /// As plain data.
    pub(super) fn snapshot(&self) -> FieldSnapshot {
        let children = self.children();
        let root = self.find(ROOT).ok().and_then(|at| self.nodes.get(at));
        root.map_or_else(FieldSnapshot::default, |root| plain(root, ROOT, &children))
    }

    /// Packs all places.
    pub(super) fn pack(&self, packer: &mut Packer) {
        let children = self.children();
        if let Some(root) = self.find(ROOT).ok().and_then(|at| self.nodes.get(at)) {
            pack(root, ROOT, &children, packer);
        }
    }

    /// Goes on from plain data.
    pub(super) fn restore(root: &FieldSnapshot) -> Self {
        let mut tree = Self::default();
        let mut open = vec![(ROOT, root)];
        while let Some((path, from)) = open.pop() {
            if let Some(node) = tree.node_mut(path) {
                node.merge(&node_of(from), usize::MAX);
            }
            for field in &from.fields {
                let name: Arc<str> = field.name.as_str().into();
                open.extend(tree.slot(path, &name, true).map(|slot| (slot, field)));
            }
        }
        tree
    }

    /// Whether the fields of some place may be the values of a map: a look at numbers and names
    /// that most schemas end with.
    pub(super) fn may_fold(&self, settings: &InventorySettings) -> bool {
        let mut wide = self.nodes.iter().zip(&self.paths);
        wide.any(|(node, path)| {
            let count = node.children();
            let is_map = self.maps.contains(path);
            if count < fold::DATA_NAMES_MIN && !(is_map && count > 1) {
                return false;
            }
            let mut fields = self.nodes.iter().filter(|one| one.parent == *path);
            let seen = || fields.clone().map(|one| one.seen).sum();
            is_map
                || count >= settings.map_fields_min && fold::is_sparse(node.seen, count, seen())
                || fields.all(|one| fold::is_data(&one.name))
        })
    }
}

/// Places that are made of how many bodies, and how many more there may be.
struct New {
    places: Vec<(Path, Node)>,
    room: usize,
    how: (u64, bool),
    taken: Taken,
}

/// All places, by parent and name.
struct Children<'a>(Vec<(&'a Node, Path)>);

impl<'a> Children<'a> {
    fn of(&self, parent: Path) -> impl Iterator<Item = (&'a Node, Path)> {
        let start = self.0.partition_point(|(node, _)| node.parent < parent);
        let rest = self.0.iter().skip(start);
        rest.copied()
            .take_while(move |(node, _)| node.parent == parent)
    }
}

fn plain(node: &Node, path: Path, children: &Children<'_>) -> FieldSnapshot {
    let fields = children.of(path);
    let mut types = Types::default();
    for (kind, count) in node.kinds() {
        types.add(kind, count);
    }
    let more = node.more.as_deref();
    FieldSnapshot {
        name: node.name.to_string(),
        seen: node.seen,
        whole: node.whole,
        objects: more.map_or(0, |more| more.objects),
        types: types.snapshot(),
        items: more.map(|more| more.items.snapshot()).unwrap_or_default(),
        classes: more.map(|more| more.classes.snapshot()).unwrap_or_default(),
        fields: fields
            .map(|(node, path)| plain(node, path, children))
            .collect(),
    }
}

fn pack(node: &Node, path: Path, children: &Children<'_>, packer: &mut Packer) {
    let more = node.more.as_deref();
    let objects = more.map_or(0, |more| more.objects);
    packer.place(&node.name, [node.seen, node.whole, objects]);
    let mut types: Vec<(ValueType, u64)> = node.kinds().collect();
    packer.types(&mut types);
    types.clear();
    types.extend(more.into_iter().flat_map(|more| more.items.iter()));
    packer.types(&mut types);
    match more {
        Some(more) => packer.classes(more.classes.iter()),
        None => packer.classes(core::iter::empty()),
    }
    packer.fields(node.children());
    for (node, path) in children.of(path) {
        pack(node, path, children, packer);
    }
}

/// A place without its fields.
fn node_of(field: &FieldSnapshot) -> Node {
    let mut node = Node::new(ROOT, "".into());
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
