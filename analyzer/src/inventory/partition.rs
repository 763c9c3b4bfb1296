//! One host: its templates, its endpoints and what covers them. Everything that is learned of a
//! host lives here and is saved together, so that a partition could run anywhere.

mod events;

mod operations;

mod orphans;

mod persist;

mod review;

mod union;

mod versions;

use core::net::IpAddr;
use std::collections::{BTreeSet, HashMap};

use foldhash::fast::FixedState;

use super::due::Due;
use super::entry::{Entry, sound_latency, succeeded, whole};
use super::exchange::Exchange;
use super::identity::Identities;
use super::lifecycle::HostSight;
use super::specification::Specification;
use super::specification::coverage::{Coverage, Standing};
use crate::baseline::{Answer, Call};
use crate::endpoint::{HostTemplates, Sighting, TemplateRule};
use crate::settings::{AnalyzerSettings, DriftPolicy, HOUR, InventorySettings, MINUTE};
use crate::snapshot::{Drift, EndpointId, EndpointRef, EndpointSnapshot, Nanos};
use operations::Operations;
use tapscope_record::ExchangeRecord;

/// Packet time between two looks at all labels of a host: labels that depend on time alone
/// (dormant, new) count in days.
const RELABEL_INTERVAL: Nanos = HOUR;

/// Servers kept of a host: one behind more is behind a load balancer, where any few tell whether
/// another host is behind the same.
const SERVERS_MAX: usize = 16;

/// One host.
#[derive(Debug)]
pub struct Partition {
    host: String,
    servers: BTreeSet<IpAddr>,
    /// By what its callers are told apart.
    pub identities: Identities,
    templates: HostTemplates,
    /// Apart: they are large, and a table has room for more than it holds.
    entries: HashMap<EndpointId, Box<Entry>, FixedState>,
    operations: Operations,
    coverage: HostCoverage,
    totals: Totals,
    changes: PartitionChanges,
    relabelled: Nanos,
    /// Exchanges when versions were last compared.
    compared: u64,
}

/// Which specifications hold for the host.
#[derive(Debug, Default)]
struct HostCoverage {
    /// Of specifications that name the host.
    named: Coverage,
    /// Of specifications that name no host.
    floating: Coverage,
    /// Whether the latter hold here: traffic has shown one of their operations.
    adopted: bool,
    /// Documented operations never seen that have a row.
    orphans: BTreeSet<EndpointId>,
    /// Whether orphans have been looked for since specifications or coverage changed.
    orphans_settled: bool,
}

/// Sums over a host.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Totals {
    /// First exchange.
    pub first_seen: Nanos,
    /// Last exchange.
    pub last_seen: Nanos,
    /// Minutes with traffic.
    pub minutes: u64,
    /// Exchanges.
    pub requests: u64,
    /// Exchanges seen complete.
    pub complete: u64,
    /// Successful exchanges whose request was seen.
    pub successes: u64,
    /// Those of them that carried credentials.
    pub authenticated: u64,
}

impl Totals {
    /// What labels of the host's endpoints depend on.
    #[must_use]
    pub fn sight(&self) -> HostSight {
        HostSight {
            since: self.first_seen,
            last_seen: self.last_seen,
            requests: self.requests,
            complete: super::share(self.complete, self.requests.max(1)),
        }
    }
}

/// What changed since it was last taken.
#[derive(Debug, Default)]
struct PartitionChanges {
    due: Due<EndpointId>,
    merged: Vec<(EndpointId, EndpointId)>,
    removed: BTreeSet<EndpointId>,
    /// The set of endpoints changed.
    structure: bool,
    host: bool,
    /// When the host's state was saved.
    state_saved: Nanos,
    /// Exchanges of the host by then.
    state_requests: u64,
    refused: u64,
    /// Exchanges first held back, then given to an endpoint.
    placed: u64,
    /// Exchanges of endpoints that proved to be none.
    withdrawn: u64,
    moves: Moves,
    /// Something was held back as a candidate since learning last settled.
    held: bool,
    /// Exchanges that were held back got an endpoint.
    freshly_placed: bool,
}

/// Changes of endpoints' names that what hangs on them must follow.
#[derive(Debug, Default)]
pub struct Moves {
    /// Endpoints that proved to be one: (gone, survivor).
    pub merged: Vec<(EndpointId, EndpointId)>,
    /// Endpoints whose template changed.
    pub renamed: Vec<EndpointId>,
}

