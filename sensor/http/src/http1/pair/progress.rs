//! Decides on responses in their order, as soon as enough was seen, and does what follows from it.

use super::decide::{Decision, Outlook};
use super::manner::{Likely, Observed};
use super::{LastPair, Link, MESSAGE_BYTES_MIN, Pairs, UNPAIRED_MAX, Unpaired};
use crate::anomaly::MessageAnomaly;
use crate::chunk::Position;
use crate::exchange::BodyEnd;

/// The status of a response to a request that did not come.
const REQUEST_TIMEOUT: u16 = 408;

impl Pairs {
    /// Bytes of a response tell what the server has acknowledged.
    pub(crate) fn note_acknowledged(&mut self, at: Position) {
        let acknowledged = at.acknowledged.unwrap_or(0);
        self.acknowledged_max = self.acknowledged_max.max(acknowledged);
    }

    /// Bytes of the request stream that may have held requests are missing from there on.
    pub(crate) fn lose_requests(&mut self, offset: u64) {
        if !core::mem::replace(&mut self.requests_lost, true) {
            self.lost_from = low_half(offset);
        }
        self.any_loss = true;
        self.may_hide_request = false;
        if let Some(last) = self.pending.back_mut() {
            last.hole_after.get_or_insert(offset);
        }
    }

    /// Bytes of a request whose head was not seen, and what the client had received by then.
    pub(crate) fn pass_request_bytes(&mut self, received: Option<u64>) {
        self.last_received = self.last_received.max(received);
    }

    /// The bytes that were lost held a request, and what the client had received when it sent that,
    /// when it is known.
    pub(crate) fn hide_request(&mut self, received: Option<u64>) {
        self.request_hidden = true;
        if received.is_some() {
            self.observed.requests(self.last_received, received);
            self.last_received = received;
        }
    }

    /// Bytes of a response, which end there, tell what the server had when it sent them: a request
    /// that it had not, and that the client sent without them, crossed them on their way, so that an
    /// older one was outstanding.
    pub(crate) fn note_response_bytes(&mut self, at: Position, end: u64) {
        let Some(acknowledged) = at.acknowledged else {
            return;
        };
        self.last_bytes = (end, acknowledged);
        let mut before = None;
        for request in &self.pending {
            let received = request.received;
            if request.head_end > acknowledged && received.is_some_and(|r| r < end) {
                self.observed.crossed(received == before);
            }
            before = received;
        }
    }

    /// Notes what the response that starts there tells of requests beside the one before.
    pub(super) fn note_crossing(&mut self, start: Position) {
        let Some(acknowledged) = start.acknowledged else {
            return;
        };
        let last = core::mem::replace(&mut self.had_at_answer, acknowledged);
        let is_next = core::mem::replace(&mut self.has_answered, true);
        // Had the client waited for the response before, then the request to this one had arrived
        // since that one was begun, also when neither was seen.
        if is_next && acknowledged < last.saturating_add(MESSAGE_BYTES_MIN) {
            self.observed.crossed(true);
        }
    }

    /// Notes what a request tells of the client that it sent when it had `received` so much. Gives
    /// what it had, at least, when it sent the one that is missing before.
    pub(super) fn observe_request(
        &mut self,
        received: Option<u64>,
        head_end: u64,
        after_loss: bool,
    ) -> Option<u64> {
        let last_received = core::mem::replace(&mut self.last_received, received);
        self.observed.requests(last_received, received);
        let is_burst = last_received == received;
        let (end, had) = self.last_bytes;
        if received.is_some_and(|received| end > received) && had < head_end {
            self.observed.crossed(is_burst);
        }
        let last_pair = self.last_pair.take();
        if let Some(last) = last_pair.filter(|_| !after_loss) {
            self.observed
                .next_request(received, last, self.last_in_burst);
        }
        let hidden_before = core::mem::take(&mut self.request_hidden).then(|| {
            let before = self.pending.back().and_then(|last| last.received);
            last_pair.map_or(before.unwrap_or(0), |last| last.end)
        });
        // No response to it fits before this one.
        if let (Some(hidden), Some(received)) = (hidden_before, received)
            && received < hidden.saturating_add(MESSAGE_BYTES_MIN)
        {
            self.observed.crossed(received == hidden);
        }
        hidden_before
    }

