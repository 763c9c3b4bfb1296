//! The stack of layers that was peeled off around the innermost IP packet.

use smallvec::SmallVec;

/// One peeled layer that carries an identity worth keeping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Layer {
    /// IEEE 802.1Q or 802.1ad tag: the VLAN identifier (12 bits).
    Vlan(u16),
    /// An IP packet inside an IP packet (RFC 2003, RFC 4213).
    IpInIp,
}

/// The peeled stack, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Encapsulation(pub SmallVec<[Layer; 2]>);
