//! Connections of which nothing but a handshake was seen, or a part of one: tens of bytes each.
//!
//! A scan or a SYN flood makes millions of them, so they have a table and a cap of their own: it
//! cannot push out a connection that carries data. What a handshake usually consists of is taken
//! in here; with anything else, data above all, the entry becomes a full connection that knows
//! what the handshake told.

use core::hash::BuildHasher;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use foldhash::fast::RandomState;
use tapscope_decap::{Encapsulation, Segment, SeqNumber, TcpFlags, Timestamp};

use crate::connection::Phase;
use crate::counters::Counters;
use crate::feed::Directions;
use crate::key::FlowKey;
use crate::slab::Slab;
use crate::{CloseReason, FeedIndex, FlowSettings, Side};

const NONE: u32 = u32::MAX;

/// The phases that an entry can be in, least useful first; each has its queue.
const PHASES: [Phase; 3] = [Phase::HalfOpen, Phase::Reset, Phase::Empty];

/// What an entry costs: itself, and its share of the index, which is at most half empty.
const COST: usize = size_of::<Option<Handshake>>() + 2 * size_of::<u32>();

/// The two ends of a key, small where they usually are.
#[derive(Debug)]
enum Ends {
    V4([u32; 2], [u16; 2]),
    V6(Box<([u128; 2], [u16; 2])>),
}

impl Ends {
    fn of(key: &FlowKey) -> Self {
        let (low, high) = key.ends();
        let ports = [low.port(), high.port()];
        match (low.ip(), high.ip()) {
            (IpAddr::V4(low), IpAddr::V4(high)) => Self::V4([low.to_bits(), high.to_bits()], ports),
            (low, high) => Self::V6(Box::new(([bits(low), bits(high)], ports))),
        }
    }

    fn key(&self) -> FlowKey {
        let ([low, high], [low_port, high_port]) = match self {
            Self::V4(ips, ports) => (ips.map(|ip| IpAddr::V4(Ipv4Addr::from_bits(ip))), *ports),
            Self::V6(ends) => (ends.0.map(|ip| IpAddr::V6(Ipv6Addr::from_bits(ip))), ends.1),
        };
        FlowKey::between(
            SocketAddr::new(low, low_port),
            SocketAddr::new(high, high_port),
        )
    }

    fn is(&self, key: &FlowKey) -> bool {
        let (low, high) = key.ends();
        match (self, low.ip(), high.ip()) {
            (Self::V4(ips, ports), IpAddr::V4(low_ip), IpAddr::V4(high_ip)) => {
                *ips == [low_ip.to_bits(), high_ip.to_bits()] && *ports == [low.port(), high.port()]
            }
            (Self::V6(ends), low_ip, high_ip) => {
                ends.0 == [bits(low_ip), bits(high_ip)] && ends.1 == [low.port(), high.port()]
            }
            (Self::V4(..), ..) => false,
        }
    }

    const fn heap(&self) -> usize {
        match self {
            Self::V4(..) => 0,
            Self::V6(_) => size_of::<([u128; 2], [u16; 2])>(),
        }
    }
}

