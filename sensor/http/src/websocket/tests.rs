//! Frames as they come: masked, cut, compressed, torn.

use std::io::Write as _;

use proptest::prelude::*;

use super::reader::{Deflate, Reader};
use crate::counters::Counters;
use crate::exchange::MessageFlow;
use crate::settings::HttpSettings;

/// A frame, masked when `key` is set.
fn frame(first: u8, payload: &[u8], key: Option<[u8; 4]>) -> Vec<u8> {
    let mask = if key.is_some() { 0x80 } else { 0 };
    let mut out = vec![first];
    match payload.len() {
        short @ 0..126 => out.push(u8::try_from(short).unwrap() | mask),
        middle @ 126..0x1_0000 => {
            out.push(126 | mask);
            out.extend_from_slice(&u16::try_from(middle).unwrap().to_be_bytes());
        }
        long => {
            out.push(127 | mask);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&key.unwrap_or_default()[..if key.is_some() { 4 } else { 0 }]);
    let key = key.unwrap_or_default();
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    out
}

/// A message compressed as a raw deflate stream, its tail taken off.
fn deflated(encoder: &mut flate2::write::DeflateEncoder<Vec<u8>>, payload: &[u8]) -> Vec<u8> {
    encoder.write_all(payload).unwrap();
    encoder.flush().unwrap();
    let mut bytes = core::mem::take(encoder.get_mut());
    bytes.truncate(bytes.len() - 4);
    bytes
}

fn encoder() -> flate2::write::DeflateEncoder<Vec<u8>> {
    flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default())
}

/// What is read of pieces of a stream; none stands for a gap of so many bytes.
fn read(pieces: &[Result<&[u8], u64>], is_client: bool, deflate: Option<Deflate>) -> Reader {
    let mut reader = Reader::new(is_client, deflate);
    let mut counters = Counters::new();
    for piece in pieces {
        match piece {
            Ok(bytes) => reader.data(bytes, true, &HttpSettings::default(), &mut counters),
            Err(len) => reader.gap(*len, &mut counters),
        }
    }
    reader
}

fn texts(flow: &MessageFlow) -> Vec<String> {
    let text = |sample: &Vec<u8>| String::from_utf8_lossy(sample).into_owned();
    flow.samples.iter().map(text).collect()
}

#[test]
fn masked_fragmented_and_interleaved_with_control_frames() {
    let key = Some([1, 2, 3, 4]);
    let stream = [
        frame(0x01, b"{\"a\":", key),
        frame(0x89, b"ping", key),
        frame(0x80, b"1}", key),
        frame(0x82, &[0; 300], key),
        frame(0x81, b"", key),
        frame(0x88, &[0x03, 0xe9, b'x'], key),
    ]
    .concat();
    let reader = read(&[Ok(&stream)], true, None);
    let flow = &reader.flow;
    assert_eq!((flow.messages, flow.text, flow.control), (3, 2, 2));
    assert_eq!((flow.bytes, flow.longest), (307, 300));
    assert_eq!(texts(flow)[0], "{\"a\":1}");
    assert_eq!(reader.close, Some(1001));
}

#[test]
fn compressed_with_and_without_a_window_that_goes_on() {
    for takeover in [true, false] {
        let mut shared = encoder();
        let mut stream = Vec::new();
        for n in 0..4 {
            let payload = format!("{{\"name\":\"the same text again\",\"n\":{n}}}");
            let bytes = if takeover {
                deflated(&mut shared, payload.as_bytes())
            } else {
                deflated(&mut encoder(), payload.as_bytes())
            };
            stream.extend(frame(0xc1, &bytes, None));
        }
        let reader = read(&[Ok(&stream)], false, Some(Deflate { takeover }));
        assert_eq!(reader.flow.compressed, 4);
        let texts = texts(&reader.flow);
        assert_eq!(texts.len(), 4, "{takeover}");
        assert_eq!(texts[3], "{\"name\":\"the same text again\",\"n\":3}");
    }
}

#[test]
fn a_compressed_bomb_is_a_sample_like_any_other() {
    let payload = deflated(&mut encoder(), &vec![b'a'; 8 << 20]);
    let stream = [frame(0xc1, &payload, None), frame(0x81, b"after", None)].concat();
    let reader = read(&[Ok(&stream)], false, Some(Deflate { takeover: true }));
    assert_eq!(reader.flow.messages, 2);
    let settings = HttpSettings::default();
    assert!(reader.held() <= settings.message_sample_bytes_max * 2);
}

#[test]
fn a_gap_inside_a_frame_costs_its_message_only() {
    let first = frame(0x82, &[7; 100], None);
    let second = frame(0x81, b"next", None);
    let reader = read(
        &[Ok(&first[..10]), Err(80), Ok(&first[90..]), Ok(&second)],
        false,
        None,
    );
    assert_eq!((reader.flow.messages, reader.flow.incomplete), (1, 1));
    assert_eq!(texts(&reader.flow).last().map(String::as_str), Some("next"));
}

#[test]
fn a_gap_over_a_header_is_over_at_the_next_chain_of_frames() {
    let noise = [0xff_u8; 40];
    let chain = [frame(0x81, b"one", None), frame(0x81, b"two", None)].concat();
    let reader = read(
        &[
            Ok(&frame(0x81, b"zero", None)),
            Err(500),
            Ok(&noise),
            Ok(&chain),
        ],
        false,
        None,
    );
    assert_eq!(texts(&reader.flow), ["zero", "one", "two"]);
}

#[test]
fn what_is_no_frame_is_not_read_as_one() {
    for first in [0x83, 0xb1, 0xc1, 0x09, 0x8b] {
        let reader = read(&[Ok(&frame(first, b"x", None))], false, None);
        assert_eq!(reader.flow.messages + reader.flow.control, 0, "{first:#x}");
    }
}

proptest! {
    /// However the stream is cut, the same is read.
    #[test]
    fn cutting_changes_nothing(
        parts in prop::collection::vec((0_usize..6, 0_usize..400, any::<[u8; 4]>()), 1..12),
        cuts in prop::collection::vec(1_usize..60, 1..40),
    ) {
        let firsts = [0x81, 0x82, 0x01, 0x80, 0x89, 0x88];
        let stream: Vec<u8> = parts
            .iter()
            .flat_map(|(kind, len, key)| {
                let len = if *kind > 3 { len % 126 } else { *len };
                frame(firsts[*kind], &vec![b'x'; len], Some(*key))
            })
            .collect();
        let whole = read(&[Ok(&stream)], true, None);
        let mut reader = Reader::new(true, None);
        let mut counters = Counters::new();
        let mut rest = &stream[..];
        for cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at((*cut).min(rest.len()));
            reader.data(piece, false, &HttpSettings::default(), &mut counters);
            rest = after;
        }
        prop_assert_eq!(&whole.flow, &reader.flow);
        prop_assert_eq!(whole.close, reader.close);
    }

    /// Whatever comes, nothing grows beyond the samples.
    #[test]
    fn arbitrary_bytes_are_bounded(
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
        takeover in any::<bool>(),
        gaps in prop::collection::vec(0_u64..200, 20),
    ) {
        let settings = HttpSettings::default();
        let mut reader = Reader::new(true, Some(Deflate { takeover }));
        let mut counters = Counters::new();
        for (piece, gap) in pieces.iter().zip(gaps) {
            reader.data(piece, true, &settings, &mut counters);
            if gap > 150 {
                reader.gap(gap, &mut counters);
            }
        }
        let most = (settings.message_samples_max + 1) * settings.message_sample_bytes_max;
        prop_assert!(reader.held() <= most);
    }
}
