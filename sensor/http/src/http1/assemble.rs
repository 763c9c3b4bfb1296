//! Puts a head together from any segmentation of its bytes.
//!
//! Each byte is looked at once: the assembler remembers the line it is in, and the buffer it fills
//! is the one the exchange keeps. A head that comes in one piece, as nearly all do, and whose lines
//! all end as they should is taken whole. How a line ends is told by the start line: where a bare CR ends
//! that, it ends all of them. Two things can only be told by what follows: whether a request line
//! without version is all of a request, and whether the CR that ends a head has its LF. Such a
//! head is complete when the next byte says so or when the other side answers.

use memchr::{memchr, memchr2};

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::chunk::{Chunk, Position};
use crate::exchange::BodyEnd;
use crate::http1::detect::{self, Guess, MessageKind};
use crate::http1::head::AssembledHead;
use crate::http1::plain::Layout;
use crate::http1::start_line::{self, Expectation, StartLine};
use crate::settings::HttpSettings;

/// Bytes of a header line that are looked at when the head is over its cap.
const OVER_CAP_LINE_BYTES_MAX: usize = 128;

/// Bytes of framing fields that are kept although the head is over its cap.
const OVER_CAP_BYTES_MAX: usize = 2048;

/// Bytes at the end of a line in which a start line is looked for that does not begin the line.
const SCANNED_BYTES_MAX: usize = 8 << 10;

/// What became of the bytes fed to a [`HeadAssembler`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// All were taken; the head goes on.
    More,
    /// The head is complete.
    Complete(MessageKind),
    /// This is no head. `line_ended` tells whether the bytes taken end with a line.
    Rejected {
        /// Whether the next byte is the first of a line.
        line_ended: bool,
    },
    /// The start line is longer than the cap.
    TooLong,
}

/// What the next byte has to tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Open {
    /// Nothing.
    #[default]
    No,
    /// Whether a header line follows the request line without version.
    Versionless,
    /// Whether LF follows the CR that ended a line.
    LineFeed {
        /// That line was empty: the head is complete either way.
        ends_head: bool,
    },
}

/// Collects the bytes of one head.
///
/// Of most open connections no head is being read: what that takes is there when a byte has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct HeadAssembler(Option<Box<Collected>>);

/// What was collected.
#[derive(Clone, Debug, Default)]
struct Collected {
    bytes: Vec<u8>,
    /// Where the current line begins in `bytes`.
    line_start: usize,
    /// Known from the start line on.
    kind: Option<MessageKind>,
    /// What was expected when the head began.
    expectation: Expectation,
    /// CR alone ends the lines.
    cr_lines: bool,
    /// A bare CR in the start line was judged.
    cr_judged: bool,
    open: Open,
    /// Bytes of the current line that were not kept, because the head is over its cap.
    unkept: usize,
    anomalies: Anomalies,
    /// Behind the last byte taken.
    end: Position,
    /// Where the head began.
    start: Position,
    /// Where the current line began.
    line: Position,
}

impl HeadAssembler {
    /// An assembler that has taken bytes already, which hold no line end.
    pub(crate) fn begun(bytes: Vec<u8>, at: Position, expectation: Expectation) -> Self {
        Self(Some(Box::new(Collected {
            bytes,
            expectation,
            start: at,
            line: at,
            ..Collected::default()
        })))
    }

