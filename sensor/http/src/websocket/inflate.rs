//! permessage-deflate (RFC 7692): messages compressed one by one, with or without a window that
//! goes on from one to the next. Bounded: what is decompressed is only a sample.

use flate2::{Decompress, FlushDecompress, Status};

/// Bytes of decompressed content per step.
const STEP_BYTES: usize = 4096;

/// Decompresses the messages of one direction as long as they are sampled.
#[derive(Debug)]
pub(super) struct Inflater {
    decoder: Decompress,
    takeover: bool,
    /// Bytes that may still come out over all messages.
    left: usize,
}

/// What ends each message and is not sent (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0, 0, 0xff, 0xff];

impl Inflater {
    pub(super) fn new(takeover: bool, bytes_max: usize) -> Self {
        Self {
            decoder: Decompress::new(false),
            takeover,
            left: bytes_max,
        }
    }

    /// Decompresses a piece of a message, appending to `out` up to `keep` bytes of it; false when
    /// nothing more can be decompressed: the data are broken, or the bound is reached.
    pub(super) fn piece(&mut self, mut input: &[u8], keep: usize, out: &mut Vec<u8>) -> bool {
        let mut step = [0; STEP_BYTES];
        loop {
            let (before_in, before_out) = (self.decoder.total_in(), self.decoder.total_out());
            let outcome = self
                .decoder
                .decompress(input, &mut step, FlushDecompress::Sync);
            let consumed = self.decoder.total_in().wrapping_sub(before_in);
            let made = self.decoder.total_out().wrapping_sub(before_out);
            let consumed = usize::try_from(consumed).unwrap_or(usize::MAX);
            let made = usize::try_from(made).unwrap_or(usize::MAX);
            input = input.get(consumed..).unwrap_or_default();
            let room = keep.saturating_sub(out.len());
            out.extend_from_slice(step.get(..made.min(room)).unwrap_or_default());
            let within = made <= self.left;
            self.left = self.left.saturating_sub(made);
            match outcome {
                Ok(Status::Ok | Status::BufError) if within => {}
                // A final block ends the stream: what follows starts anew.
                Ok(Status::StreamEnd) if within => self.decoder.reset(false),
                _ => return false,
            }
            if made < STEP_BYTES && (input.is_empty() || (consumed == 0 && made == 0)) {
                return true;
            }
        }
    }

    /// Ends a message.
    pub(super) fn end(&mut self, keep: usize, out: &mut Vec<u8>) -> bool {
        let sound = self.piece(&TAIL, keep, out);
        if !self.takeover {
            self.decoder.reset(false);
        }
        sound
    }
}
