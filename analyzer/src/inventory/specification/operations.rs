//! The operations of a document.

use serde_json::{Map, Value};

use super::{Format, Operation, SpecificationError, servers, text};

/// Keys of a path item that are operations.
const METHODS: [&str; 8] = [
    "get", "put", "post", "delete", "options", "head", "patch", "trace",
];

/// Most operations read of one document; the largest public ones have about 10 000.
const MAX_OPERATIONS: usize = 50_000;

/// References followed one after the other; a longer chain is a loop.
const MAX_REFERENCES: usize = 8;

/// The operations of a document, in its order.
pub(super) fn of(tree: &Value, format: Format) -> Result<Vec<Operation>, SpecificationError> {
    let paths = match tree.get("paths") {
        Some(Value::Object(paths)) => paths.clone(),
        // 3.1 allows a document of webhooks and components only: it says nothing of what is
        // called. `paths:` with nothing below reads as null.
        Some(Value::Null) => Map::new(),
        None if tree.get("webhooks").is_some() || tree.get("components").is_some() => Map::new(),
        Some(_) | None => {
            return Err(SpecificationError::NotOpenApi(
                "the document has no `paths`, so it describes no endpoint".to_owned(),
            ));
        }
    };
    let secured = tree.get("security").is_some_and(requires);
    let mut operations = Vec::new();
    for (path, item) in &paths {
        if !path.starts_with('/') {
            continue;
        }
        let Some(item) = follow(tree, item) else {
            continue;
        };
        for method in METHODS {
            let Some(operation) = item.get(method).filter(|o| o.is_object()) else {
                continue;
            };
            if operations.len() >= MAX_OPERATIONS {
                return Err(SpecificationError::NotOpenApi(format!(
                    "the document has more than {MAX_OPERATIONS} operations; split it"
                )));
            }
            operations.push(Operation {
                method: method.to_ascii_uppercase(),
                path: path.split(['?', '#']).next().unwrap_or(path).to_owned(),
                key: path.clone(),
                operation_id: operation.get("operationId").map(text),
                deprecated: operation.get("deprecated").is_some_and(is_true),
                secured: operation.get("security").map_or(secured, requires),
                base_paths: own_base_paths(item, operation, format),
            });
        }
    }
    Ok(operations)
}

/// Base paths of the servers that the operation, or else its path, names.
fn own_base_paths(item: &Value, operation: &Value, format: Format) -> Vec<String> {
    if format == Format::Swagger2 {
        return Vec::new();
    }
    let servers = operation.get("servers").or_else(|| item.get("servers"));
    servers::of_list(servers).base_paths
}

/// Whether a list of security requirements requires anything: `{}` in it makes it optional.
fn requires(security: &Value) -> bool {
    let Some(list) = security.as_array() else {
        return false;
    };
    !list.is_empty()
        && list
            .iter()
            .all(|one| one.as_object().is_some_and(|schemes| !schemes.is_empty()))
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Bool(flag) => *flag,
        Value::String(text) => text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

/// A path item, its local `$ref` followed; none for one that leads out of the document.
fn follow<'a>(tree: &'a Value, item: &'a Value) -> Option<&'a Value> {
    let mut item = item;
    for _ in 0..MAX_REFERENCES {
        let Some(reference) = item.get("$ref").and_then(Value::as_str) else {
            return item.is_object().then_some(item);
        };
        item = tree.pointer(reference.strip_prefix('#')?)?;
    }
    None
}
