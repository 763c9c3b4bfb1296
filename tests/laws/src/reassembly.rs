//! Reassembly of TCP streams against an oracle that keeps every byte on its own: what is delivered
//! is the first copy that was captured, a gap holds nothing that was captured before it and comes
//! neither too early nor too late, what is counted adds up, and caps hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use tapscope_decap::{Encapsulation, Layer, Segment, SeqNumber, TcpFlags};
use tapscope_flow::{
    EndReason, FlowSettings, FlowTable, GapReason, Side, StreamEvent, StreamEventKind, Timestamp,
};

use crate::input::Input;

const MILLISECOND: i64 = 1_000_000;

/// Most bytes of a side: far below the distance at which a jump needs more evidence.
const STREAM_MAX: usize = 4_000;

/// Holds the laws of reassembly: an input is the packets of one connection, then, read again, of
/// several that keep to no rule.
pub fn reassembly(data: &[u8]) {
    let dialogue = Dialogue::of(data);
    agrees_with_the_oracle(&dialogue, FlowSettings::default());
    let tight = FlowSettings {
        held_bytes_max: 6_000,
        held_bytes_per_connection_max: 1_500,
        held_segments_max: 4,
        hole_grace_bytes: 1_000,
        ..FlowSettings::default()
    };
    agrees_with_the_oracle(&dialogue, tight);
    keeps_the_contract(data);
}

/// A packet of the connection, in positions instead of sequence numbers.
#[derive(Debug)]
struct Piece {
    side: Side,
    offset: usize,
    data: Vec<u8>,
    /// Bytes that the capture cut off.
    cut: usize,
    fin: bool,
    acknowledges: Option<usize>,
    ip_id: u16,
    /// The urgent pointer of a segment with URG.
    urgent: Option<u16>,
    nanos: i64,
}

impl Piece {
    fn wire_end(&self) -> usize {
        self.offset + self.data.len() + self.cut
    }
}

/// A connection whose handshake was seen.
#[derive(Debug)]
struct Dialogue {
    first: [u32; 2],
    pieces: Vec<Piece>,
}

const fn index(side: Side) -> usize {
    match side {
        Side::A => 0,
        Side::B => 1,
    }
}

impl Dialogue {
    fn of(data: &[u8]) -> Self {
        let mut input = Input(data);
        let wraps = input.byte();
        // Half of the streams pass the end of the sequence numbers.
        let first = [1, 2].map(|bit| {
            let start = u32::from(input.byte());
            if wraps & bit == 0 {
                start
            } else {
                start.wrapping_neg()
            }
        });
        let lengths = [(); 2].map(|()| usize::from(input.word()) % STREAM_MAX);
        let mut pieces = Vec::new();
        let mut nanos = 0;
        while !input.is_empty() && pieces.len() < 500 {
            let head = input.byte();
            // The odd nanosecond keeps a packet from falling on the very end of a grace.
            nanos += 1 + [1, 1, 1, 2, 10, 150, 250, 3_100][usize::from(head >> 5)] * MILLISECOND;
            let side = if head & 1 == 0 { Side::A } else { Side::B };
            let (length, others) = (lengths[index(side)], lengths[index(side.other())]);
            let fin = head & 2 != 0 && input.byte() & 3 == 0;
            let wanted = input.below(200);
            let offset = usize::from(input.word()) % (length + 1);
            let wire_len = wanted.min(length - offset);
            let (offset, wire_len) = if fin {
                (length - wanted.min(length), wanted.min(length))
            } else {
                (offset, wire_len)
            };
            let cut = if head & 4 == 0 {
                0
            } else {
                input.below(60).min(wire_len)
            };
            // A second copy now and then says something else.
            let forged = if head & 8 == 0 { 0 } else { input.byte() & 1 };
            let byte = |at: usize| (at as u8).wrapping_mul(7) ^ (at >> 8) as u8 ^ forged;
            let acknowledged = usize::from(input.word());
            let urgent = (head & 6 == 0 && wire_len > 0 && input.byte() & 7 == 0)
                .then(|| u16::from(input.byte()));
            pieces.push(Piece {
                side,
                offset,
                data: (offset..offset + wire_len - cut).map(byte).collect(),
                cut,
                fin,
                acknowledges: (head & 16 != 0).then_some(acknowledged % (others + 2)),
                ip_id: u16::from(input.byte() & 7),
                urgent,
                nanos,
            });
        }
        Self { first, pieces }
    }

