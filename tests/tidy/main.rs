//! The architecture as tests: what may depend on what, what pure code may not touch, what every
//! file owes its reader. Each rule says why it stands. The last module plants violations and sees
//! that the rules find them.

mod manifest;
mod planted;
mod rules;
mod source;

use std::fs;
use std::path::{Path, PathBuf};

use manifest::Manifest;
use source::Source;

/// The repository as the rules see it.
pub(crate) struct Tree {
    /// Every manifest; the root's folder is empty.
    pub(crate) manifests: Vec<Manifest>,
    /// Every Rust file.
    pub(crate) sources: Vec<Source>,
    /// Other text files the rules read: (path, text).
    pub(crate) texts: Vec<(String, String)>,
    /// Paths of all files and folders, for links.
    pub(crate) paths: Vec<String>,
}

/// The configuration file that shows every key.
pub(crate) const EXAMPLE_CONFIGURATION: &str = "deploy/tapscope.toml";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Reads the checkout; what is built or fetched is not part of it.
fn tree() -> Tree {
    let mut paths = Vec::new();
    walk(&root(), &root(), &mut paths);
    paths.sort();
    let read = |path: &String| fs::read_to_string(root().join(path)).ok();
    let manifests = paths
        .iter()
        .filter(|path| *path == "Cargo.toml" || path.ends_with("/Cargo.toml"))
        // `tests/fuzz` is a workspace of its own: a fuzzer's runtime is no part of what is shipped.
        .filter(|path| !path.starts_with("tests/fuzz/"))
        .filter_map(|path| {
            let folder = path.trim_end_matches("Cargo.toml").trim_end_matches('/');
            Some(Manifest::new(folder, &read(path)?))
        })
        .collect();
    let sources = paths
        .iter()
        .filter(|path| path.ends_with(".rs"))
        .filter_map(|path| Some(Source::new(path, &read(path)?)))
        .collect();
    let texts = paths
        .iter()
        .filter(|path| {
            path.ends_with(".md")
                || path.ends_with("clippy.toml")
                || ["Cargo.lock", EXAMPLE_CONFIGURATION].contains(&path.as_str())
        })
        .filter_map(|path| Some((path.clone(), read(path)?)))
        .collect();
    Tree {
        manifests,
        sources,
        texts,
        paths,
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<String>) {
    const NOT_OURS: [&str; 5] = ["target", "node_modules", ".git", ".tools", ".work"];
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        if NOT_OURS.contains(&name.as_str()) {
            continue;
        }
        if let Ok(relative) = path.strip_prefix(root) {
            found.push(relative.to_string_lossy().replace('\\', "/"));
        }
        if path.is_dir() {
            walk(root, &path, found);
        }
    }
}

/// Holds one rule against the checkout.
fn hold(rule: fn(&Tree) -> Vec<String>, reason: &str) {
    let found = rule(&tree());
    assert!(found.is_empty(), "{}\n\nwhy: {reason}\n", found.join("\n"));
}

/// One test a rule, named by what it asks.
macro_rules! rules {
    ($($(#[$doc:meta])* $name:ident: $reason:literal;)*) => {
        $(
            #[test]
            fn $name() {
                hold(rules::$name, $reason);
            }
        )*
    };
}

rules! {
    a_stage_knows_only_the_stage_before_it:
        "A stage that knows only its neighbour's output can be replaced, tested and reasoned about \
         alone; an edge more and the pipeline turns into a web. The allowed edges are in \
         tests/tidy/rules.rs and in ARCHITECTURE.md; adding one is a decision about both.";
    pure_crates_depend_on_nothing_that_acts:
        "Pure crates take bytes and a timestamp and return values, so that a capture replayed twice \
         gives the same result and every state can be reached by a test. A dependency that opens \
         sockets, files, threads or logs ends that.";
    pure_code_has_no_clock_no_files_no_threads:
        "Time is the packet's time and input is an argument. A clock, a file or an environment \
         variable read in the middle makes a replay differ from the live run.";
    crates_of_the_edge_stay_at_the_edge:
        "The web framework, the database and libpcap each live in one crate, so that each can be \
         replaced by changing one crate.";
    serde_is_derived_only_at_the_edges:
        "A derived format is a promise to whoever stored or sent it. Only types that are made to be \
         kept or shown carry one; the others may change freely.";
    every_file_says_what_it_is:
        "A reader who opens any file is told what it is and why it is here by its first line.";
    every_module_line_says_what_it_is:
        "A crate's list of modules is the table of contents a newcomer reads first.";
    no_file_is_too_long:
        "A file beyond 700 lines, its tests not counted, has more than one subject; in this field it is always the state \
         machine that was never split by state.";
    every_file_is_compiled:
        "A file no `mod` line names is not compiled, not tested and not true.";
    tests_are_neither_ignored_nor_expected_to_panic:
        "An ignored test is a claim nobody checks; an expected panic passes for the wrong panic too.";
    what_is_left_to_do_names_its_issue:
        "A note without an issue number is forgotten; with one it has an owner and an end.";
    exceptions_to_lints_give_their_reason:
        "A lint is switched off by a person for a reason; the next person needs it.";
    every_crate_takes_the_workspace_lints:
        "Lints that hold in most crates hold in none.";
    packet_crates_deny_what_can_panic:
        "Bytes from the wire are written by an attacker; an index or an unwrap on them is a way to \
         stop the sensor.";
    pure_crates_ban_the_clock_by_clippy_too:
        "clippy resolves paths where this test only reads words; both together leave no way round. \
         The nearest clippy.toml replaces the root's, so it must repeat what the root sets.";
    unsafe_stays_at_the_edge:
        "What the compiler cannot check is kept where the operating system is, and nowhere else.";
    links_between_documents_lead_somewhere:
        "A link in the documentation that leads nowhere tells the reader that the rest may be old \
         too.";
    every_setting_is_in_the_example_configuration:
        "A setting nobody can find is a constant. The example names every key with its default and \
         its reason.";
    the_lock_stays_small:
        "Every package in the lock is somebody we trust with a process that sees all traffic.";
}
