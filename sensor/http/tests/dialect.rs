//! Messages as they are really sent, and what is made of them; malformed ones in any segmentation.

mod support;

use proptest::prelude::*;
use support::{Player, Step, c, play, print, s};
use tapscope_flow::{EndReason, Side};
use tapscope_http::{FramingRule, HttpExchange, HttpSettings, Reading, Readings, Timestamp};

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const FIN: Step = Step::SEnd(EndReason::Fin);

fn check(name: &str, steps: &[Step], wanted: &str) {
    assert_eq!(play(steps), wanted, "{name}");
}

#[test]
fn requests_and_responses_without_version() {
    check(
        "HTTP/0.9",
        &[c("GET /old\r\n"), s("<html>\r\n"), s("x</html>"), FIN],
        "GET /old Http09 > 0 16 Http09\n",
    );
    check(
        "HTTP/0.9 answered by a later version",
        &[c("GET /old\r\n"), s(OK)],
        "GET /old Http09 > 200 5\n",
    );
    check(
        "only the version is missing",
        &[c("GET /old\r\nHo"), c("st: h\r\n\r\n"), s(OK)],
        "GET /old MissingVersion > 200 5\n",
    );
    check(
        "an empty line behind",
        &[c(GET), s(OK), c("GET /old\r\n\r\n"), s(OK), c(GET), s(OK)],
        "GET /a > 200 5\nGET /old Http09 > 200 5\nGET /a > 200 5\n",
    );
    check(
        "pipelined",
        &[c("GET /1\r\nGET /2\r\n"), c("GET /3\r\n"), s(&OK.repeat(3))],
        "GET /1 Http09 > 200 5\nGET /2 Http09 > 200 5\nGET /3 Http09 > 200 5\n",
    );
    check(
        "no answer",
        &[c("GET /old\r\n")],
        "GET /old Http09 > - unpaired\n",
    );
    check("another protocol", &[c("get key\r\n"), s("END\r\n")], "");
}

#[test]
fn lines_that_cr_ends() {
    let request = "GET /a HTTP/1.1\rHost: h\rX: y\r\r";
    let response = "HTTP/1.1 200 OK\rContent-Length: 5\r\rhello";
    check(
        "CR alone",
        &[c(request), s(response), c(GET), s(OK)],
        "GET /a BareCr > 200 5 BareCr\nGET /a > 200 5\n",
    );
    check(
        "CR alone, but CRLF at the end",
        &[
            c(GET),
            s("HTTP/1.1 200 OK\rContent-Length: 5\r\n"),
            s("\r"),
            s("\nhello"),
        ],
        "GET /a > 200 5 BareCr\n",
    );
    check(
        "a bare CR in a line",
        &[c("GET /a HTTP/1.1\r\nHost: h\r\nX: a\rb\r\n\r\n"), s(OK)],
        "GET /a BareCr > 200 5\n",
    );
}

#[test]
fn odd_status_lines() {
    let cases = [
        ("HTTP/2.0 200 OK", "200 5 UnknownVersion"),
        ("http/1.1 200 OK", "200 5 VersionCase"),
        ("\0HTTP/1.1 200 OK", "200 5 LeadingBytes"),
        ("HTTP/1.1 2XX OK", "2 5 InvalidStatus"),
        ("HTTP/1.1 2000 OK", "2000 5 InvalidStatus"),
        ("HTTP/1.1 -1 OK", "0 5 InvalidStatus"),
        ("HTTP/1.1", "0 5 InvalidStatus"),
        ("HTTP/1.1\t200\tOK", "200 5 StartLineBlanks"),
        ("ICY 200 OK", "200 5 IcyStatusLine"),
    ];
    for (line, wanted) in cases {
        check(
            line,
            &[
                c(GET),
                s(&format!("{line}\r\nContent-Length: 5\r\n\r\nhello")),
                c(GET),
                s(OK),
            ],
            &format!("GET /a > {wanted}\nGET /a > 200 5\n"),
        );
    }
}

