//! `tapscope inventory` and `tapscope findings`: what a store holds, for people and programs.

use std::collections::BTreeMap;
use std::io::{self, Write};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tapscope_analyzer::Restored;
use tapscope_analyzer::inventory::authentication::dominant;
use tapscope_analyzer::inventory::tally::Tally;
use tapscope_analyzer::snapshot::{
    EndpointSnapshot, FindingSnapshot, HostSnapshot, ParameterSnapshot,
};
use tapscope_store::SqliteReader;

use crate::cli::{Listing, OutputFormat};
use crate::view::rfc3339;

/// One column of a table: its heading, and the key of the row it shows.
pub(crate) type Column = (&'static str, &'static str);

const INVENTORY: &[Column] = &[
    ("METHOD", "method"),
    ("HOST", "host"),
    ("TEMPLATE", "template"),
    ("OPERATION", "operation"),
    ("LIFECYCLE", "lifecycle"),
    ("EXPOSURE", "exposure"),
    ("REQUESTS", "requests"),
    ("ERRORS", "error_share"),
    ("AUTH", "authentication_label"),
    ("CONSUMERS", "consumers"),
    ("P50 MS", "latency_p50_ms"),
    ("DATA", "data_classes"),
    ("LAST SEEN", "last_seen"),
];

const FINDINGS: &[Column] = &[
    ("SEVERITY", "severity"),
    ("KIND", "kind"),
    ("STATUS", "status"),
    ("TITLE", "title"),
    ("SEEN", "occurrences"),
    ("LAST SEEN", "last_seen"),
];

const HOSTS: &[Column] = &[
    ("HOST", "host"),
    ("TENANTS", "tenants"),
    ("CONFIDENCE", "confidence"),
    ("ENDPOINTS", "endpoints"),
    ("REQUESTS", "requests"),
    ("WAITING", "waiting_paths"),
    ("CALLERS BY", "identity"),
    ("WHY", "reason"),
];

const CANDIDATES: &[Column] = &[
    ("HOST", "host"),
    ("REASON", "reason"),
    ("PATHS", "paths"),
    ("EXCHANGES", "exchanges"),
    ("FIRST SEEN", "first_seen"),
    ("LAST SEEN", "last_seen"),
    ("EXAMPLE", "example"),
    ("NEEDS", "needs"),
];

/// Prints the hosts, and which of them share a row.
pub(crate) fn hosts(listing: &Listing) -> Result<()> {
    let restored = SqliteReader::open(&listing.store)?.load()?;
    let mut endpoints: BTreeMap<&str, u64> = BTreeMap::new();
    for one in restored.endpoints.iter().filter(|e| e.transport.is_none()) {
        *endpoints.entry(&one.host).or_default() += 1;
    }
    let mut hosts: Vec<&HostSnapshot> = restored.hosts.iter().collect();
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    let row = |host: &&HostSnapshot| {
        let tenants = host.tenants.as_ref();
        let names = tenants.map(|one| one.hosts.iter().map(|h| &h.host).collect::<Vec<_>>());
        json!({
            "host": host.host,
            "endpoints": endpoints.get(host.host.as_str()).copied().unwrap_or_default(),
            "requests": host.requests,
            "candidates": host.candidates,
            "identity": host.identity.as_ref().map(|one| one.best.name()),
            "identity_reason": host.identity.as_ref().map(|one| &one.reason),
            "waiting_paths": host.waiting.iter().map(|one| one.paths).sum::<u64>(),
            "tenants": tenants.map(|one| one.count),
            "origin": tenants.map(|one| one.origin.name()),
            "confidence": tenants.map(|one| one.confidence),
            "reason": tenants.map(|one| &one.reason),
            "is_over": tenants.map(|one| one.is_over),
            "hosts": names,
        })
    };
    let rows: Vec<Value> = hosts.iter().map(row).collect();
    print_rows(&rows, HOSTS, listing.format)
}

/// Prints what waits to become an endpoint.
pub(crate) fn candidates(listing: &Listing) -> Result<()> {
    let mut hosts = SqliteReader::open(&listing.store)?.load()?.hosts;
    hosts.sort_by(|a, b| a.host.cmp(&b.host));
    let waiting = hosts
        .iter()
        .flat_map(|host| host.waiting.iter().map(move |one| (host, one)));
    let rows: Vec<Value> = waiting
        .map(|(host, one)| {
            let example = one.examples.first();
            json!({
                "host": host.host,
                "reason": one.reason.name(),
                "paths": one.paths,
                "exchanges": one.exchanges,
                "first_seen": seen(one.first_seen),
                "last_seen": seen(one.last_seen),
                "example": example.map(|one| format!("{} {}", one.method, one.path)),
                "needs": one.reason.needs(),
                "examples": one.examples.iter().map(|one| json!({
                    "method": one.method, "path": one.path, "exchanges": one.exchanges,
                    "first_seen": seen(one.first_seen), "last_seen": seen(one.last_seen),
                    "consumers_missing": one.consumers_missing,
                })).collect::<Vec<_>>(),
            })
        })
        .collect();
    print_rows(&rows, CANDIDATES, listing.format)
}

