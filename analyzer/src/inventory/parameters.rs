//! The parameters of an endpoint, by place: names, types, lengths, how many different values, data
//! classes; never values, except words of the sensor's own list. Bounded in number and name
//! length, whatever a client sends.

/// How many different values.
mod values;

/// The numbers it takes, while they are few.
mod few;

/// Parameters by name.
mod names;

/// Parameters of the path.
mod template;

#[cfg(test)]
mod tests;

use super::hash::hash;
use super::tally::Tally;
use super::types::{Types, type_of_segment};
use crate::settings::InventorySettings;
use crate::snapshot::ParameterSnapshot;
use few::Few;
use names::Names;
use tapscope_record::{Bounds, ExchangeRecord, MessageRecord, ValueProfile, ValueType, Word, form};
pub(super) use template::Places;
use template::{name_of, order_of, place_of};
use values::Values;

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Location {
    Path,
    Matrix,
    Query,
    Header,
    Cookie,
    Body,
}

impl Location {
    const ALL: [Self; 6] = [
        Self::Path,
        Self::Matrix,
        Self::Query,
        Self::Header,
        Self::Cookie,
        Self::Body,
    ];

    /// Those whose parameters have names of their own.
    const NAMED: [Self; 5] = [
        Self::Matrix,
        Self::Query,
        Self::Header,
        Self::Cookie,
        Self::Body,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Matrix => "matrix",
            Self::Query => "query",
            Self::Header => "header",
            Self::Cookie => "cookie",
            Self::Body => "body",
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Parameter {
    types: Types,
    classes: Tally,
    words: Tally,
    /// Forms of texts, of some values.
    forms: Tally,
    values: Values,
    /// Those of them that are numbers, while they are few.
    few: Few,
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
        let is_chosen = self.values.insert(value.token.0);
        if is_chosen && value.kind == ValueType::String {
            let form = value.form.as_deref().unwrap_or(form::NONE);
            self.forms.add(form, 1, cap);
        }
        self.measure(value.len);
        if let Some(bounds) = value.number {
            self.number(bounds);
            if is_chosen && bounds.least == bounds.most {
                self.few.insert(bounds.least);
            }
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
        self.forms.merge(&other.forms, cap);
        self.values.merge(&other.values);
        self.few.merge(&other.few);
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

/// What stands in a segment of a path.
#[derive(Clone, Copy, Debug)]
pub(super) enum SegmentValue<'a> {
    /// Harmless text, without what stands before and after the parameter.
    Text(&'a str),
    /// What the sensor replaced by its class.
    Redacted { class: &'a Word, token: u64 },
}

/// All parameters of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// By the number of their segment: the place in `known`. Their names are the template's, which
    /// may change.
    path: Vec<(usize, u32)>,
    /// Matrix parameters of the path's segments, by name.
    matrix: Names,
    /// By name.
    query: Names,
    headers: Names,
    cookies: Names,
    /// Fields of requests' bodies, of those whose values were taken.
    body: Names,
    known: Vec<Parameter>,
    /// Exchanges that were looked at.
    observed: u64,
    refused: u64,
}

impl Parameters {
    /// Takes in the query of one exchange, and the matrix parameters of its path.
    pub(super) fn observe_query(&mut self, record: &ExchangeRecord, settings: &InventorySettings) {
        self.observe_all(Location::Matrix, &record.matrix, settings);
        self.observe_all(Location::Query, &record.query, settings);
    }

    /// Takes in the parameters of one exchange at a place that are counted by their values.
    fn observe_all(
        &mut self,
        location: Location,
        parameters: &[tapscope_record::Parameter],
        settings: &InventorySettings,
    ) {
        let cap = settings.max_tally_keys;
        for (at, parameter) in parameters.iter().enumerate() {
            let before = parameters.iter().take(at);
            let times = before.filter(|p| p.name == parameter.name).count();
            let Some(known) = self.slot(location, &parameter.name, settings) else {
                continue;
            };
            known.observe(&parameter.value, cap);
            known.seen = known.seen.saturating_add(u64::from(times == 0));
            known.repeated = known.repeated.saturating_add(u64::from(times == 1));
        }
    }

    /// Counts so many exchanges that were looked at, with the header fields and the cookies that
    /// each of them carried.
    pub(super) fn count(
        &mut self,
        exchanges: u64,
        headers: &[Box<str>],
        cookies: &[Box<str>],
        settings: &InventorySettings,
    ) {
        self.observed = self.observed.saturating_add(exchanges);
        for (location, names) in [(Location::Header, headers), (Location::Cookie, cookies)] {
            for name in names {
                if let Some(known) = self.slot(location, name, settings) {
                    known.seen = known.seen.saturating_add(exchanges);
                } else {
                    // Once is counted by who found no place.
                    self.refused = self.refused.saturating_add(exchanges.saturating_sub(1));
                }
            }
        }
    }

    /// Whether it is clear which of the header fields and cookies that have values here are known:
    /// all of them are, or will not be.
    pub(super) fn knows_values(
        &self,
        request: &MessageRecord,
        settings: &InventorySettings,
    ) -> bool {
        let is_clear = |location, parameter: &tapscope_record::Parameter| {
            let names = self.named(location);
            names.get(parameter.name.as_bytes()).is_some()
                || names.len() >= settings.max_header_parameters
                || parameter.name.len() > settings.max_name_len
        };
        let (headers, cookies) = (&request.header_values, &request.cookie_values);
        headers.iter().all(|one| is_clear(Location::Header, one))
            && cookies.iter().all(|one| is_clear(Location::Cookie, one))
    }

    /// Takes in the values of header fields and cookies, which are counted by their names.
    pub(super) fn observe_values(&mut self, request: &MessageRecord, settings: &InventorySettings) {
        let headers = (Location::Header, &request.header_values);
        for (location, values) in [headers, (Location::Cookie, &request.cookie_values)] {
            for parameter in values {
                let at = self.named(location).get(parameter.name.as_bytes());
                if let Some(known) = at.and_then(|at| self.known.get_mut(at as usize)) {
                    known.observe(&parameter.value, settings.max_tally_keys);
                }
            }
        }
        if let Some(values) = &request.body_values {
            self.observe_all(Location::Body, values, settings);
        }
    }

    /// Takes in what stood in a segment of a path.
    pub(super) fn observe_segment(
        &mut self,
        segment: usize,
        value: SegmentValue<'_>,
        settings: &InventorySettings,
    ) {
        let cap = settings.max_tally_keys;
        let Some(known) = self.in_path(segment, settings) else {
            return;
        };
        known.seen = known.seen.saturating_add(1);
        match value {
            SegmentValue::Text(value) => {
                let kind = type_of_segment(value);
                known.types.add(kind, 1);
                let is_chosen = known.values.insert(hash(&[value.as_bytes()]));
                if is_chosen && kind == ValueType::String {
                    let form = form::form_of(value).unwrap_or(form::NONE);
                    known.forms.add(form, 1, cap);
                }
                known.measure(characters(value));
                if matches!(kind, ValueType::Integer | ValueType::Number)
                    && let Some(bounds) = Bounds::of_text(value)
                {
                    known.number(bounds);
                    if is_chosen && bounds.least == bounds.most {
                        known.few.insert(bounds.least);
                    }
                }
            }
            SegmentValue::Redacted { class, token } => {
                if let Some(kind) = type_of_class(class) {
                    known.types.add(kind, 1);
                }
                known.values.insert(token);
                known.classes.add(class, 1, cap);
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
        let theirs = |at: u32| other.known.get(at as usize);
        for (segment, at) in other.path_by_name() {
            if let (Some(ours), Some(theirs)) = (self.in_path(segment, settings), theirs(at)) {
                ours.merge(theirs, settings.max_tally_keys);
            }
        }
        for location in Location::NAMED {
            for (name, at) in other.named(location).iter() {
                if let (Some(ours), Some(theirs)) =
                    (self.slot(location, name, settings), theirs(at))
                {
                    ours.merge(theirs, settings.max_tally_keys);
                }
            }
        }
    }

    /// As plain data, by location and name; parameters of the path under the template's names.
    #[must_use]
    pub fn snapshot(&self, template: &str) -> Vec<ParameterSnapshot> {
        let mut out = Vec::with_capacity(self.known.len());
        let known = |at: u32| self.known.get(at as usize);
        for (segment, at) in self.path_by_name() {
            // A segment that proved to be a literal is no parameter any more.
            if let (Some(name), Some(one)) = (name_of(template, segment), known(at)) {
                out.push(plain(Location::Path, name, one));
            }
        }
        for location in Location::NAMED {
            let all = self.named(location).iter();
            out.extend(all.filter_map(|(name, at)| Some(plain(location, name, known(at)?))));
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
            let at = u32::try_from(new.known.len()).unwrap_or(u32::MAX);
            let is_new = match location {
                Location::Path => place_of(template, &snapshot.name).is_some_and(|segment| {
                    let is_new = new.path.iter().all(|(known, _)| *known != segment);
                    new.path.extend(is_new.then_some((segment, at)));
                    is_new
                }),
                _ => new.named_mut(location).insert(&snapshot.name, at),
            };
            if is_new {
                new.known.push(Parameter {
                    types: Types::of_tally(&snapshot.types),
                    classes: snapshot.classes.clone(),
                    words: snapshot.words.clone(),
                    forms: snapshot.forms.clone(),
                    values: Values::restore(&snapshot.values),
                    few: Few::restore(&snapshot.few),
                    lengths: snapshot.lengths,
                    numbers: snapshot.numbers,
                    seen: snapshot.seen,
                    repeated: snapshot.repeated,
                });
            }
        }
        new
    }

    fn named(&self, location: Location) -> &Names {
        match location {
            Location::Matrix => &self.matrix,
            Location::Path | Location::Query => &self.query,
            Location::Header => &self.headers,
            Location::Cookie => &self.cookies,
            Location::Body => &self.body,
        }
    }

    fn named_mut(&mut self, location: Location) -> &mut Names {
        match location {
            Location::Matrix => &mut self.matrix,
            Location::Path | Location::Query => &mut self.query,
            Location::Header => &mut self.headers,
            Location::Cookie => &mut self.cookies,
            Location::Body => &mut self.body,
        }
    }

    /// Parameters of the path in the order of their numbers as text: as they are told.
    fn path_by_name(&self) -> Vec<(usize, u32)> {
        let mut all = self.path.clone();
        all.sort_by_cached_key(|(number, _)| order_of(*number));
        all
    }

    /// The parameter in a segment of the path, made when there is room for it.
    fn in_path(&mut self, segment: usize, settings: &InventorySettings) -> Option<&mut Parameter> {
        let known = self.path.iter().find(|(known, _)| *known == segment);
        let at = match known {
            Some((_, at)) => *at,
            None if self.path.len() >= settings.max_parameters => {
                self.refused = self.refused.saturating_add(1);
                return None;
            }
            None => {
                let at = self.add()?;
                self.path.push((segment, at));
                at
            }
        };
        self.known.get_mut(at as usize)
    }

    /// The parameter of that name, made when there is room for it.
    fn slot(
        &mut self,
        location: Location,
        name: &str,
        settings: &InventorySettings,
    ) -> Option<&mut Parameter> {
        let cap = match location {
            Location::Path | Location::Matrix | Location::Query | Location::Body => {
                settings.max_parameters
            }
            Location::Header | Location::Cookie => settings.max_header_parameters,
        };
        let names = self.named(location);
        let at = match names.get(name.as_bytes()) {
            Some(at) => at,
            None if names.len() >= cap || name.len() > settings.max_name_len => {
                self.refused = self.refused.saturating_add(1);
                return None;
            }
            None => {
                let at = self.add()?;
                self.named_mut(location).insert(name, at);
                at
            }
        };
        self.known.get_mut(at as usize)
    }

    /// One more parameter; returns its place.
    fn add(&mut self) -> Option<u32> {
        let at = u32::try_from(self.known.len()).ok()?;
        if self.known.is_empty() {
            self.known.reserve_exact(1);
        }
        self.known.push(Parameter::default());
        Some(at)
    }
}

fn plain(location: Location, name: &str, parameter: &Parameter) -> ParameterSnapshot {
    let types = parameter.types.tally();
    // The estimate is a rough one: there are not more values than were seen.
    let seen = types.total().max(parameter.seen);
    ParameterSnapshot {
        location: location.name().to_owned(),
        name: name.to_owned(),
        types,
        classes: parameter.classes.snapshot(),
        seen: parameter.seen,
        repeated: parameter.repeated,
        distinct: parameter.values.count().min(seen),
        values: parameter.values.hashes(),
        few: parameter.few.numbers(),
        words: parameter.words.snapshot(),
        forms: parameter.forms.snapshot(),
        lengths: parameter.lengths,
        numbers: parameter.numbers,
    }
}

/// Length in characters of a segment's text; one that is percent-encoded counts as one.
fn characters(text: &str) -> u32 {
    let encoded = text.bytes().filter(|byte| *byte == b'%').count();
    let shown = text.chars().count();
    u32::try_from(shown.saturating_sub(encoded.saturating_mul(2))).unwrap_or(u32::MAX)
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
