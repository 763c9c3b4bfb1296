//! By what callers are told apart on a host: learned from how many calls carry each kind of
//! identity, how many names it has, and from how many addresses each name comes.
//!
//! Of what a call carries the best is whom a credential names, a certificate, the credential
//! itself, the session, and the address last. On some hosts that is wrong: one key that every
//! client ships names the application and not who calls, and a token that is another one for each
//! call names nobody. Such kinds are passed over there, as soon as that is clear.

use core::net::IpAddr;

use super::distinct::Distinct;
use super::hash::hash;
use super::share;
use crate::settings::IdentitySettings;
use crate::snapshot::identity::{IdentityKind, IdentitySnapshot, KindSnapshot};
use tapscope_record::{Credential, ExchangeRecord};

/// Names counted exactly before a sketch takes over.
const EXACT: usize = 64;

/// What is known of one kind on a host.
#[derive(Clone, Debug, Default)]
struct Seen {
    calls: u64,
    names: Distinct,
    /// Names with the addresses they come from.
    places: Distinct,
    /// Why it is passed over; none while it is used.
    passed: Option<String>,
}

/// By what callers are told apart on one host.
#[derive(Clone, Debug, Default)]
pub struct Identities {
    calls: u64,
    kinds: [Seen; 5],
    /// Calls when the kinds were last judged.
    judged: u64,
}

impl Identities {
    /// Takes in what a call carries.
    pub fn observe(
        &mut self,
        record: &ExchangeRecord,
        address: IpAddr,
        settings: &IdentitySettings,
    ) {
        self.calls = self.calls.saturating_add(1);
        if !record.credentials.is_empty() {
            let from = from(address);
            for credential in &record.credentials {
                let Some((kind, name)) = kind_of(credential) else {
                    continue;
                };
                let Some(seen) = self.kinds.get_mut(kind as usize) else {
                    continue;
                };
                seen.calls = seen.calls.saturating_add(1);
                seen.names.insert(name, EXACT);
                seen.places
                    .insert(hash(&[&name.to_be_bytes(), &from.to_be_bytes()]), EXACT);
            }
        }
        // Each time half as many more are in, so that judging costs little and converges.
        if self.calls >= settings.min_calls && self.calls >= self.judged + self.judged / 2 {
            self.judge(settings);
        }
    }

    /// A call that nothing but its program tells apart from others at its address.
    pub fn observe_program(&mut self, consumer: u64) {
        if let Some(seen) = self.kinds.get_mut(IdentityKind::Fingerprint as usize) {
            seen.calls = seen.calls.saturating_add(1);
            seen.names.insert(consumer, EXACT);
            seen.places.insert(consumer, EXACT);
        }
    }

    /// Judges each kind by what was seen of all.
    fn judge(&mut self, settings: &IdentitySettings) {
        self.judged = self.calls;
        let known: Vec<(u64, u64, u64)> = self
            .kinds
            .iter()
            .map(|seen| (seen.calls, seen.names.count(), seen.places.count()))
            .collect();
        for (at, seen) in self.kinds.iter_mut().enumerate() {
            let (calls, names, places) = (seen.calls, seen.names.count(), seen.places.count());
            seen.passed = None;
            if calls < settings.min_calls {
                continue;
            }
            // A session that changes with each call is no more than a call either.
            if share(names, calls) >= settings.fleeting_share {
                seen.passed = Some(format!(
                    "{names} names on {calls} calls: another one each time"
                ));
                continue;
            }
            // Whether something that comes after it tells apart what it does not.
            let finer = known.iter().enumerate().skip(at + 1).any(|(_, other)| {
                other.0.saturating_mul(2) >= calls
                    && other.1 >= names.saturating_mul(settings.finer_times)
                    && share(other.1, other.0) < settings.fleeting_share
            });
            let shared = names > 0 && places / names >= settings.shared_addresses;
            if finer && shared {
                let each = places / names;
                let s = if names == 1 { "" } else { "s" };
                seen.passed = Some(format!(
                    "{names} name{s} from {each} addresses each: shared by those who call"
                ));
            }
        }
    }

