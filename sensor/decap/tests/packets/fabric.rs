//! Encapsulations that are seldom met: what fabrics, radios, routers and transition networks add.

use tapscope_decap::{Layer, LinkType};

use crate::headers::{ethernet, ipv4, ipv6, join, label, tag, tcp, udp};
use crate::situations::Case;

const V4: usize = 0x0800;

fn plain() -> Vec<u8> {
    ipv4(6, &tcp(b"GET"))
}

fn frame() -> Vec<u8> {
    ethernet(V4, &plain())
}

fn over_ip(protocol: u8, data: &[u8]) -> Vec<u8> {
    ethernet(V4, &ipv4(protocol, data))
}

fn over_udp(port: usize, header: &[u8], data: &[u8]) -> Vec<u8> {
    over_ip(17, &udp(port, &join(header, data)))
}

fn gre(header: &[u8], data: &[u8]) -> Vec<u8> {
    over_ip(47, &join(header, data))
}

fn snap() -> Vec<u8> {
    join(&[0xaa, 0xaa, 3, 0, 0, 0, 8, 0], &plain())
}

/// A data frame with a quality-of-service field, to the system.
fn wlan(flags: u8) -> Vec<u8> {
    let mut header = vec![0x88, flags];
    header.resize(26, 0);
    join(&header, &snap())
}

/// Tags of fabrics.
pub(crate) fn fabrics() -> Vec<Case> {
    let ether = LinkType::ETHERNET;
    let tagged =
        |ethertype: usize, header: &[u8], data: &[u8]| ethernet(ethertype, &join(header, data));
    vec![
        (
            "vn_tag",
            ether,
            tagged(0x8926, &[0x80, 0, 0x00, 0x2a, 8, 0], &plain()),
            vec![Layer::VnTag(42)],
        ),
        (
            "vn_tag_around_vlan",
            ether,
            tagged(
                0x8926,
                &[0x80, 0, 0xf0, 0x2a, 0x81, 0],
                &tag(7, V4, &plain()),
            ),
            vec![Layer::VnTag(42), Layer::Vlan(7)],
        ),
        (
            "e_tag",
            ether,
            tagged(0x893f, &[0, 0, 0xd0, 5, 0, 1, 8, 0], &plain()),
            vec![Layer::ETag(1 << 14 | 0x1005)],
        ),
        (
            "provider_backbone",
            ether,
            tagged(0x88e7, &[0, 0, 1, 2], &frame()),
            vec![Layer::ProviderBackbone(258)],
        ),
        (
            "cisco_metadata",
            ether,
            tagged(0x8909, &[1, 1, 0, 1, 0, 9, 8, 0], &plain()),
            vec![Layer::CiscoMetadata(9)],
        ),
        (
            "fabric_path",
            ether,
            tagged(0x8903, &[0, 0x60], &frame()),
            vec![Layer::FabricPath(1)],
        ),
        (
            "vlan_9300",
            ether,
            tagged(0x9300, &[], &tag(7, V4, &plain())),
            vec![Layer::Vlan(7)],
        ),
        (
            "nsh_with_context",
            ether,
            tagged(
                0x894f,
                &[0x0f, 0xc6, 1, 3, 0, 0, 9, 255],
                &join(&[0; 16], &frame()),
            ),
            vec![Layer::Nsh(9)],
        ),
        (
            // The address of the frame starts as an IPv4 header does.
            "mpls_pseudowire_to_an_address_that_looks_like_ip",
            ether,
            ethernet(
                0x8847,
                &label(16, true, &{
                    let mut frame = frame();
                    frame[0] = 0x45;
                    frame
                }),
            ),
            vec![Layer::Mpls(16)],
        ),
    ]
}