    fn handshake(&self) -> [Raw; 3] {
        let [a, b] = self.first;
        let raw = |from_client, seq: u32, ack, flags| Raw {
            from_client,
            seq,
            ack,
            flags,
            ..Raw::default()
        };
        [
            raw(true, a.wrapping_sub(1), None, TcpFlags::SYN),
            raw(false, b.wrapping_sub(1), Some(a), TcpFlags::SYN),
            raw(true, a, Some(b), 0),
        ]
    }

    fn raw(&self, piece: &Piece) -> Raw {
        let at = |side: Side, position: usize| {
            self.first[index(side)].wrapping_add(u32::try_from(position).unwrap_or(0))
        };
        Raw {
            from_client: piece.side == Side::A,
            seq: at(piece.side, piece.offset),
            ack: piece.acknowledges.map(|to| at(piece.side.other(), to)),
            flags: if piece.fin { TcpFlags::FIN } else { 0 }
                | if piece.urgent.is_some() {
                    TcpFlags::URG
                } else {
                    0
                },
            urgent: piece.urgent.unwrap_or(0),
            data: piece.data.clone(),
            cut: piece.cut,
            ip_id: piece.ip_id,
            nanos: piece.nanos,
            ..Raw::default()
        }
    }
}

/// A segment to be sent.
#[derive(Clone, Debug, Default)]
struct Raw {
    from_client: bool,
    port: u16,
    seq: u32,
    ack: Option<u32>,
    flags: u8,
    data: Vec<u8>,
    cut: usize,
    ip_id: u16,
    urgent: u16,
    vlan: Option<u16>,
    nanos: i64,
}

impl Raw {
    fn send(&self, table: &mut FlowTable, mut sink: impl FnMut(StreamEvent<'_>)) {
        let end = |last, port| SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, last)), port);
        let (client, server) = (end(1, 40_000 + self.port), end(2, 80));
        let (source, destination) = if self.from_client {
            (client, server)
        } else {
            (server, client)
        };
        let ack_flag = if self.ack.is_some() { TcpFlags::ACK } else { 0 };
        let segment = Segment {
            timestamp: Timestamp::from_nanos(self.nanos),
            interface: 0,
            source,
            destination,
            seq: SeqNumber(self.seq),
            ack: SeqNumber(self.ack.unwrap_or(0)),
            flags: TcpFlags(self.flags | ack_flag),
            window: 65_535,
            urgent_pointer: self.urgent,
            sender_clock: None,
            payload: &self.data,
            payload_len: u32::try_from(self.data.len() + self.cut).unwrap_or(u32::MAX),
            ip_id: self.ip_id,
            hop_limit: 64,
            encapsulation: Encapsulation(self.vlan.map(Layer::Vlan).into_iter().collect()),
        };
        table.handle_segment(&segment, &mut sink);
    }
}

/// What the oracle knows of one side.
#[derive(Default)]
struct Kept {
    /// The first copy of every byte that was captured, and with which packet.
    first: HashMap<usize, (u8, usize)>,
    /// The octet that a packet's urgent pointer means.
    pointers: HashMap<usize, usize>,
    /// The urgent octet that a receiver knows of.
    urgent: Option<usize>,
    /// A packet that the capture cut had an urgent pointer. When it is read hangs on which packet
    /// is taken to have brought what was cut, so of urgent octets only their place is held to.
    is_unsure: bool,
    cut: HashSet<usize>,
    /// Every copy that was sent, for conflicts.
    copies: HashSet<(usize, u8)>,
    /// How far each packet reached, when it came, and its bytes.
    reached: Vec<(usize, i64, usize)>,
    acknowledged: usize,
    fin: Option<usize>,
    next: usize,
    /// When `next` last moved.
    moved: i64,
    ended: bool,
    /// Caps are reached.
    is_tight: bool,
    /// Bytes after which an acknowledged hole may be given up.
    grace_bytes: u64,
    delivered: u64,
    urgents: u64,
    gapped: u64,
}

