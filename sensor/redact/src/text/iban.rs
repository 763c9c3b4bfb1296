//! International bank account numbers (ISO 13616): country, length, form, remainder by 97.

use Form::{Any, Digits, Letters, LettersThenAny};

/// What stands behind country and check digits.
#[derive(Clone, Copy)]
enum Form {
    /// Digits.
    Digits,
    /// So many letters, then digits.
    Letters(u8),
    /// So many letters, then digits and letters.
    LettersThenAny(u8),
    /// Digits and letters.
    Any,
}

impl Form {
    fn fits(self, number: &[u8]) -> bool {
        let account = number.get(4..).unwrap_or_default();
        let (letters, digits) = match self {
            Any => return true,
            Digits => (0, true),
            Letters(count) => (count, true),
            LettersThenAny(count) => (count, false),
        };
        let (bank, rest) = account
            .split_at_checked(usize::from(letters))
            .unwrap_or_default();
        bank.iter().all(u8::is_ascii_uppercase) && (!digits || rest.iter().all(u8::is_ascii_digit))
    }
}

/// Length of the IBAN that `text` starts with, with or without its groups of four.
pub(crate) fn iban_prefix(text: &[u8]) -> Option<usize> {
    let [a, b, c, d, ..] = text else { return None };
    let country = [*a, *b];
    if !(c.is_ascii_digit() && d.is_ascii_digit()) {
        return None;
    }
    let (_, length, form) = COUNTRIES.iter().find(|(code, ..)| **code == country)?;
    let length = usize::from(*length);
    let mut number = [0_u8; 34];
    let mut count = 0;
    let mut end = 0;
    for (index, &byte) in text.iter().enumerate().take(48) {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' => {
                *number.get_mut(count)? = byte;
                count += 1;
                end = index + 1;
                if count == length {
                    break;
                }
            }
            b' ' if count % 4 == 0 && end == index => {}
            _ => break,
        }
    }
    let number = number.get(..count)?;
    (count == length && form.fits(number) && remainder_97(number) == 1).then_some(end)
}

/// The number of ISO 7064 MOD 97-10: the first four characters moved to the end, letters as 10 to
/// 35.
fn remainder_97(number: &[u8]) -> u32 {
    let (head, tail) = number.split_at_checked(4).unwrap_or_default();
    tail.iter().chain(head).fold(0, |sum, &byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        _ => (sum * 100 + u32::from(byte.saturating_sub(b'A')) + 10) % 97,
    })
}

/// Countries, lengths and forms of the SWIFT IBAN registry.
const COUNTRIES: &[(&[u8; 2], u8, Form)] = &[
    (b"AD", 24, Any),
    (b"AE", 23, Digits),
    (b"AL", 28, Any),
    (b"AT", 20, Digits),
    (b"AZ", 28, LettersThenAny(4)),
    (b"BA", 20, Digits),
    (b"BE", 16, Digits),
    (b"BG", 22, LettersThenAny(4)),
    (b"BH", 22, LettersThenAny(4)),
    (b"BR", 29, Any),
    (b"BY", 28, Any),
    (b"CH", 21, Any),
    (b"CR", 22, Digits),
    (b"CY", 28, Any),
    (b"CZ", 24, Digits),
    (b"DE", 22, Digits),
    (b"DK", 18, Digits),
    (b"DO", 28, Any),
    (b"EE", 20, Digits),
    (b"EG", 29, Digits),
    (b"ES", 24, Digits),
    (b"FI", 18, Digits),
    (b"FO", 18, Digits),
    (b"FR", 27, Any),
    (b"GB", 22, Letters(4)),
    (b"GE", 22, Letters(2)),
    (b"GI", 23, LettersThenAny(4)),
    (b"GL", 18, Digits),
    (b"GR", 27, Any),
    (b"GT", 28, Any),
    (b"HR", 21, Digits),
    (b"HU", 28, Digits),
    (b"IE", 22, Letters(4)),
    (b"IL", 23, Digits),
    (b"IQ", 23, Letters(4)),
    (b"IS", 26, Digits),
    (b"IT", 27, LettersThenAny(1)),
    (b"JO", 30, LettersThenAny(4)),
    (b"KW", 30, LettersThenAny(4)),
    (b"KZ", 20, Any),
    (b"LB", 28, Any),
    (b"LC", 32, LettersThenAny(4)),
    (b"LI", 21, Any),
    (b"LT", 20, Digits),
    (b"LU", 20, Any),
    (b"LV", 21, LettersThenAny(4)),
    (b"LY", 25, Digits),
    (b"MC", 27, Any),
    (b"MD", 24, Any),
    (b"ME", 22, Digits),
    (b"MK", 19, Any),
    (b"MR", 27, Digits),
    (b"MT", 31, LettersThenAny(4)),
    (b"MU", 30, LettersThenAny(4)),
    (b"NL", 18, Letters(4)),
    (b"NO", 15, Digits),
    (b"PK", 24, LettersThenAny(4)),
    (b"PL", 28, Digits),
    (b"PS", 29, LettersThenAny(4)),
    (b"PT", 25, Digits),
    (b"QA", 29, LettersThenAny(4)),
    (b"RO", 24, LettersThenAny(4)),
    (b"RS", 22, Digits),
    (b"SA", 24, Any),
    (b"SC", 31, LettersThenAny(4)),
    (b"SE", 24, Digits),
    (b"SI", 19, Digits),
    (b"SK", 24, Digits),
    (b"SM", 27, LettersThenAny(1)),
    (b"ST", 25, Digits),
    (b"SV", 28, Letters(4)),
    (b"TL", 23, Digits),
    (b"TN", 24, Digits),
    (b"TR", 26, Digits),
    (b"UA", 29, Any),
    (b"VA", 22, Digits),
    (b"VG", 24, Letters(4)),
    (b"XK", 20, Digits),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ibans_by_length_and_remainder() {
        for (text, expected) in [
            ("DE89370400440532013000", true),
            ("GB29 NWBK 6016 1331 9268 19", true),
            ("NO9386011117947", true),
            ("DE88370400440532013000", false),
            ("ZZ89370400440532013000", false),
            ("DE8937040044053201300", false),
        ] {
            assert_eq!(
                iban_prefix(text.as_bytes()) == Some(text.len()),
                expected,
                "{text}"
            );
        }
    }
}
