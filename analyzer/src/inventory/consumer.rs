//! Who calls: identity from the best there is (whom a credential names, a certificate, the
//! credential, the session, the address), and a bounded book of what is known of each.

use core::net::IpAddr;
use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::due::Due;
use super::hash::hash;
use super::identity::Identities;
use super::proxies::Caller;
use super::shown::shown_address;
use crate::settings::InventorySettings;
use crate::snapshot::identity::IdentityKind;
use crate::snapshot::{Called, ConsumerId, ConsumerSnapshot, EndpointId, Nanos};
use tapscope_record::{Credential, ExchangeRecord, Word};

/// The scheme of a session cookie, which names a session rather than somebody.
const SESSION: &str = "session_cookie";

/// Known by nothing but the address.
const ADDRESS: &str = "address";

/// Known by the address and what its software sends.
const FINGERPRINT: &str = "fingerprint";

/// The scheme of what a proxy says of a client's certificate.
const CERTIFICATE: &str = "mtls";

/// Schemes whose credential is another one for each call or handshake: without a subject they name
/// nobody.
const PER_CALL: [&str; 8] = [
    "aws_sigv2",
    "aws_sigv4",
    "digest",
    "hmac",
    "negotiate",
    "ntlm",
    "oauth1",
    "signature",
];

/// Who made a call, and by what that is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Its name.
    pub id: ConsumerId,
    /// `subject`, `certificate`, `credential`, `session`, `fingerprint`, `address`.
    pub identified_by: &'static str,
    /// Who is one where proof by several is asked for: programs at one address are.
    pub witness: ConsumerId,
    token: Option<u64>,
    scheme: Option<Word>,
    /// From where, as far as it is believed.
    pub address: IpAddr,
    claimed: Option<IpAddr>,
}

impl Identity {
    /// Who made the call, from where.
    #[must_use]
    pub fn of(record: &ExchangeRecord, caller: Caller, on_host: Option<&Identities>) -> Self {
        let Caller { address, claimed } = caller;
        let credential = best_credential(record).filter(|c| names_somebody(c));
        // What names nobody on this host gives way to what does.
        let credential = match on_host {
            Some(known) if credential.is_some_and(|c| !is_used(c, known)) => {
                ranked(record).into_iter().find(|c| is_used(c, known))
            }
            _ => credential,
        };
        let (identified_by, token) = match credential {
            Some(Credential {
                scheme,
                subject: Some(subject),
                ..
            }) if scheme == CERTIFICATE => ("certificate", Some(subject.0)),
            Some(Credential {
                subject: Some(subject),
                ..
            }) => ("subject", Some(subject.0)),
            Some(c) if c.scheme == SESSION => ("session", Some(c.token.0)),
            Some(c) => ("credential", Some(c.token.0)),
            None => (ADDRESS, None),
        };
        let id = match token {
            Some(token) => named(identified_by, &token.to_be_bytes()),
            None => by_address(address),
        };
        Self {
            id,
            identified_by,
            witness: id,
            token,
            scheme: credential.map(|c| c.scheme.clone()),
            address,
            claimed,
        }
    }

    /// The program to tell calls apart by, of a call that nothing better names.
    #[must_use]
    pub fn program(&self, record: &ExchangeRecord) -> Option<u64> {
        let nameless = self.identified_by == ADDRESS;
        nameless.then_some(record.fingerprint?.0)
    }

    /// It is this program's among several at its address.
    pub fn set_program(&mut self, program: u64) {
        let witness = self.witness.0.to_be_bytes();
        self.id = ConsumerId(hash(&[
            &witness,
            FINGERPRINT.as_bytes(),
            &program.to_be_bytes(),
        ]));
        self.identified_by = FINGERPRINT;
        self.token = Some(program);
    }