/// What came of one record.
#[derive(Debug, Default)]
pub struct Outcome {
    /// The endpoint.
    pub endpoint: Option<EndpointId>,
    /// What the endpoint's baseline says.
    pub answer: Answer,
    /// The operation that the request asks for, the first of a batch.
    pub operation: Option<EndpointId>,
    /// What the operation's baseline says.
    pub operation_answer: Answer,
    /// Whether endpoints proved to be one or changed their name, and nothing has followed yet.
    pub has_moves: bool,
    /// Whether exchanges that were held back got an endpoint.
    pub has_placed: bool,
}

impl Partition {
    /// A host that nothing is known of yet.
    #[must_use]
    pub fn new(host: &str, specifications: &[Specification], settings: &AnalyzerSettings) -> Self {
        let mut new = Self {
            host: host.to_owned(),
            servers: BTreeSet::new(),
            identities: Identities::default(),
            templates: HostTemplates::new(host, &settings.templates),
            entries: HashMap::default(),
            operations: Operations::default(),
            coverage: HostCoverage::default(),
            totals: Totals::default(),
            changes: PartitionChanges::default(),
            relabelled: 0,
            compared: 0,
        };
        new.set_specifications(specifications, 0, settings);
        new
    }

    /// Takes one record; `room` is how many more endpoints there may be.
    pub fn observe(
        &mut self,
        exchange: Exchange<'_>,
        room: usize,
        settings: &AnalyzerSettings,
    ) -> Outcome {
        let record = exchange.record;
        self.count(record);
        let mut outcome = Outcome::default();
        if let Some(method) = &record.method {
            let sighting = sighting(exchange, method);
            outcome.endpoint = self.templates.observe(&sighting);
        }
        self.apply_events(record.time, room, outcome.endpoint, settings);
        self.changes.held |= outcome.endpoint.is_none();
        let fresh = outcome
            .endpoint
            .is_some_and(|id| !self.entries.contains_key(&id));
        outcome.endpoint = outcome
            .endpoint
            .filter(|id| self.ensure(*id, room, settings));
        if let Some(id) = outcome.endpoint {
            if fresh {
                self.redescribe(id, record.time, settings);
            }
            outcome.answer = self.update(id, exchange, settings);
            if record.operation.is_some() {
                let room = room.saturating_sub(usize::from(fresh));
                self.observe_operations(&mut outcome, exchange, (room, settings));
            }
        }
        if record.time.saturating_sub(self.relabelled) >= RELABEL_INTERVAL {
            self.handle_time(record.time, settings);
        } else if !self.coverage.orphans_settled {
            self.settle_orphans(record.time, settings);
        }
        let moves = &self.changes.moves;
        outcome.has_moves = !moves.merged.is_empty() || !moves.renamed.is_empty();
        outcome.has_placed = self.changes.freshly_placed;
        outcome
    }

    /// Whether exchanges that were held back got an endpoint since the last call.
    pub fn take_placed(&mut self) -> bool {
        core::mem::take(&mut self.changes.freshly_placed)
    }

    /// The endpoint that an exchange is one of, when it is known.
    fn known(&self, exchange: Exchange<'_>) -> Option<EndpointId> {
        let method = exchange.record.method.as_ref()?;
        self.templates.find(&sighting(exchange, method))
    }

    /// Learns from an exchange that was held back, when its endpoint is known by now; none when it
    /// is not. Baselines do not: they rest on the order of time.
    pub fn learn_held(
        &mut self,
        exchange: Exchange<'_>,
        room: usize,
        settings: &AnalyzerSettings,
    ) -> Option<EndpointId> {
        let record = exchange.record;
        let id = self.known(exchange)?;
        let entry = self.entries.get_mut(&id)?;
        if entry.learn_earlier(exchange, settings) {
            entry.relabel(
                self.totals.sight(),
                record.time.max(self.totals.last_seen),
                settings,
            );
            self.changes.due.touch(id);
            self.learn_held_operations(id, exchange, (room, settings));
        }
        Some(id)
    }

