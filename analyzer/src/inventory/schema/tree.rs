//! One schema: places by path, so that what a body has is found in one pass through both.

use std::sync::Arc;

use super::fold;
use super::outline::{Outline, Path, Place, ROOT, hash_of, path_of};
use crate::settings::InventorySettings;
use crate::snapshot::schema::MAP_KEY;
use node::Node;

/// Two trees made one.
mod merge;

/// One place.
mod node;

/// As plain data, and from it.
mod plain;

/// The places of one schema; the body itself is one of them.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    /// In the order in which they came, parents before what stands in them; the body itself first.
    nodes: Vec<Node>,
    /// Of all nodes, ascending.
    paths: Vec<Path>,
    /// The nodes of these.
    at: Vec<u32>,
    /// Places whose fields are the values of a map.
    maps: Vec<Path>,
    /// Bytes of all names.
    name_bytes: usize,
}

/// What a node takes in the index.
const INDEXED: usize = size_of::<Path>() + size_of::<u32>();

/// Stands for no node: what the body itself stands in.
const NONE: u32 = u32::MAX;

/// What came of bodies.
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
            maps: Vec::new(),
            name_bytes: 0,
        }
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

    /// Whether nothing was added yet.
    pub(super) fn is_empty(&self) -> bool {
        self.nodes.iter().take(2).all(|node| node.seen() == 0)
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
        let cap = settings.max_tally_keys;
        let missing = self.add_known(&body, how, cap);
        let mut new = New {
            numbers: Vec::new(),
            first: self.nodes.len(),
            room,
            taken: Taken {
                refused: outline.refused,
                grown: false,
            },
        };
        if missing.is_empty() {
            return new.taken;
        }
        new.numbers.resize(outline.places.len(), NONE);
        self.nodes.reserve(missing.count().min(room));
        // In the order of the body, so that parents come first.
        for (at, place) in outline.places.iter().enumerate() {
            if missing.has(at) {
                self.place_new(&mut new, (at, place), &body, settings);
            }
        }
        for mark in outline.marks.iter() {
            if missing.has(mark.at as usize)
                && let Some(number) = new.number(mark.at as usize)
                && let Some(node) = self.node_mut(number)
            {
                node.add(mark, how, cap);
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
        let path = body.path(at);
        if !body.is_unique()
            && let Some(known) = self.made_since(new.first, path)
        {
            new.note(at, known);
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
        parent.children += 1;
        new.taken.grown |= fold::is_due(parent.children(), settings);
        self.name_bytes += place.name.len();
        let node = Node::new((path, above), Arc::clone(&place.name));
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
        let places = body.outline.places.len();
        if let Some(resolved) = &body.resolved {
            for mark in &body.outline.marks {
                let path = resolved.get(mark.at as usize).copied().unwrap_or(ROOT);
                let number = self.number(path);
                match number.and_then(|number| self.node_mut(number)) {
                    Some(node) => node.add(mark, how, class_cap),
                    None => missing.note(mark.at as usize, places),
                }
            }
            return missing;
        }
        // Both are in the order of their paths.
        let mut from = 0;
        for mark in &body.outline.marks {
            from += ahead(self.paths.get(from..).unwrap_or_default(), mark.path);
            let known = self.paths.get(from) == Some(&mark.path);
            let number = self.at.get(from).filter(|_| known);
            match number.and_then(|number| self.nodes.get_mut(*number as usize)) {
                Some(node) => node.add(mark, how, class_cap),
                None => missing.note(mark.at as usize, places),
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
        let mut by_path: Vec<(Path, u32)> = (new.iter().zip(numbers))
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
        self.node_mut(parent)?.children += 1;
        self.name_bytes += name.len();
        self.nodes.push(Node::new((path, parent), Arc::clone(name)));
        self.index(number as usize);
        Some(number)
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
            // They came after it, mostly at once.
            let after = self.nodes.get(number as usize..).unwrap_or_default();
            let fields = || after.iter().filter(|field| field.parent == number);
            let seen = || fields().map(Node::seen).sum();
            is_map
                || count >= settings.map_fields_min && fold::is_sparse(node.seen(), count, seen())
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

/// Places that are made, and how many more there may be.
struct New {
    /// The nodes of the body's places, as far as they were looked for.
    numbers: Vec<u32>,
    /// The first node that is new.
    first: usize,
    room: usize,
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

    fn count(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
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
