//! `/findings`: the list, one finding, and decisions on it.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{Path, State};
use tapscope_analyzer::snapshot::{EndpointId, FindingId, FindingSnapshot};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::command::Command;
use crate::coverage::coverage;
use crate::endpoints::{Order, endpoint_name};
use crate::error::Problem;
use crate::live::LiveView;
use crate::page::{Key, PageRequest, Row, SortChoice};
use crate::query::Query;
use crate::state::ApiState;
use crate::view::finding::{FindingDetail, FindingPatch, FindingStatus, FindingSummary, Severity};
use crate::view::id::Id;
use crate::view::page::Page;
use crate::view::problem::ProblemDetails;
use crate::view::time::Time;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_findings))
        .routes(routes!(get_finding, patch_finding))
}

/// What findings can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum FindingSort {
    LastSeen,
    FirstSeen,
    Severity,
    Occurrences,
}

const SORTS: [SortChoice<FindingSort>; 4] = [
    (FindingSort::LastSeen, "last_seen", true),
    (FindingSort::FirstSeen, "first_seen", true),
    (FindingSort::Severity, "severity", true),
    (FindingSort::Occurrences, "occurrences", true),
];

/// Nanoseconds fit 64 bits; a severity stands above them in one number, so that findings of one
/// severity come with the latest first.
const SEVERITY_SHIFT: u32 = 64;

impl Row for Arc<FindingSnapshot> {
    type Sort = FindingSort;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn key(&self, sort: FindingSort) -> Key<'_> {
        Key::Number(match sort {
            FindingSort::LastSeen => self.last_seen.into(),
            FindingSort::FirstSeen => self.first_seen.into(),
            FindingSort::Severity => {
                ((self.severity as i128) << SEVERITY_SHIFT) + i128::from(self.last_seen)
            }
            FindingSort::Occurrences => self.occurrences.into(),
        })
    }
}

/// Which findings, in which order.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; they are taken from the query one by one"
)]
pub(crate) struct FindingsQuery {
    /// Where they stand (repeat it, or separate by commas; so for every list).
    #[param(required = false)]
    status: Vec<FindingStatus>,
    /// How bad they are.
    #[param(required = false)]
    severity: Vec<Severity>,
    /// Kinds.
    #[param(required = false)]
    kind: Vec<String>,
    /// Id of the endpoint they are about.
    endpoint: Option<Id>,
    /// A client address involved.
    actor: Option<String>,
    /// Words that must all occur in the title, the kind, the endpoint or the actors.
    q: Option<String>,
    /// What to sort by; `last_seen` by default.
    #[param(inline)]
    sort: Option<FindingSort>,
    /// `asc` or `desc` (default).
    #[param(inline)]
    order: Option<Order>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// What a finding must be to be listed. An empty list does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct FindingFilter {
    statuses: Vec<FindingStatus>,
    severities: Vec<Severity>,
    kinds: Vec<String>,
    endpoint: Option<EndpointId>,
    actor: Option<String>,
    words: Vec<String>,
}

impl FindingFilter {
    fn take(query: &mut Query, view: &LiveView) -> Result<Self, Problem> {
        let endpoint = query.take_id("endpoint")?;
        Ok(Self {
            statuses: query.take_names("status", &FindingStatus::ALL)?,
            severities: query.take_names("severity", &Severity::ALL)?,
            kinds: query.take_list("kind"),
            endpoint: endpoint.map(|id| view.survivor(EndpointId(id.0))),
            actor: query.take_one("actor")?,
            words: query.take_words("q")?,
        })
    }

    fn matches(&self, finding: &FindingSnapshot, view: &LiveView) -> bool {
        let about = || {
            finding
                .endpoint
                .as_ref()
                .map(|endpoint| view.survivor(endpoint.id))
        };
        (self.statuses.is_empty() || self.statuses.contains(&finding.status.into()))
            && (self.severities.is_empty() || self.severities.contains(&finding.severity.into()))
            && (self.kinds.is_empty() || self.kinds.contains(&finding.kind))
            && (self.endpoint.is_none() || self.endpoint == about())
            && self
                .actor
                .as_ref()
                .is_none_or(|actor| finding.actors.contains(actor))
            && (self.words.is_empty() || {
                let text = search_text(finding);
                self.words.iter().all(|word| text.contains(word.as_str()))
            })
    }
}

/// What a search looks at, in lower case.
fn search_text(finding: &FindingSnapshot) -> String {
    let mut text = format!("{} {}", finding.title, finding.kind);
    if let Some(endpoint) = &finding.endpoint {
        text.push_str(&format!(
            " {} {}{}",
            endpoint.method, endpoint.host, endpoint.template
        ));
    }
    for actor in &finding.actors {
        text.push(' ');
        text.push_str(actor);
    }
    text.to_lowercase()
}

