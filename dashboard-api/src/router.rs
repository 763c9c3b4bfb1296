//! All routes, and the API's own document, generated from them.

use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::error::Problem;
use crate::settings::ApiSettings;
use crate::state::ApiState;
use crate::view;
use crate::{
    assets, consumers, endpoints, events, export, findings, health, hosts, metrics, overview,
    policy, security, specifications, templates,
};

/// Where the API is.
const PREFIX: &str = "/api/v1";

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Tapscope API",
        description = "The inventory, the findings and the health of a passive API sensor.\n\n\
            Ids are 16 lower-case hexadecimal digits. Times are RFC 3339 in UTC. What is unknown \
            is null. Errors are problem details (RFC 9457). Lists come in keyset pages: hand \
            `next_cursor` back as `cursor`, with the same filters and order.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    tags(
        (name = "overview", description = "Everything at a glance"),
        (name = "inventory", description = "Endpoints and their hosts"),
        (name = "findings", description = "Findings and decisions on them"),
        (name = "consumers", description = "Who calls"),
        (name = "specifications", description = "Documents to compare traffic with"),
        (name = "export", description = "Reports that leave the house"),
        (name = "health", description = "What the sensor says of itself"),
        (name = "events", description = "What changes, as it changes"),
    ),
    // Bodies of events, which no operation names.
    components(schemas(view::problem::ProblemDetails)),
)]
struct Document;

/// The routes of the API and their document.
fn api(settings: &ApiSettings) -> OpenApiRouter<ApiState> {
    let routes = OpenApiRouter::new()
        .merge(overview::routes())
        .merge(endpoints::routes())
        .merge(policy::routes())
        .merge(hosts::routes())
        .merge(findings::routes())
        .merge(templates::routes())
        .merge(consumers::routes())
        .merge(specifications::routes(settings))
        .merge(export::routes())
        .merge(health::routes())
        .merge(events::routes());
    OpenApiRouter::with_openapi(Document::openapi()).nest(PREFIX, routes)
}

/// The API's own document (OpenAPI 3.1).
#[must_use]
pub fn openapi() -> OpenApi {
    api(&ApiSettings::default()).into_openapi()
}

/// The API and the page.
pub fn router(state: ApiState) -> Router {
    let (routes, document) = api(state.settings()).split_for_parts();
    let document = get(move || async move { Json(document) });
    routes
        .route(&format!("{PREFIX}/openapi.json"), document)
        .route(
            &format!("{PREFIX}/{{*rest}}"),
            axum::routing::any(no_such_resource),
        )
        // For Prometheus, which asks here by habit.
        .route("/metrics", get(metrics::get_metrics))
        .fallback(assets::serve_page)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(DefaultBodyLimit::max(state.settings().body_bytes_max))
        .layer(from_fn_with_state(state.clone(), security::guard))
        .with_state(state)
}

async fn no_such_resource() -> Problem {
    Problem::not_found("The API has no such resource; /api/v1/openapi.json lists them.")
}

async fn method_not_allowed() -> impl IntoResponse {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "This resource does not take that method; the Allow header lists those it takes.",
    )
}
