//! The parameters of an endpoint: by situation, and against a plain model.

use super::*;
use proptest::prelude::*;
use tapscope_record::Field;

fn shape(fields: &[(u8, u8)]) -> Shape {
    let field = |&(name, kind): &(u8, u8)| Field {
        name: format!("field{name}"),
        shape: Shape {
            kind: TYPES[kind as usize % TYPES.len()].0,
            ..Shape::default()
        },
        class: (kind % 3 == 0).then(|| format!("class{kind}")),
        ..Field::default()
    };
    Shape {
        kind: ValueType::Object,
        fields: fields.iter().map(field).collect(),
        ..Shape::default()
    }
}

proptest! {
    /// Counting known shapes gives what looking at each body anew gives, caps included.
    #[test]
    fn shapes_seen_before_count_like_new_ones(
        shapes in prop::collection::vec(prop::collection::vec((0_u8..24, 0_u8..16), 0..8), 1..10),
        order in prop::collection::vec((0_usize..10, any::<bool>(), 0_u8..8), 1..60),
    ) {
        let settings = InventorySettings {
            max_parameters: 16,
            max_fields_per_body: 6,
            max_tally_keys: 2,
            ..InventorySettings::default()
        };
        let mut memoised = Parameters::default();
        let mut plain = Parameters::default();
        for (at, request, read) in order {
            let location = if request { Location::RequestBody } else { Location::ResponseBody };
            let shape = shape(&shapes[at % shapes.len()]);
            memoised.observe_body(location, &shape, &settings);
            plain.memos = Memos::default();
            plain.observe_body(location, &shape, &settings);
            if read == 0 {
                prop_assert_eq!(memoised.snapshot(), plain.snapshot());
            }
        }
        prop_assert_eq!(memoised.snapshot(), plain.snapshot());
        prop_assert_eq!(memoised.refused(), plain.refused());
        let restored = Parameters::restore(&memoised.snapshot()).snapshot();
        prop_assert_eq!(restored, memoised.snapshot());
    }
}

#[test]
fn every_type_keeps_its_name() {
    for (kind, name) in TYPES {
        let serialised = serde_json::to_value(kind).unwrap();
        assert_eq!(serialised, name);
        assert_eq!(type_named(name), kind);
        assert_eq!(type_name(kind), name);
    }
}
