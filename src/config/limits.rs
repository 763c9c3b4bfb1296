//! Caps and thresholds of the stages that can be set: `[limits]` in the configuration file. The
//! reasons for the defaults stand at the settings themselves.

use anyhow::{Result, bail};
use serde::Deserialize;
use tapscope_analyzer::AnalyzerSettings;
use tapscope_pipeline::WorkerSettings;
use tapscope_redact::RedactSettings;

/// Makes the section's type, and its application to the stages' settings, of one table: key,
/// type, setting, and the smallest value that makes sense.
macro_rules! limits {
    ($($key:ident: $type:ty => $($target:ident).+ >= $least:expr;)*) => {
        /// `[limits]` as written.
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct WrittenLimits {
            $($key: Option<$type>,)*
        }

        impl WrittenLimits {
            /// Puts what was written in the place of the defaults.
            pub(super) fn apply(
                &self,
                worker: &mut WorkerSettings,
                redact: &mut RedactSettings,
                analyzer: &mut AnalyzerSettings,
            ) -> Result<()> {
                let mut stages = Stages { worker, redact, analyzer };
                $(if let Some(value) = self.$key.clone() {
                    let least: $type = $least;
                    if value < least {
                        bail!("limits.{} is {value:?}; use {least:?} or more", stringify!($key));
                    }
                    stages.$($target).+ = value;
                })*
                let _ = &mut stages;
                Ok(())
            }
        }
    };
}

struct Stages<'a> {
    worker: &'a mut WorkerSettings,
    redact: &'a mut RedactSettings,
    analyzer: &'a mut AnalyzerSettings,
}

