//! What the stage makes of each situation on the wire, one case a situation.

use crate::support::{
    ACK, FIN, RST, SYN, Wire, after_handshake, client, count, run, run_with, server, sides,
};
use tapscope_flow::{CloseReason, EndReason, FlowSettings, GapReason, Side};

/// One situation: what is sent, and the two streams with `.` for missing bytes.
struct Case {
    name: &'static str,
    wires: Vec<Wire>,
    client: &'static str,
    server: &'static str,
}

fn case(name: &'static str, wires: Vec<Wire>, client: &'static str, server: &'static str) -> Case {
    Case {
        name,
        wires,
        client,
        server,
    }
}

fn check(cases: Vec<Case>) {
    for case in cases {
        let seen = run(&case.wires);
        assert_eq!(
            sides(seen.only()),
            (case.client.to_owned(), case.server.to_owned()),
            "{}: {:#?}",
            case.name,
            seen.events
        );
    }
}

#[test]
fn order_and_repetition() {
    check(vec![
        case(
            "in_order",
            after_handshake([
                client(101, b"GET").ack(501),
                server(501, b"200").ack(104),
                client(104, b"MORE").ack(504),
            ]),
            "GETMORE",
            "200",
        ),
        case(
            "swapped",
            after_handshake([client(104, b"def"), client(101, b"abc"), client(107, b"g")]),
            "abcdefg",
            "",
        ),
        case(
            "reversed",
            after_handshake([
                client(107, b"ghi"),
                client(104, b"def"),
                client(101, b"abc"),
            ]),
            "abcdefghi",
            "",
        ),
        case(
            "retransmitted_whole",
            after_handshake([client(101, b"abc"), client(101, b"abc"), client(104, b"d")]),
            "abcd",
            "",
        ),
        case(
            "retransmitted_in_one_larger_segment",
            after_handshake([client(101, b"abc"), client(101, b"abcdef")]),
            "abcdef",
            "",
        ),
        case(
            "overlap_before_held",
            after_handshake([client(105, b"ef"), client(101, b"abcde"), client(107, b"g")]),
            "abcdefg",
            "",
        ),
        case(
            "overlap_around_held",
            after_handshake([client(103, b"c"), client(102, b"bcd"), client(101, b"a")]),
            "abcd",
            "",
        ),
        case(
            "filled_over_two_held",
            after_handshake([
                client(103, b"c"),
                client(106, b"f"),
                client(101, b"abcdefgh"),
            ]),
            "abcdefgh",
            "",
        ),
        case(
            "sequence_wrap",
            vec![
                client(u32::MAX - 2, b"").flags(SYN),
                client(u32::MAX - 1, b"ab"),
                client(2, b"ef"),
                client(0, b"cd"),
            ],
            "abcdef",
            "",
        ),
        case(
            "keep_alive_probes",
            after_handshake([
                client(101, b"abc"),
                client(103, b""),
                client(103, b"\0"),
                client(104, b"d"),
            ]),
            "abcd",
            "",
        ),
        case(
            "zero_window_probe_byte",
            after_handshake([client(101, b"abc"), client(104, b"d"), client(104, b"def")]),
            "abcdef",
            "",
        ),
    ]);
}

#[test]
fn loss() {
    check(vec![
        case(
            "lost_then_acknowledged",
            after_handshake([
                client(101, b"abc"),
                client(107, b"ghi"),
                server(501, b"").ack(110),
                client(110, b"jkl").ms(500),
            ]),
            "abc...ghijkl",
            "",
        ),
        case(
            "lost_before_the_mirror_and_repeated_after_the_time_out",
            after_handshake([
                client(101, b"abc"),
                client(107, b"ghi"),
                server(501, b"").ack(104),
                client(104, b"def").ms(1200).ack(501),
            ]),
            "abcdefghi",
            "",
        ),
        case(
            "acknowledged_before_it_was_delivered",
            after_handshake([
                client(107, b"ghi"),
                server(501, b"").ack(110),
                client(101, b"abcdef"),
            ]),
            "abcdefghi",
            "",
        ),
        case(
            "first_segment_lost",
            after_handshake([client(104, b"def"), server(501, b"ok").ack(107)]),
            "...def",
            "ok",
        ),
        case(
            "tail_lost",
            after_handshake([client(101, b"abc"), server(501, b"").ack(107)]),
            "abc...",
            "",
        ),
        case(
            "lost_before_fin",
            after_handshake([client(101, b"abc"), client(107, b"").flags(FIN)]),
            "abc...",
            "",
        ),
        case(
            "cut_by_the_snap_length",
            after_handshake([client(101, b"abc").cut(6), client(107, b"ghi")]),
            "abc...ghi",
            "",
        ),
        case(
            "cut_to_nothing",
            after_handshake([client(101, b"").cut(3), client(104, b"def")]),
            "...def",
            "",
        ),
        case(
            "cut_and_out_of_order",
            after_handshake([
                client(104, b"d").cut(3),
                client(107, b"g"),
                client(101, b"abc"),
            ]),
            "abcd..g",
            "",
        ),
        case(
            "cut_in_order_up_to_held",
            after_handshake([
                client(104, b"def"),
                client(101, b"a").cut(6),
                client(107, b"g"),
            ]),
            "a..defg",
            "",
        ),
        case(
            "client_side_only",
            vec![
                client(100, b"").flags(SYN),
                client(101, b"abc").ack(501),
                client(104, b"def").ack(521),
                client(107, b"").flags(FIN).ack(521),
            ],
            "abcdef",
            "....................",
        ),
    ]);
}