/// Both ends of a packet are of one family, so that these never mean two things.
const fn bits(ip: IpAddr) -> u128 {
    match ip {
        IpAddr::V4(ip) => ip.to_bits() as u128,
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// What is told by one bit of [`Handshake::facts`].
mod fact {
    pub(super) const A_IS_LOW: u8 = 1;
    /// The start of that side's stream is known.
    pub(super) const A_KNOWN: u8 = 2;
    pub(super) const B_KNOWN: u8 = 4;
    /// A packet of that side came by its feed.
    pub(super) const A_CAME: u8 = 8;
    pub(super) const B_CAME: u8 = 16;
    /// Something other than a SYN was seen.
    pub(super) const ESTABLISHED: u8 = 32;
    pub(super) const RESET_BY_A: u8 = 64;
    pub(super) const RESET_BY_B: u8 = 128;
}

/// One entry. Side A sent the SYN, or was answered by the SYN-ACK.
#[derive(Debug)]
pub(crate) struct Handshake {
    ends: Ends,
    encapsulation: Option<Box<Encapsulation>>,
    name: u64,
    last_seen: Timestamp,
    /// The next entry with the same hash.
    chain: u32,
    previous: u32,
    next: u32,
    starts: [SeqNumber; 2],
    reset: SeqNumber,
    feeds: [FeedIndex; 2],
    facts: u8,
}

impl Handshake {
    const fn has(&self, fact: u8) -> bool {
        self.facts & fact == fact
    }

    const fn phase(&self) -> Phase {
        if self.facts & (fact::RESET_BY_A | fact::RESET_BY_B) != 0 {
            Phase::Reset
        } else if self.has(fact::ESTABLISHED) {
            Phase::Empty
        } else {
            Phase::HalfOpen
        }
    }

    const fn side_of(&self, sender_is_low: bool) -> Side {
        if self.has(fact::A_IS_LOW) == sender_is_low {
            Side::A
        } else {
            Side::B
        }
    }

    /// Where that side's stream starts, when that is known.
    pub(crate) const fn start(&self, side: Side) -> Option<SeqNumber> {
        let [a, b] = self.starts;
        match side {
            Side::A if self.has(fact::A_KNOWN) => Some(a),
            Side::B if self.has(fact::B_KNOWN) => Some(b),
            Side::A | Side::B => None,
        }
    }

    const fn set_start(&mut self, side: Side, seq: SeqNumber) {
        let [a, b] = &mut self.starts;
        match side {
            Side::A => {
                *a = seq;
                self.facts |= fact::A_KNOWN;
            }
            Side::B => {
                *b = seq;
                self.facts |= fact::B_KNOWN;
            }
        }
    }

    const fn note(&mut self, side: Side, feed: FeedIndex) {
        let [a, b] = &mut self.feeds;
        match side {
            Side::A => {
                *a = feed;
                self.facts |= fact::A_CAME;
            }
            Side::B => {
                *b = feed;
                self.facts |= fact::B_CAME;
            }
        }
    }

    pub(crate) const fn feeds(&self) -> Directions {
        let [a, b] = self.feeds;
        let mut feeds = Directions { a: None, b: None };
        if self.has(fact::A_CAME) {
            feeds.a = Some(a);
        }
        if self.has(fact::B_CAME) {
            feeds.b = Some(b);
        }
        feeds
    }

    pub(crate) fn key(&self) -> FlowKey {
        self.ends.key()
    }

    pub(crate) const fn name(&self) -> u64 {
        self.name
    }

    pub(crate) const fn a_is_low(&self) -> bool {
        self.has(fact::A_IS_LOW)
    }

    pub(crate) const fn is_established(&self) -> bool {
        self.has(fact::ESTABLISHED)
    }

    pub(crate) const fn last_seen(&self) -> Timestamp {
        self.last_seen
    }

    /// The side that sent RST, and its sequence number.
    pub(crate) const fn reset(&self) -> Option<(Side, SeqNumber)> {
        if self.has(fact::RESET_BY_A) {
            Some((Side::A, self.reset))
        } else if self.has(fact::RESET_BY_B) {
            Some((Side::B, self.reset))
        } else {
            None
        }
    }

    pub(crate) fn take_encapsulation(&mut self) -> Encapsulation {
        self.encapsulation
            .take()
            .map_or_else(Encapsulation::default, |layers| *layers)
    }

    /// Bytes it takes.
    fn cost(&self) -> usize {
        let layers = self
            .encapsulation
            .as_ref()
            .map_or(0, |_| size_of::<Encapsulation>());
        COST + self.ends.heap() + layers
    }

    /// Takes a segment that says what handshakes say; tells whether it is one.
    fn take(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
        counters: &mut Counters,
    ) -> bool {
        let flags = segment.flags;
        if segment.payload_len > 0 || flags.has(TcpFlags::FIN) {
            return false;
        }
        if flags.has(TcpFlags::RST) {
            self.take_reset(side, segment, settings, counters);
            return true;
        }
        let answers = flags.has(TcpFlags::ACK);
        if flags.has(TcpFlags::SYN) {
            let repeats = self.start(side) == Some(segment.seq.advance(1));
            if self.is_established() || self.phase() == Phase::Reset {
                counters.syn_retransmitted += u64::from(repeats);
                return repeats;
            }
            // Another attempt may have other numbers, and the answer tells which counts.
            counters.syn_retransmitted += u64::from(self.start(side).is_some());
            self.set_start(side, segment.seq.advance(1));
            if answers {
                self.set_start(side.other(), segment.ack);
            }
            return true;
        }
        let awaited = self.start(side.other());
        if !answers
            || self.phase() == Phase::Reset
            || self.start(side) != Some(segment.seq)
            || awaited.is_some_and(|start| start != segment.ack)
        {
            return false;
        }
        self.set_start(side.other(), segment.ack);
        self.facts |= fact::ESTABLISHED;
        true
    }

    /// The rule is [`crate::connection::Connection::believes_reset`]'s, for streams without data.
    fn take_reset(
        &mut self,
        side: Side,
        segment: &Segment<'_>,
        settings: &FlowSettings,
        counters: &mut Counters,
    ) {
        let near = |seq: SeqNumber, start: SeqNumber| {
            u64::from(seq.distance_from(start).unsigned_abs()) <= settings.stray_distance
        };
        let is_believed = match (self.start(side), self.start(side.other())) {
            (Some(start), _) => near(segment.seq, start),
            (None, Some(other)) if segment.flags.has(TcpFlags::ACK) => near(segment.ack, other),
            (None, _) => true,
        };
        if !is_believed {
            counters.implausible_reset += 1;
        } else if self.phase() != Phase::Reset {
            self.reset = segment.seq;
            self.facts |= match side {
                Side::A => fact::RESET_BY_A,
                Side::B => fact::RESET_BY_B,
            };
        }
    }
}

/// A segment, and what the table knows of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arrival<'a> {
    pub(crate) key: FlowKey,
    pub(crate) sender_is_low: bool,
    pub(crate) segment: &'a Segment<'a>,
    pub(crate) feed: FeedIndex,
}

/// What became of a segment.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// No handshake is known on these addresses and ports.
    Unknown,
    /// It was the handshake's.
    Taken,
    /// It says more than handshakes do: what was known so far is for a full connection.
    Promoted(Handshake),
}

