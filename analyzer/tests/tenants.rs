//! Hosts that are tenants of one service are one row; others never are.
#![allow(clippy::expect_used, reason = "a test that cannot go on fails")]

/// A builder of records.
mod support;

use core::net::SocketAddr;

use support::{Call, Kept, call, feed, run};
use tapscope_analyzer::endpoint::rules::HOST_ITSELF;
use tapscope_analyzer::endpoint::{RuleKind, TemplateRule};
use tapscope_analyzer::inventory::specification::Specification;
use tapscope_analyzer::snapshot::EndpointSnapshot;
use tapscope_analyzer::snapshot::tenants::TenantOrigin;
use tapscope_analyzer::{Analyzer, Restored};
use tapscope_record::Shape;

const ROW: &str = "{tenant}.example.com";
const NAMES: [&str; 6] = ["acme", "globex", "initech", "umbrella", "hooli", "wonka"];

/// A call that answers with fields of these names.
fn answer(mut one: Call, names: &[&str]) -> Call {
    let fields = names.iter().map(|name| {
        serde_json::json!({"name": name, "shape": {"type": "string", "items": null}, "class": null})
    });
    let fields: Vec<serde_json::Value> = fields.collect();
    let shape = serde_json::json!({"type": "object", "fields": fields, "items": null});
    if let Some(response) = &mut one.0.response {
        let shape: Shape = serde_json::from_value(shape).expect("it is a shape");
        response.shape = Some(shape.into());
    }
    one
}

/// Traffic of a service on one host, at so many seconds.
fn service(host: &str, from: i64, rounds: i64) -> Vec<Call> {
    let mut calls = Vec::new();
    for i in 0..rounds {
        let at = from + i * 40;
        let invoice = format!("/invoices/{}", 1000 + i * 7);
        let lines = format!("/invoices/{}/lines", 1000 + i * 7);
        calls.push(answer(call("GET", "/invoices", at), &["items", "next"]));
        calls.push(answer(call("GET", &invoice, at + 1), &["id", "total"]));
        calls.push(answer(call("GET", &lines, at + 2), &["lines"]));
        calls.push(answer(call("POST", "/invoices", at + 3), &["id"]));
    }
    calls.into_iter().map(|one| one.host(host)).collect()
}

/// Traffic of products that are no tenants, under the same domain and behind the same server.
fn products(from: i64) -> Vec<Call> {
    let mut calls = Vec::new();
    for i in 0..6 {
        let at = from + i * 40;
        let cart = format!("/carts/{}", 31 + i);
        let post = format!("/posts/{}", 77 + i);
        let one = [
            answer(call("GET", &cart, at), &["sum", "currency"]).host("shop.example.com"),
            answer(call("POST", "/checkout", at + 1), &["paid"]).host("shop.example.com"),
            answer(call("GET", &post, at + 2), &["title"]).host("news.example.com"),
            answer(call("GET", "/tags", at + 3), &["tags"]).host("news.example.com"),
            // It shares a path with the tenants, and is another product all the same.
            answer(call("GET", "/invoices", at + 4), &["rows"]).host("erp.example.com"),
            answer(call("GET", "/ledgers", at + 5), &["ledgers"]).host("erp.example.com"),
            answer(call("GET", "/payments", at + 6), &["payments"]).host("erp.example.com"),
            answer(call("GET", "/invoices", at + 7), &["items", "next"]).host("api.example.com"),
        ];
        calls.extend(one);
    }
    calls
}

fn all() -> Vec<Call> {
    let tenants = NAMES.iter().zip(0..);
    let mut calls: Vec<Call> = tenants
        .flat_map(|(name, i)| service(&format!("{name}.example.com"), i * 5, 5))
        .collect();
    calls.extend(products(2));
    calls.sort_by_key(|one| (one.0.time, one.0.host.clone()));
    calls
}

fn rows(kept: &Kept) -> Vec<&str> {
    kept.0.hosts.iter().map(|host| host.host.as_str()).collect()
}

