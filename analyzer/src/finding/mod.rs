//! Finding: what a person should see. The one place that turns anomalies into findings and owns
//! their identity, their evidence and what people decided on them.

mod decide;

use std::collections::{BTreeMap, BTreeSet};

use crate::anomaly::{Anomaly, Detector, Scene};
use crate::inventory::hash::hash;
use crate::settings::FindingSettings;
use crate::snapshot::{
    EndpointId, EndpointRef, Evidence, FindingId, FindingSnapshot, FindingStatus,
};

/// What a finding is about: anomalies of one kind on one endpoint (or host, where there is no
/// endpoint) are one finding.
type Key = (String, u64);

/// All findings.
#[derive(Debug, Default)]
pub struct FindingBook {
    findings: BTreeMap<FindingId, FindingSnapshot>,
    by_key: BTreeMap<Key, FindingId>,
    changed: BTreeSet<FindingId>,
    urgent: bool,
    evicted: u64,
    refused: u64,
}

impl FindingBook {
    /// Goes on from plain data.
    #[must_use]
    pub fn restore(findings: Vec<FindingSnapshot>) -> Self {
        let mut new = Self::default();
        for finding in findings {
            let about = match &finding.endpoint {
                Some(endpoint) => endpoint.id.0,
                // The name of a finding without endpoint is made of its key.
                None => finding.id.0,
            };
            // Of two findings that a merge of endpoints brought together, the open one goes on.
            let key = (finding.kind.clone(), about);
            if !decide::closed(finding.status) || !new.by_key.contains_key(&key) {
                new.by_key.insert(key, finding.id);
            }
            new.findings.insert(finding.id, finding);
        }
        new
    }

    /// Takes an anomaly in: a new finding, or another occurrence of a known one.
    pub fn join(&mut self, detector: &dyn Detector, scene: &Scene<'_>, anomaly: &Anomaly) {
        let settings = &scene.settings.findings;
        let (key, fresh) = identity(detector.kind(), scene);
        let id = self.by_key.get(&key).copied().unwrap_or(fresh);
        if !self.findings.contains_key(&id) {
            if !self.make_room(settings) {
                self.refused = self.refused.saturating_add(1);
                return;
            }
            self.by_key.insert(key, id);
            self.findings.insert(id, create(id, detector, scene));
            self.urgent = true;
        }
        let Some(finding) = self.findings.get_mut(&id) else {
            return;
        };
        self.changed.insert(id);
        if occur(finding, detector, scene, anomaly, settings) {
            self.urgent = true;
        }
    }

    /// Two endpoints proved to be one: findings of the one that is gone go on with the other.
    pub fn merge_endpoints(&mut self, gone: EndpointId, survivor: &EndpointRef) {
        let moved: Vec<FindingId> = self
            .findings
            .values()
            .filter(|f| f.endpoint.as_ref().is_some_and(|e| e.id == gone))
            .map(|f| f.id)
            .collect();
        for id in moved {
            let Some(finding) = self.findings.get_mut(&id) else {
                continue;
            };
            finding.endpoint = Some(survivor.clone());
            self.changed.insert(id);
            self.by_key.remove(&(finding.kind.clone(), gone.0));
            let key = (finding.kind.clone(), survivor.id.0);
            if let Some(other) = self.by_key.get(&key).copied() {
                decide::unite(&mut self.findings, id, other);
                self.changed.insert(other);
            } else {
                self.by_key.insert(key, id);
            }
        }
    }

    /// The endpoint's template changed: findings show the new one.
    pub fn rename_endpoint(&mut self, endpoint: &EndpointRef) {
        for finding in self.findings.values_mut() {
            if let Some(old) = &finding.endpoint
                && old.id == endpoint.id
                && old != endpoint
            {
                finding.endpoint = Some(endpoint.clone());
                self.changed.insert(finding.id);
            }
        }
    }

    /// Number of findings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.findings.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// Findings let go for others, and findings for which there was no place.
    #[must_use]
    pub fn lost(&self) -> (u64, u64) {
        (self.evicted, self.refused)
    }

    /// Whether a finding is new or open again since the changes were taken.
    #[must_use]
    pub fn is_urgent(&self) -> bool {
        self.urgent
    }

    /// What changed since the last call, by name; true when a finding is new or open again.
    pub fn take_changes(&mut self) -> (Vec<FindingSnapshot>, bool) {
        let changed = core::mem::take(&mut self.changed);
        let findings = changed
            .iter()
            .filter_map(|id| self.findings.get(id).cloned())
            .collect();
        (findings, core::mem::take(&mut self.urgent))
    }

