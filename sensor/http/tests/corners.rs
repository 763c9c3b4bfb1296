//! What cost a mistake once, and what only the stage before can tell.

mod support;

use support::{Player, Step, c, print, s};
use tapscope_flow::{Side, StreamEventKind};
use tapscope_http::HttpSettings;

const GET: &str = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn a_response_that_waits_is_decided_before_its_request_is_given_up() {
    // Joined midway, so that an older request may be outstanding; its time is over before that of
    // the response.
    let settings = HttpSettings {
        response_wait_nanos_max: 10_000_000_000,
        ..HttpSettings::default()
    };
    let mut player = Player::new(settings, None);
    for step in [c(GET), Step::Wait(5), s(OK), Step::Wait(7)] {
        player.step(&step);
    }
    assert_eq!(print(&player.exchanges), "GET /a > 200 5 supposed\n");
}

#[test]
fn what_a_piece_of_another_protocol_began_is_searched_with_what_follows() {
    // The last byte of the answer of SOCKS may begin a request; it comes alone.
    let answer = "\u{5}\u{0}\u{0}\u{1}abcd\u{0}P";
    for piece in 1..=12 {
        let mut player = Player::new(HttpSettings::default(), Some(Side::A));
        let in_pieces = |player: &mut Player, text: &str| {
            for bytes in text.as_bytes().chunks(piece) {
                player.step(&Step::S(bytes.to_vec()));
            }
        };
        player.step(&c("\u{5}\u{1}\u{0}"));
        in_pieces(&mut player, "\u{5}\u{0}");
        player.step(&c("\u{5}\u{1}\u{0}\u{1}abcd\u{0}P"));
        in_pieces(&mut player, answer);
        player.step(&c(GET));
        in_pieces(&mut player, OK);
        player.close();
        let said = print(&player.exchanges);
        assert_eq!(said, "GET /a > 200 5\n", "in pieces of {piece}");
    }
}

#[test]
fn a_message_with_urgent_data_says_so_and_no_other() {
    let mut player = Player::new(HttpSettings::default(), Some(Side::A));
    let urgent = |player: &mut Player, side, is_taken_out| {
        let offset = player.position(side);
        player.event(StreamEventKind::Urgent {
            side,
            offset,
            is_taken_out,
        });
        player.skip(side, u64::from(is_taken_out));
    };
    player.step(&c("GET /malic"));
    urgent(&mut player, Side::A, true);
    player.step(&c("ious HTTP/1.1\r\nHost: h\r\n\r\n"));
    player.step(&s("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe"));
    urgent(&mut player, Side::B, false);
    player.step(&s("llo"));
    player.step(&c(GET));
    player.step(&s(OK));
    player.close();
    assert_eq!(
        print(&player.exchanges),
        "GET /malicious UrgentData > 200 5 UrgentData\nGET /a > 200 5\n"
    );
}
