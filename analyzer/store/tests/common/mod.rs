//! What the tests of the store share: a directory of one's own and made-up snapshots.
#![allow(dead_code, reason = "each test program uses a part of it")]
#![expect(clippy::unwrap_used, reason = "a test that cannot prepare must fail")]

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use tapscope_analyzer::inventory::tally::Tally;
use tapscope_analyzer::snapshot::schema::{CredentialSnapshot, FieldSnapshot, SchemaSnapshot};
use tapscope_analyzer::snapshot::{
    Called, Changes, ConsumerId, ConsumerSnapshot, EndpointId, EndpointRef, EndpointSnapshot,
    Evidence, Facts, FindingId, FindingSnapshot, FindingStatus, HistogramSnapshot, HostSnapshot,
    Lifecycle, MinuteSnapshot, Nanos, ParameterSnapshot, Severity, StatusChange,
};

/// A minute in nanoseconds.
pub(crate) const MINUTE: Nanos = 60_000_000_000;

/// A directory that goes when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    /// A new, empty one.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "tapscope-store-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// A path in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Itself.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A minute.
pub(crate) fn minute(minute: Nanos, requests: u64) -> MinuteSnapshot {
    MinuteSnapshot {
        minute,
        requests,
        client_errors: requests / 3,
        server_errors: u64::from(requests > 7),
        latency_p50_ns: (requests > 1).then_some(1_500_000),
        latency_p99_ns: (requests > 1).then_some(u64::MAX),
        response_bytes: requests * 100,
    }
}

fn counts(pairs: &[(&str, u64)]) -> Tally {
    pairs
        .iter()
        .map(|&(name, n)| (name.to_owned(), n))
        .collect()
}

fn facts() -> Facts {
    Facts {
        covered_by_specification: true,
        sunset_header: Some(0),
        ..Facts::default()
    }
}

fn parameter() -> ParameterSnapshot {
    ParameterSnapshot {
        location: "query".to_owned(),
        name: "page".to_owned(),
        types: counts(&[("integer", 5)]),
        seen: 5,
        values: vec![1, u64::MAX],
        words: counts(&[("1", 2)]),
        lengths: Some((1, 2)),
        numbers: Some((1.0, 48_000.0).into()),
        ..ParameterSnapshot::default()
    }
}

/// An endpoint with something in every field.
pub(crate) fn endpoint(id: u64, requests: u64) -> EndpointSnapshot {
    let histogram = HistogramSnapshot {
        count: requests,
        min: 1,
        p50: 20,
        p90: 30,
        p99: u64::MAX,
        max: u64::MAX,
        buckets: vec![(20, requests / 2), (u64::MAX, requests - requests / 2)],
    };
    EndpointSnapshot {
        id: EndpointId(id),
        method: "GET".to_owned(),
        host: "shop.example".to_owned(),
        template: format!("/v1/things/{id:x}/{{thing}}"),
        operation: None,
        transport: None,
        template_confidence: 0.1 + 0.2,
        examples: vec!["/v1/things/ä/\"quoted\"".to_owned()],
        spellings: vec!["/%61/1".to_owned()],
        respelled: 2,
        lifecycle: Lifecycle::Shadow,
        lifecycle_reason: "It is in no specification.".to_owned(),
        facts: facts(),
        first_seen: 1_700_000_000_000_000_001,
        last_seen: 1_700_000_000_000_000_001 + i64::try_from(requests).unwrap(),
        requests,
        statuses: [(0, 1), (200, requests), (599, u64::MAX)]
            .into_iter()
            .collect(),
        authentication: counts(&[("bearer", requests)]),
        authentication_successful: counts(&[("bearer", requests)]),
        request_content_types: counts(&[]),
        response_content_types: counts(&[("application/json", 3)]),
        parameters: vec![parameter()],
        parameters_observed: 5,
        bodies_passed: 7,
        schemas: vec![schema()].into(),
        credentials: vec![CredentialSnapshot {
            scheme: "bearer".to_owned(),
            seen: requests,
            ..CredentialSnapshot::default()
        }],
        data: Vec::new(),
        tokens: Vec::new(),
        request_data_classes: counts(&[]),
        response_data_classes: counts(&[("email", 2)]),
        consumers: 7,
        top_consumers: vec![(ConsumerId(u64::MAX), 4)],
        servers: counts(&[("192.0.2.1:80", 4)]),
        protocols: counts(&[("http1", 4)]),
        completeness: counts(&[("complete", 4)]),
        feeds: Tally::default(),
        vantage_points: Tally::default(),
        latency: histogram.clone(),
        request_size: HistogramSnapshot::default(),
        response_size: histogram,
        minutes: vec![minute(MINUTE, requests), minute(3 * MINUTE, 2)],
        profile: tapscope_analyzer::snapshot::Profile::default(),
        state: serde_json::json!({"sketch": [1, 2.5, 1e300, null], "n": u64::MAX}),
    }
}

