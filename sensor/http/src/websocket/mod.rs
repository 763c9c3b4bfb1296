//! WebSocket (RFC 6455): what is said on a connection after 101 switched it. The exchange that
//! asked for the switch carries how many messages went each way, how long they were, and the first
//! of them, unmasked and decompressed; it is reported when the connection ends, and before that,
//! once, when it goes on for a named time.

/// Frames: headers, and the chain of them after loss.
mod frame;

/// permessage-deflate (RFC 7692).
mod inflate;

/// Frames of one direction, put together to messages.
mod reader;

use tapscope_flow::{Side, Timestamp};

use crate::chunk::Chunk;
use crate::conversation::{Context, Finished};
use crate::counters::Counter;
use crate::exchange::{ExchangeSink, HeadBytes, Messages};
use crate::settings::HttpSettings;
use reader::{Deflate, Reader};

/// A connection that speaks WebSocket.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Side,
    /// The exchange that asked for the switch, until it is reported.
    exchange: Option<Box<Finished>>,
    /// When it switched.
    since: Timestamp,
    /// It was reported while it went on, and is to be reported again when it ends.
    is_opened: bool,
    from_client: Reader,
    from_server: Reader,
    /// Sides whose stream ended.
    ended: u8,
    /// Messages that came before the exchange was reported: later ones are counted by the stage.
    reported: u64,
}

impl Connection {
    /// Begins behind the response that switched the connection.
    pub(crate) fn new(client: Side, exchange: Box<Finished>, now: Timestamp) -> Self {
        let agreed = exchange.response.as_ref().map(|response| &response.head);
        let (of_client, of_server) = agreed.map_or((None, None), agreed_deflate);
        Self {
            client,
            exchange: Some(exchange),
            since: now,
            is_opened: false,
            from_client: Reader::new(true, of_client),
            from_server: Reader::new(false, of_server),
            ended: 0,
            reported: 0,
        }
    }

    /// Bytes held in heads and samples.
    pub(crate) fn held(&self) -> usize {
        let exchange = self.exchange.as_ref().map_or(0, |exchange| exchange.held());
        exchange + self.from_client.held() + self.from_server.held()
    }

    /// When the exchange is reported though the connection goes on.
    pub(crate) fn opening(&self, settings: &HttpSettings) -> Option<Timestamp> {
        let waits = self.exchange.is_some() && !self.is_opened;
        waits.then(|| self.since + settings.opening_nanos_max)
    }

    fn reader(&mut self, side: Side) -> &mut Reader {
        if side == self.client {
            &mut self.from_client
        } else {
            &mut self.from_server
        }
    }

    /// In-order bytes of one side.
    pub(crate) fn data<S: ExchangeSink>(
        &mut self,
        cx: &mut Context<'_, S>,
        side: Side,
        chunk: Chunk<'_>,
    ) {
        let (settings, counters) = (cx.settings, &mut *cx.counters);
        let reader = self.reader(side);
        reader.data(chunk.bytes, chunk.is_event_start, settings, counters);
        self.count_late(cx);
    }

    /// Bytes of one side that will never come.
    pub(crate) fn gap<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side, len: u64) {
        self.reader(side).gap(len, cx.counters);
    }

    /// One side's stream ended; the exchange is reported when both have.
    pub(crate) fn end<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>, side: Side) {
        self.reader(side).end();
        self.ended |= if side == self.client { 1 } else { 2 };
        if self.ended == 3 {
            self.report(cx);
        }
    }

    /// Reports the exchange when it has gone on long enough.
    pub(crate) fn expire<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        if self.opening(cx.settings).is_none_or(|due| due > cx.now) {
            return;
        }
        let Some(mut opening) = self.exchange.as_deref().cloned() else {
            return;
        };
        opening.messages = Some(Box::new(Messages {
            from_client: self.from_client.flow.clone(),
            from_server: self.from_server.flow.clone(),
            outcome: None,
        }));
        let number = cx.report_opening(self.client, opening);
        self.is_opened = true;
        if let Some(exchange) = &mut self.exchange {
            exchange.opened = Some(number);
        }
    }

    /// Reports the exchange with what was said until now, unless it was reported.
    pub(crate) fn report<S: ExchangeSink>(&mut self, cx: &mut Context<'_, S>) {
        let Some(mut exchange) = self.exchange.take() else {
            return;
        };
        let outcome = self.from_server.close.or(self.from_client.close);
        exchange.messages = Some(Box::new(Messages {
            from_client: self.from_client.take_flow(),
            from_server: self.from_server.take_flow(),
            outcome: outcome.map(u32::from),
        }));
        cx.report(self.client, *exchange);
    }

    /// Messages after the report are in no exchange: they are counted, not lost.
    fn count_late<S>(&mut self, cx: &mut Context<'_, S>) {
        if self.exchange.is_some() {
            return;
        }
        let messages = self.from_client.flow.messages + self.from_server.flow.messages;
        let new = messages.saturating_sub(self.reported);
        if new > 0 {
            cx.counters.add(Counter::LateMessages, new);
            self.reported = messages;
        }
    }
}

/// What the response agreed to of permessage-deflate, for each direction.
fn agreed_deflate(head: &HeadBytes) -> (Option<Deflate>, Option<Deflate>) {
    let extensions = head
        .headers()
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"sec-websocket-extensions"))
        .flat_map(|(_, value)| value.split(|&byte| byte == b','));
    for extension in extensions {
        let mut parts = extension
            .split(|&byte| byte == b';')
            .map(<[u8]>::trim_ascii);
        let name = parts.next().unwrap_or_default();
        if !name.eq_ignore_ascii_case(b"permessage-deflate") {
            continue;
        }
        let (mut client, mut server) = (Deflate { takeover: true }, Deflate { takeover: true });
        for parameter in parts {
            if parameter.eq_ignore_ascii_case(b"client_no_context_takeover") {
                client.takeover = false;
            } else if parameter.eq_ignore_ascii_case(b"server_no_context_takeover") {
                server.takeover = false;
            }
        }
        return (Some(client), Some(server));
    }
    (None, None)
}

#[cfg(test)]
mod tests;
