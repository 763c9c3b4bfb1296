//! The tables, and how an older store becomes a current one.
//!
//! A version is never changed once it was released; a change of the tables is a further entry of
//! [`MIGRATIONS`]. Tables are ordinary rowid tables with unique indexes: `WITHOUT ROWID` makes
//! rows of a kilobyte two to three times as dear to write. Snapshots are JSON text (but for schemas,
//! which are large and packed), so that a store can be looked into with any SQLite shell; the columns beside them are what a person
//! would ask for. Ids and other unsigned 64-bit numbers are stored as the signed number of the
//! same bits.

use rusqlite::{Connection, TransactionBehavior};

/// Marks a file as ours (`PRAGMA application_id`): "Taps".
pub(crate) const APPLICATION_ID: i32 = 0x5461_7073;

/// From each version to the next; the first makes a new store.
const MIGRATIONS: [&str; 4] = [VERSION_1, VERSION_2, VERSION_3, VERSION_4];

/// The latest version this program knows.
#[expect(
    clippy::cast_possible_truncation,
    reason = "there are not 2^32 migrations"
)]
pub(crate) const VERSION: u32 = MIGRATIONS.len() as u32;

/// Version 1: the inventory, the findings, their history and the specifications.
const VERSION_1: &str = "
CREATE TABLE meta (
    key   TEXT NOT NULL UNIQUE,
    value TEXT NOT NULL
);
CREATE TABLE endpoints (
    row        INTEGER PRIMARY KEY,
    id         INTEGER NOT NULL UNIQUE,
    host       TEXT    NOT NULL,
    method     TEXT    NOT NULL,
    template   TEXT    NOT NULL,
    lifecycle  TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    requests   INTEGER NOT NULL,
    snapshot   TEXT    NOT NULL
);
CREATE TABLE aliases (
    gone     INTEGER NOT NULL UNIQUE,
    survivor INTEGER NOT NULL
);
CREATE INDEX aliases_survivor ON aliases (survivor);
CREATE TABLE hosts (
    row      INTEGER PRIMARY KEY,
    host     TEXT    NOT NULL UNIQUE,
    requests INTEGER NOT NULL,
    snapshot TEXT    NOT NULL
);
CREATE TABLE findings (
    row        INTEGER PRIMARY KEY,
    id         INTEGER NOT NULL UNIQUE,
    kind       TEXT    NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    snapshot   TEXT    NOT NULL
);
CREATE TABLE consumers (
    row       INTEGER PRIMARY KEY,
    id        INTEGER NOT NULL UNIQUE,
    label     TEXT    NOT NULL,
    last_seen INTEGER NOT NULL,
    requests  INTEGER NOT NULL,
    snapshot  TEXT    NOT NULL
);
CREATE TABLE specifications (
    row      INTEGER PRIMARY KEY,
    name     TEXT    NOT NULL,
    revision INTEGER NOT NULL,
    added    INTEGER NOT NULL,
    source   TEXT    NOT NULL,
    UNIQUE (name, revision)
);
CREATE TABLE minutes (
    endpoint       INTEGER NOT NULL,
    minute         INTEGER NOT NULL,
    requests       INTEGER NOT NULL,
    client_errors  INTEGER NOT NULL,
    server_errors  INTEGER NOT NULL,
    latency_p50_ns INTEGER,
    latency_p99_ns INTEGER,
    response_bytes INTEGER NOT NULL,
    UNIQUE (endpoint, minute)
);
";

/// Version 2: findings can be asked for by severity and status; old minutes are found without
/// reading all of them.
const VERSION_2: &str = "
ALTER TABLE findings ADD COLUMN severity TEXT NOT NULL DEFAULT '';
ALTER TABLE findings ADD COLUMN status TEXT NOT NULL DEFAULT '';
UPDATE findings SET
    severity = coalesce(json_extract(snapshot, '$.severity'), ''),
    status = coalesce(json_extract(snapshot, '$.status'), '');
CREATE INDEX minutes_minute ON minutes (minute);
";

/// Version 3: counters of endpoints whose snapshot waits for its turn. A table of its own, because
/// SQLite writes a row again as a whole, and a snapshot is large.
const VERSION_3: &str = "
CREATE TABLE endpoint_counts (
    id        INTEGER PRIMARY KEY,
    requests  INTEGER NOT NULL,
    last_seen INTEGER NOT NULL
);
";

/// Version 4: schemas beside the snapshot, packed. They are most of it, and written as text they
/// cost more than all else a save does. Rows of before have them in the snapshot until they are
/// saved again.
const VERSION_4: &str = "
ALTER TABLE endpoints ADD COLUMN schemas BLOB;
";

/// Brings a store from version `from` to [`VERSION`], each step in a transaction of its own: a
/// kill in between leaves a store of one version or the next.
pub(crate) fn migrate(connection: &mut Connection, from: u32) -> rusqlite::Result<()> {
    let steps = (1u32..)
        .zip(MIGRATIONS)
        .skip_while(|(version, _)| *version <= from);
    for (version, statements) in steps {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch(statements)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
