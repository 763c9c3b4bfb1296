//! JSON (RFC 8259): its shape and data classes in one pass, without building a tree of values.
//!
//! The visitor writes into the shape as it reads, so that a sample that breaks off leaves what was
//! read before. Depth is bounded by serde_json (128), the shape by its budget.

use std::fmt;
use std::io::Write as _;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;
use tapscope_record::{Shape, ValueType, Word};

use super::classes::Classes;
use super::shape::{ShapeBudget, empty_shape, fold_maps, join, note_class, note_length};
use crate::names::{Names, Promise};
use crate::redactor::Work;
use crate::text::{
    CustomHint, DataClass, FieldHint, class_of, field_hint, is_full_name, scan, scan_named,
    type_and_class_of,
};

/// Documents of a sequence (JSON Lines) that are read.
const DOCUMENTS_MAX: u32 = 10_000;

/// Strings shorter than this hold no datum beside other text.
const TEXT_BYTES_MIN: usize = 8;

/// Members of which at least one is in every JSON-RPC, MCP or GraphQL request.
const CALLS: [&str; 3] = ["method", "query", "persistedQuery"];

/// Starts each text of a JSON text sequence (RFC 7464).
const RECORD_SEPARATOR: u8 = 0x1e;

/// The shape of `content`, and the rest of it that is not JSON.
pub(super) fn read<'a>(work: &mut Work<'_>, content: &'a [u8]) -> (Option<Shape>, &'a [u8]) {
    let mut budget = ShapeBudget::new(work.settings);
    let (shape, unread) = read_within(work, &mut budget, content);
    work.counters.fields_over_cap += budget.dropped;
    if budget.dropped > 0 {
        work.limit("fields");
    }
    (shape, unread)
}

/// The same within a budget that other values share.
pub(super) fn read_within<'a>(
    work: &mut Work<'_>,
    budget: &mut ShapeBudget,
    content: &'a [u8],
) -> (Option<Shape>, &'a [u8]) {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let mut reader = Reader {
        classes: work.classes,
        names: work.names,
        budget,
        depth_max: work.settings.shape_depth_max,
        values: 0,
        may_call: false,
        cut: false,
        deep: false,
        nested: false,
        beside: Beside::default(),
    };
    let dropped_before = reader.budget.dropped;
    let mut shape = empty_shape();
    let mut documents = 0;
    let mut unread: &[u8] = b"";
    if content.first() == Some(&RECORD_SEPARATOR) {
        for text in content.split(|&byte| byte == RECORD_SEPARATOR).skip(1) {
            if documents >= DOCUMENTS_MAX {
                break;
            }
            unread = reader.documents(&mut shape, &mut documents, text);
        }
    } else {
        unread = reader.documents(&mut shape, &mut documents, content);
    }
    let Reader {
        budget,
        may_call,
        cut,
        deep,
        nested,
        ..
    } = reader;
    work.may_call = may_call;
    let over = budget.dropped > dropped_before;
    if deep || nested {
        work.limit("depth");
    }
    if documents >= DOCUMENTS_MAX {
        work.limit("documents");
    }
    if documents == 0 {
        return (None, content);
    }
    if documents > 1 {
        let first = core::mem::replace(&mut shape.kind, ValueType::Array);
        shape.item = Some(shape.item.map_or(first, |known| join(known, first)));
        shape.items = Some(documents);
    }
    shape.truncated |= cut || deep || over;
    fold_maps(&mut shape, work.settings.map_fields_min);
    (Some(shape), unread)
}

impl Reader<'_, '_> {
    /// Reads texts that follow each other into one shape; returns the rest that is not JSON.
    fn documents<'c>(
        &mut self,
        shape: &mut Shape,
        documents: &mut u32,
        content: &'c [u8],
    ) -> &'c [u8] {
        // Looked at as a whole, text is found to be text much sooner than string by string.
        match core::str::from_utf8(content) {
            Ok(text) => {
                let deserializer = serde_json::Deserializer::from_str(text);
                self.documents_of(deserializer, shape, documents, content)
            }
            Err(_) => {
                let deserializer = serde_json::Deserializer::from_slice(content);
                self.documents_of(deserializer, shape, documents, content)
            }
        }
    }

    fn documents_of<'c>(
        &mut self,
        mut deserializer: serde_json::Deserializer<impl serde_json::de::Read<'c>>,
        shape: &mut Shape,
        documents: &mut u32,
        content: &'c [u8],
    ) -> &'c [u8] {
        let start = *documents;
        // The first document is read in any case; the further ones while something follows.
        while *documents < DOCUMENTS_MAX && (*documents == start || deserializer.end().is_err()) {
            let values_before = self.values;
            let first = *documents == 0;
            let place = Place {
                reader: self,
                shape: Some(shape),
                class: &mut None,
                hint: None,
                custom: CustomHint::default(),
                depth: 0,
                first,
                item: !first,
            };
            let outcome = place.deserialize(&mut deserializer);
            *documents += u32::from(self.values > values_before);
            if let Err(error) = outcome {
                self.cut = true;
                self.nested |= error.to_string().starts_with(TOO_DEEP);
                return match error.classify() {
                    Category::Eof => b"",
                    _ => after(content, error.line(), error.column()),
                };
            }
        }
        b""
    }
}

