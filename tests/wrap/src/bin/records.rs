//! Prints the records of captures as the sensor hands them on, a JSON line each: what is worth
//! looking at when a body is, and what `scripts/worst-cases.py` measures.
//!
//! usage: `records FILE…`
#![expect(
    clippy::print_stderr,
    reason = "a program for people who work on the sensor"
)]

use std::io::{BufWriter, Write};
use std::path::Path;
use std::process::ExitCode;

use tapscope_capture::{Batch, FileSource, PacketSource};
use tapscope_http::{ExchangeId, Timestamp};
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

fn main() -> ExitCode {
    for file in std::env::args().skip(1) {
        if let Err(error) = print(Path::new(&file)) {
            eprintln!("records: {file}: {error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn print(file: &Path) -> Result<(), Failure> {
    let mut source = FileSource::open(file)?;
    let lines = Lines {
        output: BufWriter::new(std::io::stdout().lock()),
        result: Ok(()),
    };
    // Tokens are the same in every run: nothing here is kept.
    let redact = Redactor::new(RedactSettings::default(), TokenKey([0; 32]));
    let sink = Redacting {
        redact,
        shedding: None,
        records: lines,
    };
    let mut worker = Worker::new(&WorkerSettings::default(), sink);
    while source.read_batch(&mut |raw| worker.handle_packet(raw))? != Batch::End {}
    worker.flush();
    let mut lines = worker.sink.records;
    lines.result?;
    lines.output.flush()?;
    Ok(())
}
