//! Live traffic over veth: what `tapscope watch` finds on a mirror port is what nginx logged and
//! what a replay of the same packets gives. The script does the work (`tests/live/run.sh`); it
//! needs root and network namespaces, and says so where it cannot run.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says why"
)]

use std::io::Write;
use std::path::Path;
use std::process::Command;

/// The exit code by which the scripts say that this machine cannot run them.
const CANNOT_RUN_HERE: i32 = 77;

#[test]
fn live_run_equals_the_servers_log_and_the_replay() {
    // An unoptimized build is not asked to keep up with the rate the product is held to.
    let rate = if cfg!(debug_assertions) {
        "300"
    } else {
        "2000"
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/run.sh");
    let output = Command::new("bash")
        .arg(script)
        .args([
            "--binary",
            env!("CARGO_BIN_EXE_tapscope"),
            "--rate",
            rate,
            "--seconds",
            "5",
        ])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(CANNOT_RUN_HERE) {
        // Past the test harness, which keeps what passing tests print to itself.
        let _ = writeln!(std::io::stderr(), "\nSKIPPED: {}", said.trim());
        return;
    }
    assert!(output.status.success(), "{said}");
}
