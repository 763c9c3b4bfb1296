//! Reassembly of IP fragments against an oracle that keeps every byte on its own: the first copy of
//! a byte wins (of IPv6 an overlap drops the datagram), a datagram comes out exactly when all of it
//! was seen, an exact copy changes nothing, and caps hold.

use std::collections::HashMap;

use tapscope_decap::{DecapSettings, Decapsulator, LinkType, RawPacket, Timestamp};

use crate::input::Input;

/// Nanoseconds a datagram may wait in these laws.
const TIMEOUT_NANOS: u64 = 1_000_000_000;

/// Silence after which an overlap is another datagram.
const REUSE_NANOS: i64 = 200_000_000;

/// One fragment of an input.
#[derive(Clone, Debug, PartialEq)]
struct Part {
    is_v6: bool,
    identification: u16,
    /// In units of eight bytes.
    offset: u16,
    more: bool,
    data: Vec<u8>,
    nanos: i64,
}

/// Holds the laws of reassembly: an input is a list of fragments of a few datagrams.
pub fn fragments(data: &[u8]) {
    let parts = parts(data);
    agrees_with_the_oracle(&parts);
    stays_inside_the_caps(&parts);
}

fn parts(data: &[u8]) -> Vec<Part> {
    let mut input = Input(data);
    let mut parts = Vec::new();
    let mut nanos = 0;
    while !input.is_empty() && parts.len() < 256 {
        let head = input.byte();
        let fill = input.byte();
        let len = match input.below(40) {
            // The last fragment alone may have any length.
            odd @ 36.. => odd - 35,
            units => units * 8,
        };
        nanos += i64::from(head >> 5 & 1) * i64::from(input.byte()) * 10_000_000;
        let part = Part {
            is_v6: head & 8 != 0,
            identification: u16::from(head & 3),
            offset: u16::from(input.byte() & 0x3f),
            more: head & 0x10 != 0,
            // Every byte differs from its neighbours, and every fragment from the others.
            data: (0..len)
                .map(|at| (at as u8).wrapping_mul(7) ^ fill)
                .collect(),
            nanos,
        };
        parts.push(part);
    }
    parts
}

/// The fragment as an IP packet on TCP's number: the stage takes any payload.
fn packet(part: &Part) -> Vec<u8> {
    if part.is_v6 {
        return packet_v6(part);
    }
    let len = u16::try_from(part.data.len() + 20).unwrap_or(u16::MAX);
    let field = part.offset | if part.more { 0x2000 } else { 0 };
    let mut packet = vec![0x45, 0];
    packet.extend(len.to_be_bytes());
    packet.extend(part.identification.to_be_bytes());
    packet.extend(field.to_be_bytes());
    packet.extend([64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    packet.extend(&part.data);
    packet
}

fn packet_v6(part: &Part) -> Vec<u8> {
    let len = u16::try_from(part.data.len() + 8).unwrap_or(u16::MAX);
    let field = (part.offset * 8) | u16::from(part.more);
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(len.to_be_bytes());
    packet.extend([44, 64]);
    packet.extend([0x20; 32]);
    packet.extend([6, 0]);
    packet.extend(field.to_be_bytes());
    packet.extend(u32::from(part.identification).to_be_bytes());
    packet.extend(&part.data);
    packet
}

fn raw<'a>(part: &Part, data: &'a [u8]) -> RawPacket<'a> {
    RawPacket {
        timestamp: Timestamp::from_nanos(part.nanos),
        link_type: LinkType::RAW,
        interface: 0,
        wire_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
        data,
    }
}

type Key = (bool, u16);

/// A datagram as the oracle keeps it.
#[derive(Default)]
struct Datagram {
    started: i64,
    latest: i64,
    parts: Vec<Part>,
    bytes: HashMap<usize, u8>,
    total: Option<usize>,
    dropped: bool,
}

impl Part {
    fn range(&self) -> (usize, usize) {
        let start = usize::from(self.offset) * 8;
        (start, start + self.data.len())
    }
}

impl Datagram {
    fn contradicts(&self, part: &Part) -> bool {
        let (start, end) = part.range();
        let beyond = |total| end > total || (!part.more && end != total);
        (start..end).any(|at| self.bytes.contains_key(&at)) || self.total.is_some_and(beyond)
    }
}

/// What the oracle knows.
#[derive(Default)]
struct Oracle {
    waiting: HashMap<Key, Datagram>,
    finished: HashMap<Key, Vec<Part>>,
}

