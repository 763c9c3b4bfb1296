//! GRE version 0 (RFC 1701, RFC 2784, RFC 2890) with ERSPAN I, II and III, WCCP and the frames of
//! Aruba's access points inside, and version 1 (RFC 2637).

use crate::Layer;
use crate::counters::Refusal;
use crate::walk::{Named, Protocol, skip, take};

const CHECKSUM: u8 = 0x80;
const ROUTING: u8 = 0x40;
const KEY: u8 = 0x20;
const SEQUENCE: u8 = 0x10;
const ACKNOWLEDGEMENT: u8 = 0x80;

const ERSPAN_I_II: u16 = 0x88be;
const ERSPAN_III: u16 = 0x22eb;
const PPTP: u16 = 0x880b;
const WCCP: u16 = 0x883e;

/// A peeled GRE header, with the ERSPAN header when there is one.
#[derive(Debug)]
pub(crate) struct Peeled<'a> {
    pub(crate) layers: [Option<Layer>; 2],
    pub(crate) next: Protocol,
    pub(crate) data: &'a [u8],
}

/// Peels GRE and ERSPAN.
pub(crate) fn packet(data: &[u8]) -> Result<Peeled<'_>, Refusal> {
    let ([flags, version, p0, p1], rest) = take::<4>(data)?;
    let protocol = u16::from_be_bytes([*p0, *p1]);
    match version & 0x07 {
        0 => version_0(*flags, protocol, rest),
        1 if protocol == PPTP => version_1(*flags, *version, rest),
        _ => Err(Refusal::MalformedHeader),
    }
}

fn version_0(flags: u8, protocol: u16, mut rest: &[u8]) -> Result<Peeled<'_>, Refusal> {
    // RFC 1701: either of the two brings both the checksum and the offset.
    if flags & (CHECKSUM | ROUTING) != 0 {
        rest = skip(rest, 4)?;
    }
    let mut key = 0;
    if flags & KEY != 0 {
        let (bytes, after) = take::<4>(rest)?;
        key = u32::from_be_bytes(*bytes);
        rest = after;
    }
    let sequenced = flags & SEQUENCE != 0;
    if sequenced {
        rest = skip(rest, 4)?;
    }
    if flags & ROUTING != 0 {
        rest = without_routes(rest)?;
    }
    let gre = Some(Layer::Gre(key));
    let (session, next, data) = match protocol {
        // Type I has no header of its own and no GRE sequence number; type II has both.
        ERSPAN_I_II if !sequenced => (Some(Layer::Erspan(0)), Protocol::Ethernet, rest),
        // Some senders leave type II's number on type III; its version is in the first nibble.
        ERSPAN_I_II if rest.first().is_some_and(|first| first >> 4 == 2) => {
            let (layer, next, data) = erspan_3(rest)?;
            (Some(layer), next, data)
        }
        ERSPAN_I_II => {
            let ([_, _, s0, s1, ..], rest) = take::<8>(rest)?;
            (Some(session(*s0, *s1)), Protocol::Ethernet, rest)
        }
        ERSPAN_III => {
            let (layer, next, data) = erspan_3(rest)?;
            (Some(layer), next, data)
        }
        // Version 2 of WCCP puts four bytes before IP, version 1 does not.
        WCCP => {
            let is_ip = rest.first().is_some_and(|first| first >> 4 == 4);
            let data = if is_ip { rest } else { skip(rest, 4)? };
            (None, Protocol::Ip, data)
        }
        // Aruba's access points number their radios from here.
        0x8200..=0x8210 | 0x9000 => (None, Protocol::Wlan, rest),
        _ => (None, Protocol::EtherType(protocol), rest),
    };
    Ok(Peeled {
        layers: [gre, session],
        next,
        data,
    })
}

/// Passes over the source routes of RFC 1701; an entry without length ends them.
fn without_routes(mut data: &[u8]) -> Result<&[u8], Refusal> {
    // An entry is at least four bytes, so the packet's length bounds the loop.
    loop {
        let ([_, _, _, len], rest) = take::<4>(data)?;
        data = skip(rest, usize::from(*len))?;
        if *len == 0 {
            return Ok(data);
        }
    }
}

fn erspan_3(data: &[u8]) -> Named<'_> {
    let ([_, _, s0, s1, _, _, _, _, _, _, frame, flags], rest) = take::<12>(data)?;
    let rest = if flags & 1 == 1 { skip(rest, 8)? } else { rest };
    // Frame type: 0 is Ethernet, 2 is IP.
    let next = match (frame >> 2) & 0x1f {
        2 => Protocol::Ip,
        _ => Protocol::Ethernet,
    };
    Ok((session(*s0, *s1), next, rest))
}

/// The low ten bits of the second 16-bit word.
fn session(high: u8, low: u8) -> Layer {
    Layer::Erspan(u16::from_be_bytes([high, low]) & 0x03ff)
}

fn version_1(flags: u8, version: u8, rest: &[u8]) -> Result<Peeled<'_>, Refusal> {
    if flags & KEY == 0 || flags & SEQUENCE == 0 {
        // Without a sequence number it is an acknowledgement that carries nothing.
        return Err(Refusal::MalformedHeader);
    }
    let ([_, _, c0, c1], rest) = take::<4>(rest)?;
    let mut rest = skip(rest, 4)?;
    if version & ACKNOWLEDGEMENT != 0 {
        rest = skip(rest, 4)?;
    }
    let call = u32::from(u16::from_be_bytes([*c0, *c1]));
    Ok(Peeled {
        layers: [Some(Layer::Gre(call)), None],
        next: Protocol::Ppp,
        data: rest,
    })
}
