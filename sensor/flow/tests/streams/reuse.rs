//! Addresses and ports that are used again, at once and by any numbers, with and without a handshake; and what
//! only looks like that.

use crate::support::{FIN, RST, SYN, Wire, after_handshake, client, run, server, sides};
use tapscope_flow::{CloseReason, Side};

#[test]
fn port_reuse_is_another_connection() {
    let first = after_handshake([client(101, b"abc").ack(501), server(501, b"one").ack(104)]);
    let second = [
        client(5_000_000, b"").flags(SYN).ms(2_000),
        server(9_000_000, b"").flags(SYN).ack(5_000_001).ms(2_001),
        client(5_000_001, b"def").ack(9_000_001).ms(2_002),
        server(9_000_001, b"two").ack(5_000_004).ms(2_003),
    ];
    let ends: [(&str, Vec<Wire>); 4] = [
        ("still_open", vec![]),
        ("client_ended", vec![client(104, b"").flags(FIN)]),
        ("reset", vec![client(104, b"").flags(RST)]),
        (
            "both_ended",
            vec![client(104, b"").flags(FIN), server(504, b"").flags(FIN)],
        ),
    ];
    for (name, end) in ends {
        for skip in [0, 1] {
            let wires: Vec<Wire> = first
                .iter()
                .chain(&end)
                .chain(second.iter().skip(skip))
                .cloned()
                .collect();
            let seen = run(&wires);
            let texts: Vec<_> = seen.connections.values().map(sides).collect();
            let expected = [("abc".into(), "one".into()), ("def".into(), "two".into())];
            assert_eq!(texts, expected, "{name} {skip}: {:#?}", seen.events);
            let last = seen.connections.values().last().unwrap();
            assert_eq!(last.initiator, Some(Side::A), "{name}");
            assert_eq!(last.a.port(), 40_000);
        }
    }
}

#[test]
fn port_reuse_with_a_number_near_the_old_one_is_another_connection() {
    let second = [
        client(3_000, b"").flags(SYN).ms(2_000),
        server(9_000_000, b"").flags(SYN).ack(3_001).ms(2_001),
        client(3_001, b"").ack(9_000_001).ms(2_002),
        client(3_001, b"def").ack(9_000_001).ms(2_003),
        server(9_000_001, b"two").ack(3_004).ms(2_004),
    ];
    for lost in [None, Some(1)] {
        let mut wires =
            after_handshake([client(101, b"abc").ack(501), server(501, b"one").ack(104)]);
        let kept = second.iter().enumerate();
        wires.extend(
            kept.filter(|(at, _)| lost != Some(*at))
                .map(|it| it.1.clone()),
        );
        let seen = run(&wires);
        let texts: Vec<_> = seen.connections.values().map(sides).collect();
        let expected = [("abc".into(), "one".into()), ("def".into(), "two".into())];
        assert_eq!(texts, expected, "{lost:?}: {:#?}", seen.events);
    }
}

#[test]
fn what_was_not_believed_of_a_new_connection_is_a_gap_of_it() {
    let seen = run(&after_handshake([
        client(101, b"abc").ack(501),
        server(501, b"one").ack(104),
        client(3_000_000_000, b"de").ack(2_000_000_000).ms(50),
        server(2_000_000_000, b"tw").ack(3_000_000_002).ms(51),
        client(3_000_000_002, b"f").ack(2_000_000_002).ms(52),
        client(3_000_000_003, b"ghi").ack(2_000_000_002).ms(53),
        server(2_000_000_002, b"o").ack(3_000_000_006).ms(54),
    ]));
    let mut texts: Vec<_> = seen.connections.values().map(sides).collect();
    texts.sort_unstable();
    let expected = [
        ("...ghi".into(), "..o".into()),
        ("abc".into(), "one".into()),
    ];
    assert_eq!(texts, expected, "{:#?}", seen.events);
}

