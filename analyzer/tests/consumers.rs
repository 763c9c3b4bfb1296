//! Who calls, over the whole analyzer: whose word on it is taken, and what stays whose.
#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

/// A builder of records.
mod support;

use core::net::IpAddr;

use support::{Call, S, T0, call, run};
use tapscope_analyzer::snapshot::{Called, ConsumerSnapshot};
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};

const PROXY: u8 = 5;

/// A call over the proxy for a client that the proxy names.
fn forwarded(client: u8, second: i64) -> Call {
    let mut call = call("GET", "/orders", second).anonymous().from(PROXY);
    let client = IpAddr::from([203, 0, 113, client]);
    call.0.forwarded_for = Some([198, 51, 100, 66].into());
    call.0.forwarded_way = Some(vec![[198, 51, 100, 66].into(), client]);
    call
}

fn labelled<'a>(consumers: &'a [ConsumerSnapshot], label: &str) -> Option<&'a ConsumerSnapshot> {
    consumers.iter().find(|consumer| consumer.label == label)
}

#[test]
fn a_proxy_is_believed_once_it_is_known_to_be_one_and_after_a_restart() {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    for n in 0..40_u8 {
        analyzer.handle_record(&forwarded(n % 10, n.into()).0);
    }
    let consumers = analyzer.flush_changes().consumers;
    let proxy = labelled(&consumers, "10.0.0.5").expect("the proxy's own calls");
    assert!(proxy.proxy.is_some(), "{proxy:?}");
    assert!(proxy.claimed_addresses.contains(&"203.0.113.3".to_owned()));
    let client = labelled(&consumers, "203.0.113.3").expect("a client over the proxy");
    assert_eq!(client.claimed_addresses, ["198.51.100.66"]);
    assert!(
        labelled(&consumers, "198.51.100.66").is_none(),
        "a client's word"
    );
    let calls: u64 = consumers.iter().map(|consumer| consumer.requests).sum();
    assert_eq!(calls, 40, "no call is lost or counted twice");

    let restored = Restored {
        consumers,
        now: T0 + 40 * S,
        ..Restored::default()
    };
    let mut again = Analyzer::new(AnalyzerSettings::default(), restored);
    let seen = again.handle_record(&forwarded(77, 41).0);
    assert_eq!(seen.consumer_label, "203.0.113.77");
}

#[test]
fn a_claim_of_anybody_is_kept_as_a_hint() {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    for n in 0..40_u8 {
        analyzer.handle_record(&forwarded(n, n.into()).0);
    }
    let consumers = analyzer.flush_changes().consumers;
    let [only] = &consumers[..] else {
        panic!("one address called: {consumers:?}");
    };
    assert_eq!((only.label.as_str(), only.requests), ("10.0.0.5", 40));
    assert_eq!(
        only.claimed_addresses.last().map(String::as_str),
        Some("203.0.113.39")
    );
    assert!(only.proxy.is_none());
}

#[test]
fn a_proxy_that_a_person_names_is_believed_at_once() {
    let mut settings = AnalyzerSettings::default();
    settings.proxies.trusted = vec!["10.0.0.0/24".parse().expect("a network")];
    let mut analyzer = Analyzer::new(settings, Restored::default());
    let seen = analyzer.handle_record(&forwarded(1, 0).0);
    assert_eq!(seen.consumer_label, "203.0.113.1");
}

#[test]
fn what_each_consumer_calls_is_known_with_its_times() {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    for (path, second) in [
        ("/orders", 5),
        ("/orders", 9),
        ("/orders", 2),
        ("/stock", 7),
    ] {
        analyzer.handle_record(&call("GET", path, second).0);
    }
    let changes = analyzer.flush_changes();
    let [consumer] = &changes.consumers[..] else {
        panic!("one token called: {:?}", changes.consumers);
    };
    let called: Vec<_> = (consumer.endpoints.iter())
        .map(|c| (c.calls, (c.first_seen - T0) / S, (c.last_seen - T0) / S))
        .collect();
    assert_eq!(called, [(3, 2, 9), (1, 7, 7)]);
}

#[test]
fn a_store_without_times_is_read() {
    let text = r#"[[7,3],{"endpoint":8,"calls":2,"first_seen":4,"last_seen":5}]"#;
    let called: Vec<Called> = serde_json::from_str(text).expect("both forms");
    let told: Vec<_> = (called.iter())
        .map(|c| (c.endpoint.0, c.calls, c.first_seen, c.last_seen))
        .collect();
    assert_eq!(told, [(7, 3, 0, 0), (8, 2, 4, 5)]);
}

