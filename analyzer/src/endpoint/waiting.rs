//! Candidates: what was called but not yet proven to be an endpoint.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::evidence::Step;
use super::knowledge::Map;
use super::settings::TemplateSettings;
use crate::snapshot::waiting::{CandidateSnapshot, WaitingReason, WaitingSnapshot};

/// A candidate.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// Sightings.
    pub(super) seen: u64,
    /// Time of the first.
    pub(super) first_seen: i64,
    /// Time of the last.
    last_seen: i64,
    /// Why the last of them did not suffice.
    why: WaitingReason,
    /// Distinct consumers of doubtful sightings, up to the number that matters.
    consumers: Vec<u64>,
    /// Method and path, of some.
    name: Option<(Box<str>, Box<str>)>,
}

/// What is told of a sighting that is held back.
pub(super) struct Sight<'a> {
    pub(super) key: u64,
    pub(super) time: i64,
    pub(super) why: WaitingReason,
    pub(super) method: &'a str,
    pub(super) steps: &'a [Step<'a>],
    /// Consumer and fingerprint of the response, when it counts as evidence.
    pub(super) doubtful: Option<(u64, u64)>,
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
    /// Candidates whose paths are kept, to be shown.
    named: usize,
}

/// Paths shown of each reason.
const EXAMPLES: usize = 10;
/// Longest path kept to be shown, in bytes.
const NAME_BYTES_MAX: usize = 256;

/// Candidates denied alike from which on a denial proves nothing.
const DENIED_ALIKE: u32 = 8;

/// Candidates of a host that a restart goes on with, the latest to come: about 100 bytes each in
/// the store.
const SAVED_MAX: usize = 1024;

/// Ways of being denied that are told apart.
const DENIALS_MAX: usize = 1024;

impl Waiting {
    /// Bytes held, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.order.capacity() * size_of::<u64>()
            + self.held.capacity() * (size_of::<Held>() + size_of::<u64>() + 1)
            + self.named * NAME_BYTES_MAX / 2
    }

    /// Holds one sighting back; true when what is held of its path suffices now.
    pub(super) fn hold(&mut self, sight: &Sight<'_>, settings: &TemplateSettings) -> bool {
        let (key, time) = (sight.key, sight.time);
        if !self.held.contains_key(&key) {
            while self.order.len() >= settings.max_waiting {
                let Some(oldest) = self.order.pop_front() else {
                    break;
                };
                self.evicted += u64::from(self.release(oldest).is_some());
            }
            self.order.push_back(key);
            let name = (self.named < settings.max_waiting_named).then(|| name_of(sight));
            self.named += usize::from(name.is_some());
            let held = Held {
                seen: 0,
                first_seen: time,
                last_seen: time,
                why: sight.why,
                consumers: Vec::new(),
                name,
            };
            self.held.insert(key, held);
        }
        let Some(held) = self.held.get_mut(&key) else {
            return false;
        };
        held.seen += 1;
        held.last_seen = held.last_seen.max(time);
        held.first_seen = held.first_seen.min(time);
        held.why = sight.why;
        let Some((consumer, print)) = sight.doubtful else {
            return false;
        };
        if held.consumers.is_empty()
            && (self.denials.len() < DENIALS_MAX || self.denials.contains_key(&print))
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

    /// Takes back what was believed and has proven to be none: sightings, the first and the last of
    /// them, and why.
    pub(super) fn take_back(
        &mut self,
        key: u64,
        (method, path): (&str, &str),
        (seen, (first_seen, last_seen), why): (u64, (i64, i64), WaitingReason),
        settings: &TemplateSettings,
    ) {
        if let Some(held) = self.held.get_mut(&key) {
            held.seen += seen;
            held.first_seen = held.first_seen.min(first_seen);
            return;
        }
        if self.order.len() >= settings.max_waiting {
            self.evicted += 1;
            return;
        }
        let is_named = self.named < settings.max_waiting_named;
        self.named += usize::from(is_named);
        let held = Held {
            seen,
            first_seen,
            last_seen,
            why,
            consumers: Vec::new(),
            name: is_named.then(|| (method.into(), shortened(path.to_owned()).into())),
        };
        self.order.push_back(key);
        self.held.insert(key, held);
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
                held.last_seen = held.last_seen.max(theirs.last_seen);
                for consumer in theirs.consumers {
                    if held.consumers.len() < settings.doubtful_consumers
                        && !held.consumers.contains(&consumer)
                    {
                        held.consumers.push(consumer);
                    }
                }
            } else if self.order.len() < settings.max_waiting {
                self.order.push_back(key);
                self.named += usize::from(theirs.name.is_some());
                self.held.insert(key, theirs);
            } else {
                self.evicted += 1;
            }
        }
        self.evicted += other.evicted;
    }

    /// Candidates that are saved.
    pub(super) fn saved(&self) -> usize {
        self.held.len().min(SAVED_MAX)
    }

    /// As plain data: the latest to come, with all that they have proven so far.
    pub(super) fn save(&self) -> Value {
        let mut latest = Vec::new();
        for key in self.order.iter().rev() {
            if latest.len() >= SAVED_MAX {
                break;
            }
            if let Some(held) = self.held.get(key) {
                latest.push((key, held));
            }
        }
        let row = |(key, held): &(&u64, &Held)| {
            let why = held.why.name();
            let name = held
                .name
                .as_ref()
                .map(|(method, path)| [&**method, &**path]);
            json!([
                key,
                held.seen,
                held.first_seen,
                held.last_seen,
                why,
                held.consumers,
                name
            ])
        };
        let mut denials: Vec<(u64, u32)> = self.denials.iter().map(|(p, n)| (*p, *n)).collect();
        denials.sort_unstable();
        json!({"held": latest.iter().rev().map(row).collect::<Vec<_>>(), "denials": denials})
    }

    /// Goes on from what was saved, as far as it can be read.
    pub(super) fn load(state: &Value, settings: &TemplateSettings) -> Self {
        let mut new = Self::default();
        let list = |name: &str| state.get(name).and_then(Value::as_array);
        for row in list("held").into_iter().flatten() {
            let Some((key, held)) = Held::load(row, settings) else {
                continue;
            };
            if new.order.len() < settings.max_waiting && !new.held.contains_key(&key) {
                new.named += usize::from(held.name.is_some());
                new.order.push_back(key);
                new.held.insert(key, held);
            }
        }
        for pair in list("denials").into_iter().flatten().take(DENIALS_MAX) {
            let at = |i: usize| pair.get(i).and_then(Value::as_u64);
            if let (Some(print), Some(count)) = (at(0), at(1)) {
                let count = u32::try_from(count).unwrap_or(u32::MAX);
                new.denials.insert(print, count);
            }
        }
        new
    }

    /// Lets a candidate go that has become an endpoint.
    pub(super) fn release(&mut self, key: u64) -> Option<Held> {
        let held = self.held.remove(&key)?;
        self.named -= usize::from(held.name.is_some());
        Some(held)
    }

    /// What waits, by reason.
    pub(super) fn summary(&self, settings: &TemplateSettings) -> Vec<WaitingSnapshot> {
        let mut by_reason: BTreeMap<WaitingReason, Vec<&Held>> = BTreeMap::new();
        for held in self.held.values() {
            by_reason.entry(held.why).or_default().push(held);
        }
        by_reason
            .into_iter()
            .map(|(reason, mut held)| {
                held.sort_by(|a, b| b.seen.cmp(&a.seen).then_with(|| a.name.cmp(&b.name)));
                let named = held.iter().filter_map(|one| candidate(one, settings));
                WaitingSnapshot {
                    reason,
                    paths: held.len() as u64,
                    exchanges: held.iter().map(|one| one.seen).sum(),
                    first_seen: held
                        .iter()
                        .map(|one| one.first_seen)
                        .min()
                        .unwrap_or_default(),
                    last_seen: held
                        .iter()
                        .map(|one| one.last_seen)
                        .max()
                        .unwrap_or_default(),
                    examples: named.take(EXAMPLES).collect(),
                }
            })
            .collect()
    }
}

