//! Schemas in little room: there are hundreds of fields an endpoint, thousands of endpoints, and
//! few of them are looked at. They stay packed until somebody asks for one, in the store as well;
//! as JSON they are what they would be unpacked.

use core::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::schema::{FieldSnapshot, SchemaSnapshot};
use crate::inventory::types::{number_of, type_at};
use tapscope_record::ValueType;

/// Schemas of an endpoint, packed.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PackedSchemas(Arc<[u8]>);

/// Whether bytes from elsewhere are schemas.
mod check;

/// Stands for a type that has no number; its name follows.
const NAMED: u8 = u8::MAX;

/// Bytes of the length of a schema's places, which stands before them.
const LENGTH: usize = size_of::<u32>();

impl PackedSchemas {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes held.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len()
    }

    /// As they are packed, to be kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// From what was kept; none of bytes that are no schemas.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        check::is_packed(bytes).then(|| Self(bytes.into()))
    }

    /// All of them.
    #[must_use]
    pub fn unpack(&self) -> Vec<SchemaSnapshot> {
        let cursor = Cursor::new(&self.0);
        let one = |_| SchemaSnapshot {
            status: cursor.status(),
            media_type: cursor.text().to_owned(),
            bodies: cursor.number(),
            root: {
                cursor.length();
                cursor.field()
            },
        };
        (0..cursor.number()).map(one).collect()
    }

    /// The names of the fields of requests, with their depth from 1 on, parents first.
    #[must_use]
    pub fn request_fields(&self) -> Vec<(usize, &str)> {
        let cursor = Cursor::new(&self.0);
        let mut names = Vec::new();
        for _ in 0..cursor.number() {
            let is_request = cursor.status().is_none();
            cursor.text();
            cursor.number();
            let length = cursor.length();
            if is_request {
                cursor.names(0, &mut names);
            } else {
                cursor.skip(length);
            }
        }
        names.retain(|(depth, _)| *depth > 0);
        names
    }
}

impl From<Vec<SchemaSnapshot>> for PackedSchemas {
    fn from(schemas: Vec<SchemaSnapshot>) -> Self {
        let mut packer = Packer::new(schemas.len());
        for schema in &schemas {
            packer.schema(schema.status, &schema.media_type, schema.bodies);
            packer.plain_field(&schema.root);
        }
        packer.finish()
    }
}

impl core::fmt::Debug for PackedSchemas {
    fn fmt(&self, out: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.unpack().fmt(out)
    }
}

impl<'de> Deserialize<'de> for PackedSchemas {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<SchemaSnapshot>::deserialize(deserializer).map(Self::from)
    }
}

impl Serialize for PackedSchemas {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cursor = Cursor::new(&self.0);
        let count = cursor.number();
        let mut list = serializer.serialize_seq(usize::try_from(count).ok())?;
        for _ in 0..count {
            list.serialize_element(&OneSchema(&cursor))?;
        }
        list.end()
    }
}

/// Packs schemas, one after the other; of each the places, parents before their fields.
#[derive(Debug)]
pub(crate) struct Packer {
    out: Vec<u8>,
    /// Where the length of the last schema's places stands.
    length_at: Option<usize>,
}

impl Packer {
    /// Packs so many schemas.
    pub(crate) fn new(schemas: usize) -> Self {
        let mut new = Self {
            out: Vec::new(),
            length_at: None,
        };
        if schemas > 0 {
            new.number(schemas as u64);
        }
        new
    }

    /// The next schema; its places follow.
    pub(crate) fn schema(&mut self, status: Option<u16>, media_type: &str, bodies: u64) {
        self.end_schema();
        self.number(status.map_or(0, |status| u64::from(status) + 1));
        self.text(media_type);
        self.number(bodies);
        self.length_at = Some(self.out.len());
        self.out.extend([0; LENGTH]);
    }

    /// Writes how long the places of the schema are, so that a reader can pass over them.
    fn end_schema(&mut self) {
        let Some(at) = self.length_at.take() else {
            return;
        };
        let length = self.out.len().saturating_sub(at + LENGTH);
        let length = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
        if let Some(place) = self.out.get_mut(at..at + LENGTH) {
            place.copy_from_slice(&length);
        }
    }

    /// The next place: its name, and how many bodies had it: all, seen whole, with fields here.
    /// Types, types of items, classes and number of fields follow.
    pub(crate) fn place(&mut self, name: &str, counts: [u64; 3]) {
        self.text(name);
        counts.into_iter().for_each(|count| self.number(count));
    }

    /// Types with how often.
    pub(crate) fn types(&mut self, types: &mut [(ValueType, u64)]) {
        // Nearly all places have one type.
        if types.len() > 1 {
            types.sort_unstable_by_key(|(kind, _)| type_at(number_of(*kind)));
        }
        self.number(types.len() as u64);
        for (kind, count) in types {
            self.out.push(number_of(*kind));
            self.number(*count);
        }
    }

