//! The output of this stage: one TCP segment of the innermost IP packet (RFC 9293).

use core::net::SocketAddr;

use crate::{Encapsulation, Timestamp};

/// A TCP sequence number; compared and moved modulo 2^32 only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SeqNumber(pub u32);

impl SeqNumber {
    /// `self + bytes`, modulo 2^32.
    #[must_use]
    pub const fn advance(self, bytes: u32) -> Self {
        Self(self.0.wrapping_add(bytes))
    }

    /// Signed distance from `other` to `self` on the circle: negative when `self` is before it.
    #[must_use]
    pub const fn distance_from(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0).cast_signed()
    }
}

/// The control bits of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: u8 = 0x01;
    /// Synchronise sequence numbers.
    pub const SYN: u8 = 0x02;
    /// Reset the connection.
    pub const RST: u8 = 0x04;
    /// Push.
    pub const PSH: u8 = 0x08;
    /// The acknowledgement field is significant.
    pub const ACK: u8 = 0x10;
    /// The urgent pointer is significant.
    pub const URG: u8 = 0x20;

    /// Whether every bit of `mask` is set.
    #[must_use]
    pub const fn has(self, mask: u8) -> bool {
        self.0 & mask == mask
    }
}

/// One TCP segment.
#[derive(Clone, Debug)]
pub struct Segment<'a> {
    /// When the packet that carried it was seen.
    pub timestamp: Timestamp,
    /// Index of the interface within the source.
    pub interface: u32,
    /// Sender, from the innermost IP header.
    pub source: SocketAddr,
    /// Receiver, from the innermost IP header.
    pub destination: SocketAddr,
    /// Sequence number of the first payload byte (of the SYN when it is set).
    pub seq: SeqNumber,
    /// Acknowledgement number; meaningful when ACK is set.
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: TcpFlags,
    /// Receive window as sent, unscaled.
    pub window: u16,
    /// The urgent pointer, counted from `seq`; meaningful when URG is set.
    pub urgent_pointer: u16,
    /// The sender's clock (TSval of RFC 7323), where the timestamps option is there: a
    /// retransmission has a later one than what it repeats.
    pub sender_clock: Option<u32>,
    /// The payload bytes that were captured.
    pub payload: &'a [u8],
    /// Payload length on the wire; larger than `payload.len()` when the capture cut the packet.
    pub payload_len: u32,
    /// IPv4 identification, 0 for IPv6: tells a mirror's copy from a retransmission.
    pub ip_id: u16,
    /// Time to live (IPv4) or hop limit (IPv6): a copy that was taken behind a router has another.
    pub hop_limit: u8,
    /// What was peeled off around it.
    pub encapsulation: Encapsulation,
}
