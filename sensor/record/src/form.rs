//! What texts are like that are of no narrower type: what a value's format is called. Strict: a
//! text that is only perhaps of a form is of none.

/// What is counted of texts without a form.
pub const NONE: &str = "none";

/// The form of a text; none of one that has none.
#[must_use]
pub fn form_of(text: &str) -> Option<&'static str> {
    let bytes = text.as_bytes();
    if is_ulid(bytes) {
        Some("ulid")
    } else if is_semver(text) {
        Some("semver")
    } else if is_locale(text) {
        Some("locale")
    } else if is_prefixed(text) {
        Some("prefixed_id")
    } else if is_base64(bytes) {
        Some("base64")
    } else if is_slug(bytes) {
        Some("slug")
    } else {
        None
    }
}

/// 26 digits of Crockford's base 32, of which the first has three bits.
fn is_ulid(text: &[u8]) -> bool {
    let is_digit = |byte: &u8| byte.is_ascii_digit() || is_letter_of_ulid(*byte);
    text.len() == 26
        && matches!(text.first(), Some(b'0'..=b'7'))
        && text.iter().all(is_digit)
        && text.iter().any(u8::is_ascii_uppercase)
}

const fn is_letter_of_ulid(byte: u8) -> bool {
    byte.is_ascii_uppercase() && !matches!(byte, b'I' | b'L' | b'O' | b'U')
}

/// `1.12.3`, with what may follow it (Semantic Versioning 2.0.0).
fn is_semver(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    if !text.as_bytes().first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let core = text.split(['-', '+']).next().unwrap_or_default();
    let mut parts = core.split('.');
    let is_number = |part: &str| {
        (1..=6).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let three = [parts.next(), parts.next(), parts.next()];
    three.iter().all(|part| part.is_some_and(is_number)) && parts.next().is_none()
}

/// `en-US`, `pt_BR`, `zh-Hant`, `es-419` (RFC 5646); a language alone may be any word.
fn is_locale(text: &str) -> bool {
    let mut start = text.bytes().take(4);
    let end = start.position(|byte| matches!(byte, b'-' | b'_'));
    let Some((language, region)) =
        end.and_then(|end| Some((text.get(..end)?, text.get(end + 1..)?)))
    else {
        return false;
    };
    let lower = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase());
    let upper = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase());
    let script = |text: &str| {
        let (first, rest) = text.split_at_checked(1).unwrap_or_default();
        upper(first) && lower(rest)
    };
    (2..=3).contains(&language.len())
        && lower(language)
        && match region.len() {
            2 => upper(region),
            3 => region.bytes().all(|byte| byte.is_ascii_digit()),
            4 => script(region),
            _ => false,
        }
}

/// `cus_9s6XKzkNRiz8i3`: a short word that names the kind, and what names the thing.
fn is_prefixed(text: &str) -> bool {
    let end = text.bytes().take(7).position(|byte| byte == b'_');
    let Some((kind, name)) = end.and_then(|end| Some((text.get(..end)?, text.get(end + 1..)?)))
    else {
        return false;
    };
    (2..=6).contains(&kind.len())
        && kind.bytes().all(|byte| byte.is_ascii_lowercase())
        && name.len() >= 8
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && name.bytes().any(|byte| byte.is_ascii_digit())
}

/// Base 64 that is padded: without padding it cannot be told from other texts.
fn is_base64(text: &[u8]) -> bool {
    let digits = text.trim_ascii_end();
    let digits = digits.strip_suffix(b"=").unwrap_or(digits);
    let digits = digits.strip_suffix(b"=").unwrap_or(digits);
    let is_digit =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    digits.len() >= 8
        && digits.len() < text.len()
        && text.len().is_multiple_of(4)
        && digits.iter().all(is_digit)
}

/// `hello-small-world`: words in lower case.
fn is_slug(text: &[u8]) -> bool {
    let is_part = |part: &[u8]| {
        !part.is_empty()
            && part
                .iter()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    };
    let is_word = |part: &[u8]| part.len() >= 3 && part.iter().all(u8::is_ascii_lowercase);
    let mut parts = text.split(|byte| *byte == b'-');
    text.contains(&b'-') && parts.clone().all(is_part) && parts.any(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_texts() {
        for (text, expected) in [
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV", Some("ulid")),
            ("91ARZ3NDEKTSV4RRFFQ69G5FAV", None),
            ("01234567890123456789012345", None),
            ("1.12.3", Some("semver")),
            ("v2.0.0-rc.1", Some("semver")),
            ("1.2", None),
            ("10.0.0.1", None),
            ("en-US", Some("locale")),
            ("pt_BR", Some("locale")),
            ("zh-Hant", Some("locale")),
            ("es-419", Some("locale")),
            ("en", None),
            ("cus_9s6XKzkNRiz8i3", Some("prefixed_id")),
            ("created_at", None),
            ("dGVzdHRlc3Q9dGVzdA==", Some("base64")),
            ("dGVzdHRlc3Q9dGVzdA", None),
            ("hello-small-world", Some("slug")),
            ("a-1", None),
            ("Hello-World", None),
            ("word", None),
            ("", None),
            ("é-é", None),
        ] {
            assert_eq!(form_of(text), expected, "{text}");
        }
    }
}
