//! Bodies: the shape of what is structured, the classes of data in what can be read.
//!
//! Only the sample that the HTTP stage kept is read. Its codings are undone under caps; the media
//! type chooses the reader, and content that looks like JSON is read as JSON whatever is declared.
//! What a cap kept from being looked at is named in the record.

mod classes;

mod decode;

mod form;

mod json;

mod memo;

mod multipart;

mod protobuf;

mod shape;

mod values;

pub(crate) mod xml;

use std::sync::Arc;

use tapscope_http::{Body, HeadBytes};
use tapscope_record::{MessageRecord, Shape, ValueType, Word};

pub(crate) use classes::Classes;
pub(crate) use memo::Bodies;

use crate::fields::{Fields, Role};
use crate::operation;
use crate::redactor::Work;
use crate::text::{Mask, mask_of, scan};
use shape::{empty_shape, merge};

pub(crate) use shape::ShapeBudget;

/// What kind of content to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    Json,
    Form,
    Multipart,
    Xml,
    Protobuf,
    GraphQl,
    Text,
    Binary,
}

/// Whose body it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Request,
    Response,
}

/// Fills in what the body of a message says of it.
pub(crate) fn describe(
    work: &mut Work<'_>,
    side: Side,
    head: (&HeadBytes, &Fields),
    body: &Body,
    message: &mut MessageRecord,
) {
    message.body_len = body.length;
    if body.sample.is_empty() {
        return;
    }
    // Values of bodies are not remembered.
    let may_be_known = work.limits.is_empty() && !(side == Side::Request && work.takes_values);
    let name = may_be_known
        .then(|| work.bodies.name(side, head, body, message))
        .flatten();
    if let Some(name) = name
        && work.bodies.recall(name, message, work.counters).is_some()
    {
        return;
    }
    let before = work.counters.clone();
    work.may_call = false;
    read(work, side, head, body, message);
    // What a request asks for inside its body depends on more than the body.
    if let Some(name) = name.filter(|_| side == Side::Response || !work.may_call) {
        let counted = work.counters.since(&before);
        work.bodies.learn(name, message, counted);
    }
}

/// Says of a body that it was passed over: others of its kind tell what it looks like.
pub(crate) fn pass(work: &mut Work<'_>, body: &Body, message: &mut MessageRecord) {
    message.body_len = body.length;
    message.limits = vec![MessageRecord::SAMPLED.into()];
    work.counters.bodies_sampled += 1;
}

/// Reads a body.
fn read(
    work: &mut Work<'_>,
    side: Side,
    head: (&HeadBytes, &Fields),
    body: &Body,
    message: &mut MessageRecord,
) {
    if (body.sample.len() as u64) < body.length || body.missing > 0 {
        work.limit("sample");
    }
    let mut buffer = core::mem::take(work.decoded);
    let declared = message.content_type.as_deref().unwrap_or_default();
    let mut codings: Vec<&str> = message.content_encoding.iter().map(Word::as_str).collect();
    if codings.is_empty() {
        codings.extend(decode::sniff(declared, &body.sample));
    }
    let decoded = decode::decode(work, &body.sample, &codings, &mut buffer);
    if let Some(decoded) = decoded {
        let whole =
            decoded.complete && body.length == body.sample.len() as u64 && body.missing == 0;
        message.inspected_len = decoded.consumed as u64;
        if decoded.coded {
            message.decoded_len = decoded.content.len() as u64;
        }
        inspect(work, side, head, (decoded.content, whole), message);
    }
    *work.decoded = buffer;
    message.limits = work.take_limits();
}

fn inspect(
    work: &mut Work<'_>,
    side: Side,
    (head, fields): (&HeadBytes, &Fields),
    (content, whole): (&[u8], bool),
    message: &mut MessageRecord,
) {
    let declared = message.content_type.as_deref().unwrap_or_default();
    work.classes.clear();
    let kind = kind_of(declared, content);
    if side == Side::Request {
        work.may_call |= matches!(kind, Content::Xml | Content::GraphQl);
        match kind {
            Content::Xml => operation::of_xml(work, head, content),
            Content::GraphQl => operation::of_document(work, content),
            _ => {}
        }
    }
    let mut shape = match kind {
        Content::Json => {
            let shape = json_or_text(work, content);
            if side == Side::Request && work.may_call {
                operation::of_json(work, content);
            }
            shape
        }
        Content::Form => form::read(work, content),
        Content::Multipart => multipart::read(work, fields.value(head, Role::ContentType), content),
        Content::Xml => xml::read(work, content),
        Content::Protobuf => protobuf_message(work, content),
        Content::Text | Content::GraphQl => {
            text(work, content);
            None
        }
        Content::Binary => {
            work.counters.bodies_binary += 1;
            message.inspected_len = 0;
            message.decoded_len = 0;
            return;
        }
    };
    work.counters.bodies_inspected += 1;
    message.data_classes = work.classes.take_counts(shape.as_mut());
    if side == Side::Request
        && work.takes_values
        && let Some(shape) = &shape
    {
        let values = values::read(work, kind, content, shape);
        message.body_values = Some(values).filter(|all| !all.is_empty()).map(Into::into);
    }
    message.shape = shape.map(|shape| {
        Arc::new(Shape {
            truncated: shape.truncated || !whole,
            ..shape
        })
    });
    work.counters.distinct_over_cap += work.classes.take_dropped();
}

