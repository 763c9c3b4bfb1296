//! After loss no response goes to a wrong request of a client that sends ahead, whatever tells that
//! it does; a client of which too little is known to say is not taken for one that waits where
//! several of its requests may be missing.

mod support;

use support::{Step, c, play, s};
use tapscope_flow::EndReason;

/// A request for that path; all of these are as long.
fn get(path: char) -> Vec<u8> {
    format!("GET /{path} HTTP/1.1\r\nHost: h\r\n\r\n").into_bytes()
}

/// A response with that status and ten bytes of content.
fn answer(status: u16) -> Vec<u8> {
    format!("HTTP/1.1 {status} x\r\nContent-Length: 10\r\n\r\n0123456789").into_bytes()
}

fn check(cases: &[(&str, Vec<Step>, &str)]) {
    for (name, steps, wanted) in cases {
        assert_eq!(play(steps), *wanted, "{name}");
    }
}

#[test]
fn what_is_sent_ahead_is_told() {
    let request = get('1').len() as u64;
    let response = answer(200).len() as u64;
    let request_step = |path| Step::C(get(path));
    let response_step = |status| Step::S(answer(status));
    check(&[
        (
            "content that the server sent without the request, and the request without it",
            vec![
                request_step('1'),
                response_step(201),
                Step::CGap(request),
                Step::SGap(response - 10),
                Step::CAck(get('3'), response + 20),
                Step::SAck(b"0123456789".to_vec(), 2 * request),
                request_step('4'),
                response_step(203),
            ],
            "GET /1 > 201 10\n- > 203 10 unpaired\nGET /3 > - unpaired\nGET /4 > - unpaired\n",
        ),
        (
            "a request that a gap cut",
            vec![
                c("GET /1 "),
                Step::CGap(request - 7),
                Step::CAck(get('2'), 0),
                Step::SAck(answer(201), 2 * request),
                request_step('3'),
                response_step(202),
            ],
            "- > 201 10 unpaired\n- > 202 10 unpaired\nGET /2 > - unpaired\nGET /3 > - unpaired\n",
        ),
        (
            "a request that the server had before it answered the one before",
            vec![
                request_step('1'),
                Step::CGap(request),
                response_step(201),
                request_step('3'),
                response_step(202),
            ],
            "GET /1 > 201 10\n- > 202 10 unpaired\nGET /3 > - unpaired\n",
        ),
        (
            "more between a response and the next request than there are requests for",
            vec![
                request_step('1'),
                Step::CGap(request),
                Step::SGap(2 * response),
                Step::CAck(get('3'), response),
                Step::CAck(get('4'), 2 * response),
                response_step(203),
                Step::SGap(10),
                s("1 204 x\r\n\r\n"),
                request_step('5'),
                response_step(205),
                request_step('6'),
                response_step(206),
            ],
            "- > 203 10 unpaired\n- > 205 10 unpaired\n- > 206 10 unpaired\nGET /1 > - unpaired\nGET /3 > - unpaired\nGET /4 > - unpaired\nGET /5 > - unpaired\nGET /6 > - unpaired\n",
        ),
    ]);
}

#[test]
fn several_missing_requests_are_not_taken_for_one() {
    let request = get('1').len() as u64;
    let steps = |missing| {
        vec![
            Step::CGap(missing),
            Step::S(answer(201)),
            Step::C(get('4')),
            Step::S(answer(202)),
        ]
    };
    check(&[
        (
            "one",
            steps(request),
            "- > 201 10 unpaired\nGET /4 > 202 10 by acknowledgement\n",
        ),
        (
            "three",
            steps(3 * request),
            "- > 201 10 unpaired\n- > 202 10 unpaired\nGET /4 > - unpaired\n",
        ),
    ]);
}

#[test]
fn what_follows_the_head_of_a_response_to_head_is_none_of_its_content_at_the_end() {
    let request = get('1').len() as u64;
    let steps = |end| {
        vec![
            Step::CGap(request),
            Step::S(answer(201)),
            Step::C(get('2')),
            Step::S(answer(202)),
            c("HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n"),
            s("HTTP/1.1 203 x\r\nContent-Length: 10\r\n\r\n"),
            s("HTT"),
            end,
        ]
    };
    check(&[
        (
            "closed",
            steps(Step::Wait(0)),
            "- > 201 10 unpaired\nGET /2 > 202 10 by acknowledgement\nHEAD /3 > 203\n",
        ),
        (
            "ended",
            steps(Step::SEnd(EndReason::Fin)),
            "- > 201 10 unpaired\nGET /2 > 202 10 by acknowledgement\nHEAD /3 > 203\n",
        ),
    ]);
}
