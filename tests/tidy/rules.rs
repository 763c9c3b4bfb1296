//! The rules. Each takes the tree and gives one line for every violation; why each stands is said
//! where it is called, in `main.rs`.

use crate::source::{Source, derives, groups, has_word, std_modules};
use crate::{EXAMPLE_CONFIGURATION, Tree};

/// Who may depend on whom inside the workspace. The root package may use everything.
const EDGES: [(&str, &[&str]); 13] = [
    ("sensor/decap", &[]),
    ("sensor/record", &[]),
    ("sensor/capture", &["decap"]),
    ("sensor/flow", &["decap"]),
    ("sensor/http", &["flow"]),
    ("sensor/redact", &["http", "record"]),
    (
        "sensor/pipeline",
        &["capture", "decap", "flow", "http", "record", "redact"],
    ),
    ("analyzer", &["record"]),
    ("analyzer/store", &["analyzer", "record"]),
    ("reports", &["analyzer"]),
    ("dashboard-api", &["analyzer", "record", "reports", "store"]),
    // Not part of the product: captures in every encapsulation, and the sensor over them.
    (
        "tests/wrap",
        &["capture", "decap", "http", "pipeline", "record", "redact"],
    ),
    // Not part of the product: laws over every stage, which fuzzing and a test hold it to.
    (
        "tests/laws",
        &[
            "decap", "flow", "http", "redact", "record", "pipeline", "analyzer",
        ],
    ),
];

/// Crates that take bytes and time and return values.
pub(crate) const PURE: [&str; 7] = [
    "sensor/decap",
    "sensor/flow",
    "sensor/http",
    "sensor/redact",
    "sensor/record",
    "analyzer",
    "reports",
];

/// Dependencies no pure crate may have.
const ACTING_CRATES: [&str; 15] = [
    "async-std",
    "axum",
    "chrono",
    "crossbeam-channel",
    "hyper",
    "libc",
    "log",
    "mio",
    "pcap",
    "rand",
    "rusqlite",
    "smol",
    "tokio",
    "tracing",
    "tracing-subscriber",
];

/// Modules of the standard library no pure crate may use.
const ACTING_MODULES: [&str; 5] = ["env", "fs", "os", "process", "thread"];

/// Words no pure crate may use.
const ACTING_WORDS: [&str; 12] = [
    "Instant",
    "SystemTime",
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixStream",
    "Mutex",
    "RwLock",
    "Condvar",
    "thread_local",
    "stdout",
    "stderr",
];

/// Macros no pure crate may use.
const ACTING_MACROS: [&str; 5] = ["println", "eprintln", "print", "eprint", "dbg"];

/// Dependencies that belong to one crate (and to the root, where it wires them up).
const EDGE_CRATES: [(&str, &[&str]); 5] = [
    ("axum", &["dashboard-api", ""]),
    ("rusqlite", &["analyzer/store"]),
    ("pcap", &["sensor/capture"]),
    ("pcap-parser", &["sensor/capture"]),
    ("tokio", &["dashboard-api", ""]),
];

/// Where serde may be derived: a path that starts with one of these.
const SERDE_PLACES: [&str; 7] = [
    "sensor/record/src/",
    "sensor/pipeline/src/traffic",
    "analyzer/src/snapshot",
    "analyzer/store/src/",
    "dashboard-api/src/view",
    "src/config",
    "src/view",
];

/// Lines a file may have, its test module not counted.
const LINES_MAX: usize = 700;

/// Packages the lock may name.
const LOCK_PACKAGES_MAX: usize = 250;

/// Lints the packet crates must deny on their own, with what each keeps out.
const PACKET_DENIES: [&str; 4] = [
    "clippy::indexing_slicing",
    "clippy::unwrap_used",
    "clippy::expect_used",
    "clippy::panic",
];

/// Crates whose input is bytes from the wire.
const PACKET_CRATES: [&str; 4] = [
    "sensor/decap",
    "sensor/flow",
    "sensor/http",
    "sensor/redact",
];

/// The folder of the crate a path belongs to; empty for the root package.
fn crate_of(path: &str) -> &str {
    path.split_once("/src/").map_or("", |(folder, _)| folder)
}

fn is_pure(source: &Source) -> bool {
    source.is_library() && PURE.contains(&crate_of(&source.path))
}

