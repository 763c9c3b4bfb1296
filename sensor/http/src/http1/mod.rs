//! HTTP/1: the state machine of one connection. Each side is between messages, in a head, in a
//! body, or no longer HTTP; heads are assembled and read by httparse, framing decides how a body
//! ends, and pairing says which request a response answers.

/// What a first line says.
pub(crate) mod detect;

/// The first line of a message, as strictly as the place asks for.
pub(crate) mod start_line;

/// A head from any segmentation of its bytes.
mod assemble;

/// Start line and header lines.
pub(crate) mod head;

/// Heads about which nothing is odd.
mod plain;

/// Heads that httparse refuses.
mod dialect;

/// Heads as they come.
mod message;

/// Whom a request is for.
mod host;

/// How content is delimited.
mod framing;

/// Content, by the way it is delimited.
mod body;

/// Content as it comes.
mod content;

/// Which request a response answers.
mod pair;

use smallvec::SmallVec;
use tapscope_flow::{EndReason, Side, Timestamp};

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::chunk::{Chunk, Position};
use crate::conversation::{Context, Facts, Handover};
use crate::counters::Counter;
use crate::exchange::{BodyEnd, ExchangeSink};
use crate::grpc;
use crate::http1::assemble::HeadAssembler;
use crate::http1::body::BodyReader;
use crate::http1::pair::Pairs;
use crate::settings::HttpSettings;

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

/// Bytes that may be content or a message, and where they stand. Boxed where it is kept: there is
/// hardly ever any.
type Doubtful = (Position, SmallVec<[u8; 16]>);

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
    /// The first bytes of what may be content, or the next response, and where they stand.
    doubtful: Option<Box<Doubtful>>,
    /// Where the last bytes end that were seen and are no interim response.
    content_end: u64,
    /// Where the content of the response being read begins.
    content_start: u64,
    /// Bytes of nothing but empty lines at the beginning.
    empty_lines: u64,
    /// Bytes searched since detection began.
    searched: u64,
    /// The protocol was counted, or HTTP found.
    judged: bool,
    /// Bytes are missing since the last message: where a segment starts, a message may start.
    torn: bool,
    /// What is odd about the bytes of the message that is being assembled.
    noted: Anomalies,
    /// Offset and acknowledgement of the first of the last segments that acknowledge the same.
    run: Option<(u64, u64)>,
    /// The same of the segments before these.
    before: Option<(u64, u64)>,
    /// Where bytes are missing that came before HTTP was recognised.
    lost_before: Option<u64>,
    /// Where bytes that are no message stand before HTTP was recognised, on a connection whose
    /// beginning was not seen: the rest of a request, when this is the client.
    skipped_before: Option<u64>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            state: State::Search(HeadAssembler::default()),
            next: 0,
            captured: Timestamp::default(),
            at_line_start: true,
            doubtful: None,
            content_end: 0,
            content_start: 0,
            empty_lines: 0,
            searched: 0,
            judged: false,
            torn: false,
            noted: Anomalies::new(),
            run: None,
            before: None,
            lost_before: None,
            skipped_before: None,
        }
    }
}

impl Stream {
    fn search(&mut self, at_line_start: bool) {
        self.state = State::Search(HeadAssembler::default());
        self.at_line_start = at_line_start;
    }

    /// Where it stands.
    fn position(&self) -> Position {
        Position {
            offset: self.next,
            captured: self.captured,
            ..Position::default()
        }
    }

    /// Searches behind missing bytes.
    fn search_torn(&mut self) {
        self.search(false);
        self.torn = true;
    }

    fn held(&self) -> usize {
        match &self.state {
            State::Message(head) | State::Search(head) => head.held(),
            State::Body(_) | State::Opaque => 0,
        }
    }
}

/// One connection.
///
/// Hundreds of thousands are open and between two exchanges; what these keep is bounded by a test
/// in [`crate::conversation`].
#[derive(Debug)]
pub(crate) struct Connection {
    a: Stream,
    b: Stream,
    client: Option<Side>,
    pairs: Pairs,
    /// The connection was counted as HTTP.
    counted: bool,
    /// A side began with another protocol that is known.
    is_other: bool,
    /// What follows is for another conversation.
    handover: Option<Handover>,
}

impl Connection {
    /// A connection of which no byte was seen yet.
    pub(crate) fn new(facts: &Facts) -> Self {
        let pairs = Pairs::new(facts.from_start);
        let stream = || Stream {
            torn: !facts.from_start,
            ..Stream::default()
        };
        Self {
            a: stream(),
            b: stream(),
            client: None,
            pairs,
            counted: false,
            is_other: false,
            handover: None,
        }
    }

