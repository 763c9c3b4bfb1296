//! Consumers.

use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::EndpointName;
use super::id::Id;
use super::time::Time;

/// Somebody who calls, as a row of the list.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConsumerSummary {
    /// Its id.
    pub id: Id,
    /// What identifies it: `subject`, `certificate`, `credential`, `session`, `fingerprint` (what
    /// the software sends, at an address where several programs take turns) or `address`.
    pub identified_by: String,
    /// How sure it is that all of its calls are one caller's, 0 to 1.
    pub identity_confidence: f64,
    /// What that rests on, in one sentence.
    pub identity_reason: String,
    /// For people: scheme and short token, or the address.
    pub label: String,
    /// First call.
    #[schema(required = true)]
    pub first_seen: Option<Time>,
    /// Last call.
    #[schema(required = true)]
    pub last_seen: Option<Time>,
    /// Calls.
    pub requests: u64,
    /// Share of the calls answered with 4xx; null when there is no call.
    #[schema(required = true)]
    pub client_error_share: Option<f64>,
    /// Endpoints kept for it (those it called most).
    pub endpoint_count: u64,
    /// Client addresses, most recent last.
    pub addresses: Vec<String>,
    /// Addresses it says to call for, which is not believed, most recent last.
    pub claimed_addresses: Vec<String>,
    /// Why the address is taken for a proxy, where it is; what it forwards is counted as the
    /// forwarded address's from then on.
    #[schema(required = true)]
    pub proxy: Option<String>,
    /// Products of its user agents.
    pub user_agents: Vec<String>,
}

/// An endpoint that a consumer calls.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ConsumerEndpoint {
    /// The endpoint; null when it is no longer in the inventory.
    #[schema(required = true)]
    pub endpoint: Option<EndpointName>,
    /// Calls of it.
    pub requests: u64,
    /// First of them; null where it is not known.
    #[schema(required = true)]
    pub first_seen: Option<Time>,
    /// Last of them; null where it is not known.
    #[schema(required = true)]
    pub last_seen: Option<Time>,
}

/// Everything about one consumer.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ConsumerDetail {
    /// The row of the list.
    #[serde(flatten)]
    pub summary: ConsumerSummary,
    /// Calls answered with 4xx.
    pub client_errors: u64,
    /// The endpoints called most, descending.
    pub endpoints: Vec<ConsumerEndpoint>,
}
