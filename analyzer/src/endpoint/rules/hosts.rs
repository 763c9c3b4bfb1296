//! What a person decides on hosts: which of them are one row (`{tenant}.api.example.com`) and which
//! stay apart. The same kinds of rule as for paths, with [`HOST_ITSELF`] for a template.

use super::super::naming;
use super::{HOST_ITSELF, RuleError, RuleKind, TemplateAction, TemplateDecision, TemplateRule};

/// Longest host name (RFC 1035 section 2.3.4), with names of parameters.
const HOST_BYTES_MAX: usize = 512;

/// The rules that a decision on hosts comes to, before they are added to those that hold.
pub(super) fn decide(
    rules: &mut Vec<TemplateRule>,
    decision: &TemplateDecision,
    rule: impl Fn(RuleKind, String) -> TemplateRule,
) -> Result<Vec<TemplateRule>, RuleError> {
    let host = decision.host.clone();
    Ok(match decision.action {
        TemplateAction::Pin => vec![rule(RuleKind::Pin, host)],
        TemplateAction::Rename => vec![rule(RuleKind::Rename, host)],
        TemplateAction::Ignore => vec![rule(RuleKind::Ignore, host)],
        TemplateAction::Split => {
            let names = naming::parameters(&host);
            let wanted = decision.parameter.as_ref().or(names.last());
            let name = wanted.filter(|name| names.contains(name));
            let name = name.ok_or_else(|| wrong(&host, "it has no such parameter to split at"))?;
            if decision.parts.is_empty() {
                return Err(wrong(&host, "no value to split off was given"));
            }
            let hole = format!("{{{name}}}");
            let hosts = decision.parts.iter().map(|value| {
                if value.is_empty() || value.contains(['.', '/', '{', '}']) {
                    return Err(wrong(
                        &host,
                        "a value to split off is one label without braces",
                    ));
                }
                Ok(rule(RuleKind::Pin, host.replacen(&hole, value, 1)))
            });
            hosts.collect::<Result<_, _>>()?
        }
        TemplateAction::Merge => {
            for part in &decision.parts {
                if !crate::tenants::is_of(part, &host) {
                    return Err(wrong(
                        &host,
                        "it does not fit every host that shall be merged",
                    ));
                }
                // A host that was set apart is part of the whole from now on.
                rules.retain(|held| {
                    held.kind != RuleKind::Pin || !held.is_about_host() || held.host != *part
                });
            }
            vec![rule(RuleKind::Pin, host)]
        }
    })
}

/// Whether a rule on a host makes sense.
pub(super) fn check(rule: &TemplateRule) -> Result<(), RuleError> {
    let host = &rule.host;
    let is_template = host.contains('{');
    if host.is_empty() || host.len() > HOST_BYTES_MAX || host.contains(['/', ' ', '*']) {
        return Err(wrong(host, "it is no host name"));
    }
    if host.split('.').any(str::is_empty) {
        return Err(wrong(host, "a label is empty"));
    }
    let whole = |label: &str| {
        let inner = label
            .strip_prefix('{')
            .and_then(|rest| rest.strip_suffix('}'));
        inner.is_some_and(|name| !name.is_empty() && !name.contains(['{', '}']))
    };
    if host
        .split('.')
        .any(|label| label.contains(['{', '}']) && !whole(label))
    {
        return Err(wrong(host, "a parameter is a whole label with a name"));
    }
    if rule.kind != RuleKind::Pin && !is_template {
        return Err(wrong(
            host,
            "only a host with a parameter can be renamed or ignored",
        ));
    }
    if is_template && !host.rsplit('.').take(2).all(|label| !label.contains('{')) {
        return Err(wrong(host, "its domain is not a parameter"));
    }
    Ok(())
}

fn wrong(host: &str, reason: &'static str) -> RuleError {
    RuleError::Template {
        template: format!(
            "{HOST_ITSELF}{}",
            host.chars().take(200).collect::<String>()
        ),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decide_templates, withdraw_rules};
    use super::*;

    fn decision(action: TemplateAction, host: &str, parts: &[&str]) -> TemplateDecision {
        TemplateDecision {
            action,
            host: host.to_owned(),
            template: HOST_ITSELF.to_owned(),
            method: None,
            parameter: None,
            parts: parts.iter().map(|part| (*part).to_owned()).collect(),
            comment: String::new(),
        }
    }

    #[test]
    fn hosts_are_set_apart_and_made_one_again() {
        let template = "{tenant}.api.example.com";
        let mut rules = Vec::new();
        let split = decision(TemplateAction::Split, template, &["acme", "globex"]);
        decide_templates(&mut rules, &split, 1).unwrap();
        let merge = decision(TemplateAction::Merge, template, &["acme.api.example.com"]);
        decide_templates(&mut rules, &merge, 2).unwrap();
        let hosts: Vec<&str> = rules.iter().map(|rule| rule.host.as_str()).collect();
        assert_eq!(hosts, ["globex.api.example.com", template]);
        let ignore = decision(TemplateAction::Ignore, "{any}.api.example.com", &[]);
        assert!(
            decide_templates(&mut rules, &ignore, 3).is_err(),
            "it is pinned"
        );
        assert_eq!(
            withdraw_rules(&mut rules, "{other}.api.example.com", HOST_ITSELF),
            1
        );
        decide_templates(&mut rules, &ignore, 4).unwrap();
    }

    #[test]
    fn what_is_no_host_template_is_refused() {
        for (action, host, parts) in [
            (TemplateAction::Pin, "{tenant}.com", &[][..]),
            (TemplateAction::Pin, "x{tenant}.example.com", &[]),
            (TemplateAction::Pin, "a..example.com", &[]),
            (TemplateAction::Ignore, "acme.example.com", &[]),
            (TemplateAction::Split, "acme.example.com", &["x"]),
            (TemplateAction::Split, "{t}.example.com", &["a.b"]),
            (TemplateAction::Merge, "{t}.example.com", &["a.example.org"]),
        ] {
            let refused = decide_templates(&mut Vec::new(), &decision(action, host, parts), 1);
            assert!(refused.is_err(), "{host}");
        }
    }
}
