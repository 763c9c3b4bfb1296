//! Numbers that identify: payment cards (ISO/IEC 7812), IBAN (ISO 13616), US social security.

/// Length of the payment card number that `text` starts with: digits alone or in groups by one
/// kind of separator, an issuer's range and length, and the Luhn check digit.
///
/// `named` tells that the field's name speaks of a card: then rare lengths count as well.
pub(crate) fn card_prefix(text: &[u8], named: bool) -> Option<usize> {
    let mut digits = [0_u8; 19];
    let mut count = 0_usize;
    let mut end = 0;
    let mut separator = None;
    for (index, &byte) in text.iter().enumerate().take(24) {
        match byte {
            b'0'..=b'9' => {
                *digits.get_mut(count)? = byte - b'0';
                count += 1;
                end = index + 1;
            }
            b' ' | b'-' if end == index && count >= 4 && separator.is_none_or(|s| s == byte) => {
                separator = Some(byte);
            }
            _ => break,
        }
    }
    let usual = named || separator.is_some();
    let digits = digits.get(..count)?;
    (issued(digits, usual) && luhn(digits)).then_some(end)
}

/// Whether an issuer uses this range at this length; lengths that are rare for it only when
/// `usual` is not asked for, since long identifiers are as common as such cards are not.
fn issued(digits: &[u8], rare_lengths: bool) -> bool {
    let prefix = |n: usize| {
        digits
            .iter()
            .take(n)
            .fold(0_u32, |sum, &d| sum * 10 + u32::from(d))
    };
    let (two, three, four) = (prefix(2), prefix(3), prefix(4));
    match digits.len() {
        14 => matches!(three, 300..=305) || matches!(two, 36 | 38 | 39),
        15 => matches!(two, 34 | 37),
        16 => {
            two / 10 == 4
                || matches!(two, 51..=55 | 62 | 65)
                || matches!(three, 644..=649)
                || matches!(four, 2221..=2720 | 6011 | 3528..=3589)
                || (rare_lengths && matches!(two, 50 | 56..=58 | 63 | 67))
        }
        13 => rare_lengths && two / 10 == 4,
        17..=19 => {
            rare_lengths
                && (two / 10 == 4
                    || matches!(two, 50 | 56..=58 | 62 | 63 | 65 | 67)
                    || four == 6011)
        }
        _ => false,
    }
}

fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, &digit)| match (place % 2, u32::from(digit)) {
            (0, digit) => digit,
            (_, digit) if digit > 4 => digit * 2 - 9,
            (_, digit) => digit * 2,
        })
        .sum();
    sum.is_multiple_of(10)
}

/// Length of the US social security number with its separators that `text` starts with.
pub(crate) fn ssn_prefix(text: &[u8]) -> Option<usize> {
    let [a, b, c, first @ (b'-' | b' '), d, e, second, f, g, h, i, ..] = text else {
        return None;
    };
    let digits = [*a, *b, *c, *d, *e, *f, *g, *h, *i];
    (first == second && assigned(&digits)).then_some(11)
}

/// Whether nine digits can be a US social security number, when the field's name says so.
pub(crate) fn is_named_ssn(text: &[u8]) -> bool {
    <&[u8; 9]>::try_from(text).is_ok_and(assigned) || ssn_prefix(text) == Some(text.len())
}

/// The Social Security Administration's rules: areas 000, 666 and 9xx, group 00 and serial 0000
/// are never assigned.
fn assigned(digits: &[u8; 9]) -> bool {
    let [a, b, c, d, e, serial @ ..] = digits;
    digits.iter().all(u8::is_ascii_digit)
        && *a != b'9'
        && ![*b"000", *b"666"].contains(&[*a, *b, *c])
        && [*d, *e] != *b"00"
        && serial != b"0000"
}

