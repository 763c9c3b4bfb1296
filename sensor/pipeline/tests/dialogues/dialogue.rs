//! What is said: requests and responses that name their exchange, so that an oracle can tell
//! which belong together.

use crate::random::Random;

/// How a server answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Timing {
    /// Once it has the whole request.
    Whole,
    /// Once it has the head, while the body still comes.
    Early,
}

/// A message as it is written to the stream.
#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) wire: Vec<u8>,
    /// Where in it an octet stands that is urgent data, and none of the message.
    pub(crate) urgent: Option<usize>,
}

impl Message {
    /// With an urgent octet `percent` times in a hundred.
    fn new(random: &mut Random, mut wire: Vec<u8>, percent: usize) -> Self {
        let is_urgent = percent > 0 && random.chance(percent);
        let urgent = is_urgent.then(|| random.below(wire.len()));
        if let Some(at) = urgent {
            wire.insert(at, b'!');
        }
        Self { wire, urgent }
    }

    pub(crate) const fn len(&self) -> usize {
        self.wire.len()
    }
}

/// One exchange as it was meant.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    pub(crate) id: u32,
    pub(crate) method: &'static str,
    pub(crate) status: u16,
    pub(crate) request: Message,
    pub(crate) request_head: usize,
    pub(crate) request_content: Vec<u8>,
    pub(crate) response: Message,
    pub(crate) response_content: Vec<u8>,
    pub(crate) timing: Timing,
    /// The response ends with the connection.
    pub(crate) closes: bool,
}

/// Content of exchange `id`. With `traps` it holds what looks like messages.
fn content(id: u32, len: usize, traps: bool) -> Vec<u8> {
    let line = if traps {
        format!("\r\n\r\nHTTP/1.1 599 Trap\r\nX-Id: {id}\r\n\r\nGET /trap HTTP/1.1\r\n\r\n")
    } else {
        format!("content {id} \u{e9}\r\n")
    };
    line.bytes().cycle().take(len).collect()
}

/// Writes `content` in chunks of random sizes, with extensions and trailers now and then.
fn chunked(random: &mut Random, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = content;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(1 + random.below(rest.len()));
        let extension = if random.chance(10) { ";a=b" } else { "" };
        out.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
        out.extend(chunk);
        out.extend(b"\r\n");
        rest = after;
    }
    out.extend(b"0\r\n");
    if random.chance(20) {
        out.extend(b"X-Trailer: t\r\n");
    }
    out.extend(b"\r\n");
    out
}

fn length(random: &mut Random) -> usize {
    match random.below(8) {
        0 | 1 => 0,
        2 => 6000 + random.below(20_000),
        _ => 1 + random.below(900),
    }
}

/// No, one or two interim responses.
fn interim(random: &mut Random) -> Vec<u8> {
    let count = if random.chance(15) {
        1 + random.below(2)
    } else {
        0
    };
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(count)
}

/// Makes up the exchange `id`. Only the last of a connection can close it.
/// Of a hundred messages `urgent` hold an urgent octet.
pub(crate) fn exchange(
    random: &mut Random,
    id: u32,
    last: bool,
    (traps, urgent): (bool, usize),
) -> Exchange {
    let method = [
        "GET", "GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS",
    ][random.below(8)];
    let mut request =
        format!("{method} /x/{id} HTTP/1.1\r\nHost: h\r\nX-Id: {id}\r\n").into_bytes();
    let mut request_content = Vec::new();
    let mut body = Vec::new();
    if matches!(method, "POST" | "PUT") {
        let len = length(random);
        request_content = content(id, len, traps);
        if random.chance(40) {
            request.extend(b"Transfer-Encoding: chunked\r\n");
            body = chunked(random, &request_content);
        } else {
            request.extend(format!("Content-Length: {len}\r\n").bytes());
            body.clone_from(&request_content);
        }
    }
    request.extend(b"\r\n");
    let request_head = request.len();
    request.extend(&body);

    let mut response = interim(random);
    let status = [200, 200, 201, 204, 304, 400, 404, 500][random.below(8)];
    let empty = method == "HEAD" || matches!(status, 204 | 304);
    let len = length(random);
    let closes = last && !empty && random.chance(30);
    response.extend(format!("HTTP/1.1 {status} X\r\nX-Id: {id}\r\n").bytes());
    let mut response_content = if status == 204 {
        Vec::new()
    } else {
        content(id, len, traps)
    };
    let mut body = Vec::new();
    if closes {
        response.extend(b"Connection: close\r\n");
        body.clone_from(&response_content);
    } else if status != 204 && random.chance(40) {
        response.extend(b"Transfer-Encoding: chunked\r\n");
        body = chunked(random, &response_content);
    } else if status != 204 {
        response.extend(format!("Content-Length: {len}\r\n").bytes());
        body.clone_from(&response_content);
    }
    response.extend(b"\r\n");
    if empty {
        response_content.clear();
    } else {
        response.extend(body);
    }
    let timing = if random.chance(10) {
        Timing::Early
    } else {
        Timing::Whole
    };
    let request = Message::new(random, request, urgent);
    let response = Message::new(random, response, urgent);
    let request_head =
        request_head + usize::from(request.urgent.is_some_and(|at| at < request_head));
    Exchange {
        id,
        method,
        status,
        request,
        request_head,
        request_content,
        response,
        response_content,
        timing,
        closes,
    }
}
