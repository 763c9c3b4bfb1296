//! What is held is weighed, and what is missed least goes when it is too much.

mod support;

use std::sync::Arc;

use support::{Call, Kept, call, feed};
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};
use tapscope_record::{Field, MessageRecord, Shape, ValueType};

/// Enough records for a look at what is held.
const LOOK: i64 = 5_000;

fn with_body(mut call: Call, fields: usize) -> Call {
    let field = |at| Field {
        name: format!("field_{at}").into(),
        shape: Shape {
            kind: ValueType::Integer,
            ..Shape::default()
        },
        ..Field::default()
    };
    let shape = Shape {
        kind: ValueType::Object,
        fields: (0..fields).map(field).collect(),
        ..Shape::default()
    };
    let response = MessageRecord {
        body_len: 100,
        content_type: Some("application/json".into()),
        shape: Some(Arc::new(shape)),
        ..call.0.response.take().unwrap_or_default()
    };
    call.0.response = Some(response);
    call
}

fn settings(memory_bytes_max: usize) -> AnalyzerSettings {
    let mut settings = AnalyzerSettings::default();
    settings.inventory.memory_bytes_max = memory_bytes_max;
    settings
}

/// A host that is busy, and some of which each endpoint is called less, all with bodies of many
/// kinds.
fn calls() -> Vec<Call> {
    let fields = |n: i64| 90 + usize::try_from(n * 7 % 41).unwrap_or(0);
    let rare = (0..LOOK).map(|n| {
        let path = format!("/resource-{}", n / 2 % 7);
        with_body(call("GET", &path, n), fields(n)).host(&format!("{}.test", n % 5))
    });
    let busy = (0..LOOK).map(|n| with_body(call("GET", "/items", n), fields(n)));
    rare.zip(busy).flat_map(|(a, b)| [a, b]).collect()
}

fn counted(analyzer: &Analyzer, name: &str) -> u64 {
    let counters = analyzer.counters();
    let ours = counters
        .iter()
        .filter(|(one, why, _)| one == name && why.as_deref() == Some("memory"));
    ours.map(|(_, _, count)| count).sum()
}

#[test]
fn what_is_called_least_loses_its_schemas_and_nothing_else() {
    let (mut free, mut unbounded) = (
        Kept::default(),
        Analyzer::new(settings(usize::MAX), Restored::default()),
    );
    feed(&mut unbounded, &mut free, calls());
    let all = unbounded.memory();
    assert_eq!(counted(&unbounded, "schemas_given_up"), 0);

    let limit = all.total() - all.endpoints / 16;
    let (mut kept, mut bounded) = (
        Kept::default(),
        Analyzer::new(settings(limit), Restored::default()),
    );
    feed(&mut bounded, &mut kept, calls());
    let held = bounded.memory();
    assert!(held.total() <= limit, "{held:?} of {limit}");
    assert!(counted(&bounded, "schemas_given_up") > 0);
    assert_eq!(
        counted(&bounded, "consumers_evicted"),
        0,
        "what goes last stayed"
    );
    assert!(!kept.endpoint("GET", "/items").schemas.is_empty());
    assert_eq!(kept.templates(), free.templates());
    let requests = |kept: &Kept| -> u64 { kept.0.endpoints.iter().map(|e| e.requests).sum() };
    assert_eq!(requests(&kept), requests(&free));
}

/// What is only probed is no endpoint, and may become one: it waits, with its host.
#[test]
fn exchanges_that_wait_go_with_their_host_and_are_counted() {
    let probes = |hosts: i64| {
        let probe = move |n: i64| {
            let host = format!("{}.test", n % hosts);
            call("HEAD", &format!("/{n:x}"), n).host(&host)
        };
        (0..3 * LOOK).map(probe)
    };
    let given_up = |limit| {
        let (mut analyzer, mut kept) = (
            Analyzer::new(settings(limit), Restored::default()),
            Kept::default(),
        );
        feed(&mut analyzer, &mut kept, probes(3_000));
        let count = counted(&analyzer, "waiting_records_given_up");
        (count, analyzer.memory())
    };
    let (none, free) = given_up(usize::MAX);
    assert_eq!(none, 0);
    assert!(free.waiting > 0, "{free:?}");
    let (some, held) = given_up(1 << 20);
    assert!(some > 0, "{held:?}");
    assert!(held.waiting < free.waiting, "{held:?} of {free:?}");
}

#[test]
fn hosts_that_showed_nothing_go_first() {
    let mut analyzer = Analyzer::new(settings(1 << 20), Restored::default());
    let mut kept = Kept::default();
    let noise = (0..3 * LOOK).map(|n| {
        let path = format!("/{n:x}");
        call("GET", &path, n)
            .status(404)
            .host(&format!("{}.test", n % 3_000))
    });
    let calls = noise.chain((0..LOOK).map(|n| with_body(call("GET", "/items", n), 10)));
    feed(&mut analyzer, &mut kept, calls);
    assert!(counted(&analyzer, "hosts_given_up") > 0);
    assert_eq!(counted(&analyzer, "schemas_given_up"), 0);
    assert!(!kept.endpoint("GET", "/items").schemas.is_empty());
}
