//! Minutes: history beyond what a snapshot holds.
//!
//! A snapshot carries its endpoint's recent minutes every time it changes, of which usually only
//! the last is news. What was saved is remembered in three words an endpoint ([`SavedMinutes`]),
//! and only what may differ is written.

use core::hash::{Hash as _, Hasher as _};
use std::collections::HashMap;
use std::hash::DefaultHasher;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use tapscope_analyzer::snapshot::{EndpointId, EndpointSnapshot, MinuteSnapshot, Nanos};

use crate::StoreSettings;
use crate::save::{signed, unsigned};

/// What is known to be saved, by endpoint. In a set of news, none means: no longer known.
#[derive(Debug, Default)]
pub(crate) struct SavedMinutes {
    known: HashMap<EndpointId, Option<Saved>>,
}

/// The minutes of one endpoint that are saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Saved {
    /// The latest of them; it may still be going on.
    last: Nanos,
    /// A hash of those before it, which are over, though a late record may still change them.
    before: u64,
}

impl SavedMinutes {
    /// Forgets an endpoint; all its minutes are written the next time.
    pub(crate) fn forget(&mut self, id: EndpointId) {
        self.known.insert(id, None);
    }

    /// Takes in what became true by a commit.
    pub(crate) fn apply(&mut self, news: Self) {
        for (id, saved) in news.known {
            match saved {
                Some(saved) => {
                    self.known.insert(id, Some(saved));
                }
                None => {
                    self.known.remove(&id);
                }
            }
        }
    }

    fn of(&self, id: EndpointId) -> Option<Saved> {
        self.known.get(&id).copied().flatten()
    }
}

/// The part of `minutes` (ascending) that may differ from what is saved.
fn unsaved(minutes: &[MinuteSnapshot], saved: Option<Saved>) -> &[MinuteSnapshot] {
    let Some(saved) = saved else { return minutes };
    let split = minutes.partition_point(|minute| minute.minute < saved.last);
    let (before, rest) = minutes.split_at(split);
    if hash(before) == saved.before {
        rest
    } else {
        minutes
    }
}

fn hash(minutes: &[MinuteSnapshot]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for minute in minutes {
        let counts = (minute.requests, minute.client_errors, minute.server_errors);
        let latency = (minute.latency_p50_ns, minute.latency_p99_ns);
        (minute.minute, counts, latency, minute.response_bytes).hash(&mut hasher);
    }
    hasher.finish()
}

/// Writes the minutes of an endpoint that may differ from what is saved.
pub(crate) fn save(
    transaction: &Transaction<'_>,
    endpoint: &EndpointSnapshot,
    known: &SavedMinutes,
    news: &mut SavedMinutes,
) -> rusqlite::Result<()> {
    // What this very transaction did to the endpoint comes before what was known.
    let forgotten = matches!(news.known.get(&endpoint.id), Some(None));
    let saved = if forgotten {
        None
    } else {
        known.of(endpoint.id)
    };
    let mut statement = transaction.prepare_cached(
        "INSERT INTO minutes (endpoint, minute, requests, client_errors, server_errors,
                              latency_p50_ns, latency_p99_ns, response_bytes)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (endpoint, minute) DO UPDATE SET
             requests = excluded.requests, client_errors = excluded.client_errors,
             server_errors = excluded.server_errors, latency_p50_ns = excluded.latency_p50_ns,
             latency_p99_ns = excluded.latency_p99_ns, response_bytes = excluded.response_bytes",
    )?;
    for minute in unsaved(&endpoint.minutes, saved) {
        statement.execute(params![
            signed(endpoint.id.0),
            minute.minute,
            signed(minute.requests),
            signed(minute.client_errors),
            signed(minute.server_errors),
            minute.latency_p50_ns.map(signed),
            minute.latency_p99_ns.map(signed),
            signed(minute.response_bytes),
        ])?;
    }
    if let Some((last, before)) = endpoint.minutes.split_last() {
        let saved = Saved {
            last: last.minute,
            before: hash(before),
        };
        news.known.insert(endpoint.id, Some(saved));
    }
    Ok(())
}

