//! Plays dialogues against the stage and prints the exchanges compactly.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]
#![expect(
    unreachable_pub,
    reason = "each test binary includes this module and uses part of it"
)]
#![allow(
    dead_code,
    reason = "each test binary includes this module and uses part of it"
)]

use core::fmt::Write as _;

use tapscope_flow::{
    CloseReason, ConnectionId, Encapsulation, EndReason, GapReason, Side, StreamEvent,
    StreamEventKind, Timestamp,
};
use tapscope_http::{BodyEnd, HttpExchange, HttpSettings, HttpStage, Pairing, Protocol};

/// One step of a dialogue. `C` is the client by handshake (side A), `S` the server.
#[derive(Clone, Debug)]
pub enum Step {
    /// The client sends bytes, having acknowledged all that was sent to it.
    C(Vec<u8>),
    /// The server sends bytes, having acknowledged all that was sent to it.
    S(Vec<u8>),
    /// The client sends bytes, having acknowledged up to that position.
    CAck(Vec<u8>, u64),
    /// The server sends bytes, having acknowledged up to that position.
    SAck(Vec<u8>, u64),
    /// Bytes of the client are missing.
    CGap(u64),
    /// Bytes of the server are missing.
    SGap(u64),
    /// The client's stream ends.
    CEnd(EndReason),
    /// The server's stream ends.
    SEnd(EndReason),
    /// That many seconds pass.
    Wait(i64),
}

/// The client sends text.
pub fn c(text: &str) -> Step {
    Step::C(text.as_bytes().to_vec())
}

/// The server sends text.
pub fn s(text: &str) -> Step {
    Step::S(text.as_bytes().to_vec())
}

/// A connection that is being played.
pub struct Player {
    pub stage: HttpStage,
    pub exchanges: Vec<HttpExchange>,
    id: ConnectionId,
    offsets: [u64; 2],
    now: Timestamp,
}

impl Player {
    pub fn new(settings: HttpSettings, initiator: Option<Side>) -> Self {
        let mut player = Self {
            stage: HttpStage::new(settings),
            exchanges: Vec::new(),
            id: ConnectionId { slot: 3, name: 7 },
            offsets: [0, 0],
            now: Timestamp::from_nanos(1_000_000_000),
        };
        let encapsulation = Encapsulation::default();
        player.event(StreamEventKind::Open {
            a: "10.0.0.1:40000".parse().unwrap(),
            b: "10.0.0.2:80".parse().unwrap(),
            initiator,
            from_start: initiator.is_some(),
            encapsulation: &encapsulation,
            feed: tapscope_flow::FeedIndex::default(),
        });
        player
    }

    pub fn event(&mut self, kind: StreamEventKind<'_>) {
        let event = StreamEvent {
            connection: self.id,
            timestamp: self.now,
            kind,
        };
        let exchanges = &mut self.exchanges;
        self.stage
            .handle_event(event, &mut |exchange| exchanges.push(exchange));
    }

    pub fn data(&mut self, side: Side, bytes: &[u8], acknowledged: Option<u64>) {
        let offset = self.offsets[side as usize];
        self.now = self.now + 1_000_000;
        let captured = self.now;
        self.event(StreamEventKind::Data {
            side,
            offset,
            acknowledged,
            captured,
            bytes,
        });
        self.offsets[side as usize] += bytes.len() as u64;
    }

    pub fn step(&mut self, step: &Step) {
        let seen = |side: Side| Some(self.offsets[side.other() as usize]);
        match step {
            Step::C(bytes) => self.data(Side::A, bytes, seen(Side::A)),
            Step::S(bytes) => self.data(Side::B, bytes, seen(Side::B)),
            Step::CAck(bytes, acknowledged) => self.data(Side::A, bytes, Some(*acknowledged)),
            Step::SAck(bytes, acknowledged) => self.data(Side::B, bytes, Some(*acknowledged)),
            Step::CGap(len) => self.gap(Side::A, *len),
            Step::SGap(len) => self.gap(Side::B, *len),
            Step::CEnd(reason) => self.event(StreamEventKind::End {
                side: Side::A,
                reason: *reason,
            }),
            Step::SEnd(reason) => self.event(StreamEventKind::End {
                side: Side::B,
                reason: *reason,
            }),
            Step::Wait(seconds) => {
                self.now = self.now + seconds * 1_000_000_000;
                let exchanges = &mut self.exchanges;
                self.stage
                    .handle_time(self.now, &mut |exchange| exchanges.push(exchange));
            }
        }
    }

