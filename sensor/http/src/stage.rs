//! The stage: which connection an event belongs to, when waiting is over, how much is held.

use std::collections::BTreeSet;

use tapscope_flow::{
    ConnectionId, CounterValue, FeedIndex, StreamEvent, StreamEventKind, Timestamp,
};

use crate::anomaly::MessageAnomaly;
use crate::chunk::{Chunk, Position};
use crate::conversation::{Context, Conversation, Facts, Finished};
use crate::counters::{Counter, Counters};
use crate::exchange::ExchangeSink;
use crate::feed::{HttpFeedCounts, HttpFeeds};
use crate::settings::HttpSettings;

/// What is kept of one connection.
#[derive(Debug)]
struct Entry {
    facts: Facts,
    /// The feed that brought it.
    feed: FeedIndex,
    conversation: Conversation,
    /// Exchanges reported.
    ordinal: u32,
    /// What `conversation` held when it was looked at last.
    held: usize,
    /// What it took as long as it goes on, then.
    standing: usize,
    /// When it is looked at for what waits too long; set while it stands in the queue.
    deadline: Option<Timestamp>,
}

/// Turns the events of streams into HTTP exchanges.
#[derive(Debug)]
pub struct HttpStage {
    settings: HttpSettings,
    counters: Counters,
    feeds: HttpFeeds,
    /// By slot of the connection's id. Boxed: there are many more slots than connections with
    /// something to say where a flood came by.
    entries: Vec<Option<Box<Entry>>>,
    /// Entries there are.
    open: usize,
    /// When to look at which slot. A connection has at most one place, and comes up at most once
    /// in the time that a request may wait.
    deadlines: BTreeSet<(Timestamp, u32)>,
    /// The first of `deadlines`, to pass over the usual call at no cost.
    next_deadline: Option<Timestamp>,
    /// Bytes held over all connections.
    held: usize,
    /// Bytes that conversations take as long as they go on.
    standing: usize,
    /// The setting of `body_sample_bytes_max` and `message_samples_max`; in an emergency these are
    /// none.
    samples: (usize, usize),
    /// Room for exchanges that can be reported: none between two events.
    room: Vec<Finished>,
}

impl HttpStage {
    /// Bytes that a connection takes at most between two exchanges: its entry, its conversation,
    /// its place by slot and the ones kept free for others, and in the queue of deadlines.
    pub const CONNECTION_COST: usize = size_of::<Entry>()
        + Conversation::STANDING_MAX
        + 4 * size_of::<usize>()
        + 2 * size_of::<(Timestamp, u32)>();

    /// A stage that has seen nothing yet.
    #[must_use]
    pub const fn new(settings: HttpSettings) -> Self {
        Self {
            samples: (settings.body_sample_bytes_max, settings.message_samples_max),
            settings,
            counters: Counters::new(),
            feeds: HttpFeeds::new(),
            entries: Vec::new(),
            open: 0,
            deadlines: BTreeSet::new(),
            next_deadline: None,
            held: 0,
            standing: 0,
            room: Vec::new(),
        }
    }

    /// Takes one event of a stream and reports the exchanges that it completes.
    pub fn handle_event(&mut self, event: StreamEvent<'_>, sink: &mut impl ExchangeSink) {
        match event.kind {
            StreamEventKind::Open {
                a,
                b,
                initiator,
                from_start,
                encapsulation,
                feed,
            } => {
                let id = event.connection;
                let encapsulation = encapsulation.clone();
                self.open(
                    Facts {
                        id,
                        a,
                        b,
                        initiator,
                        from_start,
                        encapsulation,
                    },
                    feed,
                    event.timestamp,
                    sink,
                );
            }
            StreamEventKind::Close { .. } => self.close(event.connection, event.timestamp, sink),
            _ => self.progress(event, sink),
        }
    }

