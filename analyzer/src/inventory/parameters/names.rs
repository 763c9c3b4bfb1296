//! Names with the numbers of what they name, by name: there are few, and most look-ups find one.

use tapscope_record::Word;

/// Names that are looked through one by one.
const FEW: usize = 8;

/// Names with numbers, ascending by name. Most are short and stand in the list itself.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(Vec<(Word, u32)>);

impl Names {
    /// The number of a name, by its bytes.
    pub(super) fn get(&self, name: &[u8]) -> Option<u32> {
        let found = if self.0.len() <= FEW {
            // Most differ in length already.
            self.0.iter().find(|(known, _)| known.as_bytes() == name)
        } else {
            self.0.get(self.find(name).ok()?)
        };
        found.map(|(_, number)| *number)
    }

    /// Adds a name that is not there; false when it is.
    pub(super) fn insert(&mut self, name: &str, number: u32) -> bool {
        let Err(at) = self.find(name.as_bytes()) else {
            return false;
        };
        if self.0.is_empty() {
            self.0.reserve_exact(1);
        }
        self.0.insert(at, (Word::of(name), number));
        true
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them, ascending by name.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(name, number)| (name.as_str(), *number))
    }

    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_bytes().cmp(name))
    }
}
