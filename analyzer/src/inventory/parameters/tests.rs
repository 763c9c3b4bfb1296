//! The parameters of an endpoint, by situation.

use crate::snapshot::Choices;
use core::net::SocketAddr;

use super::super::lists::NameLists;
use super::*;
use tapscope_record::{
    Completeness, MessageCompleteness, MessageRecord, Pairing, Parameter as Sent, PathSegment,
    RECORD_VERSION, Rare, Token,
};

fn sent(name: &str, kind: ValueType, value: u64) -> Sent {
    Sent {
        name: name.to_owned().into(),
        value: ValueProfile {
            kind,
            len: 3,
            token: Token(hash(&[&value.to_le_bytes()])),
            class: None,
            word: (value == 0).then(|| "asc".into()),
            number: (kind == ValueType::Integer)
                .then(|| Bounds::of_text(&value.to_string()))
                .flatten(),
            form: None,
        },
    }
}

fn record(path: &str, query: Vec<Sent>, headers: &[&str]) -> ExchangeRecord {
    let literal = |text: &str| PathSegment::Literal(text.to_owned().into());
    let names = |all: &[&str]| {
        all.iter()
            .map(|name| (*name).to_owned())
            .collect::<Vec<String>>()
    };
    ExchangeRecord {
        version: RECORD_VERSION,
        id: String::new().into(),
        time: 1,
        client: SocketAddr::from(([10, 0, 0, 7], 40_000)),
        server: SocketAddr::from(([10, 0, 0, 1], 80)),
        encapsulation: Rare::new(),
        protocol: "http1".into(),
        operation: None,
        batch: Rare::new(),
        method: Some("GET".into()),
        host: "shop.test".into(),
        port: None,
        path: path.split('/').skip(1).map(literal).collect(),
        trailing_slash: false,
        spelling: None,
        matrix: Rare::new(),
        query,
        request: Some(MessageRecord {
            header_names: names(headers).into(),
            cookie_names: names(&["theme"]).into(),
            ..MessageRecord::default()
        }),
        status: Some(200),
        response: None,
        latency_ns: None,
        credentials: Vec::new(),
        user_agent: None,
        fingerprint: None,
        forwarded_for: None,
        forwarded_proto: None,
        forwarded_way: None,
        messages: None,
        trace: Vec::new(),
        ended: None,
        reported: 0,
        vantage: Rare::new(),
        certainty: 100,
        anomalies: Rare::new(),
        signals: Rare::new(),
        part: tapscope_record::Part::Whole,
        completeness: Completeness {
            request: MessageCompleteness::Complete,
            response: MessageCompleteness::Complete,
            pairing: Pairing::Ordered,
        },
    }
}

const TEMPLATE: &str = "/users/{user}/v{version}.json";

fn observe(
    parameters: &mut Parameters,
    record: &ExchangeRecord,
    template: &str,
    settings: &InventorySettings,
) {
    let lists = NameLists::default().of(record);
    let request = record.request.as_ref().unwrap();
    let headers: Vec<Box<str>> = lists.header_parameters(request).map(Into::into).collect();
    let cookies: Vec<Box<str>> = lists.cookies(request).map(Into::into).collect();
    parameters.observe_query(record, settings);
    for (segment, value) in Places::of(template).values(&record.path) {
        parameters.observe_segment(segment, value, settings);
    }
    parameters.count(1, &headers, &cookies, settings);
    assert!(parameters.knows_values(request, settings));
    parameters.observe_values(request, settings);
}

#[test]
fn matrix_parameters_are_parameters_of_their_own() {
    let settings = InventorySettings::default();
    let mut parameters = Parameters::default();
    for n in 0..20_u64 {
        let own = sent("page", ValueType::Integer, n % 8);
        let record = ExchangeRecord {
            matrix: [own].into_iter().collect(),
            ..record("/cars", vec![sent("page", ValueType::String, 0)], &[])
        };
        observe(&mut parameters, &record, "/cars", &settings);
    }
    let told = |parameters: &Parameters| {
        let rows = parameters.snapshot("/cars").into_iter();
        let rows = rows.filter(|row| row.name == "page");
        rows.map(|row| (row.location, row.seen, row.distinct))
            .collect::<Vec<_>>()
    };
    let expected = [("matrix".to_owned(), 20, 8), ("query".to_owned(), 20, 1)];
    assert_eq!(told(&parameters), expected);
    let again = Parameters::restore(&parameters.snapshot("/cars"), 20, "/cars");
    assert_eq!(told(&again), expected);
    let mut both = Parameters::default();
    both.merge(&parameters, &settings);
    assert_eq!(told(&both), expected);
}

