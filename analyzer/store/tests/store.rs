//! The store keeps what it was given, and refuses what it cannot.

use std::fs;
use std::path::Path;

use tapscope_analyzer::snapshot::{
    Changes, EndpointCount, EndpointId, EndpointSnapshot, Nanos, UNRECORDED,
};
use tapscope_record::HealthReport;
use tapscope_store::{SqliteReader, SqliteStore, Store, StoreError, StoreSettings};

use common::{Directory, MINUTE, changes, endpoint, finding, minute};

/// What the tests share.
mod common;

#[expect(clippy::unwrap_used, reason = "a test that cannot prepare must fail")]
fn saved(path: &Path, changes: &Changes) -> SqliteStore {
    let mut store = SqliteStore::open(path).unwrap();
    store.save(changes).unwrap();
    store
}

#[test]
fn a_new_store_is_empty() {
    let directory = Directory::new();
    let mut store = SqliteStore::open(directory.join("s.db")).unwrap();
    let restored = store.load().unwrap();
    assert!(restored.endpoints.is_empty() && restored.findings.is_empty());
    assert_eq!(restored.now, 0);
    assert!(store.specifications().unwrap().is_empty());
}

#[test]
fn what_was_saved_is_loaded_to_the_last_bit() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    let all = changes(77);
    drop(saved(&path, &all));
    let restored = SqliteStore::open(&path).unwrap().load().unwrap();
    assert_eq!(restored.endpoints, all.endpoints);
    assert_eq!(restored.hosts, all.hosts);
    assert_eq!(restored.findings, all.findings);
    assert_eq!(restored.consumers, all.consumers);
    assert_eq!(restored.now, 77);
}

#[test]
fn a_later_save_replaces_and_packet_time_never_goes_back() {
    let directory = Directory::new();
    let mut store = saved(&directory.join("s.db"), &changes(77));
    let later = Changes {
        endpoints: vec![endpoint(1, 10)],
        findings: vec![finding(u64::MAX - 1, 3)],
        now: 76,
        ..Changes::default()
    };
    store.save(&later).unwrap();
    let restored = store.load().unwrap();
    assert_eq!(restored.endpoints, [endpoint(u64::MAX, 5), endpoint(1, 10)]);
    assert_eq!(restored.findings, later.findings);
    assert_eq!(restored.now, 77);
}

#[test]
fn counters_are_kept_though_the_snapshot_waits() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    let mut store = saved(&path, &changes(77));
    let before = store.load().unwrap().endpoints[0].clone();
    let count = EndpointCount {
        id: before.id,
        requests: before.requests + 7,
        last_seen: before.last_seen + 5,
    };
    let counts = Changes {
        counts: vec![count],
        ..Changes::default()
    };
    store.save(&counts).unwrap();
    drop(store);
    let mut store = SqliteStore::open(&path).unwrap();
    let after = store.load().unwrap().endpoints[0].clone();
    assert_eq!(after.requests, before.requests + 7);
    assert_eq!(after.last_seen, before.last_seen + 5);
    let unrecorded = |endpoint: &EndpointSnapshot| endpoint.completeness.get(UNRECORDED);
    assert_eq!(unrecorded(&after), unrecorded(&before) + 7);

    // Its snapshot, when its turn comes, says all there is to say, also when a split took
    // exchanges away from it.
    for endpoint in [after, before] {
        let turn = Changes {
            endpoints: vec![endpoint.clone()],
            ..Changes::default()
        };
        store.save(&turn).unwrap();
        assert_eq!(store.load().unwrap().endpoints[0], endpoint);
    }
}

#[test]
fn a_number_that_is_none_does_not_spoil_the_store() {
    let directory = Directory::new();
    let mut all = changes(1);
    all.endpoints[0].template_confidence = f64::NAN;
    all.findings[0].confidence = f64::INFINITY;
    all.findings[0].evidence[0]
        .values
        .insert("expected".to_owned(), f64::NEG_INFINITY);
    let restored = saved(&directory.join("s.db"), &all).load().unwrap();
    assert_eq!(restored.endpoints[0].template_confidence.to_bits(), 0);
    assert_eq!(restored.findings[0].confidence.to_bits(), 0);
    let values = &restored.findings[0].evidence[0].values;
    assert_eq!(values.keys().collect::<Vec<_>>(), ["observed"]);
}

