//! Says which request a response answers.
//!
//! While both streams are seen without loss, order decides (RFC 9112 section 9.3.2). After loss
//! counting would shift every later response, so positions decide: a response can answer only a
//! request whose head its segment had acknowledged and which was sent without having acknowledged
//! a byte of the response. Requests sent at the same position of the response stream form a group
//! (one request without pipelining, a burst with it); a client that does not slide its pipeline
//! has received all responses to a group before it sends the next. Where these facts leave more
//! than one possibility, the two stay unpaired.

use std::collections::VecDeque;

use crate::chunk::Position;
use crate::conversation::Finished;
use crate::counters::{Counter, Counters};
use crate::exchange::{Body, BodyEnd, Pairing, Protocol, Request, Response};
use crate::http1::body::empty_body;
use crate::settings::HttpSettings;
use tapscope_flow::Timestamp;

/// A request that is not answered yet, or whose body is still coming.
#[derive(Debug)]
struct Pending {
    request: Request,
    /// Offset of its first byte.
    start: u64,
    /// Offset behind its head.
    head_end: u64,
    /// What its first segment had acknowledged of the response stream.
    acknowledged: Option<u64>,
    /// Bytes that may have held other requests are missing right before it.
    after_loss: bool,
    /// Where bytes that may have held other requests are missing behind it.
    hole_after: Option<u64>,
    /// Nothing more of it will come.
    complete: bool,
    /// The link to the head of its response was made.
    answered: Option<Pairing>,
    /// Its response, once complete.
    response: Option<Response>,
}

impl Pending {
    fn is_head(&self) -> bool {
        self.request.head.slice(self.request.method) == b"HEAD"
    }
}

/// The response that is being read.
#[derive(Debug)]
struct Active {
    response: Response,
    start: Position,
    /// It answers the first pending request.
    is_paired: bool,
    /// Its request may still be delivered.
    waits: bool,
}

/// A complete response whose request may still be delivered.
#[derive(Debug)]
struct Waiting {
    response: Response,
    start: Position,
}

/// The requests and responses of one connection that are not reported yet.
#[derive(Debug, Default)]
pub(crate) struct Pairs {
    pending: VecDeque<Pending>,
    active: Option<Active>,
    waiting: VecDeque<Waiting>,
    /// First and last position of the response stream at which responses may have been lost since
    /// a pair was last made.
    responses_lost: Option<(u64, u64)>,
    /// Bytes that may have held requests were lost, and no request came since.
    requests_lost: bool,
    /// Anything was ever lost on this connection after its beginning.
    any_loss: bool,
    /// The client was seen to send a request while part of a pipeline was answered.
    slides: bool,
    /// The client was seen to send a request before it had anything of the response to the one
    /// before.
    pipelines: bool,
    /// Highest position of the request stream that the server acknowledged with a response.
    acknowledged_max: u64,
    /// Interim responses since the last final one.
    interim: u16,
    /// Bytes held in heads and samples.
    held: usize,
    /// What can be reported.
    ready: Vec<Finished>,
}

impl Pairs {
    /// A connection whose beginning was not seen: the first response may have no request.
    pub(crate) fn midstream() -> Self {
        Self {
            responses_lost: Some((0, 0)),
            ..Self::default()
        }
    }

