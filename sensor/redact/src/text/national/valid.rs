//! What makes each number valid.

use super::super::check::{
    digit, is_day, is_ddmmyy, is_yymmdd, luhn, mod_11_10, number, verhoeff, weighted,
};
use super::COMPACT_BYTES_MAX;

fn all_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// Whether all digits are the same: such numbers pass many checks and are given to nobody.
fn is_monotonous(text: &[u8]) -> bool {
    text.windows(2).all(|pair| matches!(pair, [a, b] if a == b))
}

/// GB 11643-1999: region, date of birth, serial, ISO 7064 MOD 11-2.
pub(super) fn cn_resident_id(text: &[u8]) -> bool {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let (body, check) = text.split_at_checked(17).unwrap_or_default();
    let part = |from: usize, to: usize| number(body.get(from..to).unwrap_or_default());
    all_digits(body)
        && matches!(part(0, 2), 11..=15 | 21..=23 | 31..=37 | 41..=46 | 50..=54 | 61..=65 | 71 | 81 | 82)
        && (1900..=2099).contains(&part(6, 10))
        && is_day(part(6, 10), part(10, 12), part(12, 14))
        && b"10X98765432".get((weighted(body, &WEIGHTS) % 11) as usize) == check.first()
}

/// Clave Única de Registro de Población: letters of the name, date, sex, state, check digit.
pub(super) fn mx_curp(text: &[u8]) -> bool {
    const ALPHABET: &[u8] = b"0123456789ABCDEFGHIJKLMN OPQRSTUVWXYZ";
    let of = |from: usize, to: usize| text.get(from..to).unwrap_or_default();
    let sum: usize = text
        .iter()
        .take(17)
        .zip((2..=18).rev())
        .map(|(byte, weight)| ALPHABET.iter().position(|one| one == byte).unwrap_or(0) * weight)
        .sum();
    of(0, 4).iter().all(u8::is_ascii_uppercase)
        && all_digits(of(4, 10))
        && is_yymmdd(of(4, 10))
        && matches!(of(10, 11), b"H" | b"M" | b"X")
        && of(11, 16).iter().all(u8::is_ascii_uppercase)
        && all_digits(of(17, 18))
        && (10 - sum % 10) % 10 == digit(of(17, 18).first().copied().unwrap_or(b'0')) as usize
}

/// Decreto ministeriale 23/12/1976: letters of the name, date, place, check letter; digits may be
/// replaced by letters where two persons would have the same code.
pub(super) fn it_fiscal_code(text: &[u8]) -> bool {
    const ODD: [u32; 26] = [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24,
        23,
    ];
    let value = |byte: u8| match byte {
        b'0'..=b'9' => Some(usize::from(byte - b'0')),
        b'A'..=b'Z' => Some(usize::from(byte - b'A')),
        _ => None,
    };
    let is_digit = |byte: &u8| byte.is_ascii_digit() || b"LMNPQRSTUV".contains(byte);
    let form = text.iter().enumerate().all(|(at, byte)| match at {
        6 | 7 | 9 | 10 | 12 | 13 | 14 => is_digit(byte),
        8 => b"ABCDEHLMPRST".contains(byte),
        _ => byte.is_ascii_uppercase(),
    });
    let Some((check, body)) = text.split_last() else {
        return false;
    };
    let sum: Option<u32> = body
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            let value = value(*byte)?;
            if at % 2 == 0 {
                ODD.get(value).copied()
            } else {
                u32::try_from(value).ok()
            }
        })
        .sum();
    form && sum.is_some_and(|sum| sum % 26 == u32::from(check.wrapping_sub(b'A')))
}

/// Numéro de sécurité sociale: sex, year, month, département, order, 97 minus the rest by 97.
pub(super) fn fr_nir(text: &[u8]) -> bool {
    let mut digits = [0_u8; 15];
    digits
        .iter_mut()
        .zip(text)
        .for_each(|(to, from)| *to = *from);
    let minus = match text.get(5..7) {
        // Corsica, which was number 20 when the key was devised.
        Some(b"2A") => 1_000_000,
        Some(b"2B") => 2_000_000,
        _ => 0,
    };
    if minus > 0 {
        digits
            .get_mut(5..7)
            .into_iter()
            .for_each(|d| d.copy_from_slice(b"20"));
    }
    let part = |from: usize, to: usize| number(digits.get(from..to).unwrap_or_default());
    all_digits(&digits)
        && matches!(digits, [b'1' | b'2', ..])
        && (1..=12).contains(&part(3, 5))
        && matches!(part(5, 7), 1..=95 | 97..=99)
        && 97 - (part(0, 13) - minus) % 97 == part(13, 15)
}

