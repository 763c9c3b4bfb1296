//! Reads a body as it streams by: counts its content, keeps a bounded sample, finds its end.

mod length;

mod chunked;

mod close;

mod rivals;

use crate::anomaly::{Anomalies, Readings};
use crate::exchange::{Body, BodyEnd};
use crate::http1::framing::{Decision, Framing};
use crate::settings::HttpSettings;

pub(crate) use chunked::Chunked;
pub(crate) use close::UntilClose;
pub(crate) use length::Length;
pub(crate) use rivals::Rivals;

/// What became of bytes given to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All were taken; the body goes on.
    More,
    /// The body is complete.
    Complete,
    /// Its framing cannot be read.
    Invalid,
}

/// What a gap did to a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GapEffect {
    /// All missing bytes are content, and the body goes on behind them.
    Inside,
    /// All missing bytes are content, and the body ends with them.
    Ends,
    /// Where the body ends is lost; that many missing bytes are known to be content.
    Past(u64),
}

/// The reader of one body, by framing.
#[derive(Clone, Debug)]
pub(crate) enum BodyReader {
    /// By Content-Length.
    Length(Length),
    /// By chunks.
    Chunked(Chunked),
    /// By the end of the stream.
    UntilClose(UntilClose),
    /// In two ways.
    Rivals(Box<Rivals>),
}

impl BodyReader {
    /// The reader for a message; none when there is no body.
    pub(crate) fn of(decision: &Decision, settings: &HttpSettings) -> Option<Self> {
        let Some(rival) = decision.rival else {
            return Self::new(decision.framing, settings);
        };
        let followed = (decision.rule, decision.framing);
        if decision.framing == Framing::None {
            return None;
        }
        let rivals = Rivals::new(followed, rival, decision.is_probed, settings);
        Some(Self::Rivals(Box::new(rivals)))
    }

    /// The reader for a framing; none when there is no body.
    pub(crate) fn new(framing: Framing, settings: &HttpSettings) -> Option<Self> {
        match framing {
            Framing::None => None,
            Framing::Length(n) => Some(Self::Length(Length::new(n))),
            Framing::Chunked => Some(Self::Chunked(Chunked::new(settings.chunk_line_bytes_max))),
            Framing::Close => Some(Self::UntilClose(UntilClose)),
        }
    }

    /// Takes bytes up to the end of the body. Returns how many and what they made.
    pub(crate) fn read(&mut self, bytes: &[u8], content: &mut Content<'_>) -> (usize, Progress) {
        match self {
            Self::Length(reader) => reader.read(bytes, content),
            Self::Chunked(reader) => reader.read(bytes, content),
            Self::UntilClose(reader) => reader.read(bytes, content),
            Self::Rivals(reader) => reader.read(bytes, content),
        }
    }

    /// Bytes that will never come.
    pub(crate) fn gap(&mut self, len: u64) -> GapEffect {
        match self {
            Self::Length(reader) => reader.gap(len),
            Self::Chunked(reader) => reader.gap(len),
            Self::UntilClose(reader) => reader.gap(len),
            Self::Rivals(reader) => reader.gap(len),
        }
    }

    /// How many of the next `len` bytes are content for certain and do not end the body.
    pub(crate) fn content_ahead(&self, len: usize) -> usize {
        let effect = match self {
            Self::Length(reader) => reader.clone().gap(len as u64),
            Self::Chunked(reader) => reader.clone().gap(len as u64),
            Self::UntilClose(_) => GapEffect::Inside,
            Self::Rivals(_) => GapEffect::Past(0),
        };
        let known = match effect {
            GapEffect::Inside => return len,
            GapEffect::Ends => len as u64,
            GapEffect::Past(known) => known,
        };
        usize::try_from(known).unwrap_or(len).saturating_sub(1)
    }

    /// Whether the end of the stream is the end of this body. A server that forgot to frame its
    /// response makes such a body of everything after it.
    pub(crate) fn ends_with_stream(&self) -> bool {
        match self {
            Self::UntilClose(_) => true,
            Self::Rivals(rivals) => rivals.ends_with_stream(),
            Self::Length(_) | Self::Chunked(_) => false,
        }
    }

    /// What is odd about its framing so far.
    pub(crate) fn anomalies(&self) -> Anomalies {
        match self {
            Self::Length(_) | Self::UntilClose(_) => Anomalies::new(),
            Self::Chunked(reader) => reader.anomalies(),
            Self::Rivals(rivals) => rivals.anomalies(),
        }
    }

    /// Where its readers see its end, when they may disagree.
    pub(crate) fn readings(&self) -> Option<Readings> {
        match self {
            Self::Rivals(rivals) => Some(rivals.readings()),
            Self::Chunked(reader) => reader.readings(),
            Self::Length(_) | Self::UntilClose(_) => None,
        }
    }

    /// Bytes that were taken but are the next message's, once.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        match self {
            Self::Length(_) | Self::UntilClose(_) => Vec::new(),
            Self::Chunked(reader) => reader.take_unread(),
            Self::Rivals(rivals) => rivals.take_unread(),
        }
    }
}

/// Room is made for bytes that are announced, up to so many times those that came: an announcement
/// alone takes no memory.
const ANNOUNCED_TRUST: usize = 3;

/// Where a body's content goes. The message may be gone (reported early); then it is passed over.
#[derive(Debug)]
pub(crate) struct Content<'a> {
    body: Option<&'a mut Body>,
    sample_max: usize,
}

impl<'a> Content<'a> {
    /// Content of that body, keeping at most `sample_max` bytes.
    pub(crate) const fn new(body: Option<&'a mut Body>, sample_max: usize) -> Self {
        Self { body, sample_max }
    }

    /// Takes a run of content, behind which at least `ahead` bytes more are announced.
    fn push(&mut self, bytes: &[u8], ahead: u64) {
        let Some(body) = self.body.as_deref_mut() else {
            return;
        };
        body.length = body.length.saturating_add(bytes.len() as u64);
        // The sample is contiguous: nothing joins it behind a gap.
        if body.missing == 0 {
            let room = self.sample_max.saturating_sub(body.sample.len());
            let kept = bytes.get(..room).unwrap_or(bytes);
            if kept.len() > body.sample.capacity() - body.sample.len() {
                let ahead = usize::try_from(ahead).unwrap_or(usize::MAX);
                let most = (ANNOUNCED_TRUST * kept.len()).min(room - kept.len());
                body.sample.reserve(kept.len() + ahead.min(most));
            }
            body.sample.extend_from_slice(kept);
        }
    }
}

/// A body of which nothing was seen yet.
pub(crate) const fn empty_body() -> Body {
    Body {
        length: 0,
        missing: 0,
        sample: Vec::new(),
        end: BodyEnd::Open,
    }
}
