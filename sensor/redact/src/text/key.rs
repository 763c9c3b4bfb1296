//! Keys with a vendor's prefix: length, alphabet and, where the vendor has one, checksum; private
//! keys in PEM.

use super::check::crc32;

/// What follows a prefix.
#[derive(Clone, Copy)]
enum Rest {
    /// So many characters of base64url or dots, at least.
    AtLeast(usize),
    /// Exactly so many characters of base64url.
    Exactly(usize),
    /// So many capitals and digits of base32, exactly.
    Base32(usize),
    /// So many hexadecimal digits in small letters, exactly.
    Hex(usize),
    /// Thirty letters and digits and their CRC-32 in base 62; other lengths as `AtLeast`.
    Checked(usize),
}

use Rest::{AtLeast, Base32, Checked, Exactly, Hex};

/// Prefixes of keys, sorted by their first byte only.
const PREFIXES: &[(&[u8], Rest)] = &[
    (b"AGE-SECRET-KEY-1", AtLeast(50)),
    (b"AIza", Exactly(35)),
    (b"AKIA", Base32(16)),
    (b"ASIA", Base32(16)),
    (b"EAACEdEose0cBA", AtLeast(8)),
    (b"GOCSPX-", AtLeast(20)),
    (b"LTAI", AtLeast(16)),
    (b"NRAK-", AtLeast(27)),
    (b"PMAK-", AtLeast(40)),
    (b"SG.", AtLeast(40)),
    (b"atlasv1.", AtLeast(40)),
    (b"dapi", Hex(32)),
    (b"dckr_pat_", AtLeast(20)),
    (b"doo_v1_", Hex(64)),
    (b"dop_v1_", Hex(64)),
    (b"dp.pt.", AtLeast(30)),
    (b"ghp_", Checked(20)),
    (b"gho_", Checked(20)),
    (b"ghs_", Checked(20)),
    (b"ghu_", Checked(20)),
    (b"ghr_", Checked(20)),
    (b"github_pat_", AtLeast(60)),
    (b"glpat-", AtLeast(16)),
    (b"glptt-", AtLeast(16)),
    (b"glsa_", AtLeast(32)),
    (b"hf_", AtLeast(30)),
    (b"hvs.", AtLeast(24)),
    (b"key-", Hex(32)),
    (b"lin_api_", AtLeast(30)),
    (b"npm_", Checked(30)),
    (b"nvapi-", AtLeast(40)),
    (b"pk_live_", AtLeast(16)),
    (b"pypi-", AtLeast(40)),
    (b"rk_live_", AtLeast(16)),
    (b"rk_test_", AtLeast(16)),
    (b"shpat_", Hex(32)),
    (b"shpca_", Hex(32)),
    (b"shpss_", Hex(32)),
    (b"sk-", AtLeast(32)),
    (b"sk_live_", AtLeast(16)),
    (b"sk_test_", AtLeast(16)),
    (b"sq0atp-", AtLeast(20)),
    (b"sq0csp-", AtLeast(20)),
    (b"tfp_", AtLeast(40)),
    (b"whsec_", AtLeast(20)),
    (b"xapp-", AtLeast(20)),
    (b"xoxa-", AtLeast(10)),
    (b"xoxb-", AtLeast(10)),
    (b"xoxp-", AtLeast(10)),
    (b"xoxr-", AtLeast(10)),
    (b"xoxs-", AtLeast(10)),
    (b"ya29.", AtLeast(20)),
];

/// By the first byte of a text: where the prefixes that start with it begin and end among
/// [`PREFIXES`]. Most texts start with another.
const BY_FIRST: [(u8, u8); 256] = {
    let mut ranges = [(0, 0); 256];
    let mut at = 0;
    while at < PREFIXES.len() {
        #[expect(
            clippy::indexing_slicing,
            clippy::cast_possible_truncation,
            reason = "evaluated at compile time; no prefix is empty, and there are few"
        )]
        {
            let range = &mut ranges[PREFIXES[at].0[0] as usize];
            if range.1 == 0 {
                range.0 = at as u8;
            }
            range.1 = at as u8 + 1;
        }
        at += 1;
    }
    ranges
};

/// The prefixes that start with that byte.
const fn range_of(first: u8) -> (u8, u8) {
    #[expect(clippy::indexing_slicing, reason = "a byte is below 256")]
    BY_FIRST[first as usize]
}

/// Whether a prefix starts with that byte.
pub(super) const fn starts_key(first: u8) -> bool {
    range_of(first).1 > 0
}

const fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

