//! A response body that ends with the connection.

use super::{Content, GapEffect, Progress};

/// Reads a body up to the end of the stream.
#[derive(Clone, Debug)]
pub(crate) struct UntilClose;

impl UntilClose {
    /// Takes everything.
    #[expect(
        clippy::unused_self,
        reason = "the readers of all framings are called alike"
    )]
    pub(crate) fn read(&self, bytes: &[u8], content: &mut Content<'_>) -> (usize, Progress) {
        content.push(bytes, 0);
        (bytes.len(), Progress::More)
    }

    /// Missing bytes are content: nothing else can follow.
    #[expect(
        clippy::unused_self,
        reason = "the readers of all framings are called alike"
    )]
    pub(crate) const fn gap(&self, _len: u64) -> GapEffect {
        GapEffect::Inside
    }
}