    /// Reports what has waited for the other side too long.
    pub fn handle_time(&mut self, now: Timestamp, sink: &mut impl ExchangeSink) {
        // Nothing comes up twice: what waits on goes back with a later deadline.
        for _ in 0..self.deadlines.len() {
            if self.next_deadline.is_none_or(|deadline| deadline > now) {
                break;
            }
            let Some((_, slot)) = self.deadlines.pop_first() else {
                break;
            };
            if let Some(Some(entry)) = self.entries.get_mut(slot as usize) {
                entry.deadline = None;
            }
            self.next_deadline = self.deadlines.first().map(|(deadline, _)| *deadline);
            self.with_conversation(slot, now, sink, |conversation, cx| conversation.expire(cx));
        }
    }

    /// The capture is over: reports everything that is left.
    pub fn flush(&mut self, now: Timestamp, sink: &mut impl ExchangeSink) {
        for slot in 0..self.entries.len() {
            self.close_slot(slot, now, sink);
        }
    }

    /// What was counted so far.
    #[must_use]
    pub fn counters(&self) -> Vec<CounterValue> {
        self.counters.values()
    }

    /// What was counted of one feed.
    #[must_use]
    pub fn feed(&self, feed: FeedIndex) -> HttpFeedCounts {
        self.feeds.get(feed)
    }

    /// Bytes held in heads and body samples, and in what is known of their messages.
    #[must_use]
    pub const fn held_bytes(&self) -> usize {
        self.held
    }

    /// Bytes that the conversations take beside that.
    #[must_use]
    pub fn standing_bytes(&self) -> usize {
        let places = self.entries.capacity() * size_of::<usize>();
        let deadlines = self.deadlines.len() * 2 * size_of::<(Timestamp, u32)>();
        self.standing + self.open * size_of::<Entry>() + places + deadlines
    }

    /// C: memory is short, or is so no longer. While it is, nothing of bodies is kept but their
    /// length.
    pub const fn set_emergency(&mut self, is_on: bool) {
        let (bodies, messages) = if is_on { (0, 0) } else { self.samples };
        self.settings.body_sample_bytes_max = bodies;
        self.settings.message_samples_max = messages;
    }

    fn open(
        &mut self,
        facts: Facts,
        feed: FeedIndex,
        now: Timestamp,
        sink: &mut impl ExchangeSink,
    ) {
        let slot = facts.id.slot as usize;
        // The table closes before it reuses; should it not, nothing is lost.
        self.close_slot(slot, now, sink);
        if self.entries.len() <= slot {
            self.entries.resize_with(slot + 1, || None);
        }
        if let Some(entry) = self.entries.get_mut(slot) {
            self.open += 1;
            *entry = Some(Box::new(Entry {
                facts,
                feed,
                conversation: Conversation::default(),
                ordinal: 0,
                held: 0,
                standing: 0,
                deadline: None,
            }));
        }
    }

    fn close(&mut self, id: ConnectionId, now: Timestamp, sink: &mut impl ExchangeSink) {
        if self.knows(id) {
            self.close_slot(id.slot as usize, now, sink);
        } else {
            self.counters.count(Counter::UnknownConnection);
        }
    }

    fn close_slot(&mut self, slot: usize, now: Timestamp, sink: &mut impl ExchangeSink) {
        let Some(mut entry) = self.entries.get_mut(slot).and_then(Option::take) else {
            return;
        };
        self.held = self.held.saturating_sub(entry.held);
        self.standing = self.standing.saturating_sub(entry.standing);
        self.open = self.open.saturating_sub(1);
        if let Some(deadline) = entry.deadline {
            self.deadlines.remove(&(deadline, entry.facts.id.slot));
        }
        entry.conversation.close(&mut Context {
            settings: &self.settings,
            counters: &mut self.counters,
            facts: &entry.facts,
            sink,
            now,
            ordinal: &mut entry.ordinal,
            room: &mut self.room,
        });
        self.feeds.settle(entry.feed, &self.counters);
    }

