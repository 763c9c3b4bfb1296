//! Secrets: JSON Web Tokens, and text no human would write.

/// Length from which on random-looking text is taken for a secret.
const RANDOM_BYTES_MIN: usize = 32;

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Bytes that are looked at together.
const RUN_BYTES: usize = 32;

/// How many characters of base64url `text` starts with.
fn base64url_run(text: &[u8]) -> usize {
    // Without a way out inside, so that the compiler compares many bytes at once.
    let both = |all: bool, byte: &u8| all & is_base64url(*byte);
    let chunks = text.chunks_exact(RUN_BYTES);
    let whole = chunks.take_while(|chunk| chunk.iter().fold(true, both));
    let start = whole.count() * RUN_BYTES;
    let rest = text.get(start..).unwrap_or_default().iter();
    start + rest.take_while(|byte| is_base64url(**byte)).count()
}

/// Length of the JSON Web Token (RFC 7519, compact form) that `text` starts with: three parts, or
/// five when encrypted, the first beginning as `{"` does in base64url.
pub(crate) fn jwt_prefix(text: &[u8]) -> Option<usize> {
    if !(text.starts_with(b"eyJ") || text.starts_with(b"eyA") || text.starts_with(b"ewo")) {
        return None;
    }
    let mut dots = 0_usize;
    let mut second = 0;
    let mut end = base64url_run(text);
    while dots < 4 && text.get(end) == Some(&b'.') {
        dots += 1;
        end += 1;
        let part = base64url_run(text.get(end..).unwrap_or_default());
        end += part;
        if dots == 1 {
            second = part;
        }
    }
    (dots >= 2 && end >= 20 && (second > 0 || dots == 4)).then_some(end)
}

/// Whether all of `text` is one JSON Web Token.
pub(crate) fn is_jwt(text: &[u8]) -> bool {
    jwt_prefix(text) == Some(text.len())
}

/// Whether `text` is long and random-looking enough to be a secret: 32 characters and more of a
/// token's alphabet that no person writes and no ordinary identifier is.
///
/// UUIDs, plain hexadecimal of a hash's length (with a prefix of up to four letters: `AC…`) and
/// words joined by separators are not.
pub(crate) fn looks_random(text: &[u8]) -> bool {
    text.len() >= RANDOM_BYTES_MIN && !contains_uuid(text) && is_varied(text) && mostly_random(text)
}

/// How many different ASCII characters a random text of [`RANDOM_BYTES_MIN`] has at least:
/// hexadecimal digits show all but a few of their 16.
const DISTINCT_BYTES_MIN: u32 = 10;

/// Whether so many are among its characters: most texts show them soon.
fn is_varied(text: &[u8]) -> bool {
    // Punctuation and digits in the one half, letters in the other.
    let mut seen = [0_u64; 2];
    text.chunks(16).any(|chunk| {
        seen = chunk.iter().fold(seen, |[low, high], byte| {
            let (bit, letter) = (1 << (byte & 0x3f), u64::from(byte >> 6 & 1));
            [low | (bit * (1 - letter)), high | (bit * letter)]
        });
        let [low, high] = seen.map(u64::count_ones);
        low + high >= DISTINCT_BYTES_MIN
    })
}

/// Whether three in five bytes of `text` stand in random-looking parts. Stops where enough do.
fn mostly_random(text: &[u8]) -> bool {
    let mut share = 0;
    let mut rest = text;
    loop {
        let mut kinds = 0;
        let is_end = |byte: &u8| {
            kinds |= kind(*byte);
            kinds & SEPARATOR != 0
        };
        let end = rest.iter().position(is_end).unwrap_or(rest.len());
        let (part, after) = rest.split_at_checked(end).unwrap_or_default();
        if random_part(part, kinds) {
            share += part.len() + 1;
            if share * 5 >= text.len() * 3 {
                return true;
            }
        }
        let Some(next) = after.get(1..) else {
            return false;
        };
        rest = next;
    }
}

fn contains_uuid(text: &[u8]) -> bool {
    let edge = |part: Option<&[u8]>| part.is_some_and(super::format::is_uuid);
    edge(text.get(..36)) || edge(text.get(text.len().saturating_sub(36)..))
}

/// Kinds of characters, as bits.
const OTHER: u8 = 1;
const DIGIT: u8 = 1 << 1;
const UPPER: u8 = 1 << 2;
const LOWER: u8 = 1 << 3;
const SEPARATOR: u8 = 1 << 4;
/// Beside the kind: a letter that is a vowel.
const VOWEL: u8 = 1 << 5;

const KINDS: [u8; 256] = {
    let mut kinds = [OTHER; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "evaluated at compile time, `byte` is below 256"
        )]
        {
            kinds[byte] = match byte as u8 {
                b'0'..=b'9' => DIGIT,
                b'A' | b'E' | b'I' | b'O' | b'U' | b'Y' => UPPER | VOWEL,
                b'a' | b'e' | b'i' | b'o' | b'u' | b'y' => LOWER | VOWEL,
                b'A'..=b'Z' => UPPER,
                b'a'..=b'z' => LOWER,
                b'-' | b'_' | b'.' | b'~' | b'+' | b'/' | b'=' | b':' => SEPARATOR,
                _ => OTHER,
            };
        }
        byte += 1;
    }
    kinds
};

