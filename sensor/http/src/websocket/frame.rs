//! Frame headers (RFC 6455 section 5.2).

/// Most bytes of a header.
pub(super) const HEADER_BYTES_MAX: usize = 14;

/// Longest frame that is believed where a chain of frames is searched for: a random length is
/// mostly longer.
const PLAUSIBLE_LEN_MAX: u64 = 1 << 24;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    /// Ping or pong.
    Control,
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) opcode: Opcode,
    pub(super) is_final: bool,
    /// RSV1: the message is compressed.
    pub(super) compressed: bool,
    pub(super) key: Option<[u8; 4]>,
    pub(super) len: u64,
    /// Bytes of the header itself.
    pub(super) size: usize,
}

/// What the first bytes of a frame say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    Header(Header),
    /// The header goes on.
    Partial,
    /// No frame starts like that.
    Invalid,
}

/// Reads a header from the start of `bytes`; `deflate` says whether RSV1 has a meaning.
pub(super) fn parse(bytes: &[u8], deflate: bool) -> Parsed {
    let [first, second, rest @ ..] = bytes else {
        return Parsed::Partial;
    };
    let opcode = match first & 0x0f {
        0 => Opcode::Continuation,
        1 => Opcode::Text,
        2 => Opcode::Binary,
        8 => Opcode::Close,
        9 | 10 => Opcode::Control,
        _ => return Parsed::Invalid,
    };
    let (is_final, compressed) = (first & 0x80 != 0, first & 0x40 != 0);
    let is_control = matches!(opcode, Opcode::Close | Opcode::Control);
    let short = second & 0x7f;
    // RSV1 stands on the first frame of a message only (RFC 7692 section 6.1).
    let wrong_rsv = first & 0x30 != 0
        || compressed && (!deflate || is_control || opcode == Opcode::Continuation);
    if wrong_rsv || is_control && (!is_final || short > 125) {
        return Parsed::Invalid;
    }
    let extended = match short {
        126 => 2,
        127 => 8,
        _ => 0,
    };
    let Some((number, rest)) = rest.split_at_checked(extended) else {
        return Parsed::Partial;
    };
    let len = match short {
        126 | 127 => number
            .iter()
            .fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte)),
        short => u64::from(short),
    };
    // Lengths are written as short as they can be, and below 2^63.
    if (short == 126 && len < 126) || (short == 127 && !(1 << 16..1 << 63).contains(&len)) {
        return Parsed::Invalid;
    }
    let is_masked = second & 0x80 != 0;
    let key = match (is_masked, rest) {
        (false, _) => None,
        (true, [a, b, c, d, ..]) => Some([*a, *b, *c, *d]),
        (true, _) => return Parsed::Partial,
    };
    Parsed::Header(Header {
        opcode,
        is_final,
        compressed,
        key,
        len,
        size: 2 + extended + if is_masked { 4 } else { 0 },
    })
}

/// Whether `bytes` start with a chain of frames: at least two headers, or one frame that ends with
/// them. Clients mask, servers do not.
pub(super) fn is_chain(bytes: &[u8], masked: bool, deflate: bool) -> bool {
    let mut rest = bytes;
    for headers in 0..4 {
        if rest.is_empty() {
            return headers > 0;
        }
        match parse(rest, deflate) {
            Parsed::Header(header) => {
                if header.key.is_some() != masked || header.len > PLAUSIBLE_LEN_MAX {
                    return false;
                }
                let size = usize::try_from(header.len).unwrap_or(usize::MAX);
                match rest.get(header.size.saturating_add(size)..) {
                    Some(after) => rest = after,
                    None => return headers > 0,
                }
            }
            Parsed::Partial => return headers > 0,
            Parsed::Invalid => return false,
        }
    }
    true
}
