//! Typed differences between what a specification says of an endpoint and what its traffic shows.
//!
//! A difference is told only when enough exchanges show it, so that one odd call is none. What the
//! document leaves open (no schema, `additionalProperties`, references out of the document) is
//! never one.

use super::contract::{Content, Contract, Declared};
use super::flat::Flat;
use crate::inventory::share;
use crate::settings::DriftPolicy;
use crate::snapshot::schema::{FieldSnapshot, MAP_KEY, SchemaSnapshot};
use crate::snapshot::{Drift, DriftKind, EndpointSnapshot, ParameterSnapshot};
use serde_json::Value;
use std::collections::BTreeMap;

/// Fields one inside the other that are compared; the inventory keeps no deeper ones.
const MAX_DEPTH: usize = 16;

/// Statuses that every server, gateway or framework answers with, described or not.
const GENERIC: [u16; 22] = [
    304, 400, 401, 403, 404, 405, 406, 407, 408, 411, 412, 413, 414, 415, 416, 417, 421, 426, 428,
    429, 431, 451,
];

/// The differences of one endpoint from the operation it is, in a fixed order.
pub(super) fn of(
    contract: Option<Contract<'_>>,
    endpoint: &EndpointSnapshot,
    policy: &DriftPolicy,
) -> Vec<Drift> {
    let Some(contract) = contract else {
        return Vec::new();
    };
    let mut comparison = Comparison {
        contract,
        policy,
        found: Vec::new(),
    };
    comparison.parameters(endpoint);
    comparison.statuses(endpoint);
    for schema in &endpoint.schemas.unpack() {
        match schema.status {
            None => comparison.request(schema),
            Some(status) => comparison.response(status, schema),
        }
    }
    let mut found = comparison.found;
    found.sort_by(|a, b| (a.kind, &a.place).cmp(&(b.kind, &b.place)));
    found.truncate(policy.max_differences);
    found
}

struct Comparison<'a> {
    contract: Contract<'a>,
    policy: &'a DriftPolicy,
    found: Vec<Drift>,
}

/// Where a body's field is, and how its values are written.
#[derive(Clone, Copy)]
struct Body {
    /// Whether it is a request's.
    request: bool,
    /// Whether all values are texts (forms, XML), so that a number is no type of its own.
    textual: bool,
}

impl<'a> Comparison<'a> {
    /// Whether so many of so many are enough to go by.
    fn enough(&self, seen: u64, of: u64) -> bool {
        seen >= self.policy.min_support && share(seen, of) >= self.policy.min_share
    }

    fn tell(
        &mut self,
        kind: DriftKind,
        place: String,
        documented: &str,
        observed: &str,
        of: (u64, u64),
    ) {
        self.found.push(Drift {
            kind,
            place,
            documented: documented.to_owned(),
            observed: observed.to_owned(),
            seen: of.0,
            of: of.1,
        });
    }

    fn parameters(&mut self, endpoint: &EndpointSnapshot) {
        let of = endpoint.parameters_observed;
        // Fields of bodies are compared by their schemas.
        let sent = endpoint.parameters.iter();
        for parameter in sent.filter(|one| one.location != "body") {
            let place = format!("{} {}", parameter.location, parameter.name);
            let seen = parameter.seen;
            match self.declared(parameter) {
                Some(declared) => self.parameter_type(declared, parameter, &place),
                None if self.is_told(parameter, endpoint) && self.enough(seen, of) => {
                    let kind = DriftKind::UndocumentedParameter;
                    let observed = main_types(&parameter.types.to_map());
                    self.tell(kind, place, "", &observed, (seen, of));
                }
                None => {}
            }
        }
        let required: Vec<Declared<'a>> = self.contract.parameters.clone();
        for declared in required.iter().filter(|one| one.required) {
            if !matches!(declared.location, "query" | "header") || is_usual(declared.name) {
                continue;
            }
            let sent = endpoint.parameters.iter().find(|p| names(declared, p));
            let carried = endpoint
                .credentials
                .iter()
                .any(|c| c.name.eq_ignore_ascii_case(declared.name));
            let missing = of.saturating_sub(sent.map_or(0, |p| p.seen));
            if !carried && self.enough(missing, of) {
                let place = format!("{} {}", declared.location, declared.name);
                self.tell(
                    DriftKind::MissingParameter,
                    place,
                    "required",
                    "absent",
                    (missing, of),
                );
            }
        }
    }