impl Kept {
    fn take(&mut self, piece: &Piece, number: usize) {
        let bytes = (piece.offset..).zip(&piece.data);
        for (at, byte) in bytes {
            self.copies.insert((at, *byte));
            if at >= self.next {
                self.first.entry(at).or_insert((*byte, number));
            }
        }
        self.cut
            .extend(piece.offset + piece.data.len()..piece.wire_end());
        if let Some(pointer) = piece.urgent {
            let octet = piece.offset + usize::from(pointer.saturating_sub(1));
            self.pointers.insert(number, octet);
            self.is_unsure |= piece.cut > 0;
        }
        if piece.wire_end() > piece.offset || piece.fin {
            let len = piece.wire_end() - piece.offset;
            self.reached.push((piece.wire_end(), piece.nanos, len));
        }
        if piece.fin {
            self.fin = Some(piece.wire_end());
        }
    }

    fn data(&mut self, offset: u64, bytes: &[u8]) {
        assert!(!self.ended);
        assert_eq!(offset, self.next as u64, "no hole, no overlap");
        for byte in bytes {
            let kept = self.first.get(&self.next).map(|(kept, _)| *kept);
            assert_eq!(kept, Some(*byte), "the first copy of {} wins", self.next);
            let is_urgent = self.reads_urgent() && !self.is_unsure;
            assert!(!is_urgent, "{} is urgent", self.next);
            self.next += 1;
        }
        self.delivered += bytes.len() as u64;
    }

    /// Whether a receiver that comes to the next byte takes it out.
    fn reads_urgent(&mut self) -> bool {
        let packet = self.first.get(&self.next).map(|(_, packet)| packet);
        let pointer = packet.and_then(|packet| self.pointers.get(packet));
        if let Some(octet) = pointer.copied().filter(|octet| *octet >= self.next) {
            self.urgent = self.urgent.max(Some(octet));
        }
        self.urgent.take_if(|octet| *octet == self.next).is_some()
    }

    /// An urgent octet, while packet `number` is handled.
    fn urgent(&mut self, offset: u64, number: usize) {
        assert!(!self.ended);
        assert_eq!(offset, self.next as u64, "no hole, no overlap");
        // It may be told of a hole whose grace was over before that packet came.
        let from_now = |(_, packet): &(u8, usize)| *packet == number;
        let is_missing = self.first.get(&self.next).is_none_or(from_now);
        let is_known = is_missing && self.urgent.take_if(|octet| *octet == self.next).is_some();
        let is_meant = self.is_unsure && self.pointers.values().any(|at| *at == self.next);
        let is_urgent = is_known || self.reads_urgent() || is_meant;
        assert!(is_urgent, "{offset} is not urgent");
        self.next += 1;
        self.urgents += 1;
    }

