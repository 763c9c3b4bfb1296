//! What peeling a packet costs: the packet nearly every feed is made of, and deeper stacks.
//!
//! `cargo bench -p tapscope-decap` prints nanoseconds; a name and a number of packets as arguments
//! do that alone, for counting instructions:
//! `valgrind --tool=callgrind target/release/deps/peel-… plain 100000`.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and says what it read"
)]

use std::hint::black_box;
use std::time::Instant;

use tapscope_decap::{DecapSettings, Decapsulator, Filter, LinkType, RawPacket, Timestamp};

/// Rounds of which the fastest counts, and packets of a round.
const ROUNDS: u32 = 20;
const PACKETS: u32 = 50_000;

fn tcp() -> Vec<u8> {
    let mut segment = vec![
        0x9c, 0x40, 0x1f, 0x90, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 2, 0, 0, 0, 0, 0,
    ];
    segment.extend([b'x'; 400]);
    segment
}

fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len() + 20).unwrap_or(0).to_be_bytes();
    let header = [
        0x45, 0, len[0], len[1], 0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    ];
    [&header, payload].concat()
}

fn frame(tags: &[u8], payload: &[u8]) -> Vec<u8> {
    [&[2; 12], tags, &[8, 0], payload].concat()
}

fn udp(port: u16, header: &[u8], payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(header.len() + payload.len() + 8).unwrap_or(0);
    let fields = [50_000, port, len, 0].map(u16::to_be_bytes);
    ipv4(17, &[&fields.concat(), header, payload].concat())
}

fn cases() -> Vec<(&'static str, Vec<u8>)> {
    let plain = ipv4(6, &tcp());
    let vxlan = |frame: &[u8]| udp(4789, &[8, 0, 0, 0, 0, 0, 5, 0], frame);
    let geneve = |packet: &[u8]| udp(6081, &[0, 0, 8, 0, 0, 0, 9, 0], packet);
    let mirrored = vxlan(&frame(&[0x81, 0, 0, 7], &plain));
    let erspan = [
        &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 5, 0, 0, 0, 0][..],
        &frame(&[], &plain),
    ];
    let mut deep = plain.clone();
    for _ in 0..6 {
        deep = vxlan(&frame(&[0x81, 0, 0, 7], &deep));
    }
    vec![
        ("plain", frame(&[], &plain)),
        ("vlan", frame(&[0x81, 0, 0, 7], &plain)),
        ("qinq", frame(&[0x88, 0xa8, 0, 1, 0x81, 0, 0, 7], &plain)),
        ("vxlan_vlan", frame(&[], &mirrored)),
        ("geneve_vxlan_vlan", frame(&[], &geneve(&mirrored))),
        ("erspan_2", frame(&[], &ipv4(47, &erspan.concat()))),
        ("six_times_vxlan_vlan", frame(&[], &deep)),
        ("dns", frame(&[], &udp(53, &[], &[0x12; 40]))),
    ]
}

fn peel(decapsulator: &mut Decapsulator, data: &[u8], packets: u32) {
    let packet = RawPacket {
        timestamp: Timestamp::from_nanos(1),
        link_type: LinkType::ETHERNET,
        interface: 0,
        wire_len: u32::try_from(data.len()).unwrap_or(u32::MAX),
        data,
    };
    for _ in 0..packets {
        black_box(decapsulator.handle_packet(black_box(packet)));
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|it| it != "--bench")
        .collect();
    let filter: Filter = "exclude net 10.9.0.0/16,192.0.2.0/24 port 7878\nexclude vlan 99"
        .parse()
        .unwrap_or_default();
    for (name, data) in cases() {
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        if let [only, packets] = arguments.as_slice() {
            if only == name {
                peel(&mut decapsulator, &data, packets.parse().unwrap_or(PACKETS));
            }
            continue;
        }
        let mut fastest = [f64::INFINITY; 2];
        for (fastest, filter) in fastest.iter_mut().zip([Filter::default(), filter.clone()]) {
            decapsulator.set_filter(filter);
            for _ in 0..ROUNDS {
                let started = Instant::now();
                peel(&mut decapsulator, &data, PACKETS);
                let nanos = started.elapsed().as_secs_f64() * 1e9 / f64::from(PACKETS);
                *fastest = fastest.min(nanos);
            }
        }
        println!(
            "{name:<24} {:>7.1} ns   with a filter of two rules {:>7.1} ns",
            fastest[0], fastest[1]
        );
    }
}