impl Oracle {
    /// Takes a fragment as the rules say; the datagram when it is whole.
    fn take(&mut self, part: &Part) -> Option<Vec<u8>> {
        let timeout = i64::try_from(TIMEOUT_NANOS).unwrap_or(i64::MAX);
        let waiting = &mut self.waiting;
        waiting.retain(|_, datagram| part.nanos - datagram.started < timeout);
        let uneven = part.more && !part.data.len().is_multiple_of(8);
        if part.data.is_empty() || uneven {
            return None;
        }
        let key = (part.is_v6, part.identification);
        let is_same = |other: &Part| {
            Part {
                nanos: part.nanos,
                ..other.clone()
            } == *part
        };
        let finished = self.finished.get(&key);
        if finished.is_some_and(|parts| parts.iter().any(is_same)) {
            return None;
        }
        if let Some(datagram) = waiting.get(&key) {
            if datagram.parts.iter().any(is_same) {
                return None;
            }
            let is_silent = part.nanos - datagram.latest >= REUSE_NANOS;
            if is_silent && !datagram.dropped && datagram.contradicts(part) {
                waiting.remove(&key);
            }
        }
        let datagram = waiting.entry(key).or_insert_with(|| Datagram {
            started: part.nanos,
            ..Datagram::default()
        });
        if datagram.dropped {
            return None;
        }
        datagram.latest = part.nanos;
        if part.is_v6 && datagram.contradicts(part) {
            *datagram = Datagram {
                started: datagram.started,
                dropped: true,
                ..Datagram::default()
            };
            return None;
        }
        datagram.parts.push(part.clone());
        let (start, end) = part.range();
        for (at, byte) in (start..).zip(&part.data) {
            datagram.bytes.entry(at).or_insert(*byte);
        }
        if !part.more {
            datagram.total.get_or_insert(end);
        }
        let total = datagram.total?;
        if datagram.bytes.len() != total {
            return None;
        }
        let whole: Option<Vec<u8>> = (0..total)
            .map(|at| datagram.bytes.get(&at).copied())
            .collect();
        if whole.is_some() {
            let datagram = waiting.remove(&key);
            self.finished
                .insert(key, datagram.map(|it| it.parts).unwrap_or_default());
        }
        whole
    }
}

fn agrees_with_the_oracle(parts: &[Part]) {
    let settings = DecapSettings {
        fragment_timeout_nanos: TIMEOUT_NANOS,
        fragment_bytes_max: usize::MAX,
        fragment_datagrams_max: usize::MAX,
        fragments_per_datagram_max: usize::MAX,
        fragment_finished_max: usize::MAX,
        fragment_reuse_nanos: REUSE_NANOS.cast_unsigned(),
        ..DecapSettings::default()
    };
    let mut decapsulator = Decapsulator::new(settings);
    let mut oracle = Oracle::default();
    let mut reassembled = 0;
    for part in parts {
        // A whole packet is no fragment.
        if part.offset == 0 && !part.more {
            continue;
        }
        let data = packet(part);
        let segment = decapsulator.handle_packet(raw(part, &data));
        let payload = segment.map(|segment| segment.payload.to_vec());
        let whole = oracle.take(part);
        if let Some(whole) = &whole {
            reassembled += 1;
            // A TCP header that makes sense comes out as a segment; its payload is the rest.
            let header_len = whole.get(12).map_or(0, |byte| usize::from(byte >> 4) * 4);
            let expected = (whole.len() >= 20 && (20..=whole.len()).contains(&header_len))
                .then(|| whole[header_len..].to_vec());
            assert_eq!(payload, expected);
        } else {
            assert_eq!(payload, None);
        }
        let counted = decapsulator.counters();
        let counted = counted
            .iter()
            .find(|counter| counter.name == "decap_datagrams_reassembled_total");
        assert_eq!(counted.map(|counter| counter.value), Some(reassembled));
    }
}

fn stays_inside_the_caps(parts: &[Part]) {
    let settings = DecapSettings {
        fragment_bytes_max: 2_000,
        fragment_datagrams_max: 2,
        fragments_per_datagram_max: 8,
        ..DecapSettings::default()
    };
    let cap = settings.fragment_bytes_max;
    let mut decapsulator = Decapsulator::new(settings);
    for part in parts {
        let data = packet(part);
        decapsulator.handle_packet(raw(part, &data));
        assert!(decapsulator.retained_bytes() <= cap);
    }
}