pub(crate) fn inventory(listing: &Listing) -> Result<()> {
    let restored = SqliteReader::open(&listing.store)?.load()?;
    print_rows(
        &inventory_rows(&restored.endpoints),
        INVENTORY,
        listing.format,
    )
}

pub(crate) fn findings(listing: &Listing) -> Result<()> {
    let restored = SqliteReader::open(&listing.store)?.load()?;
    print_rows(&finding_rows(&restored), FINDINGS, listing.format)
}

/// Prints the inventory of a run that keeps nothing.
pub(crate) fn print_inventory(endpoints: &[EndpointSnapshot]) -> Result<()> {
    print_rows(&inventory_rows(endpoints), INVENTORY, OutputFormat::Table)
}

fn inventory_rows(endpoints: &[EndpointSnapshot]) -> Vec<Value> {
    let mut endpoints: Vec<&EndpointSnapshot> = endpoints.iter().collect();
    endpoints.sort_by(|a, b| {
        (
            &a.host,
            &a.template,
            &a.method,
            a.transport.is_some(),
            &a.operation,
            a.id,
        )
            .cmp(&(
                &b.host,
                &b.template,
                &b.method,
                b.transport.is_some(),
                &b.operation,
                b.id,
            ))
    });
    endpoints.into_iter().map(endpoint_row).collect()
}

fn endpoint_row(endpoint: &EndpointSnapshot) -> Value {
    let mut classes: Vec<&str> = endpoint
        .request_data_classes
        .names()
        .chain(endpoint.response_data_classes.names())
        .collect();
    classes.sort();
    classes.dedup();
    let errors: u64 = endpoint.statuses.range(400..).map(|(_, count)| count).sum();
    json!({
        "id": format!("{:016x}", endpoint.id.0),
        "method": endpoint.method,
        "host": endpoint.host,
        "template": endpoint.template,
        "style": endpoint.operation.as_ref().map(|o| &o.style),
        "operation_kind": endpoint.operation.as_ref().map(|o| &o.kind),
        "operation": endpoint.operation.as_ref().map(|o| &o.name),
        "transport": endpoint.transport.map(|id| format!("{:016x}", id.0)),
        "template_confidence": endpoint.template_confidence,
        "lifecycle": endpoint.lifecycle,
        "lifecycle_reason": endpoint.lifecycle_reason,
        "labels": endpoint.profile.labels,
        "label_changes": endpoint.profile.changes.iter().map(|change| json!({
            "at": seen(change.at), "gained": change.gained, "lost": change.lost,
            "reason": change.reason,
        })).collect::<Vec<_>>(),
        "owner": endpoint.profile.owner.as_ref().map(|owner| &owner.name),
        "tags": endpoint.profile.tags,
        "exposure": endpoint.profile.exposure.zone,
        "exposure_reason": endpoint.profile.exposure.reason,
        "transport_security": endpoint.profile.transport.kind,
        "superseded_by": endpoint.facts.superseded_by,
        "first_seen": seen(endpoint.first_seen),
        "last_seen": seen(endpoint.last_seen),
        "requests": endpoint.requests,
        "error_share": share(errors, endpoint.requests),
        "statuses": endpoint.statuses,
        "authentication": endpoint.authentication,
        "authentication_successful": endpoint.authentication_successful,
        "authentication_label": authentication_of(&endpoint.authentication_successful),
        "consumers": endpoint.consumers,
        "data_classes": classes,
        "request_content_types": endpoint.request_content_types,
        "response_content_types": endpoint.response_content_types,
        "parameters": endpoint.parameters.iter().map(parameter).collect::<Vec<_>>(),
        "latency_p50_ms": milliseconds(endpoint.latency.count, endpoint.latency.p50),
        "latency_p99_ms": milliseconds(endpoint.latency.count, endpoint.latency.p99),
        "completeness": endpoint.completeness,
        "examples": endpoint.examples,
        "paths": endpoint.spellings,
        "respelled": endpoint.respelled,
    })
}

fn parameter(one: &ParameterSnapshot) -> Value {
    json!({
        "location": one.location, "name": one.name, "types": one.types,
        "format": one.format(), "classes": one.classes, "seen": one.seen, "distinct": one.distinct, "words": one.words,
        "lengths": one.length_range(), "range": one.range(),
    })
}

fn finding_rows(restored: &Restored) -> Vec<Value> {
    let mut findings: Vec<&FindingSnapshot> = restored.findings.iter().collect();
    findings.sort_by_key(|f| (std::cmp::Reverse(f.severity), f.first_seen, f.id));
    findings.into_iter().map(finding_row).collect()
}

