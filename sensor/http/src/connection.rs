//! The state machine of one connection: each side is between messages, in a head, in a body, or
//! no longer HTTP.

use core::net::SocketAddr;

use tapscope_flow::{ConnectionId, Encapsulation, EndReason, Side, Timestamp};

use crate::body::{self, BodyReader, Content, GapEffect};
use crate::counters::{Counter, Counters};
use crate::detect::{self, MessageKind};
use crate::exchange::{
    Body, BodyEnd, ExchangeId, ExchangeSink, HttpExchange, MessageAnomaly, Pairing, Protocol,
    Request, Response,
};
use crate::framing::{self, Anomalies, Framing};
use crate::head::{self, AssembledHead, Chunk, HeadAssembler, Position, Progress};
use crate::pair::{self, Pairs};
use crate::settings::HttpSettings;

/// What is fixed about a connection.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: ConnectionId,
    pub(crate) a: SocketAddr,
    pub(crate) b: SocketAddr,
    pub(crate) initiator: Option<Side>,
    pub(crate) encapsulation: Encapsulation,
}

/// What a connection needs from outside to handle an event.
pub(crate) struct Context<'a, S> {
    pub(crate) settings: &'a HttpSettings,
    pub(crate) counters: &'a mut Counters,
    pub(crate) facts: &'a Facts,
    pub(crate) sink: &'a mut S,
    pub(crate) now: Timestamp,
}

/// Where one side's stream stands.
#[derive(Debug)]
enum State {
    /// A message starts here: at the beginning of an HTTP stream, or behind a message.
    Message(HeadAssembler),
    /// A message is searched for.
    Search(HeadAssembler),
    /// In the body of a message.
    Body(BodyReader),
    /// Not HTTP, or no longer.
    Opaque,
}

/// One side's stream.
#[derive(Debug)]
struct Stream {
    state: State,
    /// Offset behind the last byte or gap.
    next: u64,
    /// When the last bytes were captured.
    captured: Timestamp,
    /// While searching: the next byte is the first of a line.
    at_line_start: bool,
    /// Bytes searched since detection began.
    searched: u64,
    /// The protocol was counted, or HTTP found.
    judged: bool,
    /// Bytes of the message that is being assembled were contradicted.
    conflict: bool,
    /// Offset and acknowledgement of the last segment.
    last: Option<(u64, u64)>,
    /// Where bytes are missing that came before HTTP was recognised.
    lost_before: Option<u64>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            state: State::Search(HeadAssembler::default()),
            next: 0,
            captured: Timestamp::default(),
            at_line_start: true,
            searched: 0,
            judged: false,
            conflict: false,
            last: None,
            lost_before: None,
        }
    }
}

impl Stream {
    fn search(&mut self, at_line_start: bool) {
        self.state = State::Search(HeadAssembler::default());
        self.at_line_start = at_line_start;
    }

    const fn held(&self) -> usize {
        match &self.state {
            State::Message(head) | State::Search(head) => head.held(),
            State::Body(_) | State::Opaque => 0,
        }
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    a: Stream,
    b: Stream,
    client: Option<Side>,
    pairs: Pairs,
    /// Exchanges reported.
    ordinal: u32,
    /// The connection was counted as HTTP.
    counted: bool,
}

impl Connection {
    /// A connection of which no byte was seen yet.
    pub(crate) fn new(facts: &Facts) -> Self {
        let pairs = if facts.initiator.is_some() {
            Pairs::default()
        } else {
            Pairs::midstream()
        };
        Self {
            a: Stream::default(),
            b: Stream::default(),
            client: None,
            pairs,
            ordinal: 0,
            counted: false,
        }
    }

    /// Bytes held in heads and samples.
    pub(crate) const fn held(&self) -> usize {
        self.a.held() + self.b.held() + self.pairs.held()
    }

    /// When the oldest of what waits for the other side began to wait.
    pub(crate) fn waiting_since(&self) -> Option<Timestamp> {
        self.pairs.waiting_since()
    }

