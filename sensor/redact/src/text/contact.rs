//! E-mail addresses (RFC 5321, as people write them) and telephone numbers (E.164, NANP).

/// Longest e-mail address (RFC 5321 section 4.5.3.1).
const EMAIL_BYTES_MAX: usize = 254;

/// What names of files end in and no domain does: `logo@2x.png` is no address.
const FILE_EXTENSIONS: [&[u8]; 24] = [
    b"avif", b"bmp", b"css", b"csv", b"doc", b"docx", b"exe", b"gif", b"html", b"ico", b"jpeg",
    b"jpg", b"js", b"json", b"pdf", b"php", b"png", b"svg", b"txt", b"webp", b"woff", b"xml",
    b"yaml", b"yml",
];

fn is_local(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-' | b'\'')
}

fn is_domain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte >= 0x80 || matches!(byte, b'.' | b'-')
}

/// Start and end of the e-mail address around the `@` at `at`.
pub(crate) fn email_around(text: &[u8], at: usize) -> Option<(usize, usize)> {
    let before = text.get(..at)?;
    let after = text.get(at + 1..)?;
    let before = before.get(before.len().saturating_sub(64)..)?;
    let local = before
        .iter()
        .rev()
        .take_while(|&&byte| is_local(byte))
        .count();
    let domain = after
        .iter()
        .take(253)
        .take_while(|&&byte| is_domain(byte))
        .count();
    let domain = after.get(..domain)?;
    let trailing = domain
        .iter()
        .rev()
        .take_while(|&&byte| matches!(byte, b'.' | b'-'))
        .count();
    let domain = domain.get(..domain.len() - trailing)?;
    let mut domain = domain;
    let mut dot = memchr::memrchr(b'.', domain)?;
    let mut top = domain.get(dot + 1..)?;
    let file = |extension: &&[u8]| top.eq_ignore_ascii_case(extension);
    if FILE_EXTENSIONS.iter().any(file) {
        // `jo@example.com.json` is an address in the name of a file.
        domain = domain.get(..dot)?;
        dot = memchr::memrchr(b'.', domain)?;
        top = domain.get(dot + 1..)?;
    }
    let top_is_name = top.len() >= 2
        && (top.starts_with(b"xn--")
            || top
                .iter()
                .all(|&byte| byte.is_ascii_alphabetic() || byte >= 0x80));
    let well_formed = local > 0
        && dot > 0
        && top_is_name
        && !domain.windows(2).any(|pair| pair == b"..")
        && local + 1 + domain.len() <= EMAIL_BYTES_MAX;
    well_formed.then(|| (at - local, at + 1 + domain.len()))
}

/// Whether all of `text` is one e-mail address.
pub(crate) fn is_email(text: &[u8]) -> bool {
    memchr::memchr(b'@', text).and_then(|at| email_around(text, at)) == Some((0, text.len()))
}

/// Length of the telephone number that `text` starts with, written so that it can hardly be
/// anything else: `+` and 10 to 15 digits, or a North American number with its separators.
pub(crate) fn phone_prefix(text: &[u8]) -> Option<usize> {
    match text.first()? {
        b'+' => international_prefix(text),
        b'(' | b'0'..=b'9' => north_american_prefix(text),
        _ => None,
    }
}

fn international_prefix(text: &[u8]) -> Option<usize> {
    let mut digits = 0_usize;
    let mut end = 1;
    let mut separators = 0_usize;
    for (index, byte) in text.iter().enumerate().skip(1).take(24) {
        match byte {
            b'0' if digits == 0 => return None,
            b'0'..=b'9' => {
                digits += 1;
                separators = 0;
                end = index + 1;
            }
            b' ' | b'-' | b'.' | b'(' | b')' => {
                separators += 1;
                if separators > 2 || digits >= 15 {
                    break;
                }
            }
            _ => break,
        }
    }
    let known = is_country_code(text.get(1..end).unwrap_or_default());
    ((10..=15).contains(&digits) && known).then_some(end)
}