/// Moves the minutes of a merged endpoint to its survivor. Counts of the same minute are added;
/// of its latencies the survivor's stay, since percentiles cannot be added.
pub(crate) fn move_to(
    transaction: &Transaction<'_>,
    gone: EndpointId,
    survivor: EndpointId,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT INTO minutes (endpoint, minute, requests, client_errors, server_errors,
                                  latency_p50_ns, latency_p99_ns, response_bytes)
             SELECT ?2, minute, requests, client_errors, server_errors,
                    latency_p50_ns, latency_p99_ns, response_bytes
             FROM minutes WHERE endpoint = ?1
             ON CONFLICT (endpoint, minute) DO UPDATE SET
                 requests = requests + excluded.requests,
                 client_errors = client_errors + excluded.client_errors,
                 server_errors = server_errors + excluded.server_errors,
                 latency_p50_ns = coalesce(latency_p50_ns, excluded.latency_p50_ns),
                 latency_p99_ns = coalesce(latency_p99_ns, excluded.latency_p99_ns),
                 response_bytes = response_bytes + excluded.response_bytes",
        )?
        .execute(params![signed(gone.0), signed(survivor.0)])?;
    remove(transaction, gone)
}

/// Removes the minutes of an endpoint that is no more.
pub(crate) fn remove(transaction: &Transaction<'_>, id: EndpointId) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("DELETE FROM minutes WHERE endpoint = ?1")?
        .execute(params![signed(id.0)])?;
    Ok(())
}

/// Removes minutes that are too old or too many, the oldest first and a bounded number of them.
pub(crate) fn prune(
    transaction: &Transaction<'_>,
    settings: &StoreSettings,
    now: Nanos,
) -> rusqlite::Result<()> {
    let rows: i64 = transaction
        .prepare_cached("SELECT count(*) FROM minutes")?
        .query_row([], |row| row.get(0))?;
    let surplus = unsigned(rows).saturating_sub(settings.minutes_rows_max);
    let limit = surplus.min(settings.minutes_pruned_max);
    transaction
        .prepare_cached(
            "DELETE FROM minutes WHERE rowid IN
                 (SELECT rowid FROM minutes ORDER BY minute LIMIT ?1)",
        )?
        .execute(params![signed(limit)])?;
    let retention = i64::try_from(settings.minutes_retention.as_nanos()).unwrap_or(Nanos::MAX);
    let left = settings.minutes_pruned_max.saturating_sub(limit);
    transaction
        .prepare_cached(
            "DELETE FROM minutes WHERE rowid IN
                 (SELECT rowid FROM minutes WHERE minute < ?1 ORDER BY minute LIMIT ?2)",
        )?
        .execute(params![now.saturating_sub(retention), signed(left)])?;
    Ok(())
}

/// The minutes of an endpoint, or of the one it was merged into, ascending.
pub(crate) fn read(
    connection: &Connection,
    endpoint: EndpointId,
    from: Nanos,
    to: Nanos,
) -> rusqlite::Result<Vec<MinuteSnapshot>> {
    let survivor: Option<i64> = connection
        .prepare_cached("SELECT survivor FROM aliases WHERE gone = ?1")?
        .query_row(params![signed(endpoint.0)], |row| row.get(0))
        .optional()?;
    let id = survivor.unwrap_or(signed(endpoint.0));
    let mut statement = connection.prepare_cached(
        "SELECT minute, requests, client_errors, server_errors, latency_p50_ns, latency_p99_ns,
                response_bytes
         FROM minutes WHERE endpoint = ?1 AND minute >= ?2 AND minute < ?3 ORDER BY minute",
    )?;
    let rows = statement.query_map(params![id, from, to], |row| {
        let count = |column: usize| row.get(column).map(unsigned);
        let latency = |column: usize| row.get::<_, Option<i64>>(column).map(|n| n.map(unsigned));
        Ok(MinuteSnapshot {
            minute: row.get(0)?,
            requests: count(1)?,
            client_errors: count(2)?,
            server_errors: count(3)?,
            latency_p50_ns: latency(4)?,
            latency_p99_ns: latency(5)?,
            response_bytes: count(6)?,
        })
    })?;
    rows.collect()
}
