//! HTTP/2 (RFC 9113): the state of one connection, from its start or joined midway.
//!
//! Each direction is made into frames; fields and content go to their stream, which is reported
//! when both its messages are over. An exchange that stays open is reported once, as it stands,
//! after a time, and what comes of it later is passed over, so that nothing is counted twice.

/// Header compression.
mod hpack;

/// Frame headers.
mod frame;

/// Frames found again.
mod resync;

/// Field blocks.
mod block;

/// Bytes of one direction.
mod direction;

/// Fields as heads.
mod head;

/// Exchanges.
mod stream;

/// Frames as they come.
mod receive;

/// What floods look like.
mod flood;

use std::collections::{BTreeMap, VecDeque};

use tapscope_flow::{Side, Timestamp};

use crate::anomaly::MessageAnomaly;
use crate::chunk::Chunk;
use crate::conversation::{Context, Facts, Finished};
use crate::counters::Counter;
use crate::exchange::{BodyEnd, ExchangeSink};
use crate::http2::direction::{Direction, Item};
use crate::http2::flood::Floods;
use crate::http2::hpack::FieldList;
use crate::http2::resync::{EVIDENCE_OF_PROTOCOL, EVIDENCE_WITHIN, Search};
use crate::http2::stream::Stream;
use crate::settings::HttpSettings;

/// Streams that the client reset and whose response may be on its way.
const CANCELLED_MAX: usize = 128;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    a: Direction,
    b: Direction,
    client: Option<Side>,
    streams: BTreeMap<u32, Stream>,
    /// Streams that the client reset lately; some of them are reported already.
    cancelled: VecDeque<u32>,
    /// The highest stream that a client's fields came on.
    stream_max: u32,
    /// A gap in the client's direction was not judged yet.
    is_client_gap_open: bool,
    /// The host when all requests named one; the flag says that they named several.
    host: (Vec<u8>, bool),
    floods: Floods,
    /// Fields of the block being read, kept for its room.
    list: FieldList,
    /// Bytes held in heads and samples of streams.
    held: usize,
    /// When the oldest stream that is not reported began, or before.
    oldest: Option<Timestamp>,
    /// When the oldest stream of messages began that is to be reported while it is open, or before.
    oldest_to_open: Option<Timestamp>,
    /// HTTP/2 was counted.
    is_counted: bool,
}

impl Connection {
    /// A connection that may speak HTTP/2.
    pub(crate) fn detecting(facts: &Facts, settings: &HttpSettings) -> Self {
        let is_whole = facts.from_start;
        Self::new(
            Direction::unknown(is_whole, settings),
            Direction::unknown(is_whole, settings),
            facts.initiator,
        )
    }

    /// A connection that was switched to HTTP/2 by 101 (RFC 7540 section 3.2): stream 1 is the
    /// request that asked for it.
    pub(crate) fn upgraded(
        client: Side,
        exchange: Option<&Finished>,
        settings: &HttpSettings,
    ) -> Self {
        let of_client = Direction::before_preface(settings);
        let of_server = Direction::at_start(settings);
        let (a, b) = match client {
            Side::A => (of_client, of_server),
            Side::B => (of_server, of_client),
        };
        let mut connection = Self::new(a, b, Some(client));
        if let Some(request) = exchange.and_then(|exchange| exchange.request.as_ref()) {
            let mut stream = Stream::default();
            connection.held += stream.upgrade(request);
            connection.oldest = Some(request.started);
            connection.streams.insert(1, stream);
            connection.stream_max = 1;
        }
        connection
    }

    fn new(a: Direction, b: Direction, client: Option<Side>) -> Self {
        Self {
            a,
            b,
            client,
            streams: BTreeMap::new(),
            cancelled: VecDeque::new(),
            stream_max: 0,
            is_client_gap_open: false,
            host: (Vec::new(), false),
            floods: Floods::default(),
            list: FieldList::default(),
            held: 0,
            oldest: None,
            oldest_to_open: None,
            is_counted: false,
        }
    }

    /// The head of the client's preface was read as HTTP/1 would; what follows is the rest of it.
    pub(crate) fn begin_behind_preface_head(&mut self, client: Side, settings: &HttpSettings) {
        self.client = Some(client);
        *self.direction(client) = Direction::behind_preface_head(settings);
        let server = self.direction(client.other());
        if server.is_fresh() {
            *server = Direction::at_start(settings);
        }
    }

    /// Whether frames were found.
    pub(crate) const fn is_recognised(&self) -> bool {
        self.a.is_found || self.b.is_found
    }

    /// Looks for frames no more.
    pub(crate) fn give_up(&mut self) {
        self.a.give_up();
        self.b.give_up();
    }

    /// Whether so many bytes were searched in vain that it is something else.
    pub(crate) fn is_hopeless(&self, settings: &HttpSettings) -> bool {
        let searched = self.a.searched().max(self.b.searched());
        !self.is_recognised() && searched > settings.http2_detect_bytes_max
    }

    /// Bytes held in heads, samples, tables and unfinished frames.
    pub(crate) fn held(&self) -> usize {
        let streams = self.streams.len() * size_of::<Stream>();
        self.held + streams + self.a.held() + self.b.held()
    }

