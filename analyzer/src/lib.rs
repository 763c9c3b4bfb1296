//! The analyzer: redacted records in, inventory and findings out. Pure and single-writer.
//!
//! The data's way: [`vantage`] (which records are one call?) → [`tenants`] (which row is its host?)
//! → [`endpoint`] (which endpoint is this?) → [`inventory`] (what do we know of
//! it?) → [`baseline`] (what is usual?) → [`anomaly`] (what departs?) → [`finding`] (what should
//! a person see?). [`snapshot`] is all of it as plain data, for the store and the readers.

/// Legs of an exchange → one exchange with its vantage points.
pub mod vantage;

/// Record → endpoint: template learning per host.
pub mod endpoint;

/// Host → row: which hosts are tenants of one service.
pub mod tenants;

/// Endpoint → inventory entry: facts, lifecycle, specifications, consumers.
pub mod inventory;

/// Inventory entry → baseline: what is usual.
pub mod baseline;

/// Baseline × what happens now → anomaly: one file a detector.
pub mod anomaly;

/// Anomaly → finding: deduplication, severity, lifecycle.
pub mod finding;

/// Health report → can this feed be trusted, and if not, what to do.
pub mod trust;

/// The state as plain data.
pub mod snapshot;

/// What changed, to be saved and shown.
mod changes;

/// What is held, in bytes.
mod memory;

/// Caps and thresholds.
pub mod settings;

pub use memory::Memory;
pub use settings::{
    AnalyzerSettings, BaselineSettings, DetectorSettings, DriftPolicy, FindingSettings,
    IdentitySettings, InventorySettings, LifecyclePolicy, ProxySettings,
};

use core::borrow::Borrow;
use std::collections::{BTreeMap, BTreeSet};

use anomaly::Scene;
use endpoint::TemplateRule;
use finding::FindingBook;
use inventory::consumer::{ConsumerBook, Identity};
use inventory::exchange::{Said, Sayings};
use inventory::held::Held;
use inventory::identity::Identities;
use inventory::partition::{Outcome, Partition};
use inventory::programs::Programs;
use inventory::proxies::{Caller, Proxies};
use inventory::specification::Specification;
use snapshot::{
    ConsumerId, ConsumerSnapshot, EndpointId, EndpointRef, EndpointSnapshot, FindingId,
    FindingSnapshot, FindingStatus, HostSnapshot, Nanos,
};
use tapscope_record::{ExchangeRecord, Part, Signal, Word};
use tenants::Tenants;

/// Records of which is found out together what they say by themselves: enough that waiting for one
/// is waiting for all, few enough that it is still at hand when it is their turn.
const TOGETHER: usize = 16;

/// The name under which hosts beyond the cap are kept together.
const OTHER_HOSTS: &str = "(other hosts)";

/// What the analyzer made of one record; the exchange log's source.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// The endpoint as it is known now; none for what is no endpoint (yet).
    pub endpoint: Option<EndpointRef>,
    /// Who called.
    pub consumer: ConsumerId,
    /// The consumer's label.
    pub consumer_label: String,
    /// Kinds of the signals detectors emitted on this record, in addition to the record's own.
    pub signals: Vec<Signal>,
}

/// What a record was taken for.
struct Taken {
    host: Word,
    endpoint: Option<EndpointId>,
    identity: Identity,
    signals: Vec<Signal>,
}

/// State to start from.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Endpoints.
    pub endpoints: Vec<EndpointSnapshot>,
    /// Merged endpoints: (gone, survivor).
    pub merged: Vec<(EndpointId, EndpointId)>,
    /// Hosts.
    pub hosts: Vec<HostSnapshot>,
    /// Findings.
    pub findings: Vec<FindingSnapshot>,
    /// Consumers.
    pub consumers: Vec<ConsumerSnapshot>,
    /// Packet time of the latest record.
    pub now: Nanos,
}

/// A status change that names no finding.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no finding with that id")]
pub struct UnknownFinding;