    /// Notes a request that was sent before the response which starts there, to the one at `index`,
    /// was begun, and that is missing.
    fn note_sent_ahead(&mut self, index: usize, start: Position) {
        let request = self.pending.get(index);
        let (Some(request), Some(acknowledged)) = (request, start.acknowledged) else {
            return;
        };
        let unseen = request.end.filter(|_| acknowledged > self.requests_seen_to);
        // Where one ends that lacks bytes is not always known.
        let is_whole = request.request.body.end == BodyEnd::Complete;
        let missing = request.hole_after.or(unseen).filter(|_| is_whole);
        if missing.is_some_and(|from| acknowledged >= from.saturating_add(MESSAGE_BYTES_MIN)) {
            self.observed.crossed(false);
        }
    }

    /// Decides on what waits as far as enough was seen. Tells whether the response being read turned
    /// out to answer HEAD.
    pub(super) fn decide_waiting(&mut self) -> bool {
        loop {
            let likely = self.likely_turnovers();
            if !self.decide_first_waiting(Outlook::More, likely) {
                break;
            }
        }
        let likely = self.likely_turnovers();
        self.decide_active_to_head(Outlook::More, likely)
    }

    /// Nothing more will tell: decides on everything that waits, and tells the same.
    pub(crate) fn decide_finally(&mut self) -> bool {
        // All of what waits tells of the client, whatever becomes of it.
        let likely = self.likely_turnovers();
        while self.decide_first_waiting(Outlook::Nothing, likely) {}
        self.decide_active_to_head(Outlook::Nothing, likely)
    }

    fn decide_active_to_head(&mut self, outlook: Outlook, likely: Likely) -> bool {
        let was_open = self.active.as_ref().is_some_and(|a| a.link == Link::Open);
        self.decide_active(outlook, likely);
        was_open && self.is_method_known() && self.pending.front().is_some_and(|p| p.is_head())
    }

    /// Decides on the response being read, once those before it are.
    pub(super) fn decide_active(&mut self, outlook: Outlook, likely: Likely) {
        if !self.waiting.is_empty() {
            return;
        }
        let Some(active) = self.active.as_ref().filter(|a| a.link == Link::Open) else {
            return;
        };
        let decision = self.decide(&active.answer, outlook, likely);
        let start = active.answer.start;
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

    /// Does to the requests what was decided on the response that starts there.
    pub(super) fn apply(&mut self, decision: Decision, start: Position) -> Link {
        match decision {
            Decision::Pair(index, pairing) => {
                self.note_sent_ahead(index, start);
                self.answer(index, pairing, start.offset);
                Link::Paired
            }
            Decision::Unasked => Link::Orphan,
            Decision::Orphan => {
                self.is_in_step = false;
                self.note_unpaired(Unpaired {
                    start: start.offset,
                    gap_end: None,
                });
                Link::Orphan
            }
            Decision::Wait => Link::Open,
        }
    }

    /// Decides on the first response that waits; tells whether that could be done.
    pub(super) fn decide_first_waiting(&mut self, outlook: Outlook, likely: Likely) -> bool {
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
        match self.apply(decision, answer.start) {
            Link::Paired => self.complete_first(answer.response, answer.end),
            Link::Orphan | Link::Open => self.orphan(answer.response),
        }
        true
    }

    /// How many of the responses that wait look like the client had them whole before it sent its
    /// next request. What looks otherwise is noted at once.
    pub(super) fn likely_turnovers(&mut self) -> Likely {
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
                let last = LastPair {
                    received: request.received,
                    end,
                };
                observed.next_request(next.received, last, request.in_burst);
            }
        }
        self.observed.join(observed)
    }
}

/// The lower half of an offset.
pub(super) fn low_half(offset: u64) -> u32 {
    u32::try_from(offset & u64::from(u32::MAX)).unwrap_or(0)
}
