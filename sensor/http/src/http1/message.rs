//! Heads: assembled where a message is expected or searched for, read, and what follows from them.

use tapscope_flow::Side;

use super::{Connection, State};
use crate::anomaly::Anomalies;
use crate::chunk::{Chunk, Position};
use crate::conversation::{Context, Handover};
use crate::counters::{Counter, Counters};
use crate::exchange::{BodyEnd, ExchangeSink};
use crate::http1::assemble::{HeadAssembler, Progress};
use crate::http1::body::{self, BodyReader};
use crate::http1::detect::{self, MessageKind};
use crate::http1::framing::{self, Decision};
use crate::http1::head::{self, AssembledHead};
use crate::http1::pair::{self, Pairs};
use crate::http1::start_line::Expectation;
use crate::settings::HttpSettings;

impl Connection {
    /// Reads a message that is expected right here.
    pub(super) fn read_message<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> usize {
        let expectation = match self.client {
            Some(client) if client == side => Expectation::Expected(MessageKind::Request),
            Some(_) => Expectation::Expected(MessageKind::Response),
            None => Expectation::default(),
        };
        let stream = self.stream(side);
        let State::Message(assembler) = &mut stream.state else {
            return 0;
        };
        if let Some((kind, layout, bytes)) = assembler.whole(chunk, expectation, cx.settings) {
            let mut head = AssembledHead {
                kind,
                bytes: bytes.to_vec(),
                layout: Some(layout),
                start: chunk.at,
                end: chunk.position(bytes.len()),
                cut: None,
                cr_lines: false,
                anomalies: Anomalies::new(),
                unread: Vec::new(),
            };
            self.read_head(cx, side, &mut head);
            return bytes.len();
        }
        let (taken, progress) = assembler.feed(chunk, expectation, cx.settings);
        match progress {
            Progress::More => {}
            Progress::Complete(kind) => {
                let mut head = assembler.take(kind, chunk.position(taken));
                self.read_head(cx, side, &mut head);
            }
            Progress::Rejected { .. } => self.reject(cx, side, chunk.position(taken)),
            Progress::TooLong => {
                stream.search(false);
                stream.content_end = chunk.position(taken).offset;
                cx.counters.count(Counter::RefusedTooLong);
                self.lose(cx, side, chunk.at.offset, Counter::LostHead);
            }
        }
        taken
    }

