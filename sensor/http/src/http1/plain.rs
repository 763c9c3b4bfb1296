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
    /// Where the line feeds are; none when there are more lines than are read here.
    ends: SmallVec<[u32; 16]>,
    /// There are no control characters but those that end lines, and blanks.
    is_text: bool,
}

impl Layout {
    /// The layout of the head that `bytes` begin with, and how long it is: when every line of it
    /// ends with CR LF, and no other CR is in it.
    pub(crate) fn of(bytes: &[u8]) -> Option<(Self, usize)> {
        let mut ends = SmallVec::new();
        // The line feed of the empty line is the last.
        let mut feeds = 1;
        let end = end_of_head(bytes, |end| {
            feeds += 1;
            // The start line and the empty one are no header lines.
            if ends.len() <= LINES_MAX + 1 {
                ends.push(to_u32(end));
            }
        })?;
        if ends.len() > LINES_MAX + 1 {
            ends.clear();
        }
        let head = bytes.get(..end)?;
        let ends_with_cr = |feed: &u32| {
            let before = (*feed as usize).checked_sub(1);
            before.and_then(|before| head.get(before)) == Some(&b'\r')
        };
        // When all controls are those of the line ends, nothing is left to be judged.
        let is_text =
            ends.len() + 1 == feeds && ends.iter().all(ends_with_cr) && controls(head) == 2 * feeds;
        (is_text || is_paired(head)).then_some((Self { ends, is_text }, end))
    }

    /// How long the start line is, with its end.
    pub(crate) fn start_line(&self, head: &[u8]) -> usize {
        match self.ends.first() {
            Some(end) => *end as usize + 1,
            None => memchr(b'\n', head).map_or(0, |end| end + 1),
        }
    }
}

/// How many control characters there are, but for tabulators.
fn controls(head: &[u8]) -> usize {
    let is_control = |byte: u8| (byte < b' ') & (byte != b'\t') | (byte == 0x7f);
    // No sum is too large for its byte, so that the compiler counts many at once.
    let pieces = head.chunks(usize::from(u8::MAX));
    let counted = pieces.map(|piece| {
        let count = |sum: u8, byte: &u8| sum + u8::from(is_control(*byte));
        usize::from(piece.iter().fold(0, count))
    });
    counted.sum()
}

/// Whether every CR stands before a line feed, and every line feed behind one.
fn is_paired(head: &[u8]) -> bool {
    // Without a way out inside, so that the compiler compares many bytes at once.
    let pairs = head.iter().zip(head.get(1..).unwrap_or_default());
    head.first() != Some(&b'\n')
        && pairs.fold(true, |all, (one, next)| {
            all & ((*one == b'\r') == (*next == b'\n'))
        })
}

/// Calls `found` with the place of each line feed up to the one before the empty line that ends a
/// head. Returns where the head ends.
///
/// Lines are short: eight bytes are looked at together, and what is found in them is in one word.
fn end_of_head(bytes: &[u8], mut found: impl FnMut(usize)) -> Option<usize> {
    const FEEDS: u64 = u64::from_le_bytes([b'\n'; 8]);
    const LOW: u64 = u64::from_le_bytes([0x7f; 8]);
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    for (word, start) in words.iter().chain([&last]).zip((0..).step_by(8)) {
        let other = u64::from_le_bytes(*word) ^ FEEDS;
        // The high bit of each byte that is nought, and of no other.
        let mut feeds = !(((other & LOW) + LOW) | other | LOW);
        while feeds != 0 {
            let end = start + (feeds.trailing_zeros() / 8) as usize;
            found(end);
            if bytes.get(end + 1..end + 3) == Some(b"\r\n") {
                return Some(end + 3);
            }
            feeds &= feeds - 1;
        }
    }
    None
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