fn listed(kept: &Kept) -> Vec<(String, String, String, u64)> {
    let endpoints = kept.0.endpoints.iter().map(|e| {
        let (host, method, template) = (e.host.clone(), e.method.clone(), e.template.clone());
        (host, method, template, e.requests)
    });
    let mut listed: Vec<_> = endpoints.collect();
    listed.sort();
    listed
}

#[test]
fn tenants_become_one_row_and_their_neighbours_stay() {
    let (analyzer, kept) = run(all());
    let others = ["api", "erp", "news", "shop"].map(|name| format!("{name}.example.com"));
    let mut expected: Vec<&str> = others.iter().map(String::as_str).collect();
    expected.push(ROW);
    assert_eq!(rows(&kept), expected);
    let of_row: Vec<_> = listed(&kept)
        .into_iter()
        .filter(|one| one.0 == ROW)
        .collect();
    let calls = |method: &str, template: &str| {
        let found = of_row
            .iter()
            .find(|one| one.1 == method && one.2 == template);
        found.map(|one| one.3)
    };
    assert_eq!(of_row.len(), 4, "{of_row:?}");
    assert_eq!(calls("GET", "/invoices"), Some(30));
    assert_eq!(calls("GET", "/invoices/{invoice_id}"), Some(30));
    let tenants = kept
        .host(ROW)
        .and_then(|host| host.tenants.clone())
        .expect("it is shared");
    assert_eq!((tenants.count, tenants.origin), (6, TenantOrigin::Traffic));
    assert!(tenants.confidence > 0.8, "{tenants:?}");
    assert!(
        tenants.reason.contains("6 hosts behind the same servers"),
        "{}",
        tenants.reason
    );
    assert_eq!(
        tenants.hosts.iter().map(|one| one.requests).sum::<u64>(),
        120
    );
    for one in kept.0.endpoints.iter().filter(|one| one.host == ROW) {
        let is_one = |path: &String| path.starts_with("/invoices");
        assert!(
            !one.examples.is_empty() && one.examples.iter().all(is_one),
            "{one:?}"
        );
    }
    // The ids that the hosts' endpoints had lead to those of the row.
    assert!(kept.0.merged.len() >= 15, "{}", kept.0.merged.len());
    let sum: u64 = kept.0.endpoints.iter().map(|e| e.requests).sum();
    assert_eq!(sum, analyzer.counters()[0].2);
}

#[test]
fn the_order_of_traffic_decides_nothing() {
    let (_, one) = run(all());
    for step in [5, 11, 13] {
        // Another order, the times as they were.
        let calls = all();
        let count = calls.len();
        let shuffled = (0..count).map(|i| calls[i * step % count].clone());
        let (_, other) = run(shuffled);
        assert_eq!(listed(&one), listed(&other), "step {step}");
    }
}

#[test]
fn a_restart_goes_on_with_the_same_row() {
    let calls = all();
    let (_, whole) = run(calls.clone());
    let (first, second) = calls.split_at(calls.len() * 2 / 3);
    let (_, mut kept) = run(first.to_vec());
    assert!(rows(&kept).contains(&ROW), "{:?}", rows(&kept));
    let mut analyzer = Analyzer::new(Default::default(), kept.restored());
    feed(&mut analyzer, &mut kept, second.to_vec());
    assert_eq!(listed(&whole), listed(&kept));
    let tenants = kept.host(ROW).and_then(|host| host.tenants.as_ref());
    assert_eq!(
        tenants.map(|one| one.hosts.iter().map(|h| h.requests).sum::<u64>()),
        Some(120)
    );
}

#[test]
fn few_or_unlike_hosts_and_addresses_never_share_a_row() {
    let two = ["acme", "globex"]
        .iter()
        .flat_map(|name| service(&format!("{name}.example.com"), 0, 9));
    let states = ["dev", "staging", "qa1", "prod"];
    let states = states
        .iter()
        .flat_map(|name| service(&format!("{name}.example.com"), 0, 9));
    let addresses = (1..9).flat_map(|i| service(&format!("10.0.0.{i}"), 0, 5));
    let domains = (1..9).flat_map(|i| service(&format!("shop{i}.com"), 0, 5));
    let (_, kept) = run(two.chain(states).chain(addresses).chain(domains));
    assert_eq!(kept.0.hosts.len(), 2 + 4 + 8 + 8, "{:?}", rows(&kept));
    assert!(kept.0.hosts.iter().all(|host| host.tenants.is_none()));
}

