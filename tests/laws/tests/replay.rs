//! Holds every law against the corpus that fuzzing grew, and against seeded mutations of it.
//!
//! `LAWS_SEED` draws other mutations and `LAWS_CASES` more of them (`make explore` sets both).
#![expect(clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use tapscope_laws::mutation::{Random, mutated};
use tapscope_laws::{SUBJECTS, Subject};

/// Mutations a subject gets in every test run.
const CASES: u64 = 1_500;

/// Bytes a subject's corpus may have: it is in every clone.
const CORPUS_BYTES_MAX: usize = 200_000;

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// The files of a subject's corpus in the order of their names.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let entries = fs::read_dir(&folder).expect("a folder in tests/laws/corpus");
    let mut files: Vec<_> = entries
        .map(|entry| {
            let path = entry.expect("a folder entry").path();
            let name = path.file_name().expect("a name").to_string_lossy();
            (name.into_owned(), fs::read(&path).expect("a file"))
        })
        .collect();
    files.sort();
    files
}

/// Holds a law; an input that breaks it is kept where it can be replayed.
fn hold(subject: Subject, input: &[u8], what: &str) {
    let (name, law) = subject;
    if catch_unwind(AssertUnwindSafe(|| law(input))).is_err() {
        let path = std::env::temp_dir().join(format!("tapscope-laws-{name}"));
        fs::write(&path, input).expect("a writable temporary folder");
        panic!(
            "{name}: {what} breaks the law; kept as {}; add it to tests/laws/corpus/{name} once mended",
            path.display()
        );
    }
}

#[test]
fn the_laws_hold_on_the_corpus() {
    for subject in SUBJECTS {
        let files = corpus(subject.0);
        assert!(!files.is_empty(), "{}: no corpus", subject.0);
        let bytes: usize = files.iter().map(|(_, data)| data.len()).sum();
        assert!(bytes <= CORPUS_BYTES_MAX, "{}: {bytes} bytes", subject.0);
        for (file, data) in files {
            hold(*subject, &data, &file);
        }
    }
}

#[test]
fn the_laws_hold_on_mutations_of_the_corpus() {
    let (seed, cases) = (number("LAWS_SEED", 1), number("LAWS_CASES", CASES));
    for subject in SUBJECTS {
        let files = corpus(subject.0);
        let mut random = Random::new(seed);
        for case in 0..cases {
            let base = &files[random.below(files.len())];
            let other = &files[random.below(files.len())];
            let input = mutated(&mut random, &base.1, &other.1);
            hold(
                *subject,
                &input,
                &format!("mutation {case} of seed {seed} ({})", base.0),
            );
        }
    }
}