#[test]
fn start() {
    check(vec![
        case(
            "syn_with_data",
            vec![client(100, b"abc").flags(SYN), client(104, b"d")],
            "abcd",
            "",
        ),
        case(
            "midstream",
            vec![
                client(7_000, b"abc").ack(9_000),
                server(9_000, b"ok").ack(7_003),
            ],
            "abc",
            "ok",
        ),
        case(
            "midstream_answer_with_its_first_segment_lost",
            vec![
                client(7_000, b"abc").ack(9_000),
                server(9_002, b"ok").ack(7_003),
            ],
            "abc",
            "..ok",
        ),
        case(
            "midstream_answer_acknowledged_before_it_was_delivered",
            vec![
                client(7_000, b"abc").ack(9_002),
                server(9_000, b"old").ack(7_000),
                server(9_003, b"new").ack(7_003),
            ],
            "abc",
            "dnew",
        ),
        case(
            "midstream_acknowledgement_that_cannot_be",
            vec![
                client(7_000, b"abc").ack(9),
                server(9_000_000, b"ok").ack(7_003),
            ],
            "abc",
            "ok",
        ),
        case(
            "syn_delivered_after_its_data",
            vec![
                client(101, b"abc"),
                client(100, b"").flags(SYN),
                client(104, b"d"),
            ],
            "abcd",
            "",
        ),
        case(
            "syn_repeated",
            vec![
                client(100, b"").flags(SYN),
                client(100, b"").flags(SYN).ms(1_000),
                server(500, b"").flags(SYN).ack(101),
                client(101, b"abc"),
            ],
            "abc",
            "",
        ),
        case(
            "syn_repeated_with_another_number",
            vec![
                client(100, b"").flags(SYN),
                client(900, b"").flags(SYN),
                server(500, b"").flags(SYN).ack(901),
                client(901, b"abc").ack(501),
            ],
            "abc",
            "",
        ),
        case(
            "answer_tells_which_syn_counts",
            vec![
                client(100, b"").flags(SYN),
                client(900, b"").flags(SYN),
                server(500, b"").flags(SYN).ack(101),
                client(101, b"abc").ack(501),
            ],
            "abc",
            "",
        ),
        case(
            "forged_syn_on_an_open_connection",
            after_handshake([
                client(101, b"abc").ack(501),
                client(9_000_000, b"").flags(SYN),
                client(150, b"").flags(SYN),
                client(104, b"def").ack(501),
            ]),
            "abcdef",
            "",
        ),
        case(
            "forged_syn_right_before_what_comes_next",
            after_handshake([
                client(101, b"abc").ack(501),
                client(103, b"").flags(SYN),
                client(104, b"def").ack(501),
            ]),
            "abcdef",
            "",
        ),
        case(
            "both_open_at_once",
            vec![
                client(100, b"").flags(SYN),
                server(500, b"").flags(SYN),
                client(100, b"").flags(SYN).ack(501),
                server(500, b"").flags(SYN).ack(101),
                client(101, b"abc").ack(501),
                server(501, b"ok").ack(104),
            ],
            "abc",
            "ok",
        ),
    ]);
}

