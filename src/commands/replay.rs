//! `tapscope replay`: captures through the same pipeline, on the packets' time.

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use tapscope_capture::{FileSource, PacketSource};

use crate::cli::Replay;
use crate::config::Settings;
use crate::product::{Product, is_stdin};
use crate::stdin::Stoppable;

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
            let source = if is_stdin(file) {
                let input = Stoppable::new(std::io::stdin(), stop.clone());
                FileSource::from_reader("-", Box::new(input), None)
            } else {
                FileSource::open(file)
            };
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
