//! Examples for a learned OpenAPI document: made up from types, formats and classes, never taken from
//! traffic. Where a value would be somebody's, the class stands in its place (`{person_name}`).

use serde_json::{Map, Value, json};
use tapscope_analyzer::snapshot::schema::FieldSnapshot;

use crate::openapi::is_key;

/// Fields of an example body; a larger one would say no more than its schema.
const FIELDS_MAX: usize = 64;

/// Levels of an example body.
const DEPTH_MAX: usize = 8;

/// What a body looks like; none for one without fields, and for a large one.
pub(crate) fn of_body(root: &FieldSnapshot) -> Option<Value> {
    let structured = root.types.contains_key("object") || root.types.contains_key("array");
    let mut left = FIELDS_MAX;
    if structured {
        value(root, DEPTH_MAX, &mut left)
    } else {
        None
    }
}

/// A value of a place; none when there is no room left.
fn value(field: &FieldSnapshot, depth: usize, left: &mut usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    *left = left.checked_sub(1)?;
    let has = |kind: &str| field.types.contains_key(kind);
    if has("array") {
        let item = if field.items.contains_key("object") {
            object(field, depth, left)?
        } else {
            scalar(usual(&field.items), class(field))
        };
        return Some(match field.items.is_empty() {
            true => json!([]),
            false => json!([item]),
        });
    }
    if has("object") {
        return object(field, depth, left);
    }
    Some(scalar(usual(&field.types), class(field)))
}

fn object(field: &FieldSnapshot, depth: usize, left: &mut usize) -> Option<Value> {
    let mut members = Map::new();
    for one in &field.fields {
        let name = if is_key(&one.name) { "key" } else { &one.name };
        members.insert(name.to_owned(), value(one, depth, left)?);
    }
    Some(Value::Object(members))
}

/// The type that most bodies had, null only where there was no other.
fn usual(types: &std::collections::BTreeMap<String, u64>) -> &str {
    let real = types.iter().filter(|(kind, _)| kind.as_str() != "null");
    let most = real.max_by_key(|(kind, count)| (**count, core::cmp::Reverse(kind.as_str())));
    most.map_or("null", |(kind, _)| kind)
}

fn class(field: &FieldSnapshot) -> Option<&str> {
    let most = field.classes.iter().max_by_key(|(_, count)| **count);
    most.map(|(class, _)| class.as_str())
}

/// A value of a type; of a class of data, where it is a text of no other form, its name.
fn scalar(kind: &str, class: Option<&str>) -> Value {
    match kind {
        "null" => Value::Null,
        "boolean" => json!(true),
        "integer" => json!(1),
        "number" => json!(1.5),
        "uuid" => json!("00000000-0000-4000-8000-000000000000"),
        "date" => json!("2000-01-31"),
        "date_time" => json!("2000-01-31T12:00:00Z"),
        "email" => json!("somebody@example.com"),
        "url" => json!("https://example.com/"),
        "empty" => json!(""),
        _ => json!(class.map_or_else(|| "text".to_owned(), |class| format!("{{{class}}}"))),
    }
}

/// A value that a parameter may have, where its schema says more than that it is a text.
pub(crate) fn of_parameter(schema: &Value) -> Option<Value> {
    let of = |key: &str| schema.get(key);
    if let Some(first) = of("enum").and_then(|all| all.get(0)) {
        return Some(first.clone());
    }
    if let Some(least) = of("minimum") {
        return Some(least.clone());
    }
    if of("x-data-classes").is_some() {
        return None;
    }
    match (of("type")?.as_str()?, of("format").and_then(Value::as_str)) {
        ("boolean", _) => Some(json!(true)),
        ("string", Some("uuid")) => Some(scalar("uuid", None)),
        ("string", Some("date")) => Some(scalar("date", None)),
        ("string", Some("date-time")) => Some(scalar("date_time", None)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, kind: &str) -> FieldSnapshot {
        FieldSnapshot {
            name: name.to_owned(),
            types: [(kind.to_owned(), 3)].into(),
            ..FieldSnapshot::default()
        }
    }

    #[test]
    fn a_body_is_made_up_from_types_and_classes() {
        let mut name = field("name", "string");
        name.classes = [("person_name".to_owned(), 3)].into();
        let mut tags = field("tags", "array");
        tags.items = [("string".to_owned(), 3)].into();
        let mut note = field("note", "null");
        note.types.insert("string".to_owned(), 1);
        let mut prices = field("prices", "object");
        prices.fields = vec![field("{uuid}", "number")];
        let mut root = field("", "object");
        root.fields = vec![field("id", "uuid"), name, tags, note, prices];
        let expected = json!({
            "id": "00000000-0000-4000-8000-000000000000",
            "name": "{person_name}",
            "tags": ["text"],
            "note": "text",
            "prices": {"key": 1.5},
        });
        assert_eq!(of_body(&root), Some(expected));
        assert_eq!(of_body(&field("", "string")), None);
        root.fields = (0..FIELDS_MAX)
            .map(|n| field(&n.to_string(), "integer"))
            .collect();
        assert_eq!(of_body(&root), None, "a large one");
    }

    #[test]
    fn a_parameter_has_an_example_where_its_schema_tells_one() {
        for (schema, expected) in [
            (
                json!({"type": "string", "enum": ["asc", "desc"]}),
                Some(json!("asc")),
            ),
            (json!({"type": "integer", "minimum": 1}), Some(json!(1))),
            (json!({"type": "boolean"}), Some(json!(true))),
            (json!({"type": "string"}), None),
            (
                json!({"type": "string", "format": "uuid", "x-data-classes": ["secret"]}),
                None,
            ),
        ] {
            assert_eq!(of_parameter(&schema), expected, "{schema}");
        }
    }
}
