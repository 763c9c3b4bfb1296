//! Volume: calls a window, against the windows before.

use core::net::IpAddr;

use super::robust::{coarse, median, number, spread};
use super::{Call, Departure};
use crate::settings::{BaselineSettings, DetectorSettings, MINUTE, SECOND};
use crate::snapshot::Nanos;
use crate::snapshot::state::{BaselineState, ShareState, WindowState};

/// Calls from which an endpoint's rate is estimated to choose the first width.
const CALLS_FOR_RATE: u64 = 20;

/// Share of a window's calls that makes an address one that stands out in it.
const ACTOR_SHARE: f64 = 0.25;

/// Addresses named for one window.
const NAMED_ACTORS: usize = 4;

/// What a window may hold.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Limit {
    expected: f64,
    threshold: f64,
    /// What it may hold when one client makes most of it.
    concentrated: f64,
    windows: f64,
}

/// Brings the windows up to the call's time; true when a window was opened.
pub(super) fn advance(state: &mut BaselineState, call: &Call, usual: &BaselineSettings) -> bool {
    let Some(index) = state.width else {
        return begin(state, call, usual);
    };
    let width = width_of(usual, index);
    let end = state.window.start.saturating_add(width);
    if call.time < end {
        return false;
    }
    let skipped = call.time.saturating_sub(end) / width;
    close(state, usual);
    let minutes = call.host_minutes.saturating_sub(state.host_minutes);
    let empty = empty_windows(skipped, minutes, width).min(usual.windows as u64);
    for _ in 0..empty {
        push(state, 0, usual);
    }
    adapt(state, usual);
    open(state, call, usual, false);
    true
}

/// Counts the call in the open window.
pub(super) fn count(state: &mut BaselineState, call: &Call, usual: &BaselineSettings) {
    state.host_minutes = call.host_minutes;
    let window = &mut state.window;
    window.calls = window.calls.saturating_add(1);
    match call.status {
        Some(400..500) => window.client_errors = window.client_errors.saturating_add(1),
        Some(500..600) => window.server_errors = window.server_errors.saturating_add(1),
        _ => {}
    }
    if let Some(calls) = window.actors.get_mut(&call.client) {
        *calls = calls.saturating_add(1);
    } else {
        insert_actor(window, call.client, usual);
    }
}

/// Counts a new address; at the cap the one with the fewest calls gives its place and its count,
/// so that one who calls much is found however many others there are.
fn insert_actor(window: &mut WindowState, address: IpAddr, usual: &BaselineSettings) {
    let mut calls = 1;
    if window.actors.len() >= usual.window_actors.max(1) {
        let least = window.actors.iter().min_by_key(|(a, n)| (**n, *a));
        if let Some((least, n)) = least.map(|(a, n)| (*a, *n)) {
            window.actors.remove(&least);
            calls = n.saturating_add(1);
        }
    }
    window.actors.insert(address, calls);
}

/// Whether the open window holds more than it may, told once a window.
pub(super) fn judge(
    state: &mut BaselineState,
    limit: &Limit,
    usual: &BaselineSettings,
    odd: &DetectorSettings,
) -> Option<Box<Departure>> {
    let observed = number(state.window.calls);
    if state.window.volume_told || observed <= limit.concentrated {
        return None;
    }
    let most = state.window.actors.values().max().copied().unwrap_or(0);
    let concentrated = number(most) >= odd.volume_concentration * observed;
    let threshold = if concentrated {
        limit.concentrated
    } else {
        limit.threshold
    };
    if observed <= threshold {
        return None;
    }
    state.window.volume_told = true;
    Some(Box::new(Departure {
        observed,
        expected: limit.expected,
        threshold,
        support: limit.windows,
        since: state.window.start,
        window_s: window_seconds(state, usual),
        actors: actors(&state.window),
    }))
}

/// What the window that was just opened may hold; none while too little is known.
pub(super) fn limit(
    state: &BaselineState,
    usual: &BaselineSettings,
    odd: &DetectorSettings,
) -> Option<Limit> {
    if state.width.is_none()
        || state.windows.len() < usual.min_windows
        || state.support < usual.min_support
    {
        return None;
    }
    let counts: Vec<f64> = state.windows.iter().map(|n| number(*n)).collect();
    let centre = median(&counts);
    // The moving average follows a day's rise, which the median of hours does not.
    let expected = centre.max(state.average);
    let width = spread(&counts, centre);
    // Calls that come independently vary by the square root of their number; what they vary
    // beyond that, the past windows tell.
    let deviation = (expected + width * width).max(1.0).sqrt();
    let beyond = |deviations: f64| {
        (expected + deviations * deviation)
            .max(expected * odd.volume_factor)
            .max(number(odd.volume_min))
    };
    Some(Limit {
        expected,
        threshold: beyond(odd.volume_deviations),
        concentrated: beyond(odd.volume_deviations_concentrated),
        windows: number(state.windows.len() as u64),
    })
}

/// Width of the endpoint's windows in seconds.
pub(super) fn window_seconds(state: &BaselineState, usual: &BaselineSettings) -> f64 {
    let width = state.width.map_or(0, |index| width_of(usual, index));
    number(u64::try_from(width / SECOND).unwrap_or(0))
}