    /// Lets one go when all places are taken: closed before open, then the least severe, then the
    /// oldest. False when there is none to let go.
    fn make_room(&mut self, settings: &FindingSettings) -> bool {
        if self.findings.len() < settings.max_findings {
            return true;
        }
        let least = self
            .findings
            .values()
            .min_by_key(|f| (!decide::closed(f.status), f.severity, f.last_seen, f.id))
            .map(|f| f.id);
        let Some(id) = least else {
            return false;
        };
        self.findings.remove(&id);
        self.by_key.retain(|_, known| *known != id);
        self.changed.remove(&id);
        self.evicted = self.evicted.saturating_add(1);
        true
    }
}

/// What an anomaly is about, and the name of a finding about it.
fn identity(kind: &str, scene: &Scene<'_>) -> (Key, FindingId) {
    match scene.entry {
        Some(entry) => {
            let id = entry.at.id.0;
            let parts: [&[u8]; 3] = [b"finding", kind.as_bytes(), &id.to_be_bytes()];
            ((kind.to_owned(), id), FindingId(hash(&parts)))
        }
        None => {
            let host = scene.record.host.as_bytes();
            let id = hash(&[b"finding", kind.as_bytes(), b"host", host]);
            ((kind.to_owned(), id), FindingId(id))
        }
    }
}

fn create(id: FindingId, detector: &dyn Detector, scene: &Scene<'_>) -> FindingSnapshot {
    FindingSnapshot {
        id,
        kind: detector.kind().to_owned(),
        severity: crate::snapshot::Severity::Info,
        endpoint: scene.entry.map(|entry| entry.at.clone()),
        actors: Vec::new(),
        first_seen: scene.record.time,
        last_seen: scene.record.time,
        occurrences: 0,
        title: String::new(),
        explanation: String::new(),
        owasp: detector.owasp().iter().map(|&s| s.to_owned()).collect(),
        confidence: 0.0,
        coverage: 0.0,
        evidence: Vec::new(),
        status: FindingStatus::Open,
        history: Vec::new(),
    }
}

/// Adds an occurrence; true when the finding is new or opened again.
fn occur(
    finding: &mut FindingSnapshot,
    detector: &dyn Detector,
    scene: &Scene<'_>,
    anomaly: &Anomaly,
    settings: &FindingSettings,
) -> bool {
    let time = scene.record.time;
    let new = finding.occurrences == 0;
    let reopened = decide::reopen(finding, time, settings);
    finding.occurrences = finding.occurrences.saturating_add(1);
    finding.first_seen = finding.first_seen.min(time);
    finding.last_seen = finding.last_seen.max(time);
    name_actors(finding, scene, anomaly, settings);
    finding.coverage = match scene.entry {
        Some(entry) => entry.coverage(),
        None => crate::inventory::share(scene.host.complete, scene.host.requests),
    };
    let factor = decide::coverage_factor(detector.basis(), finding.coverage);
    finding.confidence = finding.confidence.max(anomaly.confidence * factor);
    let latest = finding.evidence.last().map_or(i64::MIN, |e| e.time);
    let worse = anomaly.severity > finding.severity;
    let due = time.saturating_sub(latest) >= settings.evidence_interval;
    if new || reopened || worse || due {
        let words = detector.words(scene, anomaly);
        if new || worse || anomaly.severity == finding.severity {
            finding.title = words.title;
            finding.explanation = words.explanation;
        }
        finding.severity = finding.severity.max(anomaly.severity);
        let values = anomaly.values.iter();
        finding.evidence.push(Evidence {
            time,
            exchange: Some(scene.record.id.to_string()),
            summary: words.evidence,
            values: values
                .map(|(name, value)| ((*name).to_owned(), *value))
                .collect(),
        });
        if finding.evidence.len() > settings.first_evidence + settings.latest_evidence {
            finding.evidence.remove(settings.first_evidence);
        }
    }
    new || reopened
}

fn name_actors(
    finding: &mut FindingSnapshot,
    scene: &Scene<'_>,
    anomaly: &Anomaly,
    settings: &FindingSettings,
) {
    let own = [scene.client];
    let actors = if anomaly.actors.is_empty() {
        &own[..]
    } else {
        &anomaly.actors
    };
    for actor in actors {
        let actor = actor.to_string();
        if finding.actors.len() < settings.max_actors && !finding.actors.contains(&actor) {
            finding.actors.push(actor);
        }
    }
}
