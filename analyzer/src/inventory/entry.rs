//! One endpoint of the inventory: everything that is known of it.

use std::collections::BTreeMap;

use super::data::DataSeen;
use super::distinct::Distinct;
use super::distribution::{Bounds, Distribution};
use super::exchange::Exchange;
use super::lifecycle;
use super::minutes::Minutes;
use super::parameters::Parameters;
use super::reach::Reach;
use super::schema::Schemas;
use super::spellings::Spellings;
use super::tally::Tally;
use super::tokens::TokenKinds;
use super::traits::accepted;
use crate::baseline::Baseline;
use crate::endpoint::TemplateView;
use crate::settings::{AnalyzerSettings, InventorySettings};
use crate::snapshot::{
    ConsumerId, EndpointId, EndpointRef, Facts, Lifecycle, Nanos, Profile, UNRECORDED,
};
use tapscope_record::{ExchangeRecord, MessageCompleteness, MessageRecord, Pairing};

/// Its labels.
mod labels;

/// As plain data, and from it.
mod persist;

/// Exchanges that wait to be taken into what readers are shown.
mod waiting;

/// What it takes.
mod weight;

use waiting::Waiting;
pub use weight::BYTES_MIN;

/// Classes of data that let somebody in: who sends or gets one is signing in.
const SIGN_IN_CLASSES: [&str; 6] = [
    "password",
    "jwt",
    "token",
    "secret",
    "api_key",
    "credential",
];

/// What is known of one endpoint. Fields that only readers are shown are in `seen`.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its name, method, host and template; the operation, where it is one.
    pub at: EndpointRef,
    /// Of an operation: the endpoint that carries it.
    pub transport: Option<EndpointId>,
    /// How sure the template is.
    pub confidence: f64,
    /// Paths it was drawn from.
    pub examples: Vec<String>,
    /// What its label is derived from.
    pub facts: Facts,
    /// Whether its specification asks for credentials.
    pub secured: Option<bool>,
    /// The label.
    pub lifecycle: Lifecycle,
    /// Why.
    pub reason: String,
    /// What else is derived from facts.
    pub profile: Profile,
    /// First exchange.
    pub first_seen: Nanos,
    /// Last exchange.
    pub last_seen: Nanos,
    /// Exchanges.
    pub requests: u64,
    /// Further counts that a restart needs.
    pub counts: Counts,
    /// Exchanges by scheme, successful ones only.
    authentication_successful: Tally,
    /// Exchanges by class of data in responses.
    response_classes: Tally,
    /// Exchanges by class of data in requests.
    request_classes: Tally,
    waiting: Waiting,
    /// What is usual.
    pub baseline: Baseline,
    seen: Seen,
    /// Bytes held, when that was last added up.
    weight: usize,
}

/// Counts that verdicts rest on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Exchanges of which it is known how much was seen, or known that nothing of it is.
    pub placed: u64,
    /// Successful calls.
    pub successes: u64,
    /// Those of them whose request was seen, without and with credentials.
    pub anonymous: u64,
    /// See `anonymous`.
    pub authenticated: u64,
    /// Successful calls after retirement.
    pub retired_successes: u64,
    /// Successful calls that look like signing in.
    pub sign_in: u64,
    /// Exchanges whose two messages were seen complete.
    pub complete: u64,
    /// Exchanges whose response was one of many alike and was not looked at.
    pub passed: u64,
}

/// What readers are shown.
#[derive(Clone, Debug)]
struct Seen {
    statuses: BTreeMap<u16, u64>,
    authentication: Tally,
    request_types: Tally,
    response_types: Tally,
    parameters: Parameters,
    schemas: Schemas,
    /// By scheme, location and name, with a space between.
    credentials: Tally,
    data: DataSeen,
    tokens: TokenKinds,
    spellings: Spellings,
    consumers: Distinct,
    callers: BTreeMap<ConsumerId, u64>,
    servers: Tally,
    reach: Reach,
    protocols: Tally,
    completeness: Tally,
    feeds: Tally,
    vantage_points: Tally,
    latency: Distribution,
    request_size: Distribution,
    response_size: Distribution,
    minutes: Minutes,
}

/// Whether the response was seen and says success (2xx, 3xx, or the 101 that opens a WebSocket).
#[must_use]
pub fn succeeded(record: &ExchangeRecord) -> bool {
    matches!(record.status, Some(101 | 200..400))
}

