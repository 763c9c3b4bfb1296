//! Lists that most records have nothing in: no more than a pointer there.

use core::fmt;
use core::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list that is empty more often than not. It reads and is written as a list.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Rare<T>(
    #[expect(
        clippy::box_collection,
        reason = "a list takes three words where it is empty, and records have many"
    )]
    Option<Box<Vec<T>>>,
);

impl<T> Rare<T> {
    /// Nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self(None)
    }

    /// Whether there is nothing: what serde asks before it writes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    /// Adds one at the end.
    pub fn push(&mut self, one: T) {
        self.0.get_or_insert_default().push(one);
    }

    fn as_slice(&self) -> &[T] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Deref for Rare<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        self.0.as_deref_mut().map_or(&mut [], Vec::as_mut_slice)
    }
}

impl<T> From<Vec<T>> for Rare<T> {
    fn from(all: Vec<T>) -> Self {
        Self((!all.is_empty()).then(|| Box::new(all)))
    }
}

impl<T> FromIterator<T> for Rare<T> {
    fn from_iter<I: IntoIterator<Item = T>>(all: I) -> Self {
        all.into_iter().collect::<Vec<T>>().into()
    }
}

impl<T> Extend<T> for Rare<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, more: I) {
        more.into_iter().for_each(|one| self.push(one));
    }
}

impl<T> IntoIterator for Rare<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.map(|all| *all).unwrap_or_default().into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Rare<T> {
    type Item = &'a T;
    type IntoIter = core::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(f)
    }
}

impl<T: PartialEq<U>, U, const N: usize> PartialEq<[U; N]> for Rare<T> {
    fn eq(&self, other: &[U; N]) -> bool {
        self.as_slice() == other
    }
}

impl<T: Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rare_list_is_written_as_a_list() {
        let mut list: Rare<u32> = serde_json::from_str("[]").unwrap();
        assert!(list.is_empty() && list == Rare::new());
        assert_eq!(serde_json::to_string(&list).unwrap(), "[]");
        list.push(2);
        list.extend([3, 1]);
        list.sort_unstable();
        assert_eq!(list, [1, 2, 3]);
        let written = serde_json::to_string(&list).unwrap();
        assert_eq!(
            (written.as_str(), format!("{list:?}")),
            ("[1,2,3]", "[1, 2, 3]".to_owned())
        );
        assert_eq!(serde_json::from_str::<Rare<u32>>(&written).unwrap(), list);
        assert_eq!(list.into_iter().sum::<u32>(), 6);
        assert_eq!(size_of::<Rare<u32>>(), size_of::<usize>());
    }

    #[test]
    fn a_record_is_a_small_block() {
        // Allocators (mimalloc) give blocks of up to a kilobyte the short way.
        assert!(size_of::<crate::ExchangeRecord>() <= 1024);
    }
}