#[derive(Clone, Copy, Debug)]
struct Queue {
    head: u32,
    tail: u32,
}

/// The table. All its keys are of the network that has no number.
#[derive(Debug)]
pub(crate) struct Handshakes {
    places: Slab<Handshake>,
    /// First entry by hash; a power of two of them.
    buckets: Vec<u32>,
    hasher: RandomState,
    /// By phase, longest silent first.
    queues: [Queue; PHASES.len()],
    cost: usize,
}

impl Handshakes {
    pub(crate) fn new() -> Self {
        let empty = Queue {
            head: NONE,
            tail: NONE,
        };
        Self {
            places: Slab::new(),
            buckets: Vec::new(),
            hasher: RandomState::default(),
            queues: [empty; PHASES.len()],
            cost: 0,
        }
    }

    /// Bytes that its entries take.
    pub(crate) const fn cost(&self) -> usize {
        self.cost
    }

    /// Takes a segment, when a handshake is known on its addresses and ports.
    pub(crate) fn handle_segment(
        &mut self,
        arrival: Arrival<'_>,
        settings: &FlowSettings,
        counters: &mut Counters,
    ) -> Outcome {
        let Arrival {
            key,
            sender_is_low,
            segment,
            feed,
        } = arrival;
        let Some(slot) = self.find(&key).filter(|_| key.network == 0) else {
            return Outcome::Unknown;
        };
        let Some(entry) = self.places.get_mut(slot) else {
            return Outcome::Unknown;
        };
        let phase = entry.phase();
        if segment.timestamp.nanos_since(entry.last_seen) >= phase.timeout_nanos(settings) {
            self.remove(slot);
            counters.close(close_reason(phase));
            return Outcome::Unknown;
        }
        let side = entry.side_of(sender_is_low);
        if !entry.take(side, segment, settings, counters) {
            let entry = self.remove(slot);
            if phase == Phase::Reset && is_bare_syn(segment) {
                // It must not take a connection's place just to be told over.
                counters.close(CloseReason::Reused);
                return Outcome::Unknown;
            }
            return entry.map_or(Outcome::Unknown, Outcome::Promoted);
        }
        entry.note(side, feed);
        entry.last_seen = entry.last_seen.max(segment.timestamp);
        let after = entry.phase();
        self.unlink(slot, phase);
        self.push_back(slot, after);
        Outcome::Taken
    }

