//! Numbers that states give to persons and companies: by length, form, date and check digits.
//!
//! A check digit alone is passed by one number in ten or so. What is told without a word beside it
//! passes more: several check digits, a date inside, or a layout of its own; everything else needs
//! a name or a word that speaks of it.

mod rules;

mod valid;

use super::bytes::Mask;
use super::class::DataClass;
use rules::{RULES, Rule};

/// Shortest number without its separators.
const COMPACT_BYTES_MIN: usize = 9;

/// Longest number without its separators.
const COMPACT_BYTES_MAX: usize = 18;

/// Longest number with its separators.
const WRITTEN_BYTES_MAX: usize = 24;

/// By length: a bit for each of [`RULES`] that gives numbers of it.
const BY_LENGTH: [u32; COMPACT_BYTES_MAX + 1] = {
    let mut by_length = [0; COMPACT_BYTES_MAX + 1];
    let mut rules = RULES;
    let mut bit = 1;
    while let [rule, rest @ ..] = rules {
        let mut lengths = rule.len;
        while let [length, more @ ..] = lengths {
            #[expect(
                clippy::indexing_slicing,
                reason = "evaluated at compile time, no number is longer"
            )]
            {
                by_length[*length as usize] |= bit;
            }
            lengths = more;
        }
        rules = rest;
        bit <<= 1;
    }
    by_length
};

/// What is known beside a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Beside<'a> {
    /// Nothing.
    Nothing,
    /// A name that speaks of this class.
    Class(DataClass),
    /// A name that speaks of some such number.
    Some,
    /// Text that stands before it.
    Text(&'a [u8]),
}

/// The class of the number that all of `written` is.
pub(super) fn national_id(written: &[u8], beside: Beside<'_>) -> Option<DataClass> {
    let mut buffer = [0; COMPACT_BYTES_MAX];
    let compact = compact(written, &mut buffer)?;
    if compact.len() < COMPACT_BYTES_MIN {
        return None;
    }
    let of_length = *BY_LENGTH.get(compact.len())?;
    let rules = RULES
        .iter()
        .zip(0..)
        .filter(|(_, at)| of_length >> at & 1 == 1);
    let fits = |rule: &&Rule| (rule.valid)(compact);
    let told = |rule: &&Rule| match beside {
        _ if rule.alone => true,
        Beside::Class(class) => class == rule.class,
        Beside::Some => true,
        Beside::Text(before) => by_layout(rule, written) || speaks_of(before, rule.words),
        Beside::Nothing => by_layout(rule, written),
    };
    let found = rules.map(|(rule, _)| rule).filter(fits).find(told);
    let found = found.map(|rule| rule.class);
    // The century of a Finnish number is a sign that is none elsewhere.
    found.or_else(|| {
        let signed = written.len() == 11 && matches!(written.get(6), Some(b'-' | b'+'));
        (signed && valid::fi_hetu(written)).then_some(DataClass::FiHetu)
    })
}

/// The length of the number that `text` starts with, and its class. `before` is what stands before
/// it.
pub(super) fn national_id_prefix(before: &[u8], text: &[u8]) -> Option<(DataClass, usize)> {
    let taken = text
        .iter()
        .take(WRITTEN_BYTES_MAX + 1)
        .take_while(|&&byte| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'/' | b'+')
        })
        .count();
    let taken = text.get(..taken).unwrap_or_default();
    let trailing = taken
        .iter()
        .rev()
        .take_while(|byte| !byte.is_ascii_alphanumeric())
        .count();
    let short = taken.len() - trailing;
    let whole = |length: usize| {
        let written = text.get(..length)?;
        national_id(written, Beside::Text(before)).map(|class| (class, length))
    };
    whole(short).or_else(|| grouped(text).and_then(whole))
}

/// Groups that such numbers are written in, by their lengths.
const GROUPS: [&[usize]; 9] = [
    &[1, 2, 2, 2, 3, 3, 2],
    &[2, 2, 2, 2, 1],
    &[2, 3, 3, 3],
    &[3, 3, 3],
    &[3, 3, 4],
    &[3, 3, 5, 5],
    &[4, 4, 4],
    &[6, 5],
    &[6, 8, 4],
];

/// The end of the groups that `text` starts with, apart by single spaces, when they are as long as
/// those of some number.
fn grouped(text: &[u8]) -> Option<usize> {
    let group = |at: usize| {
        let rest = text.get(at..)?.iter().take(9);
        Some(rest.take_while(|byte| byte.is_ascii_alphanumeric()).count())
    };
    let first = group(0)?;
    GROUPS.iter().find_map(|lengths| {
        if lengths.first() != Some(&first) {
            return None;
        }
        let mut at = 0;
        for (index, length) in lengths.iter().enumerate() {
            if index > 0 {
                if text.get(at) != Some(&b' ') {
                    return None;
                }
                at += 1;
            }
            if group(at) != Some(*length) {
                return None;
            }
            at += length;
        }
        Some(at)
    })
}

/// Whether the kinds of characters allow such a number at all.
pub(super) fn may_be(length: usize, mask: Mask) -> bool {
    const PARTS: u16 = Mask::DIGIT
        | Mask::HEX
        | Mask::UPPER
        | Mask::DASH
        | Mask::DOT
        | Mask::SPACE
        | Mask::TOKEN
        | Mask::PHONE;
    (9..=WRITTEN_BYTES_MAX).contains(&length) && mask.has(Mask::DIGIT) && mask.only(PARTS)
}

/// Letters and digits only, when there are as few as such a number has.
fn compact<'a>(written: &[u8], buffer: &'a mut [u8; COMPACT_BYTES_MAX]) -> Option<&'a [u8]> {
    if written.len() > WRITTEN_BYTES_MAX {
        return None;
    }
    let mut len = 0;
    for byte in written {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' => {
                *buffer.get_mut(len)? = *byte;
                len += 1;
            }
            b' ' | b'-' | b'.' | b'/' | b'+' => {}
            _ => return None,
        }
    }
    buffer.get(..len)
}

