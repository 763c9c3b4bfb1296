//! Stage 1: a captured packet becomes at most one TCP segment.
//!
//! Pure: bytes and a timestamp in, a borrowed [`Segment`] out, every refusal counted by reason.
//! Nothing here fails: what cannot be decoded is a counter, never an error.

mod encapsulation;

mod packet;

mod segment;

pub use encapsulation::{Encapsulation, Layer};
pub use packet::{LinkType, RawPacket, Timestamp};
pub use segment::{Segment, SeqNumber, TcpFlags};