#[test]
fn hosts_behind_servers_of_their_own_must_be_more() {
    let on = |count: u8| {
        let hosts = NAMES
            .iter()
            .chain(&["stark", "wayne", "tyrell", "oscorp"])
            .zip(1..=count);
        let calls: Vec<Call> = hosts
            .flat_map(|(name, i)| {
                let own = service(&format!("{name}.example.com"), 0, 5).into_iter();
                own.map(move |mut one| {
                    one.0.server = SocketAddr::from(([10, 9, 0, i], 80));
                    one
                })
            })
            .collect();
        let (_, kept) = run(calls);
        rows(&kept).contains(&ROW)
    };
    assert_eq!([on(4), on(8), on(10)], [false, false, true]);
}

#[test]
fn invented_hosts_are_no_tenants_and_bounded() {
    let mut settings = tapscope_analyzer::AnalyzerSettings::default();
    settings.inventory.max_hosts = 64;
    let mut analyzer = Analyzer::new(settings, Restored::default());
    let mut kept = Kept::default();
    let noise = (0..2000).map(|i| {
        let word = format!("x{:x}", (i + 1) * 2_654_435_761_i64 % 1_000_003);
        let one = call("GET", "/login.php", i).host(&format!("{word}.example.com"));
        one.status(404)
    });
    let real = NAMES
        .iter()
        .flat_map(|name| service(&format!("{name}.example.com"), 2000, 5));
    feed(&mut analyzer, &mut kept, noise.chain(real));
    assert!(rows(&kept).contains(&ROW), "{:?}", rows(&kept));
    let tenants = kept.host(ROW).and_then(|host| host.tenants.as_ref());
    assert_eq!(tenants.map(|one| one.count), Some(6));
    assert!(kept.0.hosts.len() <= 66, "{}", kept.0.hosts.len());
}

#[test]
fn a_flood_of_hosts_costs_one_row() {
    let calls = (0..6_000).map(|i| {
        let one = call("GET", &format!("/users/{i}"), i).host(&format!("h{i}.example.com"));
        answer(
            one,
            &[
                ["a", "b", "c", "d"][usize::try_from(i % 4).unwrap_or(0)],
                "id",
            ],
        )
    });
    let mut settings = tapscope_analyzer::AnalyzerSettings::default();
    settings.tenants.max_names = 1000;
    let mut analyzer = Analyzer::new(settings, Restored::default());
    let mut kept = Kept::default();
    feed(&mut analyzer, &mut kept, calls);
    assert_eq!(rows(&kept), [ROW]);
    assert_eq!(
        listed(&kept),
        [(ROW.into(), "GET".into(), "/users/{user_id}".into(), 6_000)]
    );
    let tenants = kept
        .host(ROW)
        .and_then(|host| host.tenants.clone())
        .expect("it is shared");
    assert!((5_400..6_600).contains(&tenants.count), "{}", tenants.count);
    assert!(tenants.hosts.len() <= 1000);
}

fn is_called(e: &EndpointSnapshot, host: &str, method: &str, template: &str) -> bool {
    e.host == host && e.method == method && e.template == template
}

fn specification(server: &str) -> Specification {
    let text = format!(
        r#"{{"openapi":"3.1.0","info":{{"title":"Invoices","version":"1"}},
        "servers":[{{"url":"https://{server}","variables":{{"customer":{{"default":"demo"}}}}}}],
        "paths":{{"/invoices":{{"get":{{"responses":{{"200":{{"description":"ok"}}}}}}}}}}}}"#
    );
    Specification::parse("invoices.json", &text).expect("it is a specification")
}

