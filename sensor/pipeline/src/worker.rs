//! One worker: the data's way from a packet to a record, with no logic of its own.

use std::sync::Arc;

use tapscope_decap::{DecapSettings, Decapsulator, Filter, RawPacket, Segment, Timestamp};
use tapscope_flow::{FeedCounts, FlowSettings, FlowTable, StreamEvent};
use tapscope_http::{
    ExchangeId, ExchangeSink, HttpExchange, HttpFeedCounts, HttpSettings, HttpStage,
};
use tapscope_record::{Counter, ExchangeRecord, FeedCounters, MemoryAccount};
use tapscope_redact::Redactor;

use crate::health::CountedFeed;
use crate::memory::{Account, Pressure};
use crate::owners::Owners;
use crate::pace::{Pace, TICK_NANOS, Tick};
use crate::shed::{Backlog, Shedding};

/// Settings of the stages a worker owns.
#[derive(Clone, Debug, Default)]
pub struct WorkerSettings {
    /// Decapsulation.
    pub decap: DecapSettings,
    /// Connections and reassembly.
    pub flow: FlowSettings,
    /// HTTP.
    pub http: HttpSettings,
}

impl WorkerSettings {
    /// The settings of each of `workers` workers: what is a cap on memory is divided among them.
    #[must_use]
    pub fn share(&self, workers: usize) -> Self {
        let mut share = self.clone();
        let workers = workers.max(1);
        for cap in [
            &mut share.decap.fragment_bytes_max,
            &mut share.flow.connections_max,
            &mut share.flow.half_open_bytes_max,
            &mut share.flow.held_bytes_max,
            &mut share.http.held_bytes_max,
        ] {
            *cap = cap.div_ceil(workers);
        }
        share
    }

    /// Nanoseconds of silence after which no timer of a stage is left to run.
    fn timers_nanos(&self) -> i64 {
        let idle = self
            .flow
            .idle_timeout_nanos
            .max(self.flow.empty_timeout_nanos)
            .saturating_add(self.flow.hole_grace_nanos);
        let idle = i64::try_from(idle).unwrap_or(i64::MAX);
        idle.saturating_add(self.http.response_wait_nanos_max)
            .saturating_add(TICK_NANOS)
    }
}

/// Takes the records of a worker.
pub trait RecordSink {
    /// Takes one record, with when it was reported (packet time) and its exchange's name.
    fn handle_record(&mut self, reported: Timestamp, id: ExchangeId, record: ExchangeRecord);

    /// Time has come to `now`: what was due before has been handed over.
    fn handle_watermark(&mut self, now: Timestamp);

    /// How far behind is what takes the records. What can wait for it never is.
    fn backlog(&self) -> Backlog {
        Backlog::None
    }
}

/// Exchanges that are made records of together: what reads packets and what makes records are each
/// about as large as the processor's cache for instructions, and in turns for each exchange, all of
/// it would be fetched anew for each.
const TOGETHER: usize = 16;

/// Bytes of content at which they are made records of however few they are.
const TOGETHER_BYTES: usize = 128 << 10;

/// The last stage of the sensor: exchanges in, records out.
pub struct Redacting<R> {
    /// Makes the record of an exchange.
    pub redact: Redactor,
    /// Chooses what of a live feed goes without a record; none for a feed that waits.
    pub shedding: Option<Shedding>,
    /// Takes the records.
    pub records: R,
    /// Exchanges that wait for others, and the bytes of their content.
    waiting: (Vec<HttpExchange>, usize),
}

impl<R: RecordSink> Redacting<R> {
    /// Nothing is held yet.
    #[must_use]
    pub fn new(redact: Redactor, records: R) -> Self {
        Self {
            redact,
            shedding: None,
            records,
            waiting: (Vec::with_capacity(TOGETHER), 0),
        }
    }
}

impl<R: RecordSink> ExchangeSink for Redacting<R> {
    fn handle_exchange(&mut self, exchange: HttpExchange) {
        if let Some(shedding) = &mut self.shedding
            && shedding.sheds(&exchange, self.records.backlog())
        {
            return;
        }
        let (waiting, bytes) = &mut self.waiting;
        *bytes += exchange.content_bytes();
        waiting.push(exchange);
        if waiting.len() >= TOGETHER || *bytes >= TOGETHER_BYTES {
            self.flush();
        }
    }

    fn handle_watermark(&mut self, now: Timestamp) {
        self.flush();
        self.records.handle_watermark(now);
    }

    fn flush(&mut self) {
        self.waiting.1 = 0;
        for exchange in self.waiting.0.drain(..) {
            let record = self.redact.record(&exchange);
            self.records
                .handle_record(exchange.reported, exchange.id, record);
        }
    }
}