/// Whether a number of ITU-T E.164 starts with a country code that is assigned.
fn is_country_code(number: &[u8]) -> bool {
    let mut digits = number.iter().filter(|byte| byte.is_ascii_digit());
    let mut next = || digits.next().map_or(0, |digit| digit - b'0');
    let (first, second, third) = (next(), next(), next());
    match first {
        1 => (2..=9).contains(&second),
        7 => matches!(second, 3..=9),
        2 => matches!(
            (second, third),
            (0 | 7, _) | (1, 1..=3 | 6 | 8) | (2..=4, _) | (5, 0..=8) | (6, _) | (9, 0 | 1 | 7..=9)
        ),
        3 => {
            matches!((second, third), (0..=4 | 6 | 9, _) | (5, _) | (7, 0..=8) | (8, 0..=3 | 5..=7 | 9))
        }
        4 => matches!((second, third), (0 | 1 | 3..=9, _) | (2, 0 | 1 | 3)),
        5 => matches!((second, third), (1..=8, _) | (0, 0..=9) | (9, _)),
        6 => {
            matches!((second, third), (0..=6, _) | (7, 0 | 2..=9) | (8, 0..=3 | 5..=9) | (9, 0..=2))
        }
        8 => matches!(
            (second, third),
            (1 | 2 | 4 | 6, _) | (0 | 7, _) | (5, 0 | 2 | 3 | 5 | 6) | (8, 0..=3 | 6)
        ),
        9 => matches!(
            (second, third),
            (0..=5 | 8, _) | (6, 0..=8) | (7, 0..=7) | (9, 2..=6 | 8)
        ),
        _ => false,
    }
}

/// `(212) 555-0123`, `212-555-0123`, `212.555.0123`, `1-212-555-0123`.
fn north_american_prefix(text: &[u8]) -> Option<usize> {
    let (rest, country) = match text {
        [b'1', b'-' | b'.' | b' ', rest @ ..] => (rest, 2),
        _ => (text, 0),
    };
    let (area, rest, used) = match rest {
        [b'(', a, b, c, b')', b' ', rest @ ..] => ([a, b, c], rest, 6),
        [b'(', a, b, c, b')', rest @ ..] => ([a, b, c], rest, 5),
        [a, b, c, b'-' | b'.' | b' ', rest @ ..] => ([a, b, c], rest, 4),
        _ => return None,
    };
    let [d, e, f, b'-' | b'.' | b' ', line @ ..] = rest else {
        return None;
    };
    let line = line.get(..4)?;
    let numbers = area.into_iter().chain([d, e, f]).chain(line);
    let well_formed = numbers.clone().all(u8::is_ascii_digit)
        && area.first().is_some_and(|first| **first >= b'2')
        && *d >= b'2';
    well_formed.then_some(country + used + 8)
}

/// Whether all of `text` can be a telephone number when its field's name says so.
pub(crate) fn is_named_phone(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    (7..=15).contains(&digits)
        && text.len() <= 24
        && text.iter().all(|byte| {
            byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.' | b'(' | b')' | b'+' | b'/')
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn emails_as_people_write_them() {
        for text in [
            "a@b.co",
            "jo.do+tag@mail.example.org",
            "x_y%z@a-b.museum",
            "ü@exämple.de",
        ] {
            assert!(is_email(text.as_bytes()), "{text}");
        }
        for text in [
            "@me",
            "pkg@1.2.3",
            "a@b",
            "@scope/pkg",
            "a b@c.de",
            "a@b..de",
            "a@.de",
            "a@b.c",
            "logo@2x.png",
        ] {
            assert!(!is_email(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn email_inside_text_without_its_full_stop() {
        let text = b"write to (jo@example.com).";
        let at = memchr::memchr(b'@', text).unwrap();
        let (start, end) = email_around(text, at).unwrap();
        assert_eq!(&text[start..end], b"jo@example.com");
    }

    #[test]
    fn phones_that_can_be_nothing_else() {
        let whole = |text: &str| phone_prefix(text.as_bytes()) == Some(text.len());
        for text in [
            "+14155550123",
            "+49 30 901820 00",
            "(212) 555-0123",
            "212-555-0123",
            "1-212-555-0123",
            "+44 (20) 7946 0958",
        ] {
            assert!(whole(text), "{text}");
        }
        for text in [
            "4155550123",
            "+1415",
            "112-555-0123",
            "2024-05-06",
            "+0123456789012",
            "+2193456789012",
            "212-155-0123",
        ] {
            assert!(!whole(text), "{text}");
        }
    }
}
