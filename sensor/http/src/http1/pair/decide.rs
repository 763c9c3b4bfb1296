//! Decides which request a response answers.
//!
//! Three kinds of evidence, in this order. *Order*: nothing is missing since the last pair.
//! *Causality*: a request that was sent after the client had bytes of the response, or whose head
//! the server had not received, is not it; sometimes one is left. *Manner*: what the client was
//! seen to wait for was complete, whatever is missing here. Where too little was seen of it, it is
//! supposed to do as most clients do, and the pair says so.

use super::manner::{Likely, Manner};
use super::{Answer, Pairs, Pending};
use crate::exchange::Pairing;

/// What can be said of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It answers the pending request at that index.
    Pair(usize, Pairing),
    /// It answers none, and order goes on to count.
    Unasked,
    /// Its request was not seen, or more than one is possible.
    Orphan,
    /// What is still to be seen may tell.
    Wait,
}

/// How much is still to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outlook {
    /// More comes.
    More,
    /// Nothing more comes in time.
    Nothing,
}

impl Pairs {
    /// The pending request that a response answers, as far as can be said.
    pub(super) fn decide(&self, answer: &Answer, outlook: Outlook, likely: Likely) -> Decision {
        let first = self.pending.iter().position(|p| p.answered.is_none());
        let may_come = self.may_be_asked_later(answer);
        if self.is_in_step && !answer.after_loss {
            match first.and_then(|first| Some((first, self.pending.get(first)?))) {
                Some((first, oldest)) if !oldest.after_loss => {
                    // Made-up captures acknowledge nothing ever; what follows tells.
                    if self.acknowledges_nothing(answer) && outlook == Outlook::More {
                        return Decision::Wait;
                    }
                    if !self.is_early(answer, oldest) {
                        return Decision::Pair(first, self.in_order(likely));
                    }
                    return if may_come && outlook == Outlook::More {
                        Decision::Wait
                    } else {
                        Decision::Unasked
                    };
                }
                None if !may_come && !self.requests_lost => return Decision::Unasked,
                _ => {}
            }
        }
        if may_come {
            // What was not seen yet may be its request, so that none of the others is certain.
            return match outlook {
                Outlook::More => Decision::Wait,
                Outlook::Nothing => Decision::Orphan,
            };
        }
        let Some((first, oldest)) = first.and_then(|first| Some((first, self.pending.get(first)?)))
        else {
            return Decision::Orphan;
        };
        // Made-up captures have none, or constant ones.
        let says_nothing = answer.start.acknowledged.is_none()
            || oldest.received.is_none()
            || self.acknowledged_max == 0;
        if says_nothing {
            let is_only = !self.any_loss && self.pending.len() == first + 1;
            return match (is_only, self.older_may_wait, outlook) {
                (true, true, Outlook::More) => Decision::Wait,
                (true, _, _) if self.unpaired.is_empty() && !self.leaves_unasked(answer, first) => {
                    Decision::Pair(first, self.in_order(likely))
                }
                (_, _, _) => Decision::Orphan,
            };
        }
        match self.decide_by_position(answer, first, outlook, likely) {
            Decision::Pair(index, _) if self.leaves_unasked(answer, index) => Decision::Orphan,
            decision => decision,
        }
    }

    /// Whether a response that is known to follow would be left without request if this one
    /// answered the one at `index`, with nothing missing where that request could be: then this
    /// one's own request is an older one.
    fn leaves_unasked(&self, answer: &Answer, index: usize) -> bool {
        let active = self.active.as_ref().map(|active| &active.answer);
        let later = self.waiting.iter().map(Box::as_ref).chain(active);
        let later = later.filter(|later| later.start.offset > answer.start.offset);
        for (before, later) in later.take_while(|later| !later.after_loss).enumerate() {
            let mut asked = 0;
            let received = later.start.acknowledged.unwrap_or(self.requests_seen_to);
            let mut hole = self.pending.get(index).and_then(|p| p.hole_after);
            for request in self.pending.iter().skip(index + 1) {
                if request.after_loss {
                    break;
                }
                hole = request.hole_after;
                asked += usize::from(request.head_end <= received);
            }
            if received > self.requests_seen_to || hole.is_some_and(|hole| received > hole) {
                return false;
            }
            if asked <= before {
                return true;
            }
        }
        false
    }

    /// Whether the server had more of the request stream than was seen here when it responded.
    pub(super) fn may_be_asked_later(&self, answer: &Answer) -> bool {
        let received = answer.start.acknowledged;
        received.is_some_and(|received| received > self.requests_seen_to)
    }

    /// Whether the server had nothing of any request by the acknowledgements seen so far: it
    /// answers one in a SYN that was not captured (RFC 7413), or its numbers are made up.
    fn acknowledges_nothing(&self, answer: &Answer) -> bool {
        self.acknowledged_max == 0 && answer.start.acknowledged == Some(0)
    }

    /// Whether a response was sent before the request was received, like a 408. Made-up captures
    /// with constant acknowledgement numbers say nothing.
    fn is_early(&self, answer: &Answer, oldest: &Pending) -> bool {
        self.acknowledged_max > 0
            && answer
                .start
                .acknowledged
                .is_some_and(|acknowledged| acknowledged <= oldest.start)
    }

