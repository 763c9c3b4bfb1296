//! What a path segment looks like on its own: a typed value, a version, or a word.
//!
//! A look is one piece of evidence among many. It is strict: what is only *perhaps* a value is
//! a word, and the statistics of its place decide.

use std::borrow::Cow;

use tapscope_record::PathSegment;

/// The look of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Look {
    /// A whole number.
    Integer,
    /// A number with a fraction, or a pair of them (a coordinate).
    Number,
    /// A UUID, in braces or not.
    Uuid,
    /// A run of hexadecimal digits too long for a word.
    Hex,
    /// A calendar date.
    Date,
    /// An IP address.
    Address,
    /// Letters and digits without the rhythm of words: base62, base64url, ULID, prefixed ids.
    Opaque,
    /// Several values in one, by `,` or `;`.
    List,
    /// Two coordinates, by `,`.
    Pair,
    /// Two values, by `..` or `...`.
    Range,
    /// Characters that only survive in a path percent-encoded, or longer than any name.
    Encoded,
    /// A personal or secret value, replaced before it came here.
    Redacted,
    /// A version: `v1`, `v2beta1`, `2.0`.
    Version,
    /// Anything else.
    Word,
}

impl Look {
    /// Every look, in order.
    pub(super) const ALL: [Self; 14] = [
        Self::Integer,
        Self::Number,
        Self::Uuid,
        Self::Hex,
        Self::Date,
        Self::Address,
        Self::Opaque,
        Self::List,
        Self::Pair,
        Self::Range,
        Self::Encoded,
        Self::Redacted,
        Self::Version,
        Self::Word,
    ];

    /// Whether it is a value by its look alone.
    #[must_use]
    pub fn is_typed(self) -> bool {
        !matches!(self, Self::Version | Self::Word)
    }

    /// Whether a segment that has this look can begin with such a character.
    #[must_use]
    pub(super) fn may_begin_with(self, c: u8) -> bool {
        match self {
            Self::Integer => c.is_ascii_digit() || c == b'-',
            Self::Number | Self::Date | Self::Pair => {
                c.is_ascii_digit() || matches!(c, b'-' | b'.')
            }
            Self::Address => c.is_ascii_digit() || c == b'.',
            Self::Uuid => c.is_ascii_hexdigit() || matches!(c, b'-' | b'{' | b'%'),
            Self::Hex => c.is_ascii_hexdigit(),
            _ => true,
        }
    }

    /// Name of the type, for a parameter that has no better name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Integer => "id",
            Self::Number => "number",
            Self::Uuid => "uuid",
            Self::Hex => "hash",
            Self::Date => "date",
            Self::Address => "address",
            Self::Opaque => "key",
            Self::List => "list",
            Self::Pair => "coordinates",
            Self::Range => "range",
            Self::Encoded | Self::Version | Self::Word | Self::Redacted => "name",
        }
    }

    /// The look of a record's segment.
    #[must_use]
    pub fn of_segment(segment: &PathSegment, max_len: usize) -> Self {
        match segment {
            PathSegment::Literal(text) => Self::of_text(text, max_len),
            PathSegment::Redacted { .. } => Self::Redacted,
        }
    }

    /// The look of a text; texts longer than `max_len` are [`Look::Encoded`].
    #[must_use]
    pub fn of_text(text: &str, max_len: usize) -> Self {
        let b = text.as_bytes();
        if b.len() > max_len {
            return Self::Encoded;
        }
        // Every segment of every exchange comes by here: what a text cannot be for want of the
        // characters is not tried.
        let kinds = Kinds::of(b);
        if let Some(look) = numeric(b, kinds) {
            return look;
        }
        if is_version(b) {
            return Self::Version;
        }
        if is_uuid(text) {
            return Self::Uuid;
        }
        if kinds.have(Kinds::COMMA)
            && let Some(list) = list(b)
        {
            return list;
        }
        if kinds.have(Kinds::DOT) && range(text).is_some() {
            return Self::Range;
        }
        if kinds.have(Kinds::PERCENT) || kinds.have(Kinds::AT) && !text.starts_with('@') {
            return Self::Encoded;
        }
        if is_hex(b, kinds) {
            return Self::Hex;
        }
        if is_opaque(b, kinds) || is_padded_base64(b) {
            return Self::Opaque;
        }
        Self::Word
    }
}

