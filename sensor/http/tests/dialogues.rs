//! Dialogues as they are on the wire, and the exchanges they make.

mod support;

use support::{Step, c, play, play_from, s};
use tapscope_flow::{EndReason, Side};

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const FIN: Step = Step::SEnd(EndReason::Fin);

fn check(name: &str, steps: &[Step], wanted: &str) {
    assert_eq!(play(steps), wanted, "{name}");
}

/// A request for that path.
fn get(path: &str) -> Step {
    c(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"))
}

/// A response with that status and ten bytes of content.
fn answer(status: u16) -> Step {
    s(&format!(
        "HTTP/1.1 {status} x\r\nContent-Length: 10\r\n\r\n0123456789"
    ))
}

/// The length of a step's bytes.
fn len(step: &Step) -> u64 {
    match step {
        Step::C(bytes) | Step::S(bytes) => bytes.len() as u64,
        _ => 0,
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn framing() {
    let chunked =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n0\r\nT: x\r\n\r\n";
    let cases: &[(&str, &[Step], &str)] = &[
        (
            "keep-alive",
            &[c(GET), s(OK), c(GET), s(OK)],
            "GET /a > 200 5\nGET /a > 200 5\n",
        ),
        (
            "chunked",
            &[c(GET), s(chunked), c(GET), s(OK)],
            "GET /a > 200 5\nGET /a > 200 5\n",
        ),
        (
            "close-delimited",
            &[c(GET), s("HTTP/1.0 200 OK\r\n\r\nabc"), s("def"), FIN],
            "GET /a > 200 6\n",
        ),
        (
            "close-delimited and reset",
            &[
                c(GET),
                s("HTTP/1.0 200 OK\r\n\r\nabc"),
                Step::SEnd(EndReason::Reset),
            ],
            "GET /a > 200 3!aborted\n",
        ),
        (
            "head",
            &[
                c("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n"),
                s("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"),
                c(GET),
                s(OK),
            ],
            "HEAD /a > 200\nGET /a > 200 5\n",
        ),
        (
            "no content and not modified",
            &[
                c(GET),
                s("HTTP/1.1 304 x\r\nContent-Length: 5\r\n\r\n"),
                c(GET),
                s("HTTP/1.1 204 x\r\n\r\n"),
                c(GET),
                s(OK),
            ],
            "GET /a > 304\nGET /a > 204\nGET /a > 200 5\n",
        ),
        (
            "interim responses",
            &[
                c(
                    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
                ),
                s("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"),
                c("abc"),
                s(OK),
            ],
            "POST /p 3 > 200 5 after 2\n",
        ),
        (
            "pipelined",
            &[c(&GET.repeat(3)), s(OK), s(&OK.repeat(2))],
            "GET /a > 200 5\nGET /a > 200 5\nGET /a > 200 5\n",
        ),
        (
            "early response",
            &[
                c("POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc"),
                s("HTTP/1.1 413 x\r\nContent-Length: 0\r\n\r\n"),
                c("def"),
            ],
            "POST /p 6 > 413\n",
        ),
        (
            "both framings",
            &[
                c(
                    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                ),
                s(OK),
            ],
            "POST /p ContentLengthWithTransferEncoding > 200 5\n",
        ),
        (
            "broken chunk",
            &[
                c(GET),
                s("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
                c(GET),
                s(OK),
            ],
            "GET /a > 200!aborted InvalidChunkSize\nGET /a > 200 5 by acknowledgement\n",
        ),
        (
            "announced more than came",
            &[
                c(GET),
                s("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc"),
                FIN,
            ],
            "GET /a > 200 3!aborted\n",
        ),
        (
            "no framing, and yet another response",
            &[c(GET), s("HTTP/1.1 200 OK\r\n\r\nabc"), c(GET), s(OK)],
            "GET /a > 200 3\nGET /a > 200 5\n",
        ),
    ];
    for (name, steps, wanted) in cases {
        check(name, steps, wanted);
    }
}

#[test]
fn ends_of_http() {
    let upgrade = "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n";
    let switched = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\n\r\n";
    let connect = "CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n";
    let cases: &[(&str, &[Step], &str)] = &[
        (
            "websocket",
            &[c(upgrade), s(switched), s("\u{1}\u{2}"), c(GET)],
            "websocket GET /ws > 101\n",
        ),
        (
            "tunnel with tls",
            &[
                c(connect),
                s("HTTP/1.1 200 Connection established\r\n\r\n"),
                c("\u{16}\u{3}\u{1}"),
            ],
            "CONNECT h:443 > 200\n",
        ),
        (
            "tunnel with http",
            &[c(connect), s("HTTP/1.1 200 x\r\n\r\n"), c(GET), s(OK)],
            "CONNECT h:443 > 200\nGET /a > 200 5\n",
        ),
        (
            "tunnel refused",
            &[
                c(connect),
                s("HTTP/1.1 407 x\r\nContent-Length: 2\r\n\r\nno"),
                c(connect),
                s("HTTP/1.1 200 x\r\n\r\n"),
            ],
            "CONNECT h:443 > 407 2\nCONNECT h:443 > 200\n",
        ),
    ];
    for (name, steps, wanted) in cases {
        check(name, steps, wanted);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn detection() {
    let cases: &[(&str, &[Step], &str)] = &[
        (
            "behind socks",
            &[
                c("\u{5}\u{1}\u{0}"),
                s("\u{5}\u{0}"),
                c("\u{5}\u{1}\u{0}\u{1}abcd\u{0}P"),
                s("\u{5}\u{0}\u{0}\u{1}abcd\u{0}P"),
                c(GET),
                s(OK),
            ],
            "GET /a > 200 5\n",
        ),
        (
            "proxy protocol in the same segment",
            &[
                c(&format!("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n{GET}")),
                s(OK),
            ],
            "GET /a > 200 5\n",
        ),
        (
            "the initiator serves",
            &[s(GET), c(OK)],
            "GET /a > 200 5 from B\n",
        ),
        (
            "rtsp",
            &[
                c("OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"),
                s("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"),
            ],
            "",
        ),
        (
            "sip",
            &[
                c("OPTIONS sip:h SIP/2.0\r\nVia: x\r\n\r\n"),
                s("SIP/2.0 200 OK\r\n\r\n"),
            ],
            "",
        ),
        (
            "icy",
            &[
                c("SOURCE /x ICY/1.0\r\n\r\n"),
                s("ICY 200 OK\r\nicy-name: x\r\n\r\n"),
            ],
            "",
        ),
        (
            "http/2",
            &[c("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), c(GET), s(OK)],
            "",
        ),
        (
            "mail",
            &[
                s("220 h ESMTP\r\n"),
                c("EHLO x\r\n"),
                s("250-h\r\n250 OK\r\n"),
            ],
            "",
        ),
        (
            "a request line in another text protocol",
            &[
                s("220 h\r\n"),
                c("say GET / HTTP/1.1\r\nplease\r\n"),
                c("GET / HTTP/1.1\r\nis not a header\r\n"),
            ],
            "",
        ),
        (
            "empty lines before messages",
            &[c(&format!("\r\n{GET}\r\n")), s(&format!("\r\n\n{OK}"))],
            "GET /a LeadingEmptyLines > 200 5 LeadingEmptyLines\n",
        ),
        (
            "what httparse refuses",
            &[
                c("GET /a b HTTP/1.1\r\nHost : h\r\nx\r\n\r\n"),
                s(OK),
                c(GET),
                s(OK),
            ],
            "GET /a b BlankInTarget BlankBeforeColon HeaderWithoutColon > 200 5\nGET /a > 200 5\n",
        ),
        (
            "a head that never ends",
            &[c("GET / HTTP/1.1\r\nA: b\r\n")],
            "GET /!open > - unpaired\n",
        ),
    ];
    for (name, steps, wanted) in cases {
        check(name, steps, wanted);
    }
}

#[test]
fn nothing_is_held_for_what_does_not_come() {
    let cases: &[(&str, &[Step], &str)] = &[
        ("no response", &[c(GET)], "GET /a > - unpaired\n"),
        ("server ends first", &[c(GET), FIN], "GET /a > - unpaired\n"),
        (
            "body still coming",
            &[c(GET), s("HTTP/1.1 200 x\r\nContent-Length: 9\r\n\r\nabc")],
            "GET /a > 200 3!open\n",
        ),
        (
            "request body still coming",
            &[c(
                "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
            )],
            "POST / 3!open > - unpaired\n",
        ),
        (
            "late response",
            &[c(GET), Step::Wait(61), s(OK), c(GET), s(OK)],
            "GET /a > - unpaired\n- > 200 5 unpaired\nGET /a > 200 5 supposed\n",
        ),
        (
            "in time",
            &[c(GET), Step::Wait(59), s(OK)],
            "GET /a > 200 5\n",
        ),
        (
            "unsolicited",
            &[
                c(GET),
                s(OK),
                s("HTTP/1.1 408 x\r\nContent-Length: 0\r\n\r\n"),
            ],
            "GET /a > 200 5\n- > 408 unpaired\n",
        ),
    ];
    for (name, steps, wanted) in cases {
        check(name, steps, wanted);
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn loss() {
    let (request, response) = (get("/lost"), answer(299));
    let (request_len, response_len) = (len(&request), len(&response));
    let cases: &[(&str, &[Step], &str)] = &[
        (
            "inside a body",
            &[
                get("/1"),
                s("HTTP/1.1 200 x\r\nContent-Length: 10\r\n\r\n01"),
                Step::SGap(5),
                s("789"),
                get("/2"),
                answer(202),
            ],
            "GET /1 > 200 5-5!gap\nGET /2 > 202 10\n",
        ),
        (
            "up to the end of a body",
            &[
                get("/1"),
                s("HTTP/1.1 200 x\r\nContent-Length: 10\r\n\r\n01"),
                Step::SGap(8),
                get("/2"),
                answer(202),
            ],
            "GET /1 > 200 2-8!gap\nGET /2 > 202 10\n",
        ),
        (
            "inside chunk data",
            &[
                get("/1"),
                s("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\na\r\n01"),
                Step::SGap(5),
                s("789\r\n0\r\n\r\n"),
                get("/2"),
                answer(202),
            ],
            "GET /1 > 200 5-5!gap\nGET /2 > 202 10\n",
        ),
        (
            "beyond chunk data",
            &[
                get("/1"),
                s("HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\na\r\n01"),
                Step::SGap(13),
                get("/2"),
                answer(202),
            ],
            "GET /1 > 200 2-8!gap\nGET /2 > 202 10 by acknowledgement\n",
        ),
        (
            "a response",
            &[
                get("/1"),
                answer(201),
                get("/2"),
                Step::SGap(response_len),
                get("/3"),
                answer(203),
                get("/4"),
                answer(204),
            ],
            "GET /1 > 201 10\nGET /2 > - unpaired\nGET /3 > 203 10 supposed\nGET /4 > 204 supposed\n",
        ),
        (
            "a request",
            &[
                get("/1"),
                answer(201),
                Step::CGap(request_len),
                response.clone(),
                get("/3"),
                answer(203),
                get("/4"),
                answer(205),
            ],
            "GET /1 > 201 10\n- > 299 10 unpaired\nGET /3 > 203 10 supposed\nGET /4 > 205 10 supposed\n",
        ),
        (
            "an exchange",
            &[
                get("/1"),
                answer(201),
                Step::CGap(request_len),
                Step::SGap(response_len),
                get("/3"),
                answer(203),
                get("/4"),
                s("HTTP/1.1 204 x\r\n\r\n"),
            ],
            "GET /1 > 201 10\n- > 203 10 unpaired\nGET /3 > - unpaired\nGET /4 > 204 supposed\n",
        ),
        (
            "a response head",
            &[
                get("/1"),
                Step::SGap(30),
                s("456789"),
                get("/2"),
                answer(202),
            ],
            "GET /1 > - unpaired\nGET /2 > 202 10 supposed\n",
        ),
        (
            "end of one response and the next",
            &[
                get("/1"),
                s("HTTP/1.1 201 x\r\nContent-Length: 10\r\n\r\n01"),
                get("/2"),
                Step::SGap(8 + response_len),
                get("/3"),
                answer(203),
            ],
            "GET /1 > 201 2-8!gap\nGET /2 > - unpaired\nGET /3 > 203 10 supposed\n",
        ),
        (
            "the first of a burst's responses",
            &[
                c(&GET.repeat(2)),
                Step::SGap(40),
                s("456789"),
                answer(202),
                get("/3"),
                answer(203),
            ],
            "- > 202 10 unpaired\n- > 203 10 unpaired\nGET /a > - unpaired\nGET /a > - unpaired\nGET /3 > - unpaired\n",
        ),
        (
            "the first of a burst's requests",
            &[
                get("/0"),
                answer(200),
                Step::CGap(request_len),
                Step::CAck(b"GET /2 HTTP/1.1\r\nHost: h\r\n\r\n".to_vec(), response_len),
                answer(201),
                answer(202),
                get("/3"),
                answer(203),
            ],
            "GET /0 > 200 10\n- > 201 10 unpaired\n- > 202 10 unpaired\n- > 203 10 unpaired\nGET /2 > - unpaired\nGET /3 > - unpaired\n",
        ),
    ];
    for (name, steps, wanted) in cases {
        check(name, steps, wanted);
    }
}

#[test]
fn midstream() {
    let rest = "tail of a body\r\n";
    let cases: &[(&str, &[Step], &str)] = &[
        (
            "orphan first",
            &[answer(201), get("/2"), answer(202)],
            "- > 201 10 unpaired\nGET /2 > 202 10 supposed\n",
        ),
        (
            "in a body",
            &[s(rest), get("/2"), answer(202)],
            "GET /2 > 202 10 supposed\n",
        ),
        (
            "response that does not acknowledge the request",
            &[
                c("\r\n"),
                get("/2"),
                Step::SAck(b"HTTP/1.1 201 x\r\nContent-Length: 0\r\n\r\n".to_vec(), 0),
                answer(202),
            ],
            "- > 201 unpaired\n- > 202 10 unpaired\nGET /2 > - unpaired\n",
        ),
    ];
    for (name, steps, wanted) in cases {
        assert_eq!(play_from(None, steps), *wanted, "{name}");
    }
    assert_eq!(
        play_from(
            Some(Side::A),
            &[
                Step::SAck(OK.into(), GET.len() as u64),
                c(GET),
                get("/2"),
                answer(202)
            ]
        ),
        "GET /a > 200 5\nGET /2 > 202 10\n",
        "response delivered before its request"
    );
}
