//! A mirror port whose traffic changes: rules of the filter that change while packets come, and a
//! BPF filter that cannot see into the tunnels of the feed. Needs root, network namespaces and
//! python3, and says so where it cannot run.
#![cfg(feature = "live")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test that cannot go on fails, and says why"
)]

mod support;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use support::{Scratch, sample_bytes};

/// How long something may take that takes a moment.
const PATIENCE: Duration = Duration::from_secs(30);

/// For how long a feed is looked at without its filter.
const GLANCE: Duration = Duration::from_secs(5);

/// Frames that are sent at once; the sample's first ones hold whole exchanges.
const FRAMES: usize = 2_000;

/// A mirror port: a pair of interfaces in namespaces of their own.
struct Mirror {
    switch: String,
    sensor: String,
    capture: PathBuf,
    scratch: Scratch,
}

impl Mirror {
    /// None where the machine cannot have one; says so.
    fn up(name: &str) -> Option<Self> {
        let id = std::process::id();
        let scratch = Scratch::new(name);
        let capture = scratch.path("sample.pcap");
        fs::write(&capture, sample_bytes()).unwrap();
        let mirror = Self {
            switch: format!("{name}S{id}"),
            sensor: format!("{name}T{id}"),
            capture,
            scratch,
        };
        let Self { switch, sensor, .. } = &mirror;
        for line in [
            format!("netns add {switch}"),
            format!("netns add {sensor}"),
            format!("link add out netns {switch} type veth peer name span netns {sensor}"),
            format!("-n {switch} link set out mtu 9000 up"),
            format!("-n {sensor} link set span mtu 9000 up"),
            format!("-n {sensor} link set lo up"),
        ] {
            let output = Command::new("ip").args(line.split(' ')).output();
            if !output.is_ok_and(|output| output.status.success()) {
                // Past the test harness, which keeps what passing tests print to itself.
                let _ = writeln!(
                    std::io::stderr(),
                    "\nSKIPPED: ip {line} does not work here (it needs root)"
                );
                return None;
            }
        }
        Some(mirror)
    }

    /// Sends the first frames of the sample to the port.
    fn send(&self, form: &str) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mirror/send.py");
        let status = Command::new("ip")
            .args(["netns", "exec", &self.switch, "python3"])
            .arg(script)
            .arg("out")
            .arg(&self.capture)
            .args([form, &FRAMES.to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// The product at the port.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.sensor])
            .arg(env!("CARGO_BIN_EXE_tapscope"))
            .args(arguments)
            .arg("--key-file")
            .arg(self.scratch.path("installation.key"))
            .env_remove("TAPSCOPE_LOG");
        command
    }

    /// Starts to watch the port; returns when the sensor listens.
    fn watch(&self, arguments: &[&str]) -> Watching {
        let said = self.scratch.path("said");
        let log = self.scratch.path("exchanges.jsonl");
        let child = self
            .command(&["watch", "-i", "span", "--listen", "127.0.0.1:0"])
            .arg("--exchange-log")
            .arg(&log)
            .args(arguments)
            .stdout(fs::File::create(&said).unwrap())
            .stderr(fs::File::options().append(true).open(&said).unwrap())
            .spawn();
        let watching = Watching {
            child: child.unwrap(),
            said,
            log,
        };
        watching.wait_for("listening on");
        watching
    }
}

impl Drop for Mirror {
    fn drop(&mut self) {
        for name in [&self.switch, &self.sensor] {
            let _ = Command::new("ip")
                .args(["netns", "del", name])
                .stderr(Stdio::null())
                .status();
        }
    }
}

/// A sensor at work.
struct Watching {
    child: Child,
    said: PathBuf,
    log: PathBuf,
}

impl Watching {
    /// Waits until the sensor said so.
    fn wait_for(&self, words: &str) {
        let begun = Instant::now();
        loop {
            let said = fs::read_to_string(&self.said).unwrap_or_default();
            if said.contains(words) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "no '{words}' in:\n{said}");
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// Asks for the rules to be read again.
    fn read_again(&self) {
        let status = Command::new("kill")
            .args(["-HUP", &self.child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }

    /// Exchanges so far, once no more come.
    fn exchanges(&self) -> usize {
        let mut before = usize::MAX;
        let begun = Instant::now();
        loop {
            let lines = fs::read_to_string(&self.log).unwrap_or_default();
            let count = lines.lines().count();
            if count == before || begun.elapsed() > PATIENCE {
                return count;
            }
            before = count;
            thread::sleep(Duration::from_secs(1));
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn rules_of_the_filter_change_while_packets_come() {
    let Some(mirror) = Mirror::up("rules") else {
        return;
    };
    let rules = mirror.scratch.path("rules");
    let config = mirror.scratch.path("tapscope.toml");
    fs::write(&rules, "exclude vni 42\n").unwrap();
    fs::write(&config, format!("[filter]\nfile = {rules:?}\n")).unwrap();
    let watching = mirror.watch(&["--config", config.to_str().unwrap()]);
    mirror.send("vxlan");
    assert_eq!(watching.exchanges(), 0, "the rule leaves this network out");

    fs::write(&rules, "exclude vin 43\n").unwrap();
    watching.read_again();
    watching.wait_for("the filter stays as it was");
    mirror.send("vxlan");
    assert_eq!(watching.exchanges(), 0, "a mistake changes nothing");

    fs::write(&rules, "exclude vni 43\n").unwrap();
    watching.read_again();
    watching.wait_for("the filter was read again");
    mirror.send("vxlan");
    let all = watching.exchanges();
    assert!(all > 100, "{all} exchanges once the rule is gone");
}

#[test]
fn a_filter_that_cannot_see_into_the_tunnels_is_told() {
    let Some(mirror) = Mirror::up("blind") else {
        return;
    };
    let watching = mirror.watch(&["--filter", "tcp port 80"]);
    mirror.send("vlan");
    let tagged = watching.exchanges();
    assert!(
        tagged > 100,
        "{tagged} exchanges: the kernel takes one tag off"
    );
    thread::sleep(GLANCE);
    let said = fs::read_to_string(&watching.said).unwrap();
    assert!(!said.contains("outermost headers"), "{said}");
    drop(watching);

    let watching = mirror.watch(&["--filter", "tcp port 80"]);
    mirror.send("vxlan");
    watching.wait_for("sees the outermost headers only");
    watching.wait_for("[filter] rules");
    assert_eq!(watching.exchanges(), 0, "which is why it warns");
}

#[test]
fn doctor_looks_at_what_comes_and_names_the_remedy() {
    let Some(mirror) = Mirror::up("doctor") else {
        return;
    };
    let filter = [
        "--seconds",
        "3",
        "--filter",
        "tcp port 80",
        "--format",
        "json",
    ];
    let doctor = mirror
        .command(&["doctor", "-i", "span"])
        .args(filter)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    thread::sleep(Duration::from_secs(1));
    mirror.send("vxlan");
    let output = doctor.wait_with_output().unwrap();
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["verdict"], "degraded", "{told:#}");
    assert_eq!(output.status.code(), Some(1));
    let troubles = told["interfaces"][0]["troubles"].to_string();
    assert!(troubles.contains("[filter] rules"), "{troubles}");
}
