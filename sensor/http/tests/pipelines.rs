//! After loss no response goes to a wrong request of a client that sends ahead, whatever tells that
//! it does; a client of which too little is known to say is not taken for one that waits where
//! several of its requests may be missing.

mod support;

use support::{Step, c, play, play_from, s};
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
fn a_pair_that_rests_on_what_most_clients_do_says_so() {
    // The rest of the content, and two requests with content of their own.
    let head = "PUT /1 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n01";
    let sent = head.len() as u64 + 400;
    let lost = Step::CGap(400);
    check(&[(
        "requests may be hidden where content was lost",
        vec![
            c(head),
            lost,
            Step::SAck(answer(201), sent),
            Step::CAck(get('4'), answer(201).len() as u64),
            Step::SAck(answer(202), sent + get('4').len() as u64),
        ],
        "PUT /1 2-18!gap > 201 10\nGET /4 > 202 10 supposed\n",
    )]);
}

#[test]
fn what_follows_a_supposed_pair_is_supposed_until_the_client_is_known() {
    let exchange = |n: u16| {
        let path = char::from_digit(n.into(), 10).unwrap_or('x');
        [Step::C(get(path)), Step::S(answer(210 + n))]
    };
    let pairs = |numbers: core::ops::RangeInclusive<u16>, how: &str| -> String {
        let line = |n| format!("GET /{n} > {} 10{how}\n", 210 + n);
        numbers.map(line).collect()
    };
    // Joined midway, so that an older request may be outstanding.
    let dialogue = |last: u16, pause: i64| {
        let mut steps = vec![Step::S(answer(211))];
        steps.extend(exchange(2));
        // What waits is decided.
        steps.push(Step::Wait(pause));
        steps.extend((3..=last).flat_map(exchange));
        play_from(None, &steps)
    };
    let orphan = "- > 211 10 unpaired\n";
    let few = pairs(2..=5, " supposed");
    assert_eq!(dialogue(5, 0), format!("{orphan}{few}"));
    let known = pairs(2..=2, " by acknowledgement");
    assert_eq!(
        dialogue(6, 0),
        format!("{orphan}{known}{}", pairs(3..=6, ""))
    );
    let late = pairs(2..=5, " supposed") + &pairs(6..=6, " by acknowledgement");
    assert_eq!(
        dialogue(8, 600),
        format!("{orphan}{late}{}", pairs(7..=8, ""))
    );
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
            "- > 201 10 unpaired\nGET /4 > 202 10 supposed\n",
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
            "- > 201 10 unpaired\nGET /2 > 202 10 supposed\nHEAD /3 > 203 supposed\n",
        ),
        (
            "ended",
            steps(Step::SEnd(EndReason::Fin)),
            "- > 201 10 unpaired\nGET /2 > 202 10 supposed\nHEAD /3 > 203 supposed\n",
        ),
    ]);
}