/// A call with a key, and a session beside it.
fn with_session(second: i64, address: u8, key: u64, session: u64) -> Call {
    let mut one = call("GET", "/items", second).from(address);
    one.0.credentials = vec![
        support::credential("api_key", key),
        support::credential("session_cookie", session),
    ];
    one
}

#[test]
fn a_key_that_every_client_ships_gives_way_to_what_tells_them_apart() {
    // One application's key, forty people behind it, each with a session.
    let calls = (0..2000).map(|i| {
        let person = i % 40;
        let byte = u8::try_from(10 + person).expect("small");
        with_session(i, byte, 7, u64::try_from(1000 + person).expect("small"))
    });
    let (_, kept) = run(calls);
    let host = kept.host("shop.test").expect("it is there");
    let known = host.identity.as_ref().expect("it has calls");
    assert_eq!(known.best.name(), "session", "{known:?}");
    assert!(
        known.reason.contains("Sessions tell 40 callers apart"),
        "{}",
        known.reason
    );
    assert!(
        known.reason.contains("Credentials are passed over (1 name"),
        "{}",
        known.reason
    );
    let sessions = kept
        .0
        .consumers
        .iter()
        .filter(|one| one.identified_by == "session");
    assert_eq!(sessions.count(), 40);
}

#[test]
fn keys_of_their_own_stay_what_tells_callers_apart() {
    // Each caller has a key and opens a new session each time.
    let calls = (0..2000).map(|i| {
        let caller = i % 20;
        let byte = u8::try_from(10 + caller).expect("small");
        let session = u64::try_from(5000 + i).expect("small");
        with_session(i, byte, u64::try_from(caller).expect("small"), session)
    });
    let (_, kept) = run(calls);
    let known = kept
        .host("shop.test")
        .and_then(|host| host.identity.as_ref());
    assert_eq!(
        known.map(|known| known.best.name()),
        Some("credential"),
        "{known:?}"
    );
    assert_eq!(kept.0.consumers.len(), 20);
}

/// A call without credentials by a program at one address.
fn by_program(second: i64, program: u64) -> Call {
    let mut one = call("GET", "/items", second).anonymous();
    one.0.fingerprint = Some(tapscope_record::Token(program << 32));
    one
}

#[test]
fn programs_that_take_turns_at_an_address_are_told_apart_and_after_a_restart() {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    for second in 0..60 {
        analyzer.handle_record(&by_program(second, 1 + second.unsigned_abs() % 2).0);
    }
    let changes = analyzer.flush_changes();
    let consumers = changes.consumers;
    let calls: u64 = consumers.iter().map(|consumer| consumer.requests).sum();
    assert_eq!(calls, 60, "no call is lost or counted twice");
    let one = labelled(&consumers, "10.0.0.7 00000001").expect("a program");
    assert_eq!(one.identified_by, "fingerprint");
    assert!(labelled(&consumers, "10.0.0.7 00000002").is_some());
    let identity = changes.hosts.iter().find_map(|host| host.identity.as_ref());
    let kinds = &identity.expect("it has calls").kinds;
    assert!(
        kinds
            .iter()
            .any(|one| one.kind.name() == "fingerprint" && one.names == 2)
    );

    let restored = Restored {
        consumers,
        now: T0 + 60 * S,
        ..Restored::default()
    };
    let mut again = Analyzer::new(AnalyzerSettings::default(), restored);
    let seen = again.handle_record(&by_program(61, 2).0);
    assert_eq!(seen.consumer_label, "10.0.0.7 00000002");
    let seen = again.handle_record(&by_program(62, 3).0);
    assert_eq!(seen.consumer_label, "10.0.0.7", "not known yet");
}

#[test]
fn a_credential_says_more_than_a_program() {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    for second in 0..60 {
        let mut one = by_program(second, 1 + second.unsigned_abs() % 2);
        one.0.credentials = vec![support::credential("bearer", 7)];
        analyzer.handle_record(&one.0);
    }
    let consumers = analyzer.flush_changes().consumers;
    assert_eq!(consumers.len(), 1, "{consumers:?}");
}
