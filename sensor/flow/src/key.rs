//! The key of a connection: its two ends, the same for both directions.

use core::net::SocketAddr;

use tapscope_decap::Segment;

/// Two ends in a fixed order. VLAN and tunnel are left out: mirrors tag directions differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FlowKey {
    low: SocketAddr,
    high: SocketAddr,
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
                },
                true,
            )
        } else {
            (
                Self {
                    low: destination,
                    high: source,
                },
                false,
            )
        }
    }
}
