//! Anomaly: what departs. A detector sees one scene (the record, its endpoint, its host, its
//! consumer, the baseline's answer) and may say that something is odd; what becomes of it is
//! decided in one place, `crate::finding`. A new detector is a file here and a line in `ALL`.

/// Endpoints that no specification describes.
mod shadow_endpoint;

/// Retired endpoints that still answer.
mod zombie_endpoint;

/// Endpoints that came up after the host was known.
mod new_endpoint;

/// Calls without credentials where there should be some.
mod missing_authentication;

/// More calls than usual.
mod volume_anomaly;

/// More errors than usual.
mod error_anomaly;

/// Slower than usual.
mod latency_anomaly;

/// What the sensor found noteworthy about one exchange.
mod record_signal;

use core::net::IpAddr;

use crate::baseline::Answer;
use crate::inventory::entry::Entry;
use crate::inventory::partition::Totals;
use crate::settings::{AnalyzerSettings, DetectorSettings};
use crate::snapshot::Severity;
use tapscope_record::ExchangeRecord;

/// What a detector sees.
#[derive(Clone, Copy, Debug)]
pub struct Scene<'a> {
    /// The exchange.
    pub record: &'a ExchangeRecord,
    /// Its client.
    pub client: IpAddr,
    /// Its endpoint, this exchange taken in; none for what is no endpoint (yet).
    pub entry: Option<&'a Entry>,
    /// Its host, this exchange taken in.
    pub host: Totals,
    /// What the endpoint's baseline says.
    pub answer: &'a Answer,
    /// All settings.
    pub settings: &'a AnalyzerSettings,
}

impl Scene<'_> {
    /// The detectors' settings.
    #[must_use]
    pub fn odd(&self) -> &DetectorSettings {
        &self.settings.detectors
    }
}

/// Something odd.
#[derive(Clone, Debug, PartialEq)]
pub struct Anomaly {
    /// How bad it is.
    pub severity: Severity,
    /// How sure, 0 to 1.
    pub confidence: f64,
    /// Measured values by name.
    pub values: Vec<(&'static str, f64)>,
    /// Clients that are behind it; empty when the exchange's own is.
    pub actors: Vec<IpAddr>,
    /// Which of the detector's cases it is, for the words.
    pub case: &'static str,
}

impl Anomaly {
    /// One without values.
    #[must_use]
    pub fn new(severity: Severity, confidence: f64, case: &'static str) -> Self {
        Self {
            severity,
            confidence,
            values: Vec::new(),
            actors: Vec::new(),
            case,
        }
    }

    /// A value by name; 0 when it has none of it.
    #[must_use]
    pub fn value(&self, name: &str) -> f64 {
        let found = self.values.iter().find(|(n, _)| *n == name);
        found.map_or(0.0, |(_, value)| *value)
    }
}

/// The words of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    /// One line.
    pub title: String,
    /// What it means, why it was raised, what to do.
    pub explanation: String,
    /// One line of evidence.
    pub evidence: String,
}

/// What a detector's verdict rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// On what one exchange showed: loss can hide it, but not make it up.
    Seen,
    /// On how often, how fast or since when things are seen: loss that comes or goes looks the
    /// same.
    Counted,
}

/// Tells one kind of anomaly. Detectors hold nothing: what they need to remember is the entry's
/// and the baseline's.
pub trait Detector: Sync {
    /// The kind, in the vocabulary of findings.
    fn kind(&self) -> &'static str;

    /// OWASP API Security Top 10 2023.
    fn owasp(&self) -> &'static [&'static str];

    /// One sentence for the exchange log.
    fn detail(&self) -> &'static str;

    /// Whether it looks at the operation that a request asks for, where there is one, rather than
    /// at the endpoint that carries it: what specifications say is of endpoints, how often and by
    /// whom something is called is of operations.
    fn of_operation(&self) -> bool {
        true
    }

    /// What it rests on, and so what loss can do to it.
    fn basis(&self) -> Basis {
        Basis::Seen
    }

    /// Whether something is odd. Called on every exchange: cheap tests first.
    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly>;

    /// The words; called only when they are shown.
    fn words(&self, scene: &Scene<'_>, anomaly: &Anomaly) -> Words;
}

/// All detectors, in the order in which they look.
pub const ALL: [&dyn Detector; 14] = [
    &shadow_endpoint::ShadowEndpoint,
    &zombie_endpoint::ZombieEndpoint,
    &new_endpoint::NewEndpoint,
    &missing_authentication::MissingAuthentication,
    &volume_anomaly::VolumeAnomaly,
    &error_anomaly::ErrorAnomaly,
    &latency_anomaly::LatencyAnomaly,
    &record_signal::CREDENTIAL_IN_URL,
    &record_signal::REQUEST_SMUGGLING,
    &record_signal::WEAK_JWT,
    &record_signal::GRAPHQL_INTROSPECTION,
    &record_signal::HTTP2_FLOOD,
    &record_signal::GRAPHQL_DEPTH,
    &record_signal::GRAPHQL_BATCHING,
];

/// `GET shop.example/carts/{id}`, for titles.
fn name(scene: &Scene<'_>) -> String {
    match scene.entry {
        Some(entry) => {
            let at = &entry.at;
            let operation = at.operation.as_ref();
            let operation = operation.map(|o| format!(" {} {}", o.kind, o.name));
            let operation = operation.unwrap_or_default();
            format!("{} {}{}{operation}", at.method, at.host, at.template)
        }
        None => scene.record.host.to_string(),
    }
}

/// The exchange in a few words, for evidence.
fn exchange(scene: &Scene<'_>) -> String {
    let status = scene
        .record
        .status
        .map_or("no response seen".to_owned(), |s| s.to_string());
    format!("{} from {}, answered {status}", name(scene), scene.client)
}

/// A share as per cent, for words.
fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}
