//! What a connection speaks, and how one protocol hands over to another.
//!
//! What is spoken is told by content alone, on any port. HTTP/1 says from which byte on something
//! else follows (after 101, inside a tunnel); that byte and all later ones go to the conversation
//! that follows, with the exchange that led to it.

use core::net::SocketAddr;

use tapscope_flow::{ConnectionId, Encapsulation, EndReason, Side, Timestamp};

use crate::anomaly::MessageAnomaly;
use crate::chunk::Chunk;
use crate::counters::{Counter, Counters};
use crate::exchange::{
    ExchangeId, ExchangeSink, HttpExchange, Messages, Pairing, Part, Protocol, Request, Response,
};
use crate::settings::HttpSettings;
use crate::{http1, http2, websocket};

/// What is fixed about a connection.
#[derive(Clone, Debug)]
pub(crate) struct Facts {
    pub(crate) id: ConnectionId,
    pub(crate) a: SocketAddr,
    pub(crate) b: SocketAddr,
    pub(crate) initiator: Option<Side>,
    /// Both streams are known from their first byte on.
    pub(crate) from_start: bool,
    pub(crate) encapsulation: Encapsulation,
}

/// What a conversation needs from outside to handle an event.
pub(crate) struct Context<'a, S> {
    pub(crate) settings: &'a HttpSettings,
    pub(crate) counters: &'a mut Counters,
    pub(crate) facts: &'a Facts,
    pub(crate) sink: &'a mut S,
    pub(crate) now: Timestamp,
    /// Exchanges of the connection reported so far.
    pub(crate) ordinal: &'a mut u32,
    /// Room for what can be reported, for whichever connection has something.
    pub(crate) room: &'a mut Vec<Finished>,
}

impl<S: ExchangeSink> Context<'_, S> {
    /// Hands an exchange to the sink.
    pub(crate) fn report(&mut self, client: Side, finished: Finished) {
        let (ordinal, part) = match finished.opened {
            Some(ordinal) => (ordinal, Part::Closing),
            None => (self.next_ordinal(&finished), Part::Whole),
        };
        self.hand_over(client, finished, ordinal, part);
    }

    /// Hands an exchange to the sink that goes on. Returns its number, by which it is known when it
    /// is reported again.
    pub(crate) fn report_opening(&mut self, client: Side, finished: Finished) -> u32 {
        self.counters.count(Counter::ReportedOpening);
        let ordinal = self.next_ordinal(&finished);
        self.hand_over(client, finished, ordinal, Part::Opening);
        ordinal
    }

    /// Counts an exchange and gives it a number.
    fn next_ordinal(&mut self, finished: &Finished) -> u32 {
        self.counters
            .count(match (&finished.request, finished.pairing) {
                (_, Pairing::Ordered) => Counter::Ordered,
                (_, Pairing::Acknowledged) => Counter::Acknowledged,
                (_, Pairing::Supposed) => Counter::Supposed,
                (Some(_), Pairing::Unpaired) => Counter::Unanswered,
                (None, Pairing::Unpaired) => Counter::Orphaned,
            });
        let ordinal = *self.ordinal;
        *self.ordinal = ordinal.saturating_add(1);
        ordinal
    }

    fn hand_over(&mut self, client: Side, finished: Finished, ordinal: u32, part: Part) {
        let (client, server) = match client {
            Side::A => (self.facts.a, self.facts.b),
            Side::B => (self.facts.b, self.facts.a),
        };
        let id = ExchangeId {
            connection: self.facts.id.name,
            ordinal,
        };
        self.sink.handle_exchange(HttpExchange {
            id,
            client,
            server,
            encapsulation: self.facts.encapsulation.clone(),
            protocol: finished.protocol,
            request: finished.request,
            response: finished.response,
            messages: finished.messages,
            pairing: finished.pairing,
            part,
            reported: self.now,
        });
    }
}

/// An exchange as a conversation makes it, without what is the connection's.
#[derive(Clone, Debug)]
pub(crate) struct Finished {
    pub(crate) request: Option<Box<Request>>,
    pub(crate) response: Option<Box<Response>>,
    pub(crate) messages: Option<Box<Messages>>,
    pub(crate) pairing: Pairing,
    pub(crate) protocol: Protocol,
    /// The number under which it was reported while it was open.
    pub(crate) opened: Option<u32>,
}

