//! How time goes on while no packet comes.

use std::time::{SystemTime, UNIX_EPOCH};

use tapscope_decap::Timestamp;

/// Where packet time stands after a while without packets: as far on as the wall clock went, less
/// a margin for what is still on its way.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    latest: Timestamp,
    /// Wall clock at the latest packet.
    seen: Timestamp,
}

/// How far time is held back: a writer that hesitates must not make packets late.
const LAG_NANOS: i64 = 1_000_000_000;

impl Passing {
    /// B: a packet came.
    pub(crate) fn packet(&mut self, timestamp: Timestamp) {
        self.latest = self.latest.max(timestamp);
        self.seen = wall_clock();
    }

    /// A: the packet time that the wall clock's going on amounts to.
    pub(crate) fn now(&self) -> Timestamp {
        let passed = wall_clock().nanos_since(self.seen);
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        self.latest + passed.saturating_sub(LAG_NANOS).max(0)
    }
}

/// The time of day.
pub(crate) fn wall_clock() -> Timestamp {
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| {
            i64::try_from(elapsed.as_nanos()).unwrap_or(i64::MAX)
        });
    Timestamp::from_nanos(nanos)
}
