//! Templates as text, with parameters named by what stands before them.

use std::borrow::Cow;

use super::decide::{Affix, Decided, Part, PlaceId};
use super::look::{self, Look};

/// A template with the names of its parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) template: String,
    pub(super) parameters: Vec<String>,
}

/// Room for most templates.
const TEMPLATE_LEN: usize = 64;

/// The parts from the root to a place, each with the looks of its values.
pub(super) fn parts(places: &[Decided], at: PlaceId) -> Vec<(&Part, u32)> {
    let mut out = Vec::new();
    let mut up = at;
    while let Some(place) = places.get(up as usize).filter(|_| up != 0) {
        out.push((&place.part, place.looks));
        up = place.parent;
    }
    out.reverse();
    out
}

/// Writes a template and names its parameters.
pub(super) fn name(parts: &[(&Part, u32)]) -> Named {
    let mut template = String::with_capacity(TEMPLATE_LEN);
    let mut parameters = Vec::new();
    let mut before = "";
    for (part, looks) in parts {
        template.push('/');
        match part {
            Part::Literal(text) => {
                template.push_str(text);
                before = text;
            }
            Part::Parameter(affix) => {
                parameter(affix, before, *looks, &mut template, &mut parameters);
                before = "";
            }
        }
    }
    if template.is_empty() {
        template.push('/');
    }
    Named {
        template,
        parameters,
    }
}

fn parameter(
    affix: &Affix,
    before: &str,
    looks: u32,
    template: &mut String,
    parameters: &mut Vec<String>,
) {
    let (first, second) = match &*affix.between {
        "" => (base(affix, before, looks), None),
        "," => ("latitude".to_owned(), Some("longitude".to_owned())),
        _ => ("from".to_owned(), Some("to".to_owned())),
    };
    // There are few of them: looking through those before is quicker than keeping a set.
    let mut put = |template: &mut String, wanted: String| {
        let mut name = wanted;
        if parameters.contains(&name) {
            let first = name.clone();
            let mut n = 2;
            while parameters.contains(&name) {
                name = format!("{first}_{n}");
                n += 1;
            }
        }
        if affix.takes_rest {
            name.push('*');
        }
        template.push('{');
        template.push_str(&name);
        template.push('}');
        parameters.push(name);
    };
    template.push_str(&affix.prefix);
    put(template, first);
    if let Some(second) = second {
        template.push_str(&affix.between);
        put(template, second);
    }
    template.push_str(&affix.suffix);
}

/// `user_id` after `users`; the type's name when there is nothing better.
fn base(affix: &Affix, before: &str, looks: u32) -> String {
    let only = [
        Look::Integer,
        Look::Uuid,
        Look::Hex,
        Look::Date,
        Look::Address,
        Look::Opaque,
        Look::List,
    ]
    .into_iter()
    .find(|l| looks == 1 << *l as u32);
    let kind = only.map_or("name", Look::name);
    let stem = affix
        .prefix
        .trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    let stem = if stem.is_empty() {
        look::singular(before)
    } else {
        Cow::Borrowed(stem)
    };
    let is_plain = stem.bytes().all(|c| c.is_ascii_alphanumeric());
    let stem = if is_plain {
        stem
    } else {
        let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        Cow::Owned(stem.chars().map(plain).collect())
    };
    let stem = stem.trim_matches('_');
    match (stem.is_empty(), only) {
        (true, _) => kind.to_owned(),
        (false, Some(Look::Date)) => format!("{stem}_date"),
        (false, Some(_)) => format!("{stem}_id"),
        (false, None) => stem.to_owned(),
    }
}

/// The names of the parameters of a template as written.
pub(super) fn parameters(template: &str) -> Vec<String> {
    template
        .split('{')
        .skip(1)
        .filter_map(|p| p.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

/// A template with its parameters' names left out: what is the same for all who name it.
pub(super) fn shape(template: &str) -> String {
    let mut out = String::with_capacity(template.len());
    let mut inside = false;
    for c in template.chars() {
        inside = (inside || c == '{') && c != '}';
        if !inside || c == '{' {
            out.push(c);
        }
    }
    out
}
