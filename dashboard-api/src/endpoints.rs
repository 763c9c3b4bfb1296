//! `/endpoints`: the inventory, one endpoint, and its history.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::{Arc, PoisonError};

use axum::Json;
use axum::extract::{Path, State};
use tapscope_analyzer::inventory::data;
use tapscope_analyzer::snapshot::{EndpointId, MinuteSnapshot, Nanos};
use tapscope_store::{SqliteReader, StoreError};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::coverage::coverage;
use crate::error::Problem;
use crate::findings::finding_summary;
use crate::live::{EndpointEntry, LiveView, UNSEEN};
use crate::page::{Key, PageRequest, Row, SortChoice};
use crate::query::Query;
use crate::state::{ApiState, StoreHandle};
use crate::view::endpoint::{
    EndpointConsumer, EndpointDetail, EndpointName, EndpointSummary, History, Lifecycle, Parameter,
};
use crate::view::id::Id;
use crate::view::measure::{Histogram, Minute, millis, share};
use crate::view::page::Page;
use crate::view::problem::ProblemDetails;
use crate::view::profile::known;
use crate::view::schema::DataClassUse;
use crate::view::time::Time;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_endpoints))
        .routes(routes!(get_endpoint))
        .routes(routes!(get_endpoint_history))
}

/// What endpoints can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum EndpointSort {
    Requests,
    LastSeen,
    FirstSeen,
    Template,
    /// By the share of errors.
    Errors,
    /// By the 99th percentile.
    Latency,
    /// In the order of the labels' precedence.
    Lifecycle,
    /// By how much is at stake.
    Risk,
}

const SORTS: [SortChoice<EndpointSort>; 8] = [
    (EndpointSort::Requests, "requests", true),
    (EndpointSort::LastSeen, "last_seen", true),
    (EndpointSort::FirstSeen, "first_seen", true),
    (EndpointSort::Template, "template", false),
    (EndpointSort::Errors, "errors", true),
    (EndpointSort::Latency, "latency", true),
    (EndpointSort::Lifecycle, "lifecycle", false),
    (EndpointSort::Risk, "risk", true),
];

impl Row for Arc<EndpointEntry> {
    type Sort = EndpointSort;

    fn id(&self) -> u64 {
        self.snapshot.id.0
    }

    fn key(&self, sort: EndpointSort) -> Key<'_> {
        let snapshot = &self.snapshot;
        Key::Number(match sort {
            EndpointSort::Requests => snapshot.requests.into(),
            EndpointSort::LastSeen => snapshot.last_seen.into(),
            EndpointSort::FirstSeen => snapshot.first_seen.into(),
            EndpointSort::Template => return Key::Text(&self.sort_text),
            EndpointSort::Errors => parts_per_billion(self.errors, self.answered),
            EndpointSort::Latency if snapshot.latency.count == 0 => -1,
            EndpointSort::Latency => snapshot.latency.p99.into(),
            EndpointSort::Lifecycle => self.lifecycle as i128,
            EndpointSort::Risk => i128::try_from(risk_units(self)).unwrap_or(0),
        })
    }
}

/// A share as a whole number, so that keys compare exactly; -1 without a whole.
pub(crate) fn parts_per_billion(part: u64, whole: u64) -> i128 {
    if whole == 0 {
        -1
    } else {
        i128::from(part) * 1_000_000_000 / i128::from(whole)
    }
}