    /// A SYN without data, or the answer to one, on addresses and ports that are not known.
    pub(crate) fn begin(
        &mut self,
        arrival: Arrival<'_>,
        settings: &FlowSettings,
        counters: &mut Counters,
    ) {
        let Arrival {
            key,
            sender_is_low,
            segment,
            feed,
        } = arrival;
        let answers = segment.flags.has(TcpFlags::ACK);
        let layers = &segment.encapsulation;
        let mut entry = Handshake {
            ends: Ends::of(&key),
            encapsulation: (!layers.is_empty()).then(|| Box::new(layers.clone())),
            name: key.name_of(segment),
            last_seen: segment.timestamp,
            chain: NONE,
            previous: NONE,
            next: NONE,
            starts: [SeqNumber::default(); 2],
            reset: SeqNumber::default(),
            feeds: [feed; 2],
            facts: 0,
        };
        // An answer comes from side B.
        if sender_is_low != answers {
            entry.facts |= fact::A_IS_LOW;
        }
        let side = entry.side_of(sender_is_low);
        entry.take(side, segment, settings, counters);
        entry.note(side, feed);
        let cost = entry.cost();
        self.make_room(cost, settings.half_open_bytes_max, counters);
        self.insert(&key, entry);
    }

    /// Closes what was silent for its time.
    pub(crate) fn expire(
        &mut self,
        now: Timestamp,
        settings: &FlowSettings,
        counters: &mut Counters,
    ) {
        for phase in PHASES {
            let timeout = phase.timeout_nanos(settings);
            while let Some((slot, last_seen)) = self.front(phase) {
                if now.nanos_since(last_seen) < timeout {
                    break;
                }
                self.remove(slot);
                counters.close(close_reason(phase));
            }
        }
    }

    /// Closes everything.
    pub(crate) fn flush(&mut self, counters: &mut Counters) {
        for phase in PHASES {
            while let Some((slot, _)) = self.front(phase) {
                self.remove(slot);
                counters.close(CloseReason::Flushed);
            }
        }
    }

    /// Lets go of the least useful ones until `bytes` more fit under the cap.
    fn make_room(&mut self, bytes: usize, cap: usize, counters: &mut Counters) {
        while self.cost + bytes > cap.max(bytes) {
            let victim = PHASES.iter().find_map(|phase| self.front(*phase));
            let Some((slot, _)) = victim else { return };
            self.remove(slot);
            counters.half_open_evicted += 1;
        }
    }

    fn insert(&mut self, key: &FlowKey, mut entry: Handshake) {
        if self.places.len() >= self.buckets.len() {
            self.grow();
        }
        self.cost += entry.cost();
        let phase = entry.phase();
        let bucket = self.bucket(key);
        let first = self.buckets.get_mut(bucket);
        entry.chain = first.as_deref().copied().unwrap_or(NONE);
        let slot = self.places.insert(entry);
        if let Some(first) = first {
            *first = slot;
        }
        self.push_back(slot, phase);
    }

