//! What an exchange costs from its bytes to the inventory, and what an endpoint takes in memory.
//!
//! `cargo bench --bench exchange` makes traffic of some 3,200 endpoints on three hosts, with bodies of
//! a hundred fields that differ from each other, and times redaction, analysis and the last save's
//! snapshots apart. `EXCHANGES=1000000` takes more of it; `CAPTURE=FILE.pcap` takes the exchanges of
//! a capture instead. Figures are for comparing states of the code on one machine, one after the
//! other. What is weighed is as of the last look, before what waits is added to the schemas; what
//! is resident is all of the process, with endpoints as readers are shown them. `valgrind --tool=callgrind --toggle-collect='*Analyzer::handle_record_quietly*'` counts the
//! instructions of analysis alone, which no neighbour disturbs.

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tapscope_analyzer::vantage::{Legs, VantageSettings};
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};
use tapscope_capture::{Batch, FileSource, PacketSource as _};
use tapscope_http::{ExchangeId, Timestamp};
use tapscope_pipeline::traffic::TrafficLine;
use tapscope_pipeline::{RecordSink, Redacting, Worker, WorkerSettings};
use tapscope_record::ExchangeRecord;
use tapscope_redact::{RedactSettings, Redactor, TokenKey};

/// The product's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const EXCHANGES: u64 = 100_000;
/// Hosts that nobody takes for tenants of one service.
const HOSTS: [&str; 3] = ["api.shop.example", "backend.bank.test", "media.internal"];
const BODIES: u64 = 64;

/// Lines that are read at once: what is timed is not the making of traffic.
const BATCH: u64 = 2_000;

/// Endpoints that are taken at once, as the product does it.
const SAVED: usize = 256;

/// Names of resources.
const RESOURCES: [&str; 24] = [
    "accounts", "alerts", "books", "carts", "cities", "comments", "devices", "events", "files",
    "groups", "images", "invoices", "jobs", "letters", "messages", "notes", "orders", "payments",
    "products", "reports", "sessions", "tickets", "users", "vendors",
];

/// What an operation is: method, what stands behind the resource, whether it has a body of its own.
/// Most calls are of resources within others.
const OPERATIONS: [(&str, &str, bool); 8] = [
    ("GET", "", false),
    ("POST", "", true),
    ("GET", "/{id}", false),
    ("DELETE", "/{id}", false),
    ("GET", "/{id}/{of}", false),
    ("GET", "/{id}/{of}", false),
    ("GET", "/{id}/{of}", false),
    ("POST", "/{id}/{of}", true),
];

fn main() -> Result<()> {
    let before = resident_bytes();
    let run = match std::env::var("CAPTURE") {
        Ok(file) => captured(&file)?,
        Err(_) => made_up()?,
    };
    run.conclude(before);
    Ok(())
}

/// An analyzer, and what came before its end.
struct Run {
    analyzer: Analyzer,
    exchanges: u64,
    /// What is timed before analysis.
    sensor: &'static str,
    sensing: Duration,
    analysis: Duration,
}

impl Run {
    fn new(sensor: &'static str) -> Self {
        Self {
            analyzer: Analyzer::new(AnalyzerSettings::default(), Restored::default()),
            exchanges: 0,
            sensor,
            sensing: Duration::ZERO,
            analysis: Duration::ZERO,
        }
    }

    fn conclude(mut self, resident_before: u64) {
        let start = Instant::now();
        self.analyzer.conclude();
        // As readers are shown them.
        let mut shown = HashMap::new();
        loop {
            for mut endpoint in self.analyzer.flush_some(SAVED).endpoints {
                endpoint.state = serde_json::Value::Null;
                shown.insert(endpoint.id, endpoint);
            }
            if !self.analyzer.has_changes() {
                break;
            }
        }
        let snapshots = start.elapsed();
        let each = |time: Duration, of: u64| time.as_secs_f64() * 1e6 / of.max(1) as f64;
        let (exchanges, count) = (self.exchanges, shown.len() as u64);
        let held = self.analyzer.memory().endpoints as u64 / count.max(1);
        let grown = resident_bytes().saturating_sub(resident_before) / count.max(1);
        println!("{exchanges} exchanges, {count} endpoints");
        let (name, sensing) = (self.sensor, each(self.sensing, exchanges));
        println!("{name:9} {sensing:8.2} us an exchange");
        let analysis = each(self.analysis, exchanges);
        println!("analyze   {analysis:8.2} us an exchange");
        println!("snapshot  {:8.2} us an endpoint", each(snapshots, count));
        println!("weighed   {:8.1} KB an endpoint", held as f64 / 1e3);
        println!("resident  {:8.1} KB an endpoint", grown as f64 / 1e3);
    }
}

fn redactor() -> Redactor {
    Redactor::new(RedactSettings::default(), TokenKey([7; 32]))
}

/// Traffic that is made for it.
fn made_up() -> Result<Run> {
    let exchanges = match std::env::var("EXCHANGES") {
        Ok(text) => text.parse().context("EXCHANGES is no number")?,
        Err(_) => EXCHANGES,
    };
    let mut redactor = redactor();
    let mut run = Run::new("redact");
    let bodies: Vec<String> = (0..BODIES).map(body).collect();
    let mut chance = Chance(1);
    for from in (0..exchanges).step_by(usize::try_from(BATCH)?) {
        let lines: Result<Vec<TrafficLine>> = (from..exchanges.min(from + BATCH))
            .map(|n| {
                Ok(TrafficLine::parse(
                    line(n, &mut chance, &bodies).as_bytes(),
                    n,
                )?)
            })
            .collect();
        let lines = lines?;
        let start = Instant::now();
        let records: Vec<_> = lines.iter().map(|one| one.record(&mut redactor)).collect();
        run.sensing += start.elapsed();
        let start = Instant::now();
        for record in &records {
            run.analyzer.handle_record_quietly(record);
        }
        run.analysis += start.elapsed();
        run.exchanges += records.len() as u64;
    }
    Ok(run)
}