#[test]
fn end() {
    check(vec![
        case(
            "fin_with_data_and_repeated",
            after_handshake([
                client(101, b"abc").flags(FIN),
                client(101, b"abc").flags(FIN),
                server(501, b"ok").ack(105),
                server(503, b"").flags(FIN),
            ]),
            "abc",
            "ok",
        ),
        case(
            "fin_before_its_data",
            after_handshake([client(104, b"").flags(FIN), client(101, b"abc")]),
            "abc",
            "",
        ),
        case(
            "data_beyond_fin",
            after_handshake([client(101, b"abc").flags(FIN), client(104, b"xyz")]),
            "abc",
            "",
        ),
        case(
            "other_side_goes_on_after_fin",
            after_handshake([
                client(101, b"abc").flags(FIN),
                server(501, b"one").ack(105),
                server(504, b"two").ack(105).ms(30_000),
            ]),
            "abc",
            "onetwo",
        ),
        case(
            "reset_does_not_lose_what_is_held",
            after_handshake([client(104, b"def"), server(501, b"").flags(RST).ack(101)]),
            "...def",
            "",
        ),
        case(
            "reset_before_its_data",
            after_handshake([client(104, b"").flags(RST), client(101, b"abc")]),
            "abc",
            "",
        ),
        case(
            "forged_reset",
            after_handshake([
                client(101, b"abc"),
                client(2_000_000_000, b"").flags(RST),
                client(104, b"def").ms(5_000),
            ]),
            "abcdef",
            "",
        ),
        case(
            "reset_that_its_sender_does_not_know_of",
            after_handshake([
                client(101, b"abc"),
                client(104, b"").flags(RST),
                client(104, b"def"),
                client(107, b"ghi").ms(5_000),
            ]),
            "abcdefghi",
            "",
        ),
    ]);
}

#[test]
fn ends_and_closes_are_told_once() {
    let seen = run(&after_handshake([
        client(101, b"abc").flags(FIN).ack(501),
        server(501, b"ok").flags(FIN).ack(105),
        client(105, b"").ack(504),
        server(501, b"ok").flags(FIN).ack(105),
        // The linger is over: the next capture minute starts something else.
        client(1, b"").ack(1).ms(60_000),
    ]));
    let conn = seen.only();
    assert_eq!(conn.side_a.end, Some(EndReason::Fin));
    assert_eq!(conn.side_b.end, Some(EndReason::Fin));
    assert_eq!(conn.close, Some(CloseReason::Finished));

    let seen = run(&after_handshake([
        client(101, b"abc").ack(501),
        server(501, b"").flags(RST).ack(104),
        client(9, b"").port(9).ms(60_000).flags(SYN),
    ]));
    let conn = seen.only();
    assert_eq!(conn.side_a.end, Some(EndReason::Reset));
    assert_eq!(conn.side_b.end, Some(EndReason::Reset));
    assert_eq!(conn.close, Some(CloseReason::Finished));
}

#[test]
fn handshake_tells_the_initiator() {
    let with = |wires: Vec<Wire>| {
        let seen = run(&wires);
        (seen.only().a.port(), seen.only().initiator)
    };
    assert_eq!(
        with(after_handshake([client(101, b"a")])),
        (40_000, Some(Side::A))
    );
    let answer_only = vec![server(500, b"").flags(SYN).ack(101), server(501, b"banner")];
    assert_eq!(with(answer_only), (40_000, Some(Side::A)));
    assert_eq!(with(vec![server(501, b"late").ack(7)]), (80, None));
}

#[test]
fn scans_and_floods_say_nothing() {
    let seen = run(&[
        client(100, b"").flags(SYN),
        client(100, b"").flags(SYN).port(1),
        server(0, b"").flags(RST).ack(101),
        client(1, b"").ack(1).port(2),
        client(1, b"").flags(RST).port(3),
        client(1, b"").flags(FIN | ACK).port(4),
    ]);
    assert_eq!(seen.events, Vec::<String>::new());
}

#[test]
fn differing_copies_keep_the_first_and_say_so() {
    let seen = run(&after_handshake([
        client(103, b"cde"),
        client(102, b"bXd"),
        client(101, b"a"),
    ]));
    assert_eq!(seen.only().side_a.text(), "abcde");
    assert_eq!(seen.only().side_a.conflicts, [2]);

    let seen = run(&after_handshake([client(103, b"cd"), client(101, b"abXY")]));
    assert_eq!(seen.only().side_a.text(), "abcd");
    assert_eq!(seen.only().side_a.conflicts, [2]);
}