pub(crate) fn a_stage_knows_only_the_stage_before_it(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for manifest in tree
        .manifests
        .iter()
        .filter(|manifest| !manifest.folder.is_empty())
    {
        let Some((_, allowed)) = EDGES.iter().find(|(folder, _)| *folder == manifest.folder) else {
            found.push(format!(
                "{}: a crate the rule does not know",
                manifest.folder
            ));
            continue;
        };
        for name in manifest.internal() {
            if !allowed.contains(&name) {
                found.push(format!(
                    "{}/Cargo.toml depends on tapscope-{name}",
                    manifest.folder
                ));
            }
        }
    }
    found
}

pub(crate) fn pure_crates_depend_on_nothing_that_acts(tree: &Tree) -> Vec<String> {
    let pure = tree
        .manifests
        .iter()
        .filter(|manifest| PURE.contains(&manifest.folder.as_str()));
    pure.flat_map(|manifest| {
        let acting = manifest
            .dependencies
            .iter()
            .filter(|n| ACTING_CRATES.contains(&n.as_str()));
        acting.map(|name| format!("{}/Cargo.toml depends on {name}", manifest.folder))
    })
    .collect()
}

pub(crate) fn pure_code_has_no_clock_no_files_no_threads(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.sources.iter().filter(|source| is_pure(source)) {
        for (line, module) in std_modules(&source.code) {
            if ACTING_MODULES.contains(&module.as_str()) {
                found.push(format!("{}:{line}: std::{module}", source.path));
            }
        }
        for word in ACTING_WORDS {
            if let Some(line) = source.line_with_word(word) {
                found.push(format!("{}:{line}: {word}", source.path));
            }
        }
        for (index, line) in source.code.lines().enumerate() {
            for name in ACTING_MACROS {
                if has_word(line, name) && line.contains(&format!("{name}!")) {
                    found.push(format!("{}:{}: {name}!", source.path, index + 1));
                }
            }
            let is_static = has_word(line, "static") && line.contains(':') && !line.contains('\'');
            let changes = ["mut", "Cell", "RefCell"]
                .iter()
                .any(|word| has_word(line, word))
                || line.contains("Atomic");
            if is_static && changes {
                found.push(format!("{}:{}: global state", source.path, index + 1));
            }
        }
    }
    found
}

pub(crate) fn crates_of_the_edge_stay_at_the_edge(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (name, folders) in EDGE_CRATES {
        for manifest in &tree.manifests {
            let has = manifest
                .dependencies
                .iter()
                .any(|dependency| dependency == name);
            if has && !folders.contains(&manifest.folder.as_str()) {
                found.push(format!("{}/Cargo.toml depends on {name}", manifest.folder));
            }
        }
    }
    found
}

pub(crate) fn serde_is_derived_only_at_the_edges(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.sources.iter().filter(|source| source.is_library()) {
        if SERDE_PLACES
            .iter()
            .any(|place| source.path.starts_with(place))
        {
            continue;
        }
        for (line, names) in derives(&source.code) {
            if has_word(&names, "Serialize") || has_word(&names, "Deserialize") {
                found.push(format!("{}:{line}: derive({names})", source.path));
            }
        }
    }
    found
}

pub(crate) fn every_file_says_what_it_is(tree: &Tree) -> Vec<String> {
    let silent = tree
        .sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "));
    silent
        .map(|source| format!("{}: does not start with `//! `", source.path))
        .collect()
}

