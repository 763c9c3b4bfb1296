//! How an endpoint's traffic differs from what its specification says of it.

use serde::{Deserialize, Serialize};

/// A kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DriftKind {
    /// A parameter that is not described.
    UndocumentedParameter,
    /// A status that is not described.
    UndocumentedStatus,
    /// A media type of requests that is not described, or a body where none is.
    UndocumentedRequestType,
    /// A media type of responses that is not described.
    UndocumentedResponseType,
    /// A field that is not described.
    UndocumentedField,
    /// A parameter said to be required that accepted calls lack.
    MissingParameter,
    /// A field said to be required that accepted requests lack.
    MissingRequestField,
    /// A field said to be required that responses lack.
    MissingResponseField,
    /// Values of other types beside the documented ones.
    LooserType,
    /// Values of other types only.
    ChangedType,
    /// Values of a narrower type than the documented one only.
    StricterType,
}

/// All kinds with their names in outputs.
const KINDS: [(DriftKind, &str); 11] = [
    (DriftKind::UndocumentedParameter, "undocumented_parameter"),
    (DriftKind::UndocumentedStatus, "undocumented_status"),
    (
        DriftKind::UndocumentedRequestType,
        "undocumented_request_type",
    ),
    (
        DriftKind::UndocumentedResponseType,
        "undocumented_response_type",
    ),
    (DriftKind::UndocumentedField, "undocumented_field"),
    (DriftKind::MissingParameter, "missing_parameter"),
    (DriftKind::MissingRequestField, "missing_request_field"),
    (DriftKind::MissingResponseField, "missing_response_field"),
    (DriftKind::LooserType, "looser_type"),
    (DriftKind::ChangedType, "changed_type"),
    (DriftKind::StricterType, "stricter_type"),
];

impl DriftKind {
    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = KINDS.iter().find(|(kind, _)| *kind == self);
        named.map_or("", |(_, name)| name)
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Its kind.
    pub kind: DriftKind,
    /// Where: `query page`, `status 202`, `response 200 application/json user.email`.
    pub place: String,
    /// What the specification says; empty when nothing.
    pub documented: String,
    /// What was seen.
    pub observed: String,
    /// Exchanges (bodies, values) that show it.
    pub seen: u64,
    /// Of so many.
    pub of: u64,
}

impl Drift {
    /// Whether a client or a server that goes by the specification fails on it; what is merely more
    /// than the specification says is additive.
    #[must_use]
    pub fn is_breaking(&self) -> bool {
        match self.kind {
            DriftKind::UndocumentedResponseType
            | DriftKind::MissingResponseField
            | DriftKind::ChangedType => true,
            DriftKind::LooserType => self.place.starts_with("response"),
            _ => false,
        }
    }

    /// In one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        let what = self.kind.name().replace('_', " ");
        let (place, observed) = (&self.place, &self.observed);
        let instead = match self.documented.as_str() {
            "" => String::new(),
            documented => format!(" instead of {documented}"),
        };
        format!(
            "{what}: {place}, {observed}{instead} ({} of {})",
            self.seen, self.of
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_keeps_its_name() {
        for (kind, name) in KINDS {
            assert_eq!(serde_json::to_value(kind).unwrap(), name);
            assert_eq!(kind.name(), name);
        }
    }
}
