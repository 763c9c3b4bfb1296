//! Which bodies of responses are looked at: all of what is new or rare, and of what comes again and
//! again without a datum in it, one in a few.
//!
//! A kind is what one endpoint answers in one way: host, method, path with its values left out,
//! operation, status, media type and about how long. The first bodies of a kind are looked at, and
//! so is every body of a kind that has had data in it: who gets how many of them is what detectors
//! count. Requests are always looked at: they name operations and are what callers choose.
//!
//! The choice is by count, under a key that nobody outside has, and by group of connections. So it
//! is the same in every run and with any number of workers, and nobody can tell which body will be
//! looked at. Kinds that find no place in the table take that of the rarest one beside them: they
//! are new, and are looked at.

use core::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::FixedState;
use tapscope_http::{Certainty, GROUPS, HttpExchange, Part, group_of};
use tapscope_record::{Operation, PathSegment, packed};

/// Places of one group of connections: kinds that a large API has, with its usual answers.
const PLACES: usize = 2_048;

/// Places that a kind may stand in.
const WAYS: usize = 4;

/// Shorter bodies are read sooner than it is found out whether others told the same.
const BODY_BYTES_MIN: u64 = 192;

/// Requests of a group of connections whose bodies' values are taken in any case.
const VALUES_FIRST: u32 = 8;

/// After these, one in so many: values take as long to look at as all else of a body, and how many
/// there are and between which numbers shows in a few.
const VALUES_EVERY: u32 = 32;

/// Set where a body of the kind had data in it.
const TELLS: u32 = 1 << 31;

/// A segment that is longer and has a digit is a value, and so is every number: `v2` is a name.
const NAME_BYTES_MAX: usize = 3;

/// One kind; an empty place has a tag of 0.
#[derive(Clone, Copy, Debug, Default)]
struct Kind {
    tag: u32,
    /// Bodies so far, and [`TELLS`].
    seen: u32,
}

/// Chooses the bodies that are looked at.
pub(crate) struct Sampling {
    hasher: FixedState,
    /// Bodies of a kind that are looked at in any case.
    first: u32,
    /// After these, one in so many; none when all are.
    every: Option<u32>,
    /// By group of connections: the kinds, as soon as there are any.
    groups: Vec<Vec<Kind>>,
    /// Likewise: requests with a body.
    requests: Vec<u32>,
}

/// What a kind is told by, beside the exchange's own fields.
pub(crate) struct Answer<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) host: Option<&'a [u8]>,
    pub(crate) path: &'a [PathSegment],
    pub(crate) operations: &'a [Operation],
    pub(crate) media_type: &'a [u8],
}

/// Where a kind is counted: its group, and its place there.
pub(crate) type Place = (usize, usize);

/// Whether a body is looked at, and where what it tells is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// It is.
    Looked(Option<Place>),
    /// It is not.
    Passed,
}

impl Sampling {
    /// Looks at the `first` bodies of each kind and then at one in `every`; at all for 0 and 1.
    pub(crate) fn new(seed: u64, first: u32, every: u32) -> Self {
        Self {
            hasher: FixedState::with_seed(seed),
            first,
            every: Some(every).filter(|every| *every > 1),
            groups: vec![Vec::new(); GROUPS],
            requests: vec![0; GROUPS],
        }
    }

    /// C: whether the body of that response is looked at; it is counted.
    pub(crate) fn choose(&mut self, exchange: &HttpExchange, answer: &Answer<'_>) -> Choice {
        let Some(every) = self.every.filter(|_| may_pass(exchange, answer.media_type)) else {
            return Choice::Looked(None);
        };
        let name = self.name(exchange, answer);
        let group = group_of(exchange.client, exchange.server);
        let Some(at) = self.place(group, name) else {
            return Choice::Looked(None);
        };
        let known = self
            .groups
            .get_mut(group)
            .and_then(|kinds| kinds.get_mut(at));
        let Some(kind) = known else {
            return Choice::Looked(None);
        };
        let seen = kind.seen & !TELLS;
        if seen < TELLS - 1 {
            kind.seen += 1;
        }
        let is_looked_at = kind.seen & TELLS != 0
            || seen
                .checked_sub(self.first)
                .is_none_or(|further| is_turn(name, further, every));
        if is_looked_at {
            Choice::Looked(Some((group, at)))
        } else {
            Choice::Passed
        }
    }

    /// C: whether the values of a request's body are taken, not its shape only; it is counted.
    pub(crate) fn takes_values(&mut self, exchange: &HttpExchange) -> bool {
        let request = exchange.request.as_deref();
        if request.is_none_or(|request| request.body.sample.is_empty()) {
            return false;
        }
        let group = group_of(exchange.client, exchange.server);
        let Some(seen) = self.requests.get_mut(group) else {
            return false;
        };
        let before = *seen;
        *seen = seen.wrapping_add(1);
        let name = self.hasher.hash_one(group);
        before
            .checked_sub(VALUES_FIRST)
            .is_none_or(|further| is_turn(name, further, VALUES_EVERY))
    }

    /// C: a body that was looked at had data in it: those of its kind are looked at from here on.
    pub(crate) fn note(&mut self, (group, at): Place) {
        let kinds = self.groups.get_mut(group);
        if let Some(kind) = kinds.and_then(|kinds| kinds.get_mut(at)) {
            kind.seen |= TELLS;
        }
    }

