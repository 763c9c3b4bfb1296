//! The policy: how facts become labels, whose what is, which networks are whose, what risk is made
//! of. All of it can be read and changed while the product runs; docs/policy.md tells it for
//! people.

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use tapscope_analyzer::AnalyzerSettings;
use tapscope_analyzer::inventory::lifecycle::Retirement;
use tapscope_analyzer::inventory::owner::OwnerRule;
use tapscope_analyzer::inventory::reach::Network;
use tapscope_analyzer::inventory::risk::Factor;
use tapscope_analyzer::inventory::tags::TagRule;
use tapscope_analyzer::settings::{DAY, HOUR};

/// Longest span of time that makes sense in a policy, in days.
const DAYS_MAX: i64 = 3_650;

/// `[lifecycle]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenLifecycle {
    dormant_after_days: Option<i64>,
    new_for_hours: Option<i64>,
    learning_hours: Option<i64>,
    retired_by: Option<Vec<String>>,
    sunset_grace_hours: Option<i64>,
    superseded_grace_hours: Option<i64>,
    successor_min_successes: Option<u64>,
    orphan_min_requests: Option<u64>,
    orphan_min_complete: Option<f64>,
    dormant_min_complete: Option<f64>,
    drifted_min_differences: Option<usize>,
    drifted_breaking_only: Option<bool>,
    drift_min_support: Option<u64>,
    drift_min_share: Option<f64>,
}

/// One of `[[owners]]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenOwner {
    owner: String,
    hosts: Vec<String>,
    paths: Vec<String>,
}

/// `[exposure]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenExposure {
    internal: Option<Vec<String>>,
    partner: Option<Vec<String>>,
    tls_offload: Option<bool>,
    tls_ports: Option<Vec<u16>>,
}

/// One of `[[tags]]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenTag {
    tag: String,
    path_words: Vec<String>,
    field_names: Vec<String>,
    operation_words: Vec<String>,
    methods: Vec<String>,
    data_classes: Vec<String>,
}

/// `[risk]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenRisk {
    weights: BTreeMap<String, f64>,
    grave_classes: Option<Vec<String>>,
    sensitive_tags: Option<Vec<String>>,
}

/// The sections of the policy together.
pub(super) struct WrittenPolicy {
    pub(super) lifecycle: WrittenLifecycle,
    pub(super) owners: Vec<WrittenOwner>,
    pub(super) exposure: WrittenExposure,
    pub(super) tags: Vec<WrittenTag>,
    pub(super) risk: WrittenRisk,
}

impl WrittenPolicy {
    /// Puts what was written in the place of the defaults.
    pub(super) fn apply(self, analyzer: &mut AnalyzerSettings) -> Result<()> {
        self.lifecycle.apply(analyzer)?;
        for (at, written) in self.owners.into_iter().enumerate() {
            let rule = written.meant();
            let rule = rule.with_context(|| format!("owners, rule {}", at + 1))?;
            analyzer.owners.push(rule);
        }
        self.exposure.apply(analyzer)?;
        for written in self.tags {
            analyzer.tags.rules.push(written.meant()?);
        }
        self.risk.apply(analyzer)
    }
}

impl WrittenLifecycle {
    fn apply(self, analyzer: &mut AnalyzerSettings) -> Result<()> {
        let policy = &mut analyzer.lifecycle;
        span(
            &mut policy.dormant_after,
            self.dormant_after_days,
            "dormant_after_days",
            DAY,
        )?;
        span(
            &mut policy.new_for,
            self.new_for_hours,
            "new_for_hours",
            HOUR,
        )?;
        span(
            &mut policy.learning,
            self.learning_hours,
            "learning_hours",
            HOUR,
        )?;
        span(
            &mut policy.sunset_grace,
            self.sunset_grace_hours,
            "sunset_grace_hours",
            HOUR,
        )?;
        let grace = self.superseded_grace_hours;
        span(
            &mut policy.superseded_grace,
            grace,
            "superseded_grace_hours",
            HOUR,
        )?;
        if let Some(names) = self.retired_by {
            policy.retired_by = names
                .iter()
                .map(|name| one_of("lifecycle.retired_by", name, &Retirement::ALL))
                .collect::<Result<_>>()?;
        }
        share(
            &mut policy.orphan_min_complete,
            self.orphan_min_complete,
            "orphan_min_complete",
        )?;
        share(
            &mut policy.dormant_min_complete,
            self.dormant_min_complete,
            "dormant_min_complete",
        )?;
        share(
            &mut analyzer.drift.min_share,
            self.drift_min_share,
            "drift_min_share",
        )?;
        set(
            &mut policy.successor_min_successes,
            self.successor_min_successes,
        );
        set(&mut policy.orphan_min_requests, self.orphan_min_requests);
        set(
            &mut policy.drifted_min_differences,
            self.drifted_min_differences,
        );
        set(
            &mut policy.drifted_breaking_only,
            self.drifted_breaking_only,
        );
        set(&mut analyzer.drift.min_support, self.drift_min_support);
        Ok(())
    }
}

