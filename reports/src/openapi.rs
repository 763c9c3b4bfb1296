//! OpenAPI 3.1 of one host, learned from its traffic. Names, types and how often; no values, except
//! words of the sensor's own list of choices.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use tapscope_analyzer::inventory::risk::Risk;
use tapscope_analyzer::snapshot::schema::{
    CredentialSnapshot, FieldSnapshot, MAP_KEY, SchemaSnapshot,
};
use tapscope_analyzer::snapshot::{Choices, EndpointSnapshot, ParameterSnapshot};

use crate::table::{label, labels, owner, points, risk_factors, tags, whole};
use crate::time::{date, moment};
use crate::{Report, ReportError, example};

/// Methods an OpenAPI path item may have.
const METHODS: [&str; 8] = [
    "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE",
];

/// Exchanges or bodies before something is said to be required.
const REQUIRED_MIN: u64 = 10;

/// Exchanges with a parameter from which on the least and the most seen say what it takes.
const RANGE_MIN: u64 = 100;

/// Share of the successful calls without credentials from which on credentials are optional.
const ANONYMOUS_PERCENT: u64 = 5;

/// Writes the document.
pub(crate) fn write(material: &Report, host: &str) -> Result<Vec<u8>, ReportError> {
    let mut paths: BTreeMap<String, PathItem<'_>> = BTreeMap::new();
    let mut schemes = BTreeMap::new();
    for endpoint in &material.endpoints {
        let known = METHODS.contains(&endpoint.method.as_str());
        if endpoint.requests == 0 || endpoint.transport.is_some() || !known {
            continue;
        }
        // Paths that differ in their parameters' names only are one path.
        let item = paths
            .entry(structure(&endpoint.template))
            .or_insert_with(|| PathItem {
                path: distinct_names(&endpoint.template),
                operations: Vec::new(),
            });
        item.operations.push(endpoint);
    }
    let mut written = Map::new();
    let mut ids = BTreeSet::new();
    for item in paths.into_values() {
        let operations = item.operations.iter().map(|endpoint| {
            let risk = material.risk(endpoint);
            let operation = operation((endpoint, &risk), &item.path, &mut schemes, &mut ids);
            (endpoint.method.to_ascii_lowercase(), operation)
        });
        let operations: Map<String, Value> = operations.collect();
        written.insert(item.path, Value::Object(operations));
    }
    let mut document = json!({
        "openapi": "3.1.0",
        "info": {
            "title": format!("{host}, as seen in traffic"),
            "version": date(material.now),
            "description": "Learned by Tapscope from a copy of network traffic: what was called, \
                and what requests and responses looked like. It holds no values of theirs; examples \
                are made up from types.",
        },
        "servers": [server_object(material, host)],
        "paths": written,
    });
    if !schemes.is_empty()
        && let Some(document) = document.as_object_mut()
    {
        document.insert("components".to_owned(), json!({"securitySchemes": schemes}));
    }
    crate::pretty(&document)
}

struct PathItem<'a> {
    path: String,
    operations: Vec<&'a EndpointSnapshot>,
}

/// A template without the names of its parameters.
fn structure(template: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in template.chars() {
        inside = c == '{' || (inside && c != '}');
        if !inside || c == '{' {
            out.push(c);
        }
    }
    out
}

/// A template in which no two parameters have the same name.
fn distinct_names(template: &str) -> String {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut out = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let times = seen.entry(name.to_owned()).or_insert(0);
        *times += 1;
        out.push_str(before);
        match *times {
            1 => out.push_str(&format!("{{{name}}}")),
            n => out.push_str(&format!("{{{name}_{n}}}")),
        }
        rest = after;
    }
    out.push_str(rest);
    if out.starts_with('/') {
        out
    } else {
        format!("/{out}")
    }
}

/// Names of a template's parameters in order.
fn parameter_names(template: &str) -> Vec<&str> {
    let parts = template.split('{').skip(1);
    parts
        .filter_map(|part| part.split_once('}').map(|(name, _)| name))
        .collect()
}

