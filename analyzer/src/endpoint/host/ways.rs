//! Ways through the trie that were gone before: most calls ask for a path that was asked for
//! already, and what it looks like need not be found out again.

use super::super::evidence::NodeId;
use super::super::knowledge::Map;
use tapscope_record::PathSegment;

/// Ways kept of a host; when there are more, all are forgotten and those in use come again.
const WAYS_MAX: usize = 16_384;

/// The longest path that is kept, in bytes; longer ones hold what is never asked for twice.
const PATH_MAX: usize = 256;

/// Where a path leads, as long as the trie keeps its form.
#[derive(Clone, Copy, Debug)]
pub(super) struct Way {
    /// The node at its end.
    pub(super) node: NodeId,
    /// Its hash, by which noise is judged.
    pub(super) path: u64,
}

/// The ways of a host.
#[derive(Debug, Default)]
pub(super) struct Ways {
    known: Map<Box<[u8]>, Way>,
    /// Bytes of the paths.
    bytes: usize,
    /// The path that was asked for last, written out.
    asked: Vec<u8>,
}

impl Ways {
    /// The way of a path. `is_named` tells that its segments are names whatever they look like.
    pub(super) fn find(&mut self, path: &[PathSegment], is_named: bool) -> Option<Way> {
        self.write(path, is_named);
        self.known.get(&*self.asked).copied()
    }

    /// Keeps the way of the path that was asked for last.
    pub(super) fn keep(&mut self, way: Way) {
        if self.asked.len() > PATH_MAX {
            return;
        }
        if self.known.len() >= WAYS_MAX {
            self.forget();
        }
        if self
            .known
            .insert(self.asked.as_slice().into(), way)
            .is_none()
        {
            self.bytes += self.asked.len();
        }
    }

    /// Forgets all: the trie takes another form.
    pub(super) fn forget(&mut self) {
        self.known.clear();
        self.bytes = 0;
    }

    /// Bytes held, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.known.capacity() * size_of::<(Box<[u8]>, Way)>() + self.bytes
    }

    /// Writes a path out so that no two that differ are written alike: each segment behind its kind
    /// and its length.
    fn write(&mut self, path: &[PathSegment], is_named: bool) {
        let out = &mut self.asked;
        out.clear();
        out.push(u8::from(is_named));
        for segment in path {
            let (kind, text, token) = match segment {
                PathSegment::Literal(text) => (0_u8, text.as_bytes(), None),
                PathSegment::Redacted { class, token } => (1, class.as_bytes(), Some(token.0)),
            };
            if out.len() + text.len() > PATH_MAX {
                out.resize(PATH_MAX + 1, 0);
                return;
            }
            out.push(kind);
            // No text here is longer than the longest path.
            out.extend((text.len() as u16).to_le_bytes());
            out.extend(text);
            out.extend(token.iter().flat_map(|token| token.to_le_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(text: &str) -> PathSegment {
        PathSegment::Literal(text.to_owned().into())
    }

    #[test]
    fn a_way_is_found_again_under_its_own_path_only() {
        let mut ways = Ways::default();
        let path = [literal("a"), literal("bc")];
        assert!(ways.find(&path, false).is_none());
        ways.keep(Way { node: 7, path: 1 });
        assert_eq!(ways.find(&path, false).map(|way| way.node), Some(7));
        for other in [
            vec![literal("ab"), literal("c")],
            vec![literal("a/bc")],
            vec![literal("a")],
            vec![literal("a"), literal("bc"), literal("")],
            vec![],
        ] {
            assert!(ways.find(&other, false).is_none(), "{other:?}");
        }
        assert!(ways.find(&path, true).is_none(), "names are another way");
        ways.forget();
        assert!(ways.find(&path, false).is_none());
        assert_eq!(ways.bytes, 0);
    }

    #[test]
    fn what_is_longer_than_any_that_is_kept_is_never_mistaken() {
        let mut ways = Ways::default();
        let long = [literal(&"x".repeat(300)), literal("a")];
        assert!(ways.find(&long, false).is_none());
        ways.keep(Way { node: 7, path: 1 });
        assert!(ways.find(&long, false).is_none());
        assert!(ways.find(&[literal(&"y".repeat(300))], false).is_none());
    }

    #[test]
    fn ways_are_bounded() {
        let mut ways = Ways::default();
        for n in 0..WAYS_MAX + 10 {
            assert!(ways.find(&[literal(&n.to_string())], false).is_none());
            ways.keep(Way { node: 1, path: 1 });
        }
        assert_eq!(ways.known.len(), 10);
        assert!(ways.bytes < 1024);
    }
}
