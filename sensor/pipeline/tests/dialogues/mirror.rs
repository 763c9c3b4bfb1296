//! The mirror port between tap and sensor: it drops, copies and reorders packets.

use crate::network::Packet;
use crate::random::Random;

/// What the mirror does, each in a hundred packets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mirror {
    pub(crate) drops: usize,
    pub(crate) copies: usize,
    pub(crate) reorders: usize,
}

/// What the sensor gets, in order, and for each packet of the tap whether it was dropped.
pub(crate) fn pass(
    random: &mut Random,
    mirror: Mirror,
    tap: &[Packet],
) -> (Vec<Packet>, Vec<bool>) {
    let mut ranked: Vec<(usize, Packet)> = Vec::new();
    let mut dropped = Vec::new();
    for (index, packet) in tap.iter().enumerate() {
        let drops = random.chance(mirror.drops);
        dropped.push(drops);
        if drops {
            continue;
        }
        for _ in 0..=usize::from(random.chance(mirror.copies)) {
            // A round trip passes between the packets of a handshake: none overtakes the other.
            let late = if index > 2 && random.chance(mirror.reorders) {
                1 + random.below(5)
            } else {
                0
            };
            ranked.push((2 * (index + late), packet.clone()));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    (
        ranked.into_iter().map(|(_, packet)| packet).collect(),
        dropped,
    )
}
