//! `tapscope serve`: the API and the page of a store, without taking in traffic.

use anyhow::{Result, bail};

use crate::cli::{Analysis, Serve};
use crate::config::Settings;
use crate::product::Product;

/// Serves until told to stop.
pub(crate) fn execute(arguments: &Serve, settings: &Settings) -> Result<()> {
    if !arguments.store.exists() {
        bail!(
            "{0}: there is no store here; `tapscope replay FILE --store {0}` makes one",
            arguments.store.display()
        );
    }
    let analysis = Analysis {
        store: Some(arguments.store.clone()),
        ..Analysis::default()
    };
    Product::new(settings, &analysis)?
        .listening(arguments.listen)
        .remaining()
        .run(|_| Ok(()))?;
    Ok(())
}