/// Which kinds of characters a text has, as a bit set.
#[derive(Clone, Copy, Debug)]
struct Kinds(u16);

impl Kinds {
    const DIGIT: u16 = 1;
    const LOWER: u16 = 1 << 1;
    const UPPER: u16 = 1 << 2;
    const DASH: u16 = 1 << 3;
    const DOT: u16 = 1 << 4;
    /// What parts an opaque text, beside dash and dot.
    const MARK: u16 = 1 << 5;
    const COMMA: u16 = 1 << 6;
    const PERCENT: u16 = 1 << 7;
    const AT: u16 = 1 << 8;
    const OTHER: u16 = 1 << 9;

    fn of(b: &[u8]) -> Self {
        Self(b.iter().fold(0, |all, c| all | Self::of_one(*c)))
    }

    const fn of_one(c: u8) -> u16 {
        match c {
            b'a'..=b'z' => Self::LOWER,
            b'0'..=b'9' => Self::DIGIT,
            b'A'..=b'Z' => Self::UPPER,
            b'-' => Self::DASH,
            b'.' => Self::DOT,
            b'_' | b'~' | b'!' | b'*' => Self::MARK,
            b',' | b';' => Self::COMMA,
            b'%' => Self::PERCENT,
            b'@' => Self::AT,
            _ => Self::OTHER,
        }
    }

    /// Whether there is one of these kinds.
    const fn have(self, kinds: u16) -> bool {
        self.0 & kinds != 0
    }

    /// Whether there is none but these kinds.
    const fn only(self, kinds: u16) -> bool {
        self.0 & !kinds == 0
    }
}

fn digits(b: &[u8]) -> bool {
    !b.is_empty() && b.iter().all(u8::is_ascii_digit)
}

/// Integers, decimals, coordinates, dates and addresses: what is digits and punctuation only.
fn numeric(b: &[u8], kinds: Kinds) -> Option<Look> {
    if !kinds.have(Kinds::DIGIT) {
        return None;
    }
    if !kinds.only(Kinds::DIGIT | Kinds::DASH | Kinds::DOT) {
        return is_timestamp(b).then_some(Look::Date);
    }
    let body = b.strip_prefix(b"-").unwrap_or(b);
    if digits(body) {
        return Some(Look::Integer);
    }
    let dots: Vec<&[u8]> = body.split(|c| *c == b'.').collect();
    if dots.iter().all(|p| digits(p)) {
        return Some(match dots.len() {
            2 => Look::Number,
            4 if dots.iter().all(|p| p.len() <= 3) => Look::Address,
            _ => Look::Opaque,
        });
    }
    let dashes: Vec<&[u8]> = body.split(|c| *c == b'-').collect();
    if dashes.iter().all(|p| digits(p)) {
        let lens: Vec<usize> = dashes.iter().map(|p| p.len()).collect();
        return Some(match lens.as_slice() {
            [4, 2, 2] | [4, 2] => Look::Date,
            _ => Look::Opaque,
        });
    }
    None
}

/// `2025-01-31T10:00:00Z` and what begins like it.
fn is_timestamp(b: &[u8]) -> bool {
    let form = |(i, c): (usize, &u8)| match i {
        4 | 7 => *c == b'-',
        10 => *c == b'T',
        _ => c.is_ascii_digit(),
    };
    b.len() > 12 && b.iter().enumerate().take(13).all(form)
}

