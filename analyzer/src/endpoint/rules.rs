//! What a person has decided on templates: obeyed for ever, whatever traffic or a specification
//! says, and taken back only by a person.
//!
//! Everything a person may do comes down to three kinds of rule. Splitting a template pins the more
//! specific ones; merging several pins the more general one; of two that fit a path, the one with
//! the earlier literal wins, as everywhere.

/// Decisions on hosts.
mod hosts;

use super::naming;
use crate::snapshot::Nanos;
pub use crate::snapshot::rule::{RuleKind, TemplateRule};

/// Most rules kept; what a person decides one by one is far below it, a script's mistake is not.
pub const RULES_MAX: usize = 10_000;

/// Longest template of a rule, in bytes; the longest path a server takes by default has 8 KiB.
const TEMPLATE_BYTES_MAX: usize = 4096;

/// The template of a rule that is about hosts rather than paths: of its host as a whole, which may
/// be a template (`{tenant}.api.example.com`) itself.
pub const HOST_ITSELF: &str = "//";

/// Why a rule cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RuleError {
    /// The template is none.
    #[error("`{template}` is no template: {reason}")]
    Template {
        /// As given.
        template: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A method where none belongs.
    #[error("a {0} is about a path and takes no method")]
    Method(&'static str),
    /// It contradicts one that holds.
    #[error("{host}{template} has the rule `{kind}` already; withdraw that first")]
    Conflict {
        /// The kind of the rule that holds.
        kind: &'static str,
        /// Its host.
        host: String,
        /// Its template.
        template: String,
    },
    /// There are too many.
    #[error("there are {RULES_MAX} rules already")]
    Full,
}

impl TemplateRule {
    /// What two templates have in common that differ in the names of their parameters only.
    #[must_use]
    pub fn shape(&self) -> String {
        naming::shape(&self.template)
    }

    /// Whether it is about a host as a whole.
    #[must_use]
    pub fn is_about_host(&self) -> bool {
        self.template == HOST_ITSELF
    }

    /// Whether it is about the same host; a host template is the same whatever its parameters are
    /// called.
    fn is_on(&self, host: &str) -> bool {
        self.host == host
            || (self.is_about_host() && naming::shape(&self.host) == naming::shape(host))
    }

    /// Whether it is about the same paths (and methods) as another.
    #[must_use]
    pub fn is_about_the_same(&self, other: &Self) -> bool {
        self.is_on(&other.host)
            && self.shape() == other.shape()
            && (self.method.is_none() || other.method.is_none() || self.method == other.method)
    }
}

/// What a person asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateAction {
    /// Keep this template for every path that fits.
    Pin,
    /// Set values of a parameter apart as literals.
    Split,
    /// Make one template of several.
    Merge,
    /// Call the parameters of a template so.
    Rename,
    /// Take what has this template for no endpoint.
    Ignore,
}

/// What a person asks for, with what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateDecision {
    /// What to do.
    pub action: TemplateAction,
    /// On which host.
    pub host: String,
    /// The template; for a merge, the one that shall hold.
    pub template: String,
    /// For ignoring: only this method.
    pub method: Option<String>,
    /// For a split: the parameter to split at; the last one when none.
    pub parameter: Option<String>,
    /// For a split: the values to set apart. For a merge: the templates that shall be one.
    pub parts: Vec<String>,
    /// Why.
    pub comment: String,
}

/// Carries a decision out: all of it or nothing. The answer is the rules it came to.
///
/// # Errors
/// When it makes no sense or contradicts a rule that holds.
pub fn decide_templates(
    rules: &mut Vec<TemplateRule>,
    decision: &TemplateDecision,
    at: Nanos,
) -> Result<Vec<TemplateRule>, RuleError> {
    let rule = |kind, template: String| TemplateRule {
        kind,
        host: decision.host.clone(),
        template,
        method: decision.method.clone(),
        comment: decision.comment.clone(),
        at,
    };
    let mut next = rules.clone();
    let template = decision.template.clone();
    if template == HOST_ITSELF {
        let of_host = |kind, host| TemplateRule {
            host,
            ..rule(kind, HOST_ITSELF.to_owned())
        };
        let added = hosts::decide(&mut next, decision, of_host)?;
        return adopt(rules, next, added);
    }
    let added: Vec<TemplateRule> = match decision.action {
        TemplateAction::Pin => vec![rule(RuleKind::Pin, template)],
        TemplateAction::Rename => vec![rule(RuleKind::Rename, template)],
        TemplateAction::Ignore => vec![rule(RuleKind::Ignore, template)],
        TemplateAction::Split => {
            split_template(&template, decision.parameter.as_deref(), &decision.parts)?
                .into_iter()
                .map(|part| rule(RuleKind::Pin, part))
                .collect()
        }
        TemplateAction::Merge => {
            for part in &decision.parts {
                if !covers(&template, part) {
                    return Err(RuleError::Template {
                        template,
                        reason: "it does not fit every template that shall be merged",
                    });
                }
                // Pins of the parts would win over the whole.
                next.retain(|held| {
                    held.kind != RuleKind::Pin
                        || held.host != decision.host
                        || held.shape() != naming::shape(part)
                });
            }
            vec![rule(RuleKind::Pin, template)]
        }
    };
    adopt(rules, next, added)
}