/// Which endpoints, in which order.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; they are taken from the query one by one"
)]
pub(crate) struct EndpointsQuery {
    /// Hosts (repeat it, or separate by commas; so for every list).
    #[param(required = false)]
    host: Vec<String>,
    /// Methods.
    #[param(required = false)]
    method: Vec<String>,
    /// Lifecycle labels; an endpoint that bears any of them matches.
    #[param(required = false)]
    lifecycle: Vec<Lifecycle>,
    /// Owners, or `none` for what has no owner.
    #[param(required = false)]
    owner: Vec<String>,
    /// What endpoints are for; one with any of the tags matches.
    #[param(required = false)]
    tag: Vec<String>,
    /// From where they are called (`external`, `partner`, `internal`, `unknown`).
    #[param(required = false)]
    exposure: Vec<String>,
    /// Risk at least.
    #[param(minimum = 0, maximum = 100)]
    min_risk: Option<u32>,
    /// Dominant schemes of successful calls (`none`, `mixed`, `unknown`, `bearer`, …).
    #[param(required = false)]
    authentication: Vec<String>,
    /// Classes of personal or secret data; an endpoint with any of them matches.
    #[param(required = false)]
    data_class: Vec<String>,
    /// API styles of operations (`graphql`, `json_rpc`, `mcp`, `soap`, `grpc`, `grpc_web`), or
    /// `none` for what has no operation.
    #[param(required = false)]
    style: Vec<String>,
    /// Only the operations that this endpoint carries.
    #[param(value_type = Option<String>)]
    transport: Option<Id>,
    /// Words that must all occur in `METHOD host/template KIND OPERATION`.
    q: Option<String>,
    /// Requests at least.
    min_requests: Option<u64>,
    /// What to sort by; `requests` by default.
    #[param(inline)]
    sort: Option<EndpointSort>,
    /// `asc` or `desc`; by default whichever puts the noteworthy first.
    #[param(inline)]
    order: Option<Order>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Direction of a sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "documents the parameter")]
pub(crate) enum Order {
    Asc,
    Desc,
}

/// What an endpoint must be to be listed. An empty list does not filter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct EndpointFilter {
    hosts: Vec<String>,
    methods: Vec<String>,
    lifecycles: Vec<Lifecycle>,
    authentications: Vec<String>,
    data_classes: Vec<String>,
    styles: Vec<String>,
    transport: Option<u64>,
    words: Vec<String>,
    requests_min: u64,
    profile: ProfileFilter,
}

/// What is asked of what is derived from facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct ProfileFilter {
    owners: Vec<String>,
    tags: Vec<String>,
    exposures: Vec<String>,
    risk_min: u64,
}

impl ProfileFilter {
    fn take(query: &mut Query) -> Result<Self, Problem> {
        Ok(Self {
            owners: query.take_list("owner"),
            tags: query.take_list("tag"),
            exposures: query.take_list("exposure"),
            risk_min: query.take_number("min_risk", 0..=100)?.unwrap_or(0),
        })
    }

    fn matches(&self, entry: &EndpointEntry) -> bool {
        let profile = &entry.snapshot.profile;
        let owner = profile.owner.as_ref().map_or("none", |owner| &owner.name);
        let among =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|item| item == value);
        let mut tags = profile.tags.iter();
        among(&self.owners, owner)
            && among(&self.exposures, &known(&profile.exposure.zone))
            && (self.tags.is_empty() || tags.any(|tag| self.tags.contains(&tag.name)))
            && u128::from(self.risk_min) * RISK_UNITS <= risk_units(entry)
    }
}

/// Parts of a point of risk that are told apart when rows are sorted and compared.
const RISK_UNITS: u128 = 1_000_000;

/// A risk as a whole number, so that keys compare exactly.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a score is 0 to 100"
)]
fn risk_units(entry: &EndpointEntry) -> u128 {
    (entry.risk.score.clamp(0.0, 100.0) * 1_000_000.0).round() as u128
}

impl EndpointFilter {
    fn take(query: &mut Query) -> Result<Self, Problem> {
        let lower = |list: Vec<String>| list.iter().map(|item| item.to_lowercase()).collect();
        Ok(Self {
            hosts: lower(query.take_list("host")),
            // Methods are case-sensitive (RFC 9110 section 9.1), people's fingers are not.
            methods: query
                .take_list("method")
                .iter()
                .map(|m| m.to_uppercase())
                .collect(),
            lifecycles: query.take_names("lifecycle", &Lifecycle::ALL)?,
            authentications: query.take_list("authentication"),
            data_classes: query.take_list("data_class"),
            styles: query.take_list("style"),
            transport: query
                .take_list("transport")
                .first()
                .map(|text| Id::parse(text).map_or(0, |id| id.0)),
            words: query.take_words("q")?,
            requests_min: query
                .take_number("min_requests", 0..=u64::MAX)?
                .unwrap_or(0),
            profile: ProfileFilter::take(query)?,
        })
    }

