//! Whether hosts are tenants of one service: by what can be called on them and what it answers, by
//! the servers behind them, by how many they are, and by what their names look like.

use core::net::IpAddr;
use std::collections::{BTreeMap, BTreeSet};

use super::name;
use super::settings::TenantSettings;
use crate::endpoint::Said;
use crate::snapshot::EndpointId;

/// What one host says for itself.
#[derive(Clone, Debug)]
pub(super) struct Witness<'a> {
    pub(super) host: &'a str,
    /// The label that varies.
    pub(super) label: &'a str,
    /// What was called on it, as endpoints of all hosts together.
    pub(super) said: Vec<Said>,
    pub(super) servers: &'a BTreeSet<IpAddr>,
}

/// What the hosts of a service answer at one endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    shape: u64,
    print: u64,
    root: bool,
}

/// What a service does, by endpoint.
pub(super) type Service = BTreeMap<EndpointId, Answer>;

/// Hosts that are tenants of one service.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) hosts: Vec<String>,
    pub(super) confidence: f64,
    pub(super) reason: String,
}

/// How well a host fits a service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Fit {
    /// Share of what can be called on it that the service has.
    agreement: f64,
    /// Endpoints in common.
    common: usize,
    sightings: u64,
}

/// Share of a host's endpoints that must be the service's.
const AGREEMENT_MIN: f64 = 0.8;
/// The same among many hosts whose names look like values; their answers may differ.
const AGREEMENT_MIN_OF_MANY: f64 = 0.5;
/// Share of the hosts that have the most common endpoint which another one must be on to count.
const COMMON_SHARE: usize = 5;

/// What each host does, by endpoint.
fn answers(said: &[Said]) -> Service {
    let mut out = Service::new();
    for one in said {
        let Some(endpoint) = one.endpoint else {
            continue;
        };
        let new = Answer {
            shape: one.shape,
            print: one.print,
            root: one.root,
        };
        out.entry(endpoint)
            .and_modify(|known| {
                known.shape = if known.shape == new.shape {
                    new.shape
                } else {
                    0
                };
                known.print = if known.print == new.print {
                    new.print
                } else {
                    0
                };
            })
            .or_insert(new);
    }
    out
}

/// A service as one of its rows knows it.
pub(super) fn service_of(said: &[Said]) -> Service {
    answers(said)
}

/// What most of the hosts have in common with the endpoint that most of them have.
fn service(all: &[Service]) -> Service {
    let mut hosts: BTreeMap<EndpointId, BTreeSet<usize>> = BTreeMap::new();
    for (at, one) in all.iter().enumerate() {
        for endpoint in one.keys() {
            hosts.entry(*endpoint).or_default().insert(at);
        }
    }
    // What hangs at the root is on any host; another endpoint says more.
    let is_root = |id: &EndpointId| all.iter().any(|one| one.get(id).is_some_and(|a| a.root));
    let most = hosts
        .iter()
        .max_by_key(|(id, on)| (on.len() - usize::from(is_root(id)), *id));
    let Some((_, seed)) = most.map(|(id, on)| (*id, on.clone())) else {
        return Service::new();
    };
    let enough = seed.len().div_ceil(COMMON_SHARE).max(2);
    let common = hosts
        .iter()
        .filter(|(_, on)| on.intersection(&seed).count() >= enough);
    common
        .map(|(id, on)| {
            let of = on.iter().filter(|at| seed.contains(at));
            let known: Vec<Answer> = of.filter_map(|at| all.get(*at)?.get(id).copied()).collect();
            let answer = Answer {
                shape: usual(known.iter().map(|a| a.shape)),
                print: usual(known.iter().map(|a| a.print)),
                root: known.iter().any(|a| a.root),
            };
            (*id, answer)
        })
        .collect()
}

/// The most frequent of hashes, 0 (mixed) left out; the smallest of several.
fn usual(hashes: impl Iterator<Item = u64>) -> u64 {
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for hash in hashes.filter(|hash| *hash != 0) {
        *counts.entry(hash).or_default() += 1;
    }
    let most = counts
        .iter()
        .max_by_key(|(hash, n)| (**n, core::cmp::Reverse(**hash)));
    most.map_or(0, |(hash, _)| *hash)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of endpoints are far below 2^53"
)]
fn fit(host: &Service, sightings: u64, service: &Service) -> Fit {
    let (mut sum, mut common) = (0.0, 0);
    for (id, ours) in host {
        let Some(theirs) = service.get(id) else {
            continue;
        };
        let same = |ours: u64, theirs: u64| ours != 0 && ours == theirs;
        let alike = same(ours.shape, theirs.shape) || same(ours.print, theirs.print);
        let mixed = ours.shape == 0 || theirs.shape == 0;
        sum += match (ours.root, alike, mixed) {
            (_, true, _) | (false, _, true) => 1.0,
            (true, ..) => 0.0,
            // The path is the same, the answer is not.
            (false, ..) => 0.5,
        };
        common += usize::from(!ours.root || alike);
    }
    let agreement = if host.is_empty() {
        0.0
    } else {
        sum / host.len() as f64
    };
    Fit {
        agreement,
        common,
        sightings,
    }
}

