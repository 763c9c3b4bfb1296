//! What a server answers beside its API: probes of its health, and files that browsers fetch.
//!
//! Both are told by name and by what is answered, never by the name alone where that could be an
//! API's. Who knows better pins the template, or has it in a specification.

use tapscope_record::PathSegment;

use super::Sighting;

/// Longest answer to a probe, in bytes; what says more is content.
const PROBE_LEN: u64 = 1024;

/// Segments of a probe's path at most: `/api/health`.
const PROBE_SEGMENTS: usize = 2;

/// Names that operate a server rather than belong to its API (RFC 9309, RFC 8615, and what
/// orchestrators probe), at the root and with an answer without structure only.
const OPERATIONAL: [&str; 16] = [
    "robots.txt",
    "favicon.ico",
    "sitemap.xml",
    "security.txt",
    "health",
    "healthz",
    "livez",
    "readyz",
    "healthcheck",
    "live",
    "ready",
    "liveness",
    "readiness",
    "ping",
    "status",
    "metrics",
];

/// Those of them that are probes though their answer has structure (`{"status":"UP"}`), and below
/// one segment, too. The others are what APIs call things.
const PROBES: [&str; 8] = [
    "health",
    "healthz",
    "livez",
    "readyz",
    "healthcheck",
    "liveness",
    "readiness",
    "ping",
];

/// What is asked of a server's health below `health`.
const BELOW_HEALTH: [&str; 4] = ["live", "ready", "liveness", "readiness"];

/// Endings of files that pages are made of, with what their media types contain.
const PAGE_FILES: [(&str, &[&str]); 11] = [
    ("css", &["css"]),
    ("js", &["javascript", "ecmascript"]),
    ("mjs", &["javascript", "ecmascript"]),
    ("woff", &["font", "octet-stream"]),
    ("woff2", &["font", "octet-stream"]),
    ("ttf", &["font", "octet-stream"]),
    ("otf", &["font", "octet-stream"]),
    ("eot", &["font", "octet-stream"]),
    ("ico", &["image/", "octet-stream"]),
    ("wasm", &["wasm"]),
    ("map", &["json", "octet-stream", "text/plain"]),
];

/// Endings of pictures: files of a site where they have a name, answers of an API below a value.
const PICTURES: [&str; 8] = ["png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "bmp"];

/// Whether it asks the server how it is.
pub(super) fn is_probe(s: &Sighting<'_>) -> bool {
    // Most calls fall through here.
    if s.path.len() > PROBE_SEGMENTS || s.response_len > PROBE_LEN || s.method != "GET" {
        return false;
    }
    let Some(last) = literal(s.path.last()) else {
        return false;
    };
    let first = literal(s.path.first()).unwrap_or_default();
    PROBES.contains(&last)
        || s.path.len() == PROBE_SEGMENTS
            && first.starts_with("health")
            && BELOW_HEALTH.contains(&last)
}

/// Whether it is one of the names that operate a server, answered without structure.
pub(super) fn is_operational(s: &Sighting<'_>) -> bool {
    let first = literal(s.path.first());
    let shallow = s.path.len() <= 1 || first == Some(".well-known");
    let known = |name: &str| name == ".well-known" || OPERATIONAL.contains(&name);
    shallow && s.method == "GET" && s.response_len <= PROBE_LEN && first.is_none_or(known)
}

/// Whether it is a file that pages are made of.
pub(super) fn is_static(s: &Sighting<'_>) -> bool {
    let Some(last) = literal(s.path.last()) else {
        return false;
    };
    let Some((stem, ending)) = last.rsplit_once('.') else {
        return false;
    };
    if s.method != "GET" || stem.is_empty() {
        return false;
    }
    let kind = s.response_content_type.unwrap_or_default();
    // An answer without content, as to who asks whether the file has changed, names no type.
    let is_of = |types: &[&str]| s.response_len == 0 || types.iter().any(|one| kind.contains(one));
    if let Some((_, types)) = PAGE_FILES.iter().find(|row| row.0 == ending) {
        let of_file = ending != "map" || stem.ends_with(".js") || stem.ends_with(".css");
        return of_file && is_of(types);
    }
    PICTURES.contains(&ending) && is_of(&["image/"]) && s.path.iter().rev().skip(1).all(is_name)
}

/// Whether a segment is a name rather than a value: without a digit, and nobody's.
fn is_name(segment: &PathSegment) -> bool {
    literal(Some(segment)).is_some_and(|text| !text.bytes().any(|byte| byte.is_ascii_digit()))
}

fn literal(segment: Option<&PathSegment>) -> Option<&str> {
    match segment? {
        PathSegment::Literal(text) => Some(text.as_str()),
        PathSegment::Redacted { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> Vec<PathSegment> {
        let segments = text.split('/').filter(|one| !one.is_empty());
        segments
            .map(|one| PathSegment::Literal(one.to_owned().into()))
            .collect()
    }

    fn sighting<'a>(
        path: &'a [PathSegment],
        kind: &'a str,
        (method, response_len): (&'a str, u64),
    ) -> Sighting<'a> {
        Sighting {
            method,
            path,
            trailing_slash: false,
            status: Some(200),
            request_content_type: None,
            response_content_type: Some(kind).filter(|kind| !kind.is_empty()),
            response_shape: None,
            response_passed: false,
            response_len,
            consumer: 1,
            time: 0,
        }
    }

    #[test]
    fn files_of_pages_are_told_by_ending_and_type() {
        for (text, kind, length, expected) in [
            (
                "/static/app.3f2a1b.js",
                "application/javascript",
                9_000,
                true,
            ),
            ("/css/site.css", "text/css", 300, true),
            ("/fonts/a.woff2", "font/woff2", 300, true),
            ("/app.js.map", "application/json", 300, true),
            ("/assets/logo.svg", "image/svg+xml", 300, true),
            ("/static/app.js", "", 0, true),
            ("/words.js", "application/json", 300, false),
            ("/places.map", "application/json", 300, false),
            ("/guilds/4411/widget.png", "image/png", 300, false),
            ("/tiles/7/66/41.png", "image/png", 300, false),
            ("/orders/report.pdf", "application/pdf", 300, false),
            ("/.js", "text/javascript", 300, false),
            ("/orders", "application/json", 300, false),
            ("/", "text/css", 300, false),
        ] {
            let path = path(text);
            let found = is_static(&sighting(&path, kind, ("GET", length)));
            assert_eq!(found, expected, "{text} {kind}");
            assert!(
                !is_static(&sighting(&path, kind, ("POST", length))),
                "{text}"
            );
        }
    }

    #[test]
    fn probes_are_small_and_shallow() {
        for (text, length, expected) in [
            ("/healthz", 15, true),
            ("/healthz", 0, true),
            ("/api/health", 40, true),
            ("/actuator/health", 15, true),
            ("/health/ready", 15, true),
            ("/ping", 4, true),
            ("/health", 9_000, false),
            ("/patients/17/health", 40, false),
            ("/status", 15, false),
            ("/metrics", 15, false),
            ("/orders/ready", 15, false),
            ("/", 15, false),
        ] {
            let path = path(text);
            let kind = "application/json";
            assert_eq!(
                is_probe(&sighting(&path, kind, ("GET", length))),
                expected,
                "{text}"
            );
            assert!(!is_probe(&sighting(&path, kind, ("PUT", length))), "{text}");
        }
    }
}