    fn decide_by_position(
        &self,
        answer: &Answer,
        first: usize,
        outlook: Outlook,
        likely: Likely,
    ) -> Decision {
        let Some(last) = self.last_possible(answer) else {
            return Decision::Orphan;
        };
        let Some(candidate) = self.pending.get(last) else {
            return Decision::Orphan;
        };
        let pair = |index| Decision::Pair(index, Pairing::Acknowledged);
        let suppose = |index| Decision::Pair(index, Pairing::Supposed);
        if answer.may_answer_hidden_after(candidate) {
            return Decision::Orphan;
        }
        // Causality leaves one.
        if last == first && !candidate.after_loss && !self.older_may_wait {
            return pair(last);
        }
        // Not known to be the only one, and begun before its end: more likely an older one's.
        let had_all = |p: &Pending| {
            let received = answer.start.acknowledged;
            p.end.is_some_and(|end| received.is_none_or(|a| a >= end))
        };
        let waited = || answer.follows(candidate) && self.had_responses(first, last);
        match self.observed.manner(likely, outlook == Outlook::Nothing) {
            Manner::Unknown => Decision::Wait,
            Manner::Slides => Decision::Orphan,
            _ if !had_all(candidate) => Decision::Orphan,
            Manner::Supposed if self.may_lack_several(first, last) => Decision::Orphan,
            Manner::Waits if waited() => pair(last),
            Manner::Inclined | Manner::Supposed if waited() => suppose(last),
            Manner::Waits | Manner::Inclined | Manner::Supposed => Decision::Orphan,
            Manner::Bursts => self.in_burst(answer, last).map_or(Decision::Orphan, pair),
        }
    }

    /// What a pair rests on that order makes. A pair that was supposed may have left an older request
    /// outstanding, and then all that follow in order are wrong with it.
    fn in_order(&self, likely: Likely) -> Pairing {
        match (self.older_may_wait, self.observed.manner(likely, false)) {
            (false, _) => Pairing::Ordered,
            (true, Manner::Waits) => Pairing::Acknowledged,
            (true, _) => Pairing::Supposed,
        }
    }

    /// Whether each request from `first` to before `last` may have been answered before the next one
    /// was sent: a response without request was seen in that stretch, or bytes are missing in it.
    /// What the client had before it ended a request is rarely the response to it.
    fn had_responses(&self, first: usize, last: usize) -> bool {
        let pairs = self
            .pending
            .iter()
            .zip(self.pending.iter().skip(1))
            .take(last)
            .skip(first);
        pairs.into_iter().all(|(request, next)| {
            let (Some(from), Some(to)) = (request.received_at_end, next.received) else {
                return true;
            };
            let mut room = 0;
            for place in &self.unpaired {
                match place.gap_end {
                    None if (from..to).contains(&place.start) => room += 1,
                    Some(end) if place.start < to && end > from => return true,
                    _ => {}
                }
            }
            room > usize::from(next.hidden_before.is_some())
        })
    }

    /// The last request that causality allows: the client had nothing of the response when it sent
    /// it, and the server had its head when it responded.
    pub(super) fn last_possible(&self, answer: &Answer) -> Option<usize> {
        let acknowledged = answer.start.acknowledged?;
        self.pending.iter().rposition(|p| {
            p.answered.is_none()
                && p.head_end <= acknowledged
                && p.received.is_some_and(|r| r <= answer.start.offset)
        })
    }

    /// The request of a burst that a response answers: the first when the response is the first
    /// that follows the burst, or the only one.
    fn in_burst(&self, answer: &Answer, last: usize) -> Option<usize> {
        let candidate = self.pending.get(last)?;
        let received = self.pending.iter().map(|p| p.received);
        let size = received.filter(|r| *r == candidate.received).count();
        let index = self
            .pending
            .iter()
            .position(|p| p.received == candidate.received)?;
        let first = self.pending.get(index)?;
        if first.answered.is_some() || !answer.follows(first) {
            return None;
        }
        // The burst before was answered as a whole.
        let is_answered = |p: &Pending| p.answered.is_some();
        if let Some(before) = index.checked_sub(1)
            && !self.pending.get(before).is_none_or(|p| is_answered(p))
            && !self.had_responses(before, index)
        {
            return None;
        }
        let starts = candidate.received == Some(answer.start.offset);
        (starts || size == 1).then_some(index)
    }

    /// Whether more than one request may be missing right before one of those from `first` to `last`:
    /// a client's requests are about as long as each other, and what is much longer has content.
    fn may_lack_several(&self, first: usize, last: usize) -> bool {
        let shortest = u64::from(self.shortest_head);
        let several = shortest * 3 / 2..shortest * 4;
        let requests = self.pending.iter().take(last + 1).skip(first);
        let mut behind_loss = requests.filter(|request| request.after_loss);
        behind_loss.any(|request| several.contains(&u64::from(request.hidden_len)))
    }
}

impl Answer {
    /// Whether it can answer a request that is missing behind `request`: not when the server had
    /// none of the missing bytes, nor when it starts where the client was when it sent `request`,
    /// whose own response would have to come before.
    fn may_answer_hidden_after(&self, request: &Pending) -> bool {
        let is_received = request
            .hole_after
            .is_some_and(|hole| self.start.acknowledged.is_none_or(|a| a > hole));
        is_received && request.received != Some(self.start.offset)
    }

    /// Whether it can be the next response after what the client had when it sent `request`: no byte
    /// of another one was seen in between, and a request that is missing before was answered before.
    pub(super) fn follows(&self, request: &Pending) -> bool {
        request.received.is_some_and(|received| {
            // A request that is missing before it was not sent together with it when the server had
            // it while it sent what the client had by then.
            let mut before = [self.start.run, self.start.before].into_iter().flatten();
            let was_answered = before.any(|(offset, acknowledged)| {
                offset < received.min(self.start.offset) && acknowledged >= request.start
            });
            (!request.after_loss || was_answered) && self.others_end <= received
        })
    }
}
