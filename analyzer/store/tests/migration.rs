//! A store of an older version is read as it is and written to after it migrated.

use rusqlite::Connection;
use tapscope_analyzer::Restored;
use tapscope_analyzer::snapshot::schema::{FieldSnapshot, SchemaSnapshot};
use tapscope_analyzer::snapshot::{EndpointId, FindingStatus, Severity};
use tapscope_store::{SqliteReader, SqliteStore, Store};

use common::{Directory, changes};

/// What the tests share.
mod common;

const VERSION_1: &str = include_str!("version_1.sql");

fn check(restored: &Restored) {
    assert_eq!(restored.endpoints.len(), 1);
    assert_eq!(restored.endpoints[0].id, EndpointId(u64::MAX));
    assert_eq!(restored.endpoints[0].statuses[&0], 1);
    assert_eq!(restored.merged, [(EndpointId(7), EndpointId(u64::MAX))]);
    assert_eq!(restored.hosts[0].complete, 2);
    assert_eq!(restored.findings[0].severity, Severity::High);
    assert_eq!(restored.findings[0].status, FindingStatus::FalsePositive);
    assert_eq!(restored.consumers[0].label, "jwt 3f2a");
    assert_eq!(restored.now, 1_700_000_000_000_000_000);
}

#[test]
fn version_1_is_read_as_it_is_and_migrates() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch(VERSION_1)
        .unwrap();

    let reader = SqliteReader::open(&path).unwrap();
    check(&reader.load().unwrap());
    assert_eq!(reader.minutes(EndpointId(7), 0, i64::MAX).unwrap().len(), 1);
    drop(reader);

    let mut store = SqliteStore::open(&path).unwrap();
    check(&store.load().unwrap());
    assert_eq!(store.specifications().unwrap()[0].source, "openapi: 3.0.0");
    store.save(&changes(1)).unwrap();
    drop(store);

    let connection = Connection::open(&path).unwrap();
    let version: u32 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .unwrap();
    assert_eq!(version, 4);
    let labels: (String, String) = connection
        .query_row(
            "SELECT severity, status FROM findings WHERE id = 4",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .unwrap();
    assert_eq!(labels, ("high".to_owned(), "false_positive".to_owned()));
}

/// Until version 3 schemas were a part of the snapshot.
#[test]
fn version_3_keeps_its_schemas() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    let field = |name: &str, fields| FieldSnapshot {
        name: name.to_owned(),
        seen: 3,
        types: [("object".to_owned(), 3)].into(),
        fields,
        ..FieldSnapshot::default()
    };
    let schema = |status| SchemaSnapshot {
        status,
        media_type: "application/json".to_owned(),
        bodies: 3,
        root: field("", vec![field("id", Vec::new())]),
    };
    let mut saved = changes(1);
    let endpoint = saved.endpoints.first_mut().unwrap();
    endpoint.schemas = vec![schema(None), schema(Some(200))].into();
    let endpoint = endpoint.clone();
    let of = |restored: Restored| {
        let mut all = restored.endpoints.into_iter();
        all.find(|one| one.id == endpoint.id).unwrap()
    };
    let mut store = SqliteStore::open(&path).unwrap();
    store.save(&saved).unwrap();
    let snapshot: String = Connection::open(&path)
        .unwrap()
        .query_row("SELECT snapshot FROM endpoints", [], |row| row.get(0))
        .unwrap();
    assert!(
        !snapshot.contains("schemas"),
        "they are kept once: {snapshot}"
    );
    assert_eq!(of(store.load().unwrap()), endpoint);
    drop(store);

    let old = Connection::open(&path).unwrap();
    let text = serde_json::to_string(&endpoint).unwrap();
    old.execute("UPDATE endpoints SET snapshot = ?1", [text])
        .unwrap();
    old.execute_batch("ALTER TABLE endpoints DROP COLUMN schemas; PRAGMA user_version = 3;")
        .unwrap();
    drop(old);
    let reader = SqliteReader::open(&path).unwrap();
    assert_eq!(of(reader.load().unwrap()), endpoint, "as it is");
    drop(reader);
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(of(store.load().unwrap()), endpoint, "migrated");
    store.save(&saved).unwrap();
    assert_eq!(of(store.load().unwrap()), endpoint, "saved again");
    drop(store);

    let connection = Connection::open(&path).unwrap();
    connection
        .execute("UPDATE endpoints SET schemas = x'ff'", [])
        .unwrap();
    drop(connection);
    let error = SqliteReader::open(&path).unwrap().load().unwrap_err();
    assert!(error.to_string().contains("schemas are damaged"), "{error}");
}

#[test]
fn a_migrated_store_has_the_tables_of_a_new_one() {
    let directory = Directory::new();
    let (old, new) = (directory.join("old.db"), directory.join("new.db"));
    Connection::open(&old)
        .unwrap()
        .execute_batch(VERSION_1)
        .unwrap();
    let columns = |path| {
        drop(SqliteStore::open(path).unwrap());
        let connection = Connection::open(path).unwrap();
        let mut statement = connection
            .prepare(
                "SELECT s.type, s.name, c.name, c.type, c.\"notnull\" FROM sqlite_schema s
                 LEFT JOIN pragma_table_info(s.name) c ORDER BY 1, 2, c.cid",
            )
            .unwrap();
        let rows = statement
            .query_map([], |row| {
                let text = |n| row.get::<_, Option<String>>(n);
                Ok((
                    text(0)?,
                    text(1)?,
                    text(2)?,
                    text(3)?,
                    row.get::<_, Option<i64>>(4)?,
                ))
            })
            .unwrap();
        rows.collect::<Result<Vec<_>, _>>().unwrap()
    };
    assert_eq!(columns(&old), columns(&new));
}

#[test]
fn a_migration_that_was_cut_short_is_made_up_for() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    let mut connection = Connection::open(&path).unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    // A kill in the middle of a migration: its transaction is never committed.
    let transaction = connection.transaction().unwrap();
    transaction
        .execute_batch("ALTER TABLE findings ADD COLUMN severity TEXT NOT NULL DEFAULT ''")
        .unwrap();
    drop(transaction);
    drop(connection);
    check(&SqliteStore::open(&path).unwrap().load().unwrap());
}
