//! Exchanges of an endpoint wait, and are counted several at once: who looks when changes nothing.

mod support;

use proptest::prelude::*;
use support::{Kept, call};
use tapscope_analyzer::{Analyzer, AnalyzerSettings, Restored};
use tapscope_record::{
    Credential, ExchangeRecord, Field, JwtFacts, MessageRecord, Parameter, PathSegment, Shape,
    Token, ValueProfile, ValueType,
};

/// What one exchange is like, as a few small numbers.
type Like = (u8, u8, u8, u8, u8);

fn record(second: i64, like: Like) -> ExchangeRecord {
    let (kind, status, _, _, value) = like;
    let path = ["/users", "/users/one/notes", "/orders"][usize::from(kind % 3)];
    let made =
        call("POST", path, second).status([200, 201, 404, 500, 304][usize::from(status % 5)]);
    let mut record = made.0;
    record.path.push(match value % 4 {
        0 => PathSegment::Redacted {
            class: ["email", "phone", "card"][usize::from(value % 3)].into(),
            token: Token(value.into()),
        },
        1 => PathSegment::Literal(format!("word-{value}").into()),
        _ => PathSegment::Literal((u32::from(value) * 1_000).to_string().into()),
    });
    for message in [&mut record.request, &mut record.response] {
        describe(message.get_or_insert_with(MessageRecord::default), like);
    }
    if let Some(request) = &mut record.request {
        name_parameters(request, like);
    }
    record.credentials = credential(like).into_iter().collect();
    record.latency_ns = (value % 5 > 0).then(|| u64::from(value) * 1_000_000);
    record
}

fn describe(message: &mut MessageRecord, (kind, _, classes, names, value): Like) {
    let class = |at: u8| format!("class{at}");
    message.body_len = u64::from(value) * 7;
    message.content_type = Some(format!("text/type{}", kind % 4).into());
    for at in 0..classes % 4 {
        let values = u32::from(value) + 1;
        message
            .data_classes
            .add(class(at + kind % 3).into(), values);
    }
    let field = |at: u8| Field {
        name: format!("field{at}").into(),
        class: at.is_multiple_of(3).then(|| class(at).into()),
        ..Field::default()
    };
    message.shape = (value % 3 > 0).then(|| {
        let fields = (0..names % 6).map(|at| field(at * 2 + value % 2));
        let shape = Shape {
            kind: ValueType::Object,
            fields: fields.collect(),
            ..Shape::default()
        };
        shape.into()
    });
}

fn name_parameters(request: &mut MessageRecord, (kind, _, _, names, value): Like) {
    let name = |at: u8| format!("x-name{}", at + kind % 2);
    let named: Vec<String> = (0..names % 4).map(name).collect();
    let valued = named.iter().filter(|_| value.is_multiple_of(2));
    let valued = valued.map(|name| Parameter {
        name: name.clone().into(),
        value: ValueProfile {
            kind: [ValueType::Integer, ValueType::Hex][usize::from(names % 2)],
            len: 3,
            token: Token(value.into()),
            class: None,
            word: None,
            number: None,
            form: None,
        },
    });
    request.cookie_values = valued.collect();
    request.cookie_names = named.clone().into();
    request.header_names = named.into();
}

fn credential((kind, _, classes, names, value): Like) -> Option<Credential> {
    let scheme = ["none", "bearer", "basic"][usize::from(names % 3)];
    let jwt = JwtFacts {
        algorithm: ["HS256", "none"][usize::from(kind % 2)].into(),
        issuer: None,
        lifetime_s: Some(u64::from(classes) * 60),
    };
    (names % 4 > 0).then(|| Credential {
        scheme: scheme.into(),
        location: "header".into(),
        name: "x-key".into(),
        token: Token(value.into()),
        subject: None,
        jwt: classes.is_multiple_of(2).then_some(jwt),
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Also where every cap is reached, so that it matters what came first.
    #[test]
    fn what_is_taken_late_counts_as_if_it_had_been_taken_at_once(
        likes in prop::collection::vec(any::<Like>(), 40..240),
        when in prop::collection::vec(0_u8..6, 240),
    ) {
        let mut settings = AnalyzerSettings::default();
        settings.inventory.max_tally_keys = 2;
        settings.inventory.max_header_parameters = 2;
        settings.inventory.max_schema_fields = 6;
        settings.inventory.exact_consumers = 2;
        let mut often = Analyzer::new(settings.clone(), Restored::default());
        let mut once = Analyzer::new(settings, Restored::default());
        let mut kept = (Kept::default(), Kept::default());
        for ((like, take), second) in likes.iter().zip(when).zip(0..) {
            let record = record(second, *like);
            prop_assert_eq!(often.handle_record(&record), once.handle_record(&record));
            if take == 0 {
                kept.0.save(&often.take_changes());
            }
        }
        kept.0.save(&often.flush_changes());
        kept.1.save(&once.flush_changes());
        let [often, once] = [&kept.0, &kept.1].map(|kept| {
            serde_json::to_value(&kept.0.endpoints).unwrap()
        });
        prop_assert_eq!(often, once);
        prop_assert!(!kept.0.0.endpoints.is_empty());
    }
}
