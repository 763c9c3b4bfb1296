//! HPACK, header compression for HTTP/2 (RFC 7541): our own decoder, because a sensor joins
//! connections midway and misses packets, which an endpoint never does.
//!
//! A block is decoded first and its insertions are made afterwards, so that a block can be tried
//! under several assumptions.

/// Integers.
mod integer;

/// Strings.
mod huffman;

/// Fields everybody knows.
mod static_table;

/// Fields that were sent before.
mod table;

use table::{Entry, Found, Name, Table};

/// Where a part of a field stands in [`FieldList::bytes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Part {
    start: usize,
    end: usize,
}

/// One field of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    name: Option<Part>,
    value: Option<Part>,
    is_inferred: bool,
}

/// A field as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Field<'a> {
    /// Its name; none when it refers to what was not seen.
    pub(crate) name: Option<&'a [u8]>,
    /// Its value; none when it refers to what was not seen.
    pub(crate) value: Option<&'a [u8]>,
    /// It refers to what was seen, but at a place that was inferred.
    pub(crate) is_inferred: bool,
}

/// The fields of a block, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct FieldList {
    bytes: Vec<u8>,
    lines: Vec<Line>,
    /// Fields were left out because the list grew beyond a cap.
    pub(crate) is_cut: bool,
    /// An index led to an entry whose place is not certain.
    uses_stale: bool,
    /// An index led nowhere although every insertion was seen.
    pub(crate) has_invalid_index: bool,
}

impl FieldList {
    /// The fields.
    pub(crate) fn fields(&self) -> impl Iterator<Item = Field<'_>> {
        let part = |part: Part| self.bytes.get(part.start..part.end).unwrap_or_default();
        self.lines.iter().map(move |line| Field {
            name: line.name.map(part),
            value: line.value.map(part),
            is_inferred: line.is_inferred,
        })
    }

    /// The value of the first field of that name, if both are known.
    pub(crate) fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let mut fields = self.fields();
        fields
            .find(|field| field.name == Some(name))
            .and_then(|field| field.value)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
        (self.is_cut, self.uses_stale, self.has_invalid_index) = (false, false, false);
    }
}

/// Why a block cannot be decoded any further. To the peer it ends the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// An integer or a string ends behind the block, or the integer is too large.
    Truncated,
    /// A string is not coded as it says.
    Huffman,
    /// Index 0.
    Index,
}

/// What becomes of the insertions of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// They are made.
    Made,
    /// They are only tried, as if a gap had swallowed that many.
    Tried(usize),
}

/// The most that a list may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ListLimits {
    /// Octets of names and values.
    pub(crate) bytes_max: usize,
    /// Fields.
    pub(crate) fields_max: usize,
}

/// The state of one direction.
#[derive(Debug)]
pub(crate) struct Decoder {
    table: Table,
    /// Insertions of the block that is being tried, the newest last.
    tried: Vec<Entry>,
    /// What they take.
    tried_size: usize,
    /// Literals that are being read.
    name: Vec<u8>,
    value: Vec<u8>,
}

impl Decoder {
    /// A direction that is seen from its start, or joined midway. The table is never held beyond
    /// `table_bytes_max`.
    pub(crate) const fn new(is_whole: bool, table_bytes_max: usize) -> Self {
        Self {
            table: Table::new(is_whole, table_bytes_max),
            tried: Vec::new(),
            tried_size: 0,
            name: Vec::new(),
            value: Vec::new(),
        }
    }

    /// Bytes held.
    pub(crate) const fn held(&self) -> usize {
        self.table.held()
    }

    /// Whether every insertion was seen.
    pub(crate) const fn is_whole(&self) -> bool {
        self.table.is_whole()
    }

    /// Blocks may be missing.
    pub(crate) fn lose(&mut self) {
        self.table.lose();
    }

    /// No block was missing after all.
    pub(crate) fn keep(&mut self) {
        self.table.keep();
    }

