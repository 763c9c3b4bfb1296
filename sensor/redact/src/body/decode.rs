//! Undoes content codings (RFC 9110 section 8.4.1) under a cap on what comes out.

use std::io::Read;

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::redactor::Work;

/// Content with its codings undone.
pub(super) struct Decoded<'a> {
    pub(super) content: &'a [u8],
    /// Bytes of the sample that were read for it.
    pub(super) consumed: usize,
    /// Whether the codings ended as they should.
    pub(super) complete: bool,
}

/// `sample` with `codings` undone, last applied first; none when one of them cannot be.
pub(super) fn decode<'a>(
    work: &mut Work<'_>,
    sample: &'a [u8],
    codings: &[String],
    buffer: &'a mut Vec<u8>,
) -> Option<Decoded<'a>> {
    let plain = Decoded {
        content: sample,
        consumed: sample.len(),
        complete: true,
    };
    let mut applied = codings
        .iter()
        .map(String::as_str)
        .filter(|coding| *coding != "identity")
        .rev();
    let Some(first) = applied.next() else {
        return Some(plain);
    };
    let more: Vec<&str> = applied.collect();
    if more.len() >= work.settings.codings_max {
        work.counters.bodies_too_many_codings += 1;
        return None;
    }
    let mut complete = undo(work, first, sample, buffer)?;
    for coding in more {
        let mut next = Vec::new();
        complete &= undo(work, coding, buffer, &mut next)?;
        *buffer = next;
    }
    // What was read of a broken or cut stream is not known to the byte; it is the sample then.
    Some(Decoded {
        content: buffer,
        consumed: sample.len(),
        complete,
    })
}

/// Undoes one coding into `out`; whether it ended as it should, none when nothing could be read.
fn undo(work: &mut Work<'_>, coding: &str, input: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    out.clear();
    let cap = work.settings.decoded_bytes_max;
    let end = match coding {
        "gzip" | "x-gzip" => read_capped(MultiGzDecoder::new(input), cap, out),
        // RFC 9110 section 8.4.1.2: zlib's format, though some senders leave its frame off.
        "deflate" if has_zlib_header(input) => read_capped(ZlibDecoder::new(input), cap, out),
        "deflate" => read_capped(DeflateDecoder::new(input), cap, out),
        _ => {
            work.counters.bodies_unknown_coding += 1;
            return None;
        }
    };
    match end {
        End::Cap => work.counters.bodies_decoded_cut += 1,
        End::Broken if out.is_empty() => {
            work.counters.bodies_undecodable += 1;
            return None;
        }
        End::Broken | End::Whole => {}
    }
    Some(matches!(end, End::Whole))
}

#[derive(Clone, Copy)]
enum End {
    Whole,
    Cap,
    /// Truncated, as samples are, or corrupt.
    Broken,
}

fn read_capped(mut decoder: impl Read, cap: usize, out: &mut Vec<u8>) -> End {
    let mut chunk = [0; 8192];
    loop {
        match decoder.read(&mut chunk) {
            Ok(0) => return End::Whole,
            Ok(read) => {
                let room = cap.saturating_sub(out.len());
                out.extend_from_slice(chunk.get(..read.min(room)).unwrap_or_default());
                if read > room {
                    return End::Cap;
                }
            }
            Err(_) => return End::Broken,
        }
    }
}

/// RFC 1950 section 2.2: method 8 and a check value that makes the two bytes divisible by 31.
fn has_zlib_header(input: &[u8]) -> bool {
    match input {
        [method, flags, ..] => {
            method & 0x0f == 8 && (u16::from(*method) * 256 + u16::from(*flags)).is_multiple_of(31)
        }
        _ => false,
    }
}
