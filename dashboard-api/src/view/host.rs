//! Hosts, those that share a row, and what waits on them.

use serde::Serialize;
use tapscope_analyzer::snapshot::HostSnapshot;
use tapscope_analyzer::snapshot::identity::IdentitySnapshot;
use tapscope_analyzer::snapshot::tenants::TenantsSnapshot;
use tapscope_analyzer::snapshot::waiting::{CandidateSnapshot, WaitingSnapshot};
use utoipa::ToSchema;

use super::measure::share;
use super::time::Time;

/// Names shown of the hosts of one row.
const TENANTS_SHOWN: usize = 100;

/// A host that serves endpoints.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Host {
    /// Its name; `{tenant}.api.example.com` where several hosts share the row.
    pub host: String,
    /// Its endpoints.
    pub endpoints: u64,
    /// Exchanges.
    pub requests: u64,
    /// Share of its exchanges whose two messages were seen complete; null without exchanges.
    #[schema(required = true)]
    pub complete_share: Option<f64>,
    /// Exchanges of paths that are not endpoints (yet): never answered with success.
    pub candidates: u64,
    /// The hosts that share the row; null when it is one host's.
    #[schema(required = true)]
    pub tenants: Option<Tenants>,
    /// By what callers are told apart there; null before there are calls.
    #[schema(required = true)]
    pub identity: Option<HostIdentity>,
    /// What was called and is no endpoint yet, by reason.
    pub waiting: Vec<Waiting>,
}

/// By what callers are told apart on a host.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct HostIdentity {
    /// The kind that tells most of them apart: `subject`, `certificate`, `credential`, `session` or
    /// `address`.
    pub best: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Calls that this rests on.
    pub calls: u64,
    /// What was seen of each kind that calls carry, the best kind first.
    pub kinds: Vec<IdentityKindUse>,
}

/// One kind of identity on a host.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct IdentityKindUse {
    /// The kind.
    pub kind: String,
    /// Share of the calls that carry it.
    pub share: f64,
    /// Different names; of many an estimate.
    pub names: u64,
    /// Addresses that a name comes from, on average.
    pub addresses_per_name: f64,
    /// Why callers are not told apart by it; null where they are.
    #[schema(required = true)]
    pub passed_over: Option<String>,
}

/// Hosts that are tenants of one service.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Tenants {
    /// How many; of many an estimate.
    pub count: u64,
    /// Where the host template comes from: `rule`, `specification` or `traffic`.
    pub origin: String,
    /// How sure it is, 0 to 1.
    pub confidence: f64,
    /// Why, in one sentence.
    pub reason: String,
    /// It holds no more: its hosts have rows of their own again, it keeps the history.
    pub is_over: bool,
    /// The busiest of them.
    pub hosts: Vec<Tenant>,
}

/// One of the hosts of a row.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Tenant {
    /// Its name.
    pub host: String,
    /// Exchanges.
    pub requests: u64,
    /// The first.
    pub first_seen: Time,
    /// The last.
    pub last_seen: Time,
}

/// Paths of a host that wait for one reason.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Waiting {
    /// Why: `undecided`, `denied`, `redirected`, `page`, `catch_all`, `soft_not_found`,
    /// `operational`, `static`, `only_probed`, `not_answered`, `not_found` or `failed`.
    pub reason: String,
    /// What such a path lacks.
    pub needs: String,
    /// Paths, each method counted.
    pub paths: u64,
    /// Exchanges.
    pub exchanges: u64,
    /// The first.
    pub first_seen: Time,
    /// The last.
    pub last_seen: Time,
    /// Some of the paths, the most called first.
    pub examples: Vec<Candidate>,
}

/// A path that waits.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Candidate {
    /// Its method.
    pub method: String,
    /// The path, personal and secret values replaced by `{class}`.
    pub path: String,
    /// Exchanges.
    pub exchanges: u64,
    /// The first.
    pub first_seen: Time,
    /// The last.
    pub last_seen: Time,
    /// Further consumers that must call it so that it is believed; null where consumers prove
    /// nothing.
    #[schema(required = true)]
    pub consumers_missing: Option<u64>,
}

/// All hosts.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Hosts {
    /// By name.
    pub items: Vec<Host>,
}

impl Host {
    /// A host with that many endpoints.
    pub(crate) fn new(host: &HostSnapshot, endpoints: u64) -> Self {
        Self {
            host: host.host.clone(),
            endpoints,
            requests: host.requests,
            complete_share: share(host.complete, host.requests),
            candidates: host.candidates,
            tenants: host.tenants.as_ref().map(Tenants::from),
            identity: host.identity.as_ref().map(HostIdentity::from),
            waiting: host.waiting.iter().map(Waiting::from).collect(),
        }
    }
}

impl From<&IdentitySnapshot> for HostIdentity {
    fn from(known: &IdentitySnapshot) -> Self {
        let kinds = known.kinds.iter().map(|one| IdentityKindUse {
            kind: one.kind.name().to_owned(),
            share: one.share,
            names: one.names,
            addresses_per_name: share(one.places, one.names).unwrap_or_default(),
            passed_over: one.passed_over.clone(),
        });
        Self {
            best: known.best.name().to_owned(),
            reason: known.reason.clone(),
            calls: known.calls,
            kinds: kinds.collect(),
        }
    }
}

impl From<&TenantsSnapshot> for Tenants {
    fn from(tenants: &TenantsSnapshot) -> Self {
        let hosts = tenants.hosts.iter().take(TENANTS_SHOWN);
        Self {
            count: tenants.count,
            origin: tenants.origin.name().to_owned(),
            confidence: tenants.confidence,
            reason: tenants.reason.clone(),
            is_over: tenants.is_over,
            hosts: hosts
                .map(|one| Tenant {
                    host: one.host.clone(),
                    requests: one.requests,
                    first_seen: Time(one.first_seen),
                    last_seen: Time(one.last_seen),
                })
                .collect(),
        }
    }
}

impl From<&WaitingSnapshot> for Waiting {
    fn from(waiting: &WaitingSnapshot) -> Self {
        Self {
            reason: waiting.reason.name().to_owned(),
            needs: waiting.reason.needs().to_owned(),
            paths: waiting.paths,
            exchanges: waiting.exchanges,
            first_seen: Time(waiting.first_seen),
            last_seen: Time(waiting.last_seen),
            examples: waiting.examples.iter().map(Candidate::from).collect(),
        }
    }
}

impl From<&CandidateSnapshot> for Candidate {
    fn from(one: &CandidateSnapshot) -> Self {
        Self {
            method: one.method.clone(),
            path: one.path.clone(),
            exchanges: one.exchanges,
            first_seen: Time(one.first_seen),
            last_seen: Time(one.last_seen),
            consumers_missing: one.consumers_missing,
        }
    }
}
