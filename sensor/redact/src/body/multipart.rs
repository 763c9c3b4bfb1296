//! Multipart forms (RFC 7578): the names of their parts; the text of parts that are no files.

use tapscope_record::{Shape, ValueType};

use super::form;
use super::shape::{ShapeBudget, empty_shape};
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
            break;
        }
        read_part(work, &mut budget, &mut shape, part);
    }
    work.counters.fields_over_cap += budget.dropped;
    shape.truncated |= budget.dropped > 0;
    Some(shape)
}

fn read_part(work: &mut Work<'_>, budget: &mut ShapeBudget, shape: &mut Shape, part: &[u8]) {
    let window = part
        .get(..part.len().min(PART_HEAD_BYTES_MAX))
        .unwrap_or_default();
    let Some(head_end) = memchr::memmem::find(window, b"\r\n\r\n") else {
        return;
    };
    let head = part.get(..head_end).unwrap_or_default();
    let content = part.get(head_end + 4..).unwrap_or_default();
    let content = content.strip_suffix(b"\r\n").unwrap_or(content);
    for line in head.split(|&byte| byte == b'\n') {
        let is_disposition = line
            .get(..20)
            .is_some_and(|name| name.eq_ignore_ascii_case(b"content-disposition:"));
        if let Some(name) = is_disposition.then(|| parameter(line, b"name")).flatten() {
            let file =
                parameter(line, b"filename").is_some() || parameter(line, b"filename*").is_some();
            form::field(work, budget, shape, name, if file { b"" } else { content });
        }
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
