//! Latency: the median of the latest calls against the usual one, on the logarithm, since
//! latencies spread by factors.

use super::robust::{coarse, median, number, spread};
use super::{Call, Departure};
use crate::settings::{BaselineSettings, DetectorSettings};
use crate::snapshot::state::BaselineState;

/// One call in so many is kept as usual once there are enough: the kept ones then span long
/// enough that a slow spell does not become usual while it lasts.
const KEEP_ONE_IN: u64 = 8;

/// Takes one latency in, and says when the latest are slow. A rise is told once.
pub(super) fn observe(
    state: &mut BaselineState,
    ns: u64,
    call: &Call,
    usual: &BaselineSettings,
    odd: &DetectorSettings,
) -> Option<Box<Departure>> {
    let log = coarse(number(ns.max(1)).ln());
    push(&mut state.recent, log, usual.recent_latencies);
    state.latencies = state.latencies.saturating_add(1);
    let departure = judge(state, call, usual, odd);
    let enough = state.usual.len() >= usual.usual_latencies;
    if !enough || state.latencies.is_multiple_of(KEEP_ONE_IN) {
        push(&mut state.usual, log, usual.usual_latencies);
    }
    departure
}

fn judge(
    state: &mut BaselineState,
    call: &Call,
    usual: &BaselineSettings,
    odd: &DetectorSettings,
) -> Option<Box<Departure>> {
    if state.usual.len() < usual.min_latencies || state.recent.len() < usual.recent_latencies {
        return None;
    }
    let slow = number(odd.latency_min_ns.max(1)).ln();
    if !state.latency_told && are_mostly_below(&state.recent, slow) {
        return None;
    }
    let now = median(&state.recent);
    if !state.latency_told && now < slow {
        return None;
    }
    let expected = median(&state.usual);
    let least = odd.latency_factor.ln();
    if !state.latency_told && now <= expected + least {
        return None;
    }
    let rise = least.max(odd.latency_deviations * spread(&state.usual, expected));
    if state.latency_told {
        // Told again only after it has come down half of the way.
        state.latency_told = now > expected + rise / 2.0;
        return None;
    }
    if now <= expected + rise {
        return None;
    }
    state.latency_told = true;
    Some(Box::new(Departure {
        observed: now.exp(),
        expected: expected.exp(),
        threshold: (expected + rise).exp(),
        support: number(state.usual.len() as u64),
        since: call.time,
        window_s: 0.0,
        actors: Vec::new(),
    }))
}

/// Whether more than half of the values are below a limit, and so their median is: that can be told
/// without sorting them.
fn are_mostly_below(values: &[f64], limit: f64) -> bool {
    let below = values.iter().filter(|value| **value < limit).count();
    below > values.len() / 2
}

fn push(values: &mut Vec<f64>, value: f64, cap: usize) {
    values.push(value);
    let surplus = values.len().saturating_sub(cap);
    values.drain(..surplus);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_mostly_below_has_its_median_below() {
        for count in 0..7_u32 {
            for above in 0..=count {
                let value = |n: u32| if n < above { 9.0 } else { 1.0 };
                let values: Vec<f64> = (0..count).map(value).collect();
                if are_mostly_below(&values, 5.0) {
                    assert!(median(&values) < 5.0, "{values:?}");
                } else {
                    assert!(count == 0 || median(&values) >= 5.0, "{values:?}");
                }
            }
        }
    }
}
