//! HTTP/2 as it is spoken: from its start, from a 101, from the middle, with loss, and as an attack.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may stop")]

mod support;

use proptest::prelude::*;
use support::{Player, Step, print};
use tapscope_flow::Side;
use tapscope_http::{
    BodyEnd, Certainty, HttpExchange, HttpSettings, MessageAnomaly, Protocol, Timestamp,
};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

fn data(flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    frame(0, flags, stream, payload)
}

/// Compression as real peers do it: what was sent once is referred to.
#[derive(Default)]
struct Encoder {
    /// The newest first.
    table: Vec<(String, String)>,
}

impl Encoder {
    fn encode(&mut self, fields: &[(&str, &str)]) -> Vec<u8> {
        let mut block = Vec::new();
        for &(name, value) in fields {
            let known = match (name, value) {
                (":method", "GET") => Some(2),
                (":scheme", "http") => Some(6),
                (":status", "200") => Some(8),
                _ => {
                    let sent = |(n, v): &(String, String)| n == name && v == value;
                    self.table.iter().position(sent).map(|place| place + 62)
                }
            };
            let len = |text: &str| u8::try_from(text.len()).unwrap();
            match known {
                Some(index) => block.push(0x80 | u8::try_from(index).unwrap()),
                None => {
                    block.extend([0x40, len(name)]);
                    block.extend(name.bytes());
                    block.push(len(value));
                    block.extend(value.bytes());
                    self.table.insert(0, (name.to_owned(), value.to_owned()));
                }
            }
        }
        block
    }
}

/// Two peers.
#[derive(Default)]
struct Peers {
    client: Encoder,
    server: Encoder,
}

impl Peers {
    fn new() -> Self {
        Self::default()
    }

    fn request(&mut self, flags: u8, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
        let block = self.client.encode(fields);
        frame(1, flags | END_HEADERS, stream, &block)
    }

    fn response(&mut self, flags: u8, stream: u32, fields: &[(&str, &str)]) -> Vec<u8> {
        let block = self.server.encode(fields);
        frame(1, flags | END_HEADERS, stream, &block)
    }

    fn get(&mut self, stream: u32, path: &str) -> Vec<u8> {
        let fields = [
            (":method", "GET"),
            (":scheme", "http"),
            (":path", path),
            (":authority", "api.test"),
            ("user-agent", "test/1"),
        ];
        self.request(END_STREAM, stream, &fields)
    }

    fn ok(&mut self, stream: u32, body: &str) -> Vec<u8> {
        let fields = [(":status", "200"), ("content-type", "text/plain")];
        let head = self.response(0, stream, &fields);
        [head, data(END_STREAM, stream, body.as_bytes())].concat()
    }
}

fn play(initiator: Option<Side>, steps: &[Step]) -> Vec<HttpExchange> {
    let mut player = Player::new(HttpSettings::default(), initiator);
    for step in steps {
        player.step(step);
    }
    player.close();
    player.exchanges
}

/// A connection of `n` exchanges: what each side sends for each.
fn exchanges(n: u32) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut peers = Peers::new();
    (0..n)
        .map(|i| {
            let stream = 2 * i + 1;
            let request = peers.get(stream, &format!("/items/{}", i % 3));
            (request, peers.ok(stream, "hello"))
        })
        .collect()
}

fn whole(n: u32) -> Vec<Step> {
    let mut steps = vec![
        Step::C([PREFACE, SETTINGS].concat()),
        Step::S(SETTINGS.to_vec()),
    ];
    for (request, response) in exchanges(n) {
        steps.push(Step::C(request));
        steps.push(Step::S(response));
    }
    steps
}

#[test]
fn prior_knowledge() {
    assert_eq!(
        print(&play(Some(Side::A), &whole(3))),
        "GET /items/0 > 200 5\nGET /items/1 > 200 5\nGET /items/2 > 200 5\n"
    );
}

