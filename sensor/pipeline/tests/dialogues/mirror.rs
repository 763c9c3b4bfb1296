//! The mirror port between tap and sensor: it drops, copies, delays and reorders packets, brings
//! one direction only, and its clock steps.

use crate::network::Packet;
use crate::random::Random;

const MILLISECOND: i64 = 1_000_000;

/// What the mirror does, each in a hundred packets.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mirror {
    pub(crate) drops: usize,
    pub(crate) copies: usize,
    pub(crate) reorders: usize,
    /// Copies that come much later than their originals.
    pub(crate) late_copies: usize,
    /// Packets before which nothing is sent for longer than the grace of a hole.
    pub(crate) pauses: usize,
    /// Packets before which the clock of the capture steps.
    pub(crate) steps: usize,
    /// Copies are taken in the same place, so that they passed no router more.
    pub(crate) in_place: bool,
    /// The side whose packets the mirror does not bring.
    pub(crate) without: Option<bool>,
}

impl Mirror {
    /// Whether every packet comes within the grace of a hole.
    pub(crate) const fn loses_nothing(self) -> bool {
        self.drops == 0 && self.reorders == 0 && self.steps == 0 && self.without.is_none()
    }
}

/// A packet that the sensor gets, and how much later than the one before.
pub(crate) struct Arrival {
    pub(crate) packet: Packet,
    pub(crate) after: i64,
    pub(crate) is_copy: bool,
}

/// What the sensor gets, in order, and for each packet of the tap whether it was dropped.
pub(crate) fn pass(
    random: &mut Random,
    mirror: Mirror,
    tap: &[Packet],
) -> (Vec<Arrival>, Vec<bool>) {
    let mut ranked: Vec<(usize, Packet, bool)> = Vec::new();
    let mut dropped = Vec::new();
    // Of a fast open whose handshake was not seen nobody can tell that a request was in it.
    let is_syn = |packet: &Packet| packet.flags & 2 != 0;
    let opens_fast = tap.iter().any(|it| is_syn(it) && !it.data.is_empty());
    for (index, packet) in tap.iter().enumerate() {
        let drops = random.chance(mirror.drops) && !(opens_fast && is_syn(packet))
            || mirror.without == Some(packet.from_client);
        dropped.push(drops);
        if drops {
            continue;
        }
        for copy in 0..=usize::from(random.chance(mirror.copies)) {
            // A round trip passes between the packets of a handshake: none overtakes the other.
            let mut late = if index > 2 && random.chance(mirror.reorders) {
                1 + random.below(5)
            } else {
                0
            };
            // A SYN that comes again after the end with a number that was given up is another's.
            let may_be_late = copy > 0 && mirror.late_copies > 0 && packet.flags & 2 == 0;
            if may_be_late && random.chance(mirror.late_copies) {
                late += random.below(400);
            }
            // The second copy of a routed packet has passed one router more.
            let is_behind = copy > 0 && !mirror.in_place;
            let hops = packet.hops - u8::from(is_behind);
            let copied = Packet {
                hops,
                ..packet.clone()
            };
            ranked.push((2 * (index + late), copied, copy > 0));
        }
    }
    ranked.sort_by_key(|(rank, ..)| *rank);
    let arrivals = ranked.into_iter().map(|(_, packet, is_copy)| {
        let mut after = 10_000 + i64::try_from(random.below(100_000)).unwrap_or(0);
        if mirror.pauses > 0 && random.chance(mirror.pauses) {
            after += 300 * MILLISECOND;
        }
        if mirror.steps > 0 && random.chance(mirror.steps) {
            // Not so far that copies which are still to come would be after the end.
            after += [-5_000, -40, 1_500][random.below(3)] * MILLISECOND;
        }
        Arrival {
            packet,
            after,
            is_copy,
        }
    });
    (arrivals.collect(), dropped)
}
