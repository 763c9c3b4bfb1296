//! Legs that are one call, and calls that are two.

use core::net::SocketAddr;

use proptest::prelude::*;
use tapscope_record::{MessageCompleteness, MessageRecord, Pairing};

use super::*;

const MS: i64 = 1_000_000;
const T0: i64 = 1_700_000_000_000_000_000;

/// A call from `client` to `server`, from `start` to `end` in milliseconds.
fn leg(client: &str, server: &str, start: i64, end: i64) -> ExchangeRecord {
    // As a sensor of today's version would write it, so that fields to come have their defaults.
    let whole = r#"{"version":1,"id":"","time":0,"client":"0.0.0.0:0","server":"0.0.0.0:0",
        "protocol":"http1","method":"GET","host":"shop.test","port":null,
        "path":[{"literal":"carts"}],"trailing_slash":false,"request":null,"status":200,
        "response":null,"latency_ns":1,"user_agent":{"product":"curl","token":1},
        "forwarded_for":null,
        "completeness":{"request":"complete","response":"complete","pairing":"ordered"}}"#;
    let record: ExchangeRecord = serde_json::from_str(whole).unwrap();
    ExchangeRecord {
        id: format!("{client}-{server}-{start}").into(),
        time: T0 + start * MS,
        client: client.parse().unwrap(),
        server: server.parse().unwrap(),
        request: Some(MessageRecord::default()),
        response: Some(MessageRecord {
            body_len: 42,
            ..MessageRecord::default()
        }),
        ended: Some(T0 + end * MS),
        reported: T0 + end * MS,
        ..record
    }
}

/// Client to proxy.
fn outer() -> ExchangeRecord {
    leg("10.0.0.7:40000", "10.0.0.1:80", 0, 30)
}

/// Proxy to server.
fn inner() -> ExchangeRecord {
    leg("10.0.0.1:50000", "10.0.1.5:8080", 2, 25)
}

fn run(mut records: Vec<ExchangeRecord>) -> (Vec<ExchangeRecord>, Legs) {
    records.sort_by_key(|record| record.reported);
    let mut legs = Legs::new(VantageSettings::default());
    let mut out = Vec::new();
    for record in records {
        legs.handle_record(record);
        out.extend(std::iter::from_fn(|| {
            legs.take_record().map(|record| *record)
        }));
    }
    legs.flush();
    out.extend(std::iter::from_fn(|| {
        legs.take_record().map(|record| *record)
    }));
    assert!(legs.by_content.is_empty() && legs.by_trace.is_empty());
    assert_eq!(legs.bytes, 0);
    (out, legs)
}

/// What is changed of the outer and the inner leg of a proxied call.
type Change = fn(&mut ExchangeRecord, &mut ExchangeRecord);

#[test]
fn legs_of_one_call_are_one_exchange() {
    let cases: [(&str, Change); 8] = [
        ("same agent and host", |_, _| {}),
        ("rewritten host, forwarded client", |o, i| {
            i.host = "backend".into();
            i.user_agent = None;
            i.forwarded_for = Some(o.client.ip());
        }),
        ("rewritten host, client added to the way", |o, i| {
            i.host = "backend".into();
            i.user_agent = None;
            o.forwarded_way = Some(vec![[9, 9, 9, 9].into()]);
            i.forwarded_way = Some(vec![[9, 9, 9, 9].into(), o.client.ip()]);
        }),
        ("rewritten host, way handed on as it came", |o, i| {
            i.host = "backend".into();
            i.user_agent = None;
            o.forwarded_way = Some(vec![[9, 9, 9, 9].into()]);
            i.forwarded_way.clone_from(&o.forwarded_way);
        }),
        ("trace, through a proxy with two addresses", |o, i| {
            o.trace = vec![Token(9)];
            i.trace = vec![Token(3), Token(9)];
            i.client = "192.168.0.1:1".parse().unwrap();
            i.host = "backend".into();
            i.user_agent = None;
        }),
        ("trace, answer compressed on the way", |o, i| {
            (o.trace, i.trace) = (vec![Token(9)], vec![Token(9)]);
            o.response.as_mut().unwrap().body_len = 20;
        }),
        ("balancer that rewrites the server alone", |o, i| {
            i.client = o.client;
        }),
        ("other protocol behind the proxy", |o, _| {
            o.protocol = "http2".into();
        }),
    ];
    for (name, change) in cases {
        let (mut o, mut i) = (outer(), inner());
        change(&mut o, &mut i);
        let (out, legs) = run(vec![i.clone(), o.clone()]);
        assert_eq!(out.len(), 1, "{name}");
        assert_eq!(out[0].client, o.client, "{name}: the outermost leg stays");
        assert_eq!(out[0].vantage.len(), 1, "{name}");
        assert_eq!(out[0].vantage[0].server, i.server, "{name}");
        assert_eq!(legs.counts.joined, 1);
    }
}