#[test]
fn the_head_says_what_http_1_would() {
    let mut peers = Peers::new();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/a?b=c"),
        (":authority", "h:81"),
        ("cookie", "a=1"),
        ("cookie", "b=2"),
    ];
    let request = peers.request(0, 1, &fields);
    let body = frame(0, END_STREAM | 0x8, 1, b"\x02abc\0\0");
    let exchanges = play(
        Some(Side::A),
        &[
            Step::C([PREFACE, SETTINGS].concat()),
            Step::C([request, body].concat()),
            Step::S(
                [
                    SETTINGS,
                    &peers.response(END_STREAM, 1, &[(":status", "204")]),
                ]
                .concat(),
            ),
        ],
    );
    let request = exchanges[0].request.as_ref().unwrap();
    assert_eq!(
        request.head.bytes.escape_ascii().to_string(),
        "POST /a?b=c HTTP/2\\r\\nhost: h:81\\r\\ncookie: a=1; b=2\\r\\n\\r\\n"
    );
    assert_eq!(request.certainty, Certainty::Exact);
    assert_eq!(
        (request.body.length, request.body.sample.as_slice()),
        (3, &b"abc"[..])
    );
    assert_eq!(print(&exchanges), "POST /a?b=c 3 > 204\n");
}

#[test]
fn upgrade_by_101_continues_as_stream_1() {
    for (initiator, first) in [(Some(Side::A), ""), (None, " by acknowledgement")] {
        assert_eq!(
            print(&upgraded(initiator)),
            format!("GET /up > 101{first}\nGET /up > 200 5\nGET /next > 200 6\n")
        );
    }
}

fn upgraded(initiator: Option<Side>) -> Vec<HttpExchange> {
    let mut peers = Peers::new();
    play(
        initiator,
        &[
            support::c(
                "GET /up HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: \r\n\r\n",
            ),
            Step::S(
                [
                    b"HTTP/1.1 101 x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
                    SETTINGS,
                    &peers.ok(1, "first"),
                ]
                .concat(),
            ),
            Step::C([PREFACE, SETTINGS, &peers.get(3, "/next")].concat()),
            Step::S(peers.ok(3, "second")),
        ],
    )
}

#[test]
fn frames_that_end_and_interrupt_exchanges() {
    let mut peers = Peers::new();
    let mut start = [PREFACE, SETTINGS].concat();
    for stream in [1, 3, 5, 7] {
        start.extend(peers.get(stream, &format!("/{stream}")));
    }
    let interim = peers.response(0, 1, &[(":status", "103")]);
    let exchanges = play(
        Some(Side::A),
        &[
            Step::C(start),
            // An interim response, a pushed exchange, trailers, a reset, and a server that leaves.
            Step::S([SETTINGS.to_vec(), interim, peers.ok(1, "one")].concat()),
            Step::S(frame(3, 0, 3, &[0, 0, 0, 8])),
            Step::S({
                let fields = [
                    (":method", "GET"),
                    (":scheme", "http"),
                    (":path", "/pushed"),
                    (":authority", "api.test"),
                ];
                let block = peers.server.encode(&fields);
                let promise = [&2_u32.to_be_bytes()[..], &block].concat();
                [frame(5, END_HEADERS, 5, &promise), peers.ok(2, "push")].concat()
            }),
            Step::S({
                let head = peers.response(0, 5, &[(":status", "200")]);
                let trailers = peers.response(END_STREAM, 5, &[("x-sum", "1")]);
                [head, data(0, 5, b"five!"), trailers].concat()
            }),
            Step::S(frame(7, 0, 0, &[0, 0, 0, 5, 0, 0, 0, 0])),
        ],
    );
    assert_eq!(
        print(&exchanges),
        "GET /1 > 200 3 after 1\n\
         GET /3 > - unpaired\n\
         GET /pushed > 200 4\n\
         GET /5 > 200 5\n\
         GET /7 > - unpaired\n"
    );
}

#[test]
fn continuation_and_priority() {
    let mut peers = Peers::new();
    let request = peers.get(1, "/long");
    let block = &request[9..];
    let with_priority = [&[0, 0, 0, 0, 15][..], &block[..3]].concat();
    let steps = [
        Step::C([PREFACE, SETTINGS].concat()),
        Step::C(frame(1, END_STREAM | 0x20, 1, &with_priority)),
        Step::C(frame(9, 0, 1, &block[3..8])),
        Step::C(frame(9, END_HEADERS, 1, &block[8..])),
        Step::S([SETTINGS, &peers.ok(1, "x")].concat()),
    ];
    assert_eq!(print(&play(Some(Side::A), &steps)), "GET /long > 200 1\n");
}