fn by_layout(rule: &Rule, written: &[u8]) -> bool {
    rule.layouts.iter().any(|layout| {
        layout.len() == written.len()
            && layout.bytes().zip(written).all(|(form, byte)| match form {
                b'9' => byte.is_ascii_digit(),
                b'A' => byte.is_ascii_uppercase(),
                other => other == *byte,
            })
    })
}

/// How far before a number a word speaks of it.
const WORD_REACH: usize = 40;

/// Whether one of the words stands at the end of `before`: as the last words, however they are
/// spelt, with at most some filling between.
pub(super) fn speaks_of(before: &[u8], words: &[&str]) -> bool {
    let near = before.get(before.len().saturating_sub(WORD_REACH)..);
    let mut letters = [0_u8; WORD_REACH];
    let mut len = 0;
    let mut starts = 0_u64;
    let mut inside = false;
    for byte in near.unwrap_or_default() {
        let letter = byte.is_ascii_alphanumeric();
        if letter && let Some(to) = letters.get_mut(len) {
            *to = byte.to_ascii_lowercase();
            starts |= u64::from(!inside) << len;
            len += 1;
        }
        inside = letter;
    }
    let letters = letters.get(..len).unwrap_or_default();
    let starts_at = |at: &usize| starts >> at & 1 == 1;
    (0..len).filter(starts_at).any(|at| {
        let rest = letters.get(at..).unwrap_or_default();
        words.iter().any(|word| {
            let follows = at + word.len();
            rest.starts_with(word.as_bytes()) && (follows == len || starts_at(&follows))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published examples, each with a neighbour that fails its check.
    #[test]
    fn numbers_of_each_state_with_their_name() {
        for (class, good, bad) in [
            ("cn_resident_id", "11010519491231002X", "110105194912310021"),
            ("mx_curp", "BOXW310820HNERXN09", "BOXW310820HNERXN08"),
            ("it_fiscal_code", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            ("fr_nir", "255081416802538", "255081416802539"),
            ("br_cnpj", "11.222.333/0001-81", "11.222.333/0001-82"),
            ("ch_ahv", "756.9217.0769.85", "756.9217.0769.84"),
            ("za_id", "8001015009087", "8001015009088"),
            ("in_aadhaar", "234123412346", "234123412347"),
            ("fi_hetu", "131052-308T", "131052-308U"),
            ("be_nrn", "85.07.30-033.28", "85.07.30-033.29"),
            ("br_cpf", "529.982.247-25", "529.982.247-26"),
            ("ar_cuit", "20-12345678-6", "20-12345678-7"),
            ("de_tax_id", "86095742719", "86095742718"),
            ("pl_pesel", "44051401359", "44051401358"),
            ("se_personnummer", "811228-9874", "811228-9875"),
            ("uk_nhs", "9434765919", "9434765918"),
            ("in_pan", "ABCPE1234F", "ABCXE1234F"),
            ("uk_nino", "AB123456C", "BG123456C"),
            ("es_nif", "12345678Z", "12345678A"),
            ("es_nif", "X1234567L", "X1234567T"),
            ("ca_sin", "130692544", "130692545"),
            ("nl_bsn", "111222333", "111222334"),
            ("au_tfn", "123456782", "123456783"),
        ] {
            let rule = RULES.iter().find(|rule| rule.class.as_str() == class);
            let beside = rule.map_or(Beside::Some, |rule| Beside::Class(rule.class));
            let found = |text: &str| national_id(text.as_bytes(), beside).map(DataClass::as_str);
            assert_eq!(found(good), Some(class), "{good}");
            assert_ne!(found(bad), Some(class), "{bad}");
        }
    }

    #[test]
    fn what_needs_a_word_is_told_with_it_only() {
        for (before, text, expected) in [
            ("", "44051401359", None),
            ("order ", "44051401359", None),
            ("PESEL: ", "44051401359", Some(("pl_pesel", 11))),
            ("numer PESEL (", "44051401359) i", Some(("pl_pesel", 11))),
            ("pesel is ", "44051401358", None),
            ("", "529.982.247-25.", Some(("br_cpf", 14))),
            ("", "52998224725", None),
            (
                "my Steuer-ID is ",
                "86 095 742 719 ok",
                Some(("de_tax_id", 14)),
            ),
            ("", "AB 12 34 56 C is it", Some(("uk_nino", 13))),
            ("", "AB123456C", None),
            ("National Insurance no. ", "AB123456C", Some(("uk_nino", 9))),
            ("", "RSSMRA85T10A562S", Some(("it_fiscal_code", 16))),
            ("espesel ", "44051401359", None),
        ] {
            let found = national_id_prefix(before.as_bytes(), text.as_bytes());
            let found = found.map(|(class, length)| (class.as_str(), length));
            assert_eq!(found, expected, "{before}{text}");
        }
    }

    #[test]
    fn no_number_is_shorter_or_longer_than_is_looked_at() {
        for length in RULES.iter().flat_map(|rule| rule.len) {
            let length = usize::from(*length);
            assert!((COMPACT_BYTES_MIN..=COMPACT_BYTES_MAX).contains(&length));
        }
    }

    #[test]
    fn no_bytes_break_a_check() {
        for length in 0..26 {
            for fill in [b'0', b'9', b'A', b'Z', b'-', b' ', 0xff] {
                let text = vec![fill; length];
                for rule in RULES {
                    (rule.valid)(&text);
                }
                national_id_prefix(b"pesel", &text);
            }
        }
    }
}
