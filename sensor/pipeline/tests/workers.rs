//! One worker or several: the same exchanges, reported at the same packet times.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

use proptest::prelude::*;
use tapscope_decap::{LinkType, RawPacket, Timestamp};
use tapscope_http::{ExchangeSink, HttpExchange};
use tapscope_pipeline::{Epoch, Intake, Merge, Place, Spread, Step, Worker, WorkerSettings};

/// What happens on one connection at a time: which of its next packets, or nothing.
#[derive(Clone, Debug)]
struct Moment {
    connection: u8,
    /// Nanoseconds since the moment before.
    after: i64,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Request,
    Response,
    /// A response of which the first segment is missing.
    Torn,
    /// Bytes are skipped, so that there is a hole.
    Skip,
    Reset,
}

fn moments() -> impl Strategy<Value = Vec<Moment>> {
    let what = prop_oneof![
        4 => Just(What::Request),
        4 => Just(What::Response),
        1 => Just(What::Torn),
        1 => Just(What::Skip),
        1 => Just(What::Reset),
    ];
    // From nothing over the tick and the patience with holes to longer than anything waits.
    let after = prop_oneof![
        4 => Just(0),
        8 => 1_i64..200_000_000,
        2 => 200_000_000_i64..3_000_000_000,
        1 => 30_000_000_000_i64..2_000_000_000_000,
    ];
    let moment = (0_u8..12, after, what).prop_map(|(connection, after, what)| Moment {
        connection,
        after,
        what,
    });
    proptest::collection::vec(moment, 1..120)
}

