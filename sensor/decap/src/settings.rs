//! Every cap of this stage, with its reason.

/// What the stage may spend on a packet and keep between packets.
#[derive(Clone, Debug)]
pub struct DecapSettings {
    /// Headers looked at in one packet before it is given up. A tunnel such as VXLAN has four
    /// (Ethernet, what its EtherType names, IP, UDP), so that this is about sixteen tunnels in one
    /// another; a packet with more is an attack on the decoder.
    pub layers_max: u8,
    /// IPv6 extension headers passed in one IP packet. RFC 8200 knows seven kinds, each at most
    /// once (destination options twice).
    pub ipv6_extensions_max: u8,
    /// Distinct unknown numbers (link types, EtherTypes, …) counted by name; the rest are counted
    /// together. A sender chooses these numbers, so the table needs a bound.
    pub unknown_numbers_max: usize,
    /// Feeds (VLANs and virtual networks of an interface) whose undecoded packets are counted
    /// apart; the rest are counted together. Senders choose VLANs and networks too.
    pub undecoded_feeds_max: usize,
    /// UDP destination ports that carry VXLAN: the IANA port and the one Linux started with.
    pub vxlan_ports: Vec<u16>,
    /// UDP destination ports that carry VXLAN-GPE: the IANA port.
    pub vxlan_gpe_ports: Vec<u16>,
    /// UDP destination ports that carry GENEVE.
    pub geneve_ports: Vec<u16>,
    /// UDP ports (either end) that carry GTP-U.
    pub gtp_u_ports: Vec<u16>,
    /// UDP destination ports that carry TZSP, as `MikroTik` routers send it by default.
    pub tzsp_ports: Vec<u16>,
    /// UDP ports (either end) that carry L2TP.
    pub l2tp_ports: Vec<u16>,
    /// UDP ports (either end) that carry AYIYA.
    pub ayiya_ports: Vec<u16>,
    /// UDP destination ports that carry MPLS.
    pub mpls_ports: Vec<u16>,
    /// UDP destination ports that carry GRE.
    pub gre_ports: Vec<u16>,
    /// Bytes that unfinished IP fragments may hold, bookkeeping included.
    pub fragment_bytes_max: usize,
    /// IP datagrams that may wait for fragments at once.
    pub fragment_datagrams_max: usize,
    /// Fragments of one datagram: 64 KiB in pieces of 576 bytes is about 120; more is a
    /// tiny-fragment attack.
    pub fragments_per_datagram_max: usize,
    /// Whole datagrams whose fragments are remembered, so that a mirror's second copies of them do
    /// not wait for a datagram that will never be: copies follow within some hundred packets.
    pub fragment_finished_max: usize,
    /// Silence after which an overlapping IPv4 fragment is taken for one of another datagram with
    /// the same identification: the fragments of one follow each other within milliseconds.
    pub fragment_reuse_nanos: u64,
    /// How long (packet time) a datagram waits for its fragments: 30 s as in Linux.
    pub fragment_timeout_nanos: u64,
}

impl Default for DecapSettings {
    fn default() -> Self {
        Self {
            layers_max: 64,
            ipv6_extensions_max: 8,
            unknown_numbers_max: 64,
            undecoded_feeds_max: 256,
            vxlan_ports: vec![4789, 8472],
            vxlan_gpe_ports: vec![4790],
            geneve_ports: vec![6081],
            gtp_u_ports: vec![2152],
            tzsp_ports: vec![37_008],
            l2tp_ports: vec![1701],
            ayiya_ports: vec![5072],
            mpls_ports: vec![6635],
            gre_ports: vec![4754],
            fragment_bytes_max: 4 << 20,
            fragment_datagrams_max: 4096,
            fragments_per_datagram_max: 256,
            fragment_finished_max: 256,
            fragment_reuse_nanos: 1_000_000_000,
            fragment_timeout_nanos: 30_000_000_000,
        }
    }
}
