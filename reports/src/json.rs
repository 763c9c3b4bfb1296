//! Inventory and findings as JSON, with all that is known of parameters and bodies.

use serde_json::{Value, json};
use tapscope_analyzer::inventory::authentication::dominant;
use tapscope_analyzer::inventory::data;
use tapscope_analyzer::snapshot::tenants::TenantsSnapshot;
use tapscope_analyzer::snapshot::waiting::WaitingSnapshot;
use tapscope_analyzer::snapshot::{Choices, EndpointSnapshot, ParameterSnapshot};

use crate::table::{Table, label, whole};
use crate::time::moment;
use crate::{Report, ReportError, Request, table};

/// Writes the document.
pub(crate) fn write(material: &Report, request: &Request) -> Result<Vec<u8>, ReportError> {
    let endpoints: Vec<Value> = material
        .endpoints
        .iter()
        .map(|one| endpoint(material, one))
        .collect();
    let hosts = material.hosts.iter().map(|host| {
        json!({"host": host.host, "requests": host.requests, "complete": host.complete,
            "candidates": host.candidates, "tenants": host.tenants.as_ref().map(tenants),
            "waiting": host.waiting.iter().map(waiting).collect::<Vec<_>>()})
    });
    crate::pretty(&json!({
        "as_of": moment(material.now),
        "host": request.host,
        "since": request.since.map(moment),
        "hosts": hosts.collect::<Vec<_>>(),
        "endpoints": endpoints,
        "label_changes": objects(&table::changes(material)),
        "findings": objects(&table::findings(material)),
    }))
}

fn tenants(one: &TenantsSnapshot) -> Value {
    let hosts = one.hosts.iter().map(|host| {
        json!({"host": host.host, "requests": host.requests,
            "first_seen": moment(host.first_seen), "last_seen": moment(host.last_seen)})
    });
    json!({"count": one.count, "origin": one.origin.name(), "confidence": one.confidence,
        "reason": one.reason, "is_over": one.is_over, "hosts": hosts.collect::<Vec<_>>()})
}

fn waiting(one: &WaitingSnapshot) -> Value {
    let examples = one.examples.iter().map(|path| {
        json!({"method": path.method, "path": path.path, "exchanges": path.exchanges,
            "first_seen": moment(path.first_seen), "last_seen": moment(path.last_seen),
            "consumers_missing": path.consumers_missing})
    });
    json!({"reason": one.reason.name(), "needs": one.reason.needs(), "paths": one.paths,
        "exchanges": one.exchanges, "first_seen": moment(one.first_seen),
        "last_seen": moment(one.last_seen), "examples": examples.collect::<Vec<_>>()})
}

/// The values that a parameter takes, where all of them may be told.
fn choices(parameter: &ParameterSnapshot) -> Value {
    match parameter.choices() {
        Some(Choices::Words(words)) => json!(words),
        Some(Choices::Numbers(numbers)) => numbers.into_iter().map(whole).collect(),
        None => Value::Null,
    }
}

fn endpoint(material: &Report, one: &EndpointSnapshot) -> Value {
    let risk = material.risk(one);
    let factors = risk.factors.iter().map(|one| {
        json!({"name": one.factor.name(), "level": one.level, "weight": one.weight,
            "points": one.points, "reason": one.reason})
    });
    let parameters = one.parameters.iter().map(|parameter| {
        let (lengths, range) = (parameter.length_range(), parameter.range());
        json!({"in": parameter.location, "name": parameter.name, "types": parameter.types,
            "format": parameter.format(),
            "classes": parameter.classes, "seen": parameter.seen, "distinct": parameter.distinct,
            "words": parameter.words, "choices": choices(parameter), "length_min": lengths.map(|(least, _)| least),
            "length_max": lengths.map(|(_, most)| most),
            "number_min": range.map(|range| whole(range.least)),
            "number_max": range.map(|range| whole(range.most))})
    });
    let health = data::carries_health(one);
    let data = one.data.iter().map(|seen| {
        json!({"direction": seen.direction, "class": seen.class, "exchanges": seen.exchanges,
            "values": seen.values, "values_max": seen.most,
            "confidence": data::confidence(seen), "tags": data::tags_of(seen, health)})
    });
    json!({
        "id": format!("{:016x}", one.id.0),
        "method": one.method,
        "host": one.host,
        "template": one.template,
        "template_confidence": one.template_confidence,
        "lifecycle": label(one.lifecycle),
        "lifecycle_reason": one.lifecycle_reason,
        "facts": one.facts,
        "profile": one.profile,
        "risk": {"score": risk.score, "factors": factors.collect::<Vec<_>>()},
        "first_seen": moment(one.first_seen),
        "last_seen": moment(one.last_seen),
        "requests": one.requests,
        "statuses": one.statuses,
        "authentication": dominant(&one.authentication_successful),
        "authentication_successful": one.authentication_successful,
        "credentials": one.credentials,
        "tokens": one.tokens,
        "consumers": one.consumers,
        "servers": one.servers,
        "request_data_classes": one.request_data_classes,
        "response_data_classes": one.response_data_classes,
        "data": data.collect::<Vec<_>>(),
        "parameters": parameters.collect::<Vec<_>>(),
        "parameters_observed": one.parameters_observed,
        "schemas": one.schemas,
        "bodies_passed": one.bodies_passed,
    })
}

/// Rows as objects.
fn objects(table: &Table) -> Vec<Value> {
    let object = |row: &Vec<table::Cell>| {
        let cells = table.columns.iter().zip(row);
        let members = cells.map(|(name, cell)| {
            let value = match cell {
                table::Cell::Text(text) => json!(text),
                table::Cell::Count(count) => json!(count),
                table::Cell::Share(share) => json!(share),
            };
            ((*name).to_owned(), value)
        });
        Value::Object(members.collect())
    };
    table.rows.iter().map(object).collect()
}
