//! What the sensor found noteworthy about one exchange, joined to findings.

use super::{Anomaly, Detector, Scene, Words, exchange, name};
use crate::snapshot::Severity;

/// One kind of the sensor's signals.
pub(super) struct RecordSignal {
    signal: &'static str,
    kind: &'static str,
    severity: Severity,
    owasp: &'static [&'static str],
    title: &'static str,
    explanation: &'static str,
}

/// A credential in a URL.
pub(super) const CREDENTIAL_IN_URL: RecordSignal = RecordSignal {
    signal: "credential_in_url",
    kind: "sensitive_data_in_url",
    severity: Severity::Medium,
    owasp: &["API2:2023", "API8:2023"],
    title: "Credentials in URLs of",
    explanation: "Calls carry a credential in the URL. URLs are kept in logs, histories and \
        Referer fields of every party on the way, where credentials must not be. Move it to the \
        Authorization field, and replace the credentials that were sent this way.",
};

/// A request whose end two readers would find in different places.
pub(super) const REQUEST_SMUGGLING: RecordSignal = RecordSignal {
    signal: "request_smuggling",
    kind: "request_smuggling",
    severity: Severity::High,
    owasp: &["API8:2023"],
    title: "Ambiguous request framing on",
    explanation: "A request says in two ways where it ends. A proxy and a server that believe \
        different ones can be made to take a part of it for another user's request. Have the \
        proxy refuse such requests (RFC 9112, section 6.3), and look at what the client sent.",
};

/// A JSON Web Token that proves little.
pub(super) const WEAK_JWT: RecordSignal = RecordSignal {
    signal: "weak_jwt",
    kind: "weak_jwt",
    severity: Severity::Medium,
    owasp: &["API2:2023"],
    title: "Weak JSON Web Tokens on",
    explanation: "Calls carry a JSON Web Token that is not signed, does not expire, or is made in \
        another way that lets it be forged or used for ever (RFC 8725). Have the issuer sign with \
        a strong algorithm and a short expiry, and the servers refuse everything else.",
};

/// A request for the whole schema of a GraphQL service.
pub(super) const GRAPHQL_INTROSPECTION: RecordSignal = RecordSignal {
    signal: "graphql_introspection",
    kind: "graphql_introspection",
    severity: Severity::Low,
    owasp: &["API8:2023", "API9:2023"],
    title: "Schema of a GraphQL service asked for by",
    explanation: "A client asked the GraphQL service to describe itself. Development tools do \
        that, and so does whoever looks for what can be attacked. Turn introspection off where \
        only known clients are meant to call, and see who asked.",
};

/// A GraphQL operation that is nested deeply.
pub(super) const GRAPHQL_DEPTH: RecordSignal = RecordSignal {
    signal: "graphql_depth",
    kind: "graphql_depth",
    severity: Severity::Medium,
    owasp: &["API4:2023"],
    title: "Deeply nested GraphQL operation",
    explanation: "An operation is nested so deeply that answering it may cost far more than it \
        looks: each level can multiply the work. Have the service refuse operations beyond a \
        depth or cost that its own clients need.",
};

/// Many things asked for in one GraphQL request.
pub(super) const GRAPHQL_BATCHING: RecordSignal = RecordSignal {
    signal: "graphql_batching",
    kind: "graphql_batching",
    severity: Severity::Medium,
    owasp: &["API4:2023", "API2:2023"],
    title: "Many GraphQL operations in one request",
    explanation: "One request asks for the same kind of thing many times, by aliases or as a \
        batch. Limits that count requests do not see it, which makes it a way to guess passwords \
        or codes and to harvest data. Have the service limit aliases and batches.",
};

/// An HTTP/2 peer that only makes work.
pub(super) const HTTP2_FLOOD: RecordSignal = RecordSignal {
    signal: "http2_flood",
    kind: "http2_flood",
    severity: Severity::High,
    owasp: &["API4:2023"],
    title: "HTTP/2 flood around",
    explanation: "A peer sends frames that cost it nothing and the other side much: requests that \
        are reset at once, field blocks, control frames or empty frames without end \
        (CVE-2023-44487, CVE-2024-27316, CVE-2019-9511 and its kin). See who it is, and have the \
        server limit such frames for a connection.",
};

impl Detector for RecordSignal {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn owasp(&self) -> &'static [&'static str] {
        self.owasp
    }

    fn detail(&self) -> &'static str {
        ""
    }

    fn inspect(&self, scene: &Scene<'_>) -> Option<Anomaly> {
        let signals = &scene.record.signals;
        signals
            .iter()
            .any(|s| s.kind == self.signal)
            .then(|| Anomaly::new(self.severity, 0.9, self.signal))
    }

    fn words(&self, scene: &Scene<'_>, _anomaly: &Anomaly) -> Words {
        let signals = &scene.record.signals;
        let said = signals.iter().find(|s| s.kind == self.signal);
        let evidence = match said {
            Some(signal) => format!("{}: {}", exchange(scene), signal.detail),
            None => exchange(scene),
        };
        Words {
            title: format!("{} {}", self.title, name(scene)),
            explanation: self.explanation.to_owned(),
            evidence,
        }
    }
}