/// Radios and the tunnels that bring their frames.
pub(crate) fn radios() -> Vec<Case> {
    let mut prism = vec![0; 144];
    prism[4..8].copy_from_slice(&144u32.to_le_bytes());
    let mut avs = vec![0; 64];
    avs[..8].copy_from_slice(&[0x80, 0x21, 0x10, 1, 0, 0, 0, 64]);
    let radiotap = [0, 0, 9, 0, 0, 0, 0, 0, 0];
    let ppi = [0, 0, 8, 0, 105, 0, 0, 0];
    let mut wide = vec![0x88, 0x83];
    // Both distribution system bits, quality of service, and a high-throughput control field.
    wide.resize(24 + 6 + 2 + 4, 0);
    let mut padded = vec![0x88, 1];
    padded.resize(28, 0);
    let wlan_of = |link_type, header: &[u8], data: &[u8]| (link_type, join(header, data));
    let cases = [
        ("wlan", wlan_of(LinkType::IEEE802_11, &[], &wlan(1))),
        (
            "wlan_four_addresses",
            wlan_of(LinkType::IEEE802_11, &wide, &snap()),
        ),
        (
            "wlan_padded",
            wlan_of(LinkType::IEEE802_11, &padded, &snap()),
        ),
        (
            "radiotap",
            wlan_of(LinkType::IEEE802_11_RADIOTAP, &radiotap, &wlan(1)),
        ),
        (
            "prism",
            wlan_of(LinkType::IEEE802_11_PRISM, &prism, &wlan(1)),
        ),
        ("avs", wlan_of(LinkType::IEEE802_11_AVS, &avs, &wlan(1))),
        ("ppi", wlan_of(LinkType::PPI, &ppi, &wlan(2))),
    ];
    let mut cases: Vec<Case> = cases
        .into_iter()
        .map(|(name, (link_type, data))| (name, link_type, data, vec![Layer::Wlan]))
        .collect();
    cases.push((
        "gre_of_an_access_point",
        LinkType::ETHERNET,
        gre(&[0, 0, 0x82, 0], &wlan(1)),
        vec![Layer::Gre(0), Layer::Wlan],
    ));
    cases.push((
        "tzsp_wlan",
        LinkType::ETHERNET,
        over_udp(37_008, &[1, 0, 0, 18, 1], &wlan(1)),
        vec![Layer::Tzsp, Layer::Wlan],
    ));
    cases.push((
        "ppp_with_direction",
        LinkType::PPP_WITH_DIRECTION,
        join(&[1, 0xff, 3, 0, 0x21], &plain()),
        vec![],
    ));
    cases
}

/// Tunnels over IP and UDP.
pub(crate) fn over_networks() -> Vec<Case> {
    let ether = LinkType::ETHERNET;
    let ayiya = {
        let mut header = vec![0x41, 0x52, 0x11, 41];
        header.resize(8 + 16 + 20, 0);
        join(&header, &ipv6(6, &tcp(b"GET")))
    };
    // Security index, sequence number, packet, padding, its length, next header, check value.
    let esp = [
        &[0, 0, 0, 9, 0, 0, 0, 1][..],
        &plain(),
        &[1, 2, 3, 3, 4],
        &[0xaa; 12],
    ]
    .concat();
    let nsh = [0x0f, 0xc2, 2, 1, 0, 0, 9, 255];
    vec![
        (
            "gre_routing",
            ether,
            gre(
                &[
                    0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0,
                ],
                &plain(),
            ),
            vec![Layer::Gre(0)],
        ),
        (
            "gre_wccp_1",
            ether,
            gre(&[0, 0, 0x88, 0x3e], &plain()),
            vec![Layer::Gre(0)],
        ),
        (
            "gre_wccp_2",
            ether,
            gre(&[0, 0, 0x88, 0x3e, 0, 0, 0, 0], &plain()),
            vec![Layer::Gre(0)],
        ),
        (
            "gre_nsh",
            ether,
            gre(&[0, 0, 0x89, 0x4f], &join(&nsh, &plain())),
            vec![Layer::Gre(0), Layer::Nsh(9)],
        ),
        (
            "erspan_3_with_the_number_of_type_2",
            ether,
            gre(
                &[
                    0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x20, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0,
                ],
                &frame(),
            ),
            vec![Layer::Gre(0), Layer::Erspan(6)],
        ),
        (
            "gre_in_udp",
            ether,
            over_udp(4754, &[0x20, 0, 8, 0, 0, 0, 0, 3], &plain()),
            vec![Layer::Gre(3)],
        ),
        (
            "mpls_in_udp",
            ether,
            over_udp(6635, &label(20, true, &[]), &plain()),
            vec![Layer::Mpls(20)],
        ),
        (
            "vxlan_with_reserved_bits",
            ether,
            over_udp(4789, &[0xff, 0xff, 0xff, 1, 0, 0, 5, 0xff], &frame()),
            vec![Layer::Vxlan(5)],
        ),
        (
            "vxlan_gpe_nsh",
            ether,
            over_udp(4790, &[0x0c, 0, 0, 4, 0, 0, 5, 0], &join(&nsh, &plain())),
            vec![Layer::Vxlan(5), Layer::Nsh(9)],
        ),
        (
            "vxlan_gpe_without_identifier",
            ether,
            over_udp(4790, &[0x04, 0, 0, 3, 0, 0, 0, 0], &frame()),
            vec![Layer::Vxlan(0)],
        ),
        (
            "tzsp_with_tags",
            ether,
            over_udp(37_008, &[1, 0, 0, 1, 10, 2, 9, 9, 0, 1], &frame()),
            vec![Layer::Tzsp],
        ),
        (
            "l2tp_2",
            ether,
            over_udp(
                1701,
                &[
                    0x4a, 2, 0, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 9, 9, 0xff, 3, 0, 0x21,
                ],
                &plain(),
            ),
            vec![Layer::L2tp(0x0001_0002)],
        ),
        (
            "l2tp_3_with_cookie_over_udp",
            ether,
            over_udp(
                1701,
                &[0, 3, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0],
                &frame(),
            ),
            vec![Layer::L2tp(7)],
        ),
        (
            "l2tp_3",
            ether,
            over_ip(115, &join(&[0, 0, 0, 7], &frame())),
            vec![Layer::L2tp(7)],
        ),
        (
            "ayiya",
            ether,
            over_udp(5072, &[], &ayiya),
            vec![Layer::Ayiya],
        ),
        (
            "esp_null",
            ether,
            over_ip(50, &esp),
            vec![Layer::EspNull(9)],
        ),
        (
            "ether_ip",
            ether,
            over_ip(97, &join(&[0x30, 0], &frame())),
            vec![Layer::EtherIp],
        ),
        (
            "segment_routing",
            ether,
            ethernet(0x86dd, &ipv6(143, &frame())),
            vec![Layer::EtherIp],
        ),
    ]
}

