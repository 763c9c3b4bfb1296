//! Findings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tapscope_analyzer::snapshot;
use utoipa::ToSchema;

use super::coverage::Coverage;
use super::endpoint::EndpointName;
use super::id::Id;
use super::time::Time;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

impl Severity {
    /// All of them, ascending, with the name the API gives each.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Info, "info"),
        (Self::Low, "low"),
        (Self::Medium, "medium"),
        (Self::High, "high"),
        (Self::Critical, "critical"),
    ];

    /// The severity of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(severity, _)| *severity)
    }
}

impl From<snapshot::Severity> for Severity {
    fn from(severity: snapshot::Severity) -> Self {
        match severity {
            snapshot::Severity::Info => Self::Info,
            snapshot::Severity::Low => Self::Low,
            snapshot::Severity::Medium => Self::Medium,
            snapshot::Severity::High => Self::High,
            snapshot::Severity::Critical => Self::Critical,
        }
    }
}

/// Where a finding stands in people's work.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingStatus {
    /// Nobody has decided yet.
    Open,
    /// Somebody is on it.
    Acknowledged,
    /// Done with; opens again when it recurs.
    Resolved,
    /// Not a finding.
    FalsePositive,
    /// Known and accepted.
    AcceptedRisk,
}

impl FindingStatus {
    /// All of them, with the name the API gives each.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Open, "open"),
        (Self::Acknowledged, "acknowledged"),
        (Self::Resolved, "resolved"),
        (Self::FalsePositive, "false_positive"),
        (Self::AcceptedRisk, "accepted_risk"),
    ];

    /// The status of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(status, _)| *status)
    }
}

impl From<snapshot::FindingStatus> for FindingStatus {
    fn from(status: snapshot::FindingStatus) -> Self {
        match status {
            snapshot::FindingStatus::Open => Self::Open,
            snapshot::FindingStatus::Acknowledged => Self::Acknowledged,
            snapshot::FindingStatus::Resolved => Self::Resolved,
            snapshot::FindingStatus::FalsePositive => Self::FalsePositive,
            snapshot::FindingStatus::AcceptedRisk => Self::AcceptedRisk,
        }
    }
}

impl From<FindingStatus> for snapshot::FindingStatus {
    fn from(status: FindingStatus) -> Self {
        match status {
            FindingStatus::Open => Self::Open,
            FindingStatus::Acknowledged => Self::Acknowledged,
            FindingStatus::Resolved => Self::Resolved,
            FindingStatus::FalsePositive => Self::FalsePositive,
            FindingStatus::AcceptedRisk => Self::AcceptedRisk,
        }
    }
}

/// A finding as a row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FindingSummary {
    /// Its id; a recurrence keeps it.
    pub id: Id,
    /// Kind, in the vocabulary of findings (`shadow_endpoint`, …).
    pub kind: String,
    /// How bad it is.
    pub severity: Severity,
    /// Where it stands.
    pub status: FindingStatus,
    /// One line.
    pub title: String,
    /// The endpoint it is about; null when it is about none.
    #[schema(required = true)]
    pub endpoint: Option<EndpointName>,
    /// Time of the first evidence.
    pub first_seen: Time,
    /// Time of the latest evidence.
    pub last_seen: Time,
    /// How often it was seen.
    pub occurrences: u64,
    /// Client addresses involved.
    pub actors: Vec<String>,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Share of the relevant exchanges that was seen complete, 0 to 1.
    pub coverage: f64,
}

/// One piece of evidence.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FindingEvidence {
    /// When.
    pub time: Time,
    /// Id of the exchange, when it is one.
    #[schema(required = true)]
    pub exchange: Option<String>,
    /// What it shows, in one line; redacted.
    pub summary: String,
    /// Measured values by name (`observed`, `expected`, `threshold`, …).
    pub values: BTreeMap<String, f64>,
}

/// A decision on a finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FindingDecision {
    /// When it was made.
    pub at: Time,
    /// Status before.
    pub from: FindingStatus,
    /// Status after.
    pub to: FindingStatus,
    /// Why; empty when nothing was said.
    pub comment: String,
}

/// Everything about one finding.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FindingDetail {
    /// The row of the list.
    #[serde(flatten)]
    pub summary: FindingSummary,
    /// What it means, why it was raised, and what to do.
    pub explanation: String,
    /// OWASP API Security Top 10 2023 (`API9:2023`).
    pub owasp: Vec<String>,
    /// Evidence: the first and the latest.
    pub evidence: Vec<FindingEvidence>,
    /// Decisions, oldest first.
    pub history: Vec<FindingDecision>,
    /// How much of its endpoint's traffic was seen; null when it is about no endpoint.
    #[schema(required = true)]
    pub endpoint_coverage: Option<Coverage>,
}

impl From<&snapshot::Evidence> for FindingEvidence {
    fn from(evidence: &snapshot::Evidence) -> Self {
        Self {
            time: Time(evidence.time),
            exchange: evidence.exchange.clone(),
            summary: evidence.summary.clone(),
            values: evidence.values.clone(),
        }
    }
}

impl From<&snapshot::StatusChange> for FindingDecision {
    fn from(change: &snapshot::StatusChange) -> Self {
        Self {
            at: Time(change.at),
            from: change.from.into(),
            to: change.to.into(),
            comment: change.comment.clone(),
        }
    }
}

/// A decision to make on a finding.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingPatch {
    /// The status it shall have.
    pub status: FindingStatus,
    /// Why, for those who look at it later; at most 2,000 characters.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub comment: Option<String>,
}