    const fn stream(&mut self, side: Side) -> &mut Stream {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    /// In-order bytes of one side.
    pub(crate) fn data<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) {
        let stream = self.stream(side);
        stream.captured = chunk.at.captured;
        let mut rest = chunk;
        let this = chunk
            .at
            .acknowledged
            .map(|acknowledged| (chunk.at.offset, acknowledged));
        rest.at.before = core::mem::replace(&mut stream.last, this);
        while !rest.bytes.is_empty() {
            let taken = match &self.stream(side).state {
                State::Message(_) => self.read_message(cx, side, rest),
                State::Search(_) => self.search(cx, side, rest),
                State::Body(_) => self.read_body(cx, side, rest),
                State::Opaque => {
                    cx.counters
                        .add(Counter::OpaqueBytes, rest.bytes.len() as u64);
                    rest.bytes.len()
                }
            };
            rest = rest.skip(taken);
        }
        self.stream(side).next = chunk.end();
        self.decide_waiting(side);
        self.report(cx);
    }

    /// Responses that waited for requests are decided once the request stream came far enough.
    fn decide_waiting(&mut self, side: Side) {
        if self.client.is_none_or(|client| client == side) {
            let next = self.stream(side).next;
            self.pairs.requests_seen(next);
        }
    }

    /// Reads a message that is expected right here.
    fn read_message<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> usize {
        let stream = self.stream(side);
        let State::Message(assembler) = &mut stream.state else {
            return 0;
        };
        let was_in_line = assembler.is_in_start_line();
        let (taken, progress) = assembler.feed(chunk, false, cx.settings);
        match progress {
            Progress::More => {}
            Progress::Complete(kind) => {
                let head = assembler.take(kind, chunk.position(taken));
                self.read_head(cx, side, head);
            }
            Progress::Rejected { line_ended } => {
                stream.search(line_ended);
                self.lose(cx, side, chunk.at.offset, Counter::LostGarbage);
                if was_in_line {
                    return 0;
                }
            }
            Progress::TooLong => {
                stream.search(false);
                cx.counters.count(Counter::RefusedTooLong);
                self.lose(cx, side, chunk.at.offset, Counter::LostHead);
            }
        }
        taken
    }

    /// Searches for the start of a message: at the start of an event, or at the start of a line.
    fn search<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> usize {
        let is_detecting = self.client.is_none();
        let stream = self.stream(side);
        let State::Search(assembler) = &mut stream.state else {
            return 0;
        };
        if is_detecting && assembler.is_empty() && stream.searched > cx.settings.detect_bytes_max {
            stream.state = State::Opaque;
            return 0;
        }
        if assembler.is_empty() && !stream.at_line_start && !chunk.is_event_start {
            let taken = memchr::memchr(b'\n', chunk.bytes).map(|i| i + 1);
            stream.at_line_start = taken.is_some();
            let taken = taken.unwrap_or(chunk.bytes.len());
            stream.searched = stream.searched.saturating_add(taken as u64);
            cx.counters.add(Counter::SkippedBytes, taken as u64);
            return taken;
        }
        let was_in_line = assembler.is_in_start_line();
        let (taken, progress) = assembler.feed(chunk, !chunk.is_event_start, cx.settings);
        if was_in_line && matches!(progress, Progress::Rejected { .. }) {
            // What earlier events left is no start line with these bytes; they may be one alone.
            return 0;
        }
        stream.searched = stream.searched.saturating_add(taken as u64);
        match progress {
            Progress::More => {}
            Progress::Complete(kind) => {
                let head = assembler.take(kind, chunk.position(taken));
                if self.counted {
                    cx.counters.count(Counter::Found);
                }
                self.read_head(cx, side, head);
            }
            Progress::Rejected { line_ended } => {
                stream.at_line_start = line_ended;
                cx.counters.add(Counter::SkippedBytes, taken as u64);
                if is_detecting {
                    self.judge_protocol(cx, side, chunk);
                }
            }
            Progress::TooLong => {
                stream.at_line_start = false;
                cx.counters.count(Counter::RefusedTooLong);
            }
        }
        taken
    }

    /// Counts the protocol that a side begins with, once. HTTP/2 ends the search.
    fn judge_protocol<S>(&mut self, cx: &mut Context<'_, S>, side: Side, chunk: Chunk<'_>) {
        let stream = self.stream(side);
        if core::mem::replace(&mut stream.judged, true) {
            return;
        }
        let protocol = detect::other_protocol(chunk.bytes);
        cx.counters.count(protocol);
        if protocol == Counter::ProtocolHttp2 {
            self.a.state = State::Opaque;
            self.b.state = State::Opaque;
        }
    }

