//! Urgent data: which octet a pointer means, and that readings, order and copies are told apart.

use proptest::prelude::*;

use crate::support::{SideSeen, Wire, after_handshake, client, count, run_with};
use tapscope_flow::{FlowSettings, UrgentReading};

fn seen(reading: UrgentReading, wires: Vec<Wire>) -> SideSeen {
    let settings = FlowSettings {
        urgent: reading,
        ..FlowSettings::default()
    };
    let (seen, _) = run_with(settings, &after_handshake(wires));
    seen.only().side_a.clone()
}

/// Segments, the stream with `.` for what was taken out, and the positions of urgent octets.
type Case = (&'static str, Vec<Wire>, &'static str, &'static [u64]);

#[test]
fn the_octet_before_the_pointer_is_taken_out_of_the_stream() {
    let far = |seq, data: &[u8], pointer| client(seq, data).urgent(pointer);
    let cases: Vec<Case> = vec![
        (
            "the_last_of_a_segment",
            vec![far(101, b"abc", 3), client(104, b"d")],
            "ab.d",
            &[2],
        ),
        (
            "amid_a_segment",
            vec![far(101, b"abc", 2), client(104, b"d")],
            "a.cd",
            &[1],
        ),
        (
            "pointer_0_means_the_first",
            vec![far(101, b"abc", 0)],
            ".bc",
            &[0],
        ),
        (
            "pointer_1_means_the_first",
            vec![far(101, b"abc", 1)],
            ".bc",
            &[0],
        ),
        (
            "in_a_later_segment",
            vec![far(101, b"abc", 5), client(104, b"de")],
            "abcd.",
            &[4],
        ),
        (
            "said_again_in_each_segment_up_to_there",
            vec![far(101, b"abc", 5), far(104, b"de", 2), client(106, b"f")],
            "abcd.f",
            &[4],
        ),
        (
            "a_pointer_without_flag_means_nothing",
            vec![Wire {
                urgent: Some(1),
                ..client(101, b"abc")
            }],
            "abc",
            &[],
        ),
        (
            "a_pointer_to_what_was_delivered_means_nothing",
            vec![client(101, b"abc"), far(101, b"abc", 3), client(104, b"d")],
            "abcd",
            &[],
        ),
        (
            "a_segment_without_data_marks_what_comes",
            vec![far(101, b"", 2), client(101, b"abc")],
            "a.c",
            &[1],
        ),
        (
            "a_later_one_takes_the_place_of_one_not_reached",
            vec![far(101, b"a", 4), far(102, b"b", 4), client(103, b"cdefg")],
            "abcd.fg",
            &[4],
        ),
        (
            "an_earlier_one_is_ignored_while_one_is_known",
            vec![far(101, b"a", 5), far(102, b"b", 1), client(103, b"cdefg")],
            "abcd.fg",
            &[4],
        ),
        (
            "one_a_segment",
            vec![far(101, b"ab", 2), far(103, b"cd", 2), far(105, b"ef", 1)],
            "a.c..f",
            &[1, 3, 4],
        ),
        (
            "in_another_order",
            vec![far(105, b"ef", 1), far(103, b"cd", 2), far(101, b"ab", 2)],
            "a.c..f",
            &[1, 3, 4],
        ),
        (
            "every_segment_twice",
            vec![
                far(101, b"ab", 2),
                far(101, b"ab", 2),
                far(103, b"cd", 2),
                far(103, b"cd", 2),
            ],
            "a.c.",
            &[1, 3],
        ),
        (
            "a_repetition_without_flag_brings_nothing_back",
            vec![far(101, b"ab", 2), client(101, b"abc")],
            "a.c",
            &[1],
        ),
        (
            "one_that_was_announced_is_none_of_the_stream_though_its_packet_is_missing",
            vec![
                far(101, b"ab", 4),
                client(106, b"f").ms(500),
                client(107, b"g").ms(9_000),
            ],
            "ab...fg",
            &[3],
        ),
    ];
    for (name, wires, text, urgent) in cases {
        let side = seen(UrgentReading::OutOfBand, wires);
        assert_eq!(
            (side.text().as_str(), &*side.urgent),
            (text, urgent),
            "{name}"
        );
    }
}

#[test]
fn other_receivers_read_another_stream() {
    let wires = || {
        vec![
            client(101, b"/malic"),
            client(107, b"XY").urgent(2),
            client(109, b"ious"),
        ]
    };
    let read = |reading| {
        let side = seen(reading, wires());
        (side.text(), side.urgent)
    };
    assert_eq!(
        read(UrgentReading::OutOfBand),
        ("/malicX.ious".into(), vec![7])
    );
    assert_eq!(
        read(UrgentReading::OutOfBandAtPointer),
        ("/malicXY.ous".into(), vec![8])
    );
    assert_eq!(
        read(UrgentReading::InLine),
        ("/malicXYious".into(), vec![7])
    );
}

#[test]
fn urgent_octets_are_counted() {
    let wires = after_handshake([client(101, b"abc").urgent(2), client(104, b"d").urgent(1)]);
    let (_, table) = run_with(FlowSettings::default(), &wires);
    let octets = |reason| count(&table, "flow_urgent_octets_total", Some(reason));
    assert_eq!((octets("taken_out"), octets("in_line")), (2, 0));
    assert_eq!(count(&table, "flow_bytes_delivered_total", None), 2);
}

proptest! {
    /// A sender announces its urgent octet in each segment up to it, however it cuts its stream; the
    /// receiver gets one octet less, whatever the order and however often.
    #[test]
    fn any_segmentation_order_and_repetition_takes_the_same_octet_out(
        len in 1_usize..200,
        cuts in prop::collection::vec(1_usize..40, 1..30),
        at in 0_usize..200,
        jitter in prop::collection::vec(0_i64..4, 40),
        again in prop::collection::vec(any::<bool>(), 40),
    ) {
        let at = at % len;
        let stream: Vec<u8> = (0..len).map(|n| b'a' + u8::try_from(n % 26).unwrap()).collect();
        let mut wires = Vec::new();
        let (mut from, mut cuts) = (0, cuts.iter().cycle());
        while from < len {
            let to = (from + cuts.next().unwrap()).min(len);
            let seq = 101 + u32::try_from(from).unwrap();
            let wire = client(seq, &stream[from..to]);
            let pointer = u16::try_from(at + 1 - from.min(at + 1)).unwrap();
            wires.push(if pointer > 0 { wire.urgent(pointer) } else { wire });
            from = to;
        }
        let mut ordered: Vec<(i64, Wire)> = Vec::new();
        for (n, wire) in wires.into_iter().enumerate() {
            let rank = i64::try_from(n).unwrap() + jitter[n % jitter.len()];
            if again[n % again.len()] {
                ordered.push((rank + 3, wire.clone()));
            }
            ordered.push((rank, wire));
        }
        ordered.sort_by_key(|(rank, _)| *rank);
        let side = seen(UrgentReading::OutOfBand, ordered.into_iter().map(|(_, wire)| wire).collect());
        let mut wanted: Vec<Option<u8>> = stream.into_iter().map(Some).collect();
        wanted[at] = None;
        prop_assert_eq!(side.bytes, wanted);
        prop_assert_eq!(side.urgent, vec![at as u64]);
        prop_assert_eq!(side.gaps, vec![]);
    }
}
