//! Every cap and limit of the stage, each with its reason.

/// The settings of [`crate::HttpStage`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// Most bytes of a head (start line, header lines, empty line). Servers refuse heads from 8 to
    /// 64 KiB on; 256 KiB leaves room for the odd one and still bounds what a sender can make the
    /// sensor hold.
    pub head_bytes_max: usize,
    /// Most header lines of a head. Common servers stop at 100 to 200; beyond this cap the head is
    /// refused and counted.
    pub headers_max: usize,
    /// Bytes of content copied from the start of a body, from which its shape is drawn. The rest
    /// is only counted.
    pub body_sample_bytes_max: usize,
    /// Bytes of one side that are searched for the start of HTTP before the connection is taken
    /// for another protocol and its bytes are only counted. It must reach over a handshake before
    /// HTTP (SOCKS, PROXY protocol, a text greeting), which takes less than a kilobyte.
    pub detect_bytes_max: u64,
    /// Longest line that frames a chunk (size and extensions) and longest trailer section.
    /// Extensions are hardly used; hyper's limit for them is 16 KiB too.
    pub chunk_line_bytes_max: usize,
    /// Most requests of a connection that wait for their response; a longer pipeline loses its
    /// oldest. Browsers never exceeded 8, load generators are set to a few dozen.
    pub pending_requests_max: usize,
    /// Most responses of a connection that wait for a request which the server has acknowledged
    /// but which has not been delivered yet (reordered by the mirror, or behind a hole). A hole
    /// stays open for 64 KiB and more, and a request has a few hundred bytes.
    pub pending_responses_max: usize,
    /// How long a request waits for its response, in nanoseconds of packet time. Proxies give up
    /// after 60 s.
    pub response_wait_nanos_max: i64,
    /// How long an exchange may stay open before it is reported as it stands, in nanoseconds of
    /// packet time; what comes of it later is passed over. Streams of gRPC live for days and
    /// should be in the inventory before.
    pub open_exchange_nanos_max: i64,
    /// How long an exchange that carries messages (an event stream, gRPC, WebSocket) stays open
    /// before it is reported for the first time, in nanoseconds of packet time. It is reported again
    /// when it ends. Short calls should not be reported twice, and a person waits for no more than
    /// a few seconds.
    pub opening_nanos_max: i64,
    /// Payloads copied of the first messages of a flow (gRPC, WebSocket). Later ones look the same.
    pub message_samples_max: usize,
    /// Bytes of each of these payloads.
    pub message_sample_bytes_max: usize,
    /// WebSocket: bytes that may be decompressed for the samples of one direction.
    pub message_inflate_bytes_max: usize,
    /// HTTP/2: most streams of a connection that are open at once. Servers allow 100 to 250,
    /// proxies between them thousands.
    pub http2_streams_max: usize,
    /// HTTP/2: most octets of a field block. Servers refuse 8 to 64 KiB.
    pub http2_block_bytes_max: usize,
    /// HTTP/2: most CONTINUATION frames of a block. A block of the cap above has four of the usual
    /// size; more is a flood (CVE-2024-27316).
    pub http2_continuations_max: u32,
    /// HTTP/2: most octets of a list of fields, which compression can make thousands of times
    /// longer than its block.
    pub http2_list_bytes_max: usize,
    /// HTTP/2: octets of a dynamic table that are held, whatever the peers agree on. They agree on
    /// 4 KiB, browsers on 64 KiB.
    pub http2_table_bytes_max: usize,
    /// HTTP/2: bytes held while frames are searched for behind a gap. Two frames of the usual
    /// largest size fit.
    pub http2_resync_bytes_max: usize,
    /// HTTP/2: bytes of one side that are searched for frames before the connection is taken for
    /// something else. Three DATA frames of the usual largest size fit.
    pub http2_detect_bytes_max: u64,
    /// HTTP/2: requests that a client resets before an answer until it is a flood (CVE-2023-44487).
    pub http2_resets_max: u32,
    /// HTTP/2: SETTINGS, PING or empty DATA frames without a request between them until it is a
    /// flood (CVE-2019-9512, 9515, 9518).
    pub http2_idle_frames_max: u32,
    /// Most bytes held in heads and body samples over all connections. Above it, the connection
    /// that grows reports what it holds and starts anew.
    pub held_bytes_max: usize,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            head_bytes_max: 256 << 10,
            headers_max: 1024,
            body_sample_bytes_max: 16 << 10,
            detect_bytes_max: 16 << 10,
            chunk_line_bytes_max: 16 << 10,
            pending_requests_max: 256,
            pending_responses_max: 256,
            response_wait_nanos_max: 60_000_000_000,
            open_exchange_nanos_max: 60_000_000_000,
            opening_nanos_max: 2_000_000_000,
            message_samples_max: 4,
            message_sample_bytes_max: 4 << 10,
            message_inflate_bytes_max: 256 << 10,
            http2_streams_max: 1024,
            http2_block_bytes_max: 64 << 10,
            http2_continuations_max: 64,
            http2_list_bytes_max: 64 << 10,
            http2_table_bytes_max: 64 << 10,
            http2_resync_bytes_max: 40 << 10,
            http2_detect_bytes_max: 64 << 10,
            http2_resets_max: 100,
            http2_idle_frames_max: 1000,
            held_bytes_max: 256 << 20,
        }
    }
}
