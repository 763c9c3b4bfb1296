//! `/consumers`: who calls.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use tapscope_analyzer::snapshot::identity::certainty;
use tapscope_analyzer::snapshot::{ConsumerId, ConsumerSnapshot};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoints::{Order, endpoint_name, parts_per_billion};
use crate::error::Problem;
use crate::page::{Key, PageRequest, Row, SortChoice};
use crate::query::Query;
use crate::state::ApiState;
use crate::view::consumer::{ConsumerDetail, ConsumerEndpoint, ConsumerSummary};
use crate::view::id::Id;
use crate::view::measure::share;
use crate::view::page::Page;
use crate::view::problem::ProblemDetails;
use crate::view::time::Time;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new()
        .routes(routes!(list_consumers))
        .routes(routes!(get_consumer))
}

/// What consumers can be sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "snake_case")]
pub(crate) enum ConsumerSort {
    Requests,
    LastSeen,
    FirstSeen,
    /// By the share of calls answered with 4xx.
    Errors,
    /// By the number of endpoints called.
    Endpoints,
    Label,
}

const SORTS: [SortChoice<ConsumerSort>; 6] = [
    (ConsumerSort::Requests, "requests", true),
    (ConsumerSort::LastSeen, "last_seen", true),
    (ConsumerSort::FirstSeen, "first_seen", true),
    (ConsumerSort::Errors, "errors", true),
    (ConsumerSort::Endpoints, "endpoints", true),
    (ConsumerSort::Label, "label", false),
];

impl Row for Arc<ConsumerSnapshot> {
    type Sort = ConsumerSort;

    fn id(&self) -> u64 {
        self.id.0
    }

    fn key(&self, sort: ConsumerSort) -> Key<'_> {
        Key::Number(match sort {
            ConsumerSort::Requests => self.requests.into(),
            ConsumerSort::LastSeen => self.last_seen.into(),
            ConsumerSort::FirstSeen => self.first_seen.into(),
            ConsumerSort::Errors => parts_per_billion(self.client_errors, self.requests),
            ConsumerSort::Endpoints => self.endpoints.len() as i128,
            ConsumerSort::Label => return Key::Text(&self.label),
        })
    }
}

/// Which consumers, in which order.
#[derive(Clone, Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents the parameters; they are taken from the query one by one"
)]
pub(crate) struct ConsumersQuery {
    /// Words that must all occur in the label, the addresses or the user agents.
    q: Option<String>,
    /// What to sort by; `requests` by default.
    #[param(inline)]
    sort: Option<ConsumerSort>,
    /// `asc` or `desc`; by default whichever puts the noteworthy first.
    #[param(inline)]
    order: Option<Order>,
    /// Rows of the page.
    #[param(minimum = 1, maximum = 500, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// The consumers.
#[utoipa::path(get, path = "/consumers", tag = "consumers", params(ConsumersQuery),
    responses(
        (status = 200, description = "A page of consumers", body = Page<ConsumerSummary>),
        (status = 400, description = "A parameter is wrong", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn list_consumers(
    State(state): State<ApiState>,
    mut query: Query,
) -> Result<Json<Page<ConsumerSummary>>, Problem> {
    let words = query.take_words("q")?;
    let page = PageRequest::take(&mut query, &SORTS, state.settings())?;
    query.finish()?;
    let rows = state.view().consumers(|consumer| matches(consumer, &words));
    Ok(Json(page.cut(rows).map(|consumer| summary(&consumer))))
}

/// One consumer, with the endpoints it calls.
#[utoipa::path(get, path = "/consumers/{id}", tag = "consumers",
    params(("id" = Id, Path, description = "Id of the consumer")),
    responses(
        (status = 200, description = "The consumer", body = ConsumerDetail),
        (status = 404, description = "There is none of that id", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn get_consumer(
    State(state): State<ApiState>,
    Path(id): Path<String>,
    query: Query,
) -> Result<Json<ConsumerDetail>, Problem> {
    query.finish()?;
    let view = state.view();
    let consumer = Id::parse(&id)
        .and_then(|id| view.consumer(ConsumerId(id.0)))
        .ok_or_else(|| Problem::not_found("There is no consumer with that id."))?;
    let endpoints = consumer.endpoints.iter().map(|called| ConsumerEndpoint {
        endpoint: (view.endpoint(called.endpoint)).map(|entry| endpoint_name(&entry)),
        requests: called.calls,
        first_seen: Time::known(called.first_seen),
        last_seen: Time::known(called.last_seen),
    });
    Ok(Json(ConsumerDetail {
        summary: summary(&consumer),
        client_errors: consumer.client_errors,
        endpoints: endpoints.collect(),
    }))
}

/// Whether all words occur.
fn matches(consumer: &ConsumerSnapshot, words: &[String]) -> bool {
    if words.is_empty() {
        return true;
    }
    let mut parts = vec![consumer.label.as_str()];
    parts.extend(
        consumer
            .addresses
            .iter()
            .chain(&consumer.user_agents)
            .map(String::as_str),
    );
    let text = parts.join(" ").to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

fn summary(consumer: &ConsumerSnapshot) -> ConsumerSummary {
    ConsumerSummary {
        id: Id(consumer.id.0),
        identified_by: consumer.identified_by.clone(),
        identity_confidence: certainty(&consumer.identified_by).0,
        identity_reason: certainty(&consumer.identified_by).1.to_owned(),
        label: consumer.label.clone(),
        first_seen: Time::known(consumer.first_seen),
        last_seen: Time::known(consumer.last_seen),
        requests: consumer.requests,
        client_error_share: share(consumer.client_errors, consumer.requests),
        endpoint_count: consumer.endpoints.len() as u64,
        addresses: consumer.addresses.clone(),
        claimed_addresses: consumer.claimed_addresses.clone(),
        proxy: consumer.proxy.clone(),
        user_agents: consumer.user_agents.clone(),
    }
}
