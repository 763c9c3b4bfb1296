//! Bodies: the shape of what is structured, the classes of data in what can be read.
//!
//! Only the sample that the HTTP stage kept is read. Its coding is undone under a cap; the media
//! type chooses the reader, and content that looks like JSON is read as JSON whatever is declared.

mod classes;

mod decode;

mod form;

mod json;

mod multipart;

mod shape;

use tapscope_http::{Body, HeadBytes};
use tapscope_record::{MessageRecord, Shape};

pub(crate) use classes::Classes;

use crate::redactor::Work;
use crate::text::{Mask, mask_of, scan};

/// What kind of content to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Json,
    Form,
    Multipart,
    Text,
    Binary,
}

/// Fills in what the body of a message says of it.
pub(crate) fn describe(
    work: &mut Work<'_>,
    head: &HeadBytes,
    body: &Body,
    message: &mut MessageRecord,
) {
    message.body_len = body.length;
    if body.sample.is_empty() {
        return;
    }
    let mut buffer = core::mem::take(work.decoded);
    let decoded = decode::decode(work, &body.sample, &message.content_encoding, &mut buffer);
    if let Some(decoded) = decoded {
        let whole =
            decoded.complete && body.length == body.sample.len() as u64 && body.missing == 0;
        message.inspected_len = decoded.consumed as u64;
        inspect(work, head, decoded.content, whole, message);
    }
    *work.decoded = buffer;
}

fn inspect(
    work: &mut Work<'_>,
    head: &HeadBytes,
    content: &[u8],
    whole: bool,
    message: &mut MessageRecord,
) {
    let declared = message.content_type.as_deref().unwrap_or_default();
    work.classes.clear();
    let shape = match kind_of(declared, content) {
        Content::Json => json_or_text(work, content),
        Content::Form => form::read(work, content),
        Content::Multipart => multipart::read(work, head.header("content-type"), content),
        Content::Text => {
            text(work, content);
            None
        }
        Content::Binary => {
            work.counters.bodies_binary += 1;
            message.inspected_len = 0;
            return;
        }
    };
    work.counters.bodies_inspected += 1;
    message.shape = shape.map(|shape| Shape {
        truncated: shape.truncated || !whole,
        ..shape
    });
    message.data_classes = work.classes.take_counts();
    work.counters.distinct_over_cap += work.classes.take_dropped();
}

/// Reads JSON; what is none after all is scanned as text.
fn json_or_text(work: &mut Work<'_>, content: &[u8]) -> Option<Shape> {
    let (shape, unread) = json::read(work, content);
    if !unread.is_empty() {
        work.counters.bodies_json_broken += 1;
        text(work, unread);
    }
    shape
}

fn text(work: &mut Work<'_>, content: &[u8]) {
    let classes = &mut *work.classes;
    scan(content, |class, value| classes.add(class, value));
}

/// What to read the content as: what is declared, unless it plainly is something else.
fn kind_of(declared: &str, content: &[u8]) -> Content {
    let (kind, subtype) = declared.split_once('/').unwrap_or((declared, ""));
    let json = subtype.ends_with("json") || subtype.ends_with("json-seq") || subtype == "jsonlines";
    match (kind, subtype) {
        _ if json => Content::Json,
        ("multipart", _) => Content::Multipart,
        ("application", "x-www-form-urlencoded") if !starts_json(content) => Content::Form,
        ("image" | "audio" | "video" | "font", subtype) if subtype != "svg+xml" => Content::Binary,
        ("text", "css") => Content::Binary,
        _ if starts_json(content) => Content::Json,
        ("application", "xml" | "javascript" | "graphql" | "x-javascript" | "x-yaml" | "yaml")
        | ("text", _) => Content::Text,
        _ if looks_binary(content) => Content::Binary,
        _ if form::looks_like_form(content) => Content::Form,
        _ => Content::Text,
    }
}

fn starts_json(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    matches!(content.trim_ascii_start(), [b'{' | b'[', ..])
}

/// How much of the content tells whether it is text.
const SNIFF_BYTES: usize = 512;

/// Whether control characters that no text has are among the first bytes.
fn looks_binary(content: &[u8]) -> bool {
    let head = content
        .get(..SNIFF_BYTES.min(content.len()))
        .unwrap_or_default();
    if !mask_of(head).has(Mask::ODD) {
        return false;
    }
    let control = head
        .iter()
        .filter(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c))
        .count();
    control * 50 > head.len()
}
