//! Serves a made-up inventory on loopback, for work on the page without any traffic.
//!
//! `cargo run -p tapscope-dashboard-api --example fixture [ADDRESS]`; numbers move every second,
//! decisions on findings and uploads of specifications are taken (in memory).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tapscope_analyzer::inventory::specification::{Operation, Specification};
use tapscope_analyzer::inventory::tally::Tally;
use tapscope_analyzer::snapshot::schema::{DataClassSnapshot, FieldSnapshot, SchemaSnapshot};
use tapscope_analyzer::snapshot::{
    Called, Changes, ConsumerId, ConsumerSnapshot, EndpointId, EndpointRef, EndpointSnapshot,
    Evidence, Facts, FindingId, FindingSnapshot, FindingStatus, HistogramSnapshot, HostSnapshot,
    Lifecycle, MinuteSnapshot, Nanos, ParameterSnapshot, Severity, StatusChange,
};
use tapscope_dashboard_api::{
    ApiSettings, ApiState, Command, CommandError, LiveView, PublishedSpecification, StoreState,
    serve,
};
use tapscope_record::{Counter, FeedCounters, FeedHealth, HealthReport, SourceHealth};

const MINUTE: Nanos = 60_000_000_000;

const PATHS: [(&str, &str, Lifecycle); 14] = [
    ("GET", "/api/v1/users/{id}", Lifecycle::Documented),
    ("PATCH", "/api/v1/users/{id}", Lifecycle::Documented),
    ("GET", "/api/v1/users", Lifecycle::Documented),
    ("POST", "/api/v1/orders", Lifecycle::Documented),
    ("GET", "/api/v1/orders/{id}", Lifecycle::Documented),
    ("GET", "/api/v1/orders/{id}/items/{item}", Lifecycle::New),
    ("POST", "/api/v1/login", Lifecycle::Documented),
    ("GET", "/internal/debug/vars", Lifecycle::Shadow),
    ("GET", "/api/v0/customers/{id}", Lifecycle::Zombie),
    ("DELETE", "/api/v1/sessions/{token}", Lifecycle::Dormant),
    ("GET", "/api/v1/exports/{id}", Lifecycle::Orphan),
    ("GET", "/health", Lifecycle::Unclassified),
    ("POST", "/graphql", Lifecycle::Shadow),
    (
        "GET",
        "/api/v1/a-rather-long-path/with/{many}/segments/{that}/does/not/fit/{in}/a/column",
        Lifecycle::New,
    ),
];

const HOSTS: [&str; 4] = [
    "shop.example",
    "accounts.example",
    "partner-gateway.eu-central-1.example",
    "10.1.2.3",
];

#[tokio::main]
#[expect(clippy::print_stdout, reason = "tells where to look")]
async fn main() -> std::io::Result<()> {
    let settings = ApiSettings::default();
    let address = std::env::args().nth(1);
    let address = address.unwrap_or_else(|| settings.listen.to_string());
    let view = Arc::new(LiveView::new(settings.event_backlog_max));
    let mut world = World::new(now());
    view.apply(&world.everything());
    view.set_specifications(vec![published(specification(), 1)]);
    view.set_health(world.health());
    let (state, mut commands) = ApiState::new(Arc::clone(&view), settings);
    let listener = tokio::net::TcpListener::bind(&address).await?;
    println!("http://{}/", listener.local_addr()?);
    tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        loop {
            tokio::select! {
                _ = ticks.tick() => world.tick(&view),
                Some(command) = commands.recv() => world.carry_out(command, &view),
            }
        }
    });
    serve(listener, state, async {
        let _ = tokio::signal::ctrl_c().await;
    })
    .await
}

fn now() -> Nanos {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(Nanos::MAX)
}