/// The host as a server, what varies in a host template as variables.
fn server_object(material: &Report, host: &str) -> Value {
    let example = material.example_host(host);
    let variables = host
        .split('.')
        .zip(example.split('.'))
        .filter_map(|(label, value)| {
            let name = label.strip_prefix('{')?.strip_suffix('}')?;
            Some((name.to_owned(), json!({"default": value})))
        });
    let variables: Map<String, Value> = variables.collect();
    if variables.is_empty() {
        return json!({"url": server(material, host)});
    }
    json!({"url": server(material, host), "variables": variables})
}

/// The host's URL: encrypted when it was seen on 443 only.
fn server(material: &Report, host: &str) -> String {
    let mut servers = material
        .endpoints
        .iter()
        .flat_map(|one| one.servers.names());
    let secure = servers.clone().next().is_some() && servers.all(|one| one.ends_with(":443"));
    let scheme = if secure { "https" } else { "http" };
    match host.contains(':') {
        true => format!("{scheme}://[{host}]"),
        false => format!("{scheme}://{host}"),
    }
}

fn operation(
    (endpoint, risk): (&EndpointSnapshot, &Risk),
    path: &str,
    schemes: &mut BTreeMap<String, Value>,
    ids: &mut BTreeSet<String>,
) -> Value {
    let mut operation = Map::new();
    operation.insert("operationId".to_owned(), json!(operation_id(endpoint, ids)));
    let facts = &endpoint.facts;
    if facts.deprecated || facts.deprecation_header.is_some() || facts.sunset_header.is_some() {
        operation.insert("deprecated".to_owned(), json!(true));
    }
    let parameters = parameters(endpoint, path);
    if !parameters.is_empty() {
        operation.insert("parameters".to_owned(), json!(parameters));
    }
    let schemas = endpoint.schemas.unpack();
    let requests = schemas.iter().filter(|one| one.status.is_none());
    if let Some(mut content) = content(requests) {
        values_of_fields(&endpoint.parameters, &mut content);
        operation.insert("requestBody".to_owned(), json!({"content": content}));
    }
    operation.insert("responses".to_owned(), responses(endpoint, &schemas));
    if let Some(security) = security(endpoint, schemes) {
        operation.insert("security".to_owned(), security);
    }
    let mut own = json!({
        "requests": endpoint.requests,
        "lifecycle": label(endpoint.lifecycle),
        "labels": labels(endpoint),
        "risk": points(risk.score),
        "risk_factors": risk_factors(risk),
        "owner": owner(endpoint),
        "tags": tags(endpoint),
        "exposure": endpoint.profile.exposure.zone,
        "template_confidence": endpoint.template_confidence,
        "first_seen": moment(endpoint.first_seen),
        "last_seen": moment(endpoint.last_seen),
    });
    let matrix = matrix_parameters(&endpoint.parameters);
    if !matrix.is_empty() {
        own["matrix_parameters"] = json!(matrix);
    }
    operation.insert("x-tapscope".to_owned(), own);
    Value::Object(operation)
}

/// Parameters that stand in segments of the path and in no template (`;color=red`): OpenAPI has no
/// place for them.
fn matrix_parameters(parameters: &[ParameterSnapshot]) -> Vec<Value> {
    let all = parameters.iter();
    all.filter(|one| one.location == "matrix")
        .map(|one| json!({"name": one.name, "schema": parameter_schema(one)}))
        .collect()
}

/// A name for the operation that no other has.
fn operation_id(endpoint: &EndpointSnapshot, ids: &mut BTreeSet<String>) -> String {
    let mut id = endpoint.method.to_ascii_lowercase();
    for part in endpoint
        .template
        .split(|c: char| !c.is_ascii_alphanumeric())
    {
        if !part.is_empty() {
            id.push('_');
            id.push_str(part);
        }
    }
    if !ids.insert(id.clone()) {
        id = format!("{id}_{:016x}", endpoint.id.0);
        ids.insert(id.clone());
    }
    id
}

