//! Frames of one direction, put together to messages (RFC 6455 section 5.4): counted all of them,
//! sampled the first. Loss inside a frame costs the message; loss of a frame's header costs what
//! comes until a segment starts with a chain of frames.

use super::frame::{self, HEADER_BYTES_MAX, Header, Opcode, Parsed};
use super::inflate::Inflater;
use crate::counters::{Counter, Counters};
use crate::exchange::MessageFlow;
use crate::settings::HttpSettings;

/// What was agreed on compression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Deflate {
    /// The window goes on from one message to the next.
    pub(super) takeover: bool,
}

/// A frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct Frame {
    header: Header,
    /// Bytes of the payload still to come.
    left: u64,
    /// Bytes of the payload that came or are missing.
    at: u64,
}

/// A message of which not all frames came yet.
#[derive(Debug, Default)]
struct Message {
    text: bool,
    compressed: bool,
    bytes: u64,
    incomplete: bool,
    /// Whether its payload is kept.
    sampled: bool,
    sample: Vec<u8>,
}

/// The frames of one direction.
#[derive(Debug)]
pub(super) struct Reader {
    is_client: bool,
    deflate: Option<Deflate>,
    inflater: Option<Inflater>,
    /// The window cannot be followed any more.
    inflate_lost: bool,
    head: [u8; HEADER_BYTES_MAX],
    head_len: usize,
    frame: Option<Frame>,
    message: Option<Message>,
    /// Where the next frame starts is not known.
    lost: bool,
    /// Bytes were missing: frames may be found again. Where none were and yet no frame stands, the
    /// stream is no WebSocket, and where its segments begin must not change what is read.
    torn: bool,
    /// The first bytes of a close frame.
    closing: [u8; 2],
    /// What was said so far.
    pub(super) flow: MessageFlow,
    /// The code of the close frame.
    pub(super) close: Option<u16>,
    sampled: usize,
}

impl Reader {
    pub(super) fn new(is_client: bool, deflate: Option<Deflate>) -> Self {
        Self {
            is_client,
            deflate,
            inflater: None,
            inflate_lost: false,
            head: [0; HEADER_BYTES_MAX],
            head_len: 0,
            frame: None,
            message: None,
            lost: false,
            torn: false,
            closing: [0; 2],
            flow: MessageFlow::default(),
            close: None,
            sampled: 0,
        }
    }

    /// Bytes held in samples.
    pub(super) fn held(&self) -> usize {
        let open = self.message.as_ref().map_or(0, |m| m.sample.len());
        open + self.flow.samples.iter().map(Vec::len).sum::<usize>()
    }

    /// What was said; samples are not taken any more.
    pub(super) fn take_flow(&mut self) -> MessageFlow {
        self.sampled = usize::MAX;
        self.inflater = None;
        let mut flow = core::mem::take(&mut self.flow);
        if let Some(message) = &mut self.message {
            // What is under way is in the exchange, and not among those that come after it.
            flow.incomplete += u64::from(message.bytes > 0);
            message.sample = Vec::new();
            message.sampled = false;
        }
        flow
    }