    /// Decodes a block.
    ///
    /// After a gap it refers to entries whose place depends on how many insertions the gap
    /// swallowed. Up to `lost_max` are tried: when `is_well_formed` holds under one number only,
    /// that number is taken and what rests on it is marked as inferred; else it stays unknown.
    pub(crate) fn decode(
        &mut self,
        block: &[u8],
        limits: ListLimits,
        lost_max: usize,
        list: &mut FieldList,
        is_well_formed: impl Fn(&FieldList) -> bool,
    ) -> Result<(), Invalid> {
        if self.table.has_stale() {
            let mut fitting = None;
            for lost in 0..=lost_max {
                let is_read = self.read(block, limits, Mode::Tried(lost), list).is_ok();
                if is_read && !list.uses_stale {
                    break;
                }
                let fits = is_read && is_well_formed(list);
                if fits && fitting.is_some() {
                    fitting = None;
                    break;
                }
                fitting = fitting.or(fits.then_some(lost));
            }
            if let Some(lost) = fitting {
                self.table.place(lost);
            }
        }
        self.read(block, limits, Mode::Made, list)
    }

    /// Reads a block.
    fn read(
        &mut self,
        block: &[u8],
        limits: ListLimits,
        mode: Mode,
        list: &mut FieldList,
    ) -> Result<(), Invalid> {
        list.clear();
        self.tried.clear();
        self.tried_size = 0;
        let mut rest = block;
        while let Some(&first) = rest.first() {
            let taken = match first {
                0x80.. => self.indexed(rest, limits, mode, list)?,
                0x40..=0x7f => self.literal(rest, true, (limits, mode), list)?,
                0x20..=0x3f => {
                    let (size, taken) = integer::read(rest, 5).ok_or(Invalid::Truncated)?;
                    if mode == Mode::Made {
                        self.table.resize(size);
                    }
                    taken
                }
                0x00..=0x1f => self.literal(rest, false, (limits, mode), list)?,
            };
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// An indexed field (RFC 7541 section 6.1).
    fn indexed(
        &self,
        bytes: &[u8],
        limits: ListLimits,
        mode: Mode,
        list: &mut FieldList,
    ) -> Result<usize, Invalid> {
        let (index, taken) = integer::read(bytes, 7).ok_or(Invalid::Truncated)?;
        let field = match static_table::get(index) {
            Some((name, value)) => Field {
                name: Some(name),
                value: Some(value),
                is_inferred: false,
            },
            None if index == 0 => return Err(Invalid::Index),
            None => {
                let (entry, is_inferred) = self.dynamic(index, mode, list);
                Field {
                    name: entry.and_then(|entry| entry.name.known()),
                    value: entry.and_then(|entry| entry.value.as_deref()),
                    is_inferred,
                }
            }
        };
        push(list, limits, field);
        Ok(taken)
    }

    /// A literal field (RFC 7541 section 6.2).
    fn literal(
        &mut self,
        bytes: &[u8],
        is_inserted: bool,
        (limits, mode): (ListLimits, Mode),
        list: &mut FieldList,
    ) -> Result<usize, Invalid> {
        let prefix_bits = if is_inserted { 6 } else { 4 };
        let (index, mut taken) = integer::read(bytes, prefix_bits).ok_or(Invalid::Truncated)?;
        let rest = |taken| bytes.get(taken..).unwrap_or_default();
        let mut literal_name = core::mem::take(&mut self.name);
        let mut value = core::mem::take(&mut self.value);
        literal_name.clear();
        value.clear();
        let (mut shared_name, mut is_inferred) = (Name::Unknown, false);
        if index == 0 {
            taken += string(rest(taken), &mut literal_name)?;
        } else if let Some((name, _)) = static_table::get(index) {
            shared_name = Name::Static(name);
        } else {
            let (entry, inferred) = self.dynamic(index, mode, list);
            shared_name = entry.map_or(Name::Unknown, |entry| entry.name.clone());
            is_inferred = inferred;
        }
        taken += string(rest(taken), &mut value)?;
        let name = if index == 0 {
            Some(literal_name.as_slice())
        } else {
            shared_name.known()
        };
        let field = Field {
            name,
            value: Some(&value),
            is_inferred,
        };
        push(list, limits, field);
        if is_inserted {
            if index == 0 {
                shared_name = Name::Shared(literal_name.as_slice().into());
            }
            self.insert(
                Entry {
                    name: shared_name,
                    value: Some(value.as_slice().into()),
                    is_inferred,
                },
                mode,
            )?;
        }
        (self.name, self.value) = (literal_name, value);
        Ok(taken)
    }

    fn insert(&mut self, entry: Entry, mode: Mode) -> Result<(), Invalid> {
        if mode == Mode::Made {
            self.table.insert(entry);
            return Ok(());
        }
        self.tried_size += entry.size();
        self.tried.push(entry);
        // A block that turns the table over need not be tried: nothing stale is left.
        let fits = self.tried_size <= self.table.size_max();
        fits.then_some(()).ok_or(Invalid::Index)
    }

    /// The field that an index of the dynamic table refers to, and whether that is inferred.
    fn dynamic(&self, index: usize, mode: Mode, list: &mut FieldList) -> (Option<&Entry>, bool) {
        let place = index.saturating_sub(static_table::LEN + 1);
        let tried = self
            .tried
            .len()
            .checked_sub(place + 1)
            .and_then(|i| self.tried.get(i));
        if let Some(entry) = tried {
            return (Some(entry), entry.is_inferred);
        }
        let lost = match mode {
            // With so many lost, no stale entry can be meant.
            Mode::Made => usize::MAX,
            Mode::Tried(lost) => lost,
        };
        match self.table.get(place - self.tried.len(), lost) {
            Found::Exact(entry) => (Some(entry), entry.is_inferred),
            Found::Stale(entry) => {
                list.uses_stale = true;
                (Some(entry), true)
            }
            Found::Unknown => {
                // Under another assumption there would be one.
                list.uses_stale |= self.table.has_stale();
                (None, false)
            }
            Found::Invalid => {
                list.has_invalid_index = true;
                (None, false)
            }
        }
    }
}

/// Adds a field to the list, inside the limits.
fn push(list: &mut FieldList, limits: ListLimits, field: Field<'_>) {
    let len = field.name.map_or(0, <[u8]>::len) + field.value.map_or(0, <[u8]>::len);
    if list.lines.len() >= limits.fields_max || list.bytes.len() + len > limits.bytes_max {
        list.is_cut = true;
        return;
    }
    let mut add = |text: &[u8]| {
        let start = list.bytes.len();
        list.bytes.extend_from_slice(text);
        Part {
            start,
            end: list.bytes.len(),
        }
    };
    let line = Line {
        name: field.name.map(&mut add),
        value: field.value.map(&mut add),
        is_inferred: field.is_inferred,
    };
    list.lines.push(line);
}

/// Reads a string (RFC 7541 section 5.2) and returns how many bytes it takes.
fn string(bytes: &[u8], out: &mut Vec<u8>) -> Result<usize, Invalid> {
    let is_huffman = bytes.first().is_some_and(|first| first & 0x80 != 0);
    let (len, taken) = integer::read(bytes, 7).ok_or(Invalid::Truncated)?;
    let end = taken.checked_add(len).ok_or(Invalid::Truncated)?;
    let text = bytes.get(taken..end).ok_or(Invalid::Truncated)?;
    if is_huffman {
        huffman::decode(text, out).ok_or(Invalid::Huffman)?;
    } else {
        out.extend_from_slice(text);
    }
    Ok(end)
}

/// How unlikely it is that other bytes look like a block, in bits; none when they cannot be one.
/// Only a `is_whole` block must end with its last field.
pub(crate) fn evidence(block: &[u8], is_whole: bool) -> Option<u32> {
    const LIMITS: ListLimits = ListLimits {
        bytes_max: 16 << 10,
        fields_max: 256,
    };
    let mut list = FieldList::default();
    let mut decoder = Decoder::new(false, 4096);
    let result = decoder.decode(block, LIMITS, 0, &mut list, |_| false);
    match result {
        Ok(()) => {}
        Err(Invalid::Truncated) if !is_whole => {}
        Err(_) => return None,
    }
    let is_name = |name: &[u8]| !name.is_empty() && name.iter().all(|b| b.is_ascii_graphic());
    let is_value = |value: &[u8]| value.iter().all(|&b| b >= b' ' || b == b'\t');
    let mut has_pseudo_field = false;
    for field in list.fields() {
        let is_plausible = field.name.is_none_or(is_name) && field.value.is_none_or(is_value);
        if !is_plausible {
            return None;
        }
        has_pseudo_field |= field.name.is_some_and(|name| name.starts_with(b":"));
    }
    let bits = if list.lines.is_empty() { 0 } else { 20 };
    Some(bits + if has_pseudo_field { 10 } else { 0 })
}

#[cfg(test)]
mod tests;
