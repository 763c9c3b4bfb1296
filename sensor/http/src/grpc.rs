//! gRPC's framing of messages inside content: a flag, a length of four octets, the message. gRPC-Web
//! frames the same way, puts the trailers behind the last message, and may write all of it in
//! base64.

use std::io::Read;

use flate2::read::{GzDecoder, ZlibDecoder};

use crate::exchange::{Body, HeadBytes, MessageFlow, Messages, Request, Response};
use crate::settings::HttpSettings;

/// Octets before each message.
const PREFIX_LEN: usize = 5;

/// The flag of a compressed message.
const COMPRESSED: u8 = 0x01;

/// The flag of the trailers that gRPC-Web sends as the last message.
const TRAILERS: u8 = 0x80;

/// Longest message that is believed where a boundary was lost.
const PLAUSIBLE_BYTES_MAX: u32 = 16 << 20;

/// Where a flow stands.
#[derive(Clone, Debug, Default)]
enum State {
    /// Before a message; that many octets of its prefix have come.
    #[default]
    Start,
    /// In a prefix.
    Prefix(Vec<u8>),
    /// In a message.
    Message {
        flag: u8,
        length: u32,
        rest: u32,
        is_sampled: bool,
    },
    /// A gap took a boundary.
    Lost,
    /// Behind a gap, in what may be a prefix.
    Resumed(Vec<u8>),
}

/// How compressed messages are (`grpc-encoding`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Coding {
    /// In a way that is not known: what is compressed is not sampled.
    #[default]
    Other,
    Gzip,
    Deflate,
}

/// Base64 as it streams by.
#[derive(Clone, Copy, Debug, Default)]
struct Base64 {
    bits: u32,
    digits: u8,
}

impl Base64 {
    /// Decodes further text. Padding ends a group, for each piece may be encoded by itself.
    fn decode(&mut self, text: &[u8]) -> Vec<u8> {
        let mut plain = Vec::with_capacity(text.len() / 4 * 3 + 3);
        for &byte in text {
            let digit = match byte {
                b'A'..=b'Z' => byte - b'A',
                b'a'..=b'z' => byte - b'a' + 26,
                b'0'..=b'9' => byte - b'0' + 52,
                b'+' | b'-' => 62,
                b'/' | b'_' => 63,
                b'=' => {
                    self.end_group(&mut plain);
                    continue;
                }
                _ => continue,
            };
            self.bits = (self.bits << 6) | u32::from(digit);
            self.digits += 1;
            if self.digits == 4 {
                self.end_group(&mut plain);
            }
        }
        plain
    }

    fn end_group(&mut self, plain: &mut Vec<u8>) {
        let missing = 4 - u32::from(self.digits);
        let [_, bytes @ ..] = (self.bits << (6 * missing)).to_be_bytes();
        let count = usize::from(self.digits.saturating_sub(1));
        plain.extend_from_slice(bytes.get(..count).unwrap_or_default());
        *self = Self::default();
    }
}

/// The messages that go one way.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrpcFlow {
    pub(crate) flow: MessageFlow,
    coding: Coding,
    /// The content is base64.
    text: Option<Base64>,
    state: State,
    /// Messages that were sampled, whatever came of it.
    sampled: usize,
    /// Text of gRPC-Web's trailers.
    trailers: Vec<u8>,
}

impl GrpcFlow {
    /// The flow of a message with that head.
    pub(crate) fn of(head: &HeadBytes) -> Self {
        let coding = match head.header("grpc-encoding") {
            Some(b"gzip") => Coding::Gzip,
            Some(b"deflate") => Coding::Deflate,
            _ => Coding::Other,
        };
        let is_text = head.header("content-type").is_some_and(is_text);
        Self {
            coding,
            text: is_text.then(Base64::default),
            ..Self::default()
        }
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        self.flow.samples.iter().map(Vec::len).sum::<usize>() + self.trailers.len()
    }

    /// A DATA frame begins: behind a gap, a message may begin with it.
    pub(crate) fn frame_starts(&mut self) {
        if matches!(self.state, State::Lost | State::Resumed(_)) {
            self.state = State::Resumed(Vec::new());
        }
    }

