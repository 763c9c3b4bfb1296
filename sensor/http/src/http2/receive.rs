//! Frames as they come: what each type does to its stream and to the connection.

use tapscope_flow::{Side, Timestamp};

use super::CANCELLED_MAX;
use super::Connection;
use super::block::Block;
use super::direction::Frame;
use super::frame::{ACK, END_HEADERS, END_STREAM, FrameHeader, FrameType};
use super::head::{self, ListKind};
use super::hpack::{FieldList, ListLimits};
use crate::conversation::Context;
use crate::counters::Counter;
use crate::exchange::{BodyEnd, Certainty, ExchangeSink};

/// Insertions lost in a gap that are tried to find the place of older entries: what a handful of
/// requests insert.
const LOST_INSERTIONS_MAX: usize = 16;

impl Connection {
    /// A whole frame came, or the beginning of one.
    pub(super) fn frame<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        frame: &Frame<'_>,
        at: Timestamp,
    ) {
        let header = frame.header;
        match header.kind {
            FrameType::Headers | FrameType::PushPromise | FrameType::Continuation => {
                self.fragment(cx, side, frame, at);
            }
            FrameType::RstStream => self.reset_stream(cx, side, header.stream),
            FrameType::GoAway => self.go_away(cx, side, &frame.payload),
            FrameType::Settings | FrameType::Ping => {
                if !header.has(ACK) {
                    self.floods.control(cx.settings);
                }
            }
            FrameType::Priority => self.floods.control(cx.settings),
            // Read as it comes, or of no concern to what is said.
            FrameType::Data | FrameType::WindowUpdate | FrameType::Unknown => {}
        }
    }

    /// A fragment of a field block.
    fn fragment<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        frame: &Frame<'_>,
        at: Timestamp,
    ) {
        let header = frame.header;
        let direction = self.direction(side);
        if header.kind == FrameType::Continuation {
            let Some(block) = &mut direction.block else {
                // The beginning was not seen; what the block inserted was not either.
                direction.decoder.lose();
                cx.counters.count(Counter::Http2BlocksLost);
                return;
            };
            block.go_on(&frame.payload, frame.is_torn, cx.settings);
        } else {
            if direction.block.take().is_some() {
                // The block before never ended.
                direction.decoder.lose();
                cx.counters.count(Counter::Http2BlocksLost);
            }
            direction.block = Block::begin(&header, &frame.payload, frame.is_torn, at);
            if direction.block.is_none() {
                direction.decoder.lose();
                cx.counters.count(Counter::Http2BlocksLost);
            }
        }
        if header.has(END_HEADERS)
            && let Some(block) = self.direction(side).block.take()
        {
            self.decode(cx, side, &block, at);
        }
    }

    /// A field block is whole, or as whole as it will be.
    fn decode<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        block: &Block,
        at: Timestamp,
    ) {
        let mut list = core::mem::take(&mut self.list);
        let limits = ListLimits {
            bytes_max: cx.settings.http2_list_bytes_max,
            fields_max: cx.settings.headers_max,
        };
        if self.is_client(side) && core::mem::take(&mut self.is_client_gap_open) {
            // The stream that follows the last one follows: no request is missing.
            if !block.is_torn && block.stream == self.stream_max + 2 {
                self.direction(side).decoder.keep();
            }
        }
        let decoder = &mut self.direction(side).decoder;
        let result = decoder.decode(
            &block.bytes,
            limits,
            LOST_INSERTIONS_MAX,
            &mut list,
            head::is_well_formed,
        );
        if block.is_torn || result.is_err() {
            decoder.lose();
        }
        if block.is_flood {
            self.floods.block();
        }
        if result.is_err() && !block.is_torn {
            cx.counters.count(Counter::Http2BlocksInvalid);
        }
        self.fields(cx, side, block, &list, at);
        self.list = list;
    }

    /// Fields came for a stream.
    fn fields<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        block: &Block,
        list: &FieldList,
        at: Timestamp,
    ) {
        let kind = self.kind(side, block, list);
        let id = block.stream;
        match kind {
            Some(ListKind::Request) => {
                if self
                    .streams
                    .get(&id)
                    .is_some_and(|s| s.request.head.is_some())
                {
                    // Two requests on one stream: the number was used again.
                    self.report(cx, id);
                }
                self.request(cx, block, list, at);
            }
            Some(ListKind::Response) => {
                let head = head::response(list);
                if (100..=199).contains(&head.status) {
                    cx.counters.count(Counter::Interim);
                } else {
                    cx.counters.count(Counter::Responses);
                }
                self.make_room(cx, id);
                let stream = self.streams.entry(id).or_default();
                if !stream.is_reported {
                    self.held += stream.begin_response(head, block.started);
                }
                if stream.may_open() {
                    self.oldest_to_open.get_or_insert(block.started);
                }
                self.oldest.get_or_insert(block.started);
            }
            Some(ListKind::Other) => {
                if let Some(stream) = self.streams.get_mut(&id) {
                    stream.trailers(list.value(b"grpc-status"), at);
                }
            }
            None => cx.counters.count(Counter::Http2FieldsUnplaced),
        }
        if block.ends_stream {
            self.end_half(cx, side, id);
        }
    }

    /// What the fields are, by what they say and by who sends them; none when they contradict.
    fn kind(&mut self, side: Side, block: &Block, list: &FieldList) -> Option<ListKind> {
        let told = head::kind(list);
        let sender = match (told, block.is_promised) {
            (ListKind::Request, false) => Some(side),
            (ListKind::Response, _) | (ListKind::Request, true) => Some(side.other()),
            (ListKind::Other, _) => None,
        };
        if self.client.is_none() {
            self.client = sender;
        }
        let client = self.client?;
        if sender.is_some_and(|sender| sender != client) {
            return None;
        }
        if told != ListKind::Other {
            return Some(told);
        }
        let stream = self.streams.get(&block.stream);
        let has_unknown = list.fields().any(|field| field.name.is_none());
        Some(if client == side {
            match stream {
                None if has_unknown => ListKind::Request,
                _ => ListKind::Other,
            }
        } else {
            match stream {
                Some(stream) if stream.response.head.is_none() && has_unknown => ListKind::Response,
                _ => ListKind::Other,
            }
        })
    }

    /// A request's fields came.
    fn request<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        block: &Block,
        list: &FieldList,
        at: Timestamp,
    ) {
        cx.counters.count(Counter::Requests);
        let id = block.stream;
        if !block.is_promised {
            self.floods.request();
            if id > self.stream_max {
                self.stream_max = id;
                self.report_unrequested(cx, id);
            }
        }
        let (host, is_ambiguous) = &self.host;
        let only_host = Some(host.as_slice()).filter(|host| !host.is_empty() && !is_ambiguous);
        let head = head::request(list, only_host);
        match head.certainty {
            Certainty::Exact => {}
            Certainty::Inferred { .. } => cx.counters.count(Counter::Http2HeadsInferred),
            Certainty::Unknown => cx.counters.count(Counter::Http2HeadsUnknown),
        }
        self.learn_host(list);
        self.make_room(cx, id);
        let stream = self.streams.entry(id).or_default();
        self.held += stream.begin_request(head, block.started);
        stream.request.ended = at;
        if block.is_torn {
            stream.request.body.missing = stream.request.body.missing.max(1);
        }
        if block.is_promised {
            // The promise is the whole request (RFC 9113 section 8.4).
            stream.end(true, BodyEnd::Complete);
        }
        self.oldest.get_or_insert(block.started);
    }

    /// Notes the host that a request names.
    fn learn_host(&mut self, list: &FieldList) {
        let Some(named) = list.value(b":authority") else {
            return;
        };
        let (host, is_ambiguous) = &mut self.host;
        if host.is_empty() {
            *host = named.to_vec();
        } else if host != named {
            *is_ambiguous = true;
        }
    }

    /// Gives up the oldest stream when there are too many.
    fn make_room<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, id: u32) {
        if self.streams.len() >= cx.settings.http2_streams_max
            && !self.streams.contains_key(&id)
            && let Some((&oldest, _)) = self.streams.first_key_value()
        {
            cx.counters.count(Counter::Http2StreamsCap);
            self.report(cx, oldest);
        }
    }

    /// DATA begins.
    pub(super) fn data_starts<S>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        header: FrameHeader,
    ) {
        if header.length == 0 && !header.has(END_STREAM) {
            self.floods.empty_data(cx.settings);
        }
        let is_client = self.is_client(side);
        if let Some(stream) = self.streams.get_mut(&header.stream) {
            stream.data_starts(is_client);
        }
    }

    /// Content of DATA.
    pub(super) fn content<S>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        stream: u32,
        bytes: &[u8],
        at: Timestamp,
    ) {
        let is_client = self.is_client(side);
        let stream = self.streams.get_mut(&stream).filter(|s| !s.is_reported);
        match stream {
            Some(stream) if self.client.is_some() => {
                let grown = stream.data(is_client, bytes, at, cx.settings);
                self.held = self.held.saturating_add_signed(grown);
            }
            _ => cx
                .counters
                .add(Counter::Http2ContentUnplaced, bytes.len() as u64),
        }
    }

    /// DATA has ended.
    pub(super) fn data_ends<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        header: FrameHeader,
    ) {
        if header.has(END_STREAM) {
            self.end_half(cx, side, header.stream);
        }
    }

    /// One side of a stream ends.
    fn end_half<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side, id: u32) {
        let is_client = self.is_client(side);
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        stream.end(is_client, BodyEnd::Complete);
        if stream.is_complete() && !self.may_be_requested(id) {
            self.report(cx, id);
        }
    }

    /// Whether a response was delivered before its request: requests come in the order of their
    /// numbers, and none behind it came yet. A mirror may bring the server's packet first.
    pub(super) fn may_be_requested(&self, id: u32) -> bool {
        let stream = self.streams.get(&id);
        id % 2 == 1 && id > self.stream_max && stream.is_some_and(|it| it.request.head.is_none())
    }

    /// Reports the responses whose requests will not come, for one behind them did.
    fn report_unrequested<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, id: u32) {
        let before = self.streams.range(..id);
        let over = before.filter(|(_, it)| it.request.head.is_none() && it.is_complete());
        let over: Vec<u32> = over.map(|(&id, _)| id).collect();
        for id in over {
            self.report(cx, id);
        }
    }

    /// RST_STREAM: neither side goes on. What the server sent before it knew still comes.
    fn reset_stream<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side, id: u32) {
        let is_client = self.is_client(side);
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        if is_client && stream.response.head.is_none() {
            self.floods.reset(cx.settings);
        }
        stream.end(true, BodyEnd::Aborted);
        if !is_client {
            stream.end(false, BodyEnd::Aborted);
        }
        if stream.is_complete() {
            self.report(cx, id);
            return;
        }
        if self.cancelled.len() >= CANCELLED_MAX
            && let Some(oldest) = self.cancelled.pop_front()
        {
            self.report(cx, oldest);
        }
        self.cancelled.push_back(id);
    }

    /// GOAWAY: streams above the one it names will not be answered.
    fn go_away<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side, payload: &[u8]) {
        let Some((&[l0, l1, l2, l3], _)) = payload.split_first_chunk::<4>() else {
            return;
        };
        if self.client != Some(side.other()) {
            return;
        }
        let last = u32::from_be_bytes([l0 & 0x7f, l1, l2, l3]);
        let refused: Vec<u32> = self
            .streams
            .range(last.saturating_add(1)..)
            .filter(|(id, stream)| *id % 2 == 1 && stream.response.head.is_none())
            .map(|(&id, _)| id)
            .collect();
        for id in refused {
            if let Some(stream) = self.streams.get_mut(&id) {
                stream.end(true, BodyEnd::Aborted);
            }
            self.report(cx, id);
        }
    }
}
