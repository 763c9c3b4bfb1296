//! What a person decides is obeyed, whatever traffic, a restart or a specification says.

use super::super::rules::{RuleKind, TemplateRule};
use super::super::{HostTemplates, TemplateEvent, TemplateSettings};
use super::{ORDER, Request, USER, feed, get, invented, set};
use std::collections::BTreeSet;

const HOST: &str = "api.example.com";

fn rule(kind: RuleKind, template: &str) -> TemplateRule {
    TemplateRule {
        kind,
        host: HOST.to_owned(),
        template: template.to_owned(),
        method: None,
        comment: String::new(),
        at: 1,
    }
}

fn host() -> HostTemplates {
    HostTemplates::new(HOST, &TemplateSettings::default())
}

/// Templates with the names of their parameters.
fn named(host: &HostTemplates) -> BTreeSet<String> {
    let views = host.endpoints().filter_map(|id| host.describe(id));
    views
        .map(|view| format!("{} {}", view.method, view.template))
        .collect()
}

fn users(from: usize, to: usize) -> Vec<Request<'static>> {
    let one = |n: usize| get(format!("/users/{}", n * 31 + 7), USER);
    (from..to).map(one).collect()
}

#[test]
fn a_split_stays_split_and_a_number_can_be_a_name() {
    let mut host = host();
    feed(&mut host, &users(0, 20));
    host.settle();
    host.set_rules(&[
        rule(RuleKind::Pin, "/users/69"),
        rule(RuleKind::Pin, "/users/me"),
    ]);
    feed(&mut host, &users(0, 20));
    feed(&mut host, &[get("/users/me".into(), USER)]);
    host.settle();
    assert_eq!(
        named(&host),
        set(&["GET /users/69", "GET /users/me", "GET /users/{user_id}"])
    );
}

#[test]
fn a_merge_takes_literals_in_and_leaves_an_alias() {
    let mut host = host();
    for n in 0..30 {
        feed(
            &mut host,
            &[
                get("/stock/apples".into(), ORDER),
                get("/stock/pears".into(), USER),
                get(format!("/users/{}", n * 31 + 7), USER),
            ],
        );
    }
    host.settle();
    assert!(named(&host).contains("GET /stock/apples"));
    host.take_events();
    host.set_rules(&[rule(RuleKind::Pin, "/stock/{fruit}")]);
    let events = host.take_events();
    let merged = |e: &TemplateEvent| matches!(e, TemplateEvent::Merged { .. });
    let created = |e: &TemplateEvent| matches!(e, TemplateEvent::Created { .. });
    assert!(events.iter().any(merged), "{events:?}");
    assert!(!events.iter().any(created), "{events:?}");
    assert_eq!(
        named(&host),
        set(&["GET /stock/{fruit}", "GET /users/{user_id}"])
    );
    // Taken back, the learner decides again.
    host.set_rules(&[]);
    assert!(
        named(&host).contains("GET /stock/pears"),
        "{:?}",
        named(&host)
    );
}

#[test]
fn a_name_is_kept_and_the_endpoint_is_the_same() {
    let mut host = host();
    feed(&mut host, &users(0, 20));
    host.settle();
    let before: Vec<_> = host.endpoints().collect();
    host.set_rules(&[rule(RuleKind::Rename, "/users/{login}")]);
    feed(&mut host, &users(20, 400));
    host.settle();
    assert_eq!(named(&host), set(&["GET /users/{login}"]));
    assert_eq!(host.endpoints().collect::<Vec<_>>(), before);
    assert_eq!(host.describe(before[0]).unwrap().path_parameters, ["login"]);
}

#[test]
fn what_is_ignored_is_gone_and_comes_back_with_its_past() {
    let mut host = host();
    feed(&mut host, &users(0, 20));
    let orders: Vec<_> = (0..20)
        .map(|n| get(format!("/orders/{}", n * 31 + 7), ORDER))
        .collect();
    feed(&mut host, &orders);
    host.settle();
    host.set_rules(&[rule(RuleKind::Ignore, "/users/{any}")]);
    assert_eq!(named(&host), set(&["GET /orders/{order_id}"]));
    let mut seen = 0;
    for request in users(0, 30) {
        feed(&mut host, &[request]);
        seen += 1;
    }
    host.settle();
    assert_eq!(named(&host), set(&["GET /orders/{order_id}"]));
    host.take_events();
    host.set_rules(&[]);
    let events = host.take_events();
    let back = events.iter().find_map(|event| match event {
        TemplateEvent::Created {
            template, earlier, ..
        } => Some((template.clone(), *earlier)),
        _ => None,
    });
    assert_eq!(
        back,
        Some(("/users/{user_id}".to_owned(), 20 + seen)),
        "{events:?}"
    );
}

#[test]
fn a_person_wins_over_a_specification_and_both_over_traffic() {
    let mut host = host();
    let names: Vec<_> = (0..30)
        .map(|n| get(format!("/tags/{}", invented(n)), USER))
        .collect();
    feed(&mut host, &names);
    let documented = [
        ("GET".to_owned(), "/tags/{tag}".to_owned()),
        ("GET".to_owned(), "/tags/bro".to_owned()),
    ];
    host.set_documented(&documented);
    assert!(named(&host).contains("GET /tags/{tag}"));
    host.set_rules(&[rule(RuleKind::Pin, "/{kind}/{label}")]);
    assert_eq!(named(&host), set(&["GET /{kind}/{label}"]));
}

#[test]
fn rules_hold_after_a_restart() {
    let mut host = host();
    feed(&mut host, &users(0, 20));
    let rules = [
        rule(RuleKind::Pin, "/users/69"),
        rule(RuleKind::Rename, "/users/{login}"),
    ];
    host.set_rules(&rules);
    feed(&mut host, &users(0, 20));
    host.settle();
    let known: Vec<_> = host
        .endpoints()
        .filter_map(|id| host.describe(id).map(|v| (id, v.method, v.template)))
        .collect();
    let mut again =
        HostTemplates::restore(HOST, &TemplateSettings::default(), &host.state(), &known);
    again.set_rules(&rules);
    assert_eq!(named(&again), named(&host));
    assert_eq!(named(&again), set(&["GET /users/69", "GET /users/{login}"]));
    let ids = |h: &HostTemplates| h.endpoints().collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&host));
}