#[test]
fn two_calls_stay_two() {
    let cases: [(&str, Change); 17] = [
        ("one after the other", |o, i| {
            i.time = o.ended.unwrap() + 1;
            i.ended = Some(i.time + 5 * MS);
            i.reported = i.time + 5 * MS;
        }),
        ("overlapping", |o, i| {
            i.ended = o.ended.map(|end| end + 1);
            i.reported += 6 * MS;
        }),
        ("at the same time to the nanosecond", |o, i| {
            (i.time, i.ended) = (o.time, o.ended);
        }),
        ("other method", |_, i| i.method = Some("PUT".into())),
        ("other status", |_, i| i.status = Some(503)),
        ("other path", |_, i| i.path.clear()),
        ("other size of the answer", |_, i| {
            i.response.as_mut().unwrap().body_len = 43;
        }),
        ("other trace", |o, i| {
            (o.trace, i.trace) = (vec![Token(1)], vec![Token(2)]);
        }),
        ("another service's own call", |_, i| {
            i.user_agent.as_mut().unwrap().token = Token(2);
        }),
        ("forwarded for somebody else", |_, i| {
            i.host = "backend".into();
            i.forwarded_for = Some([9, 9, 9, 9].into());
        }),
        ("the same outermost client by another way", |o, i| {
            i.host = "backend".into();
            o.forwarded_for = Some([9, 9, 9, 9].into());
            i.forwarded_for = o.forwarded_for;
            o.forwarded_way = Some(vec![[9, 9, 9, 9].into()]);
            i.forwarded_way = Some(vec![[9, 9, 9, 9].into(), [8, 8, 8, 8].into()]);
        }),
        ("addresses that do not chain", |_, i| {
            i.client = "10.0.0.9:50000".parse().unwrap();
        }),
        ("a client that asks two servers itself", |_, i| {
            i.client = "10.0.0.7:40001".parse().unwrap();
        }),
        ("the same with one trace: hedged requests", |o, i| {
            (o.trace, i.trace) = (vec![Token(9)], vec![Token(9)]);
            i.client = "10.0.0.7:40001".parse().unwrap();
        }),
        ("repeated to the same server under one trace", |o, i| {
            (o.trace, i.trace) = (vec![Token(9)], vec![Token(9)]);
            (i.client, i.server) = (o.client, o.server);
        }),
        ("not seen whole", |_, i| {
            i.completeness.response = MessageCompleteness::Gap;
        }),
        ("not known to belong together", |_, i| {
            i.completeness.pairing = Pairing::Supposed;
        }),
    ];
    for (name, change) in cases {
        let (mut o, mut i) = (outer(), inner());
        change(&mut o, &mut i);
        let (out, legs) = run(vec![i, o]);
        assert_eq!(out.len(), 2, "{name}");
        assert!(out.iter().all(|r| r.vantage.is_empty()), "{name}");
        assert_eq!(legs.counts.joined, 0);
    }
}

#[test]
fn three_legs_are_one_exchange_with_two_further_points() {
    let third = leg("10.0.1.5:60000", "10.0.2.9:9000", 5, 20);
    let (out, _) = run(vec![outer(), inner(), third]);
    assert_eq!(out.len(), 1);
    let servers: Vec<u16> = out[0].vantage.iter().map(|p| p.server.port()).collect();
    assert_eq!(servers, [8080, 9000]);
    // The same under one trace, where every leg is linked to every other.
    let traced = |mut record: ExchangeRecord| {
        record.trace = vec![Token(7)];
        record
    };
    let third = leg("10.0.1.5:60000", "10.0.2.9:9000", 5, 20);
    let (out, _) = run([outer(), inner(), third].map(traced).to_vec());
    assert_eq!(out.len(), 1);
    assert_eq!(out[0].vantage.len(), 2);
}

#[test]
fn of_two_calls_through_a_proxy_at_once_none_is_joined_that_could_be_either() {
    let other = leg("10.0.0.8:40000", "10.0.0.1:80", 0, 31);
    let second = leg("10.0.0.1:50001", "10.0.1.5:8080", 3, 26);
    let (out, legs) = run(vec![outer(), other, inner(), second]);
    assert_eq!(out.len(), 4);
    assert!(legs.counts.ambiguous > 0);
}

#[test]
fn a_leg_behind_that_is_reported_later_is_joined_all_the_same() {
    let mut late = inner();
    late.reported = outer().reported + 50 * MS;
    let (out, _) = run(vec![outer(), late.clone()]);
    assert_eq!(out.len(), 1);
    // Beyond the hold it is too late.
    late.reported = outer().reported + 500 * MS;
    assert_eq!(run(vec![outer(), late]).0.len(), 2);
}

#[test]
fn what_waits_is_bounded_and_nothing_is_lost() {
    let settings = VantageSettings {
        records_max: 10,
        ..VantageSettings::default()
    };
    let mut legs = Legs::new(settings);
    for i in 0..100_i64 {
        legs.handle_record(leg("10.0.0.7:1", "10.0.0.1:80", i, i + 1));
        assert!(legs.held.len() <= 10);
    }
    legs.flush();
    assert_eq!(
        std::iter::from_fn(|| legs.take_record().map(|record| *record)).count(),
        100
    );
    assert!(legs.counts.early > 0);
}

