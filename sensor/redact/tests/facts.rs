//! What a record says of ordinary exchanges, by situation.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be built should fail"
)]

mod support;

use std::io::Write as _;

use support::{exchange, get, redactor};
use tapscope_http::{BodyEnd, FramingRule, HttpExchange, MessageAnomaly, Reading, Readings};
use tapscope_record::{
    ExchangeRecord, MessageCompleteness, Pairing, PathSegment, Shape, ValueType,
};

fn path_of(record: &ExchangeRecord) -> Vec<String> {
    let text = |segment: &PathSegment| match segment {
        PathSegment::Literal(text) => text.to_string(),
        PathSegment::Redacted { class, .. } => format!("<{class}>"),
    };
    record.path.iter().map(text).collect()
}

fn shape_of(kind: &str, content: &[u8]) -> (Option<Shape>, Vec<(String, u32)>) {
    let headers: [(&[u8], &[u8]); 1] = [(b"content-type", kind.as_bytes())];
    let record = redactor().record(&exchange(b"POST", b"/", &headers, content, (&[], b"")));
    let request = record.request.unwrap();
    let shape = request.shape.map(std::sync::Arc::unwrap_or_clone);
    let classes = request.data_classes.iter();
    (shape, classes.map(|(c, n)| (c.to_owned(), n)).collect())
}

/// `{name:type, …}` of a shape.
fn outline(shape: &Shape) -> String {
    let kind = serde_json::to_string(&shape.kind).unwrap().replace('"', "");
    let fields: Vec<String> = shape
        .fields
        .iter()
        .map(|field| {
            let class = field
                .class
                .as_ref()
                .map(|class| format!("!{class}"))
                .unwrap_or_default();
            format!("{}:{}{class}", field.name, outline(&field.shape))
        })
        .collect();
    let items = shape
        .items
        .map(|items| format!("[{items}]"))
        .unwrap_or_default();
    let cut = if shape.truncated { "…" } else { "" };
    if fields.is_empty() {
        format!("{kind}{items}{cut}")
    } else {
        format!("{kind}{items}{{{}}}{cut}", fields.join(" "))
    }
}

#[test]
fn paths_keep_what_templates_are_learned_from() {
    for (target, expected) in [
        ("/", &[][..]),
        ("//a//b/", &["a", "b"]),
        ("/a/./../b", &["a", ".", "..", "b"]),
        (
            "/users/550e8400-e29b-41d4-a716-446655440000",
            &["users", "550e8400-e29b-41d4-a716-446655440000"],
        ),
        (
            "/orders/1234567890/items/17",
            &["orders", "1234567890", "items", "17"],
        ),
        (
            "/Accounts/AC5ef8732a3c49700934481addd5ce1659.json",
            &["Accounts", "AC5ef8732a3c49700934481addd5ce1659.json"],
        ),
        (
            "/commits/da39a3ee5e6b4b0d3255bfef95601890afd80709",
            &["commits", "da39a3ee5e6b4b0d3255bfef95601890afd80709"],
        ),
        (
            "/a-rather-long-slug-about-something-in-2024",
            &["a-rather-long-slug-about-something-in-2024"],
        ),
        ("/users/@me", &["users", "@me"]),
        ("/branches/feature%2fx%7e", &["branches", "feature%2Fx~"]),
        ("/password/reset", &["password", "reset"]),
        ("/users/jo%40example.com", &["users", "<email>"]),
        ("/users/jo@example.com.json", &["users", "<email>"]),
        ("/phone/4155550123", &["phone", "<phone>"]),
        (
            "/reset-password/x81kd02lq8d7s61m",
            &["reset-password", "<secret>"],
        ),
        ("/cards/4111111111111111", &["cards", "<card>"]),
        (
            "/login;jsessionid=5AC6268DD8D4D5D1FDF5D41E9F2FD960",
            &["login;jsessionid={secret}"],
        ),
        ("/hosts/10.0.0.1", &["hosts", "10.0.0.1"]),
        ("*", &["*"]),
        ("http://other.example/x/y?z", &["x", "y"]),
    ] {
        assert_eq!(path_of(&get(target, &[])), expected, "{target}");
    }
}

