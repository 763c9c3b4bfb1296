//! The sensor put together: workers that take packets and give redacted records, and the merge
//! that puts the records of several of them into one order.
//!
//! [`worker`] is the diagram: its `handle_packet` names every stage once, in order.

/// When time's passing is told to the stages.
mod pace;

/// Packet → segment → stream events → exchange → record: every stage once, in order.
pub mod worker;

/// One cap on memory.
pub mod memory;

/// Which worker has which connection.
pub mod owners;

/// One feed for several workers.
pub mod spread;

/// One order for the records of several workers.
pub mod merge;

/// The loop that feeds a worker from a packet source.
pub mod run;

/// What the sensor says of itself.
pub mod health;

/// What goes without a record while the product cannot keep up.
pub mod shed;

/// Exchanges that did not come from packets: JSON Lines.
pub mod traffic;

pub use health::{CountedFeed, Part, Parts, health_report};
pub use memory::{MEMORY_BYTES_DEFAULT, MEMORY_BYTES_MIN};
pub use merge::{Epoch, Merge, MergeCounters, Place, RECORD_COST};
pub use owners::Owners;
pub use pace::Tick;
pub use run::{Intake, Step, run};
pub use shed::{Backlog, Shedding};
pub use spread::{LaneEnd, Spread};
pub use worker::{RecordSink, Redacting, Worker, WorkerSettings};
