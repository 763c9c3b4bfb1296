//! What shapes may cost, and how two shapes of one place become one.

use tapscope_record::{Field, Shape, ValueType, Word};

use crate::settings::RedactSettings;
use crate::text::{CustomClasses, DataClass};

/// What is left of the caps while a shape is drawn.
#[derive(Clone, Debug)]
pub(crate) struct ShapeBudget {
    fields_left: usize,
    name_bytes_left: usize,
    name_bytes_max: usize,
    custom: CustomClasses,
    /// Fields that were left out.
    pub(crate) dropped: u64,
}

impl ShapeBudget {
    pub(crate) fn new(settings: &RedactSettings) -> Self {
        Self::of_fields(settings, settings.shape_fields_max)
    }

    /// A budget of so many fields.
    pub(crate) fn of_fields(settings: &RedactSettings, fields: usize) -> Self {
        Self {
            fields_left: fields,
            name_bytes_left: settings.shape_name_bytes_max,
            name_bytes_max: settings.name_bytes_max,
            custom: settings.custom_classes.clone(),
            dropped: 0,
        }
    }

    /// Index of the field of that raw name in `fields`, which is added when it is new; none when
    /// the caps are reached. `expected` is where it stands when objects are alike.
    pub(crate) fn field(
        &mut self,
        fields: &mut Vec<Field>,
        raw_name: &[u8],
        expected: usize,
    ) -> Option<usize> {
        let custom = self.custom.clone();
        let name = custom.safe_name(raw_name, self.name_bytes_max);
        self.place(fields, &name, expected)
    }

    /// The same for a name that is safe.
    pub(crate) fn place(
        &mut self,
        fields: &mut Vec<Field>,
        name: &str,
        expected: usize,
    ) -> Option<usize> {
        if fields.get(expected).is_some_and(|field| field.name == name) {
            return Some(expected);
        }
        if let Some(index) = fields.iter().position(|field| field.name == name) {
            return Some(index);
        }
        if self.fields_left == 0 || self.name_bytes_left < name.len() {
            self.dropped += 1;
            return None;
        }
        self.fields_left -= 1;
        self.name_bytes_left -= name.len();
        fields.push(Field {
            name: Word::of(name),
            ..Field::default()
        });
        Some(fields.len() - 1)
    }
}

/// The shape of a value that has not been read yet.
pub(crate) fn empty_shape() -> Shape {
    Shape::default()
}

/// Notes the length of a text or binary value.
pub(crate) fn note_length(shape: &mut Shape, length: usize) {
    shape.longest = shape.longest.max(u32::try_from(length).unwrap_or(u32::MAX));
}

/// The type of a place where both were met: what is structured wins, then the type that has room
/// for both. The order of the two does not matter.
pub(crate) fn join(one: ValueType, other: ValueType) -> ValueType {
    use ValueType as T;
    let (low, high) = if one <= other {
        (one, other)
    } else {
        (other, one)
    };
    match (low, high) {
        _ if low == high => low,
        (T::Empty, high) | (T::Null, high) => match (low, high) {
            (T::Empty, T::Null) => T::Null,
            // An empty string beside a number or a boolean is a string after all.
            (T::Empty, T::Boolean | T::Integer | T::Number) => T::String,
            _ => high,
        },
        (_, T::Array) => T::Array,
        (_, T::Object) => T::Object,
        (T::Integer, T::Number) => T::Number,
        (T::Date, T::DateTime) => T::DateTime,
        _ => T::String,
    }
}

/// Notes the class of a value of the field; the first that was found stays.
pub(crate) fn note_class(class: &mut Option<Word>, found: DataClass) {
    class.get_or_insert_with(|| found.as_str().into());
}

/// Folds objects that are maps: so many fields of one kind are keys, not names.
pub(crate) fn fold_maps(shape: &mut Shape, fields_min: usize) {
    if shape.fields.len() >= fields_min && alike(&shape.fields) {
        let mut folded = Field {
            name: "{key}".into(),
            ..Field::default()
        };
        for (index, field) in core::mem::take(&mut shape.fields).into_iter().enumerate() {
            folded.seen = folded.seen.saturating_add(field.seen);
            if index == 0 {
                folded.shape = field.shape;
                folded.class = field.class;
            } else {
                merge(&mut folded.shape, field.shape);
                folded.class = folded.class.or(field.class);
            }
        }
        shape.fields.push(folded);
    }
    for field in &mut shape.fields {
        fold_maps(&mut field.shape, fields_min);
    }
}

/// Whether nine in ten fields have the same type and as good as the same fields in it.
fn alike(fields: &[Field]) -> bool {
    let Some(first) = fields.get(fields.len() / 2) else {
        return false;
    };
    let same = |field: &&Field| {
        let (a, b) = (&first.shape, &field.shape);
        a.kind == b.kind
            && a.fields.len().abs_diff(b.fields.len()) <= 1 + a.fields.len() / 4
            && (a.kind != ValueType::String || field.name.len() >= 2)
    };
    fields.iter().filter(same).count() * 10 >= fields.len() * 9
}

/// Merges `from` into `into`.
pub(crate) fn merge(into: &mut Shape, from: Shape) {
    into.kind = join(into.kind, from.kind);
    into.truncated |= from.truncated;
    into.objects = into.objects.saturating_add(from.objects);
    into.longest = into.longest.max(from.longest);
    into.format = into.format.take().or(from.format);
    into.items = match (into.items, from.items) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    };
    into.item = match (into.item, from.item) {
        (Some(one), Some(other)) => Some(join(one, other)),
        (one, other) => one.or(other),
    };
    for field in from.fields {
        match into
            .fields
            .iter_mut()
            .find(|known| known.name == field.name)
        {
            Some(known) => {
                merge(&mut known.shape, field.shape);
                known.seen = known.seen.saturating_add(field.seen);
                known.class = known.class.take().or(field.class);
            }
            None => into.fields.push(field),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_join_whatever_their_order() {
        use ValueType as T;
        for (one, other, expected) in [
            (T::Null, T::Integer, T::Integer),
            (T::Empty, T::Email, T::Email),
            (T::Empty, T::Integer, T::String),
            (T::Integer, T::Number, T::Number),
            (T::Date, T::DateTime, T::DateTime),
            (T::Uuid, T::Integer, T::String),
            (T::Object, T::String, T::Object),
            (T::Object, T::Array, T::Array),
            (T::Hex, T::Hex, T::Hex),
        ] {
            assert_eq!(join(one, other), expected);
            assert_eq!(join(other, one), expected);
        }
    }
}