fn learned(settings: &InventorySettings) -> Parameters {
    let mut parameters = Parameters::default();
    for n in 0..20_u64 {
        let path = format!("/users/{n}/v{}.json", n % 3);
        let mut query = vec![sent("sort", ValueType::String, n % 2)];
        if n % 4 == 0 {
            query.push(sent("tag", ValueType::String, n));
            query.push(sent("tag", ValueType::String, n + 1));
        }
        let headers = ["host", "accept", "x-tenant", "x-tenant"];
        let record = record(&path, query, &headers);
        observe(&mut parameters, &record, TEMPLATE, settings);
    }
    parameters
}

#[test]
fn parameters_of_all_places_with_share_values_and_words() {
    let parameters = learned(&InventorySettings::default());
    let rows = parameters.snapshot(TEMPLATE);
    let row = |location: &str, name: &str| {
        let found = rows
            .iter()
            .find(|row| row.location == location && row.name == name);
        found.unwrap()
    };
    assert_eq!(rows.len(), 6);
    assert_eq!(parameters.observed(), 20);
    assert_eq!(row("path", "user").types["integer"], 20);
    assert_eq!(row("path", "version").types["integer"], 20);
    assert_eq!(row("path", "version").distinct, 3);
    assert_eq!(row("path", "version").lengths, Some((1, 1)));
    let sort = row("query", "sort");
    assert_eq!((sort.seen, sort.distinct, sort.repeated), (20, 2, 0));
    assert_eq!(sort.words["asc"], 10);
    let tag = row("query", "tag");
    assert_eq!((tag.seen, tag.repeated), (5, 5));
    assert_eq!(row("header", "x-tenant").seen, 20);
    assert_eq!(row("cookie", "theme").seen, 20);
}

#[test]
fn a_restart_and_a_rename_change_nothing_else() {
    let settings = InventorySettings::default();
    let parameters = learned(&settings);
    let rows = parameters.snapshot(TEMPLATE);
    let restored = Parameters::restore(&rows, 20, TEMPLATE);
    assert_eq!(restored.snapshot(TEMPLATE), rows);
    let renamed = restored.snapshot("/users/{id}/v{n}.json");
    let names: Vec<&str> = renamed.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["id", "n", "sort", "tag", "x-tenant", "theme"]);
    let mut twice = parameters.clone();
    twice.merge(&parameters, &settings);
    assert_eq!(twice.observed(), 40);
    for (one, two) in rows.iter().zip(twice.snapshot(TEMPLATE)) {
        assert_eq!(two.seen, one.seen * 2);
        assert_eq!(two.values, one.values);
        assert!(two.distinct >= one.distinct && one.distinct <= one.seen + one.repeated);
    }
}

#[test]
fn texts_of_the_path_have_a_format_where_nearly_all_have_it() {
    let settings = InventorySettings::default();
    let format = |value: fn(u64) -> String| {
        let mut parameters = Parameters::default();
        for n in 0..60 {
            let path = format!("/users/{}/v1.json", value(n));
            let record = record(&path, Vec::new(), &[]);
            observe(&mut parameters, &record, TEMPLATE, &settings);
        }
        let rows = parameters.snapshot(TEMPLATE);
        let restored = Parameters::restore(&rows, 60, TEMPLATE);
        let rows = restored.snapshot(TEMPLATE);
        let row = rows.iter().find(|row| row.name == "user").unwrap();
        row.format().map(str::to_owned)
    };
    let ulid = |n| format!("01ARZ3NDEKTSV4RRFFQ69G5F{n:02}");
    assert_eq!(format(ulid).as_deref(), Some("ulid"));
    assert_eq!(
        format(|n| format!("some-word-{n}")).as_deref(),
        Some("slug")
    );
    assert_eq!(format(|n| format!("Some{n}")), None);
    assert_eq!(format(|n| n.to_string()), None, "a type says it");
    assert_eq!(format(|_| "en-US".to_owned()), None, "one value");
    let mixed = |n| {
        if n % 2 == 0 {
            format!("a-word-{n}")
        } else {
            format!("Word{n}")
        }
    };
    assert_eq!(format(mixed), None);
}

#[test]
fn texts_under_a_name_have_the_format_that_the_sensor_saw() {
    let settings = InventorySettings::default();
    let format = |form: fn(u64) -> Option<&'static str>| {
        let mut parameters = Parameters::default();
        for n in 0..60 {
            let mut cursor = sent("cursor", ValueType::String, n);
            cursor.value.word = None;
            cursor.value.form = form(n).map(Into::into);
            let record = record("/users/1/v1.json", vec![cursor], &[]);
            observe(&mut parameters, &record, TEMPLATE, &settings);
        }
        let rows = parameters.snapshot(TEMPLATE);
        let row = rows.iter().find(|row| row.name == "cursor").unwrap();
        row.format().map(str::to_owned)
    };
    assert_eq!(format(|_| Some("base64")).as_deref(), Some("base64"));
    assert_eq!(format(|_| None), None);
    assert_eq!(format(|n| (n % 2 == 0).then_some("base64")), None);
}

