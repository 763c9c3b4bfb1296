//! Endpoints.

use std::collections::BTreeMap;

use serde::Serialize;
use tapscope_analyzer::inventory::share;
use tapscope_analyzer::snapshot::{self, Choices, EndpointRef, Facts, ParameterSnapshot};
use utoipa::ToSchema;

use super::coverage::Coverage;
use super::finding::FindingSummary;
use super::id::Id;
use super::measure::{Histogram, Minute};
use super::profile::{
    Exposure, Label, LabelChange, OtherVersion, Owner, RiskFactor, Tag, Transport,
};
use super::schema::{CredentialUse, DataClassUse, MessageSchema, TokenUse};
use super::specification::DriftView;
use super::time::Time;

/// Where an endpoint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
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

impl Lifecycle {
    /// All of them, in order of precedence, with the name the API gives each: those of the
    /// analyzer.
    pub const ALL: [(Self, &'static str); snapshot::Lifecycle::ALL.len()] = {
        let mut all = [(Self::Unclassified, ""); snapshot::Lifecycle::ALL.len()];
        let mut at = 0;
        while at < all.len() {
            let (label, name) = snapshot::Lifecycle::ALL[at];
            all[at] = (Self::of(label), name);
            at += 1;
        }
        all
    };

    const fn of(label: snapshot::Lifecycle) -> Self {
        match label {
            snapshot::Lifecycle::Zombie => Self::Zombie,
            snapshot::Lifecycle::Shadow => Self::Shadow,
            snapshot::Lifecycle::Orphan => Self::Orphan,
            snapshot::Lifecycle::Dormant => Self::Dormant,
            snapshot::Lifecycle::Drifted => Self::Drifted,
            snapshot::Lifecycle::New => Self::New,
            snapshot::Lifecycle::Documented => Self::Documented,
            snapshot::Lifecycle::Unowned => Self::Unowned,
            // `Unclassified`, and what a newer analyzer may add: nothing can be said of it here.
            _ => Self::Unclassified,
        }
    }

    /// The label of that name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(label, _)| *label)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(label, _)| *label == self)
            .map_or("unclassified", |(_, name)| name)
    }
}

impl From<snapshot::Lifecycle> for Lifecycle {
    fn from(label: snapshot::Lifecycle) -> Self {
        Self::of(label)
    }
}

/// What a request asks for where method and path do not say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ApiOperation {
    /// `graphql`, `json_rpc`, `mcp`, `soap`, `grpc` or `grpc_web`.
    pub style: String,
    /// `query`, `mutation`, `call`, `tool`, …; empty for operations beyond the cap.
    pub kind: String,
    /// Its name; its fields in braces for a GraphQL operation without one.
    pub name: String,
}

impl From<&snapshot::OperationName> for ApiOperation {
    fn from(name: &snapshot::OperationName) -> Self {
        Self {
            style: name.style.clone(),
            kind: name.kind.clone(),
            name: name.name.clone(),
        }
    }
}

/// An endpoint named from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointName {
    /// Its id.
    pub id: Id,
    /// Method.
    pub method: String,
    /// Host.
    pub host: String,
    /// Path template.
    pub template: String,
    /// The operation, where it is one of an endpoint; null for an endpoint whose path says all.
    #[schema(required = true)]
    pub operation: Option<ApiOperation>,
}

impl From<&EndpointRef> for EndpointName {
    fn from(reference: &EndpointRef) -> Self {
        Self {
            id: Id(reference.id.0),
            method: reference.method.clone(),
            host: reference.host.clone(),
            template: reference.template.clone(),
            operation: reference.operation.as_ref().map(Into::into),
        }
    }
}