    /// For people: scheme and short token, or the address, with the short token of a program there.
    #[must_use]
    pub fn label(&self) -> String {
        match (&self.scheme, self.token) {
            (Some(scheme), Some(token)) => format!("{scheme} {:08x}", token >> 32),
            (None, Some(program)) => format!("{} {:08x}", self.address, program >> 32),
            _ => self.address.to_string(),
        }
    }
}

fn named(identified_by: &str, name: &[u8]) -> ConsumerId {
    ConsumerId(hash(&[b"consumer", identified_by.as_bytes(), name]))
}

/// The name of whoever is known by an address only.
fn by_address(address: IpAddr) -> ConsumerId {
    shown_address(address, |address| named(ADDRESS, address.as_bytes()))
}

/// The kind of identity that a credential gives; none where it names nobody.
pub(super) fn kind_of(credential: &Credential) -> Option<IdentityKind> {
    if !names_somebody(credential) {
        return None;
    }
    Some(match (credential.subject, credential.scheme.as_str()) {
        (Some(_), CERTIFICATE) => IdentityKind::Certificate,
        (Some(_), _) => IdentityKind::Subject,
        (None, SESSION) => IdentityKind::Session,
        (None, _) => IdentityKind::Credential,
    })
}

/// Whether callers are told apart by the kind of a credential on a host.
fn is_used(credential: &Credential, known: &Identities) -> bool {
    kind_of(credential).is_some_and(|kind| known.uses(kind))
}

/// The credentials of a call, the best first.
fn ranked(record: &ExchangeRecord) -> Vec<&Credential> {
    let mut all: Vec<&Credential> = record.credentials.iter().collect();
    all.sort_by_key(|credential| rank(credential));
    all
}

/// A credential that names somebody, else one that is shown with each call, else a session.
fn rank(credential: &Credential) -> u8 {
    match (credential.subject.is_some(), credential.scheme == SESSION) {
        (true, _) => 0,
        (false, false) => 1,
        (false, true) => 2,
    }
}

/// Whether equal tokens of the credential mean the same caller.
fn names_somebody(credential: &Credential) -> bool {
    credential.subject.is_some() || !PER_CALL.iter().any(|scheme| credential.scheme == *scheme)
}

/// How the call was authenticated: the scheme of its best credential, or `none`.
#[must_use]
pub fn authentication(record: &ExchangeRecord) -> &str {
    best_credential(record).map_or("none", |c| c.scheme.as_str())
}

/// The best credential of a call.
fn best_credential(record: &ExchangeRecord) -> Option<&Credential> {
    record
        .credentials
        .iter()
        .min_by_key(|credential| rank(credential))
}

/// The consumers that are known.
#[derive(Debug, Default)]
pub struct ConsumerBook {
    known: HashMap<ConsumerId, ConsumerSnapshot, FixedState>,
    due: Due<ConsumerId>,
    evicted: u64,
}

impl ConsumerBook {
    /// Goes on from plain data.
    #[must_use]
    pub fn restore(snapshots: Vec<ConsumerSnapshot>) -> Self {
        Self {
            known: snapshots.into_iter().map(|c| (c.id, c)).collect(),
            ..Self::default()
        }
    }

    /// Takes in one call.
    pub fn observe(
        &mut self,
        identity: &Identity,
        record: &ExchangeRecord,
        endpoint: Option<EndpointId>,
        settings: &InventorySettings,
    ) {
        if !self.known.contains_key(&identity.id) {
            self.make_room(settings);
            self.known.insert(identity.id, fresh(identity, record.time));
        }
        let Some(consumer) = self.known.get_mut(&identity.id) else {
            return;
        };
        self.due.touch(identity.id);
        consumer.first_seen = consumer.first_seen.min(record.time);
        consumer.last_seen = consumer.last_seen.max(record.time);
        consumer.requests = consumer.requests.saturating_add(1);
        if matches!(record.status, Some(400..500)) {
            consumer.client_errors = consumer.client_errors.saturating_add(1);
        }
        let cap = settings.max_consumer_names;
        shown_address(identity.address, |address| {
            remember(&mut consumer.addresses, address, cap);
        });
        if let Some(claimed) = identity.claimed {
            shown_address(claimed, |address| {
                remember(&mut consumer.claimed_addresses, address, cap);
            });
        }
        if let Some(agent) = &record.user_agent {
            remember(&mut consumer.user_agents, &agent.product, cap);
        }
        if let Some(endpoint) = endpoint {
            count(
                &mut consumer.endpoints,
                once(endpoint, record.time),
                settings,
            );
        }
    }

