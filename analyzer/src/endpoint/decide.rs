//! Evidence → decision: which positions are parameters.
//!
//! A decision goes through the whole trie from the root. At each place it gathers the children
//! of all raw nodes that are one place by the decisions above it, judges each word among them
//! (`judge`), and goes on below. Passes repeat, each judging by what the one before
//! has learned; a decision depends on the evidence alone and not on the order it came in.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::evidence::{Key, Lengths, NodeId, Trie};
use super::greedy;
use super::judge::{self, Place, Previous, Word};
use super::knowledge::{Knowledge, Map};
use super::look::{self, Look};
use super::signature::Signatures;

/// Index of a decided place; the root is 0.
pub(super) type PlaceId = u32;

/// What a raw node has not been given a place as.
pub(super) const NOWHERE: PlaceId = PlaceId::MAX;

/// Passes over the trie; what changes in later ones is below one template in a thousand.
const PASSES: usize = 3;

/// So many values of random letters and digits show what length they have.
const RANDOM_MIN: f64 = 8.0;

/// What stands at a position of a template.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// A literal.
    Literal(Arc<str>),
    /// A parameter with what surrounds it in its segment.
    Parameter(Affix),
}

/// What surrounds a parameter in its segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Affix {
    /// Before it (`page-`).
    pub(super) prefix: Box<str>,
    /// Between it and a second one (`..`); empty when there is one only.
    pub(super) between: Box<str>,
    /// After it (`.json`).
    pub(super) suffix: Box<str>,
    /// Whether it takes all that follows in the path.
    pub(super) takes_rest: bool,
}

/// A place in the decided tree of templates.
#[derive(Clone, Debug)]
pub(super) struct Decided {
    /// The place above.
    pub(super) parent: PlaceId,
    /// What leads to it.
    pub(super) part: Part,
    /// Looks of its values, as a bit set; for naming.
    pub(super) looks: u32,
    /// How sure its being a literal or a parameter is, 0.5 to 1.
    pub(super) confidence: f64,
    /// What follows.
    pub(super) children: BTreeMap<Part, PlaceId>,
    /// Whether words are accepted as values of the parameter below it.
    pub(super) takes_words: bool,
}

/// All decisions on one trie.
#[derive(Clone, Debug, Default)]
pub(super) struct Decision {
    /// The places.
    pub(super) places: Vec<Decided>,
    /// The place of each raw node.
    pub(super) of: Vec<PlaceId>,
}

/// Decides on everything. With what an earlier decision on the same nodes (and fewer) has learned,
/// one pass is enough to place what is new; without it the decision rests on the evidence alone.
pub(super) fn decide(trie: &Trie, earlier: Option<Previous>) -> (Decision, Previous) {
    let passes = if earlier.is_some() {
        PASSES - 1..PASSES
    } else {
        0..PASSES
    };
    let mut previous = earlier.unwrap_or_else(|| {
        let mut new = Previous::new(trie.nodes.len());
        new.count_shapes(trie, |n| trie.node(n).parent);
        new
    });
    previous.class.resize(trie.nodes.len(), None);
    previous.followed.resize(trie.nodes.len(), None);
    let context = Context::of(trie);
    let mut last = Decision::default();
    for pass in passes {
        let signatures = Signatures::of_all(trie, &previous.class, |t| {
            super::hash_text(&context.canonical(t))
        });
        let mut run = Pass {
            signatures: &signatures,
            trie,
            context: &context,
            previous: &previous,
            first: pass == 0,
            next: Previous::new(trie.nodes.len()),
            out: Decision {
                of: vec![NOWHERE; trie.nodes.len()],
                ..Decision::default()
            },
        };
        run.all();
        let Pass { mut next, out, .. } = run;
        next.count_shapes(trie, |n| out.of[n as usize]);
        previous = next;
        last = out;
    }
    greedy::collapse(trie, &mut last);
    (last, previous)
}

/// What is counted once, before any pass.
pub(super) struct Context {
    /// What goes before and after a number in words, with the number of distinct numbers.
    numbered: Map<(Box<str>, Box<str>), u32>,
    numbered_total: u32,
}

impl Context {
    fn of(trie: &Trie) -> Self {
        let mut seen: Map<Box<str>, ()> = Map::default();
        let mut numbered: Map<(Box<str>, Box<str>), u32> = Map::default();
        let mut numbered_total = 0;
        for node in &trie.nodes {
            let Key::Text(text) = &node.key else { continue };
            if let Some((prefix, suffix)) = numbered_word(text)
                && seen.insert(text.clone(), ()).is_none()
            {
                *numbered.entry((prefix.into(), suffix.into())).or_default() += 1;
                numbered_total += 1;
            }
        }
        Self {
            numbered,
            numbered_total,
        }
    }