    /// A gap before the end of the capture, while packet `number` is handled.
    fn gap(&mut self, gap: (u64, u64, GapReason), at: i64, number: usize, now: i64) {
        let (offset, len, reason) = gap;
        assert!(!self.ended);
        assert_eq!(offset, self.next as u64, "no hole, no overlap");
        assert!(len > 0);
        let end = self.next + usize::try_from(len).expect("a small gap");
        for position in self.next..end {
            if let Some((_, captured)) = self.first.get(&position) {
                // Its grace was over before the packet that brought it, or room was made for it.
                let is_early = at < now || self.is_tight;
                assert!(
                    *captured == number && is_early,
                    "{position} in the gap {gap:?} was captured by {captured}, not {number}"
                );
            }
            if reason == GapReason::Truncated {
                assert!(self.cut.contains(&position), "{position} was not cut");
            }
        }
        let is_inside = |octet: usize| octet >= self.next && octet < end && !self.is_unsure;
        assert!(!self.urgent.is_some_and(is_inside), "{:?}", self.urgent);
        self.next = end;
        self.gapped += len;
        let beyond = self.reached.iter().position(|(to, ..)| *to >= end);
        if reason == GapReason::NotCaptured && number != usize::MAX {
            let first = beyond.expect("something beyond a hole");
            let waited = at - self.reached[first].1;
            let passed: usize = self.reached.iter().skip(first).map(|(_, _, len)| len).sum();
            if self.acknowledged < end {
                assert!(waited >= 3_000 * MILLISECOND, "given up after {waited} ns");
            } else {
                let is_over = waited >= 200 * MILLISECOND || passed as u64 >= self.grace_bytes;
                assert!(is_over, "given up after {waited} ns and {passed} bytes");
            }
        }
    }

    /// Nothing waits longer than any grace.
    fn is_prompt(&self, now: i64) {
        let waits = |(to, ..): &&(usize, i64, usize)| *to > self.next;
        if let Some((_, since, _)) = self.reached.iter().find(waits) {
            let waited = now - self.moved.max(*since);
            assert!(waited < 3_001 * MILLISECOND, "waits for {waited} ns");
        }
    }
}

/// The oracle, and what the connection did.
#[derive(Default)]
struct Oracle {
    sides: [Kept; 2],
    name: Option<u64>,
    /// The time of the last event of each side.
    latest: [i64; 2],
    closed: bool,
}

impl Oracle {
    fn event(&mut self, event: StreamEvent<'_>, number: usize, now: i64) {
        if *self.name.get_or_insert(event.connection.name) != event.connection.name {
            return;
        }
        assert!(!self.closed, "nothing follows Close");
        let at = event.timestamp.nanos();
        if let StreamEventKind::Data { side, .. } | StreamEventKind::Gap { side, .. } = event.kind {
            let latest = core::mem::replace(&mut self.latest[index(side)], at);
            assert!(at >= latest, "a stream's time goes forward");
        }
        match event.kind {
            StreamEventKind::Open { from_start, .. } => assert!(from_start),
            StreamEventKind::Data {
                side,
                offset,
                bytes,
                ..
            } => {
                self.sides[index(side)].data(offset, bytes);
                self.sides[index(side)].moved = now;
            }
            StreamEventKind::Gap {
                side,
                offset,
                len,
                reason,
            } => {
                self.sides[index(side)].gap((offset, len, reason), at, number, now);
                self.sides[index(side)].moved = now;
            }
            StreamEventKind::Urgent {
                side,
                offset,
                is_taken_out,
            } => {
                assert!(is_taken_out, "as receivers read by default");
                self.sides[index(side)].urgent(offset, number);
                self.sides[index(side)].moved = now;
            }
            StreamEventKind::Conflict { side, offset } => {
                let copies = &self.sides[index(side)].copies;
                let offset = usize::try_from(offset).expect("a small offset");
                let different = (0..=u8::MAX).filter(|byte| copies.contains(&(offset, *byte)));
                assert!(different.count() > 1, "copies of {offset} are alike");
            }
            StreamEventKind::End { side, reason } => {
                let kept = &mut self.sides[index(side)];
                assert!(!kept.ended);
                assert_eq!(reason, EndReason::Fin);
                assert_eq!(kept.fin, Some(kept.next), "End comes where FIN is");
                kept.ended = true;
            }
            StreamEventKind::Close { .. } => self.closed = true,
        }
    }

    /// What holds once everything was given out.
    fn is_complete(&self) {
        for kept in &self.sides {
            if self.name.is_none() {
                assert!(kept.first.is_empty(), "captured, and nothing said");
                continue;
            }
            let last = kept.first.keys().max().map_or(0, |last| last + 1);
            assert!(kept.next >= last, "what was captured comes out or was late");
            assert_eq!(kept.ended, kept.fin.is_some());
        }
    }
}

