//! The parameters of an endpoint, by place: names, types, lengths, how many different values, data
//! classes; never values, except words of the sensor's own list. Bounded in number and name
//! length, whatever a client sends.

/// How many different values.
mod values;

/// Which header fields are parameters.
mod headers;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::hash::hash;
use super::shown::shown;
use super::tally::Tally;
use super::types::{Types, type_of_segment};
use crate::settings::InventorySettings;
use crate::snapshot::ParameterSnapshot;
use tapscope_record::{Bounds, ExchangeRecord, PathSegment, ValueProfile, ValueType};
use values::Values;

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Location {
    Path,
    Query,
    Header,
    Cookie,
}

impl Location {
    const ALL: [Self; 4] = [Self::Path, Self::Query, Self::Header, Self::Cookie];

    fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Parameter {
    types: Types,
    classes: Tally,
    words: Tally,
    values: Values,
    /// Shortest and longest value; none while no value was seen.
    lengths: Option<(u32, u32)>,
    /// Between which numbers values lie that are numbers.
    numbers: Option<Bounds>,
    /// Exchanges that carried it.
    seen: u64,
    /// Exchanges that carried it more than once.
    repeated: u64,
}

impl Parameter {
    fn measure(&mut self, len: u32) {
        let (least, most) = self.lengths.unwrap_or((len, len));
        self.lengths = Some((least.min(len), most.max(len)));
    }

    fn number(&mut self, bounds: Bounds) {
        self.numbers = Some(self.numbers.map_or(bounds, |known| known.with(bounds)));
    }

    fn observe(&mut self, value: &ValueProfile, cap: usize) {
        self.types.add(value.kind, 1);
        self.values.insert(value.token.0);
        self.measure(value.len);
        if let Some(bounds) = value.number {
            self.number(bounds);
        }
        if let Some(class) = &value.class {
            self.classes.add(class, 1, cap);
        }
        if let Some(word) = &value.word {
            self.words.add(word, 1, cap);
        }
    }

    fn merge(&mut self, other: &Self, cap: usize) {
        self.types.merge(&other.types);
        self.classes.merge(&other.classes, cap);
        self.words.merge(&other.words, cap);
        self.values.merge(&other.values);
        if let Some((least, most)) = other.lengths {
            self.measure(least);
            self.measure(most);
        }
        if let Some(bounds) = other.numbers {
            self.number(bounds);
        }
        self.seen = self.seen.saturating_add(other.seen);
        self.repeated = self.repeated.saturating_add(other.repeated);
    }
}

/// All parameters of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// By location, then by name: the place in `known`. Parameters of the path go by the number of
    /// their segment: their names are the template's, which may change.
    names: [HashMap<Box<str>, u32, FixedState>; 4],
    known: Vec<Parameter>,
    /// Exchanges that were looked at.
    observed: u64,
    refused: u64,
}

impl Parameters {
    /// Takes in what the request of one exchange of the endpoint with `template` carried.
    pub fn observe(
        &mut self,
        record: &ExchangeRecord,
        template: &str,
        settings: &InventorySettings,
    ) {
        self.observed = self.observed.saturating_add(1);
        self.observe_path(record, template, settings);
        for (at, parameter) in record.query.iter().enumerate() {
            let cap = settings.max_tally_keys;
            let mut before = record.query.iter().take(at);
            let times = before.by_ref().filter(|p| p.name == parameter.name).count();
            let Some(known) = self.slot(Location::Query, &parameter.name, settings) else {
                continue;
            };
            known.observe(&parameter.value, cap);
            known.seen = known.seen.saturating_add(u64::from(times == 0));
            known.repeated = known.repeated.saturating_add(u64::from(times == 1));
        }
        let Some(request) = &record.request else {
            return;
        };
        for (at, name) in request.header_names.iter().enumerate() {
            let again = request.header_names.iter().take(at).any(|n| n == name);
            if !again && headers::is_parameter(name) {
                self.count(Location::Header, name, settings);
            }
        }
        for (at, name) in request.cookie_names.iter().enumerate() {
            if !request.cookie_names.iter().take(at).any(|n| n == name) {
                self.count(Location::Cookie, name, settings);
            }
        }
    }

