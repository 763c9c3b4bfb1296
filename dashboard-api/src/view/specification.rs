//! Specifications and what they differ in from traffic.

use serde::Serialize;
use tapscope_analyzer::snapshot::Drift;
use utoipa::ToSchema;

use super::endpoint::EndpointName;
use super::time::Time;

/// A specification: the current revision of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpecificationSummary {
    /// The name it was added under.
    pub name: String,
    /// Revision within the name, from 1.
    pub revision: u32,
    /// `info.title`.
    pub title: String,
    /// `info.version`.
    pub version: String,
    /// When this revision was added.
    pub added: Time,
    /// Hosts it covers; empty for any host.
    pub hosts: Vec<String>,
    /// Base paths it covers.
    pub base_paths: Vec<String>,
    /// Its operations.
    pub operations: u64,
    /// Operations seen in traffic.
    pub seen: u64,
    /// Operations not seen in traffic.
    pub unseen: u64,
    /// Endpoints whose traffic differs from what it says of them.
    pub drifted: u64,
}

/// All specifications.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Specifications {
    /// By name, the current revision of each.
    pub items: Vec<SpecificationSummary>,
}

/// An operation of a specification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OperationName {
    /// Method.
    pub method: String,
    /// Path template with its base path.
    pub path: String,
}

/// What a specification says against what traffic shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SpecificationDiff {
    /// Endpoints seen within its hosts and base paths that no specification describes.
    pub undocumented: Vec<EndpointName>,
    /// Operations of it that were never seen.
    pub unseen: Vec<OperationName>,
    /// Endpoints it calls deprecated and that are still called.
    pub deprecated_seen: Vec<EndpointName>,
    /// Endpoints within its hosts and base paths that an older revision had, the current one does
    /// not, and that are still called.
    pub removed_seen: Vec<EndpointName>,
    /// How the traffic of endpoints it describes differs from what it says of them.
    pub drifted: Vec<EndpointDrift>,
}

/// One difference of one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointDrift {
    /// The endpoint.
    pub endpoint: EndpointName,
    /// What is different.
    #[serde(flatten)]
    pub difference: DriftView,
}

/// A difference between what a specification says and what traffic shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DriftView {
    /// `undocumented_parameter`, `undocumented_status`, `undocumented_request_type`,
    /// `undocumented_response_type`, `undocumented_field`, `missing_parameter`,
    /// `missing_request_field`, `missing_response_field`, `looser_type`, `changed_type`,
    /// `stricter_type`.
    pub kind: String,
    /// Where: `query page`, `status 202`, `response 200 application/json user.email`.
    pub place: String,
    /// What the specification says; empty when nothing.
    pub documented: String,
    /// What was seen.
    pub observed: String,
    /// Whether who goes by the specification fails on it; else it is additive.
    pub breaking: bool,
    /// Exchanges, bodies or values that show it.
    pub seen: u64,
    /// Of so many.
    pub of: u64,
}

impl From<&Drift> for DriftView {
    fn from(drift: &Drift) -> Self {
        Self {
            kind: drift.kind.name().to_owned(),
            place: drift.place.clone(),
            documented: drift.documented.clone(),
            observed: drift.observed.clone(),
            breaking: drift.is_breaking(),
            seen: drift.seen,
            of: drift.of,
        }
    }
}
