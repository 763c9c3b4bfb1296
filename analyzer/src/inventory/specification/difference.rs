//! How a specification differs from what was seen: one place for the API, the page and the
//! command line.

use std::collections::BTreeSet;

use super::Specification;
use super::coverage::Coverage;
use crate::snapshot::{EndpointId, EndpointSnapshot};

/// A kind of difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DifferenceKind {
    /// Called on a host and base path the specification covers, and not in it.
    Undocumented,
    /// In the specification, never called.
    Unseen,
    /// Deprecated in the specification, and called.
    DeprecatedCalled,
    /// Only in an older revision, and called.
    RemovedCalled,
}

impl DifferenceKind {
    /// Its name in outputs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Undocumented => "undocumented",
            Self::Unseen => "unseen",
            Self::DeprecatedCalled => "deprecated_called",
            Self::RemovedCalled => "removed_called",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its kind.
    pub kind: DifferenceKind,
    /// The endpoint; none for what was never called.
    pub endpoint: Option<EndpointId>,
    /// Method.
    pub method: String,
    /// Host; empty for an operation of a specification that names none.
    pub host: String,
    /// Full template.
    pub template: String,
    /// Exchanges.
    pub requests: u64,
}

impl Specification {
    /// The differences from `endpoints`, in a fixed order.
    #[must_use]
    pub fn differences<'a>(
        &self,
        endpoints: impl IntoIterator<Item = &'a EndpointSnapshot>,
    ) -> Vec<Difference> {
        let own = core::slice::from_ref(self);
        let mut called = BTreeSet::new();
        let mut differences = Vec::new();
        for endpoint in endpoints
            .into_iter()
            .filter(|endpoint| endpoint.requests > 0)
        {
            let coverage = match self.hosts.is_empty() {
                true => Coverage::of_any_host(own),
                false => Coverage::of_host(own, &endpoint.host),
            };
            let standing = coverage.standing(&endpoint.method, &endpoint.template);
            let facts = &endpoint.facts;
            let kind = match &standing.template {
                Some(template) => {
                    called.insert((endpoint.method.clone(), template.clone()));
                    standing
                        .deprecated
                        .then_some(DifferenceKind::DeprecatedCalled)
                }
                None if !standing.covered => None,
                None if facts.removed => Some(DifferenceKind::RemovedCalled),
                None if facts.documented_in.is_empty() => Some(DifferenceKind::Undocumented),
                None => None,
            };
            differences.extend(kind.map(|kind| Difference {
                kind,
                endpoint: Some(endpoint.id),
                method: endpoint.method.clone(),
                host: endpoint.host.clone(),
                template: endpoint.template.clone(),
                requests: endpoint.requests,
            }));
        }
        let host = self.hosts.first().cloned().unwrap_or_default();
        let all = match self.hosts.first() {
            Some(host) => Coverage::of_host(own, host),
            None => Coverage::of_any_host(own),
        };
        let unseen = all
            .expected()
            .into_iter()
            .filter(|operation| !called.contains(operation));
        differences.extend(unseen.map(|(method, template)| Difference {
            kind: DifferenceKind::Unseen,
            endpoint: None,
            method,
            host: host.clone(),
            template,
            requests: 0,
        }));
        differences.sort_by(|a, b| {
            (a.kind, &a.host, &a.template, &a.method).cmp(&(
                b.kind,
                &b.host,
                &b.template,
                &b.method,
            ))
        });
        differences
    }
}
