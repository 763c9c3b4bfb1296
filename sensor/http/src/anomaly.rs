//! What a strict parser would not have accepted, by name, and where readers of a message part.
//!
//! Each leniency of the parsers leaves one of these on the message, so that tolerance is never
//! silent. The names are a contract: they stand in records and in `docs/anomalies.md`.

macro_rules! anomalies {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal, $section:literal;)*) => {
        /// Something about a message that a strict parser would not accept, or that readers
        /// disagree on.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum MessageAnomaly { $($(#[doc = $doc])+ $variant,)* }

        impl MessageAnomaly {
            /// All of them, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in records.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Where the rule stands that is broken.
            #[must_use]
            pub const fn section(self) -> &'static str {
                match self { $(Self::$variant => $section,)* }
            }

            /// What it is, in a sentence.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc,)+),)* }
            }
        }
    };
}

anomalies! {
    /// Empty lines stand before the start line.
    LeadingEmptyLines = "leading_empty_lines", "RFC 9112 section 2.2";
    /// Blanks, NUL or other bytes stand before the start line on the same line.
    LeadingBytes = "leading_bytes", "RFC 9112 section 2.2";
    /// A line of the head ends with LF alone.
    BareLf = "bare_lf", "RFC 9112 section 2.2";
    /// A CR in the head is not followed by LF.
    BareCr = "bare_cr", "RFC 9112 section 2.2";
    /// NUL or another control character stands in a header line.
    ControlByte = "control_byte", "RFC 9110 section 5.5";
    /// The parts of the start line are not separated by exactly one space.
    StartLineBlanks = "start_line_blanks", "RFC 9112 section 3";
    /// The request target contains blanks.
    BlankInTarget = "blank_in_target", "RFC 9112 section 3.2";
    /// The request target contains a byte that a URI cannot hold.
    InvalidTargetByte = "invalid_target_byte", "RFC 3986 section 2";
    /// The request target has none of the four forms, or not the one its method asks for.
    InvalidTargetForm = "invalid_target_form", "RFC 9112 section 3.2";
    /// The method is no token.
    InvalidMethod = "invalid_method", "RFC 9110 section 9.1";
    /// A registered method is not in capitals.
    LowerCaseMethod = "lower_case_method", "RFC 9110 section 9.1";
    /// HTTP/0.9: the request line has no version and no header line follows; the response has no
    /// head.
    Http09 = "http_0_9", "RFC 9112 appendix C.2.1";
    /// The request line has no version although header lines follow.
    MissingVersion = "missing_version", "RFC 9112 section 3";
    /// The version is not HTTP/1.0 or HTTP/1.1.
    UnknownVersion = "unknown_version", "RFC 9112 section 2.3";
    /// The name of the protocol is not written `HTTP/`.
    VersionCase = "version_case", "RFC 9112 section 2.3";
    /// The status line begins with `ICY`, as that of SHOUTcast servers does.
    IcyStatusLine = "icy_status_line", "RFC 9112 section 4";
    /// The status code is not three digits from 100 to 599.
    InvalidStatus = "invalid_status", "RFC 9110 section 15";
    /// A header line goes on in the next one.
    ObsFold = "obs_fold", "RFC 9112 section 5.2";
    /// Blanks stand between a field name and its colon.
    BlankBeforeColon = "blank_before_colon", "RFC 9112 section 5.1";
    /// A header line has no colon.
    HeaderWithoutColon = "header_without_colon", "RFC 9112 section 5";
    /// A field name is empty or no token.
    InvalidHeaderName = "invalid_header_name", "RFC 9110 section 5.1";
    /// The head has more header lines than are kept (`headers_max`).
    TooManyHeaders = "too_many_headers", "RFC 9110 section 5.4";
    /// The head is longer than is kept (`head_bytes_max`).
    HeadTooLong = "head_too_long", "RFC 9110 section 5.4";
    /// HTTP/1.1 without Host.
    MissingHost = "missing_host", "RFC 9112 section 3.2";
    /// More than one Host.
    AmbiguousHost = "ambiguous_host", "RFC 9112 section 3.2";
    /// The authority of the request target is not the one in Host.
    HostMismatch = "host_mismatch", "RFC 9112 section 3.2.2";
    /// Both Content-Length and Transfer-Encoding.
    ContentLengthWithTransferEncoding = "content_length_with_transfer_encoding", "RFC 9112 section 6.1";
    /// Content-Length is sent more than once with the same value.
    RepeatedContentLength = "repeated_content_length", "RFC 9110 section 8.6";
    /// Content-Length values that differ.
    ConflictingContentLength = "conflicting_content_length", "RFC 9112 section 6.3";
    /// A Content-Length that is not digits only.
    InvalidContentLength = "invalid_content_length", "RFC 9112 section 6.3";
    /// A Content-Length with zeros before it, which some parsers read as octal.
    PaddedContentLength = "padded_content_length", "RFC 9110 section 8.6";
    /// A Content-Length above 2^63-1, which overflows in common parsers.
    ContentLengthOverflow = "content_length_overflow", "RFC 9110 section 8.6";
    /// A Transfer-Encoding whose final coding is not chunked, or that is not known.
    UnknownTransferEncoding = "unknown_transfer_encoding", "RFC 9112 section 6.1";
    /// A Transfer-Encoding that some readers take for chunked and others do not.
    ObfuscatedTransferEncoding = "obfuscated_transfer_encoding", "RFC 9112 section 6.1";
    /// Chunked is applied more than once.
    RepeatedChunked = "repeated_chunked", "RFC 9112 section 7.1";
    /// Transfer-Encoding in a message of HTTP/1.0.
    TransferEncodingInHttp10 = "transfer_encoding_in_http_1_0", "RFC 9112 section 6.1";
    /// Content-Length or Transfer-Encoding stands in a line that not all readers take for it:
    /// folded, with blanks before the colon, with control characters or a bare CR.
    ObfuscatedFramingField = "obfuscated_framing_field", "RFC 9112 section 11.2";
    /// Content where the method gives it no meaning.
    UnexpectedContent = "unexpected_content", "RFC 9110 section 9.3.1";
    /// The content begins with a request line.
    RequestInContent = "request_in_content", "RFC 9112 section 11.2";
    /// A response that nothing asked for comes behind a request that ends earlier for other readers:
    /// the server took what is behind that end for a request, it seems.
    AnsweredHiddenRequest = "answered_hidden_request", "RFC 9112 section 11.2";
    /// A chunk size line that cannot be read.
    InvalidChunkSize = "invalid_chunk_size", "RFC 9112 section 7.1";
    /// Blanks before a chunk size.
    ChunkSizeBlanks = "chunk_size_blanks", "RFC 9112 section 7.1";
    /// A chunk size with `0x` or a sign before it.
    ChunkSizePrefix = "chunk_size_prefix", "RFC 9112 section 7.1";
    /// A chunk size of more than 16 digits.
    LongChunkSize = "long_chunk_size", "RFC 9112 section 7.1";
    /// A chunk size or a line end behind chunk data is a bare LF.
    ChunkBareLf = "chunk_bare_lf", "RFC 9112 section 7.1";
    /// An empty line where a chunk size should stand.
    EmptyChunkSize = "empty_chunk_size", "RFC 9112 section 7.1";
    /// What follows a chunk size is no chunk extension, or holds a bare CR or ends with a bare LF.
    InvalidChunkExtension = "invalid_chunk_extension", "RFC 9112 section 7.1.1";
    /// Chunk data is not followed by a line end.
    MissingChunkEnd = "missing_chunk_end", "RFC 9112 section 7.1";
    /// A trailer line has no colon.
    InvalidTrailer = "invalid_trailer", "RFC 9112 section 7.1.2";
    /// A trailer names a field that frames or routes the message.
    FramingFieldInTrailer = "framing_field_in_trailer", "RFC 9110 section 6.5.1";
    /// HTTP/2: pseudo-header fields are missing, sent twice, unknown or behind other fields.
    InvalidPseudoField = "invalid_pseudo_field", "RFC 9113 section 8.3";
    /// HTTP/2: a field that HTTP/1 uses to manage its connection, as Transfer-Encoding.
    ConnectionSpecificField = "connection_specific_field", "RFC 9113 section 8.2.2";
    /// HTTP/2: a field refers to an entry of the dynamic table that does not exist.
    InvalidFieldBlock = "invalid_field_block", "RFC 7541 section 2.3.3";
    /// HTTP/2: the content is not as long as Content-Length says.
    ContentLengthMismatch = "content_length_mismatch", "RFC 9113 section 8.1.1";
    /// HTTP/2: a field block of more fragments or octets than any server accepts.
    ContinuationFlood = "continuation_flood", "CVE-2024-27316";
    /// HTTP/2: the client resets nearly every request before it is answered.
    RapidReset = "rapid_reset", "CVE-2023-44487";
    /// HTTP/2: SETTINGS, PING or PRIORITY frames without end.
    ControlFrameFlood = "control_frame_flood", "CVE-2019-9512";
    /// HTTP/2: DATA frames without content, without end.
    EmptyFrameFlood = "empty_frame_flood", "CVE-2019-9518";
    /// A retransmission carried other bytes than the first copy.
    ConflictingSegments = "conflicting_segments", "RFC 9293 section 3.10";
    /// An octet was sent as urgent data: nearly all servers read the message without it, others and
    /// most middleboxes with it.
    UrgentData = "urgent_data", "RFC 6093 section 3";
}

