//! Is this word a literal or a value of a parameter? Evidence in, log odds out.
//!
//! Each piece of evidence is a number that any HTTP API yields: how many siblings a word has and
//! how often each comes, what follows it and whether the same follows its siblings, with which
//! methods it is called, what its responses look like, how it is spelt compared with what is
//! known of this host. `weights` says how much each counts.

use std::borrow::Cow;

use super::decide::Context;
use super::evidence::{Key, NodeId, Trie};
use super::knowledge::{Knowledge, Map};
use super::look::{self, Look};
use super::signature::{self, Operation, Pool, Signatures};
use super::weights::{COUNT, FIRST, LATER};

/// What the pass before decided.
#[derive(Debug)]
pub(super) struct Previous {
    /// What it taught.
    pub(super) knowledge: Knowledge,
    /// Of each raw node: literal (0) or value (1).
    pub(super) class: Vec<Option<usize>>,
    /// Of each raw node: whether only literals (0) or a parameter (1) followed.
    pub(super) followed: Vec<Option<usize>>,
    /// Number of places where each response shape is found.
    pub(super) shapes: Map<u64, u32>,
    /// Their sum.
    pub(super) shaped: u32,
}

impl Previous {
    /// How rare a response shape is on this host, 0 to 1.
    fn rarity(&self, shape: u64) -> f64 {
        let n = self.shapes.get(&shape).copied().unwrap_or(1);
        1.0 - f64::from(n) / f64::from(self.shaped.max(1))
    }
}

/// A place whose children are judged.
#[derive(Debug)]
pub(super) struct Place<'a> {
    /// Segments before.
    pub(super) depth: usize,
    /// The literal before, when it is one.
    pub(super) previous: Option<&'a str>,
    /// Whether a parameter stands before.
    pub(super) after_parameter: bool,
    /// Whether one stands anywhere above.
    pub(super) below_parameter: bool,
    /// Methods called on the place itself, as a bit set.
    pub(super) methods: u8,
    /// Sightings that went on into a word.
    pub(super) hits: u64,
    /// Number of distinct typed values among the children.
    pub(super) typed: f64,
    /// What can be called below the typed values.
    pub(super) typed_operations: Cow<'a, [Operation]>,
    /// Length of all values of random letters and digits, where they have the same.
    pub(super) typed_length: Option<usize>,
    /// Words that follow the typed values.
    pub(super) typed_next: Map<Box<str>, ()>,
    /// What it taught about what follows.
    pub(super) own: Option<usize>,
}

/// A word among the children of a place.
#[derive(Debug)]
pub(super) struct Word<'a> {
    pub(super) text: &'a str,
    pub(super) nodes: &'a [NodeId],
    pub(super) methods: u8,
    hits: u64,
    next: Vec<Cow<'a, str>>,
    operations: Cow<'a, [Operation]>,
    /// Words two levels below, under values.
    beyond: Vec<&'a str>,
    next_typed: bool,
    shapes: Vec<u64>,
    own: Option<usize>,
}

/// What came of judging a word.
#[derive(Debug)]
pub(super) struct Score {
    /// Log odds of a value against a literal.
    pub(super) logit: f64,
}

/// Most siblings each of which is compared with each; among more, what they share on the whole tells.
const TWINS_MAX: usize = 12;
/// Share of the operations below two siblings that must be the same.
const TWINS_CONTAINED: f64 = 0.8;
/// How much their responses must agree; common shapes (an error, a bare list) count little.
const TWINS_AGREE: f64 = 0.35;
/// Log odds for each doubling of what was seen of the least of them, from two sightings on.
const TWINS_WEIGHT: f64 = 2.0;

/// Shortest length that says anything.
const SAME_LENGTH_MIN: usize = 8;

