//! Corners of TCP and of captures that cost a mistake once.

use crate::support::{FIN, SYN, Seen, Wire, client, count, run, run_with, server};
use tapscope_flow::{CloseReason, FlowSettings, GapReason};

#[test]
fn what_the_capture_cut_off_is_named_behind_the_next_chunk() {
    // The second segment was cut to nothing; a piece of it came again, also cut off by what follows.
    let seen = run(&[
        client(100, b"").flags(SYN),
        server(500, b"").flags(SYN).ack(101),
        client(111, b"").cut(20),
        client(112, b"xyz"),
        client(101, b"0123456789"),
    ]);
    let side = &seen.only().side_a;
    assert_eq!(side.text(), "0123456789.xyz................");
    let truncated = GapReason::Truncated;
    assert_eq!(side.gaps, [(10, 1, truncated), (14, 16, truncated)]);
}

#[test]
fn a_second_copy_does_not_win_over_one_that_came_where_a_segment_was_cut_off() {
    let (seen, table) = run_with(
        FlowSettings::default(),
        &[
            client(100, b"").flags(SYN),
            server(500, b"").flags(SYN).ack(101),
            client(111, b"").cut(4),
            client(111, b"good"),
            client(111, b"evil and more"),
            client(101, b"0123456789"),
        ],
    );
    assert_eq!(seen.only().side_a.text(), "0123456789good and more");
    assert_eq!(count(&table, "flow_conflicts_seen_total", None), 1);
}

#[test]
fn data_in_the_syn_is_the_start_of_both_streams() {
    let seen = run(&[
        client(100, b"GET / ").flags(SYN),
        server(500, b"").flags(SYN).ack(107),
        client(107, b"HTTP/1.1").ack(501),
        server(501, b"answer").ack(115),
    ]);
    assert_eq!(seen.only().side_a.text(), "GET / HTTP/1.1");
    assert_eq!(seen.only().side_b.text(), "answer");
    assert!(
        seen.events[0].contains("from_start: true"),
        "{:?}",
        seen.events[0]
    );
}

#[test]
fn what_the_client_acknowledges_first_corrects_the_number_of_the_answer() {
    // A middlebox answered the SYN, and the server has other numbers.
    for start in [500, 2_000_000_000, 4_000_000_000] {
        let seen = run(&[
            client(100, b"").flags(SYN),
            server(16_000_000, b"").flags(SYN).ack(101),
            server(16_000_000, b"").flags(SYN).ack(101),
            client(101, b"").ack(start),
            client(101, b"ask").ack(start),
            server(start, b"answer").ack(104),
            client(104, b"").ack(start + 6),
        ]);
        assert_eq!(seen.only().side_a.text(), "ask");
        assert_eq!(seen.only().side_b.text(), "answer");
        assert_eq!(seen.only().side_b.gaps, []);
    }
}

#[test]
fn an_acknowledgement_of_another_connection_moves_nothing() {
    // Of the client nothing was seen; then it acknowledges what is far from the server's stream,
    // which is another connection's on the same ports.
    let seen = run(&[
        server(1_000, b"abc"),
        client(5, b"").ack(900_000_000),
        server(900_000_000, b"far away"),
        server(1_003, b"def"),
    ]);
    assert_eq!(seen.only().side_a.text(), "abcdef");
    assert_eq!(seen.only().side_a.gaps, []);
}

/// A dialogue in a VLAN; every tenant has its own numbers and says its name.
fn tenant(name: &str, isn: u32, up: u16, down: u16) -> Vec<Wire> {
    let (c, s) = (isn, isn.wrapping_add(0x7000_0000));
    let ask = format!("ask {name}.");
    let answer = format!("answer {name}.");
    let (asked, answered) = (ask.len() as u32, answer.len() as u32);
    let next = |at: u32, by: u32| at.wrapping_add(1 + by);
    vec![
        client(c, b"").flags(SYN).vlan(up),
        server(s, b"").flags(SYN).ack(next(c, 0)).vlan(down),
        client(next(c, 0), b"").ack(next(s, 0)).vlan(up),
        client(next(c, 0), ask.as_bytes()).ack(next(s, 0)).vlan(up),
        server(next(s, 0), answer.as_bytes())
            .ack(next(c, asked))
            .vlan(down),
        client(next(c, asked), ask.as_bytes())
            .ack(next(s, answered))
            .vlan(up),
        server(next(s, answered), answer.as_bytes())
            .ack(next(c, 2 * asked))
            .vlan(down),
        client(next(c, 2 * asked), b"")
            .ack(next(s, 2 * answered))
            .flags(FIN)
            .vlan(up),
        server(next(s, 2 * answered), b"")
            .ack(next(c, 2 * asked + 1))
            .flags(FIN)
            .vlan(down),
    ]
}