/// Whether both messages were seen whole.
#[must_use]
pub fn whole(record: &ExchangeRecord) -> bool {
    let whole = MessageCompleteness::Complete;
    record.completeness.request == whole && record.completeness.response == whole
}

/// The latency, where no loss can have faked it.
#[must_use]
pub fn sound_latency(record: &ExchangeRecord) -> Option<u64> {
    let sound = matches!(
        record.completeness.pairing,
        Pairing::Ordered | Pairing::Given
    );
    record.latency_ns.filter(|_| sound)
}

impl Entry {
    /// An endpoint that nothing is known of yet.
    #[must_use]
    pub fn new(at: EndpointRef, settings: &InventorySettings) -> Self {
        let size = Bounds::size(settings.max_size);
        Self {
            at,
            transport: None,
            confidence: 0.0,
            examples: Vec::new(),
            facts: Facts::default(),
            secured: None,
            lifecycle: Lifecycle::Unclassified,
            reason: String::new(),
            profile: Profile::default(),
            first_seen: 0,
            last_seen: 0,
            requests: 0,
            counts: Counts::default(),
            authentication_successful: Tally::default(),
            response_classes: Tally::default(),
            request_classes: Tally::default(),
            waiting: Waiting::default(),
            baseline: Baseline::default(),
            seen: Seen {
                statuses: BTreeMap::new(),
                authentication: Tally::default(),
                request_types: Tally::default(),
                response_types: Tally::default(),
                parameters: Parameters::default(),
                schemas: Schemas::default(),
                credentials: Tally::default(),
                data: DataSeen::default(),
                tokens: TokenKinds::default(),
                spellings: Spellings::default(),
                consumers: Distinct::default(),
                callers: BTreeMap::new(),
                servers: Tally::default(),
                reach: Reach::default(),
                protocols: Tally::default(),
                completeness: Tally::default(),
                feeds: Tally::default(),
                vantage_points: Tally::default(),
                latency: Distribution::new(Bounds::latency(settings.max_latency_ns)),
                request_size: Distribution::new(size),
                response_size: Distribution::new(size),
                minutes: Minutes::default(),
            },
            weight: BYTES_MIN,
        }
    }

    /// Takes in one exchange of the endpoint.
    pub fn observe(&mut self, exchange: Exchange<'_>, settings: &AnalyzerSettings) {
        self.requests = self.requests.saturating_add(1);
        self.learn(exchange, settings);
        self.weigh_when_due(&settings.inventory);
    }

    /// Takes in an exchange that was counted already, as one of those held back before the endpoint
    /// was known to be one; false when there is none that nothing is known of.
    pub fn learn_earlier(&mut self, exchange: Exchange<'_>, settings: &AnalyzerSettings) -> bool {
        self.take_waiting(&settings.inventory);
        let is_one = self.seen.completeness.take_one(UNRECORDED);
        if is_one {
            self.counts.placed = self.counts.placed.saturating_sub(1);
            self.learn(exchange, settings);
        }
        is_one
    }

    fn learn(&mut self, exchange: Exchange<'_>, settings: &AnalyzerSettings) {
        let record = exchange.record;
        let inventory = &settings.inventory;
        self.touch(record.time);
        self.observe_outcome(exchange, settings);
        if let Some(spelling) = &record.spelling {
            self.seen.spellings.add(spelling, inventory.max_spellings);
        }
        let asked = record.query.len() + record.matrix.len();
        if accepted(record.status) && asked > 0 {
            self.seen.parameters.observe_query(record, inventory);
        }
        self.wait(exchange, inventory);
        if let Some(request) = &record.request
            && accepted(record.status)
        {
            if !self.seen.parameters.knows_values(request, inventory) {
                self.take_waiting(inventory);
            }
            self.seen.parameters.observe_values(request, inventory);
        }
    }

    /// Takes the end of an exchange that was counted while it was open: what its messages look like.
    pub fn complete(&mut self, exchange: Exchange<'_>, settings: &InventorySettings) {
        let record = exchange.record;
        self.take_waiting(settings);
        self.touch(record.ended.unwrap_or(record.time));
        let length = |message: &MessageRecord| message.body_len;
        let lengths = (
            record.request.as_ref().map_or(0, length),
            record.response.as_ref().map_or(0, length),
        );
        self.seen
            .schemas
            .observe(exchange.traits, lengths, exchange.outlined, settings);
        let request = (&mut self.request_classes, &record.request);
        for (tally, message) in [request, (&mut self.response_classes, &record.response)] {
            for class in message.iter().flat_map(|it| it.data_classes.names()) {
                let new = u64::from(tally.get(class) == 0);
                tally.add(class, new, settings.max_tally_keys);
            }
        }
    }

