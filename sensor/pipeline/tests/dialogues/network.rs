//! Two TCP ends that talk, and the tap between them: which packets pass it, in which order.

use std::collections::VecDeque;

use crate::dialogue::{Exchange, Message, Timing};
use crate::random::Random;

/// A packet at the tap.
#[derive(Clone, Debug)]
pub(crate) struct Packet {
    pub(crate) from_client: bool,
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) flags: u8,
    pub(crate) data: Vec<u8>,
    /// Where `data` stands in its side's stream.
    pub(crate) offset: usize,
    /// The identification of the IP packet.
    pub(crate) ip_id: u16,
    /// Its hop limit.
    pub(crate) hops: u8,
    /// The urgent pointer, when URG is set.
    pub(crate) urgent: Option<u16>,
}

impl Packet {
    /// One without data and acknowledgement.
    pub(crate) const fn bare(from_client: bool, seq: u32, flags: u8) -> Self {
        Self {
            from_client,
            seq,
            ack: None,
            flags,
            data: Vec::new(),
            offset: 0,
            ip_id: 0,
            hops: 64,
            urgent: None,
        }
    }
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;

/// One end's stream: what was written, how far it was sent, and how far the other end has it.
struct End {
    from_client: bool,
    isn: u32,
    written: Vec<u8>,
    /// Where in it urgent octets are.
    urgent: Vec<usize>,
    sent: usize,
    delivered: usize,
    /// How far the other end acknowledged in what it sent: that is never sent again.
    acknowledged: usize,
    in_flight: VecDeque<Packet>,
}

impl End {
    fn new(random: &mut Random, from_client: bool, wraps: bool) -> Self {
        Self {
            from_client,
            isn: match random.next() as u32 {
                isn if wraps => 0_u32.wrapping_sub(isn % 3_000),
                isn => isn,
            },
            written: Vec::new(),
            urgent: Vec::new(),
            sent: 0,
            delivered: 0,
            acknowledged: 0,
            in_flight: VecDeque::new(),
        }
    }

    fn write(&mut self, message: &Message) {
        let start = self.written.len();
        self.urgent.extend(message.urgent.map(|at| start + at));
        self.written.extend(&message.wire);
    }

    /// The first urgent octet from there on.
    fn urgent_from(&self, from: usize) -> Option<usize> {
        self.urgent.iter().copied().find(|at| *at >= from)
    }

    /// Where a segment from `from` to `to` at most ends: an urgent octet is the last of its own.
    fn segment_end(&self, from: usize, to: usize) -> usize {
        self.urgent_from(from).map_or(to, |at| to.min(at + 1))
    }

    fn packet(&self, from: usize, to: usize, other: &Self) -> Packet {
        // The urgent octet is announced in each segment up to it.
        let urgent = self.urgent_from(from).filter(|_| to > from);
        Packet {
            urgent: urgent.and_then(|at| u16::try_from(at + 1 - from).ok()),
            from_client: self.from_client,
            seq: self.isn.wrapping_add(1 + from as u32),
            ack: Some(other.isn.wrapping_add(1 + other.delivered as u32)),
            flags: 0,
            data: self.written[from..to].to_vec(),
            offset: from,
            ..Packet::bare(self.from_client, 0, 0)
        }
    }
}

/// How a connection behaves.
pub(crate) struct Manner {
    /// Most requests without an answer.
    pub(crate) pipeline: usize,
    /// The next requests are only sent once all are answered.
    pub(crate) bursts: bool,
    /// Segments that are sent again although they arrived, in a hundred.
    pub(crate) again: usize,
    /// The tap is at the client's end.
    pub(crate) at_client: bool,
    /// What TCP does beside.
    pub(crate) tcp: Tcp,
}

/// What TCP ends and those who forge for them do beside handing on data.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tcp {
    /// Sequence numbers pass the end of their range.
    pub(crate) wraps: bool,
    /// The SYN carries data (RFC 7413).
    pub(crate) fast_open: bool,
    /// A SYN with another initial number goes before.
    pub(crate) tries_twice: bool,
    /// Resets outside the window, in a hundred packets.
    pub(crate) forged_resets: usize,
    /// The ends close one after the other, and acknowledge that; otherwise both at once.
    pub(crate) answers_fin: bool,
}

