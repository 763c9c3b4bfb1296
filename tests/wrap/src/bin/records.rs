//! Prints the records of captures as the sensor hands them on, a JSON line each: what is worth
//! looking at when a body is, and what `scripts/worst-cases.py` measures.
//!
//! usage: `records FILE…`, or `records --time FILE…` for what making them costs, without them
#![expect(
    clippy::print_stderr,
    reason = "a program for people who work on the sensor"
)]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use tapscope_capture::{Batch, FileSource, PacketSource};
use tapscope_http::{ExchangeId, ExchangeSink, HttpExchange, Timestamp};
use tapscope_pipeline::{RecordSink, Redacting, Worker, WorkerSettings};
use tapscope_record::ExchangeRecord;
use tapscope_redact::{RedactSettings, Redactor, TokenKey};

type Failure = Box<dyn std::error::Error>;

/// Writes each record; remembers whether that failed.
struct Lines<W> {
    output: W,
    result: Result<(), Failure>,
}

impl<W: Write> RecordSink for Lines<W> {
    fn handle_record(&mut self, _: Timestamp, _: ExchangeId, record: ExchangeRecord) {
        if self.result.is_ok() {
            self.result = self.write(&record);
        }
    }

    fn handle_watermark(&mut self, _: Timestamp) {}
}

impl<W: Write> Lines<W> {
    fn write(&mut self, record: &ExchangeRecord) -> Result<(), Failure> {
        serde_json::to_writer(&mut self.output, record)?;
        self.output.write_all(b"\n")?;
        Ok(())
    }
}

/// Makes each record, and drops exchange and record where it was made.
struct Clock {
    redact: Redactor,
    records: u32,
    making: Duration,
    dropping: Duration,
}

impl ExchangeSink for Clock {
    fn handle_exchange(&mut self, exchange: HttpExchange) {
        let start = Instant::now();
        let record = self.redact.record(&exchange);
        let made = Instant::now();
        drop((exchange, record));
        self.records += 1;
        self.making += made - start;
        self.dropping += made.elapsed();
    }

    fn handle_watermark(&mut self, _: Timestamp) {}
}

fn main() -> ExitCode {
    let mut files: Vec<String> = std::env::args().skip(1).collect();
    let timed = files.first().is_some_and(|first| first == "--time");
    let act = if timed { time } else { print };
    for file in files.drain(usize::from(timed)..) {
        if let Err(error) = act(Path::new(&file)) {
            eprintln!("records: {file}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Tokens are the same in every run: nothing here is kept.
fn redactor() -> Redactor {
    Redactor::new(RedactSettings::default(), TokenKey([0; 32]))
}

/// What each record takes on average, beside all that comes before it.
fn time(file: &Path) -> Result<(), Failure> {
    let mut source = FileSource::open(file)?;
    let clock = Clock {
        redact: redactor(),
        records: 0,
        making: Duration::ZERO,
        dropping: Duration::ZERO,
    };
    let start = Instant::now();
    let mut worker = Worker::new(&WorkerSettings::default(), clock);
    while source.read_batch(&mut |raw| worker.handle_packet(raw))? != Batch::End {}
    worker.flush();
    let all = start.elapsed();
    let clock = worker.sink;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(clock.records.max(1));
    let before = all.saturating_sub(clock.making + clock.dropping);
    writeln!(
        std::io::stdout(),
        "{}: {} records; us each: {:.2} made, {:.2} dropped, {:.2} before",
        file.display(),
        clock.records,
        each(clock.making),
        each(clock.dropping),
        each(before),
    )?;
    Ok(())
}

fn print(file: &Path) -> Result<(), Failure> {
    let mut source = FileSource::open(file)?;
    let lines = Lines {
        output: BufWriter::new(std::io::stdout().lock()),
        result: Ok(()),
    };
    let sink = Redacting::new(redactor(), lines);
    let mut worker = Worker::new(&WorkerSettings::default(), sink);
    while source.read_batch(&mut |raw| worker.handle_packet(raw))? != Batch::End {}
    worker.flush();
    let mut lines = worker.sink.records;
    lines.result?;
    lines.output.flush()?;
    Ok(())
}
