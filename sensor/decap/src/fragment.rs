//! IP fragments wait here until their datagram is whole, under a cap and a timeout.
//!
//! Where fragments overlap the first copy of a byte wins and the datagram is counted as
//! overlapping. When a cap is reached the datagram that has waited longest is given up.

use std::collections::{BTreeMap, HashMap};

use core::net::IpAddr;

use crate::counters::{Counters, Refusal};
use crate::walk::Resume;
use crate::{DecapSettings, Timestamp};

/// The largest datagram the 13-bit offset can describe.
const DATAGRAM_LEN_MAX: usize = 65_535;

/// Which bytes of a datagram a fragment brings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) identification: u32,
    /// Position of the first byte in the datagram's payload.
    pub(crate) offset: u32,
    /// Whether later fragments follow.
    pub(crate) more: bool,
}

/// One fragment as the walk met it.
#[derive(Debug)]
pub(crate) struct Fragment<'a> {
    pub(crate) at: Resume,
    pub(crate) part: Part,
    pub(crate) data: &'a [u8],
    /// Whether the capture cut it.
    pub(crate) truncated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    identification: u32,
    /// RFC 791 has the protocol in the key; RFC 8200 has not (0).
    protocol: u8,
}

/// A run of a datagram's bytes.
#[derive(Debug)]
struct Piece {
    offset: usize,
    bytes: Vec<u8>,
}

impl Piece {
    fn end(&self) -> usize {
        self.offset + self.bytes.len()
    }

    fn cost(&self) -> usize {
        self.bytes.capacity() + size_of::<Self>()
    }
}

#[derive(Debug)]
struct Datagram {
    /// Counts datagrams; the order in which they are given up.
    serial: u64,
    started: Timestamp,
    /// Sorted by offset, never overlapping.
    pieces: Vec<Piece>,
    /// Known when the last fragment was seen.
    total_len: Option<usize>,
    /// Where to go on: from the first fragment, which alone names the protocol in IPv6.
    at: Option<Resume>,
    overlapping: bool,
}

/// Room a datagram takes beside its pieces.
const DATAGRAM_COST: usize = size_of::<Datagram>() + size_of::<Key>() * 2;

/// The datagrams that wait.
#[derive(Debug, Default)]
pub(crate) struct FragmentTable {
    datagrams: HashMap<Key, Datagram, foldhash::fast::RandomState>,
    by_age: BTreeMap<u64, Key>,
    next_serial: u64,
    retained_bytes: usize,
    whole: Vec<u8>,
}

impl FragmentTable {
    /// Bytes held, bookkeeping included.
    pub(crate) const fn retained_bytes(&self) -> usize {
        self.retained_bytes
    }

    /// The payload of the datagram that was last made whole.
    pub(crate) fn whole(&self) -> &[u8] {
        &self.whole
    }

    /// Takes a fragment; tells where to go on when it made its datagram [`Self::whole`].
    pub(crate) fn insert(
        &mut self,
        fragment: Fragment<'_>,
        now: Timestamp,
        settings: &DecapSettings,
        counters: &mut Counters,
    ) -> Result<Resume, Refusal> {
        self.expire(now, settings, counters);
        let key = check(&fragment)?;
        if !self.datagrams.contains_key(&key) {
            self.open(key, now);
        }
        let Some(datagram) = self.datagrams.get_mut(&key) else {
            return Err(Refusal::FragmentRefused);
        };
        if datagram.pieces.len() >= settings.fragments_per_datagram_max {
            return Err(Refusal::FragmentRefused);
        }
        let was_overlapping = datagram.overlapping;
        self.retained_bytes += datagram.add(fragment);
        if datagram.overlapping && !was_overlapping {
            counters.fragments_overlapping += 1;
        }
        if !datagram.is_whole() {
            self.shrink(settings, counters);
            return Err(Refusal::FragmentHeld);
        }
        let datagram = self.remove(key).ok_or(Refusal::FragmentRefused)?;
        counters.fragments_reassembled += 1;
        self.whole.clear();
        for piece in &datagram.pieces {
            self.whole.extend_from_slice(&piece.bytes);
        }
        datagram.at.ok_or(Refusal::FragmentRefused)
    }

