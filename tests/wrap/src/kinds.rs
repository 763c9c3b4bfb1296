//! The encapsulations by name: each makes of one packet the packets that a mirror would bring.

use tapscope_decap::LinkType;

use crate::fragment;
use crate::headers::{
    ethernet, ethertype, geneve, gre, ip_protocol, ipv4, ipv6, join, label, ppp, tagged, udp, vxlan,
};
use crate::packet::Packet;

/// What a kind is given of a packet.
struct Inner<'a> {
    frame: &'a [u8],
    ip: &'a [u8],
    is_upwards: bool,
    /// Counts packets: identifications and sequence numbers.
    serial: u16,
}

type Wrap = fn(&Inner<'_>) -> Vec<Vec<u8>>;

/// One encapsulation.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    link_type: LinkType,
    wrap: Wrap,
}

impl Kind {
    /// The packets that come of one; a packet that is not IP passes as it is, or not at all when the
    /// link layer is another.
    #[must_use]
    pub fn wrap(&self, packet: &Packet, serial: u16) -> Vec<Packet> {
        let (Some(frame), Some(ip)) = (packet.frame(), packet.ip()) else {
            let passes = packet.link_type == self.link_type;
            return passes.then(|| packet.clone()).into_iter().collect();
        };
        let inner = Inner {
            frame: &frame,
            ip,
            is_upwards: packet.is_upwards(),
            serial,
        };
        let wrapped = (self.wrap)(&inner).into_iter().map(|data| Packet {
            link_type: self.link_type,
            data,
            ..packet.clone()
        });
        wrapped.collect()
    }
}

const fn kind(name: &'static str, wrap: Wrap) -> Kind {
    Kind {
        name,
        link_type: LinkType::ETHERNET,
        wrap,
    }
}

const fn link(name: &'static str, link_type: LinkType, wrap: Wrap) -> Kind {
    Kind {
        name,
        link_type,
        wrap,
    }
}

/// In IPv4 over Ethernet.
fn over_ip(protocol: u8, payload: &[u8]) -> Vec<Vec<u8>> {
    vec![ethernet(0x0800, &ipv4(protocol, payload))]
}

fn over_udp(datagram: &[u8]) -> Vec<Vec<u8>> {
    over_ip(17, datagram)
}

fn erspan(header: &[u8], frame: &[u8], serial: u16) -> Vec<Vec<u8>> {
    let number = if header.len() == 8 {
        [0x88, 0xbe]
    } else {
        [0x22, 0xeb]
    };
    let sequence = u32::from(serial).to_be_bytes();
    over_ip(47, &join(&[&[0x10, 0], &number, &sequence, header, frame]))
}

/// Whether an IP packet is as long as it says.
fn is_stated(ip: &[u8]) -> bool {
    let word = |at: usize| usize::from(u16::from_be_bytes([ip[at], ip[at + 1]]));
    ip.len()
        == if ip[0] >> 4 == 4 {
            word(2)
        } else {
            word(4) + 40
        }
}

/// A data frame of IEEE 802.11 around an IP packet.
fn wlan(ip: &[u8]) -> Vec<u8> {
    let mut header = vec![0x88, 0x01];
    header.resize(26, 0);
    join(&[&header, &[0xaa, 0xaa, 3, 0, 0, 0], &ethertype(ip), ip])
}

