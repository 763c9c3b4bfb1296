//! Snapshots from rows: everything as of one moment.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::{DeserializeOwned, Error as _};
use tapscope_analyzer::Restored;
use tapscope_analyzer::snapshot::packed::PackedSchemas;
use tapscope_analyzer::snapshot::{EndpointId, EndpointSnapshot, UNRECORDED};

use crate::StoreError;
use crate::open::{failed, shown};
use crate::save::{NOW, unsigned};

/// Why it could not be loaded.
#[derive(Debug)]
pub(crate) enum LoadError {
    /// The database said no.
    Database(rusqlite::Error),
    /// A row cannot be read.
    Row {
        /// The table it is in.
        table: &'static str,
        /// What is wrong with it.
        error: serde_json::Error,
    },
}

impl LoadError {
    /// The error of the store at that path.
    pub(crate) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Database(error) => failed(path, &error),
            Self::Row { table, error } => StoreError::Failed {
                path: shown(path),
                reason: format!("a row of {table} cannot be read ({error}); restore a copy"),
            },
        }
    }
}

impl From<rusqlite::Error> for LoadError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Everything a restart needs. A transaction keeps what a writer saves meanwhile out of it.
pub(crate) fn load(connection: &Connection) -> Result<Restored, LoadError> {
    let snapshot = connection.unchecked_transaction()?;
    let restored = Restored {
        endpoints: endpoints(&snapshot)?,
        merged: merged(&snapshot)?,
        hosts: rows(
            &snapshot,
            "hosts",
            "SELECT snapshot FROM hosts ORDER BY row",
        )?,
        findings: rows(
            &snapshot,
            "findings",
            "SELECT snapshot FROM findings ORDER BY row",
        )?,
        consumers: rows(
            &snapshot,
            "consumers",
            "SELECT snapshot FROM consumers ORDER BY row",
        )?,
        now: now(&snapshot)?,
    };
    Ok(restored)
}

/// Snapshots, with their schemas and with the counters that were saved after them. What happened in
/// between is known by number only: it counts as `unrecorded`.
fn endpoints(connection: &Connection) -> Result<Vec<EndpointSnapshot>, LoadError> {
    // A store of an older version, read without migrating it, has no such counters, or no such
    // schemas: these are in the snapshot.
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let query = match version {
        ..=2 => "SELECT snapshot, 0, 0, NULL FROM endpoints ORDER BY row",
        3 => {
            "SELECT e.snapshot, coalesce(c.requests, 0), coalesce(c.last_seen, 0), NULL
             FROM endpoints e LEFT JOIN endpoint_counts c ON c.id = e.id ORDER BY e.row"
        }
        _ => {
            "SELECT e.snapshot, coalesce(c.requests, 0), coalesce(c.last_seen, 0), e.schemas
             FROM endpoints e LEFT JOIN endpoint_counts c ON c.id = e.id ORDER BY e.row"
        }
    };
    let unreadable = |error| LoadError::Row {
        table: "endpoints",
        error,
    };
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut endpoints = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let mut endpoint: EndpointSnapshot = serde_json::from_str(text).map_err(unreadable)?;
        let schemas = row.get_ref(3)?.as_blob_or_null();
        if let Some(bytes) = schemas.map_err(rusqlite::Error::from)? {
            let schemas = PackedSchemas::from_bytes(bytes);
            endpoint.schemas = schemas
                .ok_or_else(|| unreadable(serde_json::Error::custom("its schemas are damaged")))?;
        }
        let later = unsigned(row.get(1)?).saturating_sub(endpoint.requests);
        if later > 0 {
            endpoint.requests = endpoint.requests.saturating_add(later);
            endpoint.last_seen = endpoint.last_seen.max(row.get(2)?);
            endpoint.completeness.add(UNRECORDED, later, usize::MAX);
        }
        endpoints.push(endpoint);
    }
    Ok(endpoints)
}

fn rows<T: DeserializeOwned>(
    connection: &Connection,
    table: &'static str,
    query: &str,
) -> Result<Vec<T>, LoadError> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut values = Vec::new();
    while let Some(row) = rows.next()? {
        let text = row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?;
        let value = serde_json::from_str(text).map_err(|error| LoadError::Row { table, error })?;
        values.push(value);
    }
    Ok(values)
}

fn merged(connection: &Connection) -> rusqlite::Result<Vec<(EndpointId, EndpointId)>> {
    let mut statement = connection.prepare("SELECT gone, survivor FROM aliases ORDER BY rowid")?;
    let id = |number: i64| EndpointId(unsigned(number));
    let rows = statement.query_map([], |row| Ok((id(row.get(0)?), id(row.get(1)?))))?;
    rows.collect()
}

fn now(connection: &Connection) -> rusqlite::Result<i64> {
    let stored = connection
        .query_row(
            "SELECT CAST(value AS INTEGER) FROM meta WHERE key = ?1",
            params![NOW],
            |row| row.get(0),
        )
        .optional()?;
    Ok(stored.unwrap_or_default())
}
