//! Bytes of one side that arrived before the bytes in front of them.
//!
//! Chunks are sorted and never overlap: where copies overlap the first one wins, and a copy that
//! differs is told. Costs are counted in retained bytes, so that a flood of tiny segments is seen
//! for what it takes.

use std::collections::VecDeque;

use smallvec::SmallVec;
use tapscope_decap::Timestamp;

/// Facts that travel with bytes from their segment to the event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) captured: Timestamp,
    pub(crate) acknowledged: Option<u64>,
    /// How many bytes of the side had arrived with this segment.
    pub(crate) arrival: u64,
    /// The octet that its urgent pointer means.
    pub(crate) urgent: Option<u64>,
}

/// What an insertion did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Inserted {
    /// Where the copies first differ.
    pub(crate) conflict: Option<u64>,
    /// Whether anything was new.
    pub(crate) anything: bool,
}

/// A run of bytes from one segment.
#[derive(Debug)]
pub(crate) struct Chunk {
    pub(crate) offset: u64,
    pub(crate) bytes: Vec<u8>,
    /// Where the segment ended on the wire; beyond `offset + bytes.len()` when the capture cut it.
    pub(crate) wire_end: u64,
    pub(crate) origin: Origin,
}

/// The longest chunk that pieces are joined to: a usual packet. Joining copies.
const JOINED_BYTES_MAX: usize = 1_500;

/// What a chunk takes beside its bytes; twice, for the queue grows by doubling.
const CHUNK_COST: usize = size_of::<Chunk>() * 2;

impl Chunk {
    /// Whether another chunk is the rest of the same packet, or as good as that: a packet that was
    /// sent in pieces is held like one that was not.
    fn goes_on_in(&self, next: &Self) -> bool {
        let (origin, other) = (&self.origin, &next.origin);
        self.end() == next.offset
            && self.wire_end == next.offset
            && self.bytes.len() + next.bytes.len() <= JOINED_BYTES_MAX
            && (origin.captured, origin.acknowledged) == (other.captured, other.acknowledged)
            && origin.urgent.is_none()
            && other.urgent.is_none()
    }

    pub(crate) fn end(&self) -> u64 {
        self.offset + self.bytes.len() as u64
    }

    pub(crate) const fn cost(&self) -> usize {
        self.bytes.capacity() + CHUNK_COST
    }
}

/// The most that holding a segment of `len` bytes can cost: the chunks it overlaps cut it into as
/// many pieces and one more, and its cut-off end may need a chunk of its own.
pub(crate) const fn cost_at_most(len: usize, chunks_between: usize) -> usize {
    len + CHUNK_COST * (chunks_between + 2)
}

/// The chunks of one side.
#[derive(Debug, Default)]
pub(crate) struct Held {
    chunks: VecDeque<Chunk>,
    cost: usize,
}

