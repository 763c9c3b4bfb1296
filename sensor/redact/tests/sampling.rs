//! Which bodies are looked at: all that is new or rare or carries data, one in a few of the rest,
//! and the same ones however connections are dealt out to redactors.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

/// What the tests of this crate share.
mod support;

use support::exchange;
use tapscope_http::{GROUPS, HttpExchange, group_of};
use tapscope_record::MessageRecord;
use tapscope_redact::{RedactSettings, Redactor, TokenKey};

/// A redactor that looks at four bodies of a kind and then at one in three.
fn sampling(every: u32) -> Redactor {
    let mut settings = RedactSettings::default();
    (settings.sampling_first, settings.sampling_every) = (4, every);
    Redactor::new(settings, TokenKey([3; 32]))
}

/// A call of `target` that is answered with that content.
fn answered(target: &str, answer: &str) -> HttpExchange {
    exchange(
        b"GET",
        target.as_bytes(),
        &[(b"Host", b"api.example")],
        b"",
        (&[(b"Content-Type", b"application/json")], answer.as_bytes()),
    )
}

fn response(redactor: &mut Redactor, exchange: &HttpExchange) -> MessageRecord {
    redactor.record(exchange).response.unwrap()
}

/// Of so many answers alike, which were looked at.
fn looked(redactor: &mut Redactor, count: u32, make: impl Fn(u32) -> HttpExchange) -> Vec<bool> {
    (0..count)
        .map(|n| !response(redactor, &make(n)).is_passed())
        .collect()
}

/// An answer of the same length for every number, never with the same content.
fn item(n: u32) -> String {
    let number = 100_000 + n;
    format!(
        r#"{{"text":"{}","number":{number:06}}}"#,
        "plain words ".repeat(16)
    )
}

fn sampled(redactor: &Redactor) -> u64 {
    let counters = redactor.counters().into_iter();
    counters
        .filter(|counter| counter.reason.as_deref() == Some("sampled"))
        .map(|counter| counter.value)
        .sum()
}

#[test]
fn the_first_are_looked_at_and_then_one_in_a_few() {
    let mut redactor = sampling(3);
    let all = looked(&mut redactor, 34, |n| {
        answered(&format!("/items/{}", 5_000 + n), &item(n))
    });
    let (first, rest) = all.split_at(4);
    assert!(first.iter().all(|looked| *looked));
    for round in rest.chunks(3) {
        assert_eq!(round.iter().filter(|looked| **looked).count(), 1);
    }
    assert_eq!(sampled(&redactor), 20);
    let passed = (0..9)
        .map(|n| {
            response(
                &mut redactor,
                &answered(&format!("/items/{}", 9_000 + n), &item(n)),
            )
        })
        .find(MessageRecord::is_passed)
        .unwrap();
    assert_eq!(passed.limits, ["sampled"]);
    assert_eq!((passed.body_len, passed.inspected_len), (219, 0));
    assert!(passed.shape.is_none());
}

#[test]
fn what_is_new_is_looked_at_among_what_is_frequent() {
    let mut redactor = sampling(1_000);
    looked(&mut redactor, 100, |n| answered("/items/5000", &item(n)));
    let long = format!(r#"{{"text":"blue","rest":[{}0]}}"#, "0,".repeat(300));
    assert!(response(&mut redactor, &answered("/items/5000", &item(7))).is_passed());
    let others = [
        answered("/others/5000", &item(7)),
        answered("/items/5000", &long),
        answered("/items/5000/parts", &item(7)),
    ];
    for other in &others {
        assert!(!response(&mut redactor, other).is_passed());
    }
    let mut refused = answered("/items/5000", &item(7));
    refused.response.as_mut().unwrap().status = 404;
    let mut page = answered("/items/5000", "<html><body>plain words</body></html>");
    let head = &mut page.response.as_mut().unwrap().head;
    let (replaced, _) = support::head(&[b"200"], &[(b"Content-Type", b"text/html")]);
    *head = replaced;
    for always in [&refused, &page] {
        let all = looked(&mut redactor, 50, |_| always.clone());
        assert!(all.iter().all(|looked| *looked));
    }
}

#[test]
fn what_has_data_in_it_is_always_looked_at() {
    let person = |n: u32| {
        let email = format!("someone.{n:06}@example.com");
        format!(
            r#"{{"email":"{email}","text":"{}"}}"#,
            "plain words ".repeat(15)
        )
    };
    let mut redactor = sampling(1_000);
    let all = looked(&mut redactor, 100, |n| answered("/people/5000", &person(n)));
    assert!(all.iter().all(|looked| *looked));
    // From the first that has some on, which is found at its turn.
    let mut redactor = sampling(3);
    let all = looked(&mut redactor, 100, |n| {
        let answer = if n < 20 { item(n) } else { person(n) };
        answered("/mixed/5000", &answer)
    });
    let passed: Vec<usize> = (0..100).filter(|n| !all[*n]).collect();
    assert!(passed.iter().all(|n| *n < 25), "{passed:?}");
    assert!(passed.len() > 8);
}

#[test]
fn requests_are_always_looked_at_and_operations_are_kinds() {
    let mut redactor = sampling(1_000);
    let ask = |operation: &str, n: u32| {
        let asked = format!(r#"{{"query":"query {operation} {{ shop {{ id }} }}"}}"#);
        let lines: support::Lines<'_> = &[
            (b"Host", b"api.example"),
            (b"Content-Type", b"application/json"),
        ];
        let json: support::Lines<'_> = &[(b"Content-Type", b"application/json")];
        let answer = item(n);
        exchange(
            b"POST",
            b"/graphql",
            lines,
            asked.as_bytes(),
            (json, answer.as_bytes()),
        )
    };
    let mut passed = 0;
    for n in 0..60 {
        let record = redactor.record(&ask("One", n));
        assert_eq!(record.operation.unwrap().name, "One");
        passed += u32::from(record.response.unwrap().is_passed());
        assert!(record.request.unwrap().shape.is_some());
    }
    assert!(passed >= 55);
    let record = redactor.record(&ask("Two", 1));
    assert_eq!(record.operation.unwrap().name, "Two");
    assert!(!record.response.unwrap().is_passed());
}

#[test]
fn everything_is_looked_at_where_that_is_asked_for() {
    for every in [0, 1] {
        let mut redactor = sampling(every);
        let all = looked(&mut redactor, 100, |n| answered("/items/5000", &item(n)));
        assert!(all.iter().all(|looked| *looked));
        assert_eq!(sampled(&redactor), 0);
    }
}

#[test]
fn any_number_of_redactors_passes_the_same_over() {
    let exchanges: Vec<HttpExchange> = (0..2_000_u32)
        .map(|n| {
            let mut one = answered(&format!("/items/{}", 5_000 + n % 3), &item(n));
            one.client = ([10, 0, 0, 1], 40_000 + u16::try_from(n % 70).unwrap()).into();
            one
        })
        .collect();
    let dealt = |count: usize| -> Vec<bool> {
        let mut redactors: Vec<Redactor> = (0..count).map(|_| sampling(3)).collect();
        exchanges
            .iter()
            .map(|one| {
                let at = group_of(one.client, one.server) % count;
                response(&mut redactors[at], one).is_passed()
            })
            .collect()
    };
    let alone = dealt(1);
    assert!(alone.iter().filter(|passed| **passed).count() > 1_000);
    for count in [2, 3, 7, GROUPS] {
        assert_eq!(dealt(count), alone);
    }
}
