//! By what callers are told apart on a host.

use serde::{Deserialize, Serialize};

use super::state::DistinctState;

/// A kind of identity, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum IdentityKind {
    /// Whom a credential names: a JWT's subject or client, a user's name.
    Subject,
    /// Whom a client certificate names.
    Certificate,
    /// The credential itself: a key, a token.
    Credential,
    /// A session.
    Session,
    /// What the software sends, at an address where several programs take turns.
    Fingerprint,
    /// The address.
    Address,
}

impl IdentityKind {
    /// All of them, with their names in outputs and in sentences.
    pub const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Subject, "subject", "Subjects"),
        (Self::Certificate, "certificate", "Certificates"),
        (Self::Credential, "credential", "Credentials"),
        (Self::Session, "session", "Sessions"),
        (Self::Fingerprint, "fingerprint", "Programs"),
        (Self::Address, "address", "Addresses"),
    ];

    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|row| row.0 == self);
        named.map_or("address", |row| row.1)
    }

    /// Many of it, at the beginning of a sentence.
    #[must_use]
    pub fn plural(self) -> &'static str {
        let named = Self::ALL.iter().find(|row| row.0 == self);
        named.map_or("Addresses", |row| row.2)
    }
}

/// How sure it is that all calls with one name of that kind are one caller's, 0 to 1, and what is
/// doubtful about it. Estimates of the authors, for people to weigh; nothing is decided by them.
#[must_use]
pub fn certainty(identified_by: &str) -> (f64, &'static str) {
    match identified_by {
        "subject" => (0.95, "A credential names it."),
        "certificate" => (0.9, "A proxy tells whose client certificate it saw."),
        "credential" => (0.8, "It shows one credential; several may share that."),
        "session" => (0.7, "It is one session; a caller has several in time."),
        "fingerprint" => (
            0.5,
            "It is what one program at an address with several sends; two of a kind are one, and an \
             update makes another.",
        ),
        _ => (
            0.4,
            "Nothing but its address is known; several may be behind it.",
        ),
    }
}

/// What is known of one kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KindSnapshot {
    /// The kind.
    pub kind: IdentityKind,
    /// Share of the host's calls that carry it.
    pub share: f64,
    /// Calls that carry it.
    pub calls: u64,
    /// Different names; of many an estimate.
    pub names: u64,
    /// Names with the addresses they come from, each pair once.
    pub places: u64,
    /// Why callers are not told apart by it; none where they are.
    #[serde(default)]
    pub passed_over: Option<String>,
    /// The names, to go on counting.
    #[serde(default)]
    pub names_state: DistinctState,
    /// The pairs, to go on counting.
    #[serde(default)]
    pub places_state: DistinctState,
}

/// By what callers are told apart on a host.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IdentitySnapshot {
    /// The kind that tells most of them apart.
    pub best: IdentityKind,
    /// Why, in one sentence.
    pub reason: String,
    /// Calls that this rests on.
    pub calls: u64,
    /// What was seen of each kind.
    pub kinds: Vec<KindSnapshot>,
}