    /// The constant parts around a number, when the same ones surround many numbers on this host
    /// and few others do.
    fn composite(&self, text: &str) -> Option<Affix> {
        let (prefix, suffix) = numbered_word(text)?;
        let count = *self.numbered.get(&(prefix.into(), suffix.into()))?;
        (count >= 4 && count * 8 >= self.numbered_total).then(|| Affix {
            prefix: prefix.into(),
            suffix: suffix.into(),
            ..Affix::default()
        })
    }
}

impl Context {
    /// A word with its number left out, where that is a parameter.
    pub(super) fn canonical<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match self.composite(text) {
            Some(affix) => Cow::Owned(format!("{}{{}}{}", affix.prefix, affix.suffix)),
            None => Cow::Borrowed(text),
        }
    }
}

/// Splits `page-12.atom` into `page-` and `.atom`.
fn numbered_word(text: &str) -> Option<(&str, &str)> {
    if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let stem = text.strip_suffix(look::extension(text))?;
    let prefix = stem.trim_end_matches(|c: char| c.is_ascii_digit());
    let separated = prefix.ends_with(['-', '_', '.', '=', ':']);
    (prefix.len() > 1 && prefix.len() < stem.len() && separated)
        .then(|| (prefix, &text[stem.len()..]))
}

struct Pass<'a> {
    signatures: &'a Signatures,
    trie: &'a Trie,
    context: &'a Context,
    previous: &'a Previous,
    first: bool,
    next: Previous,
    out: Decision,
}

/// The children of one place, sorted by what they are.
#[derive(Default)]
struct Children<'a> {
    words: BTreeMap<&'a str, Vec<NodeId>>,
    fixed: Vec<(&'a str, NodeId)>,
    typed: BTreeMap<(Look, &'a str), Vec<NodeId>>,
    rest: Vec<NodeId>,
    composite: BTreeMap<Affix, Vec<NodeId>>,
}

impl Children<'_> {
    fn are_none(&self) -> bool {
        let others = self.typed.is_empty() && self.rest.is_empty() && self.composite.is_empty();
        self.words.is_empty() && self.fixed.is_empty() && others
    }
}

impl<'a> Pass<'a> {
    fn all(&mut self) {
        self.out.places.push(Decided {
            parent: 0,
            part: Part::Literal("".into()),
            looks: 0,
            confidence: 1.0,
            children: BTreeMap::new(),
            takes_words: false,
        });
        let mut work = vec![(0, vec![0])];
        while let Some((place, raws)) = work.pop() {
            for raw in &raws {
                self.out.of[*raw as usize] = place;
            }
            let below = self.below(place, &raws);
            work.extend(below);
        }
    }

