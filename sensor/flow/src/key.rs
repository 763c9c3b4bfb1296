//! The key of a connection: its two ends, the same for both directions.

use core::hash::{Hash, Hasher};
use core::net::{IpAddr, SocketAddr};

use tapscope_decap::Segment;

/// Two ends in a fixed order. VLAN and tunnel are left out: mirrors tag directions differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FlowKey {
    low: SocketAddr,
    high: SocketAddr,
    /// Tells connections on the same ends apart that go on at once in different networks.
    pub(crate) network: u8,
}

impl FlowKey {
    /// The key, and whether the sender is its low end.
    pub(crate) fn of(segment: &Segment<'_>) -> (Self, bool) {
        let (source, destination) = (segment.source, segment.destination);
        if source <= destination {
            (
                Self {
                    low: source,
                    high: destination,
                    network: 0,
                },
                true,
            )
        } else {
            (
                Self {
                    low: destination,
                    high: source,
                    network: 0,
                },
                false,
            )
        }
    }

    /// The same ends in that network.
    pub(crate) const fn in_network(self, network: u8) -> Self {
        Self { network, ..self }
    }

    /// The key of a connection between these ends, which are in order.
    pub(crate) const fn between(low: SocketAddr, high: SocketAddr) -> Self {
        Self {
            low,
            high,
            network: 0,
        }
    }

    /// The low end and the high end.
    pub(crate) const fn ends(&self) -> (SocketAddr, SocketAddr) {
        (self.low, self.high)
    }

    /// A name for the connection that begins with `first`: a hash that is the same in every run.
    /// Ends, time and sequence number tell connections apart that follow each other on the same
    /// ports.
    pub(crate) fn name_of(&self, first: &Segment<'_>) -> u64 {
        let mut name = mix(0, first.timestamp.nanos().cast_unsigned());
        name = mix(name, u64::from(first.seq.0) << 32 | u64::from(first.ack.0));
        for end in [self.low, self.high] {
            let (high, low) = match end.ip() {
                IpAddr::V4(ip) => (4, u64::from(ip.to_bits())),
                IpAddr::V6(ip) => {
                    let [high, low] = halves(ip.to_bits());
                    (high, low)
                }
            };
            name = mix(name, high);
            name = mix(name, low);
            name = mix(name, u64::from(end.port()));
        }
        match self.network {
            0 => name,
            // Where the capture's clock steps back, tenants may begin alike at the same time.
            network => mix(name, u64::from(network)),
        }
    }
}

impl Hash for FlowKey {
    /// In as few words as it takes: every segment is looked up.
    fn hash<H: Hasher>(&self, state: &mut H) {
        for end in [self.low, self.high] {
            match end.ip() {
                IpAddr::V4(ip) => {
                    state.write_u64(u64::from(ip.to_bits()) << 16 | u64::from(end.port()));
                }
                IpAddr::V6(ip) => {
                    state.write_u128(ip.to_bits());
                    state.write_u16(end.port());
                }
            }
        }
        state.write_u8(self.network);
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "each half is what the cast keeps"
)]
const fn halves(bits: u128) -> [u64; 2] {
    [(bits >> 64) as u64, bits as u64]
}

/// Takes a word into a hash: the finaliser of SplitMix64 over both.
const fn mix(hash: u64, word: u64) -> u64 {
    let mut mixed = hash.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ word;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
