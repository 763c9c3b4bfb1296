//! Stage 2: TCP segments become the events of two byte streams.
//!
//! Pure and bounded: the table of connections and the bytes held for reordering draw on named
//! caps; what a cap throws away is an event or a counter with its reason. Timers run on the
//! packets' time.
//!
//! The way of a segment: the table finds its connection (or opens one), the connection says
//! whether the segment is its own, the assembler puts the bytes in order and the output emits
//! them. In-order bytes are never copied.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

/// Every cap and time of the stage.
mod settings;

/// The stage itself.
mod table;

/// What one segment does.
mod step;

/// What makes two segments one connection's.
mod key;

/// Places with dense numbers.
mod slab;

/// Queues of connections by time.
mod timer;

/// Connections of which only a handshake was seen.
mod handshake;

/// Connections on the same ends in different networks.
mod network;

/// The life of a connection.
mod connection;

/// A SYN that may be another connection's.
mod pending;

/// One side's sequence numbers and end.
mod stream;

/// Copies and repetitions.
mod recent;

/// One side's bytes in order.
mod assembler;

/// What waits behind a hole.
mod held;

/// The way out.
mod output;

/// Which octets are urgent, and what becomes of them.
mod urgent;

/// What each interface, VLAN and virtual network brought and lacked.
mod feed;

/// The output.
mod event;

/// What became of the segments.
mod counters;

pub use event::{
    CloseReason, ConnectionId, EndReason, GapReason, Side, StreamEvent, StreamEventKind, StreamSink,
};
pub use feed::{FeedCounts, FeedIndex};
pub use settings::FlowSettings;
pub use table::FlowTable;
pub use tapscope_decap::{CounterValue, Encapsulation, GROUPS, Layer, Timestamp, group_of};
pub use urgent::UrgentReading;
