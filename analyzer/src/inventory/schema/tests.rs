//! Schemas: by situation, and remembered shapes against looking at each body anew.

use super::super::types::TYPES;
use super::outline::SHAPE_COST;
use super::*;
use proptest::prelude::*;
use tapscope_record::{Field, MessageRecord, Shape, ValueType};

fn scalar(kind: ValueType) -> Shape {
    Shape {
        kind,
        ..Shape::default()
    }
}

fn object(fields: &[(&str, ValueType)]) -> Shape {
    let field = |(name, kind): &(&str, ValueType)| Field {
        name: (*name).to_owned().into(),
        shape: scalar(*kind),
        ..Field::default()
    };
    Shape {
        fields: fields.iter().map(field).collect(),
        ..scalar(ValueType::Object)
    }
}

fn body(shape: Shape) -> MessageRecord {
    MessageRecord {
        body_len: 10,
        content_type: Some("application/json".into()),
        shape: Some(shape.into()),
        ..MessageRecord::default()
    }
}

fn observe(
    schemas: &mut Schemas,
    status: Option<u16>,
    (message, whole): (&MessageRecord, bool),
    settings: &InventorySettings,
) {
    let mut outlines = Outlines::default();
    observe_with(&mut outlines, schemas, status, (message, whole), settings);
}

fn observe_with(
    outlines: &mut Outlines,
    schemas: &mut Schemas,
    status: Option<u16>,
    (message, whole): (&MessageRecord, bool),
    settings: &InventorySettings,
) {
    let shape = message.shape.as_deref();
    let outline = shape.map(|shape| outlines.of_shape(shape, settings));
    let side = Side {
        media_type: message.content_type.as_deref().map(Into::into),
        whole,
        passed: message.is_passed(),
    };
    let body = (&side, message.body_len, outline.as_ref());
    schemas.observe_message(status, body, settings);
}

#[test]
fn a_body_that_was_not_looked_at_counts_nowhere() {
    let settings = InventorySettings::default();
    let mut schemas = Schemas::default();
    let looked_at = body(object(&[("id", ValueType::Integer)]));
    let passed = MessageRecord {
        shape: None,
        limits: vec![MessageRecord::SAMPLED.into()],
        ..looked_at.clone()
    };
    for message in [&looked_at, &passed, &passed, &looked_at] {
        observe(&mut schemas, Some(200), (message, true), &settings);
    }
    let snapshot = schemas.snapshot(&settings).unpack();
    assert_eq!((snapshot.len(), snapshot[0].bodies), (1, 2));
    assert!(snapshot[0].root.fields.iter().all(|field| field.seen == 2));
}

fn learn(schemas: &mut Schemas, shape: Shape, whole: bool) {
    let settings = InventorySettings::default();
    observe(schemas, Some(200), (&body(shape), whole), &settings);
}

fn only(schemas: &Schemas) -> FieldSnapshot {
    let all = schemas.snapshot(&InventorySettings::default()).unpack();
    assert_eq!(all.len(), 1);
    all[0].root.clone()
}