#[test]
fn a_merged_endpoint_lives_on_in_its_survivor() {
    let directory = Directory::new();
    let mut store = SqliteStore::open(directory.join("s.db")).unwrap();
    let mut gone = endpoint(1, 4);
    gone.minutes = vec![minute(MINUTE, 4), minute(2 * MINUTE, 8)];
    let mut survivor = endpoint(2, 4);
    survivor.minutes = vec![minute(2 * MINUTE, 2), minute(3 * MINUTE, 1)];
    let endpoints = vec![gone, survivor.clone(), endpoint(3, 1)];
    store
        .save(&Changes {
            endpoints,
            ..Changes::default()
        })
        .unwrap();
    // The survivor's own list knows nothing of minute 1 any more, and the sum of minute 2.
    survivor.minutes = vec![minute(2 * MINUTE, 10), minute(3 * MINUTE, 1)];
    store
        .save(&Changes {
            endpoints: vec![survivor.clone()],
            merged: vec![(EndpointId(1), EndpointId(2))],
            ..Changes::default()
        })
        .unwrap();
    let expected = [
        minute(MINUTE, 4),
        minute(2 * MINUTE, 10),
        minute(3 * MINUTE, 1),
    ];
    for id in [1, 2] {
        let minutes = store.minutes(EndpointId(id), 0, Nanos::MAX).unwrap();
        assert_eq!(minutes, expected, "{id}");
    }
    // Merged again: the first alias follows.
    let merged = vec![(EndpointId(2), EndpointId(3))];
    store
        .save(&Changes {
            merged,
            ..Changes::default()
        })
        .unwrap();
    let restored = store.load().unwrap();
    let three = EndpointId(3);
    assert_eq!(
        restored.merged,
        [(EndpointId(1), three), (EndpointId(2), three)]
    );
    assert_eq!(
        restored.endpoints.iter().map(|e| e.id).collect::<Vec<_>>(),
        [three]
    );
    assert_eq!(
        store.minutes(EndpointId(1), 0, Nanos::MAX).unwrap().len(),
        3
    );
}

#[test]
fn a_removed_endpoint_takes_its_minutes_along() {
    let directory = Directory::new();
    let mut store = saved(&directory.join("s.db"), &changes(1));
    store
        .save(&Changes {
            removed: vec![EndpointId(1)],
            ..Changes::default()
        })
        .unwrap();
    assert_eq!(store.load().unwrap().endpoints, [endpoint(u64::MAX, 5)]);
    assert!(
        store
            .minutes(EndpointId(1), 0, Nanos::MAX)
            .unwrap()
            .is_empty()
    );
    // Seen again later, all its minutes are written again.
    store.save(&changes(2)).unwrap();
    assert_eq!(
        store.minutes(EndpointId(1), 0, Nanos::MAX).unwrap(),
        endpoint(1, 9).minutes
    );
}

#[test]
fn minutes_outlive_the_snapshot_that_brought_them() {
    let directory = Directory::new();
    let mut store = SqliteStore::open(directory.join("s.db")).unwrap();
    let mut one = endpoint(1, 1);
    for last in 1..20 {
        // A snapshot holds five minutes; the current one grows between two saves.
        for requests in [1, 5] {
            one.minutes = (i64::max(1, last - 4)..=last)
                .map(|n| minute(n * MINUTE, 5))
                .collect();
            one.minutes.last_mut().unwrap().requests = requests;
            store
                .save(&Changes {
                    endpoints: vec![one.clone()],
                    ..Changes::default()
                })
                .unwrap();
        }
    }
    // A record that comes late changes a minute that is over.
    one.minutes[1].requests = 6;
    store
        .save(&Changes {
            endpoints: vec![one.clone()],
            ..Changes::default()
        })
        .unwrap();
    let minutes = store.minutes(EndpointId(1), 0, Nanos::MAX).unwrap();
    let requests: Vec<u64> = minutes.iter().map(|m| m.requests).collect();
    assert_eq!(
        requests,
        [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 5, 5, 5]
    );
    let some = store
        .minutes(EndpointId(1), 2 * MINUTE, 4 * MINUTE)
        .unwrap();
    assert_eq!(
        some.iter().map(|m| m.minute).collect::<Vec<_>>(),
        [2 * MINUTE, 3 * MINUTE]
    );
}