    fn declared(&self, parameter: &ParameterSnapshot) -> Option<Declared<'a>> {
        let mut all = self.contract.parameters.iter();
        all.find(|one| names(one, parameter)).copied()
    }

    /// Whether a parameter that is not described is worth a word: cookies and credentials are
    /// described elsewhere, and a segment of the path that is none in the document is a template's
    /// matter.
    fn is_told(&self, parameter: &ParameterSnapshot, endpoint: &EndpointSnapshot) -> bool {
        let location = parameter.location.as_str();
        let name = parameter.name.to_ascii_lowercase();
        let key = (location, name.clone());
        let mut carried = endpoint.credentials.iter();
        let credential = self.contract.credentials.contains(&key)
            || carried.any(|one| one.location == location && one.name.eq_ignore_ascii_case(&name));
        match location {
            "header" => !credential,
            "query" => !credential && !self.contract.parameters.iter().any(|one| one.open),
            _ => false,
        }
    }

    fn parameter_type(
        &mut self,
        declared: Declared<'a>,
        parameter: &ParameterSnapshot,
        place: &str,
    ) {
        let Some(schema) = declared.schema else {
            return;
        };
        let flat = Flat::of(self.contract.tree, &[schema]);
        if flat.types.contains("array") || flat.types.contains("object") {
            return;
        }
        self.types(&flat, &parameter.types.to_map(), place, true);
    }

    fn statuses(&mut self, endpoint: &EndpointSnapshot) {
        if self.contract.responses.is_empty() {
            return;
        }
        let answered: u64 = endpoint.statuses.range(1..).map(|(_, n)| n).sum();
        for (status, seen) in endpoint.statuses.range(100..500) {
            let known = GENERIC.contains(status) || self.contract.response(*status).is_some();
            if !known && self.enough(*seen, answered) {
                let place = format!("status {status}");
                let kind = DriftKind::UndocumentedStatus;
                self.tell(kind, place, "", &status.to_string(), (*seen, answered));
            }
        }
    }

    fn request(&mut self, schema: &SchemaSnapshot) {
        let described = self.contract.request.clone();
        let place = "request".to_owned();
        self.body(
            described.as_deref().unwrap_or_default(),
            schema,
            &place,
            true,
        );
    }

    fn response(&mut self, status: u16, schema: &SchemaSnapshot) {
        let described = self.contract.response(status);
        let Some(content) = described.and_then(|one| one.content.clone()) else {
            // No body is described, or not even the status: half of all documents stop there.
            return;
        };
        let generic = GENERIC.contains(&status) || status >= 500;
        let exact = described.is_some_and(|one| one.status == status.to_string());
        if generic && !exact {
            return;
        }
        self.body(&content, schema, &format!("response {status}"), false);
    }

    fn body(
        &mut self,
        content: &[Content<'a>],
        schema: &SchemaSnapshot,
        place: &str,
        request: bool,
    ) {
        let media_type = schema.media_type.as_str();
        let fitting = content.iter().find(|one| fits(&one.media_type, media_type));
        let Some(fitting) = fitting else {
            if !media_type.is_empty() && self.enough(schema.bodies, schema.bodies) {
                let documented: Vec<&str> = content.iter().map(|c| c.media_type.as_str()).collect();
                let kind = match request {
                    true => DriftKind::UndocumentedRequestType,
                    false => DriftKind::UndocumentedResponseType,
                };
                let of = (schema.bodies, schema.bodies);
                let place = format!("{place} {media_type}");
                self.tell(kind, place, &documented.join(", "), media_type, of);
            }
            return;
        };
        let Some(described) = fitting.schema else {
            return;
        };
        let body = Body {
            request,
            textual: !media_type.ends_with("json"),
        };
        if body.textual && !media_type.contains("form") {
            return;
        }
        self.field(
            &[described],
            &schema.root,
            &format!("{place} {media_type}"),
            body,
            MAX_DEPTH,
        );
    }

    fn field(
        &mut self,
        schemas: &[&'a Value],
        field: &FieldSnapshot,
        place: &str,
        body: Body,
        depth: usize,
    ) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let tree = self.contract.tree;
        let flat = Flat::of(tree, schemas);
        self.types(&flat, &field.types, place, body.textual);
        let array = field.types.contains_key("array");
        let object = field.types.contains_key("object");
        let mut inside = flat.clone();
        if array && (flat.types.is_empty() || flat.types.contains("array")) {
            let items = Flat::of(tree, &flat.items);
            if !items.types.is_empty() {
                self.types(&items, &field.items, &format!("{place}[]"), body.textual);
            }
            if object {
                // Fields of both stand together; which are whose is not known.
                return;
            }
            inside = items;
        }
        if inside.is_free() || !(inside.types.is_empty() || inside.types.contains("object")) {
            return;
        }
        self.missing(&inside, field, place, body);
        for one in &field.fields {
            let place = inner(field, place, &one.name);
            let known = inside.properties.get(one.name.as_str());
            match known {
                Some(schemas) => self.field(schemas, one, &place, body, depth),
                None if !inside.additional.is_empty() => {
                    self.field(&inside.additional, one, &place, body, depth);
                }
                None if one.name == MAP_KEY || one.name.starts_with('{') => {}
                None => self.undocumented(field, one, place),
            }
        }
    }

    fn undocumented(&mut self, parent: &FieldSnapshot, field: &FieldSnapshot, place: String) {
        let of = parent.seen.max(field.seen);
        if self.enough(field.seen, of) {
            let observed = main_types(&field.types);
            let kind = DriftKind::UndocumentedField;
            self.tell(kind, place, "", &observed, (field.seen, of));
        }
    }

    /// Fields that must be there and are not.
    fn missing(&mut self, flat: &Flat<'a>, field: &FieldSnapshot, place: &str, body: Body) {
        let hidden = if body.request {
            "readOnly"
        } else {
            "writeOnly"
        };
        let tree = self.contract.tree;
        for name in &flat.required {
            let schemas = flat.properties.get(name).cloned().unwrap_or_default();
            let is_hidden = schemas.iter().any(|one| {
                let one = super::flat::follow(tree, one);
                one.is_some_and(|one| one.get(hidden) == Some(&Value::Bool(true)))
            });
            let known = field.fields.iter().find(|one| one.name == *name);
            let missing = field
                .objects
                .saturating_sub(known.map_or(0, |one| one.whole));
            if !is_hidden && !field.is_map() && self.enough(missing, field.objects) {
                let place = inner(field, place, name);
                let of = (missing, field.objects);
                let kind = match body.request {
                    true => DriftKind::MissingRequestField,
                    false => DriftKind::MissingResponseField,
                };
                self.tell(kind, place, "required", "absent", of);
            }
        }
    }

    /// Types that are not documented, and documented ones that are never used.
    fn types(&mut self, flat: &Flat<'_>, seen: &BTreeMap<String, u64>, place: &str, textual: bool) {
        if flat.types.is_empty() {
            return;
        }
        let total: u64 = seen.values().sum();
        let strange = seen.iter().filter(|(kind, _)| !allows(flat, kind, textual));
        let (mut count, mut kinds) = (0_u64, Vec::new());
        for (kind, n) in strange {
            count = count.saturating_add(*n);
            kinds.push(kind.as_str());
        }
        let documented = described(flat);
        if self.enough(count, total) {
            let kind = match count == total {
                true => DriftKind::ChangedType,
                false => DriftKind::LooserType,
            };
            self.tell(
                kind,
                place.to_owned(),
                &documented,
                &kinds.join(", "),
                (count, total),
            );
        } else if !textual
            && flat.types.contains("number")
            && !flat.types.contains("integer")
            && total >= self.policy.stricter_min_support
            && seen.get("integer") == Some(&total)
        {
            let kind = DriftKind::StricterType;
            self.tell(
                kind,
                place.to_owned(),
                &documented,
                "integer",
                (total, total),
            );
        }
    }
}

