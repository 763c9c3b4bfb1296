//! The property that matters most: what is planted in an exchange cannot be found in its record,
//! neither as it is nor percent-encoded nor in base64. And: whatever comes, no panic, and a record
//! under the cap.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be built should fail"
)]

mod support;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use proptest::prelude::*;
use support::{exchange, redactor};
use tapscope_redact::{
    CustomClassRule, CustomClasses, CustomValues, RedactSettings, Redactor, TokenKey,
};

/// Places of an exchange.
#[derive(Clone, Debug)]
enum Place {
    Path,
    PathOfTwo,
    PathInBase64,
    Matrix,
    MatrixName,
    MatrixList,
    QueryValue(&'static str),
    QueryName,
    Header(&'static str, &'static str),
    Cookie(&'static str),
    BasicPassword,
    UserInfo,
    JsonValue(&'static str),
    JsonKey,
    JsonDeep,
    JsonText,
    FormValue(&'static str),
    FormName,
    MultipartValue,
    XmlText,
    XmlAttribute,
    SoapText,
    GraphQlArgument,
    GraphQlVariable,
    RpcParameter,
    McpArgument,
    PersistedHash,
    Protobuf,
    EventData,
    ResponseText,
    ResponseJson,
    ResponseHeader,
    UserAgent,
    Fragment,
}

/// Places where anything may stand: values are never kept there, whatever they look like.
fn value_place() -> impl Strategy<Value = Place> {
    let field = prop_oneof![
        Just("password"),
        Just("token"),
        Just("api_key"),
        Just("note"),
        Just("q"),
        Just("user[email]"),
    ];
    prop_oneof![
        field.clone().prop_map(Place::QueryValue),
        Just(Place::Header("authorization", "Bearer ")),
        Just(Place::Header("authorization", "")),
        Just(Place::Header("authorization", "Custom ")),
        Just(Place::Header("x-api-key", "")),
        Just(Place::Header("x-auth-token", "")),
        Just(Place::Header("x-unknown", "")),
        Just(Place::Header("content-disposition", "")),
        prop_oneof![Just("session"), Just("theme"), Just("connect.sid")].prop_map(Place::Cookie),
        Just(Place::BasicPassword),
        Just(Place::UserInfo),
        field.clone().prop_map(Place::JsonValue),
        Just(Place::JsonDeep),
        Just(Place::JsonText),
        field.prop_map(Place::FormValue),
        Just(Place::MultipartValue),
        Just(Place::XmlText),
        Just(Place::XmlAttribute),
        Just(Place::SoapText),
        Just(Place::GraphQlArgument),
        Just(Place::GraphQlVariable),
        Just(Place::RpcParameter),
        Just(Place::McpArgument),
        Just(Place::PersistedHash),
        Just(Place::Protobuf),
        Just(Place::EventData),
        Just(Place::ResponseText),
        Just(Place::ResponseJson),
        Just(Place::ResponseHeader),
        Just(Place::Fragment),
    ]
}

/// Places where ordinary text is kept, so that what is personal or secret has to be recognised.
fn kept_place() -> impl Strategy<Value = Place> {
    prop_oneof![
        Just(Place::Path),
        Just(Place::PathOfTwo),
        Just(Place::PathInBase64),
        Just(Place::Matrix),
        Just(Place::MatrixName),
        Just(Place::MatrixList),
        Just(Place::QueryName),
        Just(Place::JsonKey),
        Just(Place::FormName),
        Just(Place::UserAgent),
    ]
}

fn opaque(length: core::ops::Range<usize>) -> impl Strategy<Value = String> {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    proptest::collection::vec(
        prop::sample::select(letters.bytes().collect::<Vec<_>>()),
        length,
    )
    .prop_map(|bytes| String::from_utf8(bytes).unwrap())
}

fn digits(count: usize) -> impl Strategy<Value = String> {
    proptest::collection::vec(b'0'..=b'9', count)
        .prop_map(|bytes| String::from_utf8(bytes).unwrap())
}

fn email() -> impl Strategy<Value = String> {
    let local = proptest::string::string_regex("[a-z]{2,9}[._+-]?[a-z0-9]{2,8}").unwrap();
    let domain = proptest::string::string_regex("[a-z]{3,10}(-[a-z]{2,5})?").unwrap();
    (
        local,
        domain,
        prop_oneof![Just("com"), Just("co.uk"), Just("museum")],
    )
        .prop_map(|(local, domain, top)| format!("{local}@{domain}.{top}"))
}

fn card() -> impl Strategy<Value = String> {
    (
        prop_oneof![Just("4"), Just("51"), Just("2221"), Just("6011")],
        digits(14),
    )
        .prop_map(|(prefix, rest)| {
            let body: String = format!("{prefix}{rest}").chars().take(15).collect();
            let sum: u32 = body
                .bytes()
                .rev()
                .enumerate()
                .map(|(place, byte)| match (place % 2, u32::from(byte - b'0')) {
                    (1, digit) => digit,
                    (_, digit) if digit > 4 => digit * 2 - 9,
                    (_, digit) => digit * 2,
                })
                .sum();
            format!("{body}{}", (10 - sum % 10) % 10)
        })
}

fn ssn() -> impl Strategy<Value = String> {
    (1_u32..=665, 1_u32..=99, 1_u32..=9999).prop_map(|(a, g, s)| format!("{a:03}-{g:02}-{s:04}"))
}

fn jwt() -> impl Strategy<Value = String> {
    (opaque(6..12), opaque(20..44)).prop_map(|(subject, signature)| {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let claims = format!(r#"{{"sub":"{subject}","iat":1}}"#);
        format!(
            "{}.{}.{signature}",
            encode(r#"{"alg":"HS256"}"#),
            encode(&claims)
        )
    })
}

fn vendor_key() -> impl Strategy<Value = String> {
    let prefix = prop_oneof![
        Just("ghp_"),
        Just("sk_live_"),
        Just("AIza"),
        Just("glpat-"),
        Just("xoxb-")
    ];
    (prefix, opaque(36..40)).prop_map(|(prefix, rest)| format!("{prefix}{rest}"))
}

/// What can be recognised by itself.
fn recognisable() -> impl Strategy<Value = String> {
    prop_oneof![email(), card(), ssn(), jwt(), vendor_key(), opaque(40..64)]
}

/// Any secret; `hunter2` is one too.
fn any_secret() -> impl Strategy<Value = String> {
    prop_oneof![recognisable(), opaque(8..32)]
}

fn percent_encoded(text: &str, all: bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            _ if all => format!("%{byte:02x}"),
            b'@' | b'+' | b'%' | b'&' | b'=' | b'#' | b' ' => format!("%{byte:02X}"),
            _ => char::from(byte).to_string(),
        })
        .collect()
}

/// An exchange that something was planted in.
#[derive(Clone, PartialEq)]
struct Planted {
    target: String,
    headers: Vec<(String, String)>,
    content: String,
    kind: &'static str,
    answer: String,
    answer_kind: &'static str,
    answer_header: String,
}

impl Planted {
    /// Nothing planted yet.
    fn new() -> Self {
        Self {
            target: "/v1/users/42?page=2".to_owned(),
            headers: vec![("Host".to_owned(), "api.example.com".to_owned())],
            content: String::new(),
            kind: "application/json",
            answer: String::new(),
            answer_kind: "application/json",
            answer_header: "x".to_owned(),
        }
    }

    fn in_head(&mut self, place: &Place, secret: &str, all: bool) {
        let in_url = percent_encoded(secret, all);
        match place {
            Place::Path => self.target = format!("/users/{in_url}/orders"),
            Place::PathOfTwo => self.target = format!("/a//{in_url}/"),
            Place::PathInBase64 => {
                self.target = format!(
                    "/recipients/{}/lists",
                    STANDARD.encode(secret).replace('/', "%2F")
                );
            }
            Place::Matrix => self.target = format!("/login;jsessionid={in_url}/x"),
            Place::MatrixName => self.target = format!("/login;{in_url}=1/x"),
            Place::MatrixList => self.target = format!("/lists/17;{in_url};18/x"),
            Place::QueryValue(name) => self.target = format!("/search?{name}={in_url}&limit=3"),
            Place::QueryName => self.target = format!("/search?{in_url}=1"),
            Place::UserInfo => self.target = format!("http://bob:{in_url}@api.example.com/x"),
            Place::Fragment => self.target = format!("/x#access_token={in_url}"),
            Place::Header(name, before) => self
                .headers
                .push(((*name).into(), format!("{before}{secret}"))),
            Place::Cookie(name) => self
                .headers
                .push(("Cookie".into(), format!("a=b; {name}={secret}"))),
            Place::UserAgent => self.headers.push(("User-Agent".into(), secret.to_owned())),
            Place::BasicPassword => {
                let pair = STANDARD.encode(format!("bob:{secret}"));
                self.headers
                    .push(("Authorization".into(), format!("Basic {pair}")));
            }
            _ => {}
        }
    }

    fn in_content(&mut self, place: &Place, secret: &str, all: bool) {
        let in_url = percent_encoded(secret, all);
        match place {
            Place::JsonValue(name) => self.content = format!(r#"{{"id":1,"{name}":"{secret}"}}"#),
            Place::JsonKey => self.content = format!(r#"{{"by_user":{{"{secret}":{{"n":1}}}}}}"#),
            Place::JsonDeep => {
                self.content = format!("{}\"{secret}\"{}", "{\"a\":[".repeat(20), "]}".repeat(20));
            }
            Place::JsonText => self.content = format!(r#"{{"text":"write to {secret}, please"}}"#),
            Place::FormValue(name) => self.content = format!("a=1&{name}={in_url}"),
            Place::FormName => self.content = format!("a=1&{in_url}=2"),
            Place::MultipartValue => {
                self.content = format!(
                    "--BB\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\n{secret}\r\n--BB--\r\n"
                );
            }
            Place::XmlText => self.content = format!("<a><b>{secret}</b></a>"),
            Place::XmlAttribute => self.content = format!("<a><b c=\"{secret}\"/></a>"),
            Place::SoapText => {
                self.content = format!(
                    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\"><s:Body>\
                     <Get><key>{secret}</key></Get></s:Body></s:Envelope>"
                );
            }
            Place::GraphQlArgument => {
                self.content = format!(r#"{{"query":"{{user(key: \"{secret}\") {{name}}}}"}}"#);
            }
            Place::GraphQlVariable => {
                self.content = format!(r#"{{"query":"{{a}}","variables":{{"key":"{secret}"}}}}"#);
            }
            Place::RpcParameter => {
                self.content = format!(
                    r#"{{"jsonrpc":"2.0","id":"{secret}","method":"a","params":["{secret}"]}}"#
                );
            }
            Place::McpArgument => {
                self.content = format!(
                    r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"a","arguments":{{"k":"{secret}"}}}}}}"#
                );
            }
            Place::PersistedHash => {
                self.content = format!(
                    r#"{{"extensions":{{"persistedQuery":{{"version":1,"sha256Hash":"{secret}"}}}}}}"#
                );
            }
            Place::Protobuf => {
                let len = u8::try_from(secret.len().min(127)).unwrap_or(0);
                let cut: String = secret.chars().take(usize::from(len)).collect();
                self.content = format!("\u{a}{}{cut}", char::from(len));
            }
            _ => {}
        }
        match place {
            Place::FormValue(_) | Place::FormName => {
                self.kind = "application/x-www-form-urlencoded";
            }
            Place::XmlText | Place::XmlAttribute | Place::SoapText => self.kind = "text/xml",
            Place::Protobuf => self.kind = "application/x-protobuf",
            Place::MultipartValue => self.kind = "multipart/form-data; boundary=BB",
            _ => {}
        }
    }

    fn in_answer(&mut self, place: &Place, secret: &str) {
        match place {
            Place::EventData => {
                self.answer = format!("data: {{\"k\":\"{secret}\"}}\n\ndata: {secret}\n\n");
                self.answer_kind = "text/event-stream";
            }
            Place::ResponseText => {
                self.answer = format!("<p>Hi {secret}!</p>");
                self.answer_kind = "text/html";
            }
            Place::ResponseJson => {
                self.answer = format!(r#"[{{"note":"{secret}"}},{{"token":"{secret}"}}]"#);
            }
            Place::ResponseHeader => self.answer_header = format!("session={secret}; HttpOnly"),
            _ => {}
        }
    }
}

/// The record, as it leaves the sensor, of an exchange with `secret` in `place`.
fn record_with(place: &Place, secret: &str, all: bool) -> String {
    record_by(&mut redactor(), place, secret, all)
}

fn record_by(redactor: &mut Redactor, place: &Place, secret: &str, all: bool) -> String {
    let mut planted = Planted::new();
    planted.in_head(place, secret, all);
    planted.in_content(place, secret, all);
    planted.in_answer(place, secret);
    assert!(planted != Planted::new(), "nothing is planted in {place:?}");
    planted
        .headers
        .push(("Content-Type".into(), planted.kind.to_owned()));
    let headers: Vec<(&[u8], &[u8])> = planted
        .headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let answer_headers: [(&[u8], &[u8]); 2] = [
        (b"Content-Type", planted.answer_kind.as_bytes()),
        (b"Set-Cookie", planted.answer_header.as_bytes()),
    ];
    let exchange = exchange(
        b"POST",
        planted.target.as_bytes(),
        &headers,
        planted.content.as_bytes(),
        (&answer_headers, planted.answer.as_bytes()),
    );
    serde_json::to_string(&redactor.record(&exchange)).unwrap()
}

fn assert_absent(record: &str, secret: &str, place: &Place) {
    let lower = record.to_lowercase();
    let forms = [
        secret.to_owned(),
        percent_encoded(secret, false),
        percent_encoded(secret, true),
        STANDARD.encode(secret),
        STANDARD_NO_PAD.encode(secret),
        URL_SAFE_NO_PAD.encode(secret),
        STANDARD.encode(format!("bob:{secret}")),
    ];
    for form in forms {
        assert!(
            !lower.contains(&form.to_lowercase()),
            "{form} of {place:?} stands in {record}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn no_value_stands_where_values_stand(
        place in value_place(), secret in any_secret(), all in any::<bool>()
    ) {
        assert_absent(&record_with(&place, &secret, all), &secret, &place);
    }

    #[test]
    fn what_can_be_recognised_stands_nowhere(
        place in prop_oneof![kept_place(), value_place()],
        secret in recognisable(),
        all in any::<bool>()
    ) {
        assert_absent(&record_with(&place, &secret, all), &secret, &place);
    }
}

/// A redactor that knows a class of the configuration: two letters, three digits, two letters.
fn custom_redactor(values: CustomValues) -> Redactor {
    let mut settings = RedactSettings::default();
    settings.custom_classes = CustomClasses::new(vec![CustomClassRule {
        name: "badge".to_owned(),
        pattern: Some("[a-z]{2}-[0-9]{3}-[a-z]{2}".to_owned()),
        distinct_values_min: 5,
        values,
        ..CustomClassRule::default()
    }])
    .unwrap();
    Redactor::new(settings, TokenKey([9; 32]))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn values_of_classes_of_the_configuration_stand_nowhere(
        place in prop_oneof![kept_place(), value_place()],
        secret in "[a-z]{2}-[0-9]{3}-[a-z]{2}",
        hidden in prop_oneof![Just(CustomValues::Personal), Just(CustomValues::Secret)],
        all in any::<bool>()
    ) {
        let record = record_by(&mut custom_redactor(hidden), &place, &secret, all);
        assert_absent(&record, &secret, &place);
    }
}

/// What is not configured, or configured to be nothing of a person's, stays: the test above tells.
#[test]
fn values_of_plain_classes_stay_in_paths() {
    let secret = "kd-417-zq";
    for redactor in [&mut redactor(), &mut custom_redactor(CustomValues::Plain)] {
        let record = record_by(redactor, &Place::Path, secret, false);
        assert!(record.contains(secret), "{record}");
    }
}

fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        prop::sample::select(vec![
            &b"/"[..],
            b"?",
            b"&",
            b"=",
            b"#",
            b";",
            b"%",
            b"%00",
            b"%252540",
            b"@",
            b"..",
            b"{\"",
            b"\":",
            b"[",
            b"]",
            b"}",
            b",",
            b"\"",
            b"eyJhbGciOiJub25lIn0",
            b".",
            b"-----BEGIN PRIVATE KEY",
            b"4111 1111 1111 1111",
            b"+",
            b"(",
            b"\r\n\r\n",
            b"--BB",
            b"name=\"",
            b"\xff",
            b"\\u0000",
            b"1e999",
            b"AKIA",
            b"DE89",
        ])
        .prop_map(<[u8]>::to_vec),
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn arbitrary_bytes_give_a_bounded_record(
        method in hostile(), target in hostile(), value in hostile(), content in hostile(),
        header in prop::sample::select(vec![
            "authorization", "cookie", "host", "user-agent", "forwarded", "x-forwarded-for",
            "content-type", "content-encoding", "x-api-key",
        ]),
        kind in prop::sample::select(vec![
            "application/json", "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=BB", "text/plain", "", "application/octet-stream",
        ]),
        coding in prop::sample::select(vec!["", "gzip", "deflate", "br", "gzip, gzip, gzip"]),
    ) {
        let headers: [(&[u8], &[u8]); 3] = [
            (header.as_bytes(), &value),
            (b"content-type", kind.as_bytes()),
            (b"content-encoding", coding.as_bytes()),
        ];
        let answer: [(&[u8], &[u8]); 3] =
            [(&method, &value), (b"deprecation", &value), (b"content-type", kind.as_bytes())];
        let exchange = exchange(&method, &target, &headers, &content, (&answer, &content));
        let record = redactor().record(&exchange);
        let again = redactor().record(&exchange);
        prop_assert_eq!(&record, &again);
        let text = serde_json::to_string(&record).unwrap();
        prop_assert!(text.len() <= RedactSettings::RECORD_BYTES_MAX);
    }
}

/// A target and header lines of 256 KiB, and JSON of every costly kind.
#[test]
fn record_of_a_hostile_exchange_stays_under_the_cap() {
    let name = |n: usize| format!("field_{n}_{}", "abc ".repeat(12));
    let many = |n: usize| {
        (0..n)
            .map(|i| format!("\"{}\":{{\"{}\":[{i}]}}", name(i), name(i + 1)))
            .collect::<Vec<_>>()
            .join(",")
    };
    let contents = [
        format!("{{{}}}", many(3000)),
        "[".repeat(60_000),
        "{\"a\":".repeat(20_000),
        format!(
            "[{}]",
            vec!["{\"a\":1,\"b\":[{\"c\":null}]}"; 4000].join(",")
        ),
        format!(
            "[{}]",
            (0..4000)
                .map(|i| format!("{{\"k{i} x\":\"a{i}@b.de\"}}"))
                .collect::<Vec<_>>()
                .join(",")
        ),
        "1 ".repeat(30_000),
        "\u{1}".repeat(30_000),
    ];
    let target = format!(
        "/{}?{}",
        (0..9000)
            .map(|i| format!("s%01g{i};{}{i}=value{i}", "y".repeat(40)))
            .collect::<Vec<_>>()
            .join("/"),
        (0..9000)
            .map(|i| format!("param \u{1} {i}=value{i}"))
            .collect::<Vec<_>>()
            .join("&"),
    );
    let lines: Vec<(String, String)> = (0..4000)
        .map(|i| (format!("x-h-{}{i}", "y".repeat(40)), format!("Bearer {i}")))
        .collect();
    let mut headers: Vec<(&[u8], &[u8])> = lines
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    headers.extend(
        lines
            .iter()
            .map(|(_, value)| (&b"authorization"[..], value.as_bytes())),
    );
    for content in contents {
        let exchange = exchange(
            b"POST",
            target.as_bytes(),
            &headers,
            content.as_bytes(),
            (&headers, content.as_bytes()),
        );
        let text = serde_json::to_string(&redactor().record(&exchange)).unwrap();
        let start: String = content.chars().take(20).collect();
        assert!(
            text.len() <= RedactSettings::RECORD_BYTES_MAX,
            "{start}: {}",
            text.len()
        );
    }
}
