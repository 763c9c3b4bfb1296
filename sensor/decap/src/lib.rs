//! Stage 1: a captured packet becomes at most one TCP segment.
//!
//! Pure: bytes and a timestamp in, a borrowed [`Segment`] out, every refusal counted by reason.
//! Nothing here fails: what cannot be decoded is a counter, never an error. Packets in are
//! segments out plus the packets of each named reason.
//!
//! The way in is [`Decapsulator::handle_packet`]: the fast path for the packet that nearly every
//! feed is made of, else a walk that peels one layer after the other under one budget.
#![deny(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

/// What a packet source hands over.
mod packet;

/// Every cap of the stage.
mod settings;

/// The stage itself.
mod decapsulator;

/// Ethernet, IPv4, TCP in one look.
mod fast;

/// From layer to layer.
mod walk;

/// Link-layer headers.
mod link;

/// VLAN tags.
mod vlan;

/// Tags of switching fabrics.
mod fabric;

/// IEEE 802.11 frames.
mod wlan;

/// Layers that carry other packets.
mod tunnel;

/// IPv4 and IPv6.
mod ip;

/// Datagrams in pieces.
mod fragment;

/// The TCP header.
mod tcp;

/// What was peeled.
mod encapsulation;

/// Where packets come from.
mod feed;

/// The output.
mod segment;

/// Groups of connections.
mod group;

/// Which segments are wanted.
pub mod filter;

/// What became of each packet.
mod counters;

pub use counters::CounterValue;
pub use decapsulator::Decapsulator;
pub use encapsulation::{Encapsulation, Layer};
pub use feed::{FeedKey, Network};
pub use filter::Filter;
pub use group::{GROUPS, group_of};
pub use packet::{LinkType, RawPacket, Timestamp};
pub use segment::{Segment, SeqNumber, TcpFlags};
pub use settings::DecapSettings;