impl Tcp {
    /// Anything of it. Some only on fresh ports: initial numbers that are alike tell nobody that it is
    /// another connection.
    pub(crate) fn any(random: &mut Random, is_fresh: bool) -> Self {
        Self {
            wraps: random.chance(40) && is_fresh,
            fast_open: random.chance(20),
            tries_twice: random.chance(20),
            forged_resets: [0, 0, 3][random.below(3)],
            answers_fin: random.chance(50),
        }
    }
}

/// Plays a connection and returns its packets as they pass the tap.
pub(crate) fn play(random: &mut Random, exchanges: &[Exchange], manner: &Manner) -> Vec<Packet> {
    let wraps = manner.tcp.wraps;
    let mut end = |from_client| End::new(random, from_client, wraps);
    let (mut client, mut server) = (end(true), end(false));
    let (mut asked, mut answered, mut received) = (0, 0, 0);
    let mut request_ends = Vec::new();
    if manner.tcp.fast_open {
        client.write(&exchanges[0].request);
        request_ends.push((exchanges[0].request_head, client.written.len()));
        client.sent = (1 + random.below(1400)).min(client.written.len());
        // A SYN has no urgent data.
        client.sent = client.sent.min(client.urgent_from(0).unwrap_or(usize::MAX));
        client.delivered = client.sent;
        asked = 1;
    }
    let mut tap = handshake(random, &client, &server, manner.tcp);
    client.acknowledged = client.delivered;
    let mut response_ends: Vec<usize> = Vec::new();
    while received < exchanges.len() {
        while response_ends
            .get(received)
            .is_some_and(|end| *end <= client_has(&server))
        {
            received += 1;
        }
        match random.below(6) {
            0 if asked < exchanges.len() => {
                let room = asked - received < manner.pipeline;
                if room
                    && (!manner.bursts
                        || asked == received
                        || random.chance(80)
                            && server.sent == *response_ends.last().unwrap_or(&0)
                            && answered == received)
                {
                    let start = client.written.len();
                    client.write(&exchanges[asked].request);
                    request_ends
                        .push((start + exchanges[asked].request_head, client.written.len()));
                    asked += 1;
                }
            }
            1 if answered < asked => {
                let (head, whole) = request_ends[answered];
                let needed = match exchanges[answered].timing {
                    Timing::Whole => whole,
                    Timing::Early => head,
                };
                if client.delivered >= needed {
                    server.write(&exchanges[answered].response);
                    response_ends.push(server.written.len());
                    answered += 1;
                }
            }
            2 => send(random, &mut client, &server, manner, &mut tap),
            3 => send(random, &mut server, &client, manner, &mut tap),
            4 => deliver(random, &mut client, &mut server, manner, &mut tap),
            _ => deliver(random, &mut server, &mut client, manner, &mut tap),
        }
    }
    goodbye(random, exchanges, (&client, &server), manner.tcp, &mut tap);
    forge_resets(random, tap, manner.tcp.forged_resets)
}

const fn client_has(server: &End) -> usize {
    server.delivered
}

fn handshake(random: &mut Random, client: &End, server: &End, tcp: Tcp) -> Vec<Packet> {
    let mut tap = Vec::new();
    if tcp.tries_twice {
        tap.push(Packet::bare(true, random.next() as u32, SYN));
    }
    tap.push(Packet {
        data: client.written[..client.sent].to_vec(),
        ..Packet::bare(true, client.isn, SYN)
    });
    let acknowledged = client.isn.wrapping_add(1 + client.sent as u32);
    tap.push(Packet {
        ack: Some(acknowledged),
        ..Packet::bare(false, server.isn, SYN)
    });
    tap.push(Packet {
        ack: Some(server.isn.wrapping_add(1)),
        offset: client.sent,
        ..Packet::bare(true, acknowledged, 0)
    });
    tap
}

