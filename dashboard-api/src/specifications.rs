//! `/specifications`: the documents, adding and withdrawing one, and what traffic shows against
//! one.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tapscope_analyzer::DriftPolicy;
use tapscope_analyzer::inventory::specification::{
    DifferenceKind, Specification, SpecificationError,
};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::command::Command;
use crate::error::{Problem, sentence};
use crate::live::{EndpointEntry, LiveView, PublishedSpecification};
use crate::query::Query;
use crate::settings::ApiSettings;
use crate::state::ApiState;
use crate::view::endpoint::EndpointName;
use crate::view::id::Id;
use crate::view::problem::ProblemDetails;
use crate::view::specification::{
    EndpointDrift, OperationName, SpecificationDiff, SpecificationSummary, Specifications,
};
use crate::view::time::Time;

/// Characters of a specification's name at most: what a file name may have.
const NAME_CHARS_MAX: usize = 255;

/// Media types of a specification. `text/plain` is not among them: a page of another origin can
/// send it without being asked (Fetch standard, CORS-safelisted request headers).
const MEDIA_TYPES: [&str; 8] = [
    "application/json",
    "application/octet-stream",
    "application/openapi+json",
    "application/openapi+yaml",
    "application/vnd.oai.openapi",
    "application/vnd.oai.openapi+json",
    "application/yaml",
    "application/x-yaml",
];

/// The routes of this group.
pub(crate) fn routes(settings: &ApiSettings) -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_specifications, add_specification))
        .layer(DefaultBodyLimit::max(settings.specification_bytes_max))
        .routes(routes!(remove_specification))
        .routes(routes!(get_specification_diff))
}

/// All specifications.
#[utoipa::path(get, path = "/specifications", tag = "specifications",
    responses((status = 200, description = "The specifications, by name", body = Specifications)))]
async fn list_specifications(
    State(state): State<ApiState>,
    query: Query,
) -> Result<Json<Specifications>, Problem> {
    query.finish()?;
    let documented = documented(state.view());
    let specifications = state.view().specifications();
    let items = specifications
        .iter()
        .map(|published| summary(published, &documented, &state.settings().drift));
    Ok(Json(Specifications {
        items: items.collect(),
    }))
}

/// What a specification is added under.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameter; it is taken from the query"
)]
pub(crate) struct AddQuery {
    /// The name to add it under; the name of one that exists makes a new revision of it.
    #[param(max_length = 255)]
    name: String,
}

/// Adds a specification, or a new revision of one. The body is the document: OpenAPI 3.0 or 3.1,
/// or Swagger 2.0; YAML or JSON.
#[utoipa::path(post, path = "/specifications", tag = "specifications", params(AddQuery),
    request_body(description = "The document", content(
        (String = "application/json"), (String = "application/yaml"),
        (String = "application/octet-stream"))),
    responses(
        (status = 201, description = "It was added", body = SpecificationSummary),
        (status = 400, description = "A parameter is wrong", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 413, description = "The document is too large", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 415, description = "The body is neither JSON nor YAML", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 422, description = "The document cannot be read", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 503, description = "The store is only being read, or the engine is stuck",
            body = ProblemDetails, content_type = "application/problem+json"),
    ))]
async fn add_specification(
    State(state): State<ApiState>,
    headers: HeaderMap,
    mut query: Query,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let name = query.take_one("name")?.unwrap_or_default();
    query.finish()?;
    check_name(&name)?;
    check_media_type(&headers)?;
    let source = String::from_utf8(body?.into())
        .map_err(|_| Problem::unprocessable("The document is not UTF-8 text."))?;
    // Reading a large document takes a while; not on a thread that serves others.
    let parse = move || Specification::parse(&name, &source);
    let parsed = tokio::task::spawn_blocking(parse).await;
    let parsed = parsed.map_err(|error| Problem::internal(&error))?;
    let unreadable = |error: SpecificationError| {
        Problem::unprocessable(sentence(&format!("The document is {error}")))
    };
    let specification = parsed.map_err(unreadable)?;
    let specification = Box::new(specification);
    let added = state
        .command(|reply| Command::AddSpecification {
            specification,
            reply,
        })
        .await?;
    let encoded = utf8_percent_encode(&added.specification.name, NON_ALPHANUMERIC);
    let location = format!("/api/v1/specifications/{encoded}/diff");
    let policy = &state.settings().drift;
    let body = Json(summary(&added, &documented(state.view()), policy));
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], body).into_response())
}

/// Withdraws a specification with all its revisions.
#[utoipa::path(delete, path = "/specifications/{name}", tag = "specifications",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 204, description = "It was withdrawn"),
        (status = 404, description = "There is none of that name", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 503, description = "The store is only being read, or the engine is stuck",
            body = ProblemDetails, content_type = "application/problem+json"),
    ))]
