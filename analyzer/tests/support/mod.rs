//! A builder of records for tests.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::expect_used,
    clippy::panic,
    reason = "each test file is a crate of its own and uses a part of it"
)]

use core::net::{IpAddr, SocketAddr};

use tapscope_analyzer::snapshot::{Changes, EndpointSnapshot, FindingSnapshot, HostSnapshot};
use tapscope_analyzer::{Analyzer, Restored};
use tapscope_record::{
    Completeness, Credential, ExchangeRecord, MessageCompleteness, MessageRecord, Pairing,
    PathSegment, RECORD_VERSION, Rare, Token,
};

/// Monday, 2024-01-01T00:00:00Z.
pub const T0: i64 = 1_704_067_200_000_000_000;

/// One second.
pub const S: i64 = 1_000_000_000;

/// A record that goes on being changed.
#[derive(Clone, Debug)]
pub struct Call(pub ExchangeRecord);

/// A successful call of `alice` at `second` after [`T0`].
pub fn call(method: &str, path: &str, second: i64) -> Call {
    let segments: Vec<PathSegment> = path
        .split('/')
        .filter(|s| !s.is_empty())
        .map(|s| PathSegment::Literal(s.to_owned().into()))
        .collect();
    let message = MessageRecord {
        content_type: Some("application/json".into()),
        body_len: 100,
        ..MessageRecord::default()
    };
    Call(ExchangeRecord {
        version: RECORD_VERSION,
        id: format!("{second}-{path}").into(),
        time: T0 + second * S,
        client: SocketAddr::from(([10, 0, 0, 7], 40_000)),
        server: SocketAddr::from(([10, 0, 0, 1], 80)),
        encapsulation: Rare::new(),
        protocol: "http1".into(),
        operation: None,
        batch: Rare::new(),
        method: Some(method.to_owned().into()),
        host: "shop.test".into(),
        port: None,
        path: segments,
        trailing_slash: false,
        spelling: None,
        matrix: Rare::new(),
        query: Vec::new(),
        request: Some(MessageRecord::default()),
        status: Some(200),
        response: Some(message),
        latency_ns: Some(20_000_000),
        credentials: vec![credential("bearer", 7)],
        user_agent: None,
        fingerprint: None,
        forwarded_for: None,
        forwarded_proto: None,
        forwarded_way: None,
        messages: None,
        trace: Vec::new(),
        ended: None,
        reported: 0,
        vantage: Rare::new(),
        certainty: 100,
        anomalies: Rare::new(),
        signals: Rare::new(),
        part: tapscope_record::Part::Whole,
        completeness: Completeness {
            request: MessageCompleteness::Complete,
            response: MessageCompleteness::Complete,
            pairing: Pairing::Ordered,
        },
    })
}

/// A credential.
pub fn credential(scheme: &str, token: u64) -> Credential {
    Credential {
        scheme: scheme.to_owned().into(),
        location: "authorization".into(),
        name: "authorization".into(),
        token: Token(token),
        subject: None,
        jwt: None,
    }
}

impl Call {
    pub fn status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    pub fn host(mut self, host: &str) -> Self {
        self.0.host = host.to_owned().into();
        self
    }

    pub fn from(mut self, last: u8) -> Self {
        self.0.client = SocketAddr::new(IpAddr::from([10, 0, 0, last]), 40_000);
        self
    }

    pub fn token(mut self, token: u64) -> Self {
        self.0.credentials = vec![credential("bearer", token)];
        self
    }

    pub fn anonymous(mut self) -> Self {
        self.0.credentials.clear();
        self
    }

    pub fn latency_ms(mut self, ms: u64) -> Self {
        self.0.latency_ns = Some(ms * 1_000_000);
        self
    }

    pub fn response_class(mut self, class: &str) -> Self {
        if let Some(response) = &mut self.0.response {
            response.data_classes.add(class.to_owned().into(), 1);
        }
        self
    }

    pub fn request_class(mut self, class: &str) -> Self {
        if let Some(request) = &mut self.0.request {
            request.data_classes.add(class.to_owned().into(), 1);
        }
        self
    }

    pub fn sunset(mut self, second: i64) -> Self {
        if let Some(response) = &mut self.0.response {
            response.sunset = Some(T0 / S + second);
        }
        self
    }

    pub fn lossy(mut self) -> Self {
        self.0.completeness.response = MessageCompleteness::Gap;
        self.0.completeness.pairing = Pairing::Acknowledged;
        self
    }