    /// Names, ascending, with how often.
    pub(crate) fn classes<'a>(&mut self, classes: impl ExactSizeIterator<Item = (&'a str, u64)>) {
        self.number(classes.len() as u64);
        for (name, count) in classes {
            self.text(name);
            self.number(count);
        }
    }

    /// How many fields follow, by name.
    pub(crate) fn fields(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// What was packed.
    pub(crate) fn finish(mut self) -> PackedSchemas {
        self.end_schema();
        PackedSchemas(self.out.into())
    }

    fn plain_field(&mut self, field: &FieldSnapshot) {
        self.place(&field.name, [field.seen, field.whole, field.objects]);
        self.named_types(&field.types);
        self.named_types(&field.items);
        let classes = field.classes.iter();
        self.classes(classes.map(|(name, count)| (name.as_str(), *count)));
        self.fields(field.fields.len());
        for one in &field.fields {
            self.plain_field(one);
        }
    }

    fn named_types(&mut self, types: &BTreeMap<String, u64>) {
        self.number(types.len() as u64);
        for (name, count) in types {
            match (0..NAMED).find(|at| type_at(*at) == Some(name.as_str())) {
                Some(at) => self.out.push(at),
                None => {
                    self.out.push(NAMED);
                    self.text(name);
                }
            }
            self.number(*count);
        }
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Seven bits a byte, the low ones first; the eighth says that more follow.
    fn number(&mut self, mut number: u64) {
        loop {
            let [low, ..] = number.to_le_bytes();
            number >>= 7;
            if number == 0 && low < 1 << 7 {
                self.out.push(low);
                return;
            }
            self.out.push(low | 1 << 7);
        }
    }
}

/// What is left to be read. Behind the end everything is empty.
struct Cursor<'a>(Cell<&'a [u8]>);

impl<'a> Cursor<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self(Cell::new(bytes))
    }

    fn byte(&self) -> u8 {
        match self.0.get().split_first() {
            Some((first, rest)) => {
                self.0.set(rest);
                *first
            }
            None => 0,
        }
    }

    fn number(&self) -> u64 {
        let mut number = 0;
        for shift in (0..u64::BITS).step_by(7) {
            let byte = self.byte();
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 1 << 7 {
                break;
            }
        }
        number
    }

    fn text(&self) -> &'a str {
        let len = usize::try_from(self.number()).unwrap_or(usize::MAX);
        let left = self.0.get();
        let (text, rest) = left.split_at_checked(len).unwrap_or((left, &[]));
        self.0.set(rest);
        core::str::from_utf8(text).unwrap_or_default()
    }

    /// How many bytes the places take that follow.
    fn length(&self) -> usize {
        let left = self.0.get();
        let (length, rest) = left.split_first_chunk().unwrap_or((&[0; LENGTH], &[]));
        self.0.set(rest);
        u32::from_le_bytes(*length) as usize
    }

    fn skip(&self, bytes: usize) {
        self.0.set(self.0.get().get(bytes..).unwrap_or_default());
    }

    fn status(&self) -> Option<u16> {
        let status = self.number().checked_sub(1)?;
        u16::try_from(status).ok()
    }

    fn type_name(&self) -> &'a str {
        match self.byte() {
            NAMED => self.text(),
            at => type_at(at).unwrap_or("string"),
        }
    }

    fn types(&self) -> BTreeMap<String, u64> {
        let one = |_| (self.type_name().to_owned(), self.number());
        (0..self.number()).map(one).collect()
    }

    fn classes(&self) -> BTreeMap<String, u64> {
        let one = |_| (self.text().to_owned(), self.number());
        (0..self.number()).map(one).collect()
    }

    fn field(&self) -> FieldSnapshot {
        FieldSnapshot {
            name: self.text().to_owned(),
            seen: self.number(),
            whole: self.number(),
            objects: self.number(),
            types: self.types(),
            items: self.types(),
            classes: self.classes(),
            fields: (0..self.number()).map(|_| self.field()).collect(),
        }
    }

    fn names(&self, depth: usize, names: &mut Vec<(usize, &'a str)>) {
        names.push((depth, self.text()));
        for _ in 0..3 {
            self.number();
        }
        for _ in 0..2 {
            for _ in 0..self.number() {
                self.type_name();
                self.number();
            }
        }
        for _ in 0..self.number() {
            self.text();
            self.number();
        }
        for _ in 0..self.number() {
            self.names(depth + 1, names);
        }
    }
}

struct OneSchema<'c, 'a>(&'c Cursor<'a>);

impl Serialize for OneSchema<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(4))?;
        map.serialize_entry("status", &self.0.status())?;
        map.serialize_entry("media_type", self.0.text())?;
        map.serialize_entry("bodies", &self.0.number())?;
        self.0.length();
        map.serialize_entry("root", &OneField(self.0))?;
        map.end()
    }
}

