//! An endpoint answers more slowly than it usually does.

use super::volume_anomaly::anomaly;
use super::{Anomaly, Basis, Detector, Scene, Words, name};
use crate::snapshot::Severity;

/// Nanoseconds of a millisecond.
const MILLISECOND: f64 = 1e6;

pub(super) struct LatencyAnomaly;

impl Detector for LatencyAnomaly {
    fn kind(&self) -> &'static str {
        "latency_anomaly"
    }

    fn owasp(&self) -> &'static [&'static str] {
        &[]
    }

    fn detail(&self) -> &'static str {
        "The endpoint answers more slowly than usual."
    }

    fn basis(&self) -> Basis {
        Basis::Counted
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let departure = scene.answer.latency.as_ref()?;
        // Loss delays what is seen of a response; verdicts that it could fake wait.
        if scene.entry?.coverage() < scene.odd().min_coverage {
            return None;
        }
        let times = departure.observed / departure.expected.max(1.0);
        let severity = if times >= 10.0 {
            Severity::Medium
        } else {
            Severity::Low
        };
        let mut found = anomaly(departure, severity, "latency");
        for (name, value) in &mut found.values {
            if matches!(*name, "observed" | "expected" | "threshold") {
                *value /= MILLISECOND;
            }
        }
        Some(found)
    }

    fn words(&self, scene: &Scene<'_>, anomaly: &Anomaly) -> Words {
        let evidence = format!(
            "the latest calls took {:.0} ms (median) where {:.0} ms are usual (threshold {:.0} ms)",
            anomaly.value("observed"),
            anomaly.value("expected"),
            anomaly.value("threshold"),
        );
        Words {
            title: format!("Unusually slow answers from {}", name(scene)),
            explanation: format!(
                "For this endpoint, {evidence}. The cause can be load, a slow dependency, a \
                 faulty release, or calls that are made to be expensive. Compare with the \
                 endpoint's volume and with its neighbours."
            ),
            evidence,
        }
    }
}
