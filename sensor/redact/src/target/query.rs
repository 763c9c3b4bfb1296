//! The query: names and value profiles, and the credentials that should not be there.

use tapscope_record::{Credential, Parameter, Word};

use crate::profile::{self, Profiled};
use crate::redactor::Work;
use crate::text::{DataClass, FieldHint, credential_parameter};
use crate::token::TokenUse;
use crate::{credential, percent};

/// The parameters of `query` in order.
pub(crate) fn parameters(work: &mut Work<'_>, query: &[u8]) -> Vec<Parameter> {
    let mut parameters = Vec::new();
    for part in query
        .split(|&byte| byte == b'&')
        .filter(|part| !part.is_empty())
    {
        if parameters.len() >= work.settings.parameters_max {
            work.counters.parameters_over_cap += 1;
            continue;
        }
        // Names are short.
        let equals = part.iter().position(|byte| *byte == b'=');
        let equals = equals.unwrap_or(part.len());
        let (name, value) = part.split_at_checked(equals).unwrap_or_default();
        let value = value.get(1..).unwrap_or_default();
        parameters.push(parameter(work, Place::Query, name, value));
    }
    parameters
}

/// Where a parameter of the target stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind `?`, where `+` is a blank.
    Query,
    /// In a segment of the path, behind `;`; who reads the segment reports credentials.
    Matrix,
}

/// A parameter of the target.
pub(super) fn parameter(
    work: &mut Work<'_>,
    place: Place,
    raw_name: &[u8],
    raw_value: &[u8],
) -> Parameter {
    let is_query = place == Place::Query;
    let mut name_scratch = Vec::new();
    let name = percent::decode_fully(raw_name, is_query, &mut name_scratch);
    let mut scratch = core::mem::take(work.scratch);
    let value = percent::decode_fully(raw_value, is_query, &mut scratch);
    let known = work.names.known(name).map(|(name, _)| Word::of(name));
    let profiled = profile::of(work, name, value);
    if is_query && !value.is_empty() {
        let Profiled { hint, class, .. } = profiled;
        in_url(work, name, value, (hint, class, profiled.is_secret));
    }
    *work.scratch = scratch;
    Parameter {
        name: known.unwrap_or_else(|| work.name(name).into()),
        value: profiled.value,
    }
}

/// Reports the parameter when it is a credential.
fn in_url(
    work: &mut Work<'_>,
    name: &[u8],
    value: &[u8],
    (hint, class, secret): (Option<FieldHint>, Option<DataClass>, bool),
) {
    let by_look = matches!(
        class,
        Some(DataClass::Jwt | DataClass::ApiKey | DataClass::PrivateKey)
    );
    if !by_look && !secret && !credential_parameter(hint, value) {
        return;
    }
    let mut subject = None;
    let scheme = match (class, hint) {
        (Some(DataClass::Jwt), _) => {
            subject = credential::jwt_subject(work, value);
            "jwt"
        }
        (_, Some(FieldHint::Password)) => "password",
        _ => scheme_of_name(name),
    };
    if scheme == "aws_sigv4" {
        let key_id = value.split(|&byte| byte == b'/').next().unwrap_or_default();
        subject = Some(work.tokens.token(TokenUse::Subject, key_id));
    }
    let credential = Credential {
        scheme: scheme.into(),
        location: "query".into(),
        name: work.name(name).into(),
        token: work.tokens.token(TokenUse::Credential, value),
        subject,
        jwt: None,
    };
    credential::in_url(work, credential);
}

fn scheme_of_name(name: &[u8]) -> &'static str {
    let ends = |end: &[u8]| {
        name.len() >= end.len()
            && name
                .get(name.len() - end.len()..)
                .is_some_and(|tail| tail.eq_ignore_ascii_case(end))
    };
    if ends(b"amz-credential") {
        "aws_sigv4"
    } else if ends(b"sig") || ends(b"signature") {
        "signature"
    } else if ends(b"access_token") || ends(b"accesstoken") {
        // RFC 6750 section 2.3.
        "bearer"
    } else if ends(b"session") || ends(b"sid") || ends(b"sessionid") || ends(b"session_id") {
        "session"
    } else {
        "api_key"
    }
}
