//! Laws the stage keeps whatever the bytes.

use proptest::collection::vec;
use proptest::prelude::*;
use tapscope_decap::{DecapSettings, Decapsulator, LinkType, RawPacket};

use crate::headers::{count, ethernet, ipv4, packet, refusals, tag, tcp};

const LINK_TYPES: [u32; 18] = [
    0,
    1,
    9,
    12,
    14,
    50,
    51,
    101,
    104,
    108,
    113,
    127,
    147,
    228,
    229,
    239,
    276,
    u32::MAX,
];

/// Packets in = segments out + refused by reason.
fn adds_up(decapsulator: &Decapsulator) -> bool {
    let refused: u64 = refusals(decapsulator).iter().map(|(_, value)| value).sum();
    let segments = count(decapsulator, "decap_segments_delivered_total");
    count(decapsulator, "decap_packets_received_total") == segments + refused
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn arbitrary_bytes_are_segments_or_counted(
        packets in vec((0usize..18, vec(any::<u8>(), 0..120), 0u32..300), 1..10),
        // Steers arbitrary bytes past the first check of a layer.
        starts in vec(0usize..12, 1..10),
    ) {
        let starters: [&[u8]; 12] = [
            &[], &[0x45], &[0x60], &[0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6], &[2, 0, 0, 0, 0x45],
            &[2; 12], &[2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 8, 0, 0x45],
            &[2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 0x88, 0x47],
            &[2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 80, 44],
            &[0x45, 0, 0, 0, 0, 0, 0x20, 0, 64, 17], &[0x45, 0, 0, 0, 0, 0, 0, 0, 64, 47],
            &[2, 2, 2, 2, 2, 2, 4, 4, 4, 4, 4, 4, 0x81, 0, 0, 1],
        ];
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        for (at, (link, bytes, beyond)) in packets.iter().enumerate() {
            let data = [starters[starts[at % starts.len()]], bytes].concat();
            let whole = packet(LinkType(LINK_TYPES[*link]), &data);
            let wire_len = whole.wire_len + beyond;
            if let Some(segment) = decapsulator.handle_packet(RawPacket { wire_len, ..whole }) {
                prop_assert!(segment.payload.len() <= segment.payload_len as usize);
            }
        }
        prop_assert!(adds_up(&decapsulator));
    }

    #[test]
    fn a_damaged_packet_is_a_segment_or_counted(
        at in 0usize..90,
        with in any::<u8>(),
        cut in 0usize..100,
        payload in vec(any::<u8>(), 0..40),
    ) {
        let mut data = ethernet(0x8100, &tag(5, 0x0800, &ipv4(6, &tcp(&payload))));
        if let Some(byte) = data.get_mut(at) {
            *byte = with;
        }
        let whole = packet(LinkType::ETHERNET, &data);
        let kept = data.len().saturating_sub(cut);
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        decapsulator.handle_packet(RawPacket { data: &data[..kept], ..whole });
        prop_assert!(adds_up(&decapsulator));
    }

    /// The fast path and the walk must agree. LLC/SNAP takes the walk for the same IP packet.
    #[test]
    fn the_fast_path_agrees_with_the_walk(
        at in 0usize..60,
        with in any::<u8>(),
        padding in 0usize..8,
        payload in vec(any::<u8>(), 0..20),
    ) {
        let mut inner = ipv4(6, &tcp(&payload));
        if let Some(byte) = inner.get_mut(at) {
            *byte = with;
        }
        inner.extend(std::iter::repeat_n(0, padding));
        let snap = [&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0][..], &inner].concat();
        let frames = [ethernet(0x0800, &inner), ethernet(60, &snap)];
        let seen = frames.map(|data| {
            let mut decapsulator = Decapsulator::new(DecapSettings::default());
            let segment = decapsulator.handle_packet(packet(LinkType::ETHERNET, &data));
            (segment.map(|segment| format!("{segment:?}")), refusals(&decapsulator))
        });
        prop_assert_eq!(&seen[0], &seen[1]);
    }
}