/// The place of a field in another, or in the body itself.
fn inner(field: &FieldSnapshot, place: &str, name: &str) -> String {
    let dot = if field.name.is_empty() { ' ' } else { '.' };
    format!("{place}{dot}{name}")
}

/// Whether a parameter of the document is the one that was seen: `name[]` and `name[key]` are
/// forms of `name`.
fn names(declared: &Declared<'_>, seen: &ParameterSnapshot) -> bool {
    if declared.location != seen.location {
        return false;
    }
    if seen.location == "header" {
        return declared.name.eq_ignore_ascii_case(&seen.name);
    }
    let base = |name: &str| name.split('[').next().unwrap_or_default().to_owned();
    declared.name == seen.name || base(declared.name) == base(&seen.name)
}

/// Header fields that documents name as parameters and HTTP does not count as such (OpenAPI says
/// to ignore three of them).
fn is_usual(name: &str) -> bool {
    let usual = [
        "accept",
        "authorization",
        "content-type",
        "user-agent",
        "accept-language",
    ];
    usual.iter().any(|one| name.eq_ignore_ascii_case(one))
}

/// Whether a media type of the document stands for the one that was seen.
fn fits(documented: &str, seen: &str) -> bool {
    let family = documented.strip_suffix("/*");
    documented == seen
        || documented == "*/*"
        || (seen.is_empty() && documented.ends_with("json"))
        || family.is_some_and(|family| seen.split('/').next() == Some(family))
}

