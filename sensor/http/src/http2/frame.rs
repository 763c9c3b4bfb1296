//! Frame headers (RFC 9113 section 4.1), and how likely bytes are one.

/// Octets of a frame header.
pub(super) const HEADER_LEN: usize = 9;

/// What an endpoint must accept (RFC 9113 section 6.5.2), and what nearly all of them send at most.
const FRAME_SIZE_USUAL: u32 = 16_384;

/// Longest frame that is taken for one where none is expected.
const FRAME_SIZE_PLAUSIBLE: u32 = 1 << 16;

pub(super) const END_STREAM: u8 = 0x1;
pub(super) const ACK: u8 = 0x1;
pub(super) const END_HEADERS: u8 = 0x4;
pub(super) const PADDED: u8 = 0x8;
pub(super) const PRIORITY: u8 = 0x20;

/// Frame types (RFC 9113 section 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameType {
    Data,
    Headers,
    Priority,
    RstStream,
    Settings,
    PushPromise,
    Ping,
    GoAway,
    WindowUpdate,
    Continuation,
    /// An extension's.
    Unknown,
}

impl FrameType {
    const fn new(number: u8) -> Self {
        match number {
            0 => Self::Data,
            1 => Self::Headers,
            2 => Self::Priority,
            3 => Self::RstStream,
            4 => Self::Settings,
            5 => Self::PushPromise,
            6 => Self::Ping,
            7 => Self::GoAway,
            8 => Self::WindowUpdate,
            9 => Self::Continuation,
            _ => Self::Unknown,
        }
    }
}

/// A frame header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHeader {
    /// Octets of payload.
    pub(super) length: u32,
    pub(super) kind: FrameType,
    pub(super) flags: u8,
    pub(super) stream: u32,
    /// The bit that must be zero.
    reserved: bool,
}

impl FrameHeader {
    /// Reads the nine octets that bytes begin with.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let [l0, l1, l2, kind, flags, s0, s1, s2, s3, ..] = *bytes else {
            return None;
        };
        Some(Self {
            length: u32::from_be_bytes([0, l0, l1, l2]),
            kind: FrameType::new(kind),
            flags,
            stream: u32::from_be_bytes([s0 & 0x7f, s1, s2, s3]),
            reserved: s0 & 0x80 != 0,
        })
    }

    pub(super) const fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// Whether length and stream are what this type must have (RFC 9113 section 6).
    pub(super) const fn is_valid(&self) -> bool {
        let is_length_right = match self.kind {
            FrameType::Priority => self.length == 5,
            FrameType::RstStream | FrameType::WindowUpdate => self.length == 4,
            FrameType::Settings => {
                self.length.is_multiple_of(6) && (!self.has(ACK) || self.length == 0)
            }
            FrameType::PushPromise => self.length >= 4,
            FrameType::Ping => self.length == 8,
            FrameType::GoAway => self.length >= 8,
            _ => true,
        };
        is_length_right && self.is_stream_right()
    }

    const fn is_stream_right(&self) -> bool {
        match self.kind {
            FrameType::Settings | FrameType::Ping | FrameType::GoAway => self.stream == 0,
            FrameType::WindowUpdate | FrameType::Unknown => true,
            _ => self.stream != 0,
        }
    }

    /// How unlikely it is that other bytes look like this, in bits; none when it is not taken for
    /// a frame header where none is expected.
    pub(super) fn evidence(&self, is_known_stream: bool) -> Option<u32> {
        let flags = match self.kind {
            FrameType::Data => END_STREAM | PADDED,
            FrameType::Headers => END_STREAM | END_HEADERS | PADDED | PRIORITY,
            FrameType::PushPromise => END_HEADERS | PADDED,
            FrameType::Continuation => END_HEADERS,
            FrameType::Settings | FrameType::Ping => ACK,
            _ => 0,
        };
        let is_plausible = !self.reserved
            && self.is_valid()
            && self.kind != FrameType::Unknown
            && self.flags & !flags == 0
            && self.length <= FRAME_SIZE_PLAUSIBLE
            && (self.kind == FrameType::Data || self.length <= FRAME_SIZE_USUAL);
        if !is_plausible {
            return None;
        }
        Some(match self.kind {
            FrameType::Settings
            | FrameType::Ping
            | FrameType::GoAway
            | FrameType::WindowUpdate
            | FrameType::RstStream
            | FrameType::Priority => 40,
            FrameType::Data if self.length > FRAME_SIZE_USUAL => 6,
            _ if is_known_stream => 30,
            FrameType::Data => 14,
            _ => 16,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(bytes: &[u8; 9]) -> FrameHeader {
        FrameHeader::read(bytes).expect("nine octets")
    }

    #[test]
    fn headers() {
        let settings = header(b"\0\0\x12\x04\0\0\0\0\0");
        assert_eq!((settings.length, settings.stream), (18, 0));
        assert_eq!(settings.kind, FrameType::Settings);
        assert_eq!(FrameHeader::read(b"\0\0\x12\x04\0\0\0\0"), None);
        assert_eq!(header(b"\0\0\0\x01\x25\x80\0\0\x07").stream, 7);
    }

    #[test]
    fn what_is_not_taken_for_a_frame_header() {
        let cases: &[(&[u8; 9], &str)] = &[
            (b"\0\0\0\0\0\0\0\0\0", "DATA on stream 0"),
            (b"\0\0\x05\x04\0\0\0\0\0", "SETTINGS of five octets"),
            (
                b"\0\0\x06\x04\x01\0\0\0\0",
                "SETTINGS that acknowledge and set",
            ),
            (b"\0\0\0\x04\0\0\0\0\x01", "SETTINGS on a stream"),
            (b"\0\0\x08\x06\0\0\0\0\x01", "PING on a stream"),
            (b"\0\0\x07\x06\0\0\0\0\0", "PING of seven octets"),
            (b"\0\0\x03\x08\0\0\0\0\0", "WINDOW_UPDATE of three octets"),
            (b"\0\0\x05\x03\0\0\0\0\x01", "RST_STREAM of five octets"),
            (
                b"\0\0\x01\x01\x40\0\0\0\x01",
                "HEADERS with an unknown flag",
            ),
            (b"\0\0\x01\x01\x04\x80\0\0\x01", "a reserved bit"),
            (b"\0\0\x01\x0b\0\0\0\0\x01", "an unknown type"),
            (b"GET / HTT", "text"),
            (b"\x16\x03\x01\x02\0\x01\0\x01\xfc", "TLS"),
        ];
        for (bytes, what) in cases {
            assert_eq!(header(bytes).evidence(false), None, "{what}");
        }
    }
}
