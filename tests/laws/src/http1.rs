//! HTTP/1: however the streams are cut the exchanges, their anomalies and their readings are the
//! same, what is held is bounded and let go of, and no body says more than was sent.

use tapscope_flow::{
    ConnectionId, Encapsulation, EndReason, FeedIndex, GapReason, Side, StreamEvent,
    StreamEventKind, Timestamp,
};
use tapscope_http::{HttpExchange, HttpSettings, HttpStage, Protocol};

use crate::http2;
use crate::input::Input;
use crate::mutation::Random;

/// Bytes that mean something to HTTP/1, which an input joins to messages.
const WORDS: &[&str] = &[
    "GET / HTTP/1.1\r\n",
    "POST /p HTTP/1.1\r\n",
    "HEAD /h HTTP/1.0\r\n",
    "GET /nine\r\n",
    "PUT  /two \t blanks HTTP/1.1 \r\n",
    "OPTIONS * HTTP/1.2\r\n",
    "CONNECT h:1 HTTP/1.1\r\n",
    "get http://h:80/x?q= HTTP/1.1\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0 304\r\n",
    "HTTP/1.1 101 s\r\n",
    "HTTP/1.1 100 c\r\n\r\n",
    "HTTP/1.1  204 \n",
    "ICY 200 OK\r\n",
    "HTTP/1.1 2xx odd\r",
    "Host: h\r\n",
    "Host: other\r\n",
    "Content-Length: 5\r\n",
    "Content-Length: 12\r\n",
    "Content-Length : 5, 5\r\n",
    "Content-Length: +5\r\n",
    "Content-Length:\r\n 5\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding : chunked\r\n",
    "Transfer-Encoding: x\u{b}chunked\r\n",
    "Transfer-Encoding:\r\n chunked\r\n",
    "transfer-encoding: identity, chunked\n",
    "Upgrade: websocket\r\n",
    "Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
    "Connection: close\r\n",
    "no colon\r\n",
    " folded\r\n",
    ": no name\r\n",
    "X-Long: ",
    "Content-Type: text/event-stream\r\n",
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    "\0",
    "hello",
    "data: x\n\n",
    "5\r\nhello\r\n",
    "5;a=\"b\"\nhello\n",
    "0x5\r\n",
    " 5 \r\n",
    "00000000000000005\r\n",
    "ffffffffffffffff\r\n",
    "0\r\n\r\n",
    "0\r\nT: x\r\n\r\n",
    "GET /in/content HTTP/1.1\r\nHost: h\r\n\r\n",
];

/// How many of them are request lines: the first ones.
const REQUESTS: usize = 8;

/// Bytes held at most where memory is short, for the stage and for what one event adds before it
/// sheds.
const HELD_BYTES_MAX: usize = 4_000;

/// What one side sends before the other speaks, and bytes that are missing behind it.
#[derive(Clone, Debug)]
struct Piece {
    side: Side,
    bytes: Vec<u8>,
    gap: u64,
}

/// How the streams are cut.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Whole,
    By(usize),
    Randomly(u64),
}

/// Holds the laws of HTTP/1: an input is a choice of how the connection is known and of limits,
/// then words, raw bytes, repetitions, changes of side and seldom a gap.
pub fn http1(data: &[u8]) {
    let mut input = Input(data);
    let choice = input.byte();
    let (from_start, has_gaps) = (choice & 3 != 3, choice & 12 == 12);
    let is_tight = choice & 16 != 0;
    let pieces = pieces(&mut input, has_gaps);
    let exchanges = play(&pieces, Cut::Whole, from_start, is_tight, HELD_BYTES_MAX);
    let sent: u64 = pieces.iter().map(|piece| piece.bytes.len() as u64).sum();
    for exchange in &exchanges {
        sensible(exchange, sent);
    }
    // Until a connection is known to speak HTTP, and where bytes are missing, where segments begin is what
    // messages are found by.
    if !(from_start && !has_gaps && begins_as_http(&pieces)) {
        return;
    }
    let whole = play(&pieces, Cut::Whole, true, is_tight, 1 << 20);
    if whole.iter().any(opens_tunnel) {
        return;
    }
    let seed = u64::from(choice) + sent;
    for cut in [Cut::By(1), Cut::By(7), Cut::Randomly(seed)] {
        let found = play(&pieces, cut, true, is_tight, 1 << 20);
        assert_eq!(whole, found, "{cut:?}");
    }
}

