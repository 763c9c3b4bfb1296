//! A field block: the fragments of HEADERS or PUSH_PROMISE and of the CONTINUATION frames that
//! follow (RFC 9113 section 4.3), within bounds.

use tapscope_flow::Timestamp;

use super::frame::{END_STREAM, FrameHeader, FrameType, PADDED};
use super::resync::header_block;
use crate::settings::HttpSettings;

/// Fragments that were put together.
#[derive(Debug)]
pub(super) struct Block {
    /// The stream that the fields are for.
    pub(super) stream: u32,
    /// The stream was promised.
    pub(super) is_promised: bool,
    /// Nothing follows on the stream.
    pub(super) ends_stream: bool,
    pub(super) bytes: Vec<u8>,
    /// When the first fragment was captured.
    pub(super) started: Timestamp,
    /// CONTINUATION frames so far.
    continuations: u32,
    /// The end of the block is missing: a gap took it, or a cap.
    pub(super) is_torn: bool,
    /// A cap cut it.
    pub(super) is_flood: bool,
}

impl Block {
    /// The block that a HEADERS or PUSH_PROMISE frame begins; none when the frame is malformed.
    pub(super) fn begin(
        header: &FrameHeader,
        payload: &[u8],
        is_torn: bool,
        started: Timestamp,
    ) -> Option<Self> {
        let is_promised = header.kind == FrameType::PushPromise;
        let (stream, fragment) = if is_promised {
            promise(header, payload, is_torn)?
        } else {
            (header.stream, fragment(header, payload, is_torn)?)
        };
        Some(Self {
            stream,
            is_promised,
            ends_stream: !is_promised && header.has(END_STREAM),
            bytes: fragment.to_vec(),
            started,
            continuations: 0,
            is_torn,
            is_flood: false,
        })
    }

    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Adds the fragment of a CONTINUATION frame.
    pub(super) fn go_on(&mut self, payload: &[u8], is_torn: bool, settings: &HttpSettings) {
        self.continuations = self.continuations.saturating_add(1);
        let fits = self.bytes.len() + payload.len() <= settings.http2_block_bytes_max
            && self.continuations <= settings.http2_continuations_max;
        if !fits {
            self.is_flood = true;
        }
        if fits && !self.is_torn {
            self.bytes.extend_from_slice(payload);
        }
        self.is_torn |= is_torn || !fits;
    }
}

/// The fragment of a HEADERS frame. The padding of a torn one is missing.
fn fragment<'a>(header: &FrameHeader, payload: &'a [u8], is_torn: bool) -> Option<&'a [u8]> {
    if is_torn {
        let mut unpadded = *header;
        unpadded.flags &= !PADDED;
        let skip = usize::from(header.has(PADDED));
        return header_block(&unpadded, payload.get(skip..)?);
    }
    header_block(header, payload)
}

/// The promised stream and the fragment of a PUSH_PROMISE frame (RFC 9113 section 6.6).
fn promise<'a>(header: &FrameHeader, payload: &'a [u8], is_torn: bool) -> Option<(u32, &'a [u8])> {
    let rest = fragment(header, payload, is_torn)?;
    let (&[s0, s1, s2, s3], fragment) = rest.split_first_chunk::<4>()?;
    Some((u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]), fragment))
}
