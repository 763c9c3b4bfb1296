//! The same capture gives the same inventory, findings and log, bit for bit, with any number of
//! workers, and on one processor, where one thread does everything.
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
use std::process::{Command, Stdio};

use support::{Scratch, command, sample, sample_specification, tapscope};

/// Replays the sample into a store of that name, on all processors or one, and gives inventory,
/// findings and log as bytes.
fn replayed(
    scratch: &Scratch,
    name: &str,
    (workers, alone): (&str, bool),
    limits: &str,
) -> [Vec<u8>; 3] {
    let store = scratch.path(&format!("{name}.db")).display().to_string();
    let log = scratch.path(&format!("{name}.jsonl"));
    let config = scratch.path("limits.toml");
    fs::write(&config, format!("[limits]\n{limits}")).unwrap();
    let replay = command(
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
    let mut replay = if alone {
        on_one_processor(&replay)
    } else {
        replay
    };
    let output = replay.stdin(Stdio::null()).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let rows = |verb| tapscope(scratch, &[verb, "--store", &store, "--format", "json"]).stdout;
    [rows("inventory"), rows("findings"), fs::read(log).unwrap()]
}

/// The same command, on the first of the processors that this process may use.
fn on_one_processor(command: &Command) -> Command {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let allowed = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"));
    let first = allowed.unwrap().trim().split([',', '-']).next().unwrap();
    let mut one = Command::new("taskset");
    one.args(["-c", first])
        .arg(command.get_program())
        .args(command.get_args())
        .env_remove("TAPSCOPE_LOG");
    one
}

#[test]
fn same_capture_gives_the_same_bytes() {
    // As it is, and with nearly every body passed over that may be.
    let few = "sampling_first = 1\nsampling_every = 4\n";
    let usual = [
        ("1", false),
        ("3", false),
        ("8", false),
        ("1", true),
        ("3", true),
    ];
    for (limits, again) in [("", &usual[..]), (few, &[("5", false), ("1", true)])] {
        let scratch = Scratch::new("replay");
        let first = replayed(&scratch, "first", ("1", false), limits);
        for (workers, alone) in again {
            let name = format!("again-{workers}-{alone}");
            let again = replayed(&scratch, &name, (workers, *alone), limits);
            for (a, b) in first.iter().zip(&again) {
                assert!(a.len() > 100);
                assert!(
                    a == b,
                    "the replay with {workers} workers differs (alone: {alone})"
                );
            }
        }
    }
}
