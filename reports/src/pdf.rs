//! Paper: the report as PDF, with the fonts every reader has. What they cannot show (anything
//! beyond Latin-1) becomes a question mark.

use pdf_writer::types::TextRenderingMode;
use pdf_writer::{Content, Finish, Name, Pdf, Rect, Ref, Str};

use crate::html::{charts, numbers, scope, sheets};
use crate::page::{Head, Sheet};
use crate::{Report, Request};

/// A4 across, in points.
const WIDTH: f32 = 842.0;
const HEIGHT: f32 = 595.0;
const MARGIN: f32 = 34.0;

/// Size of a table's text, and from line to line.
const SIZE: f32 = 7.5;
const LEADING: f32 = 9.4;

/// Lines of one cell; a longer text is cut, and says so.
const CELL_LINES_MAX: usize = 6;

/// How dark what stands below the main text of a cell is: 0 is black.
const NOTE_GREY: f32 = 0.35;

/// Widths of Helvetica's characters from space to tilde, in thousandths of its size (Adobe's font
/// metrics).
const WIDTHS: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Width of the characters beyond.
const WIDTH_OTHER: u16 = 600;

/// Writes the document.
pub(crate) fn write(material: &Report, request: &Request) -> Vec<u8> {
    let mut paper = Paper::new();
    paper.heading(&match &request.host {
        Some(host) => format!("API inventory of {host}"),
        None => "API inventory".to_owned(),
    });
    paper.paragraph(&scope(material, request));
    paper.numbers(&numbers(material));
    for (name, counts) in charts(material) {
        paper.chart(name, &counts);
    }
    for sheet in sheets(material, request) {
        paper.table(&sheet);
    }
    paper.finish()
}

/// Pages as they fill.
struct Paper {
    pages: Vec<Content>,
    /// Where the next line goes, from the bottom.
    y: f32,
}

impl Paper {
    fn new() -> Self {
        Self {
            pages: vec![Content::new()],
            y: HEIGHT - MARGIN,
        }
    }

    /// The page that is being filled, with room for `height`; a new one when there is none.
    fn room(&mut self, height: f32) -> bool {
        if self.y - height >= MARGIN {
            return false;
        }
        self.pages.push(Content::new());
        self.y = HEIGHT - MARGIN;
        true
    }

    fn text(&mut self, x: f32, y: f32, size: f32, bold: bool, text: &str) {
        let Some(page) = self.pages.last_mut() else {
            return;
        };
        let font = if bold { Name(b"B") } else { Name(b"R") };
        page.begin_text();
        page.set_text_rendering_mode(TextRenderingMode::Fill);
        page.set_font(font, size);
        page.next_line(x, y);
        page.show(Str(&latin(text)));
        page.end_text();
    }

    fn bar(&mut self, x: f32, y: f32, width: f32, height: f32, grey: f32) {
        if let Some(page) = self.pages.last_mut() {
            page.save_state();
            page.set_fill_gray(grey);
            page.rect(x, y, width, height);
            page.fill_nonzero();
            page.restore_state();
        }
    }

    fn heading(&mut self, text: &str) {
        self.room(60.0);
        self.y -= 20.0;
        self.text(MARGIN, self.y, 18.0, true, &cut(text, 760.0, 18.0));
        self.y -= 6.0;
    }

    fn paragraph(&mut self, text: &str) {
        for line in wrapped(text, WIDTH - 2.0 * MARGIN, 9.0, usize::MAX) {
            self.room(12.0);
            self.y -= 12.0;
            self.text(MARGIN, self.y, 9.0, false, &line);
        }
        self.y -= 8.0;
    }