/// So many siblings show what can be called with them.
const LACKS_AMONG_MIN: f64 = 4.0;
/// How many times as often as they in the mean a word must have been called.
const LACKS_MORE_MIN: f64 = 4.0;
/// The share of them that has what it lacks.
const LACKS_SHARE: f64 = 0.5;
/// Log odds against for each doubling of what it lacks.
const LACKS_WEIGHT: f64 = 0.75;

/// So many values beside a version, at least, for it to be one of them.
const VERSION_AMONG_MIN: usize = 2;
/// The share of what can be called with it that must be known of the others.
const VERSION_SHARED: f64 = 0.8;

const GET: u8 = 1;
const POST: u8 = 2;
const PUT: u8 = 4;
const PATCH: u8 = 8;
const DELETE: u8 = 16;

/// The methods called on a raw node, as a bit set.
pub(super) fn methods(trie: &Trie, node: NodeId) -> u8 {
    trie.node(node).leaves.iter().fold(0, |set, leaf| {
        set | match &*trie.methods[leaf.method as usize] {
            "GET" => GET,
            "POST" => POST,
            "PUT" => PUT,
            "PATCH" => PATCH,
            "DELETE" => DELETE,
            _ => 32,
        }
    })
}

/// The words right below some raw nodes.
pub(super) fn next_texts<'a>(
    trie: &Trie,
    nodes: impl Iterator<Item = &'a NodeId>,
) -> Map<Box<str>, ()> {
    let mut out = Map::default();
    for id in nodes {
        for key in trie.node(*id).children.keys() {
            if let Key::Text(text) | Key::Fixed(text) = key {
                out.insert(text.clone(), ());
            }
        }
    }
    out
}

impl<'a> Word<'a> {
    pub(super) fn of(
        trie: &'a Trie,
        text: &'a str,
        nodes: &'a [NodeId],
        context: &Context,
        previous: &Previous,
        signatures: &'a Signatures,
    ) -> Self {
        let mut word = Self {
            operations: signatures.union(nodes.iter()),
            text,
            nodes,
            methods: 0,
            hits: 0,
            next: Vec::new(),
            beyond: Vec::new(),
            next_typed: false,
            shapes: Vec::new(),
            own: previous.class[nodes[0] as usize],
        };
        for id in nodes {
            let node = trie.node(*id);
            word.hits += node.hits;
            word.methods |= methods(trie, *id);
            word.shapes
                .extend(node.leaves.iter().map(|l| l.shape).filter(|s| *s != 0));
            for (key, child) in &node.children {
                let value = match key {
                    Key::Text(text) if previous.class[*child as usize] != Some(1) => {
                        word.next.push(context.canonical(text));
                        false
                    }
                    Key::Fixed(name) => {
                        word.next.push(Cow::Borrowed(name));
                        false
                    }
                    _ => true,
                };
                word.next_typed |= value;
                // Before anything is known every word may be a value.
                if value || previous.class[*child as usize].is_none() {
                    word.beyond
                        .extend(trie.node(*child).children.keys().filter_map(|k| match k {
                            Key::Text(t) | Key::Fixed(t) => Some(&**t),
                            _ => None,
                        }));
                }
            }
        }
        word.next.sort_unstable();
        word.next.dedup();
        word.beyond.sort_unstable();
        word.beyond.dedup();
        word.shapes.sort_unstable();
        word.shapes.dedup();
        word
    }

    /// Whether anything follows it.
    pub(super) fn goes_on(&self) -> bool {
        !self.next.is_empty() || self.next_typed
    }
}

/// What the words of a place have in common.
struct Siblings<'a> {
    pool: Pool,
    next: Map<&'a str, u32>,
    beyond: Map<&'a str, u32>,
    /// Words that go on, and words that go on through values.
    parents: [u32; 2],
    shapes: Map<u64, u32>,
    shaped: u32,
    singles: u32,
    values: u32,
    known: u32,
}

