//! Lists of names that many records share: messages of one client have the same header fields.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A list of names; copies share it. It reads and is written as a list of texts.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct NameList(Option<Arc<[String]>>);

impl NameList {
    /// Whether both are the same list in memory: what was found out of one holds for the other.
    /// Equal lists need not be.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    /// Whether somebody else holds the same list: it may come again.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        (self.0.as_ref()).is_some_and(|names| Arc::strong_count(names) > 1)
    }
}

impl Deref for NameList {
    type Target = [String];

    fn deref(&self) -> &[String] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl From<Vec<String>> for NameList {
    fn from(names: Vec<String>) -> Self {
        Self((!names.is_empty()).then(|| names.into()))
    }
}

impl fmt::Debug for NameList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl Serialize for NameList {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for NameList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_as_its_names() {
        let names = NameList::from(vec!["host".to_owned(), "accept".to_owned()]);
        let written = serde_json::to_string(&names).unwrap();
        assert_eq!(written, r#"["host","accept"]"#);
        let read: NameList = serde_json::from_str(&written).unwrap();
        assert_eq!(read, names);
        assert!(!read.is_same(&names) && names.is_same(&names.clone()));
        assert!(!read.is_shared());
        let copy = read.clone();
        assert!(read.is_shared() && copy.is_shared());
        let none: NameList = serde_json::from_str("[]").unwrap();
        assert!(none.is_empty() && none.is_same(&NameList::default()));
    }
}
