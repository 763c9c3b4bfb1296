//! gRPC's framing of messages inside content: a flag, a length of four octets, the message.

use crate::exchange::MessageFlow;
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

/// The messages that go one way.
#[derive(Clone, Debug, Default)]
pub(crate) struct GrpcFlow {
    pub(crate) flow: MessageFlow,
    state: State,
    /// Text of gRPC-Web's trailers.
    trailers: Vec<u8>,
}

impl GrpcFlow {
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
    pub(crate) fn data(&mut self, mut bytes: &[u8], settings: &HttpSettings) {
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
        let is_sampled =
            flag & TRAILERS == 0 && self.flow.samples.len() < settings.message_samples_max;
        if is_sampled {
            self.flow.samples.push(Vec::new());
        }
        self.state = State::Message {
            flag,
            length,
            rest: length,
            is_sampled,
        };
        if length == 0 {
            self.end(flag, length);
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
            let (flag, length) = (*flag, *length);
            self.end(flag, length);
        }
        n
    }

    fn end(&mut self, flag: u8, length: u32) {
        self.state = State::Start;
        if flag & TRAILERS != 0 {
            return;
        }
        let flow = &mut self.flow;
        flow.messages += 1;
        flow.bytes += u64::from(length);
        flow.longest = flow.longest.max(u64::from(length));
        flow.compressed += u64::from(flag & COMPRESSED != 0);
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
            assert_eq!(flow.samples, [b"abcd".to_vec(), b"xy".to_vec()], "{cut}");
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
}