    /// Bytes held in heads, samples and what is known of their messages.
    pub(crate) fn held(&self) -> usize {
        self.a.held() + self.b.held() + self.pairs.held() + self.pairs.structure()
    }

    /// When to look for what waits too long, if anything waits.
    pub(crate) fn deadline(&self, settings: &HttpSettings) -> Option<Timestamp> {
        let since = self.pairs.waiting_since()?;
        Some(since + settings.response_wait_nanos_max)
    }

    /// When to report the event stream that is being read, if that was not done.
    pub(crate) fn opening(&self, settings: &HttpSettings) -> Option<Timestamp> {
        let since = self.pairs.streams_since()?;
        Some(since + settings.opening_nanos_max)
    }

    const fn stream(&mut self, side: Side) -> &mut Stream {
        match side {
            Side::A => &mut self.a,
            Side::B => &mut self.b,
        }
    }

    /// Whether a message was found.
    pub(crate) const fn is_recognised(&self) -> bool {
        self.client.is_some()
    }

    /// Whether no message is looked for any more.
    pub(crate) const fn is_opaque(&self) -> bool {
        matches!(
            (&self.a.state, &self.b.state),
            (State::Opaque, State::Opaque)
        )
    }

    /// Whether bytes of that side were found to be no message, nor a protocol that is known.
    pub(crate) const fn found_nothing(&mut self, side: Side) -> bool {
        !self.is_other && self.stream(side).judged
    }

    /// What is to follow this conversation, once.
    pub(crate) const fn take_handover(&mut self) -> Option<Handover> {
        self.handover.take()
    }