    /// A whole head was assembled.
    fn read_head<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        head: AssembledHead,
    ) {
        let start = head.start.offset;
        let client = match head.kind {
            MessageKind::Request => side,
            MessageKind::Response => side.other(),
        };
        if !self.take_role(cx, client) {
            self.stream(side).search(true);
            self.lose(cx, side, start, Counter::RoleConflict);
            return;
        }
        let is_read = match head.kind {
            MessageKind::Request => self.read_request(cx, side, head),
            MessageKind::Response => self.read_response(cx, side, head),
        };
        if !is_read {
            self.stream(side).search(true);
            self.lose(cx, side, start, Counter::LostHead);
        }
        self.stream(side).judged = true;
    }

    /// Reads a head that is cut short: its start line and the lines that came tell enough.
    fn read_cut_head<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        cut: Option<AssembledHead>,
        why: Counter,
    ) {
        let Some(head) = cut else { return };
        cx.counters.count(why);
        let client = match head.kind {
            MessageKind::Request => side,
            MessageKind::Response => side.other(),
        };
        if !self.take_role(cx, client) {
            return;
        }
        match head.kind {
            MessageKind::Request => self.read_request(cx, side, head),
            MessageKind::Response => self.read_response(cx, side, head),
        };
    }

    /// Makes that side the client, when nothing speaks against it.
    fn take_role<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, client: Side) -> bool {
        if !self.counted {
            self.counted = true;
            cx.counters.count(Counter::Connections);
        }
        match self.client {
            Some(known) if known == client => return true,
            Some(_) if !self.pairs.is_idle() => return false,
            _ => {}
        }
        self.report(cx);
        self.client = Some(client);
        // The other side is HTTP too, however it began.
        for side in [Side::A, Side::B] {
            let stream = self.stream(side);
            if matches!(stream.state, State::Opaque) {
                stream.search(false);
            }
            let lost = stream.lost_before.take();
            match lost {
                Some(offset) if side == client => self.pairs.lose_requests(offset),
                Some(offset) => self.pairs.lose_responses(offset),
                None => {}
            }
        }
        true
    }

    fn read_request<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        head: AssembledHead,
    ) -> bool {
        let AssembledHead {
            bytes,
            start,
            end,
            cut,
            ..
        } = head;
        let (parsed, refusal) = head::parse_request(bytes, cx.settings);
        count_refusal(cx.counters, refusal, parsed.is_some());
        let Some(parsed) = parsed else { return false };
        cx.counters.count(Counter::Requests);
        let (framing, mut anomalies) = framing::of_request(&parsed.head, parsed.version);
        self.take_conflict(side, &mut anomalies);
        let request = Request {
            head: parsed.head,
            method: parsed.method,
            target: parsed.target,
            version: parsed.version,
            body: body::empty_body(),
            started: start.captured,
            ended: end.captured,
            anomalies,
        };
        let responses_seen_to = self.stream(side.other()).next;
        let limits = (cx.settings, &mut *cx.counters);
        self.pairs
            .push_request(request, start, end.offset, responses_seen_to, limits);
        if let Some(how) = cut {
            self.pairs.end_request(how, end.captured);
        } else if !self.begin_body(side, framing, cx.settings) {
            self.pairs.end_request(BodyEnd::Complete, end.captured);
        }
        true
    }

    fn read_response<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        head: AssembledHead,
    ) -> bool {
        let AssembledHead {
            bytes,
            start,
            end,
            cut,
            ..
        } = head;
        let (parsed, refusal) = head::parse_response(bytes, cx.settings);
        count_refusal(cx.counters, refusal, parsed.is_some());
        let Some(parsed) = parsed else { return false };
        if (100..=199).contains(&parsed.status) && parsed.status != 101 {
            cx.counters.count(Counter::Interim);
            self.pairs.interim_response();
            self.begin_body(side, Framing::None, cx.settings);
            return true;
        }
        cx.counters.count(Counter::Responses);
        let response = Response {
            head: parsed.head,
            status: parsed.status,
            version: parsed.version,
            body: pair::no_body(),
            interim: 0,
            started: start.captured,
            ended: end.captured,
            anomalies: Anomalies::new(),
        };
        let requests_seen_to = self.stream(side.other()).next;
        let method = self.pairs.begin_response(response, start, requests_seen_to);
        let mut conflicts = Anomalies::new();
        self.take_conflict(side, &mut conflicts);
        let Some(response) = self.pairs.response() else {
            return true;
        };
        let (framing, anomalies) =
            framing::of_response(&response.head, response.status, method.as_deref());
        response.anomalies = anomalies;
        response.anomalies.extend(conflicts);
        response.body = body::empty_body();
        let is_websocket = response
            .head
            .header("upgrade")
            .is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"));
        if let Some(how) = cut {
            self.end_response(cx, how, end);
        } else if parsed.status == 101 {
            self.switch(cx, end, is_websocket);
        } else if method.as_deref() == Some(b"CONNECT") && (200..=299).contains(&parsed.status) {
            self.open_tunnel(cx, end);
        } else if !self.begin_body(side, framing, cx.settings) {
            self.end_response(cx, BodyEnd::Complete, end);
        }
        true
    }

    fn take_conflict(&mut self, side: Side, anomalies: &mut Anomalies) {
        if core::mem::take(&mut self.stream(side).conflict) {
            anomalies.push(MessageAnomaly::ConflictingSegments);
        }
    }

    /// Goes on with the body, or with the next message when there is none. Tells which.
    fn begin_body(&mut self, side: Side, framing: Framing, settings: &HttpSettings) -> bool {
        let reader = BodyReader::new(framing, settings);
        let has_body = reader.is_some();
        self.stream(side).state =
            reader.map_or_else(|| State::Message(HeadAssembler::default()), State::Body);
        has_body
    }

    /// A 101 response: what follows is another protocol.
    fn switch<S>(&mut self, cx: &mut Context<'_, S>, end: Position, is_websocket: bool) {
        let (protocol, counter) = if is_websocket {
            (Protocol::WebSocket, Counter::SwitchedWebSocket)
        } else {
            (Protocol::Http1, Counter::SwitchedOther)
        };
        cx.counters.count(counter);
        self.pairs.switch(protocol, end.captured);
        self.a.state = State::Opaque;
        self.b.state = State::Opaque;
    }

    /// A successful CONNECT: what follows is any protocol, HTTP included.
    fn open_tunnel<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, end: Position) {
        cx.counters.count(Counter::SwitchedTunnel);
        self.pairs.switch(Protocol::Http1, end.captured);
        self.report(cx);
        self.client = None;
        for side in [Side::A, Side::B] {
            let stream = self.stream(side);
            stream.search(true);
            stream.searched = 0;
            stream.judged = false;
        }
    }

    /// Reads a body.
    fn read_body<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> usize {
        let is_client = self.client == Some(side);
        if !is_client && self.is_next_response(side, chunk) {
            self.end_message(cx, side, BodyEnd::Complete, chunk.at);
            self.stream(side).state = State::Message(HeadAssembler::default());
            return 0;
        }
        let stream = match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        };
        let State::Body(reader) = &mut stream.state else {
            return 0;
        };
        let body = if is_client {
            self.pairs.request_body()
        } else {
            self.pairs.response_body()
        };
        let sampled = |body: Option<&mut Body>| body.map_or(0, |body| body.sample.len());
        let before = body.as_ref().map_or(0, |body| body.sample.len());
        let mut content = Content::new(body, cx.settings.body_sample_bytes_max);
        let (taken, progress) = reader.read(chunk.bytes, &mut content);
        let after = sampled(if is_client {
            self.pairs.request_body()
        } else {
            self.pairs.response_body()
        });
        self.pairs.add_held(after.saturating_sub(before));
        match progress {
            body::Progress::More => {}
            body::Progress::Complete => {
                stream.state = State::Message(HeadAssembler::default());
                self.end_message(cx, side, BodyEnd::Complete, chunk.position(taken));
            }
            body::Progress::Invalid => {
                stream.search(false);
                cx.counters.count(Counter::BodyChunk);
                self.add_anomaly(side, MessageAnomaly::InvalidChunkSize);
                self.end_message(cx, side, BodyEnd::Aborted, chunk.position(taken));
                self.lose(cx, side, chunk.at.offset, Counter::LostGarbage);
            }
        }
        taken
    }

    /// Whether a status line stands where content of the response should: the response had no
    /// content after all (a HEAD whose method is not known), or was framed by nothing.
    fn is_next_response(&mut self, side: Side, chunk: Chunk<'_>) -> bool {
        if !detect::is_status_line_start(chunk.bytes) {
            return false;
        }
        let State::Body(reader) = &self.stream(side).state else {
            return false;
        };
        let is_unframed = reader.is_unframed();
        let is_at_start = self
            .pairs
            .response_body()
            .is_some_and(|b| b.length + b.missing == 0);
        let next_was_sent = self.pairs.is_next_requested(chunk.at.offset);
        if is_unframed {
            chunk.is_event_start && next_was_sent
        } else {
            is_at_start && !self.pairs.is_method_known()
        }
    }

    fn add_anomaly(&mut self, side: Side, anomaly: MessageAnomaly) {
        let anomalies = if self.client == Some(side) {
            self.pairs.request().map(|request| &mut request.anomalies)
        } else {
            self.pairs
                .response()
                .map(|response| &mut response.anomalies)
        };
        if let Some(anomalies) = anomalies.filter(|anomalies| !anomalies.contains(&anomaly)) {
            anomalies.push(anomaly);
        }
    }

    /// The message being read on that side ends.
    fn end_message<S>(&mut self, cx: &mut Context<'_, S>, side: Side, end: BodyEnd, at: Position) {
        if self.client == Some(side) {
            let lacks = self
                .pairs
                .request_body()
                .is_some_and(|body| body.missing > 0);
            let end = if lacks && end == BodyEnd::Complete {
                BodyEnd::Gap
            } else {
                end
            };
            self.pairs.end_request(end, at.captured);
        } else {
            let lacks = self
                .pairs
                .response_body()
                .is_some_and(|body| body.missing > 0);
            let end = if lacks && end == BodyEnd::Complete {
                BodyEnd::Gap
            } else {
                end
            };
            self.end_response(cx, end, at);
        }
    }

    fn end_response<S>(&mut self, cx: &mut Context<'_, S>, end: BodyEnd, at: Position) {
        self.pairs
            .end_response(end, at.captured, cx.settings, cx.counters);
    }

    /// Messages of that side may be lost from there on.
    fn lose<S>(&mut self, cx: &mut Context<'_, S>, side: Side, offset: u64, why: Counter) {
        cx.counters.count(why);
        match self.client {
            None => self.stream(side).lost_before = Some(offset),
            Some(client) if client == side => self.pairs.lose_requests(offset),
            Some(_) => self.pairs.lose_responses(offset),
        }
    }

    /// Bytes of one side that will never come.
    pub(crate) fn gap<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        offset: u64,
        len: u64,
    ) {
        let end = offset.saturating_add(len);
        let is_client = self.client == Some(side);
        let stream = self.stream(side);
        let captured = stream.captured;
        stream.next = end;
        let at = Position {
            offset: end,
            acknowledged: None,
            captured,
            before: None,
        };
        match &mut stream.state {
            State::Opaque => {}
            State::Message(assembler) | State::Search(assembler) => {
                let cut = assembler.take_cut(at, BodyEnd::Gap);
                stream.search(false);
                self.read_cut_head(cx, side, cut, Counter::HeadGap);
                self.lose(cx, side, offset, Counter::LostGap);
            }
            State::Body(reader) => {
                let effect = reader.gap(len);
                let known = match effect {
                    GapEffect::Inside | GapEffect::Ends => len,
                    GapEffect::Past(known) => known.max(1),
                };
                cx.counters.add(Counter::BodyGapBytes, known);
                let body = if is_client {
                    self.pairs.request_body()
                } else {
                    self.pairs.response_body()
                };
                if let Some(body) = body {
                    body.missing = body.missing.saturating_add(known);
                }
                self.apply_gap(cx, side, effect, offset, at);
            }
        }
        self.decide_waiting(side);
        self.report(cx);
    }

    fn apply_gap<S>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        effect: GapEffect,
        offset: u64,
        at: Position,
    ) {
        match effect {
            GapEffect::Inside => {}
            GapEffect::Ends => {
                self.stream(side).state = State::Message(HeadAssembler::default());
                self.end_message(cx, side, BodyEnd::Gap, at);
            }
            GapEffect::Past(known) => {
                cx.counters.count(Counter::BodyGap);
                self.stream(side).search(false);
                let boundary = Position {
                    offset: offset.saturating_add(known),
                    ..at
                };
                self.end_message(cx, side, BodyEnd::Gap, boundary);
                self.lose(cx, side, boundary.offset, Counter::LostGap);
            }
        }
    }

    /// A retransmission carried other bytes.
    pub(crate) fn conflict(&mut self, side: Side) {
        match self.stream(side).state {
            State::Body(_) => self.add_anomaly(side, MessageAnomaly::ConflictingSegments),
            State::Message(_) | State::Search(_) => self.stream(side).conflict = true,
            State::Opaque => {}
        }
    }

    /// One side's stream ended.
    pub(crate) fn end<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        reason: EndReason,
    ) {
        let is_server = self.client == Some(side.other());
        let stream = self.stream(side);
        let at = Position {
            offset: stream.next,
            acknowledged: None,
            captured: stream.captured,
            before: None,
        };
        match core::mem::replace(&mut stream.state, State::Opaque) {
            State::Opaque => {}
            State::Message(mut assembler) | State::Search(mut assembler) => {
                let cut = assembler.take_cut(at, BodyEnd::Aborted);
                self.read_cut_head(cx, side, cut, Counter::HeadEnd);
            }
            State::Body(reader) => {
                let is_complete = reason == EndReason::Fin && reader.ends_with_stream();
                let end = if is_complete {
                    BodyEnd::Complete
                } else {
                    BodyEnd::Aborted
                };
                self.end_message(cx, side, end, at);
            }
        }
        if is_server && reason == EndReason::Fin {
            self.pairs.end_of_responses();
        }
        self.report(cx);
    }

    /// Nothing more will come: reports what is left.
    pub(crate) fn close<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        for side in [Side::A, Side::B] {
            let stream = self.stream(side);
            let at = Position {
                offset: stream.next,
                captured: stream.captured,
                ..Position::default()
            };
            if let State::Message(mut assembler) | State::Search(mut assembler) =
                core::mem::replace(&mut stream.state, State::Opaque)
            {
                let cut = assembler.take_cut(at, BodyEnd::Open);
                self.read_cut_head(cx, side, cut, Counter::HeadEnd);
            }
        }
        self.pairs.drain();
        self.report(cx);
    }

    /// Reports what is held so that it is held no longer, and searches anew.
    pub(crate) fn shed<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        cx.counters.count(Counter::HeldBytesCap);
        self.pairs.drain();
        for side in [Side::A, Side::B] {
            if matches!(
                self.stream(side).state,
                State::Message(_) | State::Search(_)
            ) {
                self.stream(side).search(false);
                let offset = self.stream(side).next;
                self.lose(cx, side, offset, Counter::LostHead);
            }
        }
        self.report(cx);
    }

    /// Reports what has waited since `since` or longer.
    pub(crate) fn expire<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, since: Timestamp) {
        self.pairs.expire(since, cx.counters);
        self.report(cx);
    }

    /// Hands what is ready to the sink.
    fn report<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        if !self.pairs.has_ready() {
            return;
        }
        let client = self.client.or(cx.facts.initiator).unwrap_or(Side::A);
        let (client, server) = match client {
            Side::A => (cx.facts.a, cx.facts.b),
            Side::B => (cx.facts.b, cx.facts.a),
        };
        for finished in self.pairs.take_ready() {
            cx.counters
                .count(match (&finished.request, finished.pairing) {
                    (_, Pairing::Ordered) => Counter::Ordered,
                    (_, Pairing::Acknowledged) => Counter::Acknowledged,
                    (Some(_), Pairing::Unpaired) => Counter::Unanswered,
                    (None, Pairing::Unpaired) => Counter::Orphaned,
                });
            let id = ExchangeId {
                connection: cx.facts.id.serial,
                ordinal: self.ordinal,
            };
            self.ordinal = self.ordinal.saturating_add(1);
            cx.sink.handle_exchange(HttpExchange {
                id,
                client,
                server,
                encapsulation: cx.facts.encapsulation.clone(),
                protocol: finished.protocol,
                request: finished.request,
                response: finished.response,
                pairing: finished.pairing,
                reported: cx.now,
            });
        }
    }
}

fn count_refusal(counters: &mut Counters, refusal: Option<Counter>, is_read: bool) {
    if let Some(refusal) = refusal {
        counters.count(refusal);
        if is_read {
            counters.count(Counter::Lenient);
        }
    }
}