pub(crate) fn every_module_line_says_what_it_is(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    // Further down, the header of the module's own file says it.
    let is_root = |source: &&Source| {
        source.path.ends_with("src/lib.rs") || source.path.ends_with("src/main.rs")
    };
    for source in tree.sources.iter().filter(is_root) {
        let lines: Vec<&str> = source.text.lines().collect();
        for (index, line) in source.code.lines().enumerate() {
            if module_declared(line).is_none() {
                continue;
            }
            let above = lines[..index].iter().rev().map(|line| line.trim());
            let mut above = above.skip_while(|line| line.starts_with("#["));
            let is_test = index > 0 && lines[index - 1].contains("cfg(test)");
            if !is_test && !above.next().is_some_and(|line| line.starts_with("//")) {
                found.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    found
}

/// The name in `mod name;`, whatever its visibility.
fn module_declared(line: &str) -> Option<&str> {
    let line = line.trim();
    let rest = match line.strip_prefix("pub") {
        Some(rest) if rest.starts_with('(') => rest.split_once(')')?.1.trim_start(),
        Some(rest) => rest.trim_start(),
        None => line,
    };
    rest.strip_prefix("mod ")?.strip_suffix(';')
}

pub(crate) fn no_file_is_too_long(tree: &Tree) -> Vec<String> {
    let lengths = tree
        .sources
        .iter()
        .filter(|source| source.is_library())
        .map(|source| (source, source.code.lines().count()));
    lengths
        .filter(|(_, lines)| *lines > LINES_MAX)
        .map(|(source, lines)| format!("{}: {lines} lines, at most {LINES_MAX}", source.path))
        .collect()
}

pub(crate) fn every_file_is_compiled(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in tree.sources.iter().filter(|source| source.is_library()) {
        let (folder, file) = source.path.rsplit_once('/').unwrap_or(("", &source.path));
        let name = file.trim_end_matches(".rs");
        if matches!(name, "lib" | "main" | "build") || folder.ends_with("/bin") {
            continue;
        }
        // `a/b.rs` is declared by `a/mod.rs`, `a/lib.rs`, `a/main.rs` or `a.rs`; `a/b/mod.rs` by
        // the same of `a`.
        let (module, folder) = if name == "mod" {
            folder
                .rsplit_once('/')
                .map_or((folder, ""), |(above, module)| (module, above))
        } else {
            (name, folder)
        };
        let parents = [
            format!("{folder}/mod.rs"),
            format!("{folder}/lib.rs"),
            format!("{folder}/main.rs"),
            format!("{folder}.rs"),
        ];
        let declared = tree
            .sources
            .iter()
            .filter(|parent| parents.contains(&parent.path))
            .any(|parent| {
                parent
                    .text
                    .lines()
                    .any(|line| module_declared(line) == Some(module))
            });
        if !declared {
            found.push(format!("{}: no `mod {module};` names it", source.path));
        }
    }
    found
}

pub(crate) fn tests_are_neither_ignored_nor_expected_to_panic(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        // The test module is what is looked at here, so the text stands in for the code.
        for (index, line) in source.text.lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("#[ignore") || line.starts_with("#[should_panic") {
                found.push(format!("{}:{}: {line}", source.path, index + 1));
            }
        }
    }
    found
}

pub(crate) fn what_is_left_to_do_names_its_issue(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for (index, line) in source.comments.lines().enumerate() {
            let note = ["TODO", "FIXME", "XXX", "HACK"]
                .iter()
                .any(|word| has_word(line, word));
            let named = line
                .split('#')
                .skip(1)
                .any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            if note && !named {
                found.push(format!("{}:{}: {}", source.path, index + 1, line.trim()));
            }
        }
    }
    found
}

pub(crate) fn exceptions_to_lints_give_their_reason(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for source in &tree.sources {
        for opening in ["[allow(", "[expect("] {
            for (line, content) in groups(&source.code, opening) {
                if !has_word(&content, "reason") {
                    found.push(format!("{}:{line}: #{opening}{content})]", source.path));
                }
            }
        }
    }
    found
}

pub(crate) fn every_crate_takes_the_workspace_lints(tree: &Tree) -> Vec<String> {
    let without = tree
        .manifests
        .iter()
        .filter(|manifest| !manifest.inherits_lints);
    without
        .map(|manifest| {
            format!(
                "{}/Cargo.toml: no `[lints] workspace = true`",
                manifest.folder
            )
        })
        .collect()
}

pub(crate) fn packet_crates_deny_what_can_panic(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for folder in PACKET_CRATES {
        let path = format!("{folder}/src/lib.rs");
        let denied: Vec<String> = tree
            .sources
            .iter()
            .filter(|source| source.path == path)
            .flat_map(|source| groups(&source.code, "#![deny("))
            .map(|(_, content)| content)
            .collect();
        for lint in PACKET_DENIES {
            if !denied.iter().any(|content| content.contains(lint)) {
                found.push(format!("{path}: does not deny {lint}"));
            }
        }
    }
    found
}

