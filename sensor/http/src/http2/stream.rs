//! A stream: one exchange (RFC 9113 section 8.1), with its two messages as far as they came.

use tapscope_flow::Timestamp;

use super::head::{self, RequestHead, ResponseHead};
use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::conversation::Finished;
use crate::exchange::{Body, BodyEnd, Messages, Pairing, Protocol, Request, Response, Version};
use crate::grpc::GrpcFlow;
use crate::settings::HttpSettings;

/// One of the two messages.
#[derive(Clone, Debug)]
pub(super) struct Half<H> {
    pub(super) head: Option<H>,
    pub(super) body: Body,
    pub(super) started: Timestamp,
    /// When the last byte was captured.
    pub(super) ended: Timestamp,
    /// Nothing more will come.
    pub(super) is_over: bool,
    /// Frames may be missing since it began.
    pub(super) has_hole: bool,
    pub(super) anomalies: Anomalies,
    grpc: Option<Box<GrpcFlow>>,
}

impl<H> Default for Half<H> {
    fn default() -> Self {
        Self {
            head: None,
            body: Body {
                length: 0,
                missing: 0,
                sample: Vec::new(),
                end: BodyEnd::Open,
            },
            started: Timestamp::default(),
            ended: Timestamp::default(),
            is_over: false,
            has_hole: false,
            anomalies: Anomalies::new(),
            grpc: None,
        }
    }
}

impl<H> Half<H> {
    /// Content. Returns how many bytes more are held.
    fn data(&mut self, bytes: &[u8], captured: Timestamp, settings: &HttpSettings) -> isize {
        self.ended = captured;
        self.body.length = self.body.length.saturating_add(bytes.len() as u64);
        let before = self.body.sample.len();
        if self.body.missing == 0 && !self.has_hole {
            let room = settings.body_sample_bytes_max.saturating_sub(before);
            self.body
                .sample
                .extend_from_slice(bytes.get(..room).unwrap_or(bytes));
        }
        let grown = self.body.sample.len().checked_signed_diff(before);
        let mut in_messages = None;
        if let Some(grpc) = &mut self.grpc {
            let before = grpc.held();
            grpc.data(bytes, settings);
            // What is decompressed may be shorter than it was.
            in_messages = grpc.held().checked_signed_diff(before);
        }
        grown.unwrap_or(0) + in_messages.unwrap_or(0)
    }

    /// Content is missing.
    fn gap(&mut self, len: u64) {
        self.body.missing = self.body.missing.saturating_add(len);
        if let Some(grpc) = &mut self.grpc {
            grpc.gap(len);
        }
    }

    /// Nothing more comes, in that way.
    fn end(&mut self, end: BodyEnd, length: Option<u64>, has_content: bool) {
        if self.is_over {
            return;
        }
        self.is_over = true;
        let is_as_told = length == Some(self.body.length);
        let lacks = self.body.missing > 0 || (self.has_hole && !is_as_told);
        self.body.end = match end {
            BodyEnd::Complete if lacks => BodyEnd::Gap,
            end => end,
        };
        if self.body.end == BodyEnd::Complete && has_content && length.is_some() && !is_as_told {
            self.anomalies.insert(MessageAnomaly::ContentLengthMismatch);
        }
    }
}

/// One stream.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    pub(super) request: Half<RequestHead>,
    pub(super) response: Half<ResponseHead>,
    /// `grpc-status`.
    outcome: Option<u32>,
    /// Interim responses.
    interim: u16,
    /// It was reported while it was open; what comes is passed over.
    pub(super) is_reported: bool,
    /// The number under which it was reported for the first time, to be reported again when it ends.
    pub(super) opened: Option<u32>,
}

impl Stream {
    /// Whether there is anything to report.
    pub(super) const fn has_head(&self) -> bool {
        self.request.head.is_some() || self.response.head.is_some()
    }

    /// Whether it carries messages, was answered, and was not reported yet: it may go on for days.
    pub(super) fn may_open(&self) -> bool {
        let carries_messages = |head: &ResponseHead| {
            let media_type = head.head.header("content-type");
            self.response.grpc.is_some() || media_type.is_some_and(head::is_event_stream)
        };
        let is_websocket = self.request.head.as_ref().is_some_and(|h| h.is_websocket);
        let response = self.response.head.as_ref();
        let is_due = self.opened.is_none() && !self.is_reported;
        is_due && response.is_some_and(|head| is_websocket || carries_messages(head))
    }

    /// When its first byte was captured.
    pub(super) fn started(&self) -> Timestamp {
        if self.request.head.is_some() {
            self.request.started
        } else {
            self.response.started
        }
    }

    /// The stream of a request that came over HTTP/1 and asked for HTTP/2. Returns how many bytes
    /// are held for it.
    pub(super) fn upgrade(&mut self, request: &Request) -> usize {
        self.request.body = request.body.clone();
        self.request.is_over = true;
        (self.request.started, self.request.ended) = (request.started, request.ended);
        self.request.head = Some(RequestHead {
            head: request.head.clone(),
            method: request.method,
            target: request.target,
            certainty: request.certainty,
            anomalies: Anomalies::new(),
            is_websocket: false,
        });
        request.head.bytes.len() + request.body.sample.len()
    }

    /// A request's fields. Returns how many bytes are held for them.
    pub(super) fn begin_request(&mut self, head: RequestHead, at: Timestamp) -> usize {
        let held = head.head.bytes.len();
        self.request.anomalies.insert_all(head.anomalies);
        if head
            .head
            .header("content-type")
            .is_some_and(head::is_grpc_framed)
        {
            self.request.grpc = Some(Box::new(GrpcFlow::of(&head.head)));
        }
        self.request.head = Some(head);
        (self.request.started, self.request.ended) = (at, at);
        held
    }