/// Something that looks random and is the same every time.
fn mix(seed: u64) -> u64 {
    let mut x = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

fn counts(pairs: &[(&str, u64)]) -> Tally {
    pairs
        .iter()
        .filter(|(_, n)| *n > 0)
        .map(|&(name, n)| (name.to_owned(), n))
        .collect()
}

struct World {
    endpoints: Vec<EndpointSnapshot>,
    findings: Vec<FindingSnapshot>,
    consumers: Vec<ConsumerSnapshot>,
    hosts: Vec<HostSnapshot>,
    specifications: Vec<PublishedSpecification>,
    now: Nanos,
    ticks: u64,
}

impl World {
    fn new(now: Nanos) -> Self {
        let mut endpoints = Vec::new();
        for (h, host) in HOSTS.iter().enumerate() {
            for (p, path) in PATHS.iter().enumerate() {
                let seed = mix((h * 100 + p) as u64);
                if p == 0 || !seed.is_multiple_of(4) {
                    endpoints.push(endpoint(seed, host, *path, now));
                }
            }
        }
        let consumers = (0..23)
            .map(|n| consumer(mix(9000 + n), &endpoints, now))
            .collect();
        let findings = endpoints
            .iter()
            .enumerate()
            .filter_map(|(n, e)| finding(n, e, now));
        let hosts = HOSTS.iter().map(|host| HostSnapshot {
            host: (*host).to_owned(),
            requests: endpoints
                .iter()
                .filter(|e| e.host == *host)
                .map(|e| e.requests)
                .sum(),
            complete: endpoints
                .iter()
                .filter(|e| e.host == *host)
                .map(|e| e.requests / 10 * 9)
                .sum(),
            candidates: 12,
            tenants: None,
            identity: None,
            waiting: Vec::new(),
            state: serde_json::Value::Null,
        });
        Self {
            findings: findings.collect(),
            hosts: hosts.collect(),
            consumers,
            endpoints,
            specifications: vec![published(specification(), 1)],
            now,
            ticks: 0,
        }
    }

    fn everything(&self) -> Changes {
        Changes {
            endpoints: self.endpoints.clone(),
            hosts: self.hosts.clone(),
            findings: self.findings.clone(),
            consumers: self.consumers.clone(),
            now: self.now,
            ..Changes::default()
        }
    }

    fn health(&self) -> HealthReport {
        let counter = |stage: &str, name: &str, reason: Option<&str>, value: u64| Counter {
            stage: stage.to_owned(),
            name: name.to_owned(),
            reason: reason.map(str::to_owned),
            value,
        };
        let packets = 1_200_000 + self.ticks * 2000;
        HealthReport {
            time: self.now,
            sources: vec![SourceHealth {
                name: "eth1".to_owned(),
                kind: "live".to_owned(),
                state: "running".to_owned(),
                packets,
                bytes: packets * 700,
                dropped_kernel: packets / 300,
                dropped_interface: 0,
                ..SourceHealth::default()
            }],
            counters: vec![
                counter("decap", "packets_undecoded", Some("not_ip"), 312),
                counter("flow", "segments_delivered", None, packets - 400),
                counter("flow", "segments_dropped", Some("overlap"), 14),
                counter("http", "http_connections", None, 20_000),
                counter("http", "http_other_protocol", Some("tls"), 4000),
                counter("http", "http_head_refused", Some("header_name"), 3),
            ],
            feeds: vec![
                feed(Some(12), packets, 1),
                feed(Some(30), packets / 4, 900),
                feed(None, 4_000, 0),
            ],
            ..HealthReport::default()
        }
    }

    fn tick(&mut self, view: &LiveView) {
        self.ticks += 1;
        self.now = now();
        let mut changed = Vec::new();
        for (n, endpoint) in self.endpoints.iter_mut().enumerate() {
            let more = mix(self.ticks * 1000 + n as u64) % 7;
            if endpoint.lifecycle != Lifecycle::Orphan && more > 3 {
                grow(endpoint, more, self.now);
                changed.push(endpoint.clone());
            }
        }
        let mut findings = Vec::new();
        if self.ticks.is_multiple_of(5)
            && let Some(finding) = self.findings.first_mut()
        {
            finding.occurrences += 1;
            finding.last_seen = self.now;
            findings.push(finding.clone());
        }
        view.apply(&Changes {
            endpoints: changed,
            findings,
            now: self.now,
            ..Changes::default()
        });
        view.set_health(self.health());
        view.set_store(StoreState {
            path: "fixture (in memory)".to_owned(),
            last_saved: self.now,
            ..StoreState::default()
        });
    }

    fn carry_out(&mut self, command: Command, view: &LiveView) {
        match command {
            Command::SetFindingStatus {
                id,
                status,
                comment,
                reply,
            } => {
                let answer = self.decide(id, status, comment);
                if let Ok(finding) = &answer {
                    let findings = vec![finding.clone()];
                    view.apply(&Changes {
                        findings,
                        now: self.now,
                        ..Changes::default()
                    });
                }
                let _ = reply.send(answer);
            }
            Command::AddSpecification {
                specification,
                reply,
            } => {
                let same = |known: &&PublishedSpecification| {
                    known.specification.name == specification.name
                };
                let revision = self
                    .specifications
                    .iter()
                    .find(same)
                    .map_or(1, |s| s.revision + 1);
                let added = published(*specification, revision);
                self.specifications
                    .retain(|s| s.specification.name != added.specification.name);
                self.specifications.push(added.clone());
                view.set_specifications(self.specifications.clone());
                let _ = reply.send(Ok(added));
            }
            Command::RemoveSpecification { name, reply } => {
                self.specifications.retain(|s| s.specification.name != name);
                view.set_specifications(self.specifications.clone());
                let _ = reply.send(Ok(()));
            }
            _ => {}
        }
    }

    fn decide(
        &mut self,
        id: FindingId,
        status: FindingStatus,
        comment: String,
    ) -> Result<FindingSnapshot, CommandError> {
        let finding = self.findings.iter_mut().find(|finding| finding.id == id);
        let unknown = || CommandError::NotFound("There is no finding with that id.".to_owned());
        let finding = finding.ok_or_else(unknown)?;
        let change = StatusChange {
            at: now(),
            from: finding.status,
            to: status,
            comment,
        };
        finding.history.push(change);
        finding.status = status;
        Ok(finding.clone())
    }
}

/// A feed that lost `lost` of 10,000 bytes.
fn feed(vlan: Option<u16>, segments: u64, lost: u64) -> FeedHealth {
    FeedHealth {
        source: "eth1".to_owned(),
        vlan,
        network: None,
        counters: FeedCounters {
            segments,
            payload_bytes: segments * 600,
            delivered_bytes: segments * (600 - 600 * lost / 10_000),
            unseen_bytes: segments * 600 * lost / 10_000,
            unseen_gaps: segments * lost / 100_000,
            duplicates: segments / 200,
            retransmissions: segments / 900,
            connections: segments / 40,
            client_only: segments / 4_000,
            http_connections: segments / 40,
            tls_streams: segments / 200,
            heads_parsed: segments / 8,
            exchanges: segments / 16,
            ..FeedCounters::default()
        },
    }
}

/// All but one in fifty.
fn seen_whole(requests: u64) -> Tally {
    let cut = requests / 50;
    counts(&[("complete", requests - cut), ("gap", cut)])
}

/// Classes of data of an endpoint with personal data.
fn classes(secret: bool) -> &'static [(&'static str, u64)] {
    if secret {
        &[("email", 10), ("phone", 4)]
    } else {
        &[]
    }
}

