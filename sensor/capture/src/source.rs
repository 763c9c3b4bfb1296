//! What every packet source offers, and what can go wrong with one.

use tapscope_decap::{RawPacket, Timestamp};

/// What one call of [`PacketSource::read_batch`] brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// So many packets were handed to the handler.
    Packets(usize),
    /// Nothing arrived for a while; time has come to this point all the same.
    Idle(Timestamp),
    /// The source is at its end.
    End,
}

/// Counters of one interface or file, 64 bits wide, since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SourceStats {
    /// Interface or file name.
    pub name: String,
    /// `live` or `file`.
    pub kind: &'static str,
    /// `running`, `finished`, or what ended it.
    pub state: String,
    /// Packets handed to the sensor.
    pub packets: u64,
    /// Captured bytes of them.
    pub bytes: u64,
    /// Packets the kernel dropped because the ring was full.
    pub dropped_kernel: u64,
    /// Packets the interface or its driver dropped before the kernel saw them.
    pub dropped_interface: u64,
    /// Bytes of the kernel's ring as it was given; 0 when there is none or it is not known.
    pub ring_bytes: u64,
    /// Bytes of the ring that were asked for.
    pub ring_bytes_wanted: u64,
    /// Times the ring was read.
    pub ring_reads: u64,
    /// Of them those that found more than one read takes: the sensor was behind.
    pub ring_reads_behind: u64,
}

/// A source of packets.
pub trait PacketSource: Send {
    /// Hands the next packets to `handler`; waits a short while for them when there are none.
    ///
    /// # Errors
    /// When the source cannot go on. What was handed out before remains valid.
    fn read_batch(&mut self, handler: &mut dyn FnMut(RawPacket<'_>))
    -> Result<Batch, CaptureError>;

    /// Counters, one entry for each interface or file.
    fn stats(&mut self) -> Vec<SourceStats>;

    /// Whether packets come as they happen. A live source ends by itself on the order to stop.
    fn is_live(&self) -> bool {
        false
    }

    /// How many parts of a hundred of the fullest ring probably wait to be read; 0 where there is
    /// none.
    fn ring_filled_percent(&self) -> u8 {
        0
    }

    /// Bytes read and bytes to read in all, when both are known.
    fn progress(&self) -> Option<(u64, u64)> {
        None
    }
}

/// Why packets cannot be had. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The file cannot be opened or read.
    #[error("{name}: {reason}")]
    Unreadable {
        /// File name, `-` for standard input.
        name: String,
        /// The system's words.
        reason: String,
    },
    /// The first bytes are those of no known capture format.
    #[error("{name}: not a capture: expected pcap or pcapng, plain, gzip or zstd")]
    NotACapture {
        /// File name.
        name: String,
    },
    /// The file ends inside a packet.
    #[error(
        "{name}: truncated after {packets} packets: the file ends inside a packet; \
         everything before it was used"
    )]
    Truncated {
        /// File name.
        name: String,
        /// Packets read before the end.
        packets: u64,
    },
    /// A block cannot be read; what follows it cannot be found.
    #[error("{name}: damaged after {packets} packets ({reason}); everything before it was used")]
    Damaged {
        /// File name.
        name: String,
        /// Packets read before.
        packets: u64,
        /// What is wrong.
        reason: String,
    },
    /// There is no such interface.
    #[error("{name}: no such interface; there are: {available}")]
    NoSuchInterface {
        /// The name asked for.
        name: String,
        /// The names there are.
        available: String,
    },
    /// The process may not capture.
    #[error(
        "{name}: no permission to capture; run as root, or once: \
         setcap cap_net_raw+ep /path/to/tapscope"
    )]
    NotPermitted {
        /// Interface.
        name: String,
    },
    /// The filter expression is no BPF filter for this interface.
    #[error("{name}: filter not understood: {reason}; see pcap-filter(7)")]
    BadFilter {
        /// Interface.
        name: String,
        /// libpcap's words.
        reason: String,
    },
    /// The kernel cannot deal an interface's packets out to several sockets.
    #[error("{name}: the kernel cannot deal packets out to workers: {reason}")]
    NoFanout {
        /// Interface.
        name: String,
        /// The system's words.
        reason: String,
    },
    /// The interface cannot be opened or went away.
    #[error("{name}: {reason}; check `ip link show {name}`")]
    Interface {
        /// Interface.
        name: String,
        /// libpcap's words.
        reason: String,
    },
}
