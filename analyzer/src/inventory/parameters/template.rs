//! Where the parameters of a template stand: looked for when the template changes, not at each
//! exchange.

use super::SegmentValue;
use tapscope_record::{PathSegment, matrix_at};

/// The parameters of a template, by segment.
#[derive(Clone, Debug)]
pub(in crate::inventory) struct Places(Box<[Affixed]>);

/// Where a parameter stands: the number of its segment and, of several in one, its own.
pub(in crate::inventory) type Number = usize;

/// Parameters of one segment are numbered from here on.
const INDEX: Number = 1 << 16;

/// A parameter with what stands before and after it in its segment.
#[derive(Clone, Debug)]
struct Affixed {
    number: Number,
    before: Box<str>,
    after: Box<str>,
    /// What stands between it and another one, and whether it is the second.
    between: Option<(Box<str>, bool)>,
}

impl Places {
    /// Those of a template.
    pub(in crate::inventory) fn of(template: &str) -> Self {
        let segments = template.split('/').skip(1).enumerate();
        let affixed = segments.flat_map(|(segment, text)| {
            let Some((before, between, after)) = affixes(text) else {
                return Vec::new();
            };
            let one = |second: bool| Affixed {
                number: segment + if second { INDEX } else { 0 },
                before: before.into(),
                after: after.into(),
                between: between.map(|between| (between.into(), second)),
            };
            match between {
                Some(_) => vec![one(false), one(true)],
                None => vec![one(false)],
            }
        });
        Self(affixed.collect())
    }

    /// What stands in the parameters of a path that has the template, by segment.
    pub(in crate::inventory) fn values<'a>(
        &'a self,
        path: &'a [PathSegment],
    ) -> impl Iterator<Item = (Number, SegmentValue<'a>)> {
        let places = self.0.iter();
        let found = places.map_while(|place| Some((place, path.get(place.number % INDEX)?)));
        found.filter_map(|(place, part)| {
            let value = match part {
                PathSegment::Literal(text) => SegmentValue::Text(place.value(text)?),
                // What was replaced as a whole is told of the first.
                PathSegment::Redacted { .. } if place.number >= INDEX => return None,
                PathSegment::Redacted { class, token } => SegmentValue::Redacted {
                    class,
                    token: token.0,
                },
            };
            Some((place.number, value))
        })
    }
}

impl Affixed {
    /// The parameter's value in a segment of a path; none where there is no second one.
    fn value<'a>(&self, segment: &'a str) -> Option<&'a str> {
        // Matrix parameters are no part of it (`17;view=short`).
        let segment = match matrix_at(segment.as_bytes()) {
            // The one that stands for the segment is its value (OpenAPI's style `matrix`: `;id=17`).
            Some(0) => segment.split_once('=').map_or(segment, |(_, value)| value),
            Some(at) => segment.get(..at).unwrap_or(segment),
            None => segment,
        };
        let value = segment.strip_prefix(&*self.before).unwrap_or(segment);
        let value = value.strip_suffix(&*self.after).unwrap_or(value);
        match &self.between {
            None => Some(value),
            Some((between, is_second)) => match value.split_once(&**between) {
                Some((first, second)) => Some(if *is_second { second } else { first }),
                None => (!is_second).then_some(value),
            },
        }
    }
}

/// What stands before, between and after the parameters of a template's segment; none of one that
/// takes the rest of the path, of which a segment would tell a part only. Of more than two the first
/// stands for all.
fn affixes(segment: &str) -> Option<(&str, Option<&str>, &str)> {
    if crate::endpoint::is_greedy(segment) {
        return None;
    }
    let (before, rest) = segment.split_once('{')?;
    let (inner, after) = rest.rsplit_once('}')?;
    let mut parts = inner.split(['{', '}']);
    let between = match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(_), Some(between), Some(_), None) if !between.is_empty() => Some(between),
        _ => None,
    };
    Some((before, between, after))
}

/// The name of the parameter of that number.
pub(super) fn name_of(template: &str, number: Number) -> Option<&str> {
    let segment = template.split('/').skip(1).nth(number % INDEX)?;
    let mut names = segment.split('{').skip(1);
    names
        .nth(number / INDEX)?
        .split_once('}')
        .map(|(name, _)| name)
}

/// The number of the parameter of that name.
pub(super) fn place_of(template: &str, name: &str) -> Option<Number> {
    let count = template.split('/').skip(1).count();
    let numbers = (0..count).flat_map(|segment| [segment, segment + INDEX]);
    let mut numbers = numbers.filter(|number| name_of(template, *number) == Some(name));
    numbers.next()
}

/// Numbers in the order in which parameters are told: that of their segments as text.
pub(super) fn order_of(number: Number) -> (String, Number) {
    ((number % INDEX).to_string(), number / INDEX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(template: &str, path: &str) -> Vec<(String, String)> {
        let segments = path.split('/').skip(1);
        let path: Vec<PathSegment> = segments
            .map(|text| PathSegment::Literal(text.to_owned().into()))
            .collect();
        let places = Places::of(template);
        let found = places.values(&path);
        found
            .map(|(number, value)| {
                let name = name_of(template, number).unwrap_or_default();
                assert_eq!(place_of(template, name), Some(number));
                let SegmentValue::Text(text) = value else {
                    panic!("{name} is a text");
                };
                (name.to_owned(), text.to_owned())
            })
            .collect()
    }

    #[test]
    fn each_parameter_has_the_part_of_its_segment() {
        let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
            let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
            all.iter().map(owned).collect()
        };
        for (template, path, expected) in [
            ("/a/{id}.json/b", "/a/17.json/b", &[("id", "17")][..]),
            (
                "/c/{from}..{to}",
                "/c/main..next",
                &[("from", "main"), ("to", "next")],
            ),
            ("/c/{from}..{to}", "/c/main", &[("from", "main")]),
            (
                "/g/{lat},{lon}.xml",
                "/g/1.5,2.5.xml",
                &[("lat", "1.5"), ("lon", "2.5")],
            ),
            ("/m/{id}/v", "/m/17;view=short;page=2/v", &[("id", "17")]),
            ("/m/{id}", "/m/a;b", &[("id", "a;b")]),
            ("/m/{id}", "/m/;id=17", &[("id", "17")]),
            ("/f/{path*}", "/f/a/b", &[]),
            ("/x/{a}{b}", "/x/17", &[("a", "17")]),
        ] {
            assert_eq!(values(template, path), pairs(expected), "{template} {path}");
        }
    }
}