impl Held {
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.chunks.len()
    }

    /// Retained bytes, bookkeeping included.
    pub(crate) const fn cost(&self) -> usize {
        self.cost
    }

    pub(crate) fn front(&self) -> Option<&Chunk> {
        self.chunks.front()
    }

    pub(crate) fn pop_front(&mut self) -> Option<Chunk> {
        let chunk = self.chunks.pop_front()?;
        self.cost = self.cost.saturating_sub(chunk.cost());
        Some(chunk)
    }

    /// The segment in front of the first chunk went on to `wire_end`, which may be behind it.
    pub(crate) fn extend_front(&mut self, wire_end: u64) {
        if let Some(front) = self.chunks.front_mut().filter(|it| wire_end > it.offset) {
            front.wire_end = front.wire_end.max(wire_end);
        }
    }

    /// The earliest arrival of what is held: since then the hole in front has been known.
    pub(crate) fn earliest(&self) -> Option<Origin> {
        self.chunks
            .iter()
            .map(|chunk| chunk.origin)
            .min_by_key(|origin| origin.arrival)
    }

    /// How many chunks overlap `start..end`.
    pub(crate) fn count_between(&self, start: u64, end: u64) -> usize {
        let from = self.chunks.partition_point(|chunk| chunk.end() <= start);
        let to = self.chunks.partition_point(|chunk| chunk.offset < end);
        to.saturating_sub(from)
    }

    /// Keeps the bytes that no earlier copy brought.
    pub(crate) fn insert(
        &mut self,
        offset: u64,
        bytes: &[u8],
        wire_end: u64,
        origin: Origin,
    ) -> Inserted {
        let end = offset + bytes.len() as u64;
        let mut conflict = None;
        let mut at = offset;
        let mut added: SmallVec<[Chunk; 1]> = SmallVec::new();
        let first = self.chunks.partition_point(|chunk| chunk.end() <= offset);
        for chunk in self.chunks.iter().skip(first) {
            if chunk.offset >= end {
                break;
            }
            added.extend(cut(bytes, offset, at, chunk.offset, origin));
            conflict = conflict.or_else(|| first_difference(chunk, offset, bytes));
            at = at.max(chunk.end());
        }
        added.extend(cut(bytes, offset, at, end, origin));
        let mut anything = !added.is_empty();
        for chunk in added {
            self.place(chunk);
        }
        if wire_end > end {
            anything |= self.mark_truncated(end, wire_end, origin);
        }
        Inserted { conflict, anything }
    }

    fn place(&mut self, mut chunk: Chunk) {
        let at = self
            .chunks
            .partition_point(|other| other.offset < chunk.offset);
        // A chunk that only told of the end of its segment gives way first: behind longer bytes it
        // would end before them, and chunks are sorted by their ends too.
        let is_told = |known: &Chunk| known.offset == chunk.offset && known.bytes.is_empty();
        let is_alone = !self.chunks.get(at).is_some_and(is_told);
        let before = at.checked_sub(1).and_then(|at| self.chunks.get_mut(at));
        if let Some(before) = before.filter(|before| is_alone && before.goes_on_in(&chunk)) {
            let cost = before.cost();
            before.bytes.reserve_exact(chunk.bytes.len());
            before.bytes.extend_from_slice(&chunk.bytes);
            before.wire_end = chunk.wire_end;
            self.cost = (self.cost + before.cost()).saturating_sub(cost);
            return;
        }
        self.cost += chunk.cost();
        match self.chunks.get_mut(at) {
            // Where a segment was cut off at once: what it told of its end stays, and chunks remain
            // sorted by their ends too.
            Some(empty) if empty.offset == chunk.offset && empty.bytes.is_empty() => {
                self.cost = self.cost.saturating_sub(empty.cost());
                chunk.wire_end = chunk.wire_end.max(empty.wire_end);
                *empty = chunk;
            }
            _ => self.chunks.insert(at, chunk),
        }
    }

    /// Remembers that a segment went on to `wire_end` after its captured bytes ended at `end`.
    /// Tells whether that was news.
    fn mark_truncated(&mut self, end: u64, wire_end: u64, origin: Origin) -> bool {
        let after = self.chunks.partition_point(|chunk| chunk.offset <= end);
        let before = after
            .checked_sub(1)
            .and_then(|index| self.chunks.get_mut(index));
        match before {
            Some(chunk) if chunk.end() >= end => {
                let news = wire_end > chunk.wire_end;
                chunk.wire_end = chunk.wire_end.max(wire_end);
                news
            }
            _ => {
                self.place(Chunk {
                    offset: end,
                    bytes: Vec::new(),
                    wire_end,
                    origin,
                });
                true
            }
        }
    }
}

fn cut(bytes: &[u8], start: u64, from: u64, to: u64, origin: Origin) -> Option<Chunk> {
    let from_index = usize::try_from(from.checked_sub(start)?).ok()?;
    let to_index = usize::try_from(to.checked_sub(start)?).ok()?;
    let part = bytes.get(from_index..to_index)?;
    (!part.is_empty()).then(|| Chunk {
        offset: from,
        bytes: part.to_vec(),
        wire_end: to,
        origin,
    })
}

/// Where `bytes` at `offset` first differ from `chunk`, as far as they overlap.
fn first_difference(chunk: &Chunk, offset: u64, bytes: &[u8]) -> Option<u64> {
    let start = chunk.offset.max(offset);
    let ours = chunk
        .bytes
        .get(usize::try_from(start - chunk.offset).ok()?..)?;
    let theirs = bytes.get(usize::try_from(start - offset).ok()?..)?;
    let index = ours.iter().zip(theirs).position(|(a, b)| a != b)?;
    Some(start + index as u64)
}
