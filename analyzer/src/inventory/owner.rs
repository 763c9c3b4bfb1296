//! Who is responsible for an endpoint, by rules of its host and path.
//!
//! Rules are looked at in the order in which they are written, and the first that holds decides,
//! so that an exception stands before the rule it is from.

use crate::snapshot::profile::OwnerSnapshot;

/// A rule: whose the endpoints of some hosts and paths are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnerRule {
    /// The owner.
    pub owner: String,
    /// Hosts: `shop.example`, or `*.shop.example` for everything below it; empty means any.
    pub hosts: Vec<String>,
    /// Paths: `/v2/orders` for itself and everything below it; `*` stands for one segment. Empty
    /// means any.
    pub paths: Vec<String>,
}

impl OwnerRule {
    /// The patterns that hold for a host and a path template; none when the rule does not.
    fn holds(&self, host: &str, template: &str) -> Option<(&str, &str)> {
        let host_pattern = self.hosts.iter().find(|one| is_host(one, host));
        let path_pattern = self.paths.iter().find(|one| is_below(one, template));
        let hosts_hold = self.hosts.is_empty() || host_pattern.is_some();
        let paths_hold = self.paths.is_empty() || path_pattern.is_some();
        (hosts_hold && paths_hold).then(|| (text(host_pattern), text(path_pattern)))
    }
}

fn text(pattern: Option<&String>) -> &str {
    pattern.map_or("", String::as_str)
}

/// The owner of an endpoint, by the first rule that holds.
#[must_use]
pub fn owner(rules: &[OwnerRule], host: &str, template: &str) -> Option<OwnerSnapshot> {
    rules.iter().enumerate().find_map(|(at, rule)| {
        let (host, path) = rule.holds(host, template)?;
        let what = match (host, path) {
            ("", "") => "everything".to_owned(),
            ("", path) => format!("path {path}"),
            (host, "") => format!("host {host}"),
            (host, path) => format!("host {host} and path {path}"),
        };
        Some(OwnerSnapshot {
            name: rule.owner.clone(),
            reason: format!("Owner rule {} holds: {what}.", at + 1),
        })
    })
}

/// Whether a host is the pattern's, or below it where it begins with `*.`.
fn is_host(pattern: &str, host: &str) -> bool {
    match pattern.strip_prefix("*.") {
        Some(domain) => host
            .strip_suffix(domain)
            .is_some_and(|label| label.len() > 1 && label.ends_with('.')),
        None => pattern == "*" || pattern.eq_ignore_ascii_case(host),
    }
}

/// Whether a template is the pattern's path or below it. A parameter of the template is no
/// literal of the pattern, and any parameter of the pattern (`{id}`) is as good as `*`.
fn is_below(pattern: &str, template: &str) -> bool {
    let mut segments = template.split('/').filter(|segment| !segment.is_empty());
    let mut wanted = pattern.split('/').filter(|segment| !segment.is_empty());
    wanted.all(|wanted| {
        segments.next().is_some_and(|segment| {
            wanted == "*" || wanted == "**" || wanted.contains('{') || wanted == segment
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(owner: &str, hosts: &[&str], paths: &[&str]) -> OwnerRule {
        let owned = |list: &[&str]| list.iter().map(|one| (*one).to_owned()).collect();
        OwnerRule {
            owner: owner.to_owned(),
            hosts: owned(hosts),
            paths: owned(paths),
        }
    }

    #[test]
    fn the_first_rule_that_holds_decides() {
        let rules = [
            rule("payments", &["api.shop.example"], &["/v2/orders/*/payment"]),
            rule("orders", &[], &["/v2/orders", "/v1/orders"]),
            rule("platform", &["*.shop.example"], &[]),
        ];
        let of = |host, template| owner(&rules, host, template).map(|one| one.name);
        let named = |name: &str| Some(name.to_owned());
        let shop = "api.shop.example";
        assert_eq!(of(shop, "/v2/orders/{number}/payment"), named("payments"));
        assert_eq!(of(shop, "/v2/orders/{number}/items"), named("orders"));
        assert_eq!(of("other.example", "/v1/orders"), named("orders"));
        assert_eq!(of("a.b.shop.example", "/health"), named("platform"));
        assert_eq!(of("shop.example", "/health"), None);
        assert_eq!(of("myshop.example", "/health"), None);
        assert_eq!(of("other.example", "/v2/ordersx"), None);
    }

    #[test]
    fn the_reason_names_the_rule() {
        let rules = [rule("a", &["x"], &[]), rule("b", &["*.y"], &["/z"])];
        let reason = owner(&rules, "k.y", "/z/{id}").unwrap().reason;
        assert_eq!(reason, "Owner rule 2 holds: host *.y and path /z.");
    }
}
