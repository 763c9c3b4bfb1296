//! The committed document of the API equals the one generated from the handlers and types.
//!
//! `UPDATE_OPENAPI=1 cargo test -p tapscope-dashboard-api --test openapi` writes it anew.

use std::fs;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[test]
fn committed_document_is_the_generated_one() {
    let mut generated = tapscope_dashboard_api::openapi().to_pretty_json().unwrap();
    generated.push('\n');
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        fs::write(PATH, &generated).unwrap();
    }
    let committed = fs::read_to_string(PATH).unwrap_or_default();
    assert!(
        committed == generated,
        "dashboard-api/openapi.json is out of date; run UPDATE_OPENAPI=1 cargo test -p \
         tapscope-dashboard-api --test openapi, and look at what changed"
    );
}

#[test]
fn every_operation_is_described_and_named_once() {
    let document = serde_json::to_value(tapscope_dashboard_api::openapi()).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    let mut names = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        assert!(path.starts_with("/api/v1/"), "{path}");
        for (method, operation) in item.as_object().unwrap() {
            assert!(
                operation["summary"].is_string(),
                "{method} {path} has no summary"
            );
            names.push(operation["operationId"].as_str().unwrap().to_owned());
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 15, "{names:?}");
}
