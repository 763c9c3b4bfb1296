//! How much of an endpoint's traffic was seen.

use serde::Serialize;
use utoipa::ToSchema;

/// The coverage of the traffic that something was drawn from.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Coverage {
    /// Share of its exchanges whose two messages were seen whole and belong together, 0 to 1; null
    /// without any.
    #[schema(required = true)]
    pub complete_share: Option<f64>,
    /// Share of its exchanges whose two messages were seen whole and are supposed to belong together:
    /// packets were lost, and too little was seen of the client to be sure.
    #[schema(required = true)]
    pub supposed_share: Option<f64>,
    /// Share of its exchanges of which only the request or only the response was seen.
    #[schema(required = true)]
    pub one_sided_share: Option<f64>,
    /// Share of its exchanges that a gap cut.
    #[schema(required = true)]
    pub gap_share: Option<f64>,
    /// Share of its exchanges whose response body was not looked at because many alike were
    /// (sampling); its schemas rest on the others.
    #[schema(required = true)]
    pub sampled_share: Option<f64>,
    /// Loss of the feeds that brought it, weighted by its exchanges: the share of their bytes that
    /// was acknowledged and never seen. Null when it is not known.
    #[schema(required = true)]
    pub feed_loss_share: Option<f64>,
    /// The feeds that brought it, most exchanges first.
    pub feeds: Vec<CoveringFeed>,
}

/// One feed that brought exchanges of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct CoveringFeed {
    /// `vlan:12`, `vxlan:7`, both, or `untagged`.
    pub name: String,
    /// Exchanges of the endpoint that came by it.
    pub requests: u64,
    /// Share of the feed's bytes that was acknowledged and never seen; null when it is not known.
    #[schema(required = true)]
    pub loss_share: Option<f64>,
}
