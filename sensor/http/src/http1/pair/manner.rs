//! How a client uses its connection, as far as it was seen.
//!
//! After loss, causality says which requests a response cannot answer: those that were sent after
//! the client had bytes of it, and those whose head the server had not received. It never says
//! that an older request was answered inside the missing bytes. Only the client's manner does: one
//! that waits for each response before it sends on had them all. So the manner is learned where
//! nothing is missing, and believed after it was seen a few times and never belied.

use super::{LastPair, MESSAGE_BYTES_MIN};

/// Turnovers after which the client is believed to wait for its responses. Each is a chance to
/// send early that was not taken; load generators that pipeline do so from the first request on.
const TURNOVERS_BELIEVED: u8 = 4;

/// Turnovers that are enough where no more can be seen: most clients wait.
const TURNOVERS_ENOUGH: u8 = 2;

/// How a client uses its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// It has the whole response before it sends the next request.
    Waits,
    /// The same, as most clients do; it was seen a few times of this one.
    Inclined,
    /// The same, as most clients do; too little was seen of this one.
    Supposed,
    /// It sends several requests at once and has all their responses before it sends the next.
    Bursts,
    /// It sends requests while responses are outstanding.
    Slides,
    /// Too little was seen.
    Unknown,
}

/// What was seen of the manner of one client.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Observed {
    /// Requests that came after the whole response to the one before.
    turnovers: u8,
    /// Of them those before which several had been sent in one go.
    of_bursts: u8,
    /// Requests that came with nothing received since the one before.
    bursts: bool,
    /// Requests that came amid responses.
    slides: bool,
}

impl Observed {
    /// Nothing yet.
    pub(super) const fn new() -> Self {
        Self {
            turnovers: 0,
            of_bursts: 0,
            bursts: false,
            slides: false,
        }
    }

    /// Takes what speaks for pipelining from `likely`; returns the turnovers of both, as those of
    /// `likely` are not certain yet.
    pub(super) const fn join(&mut self, likely: Self) -> Likely {
        self.bursts |= likely.bursts;
        self.slides |= likely.slides;
        Likely {
            turnovers: self.turnovers.saturating_add(likely.turnovers),
            of_bursts: self.of_bursts.saturating_add(likely.of_bursts),
        }
    }

    /// The next request was sent: `next` is what the client had received of the response stream
    /// by then; the pair before it is `last`, whose request was the last of a burst or not.
    pub(super) fn next_request(&mut self, next: Option<u64>, last: LastPair, in_burst: bool) {
        let Some(next) = next else { return };
        if next >= last.end.saturating_add(MESSAGE_BYTES_MIN) {
            // What came in between answers an older request, for none is missing.
            self.slides = true;
        } else if next >= last.end {
            self.turnovers = self.turnovers.saturating_add(1);
            let of_bursts = self.of_bursts.saturating_add(u8::from(in_burst));
            self.of_bursts = of_bursts;
        } else if Some(next) == last.received {
            self.bursts = true;
        } else {
            self.slides = true;
        }
    }

    /// Two requests were sent, whatever is missing between: what the client had received by then. A
    /// whole response must have come between them, had it waited.
    pub(super) fn requests(&mut self, before: Option<u64>, after: Option<u64>) {
        if let (Some(before), Some(after)) = (before, after) {
            if before == after {
                self.bursts = true;
            } else if after < before.saturating_add(MESSAGE_BYTES_MIN) {
                self.slides = true;
            }
        }
    }

    /// A request crossed a response to an older one on its way; `is_burst` when it was sent in one
    /// go with the request before it.
    pub(super) const fn crossed(&mut self, is_burst: bool) {
        if is_burst {
            self.bursts = true;
        } else {
            self.slides = true;
        }
    }

    /// What to make of it, with turnovers that are likely, some of which may be seen by now;
    /// `is_last` when nothing more can be learned in time.
    pub(super) fn manner(self, likely: Likely, is_last: bool) -> Manner {
        if self.slides {
            return Manner::Slides;
        }
        // What a client does between single requests tells nothing of its bursts.
        let turnovers = match self.bursts {
            true => self.of_bursts.max(likely.of_bursts),
            false => self.turnovers.max(likely.turnovers),
        };
        match (turnovers >= TURNOVERS_BELIEVED, self.bursts, is_last) {
            (true, true, _) => Manner::Bursts,
            (true, false, _) => Manner::Waits,
            (false, _, false) => Manner::Unknown,
            (false, true, true) => Manner::Slides,
            (false, false, true) if turnovers >= TURNOVERS_ENOUGH => Manner::Inclined,
            (false, false, true) => Manner::Supposed,
        }
    }
}

/// Turnovers that were seen or are likely.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Likely {
    turnovers: u8,
    of_bursts: u8,
}
