//! Reads a head about which nothing is odd, as nearly all are: in a few passes that the compiler does
//! many bytes at a time. Whatever is odd, or only might be, is left to httparse: what is taken here,
//! that takes as well, and finds the same in it.

use memchr::memchr;
use smallvec::SmallVec;

use crate::exchange::{HeaderSpan, Span, Version};
use crate::http1::detect::is_token_byte;
use crate::http1::head::HeaderSpans;

/// Header lines that are read here; more are odd.
const LINES_MAX: usize = 64;

/// What names of fields and methods may hold, by byte.
const TOKEN_BYTES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "below 256")]
        let is_token = is_token_byte(byte as u8);
        #[expect(clippy::indexing_slicing, reason = "below 256, and at compile time")]
        let place = &mut table[byte];
        *place = is_token;
        byte += 1;
    }
    table
};

/// Where the lines of a head end: found once, when its end is looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    /// Where the line feeds are, of as many lines as are read here.
    ends: SmallVec<[u32; 16]>,
    /// There are no more lines than that, and no control characters but those that end lines, and
    /// blanks.
    is_text: bool,
}

impl Layout {
    /// The layout of the head that `bytes` begin with, and how long it is: when every line of it
    /// ends with CR LF, and no other CR is in it.
    ///
    /// Control characters end the lines and are hardly ever anywhere else: sixteen bytes are looked
    /// at for any of them together.
    pub(crate) fn of(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut layout = Self {
            ends: SmallVec::new(),
            is_text: true,
        };
        let last = bytes.len().checked_sub(PIECE)?;
        let mut start = 0;
        // What was looked at already.
        let mut seen = 0;
        loop {
            let mut controls = controls(bytes.get(start..)?.first_chunk()?);
            while controls != 0 {
                let at = start + controls.trailing_zeros() as usize;
                controls &= controls - 1;
                if at < seen {
                    continue;
                }
                // A head does not end behind the last four bytes.
                match bytes.get(at..)?.first_chunk::<4>()? {
                    b"\r\n\r\n" => {
                        layout.end_line(at + 1);
                        return Some((layout, at + 4));
                    }
                    [b'\r', b'\n', ..] => {
                        layout.end_line(at + 1);
                        seen = at + 2;
                    }
                    [b'\r' | b'\n', ..] => return None,
                    [b'\t', ..] => {}
                    _ => layout.is_text = false,
                }
            }
            if start == last {
                return None;
            }
            seen = seen.max(start + PIECE);
            start = last.min(start + PIECE);
        }
    }

    /// A line ends at that line feed.
    fn end_line(&mut self, feed: usize) {
        // The start line is no header line.
        if self.ends.len() <= LINES_MAX {
            self.ends.push(to_u32(feed));
        } else {
            self.is_text = false;
        }
    }

    /// How long the start line is, with its end.
    pub(crate) fn start_line(&self, head: &[u8]) -> usize {
        match self.ends.first() {
            Some(end) => *end as usize + 1,
            None => memchr(b'\n', head).map_or(0, |end| end + 1),
        }
    }
}

/// Bytes that are looked at together.
const PIECE: usize = 16;

/// All bits but the high one of each byte.
const LOW: u64 = u64::from_le_bytes([0x7f; 8]);

/// A bit for each byte that is a control character, tabulators among them: the first is the lowest.
fn controls(piece: &[u8; PIECE]) -> u32 {
    let ([one, other], _) = piece.as_chunks::<8>() else {
        return 0;
    };
    let (one, other) = (controls_of(*one), controls_of(*other));
    if one | other == 0 {
        return 0;
    }
    // What brings the high bits of the bytes together in the highest byte, in their order.
    const TOGETHER: u64 = 0x0002_0408_1020_4081;
    let bits = |marks: u64| (marks.wrapping_mul(TOGETHER) >> 56) as u32;
    bits(one) | bits(other) << 8
}

/// The high bit of each byte that is a control character, and no other bit.
const fn controls_of(word: [u8; 8]) -> u64 {
    // What makes the high bit of all bytes from the blank on, and of the last control character.
    const TO_BLANK: u64 = u64::from_le_bytes([0x80 - b' '; 8]);
    const TO_DELETE: u64 = u64::from_le_bytes([0x80 - 0x7f; 8]);
    let word = u64::from_le_bytes(word);
    let low = word & LOW;
    (!(low + TO_BLANK) | (low + TO_DELETE)) & !(word | LOW)
}

