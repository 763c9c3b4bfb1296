//! From a sighting to what the trie is asked for: segments, and where a new value belongs.

use std::borrow::Cow;

use super::super::decide::{Affix, Decided, Part, PlaceId};
use super::super::evidence::{Key, Step};
use super::super::look::{self, Look};
use super::super::{Sighting, TemplateSettings};
use tapscope_record::{PathSegment, Shape, matrix_at};

/// The parameter of a place that a new value belongs to.
pub(super) fn parameter(here: &Decided, step: &Step<'_>) -> Option<PlaceId> {
    let fits = |affix: &Affix| {
        let t = &*step.text;
        match &step.key {
            _ if affix.takes_rest => true,
            Key::Typed(Look::Pair, _) => &*affix.between == ",",
            Key::Typed(Look::Range, separator) => affix.between == *separator,
            _ => {
                affix.between.is_empty()
                    && t.len() > affix.prefix.len() + affix.suffix.len()
                    && t.starts_with(&*affix.prefix)
                    && t.ends_with(&*affix.suffix)
            }
        }
    };
    let mut best: Option<(usize, PlaceId)> = None;
    for (part, id) in &here.children {
        let Part::Parameter(affix) = part else {
            continue;
        };
        let weight = affix.prefix.len() + affix.suffix.len();
        let word = matches!(step.key, Key::Text(_)) && weight == 0 && !here.takes_words;
        if fits(affix) && !word && best.is_none_or(|(w, _)| weight >= w) {
            best = Some((weight, *id));
        }
    }
    best.map(|(_, id)| id)
}

/// Whether the path is a service and a method by protocol.
pub(super) fn is_grpc(sighting: &Sighting<'_>) -> bool {
    sighting
        .request_content_type
        .is_some_and(|kind| kind.starts_with("application/grpc"))
}

/// Takes a segment for a name whatever it looks like; what was redacted stays a value.
pub(super) fn fix(step: &mut Step<'_>) {
    if !matches!(step.key, Key::Typed(Look::Redacted, _)) {
        step.key = Key::Fixed(step.text.as_ref().into());
    }
}

/// Prepares a segment for the trie.
pub(in super::super) fn step<'a>(
    segment: &'a PathSegment,
    settings: &TemplateSettings,
) -> Step<'a> {
    match segment {
        PathSegment::Redacted { class, token } => Step {
            key: Key::Typed(Look::Redacted, "".into()),
            text: Cow::Owned(format!("{{{class}}}")),
            hash: super::super::mix(token.0),
        },
        PathSegment::Literal(text) => {
            let text = without_matrix(text);
            let hash = super::super::hash_text(text);
            let extension = look::extension(text);
            let stem = text.strip_suffix(extension).unwrap_or(text);
            let mut look = Look::of_text(stem, settings.max_segment_len);
            let mut after = extension;
            if !look.is_typed() && !extension.is_empty() {
                look = Look::of_text(text, settings.max_segment_len);
                after = "";
            }
            let key = match look {
                Look::Word | Look::Version => Key::Text(text.into()),
                Look::Range => Key::Typed(look, look::range(text).unwrap_or("..").into()),
                _ => Key::Typed(look, after.into()),
            };
            Step {
                key,
                text: Cow::Borrowed(cut(text, settings)),
                hash,
            }
        }
    }
}

/// As much of a text as is kept.
fn cut<'a>(text: &'a str, settings: &TemplateSettings) -> &'a str {
    let mut end = settings.max_segment_len.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A segment without its matrix parameters (`cars;color=red`, `login;jsessionid=…`): they say more
/// about a resource, or who asks for it, and name none.
fn without_matrix(text: &str) -> &str {
    let at = matrix_at(text.as_bytes()).filter(|at| *at > 0);
    at.and_then(|at| text.get(..at)).unwrap_or(text)
}

/// Names a shape by its top-level fields, whatever their order.
#[must_use]
pub fn shape_name(shape: &Shape) -> u64 {
    let mut names: Vec<&str> = shape.fields.iter().map(|f| f.name.as_str()).collect();
    names.sort_unstable();
    super::super::mix(super::super::hash_parts(&names) ^ shape.kind as u64) | 1
}