/// An IPv4 packet with a TCP segment, without checksums: nothing here looks at them.
fn packet(client: bool, connection: u8, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ends = [
        ([10, 0, 0, connection], 40_000 + u16::from(connection)),
        ([10, 0, 1, 1], 8080),
    ];
    let (source, destination) = if client {
        (ends[0], ends[1])
    } else {
        (ends[1], ends[0])
    };
    let len = u16::try_from(40 + payload.len()).unwrap();
    let mut bytes = vec![0x45, 0];
    bytes.extend(len.to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    bytes.extend(source.0);
    bytes.extend(destination.0);
    bytes.extend(source.1.to_be_bytes());
    bytes.extend(destination.1.to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(payload);
    bytes
}

/// The packets of the moments, with their times.
fn packets(moments: &[Moment]) -> Vec<(i64, Vec<u8>)> {
    let mut now = 1_700_000_000_000_000_000;
    let mut streams = [[1_000_u32, 9_000]; 12];
    let mut packets = Vec::new();
    for (index, moment) in moments.iter().enumerate() {
        now += moment.after;
        let [client, server] = &mut streams[usize::from(moment.connection)];
        let mut send = |from_client: bool, payload: &[u8], flags| {
            let (seq, ack) = if from_client {
                (&mut *client, *server)
            } else {
                (&mut *server, *client)
            };
            let bytes = packet(from_client, moment.connection, *seq, ack, flags, payload);
            *seq = seq.wrapping_add(u32::try_from(payload.len()).unwrap());
            packets.push((now, bytes));
        };
        match moment.what {
            What::Request => {
                let head = format!("GET /things/{index} HTTP/1.1\r\nHost: api\r\n\r\n");
                send(true, head.as_bytes(), 0x18);
            }
            What::Response => {
                send(false, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n", 0x18);
                send(false, b"fine", 0x18);
            }
            What::Torn => {
                *server = server.wrapping_add(30);
                let [_, server] = &mut streams[usize::from(moment.connection)];
                let bytes = packet(false, moment.connection, *server, 0, 0x18, b"\r\n\r\nrest");
                *server = server.wrapping_add(8);
                packets.push((now, bytes));
            }
            What::Skip => *client = client.wrapping_add(100),
            What::Reset => send(true, b"", 0x14),
        }
    }
    packets
}

/// A worker's exchanges with their places in the order.
#[derive(Default)]
struct Placed {
    epoch: Epoch,
    exchanges: Vec<(Place, HttpExchange)>,
}

impl ExchangeSink for Placed {
    fn handle_exchange(&mut self, exchange: HttpExchange) {
        let place = Place {
            epoch: self.epoch,
            reported: exchange.reported,
            id: exchange.id,
        };
        self.exchanges.push((place, exchange));
    }

    fn handle_watermark(&mut self, now: Timestamp) {
        self.epoch.advance(now);
    }
}

fn feed(intake: &mut impl Intake, packets: &[(i64, Vec<u8>)]) {
    for (time, data) in packets {
        intake.handle_packet(RawPacket {
            timestamp: Timestamp::from_nanos(*time),
            link_type: LinkType::RAW,
            interface: 0,
            wire_len: u32::try_from(data.len()).unwrap(),
            data,
        });
    }
}

fn alone(packets: &[(i64, Vec<u8>)]) -> Vec<(Place, HttpExchange)> {
    let mut worker = Worker::new(&WorkerSettings::default(), Placed::default());
    feed(&mut worker, packets);
    worker.flush();
    let mut merge = Merge::new(1, usize::MAX);
    merge.handle_end(0);
    merged(&mut merge, [worker.sink.exchanges])
}

fn spread(packets: &[(i64, Vec<u8>)], count: usize) -> Vec<(Place, HttpExchange)> {
    let settings = WorkerSettings::default();
    let (mut spread, ends) = Spread::new(&settings, count);
    std::thread::scope(|scope| {
        let workers: Vec<_> = ends
            .into_iter()
            .map(|end| {
                let mut worker = Worker::new(&settings, Placed::default());
                scope.spawn(move || {
                    end.run(&mut worker, &mut |_| Step::Continue);
                    worker.flush();
                    worker.sink.exchanges
                })
            })
            .collect();
        feed(&mut spread, packets);
        spread.finish();
        let mut merge = Merge::new(count, usize::MAX);
        (0..count).for_each(|worker| merge.handle_end(worker));
        merged(
            &mut merge,
            workers.into_iter().map(|worker| worker.join().unwrap()),
        )
    })
}

fn merged(
    merge: &mut Merge<HttpExchange>,
    workers: impl IntoIterator<Item = Vec<(Place, HttpExchange)>>,
) -> Vec<(Place, HttpExchange)> {
    for (place, exchange) in workers.into_iter().flatten() {
        merge.handle_record(place, exchange);
    }
    let mut out = Vec::new();
    merge.take_ready(|place, exchange| out.push((place, exchange)));
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_number_of_workers_gives_the_same_exchanges_in_the_same_order(
        moments in moments(),
        count in 2_usize..9,
    ) {
        let packets = packets(&moments);
        let one = alone(&packets);
        let several = spread(&packets, count);
        prop_assert_eq!(one.len(), several.len());
        for (a, b) in one.iter().zip(&several) {
            prop_assert_eq!(a, b);
        }
    }

    #[test]
    fn another_connection_changes_nothing_of_what_is_reported_when(
        moments in moments(),
        kept in 0_u8..12,
    ) {
        let packets = packets(&moments);
        let address = [10, 0, 0, kept];
        let own: Vec<_> = packets
            .iter()
            .filter(|(_, data)| data[12..16] == address || data[16..20] == address)
            .cloned()
            .collect();
        let ours = |(place, exchange): &(Place, HttpExchange)| {
            let ip = std::net::IpAddr::from(address);
            let is_own = exchange.client.ip() == ip || exchange.server.ip() == ip;
            is_own.then(|| (place.id, exchange.clone()))
        };
        // The end of the feed is the one thing that all connections share.
        let end = packets.last().map_or(0, |(time, _)| *time);
        let alone_at_end = {
            let mut worker = Worker::new(&WorkerSettings::default(), Placed::default());
            feed(&mut worker, &own);
            worker.handle_time(Timestamp::from_nanos(end));
            worker.flush();
            worker.sink.exchanges
        };
        let mut expected: Vec<_> = alone_at_end.iter().filter_map(ours).collect();
        let mut found: Vec<_> = alone(&packets).iter().filter_map(ours).collect();
        expected.sort_by_key(|(id, _)| *id);
        found.sort_by_key(|(id, _)| *id);
        prop_assert_eq!(expected, found);
    }
}
