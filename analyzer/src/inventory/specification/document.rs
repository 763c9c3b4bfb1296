//! Text to a tree, bounded: a document is uploaded by somebody, and a YAML alias can stand for
//! more than memory holds.

use serde_json::Value;
use serde_saphyr::DuplicateKeyPolicy;

use super::SpecificationError;

/// Largest document, in bytes; the largest public ones have 12 MiB.
pub const MAX_DOCUMENT: usize = 16 * 1024 * 1024;

/// Deepest nesting; schemas of real documents reach about 40.
pub const MAX_DEPTH: usize = 96;

/// Nodes of a YAML document: about what [`MAX_DOCUMENT`] bytes of real YAML hold.
const MAX_NODES: usize = 2_000_000;

/// Longest error text passed on.
const MAX_MESSAGE: usize = 200;

/// Reads JSON or YAML.
pub(super) fn read(source: &str) -> Result<Value, SpecificationError> {
    let refuse = |why: &str| Err(SpecificationError::Syntax(why.to_owned()));
    if source.len() > MAX_DOCUMENT {
        return refuse("the document is larger than 16 MiB");
    }
    let source = source.trim_start_matches('\u{feff}');
    if source.trim().is_empty() {
        return refuse("the document is empty");
    }
    if source.trim_start().starts_with('{')
        && let Ok(tree) = serde_json::from_str(source)
    {
        return Ok(tree);
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_nodes: MAX_NODES,
            max_events: MAX_NODES * 2,
        },
        // Documents in the wild repeat keys; the later one holds, as in most readers.
        duplicate_keys: DuplicateKeyPolicy::LastWins,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(source, options)
        .map_err(|error| SpecificationError::Syntax(first_line(&error.to_string())))
}

fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    line.chars().take(MAX_MESSAGE).collect()
}