/// The stages from packet to exchange, and what takes the exchanges: [`Redacting`] in the
/// product, the bare exchange only where a person asked for it (`tapscope exchanges`).
pub struct Worker<S> {
    decap: Decapsulator,
    flow: FlowTable,
    http: HttpStage,
    /// Takes the exchanges.
    pub sink: S,
    pace: Pace,
    /// The last tick that was run.
    ticked: Timestamp,
    /// The latest time heard of.
    now: Timestamp,
    timers_nanos: i64,
    /// What the stages may hold.
    caps: Caps,
    pressure: Pressure,
    /// The table shared with the other workers, and this worker's number in it.
    owners: Option<(Arc<Owners>, u8)>,
}

impl<S: ExchangeSink> Worker<S> {
    /// A worker that gives its exchanges to `sink`.
    #[must_use]
    pub fn new(settings: &WorkerSettings, sink: S) -> Self {
        Self {
            decap: Decapsulator::new(settings.decap.clone()),
            flow: FlowTable::new(settings.flow.clone()),
            http: HttpStage::new(settings.http.clone()),
            sink,
            pace: Pace::default(),
            ticked: Timestamp::default(),
            now: Timestamp::default(),
            timers_nanos: settings.timers_nanos(),
            caps: Caps::of(settings),
            pressure: Pressure::default(),
            owners: None,
        }
    }

    /// C: packets from here on come from that source, counted from 0 over the run.
    pub const fn set_source(&mut self, source: u32) {
        self.decap.set_source(source);
        self.flow.set_source(source);
    }

    /// C: the kernel deals packets out to this worker and others: marks its connections as its own
    /// in `owners`, by its number.
    pub fn set_owners(&mut self, owners: Arc<Owners>, number: u8) {
        self.owners = Some((owners, number));
        self.pace.set_dealt();
    }

    /// C: another filter of segments from the next packet on.
    pub fn set_filter(&mut self, filter: Filter) {
        self.decap.set_filter(filter);
    }

    /// B: takes one packet all the way.
    pub fn handle_packet(&mut self, packet: RawPacket<'_>) {
        if let Some(tick) = self.pace.tick(packet.timestamp) {
            self.handle_tick(tick);
        }
        let Self {
            decap,
            flow,
            http,
            sink,
            owners,
            ..
        } = self;
        let Some(segment) = decap.handle_packet(packet) else {
            return;
        };
        if let Some((owners, number)) = owners {
            owners.handle_segment(&segment, *number);
        }
        flow.handle_segment(&segment, &mut |event: StreamEvent<'_>| {
            http.handle_event(event, sink);
        });
    }

    /// B: takes one segment that was decapsulated elsewhere.
    pub fn handle_segment(&mut self, segment: &Segment<'_>) {
        let Self {
            flow, http, sink, ..
        } = self;
        flow.handle_segment(segment, &mut |event: StreamEvent<'_>| {
            http.handle_event(event, sink);
        });
    }

    /// B: what the feed's pace asks for, where it is kept elsewhere.
    pub fn handle_tick(&mut self, tick: Tick) {
        match tick {
            Tick::Time(now) => self.handle_time(now),
            Tick::Step => self.sink.handle_watermark(self.ticked),
        }
    }

    /// B: time has come to `now`, packets or not. The stages hear of every step on the way, so
    /// that it makes no difference whether other packets came meanwhile.
    pub fn handle_time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.pace.reach(now);
        let end = now.floor(TICK_NANOS);
        if end <= self.ticked {
            return;
        }
        let last_timer = self.ticked + self.timers_nanos;
        let mut at = self.ticked + TICK_NANOS;
        if self.flow.connections() == 0 {
            at = end;
        }
        while at < end {
            self.tick(at);
            at = if at > last_timer {
                end
            } else {
                at + TICK_NANOS
            };
        }
        self.tick(end);
    }

    /// B: the input is over: gives out everything that is held.
    pub fn flush(&mut self) {
        self.now = self.now.max(self.pace.latest());
        let Self {
            flow,
            http,
            sink,
            now,
            ..
        } = self;
        flow.flush(*now, &mut |event: StreamEvent<'_>| {
            http.handle_event(event, sink);
        });
        http.flush(*now, sink);
        sink.flush();
    }

    /// A: the latest packet time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now.max(self.pace.latest())
    }

    /// A: what each feed brought and lacked.
    #[must_use]
    pub fn feeds(&self) -> Vec<CountedFeed> {
        let feeds = self.flow.feeds();
        let counted = feeds.into_iter().map(|(place, key, counts)| {
            let http = self.http.feed(place);
            (key, feed_counters(&counts, &http))
        });
        counted.chain(undecoded_feeds(&self.decap)).collect()
    }

    /// A: every counter of every stage.
    #[must_use]
    pub fn counters(&self) -> Vec<Counter> {
        let own = |name, value| tapscope_decap::CounterValue {
            name,
            reason: None,
            value,
        };
        let own = vec![
            own("memory_emergencies_total", self.pressure.emergencies()),
            own("memory_emergencies_ended_total", self.pressure.ended()),
        ];
        [
            counters_of("decap", self.decap.counters()),
            counters_of("flow", self.flow.counters()),
            counters_of("http", self.http.counters()),
            counters_of("pipeline", own),
        ]
        .concat()
    }

    /// A: what the stages hold and may hold.
    #[must_use]
    pub fn memory(&self) -> Vec<MemoryAccount> {
        self.accounts().into_iter().map(Into::into).collect()
    }

    fn accounts(&self) -> [Account; 6] {
        let Self {
            decap,
            flow,
            http,
            caps,
            ..
        } = self;
        let connections = caps.connections;
        let standing = connections * HttpStage::CONNECTION_COST;
        [
            Account::new("fragments", decap.retained_bytes(), caps.fragments),
            Account::new("half_open", flow.half_open_bytes(), caps.half_open),
            Account::new(
                "connections",
                flow.connection_bytes(),
                connections * FlowTable::CONNECTION_COST,
            )
            .vital(),
            Account::new("reassembly", flow.retained_bytes(), caps.reassembly),
            Account::new("conversations", http.standing_bytes(), standing),
            Account::new("messages", http.held_bytes(), caps.messages).vital(),
        ]
    }

    fn tick(&mut self, at: Timestamp) {
        self.ticked = at;
        if let Some(is_on) = self.pressure.judge(&self.accounts()) {
            self.flow.set_emergency(is_on);
            self.http.set_emergency(is_on);
        }
        let Self {
            flow, http, sink, ..
        } = self;
        flow.handle_time(at, &mut |event: StreamEvent<'_>| {
            http.handle_event(event, sink);
        });
        http.handle_time(at, sink);
        sink.handle_watermark(at);
    }
}

