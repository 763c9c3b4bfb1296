//! From facts to a verdict: what is wrong with an interface as a sensor's, and what to do.

use tapscope_analyzer::trust::{self, State};
use tapscope_capture::interface;
use tapscope_record::HealthReport;

/// Share of encapsulated segments from which a filter by outer headers is said to be blind.
const ENCAPSULATED_MIN: f64 = 0.01;

/// Packets larger than the interface's MTU by more than link layer and tags come of offloads.
const LINK_LAYER_MAX: u32 = 40;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    /// The sensor sees what there is.
    Ok,
    /// It sees a part.
    Degraded,
    /// It sees nothing that matters.
    Blind,
}

impl Verdict {
    /// The word for it.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Blind => "blind",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    /// What it makes of the interface; [`Verdict::Ok`] for a hint.
    pub(crate) verdict: Verdict,
    /// What is wrong, in one sentence.
    pub(crate) what: String,
    /// What to do, in one sentence.
    pub(crate) remedy: String,
}

/// What is known of an interface.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    /// Its name.
    pub(crate) name: String,
    /// Why it could not be opened.
    pub(crate) refused: Option<String>,
    /// What it says of itself.
    pub(crate) link: interface::Facts,
    /// Sockets of other programs that capture from it.
    pub(crate) other_sockets: usize,
    /// The BPF filter that `watch` would set.
    pub(crate) filter: Option<String>,
    /// Bytes of a packet that are kept.
    pub(crate) snap_len: u32,
    /// Seconds that were looked at.
    pub(crate) seconds: f64,
    /// The longest packet on the wire.
    pub(crate) largest: u32,
    /// What the sensor's stages say of the packets.
    pub(crate) report: HealthReport,
}

impl Facts {
    pub(crate) fn packets(&self) -> u64 {
        self.report.sources.iter().map(|s| s.packets).sum()
    }

    pub(crate) fn segments(&self) -> u64 {
        let feeds = self.report.feeds.iter();
        feeds.map(|feed| feed.counters.segments).sum()
    }

    /// Share of the segments whose addresses and ports a BPF filter does not find. One VLAN tag is
    /// no hindrance: the kernel takes it off before the filter looks.
    pub(crate) fn encapsulated(&self) -> f64 {
        let feeds = self.report.feeds.iter();
        let inside: u64 = feeds.map(|feed| feed.counters.encapsulated_segments).sum();
        share(inside, self.segments())
    }

    /// Bytes of the ring: asked for and given.
    pub(crate) fn ring(&self) -> (u64, u64) {
        let sources = self.report.sources.first();
        sources.map_or((0, 0), |s| (s.ring_bytes_wanted, s.ring_bytes))
    }
}

/// A share of the whole; 0 when there is no whole.
#[expect(
    clippy::cast_precision_loss,
    reason = "a share is good to ten digits at most"
)]
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// Whether a BPF filter looks at addresses or ports, which it finds in outermost headers only.
pub(crate) fn looks_at_outer_headers(filter: &str) -> bool {
    let mut words = filter.split(|c: char| !c.is_ascii_alphanumeric());
    words.any(|word| matches!(word, "host" | "net" | "port" | "portrange" | "tcp" | "udp"))
}

/// What a filter by outer headers loses on a feed with tunnels, in one line.
pub(crate) fn blind_filter(filter: &str, encapsulated: f64) -> Option<Trouble> {
    let blind = encapsulated >= ENCAPSULATED_MIN && looks_at_outer_headers(filter);
    blind.then(|| Trouble {
        verdict: Verdict::Degraded,
        what: format!(
            "The BPF filter '{filter}' sees the outermost headers only, and {:.0} % of the TCP \
             segments are inside tunnels or stacked tags.",
            encapsulated * 100.0
        ),
        remedy: "Say it with [filter] rules, which look inside, and leave the BPF filter out."
            .to_owned(),
    })
}

/// Everything that is wrong, worst first, and the verdict.
pub(crate) fn check(facts: &Facts) -> (Verdict, Vec<Trouble>) {
    let mut troubles = Vec::new();
    if let Some(reason) = &facts.refused {
        troubles.push(Trouble {
            verdict: Verdict::Blind,
            what: format!("{}.", reason.trim_end_matches('.')),
            remedy: "Without it nothing is captured.".to_owned(),
        });
    } else {
        link(facts, &mut troubles);
        ring(facts, &mut troubles);
        traffic(facts, &mut troubles);
        troubles.extend(
            facts
                .filter
                .as_deref()
                .and_then(|filter| blind_filter(filter, facts.encapsulated())),
        );
    }
    troubles.sort_by_key(|trouble| std::cmp::Reverse(trouble.verdict));
    let verdict = troubles.first().map_or(Verdict::Ok, |worst| worst.verdict);
    (verdict, troubles)
}

