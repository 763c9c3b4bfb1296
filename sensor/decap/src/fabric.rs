//! Tags that a switching fabric puts between the Ethernet header and the packet, and that its mirror
//! sessions leave there: VN-Tag, IEEE 802.1BR, IEEE 802.1ah, Cisco metadata and `FabricPath`.

use crate::Layer;
use crate::counters::Refusal;
use crate::walk::{Named, Protocol, skip, take};

/// EtherType of a fabric extender's VN-Tag.
pub(crate) const ETHERTYPE_VN_TAG: u16 = 0x8926;
/// EtherType of the IEEE 802.1BR E-TAG.
pub(crate) const ETHERTYPE_E_TAG: u16 = 0x893f;
/// EtherType of the IEEE 802.1ah I-TAG.
pub(crate) const ETHERTYPE_PROVIDER_BACKBONE: u16 = 0x88e7;
/// EtherType of Cisco metadata (CMD, the security group tag's carrier).
pub(crate) const ETHERTYPE_CISCO_METADATA: u16 = 0x8909;
/// EtherType of Cisco `FabricPath`, also called DCE.
pub(crate) const ETHERTYPE_FABRIC_PATH: u16 = 0x8903;

/// Peels a VN-Tag: direction and looped bits, two virtual interfaces, then an EtherType.
pub(crate) fn vn_tag(data: &[u8]) -> Named<'_> {
    let ([_, _, s0, s1, e0, e1], rest) = take::<6>(data)?;
    let source = u16::from_be_bytes([*s0, *s1]) & 0x0fff;
    Ok((Layer::VnTag(source), ethertype(*e0, *e1), rest))
}

/// Peels an E-TAG: the channel's number is in three places.
pub(crate) fn e_tag(data: &[u8]) -> Named<'_> {
    let ([_, _, c0, c1, _, extension, e0, e1], rest) = take::<8>(data)?;
    let base = u32::from(u16::from_be_bytes([*c0, *c1]) & 0x3fff);
    let channel = base | u32::from(*extension) << 14;
    Ok((Layer::ETag(channel), ethertype(*e0, *e1), rest))
}

/// Peels an I-TAG, which a customer's whole Ethernet frame follows.
pub(crate) fn provider_backbone(data: &[u8]) -> Named<'_> {
    let ([_, i0, i1, i2], rest) = take::<4>(data)?;
    let service = u32::from_be_bytes([0, *i0, *i1, *i2]);
    Ok((Layer::ProviderBackbone(service), Protocol::Ethernet, rest))
}

/// Peels Cisco metadata: a count of four-byte options, then an EtherType.
pub(crate) fn cisco_metadata(data: &[u8]) -> Named<'_> {
    /// Option type of the security group tag; the upper three bits are a length.
    const GROUP: u16 = 1;
    let ([version, units], rest) = take::<2>(data)?;
    if *version != 1 {
        return Err(Refusal::MalformedHeader);
    }
    let group = match rest {
        [t0, t1, g0, g1, ..] if *units > 0 && u16::from_be_bytes([*t0, *t1]) & 0x1fff == GROUP => {
            u16::from_be_bytes([*g0, *g1])
        }
        _ => 0,
    };
    let ([e0, e1], rest) = take::<2>(skip(rest, usize::from(*units) * 4)?)?;
    Ok((Layer::CiscoMetadata(group), ethertype(*e0, *e1), rest))
}

/// Peels the `FabricPath` tag, which the whole Ethernet frame follows.
pub(crate) fn fabric_path(data: &[u8]) -> Named<'_> {
    let ([t0, t1], rest) = take::<2>(data)?;
    let tag = u16::from_be_bytes([*t0, *t1]) >> 6;
    Ok((Layer::FabricPath(tag), Protocol::Ethernet, rest))
}

const fn ethertype(high: u8, low: u8) -> Protocol {
    Protocol::EtherType(u16::from_be_bytes([high, low]))
}
