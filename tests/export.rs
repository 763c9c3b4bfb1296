//! Reports: the command line and the API give the same bytes, twice the same, in every form.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on fails"
)]

mod support;

use std::fs;

use support::{Scratch, sample, sample_specification, serving, tapscope};

const HOST: &str = "api.shop.example";

#[test]
fn command_line_and_api_give_the_same_bytes_in_every_form() {
    let scratch = Scratch::new("export");
    let store = scratch.path("s.db");
    let (store, sample, spec) = (store.to_str().unwrap(), sample(), sample_specification());
    let (sample, spec) = (sample.to_str().unwrap(), spec.to_str().unwrap());
    let replay = ["replay", sample, "--spec", spec, "--store", store];
    assert!(tapscope(&scratch, &replay).status.success());
    let server = serving(&scratch, &["serve", "--store", store]);
    for form in ["csv", "json", "xlsx", "html", "pdf", "openapi", "cyclonedx"] {
        for since in [None, Some("2020-01-01")] {
            let file = scratch.path("report");
            let file = file.to_str().unwrap();
            let mut arguments = vec!["export", "--store", store, "--format", form, "--host", HOST];
            arguments.extend(["-o", file]);
            let mut address = format!("/api/v1/export/{form}?host={HOST}");
            if let Some(since) = since {
                arguments.extend(["--since", since]);
                address.push_str(&format!("&since={since}"));
            }
            assert!(tapscope(&scratch, &arguments).status.success(), "{form}");
            let written = fs::read(file).unwrap();
            let served = server.get_bytes(&address);
            assert!(written.len() > 200, "{form}: {} bytes", written.len());
            assert!(written == served, "{form}: the API gives other bytes");
            // The same data gives the same bytes, whatever the clock says.
            assert!(tapscope(&scratch, &arguments).status.success(), "{form}");
            assert!(
                written == fs::read(file).unwrap(),
                "{form}: not twice the same"
            );
        }
    }
}

#[test]
fn every_table_is_there_as_csv() {
    let scratch = Scratch::new("export-tables");
    let store = scratch.path("s.db");
    let (store, sample) = (store.to_str().unwrap(), sample());
    let replay = ["replay", sample.to_str().unwrap(), "--store", store];
    assert!(tapscope(&scratch, &replay).status.success());
    let server = serving(&scratch, &["serve", "--store", store]);
    for (table, column) in [
        ("endpoints", "authentication_shares"),
        ("changes", "gained"),
        ("parameters", "range"),
        ("fields", "present_share"),
        ("findings", "severity"),
        ("hosts", "complete_share"),
        ("candidates", "needs"),
    ] {
        let arguments = [
            "export", "--store", store, "--format", "csv", "--table", table,
        ];
        let output = tapscope(&scratch, &arguments);
        assert!(output.status.success(), "{table}");
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        let head = text.lines().next().unwrap();
        assert!(
            head.split(',').any(|name| name == column),
            "{table}: {head}"
        );
        assert!(text.lines().count() > 1, "{table} is empty");
        let served = server.get_bytes(&format!("/api/v1/export/csv?table={table}"));
        assert!(
            output.stdout == served,
            "{table}: the API gives other bytes"
        );
    }
}

#[test]
fn what_cannot_be_written_is_told_in_one_line() {
    let scratch = Scratch::new("export-errors");
    let store = scratch.path("s.db");
    let store = store.to_str().unwrap();
    let sample = sample();
    let replay = ["replay", sample.to_str().unwrap(), "--store", store];
    assert!(tapscope(&scratch, &replay).status.success());
    for (arguments, expected) in [
        (
            ["--format", "csv", "--host", "nowhere.test"],
            "no endpoint of the host",
        ),
        (["--format", "csv", "--since", "yesterday"], "not a date"),
        (["--format", "csv", "--since", "2999-01-01"], "not a date"),
        (
            ["--format", "csv", "--table", "rows"],
            "no table of a report",
        ),
        (
            ["--format", "xlsx", "--table", "fields"],
            "only csv holds one table",
        ),
    ] {
        let all = [&["export", "--store", store][..], &arguments].concat();
        let output = tapscope(&scratch, &all);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            !output.status.success() && told.contains(expected),
            "{told}"
        );
    }
}
