//! The live view: the inventory as it is published to readers.
//!
//! The engine is the only writer ([`LiveView::publish`]); readers never wait for it and it never
//! waits for them: entries are replaced whole, behind an `Arc`. A guard of a map never leaves a
//! method, so none can be held across an await.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;
use dashmap::DashMap;
use tapscope_analyzer::endpoint::TemplateRule;
use tapscope_analyzer::inventory::risk::assess;
use tapscope_analyzer::inventory::specification::Specification;
use tapscope_analyzer::snapshot::{
    Changes, ConsumerId, ConsumerSnapshot, EndpointId, FindingId, FindingSnapshot, FindingStatus,
    HostSnapshot, Nanos,
};
use tapscope_analyzer::tenants::is_of;
use tapscope_analyzer::{AnalyzerSettings, Restored};
use tapscope_record::HealthReport;
use tokio::sync::broadcast;

pub use entry::EndpointEntry;
pub use totals::{MINUTES_SHOWN, MinuteTotals, Totals, UNSEEN};

/// An endpoint as it is published.
mod entry;

/// Sums over all endpoints.
mod totals;

/// Steps from a merged endpoint to its survivor at most: a chain is as long as the merges that
/// happened one after the other; more than this is a loop.
const MERGE_STEPS_MAX: usize = 64;

/// A specification as it is published: the current revision.
#[derive(Clone, Debug, PartialEq)]
pub struct PublishedSpecification {
    /// Revision within the name, from 1.
    pub revision: u32,
    /// Wall clock of the addition, nanoseconds since the Unix epoch.
    pub added: Nanos,
    /// The document as read.
    pub specification: Arc<Specification>,
}

/// How the store is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreState {
    /// Where it is.
    pub path: String,
    /// Wall clock of the last save, nanoseconds since the Unix epoch; 0 before the first.
    pub last_saved: Nanos,
    /// Changes that wait to be saved.
    pub pending: u64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// What one change of the view touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// The view's change counter after it.
    pub sequence: u64,
    /// Endpoints that are new, changed or gone.
    pub endpoints: Vec<EndpointId>,
    /// Findings that are new or changed.
    pub findings: Vec<FindingId>,
    /// Whether anything but health changed.
    pub inventory: bool,
    /// Whether health changed.
    pub health: bool,
}

/// The published read model.
#[derive(Debug)]
pub struct LiveView {
    endpoints: DashMap<EndpointId, Arc<EndpointEntry>>,
    /// Gone endpoint → the one it was merged into.
    merged: DashMap<EndpointId, EndpointId>,
    findings: DashMap<FindingId, Arc<FindingSnapshot>>,
    /// Endpoint (a survivor) → findings about it.
    findings_of: DashMap<EndpointId, BTreeSet<FindingId>>,
    consumers: DashMap<ConsumerId, Arc<ConsumerSnapshot>>,
    hosts: DashMap<String, Arc<HostSnapshot>>,
    totals: Mutex<Totals>,
    specifications: ArcSwap<Vec<PublishedSpecification>>,
    template_rules: ArcSwap<Vec<TemplateRule>>,
    health: ArcSwap<HealthReport>,
    store: ArcSwap<Option<StoreState>>,
    policy: ArcSwap<AnalyzerSettings>,
    now: AtomicI64,
    sequence: AtomicU64,
    updates: broadcast::Sender<Arc<Update>>,
}

impl LiveView {
    /// An empty view; `backlog_max` updates are held for a reader that is behind.
    #[must_use]
    pub fn new(backlog_max: usize) -> Self {
        Self {
            endpoints: DashMap::new(),
            merged: DashMap::new(),
            findings: DashMap::new(),
            findings_of: DashMap::new(),
            consumers: DashMap::new(),
            hosts: DashMap::new(),
            totals: Mutex::default(),
            specifications: ArcSwap::default(),
            template_rules: ArcSwap::default(),
            health: ArcSwap::default(),
            store: ArcSwap::default(),
            policy: ArcSwap::default(),
            now: AtomicI64::new(0),
            sequence: AtomicU64::new(0),
            updates: broadcast::Sender::new(backlog_max.max(1)),
        }
    }

