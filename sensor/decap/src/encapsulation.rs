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
    /// GRE (RFC 2784, RFC 2890): the key, 0 when there is none; of version 1 the call.
    Gre(u32),
    /// ERSPAN type I, II or III: the session identifier (10 bits), 0 for type I.
    Erspan(u16),
    /// VXLAN: the network identifier (24 bits).
    Vxlan(u32),
    /// GENEVE: the network identifier (24 bits).
    Geneve(u32),
    /// GTP-U: the tunnel endpoint identifier.
    GtpU(u32),
    /// VN-Tag of a fabric extender: the source virtual interface (12 bits).
    VnTag(u16),
    /// IEEE 802.1BR port extension: the E-channel identifier (22 bits).
    ETag(u32),
    /// IEEE 802.1ah provider backbone bridging: the service instance (24 bits).
    ProviderBackbone(u32),
    /// NSH (RFC 8300): the service path (24 bits).
    Nsh(u32),
    /// Cisco metadata: the security group tag, 0 when there is none.
    CiscoMetadata(u16),
    /// Cisco `FabricPath`: the forwarding tag (10 bits).
    FabricPath(u16),
    /// TZSP, as `MikroTik` routers mirror.
    Tzsp,
    /// L2TP: the session identifier (of version 2 tunnel and session, 16 bits each).
    L2tp(u32),
    /// Teredo (RFC 4380).
    Teredo,
    /// AYIYA.
    Ayiya,
    /// ESP without encryption (RFC 2410): the security parameters index.
    EspNull(u32),
    /// An Ethernet frame directly in IP (RFC 3378, RFC 8986).
    EtherIp,
    /// An IEEE 802.11 frame, as a radio saw it or as an access point tunnels it.
    Wlan,
}

impl Layer {
    /// The layer's name, as records and messages have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Vlan(_) => "vlan",
            Self::IpInIp => "ip-in-ip",
            Self::Mpls(_) => "mpls",
            Self::Pppoe(_) => "pppoe",
            Self::Gre(_) => "gre",
            Self::Erspan(_) => "erspan",
            Self::Vxlan(_) => "vxlan",
            Self::Geneve(_) => "geneve",
            Self::GtpU(_) => "gtp-u",
            Self::VnTag(_) => "vn-tag",
            Self::ETag(_) => "e-tag",
            Self::ProviderBackbone(_) => "pbb",
            Self::Nsh(_) => "nsh",
            Self::CiscoMetadata(_) => "cisco-metadata",
            Self::FabricPath(_) => "fabricpath",
            Self::Tzsp => "tzsp",
            Self::L2tp(_) => "l2tp",
            Self::Teredo => "teredo",
            Self::Ayiya => "ayiya",
            Self::EspNull(_) => "esp-null",
            Self::EtherIp => "ether-ip",
            Self::Wlan => "wlan",
        }
    }

    /// The identity the layer carries; none when its kind has none or this one left it out.
    #[must_use]
    pub const fn number(self) -> Option<u32> {
        match self {
            Self::Vlan(number) | Self::Pppoe(number) | Self::VnTag(number) => Some(number as u32),
            Self::FabricPath(number) => Some(number as u32),
            Self::Mpls(number)
            | Self::Vxlan(number)
            | Self::Geneve(number)
            | Self::GtpU(number)
            | Self::ETag(number)
            | Self::ProviderBackbone(number)
            | Self::Nsh(number)
            | Self::L2tp(number)
            | Self::EspNull(number) => Some(number),
            Self::Gre(0) | Self::Erspan(0) | Self::CiscoMetadata(0) => None,
            Self::Gre(number) => Some(number),
            Self::Erspan(number) | Self::CiscoMetadata(number) => Some(number as u32),
            Self::IpInIp | Self::EtherIp | Self::Tzsp | Self::Teredo | Self::Ayiya | Self::Wlan => {
                None
            }
        }
    }

    /// The virtual network this layer names, when its kind names one.
    #[must_use]
    pub const fn vni(self) -> Option<u32> {
        match self {
            Self::Vxlan(number) | Self::Geneve(number) | Self::ProviderBackbone(number) => {
                Some(number)
            }
            _ => None,
        }
    }
}

/// The peeled stack, outermost first.
///
/// Four layers are kept without an allocation: a cloud's mirror in a gateway's tunnel, with a tag
/// on either side.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Encapsulation(pub SmallVec<[Layer; 4]>);

impl Encapsulation {
    /// Whether the packet came bare.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The outermost VLAN identifier: the mirror's or the switch's, what tells feeds apart.
    #[must_use]
    pub fn vlan(&self) -> Option<u16> {
        self.0.iter().find_map(|layer| match layer {
            Layer::Vlan(identifier) => Some(*identifier),
            _ => None,
        })
    }

    /// The innermost virtual network (VXLAN, GENEVE, 802.1ah): what tells tenants apart, for a
    /// gateway's own tunnel stands outside the tenant's.
    #[must_use]
    pub fn vni(&self) -> Option<u32> {
        self.0.iter().rev().find_map(|layer| layer.vni())
    }

    /// The outermost ERSPAN session; none for type I, which has none.
    #[must_use]
    pub fn erspan_session(&self) -> Option<u16> {
        self.0.iter().find_map(|layer| match layer {
            Layer::Erspan(0) => None,
            Layer::Erspan(session) => Some(*session),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outermost_tag_and_the_innermost_network() {
        let stack = Encapsulation(SmallVec::from_slice(&[
            Layer::Vlan(7),
            Layer::Erspan(3),
            Layer::Geneve(0),
            Layer::Vxlan(5001),
            Layer::Vlan(9),
        ]));
        assert_eq!(stack.vlan(), Some(7));
        assert_eq!(stack.vni(), Some(5001));
        assert_eq!(stack.erspan_session(), Some(3));
        let bare = Encapsulation::default();
        assert_eq!(
            (bare.vlan(), bare.vni(), bare.erspan_session()),
            (None, None, None)
        );
    }

    #[test]
    fn what_a_layer_left_out_has_no_number() {
        assert_eq!(Layer::Gre(0).number(), None);
        assert_eq!(Layer::Gre(1).number(), Some(1));
        assert_eq!(Layer::Vlan(0).number(), Some(0));
    }
}
