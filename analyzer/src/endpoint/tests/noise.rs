//! What stands beside an API: probes, files of pages, answers that are given to anything.

use super::*;

fn host() -> HostTemplates {
    HostTemplates::new("api.example.com", &TemplateSettings::default())
}

#[test]
fn what_proves_to_be_a_catch_all_waits_with_all_that_was_seen_of_it() {
    let mut host = host();
    let mut requests: Vec<Request<'_>> = Vec::new();
    for n in 0..40 {
        let page = ["/", "/dashboard", "/login", "/settings/profile"][n % 4];
        requests.push(("GET", page.to_owned(), 200, &[]));
        requests.push(("GET", format!("/reports/r{n}"), 200, &[]));
        requests.push(("GET", format!("/api/orders/{n}"), 200, &["id"]));
    }
    feed(&mut host, &requests);
    host.settle();
    assert_eq!(templates(&host), set(&["GET /api/orders/{}"]));
    let waiting = host.waiting();
    let waits: u64 = waiting.iter().map(|one| one.exchanges).sum();
    assert_eq!(waits, 80, "{waiting:?}");
}

#[test]
fn probes_and_files_of_pages_are_no_endpoints_unless_somebody_says_so() {
    let mut host = host();
    let mut requests: Vec<Request<'_>> = Vec::new();
    for n in 0..30 {
        requests.push(("GET", "/healthz".to_owned(), 200, &["status"]));
        requests.push(("GET", "/api/health".to_owned(), 200, &["status"]));
        requests.push(("GET", format!("/orders/{n}"), 200, &["id"]));
        requests.push(("GET", "/orders/health".to_owned(), 200, &["id"]));
    }
    feed(&mut host, &requests);
    host.settle();
    assert_eq!(templates(&host), set(&["GET /orders/{}"]));
    host.set_documented(&[("GET".to_owned(), "/api/health".to_owned())]);
    feed(&mut host, &requests);
    host.settle();
    assert_eq!(
        templates(&host),
        set(&["GET /api/health", "GET /orders/{}"])
    );
}
