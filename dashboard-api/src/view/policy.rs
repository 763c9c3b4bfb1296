//! The policy, for reading: it is changed in the configuration file.

use std::collections::BTreeMap;

use serde::Serialize;
use tapscope_analyzer::AnalyzerSettings;
use tapscope_analyzer::inventory::lifecycle::Retirement;
use tapscope_analyzer::inventory::owner::OwnerRule;
use tapscope_analyzer::settings::{DAY, HOUR};
use utoipa::ToSchema;

/// How facts become labels, whose what is, and what risk is made of.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Policy {
    /// Days without a call after which an endpoint is dormant.
    pub dormant_after_days: i64,
    /// Share of a host's exchanges that must have been seen complete for that.
    pub dormant_min_complete: f64,
    /// Hours for which an endpoint is new.
    pub new_for_hours: i64,
    /// Hours for which nothing on a new host is called new.
    pub learning_hours: i64,
    /// Facts that retire an endpoint.
    pub retired_by: Vec<String>,
    /// Hours after a Sunset header's date in which calls are still expected.
    pub sunset_grace_hours: i64,
    /// Hours for which two versions may answer side by side.
    pub superseded_grace_hours: i64,
    /// Successful calls of a newer version before it counts as one.
    pub successor_min_successes: u64,
    /// Exchanges of a host before "never seen" is said.
    pub orphan_min_requests: u64,
    /// Share of them that must have been seen complete for that.
    pub orphan_min_complete: f64,
    /// Differences from which on an endpoint is drifted.
    pub drifted_min_differences: u64,
    /// Whether only breaking ones count for that.
    pub drifted_breaking_only: bool,
    /// Who is responsible, in the order in which rules are looked at.
    pub owners: Vec<PolicyOwner>,
    /// Tags that are looked for.
    pub tags: Vec<String>,
    /// Weights of the risk's factors.
    pub risk_weights: BTreeMap<String, f64>,
    /// Classes of data that count fully.
    pub grave_classes: Vec<String>,
    /// Tags that count.
    pub sensitive_tags: Vec<String>,
}

/// Whose the endpoints of some hosts and paths are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PolicyOwner {
    /// The owner.
    pub owner: String,
    /// Hosts; none means any.
    pub hosts: Vec<String>,
    /// Paths, with what is below them; none means any.
    pub paths: Vec<String>,
}

impl From<&OwnerRule> for PolicyOwner {
    fn from(rule: &OwnerRule) -> Self {
        Self {
            owner: rule.owner.clone(),
            hosts: rule.hosts.clone(),
            paths: rule.paths.clone(),
        }
    }
}

impl From<&AnalyzerSettings> for Policy {
    fn from(settings: &AnalyzerSettings) -> Self {
        let lifecycle = &settings.lifecycle;
        let name = |one: &Retirement| {
            let known = Retirement::ALL.iter().find(|(known, _)| known == one);
            known.map_or_else(String::new, |(_, name)| (*name).to_owned())
        };
        let mut tags: Vec<String> = settings.tags.rules.iter().map(|r| r.tag.clone()).collect();
        tags.sort();
        tags.dedup();
        let weights = settings.risk.weights.iter();
        Self {
            dormant_after_days: lifecycle.dormant_after / DAY,
            dormant_min_complete: lifecycle.dormant_min_complete,
            new_for_hours: lifecycle.new_for / HOUR,
            learning_hours: lifecycle.learning / HOUR,
            retired_by: lifecycle.retired_by.iter().map(name).collect(),
            sunset_grace_hours: lifecycle.sunset_grace / HOUR,
            superseded_grace_hours: lifecycle.superseded_grace / HOUR,
            successor_min_successes: lifecycle.successor_min_successes,
            orphan_min_requests: lifecycle.orphan_min_requests,
            orphan_min_complete: lifecycle.orphan_min_complete,
            drifted_min_differences: lifecycle.drifted_min_differences as u64,
            drifted_breaking_only: lifecycle.drifted_breaking_only,
            owners: settings.owners.iter().map(Into::into).collect(),
            tags,
            risk_weights: weights.map(|(f, w)| (f.name().to_owned(), *w)).collect(),
            grave_classes: settings.risk.grave_classes.clone(),
            sensitive_tags: settings.risk.sensitive_tags.clone(),
        }
    }
}