    fn numbers(&mut self, numbers: &[(&'static str, u64)]) {
        self.room(44.0);
        self.y -= 30.0;
        let mut x = MARGIN;
        for (name, value) in numbers {
            self.text(x, self.y + 12.0, 15.0, true, &value.to_string());
            self.text(x, self.y, 8.0, false, name);
            x += 108.0;
        }
        self.y -= 10.0;
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "bars are drawn to a fraction of a millimetre"
    )]
    fn chart(&mut self, name: &str, counts: &[(String, u64)]) {
        let most = counts.iter().map(|(_, n)| *n).max().unwrap_or(0).max(1);
        self.room(20.0 + 13.0 * counts.len() as f32);
        self.y -= 18.0;
        self.text(MARGIN, self.y, 10.0, true, name);
        for (name, count) in counts {
            self.room(13.0);
            self.y -= 13.0;
            self.text(MARGIN, self.y, 8.0, false, &cut(name, 170.0, 8.0));
            let width = (*count as f32 / most as f32 * 380.0).max(1.0);
            self.bar(MARGIN + 180.0, self.y - 1.5, width, 9.0, 0.45);
            self.text(
                MARGIN + 186.0 + width,
                self.y,
                8.0,
                false,
                &count.to_string(),
            );
        }
        self.y -= 4.0;
    }

    fn table(&mut self, sheet: &Sheet) {
        self.room(70.0);
        self.y -= 26.0;
        let title = format!("{} ({})", sheet.name, sheet.rows.len());
        self.text(MARGIN, self.y, 12.0, true, &title);
        self.y -= 6.0;
        if sheet.rows.is_empty() {
            self.paragraph("None.");
            return;
        }
        let sum: f32 = sheet.heads.iter().map(|head| head.weight).sum();
        let unit = (WIDTH - 2.0 * MARGIN) / sum.max(1.0);
        let widths: Vec<f32> = sheet.heads.iter().map(|head| head.weight * unit).collect();
        self.head(&sheet.heads, &widths);
        for row in &sheet.rows {
            let cells: Vec<Vec<(String, f32)>> = row
                .iter()
                .zip(&widths)
                .map(|(shown, width)| {
                    let of = |text: &str, grey: f32| {
                        let lines = wrapped(text, width - 6.0, SIZE, CELL_LINES_MAX);
                        lines.into_iter().map(move |line| (line, grey))
                    };
                    of(&shown.main, 0.0)
                        .chain(of(&shown.note, NOTE_GREY))
                        .collect()
                })
                .collect();
            self.row(&sheet.heads, &cells, &widths);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a cell has few lines")]
    fn row(&mut self, heads: &[Head], cells: &[Vec<(String, f32)>], widths: &[f32]) {
        let lines = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let height = lines as f32 * LEADING + 4.0;
        if self.room(height) {
            self.head(heads, widths);
        }
        self.bar(MARGIN, self.y - 0.3, WIDTH - 2.0 * MARGIN, 0.4, 0.8);
        let mut x = MARGIN;
        for ((lines, column), head) in cells.iter().zip(widths).zip(heads) {
            for (at, (line, grey)) in (1_u8..).zip(lines) {
                let y = self.y - f32::from(at) * LEADING;
                let x = x + indent(*head, line, *column);
                self.grey(*grey);
                self.text(x, y, SIZE, false, line);
            }
            x += column;
        }
        self.grey(0.0);
        self.y -= height;
    }

    /// How dark what is written next is: 0 is black.
    fn grey(&mut self, grey: f32) {
        if let Some(page) = self.pages.last_mut() {
            page.set_fill_gray(grey);
        }
    }

    fn head(&mut self, heads: &[Head], widths: &[f32]) {
        self.y -= LEADING + 3.0;
        let mut x = MARGIN;
        for (head, column) in heads.iter().zip(widths) {
            let name = cut(head.heading, column - 6.0, SIZE);
            let at = x + indent(*head, &name, *column);
            self.text(at, self.y, SIZE, true, &name);
            x += column;
        }
        self.y -= 4.0;
    }

    /// Puts the pages together, each with its number.
    fn finish(mut self) -> Vec<u8> {
        let count = self.pages.len();
        let pages = core::mem::take(&mut self.pages);
        let mut pdf = Pdf::new();
        let (catalog, tree, regular, bold) = (Ref::new(1), Ref::new(2), Ref::new(3), Ref::new(4));
        let page_ref = |at: usize| Ref::new(i32::try_from(at * 2 + 5).unwrap_or(i32::MAX - 1));
        pdf.catalog(catalog).pages(tree);
        let total = i32::try_from(count).unwrap_or(i32::MAX);
        pdf.pages(tree).kids((0..count).map(page_ref)).count(total);
        for (font, name) in [(regular, &b"Helvetica"[..]), (bold, b"Helvetica-Bold")] {
            let mut font = pdf.type1_font(font);
            font.base_font(Name(name));
            font.encoding_predefined(Name(b"WinAnsiEncoding"));
        }
        for (at, content) in pages.into_iter().enumerate() {
            self.pages = vec![content];
            let number = format!("{} of {count}", at + 1);
            self.text(WIDTH - MARGIN - 40.0, MARGIN - 16.0, 8.0, false, &number);
            let content = self.pages.pop().unwrap_or_else(Content::new).finish();
            let stream = Ref::new(page_ref(at).get() + 1);
            let mut page = pdf.page(page_ref(at));
            page.media_box(Rect::new(0.0, 0.0, WIDTH, HEIGHT));
            page.parent(tree);
            page.contents(stream);
            let mut resources = page.resources();
            resources
                .fonts()
                .pair(Name(b"R"), regular)
                .pair(Name(b"B"), bold);
            resources.finish();
            page.finish();
            pdf.stream(stream, &content);
        }
        pdf.finish()
    }
}

/// Where in its column a line begins: numbers stand at the right.
fn indent(head: Head, line: &str, column: f32) -> f32 {
    if head.is_number {
        (column - 6.0 - width(line, SIZE)).max(0.0)
    } else {
        0.0
    }
}

/// A text in the fonts' encoding.
fn latin(text: &str) -> Vec<u8> {
    let byte = |c: char| match u32::from(c) {
        0x20..=0x7e | 0xa0..=0xff => u8::try_from(u32::from(c)).unwrap_or(b'?'),
        0x2013 | 0x2014 => b'-',
        0x2018 | 0x2019 => b'\'',
        0x2026 => 0x85,
        _ => b'?',
    };
    text.chars().map(byte).collect()
}

/// Width of a text in points.
fn width(text: &str, size: f32) -> f32 {
    let one = |c: char| {
        let at = u32::from(c).checked_sub(32).map(|at| at as usize);
        at.and_then(|at| WIDTHS.get(at))
            .copied()
            .unwrap_or(WIDTH_OTHER)
    };
    text.chars().map(|c| f32::from(one(c))).sum::<f32>() * size / 1_000.0
}

/// As much of a text as fits.
fn cut(text: &str, room: f32, size: f32) -> String {
    wrapped(text, room, size, 1).pop().unwrap_or_default()
}

/// A text in lines, broken at spaces where there are some, and anywhere else where there are none.
fn wrapped(text: &str, room: f32, size: f32, lines_max: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_inclusive([' ', '/', ',', '_', '-']) {
        if !line.is_empty() && width(&line, size) + width(word.trim_end(), size) > room {
            lines.push(core::mem::take(&mut line));
        }
        for c in word.chars() {
            if !line.is_empty()
                && width(&line, size) + width(&c.to_string(), size) > room
                && c != ' '
            {
                lines.push(core::mem::take(&mut line));
            }
            line.push(c);
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > lines_max {
        lines.truncate(lines_max);
        if let Some(last) = lines.last_mut() {
            while !last.is_empty() && width(last, size) + width("…", size) > room {
                last.pop();
            }
            last.push('…');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_broken_and_cut_to_their_room() {
        let text = "/a/very/long/template/with/{many}/segments and then some words besides it";
        let all = wrapped(text, 100.0, 8.0, usize::MAX);
        assert_eq!(all.concat(), text);
        assert!(
            all.iter().all(|line| width(line.trim_end(), 8.0) <= 100.0),
            "{all:?}"
        );
        let few = wrapped(text, 100.0, 8.0, 2);
        assert_eq!(few.len(), 2);
        assert!(few[1].ends_with('…') && width(&few[1], 8.0) <= 100.0);
        assert_eq!(latin("aé…世"), [b'a', 0xe9, 0x85, b'?']);
    }
}