/// The analyzer. Methods are of four kinds: A getters, B `handle_*` inputs, C commands,
/// D `take_*` outputs.
#[derive(Debug)]
pub struct Analyzer {
    settings: AnalyzerSettings,
    partitions: BTreeMap<String, Partition>,
    /// Endpoints over all partitions.
    endpoints: usize,
    consumers: ConsumerBook,
    proxies: Proxies,
    programs: Programs,
    sayings: Sayings,
    /// What the records say that are next.
    said: Vec<Said>,
    /// What is held, as of the last look, and when the next one is due.
    memory: Memory,
    next_look: u64,
    given_up: memory::GivenUp,
    held: Held,
    findings: FindingBook,
    specifications: Vec<Specification>,
    rules: Vec<TemplateRule>,
    tenants: Tenants,
    /// Hosts that have no row any more, to be told.
    gone_hosts: BTreeSet<String>,
    now: Nanos,
    /// When template learning last decided on everything.
    settled: Nanos,
    /// Records taken when changes were last taken.
    saved: u64,
    /// The host whose turn it is to have its endpoints saved.
    turn: String,
    counts: Counts,
}

/// What the analyzer counts of itself.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    records: u64,
    late: u64,
    without_request: u64,
    no_endpoint: u64,
    folded_hosts: u64,
    /// Endpoints that found no place, and what caps of template learning took, on hosts that are no
    /// more.
    refused: u64,
    denied: u64,
    /// Hosts without endpoints that gave way to others.
    silent_hosts: u64,
    /// Records taken when room for hosts was last looked for in vain.
    crowded: u64,
    /// Ends of exchanges that were counted while they were open, at no endpoint that is known.
    ends_unplaced: u64,
}

impl Analyzer {
    /// An analyzer that starts from `restored` (empty for a new store).
    #[must_use]
    pub fn new(settings: AnalyzerSettings, restored: Restored) -> Self {
        let mut by_host: BTreeMap<String, (Option<HostSnapshot>, Vec<EndpointSnapshot>)> =
            BTreeMap::new();
        for host in restored.hosts {
            let slot = by_host.entry(host.host.clone()).or_default();
            slot.0 = Some(host);
        }
        for endpoint in restored.endpoints {
            let slot = by_host.entry(endpoint.host.clone()).or_default();
            slot.1.push(endpoint);
        }
        let mut partitions = BTreeMap::new();
        let mut tenants = Tenants::new(&settings.tenants);
        for (name, (host, endpoints)) in by_host {
            match host.as_ref().and_then(|host| host.tenants.as_ref()) {
                Some(saved) => tenants.restore(&name, saved),
                None => tenants.note(&name),
            }
            let partition = Partition::restore(&name, host, endpoints, &settings);
            partitions.insert(name, partition);
        }
        let consumers = ConsumerBook::restore(restored.consumers);
        Self {
            endpoints: partitions.values().map(Partition::len).sum(),
            partitions,
            proxies: Proxies::restore(consumers.proxies()),
            programs: Programs::restore(consumers.programs(), &settings.identities),
            consumers,
            sayings: Sayings::default(),
            said: Vec::new(),
            memory: Memory::default(),
            next_look: 0,
            given_up: memory::GivenUp::default(),
            held: Held::default(),
            findings: FindingBook::restore(restored.findings),
            specifications: Vec::new(),
            rules: Vec::new(),
            tenants,
            gone_hosts: BTreeSet::new(),
            now: restored.now,
            settled: restored.now,
            saved: 0,
            turn: String::new(),
            counts: Counts::default(),
            settings,
        }
    }

    /// A: what the analyzer counted since it started: (name, reason, count). A reason is set
    /// where something was not used as it was meant to be.
    #[must_use]
    pub fn counters(&self) -> Vec<(String, Option<String>, u64)> {
        let (evicted, refused) = self.findings.lost();
        let hosts = self.partitions.values();
        let refused_endpoints = self.counts.refused + hosts.map(Partition::refused).sum::<u64>();
        let denied = self.partitions.values().map(Partition::denied).sum::<u64>();
        let denied = self.counts.denied + denied;
        let (mut placed, mut withdrawn) = (0_u64, 0_u64);
        for partition in self.partitions.values() {
            let (later, lost) = partition.replaced();
            placed = placed.saturating_add(later);
            withdrawn = withdrawn.saturating_add(lost);
        }
        let counts = self.counts;
        let used = |name: &str, value| (name.to_owned(), None, value);
        let lost = |name: &str, why: &str, value| (name.to_owned(), Some(why.to_owned()), value);
        vec![
            used("records_taken", counts.records),
            used("endpoints_known", self.endpoints as u64),
            used("hosts_known", self.partitions.len() as u64),
            used("consumers_known", self.consumers.len() as u64),
            used("findings_known", self.findings.len() as u64),
            lost("records_late", "out_of_order", counts.late),
            lost(
                "records_without_endpoint",
                "request_not_seen",
                counts.without_request,
            ),
            lost(
                "records_without_endpoint",
                "candidate_or_noise",
                (counts.no_endpoint.saturating_add(withdrawn)).saturating_sub(placed),
            ),
            lost(
                "records_not_learned_from",
                "end_without_endpoint",
                counts.ends_unplaced,
            ),
            lost("records_folded", "too_many_hosts", counts.folded_hosts),
            used("hosts_sharing_a_row", self.tenants.len() as u64),
            lost("hosts_dropped", "without_endpoint", counts.silent_hosts),
            lost("hosts_not_named", "tenant_caps", self.tenants.unnamed()),
            lost("sightings_not_learned", "template_caps", denied),
            lost("records_not_held", "held_caps", self.held.refused()),
            lost("endpoints_refused", "too_many_endpoints", refused_endpoints),
            lost(
                "consumers_evicted",
                "too_many_consumers",
                self.consumers.evicted(),
            ),
            used("proxies_known", self.proxies.found()),
            lost(
                "addresses_evicted",
                "too_many_addresses",
                (self.proxies.evicted()).saturating_add(self.programs.evicted()),
            ),
            lost("hosts_given_up", "memory", self.given_up.hosts),
            lost("waiting_records_given_up", "memory", self.given_up.records),
            lost("schemas_given_up", "memory", self.given_up.schemas),
            lost("consumers_evicted", "memory", self.given_up.consumers),
            lost("findings_evicted", "too_many_findings", evicted),
            lost("findings_refused", "too_many_findings", refused),
        ]
    }

