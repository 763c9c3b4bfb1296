//! `/health`: what the sensor says of itself, and a verdict on the feed that names the remedy.
//! The verdict itself is the analyzer's, so that the command line gives the same.

use axum::Json;
use axum::extract::State;
use tapscope_analyzer::trust;
use tapscope_record::{FeedHealth, HealthReport, SourceHealth};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Problem;
use crate::live::{LiveView, Totals};
use crate::query::Query;
use crate::state::ApiState;
use crate::view::health::{
    Feed, FeedState, Health, MemoryUse, Reason, Source, Stage, StageCounter, StoreHealth, Verdict,
};
use crate::view::measure::{millis, share};
use crate::view::overview::FeedSummary;
use crate::view::time::Time;

/// Stages in the order of the data's way; others come after them.
const STAGES: [&str; 8] = [
    "capture", "decap", "flow", "http", "redact", "pipeline", "analyzer", "store",
];

/// The routes of this group.
pub(crate) fn routes() -> OpenApiRouter<ApiState> {
    OpenApiRouter::new().routes(routes!(get_health))
}

/// Sensor health.
#[utoipa::path(get, path = "/health", tag = "health",
    responses((status = 200, description = "Sensor health", body = Health)))]
async fn get_health(State(state): State<ApiState>, query: Query) -> Result<Json<Health>, Problem> {
    query.finish()?;
    Ok(Json(health(state.view())))
}

/// Sensor health as of now.
pub(crate) fn health(view: &LiveView) -> Health {
    let report = view.health();
    let store = view.store().map(|store| StoreHealth {
        path: store.path,
        last_saved: Time::known(store.last_saved),
        pending: store.pending,
        error: store.error,
    });
    let mut verdict = verdict(&report);
    if let Some(error) = store.as_ref().and_then(|store| store.error.as_ref()) {
        let sentence = format!("The store cannot be written to: {error}.");
        verdict.sentences.insert(0, sentence);
        verdict.state = verdict.state.max(FeedState::Degraded);
    }
    Health {
        verdict,
        time: Time::known(report.time),
        sources: report.sources.iter().map(source).collect(),
        feeds: report.feeds.iter().map(feed_row).collect(),
        memory: report.memory.iter().map(MemoryUse::from).collect(),
        stages: stages(&report),
        store,
    }
}

fn source(source: &SourceHealth) -> Source {
    Source {
        name: source.name.clone(),
        kind: source.kind.clone(),
        state: source.state.clone(),
        packets: source.packets,
        bytes: source.bytes,
        dropped_kernel: source.dropped_kernel,
        dropped_interface: source.dropped_interface,
        ring_bytes: source.ring_bytes,
        ring_behind_share: share(source.ring_reads_behind, source.ring_reads),
        loss_share: share(
            dropped(source),
            source.packets.saturating_add(dropped(source)),
        ),
    }
}

fn feed_row(feed: &FeedHealth) -> Feed {
    let c = &feed.counters;
    let streams = c
        .http_connections
        .saturating_mul(2)
        .saturating_add(c.tls_streams)
        .saturating_add(c.foreign_streams);
    let halves = c.requests_only.saturating_add(c.responses_only);
    Feed {
        name: trust::feed_name(feed),
        source: feed.source.clone(),
        vlan: feed.vlan,
        network: feed.network.clone(),
        unseen_share: c.unseen_share(),
        one_sided_share: share(c.one_sided(), c.connections),
        half_exchange_share: share(halves, halves.saturating_add(c.exchanges)),
        undecoded_share: share(
            c.undecoded_packets,
            c.undecoded_packets.saturating_add(c.segments),
        ),
        cut_share: share(c.truncated_segments, c.segments),
        copied_share: share(c.duplicates, c.segments),
        retransmitted_share: share(c.retransmissions, c.segments),
        disordered_share: share(c.out_of_order, c.segments),
        tls_share: share(c.tls_streams, streams),
        tolerated_share: share(c.heads_tolerated, c.heads_parsed),
        clock_back_ms_max: millis(c.clock_back_nanos_max),
        counters: c
            .by_name()
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    }
}

