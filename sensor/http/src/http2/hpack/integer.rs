//! Integers with a prefix (RFC 7541 section 5.1).

/// Reads the integer whose prefix is the low `prefix_bits` of the first byte. Returns it with the
/// number of bytes it takes; none when the bytes end early or it does not fit 32 bits, which no
/// index and no length does.
pub(super) fn read(bytes: &[u8], prefix_bits: u8) -> Option<(usize, usize)> {
    let prefix_max = (1_u32 << prefix_bits) - 1;
    let prefix = u32::from(*bytes.first()?) & prefix_max;
    if prefix < prefix_max {
        return Some((prefix as usize, 1));
    }
    let mut value = prefix;
    for (i, &byte) in bytes.iter().enumerate().skip(1) {
        // Bytes that add nothing could go on for ever; five carry 32 bits.
        let shift = u32::try_from(i - 1).ok()? * 7;
        if i > 5 {
            return None;
        }
        let part = u64::from(byte & 0x7f) << shift;
        value = value.checked_add(u32::try_from(part).ok()?)?;
        if byte & 0x80 == 0 {
            return Some((value as usize, i + 1));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers() {
        type Case = (&'static [u8], u8, Option<(usize, usize)>);
        let cases: &[Case] = &[
            // RFC 7541 appendix C.1.
            (&[0b0000_1010], 5, Some((10, 1))),
            (&[0b0001_1111, 0b1001_1010, 0b0000_1010], 5, Some((1337, 3))),
            (&[0b0010_1010], 8, Some((42, 1))),
            (&[0xe1], 5, Some((1, 1))),
            (&[0x1f, 0], 5, Some((31, 2))),
            (&[0x1f, 0x80, 0x80, 0], 5, Some((31, 4))),
            (
                &[0x1f, 0xe0, 0xff, 0xff, 0xff, 0x0f],
                5,
                Some((0xffff_ffff, 6)),
            ),
            (&[0x1f, 0xe1, 0xff, 0xff, 0xff, 0x0f], 5, None),
            (&[0x1f, 0x80, 0x80, 0x80, 0x80, 0x80, 0], 5, None),
            (&[0x1f, 0x80], 5, None),
            (&[0x1f], 5, None),
            (&[], 5, None),
        ];
        for (bytes, bits, wanted) in cases {
            assert_eq!(read(bytes, *bits), *wanted, "{bytes:02x?}");
        }
    }
}
