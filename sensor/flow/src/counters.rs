//! What became of the segments, and what the streams lacked.

use tapscope_decap::CounterValue;

use crate::feed::Feeds;
use crate::{CloseReason, GapReason};

/// The counters of one table.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) segments: u64,
    /// Segments that a handshake took, and those that a connection took; whatever else is received
    /// is ignored with its reason.
    pub(crate) of_handshakes: u64,
    pub(crate) of_connections: u64,
    pub(crate) without_connection: u64,
    /// Begins of connections joined midway while memory was short.
    pub(crate) emergency: u64,
    pub(crate) stray: u64,
    pub(crate) implausible_syn: u64,
    pub(crate) implausible_reset: u64,
    pub(crate) beyond_end: u64,
    pub(crate) before_start: u64,
    pub(crate) implausible_jump: u64,
    pub(crate) connections_opened: u64,
    pub(crate) connections_midstream: u64,
    /// Handshakes given up to stay inside their cap.
    pub(crate) half_open_evicted: u64,
    pub(crate) syn_retransmitted: u64,
    pub(crate) retransmitted: u64,
    pub(crate) duplicated: u64,
    pub(crate) keep_alive: u64,
    pub(crate) out_of_order: u64,
    pub(crate) conflicts: u64,
    pub(crate) clock_steps_back: u64,
    /// Urgent octets.
    pub(crate) urgent_taken_out: u64,
    pub(crate) urgent_in_line: u64,
    pub(crate) bytes_delivered: u64,
    /// The same by feed, as far as it is counted by feed.
    pub(crate) feeds: Feeds,
    closed: [u64; 5],
    gaps: [u64; 3],
    gap_bytes: [u64; 3],
}

const CLOSE_REASONS: [(CloseReason, &str); 5] = [
    (CloseReason::Finished, "finished"),
    (CloseReason::Idle, "idle"),
    (CloseReason::Evicted, "evicted"),
    (CloseReason::Reused, "reused"),
    (CloseReason::Flushed, "flushed"),
];

const GAP_REASONS: [(GapReason, &str); 3] = [
    (GapReason::NotCaptured, "not_captured"),
    (GapReason::Truncated, "truncated"),
    (GapReason::MemoryCap, "memory_cap"),
];

impl Counters {
    pub(crate) fn close(&mut self, reason: CloseReason) {
        for ((known, _), count) in CLOSE_REASONS.iter().zip(&mut self.closed) {
            *count += u64::from(*known == reason);
        }
    }

    pub(crate) fn gap(&mut self, reason: GapReason, len: u64) {
        let counts = self.gaps.iter_mut().zip(&mut self.gap_bytes);
        for ((known, _), (count, bytes)) in GAP_REASONS.iter().zip(counts) {
            if *known == reason {
                *count += 1;
                *bytes = bytes.saturating_add(len);
            }
        }
    }

    /// Urgent octets by how they were read.
    const fn urgent(&self) -> [(&'static str, u64); 2] {
        [
            ("taken_out", self.urgent_taken_out),
            ("in_line", self.urgent_in_line),
        ]
    }

    /// Segments that no stream took, by reason.
    const fn ignored(&self) -> [(&'static str, u64); 8] {
        [
            ("no_connection", self.without_connection),
            ("emergency", self.emergency),
            ("far_from_stream", self.stray),
            ("implausible_syn", self.implausible_syn),
            ("implausible_reset", self.implausible_reset),
            ("beyond_end", self.beyond_end),
            ("before_start", self.before_start),
            ("implausible_jump", self.implausible_jump),
        ]
    }

    /// Every counter, in a fixed order.
    pub(crate) fn values(&self) -> Vec<CounterValue> {
        let plain = [
            ("flow_segments_received_total", self.segments),
            ("flow_segments_out_of_order_total", self.out_of_order),
            ("flow_segments_retransmitted_total", self.retransmitted),
            ("flow_segments_duplicated_total", self.duplicated),
            ("flow_segments_keep_alive_total", self.keep_alive),
            (
                "flow_segments_syn_retransmitted_total",
                self.syn_retransmitted,
            ),
            ("flow_connections_opened_total", self.connections_opened),
            (
                "flow_connections_midstream_total",
                self.connections_midstream,
            ),
            ("flow_conflicts_seen_total", self.conflicts),
            ("flow_clock_steps_back_total", self.clock_steps_back),
            ("flow_bytes_delivered_total", self.bytes_delivered),
        ];
        let taken = [
            ("handshake", self.of_handshakes),
            ("connection", self.of_connections),
        ];
        let mut values: Vec<_> = plain
            .into_iter()
            .map(|(name, value)| CounterValue {
                name,
                reason: None,
                value,
            })
            .collect();
        let mut labelled = |name, reason: &str, value| {
            values.push(CounterValue {
                name,
                reason: Some(reason.to_owned()),
                value,
            });
        };
        for (reason, value) in taken {
            labelled("flow_segments_taken_total", reason, value);
        }
        for (reason, value) in self.ignored() {
            labelled("flow_segments_ignored_total", reason, value);
        }
        for (reading, value) in self.urgent() {
            labelled("flow_urgent_octets_total", reading, value);
        }
        for ((_, reason), value) in CLOSE_REASONS.iter().zip(self.closed) {
            labelled("flow_connections_closed_total", reason, value);
        }
        labelled(
            "flow_connections_closed_total",
            "half_open_evicted",
            self.half_open_evicted,
        );
        for ((_, reason), value) in GAP_REASONS.iter().zip(self.gaps) {
            labelled("flow_gaps_seen_total", reason, value);
        }
        for ((_, reason), value) in GAP_REASONS.iter().zip(self.gap_bytes) {
            labelled("flow_gap_bytes_total", reason, value);
        }
        values
    }
}
