//! `/health`: what the sensor says of itself, and a verdict on the feed that names the remedy.

use axum::Json;
use axum::extract::State;
use tapscope_record::{HealthReport, SourceHealth};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::Problem;
use crate::live::{LiveView, Totals};
use crate::query::Query;
use crate::state::ApiState;
use crate::view::health::{FeedState, Health, Source, Stage, StageCounter, StoreHealth, Verdict};
use crate::view::measure::share;
use crate::view::overview::FeedSummary;
use crate::view::time::Time;

/// Stages in the order of the data's way; others come after them.
const STAGES: [&str; 8] = [
    "capture", "decap", "flow", "http", "redact", "pipeline", "analyzer", "store",
];

/// Fewer than this say nothing: one lost packet of ten is no bad feed.
const SAMPLE_MIN: u64 = 50;

/// A share of something bad from which the feed is degraded, and from which it is poor.
#[derive(Clone, Copy, Debug)]
struct Limits {
    degraded: f64,
    poor: f64,
}

/// Packets dropped before the sensor saw them. One in a thousand costs about one in a hundred
/// exchanges of ten packets; one in twenty costs half of them.
const LOSS: Limits = Limits {
    degraded: 0.001,
    poor: 0.05,
};

/// Exchanges cut by a gap. One in a hundred is more than a healthy mirror loses.
const GAPS: Limits = Limits {
    degraded: 0.01,
    poor: 0.2,
};

/// Exchanges of which only one side was seen. Some are normal at the start and the end of a
/// capture; half of them means that one direction is not mirrored.
const ONE_SIDED: Limits = Limits {
    degraded: 0.05,
    poor: 0.4,
};

/// Streams that are TLS. Some TLS beside the API is usual; nothing but TLS means that the mirror
/// is at the wrong place.
const ENCRYPTED: Limits = Limits {
    degraded: 0.25,
    poor: 0.9,
};

