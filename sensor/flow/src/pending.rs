//! A SYN on an open connection: a new connection on the same addresses and ports, or a forgery.
//!
//! What comes after it tells. Until then its data is kept (RFC 7413): a request in it is not sent
//! again once the server has accepted it.

use tapscope_decap::{Encapsulation, Segment, SeqNumber, TcpFlags, Timestamp};

use crate::FeedIndex;

/// A SYN that waits to be believed.
#[derive(Debug)]
pub(crate) struct PendingSyn {
    seq: SeqNumber,
    /// Length of its data on the wire.
    len: u32,
    data: Option<Box<SynData>>,
}

/// What a SYN carries, and what is known of its packet.
#[derive(Debug)]
struct SynData {
    captured: Timestamp,
    interface: u32,
    feed: FeedIndex,
    sender_clock: Option<u32>,
    ip_id: u16,
    hop_limit: u8,
    encapsulation: Encapsulation,
    bytes: Box<[u8]>,
}

impl PendingSyn {
    /// Without its data.
    pub(crate) const fn new(segment: &Segment<'_>) -> Self {
        Self {
            seq: segment.seq,
            len: segment.payload_len,
            data: None,
        }
    }

    /// What keeping the data of `segment` takes.
    pub(crate) const fn cost_of(segment: &Segment<'_>) -> usize {
        segment.payload.len() + size_of::<SynData>()
    }

    /// Retained bytes.
    pub(crate) fn cost(&self) -> usize {
        let cost = |data: &SynData| data.bytes.len() + size_of::<SynData>();
        size_of::<Self>() + self.data.as_deref().map_or(0, cost)
    }

    /// Whether `segment` is this SYN again.
    pub(crate) fn is(&self, segment: &Segment<'_>) -> bool {
        (self.seq, self.len) == (segment.seq, segment.payload_len)
    }

    /// Keeps the data of its segment; of copies the first one wins.
    pub(crate) fn keep(&mut self, segment: &Segment<'_>, feed: FeedIndex) {
        self.data.get_or_insert_with(|| {
            Box::new(SynData {
                captured: segment.timestamp,
                interface: segment.interface,
                feed,
                sender_clock: segment.sender_clock,
                ip_id: segment.ip_id,
                hop_limit: segment.hop_limit,
                encapsulation: segment.encapsulation.clone(),
                bytes: segment.payload.into(),
            })
        });
    }

    /// Whether it is answered by that acknowledgement; a server may accept its data or not.
    pub(crate) fn is_answered_by(&self, ack: SeqNumber) -> bool {
        let ahead = i64::from(ack.distance_from(self.seq.advance(1)));
        (0..=i64::from(self.len)).contains(&ahead)
    }

    /// Whether its sender goes on at that number.
    pub(crate) fn goes_on_at(&self, seq: SeqNumber) -> bool {
        let first = self.seq.advance(1);
        seq == first || seq == first.advance(self.len)
    }

    /// Its number.
    pub(crate) const fn seq(&self) -> SeqNumber {
        self.seq
    }

    /// Its segment, when it carried data, and which feed brought it. `other` is of the same
    /// connection; `is_same_side` tells whether it comes from who sent this SYN.
    pub(crate) fn segment(
        &self,
        other: &Segment<'_>,
        is_same_side: bool,
    ) -> Option<(Segment<'_>, FeedIndex)> {
        let data = self.data.as_ref()?;
        let (source, destination) = match is_same_side {
            true => (other.source, other.destination),
            false => (other.destination, other.source),
        };
        let segment = Segment {
            timestamp: data.captured,
            interface: data.interface,
            source,
            destination,
            seq: self.seq,
            ack: SeqNumber::default(),
            flags: TcpFlags(TcpFlags::SYN),
            window: 0,
            urgent_pointer: 0,
            sender_clock: data.sender_clock,
            payload: &data.bytes,
            payload_len: self.len,
            ip_id: data.ip_id,
            hop_limit: data.hop_limit,
            encapsulation: data.encapsulation.clone(),
        };
        Some((segment, data.feed))
    }
}
