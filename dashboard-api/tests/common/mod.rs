//! Made-up snapshots for the tests of the API.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::sync::Arc;

use tapscope_analyzer::inventory::specification::Specification;
use tapscope_analyzer::inventory::tally::Tally;
use tapscope_analyzer::snapshot::{
    Called, ConsumerId, ConsumerSnapshot, EndpointId, EndpointRef, EndpointSnapshot, Facts,
    FindingId, FindingSnapshot, FindingStatus, HistogramSnapshot, HostSnapshot, Lifecycle,
    MinuteSnapshot, Severity,
};
use tapscope_dashboard_api::PublishedSpecification;

fn counts(name: &str, n: u64) -> Tally {
    (n > 0).then(|| (name.to_owned(), n)).into_iter().collect()
}

/// An endpoint that answered `requests` calls with 200.
pub(crate) fn endpoint(id: u64, host: &str, template: &str, requests: u64) -> EndpointSnapshot {
    let latency = HistogramSnapshot {
        count: requests,
        min: 1_000_000,
        p50: 2_000_000,
        p90: 3_000_000,
        p99: 4_000_000,
        max: 5_000_000,
        buckets: vec![(5_000_000, requests)],
    };
    EndpointSnapshot {
        id: EndpointId(id),
        method: "GET".to_owned(),
        host: host.to_owned(),
        template: template.to_owned(),
        operation: None,
        transport: None,
        template_confidence: 0.9,
        examples: vec![template.to_owned()],
        spellings: Vec::new(),
        respelled: 0,
        lifecycle: Lifecycle::Documented,
        lifecycle_reason: "Made up.".to_owned(),
        facts: Facts {
            sunset_header: Some(0),
            ..Facts::default()
        },
        first_seen: i64::from(requests > 0) * 1_000_000_000,
        last_seen: i64::from(requests > 0) * 2_000_000_000,
        requests,
        statuses: (requests > 0)
            .then_some((200, requests))
            .into_iter()
            .collect(),
        authentication: counts("jwt", requests),
        authentication_successful: counts("jwt", requests),
        request_content_types: Tally::default(),
        response_content_types: counts("application/json", requests),
        parameters: Vec::new(),
        parameters_observed: requests,
        bodies_passed: 0,
        schemas: Vec::new().into(),
        credentials: Vec::new(),
        data: Vec::new(),
        tokens: Vec::new(),
        request_data_classes: Tally::default(),
        response_data_classes: Tally::default(),
        consumers: 1,
        top_consumers: vec![(ConsumerId(7), requests)],
        servers: counts("10.0.0.1:80", requests),
        protocols: counts("http1", requests),
        completeness: counts("complete", requests),
        feeds: Tally::default(),
        vantage_points: Tally::default(),
        latency: latency.clone(),
        request_size: HistogramSnapshot::default(),
        response_size: latency,
        minutes: vec![MinuteSnapshot {
            minute: 60_000_000_000,
            requests,
            ..MinuteSnapshot::default()
        }],
        profile: tapscope_analyzer::snapshot::Profile::default(),
        state: serde_json::json!({"opaque": true}),
    }
}

/// An open finding about an endpoint.
pub(crate) fn finding(id: u64, about: u64, severity: Severity) -> FindingSnapshot {
    FindingSnapshot {
        id: FindingId(id),
        kind: "shadow_endpoint".to_owned(),
        severity,
        endpoint: Some(EndpointRef {
            id: EndpointId(about),
            method: "GET".to_owned(),
            host: "a.example".to_owned(),
            template: "/as-it-was".to_owned(),
            operation: None,
        }),
        actors: vec![format!("192.0.2.{id}")],
        first_seen: i64::from(u8::try_from(id).unwrap_or(0)),
        last_seen: 100 + i64::from(u8::try_from(id).unwrap_or(0)),
        occurrences: id,
        title: format!("Finding {id}"),
        explanation: "Made up.".to_owned(),
        owasp: vec!["API9:2023".to_owned()],
        confidence: 1.0,
        coverage: 1.0,
        evidence: Vec::new(),
        status: FindingStatus::Open,
        history: Vec::new(),
    }
}

/// A consumer that called endpoints once each.
pub(crate) fn consumer(id: u64, called: &[u64]) -> ConsumerSnapshot {
    ConsumerSnapshot {
        id: ConsumerId(id),
        identified_by: "subject".to_owned(),
        label: format!("jwt {id:04x}"),
        first_seen: 1,
        last_seen: 2,
        requests: called.len() as u64,
        client_errors: 0,
        addresses: vec!["192.0.2.1".to_owned()],
        claimed_addresses: Vec::new(),
        proxy: None,
        fingerprint: None,
        user_agents: vec!["curl".to_owned()],
        endpoints: called
            .iter()
            .map(|&id| Called {
                endpoint: EndpointId(id),
                calls: 1,
                first_seen: 1,
                last_seen: 2,
            })
            .collect(),
    }
}

/// A host, half of whose exchanges are complete.
pub(crate) fn host(name: &str) -> HostSnapshot {
    HostSnapshot {
        host: name.to_owned(),
        requests: 10,
        complete: 5,
        candidates: 1,
        tenants: None,
        identity: None,
        waiting: Vec::new(),
        state: serde_json::Value::Null,
    }
}

/// A specification as the engine publishes it.
pub(crate) fn published(specification: Specification) -> PublishedSpecification {
    PublishedSpecification {
        revision: 1,
        added: 1,
        specification: Arc::new(specification),
    }
}
