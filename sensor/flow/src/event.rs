//! The output of this stage: what happened on a connection, in stream order per side.

use core::net::SocketAddr;

use tapscope_decap::{Encapsulation, Timestamp};

use crate::FeedIndex;

/// A connection as the table knows it: a dense slot, and a generation that tells its reuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConnectionId {
    /// Slot in the table; slots are reused, so consumers may index an array by it.
    pub slot: u32,
    /// Names the connection: drawn from its ends and its first segment, so that it is the same in
    /// every run, whichever worker's table the connection is in.
    pub name: u64,
}

/// One of the two ends of a connection. Which of them is the client is for HTTP to say when the
/// handshake was not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// The sender of the first segment seen, or of the SYN.
    A,
    /// The other end.
    B,
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }
}

/// Why bytes of a stream will never come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GapReason {
    /// The segment was not captured; later bytes were, and the grace is over.
    NotCaptured,
    /// The packet was captured shorter than it was (snap length).
    Truncated,
    /// Later bytes waited for these, and to stay inside a memory cap the waiting was cut short.
    /// Nothing that was held is dropped: it follows the gap.
    MemoryCap,
}

/// How one side's stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// FIN: the stream is complete up to here.
    Fin,
    /// RST.
    Reset,
}

/// Why the table let go of a connection. Nothing follows for this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CloseReason {
    /// Both sides ended and the linger is over, or the connection was reset.
    Finished,
    /// Nothing was seen for the idle time.
    Idle,
    /// Evicted to stay inside a cap.
    Evicted,
    /// A new connection took the same addresses and ports.
    Reused,
    /// End of the capture.
    Flushed,
}

/// One event. Events of one connection come in order; `Data`, `Gap` and the octets
/// of `Urgent` that are taken out cover a side's stream without holes or overlaps.
#[derive(Clone, Copy, Debug)]
pub struct StreamEvent<'a> {
    /// The connection.
    pub connection: ConnectionId,
    /// The time of the packet that caused the event.
    pub timestamp: Timestamp,
    /// What happened.
    pub kind: StreamEventKind<'a>,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum StreamEventKind<'a> {
    /// A connection appeared; always the first event of an id. Emitted when there is something to
    /// say of the connection, so handshakes without data say nothing at all.
    Open {
        /// Address and port of side A.
        a: SocketAddr,
        /// Address and port of side B.
        b: SocketAddr,
        /// The side that sent the SYN (or was answered by the SYN-ACK), when a handshake was seen.
        initiator: Option<Side>,
        /// Whether both streams are known from their first byte on.
        from_start: bool,
        /// What was peeled around the first segment.
        encapsulation: &'a Encapsulation,
        /// The feed that brought it.
        feed: FeedIndex,
    },
    /// In-order bytes of one side's stream.
    Data {
        /// Whose stream.
        side: Side,
        /// Position of the first byte: bytes from the start of the stream as far as it is known
        /// (from the first byte seen when the start was not captured).
        offset: u64,
        /// The highest position of the *other* side's stream that this side had acknowledged in
        /// the segment that carried these bytes; none while it never acknowledged. Pairs
        /// responses with requests across loss.
        acknowledged: Option<u64>,
        /// When the segment that carried these bytes was seen (earlier than the event's time for
        /// bytes that waited for a hole to fill).
        captured: Timestamp,
        /// The bytes.
        bytes: &'a [u8],
    },
    /// Bytes of one side's stream that were never seen. Never spliced over.
    Gap {
        /// Whose stream.
        side: Side,
        /// Position of the first missing byte.
        offset: u64,
        /// How many are missing.
        len: u64,
        /// Why.
        reason: GapReason,
    },
    /// An urgent octet, on which readings of the stream part.
    Urgent {
        /// Whose stream.
        side: Side,
        /// Its position.
        offset: u64,
        /// Whether it is no part of the stream in the reading that was set: then it takes its
        /// position, and is in no `Data`. Otherwise the next `Data` begins with it.
        is_taken_out: bool,
    },
    /// A retransmission carried other bytes than the first copy, which was kept.
    Conflict {
        /// Whose stream.
        side: Side,
        /// Position of the first differing byte.
        offset: u64,
    },
    /// One side's stream ended; the other may go on.
    End {
        /// Whose stream.
        side: Side,
        /// How.
        reason: EndReason,
    },
    /// The table let go of the connection; always the last event of an id.
    Close {
        /// Why.
        reason: CloseReason,
    },
}

/// Takes the events of the stage.
pub trait StreamSink {
    /// Takes one event; what it borrows is valid for this call only.
    fn handle_event(&mut self, event: StreamEvent<'_>);
}

impl<F: FnMut(StreamEvent<'_>)> StreamSink for F {
    fn handle_event(&mut self, event: StreamEvent<'_>) {
        self(event);
    }
}