/// How serde_json says that values are nested deeper than it reads.
const TOO_DEEP: &str = "recursion limit exceeded";

/// What follows a place that serde_json names by line and column.
fn after(content: &[u8], line: usize, column: usize) -> &[u8] {
    let start = match line.checked_sub(2) {
        None => 0,
        Some(newlines) => memchr::memchr_iter(b'\n', content)
            .nth(newlines)
            .map_or(0, |at| at + 1),
    };
    content
        .get(start + column.saturating_sub(1)..)
        .unwrap_or_default()
}

/// What every place of a document shares.
struct Reader<'b, 'a> {
    classes: &'a mut Classes,
    names: &'a mut Names,
    budget: &'b mut ShapeBudget,
    depth_max: usize,
    /// Values begun so far.
    values: u64,
    /// Whether one of the names is one of [`CALLS`].
    may_call: bool,
    /// Whether the end of the content cut the shape.
    cut: bool,
    /// Whether values stand deeper than a shape may be.
    deep: bool,
    /// Whether values are nested deeper than is read.
    nested: bool,
    /// What the object that is being read holds.
    beside: Beside,
}

/// What stands beside each other in one object: a name is a person's where an address or a birthday
/// is.
#[derive(Clone, Copy, Default)]
struct Beside {
    /// A value that is written as a person's name, as its hash.
    name: Option<u64>,
    /// Whether something is there that only persons have.
    person: bool,
}

/// One place of a document: where its value's shape goes.
struct Place<'r, 'b, 'a> {
    reader: &'r mut Reader<'b, 'a>,
    /// The shape to fill; none where the caps leave no room, the value is then only classified.
    shape: Option<&'r mut Shape>,
    class: &'r mut Option<Word>,
    /// What the name of the field promises.
    hint: Option<FieldHint>,
    /// The same of classes that the configuration defines.
    custom: CustomHint,
    depth: usize,
    /// Whether nothing was read for this place before.
    first: bool,
    /// Whether this is an item of the array whose shape is being filled: its fields count as the
    /// array's, its type does not.
    item: bool,
}

impl Place<'_, '_, '_> {
    fn set_kind(&mut self, kind: ValueType) {
        self.reader.values += 1;
        let Some(shape) = self.shape.as_deref_mut() else {
            return;
        };
        if self.item {
            shape.item = Some(shape.item.map_or(kind, |known| join(known, kind)));
        } else if self.first {
            shape.kind = kind;
        } else {
            shape.kind = join(shape.kind, kind);
        }
    }

    fn note(&mut self, class: Option<DataClass>, value: &[u8]) {
        if let Some(class) = class {
            self.reader.beside.person |= matches!(
                class,
                DataClass::Email | DataClass::Phone | DataClass::DateOfBirth
            );
            self.reader.classes.add(class, value);
            note_class(self.class, class);
        }
    }

    fn text(mut self, text: &[u8]) {
        let (kind, class) = type_and_class_of(self.hint, text);
        self.set_kind(kind);
        if let Some(shape) = self.shape.as_deref_mut() {
            note_length(shape, text.len());
        }
        if class.is_none() && text.len() >= TEXT_BYTES_MIN {
            let (classes, noted) = (&mut *self.reader.classes, &mut *self.class);
            scan_named(self.hint, text, |class, value| {
                classes.add(class, value);
                note_class(noted, class);
            });
        }
        if class.is_none() && self.hint == Some(FieldHint::Name) && is_full_name(text) {
            self.reader.beside.name = Some(self.reader.classes.hash(text));
        }
        self.note(class, text);
        self.reader
            .classes
            .add_custom(self.custom, text, self.class);
    }

    /// A number; written out only where a class can come of it.
    fn number(mut self, kind: ValueType, number: impl fmt::Display, long: bool) {
        self.set_kind(kind);
        let known = long || self.hint.is_some_and(FieldHint::promises);
        if !known && !self.reader.classes.custom().may_be(self.custom) {
            return;
        }
        let mut buffer = [0_u8; 40];
        let mut rest = buffer.as_mut_slice();
        if write!(rest, "{number}").is_err() {
            return;
        }
        let left = rest.len();
        let text = buffer.get(..40 - left).unwrap_or_default();
        if known {
            let class = class_of(self.hint, text);
            self.note(class, text);
        }
        self.reader
            .classes
            .add_custom(self.custom, text, self.class);
    }
}

/// Numbers from here on can be a payment card's.
const LONG_NUMBER_MIN: u64 = 10_000_000_000_000;