/// One segment of each in turn.
fn at_once(tenants: &[Vec<Wire>]) -> Vec<Wire> {
    let longest = tenants.iter().map(Vec::len).max().unwrap();
    let turns = (0..longest).flat_map(|turn| tenants.iter().filter_map(move |it| it.get(turn)));
    turns.cloned().collect()
}

/// What each connection said, sorted.
fn said(seen: &Seen) -> Vec<(String, String)> {
    let conns = seen.connections.values();
    let mut said: Vec<_> = conns
        .map(|it| (it.side_a.text(), it.side_b.text()))
        .collect();
    said.sort();
    said
}

fn dialogue(name: &str) -> (String, String) {
    (
        format!("ask {name}.ask {name}."),
        format!("answer {name}.answer {name}."),
    )
}

#[test]
fn tenants_with_the_same_addresses_in_two_vlans_are_two_connections() {
    // The tags differ by direction in the second case, by tenant only in the first.
    for [a, b] in [[(10, 10), (20, 20)], [(10, 11), (20, 21)]] {
        let wires = at_once(&[
            tenant("one", 1_000_000, a.0, a.1),
            tenant("two", 3_000_000_000, b.0, b.1),
        ]);
        let seen = run(&wires);
        assert_eq!(
            said(&seen),
            [dialogue("one"), dialogue("two")],
            "{a:?} {b:?}"
        );
    }
}

#[test]
fn tenants_joined_midway_are_two_connections_too() {
    let one = tenant("one", 1_000_000, 10, 10).split_off(3);
    let two = tenant("two", 3_000_000_000, 20, 20).split_off(3);
    assert_eq!(
        said(&run(&at_once(&[one, two]))),
        [dialogue("one"), dialogue("two")]
    );
}

#[test]
fn more_tenants_than_are_kept_apart_are_not_mixed() {
    let tenants: Vec<_> = (0..6)
        .map(|n| {
            tenant(
                &n.to_string(),
                600_000_000 * n,
                10 + n as u16,
                10 + n as u16,
            )
        })
        .collect();
    let seen = run(&at_once(&tenants));
    let whole: Vec<_> = (0..6).map(|n| dialogue(&n.to_string())).collect();
    let said = said(&seen);
    let kept = said.iter().filter(|it| whole.contains(it)).count();
    assert_eq!(kept, 4, "{said:?}");
    let of_one = |text: &str| (0..6).filter(|n| text.contains(&n.to_string())).count() <= 1;
    assert!(
        said.iter().all(|(up, down)| of_one(up) && of_one(down)),
        "{said:?}"
    );
}

#[test]
fn directions_and_copies_with_other_tags_are_one_connection() {
    let mut wires = Vec::new();
    for wire in tenant("one", 1_000_000, 10, 11) {
        wires.push(wire.clone());
        wires.push(wire.vlan(99));
    }
    assert_eq!(said(&run(&wires)), [dialogue("one")]);
}

#[test]
fn ports_that_are_used_again_in_another_vlan_after_the_end_are_another_connection() {
    let mut wires = tenant("one", 1_000_000, 10, 10);
    wires.extend(tenant("two", 3_000_000_000, 20, 20));
    let seen = run(&wires);
    assert_eq!(said(&seen), [dialogue("one"), dialogue("two")]);
    let reused = |it: &&crate::support::ConnectionSeen| it.close == Some(CloseReason::Reused);
    assert_eq!(seen.connections.values().filter(reused).count(), 1);
}
