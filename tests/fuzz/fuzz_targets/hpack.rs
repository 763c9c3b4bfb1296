//! Fuzzes HPACK against loona-hpack: the fields of requests on one connection, seen whole.
#![no_main]

use tapscope_flow::{
    ConnectionId, Encapsulation, FeedIndex, Side, StreamEvent, StreamEventKind, Timestamp,
};
use tapscope_http::{HttpExchange, HttpSettings, HttpStage};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let mut oracle = loona_hpack::Decoder::new();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_vec();
    let mut expected = Vec::new();
    // Blocks are separated by a byte that no valid block needs.
    for (i, rest) in data.split(|&byte| byte == 0xff).take(20).enumerate() {
        let block = [b"\x82\x86\x84", rest].concat();
        let Ok(fields) = oracle.decode(&block) else {
            break;
        };
        let length = u32::try_from(block.len()).unwrap_or(0).to_be_bytes();
        let stream = u32::try_from(2 * i + 1).unwrap_or(1).to_be_bytes();
        bytes.extend([&length[1..], &[1, 5], &stream, &block].concat());
        let usual = |name: &[u8]| !name.starts_with(b":") && name != b"host" && name != b"cookie";
        let fields = fields.into_iter().filter(|(name, _)| usual(name));
        expected.push(fields.collect::<Vec<_>>());
    }
    let found: Vec<_> = play(&bytes)
        .iter()
        .filter_map(|exchange| exchange.request.as_ref())
        .map(|request| {
            let fields = request.head.headers();
            let fields = fields.filter(|(name, _)| *name != b"host" && *name != b"cookie");
            let owned = fields.filter(|(name, _)| *name != b"upgrade");
            owned.map(|(n, v)| (n.to_vec(), v.to_vec())).collect::<Vec<_>>()
        })
        .collect();
    for fields in &mut expected {
        fields.retain(|(name, _)| name != b"upgrade");
    }
    assert_eq!(found, expected);
});

fn play(bytes: &[u8]) -> Vec<HttpExchange> {
    let mut stage = HttpStage::new(HttpSettings::default());
    let mut exchanges = Vec::new();
    let address = |port| std::net::SocketAddr::from(([10, 0, 0, 1], port));
    let encapsulation = Encapsulation::default();
    let open = StreamEventKind::Open {
        a: address(40_000),
        b: address(80),
        initiator: Some(Side::A),
        from_start: true,
        encapsulation: &encapsulation,
        feed: FeedIndex::default(),
    };
    let data = StreamEventKind::Data {
        side: Side::A,
        offset: 0,
        acknowledged: None,
        captured: Timestamp::from_nanos(0),
        bytes,
    };
    for kind in [open, data] {
        let event = StreamEvent {
            connection: ConnectionId { slot: 0, name: 0 },
            timestamp: Timestamp::from_nanos(0),
            kind,
        };
        stage.handle_event(event, &mut |exchange| exchanges.push(exchange));
    }
    stage.flush(Timestamp::from_nanos(0), &mut |exchange| exchanges.push(exchange));
    exchanges
}
