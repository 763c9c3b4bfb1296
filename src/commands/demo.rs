//! `tapscope demo`: the sample capture, recorded from a real server and real clients, through the
//! whole product, with its page served.

use std::io::Cursor;

use anyhow::Result;
use tapscope_capture::{FileSource, PacketSource};

use crate::cli::{Analysis, Demo};
use crate::config::Settings;
use crate::product::Product;

/// The sample, so that the demo needs nothing but the binary. `samples/README.md` tells how it
/// was made and what is in it.
const CAPTURE: &[u8] = include_bytes!("../../samples/shop.pcap.zst");

/// The OpenAPI document the sample's owners would have.
const SPECIFICATION: &str = include_str!("../../samples/shop.openapi.yaml");

/// Replays the sample and serves it until told to stop.
pub(crate) fn execute(arguments: &Demo, settings: &Settings) -> Result<()> {
    let mut product = Product::new(settings, &Analysis::default())?
        .specification("shop.openapi.yaml", SPECIFICATION)
        .listening(arguments.listen)
        .remaining();
    if arguments.listen.is_none() {
        product = product.any_port();
    }
    product.run(|feed| {
        let size = CAPTURE.len() as u64;
        let source = FileSource::from_reader("sample", Box::new(Cursor::new(CAPTURE)), Some(size))
            .map(|source| Box::new(source) as Box<dyn PacketSource>);
        feed.packets(settings, 1, std::iter::once(source), &mut |_| {})
    })?;
    Ok(())
}
