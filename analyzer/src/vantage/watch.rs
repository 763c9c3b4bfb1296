//! Whether there are legs at all. Where nobody hands calls on, no record has another leg to wait
//! for, and all go on as they come.
//!
//! Two legs of one call show themselves before they are compared: an address that is asked asks as
//! well, or one client's socket has two servers, or two servers were asked under one trace (what
//! `pair` demands, in a weaker form). Memory of who was seen is small and fixed; what it forgets is seen
//! again with the next call.

use core::hash::Hash;
use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;
use tapscope_record::ExchangeRecord;

use super::VantageSettings;
use crate::snapshot::Nanos;

/// An address asked.
const ASKS: u64 = 1;

/// An address was asked.
const IS_ASKED: u64 = 2;

/// Looks for signs of legs.
#[derive(Debug)]
pub(super) struct Watch {
    /// Addresses: whether they ask, are asked, or both.
    addresses: Seen,
    /// Clients' sockets: the server they asked.
    sockets: Seen,
    /// Traces: the server that was asked under them.
    traces: Seen,
    /// Records wait until this time comes; none before the first record.
    until: Option<Nanos>,
    /// Signs that came when nothing waited: of that call a leg may have gone on by itself.
    pub(super) late: u64,
}

/// What was seen with what, as far as there is room: the latest takes the place of one before it.
#[derive(Debug)]
struct Seen(Box<[(u64, u64)]>);

impl Watch {
    /// Nothing was seen yet.
    pub(super) fn new(settings: &VantageSettings) -> Self {
        Self {
            addresses: Seen::new(settings.watched_max),
            sockets: Seen::new(settings.watched_max),
            traces: Seen::new(settings.watched_max),
            until: None,
            late: 0,
        }
    }

    /// Takes in the next record; whether it and those after it are to wait.
    pub(super) fn handle_record(
        &mut self,
        record: &ExchangeRecord,
        settings: &VantageSettings,
    ) -> bool {
        let now = record.reported;
        let until = self
            .until
            .get_or_insert_with(|| now.saturating_add(settings.watch_nanos));
        let waits = now < *until;
        if self.is_sign(record) {
            self.late += u64::from(!waits);
            let until = now.saturating_add(settings.doubt_nanos);
            self.until = self.until.max(Some(until));
            return true;
        }
        waits
    }

    /// Whether records would not wait at `now`.
    pub(super) fn is_quiet(&self, now: Nanos) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    /// Whether the record and one before it may be legs of one call.
    fn is_sign(&mut self, record: &ExchangeRecord) -> bool {
        let client = hash(record.client.ip());
        let server = hash(record.server.ip());
        let asks = self.addresses.add(client, ASKS);
        let is_asked = self.addresses.add(server, IS_ASKED);
        let both = (ASKS | IS_ASKED) == asks || (ASKS | IS_ASKED) == is_asked;
        let server = hash(record.server);
        let moves = self.sockets.moves(hash(record.client), server);
        let mut is_shared = false;
        for token in &record.trace {
            is_shared |= self.traces.moves(hash(token), server);
        }
        both || moves || is_shared
    }
}

impl Seen {
    fn new(places: usize) -> Self {
        Self(vec![(0, 0); places.max(1)].into())
    }

    fn place(&mut self, key: u64) -> Option<&mut (u64, u64)> {
        let places = self.0.len() as u64;
        let at = key.checked_rem(places)?;
        self.0.get_mut(usize::try_from(at).ok()?)
    }

    /// Adds bits to what was seen with it; returns all of them.
    fn add(&mut self, key: u64, bits: u64) -> u64 {
        let Some(place) = self.place(key) else {
            return bits;
        };
        let known = if place.0 == key { place.1 } else { 0 };
        *place = (key, known | bits);
        known | bits
    }

    /// Notes what was seen with it; whether that was something else before.
    fn moves(&mut self, key: u64, with: u64) -> bool {
        let Some(place) = self.place(key) else {
            return false;
        };
        let before = core::mem::replace(place, (key, with));
        before.0 == key && before.1 != with
    }
}

fn hash(key: impl Hash) -> u64 {
    FixedState::default().hash_one(key)
}
