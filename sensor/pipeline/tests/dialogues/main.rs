//! Packets in, exchanges out, against an oracle: two TCP ends hold HTTP dialogues in which every
//! message names its exchange, and a mirror drops, copies, delays, cuts, wraps and reorders what
//! passes the tap.
//!
//! `DIALOGUES_CASES` sets the number of cases, `DIALOGUES_SEED` the first seed; a failure prints
//! its seed, and `DIALOGUES_TRACE=1` prints packets and exchanges. `PIPE=1` lets clients pipeline
//! in the lossy cases too.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may fail, and says on which case"
)]

/// Random numbers from a seed.
mod random;

/// What is said.
mod dialogue;

/// Two TCP ends and the tap.
mod network;

/// The mirror port.
mod mirror;

/// What packets look like on their way to the sensor.
mod frame;

use std::collections::BTreeMap;

use dialogue::Exchange;
use frame::Way;
use mirror::Mirror;
use network::{Manner, Packet, Tcp};
use random::Random;
use tapscope_http::{BodyEnd, HttpExchange, Pairing};
use tapscope_pipeline::{Worker, WorkerSettings};

/// Cases of a usual run.
const CASES: u64 = 300;

/// Of so many pairs that say that they are supposed, one may be wrong.
const WRONG: usize = 1000;

/// What was put in and what came out of one case.
struct Case {
    /// The exchanges by identifier; whether each of their packets reached the sensor.
    meant: BTreeMap<u32, (Exchange, bool)>,
    /// No packet of any connection was lost.
    lossless: bool,
    seen: Vec<HttpExchange>,
    /// Packets with data of which the mirror brought a second copy.
    copied: u64,
    worker_counts: BTreeMap<String, u64>,
}

/// Prints a packet, when asked for, with positions instead of sequence numbers.
fn trace(packet: &Packet, tap: &[Packet]) {
    if std::env::var("DIALOGUES_TRACE").is_err() {
        return;
    }
    let first = |from_client| tap.iter().find(|p| p.from_client == from_client);
    let isn = |from_client| first(from_client).map_or(0, |p| p.seq.wrapping_add(1));
    eprintln!(
        "{} {}+{} ack {:?} flags {} {:?}",
        if packet.from_client { ">" } else { "    <" },
        packet
            .seq
            .wrapping_sub(isn(packet.from_client))
            .cast_signed(),
        packet.data.len(),
        packet
            .ack
            .map(|ack| ack.wrapping_sub(isn(!packet.from_client)).cast_signed()),
        packet.flags,
        String::from_utf8_lossy(&packet.data[..packet.data.len().min(40)]),
    );
}

/// Prints what came out, when asked for.
fn trace_exchanges(seen: &[HttpExchange]) {
    if std::env::var("DIALOGUES_TRACE").is_ok() {
        for seen in seen {
            let request = seen.request.as_ref();
            let response = seen.response.as_ref();
            eprintln!(
                "= {:?} {:?} {:?}",
                request.map(|it| (
                    id_of(&it.head),
                    it.body.length,
                    it.body.missing,
                    it.body.end
                )),
                response.map(|it| (
                    id_of(&it.head),
                    it.body.length,
                    it.body.missing,
                    it.body.end
                )),
                seen.pairing
            );
        }
    }
}

/// Marks the exchanges that a dropped packet had a byte of.
fn mark_touched(case: &mut Case, exchanges: &[Exchange], tap: &[Packet], dropped: &[bool]) {
    let (mut request_at, mut response_at) = (0, 0);
    for exchange in exchanges {
        let ranges = [
            (true, request_at, request_at + exchange.request.len()),
            (false, response_at, response_at + exchange.response.len()),
        ];
        request_at = ranges[0].2;
        response_at = ranges[1].2;
        let whole = ranges.iter().all(|&(from_client, start, end)| {
            let mut missing = vec![true; end - start];
            for (packet, &dropped) in tap.iter().zip(dropped) {
                let reach = (packet.offset, packet.offset + packet.data.len());
                if packet.from_client == from_client && reach.0 < end && reach.1 > start {
                    if dropped {
                        return false;
                    }
                    missing[reach.0.max(start) - start..reach.1.min(end) - start].fill(false);
                }
            }
            !missing.contains(&true)
        });
        case.meant.insert(exchange.id, (exchange.clone(), whole));
    }
}

