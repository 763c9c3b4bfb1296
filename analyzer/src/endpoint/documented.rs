//! Templates that are given rather than learned, by a person or a specification; they win where
//! they match.

use std::collections::{BTreeMap, BTreeSet};

use super::evidence::{Key, Step};
use super::look::Look;
use super::naming::Named;

/// Most positions followed at a time: templates branch at literals beside parameters only.
const POSITIONS_MAX: usize = 16;

/// One position in the tree of documented templates.
#[derive(Clone, Debug, Default)]
struct Position {
    literals: BTreeMap<Box<str>, usize>,
    /// Literals that look like a value, by what any value of that look is known as: evidence from
    /// before the template was given cannot be told apart.
    alike: BTreeMap<Key, usize>,
    /// Parameters, with what stands before and after them in their segment.
    parameters: Vec<(Form, usize)>,
    /// Where a parameter leads that takes any number of segments, one at least.
    greedy: Option<usize>,
    /// Whether it stands behind such a parameter, which may take more.
    takes_more: bool,
    template: Option<usize>,
}

/// Whether a template's segment is a parameter that takes the rest of a path, or a part of it:
/// `{path+}` (Amazon's API Gateway), `{path*}`, `{+path}` (RFC 6570), `{path...}` (Go), `{path:.*}`,
/// `**`.
pub(crate) fn is_greedy(segment: &str) -> bool {
    let inner = segment
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    let greedy = |name: &str| {
        name.starts_with(['+', '*']) || name.ends_with(['+', '*']) || name.ends_with("...")
    };
    segment == "**" || inner.is_some_and(|name| !name.contains('{') && greedy(name))
}

/// What a segment with parameters has beside them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Form {
    prefix: Box<str>,
    /// Between two parameters.
    between: Box<str>,
    suffix: Box<str>,
}

impl Form {
    /// The form of a template's segment; none of one without parameters.
    fn of(segment: &str) -> Option<Self> {
        let (prefix, rest) = segment.split_once('{')?;
        let (inner, suffix) = rest.rsplit_once('}').unwrap_or((rest, ""));
        let between = match inner.split_once('}') {
            Some((_, rest)) => rest.split_once('{').map_or("", |(between, _)| between),
            None => "",
        };
        Some(Self {
            prefix: prefix.into(),
            between: between.into(),
            suffix: suffix.into(),
        })
    }

    fn len(&self) -> usize {
        self.prefix.len() + self.between.len() + self.suffix.len()
    }

    /// Whether a segment can be of this form. What stood before a value is not known of values that
    /// are counted together, only what can have.
    fn fits(&self, key: &Key) -> bool {
        if let Key::Typed(look, _) = key
            && !self.prefix.bytes().all(|c| look.may_begin_with(c))
        {
            return false;
        }
        let ends = |extension: &str| self.suffix.is_empty() || *extension == *self.suffix;
        let one = self.between.is_empty();
        match key {
            Key::Text(text) | Key::Fixed(text) => {
                let inner = text.strip_prefix(&*self.prefix);
                let inner = inner.and_then(|rest| rest.strip_suffix(&*self.suffix));
                inner.is_some_and(|inner| !inner.is_empty() && (one || self.parts(inner)))
            }
            Key::Typed(Look::Range, separator) => {
                *self.between == **separator || one && self.suffix.is_empty()
            }
            Key::Typed(Look::Pair, after) => &*self.between == "," || one && ends(after),
            // Two values of such a form would look like it.
            Key::Typed(_, after) => !matches!(&*self.between, "," | ".." | "...") && ends(after),
            Key::Rest => self.len() == 0,
        }
    }

    fn parts(&self, inner: &str) -> bool {
        let parts = inner.split_once(&*self.between);
        parts.is_some_and(|(first, second)| !first.is_empty() && !second.is_empty())
    }
}

/// A documented template. Two documents, or two operations of one, may name the parameters of the
/// same paths differently, for different methods.
#[derive(Clone, Debug)]
pub(super) struct Template {
    names: BTreeMap<String, Named>,
    /// What it is called where its method has no name for it.
    first: Named,
}