fn parameters(endpoint: &EndpointSnapshot, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let own = parameter_names(&endpoint.template);
    for (at, name) in parameter_names(path).into_iter().enumerate() {
        let known = own.get(at).and_then(|own| {
            let mut known = endpoint.parameters.iter();
            known.find(|one| one.location == "path" && one.name == *own)
        });
        let mut parameter = json!({
            "name": name, "in": "path", "required": true,
            "schema": known.map_or_else(|| json!({"type": "string"}), parameter_schema),
        });
        add_example(&mut parameter);
        all.push(parameter);
    }
    for one in &endpoint.parameters {
        let carried = endpoint.credentials.iter().any(|credential| {
            credential.location == one.location && credential.name.eq_ignore_ascii_case(&one.name)
        });
        let is_elsewhere = matches!(one.location.as_str(), "path" | "matrix" | "body");
        if is_elsewhere || one.name.is_empty() || carried {
            continue;
        }
        let of = endpoint.parameters_observed;
        let mut parameter = json!({
            "name": one.name, "in": one.location, "schema": parameter_schema(one),
        });
        if of >= REQUIRED_MIN && one.seen >= of {
            parameter["required"] = json!(true);
        }
        add_example(&mut parameter);
        all.push(parameter);
    }
    all
}

/// Adds to the fields of a request's body what is known of their values.
fn values_of_fields(parameters: &[ParameterSnapshot], content: &mut Value) {
    for field in parameters.iter().filter(|one| one.location == "body") {
        let known = parameter_schema(&ParameterSnapshot {
            repeated: 0,
            ..field.clone()
        });
        let media = content.as_object_mut().into_iter().flatten();
        for schema in media.filter_map(|(_, media)| media.get_mut("schema")) {
            let Some(schema) = field_at(schema, &field.name) else {
                continue;
            };
            // Another type is of bodies whose values were not taken, or has no such limits.
            if schema.get("type") != known.get("type") || schema.get("format").is_some() {
                continue;
            }
            for key in [
                "enum",
                "minimum",
                "maximum",
                "minLength",
                "maxLength",
                "format",
            ] {
                if let Some(limit) = known.get(key) {
                    schema[key] = limit.clone();
                }
            }
        }
    }
}

/// The schema of a field by its name with those of the objects it stands in (`items[].size`).
fn field_at<'a>(schema: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    let mut at = schema;
    if at.get("type") == Some(&json!("array")) {
        at = at.get_mut("items")?;
    }
    let mut rest = name;
    loop {
        // Names may have dots: the longest that is one comes first.
        let properties = at.get_mut("properties")?.as_object_mut()?;
        let ends = rest
            .match_indices('.')
            .map(|(end, _)| end)
            .chain([rest.len()]);
        let mut ends: Vec<usize> = ends.collect();
        ends.reverse();
        let is_one = |end: &usize| properties.contains_key(rest[..*end].trim_end_matches("[]"));
        let end = ends.into_iter().find(is_one)?;
        let (own, items) = match rest[..end].strip_suffix("[]") {
            Some(own) => (own, true),
            None => (&rest[..end], false),
        };
        at = properties.get_mut(own)?;
        if items {
            at = at.get_mut("items")?;
        }
        rest = rest.get(end + 1..).unwrap_or_default();
        if rest.is_empty() {
            return Some(at);
        }
    }
}

/// Adds what a parameter may look like, made up from its schema.
fn add_example(parameter: &mut Value) {
    if let Some(example) = example::of_parameter(&parameter["schema"]) {
        parameter["example"] = example;
    }
}

fn parameter_schema(parameter: &ParameterSnapshot) -> Value {
    let mut schema = scalar(&parameter.types.to_map());
    match parameter.choices() {
        Some(Choices::Words(words)) => {
            schema.insert("enum".to_owned(), json!(words));
        }
        Some(Choices::Numbers(numbers)) => {
            schema.insert("enum".to_owned(), numbers.into_iter().map(whole).collect());
        }
        None if parameter.seen >= RANGE_MIN => range(parameter, &mut schema),
        None => {}
    }
    if let Some(format) = parameter.format()
        && !schema.contains_key("enum")
    {
        schema.insert("format".to_owned(), json!(format));
    }
    classes(&parameter.classes.to_map(), &mut schema);
    if parameter.repeated > 0 {
        return json!({"type": "array", "items": schema});
    }
    Value::Object(schema)
}

