//! What the stage makes of each encapsulation and of each packet it cannot use.

use tapscope_decap::{DecapSettings, Decapsulator, Layer, LinkType, RawPacket};

use crate::fabric;
use crate::headers::{
    ethernet, ipv4, ipv4_offloaded, ipv4_with_options, ipv6, join, label, packet, refusals, tag,
    tcp, tcp_with_options, udp,
};

const V4: usize = 0x0800;
const V6: usize = 0x86dd;

fn plain() -> Vec<u8> {
    ipv4(6, &tcp(b"GET"))
}

fn plain_frame() -> Vec<u8> {
    ethernet(V4, &plain())
}

pub(crate) type Case = (&'static str, LinkType, Vec<u8>, Vec<Layer>);

fn link_layers() -> Vec<Case> {
    let inner = plain();
    let sll = |protocol: [u8; 2]| join(&[&[0; 14][..], &protocol].concat(), &inner);
    let mut sll2 = vec![0; 20];
    sll2[..2].copy_from_slice(&[0x08, 0x00]);
    let snap = [0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00];
    let nflog = |order: fn(u16) -> [u8; 2]| {
        let attribute =
            |kind: u16, len: u16, value: &[u8]| join(&[order(len), order(kind)].concat(), value);
        let prefix = attribute(10, 7, b"ab\0\0");
        let payload = attribute(9, u16::try_from(inner.len()).unwrap() + 4, &inner);
        join(&[2, 0, 0, 0], &join(&prefix, &payload))
    };
    vec![
        ("ethernet", LinkType::ETHERNET, plain_frame(), vec![]),
        (
            "ethernet_llc_snap",
            LinkType::ETHERNET,
            ethernet(60, &join(&snap, &inner)),
            vec![],
        ),
        ("sll", LinkType::LINUX_SLL, sll([0x08, 0x00]), vec![]),
        ("sll2", LinkType::LINUX_SLL2, join(&sll2, &inner), vec![]),
        ("raw", LinkType::RAW, inner.clone(), vec![]),
        ("raw_bsd", LinkType::RAW_BSD, inner.clone(), vec![]),
        (
            "raw_openbsd",
            LinkType::RAW_OPENBSD,
            ipv6(6, &tcp(b"GET")),
            vec![],
        ),
        ("ipv4", LinkType::IPV4, inner.clone(), vec![]),
        ("ipv6", LinkType::IPV6, ipv6(6, &tcp(b"GET")), vec![]),
        (
            "null_little_endian",
            LinkType::NULL,
            join(&[2, 0, 0, 0], &inner),
            vec![],
        ),
        (
            "null_big_endian",
            LinkType::NULL,
            join(&[0, 0, 0, 2], &inner),
            vec![],
        ),
        ("loop", LinkType::LOOP, join(&[0, 0, 0, 2], &inner), vec![]),
        (
            "ppp",
            LinkType::PPP,
            join(&[0xff, 0x03, 0, 0x21], &inner),
            vec![],
        ),
        (
            "ppp_compressed",
            LinkType::PPP,
            join(&[0x21], &inner),
            vec![],
        ),
        (
            "cisco_hdlc",
            LinkType::CISCO_HDLC,
            join(&[0x0f, 0, 8, 0], &inner),
            vec![],
        ),
        (
            "nflog_little_endian",
            LinkType::NFLOG,
            nflog(u16::to_le_bytes),
            vec![],
        ),
        (
            "nflog_big_endian",
            LinkType::NFLOG,
            nflog(u16::to_be_bytes),
            vec![],
        ),
    ]
}

fn tags_and_labels() -> Vec<Case> {
    let inner = plain();
    let framed = |ethertype, data: &[u8]| ethernet(ethertype, data);
    let stack = tag(
        1,
        0x88a8,
        &tag(2, 0x8100, &tag(3, 0x9100, &tag(4, V4, &inner))),
    );
    let pppoe = join(&[0x11, 0, 0, 9, 0, 62, 0, 0x21], &inner);
    let ether = LinkType::ETHERNET;
    vec![
        (
            "vlan",
            ether,
            framed(0x8100, &tag(7, V4, &inner)),
            vec![Layer::Vlan(7)],
        ),
        (
            "qinq",
            ether,
            framed(0x88a8, &tag(7, 0x8100, &tag(8, V4, &inner))),
            vec![Layer::Vlan(7), Layer::Vlan(8)],
        ),
        (
            "vlan_four_deep",
            ether,
            framed(0x9200, &stack),
            (1..5).map(Layer::Vlan).collect(),
        ),
        (
            "mpls_two_labels",
            ether,
            framed(0x8847, &label(16, false, &label(17, true, &inner))),
            vec![Layer::Mpls(16), Layer::Mpls(17)],
        ),
        (
            "mpls_pseudowire_with_control_word",
            ether,
            framed(0x8847, &label(16, true, &join(&[0; 4], &plain_frame()))),
            vec![Layer::Mpls(16)],
        ),
        (
            "mpls_pseudowire_without_control_word",
            ether,
            framed(0x8848, &label(16, true, &plain_frame())),
            vec![Layer::Mpls(16)],
        ),
        (
            "pppoe",
            ether,
            framed(0x8864, &pppoe),
            vec![Layer::Pppoe(9)],
        ),
    ]
}

fn tunnels() -> Vec<Case> {
    let inner = plain();
    let frame = plain_frame();
    let outer = |protocol: u8, data: &[u8]| ethernet(V4, &ipv4(protocol, data));
    let gre = |header: &[u8], data: &[u8]| outer(47, &join(header, data));
    let erspan_2 = join(
        &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 5, 0, 0, 0, 0],
        &frame,
    );
    let erspan_3 = [
        0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 1,
    ];
    let vxlan = |data: &[u8]| join(&[0x08, 0, 0, 0, 0, 0, 5, 0], data);
    let geneve = |options: u8, ethertype: [u8; 2], data: &[u8]| {
        let header = [options, 0, ethertype[0], ethertype[1], 0, 0, 9, 0];
        join(&join(&header, &vec![0; usize::from(options) * 4]), data)
    };
    let gtp = |flags: u8, optional: &[u8], data: &[u8]| {
        join(&join(&[flags, 255, 0, 0, 0, 0, 0, 3], optional), data)
    };
    let ether = LinkType::ETHERNET;
    vec![
        ("ip_in_ip", ether, outer(4, &inner), vec![Layer::IpInIp]),
        (
            "6in4",
            ether,
            outer(41, &ipv6(6, &tcp(b"GET"))),
            vec![Layer::IpInIp],
        ),
        (
            "4in6",
            ether,
            ethernet(V6, &ipv6(4, &inner)),
            vec![Layer::IpInIp],
        ),
        (
            "gre",
            ether,
            gre(&[0, 0, 8, 0], &inner),
            vec![Layer::Gre(0)],
        ),
        (
            "gre_checksum_key_sequence",
            ether,
            gre(
                &[0xb0, 0, 8, 0, 1, 1, 0, 0, 0, 0, 0, 42, 0, 0, 0, 1],
                &inner,
            ),
            vec![Layer::Gre(42)],
        ),
        (
            "gre_bridged",
            ether,
            gre(&[0, 0, 0x65, 0x58], &frame),
            vec![Layer::Gre(0)],
        ),
        (
            "gre_version_1",
            ether,
            gre(
                &[0x30, 0x81, 0x88, 0x0b, 0, 70, 0, 8, 0, 0, 0, 1, 0, 0, 0, 2],
                &join(&[0xff, 0x03, 0, 0x21], &inner),
            ),
            vec![Layer::Gre(8)],
        ),
        (
            "erspan_1",
            ether,
            gre(&[0, 0, 0x88, 0xbe], &frame),
            vec![Layer::Gre(0), Layer::Erspan(0)],
        ),
        (
            "erspan_2",
            ether,
            outer(47, &erspan_2),
            vec![Layer::Gre(0), Layer::Erspan(5)],
        ),
        (
            "erspan_3_with_platform_header",
            ether,
            gre(&erspan_3, &join(&[0; 8], &frame)),
            vec![Layer::Gre(0), Layer::Erspan(6)],
        ),
        (
            "vxlan",
            ether,
            outer(17, &udp(4789, &vxlan(&frame))),
            vec![Layer::Vxlan(5)],
        ),
        (
            "vxlan_tagged",
            ether,
            outer(
                17,
                &udp(4789, &vxlan(&ethernet(0x8100, &tag(7, V4, &inner)))),
            ),
            vec![Layer::Vxlan(5), Layer::Vlan(7)],
        ),
        (
            "vxlan_gpe_ip",
            ether,
            outer(17, &udp(4789, &join(&[0x0c, 0, 0, 1, 0, 0, 5, 0], &inner))),
            vec![Layer::Vxlan(5)],
        ),
        (
            "geneve_bridged_with_options",
            ether,
            outer(17, &udp(6081, &geneve(2, [0x65, 0x58], &frame))),
            vec![Layer::Geneve(9)],
        ),
        (
            "geneve_around_vxlan",
            ether,
            outer(
                17,
                &udp(
                    6081,
                    &geneve(0, [8, 0], &ipv4(17, &udp(4789, &vxlan(&frame)))),
                ),
            ),
            vec![Layer::Geneve(9), Layer::Vxlan(5)],
        ),
        (
            "gtp_u",
            ether,
            outer(17, &udp(2152, &gtp(0x30, &[], &inner))),
            vec![Layer::GtpU(3)],
        ),
        (
            "gtp_u_with_extensions",
            ether,
            outer(
                17,
                &udp(
                    2152,
                    &gtp(0x34, &[0, 1, 0, 0x85, 1, 0, 0, 0xc0, 1, 0, 0, 0], &inner),
                ),
            ),
            vec![Layer::GtpU(3)],
        ),
    ]
}

