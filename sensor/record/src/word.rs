//! Texts of which most are short, or one of a few that are known: no memory is taken for these.

use core::borrow::Borrow;
use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that most often is one the sensor knows by heart (a method, a scheme, a class), that many
/// records share (a media type, a host) or that is short (a segment, a name). It reads and is
/// written as a text.
#[derive(Clone)]
pub struct Word(Held);

/// The longest text that finds room where another one's place would stand.
const SHORT_BYTES_MAX: usize = 15;

/// Where the text is.
#[derive(Clone)]
enum Held {
    /// In the program.
    Known(&'static str),
    /// Here: the first so many bytes.
    Short(u8, [u8; SHORT_BYTES_MAX]),
    /// Here alone.
    Own(String),
    /// With others; copies share it.
    Shared(Arc<str>),
}

impl Word {
    /// The text.
    #[must_use]
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Held::Known(text) => text,
            Held::Short(length, bytes) => {
                let text = bytes.get(..usize::from(*length)).map(str::from_utf8);
                text.and_then(Result::ok).unwrap_or_default()
            }
            Held::Own(text) => text,
            Held::Shared(text) => text,
        }
    }

    /// The text's bytes: those of a short one need not be looked at to know that they are text.
    #[must_use]
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Held::Known(text) => text.as_bytes(),
            Held::Short(length, bytes) => bytes.get(..usize::from(*length)).unwrap_or_default(),
            Held::Own(text) => text.as_bytes(),
            Held::Shared(text) => text.as_bytes(),
        }
    }

    /// Bytes of the text.
    #[must_use]
    #[inline]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there is no text.
    #[must_use]
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// A text that is nobody else's yet.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::short(text).unwrap_or_else(|| Self(Held::Own(text.to_owned())))
    }

    fn short(text: &str) -> Option<Self> {
        let [bytes @ .., length] = packed(text.as_bytes())?.to_le_bytes();
        Some(Self(Held::Short(length, bytes)))
    }
}

/// A value of at most 15 bytes as one number, which no other value has: its bytes, nought behind
/// them, and its length in the last. None of a longer one.
#[must_use]
#[inline]
pub fn packed(value: &[u8]) -> Option<u128> {
    let length = value.len();
    if length > SHORT_BYTES_MAX {
        return None;
    }
    let ends = value.first_chunk::<8>().zip(value.last_chunk::<8>());
    let halves = value.first_chunk::<4>().zip(value.last_chunk::<4>());
    // The last bytes without those that are among the first: no copy of a length that only the
    // value knows.
    let text = if let Some((first, last)) = ends {
        let rest = u128::from(u64::from_le_bytes(*last)) >> (8 * (16 - length));
        u128::from(u64::from_le_bytes(*first)) | rest << 64
    } else if let Some((first, last)) = halves {
        let rest = u64::from(u32::from_le_bytes(*last)) >> (8 * (8 - length));
        u128::from(u64::from(u32::from_le_bytes(*first)) | rest << 32)
    } else {
        let bytes = value.iter().rev();
        bytes.fold(0, |text, byte| text << 8 | u128::from(*byte))
    };
    Some(text | (length as u128) << 120)
}

impl Default for Word {
    fn default() -> Self {
        Self(Held::Known(""))
    }
}

impl PartialEq for Word {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            // What is behind a short text is nought.
            (Held::Short(one, bytes), Held::Short(other, theirs)) => {
                one == other && bytes == theirs
            }
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl Eq for Word {}

impl PartialOrd for Word {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Word {
    fn cmp(&self, other: &Self) -> Ordering {
        // Texts are in the order of their bytes.
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl Hash for Word {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl Deref for Word {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for Word {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for Word {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl From<&'static str> for Word {
    fn from(text: &'static str) -> Self {
        Self(Held::Known(text))
    }
}

impl From<String> for Word {
    fn from(text: String) -> Self {
        Self::short(&text).unwrap_or(Self(Held::Own(text)))
    }
}

impl From<Arc<str>> for Word {
    fn from(text: Arc<str>) -> Self {
        Self(Held::Shared(text))
    }
}

impl From<Word> for String {
    fn from(word: Word) -> Self {
        match word.0 {
            Held::Own(text) => text,
            _ => word.as_str().to_owned(),
        }
    }
}

impl PartialEq<str> for Word {
    #[inline]
    fn eq(&self, other: &str) -> bool {
        match &self.0 {
            // As numbers: most that are compared are short, and a call takes longer than that.
            Held::Short(length, bytes) => packed(other.as_bytes()).is_some_and(|other| {
                let [theirs @ .., their_length] = other.to_le_bytes();
                *length == their_length && *bytes == theirs
            }),
            _ => self.as_bytes() == other.as_bytes(),
        }
    }
}

impl PartialEq<&str> for Word {
    #[inline]
    fn eq(&self, other: &&str) -> bool {
        *self == **other
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl Serialize for Word {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_its_text() {
        let known = Word::from("bearer");
        let read: Word = serde_json::from_str(r#""bearer""#).unwrap();
        assert_eq!(read, known);
        assert_eq!(serde_json::to_string(&known).unwrap(), r#""bearer""#);
        assert_eq!(
            (known.as_str(), format!("{read:?}")),
            ("bearer", "\"bearer\"".to_owned())
        );
        assert!(known == "bearer" && known < Word::from("jwt".to_owned()));
        let shared = Word::from(Arc::<str>::from("bearer"));
        assert!(shared == known && shared.clone() == read);
        assert_eq!(String::from(shared), "bearer");
        for text in [
            "",
            "a",
            "fifteen letters",
            "sixteen letters!",
            "fünfzehn Bytes",
            "viele Wörter und mehr",
        ] {
            assert_eq!(Word::of(text), text);
            assert_eq!(
                (Word::of(text).len(), Word::of(text).is_empty()),
                (text.len(), text.is_empty())
            );
            assert_eq!(Word::of(text).cmp(&known), text.cmp("bearer"));
            assert_eq!(Word::of(text) == Word::of("a"), text == "a");
            assert_eq!(Word::from(text.to_owned()), Word::of(text));
            assert_eq!(String::from(Word::of(text)), text);
        }
        assert_eq!(size_of::<Word>(), size_of::<String>());
    }

    #[test]
    fn short_values_are_packed_as_they_are() {
        let value = b"content-encoding: x";
        for length in 0..=value.len() {
            let value = value.get(..length).unwrap();
            let plain = value
                .iter()
                .rev()
                .fold(0, |sum, byte| sum << 8 | u128::from(*byte));
            let expected = (length < 16).then_some(plain | (length as u128) << 120);
            assert_eq!(packed(value), expected, "{length}");
        }
    }
}
