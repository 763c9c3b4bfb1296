//! IPv6 that crosses an IPv4 network in UDP: Teredo (RFC 4380) and AYIYA.

use crate::Layer;
use crate::counters::Refusal;
use crate::walk::{Named, Protocol, skip, take};

/// Teredo's prefix, 2001::/32.
const TEREDO: [u8; 4] = [0x20, 0x01, 0, 0];

/// The IPv6 packet of a Teredo payload of `len` bytes on the wire, when it is one.
///
/// Two Teredo clients use any ports, so that content must tell: an IPv6 header whose length is the
/// datagram's to the byte, with an end in Teredo's prefix. By chance that is one datagram in 2^52.
#[inline]
pub(crate) fn teredo(data: &[u8], len: usize) -> Option<&[u8]> {
    // Most datagrams start neither with IPv6 nor with an indication.
    let first = data.first()?;
    if first >> 4 != 6 && *first != 0 {
        return None;
    }
    let packet = without_indications(data)?;
    let header = packet.first_chunk::<40>()?;
    let [first, _, _, _, l0, l1, _, _, addresses @ ..] = header;
    let payload_len = usize::from(u16::from_be_bytes([*l0, *l1]));
    let is_whole = len.checked_sub(data.len() - packet.len()) == Some(payload_len + 40);
    let source = addresses.first_chunk::<4>()?;
    let destination = addresses.get(16..)?.first_chunk::<4>()?;
    let is_teredo = *source == TEREDO || *destination == TEREDO;
    (first >> 4 == 6 && is_whole && is_teredo).then_some(packet)
}

/// Passes over authentication and origin indication, which a server puts in front.
fn without_indications(data: &[u8]) -> Option<&[u8]> {
    let data = match data {
        [0, 1, client_len, authentication_len, ..] => {
            let len = 13 + usize::from(*client_len) + usize::from(*authentication_len);
            data.get(len..)?
        }
        _ => data,
    };
    match data {
        [0, 0, ..] => data.get(8..),
        _ => Some(data),
    }
}

/// Peels AYIYA: identity and signature have their lengths in the header.
pub(crate) fn ayiya(data: &[u8]) -> Named<'_> {
    /// Operation code of a packet to be forwarded.
    const FORWARD: u8 = 1;
    let ([identity, signature, operation, next, _, _, _, _], rest) = take::<8>(data)?;
    // The identity's length is a power of two, the signature's a number of words.
    let identity_len = 1usize << (identity >> 4);
    let signature_len = usize::from(signature >> 4) * 4;
    if operation & 0x0f != FORWARD {
        return Err(Refusal::IpProtocol(super::udp::PROTOCOL));
    }
    let rest = skip(rest, identity_len + signature_len)?;
    match next {
        4 | 41 => Ok((Layer::Ayiya, Protocol::Ip, rest)),
        _ => Err(Refusal::IpProtocol(*next)),
    }
}