#[test]
fn header_fields_and_cookies_have_types_values_and_ranges() {
    let settings = InventorySettings::default();
    let mut parameters = Parameters::default();
    for n in 0..60_u64 {
        let mut record = record("/users/1/v1.json", Vec::new(), &["host", "x-limit"]);
        let request = record.request.as_mut().unwrap();
        request.header_values = vec![sent("x-limit", ValueType::Integer, n)];
        request.cookie_values = vec![sent("theme", ValueType::String, n % 2)];
        observe(&mut parameters, &record, TEMPLATE, &settings);
    }
    let rows = parameters.snapshot(TEMPLATE);
    let row = |name: &str| rows.iter().find(|row| row.name == name).unwrap();
    let limit = row("x-limit");
    assert_eq!((limit.location.as_str(), limit.seen), ("header", 60));
    assert_eq!(limit.types["integer"], 60);
    assert_eq!(limit.range().map(<(f64, f64)>::from), Some((0.0, 59.0)));
    let theme = row("theme");
    assert_eq!((theme.location.as_str(), theme.seen), ("cookie", 60));
    assert_eq!((theme.types["string"], theme.distinct), (60, 2));
    assert_eq!(theme.words["asc"], 30);
    assert_eq!(parameters.refused(), 0);
}

#[test]
fn fields_of_bodies_are_parameters_with_the_few_numbers_they_take() {
    let settings = InventorySettings::default();
    let mut parameters = Parameters::default();
    for n in 0..60_u64 {
        let mut record = record("/users/1/v1.json", Vec::new(), &[]);
        let size = sent("items[].size", ValueType::Integer, 40 + n % 3 * 2);
        let again = sent("items[].size", ValueType::Integer, 40);
        record.request.as_mut().unwrap().body_values = Some([size, again].into());
        observe(&mut parameters, &record, TEMPLATE, &settings);
    }
    let rows = parameters.snapshot(TEMPLATE);
    let restored = Parameters::restore(&rows, 60, TEMPLATE);
    assert_eq!(restored.snapshot(TEMPLATE), rows);
    let row = rows.iter().find(|row| row.name == "items[].size").unwrap();
    assert_eq!(
        (row.location.as_str(), row.seen, row.repeated),
        ("body", 60, 60)
    );
    assert_eq!(row.distinct, 3);
    assert_eq!(
        row.choices(),
        Some(Choices::Numbers(vec![40.0, 42.0, 44.0]))
    );
}

#[test]
fn names_beyond_the_cap_are_counted() {
    let settings = InventorySettings {
        max_parameters: 2,
        max_header_parameters: 1,
        ..InventorySettings::default()
    };
    let mut parameters = Parameters::default();
    let query = (0..5).map(|n| sent(&format!("p{n}"), ValueType::Integer, n));
    let mut record = record("/x", query.collect(), &["x-a", "x-b"]);
    let values = ["x-a", "x-b"].map(|name| sent(name, ValueType::Integer, 1));
    record.request.as_mut().unwrap().header_values = values.into();
    observe(&mut parameters, &record, "/x", &settings);
    assert_eq!(parameters.snapshot("/x").len(), 4);
    assert_eq!(parameters.refused(), 4);
}

#[test]
fn ranges_are_told_of_many_harmless_numbers_and_survive_a_restart_and_a_merge() {
    let settings = InventorySettings::default();
    let learn = |from: u64, to: u64, class: Option<&'static str>| {
        let mut parameters = Parameters::default();
        for n in from..to {
            let mut size = sent("size", ValueType::Integer, n);
            size.value.class = class.map(Into::into);
            let query = vec![size, sent("user_id", ValueType::Integer, n)];
            let path = format!("/users/{n}/v{}.json", n * 1_000);
            let record = record(&path, query, &[]);
            observe(&mut parameters, &record, TEMPLATE, &settings);
        }
        parameters
    };
    let range = |parameters: &Parameters, name: &str| {
        let rows = parameters.snapshot(TEMPLATE);
        let row = rows.iter().find(|row| row.name == name).unwrap();
        row.range().map(<(f64, f64)>::from)
    };
    let many = learn(5, 100, None);
    assert_eq!(range(&many, "size"), Some((5.0, 99.0)));
    assert_eq!(range(&many, "version"), Some((5_000.0, 99_000.0)));
    assert_eq!(range(&many, "user_id"), None, "names of things");
    assert_eq!(range(&learn(5, 14, None), "size"), None, "few values");
    let personal = learn(5, 100, Some("phone"));
    assert_eq!(range(&personal, "size"), None);
    let rows = personal.snapshot(TEMPLATE);
    let size = rows.iter().find(|row| row.name == "size").unwrap();
    assert!(size.lengths.is_some() && size.length_range().is_none());

    let mut whole = Parameters::restore(&many.snapshot(TEMPLATE), 95, TEMPLATE);
    assert_eq!(range(&whole, "size"), Some((5.0, 99.0)));
    whole.merge(&learn(100, 110, None), &settings);
    assert_eq!(range(&whole, "size"), Some((5.0, 109.0)));
}
