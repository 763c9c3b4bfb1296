//! From where an endpoint is called, and how its messages travel.
//!
//! A forwarding header is a claim of whoever sent it: it is believed where the peer that the
//! packets name is internal, as a reverse proxy of one's own is, and never otherwise.

use core::net::IpAddr;
use core::str::FromStr;

use super::proxies::way_of;
use super::tally::Tally;
use crate::snapshot::profile::{ExposureSnapshot, TransportSnapshot};
use tapscope_record::ExchangeRecord;

/// A network: an address and the bits of it that count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: u128,
    bits: u32,
}

/// What is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network; write 10.0.0.0/8 or 2001:db8::/32")]
pub struct NotANetwork;

impl Network {
    /// Whether the address is in it.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let shift = 128 - self.bits;
        shift == 128 || (mapped(address) ^ self.address) >> shift == 0
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.trim().parse().map_err(|_| NotANetwork)?;
        let (most, offset) = match address {
            IpAddr::V4(_) => (32, 96),
            IpAddr::V6(_) => (128, 0),
        };
        let bits: u32 = match bits {
            Some(bits) => bits.trim().parse().map_err(|_| NotANetwork)?,
            None => most,
        };
        if bits > most {
            return Err(NotANetwork);
        }
        Ok(Self {
            address: mapped(address),
            bits: bits + offset,
        })
    }
}

/// IPv4 in IPv6, so that both are compared alike.
fn mapped(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(four) => four.to_ipv6_mapped().to_bits(),
        IpAddr::V6(six) => six.to_bits(),
    }
}

/// Networks that are one's own where nothing else is configured: private (RFC 1918), shared by
/// providers (RFC 6598), loopback, link-local, unique local (RFC 4193).
const INTERNAL: [&str; 9] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "::1/128",
    "fe80::/10",
    "fc00::/7",
];

/// Which networks are whose, and where TLS ends.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ExposurePolicy {
    /// One's own.
    pub internal: Vec<Network>,
    /// Of partners; looked at before one's own, so that a partner's may lie in a private network.
    pub partner: Vec<Network>,
    /// Whether the tap is known to stand behind what ends TLS.
    pub tls_offload: bool,
    /// Ports on which nobody serves cleartext: HTTP seen there was decrypted on its way to us.
    pub tls_ports: Vec<u16>,
}

impl Default for ExposurePolicy {
    fn default() -> Self {
        Self {
            internal: INTERNAL.iter().filter_map(|one| one.parse().ok()).collect(),
            partner: Vec::new(),
            tls_offload: false,
            tls_ports: vec![443, 8443],
        }
    }
}

const INTERNAL_ZONE: &str = "internal";
const PARTNER_ZONE: &str = "partner";
const EXTERNAL_ZONE: &str = "external";

/// Name of the sign when there is none.
const CLEARTEXT: &str = "cleartext";

/// Further names a tally may hold: there are fewer.
const KEYS: usize = 8;

impl ExposurePolicy {
    fn zone(&self, address: IpAddr) -> &'static str {
        let within = |networks: &[Network]| networks.iter().any(|one| one.contains(address));
        if within(&self.partner) {
            PARTNER_ZONE
        } else if within(&self.internal) {
            INTERNAL_ZONE
        } else {
            EXTERNAL_ZONE
        }
    }

    /// Where the exchange came from, and how. Calls answered with 404 do not count: that is how a
    /// server says that there is nothing here.
    pub(super) fn reached(&self, record: &ExchangeRecord) -> Reached {
        let sign = record.request.as_ref().map(|_| self.sign(record));
        let (zone, is_forwarded) = match record.status {
            None | Some(404) => (None, false),
            Some(_) => {
                let (zone, is_forwarded) = self.way(record);
                (Some(zone), is_forwarded)
            }
        };
        Reached {
            zone,
            is_forwarded,
            sign,
        }
    }

    /// The zone that an exchange came from, and whether a forwarding header says so.
    fn way(&self, record: &ExchangeRecord) -> (&'static str, bool) {
        let direct = self.zone(record.client.ip());
        let way = way_of(record);
        if direct != INTERNAL_ZONE || way.is_empty() {
            return (direct, false);
        }
        // From the nearest on: what stands before the first hop that is not one's own, that hop
        // may have made up.
        let mut zones = way.iter().rev().map(|&hop| self.zone(hop));
        let zone = zones.find(|&zone| zone != INTERNAL_ZONE);
        (zone.unwrap_or(INTERNAL_ZONE), true)
    }

    /// The sign that TLS ends before the tap.
    fn sign(&self, record: &ExchangeRecord) -> &'static str {
        let port = record.server.port();
        if record.forwarded_proto.as_deref() == Some("https") {
            "forwarded_proto"
        } else if self.tls_offload {
            "policy"
        } else if self.tls_ports.contains(&port) {
            "port"
        } else {
            CLEARTEXT
        }
    }
}

