//! Credentials: who calls, as far as the request tells.
//!
//! Scheme, place, name and tokens are kept; the credential never is.

mod authorization;

mod cookie;

mod header;

mod proof;

mod jwt;

use tapscope_http::HeadBytes;
use tapscope_record::{Credential, Signal, Token};

use crate::text::safe_name;

use crate::counters::Counters;
use crate::fields::{Fields, Role};
use crate::redactor::Work;
use crate::settings::RedactSettings;
use crate::token::TokenUse;
pub(crate) use cookie::{cookies, is_credential_name};
pub(crate) use header::is_key;
pub(crate) use proof::is_proof;

/// Collects the credentials in the header fields of a request.
pub(crate) fn of_head(work: &mut Work<'_>, (head, fields): (&HeadBytes, &Fields), named: &Fields) {
    const CREDENTIALS: [Role; 5] = [
        Role::Authorization,
        Role::ProxyAuthorization,
        Role::Cookie,
        Role::Proof,
        Role::Key,
    ];
    if !fields.has_any(&CREDENTIALS) {
        return;
    }
    let mut named = named.roles().iter();
    for (line, role) in head.headers.iter().zip(fields.roles()) {
        if !CREDENTIALS.contains(role) {
            continue;
        }
        let (name, value) = (head.slice(line.name), head.slice(line.value));
        match role {
            _ if value.is_empty() => {}
            Role::Authorization => authorization::read(work, "authorization", value),
            Role::ProxyAuthorization => authorization::read(work, "proxy-authorization", value),
            Role::Cookie => {
                for (name, value) in cookies(value) {
                    let is_session = named.next() == Some(&Role::Session);
                    cookie::read(work, (name, is_session), value);
                }
            }
            Role::Proof => proof::read(work, name, value),
            Role::Key => header::read(work, name, value),
            _ => {}
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
    if has_room(&mut work.credentials, work.counters, work.settings) {
        work.credentials.push(credential);
    }
}

/// Whether there is room for one more credential; counts one for which there is none.
fn has_room(
    credentials: &mut Vec<Credential>,
    counters: &mut Counters,
    settings: &RedactSettings,
) -> bool {
    if credentials.len() >= settings.credentials_max {
        counters.credentials_over_cap += 1;
        return false;
    }
    if credentials.is_empty() {
        // A token and a cookie are what most requests carry at most.
        credentials.reserve_exact(2);
    }
    true
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

/// What a JSON Web Token said.
#[derive(Clone)]
pub(crate) struct Said {
    /// Token of whom it names.
    subject: Option<Token>,
    /// Whether it is not signed.
    unsigned: bool,
    facts: tapscope_record::JwtFacts,
}

/// Longest issuer that is kept; they are URLs or names of services.
const ISSUER_BYTES_MAX: usize = 96;

/// Whom a JSON Web Token names; a token without signature leaves a signal.
pub(crate) fn jwt_subject(work: &mut Work<'_>, token: &[u8]) -> Option<Token> {
    let print = work.tokens.print(TokenUse::Credential, token);
    let (tokens, most) = (work.tokens, work.settings.jwt_part_bytes_max);
    let said = work.jwts.get_or(print, || {
        let facts = jwt::read(token, most);
        let subject = facts.subject.as_deref();
        Said {
            subject: subject.map(|subject| tokens.token(TokenUse::Subject, subject)),
            unsigned: facts.unsigned,
            facts: tapscope_record::JwtFacts {
                algorithm: jwt::algorithm_name(facts.algorithm.as_deref()).into(),
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