/// What makes a case: what is said, and how it reaches the sensor.
struct Scene {
    mirror: Mirror,
    way: Way,
    /// Whether TCP does more than hand on data.
    has_tcp: bool,
    /// Content holds what looks like messages.
    traps: bool,
    /// Messages with an urgent octet, in a hundred.
    urgent: usize,
    pipelining: bool,
}

fn play(random: &mut Random, scene: &Scene) -> Case {
    let mut case = Case {
        meant: BTreeMap::new(),
        lossless: true,
        seen: Vec::new(),
        copied: 0,
        worker_counts: BTreeMap::new(),
    };
    let seen = &mut Vec::new();
    let mut worker = Worker::new(&WorkerSettings::default(), |exchange| seen.push(exchange));
    let mut now = 10_000_000_000;
    let mut id = 0;
    let mut ip_id = 0_u16;
    for _ in 0..1 + random.below(3) {
        let count = 1 + random.below(8);
        let exchanges: Vec<Exchange> = (0..count)
            .map(|index| {
                id += 1;
                dialogue::exchange(random, id, index + 1 == count, (scene.traps, scene.urgent))
            })
            .collect();
        let manner = manner(random, scene, case.meant.is_empty());
        let mut tap = network::play(random, &exchanges, &manner);
        for packet in &mut tap {
            ip_id = ip_id.wrapping_add(1);
            packet.ip_id = ip_id;
        }
        let (arrivals, mut dropped) = mirror::pass(random, scene.mirror, &tap);
        for (packet, dropped) in tap.iter().zip(&mut dropped) {
            *dropped |= !scene.way.takes(packet);
        }
        case.lossless &= !dropped.contains(&true);
        mark_touched(&mut case, &exchanges, &tap, &dropped);
        for arrival in arrivals {
            trace(&arrival.packet, &tap);
            now += arrival.after;
            let has_data = !arrival.packet.data.is_empty();
            case.copied += u64::from(arrival.is_copy && has_data);
            for frame in scene.way.frames(&arrival.packet, now) {
                worker.handle_packet(frame.raw());
            }
        }
        // The next connection takes the same addresses and ports.
        now += [10_000_000, 300_000_000, 3_000_000_000][random.below(3)];
    }
    worker.flush();
    for counter in worker.counters() {
        let reason = counter.reason.as_deref().unwrap_or_default();
        let key = format!("{} {reason}", counter.name);
        *case.worker_counts.entry(key).or_default() += counter.value;
    }
    drop(worker);
    trace_exchanges(seen);
    case.seen = core::mem::take(seen);
    case
}

fn manner(random: &mut Random, scene: &Scene, is_fresh: bool) -> Manner {
    Manner {
        pipeline: if scene.pipelining && random.chance(50) {
            1 + random.below(5)
        } else {
            1
        },
        bursts: random.chance(50),
        again: [0, 0, 5, 20][random.below(4)],
        at_client: random.chance(50),
        tcp: if scene.has_tcp {
            Tcp::any(random, is_fresh)
        } else {
            Tcp::default()
        },
    }
}

/// The exchange that a message names.
fn id_of(head: &tapscope_http::HeadBytes) -> Option<u32> {
    let value = head.header("x-id")?;
    core::str::from_utf8(value).ok()?.parse().ok()
}