#[test]
fn authority_of_the_target_wins_over_host() {
    let record = get(
        "http://Other.Example.:8081/x",
        &[("Host", "api.example.com")],
    );
    assert_eq!(
        (record.host.as_str(), record.port),
        ("other.example", Some(8081))
    );
    let record = get("/x", &[("Host", "API.example.com:443")]);
    assert_eq!(
        (record.host.as_str(), record.port),
        ("api.example.com", None)
    );
    let record = get("/x", &[]);
    assert_eq!(
        (record.host.as_str(), record.port),
        ("10.0.0.2", Some(8080))
    );
}

#[test]
fn credentials_by_scheme_and_place() {
    let none_alg = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1MSJ9.";
    let bearer_jwt = format!("Bearer {none_alg}");
    for (name, value, expected) in [
        (
            "Authorization",
            "Bearer abc",
            Some(("bearer", "authorization", false)),
        ),
        (
            "Authorization",
            "Basic am86c2VjcmV0",
            Some(("basic", "authorization", true)),
        ),
        (
            "Authorization",
            bearer_jwt.as_str(),
            Some(("jwt", "authorization", true)),
        ),
        (
            "Authorization",
            "Digest username=\"jo\", realm=\"r\"",
            Some(("digest", "authorization", true)),
        ),
        (
            "Authorization",
            "Negotiate YII",
            Some(("negotiate", "authorization", false)),
        ),
        (
            "Authorization",
            "AWS4-HMAC-SHA256 Credential=AKID/20240506/eu/s3/aws4_request, Signature=x",
            Some(("aws_sigv4", "authorization", true)),
        ),
        (
            "Authorization",
            "GenieKey abc",
            Some(("geniekey", "authorization", false)),
        ),
        (
            "Authorization",
            "s3cr3t-without-scheme",
            Some(("api_key", "authorization", false)),
        ),
        (
            "Proxy-Authorization",
            "Basic am86c2VjcmV0",
            Some(("basic", "authorization", true)),
        ),
        ("X-Api-Key", "k1", Some(("api_key", "header", false))),
        (
            "Cookie",
            "theme=dark; PHPSESSID=abc",
            Some(("session_cookie", "cookie", false)),
        ),
        ("Cookie", "theme=dark", None),
        ("Accept", "text/html", None),
    ] {
        let record = get("/", &[(name, value)]);
        let found = record.credentials.first();
        let found = found.map(|c| (c.scheme.as_str(), c.location.as_str(), c.subject.is_some()));
        assert_eq!(found, expected, "{name}: {value}");
        let weak = record
            .signals
            .iter()
            .any(|signal| signal.kind == "weak_jwt");
        assert_eq!(weak, value.contains(none_alg), "{value}");
    }
}

#[test]
fn proofs_of_further_kinds() {
    for (name, value, expected) in [
        (
            "Authorization",
            "NTLM TlRMTVNTUAAB",
            ("ntlm", "authorization", false),
        ),
        (
            "Authorization",
            "OAuth oauth_consumer_key=\"k1\", oauth_signature=\"x\"",
            ("oauth1", "authorization", true),
        ),
        (
            "Authorization",
            "HMAC-SHA256 Credential=app1&SignedHeaders=host, Signature=x",
            ("hmac", "authorization", true),
        ),
        (
            "Authorization",
            "SharedKey account1:c2lnbmF0dXJl",
            ("hmac", "authorization", true),
        ),
        (
            "Authorization",
            "Hawk id=\"dh37\", ts=\"1\", mac=\"x\"",
            ("hawk", "authorization", true),
        ),
        (
            "X-Hub-Signature-256",
            "sha256=5f2b",
            ("hmac", "header", false),
        ),
        (
            "Signature-Input",
            "sig1=(\"@method\");keyid=\"k7\"",
            ("signature", "header", true),
        ),
        (
            "X-Forwarded-Client-Cert",
            "By=spiffe://a;Hash=ab12;Subject=\"CN=jo\"",
            ("mtls", "header", true),
        ),
        ("X-SSL-Client-S-DN", "CN=jo,O=x", ("mtls", "header", true)),
        ("Client-Cert", ":MIIB:", ("mtls", "header", true)),
    ] {
        let record = get("/", &[(name, value)]);
        let found = record.credentials.first();
        let found = found.map(|c| (c.scheme.as_str(), c.location.as_str(), c.subject.is_some()));
        assert_eq!(found, Some(expected), "{name}: {value}");
        assert!(!format!("{record:?}").contains("CN=jo"), "{name}");
    }
    // Another signature with the same key is the same caller's; of two certificates it is not.
    let token = |name, value| get("/", &[(name, value)]).credentials[0].token;
    assert_eq!(token("X-Signature", "aa"), token("X-Signature", "bb"));
    assert_ne!(token("Client-Cert", "aa"), token("Client-Cert", "bb"));
}