    /// Learns from the end of an exchange that was counted while it was open; none when its endpoint
    /// is not known.
    pub fn complete(
        &mut self,
        exchange: Exchange<'_>,
        settings: &AnalyzerSettings,
    ) -> Option<EndpointId> {
        let id = self.known(exchange)?;
        let entry = self.entries.get_mut(&id)?;
        entry.complete(exchange, &settings.inventory);
        self.changes.due.touch(id);
        Some(id)
    }

    /// Has template learning decide on everything seen so far, rather than when enough has come
    /// in: when traffic stops, what was held back must not wait for ever. At the end (`is_last`) that
    /// is done for whatever came in, or what was decided early on little would stand.
    pub fn settle(
        &mut self,
        (now, is_last): (Nanos, bool),
        room: usize,
        settings: &AnalyzerSettings,
    ) {
        let is_due = match is_last {
            true => self.templates.is_behind(),
            false => self.templates.has_grown(),
        };
        if core::mem::take(&mut self.changes.held) || is_due {
            self.templates.settle();
            self.changes.host = true;
            self.apply_events(now, room, None, settings);
        }
        self.settle_versions(now, settings);
    }

    /// Looks at the labels that time alone can change.
    pub fn handle_time(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        if now.saturating_sub(self.relabelled) < RELABEL_INTERVAL {
            return;
        }
        self.relabelled = now;
        self.relabel_all(now, settings);
        self.settle_orphans(now, settings);
    }

    /// The specifications that hold from now on.
    pub fn set_specifications(
        &mut self,
        specifications: &[Specification],
        now: Nanos,
        settings: &AnalyzerSettings,
    ) {
        self.coverage.named = Coverage::of_host(specifications, &self.host);
        self.coverage.floating = Coverage::of_any_host(specifications);
        self.coverage.adopted = self.is_adopted(settings);
        self.apply_coverage(now, settings);
    }

    /// Whether traffic has shown an operation of a specification that names no host.
    fn is_adopted(&self, settings: &AnalyzerSettings) -> bool {
        self.entries.values().any(|entry| {
            entry.counts.successes >= settings.lifecycle.adoption_min_successes
                && self
                    .coverage
                    .floating
                    .recognises(&entry.at.method, &entry.at.template)
        })
    }

    /// What a person has decided on templates from now on.
    pub fn set_template_rules(
        &mut self,
        rules: &[TemplateRule],
        now: Nanos,
        settings: &AnalyzerSettings,
    ) {
        self.templates.set_rules(rules);
        self.changes.host = true;
        self.apply_events(now, usize::MAX, None, settings);
    }

