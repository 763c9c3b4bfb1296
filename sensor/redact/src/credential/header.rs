//! Keys and tokens in header fields of their own.

use tapscope_record::Credential;

use super::{jwt_subject, push};
use crate::redactor::Work;
use crate::text::is_jwt;
use crate::token::TokenUse;

/// Longest name of a header that is looked at.
const NAME_BYTES_MAX: usize = 64;

/// Whether a header of this name carries a key or token.
pub(crate) fn is_key(name: &[u8]) -> bool {
    // Most names fall through here.
    let Some(last) = name.last() else {
        return false;
    };
    if !matches!(
        last.to_ascii_lowercase(),
        b'y' | b'n' | b't' | b'h' | b'd' | b'e' | b'l'
    ) {
        return false;
    }
    let mut buffer = [0; NAME_BYTES_MAX];
    let mut len = 0;
    for byte in name.iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        let Some(to) = buffer.get_mut(len) else {
            return false;
        };
        *to = byte.to_ascii_lowercase();
        len += 1;
    }
    let lower = buffer.get(..len).unwrap_or_default();
    let ends = |end: &str| lower.ends_with(end.as_bytes());
    let has = |part: &str| memchr::memmem::find(lower, part.as_bytes()).is_some();
    if has("locktoken")
        || has("csrf")
        || has("xsrf")
        || has("idempotency")
        || has("websocket")
        || has("surrogate")
        || has("cache")
    {
        return false;
    }
    [
        "apikey",
        "authkey",
        "accesskey",
        "secretkey",
        "subscriptionkey",
        "appkey",
        "clientkey",
        "token",
        "secret",
        "xauth",
        "xsession",
        "sessionid",
        "password",
        "credential",
        "authorization",
        "amznoidcdata",
        "xkey",
    ]
    .into_iter()
    .any(ends)
}

/// Reads one such field.
pub(super) fn read(work: &mut Work<'_>, name: &[u8], value: &[u8]) {
    let bearer = value
        .get(..7)
        .is_some_and(|head| head.eq_ignore_ascii_case(b"bearer "));
    let value = if bearer {
        value.get(7..).unwrap_or_default().trim_ascii()
    } else {
        value
    };
    let jwt = is_jwt(value);
    let subject = if jwt { jwt_subject(work, value) } else { None };
    let credential = Credential {
        scheme: if jwt { "jwt" } else { "api_key" }.into(),
        location: "header".into(),
        name: work.name(name).to_ascii_lowercase().into(),
        token: work.tokens.token(TokenUse::Credential, value),
        subject,
        jwt: None,
    };
    push(work, credential);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_that_carry_keys() {
        for name in [
            "X-Api-Key",
            "api-key",
            "apikey",
            "X-Auth-Token",
            "X-Access-Token",
            "PRIVATE-TOKEN",
            "Ocp-Apim-Subscription-Key",
            "X-Amz-Security-Token",
            "x-goog-api-key",
            "X-Vault-Token",
        ] {
            assert!(is_key(name.as_bytes()), "{name}");
        }
        for name in [
            "Accept",
            "X-CSRF-Token",
            "Lock-Token",
            "Content-Type",
            "Idempotency-Key",
            "Sec-WebSocket-Key",
            "Surrogate-Key",
            "Host",
            "If-None-Match",
            "",
            "X-Request-Id",
        ] {
            assert!(!is_key(name.as_bytes()), "{name}");
        }
    }
}
