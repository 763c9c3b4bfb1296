//! The parameters of an endpoint: names, types and data classes, never values. Bounded in number,
//! depth and name length, whatever a client sends.

use std::collections::BTreeMap;

use super::tally::Tally;
use crate::settings::InventorySettings;
use crate::snapshot::ParameterSnapshot;
use tapscope_record::{ExchangeRecord, PathSegment, Shape, ValueType};

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
    types: Tally,
    classes: Tally,
    seen: u64,
}

/// All parameters of one endpoint.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// By location, then by name: a lookup needs no allocation.
    by_location: BTreeMap<Location, BTreeMap<String, Parameter>>,
    count: usize,
    refused: u64,
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
            self.add(
                Location::Query,
                &parameter.name,
                value.kind,
                class,
                settings,
            );
        }
        let bodies = [
            (Location::RequestBody, record.request.as_ref()),
            (Location::ResponseBody, record.response.as_ref()),
        ];
        for (location, message) in bodies {
            if let Some(shape) = message.and_then(|m| m.shape.as_ref()) {
                let mut walk = Walk {
                    location,
                    name: String::new(),
                    left: settings.max_fields_per_body,
                };
                self.observe_shape(shape, &mut walk, settings.max_field_depth, settings);
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
        for (location, names) in &other.by_location {
            for (name, theirs) in names {
                if let Some(ours) = self.slot(*location, name, settings) {
                    ours.types.merge(&theirs.types, settings.max_tally_keys);
                    ours.classes.merge(&theirs.classes, settings.max_tally_keys);
                    ours.seen = ours.seen.saturating_add(theirs.seen);
                }
            }
        }
    }

    /// As plain data, by location and name.
    #[must_use]
    pub fn snapshot(&self) -> Vec<ParameterSnapshot> {
        let of = |(location, names): (&Location, &BTreeMap<String, Parameter>)| {
            let location = *location;
            names
                .iter()
                .map(move |(name, parameter)| ParameterSnapshot {
                    location: location.name().to_owned(),
                    name: name.clone(),
                    types: parameter.types.counts().clone(),
                    classes: parameter.classes.counts().clone(),
                    seen: parameter.seen,
                })
                .collect::<Vec<_>>()
        };
        self.by_location.iter().flat_map(of).collect()
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
            let parameter = Parameter {
                types: Tally::from_counts(snapshot.types.clone()),
                classes: Tally::from_counts(snapshot.classes.clone()),
                seen: snapshot.seen,
            };
            let names = new.by_location.entry(location).or_default();
            if names.insert(snapshot.name.clone(), parameter).is_none() {
                new.count += 1;
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
                return;
            };
            walk.left = left;
            let len = walk.name.len();
            if len > 0 {
                walk.name.push('.');
            }
            walk.name.push_str(&field.name);
            let class = field.class.as_deref();
            self.add(walk.location, &walk.name, field.shape.kind, class, settings);
            self.observe_shape(&field.shape, walk, depth, settings);
            walk.name.truncate(len);
        }
    }

    fn add(
        &mut self,
        location: Location,
        name: &str,
        kind: ValueType,
        class: Option<&str>,
        settings: &InventorySettings,
    ) {
        let Some(parameter) = self.slot(location, name, settings) else {
            return;
        };
        parameter.seen = parameter.seen.saturating_add(1);
        parameter
            .types
            .add(type_name(kind), 1, settings.max_tally_keys);
        if let Some(class) = class {
            parameter.classes.add(class, 1, settings.max_tally_keys);
        }
    }

    fn slot(
        &mut self,
        location: Location,
        name: &str,
        settings: &InventorySettings,
    ) -> Option<&mut Parameter> {
        let names = self.by_location.entry(location).or_default();
        if !names.contains_key(name) {
            if self.count >= settings.max_parameters || name.len() > settings.max_name_len {
                self.refused = self.refused.saturating_add(1);
                return None;
            }
            self.count += 1;
            names.insert(name.to_owned(), Parameter::default());
        }
        names.get_mut(name)
    }
}

/// A walk through a body: where it is, and how many fields may still be looked at.
struct Walk {
    location: Location,
    name: String,
    left: usize,
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

/// The name of a type, as the record's form spells it.
fn type_name(kind: ValueType) -> &'static str {
    match kind {
        ValueType::Empty => "empty",
        ValueType::Null => "null",
        ValueType::Boolean => "boolean",
        ValueType::Integer => "integer",
        ValueType::Number => "number",
        ValueType::Uuid => "uuid",
        ValueType::Date => "date",
        ValueType::DateTime => "date_time",
        ValueType::Email => "email",
        ValueType::Address => "address",
        ValueType::Url => "url",
        ValueType::Hex => "hex",
        ValueType::Jwt => "jwt",
        ValueType::Object => "object",
        ValueType::Array => "array",
        _ => "string",
    }
}
