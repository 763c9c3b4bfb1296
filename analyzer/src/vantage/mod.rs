//! Legs → exchanges: a call that passes a proxy or a load balancer is seen twice when the mirror
//! covers both sides of it, and is one call. The leg nearest to the client stays as the exchange,
//! the others become its vantage points.
//!
//! Records wait for a short span of packet time, in which both legs of a call come in, as long as
//! there are signs of legs at all (`watch`). Two are joined only when one can be nothing but the other's continuation (`pair`), and only when
//! each is the other's single candidate: two calls must never become one. What is not joined goes
//! on as it came, in the order in which it came.

mod index;

mod pair;

mod watch;

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _};

use foldhash::fast::FixedState;
use index::Index;
use tapscope_record::{ExchangeRecord, Token, VantagePoint};
use watch::Watch;

use crate::snapshot::Nanos;

/// How long records wait for their other legs, and what may wait.
#[derive(Clone, Debug)]
pub struct VantageSettings {
    /// Packet time that a record waits after it was reported; 0 joins nothing. The legs of a call
    /// end within the time that a proxy takes to hand on the last bytes.
    pub hold_nanos: Nanos,
    /// Packet time in which signs of legs are looked for before records stop waiting: a proxy shows
    /// itself with the first call that passes it.
    pub watch_nanos: Nanos,
    /// Packet time for which records wait after the latest sign of a leg. Each time that they stop
    /// too early, one call may be counted twice.
    pub doubt_nanos: Nanos,
    /// Addresses, sockets and traces each that are remembered to tell signs of legs.
    pub watched_max: usize,
    /// Records that wait at once; beyond it the oldest goes on early.
    pub records_max: usize,
    /// Bytes of the records that wait, by estimate; beyond it the oldest goes on early.
    pub bytes_max: usize,
    /// Records that may ask for the same and be looked through for a leg; among more, none could
    /// be told for certain.
    pub alike_max: usize,
    /// Legs kept of one exchange; no call passes more proxies.
    pub legs_max: usize,
}

impl Default for VantageSettings {
    fn default() -> Self {
        Self {
            hold_nanos: 100_000_000,
            watch_nanos: 1_000_000_000,
            doubt_nanos: 60_000_000_000,
            watched_max: 4_096,
            records_max: 32_768,
            bytes_max: 32 << 20,
            alike_max: 256,
            legs_max: 8,
        }
    }
}

/// One record that waits.
#[derive(Debug)]
struct Held {
    record: Box<ExchangeRecord>,
    /// What it asks for and got; none for what cannot be a leg.
    content: Option<u64>,
    weight: usize,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    joined: u64,
    ambiguous: u64,
    early: u64,
}

/// Joins the legs of exchanges. Methods are of four kinds: A getters, B `handle_*` inputs,
/// C commands, D `take_*` outputs.
#[derive(Debug)]
pub struct Legs {
    settings: VantageSettings,
    /// In the order in which they came; a place whose record was joined is empty.
    held: VecDeque<Option<Held>>,
    /// The number of the first place.
    first: u64,
    bytes: usize,
    by_content: Index<u64>,
    by_trace: Index<Token>,
    ready: VecDeque<Box<ExchangeRecord>>,
    watch: Watch,
    counts: Counts,
}

impl Legs {
    /// Nothing waits.
    #[must_use]
    pub fn new(settings: VantageSettings) -> Self {
        Self {
            watch: Watch::new(&settings),
            settings,
            held: VecDeque::new(),
            first: 0,
            bytes: 0,
            by_content: Index::default(),
            by_trace: Index::default(),
            ready: VecDeque::new(),
            counts: Counts::default(),
        }
    }

    /// A: the packet time up to which nothing waits when time has come to `now`.
    #[must_use]
    pub fn settled(&self, now: Nanos) -> Nanos {
        if self.held.is_empty() && self.watch.is_quiet(now) {
            now
        } else {
            self.due(now)
        }
    }

    /// What was reported before that time has waited long enough.
    fn due(&self, now: Nanos) -> Nanos {
        now.saturating_sub(self.settings.hold_nanos)
    }