/// A span of time, in the unit that its name says.
fn span(target: &mut i64, value: Option<i64>, name: &str, unit: i64) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    let most = DAYS_MAX * DAY / unit;
    if !(0..=most).contains(&value) {
        bail!("lifecycle.{name} is {value}; use 0 to {most}");
    }
    if value == 0 && name == "dormant_after_days" {
        bail!("lifecycle.{name} is 0; everything would be dormant");
    }
    *target = value * unit;
    Ok(())
}

fn share(target: &mut f64, value: Option<f64>, name: &str) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    if !(0.0..=1.0).contains(&value) {
        bail!("lifecycle.{name} is {value}; use a share from 0 to 1");
    }
    *target = value;
    Ok(())
}

impl WrittenOwner {
    fn meant(self) -> Result<OwnerRule> {
        if self.owner.trim().is_empty() {
            bail!("it names no owner; write owner = \"TEAM\"");
        }
        if let Some(path) = self.paths.iter().find(|path| !path.starts_with('/')) {
            bail!("the path {path:?} does not begin with /");
        }
        if let Some(host) = self.hosts.iter().find(|host| host.contains('/')) {
            bail!("the host {host:?} is none; write api.example.com or *.example.com");
        }
        Ok(OwnerRule {
            owner: self.owner.trim().to_owned(),
            hosts: self
                .hosts
                .iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            paths: self.paths,
        })
    }
}

impl WrittenExposure {
    fn apply(self, analyzer: &mut AnalyzerSettings) -> Result<()> {
        let policy = &mut analyzer.exposure;
        let networks = |list: &[String], name: &str| -> Result<Vec<Network>> {
            let parse = |text: &String| {
                let network = text.parse::<Network>();
                network.with_context(|| format!("exposure.{name}: {text:?}"))
            };
            list.iter().map(parse).collect()
        };
        if let Some(internal) = &self.internal {
            policy.internal = networks(internal, "internal")?;
        }
        if let Some(partner) = &self.partner {
            policy.partner = networks(partner, "partner")?;
        }
        set(&mut policy.tls_offload, self.tls_offload);
        set(&mut policy.tls_ports, self.tls_ports);
        Ok(())
    }
}

impl WrittenTag {
    fn meant(self) -> Result<TagRule> {
        if self.tag.trim().is_empty() {
            bail!("tags: a rule names no tag; write tag = \"NAME\"");
        }
        let words = |list: &[String]| -> BTreeSet<String> {
            let word = |text: &String| {
                let letters = text.chars().filter(|c| c.is_alphanumeric());
                letters.flat_map(char::to_lowercase).collect::<String>()
            };
            list.iter()
                .map(word)
                .filter(|word| !word.is_empty())
                .collect()
        };
        let rule = TagRule {
            path: words(&self.path_words),
            fields: words(&self.field_names),
            operations: words(&self.operation_words),
            methods: self
                .methods
                .iter()
                .map(|one| one.to_ascii_uppercase())
                .collect(),
            classes: self.data_classes.into_iter().collect(),
            tag: self.tag.trim().to_owned(),
            ..TagRule::default()
        };
        let signs = [&rule.path, &rule.fields, &rule.operations, &rule.classes];
        if signs.iter().all(|list| list.is_empty()) {
            bail!(
                "tags: nothing speaks for {:?}; give path_words, field_names or the like",
                rule.tag
            );
        }
        Ok(rule)
    }
}

impl WrittenRisk {
    fn apply(self, analyzer: &mut AnalyzerSettings) -> Result<()> {
        let policy = &mut analyzer.risk;
        let names = Factor::ALL.map(|(factor, name, _)| (factor, name));
        for (name, weight) in self.weights {
            let factor = one_of("risk.weights", &name, &names)?;
            if !(0.0..=1_000.0).contains(&weight) {
                bail!("risk.weights.{name} is {weight}; use 0 to 1000");
            }
            let known = policy
                .weights
                .iter_mut()
                .find(|(known, _)| *known == factor);
            if let Some((_, known)) = known {
                *known = weight;
            }
        }
        if policy.weights.iter().all(|(_, weight)| *weight == 0.0) {
            bail!("risk.weights: all are 0; at least one factor must count");
        }
        set(&mut policy.grave_classes, self.grave_classes);
        set(&mut policy.sensitive_tags, self.sensitive_tags);
        Ok(())
    }
}

fn set<T>(target: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *target = value;
    }
}

/// What a name stands for; an error that lists the names when it is none.
fn one_of<T: Copy>(key: &str, name: &str, all: &[(T, &str)]) -> Result<T> {
    let known = all.iter().find(|(_, known)| *known == name);
    if let Some((value, _)) = known {
        return Ok(*value);
    }
    let names: Vec<&str> = all.iter().map(|(_, name)| *name).collect();
    bail!("{key}: {name:?} is none; use {}", names.join(", "))
}
