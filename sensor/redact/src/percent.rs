//! Percent-encoding (RFC 3986 section 2.1): full decoding to classify, careful decoding to keep.

const fn hex_value(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    }
}

/// The byte that `text` starts with as `%XX`.
fn escape(text: &[u8]) -> Option<u8> {
    match text {
        [b'%', high, low, ..] => Some(hex_value(*high)? << 4 | hex_value(*low)?),
        _ => None,
    }
}

/// Appends `text` decoded; `+` is a space in forms and queries. Broken escapes stay as they are.
pub(crate) fn decode_into(text: &[u8], plus_is_space: bool, out: &mut Vec<u8>) {
    let mut rest = text;
    while let [byte, tail @ ..] = rest {
        rest = tail;
        match byte {
            b'%' => {
                if let [high, low, after @ ..] = tail
                    && let (Some(high), Some(low)) = (hex_value(*high), hex_value(*low))
                {
                    out.push(high << 4 | low);
                    rest = after;
                } else {
                    out.push(b'%');
                }
            }
            b'+' if plus_is_space => out.push(b' '),
            _ => out.push(*byte),
        }
    }
}

/// Decodings that are undone to classify: what is encoded twice hides from nobody but filters.
const LAYERS_MAX: usize = 3;

/// `text` with every layer of percent-encoding undone, to be classified; never written out.
pub(crate) fn decode_fully<'a>(
    text: &'a [u8],
    plus_is_space: bool,
    out: &'a mut Vec<u8>,
) -> &'a [u8] {
    // Without a way out inside: most values are short.
    let is_encoded =
        |any: bool, byte: &u8| any | (*byte == b'%') | (plus_is_space & (*byte == b'+'));
    if !text.iter().fold(false, is_encoded) {
        return text;
    }
    out.clear();
    decode_into(text, plus_is_space, out);
    for _ in 1..LAYERS_MAX {
        let more =
            memchr::memchr_iter(b'%', out).any(|at| out.get(at..).and_then(escape).is_some());
        if !more {
            break;
        }
        let mut again = Vec::with_capacity(out.len());
        decode_into(out, false, &mut again);
        *out = again;
    }
    out
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// The text of a segment as it is kept: escapes of unreserved characters undone, others in upper
/// case, and what may not stand in a path (control bytes, blanks, invalid UTF-8) escaped.
pub(crate) fn normalise(text: &[u8]) -> String {
    let mut out = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some(first) = rest.chars().next() {
            let mut used = first.len_utf8();
            match escape(rest.as_bytes()) {
                Some(byte) => {
                    used = 3;
                    if is_unreserved(byte) {
                        out.push(char::from(byte));
                    } else {
                        push_escape(byte, &mut out);
                    }
                }
                None if first == ' ' || first.is_ascii_control() => {
                    push_escape(first as u8, &mut out);
                }
                None => out.push(first),
            }
            rest = rest.get(used..).unwrap_or_default();
        }
        chunk
            .invalid()
            .iter()
            .for_each(|&byte| push_escape(byte, &mut out));
    }
    out
}

fn push_escape(byte: u8, out: &mut String) {
    let digit = |value: u8| {
        char::from_digit(u32::from(value), 16)
            .unwrap_or('0')
            .to_ascii_uppercase()
    };
    out.push('%');
    out.push(digit(byte >> 4));
    out.push(digit(byte & 15));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_text_is_normalised() {
        for (text, expected) in [
            (&b"plain"[..], "plain"),
            (b"%7euser%2fx", "~user%2Fx"),
            (b"%41%42c", "ABc"),
            (b"a b\x01", "a%20b%01"),
            (b"\xff\xc3\xa9", "%FF\u{e9}"),
            (b"100%", "100%"),
            (b"%zz%4", "%zz%4"),
        ] {
            assert_eq!(normalise(text), expected);
        }
    }

    #[test]
    fn every_layer_is_undone_to_classify() {
        let mut out = Vec::new();
        assert_eq!(decode_fully(b"jo%40x.de", false, &mut out), b"jo@x.de");
        assert_eq!(decode_fully(b"jo%2540x.de", false, &mut out), b"jo@x.de");
        assert_eq!(decode_fully(b"a+b%2Bc", true, &mut out), b"a b+c");
        assert_eq!(decode_fully(b"100%", false, &mut out), b"100%");
    }
}
