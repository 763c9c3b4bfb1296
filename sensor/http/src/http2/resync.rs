//! Finds frames where it is not known that one begins: on a connection joined midway, behind a
//! gap, and to tell HTTP/2 from other protocols.
//!
//! Every place could be a frame header. One is believed when it, and the chain of headers that
//! follow it at the distances they tell, would be unlikely enough in other bytes.

use std::collections::VecDeque;

use smallvec::SmallVec;

use super::frame::{END_HEADERS, FrameHeader, FrameType, HEADER_LEN, PADDED, PRIORITY};
use super::hpack;

/// Bits of evidence to believe a chain on a connection that is known to speak HTTP/2.
pub(super) const EVIDENCE_WITHIN: u32 = 40;

/// Bits of evidence to believe that a connection speaks HTTP/2. Most connections do not.
pub(super) const EVIDENCE_OF_PROTOCOL: u32 = 60;

/// A header that is the first of its segment: frames and segments are often sent together.
const EVIDENCE_OF_START: u32 = 8;

/// A chain whose last frame ends with its segment.
const EVIDENCE_OF_END: u32 = 12;

/// Chains that are followed at once. A true one is seldom contested.
const CHAINS_MAX: usize = 16;

/// Frames that may follow each other.
#[derive(Clone, Copy, Debug)]
struct Chain {
    /// Where the first header stands that is still held.
    start: u64,
    /// Where the last header stands.
    last: u64,
    /// Where the next header must stand.
    next: u64,
    evidence: u32,
}

/// The search for frames in one direction.
#[derive(Debug, Default)]
pub(super) struct Resync {
    bytes: VecDeque<u8>,
    /// Position of the first byte held, counted from the start of the search.
    base: u64,
    /// Position of the first byte that was not considered as a start.
    considered: u64,
    chains: SmallVec<[Chain; CHAINS_MAX]>,
}

/// What the search knows from outside.
#[derive(Clone, Copy)]
pub(super) struct Search<'a> {
    /// Bits of evidence that are needed.
    pub(super) evidence_min: u32,
    /// Bytes held at most.
    pub(super) held_max: usize,
    /// Whether a stream is known to be open.
    pub(super) is_known_stream: &'a dyn Fn(u32) -> bool,
}

impl Resync {
    /// Bytes held.
    pub(super) fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes searched so far.
    pub(super) fn searched(&self) -> u64 {
        self.base + self.bytes.len() as u64
    }

    /// Takes more bytes. When frames are found: the bytes from the first frame on.
    pub(super) fn feed(
        &mut self,
        bytes: &[u8],
        is_event_start: bool,
        search: Search<'_>,
    ) -> Option<Vec<u8>> {
        let event_start = self.searched();
        self.bytes.extend(bytes);
        let held = self.bytes.make_contiguous();
        let end = self.base + held.len() as u64;
        let last_start = end.saturating_sub(HEADER_LEN as u64 - 1);
        while self.considered < last_start {
            let at = self.considered;
            self.considered += 1;
            let Some(begun) = begin(held, self.base, at, search) else {
                continue;
            };
            let is_start = is_event_start && at == event_start;
            let evidence = begun.evidence + if is_start { EVIDENCE_OF_START } else { 0 };
            if self.chains.len() < CHAINS_MAX {
                self.chains.push(Chain { evidence, ..begun });
            }
        }
        let mut found: Option<u64> = None;
        self.chains.retain(|chain| {
            let holds = advance(chain, held, self.base, search);
            let ends = u32::from(chain.next == end) * EVIDENCE_OF_END;
            if holds && chain.evidence + ends >= search.evidence_min {
                found = Some(found.map_or(chain.start, |start| start.min(chain.start)));
            }
            holds
        });
        if let Some(start) = found {
            let skip = usize::try_from(start - self.base).unwrap_or(usize::MAX);
            return Some(held.get(skip..).unwrap_or_default().to_vec());
        }
        if self.bytes.len() > search.held_max {
            self.forget(search.held_max / 2);
        }
        None
    }

    /// Holds the last `keep` bytes only. Chains that began before go on.
    fn forget(&mut self, keep: usize) {
        let cut = self.bytes.len().saturating_sub(keep);
        self.bytes.drain(..cut);
        self.base += cut as u64;
        for chain in &mut self.chains {
            if chain.start < self.base {
                chain.start = if chain.last >= self.base {
                    chain.last
                } else {
                    chain.next
                };
            }
        }
        let base = self.base;
        self.chains.retain(|chain| chain.start >= base);
    }
}

/// The header at a position, if it is plausible, and its evidence.
fn header(held: &[u8], base: u64, at: u64, search: Search<'_>) -> Option<(FrameHeader, u32)> {
    let bytes = held.get(usize::try_from(at.checked_sub(base)?).ok()?..)?;
    let header = FrameHeader::read(bytes)?;
    let evidence = header.evidence((search.is_known_stream)(header.stream))?;
    Some((header, evidence))
}

fn begin(held: &[u8], base: u64, at: u64, search: Search<'_>) -> Option<Chain> {
    let (header, evidence) = header(held, base, at, search)?;
    Some(Chain {
        start: at,
        last: at,
        next: at + HEADER_LEN as u64 + u64::from(header.length),
        evidence,
    })
}

