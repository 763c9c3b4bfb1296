//! Private by default: no credential, cookie, password or personal value of the sample's traffic
//! is in the store, the exchange log, the command line's output or any answer of the API.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on fails, and says why"
)]

/// What the root tests share.
mod support;

use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use support::{Scratch, Serving, sample, sample_bytes, sample_specification, serving, tapscope};

/// What stands before a secret on the wire, and what ends it.
const MARKS: &[(&str, &[u8])] = &[
    ("Authorization: Bearer ", b"\r"),
    ("Authorization: Basic ", b"\r"),
    ("X-API-Key: ", b"\r"),
    ("Cookie: shop_session=", b"\r;"),
    ("api_key=", b" &"),
    ("\"email\":\"", b"\""),
    ("\"phone\":\"", b"\""),
    ("\"password\":\"", b"\""),
];

/// Every secret of the sample, straight from its bytes.
fn secrets() -> BTreeSet<Vec<u8>> {
    let capture = sample_bytes();
    let mut secrets = BTreeSet::new();
    for (mark, ends) in MARKS {
        let mark = mark.as_bytes();
        let mut rest = &capture[..];
        while let Some(at) = rest.windows(mark.len()).position(|window| window == mark) {
            rest = &rest[at + mark.len()..];
            let end = rest.iter().position(|byte| ends.contains(byte));
            // A value that a segment's end cuts is found whole elsewhere.
            if let Some(value) = end.map(|end| &rest[..end])
                && (8..400).contains(&value.len())
                && value.iter().all(u8::is_ascii_graphic)
            {
                secrets.insert(value.to_vec());
            }
        }
    }
    secrets
}

/// Every answer of the API that can hold a value: lists, and each thing they list.
fn served(product: &Serving) -> Vec<(String, Vec<u8>)> {
    let mut paths = Vec::new();
    for list in ["overview", "hosts", "specifications", "health"] {
        paths.push(format!("/api/v1/{list}"));
    }
    for list in ["endpoints", "findings", "consumers"] {
        let path = format!("/api/v1/{list}?limit=500");
        let body = product.get(&path);
        let start = body.find('{').expect("JSON");
        let end = body.rfind('}').expect("JSON");
        let rows: Value = serde_json::from_str(&body[start..=end]).expect("JSON");
        let items = rows["items"].as_array().unwrap().iter();
        paths.extend(items.map(|row| format!("/api/v1/{list}/{}", row["id"].as_str().unwrap())));
        paths.push(path);
    }
    let answers = paths.into_iter().map(|path| {
        let body = product.get(&path).into_bytes();
        assert!(body.len() > 20, "{path} answered nothing");
        (path, body)
    });
    answers.collect()
}

/// The store and everything beside it, but for the key.
fn files(scratch: &Scratch) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(scratch.path("")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_none_or(|extension| extension != "key"))
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect()
}

#[test]
fn nothing_that_is_written_or_served_holds_a_secret() {
    let secrets = secrets();
    assert!(
        secrets.len() > 100,
        "the sample holds {} secrets",
        secrets.len()
    );
    let scratch = Scratch::new("private");
    let store = scratch.path("s.db").display().to_string();
    let log = scratch.path("log.jsonl").display().to_string();
    let capture = sample().display().to_string();
    let specification = sample_specification().display().to_string();
    let mut arguments = vec!["replay", &capture, "--spec", &specification, "--serve"];
    arguments.extend(["--store", &store, "--exchange-log", &log]);
    let mut product = serving(&scratch, &arguments);
    let deadline = Instant::now() + Duration::from_secs(120);
    while !product.get("/api/v1/health").contains("finished") {
        assert!(
            Instant::now() < deadline,
            "the replay does not come to its end"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let mut written = served(&product);
    product.stop();
    for verb in ["inventory", "findings"] {
        let output = tapscope(&scratch, &[verb, "--store", &store, "--format", "json"]);
        written.push((verb.to_owned(), output.stdout));
    }
    written.extend(files(&scratch));
    assert!(
        written
            .iter()
            .any(|(name, bytes)| name.ends_with("s.db") && bytes.len() > 10_000)
    );
    for (name, bytes) in &written {
        for secret in &secrets {
            let found = bytes
                .windows(secret.len())
                .any(|window| window == &secret[..]);
            assert!(!found, "{name} holds {}", String::from_utf8_lossy(secret));
        }
    }
}
