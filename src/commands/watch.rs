//! `tapscope watch`: live interfaces, everything in one process.

use anyhow::{Result, bail};
#[cfg(feature = "live")]
use tapscope_capture::{
    CaptureError, LiveSettings, LiveSource, PacketSource, StopHandle, open_workers,
};

use crate::cli::Watch;
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
    if interfaces.is_empty() {
        bail!("no interface to watch; name one with -i IFACE or capture.interfaces");
    }
    let product = Product::new(settings, &arguments.analysis)?.listening(arguments.listen);
    if !product.keeps() {
        tracing::warn!("nothing is kept when this ends; --store PATH keeps it");
    }
    let filter = arguments
        .filter
        .clone()
        .or_else(|| settings.live.filter.clone());
    let port = arguments.listen.unwrap_or(settings.listen).port();
    let filter = without_own_traffic(filter, &interfaces, port);
    let live = LiveSettings {
        filter,
        ..settings.live.clone()
    };
    let workers = settings.workers(arguments.workers, usual_workers());
    // Opened first: whoever reads that we listen may rely on every packet from then on.
    let sources = open(&interfaces, &live, workers, &product.stop())?;
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

/// The filter, without the API's own traffic where a loopback capture would see it: a page that
/// shows its own requests would never come to rest.
#[cfg(feature = "live")]
fn without_own_traffic(filter: Option<String>, interfaces: &[String], port: u16) -> Option<String> {
    let loopback = interfaces.iter().any(|name| name == "lo" || name == "any");
    if !loopback || port == 0 {
        return filter;
    }
    let own = format!("not (tcp port {port} and host 127.0.0.1)");
    Some(match filter {
        Some(filter) => format!("({filter}) and {own}"),
        None => own,
    })
}

/// Says that this build cannot.
#[cfg(not(feature = "live"))]
pub(crate) fn execute(_: &Watch, _: &Settings) -> Result<()> {
    bail!("this tapscope was built without live capture; build it with the feature `live`")
}

#[cfg(all(test, feature = "live"))]
mod tests {
    use super::*;

    #[test]
    fn own_traffic_is_left_out_on_loopback_only() {
        let names = |names: &[&str]| {
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>()
        };
        let user = Some("tcp port 80 or udp".to_owned());
        assert_eq!(without_own_traffic(None, &names(&["eth0"]), 1), None);
        assert_eq!(
            without_own_traffic(user.clone(), &names(&["eth0"]), 1),
            user
        );
        assert_eq!(
            without_own_traffic(user, &names(&["eth0", "lo"]), 7878).as_deref(),
            Some("(tcp port 80 or udp) and not (tcp port 7878 and host 127.0.0.1)")
        );
        assert_eq!(
            without_own_traffic(None, &names(&["any"]), 7878).as_deref(),
            Some("not (tcp port 7878 and host 127.0.0.1)")
        );
    }
}
