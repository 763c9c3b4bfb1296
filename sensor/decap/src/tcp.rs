//! The TCP header (RFC 9293 section 3.1), lax: options that the capture cut off do not lose the
//! segment, and the checksum is never verified (offloading leaves it unset on the sender's host).

use core::net::SocketAddr;

use crate::counters::Refusal;
use crate::walk::{IpFacts, take};
use crate::{Encapsulation, RawPacket, Segment, SeqNumber, TcpFlags};

/// The IP protocol number of TCP.
pub(crate) const PROTOCOL: u8 = 6;

/// Length of a header without options.
const HEADER_LEN: usize = 20;

/// The fields the sensor needs.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    source_port: u16,
    destination_port: u16,
    seq: u32,
    ack: u32,
    flags: u8,
    window: u16,
    payload: &'a [u8],
    payload_len: u32,
}

/// Reads the header of a segment of which `missing` bytes were cut off the end.
#[inline]
pub(crate) fn header(data: &[u8], missing: u32) -> Result<Header<'_>, Refusal> {
    let (fixed, _) = take::<HEADER_LEN>(data)?;
    let [
        s0,
        s1,
        d0,
        d1,
        q0,
        q1,
        q2,
        q3,
        a0,
        a1,
        a2,
        a3,
        offset,
        flags,
        w0,
        w1,
        ..,
    ] = *fixed;
    let header_len = usize::from(offset >> 4) * 4;
    if header_len < HEADER_LEN {
        return Err(Refusal::MalformedHeader);
    }
    let captured = u32::try_from(data.len()).unwrap_or(u32::MAX);
    let wire_len = captured.saturating_add(missing);
    let payload_len = wire_len
        .checked_sub(u32::from(offset >> 4) * 4)
        .ok_or(Refusal::MalformedHeader)?;
    Ok(Header {
        source_port: u16::from_be_bytes([s0, s1]),
        destination_port: u16::from_be_bytes([d0, d1]),
        seq: u32::from_be_bytes([q0, q1, q2, q3]),
        ack: u32::from_be_bytes([a0, a1, a2, a3]),
        flags,
        window: u16::from_be_bytes([w0, w1]),
        payload: data.get(header_len..).unwrap_or_default(),
        payload_len,
    })
}

impl<'a> Header<'a> {
    /// Joins what the layers know into the stage's output.
    #[inline]
    pub(crate) fn into_segment(
        self,
        packet: &RawPacket<'_>,
        ip: IpFacts,
        encapsulation: Encapsulation,
    ) -> Segment<'a> {
        Segment {
            timestamp: packet.timestamp,
            interface: packet.interface,
            source: SocketAddr::new(ip.source, self.source_port),
            destination: SocketAddr::new(ip.destination, self.destination_port),
            seq: SeqNumber(self.seq),
            ack: SeqNumber(self.ack),
            flags: TcpFlags(self.flags),
            window: self.window,
            payload: self.payload,
            payload_len: self.payload_len,
            ip_id: ip.id,
            encapsulation,
        }
    }
}