impl Finished {
    /// Bytes held in heads and samples.
    pub(crate) fn held(&self) -> usize {
        let of_request = self
            .request
            .as_ref()
            .map_or(0, |r| r.head.bytes.len() + r.body.sample.capacity());
        let of_response = self
            .response
            .as_ref()
            .map_or(0, |r| r.head.bytes.len() + r.body.sample.capacity());
        of_request + of_response
    }

    /// The protocol that the exchange switches to by 101, in lower case.
    fn upgrade(&self) -> Vec<u8> {
        let of_response = self.response.as_ref().map(|r| &r.head);
        let of_request = self.request.as_ref().map(|r| &r.head);
        [of_response, of_request]
            .into_iter()
            .flatten()
            .find_map(|head| head.header("upgrade"))
            .unwrap_or_default()
            .to_ascii_lowercase()
    }
}

/// Why HTTP/1 ends, and what the conversation that follows it needs.
#[derive(Debug)]
pub(crate) enum Handover {
    /// A 101 response: the next byte of each side is another protocol's.
    Switched {
        /// Who asked for it.
        client: Side,
        /// The exchange that asked for it; none when even the response was given up.
        exchange: Option<Box<Finished>>,
    },
    /// What reads as the head of a request is the beginning of HTTP/2's preface.
    Http2Preface {
        /// Who sent it.
        client: Side,
    },
    /// A successful CONNECT: what the next byte of each side is must be detected anew.
    Tunnel,
}

/// What a connection speaks. Boxed, because nearly all connections that are open are idle or
/// opaque, and these should cost little.
#[derive(Debug, Default)]
pub(crate) enum Conversation {
    /// Nothing was said yet.
    #[default]
    Silent,
    /// Not told yet: HTTP/1 looks for messages, and HTTP/2 for frames where HTTP/1 found none.
    Detecting(Box<http1::Connection>, Option<Box<http2::Connection>>),
    /// HTTP/1.
    Http1(Box<http1::Connection>),
    /// HTTP/2.
    Http2(Box<http2::Connection>),
    /// WebSocket, to which HTTP/1 switched.
    WebSocket(Box<websocket::Connection>),
    /// Something else; its bytes are only counted.
    Opaque,
}

impl Conversation {
    /// Bytes held in heads and samples.
    pub(crate) fn held(&self) -> usize {
        match self {
            Self::Silent | Self::Opaque => 0,
            Self::Detecting(http1, http2) => {
                // What looks for HTTP/2 can be let go of.
                let more = |http2: &http2::Connection| http2.held() + size_of_val(http2);
                http1.held() + http2.as_deref().map_or(0, more)
            }
            Self::Http1(connection) => connection.held(),
            Self::Http2(connection) => connection.held(),
            Self::WebSocket(connection) => connection.held(),
        }
    }

    /// The most that [`Self::standing`] says.
    pub(crate) const STANDING_MAX: usize = {
        let sizes = [
            size_of::<http1::Connection>(),
            size_of::<http2::Connection>(),
            size_of::<websocket::Connection>(),
        ];
        let [mut most, http2, websocket] = sizes;
        if http2 > most {
            most = http2;
        }
        if websocket > most {
            most = websocket;
        }
        most
    };

    /// Bytes that it takes as long as it goes on, whatever it holds.
    pub(crate) const fn standing(&self) -> usize {
        match self {
            Self::Silent | Self::Opaque => 0,
            Self::Detecting(..) | Self::Http1(_) => size_of::<http1::Connection>(),
            Self::Http2(_) => size_of::<http2::Connection>(),
            Self::WebSocket(_) => size_of::<websocket::Connection>(),
        }
    }

    /// When to look for what waits too long, if anything waits.
    pub(crate) fn deadline(&self, settings: &HttpSettings) -> Option<Timestamp> {
        match self {
            Self::Silent | Self::Opaque => None,
            Self::Detecting(connection, _) | Self::Http1(connection) => {
                connection.deadline(settings)
            }
            Self::Http2(connection) => connection.deadline(settings),
            // It ends when it ends.
            Self::WebSocket(_) => None,
        }
    }