#[test]
fn minutes_that_are_too_old_or_too_many_go() {
    let directory = Directory::new();
    let mut settings = StoreSettings::default();
    settings.saves_between_prunes = 0;
    settings.minutes_rows_max = 6;
    settings.minutes_retention = std::time::Duration::from_secs(4 * 60);
    let mut store = SqliteStore::open_with(directory.join("s.db"), settings).unwrap();
    let mut one = endpoint(1, 1);
    one.minutes = (1..=10).map(|n| minute(n * MINUTE, 1)).collect();
    let mut save = |now: Nanos| {
        store
            .save(&Changes {
                endpoints: vec![one.clone()],
                now,
                ..Changes::default()
            })
            .unwrap();
        let minutes = store.minutes(EndpointId(1), 0, Nanos::MAX).unwrap();
        minutes
            .iter()
            .map(|m| m.minute / MINUTE)
            .collect::<Vec<_>>()
    };
    assert_eq!(save(0), [5, 6, 7, 8, 9, 10]);
    assert_eq!(save(12 * MINUTE), [8, 9, 10]);
}

#[test]
fn specifications_keep_their_revisions() {
    let directory = Directory::new();
    let mut settings = StoreSettings::default();
    settings.revisions_max = 2;
    let mut store = SqliteStore::open_with(directory.join("s.db"), settings).unwrap();
    let first = store.add_specification("shop", "one", 1).unwrap();
    assert_eq!((first.revision, first.added), (1, 1));
    // The same document is no new revision.
    assert_eq!(store.add_specification("shop", "one", 2).unwrap(), first);
    let second = store.add_specification("shop", "two", 3).unwrap();
    let other = store.add_specification("accounts", "one", 4).unwrap();
    assert_eq!((second.revision, other.revision), (2, 1));
    assert_eq!(
        store.specifications().unwrap(),
        [other.clone(), first, second.clone()]
    );
    let third = store.add_specification("shop", "three", 5).unwrap();
    assert_eq!(
        store.specifications().unwrap(),
        [other.clone(), second, third]
    );
    assert!(store.remove_specification("shop").unwrap());
    assert!(!store.remove_specification("shop").unwrap());
    assert_eq!(store.specifications().unwrap(), [other]);
}

#[test]
fn there_is_one_writer_and_any_number_of_readers() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    let mut store = saved(&path, &changes(1));
    assert!(matches!(
        SqliteStore::open(&path),
        Err(StoreError::InUse { .. })
    ));
    let (one, two) = (
        SqliteReader::open(&path).unwrap(),
        SqliteReader::open(&path).unwrap(),
    );
    assert_eq!(one.load().unwrap().now, 1);
    store
        .save(&Changes {
            now: 2,
            ..Changes::default()
        })
        .unwrap();
    assert_eq!((one.load().unwrap().now, two.load().unwrap().now), (2, 2));
    drop(store);
    assert_eq!(one.load().unwrap().now, 2);
    SqliteStore::open(&path).unwrap();
}

#[test]
fn a_reader_reads_the_log_that_a_killed_writer_left() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    let store = saved(&path, &changes(5));
    // What a kill leaves: the file and its log, without the last connection's tidying.
    let copy = directory.join("copy.db");
    fs::copy(&path, &copy).unwrap();
    fs::copy(directory.join("s.db-wal"), directory.join("copy.db-wal")).unwrap();
    drop(store);
    let reader = SqliteReader::open(&copy).unwrap();
    assert_eq!(reader.load().unwrap().endpoints.len(), 2);
    assert_eq!(reader.load().unwrap().now, 5);
    drop(reader);
    assert_eq!(SqliteStore::open(&copy).unwrap().load().unwrap().now, 5);
}

