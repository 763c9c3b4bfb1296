//! Exchanges that go on: what carries messages is reported while it is open, and again when it ends,
//! under the same name.

mod support;

use support::{Player, Step, c, s};
use tapscope_flow::Side;
use tapscope_http::{BodyEnd, HttpExchange, HttpSettings, Part};

fn play(steps: &[Step]) -> Vec<HttpExchange> {
    let mut player = Player::new(HttpSettings::default(), Some(Side::A));
    for step in steps {
        player.step(step);
    }
    player.close();
    player.exchanges
}

/// Part, ordinal, and bytes of content seen.
fn parts(exchanges: &[HttpExchange]) -> Vec<(Part, u32, u64)> {
    let length = |it: &HttpExchange| it.response.as_ref().map_or(0, |it| it.body.length);
    let parts = exchanges.iter();
    parts
        .map(|it| (it.part, it.id.ordinal, length(it)))
        .collect()
}

const EVENTS: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n\
    Transfer-Encoding: chunked\r\n\r\n9\r\ndata: x\n\n\r\n";

#[test]
fn an_event_stream_is_reported_while_it_is_open_and_when_it_ends() {
    let get = c("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    let next = s("9\r\ndata: y\n\n\r\n");
    let end = s("0\r\n\r\n");
    let after = [
        c("GET /b HTTP/1.1\r\nHost: h\r\n\r\n"),
        s("HTTP/1.1 204 n\r\n\r\n"),
    ];
    let stream = [
        get,
        s(EVENTS),
        Step::Wait(3),
        next.clone(),
        Step::Wait(300),
        next,
        end,
    ];
    let exchanges = play(&[&stream[..], &after].concat());
    let expected = [
        (Part::Opening, 0, 9),
        (Part::Closing, 0, 27),
        (Part::Whole, 1, 0),
    ];
    assert_eq!(parts(&exchanges), expected);
    let ends: Vec<_> = exchanges
        .iter()
        .map(|it| it.response.as_ref().unwrap().body.end)
        .collect();
    assert_eq!(ends, [BodyEnd::Open, BodyEnd::Complete, BodyEnd::Complete]);
    assert_eq!(exchanges[0].request, exchanges[1].request);
}

#[test]
fn an_event_stream_that_ends_soon_is_reported_once() {
    let get = c("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    let exchanges = play(&[get, s(EVENTS), s("0\r\n\r\n"), Step::Wait(3)]);
    assert_eq!(parts(&exchanges), [(Part::Whole, 0, 9)]);
}

#[test]
fn an_open_event_stream_is_closed_with_its_connection() {
    let get = c("GET /events HTTP/1.1\r\nHost: h\r\n\r\n");
    let exchanges = play(&[get, s(EVENTS), Step::Wait(3)]);
    assert_eq!(
        parts(&exchanges),
        [(Part::Opening, 0, 9), (Part::Closing, 0, 9)]
    );
}

#[test]
fn a_web_socket_is_reported_while_it_is_open_and_when_it_ends() {
    let get = c("GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
    let switched = s("HTTP/1.1 101 s\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
    let hi = Step::S(b"\x81\x02hi".to_vec());
    let exchanges = play(&[
        get,
        switched,
        hi.clone(),
        Step::Wait(3),
        hi.clone(),
        Step::Wait(70),
        hi,
    ]);
    let messages = |it: &HttpExchange| it.messages.as_ref().unwrap().from_server.messages;
    let counts: Vec<_> = exchanges.iter().map(|it| (it.part, messages(it))).collect();
    assert_eq!(counts, [(Part::Opening, 1), (Part::Closing, 3)]);
    assert_eq!(exchanges[0].id, exchanges[1].id);
}

fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap_or(u8::MAX);
    [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
}

#[test]
fn a_stream_of_grpc_is_reported_while_it_is_open_and_when_it_ends() {
    let request = b"\x83\x86\x44\x04/s/m\x01\x01h\x5f\x10application/grpc";
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let head = frame(1, 4, b"\x88\x5f\x10application/grpc");
    let message = Step::S(frame(0, 0, b"\0\0\0\0\x02hi"));
    let exchanges = play(&[
        Step::C([&preface[..], &frame(4, 0, b""), &frame(1, 5, request)].concat()),
        Step::S([frame(4, 0, b""), head].concat()),
        message.clone(),
        Step::Wait(3),
        message.clone(),
        Step::Wait(70),
        message,
        Step::S(frame(1, 5, b"\x40\x0bgrpc-status\x010")),
    ]);
    let messages = |it: &HttpExchange| it.messages.as_ref().unwrap().from_server.messages;
    let counts: Vec<_> = exchanges.iter().map(|it| (it.part, messages(it))).collect();
    assert_eq!(counts, [(Part::Opening, 1), (Part::Closing, 3)]);
    assert_eq!(exchanges[1].messages.as_ref().unwrap().outcome, Some(0));
}

#[test]
fn messages_of_grpc_web_over_http_1() {
    let post = c(
        "POST /s/m HTTP/1.1\r\nHost: h\r\nContent-Type: application/grpc-web-text\r\n\
        Content-Length: 12\r\n\r\nAAAAAAJoaQ==",
    );
    let answer = s(
        "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web-text+proto\r\n\
        Content-Length: 36\r\n\r\nAAAAAAFhgAAAABBncnBjLXN0YXR1czogNw0K",
    );
    let exchanges = play(&[post, answer]);
    let messages = exchanges[0].messages.as_ref().unwrap();
    let sampled = |flow: &tapscope_http::MessageFlow| (flow.messages, flow.samples.concat());
    assert_eq!(sampled(&messages.from_client), (1, b"hi".to_vec()));
    assert_eq!(sampled(&messages.from_server), (1, b"a".to_vec()));
    assert_eq!(messages.outcome, Some(7));
}
