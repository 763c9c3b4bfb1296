//! Specifications and their revisions: older ones are kept, because what was removed between two
//! of them is what makes a zombie.

use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use tapscope_analyzer::snapshot::Nanos;

use crate::StoredSpecification;

/// Adds a revision; the same document again is the revision that is there, so that a restart with
/// the same files adds nothing.
pub(crate) fn add(
    connection: &mut Connection,
    name: &str,
    source: &str,
    at: Nanos,
    revisions_max: u32,
) -> rusqlite::Result<StoredSpecification> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let latest = transaction
        .query_row(
            "SELECT revision, added, source FROM specifications WHERE name = ?1
             ORDER BY revision DESC LIMIT 1",
            params![name],
            |row| {
                Ok(StoredSpecification {
                    name: name.to_owned(),
                    revision: row.get(0)?,
                    added: row.get(1)?,
                    source: row.get(2)?,
                })
            },
        )
        .optional()?;
    let revision = match latest {
        Some(latest) if latest.source == source => return Ok(latest),
        Some(latest) => latest.revision.saturating_add(1),
        None => 1,
    };
    transaction.execute(
        "INSERT INTO specifications (name, revision, added, source) VALUES (?1, ?2, ?3, ?4)",
        params![name, revision, at, source],
    )?;
    transaction.execute(
        "DELETE FROM specifications WHERE name = ?1 AND revision <= ?2",
        params![name, i64::from(revision) - i64::from(revisions_max.max(1))],
    )?;
    transaction.commit()?;
    Ok(StoredSpecification {
        name: name.to_owned(),
        revision,
        added: at,
        source: source.to_owned(),
    })
}

/// Withdraws all revisions; whether there were any.
pub(crate) fn remove(connection: &Connection, name: &str) -> rusqlite::Result<bool> {
    let removed =
        connection.execute("DELETE FROM specifications WHERE name = ?1", params![name])?;
    Ok(removed > 0)
}

/// All revisions, by name, oldest first.
pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Vec<StoredSpecification>> {
    let mut statement = connection.prepare(
        "SELECT name, revision, added, source FROM specifications ORDER BY name, revision",
    )?;
    let rows = statement.query_map([], |row| {
        Ok(StoredSpecification {
            name: row.get(0)?,
            revision: row.get(1)?,
            added: row.get(2)?,
            source: row.get(3)?,
        })
    })?;
    rows.collect()
}
