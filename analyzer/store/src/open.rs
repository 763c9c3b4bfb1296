//! Opening and refusing: what is there, is it ours, may we, and is nobody else writing.
//!
//! A file that is not ours is not changed in any way, not even by a switch of its journal.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::schema::{self, APPLICATION_ID, VERSION};
use crate::{StoreError, StoreSettings};

/// How every SQLite file begins.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Statements kept prepared: all that saving and reading use.
const STATEMENTS_KEPT: usize = 32;

/// Opens a store for writing, and makes it when it is absent. The file is locked as long as the
/// returned lock lives; the kernel frees it when the process dies, however it does.
pub(crate) fn open_writer(
    path: &Path,
    settings: &StoreSettings,
) -> Result<(Connection, File), StoreError> {
    peek(path)?;
    let lock = lock(path)?;
    create(path)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection =
        Connection::open_with_flags(path, flags).map_err(|error| failed(path, &error))?;
    prepare(&connection, settings).map_err(|error| failed(path, &error))?;
    let version = check(&connection, path)?;
    schema::migrate(&mut connection, version).map_err(|error| failed(path, &error))?;
    write_ahead(&connection, settings).map_err(|error| failed(path, &error))?;
    Ok((connection, lock))
}

/// Opens a store for reading, beside its writer or without one. An older version is read as it
/// is: migrations only ever add.
pub(crate) fn open_reader(path: &Path, settings: &StoreSettings) -> Result<Connection, StoreError> {
    if matches!(path.try_exists(), Ok(false)) {
        return Err(StoreError::NotFound { path: shown(path) });
    }
    peek(path)?;
    let connection = read_only(path, settings).or_else(|error| {
        // Reading a write-ahead log needs shared memory beside the file, which cannot be made in
        // a directory that is read-only. Without a log, the file alone is the whole store.
        if has_log(path) {
            Err(error)
        } else {
            immutable(path, settings)
        }
    });
    let connection = connection.map_err(|error| failed(path, &error))?;
    match check(&connection, path)? {
        0 => Err(StoreError::NotAStore {
            path: shown(path),
            reason: "it is empty".to_owned(),
        }),
        _ => Ok(connection),
    }
}

fn read_only(path: &Path, settings: &StoreSettings) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    prepare(&connection, settings)?;
    // Opening is lazy; the first read tells whether it works.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

/// Reads a file that nobody changes, without locks or shared memory.
fn immutable(path: &Path, settings: &StoreSettings) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(immutable_uri(path), flags)?;
    prepare(&connection, settings)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn immutable_uri(path: &Path) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file:");
    for byte in absolute.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(*byte)),
            byte if byte.is_ascii_alphanumeric() => uri.push(char::from(*byte)),
            byte => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

/// Whether a write-ahead log with something in it lies beside the store.
fn has_log(path: &Path) -> bool {
    std::fs::metadata(beside(path, "-wal")).is_ok_and(|log| log.len() > 0)
}

/// The path with something appended to its last part.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// The path for a sentence.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Looks at the file before anything is made beside it.
fn peek(path: &Path) -> Result<(), StoreError> {
    let not_a_store = |reason: &str| {
        Err(StoreError::NotAStore {
            path: shown(path),
            reason: reason.to_owned(),
        })
    };
    if path.is_dir() {
        return not_a_store("it is a directory");
    }
    let mut start = Vec::new();
    match OpenOptions::new().read(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(no_access(path, &error)),
        Ok(file) => {
            let read = file.take(MAGIC.len() as u64).read_to_end(&mut start);
            read.map_err(|error| no_access(path, &error))?;
        }
    }
    // An empty file is what a kill right after its making leaves.
    if start.is_empty() || start == MAGIC {
        return Ok(());
    }
    not_a_store("it is not an SQLite database")
}

fn no_access(path: &Path, error: &std::io::Error) -> StoreError {
    let reason = match error.kind() {
        ErrorKind::PermissionDenied => "no permission to open it; run as its owner".to_owned(),
        ErrorKind::NotFound => "its directory does not exist; make it first".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
        _ => error.to_string(),
    };
    StoreError::Failed {
        path: shown(path),
        reason,
    }
}

/// Takes the lock that makes this process the only writer.
fn lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, "-lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    private(&mut options);
    let file = options
        .open(lock_path)
        .map_err(|error| no_access(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: shown(path) }),
        Err(TryLockError::Error(error)) => Err(no_access(path, &error)),
    }
}

/// Makes the file, readable by its owner and group only: an inventory tells an attacker where to
/// look. SQLite gives the files beside it the same mode.
fn create(path: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    private(&mut options);
    options
        .open(path)
        .map(drop)
        .map_err(|error| no_access(path, &error))
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o640);
}

#[cfg(not(unix))]
fn private(_: &mut OpenOptions) {}

/// What holds for every connection. Nothing of it writes.
fn prepare(connection: &Connection, settings: &StoreSettings) -> rusqlite::Result<()> {
    connection.busy_timeout(settings.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // A store may come from elsewhere: no code in its schema runs, nothing of it is trusted.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -i64::from(settings.cache_kib))?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Switches to a write-ahead log: readers do not block the writer, and a commit survives the
/// death of the process. `synchronous = NORMAL` may lose the last commits in a power failure, but
/// never tears one; an fsync a commit would cost more than the second of counters it saves.
fn write_ahead(connection: &Connection, settings: &StoreSettings) -> rusqlite::Result<()> {
    let _: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    let limit = i64::try_from(settings.wal_bytes_max).unwrap_or(i64::MAX);
    let _: i64 =
        connection.pragma_update_and_check(None, "journal_size_limit", limit, |row| row.get(0))?;
    Ok(())
}

/// The version of the store; 0 for an empty file.
fn check(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let number = |pragma: &str| {
        let value = connection.pragma_query_value(None, pragma, |row| row.get::<_, i32>(0));
        value.map_err(|error| failed(path, &error))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|error| failed(path, &error))?;
    if application == 0 && version == 0 && tables == 0 {
        return Ok(0);
    }
    if application != APPLICATION_ID || version <= 0 {
        return Err(StoreError::NotAStore {
            path: shown(path),
            reason: "it is an SQLite database of another program".to_owned(),
        });
    }
    let version = version.unsigned_abs();
    if version > VERSION {
        return Err(StoreError::Newer {
            path: shown(path),
            found: version,
            known: VERSION,
        });
    }
    Ok(version)
}

/// What the database said, for people.
pub(crate) fn failed(path: &Path, error: &rusqlite::Error) -> StoreError {
    let path = shown(path);
    let reason = match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            let reason = "it is not an SQLite database".to_owned();
            return StoreError::NotAStore { path, reason };
        }
        Some(ErrorCode::DatabaseCorrupt) => {
            "the database is damaged; restore a copy or begin with another --store".to_owned()
        }
        Some(ErrorCode::DiskFull) => "the disk is full; free some space".to_owned(),
        Some(ErrorCode::ReadOnly) => "it may only be read; check its permissions".to_owned(),
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "it cannot be opened; check the permissions of it and its directory".to_owned()
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another program holds it locked; close that one".to_owned()
        }
        _ => error.to_string(),
    };
    StoreError::Failed { path, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_path_can_stand_in_a_uri() {
        let uri = immutable_uri(Path::new("/tmp/a b?c#d%e\u{e9}.db"));
        assert_eq!(uri, "file:/tmp/a%20b%3Fc%23d%25e%C3%A9.db?immutable=1");
    }
}
