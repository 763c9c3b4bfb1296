//! What the sensor's own stages could not use: layers that are not decoded, caps that were reached.

use super::{Limits, Reason, State, percent};
use tapscope_record::HealthReport;

/// Packets whose layers are not decoded. Some strange frames are on every wire.
const UNDECODED: Limits = Limits {
    degraded: 0.02,
    poor: 0.4,
};

/// Connections given up to stay inside a cap.
const EVICTED: Limits = Limits {
    degraded: 0.005,
    poor: 0.2,
};

/// Counter of packets that gave no segment.
const REFUSED: &str = "decap_packets_refused_total";

/// EtherTypes that carry no connections: ARP, RARP, PPPoE discovery, EAPOL, LACP, LLDP, PTP,
/// configuration testing, and the vendors' own.
const HARMLESS_ETHERTYPES: [&str; 10] = [
    "0x0806", "0x8035", "0x8863", "0x888e", "0x8809", "0x88cc", "0x88f7", "0x9000", "0x88e1",
    "0x8899",
];

/// IP protocols that wrap other packets: ESP, AH, IPIP of old, EtherIP, L2TPv3, MPLS in IP.
const WRAPPING_PROTOCOLS: [&str; 6] = ["50", "51", "94", "97", "115", "137"];

pub(super) fn check(report: &HealthReport) -> Vec<Reason> {
    let mut reasons: Vec<Reason> = undecoded(report).into_iter().collect();
    reasons.extend(evicted(report));
    reasons.extend(emergency(report));
    reasons
}

/// The sum of the counters of that name that `reason` holds for.
fn sum(report: &HealthReport, name: &str, reason: impl Fn(Option<&str>) -> bool) -> u64 {
    let counters = report.counters.iter();
    counters
        .filter(|c| c.name == name && reason(c.reason.as_deref()))
        .fold(0, |sum, c| sum.saturating_add(c.value))
}

/// Whether a refusal hides connections, rather than being something that carries none.
fn hides(reason: &str) -> bool {
    let (what, number) = reason.split_once(' ').unwrap_or((reason, ""));
    match what {
        "link_type" | "nesting_budget" => true,
        "ethertype" => !HARMLESS_ETHERTYPES.contains(&number),
        "ip_protocol" => WRAPPING_PROTOCOLS.contains(&number),
        _ => false,
    }
}

fn undecoded(report: &HealthReport) -> Option<Reason> {
    let packets = sum(report, "decap_packets_received_total", |_| true);
    let hidden = sum(report, REFUSED, |reason| reason.is_some_and(hides));
    let (state, share) = UNDECODED.judge(hidden, packets)?;
    let refused = report.counters.iter().filter(|c| c.name == REFUSED);
    let worst = refused
        .filter_map(|c| Some((c.value, c.reason.as_deref().filter(|r| hides(r))?)))
        .max()
        .map_or("", |(_, reason)| reason);
    let remedy = if worst == "ip_protocol 50" || worst == "ip_protocol 51" {
        "Mirror outside of the IPsec tunnel: what is inside is encrypted."
    } else {
        "Mirror before that layer is put on, or send the sensor another copy: what is inside cannot be seen."
    };
    Some(Reason {
        kind: "layers_not_decoded",
        state,
        feed: None,
        share,
        damage: share,
        sentence: format!(
            "{} of the packets have a layer that is not decoded, most often {worst}.",
            percent(share)
        ),
        remedy: remedy.to_owned(),
    })
}

fn evicted(report: &HealthReport) -> Option<Reason> {
    let evicted = sum(report, "flow_connections_closed_total", |reason| {
        reason == Some("evicted")
    });
    let opened = sum(report, "flow_connections_opened_total", |_| true);
    let (state, share) = EVICTED.judge(evicted, opened)?;
    Some(Reason {
        kind: "connections_evicted",
        state,
        feed: None,
        share,
        damage: share / 2.0,
        sentence: format!(
            "{} of the connections were given up before they ended, to stay inside a memory cap.",
            percent(share)
        ),
        remedy: "Raise the memory cap ([limits]), or filter out what opens so many connections."
            .to_owned(),
    })
}

/// Times the sensor went into its emergency mode, whatever stage says so.
fn emergency(report: &HealthReport) -> Option<Reason> {
    let counters = report.counters.iter();
    let times = counters
        .filter(|c| c.name.contains("emergenc"))
        .fold(0_u64, |sum, c| sum.saturating_add(c.value));
    (times > 0).then(|| Reason {
        kind: "emergency_mode",
        state: State::Degraded,
        feed: None,
        share: 1.0,
        damage: 0.1,
        sentence: format!(
            "Memory ran out and the sensor went into its emergency mode ({times} times counted)."
        ),
        remedy: "Raise the memory cap ([limits]), or mirror less.".to_owned(),
    })
}
