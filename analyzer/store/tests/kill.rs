//! A process that is killed loses nothing that was saved, and leaves no half of a save.
//!
//! The test program starts itself again as the process to kill.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use tapscope_analyzer::snapshot::{Changes, EndpointId, FindingId};
use tapscope_store::{SqliteReader, SqliteStore, Store, StoreError};

use common::{Directory, MINUTE, endpoint, finding, minute};

/// What the tests share.
mod common;

/// Names the store to the process that will be killed.
const STORE: &str = "TAPSCOPE_TEST_STORE_TO_KILL";

/// Endpoints of one save: enough that a kill usually comes in the middle of one.
const BATCH: u64 = 20;

/// A save of `BATCH` new endpoints and a finding that counts the saves.
fn batch(n: u64) -> Changes {
    let endpoints = (n * BATCH..(n + 1) * BATCH).map(|id| {
        let mut endpoint = endpoint(id, n + 1);
        endpoint.minutes = (1..=5).map(|m| minute(m * MINUTE, n + 1)).collect();
        endpoint
    });
    Changes {
        endpoints: endpoints.collect(),
        findings: vec![finding(n, n + 1)],
        now: n.cast_signed() + 1,
        urgent: true,
        ..Changes::default()
    }
}

/// Not a test by itself: saves until it is killed, and says what it saved.
#[test]
fn process_to_kill() {
    let Some(path) = std::env::var_os(STORE) else {
        return;
    };
    let mut store = SqliteStore::open(path).unwrap();
    for n in 0.. {
        store.save(&batch(n)).unwrap();
        println!("saved {n}");
    }
}

#[test]
fn a_kill_loses_nothing_that_was_saved() {
    let directory = Directory::new();
    for (round, saves) in [1u64, 7, 40].into_iter().enumerate() {
        let path = directory.join(&format!("{round}.db"));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "process_to_kill", "--nocapture"])
            .env(STORE, &path)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut told = None;
        while told < Some(saves) {
            let line = lines.next().unwrap().unwrap();
            let number = line
                .split("saved ")
                .nth(1)
                .and_then(|number| number.parse().ok());
            told = number.or(told);
        }
        assert!(matches!(
            SqliteStore::open(&path),
            Err(StoreError::InUse { .. })
        ));
        child.kill().unwrap();
        child.wait().unwrap();
        let told = lines
            .map_while(Result::ok)
            .filter_map(|line| line.split("saved ").nth(1)?.parse().ok())
            .last()
            .or(told)
            .unwrap();

        let read = SqliteReader::open(&path).unwrap().load().unwrap();
        let mut store = SqliteStore::open(&path).unwrap();
        let restored = store.load().unwrap();
        assert_eq!(read.endpoints, restored.endpoints);
        // All that it said, possibly one more that it could not say any more, and no half of one.
        let found = restored.findings.len() as u64;
        assert!(
            found == told + 1 || found == told + 2,
            "told {told}, found {found}"
        );
        let expected: Vec<_> = (0..found).flat_map(|n| batch(n).endpoints).collect();
        assert_eq!(restored.endpoints, expected);
        assert_eq!(restored.findings.last().unwrap().id, FindingId(found - 1));
        assert_eq!(restored.now, i64::try_from(found).unwrap());
        let minutes = store
            .minutes(EndpointId((found - 1) * BATCH), 0, i64::MAX)
            .unwrap();
        assert_eq!(minutes.len(), 5);
        store.save(&batch(found)).unwrap();
    }
}
