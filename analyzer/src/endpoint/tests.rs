//! Situations that template learning must get right, each on paths written by hand.

use proptest::prelude::*;
use std::collections::BTreeSet;

mod company;
mod greedy;
mod noise;
mod restart;
mod rules;

use super::{HostTemplates, Sighting, TemplateEvent, TemplateSettings, shape_name};
use tapscope_record::{Field, PathSegment, Shape, Token, ValueType};

/// One request: method, path, status, field names of the response (none: a small page).
type Request<'a> = (&'a str, String, u16, &'a [&'a str]);

fn shape(names: &[&str]) -> Shape {
    let field = |name: &&str| Field {
        name: (*name).to_owned().into(),
        shape: Shape {
            kind: ValueType::String,
            ..Shape::default()
        },
        ..Field::default()
    };
    Shape {
        kind: ValueType::Object,
        fields: names.iter().map(field).collect(),
        ..Shape::default()
    }
}

fn segments(path: &str) -> Vec<PathSegment> {
    path.split('/')
        .filter(|s| !s.is_empty())
        .map(|s| match s.strip_prefix("{email}") {
            Some(n) => PathSegment::Redacted {
                class: "email".into(),
                token: Token(n.parse().unwrap()),
            },
            None => PathSegment::Literal(s.to_owned().into()),
        })
        .collect()
}

