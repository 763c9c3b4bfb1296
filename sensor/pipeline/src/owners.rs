//! Which worker has which connection: a small table that all workers share, to notice when the
//! kernel hands one connection's packets to two of them.
//!
//! Each connection has a place by its hash, and the last connection in a place is remembered. A
//! connection that meets another one's mark says nothing; one that meets its own mark made by
//! another worker is split, and is counted once.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};

use tapscope_decap::Segment;

/// Places: enough that the connections of a second rarely meet. Half a mebibyte.
const PLACES: usize = 1 << 16;

/// In the place of the worker: the connection is known to be split.
const SPLIT: u64 = 0xff;

/// The table.
#[derive(Debug)]
pub struct Owners {
    /// The upper 56 bits of the connection's hash, then the worker.
    places: Vec<AtomicU64>,
    split: AtomicU64,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            places: (0..PLACES).map(|_| AtomicU64::new(SPLIT)).collect(),
            split: AtomicU64::new(0),
        }
    }
}

impl Owners {
    /// B: `worker` has a segment.
    pub(crate) fn handle_segment(&self, segment: &Segment<'_>, worker: u8) {
        let hash = hash_of(segment);
        let index = usize::try_from(hash % PLACES as u64).unwrap_or(0);
        let Some(place) = self.places.get(index) else {
            return;
        };
        let name = hash & !0xff;
        let mark = name | u64::from(worker);
        let known = place.load(Ordering::Relaxed);
        if known == mark || known == name | SPLIT {
            return;
        }
        if known & !0xff == name {
            self.split.fetch_add(1, Ordering::Relaxed);
            place.store(name | SPLIT, Ordering::Relaxed);
        } else {
            place.store(mark, Ordering::Relaxed);
        }
    }

    /// A: connections that two workers had packets of.
    #[must_use]
    pub fn split(&self) -> u64 {
        self.split.load(Ordering::Relaxed)
    }
}

/// A hash of the segment's connection: the same for both directions.
pub(crate) fn hash_of(segment: &Segment<'_>) -> u64 {
    let (a, b) = (segment.source, segment.destination);
    let mut hasher = DefaultHasher::new();
    (a.min(b), a.max(b)).hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use tapscope_decap::{Encapsulation, SeqNumber, TcpFlags, Timestamp};

    use super::*;

    fn segment(port: u16, reply: bool) -> Segment<'static> {
        let ends = [([10, 0, 0, 1], port).into(), ([10, 0, 0, 2], 80).into()];
        let [source, destination] = if reply { [ends[1], ends[0]] } else { ends };
        Segment {
            timestamp: Timestamp::default(),
            interface: 0,
            source,
            destination,
            seq: SeqNumber(1),
            ack: SeqNumber(1),
            flags: TcpFlags(0),
            window: 0,
            urgent_pointer: 0,
            sender_clock: None,
            payload: b"",
            payload_len: 0,
            ip_id: 0,
            hop_limit: 64,
            encapsulation: Encapsulation::default(),
        }
    }

    #[test]
    fn a_split_connection_is_counted_once() {
        let owners = Owners::default();
        for (port, reply, worker, split) in [
            (1, false, 0, 0),
            (1, true, 0, 0),
            (2, false, 3, 0),
            (1, true, 1, 1),
            (1, false, 0, 1),
            (1, true, 1, 1),
            (2, true, 3, 1),
            (2, true, 0, 2),
        ] {
            owners.handle_segment(&segment(port, reply), worker);
            assert_eq!(owners.split(), split, "{port} {reply} {worker}");
        }
    }
}
