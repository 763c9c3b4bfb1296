//! Cookies that carry a session (RFC 6265 section 4.2); all others are no credentials.

use tapscope_record::{Credential, Word};

use super::{jwt_subject, push};
use crate::redactor::Work;
use crate::text::is_jwt;
use crate::token::TokenUse;

/// Names and values of the cookies of one Cookie field.
pub(crate) fn cookies(field: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> + Clone {
    field.split(|&byte| byte == b';').filter_map(|pair| {
        let pair = pair.trim_ascii();
        // Names are short.
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (name, value) = pair.split_at_checked(equals)?;
        Some((name, value.get(1..)?))
    })
}

/// Reads one cookie.
pub(super) fn read(work: &mut Work<'_>, (name, is_session): (&[u8], bool), value: &[u8]) {
    let value = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""))
        .unwrap_or(value);
    let jwt = is_jwt(value);
    if value.is_empty() || !(jwt || is_session) {
        return;
    }
    let subject = if jwt { jwt_subject(work, value) } else { None };
    let known = work.names.known(name);
    let scheme = match jwt {
        true => "jwt",
        false if is_key_name(name) => "api_key",
        false => "session_cookie",
    };
    let credential = Credential {
        scheme: scheme.into(),
        location: "cookie".into(),
        name: known.map_or_else(|| work.name(name).into(), |(name, _)| Word::of(name)),
        token: work.tokens.token(TokenUse::Credential, value),
        subject,
        jwt: None,
    };
    push(work, credential);
}

/// Longest name of a cookie that is looked at.
const NAME_BYTES_MAX: usize = 64;

/// Whether a cookie of this name carries a key of an API (OpenAPI's `apiKey` in a cookie).
fn is_key_name(name: &[u8]) -> bool {
    const KEYS: [&[u8]; 3] = [b"apikey", b"accesskey", b"appkey"];
    let letters = name.iter().filter(|byte| byte.is_ascii_alphanumeric());
    let mut buffer = [0; NAME_BYTES_MAX];
    let mut len = 0;
    for (to, byte) in buffer.iter_mut().zip(letters) {
        *to = byte.to_ascii_lowercase();
        len += 1;
    }
    let lower = buffer.get(..len).unwrap_or_default();
    KEYS.iter().any(|key| lower.ends_with(key))
}

/// Whether a cookie of this name identifies who calls.
pub(crate) fn is_credential_name(name: &[u8]) -> bool {
    is_session_name(name) || is_key_name(name)
}

/// Whether a cookie of this name is one that servers and frameworks keep sessions in.
fn is_session_name(name: &[u8]) -> bool {
    let mut buffer = [0; NAME_BYTES_MAX];
    let Some(lower) = buffer.get_mut(..name.len()) else {
        return false;
    };
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let lower: &[u8] = lower;
    let has = |part: &str| memchr::memmem::find(lower, part.as_bytes()).is_some();
    // Guards against forgery and notes about consent are no proof of identity.
    if ["csrf", "xsrf", "consent", "banner", "author"]
        .into_iter()
        .any(has)
    {
        return false;
    }
    ["sess", "auth", "token", "jwt", "remember", "login"]
        .into_iter()
        .any(has)
        || lower.ends_with(b"sid")
        || lower.ends_with(b"_sso")
        || matches!(
            lower,
            b"laravel" | b"asp.net" | b"ticket" | b"sb" | b"dosid" | b"jsid" | b"cfid" | b"sso"
        )
        || lower.starts_with(b"wordpress_")
        || lower.starts_with(b".aspnet")
        || lower.starts_with(b".aspx")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_cookies_by_name() {
        for name in ["api_key", "apikey", "X-API-Key", "access_key", "my_app_key"] {
            assert!(is_key_name(name.as_bytes()), "{name}");
            assert!(is_credential_name(name.as_bytes()), "{name}");
        }
        for name in ["key", "monkey", "theme", "api_keys_seen", "", "session"] {
            assert!(!is_key_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn session_cookies_by_name() {
        for name in [
            "PHPSESSID",
            "JSESSIONID",
            "connect.sid",
            "sid",
            "session",
            "auth_token",
            "_gitlab_session",
            "ASP.NET_SessionId",
            "jwt",
            "laravel_session",
        ] {
            assert!(is_session_name(name.as_bytes()), "{name}");
        }
        for name in [
            "theme",
            "_ga",
            "XSRF-TOKEN",
            "csrftoken",
            "lang",
            "sidebar",
            "cookie_consent",
            "inside_x",
            "",
        ] {
            assert!(!is_session_name(name.as_bytes()), "{name}");
        }
    }
}
