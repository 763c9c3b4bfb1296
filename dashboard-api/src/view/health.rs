//! Sensor health and the verdict on the feed.

use std::collections::BTreeMap;

use serde::Serialize;
use tapscope_analyzer::trust;
use tapscope_record::MemoryAccount;
use utoipa::ToSchema;

use super::time::Time;

/// How good what the sensor sees is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeedState {
    /// No traffic has been seen yet, so nothing can be said.
    Unknown,
    /// Next to everything is seen; findings and lifecycles rest on firm ground.
    Good,
    /// Part is missing; what is shown is right, what is absent may be a blind spot.
    Degraded,
    /// So much is missing that the inventory must not be taken for complete.
    Poor,
}

/// The verdict on the feed.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Verdict {
    /// How good the feed is.
    pub state: FeedState,
    /// What is wrong and what to do about it, worst first; one sentence that says so when nothing
    /// is wrong.
    pub sentences: Vec<String>,
    /// The same taken apart, the most damaging first; empty when nothing is wrong.
    pub reasons: Vec<Reason>,
}

/// One thing that is wrong with what the sensor sees.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Reason {
    /// Which: `mirror_loss`, `one_direction_missing`, `sensor_too_slow`, `ring_too_small`, ….
    pub kind: String,
    /// How bad it makes the feed.
    pub state: FeedState,
    /// The interface, VLAN or virtual network that it is worst on; null when it is not of one.
    #[schema(required = true)]
    pub feed: Option<String>,
    /// How much of what it is measured in is concerned, 0 to 1.
    pub share: f64,
    /// Estimated share of all exchanges that it hides or spoils, 0 to 1.
    pub damage: f64,
    /// What is wrong.
    pub sentence: String,
    /// What to do about it.
    pub remedy: String,
}

impl From<trust::Reason> for Reason {
    fn from(reason: trust::Reason) -> Self {
        Self {
            kind: reason.kind.to_owned(),
            state: reason.state.into(),
            feed: reason.feed,
            share: reason.share,
            damage: reason.damage,
            sentence: reason.sentence,
            remedy: reason.remedy,
        }
    }
}

impl From<trust::State> for FeedState {
    fn from(state: trust::State) -> Self {
        match state {
            trust::State::Unknown => Self::Unknown,
            trust::State::Good => Self::Good,
            trust::State::Degraded => Self::Degraded,
            trust::State::Poor => Self::Poor,
        }
    }
}

/// One feed: an interface, a VLAN on it, a virtual network or mirror session.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Feed {
    /// For people: `eth1, VLAN 12, vxlan:42`.
    pub name: String,
    /// Interface or file name.
    pub source: String,
    /// VLAN; null when untagged.
    #[schema(required = true)]
    pub vlan: Option<u16>,
    /// Virtual network or mirror session, as `vxlan:42`; null when there is none.
    #[schema(required = true)]
    pub network: Option<String>,
    /// Share of the bytes that were acknowledged and never seen, 0 to 1; null without any.
    #[schema(required = true)]
    pub unseen_share: Option<f64>,
    /// Share of the connections of which one direction was seen.
    #[schema(required = true)]
    pub one_sided_share: Option<f64>,
    /// Share of the exchanges of which only the request or only the response was seen.
    #[schema(required = true)]
    pub half_exchange_share: Option<f64>,
    /// Share of the packets with a layer that is not decoded and that may hide connections.
    #[schema(required = true)]
    pub undecoded_share: Option<f64>,
    /// Share of the segments that the capture cut.
    #[schema(required = true)]
    pub cut_share: Option<f64>,
    /// Share of the segments that are second copies.
    #[schema(required = true)]
    pub copied_share: Option<f64>,
    /// Share of the segments that repeat earlier ones.
    #[schema(required = true)]
    pub retransmitted_share: Option<f64>,
    /// Share of the segments that came before the ones in front of them.
    #[schema(required = true)]
    pub disordered_share: Option<f64>,
    /// Share of the streams that are TLS.
    #[schema(required = true)]
    pub tls_share: Option<f64>,
    /// Share of the heads that only the lenient parser could read.
    #[schema(required = true)]
    pub tolerated_share: Option<f64>,
    /// The furthest step back of the clock, in milliseconds.
    pub clock_back_ms_max: f64,
    /// Every counter by name.
    pub counters: BTreeMap<String, u64>,
}

/// What a part of the sensor holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemoryUse {
    /// Which part.
    pub name: String,
    /// Bytes it holds.
    pub bytes: u64,
    /// Bytes it may hold; 0 when nothing but the sum is bounded.
    pub bytes_max: u64,
}

impl From<&MemoryAccount> for MemoryUse {
    fn from(account: &MemoryAccount) -> Self {
        Self {
            name: account.name.clone(),
            bytes: account.bytes,
            bytes_max: account.bytes_max,
        }
    }
}

/// One packet source.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Source {
    /// Interface or file name.
    pub name: String,
    /// `live`, `file` or `traffic`.
    pub kind: String,
    /// `running`, `finished`, or the error it ended with.
    pub state: String,
    /// Packets delivered to the sensor.
    pub packets: u64,
    /// Bytes of them.
    pub bytes: u64,
    /// Packets the kernel dropped because the ring was full.
    pub dropped_kernel: u64,
    /// Packets the interface or its driver dropped.
    pub dropped_interface: u64,
    /// Bytes of the ring as the kernel gave it; 0 when there is none or it is not known.
    pub ring_bytes: u64,
    /// Share of the looks into the ring that found the sensor behind, 0 to 1; null when not known.
    #[schema(required = true)]
    pub ring_behind_share: Option<f64>,
    /// Share of the packets that were dropped, 0 to 1; null when there were none.
    #[schema(required = true)]
    pub loss_share: Option<f64>,
}

/// One counter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StageCounter {
    /// What is counted.
    pub name: String,
    /// Why it was not used; null for what was.
    #[schema(required = true)]
    pub reason: Option<String>,
    /// Count since the start.
    pub value: u64,
}

/// The counters of one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Stage {
    /// `capture`, `decap`, `flow`, `http`, `redact`, `analyzer`, `store`, …, in the data's order.
    pub stage: String,
    /// Its counters.
    pub counters: Vec<StageCounter>,
}

/// How the store is doing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct StoreHealth {
    /// Where it is.
    pub path: String,
    /// When it was last written to; null when it was not yet.
    #[schema(required = true)]
    pub last_saved: Option<Time>,
    /// Changes that wait to be saved.
    pub pending: u64,
    /// Why the last attempt to save failed; null when it did not.
    #[schema(required = true)]
    pub error: Option<String>,
}

/// Sensor health.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Health {
    /// The verdict on the feed.
    pub verdict: Verdict,
    /// Time of the latest packet; null before the first.
    #[schema(required = true)]
    pub time: Option<Time>,
    /// Where packets come from.
    pub sources: Vec<Source>,
    /// What each interface, VLAN and virtual network brought and lacked.
    pub feeds: Vec<Feed>,
    /// What the parts of the sensor hold.
    pub memory: Vec<MemoryUse>,
    /// Counters by stage.
    pub stages: Vec<Stage>,
    /// The store; null when nothing is kept on disk.
    #[schema(required = true)]
    pub store: Option<StoreHealth>,
}
