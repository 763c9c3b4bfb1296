//! Protocol Buffers without their schema: field numbers, wire types, and a bounded guess at what
//! is nested. A length-delimited field that is text is called text; one that reads as a message to
//! its last byte is called a message; all else is binary.

use tapscope_record::{Shape, ValueType, Word};

use super::classes::Classes;
use super::shape::{ShapeBudget, empty_shape, join, note_class, note_length};
use crate::text::{CustomHint, class_of, scan, value_type};

/// Highest field number (the encoding's own limit).
const FIELD_NUMBER_MAX: u64 = (1 << 29) - 1;

/// One field as encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value<'a> {
    Varint,
    Fixed,
    Bytes(&'a [u8]),
    /// Start or end of a group, which proto3 no longer has.
    Group,
}

/// Takes a base-128 number of at most ten bytes.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for at in 0..10_u32 {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f).checked_shl(at * 7).unwrap_or(0);
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes one field: its number and its value; none where there is none, or where it breaks off.
fn field<'a>(rest: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = varint(rest)?;
    let number = key >> 3;
    if number == 0 || number > FIELD_NUMBER_MAX {
        return None;
    }
    let mut take = |length: usize| {
        let (taken, after) = rest.split_at_checked(length)?;
        *rest = after;
        Some(taken)
    };
    let value = match key & 7 {
        0 => {
            varint(rest)?;
            Value::Varint
        }
        1 => take(8).map(|_| Value::Fixed)?,
        2 => {
            let length = usize::try_from(varint(rest)?).ok()?;
            let (taken, after) = rest.split_at_checked(length)?;
            *rest = after;
            Value::Bytes(taken)
        }
        3 | 4 => Value::Group,
        5 => take(4).map(|_| Value::Fixed)?,
        _ => return None,
    };
    Some((number, value))
}

/// Whether all of `content` is one message, its own level looked at only.
pub(super) fn is_message(content: &[u8]) -> bool {
    let mut rest = content;
    while !rest.is_empty() {
        if field(&mut rest).is_none() {
            return false;
        }
    }
    !content.is_empty()
}

/// Whether bytes are text that a person wrote or a program printed.
fn is_text(content: &[u8]) -> bool {
    core::str::from_utf8(content).is_ok_and(|text| {
        !text
            .chars()
            .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    })
}

/// Draws the shape of messages of one kind.
pub(super) struct Reader<'a> {
    pub(super) classes: &'a mut Classes,
    pub(super) budget: &'a mut ShapeBudget,
    pub(super) depth_max: usize,
    /// Messages were nested deeper than a shape may be.
    pub(super) deep: bool,
}

impl Reader<'_> {
    /// Adds a message to `shape`; false when it breaks off or is none.
    pub(super) fn read(&mut self, content: &[u8], shape: &mut Shape, depth: usize) -> bool {
        shape.kind = ValueType::Object;
        shape.objects = shape.objects.saturating_add(1);
        let mut rest = content;
        let mut expected = 0;
        while !rest.is_empty() {
            let Some((number, value)) = field(&mut rest) else {
                return false;
            };
            let name = number.to_string();
            let known = shape.fields.len();
            let at = self.budget.place(&mut shape.fields, &name, expected);
            expected = at.map_or(expected, |at| at + 1);
            let new = at.is_some_and(|at| at >= known);
            let mut unnamed = (empty_shape(), None);
            let place = match at.and_then(|at| shape.fields.get_mut(at)) {
                Some(field) => {
                    field.seen = field.seen.saturating_add(1);
                    (&mut field.shape, &mut field.class)
                }
                None => (&mut unnamed.0, &mut unnamed.1),
            };
            self.value(value, place.0, place.1, new, depth);
        }
        true
    }

    fn value(
        &mut self,
        value: Value<'_>,
        shape: &mut Shape,
        class: &mut Option<Word>,
        new: bool,
        depth: usize,
    ) {
        let kind = match value {
            Value::Varint => ValueType::Integer,
            Value::Fixed => ValueType::Number,
            Value::Group => ValueType::Object,
            Value::Bytes(bytes) => {
                note_length(shape, bytes.len());
                self.bytes(bytes, shape, class, depth)
            }
        };
        shape.kind = if new { kind } else { join(shape.kind, kind) };
    }

    fn bytes(
        &mut self,
        bytes: &[u8],
        shape: &mut Shape,
        class: &mut Option<Word>,
        depth: usize,
    ) -> ValueType {
        // A tag of a low field number is a control character: text does not start with one.
        let tagged = bytes.first().is_some_and(|first| *first < 0x20);
        if !(tagged && is_message(bytes)) && is_text(bytes) {
            if let Some(found) = class_of(None, bytes) {
                self.classes.add(found, bytes);
                note_class(class, found);
            } else {
                let classes = &mut *self.classes;
                scan(bytes, |found, value| {
                    classes.add(found, value);
                    note_class(class, found);
                });
            }
            self.classes.add_custom(CustomHint::default(), bytes, class);
            return value_type(bytes);
        }
        if !is_message(bytes) {
            return ValueType::Binary;
        }
        if depth + 1 < self.depth_max {
            let kind = shape.kind;
            self.read(bytes, shape, depth + 1);
            shape.kind = kind;
        } else {
            self.deep = true;
        }
        ValueType::Object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_message() {
        // By protoc: {1: 150, 2: "testing", 3: {1: 1}, 4: fixed32 1, 5: fixed64 1}.
        let message =
            b"\x08\x96\x01\x12\x07testing\x1a\x02\x08\x01\x25\x01\0\0\0\x29\x01\0\0\0\0\0\0\0";
        let mut rest = &message[..];
        let mut fields = Vec::new();
        while let Some(field) = field(&mut rest) {
            fields.push(field);
        }
        assert_eq!(
            fields,
            [
                (1, Value::Varint),
                (2, Value::Bytes(b"testing")),
                (3, Value::Bytes(b"\x08\x01")),
                (4, Value::Fixed),
                (5, Value::Fixed),
            ]
        );
        assert!(is_message(message));
        for broken in [
            &b"\x00\x01"[..],
            b"\x08",
            b"\x12\x05ab",
            b"\x0f",
            b"",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert!(!is_message(broken), "{broken:?}");
        }
    }
}
