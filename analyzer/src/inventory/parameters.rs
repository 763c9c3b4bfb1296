//! The parameters of an endpoint: names, types and data classes, never values. Bounded in number,
//! depth and name length, whatever a client sends.

mod memo;

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use super::tally::Tally;
use crate::settings::InventorySettings;
use crate::snapshot::ParameterSnapshot;
use memo::{Memo, Memos};
use tapscope_record::{ExchangeRecord, PathSegment, Shape, ValueType};

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Location {
    Path,
    Query,
    RequestBody,
    ResponseBody,
}

impl Location {
    const ALL: [Self; 4] = [
        Self::Path,
        Self::Query,
        Self::RequestBody,
        Self::ResponseBody,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Query => "query",
            Self::RequestBody => "request_body",
            Self::ResponseBody => "response_body",
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Parameter {
    types: Types,
    classes: Tally,
    seen: u64,
}

/// Counts by type: there are few, mostly one.
#[derive(Clone, Debug, Default)]
struct Types(Vec<(ValueType, u64)>);

impl Types {
    fn add(&mut self, kind: ValueType, by: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count = count.saturating_add(by),
            None => self.0.push((kind, by)),
        }
    }

    fn snapshot(&self) -> BTreeMap<String, u64> {
        let named = |(kind, count): &(ValueType, u64)| (type_name(*kind).to_owned(), *count);
        self.0.iter().map(named).collect()
    }
}

/// All parameters of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// By location, then by name: the place in `known`.
    names: [HashMap<Box<str>, u32, FixedState>; 4],
    known: Vec<Parameter>,
    refused: u64,
    memos: Memos,
}

impl Parameters {
    /// Takes in what one exchange of the endpoint with `template` carried.
    pub fn observe(
        &mut self,
        record: &ExchangeRecord,
        template: &str,
        settings: &InventorySettings,
    ) {
        self.observe_path(record, template, settings);
        for parameter in &record.query {
            let value = &parameter.value;
            let class = value.class.as_deref();
            let name = &parameter.name;
            self.add(Location::Query, name, value.kind, class, settings);
        }
        let bodies = [
            (Location::RequestBody, record.request.as_ref()),
            (Location::ResponseBody, record.response.as_ref()),
        ];
        for (location, message) in bodies {
            if let Some(shape) = message.and_then(|m| m.shape.as_ref()) {
                self.observe_body(location, shape, settings);
            }
        }
    }

    /// Parameters that found no place.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Takes over another endpoint's parameters.
    pub fn merge(&mut self, other: &Self, settings: &InventorySettings) {
        self.settle();
        let mut other = other.clone();
        other.settle();
        let cap = settings.max_tally_keys;
        for location in Location::ALL {
            for (name, at) in sorted(&other.names[location as usize]) {
                let Some(theirs) = other.known.get(at as usize) else {
                    continue;
                };
                let ours = self.slot(location, name, settings);
                if let Some(ours) = ours.and_then(|at| self.known.get_mut(at as usize)) {
                    for (kind, count) in &theirs.types.0 {
                        ours.types.add(*kind, *count);
                    }
                    ours.classes.merge(&theirs.classes, cap);
                    ours.seen = ours.seen.saturating_add(theirs.seen);
                }
            }
        }
    }

    /// As plain data, by location and name.
    #[must_use]
    pub fn snapshot(&mut self) -> Vec<ParameterSnapshot> {
        self.settle();
        let mut out = Vec::with_capacity(self.known.len());
        for location in Location::ALL {
            for (name, at) in sorted(&self.names[location as usize]) {
                let Some(parameter) = self.known.get(at as usize) else {
                    continue;
                };
                out.push(ParameterSnapshot {
                    location: location.name().to_owned(),
                    name: name.to_owned(),
                    types: parameter.types.snapshot(),
                    classes: parameter.classes.snapshot(),
                    seen: parameter.seen,
                });
            }
        }
        out
    }