    /// Derives everything that hangs on specifications anew.
    fn apply_coverage(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        self.templates.set_documented(&self.coverage.templates());
        self.apply_events(now, usize::MAX, None, settings);
        let mut ids: Vec<EndpointId> = self.entries.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.restand(id, now, settings);
            // The document may say something else of it than it did.
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.ask_for_review();
            }
        }
        self.coverage.orphans_settled = false;
        self.withdraw_orphans();
        self.settle_orphans(now, settings);
        self.review_all(now, settings);
    }

    /// Derives everything that hangs on policy anew.
    pub fn handle_policy(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        self.compared = 0;
        self.settle_versions(now, settings);
        self.relabelled = now;
        self.relabel_all(now, settings);
        self.coverage.orphans_settled = false;
        self.settle_orphans(now, settings);
        // What an endpoint is for is drawn when it is taken.
        for id in self.entries.keys() {
            self.changes.due.touch(*id);
        }
    }

    fn relabel_all(&mut self, now: Nanos, settings: &AnalyzerSettings) {
        for (id, entry) in &mut self.entries {
            if entry.relabel(self.totals.sight(), now, settings) {
                self.changes.due.touch(*id);
            }
        }
    }

    /// Asks the specifications about one endpoint anew.
    fn restand(&mut self, id: EndpointId, now: Nanos, settings: &AnalyzerSettings) {
        let Some(entry) = self.entries.get_mut(&id) else {
            return;
        };
        let standing = self.coverage.standing(&entry.at.method, &entry.at.template);
        let before = entry.facts.clone();
        entry.set_standing(standing);
        if before.documented_template != entry.facts.documented_template {
            entry.ask_for_review();
        }
        let relabelled = entry.relabel(self.totals.sight(), now, settings);
        if relabelled || before != entry.facts {
            self.changes.due.touch(id);
        }
    }

    /// Moves since the last call.
    pub fn take_moves(&mut self) -> Moves {
        core::mem::take(&mut self.changes.moves)
    }

    /// An endpoint.
    #[must_use]
    pub fn entry(&self, id: EndpointId) -> Option<&Entry> {
        self.entries.get(&id).map(Box::as_ref)
    }

    /// All endpoints, in no order.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values().map(Box::as_ref)
    }

    /// Bytes that the endpoints take, roughly.
    #[must_use]
    pub fn endpoint_bytes(&self) -> usize {
        self.entries().map(Entry::weight).sum()
    }

    /// Bytes that the rest of the host takes, roughly.
    #[must_use]
    pub fn template_bytes(&self) -> usize {
        size_of::<Self>() + self.templates.bytes()
    }

    /// Takes in the exchanges that wait.
    pub fn take_waiting(&mut self, settings: &InventorySettings) {
        for entry in self.entries.values_mut() {
            entry.take_waiting(settings);
        }
    }

    /// Lets an endpoint's schemas go; returns the bytes that it freed.
    pub fn give_up_schemas(&mut self, id: EndpointId) -> usize {
        let Some(entry) = self.entries.get_mut(&id) else {
            return 0;
        };
        let before = entry.weight();
        entry.give_up_schemas();
        let freed = before.saturating_sub(entry.weight());
        self.changes.due.touch(id);
        freed
    }

    /// Sums over the host.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.totals
    }

    /// Addresses of the servers behind the host, a few of them.
    #[must_use]
    pub fn servers(&self) -> &BTreeSet<IpAddr> {
        &self.servers
    }

    /// Number of endpoints.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Exchanges held as candidates.
    #[must_use]
    pub fn candidates(&self) -> u64 {
        self.templates.candidates()
    }

    /// Endpoints that found no place.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.changes.refused
    }

    /// Exchanges that were without endpoint at first and got one later, and those that lost theirs.
    #[must_use]
    pub fn replaced(&self) -> (u64, u64) {
        (self.changes.placed, self.changes.withdrawn)
    }

    /// What caps of template learning took.
    #[must_use]
    pub fn denied(&self) -> u64 {
        self.templates.denied()
    }

    fn count(&mut self, record: &ExchangeRecord) {
        let totals = &mut self.totals;
        if totals.requests == 0 {
            totals.first_seen = record.time;
            self.relabelled = record.time;
        }
        if totals.requests == 0
            || record.time.div_euclid(MINUTE) > totals.last_seen.div_euclid(MINUTE)
        {
            totals.minutes = totals.minutes.saturating_add(1);
        }
        totals.first_seen = totals.first_seen.min(record.time);
        totals.last_seen = totals.last_seen.max(record.time);
        totals.requests = totals.requests.saturating_add(1);
        if whole(record) {
            totals.complete = totals.complete.saturating_add(1);
        }
        if succeeded(record) && record.request.is_some() {
            totals.successes = totals.successes.saturating_add(1);
            if !record.credentials.is_empty() {
                totals.authenticated = totals.authenticated.saturating_add(1);
            }
        }
        if self.servers.len() < SERVERS_MAX {
            self.servers.insert(record.server.ip());
        }
        self.changes.host = true;
    }

    fn update(
        &mut self,
        id: EndpointId,
        exchange: Exchange<'_>,
        settings: &AnalyzerSettings,
    ) -> Answer {
        let Exchange {
            record, identity, ..
        } = exchange;
        let Some(entry) = self.entries.get_mut(&id) else {
            return Answer::default();
        };
        let headers = (entry.facts.sunset_header, entry.facts.deprecation_header);
        let successes = entry.counts.successes;
        entry.observe(exchange, settings);
        let call = Call {
            time: record.time,
            client: identity.address,
            status: record.status,
            latency_ns: sound_latency(record),
            host_minutes: self.totals.minutes,
        };
        let answer = entry
            .baseline
            .observe(&call, &settings.baseline, &settings.detectors);
        let silent = self.relabelled;
        let changed = headers != (entry.facts.sunset_header, entry.facts.deprecation_header)
            || (successes == 0) != (entry.counts.successes == 0)
            || entry.requests <= 1
            || entry.last_seen.saturating_sub(silent) < 0;
        if changed || entry.lifecycle == crate::snapshot::Lifecycle::Dormant {
            entry.relabel(self.totals.sight(), record.time, settings);
        }
        let review = entry.is_review_due();
        self.changes.due.touch(id);
        self.adopt(id, record.time, settings);
        if review {
            self.review(id, record.time, settings);
        }
        answer
    }

    /// Takes specifications that name no host to cover this one, once traffic has shown one of
    /// their operations.
    fn adopt(&mut self, id: EndpointId, now: Nanos, settings: &AnalyzerSettings) {
        if self.coverage.adopted || self.coverage.floating.is_empty() {
            return;
        }
        let Some(entry) = self.entries.get(&id) else {
            return;
        };
        if entry.counts.successes == settings.lifecycle.adoption_min_successes
            && self
                .coverage
                .floating
                .recognises(&entry.at.method, &entry.at.template)
        {
            self.coverage.adopted = true;
            self.apply_coverage(now, settings);
        }
    }

    /// Makes sure an endpoint has an entry; false when there is no place for it.
    fn ensure(&mut self, id: EndpointId, room: usize, settings: &AnalyzerSettings) -> bool {
        if self.entries.contains_key(&id) {
            return true;
        }
        let Some(view) = self.templates.describe(id) else {
            return false;
        };
        if room == 0 || self.entries.len() >= settings.inventory.max_endpoints_per_host {
            self.changes.refused = self.changes.refused.saturating_add(1);
            return false;
        }
        let at = EndpointRef {
            id,
            method: view.method.clone(),
            host: self.host.clone(),
            template: view.template.clone(),
            operation: None,
        };
        let mut entry = Entry::new(at, &settings.inventory);
        entry.describe(view);
        self.entries.insert(id, Box::new(entry));
        self.changes.removed.remove(&id);
        self.changes.structure = true;
        self.changes.due.insist(id);
        true
    }
}

