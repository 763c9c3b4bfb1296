//! `tapscope import`: exchanges that did not come from packets, through the same redaction and
//! analysis.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail};
use tapscope_pipeline::traffic::record_of_line;
use tapscope_record::{HealthReport, SourceHealth};

use crate::cli::{Import, ImportFormat};
use crate::config::Settings;
use crate::engine::Input;
use crate::feed::Feed;
use crate::product::{Product, is_stdin};

/// Bytes of a line at most: bodies are cut to a sample anyway.
const LINE_BYTES_MAX: u64 = 16 << 20;

/// Records sent to the engine at once.
const RECORDS_PER_BATCH: usize = 256;

/// A second, in nanoseconds.
const SECOND_NANOS: i64 = 1_000_000_000;

/// Takes in the files and tells what came out.
pub(crate) fn execute(arguments: &Import, settings: &Settings) -> Result<()> {
    let ImportFormat::Traffic = arguments.format;
    let product = Product::new(settings, &arguments.analysis)?.serving(&arguments.serving);
    let show_inventory = !product.keeps() && !arguments.serving.serve;
    let files = arguments.files.clone();
    let outcome = product.run(move |mut feed| {
        let mut ordinal = 0;
        let mut told = i64::MIN;
        let mut sources = Vec::new();
        let mut result = Ok(());
        for file in &files {
            let mut source = SourceHealth {
                name: file.display().to_string(),
                kind: "traffic".to_owned(),
                ..SourceHealth::default()
            };
            let taken = take_in(&mut feed, file, (&mut ordinal, &mut told), &mut source);
            source.state = taken
                .as_ref()
                .map_or_else(|e| format!("{e:#}"), |()| "finished".into());
            sources.push(source);
            result = result.and(taken);
        }
        feed.send(Input::Health(HealthReport {
            time: 0,
            sources,
            ..HealthReport::default()
        }));
        result
    })?;
    if show_inventory {
        super::listing::print_inventory(&outcome.kept)?;
    }
    super::summarize(&outcome)
}

fn take_in(
    feed: &mut Feed,
    file: &Path,
    (ordinal, told): (&mut u64, &mut i64),
    source: &mut SourceHealth,
) -> Result<()> {
    let name = file.display();
    let input: Box<dyn Read> = if is_stdin(file) {
        Box::new(std::io::stdin())
    } else {
        Box::new(File::open(file).with_context(|| format!("{name}: cannot be read"))?)
    };
    let mut input = BufReader::with_capacity(1 << 20, input);
    let mut line = Vec::new();
    let mut batch = Vec::with_capacity(RECORDS_PER_BATCH);
    let mut result = Ok(());
    for number in 1_u64.. {
        line.clear();
        let read = input
            .by_ref()
            .take(LINE_BYTES_MAX)
            .read_until(b'\n', &mut line);
        match read.with_context(|| format!("{name}: cannot be read")) {
            Ok(0) => break,
            Ok(_) if line.len() as u64 == LINE_BYTES_MAX => {
                result = Err(anyhow!("{name}:{number}: a line of more than 16 MiB"));
                break;
            }
            Ok(_) if line.trim_ascii().is_empty() => continue,
            Ok(_) => {}
            Err(error) => {
                result = Err(error);
                break;
            }
        }
        match record_of_line(&line, *ordinal, feed.redactor()) {
            Ok(record) => {
                // Time goes before the first record of a second, as in a replay: what waits for it,
                // decisions on templates and labels, must not wait for the end of the file.
                let second = record.time - record.time.rem_euclid(SECOND_NANOS);
                if second > *told {
                    *told = second;
                    feed.send(Input::Records(std::mem::take(&mut batch)));
                    feed.send(Input::Time(second));
                }
                batch.push(Box::new(record));
            }
            Err(error) => {
                result = Err(anyhow!(
                    "{name}:{number}: {error}; the lines before it were used"
                ));
                break;
            }
        }
        *ordinal += 1;
        source.packets += 1;
        source.bytes += line.len() as u64;
        if batch.len() >= RECORDS_PER_BATCH {
            if feed.stop.is_ordered() {
                break;
            }
            if !feed.send(Input::Records(std::mem::take(&mut batch))) {
                bail!("the analyzer stopped");
            }
        }
    }
    feed.send(Input::Records(batch));
    result
}
