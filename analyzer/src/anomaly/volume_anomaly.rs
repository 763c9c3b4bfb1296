//! An endpoint gets more calls in a window than its past explains.

use super::{Anomaly, Basis, Detector, Scene, Words, name};
use crate::baseline::Departure;
use crate::snapshot::Severity;

pub(super) struct VolumeAnomaly;

impl Detector for VolumeAnomaly {
    fn kind(&self) -> &'static str {
        "volume_anomaly"
    }

    fn owasp(&self) -> &'static [&'static str] {
        &["API4:2023"]
    }

    fn detail(&self) -> &'static str {
        "The endpoint gets more calls than usual."
    }

    fn basis(&self) -> Basis {
        Basis::Counted
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let departure = scene.answer.volume.as_ref()?;
        let times = departure.observed / departure.expected.max(1.0);
        let severity = if times >= 10.0 {
            Severity::High
        } else {
            Severity::Medium
        };
        Some(anomaly(departure, severity, "volume"))
    }

    fn words(&self, scene: &Scene<'_>, anomaly: &Anomaly) -> Words {
        let evidence = format!(
            "{:.0} calls within {:.0} s where {:.1} are usual (threshold {:.0})",
            anomaly.value("observed"),
            anomaly.value("window_s"),
            anomaly.value("expected"),
            anomaly.value("threshold"),
        );
        Words {
            title: format!("Unusual number of calls to {}", name(scene)),
            explanation: format!(
                "{evidence}. The expectation is the median of {:.0} earlier windows. A rush of \
                 calls can be a campaign or a faulty client, or somebody who harvests data or \
                 tries out credentials. Look at the clients named here, and limit their rate \
                 where that is not theirs to have.",
                anomaly.value("windows")
            ),
            evidence,
        }
    }
}

/// An anomaly from a departure of the baseline.
pub(super) fn anomaly(departure: &Departure, severity: Severity, case: &'static str) -> Anomaly {
    let excess = departure.observed / departure.threshold.max(f64::MIN_POSITIVE);
    Anomaly {
        severity,
        // At the threshold it is likely, at twice the threshold hardly to be doubted.
        confidence: (0.5 + 0.25 * excess).min(0.95),
        values: vec![
            ("observed", departure.observed),
            ("expected", departure.expected),
            ("threshold", departure.threshold),
            ("windows", departure.support),
            ("window_s", departure.window_s),
        ],
        actors: departure.actors.clone(),
        case,
    }
}
