//! One direction of a connection: its bytes become frames, across any segmentation and behind
//! gaps. DATA streams by; the payload of the frames that matter is put together, within a bound.

use std::borrow::Cow;

use super::frame::{FrameHeader, FrameType, HEADER_LEN, PADDED};
use super::hpack::Decoder;
use super::resync::{Resync, Search};
use crate::settings::HttpSettings;

/// What every client begins with (RFC 9113 section 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What of it remains behind what reads as the head of an HTTP/1 request.
const PREFACE_HEAD_LEN: usize = 18;

/// Payload kept of frames that hold no field block; a SETTINGS frame has six octets for each of a
/// handful of settings.
const CONTROL_PAYLOAD_MAX: usize = 256;

/// Where a direction stands.
#[derive(Debug)]
enum State {
    /// In the client's preface, so many octets of which have come.
    Preface(usize),
    /// In a frame header.
    Header(Vec<u8>),
    /// In the first octet of padded DATA.
    PadLength(FrameHeader),
    /// In the content of DATA.
    Data(DataFrame),
    /// In the payload of another frame.
    Payload(PayloadFrame),
    /// Where the next frame begins is not known.
    Lost(Box<Resync>),
    /// No frame is looked for.
    GivenUp,
}

#[derive(Clone, Copy, Debug)]
struct DataFrame {
    header: FrameHeader,
    /// Octets of content and of padding that are still to come.
    content: u32,
    padding: u32,
}

#[derive(Debug)]
struct PayloadFrame {
    header: FrameHeader,
    /// Octets still to come.
    rest: u32,
    collected: Vec<u8>,
    /// Octets to collect at most.
    keep: usize,
    /// A gap took part of it: what was collected came before.
    is_torn: bool,
}

/// What the next bytes are.
#[derive(Debug)]
pub(super) enum Item<'a> {
    /// Nothing whole.
    More,
    /// The client's preface.
    Preface,
    /// DATA begins.
    DataStart(FrameHeader),
    /// Content of DATA on a stream.
    Data(u32, &'a [u8]),
    /// DATA has ended.
    DataEnd(FrameHeader),
    /// Another frame, with its payload as far as it is kept.
    Frame(Frame<'a>),
    /// Frames were found again; the bytes from the first of them on are to be read now.
    Found(Vec<u8>),
    /// What stands here is no frame.
    Broken,
}

/// A frame other than DATA.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) header: FrameHeader,
    pub(super) payload: Cow<'a, [u8]>,
    /// The end of the payload is missing.
    pub(super) is_torn: bool,
}

/// What a gap took.
#[derive(Debug)]
pub(super) struct Taken {
    /// Content of DATA on a stream, so many octets of it.
    pub(super) content: Option<(u32, u64)>,
    /// The DATA frame that ended inside the gap.
    pub(super) ended: Option<FrameHeader>,
    /// A frame whose end is missing.
    pub(super) torn: Option<Frame<'static>>,
    /// Whole frames may be missing.
    pub(super) is_lost: bool,
}

/// One direction.
#[derive(Debug)]
pub(super) struct Direction {
    state: State,
    pub(super) decoder: Decoder,
    /// Every frame was seen since the beginning, so that a frame that is odd is the peer's fault
    /// and not a mistake of ours.
    is_trusted: bool,
    /// Frames were found.
    pub(super) is_found: bool,
    /// The fields of a block of which more fragments are to come.
    pub(super) block: Option<super::block::Block>,
}

impl Direction {
    /// A direction that begins with the preface, of which the part that HTTP/1 could read was read.
    pub(super) fn behind_preface_head(settings: &HttpSettings) -> Self {
        Self::new(State::Preface(PREFACE_HEAD_LEN), true, settings)
    }

    /// A client's direction from its start.
    pub(super) fn before_preface(settings: &HttpSettings) -> Self {
        Self::new(State::Preface(0), true, settings)
    }

    /// A server's direction from its start.
    pub(super) fn at_start(settings: &HttpSettings) -> Self {
        Self::new(State::Header(Vec::new()), true, settings)
    }

    /// A direction of which it is not known where a frame begins; `is_whole` when its first byte
    /// is the first of the connection, should a frame begin there.
    pub(super) fn unknown(is_whole: bool, settings: &HttpSettings) -> Self {
        Self::new(State::Lost(Box::default()), is_whole, settings)
    }

