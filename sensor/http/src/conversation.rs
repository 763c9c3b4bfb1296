//! What a connection speaks, and how one protocol hands over to another.
//!
//! What is spoken is told by content alone, on any port. HTTP/1 says from which byte on something
//! else follows (after 101, inside a tunnel); that byte and all later ones go to the conversation
//! that follows, with the exchange that led to it.

use core::net::SocketAddr;

use tapscope_flow::{ConnectionId, Encapsulation, EndReason, Side, Timestamp};

use crate::chunk::Chunk;
use crate::counters::{Counter, Counters};
use crate::exchange::{
    ExchangeId, ExchangeSink, HttpExchange, Messages, Pairing, Protocol, Request, Response,
};
use crate::http1;
use crate::settings::HttpSettings;

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
}

impl<S: ExchangeSink> Context<'_, S> {
    /// Hands an exchange to the sink.
    pub(crate) fn report(&mut self, client: Side, finished: Finished) {
        let (client, server) = match client {
            Side::A => (self.facts.a, self.facts.b),
            Side::B => (self.facts.b, self.facts.a),
        };
        self.counters
            .count(match (&finished.request, finished.pairing) {
                (_, Pairing::Ordered) => Counter::Ordered,
                (_, Pairing::Acknowledged) => Counter::Acknowledged,
                (Some(_), Pairing::Unpaired) => Counter::Unanswered,
                (None, Pairing::Unpaired) => Counter::Orphaned,
            });
        let id = ExchangeId {
            connection: self.facts.id.name,
            ordinal: *self.ordinal,
        };
        *self.ordinal = self.ordinal.saturating_add(1);
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
            reported: self.now,
        });
    }
}

/// An exchange as a conversation makes it, without what is the connection's.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) request: Option<Request>,
    pub(crate) response: Option<Response>,
    pub(crate) messages: Option<Box<Messages>>,
    pub(crate) pairing: Pairing,
    pub(crate) protocol: Protocol,
}

impl Finished {
    /// Bytes held in heads and samples.
    pub(crate) fn held(&self) -> usize {
        let of_request = self
            .request
            .as_ref()
            .map_or(0, |r| r.head.bytes.len() + r.body.sample.len());
        let of_response = self
            .response
            .as_ref()
            .map_or(0, |r| r.head.bytes.len() + r.body.sample.len());
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
    /// HTTP/1, or whatever HTTP/1's detection is still looking at.
    Http1(Box<http1::Connection>),
    /// Something else; its bytes are only counted.
    Opaque,
}

impl Conversation {
    /// Bytes held in heads and samples.
    pub(crate) const fn held(&self) -> usize {
        match self {
            Self::Silent | Self::Opaque => 0,
            Self::Http1(connection) => connection.held(),
        }
    }

    /// When to look for what waits too long, if anything waits.
    pub(crate) fn deadline(&self, settings: &HttpSettings) -> Option<Timestamp> {
        match self {
            Self::Silent | Self::Opaque => None,
            Self::Http1(connection) => connection.deadline(settings),
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
                Self::Http1(connection) => {
                    rest = connection.data(cx, side, rest);
                    if let Some(handover) = connection.take_handover() {
                        self.hand_over(cx, handover);
                    }
                }
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
        Self::Http1(Box::new(http1::Connection::new(facts)))
    }

    /// HTTP/1 ends here.
    fn hand_over<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, handover: Handover) {
        match handover {
            // HTTP/1 looks on by itself.
            Handover::Tunnel => {}
            Handover::Switched { client, exchange } => {
                let upgrade = exchange.as_ref().map(|exchange| exchange.upgrade());
                *self = Self::Opaque;
                match upgrade.as_deref() {
                    Some(b"websocket") => {
                        cx.counters.count(Counter::SwitchedWebSocket);
                        if let Some(mut exchange) = exchange {
                            exchange.protocol = Protocol::WebSocket;
                            cx.report(client, *exchange);
                        }
                    }
                    _ => {
                        cx.counters.count(Counter::SwitchedOther);
                        if let Some(exchange) = exchange {
                            cx.report(client, *exchange);
                        }
                    }
                }
            }
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
        if matches!(self, Self::Silent) {
            *self = Self::begin(cx.facts);
        }
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Http1(connection) => connection.gap(cx, side, offset, len),
        }
    }

    /// A retransmission carried other bytes.
    pub(crate) fn conflict(&mut self, side: Side) {
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Http1(connection) => connection.conflict(side),
        }
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
            Self::Http1(connection) => connection.end(cx, side, reason),
        }
    }

    /// Nothing more will come: reports what is left.
    pub(crate) fn close<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Http1(connection) => connection.close(cx),
        }
    }

    /// Reports what is held so that it is held no longer.
    pub(crate) fn shed<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        cx.counters.count(Counter::HeldBytesCap);
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Http1(connection) => connection.shed(cx),
        }
    }

    /// Reports what has waited too long.
    pub(crate) fn expire<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        match self {
            Self::Silent | Self::Opaque => {}
            Self::Http1(connection) => connection.expire(cx),
        }
    }
}