/// The same with the number of values.
fn data(secret: bool) -> Vec<DataClassSnapshot> {
    let of = |(class, exchanges): &(&str, u64)| DataClassSnapshot {
        direction: "response".to_owned(),
        class: (*class).to_owned(),
        exchanges: *exchanges,
        values: exchanges * 3,
        most: 12,
        tags: None,
    };
    classes(secret).iter().map(of).collect()
}

fn endpoint(seed: u64, host: &str, path: (&str, &str, Lifecycle), now: Nanos) -> EndpointSnapshot {
    let (method, template, lifecycle) = path;
    let seen = lifecycle != Lifecycle::Orphan;
    let requests = if seen { 10 + seed % 20_000 } else { 0 };
    let errors = requests / (7 + seed % 90);
    let open = template.contains("debug") || template == "/health";
    let secret = template.contains("users") || template.contains("customers");
    let scheme = if open { "none" } else { "jwt" };
    EndpointSnapshot {
        id: EndpointId(seed),
        method: method.to_owned(),
        host: host.to_owned(),
        template: template.to_owned(),
        operation: None,
        transport: None,
        template_confidence: 0.5 + (seed % 50) as f64 / 100.0,
        examples: Vec::new(),
        spellings: Vec::new(),
        respelled: 0,
        lifecycle,
        lifecycle_reason: "Made up for work on the page.".to_owned(),
        facts: facts(host, template, lifecycle),
        first_seen: if seen { now - 3 * 24 * 60 * MINUTE } else { 0 },
        last_seen: if seen {
            now - i64::try_from(seed % 5000).unwrap_or(0) * 1_000_000_000
        } else {
            0
        },
        requests,
        statuses: [
            (200, requests - errors),
            (404, errors / 2),
            (500, errors - errors / 2),
            (0, 2),
        ]
        .into_iter()
        .filter(|(_, n)| *n > 0 && seen)
        .collect(),
        authentication: counts(&[(scheme, requests - errors), ("none", errors)]),
        authentication_successful: counts(&[(scheme, requests - errors)]),
        request_content_types: counts(&[("application/json", requests / 3)]),
        response_content_types: counts(&[("application/json", requests)]),
        parameters: parameters(template, requests),
        parameters_observed: requests,
        bodies_passed: 0,
        schemas: schemas(requests, secret).into(),
        credentials: Vec::new(),
        data: data(secret),
        tokens: Vec::new(),
        request_data_classes: Tally::default(),
        response_data_classes: counts(classes(secret)),
        consumers: seed % 40,
        top_consumers: (0..4)
            .map(|n| (ConsumerId(mix(9000 + n)), requests / (n + 2)))
            .collect(),
        servers: counts(&[
            ("10.0.0.7:8080", requests / 2),
            ("10.0.0.8:8080", requests / 2),
        ]),
        protocols: counts(&[("http1", requests)]),
        completeness: seen_whole(requests),
        feeds: counts(&[("vlan:12", requests)]),
        vantage_points: counts(&[("10.0.0.1 > 10.0.1.5:8080", requests / 2)]),
        latency: histogram(2_000_000 + seed % 80_000_000, requests),
        request_size: histogram(300, requests / 3),
        response_size: histogram(4000 + seed % 9000, requests),
        minutes: if seen { minutes(seed, now) } else { Vec::new() },
        profile: tapscope_analyzer::snapshot::Profile::default(),
        state: serde_json::Value::Null,
    }
}

