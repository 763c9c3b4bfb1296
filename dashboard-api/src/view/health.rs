//! Sensor health and the verdict on the feed.

use serde::Serialize;
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Verdict {
    /// How good the feed is.
    pub state: FeedState,
    /// What is wrong and what to do about it, worst first; one sentence that says so when nothing
    /// is wrong.
    pub sentences: Vec<String>,
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
    /// Counters by stage.
    pub stages: Vec<Stage>,
    /// The store; null when nothing is kept on disk.
    #[schema(required = true)]
    pub store: Option<StoreHealth>,
}
