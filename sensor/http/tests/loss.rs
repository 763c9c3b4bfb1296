//! Random loss: a response is never given to another request than its own, and exchanges that the
//! loss did not touch are reported whole.

mod support;

use proptest::prelude::*;
use support::{Player, print};
use tapscope_flow::Side;
use tapscope_http::{BodyEnd, HeadBytes, HttpExchange, HttpSettings, Pairing};

/// One segment of a dialogue.
#[derive(Clone, Debug)]
struct Segment {
    side: Side,
    bytes: Vec<u8>,
    acknowledged: u64,
    /// The exchanges whose bytes it holds.
    exchanges: Vec<usize>,
}

/// The shape of one exchange's bodies.
#[derive(Clone, Copy, Debug)]
struct Shape {
    request: Framing,
    response: Framing,
    len: usize,
}

#[derive(Clone, Copy, Debug)]
enum Framing {
    None,
    Length,
    Chunked,
}

fn framing() -> impl Strategy<Value = Framing> {
    prop_oneof![
        Just(Framing::None),
        Just(Framing::Length),
        Just(Framing::Chunked)
    ]
}

/// Bursts of exchanges; most have one.
fn bursts() -> impl Strategy<Value = Vec<Vec<Shape>>> {
    let shape = || {
        (framing(), framing(), 1_usize..300).prop_map(|(request, response, len)| Shape {
            request,
            response,
            len,
        })
    };
    let burst = prop_oneof![
        4 => prop::collection::vec(shape(), 1),
        1 => prop::collection::vec(shape(), 2..4),
    ];
    prop::collection::vec(burst, 2..12)
}

/// A message with the number of its exchange in the start line, a header, and all over its body.
fn message(start: &str, number: usize, framing: Framing, len: usize) -> Vec<u8> {
    let content = format!("{number:08}\r\n").repeat(len / 10 + 1);
    let body = match framing {
        Framing::None => "\r\n".to_owned(),
        Framing::Length => format!("Content-Length: {}\r\n\r\n{content}", content.len()),
        Framing::Chunked => format!(
            "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{content}\r\n{:x}\r\n{content}\r\n0\r\n\r\n",
            content.len(),
            content.len()
        ),
    };
    format!("{start}Host: h\r\nExchange: {number}\r\n{body}").into_bytes()
}

/// The segments of a dialogue. Messages are cut every `mss` bytes; requests of a burst go out
/// before any response to them comes.
fn segments(bursts: &[Vec<Shape>], mss: usize) -> Vec<Segment> {
    let mut segments = Vec::new();
    let mut sent = [0_u64; 2];
    let mut next = 0;
    for burst in bursts {
        let first = next;
        next += burst.len();
        for side in [Side::A, Side::B] {
            let acknowledged = sent[side.other() as usize];
            for (i, shape) in burst.iter().enumerate() {
                let number = first + i;
                let bytes = if side == Side::A {
                    let start = format!("POST /{number} HTTP/1.1\r\n");
                    message(&start, number, shape.request, shape.len)
                } else {
                    let framing = match shape.response {
                        Framing::None => Framing::Length,
                        framing => framing,
                    };
                    message("HTTP/1.1 200 OK\r\n", number, framing, shape.len)
                };
                sent[side as usize] += bytes.len() as u64;
                for piece in bytes.chunks(mss) {
                    let exchanges = vec![number];
                    segments.push(Segment {
                        side,
                        bytes: piece.to_vec(),
                        acknowledged,
                        exchanges,
                    });
                }
            }
        }
    }
    segments
}

/// Plays the segments; those that are lost become gaps.
fn play(segments: &[Segment], lost: &[bool], initiator: Option<Side>) -> Vec<HttpExchange> {
    let mut player = Player::new(HttpSettings::default(), initiator);
    for (segment, &is_lost) in segments.iter().zip(lost) {
        if is_lost {
            player.gap(segment.side, segment.bytes.len() as u64);
        } else {
            player.data(segment.side, &segment.bytes, Some(segment.acknowledged));
        }
    }
    player.close();
    player.exchanges
}

fn number(head: &HeadBytes) -> Option<usize> {
    // A head cut short may lack the header, or end in its digits.
    let digits = head
        .header("exchange")
        .filter(|_| head.bytes.ends_with(b"\r\n\r\n"))?;
    Some(
        digits
            .iter()
            .fold(0, |n, digit| n * 10 + usize::from(digit - b'0')),
    )
}

