//! A large inventory is listed whole; `--nocapture` tells how long it took (never asserted).

use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use axum::http::Request;
use tapscope_analyzer::snapshot::Changes;
use tapscope_dashboard_api::{ApiSettings, ApiState, LiveView, router};
use tower::ServiceExt as _;

use common::endpoint;

/// Made-up snapshots.
mod common;

const ENDPOINTS: u64 = 10_000;

#[tokio::test]
async fn ten_thousand_endpoints_are_listed() {
    let view = Arc::new(LiveView::new(8));
    let row = |id: u64| endpoint(id, "a.example", &format!("/t{}", id % 977), id * 7 % 5000);
    let started = Instant::now();
    view.apply(&Changes {
        endpoints: (1..=ENDPOINTS).map(row).collect(),
        ..Changes::default()
    });
    println!("apply: {:?}", started.elapsed());
    let (state, _commands) = ApiState::new(view, ApiSettings::default());
    let api = router(state);
    for (path, total) in [
        ("/endpoints", Some(ENDPOINTS)),
        ("/endpoints?sort=template&limit=500", Some(ENDPOINTS)),
        ("/endpoints?q=t97", None),
        ("/overview", None),
    ] {
        let started = Instant::now();
        let request = Request::builder()
            .uri(format!("/api/v1{path}"))
            .header("host", "localhost");
        let response = api
            .clone()
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap();
        let body = axum::body::to_bytes(response.into_body(), 16 << 20)
            .await
            .unwrap();
        println!("{path}: {:?}, {} bytes", started.elapsed(), body.len());
        let json: serde_json::Value = serde_json::from_slice(&body).unwrap();
        if let Some(total) = total {
            assert_eq!(json["total"], total);
        }
    }
}
