//! The emergency mode end to end: a flood of connections brings it about, what was established
//! goes on, what is new and joined midway is not met, all of it is told, and it ends again.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

/// What the root tests share.
mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Scratch, serving, tapscope};

/// The least that the cap can be.
const LIMIT_BYTES: usize = 64 << 20;

/// Connections of the flood: more than nine tenths of what fits into that, and not all.
const FLOOD: u32 = 17_000;

/// Connections that were there before the flood and stay.
const KEPT: u32 = 20;

/// Connections joined midway, each time.
const MIDWAY: u32 = 10;

/// A capture in the making.
struct Capture {
    bytes: Vec<u8>,
    nanos: u64,
}

/// One TCP connection in it, by number; what each side has sent.
struct Dialogue {
    client: [u8; 4],
    host: &'static str,
    sent: [u32; 2],
}

impl Dialogue {
    const fn new(network: u8, number: u32, host: &'static str) -> Self {
        let [_, b, c, d] = number.to_be_bytes();
        Self {
            client: [network, b, c, d],
            host,
            sent: [1_000, 9_000],
        }
    }
}

impl Capture {
    fn new() -> Self {
        let mut bytes = Vec::new();
        for word in [0xa1b2_3c4d_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            bytes.extend(word.to_le_bytes());
        }
        Self {
            bytes,
            nanos: 1_790_000_000_000_000_000,
        }
    }

    fn wait(&mut self, seconds: u64) {
        self.nanos += seconds * 1_000_000_000;
    }

    fn packet(&mut self, dialogue: &mut Dialogue, from_client: bool, flags: u8, payload: &[u8]) {
        self.nanos += 20_000;
        let server = [10, 77, 0, 1];
        let (ends, ports) = if from_client {
            ([dialogue.client, server], [40_000_u16, 80])
        } else {
            ([server, dialogue.client], [80, 40_000])
        };
        let (own, other) = if from_client { (0, 1) } else { (1, 0) };
        let mut frame = vec![0; 12];
        frame.extend([8, 0, 0x45, 0]);
        frame.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
        frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
        frame.extend(ends.concat());
        frame.extend(ports.map(u16::to_be_bytes).concat());
        frame.extend(dialogue.sent[own].to_be_bytes());
        frame.extend(dialogue.sent[other].to_be_bytes());
        frame.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        frame.extend(payload);
        let len = u32::try_from(frame.len()).unwrap();
        let seconds = u32::try_from(self.nanos / 1_000_000_000).unwrap();
        let rest = u32::try_from(self.nanos % 1_000_000_000).unwrap();
        for word in [seconds, rest, len, len] {
            self.bytes.extend(word.to_le_bytes());
        }
        self.bytes.extend(frame);
        let opens = u32::from(flags & 3 != 0);
        dialogue.sent[own] += opens + u32::try_from(payload.len()).unwrap();
    }

    fn open(&mut self, dialogue: &mut Dialogue) {
        self.packet(dialogue, true, 2, b"");
        self.packet(dialogue, false, 0x12, b"");
    }

    fn exchange(&mut self, dialogue: &mut Dialogue) {
        let host = dialogue.host;
        let request = format!("GET /items HTTP/1.1\r\nHost: {host}\r\n\r\n");
        self.packet(dialogue, true, 0x18, request.as_bytes());
        let response = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        self.packet(dialogue, false, 0x18, response);
    }
}

fn dialogues(network: u8, count: u32, host: &'static str) -> Vec<Dialogue> {
    (0..count)
        .map(|number| Dialogue::new(network, number, host))
        .collect()
}