/// `v1`, `v1.2`, `v2beta1`, `v1alpha`, `v20230101`: never a value.
fn is_version(b: &[u8]) -> bool {
    let Some((b'v' | b'V', rest)) = b.split_first().map(|(c, r)| (*c, r)) else {
        return false;
    };
    if !rest.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let tail = rest.iter().position(|c| !c.is_ascii_digit() && *c != b'.');
    let Some(tail) = tail.and_then(|i| rest.get(i..)) else {
        // Three numbers or more are a release (`v1.4.2`), a value, rather than an API's version.
        return rest.iter().filter(|c| **c == b'.').count() < 2;
    };
    let word = tail.iter().take_while(|c| c.is_ascii_alphabetic()).count();
    let stage = tail.get(..word).unwrap_or_default();
    let number = tail.get(word..).unwrap_or_default();
    matches!(stage, b"alpha" | b"beta" | b"rc" | b"p")
        && number.iter().all(|c| c.is_ascii_digit() || *c == b'p')
}

fn is_uuid(text: &str) -> bool {
    let inner = text
        .strip_prefix("%7B")
        .or_else(|| text.strip_prefix("%7b"))
        .or_else(|| text.strip_prefix('{'))
        .and_then(|t| {
            t.strip_suffix("%7D")
                .or_else(|| t.strip_suffix("%7d"))
                .or_else(|| t.strip_suffix('}'))
        })
        .unwrap_or(text);
    let mut lens = [8_usize, 4, 4, 4, 12].into_iter();
    inner.len() == 36
        && inner
            .split('-')
            .all(|p| lens.next() == Some(p.len()) && p.bytes().all(|c| c.is_ascii_hexdigit()))
}

fn list(b: &[u8]) -> Option<Look> {
    let mut parts = 0_usize;
    let mut decimals = 0_usize;
    for p in b.split(|c| matches!(c, b',' | b';')) {
        if p.is_empty()
            || !p
                .iter()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'.' | b'_'))
        {
            return None;
        }
        parts += 1;
        decimals += usize::from(numeric(p, Kinds::of(p)) == Some(Look::Number));
    }
    match (parts, decimals) {
        (2, 2) => Some(Look::Pair),
        (0 | 1, _) => None,
        _ => Some(Look::List),
    }
}

/// The separator of two values in one segment, `..` or `...`.
#[must_use]
pub fn range(text: &str) -> Option<&'static str> {
    let at = text.find("..")?;
    let rest = text.get(at..)?;
    let separator = if rest.starts_with("...") { "..." } else { ".." };
    (at > 0 && rest.len() > separator.len() && !rest[separator.len()..].starts_with('.'))
        .then_some(separator)
}

/// A file extension that follows a value: `.json` of `123.json`.
#[must_use]
pub fn extension(text: &str) -> &str {
    let Some(at) = text.rfind('.') else { return "" };
    let ext = &text[at + 1..];
    let good =
        at > 0 && (2..=5).contains(&ext.len()) && ext.bytes().all(|c| c.is_ascii_alphanumeric());
    let letters = ext.bytes().any(|c| c.is_ascii_lowercase());
    // Behind two dots stands the end of a range.
    let range = text[..at].ends_with('.');
    if good && letters && !range {
        &text[at..]
    } else {
        ""
    }
}

/// The form of a word: runs of letters, digits and separators, each written once.
#[must_use]
pub fn form(word: &str) -> String {
    let mut out = String::new();
    let mut last = '\0';
    for c in word.chars() {
        let class = match c {
            'a'..='z' => 'a',
            'A'..='Z' => 'A',
            '0'..='9' => '9',
            '-' | '_' | '.' | ':' | '@' | '$' | '~' => c,
            _ => '?',
        };
        if class != last {
            out.push(class);
            last = class;
        }
        if out.len() >= 8 {
            break;
        }
    }
    out
}

/// Calls `take` with each token of a word: what separators, digits and capitals set apart.
pub fn tokens(word: &str, mut take: impl FnMut(&str)) {
    let mut buffer = String::new();
    let mut before = ' ';
    for c in word.chars() {
        let cut = !c.is_ascii_alphanumeric()
            || c.is_ascii_uppercase() && !before.is_ascii_uppercase()
            || c.is_ascii_digit() != before.is_ascii_digit();
        if cut && !buffer.is_empty() {
            take(&buffer);
            buffer.clear();
        }
        if c.is_ascii_digit() {
            // Numbers count as one token, whatever their value.
            if buffer.is_empty() {
                buffer.push('0');
            }
        } else if c.is_alphanumeric() {
            buffer.extend(c.to_lowercase());
        }
        before = c;
    }
    if !buffer.is_empty() {
        take(&buffer);
    }
}

