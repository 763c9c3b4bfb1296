//! Tunnels known by their UDP port: VXLAN (RFC 7348), GENEVE (RFC 8926), GTP-U (3GPP TS 29.281).

use crate::counters::Refusal;
use crate::walk::{Protocol, skip, take};
use crate::{DecapSettings, Layer};

/// UDP's number, under which datagrams that are no tunnel are counted.
const PROTOCOL: u8 = 17;

type Tunnel<'a> = Result<(Layer, Protocol, &'a [u8]), Refusal>;

/// Peels UDP and the tunnel header its port stands for.
pub(crate) fn payload<'a>(data: &'a [u8], settings: &DecapSettings) -> Tunnel<'a> {
    let ([s0, s1, d0, d1, _, _, _, _], rest) = take::<8>(data)?;
    let source = u16::from_be_bytes([*s0, *s1]);
    let destination = u16::from_be_bytes([*d0, *d1]);
    if settings.vxlan_ports.contains(&destination) {
        vxlan(rest)
    } else if settings.geneve_ports.contains(&destination) {
        geneve(rest)
    } else if settings.gtp_u_ports.contains(&destination) || settings.gtp_u_ports.contains(&source)
    {
        gtp_u(rest)
    } else {
        Err(Refusal::IpProtocol(PROTOCOL))
    }
}

fn vxlan(data: &[u8]) -> Tunnel<'_> {
    let ([flags, _, _, next, v0, v1, v2, _], rest) = take::<8>(data)?;
    // Reserved bits are ignored on receipt; without the I bit there is no identifier.
    if flags & 0x08 == 0 {
        return Err(Refusal::MalformedHeader);
    }
    // The P bit of VXLAN-GPE says that the fourth byte names what follows.
    let protocol = match (flags & 0x04 != 0, next) {
        (true, 1 | 2) => Protocol::Ip,
        _ => Protocol::Ethernet,
    };
    Ok((
        Layer::Vxlan(u32::from_be_bytes([0, *v0, *v1, *v2])),
        protocol,
        rest,
    ))
}

fn geneve(data: &[u8]) -> Tunnel<'_> {
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

fn gtp_u(data: &[u8]) -> Tunnel<'_> {
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
