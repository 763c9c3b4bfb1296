//! Classes of the configuration in every kind of body and in URLs.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be built should fail"
)]

mod support;

use support::exchange;
use tapscope_record::{ExchangeRecord, PathSegment};
use tapscope_redact::{
    CustomClassRule, CustomClasses, CustomValues, RedactSettings, Redactor, TokenKey,
};

/// Badges by form, cases by the name of their field, ranks by both and at least three of them.
fn redactor() -> Redactor {
    let badge = CustomClassRule {
        name: "badge".to_owned(),
        pattern: Some(r"B\d{4}|7\d{5}".to_owned()),
        distinct_values_min: 1,
        ..CustomClassRule::default()
    };
    let case = CustomClassRule {
        name: "court_case".to_owned(),
        fields: vec!["case".to_owned(), "case_number".to_owned()],
        distinct_values_min: 1,
        values: CustomValues::Secret,
        ..CustomClassRule::default()
    };
    let rank = CustomClassRule {
        name: "rank".to_owned(),
        pattern: Some("[a-z]+".to_owned()),
        fields: vec!["rank".to_owned()],
        distinct_values_min: 3,
        values: CustomValues::Plain,
    };
    let mut settings = RedactSettings::default();
    settings.custom_classes = CustomClasses::new(vec![badge, case, rank]).unwrap();
    Redactor::new(settings, TokenKey([5; 32]))
}

fn record(target: &str, kind: &str, content: &[u8], answer: (&str, &[u8])) -> ExchangeRecord {
    let headers: [(&[u8], &[u8]); 1] = [(b"content-type", kind.as_bytes())];
    let answered: [(&[u8], &[u8]); 1] = [(b"content-type", answer.0.as_bytes())];
    let exchange = exchange(
        b"POST",
        target.as_bytes(),
        &headers,
        content,
        (&answered, answer.1),
    );
    redactor().record(&exchange)
}

/// `class=count` of the request's body, and `field:class` of the fields at its top.
fn told(kind: &str, content: &[u8]) -> String {
    let request = record("/", kind, content, ("", b"")).request.unwrap();
    let counts = request.data_classes.iter().map(|(c, n)| format!("{c}={n}"));
    let shape = request.shape.unwrap_or_default();
    let fields = shape.fields.iter();
    let classes = fields.filter_map(|f| Some(format!("{}:{}", f.name, f.class.as_ref()?)));
    let all: Vec<String> = counts.chain(classes).collect();
    all.join(" ")
}

#[test]
fn bodies_of_every_kind() {
    let json = "application/json";
    for (kind, content, expected) in [
        (
            json,
            r#"{"a":"B1234","b":["B1234","B5678"]}"#,
            "badge=2 a:badge b:badge",
        ),
        (json, r#"{"a":712345,"b":812345}"#, "badge=1 a:badge"),
        (
            json,
            r#"{"case":"Smith v. Jones"}"#,
            "court_case=1 case:court_case",
        ),
        (
            json,
            r#"{"caseNumber":17}"#,
            "court_case=1 caseNumber:court_case",
        ),
        (json, r#"{"case":null,"n":"B12345"}"#, ""),
        (json, r#"{"B1234":1}"#, "badge=1"),
        // A built-in class is found all the same; the field bears the name of the user's.
        (
            json,
            r#"{"case":"jo@example.com"}"#,
            "email=1 court_case=1 case:court_case",
        ),
        // Two different values are fewer than three, and the built-in class stays.
        (
            json,
            r#"[{"rank":"major"},{"rank":"major"},{"rank":"minor"}]"#,
            "",
        ),
        (
            json,
            r#"[{"rank":"a@b.de"},{"rank":"major"},{"rank":"minor"}]"#,
            "email=1 rank:email",
        ),
        (
            json,
            r#"[{"rank":"major"},{"rank":"first"},{"rank":"minor"}]"#,
            "rank=3 rank:rank",
        ),
        (
            "application/x-www-form-urlencoded",
            "x=B%31234&case=12",
            "badge=1 court_case=1 x:badge case:court_case",
        ),
        (
            "text/xml",
            "<case>12</case>",
            "court_case=1 case:court_case",
        ),
        (
            "application/x-protobuf",
            "\u{a}\u{5}B1234",
            "badge=1 1:badge",
        ),
        ("text/plain", "B1234", ""),
    ] {
        let mut expected: Vec<&str> = expected.split(' ').collect();
        let found = told(kind, content.as_bytes());
        let mut found: Vec<&str> = found.split(' ').collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected, "{content}");
    }
}

#[test]
fn events_of_a_stream_and_urls() {
    let stream = b"data: {\"k\":\"B1234\"}\n\ndata: {\"k\":\"B5678\"}\n\n";
    let record = record(
        "/staff/B1234/case/17/case/new?who=B1234&case=x1&q=B12",
        "",
        b"",
        ("text/event-stream", stream),
    );
    let classes = record.response.unwrap().data_classes;
    assert_eq!(classes.get("badge"), 2, "{classes:?}");
    let path: Vec<String> = record
        .path
        .iter()
        .map(|segment| match segment {
            PathSegment::Literal(text) => text.to_string(),
            PathSegment::Redacted { class, .. } => format!("<{class}>"),
        })
        .collect();
    assert_eq!(
        path,
        ["staff", "<badge>", "case", "<court_case>", "case", "new"]
    );
    let query: Vec<Option<&str>> = record
        .query
        .iter()
        .map(|parameter| parameter.value.class.as_deref())
        .collect();
    assert_eq!(query, [Some("badge"), Some("court_case"), None]);
    let credentials: Vec<&str> = record
        .credentials
        .iter()
        .map(|credential| credential.name.as_str())
        .collect();
    assert_eq!(credentials, ["case"], "secrets in a query are credentials");
}
