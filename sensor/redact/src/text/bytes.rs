//! What kinds of characters a text is made of: one pass, one byte of answer.

/// The kinds of characters in a text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mask(u16);

impl Mask {
    pub(crate) const DIGIT: u16 = 1;
    /// `a` to `f`, either case.
    pub(crate) const HEX: u16 = 1 << 1;
    pub(crate) const UPPER: u16 = 1 << 2;
    pub(crate) const LOWER: u16 = 1 << 3;
    pub(crate) const DOT: u16 = 1 << 4;
    pub(crate) const DASH: u16 = 1 << 5;
    pub(crate) const SPACE: u16 = 1 << 6;
    pub(crate) const COLON: u16 = 1 << 7;
    pub(crate) const AT: u16 = 1 << 8;
    /// `+`, `(` and `)`: what telephone numbers are decorated with.
    pub(crate) const PHONE: u16 = 1 << 9;
    /// `_`, `=`, `~`, `/`: with the above, what tokens are made of.
    pub(crate) const TOKEN: u16 = 1 << 10;
    /// Control characters and bytes beyond ASCII.
    pub(crate) const ODD: u16 = 1 << 11;
    /// Every other printable character.
    pub(crate) const PUNCTUATION: u16 = 1 << 12;

    pub(crate) const fn has(self, kinds: u16) -> bool {
        self.0 & kinds != 0
    }

    /// Whether the text has characters of `kinds` only.
    pub(crate) const fn only(self, kinds: u16) -> bool {
        self.0 & !kinds == 0
    }
}

const fn kind(byte: u8) -> u16 {
    match byte {
        b'0'..=b'9' => Mask::DIGIT,
        b'a'..=b'f' => Mask::LOWER | Mask::HEX,
        b'A'..=b'F' => Mask::UPPER | Mask::HEX,
        b'g'..=b'z' => Mask::LOWER,
        b'G'..=b'Z' => Mask::UPPER,
        b'.' => Mask::DOT,
        b'-' => Mask::DASH,
        b' ' => Mask::SPACE,
        b':' => Mask::COLON,
        b'@' => Mask::AT,
        b'+' | b'(' | b')' => Mask::PHONE,
        b'_' | b'=' | b'~' | b'/' => Mask::TOKEN,
        0..=0x1f | 0x7f..=0xff => Mask::ODD,
        _ => Mask::PUNCTUATION,
    }
}

const KINDS: [u16; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "evaluated at compile time, `byte` is below 256"
        )]
        {
            kinds[byte] = kind(byte as u8);
        }
        byte += 1;
    }
    kinds
};

/// The kinds of characters in `text`.
pub(crate) fn mask_of(text: &[u8]) -> Mask {
    Mask(text.iter().fold(0, |mask, &byte| {
        mask | KINDS.get(usize::from(byte)).unwrap_or(&0)
    }))
}

/// How long `text` is before the first `end`, and the kinds of characters so far.
pub(crate) fn mask_until(text: &[u8], end: u8) -> (usize, Mask) {
    let mut mask = 0;
    let is_end = |byte: &u8| {
        if *byte == end {
            return true;
        }
        mask |= KINDS.get(usize::from(*byte)).unwrap_or(&0);
        false
    };
    let length = text.iter().position(is_end).unwrap_or(text.len());
    (length, Mask(mask))
}

/// Texts up to here are looked at to their end.
const LOOK_BYTES: usize = 64;

/// The kinds of characters in a value; of a long text that starts with words, those of its start:
/// no recogniser of whole values asks for more, as none takes letters with blanks between them.
pub(super) fn mask_of_value(value: &[u8]) -> Mask {
    match value.get(..LOOK_BYTES) {
        Some(start) if value.len() > 4 * LOOK_BYTES => {
            let mask = mask_of(start);
            if mask.has(Mask::SPACE) && mask.has(Mask::LOWER | Mask::UPPER | Mask::ODD) {
                mask
            } else {
                mask_of(value)
            }
        }
        _ => mask_of(value),
    }
}

/// `text` without white space around it.
pub(crate) fn trim(text: &[u8]) -> &[u8] {
    text.trim_ascii()
}
