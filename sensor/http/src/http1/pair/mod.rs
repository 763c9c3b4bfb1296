//! Says which request a response answers, and keeps both until they can be reported.
//!
//! While both streams are seen without loss, order decides (RFC 9112 section 9.3.2). After loss
//! counting would shift every later response, so positions decide, and how the client uses the
//! connection. Where these leave more than one possibility the two stay unpaired; where more
//! traffic may tell, they wait for it.

/// Which request a response answers.
mod decide;

/// When that is decided, and what follows.
mod progress;

/// How the client uses the connection.
mod manner;

/// What waits, and what goes on.
mod wait;

use std::collections::VecDeque;

use smallvec::SmallVec;

use crate::chunk::Position;
use crate::conversation::Finished;
use crate::counters::{Counter, Counters};
use crate::exchange::{Body, BodyEnd, Pairing, Protocol, Request, Response, Version};
use crate::http1::body::empty_body;
use crate::settings::HttpSettings;
use tapscope_flow::Timestamp;

use decide::Outlook;
use manner::Observed;
use progress::low_half;

/// The shortest message: `HTTP/1.1 200` and two line ends.
pub(crate) const MESSAGE_BYTES_MIN: u64 = 16;

/// A request that is not answered yet, or whose body is still coming.
#[derive(Debug)]
struct Pending {
    request: Box<Request>,
    /// Offset of its first byte.
    start: u64,
    /// Offset behind its head.
    head_end: u64,
    /// What the client had received of the response stream when it sent the head, at most. TCP
    /// sends nothing again that was acknowledged, so that even a retransmission holds to this: its
    /// response does not start before.
    received: Option<u64>,
    /// Offset behind its last byte, once that was seen.
    end: Option<u64>,
    /// What the client had received when it sent that, as far as it is known.
    received_at_end: Option<u64>,
    /// It was sent in one go with the request before it.
    in_burst: bool,
    /// Bytes that may have held other requests are missing right before it.
    after_loss: bool,
    /// How many bytes stand between the first of them and it.
    hidden_len: u32,
    /// What the client had received of the response stream when a request went out that is
    /// missing right before it, at least.
    hidden_before: Option<u64>,
    /// Where bytes that may have held other requests are missing behind it.
    hole_after: Option<u64>,
    /// Nothing more of it will come.
    complete: bool,
    /// The link to the head of its response was made.
    answered: Option<Pairing>,
    /// Its response, once complete.
    response: Option<Box<Response>>,
    /// The number under which it was reported while it was open.
    opened: Option<u32>,
}

impl Pending {
    fn is_head(&self) -> bool {
        self.request.head.slice(self.request.method) == b"HEAD"
    }
}

/// A response, and what tells its request.
#[derive(Debug)]
struct Answer {
    response: Box<Response>,
    /// Where it starts, interim responses included, and what the server had received by then.
    start: Position,
    /// Bytes that may have held other responses are missing between the response before and it.
    after_loss: bool,
    /// Where the bytes before it end that were seen and are no interim response to its request.
    others_end: u64,
    /// Where it ends, when that is known.
    end: Option<u64>,
}

/// What is known of the request of the response that is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Link {
    /// It is the first pending request.
    Paired,
    /// There is none.
    Orphan,
    /// What is still to be seen may tell.
    Open,
}

/// The response that is being read.
#[derive(Debug)]
struct Active {
    answer: Answer,
    link: Link,
    /// Its content is a stream of events, which may go on for days.
    is_event_stream: bool,
}

/// Interim responses since the last final one.
#[derive(Debug)]
struct Interim {
    count: u16,
    /// Where the first of them starts.
    start: Position,
}

/// Most places of responses without request that are remembered; older ones matter less.
const UNPAIRED_MAX: usize = 64;

/// Where a response was that got no request, or where any number of them may have been.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Unpaired {
    start: u64,
    /// Behind the missing bytes; none for a response that was seen.
    gap_end: Option<u64>,
}

/// The last pair, for what the next request tells of the client.
#[derive(Clone, Copy, Debug)]
struct LastPair {
    received: Option<u64>,
    end: u64,
}

