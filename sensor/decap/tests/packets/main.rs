//! Packets in, segments out: every encapsulation, every refusal, and laws over arbitrary bytes.
#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test may fail")]
#![expect(
    clippy::too_many_lines,
    reason = "a table of cases is as long as it has cases"
)]

/// Headers, written out.
mod headers;

/// One case a situation.
mod situations;

/// What fabrics, radios and transition networks add.
mod fabric;

/// IP datagrams in pieces.
mod fragments;

/// What the filter keeps.
mod filter;

/// Laws that hold for every input.
mod properties;