    /// A: what was counted: (name, reason, count). A reason is set where something was not done.
    #[must_use]
    pub fn counters(&self) -> Vec<(String, Option<String>, u64)> {
        let lost = |why: &str, n| ("legs_not_joined".to_owned(), Some(why.to_owned()), n);
        vec![
            ("legs_joined".to_owned(), None, self.counts.joined),
            lost("ambiguous", self.counts.ambiguous),
            lost("released_early", self.counts.early),
            lost("not_expected", self.watch.late),
            ("records_held".to_owned(), None, self.held.len() as u64),
        ]
    }

    /// A: bytes of the records that wait, and what they may be.
    #[must_use]
    pub const fn memory(&self) -> (usize, usize) {
        (self.bytes, self.settings.bytes_max)
    }

    /// B: takes one record, in the order in which they were reported.
    pub fn handle_record(&mut self, record: impl Into<Box<ExchangeRecord>>) {
        let record = record.into();
        if self.settings.hold_nanos <= 0 || record.reported == 0 {
            self.ready.push_back(record);
            return;
        }
        self.handle_time(record.reported);
        if !self.watch.handle_record(&record, &self.settings) {
            self.flush();
            self.ready.push_back(record);
            return;
        }
        let content = pair::is_leg(&record).then(|| content(&record));
        let number = self.first + self.held.len() as u64;
        if let Some(content) = content {
            self.by_content.add(content, number);
            for token in &record.trace {
                self.by_trace.add(*token, number);
            }
        }
        let weight = weight(&record);
        self.bytes = self.bytes.saturating_add(weight);
        self.held.push_back(Some(Held {
            record,
            content,
            weight,
        }));
        while self.held.len() > self.settings.records_max || self.bytes > self.settings.bytes_max {
            self.counts.early += u64::from(matches!(self.held.front(), Some(Some(_))));
            self.release();
        }
    }

    /// B: packet time has come to `now`: what has waited long enough goes on.
    pub fn handle_time(&mut self, now: Nanos) {
        let due = self.due(now);
        loop {
            match self.held.front() {
                None => return,
                Some(Some(front)) if front.record.reported >= due => return,
                Some(_) => self.release(),
            }
        }
    }

    /// C: nothing more comes: everything goes on.
    pub fn flush(&mut self) {
        while !self.held.is_empty() {
            self.release();
        }
    }

    /// D: the next record that has waited long enough.
    pub fn take_record(&mut self) -> Option<Box<ExchangeRecord>> {
        self.ready.pop_front()
    }

    /// Decides on the record that came first and lets it go.
    fn release(&mut self) {
        let number = self.first;
        // Most ask for what nobody else asks for at the time.
        let content = self.at(number).and_then(|held| held.content);
        if content.is_some_and(|content| self.by_content.of(content).len() > 1) {
            self.join(number);
        }
        if let Some(held) = self.remove(number) {
            self.ready.push_back(held.record);
        }
        self.held.pop_front();
        self.first += 1;
    }

    /// Joins the record to the leg before it, or the legs behind it to the record.
    fn join(&mut self, number: u64) {
        let parents = self.nearest(number, pair::leads_to);
        match parents[..] {
            [parent] if self.is_only_child(parent, number) => {
                self.merge(number, parent);
                return;
            }
            [] => {}
            _ => self.counts.ambiguous += 1,
        }
        // A leg behind this one may have been reported later: bytes that waited for a hole.
        for _ in 0..self.settings.legs_max {
            let children = self.nearest(number, |child, own| pair::leads_to(own, child));
            let [child] = children[..] else {
                self.counts.ambiguous += u64::from(children.len() > 1);
                return;
            };
            if self.nearest(child, pair::leads_to)[..] != [number] {
                return;
            }
            self.merge(child, number);
        }
    }

    fn is_only_child(&self, parent: u64, child: u64) -> bool {
        let children = self.nearest(parent, |child, own| pair::leads_to(own, child));
        children[..] == [child]
    }

