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
    /// MPLS: the label (20 bits).
    Mpls(u32),
    /// PPPoE: the session identifier.
    Pppoe(u16),
    /// GRE (RFC 2784, RFC 2890): the key, 0 when there is none.
    Gre(u32),
    /// ERSPAN type I, II or III: the session identifier (10 bits), 0 for type I.
    Erspan(u16),
    /// VXLAN: the network identifier (24 bits).
    Vxlan(u32),
    /// GENEVE: the network identifier (24 bits).
    Geneve(u32),
    /// GTP-U: the tunnel endpoint identifier.
    GtpU(u32),
}

/// The peeled stack, outermost first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Encapsulation(pub SmallVec<[Layer; 2]>);