/// The findings.
#[utoipa::path(get, path = "/findings", tag = "findings", params(FindingsQuery),
    responses(
        (status = 200, description = "A page of findings", body = Page<FindingSummary>),
        (status = 400, description = "A parameter is wrong", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn list_findings(
    State(state): State<ApiState>,
    mut query: Query,
) -> Result<Json<Page<FindingSummary>>, Problem> {
    let view = state.view();
    let filter = FindingFilter::take(&mut query, view)?;
    let page = PageRequest::take(&mut query, &SORTS, state.settings())?;
    query.finish()?;
    let rows = view.findings(|finding| filter.matches(finding, view));
    Ok(Json(
        page.cut(rows)
            .map(|finding| finding_summary(view, &finding)),
    ))
}

/// One finding.
#[utoipa::path(get, path = "/findings/{id}", tag = "findings",
    params(("id" = Id, Path, description = "Id of the finding")),
    responses(
        (status = 200, description = "The finding", body = FindingDetail),
        (status = 404, description = "There is none of that id", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn get_finding(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<FindingDetail>, Problem> {
    query.finish()?;
    let id = parse_id(&id)?;
    let finding = state.view().finding(id).ok_or_else(unknown)?;
    Ok(Json(detail(state.view(), &finding)))
}

/// Decides on a finding.
#[utoipa::path(patch, path = "/findings/{id}", tag = "findings",
    params(("id" = Id, Path, description = "Id of the finding")),
    request_body = FindingPatch,
    responses(
        (status = 200, description = "The finding as it is now", body = FindingDetail),
        (status = 404, description = "There is none of that id", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 415, description = "The body is not application/json", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 422, description = "There is no such status, or the comment is too long",
            body = ProblemDetails, content_type = "application/problem+json"),
        (status = 503, description = "The store is only being read, or the engine is stuck",
            body = ProblemDetails, content_type = "application/problem+json"),
    ))]
async fn patch_finding(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    query: Query,
    patch: Result<Json<FindingPatch>, JsonRejection>,
) -> Result<Json<FindingDetail>, Problem> {
    query.finish()?;
    let Json(patch) = patch?;
    let id = parse_id(&id)?;
    let comment = patch.comment.unwrap_or_default();
    let chars_max = state.settings().comment_chars_max;
    if comment.chars().count() > chars_max {
        return Err(Problem::unprocessable(format!(
            "The comment is longer than {chars_max} characters."
        )));
    }
    if state.view().finding(id).is_none() {
        return Err(unknown());
    }
    let status = patch.status.into();
    let finding = state
        .command(|reply| Command::SetFindingStatus {
            id,
            status,
            comment,
            reply,
        })
        .await?;
    Ok(Json(detail(state.view(), &finding)))
}

fn parse_id(text: &str) -> Result<FindingId, Problem> {
    Id::parse(text)
        .map(|id| FindingId(id.0))
        .ok_or_else(unknown)
}

fn unknown() -> Problem {
    Problem::not_found("There is no finding with that id.")
}

/// A finding as a row of the list. Its endpoint is named as it is named now.
pub(crate) fn finding_summary(view: &LiveView, finding: &FindingSnapshot) -> FindingSummary {
    let endpoint = finding.endpoint.as_ref().map(|reference| {
        let current = view.endpoint(reference.id);
        current.map_or_else(|| reference.into(), |entry| endpoint_name(&entry))
    });
    FindingSummary {
        id: Id(finding.id.0),
        kind: finding.kind.clone(),
        severity: finding.severity.into(),
        status: finding.status.into(),
        title: finding.title.clone(),
        endpoint,
        first_seen: Time(finding.first_seen),
        last_seen: Time(finding.last_seen),
        occurrences: finding.occurrences,
        actors: finding.actors.clone(),
        confidence: finding.confidence,
        coverage: finding.coverage,
    }
}

/// Everything about one finding.
fn detail(view: &LiveView, finding: &FindingSnapshot) -> FindingDetail {
    let about = finding.endpoint.as_ref();
    let endpoint = about.and_then(|about| view.endpoint(view.survivor(about.id)));
    FindingDetail {
        summary: finding_summary(view, finding),
        explanation: finding.explanation.clone(),
        owasp: finding.owasp.clone(),
        evidence: finding.evidence.iter().map(Into::into).collect(),
        history: finding.history.iter().map(Into::into).collect(),
        endpoint_coverage: endpoint.map(|entry| coverage(&entry.snapshot, &view.health())),
    }
}
