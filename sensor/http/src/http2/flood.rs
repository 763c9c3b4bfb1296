//! Floods: frames that cost the receiver much and the sender nothing (CVE-2019-9511 to 9518,
//! CVE-2023-44487, CVE-2024-27316). The sensor's own cost is bounded elsewhere; here they are
//! noticed, counted, and marked on the next exchange of the connection.

use crate::anomaly::{Anomalies, MessageAnomaly};
use crate::conversation::Context;
use crate::counters::Counter;
use crate::settings::HttpSettings;

/// What was seen of one connection since it was last judged.
#[derive(Debug, Default)]
pub(super) struct Floods {
    /// Requests, and those of them that the client reset before an answer.
    requests: u32,
    resets: u32,
    /// SETTINGS, PING and PRIORITY since the last request.
    control: u32,
    /// DATA without content since the last request.
    empty: u32,
    /// Found, and not yet marked on an exchange.
    found: Anomalies,
}

impl Floods {
    /// A request came.
    pub(super) const fn request(&mut self) {
        self.requests = self.requests.saturating_add(1);
        (self.control, self.empty) = (0, 0);
    }

    /// The client reset a request that had no answer.
    pub(super) fn reset(&mut self, settings: &HttpSettings) {
        self.resets = self.resets.saturating_add(1);
        // Browsers reset some requests when a page is left; an attack resets nearly all.
        if self.resets >= settings.http2_resets_max {
            if self.resets >= self.requests / 2 {
                self.found.insert(MessageAnomaly::RapidReset);
            }
            (self.requests, self.resets) = (0, 0);
        }
    }

    /// A frame that only costs its receiver came.
    pub(super) fn control(&mut self, settings: &HttpSettings) {
        self.control = self.control.saturating_add(1);
        if self.control == settings.http2_idle_frames_max {
            self.found.insert(MessageAnomaly::ControlFrameFlood);
        }
    }

    /// DATA without content came.
    pub(super) fn empty_data(&mut self, settings: &HttpSettings) {
        self.empty = self.empty.saturating_add(1);
        if self.empty == settings.http2_idle_frames_max {
            self.found.insert(MessageAnomaly::EmptyFrameFlood);
        }
    }

    /// A field block had too many fragments or octets.
    pub(super) const fn block(&mut self) {
        self.found.insert(MessageAnomaly::ContinuationFlood);
    }

    /// What was found, to be marked on an exchange.
    pub(super) fn take<S>(&mut self, cx: &mut Context<'_, S>) -> Anomalies {
        self.count(cx);
        core::mem::take(&mut self.found)
    }

    /// Counts what was found.
    pub(super) fn count<S>(&self, cx: &mut Context<'_, S>) {
        for anomaly in self.found.iter() {
            cx.counters.count(match anomaly {
                MessageAnomaly::RapidReset => Counter::FloodReset,
                MessageAnomaly::ContinuationFlood => Counter::FloodContinuation,
                MessageAnomaly::EmptyFrameFlood => Counter::FloodEmpty,
                _ => Counter::FloodControl,
            });
        }
    }
}
