//! Exchanges of an endpoint that were counted, and are not in what readers are shown yet. What they
//! have in common is counted for several at once, and the rest is added while it is at hand: it lies
//! all over the memory, and an endpoint is called again long after it was forgotten.
//!
//! They are taken in the order in which they came, and nothing that is learned of several at once
//! hangs on where a series begins or ends; so it changes nothing when they are taken, and whoever
//! looks takes them first.

use std::sync::Arc;

use super::{Entry, Seen, count_caller};
use crate::inventory::data;
use crate::inventory::exchange::Exchange;
use crate::inventory::minutes::Moment;
use crate::inventory::parameters::{Places, SegmentValue};
use crate::inventory::schema::Outlined;
use crate::inventory::traits::{Traits, accepted};
use crate::settings::InventorySettings;
use crate::snapshot::{ConsumerId, Nanos};
use tapscope_record::{Counts, Word};

/// Exchanges that wait, at most.
const EXCHANGES: usize = 16;

/// Exchanges of an endpoint from which on any wait: most endpoints of a network that is scanned have
/// few.
const FROM: u64 = 8;

/// Bytes that those that wait hold, at most, and one exchange more, should nobody else hold them:
/// names and shapes are the client's to choose.
const HELD_MAX: usize = 64 << 10;

/// What the list takes, roughly.
pub(super) const BYTES: usize = EXCHANGES * (size_of::<One>() + 2 * size_of::<Segment>() + 64);

/// Exchanges that wait.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    exchanges: Vec<One>,
    /// What stood in their paths, one after the other.
    segments: Vec<Segment>,
    /// Texts of these.
    texts: String,
    /// Bytes held by all of it.
    held: usize,
    /// Where the parameters of the path stand; none since the template became another one.
    places: Option<Places>,
}

/// One exchange.
#[derive(Clone, Debug)]
struct One {
    traits: Arc<Traits>,
    outlined: Outlined,
    request_classes: Counts,
    /// Of a response that was no refusal.
    response_classes: Counts,
    time: Nanos,
    latency_ns: Option<u64>,
    request_len: u64,
    response_len: u64,
    consumer: ConsumerId,
    /// How many of the segments are its.
    segments: u32,
}

/// What stood in a segment that is a parameter.
#[derive(Clone, Debug)]
struct Segment {
    number: u32,
    value: Value,
}

#[derive(Clone, Debug)]
enum Value {
    /// A text, up to there.
    Text(u32),
    Redacted(Word, u64),
}

impl Waiting {
    fn push(&mut self, exchange: Exchange<'_>, template: &str) {
        let Exchange {
            record,
            identity,
            outlined,
            traits,
            ..
        } = exchange;
        let mut segments = 0;
        if accepted(record.status) {
            let places = self.places.get_or_insert_with(|| Places::of(template));
            for (number, value) in places.values(&record.path) {
                let value = match value {
                    SegmentValue::Text(text) => {
                        self.texts.push_str(text);
                        Value::Text(u32::try_from(self.texts.len()).unwrap_or(u32::MAX))
                    }
                    SegmentValue::Redacted { class, token } => {
                        Value::Redacted(class.clone(), token)
                    }
                };
                let number = u32::try_from(number).unwrap_or(u32::MAX);
                self.segments.push(Segment { number, value });
                segments += 1;
            }
        }
        let (request, response) = (record.request.as_ref(), record.response.as_ref());
        let classes = |message: &tapscope_record::MessageRecord| message.data_classes.clone();
        let new = One {
            traits: Arc::clone(traits),
            outlined: outlined.clone(),
            request_classes: request.map(classes).unwrap_or_default(),
            // What a refusal says is no data of the endpoint.
            response_classes: (response.filter(|_| traits.succeeded))
                .map(classes)
                .unwrap_or_default(),
            time: record.time,
            latency_ns: record.latency_ns,
            request_len: request.map_or(0, |message| message.body_len),
            response_len: response.map_or(0, |message| message.body_len),
            consumer: identity.id,
            segments,
        };
        self.held += traits.bytes + outlined.bytes();
        self.exchanges.push(new);
    }

    /// The template became another one.
    pub(super) fn forget_places(&mut self) {
        self.places = None;
    }

    fn is_full(&self) -> bool {
        self.exchanges.len() >= EXCHANGES || self.held + self.texts.len() >= HELD_MAX
    }

    /// The traits of those that wait, in the order in which they came first, with how often.
    fn traits(&self) -> impl Iterator<Item = (&Traits, u64)> {
        groups(&self.exchanges, |one| Arc::as_ptr(&one.traits))
            .map(|(one, times)| (&*one.traits, times))
    }

    /// Whether a response that waits carried data of any class.
    pub(super) fn has_response_classes(&self) -> bool {
        let mut all = self.exchanges.iter();
        all.any(|one| !one.response_classes.is_empty())
    }

    /// The classes of the responses that wait.
    pub(super) fn response_classes(&self) -> impl Iterator<Item = &str> {
        let all = self.exchanges.iter();
        all.flat_map(|one| one.response_classes.names())
    }
}

/// The first exchange of each name that they have, in order, with how many have it.
fn groups<N: PartialEq>(
    all: &[One],
    name: impl Fn(&One) -> N + Clone,
) -> impl Iterator<Item = (&One, u64)> {
    all.iter().enumerate().filter_map(move |(at, one)| {
        let own = name(one);
        let (before, others) = all.split_at_checked(at)?;
        let is_first = before.iter().all(|other| name(other) != own);
        let alike = others.iter().filter(|other| name(other) == own);
        is_first.then(|| (one, alike.count() as u64))
    })
}

