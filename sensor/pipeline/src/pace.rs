//! The pace of a feed: when time's passing is told to the stages, and where the order of records
//! may be cut. It depends on the packets alone, so that it is the same for any number of workers.

use tapscope_decap::Timestamp;

/// Packet time between two looks at the timers. Fixed to packet time and not to batches, so that
/// a live run and a replay of the same packets do the same.
pub(crate) const TICK_NANOS: i64 = 100_000_000;

/// Packets after which the order is cut although time stands still: what was made of so many is
/// still in the processor's cache when it goes on, and a capture whose packets all have one time
/// does not make the merge hold everything.
const STEP_PACKETS: u32 = 512;

/// The same where the kernel deals packets out to several workers, each of which counts its own:
/// the order of their records is by time as long as none cuts it. 16,384 packets in a tenth of a
/// second are 2 Gbit/s.
const STEP_PACKETS_DEALT: u32 = 16_384;

/// What a packet's coming asks for before it is taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// Time has come to here.
    Time(Timestamp),
    /// Many packets came and time stands still.
    Step,
}

/// Follows the packets of a feed.
#[derive(Debug)]
pub(crate) struct Pace {
    next: Timestamp,
    latest: Timestamp,
    packets: u32,
    /// Packets after which the order is cut.
    step: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            next: Timestamp::from_nanos(i64::MIN),
            latest: Timestamp::default(),
            packets: 0,
            step: STEP_PACKETS,
        }
    }
}

impl Pace {
    /// C: the packets are a part of the feed's, as the kernel deals them out.
    pub(crate) const fn set_dealt(&mut self) {
        self.step = STEP_PACKETS_DEALT;
    }

    /// B: a packet of this time comes.
    pub(crate) fn tick(&mut self, timestamp: Timestamp) -> Option<Tick> {
        self.latest = self.latest.max(timestamp);
        if timestamp >= self.next {
            self.reach(timestamp);
            return Some(Tick::Time(timestamp.floor(TICK_NANOS)));
        }
        self.packets += 1;
        if self.packets < self.step {
            return None;
        }
        self.packets = 0;
        Some(Tick::Step)
    }

    /// B: time has come to `now` without a packet.
    pub(crate) fn reach(&mut self, now: Timestamp) {
        if now >= self.next {
            self.next = now.floor(TICK_NANOS) + TICK_NANOS;
            self.packets = 0;
        }
    }

    /// A: the latest packet time.
    pub(crate) const fn latest(&self) -> Timestamp {
        self.latest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn ticks_are_on_the_grid_and_not_on_the_packets() {
        let mut pace = Pace::default();
        assert_eq!(pace.tick(at(1_234)), Some(Tick::Time(at(1_200))));
        assert_eq!(pace.tick(at(1_299)), None);
        assert_eq!(pace.tick(at(1_250)), None);
        assert_eq!(pace.tick(at(1_300)), Some(Tick::Time(at(1_300))));
        assert_eq!(pace.tick(at(9_999)), Some(Tick::Time(at(9_900))));
        assert_eq!(pace.latest(), at(9_999));
    }

    #[test]
    fn packets_of_one_time_are_cut_all_the_same() {
        let steps = |mut pace: Pace, packets: u32| {
            let ticks = (0..packets).filter_map(|_| pace.tick(at(0)));
            ticks.filter(|tick| *tick == Tick::Step).count()
        };
        let mut dealt = Pace::default();
        dealt.set_dealt();
        assert_eq!(steps(Pace::default(), 3 * STEP_PACKETS), 2);
        assert_eq!(steps(dealt, 3 * STEP_PACKETS_DEALT), 2);
    }
}
