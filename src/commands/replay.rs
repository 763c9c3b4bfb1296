//! `tapscope replay`: captures through the same pipeline, on the packets' time.

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use tapscope_capture::{CaptureError, FileSource, PacketSource, StopHandle, tcp};

use crate::cli::Replay;
use crate::config::Settings;
use crate::product::{Product, is_stdin};

/// Runs the captures through and tells what came out.
pub(crate) fn execute(arguments: &Replay, settings: &Settings) -> Result<()> {
    let product = Product::new(settings, &arguments.analysis)?.serving(&arguments.serving);
    let show_inventory = !product.keeps() && !arguments.serving.serve;
    let workers = settings.workers(arguments.workers, 1);
    let files = arguments.files.clone();
    let stop = product.stop();
    let outcome = product.run(move |feed| {
        let bar = progress_bar();
        let sources = files.iter().map(|file| {
            bar.set_message(file.display().to_string());
            bar.set_position(0);
            let source = open(file, &stop);
            source.map(|source| Box::new(source) as Box<dyn PacketSource>)
        });
        let result = feed.packets(settings, workers, sources, &mut |source| {
            show_progress(&bar, source);
        });
        bar.finish_and_clear();
        result
    })?;
    if show_inventory {
        super::listing::print_inventory(&outcome.kept)?;
    }
    super::summarize(&outcome)
}

/// Opens a capture: a file, a pipe, standard input, or a stream over TCP.
fn open(path: &Path, stop: &StopHandle) -> Result<FileSource, CaptureError> {
    let name = path.display().to_string();
    if let Some(address) = name.strip_prefix("tcp://") {
        return tcp::connect(address, stop);
    }
    if !is_stdin(path) {
        return if is_stream(path) {
            let pipe = File::open(path).map_err(|error| CaptureError::Unreadable {
                name: name.clone(),
                reason: error.to_string(),
            })?;
            FileSource::arriving(&name, "pipe", pipe, stop.clone())
        } else {
            FileSource::open(path)
        };
    }
    if is_stream(Path::new("/dev/stdin")) {
        FileSource::arriving("-", "pipe", std::io::stdin(), stop.clone())
    } else {
        FileSource::open(path)
    }
}

/// Whether somebody may still be writing into it.
fn is_stream(path: &Path) -> bool {
    let kind = fs::metadata(path).map(|metadata| metadata.file_type());
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket() || kind.is_char_device())
}

/// A bar on a terminal, nothing elsewhere.
pub(crate) fn progress_bar() -> ProgressBar {
    let bar = ProgressBar::new(0);
    let style = "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta}";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn show_progress(bar: &ProgressBar, source: &dyn PacketSource) {
    if let Some((read, size)) = source.progress() {
        bar.set_length(size);
        bar.set_position(read);
    }
}