fn feed(host: &mut HostTemplates, requests: &[Request<'_>]) {
    feed_at(host, requests, 0);
}

/// From a point in packet time on.
fn feed_at(host: &mut HostTemplates, requests: &[Request<'_>], start: i64) {
    for (i, (method, path, status, names)) in requests.iter().enumerate() {
        let path_segments = segments(path);
        let page = names.is_empty();
        let shape = shape(names);
        host.observe(&Sighting {
            method,
            path: &path_segments,
            trailing_slash: path.len() > 1 && path.ends_with('/'),
            status: Some(*status),
            request_content_type: None,
            response_content_type: Some(if page {
                "text/html"
            } else {
                "application/json"
            }),
            response_shape: (!page).then(|| shape_name(&shape)),
            response_passed: false,
            response_len: if page { 37 } else { 200 },
            consumer: i as u64 % 7,
            time: start + i as i64 * 1_000_000,
        });
    }
}

fn templates(host: &HostTemplates) -> BTreeSet<String> {
    // Names of parameters are not what these tests are about.
    let bare = |t: &str| {
        let mut out = String::new();
        let mut inside = false;
        for c in t.chars() {
            inside = (inside || c == '{') && c != '}';
            if !inside || c == '{' {
                out.push(c);
            }
        }
        out
    };
    host.endpoints()
        .filter_map(|id| host.describe(id))
        .map(|v| format!("{} {}", v.method, bare(&v.template)))
        .collect()
}

fn learn(requests: &[Request<'_>]) -> BTreeSet<String> {
    let mut host = HostTemplates::new("api.example.com", &TemplateSettings::default());
    feed(&mut host, requests);
    host.settle();
    templates(&host)
}

fn set(expected: &[&str]) -> BTreeSet<String> {
    expected.iter().map(|s| (*s).to_owned()).collect()
}

const USER: &[&str] = &["id", "name", "email"];
const LIST: &[&str] = &["items", "next"];
const ORDER: &[&str] = &["id", "total", "currency"];

/// Names that no list of words could hold.
fn invented(n: usize) -> String {
    const A: [&str; 12] = [
        "bro", "ka", "min", "tor", "ve", "lu", "sha", "pon", "ri", "gel", "dam", "wix",
    ];
    let parts = [A[n % 12], A[(n / 12 + 5) % 12], A[(n * 7 + 3) % 12]];
    if n.is_multiple_of(3) {
        format!("{}{}-{}", parts[0], parts[1], parts[2])
    } else {
        parts.concat()
    }
}

fn get(path: String, names: &'static [&'static str]) -> Request<'static> {
    ("GET", path, 200, names)
}

#[test]
fn typed_values_become_parameters() {
    let uuid = |n: usize| format!("{n:08x}-e89b-42d3-a456-426614174000");
    for value in [
        |n: usize| (n * 37 + 5).to_string(),
        |n: usize| format!("cus_Nff{n}rFeU{}fNV2H", n * 3),
        |n: usize| format!("5f2b8c1d9e3a{n:012x}"),
        |n: usize| format!("2025-01-{:02}", n % 28 + 1),
        |n: usize| format!("{{email}}{n}"),
        |n: usize| format!("10.0.{n}.1"),
        |n: usize| format!("01ARZ3NDEKTSV4RRFFQ69G{:04}", n * 37 + 1000),
        |n: usize| format!("aGVsbG8gd29y{}bGQxMjM0NQ", n * 7 + 10),
        |n: usize| format!("1.{}.{}", n % 3, n),
        |n: usize| format!("2025-01-{:02}T10:00:00Z", n % 28 + 1),
        |n: usize| format!("{};v=1", n * 37 + 5),
    ] {
        let requests: Vec<_> = (0..12)
            .map(|n| get(format!("/v1/things/{}", value(n)), USER))
            .collect();
        assert_eq!(
            learn(&requests),
            set(&["GET /v1/things/{}"]),
            "{}",
            value(1)
        );
    }
    let requests: Vec<_> = (0..3)
        .map(|n| get(format!("/v1/things/{}", uuid(n)), USER))
        .collect();
    assert_eq!(learn(&requests), set(&["GET /v1/things/{}"]));
}

#[test]
fn matrix_parameters_name_no_resource_of_their_own() {
    let mut requests = Vec::new();
    for n in 0..20 {
        requests.push(get(format!("/cars;color={}/wheels", invented(n)), LIST));
        requests.push(get(format!("/login;jsessionid={n}A7F{n}0B"), USER));
    }
    requests.push(get("/cars/wheels".into(), LIST));
    assert_eq!(learn(&requests), set(&["GET /cars/wheels", "GET /login"]));
}

#[test]
fn locales_and_slugs_are_values_by_what_is_below_them() {
    const LOCALES: [&str; 12] = [
        "en", "de", "fr", "en-US", "en-GB", "pt-BR", "zh-CN", "es", "it", "nl", "sv", "ja",
    ];
    let mut requests = Vec::new();
    for n in 0..48 {
        let locale = LOCALES[n % 12];
        requests.push(get(format!("/site/{locale}/pages/{}", invented(n)), USER));
        requests.push(get(format!("/site/{locale}/menu"), LIST));
    }
    let expected = set(&["GET /site/{}/menu", "GET /site/{}/pages/{}"]);
    assert_eq!(learn(&requests), expected);
}

#[test]
fn slugs_become_a_parameter_by_number_and_subtree() {
    let mut requests = Vec::new();
    for n in 0..60 {
        requests.push(get(format!("/v1/projects/{}", invented(n)), USER));
        requests.push(get(
            format!("/v1/projects/{}/members", invented(n * 5)),
            LIST,
        ));
    }
    assert_eq!(
        learn(&requests),
        set(&["GET /v1/projects/{}", "GET /v1/projects/{}/members"])
    );
}

#[test]
fn consecutive_parameters_are_told_apart_from_their_literals() {
    let mut requests = Vec::new();
    for n in 0..150 {
        let (owner, repo) = (invented(n * 11), invented(n * 5 + 1));
        requests.push(get(format!("/repos/{owner}/{repo}"), USER));
        requests.push(get(format!("/repos/{owner}/{repo}/issues"), LIST));
        requests.push(get(format!("/repos/{owner}/{repo}/issues/{n}"), ORDER));
    }
    let expected = set(&[
        "GET /repos/{}/{}",
        "GET /repos/{}/{}/issues",
        "GET /repos/{}/{}/issues/{}",
    ]);
    assert_eq!(learn(&requests), expected);
}

#[test]
fn a_literal_beside_a_parameter_stays() {
    let mut requests = Vec::new();
    for n in 0..40 {
        requests.push(get(format!("/v1/users/{}", 1000 + n), USER));
        requests.push(get("/v1/users/search".into(), LIST));
    }
    assert_eq!(
        learn(&requests),
        set(&["GET /v1/users/{}", "GET /v1/users/search"])
    );
}

#[test]
fn resources_with_subtrees_of_their_own_stay_literals() {
    let mut requests = Vec::new();
    for n in 0..30 {
        requests.push(get("/v1/users".into(), LIST));
        requests.push(get(format!("/v1/users/{n}"), USER));
        requests.push(get("/v1/orders".into(), &["orders"]));
        requests.push(get(format!("/v1/orders/{n}"), ORDER));
        requests.push(("POST", format!("/v1/orders/{n}/cancel"), 200, ORDER));
    }
    let expected = set(&[
        "GET /v1/users",
        "GET /v1/users/{}",
        "GET /v1/orders",
        "GET /v1/orders/{}",
        "POST /v1/orders/{}/cancel",
    ]);
    assert_eq!(learn(&requests), expected);
}

/// Reports by grain, the grains called equally often; `rounds` requests of each.
fn reports(
    grains: [&str; 2],
    names: [&'static [&'static str]; 2],
    rounds: usize,
) -> Vec<Request<'static>> {
    let mut requests = Vec::new();
    for n in 0..rounds {
        for (grain, names) in grains.iter().zip(names) {
            requests.push(get(format!("/api/reports/{grain}/{}", n * 37 + 5), names));
            requests.push(get(
                format!("/api/reports/{grain}/{}/totals", n * 37 + 5),
                ORDER,
            ));
        }
        requests.push(get(format!("/api/users/{}", n * 7 + 3), USER));
        requests.push(get("/api/users".into(), LIST));
    }
    requests
}