limits! {
    decap_layers_max: u8 => worker.decap.layers_max >= 4;
    ipv6_extensions_max: u8 => worker.decap.ipv6_extensions_max >= 1;
    unknown_numbers_max: usize => worker.decap.unknown_numbers_max >= 1;
    undecoded_feeds_max: usize => worker.decap.undecoded_feeds_max >= 1;
    vxlan_ports: Vec<u16> => worker.decap.vxlan_ports >= Vec::new();
    vxlan_gpe_ports: Vec<u16> => worker.decap.vxlan_gpe_ports >= Vec::new();
    geneve_ports: Vec<u16> => worker.decap.geneve_ports >= Vec::new();
    gtp_u_ports: Vec<u16> => worker.decap.gtp_u_ports >= Vec::new();
    tzsp_ports: Vec<u16> => worker.decap.tzsp_ports >= Vec::new();
    l2tp_ports: Vec<u16> => worker.decap.l2tp_ports >= Vec::new();
    ayiya_ports: Vec<u16> => worker.decap.ayiya_ports >= Vec::new();
    mpls_ports: Vec<u16> => worker.decap.mpls_ports >= Vec::new();
    gre_ports: Vec<u16> => worker.decap.gre_ports >= Vec::new();
    fragment_bytes_max: usize => worker.decap.fragment_bytes_max >= 65_536;
    fragment_datagrams_max: usize => worker.decap.fragment_datagrams_max >= 1;
    fragments_per_datagram_max: usize => worker.decap.fragments_per_datagram_max >= 2;
    fragment_finished_max: usize => worker.decap.fragment_finished_max >= 0;
    fragment_reuse_nanos: u64 => worker.decap.fragment_reuse_nanos >= 1_000_000;
    fragment_timeout_nanos: u64 => worker.decap.fragment_timeout_nanos >= 1_000_000;
    feeds_max: usize => worker.flow.feeds_max >= 1;
    networks_max: u8 => worker.flow.networks_max >= 1;
    connections_max: usize => worker.flow.connections_max >= 16;
    half_open_bytes_max: usize => worker.flow.half_open_bytes_max >= 65_536;
    held_bytes_max: usize => worker.flow.held_bytes_max >= 65_536;
    held_bytes_per_connection_max: usize => worker.flow.held_bytes_per_connection_max >= 4_096;
    hole_grace_nanos: u64 => worker.flow.hole_grace_nanos >= 0;
    idle_timeout_nanos: u64 => worker.flow.idle_timeout_nanos >= 1_000_000_000;
    emergency_idle_timeout_nanos: u64 => worker.flow.emergency_idle_timeout_nanos >= 1_000_000_000;
    emergency_empty_timeout_nanos: u64 => worker.flow.emergency_empty_timeout_nanos >= 1_000_000_000;
    head_bytes_max: usize => worker.http.head_bytes_max >= 1_024;
    headers_max: usize => worker.http.headers_max >= 64;
    body_sample_bytes_max: usize => worker.http.body_sample_bytes_max >= 0;
    http_held_bytes_max: usize => worker.http.held_bytes_max >= 1_048_576;
    response_wait_nanos_max: i64 => worker.http.response_wait_nanos_max >= 1_000_000_000;
    open_exchange_nanos_max: i64 => worker.http.open_exchange_nanos_max >= 1_000_000_000;
    opening_nanos_max: i64 => worker.http.opening_nanos_max >= 100_000_000;
    message_samples_max: usize => worker.http.message_samples_max >= 0;
    message_sample_bytes_max: usize => worker.http.message_sample_bytes_max >= 0;
    http2_streams_max: usize => worker.http.http2_streams_max >= 16;
    http2_block_bytes_max: usize => worker.http.http2_block_bytes_max >= 4_096;
    http2_continuations_max: u32 => worker.http.http2_continuations_max >= 4;
    http2_list_bytes_max: usize => worker.http.http2_list_bytes_max >= 4_096;
    http2_table_bytes_max: usize => worker.http.http2_table_bytes_max >= 4_096;
    http2_resync_bytes_max: usize => worker.http.http2_resync_bytes_max >= 4_096;
    http2_detect_bytes_max: u64 => worker.http.http2_detect_bytes_max >= 4_096;
    http2_resets_max: u32 => worker.http.http2_resets_max >= 10;
    http2_idle_frames_max: u32 => worker.http.http2_idle_frames_max >= 10;
    decoded_bytes_max: usize => redact.decoded_bytes_max >= 0;
    decoded_ratio_max: usize => redact.decoded_ratio_max >= 1;
    shape_fields_max: usize => redact.shape_fields_max >= 1;
    sampling_first: u32 => redact.sampling_first >= 0;
    sampling_every: u32 => redact.sampling_every >= 0;
    known_bodies_max: usize => redact.known_bodies_max >= 0;
    known_body_fields_max: usize => redact.known_body_fields_max >= 0;
    known_names_max: usize => redact.known_names_max >= 0;
    known_tokens_max: usize => redact.known_tokens_max >= 0;
    known_jwts_max: usize => redact.known_jwts_max >= 0;
    known_lists_max: usize => redact.known_lists_max >= 0;
    vantage_hold_nanos: i64 => analyzer.vantage.hold_nanos >= 0;
    vantage_watch_nanos: i64 => analyzer.vantage.watch_nanos >= 0;
    vantage_doubt_nanos: i64 => analyzer.vantage.doubt_nanos >= 0;
    vantage_watched_max: usize => analyzer.vantage.watched_max >= 1;
    vantage_records_max: usize => analyzer.vantage.records_max >= 1;
    vantage_bytes_max: usize => analyzer.vantage.bytes_max >= 65_536;
    vantage_alike_max: usize => analyzer.vantage.alike_max >= 1;
    vantage_legs_max: usize => analyzer.vantage.legs_max >= 2;
    analyzer_bytes_max: usize => analyzer.inventory.memory_bytes_max >= 1_048_576;
    hosts_max: usize => analyzer.inventory.max_hosts >= 1;
    tenant_names_max: usize => analyzer.tenants.max_names >= 16;
    endpoints_max: usize => analyzer.inventory.max_endpoints >= 1;
    endpoints_per_host_max: usize => analyzer.inventory.max_endpoints_per_host >= 1;
    operations_per_endpoint_max: usize => analyzer.inventory.max_operations_per_endpoint >= 1;
    schemas_max: usize => analyzer.inventory.max_schemas >= 2;
    schema_fields_max: usize => analyzer.inventory.max_schema_fields >= 16;
    consumers_max: usize => analyzer.inventory.max_consumers >= 1;
    addresses_max: usize => analyzer.proxies.max_addresses >= 16;
    waiting_records_per_host_max: usize => analyzer.inventory.max_held_per_host >= 0;
    waiting_record_bytes_max: usize => analyzer.inventory.max_held_bytes >= 0;
    template_nodes_max: usize => analyzer.templates.max_nodes >= 100;
    label_changes_max: usize => analyzer.inventory.max_label_changes >= 1;
}
