//! Which addresses are proxies, whose word on who calls is taken: those a person names, and those
//! that traffic shows to stand between many clients and the server.
//!
//! Anybody can send X-Forwarded-For. What sets a proxy apart is that it does so on nearly all its
//! calls, and for many clients that come again; until that has been seen, the address of the
//! connection counts and the forwarded one is a hint.

use core::net::IpAddr;
use std::collections::HashMap;

use foldhash::fast::FixedState;

use super::hash::hash;
use super::share;
use crate::settings::ProxySettings;
use crate::snapshot::Nanos;
use tapscope_record::ExchangeRecord;

/// Clients of one address that are told apart. Each has its place by its address; one that was seen
/// once gives way, so that many that come once cannot keep those out that come again.
const PLACES: usize = 64;

/// Share of the addresses let go at once when the cap is reached: one in so many.
const EVICTED_PART: usize = 10;

/// Who calls, by address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The address that counts: the connection's, or what a proxy says that is believed.
    pub address: IpAddr,
    /// What is said beyond that by somebody who is not believed.
    pub claimed: Option<IpAddr>,
}

/// What is known of the addresses that call.
#[derive(Debug, Default)]
pub struct Proxies {
    seen: HashMap<IpAddr, Sight, FixedState>,
    changed: Vec<(IpAddr, Option<String>)>,
    evicted: u64,
}

#[derive(Clone, Debug, Default)]
struct Sight {
    calls: u64,
    forwarded: u64,
    last_seen: Nanos,
    is_proxy: bool,
    /// Clients it forwarded for, and whether they came again; empty before the first.
    clients: Vec<Option<(IpAddr, bool)>>,
}

impl Proxies {
    /// Goes on with addresses that were found to be proxies before.
    #[must_use]
    pub fn restore(known: impl Iterator<Item = (IpAddr, Nanos)>) -> Self {
        let proxy = |last_seen| Sight {
            last_seen,
            is_proxy: true,
            ..Sight::default()
        };
        Self {
            seen: known.map(|(address, at)| (address, proxy(at))).collect(),
            ..Self::default()
        }
    }

    /// Who calls, and learns from the call.
    pub fn observe(&mut self, record: &ExchangeRecord, settings: &ProxySettings) -> Caller {
        let way = way_of(record);
        // What nobody can read tells neither for nor against.
        let legible = record.forwarded_way.is_none() || !way.is_empty();
        if settings.learn && legible && record.request.is_some() {
            let mut address = record.client.ip();
            for before in way.iter().rev().map(|&ip| Some(ip)).chain([None]) {
                self.learn(address, before, record.time, settings);
                match before {
                    Some(before) if self.is_proxy(address, settings) => address = before,
                    _ => break,
                }
            }
        }
        self.caller(record, settings)
    }

    /// Who calls: back along the way as long as the word of the one who says it is taken.
    #[must_use]
    pub fn caller(&self, record: &ExchangeRecord, settings: &ProxySettings) -> Caller {
        let mut address = record.client.ip();
        for &before in way_of(record).iter().rev() {
            if !self.is_proxy(address, settings) {
                return Caller {
                    address,
                    claimed: Some(before),
                };
            }
            address = before;
        }
        Caller {
            address,
            claimed: None,
        }
    }

    /// Number of proxies found by what they do.
    #[must_use]
    pub fn found(&self) -> u64 {
        self.seen.values().filter(|sight| sight.is_proxy).count() as u64
    }

    /// Bytes held, roughly.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let clients = self.seen.values().map(|sight| sight.clients.capacity());
        let client = size_of::<Option<(IpAddr, bool)>>();
        self.seen.len() * (size_of::<Sight>() + 32) + clients.sum::<usize>() * client
    }

    /// Addresses that were let go.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Addresses that proved to be a proxy, with the reason, and those that proved to be none, since
    /// the last call.
    pub fn take_changes(&mut self) -> Vec<(IpAddr, Option<String>)> {
        core::mem::take(&mut self.changed)
    }

    fn is_proxy(&self, address: IpAddr, settings: &ProxySettings) -> bool {
        settings.trusted.iter().any(|net| net.contains(address))
            || settings.learn && self.seen.get(&address).is_some_and(|sight| sight.is_proxy)
    }

    fn learn(
        &mut self,
        address: IpAddr,
        before: Option<IpAddr>,
        time: Nanos,
        settings: &ProxySettings,
    ) {
        if !self.seen.contains_key(&address) {
            self.make_room(settings);
        }
        let sight = self.seen.entry(address).or_default();
        sight.last_seen = sight.last_seen.max(time);
        sight.count(before, settings);
        let forwards = share(sight.forwarded, sight.calls);
        let clients = sight.clients_again();
        if sight.is_proxy {
            let enough = settings.min_clients as u64 * 2;
            if sight.calls >= enough && forwards < settings.stays_share {
                *sight = Sight {
                    last_seen: sight.last_seen,
                    ..Sight::default()
                };
                self.changed.push((address, None));
            }
        } else if clients >= settings.min_clients && forwards >= settings.min_share {
            sight.is_proxy = true;
            let reason = format!(
                "forwards for {clients} clients that came again, on {:.0} % of its calls",
                forwards * 100.0
            );
            self.changed.push((address, Some(reason)));
        }
    }

    /// Lets the ones go that were silent longest, those that never forwarded anything first.
    fn make_room(&mut self, settings: &ProxySettings) {
        let cap = settings.max_addresses.max(1);
        if self.seen.len() < cap {
            return;
        }
        let mut order: Vec<_> = (self.seen.iter())
            .map(|(ip, s)| (s.is_proxy, !s.clients.is_empty(), s.last_seen, *ip))
            .collect();
        order.sort_unstable();
        for (_, _, _, address) in order.iter().take((cap / EVICTED_PART).max(1)) {
            self.seen.remove(address);
            self.evicted = self.evicted.saturating_add(1);
        }
    }
}

impl Sight {
    fn count(&mut self, before: Option<IpAddr>, settings: &ProxySettings) {
        // What was long ago weighs less, so that an address that changes hands is judged anew.
        if self.calls >= settings.memory {
            self.calls /= 2;
            self.forwarded /= 2;
        }
        self.calls = self.calls.saturating_add(1);
        let Some(client) = before else { return };
        self.forwarded = self.forwarded.saturating_add(1);
        if self.clients.is_empty() {
            self.clients.resize(PLACES, None);
        }
        let name = hash(&[b"forwarded", client.to_string().as_bytes()]);
        let place = usize::try_from(name % PLACES as u64).unwrap_or_default();
        let Some(place) = self.clients.get_mut(place) else {
            return;
        };
        match place {
            Some((known, again)) if *known == client => *again = true,
            Some((_, true)) => {}
            _ => *place = Some((client, false)),
        }
    }

    /// Clients it forwarded for more than once.
    fn clients_again(&self) -> usize {
        let again = self.clients.iter().flatten().filter(|(_, again)| *again);
        again.count()
    }
}

/// The way of a call, the nearest last; of a record that does not tell it, the outermost.
pub(crate) fn way_of(record: &ExchangeRecord) -> &[IpAddr] {
    match &record.forwarded_way {
        Some(way) => way,
        None => record.forwarded_for.as_slice(),
    }
}

#[cfg(test)]
mod tests;
