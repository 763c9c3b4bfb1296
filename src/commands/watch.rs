//! `tapscope watch`: live interfaces, everything in one process.

use anyhow::{Result, bail};
#[cfg(feature = "live")]
use tapscope_capture::{
    CaptureError, LiveSettings, LiveSource, PacketSource, StopHandle, TcpSource, open_workers,
};

use crate::cli::Watch;
#[cfg(feature = "live")]
use crate::commands::doctor::{check::looks_at_outer_headers, glance};
use crate::config::Settings;
#[cfg(feature = "live")]
use crate::product::Product;

/// Watches until told to stop.
#[cfg(feature = "live")]
pub(crate) fn execute(arguments: &Watch, settings: &Settings) -> Result<()> {
    let interfaces = match &arguments.interface[..] {
        [] => settings.interfaces.clone(),
        named => named.to_vec(),
    };
    let streams = match &arguments.pcap_over_ip[..] {
        [] => &settings.pcap_over_ip[..],
        named => named,
    };
    if interfaces.is_empty() && streams.is_empty() {
        bail!(
            "nothing to watch; name an interface with -i IFACE or capture.interfaces, or a stream with \
             --pcap-over-ip HOST:PORT"
        );
    }
    let product = Product::new(settings, &arguments.analysis)?
        .listening(arguments.listen)
        .watching();
    if !product.keeps() {
        tracing::warn!("nothing is kept when this ends; --store PATH keeps it");
    }
    let filter = arguments
        .filter
        .clone()
        .or_else(|| settings.live.filter.clone());
    let live = LiveSettings {
        filter,
        ..settings.live.clone()
    };
    let workers = settings.workers(arguments.workers, usual_workers());
    // Opened first: whoever reads that we listen may rely on every packet from then on.
    let mut sources: Vec<Box<dyn PacketSource>> = Vec::new();
    if !interfaces.is_empty() {
        for source in open(&interfaces, &live, workers, &product.stop())? {
            sources.push(Box::new(source));
        }
    }
    for address in streams {
        sources.push(Box::new(TcpSource::new(address, product.stop())));
    }
    if let Some(filter) = live.filter.as_deref().filter(|f| looks_at_outer_headers(f)) {
        for name in &interfaces {
            let (name, filter, live) = (name.clone(), filter.to_owned(), live.clone());
            let worker = settings.worker.share(16);
            std::thread::spawn(move || glance(&name, &filter, &live, &worker));
        }
    }
    let outcome = product.run(|feed| feed.live(settings, workers, sources))?;
    super::summarize(&outcome)
}

/// Opens the interfaces for every worker, or once where the kernel cannot deal packets out.
#[cfg(feature = "live")]
fn open(
    interfaces: &[String],
    live: &LiveSettings,
    workers: usize,
    stop: &StopHandle,
) -> Result<Vec<LiveSource>> {
    let mut sources = match open_workers(interfaces, live, workers, stop) {
        Err(error @ CaptureError::NoFanout { .. }) => {
            tracing::warn!("{error}; one thread reads and deals them out instead");
            vec![LiveSource::open(interfaces, live, stop.clone())?]
        }
        opened => opened?,
    };
    for stats in sources.iter_mut().flat_map(PacketSource::stats) {
        if (1..stats.ring_bytes_wanted).contains(&stats.ring_bytes) {
            tracing::warn!(
                "{}: the kernel gave a ring of {} bytes instead of {}; ask for less \
                 (capture.ring_bytes), fewer workers, or free memory",
                stats.name,
                stats.ring_bytes,
                stats.ring_bytes_wanted
            );
        }
    }
    Ok(sources)
}

/// Workers when nobody says how many: one for each processor, few enough that their rings do not
/// take all memory.
#[cfg(feature = "live")]
fn usual_workers() -> usize {
    std::thread::available_parallelism().map_or(1, |count| count.get().min(4))
}

/// Says that this build cannot.
#[cfg(not(feature = "live"))]
pub(crate) fn execute(_: &Watch, _: &Settings) -> Result<()> {
    bail!("this tapscope was built without live capture; build it with the feature `live`")
}
