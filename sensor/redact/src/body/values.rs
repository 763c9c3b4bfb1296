//! Values of a request's body: of some bodies each field's profile is taken, as of a parameter of the
//! query, so that it is known how many different values it has, between which numbers they lie and
//! which words they are. Of what a shape tells all bodies are looked at; of values one in a few
//! suffices ([`crate::sampling`]).

use serde_json::Value;
use tapscope_record::{Parameter, Shape, ValueType, Word};

use super::Content;
use crate::percent;
use crate::profile;
use crate::redactor::Work;

/// Levels of objects that are gone into.
const DEPTH_MAX: usize = 5;

/// Items of an array whose values are taken.
const ITEMS_MAX: usize = 8;

/// The values of a body that has the shape. Names that it has not, because they are data or beyond a
/// cap, have none.
pub(super) fn read(
    work: &mut Work<'_>,
    kind: Content,
    content: &[u8],
    shape: &Shape,
) -> Vec<Parameter> {
    let mut taken = Taken {
        work,
        out: Vec::new(),
    };
    match kind {
        Content::Json => {
            if let Ok(value) = serde_json::from_slice::<Value>(content) {
                taken.members(shape, &value, "", DEPTH_MAX);
            }
        }
        Content::Form => taken.form(shape, content),
        _ => {}
    }
    taken.out
}

struct Taken<'w, 'a> {
    work: &'w mut Work<'a>,
    out: Vec<Parameter>,
}

impl Taken<'_, '_> {
    /// Takes what stands in an object, or in the objects of an array.
    fn members(&mut self, shape: &Shape, value: &Value, path: &str, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match value {
            Value::Object(members) => {
                for (name, value) in members {
                    let safe = self.work.name(name.as_bytes());
                    let field = shape.fields.iter().find(|field| *field.name == *safe);
                    let Some(field) = field.filter(|_| !safe.starts_with('{')) else {
                        continue;
                    };
                    let path = match path {
                        "" => safe,
                        _ => format!("{path}.{safe}"),
                    };
                    self.value(
                        (name.as_bytes(), &path),
                        &field.shape,
                        field.class.as_ref(),
                        value,
                        depth,
                    );
                }
            }
            Value::Array(items) => {
                for item in items.iter().take(ITEMS_MAX) {
                    self.members(shape, item, path, depth);
                }
            }
            _ => {}
        }
    }

    fn value(
        &mut self,
        (name, path): (&[u8], &str),
        shape: &Shape,
        class: Option<&Word>,
        value: &Value,
        depth: usize,
    ) {
        match value {
            Value::Null => {}
            Value::Bool(is) => {
                let text: &[u8] = if *is { b"true" } else { b"false" };
                self.take((name, path), class, text, false);
            }
            Value::Number(number) => {
                self.take((name, path), class, number.to_string().as_bytes(), false);
            }
            Value::String(text) => self.take((name, path), class, text.as_bytes(), true),
            Value::Object(_) => self.members(shape, value, path, depth),
            Value::Array(items) => {
                let path = format!("{path}[]");
                for item in items.iter().take(ITEMS_MAX) {
                    match item {
                        Value::Object(_) => self.members(shape, item, &path, depth),
                        Value::Array(_) => {}
                        _ => self.value((name, &path), shape, class, item, depth),
                    }
                }
            }
        }
    }

    fn form(&mut self, shape: &Shape, content: &[u8]) {
        let (mut name_buffer, mut value_buffer) = (Vec::new(), Vec::new());
        for pair in content.split(|&byte| byte == b'&') {
            let Some(equals) = memchr::memchr(b'=', pair) else {
                continue;
            };
            let (name, value) = pair.split_at_checked(equals).unwrap_or_default();
            let name = percent::decode_fully(name, true, &mut name_buffer);
            let value = value.get(1..).unwrap_or_default();
            let value = percent::decode_fully(value, true, &mut value_buffer);
            let safe = self.work.name(name);
            let field = shape.fields.iter().find(|field| *field.name == *safe);
            if let Some(field) = field.filter(|_| !safe.starts_with('{')) {
                self.take((name, &safe), field.class.as_ref(), value, false);
            }
        }
    }

    /// Takes one value. What the body as a whole told of it holds: a name beside an address is a
    /// person's.
    fn take(
        &mut self,
        (name, path): (&[u8], &str),
        class: Option<&Word>,
        text: &[u8],
        is_text: bool,
    ) {
        if self.out.len() >= self.work.settings.parameters_max {
            self.work.counters.parameters_over_cap += 1;
            return;
        }
        let mut value = profile::of(self.work, name, text).value;
        let is_scalar = matches!(
            value.kind,
            ValueType::Integer | ValueType::Number | ValueType::Boolean
        );
        if is_text && is_scalar {
            value.kind = ValueType::String;
            value.number = None;
        }
        if let Some(class) = class.filter(|_| value.class.is_none()) {
            value.class = Some(class.clone());
        }
        if value.class.is_some() {
            (value.word, value.number, value.form) = (None, None, None);
        }
        self.out.push(Parameter {
            name: Word::of(path),
            value,
        });
    }
}