/// Calls `take` with each run of three characters of a word, its ends included.
pub fn grams(word: &str, mut take: impl FnMut([u8; 3])) {
    let mut last = [b'^'; 2];
    for c in word.bytes().chain([b'$']) {
        let c = if c.is_ascii_digit() {
            b'0'
        } else {
            c.to_ascii_lowercase()
        };
        take([last[0], last[1], c]);
        last = [last[1], c];
    }
}

/// Whether a word is a plural by its ending.
#[must_use]
pub fn is_plural(word: &str) -> bool {
    let w = word.as_bytes();
    w.len() > 3
        && w.ends_with(b"s")
        && !w.ends_with(b"ss")
        && !w.ends_with(b"us")
        && !w.ends_with(b"is")
}

/// The singular of a plural by its ending, for naming only.
#[must_use]
pub fn singular(word: &str) -> Cow<'_, str> {
    if !is_plural(word) {
        return Cow::Borrowed(word);
    }
    let ends = |end: &str| {
        let at = word.len().checked_sub(end.len());
        at.and_then(|at| word.as_bytes().get(at..))
            .is_some_and(|last| last.eq_ignore_ascii_case(end.as_bytes()))
    };
    if word.len() > 4 && ends("ies") {
        return Cow::Owned(format!("{}y", &word[..word.len() - 3]));
    }
    let es = ["sses", "xes", "ches", "shes", "zzes"]
        .into_iter()
        .any(ends);
    Cow::Borrowed(&word[..word.len() - if es { 2 } else { 1 }])
}

fn is_hex(b: &[u8], kinds: Kinds) -> bool {
    let number = || b.iter().filter(|c| c.is_ascii_digit()).count();
    b.len() >= 7
        && kinds.only(Kinds::DIGIT | Kinds::LOWER | Kinds::UPPER)
        && !(kinds.have(Kinds::UPPER) && kinds.have(Kinds::LOWER))
        && b.iter().all(u8::is_ascii_hexdigit)
        && (b.len() >= 16 || number() >= 2)
}

/// How often letters turn into digits or change case where no word begins, and consonants pile
/// up: the rhythm of random text.
fn is_opaque(b: &[u8], kinds: Kinds) -> bool {
    let letters = Kinds::LOWER | Kinds::UPPER;
    if !kinds.only(Kinds::DIGIT | letters | Kinds::DASH | Kinds::DOT | Kinds::MARK) {
        return false;
    }
    let mut parts = b.split(|c| !c.is_ascii_alphanumeric());
    // In letters of one case nothing turns.
    if kinds.have(Kinds::DIGIT) || kinds.have(Kinds::LOWER) && kinds.have(Kinds::UPPER) {
        if parts.any(|p| longest_digits(p) >= 6 || opaque_part(p)) {
            return true;
        }
    } else {
        return parts.any(|p| p.len() >= 8 && longest_consonants(p) >= 7);
    }
    // base64url: `-` and `_` fall anywhere.
    if b.len() < 16 || !kinds.have(Kinds::UPPER) {
        return false;
    }
    let joined: Vec<u8> = b
        .iter()
        .copied()
        .filter(u8::is_ascii_alphanumeric)
        .collect();
    joined.len() >= 16 && turns(&joined) * 10 >= joined.len() * 3
}

