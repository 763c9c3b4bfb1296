//! The examples of RFC 7541 appendix C, and what a sensor meets beside them.

use super::*;

const LIMITS: ListLimits = ListLimits {
    bytes_max: 4096,
    fields_max: 100,
};

fn show(list: &FieldList) -> String {
    let text = |part: Option<&[u8]>| part.map_or("?".to_owned(), |p| p.escape_ascii().to_string());
    list.fields()
        .map(|field| {
            let mark = if field.is_inferred { "~" } else { "" };
            format!("{mark}{}: {}", text(field.name), text(field.value))
        })
        .collect::<Vec<_>>()
        .join("; ")
}

fn decode(decoder: &mut Decoder, block: &[u8]) -> String {
    let mut list = FieldList::default();
    match decoder.decode(block, LIMITS, 8, &mut list, is_request) {
        Ok(()) => show(&list),
        Err(invalid) => format!("{invalid:?}"),
    }
}

fn is_request(list: &FieldList) -> bool {
    let names: Vec<_> = list.fields().filter_map(|field| field.name).collect();
    let count = |name: &[u8]| names.iter().filter(|&&n| n == name).count();
    count(b":method") == 1 && count(b":path") == 1 && count(b":authority") == 1
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex
        .bytes()
        .filter_map(|b| char::from(b).to_digit(16)?.try_into().ok())
        .collect();
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

#[test]
fn representations() {
    // RFC 7541 appendix C.2.
    let cases = [
        (
            "400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
            "custom-key: custom-header",
        ),
        ("040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path"),
        (
            "1008 7061 7373 776f 7264 0673 6563 7265 74",
            "password: secret",
        ),
        ("82", ":method: GET"),
    ];
    for (block, wanted) in cases {
        let mut decoder = Decoder::new(true, 4096);
        assert_eq!(decode(&mut decoder, &bytes(block)), wanted);
        let inserted = usize::from(block.starts_with("400a")) * 55;
        assert_eq!(decoder.held(), inserted);
    }
}

/// Three requests, plain (appendix C.3) and Huffman coded (C.4).
#[test]
fn requests() {
    let plain = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    let coded = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    let wanted = [
        ":method: GET; :scheme: http; :path: /; :authority: www.example.com",
        ":method: GET; :scheme: http; :path: /; :authority: www.example.com; cache-control: no-cache",
        ":method: GET; :scheme: https; :path: /index.html; :authority: www.example.com; custom-key: custom-value",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new(true, 4096);
        for ((block, wanted), held) in blocks.iter().zip(wanted).zip([57, 110, 164]) {
            assert_eq!(decode(&mut decoder, &bytes(block)), wanted);
            assert_eq!(decoder.held(), held);
        }
    }
}

/// Three responses with a table of 256 octets, plain (appendix C.5) and Huffman coded (C.6).
#[test]
fn responses() {
    let plain = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 \
         2032 303a 3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 \
         6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d \
         54c0 5a04 677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 \
         5541 5851 5745 4f49 553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ];
    let coded = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 \
         2d1b ff6e 919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab \
         77ad 94e7 821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f \
         9587 3160 65c0 03ed 4ee5 b106 3d50 07",
    ];
    let wanted = [
        ":status: 302; cache-control: private; date: Mon, 21 Oct 2013 20:13:21 GMT; location: https://www.example.com",
        ":status: 307; cache-control: private; date: Mon, 21 Oct 2013 20:13:21 GMT; location: https://www.example.com",
        ":status: 200; cache-control: private; date: Mon, 21 Oct 2013 20:13:22 GMT; location: https://www.example.com; \
         content-encoding: gzip; set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
    ];
    for blocks in [plain, coded] {
        let mut decoder = Decoder::new(true, 4096);
        decoder.table.resize(256);
        for ((block, wanted), held) in blocks.iter().zip(wanted).zip([222, 222, 215]) {
            assert_eq!(decode(&mut decoder, &bytes(block)), wanted);
            assert_eq!(decoder.held(), held);
        }
    }
}

#[test]
fn what_cannot_be_decoded() {
    for (block, wanted) in [
        ("80", "Index"),
        ("ff", "Truncated"),
        ("ffff ffff ff7f", "Truncated"),
        ("4005 61", "Truncated"),
        ("0085 6402", "Truncated"),
        ("0081 00", "Huffman"),
        ("be", "?: ?"),
    ] {
        assert_eq!(decode(&mut Decoder::new(true, 4096), &bytes(block)), wanted);
    }
}

#[test]
fn joined_midway() {
    let mut decoder = Decoder::new(false, 4096);
    // An old index; then :authority is inserted and referred to, with the old one behind it; then
    // a literal whose name is old.
    assert_eq!(decode(&mut decoder, &bytes("82be")), ":method: GET; ?: ?");
    assert_eq!(
        decode(&mut decoder, &bytes("4101 68be bf")),
        ":authority: h; :authority: h; ?: ?"
    );
    assert_eq!(decode(&mut decoder, &bytes("7f00 0178 be")), "?: x; ?: x");
}