#[test]
fn an_enumeration_is_a_parameter_when_the_same_is_below_each_of_its_values() {
    let grains = ["daily", "monthly"];
    let same = reports(grains, [&["start", "end", "views"]; 2], 40);
    let learned = learn(&same);
    assert!(learned.contains("GET /api/reports/{}/{}"), "{learned:?}");
    assert!(
        learned.contains("GET /api/reports/{}/{}/totals"),
        "{learned:?}"
    );
    assert_eq!(learned.len(), 4, "{learned:?}");
}

#[test]
fn siblings_with_something_else_below_them_stay_and_so_do_versions() {
    let mut other = Vec::new();
    for n in 0..40 {
        other.push(get(format!("/api/reports/sales/{}", n * 37 + 5), ORDER));
        other.push(get(
            format!("/api/reports/stocks/{}/shelves", n * 37 + 5),
            USER,
        ));
        other.push(get(format!("/api/users/{}", n * 7 + 3), USER));
        other.push(get("/api/users".into(), LIST));
    }
    let learned = learn(&other);
    assert!(learned.contains("GET /api/reports/sales/{}"), "{learned:?}");
    let versions = reports(["v1", "v2"], [&["start", "end", "views"]; 2], 40);
    assert!(learn(&versions).contains("GET /api/reports/v2/{}"));
}

#[test]
fn versions_are_never_parameters() {
    let requests: Vec<_> = (0..40)
        .map(|n| get(format!("/api/v{}/users/{n}", n % 4 + 1), USER))
        .collect();
    let expected = set(&[
        "GET /api/v1/users/{}",
        "GET /api/v2/users/{}",
        "GET /api/v3/users/{}",
        "GET /api/v4/users/{}",
    ]);
    assert_eq!(learn(&requests), expected);
}

#[test]
fn a_date_in_the_base_path_is_a_version() {
    let mut requests = Vec::new();
    for n in 0..30 {
        requests.push(get(format!("/2010-04-01/Accounts/AC{n:032x}/Calls"), LIST));
        requests.push(get(format!("/2010-04-01/Accounts/AC{n:032x}"), USER));
    }
    let expected = set(&[
        "GET /2010-04-01/Accounts/{}",
        "GET /2010-04-01/Accounts/{}/Calls",
    ]);
    assert_eq!(learn(&requests), expected);
}

#[test]
fn parameters_inside_a_segment() {
    let mut requests = Vec::new();
    for n in 0..30 {
        requests.push(get(format!("/calls/CA{n:032x}.json"), USER));
        requests.push(get(
            format!("/compare/{}...{}", invented(n), invented(n + 9)),
            LIST,
        ));
        requests.push(get(format!("/near/{}.5,{}.25", n, n + 1), ORDER));
    }
    let expected = set(&[
        "GET /calls/{}.json",
        "GET /compare/{}...{}",
        "GET /near/{},{}",
    ]);
    assert_eq!(learn(&requests), expected);
}

#[test]
fn scanners_and_soft_404s_and_probes_are_no_endpoints() {
    let mut requests = Vec::new();
    for n in 0..40 {
        requests.push(get(format!("/v1/users/{n}"), USER));
        requests.push(("GET", format!("/{}.php", invented(n)), 404, &[]));
        requests.push(("GET", format!("/{}.bak", invented(n)), 200, &[]));
        requests.push(("GET", format!("/wp-{n}"), 403, &[]));
        requests.push(("DELETE", format!("/v1/users/{n}"), 405, &[]));
        requests.push(("GET", "/health".into(), 200, &[]));
        requests.push(("OPTIONS", format!("/v1/users/{n}"), 204, &[]));
    }
    assert_eq!(learn(&requests), set(&["GET /v1/users/{}"]));
}

#[test]
fn a_protected_endpoint_is_believed_when_several_consumers_are_refused() {
    let requests: Vec<_> = (0..20)
        .map(|_| ("GET", "/v1/secrets".to_owned(), 401, &[][..]))
        .collect();
    assert_eq!(learn(&requests), set(&["GET /v1/secrets"]));
}

