//! Every cap and threshold of the analyzer, with its reason. The defaults are what is recommended.

use std::collections::BTreeMap;

use crate::endpoint::TemplateSettings;
use crate::inventory::entry::BYTES_MIN as ENDPOINT_BYTES_MIN;
use crate::inventory::lifecycle::Retirement;
use crate::inventory::owner::OwnerRule;
use crate::inventory::reach::{ExposurePolicy, Network};
use crate::inventory::risk::RiskPolicy;
use crate::inventory::tags::TagPolicy;
use crate::snapshot::Nanos;
use crate::tenants::settings::TenantSettings;
use crate::vantage::VantageSettings;

/// One second of packet time.
pub const SECOND: Nanos = 1_000_000_000;

/// One minute of packet time.
pub const MINUTE: Nanos = 60 * SECOND;

/// One hour of packet time.
pub const HOUR: Nanos = 60 * MINUTE;

/// One day of packet time.
pub const DAY: Nanos = 24 * HOUR;

/// Settings of the whole analyzer.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct AnalyzerSettings {
    /// Joining the legs of an exchange.
    pub vantage: VantageSettings,
    /// Template learning.
    pub templates: TemplateSettings,
    /// Hosts that are tenants of one service.
    pub tenants: TenantSettings,
    /// What the inventory keeps.
    pub inventory: InventorySettings,
    /// By what callers are told apart.
    pub identities: IdentitySettings,
    /// Whose word on who calls is taken.
    pub proxies: ProxySettings,
    /// How facts become labels.
    pub lifecycle: LifecyclePolicy,
    /// When traffic differs from a specification.
    pub drift: DriftPolicy,
    /// Who is responsible for what: the first rule that holds.
    pub owners: Vec<OwnerRule>,
    /// Which networks are whose.
    pub exposure: ExposurePolicy,
    /// What speaks for which purpose.
    pub tags: TagPolicy,
    /// How much each factor of the risk weighs.
    pub risk: RiskPolicy,
    /// What is usual.
    pub baseline: BaselineSettings,
    /// What departs.
    pub detectors: DetectorSettings,
    /// What a person sees of it.
    pub findings: FindingSettings,
}

/// When a kind of identity is passed over on a host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct IdentitySettings {
    /// Calls that carry it before it is judged: fewer may be of one client that is being tested.
    pub min_calls: u64,
    /// Names for each call from which on it is another one each time.
    pub fleeting_share: f64,
    /// Addresses that one name comes from, on average, from which on it is shared: a person has a
    /// handful (at home, at work, on the way).
    pub shared_addresses: u64,
    /// How many times as many names another kind must have to be the finer one.
    pub finer_times: u64,
    /// Calls of a program before it is told apart from others at its address: fewer are an attempt.
    pub program_calls_min: u32,
    /// How often another program than the one before must have called at an address before they are
    /// told apart: updates follow each other, and programs of several callers take turns.
    pub program_turns_min: u64,
    /// Programs for each call of an address from which on one changes its name.
    pub program_fleeting_share: f64,
    /// Programs remembered of an address; further ones stay one caller.
    pub programs_max: usize,
    /// Addresses whose programs are remembered (about 100 bytes each, 500 at most); those with one
    /// program and silent longest go first.
    pub program_addresses_max: usize,
}

impl Default for IdentitySettings {
    fn default() -> Self {
        Self {
            min_calls: 100,
            fleeting_share: 0.9,
            shared_addresses: 8,
            finer_times: 4,
            program_calls_min: 10,
            program_turns_min: 8,
            program_fleeting_share: 0.2,
            programs_max: 32,
            program_addresses_max: 8_192,
        }
    }
}