impl<'a> Siblings<'a> {
    fn of(words: &'a [Word<'a>]) -> Self {
        let mut out = Self {
            pool: Pool::default(),
            next: Map::default(),
            beyond: Map::default(),
            parents: [0; 2],
            shapes: Map::default(),
            shaped: 0,
            singles: 0,
            values: 0,
            known: 0,
        };
        for word in words {
            out.pool.add(&word.operations);
            for next in &word.next {
                *out.next.entry(next).or_default() += 1;
            }
            for beyond in &word.beyond {
                *out.beyond.entry(beyond).or_default() += 1;
            }
            out.parents[0] += u32::from(!word.next.is_empty());
            out.parents[1] += u32::from(!word.beyond.is_empty());
            for shape in &word.shapes {
                *out.shapes.entry(*shape).or_default() += 1;
            }
            out.shaped += u32::from(!word.shapes.is_empty());
            out.singles += u32::from(word.hits == 1);
            out.known += u32::from(word.own.is_some());
            out.values += u32::from(word.own == Some(1));
        }
        out
    }

    /// What most of the others can be called with, whichever word they are the others of.
    fn common(&self) -> Vec<u64> {
        let others = f64::from(self.pool.members()) - 1.0;
        self.pool.common(LACKS_SHARE * others)
    }
}