/// Checks what holds whatever the mirror does; returns what is wrong.
fn never_wrong(case: &Case) -> Result<(), String> {
    let mut requests = BTreeMap::new();
    let mut responses = BTreeMap::new();
    for seen in &case.seen {
        let request = seen.request.as_ref().map(|request| id_of(&request.head));
        let response = seen.response.as_ref().map(|response| id_of(&response.head));
        let is_wrong = is_wrong_pair(seen);
        // A pair that says that it is supposed claims nothing; there are few, and they are counted.
        if is_wrong && seen.pairing != Pairing::Supposed {
            return Err(format!("request {request:?} with response {response:?}"));
        }
        if let (Some(Some(id)), Some(message)) = (request, &seen.request) {
            let (meant, _) = &case.meant[&id];
            let method = message.head.slice(message.method);
            if method != meant.method.as_bytes() {
                return Err(format!("request {id} has another method"));
            }
            check_body(id, &message.body, &meant.request_content)?;
            *requests.entry(id).or_insert(0) += 1;
        }
        if let (Some(Some(id)), Some(message)) = (response, &seen.response) {
            let (meant, _) = &case.meant[&id];
            if message.status != meant.status {
                return Err(format!("response {id} has another status"));
            }
            // Whether it has content is the request's to say.
            if !is_wrong && (meant.method != "HEAD" || seen.request.is_some()) {
                check_body(id, &message.body, &meant.response_content)?;
            }
            *responses.entry(id).or_insert(0) += 1;
        }
    }
    for (kind, counts) in [("request", requests), ("response", responses)] {
        if let Some((id, _)) = counts.iter().find(|(_, count)| **count > 1) {
            return Err(format!("{kind} {id} was reported twice"));
        }
    }
    counters_conserve(case)
}

/// Whether it joins what does not belong together.
fn is_wrong_pair(seen: &HttpExchange) -> bool {
    let request = seen.request.as_ref().and_then(|it| id_of(&it.head));
    let response = seen.response.as_ref().and_then(|it| id_of(&it.head));
    matches!((request, response), (Some(request), Some(response)) if request != response)
}

/// A body never holds what was not said, and is only complete when it is.
fn check_body(id: u32, body: &tapscope_http::Body, meant: &[u8]) -> Result<(), String> {
    if !meant.starts_with(&body.sample) {
        return Err(format!("content of {id} is spliced"));
    }
    if body.end == BodyEnd::Complete && body.length != meant.len() as u64 {
        return Err(format!("content of {id} is called complete, and is not"));
    }
    // A FIN that was not captured and was acknowledged looks like one byte more.
    if body.length + body.missing > meant.len() as u64 + u64::from(body.end == BodyEnd::Open) {
        return Err(format!("content of {id} is longer than it was"));
    }
    Ok(())
}

/// Every exchange is counted once, under one reason.
fn counters_conserve(case: &Case) -> Result<(), String> {
    let counted: u64 = case
        .worker_counts
        .iter()
        .filter(|(name, _)| name.starts_with("http_exchanges_reported_total"))
        .map(|(_, value)| value)
        .sum();
    if counted != case.seen.len() as u64 {
        return Err(format!("{counted} counted, {} reported", case.seen.len()));
    }
    Ok(())
}

/// The identifiers of the exchanges that were reported whole.
fn whole_pairs(case: &Case) -> Vec<u32> {
    let whole = |seen: &&HttpExchange| {
        seen.pairing != Pairing::Unpaired
            && seen
                .request
                .as_ref()
                .is_some_and(|it| it.body.end == BodyEnd::Complete)
            && seen
                .response
                .as_ref()
                .is_some_and(|it| it.body.end == BodyEnd::Complete)
    };
    let pairs = case.seen.iter().filter(whole);
    pairs
        .filter_map(|seen| id_of(&seen.request.as_ref()?.head))
        .collect()
}

/// The untouched exchanges that were not reported whole.
fn lost_untouched(case: &Case) -> Vec<u32> {
    let pairs = whole_pairs(case);
    let untouched = case.meant.iter().filter(|(_, (_, whole))| *whole);
    untouched
        .map(|(id, _)| *id)
        .filter(|id| !pairs.contains(id))
        .collect()
}

fn for_each_seed(mut check: impl FnMut(&mut Random) -> Result<(), String>) {
    let number = |name: &str| {
        std::env::var(name)
            .ok()
            .and_then(|value| value.parse().ok())
    };
    let first = number("DIALOGUES_SEED").unwrap_or(1);
    let cases = number("DIALOGUES_CASES").unwrap_or(CASES);
    let mut failures = 0;
    for seed in first..first + cases {
        if let Err(why) = check(&mut Random::new(seed)) {
            eprintln!("seed {seed}: {why}");
            failures += 1;
        }
    }
    assert_eq!(failures, 0, "run with DIALOGUES_SEED=… DIALOGUES_CASES=1");
}

