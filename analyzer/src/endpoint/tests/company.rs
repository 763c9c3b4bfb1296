//! A word is judged by the company it keeps: what stands beside it, and what that can do.

use super::super::{HostTemplates, TemplateSettings};
use super::{LIST, ORDER, Request, USER, feed, get, invented, learn, set, templates};

/// So many letters and, unless `letters`, digits without rhythm.
fn random(n: usize, length: usize, letters: bool) -> String {
    let alphabet: &[u8] = if letters {
        b"bcedfgahijoklmunpqrst"
    } else {
        b"b4c7dfgahi8jok2lm6np9"
    };
    let mut state = n as u64 + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        char::from(alphabet[(state >> 33) as usize % alphabet.len()])
    };
    (0..length).map(|_| next()).collect()
}

fn badges() -> Vec<Request<'static>> {
    let mut requests = Vec::new();
    for n in 0..60 {
        requests.push(get(format!("/v1/badges/{}", random(n, 16, false)), USER));
        requests.push(get(format!("/v1/orders/{}", n * 7), ORDER));
        requests.push(get("/v1/badges/popular".to_owned(), LIST));
        requests.push(get("/v1/badges/search".to_owned(), LIST));
    }
    // Some that have no digit by chance.
    for word in ["qnwyagohzkabhtml", "tubodegalomikrys"] {
        requests.extend((0..9).map(|_| get(format!("/v1/badges/{word}"), USER)));
    }
    requests
}

const BADGES: [&str; 4] = [
    "GET /v1/badges/popular",
    "GET /v1/badges/search",
    "GET /v1/badges/{}",
    "GET /v1/orders/{}",
];

#[test]
fn letters_as_long_as_all_random_values_beside_them_are_one() {
    assert_eq!(learn(&badges()), set(&BADGES));
}

#[test]
fn how_long_values_are_is_kept_over_a_restart() {
    let requests = badges();
    let (before, after) = requests.split_at(250);
    let mut host = HostTemplates::new("h", &TemplateSettings::default());
    feed(&mut host, before);
    let known: Vec<_> = host
        .endpoints()
        .filter_map(|id| host.describe(id).map(|v| (id, v.method, v.template)))
        .collect();
    let mut host = HostTemplates::restore("h", &TemplateSettings::default(), &host.state(), &known);
    feed(&mut host, after);
    host.settle();
    assert_eq!(templates(&host), set(&BADGES));
}

#[test]
fn a_version_among_values_is_one_of_them_and_elsewhere_is_none() {
    let mut requests = Vec::new();
    let stages = ["prod", "dev", "staging", "v1", "canary", "blue", "qa"];
    for n in 0..140 {
        let api = random(n % 20, 10, false);
        let stage = stages[n % stages.len()];
        let path = format!("/apis/{api}/stages/{stage}");
        requests.push(get(path.clone(), USER));
        requests.push(("PATCH", path.clone(), 200, USER));
        requests.push(get(format!("{path}/exports/{}", n % 9), ORDER));
        for version in ["v1", "v2"] {
            requests.push(get(format!("/{version}/users/{n}"), USER));
            requests.push(get(format!("/{version}/users"), LIST));
        }
    }
    assert_eq!(
        learn(&requests),
        set(&[
            "GET /apis/{}/stages/{}",
            "PATCH /apis/{}/stages/{}",
            "GET /apis/{}/stages/{}/exports/{}",
            "GET /v1/users",
            "GET /v1/users/{}",
            "GET /v2/users",
            "GET /v2/users/{}",
        ])
    );
}

#[test]
fn a_version_above_all_parameters_is_the_apis_whatever_stands_beside_it() {
    let mut requests = Vec::new();
    for n in 0..120 {
        for first in [invented(n % 12), "v1".to_owned()] {
            requests.push(get(format!("/{first}/users/{n}"), USER));
            requests.push(get(format!("/{first}/users"), LIST));
            requests.push(get(format!("/{first}/orders/{n}"), ORDER));
        }
    }
    let learned = learn(&requests);
    for row in ["GET /v1/users", "GET /v1/users/{}", "GET /{}/users"] {
        assert!(learned.contains(row), "{learned:?}");
    }
}

#[test]
fn a_version_with_a_format_makes_no_value_of_the_version() {
    let mut requests = Vec::new();
    for n in 0..120 {
        requests.push(get(format!("/things/{n}/{}.json", invented(n)), USER));
        requests.push(get(format!("/things/{n}/v1/users/{n}"), ORDER));
        if n % 60 == 0 {
            requests.push(get(format!("/things/{n}/v1.json"), USER));
        }
    }
    let learned = learn(&requests);
    assert!(
        learned.contains("GET /things/{}/v1/users/{}"),
        "{learned:?}"
    );
}

#[test]
fn an_ending_that_is_gone_on_behind_is_no_format() {
    let mut requests = Vec::new();
    for n in 0..40 {
        let name = format!("{}.com", invented(n));
        requests.push(get(format!("/domains/{name}"), USER));
        requests.push(get(format!("/domains/{name}/records"), LIST));
        requests.push(get(format!("/pages/{}.json", invented(n)), ORDER));
    }
    assert_eq!(
        learn(&requests),
        set(&[
            "GET /domains/{}",
            "GET /domains/{}/records",
            "GET /pages/{}.json",
        ])
    );
}

#[test]
fn what_is_called_most_and_never_with_what_the_others_are_called_with_is_a_literal() {
    let mut requests = Vec::new();
    for n in 0..200 {
        let (account, project) = (invented(n % 25), invented(n % 40 + 60));
        for below in ["", "/branches", "/history", "/settings", "/deployments"] {
            requests.push(get(format!("/projects/{account}/{project}{below}"), USER));
        }
        for k in 0..4 {
            let badge = random(n * 4 + k, 16, true);
            requests.push(get(format!("/projects/status/{badge}"), USER));
        }
    }
    let learned = learn(&requests);
    assert!(learned.contains("GET /projects/status/{}"), "{learned:?}");
    assert!(learned.contains("GET /projects/{}/{}"), "{learned:?}");
}

#[test]
fn a_name_and_the_same_with_a_format_are_one_thing() {
    let mut requests = Vec::new();
    for n in 0..600 {
        let channel = ["4s", "4s", "4s", "e4", "f4"][n % 5];
        let category = invented(n % 9);
        requests.push(get(format!("/c/{category}/channel/{channel}/title"), LIST));
        requests.push(get(format!("/c/{category}/channel/{channel}/4od"), LIST));
        if n % 5 < 2 {
            requests.push(get(format!("/c/{category}/channel/{channel}.json"), LIST));
        }
    }
    let learned = learn(&requests);
    for word in ["4s", "e4", "f4"] {
        let one = learned.contains(&format!("GET /c/{{}}/channel/{word}/title"));
        let other = learned.contains(&format!("GET /c/{{}}/channel/{word}.json"));
        assert!(one == other, "{learned:?}");
    }
}
