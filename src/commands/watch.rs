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
    let workers = settings.workers(arguments.workers, usual_workers());
    let rings = workers * interfaces.len();
    let usual = usual_ring(settings.memory_bytes, rings);
    let live = LiveSettings {
        filter,
        ring_bytes: settings.ring_bytes.unwrap_or(usual),
        ..settings.live.clone()
    };
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

/// Bytes of a ring when nobody says how many: a quarter of the cap on memory for all of them, which
/// by default holds nearly a second of 3 Gbit/s; each large enough for a burst, and none larger than
/// helps a machine that is too slow.
#[cfg(feature = "live")]
fn usual_ring(memory_bytes: usize, rings: usize) -> u32 {
    let share = memory_bytes / 4 / rings.max(1);
    u32::try_from(share.clamp(32 << 20, 512 << 20)).unwrap_or(512 << 20)
}

/// Says that this build cannot.
#[cfg(not(feature = "live"))]
pub(crate) fn execute(_: &Watch, _: &Settings) -> Result<()> {
    bail!("this tapscope was built without live capture; build it with the feature `live`")
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::usual_ring;

    #[test]
    fn rings_have_a_quarter_of_the_cap() {
        assert_eq!(usual_ring(1 << 30, 1), 256 << 20);
        assert_eq!(usual_ring(1 << 30, 4), 64 << 20);
        assert_eq!(usual_ring(64 << 20, 4), 32 << 20);
        assert_eq!(usual_ring(64 << 30, 1), 512 << 20);
    }
}