proptest! {
    /// Counting known shapes gives what looking at each body anew gives, caps included, and so
    /// does a restart; who reads in between changes nothing, neither what is known nor what it weighs.
    #[test]
    fn shapes_seen_before_count_like_new_ones(
        shapes in prop::collection::vec(prop::collection::vec((0_u8..24, 0_u8..16), 0..8), 1..10),
        order in prop::collection::vec((0_usize..10, any::<bool>(), any::<bool>(), 0_u8..8), 1..60),
    ) {
        let settings = InventorySettings {
            max_schema_fields: 16,
            max_fields_per_body: 6,
            max_tally_keys: 2,
            ..InventorySettings::default()
        };
        let mut memoised = Schemas::default();
        let mut plain = Schemas::default();
        let mut unread = Schemas::default();
        let mut outlines = Outlines::default();
        for (at, request, whole, read) in order {
            let fields = shapes[at % shapes.len()].iter().map(|&(name, kind)| Field {
                name: format!("field{name}").into(),
                shape: scalar(TYPES[kind as usize].0),
                class: (kind % 3 == 0).then(|| format!("class{}", kind % 2).into()),
                ..Field::default()
            });
            let shape = Shape { fields: fields.collect(), ..scalar(ValueType::Object) };
            let status = (!request).then_some(200);
            let message = body(shape);
            observe_with(&mut outlines, &mut memoised, status, (&message, whole), &settings);
            observe_with(&mut outlines, &mut unread, status, (&message, whole), &settings);
            plain.settle(&settings);
            observe(&mut plain, status, (&message, whole), &settings);
            prop_assert_eq!(memoised.fields(), unread.fields());
            if read == 0 {
                prop_assert_eq!(memoised.snapshot(&settings), plain.snapshot(&settings));
            }
        }
        let all = memoised.snapshot(&settings);
        prop_assert_eq!(&all, &plain.snapshot(&settings));
        prop_assert_eq!(&all, &unread.snapshot(&settings));
        prop_assert_eq!(memoised.bytes(), unread.bytes());
        memoised.settle(&settings);
        plain.settle(&settings);
        prop_assert_eq!(memoised.refused(), plain.refused());
        prop_assert_eq!(&Schemas::restore(&all).snapshot(&settings), &all);
    }
}

#[test]
fn more_kinds_of_bodies_than_may_wait_are_added_and_weighed() {
    let settings = InventorySettings {
        outlines_max: 4,
        ..InventorySettings::default()
    };
    let mut outlines = Outlines::default();
    let (mut schemas, mut plain) = (Schemas::default(), Schemas::default());
    let mut most = 0;
    for n in 0..300 {
        let (first, second) = (format!("field{n}"), format!("field{}", n / 7));
        let fields: Vec<_> = [first.as_str(), second.as_str()]
            .map(|name| (name, ValueType::Integer))
            .to_vec();
        let message = body(object(&fields));
        let one = (&message, true);
        observe_with(&mut outlines, &mut schemas, Some(200), one, &settings);
        plain.settle(&settings);
        observe(&mut plain, Some(200), one, &settings);
        most = most.max(outlines.bytes());
    }
    assert_eq!(schemas.snapshot(&settings), plain.snapshot(&settings));
    // What waits holds outlines that are remembered no longer; added, it holds none.
    let waiting = outlines.bytes();
    schemas.settle(&settings);
    assert!(outlines.bytes() < waiting, "{waiting}");
    assert!(most > 2 * outlines.bytes(), "{most} {}", outlines.bytes());
}

#[test]
fn shapes_beyond_the_cap_have_their_outlines_all_the_same() {
    let settings = InventorySettings {
        outlined_shapes_max: 3,
        ..InventorySettings::default()
    };
    let mut outlines = Outlines::default();
    let shape = || Arc::new(object(&[("id", ValueType::Integer)]));
    let many: Vec<_> = core::iter::repeat_with(shape).take(20).collect();
    let outline = outlines.of_shape(&many[0], &settings);
    let bare = outlines.bytes();
    let mut most = 0;
    for one in many.iter().chain(&many) {
        let _held_twice = Arc::clone(one);
        assert!(Arc::ptr_eq(&outlines.of_shared(one, &settings), &outline));
        most = most.max(outlines.bytes());
    }
    assert_eq!(most - bare, 3 * SHAPE_COST);
}

#[test]
fn optional_and_nullable_fields_are_told_by_their_share() {
    let mut schemas = Schemas::default();
    for n in 0..10 {
        let kind = if n % 5 == 0 {
            ValueType::Null
        } else {
            ValueType::Integer
        };
        let mut fields = vec![("id", ValueType::Integer), ("count", kind)];
        if n % 2 == 0 {
            fields.push(("note", ValueType::String));
        }
        learn(&mut schemas, object(&fields), true);
    }
    // A body that broke off says nothing of what is missing.
    learn(&mut schemas, object(&[("id", ValueType::Integer)]), false);
    let root = only(&schemas);
    assert_eq!((root.seen, root.whole, root.objects), (11, 10, 10));
    let shares: Vec<(&str, u64, u64)> = root
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field.seen, field.whole))
        .collect();
    assert_eq!(shares, [("count", 10, 10), ("id", 11, 10), ("note", 5, 5)]);
    assert_eq!(root.fields[0].types["null"], 2);
}