    // Writing: the engine.

    /// Publishes what a store held.
    pub fn restore(&self, restored: Restored) {
        self.publish(Changes {
            endpoints: restored.endpoints,
            merged: restored.merged,
            hosts: restored.hosts,
            findings: restored.findings,
            consumers: restored.consumers,
            now: restored.now,
            ..Changes::default()
        });
    }

    /// Publishes what changed, which others have a use for, too.
    pub fn apply(&self, changes: &Changes) {
        self.publish(changes.clone());
    }

    /// Publishes what changed.
    pub fn publish(&self, changes: Changes) {
        let later = self.now.fetch_max(changes.now, Ordering::AcqRel) < changes.now;
        if changes.is_empty() && !later {
            return;
        }
        let mut touched: Vec<EndpointId> = Vec::new();
        // What went and has come back since is among both: it is there at the end.
        let merged = changes.merged.iter().map(|(gone, _)| *gone);
        let gone: HashSet<EndpointId> = merged.chain(changes.removed.iter().copied()).collect();
        let mut back = changes.endpoints;
        for snapshot in back.extract_if(.., |one| !gone.contains(&one.id)) {
            touched.push(snapshot.id);
            self.put_endpoint(EndpointEntry::new(snapshot));
        }
        for (gone, survivor) in changes.merged {
            self.merge(gone, survivor);
            touched.extend([gone, survivor]);
        }
        for id in changes.removed {
            self.remove_endpoint(id);
            touched.push(id);
        }
        for snapshot in back {
            self.put_endpoint(EndpointEntry::new(snapshot));
        }
        for host in changes.removed_hosts {
            self.hosts.remove(&host);
        }
        for host in changes.hosts {
            let published = HostSnapshot {
                state: serde_json::Value::Null,
                ..host
            };
            let name = published.host.clone();
            self.hosts.insert(name, Arc::new(published));
        }
        for consumer in changes.consumers {
            self.consumers.insert(consumer.id, Arc::new(consumer));
        }
        let findings = changes.findings.iter().map(|finding| finding.id).collect();
        for finding in changes.findings {
            // A finding that opens or closes changes its endpoint's row.
            if let Some(id) = self.put_finding(finding) {
                self.assess(id);
                touched.push(id);
            }
        }
        touched.sort_unstable();
        touched.dedup();
        self.announce(Update {
            sequence: 0,
            endpoints: touched,
            findings,
            inventory: true,
            health: false,
        });
    }

    /// Publishes what the sensor says of itself.
    pub fn set_health(&self, report: HealthReport) {
        self.health.store(Arc::new(report));
        self.announce_health();
    }

    /// Publishes how the store is doing.
    pub fn set_store(&self, state: StoreState) {
        let unchanged = self.store.load().as_ref().as_ref() == Some(&state);
        self.store.store(Arc::new(Some(state)));
        if !unchanged {
            self.announce_health();
        }
    }

    /// Publishes the current revision of every specification.
    pub fn set_specifications(&self, mut specifications: Vec<PublishedSpecification>) {
        specifications.sort_by(|a, b| a.specification.name.cmp(&b.specification.name));
        self.specifications.store(Arc::new(specifications));
        self.announce(Update {
            sequence: 0,
            endpoints: Vec::new(),
            findings: Vec::new(),
            inventory: true,
            health: false,
        });
    }

    /// Publishes what a person has decided on templates.
    pub fn set_template_rules(&self, rules: Vec<TemplateRule>) {
        self.template_rules.store(Arc::new(rules));
        self.announce(Update {
            sequence: 0,
            endpoints: Vec::new(),
            findings: Vec::new(),
            inventory: true,
            health: false,
        });
    }

    /// Publishes the policy, and assesses everything by it.
    pub fn set_policy(&self, settings: &AnalyzerSettings) {
        self.policy.store(Arc::new(settings.clone()));
        let ids: Vec<EndpointId> = self.endpoints.iter().map(|entry| *entry.key()).collect();
        for id in &ids {
            self.assess(*id);
        }
        self.announce(Update {
            sequence: 0,
            endpoints: ids,
            findings: Vec::new(),
            inventory: true,
            health: false,
        });
    }

