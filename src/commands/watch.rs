//! `tapscope watch`: live interfaces, everything in one process.

use anyhow::{Result, bail};

use crate::cli::Watch;
use crate::config::Settings;

/// Watches until told to stop.
#[cfg(feature = "live")]
pub(crate) fn execute(arguments: &Watch, settings: &Settings) -> Result<()> {
    use tapscope_capture::{LiveSettings, LiveSource, PacketSource};

    use crate::product::Product;

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
    let source = LiveSource::open(&interfaces, &live, product.stop())?;
    let source: Box<dyn PacketSource> = Box::new(source);
    let outcome = product
        .run(|feed| feed.packets(settings, workers, std::iter::once(Ok(source)), &mut |_| {}))?;
    super::summarize(&outcome)
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