fn link(facts: &Facts, troubles: &mut Vec<Trouble>) {
    let mut tell = |verdict, what: String, remedy: String| {
        troubles.push(Trouble {
            verdict,
            what,
            remedy,
        });
    };
    let (name, link) = (&facts.name, &facts.link);
    if link.up == Some(false) {
        tell(
            Verdict::Blind,
            format!("{name} is down."),
            format!("ip link set {name} up"),
        );
    } else if link.carrier == Some(false) {
        tell(
            Verdict::Blind,
            format!("{name} has no carrier."),
            "Check the cable, the transceiver, and that the mirror's destination port is up."
                .to_owned(),
        );
    }
    if link.lro == Some(true) {
        tell(
            Verdict::Ok,
            format!("{name} joins segments in the card (LRO): sizes and times are not the wire's."),
            format!("ethtool -K {name} lro off"),
        );
    }
    if link.gro == Some(true)
        && link
            .mtu
            .is_some_and(|mtu| facts.largest > mtu + LINK_LAYER_MAX)
    {
        tell(
            Verdict::Ok,
            format!(
                "Packets of up to {} bytes are larger than the MTU: segments are joined before \
                 capture (GRO) or handed over whole (TSO).",
                facts.largest
            ),
            format!(
                "Harmless with a snap length of 262144; ethtool -K {name} gro off for honest sizes."
            ),
        );
    }
    if link.queues.is_some_and(|queues| queues > 1) {
        tell(
            Verdict::Ok,
            format!(
                "{name} has {} receive queues: the directions of a connection may be handed over \
                 out of order.",
                link.queues.unwrap_or(0)
            ),
            format!(
                "If much is out of order: ethtool -L {name} combined 1, or a symmetric hash key."
            ),
        );
    }
    if link.dropped > 0 {
        tell(
            Verdict::Ok,
            format!(
                "{name} or its driver has lost {} frames since it is up.",
                link.dropped
            ),
            format!("Look whether it grows; if so, ethtool -G {name} rx MAX, or mirror less."),
        );
    }
}

fn ring(facts: &Facts, troubles: &mut Vec<Trouble>) {
    let (wanted, got) = facts.ring();
    if got > 0 && got < wanted {
        troubles.push(Trouble {
            verdict: Verdict::Degraded,
            what: format!("The kernel gave a ring of {got} bytes instead of {wanted}."),
            remedy: "Free memory, run fewer workers, or ask for less (capture.ring_bytes)."
                .to_owned(),
        });
    }
    if facts.other_sockets > 0 {
        troubles.push(Trouble {
            verdict: Verdict::Ok,
            what: format!(
                "{} other sockets capture from {}: each costs the kernel a copy of every packet.",
                facts.other_sockets, facts.name
            ),
            remedy: "Stop captures that nobody needs (ss -0 -p names them).".to_owned(),
        });
    }
    if facts.snap_len < 65_536 && facts.largest > facts.snap_len {
        troubles.push(Trouble {
            verdict: Verdict::Degraded,
            what: format!(
                "Packets are cut at {} bytes, and some have {}.",
                facts.snap_len, facts.largest
            ),
            remedy: "Raise capture.snap_len (262144 is usual).".to_owned(),
        });
    }
}

fn traffic(facts: &Facts, troubles: &mut Vec<Trouble>) {
    if facts.packets() == 0 {
        troubles.push(Trouble {
            verdict: Verdict::Blind,
            what: format!("No packet came in {:.0} seconds.", facts.seconds),
            remedy: "Check that the mirror session is on and ends at this port, and the cloud's \
                     security group."
                .to_owned(),
        });
        return;
    }
    if facts.segments() == 0 {
        troubles.push(Trouble {
            verdict: Verdict::Blind,
            what: "Packets came, and no TCP in any of them could be decoded.".to_owned(),
            remedy:
                "Mirror the servers' ports, and look at the table for layers that are not known."
                    .to_owned(),
        });
        return;
    }
    for reason in trust::verdict(&facts.report).reasons {
        let verdict = match reason.state {
            State::Poor if reason.share >= 0.99 => Verdict::Blind,
            State::Poor | State::Degraded => Verdict::Degraded,
            State::Good | State::Unknown => Verdict::Ok,
        };
        troubles.push(Trouble {
            verdict,
            what: reason.sentence,
            remedy: reason.remedy,
        });
    }
}

