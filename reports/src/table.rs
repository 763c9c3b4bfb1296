//! Tables: what the formats with rows and columns are made of.

use serde_json::{Value, json};
use tapscope_analyzer::inventory::authentication::dominant;
use tapscope_analyzer::inventory::risk::Risk;
use tapscope_analyzer::inventory::share;
use tapscope_analyzer::inventory::tally::Tally;
use tapscope_analyzer::snapshot::profile::LabelChange;
use tapscope_analyzer::snapshot::schema::FieldSnapshot;
use tapscope_analyzer::snapshot::waiting::WaitingSnapshot;
use tapscope_analyzer::snapshot::{
    Choices, EndpointSnapshot, FindingSnapshot, HostSnapshot, Lifecycle, ParameterSnapshot,
};

use crate::Report;
use crate::time::moment;

/// One cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cell {
    Text(String),
    Count(u64),
    Share(f64),
}

impl Cell {
    /// As text, without a spreadsheet's formatting.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Count(count) => count.to_string(),
            Self::Share(share) => format!("{share:.4}"),
        }
    }
}

/// Column names and rows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [&'static str],
    pub(crate) rows: Vec<Vec<Cell>>,
}

/// The name of a plain enum variant as the API spells it.
pub(crate) fn label(value: impl core::fmt::Debug) -> String {
    let mut out = String::new();
    for (at, c) in format!("{value:?}").chars().enumerate() {
        if c.is_ascii_uppercase() && at > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn text(text: impl Into<String>) -> Cell {
    Cell::Text(text.into())
}

fn names(counts: &Tally) -> Cell {
    let mut all: Vec<(&str, u64)> = counts.iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let names: Vec<&str> = all.into_iter().map(|(name, _)| name).collect();
    text(names.join(", "))
}

/// Names with their shares, as `bearer 47 %, none 53 %`; the largest first.
fn shares(counts: &Tally) -> String {
    let total = counts.total();
    let mut all: Vec<(&str, u64)> = counts.iter().collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    let parts = all.into_iter().map(|(name, count)| {
        let percent = share(count, total) * 100.0;
        if percent < 1.0 {
            format!("{name} < 1 %")
        } else {
            format!("{name} {percent:.0} %")
        }
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Exchanges answered with an error, as a share of those answered.
pub(crate) fn error_share(endpoint: &EndpointSnapshot) -> f64 {
    let count = |from: u16| endpoint.statuses.range(from..).map(|(_, n)| n).sum();
    share(count(400), count(1))
}

/// Classes of personal or secret data, requests and responses together.
pub(crate) fn data_classes(endpoint: &EndpointSnapshot) -> Vec<String> {
    tapscope_analyzer::inventory::data::carried(endpoint)
}

/// The operation that a row is about, as `query books`; empty for an endpoint's own.
fn operation(endpoint: &EndpointSnapshot) -> String {
    let operation = endpoint.operation.as_ref();
    operation.map_or_else(String::new, |one| format!("{} {}", one.kind, one.name))
}

/// The inventory.
pub(crate) fn endpoints(material: &Report) -> Table {
    let row = |one: &EndpointSnapshot| {
        vec![
            text(&one.host),
            text(&one.method),
            text(&one.template),
            text(operation(one)),
            text(label(one.lifecycle)),
            text(&one.lifecycle_reason),
            text(labels(one)),
            Cell::Count(points(material.risk(one).score)),
            text(risk_factors(&material.risk(one))),
            text(owner(one)),
            text(tags(one)),
            text(&one.profile.exposure.zone),
            text(&one.profile.transport.kind),
            text(one.facts.superseded_by.as_deref().unwrap_or_default()),
            text(moment(one.first_seen)),
            text(moment(one.last_seen)),
            Cell::Count(one.requests),
            Cell::Share(error_share(one)),
            names(&one.authentication_successful),
            Cell::Count(one.consumers),
            text(data_classes(one).join(", ")),
            text(one.facts.documented_in.join(", ")),
            Cell::Share(one.template_confidence),
            text(format!("{:016x}", one.id.0)),
            text(dominant(&one.authentication_successful)),
            text(shares(&one.authentication_successful)),
            names(&one.servers),
        ]
    };
    Table {
        name: "Endpoints",
        columns: &[
            "host",
            "method",
            "template",
            "operation",
            "lifecycle",
            "lifecycle_reason",
            "labels",
            "risk",
            "risk_factors",
            "owner",
            "tags",
            "exposure",
            "transport",
            "superseded_by",
            "first_seen",
            "last_seen",
            "requests",
            "error_share",
            "authentication",
            "consumers",
            "data_classes",
            "documented_in",
            "template_confidence",
            "id",
            "authentication_verdict",
            "authentication_shares",
            "servers",
        ],
        rows: material.endpoints.iter().map(row).collect(),
    }
}

/// A score as a whole number of points.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a score is 0 to 100"
)]
pub(crate) fn points(score: f64) -> u64 {
    score.clamp(0.0, 100.0).round() as u64
}

/// What makes up a risk, as `exposure 20, data 10`.
pub(crate) fn risk_factors(risk: &Risk) -> String {
    let factors = risk.factors.iter().filter(|one| one.points > 0.0);
    let named = factors.map(|one| format!("{} {}", one.factor.name(), points(one.points)));
    named.collect::<Vec<_>>().join(", ")
}

/// All labels that hold.
pub(crate) fn labels(endpoint: &EndpointSnapshot) -> String {
    let labels = endpoint.profile.labels.iter();
    let names: Vec<&str> = labels.map(|one| one.label.name()).collect();
    names.join(", ")
}

/// Who is responsible; empty when nobody is named.
pub(crate) fn owner(endpoint: &EndpointSnapshot) -> String {
    let owner = endpoint.profile.owner.as_ref();
    owner.map(|owner| owner.name.clone()).unwrap_or_default()
}

/// What it seems to be for.
pub(crate) fn tags(endpoint: &EndpointSnapshot) -> String {
    let tags = endpoint.profile.tags.iter();
    let names: Vec<&str> = tags.map(|tag| tag.name.as_str()).collect();
    names.join(", ")
}

/// Labels that came and went.
pub(crate) fn changes(material: &Report) -> Table {
    let names = |labels: &[Lifecycle]| {
        let names: Vec<&str> = labels.iter().map(|label| label.name()).collect();
        text(names.join(", "))
    };
    let row = |(one, change): &(EndpointSnapshot, LabelChange)| {
        vec![
            text(moment(change.at)),
            text(&one.host),
            text(&one.method),
            text(&one.template),
            text(operation(one)),
            names(&change.gained),
            names(&change.lost),
            text(&change.reason),
        ]
    };
    Table {
        name: "Label changes",
        columns: &[
            "at",
            "host",
            "method",
            "template",
            "operation",
            "gained",
            "lost",
            "lifecycle_reason",
        ],
        rows: material.changes.iter().map(row).collect(),
    }
}

/// Parameters of all endpoints.
pub(crate) fn parameters(material: &Report) -> Table {
    let mut rows = Vec::new();
    for one in &material.endpoints {
        for parameter in &one.parameters {
            // Of the requests whose bodies' values were taken it is not known how many they were.
            let present = match parameter.location.as_str() {
                "body" => text(""),
                _ => Cell::Share(share(parameter.seen, one.parameters_observed).min(1.0)),
            };
            rows.push(vec![
                text(&one.host),
                text(&one.method),
                text(&one.template),
                text(&parameter.location),
                text(&parameter.name),
                names(&parameter.types),
                text(parameter.format().unwrap_or_default()),
                present,
                Cell::Count(parameter.distinct),
                span(parameter.range().map(|range| (range.least, range.most))),
                span(parameter.length_range().map(|(a, b)| (a.into(), b.into()))),
                names(&parameter.classes),
                text(choices(parameter).join(", ")),
            ]);
        }
    }
    Table {
        name: "Parameters",
        columns: &[
            "host",
            "method",
            "template",
            "in",
            "name",
            "types",
            "format",
            "present_share",
            "distinct",
            "range",
            "length",
            "data_classes",
            "choices",
        ],
        rows,
    }
}

/// The values that a parameter takes, where all of them are known and may be told.
fn choices(parameter: &ParameterSnapshot) -> Vec<String> {
    match parameter.choices() {
        Some(Choices::Words(words)) => words,
        Some(Choices::Numbers(numbers)) => numbers.iter().map(f64::to_string).collect(),
        None => Vec::new(),
    }
}

/// A number as JSON writes it: whole ones without a point.
pub(crate) fn whole(number: f64) -> Value {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "whole and far from the ends of the type"
    )]
    let cut = number as i64;
    if number.fract() == 0.0 && number.abs() < 1e15 {
        json!(cut)
    } else {
        json!(number)
    }
}

/// From least to most; empty where that is not told.
fn span(ends: Option<(f64, f64)>) -> Cell {
    text(ends.map_or_else(String::new, |(least, most)| {
        if least < most {
            format!("{least} to {most}")
        } else {
            least.to_string()
        }
    }))
}

/// Fields of all bodies.
pub(crate) fn fields(material: &Report) -> Table {
    let mut rows = Vec::new();
    for one in &material.endpoints {
        for schema in &one.schemas.unpack() {
            let of = match schema.status {
                Some(status) => format!("response {status}"),
                None => "request".to_owned(),
            };
            let head = vec![
                text(&one.host),
                text(&one.method),
                text(&one.template),
                text(of),
                text(&schema.media_type),
            ];
            add_fields(&head, &schema.root, "", &mut rows);
        }
    }
    Table {
        name: "Fields",
        columns: &[
            "host",
            "method",
            "template",
            "body",
            "media_type",
            "field",
            "types",
            "seen",
            "data_classes",
            "present_share",
        ],
        rows,
    }
}

fn add_fields(head: &[Cell], parent: &FieldSnapshot, path: &str, rows: &mut Vec<Vec<Cell>>) {
    for field in &parent.fields {
        let own = match path {
            "" => field.name.clone(),
            _ => format!("{path}.{}", field.name),
        };
        let mut row = head.to_vec();
        row.extend([
            text(&own),
            names(&Tally::from_counts(&field.types)),
            Cell::Count(field.seen),
            names(&Tally::from_counts(&field.classes)),
            // Of how many it is a share is not known where nothing was seen whole.
            parent
                .present_share(field)
                .map_or_else(|| text(""), Cell::Share),
        ]);
        rows.push(row);
        add_fields(head, field, &own, rows);
    }
}

/// The findings.
pub(crate) fn findings(material: &Report) -> Table {
    let row = |one: &FindingSnapshot| {
        let at = one.endpoint.as_ref();
        vec![
            text(label(one.severity)),
            text(&one.kind),
            text(label(one.status)),
            text(at.map_or("", |at| &at.host)),
            text(at.map_or("", |at| &at.method)),
            text(at.map_or("", |at| &at.template)),
            text(&one.title),
            text(moment(one.first_seen)),
            text(moment(one.last_seen)),
            Cell::Count(one.occurrences),
            Cell::Share(one.confidence),
            text(one.owasp.join(", ")),
            text(&one.explanation),
        ]
    };
    Table {
        name: "Findings",
        columns: &[
            "severity",
            "kind",
            "status",
            "host",
            "method",
            "template",
            "title",
            "first_seen",
            "last_seen",
            "occurrences",
            "confidence",
            "owasp",
            "explanation",
        ],
        rows: material.findings.iter().map(row).collect(),
    }
}

/// The hosts, and which of them share a row.
pub(crate) fn hosts(material: &Report) -> Table {
    let row = |host: &HostSnapshot| {
        let tenants = host.tenants.as_ref();
        vec![
            text(&host.host),
            Cell::Count(host.requests),
            Cell::Share(share(host.complete, host.requests)),
            Cell::Count(tenants.map_or(1, |one| one.count)),
            Cell::Share(tenants.map_or(1.0, |one| one.confidence)),
            text(tenants.map_or("", |one| &one.reason)),
            text(tenants.map_or_else(String::new, |one| {
                let names: Vec<&str> = one.hosts.iter().map(|one| one.host.as_str()).collect();
                names.join(", ")
            })),
        ]
    };
    Table {
        name: "Hosts",
        columns: &[
            "host",
            "requests",
            "complete_share",
            "hosts",
            "confidence",
            "reason",
            "names",
        ],
        rows: material.hosts.iter().map(row).collect(),
    }
}

/// What was called and is no endpoint yet.
pub(crate) fn candidates(material: &Report) -> Table {
    let row = |(host, one): (&HostSnapshot, &WaitingSnapshot)| {
        let paths: Vec<String> = one
            .examples
            .iter()
            .map(|one| format!("{} {}", one.method, one.path))
            .collect();
        vec![
            text(&host.host),
            text(one.reason.name()),
            Cell::Count(one.paths),
            Cell::Count(one.exchanges),
            text(moment(one.first_seen)),
            text(moment(one.last_seen)),
            text(one.reason.needs()),
            text(paths.join(", ")),
        ]
    };
    let hosts = material.hosts.iter();
    let waiting = hosts.flat_map(|host| host.waiting.iter().map(move |one| (host, one)));
    Table {
        name: "Candidates",
        columns: &[
            "host",
            "reason",
            "paths",
            "exchanges",
            "first_seen",
            "last_seen",
            "needs",
            "examples",
        ],
        rows: waiting.map(row).collect(),
    }
}