fn facts(host: &str, template: &str, lifecycle: Lifecycle) -> Facts {
    let documented = lifecycle == Lifecycle::Documented;
    Facts {
        covered_by_specification: host == "shop.example",
        documented_in: documented.then(|| "shop".to_owned()).into_iter().collect(),
        documented_template: documented.then(|| template.to_owned()),
        ..Facts::default()
    }
}

fn parameters(template: &str, requests: u64) -> Vec<ParameterSnapshot> {
    let path = template
        .split('{')
        .skip(1)
        .filter_map(|rest| rest.split('}').next());
    let path = path.map(|name| ("path", name.to_owned(), "integer"));
    let query = [
        ("query", "page".to_owned(), "integer"),
        ("query", "q".to_owned(), "string"),
    ];
    path.chain(query)
        .map(|(location, name, kind)| ParameterSnapshot {
            location: location.to_owned(),
            name,
            types: counts(&[(kind, requests)]),
            seen: requests,
            distinct: requests / 3,
            lengths: Some((1, 5)),
            numbers: (kind == "integer").then(|| (1.0, 480.0).into()),
            ..ParameterSnapshot::default()
        })
        .collect()
}

fn schemas(requests: u64, secret: bool) -> Vec<SchemaSnapshot> {
    let field = |name: &str, kind: &str, whole: u64, fields: Vec<FieldSnapshot>| FieldSnapshot {
        name: name.to_owned(),
        seen: whole,
        whole,
        objects: if kind == "object" { whole } else { 0 },
        types: counts(&[(kind, whole)]).to_map(),
        classes: counts(if kind == "email" {
            &[("email", 9)]
        } else {
            &[]
        })
        .to_map(),
        fields,
        ..FieldSnapshot::default()
    };
    let mail = if secret { "email" } else { "string" };
    let user = vec![
        field("email", mail, requests / 2, Vec::new()),
        field("id", "uuid", requests, Vec::new()),
    ];
    let root = vec![
        field("created_at", "date_time", requests, Vec::new()),
        field("user", "object", requests, user),
    ];
    vec![SchemaSnapshot {
        status: Some(200),
        media_type: "application/json".to_owned(),
        bodies: requests,
        root: field("", "object", requests, root),
    }]
}

