//! Undoes content codings (RFC 9110 section 8.4.1) under caps on what comes out: on its size, on
//! its ratio to what went in, and on the number of codings. Work is bounded by the same, without a
//! clock: a decoder that gives nothing more costs nothing more.

use std::io::{BufRead, Read};

use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};

use crate::redactor::Work;
use crate::settings::RedactSettings;

/// Content with its codings undone.
pub(super) struct Decoded<'a> {
    pub(super) content: &'a [u8],
    /// Bytes of the sample that were read for it.
    pub(super) consumed: usize,
    /// Whether the codings ended as they should.
    pub(super) complete: bool,
    /// Whether a coding was undone.
    pub(super) coded: bool,
}

/// Largest window of zstd that is undone, as a power of two: what RFC 9659 allows of HTTP.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

/// Bytes that a brotli decoder reads at once.
const BROTLI_BUFFER_BYTES: usize = 4096;

/// `sample` with `codings` undone, last applied first; none when one of them cannot be.
pub(super) fn decode<'a>(
    work: &mut Work<'_>,
    sample: &'a [u8],
    codings: &[&str],
    buffer: &'a mut Vec<u8>,
) -> Option<Decoded<'a>> {
    let plain = Decoded {
        content: sample,
        consumed: sample.len(),
        complete: true,
        coded: false,
    };
    let mut applied = codings
        .iter()
        .copied()
        .filter(|coding| *coding != "identity")
        .rev();
    let Some(first) = applied.next() else {
        return Some(plain);
    };
    let more: Vec<&str> = applied.collect();
    if more.len() >= work.settings.codings_max {
        work.counters.bodies_too_many_codings += 1;
        work.limit("codings");
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
        coded: true,
    })
}

/// The coding that content shows by its first bytes where none is declared; only for media types
/// that are text, for others may be what they look like.
pub(super) fn sniff(declared: &str, sample: &[u8]) -> Option<&'static str> {
    let textual = declared.is_empty()
        || declared.starts_with("text/")
        || ["json", "xml", "urlencoded", "graphql"]
            .iter()
            .any(|end| declared.ends_with(end));
    match sample {
        _ if !textual => None,
        [0x1f, 0x8b, 8, ..] => Some("gzip"),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Some("zstd"),
        _ => None,
    }
}

/// Undoes one coding into `out`; whether it ended as it should, none when nothing could be read.
fn undo(work: &mut Work<'_>, coding: &str, input: &[u8], out: &mut Vec<u8>) -> Option<bool> {
    out.clear();
    let cap = Cap::new(work.settings, input.len());
    let end = match coding {
        "gzip" | "x-gzip" => read_capped(MultiGzDecoder::new(input), cap, out),
        // RFC 9110 section 8.4.1.2: zlib's format, though some senders leave its frame off.
        "deflate" if has_zlib_header(input) => read_capped(ZlibDecoder::new(input), cap, out),
        "deflate" => read_capped(DeflateDecoder::new(input), cap, out),
        "br" => {
            let reader = brotli_decompressor::Decompressor::new(input, BROTLI_BUFFER_BYTES);
            read_capped(reader, cap, out)
        }
        "zstd" => match zstd_reader(input) {
            Some(reader) => read_capped(reader, cap, out),
            None => End::Broken,
        },
        _ => {
            work.counters.bodies_unknown_coding += 1;
            work.limit("unsupported_coding");
            return None;
        }
    };
    match end {
        End::Size => {
            work.counters.bodies_decoded_cut += 1;
            work.limit("decoded_size");
        }
        End::Ratio => {
            work.counters.bodies_ratio_cut += 1;
            work.limit("decoded_ratio");
        }
        End::Broken if out.is_empty() => {
            work.counters.bodies_undecodable += 1;
            work.limit("coding_broken");
            return None;
        }
        End::Broken | End::Whole => {}
    }
    Some(matches!(end, End::Whole))
}

fn zstd_reader<R: BufRead>(input: R) -> Option<impl Read> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input).ok()?;
    decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).ok()?;
    Some(decoder)
}

/// What may come out of one coding.
#[derive(Clone, Copy)]
struct Cap {
    bytes: usize,
    /// What is said when it is reached.
    end: End,
}

impl Cap {
    fn new(settings: &RedactSettings, input: usize) -> Self {
        let by_ratio = input
            .saturating_mul(settings.decoded_ratio_max)
            .max(settings.decoded_free_bytes);
        if by_ratio < settings.decoded_bytes_max {
            Self {
                bytes: by_ratio,
                end: End::Ratio,
            }
        } else {
            Self {
                bytes: settings.decoded_bytes_max,
                end: End::Size,
            }
        }
    }
}

#[derive(Clone, Copy)]
enum End {
    Whole,
    Size,
    Ratio,
    /// Truncated, as samples are, or corrupt.
    Broken,
}

fn read_capped(mut decoder: impl Read, cap: Cap, out: &mut Vec<u8>) -> End {
    let mut chunk = [0; 8192];
    loop {
        match decoder.read(&mut chunk) {
            Ok(0) => return End::Whole,
            Ok(read) => {
                let room = cap.bytes.saturating_sub(out.len());
                out.extend_from_slice(chunk.get(..read.min(room)).unwrap_or_default());
                if read > room {
                    return cap.end;
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
