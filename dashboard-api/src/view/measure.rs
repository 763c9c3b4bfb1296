//! Minutes and histograms.

use serde::Serialize;
use tapscope_analyzer::snapshot::{HistogramSnapshot, MinuteSnapshot};
use utoipa::ToSchema;

use super::time::Time;

/// Nanoseconds in a millisecond: the API tells durations in milliseconds.
const NANOS_PER_MILLI: f64 = 1e6;

/// Nanoseconds as milliseconds.
#[must_use]
#[expect(
    clippy::cast_precision_loss,
    reason = "a duration of 104 days still fits an f64 exactly"
)]
pub fn millis(nanos: u64) -> f64 {
    nanos as f64 / NANOS_PER_MILLI
}

/// `part` of `whole`, 0 to 1; none when there is no whole.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a share is not exact")]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// One minute of an endpoint's life.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Minute {
    /// Start of the minute.
    pub minute: Time,
    /// Requests.
    pub requests: u64,
    /// Responses 400 to 499.
    pub client_errors: u64,
    /// Responses 500 to 599.
    pub server_errors: u64,
    /// Median latency in milliseconds; null when none was measured.
    #[schema(required = true)]
    pub latency_p50_ms: Option<f64>,
    /// 99th percentile of the latency in milliseconds; null when none was measured.
    #[schema(required = true)]
    pub latency_p99_ms: Option<f64>,
    /// Bytes of response content.
    pub response_bytes: u64,
}

impl From<&MinuteSnapshot> for Minute {
    fn from(snapshot: &MinuteSnapshot) -> Self {
        Self {
            minute: Time(snapshot.minute),
            requests: snapshot.requests,
            client_errors: snapshot.client_errors,
            server_errors: snapshot.server_errors,
            latency_p50_ms: snapshot.latency_p50_ns.map(millis),
            latency_p99_ms: snapshot.latency_p99_ns.map(millis),
            response_bytes: snapshot.response_bytes,
        }
    }
}

/// A distribution. The unit is the field's: milliseconds for `latency`, bytes for sizes.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Histogram {
    /// Number of values.
    pub count: u64,
    /// Smallest value; null when there is none.
    #[schema(required = true)]
    pub min: Option<f64>,
    /// Median.
    #[schema(required = true)]
    pub p50: Option<f64>,
    /// 90th percentile.
    #[schema(required = true)]
    pub p90: Option<f64>,
    /// 99th percentile.
    #[schema(required = true)]
    pub p99: Option<f64>,
    /// Largest value.
    #[schema(required = true)]
    pub max: Option<f64>,
    /// Highest value of each bucket and the number of values in it, ascending; empty buckets are
    /// left out.
    pub buckets: Vec<(f64, u64)>,
}

impl Histogram {
    /// A distribution of nanoseconds, shown in milliseconds.
    #[must_use]
    pub fn of_latency(snapshot: &HistogramSnapshot) -> Self {
        Self::scaled(snapshot, NANOS_PER_MILLI)
    }

    /// A distribution of bytes.
    #[must_use]
    pub fn of_sizes(snapshot: &HistogramSnapshot) -> Self {
        Self::scaled(snapshot, 1.0)
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "bucket bounds are approximations already"
    )]
    fn scaled(snapshot: &HistogramSnapshot, unit: f64) -> Self {
        let value = |raw: u64| (snapshot.count > 0).then_some(raw as f64 / unit);
        Self {
            count: snapshot.count,
            min: value(snapshot.min),
            p50: value(snapshot.p50),
            p90: value(snapshot.p90),
            p99: value(snapshot.p99),
            max: value(snapshot.max),
            buckets: snapshot
                .buckets
                .iter()
                .map(|&(upper, n)| (upper as f64 / unit, n))
                .collect(),
        }
    }
}
