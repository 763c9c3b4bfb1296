//! The Huffman code of header strings (RFC 7541 section 5.2 and appendix B).
//!
//! The code is canonical: codes of one length follow each other in the order of their symbols, so
//! the lengths are all there is to know.

/// Symbols: the 256 bytes and the end of string.
const SYMBOLS: usize = 257;

/// The end of string, which must not be sent.
const END_OF_STRING: u16 = 256;

/// Longest code.
const BITS_MAX: u32 = 30;

/// Codes up to that length are found in one step.
const FAST_BITS: u32 = 9;

/// The length of each symbol's code in bits.
#[rustfmt::skip]
const LENGTHS: [u8; SYMBOLS] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// The code, for decoding.
struct Code {
    /// Symbols in the order of their codes.
    symbols: [u16; SYMBOLS],
    /// For each length: the first code longer than it, aligned to the left of 32 bits.
    limits: [u64; BITS_MAX as usize + 1],
    /// For each length: what a code (aligned to the right) is to be lessened by to give its place
    /// in `symbols`.
    bases: [u32; BITS_MAX as usize + 1],
    /// For each value of the next bits: symbol and length of the code they begin with; length 0
    /// when it is longer.
    fast: [(u8, u8); 1 << FAST_BITS],
}

static CODE: Code = Code::build();

impl Code {
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "evaluated by the compiler, which fails where this would"
    )]
    const fn build() -> Self {
        let mut code = Self {
            symbols: [0; SYMBOLS],
            limits: [0; BITS_MAX as usize + 1],
            bases: [0; BITS_MAX as usize + 1],
            fast: [(0, 0); 1 << FAST_BITS],
        };
        let (mut place, mut next, mut length) = (0_usize, 0_u32, 1_u32);
        while length <= BITS_MAX {
            next <<= 1;
            code.bases[length as usize] = next.wrapping_sub(place as u32);
            let mut symbol = 0;
            while symbol < SYMBOLS {
                if LENGTHS[symbol] as u32 == length {
                    code.symbols[place] = symbol as u16;
                    if length <= FAST_BITS {
                        let spare = FAST_BITS - length;
                        let mut i = 0;
                        while i < 1 << spare {
                            code.fast[((next << spare) + i) as usize] =
                                (symbol as u8, length as u8);
                            i += 1;
                        }
                    }
                    place += 1;
                    next += 1;
                }
                symbol += 1;
            }
            code.limits[length as usize] = (next as u64) << (32 - length);
            length += 1;
        }
        code
    }

    /// The symbol that a window of 32 bits begins with, and the length of its code.
    fn longer(&self, window: u32) -> Option<(u16, u32)> {
        for length in FAST_BITS + 1..=BITS_MAX {
            if u64::from(window) < *self.limits.get(length as usize)? {
                let code = window >> (32 - length);
                let place = code.wrapping_sub(*self.bases.get(length as usize)?);
                return Some((*self.symbols.get(place as usize)?, length));
            }
        }
        None
    }
}

/// Appends the decoded string. None when it is not one: it holds the end of string, or is not
/// padded with the beginning of its code.
pub(super) fn decode(bytes: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let (mut bits, mut count) = (0_u64, 0_u32);
    let mut rest = bytes.iter();
    loop {
        while count <= 32
            && let Some(&byte) = rest.next()
        {
            bits = (bits << 8) | u64::from(byte);
            count += 8;
        }
        if count == 0 {
            return Some(());
        }
        // Behind the end stand ones, which begin no code shorter than 8 bits.
        let aligned = if count >= 32 {
            bits >> (count - 32)
        } else {
            (bits << (32 - count)) | ((1 << (32 - count)) - 1)
        };
        let window = u32::try_from(aligned & 0xffff_ffff).ok()?;
        let &(symbol, length) = CODE.fast.get((window >> (32 - FAST_BITS)) as usize)?;
        let (symbol, length) = match u32::from(length) {
            0 if count < 8 && window == u32::MAX => return Some(()),
            0 => CODE.longer(window)?,
            length => (u16::from(symbol), length),
        };
        if length > count || symbol == END_OF_STRING {
            return None;
        }
        out.push(u8::try_from(symbol).ok()?);
        count -= length;
        bits &= (1 << count) - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        decode(bytes, &mut out)?;
        Some(out.escape_ascii().to_string())
    }

    #[test]
    fn strings() {
        let cases: &[(&[u8], Option<&str>)] = &[
            // RFC 7541 appendix C.4.
            (
                b"\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff",
                Some("www.example.com"),
            ),
            (b"\xa8\xeb\x10\x64\x9c\xbf", Some("no-cache")),
            (b"\x64\x02", Some("302")),
            (b"", Some("")),
            // A whole byte of padding; padding that is not all ones; the end of string.
            (b"\x64\x02\xff", None),
            (b"\x64\x02\x00", None),
            (b"\xff\xff\xff\xff", None),
            (b"\xff\xff\xff\xfc", None),
        ];
        for (bytes, wanted) in cases {
            assert_eq!(text(bytes).as_deref(), *wanted, "{bytes:02x?}");
        }
    }

    #[test]
    fn every_byte_is_decoded() {
        // Codes counted anew from the lengths, each alone and padded.
        let mut order: Vec<usize> = (0..256).collect();
        order.sort_by_key(|&symbol| LENGTHS[symbol]);
        let (mut code, mut before) = (0_u64, u32::from(LENGTHS[order[0]]));
        for symbol in order {
            let length = u32::from(LENGTHS[symbol]);
            code <<= length - before;
            before = length;
            let padding = length.next_multiple_of(8) - length;
            let padded = ((code << padding) | ((1 << padding) - 1)) << (64 - length - padding);
            let bytes = &padded.to_be_bytes()[..((length + padding) / 8) as usize];
            let mut out = Vec::new();
            assert_eq!(decode(bytes, &mut out), Some(()), "{symbol}");
            assert_eq!(out, [u8::try_from(symbol).unwrap_or(0)], "{symbol}");
            code += 1;
        }
    }
}