/// An endpoint as a row of the inventory.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndpointSummary {
    /// Its id; stays the same when its template changes.
    pub id: Id,
    /// Method.
    pub method: String,
    /// Host.
    pub host: String,
    /// Path template in OpenAPI's form (`/users/{id}`).
    pub template: String,
    /// The operation this row is about; null for an endpoint whose path says all.
    #[schema(required = true)]
    pub operation: Option<ApiOperation>,
    /// Of an operation's row: the endpoint that carries it, among whose exchanges these are; null
    /// for an endpoint.
    #[schema(required = true)]
    pub transport: Option<Id>,
    /// How sure the template is, 0 to 1.
    pub template_confidence: f64,
    /// Where it stands.
    pub lifecycle: Lifecycle,
    /// Why, in one sentence.
    pub lifecycle_reason: String,
    /// All labels that hold, the weightiest first.
    pub labels: Vec<Lifecycle>,
    /// How much is at stake, 0 to 100: the sum of the factors that the endpoint's details name.
    pub risk: f64,
    /// Who is responsible, by the owner rules; null when none names one.
    #[schema(required = true)]
    pub owner: Option<String>,
    /// What it seems to be for, surest first.
    pub tags: Vec<String>,
    /// From where it is called: `external`, `partner`, `internal` or `unknown`.
    pub exposure: String,
    /// How its messages travel: `cleartext`, `tls_offload`, `mixed` or `unknown`.
    pub transport_security: String,
    /// First exchange; null when it was never seen in traffic.
    #[schema(required = true)]
    pub first_seen: Option<Time>,
    /// Last exchange; null when it was never seen in traffic.
    #[schema(required = true)]
    pub last_seen: Option<Time>,
    /// Exchanges.
    pub requests: u64,
    /// Share of the answered exchanges with a status of 400 or more; null when none was answered.
    #[schema(required = true)]
    pub error_share: Option<f64>,
    /// How its successful calls authenticate: the scheme of at least nine in ten, `none` when
    /// they carry no credential, `mixed` when no scheme dominates, `unknown` when no call
    /// succeeded.
    pub authentication: String,
    /// Distinct consumers.
    pub consumers: u64,
    /// Classes of personal or secret data in its requests or responses.
    pub data_classes: Vec<String>,
    /// Median latency in milliseconds; null when none was measured.
    #[schema(required = true)]
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile of the latency in milliseconds; null when none was measured.
    #[schema(required = true)]
    pub latency_p99_ms: Option<f64>,
    /// Findings about it whose status is `open`.
    pub open_findings: u64,
}

/// What is known of an endpoint's standing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndpointFacts {
    /// Whether a specification covers the host and base path.
    pub covered_by_specification: bool,
    /// Names of the specifications that describe it.
    pub documented_in: Vec<String>,
    /// The template the specification gives it.
    #[schema(required = true)]
    pub documented_template: Option<String>,
    /// Whether the specification calls it deprecated.
    pub deprecated: bool,
    /// Whether an older revision of the specification had it and the current one does not.
    pub removed: bool,
    /// Whether a Deprecation header (RFC 9745) was seen.
    pub deprecation_sent: bool,
    /// The date of the Deprecation header; null when none was sent or readable.
    #[schema(required = true)]
    pub deprecation_date: Option<Time>,
    /// Whether a Sunset header (RFC 8594) was seen.
    pub sunset_sent: bool,
    /// The date of the Sunset header; null when none was sent or readable.
    #[schema(required = true)]
    pub sunset_date: Option<Time>,
    /// Of what was removed: the specification whose older revision had it.
    #[schema(required = true)]
    pub removed_from: Option<String>,
    /// A newer version of it that answers calls: method and template.
    #[schema(required = true)]
    pub superseded_by: Option<String>,
    /// When that version was first seen.
    #[schema(required = true)]
    pub superseded_since: Option<Time>,
}