#[test]
fn what_is_no_store_is_refused_in_one_sentence_and_left_alone() {
    let directory = Directory::new();
    let garbage = directory.join("garbage");
    fs::write(&garbage, b"\xd4\xc3\xb2\xa1 no database at all").unwrap();
    let foreign = directory.join("foreign");
    let connection = rusqlite::Connection::open(&foreign).unwrap();
    connection
        .execute_batch("CREATE TABLE notes (text TEXT)")
        .unwrap();
    drop(connection);
    let damaged = directory.join("damaged");
    fs::write(
        &damaged,
        [b"SQLite format 3\0".as_slice(), &[7; 4096]].concat(),
    )
    .unwrap();
    for (path, says) in [
        (&garbage, "it is not an SQLite database"),
        (&foreign, "it is an SQLite database of another program"),
        (&damaged, "it is not an SQLite database"),
        (&directory.path().to_owned(), "it is a directory"),
    ] {
        let before = fs::read(path).ok();
        let refused = [
            SqliteStore::open(path).map(drop).unwrap_err(),
            SqliteReader::open(path).map(drop).unwrap_err(),
        ];
        for error in refused {
            let sentence = error.to_string();
            assert!(matches!(error, StoreError::NotAStore { .. }), "{sentence}");
            assert!(
                sentence.contains(says) && !sentence.contains('\n'),
                "{sentence}"
            );
        }
        assert_eq!(fs::read(path).ok(), before);
    }
    // An empty file is taken for a store that was just begun.
    let empty = directory.join("empty");
    fs::write(&empty, b"").unwrap();
    assert!(matches!(
        SqliteReader::open(&empty),
        Err(StoreError::NotAStore { .. })
    ));
    SqliteStore::open(&empty).unwrap();
}

#[test]
fn what_cannot_be_opened_says_why() {
    let directory = Directory::new();
    let missing = directory.join("missing.db");
    assert!(matches!(
        SqliteReader::open(&missing),
        Err(StoreError::NotFound { .. })
    ));
    assert!(!missing.exists());
    let nowhere = directory.join("no/such/directory/s.db");
    let error = SqliteStore::open(&nowhere).map(drop).unwrap_err();
    assert!(
        error.to_string().contains("directory does not exist"),
        "{error}"
    );
}

#[test]
fn a_store_of_a_newer_version_is_refused() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    drop(saved(&path, &changes(1)));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .pragma_update(None, "user_version", 4000)
        .unwrap();
    drop(connection);
    for error in [
        SqliteStore::open(&path).map(drop).unwrap_err(),
        SqliteReader::open(&path).map(drop).unwrap_err(),
    ] {
        assert!(
            matches!(error, StoreError::Newer { found: 4000, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_row_that_cannot_be_read_is_told() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    drop(saved(&path, &changes(1)));
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute("UPDATE findings SET snapshot = '{}'", [])
        .unwrap();
    drop(connection);
    let error = SqliteReader::open(&path).unwrap().load().unwrap_err();
    assert!(
        error
            .to_string()
            .contains("a row of findings cannot be read"),
        "{error}"
    );
}

#[cfg(unix)]
#[test]
fn only_the_owner_and_the_group_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = Directory::new();
    let path = directory.join("s.db");
    let _store = saved(&path, &changes(1));
    for name in ["s.db", "s.db-wal", "s.db-shm", "s.db-lock"] {
        let mode = fs::metadata(directory.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o007, 0, "{name} {mode:o}");
    }
}

#[test]
fn the_latest_health_report_is_kept_beside_the_inventory() {
    let directory = Directory::new();
    let path = directory.join("s.db");
    let mut store = saved(&path, &changes(1));
    assert_eq!(store.health().unwrap(), None);
    let mut report = HealthReport {
        time: 7,
        ..HealthReport::default()
    };
    store.save_health(&report).unwrap();
    report.time = 8;
    store.save_health(&report).unwrap();
    drop(store);
    let reader = SqliteReader::open(&path).unwrap();
    assert_eq!(reader.health().unwrap(), Some(report));
}