    /// In-order bytes of one side. Returns those that are for the conversation that follows.
    pub(crate) fn data<'c, S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'c>,
    ) -> Chunk<'c> {
        self.pairs.take_room(cx.room);
        self.settle(cx, side.other());
        let stream = self.stream(side);
        stream.captured = chunk.at.captured;
        let mut rest = chunk;
        let this = chunk
            .at
            .acknowledged
            .map(|acknowledged| (chunk.at.offset, acknowledged));
        if stream.run.map(|(_, acknowledged)| acknowledged) != chunk.at.acknowledged {
            stream.before = core::mem::replace(&mut stream.run, this);
        }
        (rest.at.before, rest.at.run) = (stream.before, stream.run);
        let mut is_noted = false;
        while !rest.bytes.is_empty() && self.handover.is_none() {
            // It may turn out to be the server's only now.
            if !is_noted && self.client == Some(side.other()) {
                is_noted = true;
                self.pairs.note_response_bytes(chunk.at, chunk.end());
            }
            let piece = self.up_to_decision(side, rest);
            let taken = match &self.stream(side).state {
                State::Message(_) => self.read_message(cx, side, piece),
                State::Search(_) => self.search(cx, side, piece),
                State::Body(_) => self.read_body(cx, side, piece),
                State::Opaque => {
                    cx.counters
                        .add(Counter::OpaqueBytes, piece.bytes.len() as u64);
                    piece.bytes.len()
                }
            };
            rest = rest.skip(taken);
            // What is decided must not depend on which messages came in one segment.
            if !rest.bytes.is_empty() && self.pairs.is_undecided() {
                self.stream(side).next = rest.at.offset;
                self.decide_waiting(cx);
            }
        }
        self.stream(side).next = rest.at.offset;
        self.decide_waiting(cx);
        self.report(cx);
        rest
    }

    /// The bytes before the next place where a response that waits may be decided. What the client
    /// sends behind it, in the same segment or a later one, must not come into that.
    fn up_to_decision<'c>(&mut self, side: Side, chunk: Chunk<'c>) -> Chunk<'c> {
        if self.client != Some(side) || !self.pairs.is_undecided() {
            return chunk;
        }
        let decided = self.pairs.next_decided_at(chunk.at.offset);
        let stream = self.stream(side);
        let len = match &stream.state {
            // Where segments begin tells where messages may.
            State::Search(_) if stream.torn => return chunk,
            State::Opaque => return chunk,
            // Any byte may end the message.
            State::Message(_) | State::Search(_) => 1,
            State::Body(reader) => reader.content_ahead(chunk.bytes.len()).max(1),
        };
        let before = decided.and_then(|to| usize::try_from(to - chunk.at.offset).ok());
        let len = before.map_or(len, |before| before.min(len));
        let bytes = chunk.bytes.get(..len).unwrap_or(chunk.bytes);
        Chunk { bytes, ..chunk }
    }

    /// Responses that wait are decided once enough was seen.
    fn decide_waiting<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        let Some(client) = self.client.filter(|_| self.pairs.is_undecided()) else {
            return;
        };
        let next = self.stream(client).next;
        if self.pairs.requests_seen(next) {
            self.leave_body_of_head_response(cx, client.other());
        }
    }

    /// The response being read turns out to answer HEAD: it has no content, and what follows its
    /// head is the next response.
    fn leave_body_of_head_response<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        server: Side,
    ) {
        let is_untouched = self
            .pairs
            .response_body()
            .is_some_and(|body| body.length == 0 && body.missing == 0);
        if is_untouched && matches!(self.stream(server).state, State::Body(_)) {
            let stream = self.stream(server);
            stream.state = State::Message(HeadAssembler::default());
            let doubtful = stream.doubtful.take().map(|doubtful| *doubtful);
            let at = doubtful
                .as_ref()
                .map_or_else(|| stream.position(), |(at, _)| *at);
            self.pairs.end_head_response(at);
            if let Some((at, bytes)) = doubtful {
                let chunk = Chunk {
                    at,
                    bytes: &bytes,
                    is_event_start: false,
                };
                self.read_message(cx, server, chunk);
            }
        }
    }

    /// Nothing more will tell what that side's response answers, whose first bytes of content may be
    /// the next response.
    fn decide_doubtful<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side) {
        let is_server = self.client == Some(side.other());
        let is_doubtful = self.stream(side).doubtful.is_some();
        if is_server && is_doubtful && self.pairs.decide_finally() {
            self.leave_body_of_head_response(cx, side);
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
        if let Some(anomalies) = anomalies {
            anomalies.insert(anomaly);
        }
    }

    /// Messages of that side may be lost from there on.
    fn lose<S>(&mut self, cx: &mut Context<'_, S>, side: Side, offset: u64, why: Counter) {
        cx.counters.count(why);
        match self.client {
            None => self.stream(side).lost_before = Some(offset),
            Some(client) if client == side => self.pairs.lose_requests(offset),
            Some(_) => self.pairs.lose_responses(),
        }
    }

    /// Something is odd about the bytes that come next.
    pub(crate) fn note_odd(&mut self, side: Side, anomaly: MessageAnomaly) {
        match self.stream(side).state {
            State::Body(_) => self.add_anomaly(side, anomaly),
            State::Message(_) | State::Search(_) => self.stream(side).noted.insert(anomaly),
            State::Opaque => {}
        }
    }

    /// The stream of that side goes on there, though no byte of it was missed.
    pub(crate) const fn go_on_at(&mut self, side: Side, offset: u64) {
        self.stream(side).next = offset;
    }

    /// One side's stream ended.
    pub(crate) fn end<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        reason: EndReason,
    ) {
        let is_server = self.client == Some(side.other());
        self.decide_doubtful(cx, side);
        self.settle_doubtful(cx, side);
        let stream = self.stream(side);
        let at = Position {
            offset: stream.next,
            captured: stream.captured,
            ..Position::default()
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
            self.decide_doubtful(cx, side);
            self.settle_doubtful(cx, side);
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
        self.pairs.drain();
        for side in [Side::A, Side::B] {
            if matches!(
                self.stream(side).state,
                State::Message(_) | State::Search(_)
            ) {
                self.stream(side).search_torn();
                let offset = self.stream(side).next;
                self.lose(cx, side, offset, Counter::LostHead);
            }
        }
        self.report(cx);
    }

    /// Reports what has waited too long.
    pub(crate) fn expire<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        if self.opening(cx.settings).is_some_and(|due| due <= cx.now)
            && let Some(opening) = self.pairs.opening()
        {
            let client = self.client.or(cx.facts.initiator).unwrap_or(Side::A);
            let number = cx.report_opening(client, opening);
            self.pairs.opened(number);
        }
        let since = cx.now - cx.settings.response_wait_nanos_max;
        self.pairs.expire(since, cx.counters);
        self.report(cx);
    }

    /// Hands what is ready to the sink.
    fn report<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        let mut ready = self.pairs.take_ready();
        let client = self.client.or(cx.facts.initiator).unwrap_or(Side::A);
        for mut finished in ready.drain(..) {
            let (request, response) = (finished.request.as_deref(), finished.response.as_deref());
            finished.messages = grpc::web_messages(request, response, cx.settings);
            cx.report(client, finished);
        }
        if ready.capacity() > 0 {
            *cx.room = ready;
        }
    }
}