    /// When to report what carries messages and goes on, if there is any. Asked after every event.
    pub(crate) fn opening(&self, settings: &HttpSettings) -> Option<Timestamp> {
        match self {
            Self::Silent | Self::Opaque | Self::Detecting(..) => None,
            Self::Http1(connection) => connection.opening(settings),
            Self::Http2(connection) => connection.opening(settings),
            Self::WebSocket(connection) => connection.opening(settings),
        }
    }

    /// In-order bytes of one side.
    pub(crate) fn data<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) {
        let mut rest = chunk;
        while !rest.bytes.is_empty() {
            match self {
                Self::Silent => *self = Self::begin(cx.facts),
                Self::Detecting(http1, http2) => {
                    let before = rest;
                    rest = http1.data(cx, side, rest);
                    if let Some(handover) = http1.take_handover() {
                        self.hand_over(cx, handover);
                    } else if http1.is_recognised() {
                        self.settle_on_http1();
                    } else if http1.found_nothing(side) {
                        let detecting =
                            || Box::new(http2::Connection::detecting(cx.facts, cx.settings));
                        let http2 = http2.get_or_insert_with(detecting);
                        http2.data(cx, side, before);
                        self.settle_on_http2(cx.settings);
                    }
                }
                Self::Http1(connection) => {
                    rest = connection.data(cx, side, rest);
                    if let Some(handover) = connection.take_handover() {
                        self.hand_over(cx, handover);
                    }
                }
                Self::Http2(connection) => return connection.data(cx, side, rest),
                Self::WebSocket(connection) => return connection.data(cx, side, rest),
                Self::Opaque => {
                    cx.counters
                        .add(Counter::OpaqueBytes, rest.bytes.len() as u64);
                    return;
                }
            }
        }
    }

    /// Before anything is known, HTTP/1 looks.
    fn begin(facts: &Facts) -> Self {
        Self::Detecting(Box::new(http1::Connection::new(facts)), None)
    }

    /// HTTP/1 has found a message.
    fn settle_on_http1(&mut self) {
        if let Self::Detecting(http1, _) = core::mem::take(self) {
            *self = Self::Http1(http1);
        }
    }

    /// HTTP/2 may have found frames, or looked long enough.
    fn settle_on_http2(&mut self, settings: &HttpSettings) {
        let Self::Detecting(http1, Some(http2)) = self else {
            return;
        };
        if http2.is_recognised() {
            if let Self::Detecting(_, Some(http2)) = core::mem::take(self) {
                *self = Self::Http2(http2);
            }
        } else if http2.is_hopeless(settings) {
            if http1.is_opaque() {
                *self = Self::Opaque;
            } else {
                // HTTP/1 may still begin.
                http2.give_up();
            }
        }
    }

    /// HTTP/1 ends here.
    fn hand_over<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, handover: Handover) {
        match handover {
            // HTTP/1 looks on by itself, and HTTP/2 beside it.
            Handover::Tunnel => {
                if let Self::Http1(http1) | Self::Detecting(http1, _) = core::mem::take(self) {
                    *self = Self::Detecting(http1, None);
                }
            }
            Handover::Http2Preface { client } => {
                let begun = match core::mem::take(self) {
                    Self::Detecting(_, Some(http2)) => Some(http2),
                    _ => None,
                };
                let mut http2 = begun.unwrap_or_else(|| {
                    Box::new(http2::Connection::detecting(cx.facts, cx.settings))
                });
                http2.begin_behind_preface_head(client, cx.settings);
                *self = Self::Http2(http2);
            }
            Handover::Switched { client, exchange } => {
                *self = Self::switch(cx, client, exchange);
            }
        }
    }

    /// What follows a 101 response.
    fn switch<S: ExchangeSink>(
        cx: &mut Context<'_, S>,
        client: Side,
        exchange: Option<Box<Finished>>,
    ) -> Self {
        let upgrade = exchange.as_ref().map(|exchange| exchange.upgrade());
        let mut exchange = exchange;
        if upgrade.as_deref() == Some(b"websocket")
            && let Some(mut exchange) = exchange.take()
        {
            cx.counters.count(Counter::SwitchedWebSocket);
            exchange.protocol = Protocol::WebSocket;
            let connection = websocket::Connection::new(client, exchange, cx.now);
            return Self::WebSocket(Box::new(connection));
        }
        let (counter, next, protocol) = match upgrade.as_deref() {
            Some(b"h2c") => {
                let http2 = http2::Connection::upgraded(client, exchange.as_deref(), cx.settings);
                (
                    Counter::SwitchedHttp2,
                    Self::Http2(Box::new(http2)),
                    Protocol::Http1,
                )
            }
            _ => (Counter::SwitchedOther, Self::Opaque, Protocol::Http1),
        };
        cx.counters.count(counter);
        if let Some(mut exchange) = exchange {
            exchange.protocol = protocol;
            cx.report(client, *exchange);
        }
        next
    }

    /// Bytes of one side that will never come.
    pub(crate) fn gap<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        offset: u64,
        len: u64,
    ) {
        if matches!(self, Self::Silent) {
            *self = Self::begin(cx.facts);
        }
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Detecting(http1, http2) => {
                http1.gap(cx, side, offset, len);
                let detecting = || Box::new(http2::Connection::detecting(cx.facts, cx.settings));
                let http2 = http2.get_or_insert_with(detecting);
                http2.gap(cx, side, len);
                if http1.is_recognised() {
                    self.settle_on_http1();
                }
            }
            Self::Http1(connection) => connection.gap(cx, side, offset, len),
            Self::Http2(connection) => connection.gap(cx, side, len),
            Self::WebSocket(connection) => connection.gap(cx, side, len),
        }
    }

    /// Something is odd about the bytes that come next.
    pub(crate) fn note_odd(&mut self, side: Side, anomaly: MessageAnomaly) {
        match self {
            Self::Silent | Self::Opaque | Self::WebSocket(_) => {}
            Self::Detecting(connection, _) | Self::Http1(connection) => {
                connection.note_odd(side, anomaly);
            }
            Self::Http2(connection) => connection.note_odd(side, anomaly),
        }
    }

    /// An urgent octet comes next in the stream, or was taken out of it; it goes on at `next`.
    pub(crate) fn urgent(&mut self, facts: &Facts, side: Side, next: u64) {
        if matches!(self, Self::Silent) {
            *self = Self::begin(facts);
        }
        if let Self::Detecting(connection, _) | Self::Http1(connection) = self {
            connection.go_on_at(side, next);
        }
        self.note_odd(side, MessageAnomaly::UrgentData);
    }

    /// One side's stream ended.
    pub(crate) fn end<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        reason: EndReason,
    ) {
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Detecting(connection, _) | Self::Http1(connection) => {
                connection.end(cx, side, reason);
            }
            Self::Http2(connection) => connection.end(cx, side),
            Self::WebSocket(connection) => connection.end(cx, side),
        }
    }

    /// Nothing more will come: reports what is left.
    pub(crate) fn close<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Detecting(connection, _) | Self::Http1(connection) => connection.close(cx),
            Self::Http2(connection) => connection.close(cx),
            Self::WebSocket(connection) => connection.report(cx),
        }
    }

    /// Reports what is held so that it is held no longer.
    pub(crate) fn shed<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        cx.counters.count(Counter::HeldBytesCap);
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Detecting(connection, http2) => {
                *http2 = None;
                connection.shed(cx);
            }
            Self::Http1(connection) => connection.shed(cx),
            Self::Http2(connection) => connection.shed(cx),
            Self::WebSocket(connection) => connection.report(cx),
        }
    }

    /// Reports what has waited too long.
    pub(crate) fn expire<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Detecting(connection, _) | Self::Http1(connection) => connection.expire(cx),
            Self::Http2(connection) => connection.expire(cx),
            Self::WebSocket(connection) => connection.expire(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation_between_exchanges_is_small() {
        let sizes = [
            size_of::<Facts>(),
            size_of::<http1::Connection>(),
            size_of::<http2::Connection>(),
            size_of::<websocket::Connection>(),
        ];
        let most = [160, 1024, 2048, 2048];
        for (size, most) in sizes.into_iter().zip(most) {
            assert!(size <= most, "{sizes:?}");
        }
    }
}
