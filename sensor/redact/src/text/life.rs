//! What is personal by its field's name and form: dates of birth, postal addresses, coordinates,
//! names, papers, health; and addresses inside text.

/// Whether `value` can be a date of birth: a date of a year in which somebody living was born, or
/// a moment in seconds or milliseconds.
pub(super) fn is_birth_date(value: &[u8]) -> bool {
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    if !(4..=32).contains(&value.len()) || digits < 4 {
        return false;
    }
    let plain = value
        .iter()
        .all(|byte| byte.is_ascii_digit() || *byte == b'-');
    let year = value.windows(4).any(|four| {
        four.iter().all(u8::is_ascii_digit) && matches!(four, [b'1', b'9', ..] | [b'2', b'0', ..])
    });
    let short = digits == 6
        && value.len() == 8
        && value
            .iter()
            .filter(|b| matches!(b, b'/' | b'.' | b'-'))
            .count()
            == 2;
    let moment = plain && (8..=13).contains(&digits) && digits + 1 >= value.len();
    year || short || moment
}

/// Whether `value` is what stands in the line of an address with the street.
pub(super) fn is_street(value: &[u8]) -> bool {
    value.len() <= 256
        && value.len() >= 4
        && value.iter().any(u8::is_ascii_digit)
        && value
            .iter()
            .any(|byte| byte.is_ascii_alphabetic() || *byte >= 0x80)
        && value.contains(&b' ')
        && !value
            .iter()
            .any(|byte| matches!(byte, b':' | b'@' | b'=' | b'{'))
}

/// Whether `value` can be a postal code of some country.
pub(super) fn is_postal_code(value: &[u8]) -> bool {
    (4..=10).contains(&value.len())
        && value.iter().any(u8::is_ascii_digit)
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-'))
}

/// One coordinate or two of them, with a fraction: whole degrees are too coarse to find anybody.
pub(super) fn is_coordinate(value: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(value) else {
        return false;
    };
    let part = |part: &str, most: f64| {
        let part = part.trim();
        part.contains('.')
            && part
                .parse::<f64>()
                .is_ok_and(|degrees| degrees.abs() <= most)
    };
    if value.len() > 48 {
        return false;
    }
    match text.split_once([',', ' ']) {
        Some((one, other)) => part(one, 180.0) && part(other, 180.0),
        None => part(text, 180.0),
    }
}

/// Whether `value` is written as the full name of a person: two to four words with capitals.
pub(crate) fn is_full_name(value: &[u8]) -> bool {
    let Ok(text) = core::str::from_utf8(value) else {
        return false;
    };
    let words = text.split(' ');
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters.next().is_some_and(char::is_uppercase)
            && letters.all(|c| c.is_alphabetic() || matches!(c, '\'' | '-' | '.' | '’'))
    };
    let (mut count, mut capitals) = (0, 0);
    for word in words {
        count += 1;
        let particle = matches!(
            word,
            "de" | "da" | "van" | "von" | "der" | "den" | "di" | "del" | "la" | "bin" | "al"
        );
        if capital(word) {
            capitals += 1;
        } else if !particle {
            return false;
        }
    }
    value.len() <= 64 && (2..=5).contains(&count) && capitals >= 2
}

/// Letters and digits, so many, and at least four digits: papers.
pub(super) fn is_paper(value: &[u8], least: usize, most: usize) -> bool {
    let kept = value
        .iter()
        .filter(|byte| byte.is_ascii_alphanumeric())
        .count();
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    (least..=most).contains(&kept)
        && digits >= 4
        && value
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b' '))
}

/// Whether `value` has the form of a vehicle identification number (ISO 3779); with the check digit
/// of North America it is told without a name.
pub(super) fn is_vin(value: &[u8], named: bool) -> bool {
    const WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
    let worth = |byte: u8| match byte {
        b'0'..=b'9' => Some(u32::from(byte - b'0')),
        b'A'..=b'H' => Some(u32::from(byte - b'A') + 1),
        b'J'..=b'N' | b'P' | b'R' => Some(u32::from(byte - b'J') + 1),
        b'S'..=b'Z' => Some(u32::from(byte - b'S') + 2),
        _ => None,
    };
    if value.len() != 17 || value.iter().all(u8::is_ascii_digit) {
        return false;
    }
    let mut sum = 0;
    for (byte, weight) in value.iter().zip(WEIGHTS) {
        let Some(worth) = worth(*byte) else {
            return false;
        };
        sum += worth * weight;
    }
    let serial = value.get(13..).unwrap_or_default();
    let check = value.get(8).copied();
    let checked = check == b"0123456789X".get((sum % 11) as usize).copied();
    named || (checked && serial.iter().all(u8::is_ascii_digit))
}