/// Method, target and version of a request head, its header lines behind those in `spans`.
pub(crate) fn request(
    bytes: &[u8],
    layout: &Layout,
    spans: &mut HeaderSpans,
) -> Option<(Span, Span, Version)> {
    let (line, lines) = start_line(bytes, layout)?;
    let method = memchr(b' ', line).filter(|end| *end > 0)?;
    let (method, rest) = line.split_at_checked(method)?;
    let rest = rest.get(1..)?;
    let target = memchr(b' ', rest).filter(|end| *end > 0)?;
    let (target, rest) = rest.split_at_checked(target)?;
    let version = match rest {
        b" HTTP/1.1" => Version::Http11,
        b" HTTP/1.0" => Version::Http10,
        _ => return None,
    };
    let is_uri = |all: bool, byte: &u8| all & (*byte > b' ') & (*byte < 0x7f);
    if token_len(method) != method.len() || !target.iter().fold(true, is_uri) {
        return None;
    }
    let method = Span {
        start: 0,
        end: to_u32(method.len()),
    };
    let start = method.end.saturating_add(1);
    let target = Span {
        start,
        end: start.saturating_add(to_u32(target.len())),
    };
    header_lines(bytes, lines, spans)?;
    Some((method, target, version))
}

/// Status and version of a response head, its header lines behind those in `spans`.
pub(crate) fn response(
    bytes: &[u8],
    layout: &Layout,
    spans: &mut HeaderSpans,
) -> Option<(u16, Version)> {
    let (line, lines) = start_line(bytes, layout)?;
    let (version, rest) = line.split_at_checked(9)?;
    let version = match version {
        b"HTTP/1.1 " => Version::Http11,
        b"HTTP/1.0 " => Version::Http10,
        _ => return None,
    };
    let [a, b, c, rest @ ..] = rest else {
        return None;
    };
    if ![a, b, c].into_iter().all(u8::is_ascii_digit) || !matches!(rest, [] | [b' ', ..]) {
        return None;
    }
    let digit = |byte: &u8| u16::from(byte - b'0');
    let status = digit(a) * 100 + digit(b) * 10 + digit(c);
    header_lines(bytes, lines, spans)?;
    Some((status, version))
}

/// The start line without its end, and where each line ends, the first one first, in a head that has
/// no control characters.
fn start_line<'b, 'l>(bytes: &'b [u8], layout: &'l Layout) -> Option<(&'b [u8], &'l [u32])> {
    let end = (*layout.ends.first()? as usize).checked_sub(1)?;
    layout.is_text.then_some((bytes.get(..end)?, &layout.ends))
}

/// Reads the lines behind the first; each ends where the next begins.
fn header_lines(bytes: &[u8], ends: &[u32], spans: &mut HeaderSpans) -> Option<()> {
    let starts = ends.iter().map(|end| *end as usize + 1);
    for (start, end) in starts.zip(ends.get(1..)?) {
        let end = (*end as usize).checked_sub(1)?;
        let line = bytes.get(start..end)?;
        let name = token_len(line);
        let (_, [b':', value @ ..]) = line.split_at_checked(name)? else {
            return None;
        };
        let before = value.iter().take_while(|byte| is_blank(**byte)).count();
        let after = value.iter().rev();
        let after = after.take_while(|byte| is_blank(**byte)).count();
        if name == 0 || before == value.len() || spans.len() >= LINES_MAX {
            return None;
        }
        spans.push(HeaderSpan {
            name: span(start, start + name),
            value: span(start + name + 1 + before, end - after),
        });
    }
    Some(())
}

/// Bytes of the token that `text` begins with.
fn token_len(text: &[u8]) -> usize {
    let is_token = |byte: &&u8| TOKEN_BYTES.get(usize::from(**byte)) == Some(&true);
    text.iter().take_while(is_token).count()
}

const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

fn span(start: usize, end: usize) -> Span {
    Span {
        start: to_u32(start),
        end: to_u32(end),
    }
}

/// A head is capped far below 4 GiB.
fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
