//! OpenAPI 3.0, 3.1 and Swagger 2.0 documents, read into what lifecycle needs.
//!
//! `Specification::parse` reads text into a tree and walks it; small errors (an operation that is
//! no object, a reference that leads nowhere) are passed over, since half of the documents in the
//! wild have some. `coverage` answers, for one host, which operation an endpoint is.

/// Text to a tree, bounded.
mod document;

/// Where an API is served: `servers`, or host, basePath and schemes.
mod servers;

/// The operations of a document.
mod operations;

/// Which operations cover a host, and which one an endpoint is.
pub mod coverage;

/// What a document says of one operation.
mod contract;

/// Schemas, as far as a comparison needs them.
mod flat;

/// How an operation differs from what was seen of it.
mod drift;

/// How a specification differs from what was seen.
mod difference;

#[cfg(test)]
mod tests;

pub use difference::{Difference, DifferenceKind};
pub use document::{MAX_DEPTH, MAX_DOCUMENT};

use std::sync::Arc;

use serde_json::Value;

use crate::snapshot::Nanos;

/// Why a document could not be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpecificationError {
    /// Neither YAML nor JSON.
    #[error("not YAML or JSON: {0}")]
    Syntax(String),
    /// No `openapi` 3.x or `swagger` 2.0 key, or no paths.
    #[error("{0}")]
    NotOpenApi(String),
}

/// One document.
#[derive(Clone, Debug, PartialEq)]
pub struct Specification {
    /// File name or the name it was uploaded under.
    pub name: String,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// The document as given, kept for re-reading.
    pub source: String,
    /// Hosts it covers, lower case; in `*.example.com` and `{tenant}.example.com` the first label
    /// is any; empty means any host.
    pub hosts: Vec<String>,
    /// Base paths it covers, without final slash (`/api/v1`; empty string for the root).
    pub base_paths: Vec<String>,
    /// Its operations.
    pub operations: Vec<Operation>,
    /// The document as a tree, for comparisons.
    pub tree: Arc<Value>,
    /// Of several that describe an endpoint the one with the highest holds.
    pub priority: u32,
    /// When it was added; of equal priority and base path the newest holds.
    pub added: Nanos,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Method, upper case.
    pub method: String,
    /// Path template without base path.
    pub path: String,
    /// The path as the document writes it.
    pub key: String,
    /// `operationId`.
    pub operation_id: Option<String>,
    /// `deprecated: true`.
    pub deprecated: bool,
    /// Whether any security requirement applies.
    pub secured: bool,
    /// Base paths of its own, where the path or the operation names servers; empty means the
    /// document's.
    pub base_paths: Vec<String>,
}

/// Generation of the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Swagger2,
    OpenApi3,
}

impl Specification {
    /// Reads a document.
    ///
    /// # Errors
    /// When it is neither YAML nor JSON, or no OpenAPI document.
    pub fn parse(name: &str, source: &str) -> Result<Self, SpecificationError> {
        let tree = document::read(source)?;
        let format = format_of(&tree)?;
        let served = match format {
            Format::OpenApi3 => servers::of_openapi(&tree),
            Format::Swagger2 => servers::of_swagger(&tree),
        };
        let operations = operations::of(&tree, format)?;
        let info = |key: &str| {
            let value = tree.get("info").and_then(|info| info.get(key));
            value.map(text).unwrap_or_default()
        };
        Ok(Self {
            name: name.to_owned(),
            title: info("title"),
            version: info("version"),
            source: source.to_owned(),
            hosts: served.hosts,
            base_paths: served.base_paths,
            operations,
            tree: Arc::new(tree),
            priority: 0,
            added: 0,
        })
    }
}

fn format_of(tree: &Value) -> Result<Format, SpecificationError> {
    let refuse = |why: String| Err(SpecificationError::NotOpenApi(why));
    if !tree.is_object() {
        return refuse("not an OpenAPI document: it has no keys at its top".to_owned());
    }
    if let Some(version) = tree.get("openapi").map(text) {
        return if version.starts_with("3.") {
            Ok(Format::OpenApi3)
        } else {
            refuse(format!(
                "OpenAPI version {version:.20} is not supported; 3.0 and 3.1 are"
            ))
        };
    }
    if let Some(version) = tree.get("swagger").map(text) {
        return if version == "2" || version.starts_with("2.") {
            Ok(Format::Swagger2)
        } else {
            refuse(format!(
                "Swagger version {version:.20} is not supported; 2.0 is"
            ))
        };
    }
    refuse("not an OpenAPI document: neither `openapi: 3.x` nor `swagger: 2.0` is there".to_owned())
}

/// A scalar as text; YAML reads `version: 1.0` as a number.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Bool(flag) => flag.to_string(),
        _ => String::new(),
    }
}
