//! Headers as the wire has them, put in front of a payload.

use tapscope_decap::{CounterValue, Decapsulator, LinkType, RawPacket, Timestamp};

/// Header bytes followed by `payload`.
pub(crate) fn join(header: &[u8], payload: &[u8]) -> Vec<u8> {
    [header, payload].concat()
}

fn be(value: usize) -> [u8; 2] {
    u16::try_from(value).unwrap().to_be_bytes()
}

/// TCP from port 1000 to 80, sequence number 7.
pub(crate) fn tcp(payload: &[u8]) -> Vec<u8> {
    let mut header = [0; 20];
    header[..2].copy_from_slice(&be(1000));
    header[2..4].copy_from_slice(&be(80));
    header[7] = 7;
    header[12] = 0x50;
    header[13] = 0x18;
    join(&header, payload)
}

/// TCP with 12 bytes of options.
pub(crate) fn tcp_with_options(payload: &[u8]) -> Vec<u8> {
    let mut segment = tcp(&join(&[1; 12], payload));
    segment[12] = 0x80;
    segment
}

/// UDP to a port.
pub(crate) fn udp(port: usize, payload: &[u8]) -> Vec<u8> {
    let len = be(payload.len() + 8);
    join(&[&be(3333)[..], &be(port), &len, &[0, 0]].concat(), payload)
}

/// IPv4 from 10.0.0.1 to 10.0.0.2, identification 0x1234.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_part(protocol, 0x1234, 0, false, payload)
}

/// A fragment of an IPv4 packet; the offset in bytes.
pub(crate) fn ipv4_part(
    protocol: u8,
    id: usize,
    offset: usize,
    more: bool,
    payload: &[u8],
) -> Vec<u8> {
    let field = offset / 8 + if more { 0x2000 } else { 0 };
    let header = [
        &[0x45, 0][..],
        &be(payload.len() + 20),
        &be(id),
        &be(field),
        &[64, protocol, 0, 0],
        &[10, 0, 0, 1, 10, 0, 0, 2],
    ]
    .concat();
    join(&header, payload)
}

/// IPv4 with 8 bytes of options.
pub(crate) fn ipv4_with_options(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(protocol, &join(&[1; 8], payload));
    packet[0] = 0x47;
    packet
}

/// IPv4 whose length field is 0, as segmentation offload leaves it.
pub(crate) fn ipv4_offloaded(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut packet = ipv4(protocol, payload);
    packet[2..4].fill(0);
    packet
}

/// IPv6 from 2001::1 to 2001::2.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = [0; 40];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&be(payload.len()));
    header[6] = next;
    for (at, last) in [(8, 1), (24, 2)] {
        header[at] = 0x20;
        header[at + 1] = 1;
        header[at + 15] = last;
    }
    join(&header, payload)
}

/// A fragment of an IPv6 packet.
pub(crate) fn ipv6_part(next: u8, id: u8, offset: usize, more: bool, payload: &[u8]) -> Vec<u8> {
    let field = be(offset | usize::from(more));
    ipv6(
        44,
        &join(&[next, 0, field[0], field[1], 0, 0, 0, id], payload),
    )
}

/// Ethernet.
pub(crate) fn ethernet(ethertype: usize, payload: &[u8]) -> Vec<u8> {
    join(&[&[2; 6][..], &[4; 6], &be(ethertype)].concat(), payload)
}

/// What follows a VLAN EtherType.
pub(crate) fn tag(identifier: usize, ethertype: usize, payload: &[u8]) -> Vec<u8> {
    // Priority 7: only 12 bits are the identifier.
    join(&[be(0xe000 | identifier), be(ethertype)].concat(), payload)
}

/// One MPLS label.
pub(crate) fn label(value: u32, bottom: bool, payload: &[u8]) -> Vec<u8> {
    let word = value << 12 | u32::from(bottom) << 8 | 64;
    join(&word.to_be_bytes(), payload)
}

/// A packet of link type `link_type`, captured whole.
pub(crate) fn packet(link_type: LinkType, data: &[u8]) -> RawPacket<'_> {
    RawPacket {
        timestamp: Timestamp::from_nanos(1),
        link_type,
        interface: 3,
        wire_len: u32::try_from(data.len()).unwrap(),
        data,
    }
}

/// The refusals of a decapsulator.
pub(crate) fn refusals(decapsulator: &Decapsulator) -> Vec<(String, u64)> {
    let refused = |it: CounterValue| {
        (it.name == "decap_packets_refused_total").then(|| (it.reason.unwrap(), it.value))
    };
    decapsulator
        .counters()
        .into_iter()
        .filter_map(refused)
        .collect()
}

/// The value of a counter without a label.
pub(crate) fn count(decapsulator: &Decapsulator, name: &str) -> u64 {
    decapsulator
        .counters()
        .iter()
        .find(|it| it.name == name)
        .expect("a counter")
        .value
}
