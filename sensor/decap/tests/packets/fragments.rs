//! IP datagrams that arrive in pieces.

use tapscope_decap::{DecapSettings, Decapsulator, LinkType, RawPacket, Timestamp};

use crate::headers::{count, ipv4, ipv4_part, ipv6_part, packet, refusals, tcp, udp};

/// Feeds raw IP packets; the payload of the segment that came of the last one.
fn feed(decapsulator: &mut Decapsulator, packets: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut last = None;
    for data in packets {
        let segment = decapsulator.handle_packet(packet(LinkType::RAW, data));
        last = segment.map(|segment| segment.payload.to_vec());
    }
    last
}

fn segment() -> Vec<u8> {
    tcp(b"0123456789abcdefghijklmnopqrstuvwxyz")
}

fn parts() -> Vec<Vec<u8>> {
    let data = segment();
    vec![
        ipv4_part(6, 9, 0, true, &data[..16]),
        ipv4_part(6, 9, 16, true, &data[16..40]),
        ipv4_part(6, 9, 40, false, &data[40..]),
    ]
}

#[test]
fn any_order_makes_the_datagram_whole() {
    let orders = [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ];
    for order in orders {
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        let packets: Vec<_> = order.iter().map(|at| parts()[*at].clone()).collect();
        let payload = feed(&mut decapsulator, &packets);
        assert_eq!(payload.as_deref(), Some(&segment()[20..]), "{order:?}");
        assert_eq!(
            refusals(&decapsulator),
            [("ip_fragment_held".to_owned(), 2)]
        );
        // Only the memory of what came is left.
        assert!(decapsulator.retained_bytes() < 300);
    }
}

#[test]
fn ipv6_and_tunnels_in_fragments() {
    let data = segment();
    let v6 = [
        ipv6_part(6, 1, 0, true, &data[..32]),
        ipv6_part(6, 1, 32, false, &data[32..]),
    ];
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    assert_eq!(feed(&mut decapsulator, &v6).as_deref(), Some(&data[20..]));

    let mut inner = vec![0x08, 0, 0, 0, 0, 0, 5, 0];
    inner.extend([0; 12]);
    inner.extend([8, 0]);
    inner.extend(ipv4(6, &data));
    let outer = udp(4789, &inner);
    let tunnel = [
        ipv4_part(17, 3, 0, true, &outer[..64]),
        ipv4_part(17, 3, 64, false, &outer[64..]),
    ];
    assert_eq!(
        feed(&mut decapsulator, &tunnel).as_deref(),
        Some(&data[20..])
    );
}

#[test]
fn the_first_copy_wins_and_an_overlap_is_told() {
    let data = segment();
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    let repeated = [
        parts()[0].clone(),
        parts()[0].clone(),
        parts()[1].clone(),
        parts()[2].clone(),
    ];
    assert!(feed(&mut decapsulator, &repeated).is_some());
    assert_eq!(count(&decapsulator, "decap_datagrams_overlapping_total"), 0);

    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    let forged = ipv4_part(6, 9, 8, true, &[b'X'; 24]);
    let packets = [
        parts()[0].clone(),
        parts()[1].clone(),
        forged,
        parts()[2].clone(),
    ];
    assert_eq!(
        feed(&mut decapsulator, &packets).as_deref(),
        Some(&data[20..])
    );
    assert_eq!(count(&decapsulator, "decap_datagrams_overlapping_total"), 1);
}

#[test]
fn copies_of_a_mirror_change_nothing() {
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    for order in [[0, 0, 1, 1, 2, 2], [2, 1, 0, 0, 1, 2]] {
        let packets: Vec<_> = order.iter().map(|at| parts()[*at].clone()).collect();
        feed(&mut decapsulator, &packets);
    }
    assert_eq!(count(&decapsulator, "decap_datagrams_reassembled_total"), 1);
    assert_eq!(
        refusals(&decapsulator),
        [
            ("ip_fragment_held".to_owned(), 2),
            ("ip_fragment_copy".to_owned(), 9)
        ]
    );
}

/// RFC 5722: an overlap in IPv6 is an attack; nothing of the datagram is used.
#[test]
fn an_overlap_of_ipv6_drops_the_datagram() {
    let data = segment();
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    let packets = [
        ipv6_part(6, 1, 0, true, &data[..32]),
        ipv6_part(6, 1, 24, true, &[b'X'; 16]),
        ipv6_part(6, 1, 32, false, &data[32..]),
        ipv6_part(6, 1, 0, true, &data[..32]),
    ];
    assert_eq!(feed(&mut decapsulator, &packets), None);
    assert_eq!(count(&decapsulator, "decap_datagrams_overlapping_total"), 1);
    assert_eq!(count(&decapsulator, "decap_datagrams_reassembled_total"), 0);
}

/// A fragment was lost, and the sender came round to the same identification.
#[test]
fn an_identification_used_again_is_another_datagram() {
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    let old = tcp(&[b'o'; 36]);
    feed(&mut decapsulator, &[ipv4_part(6, 9, 0, true, &old[..32])]);
    let mut last = None;
    for data in parts() {
        let later = RawPacket {
            timestamp: Timestamp::from_nanos(5_000_000_000),
            ..packet(LinkType::RAW, &data)
        };
        let segment = decapsulator.handle_packet(later);
        last = segment.map(|segment| segment.payload.to_vec());
    }
    assert_eq!(last.as_deref(), Some(&segment()[20..]));
    assert_eq!(count(&decapsulator, "decap_datagrams_superseded_total"), 1);
    assert_eq!(count(&decapsulator, "decap_datagrams_overlapping_total"), 0);
}

#[test]
fn waiting_has_an_end() {
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    feed(&mut decapsulator, &parts()[..2]);
    let late = &parts()[2];
    let at = Timestamp::from_nanos(40_000_000_000);
    let late = RawPacket {
        timestamp: at,
        ..packet(LinkType::RAW, late)
    };
    assert!(decapsulator.handle_packet(late).is_none());
    assert_eq!(count(&decapsulator, "decap_datagrams_timed_out_total"), 1);
}

#[test]
fn floods_stay_inside_the_caps() {
    let settings = DecapSettings {
        fragment_bytes_max: 20_000,
        fragment_datagrams_max: 50,
        fragments_per_datagram_max: 20,
        ..DecapSettings::default()
    };
    let mut decapsulator = Decapsulator::new(settings);
    for n in 0..3_000 {
        let id = if n % 3 == 0 { 1 } else { n };
        feed(
            &mut decapsulator,
            &[ipv4_part(6, id, (n % 500) * 16 + 8, true, &[1; 8])],
        );
        assert!(decapsulator.retained_bytes() <= 20_000);
    }
    // The caps refuse the flood, not the datagram after it.
    assert_eq!(
        feed(&mut decapsulator, &parts()).as_deref(),
        Some(&segment()[20..])
    );
}