/// Adds resets that nobody sent: far outside the window of the stream they are put into.
fn forge_resets(random: &mut Random, tap: Vec<Packet>, percent: usize) -> Vec<Packet> {
    let mut out = Vec::new();
    for packet in tap {
        let far = packet.seq.wrapping_add(0x3000_0000);
        let forged = Packet::bare(packet.from_client, far, RST);
        out.push(packet);
        if out.len() > 4 && percent > 0 && random.chance(percent) {
            out.push(forged);
        }
    }
    out
}

fn goodbye(
    random: &mut Random,
    exchanges: &[Exchange],
    (client, server): (&End, &End),
    tcp: Tcp,
    tap: &mut Vec<Packet>,
) {
    let closes = exchanges.last().is_some_and(|last| last.closes);
    let how = if closes { 0 } else { random.below(4) };
    let how = if how == 0 && tcp.answers_fin { 3 } else { how };
    let last = |end: &End, other: &End, flags| Packet {
        flags,
        ..end.packet(end.sent, end.sent, other)
    };
    // FIN takes a sequence number, which is acknowledged.
    let acknowledges_fin = |packet: Packet| Packet {
        ack: packet.ack.map(|ack| ack.wrapping_add(1)),
        ..packet
    };
    let after_fin = |packet: Packet| Packet {
        seq: packet.seq.wrapping_add(1),
        ..packet
    };
    match how {
        0 => {
            tap.push(last(server, client, FIN));
            tap.push(last(client, server, FIN));
        }
        1 => {
            tap.push(last(client, server, FIN));
            tap.push(last(server, client, FIN));
        }
        2 => tap.push(last(client, server, RST)),
        3 if tcp.answers_fin => {
            tap.push(last(server, client, FIN));
            tap.push(acknowledges_fin(last(client, server, 0)));
            tap.push(acknowledges_fin(last(client, server, FIN)));
            tap.push(acknowledges_fin(after_fin(last(server, client, 0))));
        }
        _ => {}
    }
}

/// Sends the next segment of `end`, or one again.
fn send(random: &mut Random, end: &mut End, other: &End, manner: &Manner, tap: &mut Vec<Packet>) {
    let at_tap = manner.at_client == end.from_client;
    if end.sent > end.acknowledged && random.chance(manner.again) {
        let from = end.acknowledged + random.below(end.sent - end.acknowledged);
        let to = (from + 1 + random.below(1400)).min(end.sent);
        let to = end.segment_end(from, to);
        let packet = end.packet(from, to, other);
        if at_tap {
            tap.push(packet);
        } else {
            end.in_flight.push_back(packet);
        }
        return;
    }
    if end.sent == end.written.len() {
        return;
    }
    let size = if random.chance(15) {
        1 + random.below(20)
    } else {
        1 + random.below(1460)
    };
    let to = (end.sent + size).min(end.written.len());
    let to = end.segment_end(end.sent, to);
    let packet = end.packet(end.sent, to, other);
    end.sent = to;
    if at_tap {
        tap.push(packet.clone());
    }
    end.in_flight.push_back(packet);
}

/// Delivers the first segment in flight from `end`; the receiver may acknowledge it alone.
fn deliver(
    random: &mut Random,
    end: &mut End,
    other: &mut End,
    manner: &Manner,
    tap: &mut Vec<Packet>,
) {
    let Some(packet) = end.in_flight.pop_front() else {
        return;
    };
    end.delivered = end.delivered.max(packet.offset + packet.data.len());
    if let Some(ack) = packet.ack {
        let position = ack.wrapping_sub(other.isn.wrapping_add(1)) as usize;
        other.acknowledged = other.acknowledged.max(position);
    }
    if manner.at_client != end.from_client {
        tap.push(packet);
        if random.chance(40) {
            tap.push(other.packet(other.sent, other.sent, end));
        }
    }
}