/// What the stages of a worker may hold.
#[derive(Clone, Copy, Debug)]
struct Caps {
    fragments: usize,
    connections: usize,
    half_open: usize,
    reassembly: usize,
    messages: usize,
}

impl Caps {
    const fn of(settings: &WorkerSettings) -> Self {
        Self {
            fragments: settings.decap.fragment_bytes_max,
            connections: settings.flow.connections_max,
            half_open: settings.flow.half_open_bytes_max,
            reassembly: settings.flow.held_bytes_max,
            messages: settings.http.held_bytes_max,
        }
    }
}

/// What two stages counted of one feed.
const fn feed_counters(flow: &FeedCounts, http: &HttpFeedCounts) -> FeedCounters {
    FeedCounters {
        // Of decapsulation, which counts by itself.
        undecoded_packets: 0,
        segments: flow.segments,
        payload_bytes: flow.payload_bytes,
        delivered_bytes: flow.delivered_bytes,
        unseen_bytes: flow.unseen_bytes,
        unseen_gaps: flow.unseen_gaps,
        cut_bytes: flow.cut_bytes,
        truncated_segments: flow.truncated,
        encapsulated_segments: flow.encapsulated,
        duplicates: flow.duplicates,
        retransmissions: flow.retransmissions,
        out_of_order: flow.out_of_order,
        connections: flow.connections,
        client_only: flow.client_only,
        server_only: flow.server_only,
        one_side_only: flow.one_side_only,
        clock_steps_back: flow.clock_steps_back,
        clock_jumps: flow.clock_jumps,
        http_connections: http.connections,
        tls_streams: http.tls_streams,
        foreign_streams: http.foreign_streams,
        heads_parsed: http.heads_parsed,
        heads_tolerated: http.heads_tolerated,
        exchanges: http.exchanges,
        requests_only: http.requests_only,
        responses_only: http.responses_only,
        clock_back_nanos_max: flow.clock_back_nanos_max,
    }
}

/// What decapsulation could not open, by feed.
pub(crate) fn undecoded_feeds(decap: &Decapsulator) -> impl Iterator<Item = CountedFeed> {
    decap.undecoded().into_iter().map(|(key, packets)| {
        let counters = FeedCounters {
            undecoded_packets: packets,
            ..FeedCounters::default()
        };
        (key, counters)
    })
}

/// A stage's counters as the record's form has them.
pub(crate) fn counters_of(stage: &str, values: Vec<tapscope_decap::CounterValue>) -> Vec<Counter> {
    values
        .into_iter()
        .map(|counter| Counter {
            stage: stage.to_owned(),
            name: counter.name.to_owned(),
            reason: counter.reason,
            value: counter.value,
        })
        .collect()
}