#[test]
fn tokens_tell_algorithm_issuer_and_lifetime() {
    // {"alg":"RS256"} . {"iss":"https://id.example.com","iat":1700000000,"exp":1700003600}
    let token = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuY29tIiwiaWF0IjoxNzAwMDAwMDAwLCJleHAiOjE3MDAwMDM2MDB9.c2ln";
    // {"alg":"HS256"} . {"iss":"jo@example.com"}
    let personal = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb0BleGFtcGxlLmNvbSJ9.c2ln";
    let facts = |name: &str, value: &str| get("/", &[(name, value)]).credentials[0].jwt.clone();
    for (name, value) in [
        ("Authorization", format!("Bearer {token}")),
        ("X-Auth-Token", token.to_owned()),
        ("Cookie", format!("session={token}")),
    ] {
        let facts = facts(name, &value).unwrap();
        assert_eq!(facts.algorithm, "RS256");
        assert_eq!(facts.issuer.as_deref(), Some("https://id.example.com"));
        assert_eq!(facts.lifetime_s, Some(3_600));
    }
    let facts_of_personal = facts("Authorization", &format!("Bearer {personal}")).unwrap();
    assert_eq!(facts_of_personal.issuer.as_deref(), Some("{email}"));
    assert_eq!(facts("Authorization", "Bearer opaque"), None);
}

#[test]
fn the_same_token_is_the_same_wherever_it_stands() {
    let in_header = get("/", &[("Authorization", "Bearer abcd1234efgh")]);
    let in_query = get("/?access_token=abcd1234efgh", &[]);
    assert_eq!(
        in_header.credentials[0].token,
        in_query.credentials[0].token
    );
    assert_ne!(in_query.credentials[0].token, in_query.query[0].value.token);
    let signal = &in_query.signals[0];
    assert_eq!(signal.kind, "credential_in_url");
    assert!(signal.detail.contains("access_token"));
    assert!(in_header.signals.is_empty());
}

#[test]
fn query_parameters_are_profiled() {
    let record = get("/?a=1&b=&c=jo%40x.de&d&jo@x.de=1&a=x+y", &[]);
    let found: Vec<_> = record
        .query
        .iter()
        .map(|p| {
            (
                p.name.as_str(),
                p.value.kind,
                p.value.len,
                p.value.class.as_deref(),
            )
        })
        .collect();
    use ValueType as T;
    assert_eq!(
        found,
        [
            ("a", T::Integer, 1, None),
            ("b", T::Empty, 0, None),
            ("c", T::Email, 7, Some("email")),
            ("d", T::Empty, 0, None),
            ("{email}", T::Integer, 1, None),
            ("a", T::String, 3, None),
        ]
    );
}