/// Caps of the inventory.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct InventorySettings {
    /// Bytes that all of the analyzer may hold, with what readers are shown of it; beyond it, what
    /// is missed least is given up.
    pub memory_bytes_max: usize,
    /// Tags of the classes of data that the configuration defines, by class.
    pub class_tags: BTreeMap<String, Vec<String>>,
    /// Most hosts kept apart; a client can invent any number of Host fields. Exchanges of further
    /// hosts are counted and kept together under one name.
    pub max_hosts: usize,
    /// Most endpoints of one host; an entry with large bodies was measured at about 58 KB.
    pub max_endpoints_per_host: usize,
    /// Moments at which labels came and went that are kept per endpoint; real ones have a few in
    /// their life.
    pub max_label_changes: usize,
    /// Other versions named of one endpoint; a client can invent version numbers.
    pub max_versions: usize,
    /// Most endpoints over all hosts, which bounds the inventory to about 1.2 GB in the worst case.
    pub max_endpoints: usize,
    /// Most operations of one endpoint that have a row of their own; large GraphQL and JSON-RPC
    /// services have a few hundred, and a client can invent names. Further ones share a row.
    pub max_operations_per_endpoint: usize,
    /// Most consumers remembered (about 600 bytes each); the ones silent longest go first.
    pub max_consumers: usize,
    /// Share of the consumers let go at once when the cap is reached, so that the search for the
    /// oldest is paid rarely.
    pub consumer_eviction_share: f64,
    /// Distinct consumers of an endpoint counted exactly before a sketch takes over.
    pub exact_consumers: usize,
    /// Callers whose calls are counted for one endpoint, to name those that call most.
    pub counted_callers: usize,
    /// Callers named in a snapshot.
    pub top_callers: usize,
    /// Parameters kept per endpoint; a form with more is rare, a fuzzer's is not.
    pub max_parameters: usize,
    /// Header fields and cookies kept per endpoint, each.
    pub max_header_parameters: usize,
    /// Schemas kept per endpoint: statuses times media types; real ones have fewer than ten.
    pub max_schemas: usize,
    /// Fields of all schemas of an endpoint together; a GitHub pull request has about 400.
    pub max_schema_fields: usize,
    /// Bytes of the names of the same.
    pub max_schema_name_bytes: usize,
    /// Fields of an object from which on it is taken for a map when they are alike and each is in
    /// few of the bodies.
    pub map_fields_min: usize,
    /// Body fields looked at per message, so that one body cannot take the thread.
    pub max_fields_per_body: usize,
    /// Depth of body fields looked at.
    pub max_field_depth: usize,
    /// Kinds of bodies that are kept ready for all endpoints together; others are made ready anew.
    pub outlines_max: usize,
    /// Fields of all of them.
    pub outline_places_max: usize,
    /// Shapes of which it is remembered which kind they are of, 128 bytes each: twice as many as one
    /// worker of the sensor gives out again (`known_bodies_max`).
    pub outlined_shapes_max: usize,
    /// Longest parameter name kept, in bytes; dotted names of deep bodies are the longest.
    pub max_name_len: usize,
    /// Different keys kept in any counter by name (media types, schemes, protocols, servers);
    /// further ones are counted under `other`.
    pub max_tally_keys: usize,
    /// Odd spellings of an endpoint's path that are kept; a client can invent any number.
    pub max_spellings: usize,
    /// Minutes with traffic kept per endpoint; the store keeps the older ones.
    pub max_minutes: usize,
    /// Latencies kept of one minute for its quantiles.
    pub max_minute_latencies: usize,
    /// Addresses and user agents kept per consumer.
    pub max_consumer_names: usize,
    /// Endpoints counted per consumer.
    pub max_consumer_endpoints: usize,
    /// Highest latency told apart; ten minutes is beyond every usual time-out.
    pub max_latency_ns: u64,
    /// Highest message size told apart.
    pub max_size: u64,
    /// Time after which template learning is asked to decide on what it holds back, when time is
    /// told but little traffic comes in.
    pub settle_interval: Nanos,
    /// Exchanges of one host kept until their endpoint is known, to be learned from then: template
    /// learning decides after 512 paths at the latest, and a path is seldom called twice before.
    pub max_held_per_host: usize,
    /// Exchanges of the same method and path among them: a fifth call shows little that four did
    /// not.
    pub max_held_per_path: usize,
    /// Packet time for which they are kept: what is called so seldom shows itself again.
    pub max_held_age: Nanos,
    /// Bytes of all kept exchanges together, roughly; beyond it further ones are not kept.
    pub max_held_bytes: usize,
    /// Packet time between two savings of a host's template trie: it is large, and what it has
    /// beyond the endpoints is evidence that builds up again.
    pub host_state_interval: Nanos,
    /// Nodes of the trie that may be saved per exchange since its last saving, so that a busy host
    /// with a large trie does not spend its time on saving.
    pub host_state_nodes_per_exchange: u64,
    /// Endpoints saved at once, beside those that are new or renamed; the others wait for their
    /// turn. An endpoint with large bodies takes about 200 µs to save and show.
    pub save_endpoints: usize,
    /// The same as a share of the exchanges since the last saving: replaying is faster than
    /// anybody looks.
    pub save_endpoints_share: f64,
    /// Consumers saved at once.
    pub save_consumers: usize,
}

