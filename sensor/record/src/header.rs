//! Which header fields of a request are parameters of what is called: those that neither HTTP nor a
//! browser nor a proxy sends of its own accord.

/// Fields of HTTP itself, of browsers, of tracing and of proxies; lower case, sorted.
const USUAL: [&str; 67] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "access-control-request-headers",
    "access-control-request-method",
    "authorization",
    "b3",
    "cache-control",
    "cdn-loop",
    "client-ip",
    "connection",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-type",
    "cookie",
    "date",
    "dnt",
    "expect",
    "forwarded",
    "from",
    "host",
    "http2-settings",
    "keep-alive",
    "max-forwards",
    "newrelic",
    "origin",
    "pragma",
    "priority",
    "proxy-authorization",
    "proxy-connection",
    "purpose",
    "referer",
    "request-id",
    "save-data",
    "te",
    "trace-id",
    "traceparent",
    "tracestate",
    "trailer",
    "transfer-encoding",
    "true-client-ip",
    "uber-trace-id",
    "upgrade",
    "upgrade-insecure-requests",
    "user-agent",
    "via",
    "warning",
    "x-amz-cf-id",
    "x-amzn-trace-id",
    "x-client-ip",
    "x-cloud-trace-context",
    "x-cluster-client-ip",
    "x-correlation-id",
    "x-country-code",
    "x-http-method-override",
    "x-original-url",
    "x-purpose",
    "x-real-ip",
    "x-request-id",
    "x-request-start",
    "x-requested-with",
    "x-scheme",
    "x-trace-id",
];

/// Beginnings of whole families of such fields.
const FAMILIES: [&str; 10] = [
    "cf-",
    "fastly-",
    "if-",
    "range",
    "sec-",
    "x-akamai-",
    "x-b3-",
    "x-datadog-",
    "x-envoy-",
    "x-forwarded-",
];

/// Whether a header field of that name (lower case) is a parameter.
#[must_use]
pub fn is_parameter(name: &str) -> bool {
    !name.starts_with(':')
        && USUAL.binary_search(&name).is_err()
        && !FAMILIES.iter().any(|family| name.starts_with(family))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_sends_is_no_parameter() {
        assert!(USUAL.is_sorted());
        for (name, expected) in [
            ("accept", false),
            ("sec-fetch-mode", false),
            ("x-forwarded-for", false),
            ("if-none-match", false),
            (":authority", false),
            ("x-tenant", true),
            ("idempotency-key", true),
            ("x-api-key", true),
        ] {
            assert_eq!(is_parameter(name), expected, "{name}");
        }
    }
}
