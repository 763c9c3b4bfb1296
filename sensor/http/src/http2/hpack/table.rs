//! The dynamic table (RFC 7541 section 2.3.2), sparse: on a connection joined midway, or behind a
//! gap, what was inserted since is known exactly, because indices count from the newest entry;
//! older indices are unknown until the table has turned over.

use std::collections::VecDeque;
use std::sync::Arc;

/// What an entry takes beside its octets (RFC 7541 section 4.1).
const ENTRY_OVERHEAD: usize = 32;

/// The size of a table until something else is said (RFC 9113 section 6.5.2).
const SIZE_DEFAULT: usize = 4096;

/// The name of a field, shared by all entries that refer to it: a name of kilobytes can be referred
/// to by a single byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Static(&'static [u8]),
    Shared(Arc<[u8]>),
    Unknown,
}

impl Name {
    pub(super) fn known(&self) -> Option<&[u8]> {
        match self {
            Self::Static(name) => Some(name),
            Self::Shared(name) => Some(name),
            Self::Unknown => None,
        }
    }
}

/// A field that was inserted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// A literal value can come with a name that refers to what was not seen.
    pub(super) name: Name,
    /// Unknown only in what a gap swallowed.
    pub(super) value: Option<Box<[u8]>>,
    /// Its place was inferred and not counted, or its name comes from such an entry.
    pub(super) is_inferred: bool,
}

impl Entry {
    /// An entry that must be there, of which nothing is known.
    const fn unknown() -> Self {
        Self {
            name: Name::Unknown,
            value: None,
            is_inferred: false,
        }
    }

    /// The least it takes; more when its name is not known. An entry is rather kept too long.
    pub(super) fn size(&self) -> usize {
        let name = self.name.known().map_or(0, <[u8]>::len);
        let value = self.value.as_ref().map_or(0, |value| value.len());
        name + value + ENTRY_OVERHEAD
    }
}