    fn open(&mut self, key: Key, now: Timestamp) {
        let serial = self.next_serial;
        self.next_serial += 1;
        self.by_age.insert(serial, key);
        self.retained_bytes += DATAGRAM_COST;
        self.datagrams.insert(
            key,
            Datagram {
                serial,
                started: now,
                pieces: Vec::new(),
                total_len: None,
                at: None,
                overlapping: false,
            },
        );
    }

    fn remove(&mut self, key: Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(&key)?;
        self.by_age.remove(&datagram.serial);
        let pieces: usize = datagram.pieces.iter().map(Piece::cost).sum();
        self.retained_bytes = self.retained_bytes.saturating_sub(pieces + DATAGRAM_COST);
        Some(datagram)
    }

    fn expire(&mut self, now: Timestamp, settings: &DecapSettings, counters: &mut Counters) {
        while let Some(key) = self.by_age.values().next().copied() {
            let due = self.datagrams.get(&key).is_none_or(|datagram| {
                now.nanos_since(datagram.started) >= settings.fragment_timeout_nanos
            });
            if !due {
                return;
            }
            self.remove(key);
            counters.fragments_timed_out += 1;
        }
    }

    fn shrink(&mut self, settings: &DecapSettings, counters: &mut Counters) {
        while self.retained_bytes > settings.fragment_bytes_max
            || self.datagrams.len() > settings.fragment_datagrams_max
        {
            let Some(oldest) = self.by_age.values().next().copied() else {
                return;
            };
            self.remove(oldest);
            counters.fragments_evicted += 1;
        }
    }
}

/// Refuses what no sender makes; the capture's cut is refused too, for its bytes are not there.
fn check(fragment: &Fragment<'_>) -> Result<Key, Refusal> {
    let end = fragment.part.offset as usize + fragment.data.len();
    let uneven = fragment.part.more && !fragment.data.len().is_multiple_of(8);
    if fragment.truncated || uneven || fragment.data.is_empty() || end > DATAGRAM_LEN_MAX {
        return Err(Refusal::FragmentRefused);
    }
    let ip = fragment.at.ip;
    let protocol = if ip.source.is_ipv4() {
        fragment.at.protocol
    } else {
        0
    };
    Ok(Key {
        source: ip.source,
        destination: ip.destination,
        identification: fragment.part.identification,
        protocol,
    })
}

impl Datagram {
    /// Adds the bytes that no earlier fragment brought; tells what they cost.
    fn add(&mut self, fragment: Fragment<'_>) -> usize {
        let start = fragment.part.offset as usize;
        let end = start + fragment.data.len();
        if !fragment.part.more {
            // The first claim of an end wins, as the first copy of a byte does.
            let total = *self.total_len.get_or_insert(end);
            self.overlapping |= total != end;
        }
        if start == 0 && self.at.is_none() {
            self.at = Some(fragment.at);
        }
        let mut cost = 0;
        let mut at = start;
        let mut added = Vec::new();
        for piece in &self.pieces {
            if piece.end() <= at {
                continue;
            }
            if piece.offset >= end {
                break;
            }
            // An exact repeat is a mirror's second copy, not an overlap.
            self.overlapping |= piece.offset != start || piece.end() != end;
            added.extend(cut(fragment.data, start, at, piece.offset));
            at = piece.end();
        }
        added.extend(cut(fragment.data, start, at, end));
        for piece in added {
            cost += piece.cost();
            let place = self
                .pieces
                .partition_point(|other| other.offset < piece.offset);
            self.pieces.insert(place, piece);
        }
        cost
    }

    fn is_whole(&self) -> bool {
        let Some(total_len) = self.total_len else {
            return false;
        };
        let mut at = 0;
        for piece in &self.pieces {
            if piece.offset != at {
                return false;
            }
            at = piece.end();
        }
        at == total_len && self.at.is_some()
    }
}

/// The bytes from `from` to `to` of a fragment that starts at `start`, when there are any.
fn cut(data: &[u8], start: usize, from: usize, to: usize) -> Option<Piece> {
    let bytes = data.get(from.checked_sub(start)?..to.checked_sub(start)?)?;
    (!bytes.is_empty()).then(|| Piece {
        offset: from,
        bytes: bytes.to_vec(),
    })
}