/// Whether the client begins with the head of a request, behind empty lines at most.
fn begins_as_http(pieces: &[Piece]) -> bool {
    let first = pieces.iter().find(|piece| !piece.bytes.is_empty());
    let Some(piece) = first.filter(|piece| piece.side == Side::A) else {
        return false;
    };
    let empty = piece.bytes.iter();
    let empty = empty.take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let head = &piece.bytes[empty.count()..];
    let begins = |word: &&str| head.starts_with(word.as_bytes());
    let ends = |end: &[u8]| head.windows(end.len()).any(|window| window == end);
    WORDS[..REQUESTS].iter().any(begins) && (ends(b"\r\n\r\n") || ends(b"\n\n"))
}

/// What is spoken inside a tunnel is not known either; what is spoken after an upgrade has laws of
/// its own.
fn opens_tunnel(exchange: &HttpExchange) -> bool {
    let request = exchange.request.as_ref();
    let response = exchange.response.as_ref();
    request.is_some_and(|request| request.head.slice(request.method) == b"CONNECT")
        || response.is_some_and(|response| response.status == 101)
}

fn pieces(input: &mut Input<'_>, has_gaps: bool) -> Vec<Piece> {
    let new = |side| Piece {
        side,
        bytes: Vec::new(),
        gap: 0,
    };
    let mut pieces = vec![new(Side::A)];
    let mut word = "";
    while !input.is_empty() && pieces.len() < 60 {
        let choice = input.byte();
        let last = pieces.last_mut().expect("there is one");
        if last.bytes.len() > 8_000 {
            break;
        }
        match choice {
            0..=0x7f => {
                word = WORDS[usize::from(choice) % WORDS.len()];
                last.bytes.extend(word.as_bytes());
            }
            0x80..=0xbf => last.bytes.extend(input.slice(usize::from(choice & 0x3f))),
            0xc0..=0xdf => {
                let side = last.side.other();
                pieces.push(new(side));
            }
            0xe0..=0xf7 => {
                let times = 1 << (choice & 7);
                last.bytes.extend(word.repeat(times).as_bytes());
            }
            0xf8..=0xff if has_gaps => {
                let side = last.side;
                last.gap = u64::from(choice - 0xf7) * 9;
                pieces.push(new(side));
            }
            0xf8..=0xff => last.bytes.push(choice),
        }
    }
    pieces
}

/// The stage over the pieces, each of them cut.
fn play(
    pieces: &[Piece],
    cut: Cut,
    from_start: bool,
    is_tight: bool,
    held: usize,
) -> Vec<HttpExchange> {
    let mut player = Player::new(from_start, is_tight, held);
    let mut random = Random::new(match cut {
        Cut::Randomly(seed) => seed,
        _ => 0,
    });
    for piece in pieces {
        let mut rest = piece.bytes.as_slice();
        while !rest.is_empty() {
            let len = match cut {
                Cut::Whole => rest.len(),
                Cut::By(len) => len,
                Cut::Randomly(_) => 1 + random.below(40),
            };
            let (now, later) = rest.split_at(len.min(rest.len()));
            player.data(piece.side, now);
            rest = later;
        }
        player.gap(piece.side, piece.gap);
    }
    player.end()
}

/// Feeds a stage.
struct Player {
    stage: HttpStage,
    exchanges: Vec<HttpExchange>,
    /// Bytes sent by each side.
    sent: [u64; 2],
    held_max: usize,
}

