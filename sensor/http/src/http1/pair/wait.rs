//! What waits too long is reported without the rest; an event stream that goes on is reported twice.

use tapscope_flow::Timestamp;

use super::decide::Outlook;
use super::{Link, Pairs};
use crate::conversation::Finished;
use crate::counters::{Counter, Counters};
use crate::exchange::{HeadBytes, Pairing, Protocol};

/// The media type of an event stream.
const EVENT_STREAM: &[u8] = b"text/event-stream";

/// Whether content with that head is a stream of events, which may go on for days.
pub(super) fn is_event_stream(head: &HeadBytes) -> bool {
    let media_type = head.header("content-type");
    media_type
        .and_then(|media_type| media_type.get(..EVENT_STREAM.len()))
        .is_some_and(|media_type| media_type.eq_ignore_ascii_case(EVENT_STREAM))
}

impl Pairs {
    /// Reports the requests that have waited since `since` or longer.
    pub(crate) fn expire(&mut self, since: Timestamp, counters: &mut Counters) {
        let likely = self.likely_turnovers();
        while self
            .waiting
            .front()
            .is_some_and(|w| w.response.ended <= since)
            && self.decide_first_waiting(Outlook::Nothing, likely)
        {}
        while let Some(first) = self.pending.front() {
            let reads_response = first.answered.is_some() && first.response.is_none();
            if reads_response || first.request.ended > since {
                break;
            }
            let is_answered = first.answered.is_some();
            if !is_answered && self.waiting.is_empty() && self.is_undecided() {
                // Its response may be the one that is being read.
                self.decide_active(Outlook::Nothing, likely);
                continue;
            }
            // One that is complete may be it too: what more might have told will not come in time.
            if !is_answered && self.decide_first_waiting(Outlook::Nothing, likely) {
                continue;
            }
            if !is_answered {
                counters.count(Counter::TimedOut);
            }
            self.give_up_first();
        }
    }

    /// When the oldest of what waits began to wait.
    pub(crate) fn waiting_since(&self) -> Option<Timestamp> {
        let request = self
            .pending
            .front()
            .filter(|p| p.answered.is_none() || p.response.is_some())
            .map(|p| p.request.ended);
        let response = self.waiting.front().map(|w| w.response.ended);
        match (request, response) {
            (Some(request), Some(response)) => Some(request.min(response)),
            (request, response) => request.or(response),
        }
    }

    /// When the event stream began that is being read, unless it was reported.
    pub(crate) fn streams_since(&self) -> Option<Timestamp> {
        let active = self.active.as_ref().filter(|it| it.is_event_stream)?;
        let first = self.pending.front()?;
        let is_due = active.link == Link::Paired && first.opened.is_none();
        is_due.then_some(active.answer.response.started)
    }

    /// The exchange of the event stream that is being read, as it stands.
    pub(crate) fn opening(&self) -> Option<Finished> {
        let (active, first) = (self.active.as_ref()?, self.pending.front()?);
        Some(Finished {
            request: Some(first.request.clone()),
            response: Some(active.answer.response.clone()),
            messages: None,
            pairing: first.answered.unwrap_or(Pairing::Unpaired),
            protocol: Protocol::Http1,
            opened: None,
        })
    }

    /// The same was reported under that number.
    pub(crate) fn opened(&mut self, number: u32) {
        if let Some(first) = self.pending.front_mut() {
            first.opened = Some(number);
        }
    }
}
