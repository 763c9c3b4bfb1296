//! Violations planted in trees made of strings: every rule must find its own and nothing in the
//! clean neighbour. A checker that never fails checks nothing.

use crate::manifest::Manifest;
use crate::source::{Source, derives, has_word, std_modules, without_tests};
use crate::{Tree, rules};

/// A tree of the given files; manifests, sources and texts are told apart by their names.
fn planted(files: &[(&str, &str)]) -> Tree {
    let mut tree = Tree {
        manifests: Vec::new(),
        sources: Vec::new(),
        texts: Vec::new(),
        paths: Vec::new(),
    };
    for (path, text) in files {
        tree.paths.push((*path).to_owned());
        if path.ends_with("Cargo.toml") {
            let folder = path.trim_end_matches("Cargo.toml").trim_end_matches('/');
            tree.manifests.push(Manifest::new(folder, text));
        } else if path.ends_with(".rs") {
            tree.sources.push(Source::new(path, text));
        } else {
            tree.texts.push(((*path).to_owned(), (*text).to_owned()));
        }
    }
    tree
}

/// A rule finds exactly `count` violations in a tree of one file.
fn finds(rule: fn(&Tree) -> Vec<String>, count: usize, path: &str, text: &str) {
    let found = rule(&planted(&[(path, text)]));
    assert_eq!(found.len(), count, "{path}: {text}\nfound: {found:?}");
}

#[test]
fn an_edge_against_the_flow_is_found() {
    let rule = rules::a_stage_knows_only_the_stage_before_it;
    finds(
        rule,
        0,
        "sensor/http/Cargo.toml",
        "[dependencies]\ntapscope-flow.workspace = true\n",
    );
    finds(
        rule,
        1,
        "sensor/http/Cargo.toml",
        "[dependencies]\ntapscope-decap.workspace = true\n",
    );
    finds(
        rule,
        1,
        "sensor/record/Cargo.toml",
        "[dependencies]\ntapscope-http = { path = \"x\" }",
    );
    finds(
        rule,
        1,
        "analyzer/Cargo.toml",
        "[dependencies.tapscope-store]\nworkspace = true",
    );
    finds(rule, 1, "sensor/tls/Cargo.toml", "[package]");
    finds(
        rule,
        0,
        "Cargo.toml",
        "[dependencies]\ntapscope-decap.workspace = true\n",
    );
    // Tests may use what they like.
    finds(
        rule,
        0,
        "analyzer/Cargo.toml",
        "[dev-dependencies]\ntapscope-redact.workspace = true",
    );
}

#[test]
fn an_acting_dependency_of_a_pure_crate_is_found() {
    let rule = rules::pure_crates_depend_on_nothing_that_acts;
    finds(
        rule,
        1,
        "analyzer/Cargo.toml",
        "[dependencies]\ntokio = \"1\"",
    );
    finds(
        rule,
        1,
        "sensor/flow/Cargo.toml",
        "[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"",
    );
    finds(
        rule,
        0,
        "sensor/capture/Cargo.toml",
        "[dependencies]\nlibc = \"0.2\"",
    );
}

#[test]
fn a_clock_in_pure_code_is_found() {
    let rule = rules::pure_code_has_no_clock_no_files_no_threads;
    for text in [
        "use std::fs;",
        "use std::{collections::BTreeMap, thread};",
        "use std::{collections::{BTreeMap, HashMap}, fs::File};",
        "let now = std::time::Instant::now();",
        "fn f() { println!(\"x\") }",
        "static COUNT: AtomicU64 = AtomicU64::new(0);",
        "use std::net::{IpAddr, TcpStream};",
    ] {
        finds(rule, 1, "sensor/flow/src/lib.rs", text);
        finds(rule, 0, "sensor/capture/src/lib.rs", text);
        finds(rule, 0, "sensor/flow/tests/it.rs", text);
    }
    for text in [
        "// Instant is what we do not use\n",
        "const X: &str = \"std::fs println!\";",
        "/* std::thread */ fn f<'a>(x: &'a str) {}",
        "const C: char = '\"'; // Instant\n",
        "use std::net::IpAddr;",
        "static TABLE: [u8; 2] = [1, 2];",
        "fn f() {}\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}\n",
    ] {
        finds(rule, 0, "sensor/flow/src/lib.rs", text);
    }
}

#[test]
fn an_edge_crate_out_of_place_is_found() {
    let rule = rules::crates_of_the_edge_stay_at_the_edge;
    finds(
        rule,
        1,
        "analyzer/store/Cargo.toml",
        "[dependencies]\naxum = \"0.8\"",
    );
    finds(
        rule,
        1,
        "dashboard-api/Cargo.toml",
        "[dependencies]\nrusqlite.workspace = true",
    );
    finds(
        rule,
        0,
        "analyzer/store/Cargo.toml",
        "[dependencies]\nrusqlite.workspace = true",
    );
}