/// What an endpoint takes as it is saved, with the text of it: some bodies have hundreds of fields.
const SAVED_ENDPOINT_BYTES: usize = 32 << 10;

/// Endpoints saved at once however little memory there is: below, all of them would take too many
/// saves to have their turn.
const SAVE_ENDPOINTS_MIN: usize = 32;

impl AnalyzerSettings {
    /// Takes the analyzer's share of the cap on memory: nearly a quarter, and what is kept of
    /// records that wait is a part of it. There are no more endpoints than fit into it without
    /// anything that can be given up, and what is copied to be saved is a part of the cap, too.
    pub fn divide_memory(&mut self, bytes: usize) {
        let inventory = &mut self.inventory;
        inventory.memory_bytes_max = bytes / 32 * 7;
        inventory.max_held_bytes = inventory.max_held_bytes.min(bytes / 32);
        let endpoints = inventory.memory_bytes_max / ENDPOINT_BYTES_MIN;
        inventory.max_endpoints = inventory.max_endpoints.min(endpoints);
        let saved = bytes / 32 / SAVED_ENDPOINT_BYTES;
        inventory.save_endpoints = inventory.save_endpoints.min(saved).max(SAVE_ENDPOINTS_MIN);
        self.vantage.bytes_max = self.vantage.bytes_max.min(bytes / 32);
    }
}

impl Default for InventorySettings {
    fn default() -> Self {
        Self {
            memory_bytes_max: 224 << 20,
            class_tags: BTreeMap::new(),
            max_hosts: 4_096,
            max_endpoints_per_host: 5_000,
            max_endpoints: 20_000,
            max_label_changes: 16,
            max_versions: 8,
            max_operations_per_endpoint: 500,
            max_consumers: 50_000,
            consumer_eviction_share: 0.1,
            exact_consumers: 256,
            counted_callers: 64,
            top_callers: 10,
            max_parameters: 256,
            max_header_parameters: 32,
            max_schemas: 16,
            max_schema_fields: 768,
            max_schema_name_bytes: 16 * 1024,
            map_fields_min: 24,
            max_fields_per_body: 256,
            max_field_depth: 8,
            outlines_max: 4_096,
            outline_places_max: 64 * 1024,
            outlined_shapes_max: 16 * 1024,
            max_name_len: 128,
            max_tally_keys: 32,
            max_spellings: 64,
            max_minutes: 60,
            max_minute_latencies: 256,
            max_consumer_names: 8,
            max_consumer_endpoints: 32,
            max_latency_ns: 600_000_000_000,
            max_size: 1 << 40,
            settle_interval: 10 * SECOND,
            max_held_per_host: 1_024,
            max_held_per_path: 4,
            max_held_age: 15 * MINUTE,
            max_held_bytes: 32 << 20,
            host_state_interval: 30 * SECOND,
            host_state_nodes_per_exchange: 4,
            save_endpoints: 256,
            save_endpoints_share: 1.0 / 32.0,
            save_consumers: 1_024,
        }
    }
}

/// Which addresses are proxies, whose word on who calls is taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ProxySettings {
    /// Addresses a person trusts.
    pub trusted: Vec<Network>,
    /// Whether further ones are found by what they do.
    pub learn: bool,
    /// Clients it must have forwarded for more than once: an office behind an address translator is
    /// no proxy, and a client that tries out addresses seldom uses one twice.
    pub min_clients: usize,
    /// Share of an address's calls that must be forwarded before it is taken for a proxy: proxies do
    /// it on all, apart from calls of their own (health checks).
    pub min_share: f64,
    /// The share below which it is one no longer.
    pub stays_share: f64,
    /// Calls over which these shares are taken; beyond it older ones weigh half.
    pub memory: u64,
    /// Addresses remembered (about 100 bytes each, 2 KB where something is forwarded).
    pub max_addresses: usize,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            trusted: Vec::new(),
            learn: true,
            min_clients: 8,
            min_share: 0.9,
            stays_share: 0.5,
            memory: 512,
            max_addresses: 8_192,
        }
    }
}

