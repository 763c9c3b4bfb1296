//! Decides on responses in their order, as soon as enough was seen, and does what follows from it.

use super::decide::{Decision, Outlook};
use super::manner::Observed;
use super::{Link, MESSAGE_BYTES_MIN, Pairs, UNPAIRED_MAX, Unpaired};
use crate::anomaly::MessageAnomaly;
use crate::chunk::Position;

/// The status of a response to a request that did not come.
const REQUEST_TIMEOUT: u16 = 408;

impl Pairs {
    /// Bytes of a response tell what the server has acknowledged.
    pub(crate) fn note_acknowledged(&mut self, at: Position) {
        let acknowledged = at.acknowledged.unwrap_or(0);
        self.acknowledged_max = self.acknowledged_max.max(acknowledged);
    }

    /// Notes requests that were sent before the client had the response which starts there, and that
    /// the server did not have when it began it: an older one was outstanding.
    pub(super) fn note_crossing(&mut self, start: Position) {
        let Some(acknowledged) = start.acknowledged else {
            return;
        };
        let last = self.last_answer.replace((start.offset, acknowledged));
        // Had the client waited for the response before, then the request to this one had arrived
        // since that one was begun, also when neither was seen.
        if last.is_some_and(|(_, last)| acknowledged < last.saturating_add(MESSAGE_BYTES_MIN)) {
            self.observed.crossed(true);
        }
        let mut before = None;
        for request in &self.pending {
            let received = request.received;
            if request.head_end > acknowledged && received.is_some_and(|r| r <= start.offset) {
                self.observed.crossed(received == before);
            }
            before = received;
        }
    }

    /// Decides on the response being read, once those before it are.
    pub(super) fn decide_active(&mut self, outlook: Outlook) {
        if !self.waiting.is_empty() {
            return;
        }
        let likely = match outlook {
            Outlook::More => self.likely_turnovers(),
            Outlook::Nothing => 0,
        };
        let Some(active) = self.active.as_ref().filter(|a| a.link == Link::Open) else {
            return;
        };
        let decision = self.decide(&active.answer, outlook, likely);
        let start = active.answer.start.offset;
        let link = self.apply(decision, start);
        let may_hide_request = self.may_hide_request && decision == Decision::Unasked;
        if let Some(active) = self.active.as_mut() {
            active.link = link;
            let response = &mut active.answer.response;
            // A server may say that it waited for too long without being asked (RFC 9110 section
            // 15.5.9).
            if may_hide_request && response.status != REQUEST_TIMEOUT {
                let anomaly = MessageAnomaly::AnsweredHiddenRequest;
                response.anomalies.insert(anomaly);
                self.may_hide_request = false;
            }
        }
    }

    pub(super) fn note_unpaired(&mut self, place: Unpaired) {
        if self.unpaired.len() >= UNPAIRED_MAX {
            self.unpaired.pop_front();
        }
        self.unpaired.push_back(place);
    }

    /// Does to the requests what was decided on the response that starts at `response`.
    pub(super) fn apply(&mut self, decision: Decision, response: u64) -> Link {
        match decision {
            Decision::Pair(index, pairing) => {
                self.answer(index, pairing, response);
                Link::Paired
            }
            Decision::Unasked => Link::Orphan,
            Decision::Orphan => {
                self.is_in_step = false;
                self.note_unpaired(Unpaired {
                    start: response,
                    gap_end: None,
                });
                Link::Orphan
            }
            Decision::Wait => Link::Open,
        }
    }

    /// Decides on the first response that waits; tells whether that could be done.
    pub(super) fn decide_first_waiting(&mut self, outlook: Outlook) -> bool {
        let likely = self.likely_turnovers();
        let Some(answer) = self.waiting.front() else {
            return false;
        };
        let decision = self.decide(answer, outlook, likely);
        if decision == Decision::Wait {
            return false;
        }
        let Some(answer) = self.waiting.pop_front() else {
            return false;
        };
        match self.apply(decision, answer.start.offset) {
            Link::Paired => self.complete_first(answer.response, answer.end),
            Link::Orphan | Link::Open => self.orphan(answer.response),
        }
        true
    }

    /// How many of the responses that wait look like the client had them whole before it sent its
    /// next request. What looks otherwise is noted at once.
    pub(super) fn likely_turnovers(&mut self) -> u8 {
        let mut observed = Observed::new();
        for answer in &self.waiting {
            if self.may_be_asked_later(answer) {
                break;
            }
            let next = self.last_possible(answer).and_then(|index| {
                let request = self.pending.get(index)?;
                let next = self.pending.get(index + 1)?;
                (!next.after_loss && answer.follows(request)).then_some((request, next))
            });
            if let (Some((request, next)), Some(end)) = (next, answer.end) {
                observed.next_request(next.received, request.received, end);
            }
        }
        self.observed.join(observed)
    }
}
