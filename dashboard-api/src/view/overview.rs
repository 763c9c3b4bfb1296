//! The overview.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use super::endpoint::EndpointSummary;
use super::finding::FindingSummary;
use super::health::FeedState;
use super::time::Time;

/// One minute of all endpoints together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OverviewMinute {
    /// Start of the minute.
    pub minute: Time,
    /// Requests.
    pub requests: u64,
    /// Responses 400 to 499.
    pub client_errors: u64,
    /// Responses 500 to 599.
    pub server_errors: u64,
}

/// The feed in short.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct FeedSummary {
    /// How good it is.
    pub state: FeedState,
    /// Packets delivered to the sensor.
    pub packets: u64,
    /// Packets dropped before the sensor saw them.
    pub dropped: u64,
    /// Share of the packets that were dropped, 0 to 1; null when there were none.
    #[schema(required = true)]
    pub loss_share: Option<f64>,
    /// Share of the exchanges not seen complete, 0 to 1; null when there were none.
    #[schema(required = true)]
    pub incomplete_share: Option<f64>,
}

/// Everything at a glance.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Overview {
    /// Time of the latest exchange; null before the first.
    #[schema(required = true)]
    pub now: Option<Time>,
    /// Hosts.
    pub hosts: u64,
    /// Endpoints.
    pub endpoints: u64,
    /// Exchanges with them.
    pub requests: u64,
    /// Consumers.
    pub consumers: u64,
    /// Endpoints by lifecycle: the first label that holds, so that they add up.
    pub lifecycle: BTreeMap<String, u64>,
    /// Endpoints by each label that holds; one that has several is counted for each.
    pub labels: BTreeMap<String, u64>,
    /// Findings whose status is `open`, by severity.
    pub findings_open: BTreeMap<String, u64>,
    /// Endpoints by how their successful calls authenticate (see `EndpointSummary`).
    pub authentication: BTreeMap<String, u64>,
    /// Endpoints by class of personal or secret data they carry.
    pub data_classes: BTreeMap<String, u64>,
    /// Exchanges by class of status (`2xx`, …; `unseen` where the response was not seen).
    pub statuses: BTreeMap<String, u64>,
    /// The last 60 minutes with traffic, ascending.
    pub minutes: Vec<OverviewMinute>,
    /// The endpoints with the most requests.
    pub top_endpoints: Vec<EndpointSummary>,
    /// The findings seen last.
    pub latest_findings: Vec<FindingSummary>,
    /// The feed in short.
    pub feed: FeedSummary,
}