pub(crate) fn pure_crates_ban_the_clock_by_clippy_too(tree: &Tree) -> Vec<String> {
    let text = |path: &str| {
        tree.texts
            .iter()
            .find(|(name, _)| name == path)
            .map_or("", |(_, text)| text.as_str())
    };
    let mut found = Vec::new();
    for folder in PURE {
        let path = format!("{folder}/clippy.toml");
        let own = text(&path);
        let repeated = text("clippy.toml")
            .lines()
            .filter(|line| line.contains(" = "));
        for line in repeated.filter(|line| !own.lines().any(|other| other == *line)) {
            found.push(format!("{path}: does not repeat `{line}`"));
        }
        for method in [
            "std::time::SystemTime::now",
            "std::time::Instant::now",
            "std::thread::spawn",
        ] {
            if !own.contains(method) {
                found.push(format!("{path}: does not ban {method}"));
            }
        }
    }
    found
}

pub(crate) fn unsafe_stays_at_the_edge(tree: &Tree) -> Vec<String> {
    let is_edge = |path: &str| crate_of(path) == "sensor/capture" || path == "src/allocator.rs";
    let others = tree.sources.iter().filter(|source| !is_edge(&source.path));
    others
        .filter_map(|source| Some((source, source.line_with_word("unsafe")?)))
        .map(|(source, line)| format!("{}:{line}: unsafe", source.path))
        .collect()
}

pub(crate) fn links_between_documents_lead_somewhere(tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in tree.texts.iter().filter(|(path, _)| path.ends_with(".md")) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for target in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            let target = target.split(['#', ' ']).next().unwrap_or("");
            if target.is_empty() || target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let resolved = resolve(folder, target);
            if !tree.paths.contains(&resolved) {
                found.push(format!("{path}: {target}"));
            }
        }
    }
    found
}

/// A relative link from a file in `folder`, as a path from the root.
fn resolve(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

pub(crate) fn every_setting_is_in_the_example_configuration(tree: &Tree) -> Vec<String> {
    let example = tree
        .texts
        .iter()
        .find(|(path, _)| path == EXAMPLE_CONFIGURATION);
    let example = example.map_or("", |(_, text)| text.as_str());
    let mut found = Vec::new();
    for source in tree
        .sources
        .iter()
        .filter(|source| source.path.starts_with("src/config"))
    {
        for rest in source.code.split("struct Written").skip(1) {
            let fields = rest.split_once('{').map_or("", |(_, rest)| rest);
            let fields = fields.split('}').next().unwrap_or("");
            found.extend(missing_keys(&source.path, fields, example));
        }
        // The table of `src/config/limits.rs`: a key and its type, then what it sets.
        for (_, table) in groups(&source.code, "limits! {") {
            found.extend(missing_keys(&source.path, &table, example));
        }
    }
    found
}

/// Fields of one `Written…` struct that the example does not name; sections are structs
/// themselves, and so is each of a list of sections.
fn missing_keys(path: &str, fields: &str, example: &str) -> Vec<String> {
    let fields = fields
        .lines()
        .filter_map(|line| line.trim().split_once(": "));
    let keys = fields
        .filter(|(name, _)| !name.contains('$'))
        .filter(|(_, kind)| !kind.trim_start_matches("Vec<").starts_with("Written"));
    keys.map(|(name, _)| {
        name.trim_start_matches("pub(crate) ")
            .trim_start_matches("pub(super) ")
    })
    .filter(|name| {
        let is_named = |line: &str| {
            let key = line
                .trim_start_matches("# ")
                .split('=')
                .next()
                .unwrap_or("")
                .trim();
            line.contains('=') && key == *name
        };
        !example.lines().any(is_named)
    })
    .map(|name| format!("{path}: {name} is not in {EXAMPLE_CONFIGURATION}"))
    .collect()
}

pub(crate) fn the_lock_stays_small(tree: &Tree) -> Vec<String> {
    let lock = tree.texts.iter().find(|(path, _)| path == "Cargo.lock");
    let packages = lock.map_or(0, |(_, text)| text.matches("[[package]]").count());
    if packages > LOCK_PACKAGES_MAX {
        return vec![format!(
            "Cargo.lock names {packages} packages, at most {LOCK_PACKAGES_MAX}"
        )];
    }
    Vec::new()
}
