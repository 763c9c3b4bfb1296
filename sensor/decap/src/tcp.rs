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

/// Kinds of options (RFC 9293 section 3.2, RFC 7323 section 3.2).
const END_OF_OPTIONS: u8 = 0;
const NO_OPERATION: u8 = 1;
const TIMESTAMPS: u8 = 8;

/// The fields the sensor needs.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    source_port: u16,
    destination_port: u16,
    seq: u32,
    ack: u32,
    flags: u8,
    window: u16,
    urgent_pointer: u16,
    sender_clock: Option<u32>,
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
        _,
        _,
        u0,
        u1,
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
        urgent_pointer: u16::from_be_bytes([u0, u1]),
        sender_clock: data
            .get(HEADER_LEN..header_len.min(data.len()))
            .and_then(sender_clock),
        payload: data.get(header_len..).unwrap_or_default(),
        payload_len,
    })
}

/// TSval of the timestamps option (RFC 7323), as far as the options were captured.
#[inline]
fn sender_clock(options: &[u8]) -> Option<u32> {
    let mut rest = options;
    loop {
        rest = match *rest {
            [TIMESTAMPS, 10, v0, v1, v2, v3, ..] => {
                return Some(u32::from_be_bytes([v0, v1, v2, v3]));
            }
            [NO_OPERATION, ref rest @ ..] => rest,
            [END_OF_OPTIONS, ..] | [] => return None,
            [_, len, ..] if len >= 2 => rest.get(usize::from(len)..)?,
            _ => return None,
        };
    }
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
            urgent_pointer: self.urgent_pointer,
            sender_clock: self.sender_clock,
            payload: self.payload,
            payload_len: self.payload_len,
            ip_id: ip.id,
            hop_limit: ip.hop_limit,
            encapsulation,
        }
    }
}
