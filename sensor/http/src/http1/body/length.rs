//! A body framed by Content-Length.

use super::{Content, GapEffect, Progress};

/// Reads a body of known length.
#[derive(Clone, Debug)]
pub(crate) struct Length {
    remaining: u64,
}

impl Length {
    /// A body of that many bytes.
    pub(crate) const fn new(len: u64) -> Self {
        Self { remaining: len }
    }

    /// Takes bytes up to the end of the body.
    pub(crate) fn read(&mut self, bytes: &[u8], content: &mut Content<'_>) -> (usize, Progress) {
        let taken = usize::try_from(self.remaining)
            .unwrap_or(usize::MAX)
            .min(bytes.len());
        self.remaining -= taken as u64;
        content.push(bytes.get(..taken).unwrap_or_default(), self.remaining);
        (
            taken,
            if self.remaining == 0 {
                Progress::Complete
            } else {
                Progress::More
            },
        )
    }

    /// Passes over missing bytes: the end stays known as long as it lies behind them.
    pub(crate) const fn gap(&mut self, len: u64) -> GapEffect {
        let content = self.remaining;
        if len > content {
            return GapEffect::Past(content);
        }
        self.remaining -= len;
        if self.remaining == 0 {
            GapEffect::Ends
        } else {
            GapEffect::Inside
        }
    }
}
