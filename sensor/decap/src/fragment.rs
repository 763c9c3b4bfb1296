//! IP fragments wait here until their datagram is whole, under a cap and a timeout.
//!
//! A fragment that comes again is a mirror's second copy and is passed over, also when its datagram
//! is whole already. Where fragments overlap otherwise, the datagram is counted as overlapping: of
//! IPv4 the first copy of a byte wins, of IPv6 the whole datagram is dropped (RFC 5722). An overlap
//! long after the last fragment is another datagram under the same identification, and the old one
//! is given up. When a cap is reached the datagram that has waited longest is given up.

use core::hash::BuildHasher;
use std::collections::{BTreeMap, HashMap, VecDeque};

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

/// What tells a fragment from every other of its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print {
    offset: u32,
    len: usize,
    more: bool,
    content: u64,
}

/// What a fragment did to its datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Added { cost: usize },
    Overlapped,
}

#[derive(Debug)]
struct Datagram {
    /// Counts datagrams; the order in which they are given up.
    serial: u64,
    started: Timestamp,
    /// When its latest fragment came.
    latest: Timestamp,
    /// Its fragments so far.
    prints: Vec<Print>,
    /// Sorted by offset, never overlapping.
    pieces: Vec<Piece>,
    /// Known when the last fragment was seen.
    total_len: Option<usize>,
    /// Where to go on: from the first fragment, which alone names the protocol in IPv6.
    at: Option<Resume>,
    overlapping: bool,
    /// Dropped, and its fragments with it until it times out.
    dropped: bool,
}

/// Room a datagram takes beside its pieces.
const DATAGRAM_COST: usize = size_of::<Datagram>() + size_of::<Key>() * 2;

/// The datagrams that wait, and those that were last made whole.
#[derive(Debug, Default)]
pub(crate) struct FragmentTable {
    datagrams: HashMap<Key, Datagram, foldhash::fast::RandomState>,
    by_age: BTreeMap<u64, Key>,
    next_serial: u64,
    /// Prints of whole datagrams, the latest last: copies may come after the whole.
    finished: VecDeque<(Key, Vec<Print>)>,
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

