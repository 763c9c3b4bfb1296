//! Bodies seen before. Servers give the same answers again and again (lists, settings, refusals,
//! health checks), clients that poll, retry or test send the same, and what a body tells depends on
//! nothing but its bytes and how they are declared: it is read once. Of requests those are left out
//! whose body says what is asked for, and those whose values are taken.
//!
//! What is remembered is what the record holds, under a keyed hash of the body; no content. A body
//! is remembered from its second time on, so that those that come once cost no more than the hash.

use core::hash::{BuildHasher as _, Hasher as _};
use std::sync::Arc;

use foldhash::quality::FixedState;
use tapscope_http::{Body, HeadBytes};
use tapscope_record::{Counts, MessageRecord, Shape, Word};

use super::Side;
use crate::counters::Counters;
use crate::fields::{Fields, Role};

/// Places of a set, the one used last in front. A body may stand in two sets: with one, a third of
/// the bodies of an API that asks for its whole stock in turn would find their set taken by others
/// when two thirds of the places are.
const WAYS: usize = 4;

/// Places for bodies that came once, for each one that is remembered: these are told apart from what
/// comes again although as many others come between.
const ONCE_PLACES: usize = 4;

/// What is known of one body.
struct Known {
    shape: Option<Arc<Shape>>,
    /// Fields of the shape.
    fields: usize,
    data_classes: Counts,
    limits: Vec<Word>,
    inspected_len: u64,
    decoded_len: u64,
    /// What reading it counted, when that is not [`USUAL`]: it is as large as all the rest.
    counted: Option<Box<Counters>>,
}

/// What reading nearly every body counts.
const USUAL: &Counters = &Counters {
    bodies_inspected: 1,
    ..Counters::NONE
};

/// The bodies that are remembered.
pub(crate) struct Bodies {
    hasher: FixedState,
    /// With their names, which stand together; empty when nothing is to be remembered.
    sets: Vec<[(u64, Option<Box<Known>>); WAYS]>,
    /// By part of the name: the latest bodies that came, by another part of their names, the latest
    /// in front. Of one alone, two that share a place and come in turn would never be told.
    once: Vec<[u32; WAYS]>,
    /// Fields that there is still room for.
    fields_left: usize,
    /// Where room is made next.
    hand: usize,
}

impl Bodies {
    /// Remembers so many bodies, with so many fields in all.
    pub(crate) fn new(seed: u64, bodies_max: usize, fields_max: usize) -> Self {
        let sets = bodies_max / WAYS;
        Self {
            hasher: FixedState::with_seed(seed),
            sets: core::iter::repeat_with(Default::default)
                .take(sets)
                .collect(),
            once: vec![[0; WAYS]; sets * ONCE_PLACES],
            fields_left: fields_max,
            hand: 0,
        }
    }

    /// Names a body by all that what it tells depends on; none when nothing is remembered.
    pub(super) fn name(
        &self,
        side: Side,
        (head, fields): (&HeadBytes, &Fields),
        body: &Body,
        message: &MessageRecord,
    ) -> Option<u64> {
        if self.sets.is_empty() {
            return None;
        }
        let mut hasher = self.hasher.build_hasher();
        hasher.write(&body.sample);
        hasher.write_usize(body.sample.len());
        let is_cut = (body.sample.len() as u64) < body.length;
        let is_request = u8::from(side == Side::Request);
        hasher.write_u8(u8::from(is_cut) | u8::from(body.missing > 0) << 1 | is_request << 2);
        // With its parameters: the boundary of a form is one.
        if let Some(value) = fields.value(head, Role::ContentType) {
            hasher.write(value);
        }
        hasher.write_usize(message.content_encoding.len());
        for coding in &message.content_encoding {
            hasher.write(coding.as_bytes());
            hasher.write_u8(0);
        }
        Some(hasher.finish())
    }

    /// Fills in what is known of the body of that name, and counts what reading it counted; none
    /// when it is not known.
    pub(super) fn recall(
        &mut self,
        name: u64,
        message: &mut MessageRecord,
        counters: &mut Counters,
    ) -> Option<()> {
        let (at, way) = self.find(name)?;
        let set = self.sets.get_mut(at)?;
        set.get_mut(..=way)?.rotate_right(1);
        let known = set.first()?.1.as_deref()?;
        message.shape.clone_from(&known.shape);
        message.data_classes.clone_from(&known.data_classes);
        message.limits.clone_from(&known.limits);
        message.inspected_len = known.inspected_len;
        message.decoded_len = known.decoded_len;
        match known.counted.as_deref() {
            Some(counted) => counters.add(counted),
            None => counters.bodies_inspected += 1,
        }
        Some(())
    }

    /// Takes in what a body that was not known tells, when it came before.
    pub(super) fn learn(&mut self, name: u64, message: &MessageRecord, counted: Counters) {
        if !self.came_before(name) {
            return;
        }
        let fields = message.shape.as_deref().map_or(0, fields);
        self.make_room(fields);
        let Some(left) = self.fields_left.checked_sub(fields) else {
            return;
        };
        self.fields_left = left;
        let known = Box::new(Known {
            shape: message.shape.clone(),
            fields,
            data_classes: message.data_classes.clone(),
            limits: message.limits.clone(),
            inspected_len: message.inspected_len,
            decoded_len: message.decoded_len,
            counted: (counted != *USUAL).then(|| Box::new(counted)),
        });
        // Where there is more room, else in the first.
        let [first, second] = self.sets_of(name);
        let at = if self.taken(second) < self.taken(first) {
            second
        } else {
            first
        };
        if let Some(set) = self.sets.get_mut(at) {
            set.rotate_right(1);
            let first = set.first_mut();
            let gone = first.and_then(|first| core::mem::replace(first, (name, Some(known))).1);
            self.fields_left += gone.map_or(0, |gone| gone.fields);
        }
    }

