//! Fanout in network namespaces: four workers on one interface, flows in every encapsulation sent
//! while the workers join. No flow may be split, no packet seen twice, and the load must be even.
//! Needs root, network namespaces and python3, and says so where it cannot run.
#![cfg(feature = "live")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that cannot go on fails, and says why"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use tapscope_capture::{Batch, LiveSettings, PacketSource, StopHandle, open_workers};

/// Set in the process that captures: the test runs itself inside the namespace.
const INSIDE: &str = "TAPSCOPE_FANOUT_INSIDE";

const WORKERS: usize = 4;

/// The namespaces of one run; they are removed with it.
struct Network {
    sender: String,
    sensor: String,
}

impl Network {
    fn up() -> Result<Self, String> {
        let id = std::process::id();
        let network = Self {
            sender: format!("fanC{id}"),
            sensor: format!("fanD{id}"),
        };
        let Self { sender, sensor } = &network;
        for line in [
            format!("netns add {sender}"),
            format!("netns add {sensor}"),
            format!("link add fanC netns {sender} type veth peer name fanD netns {sensor}"),
            format!("-n {sender} link set fanC up"),
            format!("-n {sensor} link set fanD up"),
        ] {
            let output = Command::new("ip").args(line.split(' ')).output();
            let worked = output.as_ref().is_ok_and(|output| output.status.success());
            if !worked {
                return Err(format!("ip {line} does not work here (it needs root)"));
            }
        }
        // The kernel's own packets would be counted as ours.
        let _ = run_in(
            sender,
            &["sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1"],
        )
        .status();
        Ok(network)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in [&self.sender, &self.sensor] {
            let _ = Command::new("ip")
                .args(["netns", "del", name])
                .stderr(Stdio::null())
                .status();
        }
    }
}

fn run_in(namespace: &str, command: &[&str]) -> Command {
    let mut run = Command::new("ip");
    run.args(["netns", "exec", namespace]).args(command);
    run
}

/// A child that does not outlive the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn no_flow_is_split_and_no_packet_comes_twice() {
    if std::env::var_os(INSIDE).is_some() {
        capture();
        return;
    }
    let network = match Network::up() {
        Ok(network) => network,
        Err(reason) => {
            // Past the test harness, which keeps what passing tests print to itself.
            let _ = writeln!(std::io::stderr(), "\nSKIPPED: {reason}");
            return;
        }
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fanout/send.py");
    let sender = run_in(&network.sender, &["python3"])
        .arg(script)
        .args(["fanC", "4"])
        .stdout(Stdio::piped())
        .spawn();
    let mut sender = Ended(sender.unwrap());
    let mut said = BufReader::new(sender.0.stdout.take().unwrap()).lines();
    assert_eq!(said.next().unwrap().unwrap(), "sending");
    let executable = std::env::current_exe().unwrap();
    let inside = run_in(&network.sensor, &[executable.to_str().unwrap()])
        .args(["--exact", "no_flow_is_split_and_no_packet_comes_twice"])
        .arg("--nocapture")
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&inside.stdout).into_owned()
        + &String::from_utf8_lossy(&inside.stderr);
    assert!(inside.status.success(), "{told}");
    let sent = said.next().unwrap().unwrap();
    let _ = writeln!(std::io::stderr(), "\n{sent}\n{}", facts(&told));
}

fn facts(told: &str) -> String {
    let lines = told.lines().filter(|line| line.starts_with("fanout:"));
    lines.collect::<Vec<_>>().join("\n")
}

/// The tags one worker saw: kind, flow, serial.
type Seen = Vec<(String, u32, u64)>;

/// Joins while packets come, and looks at what each worker got.
fn capture() {
    let stop = StopHandle::new().unwrap();
    let settings = LiveSettings {
        ring_bytes: 8 << 20,
        ..LiveSettings::default()
    };
    let sources = open_workers(&["fanD".to_owned()], &settings, WORKERS, &stop).unwrap();
    let workers: Vec<_> = sources
        .into_iter()
        .map(|source| thread::spawn(move || read(source)))
        .collect();
    thread::sleep(Duration::from_secs(5));
    stop.stop();
    let seen: Vec<Seen> = workers.into_iter().map(|w| w.join().unwrap()).collect();
    check(&seen);
}

fn read(mut source: impl PacketSource) -> Seen {
    let mut seen = Seen::new();
    loop {
        let batch = source.read_batch(&mut |packet| seen.extend(tag_of(packet.data)));
        if batch.unwrap() == Batch::End {
            break;
        }
    }
    let stats = source.stats();
    assert_eq!(stats[0].dropped_kernel, 0, "the ring was too small");
    assert!(stats[0].ring_bytes >= 1 << 20, "the ring was not read back");
    seen
}

fn tag_of(data: &[u8]) -> Option<(String, u32, u64)> {
    let start = data.windows(4).position(|window| window == b"TAG:")? + 4;
    let len = data[start..].iter().position(|byte| *byte == b';')?;
    let text = std::str::from_utf8(&data[start..start + len]).ok()?;
    let mut parts = text.split('/');
    Some((
        parts.next()?.to_owned(),
        parts.next()?.parse().ok()?,
        parts.next()?.parse().ok()?,
    ))
}

fn check(seen: &[Seen]) {
    let mut serials = BTreeSet::new();
    let mut flows: BTreeMap<(&str, u32), BTreeSet<usize>> = BTreeMap::new();
    let mut shares: BTreeMap<&str, [u64; WORKERS]> = BTreeMap::new();
    let mut twice = 0;
    for (worker, seen) in seen.iter().enumerate() {
        for (kind, flow, serial) in seen {
            twice += u64::from(!serials.insert(serial));
            flows.entry((kind, *flow)).or_default().insert(worker);
            shares.entry(kind).or_default()[worker] += 1;
            shares.entry("all").or_default()[worker] += 1;
        }
    }
    let split = flows.values().filter(|workers| workers.len() > 1).count();
    println!(
        "fanout: {} packets, {} flows of {} kinds, {split} split, {twice} seen twice",
        serials.len(),
        flows.len(),
        shares.len() - 1
    );
    let mut worst = 0.0_f64;
    for (kind, share) in &shares {
        let sum: u64 = share.iter().sum();
        let ratio = share.iter().copied().max().unwrap_or(0) as f64 * WORKERS as f64 / sum as f64;
        println!("fanout: {kind}: {share:?}, the largest {ratio:.2} of the mean");
        worst = worst.max(ratio);
    }
    assert_eq!(shares.len(), 20, "a kind did not arrive");
    assert_eq!((split, twice), (0, 0));
    assert!(worst <= 1.5, "{worst}");
}
