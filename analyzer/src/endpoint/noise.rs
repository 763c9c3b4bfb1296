//! What must not become an endpoint: scanners, soft 404s, health checks, static files.
//!
//! Nothing is believed on one failed request. What succeeded is believed unless its response
//! looks like what the host answers to anything.

use serde_json::{Value, json};

use super::Sighting;
use super::knowledge::Map;
use super::operational;
use crate::snapshot::waiting::WaitingReason as Why;

/// What a sighting is worth as evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// Evidence of an endpoint.
    Evidence,
    /// Evidence when repeated by several consumers.
    Doubtful,
    /// Evidence of nothing; of use only if the endpoint is known.
    Nothing,
}

/// What is known of the host's way to answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Noise {
    /// Whether a response has proven to mean nothing since this was last cleared.
    pub(super) learned: bool,
    /// Fingerprints of 404 responses without structure, with the number of sightings.
    missing: Map<u64, u32>,
    /// Successful responses with content and structure.
    structured: u64,
    /// Successful responses with content but without structure.
    unstructured: u64,
    /// Distinct paths (by hash, capped) of each fingerprint of a successful response without
    /// structure.
    same: Map<u64, Vec<u64>>,
}

/// Most fingerprints kept; a host that has more is no host with soft 404s.
const FINGERPRINTS: usize = 256;
/// From so many 404s on, a success with the same response is a soft 404.
const SOFT_AFTER: u32 = 3;
/// From so many distinct first segments on, one and the same response is a catch-all.
const CATCH_ALL_AFTER: usize = 8;

/// Media type and length of a response without structure; 0 when it has structure or no content.
pub(super) fn fingerprint(sighting: &Sighting<'_>) -> u64 {
    let kind = sighting.response_content_type.unwrap_or("");
    if sighting.response_shape.is_some() || sighting.response_len == 0 || !is_page(Some(kind)) {
        return 0;
    }
    super::mix(super::hash_text(kind) ^ sighting.response_len) | 1
}

impl Noise {
    /// Judges a sighting and learns from it: what it is worth, and why no more. `path` names its
    /// path.
    pub(super) fn judge(&mut self, s: &Sighting<'_>, path: u64) -> (Worth, Why) {
        const EVIDENCE: (Worth, Why) = (Worth::Evidence, Why::Undecided);
        let print = fingerprint(s);
        let Some(status) = s.status else {
            return (Worth::Nothing, Why::NotAnswered);
        };
        if matches!(s.method, "OPTIONS" | "HEAD" | "TRACE" | "CONNECT") {
            return (Worth::Nothing, Why::OnlyProbed);
        }
        if status == 404 && print != 0 {
            if self.missing.len() < FINGERPRINTS || self.missing.contains_key(&print) {
                let count = self.missing.entry(print).or_default();
                *count += 1;
                self.learned |= *count == SOFT_AFTER;
            }
            return (Worth::Nothing, Why::NotFound);
        }
        if matches!(status, 401 | 403) {
            return (Worth::Doubtful, Why::Denied);
        }
        if !(200..400).contains(&status) {
            let missing = matches!(status, 404 | 410);
            let why = if missing { Why::NotFound } else { Why::Failed };
            return (Worth::Nothing, why);
        }
        if operational::is_probe(s) {
            return (Worth::Nothing, Why::Operational);
        }
        if operational::is_static(s) {
            return (Worth::Nothing, Why::Static);
        }
        if s.response_shape.is_some() || s.response_passed {
            self.structured += 1;
            return EVIDENCE;
        }
        if s.response_len == 0 {
            return if status < 300 || status == 304 {
                EVIDENCE
            } else {
                (Worth::Doubtful, Why::Redirected)
            };
        }
        if operational::is_operational(s) {
            return (Worth::Nothing, Why::Operational);
        }
        if !is_page(s.response_content_type) {
            self.structured += 1;
            return EVIDENCE;
        }
        self.unstructured += 1;
        if self.is_soft(print) {
            return (Worth::Nothing, Why::SoftNotFound);
        }
        if self.is_catch_all(print, path) {
            return (Worth::Nothing, Why::CatchAll);
        }
        if self.mostly_structured() {
            return (Worth::Doubtful, Why::Page);
        }
        EVIDENCE
    }