    pub fn gap(&mut self, side: Side, len: u64) {
        let offset = self.offsets[side as usize];
        let reason = GapReason::NotCaptured;
        self.event(StreamEventKind::Gap {
            side,
            offset,
            len,
            reason,
        });
        self.offsets[side as usize] += len;
    }

    /// How far that side's stream was delivered.
    pub const fn position(&self, side: Side) -> u64 {
        self.offsets[side as usize]
    }

    /// That side's stream goes on further on.
    pub const fn skip(&mut self, side: Side, len: u64) {
        self.offsets[side as usize] += len;
    }

    pub fn close(&mut self) {
        self.event(StreamEventKind::Close {
            reason: CloseReason::Finished,
        });
    }
}

/// Plays a dialogue with a handshake and prints its exchanges, a line each.
pub fn play(steps: &[Step]) -> String {
    play_from(Some(Side::A), steps)
}

/// Plays a dialogue and prints its exchanges, a line each.
pub fn play_from(initiator: Option<Side>, steps: &[Step]) -> String {
    let mut player = Player::new(HttpSettings::default(), initiator);
    for step in steps {
        player.step(step);
    }
    player.close();
    print(&player.exchanges)
}

/// Prints exchanges, a line each: method, target, length of the request's body, status, length of
/// the response's body, pairing; `!` and how a body ended unless complete; anomalies.
pub fn print(exchanges: &[HttpExchange]) -> String {
    let mut out = String::new();
    for exchange in exchanges {
        if exchange.protocol == Protocol::WebSocket {
            out.push_str("websocket ");
        }
        match &exchange.request {
            None => out.push('-'),
            Some(request) => {
                let method = request.head.slice(request.method).escape_ascii();
                let target = request.head.slice(request.target).escape_ascii();
                write!(out, "{method} {target}").unwrap();
                print_body(
                    &mut out,
                    request.body.length,
                    request.body.missing,
                    request.body.end,
                );
                for anomaly in request.anomalies.iter() {
                    write!(out, " {anomaly:?}").unwrap();
                }
            }
        }
        out.push_str(" > ");
        match &exchange.response {
            None => out.push('-'),
            Some(response) => {
                write!(out, "{}", response.status).unwrap();
                print_body(
                    &mut out,
                    response.body.length,
                    response.body.missing,
                    response.body.end,
                );
                if response.interim > 0 {
                    write!(out, " after {}", response.interim).unwrap();
                }
                for anomaly in response.anomalies.iter() {
                    write!(out, " {anomaly:?}").unwrap();
                }
            }
        }
        out.push_str(match exchange.pairing {
            Pairing::Ordered => "",
            Pairing::Acknowledged => " by acknowledgement",
            Pairing::Supposed => " supposed",
            Pairing::Unpaired => " unpaired",
            _ => " other",
        });
        if exchange.client.port() == 80 {
            out.push_str(" from B");
        }
        out.push('\n');
    }
    out
}

fn print_body(out: &mut String, length: u64, missing: u64, end: BodyEnd) {
    if length > 0 || missing > 0 {
        write!(out, " {length}").unwrap();
    }
    if missing > 0 {
        write!(out, "-{missing}").unwrap();
    }
    match end {
        BodyEnd::Complete => {}
        BodyEnd::Gap => out.push_str("!gap"),
        BodyEnd::Aborted => out.push_str("!aborted"),
        BodyEnd::Open => out.push_str("!open"),
        _ => out.push_str("!other"),
    }
}