fn ip_headers() -> Vec<Case> {
    let segment = tcp(b"GET");
    let option = |next: u8, data: &[u8]| join(&[next, 0, 0, 0, 0, 0, 0, 0], data);
    let authentication = |data: &[u8]| join(&[6, 4, 0, 0], &join(&[0; 20], data));
    let chain = option(43, &option(60, &option(44, &option(6, &segment))));
    let raw = LinkType::RAW;
    vec![
        ("ipv4_options", raw, ipv4_with_options(6, &segment), vec![]),
        ("ipv4_offloaded", raw, ipv4_offloaded(6, &segment), vec![]),
        (
            "ipv4_padded",
            raw,
            join(&ipv4(6, &segment), b"\0\0\0\0"),
            vec![],
        ),
        (
            "ipv4_padded_in_ethernet",
            LinkType::ETHERNET,
            join(&plain_frame(), b"\0\0"),
            vec![],
        ),
        (
            "ipv4_authentication",
            raw,
            ipv4(51, &authentication(&segment)),
            vec![],
        ),
        ("ipv6", raw, ipv6(6, &segment), vec![]),
        ("ipv6_extension_chain", raw, ipv6(0, &chain), vec![]),
        (
            "ipv6_authentication",
            raw,
            ipv6(51, &authentication(&segment)),
            vec![],
        ),
        (
            "tcp_options",
            raw,
            ipv4(6, &tcp_with_options(b"GET")),
            vec![],
        ),
    ]
}

