//! JSON Web Tokens met before: a client sends the same one with every call until it is renewed. What
//! it says is read once; of the token itself nothing is kept.

use tapscope_record::{JwtFacts, Token};

use crate::token::Print;

/// What a token said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Token of whom it names.
    pub(super) subject: Option<Token>,
    /// Whether it is not signed.
    pub(super) unsigned: bool,
    pub(super) facts: JwtFacts,
}

/// The tokens that are remembered, the latest in each place.
pub(crate) struct Jwts {
    places: Vec<Option<Box<(Print, Said)>>>,
}

impl Jwts {
    /// Remembers so many tokens.
    pub(crate) fn new(jwts_max: usize) -> Self {
        Self {
            places: vec![None; jwts_max],
        }
    }

    /// What the token of that print said; else what `read` says, which is remembered.
    pub(super) fn said(&mut self, print: Print, read: impl FnOnce() -> Said) -> Said {
        let [hash, _] = print;
        let at = hash.checked_rem(self.places.len() as u64);
        let place = at.and_then(|at| self.places.get_mut(usize::try_from(at).ok()?));
        let Some(place) = place else { return read() };
        match place {
            Some(known) if known.0 == print => known.1.clone(),
            _ => {
                let said = read();
                *place = Some(Box::new((print, said.clone())));
                said
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_when_it_is_not_remembered() {
        let said = |subject| Said {
            subject: Some(Token(subject)),
            unsigned: false,
            facts: JwtFacts::default(),
        };
        for (most, reads) in [(0, 5), (1, 4), (8, 2)] {
            let mut jwts = Jwts::new(most);
            let mut count = 0;
            for subject in [1, 1, 2, 1, 2] {
                let told = jwts.said([subject, 7], || {
                    count += 1;
                    said(subject)
                });
                assert_eq!(told, said(subject));
            }
            assert_eq!(count, reads);
        }
    }
}