    /// Whether a response is what the host says when there is nothing.
    pub(super) fn is_soft(&self, print: u64) -> bool {
        print != 0 && self.missing.get(&print).is_some_and(|n| *n >= SOFT_AFTER)
    }

    /// Whether one response is given to many unrelated paths.
    fn is_catch_all(&mut self, print: u64, path: u64) -> bool {
        if self.same.len() >= FINGERPRINTS && !self.same.contains_key(&print) {
            return false;
        }
        let paths = self.same.entry(print).or_default();
        if paths.len() < CATCH_ALL_AFTER && !paths.contains(&path) {
            paths.push(path);
            self.learned |= paths.len() == CATCH_ALL_AFTER;
        }
        paths.len() >= CATCH_ALL_AFTER
    }

    /// Whether one response was given to many unrelated paths by now.
    pub(super) fn was_catch_all(&self, print: u64) -> bool {
        self.same
            .get(&print)
            .is_some_and(|p| p.len() >= CATCH_ALL_AFTER)
    }

    /// Takes in how another host answers that proved to be the same service.
    pub(super) fn absorb(&mut self, other: Self) {
        self.structured += other.structured;
        self.unstructured += other.unstructured;
        let mut missing: Vec<(u64, u32)> = other.missing.into_iter().collect();
        missing.sort_unstable();
        for (print, count) in missing {
            if self.missing.len() < FINGERPRINTS || self.missing.contains_key(&print) {
                *self.missing.entry(print).or_default() += count;
            }
        }
        let mut same: Vec<(u64, Vec<u64>)> = other.same.into_iter().collect();
        same.sort_unstable();
        for (print, paths) in same {
            for path in paths {
                self.is_catch_all(print, path);
            }
        }
        self.learned = true;
    }

    /// As plain data.
    pub(super) fn save(&self) -> Value {
        let mut missing: Vec<(u64, u32)> = self.missing.iter().map(|(p, n)| (*p, *n)).collect();
        missing.sort_unstable();
        let mut same: Vec<(u64, &Vec<u64>)> = self.same.iter().map(|(p, all)| (*p, all)).collect();
        same.sort_unstable();
        json!({"structured": self.structured, "unstructured": self.unstructured,
            "missing": missing, "same": same})
    }

    /// Goes on from what was saved, as far as it can be read.
    pub(super) fn load(state: &Value) -> Self {
        let count = |name: &str| state.get(name).and_then(Value::as_u64).unwrap_or_default();
        let list = |name: &str| {
            let rows = state.get(name).and_then(Value::as_array);
            rows.into_iter().flatten().take(FINGERPRINTS)
        };
        let print = |row: &Value| row.get(0).and_then(Value::as_u64);
        let mut new = Self {
            structured: count("structured"),
            unstructured: count("unstructured"),
            ..Self::default()
        };
        for row in list("missing") {
            if let (Some(print), Some(count)) = (print(row), row.get(1).and_then(Value::as_u64)) {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                new.missing.insert(print, count);
            }
        }
        for row in list("same") {
            let paths = row.get(1).and_then(Value::as_array).into_iter().flatten();
            if let Some(print) = print(row) {
                for path in paths.filter_map(Value::as_u64) {
                    new.is_catch_all(print, path);
                }
            }
        }
        new.learned = false;
        new
    }

    fn mostly_structured(&self) -> bool {
        self.structured >= 4 && self.structured >= self.unstructured * 4
    }
}

fn is_page(kind: Option<&str>) -> bool {
    kind.is_none_or(|k| {
        k.is_empty() || k == "text/html" || k == "text/plain" || k == "application/xhtml+xml"
    })
}
