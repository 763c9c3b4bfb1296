//! Reassembly of IP fragments against an oracle that keeps every byte on its own: the first copy of
//! a byte wins, a datagram comes out exactly when all of it was seen, and caps hold.

use std::collections::HashMap;

use tapscope_decap::{DecapSettings, Decapsulator, LinkType, RawPacket, Timestamp};

use crate::input::Input;

/// Nanoseconds a datagram may wait in these laws.
const TIMEOUT_NANOS: u64 = 1_000_000_000;

/// One fragment of an input.
#[derive(Clone, Debug)]
struct Part {
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

/// The fragment as an IPv4 packet of UDP on TCP's number: the stage takes any payload.
fn packet(part: &Part) -> Vec<u8> {
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

fn raw<'a>(part: &Part, data: &'a [u8]) -> RawPacket<'a> {
    RawPacket {
        timestamp: Timestamp::from_nanos(part.nanos),
        link_type: LinkType::RAW,
        interface: 0,
        wire_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
        data,
    }
}

/// A datagram as the oracle keeps it.
#[derive(Default)]
struct Datagram {
    started: i64,
    bytes: HashMap<usize, u8>,
    total: Option<usize>,
}

/// Takes a fragment as the rules say; the datagram when it is whole.
fn oracle(waiting: &mut HashMap<u16, Datagram>, part: &Part) -> Option<Vec<u8>> {
    let timeout = i64::try_from(TIMEOUT_NANOS).unwrap_or(i64::MAX);
    waiting.retain(|_, datagram| part.nanos - datagram.started < timeout);
    let uneven = part.more && !part.data.len().is_multiple_of(8);
    if part.data.is_empty() || uneven {
        return None;
    }
    let datagram = waiting.entry(part.identification).or_insert(Datagram {
        started: part.nanos,
        ..Datagram::default()
    });
    let start = usize::from(part.offset) * 8;
    for (at, byte) in part.data.iter().enumerate() {
        datagram.bytes.entry(start + at).or_insert(*byte);
    }
    if !part.more {
        datagram.total.get_or_insert(start + part.data.len());
    }
    let total = datagram.total?;
    if datagram.bytes.len() != total {
        return None;
    }
    let whole: Option<Vec<u8>> = (0..total)
        .map(|at| datagram.bytes.get(&at).copied())
        .collect();
    if whole.is_some() {
        waiting.remove(&part.identification);
    }
    whole
}

fn agrees_with_the_oracle(parts: &[Part]) {
    let settings = DecapSettings {
        fragment_timeout_nanos: TIMEOUT_NANOS,
        fragment_bytes_max: usize::MAX,
        fragment_datagrams_max: usize::MAX,
        fragments_per_datagram_max: usize::MAX,
        ..DecapSettings::default()
    };
    let mut decapsulator = Decapsulator::new(settings);
    let mut waiting = HashMap::new();
    let mut reassembled = 0;
    for part in parts {
        // A whole packet is no fragment.
        if part.offset == 0 && !part.more {
            continue;
        }
        let data = packet(part);
        let segment = decapsulator.handle_packet(raw(part, &data));
        let payload = segment.map(|segment| segment.payload.to_vec());
        let whole = oracle(&mut waiting, part);
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
    if waiting.is_empty() {
        assert_eq!(decapsulator.retained_bytes(), 0);
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
