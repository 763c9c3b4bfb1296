//! Rows from snapshots: one transaction a save.

use std::borrow::Cow;

use rusqlite::{Transaction, params};
use serde::Serialize;
use tapscope_analyzer::snapshot::{
    Changes, ConsumerSnapshot, EndpointCount, EndpointId, EndpointSnapshot, FindingSnapshot,
    HostSnapshot,
};

use crate::apart::Without;
use crate::minutes::{self, SavedMinutes};

/// Name of the row of `meta` that holds the packet time of the latest record.
pub(crate) const NOW: &str = "now";

/// An unsigned number as the signed one of the same bits.
pub(crate) const fn signed(number: u64) -> i64 {
    number.cast_signed()
}

/// The inverse of [`signed`].
pub(crate) const fn unsigned(number: i64) -> u64 {
    number.cast_unsigned()
}

/// Writes what changed. `known` is what is known of saved minutes; returns what will be known of
/// them once the transaction is committed.
pub(crate) fn save(
    transaction: &Transaction<'_>,
    changes: &Changes,
    known: &SavedMinutes,
) -> rusqlite::Result<SavedMinutes> {
    let mut news = SavedMinutes::default();
    // Merges first: the survivors' own minutes, written after, replace the sums made here.
    for &(gone, survivor) in &changes.merged {
        merge(transaction, gone, survivor)?;
        news.forget(gone);
        news.forget(survivor);
    }
    for &id in &changes.removed {
        remove(transaction, id)?;
        news.forget(id);
    }
    for endpoint in &changes.endpoints {
        save_endpoint(transaction, endpoint)?;
        minutes::save(transaction, endpoint, known, &mut news)?;
    }
    for count in &changes.counts {
        save_count(transaction, count)?;
    }
    // A host that is back since is among those that follow.
    for host in &changes.removed_hosts {
        transaction
            .prepare_cached("DELETE FROM hosts WHERE host = ?1")?
            .execute(params![host])?;
    }
    for host in &changes.hosts {
        save_host(transaction, host)?;
    }
    for finding in &changes.findings {
        save_finding(transaction, finding)?;
    }
    for consumer in &changes.consumers {
        save_consumer(transaction, consumer)?;
    }
    // Packet time never goes back, even when an older capture is replayed into the store.
    transaction
        .prepare_cached(
            "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE
             SET value = excluded.value WHERE CAST(value AS INTEGER) < CAST(excluded.value AS INTEGER)",
        )?
        .execute(params![NOW, changes.now.to_string()])?;
    Ok(news)
}

fn merge(
    transaction: &Transaction<'_>,
    gone: EndpointId,
    survivor: EndpointId,
) -> rusqlite::Result<()> {
    if gone == survivor {
        return Ok(());
    }
    let ids = params![signed(gone.0), signed(survivor.0)];
    // Whoever was merged into the one that goes now lives on in the survivor, too; and a survivor
    // that was itself gone once is back.
    transaction
        .prepare_cached("UPDATE aliases SET survivor = ?2 WHERE survivor = ?1")?
        .execute(ids)?;
    transaction
        .prepare_cached("DELETE FROM aliases WHERE gone = ?1")?
        .execute(params![signed(survivor.0)])?;
    transaction
        .prepare_cached(
            "INSERT INTO aliases (gone, survivor) VALUES (?1, ?2)
             ON CONFLICT (gone) DO UPDATE SET survivor = excluded.survivor",
        )?
        .execute(ids)?;
    minutes::move_to(transaction, gone, survivor)?;
    delete(transaction, gone)
}

fn remove(transaction: &Transaction<'_>, id: EndpointId) -> rusqlite::Result<()> {
    delete(transaction, id)?;
    minutes::remove(transaction, id)
}

fn delete(transaction: &Transaction<'_>, id: EndpointId) -> rusqlite::Result<()> {
    for statement in [
        "DELETE FROM endpoints WHERE id = ?1",
        "DELETE FROM endpoint_counts WHERE id = ?1",
    ] {
        transaction
            .prepare_cached(statement)?
            .execute(params![signed(id.0)])?;
    }
    Ok(())
}

