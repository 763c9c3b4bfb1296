//! `tapscope doctor`: whether an interface will do, what its traffic looks like, and what to do
//! about what is wrong. Looks and listens only.

/// From facts to a verdict.
pub(crate) mod check;

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::{Value, json};
use tapscope_capture::{LiveSettings, LiveSource, PacketSource, StopHandle, interface};
use tapscope_http::HttpExchange;
use tapscope_pipeline::{Step, Worker, WorkerSettings, health_report, run};

use self::check::{Facts, Trouble, Verdict, share};
use crate::cli::{Doctor, DoctorFormat};
use crate::config::Settings;

/// Looks at every interface; the exit code is 0 when all are ok, 1 when one is degraded, 2 when
/// one is blind.
pub(crate) fn execute(arguments: &Doctor, settings: &Settings) -> Result<ExitCode> {
    let names = match &arguments.interface[..] {
        [] => settings.interfaces.clone(),
        named => named.to_vec(),
    };
    if names.is_empty() {
        bail!(
            "no interface to look at; name one with -i IFACE; there are: {}",
            interface::names().join(", ")
        );
    }
    let mut worst = Verdict::Ok;
    let mut objects = Vec::new();
    let mut output = io::stdout().lock();
    for name in &names {
        let facts = look(name, arguments, settings)?;
        let (verdict, troubles) = check::check(&facts);
        worst = worst.max(verdict);
        match arguments.format {
            DoctorFormat::Table => print(&mut output, &facts, verdict, &troubles)?,
            DoctorFormat::Json => objects.push(object(&facts, verdict, &troubles)),
        }
    }
    if matches!(arguments.format, DoctorFormat::Json) {
        let whole = json!({"verdict": worst.word(), "interfaces": objects});
        writeln!(output, "{}", serde_json::to_string_pretty(&whole)?)?;
    }
    Ok(ExitCode::from(worst as u8))
}

/// Gathers the facts: those of the link first, then what comes in the seconds asked for.
fn look(name: &str, arguments: &Doctor, settings: &Settings) -> Result<Facts> {
    let live = LiveSettings {
        filter: None,
        ..settings.live.clone()
    };
    let mut facts = Facts {
        name: name.to_owned(),
        link: interface::facts(name),
        other_sockets: interface::capturing_sockets(name).unwrap_or(0),
        filter: arguments.filter.clone().or(settings.live.filter.clone()),
        snap_len: live.snap_len,
        ..Facts::default()
    };
    let time = Duration::from_secs(u64::from(arguments.seconds));
    match sample(name, &live, &settings.worker, time, u64::MAX) {
        Ok(sampled) => {
            facts.seconds = sampled.seconds;
            facts.largest = sampled.largest;
            facts.report = sampled.report;
        }
        Err(error) => facts.refused = Some(format!("{error:#}")),
    }
    Ok(facts)
}

/// What came in a while.
struct Sampled {
    seconds: f64,
    largest: u32,
    report: tapscope_record::HealthReport,
}

/// Takes in an interface's packets for a while, or until there are enough, and forgets what was in
/// them.
fn sample(
    name: &str,
    live: &LiveSettings,
    worker: &WorkerSettings,
    time: Duration,
    enough: u64,
) -> Result<Sampled> {
    let stop = StopHandle::new()?;
    let names = [name.to_owned()];
    let mut source = Measured {
        source: LiveSource::open(&names, live, stop.clone())?,
        largest: 0,
    };
    let mut worker = Worker::new(worker, |_: HttpExchange| {});
    let begun = Instant::now();
    run(&mut source, &mut worker, &mut |_, source| {
        let over = begun.elapsed() >= time || source.stats().iter().any(|s| s.packets >= enough);
        if over { Step::Stop } else { Step::Continue }
    })?;
    let seconds = begun.elapsed().as_secs_f64();
    worker.flush();
    let (counters, feeds) = (worker.counters(), worker.feeds());
    Ok(Sampled {
        seconds,
        largest: source.largest,
        report: health_report(worker.now().nanos(), source.stats(), counters, feeds),
    })
}

/// A source that notes its longest packet.
struct Measured {
    source: LiveSource,
    largest: u32,
}