    fn new(state: State, is_whole: bool, settings: &HttpSettings) -> Self {
        let is_found = !matches!(state, State::Lost(_));
        Self {
            state,
            decoder: Decoder::new(is_whole, settings.http2_table_bytes_max),
            is_trusted: is_found,
            is_found,
            block: None,
        }
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        let of_state = match &self.state {
            State::Payload(frame) => frame.collected.len(),
            State::Lost(resync) => resync.held(),
            _ => 0,
        };
        let of_block = self.block.as_ref().map_or(0, |block| block.held());
        of_state + of_block + self.decoder.held()
    }

    /// Bytes searched for frames in vain.
    pub(super) fn searched(&self) -> u64 {
        match &self.state {
            State::Lost(resync) => resync.searched(),
            _ => 0,
        }
    }

    /// Whether nothing came yet.
    pub(super) fn is_fresh(&self) -> bool {
        matches!(&self.state, State::Lost(resync) if resync.searched() == 0)
            && !self.is_found
            && self.decoder.is_whole()
    }

    /// Looks for frames no more.
    pub(super) fn give_up(&mut self) {
        self.state = State::GivenUp;
    }

    /// Forgets what is held and can be.
    pub(super) fn shed(&mut self) {
        if matches!(self.state, State::Payload(_) | State::Lost(_)) {
            self.lose();
        }
    }

    /// Where the next frame begins is not known any more.
    pub(super) fn lose(&mut self) {
        self.state = State::Lost(Box::default());
        self.is_trusted = false;
        self.block = None;
        self.decoder.lose();
    }