    /// Whether no byte of a head was taken yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|head| head.bytes.is_empty())
    }

    /// Where the head began.
    pub(crate) fn start(&self) -> u64 {
        self.0.as_ref().map_or(0, |head| head.start.offset)
    }

    /// Where it began, when it did.
    pub(crate) fn begun_at(&self) -> Option<Position> {
        let head = self.0.as_ref().filter(|head| !head.bytes.is_empty());
        head.map(|head| head.start)
    }

    /// Whether nothing but empty lines stands before it on its connection.
    pub(crate) fn is_first(&self) -> bool {
        let head = self.0.as_ref();
        head.is_some_and(|head| head.expectation == Expectation::Unknown { first: true })
    }

    /// Bytes held.
    pub(crate) fn held(&self) -> usize {
        let held = |head: &Collected| head.bytes.capacity() + size_of::<Collected>();
        self.0.as_deref().map_or(0, held)
    }

    /// Whether part of a start line was taken.
    pub(crate) fn is_in_start_line(&self) -> bool {
        let head = self.0.as_ref();
        head.is_some_and(|head| head.kind.is_none() && !head.bytes.is_empty())
    }

    /// Whether that part is only a start line because a segment began with it.
    pub(crate) fn rests_on_segment(&self) -> bool {
        let head = self.0.as_ref();
        self.is_in_start_line() && head.is_some_and(|head| head.expectation != Expectation::Scanned)
    }

    /// The kind of a head that is complete unless more of it follows at once.
    pub(crate) fn is_settled(&self) -> Option<MessageKind> {
        self.0.as_ref()?.is_settled()
    }

    /// A head that is all there, when none of it came before and nothing about its lines is odd. What
    /// is not taken so is for [`Self::feed`].
    #[inline]
    pub(crate) fn whole<'c>(
        &self,
        chunk: Chunk<'c>,
        expectation: Expectation,
        settings: &HttpSettings,
    ) -> Option<(MessageKind, Layout, &'c [u8])> {
        if self.0.is_some() || expectation.is_search() {
            return None;
        }
        whole_head(chunk.bytes, expectation, settings)
    }

    /// Takes bytes up to the end of the head. Returns how many and what they made.
    ///
    /// `expectation` counts when these bytes are the first of a head.
    pub(crate) fn feed(
        &mut self,
        chunk: Chunk<'_>,
        expectation: Expectation,
        settings: &HttpSettings,
    ) -> (usize, Progress) {
        let head = self.0.get_or_insert_default();
        head.feed(chunk, expectation, settings)
    }

    /// The head that was completed, leaving the assembler empty.
    pub(crate) fn take(&mut self, kind: MessageKind, end: Position) -> AssembledHead {
        self.0.take().unwrap_or_default().into_head(kind, end)
    }

    /// The head as far as it came, when every line of it looks like one of a head: less than a
    /// whole head must prove more.
    pub(crate) fn take_cut(&mut self, end: Position, how: BodyEnd) -> Option<AssembledHead> {
        self.0.take()?.into_cut(end, how)
    }

    /// What was expected to be a head is none: looks in its bytes for the start of another.
    /// Tells whether there is one.
    pub(crate) fn rescan(&mut self) -> bool {
        let is_found = self.0.get_or_insert_default().rescan();
        if !is_found {
            self.clear();
        }
        is_found
    }

    /// The bytes that turned out to be no head, and where they began.
    pub(crate) fn take_rejected(&mut self) -> (Vec<u8>, Position) {
        let head = self.0.take().unwrap_or_default();
        (head.bytes, head.start)
    }

    /// Forgets what was collected.
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

impl Collected {
    const fn is_settled(&self) -> Option<MessageKind> {
        match self.open {
            Open::Versionless | Open::LineFeed { ends_head: true } => self.kind,
            _ => None,
        }
    }