#[test]
fn numbers_that_are_near_the_end_by_chance_are_another_connections() {
    for (name, first) in [("behind", 3_000_000), ("before", 4_294_000_000)] {
        let seen = run(&after_handshake([
            client(101, b"abc").ack(501),
            server(501, b"one").ack(104),
            client(104, b"").flags(FIN).ack(504),
            client(first, b"").ack(800_000_000).ms(50),
            client(first, b"def").ack(800_000_000).ms(51),
            server(800_000_000, b"two")
                .ack(first.wrapping_add(3))
                .ms(52),
        ]));
        let mut texts: Vec<_> = seen.connections.values().map(sides).collect();
        texts.sort_unstable();
        let expected = [("abc".into(), "one".into()), ("def".into(), "two".into())];
        assert_eq!(texts, expected, "{name}: {:#?}", seen.events);
    }
}

#[test]
fn numbers_of_the_side_that_did_not_end_that_are_near_by_chance_are_another_connections() {
    for (name, first) in [("behind", 3_000_000), ("before", 4_294_000_000)] {
        let seen = run(&after_handshake([
            client(101, b"abc").ack(501),
            server(501, b"one").ack(104),
            client(104, b"").flags(FIN).ack(504),
            // What this one answers was lost.
            server(first, b"").ack(800_000_000).ms(50),
            server(first, b"two").ack(800_000_000).ms(51),
        ]));
        let mut texts: Vec<_> = seen.connections.values().map(sides).collect();
        texts.sort_unstable();
        let expected = [("".into(), "two".into()), ("abc".into(), "one".into())];
        assert_eq!(texts, expected, "{name}: {:#?}", seen.events);
    }
}

#[test]
fn port_reuse_by_a_syn_with_data_is_another_connection_and_the_data_is_its() {
    let syn = client(5_000_000, b"de").flags(SYN).ms(2_000);
    let answer = |ack| server(90_000_000, b"").flags(SYN).ack(ack).ms(2_001);
    let end = [
        client(5_000_003, b"f").ack(90_000_001).ms(2_002),
        server(90_000_001, b"two").ack(5_000_004).ms(2_003),
    ];
    let again = client(5_000_001, b"de").ack(90_000_001).ms(2_002);
    let ways: [(&str, Vec<Wire>); 4] = [
        ("accepted", vec![syn.clone(), answer(5_000_003)]),
        (
            "accepted and copied",
            vec![syn.clone(), syn.clone(), answer(5_000_003)],
        ),
        ("answer lost", vec![syn.clone()]),
        ("not accepted", vec![syn, answer(5_000_001), again]),
    ];
    for (name, way) in ways {
        let mut wires =
            after_handshake([client(101, b"abc").ack(501), server(501, b"one").ack(104)]);
        wires.extend(way.into_iter().chain(end.clone()));
        let seen = run(&wires);
        let texts: Vec<_> = seen.connections.values().map(sides).collect();
        let expected = [("abc".into(), "one".into()), ("def".into(), "two".into())];
        assert_eq!(texts, expected, "{name}: {:#?}", seen.events);
        assert_eq!(
            seen.connections.values().last().unwrap().initiator,
            Some(Side::A)
        );
    }
}

#[test]
fn a_forged_syn_with_data_says_nothing() {
    let seen = run(&after_handshake([
        client(101, b"abc").ack(501),
        client(9_000_000, b"forged").flags(SYN),
        server(501, b"one").ack(104),
        client(104, b"def").ack(504),
    ]));
    let texts: Vec<_> = seen.connections.values().map(sides).collect();
    assert_eq!(texts, [("abcdef".into(), "one".into())]);
}

#[test]
fn port_reuse_without_a_handshake() {
    // Numbers that fit neither side after a quiet time.
    let seen = run(&after_handshake([
        client(101, b"abc").ack(501),
        server(501, b"one").ack(104),
        client(3_000_000_000, b"def").ack(2_000_000_000).ms(5_000),
        server(2_000_000_000, b"two").ack(3_000_000_003).ms(5_001),
    ]));
    let texts: Vec<_> = seen.connections.values().map(sides).collect();
    assert_eq!(
        texts,
        [("abc".into(), "one".into()), ("def".into(), "two".into())]
    );
    let first = seen.connections.values().next().unwrap();
    assert_eq!(first.close, Some(CloseReason::Reused));
}