    /// When to look for what waits too long, if anything waits.
    pub(crate) fn deadline(&self, settings: &HttpSettings) -> Option<Timestamp> {
        let wait = settings
            .response_wait_nanos_max
            .min(settings.open_exchange_nanos_max);
        self.oldest.map(|oldest| oldest + wait)
    }

    /// When to report a stream of messages that goes on, if there is any.
    pub(crate) fn opening(&self, settings: &HttpSettings) -> Option<Timestamp> {
        self.oldest_to_open
            .map(|oldest| oldest + settings.opening_nanos_max)
    }

    const fn direction(&mut self, side: Side) -> &mut Direction {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    fn is_client(&self, side: Side) -> bool {
        self.client == Some(side)
    }

    /// In-order bytes of one side.
    pub(crate) fn data<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) {
        let mut rest = chunk;
        // What is found again is read at once, and nothing more can be found in it than frames.
        while !rest.bytes.is_empty() || self.direction(side).has_more() {
            let evidence_min = if self.is_recognised() {
                EVIDENCE_WITHIN
            } else {
                EVIDENCE_OF_PROTOCOL
            };
            let Self { a, b, streams, .. } = self;
            let direction = match side {
                Side::A => a,
                Side::B => b,
            };
            let search = Search {
                evidence_min,
                held_max: cx.settings.http2_resync_bytes_max,
                is_known_stream: &|stream| streams.contains_key(&stream),
            };
            let (taken, item) =
                direction.read(rest.bytes, rest.is_event_start, search, cx.settings);
            let at = rest.at.captured;
            match item {
                Item::More => {}
                Item::Preface => self.client = Some(side),
                Item::DataStart(header) => self.data_starts(cx, side, header),
                Item::Data(stream, bytes) => self.content(cx, side, stream, bytes, at),
                Item::DataEnd(header) => self.data_ends(cx, side, header),
                Item::Frame(frame) => self.frame(cx, side, &frame, at),
                Item::Broken => self.lose(cx, side, Counter::LostGarbage),
                Item::Found(bytes) => {
                    self.count(cx);
                    cx.counters.count(Counter::Found);
                    let skipped = chunk.bytes.len().saturating_sub(bytes.len());
                    cx.counters.add(Counter::SkippedBytes, skipped as u64);
                    let found = Chunk {
                        at: rest.at,
                        bytes: &bytes,
                        is_event_start: false,
                    };
                    self.data_found(cx, side, found);
                }
            }
            rest = rest.skip(taken);
        }
        self.count(cx);
    }