fn kind(byte: u8) -> u8 {
    KINDS.get(usize::from(byte)).copied().unwrap_or(OTHER)
}

/// Whether one part between separators, of characters of those kinds, is no word, number or hash.
fn random_part(part: &[u8], kinds: u8) -> bool {
    if kinds & OTHER != 0 || kinds & (UPPER | LOWER) == 0 || is_hash(part) {
        return false;
    }
    if kinds & DIGIT != 0 {
        return has_chunks(part, 3);
    }
    // Letters alone: words have vowels about every third letter and few capitals inside.
    let vowels = part.iter().filter(|byte| kind(**byte) & VOWEL != 0).count();
    let upper = part.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let both_cases = upper * 10 >= part.len() * 3 && upper * 10 <= part.len() * 7;
    let no_words = vowels * 5 < part.len() || chunks(part) * 7 >= part.len() * 2 || both_cases;
    part.len() >= 6 && no_words
}

/// Characters of the shortest hash in hexadecimal.
const HASH_BYTES_MIN: usize = 32;

/// Whether `part` is hexadecimal of a hash's length in one case, alone or behind a prefix of up to
/// four letters.
pub(crate) fn is_hash(part: &[u8]) -> bool {
    let part = part.strip_prefix(b"0x").unwrap_or(part);
    if part.len() < HASH_BYTES_MIN {
        return false;
    }
    [0_usize, 2, 1, 3, 4].iter().any(|&prefix| {
        let (head, tail) = part.split_at_checked(prefix).unwrap_or_default();
        matches!(tail.len(), 32 | 40 | 56 | 64 | 96 | 128)
            && head.iter().all(u8::is_ascii_alphabetic)
            && (tail
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
                || tail
                    .iter()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')))
    })
}

/// Runs of one kind of character; a capital belongs to the small letters it is followed by.
pub(crate) fn chunks(part: &[u8]) -> usize {
    chunk_starts(part).count()
}

/// Whether there are so many of them.
fn has_chunks(part: &[u8], least: usize) -> bool {
    chunk_starts(part).take(least).count() == least
}

fn chunk_starts(part: &[u8]) -> impl Iterator<Item = ()> {
    let mut before = OTHER;
    part.iter().filter_map(move |byte| {
        let now = kind(*byte) & (DIGIT | UPPER | LOWER);
        let goes_on = now == before || (before, now) == (UPPER, LOWER);
        before = now;
        (now != 0 && !goes_on).then_some(())
    })
}

/// Whether `value` is words and numbers joined by hyphens: `how-to-test-34-release-notes`.
fn is_slug(value: &[u8]) -> bool {
    let parts = value.split(|byte| *byte == b'-');
    let mut words = 0;
    for part in parts {
        let word = part.len() > 1 && part.iter().all(u8::is_ascii_lowercase);
        if !word && (part.is_empty() || !part.iter().all(u8::is_ascii_digit)) {
            return false;
        }
        words += usize::from(word);
    }
    words >= 3
}

/// Whether a value that its field's name calls a secret is one, and not a word of a protocol:
/// eight characters without white space, not a plain word or number unless long.
pub(crate) fn looks_secret(value: &[u8]) -> bool {
    if value.len() < 8 || value.iter().any(u8::is_ascii_whitespace) || is_slug(value) {
        return false;
    }
    let digits = value.iter().filter(|byte| byte.is_ascii_digit()).count();
    let upper = value
        .iter()
        .filter(|byte| byte.is_ascii_uppercase())
        .count();
    let mixed_case = upper > 1 && upper < value.len();
    let mixed = (digits > 0 && digits < value.len()) || mixed_case;
    mixed || value.len() >= 20
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_text_is_told_from_names() {
        for text in [
            "DkWvZbwdlZZzuzgfV0JJ7UWNnooqdIia1Yu9dYVR",
            "ht68qNcaHYpH2fMAmA23OMIVPZJMsfgQ",
            "yTATu5veqHKY4r_DnjJVn0ocjk_ReX2H7zqdIsN8",
            "aNNzygfmSeUPyRNmBOhJKxKGIaYAUqYBijuKefOe",
            "k3v9x0q2m5n8b1c4z7l6j0h3g2f5d8s1a",
        ] {
            assert!(looks_random(text.as_bytes()), "{text}");
        }
        for text in [
            "550e8400-e29b-41d4-a716-446655440000",
            "user_550e8400-e29b-41d4-a716-446655440000",
            "d41d8cd98f00b204e9800998ecf8427e",
            "AC5ef8732a3c49700934481addd5ce1659",
            "AC5ef8732a3c49700934481addd5ce1659.json",
            "a-rather-long-title-of-an-article-2024-05-06",
            "GetUserAccountDetailsByIdentifierAndOrganisation",
            "com.example.service.account.v1.AccountService",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "12345678901234567890123456789012345",
            "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "application_configuration_settings_default",
        ] {
            assert!(!looks_random(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn jwt_by_its_parts() {
        assert!(is_jwt(b"eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."));
        assert!(is_jwt(b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"));
        assert!(!is_jwt(b"eyJhbGciOiJub25lIn0"));
        assert!(!is_jwt(b"eyes.are.blue"));
    }
}
