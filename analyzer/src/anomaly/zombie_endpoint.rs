//! A retired endpoint still answers calls.

use super::{Anomaly, Detector, Scene, Words, exchange, name};
use crate::baseline::robust::number;
use crate::inventory::entry::succeeded;
use crate::inventory::lifecycle::retired;
use crate::snapshot::{Lifecycle, Severity};

pub(super) struct ZombieEndpoint;

impl Detector for ZombieEndpoint {
    fn kind(&self) -> &'static str {
        "zombie_endpoint"
    }

    fn owasp(&self) -> &'static [&'static str] {
        &["API9:2023"]
    }

    fn detail(&self) -> &'static str {
        "The endpoint is retired and still answers."
    }

    fn of_operation(&self) -> bool {
        false
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let entry = scene.entry?;
        if entry.lifecycle != Lifecycle::Zombie || !succeeded(scene.record) {
            return None;
        }
        retired(&entry.facts, scene.record.time, &scene.settings.lifecycle)?;
        let severity = if entry.facts.removed || entry.gives_data() {
            Severity::High
        } else {
            Severity::Medium
        };
        let mut anomaly = Anomaly::new(severity, 0.5 + 0.5 * entry.confidence, "retired");
        let calls = number(entry.counts.retired_successes);
        anomaly
            .values
            .push(("successful_calls_since_retirement", calls));
        Some(anomaly)
    }

    fn words(&self, scene: &Scene<'_>, _anomaly: &Anomaly) -> Words {
        let policy = &scene.settings.lifecycle;
        let why = scene
            .entry
            .and_then(|entry| retired(&entry.facts, scene.record.time, policy))
            .zip(scene.entry)
            .map_or_else(
                || "it is retired".to_owned(),
                |(why, entry)| why.why(&entry.facts),
            );
        Words {
            title: format!("Retired endpoint {} still answers", name(scene)),
            explanation: format!(
                "The endpoint still answers calls with success although {why}. Retired \
                 endpoints miss the fixes and checks that their successors get. Move the callers \
                 named here to the successor, then switch it off."
            ),
            evidence: exchange(scene),
        }
    }
}
