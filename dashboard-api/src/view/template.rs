//! What a person decides on templates.

use serde::{Deserialize, Serialize};
use tapscope_analyzer::endpoint::rules::TemplateAction as Action;
use tapscope_analyzer::endpoint::{RuleKind as Kind, TemplateRule as Rule};
use utoipa::ToSchema;

use super::time::Time;

/// What to do with a template.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum TemplateAction {
    /// Keep it for every path that fits.
    Pin,
    /// Set values of a parameter apart as literals.
    Split,
    /// Make it one of several.
    Merge,
    /// Call its parameters so.
    Rename,
    /// Take what has it for no endpoint.
    Ignore,
}

impl From<TemplateAction> for Action {
    fn from(action: TemplateAction) -> Self {
        match action {
            TemplateAction::Pin => Self::Pin,
            TemplateAction::Split => Self::Split,
            TemplateAction::Merge => Self::Merge,
            TemplateAction::Rename => Self::Rename,
            TemplateAction::Ignore => Self::Ignore,
        }
    }
}

/// A decision on templates.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TemplateDecision {
    /// What to do.
    pub(crate) action: TemplateAction,
    /// On which host.
    pub(crate) host: String,
    /// The template, its parameters in braces; for a merge, the one that shall hold.
    pub(crate) template: String,
    /// For ignoring: only this method.
    pub(crate) method: Option<String>,
    /// For a split: the parameter to split at; the last one when left out.
    pub(crate) parameter: Option<String>,
    /// For a split: the values to set apart.
    #[serde(default)]
    pub(crate) values: Vec<String>,
    /// For a merge: the templates that shall be one.
    #[serde(default)]
    pub(crate) templates: Vec<String>,
    /// Why.
    pub(crate) comment: Option<String>,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RuleKind {
    /// Every path that fits the template belongs to it.
    Pin,
    /// Where this is the template, its parameters are called so.
    Rename,
    /// What has this template is no endpoint.
    Ignore,
}

/// A rule that a decision came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TemplateRule {
    /// What it does.
    pub(crate) kind: RuleKind,
    /// The host it is about.
    pub(crate) host: String,
    /// The template.
    pub(crate) template: String,
    /// Only this method; every method when null.
    pub(crate) method: Option<String>,
    /// Why.
    pub(crate) comment: String,
    /// When it was decided.
    pub(crate) at: Time,
}

impl From<&Rule> for TemplateRule {
    fn from(rule: &Rule) -> Self {
        Self {
            kind: match rule.kind {
                Kind::Rename => RuleKind::Rename,
                Kind::Ignore => RuleKind::Ignore,
                _ => RuleKind::Pin,
            },
            host: rule.host.clone(),
            template: rule.template.clone(),
            method: rule.method.clone(),
            comment: rule.comment.clone(),
            at: Time(rule.at),
        }
    }
}

/// Rules on templates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TemplateRules {
    /// In order of the decisions.
    pub(crate) items: Vec<TemplateRule>,
}
