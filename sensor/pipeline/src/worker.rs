//! One worker: the data's way from a packet to a record, with no logic of its own.

use tapscope_decap::{DecapSettings, Decapsulator, Filter, RawPacket, Timestamp};
use tapscope_flow::{FeedCounts, FlowSettings, FlowTable, StreamEvent};
use tapscope_http::{ExchangeSink, HttpExchange, HttpFeedCounts, HttpSettings, HttpStage};
use tapscope_record::{Counter, ExchangeRecord, FeedCounters};
use tapscope_redact::Redactor;

use crate::health::CountedFeed;

/// Packet time between two looks at the timers. Fixed to packet time and not to batches, so that
/// a live run and a replay of the same packets do the same.
const TICK_NANOS: i64 = 100_000_000;

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

/// Takes the records of a worker.
pub trait RecordSink {
    /// Takes one record.
    fn handle_record(&mut self, record: ExchangeRecord);
}

/// The last stage of the sensor: exchanges in, records out.
pub struct Redacting<R> {
    /// Makes the record of an exchange.
    pub redact: Redactor,
    /// Takes the records.
    pub records: R,
}

impl<R: RecordSink> ExchangeSink for Redacting<R> {
    fn handle_exchange(&mut self, exchange: HttpExchange) {
        self.records.handle_record(self.redact.record(&exchange));
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
    now: Timestamp,
    next_tick: Timestamp,
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
            now: Timestamp::default(),
            next_tick: Timestamp::default(),
        }
    }

    /// C: packets from here on come from that source, counted from 0 over the run.
    pub const fn set_source(&mut self, source: u32) {
        self.flow.set_source(source);
    }

    /// C: another filter of segments from the next packet on.
    pub fn set_filter(&mut self, filter: Filter) {
        self.decap.set_filter(filter);
    }

    /// B: takes one packet all the way.
    pub fn handle_packet(&mut self, packet: RawPacket<'_>) {
        if packet.timestamp >= self.next_tick {
            self.handle_time(packet.timestamp);
        }
        let Self {
            decap,
            flow,
            http,
            sink,
            ..
        } = self;
        let Some(segment) = decap.handle_packet(packet) else {
            return;
        };
        flow.handle_segment(&segment, &mut |event: StreamEvent<'_>| {
            http.handle_event(event, sink);
        });
    }

    /// B: time has come to `now`, packets or not.
    pub fn handle_time(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
        self.next_tick = self.now + TICK_NANOS;
        let Self {
            flow,
            http,
            sink,
            now,
            ..
        } = self;
        flow.handle_time(*now, &mut |event: StreamEvent<'_>| {
            http.handle_event(event, sink);
        });
        http.handle_time(*now, sink);
    }

    /// B: the input is over: gives out everything that is held.
    pub fn flush(&mut self) {
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
    }

    /// A: the latest packet time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A: what each feed brought and lacked.
    #[must_use]
    pub fn feeds(&self) -> Vec<CountedFeed> {
        let feeds = self.flow.feeds();
        let counted = feeds.into_iter().map(|(place, key, counts)| {
            let http = self.http.feed(place);
            (key, feed_counters(&counts, &http))
        });
        counted.collect()
    }

    /// A: every counter of every stage.
    #[must_use]
    pub fn counters(&self) -> Vec<Counter> {
        let stages = [
            ("decap", self.decap.counters()),
            ("flow", self.flow.counters()),
            ("http", self.http.counters()),
        ];
        stages
            .into_iter()
            .flat_map(|(stage, counters)| {
                counters.into_iter().map(move |counter| Counter {
                    stage: stage.to_owned(),
                    name: counter.name.to_owned(),
                    reason: counter.reason,
                    value: counter.value,
                })
            })
            .collect()
    }
}

/// What two stages counted of one feed.
const fn feed_counters(flow: &FeedCounts, http: &HttpFeedCounts) -> FeedCounters {
    FeedCounters {
        segments: flow.segments,
        payload_bytes: flow.payload_bytes,
        delivered_bytes: flow.delivered_bytes,
        unseen_bytes: flow.unseen_bytes,
        unseen_gaps: flow.unseen_gaps,
        cut_bytes: flow.cut_bytes,
        truncated_segments: flow.truncated,
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