/// The number of the exchange that a request and a response say they belong to.
fn numbers(exchange: &HttpExchange) -> (Option<usize>, Option<usize>) {
    (
        exchange.request.as_ref().and_then(|r| number(&r.head)),
        exchange.response.as_ref().and_then(|r| number(&r.head)),
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 800, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_pair_is_ever_wrong(
        bursts in bursts(),
        mss in 60_usize..400,
        rolls in prop::collection::vec(0_u32..1000, 400),
        share in prop::sample::select(vec![10_u32, 50, 150, 400]),
        is_midstream in prop::bool::weighted(0.2),
    ) {
        let segments = segments(&bursts, mss);
        let lost: Vec<bool> = rolls.iter().cycle().take(segments.len()).map(|&r| r < share).collect();
        let initiator = if is_midstream { None } else { Some(Side::A) };
        let exchanges = play(&segments, &lost, initiator);
        let count = bursts.iter().map(Vec::len).sum::<usize>();
        let mut requests = vec![0; count];
        let mut responses = vec![0; count];
        for exchange in &exchanges {
            let (request, response) = numbers(exchange);
            if let (Some(request), Some(response)) = (request, response) {
                prop_assert_eq!(request, response, "wrong pair in\n{}", print(&exchanges));
                prop_assert_ne!(exchange.pairing, Pairing::Unpaired);
            }
            request.inspect(|&n| requests[n] += 1);
            response.inspect(|&n| responses[n] += 1);
        }
        // A message whose head was seen in full is reported once, unless loss right before it hid
        // where it begins.
        for (counts, side) in [(&requests, Side::A), (&responses, Side::B)] {
            prop_assert!(counts.iter().all(|&n| n <= 1), "twice in\n{}", print(&exchanges));
            for (n, &reported) in counts.iter().enumerate() {
                let touched = segments.iter().zip(&lost).any(|(segment, &is_lost)| {
                    let near = segment.exchanges.iter().any(|&e| e == n || e + 1 == n);
                    is_lost && segment.side == side && near
                });
                prop_assert!(touched || reported == 1, "{side:?} {n} in\n{}", print(&exchanges));
            }
        }
    }

    #[test]
    fn what_loss_did_not_touch_is_whole(
        count in 6_usize..14,
        mss in 60_usize..300,
        shapes in prop::collection::vec((framing(), framing(), 1_usize..300), 14),
        hole in prop::num::usize::ANY,
        len in 1_usize..4,
    ) {
        let bursts: Vec<Vec<Shape>> = shapes
            .iter()
            .take(count)
            .map(|&(request, response, len)| vec![Shape { request, response, len }])
            .collect();
        let segments = segments(&bursts, mss);
        let hole = hole % segments.len();
        let lost: Vec<bool> = (0..segments.len()).map(|i| (hole..hole + len).contains(&i)).collect();
        let exchanges = play(&segments, &lost, Some(Side::A));
        // One hole without pipelining: every exchange but those that the hole touches is paired.
        // A hole that takes bytes of both sides may hide a whole exchange, and with it whether the
        // next response is the next request's; it costs one exchange more.
        let lost_on = |side: Side, n: usize| {
            let mut lost = segments.iter().zip(&lost).filter(|(_, is_lost)| **is_lost);
            lost.any(|(segment, _)| segment.side == side && segment.exchanges.contains(&n))
        };
        let is_two_sided = [Side::A, Side::B].iter().all(|&s| (0..count).any(|n| lost_on(s, n)));
        for n in 0..count {
            let is_lost = |n: usize| lost_on(Side::A, n) || lost_on(Side::B, n);
            let is_touched = is_lost(n) || (is_two_sided && n > 0 && is_lost(n - 1));
            let paired = exchanges.iter().find(|exchange| numbers(exchange) == (Some(n), Some(n)));
            prop_assert!(is_touched || paired.is_some(), "{n} in\n{}", print(&exchanges));
            if let Some(exchange) = paired.filter(|_| !is_touched) {
                let ends = [
                    exchange.request.as_ref().map(|r| r.body.end),
                    exchange.response.as_ref().map(|r| r.body.end),
                ];
                prop_assert_eq!(ends, [Some(BodyEnd::Complete); 2], "{} in\n{}", n, print(&exchanges));
            }
        }
    }
}
