//! Decapsulation: nothing vanishes, nothing is made up, the budget holds, and another VLAN tag
//! around a frame changes nothing but the peeled stack.

use tapscope_decap::{
    DecapSettings, Decapsulator, Encapsulation, Layer, LinkType, RawPacket, Segment, Timestamp,
};

use crate::input::Input;

/// Link types the stage knows, and some that it does not.
const LINK_TYPES: [u32; 24] = [
    1, 1, 1, 101, 0, 9, 12, 14, 50, 51, 104, 105, 107, 108, 113, 119, 127, 163, 192, 228, 229, 239,
    276, 147,
];

/// Few, so that an input can reach the cap.
const FRAGMENT_BYTES_MAX: usize = 20_000;

/// One packet of an input.
struct Packet<'a> {
    raw: RawPacket<'a>,
    /// Whether the capture had all of it.
    whole: bool,
}

/// What a segment says, for comparison between two decapsulators.
type Said = (String, Vec<u8>, u32, Encapsulation);

/// Holds the laws of decapsulation: an input is up to 64 packets, each of a link type, a step of
/// time, a number of bytes that were cut off, a length and as many bytes.
pub fn decap(data: &[u8]) {
    let packets = packets(data);
    let first = run(&packets);
    assert_eq!(first, run(&packets), "the same packets twice");
    for packet in &packets {
        retagging(packet);
    }
}

fn packets(data: &[u8]) -> Vec<Packet<'_>> {
    let mut input = Input(data);
    let mut packets = Vec::new();
    let mut nanos = 0_i64;
    while !input.is_empty() && packets.len() < 64 {
        let link_type = LinkType(input.choose(&LINK_TYPES));
        nanos += match input.byte() {
            // Backwards, as feeds merged from several clocks do.
            0xff => -1_000_000,
            step => i64::from(step) * i64::from(step) * 1_000_000,
        };
        let cut = u32::from(input.byte().saturating_sub(0xf0)) * 100;
        let len = usize::from(input.word());
        let data = input.slice(len);
        let raw = RawPacket {
            timestamp: Timestamp::from_nanos(nanos),
            link_type,
            interface: 0,
            wire_len: u32::try_from(data.len()).unwrap_or(u32::MAX) + cut,
            data,
        };
        packets.push(Packet {
            raw,
            whole: cut == 0,
        });
    }
    packets
}

fn settings() -> DecapSettings {
    DecapSettings {
        fragment_bytes_max: FRAGMENT_BYTES_MAX,
        ..DecapSettings::default()
    }
}

/// Peels the packets and holds the laws of each step; what was said of each.
fn run(packets: &[Packet<'_>]) -> Vec<Option<Said>> {
    let settings = settings();
    let layers_max = usize::from(settings.layers_max);
    let mut decapsulator = Decapsulator::new(settings);
    let mut said = Vec::new();
    for packet in packets {
        let segment = decapsulator.handle_packet(packet.raw);
        if let Some(segment) = &segment {
            within(segment, &packet.raw);
            // A step of the walk peels at most two layers with a name (GRE and ERSPAN).
            let layers = segment.encapsulation.0.len();
            assert!(layers <= 2 * layers_max, "{layers} layers");
        }
        said.push(segment.as_ref().map(describe));
        assert!(decapsulator.retained_bytes() <= FRAGMENT_BYTES_MAX);
    }
    adds_up(&decapsulator, packets.len());
    said
}

fn describe(segment: &Segment<'_>) -> Said {
    let facts = format!(
        "{} {} {} {:?} {:?} {:?} {} {} {} {:?} {}",
        segment.timestamp,
        segment.source,
        segment.destination,
        segment.seq,
        segment.ack,
        segment.flags,
        segment.window,
        segment.ip_id,
        segment.urgent_pointer,
        segment.sender_clock,
        segment.hop_limit
    );
    (
        facts,
        segment.payload.to_vec(),
        segment.payload_len,
        segment.encapsulation.clone(),
    )
}

/// The payload is a part of the packet, or of a datagram that this packet completed.
fn within(segment: &Segment<'_>, packet: &RawPacket<'_>) {
    assert!(segment.payload.len() <= segment.payload_len as usize);
    if segment.payload.is_empty() {
        return;
    }
    let (all, part) = (packet.data.as_ptr_range(), segment.payload.as_ptr_range());
    let inside = all.start <= part.start && part.end <= all.end;
    assert!(inside || segment.payload.len() <= 65_535 - 20);
}

/// Packets in = segments out + every named reason.
fn adds_up(decapsulator: &Decapsulator, packets: usize) {
    let counters = decapsulator.counters();
    let sum = |name: &str| -> u64 {
        let named = counters.iter().filter(|counter| counter.name == name);
        named.map(|counter| counter.value).sum()
    };
    let received = sum("decap_packets_received_total");
    assert_eq!(received, u64::try_from(packets).expect("a small number"));
    assert_eq!(
        received,
        sum("decap_segments_delivered_total") + sum("decap_packets_refused_total"),
        "{counters:?}"
    );
}

/// One more VLAN tag: the same segment, and the tag in front of the stack.
fn retagging(packet: &Packet<'_>) {
    let Some((addresses, rest)) = packet.raw.data.split_at_checked(12) else {
        return;
    };
    if packet.raw.link_type != LinkType::ETHERNET || !packet.whole {
        return;
    }
    // One layer more needs one more of the budget.
    let settings = |layers_max| DecapSettings {
        layers_max,
        ..settings()
    };
    let tagged = [addresses, &[0x81, 0, 0x0f, 0xa1], rest].concat();
    let tagged = RawPacket {
        wire_len: packet.raw.wire_len + 4,
        data: &tagged,
        ..packet.raw
    };
    let mut plain = Decapsulator::new(settings(24));
    let mut other = Decapsulator::new(settings(25));
    let plain = plain.handle_packet(packet.raw).as_ref().map(describe);
    let retagged = other.handle_packet(tagged).as_ref().map(describe);
    let expected = plain.map(|(facts, payload, len, mut stack)| {
        stack.0.insert(0, Layer::Vlan(0xfa1));
        (facts, payload, len, stack)
    });
    assert_eq!(expected, retagged);
}
