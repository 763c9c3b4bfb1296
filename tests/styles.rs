//! Every operation of a capture with services of each API style is a row of the inventory with
//! the right name. The capture is recorded from real servers and clients by
//! `scripts/make-styles.sh`; what must come out is what `scripts/styles/clients.py` asks for.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

/// What the root tests share.
mod support;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use support::{Scratch, tapscope};

/// Style, kind, name and exchanges of every operation that the clients ask for.
const OPERATIONS: [(&str, &str, &str, u64); 24] = [
    ("graphql", "mutation", "AddReview", 1),
    ("graphql", "query", "AsText", 1),
    ("graphql", "query", "BookPage", 2),
    ("graphql", "query", "ByGet", 1),
    ("graphql", "query", "IntrospectionQuery", 1),
    ("graphql", "query", "Live", 1),
    ("graphql", "query", "Shelf", 1),
    ("graphql", "query", "Stored", 1),
    ("graphql", "query", "{books, me}", 1),
    ("grpc", "call", "shop.v1.Cart/AddItem", 1),
    ("grpc", "call", "shop.v1.Cart/Checkout", 1),
    ("grpc", "call", "shop.v1.Stock/Watch", 1),
    ("json_rpc", "call", "wallet.balance", 1),
    ("json_rpc", "call", "wallet.send", 1),
    ("json_rpc", "notification", "log.write", 1),
    ("mcp", "call", "initialize", 1),
    ("mcp", "call", "tools/list", 1),
    ("mcp", "notification", "notifications/initialized", 1),
    ("mcp", "prompt", "recommend", 1),
    ("mcp", "tool", "find_book", 1),
    ("mcp", "tool", "reserve_book", 1),
    ("soap", "soap_1_1", "get_quote", 1),
    ("soap", "soap_1_1", "list_quotes", 1),
    ("soap", "soap_1_2", "get_quote", 1),
];

#[test]
fn every_operation_is_a_row_with_its_name() {
    let scratch = Scratch::new("styles");
    let store = scratch.path("styles.db").display().to_string();
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/styles/styles.pcap.zst");
    let output = tapscope(
        &scratch,
        &["replay", &capture.display().to_string(), "--store", &store],
    );
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let listed = tapscope(
        &scratch,
        &["inventory", "--store", &store, "--format", "json"],
    );
    let rows: Vec<Value> = serde_json::from_slice(&listed.stdout).unwrap();
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let mut found: BTreeMap<(String, String, String), u64> = BTreeMap::new();
    for row in rows.iter().filter(|row| row["operation"].is_string()) {
        let name = (
            text(row, "style"),
            text(row, "operation_kind"),
            text(row, "operation"),
        );
        *found.entry(name).or_default() += row["requests"].as_u64().unwrap();
    }
    let expected: BTreeMap<(String, String, String), u64> = OPERATIONS
        .iter()
        .map(|(style, kind, name, requests)| {
            let name = ((*style).into(), (*kind).into(), (*name).into());
            (name, *requests)
        })
        .collect();
    assert_eq!(found, expected);
    // Each stands under an endpoint that counts it too.
    for row in rows.iter().filter(|row| row["transport"].is_string()) {
        let carrier = rows.iter().find(|other| other["id"] == row["transport"]);
        assert!(carrier.unwrap()["requests"].as_u64() >= row["requests"].as_u64());
    }
}