    /// The addresses that proved to be proxies, and when each was last seen.
    pub fn proxies(&self) -> impl Iterator<Item = (IpAddr, Nanos)> {
        let known = self
            .known
            .values()
            .filter(|consumer| consumer.proxy.is_some());
        known.filter_map(|consumer| Some((consumer.label.parse().ok()?, consumer.last_seen)))
    }

    /// The programs that were told apart at their addresses, and when each was last seen.
    pub fn programs(&self) -> impl Iterator<Item = (IpAddr, u64, Nanos)> {
        self.known.values().filter_map(|consumer| {
            let address = consumer.addresses.last()?.parse().ok()?;
            Some((address, consumer.fingerprint?, consumer.last_seen))
        })
    }

    /// An address proved to be a proxy, for a reason, or proved to be none. What it called until
    /// then stays its own.
    pub fn set_proxy(&mut self, address: IpAddr, reason: Option<String>) {
        let id = by_address(address);
        if let Some(consumer) = self.known.get_mut(&id) {
            consumer.proxy = reason;
            self.due.touch(id);
        }
    }

    /// A call of a consumer proved to be of an endpoint after all.
    pub fn add_call(
        &mut self,
        id: ConsumerId,
        (endpoint, time): (EndpointId, Nanos),
        settings: &InventorySettings,
    ) {
        if let Some(consumer) = self.known.get_mut(&id) {
            count(&mut consumer.endpoints, once(endpoint, time), settings);
            self.due.touch(id);
        }
    }

    /// Two endpoints proved to be one.
    pub fn merge_endpoints(
        &mut self,
        gone: EndpointId,
        survivor: EndpointId,
        settings: &InventorySettings,
    ) {
        for consumer in self.known.values_mut() {
            if let Some(at) = consumer.endpoints.iter().position(|c| c.endpoint == gone) {
                let called = Called {
                    endpoint: survivor,
                    ..consumer.endpoints.remove(at)
                };
                count(&mut consumer.endpoints, called, settings);
                self.due.touch(consumer.id);
            }
        }
    }

    /// Whether changes wait for their turn.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.due.is_empty()
    }

    /// Number known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Consumers that were let go.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The ones that changed and were not taken since, by name; `room` at most.
    pub fn take_changes(&mut self, mut room: usize) -> Vec<ConsumerSnapshot> {
        self.due
            .take(&mut room)
            .iter()
            .filter_map(|id| self.known.get(id).cloned())
            .collect()
    }

    /// Bytes held, roughly, also as readers are shown them.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.known.values().map(bytes).sum()
    }

    /// Lets the ones silent longest go until so many bytes are free; returns how many went.
    pub fn give_up(&mut self, mut surplus: usize) -> u64 {
        let mut gone = 0;
        for (_, id) in self.by_age() {
            if surplus == 0 {
                break;
            }
            if let Some(consumer) = self.known.remove(&id) {
                surplus = surplus.saturating_sub(bytes(&consumer));
                gone += 1;
            }
        }
        gone
    }

    /// The ones silent longest first.
    fn by_age(&self) -> Vec<(Nanos, ConsumerId)> {
        let mut all: Vec<(Nanos, ConsumerId)> =
            self.known.values().map(|c| (c.last_seen, c.id)).collect();
        all.sort_unstable();
        all
    }

    /// Lets the ones silent longest go, several at once.
    fn make_room(&mut self, settings: &InventorySettings) {
        let cap = settings.max_consumers.max(1);
        if self.known.len() < cap {
            return;
        }
        let by_age = self.by_age();
        // At least one, at most all: the share is a setting.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a cap, clamped on the next line"
        )]
        let some = (cap as f64 * settings.consumer_eviction_share) as usize;
        for (_, id) in by_age.iter().take(some.clamp(1, cap)) {
            self.known.remove(id);
            self.evicted = self.evicted.saturating_add(1);
        }
    }
}