#[test]
fn without_loss_every_exchange_is_whole_whatever_is_copied_and_reordered() {
    for_each_seed(|random| {
        let mirror = Mirror {
            drops: 0,
            copies: [0, 10, 100][random.below(3)],
            reorders: [0, 5, 30][random.below(3)],
            ..Mirror::default()
        };
        let scene = Scene {
            mirror,
            way: Way::PLAIN,
            has_tcp: false,
            traps: random.chance(50),
            urgent: 0,
            pipelining: true,
        };
        let case = play(random, &scene);
        never_wrong(&case)?;
        let lost = lost_untouched(&case);
        if lost.is_empty() {
            Ok(())
        } else {
            Err(format!("{mirror:?}: not whole: {lost:?}"))
        }
    });
}

/// What lossy cases came to.
#[derive(Default)]
struct Sums {
    /// Exchanges that lost nothing.
    untouched: usize,
    /// Those of them that were not reported whole.
    lost: usize,
    pairs: usize,
    /// Pairs that say that they are supposed.
    supposed: usize,
    /// Those of them that are wrong.
    wrong: usize,
}

impl Sums {
    fn add(&mut self, case: &Case) {
        self.untouched += case.meant.values().filter(|(_, whole)| *whole).count();
        self.lost += lost_untouched(case).len();
        for seen in &case.seen {
            self.pairs += usize::from(seen.pairing != Pairing::Unpaired);
            if seen.pairing == Pairing::Supposed {
                self.supposed += 1;
                self.wrong += usize::from(is_wrong_pair(seen));
            }
        }
    }

    /// At most one untouched exchange in `lost` is not whole, and one pair in `supposed` says that
    /// it is supposed: connections are short and up to 30 packets of 100 lost, so that of many
    /// clients too little is seen to know them. Nearly all of these pairs are right.
    fn hold(&self, lost: usize, supposed: usize) {
        let Self {
            untouched, pairs, ..
        } = *self;
        let sums = format!(
            "{} of {untouched} not whole, {} of {pairs} supposed, {} of them wrong",
            self.lost, self.supposed, self.wrong
        );
        if std::env::var("DIALOGUES_CASES").is_ok() {
            eprintln!("{sums}");
        }
        assert!(self.lost * lost < untouched, "{sums}");
        assert!(self.supposed * supposed < pairs, "{sums}");
        assert!(self.wrong * WRONG < self.supposed.max(WRONG + 1), "{sums}");
    }
}

/// Plays lossy cases.
fn play_with_loss(pipelining: bool) -> Sums {
    let mut sums = Sums::default();
    for_each_seed(|random| {
        let mirror = Mirror {
            drops: [1, 3, 10, 30][random.below(4)],
            copies: [0, 5][random.below(2)],
            reorders: [0, 0, 5, 30][random.below(4)],
            ..Mirror::default()
        };
        let scene = Scene {
            mirror,
            way: Way::PLAIN,
            has_tcp: false,
            traps: false,
            urgent: 0,
            pipelining,
        };
        let case = play(random, &scene);
        sums.add(&case);
        never_wrong(&case).map_err(|why| format!("{mirror:?}: {why}"))
    });
    sums
}

#[test]
fn with_loss_no_pair_is_wrong_and_nothing_is_spliced() {
    // Nearly all of what was not touched is whole in spite of its neighbours.
    play_with_loss(std::env::var("PIPE").is_ok()).hold(35, 5);
}

/// More can be meant than without pipelining, so that more stays unpaired.
#[test]
fn with_loss_no_pair_out_of_a_pipeline_is_wrong() {
    play_with_loss(true).hold(9, 8);
}