#[test]
fn websocket_over_http_2() {
    let mut peers = Peers::new();
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":path", "/chat"),
        (":authority", "h"),
    ];
    let exchanges = play(
        Some(Side::A),
        &[
            Step::C([PREFACE, SETTINGS, &peers.request(0, 1, &fields)].concat()),
            Step::S([SETTINGS, &peers.response(0, 1, &[(":status", "200")])].concat()),
            Step::C(data(END_STREAM, 1, b"\x81\x80\0\0\0\0")),
            Step::S(data(END_STREAM, 1, b"\x81\0")),
        ],
    );
    assert_eq!(exchanges[0].protocol, Protocol::WebSocket);
    assert_eq!(print(&exchanges), "websocket GET /chat 6 > 200 2\n");
}

#[test]
fn grpc() {
    let mut peers = Peers::new();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/pkg.Service/Call"),
        (":authority", "h"),
        ("content-type", "application/grpc+proto"),
    ];
    let head = [(":status", "200"), ("content-type", "application/grpc")];
    let response = [
        peers.response(0, 1, &head),
        data(0, 1, b"\0\0\0\0\x02ab\x01\0\0\0\x01c"),
        peers.response(END_STREAM, 1, &[("grpc-status", "5")]),
    ]
    .concat();
    let exchanges = play(
        Some(Side::A),
        &[
            Step::C([PREFACE, SETTINGS, &peers.request(0, 1, &fields)].concat()),
            Step::C(data(END_STREAM, 1, b"\0\0\0\0\x03xyz")),
            Step::S([SETTINGS, &response].concat()),
        ],
    );
    let exchange = &exchanges[0];
    assert_eq!(exchange.protocol, Protocol::Grpc);
    let messages = exchange.messages.as_deref().unwrap();
    assert_eq!(messages.outcome, Some(5));
    assert_eq!(
        (messages.from_client.messages, messages.from_client.bytes),
        (1, 3)
    );
    let server = &messages.from_server;
    assert_eq!(
        (server.messages, server.bytes, server.compressed),
        (2, 3, 1)
    );
    // How the compressed one is coded is not said.
    assert_eq!(server.samples, [b"ab".to_vec()]);
}

#[test]
fn joined_midway_what_is_not_known_is_not_made_up() {
    let steps: Vec<Step> = exchanges(8)
        .into_iter()
        .skip(2)
        .flat_map(|(request, response)| [Step::C(request), Step::S(response)])
        .collect();
    let exchanges = play(None, &steps);
    assert_eq!(
        print(&exchanges),
        // The third path comes as a literal; from then on it is known. The others never are.
        "GET /items/2 > 200 5\nGET  > 200 5\nGET  > 200 5\nGET /items/2 > 200 5\nGET  > 200 5\nGET  > 200 5\n"
    );
    let certainty = |i: usize| exchanges[i].request.as_ref().unwrap().certainty;
    assert_eq!(certainty(1), Certainty::Unknown);
}

#[test]
fn a_gap_inside_content_loses_nothing_else() {
    let mut peers = Peers::new();
    let first = peers.get(1, "/1");
    let second = peers.get(3, "/2");
    let head = peers.response(0, 1, &[(":status", "200")]);
    let body = data(END_STREAM, 1, &[b'x'; 3000]);
    let steps = [
        Step::C([PREFACE, SETTINGS, &first].concat()),
        Step::S([SETTINGS, &head, &body[..1009]].concat()),
        Step::SGap(1500),
        Step::S(body[2509..].to_vec()),
        Step::C(second),
        Step::S(peers.ok(3, "two")),
    ];
    assert_eq!(
        print(&play(Some(Side::A), &steps)),
        "GET /1 > 200 1500-1500!gap\nGET /2 > 200 3\n"
    );
}

#[test]
fn a_gap_over_frames_is_left_at_the_next_and_the_table_is_placed_again() {
    for lost_request in [false, true] {
        let mut steps = whole(4);
        let mut peers = exchanges(8).into_iter().skip(4);
        if lost_request {
            let (request, response) = peers.next().unwrap();
            steps.push(Step::CGap(request.len() as u64));
            steps.push(Step::S(response));
        } else {
            // Something that is no request was lost.
            steps.push(Step::CGap(17));
        }
        let mut expected = String::new();
        for (i, (request, response)) in peers.enumerate() {
            steps.push(Step::C(request));
            steps.push(Step::S(response));
            let path = (i + 4 + usize::from(lost_request)) % 3;
            expected += &format!("GET /items/{path} > 200 5\n");
        }
        let printed = print(&play(Some(Side::A), &steps));
        assert!(printed.ends_with(&expected), "{printed}");
    }
}