/// What an index of the dynamic table leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// This entry.
    Exact(&'a Entry),
    /// This entry, if as many insertions were lost as was assumed.
    Stale(&'a Entry),
    /// An entry that was inserted before the sensor looked, or while it could not.
    Unknown,
    /// None: the peer is wrong.
    Invalid,
}

/// The dynamic table of one direction.
#[derive(Clone, Debug)]
pub(super) struct Table {
    /// The newest first.
    entries: VecDeque<Entry>,
    /// Octets and overhead of all entries.
    size: usize,
    /// What the encoder may use.
    size_max: usize,
    /// What the sensor is willing to hold.
    held_max: usize,
    /// How many of the newest entries stand at the index that they seem to. Behind them stand
    /// entries from before a gap, further back by the insertions that the gap swallowed.
    placed: usize,
    /// Octets and overhead of the entries that are placed.
    placed_size: usize,
    /// There may be entries behind those that are placed.
    has_tail: bool,
    /// Every insertion was seen.
    is_whole: bool,
}

impl Table {
    /// The table of a connection that is seen from its start, or one joined midway.
    pub(super) const fn new(is_whole: bool, held_max: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            size: 0,
            size_max: SIZE_DEFAULT,
            held_max,
            placed: 0,
            placed_size: 0,
            has_tail: !is_whole,
            is_whole,
        }
    }

    /// Bytes held.
    pub(super) const fn held(&self) -> usize {
        self.size
    }

    /// Whether every insertion was seen.
    pub(super) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether entries from before a gap wait for their place.
    pub(super) fn has_stale(&self) -> bool {
        self.placed < self.entries.len()
    }

    /// What the encoder may use.
    pub(super) const fn size_max(&self) -> usize {
        self.size_max
    }

    /// The entry at a place, from 0 for the newest, if `lost` insertions were swallowed by a gap.
    pub(super) fn get(&self, place: usize, lost: usize) -> Found<'_> {
        if place < self.placed {
            return self.entries.get(place).map_or(Found::Unknown, Found::Exact);
        }
        let stale = place
            .checked_sub(lost)
            .filter(|&place| place >= self.placed)
            .and_then(|place| self.entries.get(place));
        match stale {
            Some(entry) => Found::Stale(entry),
            None if self.is_whole => Found::Invalid,
            None => Found::Unknown,
        }
    }

    /// A field was inserted.
    pub(super) fn insert(&mut self, entry: Entry) {
        let size = entry.size();
        if !self.has_stale() && !self.has_tail && size > self.size_max {
            // Not an error: it empties the table (RFC 7541 section 4.4).
            self.clear();
            return;
        }
        self.entries.push_front(entry);
        self.size += size;
        self.placed += 1;
        self.placed_size += size;
        self.evict();
    }

    /// The encoder says how much it uses from now on (RFC 7541 section 6.3).
    pub(super) fn resize(&mut self, size_max: usize) {
        self.size_max = size_max;
        if size_max == 0 {
            // Both sides know an empty table now, whatever was missed.
            self.clear();
            self.has_tail = false;
            self.is_whole = true;
        }
        self.evict();
    }

    fn clear(&mut self) {
        self.entries.clear();
        (self.size, self.placed, self.placed_size) = (0, 0, 0);
    }

    fn evict(&mut self) {
        // No room is left for anything older than what is placed.
        if self.placed_size + ENTRY_OVERHEAD > self.size_max {
            self.has_tail = false;
            self.entries.truncate(self.placed);
            self.size = self.placed_size;
        }
        while self.size > self.size_max.min(self.held_max) {
            let Some(entry) = self.entries.pop_back() else {
                break;
            };
            if self.size <= self.size_max {
                // The encoder still has it.
                self.is_whole = false;
            }
            self.size -= entry.size();
            if self.placed > self.entries.len() {
                self.placed = self.entries.len();
                self.placed_size -= entry.size();
            }
        }
    }

    /// Bytes that may have held insertions are missing.
    pub(super) fn lose(&mut self) {
        if self.placed > 0 {
            // What an earlier gap left without a place would be off by two unknown numbers.
            self.entries.truncate(self.placed);
            self.size = self.placed_size;
        }
        (self.placed, self.placed_size) = (0, 0);
        self.has_tail = true;
        self.is_whole = false;
    }

    /// It is inferred that so many insertions were swallowed: the entries from before the gap get
    /// their places.
    pub(super) fn place(&mut self, lost: usize) {
        let stale = self.entries.split_off(self.placed);
        self.entries
            .extend(core::iter::repeat_with(Entry::unknown).take(lost));
        self.entries.extend(stale.into_iter().map(|mut entry| {
            entry.is_inferred = true;
            entry
        }));
        self.size += lost * ENTRY_OVERHEAD;
        self.placed = self.entries.len();
        self.placed_size = self.size;
        self.evict();
    }

    /// The gap swallowed no insertion after all.
    pub(super) fn keep(&mut self) {
        self.placed = self.entries.len();
        self.placed_size = self.size;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: &str) -> Entry {
        Entry {
            name: Name::Shared(name.as_bytes().into()),
            value: Some(value.as_bytes().into()),
            is_inferred: false,
        }
    }

    #[test]
    fn indices_older_than_the_join_are_unknown_until_the_table_turns_over() {
        let mut table = Table::new(false, 65_536);
        assert_eq!(table.get(0, 0), Found::Unknown);
        for i in 0..64 {
            table.insert(entry("name", &format!("{i:028}")));
        }
        assert_eq!(table.entries.len(), 64, "64 entries of 64 bytes fill 4096");
        assert!(!table.has_tail);
        table.insert(entry("a", "b"));
        assert_eq!(table.entries.len(), 64);
        assert_eq!(table.get(0, 0), Found::Exact(&entry("a", "b")));
    }

    #[test]
    fn an_update_to_zero_heals() {
        let mut table = Table::new(false, 65_536);
        table.insert(entry("a", "b"));
        table.resize(0);
        table.resize(4096);
        assert_eq!(table.get(0, 0), Found::Invalid);
        table.insert(entry("c", "d"));
        assert_eq!(table.get(0, 0), Found::Exact(&entry("c", "d")));
        assert!(table.is_whole);
    }

    #[test]
    fn what_a_gap_swallowed_shifts_what_was_before() {
        let mut table = Table::new(true, 65_536);
        table.insert(entry("old", "1"));
        table.lose();
        table.insert(entry("new", "2"));
        assert_eq!(table.get(0, 3), Found::Exact(&entry("new", "2")));
        assert_eq!(table.get(1, 0), Found::Stale(&entry("old", "1")));
        assert_eq!(table.get(1, 1), Found::Unknown);
        assert_eq!(table.get(2, 1), Found::Stale(&entry("old", "1")));
        table.place(1);
        assert!(matches!(table.get(2, 0), Found::Exact(old) if old.is_inferred));
        assert!(matches!(table.get(1, 0), Found::Exact(lost) if lost.name == Name::Unknown));
        assert_eq!(table.get(3, 0), Found::Unknown);
    }

    #[test]
    fn a_field_larger_than_the_table_empties_it() {
        let mut table = Table::new(true, 65_536);
        table.insert(entry("a", "b"));
        table.insert(entry("a", &"b".repeat(5000)));
        assert_eq!((table.held(), table.entries.len()), (0, 0));
    }

    #[test]
    fn what_is_held_is_bounded_whatever_the_encoder_uses() {
        let mut table = Table::new(true, 1000);
        table.resize(1 << 30);
        for _ in 0..100 {
            table.insert(entry("a", &"b".repeat(100)));
        }
        assert!(table.held() <= 1000);
        assert_eq!(table.get(50, 0), Found::Unknown);
    }
}
