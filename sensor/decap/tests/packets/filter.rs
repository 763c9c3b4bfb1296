//! Which segments a filter keeps, how it counts the others, and what it says of a rule it cannot
//! read.

use tapscope_decap::filter::{Filter, FilterRule};
use tapscope_decap::{DecapSettings, Decapsulator, LinkType};

use crate::headers::{ethernet, ipv4, ipv6, join, packet, refusals, tag, tcp, udp};

/// A frame between 10.0.0.1:1000 and 10.0.0.2:80 (or the same in IPv6) inside what `name` says.
fn frame(name: &str) -> Vec<u8> {
    let plain = ethernet(0x0800, &ipv4(6, &tcp(b"GET")));
    match name {
        "v4" => plain,
        "v6" => ethernet(0x86dd, &ipv6(6, &tcp(b"GET"))),
        "vlan 7 in 12" => ethernet(
            0x8100,
            &tag(12, 0x8100, &tag(7, 0x0800, &ipv4(6, &tcp(b"GET")))),
        ),
        "vxlan 5" => {
            let vxlan = join(&[0x08, 0, 0, 0, 0, 0, 5, 0], &plain);
            ethernet(0x0800, &ipv4(17, &udp(4789, &vxlan)))
        }
        _ => unreachable!("{name}"),
    }
}

#[test]
fn rules_name_segments_by_what_is_inside() {
    let all = ["v4", "v6", "vlan 7 in 12", "vxlan 5"];
    let cases: [(&str, &[&str]); 20] = [
        ("", &all),
        ("exclude port 80", &[]),
        ("exclude port 81", &all),
        ("exclude port 1-79", &all),
        ("exclude port 81,70-80", &[]),
        ("exclude net 10.0.0.0/8", &["v6"]),
        ("exclude net 10.0.0.0/8,2001::/16", &[]),
        ("exclude net 0.0.0.0/0", &["v6"]),
        ("exclude net ::/0", &["v4", "vlan 7 in 12", "vxlan 5"]),
        ("exclude net 10.0.0.2", &["v6"]),
        ("exclude net 10.0.0.3", &all),
        // The same end: 10.0.0.1 has port 1000 and not 80.
        ("exclude net 10.0.0.1 port 80", &all),
        ("exclude net 10.0.0.2 port 80", &["v6"]),
        ("include vlan 7", &["vlan 7 in 12"]),
        ("include vlan 12", &["vlan 7 in 12"]),
        ("include vlan 8-11", &[]),
        (
            "include vni 5\ninclude vlan 7",
            &["vlan 7 in 12", "vxlan 5"],
        ),
        ("include vni 5 vlan 7", &[]),
        (
            "include port 80\nexclude vni 5",
            &["v4", "v6", "vlan 7 in 12"],
        ),
        (
            "# what the shop speaks\n\n  exclude   vni 0-4  # not ours\n",
            &all,
        ),
    ];
    for (text, kept) in cases {
        let mut decapsulator = Decapsulator::new(DecapSettings::default());
        decapsulator.set_filter(text.parse().expect(text));
        let mut seen = Vec::new();
        for name in all {
            let data = frame(name);
            if decapsulator
                .handle_packet(packet(LinkType::ETHERNET, &data))
                .is_some()
            {
                seen.push(name);
            }
        }
        assert_eq!(seen, kept, "{text}");
        let refused: u64 = refusals(&decapsulator).iter().map(|(_, count)| count).sum();
        assert_eq!(refused, 4 - kept.len() as u64, "{text}");
    }
}

#[test]
fn what_a_rule_left_out_is_counted_across_a_change() {
    let mut decapsulator = Decapsulator::new(DecapSettings::default());
    let feed = |decapsulator: &mut Decapsulator, name: &str| {
        decapsulator.handle_packet(packet(LinkType::ETHERNET, &frame(name)));
    };
    decapsulator.set_filter("exclude vni 5\nexclude vlan 7".parse().unwrap());
    feed(&mut decapsulator, "vxlan 5");
    feed(&mut decapsulator, "vlan 7 in 12");
    decapsulator.set_filter("include port 1\nexclude vni 5".parse().unwrap());
    feed(&mut decapsulator, "vxlan 5");
    feed(&mut decapsulator, "v4");
    let expected = [
        ("filter: exclude vni 5", 2),
        ("filter: no include names it", 1),
        ("filter: a rule no longer there", 1),
    ];
    assert_eq!(
        refusals(&decapsulator),
        expected.map(|(reason, count)| (reason.to_owned(), count))
    );
    decapsulator.set_filter(Filter::default());
    feed(&mut decapsulator, "v4");
    let refused: u64 = refusals(&decapsulator).iter().map(|(_, count)| count).sum();
    assert_eq!(refused, 4);
}

#[test]
fn what_cannot_be_read_is_said_in_one_line() {
    let cases = [
        (
            "drop port 80",
            "'drop' is no action; a rule starts with include or exclude",
        ),
        (
            "exclude",
            "'exclude' has no condition; use net, port, vlan or vni",
        ),
        ("exclude port", "'port' has no value after it"),
        (
            "exclude port 80 port 81",
            "'port' stands twice in one rule; separate its values by commas",
        ),
        (
            "exclude net 10.0.0.0/8 net 11.0.0.0/8",
            "'net' stands twice in one rule; separate its values by commas",
        ),
        (
            "exclude host a",
            "'host' is no condition; use net, port, vlan or vni",
        ),
        (
            "exclude port 65536",
            "'65536' is no port; use a number up to 65535 or a range such as 1-9",
        ),
        (
            "exclude vlan 9-1",
            "'9-1' is no vlan; use a number up to 4095 or a range such as 1-9",
        ),
        (
            "exclude vni ,",
            "'' is no vni; use a number up to 16777215 or a range such as 1-9",
        ),
        (
            "exclude net 10.0.0.0/33",
            "'10.0.0.0/33' is no address and no CIDR block",
        ),
        (
            "exclude net shop.example",
            "'shop.example' is no address and no CIDR block",
        ),
    ];
    for (text, message) in cases {
        let error = text.parse::<FilterRule>().expect_err(text);
        assert_eq!(error.to_string(), message);
    }
    let error = "include port 1\n\nexclude x y"
        .parse::<Filter>()
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 3: 'x' is no condition; use net, port, vlan or vni"
    );
    let rules = vec!["include port 1".parse::<FilterRule>().unwrap(); 257];
    assert!(Filter::new(rules).is_err());
}
