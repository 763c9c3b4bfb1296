//! `/overview`: everything at a glance.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::extract::State;
use tapscope_analyzer::snapshot::FindingSnapshot;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoints::summary;
use crate::findings::finding_summary;
use crate::health::{feed_summary, verdict};
use crate::live::{EndpointEntry, LiveView, Totals};
use crate::state::ApiState;
use crate::view::endpoint::Lifecycle;
use crate::view::finding::Severity;
use crate::view::overview::{Overview, OverviewMinute};
use crate::view::time::Time;

/// Endpoints and findings shown at a glance: what fits beside each other on a screen.
const TOP_ROWS: usize = 8;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_overview))
}

/// Everything at a glance.
#[utoipa::path(get, path = "/overview", tag = "overview",
    responses((status = 200, description = "The overview", body = Overview)))]
async fn get_overview(State(state): State<ApiState>) -> Json<Overview> {
    Json(state.overview().get(state.view()).as_ref().clone())
}

/// The overview of the latest change, computed once for all readers.
#[derive(Debug, Default)]
pub(crate) struct OverviewCache {
    latest: Mutex<Option<(u64, Arc<Overview>)>>,
}

impl OverviewCache {
    /// The overview of now.
    pub(crate) fn get(&self, view: &LiveView) -> Arc<Overview> {
        let mut latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        // Read before the overview is made: what changes meanwhile makes it stale, not wrong.
        let sequence = view.sequence();
        match &*latest {
            Some((made_at, overview)) if *made_at == sequence => Arc::clone(overview),
            _ => {
                let overview = Arc::new(overview(view));
                *latest = Some((sequence, Arc::clone(&overview)));
                overview
            }
        }
    }
}

/// Makes the overview.
fn overview(view: &LiveView) -> Overview {
    let totals = view.totals();
    let verdict = verdict(&view.health());
    Overview {
        now: Time::known(view.now()),
        hosts: totals.hosts.len() as u64,
        endpoints: view.endpoint_count() as u64,
        requests: totals.requests,
        consumers: view.consumer_count() as u64,
        lifecycle: by_name(&Lifecycle::ALL, |label| totals.lifecycle.get(&label)),
        labels: by_name(&Lifecycle::ALL, |label| totals.labels.get(&label)),
        findings_open: by_name(&Severity::ALL, |severity| {
            totals.findings_open.get(&severity)
        }),
        statuses: totals
            .statuses
            .iter()
            .map(|(class, n)| ((*class).to_owned(), *n))
            .collect(),
        minutes: minutes(&totals),
        top_endpoints: top_endpoints(view)
            .iter()
            .map(|entry| summary(view, entry))
            .collect(),
        latest_findings: latest_findings(view)
            .iter()
            .map(|finding| finding_summary(view, finding))
            .collect(),
        feed: feed_summary(&view.health(), &totals, verdict.state),
        authentication: totals.authentication,
        data_classes: totals.data_classes,
    }
}

/// Counts by name; names that were not counted show 0.
fn by_name<'a, T: Copy>(
    all: &[(T, &'static str)],
    count: impl Fn(T) -> Option<&'a u64>,
) -> std::collections::BTreeMap<String, u64> {
    let named = all
        .iter()
        .map(|&(value, name)| (name.to_owned(), count(value).copied()));
    named
        .map(|(name, count)| (name, count.unwrap_or_default()))
        .collect()
}

fn minutes(totals: &Totals) -> Vec<OverviewMinute> {
    let minutes = totals.minutes().map(|(minute, totals)| OverviewMinute {
        minute: Time(minute),
        requests: totals.requests,
        client_errors: totals.client_errors,
        server_errors: totals.server_errors,
    });
    minutes.collect()
}

fn top_endpoints(view: &LiveView) -> Vec<Arc<EndpointEntry>> {
    let seen = view.endpoints(|entry| entry.snapshot.requests > 0);
    top_by(seen, |entry| (entry.snapshot.requests, entry.snapshot.id))
}

fn latest_findings(view: &LiveView) -> Vec<Arc<FindingSnapshot>> {
    top_by(view.findings(|_| true), |finding| {
        (finding.last_seen, finding.severity, finding.id)
    })
}

/// The [`TOP_ROWS`] rows with the highest keys, descending, without sorting the others.
fn top_by<T, K: Ord>(mut rows: Vec<T>, key: impl Fn(&T) -> K) -> Vec<T> {
    if rows.len() > TOP_ROWS {
        rows.select_nth_unstable_by(TOP_ROWS - 1, |a, b| key(b).cmp(&key(a)));
        rows.truncate(TOP_ROWS);
    }
    rows.sort_unstable_by_key(|row| core::cmp::Reverse(key(row)));
    rows
}
