//! A captured packet as the wrapping sees it: its Ethernet frame and its IP packet.

use std::path::Path;

use tapscope_capture::{Batch, CaptureError, FileSource, PacketSource};
use tapscope_decap::{LinkType, RawPacket, Timestamp};

/// A packet with its own bytes.
#[derive(Clone, Debug)]
pub struct Packet {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// What the bytes start with.
    pub link_type: LinkType,
    /// Bytes that the capture cut off.
    pub cut: u32,
    /// The captured bytes.
    pub data: Vec<u8>,
}

impl Packet {
    /// The packet as a source hands it out.
    #[must_use]
    pub fn raw(&self) -> RawPacket<'_> {
        RawPacket {
            timestamp: self.timestamp,
            link_type: self.link_type,
            interface: 0,
            wire_len: u32::try_from(self.data.len()).unwrap_or(u32::MAX) + self.cut,
            data: &self.data,
        }
    }

    /// The IP packet without padding, when it is one directly on the link layer.
    #[must_use]
    pub fn ip(&self) -> Option<&[u8]> {
        let (at, len) = self.ip_range()?;
        self.data.get(at..at + len)
    }

    /// Where the IP packet starts, and how long it is.
    pub(crate) fn ip_range(&self) -> Option<(usize, usize)> {
        let is_ip = |number: &[u8]| number == [8, 0] || number == [0x86, 0xdd];
        let at = match self.link_type {
            LinkType::ETHERNET if is_ip(self.data.get(12..14)?) => 14,
            LinkType::LINUX_SLL if is_ip(self.data.get(14..16)?) => 16,
            LinkType::CISCO_HDLC if is_ip(self.data.get(2..4)?) => 4,
            LinkType::NULL | LinkType::LOOP => 4,
            LinkType::RAW | LinkType::RAW_BSD | LinkType::IPV4 | LinkType::IPV6 => 0,
            _ => return None,
        };
        let packet = self.data.get(at..)?;
        let len = match packet.first()? >> 4 {
            4 => usize::from(u16::from_be_bytes([*packet.get(2)?, *packet.get(3)?])),
            6 => usize::from(u16::from_be_bytes([*packet.get(4)?, *packet.get(5)?])) + 40,
            _ => return None,
        };
        // 0 and 40 are what offloading leaves; a cut packet is shorter than it says.
        let is_stated = len != 0 && len != 40 && len <= packet.len();
        Some((at, if is_stated { len } else { packet.len() }))
    }

    /// The Ethernet frame; one is made where the link layer is another.
    #[must_use]
    pub fn frame(&self) -> Option<Vec<u8>> {
        if self.link_type == LinkType::ETHERNET {
            return Some(self.data.clone());
        }
        let ip = self.ip()?;
        let ethertype = if ip[0] >> 4 == 4 { 0x0800 } else { 0x86dd };
        Some(crate::headers::ethernet(ethertype, ip))
    }

    /// The ports of both ends, where TCP or UDP follows the IP header at once.
    #[must_use]
    pub fn ports(&self) -> Option<[u16; 2]> {
        let ip = self.ip()?;
        let at = match ip.first()? >> 4 {
            4 => usize::from(ip[0] & 15) * 4,
            _ => 40,
        };
        let word = |at: usize| Some(u16::from_be_bytes([*ip.get(at)?, *ip.get(at + 1)?]));
        Some([word(at)?, word(at + 2)?])
    }

    /// Which of the two directions of its connection it has: any way that tells them apart.
    #[must_use]
    pub fn is_upwards(&self) -> bool {
        let Some(ip) = self.ip() else {
            return false;
        };
        let (source, destination) = match ip[0] >> 4 {
            4 => (ip.get(12..16), ip.get(16..20)),
            _ => (ip.get(8..24), ip.get(24..40)),
        };
        source < destination
    }
}

/// The first packets of a capture file.
///
/// # Errors
/// When the file cannot be read.
pub fn read(path: &Path, packets_max: usize) -> Result<Vec<Packet>, CaptureError> {
    let mut source = FileSource::open(path)?;
    let mut packets = Vec::new();
    loop {
        let batch = source.read_batch(&mut |raw| {
            if packets.len() < packets_max {
                let captured = u32::try_from(raw.data.len()).unwrap_or(u32::MAX);
                packets.push(Packet {
                    timestamp: raw.timestamp,
                    link_type: raw.link_type,
                    cut: raw.wire_len.saturating_sub(captured),
                    data: raw.data.to_vec(),
                });
            }
        })?;
        if batch == Batch::End || packets.len() >= packets_max {
            return Ok(packets);
        }
    }
}
