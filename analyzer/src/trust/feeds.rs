//! What the feeds lack: loss before the interface, missing directions, cut packets, encryption,
//! copies, and clocks that cannot be believed.

use super::{Limits, Reason, SAMPLE_MIN, State, feed_name, percent};
use crate::inventory::share;
use tapscope_record::{FeedCounters, FeedHealth, HealthReport};

/// Bytes that were acknowledged and never seen. A healthy mirror loses none; a thousandth costs
/// about one in a hundred exchanges.
const UNSEEN: Limits = Limits {
    degraded: 0.001,
    poor: 0.05,
};

/// Connections of which one direction was seen. Some are normal at the start and the end of a
/// capture; near half means that one direction is not mirrored.
const ONE_SIDED: Limits = Limits {
    degraded: 0.05,
    poor: 0.4,
};

/// Segments cut by the snap length: heads survive it, bodies do not.
const CUT: Limits = Limits {
    degraded: 0.01,
    poor: 0.3,
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

/// Second copies of packets. They are dropped, but cost the mirror port its room and spoil
/// latencies; never poor.
const COPIES: Limits = Limits {
    degraded: 0.05,
    poor: f64::INFINITY,
};

/// Segments whose time is behind or far ahead of what came before.
const CLOCK: Limits = Limits {
    degraded: 0.001,
    poor: 0.2,
};

/// Requests without a response, where both directions are mirrored.
const UNANSWERED: Limits = Limits {
    degraded: 0.05,
    poor: 0.4,
};

/// Heads that only the lenient parser could read: what was read of them is a guess in parts.
const TOLERATED: Limits = Limits {
    degraded: 0.2,
    poor: f64::INFINITY,
};

/// Exchanges that a byte lost at random spoils, per share of bytes: an exchange is some ten packets.
const PACKETS_PER_EXCHANGE: f64 = 10.0;

/// One check of every feed.
struct Check {
    kind: &'static str,
    limits: Limits,
    /// How many are bad, of how many.
    measure: fn(&FeedCounters) -> (u64, u64),
    /// Share of the exchanges that this share of bad ones spoils.
    cost: fn(f64) -> f64,
    sentence: fn(&str, &str, &FeedCounters) -> String,
    remedy: fn(&FeedCounters) -> &'static str,
}

const CHECKS: [Check; 9] = [
    Check {
        kind: "mirror_loss",
        limits: UNSEEN,
        measure: |c| {
            let all = c.unseen_bytes.saturating_add(c.delivered_bytes);
            (c.unseen_bytes, all)
        },
        cost: |share| 1.0 - (1.0 - share).powf(PACKETS_PER_EXCHANGE),
        sentence: |share, feed, c| {
            format!(
                "{share} of the bytes of {feed} were acknowledged by their receivers and never \
                 arrived here ({} gaps), though no drop counter says so: the mirror loses packets.",
                c.unseen_gaps
            )
        },
        remedy: |_| {
            "Look for an oversubscribed mirror port: mirror fewer ports or VLANs to it, use a \
             faster port, or a TAP."
        },
    },
    Check {
        kind: "one_direction_missing",
        limits: ONE_SIDED,
        measure: |c| (c.one_sided(), c.connections),
        cost: |share| share,
        sentence: |share, feed, c| {
            let missing = if c.client_only > c.server_only.saturating_add(c.one_side_only) {
                "the servers' direction is missing"
            } else if c.server_only > c.client_only.saturating_add(c.one_side_only) {
                "the clients' direction is missing"
            } else {
                "one direction is missing"
            };
            format!("On {share} of the connections of {feed} {missing}.")
        },
        remedy: |_| {
            "Mirror both directions (rx and tx) of that port or VLAN, the VLAN that carries the \
             way back, and all paths where routing is asymmetric."
        },
    },
    Check {
        kind: "missing_responses",
        limits: UNANSWERED,
        measure: |c| {
            let all = c
                .exchanges
                .saturating_add(c.requests_only)
                .saturating_add(c.responses_only);
            let lone = c.requests_only.saturating_add(c.responses_only);
            // Where a direction is missing, that is the reason and is told by itself.
            let both = ONE_SIDED.judge(c.one_sided(), c.connections).is_none();
            (if both { lone } else { 0 }, all)
        },
        cost: |share| share,
        sentence: |share, feed, _| {
            format!(
                "{share} of the exchanges of {feed} show only the request or only the response, \
                 though both directions are mirrored."
            )
        },
        remedy: |_| {
            "Look at the loss of this feed; without loss, servers do not answer, or answer after \
             limits.response_wait_nanos_max."
        },
    },
    Check {
        kind: "packets_cut",
        limits: CUT,
        measure: |c| (c.truncated_segments, c.segments),
        cost: |share| share / 2.0,
        sentence: |share, feed, _| {
            format!("{share} of the segments of {feed} were captured shorter than they were.")
        },
        remedy: |_| {
            "Capture whole packets: a snap length of 262144 (tcpdump -s 0), no truncation in the \
             mirror session, and an MTU on its way that leaves room for the tunnel."
        },
    },
    Check {
        kind: "encrypted",
        limits: ENCRYPTED,
        measure: |c| (c.tls_streams, streams(c)),
        cost: |share| share,
        sentence: |share, feed, _| {
            format!("{share} of the streams of {feed} are TLS, whose content cannot be seen.")
        },
        remedy: |_| {
            "Mirror behind the load balancer or proxy that ends TLS, or take a decrypted mirror of \
             it."
        },
    },
    Check {
        kind: "not_http",
        limits: FOREIGN,
        measure: |c| (c.foreign_streams, streams(c)),
        cost: |_| 0.0,
        sentence: |share, feed, _| {
            format!("{share} of the streams of {feed} are neither HTTP nor TLS.")
        },
        remedy: |_| "Narrow the mirror or set a filter: they cost room and show nothing.",
    },
    Check {
        kind: "mirrored_twice",
        limits: COPIES,
        measure: |c| (c.duplicates, c.segments),
        cost: |_| 0.0,
        sentence: |share, feed, _| {
            format!("{share} of the segments of {feed} are second copies of a packet.")
        },
        remedy: |_| {
            "Two mirror sessions see the same packets: mirror a VLAN in one direction only, or \
             take one of the sessions away. Copies are left out of all counts."
        },
    },
    Check {
        kind: "clock_steps",
        limits: CLOCK,
        measure: |c| {
            let steps = c.clock_steps_back.saturating_add(c.clock_jumps);
            (steps, c.segments)
        },
        cost: |share| share / 10.0,
        sentence: |share, feed, c| {
            format!(
                "The time of {share} of the segments of {feed} goes back (by up to {:.1} s) or \
                 jumps.",
                std::time::Duration::from_nanos(c.clock_back_nanos_max).as_secs_f64()
            )
        },
        remedy: |_| {
            "Give the captures in the order of their time, do not merge feeds of clocks that \
             differ, and do not set the clock by hand: latencies and time-outs are wrong."
        },
    },
    Check {
        kind: "tolerated_dialect",
        limits: TOLERATED,
        measure: |c| (c.heads_tolerated, c.heads_parsed),
        cost: |_| 0.0,
        sentence: |share, feed, _| {
            format!(
                "{share} of the heads of {feed} break the rules of HTTP and were read leniently."
            )
        },
        remedy: |_| "Look at the anomalies of the exchanges: a faulty client, or an attack.",
    },
];

/// Streams of which it is known what they are; a connection has two.
fn streams(c: &FeedCounters) -> u64 {
    c.http_connections
        .saturating_mul(2)
        .saturating_add(c.tls_streams)
        .saturating_add(c.foreign_streams)
}

pub(super) fn check(report: &HealthReport) -> Vec<Reason> {
    let all = report.feeds.iter().fold(0, |sum: u64, feed| {
        sum.saturating_add(feed.counters.segments)
    });
    let mut reasons: Vec<Reason> = CHECKS
        .iter()
        .filter_map(|check| worst(check, report, all))
        .collect();
    reasons.extend(nothing_to_read(report));
    reasons
}

/// The check's reason: named by the feed that it damages most, with all that share the trouble
/// counted in.
fn worst(check: &Check, report: &HealthReport, all: u64) -> Option<Reason> {
    let mut concerned: Vec<(&FeedHealth, State, f64, f64)> = Vec::new();
    for feed in &report.feeds {
        let (part, whole) = (check.measure)(&feed.counters);
        let Some((state, bad)) = check.limits.judge(part, whole) else {
            continue;
        };
        // What drops on this machine explain is told once, as drops.
        let explained = match check.kind {
            "mirror_loss" => explained_by_drops(feed, bad, report),
            "missing_responses" => explained_by_drops(feed, bad / PACKETS_PER_EXCHANGE, report),
            _ => false,
        };
        if explained {
            continue;
        }
        let weight = share(feed.counters.segments, all.max(1));
        concerned.push((feed, state, bad, (check.cost)(bad) * weight));
    }
    let damage = concerned.iter().map(|(_, _, _, damage)| damage).sum();
    let others = concerned.len().saturating_sub(1);
    let (feed, state, bad, _) = concerned.into_iter().max_by(|a, b| {
        let by_weight = a.0.counters.segments.cmp(&b.0.counters.segments);
        a.1.cmp(&b.1).then(a.3.total_cmp(&b.3)).then(by_weight)
    })?;
    let name = feed_name(feed);
    let mut sentence = (check.sentence)(&percent(bad), &name, &feed.counters);
    if others > 0 {
        let feeds = if others == 1 { "feed" } else { "feeds" };
        sentence.push_str(&format!(" The same holds for {others} other {feeds}."));
    }
    Some(Reason {
        kind: check.kind,
        state,
        feed: Some(name),
        share: bad,
        damage,
        sentence,
        remedy: (check.remedy)(&feed.counters).to_owned(),
    })
}

/// Whether what is missing was dropped on this machine, which is told by itself.
fn explained_by_drops(feed: &FeedHealth, unseen: f64, report: &HealthReport) -> bool {
    let source = report.sources.iter().find(|s| s.name == feed.source);
    source.is_some_and(|source| {
        let dropped = source
            .dropped_kernel
            .saturating_add(source.dropped_interface);
        let all = source.packets.saturating_add(dropped);
        dropped > 0 && share(dropped, all) >= unseen / 2.0
    })
}

/// Traffic without a stream that could be read.
fn nothing_to_read(report: &HealthReport) -> Option<Reason> {
    let sum = |of: fn(&FeedCounters) -> u64| {
        let feeds = report.feeds.iter();
        feeds.fold(0_u64, |sum, feed| sum.saturating_add(of(&feed.counters)))
    };
    let none = sum(streams) == 0 && sum(|c| c.exchanges) == 0;
    (none && sum(|c| c.segments) >= 20 * SAMPLE_MIN).then(|| Reason {
        kind: "nothing_recognised",
        state: State::Poor,
        feed: None,
        share: 1.0,
        damage: 1.0,
        sentence: "There is TCP traffic, and none of it could be recognised.".to_owned(),
        remedy: "Check that the mirror carries payload, and the right servers.".to_owned(),
    })
}
