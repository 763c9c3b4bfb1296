//! A slice of each recorded capture, disturbed in every way that loses nothing: the exchanges are
//! those of the plain run.
//!
//! `DISTURB_SEEDS` sets how many draws each gets.

use std::path::PathBuf;

use tapscope_http::HttpExchange;
use tapscope_wrap::disturb::DISTURBANCES;
use tapscope_wrap::exchanges::{difference, difference_in_words, plain};
use tapscope_wrap::packet::{Packet, read};

/// Packets of a slice: some hundred exchanges on kept connections.
const PACKETS: usize = 1_500;

/// Leaves connections out that switch protocols: a 101 that overtakes earlier requests ends HTTP/1
/// before they come, and they stay without response.
fn without_switches(packets: Vec<Packet>) -> Vec<Packet> {
    let is_switch =
        |seen: &&HttpExchange| seen.response.as_ref().is_some_and(|it| it.status == 101);
    let seen = plain(&packets).exchanges;
    let ports: Vec<u16> = seen
        .iter()
        .filter(is_switch)
        .map(|it| it.client.port())
        .collect();
    let is_of = |it: &Packet| {
        it.ports()
            .is_some_and(|of| ports.iter().any(|it| of.contains(it)))
    };
    packets.into_iter().filter(|it| !is_of(it)).collect()
}

#[test]
fn every_disturbance_gives_the_exchanges_of_the_plain_run() {
    let seeds = std::env::var("DISTURB_SEEDS").map_or(3, |text| text.parse().unwrap());
    for (file, least) in [
        ("samples/shop.pcap.zst", 100),
        ("tests/styles/styles.pcap.zst", 15),
    ] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(file);
        let packets = without_switches(read(&path, PACKETS).unwrap());
        let expected = plain(&packets).exchanges;
        assert!(expected.len() >= least, "{}", expected.len());
        for disturbance in DISTURBANCES {
            for seed in 0..seeds {
                let found = plain(&disturbance.apply(&packets, seed)).exchanges;
                let difference = if disturbance.is_exact {
                    difference(&expected, &found)
                } else {
                    difference_in_words(&expected, &found)
                };
                assert_eq!(difference, None, "{file}: {} {seed}", disturbance.name);
            }
        }
    }
}