/// A schema of responses.
fn schema() -> SchemaSnapshot {
    SchemaSnapshot {
        status: Some(200),
        media_type: "application/json".to_owned(),
        bodies: 3,
        root: FieldSnapshot {
            seen: 3,
            types: counts(&[("object", 3)]).to_map(),
            ..FieldSnapshot::default()
        },
    }
}

/// A finding with something in every field.
pub(crate) fn finding(id: u64, occurrences: u64) -> FindingSnapshot {
    FindingSnapshot {
        id: FindingId(id),
        kind: "shadow_endpoint".to_owned(),
        severity: Severity::High,
        endpoint: Some(EndpointRef {
            id: EndpointId(1),
            method: "GET".to_owned(),
            host: "shop.example".to_owned(),
            template: "/v1/things/{thing}".to_owned(),
            operation: None,
        }),
        actors: vec!["192.0.2.9".to_owned()],
        first_seen: 1,
        last_seen: 2,
        occurrences,
        title: "It is called".to_owned(),
        explanation: "…".to_owned(),
        owasp: vec!["API9:2023".to_owned()],
        confidence: 0.7,
        coverage: 1.0 / 3.0,
        evidence: vec![Evidence {
            time: 5,
            exchange: Some("1-2".to_owned()),
            summary: "GET".to_owned(),
            values: [("observed".to_owned(), 1e-7)].into_iter().collect(),
        }],
        status: FindingStatus::Acknowledged,
        history: vec![StatusChange {
            at: 9,
            from: FindingStatus::Open,
            to: FindingStatus::Acknowledged,
            comment: "mine".to_owned(),
        }],
    }
}

/// A consumer.
pub(crate) fn consumer(id: u64) -> ConsumerSnapshot {
    ConsumerSnapshot {
        id: ConsumerId(id),
        identified_by: "subject".to_owned(),
        label: "jwt 3f2a…".to_owned(),
        first_seen: 1,
        last_seen: 2,
        requests: 3,
        client_errors: 1,
        addresses: vec!["192.0.2.9".to_owned()],
        claimed_addresses: Vec::new(),
        proxy: None,
        fingerprint: None,
        user_agents: vec!["curl".to_owned()],
        endpoints: vec![Called {
            endpoint: EndpointId(1),
            calls: 3,
            first_seen: 1,
            last_seen: 2,
        }],
    }
}

/// A host.
pub(crate) fn host(name: &str) -> HostSnapshot {
    HostSnapshot {
        host: name.to_owned(),
        requests: 9,
        complete: 8,
        candidates: 7,
        tenants: None,
        identity: None,
        waiting: Vec::new(),
        state: serde_json::json!({"trie": {"v1": {}}}),
    }
}

/// Something of everything.
pub(crate) fn changes(now: Nanos) -> Changes {
    Changes {
        endpoints: vec![endpoint(u64::MAX, 5), endpoint(1, 9)],
        hosts: vec![host("shop.example"), host("192.0.2.1")],
        findings: vec![finding(u64::MAX - 1, 2)],
        consumers: vec![consumer(u64::MAX)],
        now,
        ..Changes::default()
    }
}
