//! What the stage counts: every refusal, loss and cap by its reason.

use core::ops::AddAssign;

use tapscope_flow::CounterValue;

macro_rules! counters {
    ($($(#[$doc:meta])* $variant:ident = $name:literal $(, $reason:literal)?;)*) => {
        /// One counter of the stage.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Counter { $($(#[$doc])* $variant,)* }

        /// Name and reason of each counter, in the order of the variants.
        const NAMES: &[(&str, Option<&str>)] = &[$((($name), counters!(@reason $($reason)?)),)*];
    };
    (@reason) => { None };
    (@reason $reason:literal) => { Some($reason) };
}

counters! {
    /// Connections on which HTTP was recognised.
    Connections = "http_connections_recognised_total";
    /// Request heads parsed.
    Requests = "http_messages_parsed_total", "request";
    /// Final response heads parsed.
    Responses = "http_messages_parsed_total", "response";
    /// Interim (1xx) response heads parsed.
    Interim = "http_messages_parsed_total", "interim_response";
    /// Exchanges paired by order.
    Ordered = "http_exchanges_reported_total", "ordered";
    /// Exchanges paired by acknowledgement numbers after loss.
    Acknowledged = "http_exchanges_reported_total", "acknowledged";
    /// Exchanges paired by what most clients do, where too little was seen of this one.
    Supposed = "http_exchanges_reported_total", "supposed";
    /// Requests reported without a response.
    Unanswered = "http_exchanges_reported_total", "request_only";
    /// Responses reported without a request.
    Orphaned = "http_exchanges_reported_total", "response_only";
    /// Exchanges with messages that were reported while they went on, to be reported again.
    ReportedOpening = "http_exchanges_reported_open_total";
    /// Requests that waited too long for a response.
    TimedOut = "http_requests_timed_out_total";
    /// Requests given up because too many waited on one connection.
    PendingRequestsCap = "http_messages_given_up_total", "pending_requests_max";
    /// Responses given up because too many waited for a late request.
    PendingResponsesCap = "http_messages_given_up_total", "pending_responses_max";
    /// Connections made to report what they held because of the memory cap.
    HeldBytesCap = "http_messages_given_up_total", "held_bytes_max";
    /// httparse: invalid byte in a header name.
    RefusedHeaderName = "http_heads_refused_total", "header_name";
    /// httparse: invalid byte in a header value.
    RefusedHeaderValue = "http_heads_refused_total", "header_value";
    /// httparse: invalid byte in a line end.
    RefusedNewLine = "http_heads_refused_total", "new_line";
    /// httparse: invalid status code.
    RefusedStatus = "http_heads_refused_total", "status";
    /// httparse: invalid byte where a token is required.
    RefusedToken = "http_heads_refused_total", "token";
    /// More header lines than the cap.
    RefusedTooManyHeaders = "http_heads_refused_total", "too_many_headers";
    /// httparse: invalid version.
    RefusedVersion = "http_heads_refused_total", "version";
    /// httparse wanted more bytes although the head had ended.
    RefusedPartial = "http_heads_refused_total", "partial";
    /// A head longer than the cap.
    RefusedTooLong = "http_heads_refused_total", "head_bytes_max";
    /// Heads that the lenient parser read after httparse refused them.
    Lenient = "http_heads_tolerated_total";
    /// A head cut short by a gap.
    HeadGap = "http_heads_lost_total", "gap";
    /// A head cut short by the end of its stream or of the connection.
    HeadEnd = "http_heads_lost_total", "end_of_stream";
    /// Bytes missing inside bodies whose boundary stayed known.
    BodyGapBytes = "http_body_bytes_missed_total";
    /// Bodies that a gap cut and whose end was lost.
    BodyGap = "http_bodies_lost_total", "gap";
    /// Chunked bodies whose framing could not be read.
    BodyChunk = "http_bodies_lost_total", "invalid_chunk";
    /// Times a side was put back to searching for the next message after a gap.
    LostGap = "http_synchronisations_lost_total", "gap";
    /// Times a side was put back to searching because other bytes stood where a message should.
    LostGarbage = "http_synchronisations_lost_total", "unexpected_bytes";
    /// Times a side was put back to searching because a head was refused.
    LostHead = "http_synchronisations_lost_total", "head_refused";
    /// Times a message was found again.
    Found = "http_synchronisations_regained_total";
    /// Messages of the kind that the other side sends.
    RoleConflict = "http_roles_conflicted_total";
    /// Connections that switched to WebSocket.
    SwitchedWebSocket = "http_connections_switched_total", "websocket";
    /// Connections that switched to another protocol by 101.
    SwitchedOther = "http_connections_switched_total", "other";
    /// Connections that switched to HTTP/2 by 101.
    SwitchedHttp2 = "http_connections_switched_total", "h2c";
    /// Connections that speak HTTP/2.
    Http2Connections = "http2_connections_recognised_total";
    /// Exchanges that were reported while they went on.
    Http2ReportedOpen = "http2_exchanges_reported_open_total";
    /// Requests whose method, host or path rests on an inference.
    Http2HeadsInferred = "http2_requests_inferred_total";
    /// Requests whose method, host or path refers to what was not seen.
    Http2HeadsUnknown = "http2_requests_unknown_total", "joined_midway";
    /// Field blocks of which a part was not seen.
    Http2BlocksLost = "http2_field_blocks_lost_total", "gap";
    /// Field blocks that cannot be decoded.
    Http2BlocksInvalid = "http2_field_blocks_lost_total", "invalid";
    /// Field blocks that are neither the client's request nor the server's response.
    Http2FieldsUnplaced = "http2_field_blocks_lost_total", "role_conflict";
    /// Octets of content on streams whose beginning was not seen, or that were reported.
    Http2ContentUnplaced = "http2_content_bytes_skipped_total", "unknown_stream";
    /// Streams given up because too many were open.
    Http2StreamsCap = "http_messages_given_up_total", "http2_streams_max";
    /// Clients that reset nearly all they asked for.
    FloodReset = "http2_floods_seen_total", "rapid_reset";
    /// Field blocks of too many fragments or octets.
    FloodContinuation = "http2_floods_seen_total", "continuation";
    /// SETTINGS, PING or PRIORITY without end.
    FloodControl = "http2_floods_seen_total", "control_frames";
    /// DATA without content, without end.
    FloodEmpty = "http2_floods_seen_total", "empty_data";
    /// Connections that became a tunnel by CONNECT.
    SwitchedTunnel = "http_connections_switched_total", "tunnel";
    /// Sides that began with a TLS record.
    ProtocolTls = "http_streams_refused_total", "tls";
    /// Sides that began with an SSH banner.
    ProtocolSsh = "http_streams_refused_total", "ssh";
    /// Sides that began with a SOCKS handshake.
    ProtocolSocks = "http_streams_refused_total", "socks";
    /// Sides that began with a PROXY protocol header.
    ProtocolProxy = "http_streams_refused_total", "proxy_protocol";
    /// Sides that began with RTSP.
    ProtocolRtsp = "http_streams_refused_total", "rtsp";
    /// Sides that began with SIP.
    ProtocolSip = "http_streams_refused_total", "sip";
    /// Sides that began with ICY.
    ProtocolIcy = "http_streams_refused_total", "icy";
    /// Sides that began with anything else.
    ProtocolOther = "http_streams_refused_total", "other";
    /// Bytes passed over while searching for a message.
    SkippedBytes = "http_bytes_skipped_total", "searching";
    /// Bytes of sides that are not HTTP, or no longer.
    OpaqueBytes = "http_bytes_skipped_total", "not_http";
    /// Bytes of WebSocket connections after loss, until frames were found again.
    UnframedBytes = "http_bytes_skipped_total", "websocket_frames_lost";
    /// Messages after their exchange was reported while open.
    LateMessages = "http_messages_unreported_total", "exchange_reported_open";
    /// Bytes of connections that never announced themselves (a caller's mistake).
    UnknownConnection = "http_events_refused_total", "unknown_connection";
}

/// The values of all counters.
#[derive(Clone, Debug)]
pub(crate) struct Counters([u64; NAMES.len()]);

impl Counters {
    /// All zero.
    pub(crate) const fn new() -> Self {
        Self([0; NAMES.len()])
    }

    /// Counts one.
    pub(crate) fn count(&mut self, counter: Counter) {
        self.add(counter, 1);
    }

    /// Counts several.
    pub(crate) fn add(&mut self, counter: Counter, n: u64) {
        if let Some(value) = self.0.get_mut(counter as usize) {
            value.add_assign(n);
        }
    }

    /// One value.
    pub(crate) fn get(&self, counter: Counter) -> u64 {
        self.0.get(counter as usize).copied().unwrap_or(0)
    }

    /// All values, in a fixed order.
    pub(crate) fn values(&self) -> Vec<CounterValue> {
        let values = NAMES.iter().zip(self.0);
        values
            .map(|(&(name, reason), value)| CounterValue {
                name,
                reason: reason.map(str::to_owned),
                value,
            })
            .collect()
    }
}
