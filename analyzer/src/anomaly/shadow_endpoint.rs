//! An endpoint answers calls and is in none of the specifications that cover its host.

use super::{Anomaly, Detector, Scene, Words, exchange, name};
use crate::inventory::entry::succeeded;
use crate::snapshot::{Lifecycle, Severity};

pub(super) struct ShadowEndpoint;

impl Detector for ShadowEndpoint {
    fn kind(&self) -> &'static str {
        "shadow_endpoint"
    }

    fn owasp(&self) -> &'static [&'static str] {
        &["API9:2023"]
    }

    fn detail(&self) -> &'static str {
        "The endpoint is in none of the specifications that cover its host."
    }

    fn of_operation(&self) -> bool {
        false
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let entry = scene.entry?;
        if entry.lifecycle != Lifecycle::Shadow || !succeeded(scene.record) {
            return None;
        }
        let severity = if entry.gives_data() {
            Severity::High
        } else {
            Severity::Medium
        };
        let confidence = 0.5 + 0.5 * entry.confidence;
        let mut anomaly = Anomaly::new(severity, confidence, "undocumented");
        anomaly
            .values
            .push(("requests", crate::baseline::robust::number(entry.requests)));
        Some(anomaly)
    }

    fn words(&self, scene: &Scene<'_>, _anomaly: &Anomaly) -> Words {
        Words {
            title: format!("Undocumented endpoint {}", name(scene)),
            explanation: "The endpoint answers calls with success, and none of the \
                specifications that cover its host describes it. Nobody who works from the \
                specification reviews, tests or retires it. Find out who owns it: describe it in \
                the specification, or take it out of service."
                .to_owned(),
            evidence: exchange(scene),
        }
    }
}
