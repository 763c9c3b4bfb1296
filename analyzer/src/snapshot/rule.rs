//! A person's rules on templates, as they are kept.

use serde::{Deserialize, Serialize};

use super::Nanos;

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RuleKind {
    /// Every path that fits the template belongs to it.
    Pin,
    /// Where this is the template, its parameters are called so.
    Rename,
    /// What has this template is no endpoint.
    Ignore,
}

impl RuleKind {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pin => "pin",
            Self::Rename => "rename",
            Self::Ignore => "ignore",
        }
    }
}

/// One decision of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateRule {
    /// What it does.
    pub kind: RuleKind,
    /// The host it is about.
    pub host: String,
    /// The template, with its parameters in braces.
    pub template: String,
    /// Only this method; every method when none. Pins and names are about paths and have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Why; empty when nothing was said.
    #[serde(default)]
    pub comment: String,
    /// Wall clock of the decision, nanoseconds since the Unix epoch.
    pub at: Nanos,
}
