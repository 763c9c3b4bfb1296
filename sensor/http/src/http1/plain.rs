//! Reads a head about which nothing is odd, as nearly all are: in a few passes that the compiler does
//! many bytes at a time. Whatever is odd, or only might be, is left to httparse: what is taken here,
//! that takes as well, and finds the same in it.

use memchr::memchr;

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

/// Method, target and version of a request head, its header lines behind those in `spans`.
pub(crate) fn request(bytes: &[u8], spans: &mut HeaderSpans) -> Option<(Span, Span, Version)> {
    let (line, mut lines) = start_line(bytes)?;
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
    lines.read(spans)?;
    Some((method, target, version))
}

/// Status and version of a response head, its header lines behind those in `spans`.
pub(crate) fn response(bytes: &[u8], spans: &mut HeaderSpans) -> Option<(u16, Version)> {
    let (line, mut lines) = start_line(bytes)?;
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
    lines.read(spans)?;
    Some((status, version))
}

/// Header lines that are still to be read.
struct Lines<'b> {
    bytes: &'b [u8],
    at: usize,
}

/// The start line without its end and the lines behind it, where every line ends with CR LF and
/// there is no other control character but blanks.
fn start_line(bytes: &[u8]) -> Option<(&[u8], Lines<'_>)> {
    // Without a way out inside, so that the compiler compares many bytes at once.
    let pairs = bytes.iter().zip(bytes.get(1..)?);
    let is_plain = pairs.fold(true, |all, (one, next)| {
        let (is_cr, is_lf) = (*one == b'\r', *one == b'\n');
        let is_text = (*one >= b' ') & (*one != 0x7f);
        all & (is_cr == (*next == b'\n')) & (is_text | (*one == b'\t') | is_cr | is_lf)
    });
    if !is_plain || bytes.first() == Some(&b'\n') {
        return None;
    }
    let end = memchr(b'\r', bytes)?;
    Some((bytes.get(..end)?, Lines { bytes, at: end + 2 }))
}

impl Lines<'_> {
    /// Reads all of them; the empty line is the last.
    fn read(&mut self, spans: &mut HeaderSpans) -> Option<()> {
        loop {
            let rest = self.bytes.get(self.at..)?;
            if rest == b"\r\n" {
                return Some(());
            }
            let line = rest.get(..memchr(b'\r', rest)?)?;
            let name = token_len(line);
            let (_, [b':', value @ ..]) = line.split_at_checked(name)? else {
                return None;
            };
            let before = value.iter().take_while(|byte| is_blank(**byte)).count();
            let after = value
                .iter()
                .rev()
                .take_while(|byte| is_blank(**byte))
                .count();
            if name == 0 || before == value.len() || spans.len() >= LINES_MAX {
                return None;
            }
            let end = self.at + line.len();
            spans.push(HeaderSpan {
                name: span(self.at, self.at + name),
                value: span(self.at + name + 1 + before, end - after),
            });
            self.at = end + 2;
        }
    }
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