    /// Sightings that were held back before the endpoint was known to be one.
    pub fn add_earlier(&mut self, earlier: u64, first_seen: Nanos, settings: &InventorySettings) {
        self.take_waiting(settings);
        self.touch(first_seen);
        if earlier > 0 {
            self.counts.placed = self.counts.placed.saturating_add(earlier);
            self.requests = self.requests.saturating_add(earlier);
            self.seen.completeness.add(UNRECORDED, earlier, usize::MAX);
        }
    }

    /// Gives exchanges away that prove to be another endpoint's; returns how many.
    pub fn give_away(&mut self, sightings: u64) -> u64 {
        let given = sightings.min(self.requests);
        self.requests -= given;
        given
    }

    /// Takes over everything of an endpoint that proved to be this one. Baselines are not added:
    /// the one that rests on more stays.
    pub fn merge(&mut self, other: &mut Self, settings: &AnalyzerSettings) {
        let inventory = &settings.inventory;
        let keys = inventory.max_tally_keys;
        self.take_waiting(inventory);
        other.take_waiting(inventory);
        if other.first_seen != 0 {
            self.touch(other.first_seen);
            self.touch(other.last_seen);
        }
        if other.requests > self.requests {
            self.baseline = other.baseline.clone();
        }
        self.requests = self.requests.saturating_add(other.requests);
        add_counts(&mut self.counts, other.counts);
        self.authentication_successful
            .merge(&other.authentication_successful, keys);
        self.response_classes.merge(&other.response_classes, keys);
        self.request_classes.merge(&other.request_classes, keys);
        let later = |a: Option<i64>, b: Option<i64>| a.max(b);
        self.facts.deprecation_header = later(
            self.facts.deprecation_header,
            other.facts.deprecation_header,
        );
        self.facts.sunset_header = later(self.facts.sunset_header, other.facts.sunset_header);
        self.merge_changes(other, inventory.max_label_changes);
        self.seen.merge(&other.seen, inventory);
        self.weigh();
    }

    /// Sets what template learning knows of it.
    pub fn describe(&mut self, view: TemplateView) {
        self.set_template(view.template);
        self.confidence = view.confidence;
        self.examples = view.examples;
    }

    /// It has that template from now on.
    pub fn set_template(&mut self, template: String) {
        self.at.template = template;
        self.waiting.forget_places();
    }

    /// Share of its exchanges that was seen complete.
    #[must_use]
    pub fn coverage(&self) -> f64 {
        super::share(self.counts.complete, self.counts.placed.max(1))
    }

    /// Whether responses carried data of any class.
    #[must_use]
    pub fn gives_data(&self) -> bool {
        !self.response_classes.is_empty() || self.waiting.has_response_classes()
    }

    /// Classes of data that so large a share of the successful exchanges had in their responses.
    pub fn response_classes(&self, share: f64) -> impl Iterator<Item = &str> {
        let mut waiting: BTreeMap<&str, u64> = BTreeMap::new();
        for class in self.waiting.response_classes() {
            *waiting.entry(class).or_default() += 1;
        }
        let known = self.response_classes.iter();
        for (class, exchanges) in known {
            let sum = waiting.entry(class).or_default();
            *sum = sum.saturating_add(exchanges);
        }
        let successes = self.counts.successes;
        let found = waiting.into_iter();
        found.filter_map(move |(class, n)| (super::share(n, successes) >= share).then_some(class))
    }

    fn touch(&mut self, time: Nanos) {
        if self.first_seen == 0 || time < self.first_seen {
            self.first_seen = time;
        }
        self.last_seen = self.last_seen.max(time);
    }

