//! What is counted of a feed: loss that is loss, and nothing else.

use proptest::prelude::*;
use tapscope_flow::{FeedCounts, FlowSettings, FlowTable};

use crate::support::{SYN, Wire, after_handshake, client, handshake, run_with, server};

fn only_feed(table: &FlowTable) -> FeedCounts {
    let feeds = table.feeds();
    assert_eq!(feeds.len(), 1, "{feeds:?}");
    feeds[0].2
}

fn feed_of(wires: &[Wire]) -> FeedCounts {
    only_feed(&run_with(FlowSettings::default(), wires).1)
}

/// A client's stream of `n` segments of 10 bytes, each acknowledged.
fn exchange(n: u32) -> Vec<Wire> {
    let pair = |i: u32| {
        [
            client(101 + 10 * i, b"0123456789").ack(501),
            server(501, b"").ack(111 + 10 * i),
        ]
    };
    after_handshake((0..n).flat_map(pair))
}

#[test]
fn bytes_acknowledged_and_never_seen_are_loss() {
    let mut wires = exchange(10);
    // The fourth and the fifth segment of data.
    wires.remove(3 + 8);
    wires.remove(3 + 6);
    wires.push(server(501, b"x").ack(201));
    let feed = feed_of(&wires);
    assert_eq!(feed.unseen_bytes, 20);
    assert_eq!(feed.unseen_gaps, 1);
    assert_eq!(feed.delivered_bytes, 81);
    assert_eq!(feed.connections, 1);
    assert_eq!((feed.client_only, feed.server_only), (0, 0));
}

#[test]
fn the_end_of_a_stream_that_was_acknowledged_and_never_seen_is_loss() {
    let mut wires = exchange(10);
    wires.remove(3 + 18);
    assert_eq!(feed_of(&wires).unseen_bytes, 10);
}

#[test]
fn what_is_only_late_is_no_loss() {
    let mut wires = exchange(10);
    let late = wires.remove(3 + 6);
    wires.push(late);
    let feed = feed_of(&wires);
    assert_eq!(feed.unseen_bytes, 0);
    assert!(feed.out_of_order > 0);
}

#[test]
fn the_beginning_of_a_connection_joined_midstream_is_no_loss() {
    let wires = exchange(10);
    for joined in 3..wires.len() - 2 {
        let feed = feed_of(&wires[joined..]);
        assert_eq!(feed.unseen_bytes, 0, "joined at {joined}");
    }
}

#[test]
fn a_direction_that_is_not_mirrored_is_one_sided_and_no_loss() {
    let both = exchange(10);
    let of = |from_client: bool| -> Vec<Wire> {
        let side = both.iter().filter(|wire| wire.from_client == from_client);
        side.cloned().collect()
    };
    let feed = feed_of(&of(true));
    assert_eq!(feed.client_only, 1);
    assert_eq!((feed.server_only, feed.unseen_bytes), (0, 0));
    // Without data on the side that is seen there is no connection to speak of: give it some.
    let mut server_side = of(false);
    server_side.push(server(501, b"answer").ack(201));
    let feed = feed_of(&server_side);
    assert_eq!(feed.server_only, 1);
    assert_eq!((feed.client_only, feed.unseen_bytes), (0, 0));
    let feed = feed_of(&server_side[1..]);
    assert_eq!(feed.one_side_only, 1);
    assert_eq!(feed.unseen_bytes, 0);
}

#[test]
fn copies_repetitions_and_cuts_are_told_apart() {
    let wires = after_handshake([
        client(101, b"abc").ack(501).id(7).ms(100),
        client(101, b"abc").ack(501).id(7).ms(101),
        client(101, b"abc").ack(501).id(8).ms(400),
        client(104, b"d").ack(501).cut(10).ms(500),
        server(501, b"").ack(114).ms(501),
    ]);
    let feed = feed_of(&wires);
    assert_eq!((feed.duplicates, feed.retransmissions), (1, 1));
    assert_eq!(feed.truncated, 1);
    assert_eq!(feed.cut_bytes, 9);
    assert_eq!(feed.unseen_bytes, 0, "a cut is no loss of the mirror");
}

#[test]
fn a_clock_that_goes_back_or_jumps_is_counted_with_its_step() {
    let week = 8 * 86_400_000;
    let wires = [
        client(100, b"").flags(SYN).ms(10_000),
        server(500, b"").flags(SYN).ack(101).ms(9_990),
        client(101, b"a").ack(501).ms(4_000),
        client(102, b"b").ack(501).ms(10_000 + week),
    ];
    let feed = feed_of(&wires);
    assert_eq!(feed.clock_steps_back, 1, "10 ms are disorder");
    assert_eq!(feed.clock_back_nanos_max, 6_000_000_000);
    assert_eq!(feed.clock_jumps, 1);
}

#[test]
fn a_handshake_alone_is_no_connection_of_a_feed() {
    assert_eq!(feed_of(&handshake()).connections, 0);
}

proptest! {


    /// Whatever data segments are lost, the estimate is exactly their bytes, as long as the
    /// acknowledgements were seen; and reordering within the grace adds nothing.
    #[test]
    fn the_estimate_is_what_was_lost(
        lost in proptest::collection::btree_set(1_usize..40, 0..20),
        swap in proptest::collection::vec(any::<bool>(), 40),
    ) {
        let mut data: Vec<Wire> = Vec::new();
        for i in 0..40_u32 {
            if lost.contains(&(i as usize)) {
                continue;
            }
            data.push(client(101 + 10 * i, b"0123456789").ack(501));
        }
        for (i, swap) in swap.iter().enumerate() {
            if *swap && i + 1 < data.len() {
                data.swap(i, i + 1);
            }
        }
        data.push(server(501, b"done").ack(501));
        data.push(server(505, b"").ack(501));
        let wires = after_handshake(data);
        let feed = feed_of(&wires);
        prop_assert_eq!(feed.unseen_bytes, 10 * lost.len() as u64);
        prop_assert_eq!(feed.delivered_bytes, 10 * (40 - lost.len() as u64) + 4);
    }
}