impl PacketSource for Measured {
    fn read_batch(
        &mut self,
        handler: &mut dyn FnMut(tapscope_capture::RawPacket<'_>),
    ) -> Result<tapscope_capture::Batch, tapscope_capture::CaptureError> {
        let largest = &mut self.largest;
        self.source.read_batch(&mut |packet| {
            *largest = packet.wire_len.max(*largest);
            handler(packet);
        })
    }

    fn stats(&mut self) -> Vec<tapscope_capture::SourceStats> {
        self.source.stats()
    }
}

/// Bytes of ring of a look beside a capture.
const GLANCE_RING_BYTES: u32 = 8 << 20;

/// Packets after which a glance has seen enough.
const GLANCE_PACKETS: u64 = 5_000;

/// Looks at a feed for some seconds without its filter, and warns when the filter cannot see into
/// what comes.
pub(crate) fn glance(name: &str, filter: &str, live: &LiveSettings, worker: &WorkerSettings) {
    let live = LiveSettings {
        filter: None,
        ring_bytes: GLANCE_RING_BYTES,
        ..live.clone()
    };
    let time = Duration::from_secs(5);
    // The capture itself tells what is wrong with the interface.
    let Ok(sampled) = sample(name, &live, worker, time, GLANCE_PACKETS) else {
        return;
    };
    let facts = Facts {
        report: sampled.report,
        ..Facts::default()
    };
    if let Some(trouble) = check::blind_filter(filter, facts.encapsulated()) {
        tracing::warn!("{name}: {} {}", trouble.what, trouble.remedy);
    }
}

/// The facts as rows: name and value.
fn rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let yes = |value: Option<bool>| match value {
        Some(true) => "yes".to_owned(),
        Some(false) => "no".to_owned(),
        None => "not known".to_owned(),
    };
    let number = |value: Option<u32>| value.map_or("not known".to_owned(), |n| n.to_string());
    let link = &facts.link;
    let (wanted, got) = facts.ring();
    let mut rows = vec![
        (
            "link up, carrier",
            format!("{}, {}", yes(link.up), yes(link.carrier)),
        ),
        (
            "speed (Mbit/s), MTU",
            format!("{}, {}", number(link.speed), number(link.mtu)),
        ),
        ("snap length", facts.snap_len.to_string()),
        (
            "GRO, LRO, TSO",
            format!("{}, {}, {}", yes(link.gro), yes(link.lro), yes(link.tso)),
        ),
        (
            "receive queues",
            link.queues
                .map_or("not known".to_owned(), |n| n.to_string()),
        ),
        ("promiscuous before", yes(link.promiscuous)),
        ("lost by interface", link.dropped.to_string()),
        ("other captures", facts.other_sockets.to_string()),
    ];
    if facts.refused.is_none() {
        rows.push(("ring asked, given", format!("{wanted}, {got}")));
        rows.extend(traffic_rows(facts));
    }
    rows
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates and shares are good to a few digits"
)]
fn traffic_rows(facts: &Facts) -> Vec<(&'static str, String)> {
    let packets = facts.packets();
    let bytes: u64 = facts.report.sources.iter().map(|s| s.bytes).sum();
    let dropped: u64 = facts.report.sources.iter().map(|s| s.dropped_kernel).sum();
    let seconds = facts.seconds.max(0.001);
    let sum = facts
        .report
        .feeds
        .iter()
        .fold(tapscope_record::FeedCounters::default(), |sum, feed| {
            sum.plus(&feed.counters)
        });
    let percent = |part: u64, whole: u64| format!("{:.1} %", share(part, whole) * 100.0);
    let inside: Vec<String> = facts
        .report
        .feeds
        .iter()
        .filter(|feed| feed.vlan.is_some() || feed.network.is_some())
        .map(tapscope_analyzer::trust::feed_name)
        .take(8)
        .collect();
    vec![
        (
            "packets/s, Mbit/s",
            format!(
                "{:.0}, {:.1}",
                packets as f64 / seconds,
                bytes as f64 * 8.0 / seconds / 1e6
            ),
        ),
        ("longest packet", facts.largest.to_string()),
        ("dropped by ring", dropped.to_string()),
        ("TCP", percent(facts.segments(), packets)),
        (
            "inside VLAN or tunnel",
            format!("{:.1} %", facts.encapsulated() * 100.0),
        ),
        (
            "networks",
            if inside.is_empty() {
                "none".to_owned()
            } else {
                inside.join("; ")
            },
        ),
        ("connections", sum.connections.to_string()),
        (
            "HTTP connections",
            percent(sum.http_connections, sum.connections),
        ),
        ("TLS streams", sum.tls_streams.to_string()),
        ("exchanges", sum.exchanges.to_string()),
        (
            "one direction only",
            percent(sum.one_sided(), sum.connections),
        ),
        ("duplicates", percent(sum.duplicates, sum.segments)),
        ("out of order", percent(sum.out_of_order, sum.segments)),
        ("truncated", percent(sum.truncated_segments, sum.segments)),
        (
            "acknowledged, unseen",
            format!("{:.2} %", sum.unseen_share().unwrap_or(0.0) * 100.0),
        ),
        (
            "clock steps",
            (sum.clock_steps_back + sum.clock_jumps).to_string(),
        ),
    ]
}

fn print(
    output: &mut impl Write,
    facts: &Facts,
    verdict: Verdict,
    troubles: &[Trouble],
) -> Result<()> {
    writeln!(output, "{}: {}", facts.name, verdict.word())?;
    for trouble in troubles {
        let mark = if trouble.verdict == Verdict::Ok {
            "hint"
        } else {
            trouble.verdict.word()
        };
        writeln!(output, "  [{mark}] {} {}", trouble.what, trouble.remedy)?;
    }
    for (name, value) in rows(facts) {
        writeln!(output, "  {name:<22} {value}")?;
    }
    Ok(())
}

fn object(facts: &Facts, verdict: Verdict, troubles: &[Trouble]) -> Value {
    let troubles: Vec<Value> = troubles
        .iter()
        .map(|trouble| {
            json!({
                "verdict": trouble.verdict.word(),
                "what": trouble.what,
                "remedy": trouble.remedy,
            })
        })
        .collect();
    let rows: serde_json::Map<String, Value> = rows(facts)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), Value::String(value)))
        .collect();
    json!({
        "interface": facts.name,
        "verdict": verdict.word(),
        "troubles": troubles,
        "facts": rows,
        "health": facts.report,
    })
}
