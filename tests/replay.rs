//! The same capture gives the same inventory, findings and log, bit for bit, with any number of
//! workers.
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

use support::{Scratch, sample, sample_specification, tapscope};

/// Replays the sample into a store of that name and gives inventory, findings and log as bytes.
fn replayed(scratch: &Scratch, name: &str, workers: &str, limits: &str) -> [Vec<u8>; 3] {
    let store = scratch.path(&format!("{name}.db")).display().to_string();
    let log = scratch.path(&format!("{name}.jsonl"));
    let config = scratch.path("limits.toml");
    fs::write(&config, format!("[limits]\n{limits}")).unwrap();
    let output = tapscope(
        scratch,
        &[
            "--config",
            &config.display().to_string(),
            "replay",
            &sample().display().to_string(),
            "--spec",
            &sample_specification().display().to_string(),
            "--store",
            &store,
            "--exchange-log",
            &log.display().to_string(),
            "--workers",
            workers,
        ],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows = |verb| tapscope(scratch, &[verb, "--store", &store, "--format", "json"]).stdout;
    [rows("inventory"), rows("findings"), fs::read(log).unwrap()]
}

#[test]
fn same_capture_gives_the_same_bytes() {
    // As it is, and with nearly every body passed over that may be.
    let few = "sampling_first = 1\nsampling_every = 4\n";
    for (limits, again) in [("", &["1", "3", "8"][..]), (few, &["5"])] {
        let scratch = Scratch::new("replay");
        let first = replayed(&scratch, "first", "1", limits);
        for workers in again {
            let again = replayed(&scratch, &format!("again-{workers}"), workers, limits);
            for (a, b) in first.iter().zip(&again) {
                assert!(a.len() > 100);
                assert!(a == b, "the replay with {workers} workers differs");
            }
        }
    }
}
