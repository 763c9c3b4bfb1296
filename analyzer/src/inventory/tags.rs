//! What an endpoint is for: login, payment, export and the like, from several weak signs.
//!
//! Each sign (a word of the path, a name of a parameter or field, an operation's name, a class of
//! data, the media type) speaks for a tag with a weight; together they say how sure it is, as
//! independent witnesses would: one minus the product of what each leaves in doubt. A tag is given
//! from a threshold on, with the signs that it rests on.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::snapshot::EndpointSnapshot;
use crate::snapshot::profile::TagSnapshot;

/// The tags that are known without being told.
mod built_in;

/// Names of fields that are looked at: the first levels say what a body is for.
const FIELDS_MAX: usize = 96;

/// Levels of fields that are looked at.
const DEPTH_MAX: usize = 2;

/// Signs named in a reason.
const SIGNS_NAMED: usize = 4;

/// What speaks for a tag. All words are lower case and without separators (`signup`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagRule {
    /// The tag.
    pub tag: String,
    /// Words of the path, or of several segments joined.
    pub path: BTreeSet<String>,
    /// Names of parameters and body fields.
    pub fields: BTreeSet<String>,
    /// Words of operation names; the path's count as well.
    pub operations: BTreeSet<String>,
    /// Methods by which such a thing is done; with others the path alone does not suffice. Empty
    /// means any.
    pub methods: BTreeSet<String>,
    /// Classes of data in requests.
    pub classes: BTreeSet<String>,
    /// Media types of responses, or API styles, that are such a thing by themselves.
    pub kinds: BTreeSet<String>,
    /// Whether a word of the path counts the same wherever it stands: what is below `/admin` is
    /// the administrator's, what is below `/payments/{id}` need not be a payment.
    pub anywhere: bool,
}

/// How much each sign weighs, and when a tag is given.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct TagPolicy {
    /// What speaks for which tag; of two rules for one tag both count.
    pub rules: Vec<TagRule>,
    /// A word of the path's last literal segment.
    pub last_segment: f64,
    /// A word of another literal segment.
    pub segment: f64,
    /// A parameter's or field's name; each further one counts the same.
    pub field: f64,
    /// A word of the operation's name.
    pub operation: f64,
    /// A class of data in requests.
    pub class: f64,
    /// A media type or style that is such a thing by itself.
    pub kind: f64,
    /// What is left of a path's weight when the method is none by which such a thing is done.
    pub other_method: f64,
    /// How sure a tag must be to be given.
    pub threshold: f64,
}

impl Default for TagPolicy {
    fn default() -> Self {
        Self {
            rules: built_in::rules(),
            last_segment: 0.6,
            segment: 0.45,
            field: 0.3,
            operation: 0.6,
            class: 0.35,
            kind: 0.8,
            other_method: 0.5,
            threshold: 0.5,
        }
    }
}

/// The signs for one tag: weight and words.
type Signs = Vec<(f64, String)>;

/// The tags of an endpoint, surest first.
#[must_use]
pub fn tags(endpoint: &EndpointSnapshot, policy: &TagPolicy) -> Vec<TagSnapshot> {
    let look = Look::of(endpoint);
    let mut signs: BTreeMap<&str, Signs> = BTreeMap::new();
    for rule in &policy.rules {
        let found = look.signs(rule, policy);
        signs.entry(&rule.tag).or_default().extend(found);
    }
    let mut tags: Vec<TagSnapshot> = signs
        .into_iter()
        .filter_map(|(tag, signs)| tag_of(tag, signs, policy))
        .collect();
    tags.sort_by(|a, b| {
        let by_confidence = b.confidence.total_cmp(&a.confidence);
        by_confidence.then_with(|| a.name.cmp(&b.name))
    });
    tags
}

fn tag_of(tag: &str, mut signs: Signs, policy: &TagPolicy) -> Option<TagSnapshot> {
    signs.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    signs.dedup_by(|a, b| a.1 == b.1);
    let doubt: f64 = signs.iter().map(|(weight, _)| 1.0 - weight).product();
    let confidence = 1.0 - doubt;
    if confidence < policy.threshold {
        return None;
    }
    let named: Vec<&str> = signs
        .iter()
        .take(SIGNS_NAMED)
        .map(|(_, words)| words.as_str())
        .collect();
    Some(TagSnapshot {
        name: tag.to_owned(),
        confidence: (confidence * 100.0).round() / 100.0,
        reason: format!("Because of {}.", named.join(", ")),
    })
}

