//! Where packets come from: the interface, the VLAN on it, the virtual network or mirror session.
//! What is missing is missing of one of these, so that everything that counts losses counts by
//! them.

use std::collections::BTreeMap;

use crate::{Encapsulation, Layer};

/// Where traffic comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FeedKey {
    /// Which source of the run, counted from 0.
    pub source: u32,
    /// Index of the interface within the source.
    pub interface: u32,
    /// The VLAN: the outermost inside the innermost tunnel, else the outermost.
    pub vlan: Option<u16>,
    /// The innermost tunnel that tells networks or mirror sessions apart.
    pub network: Option<Network>,
}

/// A virtual network or a mirror session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Network {
    /// VXLAN network identifier.
    Vxlan(u32),
    /// GENEVE network identifier.
    Geneve(u32),
    /// ERSPAN session.
    Erspan(u16),
    /// GRE key.
    Gre(u32),
}

impl FeedKey {
    /// The feed of a packet of which so much was peeled.
    #[must_use]
    pub fn of(source: u32, interface: u32, encapsulation: &Encapsulation) -> Self {
        let mut key = Self {
            source,
            interface,
            ..Self::default()
        };
        let mut vlan_is_outer = false;
        for layer in &encapsulation.0 {
            let network = match layer {
                Layer::Vlan(vlan) => {
                    if key.vlan.is_none() || vlan_is_outer {
                        key.vlan = Some(*vlan);
                        vlan_is_outer = false;
                    }
                    continue;
                }
                Layer::Vxlan(id) => Network::Vxlan(*id),
                Layer::Geneve(id) => Network::Geneve(*id),
                Layer::Erspan(id) => Network::Erspan(*id),
                // ERSPAN travels in GRE, whose key is then nothing of its own.
                Layer::Gre(id) if *id != 0 => Network::Gre(*id),
                _ => continue,
            };
            key.network = Some(network);
            vlan_is_outer = key.vlan.is_some();
        }
        key
    }
}

/// Packets of each feed with a layer that is not decoded and that may hide connections.
#[derive(Debug, Default)]
pub(crate) struct Undecoded {
    feeds: BTreeMap<FeedKey, u64>,
    /// Of feeds that found no place.
    other: u64,
}

impl Undecoded {
    pub(crate) fn add(&mut self, key: FeedKey, feeds_max: usize) {
        if let Some(count) = self.feeds.get_mut(&key) {
            *count += 1;
        } else if self.feeds.len() < feeds_max {
            self.feeds.insert(key, 1);
        } else {
            self.other += 1;
        }
    }

    /// By feed; the one without key takes what found no place.
    pub(crate) fn values(&self) -> Vec<(Option<FeedKey>, u64)> {
        let feeds = self.feeds.iter().map(|(key, count)| (Some(*key), *count));
        let other = (self.other > 0).then_some((None, self.other));
        feeds.chain(other).collect()
    }
}

#[cfg(test)]
mod tests {
    use smallvec::smallvec;

    use super::*;

    type Layers = smallvec::SmallVec<[Layer; 4]>;

    #[test]
    fn a_feed_is_named_by_the_vlan_and_network_nearest_to_the_traffic() {
        let cases: [(Layers, Option<u16>, Option<Network>); 6] = [
            (smallvec![], None, None),
            (smallvec![Layer::Vlan(10), Layer::Vlan(20)], Some(10), None),
            (
                smallvec![Layer::Vlan(10), Layer::Vxlan(7)],
                Some(10),
                Some(Network::Vxlan(7)),
            ),
            (
                smallvec![Layer::Vlan(10), Layer::Vxlan(7), Layer::Vlan(30)],
                Some(30),
                Some(Network::Vxlan(7)),
            ),
            (
                smallvec![Layer::Gre(0), Layer::Erspan(3), Layer::Vlan(4)],
                Some(4),
                Some(Network::Erspan(3)),
            ),
            (
                smallvec![Layer::Geneve(1), Layer::Vxlan(2)],
                None,
                Some(Network::Vxlan(2)),
            ),
        ];
        for (layers, vlan, network) in cases {
            let found = FeedKey::of(0, 0, &Encapsulation(layers.clone()));
            assert_eq!((found.vlan, found.network), (vlan, network), "{layers:?}");
        }
    }

    #[test]
    fn feeds_beyond_the_cap_share_one_place() {
        let mut undecoded = Undecoded::default();
        for source in [0, 1, 2, 3, 1] {
            let key = FeedKey {
                source,
                ..FeedKey::default()
            };
            undecoded.add(key, 2);
        }
        let counts: Vec<_> = undecoded.values();
        let named = counts
            .iter()
            .map(|(key, count)| (key.map(|k| k.source), *count));
        assert_eq!(
            named.collect::<Vec<_>>(),
            [(Some(0), 1), (Some(1), 2), (None, 2)]
        );
    }
}