#[test]
fn a_stream_that_goes_on_is_reported_once() {
    let mut peers = Peers::new();
    let exchanges = play(
        Some(Side::A),
        &[
            Step::C([PREFACE, SETTINGS, &peers.get(1, "/events")].concat()),
            Step::S([SETTINGS, &peers.response(0, 1, &[(":status", "200")])].concat()),
            Step::S(data(0, 1, b"tick")),
            Step::Wait(61),
            Step::S(data(END_STREAM, 1, b"tock")),
        ],
    );
    assert_eq!(print(&exchanges), "GET /events > 200 4!open\n");
    assert_eq!(
        exchanges[0].response.as_ref().unwrap().body.end,
        BodyEnd::Open
    );
}

/// What the exchange after an attack is marked with.
fn marked(attack: &[Vec<u8>], settings: HttpSettings) -> String {
    let mut peers = Peers::new();
    let mut player = Player::new(settings, Some(Side::A));
    player.step(&Step::C([PREFACE, SETTINGS].concat()));
    player.step(&Step::S(SETTINGS.to_vec()));
    for frames in attack {
        player.step(&Step::C(frames.clone()));
        assert!(player.stage.held_bytes() < 400_000);
    }
    let block = [&[0x82, 0x86, 0x84, 0x01, 1][..], b"h"].concat();
    player.step(&Step::C(frame(1, END_STREAM | END_HEADERS, 9999, &block)));
    player.step(&Step::S(peers.ok(9999, "x")));
    player.close();
    let last = player.exchanges.iter().find(|e| {
        let request = e.request.as_ref();
        request.is_some_and(|r| !r.anomalies.is_empty())
    });
    let request = last.and_then(|e| e.request.as_ref());
    format!(
        "{:?}",
        request.map(|r| r.anomalies.iter().collect::<Vec<_>>())
    )
}

#[test]
fn floods_are_bounded_and_named() {
    let block = [&[0x82, 0x86, 0x84, 0x01, 1][..], b"h"].concat();
    let resets: Vec<Vec<u8>> = (0..200_u32)
        .map(|i| {
            let request = frame(1, END_STREAM | END_HEADERS, 2 * i + 1, &block);
            [request, frame(3, 0, 2 * i + 1, &[0, 0, 0, 8])].concat()
        })
        .collect();
    let mut continuations = vec![frame(1, 0, 1, &block)];
    continuations.extend((0..200).map(|_| frame(9, 0, 1, &[0x82; 4000])));
    continuations.push(frame(9, END_HEADERS, 1, b""));
    let pings = vec![frame(6, 0, 0, &[0; 8]).repeat(1200)];
    let empty = vec![
        [
            frame(1, END_HEADERS, 1, &block),
            data(0, 1, b"").repeat(1200),
        ]
        .concat(),
    ];
    // A name of 4000 octets, referred to 12,000 times.
    let mut bomb = vec![0x82, 0x86, 0x84, 0x40, 0x7f, 0xa1, 0x1e];
    bomb.extend([b'n'; 4000]);
    bomb.push(0);
    bomb.extend([0xbe; 12_000]);
    let bomb = vec![frame(1, END_STREAM | END_HEADERS, 1, &bomb)];
    for (attack, anomaly) in [
        (resets, MessageAnomaly::RapidReset),
        (continuations, MessageAnomaly::ContinuationFlood),
        (pings, MessageAnomaly::ControlFrameFlood),
        (empty, MessageAnomaly::EmptyFrameFlood),
        (bomb, MessageAnomaly::HeadTooLong),
    ] {
        let marked = marked(&attack, HttpSettings::default());
        assert!(marked.contains(&format!("{anomaly:?}")), "{marked}");
    }
}

#[test]
fn what_becomes_another_request_over_http_1_is_named() {
    let mut peers = Peers::new();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/"),
        (":authority", "a"),
        ("host", "b"),
        ("transfer-encoding", "chunked"),
        ("content-length", "5"),
        ("x", "a\r\nb"),
    ];
    let exchanges = play(
        Some(Side::A),
        &[
            Step::C([PREFACE, SETTINGS, &peers.request(0, 1, &fields)].concat()),
            Step::C(data(END_STREAM, 1, b"abc")),
            Step::S([SETTINGS, &peers.ok(1, "x")].concat()),
        ],
    );
    let anomalies = exchanges[0].anomalies();
    for anomaly in [
        MessageAnomaly::HostMismatch,
        MessageAnomaly::ConnectionSpecificField,
        MessageAnomaly::ContentLengthMismatch,
        MessageAnomaly::ControlByte,
    ] {
        assert!(anomalies.contains(anomaly), "{anomaly:?} {anomalies:?}");
    }
}