#[test]
fn every_encapsulation_gives_the_same_segment() {
    let cases = [
        link_layers(),
        tags_and_labels(),
        tunnels(),
        ip_headers(),
        fabric::fabrics(),
        fabric::radios(),
        fabric::over_networks(),
    ]
    .concat();
    for (name, link_type, data, layers) in cases {
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        let segment = decapsulator.handle_packet(packet(link_type, &data));
        let segment = segment.unwrap_or_else(|| panic!("{name}: no segment"));
        assert_eq!(segment.payload, b"GET", "{name}");
        assert_eq!(segment.payload_len, 3, "{name}");
        assert_eq!(
            (segment.source.port(), segment.destination.port()),
            (1000, 80),
            "{name}"
        );
        let source = segment.source.ip().to_string();
        assert!(
            ["10.0.0.1", "2001::1"].contains(&source.as_str()),
            "{name}: {source}"
        );
        assert_eq!(
            (segment.seq.0, segment.flags.0, segment.interface),
            (7, 0x18, 3),
            "{name}"
        );
        let id = if segment.source.is_ipv4() { 0x1234 } else { 0 };
        assert_eq!(segment.ip_id, id, "{name}");
        assert_eq!(segment.encapsulation.0.to_vec(), layers, "{name}");
        assert_eq!(refusals(&decapsulator), [], "{name}");
    }
}

#[test]
fn what_gives_no_segment_is_counted_by_its_reason() {
    let ether = LinkType::ETHERNET;
    let deep = (0..80).fold(plain(), |data, n| {
        tag(n, if n == 0 { V4 } else { 0x8100 }, &data)
    });
    let long_chain = (0..12).fold(tcp(b""), |data, n| {
        join(&[if n == 0 { 6 } else { 60 }; 1], &join(&[0; 7], &data))
    });
    let short_header = |mut data: Vec<u8>, at: usize, value: u8| {
        data[at] = value;
        data
    };
    let cases = [
        ("link_type 147", LinkType(147), plain()),
        ("ethertype 0x0806", ether, ethernet(0x0806, &[0; 28])),
        ("llc_sap 0x0042", ether, ethernet(38, &[0x42, 0x42, 3, 0])),
        (
            "ppp_protocol 0xc021",
            LinkType::PPP,
            vec![0xff, 3, 0xc0, 0x21, 1],
        ),
        ("address_family 77", LinkType::NULL, vec![77, 0, 0, 0, 0x45]),
        (
            "ip_protocol 17",
            ether,
            ethernet(V4, &ipv4(17, &udp(53, b"dns"))),
        ),
        ("ip_protocol 1", ether, ethernet(V4, &ipv4(1, &[8, 0]))),
        ("ip_protocol 59", LinkType::RAW, ipv6(59, b"")),
        ("truncated_header", ether, vec![0; 13]),
        ("truncated_header", ether, ethernet(V4, &plain()[..19])),
        ("truncated_header", ether, ethernet(V4, &plain()[..39])),
        ("truncated_header", ether, ethernet(0x8100, &[0, 1, 8])),
        ("malformed_header", LinkType::RAW, vec![0x15; 40]),
        (
            "malformed_header",
            LinkType::RAW,
            short_header(plain(), 0, 0x44),
        ),
        (
            "malformed_header",
            LinkType::RAW,
            short_header(plain(), 3, 19),
        ),
        (
            "malformed_header",
            LinkType::RAW,
            short_header(plain(), 32, 0x40),
        ),
        (
            "malformed_header",
            LinkType::RAW,
            short_header(plain(), 32, 0xf0),
        ),
        ("nesting_budget", ether, ethernet(0x8100, &deep)),
        (
            "ipv6_extension_budget",
            LinkType::RAW,
            ipv6(60, &long_chain),
        ),
    ];
    for (reason, link_type, data) in cases.into_iter().chain(fabric::refused()) {
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        assert!(
            decapsulator
                .handle_packet(packet(link_type, &data))
                .is_none(),
            "{reason}"
        );
        assert_eq!(refusals(&decapsulator), [(reason.to_owned(), 1)]);
    }
}