#[test]
fn heads_over_the_caps_are_marked_and_framed() {
    let lines = "X: 0123456789\r\n".repeat(40_000);
    let head = format!("POST /a HTTP/1.1\r\nHost: h\r\n{lines}Content-Length: 3\r\n\r\nabc");
    check(
        "long",
        &[c(&head), s(OK), c(GET), s(OK)],
        "POST /a 3 TooManyHeaders HeadTooLong > 200 5\nGET /a > 200 5\n",
    );
    // More framing fields than are kept: what they frame is not known, but the head ends, wherever in
    // a line there was no room any more.
    let settings = HttpSettings {
        head_bytes_max: 300,
        ..HttpSettings::default()
    };
    for pad in 260..300 {
        let pad = "-".repeat(pad);
        let fields = "Content-Length: 3\r\n".repeat(200);
        let head = format!("POST /a HTTP/1.1\r\nX: {pad}\r\n{fields}\r\nabc");
        let mut player = Player::new(settings.clone(), Some(Side::A));
        for step in [c(&head), s(OK), c(GET), s(OK), FIN] {
            player.step(&step);
        }
        let found = print(&player.exchanges);
        assert!(found.starts_with("POST /a 3 "), "{found}");
        assert!(found.ends_with("\nGET /a > 200 5\n"), "{found}");
    }
}

#[test]
fn a_message_is_found_again_behind_junk() {
    check(
        "in the middle of a line",
        &[
            c(GET),
            s(OK),
            s("junk{}HTTP/1.1 404 x\r\nContent-Length: 1\r\n\r\nx"),
        ],
        "GET /a > 200 5\n- > 404 1 unpaired\n",
    );
}

/// The readings of the only request that has any.
fn readings(request: &str) -> Readings {
    let mut player = Player::new(HttpSettings::default(), Some(Side::A));
    for step in [c(request), s(OK), FIN] {
        player.step(&step);
    }
    player.close();
    let requests = player.exchanges.into_iter().filter_map(|e| e.request);
    let readings: Vec<_> = requests.filter_map(|r| r.readings).collect();
    assert_eq!(readings.len(), 1, "{request}");
    *readings[0]
}

#[test]
fn both_readings_of_a_request() {
    use FramingRule::{Chunked, ContentLength, LastContentLength, NoContent};
    let post = "POST / HTTP/1.1\r\nHost: h\r\n";
    type Way = (FramingRule, Option<u64>);
    let cases: &[(&str, Way, Way, bool)] = &[
        (
            "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
            (Chunked, Some(5)),
            (ContentLength, Some(6)),
            false,
        ),
        (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n\
             13\r\nGET /b HTTP/1.1\r\n\r\n\r\n0\r\n\r\n",
            (Chunked, Some(30)),
            (ContentLength, Some(4)),
            true,
        ),
        (
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\nnone",
            (ContentLength, Some(4)),
            (Chunked, None),
            false,
        ),
        (
            "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
            (Chunked, Some(5)),
            (ContentLength, Some(5)),
            false,
        ),
        (
            "Content-Length: 3\r\nContent-Length: 1\r\n\r\nabc",
            (ContentLength, Some(3)),
            (LastContentLength, Some(1)),
            false,
        ),
        (
            "Content-Length: +3\r\n\r\nabc",
            (ContentLength, Some(3)),
            (NoContent, Some(0)),
            false,
        ),
    ];
    for (rest, followed, other, hides_request) in cases {
        let of = |&(rule, len): &(FramingRule, Option<u64>)| Reading { rule, len };
        let wanted = Readings {
            followed: of(followed),
            other: of(other),
            hides_request: *hides_request,
        };
        assert_eq!(readings(&format!("{post}{rest}")), wanted, "{rest}");
    }
}

#[test]
fn both_readings_of_odd_chunks() {
    use FramingRule::{Chunked, OtherChunked};
    let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
    let cases: &[(&str, Option<u64>)] = &[
        ("0x5\r\nhello\r\n0\r\n\r\n", Some(17)),
        ("+5\r\nhello\r\n0\r\n\r\n", Some(16)),
        ("00000000000000005\r\nhello\r\n0\r\n\r\n", Some(31)),
        ("5;a\nhello\r\n0\r\n\r\n", Some(16)),
        ("5;a\rb\r\nhello\r\n0\r\n\r\n", Some(19)),
        ("5\r\nhelloX\r\n0\r\n\r\n", None),
        ("5\r\nhello\r\nffffffffffffffffff\r\n", None),
    ];
    for (content, len) in cases {
        let reading = |rule, len| Reading { rule, len };
        let wanted = Readings {
            followed: reading(Chunked, *len),
            other: reading(OtherChunked, None),
            hides_request: false,
        };
        assert_eq!(readings(&format!("{head}{content}")), wanted, "{content}");
    }
}