#[test]
fn numbers_are_told_as_far_as_they_name_nobody() {
    let record = get(
        "/?page=12&at=48271&user_id=12&phone=4155550123&q=x&pin=1234&y=%2D3&n%C3%A9=%C3%A9",
        &[],
    );
    let bounds = |name: &str| {
        let mut named = record.query.iter().filter(|p| p.name == name);
        let one = named.next().expect("it is there");
        one.value.number.map(<(f64, f64)>::from)
    };
    assert_eq!(bounds("page"), Some((12.0, 12.0)));
    assert_eq!(bounds("at"), Some((48_000.0, 49_000.0)));
    assert_eq!(bounds("y"), Some((-3.0, -3.0)));
    for name in ["user_id", "phone", "q", "pin"] {
        assert_eq!(bounds(name), None, "{name}");
    }
    assert_eq!(
        record.query.last().map(|p| p.value.len),
        Some(1),
        "characters"
    );
}

#[test]
fn what_software_sends_whatever_it_calls_is_one_token() {
    let of = |path: &str, headers: &[(&str, &str)]| get(path, headers).fingerprint;
    let (agent, coding) = (("User-Agent", "shop/1.2"), ("Accept-Encoding", "gzip"));
    let one = of("/a", &[agent, coding]);
    assert!(one.is_some());
    let accept = ("Accept", "text/csv");
    let cookie = ("Cookie", "sid=1");
    assert_eq!(
        one,
        of("/b", &[accept, agent, cookie, coding]),
        "another call"
    );
    for (what, other) in [
        ("order", of("/a", &[coding, agent])),
        ("spelling", of("/a", &[("user-agent", "shop/1.2"), coding])),
        ("product", of("/a", &[("User-Agent", "shop/1.3"), coding])),
        (
            "language",
            of("/a", &[agent, coding, ("Accept-Language", "de")]),
        ),
    ] {
        assert!(other.is_some() && other != one, "{what}");
    }
    assert_eq!(of("/a", &[accept]), None);
}