/// Between which numbers the values lay, or how long they were.
fn range(parameter: &ParameterSnapshot, schema: &mut Map<String, Value>) {
    let is = |kinds: &[&str]| {
        let kind = schema.get("type").and_then(Value::as_str);
        kind.is_some_and(|kind| kinds.contains(&kind)) && !schema.contains_key("format")
    };
    if is(&["integer", "number"])
        && let Some(seen) = parameter.range()
    {
        schema.insert("minimum".to_owned(), whole(seen.least));
        schema.insert("maximum".to_owned(), whole(seen.most));
    } else if is(&["string"])
        && let Some((least, most)) = parameter.usual_lengths()
    {
        schema.insert("minLength".to_owned(), json!(least));
        schema.insert("maxLength".to_owned(), json!(most));
    }
}

/// The schema of what is neither object nor array.
fn scalar(types: &BTreeMap<String, u64>) -> Map<String, Value> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    let mut formats: BTreeSet<&str> = BTreeSet::new();
    for kind in types.keys() {
        let (name, format) = match kind.as_str() {
            "null" => ("null", ""),
            "boolean" => ("boolean", ""),
            "integer" => ("integer", ""),
            "number" => ("number", ""),
            "object" => ("object", ""),
            "array" => ("array", ""),
            "uuid" => ("string", "uuid"),
            "date" => ("string", "date"),
            "date_time" => ("string", "date-time"),
            "email" => ("string", "email"),
            "url" => ("string", "uri"),
            "binary" => ("string", "binary"),
            // An empty text may stand beside any other.
            "empty" => ("string", "-"),
            _ => ("string", ""),
        };
        names.insert(name);
        if name == "string" && format != "-" {
            formats.insert(format);
        }
    }
    if names.contains("number") {
        names.remove("integer");
    }
    let mut schema = Map::new();
    let list: Vec<&str> = names.iter().copied().collect();
    match list.as_slice() {
        [] => {}
        [one] => {
            schema.insert("type".to_owned(), json!(one));
        }
        several => {
            schema.insert("type".to_owned(), json!(several));
        }
    }
    if formats.len() == 1
        && let Some(format) = formats.first().filter(|format| !format.is_empty())
    {
        schema.insert("format".to_owned(), json!(format));
    }
    schema
}

fn classes(classes: &BTreeMap<String, u64>, schema: &mut Map<String, Value>) {
    if !classes.is_empty() {
        let names: Vec<&String> = classes.keys().collect();
        schema.insert("x-data-classes".to_owned(), json!(names));
    }
}

/// A body, a field, or the values of a map.
fn field_schema(field: &FieldSnapshot) -> Value {
    let mut schema = scalar(&field.types);
    classes(&field.classes, &mut schema);
    let is = |kind: &str| field.types.contains_key(kind);
    if is("array") {
        let mut items = scalar(&field.items);
        if field.items.contains_key("object") {
            members(field, &mut items);
        }
        schema.insert("items".to_owned(), Value::Object(items));
    }
    if is("object") {
        members(field, &mut schema);
    }
    Value::Object(schema)
}

/// Adds what an object's fields are.
fn members(field: &FieldSnapshot, schema: &mut Map<String, Value>) {
    let mut properties = Map::new();
    let mut required = Vec::new();
    let mut keyed: Vec<Value> = Vec::new();
    for one in &field.fields {
        // Keys of a map, all of them or those of one class, are data and no names.
        if is_key(&one.name) {
            let values = field_schema(one);
            if !keyed.contains(&values) {
                keyed.push(values);
            }
            continue;
        }
        let always = field.objects >= REQUIRED_MIN && one.whole >= field.objects;
        if always && field.present_share(one).is_some() {
            required.push(one.name.as_str());
        }
        properties.insert(one.name.clone(), field_schema(one));
    }
    if !properties.is_empty() {
        schema.insert("properties".to_owned(), Value::Object(properties));
    }
    if !required.is_empty() {
        schema.insert("required".to_owned(), json!(required));
    }
    let values = match keyed.len() {
        0 => return,
        1 => keyed.swap_remove(0),
        _ => json!({"anyOf": keyed}),
    };
    schema.insert("additionalProperties".to_owned(), values);
}