impl Player {
    fn new(from_start: bool, is_tight: bool, held_max: usize) -> Self {
        let mut settings = HttpSettings {
            held_bytes_max: held_max,
            ..HttpSettings::default()
        };
        if is_tight {
            settings.head_bytes_max = 300;
            settings.headers_max = 8;
            settings.body_sample_bytes_max = 20;
            settings.detect_bytes_max = 100;
            settings.chunk_line_bytes_max = 40;
            settings.pending_requests_max = 4;
            settings.pending_responses_max = 2;
        }
        let mut player = Self {
            stage: HttpStage::new(settings),
            exchanges: Vec::new(),
            sent: [0; 2],
            held_max,
        };
        let address = |port| core::net::SocketAddr::from(([10, 0, 0, 1], port));
        let encapsulation = Encapsulation::default();
        player.send(StreamEventKind::Open {
            a: address(40_000),
            b: address(80),
            initiator: from_start.then_some(Side::A),
            from_start,
            feed: FeedIndex::default(),
            encapsulation: &encapsulation,
        });
        player
    }

    fn send(&mut self, kind: StreamEventKind<'_>) {
        let event = StreamEvent {
            connection: ConnectionId { slot: 0, name: 0 },
            timestamp: Timestamp::from_nanos(0),
            kind,
        };
        let exchanges = &mut self.exchanges;
        self.stage
            .handle_event(event, &mut |exchange| exchanges.push(exchange));
        let most = self.held_max + 16_000;
        assert!(self.stage.held_bytes() <= most, "memory is bounded");
    }

    fn data(&mut self, side: Side, bytes: &[u8]) {
        let offset = self.sent[side as usize];
        self.send(StreamEventKind::Data {
            side,
            offset,
            acknowledged: Some(self.sent[side.other() as usize]),
            captured: Timestamp::from_nanos(0),
            bytes,
        });
        self.sent[side as usize] += bytes.len() as u64;
    }

    fn gap(&mut self, side: Side, len: u64) {
        if len > 0 {
            self.send(StreamEventKind::Gap {
                side,
                offset: self.sent[side as usize],
                len,
                reason: GapReason::NotCaptured,
            });
            self.sent[side as usize] += len;
        }
    }

    fn end(mut self) -> Vec<HttpExchange> {
        for side in [Side::A, Side::B] {
            let reason = EndReason::Fin;
            self.send(StreamEventKind::End { side, reason });
        }
        let exchanges = &mut self.exchanges;
        self.stage.flush(Timestamp::from_nanos(0), &mut |exchange| {
            exchanges.push(exchange);
        });
        assert_eq!(self.stage.held_bytes(), 0, "everything is let go of");
        self.exchanges
    }
}

fn sensible(exchange: &HttpExchange, sent: u64) {
    assert!(exchange.request.is_some() || exchange.response.is_some());
    let request = exchange.request.iter().map(|it| (&it.head, &it.body));
    let response = exchange.response.iter().map(|it| (&it.head, &it.body));
    for (head, body) in request.chain(response) {
        assert!(body.sample.len() as u64 <= body.length);
        assert!(body.length <= sent);
        // Heads of HTTP/2, which a connection may go over to, are compressed: they have a cap.
        if matches!(exchange.protocol, Protocol::Http2 | Protocol::Grpc) {
            assert!(head.bytes.len() <= http2::head_bytes_max(&HttpSettings::default()));
        } else {
            assert!(head.bytes.len() as u64 <= 2 * sent + 64);
        }
        let (len, spans) = (head.bytes.len(), &head.headers);
        let inside = |end: u32| usize::try_from(end).is_ok_and(|end| end <= len);
        assert!(
            spans
                .iter()
                .all(|it| inside(it.name.end) && inside(it.value.end))
        );
    }
}
