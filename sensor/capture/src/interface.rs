//! What an interface says of itself: link, size, queues, offloads, drops, and the ring that the
//! kernel gave. All of it is read from files or asked of the driver; nothing is changed.

use std::fs;
use std::os::fd::RawFd;
use std::path::PathBuf;

use crate::sys;

/// Hardware type of loopback (`ARPHRD_LOOPBACK`).
const LOOPBACK: u64 = 772;

/// Counters of frames that were lost before the kernel saw them.
const DROPS: [&str; 3] = ["rx_missed_errors", "rx_fifo_errors", "rx_over_errors"];

/// The requests of ethtool that have one number for an answer.
const ETHTOOL_GTSO: u32 = 0x1e;
const ETHTOOL_GGRO: u32 = 0x2b;
const ETHTOOL_GFLAGS: u32 = 0x25;
/// In the answer to `ETHTOOL_GFLAGS`: large receive offload.
const FLAG_LRO: u32 = 1 << 15;

/// The facts of an interface; none where the system does not tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Whether it is administratively up.
    pub up: Option<bool>,
    /// Whether it has a carrier.
    pub carrier: Option<bool>,
    /// Largest packet without link layer.
    pub mtu: Option<u32>,
    /// Megabits a second.
    pub speed: Option<u32>,
    /// Queues for received packets.
    pub queues: Option<usize>,
    /// Whether received segments are joined to larger packets by the kernel.
    pub gro: Option<bool>,
    /// The same by the card.
    pub lro: Option<bool>,
    /// Whether this machine hands the card segments larger than a frame.
    pub tso: Option<bool>,
    /// Whether it takes frames that are not addressed to it.
    pub promiscuous: Option<bool>,
    /// Frames lost before the kernel saw them, since the interface is up.
    pub dropped: u64,
}

/// Reads the facts of an interface.
#[must_use]
pub fn facts(name: &str) -> Facts {
    let flags = read(name, "flags")
        .and_then(|text| u32::from_str_radix(text.trim_start_matches("0x"), 16).ok());
    let flag = |bit: u32| flags.map(|flags| flags & bit != 0);
    let on = |command| sys::ethtool_value(name, command).map(|value| value != 0);
    Facts {
        up: flag(0x1),
        carrier: read(name, "carrier").map(|text| text == "1"),
        mtu: number(name, "mtu").and_then(|mtu| u32::try_from(mtu).ok()),
        speed: number(name, "speed").and_then(|speed| u32::try_from(speed).ok()),
        queues: queues(name),
        gro: on(ETHTOOL_GGRO),
        lro: sys::ethtool_value(name, ETHTOOL_GFLAGS).map(|flags| flags & FLAG_LRO != 0),
        tso: on(ETHTOOL_GTSO),
        promiscuous: flag(0x100),
        dropped: drops(name),
    }
}

/// The names there are, and `any`.
#[must_use]
pub fn names() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir("/sys/class/net")
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()))
                .collect()
        })
        .unwrap_or_default();
    names.sort();
    names.push("any".to_owned());
    names
}

/// Frames the interface or its driver lost before the kernel saw them; libpcap does not tell.
#[must_use]
pub fn drops(name: &str) -> u64 {
    DROPS
        .iter()
        .filter_map(|counter| number(name, &format!("statistics/{counter}")))
        .sum()
}

/// Sockets of this machine that capture from the interface, ours included; none when it cannot be
/// told.
#[must_use]
pub fn capturing_sockets(name: &str) -> Option<usize> {
    let index = read(name, "ifindex")?;
    let table = fs::read_to_string("/proc/net/packet").ok()?;
    let rows = table.lines().skip(1).map(str::split_whitespace);
    let on_it = rows
        .filter_map(|mut row| row.nth(4))
        .filter(|i| *i == index);
    Some(on_it.count())
}

pub(crate) fn is_loopback(name: &str) -> bool {
    number(name, "type") == Some(LOOPBACK)
}

/// Bytes of the ring that is mapped for a packet socket. libpcap asks for less when the kernel
/// refuses, and does not say so; the mapping is named after the socket.
pub(crate) fn ring_bytes(fd: RawFd) -> Option<u64> {
    let socket = fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    let socket = socket.to_string_lossy().into_owned();
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    ring_in_maps(&maps, &socket)
}

fn ring_in_maps(maps: &str, socket: &str) -> Option<u64> {
    let mapping = maps.lines().find(|line| line.ends_with(socket))?;
    let (start, end) = mapping.split_whitespace().next()?.split_once('-')?;
    let parse = |text| u64::from_str_radix(text, 16).ok();
    Some(parse(end)?.saturating_sub(parse(start)?))
}

fn queues(name: &str) -> Option<usize> {
    let entries = fs::read_dir(path(name, "queues")).ok()?;
    let received = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("rx-"));
    Some(received.count())
}

fn number(name: &str, file: &str) -> Option<u64> {
    read(name, file)?.parse().ok()
}

fn read(name: &str, file: &str) -> Option<String> {
    let text = fs::read_to_string(path(name, file)).ok()?;
    Some(text.trim().to_owned())
}

fn path(name: &str, file: &str) -> PathBuf {
    PathBuf::from("/sys/class/net").join(name).join(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_is_the_mapping_named_after_the_socket() {
        let maps = "7f00-7f10 rw-s 00000000 00:09 11 socket:[11]\n\
                    7f2000000000-7f2008000000 rw-s 00000000 00:09 4711 socket:[4711]\n";
        assert_eq!(ring_in_maps(maps, "socket:[4711]"), Some(128 << 20));
        assert_eq!(ring_in_maps(maps, "socket:[5]"), None);
    }

    #[test]
    fn loopback_has_facts() {
        assert!(is_loopback("lo"));
        assert!(!is_loopback("nosuch0"));
        assert!(facts("lo").mtu.is_some());
        assert_eq!(facts("nosuch0"), Facts::default());
    }
}