impl From<&Facts> for EndpointFacts {
    fn from(facts: &Facts) -> Self {
        Self {
            covered_by_specification: facts.covered_by_specification,
            documented_in: facts.documented_in.clone(),
            documented_template: facts.documented_template.clone(),
            deprecated: facts.deprecated,
            removed: facts.removed,
            deprecation_sent: facts.deprecation_header.is_some(),
            deprecation_date: facts.deprecation_header.and_then(Time::of_seconds),
            sunset_sent: facts.sunset_header.is_some(),
            sunset_date: facts.sunset_header.and_then(Time::of_seconds),
            removed_from: facts.removed_from.clone(),
            superseded_by: facts.superseded_by.clone(),
            superseded_since: Time::known(facts.superseded_since),
        }
    }
}

/// One parameter of an endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Parameter {
    /// `path`, `matrix` (in a segment of the path: `;color=red`, RFC 3986 section 3.3), `query`,
    /// `header`, `cookie` or `body` (fields of requests' bodies).
    pub location: String,
    /// Its name.
    pub name: String,
    /// Types seen, with how often.
    pub types: BTreeMap<String, u64>,
    /// Format of its values where they are texts that nearly all have one: `ulid`, `semver`,
    /// `locale`, `prefixed_id`, `base64`, `slug`; of parameters of the path only.
    #[schema(required = true)]
    pub format: Option<String>,
    /// Classes of personal or secret data seen, with how often.
    pub classes: BTreeMap<String, u64>,
    /// Exchanges that carried it.
    pub seen: u64,
    /// Share of the exchanges that were not refused and carried it.
    #[schema(required = true)]
    pub present_share: Option<f64>,
    /// Exchanges that carried it more than once.
    pub repeated: u64,
    /// Different values (an estimate from 16 on); null where only names are seen.
    #[schema(required = true)]
    pub distinct: Option<u64>,
    /// Values that are words of the sensor's own list of choices, with how often; no others are
    /// kept.
    pub words: BTreeMap<String, u64>,
    /// All the values it takes, where these are a few words or whole numbers that come again and
    /// again and are nobody's; empty otherwise.
    pub choices: Vec<String>,
    /// Length in characters of the shortest value; null where only names are seen, and where values
    /// are personal or secret.
    #[schema(required = true)]
    pub length_min: Option<u32>,
    /// Length in characters of the longest value; null where `length_min` is.
    #[schema(required = true)]
    pub length_max: Option<u32>,
    /// No value is less; null where values are not all numbers, are personal or secret, name things
    /// or are few. Whole numbers below 10,000 exactly, others to two digits.
    #[schema(required = true)]
    pub number_min: Option<f64>,
    /// No value is more; null where `number_min` is.
    #[schema(required = true)]
    pub number_max: Option<f64>,
}

impl Parameter {
    /// A parameter, with its share of the `observed` exchanges.
    #[must_use]
    pub fn of(snapshot: &ParameterSnapshot, observed: u64) -> Self {
        let (lengths, range) = (snapshot.length_range(), snapshot.range());
        Self {
            location: snapshot.location.clone(),
            name: snapshot.name.clone(),
            types: snapshot.types.to_map(),
            format: snapshot.format().map(str::to_owned),
            classes: snapshot.classes.to_map(),
            seen: snapshot.seen,
            present_share: (observed > 0 && snapshot.location != "body")
                .then(|| share(snapshot.seen, observed).min(1.0)),
            repeated: snapshot.repeated,
            distinct: snapshot.lengths.map(|_| snapshot.distinct),
            words: snapshot.words.to_map(),
            choices: match snapshot.choices() {
                Some(Choices::Words(words)) => words,
                Some(Choices::Numbers(numbers)) => numbers.iter().map(f64::to_string).collect(),
                None => Vec::new(),
            },
            length_min: lengths.map(|(least, _)| least),
            length_max: lengths.map(|(_, most)| most),
            number_min: range.map(|range| range.least),
            number_max: range.map(|range| range.most),
        }
    }
}

/// A consumer of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct EndpointConsumer {
    /// Its id.
    pub id: Id,
    /// Its label; null when it is no longer kept.
    #[schema(required = true)]
    pub label: Option<String>,
    /// Calls of this endpoint.
    pub requests: u64,
}