#[test]
fn json_bodies_become_shapes() {
    for (content, expected) in [
        (
            r#"{"id":1,"name":"x","tags":["a","b"],"o":{"p":null}}"#,
            "object{id:integer name:string tags:array[2] o:object{p:null}}",
        ),
        (
            r#"[{"a":1},{"a":2.5,"b":true},{"a":null}]"#,
            "array[3]{a:number b:boolean}",
        ),
        (
            r#"{"a":[{"b":[{"c":1}]},{"b":[{"d":1},{}]}]}"#,
            "object{a:array[2]{b:array[2]{c:integer d:integer}}}",
        ),
        (
            r#"{"users":{"jo@x.de":{"n":1},"bob@x.de":{"n":2}}}"#,
            "object{users:object{{email}:object{n:integer}}}",
        ),
        (
            r#"{"password":"p","email":"jo@x.de","phone":4155550123}"#,
            "object{password:string!password email:email!email phone:integer!phone}",
        ),
        (r#"{"a":1,"b":{"c":"#, "object{a:integer b:object}…"),
        (r#"{"a":1,"b":tru!}"#, "object{a:integer}…"),
        (
            "{\"a\":1}\n{\"a\":2,\"b\":3}\n",
            "array[2]{a:integer b:integer}",
        ),
        ("\"text\"", "string"),
        ("42", "integer"),
    ] {
        let (shape, _) = shape_of("application/json", content.as_bytes());
        assert_eq!(
            shape.map(|shape| outline(&shape)).as_deref(),
            Some(expected),
            "{content}"
        );
    }
}

#[test]
fn maps_fold_to_one_field() {
    let members: Vec<String> = (0..200)
        .map(|i| format!("\"item {i}x\":{{\"n\":{i}}}"))
        .collect();
    let (shape, _) = shape_of(
        "application/json",
        format!("{{{}}}", members.join(",")).as_bytes(),
    );
    assert_eq!(outline(&shape.unwrap()), "object{{key}:object{n:integer}}");
    let members: Vec<String> = (1000..1200).map(|i| format!("\"{i}\":{i}")).collect();
    let (shape, _) = shape_of(
        "application/json",
        format!("{{{}}}", members.join(",")).as_bytes(),
    );
    assert_eq!(outline(&shape.unwrap()), "object{{integer}:integer}");
}

#[test]
fn data_classes_count_distinct_values() {
    let content = r#"[{"email":"a@x.de","t":"call +14155550123"},{"email":"b@x.de"},{"email":"a@x.de","n":4111111111111111}]"#;
    let (_, classes) = shape_of("application/json", content.as_bytes());
    let expected = [("card", 1), ("email", 2), ("phone", 1)].map(|(c, n)| (c.to_owned(), n));
    assert_eq!(classes, expected);
    let (_, classes) = shape_of("text/html", b"<a href='mailto:a@x.de'>a@x.de</a> b@x.de");
    assert_eq!(classes, [("email".to_owned(), 2)]);
}

#[test]
fn forms_and_multipart() {
    let (shape, classes) = shape_of(
        "application/x-www-form-urlencoded",
        b"user=jo&password=x%26y&n=3&n=x",
    );
    assert_eq!(
        outline(&shape.unwrap()),
        "object{user:string password:string!password n:string}"
    );
    assert_eq!(classes, [("password".to_owned(), 1)]);
    let content = b"--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nmail a@x.de\r\n--B\r\nContent-Disposition: form-data; name=\"f\"; filename=\"a.bin\"\r\n\r\n\x00\x01\r\n--B--\r\n";
    let (shape, classes) = shape_of("multipart/form-data; boundary=\"B\"", content);
    assert_eq!(
        outline(&shape.unwrap()),
        "object{note:string!email f:binary}"
    );
    assert_eq!(classes, [("email".to_owned(), 1)]);
}

#[test]
fn content_codings_are_undone_under_a_cap() {
    let json = format!("{{\"a\":\"{}\"}}", "x".repeat(2000));
    let gzip = |content: &[u8]| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    };
    let shape = |coding: &str, content: &[u8]| {
        let headers: [(&[u8], &[u8]); 2] = [
            (b"content-type", b"application/json"),
            (b"content-encoding", coding.as_bytes()),
        ];
        let record = redactor().record(&exchange(b"POST", b"/", &headers, content, (&[], b"")));
        let request = record.request.unwrap();
        (
            request.shape.map(|shape| outline(&shape)),
            request.inspected_len,
        )
    };
    let whole = gzip(json.as_bytes());
    let twice = gzip(&whole);
    assert_eq!(
        shape("gzip", &whole),
        (Some("object{a:string}".to_owned()), whole.len() as u64)
    );
    assert_eq!(
        shape("gzip, gzip", &twice).0.as_deref(),
        Some("object{a:string}")
    );
    assert_eq!(shape("br", &whole), (None, 0));
    assert_eq!(shape("gzip", b"not gzip"), (None, 0));
    let bomb = gzip(&[b"[".as_slice(), &b"1,".repeat(20_000_000)].concat());
    assert!(shape("gzip", &bomb).0.unwrap().ends_with('…'));
}

#[test]
fn framing_anomalies_become_a_signal() {
    let mut exchange = exchange(b"POST", b"/", &[], b"", (&[], b""));
    let request = exchange.request.as_mut().unwrap();
    request
        .anomalies
        .insert(MessageAnomaly::ContentLengthWithTransferEncoding);
    request
        .anomalies
        .insert(MessageAnomaly::ConflictingSegments);
    let record = redactor().record(&exchange);
    assert_eq!(record.signals.len(), 1);
    assert_eq!(record.signals[0].kind, "request_smuggling");
    assert_eq!(
        record.anomalies,
        [
            "content_length_with_transfer_encoding",
            "conflicting_segments"
        ]
    );
}

#[test]
fn a_smuggling_signal_names_both_readings_unless_they_agree() {
    let mut exchange = exchange(b"POST", b"/", &[], b"", (&[], b""));
    let request = exchange.request.as_mut().unwrap();
    request
        .anomalies
        .insert(MessageAnomaly::ContentLengthWithTransferEncoding);
    let reading = |rule, len| Reading { rule, len };
    request.readings = Some(Box::new(Readings {
        followed: reading(FramingRule::Chunked, Some(40)),
        other: reading(FramingRule::ContentLength, Some(6)),
        hides_request: true,
    }));
    let record = redactor().record(&exchange);
    let detail = &record.signals[0].detail;
    for part in ["40 bytes", "6 bytes", "a request line stands"] {
        assert!(detail.contains(part), "{detail}");
    }
    let request = exchange.request.as_mut().unwrap();
    request.readings = Some(Box::new(Readings {
        followed: reading(FramingRule::Chunked, Some(40)),
        other: reading(FramingRule::ContentLength, Some(40)),
        hides_request: false,
    }));
    let record = redactor().record(&exchange);
    assert!(record.signals.is_empty());
    assert_eq!(record.anomalies, ["content_length_with_transfer_encoding"]);
}

#[test]
fn a_smuggling_signal_names_both_hosts_and_what_the_server_said() {
    let hosts: [(&[u8], &[u8]); 2] = [(b"Host", b"Inner.example:8080"), (b"Host", b"c.example")];
    let mut exchange = exchange(
        b"GET",
        b"http://u:p@outer.example/x",
        &hosts,
        b"",
        (&[], b""),
    );
    let request = exchange.request.as_mut().unwrap();
    request.anomalies.insert(MessageAnomaly::HostMismatch);
    let detail = |exchange: &HttpExchange| {
        let record = redactor().record(exchange);
        let signals = record.signals.into_iter();
        let mut signals = signals.filter(|signal| signal.kind == "request_smuggling");
        signals.next().unwrap().detail
    };
    let hosts = "The request names one host in its target and another in Host: a reader of the \
                 target asks outer.example, a reader of Host asks inner.example:8080, a reader of \
                 Host asks c.example";
    assert_eq!(detail(&exchange), format!("{hosts}."));
    exchange.response.as_mut().unwrap().status = 400;
    let refused = format!("{hosts}; the server refused it (400).");
    assert_eq!(detail(&exchange), refused);
}

#[test]
fn head_facts_are_kept() {
    let headers: [(&[u8], &[u8]); 4] = [
        (b"Content-Type", b"Application/JSON; charset=utf-8"),
        (b"Deprecation", b"@1688169599"),
        (b"Sunset", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b"X-Custom", b"secret"),
    ];
    let record = redactor().record(&exchange(
        b"GET",
        b"/",
        &[
            (b"User-Agent", b"curl/8.1"),
            (b"X-Forwarded-For", b"203.0.113.7, 10.0.0.1"),
        ],
        b"",
        (&headers, b"{}"),
    ));
    let response = record.response.unwrap();
    assert_eq!(response.content_type.as_deref(), Some("application/json"));
    assert_eq!(
        *response.header_names,
        ["content-type", "deprecation", "sunset", "x-custom"]
    );
    assert_eq!(
        (response.deprecation, response.sunset),
        (Some(1_688_169_599), Some(784_111_777))
    );
    assert_eq!(record.user_agent.unwrap().product, "curl");
    assert_eq!(record.forwarded_for, Some("203.0.113.7".parse().unwrap()));
    assert_eq!((record.latency_ns, record.time), (Some(3_000), 1_000));
    assert_eq!(
        (record.id.to_string().as_str(), record.protocol.as_str()),
        ("0000000000000004-2", "http1")
    );
}

/// The way over proxies is read from its end: only what the nearest proxy appended is more than the
/// client's word.
#[test]
fn the_forwarded_way_is_read_from_its_end() {
    type Lines = &'static [(&'static [u8], &'static [u8])];
    let cases: [(Lines, Option<&[&str]>); 9] = [
        (&[], None),
        (
            &[(b"X-Forwarded-For", b"203.0.113.7, 10.0.0.1:81")],
            Some(&["203.0.113.7", "10.0.0.1"]),
        ),
        (
            &[
                (b"X-Forwarded-For", b"203.0.113.7"),
                (b"x-forwarded-for", b"10.0.0.1"),
            ],
            Some(&["203.0.113.7", "10.0.0.1"]),
        ),
        (
            &[(b"X-Forwarded-For", b"203.0.113.7, unknown, 10.0.0.1,")],
            Some(&["10.0.0.1"]),
        ),
        (&[(b"X-Forwarded-For", b"203.0.113.7, hello")], Some(&[])),
        (
            &[(
                b"Forwarded",
                b"for=192.0.2.1;proto=http, FOR=\"[2001:db8::1]:4711\"",
            )],
            Some(&["192.0.2.1", "2001:db8::1"]),
        ),
        (
            &[
                (b"Forwarded", b"for=192.0.2.1"),
                (b"X-Forwarded-For", b"203.0.113.7, 192.0.2.1"),
            ],
            Some(&["203.0.113.7", "192.0.2.1"]),
        ),
        (
            &[
                (b"Forwarded", b"for=192.0.2.1"),
                (b"X-Forwarded-For", b"203.0.113.7"),
            ],
            Some(&[]),
        ),
        (
            &[(
                b"X-Forwarded-For",
                b"1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9",
            )],
            Some(&[
                "1.1.1.2", "1.1.1.3", "1.1.1.4", "1.1.1.5", "1.1.1.6", "1.1.1.7", "1.1.1.8",
                "1.1.1.9",
            ]),
        ),
    ];
    for (lines, expected) in cases {
        let record = redactor().record(&exchange(b"GET", b"/", lines, b"", (&[], b"{}")));
        let way = record
            .forwarded_way
            .map(|way| way.iter().map(ToString::to_string).collect::<Vec<_>>());
        let expected = expected.map(|way| way.iter().map(|&a| a.to_owned()).collect());
        assert_eq!(way, expected, "{lines:?}");
    }
}

/// Networks and sessions of a mirror are named; sessions of subscribers are pseudonyms of persons.
#[test]
fn the_peeled_stack_is_told_without_subscribers() {
    use tapscope_http::Layer;
    let mut tunnelled = exchange(b"GET", b"/x", &[], b"", (&[], b""));
    tunnelled.encapsulation.0.extend([
        Layer::Vlan(12),
        Layer::Gre(0),
        Layer::Erspan(7),
        Layer::Vxlan(5001),
        Layer::IpInIp,
        Layer::GtpU(77),
        Layer::Pppoe(9),
    ]);
    let expected = [
        "vlan:12",
        "gre",
        "erspan:7",
        "vxlan:5001",
        "ip-in-ip",
        "gtp-u",
        "pppoe",
    ];
    assert_eq!(redactor().record(&tunnelled).encapsulation, expected);
}

#[test]
fn a_half_that_was_not_seen_is_missing() {
    let mut alone = exchange(b"GET", b"/x", &[], b"", (&[], b""));
    alone.request = None;
    alone.pairing = tapscope_http::Pairing::Unpaired;
    alone.response.as_mut().unwrap().body.end = BodyEnd::Gap;
    let record = redactor().record(&alone);
    assert_eq!(
        (record.method, record.latency_ns, record.time),
        (None, None, 5_000)
    );
    assert_eq!(record.host, "10.0.0.2");
    assert_eq!(record.completeness.request, MessageCompleteness::Missing);
    assert_eq!(record.completeness.response, MessageCompleteness::Gap);
    assert_eq!(record.completeness.pairing, Pairing::Unpaired);
}

#[test]
fn a_record_says_what_its_pairing_rests_on() {
    use tapscope_http::Pairing as Seen;
    for (seen, expected) in [
        (Seen::Ordered, Pairing::Ordered),
        (Seen::Acknowledged, Pairing::Acknowledged),
        (Seen::Supposed, Pairing::Supposed),
    ] {
        let mut pair = exchange(b"GET", b"/x", &[], b"", (&[], b""));
        pair.pairing = seen;
        assert_eq!(redactor().record(&pair).completeness.pairing, expected);
    }
}