    /// B: takes one record. Records come in about time order; one that is late is used and
    /// counted.
    pub fn handle_record(&mut self, record: &ExchangeRecord) -> Observation {
        let said = self.sayings.of(record, &self.settings);
        let taken = self.take_in(record, &said);
        let partition = self.partitions.get(taken.host.as_str());
        let entry = taken.endpoint.and_then(|id| partition?.entry(id));
        Observation {
            endpoint: entry.map(|entry| entry.at.clone()),
            consumer: taken.identity.id,
            consumer_label: taken.identity.label(),
            signals: taken.signals,
        }
    }

    /// B: takes one record of which nobody asks what it was.
    pub fn handle_record_quietly(&mut self, record: &ExchangeRecord) {
        let said = self.sayings.of(record, &self.settings);
        self.take_in(record, &said);
    }

    /// B: takes records of which nobody asks what they were, as one by one. What each says by itself
    /// is found out for several at once: it lies all over the memory, and the processor waits for
    /// all of it together.
    pub fn handle_records_quietly(&mut self, records: &[impl Borrow<ExchangeRecord>]) {
        let mut said = core::mem::take(&mut self.said);
        for some in records.chunks(TOGETHER) {
            let each = some.iter().map(Borrow::borrow);
            said.extend(each.map(|record| self.sayings.of(record, &self.settings)));
            for (record, said) in some.iter().zip(said.drain(..)) {
                self.take_in(record.borrow(), &said);
            }
        }
        self.said = said;
    }

    fn take_in(&mut self, record: &ExchangeRecord, said: &Said) -> Taken {
        self.count(record);
        self.look_at_memory();
        if record.part == Part::Closing {
            let caller = self.proxies.caller(record, &self.settings.proxies);
            let mut identity = Identity::of(record, caller, self.identities(&record.host));
            self.programs
                .tell(&mut identity, record, &self.settings.identities);
            return self.complete((record, said), identity);
        }
        let caller = self.proxies.observe(record, &self.settings.proxies);
        let host = self.host_of(record);
        let (identity, outcome) = self.observe(&host, (record, said), caller);
        let inventory = &self.settings.inventory;
        self.consumers
            .observe(&identity, record, outcome.endpoint, inventory);
        for (address, reason) in self.proxies.take_changes() {
            self.consumers.set_proxy(address, reason);
        }
        if outcome.has_moves {
            self.follow_moves(&host);
        }
        if outcome.endpoint.is_none() {
            self.held.keep(&host, record, &self.settings.inventory);
        }
        if outcome.has_placed {
            self.learn_held(&host);
        }
        let (endpoint, signals) = self.detect(&host, record, (&identity, &outcome));
        if record.method.is_some() && endpoint.is_none() {
            self.counts.no_endpoint = self.counts.no_endpoint.saturating_add(1);
        }
        Taken {
            host,
            endpoint,
            identity,
            signals,
        }
    }

    /// By what callers are told apart on a host.
    fn identities(&self, host: &str) -> Option<&Identities> {
        let partition = self.partitions.get(self.known_row(host))?;
        Some(&partition.identities)
    }