/// What is looked at of an endpoint, taken apart once.
struct Look<'a> {
    method: &'a str,
    /// Words of each literal segment, and of it joined with the next: word → (shown, is last).
    path: HashMap<String, (String, bool)>,
    operation: HashMap<String, String>,
    /// Normalised names of parameters and fields → as they are written.
    fields: BTreeMap<String, &'a str>,
    classes: Vec<&'a str>,
    kinds: Vec<&'a str>,
}

impl<'a> Look<'a> {
    fn of(endpoint: &'a EndpointSnapshot) -> Self {
        let mut fields = BTreeMap::new();
        for parameter in &endpoint.parameters {
            if matches!(parameter.location.as_str(), "query" | "header") {
                fields.insert(joined(&parameter.name), parameter.name.as_str());
            }
        }
        for (depth, name) in endpoint.schemas.request_fields() {
            if fields.len() >= FIELDS_MAX {
                break;
            }
            if depth <= DEPTH_MAX {
                fields.insert(joined(name), name);
            }
        }
        let operation = endpoint.operation.as_ref();
        let kinds = endpoint.response_content_types.names();
        Self {
            method: &endpoint.method,
            path: path_words(&endpoint.template),
            operation: operation
                .map(|one| operation_words(&one.name))
                .unwrap_or_default(),
            fields,
            classes: endpoint.request_data_classes.names().collect(),
            kinds: kinds
                .chain(operation.map(|one| one.style.as_str()))
                .collect(),
        }
    }

    fn signs(&self, rule: &TagRule, policy: &TagPolicy) -> Signs {
        let mut signs = Vec::new();
        let fits = rule.methods.is_empty()
            || rule.methods.contains(self.method)
            || !self.operation.is_empty();
        // An endpoint has fewer words than a rule.
        for (word, (shown, is_last)) in &self.path {
            if rule.path.contains(word) {
                let counts_fully = *is_last || rule.anywhere;
                let weight = if counts_fully {
                    policy.last_segment
                } else {
                    policy.segment
                };
                let weight = if fits {
                    weight
                } else {
                    weight * policy.other_method
                };
                signs.push((weight, format!("the path's '{shown}'")));
            }
        }
        for (word, shown) in &self.operation {
            if rule.operations.contains(word) || rule.path.contains(word) {
                signs.push((policy.operation, format!("the operation '{shown}'")));
            }
        }
        for name in &rule.fields {
            if let Some(shown) = self.fields.get(name) {
                signs.push((policy.field, format!("the field '{shown}'")));
            }
        }
        for class in &rule.classes {
            if self.classes.contains(&class.as_str()) {
                signs.push((policy.class, format!("data of class {class} in requests")));
            }
        }
        for kind in &rule.kinds {
            if self.kinds.contains(&kind.as_str()) {
                signs.push((policy.kind, format!("{kind} being what it speaks")));
            }
        }
        signs
    }
}

/// Words of a template's literals. A word is of the last segment when no literal comes after it.
fn path_words(template: &str) -> HashMap<String, (String, bool)> {
    let literals: Vec<&str> = template
        .split('/')
        .filter(|segment| !segment.is_empty() && !segment.contains('{'))
        .collect();
    let mut words: HashMap<String, (String, bool)> = HashMap::new();
    let mut add = |word: String, shown: &str, is_last: bool| {
        let known = words
            .entry(word)
            .or_insert_with(|| (shown.to_owned(), is_last));
        known.1 |= is_last;
    };
    for (at, segment) in literals.iter().enumerate() {
        let is_last = at + 1 == literals.len();
        for word in split(segment) {
            add(word, segment, is_last);
        }
        add(joined(segment), segment, is_last);
        if let Some(next) = literals.get(at + 1) {
            let is_last = at + 2 == literals.len();
            add(
                joined(segment) + &joined(next),
                &format!("{segment}/{next}"),
                is_last,
            );
        }
    }
    words
}

fn operation_words(name: &str) -> HashMap<String, String> {
    let mut words: HashMap<String, String> = HashMap::new();
    let parts = split(name);
    for pair in parts.windows(2) {
        words.insert(pair.concat(), name.to_owned());
    }
    for word in parts {
        words.insert(word, name.to_owned());
    }
    words.insert(joined(name), name.to_owned());
    words
}

/// A name's words in lower case: at separators, and where a capital follows a small letter.
fn split(name: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut was_small = false;
    for c in name.chars() {
        let begins = c.is_uppercase() && was_small;
        if (begins || !c.is_alphanumeric()) && !word.is_empty() {
            words.push(core::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        was_small = c.is_lowercase() || c.is_ascii_digit();
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// A name in lower case without separators.
fn joined(name: &str) -> String {
    let letters = name.chars().filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests;
