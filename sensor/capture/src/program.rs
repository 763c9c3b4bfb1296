//! The classic-BPF program that deals packets out to workers by their inner flow.
//!
//! The kernel's own hash looks at the outermost addresses and ports: it splits the directions of
//! a flow where a tunnel's source port is drawn per direction, and gives everything to one worker
//! where a tunnel has one address and port. This program peels what mirrors put around a packet
//! and hashes the innermost addresses and ports, the same for both directions. It is assembled by
//! `scripts/fanout-program.py`.
//!
//! Fragments and packets with IPv6 extension headers are hashed by their addresses alone; what
//! it does not know goes to the first worker.

/// One instruction: code, jump if true, jump if false, operand.
pub(crate) type Instruction = (u16, u8, u8, u32);

/// The program.
#[rustfmt::skip]
pub(crate) const INNER_FLOW: [Instruction; 208] = [
    (0x00, 0, 0, 0x0),
    (0x02, 0, 0, 0x0),
    (0x28, 0, 0, 0xfffff000),
    (0x15, 40, 0, 0x800),
    (0x15, 168, 0, 0x86dd),
    (0x15, 12, 0, 0x8847),
    (0x15, 1, 0, 0x8100),
    (0x15, 5, 199, 0x8864),
    (0x00, 0, 0, 0x4),
    (0x02, 0, 0, 0x0),
    (0x28, 0, 0, 0x2),
    (0x15, 32, 0, 0x800),
    (0x15, 160, 194, 0x86dd),
    (0x00, 0, 0, 0x8),
    (0x02, 0, 0, 0x0),
    (0x28, 0, 0, 0x6),
    (0x15, 27, 0, 0x21),
    (0x15, 155, 189, 0x57),
    (0x30, 0, 0, 0x2),
    (0x45, 0, 3, 0x1),
    (0x00, 0, 0, 0x4),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x10),
    (0x30, 0, 0, 0x6),
    (0x45, 0, 3, 0x1),
    (0x00, 0, 0, 0x8),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0xb),
    (0x30, 0, 0, 0xa),
    (0x45, 0, 3, 0x1),
    (0x00, 0, 0, 0xc),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x6),
    (0x30, 0, 0, 0xe),
    (0x45, 0, 3, 0x1),
    (0x00, 0, 0, 0x10),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x1),
    (0x05, 0, 0, 0xa8),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x0),
    (0x54, 0, 0, 0xf0),
    (0x15, 1, 0, 0x40),
    (0x15, 129, 163, 0x60),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x9),
    (0x15, 10, 0, 0x11),
    (0x15, 53, 0, 0x2f),
    (0x15, 0, 95, 0x4),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x0),
    (0x54, 0, 0, 0xf),
    (0x64, 0, 0, 0x2),
    (0x0c, 0, 0, 0x0),
    (0x07, 0, 0, 0x0),
    (0x03, 0, 0, 0x0),
    (0x05, 0, 0, 0x52),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x0),
    (0x54, 0, 0, 0xf),
    (0x64, 0, 0, 0x2),
    (0x0c, 0, 0, 0x0),
    (0x07, 0, 0, 0x0),
    (0x48, 0, 0, 0x2),
    (0x15, 2, 0, 0x12b5),
    (0x15, 5, 0, 0x17c1),
    (0x15, 30, 77, 0x868),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x10),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x3a),
    (0x48, 0, 0, 0xa),
    (0x02, 0, 0, 0x3),
    (0x50, 0, 0, 0x8),
    (0x54, 0, 0, 0x3f),
    (0x64, 0, 0, 0x2),
    (0x0c, 0, 0, 0x0),
    (0x04, 0, 0, 0x10),
    (0x02, 0, 0, 0x0),
    (0x60, 0, 0, 0x3),
    (0x15, 48, 0, 0x6558),
    (0x15, 0, 57, 0x800),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x9),
    (0x15, 0, 59, 0x11),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x0),
    (0x54, 0, 0, 0xf),
    (0x64, 0, 0, 0x2),
    (0x0c, 0, 0, 0x0),
    (0x07, 0, 0, 0x0),
    (0x48, 0, 0, 0x2),
    (0x15, 0, 51, 0x12b5),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x10),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x20),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x10),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x26),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x0),
    (0x54, 0, 0, 0xf),
    (0x64, 0, 0, 0x2),
    (0x0c, 0, 0, 0x0),
    (0x07, 0, 0, 0x0),
    (0x48, 0, 0, 0x2),
    (0x15, 2, 0, 0x800),
    (0x15, 5, 0, 0x88be),
    (0x15, 14, 33, 0x22eb),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x4),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x18),
    (0x50, 0, 0, 0x0),
    (0x45, 4, 0, 0x10),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x4),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x8),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x10),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x4),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x14),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x0),
    (0x61, 0, 0, 0x0),
    (0x48, 0, 0, 0xc),
    (0x15, 0, 4, 0x8100),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0x12),
    (0x02, 0, 0, 0x0),
    (0x05, 0, 0, 0x3),
    (0x87, 0, 0, 0x0),
    (0x04, 0, 0, 0xe),
    (0x02, 0, 0, 0x0),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x0),
    (0x54, 0, 0, 0xf0),
    (0x15, 1, 0, 0x40),
    (0x15, 29, 63, 0x60),
    (0x61, 0, 0, 0x0),
    (0x40, 0, 0, 0xc),
    (0x02, 0, 0, 0x1),
    (0x40, 0, 0, 0x10),
    (0x61, 0, 0, 0x1),
    (0xac, 0, 0, 0x0),
    (0x02, 0, 0, 0x1),
    (0x61, 0, 0, 0x0),
    (0x48, 0, 0, 0x6),
    (0x45, 49, 0, 0x3fff),
    (0x50, 0, 0, 0x9),
    (0x15, 1, 0, 0x6),
    (0x15, 0, 46, 0x11),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x0),
    (0x54, 0, 0, 0xf),
    (0x64, 0, 0, 0x2),
    (0x0c, 0, 0, 0x0),
    (0x07, 0, 0, 0x0),
    (0x48, 0, 0, 0x0),
    (0x02, 0, 0, 0x2),
    (0x48, 0, 0, 0x2),
    (0x61, 0, 0, 0x2),
    (0xac, 0, 0, 0x0),
    (0x64, 0, 0, 0x8),
    (0x61, 0, 0, 0x1),
    (0xac, 0, 0, 0x0),
    (0x02, 0, 0, 0x1),
    (0x05, 0, 0, 0x1e),
    (0x61, 0, 0, 0x0),
    (0x40, 0, 0, 0xc),
    (0x02, 0, 0, 0x1),
    (0x40, 0, 0, 0x1c),
    (0x61, 0, 0, 0x1),
    (0xac, 0, 0, 0x0),
    (0x02, 0, 0, 0x1),
    (0x61, 0, 0, 0x0),
    (0x40, 0, 0, 0x14),
    (0x61, 0, 0, 0x1),
    (0xac, 0, 0, 0x0),
    (0x02, 0, 0, 0x1),
    (0x61, 0, 0, 0x0),
    (0x40, 0, 0, 0x24),
    (0x61, 0, 0, 0x1),
    (0xac, 0, 0, 0x0),
    (0x02, 0, 0, 0x1),
    (0x61, 0, 0, 0x0),
    (0x50, 0, 0, 0x6),
    (0x15, 1, 0, 0x6),
    (0x15, 0, 9, 0x11),
    (0x48, 0, 0, 0x28),
    (0x02, 0, 0, 0x2),
    (0x48, 0, 0, 0x2a),
    (0x61, 0, 0, 0x2),
    (0xac, 0, 0, 0x0),
    (0x64, 0, 0, 0x8),
    (0x61, 0, 0, 0x1),
    (0xac, 0, 0, 0x0),
    (0x02, 0, 0, 0x1),
    (0x60, 0, 0, 0x1),
    (0x24, 0, 0, 0x9e3779b1),
    (0x74, 0, 0, 0x10),
    (0x16, 0, 0, 0x0),
    (0x06, 0, 0, 0x0),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel does with the program: the classic-BPF machine on data that starts at the
    /// network header. A load beyond the data ends it with 0.
    fn run(protocol: u16, data: &[u8]) -> u32 {
        let (mut a, mut x, mut memory, mut at) = (0_u32, 0_u32, [0_u32; 16], 0_usize);
        let load = |offset: u32, len: usize| -> Option<u32> {
            if offset == 0xffff_f000 {
                return Some(u32::from(protocol));
            }
            let start = usize::try_from(offset).ok()?;
            let bytes = data.get(start..start.checked_add(len)?)?;
            Some(
                bytes
                    .iter()
                    .fold(0, |sum, byte| sum << 8 | u32::from(*byte)),
            )
        };
        loop {
            let (code, jt, jf, k) = INNER_FLOW[at];
            at += 1;
            let loaded = match code {
                0x20 | 0x40 => Some(4),
                0x28 | 0x48 => Some(2),
                0x30 | 0x50 => Some(1),
                _ => None,
            };
            if let Some(len) = loaded {
                let base = if code & 0x40 == 0 { 0 } else { x };
                let Some(value) = load(base.wrapping_add(k), len) else {
                    return 0;
                };
                a = value;
                continue;
            }
            match code {
                0x00 => a = k,
                0x01 => x = k,
                0x60 => a = memory[k as usize],
                0x61 => x = memory[k as usize],
                0x02 => memory[k as usize] = a,
                0x03 => memory[k as usize] = x,
                0x04 => a = a.wrapping_add(k),
                0x0c => a = a.wrapping_add(x),
                0x24 => a = a.wrapping_mul(k),
                0x54 => a &= k,
                0x64 => a <<= k,
                0x74 => a >>= k,
                0xac => a ^= x,
                0x07 => x = a,
                0x87 => a = x,
                0x05 => at += k as usize,
                0x15 => at += usize::from(if a == k { jt } else { jf }),
                0x45 => at += usize::from(if a & k != 0 { jt } else { jf }),
                0x16 => return a,
                0x06 => return k,
                _ => panic!("an instruction the kernel does not know: {code:#x}"),
            }
        }
    }

    fn tcp(flow: u16, reply: bool) -> Vec<u8> {
        let ends = [
            ([10, 1, 0, (flow % 200) as u8], 20_000 + flow * 7),
            ([10, 2, 0, 1], 8080),
        ];
        let (from, to) = if reply {
            (ends[1], ends[0])
        } else {
            (ends[0], ends[1])
        };
        ip(6, from.0, to.0, &{
            let mut segment = Vec::new();
            segment.extend(from.1.to_be_bytes());
            segment.extend(to.1.to_be_bytes());
            segment.extend([0; 16]);
            segment
        })
    }

    fn ip(protocol: u8, from: [u8; 4], to: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let len = u16::try_from(20 + payload.len()).unwrap();
        let mut packet = vec![0x45, 0];
        packet.extend(len.to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        packet.extend(from);
        packet.extend(to);
        packet.extend(payload);
        packet
    }

    fn frame(payload: &[u8]) -> Vec<u8> {
        [&[0_u8; 12][..], &[0x08, 0x00], payload].concat()
    }

    /// A tunnel's UDP datagram whose source port is drawn per direction.
    fn udp(flow: u16, reply: bool, port: u16, payload: &[u8]) -> Vec<u8> {
        let source = 40_000 + (flow * 131 + u16::from(reply) * 977) % 20_000;
        let mut datagram = Vec::new();
        datagram.extend(source.to_be_bytes());
        datagram.extend(port.to_be_bytes());
        datagram.extend([0; 4]);
        datagram.extend(payload);
        ip(17, [192, 0, 2, 10], [192, 0, 2, 20], &datagram)
    }

    /// The packet of a flow as the program sees it, with the protocol of its first header.
    fn wrapped(kind: &str, flow: u16, reply: bool) -> (u16, Vec<u8>) {
        let inner = tcp(flow, reply);
        let direction = u8::from(reply);
        let gre = |payload: Vec<u8>| ip(47, [192, 0, 2, 10], [192, 0, 2, 20], &payload);
        match kind {
            "plain" => (0x0800, inner),
            "inner tag" => (0x8100, [&[0, 10 + direction, 8, 0], &inner[..]].concat()),
            "mpls" => {
                let labels = [0, 1, direction << 4, 64, 0, 2, direction << 4 | 1, 64];
                (0x8847, [&labels[..], &inner].concat())
            }
            "pppoe" => (
                0x8864,
                [&[0x11, 0, 0, 5, 0, 0, 0, 0x21], &inner[..]].concat(),
            ),
            "gre" => (0x0800, gre([&[0, 0, 8, 0], &inner[..]].concat())),
            "erspan 2" => {
                let header = [0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0, 0, 1, 0, 0, 0, 0];
                (0x0800, gre([&header[..], &frame(&inner)].concat()))
            }
            "erspan 3" => {
                let mut header = vec![0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20];
                header.resize(20, 0);
                (0x0800, gre([header, frame(&inner)].concat()))
            }
            "ip in ip" => (0x0800, ip(4, [192, 0, 2, 10], [192, 0, 2, 20], &inner)),
            "vxlan" => {
                let payload = [&[8, 0, 0, 0, 0, 0, 7, 0], &frame(&inner)[..]].concat();
                (0x0800, udp(flow, reply, 4789, &payload))
            }
            "geneve" => {
                let payload = [&[0, 0, 0x65, 0x58, 0, 0, 9, 0], &frame(&inner)[..]].concat();
                (0x0800, udp(flow, reply, 6081, &payload))
            }
            "geneve around vxlan" => {
                let vxlan = [&[8, 0, 0, 0, 0, 0, 7, 0], &frame(&inner)[..]].concat();
                let datagram = udp(flow + 7, reply, 4789, &vxlan);
                let payload = [&[0, 0, 8, 0, 0, 0, 0, 0], &datagram[..]].concat();
                (0x0800, udp(flow, reply, 6081, &payload))
            }
            "gtp-u" => {
                let payload = [&[0x30, 0xff, 0, 0, 0, 0, 0, 100 + direction], &inner[..]].concat();
                (0x0800, udp(0, false, 2152, &payload))
            }
            _ => unreachable!("{kind}"),
        }
    }

    #[test]
    fn both_directions_of_every_flow_go_to_one_of_evenly_used_workers() {
        let kinds = [
            "plain",
            "inner tag",
            "mpls",
            "pppoe",
            "gre",
            "erspan 2",
            "erspan 3",
            "ip in ip",
            "vxlan",
            "geneve",
            "geneve around vxlan",
            "gtp-u",
        ];
        for kind in kinds {
            let mut counts = [0; 4];
            for flow in 0..400 {
                let [there, back] = [false, true].map(|reply| {
                    let (protocol, data) = wrapped(kind, flow, reply);
                    run(protocol, &data)
                });
                assert_eq!(there, back, "{kind}: flow {flow} is split");
                counts[(there % 4) as usize] += 1;
            }
            assert!(
                counts.iter().all(|count| *count <= 150),
                "{kind}: {counts:?}"
            );
        }
    }

    #[test]
    fn what_is_not_known_goes_to_the_first_worker() {
        assert_eq!(run(0x0806, &[0; 28]), 0);
        assert_eq!(run(0x0800, &[0x45]), 0);
    }
}
