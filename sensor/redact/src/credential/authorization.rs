//! The Authorization and Proxy-Authorization fields (RFC 9110 section 11.6) by scheme.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use tapscope_record::{Credential, Token, Word};

use super::{has_room, jwt_subject, push};
use crate::redactor::Work;
use crate::text::{is_jwt, safe_name};
use crate::token::TokenUse;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Longest value of Basic that is decoded for its user name.
const BASIC_BYTES_MAX: usize = 4096;

/// Longest word taken for an authentication scheme that is not known.
const SCHEME_BYTES_MAX: usize = 24;

/// Reads one field. Callers send the same again and again: it is read once.
pub(super) fn read(work: &mut Work<'_>, field: &'static str, value: &[u8]) {
    let parts = [field.as_bytes(), value].into_iter();
    let print = work.tokens.print_of(TokenUse::Credential, parts);
    if let Some(known) = work.authorizations.get(print) {
        let (credentials, counters) = (&mut work.credentials, &mut *work.counters);
        if has_room(credentials, counters, work.settings) {
            credentials.push(known.clone());
        }
        return;
    }
    let before = (work.credentials.len(), work.signals.len());
    let over = work.counters.signals_over_cap;
    read_anew(work, field, value);
    let is_all = work.signals.len() == before.1 && work.counters.signals_over_cap == over;
    // One that leaves a signal is read each time.
    if let Some(credential) = work.credentials.get(before.0).filter(|_| is_all) {
        work.authorizations.put(print, credential);
    }
}

fn read_anew(work: &mut Work<'_>, field: &'static str, value: &[u8]) {
    let value = value.trim_ascii();
    let end = value.iter().position(u8::is_ascii_whitespace);
    let (word, rest) = value
        .split_at_checked(end.unwrap_or(value.len()))
        .unwrap_or_default();
    let rest = rest.trim_ascii();
    let mut credential = Credential {
        scheme: Word::default(),
        location: "authorization".into(),
        name: field.into(),
        token: work.tokens.token(
            TokenUse::Credential,
            if rest.is_empty() { value } else { rest },
        ),
        subject: None,
        jwt: None,
    };
    let (scheme, subject) = if rest.is_empty() {
        bare(work, value)
    } else {
        by_scheme(work, word, rest)
    };
    credential.scheme = scheme;
    credential.subject = subject;
    push(work, credential);
}

/// A field that is the credential alone, without a scheme.
fn bare(work: &mut Work<'_>, value: &[u8]) -> (Word, Option<Token>) {
    let scheme = ["negotiate", "ntlm", "basic", "bearer", "digest"]
        .into_iter()
        .find(|scheme| value.eq_ignore_ascii_case(scheme.as_bytes()));
    if let Some(scheme) = scheme {
        return (scheme.into(), None);
    }
    if is_jwt(value) {
        return ("jwt".into(), jwt_subject(work, value));
    }
    ("api_key".into(), None)
}

fn by_scheme(work: &mut Work<'_>, word: &[u8], rest: &[u8]) -> (Word, Option<Token>) {
    let mut lower = [0; SCHEME_BYTES_MAX];
    let scheme = lower_case(word, &mut lower);
    let subject = |work: &Work<'_>, text: &[u8]| {
        (!text.is_empty()).then(|| work.tokens.token(TokenUse::Subject, text))
    };
    match scheme {
        b"bearer" | b"dpop" | b"jwt" | b"token" if is_jwt(rest) => {
            ("jwt".into(), jwt_subject(work, rest))
        }
        b"bearer" => ("bearer".into(), None),
        b"basic" => {
            let user = rest
                .get(..rest.len().min(BASIC_BYTES_MAX))
                .and_then(|rest| BASE64.decode(rest).ok())
                .and_then(|pair| Some(pair.get(..memchr::memchr(b':', &pair)?)?.to_vec()));
            ("basic".into(), user.and_then(|user| subject(work, &user)))
        }
        b"digest" => ("digest".into(), subject(work, parameter(rest, b"username"))),
        b"hawk" => ("hawk".into(), subject(work, parameter(rest, b"id"))),
        b"oauth" => (
            "oauth1".into(),
            subject(work, parameter(rest, b"oauth_consumer_key")),
        ),
        b"signature" => ("signature".into(), subject(work, parameter(rest, b"keyid"))),
        // Azure's name for it, and what many write of their own.
        b"sharedkey" | b"sharedkeylite" => {
            let account = rest.split(|&byte| byte == b':').next().unwrap_or_default();
            ("hmac".into(), subject(work, account))
        }
        hmac if hmac.starts_with(b"hmac") => {
            let key = [&b"credential"[..], b"keyid", b"username", b"id"]
                .iter()
                .map(|name| parameter(rest, name))
                .find(|key| !key.is_empty());
            ("hmac".into(), key.and_then(|key| subject(work, key)))
        }
        b"negotiate" => ("negotiate".into(), None),
        b"ntlm" => ("ntlm".into(), None),
        b"aws" => {
            let key_id = rest.split(|&byte| byte == b':').next().unwrap_or_default();
            ("aws_sigv2".into(), subject(work, key_id))
        }
        aws if aws.starts_with(b"aws4-") => {
            let scope = parameter(rest, b"credential");
            let key_id = scope.split(|&byte| byte == b'/').next().unwrap_or_default();
            ("aws_sigv4".into(), subject(work, key_id))
        }
        other => (other_scheme(other, work.settings.name_bytes_max), None),
    }
}

/// Lower case of a word that can be a scheme's name; empty when it is too long for one.
fn lower_case<'a>(word: &[u8], buffer: &'a mut [u8; SCHEME_BYTES_MAX]) -> &'a [u8] {
    let Some(to) = buffer.get_mut(..word.len()) else {
        return &[];
    };
    to.copy_from_slice(word);
    to.make_ascii_lowercase();
    to
}

/// The name of a scheme that is not known: letters and hyphens only, for a secret in its place has
/// others.
fn other_scheme(word: &[u8], bytes_max: usize) -> Word {
    let plausible = word.first().is_some_and(u8::is_ascii_alphabetic)
        && word
            .iter()
            .all(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'-' | b'_'));
    if plausible {
        safe_name(word, bytes_max).into_owned().into()
    } else {
        "{unknown}".into()
    }
}

/// The value of a parameter of a list (`name="value", name=value`).
fn parameter<'a>(list: &'a [u8], wanted: &[u8]) -> &'a [u8] {
    for part in list.split(|&byte| byte == b',') {
        let part = part.trim_ascii();
        let Some(equals) = memchr::memchr(b'=', part) else {
            continue;
        };
        let (name, value) = part.split_at_checked(equals).unwrap_or_default();
        if name.trim_ascii().eq_ignore_ascii_case(wanted) {
            let value = value.get(1..).unwrap_or_default().trim_ascii();
            let unquoted = value.strip_prefix(b"\"").unwrap_or(value);
            return unquoted.strip_suffix(b"\"").unwrap_or(unquoted);
        }
    }
    b""
}
