//! A wire to write on and a consumer that holds the stage to its contract.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tapscope_decap::{Segment, SeqNumber, TcpFlags};
use tapscope_flow::{
    CloseReason, Encapsulation, EndReason, FlowSettings, FlowTable, GapReason, Layer, Side,
    StreamEvent, StreamEventKind, Timestamp,
};

pub(crate) const SYN: u8 = TcpFlags::SYN;
pub(crate) const ACK: u8 = TcpFlags::ACK;
pub(crate) const FIN: u8 = TcpFlags::FIN;
pub(crate) const RST: u8 = TcpFlags::RST;

/// A segment as a test writes it down.
#[derive(Clone, Debug)]
pub(crate) struct Wire {
    pub(crate) from_client: bool,
    pub(crate) client_port: u16,
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) flags: u8,
    pub(crate) data: Vec<u8>,
    pub(crate) wire_len: Option<u32>,
    pub(crate) ip_id: u16,
    pub(crate) hop_limit: u8,
    pub(crate) clock: Option<u32>,
    pub(crate) urgent: Option<u16>,
    pub(crate) vlan: Option<u16>,
    pub(crate) nanos: Option<i64>,
}

fn wire(from_client: bool, seq: u32, data: &[u8]) -> Wire {
    Wire {
        from_client,
        client_port: 40_000,
        seq,
        ack: None,
        flags: 0,
        data: data.to_vec(),
        wire_len: None,
        ip_id: 0,
        hop_limit: 64,
        clock: None,
        urgent: None,
        vlan: None,
        nanos: None,
    }
}

/// A segment of the client.
pub(crate) fn client(seq: u32, data: &[u8]) -> Wire {
    wire(true, seq, data)
}

/// A segment of the server.
pub(crate) fn server(seq: u32, data: &[u8]) -> Wire {
    wire(false, seq, data)
}

impl Wire {
    pub(crate) fn flags(mut self, flags: u8) -> Self {
        self.flags |= flags;
        self
    }

    pub(crate) fn ack(mut self, ack: u32) -> Self {
        self.ack = Some(ack);
        self
    }

    pub(crate) fn cut(mut self, wire_len: u32) -> Self {
        self.wire_len = Some(wire_len);
        self
    }

    pub(crate) fn id(mut self, ip_id: u16) -> Self {
        self.ip_id = ip_id;
        self
    }

    pub(crate) fn hops(mut self, hop_limit: u8) -> Self {
        self.hop_limit = hop_limit;
        self
    }

    /// The sender's clock in the timestamps option.
    pub(crate) fn clock(mut self, clock: u32) -> Self {
        self.clock = Some(clock);
        self
    }

    /// URG with that pointer.
    pub(crate) fn urgent(mut self, pointer: u16) -> Self {
        self.urgent = Some(pointer);
        self.flags(TcpFlags::URG)
    }

    pub(crate) fn vlan(mut self, vlan: u16) -> Self {
        self.vlan = Some(vlan);
        self
    }

    pub(crate) fn port(mut self, port: u16) -> Self {
        self.client_port = port;
        self
    }

    /// Milliseconds from the start of the capture; without it 1 ms after the segment before.
    pub(crate) fn ms(mut self, ms: i64) -> Self {
        self.nanos = Some(ms * 1_000_000);
        self
    }

    pub(crate) fn send(&self, nanos: i64, table: &mut FlowTable, seen: &mut Seen) {
        let client = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), self.client_port);
        let server = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2)), 80);
        let (source, destination) = if self.from_client {
            (client, server)
        } else {
            (server, client)
        };
        let ack_flag = if self.ack.is_some() { ACK } else { 0 };
        let segment = Segment {
            timestamp: Timestamp::from_nanos(nanos),
            interface: 0,
            source,
            destination,
            seq: SeqNumber(self.seq),
            ack: SeqNumber(self.ack.unwrap_or(0)),
            flags: TcpFlags(self.flags | ack_flag),
            window: 65_535,
            urgent_pointer: self.urgent.unwrap_or(0),
            sender_clock: self.clock,
            payload: &self.data,
            payload_len: self.wire_len.unwrap_or(self.data.len() as u32),
            ip_id: self.ip_id,
            hop_limit: self.hop_limit,
            encapsulation: Encapsulation(self.vlan.map(Layer::Vlan).into_iter().collect()),
        };
        table.handle_segment(&segment, &mut |event: StreamEvent<'_>| seen.take(event));
    }
}

/// One side's stream as the consumer got it: gaps are `None` bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SideSeen {
    pub(crate) bytes: Vec<Option<u8>>,
    pub(crate) gaps: Vec<(u64, u64, GapReason)>,
    pub(crate) conflicts: Vec<u64>,
    pub(crate) urgent: Vec<u64>,
    pub(crate) end: Option<EndReason>,
    pub(crate) acknowledged: Vec<(u64, Option<u64>)>,
}