    /// Number known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Parameters that found no place.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Exchanges that were looked at: of how many `seen` is a share.
    #[must_use]
    pub fn observed(&self) -> u64 {
        self.observed
    }

    /// Takes over another endpoint's parameters.
    pub fn merge(&mut self, other: &Self, settings: &InventorySettings) {
        self.observed = self.observed.saturating_add(other.observed);
        for location in Location::ALL {
            for (name, at) in sorted(&other.names[location as usize]) {
                let Some(theirs) = other.known.get(at as usize) else {
                    continue;
                };
                if let Some(ours) = self.slot(location, name, settings) {
                    ours.merge(theirs, settings.max_tally_keys);
                }
            }
        }
    }

    /// As plain data, by location and name; parameters of the path under the template's names.
    #[must_use]
    pub fn snapshot(&self, template: &str) -> Vec<ParameterSnapshot> {
        let mut out = Vec::with_capacity(self.known.len());
        for location in Location::ALL {
            for (key, at) in sorted(&self.names[location as usize]) {
                let Some(parameter) = self.known.get(at as usize) else {
                    continue;
                };
                let name = match location {
                    Location::Path => key.parse().ok().and_then(|at| name_of(template, at)),
                    _ => Some(key),
                };
                // A segment that proved to be a literal is no parameter any more.
                out.extend(name.map(|name| plain(location, name, parameter)));
            }
        }
        out
    }

    /// Goes on from plain data.
    #[must_use]
    pub fn restore(snapshots: &[ParameterSnapshot], observed: u64, template: &str) -> Self {
        let mut new = Self {
            observed,
            ..Self::default()
        };
        for snapshot in snapshots {
            let Some(location) = Location::ALL
                .into_iter()
                .find(|location| location.name() == snapshot.location)
            else {
                continue;
            };
            let key = match location {
                Location::Path => place_of(template, &snapshot.name).map(|at| at.to_string()),
                _ => Some(snapshot.name.clone()),
            };
            let Some(key) = key else {
                continue;
            };
            let at = u32::try_from(new.known.len()).unwrap_or(u32::MAX);
            let names = &mut new.names[location as usize];
            if names.insert(key.into(), at).is_none() {
                new.known.push(Parameter {
                    types: Types::restore(&snapshot.types),
                    classes: Tally::from_counts(&snapshot.classes),
                    words: Tally::from_counts(&snapshot.words),
                    values: Values::restore(&snapshot.values),
                    lengths: snapshot.lengths,
                    numbers: snapshot.numbers,
                    seen: snapshot.seen,
                    repeated: snapshot.repeated,
                });
            }
        }
        new
    }

    fn observe_path(
        &mut self,
        record: &ExchangeRecord,
        template: &str,
        settings: &InventorySettings,
    ) {
        let segments = template.split('/').skip(1).zip(&record.path).enumerate();
        for (at, (segment, part)) in segments {
            let Some((before, after)) = affixes(segment) else {
                continue;
            };
            let cap = settings.max_tally_keys;
            let known = shown(&at, |place| self.place(Location::Path, place, settings));
            let Some(known) = known.and_then(|at| self.known.get_mut(at)) else {
                continue;
            };
            known.seen = known.seen.saturating_add(1);
            match part {
                PathSegment::Literal(text) => {
                    let value = text.strip_prefix(before).unwrap_or(text);
                    let value = value.strip_suffix(after).unwrap_or(value);
                    let kind = type_of_segment(value);
                    known.types.add(kind, 1);
                    known.values.insert(hash(&[value.as_bytes()]));
                    known.measure(characters(value));
                    if matches!(kind, ValueType::Integer | ValueType::Number)
                        && let Some(bounds) = Bounds::of_text(value)
                    {
                        known.number(bounds);
                    }
                }
                PathSegment::Redacted { class, token } => {
                    if let Some(kind) = type_of_class(class) {
                        known.types.add(kind, 1);
                    }
                    known.values.insert(token.0);
                    known.classes.add(class, 1, cap);
                }
            }
        }
    }