    /// Whoever asks for a host that shares a row means that row.
    fn follow_tenants(mut self, view: &LiveView) -> Self {
        let mut rows = Vec::new();
        for host in &self.hosts {
            rows.extend(view.row_of(host));
        }
        self.hosts.extend(rows);
        self
    }

    fn matches(&self, entry: &EndpointEntry) -> bool {
        let among =
            |list: &[String], value: &str| list.is_empty() || list.iter().any(|item| item == value);
        let snapshot = &entry.snapshot;
        snapshot.requests >= self.requests_min
            && (self.lifecycles.is_empty() || entry.has_label(&self.lifecycles))
            && self.profile.matches(entry)
            && among(&self.hosts, &snapshot.host)
            && (self.methods.is_empty()
                || self
                    .methods
                    .iter()
                    .any(|method| method.eq_ignore_ascii_case(&snapshot.method)))
            && among(&self.authentications, &entry.authentication)
            && among(&self.styles, entry.style())
            && self
                .transport
                .is_none_or(|id| snapshot.transport.is_some_and(|t| t.0 == id))
            && (self.data_classes.is_empty()
                || entry
                    .data_classes
                    .iter()
                    .any(|class| self.data_classes.contains(class)))
            && self
                .words
                .iter()
                .all(|word| entry.search_text.contains(word.as_str()))
    }
}

