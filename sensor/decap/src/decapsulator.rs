//! The stage itself: a packet in, at most one segment out, everything else counted.

use crate::counters::{CounterValue, Counters, Refusal};
use crate::fragment::FragmentTable;
use crate::walk::{Protocol, Stop, Walk};
use crate::{DecapSettings, RawPacket, Segment, Timestamp, fast};

/// Peels packets.
///
/// Call [`Self::handle_packet`] for every packet in the order of the capture; the getters may be
/// called at any time.
#[derive(Debug)]
pub struct Decapsulator {
    settings: DecapSettings,
    counters: Counters,
    fragments: FragmentTable,
    /// The latest time seen: feeds merged from several clocks step back.
    clock: Timestamp,
}

impl Decapsulator {
    /// A decapsulator that has seen nothing.
    #[must_use]
    pub fn new(settings: DecapSettings) -> Self {
        Self {
            settings,
            counters: Counters::default(),
            fragments: FragmentTable::default(),
            clock: Timestamp::from_nanos(i64::MIN),
        }
    }

    /// The TCP segment of the innermost IP packet, when there is one.
    ///
    /// The segment borrows from the packet, or from this stage when the packet completed a
    /// fragmented datagram.
    pub fn handle_packet<'a>(&'a mut self, packet: RawPacket<'a>) -> Option<Segment<'a>> {
        self.counters.packets += 1;
        self.clock = self.clock.max(packet.timestamp);
        if let Some(segment) = fast::segment(&packet) {
            self.counters.segments += 1;
            return Some(segment);
        }
        let fragment = match Walk::new(&self.settings, packet).run_from_link() {
            Ok(segment) => {
                self.counters.segments += 1;
                return Some(segment);
            }
            Err(Stop::Refused(refusal)) => {
                self.refuse(refusal);
                return None;
            }
            Err(Stop::Fragment(fragment)) => fragment,
        };
        let inserted =
            self.fragments
                .insert(fragment, self.clock, &self.settings, &mut self.counters);
        let resume = match inserted {
            Ok(resume) => resume,
            Err(refusal) => {
                self.refuse(refusal);
                return None;
            }
        };
        let next = Protocol::Transport(resume.protocol);
        let walk = Walk::resume(&self.settings, packet, resume, self.fragments.whole());
        let refusal = match walk.run(next) {
            Ok(segment) => {
                self.counters.segments += 1;
                return Some(segment);
            }
            Err(Stop::Refused(refusal)) => refusal,
            // Fragments inside fragments: nobody's network, and the buffer is in use.
            Err(Stop::Fragment(_)) => Refusal::FragmentRefused,
        };
        self.counters
            .refuse(refusal, self.settings.unknown_numbers_max);
        None
    }

    /// Every counter of the stage, in a fixed order.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterValue> {
        self.counters.values()
    }

    /// Bytes held for unfinished datagrams.
    #[must_use]
    pub const fn retained_bytes(&self) -> usize {
        self.fragments.retained_bytes()
    }

    fn refuse(&mut self, refusal: Refusal) {
        self.counters
            .refuse(refusal, self.settings.unknown_numbers_max);
    }
}