/// Judges the words of a place.
pub(super) fn judge(
    place: &Place<'_>,
    words: &[Word<'_>],
    previous: &Previous,
    first: bool,
) -> Vec<Score> {
    // Most places have values below them, or nothing.
    if words.is_empty() {
        return Vec::new();
    }
    let siblings = Siblings::of(words);
    let mut typed = Pool::default();
    if !place.typed_operations.is_empty() {
        typed.add(&place.typed_operations);
    }
    let weights = if first { &FIRST } else { &LATER };
    // Above all parameters a version is the API's, whatever stands beside it.
    let values =
        (place.below_parameter && words.iter().any(is_version)).then(|| Values::of(words, &typed));
    let common = siblings.common();
    let mut scores: Vec<Score> = words
        .iter()
        .map(|word| {
            if is_version(word) && !values.as_ref().is_some_and(|v| v.have(word)) {
                return Score { logit: -6.0 };
            }
            let mut f = Features::default();
            f.place(place, previous);
            f.crowd(place, words.len(), word, &siblings);
            f.spelling(word, previous);
            f.subtree(place, words.len(), word, &siblings);
            f.calls(place, word, &siblings, previous);
            f.operations(word, &siblings, &typed, previous);
            f.pairs();
            let logit: f64 = f.values.iter().zip(weights).map(|(f, w)| f * w).sum();
            Score {
                logit: logit + same_length(place, word.text)
                    - lacks(place, word, &siblings, &common),
            }
        })
        .collect();
    join_formats(words, &mut scores);
    if let Some(evidence) = twins(words, previous) {
        join_twins(&mut scores, evidence);
    }
    scores
}

/// What speaks against a word that was called far more often than its siblings and yet never with
/// what most of them are called with: a value would have been.
fn lacks(place: &Place<'_>, word: &Word<'_>, siblings: &Siblings<'_>, common: &[u64]) -> f64 {
    let others = f64::from(siblings.pool.members()) - 1.0;
    let mean = (place.hits - word.hits) as f64 / others.max(1.0);
    if others < LACKS_AMONG_MIN || (word.hits as f64) < LACKS_MORE_MIN * mean {
        return 0.0;
    }
    let known = signature::end(&word.operations);
    let lacked = common.iter().filter(|op| **op <= known).filter(|op| {
        word.operations
            .binary_search_by_key(*op, |(op, _)| *op)
            .is_err()
    });
    LACKS_WEIGHT * log2(lacked.count() as f64)
}

/// What speaks for a word that is as long as all the random values beside it, which may be one
/// without a digit by chance: the likelihood of that against that of a name of just this length. Of
/// 1,559 names in 29 public API descriptions one in eight has eight letters, one in a hundred
/// sixteen; the line follows the logarithms of their shares.
fn same_length(place: &Place<'_>, word: &str) -> f64 {
    let fits = place.typed_length == Some(word.len())
        && word.len() >= SAME_LENGTH_MIN
        && word.bytes().all(|c| c.is_ascii_alphanumeric());
    if fits {
        (2.2 + 0.25 * (word.len() - SAME_LENGTH_MIN) as f64).min(6.0)
    } else {
        0.0
    }
}

/// Versions are not values, however alike what is below them: `/v1/users` and `/v2/users` are two
/// endpoints.
fn is_version(word: &Word<'_>) -> bool {
    Look::of_text(word.text, usize::MAX) == Look::Version
}

/// The values of a place that are not spelt like versions, by the pass before.
struct Values {
    pool: Pool,
    count: usize,
}

impl Values {
    fn of(words: &[Word<'_>], typed: &Pool) -> Self {
        let mut pool = typed.clone();
        let values = words.iter().filter(|w| w.own == Some(1) && !is_version(w));
        let count = values.map(|w| pool.add(&w.operations)).count();
        Self { pool, count }
    }

    /// Whether what is spelt like a version is one of them, as the same can be called with it: the
    /// name of a stage or of a release (`stages/prod`, `stages/v1`).
    fn have(&self, word: &Word<'_>) -> bool {
        let like = self.pool.compare(&word.operations, 0, |_| 1.0);
        let enough = VERSION_SHARED * word.operations.len() as f64;
        self.count >= VERSION_AMONG_MIN && like.shared >= enough && like.disagree == 0.0
    }
}

/// What speaks for an enumeration: nothing can be called on any of a few siblings, and below each
/// of them the same can be called with responses of the same shape. Then they are one and the same
/// but for their names, and the more was seen of the least of them, the less is it chance.
/// (Literals that have the same below them are collections, which can be called themselves, or have
/// responses of other shapes.) None when they are not alike.
fn twins(words: &[Word<'_>], previous: &Previous) -> Option<f64> {
    let fit = |w: &Word<'_>| w.methods == 0 && !is_version(w);
    if words.len() > TWINS_MAX || words.len() < 2 || !words.iter().all(fit) {
        return None;
    }
    let rare = |shape| previous.rarity(shape);
    for (i, one) in words.iter().enumerate() {
        for other in &words[i + 1..] {
            let like = signature::compare(&one.operations, &other.operations, rare);
            if like.contained < TWINS_CONTAINED || like.agree < TWINS_AGREE {
                return None;
            }
        }
    }
    let least = words.iter().map(|w| w.hits).min()?;
    Some(TWINS_WEIGHT * (log2(least as f64) - 1.0).clamp(0.0, 4.0))
}

/// A name and the same one with the extension of a format (`4s`, `4s.json`) are values both or
/// neither. Words come sorted, a name before what begins with it.
fn join_formats(words: &[Word<'_>], scores: &mut [Score]) {
    for (i, word) in words.iter().enumerate() {
        let extension = look::extension(word.text);
        let stem = word.text.strip_suffix(extension).unwrap_or_default();
        if extension.is_empty() {
            continue;
        }
        if let Ok(at) = words.binary_search_by(|other| other.text.cmp(stem))
            && !is_version(&words[at])
        {
            let mean = f64::midpoint(scores[at].logit, scores[i].logit);
            scores[at].logit = mean;
            scores[i].logit = mean;
        }
    }
}

/// Gives an enumeration's values one decision: what differs between them is their spelling, which
/// says nothing about one that it does not say about all.
fn join_twins(scores: &mut [Score], evidence: f64) {
    let mean = scores.iter().map(|s| s.logit).sum::<f64>() / scores.len() as f64;
    for score in scores {
        score.logit = mean + evidence;
    }
}

/// The evidence on one word.
struct Features {
    values: [f64; COUNT],
}

impl Default for Features {
    fn default() -> Self {
        Self {
            values: [0.0; COUNT],
        }
    }
}

fn flag(b: bool) -> f64 {
    f64::from(u8::from(b))
}

fn log2(n: f64) -> f64 {
    (1.0 + n).log2()
}

impl Features {
    fn place(&mut self, p: &Place<'_>, previous: &Previous) {
        let v = &mut self.values;
        v[0] = 1.0;
        v[1] = flag(p.depth == 0);
        v[2] = flag(p.depth == 1);
        v[3] = flag(p.after_parameter);
        if let Some(word) = p.previous {
            v[4] = flag(look::is_plural(word));
            let [literal, value] = previous.knowledge.after(word, p.own).map(f64::from);
            v[5] = value / (literal + value + 1.0);
            v[6] = literal / (literal + value + 1.0);
        }
        v[7] = flag(p.typed > 0.0);
        v[38] = flag(p.methods & POST != 0);
        v[39] = flag(p.methods & GET != 0);
        v[40] = flag(p.methods == 0);
    }

    fn crowd(&mut self, p: &Place<'_>, count: usize, word: &Word<'_>, s: &Siblings<'_>) {
        let v = &mut self.values;
        let n = count as f64;
        let hits = p.hits as f64;
        v[8] = p.typed / (p.typed + n);
        v[9] = log2(n);
        v[10] = n / hits.max(1.0);
        v[67] = (hits.max(1.0) / n).log2();
        let own_single = u32::from(word.hits == 1);
        v[11] = f64::from(s.singles - own_single) / (n - 1.0).max(1.0);
        v[12] = log2(word.hits as f64);
        v[13] = word.hits as f64 / hits.max(1.0);
        let own_value = u32::from(word.own == Some(1));
        let others = f64::from(s.known) - flag(word.own.is_some());
        v[14] = (f64::from(s.values - own_value) + 0.5) / (others + 1.0) - 0.5;
        v[41] = v[14] * log2(others);
    }

    fn spelling(&mut self, word: &Word<'_>, previous: &Previous) {
        let v = &mut self.values;
        let t = word.text;
        v[15] = flag(look::is_plural(t));
        v[16] = flag(t.contains('-'));
        v[17] = flag(t.contains('_'));
        v[18] = flag(t.bytes().any(|c| c.is_ascii_digit()));
        v[19] = flag(t.contains('.'));
        v[20] = flag(t.starts_with(|c: char| c.is_ascii_uppercase()));
        v[21] = flag(
            t.as_bytes()
                .windows(2)
                .any(|w| w[0].is_ascii_lowercase() && w[1].is_ascii_uppercase()),
        );
        v[22] = t.len() as f64 / 10.0;
        let like = previous.knowledge.likeness(t, word.own);
        v[23] = like.form;
        v[24] = like.token;
        v[25] = like.gram;
        let [literal, value] = previous.knowledge.word(t, word.own).map(f64::from);
        v[26] = log2(literal).min(3.0);
        v[27] = log2(value).min(3.0);
        v[28] = literal / (literal + value + 0.5);
        v[29] = value / (literal + value + 0.5);
        v[42] = flag(t.starts_with(['@', '$', '_', ':']));
    }

    fn subtree(&mut self, p: &Place<'_>, count: usize, word: &Word<'_>, s: &Siblings<'_>) {
        let v = &mut self.values;
        let next = word.next.len() as f64;
        v[30] = flag(word.goes_on());
        v[31] = flag(word.next_typed);
        let beyond = word.beyond.len() as f64;
        let cousins = |t: &&&str| s.beyond.get(**t).copied().unwrap_or(1) - 1;
        let met = word.beyond.iter().filter(|t| cousins(t) > 0).count() as f64;
        v[63] = met / beyond.max(1.0);
        v[64] = log2(met);
        v[65] = log2(
            word.beyond
                .iter()
                .map(|t| f64::from(cousins(&t)))
                .sum::<f64>()
                / beyond.max(1.0),
        );
        if word.next.is_empty() {
            return;
        }
        let others = |t: &str| s.next.get(t).copied().unwrap_or(1) - 1;
        let shared = word.next.iter().filter(|t| others(t) > 0).count() as f64;
        let wide: f64 = word.next.iter().map(|t| f64::from(others(t))).sum::<f64>() / next;
        let typed = word
            .next
            .iter()
            .filter(|t| p.typed_next.contains_key(&***t))
            .count() as f64;
        v[32] = shared / next;
        v[33] = log2(next - shared);
        v[34] = typed / next;
        v[35] = log2(wide);
        v[36] = wide / (count as f64 - 1.0).max(1.0);
        v[62] = log2(shared);
        v[73] = flag(shared == 0.0) * log2(next) * log2(f64::from(s.parents[0]));
    }

    fn calls(&mut self, p: &Place<'_>, word: &Word<'_>, s: &Siblings<'_>, previous: &Previous) {
        let v = &mut self.values;
        let m = word.methods;
        v[43] = flag(m == POST);
        v[44] = flag(m & (DELETE | PATCH) != 0);
        v[45] = flag(m & PUT != 0);
        v[46] = flag(m == GET);
        v[47] = flag(m.count_ones() > 1);
        if word.shapes.is_empty() || s.shaped < 2 {
            return;
        }
        let rare = |shape: &u64| previous.rarity(*shape);
        let same = |shape: &u64| {
            f64::from(s.shapes.get(shape).copied().unwrap_or(1) - 1) / f64::from(s.shaped - 1)
        };
        let agree = word
            .shapes
            .iter()
            .map(|x| same(x) * rare(x))
            .fold(0.0, f64::max);
        v[48] = agree;
        let alone = word
            .shapes
            .iter()
            .all(|x| s.shapes.get(x).copied().unwrap_or(1) == 1);
        v[49] = flag(alone && p.typed < 1.0);
        v[50] = flag(alone) * log2(f64::from(s.shaped - 1));
    }

    fn operations(&mut self, word: &Word<'_>, s: &Siblings<'_>, typed: &Pool, previous: &Previous) {
        let v = &mut self.values;
        let rare = |shape| previous.rarity(shape);
        let n = (word.operations.len() as f64).max(1.0);
        let c = s.pool.compare(&word.operations, 1, rare);
        v[75] = c.shared / n;
        v[76] = log2(c.shared);
        v[77] = c.wide;
        v[78] = c.agree / n;
        v[79] = log2(c.agree);
        v[80] = c.disagree / n;
        v[81] = log2(c.disagree) * log2(f64::from(s.shaped));
        v[90] = log2(c.own);
        let t = typed.compare(&word.operations, 0, rare);
        v[82] = t.shared / n;
        v[83] = log2(t.shared);
        v[84] = log2(t.agree);
        v[85] = log2(t.disagree);
    }

    /// Evidence that counts differently in company.
    fn pairs(&mut self) {
        let v = &mut self.values;
        v[51] = v[3] * v[9];
        v[52] = v[1] * v[9];
        v[53] = v[4] * v[30];
        v[54] = v[3] * v[5];
        v[55] = v[7] * v[24];
        v[56] = v[10] * v[9];
        v[57] = v[3] * v[14];
        v[58] = v[3] * v[46];
        v[59] = v[4] * v[15];
        v[60] = v[9] * v[32];
        v[61] = v[1] * v[14];
        v[66] = v[13] * v[12];
        v[68] = v[3] * v[67];
        v[69] = v[3] * v[66];
        v[70] = v[4] * v[14];
        v[71] = v[24] * v[14];
        v[72] = v[29] * v[24];
        v[74] = v[28] * v[26];
        v[86] = (v[9] - 4.0).max(0.0);
        v[87] = v[86] * v[1];
        v[88] = v[86] * v[3];
        v[89] = if v[9] <= 1.0 { v[67] } else { 0.0 };
        v[91] = v[77] * v[9];
        v[92] = v[79] * v[3];
        v[93] = v[76] * v[1];
    }
}
