//! The analyzer's state as plain data: what the store keeps and what readers (API, page, CLI) are
//! shown. The only place of this crate where serde derives stand; append-only in its fields
//! (`#[serde(default)]` on whatever comes later), so an older store can be read.

/// What a restart needs beyond what readers are shown.
pub mod state;

/// What is known of messages.
pub mod schema;

/// The same in little room.
pub mod packed;

/// What a person has decided on templates.
pub mod rule;

/// How traffic differs from a specification.
mod drift;

/// Hosts that share a row.
pub mod tenants;

/// What is no endpoint yet.
pub mod waiting;

/// By what callers are told apart.
pub mod identity;

/// What is derived from facts.
pub mod profile;

/// One parameter.
mod parameter;

pub use drift::{Drift, DriftKind};
pub use parameter::{Choices, ParameterSnapshot};
pub use profile::Profile;

use std::collections::BTreeMap;

use crate::inventory::tally::Tally;

use serde::{Deserialize, Serialize};

use packed::PackedSchemas;
use schema::CredentialSnapshot;

/// Names an endpoint for good: survives re-templating and restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EndpointId(pub u64);

/// Names a finding for good; derived from what it is about, so that a recurrence joins it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FindingId(pub u64);

/// Names a consumer for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ConsumerId(pub u64);

/// Nanoseconds since the Unix epoch, packet time.
pub type Nanos = i64;

/// Where an endpoint stands, derived from facts by policy. In order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifecycle {
    /// Retired (deprecated, or removed from a newer specification) and still called.
    Zombie,
    /// Called, and in none of the specifications that cover its host.
    Shadow,
    /// In a specification, never seen in traffic while the host's coverage was good.
    Orphan,
    /// Was called, silent for longer than the policy's time.
    Dormant,
    /// In a specification and called, and its traffic differs from what the specification says.
    Drifted,
    /// First seen only a short while ago, on a host that was known before.
    New,
    /// In a specification and called.
    Documented,
    /// None of the owner rules names an owner.
    Unowned,
    /// Called; no specification covers its host, so nothing more can be said.
    Unclassified,
}

/// What is known of an endpoint's standing; labels are derived from these.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// Whether a specification covers the host and base path.
    pub covered_by_specification: bool,
    /// Names of the specifications that describe it.
    pub documented_in: Vec<String>,
    /// The template the specification gives it.
    pub documented_template: Option<String>,
    /// `deprecated: true` in the specification.
    pub deprecated: bool,
    /// Was in an older version of the specification and is not in the current one.
    pub removed: bool,
    /// Deprecation header (RFC 9745) seen, seconds since the Unix epoch.
    pub deprecation_header: Option<i64>,
    /// Sunset header (RFC 8594) seen, seconds since the Unix epoch.
    pub sunset_header: Option<i64>,
    /// Of what was removed: the specification whose older revision had it.
    #[serde(default)]
    pub removed_from: Option<String>,
    /// A newer version of it that answers calls: method and template.
    #[serde(default)]
    pub superseded_by: Option<String>,
    /// When the newest version was first seen; 0 when there is none.
    #[serde(default)]
    pub superseded_since: Nanos,
}

/// A distribution, with enough buckets to merge and to draw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HistogramSnapshot {
    /// Number of values.
    pub count: u64,
    /// Smallest value.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// 90th percentile.
    pub p90: u64,
    /// 99th percentile.
    pub p99: u64,
    /// Largest value.
    pub max: u64,
    /// (highest value of the bucket, count), ascending, empty buckets left out.
    pub buckets: Vec<(u64, u64)>,
}

/// One minute of an endpoint's life (packet time).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MinuteSnapshot {
    /// Start of the minute, nanoseconds since the Unix epoch.
    pub minute: Nanos,
    /// Requests.
    pub requests: u64,
    /// Responses 400 to 499.
    pub client_errors: u64,
    /// Responses 500 to 599.
    pub server_errors: u64,
    /// Median latency in nanoseconds, when any was measured.
    pub latency_p50_ns: Option<u64>,
    /// 99th percentile of the latency in nanoseconds.
    pub latency_p99_ns: Option<u64>,
    /// Bytes of response content.
    pub response_bytes: u64,
}

