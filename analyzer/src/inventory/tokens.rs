//! Which JSON Web Tokens let calls in: by algorithm and issuer, with their lifetimes.

use crate::snapshot::schema::TokenSnapshot;
use tapscope_record::JwtFacts;

/// Kinds of tokens, sorted by algorithm and issuer.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TokenKinds(Vec<TokenSnapshot>);

impl TokenKinds {
    /// Goes on from plain data.
    pub(super) fn restore(kinds: &[TokenSnapshot]) -> Self {
        Self(kinds.to_vec())
    }

    /// Takes in the token of so many calls; beyond the cap it is not kept.
    pub(super) fn observe(&mut self, facts: &JwtFacts, calls: u64, cap: usize) {
        let found = self.find(&facts.algorithm, facts.issuer.as_ref());
        if let Some(known) = found.ok().and_then(|at| self.0.get_mut(at)) {
            count(known, calls, (facts.lifetime_s, facts.lifetime_s));
            return;
        }
        let one = TokenSnapshot {
            algorithm: facts.algorithm.to_string(),
            issuer: facts.issuer.clone(),
            lifetime_min_s: facts.lifetime_s,
            lifetime_max_s: facts.lifetime_s,
            seen: calls,
        };
        self.add(one, cap);
    }

    /// Takes over another endpoint's.
    pub(super) fn merge(&mut self, other: &Self, cap: usize) {
        for kind in &other.0 {
            self.add(kind.clone(), cap);
        }
    }

    /// As plain data.
    pub(super) fn snapshot(&self) -> Vec<TokenSnapshot> {
        self.0.clone()
    }

    fn find(&self, algorithm: &str, issuer: Option<&String>) -> Result<usize, usize> {
        let order = |known: &TokenSnapshot| {
            let known = (known.algorithm.as_str(), known.issuer.as_ref());
            known.cmp(&(algorithm, issuer))
        };
        self.0.binary_search_by(order)
    }

    fn add(&mut self, one: TokenSnapshot, cap: usize) {
        match self.find(&one.algorithm, one.issuer.as_ref()) {
            Ok(at) => {
                if let Some(known) = self.0.get_mut(at) {
                    count(known, one.seen, (one.lifetime_min_s, one.lifetime_max_s));
                }
            }
            Err(at) if self.0.len() < cap => self.0.insert(at, one),
            Err(_) => {}
        }
    }
}

/// Adds tokens of a kind that is known, with their shortest and longest lifetime.
fn count(known: &mut TokenSnapshot, seen: u64, (min, max): (Option<u64>, Option<u64>)) {
    known.seen = known.seen.saturating_add(seen);
    known.lifetime_min_s = known.lifetime_min_s.into_iter().chain(min).min();
    known.lifetime_max_s = known.lifetime_max_s.max(max);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_by_algorithm_and_issuer_with_their_lifetimes() {
        let facts = |algorithm: &str, lifetime_s| JwtFacts {
            algorithm: algorithm.to_owned().into(),
            issuer: Some("https://id.test".to_owned()),
            lifetime_s,
        };
        let mut kinds = TokenKinds::default();
        for one in [
            facts("RS256", Some(60)),
            facts("RS256", None),
            facts("RS256", Some(3_600)),
            facts("HS256", None),
        ] {
            kinds.observe(&one, 1, 2);
        }
        kinds.observe(&facts("none", None), 1, 2);
        let mut merged = TokenKinds::restore(&kinds.snapshot());
        merged.merge(&kinds, 2);
        let told: Vec<_> = merged
            .0
            .iter()
            .map(|k| {
                (
                    k.algorithm.as_str(),
                    k.seen,
                    k.lifetime_min_s,
                    k.lifetime_max_s,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("HS256", 2, None, None),
                ("RS256", 6, Some(60), Some(3_600))
            ]
        );
    }
}
