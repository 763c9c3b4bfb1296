//! Where the parameters of a template stand: looked for when the template changes, not at each
//! exchange.

use super::SegmentValue;
use tapscope_record::PathSegment;

/// The parameters of a template, by segment.
#[derive(Clone, Debug, Default)]
pub(in crate::inventory) struct Places {
    /// The template that they are of.
    template: Box<str>,
    affixed: Box<[Affixed]>,
}

/// A segment that is a parameter, with what stands before and after it.
#[derive(Clone, Debug)]
struct Affixed {
    /// The number of the segment.
    segment: usize,
    before: Box<str>,
    after: Box<str>,
}

impl Places {
    /// What stands in the parameters of a path that has the template, by segment.
    pub(in crate::inventory) fn values<'a>(
        &'a mut self,
        template: &str,
        path: &'a [PathSegment],
    ) -> impl Iterator<Item = (usize, SegmentValue<'a>)> {
        let places = self.of(template).iter();
        let found = places.map_while(|place| Some((place, path.get(place.segment)?)));
        found.map(|(place, part)| {
            let value = match part {
                PathSegment::Literal(text) => SegmentValue::Text(place.value(text)),
                PathSegment::Redacted { class, token } => SegmentValue::Redacted {
                    class,
                    token: token.0,
                },
            };
            (place.segment, value)
        })
    }

    /// The parameters of the template; it is read when it is another one than before.
    fn of(&mut self, template: &str) -> &[Affixed] {
        if *self.template != *template {
            let segments = template.split('/').skip(1).enumerate();
            let affixed = segments.filter_map(|(segment, text)| {
                let (before, after) = affixes(text)?;
                Some(Affixed {
                    segment,
                    before: before.into(),
                    after: after.into(),
                })
            });
            *self = Self {
                template: template.into(),
                affixed: affixed.collect(),
            };
        }
        &self.affixed
    }
}

impl Affixed {
    /// The parameter's value in a segment of a path.
    fn value<'a>(&self, segment: &'a str) -> &'a str {
        let value = segment.strip_prefix(&*self.before).unwrap_or(segment);
        value.strip_suffix(&*self.after).unwrap_or(value)
    }
}

/// What stands before and after the parameter of a template's segment; none of one that takes the
/// rest of the path, of which a segment would tell a part only.
fn affixes(segment: &str) -> Option<(&str, &str)> {
    if crate::endpoint::is_greedy(segment) {
        return None;
    }
    let (before, rest) = segment.split_once('{')?;
    let (_, after) = rest.rsplit_once('}')?;
    Some((before, after))
}

/// The name of the parameter in that segment of the template.
pub(super) fn name_of(template: &str, at: usize) -> Option<&str> {
    let segment = template.split('/').skip(1).nth(at)?;
    let (_, rest) = segment.split_once('{')?;
    rest.split_once('}').map(|(name, _)| name)
}

/// The segment of the template that has the parameter of that name.
pub(super) fn place_of(template: &str, name: &str) -> Option<usize> {
    let count = template.split('/').skip(1).count();
    (0..count).find(|at| name_of(template, *at) == Some(name))
}
