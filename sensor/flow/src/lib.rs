//! Stage 2: TCP segments become the events of two byte streams.
//!
//! Pure and bounded: the table of connections and the bytes held for reordering draw on named
//! caps; what a cap throws away is an event or a counter with its reason. Timers run on the
//! packets' time.

mod event;

pub use event::{
    CloseReason, ConnectionId, EndReason, GapReason, Side, StreamEvent, StreamEventKind, StreamSink,
};
pub use tapscope_decap::{Encapsulation, Layer, Timestamp};