#[test]
fn a_response_that_nothing_asked_for_tells_which_reading_the_server_took() {
    let hidden = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    let smuggled = format!(
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\nContent-Length: 4\r\n\r\nnone{hidden}",
        4 + hidden.len()
    );
    let length = smuggled.len() - smuggled.find("none").unwrap_or_default();
    let told = "- > 404 1 AnsweredHiddenRequest unpaired\n";
    let not_found = "HTTP/1.1 404 x\r\nContent-Length: 1\r\n\r\nx";
    let first = format!("POST / {length} RepeatedContentLength ConflictingContentLength > 200 5\n")
        .replace("RepeatedContentLength ", "");
    check(
        "answered twice",
        &[c(&smuggled), s(OK), s(not_found)],
        &format!("{first}{told}"),
    );
    check(
        "the responses behind it are shifted",
        &[c(&smuggled), s(OK), c(GET), s(OK), s(not_found)],
        &format!("{first}GET /a > 200 5\n{told}"),
    );
    check(
        "answered once",
        &[c(&smuggled), s(OK), c(GET), s(not_found)],
        &format!("{first}GET /a > 404 1\n"),
    );
    check(
        "a server that waited for too long",
        &[
            c(&smuggled),
            s(OK),
            s("HTTP/1.1 408 x\r\nContent-Length: 1\r\n\r\nx"),
        ],
        &format!("{first}- > 408 1 unpaired\n"),
    );
    check(
        "nothing hidden",
        &[c(GET), s(OK), s(not_found)],
        "GET /a > 200 5\n- > 404 1 unpaired\n",
    );
}

#[test]
fn what_hides_in_content() {
    let inner = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";
    let len = inner.len();
    let outer = |kind: &str| {
        c(&format!(
            "POST / HTTP/1.1\r\nHost: h\r\n{kind}Content-Length: {len}\r\n\r\n{inner}"
        ))
    };
    check(
        "a request",
        &[outer(""), s(OK)],
        &format!("POST / {len} RequestInContent > 200 5\n"),
    );
    check(
        "a request that says it is one",
        &[outer("Content-Type: application/http\r\n"), s(OK)],
        &format!("POST / {len} > 200 5\n"),
    );
    check(
        "a length that no server takes",
        &[c(&format!(
            "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n{inner}"
        ))],
        "POST / ContentLengthOverflow > - unpaired\nGET /b > - unpaired\n",
    );
    check(
        "content that is not chunked although the field nearly says so",
        &[
            c(
                "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\nDELETE /b HTTP/1.1\r\nHost: h\r\n\r\n",
            ),
            s(&OK.repeat(2)),
        ],
        "POST / UnknownTransferEncoding ObfuscatedTransferEncoding > 200 5\nDELETE /b > 200 5\n",
    );
}

/// One of the strings.
fn one(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(of).prop_map(str::to_owned)
}

/// The end of a line, most often the right one.
fn line_end() -> impl Strategy<Value = String> {
    one(&["\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n"])
}

fn header_lines() -> impl Strategy<Value = String> {
    let line = one(&[
        "Host: h",
        "Host: other",
        "X: y",
        " folded",
        "\tfolded",
        "Name : v",
        "no colon",
        ": v",
        "X: a\rb",
        "X: \0",
        "Content-Length: 4",
        "Content-Length: +4",
        "Content-Length: 4, 5",
        "Content-Length: 99999999999999999999",
        "Content-Length:",
        "Content-Length : 3",
        "Transfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: chunked, gzip",
        "\0Transfer-Encoding: chunked",
        "Connection: close",
        "GET /in-head HTTP/1.1",
        "HTTP/1.1 200 in head",
    ]);
    prop::collection::vec((line, line_end()), 0..5)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| line + &end).collect())
}

