//! Which exchanges of a live feed go without a record while the product cannot keep up.
//!
//! What falls behind loses something: better the record of one more call of what was just looked
//! at than packets, whose loss tears messages and connections. What is rare and what is new has its
//! record; of what is frequent, a few calls in each while have. Everything that goes without is
//! counted. A file waits, so nothing of it is shed.

use core::hash::BuildHasher as _;

use foldhash::quality::RandomState;
use tapscope_decap::Timestamp;
use tapscope_http::{CounterValue, HttpExchange, Part};

/// Places in which calls are counted by kind. Kinds that share one are taken for one: at four
/// times as many kinds as a large host has, few do.
const PLACES: usize = 16_384;

/// Calls of a kind that have a record in each while, however far behind the product is.
const KEPT: u8 = 16;

/// The while (packet time) in which a kind's count is forgotten by half.
const MEMORY_NANOS: i64 = 10_000_000_000;

/// A segment of a path that is longer and has a digit is a value, and no name: `v2` is one.
const NAME_BYTES_MAX: usize = 3;

/// How far behind the product is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backlog {
    /// It keeps up.
    #[default]
    None,
    /// It falls behind: what is frequent goes without a record.
    Behind,
    /// There is no room for another record.
    Full,
}

/// Chooses what goes without a record, and counts it.
#[derive(Debug)]
pub struct Shedding {
    /// Seeded by chance, so that nobody can send what shares a place with what is to be hidden.
    /// A live feed is never the same twice, and nothing else is shed.
    hasher: RandomState,
    /// Calls that had a record, by kind.
    kept: Vec<u8>,
    /// When counts are halved next.
    forget: Timestamp,
    frequent: u64,
    no_room: u64,
}

impl Default for Shedding {
    fn default() -> Self {
        Self {
            hasher: RandomState::default(),
            kept: vec![0; PLACES],
            forget: Timestamp::default(),
            frequent: 0,
            no_room: 0,
        }
    }
}

impl Shedding {
    /// C: whether that exchange is to go without a record; it is counted then.
    pub fn sheds(&mut self, exchange: &HttpExchange, backlog: Backlog) -> bool {
        if exchange.reported >= self.forget {
            self.forget = exchange.reported + MEMORY_NANOS;
            self.kept.iter_mut().for_each(|count| *count /= 2);
        }
        if backlog == Backlog::Full {
            self.no_room += 1;
            return true;
        }
        if exchange.part != Part::Whole {
            // What goes on for long is rare, and the reports of it belong together.
            return false;
        }
        let kind = kind(exchange, self.hasher.build_hasher());
        let place = usize::try_from(kind % PLACES as u64).unwrap_or_default();
        let Some(kept) = self.kept.get_mut(place) else {
            return false;
        };
        if backlog == Backlog::Behind && *kept >= KEPT {
            self.frequent += 1;
            return true;
        }
        *kept = kept.saturating_add(1);
        false
    }

    /// A: what went without a record, by reason.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterValue> {
        let of = |reason: &str, value| CounterValue {
            name: "pipeline_exchanges_shed_total",
            reason: Some(reason.to_owned()),
            value,
        };
        vec![of("frequent", self.frequent), of("no_room", self.no_room)]
    }
}

/// Names what a call asks for and how it is answered, with the values in the path left out.
fn kind(exchange: &HttpExchange, mut hasher: impl core::hash::Hasher) -> u64 {
    if let Some(request) = &exchange.request {
        hasher.write(request.head.slice(request.method));
        hasher.write(request.head.header("host").unwrap_or_default());
        let target = request.head.slice(request.target);
        let path = target.split(|&byte| byte == b'?').next();
        for segment in path.unwrap_or_default().split(|&byte| byte == b'/') {
            hasher.write_u8(b'/');
            let is_value = segment.len() > NAME_BYTES_MAX && segment.iter().any(u8::is_ascii_digit);
            hasher.write(if is_value { b"#" } else { segment });
        }
    }
    let status = exchange.response.as_ref().map(|response| response.status);
    hasher.write_u16(status.unwrap_or_default());
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapscope_http::{
        Anomalies, Body, BodyEnd, Encapsulation, ExchangeId, HeadBytes, Pairing, Part, Protocol,
        Response, Version,
    };

    fn answer(status: u16, seconds: i64) -> HttpExchange {
        let at = Timestamp::from_nanos(seconds * 1_000_000_000);
        HttpExchange {
            id: ExchangeId {
                connection: 1,
                ordinal: 1,
            },
            client: ([10, 0, 0, 1], 40_000).into(),
            server: ([10, 0, 0, 2], 80).into(),
            encapsulation: Encapsulation::default(),
            protocol: Protocol::Http1,
            request: None,
            response: Some(Box::new(Response {
                head: HeadBytes::default(),
                status,
                version: Version::Http11,
                body: Body {
                    length: 0,
                    missing: 0,
                    sample: Vec::new(),
                    end: BodyEnd::Complete,
                },
                started: at,
                ended: at,
                interim: 0,
                anomalies: Anomalies::new(),
                readings: None,
            })),
            messages: None,
            pairing: Pairing::Unpaired,
            part: Part::Whole,
            reported: at,
        }
    }

    #[test]
    fn what_is_frequent_gives_way_to_what_is_new() {
        let mut shedding = Shedding::default();
        let mut kept = |status, seconds, backlog| {
            let exchanges = (0..100).map(|_| answer(status, seconds));
            exchanges
                .filter(|exchange| !shedding.sheds(exchange, backlog))
                .count()
        };
        assert_eq!(kept(200, 1, Backlog::None), 100);
        assert_eq!(kept(200, 2, Backlog::Behind), 0);
        assert_eq!(kept(404, 2, Backlog::Behind), usize::from(KEPT));
        assert_eq!(kept(500, 2, Backlog::Full), 0);
        // What was frequent is looked at again some time later.
        assert_eq!(kept(404, 20, Backlog::Behind), usize::from(KEPT) / 2);
        assert_eq!(kept(200, 1_000, Backlog::None), 100);
        let counted: Vec<u64> = shedding.counters().iter().map(|c| c.value).collect();
        assert_eq!(counted, [276, 100]);
    }
}
