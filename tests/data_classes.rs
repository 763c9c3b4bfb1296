//! Classes of data of the user's own, from the configuration to the exported inventory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

/// What the root tests share.
mod support;

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;
use support::{Scratch, serving, tapscope};

const CONFIGURATION: &str = r#"
[[data_classes]]
name = "employee_number"
pattern = 'E-\d{6}'
tags = ["GDPR", "ACME internal"]

[[data_classes]]
name = "cost_centre"
fields = ["cost_centre"]
distinct_values_min = 2
values = "plain"
tags = ["SOX"]
"#;

/// Calls that answer with an employee each: one with two cost centres, one with the same twice.
fn traffic() -> String {
    let mut out = String::new();
    for n in 0..30_u32 {
        for (path, second) in [("teams", n + 1), ("rooms", n)] {
            let body = format!(
                r#"[{{\"who\":\"E-9{n:05}\",\"costCentre\":{n}}},{{\"costCentre\":{second}}}]"#
            );
            writeln!(
                out,
                r#"{{"ts":{},"client_ip":"10.0.0.{n}","client_port":4000,"method":"GET","host":"hr.example.com","path":"/{path}/E-9{n:05}","query":"by=E-9{n:05}","status":200,"req_headers":{{}},"resp_headers":{{"content-type":"application/json"}},"resp_body":"{body}","latency_ms":1}}"#,
                1_767_571_200 + n
            )
            .unwrap();
        }
    }
    out
}

/// `class [tags]` of the endpoint's responses.
fn told(endpoint: &Value) -> Vec<String> {
    let data = endpoint["data"].as_array().unwrap().iter();
    data.map(|one| format!("{} {}", one["class"].as_str().unwrap(), one["tags"]))
        .collect()
}

#[test]
fn a_class_of_ones_own_is_in_the_exported_inventory_with_its_tags() {
    let scratch = Scratch::new("data-classes");
    let file = |name: &str, content: &str| {
        let path = scratch.path(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    };
    let config = file("tapscope.toml", CONFIGURATION);
    let traffic = file("traffic.jsonl", &traffic());
    let store = scratch.path("s.db").display().to_string();
    let import = ["import", "--format", "traffic", &traffic, "--store", &store];
    let output = tapscope(&scratch, &[&import[..], &["--config", &config]].concat());
    assert!(output.status.success(), "{output:?}");

    // Without the configuration: what was seen keeps its tags.
    let export = tapscope(&scratch, &["export", "--store", &store, "--format", "json"]);
    let text = String::from_utf8(export.stdout).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let employee = r#"employee_number ["GDPR","ACME internal"]"#;
    for endpoint in report["endpoints"].as_array().unwrap() {
        let expected = match endpoint["template"].as_str().unwrap() {
            path if path.starts_with("/teams/") => &[r#"cost_centre ["SOX"]"#, employee][..],
            // The same centre twice is one value.
            _ => &[employee],
        };
        assert_eq!(told(endpoint), expected, "{}", endpoint["template"]);
    }
    assert_eq!(report["endpoints"].as_array().unwrap().len(), 2, "{text}");
    assert!(!text.contains("E-9"), "{text}");

    let server = serving(&scratch, &["serve", "--store", &store]);
    let list = server.get("/api/v1/endpoints");
    assert!(list.contains("employee_number"), "{list}");
    let id = report["endpoints"][0]["id"].as_str().unwrap();
    let detail = server.get(&format!("/api/v1/endpoints/{id}"));
    assert!(detail.contains("ACME internal"), "{detail}");
    assert!(!detail.contains("E-9"), "{detail}");
}

#[test]
fn a_class_that_cannot_be_stops_the_start_with_one_line() {
    let scratch = Scratch::new("data-classes-errors");
    let config = scratch.path("tapscope.toml");
    let wrong = "[[data_classes]]\nname = \"iban\"\npattern = \"x\"";
    fs::write(&config, wrong).unwrap();
    let sample = support::sample().display().to_string();
    let arguments = ["replay", &sample, "--config", config.to_str().unwrap()];
    let output = tapscope(&scratch, &arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success());
    assert!(
        said.contains("data class 1 (\"iban\"): this name is built in; use another"),
        "{said}"
    );
    assert_eq!(said.trim().lines().count(), 1, "{said}");
}