    /// Content that is missing.
    pub(crate) fn gap(&mut self, len: u64) {
        if let Some(text) = &mut self.text {
            // How many bytes of messages are missing is not known.
            *text = Base64::default();
            self.flow.incomplete += 1;
            self.state = State::Lost;
            return;
        }
        match &mut self.state {
            State::Lost | State::Resumed(_) => self.state = State::Lost,
            State::Message {
                rest, is_sampled, ..
            } if u64::from(*rest) > len => {
                *rest -= u32::try_from(len).unwrap_or(*rest);
                *is_sampled = false;
            }
            _ => {
                self.flow.incomplete += 1;
                self.state = State::Lost;
            }
        }
    }

    /// Content.
    pub(crate) fn data(&mut self, bytes: &[u8], settings: &HttpSettings) {
        match &mut self.text {
            Some(text) => {
                let plain = text.decode(bytes);
                self.frames(&plain, settings);
            }
            None => self.frames(bytes, settings),
        }
    }

    /// Content, decoded.
    fn frames(&mut self, mut bytes: &[u8], settings: &HttpSettings) {
        while !bytes.is_empty() {
            let taken = match &mut self.state {
                State::Start if bytes.len() >= PREFIX_LEN => {
                    let (prefix, _) = bytes.split_at_checked(PREFIX_LEN).unwrap_or((bytes, &[]));
                    self.begin(prefix, settings);
                    PREFIX_LEN
                }
                State::Start => {
                    self.state = State::Prefix(Vec::new());
                    0
                }
                State::Prefix(begun) | State::Resumed(begun) => {
                    let n = bytes.len().min(PREFIX_LEN - begun.len());
                    begun.extend_from_slice(bytes.get(..n).unwrap_or_default());
                    if begun.len() == PREFIX_LEN {
                        self.end_prefix(settings);
                    }
                    n
                }
                State::Message { .. } => self.message(bytes, settings),
                State::Lost => bytes.len(),
            };
            bytes = bytes.get(taken..).unwrap_or_default();
        }
    }

    /// A prefix that came in pieces, or that may be one, is whole.
    fn end_prefix(&mut self, settings: &HttpSettings) {
        match core::mem::replace(&mut self.state, State::Lost) {
            State::Prefix(prefix) => self.begin(&prefix, settings),
            State::Resumed(prefix) => {
                if let [0 | COMPRESSED, l0, l1, l2, l3] = *prefix
                    && u32::from_be_bytes([l0, l1, l2, l3]) <= PLAUSIBLE_BYTES_MAX
                {
                    self.begin(&prefix, settings);
                }
            }
            other => self.state = other,
        }
    }

    fn begin(&mut self, prefix: &[u8], settings: &HttpSettings) {
        let [flag, l0, l1, l2, l3] = *prefix else {
            return;
        };
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if flag & !(COMPRESSED | TRAILERS) != 0 {
            // No such flag: this is no message.
            self.flow.incomplete += 1;
            self.state = State::Lost;
            return;
        }
        let is_sampled = flag & TRAILERS == 0 && self.sampled < settings.message_samples_max;
        if is_sampled {
            self.sampled += 1;
            self.flow.samples.push(Vec::new());
        }
        self.state = State::Message {
            flag,
            length,
            rest: length,
            is_sampled,
        };
        if length == 0 {
            self.end(flag, length, is_sampled, settings);
        }
    }

