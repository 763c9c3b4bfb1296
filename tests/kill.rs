//! `kill -9` in the middle of a replay and of a live run: whoever had read an endpoint or a
//! finding before the kill finds it after the restart.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says why"
)]

/// What the root tests share.
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use support::{Scratch, command, run_script, sample, sample_specification, tapscope};

/// The rows of `tapscope VERB --store …`, by id.
fn rows(scratch: &Scratch, verb: &str, store: &str) -> BTreeMap<String, Value> {
    let output = tapscope(scratch, &[verb, "--store", store, "--format", "json"]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    rows.into_iter()
        .map(|row| (row["id"].as_str().unwrap().to_owned(), row))
        .collect()
}

fn requests(rows: &BTreeMap<String, Value>) -> u64 {
    rows.values()
        .map(|row| row["requests"].as_u64().unwrap())
        .sum()
}

/// Waits until a file has grown and then stopped growing.
fn settled(path: &Path) {
    let length = || fs::metadata(path).map_or(0, |metadata| metadata.len());
    let (mut last, mut still) = (0, 0);
    for _ in 0..600 {
        sleep(Duration::from_millis(100));
        let now = length();
        still = if now > 0 && now == last { still + 1 } else { 0 };
        if still == 25 {
            return;
        }
        last = now;
    }
    panic!("{} does not come to rest", path.display());
}

/// One replay that is killed when `percent` of the capture and part of the rest went in. Gives the
/// requests that are stored afterwards; `stored` is what was there before.
fn killed_round(scratch: &Scratch, store: &str, round: u64, percent: usize, stored: u64) -> u64 {
    let capture = fs::read(sample()).unwrap();
    let specification = sample_specification().display().to_string();
    let log = scratch.path(&format!("{round}.jsonl"));
    let log_name = log.display().to_string();
    let mut replay = command(scratch, &["replay", "-", "--spec", &specification])
        .args(["--store", store, "--exchange-log", &log_name])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = replay.stdin.take().unwrap();
    let (now, later) = capture.split_at(capture.len() * percent / 100);
    input.write_all(now).unwrap();
    settled(&log);
    let endpoints = rows(scratch, "inventory", store);
    let findings = rows(scratch, "findings", store);
    // More comes in, and in the middle of that the process is killed.
    input.write_all(&later[..later.len() / 2]).unwrap();
    sleep(Duration::from_millis(37 * round));
    replay.kill().unwrap();
    replay.wait().unwrap();

    let after = rows(scratch, "inventory", store);
    for (id, row) in &endpoints {
        let kept = after.get(id).unwrap_or_else(|| panic!("lost: {row}"));
        assert!(
            kept["requests"].as_u64() >= row["requests"].as_u64(),
            "{row}\n{kept}"
        );
    }
    let findings_after = rows(scratch, "findings", store);
    for (id, row) in &findings {
        assert!(findings_after.contains_key(id), "lost: {row}");
    }
    assert!(requests(&after) > stored, "the run went on from nothing");
    // A line of the log is written when what it tells of is saved: none is ahead of the store.
    let text = fs::read_to_string(&log).unwrap();
    let lines = text
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let logged = lines.filter(|line| !line["endpoint"].is_null()).count() as u64;
    assert!(logged > 0);
    assert!(
        requests(&after) >= stored + logged,
        "the log is ahead of the store"
    );
    requests(&after)
}

/// Replays the whole sample into a store and gives the requests that are stored then.
fn whole_run(scratch: &Scratch, store: &str) -> u64 {
    let sample = sample().display().to_string();
    let specification = sample_specification().display().to_string();
    let output = tapscope(
        scratch,
        &[
            "replay",
            &sample,
            "--spec",
            &specification,
            "--store",
            store,
        ],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    requests(&rows(scratch, "inventory", store))
}

#[test]
fn killed_replay_loses_nothing_that_was_reported() {
    let scratch = Scratch::new("kill");
    let store = scratch.path("kill.db").display().to_string();
    let mut stored = 0;
    for (round, percent) in [(0, 35), (1, 60), (2, 95)] {
        stored = killed_round(&scratch, &store, round, percent, stored);
    }

    // Restarted and left alone, it adds a whole run to what was there.
    let last = whole_run(&scratch, &store);
    let alone = whole_run(&scratch, &scratch.path("alone.db").display().to_string());
    assert!(
        last >= stored + alone,
        "{last} after {stored} and a run of {alone}"
    );
}

#[test]
fn killed_live_run_loses_at_most_a_second_of_counters() {
    let rate = if cfg!(debug_assertions) {
        "200"
    } else {
        "1000"
    };
    run_script("kill/run.sh", &["--rate", rate, "--rounds", "2"]);
}
