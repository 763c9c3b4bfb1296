//! A person's decisions on templates through the whole product: given on the command line, kept in
//! the store, obeyed by every later run, and taken back.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

/// What the root tests share.
mod support;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use support::{Scratch, tapscope};

const HOST: &str = "api.example.com";

/// Requests for users and orders by number, and for `/users/me`, from a second on.
fn traffic(from: u32) -> String {
    let mut out = String::new();
    for n in 0..40_u32 {
        let paths = [
            (format!("/users/{}", n * 31 + 7), "name"),
            (format!("/orders/{}", n * 17 + 3), "total"),
            ("/users/me".to_owned(), "name"),
        ];
        for (path, field) in paths {
            let time = from + n;
            writeln!(
                out,
                r#"{{"ts":{time},"client_ip":"10.0.0.{n}","client_port":4000,"method":"GET","host":"{HOST}","path":"{path}","query":"","status":200,"req_headers":{{}},"resp_headers":{{"content-type":"application/json"}},"resp_body":"{{\"id\":1,\"{field}\":2}}","latency_ms":1}}"#
            )
            .unwrap();
        }
    }
    out
}

/// Runs it on the store; it must succeed.
fn run(scratch: &Scratch, arguments: &[&str]) -> String {
    let store = scratch.path("s.db").display().to_string();
    let output = tapscope(scratch, &[arguments, &["--store", &store]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs it on the store; it must be refused with these words.
fn refused(scratch: &Scratch, arguments: &[&str], words: &str) {
    let store = scratch.path("s.db").display().to_string();
    let output = tapscope(scratch, &[arguments, &["--store", &store]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success(), "{arguments:?}");
    assert!(said.contains(words), "{arguments:?}: {said}");
}

fn import(scratch: &Scratch, from: u32) {
    let file = scratch.path("t.jsonl");
    fs::write(&file, traffic(from)).unwrap();
    let file = file.display().to_string();
    run(scratch, &["import", "--format", "traffic", &file]);
}

/// Templates with their number of requests.
fn inventory(scratch: &Scratch) -> BTreeMap<String, u64> {
    let rows = run(scratch, &["inventory", "--format", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&rows).unwrap();
    rows.iter()
        .map(|row| {
            let template = row["template"].as_str().unwrap().to_owned();
            (template, row["requests"].as_u64().unwrap())
        })
        .collect()
}

fn rows(expected: &[(&str, u64)]) -> BTreeMap<String, u64> {
    let own = |(template, n): &(&str, u64)| ((*template).to_owned(), *n);
    expected.iter().map(own).collect()
}

#[test]
fn decisions_are_obeyed_for_ever_and_can_be_taken_back() {
    let scratch = Scratch::new("templates");
    let on = ["--host", HOST];
    let decide = |verb: &[&str]| {
        run(&scratch, &[&["templates"], verb, &on[..]].concat());
    };
    import(&scratch, 1_767_571_200);
    let learned = rows(&[
        ("/orders/{order_id}", 40),
        ("/users/me", 40),
        ("/users/{user_id}", 40),
    ]);
    assert_eq!(inventory(&scratch), learned);

    decide(&["merge", "/users/{login}", "--part", "/users/me"]);
    decide(&["rename", "/orders/{number}"]);
    assert_eq!(
        inventory(&scratch),
        rows(&[("/orders/{number}", 40), ("/users/{login}", 80)])
    );
    refused(
        &scratch,
        &["templates", "ignore", "/users/{any}", "--host", HOST],
        "has the rule `pin` already; withdraw that first",
    );

    // A later run obeys, and what is ignored neither comes back nor is lost.
    decide(&["ignore", "/health/{probe}"]);
    import(&scratch, 1_767_571_300);
    assert_eq!(
        inventory(&scratch),
        rows(&[("/orders/{number}", 80), ("/users/{login}", 160)])
    );
    decide(&["withdraw", "/orders/{any}"]);
    decide(&["ignore", "/orders/{number}"]);
    import(&scratch, 1_767_571_400);
    assert_eq!(inventory(&scratch), rows(&[("/users/{login}", 240)]));
    let listed = run(&scratch, &["templates", "list", "--format", "json"]);
    let listed: Vec<Value> = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed.len(), 3, "{listed:?}");

    decide(&["withdraw", "/orders/{number}"]);
    let back = inventory(&scratch);
    assert_eq!(back.get("/orders/{order_id}"), Some(&120), "{back:?}");
    decide(&["split", "/users/{login}", "--value", "me"]);
    let split = inventory(&scratch);
    assert_eq!(split.get("/users/me"), Some(&120), "{split:?}");
    assert_eq!(split.get("/users/{login}"), Some(&120), "{split:?}");
    refused(
        &scratch,
        &["templates", "withdraw", "/nothing/{here}", "--host", HOST],
        "there is no rule on api.example.com/nothing/{here}",
    );
}
