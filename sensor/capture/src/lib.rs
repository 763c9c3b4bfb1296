//! Where packets come from: live interfaces through libpcap, capture files, standard input.
//!
//! An I/O crate at the edge of the sensor. It hands out borrowed [`RawPacket`]s with the packet's
//! own time and never sends one: nothing here can transmit.

/// The one interface the worker knows: batches of packets, time, end.
mod source;

/// Capture files and streams: pcap and pcapng, plain or compressed.
mod file;

/// Bytes that arrive as they come to be.
mod arriving;

/// How time goes on while no packet comes.
mod passing;

/// Captures as streams over TCP.
pub mod tcp;

/// Live interfaces.
#[cfg(feature = "live")]
mod live;

/// How much of a ring waits.
#[cfg(feature = "live")]
mod filling;

/// Several workers on the same interfaces.
#[cfg(feature = "live")]
mod fanout;

/// The program by which packets are dealt out.
#[cfg(feature = "live")]
mod program;

/// What an interface says of itself.
#[cfg(feature = "live")]
pub mod interface;

/// System calls without a safe form.
mod sys;

/// The order to stop, and waiting for packets or for it.
mod wait;

#[cfg(feature = "live")]
pub use fanout::open_workers;
pub use file::FileSource;
#[cfg(feature = "live")]
pub use live::{LiveSettings, LiveSource};
pub use source::{Batch, CaptureError, PacketSource, SourceStats};
#[cfg(feature = "live")]
pub use sys::give_way;
pub use tapscope_decap::{LinkType, RawPacket, Timestamp};
pub use tcp::TcpSource;
pub use wait::StopHandle;
