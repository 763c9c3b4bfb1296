//! What is derived from an endpoint's facts: labels and their history, owner, purpose, exposure,
//! transport, versions.

use serde::{Deserialize, Serialize};

use crate::inventory::tally::Tally;

use super::{Drift, EndpointId, Lifecycle, Nanos};

/// A label that holds, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelSnapshot {
    /// The label.
    pub label: Lifecycle,
    /// Why, in one sentence that names the fact it rests on.
    pub reason: String,
}

/// Labels that came and went at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelChange {
    /// When, packet time.
    pub at: Nanos,
    /// Labels that hold from then on.
    pub gained: Vec<Lifecycle>,
    /// Labels that hold no more.
    pub lost: Vec<Lifecycle>,
    /// Why the first label holds from then on.
    pub reason: String,
}

/// Who is responsible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnerSnapshot {
    /// The owner.
    pub name: String,
    /// The rule that says so.
    pub reason: String,
}

/// What an endpoint is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TagSnapshot {
    /// `login`, `payment`, …, or a name of the user's own.
    pub name: String,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// The signs it rests on, in one sentence.
    pub reason: String,
}

/// From where an endpoint is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExposureSnapshot {
    /// `external`, `partner`, `internal`; `unknown` while no call was answered.
    pub zone: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Answered calls by zone of the client.
    pub calls: Tally,
    /// Answered calls whose client is known from a forwarding header only, by zone.
    pub forwarded: Tally,
}

/// How its messages travel.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransportSnapshot {
    /// `cleartext`, `tls_offload`, `mixed`; `unknown` while no request was seen.
    pub kind: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Exchanges by the sign that TLS ends before the place of the tap (`forwarded_proto`,
    /// `port`, `policy`), or `cleartext` without any.
    pub signs: Tally,
}

/// Another version of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionSnapshot {
    /// The version as its path writes it (`v2`).
    pub version: String,
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Its template.
    pub template: String,
    /// First exchange.
    pub first_seen: Nanos,
    /// Whether it answered calls when versions were last compared.
    pub active: bool,
}

/// What is derived from an endpoint's facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// All labels that hold, the weightiest first.
    pub labels: Vec<LabelSnapshot>,
    /// Labels that came and went, oldest first, at most a named cap.
    pub changes: Vec<LabelChange>,
    /// How traffic differs from the specification that describes it.
    pub drift: Vec<Drift>,
    /// Exchanges when that was last looked at.
    pub compared: u64,
    /// Who is responsible.
    pub owner: Option<OwnerSnapshot>,
    /// What it is for, surest first.
    pub tags: Vec<TagSnapshot>,
    /// From where it is called.
    pub exposure: ExposureSnapshot,
    /// How its messages travel.
    pub transport: TransportSnapshot,
    /// Its own version, as its path writes it.
    pub version: Option<String>,
    /// Other versions of it, oldest first.
    pub versions: Vec<VersionSnapshot>,
}