/// Base64 that ends with its padding (RFC 4648 section 4), in either alphabet. The bits that the
/// padding leaves over are zero, and a name (`sort=`) has neither this length nor this mixture.
fn is_padded_base64(b: &[u8]) -> bool {
    let ([body @ .., b'=', b'='] | [body @ .., b'=']) = b else {
        return false;
    };
    // By the value of the last digit: six bits of which two or four are left over.
    let ends = match (body, b.len() - body.len()) {
        ([.., b'A' | b'Q' | b'g' | b'w'], 2) => true,
        ([.., last], 1) => b"AEIMQUYcgkosw048".contains(last),
        _ => false,
    };
    let alphabet = |c: &u8| c.is_ascii_alphanumeric() || matches!(c, b'+' | b'-' | b'_');
    let one_of = |kind: fn(&u8) -> bool| u8::from(body.iter().any(kind));
    let mixture = one_of(u8::is_ascii_lowercase)
        + one_of(u8::is_ascii_uppercase)
        + one_of(u8::is_ascii_digit);
    ends && b.len() >= 8 && b.len().is_multiple_of(4) && mixture >= 2 && body.iter().all(alphabet)
}

fn longest_digits(b: &[u8]) -> usize {
    b.split(|c| !c.is_ascii_digit())
        .map(<[u8]>::len)
        .max()
        .unwrap_or(0)
}

fn opaque_part(p: &[u8]) -> bool {
    let n = p.len();
    let t = turns(p);
    if n >= 7 && t >= 4 && t * 10 >= (n - 1) * 3 {
        return true;
    }
    if n >= 14 && t >= 3 && t * 5 >= n {
        return true;
    }
    n >= 8 && longest_consonants(p) >= 7
}

fn turns(p: &[u8]) -> usize {
    let kind = |c: u8| {
        if c.is_ascii_digit() {
            0
        } else if c.is_ascii_uppercase() {
            1
        } else {
            2
        }
    };
    p.windows(2)
        .filter(|w| match w {
            [a, b] => kind(*a) != kind(*b) && !(kind(*a) == 1 && kind(*b) == 2),
            _ => false,
        })
        .count()
}

fn longest_consonants(p: &[u8]) -> usize {
    p.split(|c| {
        matches!(
            c.to_ascii_lowercase(),
            b'a' | b'e' | b'i' | b'o' | b'u' | b'y'
        ) || c.is_ascii_digit()
    })
    .map(<[u8]>::len)
    .max()
    .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_from_words() {
        use Look::*;
        for (text, look) in [
            ("123", Integer),
            ("-37.81", Number),
            ("37.8,144.9", Pair),
            ("1;2;3", List),
            ("2025-01-31", Date),
            ("2025-01-31T10:00:00Z", Date),
            ("10.0.0.1", Address),
            ("123e4567-e89b-42d3-a456-426614174000", Uuid),
            ("%7B123e4567-e89b-42d3-a456-426614174000%7D", Uuid),
            ("5f2b8c1d9e3a", Hex),
            ("a3f9c2b", Hex),
            ("cus_NffrFeUfNV2Hib", Opaque),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV", Opaque),
            ("GHSA-2x4c-7h8j-9qwr", Opaque),
            ("dQw4w9WgXcQ", Opaque),
            ("S2-0123456789", Opaque),
            ("caf%C3%A9", Encoded),
            ("a.b@example.com", Encoded),
            ("v1", Version),
            ("v2beta1", Version),
            ("v20230101", Version),
            ("v1.4.2", Word),
            ("@me", Word),
            ("getUserById", Word),
            ("oauth2", Word),
            ("sha256", Word),
            ("iso8601", Word),
            ("log4j2021", Word),
            ("top100list", Word),
            ("x509v3", Word),
            ("onboardingStatus", Word),
            ("webhook_endpoints", Word),
            ("OAuth2TokenIntrospection", Word),
            ("john.smith", Word),
            ("amNsYXJrQGFjbWUuaW8=", Opaque),
            ("cmVkLWZpc2g_LQ==", Opaque),
            ("Y2FybG9zMjBAYWNtZS5pbw==", Opaque),
            ("amNsYXJrQGFjbWUuaW9=", Word),
            ("itemTypeName=", Word),
            ("pageSize", Word),
            ("pageSize2==", Word),
            ("orderby=", Word),
        ] {
            assert_eq!(Look::of_text(text, 128), look, "{text}");
        }
    }
}