    /// Assesses one endpoint anew.
    fn assess(&self, id: EndpointId) {
        let known = self.endpoints.get(&id).map(|entry| Arc::clone(&entry));
        if let Some(known) = known {
            self.put_endpoint((*known).clone());
        }
    }

    fn put_endpoint(&self, mut entry: EndpointEntry) {
        let findings = self.findings_of(entry.snapshot.id);
        let findings = findings.iter().map(|finding| &**finding);
        entry.risk = assess(&entry.snapshot, findings, &self.policy.load().risk);
        let entry = Arc::new(entry);
        self.merged.remove(&entry.snapshot.id);
        let before = self.endpoints.insert(entry.snapshot.id, Arc::clone(&entry));
        self.totals_mut()
            .replace_endpoint(before.as_deref(), &entry);
    }

    fn remove_endpoint(&self, id: EndpointId) {
        if let Some((_, before)) = self.endpoints.remove(&id) {
            self.totals_mut().remove_endpoint(&before);
        }
    }

    fn merge(&self, gone: EndpointId, survivor: EndpointId) {
        if gone == survivor {
            return;
        }
        // The alias first: a reader finds the one or the other at any moment.
        self.merged.insert(gone, survivor);
        self.remove_endpoint(gone);
        if let Some((_, moved)) = self.findings_of.remove(&gone) {
            self.findings_of
                .entry(self.survivor(survivor))
                .or_default()
                .extend(moved);
        }
    }

    /// Publishes a finding; tells the endpoint it is about.
    fn put_finding(&self, finding: FindingSnapshot) -> Option<EndpointId> {
        let finding = Arc::new(finding);
        let before = self.findings.insert(finding.id, Arc::clone(&finding));
        self.totals_mut()
            .replace_finding(before.as_deref(), &finding);
        let about = |finding: &FindingSnapshot| {
            finding
                .endpoint
                .as_ref()
                .map(|endpoint| self.survivor(endpoint.id))
        };
        let (old, new) = (before.as_deref().and_then(about), about(&finding));
        if let Some(old) = old.filter(|_| old != new)
            && let Some(mut findings) = self.findings_of.get_mut(&old)
        {
            findings.remove(&finding.id);
        }
        if let Some(new) = new {
            self.findings_of.entry(new).or_default().insert(finding.id);
        }
        new
    }

    fn announce_health(&self) {
        self.announce(Update {
            sequence: 0,
            endpoints: Vec::new(),
            findings: Vec::new(),
            inventory: false,
            health: true,
        });
    }

    fn announce(&self, mut update: Update) {
        update.sequence = self.sequence.fetch_add(1, Ordering::AcqRel) + 1;
        // No reader is no error.
        let _ = self.updates.send(Arc::new(update));
    }

    fn totals_mut(&self) -> MutexGuard<'_, Totals> {
        // Sums stay usable when a panic passed by while they were locked.
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Reading: everybody.

