//! Credentials: who calls, as far as the request tells.
//!
//! Scheme, place, name and tokens are kept; the credential never is.

mod authorization;

mod cookie;

mod header;

mod proof;

mod jwt;

mod known;

use tapscope_http::HeadBytes;
use tapscope_record::{Credential, Signal, Token};

use crate::text::safe_name;

use crate::redactor::Work;
use crate::token::TokenUse;
pub(crate) use known::Jwts;
use known::Said;

/// Collects the credentials in the header fields of a request.
pub(crate) fn of_head(work: &mut Work<'_>, head: &HeadBytes) {
    for (name, value) in head.headers() {
        if value.is_empty() {
            continue;
        }
        if name.eq_ignore_ascii_case(b"authorization") {
            authorization::read(work, "authorization", value);
        } else if name.eq_ignore_ascii_case(b"proxy-authorization") {
            authorization::read(work, "proxy-authorization", value);
        } else if name.eq_ignore_ascii_case(b"cookie") {
            cookie::read(work, value);
        } else if proof::read(work, name, value) {
            // Signatures and certificates have names that keys have as well.
        } else if header::is_key(name) {
            header::read(work, name, value);
        }
    }
}

/// Adds a credential that stands in the URL, where logs and histories keep it, and says so.
pub(crate) fn in_url(work: &mut Work<'_>, credential: Credential) {
    let place = match credential.location.as_str() {
        "query" => "query parameter",
        "path" => "path parameter",
        _ => "authority",
    };
    let detail = format!(
        "The {place} `{}` carries a credential ({}).",
        credential.name, credential.scheme
    );
    signal(work, "credential_in_url", detail);
    push(work, credential);
}

/// Adds a credential, up to the cap.
pub(crate) fn push(work: &mut Work<'_>, mut credential: Credential) {
    credential.jwt = work.jwt.take().filter(|_| credential.scheme == "jwt");
    if work.credentials.len() < work.settings.credentials_max {
        work.credentials.push(credential);
    } else {
        work.counters.credentials_over_cap += 1;
    }
}

/// Adds a signal, up to the cap.
pub(crate) fn signal(work: &mut Work<'_>, kind: &str, detail: String) {
    if work.signals.len() < work.settings.signals_max {
        work.signals.push(Signal {
            kind: kind.to_owned(),
            detail,
        });
    } else {
        work.counters.signals_over_cap += 1;
    }
}

/// Longest issuer that is kept; they are URLs or names of services.
const ISSUER_BYTES_MAX: usize = 96;

/// Whom a JSON Web Token names; a token without signature leaves a signal.
pub(crate) fn jwt_subject(work: &mut Work<'_>, token: &[u8]) -> Option<Token> {
    let print = work.tokens.print(TokenUse::Credential, token);
    let (tokens, most) = (work.tokens, work.settings.jwt_part_bytes_max);
    let said = work.jwts.said(print, || {
        let facts = jwt::read(token, most);
        let subject = facts.subject.as_deref();
        Said {
            subject: subject.map(|subject| tokens.token(TokenUse::Subject, subject)),
            unsigned: facts.unsigned,
            facts: tapscope_record::JwtFacts {
                algorithm: jwt::algorithm_name(facts.algorithm.as_deref()).to_owned(),
                issuer: facts
                    .issuer
                    .map(|issuer| safe_name(issuer.as_bytes(), ISSUER_BYTES_MAX).into_owned()),
                lifetime_s: facts.lifetime_s,
            },
        }
    });
    if said.unsigned {
        let detail = "The JSON Web Token names no signature algorithm (`alg` is `none`).";
        signal(work, "weak_jwt", detail.to_owned());
    }
    work.jwt = Some(said.facts);
    said.subject
}
