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
    /// The address.
    Address,
}

impl IdentityKind {
    /// All of them, with their names in outputs and in sentences.
    pub const ALL: [(Self, &'static str, &'static str); 5] = [
        (Self::Subject, "subject", "Subjects"),
        (Self::Certificate, "certificate", "Certificates"),
        (Self::Credential, "credential", "Credentials"),
        (Self::Session, "session", "Sessions"),
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