fn timeless(mut exchanges: Vec<HttpExchange>) -> Vec<HttpExchange> {
    let zero = Timestamp::default();
    for exchange in &mut exchanges {
        exchange.reported = zero;
        if let Some(request) = &mut exchange.request {
            (request.started, request.ended) = (zero, zero);
        }
        if let Some(response) = &mut exchange.response {
            (response.started, response.ended) = (zero, zero);
        }
    }
    exchanges
}

/// Plays steps with their bytes cut at the given lengths.
fn cut(steps: &[Step], cuts: &[usize]) -> Vec<HttpExchange> {
    let mut player = Player::new(HttpSettings::default(), Some(Side::A));
    let mut cuts = cuts.iter().cycle();
    for step in steps {
        let (side, mut rest) = match step {
            Step::C(bytes) => (Side::A, bytes.as_slice()),
            Step::S(bytes) => (Side::B, bytes.as_slice()),
            _ => continue,
        };
        while !rest.is_empty() {
            let n = (*cuts.next().unwrap()).clamp(1, rest.len());
            player.data(side, &rest[..n], None);
            rest = &rest[n..];
        }
    }
    player.close();
    timeless(player.exchanges)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segmentation_gives_the_same_exchanges(
        n in 1_u32..12,
        cuts in prop::collection::vec(1_usize..60, 1..20),
    ) {
        let steps = whole(n);
        let whole = cut(&steps, &[usize::MAX]);
        prop_assert_eq!(whole.len(), n as usize);
        prop_assert_eq!(&cut(&steps, &cuts), &whole);
        prop_assert_eq!(&cut(&steps, &[1]), &whole);
    }

    /// Whatever is lost, no exchange says what was not said.
    #[test]
    fn loss_never_makes_a_path_up(
        n in 4_u32..40,
        seed in prop::collection::vec(any::<bool>(), 80),
    ) {
        let steps = whole(n);
        let mut player = Player::new(HttpSettings::default(), Some(Side::A));
        for (step, keep) in steps.iter().zip(seed.iter().chain(std::iter::repeat(&true))) {
            match step {
                step if *keep => player.step(step),
                Step::C(bytes) => player.step(&Step::CGap(bytes.len() as u64)),
                Step::S(bytes) => player.step(&Step::SGap(bytes.len() as u64)),
                _ => {}
            }
        }
        player.close();
        for exchange in &player.exchanges {
            let Some(request) = &exchange.request else { continue };
            let target = request.head.slice(request.target);
            let is_said = target.is_empty() || target.starts_with(b"/items/");
            prop_assert!(is_said, "{}", target.escape_ascii());
            if target.is_empty() {
                prop_assert_eq!(request.certainty, Certainty::Unknown);
            }
        }
        prop_assert!(player.exchanges.len() <= n as usize + 1);
    }

    #[test]
    fn any_bytes_are_survived_within_bounds(
        pieces in prop::collection::vec(
            (any::<bool>(), prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                (0_u8..10, any::<u8>(), 0_u32..5, prop::collection::vec(any::<u8>(), 0..40))
                    .prop_map(|(kind, flags, stream, payload)| frame(kind, flags, stream, &payload)),
                Just(SETTINGS.to_vec()),
                Just(PREFACE.to_vec()),
            ], prop::option::weighted(0.1, 0_u64..100)),
            0..80,
        ),
    ) {
        let settings = HttpSettings {
            held_bytes_max: 4000,
            http2_resync_bytes_max: 500,
            http2_block_bytes_max: 500,
            http2_table_bytes_max: 500,
            http2_streams_max: 4,
            ..HttpSettings::default()
        };
        let mut player = Player::new(settings, None);
        player.data(Side::A, PREFACE, None);
        for (is_client, bytes, gap) in pieces {
            let side = if is_client { Side::A } else { Side::B };
            player.data(side, &bytes, None);
            if let Some(gap) = gap {
                player.gap(side, gap);
            }
            prop_assert!(player.stage.held_bytes() < 8000, "{}", player.stage.held_bytes());
        }
        player.close();
        prop_assert_eq!(player.stage.held_bytes(), 0);
    }
}
