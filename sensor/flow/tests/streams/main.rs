//! Segments in, streams out: the stage held to its contract from outside.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may fail"
)]
#![expect(
    clippy::too_many_lines,
    reason = "a table of cases is as long as it has cases"
)]

/// A wire to write on and a consumer that checks the contract.
mod support;

/// One case a situation.
mod situations;

/// Addresses and ports that are used again.
mod reuse;

/// Corners of TCP and of captures.
mod corners;

/// Laws that hold for every input.
mod properties;

/// What is counted of a feed.
mod feeds;

/// Urgent data.
mod urgent;