fn finding_row(finding: &FindingSnapshot) -> Value {
    json!({
        "id": format!("{:016x}", finding.id.0),
        "kind": finding.kind,
        "severity": finding.severity,
        "status": finding.status,
        "endpoint": finding.endpoint.as_ref().map(|endpoint| json!({
            "method": endpoint.method,
            "host": endpoint.host,
            "template": endpoint.template,
            "operation": endpoint.operation.as_ref().map(|o| &o.name),
        })),
        "actors": finding.actors,
        "first_seen": seen(finding.first_seen),
        "last_seen": seen(finding.last_seen),
        "occurrences": finding.occurrences,
        "title": finding.title,
        "explanation": finding.explanation,
        "owasp": finding.owasp,
        "confidence": finding.confidence,
        "coverage": finding.coverage,
        "evidence": finding.evidence.iter().map(|evidence| json!({
            "time": rfc3339(evidence.time),
            "exchange": evidence.exchange,
            "summary": evidence.summary,
            "values": evidence.values,
        })).collect::<Vec<_>>(),
    })
}

/// 0 stands for "never seen in traffic".
fn seen(nanos: i64) -> Option<String> {
    (nanos != 0).then(|| rfc3339(nanos))
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        (part as f64 / whole as f64 * 1e4).round() / 1e4
    }
}

fn milliseconds(count: u64, nanos: u64) -> Option<f64> {
    (count > 0).then(|| (nanos as f64 / 1e3).round() / 1e3)
}

/// How successful calls are authenticated, in the word that reports and the page have for it; nothing
/// where there were none.
fn authentication_of(successful: &Tally) -> &str {
    Some(dominant(successful))
        .filter(|_| !successful.is_empty())
        .unwrap_or_default()
}

/// Prints rows in the form asked for. JSON forms hold every key, tables and CSV the columns.
pub(crate) fn print_rows(rows: &[Value], columns: &[Column], format: OutputFormat) -> Result<()> {
    let mut output = Vec::new();
    match format {
        OutputFormat::Table => write_table(rows, columns, &mut output)?,
        OutputFormat::Json => {
            serde_json::to_writer_pretty(&mut output, rows)?;
            output.push(b'\n');
        }
        OutputFormat::Jsonl => {
            for row in rows {
                serde_json::to_writer(&mut output, row)?;
                output.push(b'\n');
            }
        }
        OutputFormat::Csv => write_csv(rows, &mut output)?,
    }
    match io::stdout().lock().write_all(&output) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("the output cannot be written"),
    }
}

fn write_table(rows: &[Value], columns: &[Column], output: &mut Vec<u8>) -> Result<()> {
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            columns
                .iter()
                .map(|(_, key)| printable(&cell(&row[*key])))
                .collect()
        })
        .collect();
    let widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(i, (heading, _))| {
            cells
                .iter()
                .map(|row| row[i].chars().count())
                .max()
                .unwrap_or(0)
                .max(heading.len())
        })
        .collect();
    let headings: Vec<String> = columns
        .iter()
        .map(|(heading, _)| (*heading).to_owned())
        .collect();
    for row in std::iter::once(&headings).chain(&cells) {
        let mut line = String::new();
        for (text, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{text:width$}  "));
        }
        writeln!(output, "{}", line.trim_end())?;
    }
    Ok(())
}

fn write_csv(rows: &[Value], output: &mut Vec<u8>) -> Result<()> {
    let mut writer = csv::Writer::from_writer(output);
    let keys: Vec<&String> = rows
        .first()
        .and_then(Value::as_object)
        .map_or_else(Vec::new, |row| row.keys().collect());
    writer.write_record(&keys)?;
    for row in rows {
        writer.write_record(keys.iter().map(|key| csv_cell(&row[key.as_str()])))?;
    }
    writer.flush()?;
    Ok(())
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.iter().all(Value::is_string) => items
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        other => other.to_string(),
    }
}

/// Text from the wire must not drive the reader's terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// Text from the wire must not become a formula in the reader's spreadsheet.
fn csv_cell(value: &Value) -> String {
    let text = cell(value);
    let formula = !value.is_number() && text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if formula { format!("'{text}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_cells_are_never_formulas() {
        let mut output = Vec::new();
        write_csv(
            &[json!({"a": "=1+1", "b": ["@x", "y"], "c": -3})],
            &mut output,
        )
        .unwrap();
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "a,b,c\n'=1+1,'@x y,-3\n"
        );
    }

    #[test]
    fn table_aligns_and_keeps_control_characters_out() {
        let mut output = Vec::new();
        let rows = [
            json!({"a": "x\u{1b}[2J", "b": 1}),
            json!({"a": "y", "b": 22}),
        ];
        write_table(&rows, &[("A", "a"), ("B", "b")], &mut output).unwrap();
        let text = String::from_utf8(output).unwrap();
        assert_eq!(text, "A      B\nx\u{fffd}[2J  1\ny      22\n");
    }

    #[test]
    fn the_word_is_that_of_the_reports() {
        let counts = |a: u64, b: u64| -> Tally {
            let all = [("jwt", a), ("none", b)];
            all.map(|(name, n)| (name.to_owned(), n))
                .into_iter()
                .collect()
        };
        for (a, b, expected) in [(100, 0, "jwt"), (93, 7, "jwt"), (89, 11, "mixed")] {
            assert_eq!(authentication_of(&counts(a, b)), expected, "{a} {b}");
        }
        assert_eq!(authentication_of(&Tally::default()), "");
    }
}