struct OneField<'c, 'a>(&'c Cursor<'a>);

impl Serialize for OneField<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let cursor = self.0;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("name", cursor.text())?;
        map.serialize_entry("seen", &cursor.number())?;
        for name in ["whole", "objects"] {
            let count = cursor.number();
            if count > 0 {
                map.serialize_entry(name, &count)?;
            }
        }
        let types = cursor.number();
        map.serialize_entry("types", &Counts(cursor, types, Cursor::type_name))?;
        let items = cursor.number();
        if items > 0 {
            map.serialize_entry("items", &Counts(cursor, items, Cursor::type_name))?;
        }
        let classes = cursor.number();
        if classes > 0 {
            map.serialize_entry("classes", &Counts(cursor, classes, Cursor::text))?;
        }
        let fields = cursor.number();
        if fields > 0 {
            map.serialize_entry("fields", &Fields(cursor, fields))?;
        }
        map.end()
    }
}

struct Counts<'c, 'a>(&'c Cursor<'a>, u64, fn(&Cursor<'a>) -> &'a str);

impl Serialize for Counts<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(cursor, count, name) = *self;
        let mut map = serializer.serialize_map(usize::try_from(count).ok())?;
        for _ in 0..count {
            map.serialize_entry(name(cursor), &cursor.number())?;
        }
        map.end()
    }
}

struct Fields<'c, 'a>(&'c Cursor<'a>, u64);

impl Serialize for Fields<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(usize::try_from(self.1).ok())?;
        for _ in 0..self.1 {
            list.serialize_element(&OneField(self.0))?;
        }
        list.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(all: &[(&str, u64)]) -> BTreeMap<String, u64> {
        let owned = all.iter().map(|(name, n)| ((*name).to_owned(), *n));
        owned.collect()
    }

    fn some() -> Vec<SchemaSnapshot> {
        let inner = FieldSnapshot {
            name: "größe".to_owned(),
            seen: u64::MAX,
            types: counts(&[("integer", 1 << 40), ("null", 3), ("of-tomorrow", 127)]),
            classes: counts(&[("card", 128)]),
            ..FieldSnapshot::default()
        };
        let root = FieldSnapshot {
            seen: 300,
            whole: 200,
            objects: 1,
            types: counts(&[("array", 300)]),
            items: counts(&[("object", 300)]),
            fields: vec![inner.clone(), inner],
            ..FieldSnapshot::default()
        };
        let schema = |status| SchemaSnapshot {
            status,
            media_type: "application/json".to_owned(),
            bodies: 300,
            root: root.clone(),
        };
        vec![
            schema(None),
            schema(Some(200)),
            SchemaSnapshot::default(),
            schema(Some(0)),
        ]
    }

    #[test]
    fn what_was_packed_is_the_same_unpacked_and_as_json() {
        for plain in [some(), Vec::new()] {
            let packed = PackedSchemas::from(plain.clone());
            assert_eq!(packed.unpack(), plain);
            let json = serde_json::to_string(&plain).unwrap();
            assert_eq!(serde_json::to_string(&packed).unwrap(), json);
            assert_eq!(
                serde_json::from_str::<PackedSchemas>(&json).unwrap(),
                packed
            );
        }
        let packed = PackedSchemas::from(some());
        assert_eq!(
            packed.request_fields(),
            [(1, "größe"), (1, "größe")],
            "of the request, and of the empty one nothing"
        );
    }

    #[test]
    fn what_is_cut_or_wrong_reads_as_something_and_ends() {
        let whole = PackedSchemas::from(some());
        for end in 0..whole.0.len() {
            let cut = PackedSchemas(whole.0[..end].into());
            assert!(cut.unpack().len() <= 4);
        }
    }

    #[test]
    fn what_was_kept_is_taken_back_and_nothing_else() {
        let whole = PackedSchemas::from(some());
        assert_eq!(
            PackedSchemas::from_bytes(whole.as_bytes()),
            Some(whole.clone())
        );
        let none = PackedSchemas::default();
        assert_eq!(PackedSchemas::from_bytes(none.as_bytes()), Some(none));
        for end in 1..whole.0.len() {
            assert_eq!(PackedSchemas::from_bytes(&whole.0[..end]), None, "{end}");
        }
        let mut longer = whole.0.to_vec();
        longer.push(0);
        assert_eq!(PackedSchemas::from_bytes(&longer), None);
        // However a byte is changed, what is taken ends when it is read.
        for at in 0..whole.0.len() {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let mut other = whole.0.to_vec();
                other[at] = byte;
                if let Some(taken) = PackedSchemas::from_bytes(&other) {
                    assert!(taken.unpack().len() <= other.len());
                    let _ = taken.request_fields();
                }
            }
        }
        let endless = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1];
        assert_eq!(PackedSchemas::from_bytes(&endless), None);
    }
}
