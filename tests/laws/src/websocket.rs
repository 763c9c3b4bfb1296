//! WebSocket: a stream of frames gives the same exchange however it is cut, what is counted was
//! sent, and nothing is held beyond the samples.

use tapscope_flow::{
    CloseReason, ConnectionId, Encapsulation, FeedIndex, Side, StreamEvent, StreamEventKind,
    Timestamp,
};
use tapscope_http::{HttpExchange, HttpSettings, HttpStage, Messages};

use crate::input::Input;

const REQUEST: &[u8] = b"GET /live HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const RESPONSE: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n";

/// Holds the laws: an input is how to cut, then what the client sends behind the switch.
pub fn websocket(data: &[u8]) {
    let mut input = Input(data);
    let step = 1 + input.below(64);
    let stream = input.0;
    let whole = play(stream, stream.len().max(1));
    assert_eq!(whole, play(stream, step));
    let Some(messages) = whole else {
        return;
    };
    let flow = &messages.from_client;
    assert!(flow.bytes <= stream.len() as u64);
    assert!(flow.messages + flow.control + flow.incomplete <= 1 + stream.len() as u64);
    assert!(flow.longest <= flow.bytes && flow.text <= flow.messages);
    let settings = HttpSettings::default();
    assert!(flow.samples.len() <= settings.message_samples_max);
    let most = settings.message_sample_bytes_max;
    assert!(flow.samples.iter().all(|sample| sample.len() <= most));
}

/// What the exchange says when the stream comes in pieces of that many bytes.
fn play(stream: &[u8], step: usize) -> Option<Messages> {
    let mut stage = HttpStage::new(HttpSettings::default());
    let mut exchanges: Vec<HttpExchange> = Vec::new();
    let connection = ConnectionId { slot: 0, name: 1 };
    let encapsulation = Encapsulation::default();
    let timestamp = Timestamp::from_nanos(1_000_000_000);
    let mut send = |kind: StreamEventKind<'_>| {
        let event = StreamEvent {
            connection,
            timestamp,
            kind,
        };
        stage.handle_event(event, &mut |exchange| exchanges.push(exchange));
    };
    send(StreamEventKind::Open {
        a: ([192, 0, 2, 1], 40_000).into(),
        b: ([192, 0, 2, 2], 80).into(),
        initiator: Some(Side::A),
        from_start: true,
        encapsulation: &encapsulation,
        feed: FeedIndex::default(),
    });
    let (asked, agreed) = (REQUEST.len() as u64, RESPONSE.len() as u64);
    let data = |side, offset, acknowledged, bytes| StreamEventKind::Data {
        side,
        offset,
        acknowledged: Some(acknowledged),
        captured: timestamp,
        bytes,
    };
    send(data(Side::A, 0, 0, REQUEST));
    send(data(Side::B, 0, asked, RESPONSE));
    let mut offset = asked;
    for piece in stream.chunks(step) {
        send(data(Side::A, offset, agreed, piece));
        offset += piece.len() as u64;
    }
    send(StreamEventKind::Close {
        reason: CloseReason::Flushed,
    });
    assert_eq!(exchanges.len(), 1);
    let exchange = exchanges.pop()?;
    exchange.messages.map(|messages| *messages)
}