    /// Forgets bodies, set by set, until so many fields fit.
    fn make_room(&mut self, fields: usize) {
        for _ in 0..self.sets.len() {
            if self.fields_left >= fields {
                return;
            }
            self.hand = (self.hand + 1) % self.sets.len().max(1);
            if let Some(set) = self.sets.get_mut(self.hand) {
                let gone = core::mem::take(set);
                let gone = gone.iter().filter_map(|(_, known)| known.as_deref());
                let gone = gone.map(|known| known.fields);
                self.fields_left += gone.sum::<usize>();
            }
        }
    }

    /// Whether a body that is not remembered came before, as far as can be told; from here on it did.
    fn came_before(&mut self, name: u64) -> bool {
        let places = self.once.len() as u64;
        let at = name.checked_rem(places).map(usize::try_from);
        let Some(once) = at.and_then(Result::ok).and_then(|at| self.once.get_mut(at)) else {
            return false;
        };
        let tag = (name >> 32) as u32 | 1;
        let came = once.iter().position(|one| *one == tag);
        if let Some(later) = once.get_mut(..=came.unwrap_or(WAYS - 1)) {
            later.rotate_right(1);
        }
        if let Some(latest) = once.first_mut() {
            *latest = tag;
        }
        came.is_some()
    }

    /// The set that has the body of that name, and where in it.
    fn find(&self, name: u64) -> Option<(usize, usize)> {
        let mut sets = self.sets_of(name).into_iter();
        sets.find_map(|at| {
            let mut ways = self.sets.get(at)?.iter();
            Some((at, ways.position(|(known, _)| *known == name)?))
        })
    }

    /// How many places of a set are taken.
    fn taken(&self, at: usize) -> usize {
        let set = self.sets.get(at).into_iter().flatten();
        set.filter(|(_, known)| known.is_some()).count()
    }

    /// The sets that a body may stand in.
    fn sets_of(&self, name: u64) -> [usize; 2] {
        // The name is a good hash: parts of it tell the sets, all of it the body.
        let sets = self.sets.len().max(1) as u64;
        [name, name >> 32].map(|part| usize::try_from(part % sets).unwrap_or_default())
    }
}

/// Number of fields of a shape.
fn fields(shape: &Shape) -> usize {
    let below = shape.fields.iter().map(|field| 1 + fields(&field.shape));
    below.sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tapscope_record::Field;

    fn message(fields: usize) -> MessageRecord {
        let field = |at: usize| Field {
            name: at.to_string().into(),
            ..Field::default()
        };
        MessageRecord {
            shape: Some(Arc::new(Shape {
                fields: (0..fields).map(field).collect(),
                ..Shape::default()
            })),
            inspected_len: 7,
            ..MessageRecord::default()
        }
    }

    fn counted() -> Counters {
        Counters {
            bodies_inspected: 1,
            ..Counters::default()
        }
    }

    #[test]
    fn a_body_is_known_from_its_third_time_on() {
        let mut bodies = Bodies::new(1, 64, 100);
        let mut recalled = MessageRecord::default();
        let mut counters = Counters::default();
        for _ in 0..2 {
            assert!(bodies.recall(5, &mut recalled, &mut counters).is_none());
            bodies.learn(5, &message(3), counted());
        }
        bodies.recall(5, &mut recalled, &mut counters).unwrap();
        assert_eq!(counters, counted());
        assert_eq!(recalled, message(3));
        assert!(bodies.recall(6, &mut recalled, &mut counters).is_none());
    }

    #[test]
    fn what_comes_in_turn_is_known_while_three_quarters_of_the_places_are_taken() {
        let mut bodies = Bodies::new(1, 1024, 10_000);
        let name = |n: u64| FixedState::with_seed(7).hash_one(n);
        let mut missed = 0;
        for round in 0..5 {
            for n in 0..768 {
                let mut recalled = MessageRecord::default();
                let known = bodies.recall(name(n), &mut recalled, &mut Counters::default());
                if known.is_none() {
                    missed += u32::from(round > 1);
                    bodies.learn(name(n), &message(1), counted());
                }
            }
        }
        assert!(missed < 3 * 768 / 50, "{missed}");
    }

    #[test]
    fn caps_hold_and_nothing_leaks() {
        let mut bodies = Bodies::new(1, 64, 100);
        for name in 0..10_000 {
            for _ in 0..2 {
                bodies.learn(name, &message(name as usize % 120), counted());
            }
            let known: Vec<&Known> = bodies
                .sets
                .iter()
                .flatten()
                .filter_map(|(_, known)| known.as_deref())
                .collect();
            let used: usize = known.iter().map(|known| known.fields).sum();
            assert_eq!(used + bodies.fields_left, 100);
            assert!(known.len() <= 64);
        }
        let mut off = Bodies::new(1, 0, 100);
        off.learn(1, &message(1), counted());
        off.learn(1, &message(1), counted());
        let mut counters = Counters::default();
        let recalled = off.recall(1, &mut MessageRecord::default(), &mut counters);
        assert!(recalled.is_none());
    }
}
