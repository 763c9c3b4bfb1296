//! What waits for evidence goes on waiting after a restart, with what it has proven so far.

use super::super::{HostTemplates, TemplateEvent, TemplateSettings};
use super::{LIST, Request, USER, feed, get, invented, set, templates};

fn restarted(host: &HostTemplates) -> HostTemplates {
    let known: Vec<_> = host
        .endpoints()
        .filter_map(|id| host.describe(id).map(|v| (id, v.method, v.template)))
        .collect();
    HostTemplates::restore("h", &TemplateSettings::default(), &host.state(), &known)
}

#[test]
fn candidates_keep_their_consumers_and_their_calls() {
    let denied = |path: &str| ("GET", path.to_owned(), 401, &[][..]);
    let mut host = HostTemplates::new("h", &TemplateSettings::default());
    let before: Vec<Request<'_>> = (0..2).map(|_| denied("/v1/secrets")).collect();
    feed(&mut host, &before);
    feed(&mut host, &[("GET", "/v1/users".to_owned(), 500, LIST)]);
    let waiting = host.waiting();
    assert_eq!(waiting.len(), 2);

    let mut again = restarted(&host);
    assert_eq!(again.waiting(), waiting);
    // The third consumer is the one that was missing, with the fourth call.
    let other = ("GET", "/v1/other".to_owned(), 401, &[][..]);
    feed(
        &mut again,
        &[
            other.clone(),
            other,
            denied("/v1/secrets"),
            denied("/v1/secrets"),
        ],
    );
    feed(&mut again, &[get("/v1/users".to_owned(), LIST)]);
    again.settle();
    assert_eq!(
        templates(&again),
        set(&["GET /v1/secrets", "GET /v1/users"])
    );
    let told = again
        .take_events()
        .into_iter()
        .filter_map(|event| match event {
            TemplateEvent::Created { earlier, .. } => Some(earlier),
            _ => None,
        });
    assert_eq!(told.sum::<u64>(), 4, "all but the ones that proved them");
}

#[test]
fn what_is_answered_to_anything_stays_known() {
    let mut host = HostTemplates::new("h", &TemplateSettings::default());
    let mut requests = vec![get("/v1/users".to_owned(), USER)];
    for n in 0..20 {
        requests.push(get(format!("/{}", invented(n)), &[]));
        requests.push(("GET", format!("/{}.php", invented(n)), 404, &[]));
    }
    feed(&mut host, &requests);
    host.settle();
    let mut again = restarted(&host);
    feed(&mut again, &[get("/entirely/else".to_owned(), &[])]);
    again.settle();
    assert_eq!(templates(&again), templates(&host));
}

#[test]
fn a_state_that_is_not_ours_is_read_as_far_as_it_goes() {
    let mut host = HostTemplates::new("h", &TemplateSettings::default());
    feed(&mut host, &[("GET", "/v1/users".to_owned(), 500, LIST)]);
    for broken in [
        serde_json::json!({"held": [[1], [1, 2, 3, 4, "no such reason", [], null], 7]}),
        serde_json::json!("else"),
        serde_json::Value::Null,
    ] {
        let mut state = host.state();
        state["waiting"] = broken.clone();
        state["noise"] = broken;
        let again = HostTemplates::restore("h", &TemplateSettings::default(), &state, &[]);
        assert!(again.waiting().is_empty());
    }
}
