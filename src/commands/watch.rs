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
    let live = LiveSettings {
        filter,
        ..settings.live.clone()
    };
    // Opened first: whoever reads that we listen may rely on every packet from then on.
    let source = LiveSource::open(&interfaces, &live, product.stop())?;
    let source: Box<dyn PacketSource> = Box::new(source);
    let outcome =
        product.run(|feed| feed.packets(settings, std::iter::once(Ok(source)), &mut |_| {}))?;
    super::summarize(&outcome)
}

/// Says that this build cannot.
#[cfg(not(feature = "live"))]
pub(crate) fn execute(_: &Watch, _: &Settings) -> Result<()> {
    bail!("this tapscope was built without live capture; build it with the feature `live`")
}