    /// Hands out the buffer of [`Self::whole`], so that a datagram inside can be inserted.
    pub(crate) fn take_whole(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.whole)
    }

    /// Gives the buffer back.
    pub(crate) fn restore_whole(&mut self, whole: Vec<u8>) {
        self.whole = whole;
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
        let print = Print {
            offset: fragment.part.offset,
            len: fragment.data.len(),
            more: fragment.part.more,
            content: self.datagrams.hasher().hash_one(fragment.data),
        };
        if self.is_copy(key, print) {
            return Err(Refusal::FragmentCopy);
        }
        self.give_up_reused(key, &fragment, now, settings, counters);
        if !self.datagrams.contains_key(&key) {
            self.open(key, now);
        }
        let Some(datagram) = self.datagrams.get_mut(&key) else {
            return Err(Refusal::FragmentRefused);
        };
        if datagram.dropped || datagram.prints.len() >= settings.fragments_per_datagram_max {
            return Err(Refusal::FragmentRefused);
        }
        datagram.latest = now;
        let is_new_overlap = !datagram.overlapping;
        match datagram.add(fragment, print) {
            Effect::Added { cost } => self.retained_bytes += cost,
            Effect::Overlapped => {
                // RFC 5722: all of the datagram, what came and what will come.
                self.retained_bytes -= datagram.drop_pieces();
                counters.fragments_overlapping += 1;
                self.shrink(settings, counters);
                return Err(Refusal::FragmentRefused);
            }
        }
        counters.fragments_overlapping += u64::from(is_new_overlap && datagram.overlapping);
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
        self.finish(key, datagram.prints, settings);
        self.shrink(settings, counters);
        datagram.at.ok_or(Refusal::FragmentRefused)
    }

    /// Whether this very fragment came before.
    fn is_copy(&self, key: Key, print: Print) -> bool {
        let waits = self.datagrams.get(&key);
        let finished = self.finished.iter().rev().find(|(other, _)| *other == key);
        waits.is_some_and(|datagram| datagram.prints.contains(&print))
            || finished.is_some_and(|(_, prints)| prints.contains(&print))
    }

    /// Gives up a datagram when the fragment must be of another with the same identification.
    fn give_up_reused(
        &mut self,
        key: Key,
        fragment: &Fragment<'_>,
        now: Timestamp,
        settings: &DecapSettings,
        counters: &mut Counters,
    ) {
        let is_other = self.datagrams.get(&key).is_some_and(|datagram| {
            !datagram.dropped
                && now.nanos_since(datagram.latest) >= settings.fragment_reuse_nanos
                && datagram.contradicts(fragment)
        });
        if is_other {
            self.remove(key);
            counters.fragments_superseded += 1;
        }
    }

    /// Remembers the fragments of a whole datagram.
    fn finish(&mut self, key: Key, prints: Vec<Print>, settings: &DecapSettings) {
        self.retained_bytes += finished_cost(&prints);
        self.finished.push_back((key, prints));
        while self.finished.len() > settings.fragment_finished_max {
            self.forget_finished();
        }
    }

    fn forget_finished(&mut self) -> bool {
        let oldest = self.finished.pop_front();
        if let Some((_, prints)) = &oldest {
            self.retained_bytes = self.retained_bytes.saturating_sub(finished_cost(prints));
        }
        oldest.is_some()
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
                latest: now,
                prints: Vec::new(),
                pieces: Vec::new(),
                total_len: None,
                at: None,
                overlapping: false,
                dropped: false,
            },
        );
    }

    fn remove(&mut self, key: Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(&key)?;
        self.by_age.remove(&datagram.serial);
        let cost = datagram.cost() + DATAGRAM_COST;
        self.retained_bytes = self.retained_bytes.saturating_sub(cost);
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
            // What is only remembered goes before what still waits.
            if self.retained_bytes > settings.fragment_bytes_max && self.forget_finished() {
                continue;
            }
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

/// Room that a remembered datagram takes.
const fn finished_cost(prints: &Vec<Print>) -> usize {
    size_of::<(Key, Vec<Print>)>() + prints.capacity() * size_of::<Print>()
}

impl Datagram {
    /// Room it takes beside [`DATAGRAM_COST`].
    fn cost(&self) -> usize {
        let pieces: usize = self.pieces.iter().map(Piece::cost).sum();
        pieces + self.prints.capacity() * size_of::<Print>()
    }

    /// Forgets every byte; tells what they took.
    fn drop_pieces(&mut self) -> usize {
        let cost = self.cost();
        self.pieces = Vec::new();
        self.prints = Vec::new();
        self.dropped = true;
        cost
    }

    /// Whether a fragment claims another end, or bytes that are there already.
    fn contradicts(&self, fragment: &Fragment<'_>) -> bool {
        let start = fragment.part.offset as usize;
        let end = start + fragment.data.len();
        let other_end = !fragment.part.more && self.total_len.is_some_and(|total| total != end);
        let beyond = self.total_len.is_some_and(|total| end > total);
        let overlaps = |piece: &Piece| piece.offset < end && piece.end() > start;
        other_end || beyond || self.pieces.iter().any(overlaps)
    }

    /// Adds the bytes that no earlier fragment brought.
    fn add(&mut self, fragment: Fragment<'_>, print: Print) -> Effect {
        if self.contradicts(&fragment) {
            self.overlapping = true;
            if fragment.at.ip.source.is_ipv6() {
                return Effect::Overlapped;
            }
        }
        let before = self.cost();
        let start = fragment.part.offset as usize;
        let end = start + fragment.data.len();
        if !fragment.part.more {
            // The first claim of an end wins, as the first copy of a byte does.
            self.total_len.get_or_insert(end);
        }
        if start == 0 && self.at.is_none() {
            self.at = Some(fragment.at);
        }
        let mut at = start;
        let mut added = Vec::new();
        for piece in &self.pieces {
            if piece.end() <= at {
                continue;
            }
            if piece.offset >= end {
                break;
            }
            added.extend(cut(fragment.data, start, at, piece.offset));
            at = piece.end();
        }
        added.extend(cut(fragment.data, start, at, end));
        for piece in added {
            let place = self
                .pieces
                .partition_point(|other| other.offset < piece.offset);
            self.pieces.insert(place, piece);
        }
        self.prints.push(print);
        Effect::Added {
            cost: self.cost() - before,
        }
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
