//! What a text says in base64: services name a person by an address in it
//! (`/recipients/am9AZXhhbXBsZS5jb20=`), and everybody can read that.

use base64::Engine as _;
use base64::alphabet::{Alphabet, STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

const CONFIG: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);

const fn engine(alphabet: &Alphabet) -> GeneralPurpose {
    GeneralPurpose::new(alphabet, CONFIG)
}

const PLAIN: GeneralPurpose = engine(&STANDARD);
const URL: GeneralPurpose = engine(&URL_SAFE);

/// Shorter texts hold no datum.
const BYTES_MIN: usize = 8;

/// The printable text that `text`, of so many bytes at most, is the base64 of (RFC 4648 sections 4 and
/// 5, padded or not).
pub(crate) fn in_base64(text: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    if !(BYTES_MIN..=bytes_max).contains(&text.len()) || !begins_ascii(text) {
        return None;
    }
    let engine = if text.iter().any(|byte| matches!(byte, b'-' | b'_')) {
        &URL
    } else {
        &PLAIN
    };
    let said = engine.decode(text).ok()?;
    let is_text = said.iter().all(|byte| matches!(byte, b' '..=b'~'));
    is_text.then_some(said)
}

/// Whether the bytes that every fourth digit begins can be ASCII, whose first bit is zero: most names
/// and nearly all random texts have one that cannot, and are not decoded.
fn begins_ascii(text: &[u8]) -> bool {
    text.iter()
        .step_by(4)
        .all(|byte| matches!(byte, b'A'..=b'Z' | b'a'..=b'f' | b'='))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Option<String> {
        String::from_utf8(in_base64(text.as_bytes(), 64)?).ok()
    }

    #[test]
    fn text_is_read_padded_or_not_and_in_both_alphabets() {
        for (text, expected) in [
            ("am9AZXhhbXBsZS5jb20=", "jo@example.com"),
            ("am9AZXhhbXBsZS5jb20", "jo@example.com"),
            ("fn5-P2pvQGV4YW1wbGUuY29t", "~~~?jo@example.com"),
            ("fn5+P2pvQGV4YW1wbGUuY29t", "~~~?jo@example.com"),
            ("NDExMTExMTExMTExMTExMQ==", "4111111111111111"),
        ] {
            assert_eq!(said(text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn names_and_random_texts_say_nothing() {
        for text in [
            "",
            "recipients",
            "webhook_endpoints",
            "onboardingStatus",
            "dQw4w9WgXcQ",
            "5f2b8c1d9e3a5f2b8c1d9e3a",
            "am9AZXhhbXBsZS5jb20==",
            "am9AZXhhbXBsZS5jb2",
            "=======================",
        ] {
            assert_eq!(said(text), None, "{text}");
        }
        assert_eq!(in_base64(b"am9AZXhhbXBsZS5jb20=", 19), None);
    }
}