#[test]
fn data_carries_what_its_own_segment_acknowledged() {
    let seen = run(&after_handshake([
        client(101, b"GET1").ack(501),
        // The second answer overtakes the first.
        server(503, b"22").ack(109),
        server(501, b"11").ack(105),
        client(105, b"GET2").ack(503),
    ]));
    let conn = seen.only();
    assert_eq!(conn.side_a.acknowledged, [(0, Some(0)), (4, Some(2))]);
    assert_eq!(conn.side_b.acknowledged, [(0, Some(4)), (2, Some(8))]);

    let midstream = run(&[
        client(7, b"a").ack(9),
        server(9, b"b").ack(8),
        server(10, b"c"),
    ]);
    assert_eq!(midstream.only().side_a.acknowledged, [(0, Some(0))]);
    assert_eq!(
        midstream.only().side_b.acknowledged,
        [(0, Some(1)), (1, None)]
    );
}

#[test]
fn gaps_tell_their_reason() {
    let seen = run(&after_handshake([
        client(101, b"a").cut(3),
        client(106, b"f"),
        server(501, b"").ack(107),
        client(107, b"g").ms(1_000),
    ]));
    let gaps = &seen.only().side_a.gaps;
    assert_eq!(
        gaps[..],
        [(1, 2, GapReason::Truncated), (3, 2, GapReason::NotCaptured)]
    );
}

#[test]
fn a_hole_is_given_up_after_enough_bytes() {
    let settings = FlowSettings {
        hole_grace_bytes: 4,
        ..FlowSettings::default()
    };
    let mut wires = after_handshake([client(102, b"b"), server(501, b"").ack(103)]);
    wires.extend((0..4).map(|n| client(103 + n, b"c")));
    // Too late: the hole was given up.
    wires.push(client(101, b"a"));
    let (seen, _) = run_with(settings, &wires);
    assert_eq!(seen.only().side_a.text(), ".bcccc");
}

#[test]
fn copies_of_a_mirror_are_no_retransmissions() {
    let (_, table) = run_with(
        FlowSettings::default(),
        &after_handshake([
            client(101, b"abc").id(7),
            client(101, b"abc").id(7),
            client(101, b"abc").id(8),
            client(101, b"abc").id(7).ms(900),
            client(104, b"d").id(0),
            client(104, b"d").id(0),
            client(104, b"\0"),
        ]),
    );
    assert_eq!(count(&table, "flow_segments_duplicated_total", None), 2);
    assert_eq!(count(&table, "flow_segments_retransmitted_total", None), 2);
    assert_eq!(count(&table, "flow_segments_keep_alive_total", None), 1);
}

#[test]
fn copies_without_a_number_are_told_by_the_senders_clock_and_the_way_they_took() {
    let micros = |wire: Wire, micros: i64| Wire {
        nanos: Some(3_000_000 + micros * 1_000),
        ..wire
    };
    let first = client(101, b"abc");
    let cases = [
        (
            "same_clock",
            first.clone().clock(9),
            first.clone().clock(9),
            4_000,
            true,
        ),
        (
            "same_clock_much_later",
            first.clone().clock(9),
            first.clone().clock(9),
            6_000,
            false,
        ),
        (
            "later_clock",
            first.clone().clock(9),
            first.clone().clock(10),
            400,
            false,
        ),
        (
            "same_number_later_clock",
            first.clone().id(7).clock(9),
            first.clone().id(7).clock(10),
            400,
            false,
        ),
        (
            "clock_and_none",
            first.clone().clock(9),
            first.clone(),
            400,
            false,
        ),
        (
            "nothing_tells_at_once",
            first.clone(),
            first.clone(),
            400,
            true,
        ),
        (
            "nothing_tells_after_a_round_trip",
            first.clone(),
            first.clone(),
            2_000,
            false,
        ),
        (
            "a_router_more",
            first.clone(),
            first.clone().hops(63),
            4_000,
            true,
        ),
        (
            "another_feed",
            first.clone(),
            first.clone().vlan(5),
            4_000,
            true,
        ),
        (
            "a_shorter_one",
            first.clone().clock(9),
            client(101, b"ab").clock(9),
            400,
            false,
        ),
    ];
    for (name, first, second, after, is_copy) in cases {
        let wires = after_handshake([micros(first, 0), micros(second, after)]);
        let (_, table) = run_with(FlowSettings::default(), &wires);
        let of = |name| count(&table, name, None);
        let counted = [
            of("flow_segments_duplicated_total"),
            of("flow_segments_retransmitted_total"),
        ];
        assert_eq!(counted, [u64::from(is_copy), u64::from(!is_copy)], "{name}");
    }
}

