//! Keyed tokens: HMAC-SHA-256 (RFC 2104, FIPS 180-4) cut to 64 bits, separated by use.
//!
//! The separation keeps a credential's token from ever equalling the token of the same text met
//! as an ordinary value, so that one cannot be looked up through the other.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tapscope_record::Token;

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
}

/// Makes tokens under one key; the key schedule is done once.
pub(crate) struct Tokenizer {
    keyed: Hmac<Sha256>,
}

impl Tokenizer {
    pub(crate) fn new(key: &TokenKey) -> Self {
        // A key shorter than the hash's block is padded with zeros by HMAC's own definition.
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        block
            .iter_mut()
            .zip(key.0)
            .for_each(|(to, from)| *to = from);
        let keyed = <Hmac<Sha256> as KeyInit>::new(&block);
        block.fill(0);
        core::hint::black_box(&mut block);
        Self { keyed }
    }

    pub(crate) fn token(&self, of: TokenUse, value: &[u8]) -> Token {
        let mut mac = self.keyed.clone();
        mac.update(&[of as u8]);
        mac.update(value);
        let code = mac.finalize().into_bytes();
        let cut = code
            .iter()
            .take(8)
            .fold(0, |number, &byte| number << 8 | u64::from(byte));
        Token(cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_depend_on_key_use_and_value() {
        let one = Tokenizer::new(&TokenKey([1; 32]));
        let other = Tokenizer::new(&TokenKey([2; 32]));
        let token = one.token(TokenUse::Value, b"value");
        assert_eq!(token, one.token(TokenUse::Value, b"value"));
        assert_ne!(token, one.token(TokenUse::Credential, b"value"));
        assert_ne!(token, one.token(TokenUse::Value, b"valuf"));
        assert_ne!(token, other.token(TokenUse::Value, b"value"));
    }

    #[test]
    fn token_is_the_head_of_hmac_sha256() {
        // HMAC-SHA-256, 32 bytes 0x0b as key, message 0x03 "Hi There"; by Python's hmac module.
        let token = Tokenizer::new(&TokenKey([0x0b; 32])).token(TokenUse::Value, b"Hi There");
        assert_eq!(token.0, 0xddd7_fb08_dbb1_d978);
    }
}
