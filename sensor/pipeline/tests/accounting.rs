//! Whatever comes, and whichever cap it hits: every packet is delivered or counted with one reason,
//! and no part holds more than it may.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use proptest::collection::vec;
use proptest::prelude::*;
use tapscope_decap::{LinkType, RawPacket, Timestamp};
use tapscope_http::HttpExchange;
use tapscope_pipeline::{Worker, WorkerSettings};

/// A packet: of a connection, or anything.
#[derive(Clone, Debug)]
enum Sent {
    Segment {
        connection: u8,
        from_client: bool,
        flags: u8,
        /// Where its payload begins, in units that make streams go on as often as they jump.
        at: u8,
        acknowledges: u8,
        content: u8,
    },
    Bytes(Vec<u8>),
}

const REQUEST: &[u8] =
    b"POST /a/b HTTP/1.1\r\nHost: api\r\nContent-Length: 20\r\n\r\n{\"a\":1,\"b\":[1,2,3]}\n";
const RESPONSE: &[u8] =
    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n\r\nabc";
const UNIT: u32 = 79;

fn sent() -> impl Strategy<Value = (i64, Sent)> {
    let flags = prop_oneof![
        6 => Just(0x18_u8),
        3 => Just(0x02),
        2 => Just(0x12),
        3 => Just(0x10),
        1 => Just(0x11),
        1 => Just(0x04),
        1 => any::<u8>(),
    ];
    let segment = (0_u8..24, any::<bool>(), flags, 0_u8..6, 0_u8..6, 0_u8..8).prop_map(
        |(connection, from_client, flags, at, acknowledges, content)| Sent::Segment {
            connection,
            from_client,
            flags,
            at,
            acknowledges,
            content,
        },
    );
    let what = prop_oneof![12 => segment, 1 => vec(any::<u8>(), 0..80).prop_map(Sent::Bytes)];
    let after = prop_oneof![
        8 => 0_i64..2_000_000,
        4 => 0_i64..300_000_000,
        1 => -500_000_000_i64..20_000_000_000,
    ];
    (after, what)
}

fn packet(sent: &Sent) -> Vec<u8> {
    let Sent::Segment {
        connection,
        from_client,
        flags,
        at,
        acknowledges,
        content,
    } = sent
    else {
        let Sent::Bytes(bytes) = sent else {
            return Vec::new();
        };
        return bytes.clone();
    };
    let payload: &[u8] = match (content, from_client) {
        (0..=2, _) => b"",
        (3..=5, true) => REQUEST,
        (3..=5, false) => RESPONSE,
        (6, _) => &[7; 60],
        _ => REQUEST.get(..30).unwrap(),
    };
    let ends = [([10, 0, 0, *connection], 40_000_u16), ([10, 0, 1, 1], 80)];
    let (source, destination) = if *from_client {
        (ends[0], ends[1])
    } else {
        (ends[1], ends[0])
    };
    let mut bytes = vec![0x45, 0];
    bytes.extend((40 + payload.len() as u16).to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    bytes.extend(source.0);
    bytes.extend(destination.0);
    bytes.extend(source.1.to_be_bytes());
    bytes.extend(destination.1.to_be_bytes());
    // A SYN comes right before the first byte.
    let first = 1000 - u32::from(flags & 2 > 0) + u32::from(*at) * UNIT * u32::from(flags & 2 == 0);
    bytes.extend(first.to_be_bytes());
    bytes.extend((1000 + u32::from(*acknowledges) * UNIT).to_be_bytes());
    bytes.extend([0x50, *flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(payload);
    bytes
}

fn small() -> WorkerSettings {
    let mut settings = WorkerSettings::default();
    settings.flow.connections_max = 6;
    settings.flow.half_open_bytes_max = 600;
    settings.flow.held_bytes_max = 1500;
    settings.http.held_bytes_max = 6000;
    settings.decap.fragment_bytes_max = 4096;
    settings
}

fn sum(worker: &Worker<impl FnMut(HttpExchange)>, names: &[&str], reasons: &[&str]) -> u64 {
    let counters = worker.counters().into_iter().filter(|counter| {
        let reason = counter.reason.as_deref().unwrap_or_default();
        names.contains(&counter.name.as_str()) && (reasons.is_empty() || reasons.contains(&reason))
    });
    counters.map(|counter| counter.value).sum()
}

/// What must add up, at any time.
fn check(worker: &Worker<impl FnMut(HttpExchange)>, packets: u64) -> Result<(), TestCaseError> {
    prop_assert_eq!(sum(worker, &["decap_packets_received_total"], &[]), packets);
    let delivered = sum(worker, &["decap_segments_delivered_total"], &[]);
    let refused = sum(worker, &["decap_packets_refused_total"], &[]);
    prop_assert_eq!(
        delivered + refused,
        packets,
        "packets are segments or refused"
    );
    prop_assert_eq!(
        sum(worker, &["flow_segments_received_total"], &[]),
        delivered
    );
    let taken = sum(worker, &["flow_segments_taken_total"], &[]);
    let ignored = [
        "no_connection",
        "emergency",
        "far_from_stream",
        "implausible_syn",
    ];
    let ignored = sum(worker, &["flow_segments_ignored_total"], &ignored);
    prop_assert_eq!(taken + ignored, delivered, "segments are taken or ignored");
    Ok(())
}

/// No part holds more than it may.
fn check_memory(worker: &Worker<impl FnMut(HttpExchange)>) -> Result<(), TestCaseError> {
    for account in worker.memory() {
        // A message is let go of when it has grown over the cap, not before.
        let slack = if account.name == "messages" { 4096 } else { 0 };
        prop_assert!(account.bytes <= account.bytes_max + slack, "{account:?}");
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn packets_in_are_delivered_or_counted_with_one_reason(
        sent in vec(sent(), 1..300),
        is_small in any::<bool>(),
    ) {
        let settings = if is_small { small() } else { WorkerSettings::default() };
        let mut exchanges = 0_u64;
        let mut emergencies = 0;
        {
            let mut worker = Worker::new(&settings, |_: HttpExchange| exchanges += 1);
            let mut now = 1_700_000_000_000_000_000_i64;
            let mut packets = 0;
            for (after, sent) in &sent {
                now += after;
                let data = packet(sent);
                worker.handle_packet(RawPacket {
                    timestamp: Timestamp::from_nanos(now),
                    link_type: LinkType::RAW,
                    interface: 0,
                    wire_len: data.len() as u32,
                    data: &data,
                });
                packets += 1;
                check_memory(&worker)?;
                if packets % 50 == 0 {
                    check(&worker, packets)?;
                }
            }
            worker.flush();
            check(&worker, packets)?;
            for account in worker.memory() {
                let stays = account.name == "conversations" || account.name == "fragments";
                prop_assert!(stays || account.bytes == 0, "{account:?} after the end");
            }
            let opened = sum(&worker, &["flow_connections_opened_total"], &[]);
            let closed = sum(&worker, &["flow_connections_closed_total"], &[]);
            prop_assert_eq!(opened, closed, "every connection is closed with one reason");
            emergencies += sum(&worker, &["memory_emergencies_total"], &[]);
            let reported = sum(&worker, &["http_exchanges_reported_total"], &[]);
            drop(worker);
            prop_assert_eq!(exchanges, reported);
        }
        prop_assert!(is_small || emergencies == 0);
    }
}