/// Streams that are neither HTTP nor TLS. They cost work and hide nothing, hence never poor.
const FOREIGN: Limits = Limits {
    degraded: 0.5,
    poor: f64::INFINITY,
};

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
    let mut verdict = verdict(&report, &view.totals());
    if let Some(error) = store.as_ref().and_then(|store| store.error.as_ref()) {
        let sentence = format!("The store cannot be written to: {error}.");
        verdict.sentences.insert(0, sentence);
        verdict.state = verdict.state.max(FeedState::Degraded);
    }
    Health {
        verdict,
        time: Time::known(report.time),
        sources: report.sources.iter().map(source).collect(),
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
        loss_share: share(
            dropped(source),
            source.packets.saturating_add(dropped(source)),
        ),
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
struct Feed {
    packets: u64,
    dropped: u64,
}

fn feed(report: &HealthReport) -> Feed {
    report
        .sources
        .iter()
        .fold(Feed::default(), |sum, source| Feed {
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
    let feed = feed(report);
    let exchanges = exchanges(totals);
    let complete = completeness(totals, &["complete"]);
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

/// The verdict: one check a sentence, worst first.
pub(crate) fn verdict(report: &HealthReport, totals: &Totals) -> Verdict {
    let feed = feed(report);
    let exchanges = exchanges(totals);
    let streams = Streams::of(report);
    let mut checks: Vec<(FeedState, String)> = broken_sources(report);
    let mut check = |limits: Limits, part: u64, whole: u64, say: &dyn Fn(String) -> String| {
        let Some(bad) = share(part, whole).filter(|_| whole >= SAMPLE_MIN) else {
            return;
        };
        if bad >= limits.poor {
            checks.push((FeedState::Poor, say(percent(bad))));
        } else if bad >= limits.degraded {
            checks.push((FeedState::Degraded, say(percent(bad))));
        }
    };
    check(
        LOSS,
        feed.dropped,
        feed.packets.saturating_add(feed.dropped),
        &|share| {
            format!(
                "{share} of the packets were dropped before the sensor saw them: give it a larger \
             ring or a narrower --filter, or mirror less."
            )
        },
    );
    check(GAPS, completeness(totals, &["gap"]), exchanges, &|share| {
        format!(
            "{share} of the exchanges have gaps though the packets were sent: the mirror loses \
             packets; look for an oversubscribed mirror port."
        )
    });
    let one_sided = completeness(totals, &["request_missing", "response_missing"]);
    check(ONE_SIDED, one_sided, exchanges, &|share| {
        format!(
            "{share} of the exchanges show only the request or only the response: mirror both \
             directions, and all paths when routing is asymmetric."
        )
    });
    check(ENCRYPTED, streams.tls, streams.all, &|share| {
        format!(
            "{share} of the streams are TLS, whose content cannot be seen: mirror behind the \
             load balancer or proxy that ends TLS."
        )
    });
    check(FOREIGN, streams.other, streams.all, &|share| {
        format!("{share} of the streams are not HTTP: narrow the mirror or set a --filter.")
    });
    conclude(checks, feed.packets > 0 || exchanges > 0)
}

fn conclude(mut checks: Vec<(FeedState, String)>, any_traffic: bool) -> Verdict {
    checks.sort_by_key(|(state, _)| core::cmp::Reverse(*state));
    let worst = checks.first().map(|(state, _)| *state);
    let sentences: Vec<String> = checks.into_iter().map(|(_, sentence)| sentence).collect();
    match worst {
        Some(state) => Verdict { state, sentences },
        None if any_traffic => Verdict {
            state: FeedState::Good,
            sentences: vec!["Nothing notable is missing from what the sensor sees.".to_owned()],
        },
        None => Verdict {
            state: FeedState::Unknown,
            sentences: vec![
                "No traffic was seen yet: check the interface, the mirror and the filter."
                    .to_owned(),
            ],
        },
    }
}

/// Sources that ended with an error.
fn broken_sources(report: &HealthReport) -> Vec<(FeedState, String)> {
    let broken = report
        .sources
        .iter()
        .filter(|source| !matches!(source.state.as_str(), "running" | "finished" | ""));
    broken
        .map(|source| {
            let state = source.state.trim_end_matches('.');
            (
                FeedState::Poor,
                format!("The source {} ended: {state}.", source.name),
            )
        })
        .collect()
}

/// What the streams were, by the http stage's counters.
#[derive(Clone, Copy, Debug, Default)]
struct Streams {
    all: u64,
    tls: u64,
    other: u64,
}

impl Streams {
    fn of(report: &HealthReport) -> Self {
        let mut streams = Self::default();
        for counter in report
            .counters
            .iter()
            .filter(|counter| counter.stage == "http")
        {
            let of_streams = match (counter.name.as_str(), counter.reason.as_deref()) {
                // A connection has two streams; other protocols are counted by stream.
                ("http_connections", _) => counter.value.saturating_mul(2),
                ("http_other_protocol", Some("tls")) => {
                    streams.tls = streams.tls.saturating_add(counter.value);
                    counter.value
                }
                ("http_other_protocol", _) => {
                    streams.other = streams.other.saturating_add(counter.value);
                    counter.value
                }
                _ => 0,
            };
            streams.all = streams.all.saturating_add(of_streams);
        }
        streams
    }
}

/// A share for people: one decimal where it matters.
fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent < 10.0 {
        format!("{percent:.1} %")
    } else {
        format!("{percent:.0} %")
    }
}

#[cfg(test)]
mod tests {
    use tapscope_record::Counter;

    use super::*;

    fn report(packets: u64, dropped_kernel: u64) -> HealthReport {
        let source = SourceHealth {
            name: "eth0".to_owned(),
            kind: "live".to_owned(),
            state: "running".to_owned(),
            packets,
            dropped_kernel,
            ..SourceHealth::default()
        };
        HealthReport {
            sources: vec![source],
            ..HealthReport::default()
        }
    }

    fn totals(counts: &[(&str, u64)]) -> Totals {
        let mut totals = Totals::default();
        totals
            .completeness
            .extend(counts.iter().map(|&(name, n)| (name.to_owned(), n)));
        totals
    }

    fn counter(name: &str, reason: Option<&str>, value: u64) -> Counter {
        Counter {
            stage: "http".to_owned(),
            name: name.to_owned(),
            reason: reason.map(str::to_owned),
            value,
        }
    }

    /// Packets, dropped packets, exchanges by completeness; the state and a part of a sentence.
    type Case<'a> = (u64, u64, &'a [(&'a str, u64)], FeedState, &'a str);

    #[test]
    fn the_verdict_follows_loss_gaps_and_missing_sides() {
        let complete: &[(&str, u64)] = &[("complete", 1000)];
        let cases: &[Case<'_>] = &[
            (0, 0, &[], FeedState::Unknown, "No traffic"),
            (10_000, 0, complete, FeedState::Good, "Nothing notable"),
            (10_000, 9, complete, FeedState::Good, "Nothing notable"),
            (
                10_000,
                20,
                complete,
                FeedState::Degraded,
                "0.2 % of the packets",
            ),
            (
                10_000,
                10_000,
                complete,
                FeedState::Poor,
                "50 % of the packets",
            ),
            (10, 5, &[], FeedState::Good, "Nothing notable"),
            (
                10_000,
                0,
                &[("complete", 95), ("gap", 5)],
                FeedState::Degraded,
                "have gaps",
            ),
            (
                10_000,
                0,
                &[("complete", 50), ("gap", 50)],
                FeedState::Poor,
                "have gaps",
            ),
            (
                10_000,
                0,
                &[
                    ("complete", 50),
                    ("response_missing", 30),
                    ("request_missing", 20),
                ],
                FeedState::Poor,
                "both directions",
            ),
        ];
        for (packets, dropped, counts, state, says) in cases {
            let verdict = verdict(&report(*packets, *dropped), &totals(counts));
            assert_eq!(verdict.state, *state, "{counts:?}");
            assert!(verdict.sentences[0].contains(says), "{verdict:?}");
        }
    }

    #[test]
    fn what_is_encrypted_or_foreign_is_told_apart() {
        let mut report = report(10_000, 0);
        report.counters = vec![
            counter("http_connections", None, 25),
            counter("http_other_protocol", Some("tls"), 950),
        ];
        let encrypted = verdict(&report, &Totals::default());
        assert_eq!(encrypted.state, FeedState::Poor);
        assert!(encrypted.sentences[0].contains("95 % of the streams are TLS"));
        report.counters[1].reason = Some("ssh".to_owned());
        let foreign = verdict(&report, &Totals::default());
        assert_eq!(foreign.state, FeedState::Degraded);
        assert!(foreign.sentences[0].contains("not HTTP"));
    }

    #[test]
    fn the_worst_comes_first() {
        let mut report = report(10_000, 20);
        report.sources[0].state = "the interface went down".to_owned();
        let verdict = verdict(&report, &Totals::default());
        assert_eq!(verdict.state, FeedState::Poor);
        assert_eq!(
            verdict.sentences[0],
            "The source eth0 ended: the interface went down."
        );
        assert_eq!(verdict.sentences.len(), 2);
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
