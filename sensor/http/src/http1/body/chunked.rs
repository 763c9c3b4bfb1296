//! A body in chunks (RFC 9112 section 7.1): sizes, extensions, trailer section.
//!
//! Read with every tolerance that some reader has, each of them named. Extensions and trailers are
//! passed over. Each byte is looked at once, whatever the segmentation.

use memchr::memchr;
use smallvec::SmallVec;

use super::{Content, GapEffect, Progress};
use crate::anomaly::{Anomalies, FramingRule, MessageAnomaly, Reading, Readings};
use crate::http1::framing;

/// Bytes of a trailer line that are looked at: enough for the names that matter.
const TRAILER_NAME_BYTES_MAX: usize = 18;

/// Where in the coding the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the digits of a chunk size.
    Size { digits: u8, size: u64 },
    /// Behind the digits, up to the end of the line.
    Extension {
        size: u64,
        /// An extension has begun.
        begun: bool,
        /// The last byte was a CR.
        after_cr: bool,
    },
    /// In chunk data.
    Data { remaining: u64 },
    /// In the line end behind chunk data.
    DataEnd,
    /// In a trailer line of which that many bytes (without CR) were seen.
    Trailer { line_bytes: usize },
}

/// What a reader that keeps to the grammar of chunks refuses, and others read on behind.
const STRICTLY_REFUSED: [MessageAnomaly; 5] = [
    MessageAnomaly::InvalidChunkSize,
    MessageAnomaly::ChunkSizePrefix,
    MessageAnomaly::LongChunkSize,
    MessageAnomaly::InvalidChunkExtension,
    MessageAnomaly::MissingChunkEnd,
];

/// A chunk size of which nothing was seen yet.
const SIZE: State = State::Size { digits: 0, size: 0 };

/// Reads a chunked body.
#[derive(Clone, Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of the current size line, or of the trailer section.
    overhead: usize,
    /// Most of them.
    overhead_max: usize,
    anomalies: Anomalies,
    /// The beginning of the current size or trailer line.
    line: SmallVec<[u8; 24]>,
    /// Bytes of it so far.
    taken: u64,
    is_complete: bool,
}

impl Chunked {
    /// A chunked body whose size lines and trailer section are at most that long.
    pub(crate) fn new(overhead_max: usize) -> Self {
        Self {
            state: SIZE,
            overhead: 0,
            overhead_max,
            anomalies: Anomalies::new(),
            line: SmallVec::new(),
            taken: 0,
            is_complete: false,
        }
    }

    /// What is odd about the framing so far.
    pub(crate) const fn anomalies(&self) -> Anomalies {
        self.anomalies
    }

    /// Where its readers see its end, when it is framed in a way that the stricter ones refuse.
    pub(crate) fn readings(&self) -> Option<Readings> {
        let reading = |rule, len| Reading { rule, len };
        let is_refused = STRICTLY_REFUSED
            .iter()
            .any(|it| self.anomalies.contains(*it));
        is_refused.then(|| Readings {
            followed: reading(FramingRule::Chunked, self.is_complete.then_some(self.taken)),
            other: reading(FramingRule::OtherChunked, None),
            hides_request: false,
        })
    }