    fn feed(
        &mut self,
        chunk: Chunk<'_>,
        expectation: Expectation,
        settings: &HttpSettings,
    ) -> (usize, Progress) {
        let mut taken = 0;
        if self.bytes.is_empty() {
            // A server should ignore an empty line before a start line (RFC 9112 section 2.2).
            taken = chunk
                .bytes
                .iter()
                .take_while(|&&b| matches!(b, b'\r' | b'\n'))
                .count();
            let is_certain = matches!(
                expectation,
                Expectation::Expected(_) | Expectation::Unknown { first: true }
            );
            if taken > 0 && is_certain {
                self.anomalies.insert(MessageAnomaly::LeadingEmptyLines);
            }
            if taken == chunk.bytes.len() {
                return (taken, Progress::More);
            }
            self.expectation = expectation;
            self.start = chunk.position(taken);
            self.line = self.start;
            if let Some((n, kind)) = self.take_whole(chunk, taken, settings) {
                return (taken + n, Progress::Complete(kind));
            }
        }
        loop {
            let rest = chunk.bytes.get(taken..).unwrap_or_default();
            let Some(&next) = rest.first() else {
                return (taken, Progress::More);
            };
            if self.line_start == self.bytes.len() && self.unkept == 0 {
                self.line = chunk.position(taken);
            }
            let (n, progress) = match self.open {
                Open::No => self.take_piece(rest, chunk.position(taken), settings),
                Open::Versionless => self.follow_versionless(next),
                Open::LineFeed { ends_head } => self.follow_cr(next, ends_head),
            };
            taken += n;
            if progress != Progress::More {
                return (taken, progress);
            }
        }
    }

    /// Takes a head that is all there, when nothing about its lines is odd. What is not taken so is
    /// read line by line.
    fn take_whole(
        &mut self,
        chunk: Chunk<'_>,
        taken: usize,
        settings: &HttpSettings,
    ) -> Option<(usize, MessageKind)> {
        if self.expectation.is_search() {
            return None;
        }
        let rest = chunk.bytes.get(taken..)?;
        let (kind, _, head) = whole_head(rest, self.expectation, settings)?;
        self.bytes.extend_from_slice(head);
        self.kind = Some(kind);
        self.line_start = head.len();
        self.end = chunk.position(taken + head.len());
        Some((head.len(), kind))
    }

    /// Takes a line, or what there is of it.
    fn take_piece(
        &mut self,
        rest: &[u8],
        at: Position,
        settings: &HttpSettings,
    ) -> (usize, Progress) {
        if self.kind.is_none() && self.bytes.last() == Some(&b'\r') && rest.first() != Some(&b'\n')
        {
            self.judge_cr();
            if self.open != Open::No {
                return (0, Progress::More);
            }
        }
        let looks_for_cr = self.cr_lines || (self.kind.is_none() && !self.cr_judged);
        let end = if looks_for_cr {
            memchr2(b'\r', b'\n', rest)
        } else {
            memchr(b'\n', rest)
        };
        let piece = rest
            .get(..end.map_or(rest.len(), |i| i + 1))
            .unwrap_or(rest);
        // What is kept of a head over the cap does not depend on what came together.
        let room = settings.head_bytes_max.saturating_sub(self.bytes.len());
        let room = room + usize::from(self.kind.is_none());
        let piece = match piece.get(..room) {
            Some(fits) if room > 0 => fits,
            _ => piece,
        };
        let end = end.filter(|end| *end < piece.len());
        let n = piece.len();
        self.end = Position {
            offset: at.offset.saturating_add(n as u64),
            ..at
        };
        if self.bytes.len() + n > settings.head_bytes_max {
            if self.kind.is_none() {
                // What is no start line is none however long it is.
                let fits = settings.head_bytes_max.saturating_sub(self.bytes.len());
                let piece = piece.get(..fits).unwrap_or(piece);
                self.bytes.extend_from_slice(piece);
                return match self.part_of_line() {
                    Progress::More => (n, Progress::TooLong),
                    rejected => (piece.len(), rejected),
                };
            }
            self.take_over_cap(piece, settings.head_bytes_max);
        } else {
            self.bytes.extend_from_slice(piece);
        }
        let progress = match end.and_then(|i| rest.get(i)) {
            Some(b'\n') => self.end_line(),
            // In the start line, what a CR means is told by the byte behind it.
            Some(_) if self.cr_lines => self.end_line(),
            _ => self.part_of_line(),
        };
        (n, progress)
    }

