//! `/policy`: how facts become labels, for reading.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Problem;
use crate::query::Query;
use crate::state::ApiState;
use crate::view::policy::Policy;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_policy))
}

/// The policy that holds: it is changed in the configuration file, which is read again when it
/// changes.
#[utoipa::path(get, path = "/policy", tag = "inventory",
    responses((status = 200, description = "The policy", body = Policy)))]
async fn get_policy(State(state): State<ApiState>, query: Query) -> Result<Json<Policy>, Problem> {
    query.finish()?;
    Ok(Json(Policy::from(&*state.view().policy())))
}
