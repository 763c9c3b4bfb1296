//! What every answer carries and every request must pass: response headers, the Host check
//! against DNS rebinding, and the refusal of changes that another site asks for.

use core::net::IpAddr;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::error::Problem;
use crate::settings::ApiSettings;
use crate::state::ApiState;

/// Headers of every answer. No CORS header is among them: no other origin may read anything.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
];

/// Checks a request, lets it through, and sets the headers of the answer.
pub(crate) async fn guard(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    let checked = check_host(&request, state.settings()).and_then(|()| check_site(&request));
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = match checked {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    for (name, value) in HEADERS {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    if is_api && !response.headers().contains_key(header::CACHE_CONTROL) {
        // What the API tells changes by the second and is nobody else's business.
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Refuses a Host that is not one of ours: it may be a name that an attacker points at this
/// address to be same-origin with it.
fn check_host(request: &Request, settings: &ApiSettings) -> Result<(), Problem> {
    let authority = match request.uri().authority() {
        Some(authority) => Some(authority.as_str()),
        None => header_text(request.headers(), &header::HOST),
    };
    let Some(authority) = authority else {
        return Err(Problem::bad_request("The request has no Host header."));
    };
    let allowed = host_of(authority).is_some_and(|host| is_allowed(host, settings));
    if allowed {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::MISDIRECTED_REQUEST,
        "This server does not answer to that Host; use its address, or add the name to \
         allowed_hosts.",
    ))
}

/// The host of `host`, `host:port` or `[address]:port`.
fn host_of(authority: &str) -> Option<&str> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, after) = rest.split_once(']')?;
        return is_port(after).then_some(address);
    }
    let (host, port) = match authority.split_once(':') {
        Some((host, _)) => (host, authority.get(host.len()..)?),
        None => (authority, ""),
    };
    (is_port(port) && !host.is_empty()).then_some(host)
}

/// Whether it is nothing, or a colon and a port.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|port| port.parse::<u16>().is_ok())
}

/// An address cannot be rebound, so those that lead here are fine; names must be known.
fn is_allowed(host: &str, settings: &ApiSettings) -> bool {
    if let Ok(address) = host.parse::<IpAddr>() {
        let listen = settings.listen.ip();
        return address.is_loopback() || listen == address || listen.is_unspecified();
    }
    let host = host.trim_end_matches('.');
    host.eq_ignore_ascii_case("localhost")
        || settings
            .allowed_hosts
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(host))
}

/// Refuses a change that a page of another origin asks for. Reads are not refused: without CORS
/// headers their answers cannot be read there.
fn check_site(request: &Request) -> Result<(), Problem> {
    if matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    ) {
        return Ok(());
    }
    let headers = request.headers();
    let site = header_text(headers, &HeaderName::from_static("sec-fetch-site"));
    let same_site = match site {
        // `same-site` is refused too: another port of localhost is the same site.
        Some(site) => matches!(site, "same-origin" | "none"),
        // An old browser tells at least the origin of a change; a script tells neither.
        None => same_origin(headers),
    };
    if same_site {
        return Ok(());
    }
    Err(Problem::forbidden(
        "A page of another site may not change anything here.",
    ))
}

/// Whether there is no Origin, or it is the host that was asked.
fn same_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return true;
    };
    let origin = origin.to_str().unwrap_or_default();
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    authority.is_some() && authority == header_text(headers, &header::HOST)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_and_names_of_ours_are_answered() {
        let mut settings = ApiSettings {
            allowed_hosts: vec!["sensor.example".to_owned()],
            ..ApiSettings::default()
        };
        let cases = [
            ("localhost", true),
            ("LocalHost:8787", true),
            ("localhost.:8787", true),
            ("127.0.0.1:8787", true),
            ("127.0.0.1:9999", true),
            ("[::1]:8787", true),
            ("sensor.example:80", true),
            ("192.0.2.7", false),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("localhost:port", false),
            ("localhost:8787:1", false),
            ("[::1", false),
            ("[::1]x", false),
            (":80", false),
            ("", false),
        ];
        for (host, allowed) in cases {
            let found = host_of(host).is_some_and(|host| is_allowed(host, &settings));
            assert_eq!(found, allowed, "{host}");
        }
        settings.listen = "0.0.0.0:80".parse().unwrap();
        assert!(is_allowed("192.0.2.7", &settings));
        assert!(!is_allowed("evil.example", &settings));
    }
}
