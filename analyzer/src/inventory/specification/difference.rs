//! How a specification differs from what was seen: one place for the API, the page and the
//! command line.

use std::collections::{BTreeMap, BTreeSet};

use super::Specification;
use super::coverage::{Coverage, Standing};
use crate::settings::DriftPolicy;
use crate::snapshot::{Drift, EndpointId, EndpointSnapshot};

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
    /// In the specification, and different from it in traffic.
    Drifted,
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
            Self::Drifted => "drifted",
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
    /// What is different, for [`DifferenceKind::Drifted`].
    pub drift: Option<Drift>,
}

impl Specification {
    /// The differences from `endpoints`, in a fixed order.
    #[must_use]
    pub fn differences<'a>(
        &self,
        endpoints: impl IntoIterator<Item = &'a EndpointSnapshot>,
        policy: &DriftPolicy,
    ) -> Vec<Difference> {
        let own = core::slice::from_ref(self);
        let mut by_host: BTreeMap<&str, Coverage> = BTreeMap::new();
        let mut called = BTreeSet::new();
        let mut differences = Vec::new();
        let endpoints = endpoints.into_iter();
        // An operation's exchanges are its endpoint's.
        for endpoint in endpoints.filter(|one| one.requests > 0 && one.transport.is_none()) {
            let coverage =
                by_host
                    .entry(&endpoint.host)
                    .or_insert_with(|| match self.hosts.is_empty() {
                        true => Coverage::of_any_host(own),
                        false => Coverage::of_host(own, &endpoint.host),
                    });
            let standing = coverage.standing(&endpoint.method, &endpoint.template);
            let kind = kind_of(&standing, endpoint);
            differences.extend(kind.map(|kind| Difference::of(kind, endpoint, None)));
            if kind == Some(DifferenceKind::RemovedCalled) {
                // A neighbour with a parameter where it has a name is another operation.
                continue;
            }
            let template = standing.template.clone();
            called.extend(template.map(|template| (endpoint.method.clone(), template)));
            let drifts = coverage.drift(endpoint, policy).into_iter();
            let kind = DifferenceKind::Drifted;
            differences.extend(drifts.map(|one| Difference::of(kind, endpoint, Some(one))));
        }
        differences.extend(self.unseen(&called));
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

    /// Operations that were never called.
    fn unseen(&self, called: &BTreeSet<(String, String)>) -> Vec<Difference> {
        let own = core::slice::from_ref(self);
        let host = self.hosts.first().cloned().unwrap_or_default();
        let all = match self.hosts.first() {
            Some(host) => Coverage::of_host(own, host),
            None => Coverage::of_any_host(own),
        };
        let mut unseen = all.expected();
        unseen.retain(|operation| !called.contains(operation));
        let difference = |(method, template)| Difference {
            kind: DifferenceKind::Unseen,
            endpoint: None,
            method,
            host: host.clone(),
            template,
            requests: 0,
            drift: None,
        };
        unseen.into_iter().map(difference).collect()
    }
}

impl Difference {
    fn of(kind: DifferenceKind, endpoint: &EndpointSnapshot, drift: Option<Drift>) -> Self {
        Self {
            kind,
            endpoint: Some(endpoint.id),
            method: endpoint.method.clone(),
            host: endpoint.host.clone(),
            template: endpoint.template.clone(),
            requests: endpoint.requests,
            drift,
        }
    }
}

/// What sets an endpoint as a whole apart.
fn kind_of(standing: &Standing, endpoint: &EndpointSnapshot) -> Option<DifferenceKind> {
    let facts = &endpoint.facts;
    match &standing.template {
        _ if standing.covered && facts.removed => Some(DifferenceKind::RemovedCalled),
        Some(_) => standing
            .deprecated
            .then_some(DifferenceKind::DeprecatedCalled),
        None if !standing.covered => None,
        None if facts.documented_in.is_empty() => Some(DifferenceKind::Undocumented),
        None => None,
    }
}