fn count(table: &FlowTable, names: &[(&str, Option<&str>)]) -> u64 {
    let counters = table.counters();
    let of = |(name, reason): &(&str, Option<&str>)| {
        let is_it = |it: &&tapscope_decap::CounterValue| {
            it.name == *name && reason.is_none_or(|reason| it.reason.as_deref() == Some(reason))
        };
        counters
            .iter()
            .filter(is_it)
            .map(|it| it.value)
            .sum::<u64>()
    };
    names.iter().map(of).sum()
}

/// What is counted of a packet that brings nothing new.
const REPEATED: &[(&str, Option<&str>)] = &[
    ("flow_segments_retransmitted_total", None),
    ("flow_segments_duplicated_total", None),
    ("flow_segments_keep_alive_total", None),
];

fn agrees_with_the_oracle(dialogue: &Dialogue, settings: FlowSettings) {
    let caps = (
        settings.held_bytes_max,
        settings.held_bytes_per_connection_max,
    );
    let grace_bytes = settings.hole_grace_bytes;
    let mut table = FlowTable::new(settings);
    let mut oracle = Oracle::default();
    for kept in &mut oracle.sides {
        kept.is_tight = caps.0 < STREAM_MAX * 4;
        kept.grace_bytes = grace_bytes;
    }
    for raw in dialogue.handshake() {
        raw.send(&mut table, |event| {
            unreachable!("a handshake says nothing: {event:?}")
        });
    }
    let mut sent = 3;
    for (number, piece) in dialogue.pieces.iter().enumerate() {
        let kept = &mut oracle.sides[index(piece.side)];
        let has_payload = piece.wire_end() > piece.offset;
        let is_repeated = has_payload && piece.wire_end() <= kept.next;
        kept.take(piece, number);
        // An acknowledgement counts for what the next packet finds: a hole is examined before.
        let acknowledged = &mut oracle.sides[index(piece.side.other())].acknowledged;
        *acknowledged = (*acknowledged).max(piece.acknowledges.unwrap_or(0));
        let before = is_repeated.then(|| count(&table, REPEATED));
        let now = piece.nanos;
        dialogue
            .raw(piece)
            .send(&mut table, |event| oracle.event(event, number, now));
        sent += 1;
        if oracle.closed {
            break;
        }
        assert!(table.retained_bytes() <= caps.0.min(caps.1));
        if let Some(before) = before {
            let counted = count(&table, REPEATED) - before;
            assert_eq!(counted, 1, "a repetition is counted once");
        }
        for kept in &oracle.sides {
            kept.is_prompt(now);
        }
    }
    let end = Timestamp::from_nanos(dialogue.pieces.last().map_or(0, |piece| piece.nanos));
    let now = end.nanos();
    table.flush(end, &mut |event: StreamEvent<'_>| {
        oracle.event(event, usize::MAX, now);
    });
    oracle.is_complete();
    assert_eq!(table.retained_bytes(), 0);
    assert_eq!(
        count(&table, &[("flow_segments_received_total", None)]),
        sent
    );
    if count(&table, &[("flow_connections_opened_total", None)]) == 1 {
        let sum = |of: fn(&Kept) -> u64| oracle.sides.iter().map(of).sum::<u64>();
        assert_eq!(
            count(&table, &[("flow_bytes_delivered_total", None)]),
            sum(|it| it.delivered)
        );
        assert_eq!(
            count(&table, &[("flow_urgent_octets_total", None)]),
            sum(|it| it.urgents)
        );
        assert_eq!(
            count(&table, &[("flow_gap_bytes_total", None)]),
            sum(|it| it.gapped)
        );
    }
}

/// How far each side of a connection was emitted, and whether it ended.
type Emitted = [(u64, bool); 2];

/// Packets that keep to no rule: the contract of the events, the caps, the sums and determinism.
fn keeps_the_contract(data: &[u8]) {
    let settings = FlowSettings {
        held_bytes_max: 4_000,
        held_bytes_per_connection_max: 2_000,
        held_segments_max: 8,
        connections_max: 3,
        ..FlowSettings::default()
    };
    let once = wild(data, &settings);
    assert_eq!(
        once,
        wild(data, &settings),
        "the same input, the same events"
    );
}