    /// Doubles the index.
    fn grow(&mut self) {
        let len = (self.buckets.len() * 2).max(64);
        self.buckets.clear();
        self.buckets.resize(len, NONE);
        for slot in 0..self.places.end() {
            let Some(key) = self.places.get(slot).map(Handshake::key) else {
                continue;
            };
            let bucket = self.bucket(&key);
            if let (Some(first), Some(entry)) =
                (self.buckets.get_mut(bucket), self.places.get_mut(slot))
            {
                entry.chain = core::mem::replace(first, slot);
            }
        }
    }

    fn bucket(&self, key: &FlowKey) -> usize {
        let mask = self.buckets.len().saturating_sub(1) as u64;
        usize::try_from(self.hasher.hash_one(key) & mask).unwrap_or(0)
    }

    fn find(&self, key: &FlowKey) -> Option<u32> {
        if self.places.len() == 0 {
            return None;
        }
        let mut slot = *self.buckets.get(self.bucket(key))?;
        while let Some(entry) = self.places.get(slot) {
            if entry.ends.is(key) {
                return Some(slot);
            }
            slot = entry.chain;
        }
        None
    }

    fn remove(&mut self, slot: u32) -> Option<Handshake> {
        let entry = self.places.get(slot)?;
        let (phase, chain) = (entry.phase(), entry.chain);
        let bucket = self.bucket(&entry.key());
        self.unlink(slot, phase);
        let first = self.buckets.get_mut(bucket)?;
        if *first == slot {
            *first = chain;
        } else {
            let mut at = *first;
            while let Some(entry) = self.places.get_mut(at) {
                if entry.chain == slot {
                    entry.chain = chain;
                    break;
                }
                at = entry.chain;
            }
        }
        let entry = self.places.take(slot)?;
        self.cost = self.cost.saturating_sub(entry.cost());
        Some(entry)
    }

    fn front(&self, phase: Phase) -> Option<(u32, Timestamp)> {
        let head = self.queues.get(queue_of(phase))?.head;
        self.places.get(head).map(|entry| (head, entry.last_seen))
    }

    fn push_back(&mut self, slot: u32, phase: Phase) {
        let Some(queue) = self.queues.get_mut(queue_of(phase)) else {
            return;
        };
        let previous = core::mem::replace(&mut queue.tail, slot);
        if previous == NONE {
            queue.head = slot;
        } else if let Some(entry) = self.places.get_mut(previous) {
            entry.next = slot;
        }
        if let Some(entry) = self.places.get_mut(slot) {
            entry.previous = previous;
            entry.next = NONE;
        }
    }

    fn unlink(&mut self, slot: u32, phase: Phase) {
        let Some((previous, next)) = self.places.get(slot).map(|e| (e.previous, e.next)) else {
            return;
        };
        let Some(queue) = self.queues.get_mut(queue_of(phase)) else {
            return;
        };
        if queue.head == slot {
            queue.head = next;
        }
        if queue.tail == slot {
            queue.tail = previous;
        }
        if let Some(entry) = self.places.get_mut(previous) {
            entry.next = next;
        }
        if let Some(entry) = self.places.get_mut(next) {
            entry.previous = previous;
        }
    }
}

/// Whether all that a segment says is that a connection is to begin.
pub(crate) const fn is_bare_syn(segment: &Segment<'_>) -> bool {
    let flags = segment.flags;
    let ends = flags.has(TcpFlags::FIN) || flags.has(TcpFlags::RST);
    flags.has(TcpFlags::SYN) && segment.payload_len == 0 && !ends
}

const fn queue_of(phase: Phase) -> usize {
    match phase {
        Phase::Reset => 1,
        Phase::Empty => 2,
        Phase::HalfOpen | Phase::Ended | Phase::OneSided | Phase::Open => 0,
    }
}

fn close_reason(phase: Phase) -> CloseReason {
    match phase {
        Phase::Reset | Phase::Ended => CloseReason::Finished,
        Phase::HalfOpen | Phase::Empty | Phase::OneSided | Phase::Open => CloseReason::Idle,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_costs_tens_of_bytes() {
        assert!(
            size_of::<Option<Handshake>>() <= 80,
            "{}",
            size_of::<Option<Handshake>>()
        );
        const { assert!(COST <= 88) }
    }
}