impl HostCoverage {
    fn standing(&self, method: &str, template: &str) -> Standing {
        let mut standing = self.named.standing(method, template);
        if self.adopted {
            let floating = self.floating.standing(method, template);
            if standing.template.is_none() || (standing.removed && !floating.removed) {
                let covered = standing.covered || floating.covered;
                standing = Standing {
                    covered,
                    ..floating
                };
            }
        }
        standing
    }

    /// How an endpoint's traffic differs from the description that holds for it.
    fn drift(&self, endpoint: &EndpointSnapshot, policy: &DriftPolicy) -> Vec<Drift> {
        let of_named = self.named.standing(&endpoint.method, &endpoint.template);
        if of_named.documented_in.is_empty() && self.adopted {
            self.floating.drift(endpoint, policy)
        } else {
            self.named.drift(endpoint, policy)
        }
    }

    fn templates(&self) -> Vec<(String, String)> {
        self.operations(Coverage::templates)
    }

    /// Operations whose absence from traffic means something.
    fn expected(&self) -> Vec<(String, String)> {
        self.operations(Coverage::expected)
    }

    fn operations(&self, of: fn(&Coverage) -> Vec<(String, String)>) -> Vec<(String, String)> {
        let mut all = of(&self.named);
        if self.adopted {
            all.extend(of(&self.floating));
            all.sort();
            all.dedup();
        }
        all
    }
}

/// What template learning is told of a record.
fn sighting<'a>(exchange: Exchange<'a>, method: &'a str) -> Sighting<'a> {
    let Exchange {
        record, identity, ..
    } = exchange;
    let response = record.response.as_ref();
    let of_body = |_: &_| exchange.outlined.response_name();
    Sighting {
        method,
        path: &record.path,
        trailing_slash: record.trailing_slash,
        // A switch of protocols is what the request asked for.
        status: record
            .status
            .map(|status| if status == 101 { 200 } else { status }),
        request_content_type: content_type(record.request.as_ref()),
        response_content_type: content_type(record.response.as_ref()),
        response_shape: response.and_then(|m| m.shape.as_ref()).and_then(of_body),
        response_passed: response.is_some_and(tapscope_record::MessageRecord::is_passed),
        response_len: response.map_or(0, |m| m.body_len),
        consumer: identity.witness.0,
        time: record.time,
    }
}

fn content_type(message: Option<&tapscope_record::MessageRecord>) -> Option<&str> {
    message.and_then(|m| m.content_type.as_deref())
}