/// Brazilian check digits: weights from the right, eleven minus the rest by eleven, ten as nought.
fn brazilian(text: &[u8], weights: &[u32]) -> bool {
    let (body, check) = text.split_at_checked(weights.len()).unwrap_or_default();
    let rest = weighted(body, weights) % 11;
    let expected = if rest < 2 { 0 } else { 11 - rest };
    check.first().map(|byte| digit(*byte)) == Some(expected)
}

pub(super) fn br_cpf(text: &[u8]) -> bool {
    all_digits(text)
        && !is_monotonous(text)
        && brazilian(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2])
        && brazilian(text, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2])
}

pub(super) fn br_cnpj(text: &[u8]) -> bool {
    all_digits(text)
        && !is_monotonous(text)
        && brazilian(text, &[5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
        && brazilian(text, &[6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2])
}

pub(super) fn ar_cuit(text: &[u8]) -> bool {
    let rest = weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2]) % 11;
    let expected = match rest {
        0 => 0,
        1 => return false,
        rest => 11 - rest,
    };
    all_digits(text)
        && matches!(
            text.get(..2),
            Some(b"20" | b"23" | b"24" | b"27" | b"30" | b"33" | b"34")
        )
        && text.last().map(|byte| digit(*byte)) == Some(expected)
}

/// Switzerland: 756 and the check digit of EAN-13.
pub(super) fn ch_ahv(text: &[u8]) -> bool {
    // Asked first, for most numbers begin otherwise.
    if !text.starts_with(b"756") || !all_digits(text) {
        return false;
    }
    let sum = weighted(text, &[1, 3, 1, 3, 1, 3, 1, 3, 1, 3, 1, 3]);
    text.last().map(|byte| digit(*byte)) == Some((10 - sum % 10) % 10)
}

pub(super) fn kr_rrn(text: &[u8]) -> bool {
    if !all_digits(text) || !is_yymmdd(text) || !matches!(text.get(6), Some(b'1'..=b'8')) {
        return false;
    }
    let sum = weighted(text, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    text.last().map(|byte| digit(*byte)) == Some((11 - sum % 11) % 10)
}

pub(super) fn za_id(text: &[u8]) -> bool {
    all_digits(text)
        && is_yymmdd(text)
        && matches!(text.get(10), Some(b'0' | b'1'))
        && luhn_of(text)
}

fn luhn_of(text: &[u8]) -> bool {
    let mut digits = [0_u8; COMPACT_BYTES_MAX];
    let Some(digits) = digits.get_mut(..text.len()) else {
        return false;
    };
    digits
        .iter_mut()
        .zip(text)
        .for_each(|(to, from)| *to = from.wrapping_sub(b'0'));
    luhn(digits)
}

pub(super) fn in_aadhaar(text: &[u8]) -> bool {
    all_digits(text) && matches!(text.first(), Some(b'2'..=b'9')) && verhoeff(text)
}

/// Five letters, the fourth of which is a kind of holder, four digits, a letter.
pub(super) fn in_pan(text: &[u8]) -> bool {
    text.iter().enumerate().all(|(at, byte)| match at {
        3 => b"ABCFGHJLPT".contains(byte),
        5..=8 => byte.is_ascii_digit(),
        _ => byte.is_ascii_uppercase(),
    })
}

/// Date, century, serial, check character by 31.
pub(super) fn fi_hetu(text: &[u8]) -> bool {
    let Some((date, [century, serial @ .., check])) = text.split_at_checked(6) else {
        return false;
    };
    let value = number(date).wrapping_mul(1000).wrapping_add(number(serial)) % 31;
    serial.len() == 3
        && all_digits(date)
        && all_digits(serial)
        && is_ddmmyy(date)
        && b"+-ABCDEFUVWXY".contains(century)
        && b"0123456789ABCDEFHJKLMNPRSTUVWXY".get(value as usize) == Some(check)
}

pub(super) fn be_nrn(text: &[u8]) -> bool {
    let part = |from: usize, to: usize| number(text.get(from..to).unwrap_or_default());
    let old = 97 - part(0, 9) % 97;
    let new = 97 - (2_000_000_000 + part(0, 9)) % 97;
    all_digits(text) && is_yymmdd(text) && (part(9, 11) == old || part(9, 11) == new)
}

pub(super) fn no_fnr(text: &[u8]) -> bool {
    all_digits(text)
        && is_ddmmyy(text)
        && weighted(text, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]).is_multiple_of(11)
        && weighted(text, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11)
}

