//! `/hosts`: what serves the endpoints.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Problem;
use crate::query::Query;
use crate::state::ApiState;
use crate::view::host::{Host, Hosts};

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(list_hosts))
}

/// All hosts, with those that share a row and with what waits to become an endpoint.
#[utoipa::path(get, path = "/hosts", tag = "inventory",
    responses((status = 200, description = "The hosts, by name", body = Hosts)))]
async fn list_hosts(State(state): State<ApiState>, query: Query) -> Result<Json<Hosts>, Problem> {
    query.finish()?;
    let endpoints = state.view().totals().hosts;
    let hosts = state.view().hosts();
    let items = hosts.iter().map(|host| {
        let endpoints = endpoints.get(&host.host).copied().unwrap_or_default();
        Host::new(host, endpoints)
    });
    Ok(Json(Hosts {
        items: items.collect(),
    }))
}
