//! What is derived from an endpoint's facts: labels, owner, purpose, exposure, transport, versions,
//! risk.

use std::collections::BTreeMap;

use serde::Serialize;
use tapscope_analyzer::inventory::risk;
use tapscope_analyzer::snapshot::profile;
use utoipa::ToSchema;

use super::endpoint::Lifecycle;
use super::id::Id;
use super::time::Time;

/// A label that holds, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Label {
    /// The label.
    pub label: Lifecycle,
    /// Why, in one sentence that names the fact it rests on.
    pub reason: String,
}

impl From<&profile::LabelSnapshot> for Label {
    fn from(label: &profile::LabelSnapshot) -> Self {
        Self {
            label: label.label.into(),
            reason: label.reason.clone(),
        }
    }
}

/// Labels that came and went at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct LabelChange {
    /// When, packet time; null when no traffic had been seen.
    #[schema(required = true)]
    pub at: Option<Time>,
    /// Labels that hold from then on.
    pub gained: Vec<Lifecycle>,
    /// Labels that hold no more.
    pub lost: Vec<Lifecycle>,
    /// Why the first label holds from then on.
    pub reason: String,
}

impl From<&profile::LabelChange> for LabelChange {
    fn from(change: &profile::LabelChange) -> Self {
        let labels = |list: &[tapscope_analyzer::snapshot::Lifecycle]| {
            list.iter().copied().map(Into::into).collect()
        };
        Self {
            at: Time::known(change.at),
            gained: labels(&change.gained),
            lost: labels(&change.lost),
            reason: change.reason.clone(),
        }
    }
}

/// Who is responsible.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Owner {
    /// The owner.
    pub name: String,
    /// The rule that says so.
    pub reason: String,
}

impl From<&profile::OwnerSnapshot> for Owner {
    fn from(owner: &profile::OwnerSnapshot) -> Self {
        Self {
            name: owner.name.clone(),
            reason: owner.reason.clone(),
        }
    }
}

/// What an endpoint is for.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Tag {
    /// `login`, `sign_up`, `payment`, `password_reset`, `admin`, `export`, `search`, `ai`, or a tag
    /// of the configuration.
    pub name: String,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// The signs it rests on.
    pub reason: String,
}

impl From<&profile::TagSnapshot> for Tag {
    fn from(tag: &profile::TagSnapshot) -> Self {
        Self {
            name: tag.name.clone(),
            confidence: tag.confidence,
            reason: tag.reason.clone(),
        }
    }
}

/// From where an endpoint is called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Exposure {
    /// `external`, `partner`, `internal` or `unknown`.
    pub zone: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Answered calls by zone of the client.
    pub calls: BTreeMap<String, u64>,
    /// Those of them whose client is known from a forwarding header only.
    pub forwarded: BTreeMap<String, u64>,
}

impl From<&profile::ExposureSnapshot> for Exposure {
    fn from(exposure: &profile::ExposureSnapshot) -> Self {
        Self {
            zone: known(&exposure.zone),
            reason: exposure.reason.clone(),
            calls: exposure.calls.to_map(),
            forwarded: exposure.forwarded.to_map(),
        }
    }
}

/// How messages travel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Transport {
    /// `cleartext`, `tls_offload`, `mixed` or `unknown`.
    pub kind: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Requests by the sign that TLS ends before the tap, or `cleartext`.
    pub signs: BTreeMap<String, u64>,
}

impl From<&profile::TransportSnapshot> for Transport {
    fn from(transport: &profile::TransportSnapshot) -> Self {
        Self {
            kind: known(&transport.kind),
            reason: transport.reason.clone(),
            signs: transport.signs.to_map(),
        }
    }
}

/// A name that an older store does not have yet.
pub(crate) fn known(name: &str) -> String {
    if name.is_empty() { "unknown" } else { name }.to_owned()
}

/// Another version of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct OtherVersion {
    /// The version as its path writes it.
    pub version: String,
    /// The endpoint.
    pub endpoint: Id,
    /// Its template.
    pub template: String,
    /// First exchange; null when it was never seen in traffic.
    #[schema(required = true)]
    pub first_seen: Option<Time>,
    /// Whether it answers calls.
    pub active: bool,
}

impl From<&profile::VersionSnapshot> for OtherVersion {
    fn from(version: &profile::VersionSnapshot) -> Self {
        Self {
            version: version.version.clone(),
            endpoint: Id(version.endpoint.0),
            template: version.template.clone(),
            first_seen: Time::known(version.first_seen),
            active: version.active,
        }
    }
}

/// One factor of a risk.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct RiskFactor {
    /// `exposure`, `authentication`, `data`, `lifecycle`, `findings`, `purpose`, `writes` or
    /// `transport`.
    pub name: String,
    /// How far it holds, 0 to 1.
    pub level: f64,
    /// The share of the policy's weights that it has, 0 to 1.
    pub weight: f64,
    /// What it adds to the score.
    pub points: f64,
    /// Why, in one sentence.
    pub reason: String,
}

impl From<&risk::RiskFactor> for RiskFactor {
    fn from(factor: &risk::RiskFactor) -> Self {
        Self {
            name: factor.factor.name().to_owned(),
            level: factor.level,
            weight: factor.weight,
            points: factor.points,
            reason: factor.reason.clone(),
        }
    }
}
