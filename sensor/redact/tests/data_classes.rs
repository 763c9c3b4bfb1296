//! How well classes of data are told from what looks like them: precision and recall on labelled
//! bodies from a seeded generator, beside a reference of plain regular expressions.
//!
//! The table of another seed, or of more bodies:
//! `SEED=7 BODIES=5000 cargo test -p tapscope-redact --test data_classes -- --nocapture`
#![allow(
    clippy::unwrap_used,
    reason = "a generator that cannot generate should fail"
)]

#[path = "labelled/bodies.rs"]
mod bodies;
#[path = "labelled/reference.rs"]
mod reference;
mod support;
#[path = "labelled/values.rs"]
mod values;

use std::collections::BTreeMap;

use bodies::Labelled;
use reference::Reference;
use support::{exchange, redactor};
use values::Rng;

/// Counts of one class.
#[derive(Clone, Copy, Default)]
struct Score {
    found: u64,
    right: u64,
    there: u64,
}

impl Score {
    fn precision(self) -> f64 {
        if self.found == 0 {
            1.0
        } else {
            self.right as f64 / self.found as f64
        }
    }

    fn recall(self) -> f64 {
        if self.there == 0 {
            1.0
        } else {
            self.right as f64 / self.there as f64
        }
    }

    fn add(&mut self, found: u64, there: u64) {
        self.found += found;
        self.there += there;
        self.right += found.min(there);
    }
}

type Scores = BTreeMap<String, Score>;

fn count(scores: &mut Scores, found: &BTreeMap<String, u64>, there: &BTreeMap<String, u64>) {
    for class in found
        .keys()
        .chain(there.keys().filter(|c| !found.contains_key(*c)))
    {
        let of = |counts: &BTreeMap<String, u64>| counts.get(class).copied().unwrap_or(0);
        scores
            .entry(class.clone())
            .or_default()
            .add(of(found), of(there));
    }
}

/// Ours and the reference's, over so many bodies.
fn measure(seed: u64, bodies: u64) -> (Scores, Scores) {
    let (mut ours, mut plain) = (Scores::new(), Scores::new());
    let reference = Reference::new();
    let mut redactor = redactor();
    let mut rng = Rng(seed);
    for _ in 0..bodies {
        let Labelled { json, text, there } = bodies::make(&mut rng);
        let headers: [(&[u8], &[u8]); 1] = [(b"content-type", b"application/json")];
        let answer = (&headers[..], json.as_bytes());
        let record = redactor.record(&exchange(b"GET", b"/a", &[], b"", answer));
        let classes = record.response.unwrap().data_classes;
        let found = classes
            .iter()
            .map(|(c, n)| (c.to_owned(), u64::from(n)))
            .collect();
        explain(&json, &found, &there);
        count(&mut ours, &found, &there);
        count(&mut plain, &reference.classes(&text), &there);
    }
    (ours, plain)
}

/// With `EXPLAIN=1`: every body that is read wrongly, with the classes too many and too few.
#[expect(clippy::print_stdout, reason = "it is asked for")]
fn explain(json: &str, found: &BTreeMap<String, u64>, there: &BTreeMap<String, u64>) {
    if set("EXPLAIN").is_none() || found == there {
        return;
    }
    let off = |a: &BTreeMap<String, u64>, b: &BTreeMap<String, u64>| {
        let more = a.iter().filter(|(c, n)| b.get(*c).is_none_or(|m| m < n));
        more.map(|(c, _)| c.clone()).collect::<Vec<_>>().join(",")
    };
    println!("+{} -{} {json}", off(found, there), off(there, found));
}

#[expect(
    clippy::disallowed_methods,
    reason = "whoever measures chooses the seed"
)]
fn set(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn setting(name: &str, usual: u64) -> u64 {
    set(name)
        .and_then(|text| text.parse().ok())
        .unwrap_or(usual)
}

#[test]
fn classes_are_told_from_what_looks_like_them() {
    let (ours, plain) = measure(setting("SEED", 20_261_125), setting("BODIES", 1500));
    println!("class,values,precision,recall,f1,regex_precision,regex_recall,regex_f1");
    let f1 = |s: Score| {
        let (p, r) = (s.precision(), s.recall());
        if p + r == 0.0 {
            0.0
        } else {
            2.0 * p * r / (p + r)
        }
    };
    let (mut all, mut all_plain) = (Score::default(), Score::default());
    let mut weak = Vec::new();
    for (class, score) in &ours {
        let theirs = plain.get(class).copied().unwrap_or_default();
        for (sum, one) in [(&mut all, *score), (&mut all_plain, theirs)] {
            sum.found += one.found;
            sum.right += one.right;
            sum.there += one.there;
        }
        println!(
            "{class},{},{:.3},{:.3},{:.3},{:.3},{:.3},{:.3}",
            score.there,
            score.precision(),
            score.recall(),
            f1(*score),
            theirs.precision(),
            theirs.recall(),
            f1(theirs)
        );
        let is_weak = score.precision() < 0.9 || score.recall() < 0.9;
        weak.extend((is_weak && score.there + score.found >= 10).then(|| class.clone()));
    }
    for class in plain.keys().filter(|class| !ours.contains_key(*class)) {
        all_plain.found += plain.get(class).map_or(0, |score| score.found);
    }
    println!(
        "all,{},{:.3},{:.3},{:.3},{:.3},{:.3},{:.3}",
        all.there,
        all.precision(),
        all.recall(),
        f1(all),
        all_plain.precision(),
        all_plain.recall(),
        f1(all_plain)
    );
    assert!(weak.is_empty(), "below the bar of 0.9: {weak:?}");
    assert!(all.precision() > 0.97 && all.recall() > 0.97, "in all");
    assert!(f1(all) > f1(all_plain) + 0.1, "no better than patterns");
}