#[test]
fn what_was_held_back_is_told_when_the_endpoint_is_created() {
    let mut host = HostTemplates::new("h", &TemplateSettings::default());
    let requests: Vec<_> = [500, 503, 429, 200, 200]
        .into_iter()
        .map(|status| ("GET", "/v1/users".to_owned(), status, LIST))
        .collect();
    feed(&mut host, &requests);
    let events = host.take_events();
    let TemplateEvent::Created {
        earlier,
        first_seen,
        ..
    } = &events[0]
    else {
        panic!("{events:?}")
    };
    assert_eq!(*earlier, 3, "the one that proved it is not among them");
    assert_eq!(*first_seen, 0);
}

/// Services and methods look like words that may be values, and like identifiers; gRPC says that
/// they are neither.
#[test]
fn a_new_path_has_its_endpoint_after_some_seconds_at_the_latest() {
    let settings = TemplateSettings::default();
    let mut host = HostTemplates::new("api.example.com", &settings);
    let known: Vec<Request<'_>> = (0..60).map(|n| get(format!("/r{n}/all"), USER)).collect();
    feed(&mut host, &known);
    host.settle();
    let new = [get("/invoices".to_owned(), LIST)];
    let patience = settings.decide_after + 60 * settings.decide_after_per_leaf;
    for (after, is_there) in [
        (1, false),
        (patience - 1_000_000_000, false),
        (patience, true),
    ] {
        feed_at(&mut host, &new, 60_000_000 + after);
        let found = templates(&host).contains("GET /invoices");
        assert_eq!(found, is_there, "after {after}");
    }
}

#[test]
fn grpc_methods_are_names() {
    let mut host = HostTemplates::new("h", &TemplateSettings::default());
    let call = |host: &mut HostTemplates, method: &str, kind| {
        let path = segments(&format!("/shop.v1.Cart/{method}"));
        host.observe(&Sighting {
            method: "POST",
            path: &path,
            trailing_slash: false,
            status: Some(200),
            request_content_type: Some(kind),
            response_content_type: Some(kind),
            response_shape: None,
            response_passed: false,
            response_len: 10,
            consumer: 1,
            time: 1,
        });
    };
    for method in ["Add", "Get42", "Remove", "f00ba123", "Empty", "Total"] {
        for kind in ["application/grpc", "application/grpc+proto"] {
            call(&mut host, method, kind);
        }
    }
    host.settle();
    let expected = set(&[
        "POST /shop.v1.Cart/Add",
        "POST /shop.v1.Cart/Get42",
        "POST /shop.v1.Cart/Remove",
        "POST /shop.v1.Cart/f00ba123",
        "POST /shop.v1.Cart/Empty",
        "POST /shop.v1.Cart/Total",
    ]);
    assert_eq!(templates(&host), expected);
    let again = HostTemplates::restore("h", &TemplateSettings::default(), &host.state(), &[]);
    assert_eq!(templates(&again), expected);
}

#[test]
fn an_imported_template_wins() {
    let mut host = HostTemplates::new("h", &TemplateSettings::default());
    let requests: Vec<_> = (0..20)
        .map(|n| get(format!("/v1/pages/{}", ["home", "about"][n % 2]), USER))
        .collect();
    feed(&mut host, &requests);
    host.settle();
    host.take_events();
    host.set_documented(&[("GET".into(), "/v1/pages/{page}".into())]);
    assert_eq!(templates(&host), set(&["GET /v1/pages/{}"]));
    let path = segments("/v1/pages/imprint");
    let shape = shape(USER);
    let id = host.observe(&Sighting {
        method: "GET",
        path: &path,
        trailing_slash: false,
        status: Some(200),
        request_content_type: None,
        response_content_type: Some("application/json"),
        response_shape: Some(shape_name(&shape)),
        response_passed: false,
        response_len: 10,
        consumer: 1,
        time: 1,
    });
    assert_eq!(
        id.and_then(|id| host.describe(id)).map(|v| v.template),
        Some("/v1/pages/{page}".into())
    );
}

#[test]
fn a_template_is_called_as_it_is_documented_for_its_method() {
    let mut host = HostTemplates::new("api.example.com", &TemplateSettings::default());
    host.set_documented(&[
        ("DELETE".into(), "/teams/{team}/members/{member}".into()),
        ("GET".into(), "/teams/{team}/members/{filter}".into()),
    ]);
    let all: Vec<Request<'_>> = (0..20)
        .map(|i| get(format!("/teams/{i}/members/{}", 7 * i), &["id"]))
        .collect();
    feed(&mut host, &all);
    host.settle();
    let ids: Vec<_> = host.endpoints().collect();
    let named = ids.iter().filter_map(|id| host.describe(*id));
    let named: Vec<String> = named.map(|view| view.template).collect();
    assert_eq!(named, ["/teams/{team}/members/{filter}"]);
}