fn wild(data: &[u8], settings: &FlowSettings) -> Vec<String> {
    let mut table = FlowTable::new(settings.clone());
    let mut open: BTreeMap<u64, Emitted> = BTreeMap::new();
    let mut events = Vec::new();
    let mut input = Input(data);
    let (mut nanos, mut payload) = (0, 0);
    while !input.is_empty() {
        let raw = wild_segment(&mut input, &mut nanos);
        payload += raw.data.len() as u64;
        raw.send(&mut table, |event| {
            contract(&mut open, event);
            events.push(format!("{event:?}"));
        });
        assert!(table.retained_bytes() <= settings.held_bytes_max);
        assert!(table.connections() <= settings.connections_max);
    }
    table.flush(Timestamp::from_nanos(nanos), &mut |event: StreamEvent<
        '_,
    >| {
        contract(&mut open, event);
        events.push(format!("{event:?}"));
    });
    assert!(open.is_empty(), "every connection is closed");
    assert_eq!((table.retained_bytes(), table.connections()), (0, 0));
    let of = |name| count(&table, &[(name, None)]);
    assert_eq!(
        of("flow_connections_opened_total"),
        of("flow_connections_closed_total")
    );
    assert!(of("flow_bytes_delivered_total") <= payload);
    events
}

fn wild_segment(input: &mut Input<'_>, nanos: &mut i64) -> Raw {
    let (head, flags) = (input.byte(), input.byte());
    *nanos += input.choose(&[1, 1, 2, 20, 201, 3_001, -50, 16_000]) * MILLISECOND;
    let number = |input: &mut Input<'_>| {
        let near = u32::from(input.word()) % 2_000;
        near.wrapping_add(input.choose(&[0, 0, 0, 0xffff_fc00, 0x4000_0000, 0x0100_0100]))
    };
    Raw {
        from_client: head & 1 == 0,
        port: u16::from(head >> 1 & 3),
        seq: number(input),
        ack: (head & 8 != 0).then(|| number(input)),
        flags: flags & 0x27,
        data: vec![head ^ flags; input.below(200)],
        cut: if head & 16 == 0 { 0 } else { input.below(50) },
        ip_id: u16::from(flags >> 6),
        urgent: u16::from(head),
        vlan: (head & 32 != 0).then_some(u16::from(head >> 6)),
        nanos: *nanos,
    }
}

fn contract(open: &mut BTreeMap<u64, Emitted>, event: StreamEvent<'_>) {
    let name = event.connection.name;
    if let StreamEventKind::Open { .. } = event.kind {
        assert!(
            open.insert(name, Emitted::default()).is_none(),
            "opened twice"
        );
        return;
    }
    let emitted = open.get_mut(&name).expect("Open comes first");
    match event.kind {
        StreamEventKind::Data {
            side,
            offset,
            bytes,
            ..
        } => {
            let (next, ended) = &mut emitted[index(side)];
            assert!(!*ended && offset == *next && !bytes.is_empty());
            *next += bytes.len() as u64;
        }
        StreamEventKind::Gap {
            side, offset, len, ..
        } => {
            let (next, ended) = &mut emitted[index(side)];
            assert!(!*ended && offset == *next && len > 0);
            *next += len;
        }
        StreamEventKind::End { side, .. } => {
            let (_, ended) = &mut emitted[index(side)];
            assert!(!core::mem::replace(ended, true), "a side ends once");
        }
        StreamEventKind::Close { .. } => {
            open.remove(&name);
        }
        StreamEventKind::Urgent {
            side,
            offset,
            is_taken_out,
        } => {
            let (next, ended) = &mut emitted[index(side)];
            assert!(!*ended && offset == *next && is_taken_out);
            *next += 1;
        }
        StreamEventKind::Open { .. } | StreamEventKind::Conflict { .. } => {}
    }
}
