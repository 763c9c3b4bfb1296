//! However the streams are cut into segments, the exchanges are the same; and no bytes at all make
//! the stage fail or grow.

mod support;

use proptest::prelude::*;
use support::{Player, print};
use tapscope_flow::{EndReason, Side};
use tapscope_http::{HttpExchange, HttpSettings};

/// A message with the side that sends it.
type Message = (Side, Vec<u8>);

/// Kinds of exchange: what the client sends, and what the server answers.
const EXCHANGES: &[(&str, &str)] = &[
    (
        "GET /plain?q=1 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nhello\r\nwor\n",
    ),
    (
        "POST /chunked HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4;e=\"v\"\r\nwiki\r\n00A\r\n0123456789\r\n0\r\nT: x\r\n\r\n",
        "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    ),
    (
        "HEAD /head HTTP/1.1\r\nHost: h\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    ),
    (
        "\r\nPUT /interim HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nLink: a\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
    ),
    (
        "GET /a b\u{ff} HTTP/1.1\r\nHost : h\r\nno colon\r\nF: a\r\n b\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
    ),
    (
        "DELETE /lf HTTP/1.0\nHost: h\n\n",
        "HTTP/1.0 404 Not Found\nContent-Length: 2\n\nno",
    ),
    (
        "GET /trap HTTP/1.1\r\nHost: h\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\nHTTP/1.1 500 no\r\n\r\nGET / HTTP/1.1\r\n\r\n...",
    ),
];

/// A dialogue: the exchanges by kind, and whether requests are pipelined in bursts.
fn dialogue() -> impl Strategy<Value = Vec<Message>> {
    let burst = prop::collection::vec(0..EXCHANGES.len(), 1..4);
    prop::collection::vec(burst, 1..5).prop_map(|bursts| {
        let mut messages = Vec::new();
        for burst in bursts {
            let of = |pick: fn(&(&'static str, &'static str)) -> &'static str| {
                let texts = burst.iter().map(|&kind| pick(&EXCHANGES[kind]).as_bytes());
                texts.collect::<Vec<_>>().concat()
            };
            messages.push((Side::A, of(|exchange| exchange.0)));
            messages.push((Side::B, of(|exchange| exchange.1)));
        }
        messages
    })
}

/// Plays messages, each cut at the given places.
fn play(messages: &[Message], cuts: &[usize]) -> Vec<HttpExchange> {
    let mut player = Player::new(HttpSettings::default(), Some(Side::A));
    let mut sent = [0_u64; 2];
    let mut cuts = cuts.iter().cycle();
    for (side, bytes) in messages {
        let acknowledged = sent[side.other() as usize];
        let mut rest = bytes.as_slice();
        while !rest.is_empty() {
            let n = cuts.next().map_or(rest.len(), |&n| n.clamp(1, rest.len()));
            let (piece, after) = rest.split_at(n);
            player.data(*side, piece, Some(acknowledged));
            rest = after;
        }
        sent[*side as usize] += bytes.len() as u64;
    }
    player.step(&support::Step::SEnd(EndReason::Fin));
    player.close();
    player.exchanges
}

/// An exchange without its times, which depend on the segments.
fn timeless(exchanges: Vec<HttpExchange>) -> Vec<HttpExchange> {
    let zero = tapscope_http::Timestamp::default();
    let mut exchanges = exchanges;
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segmentation_gives_the_same_exchanges(
        messages in dialogue(),
        cuts in prop::collection::vec(1_usize..40, 1..30),
    ) {
        let whole = timeless(play(&messages, &[]));
        let expected: usize = messages
            .iter()
            .filter(|(side, _)| *side == Side::A)
            .map(|(_, bytes)| String::from_utf8_lossy(bytes).matches(" HTTP/1.").count())
            .sum();
        prop_assert_eq!(whole.len(), expected, "{}", print(&whole));
        for exchange in &whole {
            prop_assert!(exchange.request.is_some() && exchange.response.is_some());
        }
        prop_assert_eq!(&timeless(play(&messages, &cuts)), &whole);
        prop_assert_eq!(&timeless(play(&messages, &[1])), &whole);
    }

    #[test]
    fn any_bytes_are_survived_within_bounds(
        pieces in prop::collection::vec(
            (
                prop::bool::ANY,
                prop_oneof![
                    prop::collection::vec(prop::num::u8::ANY, 0..80),
                    prop::sample::select(EXCHANGES).prop_map(|e| e.0.as_bytes().to_vec()),
                    prop::sample::select(EXCHANGES).prop_map(|e| e.1.as_bytes().to_vec()),
                    Just(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec()),
                    Just(b"HTTP/1.1 101 x\r\n\r\n".to_vec()),
                    Just(b"CONNECT h:1 HTTP/1.1\r\n\r\nHTTP/1.1 200 x\r\n\r\n".to_vec()),
                    Just(b"ffffffffffffffff\r\n".to_vec()),
                    Just(b"\r\n".to_vec()),
                ],
                prop::option::of(0_u64..2000),
                prop::option::weighted(0.1, 0_u64..100),
            ),
            0..60,
        ),
    ) {
        let settings = HttpSettings {
            head_bytes_max: 300,
            body_sample_bytes_max: 20,
            pending_requests_max: 4,
            pending_responses_max: 2,
            held_bytes_max: 2000,
            ..HttpSettings::default()
        };
        let mut player = Player::new(settings, None);
        for (is_client, bytes, acknowledged, gap) in pieces {
            let side = if is_client { Side::A } else { Side::B };
            player.data(side, &bytes, acknowledged);
            if let Some(gap) = gap {
                player.gap(side, gap);
            }
            prop_assert!(player.stage.held_bytes() < 4000, "{}", player.stage.held_bytes());
        }
        player.close();
        prop_assert_eq!(player.stage.held_bytes(), 0);
    }
}