/// What a request asks for where method and path do not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationName {
    /// `graphql`, `json_rpc`, `mcp`, `soap`, `grpc`, `grpc_web`.
    pub style: String,
    /// `query`, `mutation`, `call`, `tool`, …; empty for operations beyond the cap.
    pub kind: String,
    /// Its name; fields in braces for a GraphQL operation without one.
    pub name: String,
}

/// An endpoint of the inventory, or an operation of one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EndpointSnapshot {
    /// Its name.
    pub id: EndpointId,
    /// Method.
    pub method: String,
    /// Host.
    pub host: String,
    /// Path template in OpenAPI's form (`/users/{id}`).
    pub template: String,
    /// The operation that this row is about; of an endpoint itself, the one operation that its
    /// path names (gRPC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationName>,
    /// Of an operation's row: the endpoint that carries it, whose exchanges these are among.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transport: Option<EndpointId>,
    /// How sure the template is, 0 to 1.
    pub template_confidence: f64,
    /// Up to three paths it was drawn from (redacted).
    pub examples: Vec<String>,
    /// Paths that were spelt otherwise than they are counted (percent-encoded letters, empty
    /// segments), at most a named cap.
    #[serde(default)]
    pub spellings: Vec<String>,
    /// Exchanges with such a path.
    #[serde(default)]
    pub respelled: u64,
    /// Label by policy.
    pub lifecycle: Lifecycle,
    /// Why, in one sentence.
    pub lifecycle_reason: String,
    /// What the label was derived from.
    pub facts: Facts,
    /// First exchange; 0 when it was never seen in traffic.
    pub first_seen: Nanos,
    /// Last exchange; 0 when it was never seen in traffic.
    pub last_seen: Nanos,
    /// Exchanges.
    pub requests: u64,
    /// Exchanges by status; 0 stands for "response not seen".
    pub statuses: BTreeMap<u16, u64>,
    /// Exchanges by how the call was authenticated (`none`, `bearer`, `jwt`, `basic`, …).
    pub authentication: Tally,
    /// The same for successful (2xx, 3xx) exchanges only: what the verdicts rest on.
    pub authentication_successful: Tally,
    /// Media types of requests.
    pub request_content_types: Tally,
    /// Media types of responses.
    pub response_content_types: Tally,
    /// Parameters, at most a named cap.
    pub parameters: Vec<ParameterSnapshot>,
    /// Exchanges whose parameters were looked at: of how many `seen` of each is a share.
    #[serde(default)]
    pub parameters_observed: u64,
    /// Schemas of its bodies, at most a named cap.
    #[serde(default)]
    pub schemas: PackedSchemas,
    /// Exchanges whose response was not looked at because many alike were: schemas and shares in
    /// them are of the others.
    #[serde(default)]
    pub bodies_passed: u64,
    /// Kinds of credentials that successful calls carried, and where.
    #[serde(default)]
    pub credentials: Vec<CredentialSnapshot>,
    /// Classes of personal or secret data in requests, with the number of exchanges.
    pub request_data_classes: Tally,
    /// Classes of personal or secret data in responses, with the number of exchanges.
    pub response_data_classes: Tally,
    /// The same with the number of values, by direction and class.
    #[serde(default)]
    pub data: Vec<schema::DataClassSnapshot>,
    /// Kinds of JSON Web Tokens that successful calls carried, at most a named cap.
    #[serde(default)]
    pub tokens: Vec<schema::TokenSnapshot>,
    /// Distinct consumers (estimate beyond a named cap).
    pub consumers: u64,
    /// The consumers with the most calls: (consumer, calls), descending, at most a named cap.
    pub top_consumers: Vec<(ConsumerId, u64)>,
    /// Servers (`address:port`) that answered, with how often, at most a named cap.
    pub servers: Tally,
    /// Protocols, with how often.
    pub protocols: Tally,
    /// Exchanges by completeness (`complete`, `gap`, `aborted`, `open`, `request_missing`,
    /// `response_missing`; `supposed` when both messages are whole and belong together by what most
    /// clients do).
    pub completeness: Tally,
    /// Exchanges by the feed (VLAN, virtual network) that brought them, at most a named cap.
    #[serde(default)]
    pub feeds: Tally,
    /// Exchanges that were seen on further legs behind a proxy, by leg (`client > server:port`), at
    /// most a named cap. They are counted once.
    #[serde(default)]
    pub vantage_points: Tally,
    /// Latency in nanoseconds.
    pub latency: HistogramSnapshot,
    /// Request content in bytes.
    pub request_size: HistogramSnapshot,
    /// Response content in bytes.
    pub response_size: HistogramSnapshot,
    /// The most recent minutes with traffic, ascending, at most a named cap.
    pub minutes: Vec<MinuteSnapshot>,
    /// What is derived from all this by policy.
    #[serde(default)]
    pub profile: Profile,
    /// Whatever else a restart needs to go on (baselines, sketches); opaque to readers.
    pub state: serde_json::Value,
}