/// Teredo between any ports, with what a server puts in front; and datagrams that only look alike.
#[test]
fn teredo_is_told_by_its_content() {
    use tapscope_decap::{DecapSettings, Decapsulator};

    // 2001::1 is in Teredo's prefix.
    let inner = ipv6(6, &tcp(b"GET"));
    let authentication = join(&[0, 1, 2, 1], &[0; 2 + 1 + 9]);
    let origin = [0, 0, 1, 2, 3, 4, 5, 6];
    let both = join(&authentication, &origin);
    let damaged = |at: usize| {
        let mut packet = inner.clone();
        packet[at] ^= 0x10;
        packet
    };
    let both_ends_elsewhere = |packet: &[u8]| {
        let mut packet = packet.to_vec();
        packet[9] ^= 0x10;
        packet[25] ^= 0x10;
        packet
    };
    let cases = [
        (inner.clone(), true),
        (join(&origin, &inner), true),
        (join(&authentication, &inner), true),
        (join(&both, &inner), true),
        // Only one end needs the prefix.
        (damaged(9), true),
        (both_ends_elsewhere(&inner), false),
        (damaged(0), false),
        (damaged(5), false),
        (join(&inner, b"x"), false),
        (inner[..39].to_vec(), false),
    ];
    for (at, (data, expected)) in cases.into_iter().enumerate() {
        let packet = over_udp(3797, &[], &data);
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        let segment =
            decapsulator.handle_packet(crate::headers::packet(LinkType::ETHERNET, &packet));
        let layers = segment.map(|segment| segment.encapsulation.0.to_vec());
        assert_eq!(layers.is_some(), expected, "case {at}");
        if let Some(layers) = layers {
            assert_eq!(layers, [Layer::Teredo], "case {at}");
        }
    }
}

/// What carries no packet in the clear is counted by its kind.
pub(crate) fn refused() -> Vec<(&'static str, LinkType, Vec<u8>)> {
    let mut fragment = wlan(1);
    fragment[22] = 1;
    let mut aggregate = wlan(1);
    aggregate[24] = 0x80;
    let mut beacon = wlan(0);
    beacon[0] = 0x80;
    let ether = LinkType::ETHERNET;
    vec![
        ("wlan_frame 0x0088", LinkType::IEEE802_11, wlan(0x41)),
        ("wlan_frame 0x0088", LinkType::IEEE802_11, wlan(0x05)),
        ("wlan_frame 0x0088", LinkType::IEEE802_11, fragment),
        ("wlan_frame 0x0088", LinkType::IEEE802_11, aggregate),
        ("wlan_frame 0x0080", LinkType::IEEE802_11, beacon),
        (
            "malformed_header",
            LinkType::PPI,
            vec![0, 0, 8, 0, 192, 0, 0, 0, 0],
        ),
        (
            "nsh_protocol 9",
            ether,
            ethernet(0x894f, &[0, 2, 1, 9, 0, 0, 0, 0]),
        ),
        (
            "link_type 4",
            ether,
            over_udp(37_008, &[1, 0, 0, 4, 1], &frame()),
        ),
        (
            "ip_protocol 17",
            ether,
            over_udp(1701, &[0xc8, 2, 0, 0], &[0; 8]),
        ),
        ("ip_protocol 50", ether, over_ip(50, &[0x5a; 64])),
        ("malformed_header", ether, over_ip(115, &[1; 64])),
    ]
}