/// Of the first ten digits exactly one occurs twice or three times.
pub(super) fn de_tax_id(text: &[u8]) -> bool {
    let mut counts = [0_u8; 10];
    for byte in text.iter().take(10) {
        if let Some(count) = counts.get_mut(digit(*byte) as usize) {
            *count += 1;
        }
    }
    let repeated = counts.iter().filter(|count| **count > 1).count();
    all_digits(text)
        && !text.starts_with(b"0")
        && repeated == 1
        && counts.iter().all(|count| *count < 4)
        && mod_11_10(text)
}

pub(super) fn pl_pesel(text: &[u8]) -> bool {
    let part = |from: usize, to: usize| number(text.get(from..to).unwrap_or_default());
    let sum = weighted(text, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]);
    // The month tells the century.
    all_digits(text) && is_day(part(0, 2), part(2, 4) % 20, part(4, 6)) && sum.is_multiple_of(10)
}

pub(super) fn se_personnummer(text: &[u8]) -> bool {
    let short = text
        .get(text.len().saturating_sub(10)..)
        .unwrap_or_default();
    let century = text.len() == 10 || matches!(text.get(..2), Some(b"18" | b"19" | b"20"));
    let day = number(short.get(4..6).unwrap_or_default());
    // Coordination numbers have 60 added to the day.
    let day = if day > 60 { day - 60 } else { day };
    let part = |from: usize, to: usize| number(short.get(from..to).unwrap_or_default());
    all_digits(text) && century && is_day(part(0, 2), part(2, 4), day) && luhn_of(short)
}

pub(super) fn uk_nhs(text: &[u8]) -> bool {
    let rest = 11 - weighted(text, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11;
    let expected = if rest == 11 { 0 } else { rest };
    all_digits(text)
        && !is_monotonous(text)
        && text.last().map(|byte| digit(*byte)) == Some(expected)
}

pub(super) fn uk_nino(text: &[u8]) -> bool {
    let [first, second, digits @ .., suffix] = text else {
        return false;
    };
    let both = [*first, *second];
    all_digits(digits)
        && first.is_ascii_uppercase()
        && second.is_ascii_uppercase()
        && !b"DFIQUV".contains(first)
        && !b"DFIOQUV".contains(second)
        && ![*b"BG", *b"GB", *b"KN", *b"NK", *b"NT", *b"TN", *b"ZZ"].contains(&both)
        && matches!(suffix, b'A'..=b'D')
}

/// DNI: eight digits and a letter by 23. NIE: X, Y or Z stand for 0, 1, 2.
pub(super) fn es_nif(text: &[u8]) -> bool {
    let Some((check, body)) = text.split_last() else {
        return false;
    };
    let mut digits = [0_u8; 8];
    digits
        .iter_mut()
        .zip(body)
        .for_each(|(to, from)| *to = *from);
    if let Some(first @ b'X'..=b'Z') = digits.first_mut() {
        *first = *first - b'X' + b'0';
    }
    all_digits(&digits)
        && b"TRWAGMYFPDXBNJZSQVHLCKE".get((number(&digits) % 23) as usize) == Some(check)
}

pub(super) fn ca_sin(text: &[u8]) -> bool {
    all_digits(text) && !matches!(text.first(), Some(b'0' | b'8')) && luhn_of(text)
}

pub(super) fn nl_bsn(text: &[u8]) -> bool {
    let sum = weighted(text, &[9, 8, 7, 6, 5, 4, 3, 2]);
    let last = text.last().map_or(0, |byte| digit(*byte));
    all_digits(text) && !is_monotonous(text) && sum % 11 == last
}

pub(super) fn au_tfn(text: &[u8]) -> bool {
    all_digits(text)
        && !is_monotonous(text)
        && weighted(text, &[1, 4, 3, 7, 5, 8, 6, 9, 10]).is_multiple_of(11)
}

/// Denmark: a date and four digits, without a check since 2007.
pub(super) fn dk_cpr(text: &[u8]) -> bool {
    all_digits(text) && is_ddmmyy(text)
}
