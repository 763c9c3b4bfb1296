//! What became of each packet, so that packets in = segments out + every named reason.

use std::collections::BTreeMap;

use crate::filter::{Filter, Filtered};

/// One counter as a stage reports it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CounterValue {
    /// Name in the form `<stage>_<noun>_<verb>_total`.
    pub name: &'static str,
    /// The label that tells counters of one name apart.
    pub reason: Option<String>,
    /// How often.
    pub value: u64,
}

/// Why a packet gave no segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// A link type this stage does not decode.
    LinkType(u32),
    /// An EtherType this stage does not decode.
    EtherType(u16),
    /// An IEEE 802.2 destination service access point that is not SNAP or IP.
    LlcSap(u8),
    /// A PPP protocol that is not IP or MPLS.
    PppProtocol(u16),
    /// A loopback or NFLOG address family that is not IP.
    AddressFamily(u32),
    /// An IP protocol that is neither TCP nor a tunnel.
    IpProtocol(u8),
    /// A next protocol of the network service header that this stage does not decode.
    NshProtocol(u8),
    /// An IEEE 802.11 frame that carries no packet in the clear, by its kind.
    WlanFrame(u8),
    /// An IP fragment that waits for the rest of its datagram.
    FragmentHeld,
    /// An IP fragment that came before: a mirror's second copy.
    FragmentCopy,
    /// An IP fragment that could not be kept or made no sense.
    FragmentRefused,
    /// The captured bytes ended inside a header.
    TruncatedHeader,
    /// A header contradicts itself or its version is unknown.
    MalformedHeader,
    /// More layers than the budget allows.
    NestingBudget,
    /// More IPv6 extension headers than the budget allows.
    ExtensionBudget,
    /// The filter left the segment out.
    Filtered(Filtered),
}

/// EtherTypes that carry no connections: ARP, RARP, PPPoE discovery, EAPOL, LACP, LLDP, PTP,
/// configuration testing, and the vendors' own.
const HARMLESS_ETHERTYPES: [u16; 10] = [
    0x0806, 0x8035, 0x8863, 0x888e, 0x8809, 0x88cc, 0x88f7, 0x9000, 0x88e1, 0x8899,
];

/// IP protocols that wrap other packets: ESP, AH, IPIP of old, EtherIP, L2TPv3, MPLS in IP.
const WRAPPING_PROTOCOLS: [u8; 6] = [50, 51, 94, 97, 115, 137];

impl Refusal {
    /// Whether it is a layer that is not decoded and may hide connections, rather than something
    /// that carries none.
    pub(crate) fn may_hide_connections(&self) -> bool {
        match self {
            Self::LinkType(_) | Self::NestingBudget | Self::ExtensionBudget => true,
            Self::EtherType(number) => !HARMLESS_ETHERTYPES.contains(number),
            Self::IpProtocol(number) => WRAPPING_PROTOCOLS.contains(number),
            _ => false,
        }
    }
}

/// Counts by number, with a bound on distinct numbers.
#[derive(Debug, Default)]
struct Numbered {
    counts: BTreeMap<u32, u64>,
    other: u64,
}

impl Numbered {
    fn add(&mut self, number: u32, distinct_max: usize) {
        if let Some(count) = self.counts.get_mut(&number) {
            *count += 1;
        } else if self.counts.len() < distinct_max {
            self.counts.insert(number, 1);
        } else {
            self.other += 1;
        }
    }
}

/// The counters of one decapsulator.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) packets: u64,
    pub(crate) segments: u64,
    pub(crate) fragments_reassembled: u64,
    pub(crate) fragments_timed_out: u64,
    pub(crate) fragments_evicted: u64,
    pub(crate) fragments_overlapping: u64,
    pub(crate) fragments_superseded: u64,
    link_type: Numbered,
    ethertype: Numbered,
    llc_sap: Numbered,
    ppp_protocol: Numbered,
    address_family: Numbered,
    ip_protocol: Numbered,
    nsh_protocol: Numbered,
    wlan_frame: Numbered,
    fragment_held: u64,
    fragment_copy: u64,
    fragment_refused: u64,
    truncated_header: u64,
    malformed_header: u64,
    nesting_budget: u64,
    extension_budget: u64,
    /// One count for each rule of the filter.
    filtered_by: Vec<u64>,
    filtered_not_included: u64,
    /// What rules counted that the filter no longer has.
    filtered_before: u64,
}

impl Counters {
    /// Takes over the counts of rules that stay when the filter is another.
    pub(crate) fn change_filter(&mut self, old: &Filter, new: &Filter) {
        let mut counts = vec![0; new.rules().len()];
        for (rule, count) in old.rules().iter().zip(&self.filtered_by) {
            let same = new.rules().iter().position(|other| other == rule);
            match same.and_then(|at| counts.get_mut(at)) {
                Some(kept) => *kept += count,
                None => self.filtered_before += count,
            }
        }
        self.filtered_by = counts;
    }

