//! Drift planted in the sample's own specification: every planted change is told, and nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;

use serde_json::Value;
use support::{Scratch, sample, sample_specification, tapscope};

/// Differences of the sample's traffic from a document, as (kind, method, template, place).
fn differences(scratch: &Scratch, document: &str) -> Vec<[String; 4]> {
    let (spec, store) = (scratch.path("shop.openapi.yaml"), scratch.path("s.db"));
    let _ = fs::remove_file(&store);
    fs::write(&spec, document).unwrap();
    let (spec, store) = (spec.to_str().unwrap(), store.to_str().unwrap());
    let sample = sample();
    let replay = [
        "replay",
        sample.to_str().unwrap(),
        "--spec",
        spec,
        "--store",
        store,
    ];
    assert!(tapscope(scratch, &replay).status.success());
    let listed = tapscope(
        scratch,
        &["spec", "diff", "--store", store, "--format", "json"],
    );
    assert!(listed.status.success());
    let rows: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let typed = rows.iter().filter(|row| row["place"].is_string());
    let text = |row: &Value, key: &str| row[key].as_str().unwrap().to_owned();
    typed
        .map(|row| ["difference", "method", "template", "place"].map(|key| text(row, key)))
        .collect()
}

/// The document with one text replaced, which must stand in it.
fn changed(document: &str, from: &str, to: &str) -> String {
    assert!(
        document.contains(from),
        "{from:?} is not in the sample's specification"
    );
    document.replacen(from, to, 1)
}

/// What is changed in the document, beside a parameter that goes.
const PLANTED: [(&str, &str); 8] = [
    (
        "'204': { description: Deleted }",
        "'200': { description: Deleted }",
    ),
    ("        city: { type: string }\n", ""),
    (
        "given_name: { type: string }",
        "given_name: { type: integer }",
    ),
    (
        "        token_type: { const: Bearer }",
        "        token_type: { type: boolean }",
    ),
    (
        "    Token:\n      type: object\n",
        "    Token:\n      type: object\n      required: [ refresh_token ]\n",
    ),
    (
        "schema: { $ref: '#/components/schemas/Token' }",
        "schema: { $ref: '#/components/schemas/Token' }\n          text/plain: {}",
    ),
    (
        "CustomerId: { name: id, in: path, required: true, schema: { type: integer } }",
        "CustomerId: { name: id, in: path, required: true, schema: { type: string, format: uuid } }",
    ),
    (
        "          application/x-www-form-urlencoded:",
        "          application/xml:",
    ),
];

/// What must be told of it.
const EXPECTED: [[&str; 4]; 12] = [
    [
        "undocumented_status",
        "DELETE",
        "/v2/carts/{id}",
        "status 204",
    ],
    [
        "undocumented_field",
        "GET",
        "/v2/customers/{id}",
        "response 200 application/json city",
    ],
    ["changed_type", "GET", "/v2/customers/{id}", "path id"],
    [
        "changed_type",
        "GET",
        "/v2/customers/{id}",
        "response 200 application/json given_name",
    ],
    ["changed_type", "PATCH", "/v2/customers/{id}", "path id"],
    [
        "changed_type",
        "GET",
        "/v2/customers/{id}/addresses",
        "path id",
    ],
    [
        "undocumented_request_type",
        "POST",
        "/v2/login/session",
        "request application/x-www-form-urlencoded",
    ],
    [
        "missing_response_field",
        "POST",
        "/v2/login/token",
        "response 200 application/json refresh_token",
    ],
    [
        "changed_type",
        "POST",
        "/v2/login/token",
        "response 200 application/json token_type",
    ],
    [
        "undocumented_field",
        "GET",
        "/v2/me",
        "response 200 application/json city",
    ],
    [
        "changed_type",
        "GET",
        "/v2/me",
        "response 200 application/json given_name",
    ],
    [
        "undocumented_parameter",
        "GET",
        "/v2/products",
        "query page",
    ],
];

#[test]
fn planted_changes_are_told_and_nothing_else() {
    let scratch = Scratch::new("drift");
    let document = fs::read_to_string(sample_specification()).unwrap();
    let usual = differences(&scratch, &document);
    // The team forgot that carts can be made with items in them.
    let known = [
        "undocumented_request_type",
        "POST",
        "/v2/carts",
        "request application/json",
    ];
    assert_eq!(usual, [known]);
    let page = "        - { $ref: '#/components/parameters/Page' }\n";
    let mut planted = changed(&document, page, "");
    for (from, to) in PLANTED {
        planted = changed(&planted, from, to);
    }
    let mut found = differences(&scratch, &planted);
    found.retain(|row| *row != known);
    assert_eq!(found, EXPECTED);
}
