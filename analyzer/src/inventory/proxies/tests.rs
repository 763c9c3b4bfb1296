//! Who is believed, and when.

use super::*;
use tapscope_record::MessageRecord;

const PROXY: [u8; 4] = [10, 0, 0, 5];

fn record(from: [u8; 4], way: &[[u8; 4]], time: Nanos) -> ExchangeRecord {
    let text = r#"{"version":1,"id":"1","time":0,"client":"10.0.0.1:1","server":"10.0.0.2:2",
        "protocol":"http1","method":"GET","host":"h","port":null,"path":[],
        "trailing_slash":false,"request":null,"status":200,"response":null,
        "latency_ns":null,"user_agent":null,"forwarded_for":null,
        "completeness":{"request":"complete","response":"complete","pairing":"ordered"}}"#;
    let mut record: ExchangeRecord = serde_json::from_str(text).unwrap();
    record.client.set_ip(from.into());
    record.time = time;
    record.request = Some(MessageRecord::default());
    if !way.is_empty() {
        record.forwarded_way = Some(way.iter().map(|&ip| ip.into()).collect());
        record.forwarded_for = way.first().map(|&ip| ip.into());
    }
    record
}

fn address(of: Caller) -> IpAddr {
    of.address
}

/// Calls of twelve clients over a proxy, three each, and one health check of its own in twenty.
fn proxied() -> Vec<ExchangeRecord> {
    (0..36_u8)
        .map(|n| match n % 20 {
            19 => record(PROXY, &[], n.into()),
            _ => record(PROXY, &[[203, 0, 113, n % 12]], n.into()),
        })
        .collect()
}

fn learned(records: &[ExchangeRecord]) -> Proxies {
    let mut proxies = Proxies::default();
    for record in records {
        proxies.observe(record, &ProxySettings::default());
    }
    proxies
}

#[test]
fn a_proxy_is_found_in_any_order_of_its_calls() {
    let settings = ProxySettings::default();
    let mut records = proxied();
    let next = record(PROXY, &[[198, 51, 100, 1], [203, 0, 113, 77]], 99);
    for step in [1, 5, 7, 11, 13] {
        records = (0..records.len())
            .map(|n| records[(n * step + 3) % records.len()].clone())
            .collect();
        let proxies = learned(&records);
        assert_eq!(proxies.found(), 1, "step {step}");
        let caller = proxies.caller(&next, &settings);
        assert_eq!(caller.address, IpAddr::from([203, 0, 113, 77]));
        assert_eq!(
            caller.claimed,
            Some([198, 51, 100, 1].into()),
            "what stood there before the proxy is the client's word"
        );
    }
}

#[test]
fn who_merely_claims_is_not_believed() {
    type Claim = fn(u8) -> Option<[u8; 4]>;
    let own = IpAddr::from([192, 0, 2, 9]);
    let from = [192, 0, 2, 9];
    let cases: [(&str, Claim); 4] = [
        ("another address each time", |n| Some([203, 0, 113, n])),
        ("one address always", |_| Some([203, 0, 113, 1])),
        ("a few addresses", |n| Some([203, 0, 113, n % 7])),
        ("many addresses, now and then", |n| {
            (n % 2 == 0).then_some([203, 0, 113, n % 24])
        }),
    ];
    for (name, claim) in cases {
        let calls: Vec<ExchangeRecord> = (0..200)
            .map(|n| match claim(n) {
                Some(claimed) => record(from, &[claimed], n.into()),
                None => record(from, &[], n.into()),
            })
            .collect();
        let proxies = learned(&calls);
        assert_eq!(proxies.found(), 0, "{name}");
        let claim = record(from, &[[1, 1, 1, 1]], 300);
        let caller = proxies.caller(&claim, &ProxySettings::default());
        assert_eq!(
            (caller.address, caller.claimed),
            (own, Some([1, 1, 1, 1].into()))
        );
    }
}

#[test]
fn the_way_is_followed_over_trusted_proxies_only() {
    type Way<'a> = &'a [[u8; 4]];
    let settings = ProxySettings {
        trusted: vec!["10.0.0.0/8".parse().unwrap()],
        learn: false,
        ..ProxySettings::default()
    };
    let proxies = Proxies::default();
    let a: [u8; 4] = [203, 0, 113, 1];
    let b: [u8; 4] = [198, 51, 100, 1];
    let cases: [([u8; 4], Way<'_>, [u8; 4]); 5] = [
        (PROXY, &[], PROXY),
        (PROXY, &[a], a),
        (PROXY, &[b, a, [10, 9, 9, 9]], a),
        (PROXY, &[[10, 1, 1, 1], [10, 9, 9, 9]], [10, 1, 1, 1]),
        (b, &[a], b),
    ];
    for (from, way, expected) in cases {
        let caller = proxies.caller(&record(from, way, 0), &settings);
        assert_eq!(address(caller), IpAddr::from(expected), "{from:?} {way:?}");
    }
}

#[test]
fn a_proxy_behind_a_proxy_is_found_as_well() {
    let edge = [198, 51, 100, 7];
    let settings = ProxySettings {
        trusted: vec!["10.0.0.5".parse().unwrap()],
        ..ProxySettings::default()
    };
    let mut proxies = Proxies::default();
    for n in 0..40 {
        proxies.observe(
            &record(PROXY, &[[203, 0, 113, n % 10], edge], n.into()),
            &settings,
        );
    }
    let caller = proxies.caller(&record(PROXY, &[[203, 0, 113, 99], edge], 99), &settings);
    assert_eq!(address(caller), IpAddr::from([203, 0, 113, 99]));
}

#[test]
fn an_address_that_changes_hands_is_believed_no_longer() {
    let mut proxies = learned(&proxied());
    let found = proxies.take_changes();
    assert!(matches!(&found[..], [(_, Some(reason))] if reason.contains("forwards for")));
    for n in 0..200 {
        proxies.observe(&record(PROXY, &[], 100 + n), &ProxySettings::default());
    }
    assert_eq!(proxies.take_changes(), [(IpAddr::from(PROXY), None)]);
    assert_eq!(proxies.found(), 0);
}

#[test]
fn a_flood_of_addresses_leaves_proxies_known() {
    let settings = ProxySettings {
        max_addresses: 64,
        ..ProxySettings::default()
    };
    let mut proxies = learned(&proxied());
    for n in 0..2_000_u16 {
        let [high, low] = n.to_be_bytes();
        let flood = record(
            [172, 16, high, low],
            &[[1, 1, high, low]],
            1_000 + Nanos::from(n),
        );
        proxies.observe(&flood, &settings);
    }
    assert!(proxies.seen.len() <= 64, "{}", proxies.seen.len());
    assert_eq!((proxies.found(), proxies.evicted() > 1_900), (1, true));
}
