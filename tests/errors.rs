//! Wrong input gives one line that says what is wrong and what to do, a non-zero exit, and loses
//! nothing that was already read.
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

use std::fs;
use std::net::TcpListener;

use support::{Scratch, sample, tapscope};

/// Runs it, expects failure, and gives the one line it said.
fn complaint(scratch: &Scratch, arguments: &[&str]) -> String {
    let output = tapscope(scratch, arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success(),
        "{arguments:?} succeeded; it said: {said}"
    );
    assert!(
        output.status.code().is_some_and(|code| code != 101),
        "{arguments:?} panicked: {said}"
    );
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| line.starts_with("tapscope: "))
        .collect();
    assert_eq!(lines.len(), 1, "{arguments:?} said: {said}");
    lines[0].to_owned()
}

/// Checks that each call is refused in one line that holds the expected words.
fn check(scratch: &Scratch, cases: &[(&[&str], &str)]) {
    for (arguments, expected) in cases {
        let line = complaint(scratch, arguments);
        assert!(line.contains(expected), "{arguments:?} said: {line}");
    }
}

#[test]
fn wrong_captures_and_specifications_are_told_in_one_line() {
    let scratch = Scratch::new("errors");
    let file = |name: &str| scratch.path(name).display().to_string();
    fs::write(file("text.pcap"), "this is no capture").unwrap();
    fs::write(file("broken.yaml"), "openapi: 3.1.0\ninfo: [").unwrap();
    fs::write(file("other.yaml"), "a: b").unwrap();
    fs::write(file("bad.jsonl"), "{\"i\": 1,").unwrap();
    let capture = sample().display().to_string();
    let specification =
        |name: &str| complaint(&scratch, &["replay", &capture, "--spec", &file(name)]);
    check(
        &scratch,
        &[
            (&["replay", &file("nothing.pcap")], "No such file"),
            (&["replay", &file("text.pcap")], "not a capture"),
            (&["exchanges", &file("text.pcap")], "not a capture"),
            (
                &["import", "--format", "traffic", &file("bad.jsonl")],
                "bad.jsonl:1",
            ),
        ],
    );
    assert!(specification("broken.yaml").contains("broken.yaml"));
    assert!(specification("other.yaml").contains("other.yaml"));
    assert!(specification("nothing.yaml").contains("cannot be read"));
}

#[test]
fn wrong_stores_addresses_and_settings_are_told_in_one_line() {
    let scratch = Scratch::new("errors-store");
    let file = |name: &str| scratch.path(name).display().to_string();
    fs::write(file("bad.toml"), "[capture]\nrign_bytes = 1").unwrap();
    fs::write(
        file("text.db"),
        "this is no store, but long enough to look at",
    )
    .unwrap();
    let capture = sample().display().to_string();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().to_string();
    check(
        &scratch,
        &[
            (
                &["replay", &capture, "--store", &file("text.db")],
                "not a tapscope store",
            ),
            (
                &["replay", &capture, "--serve", "--listen", &port],
                "the port is taken",
            ),
            (
                &["replay", &capture, "--serve", "--listen", "0.0.0.0:0"],
                "not a loopback address",
            ),
            (
                &["inventory", "--store", &file("nothing.db")],
                "there is no store here",
            ),
            (
                &["findings", "--store", &file("text.db")],
                "not a tapscope store",
            ),
            (
                &["serve", "--store", &file("nothing.db")],
                "there is no store here",
            ),
            (
                &["--config", &file("bad.toml"), "replay", &capture],
                "rign_bytes",
            ),
        ],
    );
}

#[test]
fn wrong_interfaces_and_filters_are_told_in_one_line() {
    let scratch = Scratch::new("errors-live");
    let line = complaint(
        &scratch,
        &["watch", "-i", "nosuch0", "--listen", "127.0.0.1:0"],
    );
    assert!(line.contains("no such interface"), "{line}");
    // Without the right to capture, that is what is told; with it, the filter is.
    let filter = [
        "watch",
        "-i",
        "lo",
        "--filter",
        "tcp prot 80",
        "--listen",
        "127.0.0.1:0",
    ];
    let line = complaint(&scratch, &filter);
    assert!(
        line.contains("filter") || line.contains("permission"),
        "{line}"
    );
}

#[test]
fn store_in_use_is_refused_and_unharmed() {
    let scratch = Scratch::new("in-use");
    let store = scratch.path("s.db").display().to_string();
    let capture = sample().display().to_string();
    assert!(
        tapscope(&scratch, &["replay", &capture, "--store", &store])
            .status
            .success()
    );
    let mut first = support::serving(&scratch, &["serve", "--store", &store]);
    let line = complaint(&scratch, &["replay", &capture, "--store", &store]);
    assert!(line.contains("in use"), "{line}");
    let reading = tapscope(
        &scratch,
        &["inventory", "--store", &store, "--format", "jsonl"],
    );
    assert!(reading.status.success() && !reading.stdout.is_empty());
    first.stop();
}

#[test]
fn truncated_capture_loses_nothing_that_was_read() {
    let scratch = Scratch::new("truncated");
    let whole = support::sample_bytes();
    fs::write(scratch.path("whole.pcap"), &whole).unwrap();
    fs::write(scratch.path("cut.pcap"), &whole[..whole.len() - 5]).unwrap();
    let file = |name: &str| scratch.path(name).display().to_string();
    let count = |name: &str| {
        let output = tapscope(&scratch, &["exchanges", &file(name)]);
        (
            output.stdout.iter().filter(|&&b| b == b'\n').count(),
            output,
        )
    };
    let (all, _) = count("whole.pcap");
    let (cut, output) = count("cut.pcap");
    assert!(all > 0 && cut + 1 >= all, "{cut} of {all}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("truncated after"),
        "{said}"
    );

    // The same for the whole product: what was read is analyzed and saved.
    let store = file("s.db");
    let output = tapscope(&scratch, &["replay", &file("cut.pcap"), "--store", &store]);
    assert!(!output.status.success());
    let rows = tapscope(
        &scratch,
        &["inventory", "--store", &store, "--format", "jsonl"],
    );
    assert!(rows.stdout.iter().filter(|&&b| b == b'\n').count() > 3);
}