/// The mirror wraps, copies and delays copies, its clock steps, and TCP does what it may.
#[test]
fn without_loss_every_exchange_is_whole_whatever_the_way_and_whatever_tcp_does() {
    for_each_seed(|random| {
        let is_late = random.chance(50);
        let mirror = Mirror {
            copies: [0, 10, 100][random.below(3)],
            // What is late beyond the grace of a hole is lost, so that only copies are.
            reorders: if is_late { 0 } else { [0, 30][random.below(2)] },
            late_copies: if is_late { 30 } else { 0 },
            pauses: if is_late { 3 } else { 0 },
            steps: if is_late { 2 } else { 0 },
            ..Mirror::default()
        };
        let scene = Scene {
            mirror,
            way: Way::any(random),
            has_tcp: true,
            traps: random.chance(50),
            urgent: [0, 30][random.below(2)],
            pipelining: true,
        };
        let case = play(random, &scene);
        let describe = |why| format!("{}, {mirror:?}: {why}", scene.way.name());
        never_wrong(&case).map_err(describe)?;
        let lost = lost_untouched(&case);
        if lost.is_empty() {
            Ok(())
        } else {
            Err(describe(format!("not whole: {lost:?}")))
        }
    });
}

/// Packets are cut, lost and wrapped, and TCP does what it may.
#[test]
fn with_loss_nothing_is_wrong_whatever_the_way_and_whatever_tcp_does() {
    let mut sums = Sums::default();
    for_each_seed(|random| {
        let is_cut = random.chance(30);
        let mirror = Mirror {
            drops: [0, 1, 5, 20][random.below(4)],
            copies: [0, 5, 100][random.below(3)],
            reorders: [0, 0, 5, 30][random.below(4)],
            late_copies: [0, 30][random.below(2)],
            pauses: [0, 0, 2][random.below(3)],
            steps: [0, 0, 2][random.below(3)],
            ..Mirror::default()
        };
        let scene = Scene {
            mirror,
            way: if is_cut {
                Way::cut(random)
            } else {
                Way::any(random)
            },
            has_tcp: true,
            traps: false,
            // Of an octet whose packets were all lost nobody can tell that it was none.
            urgent: if is_cut && mirror.loses_nothing() {
                30
            } else {
                0
            },
            pipelining: random.chance(50),
        };
        let case = play(random, &scene);
        sums.add(&case);
        never_wrong(&case).map_err(|why| format!("{}, {mirror:?}: {why}", scene.way.name()))
    });
    sums.hold(9, 9);
}

/// The mirror brings one direction only: what it brings is reported, and paired with nothing.
#[test]
fn of_one_side_every_message_is_reported_and_none_is_paired() {
    for_each_seed(|random| {
        let without_client = random.chance(50);
        let mirror = Mirror {
            copies: [0, 10][random.below(2)],
            reorders: [0, 5][random.below(2)],
            without: Some(without_client),
            ..Mirror::default()
        };
        let scene = Scene {
            mirror,
            way: Way::any(random),
            has_tcp: false,
            traps: false,
            urgent: 0,
            pipelining: true,
        };
        let case = play(random, &scene);
        never_wrong(&case)?;
        let is_paired = |seen: &HttpExchange| seen.request.is_some() && seen.response.is_some();
        if case.seen.iter().any(is_paired) {
            return Err("a pair of one side".to_owned());
        }
        let requests = case.seen.iter().filter(|seen| seen.request.is_some());
        let requests = requests.count();
        if !without_client && requests != case.meant.len() {
            return Err(format!("{requests} of {} requests", case.meant.len()));
        }
        Ok(())
    });
}

/// The mirror sees every third packet twice, and senders repeat themselves.
#[test]
fn every_copy_is_told_from_a_repetition_over_ipv6_too() {
    for_each_seed(|random| {
        let mirror = Mirror {
            copies: 30,
            in_place: random.chance(50),
            ..Mirror::default()
        };
        let scene = Scene {
            mirror,
            way: Way::bare(random),
            has_tcp: false,
            traps: false,
            urgent: 0,
            pipelining: true,
        };
        let case = play(random, &scene);
        never_wrong(&case)?;
        let counted = case.worker_counts["flow_segments_duplicated_total "];
        // Where nothing tells, what is sent again at once is a copy as well.
        let may_be_more = !scene.way.tells_repetitions();
        if counted == case.copied || counted > case.copied && may_be_more {
            Ok(())
        } else {
            Err(format!("{counted} of {} copies", case.copied))
        }
    });
}