/// Adds the rules that a decision came to: all or none.
fn adopt(
    rules: &mut Vec<TemplateRule>,
    mut next: Vec<TemplateRule>,
    added: Vec<TemplateRule>,
) -> Result<Vec<TemplateRule>, RuleError> {
    for rule in &added {
        add_rule(&mut next, rule.clone())?;
    }
    *rules = next;
    Ok(added)
}

/// Whether whatever fits `part` fits `whole`, segment by segment.
fn covers(whole: &str, part: &str) -> bool {
    let fits = |(whole, part): (&str, &str)| match (whole.split_once('{'), whole.rsplit_once('}')) {
        (Some((prefix, _)), Some((_, suffix))) => {
            part.len() > prefix.len() + suffix.len()
                && part.starts_with(prefix)
                && part.ends_with(suffix)
        }
        _ => whole == part,
    };
    whole.split('/').count() == part.split('/').count()
        && whole.split('/').zip(part.split('/')).all(fits)
}

/// Adds a rule to those that hold. The same kind for the same paths takes the older one's place.
///
/// # Errors
/// When the rule makes no sense or contradicts one that holds; nothing is changed then.
pub fn add_rule(rules: &mut Vec<TemplateRule>, rule: TemplateRule) -> Result<(), RuleError> {
    check(&rule)?;
    // Pinned or named and at the same time none: one of the two must go.
    let contradicts = |held: &TemplateRule| {
        (held.kind == RuleKind::Ignore) != (rule.kind == RuleKind::Ignore)
            && held.is_about_the_same(&rule)
    };
    if let Some(held) = rules.iter().find(|held| contradicts(held)) {
        return Err(RuleError::Conflict {
            kind: held.kind.name(),
            host: held.host.clone(),
            template: held.template.clone(),
        });
    }
    let same = |held: &TemplateRule| {
        held.kind == rule.kind
            && held.is_on(&rule.host)
            && held.method == rule.method
            && held.shape() == rule.shape()
    };
    rules.retain(|held| !same(held));
    if rules.len() >= RULES_MAX {
        return Err(RuleError::Full);
    }
    rules.push(rule);
    Ok(())
}

/// Takes the rules on a template back; how many there were.
pub fn withdraw_rules(rules: &mut Vec<TemplateRule>, host: &str, template: &str) -> usize {
    let before = rules.len();
    let shape = naming::shape(template);
    rules.retain(|held| !held.is_on(host) || held.shape() != shape);
    before - rules.len()
}

/// The templates that come of splitting one: at the parameter called `parameter` (the last one when
/// none is named) each of `values` is a literal.
///
/// # Errors
/// When there is no such parameter or a value cannot stand there.
pub fn split_template(
    template: &str,
    parameter: Option<&str>,
    values: &[String],
) -> Result<Vec<String>, RuleError> {
    let wrong = |reason| RuleError::Template {
        template: template.to_owned(),
        reason,
    };
    let names = naming::parameters(template);
    let name = match parameter {
        Some(name) => names.iter().find(|known| *known == name),
        None => names.last(),
    };
    let name = name.ok_or_else(|| wrong("it has no such parameter to split at"))?;
    if values.is_empty() {
        return Err(wrong("no value to split off was given"));
    }
    values
        .iter()
        .map(|value| {
            if value.is_empty() || value.contains(['/', '{', '}', '?', '#']) {
                return Err(wrong("a value to split off is one segment without braces"));
            }
            Ok(template.replacen(&format!("{{{name}}}"), value, 1))
        })
        .collect()
}

