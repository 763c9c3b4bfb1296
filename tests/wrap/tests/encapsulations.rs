//! A slice of the sample in every encapsulation: the exchanges are those of the plain run, to the
//! last field.

use std::path::PathBuf;

use tapscope_wrap::exchanges::{difference, plain, wrapped};
use tapscope_wrap::kinds::KINDS;
use tapscope_wrap::packet::read;

/// Packets of the slice: some hundred exchanges on kept connections.
const PACKETS: usize = 1_500;

#[test]
fn every_encapsulation_gives_the_exchanges_of_the_plain_run() {
    let sample = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../samples/shop.pcap.zst");
    let packets = read(&sample, PACKETS).unwrap();
    let expected = plain(&packets);
    assert!(expected.exchanges.len() > 100);
    assert_eq!(expected.encapsulated, 0);
    for kind in KINDS {
        let found = wrapped(&packets, kind);
        let difference = difference(&expected.exchanges, &found.exchanges);
        assert_eq!(difference, None, "{}", kind.name);
        // What changes only the link layer leaves no stack; everything else must have left one.
        let is_bare = found.encapsulated == 0;
        let is_link = kind.name.starts_with("linktype_") || kind.name == "llc_snap";
        assert_eq!(
            is_bare,
            is_link && kind.name != "linktype_radiotap",
            "{}",
            kind.name
        );
    }
}
