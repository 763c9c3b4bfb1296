//! Headers as the wire has them, put in front of a payload.

/// Parts one after the other.
pub(crate) fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// A length field; 0, as offloading leaves it, when it does not fit.
fn length(len: usize) -> [u8; 2] {
    u16::try_from(len).unwrap_or(0).to_be_bytes()
}

/// Ethernet.
pub(crate) fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let addresses = [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 8];
    join(&[&addresses, &ethertype.to_be_bytes(), payload])
}

/// Puts a tag between the addresses and the EtherType of a frame.
pub(crate) fn tagged(frame: &[u8], tag: &[u8]) -> Vec<u8> {
    let at = frame.len().min(12);
    join(&[&frame[..at], tag, &frame[at..]])
}

/// The EtherType of an IP packet.
pub(crate) fn ethertype(ip: &[u8]) -> [u8; 2] {
    if ip[0] >> 4 == 4 {
        [0x08, 0x00]
    } else {
        [0x86, 0xdd]
    }
}

/// The PPP protocol of an IP packet.
pub(crate) fn ppp(ip: &[u8]) -> Vec<u8> {
    let low = if ip[0] >> 4 == 4 { 0x21 } else { 0x57 };
    join(&[&[0, low], ip])
}

/// The IP protocol number of an IP packet.
pub(crate) fn ip_protocol(ip: &[u8]) -> u8 {
    if ip[0] >> 4 == 4 { 4 } else { 41 }
}

/// IPv4 of a tunnel, with a right checksum.
pub(crate) fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = [
        0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0, 198, 51, 100, 1, 198, 51, 100, 2,
    ];
    header[2..4].copy_from_slice(&length(payload.len() + 20));
    let words = header.as_chunks::<2>().0.iter();
    let sum: u32 = words.map(|word| u32::from(u16::from_be_bytes(*word))).sum();
    let folded = u16::try_from((sum >> 16) + (sum & 0xffff)).unwrap_or(0);
    header[10..12].copy_from_slice(&(!folded).to_be_bytes());
    join(&[&header, payload])
}

/// IPv6 of a tunnel.
pub(crate) fn ipv6(next: u8, payload: &[u8]) -> Vec<u8> {
    let mut header = [0; 40];
    header[0] = 0x60;
    header[4..6].copy_from_slice(&length(payload.len()));
    header[6] = next;
    header[7] = 64;
    for (at, last) in [(8, 1), (24, 2)] {
        header[at..at + 4].copy_from_slice(&[0x20, 0x01, 0x0d, 0xb8]);
        header[at + 15] = last;
    }
    join(&[&header, payload])
}

/// UDP; the source port depends on the payload, as a tunnel's entropy does.
pub(crate) fn udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let entropy = payload
        .iter()
        .skip(20)
        .take(24)
        .map(|byte| u16::from(*byte));
    let source = 49_152 + entropy.sum::<u16>() % 16_000;
    join(&[
        &source.to_be_bytes(),
        &port.to_be_bytes(),
        &length(payload.len() + 8),
        &[0, 0],
        payload,
    ])
}

/// VXLAN, network 5001.
pub(crate) fn vxlan(frame: &[u8]) -> Vec<u8> {
    udp(4789, &join(&[&[8, 0, 0, 0, 0, 0x13, 0x89, 0], frame]))
}

/// GENEVE with an option of eight bytes.
pub(crate) fn geneve(ethertype: [u8; 2], payload: &[u8]) -> Vec<u8> {
    let header = [2, 0, ethertype[0], ethertype[1], 0, 0, 9, 0];
    let option = [1, 8, 0x80, 1, 1, 2, 3, 4];
    udp(6081, &join(&[&header, &option, payload]))
}

/// GRE without anything optional.
pub(crate) fn gre(ethertype: [u8; 2], payload: &[u8]) -> Vec<u8> {
    join(&[&[0, 0], &ethertype, payload])
}

/// One MPLS label.
pub(crate) fn label(value: u32, bottom: bool, payload: &[u8]) -> Vec<u8> {
    let word = value << 12 | u32::from(bottom) << 8 | 64;
    join(&[&word.to_be_bytes(), payload])
}