impl Template {
    /// The template as it is called for a method.
    pub(super) fn of(&self, method: &str) -> &Named {
        self.names.get(method).unwrap_or(&self.first)
    }
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
        for (method, text) in pairs {
            let mut at = 0;
            let mut parameters = Vec::new();
            for segment in text.split('/').filter(|s| !s.is_empty()) {
                at = out.step(at, segment, &mut parameters, &key);
            }
            let named = Named {
                template: text.clone(),
                parameters,
            };
            let known = out.positions[at].template;
            let index = known.unwrap_or(out.templates.len());
            if known.is_none() {
                out.positions[at].template = Some(index);
                out.templates.push(Template {
                    names: BTreeMap::new(),
                    first: named.clone(),
                });
            }
            let names = &mut out.templates[index].names;
            names.entry(method.clone()).or_insert(named);
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
        if is_greedy(segment) {
            names.extend(super::naming::parameters(segment));
            let found = *self.positions[at].greedy.get_or_insert(new);
            if found == new {
                let takes_more = true;
                self.positions.push(Position {
                    takes_more,
                    ..Position::default()
                });
            }
            return found;
        }
        let found = if let Some(form) = Form::of(segment) {
            names.extend(super::naming::parameters(segment));
            let parameters = &mut self.positions[at].parameters;
            if let Some((_, id)) = parameters.iter().find(|(known, _)| *known == form) {
                *id
            } else {
                parameters.push((form, new));
                // What says most first, so that `{id}.json` is tried before `{id}`.
                parameters.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then(a.cmp(b)));
                new
            }
        } else {
            let position = &mut self.positions[at];
            let found = *position.literals.entry(segment.into()).or_insert(new);
            if let like @ Key::Typed(..) = key(segment) {
                position.alike.entry(like).or_insert(found);
            }
            found
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
        let literal = match key {
            Key::Text(text) | Key::Fixed(text) => position.literals.get(text),
            Key::Typed(..) => position.alike.get(*key),
            Key::Rest => None,
        };
        if let Some(next) = literal
            && let Some(found) = self.find_from(*next, rest, budget)
        {
            return Some(found);
        }
        for (form, next) in &position.parameters {
            if form.fits(key)
                && let Some(found) = self.find_from(*next, rest, budget)
            {
                return Some(found);
            }
        }
        let more = position.takes_more.then_some(at);
        let further = position.greedy.into_iter().chain(more);
        further
            .into_iter()
            .find_map(|next| self.find_from(next, rest, budget))
    }

    /// Those of some positions that any further segment leads to again.
    fn that_take_more(&self, at: &[usize]) -> impl Iterator<Item = usize> {
        let more = |id: &&usize| self.positions.get(**id).is_some_and(|one| one.takes_more);
        at.iter().filter(more).copied()
    }

    /// Words that a template has as a literal after such a path: these are no values there,
    /// whatever the evidence says.
    pub(super) fn names_after(&self, path: &[&Key]) -> BTreeSet<&str> {
        let mut at = vec![0_usize];
        for key in path {
            let mut next = Vec::new();
            for position in at.iter().filter_map(|i| self.positions.get(*i)) {
                next.extend(match key {
                    Key::Text(text) | Key::Fixed(text) => position.literals.get(text),
                    Key::Typed(..) => position.alike.get(*key),
                    Key::Rest => None,
                });
                next.extend(position.parameters.iter().map(|(_, id)| *id));
                next.extend(position.greedy);
            }
            next.extend(self.that_take_more(&at));
            next.truncate(POSITIONS_MAX);
            at = next;
        }
        let positions = at.iter().filter_map(|i| self.positions.get(*i));
        let names = positions.flat_map(|position| position.literals.keys());
        names.map(|name| &**name).collect()
    }