impl SideSeen {
    /// The stream with `.` for what is missing.
    pub(crate) fn text(&self) -> String {
        self.bytes
            .iter()
            .map(|byte| byte.map_or('.', char::from))
            .collect()
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ConnectionSeen {
    pub(crate) slot: u32,
    pub(crate) a: SocketAddr,
    pub(crate) initiator: Option<Side>,
    pub(crate) side_a: SideSeen,
    pub(crate) side_b: SideSeen,
    pub(crate) close: Option<CloseReason>,
}

/// Everything that was seen, by name. Panics when the contract of the events is broken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) connections: BTreeMap<u64, ConnectionSeen>,
    pub(crate) events: Vec<String>,
}

impl Seen {
    pub(crate) fn take(&mut self, event: StreamEvent<'_>) {
        self.events.push(format!("{event:?}"));
        let id = event.connection;
        if let StreamEventKind::Open { a, initiator, .. } = event.kind {
            let fresh = ConnectionSeen {
                slot: id.slot,
                a,
                initiator,
                side_a: SideSeen::default(),
                side_b: SideSeen::default(),
                close: None,
            };
            assert!(
                self.connections.insert(id.name, fresh).is_none(),
                "opened twice"
            );
            return;
        }
        let conn = self
            .connections
            .get_mut(&id.name)
            .expect("Open comes first");
        assert_eq!(conn.close, None, "Close comes last");
        assert_eq!(conn.slot, id.slot);
        if let StreamEventKind::Close { reason } = event.kind {
            conn.close = Some(reason);
            return;
        }
        let (side, kind) = match event.kind {
            StreamEventKind::Data { side, .. }
            | StreamEventKind::Gap { side, .. }
            | StreamEventKind::Conflict { side, .. }
            | StreamEventKind::Urgent { side, .. }
            | StreamEventKind::End { side, .. } => (side, event.kind),
            other => panic!("unexpected {other:?}"),
        };
        let seen = if side == Side::A {
            &mut conn.side_a
        } else {
            &mut conn.side_b
        };
        assert_eq!(seen.end, None, "nothing of a side follows its End");
        match kind {
            StreamEventKind::Data {
                offset,
                bytes,
                acknowledged,
                captured,
                ..
            } => {
                assert_eq!(offset, seen.bytes.len() as u64, "no holes, no overlaps");
                assert!(!bytes.is_empty());
                assert!(captured <= event.timestamp);
                seen.bytes.extend(bytes.iter().copied().map(Some));
                seen.acknowledged.push((offset, acknowledged));
            }
            StreamEventKind::Gap {
                offset,
                len,
                reason,
                ..
            } => {
                assert_eq!(offset, seen.bytes.len() as u64, "no holes, no overlaps");
                assert!(len > 0);
                seen.gaps.push((offset, len, reason));
                seen.bytes
                    .extend(std::iter::repeat_n(None, usize::try_from(len).unwrap()));
            }
            StreamEventKind::Conflict { offset, .. } => seen.conflicts.push(offset),
            StreamEventKind::Urgent {
                offset,
                is_taken_out,
                ..
            } => {
                assert_eq!(offset, seen.bytes.len() as u64, "no holes, no overlaps");
                seen.urgent.push(offset);
                seen.bytes.extend(is_taken_out.then_some(None));
            }
            StreamEventKind::End { reason, .. } => seen.end = Some(reason),
            _ => unreachable!(),
        }
    }

    /// The only connection.
    pub(crate) fn only(&self) -> &ConnectionSeen {
        assert_eq!(self.connections.len(), 1, "{:#?}", self.events);
        self.connections.values().next().unwrap()
    }
}

/// Sends segments 1 ms apart (or at their own times) and flushes.
pub(crate) fn run_with(settings: FlowSettings, wires: &[Wire]) -> (Seen, FlowTable) {
    let mut table = FlowTable::new(settings);
    let mut seen = Seen::default();
    let mut nanos = 0;
    for wire in wires {
        nanos = wire.nanos.unwrap_or(nanos + 1_000_000);
        wire.send(nanos, &mut table, &mut seen);
    }
    let end = Timestamp::from_nanos(nanos);
    table.flush(end, &mut |event: StreamEvent<'_>| seen.take(event));
    assert_eq!(table.retained_bytes(), 0, "flush lets go of everything");
    assert_eq!(table.connections(), 0);
    for conn in seen.connections.values() {
        assert!(conn.close.is_some(), "every connection is closed");
    }
    (seen, table)
}

pub(crate) fn run(wires: &[Wire]) -> Seen {
    run_with(FlowSettings::default(), wires).0
}

/// The value of a counter.
pub(crate) fn count(table: &FlowTable, name: &str, reason: Option<&str>) -> u64 {
    let counters = table.counters();
    let found = counters
        .iter()
        .find(|it| it.name == name && it.reason.as_deref() == reason);
    found
        .unwrap_or_else(|| panic!("no counter {name} {reason:?}"))
        .value
}

/// SYN, SYN-ACK, ACK: the client's stream starts at 101, the server's at 501.
pub(crate) fn handshake() -> Vec<Wire> {
    vec![
        client(100, b"").flags(SYN),
        server(500, b"").flags(SYN).ack(101),
        client(101, b"").ack(501),
    ]
}

/// Handshake, then `wires`.
pub(crate) fn after_handshake(wires: impl IntoIterator<Item = Wire>) -> Vec<Wire> {
    handshake().into_iter().chain(wires).collect()
}

/// The client's and the server's stream; the client is on port 40000.
pub(crate) fn sides(conn: &ConnectionSeen) -> (String, String) {
    let (a, b) = (conn.side_a.text(), conn.side_b.text());
    if conn.a.port() == 80 { (b, a) } else { (a, b) }
}
