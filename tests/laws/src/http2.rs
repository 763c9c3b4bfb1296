//! HTTP/2: however the streams are cut the exchanges are the same, what is held is bounded and let
//! go of, and no path is reported that the client did not send.

use tapscope_flow::{
    ConnectionId, Encapsulation, FeedIndex, GapReason, Side, StreamEvent, StreamEventKind,
    Timestamp,
};
use tapscope_http::{Certainty, HttpExchange, HttpSettings, HttpStage};

use crate::input::Input;

/// What a client begins with.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Bytes held at most, for the stage and for what one event may add before it sheds.
const HELD_BYTES_MAX: usize = 8_000;

/// A piece of one side's stream, and bytes that are missing behind it.
#[derive(Clone, Debug)]
struct Piece {
    side: Side,
    bytes: Vec<u8>,
    gap: u64,
}

/// Holds the laws of HTTP/2: an input is a choice of preface or not, then pieces: a side, a kind of
/// frame or raw bytes, and seldom a gap.
pub fn http2(data: &[u8]) {
    let mut input = Input(data);
    let from_start = input.byte() % 4 != 0;
    let pieces = pieces(&mut input, from_start);
    play(&pieces, usize::MAX, from_start, HELD_BYTES_MAX);
    // What is given up for memory depends on what came together.
    if from_start && pieces.iter().all(|piece| piece.gap == 0) {
        let whole = play(&pieces, usize::MAX, from_start, 1 << 20);
        assert_eq!(whole, play(&pieces, 1, from_start, 1 << 20), "by byte");
        assert_eq!(whole, play(&pieces, 7, from_start, 1 << 20), "by seven");
    }
}

fn pieces(input: &mut Input<'_>, from_start: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    if from_start {
        pieces.push(Piece {
            side: Side::A,
            bytes: PREFACE.to_vec(),
            gap: 0,
        });
    }
    while !input.is_empty() && pieces.len() < 100 {
        let choice = input.byte();
        let side = if choice & 1 == 0 { Side::A } else { Side::B };
        let kind = (choice >> 1) % 12;
        let bytes = if kind > 9 {
            let len = input.below(64);
            input.slice(len).to_vec()
        } else {
            let (flags, stream) = (input.byte(), input.byte() % 8);
            let len = input.below(256);
            let payload = input.slice(len);
            let length = u8::try_from(payload.len()).expect("at most 255");
            let header = [0, 0, length, kind, flags, 0, 0, 0, stream];
            [&header, payload].concat()
        };
        let gap = u64::from(input.byte().saturating_sub(0xf0)) * 3;
        pieces.push(Piece { side, bytes, gap });
    }
    pieces
}

fn play(pieces: &[Piece], cut: usize, from_start: bool, held: usize) -> Vec<HttpExchange> {
    let settings = HttpSettings {
        held_bytes_max: held,
        http2_table_bytes_max: 1_000,
        http2_resync_bytes_max: 1_000,
        http2_block_bytes_max: 1_000,
        http2_list_bytes_max: 4_000,
        http2_streams_max: 16,
        ..HttpSettings::default()
    };
    let mut stage = HttpStage::new(settings);
    let mut exchanges = Vec::new();
    let connection = ConnectionId { slot: 0, name: 0 };
    let mut send = |stage: &mut HttpStage, kind: StreamEventKind<'_>| {
        let timestamp = Timestamp::from_nanos(0);
        let event = StreamEvent {
            connection,
            timestamp,
            kind,
        };
        stage.handle_event(event, &mut |exchange| exchanges.push(exchange));
        assert!(stage.held_bytes() < 3 * held);
    };
    let address = |port| core::net::SocketAddr::from(([10, 0, 0, 1], port));
    let encapsulation = Encapsulation::default();
    let open = StreamEventKind::Open {
        a: address(40_000),
        b: address(80),
        initiator: from_start.then_some(Side::A),
        from_start,
        feed: FeedIndex::default(),
        encapsulation: &encapsulation,
    };
    send(&mut stage, open);
    let mut offsets = [0_u64; 2];
    for piece in pieces {
        let side = piece.side;
        let offset = &mut offsets[side as usize];
        for bytes in piece.bytes.chunks(cut.min(piece.bytes.len().max(1))) {
            let data = StreamEventKind::Data {
                side,
                offset: *offset,
                acknowledged: None,
                captured: Timestamp::from_nanos(0),
                bytes,
            };
            send(&mut stage, data);
            *offset += bytes.len() as u64;
        }
        if piece.gap > 0 {
            let gap = StreamEventKind::Gap {
                side,
                offset: *offset,
                len: piece.gap,
                reason: GapReason::NotCaptured,
            };
            send(&mut stage, gap);
            *offset += piece.gap;
        }
    }
    stage.flush(Timestamp::from_nanos(0), &mut |exchange| {
        exchanges.push(exchange);
    });
    assert_eq!(stage.held_bytes(), 0, "everything is let go of");
    for exchange in &exchanges {
        sensible(exchange);
    }
    exchanges
}

/// The most that a head of fields can take, which compression can make out of a few octets: the fields,
/// how each is written, and a start line.
pub(crate) const fn head_bytes_max(settings: &HttpSettings) -> usize {
    settings.http2_list_bytes_max + 4 * settings.headers_max + 64
}

fn sensible(exchange: &HttpExchange) {
    assert!(exchange.request.is_some() || exchange.response.is_some());
    let request = exchange.request.iter().map(|it| &it.head);
    let response = exchange.response.iter().map(|it| &it.head);
    for head in request.chain(response) {
        assert!(head.bytes.len() <= head_bytes_max(&HttpSettings::default()));
    }
    if let Some(request) = &exchange.request {
        let (method, target) = (request.method, request.target);
        let is_told = !method.is_empty() && !target.is_empty();
        assert!(is_told || !matches!(request.certainty, Certainty::Inferred { .. }));
        assert!(request.body.sample.len() as u64 <= request.body.length);
    }
}
