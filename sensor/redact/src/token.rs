//! Keyed tokens: HMAC-SHA-256 (RFC 2104, FIPS 180-4) cut to 64 bits, separated by use.
//!
//! The separation keeps a credential's token from ever equalling the token of the same text met
//! as an ordinary value, so that one cannot be looked up through the other.

use core::cell::Cell;
use core::hash::{BuildHasher as _, Hasher as _};

use foldhash::quality::FixedState;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tapscope_record::{Token, packed};

/// The installation's key for tokens: 32 random bytes, never logged.
///
/// It has no `Debug`, on purpose, and is overwritten when dropped.
#[derive(Clone)]
pub struct TokenKey(pub [u8; 32]);

impl Drop for TokenKey {
    fn drop(&mut self) {
        self.0.fill(0);
        // Keeps the compiler from seeing that nobody reads the bytes again.
        core::hint::black_box(&mut self.0);
    }
}

/// What a token stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum TokenUse {
    /// A credential.
    Credential = 1,
    /// Whom a credential names.
    Subject = 2,
    /// A value in a path, a query or a body: equal values meet wherever they stand.
    Value = 3,
    /// A User-Agent.
    UserAgent = 4,
    /// The seed of hash tables; never leaves the stage.
    Seed = 5,
    /// What names a request across hops.
    Trace = 6,
    /// Names of header fields; never leaves the stage.
    Fields = 7,
    /// Names of cookies; never leaves the stage.
    Cookies = 8,
    /// A host or a media type; never leaves the stage.
    Line = 9,
    /// What a client's software sends whatever it calls.
    Fingerprint = 10,
}

/// What a value is remembered by: two hashes under seeds that nobody outside knows, and no part of
/// the value. Two values that share both are not met in the life of an installation.
pub(crate) type Print = [u64; 2];

/// Makes tokens under one key; the key schedule is done once, and so is the token of what comes
/// again and again (credentials, products, choices in a query).
pub(crate) struct Tokenizer {
    keyed: Hmac<Sha256>,
    seeds: [FixedState; 2],
    /// The latest value in each place, with its token.
    known: Vec<Cell<(Print, Token)>>,
}

impl Tokenizer {
    /// Remembers the tokens of so many values.
    pub(crate) fn new(key: &TokenKey, known_max: usize) -> Self {
        // A key shorter than the hash's block is padded with zeros by HMAC's own definition.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block
            .iter_mut()
            .zip(key.0)
            .for_each(|(to, from)| *to = from);
        let keyed = <Hmac<Sha256> as KeyInit>::new(&block);
        block.fill(0);
        core::hint::black_box(&mut block);
        let seed = |name| FixedState::with_seed(made(&keyed, TokenUse::Seed, name).0);
        let seeds = [seed(b"tokens"), seed(b"tokens again")];
        Self {
            keyed,
            seeds,
            known: vec![Cell::new(([0; 2], Token(0))); known_max],
        }
    }

    /// What stands for `value` where it is remembered.
    pub(crate) fn print(&self, of: TokenUse, value: &[u8]) -> Print {
        self.print_of(of, core::iter::once(value))
    }

    /// What stands for a list of values.
    pub(crate) fn print_of<'v>(
        &self,
        of: TokenUse,
        values: impl Iterator<Item = &'v [u8]>,
    ) -> Print {
        let [one, other] = &self.seeds;
        let (mut one, mut other) = (one.build_hasher(), other.build_hasher());
        one.write_u8(of as u8);
        other.write_u8(of as u8);
        for value in values {
            // Most names are short: one number for both.
            let Some(packed) = packed(value) else {
                let length = u128::MAX - value.len() as u128;
                one.write_u128(length);
                one.write(value);
                other.write_u128(length);
                other.write(value);
                continue;
            };
            one.write_u128(packed);
            other.write_u128(packed);
        }
        [one.finish(), other.finish()]
    }

    /// The token of a value that may come again.
    pub(crate) fn token(&self, of: TokenUse, value: &[u8]) -> Token {
        let print = self.print(of, value);
        let place = print[0].checked_rem(self.known.len() as u64);
        let place = place.and_then(|at| self.known.get(usize::try_from(at).ok()?));
        let Some(place) = place else {
            return self.make(of, value);
        };
        let (known, token) = place.get();
        if known == print {
            return token;
        }
        let token = self.make(of, value);
        place.set((print, token));
        token
    }

    /// The token of a value that hardly comes again.
    pub(crate) fn make(&self, of: TokenUse, value: &[u8]) -> Token {
        made(&self.keyed, of, value)
    }
}

fn made(keyed: &Hmac<Sha256>, of: TokenUse, value: &[u8]) -> Token {
    let mut mac = keyed.clone();
    mac.update(&[of as u8]);
    mac.update(value);
    let code = mac.finalize().into_bytes();
    let cut = code
        .iter()
        .take(8)
        .fold(0, |number, &byte| number << 8 | u64::from(byte));
    Token(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_depend_on_key_use_and_value() {
        let one = Tokenizer::new(&TokenKey([1; 32]), 2);
        let other = Tokenizer::new(&TokenKey([2; 32]), 0);
        let token = one.token(TokenUse::Value, b"value");
        assert_eq!(token, one.token(TokenUse::Value, b"value"));
        assert_ne!(token, one.token(TokenUse::Credential, b"value"));
        assert_ne!(token, one.token(TokenUse::Value, b"valuf"));
        assert_ne!(token, other.token(TokenUse::Value, b"value"));
    }

    #[test]
    fn remembered_tokens_are_those_that_were_made() {
        let tokens = Tokenizer::new(&TokenKey([7; 32]), 3);
        for number in [1, 2, 3, 4, 5, 1, 1, 2, 5, 9, 4] {
            let value = format!("value {number}");
            for of in [TokenUse::Value, TokenUse::Credential] {
                let made = tokens.make(of, value.as_bytes());
                assert_eq!(tokens.token(of, value.as_bytes()), made);
            }
        }
    }

    #[test]
    fn token_is_the_head_of_hmac_sha256() {
        // HMAC-SHA-256, 32 bytes 0x0b as key, message 0x03 "Hi There"; by Python's hmac module.
        let token = Tokenizer::new(&TokenKey([0x0b; 32]), 1).token(TokenUse::Value, b"Hi There");
        assert_eq!(token.0, 0xddd7_fb08_dbb1_d978);
    }
}
