//! The loop that feeds a worker, or the spread over several, from a packet source until it ends.

use tapscope_capture::{Batch, CaptureError, PacketSource};
use tapscope_decap::{Filter, RawPacket, Timestamp};
use tapscope_http::ExchangeSink;

use crate::worker::Worker;

/// What the caller of [`run`] wants after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Go on.
    Continue,
    /// Stop reading; what was taken in is kept.
    Stop,
}

/// Takes packets and the passing of time.
pub trait Intake {
    /// B: takes one packet.
    fn handle_packet(&mut self, packet: RawPacket<'_>);

    /// B: time has come to `now`, packets or not.
    fn handle_time(&mut self, now: Timestamp);

    /// C: packets from here on come from that source, counted from 0 over the run.
    fn set_source(&mut self, source: u32);

    /// C: another filter of segments from the next packet on.
    fn set_filter(&mut self, filter: Filter);
}

impl<S: ExchangeSink> Intake for Worker<S> {
    fn handle_packet(&mut self, packet: RawPacket<'_>) {
        Self::handle_packet(self, packet);
    }

    fn handle_time(&mut self, now: Timestamp) {
        Self::handle_time(self, now);
    }

    fn set_source(&mut self, source: u32) {
        Self::set_source(self, source);
    }

    fn set_filter(&mut self, filter: Filter) {
        Self::set_filter(self, filter);
    }
}

/// Feeds `intake` from `source` until its end, calling `after_batch` between batches. The caller
/// flushes: another source may follow and go on with the same connections.
///
/// # Errors
/// When the source fails. What it gave before has been used.
pub fn run<I: Intake>(
    source: &mut dyn PacketSource,
    intake: &mut I,
    after_batch: &mut dyn FnMut(&mut I, &mut dyn PacketSource) -> Step,
) -> Result<(), CaptureError> {
    loop {
        match source.read_batch(&mut |packet| intake.handle_packet(packet))? {
            Batch::Packets(_) => {}
            Batch::Idle(now) => intake.handle_time(now),
            Batch::End => return Ok(()),
        }
        if after_batch(intake, source) == Step::Stop {
            return Ok(());
        }
    }
}
