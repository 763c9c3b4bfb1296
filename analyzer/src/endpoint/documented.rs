//! Templates that a specification gives; they win where they match.

use std::collections::BTreeMap;

use super::evidence::Key;

/// One position in the tree of documented templates.
#[derive(Clone, Debug, Default)]
struct Position {
    literals: BTreeMap<Key, usize>,
    /// Parameters, by the extension that follows them.
    parameters: Vec<(Box<str>, usize)>,
    template: Option<usize>,
}

/// A documented template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    pub(super) text: String,
    pub(super) parameters: Vec<String>,
}

/// All documented templates of a host.
#[derive(Clone, Debug)]
pub(super) struct Documented {
    positions: Vec<Position>,
    pub(super) templates: Vec<Template>,
}

impl Documented {
    /// From (method, template) pairs; `key` is how a literal is looked up.
    pub(super) fn new(pairs: &[(String, String)], key: impl Fn(&str) -> Key) -> Self {
        let mut out = Self {
            positions: vec![Position::default()],
            templates: Vec::new(),
        };
        for (_, text) in pairs {
            let mut at = 0;
            let mut parameters = Vec::new();
            for segment in text.split('/').filter(|s| !s.is_empty()) {
                at = out.step(at, segment, &mut parameters, &key);
            }
            if out.positions[at].template.is_none() {
                out.positions[at].template = Some(out.templates.len());
                out.templates.push(Template {
                    text: text.clone(),
                    parameters,
                });
            }
        }
        out
    }

    fn step(
        &mut self,
        at: usize,
        segment: &str,
        names: &mut Vec<String>,
        key: &impl Fn(&str) -> Key,
    ) -> usize {
        let new = self.positions.len();
        let found = if let Some(open) = segment.find('{') {
            names.extend(
                segment
                    .split('{')
                    .skip(1)
                    .filter_map(|p| p.split_once('}'))
                    .map(|(name, _)| name.to_owned()),
            );
            let _ = open;
            let suffix = segment.rsplit_once('}').map_or("", |(_, s)| s);
            match self.positions[at]
                .parameters
                .iter()
                .find(|(s, _)| **s == *suffix)
            {
                Some((_, id)) => *id,
                None => {
                    self.positions[at].parameters.push((suffix.into(), new));
                    // The longest suffix first, so that `{id}.json` is tried before `{id}`.
                    self.positions[at]
                        .parameters
                        .sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.0.cmp(&b.0)));
                    new
                }
            }
        } else {
            *self.positions[at]
                .literals
                .entry(key(segment))
                .or_insert(new)
        };
        if found == new {
            self.positions.push(Position::default());
        }
        found
    }

    pub(super) fn is_empty(&self) -> bool {
        self.templates.is_empty()
    }

    /// The template that a path matches; literals win over parameters.
    pub(super) fn find(&self, path: &[&Key]) -> Option<usize> {
        // Branching is bounded: each level tries one literal and the few suffixes there are.
        let mut budget = 256_u32;
        self.find_from(0, path, &mut budget)
    }

    fn find_from(&self, at: usize, path: &[&Key], budget: &mut u32) -> Option<usize> {
        *budget = budget.checked_sub(1)?;
        let position = self.positions.get(at)?;
        let Some((key, rest)) = path.split_first() else {
            return position.template;
        };
        if let Some(next) = position.literals.get(*key)
            && let Some(found) = self.find_from(*next, rest, budget)
        {
            return Some(found);
        }
        for (suffix, next) in &position.parameters {
            let fits = match key {
                Key::Text(text) | Key::Fixed(text) => {
                    text.len() > suffix.len() && text.ends_with(&**suffix)
                }
                Key::Typed(_, extension) => suffix.is_empty() || extension == suffix,
                Key::Rest => suffix.is_empty(),
            };
            if fits && let Some(found) = self.find_from(*next, rest, budget) {
                return Some(found);
            }
        }
        None
    }
}