/// Severity of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// For the record.
    Info,
    /// Low.
    Low,
    /// Medium.
    Medium,
    /// High.
    High,
    /// Critical.
    Critical,
}

/// Where a finding stands in people's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingStatus {
    /// Nobody has decided yet.
    Open,
    /// Somebody is on it.
    Acknowledged,
    /// Done with; opens again when it recurs.
    Resolved,
    /// Not a finding.
    FalsePositive,
    /// Known and accepted.
    AcceptedRisk,
}

/// One piece of evidence: a number or an exchange.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// Packet time it is about.
    pub time: Nanos,
    /// Id of the exchange, when it is one.
    pub exchange: Option<String>,
    /// What it shows, in one line; redacted.
    pub summary: String,
    /// Measured values by name (`observed`, `expected`, `threshold`, …).
    pub values: BTreeMap<String, f64>,
}

/// A decision on a finding, kept for the audit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatusChange {
    /// When (wall clock of the decision, nanoseconds since the Unix epoch).
    pub at: Nanos,
    /// From.
    pub from: FindingStatus,
    /// To.
    pub to: FindingStatus,
    /// Why; empty when nothing was said.
    pub comment: String,
}

/// A finding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FindingSnapshot {
    /// Its name.
    pub id: FindingId,
    /// Kind, in the vocabulary of findings (`shadow_endpoint`, …).
    pub kind: String,
    /// Severity.
    pub severity: Severity,
    /// The endpoint it is about.
    pub endpoint: Option<EndpointRef>,
    /// Client addresses involved, at most a named cap.
    pub actors: Vec<String>,
    /// Packet time of the first evidence.
    pub first_seen: Nanos,
    /// Packet time of the latest evidence.
    pub last_seen: Nanos,
    /// How often it was seen.
    pub occurrences: u64,
    /// One line.
    pub title: String,
    /// What it means, why it was raised, and what to do; a few sentences.
    pub explanation: String,
    /// OWASP API Security Top 10 2023 (`API9:2023`).
    pub owasp: Vec<String>,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Share of the relevant exchanges that was seen complete, 0 to 1.
    pub coverage: f64,
    /// Evidence, at most a named cap: the first and the latest.
    pub evidence: Vec<Evidence>,
    /// Where it stands.
    pub status: FindingStatus,
    /// Decisions, oldest first, at most a named cap.
    pub history: Vec<StatusChange>,
}

/// An endpoint named from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EndpointRef {
    /// Its name.
    pub id: EndpointId,
    /// Method.
    pub method: String,
    /// Host.
    pub host: String,
    /// Path template.
    pub template: String,
    /// The operation, where it is one of an endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationName>,
}

/// Somebody who calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ConsumerSnapshot {
    /// Its name.
    pub id: ConsumerId,
    /// What identifies it: `subject`, `certificate`, `credential`, `session`, `fingerprint`,
    /// `address`.
    pub identified_by: String,
    /// For people: scheme and short token (`jwt 3f2a…`), or the address.
    pub label: String,
    /// First call.
    pub first_seen: Nanos,
    /// Last call.
    pub last_seen: Nanos,
    /// Calls.
    pub requests: u64,
    /// Calls answered with 4xx.
    pub client_errors: u64,
    /// Client addresses, most recent last, at most a named cap.
    pub addresses: Vec<String>,
    /// Addresses it says to call for, which is not believed, most recent last, at most a named cap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub claimed_addresses: Vec<String>,
    /// Why the address is taken for a proxy, where it is: what it forwards is then counted as the
    /// forwarded address's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// What its software sends, as a token, where it is told apart by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<u64>,
    /// Products of its user agents, at most a named cap.
    pub user_agents: Vec<String>,
    /// Endpoints called most, descending, at most a named cap.
    pub endpoints: Vec<Called>,
}