fn histogram(middle: u64, count: u64) -> HistogramSnapshot {
    let shares = [
        (1, 2, 5),
        (1, 1, 40),
        (3, 2, 30),
        (2, 1, 15),
        (4, 1, 8),
        (9, 1, 2),
    ];
    let buckets = shares.map(|(n, d, share)| (middle * n / d, count * share / 100));
    HistogramSnapshot {
        count,
        min: middle / 3,
        p50: middle,
        p90: middle * 2,
        p99: middle * 4,
        max: middle * 9,
        buckets: buckets.into_iter().filter(|(_, n)| *n > 0).collect(),
    }
}

fn minutes(seed: u64, now: Nanos) -> Vec<MinuteSnapshot> {
    let current = now - now % MINUTE;
    (0..90)
        .rev()
        .filter(|n| !mix(seed + n).is_multiple_of(9))
        .map(|n| MinuteSnapshot {
            minute: current - i64::try_from(n).unwrap_or(0) * MINUTE,
            requests: 5 + mix(seed + n) % 60,
            client_errors: mix(seed + n) % 4,
            server_errors: mix(seed + n) % 2,
            latency_p50_ns: Some(2_000_000 + mix(seed + n) % 3_000_000),
            latency_p99_ns: Some(20_000_000 + mix(seed + n) % 90_000_000),
            response_bytes: 90_000,
        })
        .collect()
}

fn grow(endpoint: &mut EndpointSnapshot, more: u64, now: Nanos) {
    endpoint.requests += more;
    endpoint.last_seen = now;
    *endpoint.statuses.entry(200).or_default() += more;
    endpoint.completeness.add("complete", more, usize::MAX);
    let minute = now - now % MINUTE;
    match endpoint
        .minutes
        .last_mut()
        .filter(|last| last.minute == minute)
    {
        Some(last) => last.requests += more,
        None => {
            let started = MinuteSnapshot {
                minute,
                requests: more,
                ..MinuteSnapshot::default()
            };
            endpoint.minutes.push(started);
        }
    }
}

