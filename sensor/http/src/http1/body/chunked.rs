//! A body in chunks (RFC 9112 section 7.1): sizes, extensions, trailer section.
//!
//! Extensions and trailers are passed over; line ends may be a bare LF. Each byte is looked at
//! once, whatever the segmentation.

use memchr::memchr;

use super::{Content, GapEffect, Progress};

/// Where in the coding the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// In the digits of a chunk size.
    Size { digits: u8, size: u64 },
    /// Behind the digits, up to the end of the line.
    Extension { size: u64 },
    /// In chunk data.
    Data { remaining: u64 },
    /// In the line end behind chunk data.
    DataEnd,
    /// In a trailer line of which that many bytes (without CR) were seen.
    Trailer { line_bytes: usize },
}

/// Reads a chunked body.
#[derive(Clone, Debug)]
pub(crate) struct Chunked {
    state: State,
    /// Bytes of the current size line, or of the trailer section.
    overhead: usize,
    /// Most of them.
    overhead_max: usize,
}

impl Chunked {
    /// A chunked body whose size lines and trailer section are at most that long.
    pub(crate) const fn new(overhead_max: usize) -> Self {
        Self {
            state: State::Size { digits: 0, size: 0 },
            overhead: 0,
            overhead_max,
        }
    }

    /// Takes bytes up to the end of the body.
    pub(crate) fn read(&mut self, bytes: &[u8], content: &mut Content<'_>) -> (usize, Progress) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            let (n, progress) = match self.state {
                State::Size { digits, size } => self.read_size(rest, digits, size),
                State::Extension { size } => self.read_extension(rest, size),
                State::Data { remaining } => self.read_data(rest, remaining, content),
                State::DataEnd => self.read_data_end(rest),
                State::Trailer { line_bytes } => self.read_trailer(rest, line_bytes),
            };
            taken += n;
            if progress != Progress::More {
                return (taken, progress);
            }
        }
        (taken, Progress::More)
    }

    /// Missing bytes are harmless only inside chunk data; a size line may follow right behind.
    pub(crate) const fn gap(&mut self, len: u64) -> GapEffect {
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

    /// Counts bytes that are no content. False when there are too many.
    const fn spend(&mut self, n: usize) -> bool {
        self.overhead = self.overhead.saturating_add(n);
        self.overhead <= self.overhead_max
    }

    fn read_size(&mut self, rest: &[u8], digits: u8, size: u64) -> (usize, Progress) {
        let Some(&byte) = rest.first() else {
            return (0, Progress::More);
        };
        if !self.spend(1) {
            return (1, Progress::Invalid);
        }
        if let Some(digit) = char::from(byte).to_digit(16) {
            let Some(size) = size.checked_mul(16).map(|s| s + u64::from(digit)) else {
                return (1, Progress::Invalid);
            };
            self.state = State::Size {
                digits: digits.saturating_add(1),
                size,
            };
            return (1, Progress::More);
        }
        match byte {
            b' ' | b'\t' if digits == 0 => (1, Progress::More),
            b' ' | b'\t' | b';' | b'\r' if digits > 0 => {
                self.state = State::Extension { size };
                (1, Progress::More)
            }
            b'\n' if digits > 0 => {
                self.end_size_line(size);
                (1, Progress::More)
            }
            _ => (1, Progress::Invalid),
        }
    }

    fn read_extension(&mut self, rest: &[u8], size: u64) -> (usize, Progress) {
        let n = memchr(b'\n', rest).map_or(rest.len(), |i| i + 1);
        if !self.spend(n) {
            return (n, Progress::Invalid);
        }
        if rest.get(n - 1) == Some(&b'\n') {
            self.end_size_line(size);
        }
        (n, Progress::More)
    }

    const fn end_size_line(&mut self, size: u64) {
        self.overhead = 0;
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
        content.push(rest.get(..n).unwrap_or_default());
        let remaining = remaining - n as u64;
        self.state = if remaining == 0 {
            State::DataEnd
        } else {
            State::Data { remaining }
        };
        (n, Progress::More)
    }

    const fn read_data_end(&mut self, rest: &[u8]) -> (usize, Progress) {
        match rest.first() {
            Some(b'\r') => {
                self.overhead += 1;
                if self.overhead > 1 {
                    return (1, Progress::Invalid);
                }
                (1, Progress::More)
            }
            Some(b'\n') => {
                self.overhead = 0;
                self.state = State::Size { digits: 0, size: 0 };
                (1, Progress::More)
            }
            _ => (0, Progress::Invalid),
        }
    }

    fn read_trailer(&mut self, rest: &[u8], line_bytes: usize) -> (usize, Progress) {
        let end = memchr(b'\n', rest);
        let piece = rest.get(..end.unwrap_or(rest.len())).unwrap_or(rest);
        let line_bytes = line_bytes + piece.iter().filter(|&&b| b != b'\r').count();
        let n = piece.len() + usize::from(end.is_some());
        if !self.spend(n) {
            return (n, Progress::Invalid);
        }
        if end.is_none() {
            self.state = State::Trailer { line_bytes };
            return (n, Progress::More);
        }
        self.state = State::Trailer { line_bytes: 0 };
        (
            n,
            if line_bytes == 0 {
                Progress::Complete
            } else {
                Progress::More
            },
        )
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
}