#[test]
fn a_derive_out_of_place_is_found() {
    let rule = rules::serde_is_derived_only_at_the_edges;
    let text = "#[derive(Clone, Serialize)]\nstruct A;";
    finds(rule, 1, "analyzer/src/finding/mod.rs", text);
    finds(
        rule,
        1,
        "sensor/http/src/exchange.rs",
        "#[derive(\n    Debug,\n    serde::Deserialize,\n)]",
    );
    finds(rule, 0, "analyzer/src/snapshot/mod.rs", text);
    finds(rule, 0, "dashboard-api/src/view/findings.rs", text);
    finds(
        rule,
        0,
        "analyzer/src/finding/mod.rs",
        "#[derive(Clone)]\nstruct Serializer;",
    );
}

#[test]
fn a_file_without_header_or_owner_is_found() {
    finds(
        rules::every_file_says_what_it_is,
        1,
        "src/main.rs",
        "fn main() {}",
    );
    finds(
        rules::every_file_says_what_it_is,
        0,
        "src/main.rs",
        "//! Main.\nfn main() {}",
    );
    finds(
        rules::every_module_line_says_what_it_is,
        1,
        "src/main.rs",
        "//! M.\n\nmod cli;\n",
    );
    finds(
        rules::every_module_line_says_what_it_is,
        1,
        "src/main.rs",
        "pub(crate) mod cli;\n",
    );
    finds(
        rules::every_module_line_says_what_it_is,
        0,
        "src/main.rs",
        "/// C.\npub mod cli;\n",
    );
    finds(
        rules::every_module_line_says_what_it_is,
        0,
        "src/main.rs",
        "/// C.\n#[cfg(a)]\nmod cli;",
    );

    let rule = rules::every_file_is_compiled;
    finds(rule, 1, "analyzer/src/lost.rs", "");
    let owned = [
        ("analyzer/src/lib.rs", "mod kept;"),
        ("analyzer/src/kept/mod.rs", "mod a;"),
        ("analyzer/src/kept/a.rs", ""),
    ];
    assert_eq!(rule(&planted(&owned)), Vec::<String>::new());
}

#[test]
fn a_long_file_is_found_but_not_its_tests() {
    let rule = rules::no_file_is_too_long;
    finds(rule, 1, "src/main.rs", &"fn f() {}\n".repeat(701));
    finds(rule, 0, "src/main.rs", &"fn f() {}\n".repeat(700));
    let tested = format!(
        "fn f() {{}}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
        "//\n".repeat(900)
    );
    finds(rule, 0, "src/main.rs", &tested);
}

#[test]
fn a_weakened_test_is_found() {
    let rule = rules::tests_are_neither_ignored_nor_expected_to_panic;
    finds(
        rule,
        1,
        "src/main.rs",
        "#[cfg(test)]\nmod tests {\n    #[ignore]\n    fn a() {}\n}\n",
    );
    finds(
        rule,
        1,
        "tests/a.rs",
        "#[should_panic(expected = \"x\")]\nfn a() {}\n",
    );
    finds(rule, 0, "tests/a.rs", "// never #[ignore]\n");
}

#[test]
fn a_note_without_an_issue_is_found() {
    let rule = rules::what_is_left_to_do_names_its_issue;
    finds(rule, 1, "src/main.rs", "// TODO: later\n");
    finds(rule, 0, "src/main.rs", "// TODO(#12): later\n");
    finds(rule, 0, "src/main.rs", "const WORD: &str = \"TODO\";\n");
}

#[test]
fn an_exception_without_a_reason_is_found() {
    let rule = rules::exceptions_to_lints_give_their_reason;
    finds(rule, 1, "src/main.rs", "#[allow(dead_code)]\nfn f() {}\n");
    finds(rule, 1, "src/main.rs", "#![expect(dead_code)]\n");
    finds(
        rule,
        0,
        "src/main.rs",
        "#[expect(dead_code, reason = \"kept for x (y)\")]\nfn f() {}\n",
    );
}

#[test]
fn a_crate_that_opts_out_of_lints_is_found() {
    let rule = rules::every_crate_takes_the_workspace_lints;
    finds(rule, 1, "analyzer/Cargo.toml", "[package]\nname = \"a\"\n");
    finds(
        rule,
        0,
        "analyzer/Cargo.toml",
        "[lints]\nworkspace = true\n",
    );

    let clean = "#![deny(\n    clippy::indexing_slicing,\n    clippy::unwrap_used,\n    \
                 clippy::expect_used,\n    clippy::panic\n)]";
    let rule = rules::packet_crates_deny_what_can_panic;
    let all = |text| {
        rule(&planted(&[
            ("sensor/decap/src/lib.rs", text),
            ("sensor/flow/src/lib.rs", text),
            ("sensor/http/src/lib.rs", text),
            ("sensor/redact/src/lib.rs", text),
        ]))
    };
    assert_eq!(all(clean), Vec::<String>::new());
    assert_eq!(all("// #![deny(clippy::panic)]").len(), 16);
}

