//! Two TCP ends that talk, and the tap between them: which packets pass it, in which order.

use std::collections::VecDeque;

use crate::dialogue::{Exchange, Timing};
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
}

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;

/// One end's stream: what was written, how far it was sent, and how far the other end has it.
struct End {
    from_client: bool,
    isn: u32,
    written: Vec<u8>,
    sent: usize,
    delivered: usize,
    /// How far the other end acknowledged in what it sent: that is never sent again.
    acknowledged: usize,
    in_flight: VecDeque<Packet>,
}

impl End {
    fn packet(&self, from: usize, to: usize, other: &Self) -> Packet {
        Packet {
            from_client: self.from_client,
            seq: self.isn.wrapping_add(1 + from as u32),
            ack: Some(other.isn.wrapping_add(1 + other.delivered as u32)),
            flags: 0,
            data: self.written[from..to].to_vec(),
            offset: from,
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
}

/// Plays a connection and returns its packets as they pass the tap.
pub(crate) fn play(random: &mut Random, exchanges: &[Exchange], manner: &Manner) -> Vec<Packet> {
    let end = |random: &mut Random, from_client| End {
        from_client,
        isn: random.next() as u32,
        written: Vec::new(),
        sent: 0,
        delivered: 0,
        acknowledged: 0,
        in_flight: VecDeque::new(),
    };
    let (mut client, mut server) = (end(random, true), end(random, false));
    let mut tap = handshake(&client, &server);
    let (mut asked, mut answered, mut received) = (0, 0, 0);
    let mut request_ends = Vec::new();
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
                    client.written.extend(&exchanges[asked].request);
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
                    server.written.extend(&exchanges[answered].response);
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
    goodbye(random, exchanges, &client, &server, &mut tap);
    tap
}

const fn client_has(server: &End) -> usize {
    server.delivered
}

fn handshake(client: &End, server: &End) -> Vec<Packet> {
    let packet = |from_client, seq, ack, flags| Packet {
        from_client,
        seq,
        ack,
        flags,
        data: Vec::new(),
        offset: 0,
    };
    vec![
        packet(true, client.isn, None, SYN),
        packet(false, server.isn, Some(client.isn.wrapping_add(1)), SYN),
        packet(
            true,
            client.isn.wrapping_add(1),
            Some(server.isn.wrapping_add(1)),
            0,
        ),
    ]
}

fn goodbye(
    random: &mut Random,
    exchanges: &[Exchange],
    client: &End,
    server: &End,
    tap: &mut Vec<Packet>,
) {
    let closes = exchanges.last().is_some_and(|last| last.closes);
    let how = if closes { 0 } else { random.below(4) };
    let last = |end: &End, other: &End, flags| Packet {
        flags,
        ..end.packet(end.sent, end.sent, other)
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
        _ => {}
    }
}

/// Sends the next segment of `end`, or one again.
fn send(random: &mut Random, end: &mut End, other: &End, manner: &Manner, tap: &mut Vec<Packet>) {
    let at_tap = manner.at_client == end.from_client;
    if end.sent > end.acknowledged && random.chance(manner.again) {
        let from = end.acknowledged + random.below(end.sent - end.acknowledged);
        let to = (from + 1 + random.below(1400)).min(end.sent);
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