#[cfg(test)]
mod tests {
    use tapscope_record::{FeedCounters, FeedHealth, SourceHealth};

    use super::*;

    /// An interface with nothing wrong.
    fn sound() -> Facts {
        let counters = FeedCounters {
            segments: 1_000,
            payload_bytes: 1_000_000,
            delivered_bytes: 1_000_000,
            connections: 100,
            http_connections: 100,
            heads_parsed: 400,
            exchanges: 200,
            ..FeedCounters::default()
        };
        Facts {
            name: "eth1".to_owned(),
            link: interface::Facts {
                up: Some(true),
                carrier: Some(true),
                mtu: Some(1_500),
                queues: Some(1),
                ..interface::Facts::default()
            },
            snap_len: 262_144,
            seconds: 5.0,
            largest: 1_514,
            report: HealthReport {
                sources: vec![SourceHealth {
                    name: "eth1".to_owned(),
                    kind: "live".to_owned(),
                    packets: 1_100,
                    ring_bytes: 1 << 27,
                    ring_bytes_wanted: 1 << 27,
                    ..SourceHealth::default()
                }],
                feeds: vec![FeedHealth {
                    source: "eth1".to_owned(),
                    counters,
                    ..FeedHealth::default()
                }],
                ..HealthReport::default()
            },
            ..Facts::default()
        }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "one table")]
    fn facts_give_a_verdict_and_a_remedy() {
        type Change = fn(&mut Facts);
        let cases: [(&str, Change, Verdict, &str); 13] = [
            ("nothing wrong", |_| {}, Verdict::Ok, ""),
            (
                "not permitted",
                |f| f.refused = Some("eth1: no permission to capture; setcap".to_owned()),
                Verdict::Blind,
                "no permission",
            ),
            (
                "down",
                |f| f.link.up = Some(false),
                Verdict::Blind,
                "is down",
            ),
            (
                "no carrier",
                |f| f.link.carrier = Some(false),
                Verdict::Blind,
                "no carrier",
            ),
            (
                "silent",
                |f| f.report.sources[0].packets = 0,
                Verdict::Blind,
                "No packet came",
            ),
            (
                "no tcp",
                |f| f.report.feeds.clear(),
                Verdict::Blind,
                "no TCP",
            ),
            (
                "small ring",
                |f| f.report.sources[0].ring_bytes = 1 << 20,
                Verdict::Degraded,
                "instead of",
            ),
            (
                "filter blind to tunnels",
                |f| {
                    f.filter = Some("tcp port 80".to_owned());
                    f.report.feeds[0].counters.encapsulated_segments = 700;
                },
                Verdict::Degraded,
                "[filter]",
            ),
            (
                "filter on a plain feed",
                |f| f.filter = Some("tcp port 80".to_owned()),
                Verdict::Ok,
                "",
            ),
            (
                "filter that names the tunnel",
                |f| {
                    f.filter = Some("not arp".to_owned());
                    f.report.feeds[0].counters.encapsulated_segments = 700;
                },
                Verdict::Ok,
                "",
            ),
            (
                "cut packets",
                |f| f.snap_len = 128,
                Verdict::Degraded,
                "capture.snap_len",
            ),
            ("lro", |f| f.link.lro = Some(true), Verdict::Ok, "lro off"),
            (
                "queues",
                |f| f.link.queues = Some(8),
                Verdict::Ok,
                "receive queues",
            ),
        ];
        for (name, change, expected, words) in cases {
            let mut facts = sound();
            change(&mut facts);
            let (verdict, troubles) = check(&facts);
            assert_eq!(verdict, expected, "{name}: {troubles:?}");
            let said: String = troubles
                .iter()
                .map(|trouble| format!("{} {}\n", trouble.what, trouble.remedy))
                .collect();
            assert_eq!(words.is_empty(), said.is_empty(), "{name}: {said}");
            assert!(said.contains(words), "{name}: {said}");
        }
    }

    #[test]
    fn half_of_the_traffic_unseen_is_told_by_the_same_judge_as_on_the_page() {
        let mut facts = sound();
        facts.report.feeds[0].counters.unseen_bytes = 1_000_000;
        facts.report.feeds[0].counters.unseen_gaps = 500;
        let (verdict, troubles) = check(&facts);
        assert!(verdict >= Verdict::Degraded, "{troubles:?}");
    }
}