    /// Counts the changes of the view.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        self.sequence.load(Ordering::Acquire)
    }

    /// The changes from now on.
    #[must_use]
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Update>> {
        self.updates.subscribe()
    }

    /// Packet time of the latest record; 0 before the first.
    #[must_use]
    pub fn now(&self) -> Nanos {
        self.now.load(Ordering::Acquire)
    }

    /// The sums.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals_mut().clone()
    }

    /// The endpoint that `id` lives on in: itself unless it was merged.
    #[must_use]
    pub fn survivor(&self, id: EndpointId) -> EndpointId {
        let mut current = id;
        for _ in 0..MERGE_STEPS_MAX {
            if self.endpoints.contains_key(&current) {
                break;
            }
            match self.merged.get(&current).map(|next| *next) {
                Some(next) => current = next,
                None => break,
            }
        }
        current
    }

    /// An endpoint, or the one it was merged into.
    #[must_use]
    pub fn endpoint(&self, id: EndpointId) -> Option<Arc<EndpointEntry>> {
        self.endpoints
            .get(&self.survivor(id))
            .map(|entry| Arc::clone(&entry))
    }

    /// Endpoints for which `keep` holds, in no order.
    pub fn endpoints(&self, keep: impl Fn(&EndpointEntry) -> bool) -> Vec<Arc<EndpointEntry>> {
        let kept = self.endpoints.iter().filter(|entry| keep(entry));
        kept.map(|entry| Arc::clone(&entry)).collect()
    }

    /// Number of endpoints.
    #[must_use]
    pub fn endpoint_count(&self) -> usize {
        self.endpoints.len()
    }

    /// A finding.
    #[must_use]
    pub fn finding(&self, id: FindingId) -> Option<Arc<FindingSnapshot>> {
        self.findings.get(&id).map(|finding| Arc::clone(&finding))
    }

    /// Findings for which `keep` holds, in no order.
    pub fn findings(&self, keep: impl Fn(&FindingSnapshot) -> bool) -> Vec<Arc<FindingSnapshot>> {
        let kept = self.findings.iter().filter(|finding| keep(finding));
        kept.map(|finding| Arc::clone(&finding)).collect()
    }

    /// Findings about an endpoint and those merged into it, by id.
    #[must_use]
    pub fn findings_of(&self, id: EndpointId) -> Vec<Arc<FindingSnapshot>> {
        let ids = self
            .findings_of
            .get(&id)
            .map(|ids| ids.clone())
            .unwrap_or_default();
        ids.into_iter().filter_map(|id| self.finding(id)).collect()
    }

    /// Number of open findings about an endpoint.
    #[must_use]
    pub fn open_findings_of(&self, id: EndpointId) -> u64 {
        let findings = self.findings_of(id);
        findings
            .iter()
            .filter(|finding| finding.status == FindingStatus::Open)
            .map(|_| 1)
            .sum()
    }

    /// A consumer.
    #[must_use]
    pub fn consumer(&self, id: ConsumerId) -> Option<Arc<ConsumerSnapshot>> {
        self.consumers
            .get(&id)
            .map(|consumer| Arc::clone(&consumer))
    }

    /// Consumers for which `keep` holds, in no order.
    pub fn consumers(
        &self,
        keep: impl Fn(&ConsumerSnapshot) -> bool,
    ) -> Vec<Arc<ConsumerSnapshot>> {
        let kept = self.consumers.iter().filter(|consumer| keep(consumer));
        kept.map(|consumer| Arc::clone(&consumer)).collect()
    }

    /// Number of consumers.
    #[must_use]
    pub fn consumer_count(&self) -> usize {
        self.consumers.len()
    }

    /// The row that a host shares with others, when it has none of its own.
    #[must_use]
    pub fn row_of(&self, host: &str) -> Option<String> {
        if self.hosts.contains_key(host) {
            return None;
        }
        let shares = |row: &HostSnapshot| row.tenants.is_some() && is_of(host, &row.host);
        let row = self.hosts.iter().find(|row| shares(row))?;
        Some(row.host.clone())
    }

    /// All hosts, by name.
    #[must_use]
    pub fn hosts(&self) -> Vec<Arc<HostSnapshot>> {
        let mut hosts: Vec<_> = self.hosts.iter().map(|host| Arc::clone(&host)).collect();
        hosts.sort_by(|a, b| a.host.cmp(&b.host));
        hosts
    }

    /// The policy that holds.
    #[must_use]
    pub fn policy(&self) -> Arc<AnalyzerSettings> {
        self.policy.load_full()
    }

    /// The current revision of every specification, by name.
    #[must_use]
    pub fn specifications(&self) -> Arc<Vec<PublishedSpecification>> {
        self.specifications.load_full()
    }

    /// What a person has decided on templates, in order of the decisions.
    #[must_use]
    pub fn template_rules(&self) -> Arc<Vec<TemplateRule>> {
        self.template_rules.load_full()
    }

    /// What the sensor said of itself last.
    #[must_use]
    pub fn health(&self) -> Arc<HealthReport> {
        self.health.load_full()
    }

    /// How the store is doing; none when nothing is kept on disk.
    #[must_use]
    pub fn store(&self) -> Option<StoreState> {
        self.store.load().as_ref().clone()
    }
}