    fn message(&mut self, bytes: &[u8], settings: &HttpSettings) -> usize {
        let State::Message {
            flag,
            length,
            rest,
            is_sampled,
        } = &mut self.state
        else {
            return 0;
        };
        let n = bytes.len().min(*rest as usize);
        let piece = bytes.get(..n).unwrap_or_default();
        *rest -= u32::try_from(n).unwrap_or(*rest);
        let kept = if *flag & TRAILERS != 0 {
            Some(&mut self.trailers)
        } else {
            self.flow.samples.last_mut().filter(|_| *is_sampled)
        };
        if let Some(kept) = kept {
            let room = settings.message_sample_bytes_max.saturating_sub(kept.len());
            kept.extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        if *rest == 0 {
            let (flag, length, is_sampled) = (*flag, *length, *is_sampled);
            self.end(flag, length, is_sampled, settings);
        }
        n
    }

    fn end(&mut self, flag: u8, length: u32, is_sampled: bool, settings: &HttpSettings) {
        self.state = State::Start;
        if flag & TRAILERS != 0 {
            return;
        }
        let flow = &mut self.flow;
        flow.messages += 1;
        flow.bytes += u64::from(length);
        flow.longest = flow.longest.max(u64::from(length));
        if flag & COMPRESSED != 0 {
            flow.compressed += 1;
            if is_sampled && let Some(sample) = flow.samples.pop() {
                let plain = decompressed(self.coding, &sample, settings);
                flow.samples.extend(plain);
            }
        }
    }

    /// The flow is over: the messages, and the `grpc-status` of trailers inside the content.
    pub(crate) fn finish(mut self) -> (MessageFlow, Option<u32>) {
        if matches!(self.state, State::Prefix(_) | State::Message { .. }) {
            self.flow.incomplete += 1;
        }
        let status = self
            .trailers
            .split(|&b| b == b'\n')
            .find_map(|line| status(line.trim_ascii().strip_prefix(b"grpc-status:")?));
        (self.flow, status)
    }
}

/// What a sample of a compressed message says, as far as it goes; none when that cannot be told.
fn decompressed(coding: Coding, sample: &[u8], settings: &HttpSettings) -> Option<Vec<u8>> {
    let most = u64::try_from(settings.message_sample_bytes_max).unwrap_or(u64::MAX);
    let mut plain = Vec::new();
    // The sample may be cut: what came out before the end of it counts.
    let _ = match coding {
        Coding::Gzip => GzDecoder::new(sample).take(most).read_to_end(&mut plain),
        Coding::Deflate => ZlibDecoder::new(sample).take(most).read_to_end(&mut plain),
        Coding::Other => return None,
    };
    Some(plain).filter(|plain| !plain.is_empty())
}

/// Whether a media type is gRPC-Web's, framed as gRPC or in base64.
pub(crate) fn is_web(media_type: &[u8]) -> bool {
    is_text(media_type) || is_of(media_type, b"application/grpc-web")
}

fn is_text(media_type: &[u8]) -> bool {
    is_of(media_type, b"application/grpc-web-text")
}

/// Whether a media type is that one, with or without the name of what is in the messages.
pub(crate) fn is_of(media_type: &[u8], name: &[u8]) -> bool {
    let starts = media_type.get(..name.len());
    starts.is_some_and(|start| start.eq_ignore_ascii_case(name))
        && matches!(media_type.get(name.len()), None | Some(b'+' | b';' | b' '))
}

/// The messages in the content of an exchange of gRPC-Web over HTTP/1, as far as it is sampled; none
/// when it is none.
pub(crate) fn web_messages(
    request: Option<&Request>,
    response: Option<&Response>,
    settings: &HttpSettings,
) -> Option<Box<Messages>> {
    // It is always asked for by POST.
    if request.is_some_and(|request| request.head.slice(request.method) != b"POST") {
        return None;
    }
    let request = request.map(|request| (&request.head, &request.body));
    let response = response.map(|response| (&response.head, &response.body));
    let is_web = |half: &(&HeadBytes, &Body)| half.0.header("content-type").is_some_and(is_web);
    if !request.iter().chain(&response).any(is_web) {
        return None;
    }
    let flow = |half: Option<(&HeadBytes, &Body)>| {
        let Some((head, body)) = half.filter(is_web) else {
            return (MessageFlow::default(), None);
        };
        let mut flow = GrpcFlow::of(head);
        flow.data(&body.sample, settings);
        let unseen = body.length.saturating_sub(body.sample.len() as u64) + body.missing;
        if unseen > 0 {
            flow.gap(unseen);
        }
        flow.finish()
    };
    let (from_client, _) = flow(request);
    let (from_server, outcome) = flow(response);
    Some(Box::new(Messages {
        from_client,
        from_server,
        outcome,
    }))
}

/// The number of a `grpc-status` field.
pub(crate) fn status(value: &[u8]) -> Option<u32> {
    core::str::from_utf8(value.trim_ascii()).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(flag: u8, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).expect("short");
        [&[flag][..], &length.to_be_bytes(), payload].concat()
    }

    fn settings() -> HttpSettings {
        HttpSettings {
            message_samples_max: 2,
            message_sample_bytes_max: 4,
            ..HttpSettings::default()
        }
    }