/// The capture up to where memory is short, and all of it.
fn captures() -> [Vec<u8>; 2] {
    let mut capture = Capture::new();
    let mut kept = dialogues(11, KEPT, "kept.example");
    for dialogue in &mut kept {
        capture.open(dialogue);
        capture.exchange(dialogue);
    }
    for dialogue in &mut dialogues(12, FLOOD, "flood.example") {
        capture.open(dialogue);
        capture.exchange(dialogue);
    }
    capture.wait(1);
    for dialogue in &mut dialogues(13, MIDWAY, "midway.example") {
        capture.exchange(dialogue);
    }
    for dialogue in &mut kept {
        capture.exchange(dialogue);
    }
    let short = capture.bytes.clone();
    // The flood falls silent and is forgotten, the established ones are heard of all the time.
    for _ in 0..10 {
        capture.wait(10);
        for dialogue in &mut kept {
            capture.exchange(dialogue);
        }
    }
    for dialogue in &mut dialogues(14, MIDWAY, "later.example") {
        capture.exchange(dialogue);
    }
    [short, capture.bytes]
}

/// Replays a capture; gives the health as the command line tells it, and how many exchanges with
/// each host there were.
fn replayed(scratch: &Scratch, name: &str, capture: &[u8]) -> (Value, impl Fn(&str) -> usize) {
    let file = |end: &str| scratch.path(&format!("{name}.{end}")).display().to_string();
    let (config, pcap, store, log) = (file("toml"), file("pcap"), file("db"), file("jsonl"));
    fs::write(&config, format!("[memory]\nlimit_bytes = {LIMIT_BYTES}\n")).unwrap();
    fs::write(&pcap, capture).unwrap();
    let told = ["--config", &config, "--exchange-log", &log];
    let replay = [&["replay", &pcap, "--store", &store][..], &told].concat();
    let output = tapscope(scratch, &replay);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let health = tapscope(scratch, &["health", "--store", &store, "--format", "json"]);
    let log = fs::read_to_string(&log).unwrap();
    let seen = move |host: &str| log.lines().filter(|line| line.contains(host)).count();
    (serde_json::from_slice(&health.stdout).unwrap(), seen)
}

/// What is said of the emergency mode.
fn told(reasons: &Value) -> &str {
    let mut reasons = reasons.as_array().unwrap().iter();
    let reason = reasons.find(|reason| reason["kind"] == "emergency_mode");
    reason.expect("it is told")["sentence"].as_str().unwrap()
}

/// A counter's value in the text of `/metrics`.
fn metric(metrics: &str, name: &str) -> u64 {
    let mut lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let line = lines.find(|line| line.contains(name)).expect(name);
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// What the API says of a store.
fn served(scratch: &Scratch, store: &Path) -> (Value, String) {
    let product = serving(scratch, &["serve", "--store", store.to_str().unwrap()]);
    let health = serde_json::from_str(&product.get("/api/v1/health")).unwrap();
    (health, product.get("/metrics"))
}

#[test]
fn a_flood_brings_the_emergency_mode_about_and_established_connections_go_on() {
    let scratch = Scratch::new("emergency");
    let [short, whole] = captures();

    let (health, seen) = replayed(&scratch, "short", &short);
    assert!(told(&health["reasons"]).contains("is in its emergency mode"));
    let kept = usize::try_from(KEPT).unwrap();
    assert_eq!(seen("flood.example"), usize::try_from(FLOOD).unwrap());
    assert_eq!(
        (seen("kept.example"), seen("midway.example")),
        (2 * kept, 0)
    );
    let (api, metrics) = served(&scratch, &scratch.path("short.db"));
    assert!(
        api.to_string().contains("is in its emergency mode"),
        "{api}"
    );
    assert_eq!(metric(&metrics, "memory_emergencies_total"), 1);
    assert_eq!(metric(&metrics, "memory_emergencies_ended_total"), 0);

    let (health, seen) = replayed(&scratch, "whole", &whole);
    assert!(told(&health["reasons"]).contains("left it again"));
    let midway = usize::try_from(MIDWAY).unwrap();
    let new = (seen("midway.example"), seen("later.example"));
    assert_eq!((seen("kept.example"), new), (12 * kept, (0, midway)));
    let (api, metrics) = served(&scratch, &scratch.path("whole.db"));
    assert!(api.to_string().contains("left it again"), "{api}");
    assert_eq!(metric(&metrics, "memory_emergencies_ended_total"), 1);
}