    /// The first CR of the start line that no LF follows: it ends the line, or is part of it.
    fn judge_cr(&mut self) {
        if core::mem::replace(&mut self.cr_judged, true) {
            return;
        }
        let line = self.bytes.get(..self.bytes.len() - 1).unwrap_or_default();
        if start_line::ends_with_cr(line, self.expectation)
            && let Some(StartLine::Head(kind)) = start_line::start_line(line, self.expectation)
        {
            self.cr_lines = true;
            self.kind = Some(kind);
            self.anomalies.insert(MessageAnomaly::BareCr);
            self.line_start = self.bytes.len();
            self.open = Open::LineFeed { ends_head: false };
        }
    }

    /// Judges a line that has not ended yet.
    fn part_of_line(&mut self) -> Progress {
        if self.kind.is_none() && self.expectation == Expectation::Scanned {
            if self.bytes.len() > 2 * SCANNED_BYTES_MAX {
                self.bytes.drain(..self.bytes.len() - SCANNED_BYTES_MAX);
            }
            return Progress::More;
        }
        if self.kind.is_some()
            || start_line::guess(&self.bytes, self.expectation) == Guess::Possible
        {
            return Progress::More;
        }
        Progress::Rejected { line_ended: false }
    }

    /// Judges the line that has just ended.
    fn end_line(&mut self) -> Progress {
        let line = self.bytes.get(self.line_start..).unwrap_or_default();
        if !self.cr_lines && !line.ends_with(b"\r\n") && self.unkept == 0 {
            self.anomalies.insert(MessageAnomaly::BareLf);
        }
        let Some(kind) = self.kind else {
            return self.end_start_line();
        };
        let is_empty = self.unkept == 0 && line.iter().all(|b| matches!(b, b'\r' | b'\n'));
        if self.cr_lines && line.ends_with(b"\r") {
            self.open = Open::LineFeed {
                ends_head: is_empty,
            };
            return self.end_header_line();
        }
        if is_empty {
            if line.len() > 2 {
                self.anomalies.insert(MessageAnomaly::BareCr);
            }
            return Progress::Complete(kind);
        }
        self.end_header_line()
    }

    /// Judges a first line that has just ended.
    fn end_start_line(&mut self) -> Progress {
        if self.expectation == Expectation::Scanned {
            let from = self.bytes.len().saturating_sub(SCANNED_BYTES_MAX);
            let line = self.bytes.get(from..).unwrap_or_default();
            let Some((at, kind)) = start_line::start_within(line) else {
                return Progress::Rejected { line_ended: true };
            };
            self.bytes.drain(..from + at);
            if from + at > 0 {
                let offset = self.end.offset.saturating_sub(self.bytes.len() as u64);
                self.start = Position { offset, ..self.end };
            }
            self.kind = Some(kind);
        } else {
            match start_line::start_line(&self.bytes, self.expectation) {
                None => return Progress::Rejected { line_ended: true },
                Some(StartLine::Head(kind)) => self.kind = Some(kind),
                Some(StartLine::Versionless) => {
                    self.kind = Some(MessageKind::Request);
                    self.open = Open::Versionless;
                }
            }
        }
        self.line_start = self.bytes.len();
        Progress::More
    }

    fn end_header_line(&mut self) -> Progress {
        let line = self.bytes.get(self.line_start..).unwrap_or_default();
        if core::mem::take(&mut self.unkept) > 0 {
            if !is_framing_line(line) {
                self.bytes.truncate(self.line_start);
            } else if !line.ends_with(b"\n") {
                self.bytes.extend_from_slice(b"\r\n");
            }
        } else if self.expectation.is_search() && !detect::is_header_line(line) {
            // No header line looks like a start line, so the search goes on with this line and
            // never looks at the ones before again.
            let kind = detect::start_line(line, true);
            if kind.is_none() {
                return Progress::Rejected { line_ended: true };
            }
            self.kind = kind;
            self.bytes.drain(..self.line_start);
            self.start = self.line;
            self.anomalies = Anomalies::new();
        }
        self.line_start = self.bytes.len();
        Progress::More
    }