/// The anomalies of one message, each once.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Anomalies(u128);

/// A set of that many fits.
const _: () = assert!(MessageAnomaly::ALL.len() <= u128::BITS as usize);

impl Anomalies {
    /// None.
    #[must_use]
    pub const fn new() -> Self {
        Self(0)
    }

    /// Adds one.
    pub const fn insert(&mut self, anomaly: MessageAnomaly) {
        self.0 |= 1 << anomaly as u32;
    }

    /// Adds all of another set.
    pub const fn insert_all(&mut self, others: Self) {
        self.0 |= others.0;
    }

    /// Whether it is among them.
    #[must_use]
    pub const fn contains(self, anomaly: MessageAnomaly) -> bool {
        self.0 & (1 << anomaly as u32) != 0
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All of them, in the order of [`MessageAnomaly::ALL`].
    pub fn iter(self) -> impl Iterator<Item = MessageAnomaly> {
        // Most messages have none.
        let some = if self.is_empty() {
            &[]
        } else {
            MessageAnomaly::ALL
        };
        some.iter()
            .copied()
            .filter(move |&anomaly| self.contains(anomaly))
    }
}

impl core::fmt::Debug for Anomalies {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<MessageAnomaly> for Anomalies {
    fn from_iter<I: IntoIterator<Item = MessageAnomaly>>(anomalies: I) -> Self {
        let mut all = Self::new();
        for anomaly in anomalies {
            all.insert(anomaly);
        }
        all
    }
}

/// By what a reader finds the end of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FramingRule {
    /// Content-Length; the first where there are several.
    ContentLength,
    /// The last of several Content-Length values.
    LastContentLength,
    /// Chunks, read with every tolerance.
    Chunked,
    /// Chunks, read in another way where their framing is odd.
    OtherChunked,
    /// No content.
    NoContent,
    /// The end of the connection.
    Close,
}

/// Where a reader ends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// By what.
    pub rule: FramingRule,
    /// Bytes from the end of the head to the end of the message; none when that reader had not
    /// found it in what was seen.
    pub len: Option<u64>,
}

/// Two ways to read where one message ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Readings {
    /// The reading that the exchange follows.
    pub followed: Reading,
    /// The other.
    pub other: Reading,
    /// A request line stands where the shorter reading ends: what one reader takes for content is
    /// a request to the other.
    pub hides_request: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_a_set_holds_each_once() {
        let mut names: Vec<_> = MessageAnomaly::ALL.iter().map(|a| a.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), MessageAnomaly::ALL.len());
        let twice = MessageAnomaly::ALL.iter().chain(MessageAnomaly::ALL);
        let set: Anomalies = twice.copied().collect();
        assert!(set.iter().eq(MessageAnomaly::ALL.iter().copied()));
        assert!(Anomalies::new().is_empty() && !set.is_empty());
    }
}