/// Length of the IBAN that `text` starts with, with or without its groups of four.
pub(crate) fn iban_prefix(text: &[u8]) -> Option<usize> {
    let [a, b, c, d, ..] = text else { return None };
    let country = [*a, *b];
    if !(c.is_ascii_digit() && d.is_ascii_digit()) {
        return None;
    }
    let length = usize::from(
        IBAN_LENGTHS
            .iter()
            .find(|(code, _)| **code == country)
            .map(|(_, length)| *length)?,
    );
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
    (count == length && remainder_97(number) == 1).then_some(end)
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

/// Countries and lengths of the SWIFT IBAN registry.
const IBAN_LENGTHS: &[(&[u8; 2], u8)] = &[
    (b"AD", 24),
    (b"AE", 23),
    (b"AL", 28),
    (b"AT", 20),
    (b"AZ", 28),
    (b"BA", 20),
    (b"BE", 16),
    (b"BG", 22),
    (b"BH", 22),
    (b"BR", 29),
    (b"BY", 28),
    (b"CH", 21),
    (b"CR", 22),
    (b"CY", 28),
    (b"CZ", 24),
    (b"DE", 22),
    (b"DK", 18),
    (b"DO", 28),
    (b"EE", 20),
    (b"EG", 29),
    (b"ES", 24),
    (b"FI", 18),
    (b"FO", 18),
    (b"FR", 27),
    (b"GB", 22),
    (b"GE", 22),
    (b"GI", 23),
    (b"GL", 18),
    (b"GR", 27),
    (b"GT", 28),
    (b"HR", 21),
    (b"HU", 28),
    (b"IE", 22),
    (b"IL", 23),
    (b"IQ", 23),
    (b"IS", 26),
    (b"IT", 27),
    (b"JO", 30),
    (b"KW", 30),
    (b"KZ", 20),
    (b"LB", 28),
    (b"LC", 32),
    (b"LI", 21),
    (b"LT", 20),
    (b"LU", 20),
    (b"LV", 21),
    (b"LY", 25),
    (b"MC", 27),
    (b"MD", 24),
    (b"ME", 22),
    (b"MK", 19),
    (b"MR", 27),
    (b"MT", 31),
    (b"MU", 30),
    (b"NL", 18),
    (b"NO", 15),
    (b"PK", 24),
    (b"PL", 28),
    (b"PS", 29),
    (b"PT", 25),
    (b"QA", 29),
    (b"RO", 24),
    (b"RS", 22),
    (b"SA", 24),
    (b"SC", 31),
    (b"SE", 24),
    (b"SI", 19),
    (b"SK", 24),
    (b"SM", 27),
    (b"ST", 25),
    (b"SV", 28),
    (b"TL", 23),
    (b"TN", 24),
    (b"TR", 26),
    (b"UA", 29),
    (b"VA", 22),
    (b"VG", 24),
    (b"XK", 20),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_by_issuer_length_and_check_digit() {
        let whole = |text: &str| card_prefix(text.as_bytes(), false) == Some(text.len());
        for text in [
            "4111111111111111",
            "4111 1111 1111 1111",
            "5555-5555-5555-4444",
            "378282246310005",
            "6011111111111117",
            "3530111333300000",
            "30569309025904",
            "2223003122003222",
        ] {
            assert!(whole(text), "{text}");
        }
        for text in [
            "4111111111111112",
            "1234567890123456",
            "9111111111111111",
            "411111111111111",
            "4222222222222",
            "4111--111111111111",
        ] {
            assert!(!whole(text), "{text}");
        }
        assert!(card_prefix(b"4222222222222", true).is_some());
    }

    #[test]
    fn social_security_numbers_by_area_rule() {
        for (text, expected) in [
            ("078-05-1120", true),
            ("078 05 1120", true),
            ("000-12-3456", false),
            ("666-12-3456", false),
            ("912-12-3456", false),
            ("123-00-4567", false),
            ("123-45-0000", false),
            ("123-45 6789", false),
        ] {
            assert_eq!(ssn_prefix(text.as_bytes()).is_some(), expected, "{text}");
        }
        assert!(is_named_ssn(b"078051120"));
        assert!(!is_named_ssn(b"07805112"));
    }

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