/// Where a call came from, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reached {
    /// From which zone; none of one that was not answered.
    pub(super) zone: Option<&'static str>,
    /// Whether a forwarding header says that.
    pub(super) is_forwarded: bool,
    /// What says that TLS ends before the tap; none where the request was not seen.
    pub(super) sign: Option<&'static str>,
}

/// Counts of where calls came from, and of how.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    calls: Tally,
    forwarded: Tally,
    signs: Tally,
}

impl Reach {
    /// Takes in so many exchanges.
    pub(super) fn count(&mut self, reached: Reached, exchanges: u64) {
        if let Some(sign) = reached.sign {
            self.signs.add(sign, exchanges, KEYS);
        }
        let Some(zone) = reached.zone else { return };
        self.calls.add(zone, exchanges, KEYS);
        if reached.is_forwarded {
            self.forwarded.add(zone, exchanges, KEYS);
        }
    }

    /// Takes over another one's counts.
    pub fn merge(&mut self, other: &Self) {
        self.calls.merge(&other.calls, KEYS);
        self.forwarded.merge(&other.forwarded, KEYS);
        self.signs.merge(&other.signs, KEYS);
    }

    /// Goes on from plain data.
    #[must_use]
    pub fn restore(exposure: &ExposureSnapshot, transport: &TransportSnapshot) -> Self {
        Self {
            calls: exposure.calls.clone(),
            forwarded: exposure.forwarded.clone(),
            signs: transport.signs.clone(),
        }
    }

    /// From where it is called: the farthest zone that got an answer.
    #[must_use]
    pub fn exposure(&self) -> ExposureSnapshot {
        let zones = [EXTERNAL_ZONE, PARTNER_ZONE, INTERNAL_ZONE];
        let zone = zones.into_iter().find(|zone| self.calls.get(zone) > 0);
        let all = self.calls.total();
        let reason = match zone {
            None => "No answered call was seen.".to_owned(),
            Some(INTERNAL_ZONE) => {
                format!("All {all} answered calls came from internal networks.")
            }
            Some(zone) => {
                let calls = self.calls.get(zone);
                let from = match zone {
                    PARTNER_ZONE => "from partners' networks",
                    _ => "from outside of the internal and the partners' networks",
                };
                let claimed = self.forwarded.get(zone);
                let by = match claimed {
                    0 => String::new(),
                    n if n == calls => {
                        ", as the forwarding headers of an internal proxy say".to_owned()
                    }
                    n => format!(", {n} of them by forwarding headers of an internal proxy"),
                };
                format!("{calls} of {all} answered calls came {from}{by}.")
            }
        };
        ExposureSnapshot {
            zone: zone.unwrap_or("unknown").to_owned(),
            reason,
            calls: self.calls.snapshot(),
            forwarded: self.forwarded.snapshot(),
        }
    }

    /// How its messages travel.
    #[must_use]
    pub fn transport(&self) -> TransportSnapshot {
        let all = self.signs.total();
        let clear = self.signs.get(CLEARTEXT);
        let (kind, reason) = if all == 0 {
            ("unknown", "No request was seen.".to_owned())
        } else if clear == all {
            let reason = format!(
                "All {all} requests were seen in the clear, without any sign that TLS ends before \
                 the tap."
            );
            ("cleartext", reason)
        } else {
            let mut signs = Vec::new();
            for (sign, words) in [
                ("forwarded_proto", "a forwarding header says https"),
                ("port", "the server's port is one of TLS"),
                (
                    "policy",
                    "the configuration says that the tap is behind the end of TLS",
                ),
            ] {
                if self.signs.get(sign) > 0 {
                    signs.push(words);
                }
            }
            let signs = signs.join(", or ");
            let behind = all - clear;
            let reason =
                format!("TLS ends before the tap for {behind} of {all} requests: {signs}.");
            (if clear == 0 { "tls_offload" } else { "mixed" }, reason)
        };
        TransportSnapshot {
            kind: kind.to_owned(),
            reason,
            signs: self.signs.snapshot(),
        }
    }
}

#[cfg(test)]
mod tests;