    /// Takes segments for names where a template has them as literals though they look like values,
    /// so that they are counted apart from then on.
    pub(super) fn fix(&self, steps: &mut [Step<'_>]) {
        let mut at = vec![0_usize];
        for step in steps {
            let mut next = Vec::new();
            let mut named = false;
            for position in at.iter().filter_map(|i| self.positions.get(*i)) {
                if let Some(literal) = position.literals.get(step.text.as_ref()) {
                    named = true;
                    next.push(*literal);
                }
                next.extend(position.parameters.iter().map(|(_, id)| *id));
                next.extend(position.greedy);
            }
            next.extend(self.that_take_more(&at));
            if named && matches!(step.key, Key::Typed(look, _) if look != Look::Redacted) {
                step.key = Key::Fixed(step.text.as_ref().into());
            }
            next.truncate(POSITIONS_MAX);
            at = next;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::TemplateSettings;
    use super::super::host::step_of;
    use super::*;

    #[test]
    fn a_greedy_parameter_takes_one_segment_or_more() {
        let get = |path: &str| ("GET".to_owned(), path.to_owned());
        let pairs = [
            get("/proxy/{proxy+}"),
            get("/proxy/status"),
            get("/files/{path*}/versions/{version}"),
            get("/{+name}"),
            get("/go/{rest...}"),
            get("/pinned/**"),
        ];
        let documented = Documented::new(&pairs, |text| Key::Text(text.into()));
        let settings = TemplateSettings::default();
        for (path, expected) in [
            ("/proxy/a", Some(0)),
            ("/proxy/a/17/c/d", Some(0)),
            ("/proxy/status", Some(1)),
            ("/proxy/status/more", Some(0)),
            ("/files/a/b/versions/3", Some(2)),
            ("/files/a/versions/versions/3", Some(2)),
            ("/files/a/b", Some(3)),
            ("/proxy", Some(3)),
            ("/go/a/b", Some(4)),
            ("/pinned/a/b/c", Some(5)),
            ("/", None),
        ] {
            let segments = path.split('/').filter(|text| !text.is_empty());
            let segments: Vec<tapscope_record::PathSegment> = segments
                .map(|text| tapscope_record::PathSegment::Literal(text.to_owned().into()))
                .collect();
            let steps: Vec<_> = segments.iter().map(|one| step_of(one, &settings)).collect();
            let keys: Vec<&Key> = steps.iter().map(|step| &step.key).collect();
            assert_eq!(documented.find(&keys), expected, "{path}");
        }
        let many = vec![Key::Text("a".into()); 60];
        let many: Vec<&Key> = many.iter().collect();
        assert_eq!(documented.find(&many), Some(3), "bounded, and still found");
    }

    #[test]
    fn what_stands_between_two_parameters_tells_templates_apart() {
        let get = |path: &str| ("GET".to_owned(), path.to_owned());
        let pairs = [
            get("/compare/{basehead}"),
            get("/compare/{base}...{head}"),
            get("/near/{latitude},{longitude}"),
            get("/days/{from}-{to}"),
            get("/files/{name}.json"),
            get("/clips/series-{number}.atom"),
            get("/clips/{id}.atom"),
            get("/parts/ab{hash}"),
        ];
        let documented = Documented::new(&pairs, |text| Key::Text(text.into()));
        let settings = TemplateSettings::default();
        for (first, second, expected) in [
            ("compare", "main...orbit", Some(1)),
            ("compare", "feature%2Fsilver-alpha...orbit", Some(1)),
            ("compare", "main", Some(0)),
            ("compare", "1a2b3c4d5e6f7a8b9c0d", Some(0)),
            ("compare", "feature%2Fsilver-alpha", Some(0)),
            ("near", "52.5,13.4", Some(2)),
            ("near", "here", None),
            ("days", "monday-friday", Some(3)),
            ("days", "2024-01-02", Some(3)),
            ("files", "a.json", Some(4)),
            ("files", ".json", None),
            ("clips", "series-7.atom", Some(5)),
            ("clips", "3500683.atom", Some(6)),
            (
                "clips",
                "550e8400-e29b-41d4-a716-446655440000.atom",
                Some(6),
            ),
            ("clips", "2024-01-02.atom", Some(6)),
            ("parts", "ab12cd34ef56ab12cd34", Some(7)),
            ("parts", "17", None),
        ] {
            let segment = tapscope_record::PathSegment::Literal(second.to_owned().into());
            let key = step_of(&segment, &settings).key;
            let found = documented.find(&[&Key::Text(first.into()), &key]);
            assert_eq!(found, expected, "{first}/{second}");
        }
    }
}