    /// Whether its two messages belong together is supposed.
    pub fn supposed(mut self) -> Self {
        self.0.completeness.pairing = Pairing::Supposed;
        self
    }
}

/// What a store would hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kept(pub Changes);

impl Kept {
    /// Saves what changed, through JSON as a store does.
    pub fn save(&mut self, changes: &Changes) {
        let text = serde_json::to_string(changes).expect("changes are plain data");
        let changes: Changes = serde_json::from_str(&text).expect("what was written can be read");
        let kept = &mut self.0;
        let gone: Vec<_> = changes
            .merged
            .iter()
            .map(|m| m.0)
            .chain(changes.removed.iter().copied())
            .collect();
        kept.endpoints.retain(|e| !gone.contains(&e.id));
        put(&mut kept.endpoints, changes.endpoints, |e| e.id.0);
        put(&mut kept.findings, changes.findings, |f| f.id.0);
        put(&mut kept.consumers, changes.consumers, |c| c.id.0);
        let gone = &changes.removed_hosts;
        kept.hosts.retain(|h| !gone.contains(&h.host));
        put(&mut kept.hosts, changes.hosts, |h| h.host.clone());
        kept.merged.extend(changes.merged);
        kept.now = changes.now;
    }

    /// What a new analyzer starts from.
    pub fn restored(&self) -> Restored {
        let kept = self.0.clone();
        Restored {
            endpoints: kept.endpoints,
            merged: kept.merged,
            hosts: kept.hosts,
            findings: kept.findings,
            consumers: kept.consumers,
            now: kept.now,
        }
    }

    pub fn endpoint(&self, method: &str, template: &str) -> &EndpointSnapshot {
        let found = self
            .0
            .endpoints
            .iter()
            .find(|e| e.method == method && e.template == template);
        found.unwrap_or_else(|| panic!("{method} {template} is not among {:?}", self.templates()))
    }

    pub fn templates(&self) -> Vec<(String, String)> {
        let all = self.0.endpoints.iter();
        all.map(|e| (e.method.clone(), e.template.clone()))
            .collect()
    }

    pub fn kinds(&self) -> Vec<&str> {
        self.0.findings.iter().map(|f| f.kind.as_str()).collect()
    }

    pub fn finding(&self, kind: &str) -> Option<&FindingSnapshot> {
        self.0.findings.iter().find(|f| f.kind == kind)
    }

    pub fn host(&self, host: &str) -> Option<&HostSnapshot> {
        self.0.hosts.iter().find(|h| h.host == host)
    }
}

fn put<T, K: Ord>(kept: &mut Vec<T>, new: Vec<T>, key: impl Fn(&T) -> K) {
    for one in new {
        match kept.iter().position(|k| key(k) == key(&one)) {
            Some(at) => kept[at] = one,
            None => kept.push(one),
        }
    }
    kept.sort_by_key(|k| key(k));
}

/// Feeds calls in their order and saves all that came of them.
pub fn feed(analyzer: &mut Analyzer, kept: &mut Kept, calls: impl IntoIterator<Item = Call>) {
    for one in calls {
        analyzer.handle_record(&one.0);
    }
    kept.save(&analyzer.flush_changes());
}

/// A new analyzer that took in `calls`.
pub fn run(calls: impl IntoIterator<Item = Call>) -> (Analyzer, Kept) {
    let mut analyzer = Analyzer::new(Default::default(), Restored::default());
    let mut kept = Kept::default();
    feed(&mut analyzer, &mut kept, calls);
    (analyzer, kept)
}

/// Traffic of a small shop: `count` calls, one in `every` seconds from `from` on, over a few
/// endpoints and consumers, in a fixed pattern.
pub fn usual(from: i64, count: i64, every: i64) -> impl Iterator<Item = Call> {
    (0..count).map(move |i| {
        let second = from + i * every;
        let consumer = 7 + (i % 5);
        let one = match i % 4 {
            0 | 1 => call("GET", "/items", second),
            2 => call("GET", "/stock", second),
            _ => call("POST", "/orders", second),
        };
        let latency = 18 + u64::try_from(i % 7).expect("not negative");
        let last = u8::try_from(consumer).expect("small");
        let token = u64::try_from(consumer).expect("not negative");
        one.from(last).token(token).latency_ms(latency)
    })
}
