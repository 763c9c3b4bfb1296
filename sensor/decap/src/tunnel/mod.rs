//! Layers that carry other packets: label stacks, sessions and tunnels.

/// Generic routing encapsulation, ERSPAN and the PPTP dialect.
pub(crate) mod gre;

/// Multiprotocol label switching.
pub(crate) mod mpls;

/// PPP over Ethernet.
pub(crate) mod pppoe;

/// Tunnels on UDP ports: VXLAN, GENEVE, GTP-U.
pub(crate) mod udp;