/// The requests and responses of one connection that are not reported yet.
///
/// Most open connections are between exchanges: what an exchange needs is boxed, so that the
/// queues that stay cost next to nothing.
#[derive(Debug)]
pub(crate) struct Pairs {
    pending: VecDeque<Box<Pending>>,
    active: Option<Box<Active>>,
    /// Complete responses whose request cannot be told yet.
    waiting: VecDeque<Box<Answer>>,
    /// The last response that was decided got its request, so that order counts.
    is_in_step: bool,
    /// A request that is not pending may still be answered.
    older_may_wait: bool,
    /// Bytes that may have held responses were lost, and no response came since.
    responses_lost: bool,
    /// Bytes that may have held requests were lost, and no request came since.
    requests_lost: bool,
    /// The lower half of where they were: holes are much shorter than it counts.
    lost_from: u32,
    /// The shortest head of a request.
    shortest_head: u32,
    /// The missing bytes held a request, or the most of one.
    request_hidden: bool,
    /// Anything was ever lost on this connection after its beginning.
    any_loss: bool,
    /// A request that was answered ends earlier for other readers, and nothing was lost since.
    may_hide_request: bool,
    observed: Observed,
    /// Where responses were, or may have been, that got no request since the last pair.
    unpaired: VecDeque<Unpaired>,
    last_pair: Option<LastPair>,
    /// Its request was sent in one go with the one before.
    last_in_burst: bool,
    /// There was a response that tells what the server had.
    has_answered: bool,
    /// What it had received when it began the last one.
    had_at_answer: u64,
    /// Where the last bytes of the response stream end, and what the server had received by then.
    last_bytes: (u64, u64),
    /// What the client had received when it sent its last request.
    last_received: Option<u64>,
    /// How far the request stream was delivered.
    requests_seen_to: u64,
    /// Highest position of the request stream that the server acknowledged in a response.
    acknowledged_max: u64,
    interim: Option<Box<Interim>>,
    /// Bytes held in heads and samples.
    held: usize,
    /// What can be reported.
    ready: Vec<Finished>,
}

impl Pairs {
    /// A connection whose beginning was seen, or was not: then the first response may have no
    /// request.
    pub(crate) const fn new(from_start: bool) -> Self {
        Self {
            pending: VecDeque::new(),
            active: None,
            waiting: VecDeque::new(),
            is_in_step: from_start,
            older_may_wait: !from_start,
            responses_lost: false,
            requests_lost: false,
            lost_from: 0,
            shortest_head: u32::MAX,
            request_hidden: false,
            any_loss: false,
            may_hide_request: false,
            observed: Observed::new(),
            unpaired: VecDeque::new(),
            last_pair: None,
            last_in_burst: false,
            last_received: None,
            has_answered: false,
            had_at_answer: 0,
            last_bytes: (0, 0),
            requests_seen_to: 0,
            acknowledged_max: 0,
            interim: None,
            held: 0,
            ready: Vec::new(),
        }
    }

    /// Bytes held in heads and samples.
    pub(crate) const fn held(&self) -> usize {
        self.held
    }

    /// Bytes that the messages beside what [`Self::held`] counts and the queues take.
    pub(crate) fn structure(&self) -> usize {
        let pointers = self.pending.capacity() + self.waiting.capacity();
        self.pending.len() * size_of::<Pending>()
            + self.waiting.len() * size_of::<Answer>()
            + self.active.as_ref().map_or(0, |_| size_of::<Active>())
            + pointers * size_of::<usize>()
            + self.unpaired.capacity() * size_of::<Unpaired>()
    }