    /// Takes a piece of a header line although the head is over its cap: framing fields are kept
    /// within another, everything else is passed over.
    fn take_over_cap(&mut self, piece: &[u8], head_bytes_max: usize) {
        self.anomalies.insert(MessageAnomaly::HeadTooLong);
        let line_len = self.bytes.len().saturating_sub(self.line_start);
        let room = OVER_CAP_LINE_BYTES_MAX
            .saturating_sub(line_len)
            .min((head_bytes_max + OVER_CAP_BYTES_MAX).saturating_sub(self.bytes.len()));
        let line = self.bytes.get(self.line_start..).unwrap_or_default();
        // The line that ends the head is told however much was kept before it.
        let is_empty_line = self.unkept == 0
            && line_len + piece.len() <= OVER_CAP_LINE_BYTES_MAX
            && line.iter().chain(piece).all(|b| matches!(b, b'\r' | b'\n'));
        let kept = if is_empty_line {
            piece.len()
        } else {
            piece.len().min(room)
        };
        self.bytes
            .extend_from_slice(piece.get(..kept).unwrap_or(piece));
        // A line that is over the cap is looked at when it ends, even if all of it fitted.
        if !is_empty_line {
            self.unkept = self.unkept.saturating_add((piece.len() - kept).max(1));
        }
    }

    /// The byte behind a request line without version, or behind what may be a field name.
    fn follow_versionless(&mut self, next: u8) -> (usize, Progress) {
        let request = Progress::Complete(MessageKind::Request);
        let line = self.bytes.get(self.line_start..).unwrap_or_default();
        match next {
            b'\n' if line.iter().all(|&b| b == b'\r') => {
                // The empty line ends a head that is nothing but its first line.
                self.bytes.push(next);
                self.line_start = self.bytes.len();
                (1, request)
            }
            b'\r' if line.is_empty() => {
                self.bytes.push(next);
                (1, Progress::More)
            }
            b':' if !line.is_empty() => {
                self.anomalies.insert(MessageAnomaly::MissingVersion);
                self.open = Open::No;
                (0, Progress::More)
            }
            _ if detect::is_token_byte(next)
                && line.len() < detect::METHOD_BYTES_MAX
                && line != b"\r" =>
            {
                self.bytes.push(next);
                (1, Progress::More)
            }
            _ => (0, request),
        }
    }

    /// The byte behind a CR that ended a line.
    fn follow_cr(&mut self, next: u8, ends_head: bool) -> (usize, Progress) {
        self.open = Open::No;
        let n = usize::from(next == b'\n');
        if n == 1 {
            self.bytes.push(next);
            self.line_start = self.bytes.len();
        }
        let progress = match self.kind {
            Some(kind) if ends_head => Progress::Complete(kind),
            _ => Progress::More,
        };
        (n, progress)
    }

    fn into_head(mut self: Box<Self>, kind: MessageKind, end: Position) -> AssembledHead {
        let mut bytes = core::mem::take(&mut self.bytes);
        let mut unread = Vec::new();
        let mut anomalies = self.anomalies;
        if self.open == Open::Versionless {
            // What came behind the line is the next message's, but for half an empty line.
            unread = bytes.split_off(self.line_start.min(bytes.len()));
            if unread == b"\r" {
                bytes.append(&mut unread);
            }
            anomalies.insert(MessageAnomaly::Http09);
        }
        AssembledHead {
            kind,
            bytes,
            layout: None,
            start: self.start,
            end: Position {
                offset: end.offset.saturating_sub(unread.len() as u64),
                ..end
            },
            cut: None,
            cr_lines: self.cr_lines,
            anomalies,
            unread,
        }
    }

