//! The stage itself: a packet in, at most one segment out, everything else counted.

use crate::counters::{CounterValue, Counters, Refusal};
use crate::feed::Undecoded;
use crate::filter::Filter;
use crate::fragment::{Fragment, FragmentTable};
use crate::walk::{Protocol, Resume, Stop, Walk};
use crate::{DecapSettings, Encapsulation, FeedKey, RawPacket, Segment, Timestamp, fast};

/// Peels packets.
///
/// Call [`Self::handle_packet`] for every packet in the order of the capture; the getters may be
/// called at any time.
#[derive(Debug)]
pub struct Decapsulator {
    settings: DecapSettings,
    filter: Filter,
    counters: Counters,
    fragments: FragmentTable,
    /// The latest time seen: feeds merged from several clocks step back.
    clock: Timestamp,
    undecoded: Undecoded,
    /// Which source packets come from.
    source: u32,
}

/// A packet that gave no segment, and what was peeled of it.
struct Refused {
    refusal: Refusal,
    encapsulation: Encapsulation,
}

impl Decapsulator {
    /// A decapsulator that has seen nothing.
    #[must_use]
    pub fn new(settings: DecapSettings) -> Self {
        Self {
            settings,
            filter: Filter::default(),
            counters: Counters::default(),
            fragments: FragmentTable::default(),
            clock: Timestamp::from_nanos(i64::MIN),
            undecoded: Undecoded::default(),
            source: 0,
        }
    }

    /// The TCP segment of the innermost IP packet, when there is one and the filter wants it.
    ///
    /// The segment borrows from the packet, or from this stage when the packet completed a
    /// fragmented datagram.
    pub fn handle_packet<'a>(&'a mut self, packet: RawPacket<'a>) -> Option<Segment<'a>> {
        self.counters.packets += 1;
        self.clock = self.clock.max(packet.timestamp);
        // The usual packet leaves by the shortest way: every move of a segment is a copy.
        if self.filter.is_empty()
            && let Some(segment) = fast::segment(&packet)
        {
            self.counters.segments += 1;
            return Some(segment);
        }
        self.handle_any(packet)
    }

    /// The packet that is not usual, or that the filter has a say in.
    #[inline(never)]
    fn handle_any<'a>(&'a mut self, packet: RawPacket<'a>) -> Option<Segment<'a>> {
        let Self {
            settings,
            filter,
            counters,
            fragments,
            clock,
            undecoded,
            source,
        } = self;
        // Without a filter the fast path was tried already.
        let usual = if filter.is_empty() {
            None
        } else {
            fast::segment(&packet)
        };
        let segment = match usual {
            Some(segment) => Ok(segment),
            None => peel(settings, counters, fragments, *clock, packet),
        };
        let interface = packet.interface;
        let refusal = match segment {
            Ok(segment) => match filter.verdict(&segment) {
                None => {
                    counters.segments += 1;
                    return Some(segment);
                }
                Some(filtered) => Refusal::Filtered(filtered),
            },
            Err(refused) => {
                if refused.refusal.may_hide_connections() {
                    let feed = FeedKey::of(*source, interface, &refused.encapsulation);
                    undecoded.add(feed, settings.undecoded_feeds_max);
                }
                refused.refusal
            }
        };
        counters.refuse(refusal, settings.unknown_numbers_max);
        None
    }

    /// C: another filter from the next packet on; counts of rules that stay go on.
    pub fn set_filter(&mut self, filter: Filter) {
        self.counters.change_filter(&self.filter, &filter);
        self.filter = filter;
    }

    /// C: packets from here on come from that source, counted from 0 over the run.
    pub const fn set_source(&mut self, source: u32) {
        self.source = source;
    }

    /// A: packets of each feed with a layer that is not decoded and that may hide connections; the
    /// one without key takes what found no place.
    #[must_use]
    pub fn undecoded(&self) -> Vec<(Option<FeedKey>, u64)> {
        self.undecoded.values()
    }

    /// Every counter of the stage, in a fixed order.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterValue> {
        self.counters.values(&self.filter)
    }

    /// Bytes held for unfinished datagrams.
    #[must_use]
    pub const fn retained_bytes(&self) -> usize {
        self.fragments.retained_bytes()
    }
}

/// Everything but the fast path.
#[inline]
fn peel<'a>(
    settings: &DecapSettings,
    counters: &mut Counters,
    fragments: &'a mut FragmentTable,
    now: Timestamp,
    packet: RawPacket<'a>,
) -> Result<Segment<'a>, Refused> {
    let mut walk = Walk::new(settings, packet);
    let stop = match walk.run_from_link() {
        Ok(segment) => return Ok(segment),
        Err(stop) => stop,
    };
    let inside = match stop {
        Stop::Refused(refusal) => Err(refusal),
        Stop::Fragment(fragment) => {
            reassembled(settings, counters, fragments, now, packet, fragment)
        }
    };
    inside.map_err(|refusal| Refused {
        refusal,
        encapsulation: walk.encapsulation,
    })
}

/// The segment of a datagram that this fragment completes.
fn reassembled<'a>(
    settings: &DecapSettings,
    counters: &mut Counters,
    fragments: &'a mut FragmentTable,
    now: Timestamp,
    packet: RawPacket<'a>,
    fragment: Fragment<'_>,
) -> Result<Segment<'a>, Refusal> {
    let mut resume = fragments.insert(fragment, now, settings, counters)?;
    // A tunnel's datagram in pieces may carry a piece of another. Each turn is deeper in the
    // budget of layers that the resumed walk brings along.
    loop {
        let whole = fragments.take_whole();
        let inner = match resumed(settings, packet, resume.clone(), &whole) {
            Err(Stop::Fragment(inner)) => {
                fragments.insert(inner, now, settings, counters).map(Some)
            }
            Err(Stop::Refused(refusal)) => Err(refusal),
            Ok(_) => Ok(None),
        };
        match inner? {
            Some(deeper) => resume = deeper,
            None => {
                fragments.restore_whole(whole);
                break;
            }
        }
    }
    // The segment must borrow from the table and not from the buffer that was out.
    resumed(settings, packet, resume, fragments.whole()).map_err(|stop| match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Fragment(_) => Refusal::FragmentRefused,
    })
}

fn resumed<'a>(
    settings: &DecapSettings,
    packet: RawPacket<'a>,
    at: Resume,
    whole: &'a [u8],
) -> Result<Segment<'a>, Stop<'a>> {
    let next = Protocol::Transport(at.protocol);
    Walk::resume(settings, packet, at, whole).run(next)
}