    fn gather(&self, raws: &[NodeId]) -> Children<'a> {
        let trie = self.trie;
        let mut out = Children::default();
        for raw in raws {
            for (key, id) in &trie.node(*raw).children {
                match key {
                    Key::Text(text) => match self.context.composite(text) {
                        Some(affix) => out.composite.entry(affix).or_default().push(*id),
                        None => out.words.entry(text).or_default().push(*id),
                    },
                    Key::Fixed(name) => out.fixed.push((name, *id)),
                    Key::Typed(look, ext) => out.typed.entry((*look, ext)).or_default().push(*id),
                    Key::Rest => out.rest.push(*id),
                }
            }
        }
        out
    }

    /// Decides on the children of one place; returns the places below it with their raw nodes.
    fn below(&mut self, at: PlaceId, raws: &[NodeId]) -> Vec<(PlaceId, Vec<NodeId>)> {
        let trie = self.trie;
        let children = self.gather(raws);
        if children.are_none() {
            return Vec::new();
        }
        let mut groups: BTreeMap<Part, (Vec<NodeId>, u32, f64)> = BTreeMap::new();
        let mut place = self.place(at, raws, &children);
        self.typed(&mut place, &children, &mut groups);
        let words: Vec<Word<'_>> = children
            .words
            .iter()
            .map(|(t, n)| Word::of(trie, t, n, self.context, self.previous, self.signatures))
            .collect();
        let scores = judge::judge(&place, &words, self.previous, self.first);
        let mut values = Vec::new();
        let mut literals = 0;
        for (word, score) in words.iter().zip(&scores) {
            let class = usize::from(score.logit > 0.0);
            let sure = 1.0 / (1.0 + (-score.logit.abs()).exp());
            for node in word.nodes {
                self.next.class[*node as usize] = Some(class);
            }
            self.next.knowledge.learn_word(word.text, class);
            if class == 1 {
                values.push((word, sure));
            } else {
                literals += 1;
                groups.insert(
                    Part::Literal(word.text.into()),
                    (word.nodes.to_vec(), 0, sure),
                );
            }
        }
        for (name, node) in &children.fixed {
            let literal = Part::Literal((*name).into());
            let group = groups.entry(literal).or_insert((Vec::new(), 0, 1.0));
            group.0.push(*node);
        }
        self.values(&values, &children, &mut groups);
        let parameter = groups.keys().any(|p| matches!(p, Part::Parameter(_)));
        if !groups.is_empty() {
            let class = usize::from(parameter);
            for raw in raws {
                self.next.followed[*raw as usize] = Some(class);
            }
            if let Some(word) = place.previous {
                self.next.knowledge.learn_after(word, class);
            }
        }
        self.out.places[at as usize].takes_words =
            !children.rest.is_empty() || !values.is_empty() && values.len() * 2 >= literals;
        let mut out = Vec::new();
        for (part, (nodes, looks, confidence)) in groups {
            let id = self.out.places.len() as PlaceId;
            self.out.places[at as usize]
                .children
                .insert(part.clone(), id);
            self.out.places.push(Decided {
                parent: at,
                part,
                looks,
                confidence,
                children: BTreeMap::new(),
                takes_words: false,
            });
            out.push((id, nodes));
        }
        out
    }

    fn place(&self, at: PlaceId, raws: &[NodeId], children: &Children<'a>) -> Place<'a> {
        let mut depth = 0;
        let mut below_parameter = false;
        let mut up = at;
        while up != 0 {
            let here = &self.out.places[up as usize];
            depth += 1;
            below_parameter |= matches!(here.part, Part::Parameter(_));
            up = here.parent;
        }
        // Borrowed from the trie, not from the output, which grows while the place is in use.
        let previous = match (
            &self.out.places[at as usize].part,
            &self.trie.node(raws[0]).key,
        ) {
            (Part::Literal(_), Key::Text(text)) if at != 0 => Some(&**text),
            _ => None,
        };
        let methods = raws
            .iter()
            .map(|r| judge::methods(self.trie, *r))
            .fold(0, |a, b| a | b);
        let distinct = |ids: &[NodeId]| {
            ids.iter()
                .map(|i| self.trie.node(*i).values.distinct())
                .sum::<f64>()
        };
        // Words are compared with them.
        let are_words = !children.words.is_empty();
        let typed = || {
            let nodes = children.typed.values().flatten().chain(&children.rest);
            nodes.filter(move |_| are_words)
        };
        Place {
            depth,
            previous,
            below_parameter,
            after_parameter: matches!(self.out.places[at as usize].part, Part::Parameter(_)),
            methods,
            hits: children
                .words
                .values()
                .flatten()
                .map(|i| self.trie.node(*i).hits)
                .sum(),
            typed: children
                .typed
                .values()
                .map(|ids| distinct(ids))
                .sum::<f64>()
                + distinct(&children.rest),
            typed_operations: self.signatures.union(typed()),
            typed_length: self.random_length(children),
            typed_next: judge::next_texts(self.trie, typed()),
            own: self.previous.followed[raws[0] as usize],
        }
    }

    /// The length of all values of random letters and digits at a place, where there are several
    /// and all have the same.
    fn random_length(&self, children: &Children<'a>) -> Option<usize> {
        let random = children
            .typed
            .iter()
            .filter(|((look, _), _)| matches!(look, Look::Opaque | Look::Hex))
            .flat_map(|(_, nodes)| nodes)
            .map(|id| &self.trie.node(*id).values);
        let mut lengths = Lengths::default();
        let mut distinct = 0.0;
        for values in random {
            lengths.merge(values.lengths());
            distinct += values.distinct();
        }
        (distinct >= RANDOM_MIN).then(|| lengths.fixed())?
    }

    /// Values by their look; a single one that everything goes through is part of the base path.
    fn typed(
        &self,
        place: &mut Place<'a>,
        children: &Children<'a>,
        groups: &mut BTreeMap<Part, (Vec<NodeId>, u32, f64)>,
    ) {
        let extensions: BTreeSet<&str> = children.typed.keys().map(|k| k.1).collect();
        for ((look, extension), nodes) in &children.typed {
            if let Some(text) = self.constant(place, children, nodes) {
                place.typed = 0.0;
                groups.insert(Part::Literal(text), (nodes.clone(), 0, 0.8));
                continue;
            }
            let affix = match look {
                Look::Pair => Affix {
                    between: ",".into(),
                    ..Affix::default()
                },
                Look::Range => Affix {
                    between: (*extension).into(),
                    ..Affix::default()
                },
                _ if extensions.len() <= 2 => Affix {
                    suffix: (*extension).into(),
                    ..Affix::default()
                },
                _ => Affix::default(),
            };
            let group = groups
                .entry(Part::Parameter(affix))
                .or_insert((Vec::new(), 0, 0.0));
            group.0.extend(nodes);
            group.1 |= 1 << *look as u32;
            group.2 = 0.98;
        }
        for (affix, nodes) in &children.composite {
            groups.insert(
                Part::Parameter(affix.clone()),
                (nodes.clone(), 1 << Look::Integer as u32, 0.8),
            );
        }
    }

    /// The one value of a typed child when all traffic goes through it, near the root.
    fn constant(
        &self,
        place: &Place<'a>,
        children: &Children<'a>,
        nodes: &[NodeId],
    ) -> Option<Arc<str>> {
        let [node] = nodes else { return None };
        let node = self.trie.node(*node);
        let [value] = node.values.examples.as_slice() else {
            return None;
        };
        let alone = children.typed.len() == 1 && children.rest.is_empty();
        let root = self.trie.node(0).hits;
        let single = node.values.distinct() < 1.5;
        let early = place.depth == 0
            || place.depth <= 2 && !place.after_parameter && node.hits * 10 >= root * 9;
        let branches = node.children.len() >= 2 || place.depth == 0;
        (alone && single && early && branches && !value.starts_with('{')).then(|| (**value).into())
    }

    /// Words that are values join the parameter whose surroundings they share.
    fn values(
        &self,
        values: &[(&Word<'_>, f64)],
        children: &Children<'a>,
        groups: &mut BTreeMap<Part, (Vec<NodeId>, u32, f64)>,
    ) {
        let ends: Vec<&str> = values
            .iter()
            .filter(|v| v.0.methods != 0)
            .map(|v| look::extension(v.0.text))
            .collect();
        let mut count: BTreeMap<&str, usize> = BTreeMap::new();
        for end in &ends {
            *count.entry(end).or_default() += 1;
        }
        // What goes on behind it is part of the value (`example.com`) and no format.
        let goes_on: BTreeSet<&str> = values
            .iter()
            .filter(|v| v.0.goes_on())
            .map(|v| look::extension(v.0.text))
            .collect();
        let shared = |end: &str| {
            if goes_on.contains(end) {
                return false;
            }
            let typed = children.typed.keys().any(|k| k.1 == end);
            let n = count.get(end).copied().unwrap_or(0);
            !end.is_empty() && (typed || n >= 3 && n * 10 >= ends.len() * 9)
        };
        for (word, sure) in values {
            let end = look::extension(word.text);
            let suffix = if word.methods != 0 && shared(end) {
                end
            } else {
                ""
            };
            let affix = Affix {
                suffix: suffix.into(),
                ..Affix::default()
            };
            let group = groups
                .entry(Part::Parameter(affix))
                .or_insert((Vec::new(), 0, 0.0));
            group.0.extend(word.nodes);
            group.1 |= 1 << Look::Word as u32;
            group.2 = f64::max(group.2, *sure);
        }
        if !children.rest.is_empty() {
            let group =
                groups
                    .entry(Part::Parameter(Affix::default()))
                    .or_insert((Vec::new(), 0, 0.0));
            group.0.extend(&children.rest);
            group.1 |= 1 << Look::Word as u32;
            group.2 = f64::max(group.2, 0.9);
        }
    }
}

/// The knowledge a pass leaves, kept here to name it in one place.
impl Previous {
    pub(super) fn new(nodes: usize) -> Self {
        Self {
            knowledge: Knowledge::default(),
            class: vec![None; nodes],
            followed: vec![None; nodes],
            shapes: Map::default(),
            shaped: 0,
        }
    }

    /// Counts at how many places each response shape is found; `of` gives the place of a node.
    fn count_shapes(&mut self, trie: &Trie, of: impl Fn(NodeId) -> PlaceId) {
        let mut seen: BTreeSet<(PlaceId, u64)> = BTreeSet::new();
        for (id, node) in trie.nodes.iter().enumerate() {
            for leaf in node.leaves.iter().filter(|l| l.shape != 0) {
                if seen.insert((of(id as NodeId), leaf.shape)) {
                    *self.shapes.entry(leaf.shape).or_default() += 1;
                    self.shaped += 1;
                }
            }
        }
    }
}