    fn into_cut(self: Box<Self>, end: Position, how: BodyEnd) -> Option<AssembledHead> {
        if let Some(kind) = self.is_settled() {
            return Some(self.into_head(kind, end));
        }
        let kind = self.kind?;
        let mut lines = self.bytes.split_inclusive(|&b| b == b'\n');
        let starts = detect::start_line(lines.next()?, true).is_some();
        if !starts || !lines.all(|line| !line.ends_with(b"\n") || detect::is_header_line(line)) {
            return None;
        }
        let mut head = self.into_head(kind, end);
        head.cut = Some(how);
        Some(head)
    }

    fn rescan(&mut self) -> bool {
        self.expectation = Expectation::Scanned;
        !self.bytes.ends_with(b"\n") || self.end_start_line() == Progress::More
    }
}

/// The head that the bytes begin with, when all of it is there and nothing about its lines is odd.
fn whole_head<'b>(
    bytes: &'b [u8],
    expectation: Expectation,
    settings: &HttpSettings,
) -> Option<(MessageKind, Layout, &'b [u8])> {
    let (layout, head) = plain_head(bytes, settings.head_bytes_max)?;
    let start_line = head.get(..layout.start_line(head))?;
    match start_line::start_line(start_line, expectation)? {
        StartLine::Head(kind) => Some((kind, layout, head)),
        StartLine::Versionless => None,
    }
}

/// The whole head that the bytes begin with, when every line of it ends with CR LF and no other CR
/// is in it.
fn plain_head(bytes: &[u8], head_bytes_max: usize) -> Option<(Layout, &[u8])> {
    let bytes = bytes.get(..head_bytes_max).unwrap_or(bytes);
    let (layout, len) = Layout::of(bytes)?;
    let head = bytes.get(..len)?;
    (layout.start_line(head) > 2).then_some((layout, head))
}

/// Whether a line frames the message.
fn is_framing_line(line: &[u8]) -> bool {
    let name = line.iter().take_while(|&&b| b != b':').count();
    let name = line.get(..name).unwrap_or_default().trim_ascii();
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same line by line.
    fn by_lines(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        let mut ends = bytes
            .windows(2)
            .enumerate()
            .filter(|(_, pair)| *pair == b"\r\n");
        let first = ends.next()?.0 + 2;
        let mut before = first;
        let end = ends.find_map(|(at, _)| {
            let is_empty = at == before;
            before = at + 2;
            is_empty.then_some(before)
        })?;
        let head = bytes.get(..end)?;
        let count = |wanted| head.iter().filter(|byte| **byte == wanted).count();
        let pairs = head.windows(2).filter(|pair| *pair == b"\r\n").count();
        let is_plain = count(b'\r') == pairs && count(b'\n') == pairs && first > 2;
        is_plain.then_some((bytes.get(..first)?, head))
    }

    /// The start line and the head that are found.
    fn plain(bytes: &[u8], most: usize) -> Option<(&[u8], &[u8])> {
        let (layout, head) = plain_head(bytes, most)?;
        Some((head.get(..layout.start_line(head))?, head))
    }

    #[test]
    fn a_plain_head_is_found_wherever_it_ends() {
        let odd: [&[u8]; 7] = [b"", b"\n", b"\r", b"\nx\n", b"\n\n", b"\r\r\n", b"\n\r\n"];
        for before in 0..70 {
            for value in 0..70 {
                for odd in odd {
                    let mut bytes = b"GET /".repeat(1 + before / 5);
                    bytes.extend_from_slice(b" HTTP/1.1\r\nA: ");
                    bytes.extend(core::iter::repeat_n(b'v', value));
                    bytes.extend_from_slice(odd);
                    bytes.extend_from_slice(b"\r\n\r\nbody\n\n\r\n");
                    assert_eq!(plain(&bytes, 1_000), by_lines(&bytes));
                    let cut = bytes.len() / 2;
                    assert_eq!(plain(&bytes, cut), by_lines(&bytes[..cut]));
                }
            }
        }
    }
}
