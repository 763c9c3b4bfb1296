//! The sensor put together: one worker that takes packets and gives redacted records.
//!
//! [`worker`] is the diagram: its `handle_packet` names every stage once, in order.

/// Packet → segment → stream events → exchange → record: every stage once, in order.
pub mod worker;

/// The loop that feeds a worker from a packet source.
pub mod run;

/// What the sensor says of itself.
pub mod health;

/// Exchanges that did not come from packets: JSON Lines.
pub mod traffic;

pub use health::{CountedFeed, health_report};
pub use run::{Step, run};
pub use worker::{RecordSink, Redacting, Worker, WorkerSettings};