/// An endpoint that a consumer calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "WrittenCalled")]
pub struct Called {
    /// The endpoint.
    pub endpoint: EndpointId,
    /// Calls of it.
    pub calls: u64,
    /// First of them; 0 where it is not known.
    pub first_seen: Nanos,
    /// Last of them; 0 where it is not known.
    pub last_seen: Nanos,
}

/// As stores have it, those of before times were kept as well.
#[derive(Deserialize)]
#[serde(untagged)]
enum WrittenCalled {
    Timed {
        endpoint: EndpointId,
        calls: u64,
        first_seen: Nanos,
        last_seen: Nanos,
    },
    Counted(EndpointId, u64),
}

impl From<WrittenCalled> for Called {
    fn from(written: WrittenCalled) -> Self {
        let (endpoint, calls, first_seen, last_seen) = match written {
            WrittenCalled::Timed {
                endpoint,
                calls,
                first_seen,
                last_seen,
            } => (endpoint, calls, first_seen, last_seen),
            WrittenCalled::Counted(endpoint, calls) => (endpoint, calls, 0, 0),
        };
        Self {
            endpoint,
            calls,
            first_seen,
            last_seen,
        }
    }
}

/// One host's partition: what template learning needs to go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HostSnapshot {
    /// The host.
    pub host: String,
    /// Exchanges.
    pub requests: u64,
    /// Exchanges whose two messages were seen complete.
    pub complete: u64,
    /// Exchanges held as candidates: paths not yet (or never) successful.
    pub candidates: u64,
    /// Where it is the row of several hosts, `{tenant}.api.example.com`: which, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenants: Option<tenants::TenantsSnapshot>,
    /// By what callers are told apart there, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<identity::IdentitySnapshot>,
    /// What was called and is no endpoint yet, by reason; it starts afresh with the process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<waiting::WaitingSnapshot>,
    /// Template trie; opaque to readers.
    pub state: serde_json::Value,
}

/// Key of `completeness` for exchanges of which only the number is known: seen before the endpoint
/// was, or saved as a counter only before the process was killed.
pub const UNRECORDED: &str = "unrecorded";

/// An endpoint's counters, where its snapshot waits for its turn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointCount {
    /// The endpoint.
    pub id: EndpointId,
    /// Exchanges.
    pub requests: u64,
    /// Last exchange.
    pub last_seen: Nanos,
}

/// What changed since the last call: what the store must save and readers must be shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// Endpoints that are new or changed.
    pub endpoints: Vec<EndpointSnapshot>,
    /// Counters of those that changed too, and whose snapshot waits for its turn.
    #[serde(default)]
    pub counts: Vec<EndpointCount>,
    /// Endpoints that were merged into another one: (gone, survivor).
    pub merged: Vec<(EndpointId, EndpointId)>,
    /// Endpoints that are no more (scanner noise found out later, a specification withdrawn).
    pub removed: Vec<EndpointId>,
    /// Hosts that changed.
    pub hosts: Vec<HostSnapshot>,
    /// Hosts that have no row of their own any more.
    #[serde(default)]
    pub removed_hosts: Vec<String>,
    /// Findings that are new or changed.
    pub findings: Vec<FindingSnapshot>,
    /// Consumers that are new or changed.
    pub consumers: Vec<ConsumerSnapshot>,
    /// Packet time of the latest record.
    pub now: Nanos,
    /// Whether something is in it that must not be lost (a new endpoint, a finding): save now.
    pub urgent: bool,
}

impl Lifecycle {
    /// All of them with their names in outputs, in order of precedence.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Zombie, "zombie"),
        (Self::Shadow, "shadow"),
        (Self::Orphan, "orphan"),
        (Self::Dormant, "dormant"),
        (Self::Drifted, "drifted"),
        (Self::New, "new"),
        (Self::Documented, "documented"),
        (Self::Unowned, "unowned"),
        (Self::Unclassified, "unclassified"),
    ];

    /// Its name in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        let named = Self::ALL.iter().find(|(label, _)| *label == self);
        named.map_or("unclassified", |(_, name)| name)
    }
}

impl Changes {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.endpoints.is_empty()
            && self.counts.is_empty()
            && self.merged.is_empty()
            && self.removed.is_empty()
            && self.hosts.is_empty()
            && self.removed_hosts.is_empty()
            && self.findings.is_empty()
            && self.consumers.is_empty()
    }
}