    /// A response's fields. Returns how many bytes are held for them.
    pub(super) fn begin_response(&mut self, head: ResponseHead, at: Timestamp) -> usize {
        if (100..=199).contains(&head.status) {
            self.interim = self.interim.saturating_add(1);
            return 0;
        }
        let held = head.head.bytes.len();
        self.response.anomalies.insert_all(head.anomalies);
        let own = head.head.header("content-type");
        if own.map_or(self.request.grpc.is_some(), head::is_grpc_framed) {
            self.response.grpc = Some(Box::new(GrpcFlow::of(&head.head)));
        }
        if let Some(status) = head.head.header("grpc-status") {
            self.outcome = crate::grpc::status(status);
        }
        self.response.head = Some(head);
        (self.response.started, self.response.ended) = (at, at);
        held
    }

    /// Fields behind the content.
    pub(super) fn trailers(&mut self, grpc_status: Option<&[u8]>, at: Timestamp) {
        self.response.ended = at;
        self.outcome = grpc_status.and_then(crate::grpc::status).or(self.outcome);
    }

    /// Content of one half.
    pub(super) fn data(
        &mut self,
        is_client: bool,
        bytes: &[u8],
        captured: Timestamp,
        settings: &HttpSettings,
    ) -> isize {
        if is_client {
            self.request.data(bytes, captured, settings)
        } else {
            self.response.data(bytes, captured, settings)
        }
    }

    /// DATA begins on one half.
    pub(super) fn data_starts(&mut self, is_client: bool) {
        let grpc = if is_client {
            &mut self.request.grpc
        } else {
            &mut self.response.grpc
        };
        if let Some(grpc) = grpc {
            grpc.frame_starts();
        }
    }

    /// Content of one half is missing.
    pub(super) fn gap(&mut self, is_client: bool, len: u64) {
        if is_client {
            self.request.gap(len);
        } else {
            self.response.gap(len);
        }
    }

    /// Frames of one half may be missing.
    pub(super) const fn hole(&mut self, is_client: bool) {
        if is_client {
            self.request.has_hole |= !self.request.is_over;
        } else {
            self.response.has_hole |= !self.response.is_over;
        }
    }

    /// One half ends.
    pub(super) fn end(&mut self, is_client: bool, end: BodyEnd) {
        if is_client {
            let head = self.request.head.as_ref();
            let length = head.and_then(|head| head::content_length(&head.head));
            self.request.end(end, length, true);
        } else {
            let head = self.response.head.as_ref();
            let length = head.and_then(|head| head::content_length(&head.head));
            let request = self.request.head.as_ref();
            let of_head = request.is_none_or(|r| r.head.slice(r.method) == b"HEAD");
            let has_content = !of_head && head.is_none_or(|head| head.status != 304);
            self.response.end(end, length, has_content);
        }
    }

    /// Whether both messages are over, as far as they will be.
    pub(super) fn is_complete(&self) -> bool {
        let is_request_over = self.request.is_over
            // Its end may be what is missing; the server saw it.
            || self.request.head.is_none()
            || self.request.has_hole;
        is_request_over && self.response.is_over
    }

    /// The exchange. What is not over is marked as open.
    pub(super) fn finish(&mut self) -> Option<Finished> {
        if !self.has_head() {
            return None;
        }
        let has_request = self.request.head.is_some();
        let is_websocket = self.request.head.as_ref().is_some_and(|h| h.is_websocket);
        let of_request = core::mem::take(&mut self.request);
        let of_response = core::mem::take(&mut self.response);
        let has_response = of_response.head.is_some();
        let request_head = of_request.head.as_ref().map(|head| &head.head);
        let response_head = of_response.head.as_ref().map(|head| &head.head);
        let speaks_grpc = [request_head, response_head]
            .into_iter()
            .flatten()
            .any(|head| head.header("content-type").is_some_and(head::is_grpc));
        let is_framed = of_request.grpc.is_some() || of_response.grpc.is_some();
        let protocol = if is_websocket {
            Protocol::WebSocket
        } else if speaks_grpc {
            Protocol::Grpc
        } else {
            Protocol::Http2
        };
        let (from_client, of_client) = flow(of_request.grpc);
        let (from_server, of_server) = flow(of_response.grpc);
        let messages = is_framed.then(|| {
            Box::new(Messages {
                from_client,
                from_server,
                outcome: self.outcome.or(of_server).or(of_client),
            })
        });
        Some(Finished {
            request: of_request.head.map(|head| {
                Box::new(Request {
                    head: head.head,
                    method: head.method,
                    target: head.target,
                    version: Version::Http2,
                    certainty: head.certainty,
                    body: of_request.body,
                    started: of_request.started,
                    ended: of_request.ended,
                    anomalies: of_request.anomalies,
                    readings: None,
                })
            }),
            response: of_response.head.map(|head| {
                Box::new(Response {
                    head: head.head,
                    status: head.status,
                    version: Version::Http2,
                    body: of_response.body,
                    started: of_response.started,
                    ended: of_response.ended,
                    interim: self.interim,
                    anomalies: of_response.anomalies,
                    readings: None,
                })
            }),
            messages,
            // A stream's number joins the two, whatever was lost.
            pairing: if has_request && has_response {
                Pairing::Ordered
            } else {
                Pairing::Unpaired
            },
            protocol,
            opened: self.opened,
        })
    }
}

fn flow(grpc: Option<Box<GrpcFlow>>) -> (crate::exchange::MessageFlow, Option<u32>) {
    grpc.map_or_else(Default::default, |grpc| grpc.finish())
}