    /// The end of an exchange that was counted while it was open.
    fn complete(&mut self, (record, said): (&ExchangeRecord, &Said), identity: Identity) -> Taken {
        let host = self.known_row(&record.host).to_owned();
        let endpoint = self.partitions.get_mut(&host).and_then(|partition| {
            let exchange = said.exchange(record, &identity);
            let id = partition.complete(exchange, &self.settings)?;
            partition.entry(id).is_some().then_some(id)
        });
        if endpoint.is_none() {
            self.counts.ends_unplaced = self.counts.ends_unplaced.saturating_add(1);
        }
        Taken {
            host: host.into(),
            endpoint,
            identity,
            signals: Vec::new(),
        }
    }

    /// B: tells that time has come to `now` though nothing may have happened; closes windows.
    pub fn handle_time(&mut self, now: Nanos) {
        self.now = self.now.max(now);
        for partition in self.partitions.values_mut() {
            partition.handle_time(self.now, &self.settings);
        }
        let interval = self.settings.inventory.settle_interval;
        if self.now.saturating_sub(self.settled) >= interval {
            self.settle(false);
        }
        self.recount();
    }

    /// C: the specifications that hold from now on, all revisions of each, older ones before newer
    /// ones: of several with the same name the last holds, and the ones before it tell what was
    /// removed.
    pub fn set_specifications(&mut self, specifications: Vec<Specification>) {
        self.specifications = specifications;
        self.apply_given_hosts();
        for partition in self.partitions.values_mut() {
            partition.set_specifications(&self.specifications, self.now, &self.settings);
        }
        let hosts: Vec<String> = self.partitions.keys().cloned().collect();
        for host in hosts {
            self.follow_moves(&host);
        }
        self.recount();
    }

    /// C: what a person has decided on templates, all of it: what is not in it holds no longer.
    pub fn set_template_rules(&mut self, rules: Vec<TemplateRule>) {
        let touched: BTreeSet<String> = (self.rules.iter().chain(&rules))
            .map(|rule| rule.host.clone())
            .collect();
        self.rules = rules;
        self.apply_given_hosts();
        for host in touched {
            let row = self.known_row(&host).to_owned();
            let rules = self.rules_of(&row);
            if let Some(partition) = self.partitions.get_mut(&row) {
                partition.set_template_rules(&rules, self.now, &self.settings);
            }
            self.follow_moves(&row);
        }
        self.recount();
    }

    /// C: the policy that holds from now on: how facts become labels, and whose what is.
    pub fn set_policy(&mut self, settings: &AnalyzerSettings) {
        self.settings.lifecycle = settings.lifecycle.clone();
        self.settings.owners.clone_from(&settings.owners);
        self.settings.exposure = settings.exposure.clone();
        self.settings.tags = settings.tags.clone();
        self.settings.risk = settings.risk.clone();
        for partition in self.partitions.values_mut() {
            partition.handle_policy(self.now, &self.settings);
        }
        self.recount();
    }

    /// C: a person's decision on a finding, at wall-clock time `at`.
    ///
    /// # Errors
    /// When there is no such finding.
    pub fn set_finding_status(
        &mut self,
        id: FindingId,
        status: FindingStatus,
        comment: &str,
        at: Nanos,
    ) -> Result<(), UnknownFinding> {
        let settings = &self.settings.findings;
        self.findings.set_status(id, status, comment, at, settings)
    }

    /// Learns from the exchanges of a host that were held back and have an endpoint by now.
    fn learn_held(&mut self, host: &str) {
        let Some(partition) = self.partitions.get_mut(host) else {
            return;
        };
        if !partition.take_placed() {
            return;
        }
        let max = self.settings.inventory.max_endpoints;
        for record in self.held.take(host) {
            let caller = self.proxies.caller(&record, &self.settings.proxies);
            let mut identity = Identity::of(&record, caller, Some(&partition.identities));
            self.programs
                .tell(&mut identity, &record, &self.settings.identities);
            let said = self.sayings.of(&record, &self.settings);
            let exchange = said.exchange(&record, &identity);
            let (room, before) = (max.saturating_sub(self.endpoints), partition.len());
            let learned = partition.learn_held(exchange, room, &self.settings);
            self.endpoints = (self.endpoints + partition.len()).saturating_sub(before);
            match learned {
                Some(endpoint) => {
                    let inventory = &self.settings.inventory;
                    let call = (endpoint, record.time);
                    self.consumers.add_call(identity.id, call, inventory);
                }
                None => self.held.keep_again(host, record),
            }
        }
    }