    /// The bytes of a size line that could not be read: they may be the next message's.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        core::mem::take(&mut self.line).into_vec()
    }

    /// Takes bytes up to the end of the body.
    pub(crate) fn read(&mut self, bytes: &[u8], content: &mut Content<'_>) -> (usize, Progress) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let rest = self.up_to_cap(rest);
            let (n, progress) = match self.state {
                State::Size { digits, size } => self.read_size(rest, digits, size),
                State::Extension {
                    size,
                    begun,
                    after_cr,
                } => self.read_extension(rest, size, begun, after_cr),
                State::Data { remaining } => self.read_data(rest, remaining, content),
                State::DataEnd => self.read_data_end(rest),
                State::Trailer { line_bytes } => self.read_trailer(rest, line_bytes),
            };
            taken += n;
            self.taken = self.taken.saturating_add(n as u64);
            if progress != Progress::More {
                self.is_complete = progress == Progress::Complete;
                return (taken, progress);
            }
        }
        (taken, Progress::More)
    }

    /// Missing bytes are harmless only inside chunk data; a size line may follow right behind.
    pub(crate) const fn gap(&mut self, len: u64) -> GapEffect {
        self.taken = self.taken.saturating_add(len);
        let State::Data { remaining } = self.state else {
            return GapEffect::Past(0);
        };
        if len > remaining {
            return GapEffect::Past(remaining);
        }
        self.state = if len == remaining {
            State::DataEnd
        } else {
            State::Data {
                remaining: remaining - len,
            }
        };
        GapEffect::Inside
    }

    /// Of bytes that are no content, those before the cap: what was taken when it is met does not
    /// depend on what came together.
    fn up_to_cap<'b>(&self, rest: &'b [u8]) -> &'b [u8] {
        if !matches!(self.state, State::Extension { .. } | State::Trailer { .. }) {
            return rest;
        }
        let room = self.overhead_max.saturating_sub(self.overhead).max(1);
        rest.get(..room).unwrap_or(rest)
    }

    /// Counts bytes that are no content. False when there are too many.
    const fn spend(&mut self, n: usize) -> bool {
        self.overhead = self.overhead.saturating_add(n);
        self.overhead <= self.overhead_max
    }

    fn invalid_size(&mut self) -> (usize, Progress) {
        self.anomalies.insert(MessageAnomaly::InvalidChunkSize);
        (0, Progress::Invalid)
    }

    fn read_size(&mut self, rest: &[u8], digits: u8, size: u64) -> (usize, Progress) {
        let Some(&byte) = rest.first() else {
            return (0, Progress::More);
        };
        if !self.spend(1) {
            return self.invalid_size();
        }
        if let Some(digit) = char::from(byte).to_digit(16) {
            let Some(size) = size.checked_mul(16).map(|s| s + u64::from(digit)) else {
                return self.invalid_size();
            };
            if digits >= 16 {
                self.anomalies.insert(MessageAnomaly::LongChunkSize);
            }
            self.state = State::Size {
                digits: digits.saturating_add(1),
                size,
            };
            self.keep(byte);
            return (1, Progress::More);
        }
        match byte {
            b' ' | b'\t' if digits == 0 => {
                self.anomalies.insert(MessageAnomaly::ChunkSizeBlanks);
                (1, Progress::More)
            }
            b'+' if digits == 0 && self.line.is_empty() => self.read_prefix(byte),
            b'x' | b'X' if digits == 1 && size == 0 && !self.line.contains(&b'x') => {
                self.read_prefix(b'x')
            }
            b' ' | b'\t' | b';' | b'\r' | b'\n' if digits > 0 => {
                self.overhead -= 1;
                self.state = State::Extension {
                    size,
                    begun: false,
                    after_cr: false,
                };
                (0, Progress::More)
            }
            b'\r' | b'\n' => {
                self.anomalies.insert(MessageAnomaly::EmptyChunkSize);
                self.invalid_size()
            }
            _ => self.invalid_size(),
        }
    }

    /// `+` or `0x`: some readers pass over it, others stop at it.
    fn read_prefix(&mut self, byte: u8) -> (usize, Progress) {
        self.anomalies.insert(MessageAnomaly::ChunkSizePrefix);
        self.keep(byte);
        self.state = SIZE;
        (1, Progress::More)
    }

    /// Remembers a byte of the current line while there is room.
    fn keep(&mut self, byte: u8) {
        if self.line.len() < 24 {
            self.line.push(byte);
        }
    }

    fn read_extension(
        &mut self,
        rest: &[u8],
        size: u64,
        begun: bool,
        after_cr: bool,
    ) -> (usize, Progress) {
        let end = memchr(b'\n', rest);
        let n = end.map_or(rest.len(), |i| i + 1);
        if !self.spend(n) {
            return self.invalid_size();
        }
        let piece = rest.get(..n - usize::from(end.is_some())).unwrap_or(rest);
        let first = piece.iter().find(|b| !matches!(b, b' ' | b'\t' | b'\r'));
        let is_extension = begun || first == Some(&b';');
        // A CR before anything but the LF of this line end is one that some readers take for it.
        let inner = piece
            .get(..piece.len().saturating_sub(1))
            .unwrap_or_default();
        let has_bare_cr = (after_cr && !piece.is_empty()) || memchr(b'\r', inner).is_some();
        if has_bare_cr || (!is_extension && first.is_some()) {
            self.anomalies.insert(MessageAnomaly::InvalidChunkExtension);
        }
        let after_cr = piece.last().map_or(after_cr, |&b| b == b'\r');
        let begun = is_extension || first.is_some();
        if end.is_none() {
            self.state = State::Extension {
                size,
                begun,
                after_cr,
            };
            return (n, Progress::More);
        }
        if !after_cr {
            self.anomalies.insert(if begun {
                MessageAnomaly::InvalidChunkExtension
            } else {
                MessageAnomaly::ChunkBareLf
            });
        }
        self.end_size_line(size);
        (n, Progress::More)
    }

    fn end_size_line(&mut self, size: u64) {
        self.overhead = 0;
        self.line.clear();
        self.state = if size == 0 {
            State::Trailer { line_bytes: 0 }
        } else {
            State::Data { remaining: size }
        };
    }

    fn read_data(
        &mut self,
        rest: &[u8],
        remaining: u64,
        content: &mut Content<'_>,
    ) -> (usize, Progress) {
        let n = usize::try_from(remaining)
            .unwrap_or(usize::MAX)
            .min(rest.len());
        let remaining = remaining - n as u64;
        content.push(rest.get(..n).unwrap_or_default(), remaining);
        self.state = if remaining == 0 {
            State::DataEnd
        } else {
            State::Data { remaining }
        };
        (n, Progress::More)
    }

    fn read_data_end(&mut self, rest: &[u8]) -> (usize, Progress) {
        match rest.first() {
            Some(b'\r') if self.overhead == 0 => {
                self.overhead = 1;
                (1, Progress::More)
            }
            Some(b'\n') => {
                if self.overhead == 0 {
                    self.anomalies.insert(MessageAnomaly::ChunkBareLf);
                }
                self.overhead = 0;
                self.state = SIZE;
                (1, Progress::More)
            }
            _ => {
                self.anomalies.insert(MessageAnomaly::MissingChunkEnd);
                (0, Progress::Invalid)
            }
        }
    }

    fn read_trailer(&mut self, rest: &[u8], line_bytes: usize) -> (usize, Progress) {
        let end = memchr(b'\n', rest);
        let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
        let room = TRAILER_NAME_BYTES_MAX.saturating_sub(self.line.len());
        self.line.extend(piece.iter().copied().take(room));
        let line_bytes = line_bytes + piece.iter().filter(|&&b| b != b'\r').count();
        let n = piece.len() + usize::from(end.is_some());
        if !self.spend(n) {
            return self.invalid_size();
        }
        if end.is_none() {
            self.state = State::Trailer { line_bytes };
            return (n, Progress::More);
        }
        self.state = State::Trailer { line_bytes: 0 };
        let line = core::mem::take(&mut self.line);
        if line_bytes == 0 {
            return (n, Progress::Complete);
        }
        let mut parts = line.split(|&b| b == b':');
        let name = parts.next().unwrap_or_default().trim_ascii();
        if framing::is_framing_name(name) || name.eq_ignore_ascii_case(b"host") {
            self.anomalies.insert(MessageAnomaly::FramingFieldInTrailer);
        }
        if parts.next().is_none() && line.len() < TRAILER_NAME_BYTES_MAX {
            self.anomalies.insert(MessageAnomaly::InvalidTrailer);
        }
        (n, Progress::More)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http1::body::empty_body;

    /// Feeds the bytes in pieces of `step`; tells content, what was taken, and how it ended.
    fn read(bytes: &[u8], step: usize) -> (String, usize, Progress) {
        let mut reader = Chunked::new(100);
        let mut body = empty_body();
        let mut content = Content::new(Some(&mut body), 1 << 20);
        let (mut taken, mut progress) = (0, Progress::More);
        while taken < bytes.len() && progress == Progress::More {
            let end = (taken + step).min(bytes.len());
            let (n, made) = reader.read(&bytes[taken..end], &mut content);
            taken += n;
            progress = made;
        }
        (
            String::from_utf8(body.sample).expect("text"),
            taken,
            progress,
        )
    }

    #[test]
    fn bodies_by_segmentation() {
        let long = format!("5;{}\r\nhello\r\n0\r\n\r\n", "x".repeat(200));
        let cases: &[(&str, &str, Option<usize>, Progress)] = &[
            (
                "5\r\nhello\r\n0\r\n\r\nNEXT",
                "hello",
                Some(4),
                Progress::Complete,
            ),
            (
                "5;a=\"b\"\r\nhello\r\n06 \r\n world\r\n000\r\n\r\n",
                "hello world",
                Some(0),
                Progress::Complete,
            ),
            (
                "A\n0123456789\n0\nTrailer: x\n\n",
                "0123456789",
                Some(0),
                Progress::Complete,
            ),
            ("0\r\nA: b\r\nC: d\r\n\r\n", "", Some(0), Progress::Complete),
            ("5\r\nhel", "hel", Some(0), Progress::More),
            ("\r\n", "", None, Progress::Invalid),
            ("xyz\r\n", "", None, Progress::Invalid),
            ("5\r\nhelloX", "hello", None, Progress::Invalid),
            ("11111111111111111\r\n", "", None, Progress::Invalid),
            (
                " 5\r\nhello\r\n0x1\r\n!\r\n00000000000000000\r\n\r\n",
                "hello!",
                Some(0),
                Progress::Complete,
            ),
            (&long, "", None, Progress::Invalid),
        ];
        for (bytes, content, left, progress) in cases {
            for step in [1, 2, 3, 7, 1000] {
                let (text, taken, end) = read(bytes.as_bytes(), step);
                assert_eq!(end, *progress, "{bytes:?} by {step}");
                assert_eq!(text, *content, "{bytes:?} by {step}");
                if let Some(left) = left {
                    assert_eq!(taken, bytes.len() - left, "{bytes:?} by {step}");
                }
            }
        }
    }

    #[test]
    fn gaps() {
        let mut reader = Chunked::new(100);
        let mut body = empty_body();
        let mut content = Content::new(Some(&mut body), 100);
        reader.read(b"10\r\nab", &mut content);
        assert_eq!(reader.gap(4), GapEffect::Inside);
        reader.read(b"cd", &mut content);
        assert_eq!(reader.gap(9), GapEffect::Past(8));
        assert_eq!(reader.gap(8), GapEffect::Inside);
        assert_eq!(reader.gap(1), GapEffect::Past(0));
    }

    #[test]
    fn what_is_odd_by_segmentation() {
        use MessageAnomaly as M;
        let cases: &[(&[u8], &[M])] = &[
            (b"5;a=b\r\nhello\r\n0\r\nT: x\r\n\r\n", &[]),
            (b"5 \t;a\r\nhello\r\n0 \r\n\r\n", &[]),
            (b" 5\r\nhello\r\n0\r\n\r\n", &[M::ChunkSizeBlanks]),
            (b"0x5\r\nhello\r\n+0\r\n\r\n", &[M::ChunkSizePrefix]),
            (
                b"00000000000000005\r\nhello\r\n0\r\n\r\n",
                &[M::LongChunkSize],
            ),
            (b"5\nhello\r\n0\r\n\r\n", &[M::ChunkBareLf]),
            (b"5\r\nhello\n0\r\n\r\n", &[M::ChunkBareLf]),
            (b"5;a\nhello\r\n0\r\n\r\n", &[M::InvalidChunkExtension]),
            (b"5;a\rb\r\nhello\r\n0\r\n\r\n", &[M::InvalidChunkExtension]),
            (b"5\rX\r\nhello\r\n0\r\n\r\n", &[M::InvalidChunkExtension]),
            (b"5 x\r\nhello\r\n0\r\n\r\n", &[M::InvalidChunkExtension]),
            (b"\r\n", &[M::InvalidChunkSize, M::EmptyChunkSize]),
            (b"-5\r\n", &[M::InvalidChunkSize]),
            (b"5\r\nhelloX", &[M::MissingChunkEnd]),
            (b"0\r\nno colon\r\n\r\n", &[M::InvalidTrailer]),
            (
                b"0\r\nContent-Length: 3\r\n\r\n",
                &[M::FramingFieldInTrailer],
            ),
        ];
        for (bytes, wanted) in cases {
            for step in [1, 2, 3, 1000] {
                let mut reader = Chunked::new(100);
                for piece in bytes.chunks(step) {
                    let (_, progress) = reader.read(piece, &mut Content::new(None, 0));
                    if progress == Progress::Invalid {
                        break;
                    }
                }
                let found: Vec<_> = reader.anomalies().iter().collect();
                assert_eq!(found, wanted.to_vec(), "{} by {step}", bytes.escape_ascii());
            }
        }
    }

    #[test]
    fn a_size_line_that_is_none_is_given_back() {
        for step in [1, 2, 1000] {
            let mut reader = Chunked::new(100);
            let mut taken = 0;
            for piece in b"DELETE / HTTP/1.1\r\n".chunks(step) {
                let (n, progress) = reader.read(piece, &mut Content::new(None, 0));
                taken += n;
                if progress == Progress::Invalid {
                    break;
                }
            }
            assert_eq!((taken, reader.take_unread()), (2, b"DE".to_vec()));
        }
    }
}
