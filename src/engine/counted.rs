//! How much there is of everything: what a run tells of itself at its end. Where nobody can look at
//! the inventory meanwhile, this is all that is kept of what was saved.

use std::collections::BTreeSet;

use tapscope_analyzer::Restored;
use tapscope_analyzer::snapshot::{Changes, EndpointId, FindingId};

/// Names of what there is.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    endpoints: BTreeSet<EndpointId>,
    hosts: BTreeSet<String>,
    findings: BTreeSet<FindingId>,
}

impl Counted {
    /// What a store held.
    pub(super) fn restored(restored: &Restored) -> Self {
        let endpoints = restored.endpoints.iter().map(|endpoint| endpoint.id);
        let hosts = restored.hosts.iter().map(|host| host.host.clone());
        let findings = restored.findings.iter().map(|finding| finding.id);
        Self {
            endpoints: endpoints.collect(),
            hosts: hosts.collect(),
            findings: findings.collect(),
        }
    }

    /// Takes in what changed.
    pub(super) fn take(&mut self, changes: &Changes) {
        let merged = changes.merged.iter();
        let merged = merged.filter(|(gone, survivor)| gone != survivor);
        for gone in merged.map(|(gone, _)| gone).chain(&changes.removed) {
            self.endpoints.remove(gone);
        }
        // What went and has come back since is there.
        let endpoints = changes.endpoints.iter().map(|endpoint| endpoint.id);
        self.endpoints.extend(endpoints);
        for host in &changes.removed_hosts {
            self.hosts.remove(host);
        }
        let hosts = changes.hosts.iter().map(|host| host.host.clone());
        self.hosts.extend(hosts);
        let findings = changes.findings.iter().map(|finding| finding.id);
        self.findings.extend(findings);
    }

    /// Number of endpoints.
    pub(crate) fn endpoints(&self) -> usize {
        self.endpoints.len()
    }

    /// Number of hosts.
    pub(crate) fn hosts(&self) -> usize {
        self.hosts.len()
    }

    /// Number of findings.
    pub(crate) fn findings(&self) -> usize {
        self.findings.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_no_longer_counted() {
        let id = EndpointId;
        let mut counted = Counted {
            endpoints: [id(1), id(2), id(3), id(4)].into(),
            hosts: ["a".to_owned(), "b".to_owned()].into(),
            findings: [FindingId(1)].into(),
        };
        counted.take(&Changes {
            merged: vec![(id(1), id(2)), (id(4), id(4))],
            removed: vec![id(3), id(9)],
            removed_hosts: vec!["b".to_owned()],
            ..Changes::default()
        });
        let (endpoints, hosts) = (counted.endpoints(), counted.hosts());
        assert_eq!((endpoints, hosts, counted.findings()), (2, 1, 1));
    }
}
