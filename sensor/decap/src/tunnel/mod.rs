//! Layers that carry other packets: label stacks, sessions and tunnels.

/// ESP that does not encrypt.
pub(crate) mod esp;

/// Generic routing encapsulation, ERSPAN and the PPTP dialect.
pub(crate) mod gre;

/// IPv6 in UDP: Teredo, AYIYA.
pub(crate) mod ipv6_over_udp;

/// L2TP, versions 2 and 3.
pub(crate) mod l2tp;

/// Multiprotocol label switching.
pub(crate) mod mpls;

/// Service function chaining.
pub(crate) mod nsh;

/// PPP over Ethernet.
pub(crate) mod pppoe;

/// Mirrors of access points and small routers.
pub(crate) mod tzsp;

/// What UDP carries, by port: VXLAN, GENEVE, GTP-U and the others.
pub(crate) mod udp;

/// L2TP version 3 directly in IP.
pub(crate) const L2TP_PROTOCOL: u8 = 115;

/// Whether an Ethernet header with a usual EtherType makes sense here, for protocols that do not say
/// what they carry.
pub(crate) fn looks_like_ethernet(data: &[u8]) -> bool {
    let Some(([.., e0, e1], rest)) = data.split_first_chunk::<14>() else {
        return false;
    };
    let version = rest.first().map_or(0, |first| first >> 4);
    match u16::from_be_bytes([*e0, *e1]) {
        0x0800 => version == 4,
        0x86dd => version == 6,
        0x0806 | 0x8100 | 0x88a8 | 0x8847 | 0x8848 | 0x8864 => true,
        _ => false,
    }
}
