//! The loop that feeds a worker from a packet source until the source ends.

use tapscope_capture::{Batch, CaptureError, PacketSource};
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

/// Feeds `worker` from `source` until its end, calling `after_batch` between batches. The caller
/// flushes the worker: another source may follow and go on with the same connections.
///
/// # Errors
/// When the source fails. What it gave before has been used.
pub fn run<S: ExchangeSink>(
    source: &mut dyn PacketSource,
    worker: &mut Worker<S>,
    after_batch: &mut dyn FnMut(&mut Worker<S>, &mut dyn PacketSource) -> Step,
) -> Result<(), CaptureError> {
    loop {
        match source.read_batch(&mut |packet| worker.handle_packet(packet))? {
            Batch::Packets(_) => {}
            Batch::Idle(now) => worker.handle_time(now),
            Batch::End => return Ok(()),
        }
        if after_batch(worker, source) == Step::Stop {
            return Ok(());
        }
    }
}
