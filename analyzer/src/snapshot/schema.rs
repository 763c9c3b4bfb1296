//! What is known of messages: a schema for each kind of body an endpoint takes and gives.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the bodies of one media type look like: of requests, or of responses with one status.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchemaSnapshot {
    /// Status of the responses; none for requests.
    pub status: Option<u16>,
    /// Media type; empty when none was named.
    pub media_type: String,
    /// Bodies.
    pub bodies: u64,
    /// The body itself.
    pub root: FieldSnapshot,
}

/// One place of a body: the body itself, a field, or what is in an array.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FieldSnapshot {
    /// Its name; `{key}` for the values of a map, empty for the body itself.
    pub name: String,
    /// Bodies that had it.
    pub seen: u64,
    /// Bodies that were seen whole and had it, in all of their objects that could have it.
    #[serde(skip_serializing_if = "is_zero")]
    pub whole: u64,
    /// Bodies that were seen whole and had fields here: of how many `whole` of each field is a
    /// share.
    #[serde(skip_serializing_if = "is_zero")]
    pub objects: u64,
    /// Types, with how often.
    pub types: BTreeMap<String, u64>,
    /// For an array: types of its items, joined in each body, with how often.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, u64>,
    /// Classes of personal or secret data, with how often.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub classes: BTreeMap<String, u64>,
    /// Fields of the object, or of the objects in the array; by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Self>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde hands a reference over"
)]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Name of the one field that stands for all keys of a map.
pub const MAP_KEY: &str = "{key}";

impl FieldSnapshot {
    /// Whether its fields are the values of a map, whose keys are data.
    #[must_use]
    pub fn is_map(&self) -> bool {
        self.fields.iter().any(|field| field.name == MAP_KEY)
    }

    /// Share of the bodies that had the field in all objects here, as far as they were seen whole;
    /// none for the keys of a map, and where nothing was seen whole.
    #[must_use]
    pub fn present_share(&self, field: &Self) -> Option<f64> {
        let seen = self.objects > 0 && field.name != MAP_KEY;
        seen.then(|| crate::inventory::share(field.whole, self.objects))
    }
}

/// A class of personal or secret data that an endpoint carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DataClassSnapshot {
    /// `request` or `response`.
    pub direction: String,
    /// The class.
    pub class: String,
    /// Exchanges that carried it.
    pub exchanges: u64,
    /// Sum of the different values of each message.
    pub values: u64,
    /// Most different values in one message: subjects that a single call tells of.
    pub most: u32,
    /// Tags of a class that the configuration defines; none of a built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
}

/// A kind of JSON Web Token that successful calls carried.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenSnapshot {
    /// Its algorithm; `none` when it is not signed.
    pub algorithm: String,
    /// Its issuer, when it names one.
    pub issuer: Option<String>,
    /// Shortest lifetime in seconds, where one is said.
    pub lifetime_min_s: Option<u64>,
    /// Longest lifetime in seconds, where one is said.
    pub lifetime_max_s: Option<u64>,
    /// Successful calls that carried one.
    pub seen: u64,
}

/// A kind of credential that calls carry, and where.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialSnapshot {
    /// `basic`, `bearer`, `jwt`, `api_key`, `session_cookie`, …
    pub scheme: String,
    /// `authorization`, `header`, `query`, `cookie`, …
    pub location: String,
    /// Name of the header, parameter or cookie.
    pub name: String,
    /// Successful calls that carried it.
    pub seen: u64,
}
