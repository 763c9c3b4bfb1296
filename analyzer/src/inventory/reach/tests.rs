//! Zones and signs.

use super::*;

fn record(client: &str, server: &str, forwarded: Option<&str>) -> ExchangeRecord {
    let text = r#"{"version":1,"id":"1","time":0,"client":"10.0.0.1:1","server":"10.0.0.2:80",
        "protocol":"http1","method":"GET","host":"h","port":null,"path":[],
        "trailing_slash":false,"request":null,"status":200,"response":null,"latency_ns":null,
        "user_agent":null,"forwarded_for":null,
        "completeness":{"request":"complete","response":"complete","pairing":"ordered"}}"#;
    let mut record: ExchangeRecord = serde_json::from_str(text).unwrap();
    record.request = Some(tapscope_record::MessageRecord::default());
    record.client = client.parse().unwrap();
    record.server = server.parse().unwrap();
    record.forwarded_for = forwarded.map(|address| address.parse().unwrap());
    record
}

fn take(reach: &mut Reach, record: &ExchangeRecord, policy: &ExposurePolicy) {
    reach.count(policy.reached(record), 1);
}

#[test]
fn networks_hold_their_addresses() {
    for (network, address, inside) in [
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false),
        ("2001:db8::/32", "2001:db8:1::1", true),
        ("2001:db8::/32", "2001:db9::1", false),
        ("0.0.0.0/0", "203.0.113.1", true),
        ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "203.0.113.1", true),
    ] {
        let network: Network = network.parse().unwrap();
        let address = address.parse().unwrap();
        assert_eq!(network.contains(address), inside, "{network:?} {address}");
    }
    for text in ["10.0.0.0/33", "ten/8", "", "10.0.0.0/x"] {
        assert_eq!(text.parse::<Network>(), Err(NotANetwork), "{text}");
    }
}

#[test]
fn a_forwarding_header_is_believed_of_an_internal_peer_only() {
    let policy = ExposurePolicy::default();
    for (client, forwarded, zone) in [
        ("10.0.0.1:1", None, "internal"),
        ("203.0.113.9:1", None, "external"),
        ("10.0.0.1:1", Some("203.0.113.9"), "external"),
        ("203.0.113.9:1", Some("10.0.0.7"), "external"),
        ("10.0.0.1:1", Some("10.0.0.7"), "internal"),
        ("[fd00::1]:1", None, "internal"),
    ] {
        let mut reach = Reach::default();
        take(
            &mut reach,
            &record(client, "10.0.0.2:80", forwarded),
            &policy,
        );
        assert_eq!(reach.exposure().zone, zone, "{client} {forwarded:?}");
    }
}

#[test]
fn what_an_outsider_writes_before_the_proxy_is_not_believed() {
    let policy = ExposurePolicy::default();
    for (way, zone) in [
        (&["10.0.0.7", "203.0.113.9"][..], "external"),
        (&["10.0.0.7", "203.0.113.9", "10.0.0.8"], "external"),
        (&["203.0.113.9", "10.0.0.7"], "external"),
        (&["10.0.0.7", "10.0.0.8"], "internal"),
        // The two headers contradict each other.
        (&[], "internal"),
    ] {
        let mut call = record("10.0.0.1:1", "10.0.0.2:80", Some("10.0.0.7"));
        call.forwarded_way = Some(way.iter().map(|hop| hop.parse().unwrap()).collect());
        let mut reach = Reach::default();
        take(&mut reach, &call, &policy);
        assert_eq!(reach.exposure().zone, zone, "{way:?}");
    }
}

#[test]
fn partners_have_networks_and_a_404_is_no_answer() {
    let policy = ExposurePolicy {
        partner: vec!["10.9.0.0/16".parse().unwrap()],
        ..ExposurePolicy::default()
    };
    let mut reach = Reach::default();
    let mut missing = record("203.0.113.9:1", "10.0.0.2:80", None);
    missing.status = Some(404);
    take(&mut reach, &missing, &policy);
    assert_eq!(reach.exposure().zone, "unknown");
    take(
        &mut reach,
        &record("10.0.0.1:1", "10.0.0.2:80", None),
        &policy,
    );
    take(
        &mut reach,
        &record("10.9.0.1:1", "10.0.0.2:80", None),
        &policy,
    );
    let exposure = reach.exposure();
    assert_eq!(exposure.zone, "partner");
    assert_eq!(
        exposure.reason,
        "1 of 2 answered calls came from partners' networks."
    );
    let restored = Reach::restore(&exposure, &reach.transport());
    assert_eq!(restored.exposure(), exposure);
}

#[test]
fn cleartext_is_said_only_without_a_sign_of_tls() {
    let policy = ExposurePolicy::default();
    let clear = record("10.0.0.1:1", "10.0.0.2:80", None);
    let port = record("10.0.0.1:1", "10.0.0.2:443", None);
    let mut header = clear.clone();
    header.forwarded_proto = Some("https".to_owned());
    let kind = |records: &[&ExchangeRecord], policy: &ExposurePolicy| {
        let mut reach = Reach::default();
        for record in records {
            take(&mut reach, record, policy);
        }
        reach.transport().kind
    };
    assert_eq!(kind(&[], &policy), "unknown");
    assert_eq!(kind(&[&clear, &clear], &policy), "cleartext");
    assert_eq!(kind(&[&port, &header], &policy), "tls_offload");
    assert_eq!(kind(&[&clear, &header], &policy), "mixed");
    let told = ExposurePolicy {
        tls_offload: true,
        ..ExposurePolicy::default()
    };
    assert_eq!(kind(&[&clear], &told), "tls_offload");
}