    /// Whether callers are told apart by that kind.
    #[must_use]
    pub fn uses(&self, kind: IdentityKind) -> bool {
        let seen = self.kinds.get(kind as usize);
        seen.is_none_or(|seen| seen.passed.is_none())
    }

    /// What is known, for people; none of a host without calls.
    #[must_use]
    pub fn snapshot(&self) -> Option<IdentitySnapshot> {
        let mut kinds = Vec::new();
        let mut best: Option<(IdentityKind, f64)> = None;
        for (kind, seen) in IdentityKind::ALL.iter().map(|row| row.0).zip(&self.kinds) {
            if seen.calls == 0 {
                continue;
            }
            let covered = share(seen.calls, self.calls.max(seen.calls));
            if seen.passed.is_none() && best.is_none_or(|(_, most)| covered > most * 2.0) {
                best = Some((kind, covered));
            }
            kinds.push(KindSnapshot {
                kind,
                share: covered,
                calls: seen.calls,
                names: seen.names.count(),
                places: seen.places.count(),
                passed_over: seen.passed.clone(),
                names_state: seen.names.state(),
                places_state: seen.places.state(),
            });
        }
        (self.calls > 0).then(|| {
            let (kind, covered) = best.unwrap_or((IdentityKind::Address, 1.0));
            IdentitySnapshot {
                best: kind,
                reason: reason(kind, covered, &kinds),
                calls: self.calls,
                kinds,
            }
        })
    }

    /// Goes on from what was saved.
    #[must_use]
    pub fn restore(saved: &IdentitySnapshot) -> Self {
        let mut new = Self {
            calls: saved.calls,
            judged: saved.calls,
            ..Self::default()
        };
        for one in &saved.kinds {
            if let Some(seen) = new.kinds.get_mut(one.kind as usize) {
                *seen = Seen {
                    calls: one.calls,
                    names: Distinct::restore(&one.names_state),
                    places: Distinct::restore(&one.places_state),
                    passed: one.passed_over.clone(),
                };
            }
        }
        new
    }

    /// Takes over what is known of a host that proved to be the same service.
    pub fn merge(&mut self, other: &Self, settings: &IdentitySettings) {
        self.calls = self.calls.saturating_add(other.calls);
        for (ours, theirs) in self.kinds.iter_mut().zip(&other.kinds) {
            ours.calls = ours.calls.saturating_add(theirs.calls);
            ours.names.merge(&theirs.names, EXACT);
            ours.places.merge(&theirs.places, EXACT);
        }
        if self.calls >= settings.min_calls {
            self.judge(settings);
        }
    }
}

fn reason(kind: IdentityKind, covered: f64, kinds: &[KindSnapshot]) -> String {
    let mut out = match kinds.iter().find(|one| one.kind == kind) {
        Some(one) => format!(
            "{} tell {} callers apart on {:.0} % of the calls",
            kind.plural(),
            one.names,
            covered * 100.0
        ),
        None => {
            "No call carries anything that names its caller; addresses are what there is".into()
        }
    };
    for one in kinds {
        if let Some(why) = &one.passed_over {
            out.push_str(&format!("; {} are passed over ({why})", one.kind.plural()));
        }
    }
    out.push('.');
    out
}

/// The kind of a credential and the name it gives; none of one that names nobody.
fn kind_of(credential: &Credential) -> Option<(IdentityKind, u64)> {
    let kind = super::consumer::kind_of(credential)?;
    let name = match kind {
        IdentityKind::Subject | IdentityKind::Certificate => credential.subject.map(|s| s.0),
        _ => Some(credential.token.0),
    };
    Some((kind, name?))
}

fn from(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(v4) => hash(&[&v4.octets()]),
        IpAddr::V6(v6) => hash(&[&v6.octets()]),
    }
}