    /// Whether nothing is outstanding.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty() && self.active.is_none() && self.waiting.is_empty()
    }

    /// Takes room for what will be ready: connections need none of their own.
    pub(crate) fn take_room(&mut self, room: &mut Vec<Finished>) {
        if self.ready.capacity() == 0 {
            self.ready = core::mem::take(room);
        }
    }

    /// Takes what is ready, in order.
    pub(crate) fn take_ready(&mut self) -> Vec<Finished> {
        core::mem::take(&mut self.ready)
    }

    /// A request head was read; its body goes on until [`Self::end_request`].
    pub(crate) fn push_request(
        &mut self,
        request: Box<Request>,
        start: Position,
        head_end: Position,
        settings: &HttpSettings,
        counters: &mut Counters,
    ) {
        if self.pending.len() >= settings.pending_requests_max {
            counters.count(Counter::PendingRequestsCap);
            self.give_up_first();
        }
        let received = start.acknowledged.max(head_end.acknowledged);
        let after_loss = core::mem::take(&mut self.requests_lost);
        let hidden_len = match after_loss {
            true => low_half(start.offset).wrapping_sub(self.lost_from),
            false => 0,
        };
        let head_len = head_end.offset.saturating_sub(start.offset);
        let head_len = u32::try_from(head_len).unwrap_or(u32::MAX);
        self.shortest_head = self.shortest_head.min(head_len);
        let in_burst = received.is_some() && self.last_received == received;
        let hidden_before = self.observe_request(received, head_end.offset, after_loss);
        self.held += request.head.bytes.len();
        self.pending.push_back(Box::new(Pending {
            request,
            start: start.offset,
            head_end: head_end.offset,
            received,
            end: None,
            received_at_end: received,
            in_burst,
            after_loss,
            hidden_len,
            hidden_before,
            hole_after: None,
            complete: false,
            answered: None,
            response: None,
            opened: None,
        }));
    }

    /// The request whose body is being read.
    fn open_request(&mut self) -> Option<&mut Pending> {
        let last = self.pending.back_mut()?;
        (!last.complete).then_some(last.as_mut())
    }

    /// The body of the request being read, unless it was reported already.
    pub(crate) fn request_body(&mut self) -> Option<&mut Body> {
        self.open_request().map(|p| &mut p.request.body)
    }

    /// The message being read on the client's side, for what is odd about it.
    pub(crate) fn request(&mut self) -> Option<&mut Request> {
        self.open_request().map(|p| &mut *p.request)
    }

    /// The message being read on the server's side, for what is odd about it.
    pub(crate) fn response(&mut self) -> Option<&mut Response> {
        self.active.as_mut().map(|a| &mut *a.answer.response)
    }

    /// The body of the response being read.
    pub(crate) fn response_body(&mut self) -> Option<&mut Body> {
        self.active.as_mut().map(|a| &mut a.answer.response.body)
    }

    /// Whether the method of the request that the response being read answers is known.
    pub(crate) fn is_method_known(&self) -> bool {
        self.active
            .as_ref()
            .is_some_and(|active| active.link == Link::Paired)
    }

    /// Up to where the client had received the response being read when it sent a further request:
    /// if it waited for the end of the response, that is the end.
    pub(crate) fn next_requested_at(&self) -> Option<u64> {
        let start = self.active.as_ref()?.answer.start.offset;
        let next = self.pending.iter().filter(|p| p.answered.is_none());
        next.filter_map(|p| p.received.filter(|&received| received > start))
            .min()
    }

    /// Whether the next response may come without a head: its request is one of HTTP/0.9.
    pub(crate) fn is_bare_response_due(&self) -> bool {
        let next = self.pending.iter().find(|p| p.answered.is_none());
        next.is_some_and(|p| p.request.version == Version::Http09)
    }

    /// Adds to what is held.
    pub(crate) const fn add_held(&mut self, n: usize) {
        self.held += n;
    }

    /// The request being read has ended that way, at that position.
    pub(crate) fn end_request(&mut self, end: BodyEnd, at: Position) {
        let Some(pending) = self.open_request() else {
            return;
        };
        pending.complete = true;
        pending.request.body.end = end;
        pending.request.ended = at.captured;
        pending.end = Some(at.offset);
        pending.received_at_end = pending.received.max(at.acknowledged);
        if pending.response.is_some() {
            // Only the last request can be incomplete, and a response is only kept for the first.
            self.report_first();
        }
    }

    /// An interim response was read that started there.
    pub(crate) fn interim_response(&mut self, start: Position) {
        let first = || Box::new(Interim { count: 0, start });
        let interim = self.interim.get_or_insert_with(first);
        interim.count = interim.count.saturating_add(1);
    }

    /// A final response head was read. Bytes before it that were seen and are no interim response
    /// end at `others_end`; the request stream was delivered up to `requests_seen_to`. Returns the
    /// method of the request that it answers.
    pub(crate) fn begin_response(
        &mut self,
        mut response: Box<Response>,
        start: Position,
        others_end: u64,
        requests_seen_to: u64,
    ) -> Option<SmallVec<[u8; 16]>> {
        let interim = self.interim.take();
        response.interim = interim.as_ref().map_or(0, |interim| interim.count);
        self.held += response.head.bytes.len();
        self.note_acknowledged(start);
        let start = interim.map_or(start, |interim| interim.start);
        self.note_crossing(start);
        let answer = Answer {
            response,
            start,
            after_loss: core::mem::take(&mut self.responses_lost),
            others_end,
            end: None,
        };
        let is_event_stream = wait::is_event_stream(&answer.response.head);
        self.active = Some(Box::new(Active {
            answer,
            link: Link::Open,
            is_event_stream,
        }));
        self.requests_seen_to = self.requests_seen_to.max(requests_seen_to);
        let likely = self.likely_turnovers();
        self.decide_active(Outlook::More, likely);
        if !self.is_method_known() {
            return None;
        }
        let first = self.pending.front()?;
        Some(first.request.head.slice(first.request.method).into())
    }

    /// The response being read has ended that way, at that offset when the end is known.
    pub(crate) fn end_response(
        &mut self,
        end: BodyEnd,
        at: Position,
        settings: &HttpSettings,
        counters: &mut Counters,
    ) {
        self.note_acknowledged(at);
        let Some(active) = self.active.take() else {
            return;
        };
        let Active {
            mut answer, link, ..
        } = *active;
        answer.response.body.end = end;
        answer.response.ended = at.captured;
        answer.end = (!self.responses_lost).then_some(at.offset);
        match link {
            Link::Paired => self.complete_first(answer.response, answer.end),
            Link::Orphan => self.orphan(answer.response),
            Link::Open => {
                if self.waiting.len() >= settings.pending_responses_max {
                    counters.count(Counter::PendingResponsesCap);
                    let likely = self.likely_turnovers();
                    self.decide_first_waiting(Outlook::Nothing, likely);
                }
                self.waiting.push_back(Box::new(answer));
            }
        }
    }

    /// The request stream was delivered up to that offset: responses that wait are decided where
    /// that tells enough. Tells whether the response being read turned out to answer HEAD.
    pub(crate) fn requests_seen(&mut self, offset: u64) -> bool {
        self.requests_seen_to = self.requests_seen_to.max(offset);
        self.decide_waiting()
    }

    /// Whether anything waits for [`Self::requests_seen`].
    pub(crate) fn is_undecided(&self) -> bool {
        !self.waiting.is_empty() || self.active.as_ref().is_some_and(|a| a.link == Link::Open)
    }

    /// The next place behind `offset` that a response which is not decided yet waits for.
    pub(crate) fn next_decided_at(&self, offset: u64) -> Option<u64> {
        let active = self.active.as_ref().map(|active| &active.answer);
        let answers = self.waiting.iter().map(Box::as_ref).chain(active);
        let received = answers.filter_map(|answer| answer.start.acknowledged);
        received.filter(|&received| received > offset).min()
    }

    /// The response being read answers HEAD: it ended with its head.
    pub(crate) fn end_head_response(&mut self, at: Position) {
        if let Some(active) = self.active.take_if(|active| active.link == Link::Paired) {
            let mut response = active.answer.response;
            response.body.end = BodyEnd::Complete;
            response.ended = at.captured;
            self.complete_first(response, Some(at.offset));
        }
    }

    /// Missing bytes of the response stream, known to be nobody's content.
    pub(crate) fn note_response_gap(&mut self, start: u64, end: u64) {
        self.note_unpaired(Unpaired {
            start,
            gap_end: Some(end),
        });
    }

    /// Bytes of the response stream that may have held responses are missing.
    pub(crate) fn lose_responses(&mut self) {
        self.any_loss = true;
        self.may_hide_request = false;
        self.responses_lost = true;
        self.interim = None;
    }

    /// Links the response that is decided to the request at `index`; older requests will get none.
    fn answer(&mut self, index: usize, pairing: Pairing, response: u64) {
        for _ in 0..index {
            self.give_up_first();
        }
        if let Some(pending) = self.pending.front_mut() {
            pending.answered = Some(pairing);
        }
        self.is_in_step = true;
        self.older_may_wait = pairing == Pairing::Supposed;
        let is_later = |place: &Unpaired| place.gap_end.unwrap_or(place.start) > response;
        self.unpaired.retain(is_later);
    }

    /// The response of the first pending request is complete.
    fn complete_first(&mut self, response: Box<Response>, end: Option<u64>) {
        self.last_pair = None;
        let next = self.pending.get(1);
        let next = next.map(|next| (next.received, next.after_loss));
        let Some(first) = self.pending.front_mut() else {
            self.orphan(response);
            return;
        };
        if let Some(end) = end {
            let in_burst = first.in_burst;
            let last = LastPair {
                received: first.received,
                end,
            };
            match next {
                Some((next, false)) => self.observed.next_request(next, last, in_burst),
                Some((_, true)) => {}
                None if self.requests_lost => {}
                None => (self.last_pair, self.last_in_burst) = (Some(last), in_burst),
            }
        }
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
        let opened = first.opened;
        self.may_hide_request |= first.response.is_some() && ends_early(&first.request);
        self.finish(Some(first.request), first.response, pairing);
        if let Some(finished) = self.ready.last_mut() {
            finished.opened = opened;
        }
    }

    /// Reports the first pending request although it is not complete.
    fn give_up_first(&mut self) {
        let is_answered = self.pending.front().is_some_and(|p| p.answered.is_some());
        let active = self.active.take_if(|active| active.link == Link::Paired);
        match active.filter(|_| is_answered) {
            Some(active) => {
                if let Some(first) = self.pending.front_mut() {
                    first.response = Some(active.answer.response);
                }
            }
            // Its response may still come and must not be taken for the next one's.
            None if !is_answered => {
                self.is_in_step = false;
                self.older_may_wait = true;
            }
            None => {}
        }
        self.report_first();
    }

    fn orphan(&mut self, response: Box<Response>) {
        self.finish(None, Some(response), Pairing::Unpaired);
    }

    /// Puts an exchange with what is ready.
    fn finish(
        &mut self,
        request: Option<Box<Request>>,
        response: Option<Box<Response>>,
        pairing: Pairing,
    ) {
        let finished = self.release(request, response, pairing);
        // One at a time is what nearly always comes.
        self.ready.reserve_exact(1);
        self.ready.push(finished);
    }

    /// An exchange that is held here no longer.
    fn release(
        &mut self,
        request: Option<Box<Request>>,
        response: Option<Box<Response>>,
        pairing: Pairing,
    ) -> Finished {
        let finished = Finished {
            request,
            response,
            messages: None,
            pairing,
            protocol: Protocol::Http1,
            opened: None,
        };
        self.held = self.held.saturating_sub(finished.held());
        finished
    }

    /// Gives out the exchange whose response is being read as the last before a switch of
    /// protocols, and reports everything else that is pending.
    pub(crate) fn switch(&mut self, ended: Timestamp) -> Option<Box<Finished>> {
        let last = self.active.take().map(|mut active| {
            let response = &mut active.answer.response;
            response.body.end = BodyEnd::Complete;
            response.ended = ended;
            let is_paired = active.link == Link::Paired;
            // On a connection joined midway nothing may have been decided yet. A 101 answers a
            // request with Upgrade only (RFC 9110 section 15.2.2), and none follows that in HTTP/1.
            let asks = |last: &mut Box<Pending>| {
                last.answered.is_none() && last.request.head.header("upgrade").is_some()
            };
            let (first, pairing) = if is_paired {
                let first = self.pending.pop_front();
                let answered = first.as_ref().and_then(|first| first.answered);
                (first, answered.unwrap_or(Pairing::Unpaired))
            } else if self.pending.back_mut().is_some_and(asks) {
                (self.pending.pop_back(), Pairing::Acknowledged)
            } else {
                (None, Pairing::Unpaired)
            };
            let request = first.map(|mut first| {
                if first.request.body.end == BodyEnd::Open && first.complete {
                    first.request.body.end = BodyEnd::Complete;
                }
                first.request
            });
            Box::new(self.release(request, Some(active.answer.response), pairing))
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
        self.decide_finally();
        while !self.pending.is_empty() {
            self.give_up_first();
        }
        if let Some(active) = self.active.take() {
            self.orphan(active.answer.response);
        }
    }
}

/// Whether the request ends earlier for readers of another kind than the one that is followed.
fn ends_early(request: &Request) -> bool {
    let readings = request.readings.as_deref();
    let ends = readings.and_then(|r| Some((r.followed.len?, r.other.len?)));
    ends.is_some_and(|(followed, other)| other < followed)
}

/// Marks the body of a message that has none as complete.
pub(crate) const fn no_body() -> Body {
    let mut body = empty_body();
    body.end = BodyEnd::Complete;
    body
}