/// Addresses that stand out in a window, most calls first.
pub(super) fn actors(window: &WindowState) -> Vec<IpAddr> {
    let mut all: Vec<(IpAddr, u64)> = window.actors.iter().map(|(a, n)| (*a, *n)).collect();
    all.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(&b.0)));
    all.into_iter()
        .filter(|(_, calls)| number(*calls) >= ACTOR_SHARE * number(window.calls))
        .map(|(address, _)| address)
        .take(NAMED_ACTORS)
        .collect()
}

fn width_of(usual: &BaselineSettings, index: usize) -> Nanos {
    usual.widths.get(index).copied().unwrap_or(MINUTE).max(1)
}

/// Chooses the first width once the rate is known.
fn begin(state: &mut BaselineState, call: &Call, usual: &BaselineSettings) -> bool {
    let elapsed = call.time.saturating_sub(state.started);
    let widest = width_of(usual, usual.widths.len().saturating_sub(1));
    if state.support < CALLS_FOR_RATE && elapsed < widest.saturating_mul(2) {
        return false;
    }
    let elapsed = number(u64::try_from(elapsed).unwrap_or(0)).max(1.0);
    let rate = number(state.support) / elapsed;
    let index = usual
        .widths
        .iter()
        .position(|width| rate * number(u64::try_from(*width).unwrap_or(0)) >= usual.min_expected)
        .unwrap_or(usual.widths.len().saturating_sub(1));
    fold_errors(state, usual);
    state.width = Some(index);
    open(state, call, usual, true);
    true
}

fn open(state: &mut BaselineState, call: &Call, usual: &BaselineSettings, partial: bool) {
    let width = width_of(usual, state.width.unwrap_or(0));
    state.window = WindowState {
        start: call.time.saturating_sub(call.time.rem_euclid(width)),
        partial,
        ..WindowState::default()
    };
}

fn close(state: &mut BaselineState, usual: &BaselineSettings) {
    fold_errors(state, usual);
    if !state.window.partial {
        push(state, state.window.calls, usual);
    }
}

/// Windows that passed without a call while the host had traffic.
fn empty_windows(skipped: Nanos, host_minutes: u64, width: Nanos) -> u64 {
    let width = u64::try_from(width).unwrap_or(1).max(1);
    let minute = u64::try_from(MINUTE).unwrap_or(1);
    let with_traffic = host_minutes.saturating_mul(minute) / width;
    u64::try_from(skipped).unwrap_or(0).min(with_traffic)
}

fn push(state: &mut BaselineState, calls: u64, usual: &BaselineSettings) {
    // A window that departed counts as a large but thinkable one: an attack must not become
    // usual in an hour, a new level of load must in a day.
    let ceiling = if state.windows.len() >= usual.min_windows {
        let counts: Vec<f64> = state.windows.iter().map(|n| number(*n)).collect();
        (median(&counts).max(state.average) * 2.0).max(1.0)
    } else {
        f64::MAX
    };
    let kept = number(calls).min(ceiling);
    state.average = if state.windows.is_empty() {
        kept
    } else {
        coarse(state.average + usual.smoothing * (kept - state.average))
    };
    state.windows.push(calls);
    let surplus = state.windows.len().saturating_sub(usual.windows);
    state.windows.drain(..surplus);
}

/// Goes to wider or narrower windows when the endpoint's rate has changed for good.
fn adapt(state: &mut BaselineState, usual: &BaselineSettings) {
    let Some(index) = state.width else { return };
    if state.windows.len() < usual.min_windows {
        return;
    }
    let counts: Vec<f64> = state.windows.iter().map(|n| number(*n)).collect();
    let typical = median(&counts).max(state.average);
    if typical < usual.min_expected / 3.0 && index + 1 < usual.widths.len() {
        let group = width_of(usual, index + 1) / width_of(usual, index);
        let group = usize::try_from(group).unwrap_or(1).max(1);
        // Whole groups from the newest end, so that the newest window is a full one.
        let rest = state.windows.len() % group;
        state.windows = state
            .windows
            .get(rest..)
            .unwrap_or_default()
            .chunks(group)
            .map(|chunk| chunk.iter().sum())
            .collect();
        state.average *= number(group as u64);
        state.width = Some(index + 1);
    } else if typical > usual.max_expected && index > 0 {
        let group =
            number(u64::try_from(width_of(usual, index) / width_of(usual, index - 1)).unwrap_or(1));
        if typical / group >= usual.min_expected {
            state.windows.clear();
            state.average = 0.0;
            state.width = Some(index - 1);
        }
    }
}

/// Adds the open window's errors to what is usual.
fn fold_errors(state: &mut BaselineState, usual: &BaselineSettings) {
    let window = &state.window;
    // A burst that was told teaches a tenth of what it is.
    let weight = if window.errors_told { 0.1 } else { 1.0 };
    let calls = number(window.calls);
    for (share, errors) in [
        (&mut state.server_errors, number(window.server_errors)),
        (&mut state.client_errors, number(window.client_errors)),
    ] {
        let fade = (usual.error_memory / (share.calls + calls).max(1.0)).min(1.0);
        *share = ShareState {
            errors: coarse((share.errors + errors * weight) * fade),
            calls: coarse((share.calls + calls) * fade),
        };
    }
}
