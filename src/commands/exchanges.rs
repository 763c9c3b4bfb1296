//! `tapscope exchanges`: extraction alone, a line an exchange, as it was on the wire.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tapscope_capture::FileSource;
use tapscope_decap::Filter;
use tapscope_http::{ExchangeSink, HttpExchange, Part};
use tapscope_pipeline::{Step, Worker, WorkerSettings, run};

use crate::cli::Exchanges;
use crate::config::Settings;
use crate::view::ExchangeLine;

/// Bytes collected before they are written.
const WRITE_BUFFER_BYTES: usize = 256 << 10;

/// Writes each exchange as it comes; remembers the first write that failed.
struct Lines<W> {
    output: W,
    failed: Option<io::Error>,
}

impl<W: Write> ExchangeSink for Lines<W> {
    fn handle_exchange(&mut self, exchange: HttpExchange) {
        // It comes again when it is over.
        if self.failed.is_none()
            && exchange.part != Part::Opening
            && let Err(error) = self.write(&exchange)
        {
            self.failed = Some(error);
        }
    }
}

impl<W: Write> Lines<W> {
    fn write(&mut self, exchange: &HttpExchange) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, &ExchangeLine::new(exchange))?;
        self.output.write_all(b"\n")
    }
}

pub(crate) fn execute(arguments: &Exchanges, settings: &Settings) -> Result<()> {
    let filter = Filter::new(settings.filter.read()?)?;
    let settings = (&settings.worker, &filter);
    if let Some(directory) = &arguments.out_dir {
        fs::create_dir_all(directory)
            .with_context(|| format!("{}: cannot be made", directory.display()))?;
    }
    let mut first_error = None;
    for file in &arguments.files {
        let result = match &arguments.out_dir {
            Some(directory) => {
                let path = output_path(directory, file);
                File::create(&path)
                    .with_context(|| format!("{}: cannot be written", path.display()))
                    .and_then(|output| extract(file, output, settings))
            }
            None => extract(file, io::stdout().lock(), settings),
        };
        if let Err(error) = result {
            // The other captures are still read; every error is told, the first one is the exit.
            if arguments.files.len() > 1 {
                crate::complain(&error);
            }
            first_error.get_or_insert(error);
        }
    }
    match first_error {
        Some(error) if arguments.files.len() > 1 => {
            Err(error.context("not every capture could be read to its end"))
        }
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// `NAME.jsonl` for a capture `NAME`, which keeps its own suffix.
fn output_path(directory: &Path, file: &Path) -> PathBuf {
    let name = file.file_name().map_or_else(
        || "stdin".to_owned(),
        |name| {
            if name == "-" {
                "stdin".to_owned()
            } else {
                name.to_string_lossy().into_owned()
            }
        },
    );
    directory.join(format!("{name}.jsonl"))
}

fn extract(
    file: &Path,
    output: impl Write,
    (settings, filter): (&WorkerSettings, &Filter),
) -> Result<()> {
    let mut source = FileSource::open(file)?;
    let output = BufWriter::with_capacity(WRITE_BUFFER_BYTES, output);
    let mut worker = Worker::new(
        settings,
        Lines {
            output,
            failed: None,
        },
    );
    worker.set_filter(filter.clone());
    let read = run(&mut source, &mut worker, &mut |worker, _| {
        if worker.sink.failed.is_some() {
            Step::Stop
        } else {
            Step::Continue
        }
    });
    worker.flush();
    let Lines { mut output, failed } = worker.sink;
    let written = failed.map_or_else(|| output.flush(), Err);
    match written {
        // Whoever reads our output has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(()),
        other => other.context("the output cannot be written")?,
    }
    read?;
    Ok(())
}
