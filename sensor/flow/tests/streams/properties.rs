//! Laws the stage keeps whatever the order, repetition and loss, against a naive oracle.

use crate::support::{FIN, SYN, Seen, Wire, client, run, run_with, server};
use proptest::collection::vec;
use proptest::prelude::*;
use tapscope_flow::{FlowSettings, FlowTable, StreamEvent, Timestamp};

/// A stream cut into segments at the given lengths.
fn segments(stream: &[u8], lengths: &[usize], start: u32, from_client: bool) -> Vec<Wire> {
    let mut wires = Vec::new();
    let mut at = 0;
    for len in lengths.iter().cycle() {
        if at >= stream.len() {
            break;
        }
        let end = (at + len).min(stream.len());
        let seq = start.wrapping_add(at as u32);
        let make = if from_client { client } else { server };
        wires.push(make(seq, &stream[at..end]));
        at = end;
    }
    wires
}

/// Moves each segment at most `reach` places: what a mirror does within the grace.
fn shuffle(wires: Vec<Wire>, jitter: &[usize]) -> Vec<Wire> {
    let mut keyed: Vec<(usize, usize, Wire)> = wires
        .into_iter()
        .enumerate()
        .map(|(at, wire)| (at + jitter[at % jitter.len()], at, wire))
        .collect();
    keyed.sort_by_key(|(key, at, _)| (*key, *at));
    keyed.into_iter().map(|(_, _, wire)| wire).collect()
}

fn bytes(seen: &Seen) -> (Vec<Option<u8>>, Vec<Option<u8>>) {
    let conn = seen.only();
    let (a, b) = (conn.side_a.bytes.clone(), conn.side_b.bytes.clone());
    if conn.a.port() == 80 { (b, a) } else { (a, b) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segmentation_order_and_repetition_gives_the_same_bytes(
        up in vec(any::<u8>(), 1..400),
        down in vec(any::<u8>(), 1..400),
        lengths in vec(1usize..40, 1..8),
        jitter in vec(0usize..20, 1..40),
        copies in vec(0usize..400, 0..20),
        isn in any::<(u32, u32)>(),
        acknowledge in any::<bool>(),
        fin in any::<bool>(),
    ) {
        let (up_start, down_start) = (isn.0.wrapping_add(1), isn.1.wrapping_add(1));
        let mut wires = segments(&up, &lengths, up_start, true);
        wires.extend(segments(&down, &lengths, down_start, false));
        if fin {
            wires.push(client(up_start.wrapping_add(up.len() as u32), b"").flags(FIN));
        }
        for copy in copies {
            // A copy comes after its original; what overtakes is the shuffle's part, which stays
            // inside the grace (a packet takes a millisecond here).
            let original = copy % wires.len();
            let after = wires.len() - original;
            wires.insert(original + 1 + (copy * 7) % after, wires[original].clone());
        }
        let mut wires = shuffle(wires, &jitter);
        if acknowledge {
            // Acknowledgements that overtake the data must not close a hole.
            let last = wires.len() - 1;
            wires[0].ack = Some(if wires[0].from_client { down_start } else { up_start });
            wires[last].ack = None;
            let down_end = down_start.wrapping_add(down.len() as u32);
            wires.insert(1, client(up_start, b"").ack(down_end));
        }
        wires.insert(0, client(isn.0, b"").flags(SYN));
        wires.insert(1, server(isn.1, b"").flags(SYN).ack(up_start));
        let seen = run(&wires);
        let (got_up, got_down) = bytes(&seen);
        prop_assert_eq!(got_up, up.into_iter().map(Some).collect::<Vec<_>>());
        prop_assert_eq!(got_down, down.into_iter().map(Some).collect::<Vec<_>>());
    }

    #[test]
    fn loss_is_gaps_around_the_right_bytes(
        up in vec(any::<u8>(), 1..600),
        lengths in vec(1usize..30, 1..8),
        jitter in vec(0usize..6, 1..40),
        lost in vec(any::<bool>(), 1..50),
        snap in vec(0usize..60, 1..10),
        acknowledged in any::<bool>(),
        isn in any::<u32>(),
    ) {
        let start = isn.wrapping_add(1);
        let mut expected = vec![None; up.len()];
        let mut wires = Vec::new();
        for (n, mut wire) in segments(&up, &lengths, start, true).into_iter().enumerate() {
            if lost[n % lost.len()] && n % 3 == 0 {
                continue;
            }
            let at = wire.seq.wrapping_sub(start) as usize;
            let kept = wire.data.len().min(snap[n % snap.len()]);
            for (index, byte) in wire.data[..kept].iter().enumerate() {
                expected[at + index] = Some(*byte);
            }
            wire.wire_len = Some(wire.data.len() as u32);
            wire.data.truncate(kept);
            wires.push(wire);
        }
        prop_assume!(!wires.is_empty());
        let mut wires = shuffle(wires, &jitter);
        let end = start.wrapping_add(up.len() as u32);
        if acknowledged {
            wires.push(server(7, b"").ack(end));
        }
        wires.insert(0, client(isn, b"").flags(SYN));
        wires.push(client(end, b"").flags(FIN));
        let seen = run(&wires);
        prop_assert_eq!(&seen.only().side_a.bytes, &expected);
    }

    #[test]
    fn anything_keeps_the_contract_and_the_caps(
        wires in vec(
            (any::<bool>(), 0u16..4, 0u32..3_000, 0u32..3_000, 0u8..32, 0usize..900, 0i64..3_000,
             0u32..40, any::<bool>()),
            1..300,
        ),
        far in any::<bool>(),
        cap in 0usize..20_000,
        connections in 1usize..5,
    ) {
        let settings = FlowSettings {
            held_bytes_max: cap,
            held_bytes_per_connection_max: cap / 2 + 1_000,
            held_segments_max: 20,
            connections_max: connections,
            ..FlowSettings::default()
        };
        let mut table = FlowTable::new(settings.clone());
        let mut seen = Seen::default();
        let mut nanos = 0;
        let mut all = Vec::new();
        for (from_client, port, seq, ack, flags, len, ms, cut, set_ack) in wires {
            let make = if from_client { client } else { server };
            let seq = if far { seq.wrapping_mul(1_500_000) } else { seq };
            let mut wire = make(seq, &vec![seq as u8; len]).flags(flags & 7).port(port);
            if set_ack { wire = wire.ack(ack); }
            wire.wire_len = Some(len as u32 + cut);
            nanos += (ms - 300) * 1_000_000;
            wire.nanos = Some(nanos);
            wire.send(nanos, &mut table, &mut seen);
            prop_assert!(table.retained_bytes() <= cap);
            prop_assert!(table.connections() <= connections);
            all.push(wire);
        }
        table.flush(Timestamp::from_nanos(nanos), &mut |event: StreamEvent<'_>| seen.take(event));
        prop_assert_eq!(table.retained_bytes(), 0);
        let again = run_with(settings, &all).0;
        prop_assert_eq!(again, seen, "the same input gives the same output");
    }
}
