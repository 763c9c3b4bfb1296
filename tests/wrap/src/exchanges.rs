//! The sensor over packets, and whether two runs say the same.

use tapscope_http::{Encapsulation, ExchangeId, HttpExchange, Timestamp};
use tapscope_pipeline::{Worker, WorkerSettings};

use crate::kinds::Kind;
use crate::packet::Packet;

/// What the sensor makes of packets.
pub struct Seen {
    /// The exchanges in the order in which they were reported, without their peeled stacks.
    pub exchanges: Vec<HttpExchange>,
    /// How many of them came with a peeled stack.
    pub encapsulated: usize,
}

fn run<'a>(packets: impl Iterator<Item = std::borrow::Cow<'a, [Packet]>>) -> Seen {
    let mut exchanges = Vec::new();
    let mut encapsulated = 0;
    let mut worker = Worker::new(&WorkerSettings::default(), |mut exchange: HttpExchange| {
        encapsulated += usize::from(!exchange.encapsulation.is_empty());
        exchange.encapsulation = Encapsulation::default();
        exchanges.push(exchange);
    });
    for group in packets {
        for packet in group.iter() {
            worker.handle_packet(packet.raw());
        }
    }
    worker.flush();
    drop(worker);
    Seen {
        exchanges,
        encapsulated,
    }
}

/// The exchanges of packets as they are.
#[must_use]
pub fn plain(packets: &[Packet]) -> Seen {
    run(std::iter::once(std::borrow::Cow::Borrowed(packets)))
}

/// The exchanges of the same packets inside an encapsulation.
#[must_use]
pub fn wrapped(packets: &[Packet], kind: &Kind) -> Seen {
    let serials = (1..=u16::MAX).cycle();
    run(packets
        .iter()
        .zip(serials)
        .map(|(packet, serial)| kind.wrap(packet, serial).into()))
}

/// The first difference between what two runs said.
#[must_use]
pub fn difference(expected: &[HttpExchange], found: &[HttpExchange]) -> Option<String> {
    if expected.len() != found.len() {
        return Some(format!(
            "{} exchanges and not {}",
            found.len(),
            expected.len()
        ));
    }
    let (expected, found) = expected.iter().zip(found).find(|(a, b)| a != b)?;
    Some(format!("found {found:?}\nand not {expected:?}"))
}

/// What an exchange says, whenever it was seen and however it is numbered.
fn said(exchange: &HttpExchange) -> String {
    let mut exchange = exchange.clone();
    let epoch = Timestamp::from_nanos(0);
    exchange.reported = epoch;
    exchange.id = ExchangeId {
        connection: 0,
        ordinal: 0,
    };
    if let Some(request) = &mut exchange.request {
        (request.started, request.ended) = (epoch, epoch);
    }
    if let Some(response) = &mut exchange.response {
        (response.started, response.ended) = (epoch, epoch);
    }
    format!("{exchange:?}")
}

/// Two texts from a little before the place where they part.
fn parting<'a>(a: &'a str, b: &'a str) -> (&'a str, &'a str) {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    let from = same.saturating_sub(60);
    (a.get(from..).unwrap_or(a), b.get(from..).unwrap_or(b))
}

/// The first of what two runs said that only one of them says.
#[must_use]
pub fn difference_in_words(expected: &[HttpExchange], found: &[HttpExchange]) -> Option<String> {
    let sorted = |exchanges: &[HttpExchange]| {
        let mut said: Vec<_> = exchanges.iter().map(said).collect();
        said.sort();
        said
    };
    let (expected, found) = (sorted(expected), sorted(found));
    let only = |some: &[String], others: &[String]| {
        let missing = some.iter().find(|it| others.binary_search(it).is_err());
        missing
            .cloned()
            .unwrap_or_else(|| "only how often".to_owned())
    };
    (expected != found).then(|| {
        let (new, old) = (only(&found, &expected), only(&expected, &found));
        let (new, old) = parting(&new, &old);
        format!(
            "{} exchanges and {}: found …{new}\nand not …{old}",
            found.len(),
            expected.len(),
        )
    })
}
