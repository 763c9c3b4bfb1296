//! Groups of connections: what is counted by group comes out the same however connections are dealt
//! out, as long as each worker has whole groups.

use core::net::{IpAddr, SocketAddr};

/// How many groups there are: so many numbers of workers divide it that no worker has much more
/// than its share.
pub const GROUPS: usize = 48;

/// The group of a connection between these ends: the same for both directions, and in every run.
#[must_use]
pub fn group_of(one: SocketAddr, other: SocketAddr) -> usize {
    let mixed = (mix(end(one)) ^ mix(end(other))).wrapping_mul(ODD);
    usize::try_from((mixed >> 32) % GROUPS as u64).unwrap_or_default()
}

/// An odd number without a pattern: the golden ratio's digits.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// An end in one number.
fn end(end: SocketAddr) -> u64 {
    let address = match end.ip() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => {
            let bits = address.to_bits();
            let [high, low] = [bits >> 64, bits & u128::from(u64::MAX)];
            let half = |half: u128| u64::try_from(half).unwrap_or_default();
            mix(half(high)) ^ half(low)
        }
    };
    address.rotate_left(16) ^ u64::from(end.port())
}

const fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 32)).wrapping_mul(ODD);
    mixed ^ (mixed >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_directions_are_one_group_and_groups_are_even() {
        let server: SocketAddr = ([10, 0, 0, 1], 443).into();
        let mut sizes = [0_usize; GROUPS];
        for client in 0..48_000_u32 {
            let address = [10, 1, (client % 7) as u8, 9];
            let client = SocketAddr::from((address, 16_000 + (client / 7) as u16));
            let group = group_of(client, server);
            assert_eq!(group, group_of(server, client));
            sizes[group] += 1;
        }
        let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
        assert!(*least > 850 && *most < 1_150, "{sizes:?}");
        let six = SocketAddr::from(([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 443));
        let others = (0..1_000).map(|port| group_of(six, ([10, 0, 0, 2], port).into()));
        let groups: std::collections::BTreeSet<usize> = others.collect();
        assert_eq!(groups.len(), GROUPS);
    }
}
