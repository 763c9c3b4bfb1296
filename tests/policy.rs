//! The policy and a folder of specifications, changed while the product runs.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

/// What the root tests share.
mod support;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Scratch, Serving, sample, sample_specification, serving, tapscope};

/// How long a change may take to show; it is looked for every second.
const PATIENCE: Duration = Duration::from_secs(20);

/// The endpoint of the sample that is asked for.
fn endpoint(product: &Serving, method: &str, template: &str) -> Value {
    let rows: Value = serde_json::from_str(&product.get("/api/v1/endpoints?limit=500")).unwrap();
    let rows = rows["items"].as_array().unwrap().clone();
    let found = rows
        .into_iter()
        .find(|row| row["method"] == method && row["template"] == template);
    found.unwrap_or_else(|| panic!("{method} {template} is not listed"))
}

/// Waits until an endpoint has what is expected.
fn await_value(product: &Serving, template: &str, key: &str, expected: &Value) {
    let start = Instant::now();
    loop {
        let row = endpoint(product, "GET", template);
        if row[key] == *expected {
            return;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "{key} stays {}: {row}",
            row[key]
        );
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_policy_and_documents_that_change_take_hold_and_mistakes_change_nothing() {
    let scratch = Scratch::new("policy");
    let (store, config) = (scratch.path("s.db"), scratch.path("c.toml"));
    let folder = scratch.path("specifications");
    fs::create_dir_all(&folder).unwrap();
    let document = fs::read_to_string(sample_specification()).unwrap();
    fs::write(folder.join("shop.yaml"), &document).unwrap();
    fs::write(folder.join("broken.yaml"), "openapi: 3.1.0\ninfo: [").unwrap();
    fs::write(&config, "[risk]\n").unwrap();
    let [store, config] = [&store, &config].map(|path| path.to_str().unwrap());
    let folder_name = folder.to_str().unwrap();
    let capture = sample();
    let replay = [
        "replay",
        capture.to_str().unwrap(),
        "--store",
        store,
        "--spec",
        folder_name,
    ];
    let output = tapscope(&scratch, &replay);
    assert!(output.status.success());
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("broken.yaml").count(), 1, "{said}");
    let written = format!("[specifications]\nfolder = '{folder_name}'\n");
    fs::write(config, &written).unwrap();
    let product = serving(&scratch, &["serve", "--store", store, "--config", config]);
    let stores = "/v2/stores";
    assert_eq!(
        endpoint(&product, "GET", "/v2/me")["labels"],
        serde_json::json!(["documented"])
    );
    assert_eq!(endpoint(&product, "GET", stores)["lifecycle"], "orphan");
    assert_eq!(
        endpoint(&product, "POST", "/v2/carts")["lifecycle"],
        "drifted"
    );
    // An owner rule, then a mistake, then weights.
    let owned = format!("{written}[[owners]]\nowner = 'shop'\npaths = ['/v2']\n");
    fs::write(config, &owned).unwrap();
    await_value(&product, "/v2/me", "owner", &"shop".into());
    let policy: Value = serde_json::from_str(&product.get("/api/v1/policy")).unwrap();
    assert_eq!(policy["owners"][0]["owner"], "shop");
    fs::write(
        config,
        format!("{owned}[lifecycle]\ndormant_after_days = -1\n"),
    )
    .unwrap();
    fs::write(folder.join("shop.yaml"), "openapi: 3.1.0\npaths: [").unwrap();
    std::thread::sleep(Duration::from_millis(2_500));
    assert_eq!(endpoint(&product, "GET", "/v2/me")["owner"], "shop");
    assert_eq!(endpoint(&product, "GET", stores)["lifecycle"], "orphan");
    // A new revision has an operation no more.
    removal_is_told(&product, &folder.join("shop.yaml"), &document);
}

/// Takes an operation out of the document, and looks what is said of its endpoint.
fn removal_is_told(product: &Serving, file: &Path, document: &str) {
    let without = document.replace("  /v2/me:\n", "  /v2/nobody:\n");
    assert_ne!(without, document);
    fs::write(file, without).unwrap();
    await_value(product, "/v2/me", "lifecycle", &"zombie".into());
    let me = endpoint(product, "GET", "/v2/me");
    let reason = me["lifecycle_reason"].as_str().unwrap();
    assert!(reason.contains("current revision of shop.yaml"), "{reason}");
    let id = me["id"].as_str().unwrap();
    let detail = product.get(&format!("/api/v1/endpoints/{id}"));
    let detail: Value = serde_json::from_str(&detail).unwrap();
    let change = detail["label_changes"].as_array().unwrap().last().unwrap();
    assert_eq!(change["gained"], serde_json::json!(["zombie"]));
    let sum: f64 = detail["risk_factors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|factor| factor["points"].as_f64().unwrap())
        .sum();
    assert!((sum - detail["risk"].as_f64().unwrap()).abs() < 1e-6);
}
