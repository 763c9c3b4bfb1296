//! Bytes as the conversations get them: a piece of one side's stream, and where and when it was seen.

use tapscope_flow::Timestamp;

/// Where in a stream, and when, a byte was seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Position {
    /// Offset in its stream.
    pub(crate) offset: u64,
    /// What its segment acknowledged of the other stream.
    pub(crate) acknowledged: Option<u64>,
    /// When its segment was captured.
    pub(crate) captured: Timestamp,
    /// Offset and acknowledgement of the first of the segments up to its own that acknowledge the
    /// same as its own.
    pub(crate) run: Option<(u64, u64)>,
    /// The same of the segments before these.
    pub(crate) before: Option<(u64, u64)>,
}

/// Bytes of one side's stream with the facts of the event that brought them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chunk<'a> {
    /// Where the first byte stands.
    pub(crate) at: Position,
    /// The bytes.
    pub(crate) bytes: &'a [u8],
    /// Whether the first byte is the first of its event.
    pub(crate) is_event_start: bool,
}

impl Chunk<'_> {
    /// The chunk without its first `n` bytes.
    pub(crate) fn skip(self, n: usize) -> Self {
        if n == 0 {
            return self;
        }
        let bytes = self.bytes.get(n..).unwrap_or_default();
        Self {
            at: self.position(n),
            bytes,
            is_event_start: false,
        }
    }

    /// Behind its last byte.
    pub(crate) const fn end(&self) -> u64 {
        self.at.offset.saturating_add(self.bytes.len() as u64)
    }

    /// The position of the `n`th byte.
    pub(crate) const fn position(&self, n: usize) -> Position {
        Position {
            offset: self.at.offset.saturating_add(n as u64),
            ..self.at
        }
    }
}