fn finding(n: usize, endpoint: &EndpointSnapshot, now: Nanos) -> Option<FindingSnapshot> {
    let seed = mix(endpoint.id.0);
    let (kind, severity, title) = match endpoint.lifecycle {
        Lifecycle::Shadow => (
            "shadow_endpoint",
            Severity::High,
            "is called, but not documented",
        ),
        Lifecycle::Zombie => (
            "zombie_endpoint",
            Severity::High,
            "was retired, but is called",
        ),
        _ if endpoint.template == "/health" => (
            "missing_authentication",
            Severity::Low,
            "answers without authentication",
        ),
        _ if seed.is_multiple_of(5) => ("latency_anomaly", Severity::Medium, "became slow"),
        _ if seed.is_multiple_of(7) => {
            ("error_anomaly", Severity::Critical, "fails far more often")
        }
        _ => return None,
    };
    let status = [
        FindingStatus::Open,
        FindingStatus::Open,
        FindingStatus::Acknowledged,
    ];
    let values = [("observed", 42.5), ("expected", 3.25), ("threshold", 12.0)];
    Some(FindingSnapshot {
        id: FindingId(seed),
        kind: kind.to_owned(),
        severity,
        endpoint: Some(EndpointRef {
            id: endpoint.id,
            method: endpoint.method.clone(),
            host: endpoint.host.clone(),
            template: endpoint.template.clone(),
            operation: None,
        }),
        actors: vec![
            format!("203.0.113.{}", seed % 200),
            "198.51.100.9".to_owned(),
        ],
        first_seen: now - 50 * MINUTE,
        last_seen: now - i64::try_from(n).unwrap_or(0) * MINUTE,
        occurrences: 1 + seed % 90,
        title: format!("{} {} {title}", endpoint.method, endpoint.template),
        explanation: "Made up. This is where a few sentences say what it means, why it was \
                      raised, and what to do about it."
            .to_owned(),
        owasp: vec!["API9:2023".to_owned()],
        confidence: 0.9,
        coverage: 0.98,
        evidence: (0..3)
            .map(|n| Evidence {
                time: now - (50 - n * 10) * MINUTE,
                exchange: Some(format!("17-{n}")),
                summary: "GET /api/v1/users/{id} answered 200 in 42.5 ms".to_owned(),
                values: values
                    .iter()
                    .map(|&(name, value)| (name.to_owned(), value))
                    .collect(),
            })
            .collect(),
        status: status.get(n % 3).copied().unwrap_or(FindingStatus::Open),
        history: Vec::new(),
    })
}

fn consumer(seed: u64, endpoints: &[EndpointSnapshot], now: Nanos) -> ConsumerSnapshot {
    let called = endpoints
        .iter()
        .filter(|e| mix(seed ^ e.id.0).is_multiple_of(3));
    let mut called: Vec<_> = called.map(|e| (e.id, e.requests / 9)).collect();
    called.sort_by_key(|&(id, n)| (core::cmp::Reverse(n), id));
    ConsumerSnapshot {
        id: ConsumerId(seed),
        identified_by: "subject".to_owned(),
        label: format!("jwt {:04x}…", seed & 0xffff),
        first_seen: now - 999 * MINUTE,
        last_seen: now - MINUTE,
        requests: called.iter().map(|(_, n)| n).sum(),
        client_errors: seed % 50,
        addresses: vec![format!("10.9.{}.{}", seed % 9, seed % 200)],
        claimed_addresses: Vec::new(),
        proxy: None,
        fingerprint: None,
        user_agents: vec!["curl".to_owned()],
        endpoints: (called.into_iter())
            .map(|(endpoint, calls)| Called {
                endpoint,
                calls,
                first_seen: now - 999 * MINUTE,
                last_seen: now - MINUTE,
            })
            .collect(),
    }
}

fn specification() -> Specification {
    let documented = PATHS
        .iter()
        .filter(|(_, _, lifecycle)| matches!(lifecycle, Lifecycle::Documented | Lifecycle::Orphan));
    Specification {
        priority: 0,
        added: 0,
        tree: Arc::default(),
        name: "shop".to_owned(),
        title: "Shop API".to_owned(),
        version: "2.3.0".to_owned(),
        source: String::new(),
        hosts: vec!["shop.example".to_owned()],
        base_paths: vec![String::new()],
        operations: documented
            .map(|(method, path, _)| Operation {
                key: (*path).to_owned(),
                method: (*method).to_owned(),
                path: (*path).to_owned(),
                operation_id: None,
                deprecated: false,
                secured: true,
                base_paths: vec![String::new()],
            })
            .collect(),
    }
}

fn published(specification: Specification, revision: u32) -> PublishedSpecification {
    PublishedSpecification {
        revision,
        added: now(),
        specification: Arc::new(specification),
    }
}
