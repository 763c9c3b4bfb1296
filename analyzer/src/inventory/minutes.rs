//! The latest minutes of an endpoint, for its charts. Packet time.

use std::collections::VecDeque;

use crate::settings::{InventorySettings, MINUTE};
use crate::snapshot::{MinuteSnapshot, Nanos};

/// What one exchange adds to its minute.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// When.
    pub time: Nanos,
    /// The status, when it was seen.
    pub status: Option<u16>,
    /// The latency, when it was measured.
    pub latency_ns: Option<u64>,
    /// Bytes of response content.
    pub response_bytes: u64,
}

/// The latest minutes with traffic, ascending.
#[derive(Clone, Debug, Default)]
pub struct Minutes {
    minutes: VecDeque<MinuteSnapshot>,
    /// Latencies of the newest minute.
    latencies: Vec<u64>,
}

impl Minutes {
    /// Takes in one exchange; a late one goes to its own minute when that is still kept.
    pub fn observe(&mut self, moment: Moment, settings: &InventorySettings) {
        let minute = moment.time.saturating_sub(moment.time.rem_euclid(MINUTE));
        let newest = self.minutes.back().map(|m| m.minute);
        if newest.is_none_or(|newest| minute > newest) {
            self.settle();
            self.latencies.clear();
            self.minutes.push_back(MinuteSnapshot {
                minute,
                ..MinuteSnapshot::default()
            });
            while self.minutes.len() > settings.max_minutes.max(1) {
                self.minutes.pop_front();
            }
        }
        if self.minutes.back().is_some_and(|m| m.minute == minute)
            && let Some(latency) = moment.latency_ns
            && self.latencies.len() < settings.max_minute_latencies
        {
            self.latencies.push(latency);
        }
        if let Some(slot) = self.minutes.iter_mut().rev().find(|m| m.minute == minute) {
            slot.requests = slot.requests.saturating_add(1);
            slot.response_bytes = slot.response_bytes.saturating_add(moment.response_bytes);
            match moment.status {
                Some(400..500) => slot.client_errors = slot.client_errors.saturating_add(1),
                Some(500..600) => slot.server_errors = slot.server_errors.saturating_add(1),
                _ => {}
            }
        }
    }

    /// Takes over another endpoint's minutes.
    pub fn merge(&mut self, other: &Self, settings: &InventorySettings) {
        self.settle();
        self.latencies.clear();
        let mut theirs = other.clone();
        theirs.settle();
        let mut all: Vec<MinuteSnapshot> = self.minutes.drain(..).chain(theirs.minutes).collect();
        all.sort_by_key(|m| m.minute);
        for minute in all {
            match self.minutes.back_mut() {
                Some(last) if last.minute == minute.minute => join(last, &minute),
                _ => self.minutes.push_back(minute),
            }
        }
        while self.minutes.len() > settings.max_minutes.max(1) {
            self.minutes.pop_front();
        }
    }

    /// Bytes held beside itself.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.minutes.capacity() * size_of::<MinuteSnapshot>() + self.latencies.capacity() * 8
    }

    /// As plain data, ascending.
    #[must_use]
    pub fn snapshot(&self) -> Vec<MinuteSnapshot> {
        let mut copy = self.clone();
        copy.settle();
        copy.minutes.into_iter().collect()
    }

    /// Goes on from plain data.
    #[must_use]
    pub fn restore(minutes: &[MinuteSnapshot]) -> Self {
        Self {
            minutes: minutes.iter().cloned().collect(),
            latencies: Vec::new(),
        }
    }

    /// Writes the quantiles of the newest minute.
    fn settle(&mut self) {
        if self.latencies.is_empty() {
            return;
        }
        self.latencies.sort_unstable();
        let last = self.latencies.len() - 1;
        let at = |percent: usize| self.latencies.get(last * percent / 100).copied();
        let (p50, p99) = (at(50), at(99));
        if let Some(newest) = self.minutes.back_mut() {
            newest.latency_p50_ns = p50;
            newest.latency_p99_ns = p99;
        }
    }
}

/// Adds `other` to a minute of the same time; of quantiles the larger stays, since they cannot be
/// merged.
fn join(minute: &mut MinuteSnapshot, other: &MinuteSnapshot) {
    minute.requests = minute.requests.saturating_add(other.requests);
    minute.client_errors = minute.client_errors.saturating_add(other.client_errors);
    minute.server_errors = minute.server_errors.saturating_add(other.server_errors);
    minute.response_bytes = minute.response_bytes.saturating_add(other.response_bytes);
    minute.latency_p50_ns = minute.latency_p50_ns.max(other.latency_p50_ns);
    minute.latency_p99_ns = minute.latency_p99_ns.max(other.latency_p99_ns);
}
