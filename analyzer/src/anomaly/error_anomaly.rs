//! An endpoint answers with more errors than it usually does.

use super::volume_anomaly::anomaly;
use super::{Anomaly, Basis, Detector, Scene, Words, name, percent};
use crate::snapshot::Severity;

pub(super) struct ErrorAnomaly;

impl Detector for ErrorAnomaly {
    fn kind(&self) -> &'static str {
        "error_anomaly"
    }

    fn owasp(&self) -> &'static [&'static str] {
        &[]
    }

    fn detail(&self) -> &'static str {
        "The endpoint answers with more errors than usual."
    }

    fn basis(&self) -> Basis {
        Basis::Counted
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let answer = scene.answer;
        let server = answer
            .server_errors
            .as_ref()
            .map(|d| anomaly(d, Severity::High, "5xx"));
        server.or_else(|| {
            let client = answer.client_errors.as_ref()?;
            Some(anomaly(client, Severity::Medium, "4xx"))
        })
    }

    fn words(&self, scene: &Scene<'_>, anomaly: &Anomaly) -> Words {
        let evidence = format!(
            "{} of the calls of this window were answered {}, where {} is usual",
            percent(anomaly.value("observed")),
            anomaly.case,
            percent(anomaly.value("expected")),
        );
        let advice = if anomaly.case == "5xx" {
            "Server errors in numbers are an outage, a faulty release, or input that the server \
             does not withstand. Look at the server's own log for this time, and at what the \
             clients named here sent."
        } else {
            "Refused calls in numbers come from a faulty client, or from somebody who tries out \
             credentials, identifiers or inputs. Look at what the clients named here sent."
        };
        Words {
            title: format!(
                "Unusually many errors ({}) from {}",
                anomaly.case,
                name(scene)
            ),
            explanation: format!("{evidence}. {advice}"),
            evidence,
        }
    }
}
