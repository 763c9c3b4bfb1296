//! Check digits: what tells an identifier from any other number of its length.

/// ISO/IEC 7812 (Luhn) over digits 0 to 9.
pub(super) fn luhn(digits: &[u8]) -> bool {
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

/// Sum of ASCII digits by weights; as many as there are weights.
pub(super) fn weighted(text: &[u8], weights: &[u32]) -> u32 {
    text.iter()
        .zip(weights)
        .map(|(byte, weight)| digit(*byte) * weight)
        .sum()
}

/// The value of an ASCII digit.
pub(super) fn digit(byte: u8) -> u32 {
    u32::from(byte.wrapping_sub(b'0'))
}

/// A number of ASCII digits.
pub(super) fn number(text: &[u8]) -> u64 {
    text.iter().fold(0, |sum, byte| {
        sum.wrapping_mul(10).wrapping_add(u64::from(digit(*byte)))
    })
}

/// ISO/IEC 7064 MOD 11,10 over ASCII digits, the check digit last.
pub(super) fn mod_11_10(text: &[u8]) -> bool {
    let Some((check, body)) = text.split_last() else {
        return false;
    };
    let product = body.iter().fold(10, |product, byte| {
        let sum = match (digit(*byte) + product) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    (11 - product) % 10 == digit(*check)
}

/// The multiplication table of the dihedral group of order 10 that Verhoeff's check digit is made
/// with.
const DIHEDRAL: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];

/// Verhoeff's permutation, by place from the right.
const PERMUTED: [[u8; 10]; 8] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 5, 7, 6, 2, 8, 3, 0, 9, 4],
    [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
    [8, 9, 1, 6, 0, 4, 3, 5, 2, 7],
    [9, 4, 5, 3, 1, 2, 6, 8, 7, 0],
    [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
    [2, 7, 9, 3, 8, 0, 6, 4, 1, 5],
    [7, 0, 4, 6, 9, 1, 3, 2, 5, 8],
];

/// Verhoeff's check digit over ASCII digits.
pub(super) fn verhoeff(text: &[u8]) -> bool {
    let at = |table: &[[u8; 10]], row: usize, column: u32| {
        let row = table.get(row)?;
        row.get(column as usize).copied()
    };
    let check = text
        .iter()
        .rev()
        .enumerate()
        .try_fold(0_u8, |check, (place, byte)| {
            let permuted = at(&PERMUTED, place % 8, digit(*byte))?;
            at(&DIHEDRAL, usize::from(check), u32::from(permuted))
        });
    check == Some(0)
}

/// Whether a year (of two or four digits), month and day make a date.
pub(super) fn is_day(year: u64, month: u64, day: u64) -> bool {
    let leap = year.is_multiple_of(4);
    let last = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => 0,
    };
    (1..=last).contains(&day)
}

/// Whether six digits are day, month and year of two digits each.
pub(super) fn is_ddmmyy(text: &[u8]) -> bool {
    let part = |at: usize| number(text.get(at..at + 2).unwrap_or_default());
    text.len() >= 6 && is_day(part(4), part(2), part(0))
}

/// Whether six digits are year, month and day of two digits each.
pub(super) fn is_yymmdd(text: &[u8]) -> bool {
    let part = |at: usize| number(text.get(at..at + 2).unwrap_or_default());
    text.len() >= 6 && is_day(part(0), part(2), part(4))
}

/// CRC-32 (ISO-HDLC, as zlib has it), a bit at a time: it is asked for once in a blue moon.
pub(super) fn crc32(text: &[u8]) -> u32 {
    !text.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg())
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_of_known_numbers() {
        assert!(luhn(&[4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]));
        assert!(!luhn(&[4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2]));
        assert!(verhoeff(b"2363") && !verhoeff(b"2364") && !verhoeff(b"3263"));
        assert!(mod_11_10(b"86095742719") && !mod_11_10(b"86095742718"));
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }

    #[test]
    fn days_of_the_calendar() {
        for (text, expected) in [
            (&b"310199"[..], true),
            (b"310499", false),
            (b"290200", true),
            (b"290201", false),
            (b"001200", false),
            (b"0112", false),
        ] {
            assert_eq!(is_ddmmyy(text), expected, "{text:?}");
        }
        assert!(is_yymmdd(b"991231") && !is_yymmdd(b"991331"));
    }
}