/// How facts become labels. Packet time throughout.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LifecyclePolicy {
    /// Silence after which an endpoint is dormant; vendors use 30 to 32 days.
    pub dormant_after: Nanos,
    /// Time for which an endpoint counts as new.
    pub new_for: Nanos,
    /// Time from a host's first exchange in which everything is new and nothing is called so.
    pub learning: Nanos,
    /// Time after a sunset in which calls are still expected, for clients that are late.
    pub sunset_grace: Nanos,
    /// Exchanges of a host before "never seen" is said of a documented operation.
    pub orphan_min_requests: u64,
    /// Share of a host's exchanges that must have been seen complete for the same.
    pub orphan_min_complete: f64,
    /// Share of a host's exchanges that must have been seen complete before silence is called
    /// dormant: of a feed that loses half, an endpoint called once a week is missed for a month
    /// once in sixteen.
    pub dormant_min_complete: f64,
    /// Successful calls to a documented operation before a specification that names no host is
    /// taken to cover the host.
    pub adoption_min_successes: u64,
    /// Which facts retire an endpoint, so that it is a zombie when it still answers.
    pub retired_by: Vec<Retirement>,
    /// Time for which two versions may answer side by side before the older one counts as
    /// superseded: clients move over days, not at once.
    pub superseded_grace: Nanos,
    /// Successful calls to a newer version before it counts as one: somebody trying `/v3/` is
    /// none.
    pub successor_min_successes: u64,
    /// Differences from its specification from which on an endpoint is drifted.
    pub drifted_min_differences: usize,
    /// Whether only breaking differences count for that.
    pub drifted_breaking_only: bool,
}

impl Default for LifecyclePolicy {
    fn default() -> Self {
        Self {
            dormant_after: 30 * DAY,
            new_for: DAY,
            learning: 6 * HOUR,
            sunset_grace: DAY,
            orphan_min_requests: 200,
            orphan_min_complete: 0.9,
            dormant_min_complete: 0.5,
            adoption_min_successes: 1,
            retired_by: Retirement::ALL.map(|(one, _)| one).to_vec(),
            superseded_grace: DAY,
            successor_min_successes: 5,
            drifted_min_differences: 1,
            drifted_breaking_only: false,
        }
    }
}

/// When a difference between specification and traffic is worth a word.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DriftPolicy {
    /// Exchanges that must show it: fewer are odd calls.
    pub min_support: u64,
    /// Share of the exchanges that could show it and do.
    pub min_share: f64,
    /// Values before a documented type is said to be wider than what is used.
    pub stricter_min_support: u64,
    /// Most differences told of one endpoint; an endpoint with more is described by another
    /// document.
    pub max_differences: usize,
}

impl Default for DriftPolicy {
    fn default() -> Self {
        Self {
            min_support: 5,
            min_share: 0.01,
            stricter_min_support: 50,
            max_differences: 64,
        }
    }
}

/// How "usual" is learned.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BaselineSettings {
    /// Widths a window may have, ascending: an endpoint gets the narrowest in which it has
    /// [`Self::min_expected`] calls or more, so that a count means something.
    pub widths: [Nanos; 5],
    /// Calls a window should have for its count to mean something.
    pub min_expected: f64,
    /// Calls a window may have before a narrower one would tell sooner.
    pub max_expected: f64,
    /// Windows kept to learn from.
    pub windows: usize,
    /// Windows before anything is said of volume.
    pub min_windows: usize,
    /// Calls before anything is said at all.
    pub min_support: u64,
    /// Weight of the newest window in the moving average of volume.
    pub smoothing: f64,
    /// Calls over which the usual share of errors is remembered.
    pub error_memory: f64,
    /// Latest latencies compared with the usual; their median is not moved by one slow call.
    pub recent_latencies: usize,
    /// Usual latencies kept (one in a few when there are many), to take the median of.
    pub usual_latencies: usize,
    /// Latencies before anything is said of them.
    pub min_latencies: usize,
    /// Addresses counted in the open window, to name who is behind a departure.
    pub window_actors: usize,
}