    /// What stands where a message must start is none. To a request of HTTP/0.9, it is the whole
    /// response; else a message may start in it all the same.
    fn reject<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side, to: Position) {
        let is_client = self.client == Some(side);
        let is_bare = !is_client && self.pairs.is_bare_response_due();
        let stream = self.stream(side);
        let State::Message(assembler) = &mut stream.state else {
            return;
        };
        if is_bare {
            let (bytes, at) = assembler.take_rejected();
            self.read_response(cx, side, &mut AssembledHead::none(at));
            let chunk = Chunk {
                at,
                bytes: &bytes,
                is_event_start: false,
            };
            self.read_kept(cx, side, chunk);
            return;
        }
        let mut assembler = core::mem::take(assembler);
        let offset = assembler.start();
        // Where that was noticed depends on how the line is cut; what is looked for in it is not
        // passed over yet.
        let to = if assembler.rescan() {
            Position { offset, ..to }
        } else {
            to
        };
        stream.state = State::Search(assembler);
        self.pass_over(side, to);
        self.lose(cx, side, offset, Counter::LostGarbage);
    }

    /// The other side speaks: a head that only might have gone on does not.
    pub(super) fn settle<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side) {
        let stream = self.stream(side);
        let at = Position {
            offset: stream.next,
            captured: stream.captured,
            ..Position::default()
        };
        if let State::Message(assembler) | State::Search(assembler) = &mut stream.state
            && let Some(kind) = assembler.is_settled()
        {
            let mut head = assembler.take(kind, at);
            self.read_head(cx, side, &mut head);
        }
    }

    /// Searches for the start of a message: at the start of an event, or at the start of a line.
    pub(super) fn search<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) -> usize {
        let is_detecting = self.client.is_none();
        let stream = self.stream(side);
        let is_first = chunk.at.offset == stream.empty_lines && cx.facts.from_start;
        let trusts_segments = is_detecting || stream.torn;
        let is_inside = trusts_segments && !stream.at_line_start && !chunk.is_event_start;
        let State::Search(assembler) = &mut stream.state else {
            return 0;
        };
        if is_detecting && assembler.is_empty() && stream.searched > cx.settings.detect_bytes_max {
            stream.state = State::Opaque;
            return 0;
        }
        if is_inside && assembler.is_empty() {
            return self.skip_line(cx, side, chunk);
        }
        let was_in_line = assembler.is_in_start_line();
        let expectation = match (trusts_segments, chunk.is_event_start) {
            (false, _) => Expectation::Scanned,
            (true, false) => Expectation::Searched,
            (true, true) => Expectation::unknown(is_detecting && is_first),
        };
        let (taken, progress) = assembler.feed(chunk, expectation, cx.settings);
        if matches!(progress, Progress::Rejected { .. } | Progress::TooLong) {
            assembler.clear();
        }
        if trusts_segments && was_in_line && matches!(progress, Progress::Rejected { .. }) {
            // What earlier events left is no start line with these bytes; they may be one alone.
            return 0;
        }
        if progress == Progress::More && is_first && assembler.is_empty() {
            // Empty lines count only with what comes behind them, in this segment or a later one.
            stream.empty_lines = chunk.position(taken).offset;
            return taken;
        }
        stream.searched = stream.searched.saturating_add(taken as u64);
        match progress {
            Progress::More => {}
            Progress::Complete(kind) => {
                let is_first = assembler.is_first();
                let mut head = assembler.take(kind, chunk.position(taken));
                self.take_found(cx, side, &mut head, is_first, taken);
            }
            Progress::Rejected { line_ended } => {
                stream.at_line_start = line_ended;
                self.pass_over(side, chunk.position(taken));
                cx.counters.add(Counter::SkippedBytes, taken as u64);
                if is_detecting {
                    // The rest of a message whose start was not captured, perhaps; one byte is a
                    // keep-alive probe's.
                    if !cx.facts.from_start && chunk.bytes.len() > 1 {
                        let stream = self.stream(side);
                        stream.skipped_before.get_or_insert(chunk.at.offset);
                    }
                    self.judge_protocol(cx, side, chunk);
                }
            }
            Progress::TooLong => {
                stream.at_line_start = false;
                self.pass_over(side, chunk.position(taken));
                cx.counters.count(Counter::RefusedTooLong);
            }
        }
        taken
    }

    /// A head was found that ends `taken` bytes into a chunk. One that does not stand where the first
    /// message must may be content that looks like one.
    fn take_found<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        head: &mut AssembledHead,
        is_first: bool,
        taken: usize,
    ) {
        let may_be_torn = self.counted || !cx.facts.from_start || !is_first;
        let is_request = head.kind == MessageKind::Request;
        if is_request && may_be_torn && !detect::has_known_method(&head.bytes) {
            self.stream(side).at_line_start = true;
            cx.counters.add(Counter::SkippedBytes, taken as u64);
            self.lose(cx, side, head.start.offset, Counter::LostHead);
            return;
        }
        if self.counted {
            cx.counters.count(Counter::Found);
        }
        self.read_head(cx, side, head);
    }

    /// Passes over the rest of a line in which no message starts.
    fn skip_line<S>(&mut self, cx: &mut Context<'_, S>, side: Side, chunk: Chunk<'_>) -> usize {
        let taken = memchr::memchr(b'\n', chunk.bytes).map(|i| i + 1);
        self.stream(side).at_line_start = taken.is_some();
        let taken = taken.unwrap_or(chunk.bytes.len());
        self.pass_over(side, chunk.position(taken));
        let stream = self.stream(side);
        stream.searched = stream.searched.saturating_add(taken as u64);
        cx.counters.add(Counter::SkippedBytes, taken as u64);
        taken
    }

    /// Bytes up to there are no message, or not one whose head was seen.
    fn pass_over(&mut self, side: Side, to: Position) {
        self.stream(side).content_end = to.offset;
        if self.client == Some(side) {
            self.pairs.pass_request_bytes(to.acknowledged);
        }
    }

    /// Counts the protocol that a side begins with, once. HTTP/2 ends the search.
    pub(super) fn judge_protocol<S>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) {
        let stream = self.stream(side);
        if core::mem::replace(&mut stream.judged, true) {
            return;
        }
        let protocol = detect::other_protocol(chunk.bytes);
        cx.counters.count(protocol);
        self.is_other |= protocol != Counter::ProtocolOther;
    }

    /// A whole head was assembled.
    pub(super) fn read_head<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        head: &mut AssembledHead,
    ) {
        let start = head.start.offset;
        self.stream(side).torn = false;
        let client = match head.kind {
            MessageKind::Request => side,
            MessageKind::Response => side.other(),
            MessageKind::Http2Preface => {
                self.pairs.drain();
                self.report(cx);
                self.handover = Some(Handover::Http2Preface { client: side });
                return;
            }
        };
        if !self.take_role(cx, client) {
            self.stream(side).search(true);
            self.lose(cx, side, start, Counter::RoleConflict);
            return;
        }
        if client == side {
            self.read_request(cx, side, head);
        } else {
            self.read_response(cx, side, head);
        }
        self.stream(side).judged = true;
    }

    /// Reads a head that is cut short: its start line and the lines that came tell enough.
    pub(super) fn read_cut_head<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        cut: Option<AssembledHead>,
        why: Counter,
    ) {
        let Some(mut head) = cut else { return };
        if head.cut.is_some() {
            if head.kind == MessageKind::Request && !detect::has_known_method(&head.bytes) {
                return;
            }
            cx.counters.count(why);
        }
        let client = match head.kind {
            MessageKind::Request => side,
            MessageKind::Response => side.other(),
            MessageKind::Http2Preface => return,
        };
        if !self.take_role(cx, client) {
            return;
        }
        if client == side {
            self.read_request(cx, side, &mut head);
        } else {
            self.read_response(cx, side, &mut head);
        }
    }

    /// Makes that side the client, when nothing speaks against it.
    pub(super) fn take_role<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        client: Side,
    ) -> bool {
        if !self.counted {
            self.counted = true;
            cx.counters.count(Counter::Connections);
        }
        match self.client {
            Some(known) if known == client => return true,
            Some(_) if !self.pairs.is_idle() => return false,
            known => {
                self.report(cx);
                if known.is_some() {
                    // Positions and manner were another client's.
                    self.pairs = Pairs::new(false);
                }
            }
        }
        self.client = Some(client);
        // The other side is HTTP too, however it began.
        for side in [Side::A, Side::B] {
            let stream = self.stream(side);
            if matches!(stream.state, State::Opaque) {
                stream.search(false);
            }
            let is_unheard = stream.next == 0 && cx.facts.from_start;
            if is_unheard {
                stream.state = State::Message(HeadAssembler::default());
            }
            // Where segments are trusted no longer, what one began with is a part of a line.
            if !stream.torn
                && let State::Search(assembler) = &mut stream.state
                && assembler.rests_on_segment()
            {
                assembler.rescan();
            }
            let skipped = stream.skipped_before.take().filter(|_| side == client);
            let lost = stream.lost_before.take().or(skipped);
            match lost {
                Some(offset) if side == client => {
                    self.pairs.lose_requests(offset);
                    if offset == 0 && cx.facts.from_start {
                        // Before its first request a client has received nothing.
                        self.pairs.hide_request(Some(0));
                    }
                }
                Some(offset) => {
                    let end = stream.next;
                    self.pairs.lose_responses();
                    self.pairs.note_response_gap(offset, end);
                }
                None => {}
            }
        }
        true
    }

    pub(super) fn read_request<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        head: &mut AssembledHead,
    ) {
        let (mut request, refusal) = head::parse_request(head, cx.settings);
        count_refusal(cx.counters, refusal);
        cx.counters.count(Counter::Requests);
        let (start, end, cut) = (head.start, head.end, head.cut);
        let unread = core::mem::take(&mut head.unread);
        let method = request.head.slice(request.method);
        let target = request.head.slice(request.target);
        let decision = framing::of_request(&request.head, method, target, request.version);
        // Of a head that is cut short, nobody knows what it lacks.
        if cut.is_none() {
            request.anomalies.insert_all(decision.anomalies);
        }
        self.take_noted(side, &mut request.anomalies);
        request.readings = decision.readings_without_content();
        let known_end = match cut {
            None => end,
            Some(_) => Position {
                offset: start.offset.saturating_add(request.head.bytes.len() as u64),
                ..end
            },
        };
        self.pairs
            .push_request(request, start, known_end, cx.settings, cx.counters);
        if let Some(how) = cut {
            self.pairs.end_request(how, end);
        } else if !self.begin_body(side, &decision, cx.settings) {
            self.pairs.end_request(BodyEnd::Complete, end);
        }
        self.resume(side, unread, end);
    }

    /// Bytes that were taken for one thing are of the next message.
    pub(super) fn resume(&mut self, side: Side, unread: Vec<u8>, at: Position) {
        let is_client = self.client == Some(side);
        if !unread.is_empty()
            && let State::Message(assembler) = &mut self.stream(side).state
        {
            let kind = if is_client {
                MessageKind::Request
            } else {
                MessageKind::Response
            };
            *assembler = HeadAssembler::begun(unread, at, Expectation::Expected(kind));
        }
    }

    pub(super) fn read_response<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        head: &mut AssembledHead,
    ) {
        let (start, end, cut) = (head.start, head.end, head.cut);
        let (mut response, refusal) = head::parse_response(head, cx.settings);
        count_refusal(cx.counters, refusal);
        let status = response.status;
        if (100..=199).contains(&status) && status != 101 {
            cx.counters.count(Counter::Interim);
            self.pairs.interim_response(start);
            self.stream(side).state = State::Message(HeadAssembler::default());
            return;
        }
        cx.counters.count(Counter::Responses);
        // Until it is known that it has content.
        response.body = pair::no_body();
        let requests_seen_to = self.stream(side.other()).next;
        let stream = self.stream(side);
        let others_end = core::mem::replace(&mut stream.content_end, end.offset);
        stream.content_start = end.offset;
        self.pairs.note_acknowledged(end);
        let method = self
            .pairs
            .begin_response(response, start, others_end, requests_seen_to);
        let mut noted = Anomalies::new();
        self.take_noted(side, &mut noted);
        let Some(response) = self.pairs.response() else {
            return;
        };
        let decision = framing::of_response(
            &response.head,
            response.status,
            response.version,
            method.as_deref(),
        );
        response.anomalies.insert_all(decision.anomalies);
        response.readings = decision.readings_without_content();
        response.anomalies.insert_all(noted);
        response.body = body::empty_body();
        if let Some(how) = cut {
            // Where it ends is not known.
            self.pairs.lose_responses();
            self.end_response(cx, how, end);
        } else if status == 101 {
            self.switch(cx, side.other(), end);
        } else if method.as_deref() == Some(b"CONNECT") && (200..=299).contains(&status) {
            self.open_tunnel(cx, end);
        } else if !self.begin_body(side, &decision, cx.settings) {
            self.end_response(cx, BodyEnd::Complete, end);
        }
    }

    fn take_noted(&mut self, side: Side, anomalies: &mut Anomalies) {
        anomalies.insert_all(core::mem::take(&mut self.stream(side).noted));
    }

    /// Goes on with the body, or with the next message when there is none. Tells which.
    pub(super) fn begin_body(
        &mut self,
        side: Side,
        decision: &Decision,
        settings: &HttpSettings,
    ) -> bool {
        let reader = BodyReader::of(decision, settings);
        let has_body = reader.is_some();
        self.stream(side).state =
            reader.map_or_else(|| State::Message(HeadAssembler::default()), State::Body);
        has_body
    }

    /// A 101 response: what follows is another protocol.
    pub(super) fn switch<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        client: Side,
        end: Position,
    ) {
        let exchange = self.pairs.switch(end.captured);
        self.report(cx);
        self.handover = Some(Handover::Switched { client, exchange });
    }

    /// A successful CONNECT: what follows is any protocol, HTTP included.
    pub(super) fn open_tunnel<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, end: Position) {
        cx.counters.count(Counter::SwitchedTunnel);
        let client = self.client.unwrap_or(Side::A);
        if let Some(exchange) = self.pairs.switch(end.captured) {
            cx.report(client, *exchange);
        }
        self.report(cx);
        self.client = None;
        for side in [Side::A, Side::B] {
            let stream = self.stream(side);
            stream.search(true);
            stream.searched = 0;
            stream.judged = false;
        }
        self.handover = Some(Handover::Tunnel);
    }
}

fn count_refusal(counters: &mut Counters, refusal: Option<Counter>) {
    if let Some(refusal) = refusal {
        counters.count(refusal);
        counters.count(Counter::Lenient);
    }
}
