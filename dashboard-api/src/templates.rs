//! `/template-rules`: what a person has decided on templates, deciding, and taking back.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use tapscope_analyzer::endpoint::rules::TemplateDecision as Decision;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::command::Command;
use crate::error::Problem;
use crate::query::Query;
use crate::state::ApiState;
use crate::view::problem::ProblemDetails;
use crate::view::template::{TemplateDecision, TemplateRules};

/// Values or templates that one decision may name at most: more is a script's work, and a script
/// can send several.
const PARTS_MAX: usize = 1000;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(
        list_template_rules,
        decide_on_templates,
        withdraw_template_rules
    ))
}

/// The rules that hold. They win over specifications and over what is learned.
#[utoipa::path(get, path = "/template-rules", tag = "inventory",
    responses((status = 200, description = "The rules, in order of the decisions",
        body = TemplateRules)))]
async fn list_template_rules(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<TemplateRules>, Problem> {
    query.finish()?;
    let rules = state.view().template_rules();
    Ok(Json(TemplateRules {
        items: rules.iter().map(Into::into).collect(),
    }))
}

/// Pins, splits, merges, renames or ignores a template, for good: until it is withdrawn. Endpoints
/// keep their ids and their history; of those that become one, the ids lead to the one that stays.
#[utoipa::path(post, path = "/template-rules", tag = "inventory",
    request_body = TemplateDecision,
    responses(
        (status = 201, description = "The rules it came to", body = TemplateRules),
        (status = 409, description = "It contradicts a rule that holds", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 415, description = "The body is not application/json", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 422, description = "It makes no sense; the detail says why",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store is only being read, or the engine is stuck",
            body = ProblemDetails, content_type = "application/problem+json"),
    ))]
async fn decide_on_templates(
    State(state): State<ApiState>,
    query: Query,
    body: Result<Json<TemplateDecision>, JsonRejection>,
) -> Result<(StatusCode, Json<TemplateRules>), Problem> {
    query.finish()?;
    let Json(asked) = body?;
    let comment = asked.comment.unwrap_or_default();
    let chars_max = state.settings().comment_chars_max;
    if comment.chars().count() > chars_max {
        return Err(Problem::unprocessable(format!(
            "The comment is longer than {chars_max} characters."
        )));
    }
    let parts = [asked.values, asked.templates].concat();
    if parts.len() > PARTS_MAX {
        return Err(Problem::unprocessable(format!(
            "More than {PARTS_MAX} values or templates are named."
        )));
    }
    let decision = Box::new(Decision {
        action: asked.action.into(),
        host: asked.host.to_ascii_lowercase(),
        template: asked.template,
        method: asked.method,
        parameter: asked.parameter,
        parts,
        comment,
    });
    let rules = state
        .command(|reply| Command::DecideTemplates { decision, reply })
        .await?;
    let items = rules.iter().map(Into::into).collect();
    Ok((StatusCode::CREATED, Json(TemplateRules { items })))
}

/// Which rules to take back.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; they are taken from the query"
)]
pub(crate) struct WithdrawQuery {
    /// The host.
    host: String,
    /// The template, whatever its parameters are called.
    template: String,
}

/// Takes all rules on a template back; what is learned and what specifications say holds again.
#[utoipa::path(delete, path = "/template-rules", tag = "inventory", params(WithdrawQuery),
    responses(
        (status = 204, description = "They were taken back"),
        (status = 404, description = "There are none on that template", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 503, description = "The store is only being read, or the engine is stuck",
            body = ProblemDetails, content_type = "application/problem+json"),
    ))]
async fn withdraw_template_rules(
    State(state): State<ApiState>,
    mut query: Query,
) -> Result<StatusCode, Problem> {
    let host = query.take_one("host")?.unwrap_or_default();
    let template = query.take_one("template")?.unwrap_or_default();
    query.finish()?;
    let host = host.to_ascii_lowercase();
    state
        .command(|reply| Command::WithdrawTemplateRules {
            host,
            template,
            reply,
        })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