/// Every encapsulation.
pub const KINDS: &[Kind] = &[
    kind("vlan", |it| vec![tagged(it.frame, &[0x81, 0, 0, 12])]),
    kind("vlan_differs_by_direction", |it| {
        let identifier = if it.is_upwards { 12 } else { 13 };
        vec![tagged(it.frame, &[0x81, 0, 0, identifier])]
    }),
    kind("vlan_of_one_direction", |it| {
        vec![if it.is_upwards {
            tagged(it.frame, &[0x81, 0, 0, 12])
        } else {
            it.frame.to_vec()
        }]
    }),
    kind("qinq", |it| {
        vec![tagged(it.frame, &[0x88, 0xa8, 0, 5, 0x81, 0, 0, 12])]
    }),
    kind("vlan_five_deep", |it| {
        let tags = [
            0x91, 0, 0, 1, 0x92, 0, 0, 2, 0x93, 0, 0, 3, 0x88, 0xa8, 0, 4, 0x81, 0, 0, 5,
        ];
        vec![tagged(it.frame, &tags)]
    }),
    kind("mpls", |it| vec![ethernet(0x8847, &label(16, true, it.ip))]),
    kind("mpls_labels_differ_by_direction", |it| {
        let outer = if it.is_upwards { 100 } else { 200 };
        vec![ethernet(
            0x8847,
            &label(outer, false, &label(17, true, it.ip)),
        )]
    }),
    kind("mpls_pseudowire", |it| {
        vec![ethernet(0x8847, &label(16, true, it.frame))]
    }),
    kind("mpls_pseudowire_control_word", |it| {
        let sequence = it.serial.to_be_bytes();
        let word = [0, 0, sequence[0], sequence[1]];
        vec![ethernet(
            0x8847,
            &label(16, true, &join(&[&word, it.frame])),
        )]
    }),
    kind("pppoe", |it| {
        let frame = ppp(it.ip);
        let len = u16::try_from(frame.len()).unwrap_or(0).to_be_bytes();
        vec![ethernet(0x8864, &join(&[&[0x11, 0, 0, 9], &len, &frame]))]
    }),
    kind("gre", |it| over_ip(47, &gre(ethertype(it.ip), it.ip))),
    kind("gre_checksum_key_sequence", |it| {
        let sequence = u32::from(it.serial).to_be_bytes();
        let header = join(&[
            &[0xb0, 0],
            &ethertype(it.ip),
            &[1, 2, 0, 0, 0, 0, 0, 42],
            &sequence,
        ]);
        over_ip(47, &join(&[&header, it.ip]))
    }),
    kind("gre_bridged", |it| {
        over_ip(47, &gre([0x65, 0x58], it.frame))
    }),
    kind("gre_over_ipv6", |it| {
        vec![ethernet(0x86dd, &ipv6(47, &gre(ethertype(it.ip), it.ip)))]
    }),
    kind("gre_pptp", |it| {
        let frame = ppp(it.ip);
        let len = u16::try_from(frame.len()).unwrap_or(0).to_be_bytes();
        let sequence = u32::from(it.serial).to_be_bytes();
        over_ip(
            47,
            &join(&[&[0x30, 1, 0x88, 0x0b], &len, &[0, 7], &sequence, &frame]),
        )
    }),
    kind("gre_aruba", |it| over_ip(47, &gre([0x82, 0], &wlan(it.ip)))),
    kind("erspan_1", |it| over_ip(47, &gre([0x88, 0xbe], it.frame))),
    kind("erspan_2", |it| {
        erspan(&[0x10, 1, 0x10, 5, 0, 0, 0, 1], it.frame, it.serial)
    }),
    kind("erspan_3", |it| {
        erspan(
            &[0x20, 1, 0x10, 6, 0, 0, 0, 1, 0, 0, 0, 0],
            it.frame,
            it.serial,
        )
    }),
    kind("erspan_3_platform", |it| {
        let header = [
            0x20, 1, 0x10, 6, 0, 0, 0, 1, 0, 0, 0, 1, 5, 0, 0, 0, 0, 0, 0, 0,
        ];
        erspan(&header, it.frame, it.serial)
    }),
    kind("vxlan", |it| over_udp(&vxlan(it.frame))),
    kind("vxlan_reserved_bits", |it| {
        let header = [0xfb, 0xff, 0xff, 0xff, 0, 0x13, 0x89, 0xff];
        over_udp(&udp(8472, &join(&[&header, it.frame])))
    }),
    kind("vxlan_over_ipv6", |it| {
        vec![ethernet(0x86dd, &ipv6(17, &vxlan(it.frame)))]
    }),
    kind("vxlan_gpe", |it| {
        let next = if it.ip[0] >> 4 == 4 { 1 } else { 2 };
        let header = [0x0c, 0, 0, next, 0, 0, 9, 0];
        over_udp(&udp(4790, &join(&[&header, it.ip])))
    }),
    kind("vxlan_gpe_nsh", |it| {
        let header = [0x0c, 0, 0, 4, 0, 0, 9, 0, 0x0f, 0xc2, 2, 3, 0, 0, 9, 255];
        over_udp(&udp(4790, &join(&[&header, it.frame])))
    }),
    kind("nsh", |it| {
        let header = join(&[&[0x0f, 0xc6, 1, 3, 0, 0, 9, 255], &[0; 16]]);
        vec![ethernet(0x894f, &join(&[&header, it.frame]))]
    }),
    kind("geneve", |it| over_udp(&geneve([0x65, 0x58], it.frame))),
    kind("geneve_ip", |it| over_udp(&geneve(ethertype(it.ip), it.ip))),
    kind("geneve_around_vxlan", |it| {
        over_udp(&geneve([8, 0], &ipv4(17, &vxlan(it.frame))))
    }),
    kind("ip_in_ipv4", |it| over_ip(ip_protocol(it.ip), it.ip)),
    kind("ip_in_ipv6", |it| {
        vec![ethernet(0x86dd, &ipv6(ip_protocol(it.ip), it.ip))]
    }),
    kind("ip_in_ipv6_with_extensions", |it| {
        let options = [
            60,
            0,
            1,
            4,
            0,
            0,
            0,
            0,
            ip_protocol(it.ip),
            0,
            1,
            4,
            0,
            0,
            0,
            0,
        ];
        vec![ethernet(0x86dd, &ipv6(0, &join(&[&options, it.ip])))]
    }),
    kind("gtp_u", |it| {
        over_udp(&udp(2152, &join(&[&[0x30, 255, 0, 0, 0, 0, 0, 3], it.ip])))
    }),
    kind("gtp_u_extensions", |it| {
        let header = [
            0x34, 255, 0, 0, 0, 0, 0, 3, 0, 1, 0, 0x85, 1, 0, 0, 0xc0, 2, 0, 0, 0, 0, 0, 0, 0,
        ];
        over_udp(&udp(2152, &join(&[&header, it.ip])))
    }),
    kind("vn_tag", |it| {
        vec![tagged(it.frame, &[0x89, 0x26, 0x80, 0, 0, 42])]
    }),
    kind("e_tag", |it| {
        vec![tagged(it.frame, &[0x89, 0x3f, 0, 0, 0x10, 5, 0, 0])]
    }),
    kind("provider_backbone", |it| {
        let data = join(&[&[0, 0, 1, 2], it.frame]);
        vec![tagged(&ethernet(0x88e7, &data), &[0x88, 0xa8, 0, 4])]
    }),
    kind("cisco_metadata", |it| {
        vec![tagged(it.frame, &[0x89, 0x09, 1, 1, 0, 1, 0, 9])]
    }),
    kind("fabric_path", |it| {
        vec![ethernet(0x8903, &join(&[&[0, 0x60], it.frame]))]
    }),
    kind("tzsp", |it| {
        over_udp(&udp(
            37_008,
            &join(&[&[1, 0, 0, 1, 10, 1, 200, 0, 1], it.frame]),
        ))
    }),
    kind("l2tp_2", |it| {
        let header = [0, 2, 0, 1, 0, 2, 0xff, 3];
        over_udp(&udp(1701, &join(&[&header, &ppp(it.ip)])))
    }),
    kind("l2tp_3", |it| {
        over_ip(115, &join(&[&[0, 0, 0, 7, 0, 0, 0, 0], it.frame]))
    }),
    kind("l2tp_3_udp_cookie", |it| {
        let header = [0, 3, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8];
        over_udp(&udp(1701, &join(&[&header, it.frame])))
    }),
    kind("ether_ip", |it| over_ip(97, &join(&[&[0x30, 0], it.frame]))),
    kind("mpls_in_udp", |it| {
        over_udp(&udp(6635, &label(20, true, it.ip)))
    }),
    kind("gre_in_udp", |it| {
        over_udp(&udp(4754, &gre(ethertype(it.ip), it.ip)))
    }),
    kind("esp_null", |it| {
        // The trailer of a packet that was cut was cut too, and nothing offloads ESP's length.
        if !is_stated(it.ip) {
            return vec![it.frame.to_vec()];
        }
        let header = join(&[&[0, 0, 0, 9], &u32::from(it.serial).to_be_bytes()]);
        let padding: Vec<u8> = (1..=u8::try_from(3 - (it.ip.len() + 1) % 4).unwrap_or(0)).collect();
        let len = u8::try_from(padding.len()).unwrap_or(0);
        let trailer = join(&[&padding, &[len, ip_protocol(it.ip)], &[0xa5; 12]]);
        over_ip(50, &join(&[&header, it.ip, &trailer]))
    }),
    kind("llc_snap", |it| {
        let data = join(&[&[0xaa, 0xaa, 3, 0, 0, 0], &ethertype(it.ip), it.ip]);
        vec![ethernet(
            u16::try_from(data.len()).unwrap_or(0).min(1500),
            &data,
        )]
    }),
    kind("erspan_around_vlan_vxlan_vlan_mpls", |it| {
        let label = ethernet(0x8847, &label(16, true, it.ip));
        let vxlan = ipv4(17, &vxlan(&tagged(&label, &[0x81, 0, 0, 12])));
        let mirrored = tagged(&ethernet(0x0800, &vxlan), &[0x81, 0, 0, 13]);
        erspan(&[0x10, 1, 0x10, 5, 0, 0, 0, 1], &mirrored, it.serial)
    }),
    kind("twelve_tunnels", |it| {
        let mut data = it.ip.to_vec();
        for _ in 0..10 {
            data = ipv4(ip_protocol(&data), &data);
        }
        over_udp(&geneve([8, 0], &data))
    }),
    kind("vxlan_in_fragments", |it| {
        fragment::v4(it.serial, 17, &vxlan(it.frame))
    }),
    kind("vxlan_in_fragments_of_ipv6", |it| {
        fragment::v6(it.serial, 17, &vxlan(it.frame))
    }),
    kind("gre_in_fragments_last_first", |it| {
        let mut parts = fragment::v4(it.serial, 47, &gre([0x65, 0x58], it.frame));
        parts.reverse();
        parts
    }),
    kind("ip_in_fragments_seen_twice", |it| {
        let parts = fragment::v4(it.serial, ip_protocol(it.ip), it.ip);
        // Whole packets seen twice are the next stage's business.
        let copies = if parts.len() > 1 { 2 } else { 1 };
        parts
            .iter()
            .flat_map(|part| vec![part.clone(); copies])
            .collect()
    }),
    kind("fragments_in_fragments", |it| {
        let inner = fragment::v4(it.serial, 17, &vxlan(it.frame));
        let outer = inner.iter().zip(0..).flat_map(|(part, at): (_, u16)| {
            let serial = it.serial.wrapping_mul(200).wrapping_add(at);
            fragment::v6(serial, 47, &gre([0x65, 0x58], part))
        });
        outer.collect()
    }),
    link("linktype_raw", LinkType::RAW, |it| vec![it.ip.to_vec()]),
    link("linktype_null", LinkType::NULL, |it| {
        let family = if it.ip[0] >> 4 == 4 { 2 } else { 30 };
        vec![join(&[&[family, 0, 0, 0], it.ip])]
    }),
    link("linktype_sll", LinkType::LINUX_SLL, |it| {
        vec![join(&[
            &[0, 0, 0, 1, 0, 6],
            &[0; 8],
            &ethertype(it.ip),
            it.ip,
        ])]
    }),
    link("linktype_sll2", LinkType::LINUX_SLL2, |it| {
        vec![join(&[&ethertype(it.ip), &[0; 18], it.ip])]
    }),
    link("linktype_ppp", LinkType::PPP, |it| {
        vec![join(&[&[0xff, 3], &ppp(it.ip)])]
    }),
    link("linktype_cisco_hdlc", LinkType::CISCO_HDLC, |it| {
        vec![join(&[&[0x0f, 0], &ethertype(it.ip), it.ip])]
    }),
    link("linktype_nflog", LinkType::NFLOG, |it| {
        let len = u16::try_from(it.ip.len() + 4).unwrap_or(u16::MAX);
        let mark = [5, 0, 10, 0, b'x', 0, 0, 0];
        vec![join(&[
            &[2, 0, 0, 0],
            &mark,
            &len.to_le_bytes(),
            &[9, 0],
            it.ip,
        ])]
    }),
    link("linktype_radiotap", LinkType::IEEE802_11_RADIOTAP, |it| {
        vec![join(&[&[0, 0, 8, 0, 0, 0, 0, 0], &wlan(it.ip)])]
    }),
];