#[test]
fn after_a_gap_the_form_of_a_request_tells_how_many_insertions_were_lost() {
    let before = [bytes("82 44 02 2f61 41 01 68 86 40 01 61 01 62")];
    // :method, :path (oldest), :scheme, :authority: nothing lost, one lost, two lost.
    for (after, wanted) in [
        (
            "82c0 86bf",
            ":method: GET; ~:path: /a; :scheme: http; ~:authority: h",
        ),
        (
            "82c1 86c0",
            ":method: GET; ~:path: /a; :scheme: http; ~:authority: h",
        ),
        (
            "82c2 86c1 be",
            ":method: GET; ~:path: /a; :scheme: http; ~:authority: h; ?: ?",
        ),
    ] {
        let mut decoder = Decoder::new(true, 4096);
        decode(&mut decoder, &before[0]);
        decoder.lose();
        assert_eq!(decode(&mut decoder, &bytes(after)), wanted);
        assert_eq!(
            decode(&mut decoder, &bytes(after)),
            wanted,
            "it stays placed"
        );
    }
}

#[test]
fn after_a_gap_nothing_is_guessed_when_several_numbers_fit() {
    // Two paths: which of them is meant depends on the number.
    let mut decoder = Decoder::new(true, 4096);
    decode(&mut decoder, &bytes("82 44 02 2f61 44 02 2f62 86"));
    decoder.lose();
    assert_eq!(
        decode(&mut decoder, &bytes("82bf 86 0101 68")),
        ":method: GET; ?: ?; :scheme: http; :authority: h"
    );
}

#[test]
fn a_small_block_cannot_make_a_large_list() {
    let mut decoder = Decoder::new(true, 65_536);
    let mut block = bytes("4001 61 7f 8107");
    block.extend([b'x'; 1024]);
    block.extend([0xbe; 10_000]);
    let mut list = FieldList::default();
    let result = decoder.decode(&block, LIMITS, 8, &mut list, is_request);
    assert_eq!(result, Ok(()));
    assert!(list.is_cut);
    assert!(list.bytes.len() <= LIMITS.bytes_max);
}

mod oracle {
    //! Against a decoder that saw the whole connection. That one is held to loona-hpack by the
    //! fuzz target `hpack`, which has a lock of its own.

    use proptest::prelude::*;

    use super::*;

    /// A representation as bytes; most are valid.
    fn representation() -> impl Strategy<Value = Vec<u8>> {
        let text = prop::collection::vec(b'a'..=b'z', 0..20);
        let string = |text: Vec<u8>| [&[u8::try_from(text.len()).unwrap_or(0)][..], &text].concat();
        let huffman = prop::sample::select(vec![
            &b"\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"[..],
            b"\x86\xa8\xeb\x10\x64\x9c\xbf",
            b"\x82\x64\x02",
        ]);
        let value = prop_oneof![
            3 => text.clone().prop_map(string),
            1 => huffman.prop_map(<[u8]>::to_vec),
        ];
        prop_oneof![
            4 => (0x81_u8..=0xcf).prop_map(|byte| vec![byte]),
            3 => (prop::sample::select(vec![0x40_u8, 0x00, 0x10]), text, value.clone())
                .prop_map(move |(kind, name, value)| [vec![kind], string(name), value].concat()),
            3 => (0x41_u8..=0x7e, value).prop_map(|(first, value)| [vec![first], value].concat()),
            1 => (0x20_u8..=0x3e).prop_map(|byte| vec![byte]),
            1 => Just(b"\x3f\xe1\x1f".to_vec()),
            1 => prop::collection::vec(any::<u8>(), 0..6),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

        /// Joined midway: what resolves, resolves to the same.
        #[test]
        fn what_is_known_after_joining_midway_is_right(
            blocks in prop::collection::vec(prop::collection::vec(representation(), 0..12), 2..10),
            missed in 0_usize..6,
        ) {
            let mut oracle = Decoder::new(true, 65_536);
            let mut decoder = Decoder::new(false, 65_536);
            for (i, block) in blocks.into_iter().enumerate() {
                let block = block.concat();
                let mut theirs = FieldList::default();
                let result = oracle.decode(&block, LIMITS, 8, &mut theirs, |_| false);
                if result.is_err() || theirs.has_invalid_index {
                    break;
                }
                if i < missed {
                    continue;
                }
                let mut list = FieldList::default();
                prop_assert_eq!(decoder.decode(&block, LIMITS, 8, &mut list, |_| false), Ok(()));
                for (ours, theirs) in list.fields().zip(theirs.fields()) {
                    prop_assert!(ours.name.is_none() || ours.name == theirs.name);
                    prop_assert!(ours.value.is_none() || ours.value == theirs.value);
                }
                prop_assert_eq!(list.fields().count(), theirs.fields().count());
            }
        }
    }
}