/// The inventory.
#[utoipa::path(get, path = "/endpoints", tag = "inventory", params(EndpointsQuery),
    responses(
        (status = 200, description = "A page of endpoints", body = Page<EndpointSummary>),
        (status = 400, description = "A parameter is wrong", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn list_endpoints(
    State(state): State<ApiState>,
    mut query: Query,
) -> Result<Json<Page<EndpointSummary>>, Problem> {
    let filter = EndpointFilter::take(&mut query)?;
    let page = PageRequest::take(&mut query, &SORTS, state.settings())?;
    query.finish()?;
    let view = state.view();
    let filter = filter.follow_tenants(view);
    let rows = view.endpoints(|entry| filter.matches(entry));
    Ok(Json(page.cut(rows).map(|entry| summary(view, &entry))))
}

/// One endpoint. The id of an endpoint that was merged answers with the one it was merged into.
#[utoipa::path(get, path = "/endpoints/{id}", tag = "inventory",
    params(("id" = Id, Path, description = "Id of the endpoint")),
    responses(
        (status = 200, description = "The endpoint", body = EndpointDetail),
        (status = 404, description = "There is none of that id", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn get_endpoint(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<EndpointDetail>, Problem> {
    query.finish()?;
    let (id, entry) = find(state.view(), &id)?;
    Ok(Json(detail(state.view(), id, &entry)))
}

/// The span of a history.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; they are taken from the query one by one"
)]
pub(crate) struct HistoryQuery {
    /// From this time on; by default from the beginning.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Time>,
    /// Before this time; by default to the end.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Time>,
}

/// An endpoint's minutes over a span of time, from the store and what is not saved yet.
#[utoipa::path(get, path = "/endpoints/{id}/history", tag = "inventory",
    params(("id" = Id, Path, description = "Id of the endpoint"), HistoryQuery),
    responses(
        (status = 200, description = "The minutes", body = History),
        (status = 400, description = "A parameter is wrong", body = ProblemDetails,
            content_type = "application/problem+json"),
        (status = 404, description = "There is none of that id", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn get_endpoint_history(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    mut query: Query,
) -> Result<Json<History>, Problem> {
    let from = query.take_time("from")?.map_or(Nanos::MIN, |time| time.0);
    let to = query.take_time("to")?.map_or(Nanos::MAX, |time| time.0);
    query.finish()?;
    let (_, entry) = find(state.view(), &id)?;
    let id = entry.snapshot.id;
    let saved = match state.store() {
        None => Vec::new(),
        Some(_) => {
            let state = state.clone();
            let read = move || {
                state
                    .store()
                    .map_or(Ok(Vec::new()), |s| saved(s, id, from, to))
            };
            let result = tokio::task::spawn_blocking(read).await;
            result.map_err(|error| Problem::internal(&error))??
        }
    };
    // What is live replaces what is saved: it is at most as old.
    let mut minutes: BTreeMap<Nanos, MinuteSnapshot> = saved
        .into_iter()
        .map(|minute| (minute.minute, minute))
        .collect();
    let live = entry
        .snapshot
        .minutes
        .iter()
        .filter(|m| (from..to).contains(&m.minute));
    minutes.extend(live.map(|minute| (minute.minute, minute.clone())));
    let limit = state.settings().history_minutes_max;
    Ok(Json(History {
        truncated: minutes.len() > limit,
        minutes: minutes.values().take(limit).map(Minute::from).collect(),
    }))
}

/// Reads minutes from the store. Blocks.
fn saved(
    store: &StoreHandle,
    id: EndpointId,
    from: Nanos,
    to: Nanos,
) -> Result<Vec<MinuteSnapshot>, Problem> {
    let mut reader = store.reader.lock().unwrap_or_else(PoisonError::into_inner);
    let result = read_minutes(&mut reader, &store.path, id, from, to);
    result.map_err(|error| {
        *reader = None;
        match error {
            StoreError::NotFound { .. } => Problem::unavailable("The store is not there yet."),
            error => Problem::internal(&error),
        }
    })
}

fn read_minutes(
    reader: &mut Option<SqliteReader>,
    path: &FilePath,
    id: EndpointId,
    from: Nanos,
    to: Nanos,
) -> Result<Vec<MinuteSnapshot>, StoreError> {
    let opened = match reader.take() {
        Some(opened) => opened,
        None => SqliteReader::open(path)?,
    };
    reader.insert(opened).minutes(id, from, to)
}

/// Finds the endpoint of an id in a path; the id as asked for and the (surviving) endpoint.
fn find(view: &LiveView, text: &str) -> Result<(Id, Arc<EndpointEntry>), Problem> {
    let id = Id::parse(text);
    let found = id.and_then(|id| Some((id, view.endpoint(EndpointId(id.0))?)));
    found.ok_or_else(|| Problem::not_found("There is no endpoint with that id."))
}

/// The name of an endpoint.
pub(crate) fn endpoint_name(entry: &EndpointEntry) -> EndpointName {
    let snapshot = &entry.snapshot;
    EndpointName {
        id: Id(snapshot.id.0),
        method: snapshot.method.clone(),
        host: snapshot.host.clone(),
        template: snapshot.template.clone(),
        operation: snapshot.operation.as_ref().map(Into::into),
    }
}

/// An endpoint as a row of the inventory.
pub(crate) fn summary(view: &LiveView, entry: &EndpointEntry) -> EndpointSummary {
    let snapshot = &entry.snapshot;
    let measured = snapshot.latency.count > 0;
    let profile = &snapshot.profile;
    EndpointSummary {
        id: Id(snapshot.id.0),
        method: snapshot.method.clone(),
        host: snapshot.host.clone(),
        template: snapshot.template.clone(),
        operation: snapshot.operation.as_ref().map(Into::into),
        transport: snapshot.transport.map(|id| Id(id.0)),
        template_confidence: snapshot.template_confidence,
        lifecycle: entry.lifecycle,
        lifecycle_reason: snapshot.lifecycle_reason.clone(),
        labels: labels(entry),
        risk: entry.risk.score,
        owner: profile.owner.as_ref().map(|owner| owner.name.clone()),
        tags: profile.tags.iter().map(|tag| tag.name.clone()).collect(),
        exposure: known(&profile.exposure.zone),
        transport_security: known(&profile.transport.kind),
        first_seen: Time::known(snapshot.first_seen),
        last_seen: Time::known(snapshot.last_seen),
        requests: snapshot.requests,
        error_share: share(entry.errors, entry.answered),
        authentication: entry.authentication.clone(),
        consumers: snapshot.consumers,
        data_classes: entry.data_classes.clone(),
        latency_p50_ms: measured.then(|| millis(snapshot.latency.p50)),
        latency_p99_ms: measured.then(|| millis(snapshot.latency.p99)),
        open_findings: view.open_findings_of(snapshot.id),
    }
}

/// All labels that hold; of an older store only one is known.
fn labels(entry: &EndpointEntry) -> Vec<Lifecycle> {
    let labels = entry.snapshot.profile.labels.iter();
    let labels: Vec<Lifecycle> = labels.map(|one| one.label.into()).collect();
    match labels.is_empty() {
        true => vec![entry.lifecycle],
        false => labels,
    }
}

/// Everything about one endpoint.
fn detail(view: &LiveView, asked: Id, entry: &EndpointEntry) -> EndpointDetail {
    let snapshot = &entry.snapshot;
    let profile = &snapshot.profile;
    let mut findings = view.findings_of(snapshot.id);
    findings.sort_by_key(|finding| core::cmp::Reverse((finding.last_seen, finding.id)));
    let statuses = snapshot.statuses.iter().map(|(&status, &n)| match status {
        0 => (UNSEEN.to_owned(), n),
        status => (status.to_string(), n),
    });
    let top_consumers = snapshot
        .top_consumers
        .iter()
        .map(|&(id, requests)| EndpointConsumer {
            id: Id(id.0),
            label: view.consumer(id).map(|consumer| consumer.label.clone()),
            requests,
        });
    let observed = snapshot.parameters_observed;
    let known = snapshot.parameters.iter();
    let parameters = known.map(|parameter| Parameter::of(parameter, observed));
    EndpointDetail {
        summary: summary(view, entry),
        merged_from: (asked.0 != snapshot.id.0).then_some(asked),
        examples: snapshot.examples.clone(),
        facts: (&snapshot.facts).into(),
        label_reasons: profile.labels.iter().map(Into::into).collect(),
        label_changes: profile.changes.iter().map(Into::into).collect(),
        drift: profile.drift.iter().map(Into::into).collect(),
        owned_by: profile.owner.as_ref().map(Into::into),
        purposes: profile.tags.iter().map(Into::into).collect(),
        exposed: (&profile.exposure).into(),
        transported: (&profile.transport).into(),
        version: profile.version.clone(),
        versions: profile.versions.iter().map(Into::into).collect(),
        risk_factors: entry.risk.factors.iter().map(Into::into).collect(),
        statuses: statuses.collect(),
        authentication_counts: snapshot.authentication.to_map(),
        authentication_successful: snapshot.authentication_successful.to_map(),
        request_content_types: snapshot.request_content_types.to_map(),
        response_content_types: snapshot.response_content_types.to_map(),
        parameters: parameters.collect(),
        schemas: snapshot.schemas.unpack().iter().map(Into::into).collect(),
        credentials: snapshot.credentials.iter().map(Into::into).collect(),
        tokens: snapshot.tokens.iter().map(Into::into).collect(),
        data: snapshot
            .data
            .iter()
            .map(|one| DataClassUse::of(one, data::carries_health(snapshot)))
            .collect(),
        request_data_classes: snapshot.request_data_classes.to_map(),
        response_data_classes: snapshot.response_data_classes.to_map(),
        top_consumers: top_consumers.collect(),
        servers: snapshot.servers.to_map(),
        protocols: snapshot.protocols.to_map(),
        completeness: snapshot.completeness.to_map(),
        coverage: coverage(snapshot, &view.health()),
        vantage_points: snapshot.vantage_points.to_map(),
        latency: Histogram::of_latency(&snapshot.latency),
        request_size: Histogram::of_sizes(&snapshot.request_size),
        response_size: Histogram::of_sizes(&snapshot.response_size),
        minutes: snapshot.minutes.iter().map(Into::into).collect(),
        findings: findings
            .iter()
            .map(|finding| finding_summary(view, finding))
            .collect(),
    }
}
