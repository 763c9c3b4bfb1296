//! Places below which any number of values follow, one behind the other, and the same is answered
//! however many they are: keys of stored objects, paths of files. They are one endpoint with a
//! parameter that takes the rest of the path (`/files/{file*}`), and not one for each depth.

use super::decide::{Affix, Decided, Decision, NOWHERE, Part, PlaceId};
use super::evidence::Trie;

/// Depths at which something must be called, where all of it answers in one shape.
const DEPTHS_ALIKE: u32 = 3;

/// The same where answers have no shape: files and pages look alike that have nothing in common.
const DEPTHS_SHAPELESS: u32 = 4;

/// Calls that must have been seen: few of them have any form by chance.
const CALLS_MIN: u64 = 20;

/// How sure it is.
const CONFIDENCE: f64 = 0.9;

/// Depths that are told apart.
const DEPTHS_MAX: u32 = 31;

/// What answers look like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Shape {
    /// Nothing was answered.
    #[default]
    Nothing,
    /// Always this; nought where it has none.
    One(u64),
    /// More than one.
    Many,
}

impl Shape {
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, one) | (one, Self::Nothing) => one,
            (Self::One(a), Self::One(b)) if a == b => self,
            _ => Self::Many,
        }
    }
}

/// What is known of a place and all that stands below it.
#[derive(Clone, Debug, Default)]
struct Below {
    /// What can be called on it: methods as bits, nought for nothing.
    methods: u64,
    /// Whether all places below it are values, and what can be called on them is the same.
    is_alike: bool,
    /// The methods that can be called below it.
    methods_below: u64,
    /// Depths below it at which something is called, as bits; the first one is the lowest.
    depths: u32,
    shape: Shape,
    shape_below: Shape,
    calls: u64,
    calls_below: u64,
}

/// Makes one place of those below which it holds.
pub(super) fn collapse(trie: &Trie, decision: &mut Decision) {
    let below = summaries(trie, decision);
    let mut greedy: Vec<Option<PlaceId>> = vec![None; decision.places.len()];
    // Places come after the one above them.
    for at in 0..below.len() {
        let parent = decision.places[at].parent as usize;
        if at != 0 && greedy[parent].is_some() {
            greedy[at] = greedy[parent];
        } else if is_greedy(&below[at]) {
            let place = at as PlaceId;
            let id = decision.places.len() as PlaceId;
            let children = core::mem::take(&mut decision.places[at].children);
            let looks = children
                .values()
                .fold(0, |all, id| all | decision.places[*id as usize].looks);
            let part = Part::Parameter(Affix {
                takes_rest: true,
                ..Affix::default()
            });
            decision.places.push(Decided {
                parent: place,
                part: part.clone(),
                looks,
                confidence: CONFIDENCE,
                children: Default::default(),
                takes_words: true,
            });
            decision.places[at].children.insert(part, id);
            decision.places[at].takes_words = true;
            greedy[at] = Some(id);
        }
    }
    for of in decision.of.iter_mut().filter(|of| **of != NOWHERE) {
        // What is called on the place itself stays there.
        let parent = decision.places[*of as usize].parent as usize;
        if *of != 0
            && let Some(Some(id)) = greedy.get(parent)
        {
            *of = *id;
        }
    }
}

fn is_greedy(place: &Below) -> bool {
    let wanted = match place.shape_below {
        Shape::One(0) => DEPTHS_SHAPELESS,
        Shape::One(_) => DEPTHS_ALIKE,
        Shape::Nothing | Shape::Many => return false,
    };
    let from_the_first = place.depths.trailing_ones();
    place.is_alike
        && from_the_first >= wanted
        && from_the_first == place.depths.count_ones()
        && place.calls_below >= CALLS_MIN
}

fn summaries(trie: &Trie, decision: &Decision) -> Vec<Below> {
    let mut all: Vec<Below> = decision
        .places
        .iter()
        .map(|_| Below {
            is_alike: true,
            ..Below::default()
        })
        .collect();
    for (node, of) in trie.nodes.iter().zip(&decision.of) {
        let Some(here) = all.get_mut(*of as usize) else {
            continue;
        };
        for leaf in &node.leaves {
            here.methods |= 1 << u32::from(leaf.method).min(63);
            here.shape = here.shape.with(Shape::One(leaf.shape));
            here.calls += leaf.seen;
        }
    }
    for at in (1..all.len()).rev() {
        let place = &decision.places[at];
        let one = core::mem::take(&mut all[at]);
        let up = &mut all[place.parent as usize];
        up.calls_below += one.calls + one.calls_below;
        up.shape_below = up.shape_below.with(one.shape).with(one.shape_below);
        let is_called = one.methods != 0;
        up.depths |= (one.depths.checked_shl(1).unwrap_or(0) | u32::from(is_called))
            & (u32::MAX >> (32 - DEPTHS_MAX));
        for methods in [one.methods, one.methods_below] {
            up.is_alike &= methods == 0 || up.methods_below == 0 || methods == up.methods_below;
            up.methods_below |= methods;
        }
        let is_value = match &place.part {
            Part::Parameter(affix) => affix.prefix.is_empty() && affix.between.is_empty(),
            Part::Literal(_) => false,
        };
        up.is_alike &= one.is_alike && is_value;
        all[at] = one;
    }
    all
}