#[test]
fn a_pure_crate_without_its_clippy_file_is_found() {
    let rule = rules::pure_crates_ban_the_clock_by_clippy_too;
    let root = "too-many-lines-threshold = 70\n";
    let bans = "std::time::SystemTime::now std::time::Instant::now std::thread::spawn";
    let with = |own: &str| {
        let mut tree = planted(&[("clippy.toml", root)]);
        for folder in rules::PURE {
            tree.texts
                .push((format!("{folder}/clippy.toml"), own.to_owned()));
        }
        rule(&tree).len()
    };
    assert_eq!(with(&format!("{root}{bans}")), 0);
    assert_eq!(with(bans), rules::PURE.len());
    assert_eq!(with(root), 3 * rules::PURE.len());
}

#[test]
fn unsafe_out_of_place_is_found() {
    let rule = rules::unsafe_stays_at_the_edge;
    finds(
        rule,
        1,
        "sensor/flow/src/lib.rs",
        "fn f() { unsafe { g() } }",
    );
    finds(
        rule,
        0,
        "sensor/capture/src/lib.rs",
        "fn f() { unsafe { g() } }",
    );
    finds(
        rule,
        0,
        "sensor/flow/src/lib.rs",
        "#![deny(unsafe_code)]\n// unsafe\n",
    );
}

#[test]
fn a_broken_link_is_found() {
    let rule = rules::links_between_documents_lead_somewhere;
    finds(rule, 1, "README.md", "see [this](docs/lost.md)");
    finds(
        rule,
        0,
        "README.md",
        "see [this](README.md#a), [that](https://example.org/a.md)",
    );
    finds(rule, 0, "docs/a.md", "see [this](../docs/./a.md)");
}

#[test]
fn a_setting_without_an_example_is_found() {
    let rule = rules::every_setting_is_in_the_example_configuration;
    let written = "struct WrittenStore {\n    path: Option<PathBuf>,\n    pub(super) age: Option<u8>,\n}\n\
                   struct Written {\n    store: WrittenStore,\n}\n";
    let with = |example: &str| {
        rule(&planted(&[
            ("src/config/mod.rs", written),
            ("deploy/tapscope.toml", example),
        ]))
        .len()
    };
    assert_eq!(with("path = 1\n# age = 2\n"), 0);
    assert_eq!(with("# The path.\npath = 1\n# paging = 2\n"), 1);
    assert_eq!(with(""), 2);
    let table = "limits! {\n    hosts_max: usize => a.b >= 1;\n    $key: Option<$type>,\n}";
    finds(rule, 1, "src/config/limits.rs", table);
}

#[test]
fn a_large_lock_is_found() {
    finds(
        rules::the_lock_stays_small,
        1,
        "Cargo.lock",
        &"[[package]]\n".repeat(251),
    );
    finds(
        rules::the_lock_stays_small,
        0,
        "Cargo.lock",
        &"[[package]]\n".repeat(250),
    );
}

#[test]
fn source_is_taken_apart_rightly() {
    let source = Source::new(
        "a.rs",
        "let a = r#\"x \" // no\"#; // yes\nlet b = b\"\\\"\"; 'c: loop {}",
    );
    let first: Vec<&str> = source
        .code
        .lines()
        .next()
        .unwrap_or("")
        .split_whitespace()
        .collect();
    assert_eq!(first, ["let", "a", "=", ";"]);
    assert_eq!(source.comments.trim(), "// yes");
    assert!(source.code.contains("'c: loop {}"));
    assert!(has_word("a::fs::b", "fs") && !has_word("offs", "fs") && !has_word("fs_a", "fs"));
    assert_eq!(without_tests("a\n#[cfg(test)]\nmod tests {\n}\n"), "a\n");
    assert_eq!(
        without_tests("#[cfg(test)]\nmod tests;\nfn f() {}"),
        "#[cfg(test)]\nmod tests;\nfn f() {}"
    );
    assert_eq!(derives("#[derive(A, B)]"), vec![(1, "A, B".to_owned())]);
    let modules = std_modules("use std::fs;\nuse std::{io::{self, Read}, env};");
    let names: Vec<&str> = modules.iter().map(|(_, name)| name.as_str()).collect();
    assert_eq!(names, ["fs", "io", "env"]);
}
