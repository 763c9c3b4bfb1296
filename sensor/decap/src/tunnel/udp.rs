//! Tunnels known by their UDP port: VXLAN (RFC 7348) with VXLAN-GPE, GENEVE (RFC 8926), GTP-U (3GPP
//! TS 29.281), TZSP, L2TP, AYIYA, MPLS (RFC 7510) and GRE (RFC 8086); and Teredo on any port.

use crate::counters::Refusal;
use crate::link::{ETHERTYPE_MPLS, ETHERTYPE_NSH};
use crate::tunnel::{ipv6_over_udp, l2tp, mpls, tzsp};
use crate::walk::{Named, Protocol, skip, take};
use crate::{DecapSettings, Layer};

/// UDP's number, under which datagrams that are no tunnel are counted.
pub(crate) const PROTOCOL: u8 = 17;

/// GRE's number in the IP header.
pub(crate) const GRE: u8 = 47;

/// What UDP turned out to carry.
pub(crate) enum Carried<'a> {
    /// A tunnel.
    Tunnel(Named<'a>),
    /// GRE, which names its layers itself.
    Gre(&'a [u8]),
}

/// Peels UDP and the tunnel header its port stands for.
#[inline]
pub(crate) fn payload<'a>(
    data: &'a [u8],
    settings: &DecapSettings,
) -> Result<Carried<'a>, Refusal> {
    let ([s0, s1, d0, d1, l0, l1, _, _], rest) = take::<8>(data)?;
    let source = u16::from_be_bytes([*s0, *s1]);
    let destination = u16::from_be_bytes([*d0, *d1]);
    let to = |ports: &[u16]| ports.contains(&destination);
    let either = |ports: &[u16]| ports.contains(&destination) || ports.contains(&source);
    let named = if to(&settings.vxlan_ports) {
        vxlan(rest, false)
    } else if to(&settings.vxlan_gpe_ports) {
        vxlan(rest, true)
    } else if to(&settings.geneve_ports) {
        geneve(rest)
    } else if either(&settings.gtp_u_ports) {
        gtp_u(rest)
    } else if to(&settings.tzsp_ports) {
        tzsp::packet(rest)
    } else if either(&settings.l2tp_ports) {
        l2tp::over_udp(rest)
    } else if either(&settings.ayiya_ports) {
        ipv6_over_udp::ayiya(rest)
    } else if to(&settings.mpls_ports) {
        mpls::label(ETHERTYPE_MPLS, rest)
    } else if to(&settings.gre_ports) {
        return Ok(Carried::Gre(rest));
    } else {
        let len = usize::from(u16::from_be_bytes([*l0, *l1])).saturating_sub(8);
        let inner = ipv6_over_udp::teredo(rest, len).ok_or(Refusal::IpProtocol(PROTOCOL))?;
        Ok((Layer::Teredo, Protocol::Ip, inner))
    };
    Ok(Carried::Tunnel(named))
}

/// VXLAN and its generic form, which tells by the P bit that the fourth byte names what follows.
fn vxlan(data: &[u8], is_generic: bool) -> Named<'_> {
    let ([flags, _, _, next, v0, v1, v2, _], rest) = take::<8>(data)?;
    // Reserved bits are ignored on receipt; without the I bit there is no identifier, which only
    // the generic form may leave out.
    if flags & 0x08 == 0 && !is_generic {
        return Err(Refusal::MalformedHeader);
    }
    let is_named = flags & 0x04 != 0;
    // To plain VXLAN's port the P bit may be a reserved bit that somebody set: the first nibble of
    // what follows must agree.
    let nibble = rest.first().map_or(0, |first| first >> 4);
    let protocol = match next {
        1 if is_named && (is_generic || nibble == 4) => Protocol::Ip,
        2 if is_named && (is_generic || nibble == 6) => Protocol::Ip,
        4 if is_named && is_generic => Protocol::EtherType(ETHERTYPE_NSH),
        4 if is_named && looks_like_nsh(rest) => Protocol::EtherType(ETHERTYPE_NSH),
        5 if is_named && is_generic => Protocol::EtherType(ETHERTYPE_MPLS),
        _ => Protocol::Ethernet,
    };
    Ok((
        Layer::Vxlan(u32::from_be_bytes([0, *v0, *v1, *v2])),
        protocol,
        rest,
    ))
}

/// Whether a network service header of a known kind starts here.
fn looks_like_nsh(data: &[u8]) -> bool {
    matches!(data, [version, len, kind, 1..=5, ..]
        if version >> 6 == 0 && len & 0x3f >= 2 && matches!(kind & 0x0f, 1 | 2))
}

fn geneve(data: &[u8]) -> Named<'_> {
    let ([first, _, p0, p1, v0, v1, v2, _], rest) = take::<8>(data)?;
    if first >> 6 != 0 {
        return Err(Refusal::MalformedHeader);
    }
    let rest = skip(rest, usize::from(first & 0x3f) * 4)?;
    let layer = Layer::Geneve(u32::from_be_bytes([0, *v0, *v1, *v2]));
    Ok((
        layer,
        Protocol::EtherType(u16::from_be_bytes([*p0, *p1])),
        rest,
    ))
}

fn gtp_u(data: &[u8]) -> Named<'_> {
    /// Message type of a user's packet.
    const G_PDU: u8 = 255;
    /// Any of the extension, sequence and N-PDU flags: four more bytes follow.
    const OPTIONAL_FIELDS: u8 = 0x07;
    const EXTENSION: u8 = 0x04;
    let ([flags, kind, _, _, t0, t1, t2, t3], mut rest) = take::<8>(data)?;
    if flags >> 5 != 1 || flags & 0x10 == 0 || *kind != G_PDU {
        return Err(Refusal::IpProtocol(PROTOCOL));
    }
    if flags & OPTIONAL_FIELDS != 0 {
        let ([_, _, _, first], after) = take::<4>(rest)?;
        rest = after;
        let mut next = if flags & EXTENSION != 0 { *first } else { 0 };
        // Each extension is at least four bytes, so the packet's length bounds the loop.
        while next != 0 {
            let ([units], _) = take::<1>(rest)?;
            let len = usize::from(*units) * 4;
            let last = len.checked_sub(1).and_then(|at| rest.get(at));
            next = *last.ok_or(Refusal::MalformedHeader)?;
            rest = skip(rest, len)?;
        }
    }
    let layer = Layer::GtpU(u32::from_be_bytes([*t0, *t1, *t2, *t3]));
    Ok((layer, Protocol::Ip, rest))
}