/// Length of the key with a vendor's prefix that `text` starts with.
pub(crate) fn api_key_prefix(text: &[u8]) -> Option<usize> {
    let (start, end) = range_of(*text.first()?);
    PREFIXES
        .get(usize::from(start)..usize::from(end))?
        .iter()
        // Most differ in their second byte: no call to compare them.
        .filter(|(prefix, _)| {
            let mut both = prefix.iter().zip(text);
            text.len() >= prefix.len() && both.all(|(one, other)| one == other)
        })
        .find_map(|(prefix, rest)| {
            let length = rest.of(text.get(prefix.len()..)?, prefix.len() > 4)?;
            Some(prefix.len() + length)
        })
}

impl Rest {
    /// Length of what follows a prefix, when it is what a key has there. `telling` is a prefix that
    /// nothing else has.
    fn of(self, text: &[u8], telling: bool) -> Option<usize> {
        let run = |is: fn(u8) -> bool| text.iter().take_while(|byte| is(**byte)).count();
        let length = match self {
            AtLeast(_) => run(|byte| is_base64url(byte) || byte == b'.'),
            Exactly(_) | Checked(_) => run(is_base64url),
            Base32(_) => run(|byte| byte.is_ascii_alphanumeric()),
            Hex(_) => run(|byte| byte.is_ascii_alphanumeric()),
        };
        let key = text.get(..length)?;
        let right = match self {
            AtLeast(least) => length >= least,
            Exactly(exact) => length == exact,
            Base32(exact) => {
                length == exact && key.iter().all(|b| matches!(b, b'A'..=b'Z' | b'0'..=b'9'))
            }
            Hex(exact) => {
                length == exact && key.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
            }
            Checked(_) if length == 36 => is_checked(key),
            Checked(least) => length >= least,
        };
        // A slug like `sk-` and words is no key: those have digits or both cases.
        let any = |kind: fn(&u8) -> bool| key.iter().any(kind);
        let mixed =
            any(u8::is_ascii_digit) || (any(u8::is_ascii_uppercase) && any(u8::is_ascii_lowercase));
        (right && (mixed || telling)).then_some(length)
    }
}

/// Whether the last six characters are the CRC-32 of the first thirty, in base 62: GitHub's and
/// npm's tokens.
fn is_checked(key: &[u8]) -> bool {
    let Some((body, check)) = key.split_at_checked(30) else {
        return false;
    };
    let told = check.iter().try_fold(0_u64, |sum, byte| {
        let value = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        Some(sum * 62 + u64::from(value))
    });
    told == Some(u64::from(crc32(body)))
}

/// Whether `text` starts a PEM private key (RFC 7468).
pub(crate) fn private_key_prefix(text: &[u8]) -> bool {
    text.starts_with(b"-----BEGIN ")
        && text
            .get(..text.len().min(64))
            .is_some_and(|head| memchr::memmem::find(head, b"PRIVATE KEY").is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_by_prefix() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "ghp_NNzygfmSeUPyRNmBOhJKxKGIaYAUqYBijuKef",
            "xoxb-123456789012-abc",
            "glpat-ABCdef1234567890xyz_",
            "AIzaSyA1234567890abcdefghijklmnopqrstuv",
            "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        ] {
            assert_eq!(api_key_prefix(text.as_bytes()), Some(text.len()), "{text}");
        }
        for text in [
            "AKIA",
            "AKIAIOSFODNN7EXAMPLE2",
            "ghp_short",
            "sk-learn-is-a-library-for-machine-learning",
            "key-value",
            "AKIAiosfodnn7example",
            "AIzaSyA1234567890abcdefghijklmnopqrstuvwxyz",
            "SG.",
            "SKU-1234",
            "",
        ] {
            assert!(api_key_prefix(text.as_bytes()).is_none(), "{text}");
        }
        assert!(private_key_prefix(b"-----BEGIN RSA PRIVATE KEY-----\nMII"));
        assert!(!private_key_prefix(b"-----BEGIN PUBLIC KEY-----\nMII"));
    }

    #[test]
    fn every_prefix_is_found_by_its_first_byte() {
        for (prefix, _) in PREFIXES {
            let (start, end) = range_of(prefix[0]);
            let range = &PREFIXES[usize::from(start)..usize::from(end)];
            assert!(range.iter().any(|(known, _)| known == prefix));
            assert!(range.iter().all(|(known, _)| known[0] == prefix[0]));
        }
        assert!(!starts_key(b'b') && api_key_prefix(b"b").is_none());
    }

    #[test]
    fn tokens_of_github_by_their_checksum() {
        // The example of GitHub's announcement of the format.
        let good = b"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";
        assert_eq!(api_key_prefix(good), Some(good.len()));
        assert_eq!(
            api_key_prefix(b"ghp_zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq18"),
            None
        );
    }
}