impl<'de> DeserializeSeed<'de> for Place<'_, '_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Place<'_, '_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.set_kind(ValueType::Null);
        Ok(())
    }

    fn visit_bool<E>(mut self, _: bool) -> Result<(), E> {
        self.set_kind(ValueType::Boolean);
        Ok(())
    }

    fn visit_u64<E>(self, number: u64) -> Result<(), E> {
        self.number(ValueType::Integer, number, number >= LONG_NUMBER_MIN);
        Ok(())
    }

    fn visit_i64<E>(self, number: i64) -> Result<(), E> {
        self.number(ValueType::Integer, number, false);
        Ok(())
    }

    fn visit_f64<E>(self, number: f64) -> Result<(), E> {
        self.number(ValueType::Number, number, false);
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.text(text.as_bytes());
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.set_kind(ValueType::Array);
        let mut count: u32 = 0;
        let deep = self.depth >= self.reader.depth_max;
        self.reader.deep |= deep;
        loop {
            let place = Place {
                reader: self.reader,
                shape: if deep {
                    None
                } else {
                    self.shape.as_deref_mut()
                },
                class: self.class,
                hint: self.hint,
                custom: self.custom,
                depth: self.depth + 1,
                first: false,
                item: true,
            };
            match items.next_element_seed(place) {
                Ok(Some(())) => count = count.saturating_add(1),
                Ok(None) => break self.count_items(count, Ok(())),
                Err(error) => break self.count_items(count, Err(error)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.set_kind(ValueType::Object);
        let deep = self.depth >= self.reader.depth_max;
        self.reader.deep |= deep;
        if let Some(shape) = self.shape.as_deref_mut() {
            shape.objects = shape.objects.saturating_add(1);
        }
        let mut expected = 0;
        let around = core::mem::take(&mut self.reader.beside);
        loop {
            let known = self.shape.as_ref().map_or(0, |shape| shape.fields.len());
            let fields = if deep {
                None
            } else {
                self.shape.as_deref_mut().map(|s| &mut s.fields)
            };
            let name = Name {
                reader: self.reader,
                fields,
                expected,
            };
            let Some((index, hint, custom)) = members.next_key_seed(name)? else {
                self.close_object(around);
                return Ok(());
            };
            let mut unnamed = None;
            let field = index.and_then(|index| self.shape.as_deref_mut()?.fields.get_mut(index));
            let (shape, class) = match field {
                Some(field) => {
                    field.seen = field.seen.saturating_add(1);
                    (Some(&mut field.shape), &mut field.class)
                }
                None => (None, &mut unnamed),
            };
            expected = index.map_or(expected, |index| index + 1);
            let begun = self.reader.values;
            let new = index.filter(|index| *index >= known);
            let outcome = members.next_value_seed(Place {
                reader: self.reader,
                shape,
                class,
                hint,
                custom,
                depth: self.depth + 1,
                first: new.is_some(),
                item: false,
            });
            if outcome.is_err()
                && begun == self.reader.values
                && let (Some(new), Some(shape)) = (new, self.shape.as_deref_mut())
            {
                // The content broke off between the name and its value.
                shape.fields.truncate(new);
            }
            outcome?;
        }
    }
}

impl Place<'_, '_, '_> {
    /// Takes a name for a person's where the object is about one.
    fn close_object(&mut self, around: Beside) {
        let beside = core::mem::replace(&mut self.reader.beside, around);
        let Some(name) = beside.name.filter(|_| beside.person) else {
            return;
        };
        self.reader.classes.add_hash(DataClass::PersonName, name);
        let fields = self.shape.as_deref_mut().map(|shape| &mut shape.fields);
        for field in fields.into_iter().flatten() {
            if field_hint(field.name.as_bytes()) == Some(FieldHint::Name) {
                note_class(&mut field.class, DataClass::PersonName);
            }
        }
    }

    /// Writes the number of items, the largest when the place is met again.
    fn count_items<E>(&mut self, count: u32, outcome: Result<(), E>) -> Result<(), E> {
        if let Some(shape) = self.shape.as_deref_mut()
            && !self.item
        {
            shape.items = Some(shape.items.map_or(count, |items| items.max(count)));
        }
        outcome
    }
}

/// Reads a member's name: where its field stands, and what the name promises of the value.
struct Name<'r, 'b, 'a> {
    reader: &'r mut Reader<'b, 'a>,
    fields: Option<&'r mut Vec<tapscope_record::Field>>,
    expected: usize,
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_, '_> {
    type Value = (Option<usize>, Option<FieldHint>, CustomHint);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_, '_, '_> {
    type Value = (Option<usize>, Option<FieldHint>, CustomHint);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        self.reader.may_call |= CALLS.contains(&name);
        if let Some(Promise { hint, custom }) = self.reader.names.harmless(name) {
            let budget = &mut *self.reader.budget;
            let index = self
                .fields
                .and_then(|fields| budget.place(fields, name, self.expected));
            return Ok((index, hint, custom));
        }
        let raw = name.as_bytes();
        scan(raw, |class, value| self.reader.classes.add(class, value));
        self.reader.classes.add_custom_name(raw);
        let custom = self.reader.classes.custom().hint(raw);
        let index = self
            .fields
            .and_then(|fields| self.reader.budget.field(fields, raw, self.expected));
        Ok((index, field_hint(raw), custom))
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<Self::Value, E> {
        Err(E::custom("a name that is no text"))
    }
}
