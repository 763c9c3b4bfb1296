//! What a restart needs beyond what readers are shown: the opaque `state` of endpoints and hosts.

use core::net::IpAddr;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{ConsumerId, Nanos};

/// A distinct count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DistinctState {
    /// All names, while they are few.
    pub exact: Vec<u64>,
    /// Registers of the sketch, one character each; empty while exact.
    pub sketch: String,
}

/// Errors among calls, old ones fading.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShareState {
    /// Errors.
    pub errors: f64,
    /// Calls.
    pub calls: f64,
}

/// The window that is being filled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct WindowState {
    /// Its start.
    pub start: Nanos,
    /// Calls.
    pub calls: u64,
    /// Responses 400 to 499.
    pub client_errors: u64,
    /// Responses 500 to 599.
    pub server_errors: u64,
    /// Calls by client address.
    pub actors: BTreeMap<IpAddr, u64>,
    /// Whether it began before counting did.
    pub partial: bool,
    /// Whether its volume was told.
    pub volume_told: bool,
    /// Whether its errors were told.
    pub errors_told: bool,
}

/// What is usual for an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BaselineState {
    /// First call.
    pub started: Nanos,
    /// Calls taken in.
    pub support: u64,
    /// Which of the fixed widths; none until the rate is known.
    pub width: Option<usize>,
    /// The open window.
    pub window: WindowState,
    /// Calls of past windows, oldest first.
    pub windows: Vec<u64>,
    /// Moving average of the same.
    pub average: f64,
    /// Share of server errors.
    pub server_errors: ShareState,
    /// Share of client errors.
    pub client_errors: ShareState,
    /// Logarithms of the latest latencies, oldest first.
    pub recent: Vec<f64>,
    /// Logarithms of usual latencies, oldest first.
    pub usual: Vec<f64>,
    /// Latencies taken in.
    pub latencies: u64,
    /// Whether the present rise was told.
    pub latency_told: bool,
    /// Minutes with traffic on the host at the last call.
    pub host_minutes: u64,
}

/// What an endpoint needs to go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndpointState {
    /// Distinct consumers.
    pub consumers: DistinctState,
    /// Calls by consumer, in no order that matters.
    pub callers: Vec<(ConsumerId, u64)>,
    /// What is usual.
    pub baseline: BaselineState,
    /// Successful calls.
    pub successes: u64,
    /// Successful calls after the endpoint's retirement.
    pub retired_successes: u64,
    /// Successful calls in which a credential was given out or a password was sent.
    pub sign_in: u64,
    /// Exchanges whose two messages were seen complete.
    pub complete: u64,
}

/// What a host needs to go on, beside its templates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HostState {
    /// First exchange.
    pub first_seen: Nanos,
    /// Last exchange.
    pub last_seen: Nanos,
    /// Minutes with traffic.
    pub minutes: u64,
    /// Successful calls.
    pub successes: u64,
    /// Successful calls with credentials.
    pub authenticated: u64,
    /// Addresses of the servers behind it, a few of them.
    pub servers: Vec<IpAddr>,
    /// Templates.
    pub templates: serde_json::Value,
}