#[test]
fn a_forged_segment_ahead_does_not_end_the_stream() {
    let mut wires = after_handshake([client(101, b"a"), client(1_000_101, b"forged")]);
    wires.extend((0..200).map(|n| client(102 + n, b"b").ms(100 * i64::from(n))));
    let seen = run(&wires);
    let text = seen.only().side_a.text();
    assert!(text.starts_with(&format!("a{}", "b".repeat(200))), "{text}");
}

#[test]
fn a_feed_whose_time_steps_back_loses_nothing() {
    let seen = run(&after_handshake([
        client(101, b"abc").ms(100_000),
        client(104, b"def").ms(1),
        server(501, b"ok").ms(2),
        client(107, b"ghi").ms(99_999),
    ]));
    assert_eq!(sides(seen.only()), ("abcdefghi".into(), "ok".into()));
}

#[test]
fn silence_closes_and_data_later_is_midstream() {
    let seen = run(&after_handshake([
        client(101, b"abc").ack(501),
        client(104, b"def").ack(501).ms(700_000),
    ]));
    let reasons: Vec<_> = seen
        .connections
        .values()
        .filter_map(|conn| conn.close)
        .collect();
    assert_eq!(reasons, [CloseReason::Idle, CloseReason::Flushed]);
}

#[test]
fn a_flood_of_handshakes_takes_no_place_but_its_own() {
    let settings = FlowSettings {
        connections_max: 1,
        half_open_bytes_max: 8 << 10,
        ..FlowSettings::default()
    };
    let mut wires = after_handshake([client(101, b"abc").ack(501)]);
    wires.extend((0..1000).map(|n| client(1, b"").flags(SYN).port(n)));
    wires.push(client(104, b"def").ack(501));
    let (seen, table) = run_with(settings, &wires);
    assert_eq!(sides(seen.only()).0, "abcdef");
    let closed = |reason| count(&table, "flow_connections_closed_total", Some(reason));
    assert_eq!(closed("evicted"), 0);
    assert!((850..1000).contains(&closed("half_open_evicted")));
    // The rest of the flood, and the connection.
    assert_eq!(closed("half_open_evicted") + closed("flushed"), 1001);
}

#[test]
fn a_flood_of_data_from_one_side_evicts_no_dialogue() {
    let settings = FlowSettings {
        connections_max: 10,
        ..FlowSettings::default()
    };
    let mut wires = after_handshake([client(101, b"abc").ack(501), server(501, b"x").ack(104)]);
    wires.extend((0..1000).map(|n| client(1, b"GET").ack(7).port(n)));
    wires.push(client(104, b"def").ack(502));
    let (seen, table) = run_with(settings, &wires);
    let dialogue = seen
        .connections
        .values()
        .find(|c| !c.side_b.bytes.is_empty());
    assert_eq!(sides(dialogue.unwrap()).0, "abcdef");
    assert_eq!(
        count(&table, "flow_connections_closed_total", Some("evicted")),
        991
    );
}

#[test]
fn a_connection_knows_what_its_handshake_told() {
    let syn = || client(100, b"").flags(SYN);
    let answer = || server(500, b"").flags(SYN).ack(101);
    let data = || client(101, b"abc").ack(501);
    let cases: [(&str, Vec<Wire>, &str); 6] = [
        (
            "whole",
            vec![syn(), answer(), client(101, b"").ack(501), data()],
            "abc",
        ),
        ("answer only", vec![answer(), data()], "abc"),
        (
            "answer not seen",
            vec![
                syn(),
                client(101, b"").ack(501),
                server(501, b"x").ack(101),
                data(),
            ],
            "abc",
        ),
        (
            "hole before the first data seen",
            vec![syn(), answer(), client(104, b"def").ack(501)],
            "...def",
        ),
        (
            "another attempt",
            vec![client(7, b"").flags(SYN), syn(), answer(), data()],
            "abc",
        ),
        (
            "data behind RST",
            vec![
                syn(),
                answer(),
                client(101, b"").flags(RST).ack(501),
                data().ms(50),
            ],
            "abc",
        ),
    ];
    for (name, wires, text) in cases {
        let (seen, table) = run_with(FlowSettings::default(), &wires);
        let conn = seen.only();
        assert_eq!(conn.side_a.text(), text, "{name}");
        assert_eq!(conn.initiator, Some(Side::A), "{name}");
        assert_eq!(
            count(&table, "flow_connections_opened_total", None),
            1,
            "{name}"
        );
    }
}