    #[test]
    fn messages_are_counted_and_sampled_however_they_are_cut() {
        let stream = [
            message(0, b"abcdef"),
            message(1, b"xy"),
            message(0, b""),
            message(0x80, b"grpc-status: 5\r\ngrpc-message: x\r\n"),
        ]
        .concat();
        for cut in [1, 2, 3, 5, 7, 100] {
            let mut flow = GrpcFlow::default();
            for piece in stream.chunks(cut) {
                flow.data(piece, &settings());
            }
            let (flow, _) = flow.finish();
            assert_eq!(
                (flow.messages, flow.bytes, flow.longest),
                (3, 8, 6),
                "{cut}"
            );
            assert_eq!((flow.compressed, flow.incomplete), (1, 0), "{cut}");
            // How the second is compressed is not known.
            assert_eq!(flow.samples, [b"abcd".to_vec()], "{cut}");
        }
    }

    #[test]
    fn trailers_of_grpc_web_tell_the_status() {
        let mut flow = GrpcFlow::default();
        flow.data(&message(0x80, b"grpc-status:13"), &HttpSettings::default());
        assert_eq!(flow.finish().1, Some(13));
    }

    #[test]
    fn a_gap_inside_a_message_loses_nothing_else() {
        let mut flow = GrpcFlow::default();
        flow.data(&message(0, b"0123456789")[..8], &settings());
        flow.gap(4);
        flow.data(b"789", &settings());
        flow.data(&message(0, b"z"), &settings());
        let (flow, _) = flow.finish();
        assert_eq!((flow.messages, flow.incomplete), (2, 0));
    }

    #[test]
    fn a_gap_over_a_boundary_is_left_at_the_next_frame() {
        let mut flow = GrpcFlow::default();
        flow.data(&message(0, b"0123456789")[..8], &settings());
        flow.gap(40);
        flow.data(b"garbage", &settings());
        let next = message(0, b"z");
        flow.frame_starts();
        flow.data(&next, &settings());
        let (flow, _) = flow.finish();
        assert_eq!((flow.messages, flow.incomplete), (1, 1));
    }

    fn head(lines: &str) -> HeadBytes {
        let mut head = HeadBytes::default();
        for line in lines.lines() {
            let (name, value) = line.split_once(": ").expect("a header line");
            let start = u32::try_from(head.bytes.len()).expect("short");
            let span = |from: usize, len: usize| crate::exchange::Span {
                start: start + u32::try_from(from).expect("short"),
                end: start + u32::try_from(from + len).expect("short"),
            };
            head.headers.push(crate::exchange::HeaderSpan {
                name: span(0, name.len()),
                value: span(name.len() + 2, value.len()),
            });
            head.bytes.extend_from_slice(line.as_bytes());
        }
        head
    }

    #[test]
    fn text_is_decoded_whatever_the_cuts_and_the_padding() {
        // Two messages encoded each by itself, and trailers.
        let text = b"AAAAAAJoaQ==AAAAAAFhgAAAABBncnBjLXN0YXR1czogNw0K";
        for cut in [1, 3, 5, text.len()] {
            let mut flow = GrpcFlow::of(&head("content-type: application/grpc-web-text+proto"));
            for piece in text.chunks(cut) {
                flow.data(piece, &HttpSettings::default());
            }
            let (flow, status) = flow.finish();
            assert_eq!((flow.messages, flow.bytes, flow.incomplete), (2, 3, 0));
            assert_eq!(flow.samples, [b"hi".to_vec(), b"a".to_vec()]);
            assert_eq!(status, Some(7));
        }
    }

    #[test]
    fn compressed_messages_are_sampled_as_what_they_say() {
        use std::io::Write;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&[7; 1 << 20]).expect("into memory");
        let bomb = gzip.finish().expect("into memory");
        let sent = [message(COMPRESSED, &bomb), message(COMPRESSED, b"no gzip")].concat();
        for (coding, samples) in [("gzip", 1), ("identity", 0), ("snappy", 0)] {
            let lines = format!("content-type: application/grpc\ngrpc-encoding: {coding}");
            let mut flow = GrpcFlow::of(&head(&lines));
            for _ in 0..100 {
                flow.data(&sent, &HttpSettings::default());
            }
            let (flow, _) = flow.finish();
            assert_eq!((flow.messages, flow.compressed), (200, 200));
            assert!(flow.samples.len() >= samples && flow.samples.len() <= 4);
            let most = HttpSettings::default().message_sample_bytes_max;
            assert!(
                flow.samples
                    .iter()
                    .all(|it| it.len() <= most && it.iter().all(|&b| b == 7))
            );
        }
    }
}
