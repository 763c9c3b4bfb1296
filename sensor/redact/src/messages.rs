//! Messages inside an exchange: a WebSocket's, gRPC's, an event stream's. Counts go to the record as
//! they are; of the first messages the shape and the data classes, and what they ask for.

use tapscope_http::{HttpExchange, MessageFlow, Messages, Protocol};
use tapscope_record::{MessageFlowRecord, MessageRecord, MessagesRecord, Shape};

use crate::body::{self, ShapeBudget};
use crate::operation;
use crate::redactor::Work;

/// Events of a stream's sample that are looked at.
const EVENTS_MAX: usize = 64;

/// What is kept of the messages of an exchange; none when it carries none.
pub(crate) fn of(
    work: &mut Work<'_>,
    exchange: &HttpExchange,
    request: &mut Option<MessageRecord>,
    response: &mut Option<MessageRecord>,
) -> Option<MessagesRecord> {
    let Some(messages) = exchange.messages.as_deref() else {
        return of_event_stream(work, exchange, response.as_mut()?);
    };
    let Messages {
        from_client,
        from_server,
        outcome,
    } = messages;
    let is_protobuf = exchange.protocol != Protocol::WebSocket && !is_json(request.as_ref());
    if exchange.protocol == Protocol::WebSocket {
        for sample in &from_client.samples {
            operation::of_json(work, sample);
        }
    }
    let response_head = exchange.response.as_deref().map(|response| &response.head);
    let subprotocol = response_head
        .and_then(|head| head.header("sec-websocket-protocol"))
        .map(|name| work.name(name));
    Some(MessagesRecord {
        from_client: flow(work, from_client, is_protobuf, request.as_mut()),
        from_server: flow(work, from_server, is_protobuf, response.as_mut()),
        outcome: *outcome,
        subprotocol,
    })
}

/// gRPC says its encoding behind a `+`; none means protobuf.
fn is_json(request: Option<&MessageRecord>) -> bool {
    let declared = request.and_then(|request| request.content_type.as_deref());
    declared.is_some_and(|declared| declared.ends_with("json"))
}

fn flow(
    work: &mut Work<'_>,
    flow: &MessageFlow,
    is_protobuf: bool,
    message: Option<&mut MessageRecord>,
) -> MessageFlowRecord {
    let samples = flow.samples.iter().map(Vec::as_slice);
    let shape = shape_of(
        work,
        samples,
        is_protobuf,
        message.map(|message| (message, Counted::All)),
    );
    MessageFlowRecord {
        messages: flow.messages,
        bytes: flow.bytes,
        longest: flow.longest,
        compressed: flow.compressed,
        text: flow.text,
        control: flow.control,
        incomplete: flow.incomplete,
        shape,
    }
}

/// Which classes of messages go to the message they came in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Counted {
    All,
    /// Those that the configuration defines.
    Custom,
}

/// The shape of several messages, merged; their data classes go to the message they came in.
fn shape_of<'a>(
    work: &mut Work<'_>,
    samples: impl Iterator<Item = &'a [u8]>,
    is_protobuf: bool,
    message: Option<(&mut MessageRecord, Counted)>,
) -> Option<Shape> {
    let mut budget = ShapeBudget::of_fields(work.settings, work.settings.message_fields_max);
    let mut shape = None;
    work.classes.clear();
    let limits = core::mem::take(&mut work.limits);
    for sample in samples {
        body::add_message(work, &mut budget, &mut shape, (sample, is_protobuf));
    }
    work.limits = limits;
    work.counters.fields_over_cap += budget.dropped;
    if let (Some(shape), true) = (shape.as_mut(), budget.dropped > 0) {
        shape.truncated = true;
    }
    let counts = work.classes.take_counts(shape.as_mut());
    work.counters.distinct_over_cap += work.classes.take_dropped();
    if let Some((message, which)) = message {
        for (class, count) in counts.as_slice() {
            if which == Counted::Custom && !work.settings.custom_classes.has(class) {
                continue;
            }
            message.data_classes.add(class.clone(), *count);
        }
    }
    shape
}

/// Server-Sent Events (WHATWG HTML, section 9.2): the events of the part of the stream that was
/// kept, with the shape of their data.
fn of_event_stream(
    work: &mut Work<'_>,
    exchange: &HttpExchange,
    response: &mut MessageRecord,
) -> Option<MessagesRecord> {
    let body = &exchange.response.as_deref()?.body;
    let is_stream = response.content_type.as_deref() == Some("text/event-stream");
    if !is_stream || !response.content_encoding.is_empty() || body.sample.is_empty() {
        return None;
    }
    let events = events(&body.sample);
    let mut from_server = MessageFlowRecord::default();
    for event in &events {
        let len = event.len() as u64;
        from_server.messages += 1;
        from_server.text += 1;
        from_server.bytes += len;
        from_server.longest = from_server.longest.max(len);
    }
    if !body.sample.ends_with(b"\n\n") && !body.sample.ends_with(b"\r\n\r\n") {
        from_server.incomplete = 1;
    }
    let samples = events.iter().map(Vec::as_slice).take(EVENTS_MAX);
    // The body was read as text already: its classes are in the record, but for those that are of
    // whole values only.
    let counted = Some((response, Counted::Custom));
    from_server.shape = shape_of(work, samples, false, counted);
    Some(MessagesRecord {
        from_server,
        ..MessagesRecord::default()
    })
}

/// The data of each event that ended.
fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut data: Option<Vec<u8>> = None;
    for line in stream.split_inclusive(|&byte| byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else {
            break;
        };
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            events.extend(data.take());
        } else if let Some(value) = line.strip_prefix(b"data") {
            let value = value.strip_prefix(b":").unwrap_or_default();
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match &mut data {
                Some(data) => {
                    data.push(b'\n');
                    data.extend_from_slice(value);
                }
                None => data = Some(value.to_vec()),
            }
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_of_a_stream() {
        let stream =
            b": hello\n\nevent: a\ndata: {\"x\":\ndata: 1}\nid: 7\n\ndata:two\r\n\r\ndata: cut";
        assert_eq!(events(stream), [b"{\"x\":\n1}".to_vec(), b"two".to_vec()]);
    }
}
