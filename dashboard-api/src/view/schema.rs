//! What is known of an endpoint's bodies.

use std::collections::BTreeMap;

use serde::Serialize;
use tapscope_analyzer::inventory::data;
use tapscope_analyzer::snapshot::schema::{
    CredentialSnapshot, DataClassSnapshot, FieldSnapshot, SchemaSnapshot, TokenSnapshot,
};
use utoipa::ToSchema;

use super::measure::share;

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

/// A kind of JSON Web Token that successful calls carried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TokenUse {
    /// Its algorithm; `none` when it is not signed.
    pub algorithm: String,
    /// Its issuer; null when it names none.
    #[schema(required = true)]
    pub issuer: Option<String>,
    /// Shortest lifetime in seconds; null when none is said.
    #[schema(required = true)]
    pub lifetime_min_s: Option<u64>,
    /// Longest lifetime in seconds; null when none is said.
    #[schema(required = true)]
    pub lifetime_max_s: Option<u64>,
    /// Successful calls that carried one.
    pub seen: u64,
}

impl From<&TokenSnapshot> for TokenUse {
    fn from(snapshot: &TokenSnapshot) -> Self {
        Self {
            algorithm: snapshot.algorithm.clone(),
            issuer: snapshot.issuer.clone(),
            lifetime_min_s: snapshot.lifetime_min_s,
            lifetime_max_s: snapshot.lifetime_max_s,
            seen: snapshot.seen,
        }
    }
}

/// A class of personal or secret data that an endpoint carries.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct DataClassUse {
    /// `request` or `response`.
    pub direction: String,
    /// The class.
    pub class: String,
    /// Exchanges that carried it.
    pub exchanges: u64,
    /// Different values in one message, on average over those that carried it.
    pub values_mean: f64,
    /// Most different values in one message: subjects that a single call tells of.
    pub values_max: u32,
    /// How sure it is that the endpoint carries the class, 0 to 1.
    pub confidence: f64,
    /// Rules that speak of it: `GDPR`, `GDPR-9`, `PCI DSS`, `HIPAA`; of a configured class its tags.
    pub tags: Vec<String>,
}

impl DataClassUse {
    /// A class; what identifies a person falls under HIPAA beside health data.
    #[must_use]
    pub fn of(snapshot: &DataClassSnapshot, beside_health: bool) -> Self {
        Self {
            direction: snapshot.direction.clone(),
            class: snapshot.class.clone(),
            exchanges: snapshot.exchanges,
            values_mean: share(snapshot.values, snapshot.exchanges).unwrap_or(0.0),
            values_max: snapshot.most,
            confidence: data::confidence(snapshot),
            tags: data::tags_of(snapshot, beside_health),
        }
    }
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
