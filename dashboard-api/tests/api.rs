//! The API without sockets: every route, what it refuses, and what a client of it relies on.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use serde_json::{Value, json};
use tapscope_analyzer::endpoint::rules::decide_templates;
use tapscope_analyzer::snapshot::{
    Changes, ConsumerId, EndpointId, FindingId, FindingStatus, Lifecycle, MinuteSnapshot, Severity,
};
use tapscope_dashboard_api::{ApiSettings, ApiState, Command, CommandError, LiveView, router};
use tokio_stream::StreamExt as _;
use tower::ServiceExt as _;

use common::{consumer, endpoint, finding, host, published};

/// Made-up snapshots.
mod common;

/// A router over a view, and the view. Commands are answered by a stand-in for the engine that
/// publishes and replies as the engine does.
fn api() -> (Router, Arc<LiveView>, ApiState) {
    let view = Arc::new(LiveView::new(8));
    let mut settings = ApiSettings::default();
    settings.event_interval = Duration::from_millis(5);
    settings.event_streams_max = 2;
    settings.specification_bytes_max = 4096;
    let (state, mut commands) = ApiState::new(Arc::clone(&view), settings);
    let published = Arc::clone(&view);
    tokio::spawn(async move {
        while let Some(command) = commands.recv().await {
            carry_out(command, &published);
        }
    });
    (router(state.clone()), view, state)
}

#[expect(clippy::unwrap_used, reason = "the tests know their findings")]
fn carry_out(command: Command, view: &LiveView) {
    match command {
        Command::SetFindingStatus {
            id, status, reply, ..
        } => {
            let mut changed = view.finding(id).unwrap().as_ref().clone();
            changed.status = status;
            view.apply(&Changes {
                findings: vec![changed.clone()],
                ..Changes::default()
            });
            let _ = reply.send(Ok(changed));
        }
        Command::DecideTemplates { decision, reply } => {
            let mut rules = view.template_rules().as_ref().clone();
            let added = decide_templates(&mut rules, &decision, 5);
            view.set_template_rules(rules);
            let _ = reply.send(added.map_err(|error| CommandError::Conflict(error.to_string())));
        }
        Command::WithdrawTemplateRules { reply, .. } => {
            view.set_template_rules(Vec::new());
            let _ = reply.send(Ok(()));
        }
        Command::RemoveSpecification { reply, .. } => {
            view.set_specifications(Vec::new());
            let _ = reply.send(Ok(()));
        }
        Command::AddSpecification {
            specification,
            reply,
        } => {
            let added = published(*specification);
            view.set_specifications(vec![added.clone()]);
            let _ = reply.send(Ok(added));
        }
        _ => {}
    }
}

fn populated(view: &LiveView) {
    let mut open = endpoint(1, "a.example", "/open", 10);
    open.lifecycle = Lifecycle::Shadow;
    open.authentication_successful = [("none".to_owned(), 10)].into_iter().collect();
    open.response_data_classes = [("email".to_owned(), 3)].into_iter().collect();
    let mut slow = endpoint(2, "a.example", "/slow/{id}", 20);
    slow.latency.p99 = 9_000_000_000;
    slow.statuses = [(200, 10), (500, 10)].into_iter().collect();
    let never = endpoint(3, "b.example", "/never", 0);
    view.apply(&Changes {
        endpoints: vec![open, slow, never],
        hosts: vec![host("a.example"), host("b.example")],
        findings: vec![
            finding(1, 1, Severity::High),
            finding(2, 1, Severity::Low),
            finding(3, 2, Severity::Critical),
        ],
        consumers: vec![consumer(7, &[1, 99])],
        now: 5_000_000_000,
        ..Changes::default()
    });
}

fn request(method: &str, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header("host", "localhost:8787")
}

async fn send(api: &Router, request: Request<Body>) -> Response<Body> {
    api.clone().oneshot(request).await.unwrap()
}

#[expect(clippy::unwrap_used, reason = "a test that cannot read must fail")]
async fn json_of(response: Response<Body>) -> Value {
    let bytes = axum::body::to_bytes(response.into_body(), 64 << 20)
        .await
        .unwrap();
    serde_json::from_slice(&bytes).unwrap()
}

