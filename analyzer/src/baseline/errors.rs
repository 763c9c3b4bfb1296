//! Errors: the share in the open window, at least, against the usual share.

use super::robust::{number, share_at_least};
use super::volume::{actors, window_seconds};
use super::{Call, Departure};
use crate::settings::{BaselineSettings, DetectorSettings};
use crate::snapshot::state::{BaselineState, ShareState};

/// An error in so many calls is assumed of an endpoint before it has shown any, so that the first
/// one is no sensation.
const PRIOR_CALLS: f64 = 50.0;

/// Judges the open window when the call was an error: (5xx, 4xx). Told once a window.
pub(super) fn judge(
    state: &mut BaselineState,
    call: &Call,
    usual: &BaselineSettings,
    odd: &DetectorSettings,
) -> (Option<Box<Departure>>, Option<Box<Departure>>) {
    let server = match call.status {
        Some(500..600) => true,
        Some(400..500) => false,
        _ => return (None, None),
    };
    if state.window.errors_told || state.width.is_none() || state.support < usual.min_support {
        return (None, None);
    }
    let (errors, share) = if server {
        (state.window.server_errors, state.server_errors)
    } else {
        (state.window.client_errors, state.client_errors)
    };
    let departure = depart(state, errors, share, usual, odd);
    state.window.errors_told = departure.is_some();
    if server {
        (departure, None)
    } else {
        (None, departure)
    }
}

fn depart(
    state: &BaselineState,
    errors: u64,
    share: ShareState,
    usual: &BaselineSettings,
    odd: &DetectorSettings,
) -> Option<Box<Departure>> {
    if errors < odd.error_min {
        return None;
    }
    let expected = (share.errors + 1.0) / (share.calls + PRIOR_CALLS);
    let threshold = (expected * odd.error_factor).clamp(odd.error_min_share, 0.95);
    let (errors, calls) = (number(errors), number(state.window.calls));
    if share_at_least(errors, calls, odd.error_deviations) <= threshold {
        return None;
    }
    Some(Box::new(Departure {
        observed: errors / calls.max(1.0),
        expected,
        threshold,
        support: share.calls,
        since: state.window.start,
        window_s: window_seconds(state, usual),
        actors: actors(&state.window),
    }))
}
