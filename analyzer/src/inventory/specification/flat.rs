//! Schemas of a document, flattened as far as a comparison needs: references followed, `allOf`
//! joined, `oneOf` and `anyOf` taken as alternatives.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// References and compositions followed one into the other; deeper ones are taken to allow
/// anything.
const MAX_STEPS: usize = 24;

/// What a place of a body may be.
#[derive(Clone, Debug, Default)]
pub(super) struct Flat<'a> {
    /// Types by JSON Schema's names; empty where any is allowed.
    pub(super) types: BTreeSet<&'a str>,
    /// Whether null is allowed beside them.
    pub(super) nullable: bool,
    /// What texts must look like; empty where anything is allowed.
    pub(super) formats: BTreeSet<&'a str>,
    /// Whether fields are listed, be it none: `properties: {}` says more than no `properties`.
    pub(super) listed: bool,
    /// Fields, each with its alternatives.
    pub(super) properties: BTreeMap<&'a str, Vec<&'a Value>>,
    /// Fields that must be there.
    pub(super) required: BTreeSet<&'a str>,
    /// What fields of other names must look like.
    pub(super) additional: Vec<&'a Value>,
    /// What items of an array must look like.
    pub(super) items: Vec<&'a Value>,
    /// Whether fields of other names are expressly allowed, or something cannot be read.
    pub(super) open: bool,
}

/// A value with its local `$ref` followed; none where it leads out of the document or in circles.
pub(super) fn follow<'a>(tree: &'a Value, value: &'a Value) -> Option<&'a Value> {
    let mut value = value;
    for _ in 0..MAX_STEPS {
        let Some(reference) = value.get("$ref").and_then(Value::as_str) else {
            return Some(value);
        };
        value = tree.pointer(&decoded(reference.strip_prefix('#')?))?;
    }
    None
}

/// A reference's fragment, percent-decoded as far as documents encode it (RFC 3986).
fn decoded(fragment: &str) -> String {
    fragment.replace("%7B", "{").replace("%7D", "}")
}

impl<'a> Flat<'a> {
    /// What any of the schemas allows.
    pub(super) fn of(tree: &'a Value, alternatives: &[&'a Value]) -> Self {
        let mut flat: Option<Self> = None;
        for schema in alternatives {
            let one = Self::of_one(tree, schema, MAX_STEPS);
            flat = Some(match flat {
                Some(flat) => flat.or(one),
                None => one,
            });
        }
        flat.unwrap_or_else(Self::anything)
    }

    fn anything() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Whether nothing is said of fields, so that all are allowed.
    pub(super) fn is_free(&self) -> bool {
        self.open || (!self.listed && self.properties.is_empty() && self.additional.is_empty())
    }

    fn of_one(tree: &'a Value, schema: &'a Value, steps: usize) -> Self {
        let (Some(steps), Some(schema)) = (steps.checked_sub(1), follow(tree, schema)) else {
            return Self::anything();
        };
        let mut flat = Self::own(schema);
        let list = |key: &str| schema.get(key).and_then(Value::as_array);
        for part in list("allOf").into_iter().flatten() {
            flat = flat.and(Self::of_one(tree, part, steps));
        }
        for key in ["oneOf", "anyOf"] {
            let alternatives = list(key).into_iter().flatten();
            let any = alternatives
                .map(|one| Self::of_one(tree, one, steps))
                .reduce(Self::or);
            if let Some(any) = any {
                flat = flat.and(any);
            }
        }
        flat
    }

    /// What a schema itself says.
    fn own(schema: &'a Value) -> Self {
        let texts = |value: Option<&'a Value>| match value {
            Some(Value::String(one)) => vec![one.as_str()],
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let mut types: BTreeSet<&str> = texts(schema.get("type")).into_iter().collect();
        let values = schema.get("enum").and_then(Value::as_array);
        let flag = |key: &str| schema.get(key) == Some(&Value::Bool(true));
        let nullable = types.remove("null")
            || flag("nullable")
            || flag("x-nullable")
            || values.is_some_and(|values| values.contains(&Value::Null));
        let properties = schema.get("properties").and_then(Value::as_object);
        if types.is_empty() {
            types.extend(properties.map(|_| "object"));
            types.extend(schema.get("items").map(|_| "array"));
        }
        let other = schema.get("additionalProperties");
        let anything = |value: &Value| match value {
            Value::Bool(allowed) => *allowed,
            Value::Object(schema) => schema.is_empty(),
            _ => false,
        };
        Self {
            types,
            nullable,
            formats: texts(schema.get("format")).into_iter().collect(),
            listed: properties.is_some(),
            properties: properties
                .into_iter()
                .flatten()
                .map(|(name, schema)| (name.as_str(), vec![schema]))
                .collect(),
            required: texts(schema.get("required")).into_iter().collect(),
            additional: other
                .filter(|o| o.is_object() && !anything(o))
                .into_iter()
                .collect(),
            items: schema.get("items").into_iter().collect(),
            open: other.is_some_and(anything) || schema.get("patternProperties").is_some(),
        }
    }

    /// What both allow.
    fn and(mut self, other: Self) -> Self {
        if self.types.is_empty() {
            self.nullable |= other.nullable;
            self.types = other.types;
        } else if !other.types.is_empty() {
            self.nullable &= other.nullable;
            self.types.retain(|one| other.types.contains(one));
        }
        if self.formats.is_empty() {
            self.formats = other.formats;
        }
        for (name, schemas) in other.properties {
            self.properties.entry(name).or_default().extend(schemas);
        }
        self.required.extend(other.required);
        self.additional.extend(other.additional);
        self.items.extend(other.items);
        self.listed |= other.listed;
        self.open |= other.open;
        self
    }

    /// What any of the two allows.
    fn or(mut self, other: Self) -> Self {
        self.types = match self.types.is_empty() || other.types.is_empty() {
            true => BTreeSet::new(),
            false => self.types.union(&other.types).copied().collect(),
        };
        self.formats = match self.formats.is_empty() || other.formats.is_empty() {
            true => BTreeSet::new(),
            false => self.formats.union(&other.formats).copied().collect(),
        };
        self.nullable |= other.nullable;
        for (name, schemas) in other.properties {
            self.properties.entry(name).or_default().extend(schemas);
        }
        self.required.retain(|name| other.required.contains(name));
        self.additional.extend(other.additional);
        self.items.extend(other.items);
        self.listed &= other.listed;
        self.open |= other.open;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_list_of_no_fields_says_more_than_no_list() {
        for (schema, is_free) in [
            (json!({"type": "object"}), true),
            (json!({"type": "object", "properties": {}}), false),
            (
                json!({"type": "object", "properties": {}, "additionalProperties": true}),
                true,
            ),
            (
                json!({"anyOf": [{"properties": {}}, {"type": "object"}]}),
                true,
            ),
            (
                json!({"allOf": [{"properties": {}}, {"type": "object"}]}),
                false,
            ),
        ] {
            let flat = Flat::of(&Value::Null, &[&schema]);
            assert_eq!(flat.is_free(), is_free, "{schema}");
        }
    }
}
