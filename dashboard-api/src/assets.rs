//! The page: files built into the program, or a placeholder that says how to build them.
//!
//! Which URL names a file is decided by the list of files that were built in, so no path can
//! lead anywhere else.

use std::borrow::Cow;

use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::{Embed, EmbeddedFile};

use crate::error::Problem;

/// The built page. Vite writes it there; only the placeholder is committed.
#[derive(Embed)]
#[folder = "ui/dist/"]
struct Dist;

/// The page itself.
const INDEX: &str = "index.html";

/// Stands in for it when it was not built.
const PLACEHOLDER: &str = "placeholder.html";

/// Files under here carry a hash of their content in their name.
const HASHED: &str = "assets/";

/// Content types by extension: what Vite writes.
const CONTENT_TYPES: [(&str, &str); 12] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("map", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("webmanifest", "application/manifest+json"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
];

/// Answers what no route of the API answers.
pub(crate) async fn serve_page(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if !matches!(method, Method::GET | Method::HEAD) {
        let problem = Problem::new(StatusCode::METHOD_NOT_ALLOWED, "Pages can only be read.");
        return ([(header::ALLOW, "GET, HEAD")], problem).into_response();
    }
    let path = uri.path().trim_start_matches('/');
    match pick(path) {
        Some((name, file)) => file_response(&name, &file, &headers),
        None => Problem::not_found("There is nothing at this address.").into_response(),
    }
}

/// The file for a path: itself, or the page for the addresses that the page routes by itself.
fn pick(path: &str) -> Option<(Cow<'_, str>, EmbeddedFile)> {
    if !path.is_empty()
        && let Some(file) = Dist::get(path)
    {
        return Some((Cow::Borrowed(path), file));
    }
    // What looks like a file and is none is missing, not a view of the page.
    let last = path.rsplit('/').next().unwrap_or_default();
    let is_view = !last.contains('.') && !path.starts_with(HASHED) && path != "api";
    if !is_view || path.starts_with("api/") {
        return None;
    }
    let page = |name: &'static str| Dist::get(name).map(|file| (Cow::Borrowed(name), file));
    page(INDEX).or_else(|| page(PLACEHOLDER))
}

fn file_response(name: &str, file: &EmbeddedFile, headers: &HeaderMap) -> Response {
    let etag = etag(file);
    let caching = if name.starts_with(HASHED) {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let common = [
        (header::ETAG, etag.as_str()),
        (header::CACHE_CONTROL, caching),
    ];
    if is_cached(headers, &etag) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let content_type = HeaderValue::from_static(content_type(name));
    let body = file.data.clone().into_owned();
    (common, [(header::CONTENT_TYPE, content_type)], body).into_response()
}

/// A strong validator: half of the content's SHA-256 is more than enough to tell versions apart.
fn etag(file: &EmbeddedFile) -> String {
    let hash = file.metadata.sha256_hash();
    let digits: String = hash
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("\"{digits}\"")
}

/// Whether the client has it already (RFC 9110 section 13.1.2, weak comparison).
fn is_cached(headers: &HeaderMap, etag: &str) -> bool {
    let given = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok());
    given.is_some_and(|given| {
        let mut tags = given
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"));
        tags.any(|tag| tag == etag || tag == "*")
    })
}

fn content_type(name: &str) -> &'static str {
    let extension = name.rsplit('.').next().unwrap_or_default();
    let known = CONTENT_TYPES.iter().find(|(known, _)| *known == extension);
    known.map_or("application/octet-stream", |(_, content_type)| content_type)
}
