//! Operations as rows of the inventory: named, counted, bounded, and the same after a restart.
#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot be built should fail"
)]

mod support;

use tapscope_analyzer::snapshot::EndpointSnapshot;
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};
use tapscope_record::Operation;

use support::call;

fn graphql(name: &str, fields: &[&str]) -> Operation {
    Operation {
        style: "graphql".into(),
        kind: "query".into(),
        name: name.into(),
        fields: fields.iter().map(|f| (*f).to_owned()).collect(),
        ..Operation::default()
    }
}

/// Takes calls that ask for the operations, one list a call.
fn take(analyzer: &mut Analyzer, from: i64, calls: &[Vec<Operation>]) {
    for (n, operations) in (from..).zip(calls) {
        let mut record = call("POST", "/api", n).0;
        let mut operations = operations.iter().cloned();
        record.operation = operations.next().map(Box::new);
        record.batch = operations.collect();
        analyzer.handle_record(&record);
    }
}

/// Operation and exchanges of every row, by name.
fn rows(endpoints: &[EndpointSnapshot]) -> Vec<(String, u64)> {
    let mut rows: Vec<(String, u64)> = endpoints
        .iter()
        .map(|e| {
            let name = e.operation.as_ref().map(|o| o.name.clone());
            (name.unwrap_or_default(), e.requests)
        })
        .collect();
    rows.sort();
    rows
}

fn row(name: &str, requests: u64) -> (String, u64) {
    (name.to_owned(), requests)
}

#[test]
fn each_operation_is_a_row_and_a_batch_counts_once_for_its_endpoint() {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    let (a, b) = (graphql("A", &["x"]), graphql("", &["y", "z"]));
    take(&mut analyzer, 1, &[vec![a.clone()], vec![a, b], vec![]]);
    let changes = analyzer.flush_changes();
    assert_eq!(
        rows(&changes.endpoints),
        [row("", 3), row("A", 2), row("{y, z}", 1)]
    );
    let carrier = changes
        .endpoints
        .iter()
        .find(|e| e.transport.is_none())
        .unwrap();
    let under = |e: &&EndpointSnapshot| e.transport == Some(carrier.id);
    assert_eq!(changes.endpoints.iter().filter(under).count(), 2);
    assert_eq!(changes.hosts[0].requests, 3);
}

#[test]
fn operations_of_calls_that_were_held_back_are_rows_too() {
    const WORDS: [&str; 10] = [
        "anvil", "bucket", "candle", "dollar", "ember", "funnel", "garlic", "hammer", "island",
        "jacket",
    ];
    let mut settings = AnalyzerSettings::default();
    settings.templates.decide_after = 3_600_000_000_000;
    let mut analyzer = Analyzer::new(settings, Restored::default());
    let mut time = 0;
    // So many paths are known that a new one waits for a decision.
    for (one, two) in WORDS
        .iter()
        .flat_map(|one| WORDS.iter().map(move |two| (one, two)))
    {
        for _ in 0..3 {
            time += 1;
            analyzer.handle_record(&call("GET", &format!("/{one}/{two}"), time).0);
        }
    }
    let before = analyzer.flush_changes().endpoints.len();
    let a = graphql("A", &["x"]);
    take(
        &mut analyzer,
        time + 1,
        &[vec![a.clone(), graphql("B", &["y"])]],
    );
    let changes = analyzer.take_changes();
    let is_held = |e: &EndpointSnapshot| e.template != "/api";
    assert!(changes.endpoints.iter().all(is_held), "the call waits");
    let changes = analyzer.flush_changes();
    let asked: Vec<EndpointSnapshot> = changes
        .endpoints
        .into_iter()
        .filter(|e| e.template == "/api")
        .collect();
    assert_eq!(rows(&asked), [row("", 1), row("A", 1), row("B", 1)]);
    assert!(before > 0);
    assert!(
        asked.iter().all(|e| e.statuses.get(&200) == Some(&1)),
        "{asked:?}"
    );
}

#[test]
fn operations_beyond_the_cap_share_a_row() {
    let mut settings = AnalyzerSettings::default();
    settings.inventory.max_operations_per_endpoint = 2;
    let mut analyzer = Analyzer::new(settings, Restored::default());
    let calls: Vec<Vec<Operation>> = (0..6)
        .map(|n| vec![graphql(&format!("Q{}", n % 5), &["x"])])
        .collect();
    take(&mut analyzer, 1, &calls);
    let changes = analyzer.flush_changes();
    assert_eq!(
        rows(&changes.endpoints),
        [
            row("", 6),
            row("(other operations)", 3),
            row("Q0", 2),
            row("Q1", 1)
        ]
    );
}

#[test]
fn operations_go_on_after_a_restart() {
    let settings = AnalyzerSettings::default();
    let mut analyzer = Analyzer::new(settings.clone(), Restored::default());
    take(&mut analyzer, 1, &[vec![graphql("A", &["x"])]]);
    let changes = analyzer.flush_changes();
    let restored = Restored {
        endpoints: changes.endpoints.clone(),
        hosts: changes.hosts,
        now: changes.now,
        ..Restored::default()
    };
    let mut analyzer = Analyzer::new(settings, restored);
    take(
        &mut analyzer,
        9,
        &[vec![graphql("A", &["x"])], vec![graphql("B", &["x"])]],
    );
    let after = analyzer.flush_changes().endpoints;
    assert_eq!(rows(&after), [row("", 3), row("A", 2), row("B", 1)]);
    let id = |all: &[EndpointSnapshot], name: &str| {
        let named = |e: &&EndpointSnapshot| e.operation.as_ref().is_some_and(|o| o.name == name);
        all.iter().find(named).unwrap().id
    };
    assert_eq!(id(&changes.endpoints, "A"), id(&after, "A"));
}

#[test]
fn a_path_that_names_its_operation_bears_it_itself() {
    let mut analyzer = Analyzer::new(AnalyzerSettings::default(), Restored::default());
    let mut record = call("POST", "/shop.Cart/Add", 1).0;
    record.operation = Some(Box::new(Operation {
        style: "grpc".into(),
        kind: "call".into(),
        name: "shop.Cart/Add".into(),
        ..Operation::default()
    }));
    analyzer.handle_record(&record);
    let endpoints = analyzer.flush_changes().endpoints;
    assert_eq!(rows(&endpoints), [row("shop.Cart/Add", 1)]);
    assert_eq!(endpoints[0].transport, None);
}
