//! Multipart forms (RFC 7578): the names of their parts; the text of parts that are no files.

use tapscope_record::{Shape, ValueType};

use super::shape::{ShapeBudget, empty_shape, note_length};
use super::{form, json};
use crate::head::media_type;
use crate::operation;
use crate::redactor::Work;

/// Parts that are looked at.
const PARTS_MAX: usize = 128;

/// Bytes of a part's header that are looked at.
const PART_HEAD_BYTES_MAX: usize = 2048;

/// Longest boundary (RFC 2046 section 5.1.1).
const BOUNDARY_BYTES_MAX: usize = 70;

/// The shape of a multipart form: an object with a field for each named part.
pub(super) fn read(
    work: &mut Work<'_>,
    content_type: Option<&[u8]>,
    content: &[u8],
) -> Option<Shape> {
    let boundary = parameter(content_type?, b"boundary")?;
    if boundary.is_empty() || boundary.len() > BOUNDARY_BYTES_MAX {
        return None;
    }
    let mut delimiter = Vec::with_capacity(boundary.len() + 2);
    delimiter.extend_from_slice(b"--");
    delimiter.extend_from_slice(boundary);
    let finder = memchr::memmem::Finder::new(&delimiter);
    let mut budget = ShapeBudget::new(work.settings);
    let mut shape = Shape {
        kind: ValueType::Object,
        ..empty_shape()
    };
    let mut starts = finder.find_iter(content).peekable();
    let mut parts = 0;
    while let Some(start) = starts.next() {
        let end = starts.peek().copied().unwrap_or(content.len());
        let part = content
            .get(start + delimiter.len()..end)
            .unwrap_or_default();
        parts += 1;
        if part.starts_with(b"--") {
            break;
        }
        if parts > PARTS_MAX {
            shape.truncated = true;
            work.limit("parts");
            break;
        }
        read_part(work, &mut budget, &mut shape, part);
    }
    work.counters.fields_over_cap += budget.dropped;
    if budget.dropped > 0 {
        work.limit("fields");
    }
    shape.truncated |= budget.dropped > 0;
    Some(shape)
}

/// What the header of a part says.
#[derive(Default)]
struct PartHead<'a> {
    name: Option<&'a [u8]>,
    is_file: bool,
    media_type: Option<String>,
}

fn part_head(head: &[u8]) -> PartHead<'_> {
    let mut part = PartHead::default();
    for line in head.split(|&byte| byte == b'\n') {
        let Some(colon) = memchr::memchr(b':', line) else {
            continue;
        };
        let (field, value) = line.split_at_checked(colon).unwrap_or_default();
        if field.eq_ignore_ascii_case(b"content-disposition") {
            part.name = parameter(line, b"name");
            part.is_file =
                parameter(line, b"filename").is_some() || parameter(line, b"filename*").is_some();
        } else if field.eq_ignore_ascii_case(b"content-type") {
            part.media_type = Some(media_type(value.get(1..).unwrap_or_default()));
        }
    }
    part
}

fn read_part(work: &mut Work<'_>, budget: &mut ShapeBudget, shape: &mut Shape, part: &[u8]) {
    let window = part
        .get(..part.len().min(PART_HEAD_BYTES_MAX))
        .unwrap_or_default();
    let Some(head_end) = memchr::memmem::find(window, b"\r\n\r\n") else {
        return;
    };
    let head = part_head(part.get(..head_end).unwrap_or_default());
    let content = part.get(head_end + 4..).unwrap_or_default();
    let content = content.strip_suffix(b"\r\n").unwrap_or(content);
    let Some(name) = head.name else {
        return;
    };
    let media_type = head.media_type.as_deref().unwrap_or_default();
    if head.is_file {
        file(work, budget, shape, (name, media_type, content.len()));
    } else if media_type.ends_with("json") || (name == OPERATIONS && content.starts_with(b"{")) {
        json_part(work, budget, shape, (name, content));
    } else {
        form::field(work, budget, shape, name, content);
    }
}

/// The part that holds the operations of a GraphQL request with files.
const OPERATIONS: &[u8] = b"operations";

/// A part that is a file: its media type and length.
fn file(
    work: &Work<'_>,
    budget: &mut ShapeBudget,
    shape: &mut Shape,
    (name, media_type, length): (&[u8], &str, usize),
) {
    let at = budget.field(&mut shape.fields, name, usize::MAX);
    let Some(field) = at.and_then(|at| shape.fields.get_mut(at)) else {
        return;
    };
    field.seen = field.seen.saturating_add(1);
    field.shape.kind = ValueType::Binary;
    note_length(&mut field.shape, length);
    if !media_type.is_empty() && media_type.len() <= work.settings.name_bytes_max {
        field
            .shape
            .format
            .get_or_insert_with(|| media_type.to_owned());
    }
}

/// A part that is JSON: its shape, and what it asks for.
fn json_part(
    work: &mut Work<'_>,
    budget: &mut ShapeBudget,
    shape: &mut Shape,
    (name, content): (&[u8], &[u8]),
) {
    if name == OPERATIONS {
        operation::of_json(work, content);
    }
    let (drawn, _) = json::read_within(work, budget, content);
    let at = budget.field(&mut shape.fields, name, usize::MAX);
    if let (Some(drawn), Some(field)) = (drawn, at.and_then(|at| shape.fields.get_mut(at))) {
        field.seen = field.seen.saturating_add(1);
        field.shape = drawn;
    }
}

/// The value of a parameter of a header field (`; name="value"`).
fn parameter<'a>(field: &'a [u8], wanted: &[u8]) -> Option<&'a [u8]> {
    field.split(|&byte| byte == b';').skip(1).find_map(|part| {
        let part = part.trim_ascii();
        let equals = memchr::memchr(b'=', part)?;
        let (name, value) = part.split_at_checked(equals)?;
        let value = value.get(1..)?.trim_ascii();
        let unquoted = value
            .strip_prefix(b"\"")
            .and_then(|value| value.strip_suffix(b"\""));
        name.eq_ignore_ascii_case(wanted)
            .then_some(unquoted.unwrap_or(value))
    })
}
