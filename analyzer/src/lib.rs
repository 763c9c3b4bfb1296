//! The analyzer: redacted records in, inventory and findings out. Pure and single-writer.
//!
//! The data's way: [`endpoint`] (which endpoint is this?) → [`inventory`] (what do we know of
//! it?) → [`baseline`] (what is usual?) → [`anomaly`] (what departs?) → [`finding`] (what should
//! a person see?). [`snapshot`] is all of it as plain data, for the store and the readers.

/// Record → endpoint: template learning per host.
pub mod endpoint;

/// Endpoint → inventory entry: facts, lifecycle, specifications, consumers.
pub mod inventory;

/// Inventory entry → baseline: what is usual.
pub mod baseline;

/// Baseline × what happens now → anomaly: one file a detector.
pub mod anomaly;

/// Anomaly → finding: deduplication, severity, lifecycle.
pub mod finding;

/// The state as plain data.
pub mod snapshot;

mod settings;

pub use settings::AnalyzerSettings;

use inventory::specification::Specification;
use snapshot::{
    Changes, ConsumerId, ConsumerSnapshot, EndpointRef, EndpointSnapshot, FindingId,
    FindingSnapshot, FindingStatus, HostSnapshot, Nanos,
};
use tapscope_record::ExchangeRecord;

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
    pub signals: Vec<tapscope_record::Signal>,
}

/// State to start from.
#[derive(Clone, Debug, Default)]
pub struct Restored {
    /// Endpoints.
    pub endpoints: Vec<EndpointSnapshot>,
    /// Merged endpoints: (gone, survivor).
    pub merged: Vec<(snapshot::EndpointId, snapshot::EndpointId)>,
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
pub struct Analyzer {
    #[expect(dead_code)]
    settings: AnalyzerSettings,
}

impl Analyzer {
    /// An analyzer that starts from `restored` (empty for a new store).
    #[must_use]
    pub fn new(settings: AnalyzerSettings, _restored: Restored) -> Self {
        Self { settings }
    }

    /// B: takes one record. Records come in about time order; one that is late is used and
    /// counted.
    pub fn handle_record(&mut self, _record: &ExchangeRecord) -> Observation {
        unimplemented!()
    }

    /// B: tells that time has come to `now` though nothing may have happened; closes windows.
    pub fn handle_time(&mut self, _now: Nanos) {}

    /// C: the specifications that hold from now on, in order of precedence (all versions kept).
    pub fn set_specifications(&mut self, _specifications: Vec<Specification>) {}

    /// C: a person's decision on a finding, at wall-clock time `at`.
    ///
    /// # Errors
    /// When there is no such finding.
    pub fn set_finding_status(
        &mut self,
        _id: FindingId,
        _status: FindingStatus,
        _comment: &str,
        _at: Nanos,
    ) -> Result<(), UnknownFinding> {
        Err(UnknownFinding)
    }

    /// D: what changed since the last call.
    pub fn take_changes(&mut self) -> Changes {
        Changes::default()
    }
}