    fn name(&self, exchange: &HttpExchange, answer: &Answer<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        let mut text = |text: &[u8]| match packed(text) {
            Some(packed) => hasher.write_u128(packed),
            None => {
                hasher.write_usize(text.len());
                hasher.write(text);
            }
        };
        text(answer.method);
        text(answer.media_type);
        for operation in answer.operations {
            text(operation.style.as_bytes());
            text(operation.kind.as_bytes());
            text(operation.name.as_bytes());
        }
        for segment in answer.path {
            match segment {
                PathSegment::Literal(name) if is_name(name.as_bytes()) => text(name.as_bytes()),
                PathSegment::Literal(_) => text(b"{}"),
                PathSegment::Redacted { class, .. } => text(class.as_bytes()),
            }
        }
        match answer.host {
            Some(host) => text(host),
            None => core::hash::Hash::hash(&exchange.server, &mut hasher),
        }
        hasher.write_usize(answer.path.len());
        if let Some(response) = &exchange.response {
            hasher.write_u16(response.status);
            hasher.write_u32(response.body.length.checked_ilog2().unwrap_or_default());
        }
        hasher.finish()
    }

    /// Where the kind of that name stands; where it does not yet, it takes the place of the one
    /// that came least often.
    fn place(&mut self, group: usize, name: u64) -> Option<usize> {
        let kinds = self.groups.get_mut(group)?;
        if kinds.is_empty() {
            kinds.resize(PLACES, Kind::default());
        }
        // The name is a good hash: its low bits tell the set, its high ones the kind.
        let start = usize::try_from(name % (PLACES / WAYS) as u64).ok()? * WAYS;
        let tag = u32::try_from(name >> 32).ok()? | 1;
        let set = kinds.get_mut(start..start + WAYS)?;
        if let Some(way) = set.iter().position(|kind| kind.tag == tag) {
            return Some(start + way);
        }
        let rarest = set
            .iter()
            .enumerate()
            .min_by_key(|(_, kind)| kind.seen & !TELLS);
        let way = rarest.map(|(way, _)| way)?;
        *set.get_mut(way)? = Kind { tag, seen: 0 };
        Some(start + way)
    }
}

/// Whether a body may go without a look: a longer answer of success to a request that is known, of a
/// media type that says by itself that it has a shape. What may be a page is looked at, for templates
/// rest on what is none.
fn may_pass(exchange: &HttpExchange, media_type: &[u8]) -> bool {
    let is_known = |request: &tapscope_http::Request| request.certainty == Certainty::Exact;
    let succeeded = |response: &tapscope_http::Response| {
        (200..400).contains(&response.status)
            && response.body.length >= BODY_BYTES_MIN
            && !response.body.sample.is_empty()
    };
    let subtype = media_type.split(|byte| *byte == b'/').nth(1);
    let subtype = subtype.unwrap_or_default();
    let has_shape = subtype.ends_with(b"json")
        || subtype == b"xml"
        || (subtype.ends_with(b"+xml") && subtype != b"xhtml+xml");
    exchange.part == Part::Whole
        && exchange.messages.is_none()
        && exchange.request.as_deref().is_some_and(is_known)
        && exchange.response.as_deref().is_some_and(succeeded)
        && has_shape
}

/// Whether a segment is the same in every call of its endpoint.
fn is_name(segment: &[u8]) -> bool {
    let digits = segment.iter().filter(|byte| byte.is_ascii_digit()).count();
    digits == 0 || (segment.len() <= NAME_BYTES_MAX && digits < segment.len())
}

/// Whether it is the turn of the body that comes as `further` after the first: one in each `every`,
/// at a place of its own in each.
fn is_turn(name: u64, further: u32, every: u32) -> bool {
    let (round, place) = (further / every, further % every);
    let mixed = (name ^ u64::from(round)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    u64::from(place) == (mixed >> 32) % u64::from(every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_each_round_has_its_turn() {
        for name in [1, 0x1234_5678_9abc_def0, u64::MAX] {
            let mut places = std::collections::BTreeSet::new();
            for round in 0..100 {
                let turns: Vec<u32> = (0..8)
                    .filter(|place| is_turn(name, round * 8 + place, 8))
                    .collect();
                assert_eq!(turns.len(), 1);
                places.extend(turns);
            }
            assert_eq!(places.len(), 8, "no place is left out");
        }
    }

    #[test]
    fn what_is_rare_gives_way_to_what_is_new() {
        let mut sampling = Sampling::new(7, 4, 8);
        // All of one set.
        let names: Vec<u64> = (1..=5).map(|n: u64| n << 33).collect();
        let (frequent, rest) = names.split_first().unwrap();
        let at = sampling.place(0, *frequent).unwrap();
        sampling.groups[0][at].seen = 9;
        for name in rest {
            sampling.place(0, *name).unwrap();
        }
        assert_eq!(sampling.place(0, *frequent), Some(at));
        assert_eq!(sampling.groups[0][at].seen, 9);
        assert_eq!(sampling.groups.iter().filter(|g| !g.is_empty()).count(), 1);
    }

    #[test]
    fn values_in_a_path_are_left_out() {
        for (segment, name) in [
            ("users", true),
            ("v2", true),
            ("12", false),
            ("1234", false),
            ("0b5f1c3a-7d29-4f7e-9a44-0c1f0d2f6a11", false),
            ("order-items", true),
        ] {
            assert_eq!(is_name(segment.as_bytes()), name, "{segment}");
        }
    }
}
