//! Numbers that identify: payment cards (ISO/IEC 7812), US social security.

use super::check::{luhn, weighted};

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

/// Whether `value` is the code of a bank: a US routing number with its check digit, a UK sort code
/// with its separators, a BIC (ISO 9362).
pub(crate) fn is_bank_code(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let routing = value.len() == 9
        && digits == 9
        && weighted(value, &[3, 7, 1, 3, 7, 1, 3, 7, 1]).is_multiple_of(10);
    let sort = digits == 6 && matches!(value, [_, _, b'-' | b' ', _, _, b'-' | b' ', _, _]);
    let bic = matches!(value.len(), 8 | 11)
        && value.iter().take(6).all(u8::is_ascii_uppercase)
        && value
            .iter()
            .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    routing || sort || bic
}

/// Whether `value` is an IMEI: fifteen digits with Luhn's check digit.
pub(crate) fn is_imei(value: &[u8]) -> bool {
    let mut digits = [0_u8; 15];
    let mut count = 0;
    for byte in value.iter().filter(|byte| !matches!(byte, b'-' | b' ')) {
        match digits.get_mut(count) {
            Some(to) if byte.is_ascii_digit() => *to = byte - b'0',
            _ => return false,
        }
        count += 1;
    }
    count == 15 && luhn(&digits)
}

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
}