    /// Counts a parameter of which only the name is known.
    fn count(&mut self, location: Location, name: &str, settings: &InventorySettings) {
        if let Some(known) = self.slot(location, name, settings) {
            known.seen = known.seen.saturating_add(1);
        }
    }

    fn slot(
        &mut self,
        location: Location,
        name: &str,
        settings: &InventorySettings,
    ) -> Option<&mut Parameter> {
        let at = self.place(location, name, settings)?;
        self.known.get_mut(at)
    }

    /// The place of a parameter, made when there is room for it.
    fn place(
        &mut self,
        location: Location,
        name: &str,
        settings: &InventorySettings,
    ) -> Option<usize> {
        let cap = match location {
            Location::Path | Location::Query => settings.max_parameters,
            Location::Header | Location::Cookie => settings.max_header_parameters,
        };
        let names = &mut self.names[location as usize];
        let at = match names.get(name) {
            Some(at) => *at,
            None if names.len() >= cap || name.len() > settings.max_name_len => {
                self.refused = self.refused.saturating_add(1);
                return None;
            }
            None => {
                let at = u32::try_from(self.known.len()).ok()?;
                names.insert(name.into(), at);
                self.known.push(Parameter::default());
                at
            }
        };
        Some(at as usize)
    }
}

fn plain(location: Location, name: &str, parameter: &Parameter) -> ParameterSnapshot {
    ParameterSnapshot {
        location: location.name().to_owned(),
        name: name.to_owned(),
        types: parameter.types.snapshot(),
        classes: parameter.classes.snapshot(),
        seen: parameter.seen,
        repeated: parameter.repeated,
        distinct: parameter.values.count(),
        values: parameter.values.hashes(),
        words: parameter.words.snapshot(),
        lengths: parameter.lengths,
        numbers: parameter.numbers,
    }
}

/// What stands before and after the parameter of a template's segment.
fn affixes(segment: &str) -> Option<(&str, &str)> {
    let (before, rest) = segment.split_once('{')?;
    let (_, after) = rest.rsplit_once('}')?;
    Some((before, after))
}

/// Length in characters of a segment's text; one that is percent-encoded counts as one.
fn characters(text: &str) -> u32 {
    let encoded = text.bytes().filter(|byte| *byte == b'%').count();
    let shown = text.chars().count();
    u32::try_from(shown.saturating_sub(encoded.saturating_mul(2))).unwrap_or(u32::MAX)
}

/// The name of the parameter in that segment of the template.
fn name_of(template: &str, at: usize) -> Option<&str> {
    let segment = template.split('/').skip(1).nth(at)?;
    let (_, rest) = segment.split_once('{')?;
    rest.split_once('}').map(|(name, _)| name)
}

/// The segment of the template that has the parameter of that name.
fn place_of(template: &str, name: &str) -> Option<usize> {
    let count = template.split('/').skip(1).count();
    (0..count).find(|at| name_of(template, *at) == Some(name))
}

/// The type of what the sensor replaced by its class; none where it may be a number or a text.
fn type_of_class(class: &str) -> Option<ValueType> {
    match class {
        "email" => Some(ValueType::Email),
        "jwt" => Some(ValueType::Jwt),
        "ip_address" => Some(ValueType::Address),
        "card" => Some(ValueType::Integer),
        "phone" | "us_ssn" | "date_of_birth" | "geo" => None,
        _ => Some(ValueType::String),
    }
}

/// Names with their places, by name.
fn sorted(names: &HashMap<Box<str>, u32, FixedState>) -> Vec<(&str, u32)> {
    let mut all: Vec<(&str, u32)> = names.iter().map(|(name, at)| (&**name, *at)).collect();
    all.sort_unstable();
    all
}