#[test]
fn a_documented_word_stays_a_word_among_any_number_of_values() {
    let mut host = HostTemplates::new("api.example.com", &TemplateSettings::default());
    host.set_documented(&[
        ("GET".into(), "/shows/{show}/clips".into()),
        ("GET".into(), "/shows/search/clips".into()),
    ]);
    let all: Vec<Request<'_>> = (0..700)
        .map(|i| match i % 7 {
            0 => get("/shows/search/clips".into(), &["hits"]),
            _ => get(format!("/shows/{}/clips", invented(i)), &["hits"]),
        })
        .collect();
    feed(&mut host, &all);
    host.settle();
    assert_eq!(
        templates(&host),
        set(&["GET /shows/search/clips", "GET /shows/{}/clips"])
    );
    let found = host.endpoints().filter_map(|id| host.describe(id));
    let examples: Vec<String> = found.flat_map(|view| view.examples).collect();
    assert!(
        examples.contains(&"/shows/search/clips".to_owned()),
        "{examples:?}"
    );
}

#[test]
fn a_restart_goes_on_with_the_same_names() {
    let mut requests = Vec::new();
    for n in 0..60 {
        requests.push(get(
            format!("/v1/projects/{}/members/{n}", invented(n)),
            USER,
        ));
        requests.push(get("/v1/projects".into(), LIST));
    }
    let settings = TemplateSettings::default();
    let mut host = HostTemplates::new("h", &settings);
    feed(&mut host, &requests);
    host.settle();
    let known: Vec<_> = host
        .endpoints()
        .filter_map(|id| host.describe(id).map(|v| (id, v.method, v.template)))
        .collect();
    for state in [host.state(), serde_json::Value::Null] {
        let mut again = HostTemplates::restore("h", &settings, &state, &known);
        assert_eq!(again.take_events(), Vec::new());
        assert_eq!(
            again.endpoints().collect::<Vec<_>>(),
            host.endpoints().collect::<Vec<_>>()
        );
        feed(&mut again, &requests);
        again.settle();
        assert_eq!(again.take_events(), Vec::new());
        assert_eq!(templates(&again), templates(&host));
    }
}

#[test]
fn a_flood_of_random_paths_stays_inside_the_caps() {
    let settings = TemplateSettings {
        max_nodes: 2_000,
        max_children: 64,
        ..TemplateSettings::default()
    };
    let mut host = HostTemplates::new("h", &settings);
    for batch in 0..20_usize {
        let requests: Vec<_> = (0..500)
            .map(|n| {
                let n = batch * 500 + n;
                get(
                    format!(
                        "/{}{n}/{}x{n}/{}",
                        invented(n),
                        invented(n * 3),
                        invented(n * 7)
                    ),
                    USER,
                )
            })
            .collect();
        feed(&mut host, &requests);
        assert!(host.nodes() <= 2_001, "{}", host.nodes());
    }
    host.settle();
    assert!(host.endpoints().count() < 2_000);
    assert!(host.denied() > 0, "the cap is visible");
}

/// A small API whose every operation is well evidenced.
fn api() -> Vec<Request<'static>> {
    let mut out = Vec::new();
    for n in 0..40 {
        out.push(get(format!("/v1/users/{n}"), USER));
        out.push(get(format!("/v1/users/{n}/orders"), LIST));
        out.push(get(format!("/v1/projects/{}", invented(n)), ORDER));
        out.push(get(format!("/v1/projects/{}/members", invented(n)), LIST));
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn order_does_not_matter(order in Just((0..160_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let api = api();
        let shuffled: Vec<_> = order.iter().map(|i| api[*i].clone()).collect();
        prop_assert_eq!(learn(&shuffled), learn(&api));
    }

    #[test]
    fn the_same_input_gives_the_same_events(order in Just((0..160_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let api = api();
        let shuffled: Vec<_> = order.iter().map(|i| api[*i].clone()).collect();
        let run = || {
            let mut host = HostTemplates::new("h", &TemplateSettings::default());
            feed(&mut host, &shuffled);
            host.settle();
            (host.take_events(), host.state())
        };
        prop_assert_eq!(run(), run());
    }

    #[test]
    fn no_path_is_too_strange(paths in proptest::collection::vec("(/[ -~é]{0,9}){0,6}", 1..60)) {
        let requests: Vec<_> = paths.into_iter().map(|p| get(p.replace("{email}", ""), USER)).collect();
        learn(&requests);
    }
}
