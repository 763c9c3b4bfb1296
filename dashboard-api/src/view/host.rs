//! Hosts.

use serde::Serialize;
use utoipa::ToSchema;

/// A host that serves endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Host {
    /// Its name.
    pub host: String,
    /// Its endpoints.
    pub endpoints: u64,
    /// Exchanges.
    pub requests: u64,
    /// Share of its exchanges whose two messages were seen complete; null without exchanges.
    #[schema(required = true)]
    pub complete_share: Option<f64>,
    /// Exchanges of paths that are not endpoints (yet): never answered with success.
    pub candidates: u64,
}

/// All hosts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Hosts {
    /// By name.
    pub items: Vec<Host>,
}