fn content() -> impl Strategy<Value = String> {
    one(&[
        "",
        "",
        "abcd",
        "4\r\nabcd\r\n0\r\n\r\n",
        " 4 \r\nabcd\r\n0\r\n\r\n",
        "0x4\nabcd\n0\n\n",
        "4;e\rx\r\nabcd\r\n0\r\nT\r\n\r\n",
        "4\r\nabcdX",
        "-1\r\n",
        "\r\n\r\n",
        "fffffffffffffffff\r\n",
        "0\r\n\r\nGET /next HTTP/1.1\r\nHost: h\r\n\r\n",
        "DELETE /b HTTP/1.1\r\n\r\n",
        "DEAD",
        "junk{}",
        "junk HTTP/1.1 200 OK\r\n\r\n",
    ])
}

fn odd_request() -> impl Strategy<Value = String> {
    let line = one(&[
        "GET /a HTTP/1.1",
        "POST /b HTTP/1.1",
        "GET /old",
        "GET\t/a  HTTP/1.0",
        "GET /a b HTTP/1.1",
        "get /\u{e4} http/1.1",
        "G{T / HTTP/1.2",
        "GET HTTP/1.1",
        "\0GET / HTTP/1.1",
        "HEAD / HTTP/1.1",
        "GET http://x/ HTTP/1.1",
        "nothing",
        "\u{1}\u{2}",
        "GET / HTTP/9.9 ",
    ]);
    (line, line_end(), header_lines(), line_end(), content())
        .prop_map(|(line, end, headers, last, content)| line + &end + &headers + &last + &content)
}

fn odd_response() -> impl Strategy<Value = String> {
    let line = one(&[
        "HTTP/1.1 200 OK",
        "HTTP/1.1 404",
        "HTTP/1.0 200 OK",
        "HTTP/1.1 100 Continue",
        "HTTP/1.1 204 x",
        "HTTP/1.1 2XX",
        "HTTP/1.1",
        "http/1.1 200",
        "HTTP/2.0 200 OK",
        "\0HTTP/1.1 200 OK",
        "ICY 200 OK",
        "HTTP/1.1 101 x",
        "nothing",
        "\u{1}\u{2}",
        "HTTP/1.1\t 500 x",
    ]);
    (line, line_end(), header_lines(), line_end(), content())
        .prop_map(|(line, end, headers, last, content)| line + &end + &headers + &last + &content)
}

/// Plays what the sides send in turn, cut at the given places.
fn play_cut(odd: &(String, String), cuts: &[usize]) -> Vec<HttpExchange> {
    let mut player = Player::new(HttpSettings::default(), Some(Side::A));
    let mut sent = [0_u64; 2];
    let mut cuts = cuts.iter().cycle();
    let first = (GET.to_owned(), OK.to_owned());
    for (request, response) in [&first, odd] {
        for (side, text) in [(Side::A, request), (Side::B, response)] {
            let acknowledged = sent[side.other() as usize];
            let mut rest = text.as_bytes();
            while !rest.is_empty() {
                let n = cuts.next().map_or(rest.len(), |&n| n.clamp(1, rest.len()));
                let (piece, after) = rest.split_at(n);
                player.data(side, piece, Some(acknowledged));
                rest = after;
            }
            sent[side as usize] += text.len() as u64;
        }
    }
    player.step(&FIN);
    player.close();
    let zero = Timestamp::default();
    for exchange in &mut player.exchanges {
        exchange.reported = zero;
        if let Some(request) = &mut exchange.request {
            (request.started, request.ended) = (zero, zero);
        }
        if let Some(response) = &mut exchange.response {
            (response.started, response.ended) = (zero, zero);
        }
    }
    player.exchanges
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_segmentation_of_malformed_messages_gives_the_same(
        odd in (odd_request(), odd_response()),
        cuts in prop::collection::vec(1_usize..40, 1..30),
    ) {
        let whole = play_cut(&odd, &[]);
        prop_assert!(!whole.is_empty());
        for cuts in [&cuts[..], &[1], &[2, 3]] {
            let cut = play_cut(&odd, cuts);
            prop_assert_eq!(print(&cut), print(&whole), "{:?}", cuts);
            prop_assert_eq!(&cut, &whole);
        }
    }
}