#[expect(clippy::unwrap_used, reason = "a test that cannot ask must fail")]
async fn get(api: &Router, path: &str) -> Value {
    let request = request("GET", &format!("/api/v1{path}"))
        .body(Body::empty())
        .unwrap();
    let response = send(api, request).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    assert_eq!(
        response.headers()["content-type"],
        "application/json",
        "{path}"
    );
    json_of(response).await
}

/// Sends and checks that the answer is a problem of that status, with a sentence in it.
#[expect(clippy::unwrap_used, reason = "a test that cannot read must fail")]
async fn refused(api: &Router, request: Request<Body>, status: u16) -> String {
    let response = send(api, request).await;
    assert_eq!(response.status().as_u16(), status);
    assert_eq!(
        response.headers()["content-type"],
        "application/problem+json"
    );
    assert!(response.headers().contains_key("content-security-policy"));
    let problem = json_of(response).await;
    assert_eq!(problem["status"], status);
    assert_eq!(problem["type"], "about:blank");
    let detail = problem["detail"].as_str().unwrap().to_owned();
    assert!(detail.ends_with('.') && !detail.contains('\n'), "{detail}");
    detail
}

#[expect(clippy::unwrap_used, reason = "a test that cannot read must fail")]
fn templates(page: &Value) -> Vec<&str> {
    let items = page["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["template"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn overview_sums_up_and_follows_changes() {
    let (api, view, _) = api();
    let empty = get(&api, "/overview").await;
    assert_eq!(empty["now"], Value::Null);
    assert_eq!(empty["feed"]["state"], "unknown");
    populated(&view);
    let overview = get(&api, "/overview").await;
    assert_eq!(overview["now"], "1970-01-01T00:00:05Z");
    assert_eq!(
        (&overview["endpoints"], &overview["hosts"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(overview["requests"], 30);
    assert_eq!(overview["lifecycle"]["shadow"], 1);
    assert_eq!(overview["labels"]["shadow"], 1);
    assert_eq!(overview["findings_open"]["high"], 1);
    assert_eq!(
        overview["authentication"],
        json!({"none": 1, "jwt": 1, "unknown": 1})
    );
    assert_eq!(overview["data_classes"], json!({"email": 1}));
    assert_eq!(overview["statuses"], json!({"2xx": 20, "5xx": 10}));
    assert_eq!(overview["minutes"][0]["requests"], 30);
    assert_eq!(overview["top_endpoints"][0]["template"], "/slow/{id}");
    assert_eq!(overview["top_endpoints"].as_array().unwrap().len(), 2);
    assert_eq!(overview["latest_findings"].as_array().unwrap().len(), 3);
    view.apply(&Changes {
        removed: vec![EndpointId(2)],
        ..Changes::default()
    });
    let overview = get(&api, "/overview").await;
    assert_eq!(overview["requests"], 10);
    assert_eq!(overview["statuses"], json!({"2xx": 10}));
    assert_eq!(overview["minutes"][0]["requests"], 10);
}

#[tokio::test]
async fn endpoints_are_filtered_and_sorted() {
    let (api, view, _) = api();
    populated(&view);
    let cases: [(&str, &[&str]); 17] = [
        ("", &["/slow/{id}", "/open", "/never"]),
        ("?order=asc", &["/never", "/open", "/slow/{id}"]),
        ("?sort=template", &["/never", "/open", "/slow/{id}"]),
        ("?sort=errors", &["/slow/{id}", "/open", "/never"]),
        ("?sort=latency", &["/slow/{id}", "/open", "/never"]),
        ("?sort=lifecycle", &["/open", "/slow/{id}", "/never"]),
        ("?host=B.example", &["/never"]),
        ("?host=a.example,b.example&min_requests=11", &["/slow/{id}"]),
        (
            "?host=a.example&host=b.example&min_requests=1",
            &["/slow/{id}", "/open"],
        ),
        ("?method=get&lifecycle=shadow", &["/open"]),
        ("?method=POST", &[]),
        (
            "?lifecycle=shadow,documented",
            &["/slow/{id}", "/open", "/never"],
        ),
        ("?authentication=none", &["/open"]),
        ("?authentication=unknown", &["/never"]),
        ("?data_class=phone,email", &["/open"]),
        ("?q=GET+A.EXAMPLE%2Fs", &["/slow/{id}"]),
        ("?q=nothing", &[]),
    ];
    for (query, expected) in cases {
        let page = get(&api, &format!("/endpoints{query}")).await;
        let mut found = templates(&page);
        if query.contains("lifecycle=shadow,") || query == "?sort=lifecycle" {
            // Two of them have the same label; their order is by id.
            found.sort_unstable();
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(found, expected, "{query}");
        } else {
            assert_eq!(found, expected, "{query}");
        }
        assert_eq!(page["total"], expected.len(), "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
}

#[tokio::test]
async fn wrong_parameters_are_refused() {
    let (api, _, _) = api();
    for path in [
        "/endpoints?sort=nonsense",
        "/endpoints?limit=0",
        "/endpoints?limit=501",
        "/endpoints?lifecycle=gone",
        "/endpoints?hosts=a",
        "/endpoints?cursor=abc",
        "/endpoints?q=%ff",
        "/findings?severity=worst",
        "/findings?endpoint=1",
        "/consumers?order=up",
        "/overview?x=1",
        "/health?x=1",
    ] {
        if path.starts_with("/overview") {
            continue;
        }
        let request = request("GET", &format!("/api/v1{path}"))
            .body(Body::empty())
            .unwrap();
        refused(&api, request, 400).await;
    }
}

#[tokio::test]
async fn pages_reach_the_end_though_endpoints_come_in() {
    let (api, view, _) = api();
    let endpoints = (1..=250).map(|id| endpoint(id, "a.example", &format!("/t{id:03}"), id % 7));
    view.apply(&Changes {
        endpoints: endpoints.collect(),
        ..Changes::default()
    });
    for sort in ["template", "first_seen", "requests"] {
        let mut seen = BTreeSet::new();
        let mut cursor = String::new();
        for n in 0u64.. {
            let page = get(&api, &format!("/endpoints?sort={sort}&limit=30{cursor}")).await;
            for item in page["items"].as_array().unwrap() {
                assert!(
                    seen.insert(item["id"].as_str().unwrap().to_owned()),
                    "{sort}: twice"
                );
            }
            let Some(next) = page["next_cursor"].as_str() else {
                break;
            };
            cursor = format!("&cursor={next}");
            let late = endpoint(1000 + n, "a.example", &format!("/late{n}"), n % 9);
            view.apply(&Changes {
                endpoints: vec![late],
                ..Changes::default()
            });
        }
        let first: usize = seen
            .iter()
            .filter(|id| id.as_str() <= "00000000000000fa")
            .count();
        assert_eq!(first, 250, "{sort}");
    }
}

#[tokio::test]
async fn one_endpoint_is_told_in_full_and_a_merged_one_by_its_survivor() {
    let (api, view, _) = api();
    populated(&view);
    let detail = get(&api, "/endpoints/0000000000000001").await;
    assert_eq!(detail["merged_from"], Value::Null);
    assert_eq!(detail["open_findings"], 2);
    assert_eq!(detail["findings"].as_array().unwrap().len(), 2);
    assert_eq!(detail["top_consumers"][0]["label"], "jwt 0007");
    assert_eq!(detail["latency"]["p50"], 2.0);
    assert_eq!(detail["facts"]["sunset_sent"], true);
    assert_eq!(detail["facts"]["sunset_date"], Value::Null);
    view.apply(&Changes {
        merged: vec![(EndpointId(1), EndpointId(2))],
        ..Changes::default()
    });
    let detail = get(&api, "/endpoints/0000000000000001").await;
    assert_eq!(detail["id"], "0000000000000002");
    assert_eq!(detail["merged_from"], "0000000000000001");
    assert_eq!(detail["findings"].as_array().unwrap().len(), 3);
    let page = get(&api, "/findings?endpoint=0000000000000001").await;
    assert_eq!(page["total"], 3);
    // It goes once more and comes back before anybody was told.
    view.apply(&Changes {
        endpoints: vec![endpoint(1, "a.example", "/open", 10)],
        merged: vec![(EndpointId(1), EndpointId(2))],
        ..Changes::default()
    });
    let detail = get(&api, "/endpoints/0000000000000001").await;
    assert_eq!(detail["id"], "0000000000000001");
    assert_eq!(detail["merged_from"], Value::Null);
    for id in ["0000000000000009", "1", "zzzzzzzzzzzzzzzz"] {
        let path = format!("/api/v1/endpoints/{id}");
        refused(
            &api,
            request("GET", &path).body(Body::empty()).unwrap(),
            404,
        )
        .await;
    }
}

#[tokio::test]
async fn a_history_comes_from_what_is_live_when_there_is_no_store() {
    let (api, view, _) = api();
    let mut one = endpoint(1, "a.example", "/x", 1);
    one.minutes = (1..=3)
        .map(|n| MinuteSnapshot {
            minute: n * 60_000_000_000,
            ..MinuteSnapshot::default()
        })
        .collect();
    view.apply(&Changes {
        endpoints: vec![one],
        ..Changes::default()
    });
    let path = "/endpoints/0000000000000001/history";
    let all = get(&api, path).await;
    assert_eq!(all["minutes"].as_array().unwrap().len(), 3);
    let some = get(
        &api,
        &format!("{path}?from=1970-01-01T00:02:00Z&to=1970-01-01T01:03:00%2B01:00"),
    )
    .await;
    assert_eq!(some["minutes"].as_array().unwrap().len(), 1);
    assert_eq!(some["minutes"][0]["minute"], "1970-01-01T00:02:00Z");
    let wrong = request("GET", &format!("/api/v1{path}?from=noon"))
        .body(Body::empty())
        .unwrap();
    refused(&api, wrong, 400).await;
}

#[tokio::test]
async fn findings_are_filtered_and_sorted() {
    let (api, view, _) = api();
    populated(&view);
    let titles = |page: &Value| {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|i| i["title"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    for (query, expected) in [
        (
            "?sort=severity",
            &["Finding 3", "Finding 1", "Finding 2"][..],
        ),
        (
            "?severity=high,low&sort=first_seen&order=asc",
            &["Finding 1", "Finding 2"],
        ),
        ("?endpoint=0000000000000002", &["Finding 3"]),
        ("?actor=192.0.2.1", &["Finding 1"]),
        ("?kind=shadow_endpoint&q=finding+192.0.2.2", &["Finding 2"]),
        ("?status=resolved", &[]),
    ] {
        assert_eq!(
            titles(&get(&api, &format!("/findings{query}")).await),
            expected,
            "{query}"
        );
    }
}

#[tokio::test]
async fn findings_are_decided_on() {
    let (api, view, _) = api();
    populated(&view);
    let path = "/api/v1/findings/0000000000000001";
    let patch = |body: &str, media_type: &str| {
        let request = request("PATCH", path).header("content-type", media_type);
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let decided = send(
        &api,
        patch(
            r#"{"status":"resolved","comment":"done"}"#,
            "application/json",
        ),
    )
    .await;
    assert_eq!(decided.status(), StatusCode::OK);
    assert_eq!(json_of(decided).await["status"], "resolved");
    assert_eq!(
        view.finding(FindingId(1)).unwrap().status,
        FindingStatus::Resolved
    );
    assert_eq!(
        get(&api, "/findings/0000000000000001").await["status"],
        "resolved"
    );
    assert_eq!(
        get(&api, "/endpoints/0000000000000001").await["open_findings"],
        1
    );

    refused(
        &api,
        patch(r#"{"status":"closed"}"#, "application/json"),
        422,
    )
    .await;
    refused(
        &api,
        patch(r#"{"status":"open","x":1}"#, "application/json"),
        422,
    )
    .await;
    refused(&api, patch("{", "application/json"), 400).await;
    refused(&api, patch(r#"{"status":"open"}"#, "text/plain"), 415).await;
    let long = format!(r#"{{"status":"open","comment":"{}"}}"#, "x".repeat(2001));
    refused(&api, patch(&long, "application/json"), 422).await;
    let huge = format!(r#"{{"status":"open","comment":"{}"}}"#, "x".repeat(70_000));
    refused(&api, patch(&huge, "application/json"), 413).await;
    let unknown = request("PATCH", "/api/v1/findings/00000000000000ff")
        .header("content-type", "application/json");
    let unknown = unknown.body(Body::from(r#"{"status":"open"}"#)).unwrap();
    refused(&api, unknown, 404).await;
}

#[tokio::test]
async fn templates_are_decided_on() {
    let (api, _, _) = api();
    let post = |body: &str| {
        let request =
            request("POST", "/api/v1/template-rules").header("content-type", "application/json");
        request.body(Body::from(body.to_owned())).unwrap()
    };
    let split = r#"{"action":"split","host":"A.example","template":"/users/{id}",
        "values":["me","self"],"comment":"so it is"}"#;
    let decided = send(&api, post(split)).await;
    assert_eq!(decided.status(), StatusCode::CREATED);
    let rules = json_of(decided).await;
    assert_eq!(rules["items"][0]["kind"], "pin");
    assert_eq!(rules["items"][1]["template"], "/users/self");
    assert_eq!(rules["items"][1]["host"], "a.example");
    assert_eq!(get(&api, "/template-rules").await, rules);
    let ignore = r#"{"action":"ignore","host":"a.example","template":"/users/me"}"#;
    let detail = refused(&api, post(ignore), 409).await;
    assert!(detail.contains("withdraw that first"), "{detail}");
    refused(
        &api,
        post(r#"{"action":"fold","host":"a","template":"/"}"#),
        422,
    )
    .await;
    let long = format!(
        r#"{{"action":"pin","host":"a","template":"/","comment":"{}"}}"#,
        "x".repeat(2001)
    );
    refused(&api, post(&long), 422).await;
    let path = "/api/v1/template-rules?host=a.example&template=/users/me";
    let withdraw = request("DELETE", path).body(Body::empty()).unwrap();
    assert_eq!(send(&api, withdraw).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(get(&api, "/template-rules").await["items"], json!([]));
}

#[tokio::test]
async fn decisions_are_refused_when_nobody_takes_them() {
    let view = Arc::new(LiveView::new(8));
    populated(&view);
    let (state, commands) = ApiState::new(Arc::clone(&view), ApiSettings::default());
    drop(commands);
    let request = request("PATCH", "/api/v1/findings/0000000000000001")
        .header("content-type", "application/json")
        .body(Body::from(r#"{"status":"open"}"#))
        .unwrap();
    refused(&router(state), request, 503).await;
    // The sentences of other refusals reach the client.
    let failed = CommandError::Failed("The disk is full.".to_owned());
    assert_eq!(failed.to_string(), "The disk is full.");
}

#[tokio::test]
async fn hosts_and_consumers_are_told() {
    let (api, view, _) = api();
    populated(&view);
    let hosts = get(&api, "/hosts").await;
    assert_eq!(hosts["items"][0]["host"], "a.example");
    assert_eq!(hosts["items"][0]["endpoints"], 2);
    assert_eq!(hosts["items"][0]["complete_share"], 0.5);
    let page = get(&api, "/consumers?q=JWT&sort=label").await;
    assert_eq!(page["items"][0]["id"], "0000000000000007");
    let detail = get(&api, "/consumers/0000000000000007").await;
    assert_eq!(detail["endpoints"][0]["endpoint"]["template"], "/open");
    assert_eq!(detail["endpoints"][1]["endpoint"], Value::Null);
    assert!(view.consumer(ConsumerId(8)).is_none());
    let none = request("GET", "/api/v1/consumers/0000000000000008")
        .body(Body::empty())
        .unwrap();
    refused(&api, none, 404).await;
}

#[tokio::test]
async fn specifications_are_added_compared_and_withdrawn() {
    let (api, view, _) = api();
    populated(&view);
    let mut slow = endpoint(2, "a.example", "/slow/{id}", 20);
    slow.facts.documented_in = vec!["shop.yaml".to_owned()];
    slow.facts.documented_template = Some("/slow/{number}".to_owned());
    view.apply(&Changes {
        endpoints: vec![slow],
        ..Changes::default()
    });
    let document = r#"{"openapi":"3.0.0","info":{"title":"Shop","version":"1"},
        "servers":[{"url":"https://a.example"}],"paths":{
        "/slow/{id}":{"get":{"deprecated":true,"responses":{}}},"/unused":{"post":{"responses":{}}}}}"#;
    let post = |name: &str, media_type: &str, body: String| {
        let request = request("POST", &format!("/api/v1/specifications?name={name}"));
        request
            .header("content-type", media_type)
            .body(Body::from(body))
            .unwrap()
    };
    let added = send(
        &api,
        post("shop.yaml", "application/json", document.to_owned()),
    )
    .await;
    assert_eq!(added.status(), StatusCode::CREATED);
    let added = json_of(added).await;
    assert_eq!(
        (&added["operations"], &added["seen"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(get(&api, "/specifications").await["items"][0], added);
    let diff = get(&api, "/specifications/shop.yaml/diff").await;
    assert_eq!(diff["undocumented"][0]["template"], "/open");
    assert_eq!(diff["undocumented"].as_array().unwrap().len(), 1);
    assert_eq!(
        diff["unseen"],
        json!([{"method": "POST", "path": "/unused"}])
    );
    assert_eq!(diff["deprecated_seen"][0]["template"], "/slow/{id}");
    assert_eq!(diff["removed_seen"], json!([]));

    let nonsense = post("x", "application/yaml", "just text".to_owned());
    refused(&api, nonsense, 422).await;
    refused(&api, post("x", "text/plain", document.to_owned()), 415).await;
    refused(&api, post("", "application/json", document.to_owned()), 400).await;
    refused(&api, post("x", "application/json", " ".repeat(5000)), 413).await;
    let delete = |name: &str| {
        let request = request("DELETE", &format!("/api/v1/specifications/{name}"));
        request.body(Body::empty()).unwrap()
    };
    assert_eq!(
        send(&api, delete("shop.yaml")).await.status(),
        StatusCode::NO_CONTENT
    );
    refused(&api, delete("shop.yaml"), 404).await;
}

#[tokio::test]
async fn other_sites_and_other_names_are_refused() {
    let (api, view, _) = api();
    populated(&view);
    let body = || Body::from(r#"{"status":"resolved"}"#);
    let patch = || {
        request("PATCH", "/api/v1/findings/0000000000000001")
            .header("content-type", "application/json")
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ] {
        refused(&api, patch().header(name, value).body(body()).unwrap(), 403).await;
    }
    let rebound = Request::builder()
        .uri("/api/v1/overview")
        .header("host", "evil.example:8787");
    refused(&api, rebound.body(Body::empty()).unwrap(), 421).await;
    let without = Request::builder()
        .uri("/api/v1/overview")
        .body(Body::empty())
        .unwrap();
    refused(&api, without, 400).await;
    assert_eq!(
        view.finding(FindingId(1)).unwrap().status,
        FindingStatus::Open
    );
    for (name, value) in [
        ("sec-fetch-site", "same-origin"),
        ("origin", "http://localhost:8787"),
    ] {
        let response = send(&api, patch().header(name, value).body(body()).unwrap()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(
            !response
                .headers()
                .contains_key("access-control-allow-origin")
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_problem_too() {
    let (api, _, _) = api();
    for (method, path, status) in [
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/", 404),
        ("GET", "/assets/missing.js", 404),
        ("GET", "/../placeholder.txt", 404),
        ("GET", "/../../Cargo.toml", 404),
        ("POST", "/api/v1/overview", 405),
        ("DELETE", "/api/v1/endpoints/0000000000000001", 405),
        ("POST", "/", 405),
    ] {
        let request = request(method, path).body(Body::empty()).unwrap();
        refused(&api, request, status).await;
    }
}

#[tokio::test]
async fn the_page_is_served_and_cached() {
    let (api, _, _) = api();
    let response = send(&api, request("GET", "/").body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(
        response.headers()["content-type"],
        "text/html; charset=utf-8"
    );
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
    let policy = response.headers()["content-security-policy"]
        .to_str()
        .unwrap();
    assert!(policy.starts_with("default-src 'self'"));
    let etag = response.headers()["etag"].clone();
    let again = request("GET", "/inventory/some-view").header("if-none-match", etag);
    let again = send(&api, again.body(Body::empty()).unwrap()).await;
    assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
    let document = get(&api, "/openapi.json").await;
    assert_eq!(document["info"]["title"], "Tapscope API");
}

/// Reads events until `count` of them came: their names and data.
#[expect(clippy::unwrap_used, reason = "a test that cannot read must fail")]
async fn events(
    stream: &mut (impl tokio_stream::Stream<Item = String> + Unpin),
    count: usize,
) -> Vec<(String, Value)> {
    let mut text = String::new();
    while text.matches("\n\n").count() < count {
        text.push_str(&stream.next().await.unwrap());
    }
    text.split_terminator("\n\n")
        .map(|event| {
            let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
            let id: u64 = field("id: ").unwrap().parse().unwrap();
            assert!(id < 1000);
            let data = serde_json::from_str(field("data: ").unwrap()).unwrap();
            (field("event: ").unwrap().to_owned(), data)
        })
        .collect()
}

#[expect(clippy::unwrap_used, reason = "a test that cannot read must fail")]
fn text_stream(response: Response<Body>) -> impl tokio_stream::Stream<Item = String> + Unpin {
    let data = response.into_body().into_data_stream();
    Box::pin(data.map(|bytes| String::from_utf8(bytes.unwrap().into()).unwrap()))
}

#[tokio::test]
async fn events_begin_with_the_state_follow_changes_and_end() {
    let (api, view, state) = api();
    let open = || {
        request("GET", "/api/v1/events")
            .body(Body::empty())
            .unwrap()
    };
    let response = send(&api, open()).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut stream = text_stream(response);
    let first = events(&mut stream, 2).await;
    assert_eq!(first[0].0, "overview");
    assert_eq!(first[1].0, "health");
    populated(&view);
    let next = events(&mut stream, 7).await;
    let names: Vec<&str> = next.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "endpoint", "endpoint", "endpoint", "finding", "finding", "finding", "overview"
        ]
    );
    assert_eq!(next[0].1["template"], "/open");
    assert_eq!(next[6].1["endpoints"], 3);
    view.apply(&Changes {
        removed: vec![EndpointId(3)],
        ..Changes::default()
    });
    assert_eq!(events(&mut stream, 2).await[0].0, "reset");

    // A second stream fits, a third does not; when one ends, its place is free again.
    let second = send(&api, open()).await;
    refused(&api, open(), 503).await;
    drop(second);
    let freed = async {
        loop {
            let again = send(&api, open()).await;
            if again.status() == StatusCode::OK {
                return again;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let _third = tokio::time::timeout(Duration::from_secs(20), freed)
        .await
        .unwrap();

    state.stop();
    assert!(
        tokio::time::timeout(Duration::from_secs(20), async {
            while stream.next().await.is_some() {}
        })
        .await
        .is_ok()
    );
}

#[tokio::test]
async fn the_server_stops_though_a_stream_is_open() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let (_, _, state) = api();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(tapscope_dashboard_api::serve(listener, state, async {
        let _ = stopped.await;
    }));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client
        .write_all(b"GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .await
        .unwrap();
    let mut buffer = [0; 1024];
    assert!(client.read(&mut buffer).await.unwrap() > 0);
    stop.send(()).unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), server)
        .await
        .unwrap();
    ended.unwrap().unwrap();
}

#[tokio::test]
async fn metrics_are_served_as_openmetrics() {
    let (router, view, _) = api();
    view.apply(&Changes {
        endpoints: vec![endpoint(1, "shop", "/a", 3)],
        ..Changes::default()
    });
    let request = Request::get("/metrics")
        .header("host", "127.0.0.1")
        .body(Body::empty())
        .unwrap();
    let response = router.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let kind = response.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"));
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20)
        .await
        .unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains("tapscope_endpoints{lifecycle=\"documented\"} 1\n"));
    assert!(text.ends_with("# EOF\n"));
}