/// What a consumer takes, here and as readers are shown it.
fn bytes(consumer: &ConsumerSnapshot) -> usize {
    let names =
        consumer.addresses.len() + consumer.claimed_addresses.len() + consumer.user_agents.len();
    let called = consumer.endpoints.capacity() * size_of::<Called>();
    (size_of::<ConsumerSnapshot>() + NAMES_COST + names * NAME_COST + called) * 2
}

/// What a consumer's own names take, and one of the others.
const NAMES_COST: usize = 64;
const NAME_COST: usize = size_of::<String>() + 24;

fn fresh(identity: &Identity, time: Nanos) -> ConsumerSnapshot {
    ConsumerSnapshot {
        id: identity.id,
        identified_by: identity.identified_by.to_owned(),
        label: identity.label(),
        first_seen: time,
        last_seen: time,
        requests: 0,
        client_errors: 0,
        addresses: Vec::new(),
        claimed_addresses: Vec::new(),
        proxy: None,
        fingerprint: (identity.token).filter(|_| identity.identified_by == FINGERPRINT),
        user_agents: Vec::new(),
        endpoints: Vec::new(),
    }
}

/// Puts a name last, each once, the oldest let go at the cap.
fn remember(names: &mut Vec<String>, name: &str, cap: usize) {
    if names.last().is_some_and(|last| last == name) {
        return;
    }
    // The latest is the last.
    if let Some(at) = names.iter().position(|known| known == name) {
        names[at..].rotate_left(1);
        return;
    }
    names.push(name.to_owned());
    let surplus = names.len().saturating_sub(cap.max(1));
    names.drain(..surplus);
}

/// Counts an endpoint; at the cap the least called one gives its place (and its count, so that a
/// frequent newcomer is not kept out: "space saving").
fn count(endpoints: &mut Vec<Called>, called: Called, settings: &InventorySettings) {
    let same = |one: &Called| one.endpoint == called.endpoint;
    let at = if let Some(at) = endpoints.iter().position(same)
        && let Some(known) = endpoints.get_mut(at)
    {
        known.calls = known.calls.saturating_add(called.calls);
        // Of what an older store tells, the beginning is not known.
        if known.first_seen != 0 {
            known.first_seen = match called.first_seen {
                0 => 0,
                first => known.first_seen.min(first),
            };
        }
        known.last_seen = known.last_seen.max(called.last_seen);
        at
    } else if endpoints.len() < settings.max_consumer_endpoints {
        endpoints.push(called);
        endpoints.len() - 1
    } else if let Some(least) = endpoints.last_mut() {
        let calls = least.calls.saturating_add(called.calls);
        *least = Called { calls, ..called };
        endpoints.len() - 1
    } else {
        return;
    };
    // The others are in order, and this one can only have come forward.
    let order = |one: &Called| (core::cmp::Reverse(one.calls), one.endpoint);
    let (before, rest) = endpoints.split_at_mut(at);
    let Some(called) = rest.first() else { return };
    let place = before.partition_point(|one| order(one) < order(called));
    endpoints[place..=at].rotate_right(1);
}

fn once(endpoint: EndpointId, time: Nanos) -> Called {
    Called {
        endpoint,
        calls: 1,
        first_seen: time,
        last_seen: time,
    }
}