fn save_endpoint(
    transaction: &Transaction<'_>,
    endpoint: &EndpointSnapshot,
) -> rusqlite::Result<()> {
    let endpoint = finite_endpoint(endpoint);
    transaction
        .prepare_cached(
            "INSERT INTO endpoints (id, host, method, template, lifecycle, first_seen, last_seen,
                                    requests, snapshot, schemas)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (id) DO UPDATE SET
                 host = excluded.host, method = excluded.method, template = excluded.template,
                 lifecycle = excluded.lifecycle, first_seen = excluded.first_seen,
                 last_seen = excluded.last_seen, requests = excluded.requests,
                 snapshot = excluded.snapshot, schemas = excluded.schemas",
        )?
        .execute(params![
            signed(endpoint.id.0),
            endpoint.host,
            endpoint.method,
            endpoint.template,
            name_of(&endpoint.lifecycle)?,
            endpoint.first_seen,
            endpoint.last_seen,
            signed(endpoint.requests),
            json(&Without(&*endpoint, "schemas"))?,
            endpoint.schemas.as_bytes(),
        ])?;
    // A split may have taken exchanges away: counters from before must not bring them back.
    transaction
        .prepare_cached("DELETE FROM endpoint_counts WHERE id = ?1")?
        .execute(params![signed(endpoint.id.0)])?;
    Ok(())
}

/// The counters of an endpoint whose snapshot waits; `load` puts the two together.
fn save_count(transaction: &Transaction<'_>, count: &EndpointCount) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO endpoint_counts (id, requests, last_seen) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![
            signed(count.id.0),
            signed(count.requests),
            count.last_seen,
        ])?;
    Ok(())
}

fn save_host(transaction: &Transaction<'_>, host: &HostSnapshot) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO hosts (host, requests, snapshot) VALUES (?1, ?2, ?3)
             ON CONFLICT (host) DO UPDATE SET
                 requests = excluded.requests, snapshot = excluded.snapshot",
        )?
        .execute(params![host.host, signed(host.requests), json(host)?])?;
    Ok(())
}

fn save_finding(transaction: &Transaction<'_>, finding: &FindingSnapshot) -> rusqlite::Result<()> {
    let finding = finite_finding(finding);
    transaction
        .prepare_cached(
            "INSERT INTO findings (id, kind, severity, status, first_seen, last_seen, snapshot)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (id) DO UPDATE SET
                 kind = excluded.kind, severity = excluded.severity, status = excluded.status,
                 first_seen = excluded.first_seen, last_seen = excluded.last_seen,
                 snapshot = excluded.snapshot",
        )?
        .execute(params![
            signed(finding.id.0),
            finding.kind,
            name_of(&finding.severity)?,
            name_of(&finding.status)?,
            finding.first_seen,
            finding.last_seen,
            json(&*finding)?,
        ])?;
    Ok(())
}

fn save_consumer(
    transaction: &Transaction<'_>,
    consumer: &ConsumerSnapshot,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO consumers (id, label, last_seen, requests, snapshot)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (id) DO UPDATE SET
                 label = excluded.label, last_seen = excluded.last_seen,
                 requests = excluded.requests, snapshot = excluded.snapshot",
        )?
        .execute(params![
            signed(consumer.id.0),
            consumer.label,
            consumer.last_seen,
            signed(consumer.requests),
            json(consumer)?,
        ])?;
    Ok(())
}

fn json<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

/// A label's name, as its JSON has it.
fn name_of<T: Serialize>(label: &T) -> rusqlite::Result<String> {
    Ok(json(label)?.trim_matches('"').to_owned())
}

/// JSON has no NaN and no infinity: they would be written as null, which is no number when read
/// back, and one such value would make the whole store unreadable. They become 0 or are left out.
fn finite_endpoint(endpoint: &EndpointSnapshot) -> Cow<'_, EndpointSnapshot> {
    if endpoint.template_confidence.is_finite() {
        return Cow::Borrowed(endpoint);
    }
    Cow::Owned(EndpointSnapshot {
        template_confidence: 0.0,
        ..endpoint.clone()
    })
}

/// See [`finite_endpoint`].
fn finite_finding(finding: &FindingSnapshot) -> Cow<'_, FindingSnapshot> {
    let mut values = finding
        .evidence
        .iter()
        .flat_map(|evidence| evidence.values.values());
    let finite = |number: f64| if number.is_finite() { number } else { 0.0 };
    if finding.confidence.is_finite()
        && finding.coverage.is_finite()
        && values.all(|value| value.is_finite())
    {
        return Cow::Borrowed(finding);
    }
    let mut finding = finding.clone();
    finding.confidence = finite(finding.confidence);
    finding.coverage = finite(finding.coverage);
    for evidence in &mut finding.evidence {
        evidence.values.retain(|_, value| value.is_finite());
    }
    Cow::Owned(finding)
}