#[test]
fn a_specification_with_a_variable_host_makes_and_names_the_row() {
    for (server, row) in [
        ("{customer}.example.com", "{customer}.example.com"),
        ("*.example.com", "{tenant}.example.com"),
    ] {
        let mut analyzer = Analyzer::new(Default::default(), Restored::default());
        analyzer.set_specifications(vec![specification(server)]);
        let mut kept = Kept::default();
        let two = ["acme", "globex", "www"];
        let two = two
            .iter()
            .flat_map(|name| service(&format!("{name}.example.com"), 0, 5));
        feed(&mut analyzer, &mut kept, two);
        assert_eq!(
            rows(&kept),
            ["www.example.com", row],
            "a role is no customer"
        );
        let is_list = |e: &&_| is_called(e, row, "GET", "/invoices");
        let known = kept.0.endpoints.iter().find(is_list);
        assert_eq!(known.map(|e| e.facts.documented_in.len()), Some(1));
        assert_eq!(
            kept.host(row)
                .and_then(|h| h.tenants.as_ref())
                .map(|t| (t.count, t.origin)),
            Some((2, TenantOrigin::Specification))
        );
        // The same when it comes after the traffic.
        let (mut later, mut kept) = run(all());
        later.set_specifications(vec![specification(server)]);
        kept.save(&later.flush_changes());
        assert!(rows(&kept).contains(&row), "{:?}", rows(&kept));
        assert!(row == ROW || !rows(&kept).contains(&ROW));
    }
}

#[test]
fn a_specification_of_one_host_keeps_it_apart() {
    let mut analyzer = Analyzer::new(Default::default(), Restored::default());
    analyzer.set_specifications(vec![specification("acme.example.com")]);
    let mut kept = Kept::default();
    feed(&mut analyzer, &mut kept, all());
    assert!(
        rows(&kept).contains(&"acme.example.com"),
        "{:?}",
        rows(&kept)
    );
    assert!(rows(&kept).contains(&ROW));
}

fn rule(kind: RuleKind, host: &str) -> TemplateRule {
    TemplateRule {
        kind,
        host: host.to_owned(),
        template: HOST_ITSELF.to_owned(),
        method: None,
        comment: String::new(),
        at: 1,
    }
}

#[test]
fn a_person_is_obeyed() {
    let mut analyzer = Analyzer::new(Default::default(), Restored::default());
    let apart = rule(RuleKind::Pin, "hooli.example.com");
    let name = rule(RuleKind::Rename, "{customer}.example.com");
    analyzer.set_template_rules(vec![apart.clone(), name]);
    let mut kept = Kept::default();
    feed(&mut analyzer, &mut kept, all());
    assert!(rows(&kept).contains(&"hooli.example.com"));
    assert!(
        rows(&kept).contains(&"{customer}.example.com"),
        "{:?}",
        rows(&kept)
    );
    // Taken back: the host joins, the row has its own name again.
    analyzer.set_template_rules(Vec::new());
    feed(
        &mut analyzer,
        &mut kept,
        service("hooli.example.com", 9000, 3),
    );
    assert!(
        !rows(&kept).contains(&"hooli.example.com"),
        "{:?}",
        rows(&kept)
    );
    // No template: whoever calls next has a row again; the history stays where it is.
    analyzer.set_template_rules(vec![rule(RuleKind::Ignore, "{any}.example.com")]);
    feed(
        &mut analyzer,
        &mut kept,
        service("acme.example.com", 9900, 3),
    );
    assert!(rows(&kept).contains(&"acme.example.com"));
    let row = kept
        .0
        .hosts
        .iter()
        .find(|host| host.tenants.is_some())
        .expect("it is there");
    assert!(row.tenants.as_ref().is_some_and(|one| one.is_over));
    // A person's own template needs no proof.
    analyzer.set_template_rules(vec![rule(RuleKind::Pin, "{shop}.example.com")]);
    kept.save(&analyzer.flush_changes());
    assert!(
        rows(&kept).contains(&"{shop}.example.com"),
        "{:?}",
        rows(&kept)
    );
    assert!(!rows(&kept).contains(&"acme.example.com"));
}
