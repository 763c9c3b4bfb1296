//! What is known of an endpoint's bodies.

use std::collections::BTreeMap;

use serde::Serialize;
use tapscope_analyzer::snapshot::schema::{CredentialSnapshot, FieldSnapshot, SchemaSnapshot};
use utoipa::ToSchema;

/// What the bodies of one media type look like: of requests, or of responses with one status.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct MessageSchema {
    /// Status of the responses; null for requests.
    #[schema(required = true)]
    pub status: Option<u16>,
    /// Media type; empty when none was named.
    pub media_type: String,
    /// Bodies.
    pub bodies: u64,
    /// Types of the body itself, with how often.
    pub types: BTreeMap<String, u64>,
    /// Types of its items where it is an array.
    pub items: BTreeMap<String, u64>,
    /// Its fields, each followed by its own.
    pub fields: Vec<SchemaField>,
}

/// One field of a body.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct SchemaField {
    /// Its name; `{key}` for the values of a map.
    pub name: String,
    /// The names of the fields it is in and its own, with a dot between.
    pub path: String,
    /// Number of fields it is in.
    pub depth: u32,
    /// Bodies that had it.
    pub seen: u64,
    /// Share of the bodies that had it in all objects that could have it, as far as they were seen
    /// whole; null for the keys of a map.
    #[schema(required = true)]
    pub present_share: Option<f64>,
    /// Types, with how often.
    pub types: BTreeMap<String, u64>,
    /// Types of its items where it is an array.
    pub items: BTreeMap<String, u64>,
    /// Classes of personal or secret data, with how often.
    pub classes: BTreeMap<String, u64>,
}

impl From<&SchemaSnapshot> for MessageSchema {
    fn from(snapshot: &SchemaSnapshot) -> Self {
        let mut fields = Vec::new();
        flatten(&snapshot.root, "", 0, &mut fields);
        Self {
            status: snapshot.status,
            media_type: snapshot.media_type.clone(),
            bodies: snapshot.bodies,
            types: snapshot.root.types.clone(),
            items: snapshot.root.items.clone(),
            fields,
        }
    }
}

fn flatten(parent: &FieldSnapshot, path: &str, depth: u32, out: &mut Vec<SchemaField>) {
    for field in &parent.fields {
        let own = match path {
            "" => field.name.clone(),
            _ => format!("{path}.{}", field.name),
        };
        out.push(SchemaField {
            name: field.name.clone(),
            path: own.clone(),
            depth,
            seen: field.seen,
            present_share: parent.present_share(field),
            types: field.types.clone(),
            items: field.items.clone(),
            classes: field.classes.clone(),
        });
        flatten(field, &own, depth + 1, out);
    }
}

/// A kind of credential that successful calls carried, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct CredentialUse {
    /// `basic`, `bearer`, `jwt`, `api_key`, `session_cookie`, …
    pub scheme: String,
    /// `authorization`, `header`, `query`, `cookie`, …
    pub location: String,
    /// Name of the header, parameter or cookie.
    pub name: String,
    /// Successful calls that carried it.
    pub seen: u64,
}

impl From<&CredentialSnapshot> for CredentialUse {
    fn from(snapshot: &CredentialSnapshot) -> Self {
        Self {
            scheme: snapshot.scheme.clone(),
            location: snapshot.location.clone(),
            name: snapshot.name.clone(),
            seen: snapshot.seen,
        }
    }
}