    /// In-order bytes; a segment starts with them when `is_start`.
    pub(super) fn data(
        &mut self,
        bytes: &[u8],
        is_start: bool,
        settings: &HttpSettings,
        counters: &mut Counters,
    ) {
        if self.lost {
            let deflate = self.deflate.is_some();
            if !(self.torn && is_start && frame::is_chain(bytes, self.is_client, deflate)) {
                counters.add(Counter::UnframedBytes, bytes.len() as u64);
                return;
            }
            counters.count(Counter::Found);
            self.lost = false;
        }
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match self.frame {
                None => self.header(rest, settings, counters),
                Some(frame) => {
                    let wanted = usize::try_from(frame.left).unwrap_or(usize::MAX);
                    let payload = rest.get(..wanted.min(rest.len())).unwrap_or_default();
                    self.payload(frame, payload, settings);
                    payload.len()
                }
            };
            rest = rest.get(taken..).unwrap_or_default();
            if self.lost {
                counters.add(Counter::UnframedBytes, rest.len() as u64);
                return;
            }
        }
    }

    /// Reads bytes of a header; returns how many.
    fn header(&mut self, bytes: &[u8], settings: &HttpSettings, counters: &mut Counters) -> usize {
        let known = self.head_len;
        let room = self.head.get_mut(known..).unwrap_or_default();
        let copied = room.len().min(bytes.len());
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = *from;
        }
        let have = self.head.get(..known + copied).unwrap_or_default();
        match frame::parse(have, self.deflate.is_some()) {
            Parsed::Header(header) => {
                self.head_len = 0;
                self.begin(header, settings);
                header.size.saturating_sub(known)
            }
            Parsed::Partial => {
                self.head_len = known + copied;
                copied
            }
            Parsed::Invalid => {
                counters.count(Counter::LostGarbage);
                self.lose();
                copied
            }
        }
    }

    fn begin(&mut self, header: Header, settings: &HttpSettings) {
        let frame = Frame {
            header,
            left: header.len,
            at: 0,
        };
        match header.opcode {
            Opcode::Text | Opcode::Binary => {
                // A message that begins inside another one: the rest of that is missing.
                self.give_up_message();
                let sampled = self.sampled < settings.message_samples_max
                    && !(header.compressed && self.inflate_lost);
                self.sampled = self.sampled.saturating_add(usize::from(sampled));
                self.message = Some(Message {
                    text: header.opcode == Opcode::Text,
                    compressed: header.compressed,
                    sampled,
                    ..Message::default()
                });
            }
            Opcode::Continuation => {
                // The beginning of the message was not seen.
                self.message.get_or_insert_with(|| Message {
                    incomplete: true,
                    ..Message::default()
                });
            }
            Opcode::Close | Opcode::Control => {}
        }
        if header.len == 0 {
            self.end_frame(header, settings);
        } else {
            self.frame = Some(frame);
        }
    }

    fn payload(&mut self, mut frame: Frame, payload: &[u8], settings: &HttpSettings) {
        match frame.header.opcode {
            Opcode::Close => {
                let start = usize::try_from(frame.at).unwrap_or(usize::MAX);
                let places = self.closing.get_mut(start..).unwrap_or_default();
                for (at, (to, from)) in (frame.at..).zip(places.iter_mut().zip(payload)) {
                    *to = from ^ key_byte(frame.header.key, at);
                }
            }
            Opcode::Control => {}
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {
                if let Some(message) = &mut self.message {
                    message.bytes = message.bytes.saturating_add(payload.len() as u64);
                }
                self.sample(&frame, payload, settings);
            }
        }
        frame.at += payload.len() as u64;
        frame.left -= payload.len() as u64;
        if frame.left == 0 {
            self.frame = None;
            self.end_frame(frame.header, settings);
        } else {
            self.frame = Some(frame);
        }
    }

    /// Keeps the first bytes of the payload, unmasked and decompressed.
    fn sample(&mut self, frame: &Frame, payload: &[u8], settings: &HttpSettings) {
        let most = settings.message_sample_bytes_max;
        let Some(message) = self.message.as_mut().filter(|m| m.sampled && !m.incomplete) else {
            return;
        };
        let unmasked = (frame.at..)
            .zip(payload)
            .map(|(at, byte)| byte ^ key_byte(frame.header.key, at));
        if !message.compressed {
            let room = most.saturating_sub(message.sample.len());
            message.sample.extend(unmasked.take(room));
            return;
        }
        let takeover = self.deflate.is_none_or(|deflate| deflate.takeover);
        let inflater = self
            .inflater
            .get_or_insert_with(|| Inflater::new(takeover, settings.message_inflate_bytes_max));
        let plain: Vec<u8> = unmasked.collect();
        if !inflater.piece(&plain, most, &mut message.sample) {
            message.sampled = false;
            self.inflater = None;
            self.inflate_lost = true;
        }
    }

    fn end_frame(&mut self, header: Header, settings: &HttpSettings) {
        match header.opcode {
            Opcode::Close => {
                self.flow.control += 1;
                if header.len >= 2 {
                    self.close.get_or_insert(u16::from_be_bytes(self.closing));
                }
            }
            Opcode::Control => self.flow.control += 1,
            Opcode::Text | Opcode::Binary | Opcode::Continuation if header.is_final => {
                self.end_message(settings);
            }
            Opcode::Text | Opcode::Binary | Opcode::Continuation => {}
        }
    }

    fn end_message(&mut self, settings: &HttpSettings) {
        let Some(mut message) = self.message.take() else {
            return;
        };
        if message.incomplete {
            self.flow.incomplete += 1;
            return;
        }
        let flow = &mut self.flow;
        flow.messages += 1;
        flow.bytes = flow.bytes.saturating_add(message.bytes);
        flow.longest = flow.longest.max(message.bytes);
        flow.compressed += u64::from(message.compressed);
        flow.text += u64::from(message.text);
        if !message.sampled {
            return;
        }
        if message.compressed
            && let Some(inflater) = &mut self.inflater
            && !inflater.end(settings.message_sample_bytes_max, &mut message.sample)
        {
            self.inflater = None;
            self.inflate_lost = true;
        }
        flow.samples.push(message.sample);
        if flow.samples.len() >= settings.message_samples_max {
            self.inflater = None;
        }
    }

    fn give_up_message(&mut self) {
        if self.message.take().is_some() {
            self.flow.incomplete += 1;
            self.lose_window();
        }
    }

    /// A part of a message is missing: with a window that goes on, so are all later ones.
    fn lose_window(&mut self) {
        self.inflater = None;
        self.inflate_lost |= self.deflate.is_some_and(|deflate| deflate.takeover);
    }

    fn lose(&mut self) {
        self.lost = true;
        self.frame = None;
        self.head_len = 0;
        self.give_up_message();
        self.lose_window();
    }

    /// Bytes that will never come.
    pub(super) fn gap(&mut self, len: u64, counters: &mut Counters) {
        self.torn = true;
        let Some(frame) = &mut self.frame else {
            counters.count(Counter::LostGap);
            self.lose();
            return;
        };
        if frame.left <= len && !(frame.left == len && frame.header.is_final) {
            counters.count(Counter::LostGap);
            self.lose();
            return;
        }
        frame.left -= len;
        frame.at += len;
        let (is_over, header) = (frame.left == 0, frame.header);
        let is_data = !matches!(header.opcode, Opcode::Close | Opcode::Control);
        if is_data && let Some(message) = &mut self.message {
            message.incomplete = true;
            message.sample = Vec::new();
        }
        self.lose_window();
        if is_over {
            self.frame = None;
            if is_data {
                self.message = None;
                self.flow.incomplete += 1;
            } else {
                self.flow.control += 1;
            }
        }
    }

    /// The stream ended: what is under way stays incomplete.
    pub(super) fn end(&mut self) {
        if self.message.take().is_some() {
            self.flow.incomplete += 1;
        }
        self.frame = None;
    }
}

/// The byte of the masking key for a place of the payload.
fn key_byte(key: Option<[u8; 4]>, at: u64) -> u8 {
    let [a, b, c, d] = key.unwrap_or_default();
    match at % 4 {
        0 => a,
        1 => b,
        2 => c,
        _ => d,
    }
}
