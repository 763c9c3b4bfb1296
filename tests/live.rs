//! Live traffic over veth: what `tapscope watch` finds on a mirror port is what nginx logged and
//! what a replay of the same packets gives. The script does the work (`tests/live/run.sh`); it
//! needs root and network namespaces, and says so where it cannot run.

/// What the root tests share.
mod support;

use support::run_script;

#[test]
fn live_run_equals_the_servers_log_and_the_replay() {
    // An unoptimized build is not asked to keep up with the rate the product is held to.
    let rate = if cfg!(debug_assertions) {
        "300"
    } else {
        "2000"
    };
    run_script("live/run.sh", &["--rate", rate, "--seconds", "5"]);
}
