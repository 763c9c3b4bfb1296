//! Content: read as it streams by, across gaps, up to the end of its message.

use smallvec::SmallVec;
use tapscope_flow::Side;

use super::{Connection, State};
use crate::anomaly::{Anomalies, MessageAnomaly, Readings};
use crate::chunk::{Chunk, Position};
use crate::conversation::Context;
use crate::counters::Counter;
use crate::exchange::{Body, BodyEnd, ExchangeSink};
use crate::http1::assemble::HeadAssembler;
use crate::http1::body::{self, Content, GapEffect};
use crate::http1::detect;
use crate::http1::pair;
use crate::http1::start_line::Expectation;

/// Bytes of content in which a request line must end to be seen.
const REQUEST_LINE_BYTES_MAX: usize = 2048;

impl Connection {
    /// Reads a body.
    pub(super) fn read_body<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> usize {
        if self.client == Some(side) {
            return self.read_content(cx, side, chunk);
        }
        if let Some(taken) = self.take_doubtful(cx, side, chunk) {
            return taken;
        }
        if detect::is_status_line_start(chunk.bytes) && self.may_end_at(side, chunk.at.offset) {
            self.end_message(cx, side, BodyEnd::Complete, chunk.at);
            self.stream(side).state = State::Message(HeadAssembler::default());
            return 0;
        }
        let chunk = self.up_to_next_request(side, chunk);
        self.read_content(cx, side, chunk)
    }