    /// Bytes held in heads and samples.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Whether nothing is outstanding.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.active.is_none() && self.waiting.is_empty()
    }

    /// Takes what is ready, in order.
    pub(crate) fn take_ready(&mut self) -> Vec<Finished> {
        core::mem::take(&mut self.ready)
    }

    /// Whether anything is ready.
    pub(crate) const fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// A request head was read; its body goes on until [`Self::end_request`].
    pub(crate) fn push_request(
        &mut self,
        request: Request,
        start: Position,
        head_end: u64,
        responses_seen_to: u64,
        limits: (&HttpSettings, &mut Counters),
    ) {
        let (settings, counters) = limits;
        // What the client had of the responses tells nothing while it was not delivered here.
        if start
            .acknowledged
            .is_some_and(|acknowledged| acknowledged <= responses_seen_to)
        {
            self.judge_pipelining(start.acknowledged);
        }
        if self.pending.len() >= settings.pending_requests_max {
            counters.count(Counter::PendingRequestsCap);
            self.give_up_first();
        }
        self.pipelines |= self.pending.back().is_some_and(|last| {
            start.acknowledged.is_some() && last.acknowledged == start.acknowledged
        });
        self.held += request.head.bytes.len();
        self.pending.push_back(Pending {
            request,
            start: start.offset,
            head_end,
            acknowledged: start.acknowledged,
            after_loss: core::mem::take(&mut self.requests_lost),
            hole_after: None,
            complete: false,
            answered: None,
            response: None,
        });
    }

    /// Notes whether the client pipelines more than bursts. Only judged while in step, when a
    /// request without a response is known to be outstanding.
    fn judge_pipelining(&mut self, acknowledged: Option<u64>) {
        if self.responses_lost.is_some() || self.requests_lost {
            return;
        }
        let Some(oldest) = self.pending.iter().find(|p| p.answered.is_none()) else {
            return;
        };
        if !oldest.after_loss && acknowledged > oldest.acknowledged && self.waiting.is_empty() {
            self.slides = true;
        }
    }

    /// The request whose body is being read.
    fn open_request(&mut self) -> Option<&mut Pending> {
        self.pending.back_mut().filter(|p| !p.complete)
    }

    /// The body of the request being read, unless it was reported already.
    pub(crate) fn request_body(&mut self) -> Option<&mut Body> {
        self.open_request().map(|p| &mut p.request.body)
    }

    /// The message being read on the client's side, for what is odd about it.
    pub(crate) fn request(&mut self) -> Option<&mut Request> {
        self.open_request().map(|p| &mut p.request)
    }

    /// The message being read on the server's side, for what is odd about it.
    pub(crate) fn response(&mut self) -> Option<&mut Response> {
        self.active.as_mut().map(|a| &mut a.response)
    }

    /// The body of the response being read.
    pub(crate) fn response_body(&mut self) -> Option<&mut Body> {
        self.active.as_mut().map(|a| &mut a.response.body)
    }

    /// Whether the method of the request that the response being read answers is known.
    pub(crate) fn is_method_known(&self) -> bool {
        self.active.as_ref().is_some_and(|active| active.is_paired)
    }

    /// Whether the client has sent a further request after it had acknowledged the response being
    /// read up to that offset.
    pub(crate) fn is_next_requested(&self, offset: u64) -> bool {
        let Some(active) = &self.active else {
            return false;
        };
        self.pending.iter().any(|p| {
            p.answered.is_none()
                && p.acknowledged
                    .is_some_and(|a| a > active.start.offset && a <= offset)
        })
    }

    /// Adds to what is held.
    pub(crate) const fn add_held(&mut self, n: usize) {
        self.held += n;
    }

    /// The request being read has ended that way.
    pub(crate) fn end_request(&mut self, end: BodyEnd, ended: Timestamp) {
        let Some(pending) = self.open_request() else {
            return;
        };
        pending.complete = true;
        pending.request.body.end = end;
        pending.request.ended = ended;
        if pending.response.is_some() {
            // Only the last request can be incomplete, and a response is only kept for the first.
            self.report_first();
        }
    }

    /// An interim response was read.
    pub(crate) const fn interim_response(&mut self) {
        self.interim = self.interim.saturating_add(1);
    }

    /// A final response head was read. Returns the method of the request that it answers.
    pub(crate) fn begin_response(
        &mut self,
        mut response: Response,
        start: Position,
        requests_seen_to: u64,
    ) -> Option<Vec<u8>> {
        response.interim = core::mem::take(&mut self.interim);
        self.held += response.head.bytes.len();
        if let Some(acknowledged) = start.acknowledged {
            self.acknowledged_max = self.acknowledged_max.max(acknowledged);
        }
        let request_may_come = start.acknowledged.is_some_and(|a| a > requests_seen_to);
        let found = if self.waiting.is_empty() {
            self.find(start, request_may_come)
        } else {
            None
        };
        let is_paired = found.is_some();
        if let Some((index, pairing)) = found {
            self.answer(index, pairing, start.offset);
        }
        let waits = !is_paired && (request_may_come || !self.waiting.is_empty());
        self.active = Some(Active {
            response,
            start,
            is_paired,
            waits,
        });
        is_paired
            .then(|| {
                self.pending
                    .front()
                    .map(|p| p.request.head.slice(p.request.method))
            })?
            .map(<[u8]>::to_vec)
    }

    /// The response being read has ended that way, at that offset.
    pub(crate) fn end_response(
        &mut self,
        end: BodyEnd,
        ended: Timestamp,
        settings: &HttpSettings,
        counters: &mut Counters,
    ) {
        let Some(mut active) = self.active.take() else {
            return;
        };
        active.response.body.end = end;
        active.response.ended = ended;
        if active.is_paired {
            self.complete_first(active.response);
        } else if active.waits {
            if self.waiting.len() >= settings.pending_responses_max {
                counters.count(Counter::PendingResponsesCap);
                self.orphan_first_waiting();
            }
            let Active {
                response, start, ..
            } = active;
            self.waiting.push_back(Waiting { response, start });
        } else {
            self.orphan(active.response);
        }
    }

    /// The request stream was delivered up to that offset: responses that waited for it are
    /// decided. Tells whether the response being read turned out to answer HEAD.
    pub(crate) fn requests_seen(&mut self, offset: u64) -> bool {
        let is_due = |start: &Position| {
            start
                .acknowledged
                .is_none_or(|acknowledged| acknowledged <= offset)
        };
        while self.waiting.front().is_some_and(|w| is_due(&w.start)) {
            self.decide_first_waiting();
        }
        if !self.waiting.is_empty() {
            return false;
        }
        let Some(active) = self.active.as_mut().filter(|a| a.waits && is_due(&a.start)) else {
            return false;
        };
        active.waits = false;
        let start = active.start;
        let Some((index, pairing)) = self.find(start, false) else {
            return false;
        };
        self.answer(index, pairing, start.offset);
        if let Some(active) = self.active.as_mut() {
            active.is_paired = true;
        }
        self.pending.front().is_some_and(Pending::is_head)
    }

    /// The response being read answers HEAD: it ended with its head.
    pub(crate) fn end_head_response(&mut self, ended: Timestamp) {
        if let Some(mut active) = self.active.take_if(|active| active.is_paired) {
            active.response.body.end = BodyEnd::Complete;
            active.response.ended = ended;
            self.complete_first(active.response);
        }
    }

    fn decide_first_waiting(&mut self) {
        let Some(waiting) = self.waiting.pop_front() else {
            return;
        };
        match self.find(waiting.start, false) {
            Some((index, pairing)) => {
                self.answer(index, pairing, waiting.start.offset);
                self.complete_first(waiting.response);
            }
            None => self.orphan(waiting.response),
        }
    }

    /// Bytes of the request stream that may have held requests are missing from there on.
    pub(crate) fn lose_requests(&mut self, offset: u64) {
        self.requests_lost = true;
        self.any_loss = true;
        if let Some(last) = self.pending.back_mut() {
            last.hole_after.get_or_insert(offset);
        }
    }

    /// Bytes of the response stream that may have held responses are missing from there on.
    pub(crate) fn lose_responses(&mut self, offset: u64) {
        self.any_loss = true;
        self.mark_out_of_step(offset);
    }

    fn mark_out_of_step(&mut self, offset: u64) {
        let first = self.responses_lost.map_or(offset, |(first, _)| first);
        self.responses_lost = Some((first, offset));
    }

    /// The pending request that a response at `start` answers, if that can be said.
    fn find(&self, start: Position, requests_missing: bool) -> Option<(usize, Pairing)> {
        let first = self.pending.iter().position(|p| p.answered.is_none())?;
        let oldest = self.pending.get(first)?;
        let in_step = !oldest.after_loss
            && self
                .responses_lost
                .is_none_or(|(first, _)| first > start.offset);
        if in_step {
            // A response that does not acknowledge the request was sent before it came, like a
            // 408. Made-up captures with constant acknowledgement numbers say nothing.
            let is_early = self.acknowledged_max > 0
                && start
                    .acknowledged
                    .is_some_and(|acknowledged| acknowledged <= oldest.start);
            return (!is_early).then_some((first, Pairing::Ordered));
        }
        if requests_missing {
            return None;
        }
        let positions_unknown = start.acknowledged.is_none() || oldest.acknowledged.is_none();
        if positions_unknown {
            let only_one = !self.any_loss && self.pending.len() == first + 1;
            return only_one.then_some((first, Pairing::Ordered));
        }
        self.find_by_position(start, first)
    }

    /// [`Self::find`] after loss.
    fn find_by_position(&self, start: Position, first: usize) -> Option<(usize, Pairing)> {
        let acknowledged = start.acknowledged?;
        if self.slides {
            return None;
        }
        // Groups come in order, so the last request that was sent before the response began tells
        // the group.
        let sent_before = |p: &Pending| {
            p.acknowledged
                .is_some_and(|acknowledged| acknowledged <= start.offset)
        };
        let last = self
            .pending
            .iter()
            .rposition(sent_before)
            .filter(|&last| last >= first)?;
        let group_position = self.pending.get(last)?.acknowledged?;
        let in_group = |p: &Pending| p.acknowledged == Some(group_position) && p.answered.is_none();
        let index = self.pending.iter().position(in_group)?;
        // A client that pipelines may have sent the group while older requests had no response: the
        // response can then be theirs.
        if self.pipelines && index > first {
            return None;
        }
        let candidate = self.pending.get(index)?;
        if candidate.head_end > acknowledged {
            return None;
        }
        if candidate.after_loss {
            // The missing bytes before it may have held a request of its own group, whose response
            // comes first; not so when the server had them before it sent what the client had when
            // it sent the group.
            let loss_is_older = start.before.is_some_and(|(offset, acknowledged)| {
                offset < group_position && acknowledged >= candidate.start
            });
            if !loss_is_older {
                return None;
            }
        }
        let starts_group = start.offset == group_position;
        let is_alone =
            index == last && candidate.hole_after.is_none_or(|hole| hole >= acknowledged);
        (starts_group || is_alone).then_some((index, Pairing::Acknowledged))
    }

    /// Links the response that starts at `offset` to the request at `index`; older requests will
    /// get none.
    fn answer(&mut self, index: usize, pairing: Pairing, offset: u64) {
        for _ in 0..index {
            self.give_up_first();
        }
        if let Some(pending) = self.pending.front_mut() {
            pending.answered = Some(pairing);
        }
        self.responses_lost = self
            .responses_lost
            .and_then(|(_, last)| (last > offset).then_some((last, last)));
    }

    /// The response of the first pending request is complete.
    fn complete_first(&mut self, response: Response) {
        let Some(first) = self.pending.front_mut() else {
            self.orphan(response);
            return;
        };
        let mut response = response;
        let body = &mut response.body;
        // The response was read before its request was delivered, so that nobody knew that a
        // response to HEAD has no content (RFC 9112 section 6.3).
        if first.is_head() && body.length == 0 && body.missing == 0 {
            body.end = BodyEnd::Complete;
        }
        first.response = Some(response);
        if first.complete {
            self.report_first();
        }
    }

    /// Reports the first pending request with what is known of its response.
    fn report_first(&mut self) {
        let Some(first) = self.pending.pop_front() else {
            return;
        };
        let pairing = match &first.response {
            Some(_) => first.answered.unwrap_or(Pairing::Unpaired),
            None => Pairing::Unpaired,
        };
        self.finish(Some(first.request), first.response, pairing);
    }

    /// Reports the first pending request although it is not complete.
    fn give_up_first(&mut self) {
        let is_answered = self.pending.front().is_some_and(|p| p.answered.is_some());
        if is_answered && let Some(active) = self.active.take_if(|active| active.is_paired) {
            self.complete_first_early(active.response);
        } else {
            if !is_answered {
                // Its response may still come and must not be taken for the next one's.
                self.mark_out_of_step(0);
            }
            self.report_first();
        }
    }

    fn complete_first_early(&mut self, response: Response) {
        if let Some(first) = self.pending.front_mut() {
            first.response = Some(response);
        }
        self.report_first();
    }

    fn orphan(&mut self, response: Response) {
        self.finish(None, Some(response), Pairing::Unpaired);
    }

    fn orphan_first_waiting(&mut self) {
        if let Some(waiting) = self.waiting.pop_front() {
            self.orphan(waiting.response);
        }
    }

    /// Puts an exchange with what is ready.
    fn finish(&mut self, request: Option<Request>, response: Option<Response>, pairing: Pairing) {
        let finished = self.release(request, response, pairing);
        self.ready.push(finished);
    }

    /// An exchange that is held here no longer.
    fn release(
        &mut self,
        request: Option<Request>,
        response: Option<Response>,
        pairing: Pairing,
    ) -> Finished {
        let finished = Finished {
            request,
            response,
            messages: None,
            pairing,
            protocol: Protocol::Http1,
        };
        self.held = self.held.saturating_sub(finished.held());
        finished
    }

    /// Gives out the exchange whose response is being read as the last before a switch of
    /// protocols, and reports everything else that is pending.
    pub(crate) fn switch(&mut self, ended: Timestamp) -> Option<Box<Finished>> {
        let last = self.active.take().map(|mut active| {
            active.response.body.end = BodyEnd::Complete;
            active.response.ended = ended;
            let first = active.is_paired.then(|| self.pending.pop_front()).flatten();
            let pairing = first
                .as_ref()
                .and_then(|first| first.answered)
                .unwrap_or(Pairing::Unpaired);
            let request = first.map(|mut first| {
                if first.request.body.end == BodyEnd::Open && first.complete {
                    first.request.body.end = BodyEnd::Complete;
                }
                first.request
            });
            Box::new(self.release(request, Some(active.response), pairing))
        });
        self.drain();
        last
    }

    /// No response will come any more: reports the requests that wait for one.
    pub(crate) fn end_of_responses(&mut self) {
        if !self.waiting.is_empty() {
            return;
        }
        while self
            .pending
            .front()
            .is_some_and(|p| p.answered.is_none() && p.complete)
        {
            self.give_up_first();
        }
    }

    /// Reports everything that is left, complete or not.
    pub(crate) fn drain(&mut self) {
        while !self.waiting.is_empty() {
            self.decide_first_waiting();
        }
        let decided = self.active.as_ref().filter(|a| a.waits).map(|a| a.start);
        if let Some((index, pairing)) = decided.and_then(|start| self.find(start, false)) {
            self.answer(index, pairing, 0);
            if let Some(active) = self.active.as_mut() {
                active.is_paired = true;
            }
        }
        while !self.pending.is_empty() {
            self.give_up_first();
        }
        if let Some(active) = self.active.take() {
            self.orphan(active.response);
        }
    }

    /// Reports the requests that have waited since `since` or longer.
    pub(crate) fn expire(&mut self, since: Timestamp, counters: &mut Counters) {
        while let Some(first) = self.pending.front() {
            let reads_response = first.answered.is_some() && first.response.is_none();
            if reads_response || first.request.ended > since {
                break;
            }
            if first.answered.is_none() {
                counters.count(Counter::TimedOut);
            }
            self.give_up_first();
        }
        while self
            .waiting
            .front()
            .is_some_and(|w| w.response.ended <= since)
        {
            self.orphan_first_waiting();
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
}

/// Marks the body of a message that has none as complete.
pub(crate) const fn no_body() -> Body {
    let mut body = empty_body();
    body.end = BodyEnd::Complete;
    body
}