    /// Reads bytes that were held. Should they turn out to be no frames after all, the search goes
    /// on with later bytes: it never looks at bytes twice.
    fn data_found<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        found: Chunk<'_>,
    ) {
        let mut rest = found;
        while !rest.bytes.is_empty() || self.direction(side).has_more() {
            let search = Search {
                evidence_min: u32::MAX,
                held_max: cx.settings.http2_resync_bytes_max,
                is_known_stream: &|_| false,
            };
            let (taken, item) = self
                .direction(side)
                .read(rest.bytes, false, search, cx.settings);
            let at = rest.at.captured;
            match item {
                Item::More | Item::Preface | Item::Found(_) => {}
                Item::DataStart(header) => self.data_starts(cx, side, header),
                Item::Data(stream, bytes) => self.content(cx, side, stream, bytes, at),
                Item::DataEnd(header) => self.data_ends(cx, side, header),
                Item::Frame(frame) => self.frame(cx, side, &frame, at),
                Item::Broken => {
                    self.lose(cx, side, Counter::LostGarbage);
                    return;
                }
            }
            rest = rest.skip(taken);
        }
    }

    /// Counts the connection as HTTP/2, once.
    fn count<S>(&mut self, cx: &mut Context<'_, S>) {
        if !self.is_counted && self.is_recognised() {
            self.is_counted = true;
            cx.counters.count(Counter::Connections);
            cx.counters.count(Counter::Http2Connections);
        }
    }

    /// Where the next frame of that side begins is not known.
    fn lose<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side, why: Counter) {
        cx.counters.count(why);
        self.direction(side).lose();
        self.lose_frames(side);
    }

    /// Frames of that side may be missing.
    fn lose_frames(&mut self, side: Side) {
        if let Some(client) = self.client {
            for stream in self.streams.values_mut() {
                stream.hole(client == side);
            }
        }
        self.is_client_gap_open |= self.is_client(side);
    }

    /// Bytes of one side that will never come.
    pub(crate) fn gap<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side, len: u64) {
        let taken = self.direction(side).gap(len);
        let is_client = self.is_client(side);
        if let Some((stream, len)) = taken.content {
            cx.counters.add(Counter::BodyGapBytes, len);
            if let Some(stream) = self.streams.get_mut(&stream) {
                stream.gap(is_client, len);
            }
        }
        if let Some(header) = taken.ended {
            self.data_ends(cx, side, header);
        }
        if let Some(frame) = taken.torn {
            self.frame(cx, side, &frame, cx.now);
        }
        if taken.is_lost {
            self.lose(cx, side, Counter::LostGap);
        }
    }

    /// Something is odd about the bytes that come next.
    pub(crate) fn note_odd(&mut self, side: Side, anomaly: MessageAnomaly) {
        let is_client = self.is_client(side);
        for stream in self.streams.values_mut() {
            let (is_over, anomalies) = if is_client {
                (stream.request.is_over, &mut stream.request.anomalies)
            } else {
                (stream.response.is_over, &mut stream.response.anomalies)
            };
            if !is_over {
                anomalies.insert(anomaly);
            }
        }
    }

    /// One side's stream ended.
    pub(crate) fn end<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side) {
        let is_client = self.is_client(side);
        for stream in self.streams.values_mut() {
            stream.end(is_client, BodyEnd::Aborted);
        }
        // Without a server's stream there is nothing to wait for but requests that come late.
        let is_due = |(id, stream): &(&u32, &Stream)| match is_client {
            true => stream.is_complete(),
            false => !self.may_be_requested(**id),
        };
        let due: Vec<u32> = self
            .streams
            .iter()
            .filter(is_due)
            .map(|(&id, _)| id)
            .collect();
        for id in due {
            self.report(cx, id);
        }
    }

    /// Nothing more will come: reports what is left.
    pub(crate) fn close<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        self.report_all(cx);
        self.floods.count(cx);
    }

    /// Reports what is held so that it is held no longer.
    pub(crate) fn shed<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        self.report_all(cx);
        self.a.shed();
        self.b.shed();
        self.lose_frames(Side::A);
        self.lose_frames(Side::B);
    }

    /// Reports what has waited too long.
    pub(crate) fn expire<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        self.open_streams(cx);
        let unanswered = cx.now - cx.settings.response_wait_nanos_max;
        let open = cx.now - cx.settings.open_exchange_nanos_max;
        let mut due = Vec::new();
        self.oldest = None;
        for (&id, stream) in &self.streams {
            if stream.is_reported || stream.opened.is_some() {
                continue;
            }
            let waits = stream.response.head.is_none();
            let is_due = (waits && stream.request.ended <= unanswered)
                || (!waits && stream.started() <= open);
            if is_due {
                due.push((id, waits));
            } else {
                // A stream that is older than it has a right to be waits for another time-out:
                // it is looked at again when that can be.
                let since = if waits {
                    stream.request.ended.max(stream.started())
                } else {
                    stream.started()
                };
                self.oldest = Some(self.oldest.map_or(since, |oldest| oldest.min(since)));
            }
        }
        for (id, waits) in due {
            if waits {
                cx.counters.count(Counter::TimedOut);
            } else {
                cx.counters.count(Counter::Http2ReportedOpen);
            }
            self.report_open(cx, id);
        }
    }

    /// Reports the streams of messages that have gone on for long enough, for the first time.
    fn open_streams<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        if self.opening(cx.settings).is_none_or(|due| due > cx.now) {
            return;
        }
        let since = cx.now - cx.settings.opening_nanos_max;
        let client = self.client.unwrap_or(Side::A);
        self.oldest_to_open = None;
        for stream in self.streams.values_mut().filter(|it| it.may_open()) {
            let started = stream.response.started;
            if started > since {
                let oldest = self.oldest_to_open.map_or(started, |it| it.min(started));
                self.oldest_to_open = Some(oldest);
            } else if let Some(opening) = stream.clone().finish() {
                stream.opened = Some(cx.report_opening(client, opening));
            }
        }
    }

    /// Reports a stream that is over and forgets it.
    fn report<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, id: u32) {
        let Some(mut stream) = self.streams.remove(&id) else {
            return;
        };
        if !stream.is_reported {
            self.hand_over(cx, &mut stream);
        }
        if self.streams.is_empty() {
            (self.oldest, self.oldest_to_open) = (None, None);
        }
    }

    /// Reports a stream that goes on, once.
    fn report_open<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, id: u32) {
        let Some(mut stream) = self.streams.remove(&id) else {
            return;
        };
        self.hand_over(cx, &mut stream);
        stream.is_reported = true;
        self.streams.insert(id, stream);
    }

    fn report_all<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        let due: Vec<u32> = self.streams.keys().copied().collect();
        for id in due {
            self.report(cx, id);
        }
    }

    /// Hands the exchange of a stream to the sink, with what is odd about the connection.
    fn hand_over<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, stream: &mut Stream) {
        let Some(mut finished) = stream.finish() else {
            return;
        };
        let samples = finished.messages.as_ref().map_or(0, |messages| {
            let flows = [&messages.from_client, &messages.from_server];
            flows
                .iter()
                .flat_map(|flow| &flow.samples)
                .map(Vec::len)
                .sum()
        });
        self.held = self.held.saturating_sub(finished.held() + samples);
        if self.streams.is_empty() {
            self.held = 0;
        }
        let floods = self.floods.take(cx);
        if let Some(request) = &mut finished.request {
            request.anomalies.insert_all(floods);
        } else if let Some(response) = &mut finished.response {
            response.anomalies.insert_all(floods);
        }
        cx.report(self.client.unwrap_or(Side::A), finished);
    }
}