    /// Reads on. Returns how many bytes were taken and what they are.
    pub(super) fn read<'a>(
        &mut self,
        bytes: &'a [u8],
        is_event_start: bool,
        search: Search<'_>,
        settings: &HttpSettings,
    ) -> (usize, Item<'a>) {
        match &mut self.state {
            State::Preface(seen) => {
                let wanted = PREFACE.get(*seen..).unwrap_or_default();
                let n = wanted.len().min(bytes.len());
                if bytes.get(..n) != wanted.get(..n) {
                    return (0, Item::Broken);
                }
                *seen += n;
                if *seen < PREFACE.len() {
                    return (n, Item::More);
                }
                self.state = State::Header(Vec::new());
                (n, Item::Preface)
            }
            State::Header(_) => self.read_header(bytes, settings),
            State::PadLength(header) => {
                let padding = u32::from(bytes.first().copied().unwrap_or_default());
                let header = *header;
                let room = header.length.saturating_sub(1);
                let padding = padding.min(room);
                self.state = State::Data(DataFrame {
                    header,
                    content: room - padding,
                    padding,
                });
                (1, Item::DataStart(header))
            }
            State::Data(frame) => {
                if frame.content > 0 {
                    let n = bytes.len().min(frame.content as usize);
                    frame.content -= to_u32(n);
                    let stream = frame.header.stream;
                    return (n, Item::Data(stream, bytes.get(..n).unwrap_or_default()));
                }
                let n = bytes.len().min(frame.padding as usize);
                frame.padding -= to_u32(n);
                if frame.padding > 0 {
                    return (n, Item::More);
                }
                let header = frame.header;
                self.state = State::Header(Vec::new());
                (n, Item::DataEnd(header))
            }
            State::Payload(_) => self.read_payload(bytes),
            State::GivenUp => (bytes.len(), Item::More),
            State::Lost(resync) => {
                let found = match find_preface(resync, bytes) {
                    Some(n) => return self.begin_preface(n),
                    None => resync.feed(bytes, is_event_start, search),
                };
                let Some(found) = found else {
                    return (bytes.len(), Item::More);
                };
                let is_from_start = resync.searched() == found.len() as u64;
                if !is_from_start || self.is_found {
                    self.decoder.lose();
                }
                self.is_trusted = is_from_start && self.decoder.is_whole();
                self.is_found = true;
                self.state = State::Header(Vec::new());
                (bytes.len(), Item::Found(found))
            }
        }
    }

    fn begin_preface(&mut self, n: usize) -> (usize, Item<'static>) {
        (self.is_found, self.is_trusted) = (true, true);
        self.state = State::Header(Vec::new());
        (n, Item::Preface)
    }

    fn read_header<'a>(&mut self, bytes: &'a [u8], settings: &HttpSettings) -> (usize, Item<'a>) {
        let State::Header(begun) = &mut self.state else {
            return (0, Item::More);
        };
        // Nearly always the nine octets stand together.
        let (taken, header) = if begun.is_empty() && bytes.len() >= HEADER_LEN {
            (HEADER_LEN, FrameHeader::read(bytes))
        } else {
            let n = bytes.len().min(HEADER_LEN - begun.len());
            begun.extend_from_slice(bytes.get(..n).unwrap_or_default());
            if begun.len() < HEADER_LEN {
                return (n, Item::More);
            }
            let header = FrameHeader::read(begun);
            begun.clear();
            (n, header)
        };
        let Some(header) = header else {
            return (taken, Item::More);
        };
        if !self.is_trusted && (!header.is_valid() || header.kind == FrameType::Unknown) {
            return (taken, Item::Broken);
        }
        if header.kind == FrameType::Data {
            if header.has(PADDED) && header.length > 0 {
                self.state = State::PadLength(header);
                return (taken, Item::More);
            }
            self.state = State::Data(DataFrame {
                header,
                content: header.length,
                padding: 0,
            });
            return (taken, Item::DataStart(header));
        }
        let keep = match header.kind {
            FrameType::Headers | FrameType::Continuation | FrameType::PushPromise => {
                settings.http2_block_bytes_max
            }
            _ => CONTROL_PAYLOAD_MAX,
        };
        self.state = State::Payload(PayloadFrame {
            header,
            rest: header.length,
            collected: Vec::new(),
            keep,
            is_torn: false,
        });
        (taken, Item::More)
    }

    fn read_payload<'a>(&mut self, bytes: &'a [u8]) -> (usize, Item<'a>) {
        let State::Payload(frame) = &mut self.state else {
            return (0, Item::More);
        };
        let n = bytes.len().min(frame.rest as usize);
        let is_whole_here = n == frame.header.length as usize && n <= frame.keep;
        let piece = bytes.get(..n).unwrap_or_default();
        frame.rest -= to_u32(n);
        if !is_whole_here && !frame.is_torn {
            let room = frame.keep.saturating_sub(frame.collected.len());
            frame
                .collected
                .extend_from_slice(piece.get(..room).unwrap_or(piece));
        }
        if frame.rest > 0 {
            return (n, Item::More);
        }
        let payload = if is_whole_here {
            Cow::Borrowed(piece)
        } else {
            Cow::Owned(core::mem::take(&mut frame.collected))
        };
        let is_torn = frame.is_torn || payload.len() < frame.header.length as usize;
        let header = frame.header;
        self.state = State::Header(Vec::new());
        let frame = Frame {
            header,
            payload,
            is_torn,
        };
        (n, Item::Frame(frame))
    }

    /// Whether reading goes on without another byte: a frame ends with what was taken.
    pub(super) const fn has_more(&self) -> bool {
        match &self.state {
            State::Data(frame) => frame.content == 0 && frame.padding == 0,
            State::Payload(frame) => frame.rest == 0,
            _ => false,
        }
    }

    /// Bytes that will never come.
    pub(super) fn gap(&mut self, len: u64) -> Taken {
        let mut taken = Taken {
            content: None,
            ended: None,
            torn: None,
            is_lost: false,
        };
        let mut rest = len;
        match &mut self.state {
            State::Data(frame) => {
                let content = rest.min(u64::from(frame.content));
                taken.content = (content > 0).then_some((frame.header.stream, content));
                frame.content = frame.content.saturating_sub(to_u32_saturating(content));
                rest -= content;
                let padding = rest.min(u64::from(frame.padding));
                frame.padding = frame.padding.saturating_sub(to_u32_saturating(padding));
                rest -= padding;
                taken.ended = (rest > 0).then_some(frame.header);
            }
            State::Payload(frame) => {
                let gone = rest.min(u64::from(frame.rest));
                frame.rest = frame.rest.saturating_sub(to_u32_saturating(gone));
                frame.is_torn |= gone > 0;
                rest -= gone;
                if rest > 0 {
                    taken.torn = Some(Frame {
                        header: frame.header,
                        payload: Cow::Owned(core::mem::take(&mut frame.collected)),
                        is_torn: true,
                    });
                }
            }
            State::Preface(_) | State::Header(_) | State::PadLength(_) | State::Lost(_) => {}
            State::GivenUp => rest = 0,
        }
        taken.is_lost = rest > 0;
        taken
    }
}

/// Where the client's preface ends in a piece that it begins, when nothing came before.
fn find_preface(resync: &Resync, bytes: &[u8]) -> Option<usize> {
    let is_preface = resync.searched() == 0 && bytes.starts_with(PREFACE);
    is_preface.then_some(PREFACE.len())
}

/// A frame's length has 24 bits.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn to_u32_saturating(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