const fn dropped(source: &SourceHealth) -> u64 {
    source
        .dropped_kernel
        .saturating_add(source.dropped_interface)
}

fn stages(report: &HealthReport) -> Vec<Stage> {
    let mut stages: Vec<Stage> = Vec::new();
    for counter in &report.counters {
        let shown = StageCounter {
            name: counter.name.clone(),
            reason: counter.reason.clone(),
            value: counter.value,
        };
        match stages.iter_mut().find(|stage| stage.stage == counter.stage) {
            Some(stage) => stage.counters.push(shown),
            None => {
                stages.push(Stage {
                    stage: counter.stage.clone(),
                    counters: vec![shown],
                });
            }
        }
    }
    let place = |stage: &str| STAGES.iter().position(|known| *known == stage);
    stages.sort_by_key(|stage| place(&stage.stage).unwrap_or(STAGES.len()));
    stages
}

/// Sums over all sources.
#[derive(Clone, Copy, Debug, Default)]
struct Intake {
    packets: u64,
    dropped: u64,
}

fn intake(report: &HealthReport) -> Intake {
    report
        .sources
        .iter()
        .fold(Intake::default(), |sum, source| Intake {
            packets: sum.packets.saturating_add(source.packets),
            dropped: sum.dropped.saturating_add(dropped(source)),
        })
}

/// The feed in short.
pub(crate) fn feed_summary(
    report: &HealthReport,
    totals: &Totals,
    state: FeedState,
) -> FeedSummary {
    let feed = intake(report);
    let exchanges = exchanges(totals);
    let complete = completeness(totals, &["complete", "supposed"]);
    FeedSummary {
        state,
        packets: feed.packets,
        dropped: feed.dropped,
        loss_share: share(feed.dropped, feed.packets.saturating_add(feed.dropped)),
        incomplete_share: share(exchanges.saturating_sub(complete), exchanges),
    }
}

fn exchanges(totals: &Totals) -> u64 {
    totals
        .completeness
        .values()
        .fold(0, |sum, n| sum.saturating_add(*n))
}

fn completeness(totals: &Totals, names: &[&str]) -> u64 {
    names
        .iter()
        .filter_map(|name| totals.completeness.get(*name))
        .sum()
}

/// The verdict of the one function that the command line asks too, as it is shown.
pub(crate) fn verdict(report: &HealthReport) -> Verdict {
    let answer = trust::verdict(report);
    Verdict {
        state: answer.state.into(),
        sentences: answer.sentences(),
        reasons: answer.reasons.into_iter().map(Reason::from).collect(),
    }
}

#[cfg(test)]
mod tests {
    use tapscope_record::Counter;

    use super::*;

    #[test]
    fn what_is_shown_is_the_answer_of_the_one_function() {
        let source = SourceHealth {
            name: "eth0".to_owned(),
            state: "running".to_owned(),
            packets: 10_000,
            dropped_kernel: 1_000,
            ..SourceHealth::default()
        };
        let report = HealthReport {
            sources: vec![source],
            ..HealthReport::default()
        };
        let (shown, answer) = (verdict(&report), trust::verdict(&report));
        assert_eq!(shown.state, FeedState::Poor);
        assert_eq!(shown.sentences, answer.sentences());
        assert_eq!(shown.reasons[0].kind, answer.reasons[0].kind);
        assert_eq!(verdict(&HealthReport::default()).state, FeedState::Unknown);
    }

    #[test]
    fn stages_come_in_the_order_of_the_datas_way() {
        let mut report = HealthReport::default();
        for stage in ["unheard_of", "http", "capture", "http"] {
            report.counters.push(Counter {
                stage: stage.to_owned(),
                ..Counter::default()
            });
        }
        let shown = stages(&report);
        let names: Vec<&str> = shown.iter().map(|stage| stage.stage.as_str()).collect();
        assert_eq!(names, ["capture", "http", "unheard_of"]);
        assert_eq!(shown[1].counters.len(), 2);
    }
}
