//! What the API shows: its own types, made from the analyzer's snapshots. The only place of this
//! crate where serde derives stand, so that a change of the domain is not a change of the API.
//!
//! Ids are 16 lower-case hexadecimal digits because a 64-bit number does not fit JavaScript's.
//! Times are RFC 3339 in UTC. What is unknown is `null`, never 0 or an empty string.

/// Ids as text.
pub mod id;

/// Times as text.
pub mod time;

/// Problem details of an error (RFC 9457).
pub mod problem;

/// Minutes and histograms.
pub mod measure;

/// Endpoints.
pub mod endpoint;

/// What their bodies look like.
pub mod schema;

/// How much was seen.
pub mod coverage;

/// Findings.
pub mod finding;

/// Labels, owner, purpose, exposure, transport, versions, risk.
pub mod profile;

/// The policy.
pub mod policy;

/// Consumers.
pub mod consumer;

/// Hosts.
pub mod host;

/// Specifications and what they differ in from traffic.
pub mod specification;

/// What a person decides on templates.
pub(crate) mod template;

/// Sensor health and the verdict on the feed.
pub mod health;

/// The overview.
pub mod overview;

/// A page of a list.
pub mod page;
