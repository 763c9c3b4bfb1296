//! Forms (`application/x-www-form-urlencoded`): names and profiles of their fields.

use tapscope_record::{Shape, ValueType};

use super::shape::{ShapeBudget, empty_shape, join, note_class, note_length};
use crate::percent;
use crate::redactor::Work;
use crate::text::{class_of, field_hint, scan, scan_named, value_type_of_text};

/// The shape of a form; data classes go to the counts.
pub(super) fn read(work: &mut Work<'_>, content: &[u8]) -> Option<Shape> {
    let mut budget = ShapeBudget::new(work.settings);
    let mut shape = Shape {
        kind: ValueType::Object,
        ..empty_shape()
    };
    let (mut name_buffer, mut value_buffer) = (Vec::new(), Vec::new());
    for pair in content
        .split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
    {
        let equals = memchr::memchr(b'=', pair).unwrap_or(pair.len());
        let (name, value) = pair.split_at_checked(equals).unwrap_or_default();
        let name = percent::decode_fully(name, true, &mut name_buffer);
        let value = value.get(1..).unwrap_or_default();
        let value = percent::decode_fully(value, true, &mut value_buffer);
        field(work, &mut budget, &mut shape, name, value);
    }
    work.counters.fields_over_cap += budget.dropped;
    if budget.dropped > 0 {
        work.limit("fields");
    }
    shape.truncated |= budget.dropped > 0;
    (!shape.fields.is_empty()).then_some(shape)
}

/// Adds one field with its value.
pub(super) fn field(
    work: &mut Work<'_>,
    budget: &mut ShapeBudget,
    shape: &mut Shape,
    name: &[u8],
    value: &[u8],
) {
    let known = shape.fields.len();
    scan(name, |class, value| work.classes.add(class, value));
    work.classes.add_custom_name(name);
    let index = budget.field(&mut shape.fields, name, known);
    let mut unnamed = None;
    let place = index.and_then(|index| shape.fields.get_mut(index));
    let noted = match place {
        Some(field) => {
            let kind = value_type_of_text(value);
            let new = index.is_some_and(|index| index >= known);
            field.shape.kind = if new {
                kind
            } else {
                join(field.shape.kind, kind)
            };
            field.seen = field.seen.saturating_add(1);
            if !matches!(
                kind,
                ValueType::Integer | ValueType::Number | ValueType::Boolean
            ) {
                note_length(&mut field.shape, value.len());
            }
            &mut field.class
        }
        None => &mut unnamed,
    };
    let hint = field_hint(name);
    if let Some(class) = class_of(hint, value) {
        work.classes.add(class, value);
        note_class(noted, class);
    } else {
        let classes = &mut *work.classes;
        scan_named(hint, value, |class, value| {
            classes.add(class, value);
            note_class(noted, class);
        });
    }
    let custom = work.classes.custom().hint(name);
    work.classes.add_custom(custom, value, noted);
}

/// Whether content that declares nothing is a form: short plain names before `=`, all the way.
pub(super) fn looks_like_form(content: &[u8]) -> bool {
    let mut pairs = content.split(|&byte| byte == b'&').take(4).peekable();
    pairs.peek().is_some_and(|first| first.contains(&b'='))
        && pairs.all(|pair| {
            let name = pair.split(|&byte| byte == b'=').next().unwrap_or_default();
            (1..=64).contains(&name.len())
                && name.iter().all(|byte| {
                    byte.is_ascii_alphanumeric()
                        || matches!(byte, b'_' | b'-' | b'.' | b'[' | b']' | b'%' | b'+')
                })
        })
}