/// Follows a chain as far as the bytes go. False when it breaks.
fn advance(chain: &mut Chain, held: &[u8], base: u64, search: Search<'_>) -> bool {
    let end = base + held.len() as u64;
    while chain.next <= end {
        // The header may be forgotten already; then so is its payload.
        if chain.last >= base && chain.last < chain.next {
            let Some(evidence) = payload_evidence(held, base, chain) else {
                return false;
            };
            chain.evidence += evidence;
        }
        // The payload is judged once.
        chain.last = chain.next;
        if chain.next + HEADER_LEN as u64 > end {
            return true;
        }
        let Some(next) = begin(held, base, chain.next, search) else {
            return false;
        };
        chain.evidence += next.evidence;
        chain.next = next.next;
    }
    true
}

/// What the payload of the last frame of a chain adds. None when it cannot be one.
fn payload_evidence(held: &[u8], base: u64, chain: &Chain) -> Option<u32> {
    let start = usize::try_from(chain.last - base).ok()?;
    let end = usize::try_from(chain.next - base).ok()?;
    let frame = held.get(start..end)?;
    let header = FrameHeader::read(frame)?;
    let payload = frame.get(HEADER_LEN..)?;
    if header.kind != FrameType::Headers {
        return Some(0);
    }
    let block = header_block(&header, payload)?;
    hpack::evidence(block, header.has(END_HEADERS))
}

/// The field block fragment in the payload of a HEADERS frame (RFC 9113 section 6.2).
pub(super) fn header_block<'a>(header: &FrameHeader, payload: &'a [u8]) -> Option<&'a [u8]> {
    let (padding, rest) = if header.has(PADDED) {
        let (&padding, rest) = payload.split_first()?;
        (usize::from(padding), rest)
    } else {
        (0, payload)
    };
    let rest = if header.has(PRIORITY) {
        rest.get(5..)?
    } else {
        rest
    };
    rest.get(..rest.len().checked_sub(padding)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PING: &[u8] = b"\0\0\x08\x06\0\0\0\0\0pingping";
    const SETTINGS_ACK: &[u8] = b"\0\0\0\x04\x01\0\0\0\0";
    const HEADERS: &[u8] = b"\0\0\x07\x01\x05\0\0\0\x03\x82\x86\x84\x41\x02ab";
    const DATA: &[u8] = b"\0\0\x03\0\0\0\0\0\x05abc";

    fn find(evidence_min: u32, events: &[&[u8]]) -> Option<Vec<u8>> {
        let mut resync = Resync::default();
        let search = Search {
            evidence_min,
            held_max: 1000,
            is_known_stream: &|_| false,
        };
        events
            .iter()
            .find_map(|event| resync.feed(event, true, search))
    }

    #[test]
    fn a_chain_is_found_behind_other_bytes() {
        let garbage = b"the rest of something\0\0\0\x02\0\0";
        let joined = [garbage.as_slice(), PING, SETTINGS_ACK].concat();
        let wanted = [PING, SETTINGS_ACK].concat();
        assert_eq!(find(EVIDENCE_OF_PROTOCOL, &[&joined]), Some(wanted.clone()));
        // However it is cut, it is found; the last bytes decide.
        let pieces: Vec<&[u8]> = joined.chunks(1).collect();
        let found = find(EVIDENCE_OF_PROTOCOL, &pieces).expect("found");
        assert!(wanted.starts_with(&found) || found.starts_with(&wanted));
    }

    #[test]
    fn one_headers_frame_that_fills_a_segment_is_enough() {
        assert!(find(EVIDENCE_OF_PROTOCOL, &[HEADERS]).is_some());
    }

    #[test]
    fn one_data_frame_is_not() {
        assert_eq!(find(EVIDENCE_WITHIN, &[DATA]), None);
        assert!(find(EVIDENCE_WITHIN, &[DATA, DATA, DATA]).is_some());
    }

    #[test]
    fn headers_that_cannot_be_decoded_break_a_chain() {
        let broken = b"\0\0\x03\x01\x05\0\0\0\x03\x80\x80\x80";
        assert_eq!(find(EVIDENCE_WITHIN, &[broken, broken, broken]), None);
    }

    #[test]
    fn text_and_zeros_are_nothing() {
        assert_eq!(find(EVIDENCE_WITHIN, &[&[0; 900]]), None);
        assert_eq!(
            find(EVIDENCE_WITHIN, &[b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]),
            None
        );
    }

    #[test]
    fn what_is_held_is_bounded() {
        let mut resync = Resync::default();
        let search = Search {
            evidence_min: EVIDENCE_WITHIN,
            held_max: 1000,
            is_known_stream: &|_| false,
        };
        for i in 0..1000_u32 {
            let bytes = i.wrapping_mul(0x9e37_79b1).to_le_bytes().map(|b| b | 0x80);
            assert_eq!(resync.feed(&bytes.repeat(30), true, search), None);
            assert!(resync.held() <= 1000);
        }
    }
}