    fn observe_outcome(&mut self, exchange: Exchange<'_>, settings: &AnalyzerSettings) {
        let record = exchange.record;
        self.counts.placed = self.counts.placed.saturating_add(1);
        if whole(record) {
            self.counts.complete = self.counts.complete.saturating_add(1);
        }
        if let Some(response) = &record.response {
            let passed = u64::from(response.is_passed());
            self.counts.passed = self.counts.passed.saturating_add(passed);
            let later = |old: Option<i64>, new: Option<i64>| new.or(old);
            self.facts.deprecation_header =
                later(self.facts.deprecation_header, response.deprecation);
            self.facts.sunset_header = later(self.facts.sunset_header, response.sunset);
        }
        if !succeeded(record) {
            return;
        }
        let counts = &mut self.counts;
        counts.successes = counts.successes.saturating_add(1);
        if record.request.is_some() {
            let sum = if &*exchange.traits.scheme == "none" {
                &mut counts.anonymous
            } else {
                &mut counts.authenticated
            };
            *sum = sum.saturating_add(1);
        }
        if signs_in(exchange) {
            counts.sign_in = counts.sign_in.saturating_add(1);
        }
        if lifecycle::retired(&self.facts, record.time, &settings.lifecycle).is_some() {
            counts.retired_successes = counts.retired_successes.saturating_add(1);
        }
    }
}

impl Seen {
    fn merge(&mut self, other: &Self, settings: &InventorySettings) {
        let keys = settings.max_tally_keys;
        for (status, count) in &other.statuses {
            let ours = self.statuses.entry(*status).or_insert(0);
            *ours = ours.saturating_add(*count);
        }
        self.authentication.merge(&other.authentication, keys);
        self.request_types.merge(&other.request_types, keys);
        self.response_types.merge(&other.response_types, keys);
        self.parameters.merge(&other.parameters, settings);
        self.schemas.merge(&other.schemas, settings);
        self.credentials.merge(&other.credentials, keys);
        self.data.merge(&other.data, keys * 4);
        self.tokens.merge(&other.tokens, keys);
        self.spellings
            .merge(&other.spellings, settings.max_spellings);
        self.consumers
            .merge(&other.consumers, settings.exact_consumers);
        for (caller, calls) in &other.callers {
            count_caller(&mut self.callers, *caller, *calls, settings.counted_callers);
        }
        self.servers.merge(&other.servers, keys);
        self.reach.merge(&other.reach);
        self.protocols.merge(&other.protocols, keys);
        self.completeness.merge(&other.completeness, keys);
        self.feeds.merge(&other.feeds, keys);
        self.vantage_points.merge(&other.vantage_points, keys);
        self.latency.merge(&other.latency);
        self.request_size.merge(&other.request_size);
        self.response_size.merge(&other.response_size);
        self.minutes.merge(&other.minutes, settings);
    }
}

fn add_counts(counts: &mut Counts, other: Counts) {
    counts.placed = counts.placed.saturating_add(other.placed);
    counts.anonymous = counts.anonymous.saturating_add(other.anonymous);
    counts.authenticated = counts.authenticated.saturating_add(other.authenticated);
    counts.successes = counts.successes.saturating_add(other.successes);
    counts.retired_successes = counts
        .retired_successes
        .saturating_add(other.retired_successes);
    counts.sign_in = counts.sign_in.saturating_add(other.sign_in);
    counts.complete = counts.complete.saturating_add(other.complete);
    counts.passed = counts.passed.saturating_add(other.passed);
}

/// Counts a caller; at the cap the one with the fewest calls gives its place and its count. Whether
/// it was counted before.
fn count_caller(
    callers: &mut BTreeMap<ConsumerId, u64>,
    id: ConsumerId,
    by: u64,
    cap: usize,
) -> bool {
    if let Some(calls) = callers.get_mut(&id) {
        *calls = calls.saturating_add(by);
        return true;
    }
    let mut calls = by;
    if callers.len() >= cap.max(1) {
        let least = callers
            .iter()
            .min_by_key(|(id, n)| (**n, **id))
            .map(|(id, n)| (*id, *n));
        if let Some((least, n)) = least {
            callers.remove(&least);
            calls = calls.saturating_add(n);
        }
    }
    callers.insert(id, calls);
    false
}

/// Whether the exchange looks like signing in: a password or code goes up, or a credential comes
/// down.
fn signs_in(exchange: Exchange<'_>) -> bool {
    let record = exchange.record;
    let carries = |message: Option<&MessageRecord>| {
        let mut classes = message.iter().flat_map(|m| m.data_classes.names());
        classes.any(|class| SIGN_IN_CLASSES.contains(&class))
    };
    exchange.lists.sets_cookie
        || carries(record.request.as_ref())
        || carries(record.response.as_ref())
}
