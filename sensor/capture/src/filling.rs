//! How much of a ring is waiting to be read. The kernel does not tell; it follows from how fast
//! packets came and how long ago the last one came that was read.

use tapscope_decap::Timestamp;

/// Bytes of a ring that each packet takes beside its own: the kernel's header, the address, and
/// what rounding up adds.
const PACKET_OVERHEAD_BYTES: u64 = 96;

/// Packet time over which the rate is taken: as long as packets wait in a block that is not full,
/// for what is shorter than that comes in leaps.
const SPAN_NANOS: i64 = 50_000_000;

/// Parts of a hundred.
const WHOLE: u128 = 100;

/// Follows one ring.
#[derive(Debug, Default)]
pub(crate) struct Filling {
    /// Where the span began that is being measured.
    since: Timestamp,
    /// Bytes that came in it.
    bytes: u64,
    /// Bytes and nanoseconds of the span before.
    rate: (u64, u64),
    /// Packets were left when the ring was last read.
    is_behind: bool,
}

impl Filling {
    /// B: a packet of that many captured bytes was read.
    pub(crate) const fn handle_packet(&mut self, len: usize) {
        self.bytes += len as u64 + PACKET_OVERHEAD_BYTES;
    }

    /// B: the ring was read up to a packet of that time; tells whether packets were left.
    pub(crate) fn handle_read(&mut self, latest: Timestamp, is_behind: bool) {
        self.is_behind = is_behind;
        let span = latest.nanos().saturating_sub(self.since.nanos());
        if span >= SPAN_NANOS {
            self.rate = (self.bytes, span.unsigned_abs());
            (self.since, self.bytes) = (latest, 0);
        }
    }

    /// A: how many parts of a hundred of a ring of `ring_bytes` wait, when the packets read last
    /// are that old.
    pub(crate) fn percent(&self, age_nanos: i64, ring_bytes: u64) -> u8 {
        if !self.is_behind || ring_bytes == 0 {
            return 0;
        }
        let (bytes, span) = self.rate;
        let waiting = u128::from(bytes) * u128::try_from(age_nanos).unwrap_or(0);
        let waiting = waiting / u128::from(span.max(1));
        u8::try_from((waiting * WHOLE / u128::from(ring_bytes)).min(WHOLE)).unwrap_or(100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: i64 = 1_000_000;

    #[test]
    fn what_waits_follows_from_rate_and_age() {
        let mut filling = Filling::default();
        let at = |millis: i64| Timestamp::from_nanos(1_000_000_000_000 + millis * MILLISECOND);
        filling.handle_read(at(0), true);
        // A hundred thousand bytes in a tenth of a second.
        for millis in 1..=100 {
            filling.handle_packet(1_000 - 96);
            filling.handle_read(at(millis), true);
        }
        assert_eq!(filling.percent(100 * MILLISECOND, 1_000_000), 10);
        assert_eq!(filling.percent(500 * MILLISECOND, 1_000_000), 50);
        assert_eq!(filling.percent(60_000 * MILLISECOND, 1_000_000), 100);
        assert_eq!(filling.percent(-MILLISECOND, 1_000_000), 0);
        assert_eq!(filling.percent(100 * MILLISECOND, 0), 0);
        // A ring that was read to its end holds nothing, however old its last packet is.
        filling.handle_read(at(101), false);
        assert_eq!(filling.percent(60_000 * MILLISECOND, 1_000_000), 0);
    }
}