#[test]
fn numbers_beyond_the_bound_are_counted_together() {
    let settings = DecapSettings {
        unknown_numbers_max: 2,
        ..DecapSettings::default()
    };
    let mut decapsulator = Decapsulator::new(settings);
    for number in [900, 901, 902, 903, 900] {
        decapsulator.handle_packet(packet(LinkType(number), b""));
    }
    let expected = [
        ("link_type 900", 2),
        ("link_type 901", 1),
        ("link_type other", 2),
    ];
    assert_eq!(
        refusals(&decapsulator),
        expected.map(|(name, n)| (name.to_owned(), n))
    );
}

#[test]
fn what_is_not_decoded_counts_for_the_feed_it_came_by() {
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    decapsulator.set_source(1);
    let esp = ethernet(0x8100, &tag(7, V4, &ipv4(94, b"")));
    let unknown = ethernet(0x8100, &tag(7, 0x1234, b""));
    let arp = ethernet(0x8100, &tag(8, 0x0806, b""));
    for frame in [&esp, &unknown, &arp] {
        let packet = packet(LinkType::ETHERNET, frame);
        assert!(decapsulator.handle_packet(packet).is_none());
    }
    let feeds = decapsulator.undecoded();
    let [(Some(feed), packets)] = feeds.as_slice() else {
        panic!("{feeds:?}");
    };
    assert_eq!((feed.source, feed.vlan, *packets), (1, Some(7), 2));
    let hidden: u64 = decapsulator
        .counters()
        .iter()
        .filter(|counter| counter.name == "decap_packets_undecoded_total")
        .map(|counter| counter.value)
        .sum();
    assert_eq!(hidden, 2);
}

/// The capture cut the packet: what is missing is known from the IP header.
#[test]
fn a_cut_packet_keeps_its_length_on_the_wire() {
    let payload = [b'x'; 1000];
    let frames = [
        ("plain", ethernet(V4, &ipv4(6, &tcp(&payload)))),
        (
            "tagged",
            ethernet(0x8100, &tag(1, V4, &ipv4(6, &tcp(&payload)))),
        ),
        ("ipv6", ethernet(V6, &ipv6(6, &tcp(&payload)))),
        ("tunnel", ethernet(V4, &ipv4(4, &ipv6(6, &tcp(&payload))))),
        (
            "offloaded",
            ethernet(V4, &ipv4_offloaded(6, &tcp(&payload))),
        ),
        (
            "options_cut",
            ethernet(V4, &ipv4(6, &tcp_with_options(&payload))),
        ),
    ];
    for (name, frame) in frames {
        let header = frame.len() - payload.len();
        for captured in [header, header + 1, header + 999] {
            let whole = packet(LinkType::ETHERNET, &frame);
            let cut = RawPacket {
                data: &frame[..captured],
                ..whole
            };
            let mut decapsulator = Decapsulator::new(DecapSettings::default());
            let segment = decapsulator.handle_packet(cut).expect(name);
            assert_eq!(
                segment.payload.len(),
                captured - header,
                "{name} {captured}"
            );
            assert_eq!(segment.payload_len, 1000, "{name} {captured}");
        }
    }
    // Cut inside the TCP options: nothing of the payload, but its place and length.
    let frame = ethernet(V4, &ipv4(6, &tcp_with_options(&payload)));
    let cut = RawPacket {
        data: &frame[..60],
        ..packet(LinkType::ETHERNET, &frame)
    };
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    let segment = decapsulator.handle_packet(cut).expect("a segment");
    assert_eq!((segment.payload.len(), segment.payload_len), (0, 1000));
}