    /// Goes on from plain data.
    #[must_use]
    pub fn restore(snapshots: &[ParameterSnapshot]) -> Self {
        let mut new = Self::default();
        for snapshot in snapshots {
            let Some(location) = Location::ALL
                .into_iter()
                .find(|location| location.name() == snapshot.location)
            else {
                continue;
            };
            let mut types = Types::default();
            for (name, count) in &snapshot.types {
                types.add(type_named(name), *count);
            }
            let at = u32::try_from(new.known.len()).unwrap_or(u32::MAX);
            let names = &mut new.names[location as usize];
            if names.insert(snapshot.name.as_str().into(), at).is_none() {
                new.known.push(Parameter {
                    types,
                    classes: Tally::from_counts(&snapshot.classes),
                    seen: snapshot.seen,
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
        for (segment, part) in template.split('/').skip(1).zip(&record.path) {
            let Some(name) = segment
                .split_once('{')
                .and_then(|(_, rest)| rest.split_once('}'))
                .map(|(name, _)| name)
            else {
                continue;
            };
            match part {
                PathSegment::Literal(text) => {
                    self.add(Location::Path, name, type_of(text), None, settings);
                }
                PathSegment::Redacted { class, .. } => {
                    let class = Some(class.as_str());
                    self.add(Location::Path, name, ValueType::String, class, settings);
                }
            }
        }
    }

    /// Takes in a body's fields. Most bodies of an endpoint have the shape of one before: it is
    /// enough to count them.
    fn observe_body(&mut self, location: Location, shape: &Shape, settings: &InventorySettings) {
        let hash = memo::hash(location as u8, shape, settings);
        if self.memos.count(hash) {
            return;
        }
        let mut walk = Walk {
            location,
            name: String::new(),
            left: settings.max_fields_per_body,
            memo: Memo::new(hash),
        };
        self.observe_shape(shape, &mut walk, settings.max_field_depth, settings);
        if let Some(old) = self.memos.put(walk.memo) {
            self.apply(&old);
        }
    }

    fn observe_shape(
        &mut self,
        shape: &Shape,
        walk: &mut Walk,
        depth: usize,
        settings: &InventorySettings,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        for field in &shape.fields {
            let Some(left) = walk.left.checked_sub(1) else {
                self.refused = self.refused.saturating_add(1);
                walk.memo.refused += 1;
                return;
            };
            walk.left = left;
            let len = walk.name.len();
            if len > 0 {
                walk.name.push('.');
            }
            walk.name.push_str(&field.name);
            let class = field.class.as_deref();
            let at = self.add(walk.location, &walk.name, field.shape.kind, class, settings);
            walk.memo.push(at, field.shape.kind, class);
            self.observe_shape(&field.shape, walk, depth, settings);
            walk.name.truncate(len);
        }
    }

    /// Adds what was counted of known shapes only.
    fn settle(&mut self) {
        let mut memos = core::mem::take(&mut self.memos);
        for memo in memos.iter_mut() {
            self.apply(memo);
            memo.pending = 0;
        }
        self.memos = memos;
    }

    /// Adds all that the bodies of one shape carried since they were last added. Every name, type
    /// and class of the shape was added before, so no cap is met here.
    fn apply(&mut self, memo: &Memo) {
        if memo.pending == 0 {
            return;
        }
        for (at, kind) in &memo.fields {
            if let Some(parameter) = self.known.get_mut(*at as usize) {
                parameter.seen = parameter.seen.saturating_add(memo.pending);
                parameter.types.add(*kind, memo.pending);
            }
        }
        for (at, class) in &memo.classes {
            if let Some(parameter) = self.known.get_mut(*at as usize) {
                parameter.classes.add(class, memo.pending, 0);
            }
        }
        let refused = memo.refused.saturating_mul(memo.pending);
        self.refused = self.refused.saturating_add(refused);
    }

    fn add(
        &mut self,
        location: Location,
        name: &str,
        kind: ValueType,
        class: Option<&str>,
        settings: &InventorySettings,
    ) -> Option<u32> {
        let at = self.slot(location, name, settings)?;
        let parameter = self.known.get_mut(at as usize)?;
        parameter.seen = parameter.seen.saturating_add(1);
        parameter.types.add(kind, 1);
        if let Some(class) = class {
            parameter.classes.add(class, 1, settings.max_tally_keys);
        }
        Some(at)
    }

    fn slot(
        &mut self,
        location: Location,
        name: &str,
        settings: &InventorySettings,
    ) -> Option<u32> {
        let names = &mut self.names[location as usize];
        if let Some(at) = names.get(name) {
            return Some(*at);
        }
        if self.known.len() >= settings.max_parameters || name.len() > settings.max_name_len {
            self.refused = self.refused.saturating_add(1);
            return None;
        }
        let at = u32::try_from(self.known.len()).ok()?;
        names.insert(name.into(), at);
        self.known.push(Parameter::default());
        Some(at)
    }
}

/// Names with their places, by name.
fn sorted(names: &HashMap<Box<str>, u32, FixedState>) -> Vec<(&str, u32)> {
    let mut all: Vec<(&str, u32)> = names.iter().map(|(name, at)| (&**name, *at)).collect();
    all.sort_unstable();
    all
}

/// A walk through a body: where it is, how many fields may still be looked at, and what to do
/// when the same shape comes again.
struct Walk {
    location: Location,
    name: String,
    left: usize,
    memo: Memo,
}

/// The type of a path segment's text, as far as that is plain to see.
fn type_of(text: &str) -> ValueType {
    let hex = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_hexdigit());
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        ValueType::Integer
    } else if text.len() == 36 && text.split('-').count() == 5 && text.split('-').all(hex) {
        ValueType::Uuid
    } else if text.len() >= 8 && hex(text) {
        ValueType::Hex
    } else {
        ValueType::String
    }
}

/// Types with their names, as the record's form spells them.
const TYPES: [(ValueType, &str); 17] = [
    (ValueType::String, "string"),
    (ValueType::Empty, "empty"),
    (ValueType::Null, "null"),
    (ValueType::Boolean, "boolean"),
    (ValueType::Integer, "integer"),
    (ValueType::Number, "number"),
    (ValueType::Uuid, "uuid"),
    (ValueType::Date, "date"),
    (ValueType::DateTime, "date_time"),
    (ValueType::Email, "email"),
    (ValueType::Address, "address"),
    (ValueType::Url, "url"),
    (ValueType::Hex, "hex"),
    (ValueType::Binary, "binary"),
    (ValueType::Jwt, "jwt"),
    (ValueType::Object, "object"),
    (ValueType::Array, "array"),
];

fn type_name(kind: ValueType) -> &'static str {
    let named = TYPES.iter().find(|(known, _)| *known == kind);
    named.map_or("string", |(_, name)| name)
}

fn type_named(name: &str) -> ValueType {
    let kind = TYPES.iter().find(|(_, known)| *known == name);
    kind.map_or(ValueType::String, |(kind, _)| *kind)
}

#[cfg(test)]
mod tests;
