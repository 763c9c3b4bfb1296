//! What was called and is no endpoint yet: why, and what it lacks.

use serde::{Deserialize, Serialize};

use super::Nanos;

/// Why a path is no endpoint yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum WaitingReason {
    /// It is an endpoint as far as it was seen; which template it has is not decided yet.
    Undecided,
    /// It was only ever denied: what is there is not known.
    Denied,
    /// It redirects, without content of its own.
    Redirected,
    /// It answers with a page, on a host that answers with structured content.
    Page,
    /// It answers what the host answers to many unrelated paths.
    CatchAll,
    /// It answers with success what the host answers to what is not there.
    SoftNotFound,
    /// It operates the server: health checks, `robots.txt` and the like.
    Operational,
    /// It is a file that pages are made of: scripts, styles, fonts, pictures.
    Static,
    /// It was only asked for with OPTIONS, HEAD, TRACE or CONNECT.
    OnlyProbed,
    /// Its response was not seen.
    NotAnswered,
    /// It is not there.
    NotFound,
    /// It was answered with another error.
    Failed,
}

impl WaitingReason {
    /// All of them with their names in outputs and what such a path lacks.
    pub const ALL: [(Self, &'static str, &'static str); 12] = [
        (
            Self::Undecided,
            "undecided",
            "more paths beside it, or some minutes: its template is decided on soon",
        ),
        (
            Self::Denied,
            "denied",
            "a call that succeeds, or four calls that several consumers make",
        ),
        (
            Self::Redirected,
            "redirected",
            "a call that is answered, or four calls that several consumers make",
        ),
        (
            Self::Page,
            "page",
            "structured content, or four calls that several consumers make",
        ),
        (
            Self::CatchAll,
            "catch_all",
            "an answer of its own: this one is given to any path",
        ),
        (
            Self::SoftNotFound,
            "soft_not_found",
            "an answer of its own: this one is given to what is not there",
        ),
        (
            Self::Operational,
            "operational",
            "to be pinned or specified, or another answer: as it is, it operates the server",
        ),
        (
            Self::Static,
            "static",
            "to be pinned or specified: as it is, it is a file that pages are made of",
        ),
        (
            Self::OnlyProbed,
            "only_probed",
            "a call by another method that succeeds",
        ),
        (
            Self::NotAnswered,
            "not_answered",
            "a call whose response is seen and succeeds",
        ),
        (Self::NotFound, "not_found", "a call that succeeds"),
        (Self::Failed, "failed", "a call that succeeds"),
    ];

    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.1)
    }

    /// What a path that waits for this reason lacks.
    #[must_use]
    pub fn needs(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|row| row.0 == self)
            .map_or("", |row| row.2)
    }
}

/// Paths of a host that wait for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingSnapshot {
    /// Why.
    pub reason: WaitingReason,
    /// Paths, each method counted.
    pub paths: u64,
    /// Exchanges.
    pub exchanges: u64,
    /// The first of them.
    pub first_seen: Nanos,
    /// The last of them.
    pub last_seen: Nanos,
    /// Some of the paths, the most called first.
    #[serde(default)]
    pub examples: Vec<CandidateSnapshot>,
}

/// A path that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CandidateSnapshot {
    /// Its method.
    pub method: String,
    /// The path, personal and secret values replaced by `{class}`.
    pub path: String,
    /// Exchanges.
    pub exchanges: u64,
    /// The first.
    pub first_seen: Nanos,
    /// The last.
    pub last_seen: Nanos,
    /// Further consumers that must call it so that it is believed; none where consumers prove
    /// nothing.
    #[serde(default)]
    pub consumers_missing: Option<u64>,
}