/// Whether `value` is a MAC address (IEEE 802): six pairs of hexadecimal digits; that of a device,
/// not of all or none.
pub(super) fn is_mac(value: &[u8]) -> bool {
    let pairs = value.len() == 17
        && value.chunks(3).all(
            |chunk| matches!(chunk, [a, b, ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit()),
        )
        && value
            .iter()
            .skip(2)
            .step_by(3)
            .all(|byte| matches!(byte, b':' | b'-') && value.get(2) == Some(byte));
    pairs
        && value.iter().any(|byte| !matches!(byte, b'0' | b':' | b'-'))
        && value
            .iter()
            .any(|byte| !matches!(byte.to_ascii_lowercase(), b'f' | b':' | b'-'))
}

/// What English addresses end in.
const STREETS: [&[u8]; 14] = [
    b"Street",
    b"St",
    b"Avenue",
    b"Ave",
    b"Road",
    b"Rd",
    b"Lane",
    b"Ln",
    b"Boulevard",
    b"Blvd",
    b"Drive",
    b"Dr",
    b"Terrace",
    b"Highway",
];

/// Length of the address that `text` starts with: a house number, one to three words with capitals
/// and a word for a street.
pub(super) fn street_prefix(text: &[u8]) -> Option<usize> {
    let digits = text
        .iter()
        .take(6)
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let letter = usize::from(text.get(digits).is_some_and(u8::is_ascii_uppercase));
    let mut at = digits + letter;
    if !(1..=5).contains(&digits) || text.get(at) != Some(&b' ') {
        return None;
    }
    for words in 0..4 {
        at += 1;
        let rest = text.get(at..)?;
        let word = rest
            .iter()
            .take(24)
            .take_while(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'\'' | b'-'))
            .count();
        let name = rest.get(..word)?;
        if !name.first().is_some_and(u8::is_ascii_uppercase) {
            return None;
        }
        at += word;
        if words > 0 && STREETS.contains(&name) {
            return Some(at);
        }
        if text.get(at) != Some(&b' ') {
            return None;
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_what_names_promise() {
        for (value, expected) in [
            ("1985-02-03", true),
            ("03/02/1985", true),
            ("03.02.85", true),
            ("476236800", true),
            ("-476236800", true),
            ("unknown", false),
            ("3", false),
            ("1785-02-03", false),
        ] {
            assert_eq!(is_birth_date(value.as_bytes()), expected, "{value}");
        }
        for (value, expected) in [
            ("221B Baker Street", true),
            ("Hauptstraße 5", true),
            ("0x52908400098527886E0F7030069857D2E4169EE7", false),
            ("10.0.0.1:80", false),
            ("main", false),
        ] {
            assert_eq!(is_street(value.as_bytes()), expected, "{value}");
        }
        for (value, expected) in [
            ("52.5200,13.4050", true),
            ("-33.8", true),
            ("52", false),
            ("300.25", false),
            ("a.b", false),
        ] {
            assert_eq!(is_coordinate(value.as_bytes()), expected, "{value}");
        }
        for (value, expected) in [
            ("Ada Lovelace", true),
            ("Ludwig van Beethoven", true),
            ("Production", false),
            ("blue widget", false),
            ("Plan 9", false),
        ] {
            assert_eq!(is_full_name(value.as_bytes()), expected, "{value}");
        }
    }

    #[test]
    fn vehicles_devices_and_streets() {
        assert!(is_vin(b"1M8GDM9AXKP042788", false));
        assert!(!is_vin(b"1M8GDM9A1KP042788", false) && is_vin(b"1M8GDM9A1KP042788", true));
        assert!(!is_vin(b"12345678901234567", true));
        assert!(is_mac(b"00:1B:44:11:3A:B7") && is_mac(b"00-1b-44-11-3a-b7"));
        assert!(!is_mac(b"ff:ff:ff:ff:ff:ff") && !is_mac(b"00:1B:44-11:3A:B7"));
        assert_eq!(street_prefix(b"12 Long Meadow Lane, Bath"), Some(19));
        assert_eq!(street_prefix(b"221B Baker Street"), Some(17));
        for text in [
            "3 Street",
            "4 apples on a Road",
            "12 Monkeys",
            "2024-05 Main Street",
        ] {
            assert_eq!(street_prefix(text.as_bytes()), None, "{text}");
        }
    }
}
