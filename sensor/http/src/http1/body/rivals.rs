//! A body whose end readers may see in different places: one reading is followed, the other is
//! watched, and both ends are told.

use super::{BodyReader, Content, GapEffect, Progress};
use crate::anomaly::{Anomalies, FramingRule, Reading, Readings};
use crate::http1::detect;
use crate::http1::framing::Framing;
use crate::settings::HttpSettings;

/// Digits that a chunk size may have to be taken for one.
const PROBE_DIGITS_MAX: usize = 16;

/// Bytes behind the end of the other reading that are looked at: enough for a method and a blank.
const PEEK_BYTES_MAX: usize = 24;

/// One way to read the body.
#[derive(Clone, Debug)]
struct Way {
    rule: FramingRule,
    framing: Framing,
    /// None when there is no content, or when its end was found, or can be found no more.
    reader: Option<BodyReader>,
    /// Where it ends, once that is known.
    len: Option<u64>,
}

impl Way {
    fn new((rule, framing): (FramingRule, Framing), settings: &HttpSettings) -> Self {
        Self {
            rule,
            framing,
            reader: BodyReader::new(framing, settings),
            len: match framing {
                Framing::None => Some(0),
                Framing::Length(n) => Some(n),
                Framing::Chunked | Framing::Close => None,
            },
        }
    }
}

/// Reads a body in two ways.
#[derive(Clone, Debug)]
pub(crate) struct Rivals {
    followed: Way,
    other: Way,
    /// Bytes that may yet be the size of a first chunk.
    probed: Option<Vec<u8>>,
    /// Bytes taken.
    taken: u64,
    /// The first bytes behind the end of the other reading, when the followed one goes on.
    peek: Vec<u8>,
    /// Bytes that turned out to be the next message's.
    unread: Vec<u8>,
}

impl Rivals {
    /// The first is followed, unless the content `is_probed` and shows that it is not chunked.
    pub(crate) fn new(
        followed: (FramingRule, Framing),
        other: (FramingRule, Framing),
        is_probed: bool,
        settings: &HttpSettings,
    ) -> Self {
        Self {
            followed: Way::new(followed, settings),
            other: Way::new(other, settings),
            probed: is_probed.then(Vec::new),
            taken: 0,
            peek: Vec::new(),
            unread: Vec::new(),
        }
    }

    /// Takes bytes up to the end of the body.
    pub(crate) fn read(&mut self, bytes: &[u8], content: &mut Content<'_>) -> (usize, Progress) {
        let Some(mut probed) = self.probed.take() else {
            return self.read_both(bytes, content);
        };
        for (i, &byte) in bytes.iter().enumerate() {
            if byte.is_ascii_hexdigit() && probed.len() < PROBE_DIGITS_MAX {
                probed.push(byte);
                continue;
            }
            let ends_size = matches!(byte, b'\r' | b'\n' | b';' | b' ' | b'\t');
            if probed.is_empty() && matches!(byte, b' ' | b'\t') || ends_size && !probed.is_empty()
            {
                return self.replay(&probed, bytes.get(i..).unwrap_or_default(), i, content);
            }
            core::mem::swap(&mut self.followed, &mut self.other);
            if self.followed.reader.is_none() {
                self.unread = probed;
                return (i, Progress::Complete);
            }
            return self.replay(&probed, bytes.get(i..).unwrap_or_default(), i, content);
        }
        self.probed = Some(probed);
        (bytes.len(), Progress::More)
    }

    /// Reads what was held back, then the rest.
    fn replay(
        &mut self,
        probed: &[u8],
        rest: &[u8],
        before: usize,
        content: &mut Content<'_>,
    ) -> (usize, Progress) {
        let (n, progress) = self.read_both(probed, content);
        if progress != Progress::More {
            self.unread = probed.get(n..).unwrap_or_default().to_vec();
            return (before, progress);
        }
        let (n, progress) = self.read_both(rest, content);
        (before + n, progress)
    }

    fn read_both(&mut self, bytes: &[u8], content: &mut Content<'_>) -> (usize, Progress) {
        let Some(reader) = &mut self.followed.reader else {
            return (0, Progress::Complete);
        };
        let (n, progress) = reader.read(bytes, content);
        let read = bytes.get(..n).unwrap_or(bytes);
        if let Some(reader) = &mut self.other.reader {
            let (m, progress) = reader.read(read, &mut Content::new(None, 0));
            match progress {
                Progress::More => {}
                Progress::Complete => {
                    self.other.len = Some(self.taken + m as u64);
                    self.other.reader = None;
                }
                Progress::Invalid => self.other.reader = None,
            }
        }
        if let Some(end) = self.other.len {
            // What of `read` stands behind that end, and was not looked at yet.
            let from = end
                .saturating_add(self.peek.len() as u64)
                .saturating_sub(self.taken);
            let from = usize::try_from(from).unwrap_or(usize::MAX);
            let room = PEEK_BYTES_MAX.saturating_sub(self.peek.len());
            let behind = read.get(from..).unwrap_or_default();
            self.peek
                .extend_from_slice(behind.get(..room).unwrap_or(behind));
        }
        self.taken = self.taken.saturating_add(n as u64);
        if progress == Progress::Complete {
            self.followed.len = Some(self.taken);
        }
        (n, progress)
    }

    /// Bytes that will never come: only the followed reading is known any more.
    pub(crate) fn gap(&mut self, len: u64) -> GapEffect {
        self.other.reader = None;
        if self.probed.is_some() {
            return GapEffect::Past(0);
        }
        self.taken = self.taken.saturating_add(len);
        let reader = self.followed.reader.as_mut();
        reader.map_or(GapEffect::Past(0), |reader| reader.gap(len))
    }

    /// Whether the end of the stream is the end of this body.
    pub(crate) fn ends_with_stream(&self) -> bool {
        self.followed.framing == Framing::Close
    }

    /// Both readings as far as they came.
    pub(crate) fn readings(&self) -> Readings {
        let reading = |way: &Way| Reading {
            rule: way.rule,
            len: way.len,
        };
        Readings {
            followed: reading(&self.followed),
            other: reading(&self.other),
            hides_request: self.peek.contains(&b' ') && detect::has_known_method(&self.peek),
        }
    }

    /// What is odd about the followed reading.
    pub(crate) fn anomalies(&self) -> Anomalies {
        let reader = self.followed.reader.as_ref();
        reader.map_or_else(Anomalies::new, BodyReader::anomalies)
    }

    /// Bytes taken that are the next message's, once.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        if self.unread.is_empty()
            && let Some(reader) = &mut self.followed.reader
        {
            return reader.take_unread();
        }
        core::mem::take(&mut self.unread)
    }
}