    /// Nothing more comes on that side: what was kept to see whether it is content is.
    pub(super) fn settle_doubtful<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side) {
        if let Some(doubtful) = self.stream(side).doubtful.take() {
            let (at, bytes) = *doubtful;
            let chunk = Chunk {
                at,
                bytes: &bytes,
                is_event_start: false,
            };
            self.read_content(cx, side, chunk);
        }
    }

    /// The bytes of unframed content before the place where its end is looked for.
    fn up_to_next_request<'c>(&mut self, side: Side, chunk: Chunk<'c>) -> Chunk<'c> {
        if !self.is_unframed(side) {
            return chunk;
        }
        let before = self.pairs.next_requested_at();
        let before = before.and_then(|offset| offset.checked_sub(chunk.at.offset));
        let len = before.and_then(|len| usize::try_from(len).ok());
        match len.and_then(|len| chunk.bytes.get(..len)) {
            Some(bytes) if !bytes.is_empty() => Chunk { bytes, ..chunk },
            _ => chunk,
        }
    }

    /// Whether what that side sends is content that nothing but the end of the stream ends.
    fn is_unframed(&mut self, server: Side) -> bool {
        matches!(&self.stream(server).state, State::Body(reader) if reader.ends_with_stream())
    }

    /// Whether the next response may stand at that offset, where content of the one being read
    /// should: the response had no content after all (a HEAD whose method is not known), or was
    /// framed by nothing, and the client went on when it had this much of it.
    fn may_end_at(&mut self, server: Side, offset: u64) -> bool {
        if self.is_unframed(server) {
            self.pairs.next_requested_at() == Some(offset)
        } else {
            offset == self.stream(server).content_start && self.may_lack_content()
        }
    }

    /// Reads bytes that are a body's.
    fn read_content<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> usize {
        let is_client = self.client == Some(side);
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
        let sampled = |body: Option<&mut Body>| body.map_or(0, |body| body.sample.capacity());
        let before = body.as_ref().map_or(0, |body| body.sample.capacity());
        let mut content = Content::new(body, cx.settings.body_sample_bytes_max);
        let (taken, progress) = reader.read(chunk.bytes, &mut content);
        stream.content_end = chunk.position(taken).offset;
        let after = sampled(if is_client {
            self.pairs.request_body()
        } else {
            self.pairs.response_body()
        });
        self.pairs.add_held(after.saturating_sub(before));
        let (odd, readings) = (reader.anomalies(), reader.readings());
        let unread = if progress == body::Progress::More {
            Vec::new()
        } else {
            reader.take_unread()
        };
        let end = chunk.position(taken);
        let end = Position {
            offset: end.offset.saturating_sub(unread.len() as u64),
            ..end
        };
        self.note(side, odd, readings);
        match progress {
            body::Progress::More => {}
            body::Progress::Complete => {
                self.stream(side).state = State::Message(HeadAssembler::default());
                self.end_message(cx, side, BodyEnd::Complete, end);
                self.resume(side, unread, end);
            }
            body::Progress::Invalid => {
                let assembler = HeadAssembler::begun(unread, end, Expectation::Scanned);
                self.stream(side).state = State::Search(assembler);
                cx.counters.count(Counter::BodyChunk);
                self.lose(cx, side, end.offset, Counter::LostGarbage);
                self.end_message(cx, side, BodyEnd::Aborted, end);
            }
        }
        taken
    }

    /// Whether the response being read may have no content after all, because it may answer HEAD,
    /// and none was seen.
    fn may_lack_content(&mut self) -> bool {
        !self.pairs.is_method_known()
            && self
                .pairs
                .response_body()
                .is_some_and(|body| body.length + body.missing == 0)
    }

    /// Keeps bytes at the start of doubtful content that are too few to tell from a status line.
    /// Returns how many were taken; none when there is no doubt.
    fn take_doubtful<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> Option<usize> {
        let stream = self.stream(side);
        if stream.doubtful.is_none() {
            if chunk.bytes.len() >= detect::STATUS_START_LEN
                || !detect::is_status_prefix(chunk.bytes)
                || !self.may_end_at(side, chunk.at.offset)
            {
                return None;
            }
            let doubtful = (chunk.at, SmallVec::from_slice(chunk.bytes));
            self.stream(side).doubtful = Some(Box::new(doubtful));
            return Some(chunk.bytes.len());
        }
        let (at, mut bytes) = *stream.doubtful.take()?;
        let taken = detect::STATUS_START_LEN
            .saturating_sub(bytes.len())
            .min(chunk.bytes.len());
        bytes.extend_from_slice(chunk.bytes.get(..taken).unwrap_or_default());
        let is_status = detect::is_status_prefix(&bytes);
        if is_status && bytes.len() < detect::STATUS_START_LEN {
            self.stream(side).doubtful = Some(Box::new((at, bytes)));
            return Some(taken);
        }
        let start = Chunk {
            at,
            bytes: &bytes,
            is_event_start: false,
        };
        if is_status {
            self.end_message(cx, side, BodyEnd::Complete, at);
            self.stream(side).state = State::Message(HeadAssembler::default());
            self.read_message(cx, side, start);
        } else {
            // Short content ends among these bytes, and what follows it begins.
            self.read_kept(cx, side, start);
        }
        Some(taken)
    }

    /// Reads bytes that were kept for doubt, to their end.
    pub(super) fn read_kept<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        kept: Chunk<'_>,
    ) {
        let mut rest = kept;
        while !rest.bytes.is_empty() {
            let taken = match &self.stream(side).state {
                State::Body(_) => self.read_body(cx, side, rest),
                State::Message(_) => self.read_message(cx, side, rest),
                State::Search(_) => self.search(cx, side, rest),
                State::Opaque => rest.bytes.len(),
            };
            rest = rest.skip(taken);
        }
    }

    /// Notes what is odd about the framing of the message being read on that side.
    fn note(&mut self, side: Side, odd: Anomalies, readings: Option<Readings>) {
        if odd.is_empty() && readings.is_none() {
            return;
        }
        let message = if self.client == Some(side) {
            let request = self.pairs.request();
            request.map(|r| (&mut r.anomalies, &mut r.readings))
        } else {
            let response = self.pairs.response();
            response.map(|r| (&mut r.anomalies, &mut r.readings))
        };
        if let Some((anomalies, known)) = message {
            anomalies.insert_all(odd);
            if readings.is_some() {
                *known = readings.map(Box::new);
            }
        }
    }

    /// The message being read on that side ends.
    pub(super) fn end_message<S>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        end: BodyEnd,
        at: Position,
    ) {
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
            self.judge_content();
            self.pairs.end_request(end, at);
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

    /// Content that begins with a request line is a request to whoever does not see that it is
    /// content (unless it says that it is one).
    fn judge_content(&mut self) {
        let Some(request) = self.pairs.request() else {
            return;
        };
        let sample = &request.body.sample;
        // Nearly all content is told from a request line by its first word.
        let start = sample.get(..=detect::METHOD_BYTES_MAX).unwrap_or(sample);
        if !detect::has_known_method(start) {
            return;
        }
        let line = sample.iter().take(REQUEST_LINE_BYTES_MAX);
        let line = sample.get(..line.take_while(|&&b| b != b'\n').count());
        let is_request = line.is_some_and(|line| {
            detect::has_known_method(line)
                && detect::start_line(line, true) == Some(detect::MessageKind::Request)
        });
        let says_so = request.head.header("content-type").is_some_and(|kind| {
            kind.get(..11)
                .is_some_and(|kind| kind.eq_ignore_ascii_case(b"application"))
                && memchr::memmem::find(kind, b"http").is_some()
        });
        if is_request && !says_so {
            request.anomalies.insert(MessageAnomaly::RequestInContent);
        }
    }

    pub(super) fn end_response<S>(&mut self, cx: &mut Context<'_, S>, end: BodyEnd, at: Position) {
        self.pairs.end_response(end, at, cx.settings, cx.counters);
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
        let is_server = self.client == Some(side.other());
        let is_doubtful = !is_client && self.may_lack_content();
        let stream = self.stream(side);
        stream.doubtful = None;
        let captured = stream.captured;
        let is_start = offset == 0 && cx.facts.from_start;
        let is_message = is_start || matches!(stream.state, State::Message(_));
        stream.next = end;
        let at = Position {
            offset: end,
            captured,
            ..Position::default()
        };
        match &mut stream.state {
            State::Opaque => {}
            State::Message(assembler) | State::Search(assembler) => {
                let is_partial = !assembler.is_empty();
                let begun = assembler.begun_at();
                // The first bytes of a connection are a message's, before it is known for HTTP too.
                let is_first = begun.is_some_and(|it| it.offset == 0) && cx.facts.from_start;
                let begun = begun.filter(|_| is_message || is_first);
                let cut = assembler.take_cut(at, BodyEnd::Gap);
                let is_long = begun.is_some() || len >= pair::MESSAGE_BYTES_MIN;
                let hides = (is_message || is_first) && cut.is_none() && is_long;
                let lost = if hides && is_first { 0 } else { offset };
                stream.search_torn();
                self.read_cut_head(cx, side, cut, Counter::HeadGap);
                if is_partial {
                    self.stream(side).content_end = offset;
                }
                self.lose(cx, side, lost, Counter::LostGap);
                if is_server {
                    self.pairs.note_response_gap(offset, end);
                }
                if is_client && hides {
                    self.pairs
                        .hide_request(begun.and_then(|begun| begun.acknowledged));
                }
            }
            State::Body(_) if is_doubtful => {
                // What is missing may be its content, or the next response.
                self.apply_gap(cx, side, GapEffect::Past(0), offset, at);
            }
            State::Body(reader) => {
                let effect = reader.gap(len);
                let known = match effect {
                    GapEffect::Inside | GapEffect::Ends => len,
                    GapEffect::Past(known) => known,
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
        self.decide_waiting(cx);
        self.report(cx);
    }

    pub(super) fn apply_gap<S>(
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
                self.stream(side).search_torn();
                let boundary = Position {
                    offset: offset.saturating_add(known),
                    ..at
                };
                self.lose(cx, side, boundary.offset, Counter::LostGap);
                if self.client != Some(side) {
                    self.pairs.note_response_gap(boundary.offset, at.offset);
                }
                self.end_message(cx, side, BodyEnd::Gap, boundary);
            }
        }
    }
}
