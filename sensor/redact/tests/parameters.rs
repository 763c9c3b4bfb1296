//! What a record says of the values of header fields, cookies and bodies, by situation.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be built should fail"
)]

mod support;

use support::{exchange, redactor};
use tapscope_record::{MessageRecord, Parameter, ValueType};

fn request(headers: &[(&[u8], &[u8])]) -> MessageRecord {
    let record = redactor().record(&exchange(b"GET", b"/", headers, b"", (&[], b"")));
    record.request.unwrap()
}

fn row(parameter: &Parameter) -> (&str, ValueType, u32, Option<&str>, Option<&str>) {
    let value = &parameter.value;
    (
        parameter.name.as_str(),
        value.kind,
        value.len,
        value.class.as_ref().map(|class| class.as_str()),
        value.word.as_ref().map(|word| word.as_str()),
    )
}

#[test]
fn header_fields_that_are_parameters_have_profiles_and_others_have_none() {
    let request = request(&[
        (b"Host", b"shop.test"),
        (b"Accept", b"application/json"),
        (b"X-Page-Size", b"250"),
        (b"X-Request-Id", b"550e8400-e29b-41d4-a716-446655440000"),
        (b"Idempotency-Key", b"550e8400-e29b-41d4-a716-446655440000"),
        (b"X-Order", b"asc"),
        (b"X-On-Behalf-Of", b"jo@example.com"),
        (b"X-Empty", b""),
    ]);
    let rows: Vec<_> = request.header_values.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            ("x-page-size", ValueType::Integer, 3, None, None),
            ("idempotency-key", ValueType::Uuid, 36, None, None),
            ("x-order", ValueType::String, 3, None, Some("asc")),
            ("x-on-behalf-of", ValueType::Email, 14, Some("email"), None),
            ("x-empty", ValueType::Empty, 0, None, None),
        ]
    );
    let number = request.header_values.first().unwrap().value.number;
    assert_eq!(number.map(<(f64, f64)>::from), Some((250.0, 250.0)));
    assert!(request.cookie_values.is_empty());
}

#[test]
fn matrix_parameters_have_profiles_in_order_over_all_segments() {
    let of = |target: &[u8]| redactor().record(&exchange(b"GET", target, &[], b"", (&[], b"")));
    let record = of(b"/cars;color=blue;year=2012/wheels;order=as%63;mail=jo%40example.com");
    let rows: Vec<_> = record.matrix.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            ("color", ValueType::String, 4, None, None),
            ("year", ValueType::Integer, 4, None, None),
            ("order", ValueType::String, 3, None, Some("asc")),
            ("mail", ValueType::Email, 14, Some("email"), None),
        ]
    );
    let text = serde_json::to_string(&record).unwrap();
    assert!(!text.contains("example.com"), "{text}");
    for none in [
        // Lists, and what stands for the segment itself.
        &b"/points;1;2/x"[..],
        b"/a;b=1;c",
        b"/a;=1",
        b"/users/;id=17",
        b"/users?a;b=1",
    ] {
        assert!(of(none).matrix.is_empty(), "{:?}", none.escape_ascii());
    }
    let named = of(b"/a;jo%40example.com=1;caf%C3%A9=2");
    let names: Vec<_> = named.matrix.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["{email}", "caf\u{e9}"]);
    let two = of(b"/users/;id=17;page=2");
    assert_eq!(two.matrix.len(), 2);
    let path = |target: &[u8]| format!("{:?}", of(target).path);
    assert!(path(b"/users/54957337;23516;60316126").contains("54957337;23516;60316126"));
    let list = path(b"/users/54957337;jo@example.com;60316126");
    assert!(!list.contains("example.com"), "{list}");
}

#[test]
fn more_matrix_parameters_than_the_cap_are_counted() {
    let mut redactor = redactor();
    let target = format!("/a{}", ";b=1".repeat(63)) + &format!("/a{}", ";b=1".repeat(63));
    let record = redactor.record(&exchange(b"GET", target.as_bytes(), &[], b"", (&[], b"")));
    assert_eq!(record.matrix.len(), 64);
    let counters = redactor.counters();
    let over = counters.iter().find(|it| it.name.contains("parameters"));
    assert_eq!(over.map(|it| it.value), Some(62), "{counters:?}");
}

#[test]
fn harmless_texts_tell_what_they_are_like() {
    let form = |value: &[u8]| {
        let request = request(&[(b"X-Thing", value)]);
        let form = request.header_values.first().unwrap().value.form.clone();
        form.map(|form| form.as_str().to_owned())
    };
    assert_eq!(form(b"1.12.3").as_deref(), Some("semver"));
    assert_eq!(form(b"en-US").as_deref(), Some("locale"));
    assert_eq!(form(b"anything else"), None);
    assert_eq!(form(b"17"), None, "a type says it");
    assert_eq!(form(b"\xff\xfe-abc"), None, "no text");
}

