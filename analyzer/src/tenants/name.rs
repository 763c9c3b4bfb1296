//! Host names: which label may be a tenant's, and what the labels of many hosts have in common.

use core::net::IpAddr;

use crate::endpoint::look::Look;

/// What stands for the varying label in a pattern.
pub(super) const HOLE: &str = "{}";

/// Labels to the right of a tenant's at least: a service has its tenants below a domain of its
/// own, and all that is below a public suffix (`com`, `co.uk`) has nothing in common.
const DOMAIN_LABELS: usize = 2;

/// Labels of a name that are looked at; a name of more is made up by a client.
const LABELS_MAX: usize = 10;

/// Labels that say what a host is for. A service does not give them to its tenants, and what
/// answers under them is another product, or the same one in another state: never one row.
const ROLES: [&str; 40] = [
    "www",
    "api",
    "app",
    "apps",
    "web",
    "admin",
    "auth",
    "login",
    "sso",
    "id",
    "accounts",
    "account",
    "portal",
    "dashboard",
    "console",
    "static",
    "assets",
    "cdn",
    "img",
    "images",
    "media",
    "files",
    "docs",
    "help",
    "support",
    "status",
    "blog",
    "shop",
    "store",
    "mail",
    "smtp",
    "ftp",
    "vpn",
    "git",
    "ci",
    "grafana",
    "gateway",
    "proxy",
    "internal",
    "public",
];

/// States of a product: each is a host of its own, for what holds of one need not of the other.
const STATES: [&str; 22] = [
    "dev",
    "develop",
    "development",
    "test",
    "testing",
    "tst",
    "qa",
    "uat",
    "int",
    "stage",
    "staging",
    "stg",
    "preview",
    "pre",
    "preprod",
    "prod",
    "production",
    "live",
    "beta",
    "canary",
    "sandbox",
    "demo",
];

/// Whether a label names a role, a state or a version rather than one of many.
pub(super) fn is_role(label: &str) -> bool {
    let state = |part: &str| STATES.contains(&part.trim_end_matches(|c: char| c.is_ascii_digit()));
    ROLES.contains(&label)
        || label.split(['-', '_']).any(state)
        || Look::of_text(label, usize::MAX) == Look::Version
}

/// The patterns that a host is one of, the leftmost label first, each with the label that varies.
/// None for an address, a name without a domain, and labels that name a role.
pub(super) fn patterns(host: &str) -> Vec<(String, &str)> {
    let labels: Vec<&str> = host.split('.').collect();
    let count = labels.len();
    let wrong = host.parse::<IpAddr>().is_ok()
        || host.contains(':')
        || count > LABELS_MAX
        || labels.iter().any(|label| label.is_empty())
        || labels
            .last()
            .is_none_or(|top| top.bytes().all(|b| b.is_ascii_digit()));
    if wrong {
        return Vec::new();
    }
    let places = 0..count.saturating_sub(DOMAIN_LABELS);
    places
        .filter_map(|at| {
            let label = labels.get(at).copied().filter(|label| !is_role(label))?;
            let with_hole = labels
                .iter()
                .enumerate()
                .map(|(i, l)| if i == at { HOLE } else { l });
            Some((with_hole.collect::<Vec<_>>().join("."), label))
        })
        .collect()
}

/// A pattern as people see it, its holes named.
pub(super) fn named(pattern: &str, name: &str) -> String {
    pattern.replace(HOLE, &format!("{{{name}}}"))
}

/// A host template without the names of its parameters; `*` stands for one label, too.
pub(super) fn pattern_of(template: &str) -> String {
    let labels = template
        .split('.')
        .map(|label| if is_hole(label) { HOLE } else { label });
    labels.collect::<Vec<_>>().join(".")
}

/// Whether a label of a template stands for any.
pub(super) fn is_hole(label: &str) -> bool {
    label == "*" || (label.starts_with('{') && label.ends_with('}'))
}

/// Whether a host is of a template or pattern: as many labels, each the same or any.
#[must_use]
pub fn is_of(host: &str, template: &str) -> bool {
    let (ours, theirs) = (host.split('.'), template.split('.'));
    ours.clone().count() == theirs.clone().count()
        && ours
            .zip(theirs)
            .all(|(label, wanted)| !label.is_empty() && (label == wanted || is_hole(wanted)))
}

/// Whether a host has the name of a role where a template has a parameter.
pub(super) fn has_role(host: &str, template: &str) -> bool {
    let labels = host.split('.').zip(template.split('.'));
    labels
        .into_iter()
        .any(|(label, wanted)| is_hole(wanted) && is_role(label))
}

/// Whether labels look like values rather than names somebody chose one by one: by what they look
/// like each, or for being counted (`t1`, `t2`, …).
pub(super) fn are_values(labels: &[&str]) -> bool {
    let typed = labels.iter().filter(|label| is_value(label)).count();
    let stem = |label: &str| label.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let first = labels
        .first()
        .map_or("", |label| label.get(..stem(label)).unwrap_or_default());
    let counted = labels
        .iter()
        .filter(|label| stem(label) < label.len() && label.get(..stem(label)) == Some(first))
        .count();
    typed.max(counted) * 2 > labels.len()
}

fn is_value(label: &str) -> bool {
    is_hole(label) || Look::of_text(label, usize::MAX).is_typed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_label_below_a_domain_may_be_a_tenants() {
        let of = |host| -> Vec<String> { patterns(host).into_iter().map(|(p, _)| p).collect() };
        assert_eq!(of("acme.api.example.com"), ["{}.api.example.com"]);
        assert_eq!(
            of("acme.eu.example.com"),
            ["{}.eu.example.com", "acme.{}.example.com"]
        );
        for none in [
            "example.com",
            "localhost",
            "10.0.0.1",
            "2001:db8::1",
            "www.example.com",
            "v2.example.com",
            "api-staging.example.com",
            "dev3.example.com",
            "a..example.com",
            "(other hosts)",
            "1.2.3.4.5",
        ] {
            assert_eq!(of(none), [""; 0], "{none}");
        }
    }

    #[test]
    fn a_template_takes_one_label_for_each_of_its_own() {
        assert!(is_of("acme.api.example.com", "{tenant}.api.example.com"));
        assert!(is_of("{tenant}.api.example.com", "*.api.example.com"));
        for other in [
            "api.example.com",
            "a.b.api.example.com",
            ".api.example.com",
            "acme.api.example.org",
        ] {
            assert!(!is_of(other, "{tenant}.api.example.com"), "{other}");
        }
        assert_eq!(pattern_of("*.{region}.example.com"), "{}.{}.example.com");
        assert_eq!(named("{}.example.com", "tenant"), "{tenant}.example.com");
    }

    #[test]
    fn values_are_told_from_names() {
        assert!(are_values(&["t1", "t2", "t17"]));
        assert!(are_values(&["1001", "1002"]));
        assert!(are_values(&[
            "{secret}",
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
        ]));
        assert!(!are_values(&["acme", "globex", "initech"]));
    }
}