    /// Brings out what template learning holds back.
    fn settle(&mut self, is_last: bool) {
        self.settled = self.now;
        let age = self.settings.inventory.max_held_age;
        self.held.expire(self.now.saturating_sub(age));
        let max = self.settings.inventory.max_endpoints;
        let hosts: Vec<String> = self.partitions.keys().cloned().collect();
        for host in hosts {
            let room = max.saturating_sub(self.endpoints);
            if let Some(partition) = self.partitions.get_mut(&host) {
                partition.settle((self.now, is_last), room, &self.settings);
            }
            self.follow_moves(&host);
            self.learn_held(&host);
            self.recount();
        }
        self.judge_hosts();
    }

    fn count(&mut self, record: &ExchangeRecord) {
        let counts = &mut self.counts;
        counts.records = counts.records.saturating_add(1);
        if record.time < self.now {
            counts.late = counts.late.saturating_add(1);
        }
        if record.method.is_none() {
            counts.without_request = counts.without_request.saturating_add(1);
        }
        self.now = self.now.max(record.time);
    }

    /// Who called, and what the host makes of it.
    fn observe(
        &mut self,
        host: &str,
        (record, said): (&ExchangeRecord, &Said),
        caller: Caller,
    ) -> (Identity, Outcome) {
        let Some(partition) = self.partitions.get_mut(host) else {
            let mut identity = Identity::of(record, caller, None);
            let settings = &self.settings.identities;
            self.programs.observe(&mut identity, record, settings);
            return (identity, Outcome::default());
        };
        let identities = &mut partition.identities;
        identities.observe(record, caller.address, &self.settings.identities);
        let mut identity = Identity::of(record, caller, Some(identities));
        let settings = &self.settings.identities;
        if self.programs.observe(&mut identity, record, settings) {
            identities.observe_program(identity.id.0);
        }
        let max = self.settings.inventory.max_endpoints;
        let room = max.saturating_sub(self.endpoints);
        let before = partition.len();
        let exchange = said.exchange(record, &identity);
        let outcome = partition.observe(exchange, room, &self.settings);
        self.endpoints = (self.endpoints + partition.len()).saturating_sub(before);
        (identity, outcome)
    }

    /// What hangs on endpoints follows them when they prove to be one, or change their template.
    fn follow_moves(&mut self, host: &str) {
        let Some(partition) = self.partitions.get_mut(host) else {
            return;
        };
        let moves = partition.take_moves();
        for (gone, survivor) in &moves.merged {
            if let Some(entry) = partition.entry(*survivor) {
                self.findings.merge_endpoints(*gone, &entry.at);
            }
            let inventory = &self.settings.inventory;
            self.consumers.merge_endpoints(*gone, *survivor, inventory);
        }
        for id in &moves.renamed {
            if let Some(entry) = partition.entry(*id) {
                self.findings.rename_endpoint(&entry.at);
            }
        }
    }

    /// Looks for what departs; with the endpoint, where it is known.
    fn detect(
        &mut self,
        host: &str,
        record: &ExchangeRecord,
        (identity, outcome): (&Identity, &Outcome),
    ) -> (Option<EndpointId>, Vec<Signal>) {
        let Some(partition) = self.partitions.get(host) else {
            return (None, Vec::new());
        };
        let entry = outcome.endpoint.and_then(|id| partition.entry(id));
        let of_endpoint = Scene {
            record,
            client: identity.address,
            entry,
            host: partition.totals(),
            answer: &outcome.answer,
            settings: &self.settings,
        };
        let operation = outcome.operation.and_then(|id| partition.entry(id));
        let of_operation = operation.map(|entry| Scene {
            entry: Some(entry),
            answer: &outcome.operation_answer,
            ..of_endpoint
        });
        let mut signals = Vec::new();
        for detector in anomaly::ALL {
            let scene = of_operation
                .filter(|_| detector.of_operation())
                .unwrap_or(of_endpoint);
            let Some(anomaly) = detector.inspect(&scene) else {
                continue;
            };
            self.findings.join(detector, &scene, &anomaly);
            if !detector.detail().is_empty() {
                signals.push(Signal {
                    kind: detector.kind().to_owned(),
                    detail: detector.detail().to_owned(),
                });
            }
        }
        (outcome.endpoint.filter(|_| entry.is_some()), signals)
    }

    fn recount(&mut self) {
        self.endpoints = self.partitions.values().map(Partition::len).sum();
    }
}