/// Everything about one endpoint.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct EndpointDetail {
    /// The row of the inventory.
    #[serde(flatten)]
    pub summary: EndpointSummary,
    /// The id asked for, when that endpoint was merged into this one.
    #[schema(required = true)]
    pub merged_from: Option<Id>,
    /// Paths the template was drawn from (redacted).
    pub examples: Vec<String>,
    /// What its lifecycle was derived from.
    pub facts: EndpointFacts,
    /// Why each of its labels holds.
    pub label_reasons: Vec<Label>,
    /// Labels that came and went, oldest first.
    pub label_changes: Vec<LabelChange>,
    /// How its traffic differs from the specification that describes it.
    pub drift: Vec<DriftView>,
    /// The owner with the rule that says so; null when none does.
    #[schema(required = true)]
    pub owned_by: Option<Owner>,
    /// What it seems to be for, with the signs for it.
    pub purposes: Vec<Tag>,
    /// From where it is called, and why that is said.
    pub exposed: Exposure,
    /// How its messages travel, and why that is said.
    pub transported: Transport,
    /// Its own version, as its path writes it; null when it writes none.
    #[schema(required = true)]
    pub version: Option<String>,
    /// Other versions of it, oldest first.
    pub versions: Vec<OtherVersion>,
    /// What makes up its risk: all factors, those that add most first.
    pub risk_factors: Vec<RiskFactor>,
    /// Exchanges by status; `unseen` where the response was not seen.
    pub statuses: BTreeMap<String, u64>,
    /// Exchanges by how the call was authenticated.
    pub authentication_counts: BTreeMap<String, u64>,
    /// The same for successful (2xx, 3xx) exchanges only.
    pub authentication_successful: BTreeMap<String, u64>,
    /// Media types of requests.
    pub request_content_types: BTreeMap<String, u64>,
    /// Media types of responses.
    pub response_content_types: BTreeMap<String, u64>,
    /// Parameters.
    pub parameters: Vec<Parameter>,
    /// What its bodies look like: requests first, then responses by status; by media type.
    pub schemas: Vec<MessageSchema>,
    /// Kinds of credentials that successful calls carried, and where.
    pub credentials: Vec<CredentialUse>,
    /// Kinds of JSON Web Tokens that successful calls carried.
    pub tokens: Vec<TokenUse>,
    /// Classes of personal or secret data, by direction: how many values, how sure, which rules.
    pub data: Vec<DataClassUse>,
    /// Classes of personal or secret data in requests, with the number of exchanges.
    pub request_data_classes: BTreeMap<String, u64>,
    /// Classes of personal or secret data in responses, with the number of exchanges.
    pub response_data_classes: BTreeMap<String, u64>,
    /// The consumers with the most calls, descending.
    pub top_consumers: Vec<EndpointConsumer>,
    /// Servers (`address:port`) that answered, with how often.
    pub servers: BTreeMap<String, u64>,
    /// Protocols, with how often.
    pub protocols: BTreeMap<String, u64>,
    /// Exchanges by completeness.
    pub completeness: BTreeMap<String, u64>,
    /// How much of its traffic was seen.
    pub coverage: Coverage,
    /// Exchanges that were seen on further legs behind a proxy, by leg; each is counted once.
    pub vantage_points: BTreeMap<String, u64>,
    /// Latency in milliseconds.
    pub latency: Histogram,
    /// Request content in bytes.
    pub request_size: Histogram,
    /// Response content in bytes.
    pub response_size: Histogram,
    /// The most recent minutes with traffic, ascending.
    pub minutes: Vec<Minute>,
    /// Findings about it, most recent first.
    pub findings: Vec<FindingSummary>,
}

/// An endpoint's minutes over a span of time.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct History {
    /// Minutes with traffic, ascending.
    pub minutes: Vec<Minute>,
    /// Whether there were more minutes than one answer holds; ask again from the last one on.
    pub truncated: bool,
}