    fn knows(&self, id: ConnectionId) -> bool {
        let entry = self
            .entries
            .get(id.slot as usize)
            .and_then(Option::as_deref);
        entry.is_some_and(|entry| entry.facts.id == id)
    }

    /// An event of a connection that goes on.
    fn progress(&mut self, event: StreamEvent<'_>, sink: &mut impl ExchangeSink) {
        if !self.knows(event.connection) {
            self.counters.count(Counter::UnknownConnection);
            return;
        }
        let slot = event.connection.slot;
        self.with_conversation(
            slot,
            event.timestamp,
            sink,
            |conversation, cx| match event.kind {
                StreamEventKind::Data {
                    side,
                    offset,
                    acknowledged,
                    captured,
                    bytes,
                } => {
                    let at = Position {
                        offset,
                        acknowledged,
                        captured,
                        ..Position::default()
                    };
                    conversation.data(
                        cx,
                        side,
                        Chunk {
                            at,
                            bytes,
                            is_event_start: true,
                        },
                    );
                }
                StreamEventKind::Gap {
                    side, offset, len, ..
                } => conversation.gap(cx, side, offset, len),
                StreamEventKind::Urgent {
                    side,
                    offset,
                    is_taken_out,
                } => conversation.urgent(cx.facts, side, offset + u64::from(is_taken_out)),
                StreamEventKind::Conflict { side, .. } => {
                    conversation.note_odd(side, MessageAnomaly::ConflictingSegments);
                }
                StreamEventKind::End { side, reason } => conversation.end(cx, side, reason),
                StreamEventKind::Open { .. } | StreamEventKind::Close { .. } => {}
            },
        );
    }

    /// Does something with a conversation, then settles what it holds and when it is due.
    fn with_conversation<S: ExchangeSink>(
        &mut self,
        slot: u32,
        now: Timestamp,
        sink: &mut S,
        act: impl FnOnce(&mut Conversation, &mut Context<'_, S>),
    ) {
        let Some(Some(entry)) = self.entries.get_mut(slot as usize) else {
            return;
        };
        let Entry {
            facts,
            feed,
            conversation,
            ordinal,
            held,
            standing,
            deadline,
        } = entry.as_mut();
        let (settings, counters) = (&self.settings, &mut self.counters);
        let mut cx = Context {
            settings,
            counters,
            facts,
            sink,
            now,
            ordinal,
            room: &mut self.room,
        };
        act(conversation, &mut cx);
        let mut now_held = conversation.held();
        self.held = self.held.saturating_sub(*held).saturating_add(now_held);
        if self.held > settings.held_bytes_max && now_held > *held {
            conversation.shed(&mut cx);
            self.held = self.held.saturating_sub(now_held);
            now_held = conversation.held();
            self.held = self.held.saturating_add(now_held);
        }
        *held = now_held;
        let before_standing = core::mem::replace(standing, conversation.standing());
        self.standing = (self.standing + *standing).saturating_sub(before_standing);
        self.feeds.settle(*feed, &self.counters);
        // A place in the queue is kept although what it was taken for may be over: when it comes
        // up, the next is taken for what waits then. What opens does not wait for that.
        let opening = conversation.opening(settings);
        let is_late = matches!((opening, *deadline), (Some(opening), Some(due)) if opening < due);
        if is_late && let Some(due) = deadline.take() {
            self.deadlines.remove(&(due, slot));
        }
        if deadline.is_none() {
            let waits = conversation.deadline(settings);
            *deadline = opening.map_or(waits, |opening| {
                Some(waits.map_or(opening, |due| due.min(opening)))
            });
            if let Some(deadline) = *deadline {
                self.deadlines.insert((deadline, slot));
                let is_first = self.next_deadline.is_none_or(|next| deadline < next);
                self.next_deadline = if is_first {
                    Some(deadline)
                } else {
                    self.next_deadline
                };
            }
        }
    }
}
