//! IEEE 802.11 data frames, and the headers that capturing radios put before them.
//!
//! Only frames that carry a whole packet in the clear are peeled: encrypted, fragmented and
//! aggregated ones are counted by the first byte of their frame control.

use crate::counters::Refusal;
use crate::walk::{Named, Peeled, Protocol, skip, take};
use crate::{Layer, LinkType};

/// Radiotap: its length is in the header, in little endian.
pub(crate) fn radiotap(data: &[u8]) -> Peeled<'_> {
    let ([version, _, l0, l1], _) = take::<4>(data)?;
    let len = usize::from(u16::from_le_bytes([*l0, *l1]));
    if *version != 0 || len < 8 {
        return Err(Refusal::MalformedHeader);
    }
    Ok((Protocol::Wlan, skip(data, len)?))
}

/// Per-packet information: a header that names the link type of what follows.
pub(crate) fn per_packet_information(data: &[u8]) -> Result<(LinkType, &[u8]), Refusal> {
    let ([_, _, l0, l1, d0, d1, d2, d3], _) = take::<8>(data)?;
    let len = usize::from(u16::from_le_bytes([*l0, *l1]));
    let inner = LinkType(u32::from_le_bytes([*d0, *d1, *d2, *d3]));
    // Itself inside itself would be a way to loop.
    if len < 8 || inner == LinkType::PPI {
        return Err(Refusal::MalformedHeader);
    }
    Ok((inner, skip(data, len)?))
}

/// The Prism header, in the byte order of whoever captured, or the AVS header in its place.
pub(crate) fn prism(data: &[u8]) -> Peeled<'_> {
    /// First half of an AVS header's magic number.
    const AVS: [u8; 2] = [0x80, 0x21];
    let ([m0, m1, _, _, len @ ..], _) = take::<8>(data)?;
    let big = u32::from_be_bytes(*len);
    let len = if [*m0, *m1] == AVS {
        big
    } else {
        // Lengths are small: the byte order that gives the smaller number is the right one.
        big.min(big.swap_bytes())
    };
    if len < 8 {
        return Err(Refusal::MalformedHeader);
    }
    let len = usize::try_from(len).map_err(|_| Refusal::TruncatedHeader)?;
    Ok((Protocol::Wlan, skip(data, len)?))
}

/// Peels a data frame; LLC follows.
pub(crate) fn frame(data: &[u8]) -> Named<'_> {
    const TO_AND_FROM_SYSTEM: u8 = 0x03;
    const MORE_FRAGMENTS: u8 = 0x04;
    const PROTECTED: u8 = 0x40;
    const ORDER: u8 = 0x80;
    const QUALITY: u8 = 0x80;
    const NO_DATA: u8 = 0x40;
    const AGGREGATE: u8 = 0x80;
    let ([control, flags], _) = take::<2>(data)?;
    let is_data = control & 0x0f == 0x08 && control & NO_DATA == 0;
    let ([.., sequence, _], _) = take::<24>(data)?;
    let is_whole = flags & MORE_FRAGMENTS == 0 && sequence & 0x0f == 0;
    if !is_data || !is_whole || flags & PROTECTED != 0 {
        return Err(Refusal::WlanFrame(*control));
    }
    let mut len = 24;
    if flags & TO_AND_FROM_SYSTEM == TO_AND_FROM_SYSTEM {
        len += 6;
    }
    if control & QUALITY != 0 {
        let ([quality], _) = take::<1>(skip(data, len)?)?;
        if quality & AGGREGATE != 0 {
            return Err(Refusal::WlanFrame(*control));
        }
        len += 2;
        if flags & ORDER != 0 {
            len += 4;
        }
    }
    let rest = skip(data, len)?;
    // Some radios pad the header to a multiple of four; the SNAP header tells.
    let padded = skip(data, len.next_multiple_of(4))?;
    let is_snap = |data: &[u8]| data.starts_with(&[0xaa, 0xaa, 0x03]);
    let rest = if is_snap(padded) && !is_snap(rest) {
        padded
    } else {
        rest
    };
    Ok((Layer::Wlan, Protocol::Llc, rest))
}