fn sightings(said: &[Said]) -> u64 {
    said.iter().map(|one| one.seen).sum()
}

/// Whether what was seen of a host suffices to say that it is a tenant.
fn suffices(fit: Fit, many: bool, settings: &TenantSettings) -> bool {
    let enough = fit.common >= 2 && fit.sightings >= settings.min_sightings;
    let least = if many {
        AGREEMENT_MIN_OF_MANY
    } else {
        AGREEMENT_MIN
    };
    fit.common > 0 && fit.agreement >= least && (enough || many)
}

/// Whether hosts are tenants of one service, and which of them; none when they are not.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of hosts are far below 2^53"
)]
pub(super) fn judge(witnesses: &[Witness<'_>], settings: &TenantSettings) -> Option<Verdict> {
    let all: Vec<Service> = witnesses.iter().map(|w| answers(&w.said)).collect();
    let service = service(&all);
    let labels: Vec<&str> = witnesses.iter().map(|w| w.label).collect();
    let many = witnesses.len() >= settings.many_hosts && name::are_values(&labels);
    let fits = witnesses.iter().zip(&all).map(|(w, ours)| {
        let fit = fit(ours, sightings(&w.said), &service);
        (w, fit, suffices(fit, many, settings))
    });
    let tenants: Vec<(&Witness<'_>, Fit)> = fits
        .filter(|(_, _, is)| *is)
        .map(|(w, fit, _)| (w, fit))
        .collect();
    let count = tenants.len();
    if count < settings.min_hosts {
        return None;
    }
    let labels: Vec<&str> = tenants.iter().map(|(w, _)| w.label).collect();
    let values = name::are_values(&labels);
    let behind = share_of_servers(&tenants);
    let agreement = tenants.iter().map(|(_, fit)| fit.agreement).sum::<f64>() / count as f64;
    let endpoints = service
        .values()
        .filter(|a| !a.root || a.shape != 0 || a.print != 0)
        .count();
    let doubt = 2.0 / (count as f64 + 2.0)
        * if behind > 0.5 { 0.5 } else { 1.0 }
        * if values { 0.6 } else { 1.0 };
    // Few endpoints are had in common by chance, unless it is by many.
    let rich = match endpoints {
        _ if count >= settings.many_hosts => 1.0,
        0 | 1 => 0.8,
        2 => 0.95,
        _ => 1.0,
    };
    // Many whose answers differ are many all the same.
    let agreement = if many {
        1.0_f64.min(agreement + 0.4)
    } else {
        agreement
    };
    let confidence = agreement * (1.0 - doubt) * rich;
    (confidence > settings.min_confidence).then(|| Verdict {
        hosts: tenants.iter().map(|(w, _)| w.host.to_owned()).collect(),
        confidence: (confidence * 100.0).round() / 100.0,
        reason: reason(count, endpoints, behind, values),
    })
}

fn reason(count: usize, endpoints: usize, behind: f64, values: bool) -> String {
    let servers = if behind > 0.5 {
        "behind the same servers"
    } else {
        "behind servers of their own"
    };
    let names = if values {
        "names that look like values"
    } else {
        "names that differ in one label only"
    };
    let s = if endpoints == 1 { "" } else { "s" };
    format!("{count} hosts {servers} had {endpoints} endpoint{s} in common and {names}.")
}

/// Share of the hosts that have a server which another one has.
#[expect(
    clippy::cast_precision_loss,
    reason = "numbers of hosts are far below 2^53"
)]
fn share_of_servers(tenants: &[(&Witness<'_>, Fit)]) -> f64 {
    let mut hosts: BTreeMap<IpAddr, usize> = BTreeMap::new();
    for (witness, _) in tenants {
        for server in witness.servers {
            *hosts.entry(*server).or_default() += 1;
        }
    }
    let shared = |w: &Witness<'_>| {
        w.servers
            .iter()
            .any(|s| hosts.get(s).is_some_and(|n| *n > 1))
    };
    let sharing = tenants.iter().filter(|(w, _)| shared(w)).count();
    sharing as f64 / tenants.len().max(1) as f64
}

/// Which of the hosts are tenants of a service that has tenants already.
pub(super) fn joining<'a>(
    witnesses: &[Witness<'a>],
    service: &Service,
    is_crowd: bool,
    settings: &TenantSettings,
) -> Vec<&'a str> {
    let labels: Vec<&str> = witnesses.iter().map(|w| w.label).collect();
    let many = is_crowd && name::are_values(&labels);
    let is_tenant = |w: &&Witness<'a>| {
        let fit = fit(&answers(&w.said), sightings(&w.said), service);
        // Among so many one more needs no further proof than that nothing speaks against it.
        suffices(fit, many, settings) || (is_crowd && fit.common > 0 && fit.agreement >= 1.0)
    };
    witnesses.iter().filter(is_tenant).map(|w| w.host).collect()
}