#[test]
fn cookies_have_profiles_in_order_over_all_their_fields() {
    let request = request(&[
        (b"Cookie", b"theme=dark; page=3"),
        (b"Cookie", b"sid=q83vEjRWeJCrze8SNFZ4kKvN; theme=light"),
    ]);
    let names: Vec<&str> = request.cookie_values.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["theme", "page", "sid", "theme"]);
    let [theme, page, sid, other] = &request.cookie_values[..] else {
        panic!("four cookies");
    };
    assert_eq!(page.value.kind, ValueType::Integer);
    assert_eq!(page.value.number, None, "it may be somebody's");
    assert_ne!(theme.value.token, other.value.token);
    assert_eq!((sid.value.len, &sid.value.word), (24, &None));
}

#[test]
fn nothing_secret_of_a_value_is_in_the_record() {
    let request = request(&[
        (b"X-Api-Key", b"sk_live_4eC39HqLyjWDarjtT1zdp7dc"),
        (b"X-Card", b"4111111111111111"),
        (
            b"Cookie",
            b"session=SECRETSECRETSECRET; mail=jo@example.com",
        ),
    ]);
    let text = serde_json::to_string(&request).unwrap();
    for secret in ["4eC39Hq", "41111111", "SECRETSECRET", "example.com"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
    assert_eq!(request.header_values.len(), 2);
    let classes = request.header_values.iter().map(|one| &one.value);
    assert!(classes.clone().all(|value| value.class.is_some()));
    assert!(classes.clone().all(|value| value.number.is_none()));
}

#[test]
fn more_values_than_the_cap_are_counted() {
    let mut redactor = redactor();
    let cookies: Vec<String> = (0..2_000).map(|n| format!("c{n}={n}")).collect();
    let cookies = cookies.join(";");
    let headers: [(&[u8], &[u8]); 1] = [(b"Cookie", cookies.as_bytes())];
    let record = redactor.record(&exchange(b"GET", b"/", &headers, b"", (&[], b"")));
    let kept = record.request.unwrap().cookie_values.len();
    assert!(kept > 0 && kept < 2_000, "{kept}");
    // What has no place for its name has none for its value.
    let over = |it: &&tapscope_redact::CounterValue| it.name.contains("header_names_dropped");
    let dropped: u64 = redactor
        .counters()
        .iter()
        .filter(over)
        .map(|it| it.value)
        .sum();
    assert_eq!(dropped, 2_000 - kept as u64);
}

#[test]
fn fields_of_a_body_have_profiles_and_none_that_are_data_themselves() {
    let body =
        br#"{"qty": 3, "order": "asc", "code": "17", "email": "jo@example.com", "gift": true,
        "note": null, "items": [{"size": 42}, {"size": 44}], "tags": ["desc"],
        "by": {"550e8400-e29b-41d4-a716-446655440000": {"n": 1}}}"#;
    let json: &[(&[u8], &[u8])] = &[(b"Content-Type", b"application/json")];
    let record = redactor().record(&exchange(b"POST", b"/", json, body, (json, body)));
    let values = record.request.unwrap().body_values.unwrap();
    let mut rows: Vec<_> = values.iter().map(row).collect();
    rows.sort_by_key(|row| row.0);
    assert_eq!(
        rows,
        [
            ("code", ValueType::String, 2, None, None),
            ("email", ValueType::Email, 14, Some("email"), None),
            ("gift", ValueType::Boolean, 4, None, Some("true")),
            ("items[].size", ValueType::Integer, 2, None, None),
            ("items[].size", ValueType::Integer, 2, None, None),
            ("order", ValueType::String, 3, None, Some("asc")),
            ("qty", ValueType::Integer, 1, None, None),
            ("tags[]", ValueType::String, 4, None, Some("desc")),
        ]
    );
    let response = record.response.unwrap();
    assert!(response.body_values.is_none(), "of requests only");
    let form: &[(&[u8], &[u8])] = &[(b"Content-Type", b"application/x-www-form-urlencoded")];
    let sent = b"page=7&sort=asc";
    let record = redactor().record(&exchange(b"POST", b"/", form, sent, (&[], b"")));
    let values = record.request.unwrap().body_values.unwrap();
    let rows: Vec<_> = values.iter().map(row).collect();
    assert_eq!(
        rows,
        [
            ("page", ValueType::Integer, 1, None, None),
            ("sort", ValueType::String, 3, None, Some("asc")),
        ]
    );
}

#[test]
fn values_of_bodies_are_taken_of_the_first_and_then_of_a_few() {
    let mut redactor = redactor();
    let json: &[(&[u8], &[u8])] = &[(b"Content-Type", b"application/json")];
    let mut taken = Vec::new();
    for n in 0..648 {
        let body = format!(r#"{{"n": {n}}}"#);
        let exchange = exchange(b"POST", b"/", json, body.as_bytes(), (&[], b""));
        let request = redactor.record(&exchange).request.unwrap();
        assert!(request.shape.is_some(), "its shape is drawn in any case");
        taken.push(request.body_values.is_some());
    }
    let count = |part: &[bool]| part.iter().filter(|is| **is).count();
    assert_eq!(count(&taken[..8]), 8);
    assert_eq!(count(&taken[8..]), 20, "one in 32");
}
