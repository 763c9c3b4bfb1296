//! What is learned becomes what OpenAPI has words for, by situation.

use super::*;

#[test]
fn parameters_of_a_path_have_names_of_their_own() {
    assert_eq!(distinct_names("/a/{id}/b/{id}"), "/a/{id}/b/{id_2}");
    assert_eq!(distinct_names("/a/{x}.{y}"), "/a/{x}.{y}");
    assert_eq!(structure("/a/{id}/b.{x}"), "/a/{}/b.{}");
    assert_eq!(parameter_names("/a/{id}/b.{x}"), ["id", "x"]);
}

#[test]
fn matrix_parameters_are_told_where_openapi_has_no_place_for_them() {
    let parameter = |location: &str, name: &str| ParameterSnapshot {
        location: location.to_owned(),
        name: name.to_owned(),
        types: [("integer".to_owned(), 9)].into_iter().collect(),
        seen: 9,
        ..ParameterSnapshot::default()
    };
    let all = [parameter("matrix", "year"), parameter("query", "page")];
    let expected = json!([{"name": "year", "schema": {"type": "integer"}}]);
    assert_eq!(json!(matrix_parameters(&all)), expected);
}

#[test]
fn fields_of_a_body_have_what_is_known_of_their_values() {
    let row = |name: &str, kind: &str, few: &[f64], distinct| ParameterSnapshot {
        location: "body".to_owned(),
        name: name.to_owned(),
        types: [(kind.to_owned(), 200)].into_iter().collect(),
        few: few.to_vec(),
        numbers: Some((1.0, 60.0).into()),
        seen: 200,
        distinct,
        ..ParameterSnapshot::default()
    };
    let parameters = [
        row("items[].size", "integer", &[40.0, 42.0], 2),
        row("qty", "integer", &[], 50),
        row("a.b", "integer", &[], 50),
        row("gone", "integer", &[], 50),
        row("text", "integer", &[], 50),
    ];
    let integer = json!({"type": "integer"});
    let object = |properties: Value| json!({"type": "object", "properties": properties});
    let items = json!({"type": "array", "items": object(json!({"size": integer}))});
    let schema = object(json!({"items": items, "qty": integer, "a.b": integer,
        "text": {"type": "string"}}));
    let mut content = json!({"application/json": {"schema": schema}});
    values_of_fields(&parameters, &mut content);
    let ranged = json!({"type": "integer", "minimum": 1, "maximum": 60});
    let size = json!({"type": "integer", "enum": [40, 42]});
    let items = json!({"type": "array", "items": object(json!({"size": size}))});
    let expected = object(json!({"items": items, "qty": ranged, "a.b": ranged,
        "text": {"type": "string"}}));
    assert_eq!(content["application/json"]["schema"], expected);
}

#[test]
fn keys_of_a_map_are_no_properties() {
    let field = |name: &str, kind: &str, fields: Vec<FieldSnapshot>| FieldSnapshot {
        name: name.to_owned(),
        types: [(kind.to_owned(), 20)].into(),
        seen: 20,
        whole: 20,
        objects: 20,
        fields,
        ..FieldSnapshot::default()
    };
    for (names, expected) in [
        (vec![MAP_KEY], json!({"type": "integer"})),
        (vec!["{uuid}"], json!({"type": "integer"})),
        (vec!["{uuid}", "{email}"], json!({"type": "integer"})),
    ] {
        let fields = names.iter().map(|name| field(name, "integer", vec![]));
        let schema = field_schema(&field("", "object", fields.collect()));
        let object = json!({"type": "object", "additionalProperties": expected});
        assert_eq!(schema, object, "{names:?}");
    }
    let mixed = vec![
        field("{uuid}", "integer", vec![]),
        field("{key}", "string", vec![]),
        field("total", "integer", vec![]),
    ];
    let expected = json!({"type": "object",
        "properties": {"total": {"type": "integer"}}, "required": ["total"],
        "additionalProperties": {"anyOf": [{"type": "integer"}, {"type": "string"}]}});
    assert_eq!(field_schema(&field("", "object", mixed)), expected);
}

#[test]
fn types_become_json_schema() {
    for (types, expected) in [
        (vec!["integer"], json!({"type": "integer"})),
        (vec!["integer", "number"], json!({"type": "number"})),
        (
            vec!["null", "uuid"],
            json!({"type": ["null", "string"], "format": "uuid"}),
        ),
        (vec!["date", "string"], json!({"type": "string"})),
        (
            vec!["date_time", "empty"],
            json!({"type": "string", "format": "date-time"}),
        ),
        (vec![], json!({})),
    ] {
        let counts = types.iter().map(|kind| ((*kind).to_owned(), 1)).collect();
        assert_eq!(Value::Object(scalar(&counts)), expected, "{types:?}");
    }
}

#[test]
fn what_many_values_lay_between_is_told() {
    let parameter = |kind: &str, seen, distinct| ParameterSnapshot {
        types: [(kind.to_owned(), seen)].into_iter().collect(),
        lengths: Some((1, 8)),
        numbers: Some((1.0, 48_000.0).into()),
        seen,
        distinct,
        ..ParameterSnapshot::default()
    };
    for (kind, seen, distinct, expected) in [
        (
            "integer",
            100,
            50,
            json!({"type": "integer", "minimum": 1, "maximum": 48_000}),
        ),
        (
            "string",
            100,
            50,
            json!({"type": "string", "minLength": 1, "maxLength": 8}),
        ),
        ("uuid", 100, 50, json!({"type": "string", "format": "uuid"})),
        ("integer", 99, 50, json!({"type": "integer"})),
        ("integer", 100, 9, json!({"type": "integer"})),
    ] {
        let found = parameter_schema(&parameter(kind, seen, distinct));
        assert_eq!(found, expected, "{kind} {seen} {distinct}");
    }
}

#[test]
fn every_kind_of_credential_has_a_scheme() {
    for (kind, location, expected) in [
        (
            "basic",
            "authorization",
            json!({"type": "http", "scheme": "basic"}),
        ),
        (
            "oauth1",
            "authorization",
            json!({"type": "http", "scheme": "oauth"}),
        ),
        (
            "negotiate",
            "authorization",
            json!({"type": "http", "scheme": "negotiate"}),
        ),
        ("mtls", "header", json!({"type": "mutualTLS"})),
        (
            "hmac",
            "header",
            json!({"type": "apiKey", "in": "header", "name": "x"}),
        ),
        (
            "session_cookie",
            "cookie",
            json!({"type": "apiKey", "in": "cookie", "name": "x"}),
        ),
        (
            "aws_sigv4",
            "authorization",
            json!({"type": "apiKey", "in": "header", "name": "Authorization",
                "description": "Scheme aws_sigv4."}),
        ),
    ] {
        let credential = CredentialSnapshot {
            scheme: kind.to_owned(),
            location: location.to_owned(),
            name: "x".to_owned(),
            seen: 1,
        };
        assert_eq!(
            scheme(&credential).map(|(_, scheme)| scheme),
            Some(expected),
            "{kind}"
        );
    }
}
