//! Inventory: what is known of each endpoint of each host, and who calls it.

/// OpenAPI and Swagger documents.
pub mod specification;

/// One host: its templates, its endpoints, its coverage by specifications.
pub mod partition;

/// One exchange as it is taken in.
pub mod exchange;

/// One endpoint.
pub mod entry;

/// Where exchanges were seen.
pub mod origin;

/// Facts to labels.
pub mod lifecycle;

/// Exchanges that wait for their endpoint.
pub mod held;

/// Dates in sentences.
pub mod date;

/// Who is responsible.
pub mod owner;

/// From where an endpoint is called, and how its messages travel.
pub mod reach;

/// What an endpoint is for.
pub mod tags;

/// How much is at stake.
pub mod risk;

/// How calls are authenticated.
pub mod authentication;

/// Which version of an API a path is of.
pub mod version;

/// Who calls.
pub mod consumer;

/// By what callers are told apart.
pub mod identity;

/// Programs behind one address.
pub mod programs;

/// Addresses that call for others.
pub mod proxies;

/// What exchanges have in common.
pub mod traits;

/// Lists of names, looked at once.
pub mod lists;

/// Parameters of an endpoint.
pub mod parameters;

/// What its bodies look like.
pub mod schema;

/// Counts by type of value.
pub(crate) mod types;

/// Paths in another spelling.
mod spellings;

/// The latest minutes of an endpoint.
pub mod minutes;

/// Latencies and sizes.
pub mod distribution;

/// Distinct counts.
pub mod distinct;

/// Classes of data.
pub mod data;

/// Tokens that let calls in.
mod tokens;

/// Values as text.
pub(crate) mod shown;

/// Counts by name.
pub mod tally;

/// What is to be saved next.
pub mod due;

/// Names from contents.
pub mod hash;

/// `part` as a share of `whole`; 0 of nothing.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts beyond 2^53 do not occur, and an error of 1 in 2^53 would not matter"
)]
#[must_use]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}