impl Default for BaselineSettings {
    fn default() -> Self {
        Self {
            widths: [10 * SECOND, MINUTE, 5 * MINUTE, 15 * MINUTE, HOUR],
            min_expected: 8.0,
            max_expected: 2_000.0,
            windows: 48,
            min_windows: 8,
            min_support: 40,
            smoothing: 0.2,
            error_memory: 500.0,
            recent_latencies: 9,
            usual_latencies: 65,
            min_latencies: 30,
            window_actors: 32,
        }
    }
}

/// When a departure is worth a signal.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DetectorSettings {
    /// Standard deviations above the expected volume; at 6 chance alone is out of the question
    /// over all endpoints and windows of a year.
    pub volume_deviations: f64,
    /// The same where one client makes most of the window's calls: a departure of two things at
    /// once needs less of each.
    pub volume_deviations_concentrated: f64,
    /// Share of a window's calls from which on one client makes most of them.
    pub volume_concentration: f64,
    /// Times the expected volume, at least.
    pub volume_factor: f64,
    /// Calls in a window below which volume is never worth a word.
    pub volume_min: u64,
    /// Standard deviations of the lower bound of the share of errors.
    pub error_deviations: f64,
    /// Times the usual share of errors that the lower bound must exceed.
    pub error_factor: f64,
    /// Share of errors below which nobody is called.
    pub error_min_share: f64,
    /// Errors in a window below which nobody is called.
    pub error_min: u64,
    /// Times the usual latency, at least.
    pub latency_factor: f64,
    /// Spreads (of single calls, on the logarithm) above the usual latency, at least.
    pub latency_deviations: f64,
    /// Slowest usual latency that is of no interest however it rises: a rise to less than this
    /// hurts nobody.
    pub latency_min_ns: u64,
    /// Share of exchanges seen complete below which verdicts that loss could fake wait.
    pub min_coverage: f64,
    /// Successful calls with credentials that make an endpoint one that is usually authenticated.
    pub auth_min_authenticated: u64,
    /// Largest share of successful calls without credentials on such an endpoint; above it the
    /// credentials are evidently optional.
    pub auth_max_anonymous_share: f64,
    /// Successful calls without credentials before anything is said.
    pub auth_min_anonymous: u64,
    /// The same where no call was ever authenticated: it needs more to stand on.
    pub auth_min_open: u64,
    /// Share of the host's other successful calls that carry credentials for it to be a host
    /// where an open endpoint stands out.
    pub auth_min_sibling_share: f64,
    /// Successful calls to the host's other endpoints for that share to mean something.
    pub auth_min_sibling_calls: u64,
    /// Share of an endpoint's exchanges that carry a class of data for it to be usual.
    pub auth_min_data_share: f64,
}

impl Default for DetectorSettings {
    fn default() -> Self {
        Self {
            volume_deviations: 6.0,
            volume_deviations_concentrated: 4.0,
            volume_concentration: 0.5,
            volume_factor: 2.0,
            volume_min: 20,
            error_deviations: 3.5,
            error_factor: 3.0,
            error_min_share: 0.15,
            error_min: 5,
            latency_factor: 3.0,
            latency_deviations: 2.5,
            latency_min_ns: 50_000_000,
            min_coverage: 0.8,
            auth_min_authenticated: 20,
            auth_max_anonymous_share: 0.2,
            auth_min_anonymous: 3,
            auth_min_open: 10,
            auth_min_sibling_share: 0.8,
            auth_min_sibling_calls: 50,
            auth_min_data_share: 0.3,
        }
    }
}

/// Caps of findings.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FindingSettings {
    /// Most findings kept; beyond it the resolved go first, then the least severe, oldest first.
    pub max_findings: usize,
    /// Actors named in one finding.
    pub max_actors: usize,
    /// Pieces of evidence kept from the beginning.
    pub first_evidence: usize,
    /// Pieces of evidence kept from the end.
    pub latest_evidence: usize,
    /// Decisions kept.
    pub max_history: usize,
    /// Longest comment kept, in characters.
    pub max_comment: usize,
    /// Packet time between two pieces of evidence of the same finding; recurrences in between are
    /// counted only.
    pub evidence_interval: Nanos,
}

impl Default for FindingSettings {
    fn default() -> Self {
        Self {
            max_findings: 10_000,
            max_actors: 16,
            first_evidence: 4,
            latest_evidence: 8,
            max_history: 32,
            max_comment: 2_000,
            evidence_interval: MINUTE,
        }
    }
}