    pub(crate) fn refuse(&mut self, refusal: Refusal, distinct_max: usize) {
        match refusal {
            Refusal::LinkType(number) => self.link_type.add(number, distinct_max),
            Refusal::EtherType(number) => self.ethertype.add(u32::from(number), distinct_max),
            Refusal::LlcSap(number) => self.llc_sap.add(u32::from(number), distinct_max),
            Refusal::PppProtocol(number) => self.ppp_protocol.add(u32::from(number), distinct_max),
            Refusal::AddressFamily(number) => self.address_family.add(number, distinct_max),
            Refusal::IpProtocol(number) => self.ip_protocol.add(u32::from(number), distinct_max),
            Refusal::NshProtocol(number) => self.nsh_protocol.add(u32::from(number), distinct_max),
            Refusal::WlanFrame(number) => self.wlan_frame.add(u32::from(number), distinct_max),
            Refusal::FragmentHeld => self.fragment_held += 1,
            Refusal::FragmentCopy => self.fragment_copy += 1,
            Refusal::FragmentRefused => self.fragment_refused += 1,
            Refusal::TruncatedHeader => self.truncated_header += 1,
            Refusal::MalformedHeader => self.malformed_header += 1,
            Refusal::NestingBudget => self.nesting_budget += 1,
            Refusal::ExtensionBudget => self.extension_budget += 1,
            Refusal::Filtered(Filtered::NotIncluded) => self.filtered_not_included += 1,
            Refusal::Filtered(Filtered::By(at)) => {
                if let Some(count) = self.filtered_by.get_mut(at) {
                    *count += 1;
                }
            }
        }
    }

    /// Every counter in a fixed order; refusals that never happened are left out.
    pub(crate) fn values(&self, filter: &Filter) -> Vec<CounterValue> {
        let plain = |name, value| CounterValue {
            name,
            reason: None,
            value,
        };
        let mut values = vec![
            plain("decap_packets_received_total", self.packets),
            plain("decap_segments_delivered_total", self.segments),
            plain(
                "decap_datagrams_reassembled_total",
                self.fragments_reassembled,
            ),
            plain("decap_datagrams_timed_out_total", self.fragments_timed_out),
            plain("decap_datagrams_evicted_total", self.fragments_evicted),
            plain(
                "decap_datagrams_overlapping_total",
                self.fragments_overlapping,
            ),
            plain(
                "decap_datagrams_superseded_total",
                self.fragments_superseded,
            ),
        ];
        let numbered = [
            ("link_type", &self.link_type, false),
            ("ethertype", &self.ethertype, true),
            ("llc_sap", &self.llc_sap, true),
            ("ppp_protocol", &self.ppp_protocol, true),
            ("address_family", &self.address_family, false),
            ("ip_protocol", &self.ip_protocol, false),
            ("nsh_protocol", &self.nsh_protocol, false),
            ("wlan_frame", &self.wlan_frame, true),
        ];
        for (label, counts, hexadecimal) in numbered {
            for (number, count) in &counts.counts {
                let reason = if hexadecimal {
                    format!("{label} 0x{number:04x}")
                } else {
                    format!("{label} {number}")
                };
                values.push(refused(reason, *count));
            }
            if counts.other > 0 {
                values.push(refused(format!("{label} other"), counts.other));
            }
        }
        let fixed = [
            ("ip_fragment_held", self.fragment_held),
            ("ip_fragment_copy", self.fragment_copy),
            ("ip_fragment_refused", self.fragment_refused),
            ("truncated_header", self.truncated_header),
            ("malformed_header", self.malformed_header),
            ("nesting_budget", self.nesting_budget),
            ("ipv6_extension_budget", self.extension_budget),
        ];
        for (reason, count) in fixed {
            if count > 0 {
                values.push(refused(reason.to_owned(), count));
            }
        }
        self.undecoded(&mut values);
        self.filtered(filter, &mut values);
        values
    }

    /// Of the refusals those that may hide connections, under a name of their own.
    fn undecoded(&self, values: &mut Vec<CounterValue>) {
        let narrow = |number: &u32| u16::try_from(*number).unwrap_or(u16::MAX);
        let ethertypes = self.ethertype.counts.iter();
        let ethertypes = ethertypes.map(|(number, count)| {
            let name = format!("ethertype 0x{number:04x}");
            (Refusal::EtherType(narrow(number)), name, *count)
        });
        let protocols = self.ip_protocol.counts.iter();
        let protocols = protocols.map(|(number, count)| {
            let protocol = u8::try_from(*number).unwrap_or(u8::MAX);
            let name = format!("ip_protocol {number}");
            (Refusal::IpProtocol(protocol), name, *count)
        });
        let links = self.link_type.counts.iter();
        let links = links.map(|(number, count)| {
            let name = format!("link_type {number}");
            (Refusal::LinkType(*number), name, *count)
        });
        let budgets = [
            (
                Refusal::NestingBudget,
                "nesting_budget",
                self.nesting_budget,
            ),
            (
                Refusal::ExtensionBudget,
                "ipv6_extension_budget",
                self.extension_budget,
            ),
        ];
        let budgets = budgets.map(|(refusal, name, count)| (refusal, name.to_owned(), count));
        let all = links.chain(ethertypes).chain(protocols).chain(budgets);
        let hiding = all.filter(|(refusal, _, count)| refusal.may_hide_connections() && *count > 0);
        values.extend(hiding.map(|(_, reason, value)| CounterValue {
            name: "decap_packets_undecoded_total",
            reason: Some(reason),
            value,
        }));
    }

    fn filtered(&self, filter: &Filter, values: &mut Vec<CounterValue>) {
        for (rule, count) in filter.rules().iter().zip(&self.filtered_by) {
            if *count > 0 {
                values.push(refused(format!("filter: {rule}"), *count));
            }
        }
        let filtered = [
            ("filter: no include names it", self.filtered_not_included),
            ("filter: a rule no longer there", self.filtered_before),
        ];
        for (reason, count) in filtered {
            if count > 0 {
                values.push(refused(reason.to_owned(), count));
            }
        }
    }
}

/// Name of the counter of packets that gave no segment.
pub(crate) const REFUSED: &str = "decap_packets_refused_total";

fn refused(reason: String, value: u64) -> CounterValue {
    CounterValue {
        name: REFUSED,
        reason: Some(reason),
        value,
    }
}
