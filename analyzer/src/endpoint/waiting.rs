//! Candidates: what was called but not yet proven to be an endpoint.

use std::collections::VecDeque;

use super::knowledge::Map;
use super::settings::TemplateSettings;

/// A candidate.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Sightings.
    pub(super) seen: u64,
    /// Time of the first.
    pub(super) first_seen: i64,
    /// Distinct consumers of doubtful sightings, up to the number that matters.
    consumers: Vec<u64>,
}

/// The candidates of a host, bounded; the oldest gives way.
#[derive(Clone, Debug, Default)]
pub(super) struct Waiting {
    held: Map<u64, Held>,
    order: VecDeque<u64>,
    /// Candidates per way of being denied; a gateway that denies everything alike proves nothing.
    denials: Map<u64, u32>,
    /// Candidates that gave way.
    pub(super) evicted: u64,
}

/// Candidates denied alike from which on a denial proves nothing.
const DENIED_ALIKE: u32 = 8;

impl Waiting {
    /// Holds one sighting back. `doubtful` carries the consumer and the fingerprint of the
    /// response when the sighting counts as evidence; true when it now suffices.
    pub(super) fn hold(
        &mut self,
        key: u64,
        time: i64,
        doubtful: Option<(u64, u64)>,
        settings: &TemplateSettings,
    ) -> bool {
        if !self.held.contains_key(&key) {
            while self.order.len() >= settings.max_waiting {
                let Some(oldest) = self.order.pop_front() else {
                    break;
                };
                self.evicted += u64::from(self.held.remove(&oldest).is_some());
            }
            self.order.push_back(key);
            self.held.insert(
                key,
                Held {
                    seen: 0,
                    first_seen: time,
                    consumers: Vec::new(),
                },
            );
        }
        let Some(held) = self.held.get_mut(&key) else {
            return false;
        };
        held.seen += 1;
        let Some((consumer, print)) = doubtful else {
            return false;
        };
        if held.consumers.is_empty()
            && (self.denials.len() < 1024 || self.denials.contains_key(&print))
        {
            *self.denials.entry(print).or_default() += 1;
        }
        if held.consumers.len() < settings.doubtful_consumers && !held.consumers.contains(&consumer)
        {
            held.consumers.push(consumer);
        }
        let alike = self.denials.get(&print).is_some_and(|n| *n > DENIED_ALIKE);
        !alike && held.seen > 3 && held.consumers.len() >= settings.doubtful_consumers
    }

    /// Takes in the candidates of a host that proved to be the same service.
    pub(super) fn absorb(&mut self, mut other: Self, settings: &TemplateSettings) {
        for key in core::mem::take(&mut other.order) {
            let Some(theirs) = other.held.remove(&key) else {
                continue;
            };
            if let Some(held) = self.held.get_mut(&key) {
                held.seen += theirs.seen;
                held.first_seen = held.first_seen.min(theirs.first_seen);
                for consumer in theirs.consumers {
                    if held.consumers.len() < settings.doubtful_consumers
                        && !held.consumers.contains(&consumer)
                    {
                        held.consumers.push(consumer);
                    }
                }
            } else if self.order.len() < settings.max_waiting {
                self.order.push_back(key);
                self.held.insert(key, theirs);
            } else {
                self.evicted += 1;
            }
        }
        self.evicted += other.evicted;
    }

    /// Lets a candidate go that has become an endpoint.
    pub(super) fn release(&mut self, key: u64) -> Option<Held> {
        self.held.remove(&key)
    }
}
