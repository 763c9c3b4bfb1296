//! Hosts that share a row, because they are tenants of one service.

use serde::{Deserialize, Serialize};

use super::Nanos;
use super::state::DistinctState;

/// Where a host template comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TenantOrigin {
    /// A person.
    Rule,
    /// A specification's server.
    Specification,
    /// Traffic.
    #[default]
    Traffic,
}

impl TenantOrigin {
    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Specification => "specification",
            Self::Traffic => "traffic",
        }
    }
}

/// One of the hosts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSnapshot {
    /// Its name.
    pub host: String,
    /// Exchanges.
    pub requests: u64,
    /// First exchange.
    pub first_seen: Nanos,
    /// Last exchange.
    pub last_seen: Nanos,
}

/// The hosts of one row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantsSnapshot {
    /// Number of hosts; of many an estimate.
    pub count: u64,
    /// Where the template comes from.
    pub origin: TenantOrigin,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Why, in one sentence.
    pub reason: String,
    /// The hosts whose names are kept, the busiest first.
    pub hosts: Vec<TenantSnapshot>,
    /// It holds no more: its hosts have rows of their own again, it keeps the history.
    pub is_over: bool,
    /// Their number, to go on counting.
    pub distinct: DistinctState,
}