/// Adds one message of a stream to the shape of its direction.
pub(crate) fn add_message(
    work: &mut Work<'_>,
    budget: &mut ShapeBudget,
    shape: &mut Option<Shape>,
    (content, is_protobuf): (&[u8], bool),
) {
    let drawn = if is_protobuf {
        let mut drawn = empty_shape();
        let whole = add_protobuf(work, budget, &mut drawn, content);
        drawn.truncated = !whole;
        (!content.is_empty()).then_some(drawn)
    } else if starts_json(content) {
        let (drawn, unread) = json::read_within(work, budget, content);
        text(work, unread);
        drawn
    } else {
        text(work, content);
        Some(Shape {
            kind: if core::str::from_utf8(content).is_ok() {
                ValueType::String
            } else {
                ValueType::Binary
            },
            longest: u32::try_from(content.len()).unwrap_or(u32::MAX),
            ..empty_shape()
        })
    };
    match (shape.as_mut(), drawn) {
        (Some(shape), Some(drawn)) => merge(shape, drawn),
        (None, drawn) => *shape = drawn,
        (Some(_), None) => {}
    }
}

/// The shape of one protobuf message.
fn protobuf_message(work: &mut Work<'_>, content: &[u8]) -> Option<Shape> {
    let mut budget = ShapeBudget::new(work.settings);
    let mut shape = empty_shape();
    let whole = add_protobuf(work, &mut budget, &mut shape, content);
    work.counters.fields_over_cap += budget.dropped;
    shape.truncated = !whole || budget.dropped > 0;
    (!shape.fields.is_empty()).then_some(shape)
}

/// Adds a protobuf message to a shape; false when it breaks off, or is none.
fn add_protobuf(
    work: &mut Work<'_>,
    budget: &mut ShapeBudget,
    shape: &mut Shape,
    content: &[u8],
) -> bool {
    let mut reader = protobuf::Reader {
        classes: work.classes,
        budget,
        depth_max: work.settings.shape_depth_max,
        deep: false,
    };
    let whole = reader.read(content, shape, 0);
    let (deep, dropped) = (reader.deep, reader.budget.dropped);
    if !whole {
        work.limit("syntax");
    }
    if deep {
        work.limit("depth");
    }
    if dropped > 0 {
        work.limit("fields");
    }
    whole
}

/// Reads JSON; what is none after all is scanned as text.
fn json_or_text(work: &mut Work<'_>, content: &[u8]) -> Option<Shape> {
    let (shape, unread) = json::read(work, content);
    if !unread.is_empty() {
        work.counters.bodies_json_broken += 1;
        work.limit("syntax");
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
        ("application", subtype) if is_protobuf(subtype) => Content::Protobuf,
        ("application", "graphql") => Content::GraphQl,
        ("application" | "text", subtype)
            if subtype == "xml" || (subtype.ends_with("+xml") && subtype != "xhtml+xml") =>
        {
            Content::Xml
        }
        _ if xml::looks_like_xml(content) && subtype != "html" && subtype != "xhtml+xml" => {
            Content::Xml
        }
        ("application", "javascript" | "x-javascript" | "x-yaml" | "yaml") | ("text", _) => {
            Content::Text
        }
        _ if looks_binary(content) => Content::Binary,
        _ if form::looks_like_form(content) => Content::Form,
        _ => Content::Text,
    }
}

fn starts_json(content: &[u8]) -> bool {
    let content = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    matches!(content.trim_ascii_start(), [b'{' | b'[', ..])
}

/// Media types under which protobuf messages go without a frame of their own.
fn is_protobuf(subtype: &str) -> bool {
    matches!(
        subtype,
        "protobuf" | "x-protobuf" | "proto" | "vnd.google.protobuf" | "x-google-protobuf"
    ) || subtype.ends_with("+protobuf")
        || subtype.ends_with("+proto") && !subtype.starts_with("grpc")
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