impl Entry {
    /// Has an exchange wait, or takes it at once.
    pub(super) fn wait(&mut self, exchange: Exchange<'_>, settings: &InventorySettings) {
        self.waiting.push(exchange, &self.at.template);
        if self.waiting.is_full() {
            self.take_waiting(settings);
        } else if self.requests < FROM {
            self.take_waiting(settings);
            self.waiting = Waiting::default();
        }
    }

    /// Takes in what waits.
    pub fn take_waiting(&mut self, settings: &InventorySettings) {
        if self.waiting.exchanges.is_empty() {
            return;
        }
        let mut waiting = core::mem::take(&mut self.waiting);
        for (traits, times) in waiting.traits() {
            self.count(traits, times, settings);
        }
        self.count_classes(&waiting.exchanges, settings);
        let mut segments = waiting.segments.drain(..);
        let mut from = 0;
        for one in waiting.exchanges.drain(..) {
            self.seen.measure(&one, settings);
            for segment in segments.by_ref().take(one.segments as usize) {
                let value = match &segment.value {
                    Value::Text(end) => {
                        let end = *end as usize;
                        let start = core::mem::replace(&mut from, end);
                        let text = waiting.texts.get(start..end);
                        SegmentValue::Text(text.unwrap_or_default())
                    }
                    Value::Redacted(class, token) => SegmentValue::Redacted {
                        class,
                        token: *token,
                    },
                };
                let parameters = &mut self.seen.parameters;
                parameters.observe_segment(segment.number as usize, value, settings);
            }
        }
        drop(segments);
        waiting.texts.clear();
        waiting.held = 0;
        self.waiting = waiting;
    }

    /// Counts so many exchanges with these traits.
    fn count(&mut self, traits: &Traits, times: u64, settings: &InventorySettings) {
        let keys = settings.max_tally_keys;
        if traits.request.is_some() && traits.succeeded {
            self.authentication_successful
                .add(&traits.scheme, times, keys);
        }
        self.seen.count(traits, times, settings);
    }

    /// Counts the classes of data, those of a request before those of its response.
    fn count_classes(&mut self, all: &[One], settings: &InventorySettings) {
        let keys = settings.max_tally_keys;
        let request = |one: &One| one.request_classes.as_slice().as_ptr();
        let response = |one: &One| one.response_classes.as_slice().as_ptr();
        let mut requests = groups(all, request).peekable();
        let mut responses = groups(all, response).peekable();
        for one in all {
            let is_it = |group: &(&One, u64)| core::ptr::eq(group.0, one);
            if let Some((_, times)) = requests.next_if(is_it) {
                let classes = &one.request_classes;
                self.seen
                    .data
                    .observe(data::REQUEST, classes, times, keys * 4);
                for class in classes.names() {
                    self.request_classes.add(class, times, keys);
                }
            }
            if let Some((_, times)) = responses.next_if(is_it) {
                let classes = &one.response_classes;
                self.seen
                    .data
                    .observe(data::RESPONSE, classes, times, keys * 4);
                for class in classes.names() {
                    self.response_classes.add(class, times, keys);
                }
            }
        }
    }
}

impl Seen {
    fn count(&mut self, traits: &Traits, times: u64, settings: &InventorySettings) {
        let keys = settings.max_tally_keys;
        let status = self.statuses.entry(traits.status.unwrap_or(0)).or_insert(0);
        *status = status.saturating_add(times);
        for (side, types) in [
            (&traits.request, &mut self.request_types),
            (&traits.response, &mut self.response_types),
        ] {
            if let Some(kind) = side.as_ref().and_then(|side| side.media_type.as_deref()) {
                types.add(kind, times, keys);
            }
        }
        if traits.request.is_some() {
            self.authentication.add(&traits.scheme, times, keys);
        }
        if accepted(traits.status) {
            self.parameters
                .count(times, &traits.headers, &traits.cookies, settings);
        }
        for one in &traits.credentials {
            self.credentials.add(&one.key, times, keys);
            if let Some(facts) = &one.jwt {
                self.tokens.observe(facts, times, keys);
            }
        }
        self.servers.add(&traits.server, times, keys);
        self.reach.count(traits.reached, times);
        self.protocols.add(&traits.protocol, times, keys);
        self.completeness.add(traits.completeness, times, keys);
        self.feeds.add(&traits.feed, times, keys);
        for point in &traits.vantage_points {
            self.vantage_points.add(point, times, keys);
        }
    }

    /// Takes in what is of one exchange alone.
    fn measure(&mut self, one: &One, settings: &InventorySettings) {
        let lengths = (one.request_len, one.response_len);
        self.schemas
            .observe(&one.traits, lengths, &one.outlined, settings);
        // Who is counted is known.
        if !count_caller(&mut self.callers, one.consumer, 1, settings.counted_callers) {
            self.consumers
                .insert(one.consumer.0, settings.exact_consumers);
        }
        if one.traits.request.is_some() {
            self.request_size.record(one.request_len);
        }
        if one.traits.response.is_some() {
            self.response_size.record(one.response_len);
        }
        if let Some(latency) = one.latency_ns {
            self.latency.record(latency);
        }
        self.minutes.observe(
            Moment {
                time: one.time,
                status: one.traits.status,
                latency_ns: one.latency_ns,
                response_bytes: one.response_len,
            },
            settings,
        );
    }
}