/// Whether a field stands for keys of a map: `{key}`, or the class of those that the sensor replaced
/// (`{uuid}`).
pub(crate) fn is_key(name: &str) -> bool {
    name == MAP_KEY || name.starts_with('{') && name.ends_with('}')
}

/// Media types with their schemas; none when there was no body.
fn content<'a>(schemas: impl Iterator<Item = &'a SchemaSnapshot>) -> Option<Value> {
    let mut content = Map::new();
    for schema in schemas {
        let name = match schema.media_type.as_str() {
            "" | "{malformed}" => "*/*",
            name => name,
        };
        let mut media = Map::new();
        if !schema.root.types.is_empty() {
            media.insert("schema".to_owned(), field_schema(&schema.root));
        }
        if let Some(example) = example::of_body(&schema.root) {
            media.insert("example".to_owned(), example);
        }
        content.entry(name).or_insert(Value::Object(media));
    }
    (!content.is_empty()).then_some(Value::Object(content))
}

fn responses(endpoint: &EndpointSnapshot, schemas: &[SchemaSnapshot]) -> Value {
    let mut responses = Map::new();
    for (status, seen) in endpoint.statuses.range(100..600) {
        let own = schemas.iter().filter(|one| one.status == Some(*status));
        let mut response = json!({"description": format!("Seen {seen} times")});
        if let Some(content) = content(own) {
            response["content"] = content;
        }
        responses.insert(status.to_string(), response);
    }
    if responses.is_empty() {
        responses.insert(
            "default".to_owned(),
            json!({"description": "No response was seen"}),
        );
    }
    Value::Object(responses)
}

/// What calls need: any one of the kinds of credentials that successful ones carried.
fn security(endpoint: &EndpointSnapshot, schemes: &mut BTreeMap<String, Value>) -> Option<Value> {
    let mut alternatives = Vec::new();
    for credential in &endpoint.credentials {
        let Some((name, scheme)) = scheme(credential) else {
            continue;
        };
        let requirement = json!({name.as_str(): []});
        schemes.insert(name, scheme);
        if !alternatives.contains(&requirement) {
            alternatives.push(requirement);
        }
    }
    let calls = endpoint.authentication_successful.total();
    let anonymous = endpoint.authentication_successful.get("none");
    let anonymous = anonymous.saturating_mul(100);
    if calls > 0 && anonymous >= calls.saturating_mul(ANONYMOUS_PERCENT) {
        alternatives.push(json!({}));
    }
    (!alternatives.is_empty()).then(|| json!(alternatives))
}

/// A security scheme and its name; none for what OpenAPI cannot say.
fn scheme(credential: &CredentialSnapshot) -> Option<(String, Value)> {
    let http = |scheme: &str| Some((scheme.to_owned(), json!({"type": "http", "scheme": scheme})));
    let location = credential.location.as_str();
    match (credential.scheme.as_str(), location) {
        ("basic", _) => http("basic"),
        ("jwt", "authorization") => Some((
            "jwt".to_owned(),
            json!({"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}),
        )),
        ("mtls", _) => Some(("mtls".to_owned(), json!({"type": "mutualTLS"}))),
        ("oauth1", "authorization") => http("oauth"),
        ("bearer" | "digest" | "negotiate" | "dpop" | "hoba" | "vapid", "authorization") => {
            http(&credential.scheme)
        }
        // A key alone, or a scheme that the registry of HTTP does not have.
        (scheme, "authorization") => {
            let name = scheme.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let scheme = json!({
                "type": "apiKey", "in": "header", "name": "Authorization",
                "description": format!("Scheme {scheme}."),
            });
            Some((format!("authorization_{name}"), scheme))
        }
        (_, "header" | "query" | "cookie") => {
            let name = format!("{location}_{}", credential.name);
            let name = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
            let scheme = json!({"type": "apiKey", "in": location, "name": credential.name});
            Some((name, scheme))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests;
