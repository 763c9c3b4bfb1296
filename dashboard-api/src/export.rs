//! `/export/{format}`: reports that leave the house, the same bytes as the command line writes.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use tapscope_reports::{Format, Material, Part, ReportError, Request, date, export, parse_date};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Problem, sentence};
use crate::live::LiveView;
use crate::query::Query;
use crate::state::ApiState;
use crate::view::problem::ProblemDetails;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_export))
}

/// What a report is about.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; they are taken from the query"
)]
pub(crate) struct ExportQuery {
    /// The table of a CSV file: `endpoints` (when left out), `changes`, `parameters`, `fields`,
    /// `findings`, `hosts` or `candidates`.
    table: Option<String>,
    /// Only this host; needed for OpenAPI when there are several.
    host: Option<String>,
    /// Only what is new since then, and labels that came or went: `2024-01-31` or `2024-01-31T12:00:00Z` (UTC).
    since: Option<String>,
}

/// A report: `csv`, `json`, `xlsx`, `html`, `pdf`, `openapi` (3.1, learned from traffic) or
/// `cyclonedx` (1.6, services).
#[utoipa::path(get, path = "/export/{format}", tag = "export",
    params(("format" = String, Path, description = "The form of the report"), ExportQuery),
    responses(
        (status = 200, description = "The report, as a file", content_type = "application/octet-stream"),
        (status = 400, description = "A parameter is wrong", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 404, description = "There is no such form or host", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn get_export(
    State(state): State<ApiState>,
    Path(format): Path<String>,
    mut query: Query,
) -> Result<Response, Problem> {
    let Some(format) = Format::parse(&format) else {
        return Err(Problem::not_found(
            "There is no report of that form; there are csv, json, xlsx, html, pdf, openapi and \
             cyclonedx.",
        ));
    };
    let part = query.take_one("table")?;
    let part = part.map(|name| {
        Part::parse(&name).ok_or_else(|| {
            Problem::bad_request(
                "`table` must be endpoints, changes, parameters, fields, findings, hosts or candidates.",
            )
        })
    });
    let host = query.take_one("host")?;
    let since = query.take_one("since")?;
    query.finish()?;
    let since = since.map(|text| {
        parse_date(&text).ok_or_else(|| {
            Problem::bad_request("`since` must be a date like 2024-01-31 or 2024-01-31T12:00:00Z.")
        })
    });
    let request = Request {
        format,
        part: part.transpose()?,
        host,
        since: since.transpose()?,
    };
    let now = state.view().now();
    // A large inventory takes a while; not on a thread that serves others.
    let make = move || export(material(state.view()), &request);
    let made = tokio::task::spawn_blocking(make).await;
    let bytes = made.map_err(|error| Problem::internal(&error))?;
    let bytes = bytes.map_err(|error| match error {
        ReportError::UnknownHost(_) => Problem::not_found(sentence(&error.to_string())),
        ReportError::HostNeeded(_) | ReportError::TableOfAll => {
            Problem::bad_request(sentence(&error.to_string()))
        }
        error => Problem::internal(&error),
    })?;
    let name = format!("tapscope-{}.{}", date(now), format.extension());
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    let disposition = disposition.map_err(|error| Problem::internal(&error))?;
    let media_type = HeaderValue::from_static(format.media_type());
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, bytes).into_response())
}

/// All there is, as it is published.
fn material(view: &LiveView) -> Material {
    let endpoints = view.endpoints(|_| true);
    let findings = view.findings(|_| true);
    Material {
        endpoints: endpoints
            .iter()
            .map(|one| (*one.snapshot).clone())
            .collect(),
        hosts: view.hosts().iter().map(|one| (**one).clone()).collect(),
        findings: findings.iter().map(|one| (**one).clone()).collect(),
        now: view.now(),
        risk: view.policy().risk.clone(),
    }
}
