//! Baseline: what is usual for an endpoint, and what a call adds to it.
//!
//! Volume is counted in windows of packet time whose width fits the endpoint's own rate; errors
//! are a share with a fading memory; latency is compared on the logarithm. All statistics are
//! robust (medians, absolute deviations, lower bounds), since the traffic that is learned from is
//! the traffic that is judged. Nothing is said before there is enough to say it on.

/// Medians, deviations and bounds.
pub mod robust;

mod errors;

mod latency;

mod volume;

use core::net::IpAddr;

use crate::settings::{BaselineSettings, DetectorSettings};
use crate::snapshot::Nanos;
use crate::snapshot::state::BaselineState;

/// What the baseline is told of one call.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// When.
    pub time: Nanos,
    /// From where.
    pub client: IpAddr,
    /// The status; none when the response was not seen.
    pub status: Option<u16>,
    /// Latency, where it was measured without loss.
    pub latency_ns: Option<u64>,
    /// Minutes with traffic on the host so far; tells silence of the endpoint from silence of the
    /// host (or of the mirror).
    pub host_minutes: u64,
}

/// How far something is from usual.
#[derive(Clone, Debug, PartialEq)]
pub struct Departure {
    /// What was measured.
    pub observed: f64,
    /// What is usual.
    pub expected: f64,
    /// What it had to exceed.
    pub threshold: f64,
    /// Calls or windows the expectation rests on.
    pub support: f64,
    /// Start of the window it is about.
    pub since: Nanos,
    /// Width of that window in seconds; 0 where there is none.
    pub window_s: f64,
    /// Client addresses that stand out in the window, most calls first.
    pub actors: Vec<IpAddr>,
}

/// The baseline's answer to one call: most often that there is nothing.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// More calls than usual.
    pub volume: Option<Box<Departure>>,
    /// More 5xx than usual.
    pub server_errors: Option<Box<Departure>>,
    /// More 4xx than usual.
    pub client_errors: Option<Box<Departure>>,
    /// Slower than usual; in nanoseconds.
    pub latency: Option<Box<Departure>>,
}

/// What is usual for one endpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    state: BaselineState,
    /// Calls of the open window beyond which its volume is a departure; derived from the past
    /// windows when it opens.
    limit: Option<volume::Limit>,
}

impl Baseline {
    /// Goes on from a state.
    #[must_use]
    pub fn restore(state: BaselineState, usual: &BaselineSettings, odd: &DetectorSettings) -> Self {
        let mut new = Self { state, limit: None };
        new.limit = volume::limit(&new.state, usual, odd);
        new
    }

    /// The state to go on from.
    #[must_use]
    pub fn state(&self) -> BaselineState {
        self.state.clone()
    }

    /// Takes one call in, and says what of it is not usual.
    pub fn observe(
        &mut self,
        call: &Call,
        usual: &BaselineSettings,
        odd: &DetectorSettings,
    ) -> Answer {
        if self.state.support == 0 {
            self.state.started = call.time;
            self.state.host_minutes = call.host_minutes;
        }
        self.state.support = self.state.support.saturating_add(1);
        if volume::advance(&mut self.state, call, usual) {
            self.limit = volume::limit(&self.state, usual, odd);
        }
        volume::count(&mut self.state, call, usual);
        let volume = self
            .limit
            .as_ref()
            .and_then(|limit| volume::judge(&mut self.state, limit, usual, odd));
        let (server_errors, client_errors) = errors::judge(&mut self.state, call, usual, odd);
        let latency = call
            .latency_ns
            .and_then(|ns| latency::observe(&mut self.state, ns, call, usual, odd));
        Answer {
            volume,
            server_errors,
            client_errors,
            latency,
        }
    }
}