async fn remove_specification(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    query: Query,
) -> Result<StatusCode, Problem> {
    query.finish()?;
    find(state.view(), &name)?;
    state
        .command(|reply| Command::RemoveSpecification { name, reply })
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What traffic shows against a specification.
#[utoipa::path(get, path = "/specifications/{name}/diff", tag = "specifications",
    params(("name" = String, Path, description = "Its name")),
    responses(
        (status = 200, description = "The differences", body = SpecificationDiff),
        (status = 404, description = "There is none of that name", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn get_specification_diff(
    State(state): State<ApiState>,
    Path(name): Path<String>,
    query: Query,
) -> Result<Json<SpecificationDiff>, Problem> {
    query.finish()?;
    let published = find(state.view(), &name)?;
    let policy = &state.settings().drift;
    Ok(Json(diff(state.view(), &published.specification, policy)))
}

fn find(view: &LiveView, name: &str) -> Result<PublishedSpecification, Problem> {
    let specifications = view.specifications();
    let found = specifications
        .iter()
        .find(|published| published.specification.name == name);
    found
        .cloned()
        .ok_or_else(|| Problem::not_found("There is no specification of that name."))
}

fn check_name(name: &str) -> Result<(), Problem> {
    let usable = !name.trim().is_empty()
        && name.chars().count() <= NAME_CHARS_MAX
        && !name.chars().any(char::is_control);
    if usable {
        return Ok(());
    }
    Err(Problem::bad_request(format!(
        "`name` must be given, of at most {NAME_CHARS_MAX} characters and without control \
         characters."
    )))
}

fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = given
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    if MEDIA_TYPES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(essence))
    {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "The body must be sent as application/json, application/yaml or application/octet-stream.",
    ))
}

/// Endpoints that a specification describes and that were seen in traffic.
fn documented(view: &LiveView) -> Vec<Arc<EndpointEntry>> {
    view.endpoints(|entry| {
        entry.snapshot.requests > 0 && !entry.snapshot.facts.documented_in.is_empty()
    })
}

fn summary(
    published: &PublishedSpecification,
    documented: &[Arc<EndpointEntry>],
    policy: &DriftPolicy,
) -> SpecificationSummary {
    let specification = &published.specification;
    let documented = documented.iter().map(|entry| &*entry.snapshot);
    let differences = specification.differences(documented, policy);
    let drifted = differences
        .iter()
        .filter(|d| d.kind == DifferenceKind::Drifted);
    let drifted: BTreeSet<_> = drifted.filter_map(|d| d.endpoint).collect();
    let unseen = differences
        .iter()
        .filter(|d| d.kind == DifferenceKind::Unseen)
        .count() as u64;
    let operations = specification.operations.len() as u64;
    SpecificationSummary {
        name: specification.name.clone(),
        revision: published.revision,
        title: specification.title.clone(),
        version: specification.version.clone(),
        added: Time(published.added),
        hosts: specification.hosts.clone(),
        base_paths: specification.base_paths.clone(),
        operations,
        seen: operations.saturating_sub(unseen),
        unseen,
        drifted: drifted.len() as u64,
    }
}

fn diff(view: &LiveView, specification: &Specification, policy: &DriftPolicy) -> SpecificationDiff {
    let seen =
        view.endpoints(|entry| entry.snapshot.requests > 0 && entry.snapshot.transport.is_none());
    let mut diff = SpecificationDiff {
        undocumented: Vec::new(),
        unseen: Vec::new(),
        deprecated_seen: Vec::new(),
        removed_seen: Vec::new(),
        drifted: Vec::new(),
    };
    for difference in specification.differences(seen.iter().map(|entry| &*entry.snapshot), policy) {
        let named = difference.endpoint.map(|id| EndpointName {
            id: Id(id.0),
            method: difference.method.clone(),
            host: difference.host.clone(),
            template: difference.template.clone(),
            operation: None,
        });
        match difference.kind {
            DifferenceKind::Undocumented => diff.undocumented.extend(named),
            DifferenceKind::DeprecatedCalled => diff.deprecated_seen.extend(named),
            DifferenceKind::RemovedCalled => diff.removed_seen.extend(named),
            DifferenceKind::Drifted => {
                let drift = named.zip(difference.drift.as_ref());
                diff.drifted
                    .extend(drift.map(|(endpoint, one)| EndpointDrift {
                        endpoint,
                        difference: one.into(),
                    }));
            }
            _ => diff.unseen.push(OperationName {
                method: difference.method,
                path: difference.template,
            }),
        }
    }
    diff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_plain_is_no_media_type_of_a_specification() {
        for (given, accepted) in [
            (Some("application/json; charset=utf-8"), true),
            (Some("Application/YAML"), true),
            (Some("application/octet-stream"), true),
            (Some("text/plain"), false),
            (Some("multipart/form-data; boundary=x"), false),
            (None, false),
        ] {
            let given = given.map(|value| (header::CONTENT_TYPE, value.parse().unwrap()));
            let headers: HeaderMap = given.into_iter().collect();
            assert_eq!(check_media_type(&headers).is_ok(), accepted, "{headers:?}");
        }
    }
}
