//! Numbers by name that many records share: bodies that come again have the same.

use core::fmt;
use core::ops::{Deref, DerefMut};
use std::collections::{BTreeMap, btree_map};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Numbers by name; copies share them until one is changed. It reads and is written as a map.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Counts(Option<Arc<BTreeMap<String, u32>>>);

static NONE: BTreeMap<String, u32> = BTreeMap::new();

impl Deref for Counts {
    type Target = BTreeMap<String, u32>;

    fn deref(&self) -> &BTreeMap<String, u32> {
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Counts {
    fn deref_mut(&mut self) -> &mut BTreeMap<String, u32> {
        Arc::make_mut(self.0.get_or_insert_default())
    }
}

impl From<BTreeMap<String, u32>> for Counts {
    fn from(counts: BTreeMap<String, u32>) -> Self {
        Self((!counts.is_empty()).then(|| Arc::new(counts)))
    }
}

impl IntoIterator for Counts {
    type Item = (String, u32);
    type IntoIter = btree_map::IntoIter<String, u32>;

    fn into_iter(self) -> Self::IntoIter {
        let own = self.0.map(Arc::unwrap_or_clone);
        own.unwrap_or_default().into_iter()
    }
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(BTreeMap::deserialize(deserializer)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_not_shared() {
        let mut counts = Counts::default();
        assert!(counts.is_empty());
        counts.insert("email".to_owned(), 2);
        let before = counts.clone();
        *counts.entry("email".to_owned()).or_default() += 1;
        assert_eq!(
            (before.get("email"), counts.get("email")),
            (Some(&2), Some(&3))
        );
        let written = serde_json::to_string(&counts).unwrap();
        assert_eq!(written, r#"{"email":3}"#);
        assert_eq!(serde_json::from_str::<Counts>(&written).unwrap(), counts);
    }
}