fn check(rule: &TemplateRule) -> Result<(), RuleError> {
    let template = &rule.template;
    let wrong = |reason| {
        Err(RuleError::Template {
            template: template.chars().take(200).collect(),
            reason,
        })
    };
    if rule.kind != RuleKind::Ignore && rule.method.is_some() {
        return Err(RuleError::Method(rule.kind.name()));
    }
    if rule.is_about_host() {
        return hosts::check(rule);
    }
    if template.len() > TEMPLATE_BYTES_MAX {
        return wrong("it is longer than 4096 bytes");
    }
    if !template.starts_with('/') || template.contains(['?', '#', ' ']) {
        return wrong("it begins with / and has no query, fragment or space");
    }
    let mut names: Vec<String> = Vec::new();
    for segment in template.split('/') {
        let (opened, closed) = (segment.matches('{').count(), segment.matches('}').count());
        let found = naming::parameters(segment);
        if opened != closed || found.len() != opened || found.iter().any(|n| n.contains('{')) {
            return wrong("its braces do not pair within a segment");
        }
        names.extend(found);
    }
    if names.iter().any(String::is_empty) {
        return wrong("a parameter has no name");
    }
    let count = names.len();
    names.sort();
    names.dedup();
    if names.len() != count {
        return wrong("two parameters have one name");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(kind: RuleKind, template: &str) -> TemplateRule {
        TemplateRule {
            kind,
            host: "api.example.com".to_owned(),
            template: template.to_owned(),
            method: None,
            comment: String::new(),
            at: 1,
        }
    }

    #[test]
    fn what_is_no_template_is_refused_in_one_sentence() {
        for template in [
            "users/{id}",
            "/users/{id",
            "/users/id}",
            "/users/{}",
            "/a/{id}/b/{id}",
            "/users/{id}?x=1",
            "/a b",
            "/{a/b}",
        ] {
            let error = add_rule(&mut Vec::new(), rule(RuleKind::Pin, template)).unwrap_err();
            assert!(error.to_string().contains("is no template"), "{template}");
        }
        for template in ["/", "/users/{id}.json", "/compare/{a}..{b}", "/users/me"] {
            assert_eq!(
                add_rule(&mut Vec::new(), rule(RuleKind::Pin, template)),
                Ok(())
            );
        }
    }

    #[test]
    fn a_rule_replaces_its_like_and_is_refused_by_its_opposite() {
        let mut rules = Vec::new();
        add_rule(&mut rules, rule(RuleKind::Pin, "/users/{id}")).unwrap();
        add_rule(&mut rules, rule(RuleKind::Pin, "/users/{user}")).unwrap();
        assert_eq!(rules.len(), 1);
        assert_eq!(rules[0].template, "/users/{user}");
        let refused = add_rule(&mut rules, rule(RuleKind::Ignore, "/users/{x}")).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "api.example.com/users/{user} has the rule `pin` already; withdraw that first"
        );
        assert_eq!(
            withdraw_rules(&mut rules, "api.example.com", "/users/{any}"),
            1
        );
        add_rule(&mut rules, rule(RuleKind::Ignore, "/users/{x}")).unwrap();
    }

    #[test]
    fn a_decision_is_carried_out_as_a_whole_or_not_at_all() {
        let decision = |action, template: &str, parts: &[&str]| TemplateDecision {
            action,
            host: "api.example.com".to_owned(),
            template: template.to_owned(),
            method: None,
            parameter: None,
            parts: parts.iter().map(|p| (*p).to_owned()).collect(),
            comment: "so it is".to_owned(),
        };
        let mut rules = Vec::new();
        let split = decision(TemplateAction::Split, "/users/{id}", &["me", "self"]);
        let added = decide_templates(&mut rules, &split, 7).unwrap();
        assert_eq!(added.len(), 2);
        assert_eq!(rules[0].template, "/users/me");
        assert_eq!((rules[0].at, rules[0].comment.as_str()), (7, "so it is"));
        let wrong = decision(TemplateAction::Merge, "/people/{id}", &["/users/me"]);
        assert!(decide_templates(&mut rules, &wrong, 8).is_err());
        assert_eq!(rules.len(), 2);
        let merge = decision(
            TemplateAction::Merge,
            "/users/{id}",
            &["/users/me", "/users/{x}"],
        );
        decide_templates(&mut rules, &merge, 9).unwrap();
        let left: Vec<&str> = rules.iter().map(|r| r.template.as_str()).collect();
        assert_eq!(left, ["/users/self", "/users/{id}"]);
        let again = decision(TemplateAction::Ignore, "/users/{any}", &[]);
        assert!(matches!(
            decide_templates(&mut rules, &again, 10),
            Err(RuleError::Conflict { kind: "pin", .. })
        ));
    }

    #[test]
    fn a_template_splits_at_the_parameter_that_is_named() {
        let values = ["me".to_owned(), "self".to_owned()];
        assert_eq!(
            split_template("/users/{id}/posts/{post}", Some("id"), &values).unwrap(),
            ["/users/me/posts/{post}", "/users/self/posts/{post}"]
        );
        assert_eq!(
            split_template("/users/{id}", None, &values[..1]).unwrap(),
            ["/users/me"]
        );
        assert!(split_template("/users/{id}", Some("x"), &values).is_err());
        assert!(split_template("/users/{id}", None, &["a/b".to_owned()]).is_err());
    }
}
