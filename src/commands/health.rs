//! `tapscope health`: whether the feed that a store was made from can be trusted.

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tapscope_analyzer::trust::{self, State, Verdict};
use tapscope_record::{FeedHealth, HealthReport, MemoryAccount, SourceHealth};
use tapscope_store::SqliteReader;

use super::listing::{Column, print_rows};
use crate::cli::{Listing, OutputFormat};
use crate::view::rfc3339;

const SOURCES: &[Column] = &[
    ("SOURCE", "source"),
    ("KIND", "kind"),
    ("STATE", "state"),
    ("PACKETS", "packets"),
    ("KERNEL DROPS", "dropped_kernel"),
    ("INTERFACE DROPS", "dropped_interface"),
];

const FEEDS: &[Column] = &[
    ("FEED", "feed"),
    ("SEGMENTS", "segments"),
    ("CONNECTIONS", "connections"),
    ("EXCHANGES", "exchanges"),
    ("UNSEEN", "unseen"),
    ("ONE-SIDED CONNECTIONS", "one_sided"),
    ("HALF EXCHANGES", "half_exchanges"),
    ("UNDECODED", "undecoded"),
    ("CUT", "cut"),
    ("COPIES", "copies"),
    ("RETRANSMITTED", "retransmitted"),
    ("TLS", "tls"),
    ("CLOCK STEPS", "clock_steps"),
];

const MEMORY: &[Column] = &[
    ("MEMORY", "account"),
    ("BYTES", "bytes"),
    ("AT MOST", "bytes_max"),
];

/// Prints the answer, and what it rests on.
pub(crate) fn execute(listing: &Listing) -> Result<()> {
    let reader = SqliteReader::open(&listing.store)?;
    let Some(report) = reader.health()? else {
        bail!(
            "{}: no health report is kept there yet; `tapscope replay` and `tapscope watch` keep \
             one",
            listing.store.display()
        );
    };
    let verdict = trust::verdict(&report);
    let feeds: Vec<Value> = report.feeds.iter().map(feed_row).collect();
    match listing.format {
        OutputFormat::Json | OutputFormat::Jsonl => {
            let whole = [object(&verdict, &report, feeds)];
            // One object either way: a report has no rows of one kind.
            print_rows(&whole, &[], OutputFormat::Jsonl)
        }
        OutputFormat::Csv => print_rows(&feeds, FEEDS, OutputFormat::Csv),
        OutputFormat::Table => {
            let said: Vec<Value> = verdict_lines(&verdict)
                .into_iter()
                .map(|line| json!({ "line": line }))
                .collect();
            print_rows(&said, &[("VERDICT", "line")], OutputFormat::Table)?;
            let sources: Vec<Value> = report.sources.iter().map(source_row).collect();
            print_rows(&sources, SOURCES, OutputFormat::Table)?;
            print_rows(&feeds, FEEDS, OutputFormat::Table)?;
            let memory: Vec<Value> = report.memory.iter().map(memory_row).collect();
            print_rows(&memory, MEMORY, OutputFormat::Table)
        }
    }
}

/// The answer for people, a line each.
pub(crate) fn verdict_lines(verdict: &Verdict) -> Vec<String> {
    let state = match verdict.state {
        State::Unknown => "feed unknown",
        State::Good => "feed good",
        State::Degraded => "feed degraded",
        State::Poor => "feed poor",
    };
    let sentences = verdict.sentences();
    sentences
        .into_iter()
        .enumerate()
        .map(|(place, sentence)| match place {
            0 => format!("{state}: {sentence}"),
            _ => format!("  and: {sentence}"),
        })
        .collect()
}

fn object(verdict: &Verdict, report: &HealthReport, feeds: Vec<Value>) -> Value {
    let reasons = verdict.reasons.iter().map(|reason| {
        json!({
            "kind": reason.kind,
            "feed": reason.feed,
            "share": reason.share,
            "damage": reason.damage,
            "sentence": reason.sentence,
            "remedy": reason.remedy,
        })
    });
    json!({
        "state": format!("{:?}", verdict.state).to_lowercase(),
        "reasons": reasons.collect::<Vec<_>>(),
        "time": (report.time != 0).then(|| rfc3339(report.time)),
        "sources": report.sources.iter().map(source_row).collect::<Vec<_>>(),
        "feeds": feeds,
        "memory": report.memory.iter().map(memory_row).collect::<Vec<_>>(),
    })
}

fn memory_row(account: &MemoryAccount) -> Value {
    json!({
        "account": account.name,
        "bytes": account.bytes,
        "bytes_max": account.bytes_max,
    })
}

fn source_row(source: &SourceHealth) -> Value {
    json!({
        "source": source.name,
        "kind": source.kind,
        "state": source.state,
        "packets": source.packets,
        "bytes": source.bytes,
        "dropped_kernel": source.dropped_kernel,
        "dropped_interface": source.dropped_interface,
    })
}

fn feed_row(feed: &FeedHealth) -> Value {
    let c = &feed.counters;
    let halves = c.requests_only.saturating_add(c.responses_only);
    let mut row = json!({
        "feed": trust::feed_name(feed),
        "unseen": c.unseen_share().map(percent),
        "one_sided": share(c.one_sided(), c.connections),
        "half_exchanges": share(halves, halves.saturating_add(c.exchanges)),
        "undecoded": share(
            c.undecoded_packets,
            c.undecoded_packets.saturating_add(c.segments),
        ),
        "cut": share(c.truncated_segments, c.segments),
        "copies": share(c.duplicates, c.segments),
        "retransmitted": share(c.retransmissions, c.segments),
        "tls": share(c.tls_streams, c.connections.saturating_mul(2)),
        "clock_steps": c.clock_steps_back.saturating_add(c.clock_jumps),
    });
    if let Value::Object(fields) = &mut row {
        for (name, value) in c.by_name() {
            fields.entry(name).or_insert_with(|| json!(value));
        }
    }
    row
}

fn share(part: u64, whole: u64) -> Option<String> {
    (whole > 0).then(|| percent(part as f64 / whole as f64))
}

fn percent(share: f64) -> String {
    format!("{:.2}%", share * 100.0)
}