#[test]
fn statuses_and_media_types_have_schemas_of_their_own() {
    let settings = InventorySettings::default();
    let mut schemas = Schemas::default();
    for (status, media_type) in [
        (Some(200), "application/json"),
        (Some(404), "application/json"),
        (Some(200), "text/html"),
        (None, "application/json"),
    ] {
        let message = MessageRecord {
            content_type: Some(media_type.to_owned().into()),
            ..body(object(&[("id", ValueType::Integer)]))
        };
        observe(&mut schemas, status, (&message, true), &settings);
    }
    let all = schemas.snapshot(&settings).unpack();
    let keys: Vec<_> = all
        .iter()
        .map(|s| (s.status, s.media_type.as_str()))
        .collect();
    assert_eq!(
        keys,
        [
            (None, "application/json"),
            (Some(200), "application/json"),
            (Some(200), "text/html"),
            (Some(404), "application/json"),
        ]
    );
}

#[test]
fn keys_that_are_data_become_one_field() {
    let mut by_id = Schemas::default();
    for n in 0..40_u32 {
        let name = format!("{}", 1_000 + n);
        let mut shape = object(&[]);
        shape.fields.push(Field {
            name: name.into(),
            shape: object(&[("name", ValueType::String)]),
            ..Field::default()
        });
        learn(&mut by_id, shape, true);
    }
    let root = only(&by_id);
    assert!(root.is_map());
    assert_eq!(root.fields.len(), 1);
    assert_eq!(root.fields[0].seen, 40);
    assert_eq!(root.fields[0].fields[0].name, "name");

    // Many words, each in few bodies and all of one type.
    let mut by_word = Schemas::default();
    for n in 0..60_u8 {
        let (a, b) = (format!("key-{}", n % 30), format!("key-{}", (n + 7) % 30));
        learn(
            &mut by_word,
            object(&[(&a, ValueType::Integer), (&b, ValueType::Integer)]),
            true,
        );
    }
    assert!(only(&by_word).is_map());

    // Many fields that are in every body are fields.
    let mut wide = Schemas::default();
    let names: Vec<String> = (0..48).map(|n| format!("field_{n}x")).collect();
    let fields: Vec<(&str, ValueType)> = names
        .iter()
        .map(|name| (name.as_str(), ValueType::String))
        .collect();
    learn(&mut wide, object(&fields), true);
    assert!(!only(&wide).is_map());
}

#[test]
fn merging_adds_and_a_map_takes_the_others_fields_in() {
    let settings = InventorySettings::default();
    let (mut one, mut two) = (Schemas::default(), Schemas::default());
    for n in 0..6_u32 {
        let name = format!("{n}");
        learn(&mut one, object(&[(&name, ValueType::Integer)]), true);
        learn(&mut two, object(&[("77", ValueType::Integer)]), true);
    }
    for (first, second) in [(&one, &two), (&two, &one)] {
        let mut merged = first.clone();
        merged.merge(second, &settings);
        let root = only(&merged);
        assert!(root.is_map(), "{root:?}");
        assert_eq!(
            (root.seen, root.fields.len(), root.fields[0].seen),
            (12, 1, 12)
        );
    }
}

#[test]
fn what_is_beyond_the_caps_is_counted() {
    let settings = InventorySettings {
        max_schemas: 4,
        max_schema_fields: 3,
        max_field_depth: 2,
        ..InventorySettings::default()
    };
    let mut schemas = Schemas::default();
    for status in [400, 401, 402, 200, 201, 204] {
        let shape = object(&[("a", ValueType::String)]);
        observe(&mut schemas, Some(status), (&body(shape), true), &settings);
    }
    let statuses: Vec<_> = schemas
        .snapshot(&settings)
        .unpack()
        .iter()
        .map(|s| s.status)
        .collect();
    assert_eq!(statuses, [Some(200), Some(201), Some(400), Some(401)]);
    schemas.settle(&settings);
    assert_eq!(schemas.refused(), 3);
}