/// The records of a batch of packets, and the packet time that it came to.
#[derive(Default)]
struct Records {
    waiting: Vec<ExchangeRecord>,
    now: i64,
}

impl RecordSink for Records {
    fn handle_record(&mut self, _: Timestamp, _: ExchangeId, record: ExchangeRecord) {
        self.waiting.push(record);
    }

    fn handle_watermark(&mut self, now: Timestamp) {
        self.now = self.now.max(now.nanos());
    }
}

/// The exchanges of a capture, all of it on one thread.
fn captured(file: &str) -> Result<Run> {
    let mut source = FileSource::open(file.as_ref()).with_context(|| file.to_owned())?;
    let sink = Redacting::new(redactor(), Records::default());
    let mut worker = Worker::new(&WorkerSettings::default(), sink);
    let mut legs = Legs::new(VantageSettings::default());
    let mut run = Run::new("sensor");
    loop {
        let start = Instant::now();
        let batch = source.read_batch(&mut |raw| worker.handle_packet(raw))?;
        if batch == Batch::End {
            worker.flush();
        }
        run.sensing += start.elapsed();
        let start = Instant::now();
        let records = &mut worker.sink.records;
        for record in records.waiting.drain(..) {
            records.now = records.now.max(record.reported);
            legs.handle_record(record);
        }
        if batch == Batch::End {
            legs.flush();
        } else {
            legs.handle_time(records.now);
        }
        while let Some(record) = legs.take_record() {
            run.analyzer.handle_record_quietly(&record);
            run.exchanges += 1;
        }
        run.analyzer.handle_time(legs.settled(records.now));
        run.analysis += start.elapsed();
        if batch == Batch::End {
            return Ok(run);
        }
    }
}

/// One exchange, as `tapscope import` reads it.
fn line(n: u64, chance: &mut Chance, bodies: &[String]) -> String {
    let host = HOSTS[chance.below(HOSTS.len() as u64) as usize];
    let operation = chance.below(OPERATIONS.len() as u64);
    let (method, rest, has_body) = OPERATIONS[operation as usize];
    // Not all can be done to each of them, and what is within one is its own: else the names would be
    // taken for values of one thing.
    let (at, within) = loop {
        let mut one = || chance.below(RESOURCES.len() as u64);
        let (at, within) = (one(), one());
        if !(at + 2 * within + operation).is_multiple_of(3) {
            break (at as usize, within as usize);
        }
    };
    let (resource, of) = (RESOURCES[at], RESOURCES[within]);
    let path = format!("/api/v1/{resource}");
    let id = 1_000 + chance.below(100_000);
    let of = format!("{}-{of}", &resource[..resource.len() - 1]);
    let rest = rest.replace("{id}", &id.to_string()).replace("{of}", &of);
    let mut body = || chance.below(bodies.len() as u64) as usize;
    // Answers of a resource are of its own kind.
    let (asked, answer) = (
        body(),
        (body() + 5 * at + within) % bodies.len() / 8 * 8 + at % 8,
    );
    let request = if has_body { &bodies[asked] } else { "null" };
    let response = &bodies[answer];
    format!(
        r#"{{"id":"{n}","ts":{}.{:03},"client_ip":"10.0.0.{}","client_port":40000,"method":"{method}",
        "host":"{host}","path":"{path}{rest}","query":"","scheme":"http",
        "req_headers":{{"user-agent":"bench/1","accept":"application/json",
        "authorization":"Bearer t0ken-of-{}","content-type":"application/json"}},"req_body":{request},
        "status":200,"resp_headers":{{"content-type":"application/json","server":"x"}},
        "resp_body":{response},"latency_ms":{}}}"#,
        1_700_000_000 + n / 1_000,
        n % 1_000,
        n % 50,
        n % 40,
        1 + n % 40,
    )
}

/// A pronounceable word for each number.
fn word(mut number: u64) -> String {
    let mut word = String::from("re");
    for _ in 0..3 {
        let at = usize::try_from(number % 6).unwrap_or(0);
        word.push_str(["ba", "ko", "li", "mu", "se", "to"][at]);
        number /= 6;
    }
    word + "s"
}

/// A JSON text, written as a JSON string: an object of objects, of which some fields are there and
/// some are not.
fn body(number: u64) -> String {
    let mut chance = Chance(number + 1);
    let mut text = String::from("{");
    for group in 0..8 {
        let separator = if group == 0 { "" } else { "," };
        let _ = write!(text, "{separator}\"{}\":{{\"id\":{number}", word(group));
        for field in 0..24 {
            if chance.below(2) == 0 {
                continue;
            }
            let name = word(40 + field);
            let _ = match field % 4 {
                0 => write!(text, ",\"{name}_at\":\"2026-01-0{}T10:00:00Z\"", 1 + group),
                1 => write!(text, ",\"{name}_count\":{}", chance.below(1_000)),
                2 => write!(text, ",\"{name}\":\"{}\"", word(chance.below(200))),
                _ => write!(text, ",\"is_{name}\":true"),
            };
        }
        text.push('}');
    }
    text.push('}');
    serde_json::Value::String(text).to_string()
}

/// The same numbers on every run.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }
}

/// The resident size; 0 where the system does not tell.
fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = status
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}