#[test]
fn records_wait_as_long_as_there_are_signs_of_legs() {
    let signs: [(&str, Change); 3] = [
        ("what asked is asked as well", |_, _| {}),
        ("a socket has two servers", |o, i| i.client = o.client),
        ("one trace at two servers", |o, i| {
            (o.trace, i.trace) = (vec![Token(9)], vec![Token(9)]);
            i.client = "192.168.0.1:1".parse().unwrap();
        }),
    ];
    for (name, change) in signs {
        let mut legs = Legs::new(VantageSettings::default());
        let direct = |at: i64| leg("10.0.0.9:40000", "10.0.0.3:80", at, at + 1);
        let mut take = |records: Vec<ExchangeRecord>| {
            for record in records {
                legs.handle_record(record);
            }
            let ready = std::iter::from_fn(|| legs.take_record()).count();
            (ready, legs.held.len(), legs.watch.late)
        };
        assert_eq!(take(vec![direct(0), direct(998)]), (1, 1, 0), "{name}");
        // Nobody hands calls on: nothing waits any more.
        assert_eq!(take(vec![direct(1_001)]), (2, 0, 0), "{name}");
        let call = |at: i64| {
            let (mut o, mut i) = (outer(), inner());
            change(&mut o, &mut i);
            for record in [&mut o, &mut i] {
                record.time += at * MS;
                record.ended = record.ended.map(|end| end + at * MS);
                record.reported += at * MS;
            }
            vec![i, o]
        };
        // The first call through a proxy may be counted twice; the next is one.
        assert_eq!(take(call(2_000)), (1, 1, 1), "{name}");
        assert_eq!(take(call(3_000)), (1, 2, 1), "{name}");
        assert_eq!(take(vec![direct(4_000)]), (1, 1, 1), "{name}");
        assert_eq!(take(vec![direct(63_028)]), (1, 1, 1), "{name}");
        assert_eq!(take(vec![direct(63_031)]), (2, 0, 1), "{name}");
        assert_eq!(legs.counts.joined, 1, "{name}");
        assert_eq!(legs.settled(T0 + 63_200 * MS), T0 + 63_200 * MS, "{name}");
    }
}

#[test]
fn records_without_time_of_report_pass_at_once() {
    let mut record = outer();
    record.reported = 0;
    let mut legs = Legs::new(VantageSettings::default());
    legs.handle_record(record);
    assert!(legs.take_record().is_some());
}

proptest! {
    /// Clients that call servers directly, in any interleaving, with any shared traces: nothing is
    /// ever joined, nothing lost, and the order stays.
    #[test]
    fn direct_calls_are_never_joined(
        calls in proptest::collection::vec((0_u8..4, 0_u8..3, 0_i64..60, 1_i64..40, 0_u64..3), 0..40),
    ) {
        let records: Vec<ExchangeRecord> = calls
            .iter()
            .enumerate()
            .map(|(at, (client, server, start, len, trace))| {
                // Every call on a connection of its own, as concurrent calls are.
                let client = SocketAddr::from(([10, 0, 0, *client], 40_000 + at as u16));
                let server = SocketAddr::from(([10, 0, 1, *server], 80));
                let (client, server) = (client.to_string(), server.to_string());
                let mut record = leg(&client, &server, *start, start + len);
                // One trace is one client's: it names one request.
                if *trace > 0 {
                    let name = u64::from(record.client.ip().to_string().as_bytes()[7]) * 10 + trace;
                    record.trace = vec![Token(name)];
                }
                record
            })
            .collect();
        let mut sorted = records.clone();
        sorted.sort_by_key(|record| record.reported);
        let (out, _) = run(records);
        prop_assert_eq!(out, sorted);
    }

    /// Whenever ticks of time come, what comes out is the same.
    #[test]
    fn ticks_change_nothing(
        calls in proptest::collection::vec((0_i64..400, 1_i64..60, any::<bool>()), 0..30),
        ticks in proptest::collection::vec(0_usize..30, 0..10),
    ) {
        let mut records = Vec::new();
        for (at, (start, len, proxied)) in calls.iter().enumerate() {
            let client = format!("10.0.0.7:{}", 40_000 + at);
            records.push(leg(&client, "10.0.0.1:80", *start, start + len + 2));
            if *proxied {
                let client = format!("10.0.0.1:{}", 50_000 + at);
                records.push(leg(&client, "10.0.1.5:8080", start + 1, start + len));
            }
        }
        let plain = run(records.clone()).0;
        records.sort_by_key(|record| record.reported);
        let mut legs = Legs::new(VantageSettings::default());
        let mut out = Vec::new();
        for (at, record) in records.into_iter().enumerate() {
            if ticks.contains(&at) {
                legs.handle_time(record.reported);
            }
            legs.handle_record(record);
            out.extend(std::iter::from_fn(|| legs.take_record().map(|record| *record)));
        }
        legs.flush();
        out.extend(std::iter::from_fn(|| legs.take_record().map(|record| *record)));
        prop_assert_eq!(out, plain);
    }
}
