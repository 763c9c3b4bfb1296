//! An endpoint came up on a host that was known before and that no specification covers.

use super::{Anomaly, Basis, Detector, Scene, Words, exchange, name};
use crate::inventory::entry::succeeded;
use crate::snapshot::{Lifecycle, Severity};

pub(super) struct NewEndpoint;

impl Detector for NewEndpoint {
    fn kind(&self) -> &'static str {
        "new_endpoint"
    }

    fn owasp(&self) -> &'static [&'static str] {
        &["API9:2023"]
    }

    fn detail(&self) -> &'static str {
        "The endpoint came up after its host was known."
    }

    fn basis(&self) -> Basis {
        Basis::Counted
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let entry = scene.entry?;
        if entry.lifecycle != Lifecycle::New
            || entry.counts.successes != 1
            || !succeeded(scene.record)
        {
            return None;
        }
        let severity = if entry.gives_data() {
            Severity::Low
        } else {
            Severity::Info
        };
        Some(Anomaly::new(severity, entry.confidence, "new"))
    }

    fn words(&self, scene: &Scene<'_>, _anomaly: &Anomaly) -> Words {
        Words {
            title: format!("New endpoint {}", name(scene)),
            explanation: "The endpoint was first called with success after its host had been \
                watched for a while; no specification covers the host, so it cannot be told \
                whether it was meant to be published. Check that it belongs to a release, and \
                import the host's specification to have this decided by itself."
                .to_owned(),
            evidence: exchange(scene),
        }
    }
}