/// Whether a type that was seen is one of the documented ones.
fn allows(flat: &Flat<'_>, seen: &str, textual: bool) -> bool {
    let has = |kind: &str| flat.types.contains(kind);
    match seen {
        "null" => flat.nullable || textual,
        "object" => has("object"),
        "array" => has("array"),
        "boolean" => has("boolean") || (textual && has("string")),
        "integer" => has("integer") || has("number") || (textual && fits_format(flat, seen)),
        "number" => has("number") || (textual && has("string")),
        "empty" => textual || fits_format(flat, seen),
        _ => fits_format(flat, seen),
    }
}

/// Whether a text is of a documented format, as far as formats are told apart.
fn fits_format(flat: &Flat<'_>, seen: &str) -> bool {
    if !flat.types.contains("string") {
        return flat.types.contains("file");
    }
    let mut formats = flat.formats.iter();
    flat.formats.is_empty()
        || formats.any(|format| match *format {
            "uuid" => seen == "uuid",
            "date" => seen == "date",
            "date-time" => seen == "date_time",
            "email" => seen == "email",
            "uri" | "url" => seen == "url",
            "ipv4" | "ipv6" => seen == "address",
            _ => true,
        })
}

/// The documented types, in words.
fn described(flat: &Flat<'_>) -> String {
    let mut kinds: Vec<&str> = flat.types.iter().copied().collect();
    if flat.nullable {
        kinds.push("null");
    }
    let formats: Vec<&str> = flat.formats.iter().copied().collect();
    match formats.is_empty() {
        true => kinds.join(", "),
        false => format!("{} ({})", kinds.join(", "), formats.join(", ")),
    }
}

/// Types that were seen, most frequent first.
fn main_types(types: &BTreeMap<String, u64>) -> String {
    let mut all: Vec<(&String, &u64)> = types.iter().collect();
    all.sort_by(|a, b| b.1.cmp(a.1).then(a.0.cmp(b.0)));
    let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
    names.join(", ")
}
