//! `/events`: what changes, as it changes (server-sent events).
//!
//! A stream begins with the overview and the health as they are. After that, changes are gathered
//! and told at every tick, so that a client gets at most two events a second of what exists once,
//! and only the latest state of each row. A client that is too far behind gets `reset` and reads
//! again.

use core::convert::Infallible;
use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::State;
use axum::response::IntoResponse;
use axum::response::sse::{Event, KeepAlive, Sse};
use serde::Serialize;
use tapscope_analyzer::snapshot::{EndpointId, FindingId};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio::time::{MissedTickBehavior, interval};
use tokio_stream::wrappers::ReceiverStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::endpoints::summary;
use crate::error::Problem;
use crate::findings::finding_summary;
use crate::health::health;
use crate::live::Update;
use crate::query::Query;
use crate::state::{ApiState, stopped};
use crate::view::problem::ProblemDetails;

/// Events that wait for a slow client at most; after that the stream gathers instead.
const QUEUE: usize = 16;

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_events))
}

/// What changes, as it changes. Event names and their data: `overview` (Overview), `health`
/// (Health), `endpoint` (EndpointSummary), `finding` (FindingSummary), `reset` (`{}`: too much
/// changed to tell one by one, or a row is gone; read the lists again). `id` grows.
#[utoipa::path(get, path = "/events", tag = "events",
    responses(
        (status = 200, description = "The events", body = String,
            content_type = "text/event-stream"),
        (status = 503, description = "Too many streams are open", body = ProblemDetails,
            content_type = "application/problem+json"),
    ))]
async fn get_events(
    State(state): State<ApiState>,
    query: Query,
) -> Result<impl IntoResponse, Problem> {
    query.finish()?;
    let slot = Arc::clone(state.event_streams())
        .try_acquire_owned()
        .map_err(|_| {
            Problem::unavailable("Too many event streams are open; close a page and try again.")
        })?;
    let (sender, receiver) = mpsc::channel(QUEUE);
    let heartbeat = KeepAlive::new().interval(state.settings().heartbeat_interval);
    tokio::spawn(async move {
        // The slot is free again when the stream ends, whichever way it does.
        let _slot = slot;
        EventStream {
            state,
            sender,
            pending: Pending::default(),
        }
        .run()
        .await;
    });
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(heartbeat))
}

/// What has changed since the last tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Pending {
    endpoints: BTreeSet<EndpointId>,
    findings: BTreeSet<FindingId>,
    overview: bool,
    health: bool,
    reset: bool,
}

impl Pending {
    fn gather(&mut self, update: &Update, rows_max: usize) {
        self.overview |= update.inventory;
        self.health |= update.health;
        self.endpoints.extend(&update.endpoints);
        self.findings.extend(&update.findings);
        if self.endpoints.len() > rows_max || self.findings.len() > rows_max {
            self.lose();
        }
    }

    /// Rows were missed, or are too many to tell.
    fn lose(&mut self) {
        self.endpoints.clear();
        self.findings.clear();
        self.reset = true;
        self.overview = true;
    }
}

/// One client's stream.
struct EventStream {
    state: ApiState,
    sender: mpsc::Sender<Result<Event, Infallible>>,
    pending: Pending,
}

/// The client is gone.
struct Gone;

impl EventStream {
    async fn run(mut self) {
        let mut stopping = self.state.stopping();
        let mut cut = stopping.clone();
        let mut updates = self.state.view().subscribe();
        let settings = self.state.settings();
        let rows_max = settings.event_rows_max;
        let mut ticks = interval(settings.event_interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        // The first tick is at once: the state as it is.
        self.pending = Pending {
            overview: true,
            health: true,
            ..Pending::default()
        };
        loop {
            tokio::select! {
                () = stopped(&mut stopping) => return,
                () = self.sender.closed() => return,
                update = updates.recv() => match update {
                    Ok(update) => self.pending.gather(&update, rows_max),
                    Err(RecvError::Lagged(_)) => self.pending.lose(),
                    Err(RecvError::Closed) => return,
                },
                _ = ticks.tick(), if self.pending != Pending::default() => {
                    tokio::select! {
                        () = stopped(&mut cut) => return,
                        told = tell(&self.state, &self.sender, core::mem::take(&mut self.pending))
                            => if told.is_err() { return },
                    }
                }
            }
        }
    }
}

/// Tells what is pending.
async fn tell(
    state: &ApiState,
    sender: &mpsc::Sender<Result<Event, Infallible>>,
    mut pending: Pending,
) -> Result<(), Gone> {
    let view = state.view();
    // Read first: what is told is at least as new as its id says.
    let id = view.sequence();
    let mut events: Vec<Event> = Vec::new();
    for endpoint in &pending.endpoints {
        match view.endpoint(*endpoint) {
            // A merged id answers with its survivor, which is told under its own id.
            Some(entry) if entry.snapshot.id != *endpoint => pending.reset = true,
            Some(entry) => events.extend(event("endpoint", id, &summary(view, &entry))),
            None => pending.reset = true,
        }
    }
    for finding in pending
        .findings
        .iter()
        .filter_map(|finding| view.finding(*finding))
    {
        events.extend(event("finding", id, &finding_summary(view, &finding)));
    }
    if pending.reset {
        events.extend(event("reset", id, &serde_json::json!({})));
    }
    if pending.overview {
        events.extend(event("overview", id, &*state.overview().get(view)));
    }
    if pending.health {
        events.extend(event("health", id, &health(view)));
    }
    for event in events {
        sender.send(Ok(event)).await.map_err(|_| Gone)?;
    }
    Ok(())
}

/// One event; none when its data cannot be written, which is logged.
fn event<T: Serialize>(name: &str, id: u64, data: &T) -> Option<Event> {
    match Event::default()
        .event(name)
        .id(id.to_string())
        .json_data(data)
    {
        Ok(event) => Some(event),
        Err(error) => {
            tracing::error!(%error, name, "an event could not be written");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_rows_become_a_reset() {
        let update = |from: u64, to: u64| Update {
            sequence: 1,
            endpoints: (from..to).map(EndpointId).collect(),
            findings: Vec::new(),
            inventory: true,
            health: false,
        };
        let mut pending = Pending::default();
        pending.gather(&update(0, 3), 5);
        pending.gather(&update(1, 5), 5);
        assert_eq!(pending.endpoints.len(), 5);
        assert!(!pending.reset);
        pending.gather(&update(5, 6), 5);
        assert!(pending.reset && pending.overview && pending.endpoints.is_empty());
    }
}