    /// The records that are linked to `number` with none of the others between. `leads` says
    /// whether its first argument, a candidate, is linked to the second on the side asked for.
    fn nearest(
        &self,
        number: u64,
        leads: impl Fn(&ExchangeRecord, &ExchangeRecord) -> bool,
    ) -> Vec<u64> {
        let Some(own) = self.at(number) else {
            return Vec::new();
        };
        let alike = own.content.map(|content| self.by_content.of(content));
        let traced = own
            .record
            .trace
            .iter()
            .map(|token| self.by_trace.of(*token));
        // Most are linked to none: then nothing is collected.
        let mut linked: Vec<(u64, &Held)> = (traced.chain(alike))
            .filter(|list| list.len() <= self.settings.alike_max)
            .flatten()
            .filter(|other| **other != number)
            .filter_map(|other| Some((*other, self.at(*other)?)))
            .filter(|(_, other)| other.content == own.content && leads(&other.record, &own.record))
            .collect();
        linked.sort_unstable_by_key(|(other, _)| *other);
        linked.dedup_by_key(|(other, _)| *other);
        let between = |far: &Held| {
            linked.iter().any(|(_, near)| {
                leads(&far.record, &near.record) && leads(&near.record, &own.record)
            })
        };
        let nearest = linked.iter().filter(|(_, far)| !between(far));
        nearest.map(|(number, _)| *number).collect()
    }

    /// Makes one record a vantage point of another.
    fn merge(&mut self, leg: u64, into: u64) {
        let Some(gone) = self.remove(leg) else { return };
        let legs_max = self.settings.legs_max;
        let Some(Some(kept)) = self.place(into).and_then(|at| self.held.get_mut(at)) else {
            return;
        };
        let point = VantagePoint {
            id: gone.record.id.to_string(),
            client: gone.record.client,
            server: gone.record.server,
        };
        let points = &mut kept.record.vantage;
        let more = std::iter::once(point).chain(gone.record.vantage);
        points.extend(more.take(legs_max.saturating_sub(points.len())));
        self.counts.joined += 1;
    }

    fn place(&self, number: u64) -> Option<usize> {
        usize::try_from(number.checked_sub(self.first)?).ok()
    }

    fn at(&self, number: u64) -> Option<&Held> {
        self.held.get(self.place(number)?)?.as_ref()
    }

    /// Takes a record out, and out of the indexes.
    fn remove(&mut self, number: u64) -> Option<Held> {
        let place = self.place(number)?;
        let held = self.held.get_mut(place)?.take()?;
        self.bytes = self.bytes.saturating_sub(held.weight);
        if let Some(content) = held.content {
            self.by_content.forget(content, number);
            for token in &held.record.trace {
                self.by_trace.forget(*token, number);
            }
        }
        Some(held)
    }
}

/// What a call asks for and is answered with: equal on all its legs.
fn content(record: &ExchangeRecord) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    record.method.hash(&mut hasher);
    record.path.hash(&mut hasher);
    record.trailing_slash.hash(&mut hasher);
    for parameter in &record.query {
        parameter.name.hash(&mut hasher);
        parameter.value.token.hash(&mut hasher);
    }
    record.operation.hash(&mut hasher);
    record.status.hash(&mut hasher);
    record
        .request
        .as_ref()
        .map(|m| m.body_len)
        .hash(&mut hasher);
    hasher.finish()
}

/// What the shape of a body takes for each byte that was read of it: some 130 bytes a field, which
/// takes some 20 itself.
const SHAPE_BYTES_PER_BYTE: usize = 6;

/// About how many bytes a record takes. Shapes are told by what they were read from: they may be
/// large, and counting their fields is not worth it.
fn weight(record: &ExchangeRecord) -> usize {
    let messages = record.request.iter().chain(&record.response);
    let of_messages: usize = messages
        .map(|message| {
            let read = message.inspected_len.max(message.decoded_len);
            let read = message.shape.as_ref().map_or(0, |_| read);
            let shape = usize::try_from(read).unwrap_or(usize::MAX);
            let shape = shape.saturating_mul(SHAPE_BYTES_PER_BYTE);
            (40 * message.header_names.len()).saturating_add(shape)
        })
        .fold(0, usize::saturating_add);
    (size_of::<ExchangeRecord>()
        + 64 * (record.path.len() + record.matrix.len() + record.query.len()))
    .saturating_add(of_messages)
}

#[cfg(test)]
mod tests;