impl Held {
    fn load(row: &Value, settings: &TemplateSettings) -> Option<(u64, Self)> {
        let why = row.get(4)?.as_str()?;
        let mut reasons = WaitingReason::ALL.iter();
        let consumers = row.get(5)?.as_array()?.iter().filter_map(Value::as_u64);
        let name = row.get(6)?.as_array();
        let held = Self {
            seen: row.get(1)?.as_u64()?,
            first_seen: row.get(2)?.as_i64()?,
            last_seen: row.get(3)?.as_i64()?,
            why: reasons.find(|reason| reason.1 == why)?.0,
            consumers: consumers.take(settings.doubtful_consumers).collect(),
            name: name.and_then(|name| {
                Some((
                    name.first()?.as_str()?.into(),
                    name.get(1)?.as_str()?.into(),
                ))
            }),
        };
        Some((row.get(0)?.as_u64()?, held))
    }
}

fn candidate(held: &Held, settings: &TemplateSettings) -> Option<CandidateSnapshot> {
    let (method, path) = held.name.as_ref()?;
    let counts = matches!(
        held.why,
        WaitingReason::Denied | WaitingReason::Redirected | WaitingReason::Page
    );
    let missing = settings
        .doubtful_consumers
        .saturating_sub(held.consumers.len());
    Some(CandidateSnapshot {
        method: method.to_string(),
        path: path.to_string(),
        exchanges: held.seen,
        first_seen: held.first_seen,
        last_seen: held.last_seen,
        consumers_missing: counts.then_some(missing as u64),
    })
}

/// Method and path as they are shown.
fn name_of(sight: &Sight<'_>) -> (Box<str>, Box<str>) {
    let mut path = String::new();
    for step in sight.steps {
        path.push('/');
        path.push_str(&step.text);
        if path.len() > NAME_BYTES_MAX {
            break;
        }
    }
    let mut path = shortened(path);
    if path.is_empty() {
        path.push('/');
    }
    let method: String = sight.method.chars().take(NAME_BYTES_MAX / 8).collect();
    (method.into(), path.into())
}

/// As much of a path as is shown.
fn shortened(mut path: String) -> String {
    if path.len() > NAME_BYTES_MAX {
        let end = path.floor_char_boundary(NAME_BYTES_MAX);
        path.truncate(end);
        path.push('…');
    }
    path
}
