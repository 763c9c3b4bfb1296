//! What a packet source hands to the sensor: borrowed bytes and the facts of the capture.

use core::fmt;
use core::ops::{Add, Sub};

/// Nanoseconds since the Unix epoch, taken from the packet, never from a clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// A point in time from nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The last multiple of `step_nanos` since the epoch that is not after it.
    #[must_use]
    pub const fn floor(self, step_nanos: i64) -> Self {
        let step = if step_nanos < 1 { 1 } else { step_nanos };
        Self(self.0.saturating_sub(self.0.rem_euclid(step)))
    }

    /// Nanoseconds from `earlier` to `self`; 0 when the clock of the feed went backwards.
    #[must_use]
    pub const fn nanos_since(self, earlier: Self) -> u64 {
        let nanos = self.0.saturating_sub(earlier.0);
        if nanos < 0 { 0 } else { nanos.cast_unsigned() }
    }
}

impl Add<i64> for Timestamp {
    type Output = Self;

    fn add(self, nanos: i64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl Sub<i64> for Timestamp {
    type Output = Self;

    fn sub(self, nanos: i64) -> Self {
        Self(self.0.saturating_sub(nanos))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:09}",
            self.0.div_euclid(1_000_000_000),
            self.0.rem_euclid(1_000_000_000)
        )
    }
}

/// The link-layer header type of a packet: a `LINKTYPE_` value of the libpcap registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback, host byte order (`LINKTYPE_NULL`).
    pub const NULL: Self = Self(0);
    /// IEEE 802.3 Ethernet (`LINKTYPE_ETHERNET`).
    pub const ETHERNET: Self = Self(1);
    /// PPP, with or without HDLC framing (`LINKTYPE_PPP`).
    pub const PPP: Self = Self(9);
    /// Raw IP as BSD kernels write it (`DLT_RAW` = 12).
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP as OpenBSD writes it (`DLT_RAW` = 14).
    pub const RAW_OPENBSD: Self = Self(14);
    /// PPP in HDLC-like framing (`LINKTYPE_PPP_HDLC`).
    pub const PPP_HDLC: Self = Self(50);
    /// PPPoE without the Ethernet header (`LINKTYPE_PPP_ETHER`).
    pub const PPP_ETHER: Self = Self(51);
    /// Raw IP, the version nibble tells which (`LINKTYPE_RAW`).
    pub const RAW: Self = Self(101);
    /// Cisco HDLC (`LINKTYPE_C_HDLC`).
    pub const CISCO_HDLC: Self = Self(104);
    /// IEEE 802.11 without a radio's header (`LINKTYPE_IEEE802_11`).
    pub const IEEE802_11: Self = Self(105);
    /// OpenBSD loopback, network byte order (`LINKTYPE_LOOP`).
    pub const LOOP: Self = Self(108);
    /// Linux cooked capture v1 (`LINKTYPE_LINUX_SLL`).
    pub const LINUX_SLL: Self = Self(113);
    /// IEEE 802.11 after a Prism header (`LINKTYPE_IEEE802_11_PRISM`).
    pub const IEEE802_11_PRISM: Self = Self(119);
    /// IEEE 802.11 after a radiotap header (`LINKTYPE_IEEE802_11_RADIOTAP`).
    pub const IEEE802_11_RADIOTAP: Self = Self(127);
    /// IEEE 802.11 after an AVS header (`LINKTYPE_IEEE802_11_AVS`).
    pub const IEEE802_11_AVS: Self = Self(163);
    /// Per-packet information, which names the link type that follows (`LINKTYPE_PPI`).
    pub const PPI: Self = Self(192);
    /// PPP after a byte that tells the direction (`LINKTYPE_PPP_WITH_DIR`).
    pub const PPP_WITH_DIRECTION: Self = Self(204);
    /// Raw IPv4 (`LINKTYPE_IPV4`).
    pub const IPV4: Self = Self(228);
    /// Raw IPv6 (`LINKTYPE_IPV6`).
    pub const IPV6: Self = Self(229);
    /// Netfilter's log messages (`LINKTYPE_NFLOG`).
    pub const NFLOG: Self = Self(239);
    /// Linux cooked capture v2 (`LINKTYPE_LINUX_SLL2`).
    pub const LINUX_SLL2: Self = Self(276);
}

/// One captured packet, borrowed from the ring or the file buffer.
#[derive(Clone, Copy, Debug)]
pub struct RawPacket<'a> {
    /// When the source saw it.
    pub timestamp: Timestamp,
    /// What the first byte of `data` is the start of.
    pub link_type: LinkType,
    /// Index of the interface within the source (`-i a,b`: 0, 1; pcapng: the block's number).
    pub interface: u32,
    /// Length on the wire in bytes; larger than `data.len()` when a snap length cut the packet.
    pub wire_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}
